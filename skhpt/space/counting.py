"""How many configurations there are, without looking at each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .base import freeze
from .conditions import Condition, Parameter

Branch = Sequence[Parameter]
# Each parameter that exists, with the values that lead there (None: all of its values).
Flat = dict[str, tuple[Parameter, list[Any] | None]]

# Dimensions with more values than this are not compared value by value.
COMPARABLE = 10_000


def count(branch: Branch) -> float:
    """Return the number of configurations of a branch.

    Parameters that no condition connects multiply; those that conditions connect are
    counted for each way in which the conditions can turn out.
    """
    total: float = 1
    for component in _components(branch):
        total *= sum(
            math.prod(_size(*entry) for entry in flat.values()) for flat in flatten(component)
        )
    return total


def _size(parameter: Parameter, values: list[Any] | None) -> float:
    return parameter.dimension.size if values is None else len(values)


def _components(branch: Branch) -> list[list[Parameter]]:
    """Split a branch into parts that no condition connects, each in the order given."""
    root = {parameter.name: parameter.name for parameter in branch}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for parameter in branch:
        for condition in parameter.conditions:
            root[find(parameter.name)] = find(condition.parent)
    parts: dict[str, list[Parameter]] = {}
    for parameter in branch:
        parts.setdefault(find(parameter.name), []).append(parameter)
    return list(parts.values())


def flatten(
    branch: Branch, values: Callable[[Parameter], list[Any]] | None = None
) -> Iterator[Flat]:
    """Yield a branch for each way in which its conditions can turn out.

    Parameters
    ----------
    branch : sequence of Parameter
        Parents before the parameters that depend on them.
    values : callable, default=None
        Returns the values of a parent; None for all of them.
    """
    watched: dict[str, list[Condition]] = {}
    for parameter in branch:
        for condition in parameter.conditions:
            watched.setdefault(condition.parent, []).append(condition)
    values = values or (lambda parameter: parameter.dimension.values())
    groups = {p.name: _alike(p, watched[p.name], values(p)) for p in branch if p.name in watched}
    yield from _unfold(list(branch), groups, {})


def _unfold(
    rest: list[Parameter], groups: Mapping[str, list[list[Any]]], chosen: Flat
) -> Iterator[Flat]:
    while rest and not all(_met(condition, chosen) for condition in rest[0].conditions):
        rest = rest[1:]
    if not rest:
        yield chosen
        return
    parameter, rest = rest[0], rest[1:]
    for group in groups.get(parameter.name, [None]):
        yield from _unfold(rest, groups, {**chosen, parameter.name: (parameter, group)})


def _alike(parent: Parameter, conditions: list[Condition], values: list[Any]) -> list[list[Any]]:
    """Group the values of a parent that meet the same conditions."""
    groups: dict[tuple[bool, ...], list[Any]] = {}
    for value in values:
        met = tuple(_meets(parent, value, condition) for condition in conditions)
        groups.setdefault(met, []).append(value)
    return list(groups.values())


def _meets(parent: Parameter, value: Any, condition: Condition) -> bool:
    key = parent.dimension.key
    return key(value) in {key(wanted) for wanted in condition.values}


def _met(condition: Condition, chosen: Flat) -> bool:
    if condition.parent not in chosen:
        return False
    parent, group = chosen[condition.parent]
    return _meets(parent, group[0], condition)


def disjoint(branches: Sequence[Branch]) -> bool:
    """Whether no configuration belongs to two branches, as far as is easy to see."""
    return all(_apart(a, b) for a, b in itertools.combinations(branches, 2))


def _apart(a: Branch, b: Branch) -> bool:
    ours, theirs = ({p.name: p for p in branch} for branch in (a, b))
    for name in ours.keys() | theirs.keys():
        always = [names[name] for names in (ours, theirs) if name in names]
        if any(parameter.conditions for parameter in always):
            continue
        if len(always) == 1 or _no_common_value(*always):
            return True
    return False


def _no_common_value(a: Parameter, b: Parameter) -> bool:
    if max(a.dimension.size, b.dimension.size) > COMPARABLE:
        return False
    values = [{freeze(value) for value in p.dimension.values()} for p in (a, b)]
    return values[0].isdisjoint(values[1])

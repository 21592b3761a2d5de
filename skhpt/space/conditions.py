"""Parameters that exist only for some values of another one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .base import Dimension, SpaceError


class When:
    """Parameters that are searched only while another one has certain values.

    Parameters
    ----------
    parent : str
        Name of the parameter on which it depends; it must have finitely many values.
    value : object, or list or set of objects
        The value of the parent, or a list of values any of which will do. A tuple is one
        value.
    what : dict, or anything that describes one parameter
        A dict of further parameters; the key under which the ``When`` stands is then only a
        label. Or a single parameter (a list, a range, a distribution ...), which then has
        that key as its name. Either may contain further ``When``.

    Raises
    ------
    SpaceError
        If ``parent`` is not a string, or there are no values.

    Examples
    --------
    >>> from skhpt import When
    >>> space = {
    ...     "kernel": ["linear", "rbf", "poly"],
    ...     "gamma": When("kernel", ["rbf", "poly"], (1e-4, 1.0, "log-uniform")),
    ...     "only for poly": When("kernel", "poly", {"degree": [2, 3], "coef0": (0.0, 1.0)}),
    ... }
    """

    __slots__ = ("parent", "values", "what")

    def __init__(self, parent: str, value: Any, what: Any):
        values = tuple(value) if isinstance(value, list | set | frozenset) else (value,)
        if not isinstance(parent, str):
            raise SpaceError(
                f"the first argument of When must be the name of a parameter, got {parent!r}"
            )
        if not values:
            raise SpaceError(
                f"When({parent!r}, ...) must name at least one value of {parent!r}, got {value!r}"
            )
        self.parent, self.values, self.what = parent, values, what

    def __repr__(self) -> str:
        value = self.values[0] if len(self.values) == 1 else list(self.values)
        return f"When({self.parent!r}, {value!r}, {self.what!r})"


@dataclass(frozen=True)
class Condition:
    """``parent`` has one of ``values``."""

    parent: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Parameter:
    """A named dimension, and all the conditions under which it exists."""

    name: str
    dimension: Dimension
    conditions: tuple[Condition, ...] = ()


Reader = Callable[[str, Any], Dimension]
Items = Iterable[tuple[str, Any]]


def branches(definition: Any, read: Reader) -> list[tuple[Parameter, ...]]:
    """Return the parameters of every alternative of a definition.

    Parameters
    ----------
    definition : dict, or list of dict and When
        A When of the list belongs to every dict that has its parent.
    read : callable
        Turns a name and what stands for it into a Dimension.

    Returns
    -------
    list of tuple of Parameter
        In each tuple, sorted by name (as in scikit-learn), but parents before the
        parameters that depend on them.

    Raises
    ------
    SpaceError
        If a name is not a string or stands twice, or a condition can never hold.
    """
    entries = [definition] if isinstance(definition, Mapping) else list(definition)
    shared = [entry for entry in entries if isinstance(entry, When)]
    plain = [entry for entry in entries if not isinstance(entry, When)]
    if not plain:
        raise SpaceError("the list of search spaces holds no dict: give at least one")
    result = [_branch(entry, shared, read) for entry in plain]
    for when in shared:
        if not any(parameter.name == when.parent for branch in result for parameter in branch):
            names = {parameter.name for branch in result for parameter in branch}
            raise SpaceError(_no_parent(when, names))
    return result


def _branch(entry: Mapping, shared: Sequence[When], read: Reader) -> tuple[Parameter, ...]:
    found = list(_flatten(entry.items(), (), read))
    waiting = list(shared)
    while ready := [w for w in waiting if any(p.name == w.parent for p in found)]:
        waiting = [w for w in waiting if not any(w is r for r in ready)]
        for when in ready:
            found += _unfold(None, when, (), read)
    by_name: dict[str, Parameter] = {}
    for parameter in found:
        if parameter.name in by_name:
            raise SpaceError(
                f"parameter {parameter.name!r} is defined twice: let a single When list all "
                "the values for which it exists, or write the alternatives as a list of dicts"
            )
        by_name[parameter.name] = parameter
    for parameter in found:
        for condition in parameter.conditions:
            _check_condition(parameter, condition, by_name)
    return _ordered(by_name)


def check_name(name: Any) -> str:
    """Return the name of a parameter; SpaceError if it is not a string."""
    if not isinstance(name, str):
        raise SpaceError(
            f"the name of a parameter must be a string, got {name!r} of type {type(name).__name__}"
        )
    return name


def _flatten(items: Items, conditions: tuple, read: Reader) -> Iterable[Parameter]:
    for name, entry in items:
        check_name(name)
        if isinstance(entry, When):
            yield from _unfold(name, entry, conditions, read)
        else:
            yield Parameter(name, read(name, entry), conditions)


def _unfold(name: str | None, when: When, conditions: tuple, read: Reader) -> Iterable[Parameter]:
    conditions = (*conditions, Condition(when.parent, when.values))
    if isinstance(when.what, Mapping):
        return _flatten(when.what.items(), conditions, read)
    if name is None:
        raise SpaceError(
            f"{when!r} stands in a list and must hold a dict of parameters: "
            f"write When({when.parent!r}, ..., {{name: {when.what!r}}})"
        )
    return _flatten([(name, when.what)], conditions, read)


def _check_condition(
    parameter: Parameter, condition: Condition, by_name: Mapping[str, Parameter]
) -> None:
    parent = by_name.get(condition.parent)
    if parent is None:
        raise SpaceError(_no_parent(condition, by_name, parameter.name))
    if parent.dimension.size == float("inf"):
        raise SpaceError(
            f"parameter {parameter.name!r} depends on {parent.name!r}, which has no end of "
            f"values ({parent.dimension!r}): only a list of values or an integer range can "
            "be the parent of a When"
        )
    for value in condition.values:
        if not parent.dimension.contains(value):
            raise SpaceError(
                f"parameter {parameter.name!r} exists only when {parent.name!r} is {value!r}, "
                f"which {parent.name!r} can never be: it is one of {parent.dimension!r}"
            )


def _no_parent(what: When | Condition, names: Iterable[str], child: str | None = None) -> str:
    near = difflib.get_close_matches(what.parent, list(names), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    who = "a When" if child is None else f"parameter {child!r}"
    return (
        f"{who} depends on {what.parent!r}, which is not a parameter of the space "
        f"({', '.join(sorted(names)) or 'it is empty'}).{hint}"
    )


def _ordered(by_name: Mapping[str, Parameter]) -> tuple[Parameter, ...]:
    """Sort by name, parents first; the order of scikit-learn's ParameterGrid otherwise."""
    result: dict[str, Parameter] = {}

    def place(name: str, children: tuple[str, ...]) -> None:
        if name in children:
            raise SpaceError(
                f"parameter {name!r} depends on itself: {' -> '.join((*children, name))}"
            )
        for condition in by_name[name].conditions:
            place(condition.parent, (*children, name))
        result.setdefault(name, by_name[name])

    for name in sorted(by_name):
        place(name, ())
    return tuple(result.values())

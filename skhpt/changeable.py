"""What of a space may change while a model trains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .estimators.growing import Grower
from .estimators.pipelines import last_step
from .estimators.registry import family_of
from .space import Space, When
from .space.base import is_number

OTHERS = "BayesSearchCV or HalvingRandomSearchCV"


def check_has_space(estimator: Any, trainer: Grower) -> None:
    """Show what to write for an estimator of which no space is known.

    Raises
    ------
    ValueError
    """
    prefix, last = last_step(estimator)
    if not trainer.example or family_of(last) is not None:
        return
    example = {prefix + name: entry for name, entry in trainer.example.items()}
    raise ValueError(
        f"{type(last).__name__} has no curated search space. Write one, a dict of parameters to "
        f"ranges or lists of values, for instance:\n\n    space = {example!r}\n"
        "    search = PBTSearchCV(estimator, space)\n"
    )


def changeable_part(space: Mapping[str, Any], estimator: Any, trainer: Grower) -> dict[str, Any]:
    """The part of a curated space that may change during training.

    Raises
    ------
    ValueError
        When nothing of it may.
    """
    prefix, last = last_step(estimator)
    names = {prefix + name for name in trainer.changeable}
    kept = names | {prefix + name for name in trainer.beside}
    entries = {name: entry for name, entry in space.items() if name in kept}
    part = {n: e for n, e in entries.items() if not isinstance(e, When) or e.parent in entries}
    if not names & part.keys():
        raise ValueError(
            f"Nothing in the curated space of {type(last).__name__} may change during "
            f"training. Give param_distributions with some of {sorted(names)}."
        )
    given = last.get_params(deep=False)
    gaps = {name: trainer.gap(name[len(prefix) :], given) for name in part}
    return {name: _above(gaps[name], entry) for name, entry in part.items()}


def _above(gap: tuple[float, float] | None, entry: Any) -> Any:
    """A range, cut where a library cannot cross a gap during training."""
    if gap is None or not isinstance(entry, tuple) or not _crosses(gap, entry[0], entry[1]):
        return entry
    _, high, *prior = entry
    return (gap[1], high, *prior)


def _crosses(gap: tuple[float, float], low: float, high: float) -> bool:
    return low < gap[1] and high > gap[0]


def check_changeable(space: Space, estimator: Any, trainer: Grower) -> None:
    """Refuse what cannot change during training, unless it has a single value.

    Raises
    ------
    ValueError
    """
    prefix, last = last_step(estimator)
    ranges = _ranges(space)
    fixed = {n: values[0].values()[0] for n, values in ranges.items() if _is_fixed(values)}
    own = {n[len(prefix) :]: value for n, value in fixed.items() if n.startswith(prefix)}
    given = {**last.get_params(deep=False), **own}
    for name, dimensions in ranges.items():
        if name.startswith(prefix) and _means_rounds(last, name[len(prefix) :], trainer.rounds):
            raise ValueError(
                f"{name!r} counts the rounds of training, which all members have in common: "
                "take it out of param_distributions, and set max_rounds."
            )
        if name.removeprefix(prefix) not in trainer.changeable and name not in fixed:
            raise ValueError(_cannot_change(name, estimator, trainer))
        gap = trainer.gap(name.removeprefix(prefix), given)
        low, high = _extremes(dimensions)
        if gap is not None and _crosses(gap, low, high):
            raise ValueError(
                f"{name!r} must stay on one side of {gap[0]:g} during the training of "
                f"{type(last).__name__}, which crashes when that is crossed; got values from "
                f"{low:g} to {high:g}. Let them begin at {gap[1]:g} or above, or end at {gap[0]:g}."
            )


def _ranges(space: Space) -> dict[str, list[Any]]:
    """What all alternatives of a space say of each parameter."""
    ranges: dict[str, list[Any]] = {}
    for branch in space.branches:
        for parameter in branch:
            ranges.setdefault(parameter.name, []).append(parameter.dimension)
    return ranges


def _is_fixed(dimensions: Sequence[Any]) -> bool:
    if any(dimension.size != 1 for dimension in dimensions):
        return False
    return len({dimension.key(dimension.values()[0]) for dimension in dimensions}) == 1


def _means_rounds(last: Any, name: str, rounds: str) -> bool:
    """Whether a parameter is the number of rounds, by whichever name its library knows it."""
    family = family_of(last)
    return name == (rounds if family is None else family.rename({name: None, rounds: None}, rounds))


def _cannot_change(name: str, estimator: Any, trainer: Grower) -> str:
    prefix, last = last_step(estimator)
    names = sorted({prefix + own for own in trainer.changeable} & estimator.get_params().keys())
    return (
        f"{name!r} cannot change during the training of {type(last).__name__}, and PBTSearchCV "
        f"searches what can: {', '.join(map(repr, names))}. Give {name!r} a single value, and "
        f"choose that with {OTHERS}."
    )


def _extremes(dimensions: Sequence[Any]) -> tuple[float, float]:
    """The least and the greatest number of some dimensions; NaN where they have none."""
    known = [value for d in dimensions for value in _ends(d) if is_number(value)]
    return (min(known), max(known)) if known else (math.nan, math.nan)


def _ends(dimension: Any) -> list[Any]:
    if dimension.size < math.inf:
        return dimension.values()
    return [dimension.decode(np.full(dimension.n_columns, u)) for u in (0.0, 1.0)]

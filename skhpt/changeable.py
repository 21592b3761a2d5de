"""What of a space may change while a model trains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .estimators.growing import Grower
from .estimators.pipelines import last_step
from .space import Space, When
from .space.base import is_number

OTHERS = "BayesSearchCV or HalvingRandomSearchCV"


def changeable_part(space: Mapping[str, Any], estimator: Any, trainer: Grower) -> dict[str, Any]:
    """The part of a curated space that may change during training.

    Raises
    ------
    ValueError
        When nothing of it may.
    """
    prefix, last = last_step(estimator)
    names = {prefix + name for name in trainer.changeable}
    entries = {name: entry for name, entry in space.items() if name in names}
    part = {n: e for n, e in entries.items() if not isinstance(e, When) or e.parent in entries}
    if not part:
        raise ValueError(
            f"Nothing in the curated space of {type(last).__name__} may change during "
            f"training. Give param_distributions with some of {sorted(names)}."
        )
    given = last.get_params(deep=False)
    bounds = {name: trainer.watershed(name[len(prefix) :], given) for name in part}
    return {name: _above(bounds[name], entry) for name, entry in part.items()}


def _above(bound: float, entry: Any) -> Any:
    """A range, cut where a library cannot cross a value during training."""
    if not isinstance(entry, tuple) or not entry[0] <= bound < entry[1]:
        return entry
    _, high, *prior = entry
    return (round(bound + 0.1 * (high - bound), 3), high, *prior)


def check_changeable(space: Space, estimator: Any, trainer: Grower) -> None:
    """Refuse what cannot change during training, unless it has a single value.

    Raises
    ------
    ValueError
    """
    prefix, last = last_step(estimator)
    kind, rounds = type(last).__name__, prefix + trainer.rounds
    names = {prefix + name for name in trainer.changeable}
    fixed = {n: d.values()[0] for n, d in space.dimensions.items() if d.size == 1}
    own = {n[len(prefix) :]: value for n, value in fixed.items() if n.startswith(prefix)}
    given = {**last.get_params(deep=False), **own}
    for name, dimension in space.dimensions.items():
        if name == rounds:
            raise ValueError(
                f"{name!r} counts the rounds of training, which all members have in common: "
                "take it out of param_distributions, and set max_rounds."
            )
        if name not in names and dimension.size != 1:
            known = estimator.get_params()
            raise ValueError(
                f"{name!r} cannot change during the training of {kind}, and "
                f"PBTSearchCV searches what can: "
                f"{', '.join(map(repr, sorted(n for n in names if n in known)))}. "
                f"Give {name!r} a single value, and choose that with {OTHERS}."
            )
        bound = trainer.watershed(name[len(prefix) :], given)
        low, high = _extremes(dimension)
        if low <= bound < high:
            raise ValueError(
                f"{name!r} must stay on one side of {bound:g} during the training of {kind}, "
                f"which crashes when that is crossed; got values from {low:g} to {high:g}. Let "
                f"them begin above {bound:g}, or end at {bound:g}."
            )


def _extremes(dimension: Any) -> tuple[float, float]:
    """The least and the greatest number of a dimension; NaN where it has none."""
    if hasattr(dimension, "low"):
        return dimension.low, dimension.high
    known = dimension.values() if dimension.size < math.inf else []
    known = [value for value in known if is_number(value)]
    return (min(known), max(known)) if known else (math.nan, math.nan)

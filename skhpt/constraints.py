"""What a winner must satisfy beside its score, such as ``mean_score_time`` below a bound."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._compat import level_of_caller
from .selection import filled, numbers_of
from .space.base import is_number


class Constraint(NamedTuple):
    """What a column of ``cv_results_`` must be."""

    column: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.column} {self.sign} {self.bound:g}"

    def excess(self, values: np.ndarray) -> np.ndarray:
        """By how much each value is beyond the bound, as a share of it; inf for NaN."""
        over = values - self.bound if "<" in self.sign else self.bound - values
        return np.where(np.isnan(over), np.inf, np.maximum(over, 0.0) / (abs(self.bound) or 1.0))

    def holds(self, values: np.ndarray) -> np.ndarray:
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
        return compare[self.sign](values, self.bound)


def read_constraints(constraints: Mapping[str, str] | None) -> list[Constraint]:
    """Read ``{"mean_score_time": "<0.01"}``.

    Raises
    ------
    ValueError, TypeError
        When a value is not a comparison with a number.
    """
    return [_constraint(column, text) for column, text in (constraints or {}).items()]


def _constraint(column: Any, text: Any) -> Constraint:
    if not isinstance(column, str) or not isinstance(text, str):
        raise TypeError(
            "constraints is a dict of a column of cv_results_ to a comparison, such as "
            f"{{'mean_score_time': '<0.01'}}, got {column!r}: {text!r} in it."
        )
    found = re.fullmatch(r"\s*(<=|>=|<|>)\s*(\S+)\s*", text)
    try:
        bound = float(found.group(2))
    except (AttributeError, ValueError):
        bound = math.nan
    if not is_number(bound) or math.isinf(bound):
        raise ValueError(
            f"constraints[{column!r}] must be one of <, <=, >, >= and a number, such as '<0.01', "
            f"got {text!r}."
        )
    return Constraint(column, found.group(1), bound)


def allowed(
    results: Mapping[str, Any],
    constraints: Sequence[Constraint],
    among: np.ndarray,
    metric: str | None = None,
) -> np.ndarray:
    """Which candidates satisfy the constraints; where none does, the one that is nearest.

    Parameters
    ----------
    results : mapping
        ``cv_results_``.
    constraints : sequence of Constraint
    among : ndarray of bool
        Those that may win.
    metric : str, optional
        Decides between equally near ones.

    Warns
    -----
    UserWarning
        When none satisfies them, with how near the nearest came; when there is no such column.

    Notes
    -----
    How near: the greatest excess over a bound, each as a share of its bound.
    """
    missing = [c.column for c in constraints if c.column not in results]
    if missing:
        warnings.warn(
            f"constraints names {missing}, which the search turned out to have no column for: "
            "left out of the choice.",
            UserWarning,
            stacklevel=level_of_caller(),
        )
    known = [c for c in constraints if c.column in results]
    if not known or not among.any():
        return among
    values = {c: numbers_of(filled(results[c.column])) for c in known}
    good = among & np.all([c.holds(values[c]) for c in known], axis=0)
    if good.any():
        return good
    excess = np.max([c.excess(values[c]) for c in known], axis=0)
    ranks = results[f"rank_test_{metric}"] if metric else np.zeros(len(among))
    rows = np.flatnonzero(among)
    nearest = rows[np.lexsort([ranks[rows], excess[rows]])[0]]
    came = ", ".join(
        f"{c.column}={values[c][nearest]:.4g} (wanted {c.sign} {c.bound:g})" for c in known
    )
    warnings.warn(
        f"None of the {len(rows)} candidates that could win satisfies constraints; the nearest, "
        f"candidate {nearest} with {came}, was chosen. Loosen the constraints, or search where "
        "they hold.",
        UserWarning,
        stacklevel=level_of_caller(),
    )
    return np.arange(len(among)) == nearest

"""Whether a winner sits on the edge of what was searched, where it should not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plots.view import SearchView
from ..plots.words import number, value_text
from ..space.base import Dimension, freeze, is_number
from ..space.dimensions import Integer, Ordinal, Real

EDGE = 0.02  # share of a range that counts as its edge
LARGE = 0.05  # share of the variance from which a parameter mattered
TRUSTED = 0.3  # share of unseen variance that the forest must explain before it is believed
LEADERS = 3  # configurations that must agree before a curated range is doubted
LOW, HIGH = -1, 1  # the ends of a range

# Ends that are no matter of taste: there is nothing beyond.
_LEAST = {"min_samples_split": 2, "max_leaf_nodes": 2, "num_leaves": 2, "max_bin": 2, "max_bins": 2}
# What is no scale, although it is numbers.
_NO_SCALE = ("random_state", "random_seed", "seed", "n_jobs", "verbose")


def edge_of_range(view: SearchView) -> str | None:
    """The winner sits on the edge of a range that matters."""
    if view.best is None or _all_alike(view):
        return None
    names = [name for name in view.names if _wants_widening(view, name)]
    if not names:
        return None
    listed = ", ".join(
        f"{name}={value_text(view.params[view.best][name])} (of {range_text(view, name)})"
        for name in names
    )
    return (
        f"The winner sits on the edge of what was searched: {listed}. Widen it there, if the "
        "parameter allows."
    )


def range_text(view: SearchView, name: str) -> str:
    dimension = view.space.dimensions[name]
    if isinstance(dimension, Ordinal):
        return f"{number(min(dimension.choices))} to {number(max(dimension.choices))}"
    return f"{number(dimension.low)} to {number(dimension.high)}"


def _all_alike(view: SearchView) -> bool:
    known = view.score[np.isfinite(view.score)]
    return len(known) > 1 and bool(np.ptp(known) <= 1e-12 * np.abs(known).max())


def _wants_widening(view: SearchView, name: str) -> bool:
    if name.rpartition("__")[2] in _NO_SCALE or not _was_compared(view, name):
        return False
    side = _side(view, name, view.best)
    if not side or _is_natural(view, name, side) or _default_was_beyond(view, name, side):
        return False
    if _is_curated(view.search):
        # its ends have been thought of: one winner there may be chance
        leaders = view.ranking[:LEADERS]
        if len(leaders) < LEADERS or any(_side(view, name, i) != side for i in leaders):
            return False
    return _matters(view, name)


def _was_compared(view: SearchView, name: str) -> bool:
    """Whether more than one value of the parameter has a score; others may all have failed."""
    scored = np.flatnonzero(np.isfinite(view.score))
    return len({freeze(view.params[i][name]) for i in scored if name in view.params[i]}) > 1


def _side(view: SearchView, name: str, trial: int) -> int:
    """The end of the range that a configuration sits at; 0 for none."""
    dimension, value = view.space.dimensions[name], view.params[trial].get(name)
    if value is None or not dimension.contains(value):
        return 0
    if isinstance(dimension, Ordinal):
        at_low, at_high = value == min(dimension.choices), value == max(dimension.choices)
    elif isinstance(dimension, Integer):
        at_low, at_high = value == dimension.low, value == dimension.values()[-1]
    elif isinstance(dimension, Real):
        u = dimension.encode(value)[0]
        at_low, at_high = u < EDGE, u > 1 - EDGE
    else:
        return 0
    return LOW if at_low else HIGH if at_high else 0


def _is_natural(view: SearchView, name: str, side: int) -> bool:
    """Whether there is nothing beyond: a share ends at 0 and 1, a count at 1."""
    dimension = view.space.dimensions[name]
    low, high = _ends(dimension)
    if side == HIGH:
        return high == 1 and _is_share(dimension)
    least = _LEAST.get(name.rpartition("__")[2])
    if least is not None and low == least and _is_whole(dimension):
        return True
    is_count = _is_whole(dimension) and not isinstance(_given(view, name), float)
    return low in (0, 1) if is_count else low == 0


def _ends(dimension: Dimension) -> tuple[float, float]:
    if isinstance(dimension, Ordinal):
        return min(dimension.choices), max(dimension.choices)
    return dimension.low, dimension.high


def _is_whole(dimension: Dimension) -> bool:
    if isinstance(dimension, Ordinal):
        return all(isinstance(value, int | np.integer) for value in dimension.choices)
    return isinstance(dimension, Integer)


def _is_share(dimension: Dimension) -> bool:
    """Whether numbers up to 1 are parts of something, and no strengths that could go on."""
    if isinstance(dimension, Ordinal):
        return min(dimension.choices) >= 0 and float(np.median(dimension.choices)) >= 0.3
    return isinstance(dimension, Real) and not dimension.log


def _given(view: SearchView, name: str) -> Any:
    """The value of the estimator as given; None where it is not known."""
    try:
        return view.search.estimator.get_params()[name]
    except (AttributeError, KeyError):
        return None


def _default_was_beyond(view: SearchView, name: str, side: int) -> bool:
    """Whether what lies beyond was tried, by the default, which lies there and is not better."""
    if view.default_score is None or view.default_score > view.score[view.best]:
        return False
    value = view.params[view.default].get(name)
    if not is_number(value):
        return False
    low, high = _ends(view.space.dimensions[name])
    return bool(value < low if side == LOW else value > high)


def _is_curated(search: Any) -> bool:
    known = getattr(search, "_is_curated", None)
    return known is not None and known()


def _matters(view: SearchView, name: str) -> bool:
    found = view.importance
    if found is None or found.r2 < TRUSTED:
        return True  # nothing is known
    return name in found.names and bool(found.total[found.names.index(name)] >= LARGE)

"""Warnings worth reading: each looks at one thing and returns a sentence, or None."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..plots.view import SearchView
from ..plots.words import decimals, number, value_text
from ..space.base import is_number
from ..space.dimensions import Integer, Ordinal, Real
from ..trial import Status
from ..turn import StopReason
from .differences import Difference, difference

EDGE = 0.02  # share of a range that counts as its edge
SMALL = 0.02  # share of the variance below which a parameter did not matter
LARGE = 0.05  # share of the variance from which a parameter did
TRUSTED = 0.3  # share of unseen variance that the forest must explain before it is believed
CERTAIN = 0.5  # the same, where it says that something has no effect
ENOUGH = 40  # trials below which a forest misses what matters a little
LATE = 0.25  # share of the trials that are the end of a search
LATE_GAIN = 0.15  # share of the whole gain that is much for the end
FEWEST = 15  # trials from which an end can be told from a beginning
FIRST = 10  # configurations that one would like to tell apart


def constant_predictor(view: SearchView) -> str | None:
    """The default is no better than a constant predictor."""
    dummy = getattr(view.search, "dummy_score_", None)
    if dummy is None or view.default_score is None or view.default_score > dummy:
        return None
    n = decimals(view.default_score)
    return (
        f"The default scores {view.default_score:.{n}f}, no better than a predictor that always "
        f"says the same ({dummy:.{n}f}). Look at the data, the metric and a learning curve "
        "before searching."
    )


def not_converged(view: SearchView) -> str | None:
    """The refitted winner stopped at its largest number of iterations."""
    if getattr(view.search, "best_n_rounds_", None) is not None:
        return None  # its number of rounds was found, and is meant
    for step in _steps(getattr(view.search, "best_estimator_", None)):
        limit, spent = getattr(step, "max_iter", None), getattr(step, "n_iter_", None)
        if not isinstance(limit, int) or limit < 1 or spent is None or _boosts(step):
            continue
        if np.max(spent) >= limit:
            return (
                f"The training of the winner ({type(step).__name__}) ended at "
                f"max_iter={limit} and may not have converged. Raise max_iter, or scale the "
                "features."
            )
    return None


def failures(view: SearchView) -> str | None:
    """Configurations failed."""
    failed = np.flatnonzero(view.is_a(Status.FAILED))
    if not len(failed):
        return None
    text = f"{len(failed)} of {len(view)} configurations failed{_common_value(view, failed)}."
    error = _most_frequent_error(view)
    return text if error is None else f"{text} The most frequent error: {error}"


def no_gain(view: SearchView) -> str | None:
    """The winner is not better than the default beyond the noise of the folds, or is worse."""
    gain = gain_over_default(view)
    if gain is None:
        return None
    if view.best == view.default:
        return "Nothing was found that beats the default: the winner is the default itself."
    n = decimals(float(view.score[view.best]))
    if gain.high < 0.0:
        return (
            f"The estimator as given scores {-gain.mean:.{n}f} more than the winner, beyond the "
            "noise of the folds: it lies outside of your ranges and cannot win. Widen them "
            "towards it."
        )
    if not gain.within_noise:
        return None
    return (
        f"The gain over the default, {gain.mean:+.{n}f}, is within the noise of the folds: the "
        "default may do as well on new data."
    )


def optimistic(view: SearchView) -> str | None:
    """The cross-validated score lies above the interval of the held-out one."""
    if view.best is None or view.test_interval is None:
        return None
    score = float(view.score[view.best])
    low, high = view.test_interval
    if not score > high:
        return None
    n = decimals(score)
    return (
        f"The cross-validated score, {score:.{n}f}, lies above the whole interval of the held-out "
        f"score, {low:.{n}f} to {high:.{n}f}. Report the held-out one; look for rows that belong "
        "together and were split, or for a shift between the two sets."
    )


def edge_of_range(view: SearchView) -> str | None:
    """The winner sits on the edge of a range that matters."""
    if view.best is None:
        return None
    names = [name for name in view.names if _on_edge(view, name)]
    if not names:
        return None
    listed = ", ".join(
        f"{name}={value_text(view.params[view.best][name])} (of {_range_text(view, name)})"
        for name in names
    )
    return (
        f"The winner sits on the edge of what was searched: {listed}. Widen it there, if the "
        "parameter allows."
    )


def still_improving(view: SearchView) -> str | None:
    """The budget ended while the best score still rose."""
    tried = np.flatnonzero(view.electable)
    if view.resource is not None or len(view) < FEWEST or len(tried) < 2 or _is_whole(view.search):
        return None
    end = math.ceil(len(view) * (1 - LATE))
    early = view.score[tried[tried < end]]
    if not len(early):
        return None
    whole = view.score[tried].max() - np.median(early[:5])
    late = view.score[tried].max() - early.max()
    if late <= 0 or late < LATE_GAIN * whole:
        return None
    return (
        f"The last quarter of the budget still brought {100 * late / whole:.0f} % of the gain: "
        "more configurations may bring more."
    )


def cannot_tell_apart(view: SearchView) -> str | None:
    """The folds are too few to tell the first ten apart."""
    others = view.ranking[1:FIRST]
    if len(others) < 4 or view.best is None:
        return None
    gaps = [difference(view, view.best, i) for i in others]
    if not all(gap.has_interval and gap.within_noise for gap in gaps):
        return None
    if all(gap.mean == 0.0 for gap in gaps):
        return (
            f"The first {len(gaps) + 1} configurations have the same score: the metric or the "
            "data cannot tell them apart. Choose by cost or simplicity, or by a finer metric."
        )
    return (
        f"{view.n_first} folds cannot tell the first {len(gaps) + 1} configurations "
        "apart: choose among them by cost or simplicity, or repeat the cross-validation "
        "(RepeatedKFold, RepeatedStratifiedKFold)."
    )


def never_mattered(view: SearchView) -> str | None:
    """A parameter had next to no part in the score."""
    found = view.importance
    if found is None or found.r2 < CERTAIN or found.n_trials < ENOUGH or len(found.names) < 2:
        return None
    names = [name for name, share in zip(found.names, found.total) if share < SMALL]
    if not names:
        return None
    verb = "has" if len(names) == 1 else "have"
    return (
        f"{', '.join(names)} {verb} hardly mattered: less than {100 * SMALL:.0f} % of the "
        "variance of the score. Leave such parameters at their default, and spend the budget on "
        "the others."
    )


ADVICE: tuple[Callable[[SearchView], str | None], ...] = (
    constant_predictor,
    not_converged,
    failures,
    no_gain,
    optimistic,
    edge_of_range,
    still_improving,
    cannot_tell_apart,
    never_mattered,
)


def advice_on(view: SearchView) -> list[str]:
    """Return all that is worth a warning, the gravest first."""
    return [text for look in ADVICE if (text := look(view)) is not None]


def gain_over_default(view: SearchView) -> Difference | None:
    """Return what the winner is better by than the default, on the same folds."""
    if view.best is None or view.default_score is None:
        return None
    return difference(view, view.best, view.default)


# -- what they look at -------------------------------------------------------------------


def _is_whole(search: Any) -> bool:
    """Whether everything was tried that there was to try."""
    reason = getattr(search, "stop_reason_", None)
    if reason is None:
        return not hasattr(search, "n_iter")  # a grid
    return reason in (StopReason.EXHAUSTED, StopReason.LAST_RUNG)


def _steps(estimator: Any) -> list[Any]:
    """The estimator, or the steps of a pipeline, or what a wrapper holds."""
    if estimator is None:
        return []
    inner = [step for _, step in getattr(estimator, "steps", ())]
    inner += [getattr(estimator, name, None) for name in ("regressor_", "estimator_")]
    return [estimator, *(s for part in inner if part is not None for s in _steps(part))]


def _boosts(step: Any) -> bool:
    """Whether iterations are trees: then the last one is meant, not a sign of trouble."""
    return hasattr(step, "learning_rate") and hasattr(step, "max_leaf_nodes")


def _common_value(view: SearchView, failed: np.ndarray) -> str:
    """Name a value that all failures have and nothing else has."""
    others = np.setdiff1d(np.arange(len(view)), failed)
    for name in view.names:
        bad = {value_text(view.params[i].get(name)) for i in failed}
        good = {value_text(view.params[i].get(name)) for i in others}
        if len(bad) == 1 and not bad & good and len(failed) > 1:
            return f", all those with {name}={bad.pop()}"
    return ""


def _most_frequent_error(view: SearchView) -> str | None:
    ledger = getattr(view.search, "_ledger", None)
    if ledger is None or not ledger.errors():
        return None
    lines: Counter = Counter()
    for trace, count in ledger.errors().items():
        lines[trace.strip().splitlines()[-1]] += count
    text = lines.most_common(1)[0][0]
    return text if len(text) <= 200 else text[:199] + "…"


def _on_edge(view: SearchView, name: str) -> bool:
    dimension = view.space.dimensions[name]
    value = view.params[view.best].get(name)
    if value is None or not dimension.contains(value) or not _matters(view, name):
        return False
    if isinstance(dimension, Ordinal):
        return value in (min(dimension.choices), max(dimension.choices))
    if not isinstance(dimension, Real | Integer):
        return False
    low, high = dimension.low, dimension.high
    if isinstance(dimension, Integer):
        at_low, at_high = value == low, value == dimension.values()[-1]
    else:
        u = dimension.encode(value)[0]
        at_low, at_high = u < EDGE, u > 1 - EDGE
    if _default_lies_beyond(view, name, low, high):
        return False
    # A share ends at 0 and 1, a count at 1: there is nothing beyond.
    natural_low = low in (0, 1) if isinstance(dimension, Integer) else low == 0.0
    natural_high = isinstance(dimension, Real) and high == 1.0 and not dimension.log
    return bool((at_low and not natural_low) or (at_high and not natural_high))


def _default_lies_beyond(view: SearchView, name: str, low: float, high: float) -> bool:
    """Whether what lies outside of the range was tried: by the default, which lies there."""
    if view.default_score is None:
        return False
    value = view.params[view.default].get(name)
    return is_number(value) and not low <= value <= high


def _matters(view: SearchView, name: str) -> bool:
    found = view.importance
    if found is None or found.r2 < TRUSTED:
        return True  # nothing is known
    return name in found.names and bool(found.total[found.names.index(name)] >= LARGE)


def _range_text(view: SearchView, name: str) -> str:
    dimension = view.space.dimensions[name]
    if isinstance(dimension, Ordinal):
        return f"{number(min(dimension.choices))} to {number(max(dimension.choices))}"
    return f"{number(dimension.low)} to {number(dimension.high)}"

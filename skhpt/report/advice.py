"""Warnings worth reading: each looks at one thing and returns a sentence, or None."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..plots.view import SearchView
from ..plots.words import decimals, value_text
from ..trial import Status
from ..turn import StopReason
from .configurations import last_rows, n_configurations
from .differences import Difference, difference, gap_to_constant
from .edges import edge_of_range

SMALL = 0.02  # share of the variance below which a parameter did not matter
CERTAIN = 0.5  # share of unseen variance that a forest must explain to say what has no effect
ENOUGH = 40  # trials below which a forest misses what matters a little
LATE = 0.25  # share of the trials that are the end of a search
LATE_GAIN = 0.15  # share of the whole gain that is much for the end
FEWEST = 15  # trials from which an end can be told from a beginning
FIRST = 10  # configurations that one would like to tell apart
CLEAR = 2.0  # standard errors beyond which a difference is no noise


def constant_predictor(view: SearchView) -> str | None:
    """The default is no better than a constant predictor, or not beyond the noise of the folds."""
    dummy = getattr(view.search, "dummy_score_", None)
    # On a lower rung the default has seen fewer rows than the constant.
    if dummy is None or view.default_score is None or not view.full_budget[view.default]:
        return None
    gap, errors = gap_to_constant(view, dummy)
    if gap > 0 and not errors < CLEAR:
        return None
    n = decimals(view.default_score)
    word = "hardly" if gap > 0 else "no"
    noise = ", a difference within the noise of the folds" if gap > 0 else ""
    return (
        f"The default scores {view.default_score:.{n}f}, {word} better than a predictor that "
        f"always says the same ({dummy:.{n}f}{noise}). Look at the data, the metric and a "
        "learning curve before searching."
    )


def not_converged(view: SearchView) -> str | None:
    """The refitted winner, or the default, stopped at its largest number of iterations.

    The default is known where it was fitted for the test rows, or where it is the winner.
    """
    search = view.search
    models = [("default", getattr(search, "baseline_estimator_", None))]
    if getattr(search, "best_n_rounds_", None) is None:  # else its number was found, and is meant
        same = view.best is not None and view.best == view.default
        word = "winner, which is the default," if same else "winner"
        models.insert(0, (word, getattr(search, "best_estimator_", None)))
    found: dict[str, list[str]] = {}
    for word, model in models:
        short = _cut_short(model)
        if short is not None and not (found and view.best == view.default):
            found.setdefault(short, []).append(word)
    if not found:
        return None
    told = "; ".join(f"of the {' and of the '.join(who)} {what}" for what, who in found.items())
    return f"The training {told} and may not have converged. Raise max_iter, or scale the features."


def _cut_short(model: Any) -> str | None:
    """Say which part of a model made all the iterations that it was allowed."""
    for step in _steps(model):
        limit, spent = getattr(step, "max_iter", None), getattr(step, "n_iter_", None)
        if not isinstance(limit, numbers.Integral) or limit < 1 or spent is None or _boosts(step):
            continue
        if np.max(spent) >= limit:
            return f"({type(step).__name__}) ended at max_iter={limit}"
    return None


def failures(view: SearchView) -> str | None:
    """Configurations failed."""
    last = last_rows(view) if view.resource is not None else np.arange(len(view))
    failed = np.intersect1d(last, np.flatnonzero(view.is_a(Status.FAILED)))
    if not len(failed):
        return None
    common = _common_value(view, failed)
    text = f"{len(failed)} of {n_configurations(view)} configurations failed{common}."
    error = _most_frequent_error(view)
    return text if error is None else f"{text} The most frequent error: {error}"


def no_gain(view: SearchView) -> str | None:
    """The winner is not better than the default beyond the noise of the folds, or is worse."""
    gain = gain_over_default(view)
    if gain is None:
        return None
    if view.best == view.default:
        return _default_won(view)
    if gain.mean < 0 and not gain.within_noise:
        return _default_is_better(view, gain)
    if not gain.within_noise:
        return None
    n = decimals(float(view.score[view.best]))
    return (
        f"The gain over the default, {gain.mean:+.{n}f}, is within the noise of the folds: the "
        "default may do as well on new data."
    )


def _default_won(view: SearchView) -> str:
    if n_configurations(view) < 2:
        return "Nothing but the default was tried: give the search more configurations."
    if int(view.electable.sum()) < 2:
        return "Nothing can be said against the default: no other configuration ran to its end."
    return "Nothing was found that beats the default: the winner is the default itself."


def _default_is_better(view: SearchView, gain: Difference) -> str:
    n = decimals(float(view.score[view.best]))
    noise = ", beyond the noise of the folds" if gain.has_interval else ""
    fact = f"The estimator as given scores {-gain.mean:.{n}f} more than the winner{noise}"
    if view.eligible[view.default]:
        return f"{fact}: that is what refit or the constraints of this search cost."
    given = view.params[view.default]
    outside = ", ".join(
        f"{name}={value_text(given[name])}"
        for name, dimension in view.space.dimensions.items()
        if name in given and not dimension.contains(given[name])
    )
    return (
        f"{fact}: it is better than everything in your ranges, and outside of them, so that it "
        f"cannot win. Widen them to take in {outside or 'what it has'}."
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
        lines[(trace.strip().splitlines() or ["an error without a word"])[-1]] += count
    text = lines.most_common(1)[0][0]
    return text if len(text) <= 200 else text[:199] + "…"

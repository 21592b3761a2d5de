"""A metric on resampled test rows, at the price of the metric: predict once, score often.

Any scorer will do, because what it is given passes for the fitted estimator and answers from
outputs that the estimator gave once for all test rows (:class:`StandIn`). Whether a scorer is
content with that is not assumed but tried: on the whole test set it must come to the
score that is already known. If it does not, the estimator itself is asked, within a time limit.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.utils import check_random_state

from ._compat import check_method_params, num_samples, scores_of
from .standin import StandIn, UnanswerableError

UNDEFINED = (math.nan, math.nan)
FALLBACK_SECONDS = 5.0
_ROW_EVALUATIONS = 5_000_000  # rows times resamples: about a second of a usual metric
_MIN_RESAMPLES = 200
_MAX_ROWS = _ROW_EVALUATIONS // _MIN_RESAMPLES  # in a resample


def _at(data, drawn: np.ndarray):
    """Rows of an array, a sparse matrix, a dataframe or a list."""
    if type(data) is np.ndarray:  # the short way: it counts when taken thousands of times
        return data[drawn]
    return check_method_params(data, {"data": data}, drawn)["data"]


def fewest_resamples(confidence, n_bootstrap) -> int:
    """Check both and return the number below which an interval is not worth stating.

    With ``2 / (1 - confidence)`` resamples one is expected beyond each end.

    Raises
    ------
    ValueError
        If ``confidence`` is not in (0, 1), or ``n_bootstrap`` is not an int of at least that.
    """
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(
            f"confidence must be a float in (0, 1); got {confidence!r}. Use for instance 0.95."
        )
    fewest = math.ceil(round(2 / (1 - confidence), 6))
    if not isinstance(n_bootstrap, Integral) or n_bootstrap < fewest:
        raise ValueError(
            f"n_bootstrap must be an int of at least {fewest} for confidence={confidence!r}; "
            f"got {n_bootstrap!r}. Increase n_bootstrap or decrease confidence."
        )
    return fewest


def by_name(result, metric: str | None) -> Mapping[str, Any]:
    """What a scorer returned, as a dict; a single number goes by the name of the metric."""
    return result if isinstance(result, Mapping) else {metric or "score": result}


def as_scores(result, metric: str | None) -> dict[str, float]:
    """What a scorer returned, as floats; NaN for a traceback in place of a number.

    Raises
    ------
    ValueError
        If something is not a number.
    """
    named = by_name(result, metric)
    try:
        return {k: math.nan if isinstance(v, str) else float(v) for k, v in named.items()}
    except (TypeError, ValueError):
        raise ValueError(
            f"scoring must return a number or a dict of numbers; got {result!r}. "
            "Reduce it to one number a metric."
        ) from None


@dataclass(frozen=True)
class Rows:
    """The test rows and the fitted estimator, whose outputs for them are kept."""

    estimator: Any
    X: Any
    y: Any
    params: Mapping[str, Any]  # for the scorer
    n_rows: int
    outputs: dict[str, Any] = field(default_factory=dict)

    def output(self, method: str, drawn: np.ndarray) -> Any:
        """``estimator.method(X)`` at the drawn rows."""
        if method not in self.outputs:
            self.outputs[method] = getattr(self.estimator, method)(self.X)
        value = self.outputs[method]
        if isinstance(value, list | tuple) and all(isinstance(v, np.ndarray) for v in value):
            return type(value)(self._take(v, drawn) for v in value)  # one array an output
        return self._take(value, drawn)

    def take(self, drawn: np.ndarray) -> tuple[Any, dict[str, Any]]:
        """y and the scorer's parameters at the drawn rows."""
        params = {
            name: _at(value, drawn) if self._is_by_row(value) else value
            for name, value in self.params.items()
        }
        return None if self.y is None else _at(self.y, drawn), params

    def _take(self, value, drawn):
        if not self._is_by_row(value):
            raise UnanswerableError("an output without one entry a row")
        return _at(value, drawn)

    def _is_by_row(self, value) -> bool:
        sized = bool(getattr(value, "shape", ())) or isinstance(value, list | tuple)
        return sized and num_samples(value) == self.n_rows


@dataclass(frozen=True)
class Draws:
    """How resamples are drawn: units are rows, or whole groups of rows.

    Attributes
    ----------
    n_units : int
        Rows, or groups.
    members : list of ndarray, or None
        The rows of each group.
    size : int
        Units in a resample. Fewer than ``n_units`` when there are more than 25,000 rows.
    count : int
        Number of resamples; a function of the number of rows, never of timing.
    fewest : int
        Number of defined resamples below which there is no interval.
    """

    n_units: int
    members: list[np.ndarray] | None
    size: int
    count: int
    fewest: int

    @classmethod
    def plan(cls, n_rows: int, groups, fewest: int, n_bootstrap: int) -> Draws:
        members, n_units = None, n_rows
        if groups is not None:
            _, codes, counts = np.unique(
                np.asarray(groups), return_inverse=True, return_counts=True
            )
            members = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
            n_units = len(members)
        rows = max(n_rows, 1)
        affordable = max(fewest, _MIN_RESAMPLES, _ROW_EVALUATIONS // rows)
        size = math.ceil(n_units * min(1.0, _MAX_ROWS / rows))
        return cls(n_units, members, size, min(n_bootstrap, affordable), fewest)

    @property
    def share(self) -> float:
        """Size of a resample relative to the test set."""
        return self.size / self.n_units

    def __call__(self, random_state) -> Iterator[np.ndarray]:
        rng = check_random_state(random_state)
        for _ in range(self.count):
            units = rng.randint(self.n_units, size=self.size)
            if self.members is not None:
                units = np.concatenate([self.members[unit] for unit in units])
            yield units


def percentiles(
    values: np.ndarray, score: float, confidence: float, draws: Draws
) -> tuple[float, float]:
    """Percentile interval of the resampled scores, (nan, nan) if too few are defined.

    Deviations of resamples smaller than the test set shrink by the square root of the
    ratio of the sizes (m out of n bootstrap). That supposes a metric that does not itself
    depend on the number of rows, as a sum or a maximum does; those have no interval then.
    """
    finite = values[np.isfinite(values)]
    if len(finite) < draws.fewest or 2 * len(finite) < len(values) or not math.isfinite(score):
        return UNDEFINED
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    if draws.share < 1:
        slack = 1e-9 * max(1.0, abs(score))
        if not low - slack <= score <= high + slack:
            return UNDEFINED
        shrink = math.sqrt(draws.share)
        low, high = score + shrink * (low - score), score + shrink * (high - score)
    return float(low), float(high)


def resample(
    scorer: Callable, rows: Rows, metric, scores, draws: Draws, random_state, seconds: float
) -> list[dict[str, float]]:
    """Scores of each resample; an empty dict where the scorer raised.

    Parameters
    ----------
    scores : dict
        The scores on the whole test set that did not fail, by which a way of scoring is judged.
    seconds : float
        Time that they took; if too few resamples can be had at that pace, none is taken.
    """
    table: list[dict[str, float]] = []
    # The whole test set has been checked and has given its warnings; resamples add no news.
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        config_context(assume_finite=True, skip_parameter_validation=True),
    ):
        warnings.simplefilter("ignore")
        score_drawn, deadline = _from_outputs(scorer, rows, metric, scores), math.inf
        if score_drawn is None:
            if draws.fewest * seconds * draws.share > FALLBACK_SECONDS:
                return table
            score_drawn = partial(_score_estimator, scorer, rows, metric)
            deadline = time.perf_counter() + FALLBACK_SECONDS
        for drawn in draws(random_state):
            table.append(_attempt(score_drawn, drawn))
            if time.perf_counter() > deadline:
                break
    return table


def _attempt(score_drawn: Callable, drawn: np.ndarray) -> dict[str, float]:
    try:
        return score_drawn(drawn)
    except Exception:  # the metric is undefined on these rows, or the way does not suit it
        return {}


def _from_outputs(scorer, rows: Rows, metric, scores) -> Callable | None:
    """The cheapest way to score drawn rows from kept outputs, or None.

    First without X, since most scorers only pass it on to the estimator; then with it. A way
    counts when it gives the known scores on the whole test set, up to the last digits:
    threads that add in another order may differ there.
    """
    for with_X in (False, True):
        score_drawn = partial(_score_stand_in, scorer, rows, metric, with_X)
        found = _attempt(score_drawn, np.arange(rows.n_rows))
        if found.keys() >= scores.keys() and np.allclose(
            [found[k] for k in scores], list(scores.values()), 1e-9, 1e-12, equal_nan=True
        ):
            return score_drawn
    return None


def _score_stand_in(scorer, rows: Rows, metric, with_X: bool, drawn) -> dict[str, float]:
    X = _at(rows.X, drawn) if with_X else object()
    y, params = rows.take(drawn)

    def answer(method, asked, *args, **kwargs):
        if asked is not X or args or kwargs:
            raise UnanswerableError(f"{method} of something else than the rows to score")
        return rows.output(method, drawn)

    return as_scores(scores_of(scorer, StandIn(rows.estimator, answer), X, y, **params), metric)


def _score_estimator(scorer, rows: Rows, metric, drawn) -> dict[str, float]:
    y, params = rows.take(drawn)
    return as_scores(scores_of(scorer, rows.estimator, _at(rows.X, drawn), y, **params), metric)

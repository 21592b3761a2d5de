"""The test rows: set aside before anything looks at the data, scored once, with an interval.

:func:`split_off` chooses the rows; :func:`score_with_interval` scores a fitted estimator on
them. The interval is a percentile bootstrap over the test rows (Efron & Tibshirani, *An
Introduction to the Bootstrap*, 1993, chapter 13), so it says how much the score owes to the
choice of these test rows; it does not include the variation of the training rows.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import (
    BaseShuffleSplit,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import type_of_target

from ._compat import MultimetricScorer, level_of_caller, num_samples, scores_of
from .bootstrap import (
    UNDEFINED,
    Draws,
    Rows,
    as_scores,
    by_name,
    fewest_resamples,
    percentiles,
    resample,
)

_UNORDERED = (
    BaseShuffleSplit,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
_GROUP_DRAWS = 50  # random subsets of groups among which the best balanced one is taken

# ------------------------------------------------------------------ which rows to set aside


def split_off(
    test_size, X, y, *, groups=None, cv=None, classifier: bool, random_state, n_splits=None
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows that nothing but the final score will see.

    The first rule that applies decides. A time-ordered ``cv`` (`TimeSeriesSplit`, its
    subclasses, or any splitter all of whose several test sets lie after their training set
    in row order): the last rows, cut between groups where groups are blocks of rows.
    ``groups``: whole groups, the subset out of 50 random ones that is nearest to
    ``test_size`` rows and to the class shares of ``y``. A classifier: a stratified shuffle,
    in which every class with two rows or more is on both sides, and a class with a single
    row stays in training. Anything else (regression, multilabel or multioutput targets,
    ``y=None``): a plain shuffle.

    Parameters
    ----------
    test_size : float or int
        Share of the rows in (0, 1), rounded up, or a number of rows.
    X : array-like, sparse matrix or dataframe of shape (n_samples, ...)
        Only its number of rows is used.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
        The target.
    groups : array-like of shape (n_samples,), default=None
        Group of each row.
    cv : splitter, default=None
        What will split the remaining rows; a copy of it is asked for its order only.
    classifier : bool
        Whether the estimator is a classifier.
    random_state : int, RandomState or None
        Seed of the choice.
    n_splits : int, default=None
        Number of folds that the remaining rows must allow for.

    Returns
    -------
    train_indices, test_indices : ndarray of int64
        Both sorted; together they hold every row exactly once.

    Raises
    ------
    ValueError
        If ``test_size`` is not a share in (0, 1) or a number of rows below ``n_samples``,
        or leaves too few rows, folds or members of a class on either side, or if there is
        only one group.
    """
    check_consistent_length(X, y, groups)
    n_rows = num_samples(X)
    n_test = _n_test_rows(test_size, n_rows)
    labels, codes = _classes(y) if classifier else (None, None)
    check = partial(_check_sizes, test_size, labels, codes, n_splits)
    check(n_rows - n_test, n_test)

    rng = check_random_state(random_state)
    if _is_time_ordered(cv, n_rows - n_test):
        test = np.arange(_cut_in_time(n_rows, n_test, groups), n_rows)
    elif groups is not None:
        test = _whole_groups(test_size, n_test, groups, codes, rng)
    elif codes is not None:
        test = _stratified(n_test, codes, rng)
    else:
        test = rng.permutation(n_rows)[:n_test]

    in_test = np.zeros(n_rows, dtype=bool)
    in_test[test] = True
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    check(len(train), len(test))  # whole groups may be far from the size that was asked
    _check_training_classes(test_size, labels, codes, train)
    return train.astype(np.int64), test.astype(np.int64)


def _n_test_rows(test_size, n_rows: int) -> int:
    number = isinstance(test_size, Real) and not isinstance(test_size, bool)
    if number and isinstance(test_size, Integral) and 1 <= test_size < n_rows:
        return int(test_size)
    if number and not isinstance(test_size, Integral) and 0 < test_size < 1:
        return math.ceil(n_rows * test_size)
    raise ValueError(
        f"test_size must be a share of the rows, a float in (0, 1), or a number of rows, an int "
        f"from 1 to {n_rows - 1} (there are {n_rows} rows); got {test_size!r}. "
        "Use for instance test_size=0.25, or test_size=None to set no rows aside."
    )


def _classes(y) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Labels and the code of each row, or Nones when there is nothing to stratify by."""
    if y is None or issparse(y):
        return None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "many unique classes": the estimator's own fit tells
        try:
            kind = type_of_target(y)
            labels, codes = np.unique(np.asarray(y).ravel(), return_inverse=True)
        except (TypeError, ValueError):  # labels that cannot be compared: fit will say so
            return None, None
    return (labels, codes) if kind in ("binary", "multiclass") else (None, None)


def _check_sizes(test_size, labels, codes, n_splits, n_train: int, n_test: int) -> None:
    said = f"test_size={test_size!r}"
    if n_test < 2:
        raise ValueError(
            f"{said} sets {n_test} rows aside, but a test score needs at least 2: "
            "increase test_size."
        )
    if n_train < max(2, n_splits or 0):
        needed = "at least 2" if not n_splits else f"one for each of the {n_splits} folds"
        raise ValueError(
            f"{said} leaves {n_train} rows for training, but {needed} must remain: "
            "decrease test_size or the number of folds."
        )
    if labels is None:
        return
    n_shared = int((np.bincount(codes) > 1).sum())  # a class of one row stays in training
    if n_test < n_shared:
        raise ValueError(
            f"{said} sets {n_test} rows aside, fewer than the {n_shared} classes of y that have "
            "two rows or more: increase test_size."
        )
    if n_train < len(labels):
        raise ValueError(
            f"{said} leaves {n_train} rows for training, fewer than the {len(labels)} classes "
            "of y: decrease test_size."
        )


def _check_training_classes(test_size, labels, codes, train: np.ndarray) -> None:
    if labels is None:
        return
    missing = labels[np.bincount(codes[train], minlength=len(labels)) == 0]
    if len(missing):
        raise ValueError(
            f"test_size={test_size!r} leaves no training row of {len(missing)} of the "
            f"{len(labels)} classes of y ({missing[0]!s} for one): decrease test_size, or remove "
            "classes that occur only in the last rows or in a single group."
        )


def _is_time_ordered(cv, n_rows: int) -> bool:
    """Whether every test set of the splitter lies after its training set in row order.

    A splitter that is not scikit-learn's is asked, on as many empty rows as will be left: it
    must not see the test rows. One that cannot answer without data counts as unordered.

    A single split is no evidence (a fixed validation set at the end looks the same), and
    one that is out of order settles the question, so this ends at the first fold of
    nearly every other splitter.
    """
    if isinstance(cv, TimeSeriesSplit):
        return True
    unordered = isinstance(cv, _UNORDERED) or getattr(cv, "shuffle", False)
    if unordered or not callable(getattr(cv, "split", None)):
        return False
    n_seen = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:  # a copy: the splitter's own random state must not advance
            splits = copy.deepcopy(cv).split(np.zeros((n_rows, 1)))
            for train, test in itertools.islice(splits, 20):
                if not len(train) or not len(test) or np.max(train) >= np.min(test):
                    return False
                n_seen += 1
        except Exception:
            return False
    return n_seen > 1


def _cut_in_time(n_rows: int, n_test: int, groups) -> int:
    """First row of the test set; moved to the nearest row where no group continues."""
    cut = n_rows - n_test
    if groups is None:
        return cut
    names, first, codes = _coded(groups)
    last = np.zeros(len(names), dtype=int)
    np.maximum.at(last, codes, np.arange(n_rows))
    # Groups that have begun before row i minus those that have ended: 0 where a cut is clean.
    begun = np.cumsum(np.bincount(first + 1, minlength=n_rows + 2))
    ended = np.cumsum(np.bincount(last + 1, minlength=n_rows + 2))
    clean = np.flatnonzero((begun == ended)[1:n_rows]) + 1
    return int(clean[np.argmin(np.abs(clean - cut))]) if len(clean) else cut


def _coded(groups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The names of the groups, the first row of each, and the number of each row's."""
    try:
        return np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            f"groups must be values of one kind, which can be sorted: {error}. Replace what is "
            "missing, for instance by a text of its own."
        ) from error


def _whole_groups(test_size, n_test: int, groups, codes, rng) -> np.ndarray:
    """Rows of the group subset whose class counts are nearest to the wanted ones (L1)."""
    names, _, group_of = _coded(groups)
    if len(names) < 2:
        raise ValueError(
            f"test_size={test_size!r} with groups sets whole groups aside, which takes at least 2 "
            f"groups; got {len(names)}. Pass finer groups, or test_size=None."
        )
    codes = np.zeros(len(group_of), dtype=int) if codes is None else codes
    totals = np.bincount(codes)
    wanted = totals * (n_test / len(codes))
    sizes = np.bincount(group_of)
    best, best_distance = None, (math.inf, math.inf)
    for _ in range(_GROUP_DRAWS):
        order = rng.permutation(len(names))
        reached = np.cumsum(sizes[order])[:-1]  # at least one group stays in training
        chosen = np.zeros(len(names), dtype=bool)
        chosen[order[: np.argmin(np.abs(reached - n_test)) + 1]] = True
        counts = np.bincount(codes[chosen[group_of]], minlength=len(totals))
        # A class that would be lost to training comes before any imbalance.
        distance = (int((counts == totals).sum()), float(np.abs(counts - wanted).sum()))
        if distance < best_distance:
            best, best_distance = chosen, distance
    return np.flatnonzero(best[group_of])


def _stratified(n_test: int, codes: np.ndarray, rng) -> np.ndarray:
    """Shuffle within classes, in numbers that are the exact shares rounded (largest remainders).

    A class of two rows or more has at least one row on either side, because many metrics
    (log loss, ROC AUC over several classes) are undefined when a class is missing; other
    classes make up for it. A class with one row stays in training.
    """
    counts = np.bincount(codes)
    room = counts - 1
    share = np.where(room > 0, counts, 0)
    share = share * (n_test / share.sum())
    seats = np.clip(np.floor(share).astype(int), np.minimum(1, room), room)
    while (left := n_test - seats.sum()) != 0:
        step = 1 if left > 0 else -1
        open_ = np.flatnonzero(seats < room if step > 0 else seats > np.minimum(1, room))
        open_ = rng.permutation(open_)  # equal claims are settled at random
        claim = step * (share - seats)[open_]
        seats[open_[np.argsort(-claim, kind="stable")[: abs(left)]]] += step
    shuffled = rng.permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(codes)) - np.repeat(starts, counts)
    return by_class[rank < np.repeat(seats, counts)]


# ------------------------------------------------------------------ what they say


@dataclass(frozen=True)
class HoldoutScore:
    """What a fitted estimator reaches on the test rows.

    Attributes
    ----------
    score, interval : float, (low, high)
        The selection metric and its interval; NaN where there is none.
    scores : dict of str to float
        Every metric.
    n_rows : int
        Number of test rows.
    """

    score: float
    interval: tuple[float, float]
    scores: Mapping[str, float]
    n_rows: int


def score_with_interval(
    estimator,
    X,
    y,
    scorer: Callable[..., Any],
    *,
    metric: str | None = "score",
    score_params: Mapping[str, Any] | None = None,
    groups=None,
    confidence: float = 0.95,
    n_bootstrap: int = 1000,
    random_state=0,
    error_score: float | str = math.nan,
) -> HoldoutScore:
    """Score a fitted estimator once and say how sure the number is.

    The score is the scorer's own, on the estimator itself. For the interval the estimator
    predicts the test rows once, and the metric is computed again on resampled rows (on
    whole resampled groups with ``groups``) of those predictions. A scorer that wants more
    than predictions for the rows that it is given sees the estimator itself, on as many
    resamples as fit in 5 seconds.

    Above 5,000 rows there are fewer resamples, down to 200 from 25,000 rows on; above
    that, resamples of 25,000 rows are drawn, whose deviations from the score are scaled by the
    square root of the ratio of the sizes (m out of n bootstrap: Bickel, Goetze & van Zwet,
    *Statistica Sinica* 7, 1997). The interval depends on the seed only, not on timing,
    unless the estimator itself had to be asked.

    Parameters
    ----------
    estimator : estimator
        Fitted on other rows.
    X, y : of shape (n_samples, ...), (n_samples, ...)
        The test rows; ``y`` may be None.
    scorer : callable
        ``scorer(estimator, X, y, **score_params)`` returns a number or a dict of numbers.
    metric : str or None, default="score"
        Name of a single score, or the entry of several that ``score`` reports (None: none).
    score_params : dict, default=None
        Passed to the scorer; values with one entry a row are resampled like the rows.
    groups : array-like of shape (n_samples,), default=None
        Rows that belong together.
    confidence : float, default=0.95
        Coverage wanted of the interval, in (0, 1).
    n_bootstrap : int, default=1000
        Number of resamples, at most.
    random_state : int, RandomState or None, default=0
        Seed of the resamples.
    error_score : float or "raise", default=nan
        The score when the scorer raises (with a warning that holds the traceback).

    Returns
    -------
    HoldoutScore
        An interval is (nan, nan) when it cannot be had: fewer than two rows or groups, a
        metric that is undefined on more than half of the resamples (it raises, or is not
        finite), a scorer that is too slow, or, above 25,000 rows, a metric that grows with
        the number of rows. An interval of no width means that resampling
        changed nothing (every row right, say), not that the score is certain.

    Raises
    ------
    ValueError
        If ``confidence``, ``n_bootstrap`` or ``metric`` is not as above.
    """
    fewest = fewest_resamples(confidence, n_bootstrap)
    rows = Rows(estimator, X, y, score_params or {}, num_samples(X))
    start = time.perf_counter()
    scores, failed = _score_once(scorer, rows, metric, error_score)
    seconds = time.perf_counter() - start
    if metric is not None and metric not in scores:
        raise ValueError(
            f"metric must be one of the names that the scorer returns ({', '.join(scores)}) or "
            f"None; got {metric!r}."
        )

    draws = Draws.plan(rows.n_rows, groups, fewest, n_bootstrap)
    if metric is None:
        return HoldoutScore(math.nan, UNDEFINED, scores, rows.n_rows)
    score, interval = scores[metric], UNDEFINED
    if draws.n_units > 1 and metric not in failed and math.isfinite(score):
        if isinstance(scorer, MultimetricScorer) and not rows.params:
            scorer = scorer._scorers[metric]  # the others would be computed for nobody
        table = resample(scorer, rows, metric, {metric: score}, draws, random_state, seconds)
        values = np.array([one.get(metric, math.nan) for one in table])
        interval = percentiles(values, score, confidence, draws)
    return HoldoutScore(score, interval, scores, rows.n_rows)


def _score_once(scorer, rows: Rows, metric, error_score) -> tuple[dict[str, float], set[str]]:
    """The scores, and the names of those that failed."""
    try:
        result = scores_of(scorer, rows.estimator, rows.X, rows.y, **rows.params)
        scores = as_scores(result, metric)
        # Some scorers of several metrics return a traceback in place of a number.
        errors = {k: v for k, v in by_name(result, metric).items() if isinstance(v, str)}
    except Exception:
        if error_score == "raise":
            raise
        scores, errors = {}, {metric or "score": traceback.format_exc()}
    for name, error in errors.items():
        scores[name] = math.nan if error_score == "raise" else float(error_score)
        warnings.warn(
            f"Scoring the test rows failed for {name!r}; its test score is {scores[name]}. "
            f"Details:\n{error}",
            UserWarning,
            stacklevel=level_of_caller(),
        )
    return scores, set(errors)

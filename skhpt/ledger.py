"""The ledger: what was proposed and what happened. Facts are appended; tables are projections.

Nothing here knows an estimator or a clock, so everything is tested with made numbers.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.ma import MaskedArray

from .trial import Origin, Outcome, Status, Trial


class NamedScores(dict):
    """Scores under names that the scorer gave, be it a single one and "score".

    A scorer that returns a number has no names: its outcome holds a plain
    ``{"score": value}``.
    """


class Ledger:
    """Trials and the outcomes of their folds.

    Parameters
    ----------
    n_folds : int
        Folds that make a trial complete.
    metric : str or None, default="score"
        The metric that selection and samplers look at. Where the first scored outcome does
        not know it (or it is None), the first that this outcome brings: a callable scorer
        names its metrics only when it is called.
    """

    def __init__(self, n_folds: int, metric: str | None = "score"):
        self.n_folds = n_folds
        self.metric = metric
        self.outcomes: list[Outcome] = []
        self.legs: list[tuple[int, Any]] = []  # first trial and space of each part of the search
        self._trials: list[Trial] = []
        self._by_fold: list[dict[int, Outcome]] = []
        self._open: dict[int, None] = {}  # an ordered set
        self._first_scores: Mapping[str, float] = {}  # what the metrics are called

    def __len__(self) -> int:
        return len(self._trials)

    # -- facts -----------------------------------------------------------------------

    def begin(self, space) -> None:
        """Say from which space the trials to come are."""
        self.legs.append((len(self), space))

    def add(
        self, params: Mapping[str, Any], origin: Origin = Origin.SAMPLER, eligible: bool = True
    ) -> Trial:
        """Open a trial for a configuration; see :class:`Start` for `eligible`."""
        trial = Trial(index=len(self._trials), params=params, origin=origin, eligible=eligible)
        self._trials.append(trial)
        self._by_fold.append({})
        self._open[trial.index] = None
        return trial

    def record(self, outcome: Outcome) -> None:
        """Append what happened on a fold.

        Raises
        ------
        ValueError
            When this fold of the trial has an outcome already.
        """
        folds = self._by_fold[outcome.trial]
        if outcome.fold in folds:
            raise ValueError(f"fold {outcome.fold} of trial {outcome.trial} is recorded already")
        if outcome.scores and not self._first_scores:
            self._first_scores = outcome.scores
            if self.metric not in outcome.scores:
                self.metric = next(iter(outcome.scores))
        folds[outcome.fold] = outcome
        self.outcomes.append(outcome)

    def close(self, index: int, status: Status) -> None:
        """End a trial: nothing more will be asked for it."""
        if index not in self._open:
            raise ValueError(f"trial {index} is not open")
        del self._open[index]
        folds = self._by_fold[index]
        scores = tuple(self._score(folds.get(fold)) for fold in range(self.n_folds))
        ran = [score for score in scores if not math.isnan(score)]
        whole = len(ran) == self.n_folds
        usable = whole if status is Status.COMPLETE else ran and status is not Status.FAILED
        self._trials[index] = replace(
            self._trials[index],
            status=status,
            fold_scores=scores,
            score=math.fsum(ran) / len(ran) if usable else math.nan,
            seconds=sum(outcome.fit_time + outcome.score_time for outcome in folds.values()),
        )

    def withdraw_unrun(self) -> None:
        """Forget the newest trials of which no fold has run: the search ended before them."""
        while self._trials and not self._by_fold[-1]:
            self._open.pop(self._trials.pop().index, None)
            self._by_fold.pop()

    def _score(self, outcome: Outcome | None) -> float:
        if outcome is None or outcome.error is not None:
            return math.nan
        score = float(outcome.scores.get(self.metric, math.nan))
        # An infinite score would drown every other; to a sampler it is a fold that failed.
        return score if math.isfinite(score) else math.nan

    # -- views -----------------------------------------------------------------------

    @property
    def open(self) -> Iterable[int]:
        """Indices of the trials that have not ended, oldest first."""
        return self._open.keys()

    def trial(self, index: int) -> Trial:
        return self._trials[index]

    @property
    def trials(self) -> Sequence[Trial]:
        return self._trials

    def folds(self, index: int) -> Mapping[int, Outcome]:
        """The outcomes of a trial by fold."""
        return self._by_fold[index]

    def missing(self, index: int) -> list[int]:
        """The folds of a trial that have no outcome yet, in order."""
        folds = self._by_fold[index]
        return [fold for fold in range(self.n_folds) if fold not in folds]

    def find(self, origin: Origin) -> Trial | None:
        """The first trial of an origin."""
        return next((trial for trial in self._trials if trial.origin is origin), None)

    def electable(self) -> np.ndarray:
        """Which trials may win: those that ran on all folds, and are eligible."""
        whole = [len(folds) == self.n_folds for folds in self._by_fold]
        return np.array(whole, dtype=bool) & [trial.eligible for trial in self._trials]

    def errors(self) -> Counter:
        """How often each traceback was raised, in the order of first appearance."""
        return Counter(o.error for o in self.outcomes if o.error is not None)

    def metrics(self) -> list[str]:
        """Names of the metrics; ``["score"]`` for a single one or when nothing has one."""
        return list(self._first_scores) or ["score"]

    @property
    def named(self) -> bool:
        """Whether the scorer gave its metrics names; a search is multimetric then."""
        return isinstance(self._first_scores, NamedScores)


# -- the table -----------------------------------------------------------------------


def cv_results(
    ledger: Ledger,
    *,
    metrics: Sequence[str] | None = None,
    error_score: float = math.nan,
    train_scores: bool = False,
    rounds: str | None = None,
    extra: Sequence[str] = (),
) -> dict[str, Any]:
    """Project the ledger onto scikit-learn's ``cv_results_``.

    Parameters
    ----------
    ledger : Ledger
    metrics : sequence of str, optional
        Names of the metrics, where they are known; otherwise those that were recorded.
    error_score : float
        Stands where a fit failed.
    train_scores : bool
        Whether to add the columns of the training scores.
    rounds : str or None
        Name of the parameter that early stopping has found a value for.
    extra : sequence of str
        Our own columns, added after scikit-learn's: "n_splits_evaluated", "mean_n_rounds",
        "origin".

    Returns
    -------
    results : dict of str to ndarray
        One entry a trial, in the order of the proposals; ``params`` is a list of dict.
        A fold that never ran is NaN, means are over the folds that ran, and a trial
        without all its folds, or that cannot be chosen, ranks below every other.
    """
    table = _Table(ledger, error_score)
    results: dict[str, Any] = {}
    for name in ("fit_time", "score_time"):
        results.update(table.moments(name, table.times(name)))
    candidates = [{**t.params, **_found(ledger, t.index, rounds)} for t in ledger.trials]
    results.update(param_columns(candidates))
    results["params"] = candidates
    for metric in metrics or ledger.metrics():
        results.update(table.scores(f"test_{metric}", metric, "scores", rank=True))
        if train_scores:
            results.update(table.scores(f"train_{metric}", metric, "train_scores"))
    for name in extra:
        results[name] = _EXTRA_COLUMNS[name](ledger)
    return results


def _n_rounds(ledger: Ledger, index: int) -> int | None:
    """The number of rounds that the folds of a trial have in common, where they have one."""
    return next((o.n_rounds for o in ledger.folds(index).values() if o.n_rounds is not None), None)


def _found(ledger: Ledger, index: int, rounds: str | None) -> dict[str, int]:
    n_rounds = _n_rounds(ledger, index)
    return {} if rounds is None or n_rounds is None else {rounds: n_rounds}


_EXTRA_COLUMNS = {
    "mean_n_rounds": lambda ledger: np.array(
        [
            np.nan if (n := _n_rounds(ledger, trial.index)) is None else float(n)
            for trial in ledger.trials
        ]
    ),
    "n_splits_evaluated": lambda ledger: np.array(
        [len(ledger.folds(trial.index)) for trial in ledger.trials], dtype=np.int64
    ),
    "origin": lambda ledger: np.array([str(trial.origin) for trial in ledger.trials], dtype=object),
}


def rows_of(results: Mapping[str, Any], chosen: np.ndarray) -> dict[str, Any]:
    """The rows of ``cv_results_`` that a mask names."""
    return {
        name: list(compress(column, chosen)) if isinstance(column, list) else column[chosen]
        for name, column in results.items()
    }


class _Table:
    """Trials x folds arrays of a ledger and their moments."""

    def __init__(self, ledger: Ledger, error_score: float):
        self._ledger = ledger
        self._error_score = error_score
        shape = (len(ledger), ledger.n_folds)
        self.eligible = np.array([trial.eligible for trial in ledger.trials], dtype=bool)
        self.ran = np.zeros(shape, dtype=bool)
        for outcome in ledger.outcomes:
            self.ran[outcome.trial, outcome.fold] = True

    def _fill(self, value_of) -> np.ndarray:
        array = np.full(self.ran.shape, np.nan)
        for outcome in self._ledger.outcomes:
            array[outcome.trial, outcome.fold] = value_of(outcome)
        return array

    def times(self, name: str) -> np.ndarray:
        return self._fill(lambda outcome: getattr(outcome, name))

    def moments(self, key: str, array: np.ndarray) -> dict[str, np.ndarray]:
        if self.ran.all():
            means = np.average(array, axis=1)
            stds = np.sqrt(np.average((array - means[:, np.newaxis]) ** 2, axis=1))
        else:
            means, stds = _moments_of_those_that_ran(array, self.ran)
        return {f"mean_{key}": means, f"std_{key}": stds}

    def scores(self, key: str, metric: str, field: str, rank: bool = False):
        def value_of(outcome):
            if outcome.error is not None:
                return self._error_score
            return getattr(outcome, field).get(metric, self._error_score)

        array = self._fill(value_of)
        columns = {f"split{fold}_{key}": array[:, fold] for fold in range(array.shape[1])}
        with np.errstate(invalid="ignore"):  # a score may be infinite; the warning below says so
            columns.update(self.moments(key, array))
        means = columns[f"mean_{key}"]
        if not np.all(np.isfinite(means)):
            kind = key.split("_", maxsplit=1)[0]
            warnings.warn(
                f"One or more of the {kind} scores are non-finite: {means}",
                UserWarning,
                stacklevel=2,
            )
        if rank:
            complete = self.ran.all(axis=1) & self.eligible
            columns[f"rank_{key}"] = ranks(means, complete)
        return columns


def _moments_of_those_that_ran(array: np.ndarray, ran: np.ndarray):
    counts = ran.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(ran, array, 0.0).sum(axis=1) / counts
        squares = np.where(ran, (array - means[:, np.newaxis]) ** 2, 0.0)
        return means, np.sqrt(squares.sum(axis=1) / counts)


def ranks(means: np.ndarray, complete: np.ndarray) -> np.ndarray:
    """Rank from 1 (greatest mean); ties share the best rank; int32 as in scikit-learn.

    Parameters
    ----------
    means : ndarray of shape (n_trials,)
        NaN ranks last.
    complete : ndarray of bool of shape (n_trials,)
        False for trials without all their folds and for those that cannot be chosen: they
        rank below every other, whatever their mean.
    """
    # Complete trials before others, those with a mean before those without, then the mean.
    merit = 2 * complete.astype(int) + ~np.isnan(means)
    values = np.where(np.isnan(means), 0.0, means)
    keys = np.array(list(zip(merit, values)), dtype=[("merit", int), ("mean", float)])
    order = np.sort(keys)
    worse = np.searchsorted(order, keys, side="right")
    return (len(means) - worse + 1).astype(np.int32)


def param_columns(candidates: Sequence[Mapping[str, Any]]) -> dict[str, MaskedArray]:
    """The ``param_*`` columns: masked where a parameter was not part of a configuration.

    The dtype is that of the values when they are numbers or booleans of one kind, and
    object otherwise (text, sequences, mixtures).
    """
    values: dict[str, dict[int, Any]] = defaultdict(dict)
    for index, params in enumerate(candidates):
        for name, value in params.items():
            values[f"param_{name}"][index] = value
    columns = {}
    for name, by_index in values.items():
        column = MaskedArray(
            np.empty(len(candidates), dtype=_column_dtype(list(by_index.values()))), mask=True
        )
        for index, value in by_index.items():
            column[index] = value  # unmasks
        columns[name] = column
    return columns


def _column_dtype(values: list) -> np.dtype:
    try:
        array = np.array(values)
    except ValueError:  # sequences of different lengths
        return np.dtype(object)
    return array.dtype if array.dtype.kind != "U" and array.ndim == 1 else np.dtype(object)

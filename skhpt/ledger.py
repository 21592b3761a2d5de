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

from .trial import Origin, Outcome, Rung, Status, Trial


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
    error_score : float, default=nan
        What the table shows where a fit failed.
    """

    def __init__(self, n_folds: int, metric: str | None = "score", error_score: float = math.nan):
        self.n_folds = n_folds
        self.n_first = n_folds  # folds of everybody; those beyond are the second look's
        self.metric = metric
        self.error_score = error_score
        self.outcomes: list[Outcome] = []
        self.legs: list[tuple[int, Any]] = []  # first trial and space of each part of the search
        self._trials: list[Trial] = []
        self._by_fold: list[dict[int, Outcome]] = []
        self._open: dict[int, None] = {}  # an ordered set
        self._again: dict[int, Trial] = {}  # those of the second look, as they were before
        self._first_scores: Mapping[str, float] = {}  # what the metrics are called

    def __len__(self) -> int:
        return len(self._trials)

    # -- facts -----------------------------------------------------------------------

    def begin(self, space) -> None:
        """Say from which space the trials to come are."""
        self.legs.append((len(self), space))

    def add(
        self,
        params: Mapping[str, Any],
        origin: Origin = Origin.SAMPLER,
        eligible: bool = True,
        rung: Rung | None = None,
        parent: int | None = None,
    ) -> Trial:
        """Open a trial for a configuration; see :class:`~skhpt.trial.Proposal`."""
        index = len(self._trials)
        root = index if parent is None else self._trials[parent].root
        trial = Trial(index, params, origin, eligible=eligible, rung=rung, root=root)
        self._trials.append(trial)
        self._by_fold.append({})
        self._open[index] = None
        if parent is not None and rung is not None and rung.n_folds is not None:
            for outcome in self._by_fold[parent].values():
                self.record(replace(outcome, trial=index, resource=rung.resource, reused=True))
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
        whole = len(ran) == self._n_wanted(index)
        to_the_end = status in (Status.COMPLETE, Status.PARTIAL)
        usable = whole if to_the_end else ran and status is not Status.FAILED
        self._trials[index] = replace(
            self._trials[index],
            status=status,
            fold_scores=scores,
            score=math.fsum(ran) / len(ran) if usable else math.nan,
            mean=self._mean(folds),
            seconds=sum(outcome.fit_time + outcome.score_time for outcome in folds.values()),
            work=sum(o.work for o in folds.values() if o.work is not None) or None,
        )

    def reopen(self, indices: Sequence[int], n_more: int) -> None:
        """Have some trials that are complete run on further folds as well."""
        self.n_folds += n_more
        for index, trial in enumerate(self._trials):
            scores = (*trial.fold_scores, *[math.nan] * n_more)
            self._trials[index] = replace(trial, fold_scores=scores)
        self._again = {index: self._trials[index] for index in indices}
        self._open.update(dict.fromkeys(sorted(indices)))

    def settle(self) -> None:
        """Keep a second look that came to its end; one that was cut short never was.

        Who was dropped in it has not all folds, and is below those who have.
        """
        ended = (Status.COMPLETE, Status.RACED, Status.FAILED)
        if all(self._trials[index].status in ended for index in self._again):
            self._again = {i: t for i, t in self._again.items() if not self.missing(i)}
            return
        self.n_folds = self.n_first
        for index, trial in self._again.items():
            self._trials[index] = trial
            folds = self._by_fold[index]
            self._by_fold[index] = {f: o for f, o in folds.items() if f < self.n_first}
        self._again = {}
        for index, trial in enumerate(self._trials):
            self._trials[index] = replace(trial, fold_scores=trial.fold_scores[: self.n_first])

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

    def _mean(self, folds: Mapping[int, Outcome]) -> float:
        """The mean as the table has it, to the last bit: it decides who is promoted."""
        if not folds:
            return math.nan
        known = (folds[fold] for fold in sorted(folds))
        values = [_value(o, self.metric, "scores", self.error_score) for o in known]
        with np.errstate(invalid="ignore"):
            return float(np.average(np.array(values, dtype=float)))

    def _n_wanted(self, index: int) -> int:
        """How many folds a trial is to run on."""
        rung = self._trials[index].rung
        return self.n_folds if rung is None or rung.n_folds is None else rung.n_folds

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
        return [fold for fold in range(self._n_wanted(index)) if fold not in folds]

    def with_rounds(self, index: int, rounds: str | None) -> dict[str, Any]:
        """A configuration with the number of rounds that early stopping has found for it."""
        found = self.n_rounds(index)
        told = {} if rounds is None or found is None else {rounds: found}
        return {**self._trials[index].params, **told}

    def n_rounds(self, index: int) -> int | None:
        """The number of rounds that the folds of a trial have in common, where they have one."""
        known = (outcome.n_rounds for outcome in self._by_fold[index].values())
        return next((n for n in known if n is not None), None)

    def find(self, origin: Origin) -> Trial | None:
        """The first trial of an origin that has the full budget."""
        whole = (trial for trial in self._trials if trial.has_full_budget)
        return next((trial for trial in whole if trial.origin is origin), None)

    def electable(self) -> np.ndarray:
        """Which trials may win: those that ran on all folds, and are eligible.

        Of trials on rungs these are the ones of the highest rung that anybody has completed; it
        is the last one unless the search was cut short.
        """
        whole = [len(folds) >= self.n_first for folds in self._by_fold]
        may = np.array(whole, dtype=bool) & [trial.eligible for trial in self._trials]
        rungs = self.rungs()
        return may & (rungs == rungs[may].max()) if may.any() else may

    def rungs(self) -> np.ndarray:
        """The number of each trial's rung; 0 where a trial is on none, 1 after a second look."""
        looks = [int(trial.index in self._again) for trial in self._trials]
        numbers = [0 if t.rung is None else t.rung.number for t in self._trials]
        return np.array(numbers, dtype=int) + looks

    def errors(self) -> Counter:
        """How often each traceback was raised, in the order of first appearance."""
        return Counter(o.error for o in self.outcomes if o.error is not None and not o.reused)

    @property
    def n_fits(self) -> int:
        """How many fits were made."""
        return sum(not outcome.reused for outcome in self.outcomes)

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
        "origin". The columns of rungs, "iter" and "n_resources", are the first of all, as in
        scikit-learn.

    Returns
    -------
    results : dict of str to ndarray
        One entry a trial, in the order of the proposals; ``params`` is a list of dict.
        A fold that never ran is NaN, means are over the folds that ran, and a trial
        without all its folds, or that cannot be chosen, ranks below every other. A trial
        of a lower rung ranks below those of higher ones, whatever their scores.
    """
    table = _Table(ledger, error_score)
    results: dict[str, Any] = _rung_columns(ledger)
    for name in ("fit_time", "score_time"):
        results.update(table.moments(name, table.times(name)))
    candidates = [ledger.with_rounds(trial.index, rounds) for trial in ledger.trials]
    results.update(param_columns(candidates))
    results["params"] = candidates
    for metric in metrics or ledger.metrics():
        results.update(table.scores(f"test_{metric}", metric, "scores", rank=True))
        if train_scores:
            results.update(table.scores(f"train_{metric}", metric, "train_scores"))
    for name in extra:
        results[name] = _EXTRA_COLUMNS[name](ledger)
    return results


def _rung_columns(ledger: Ledger) -> dict[str, np.ndarray]:
    if all(trial.rung is None for trial in ledger.trials):
        return {}
    resources = [0 if t.rung is None else t.rung.resource for t in ledger.trials]
    return {"iter": ledger.rungs(), "n_resources": np.array(resources)}


def _value(outcome: Outcome, metric: str | None, field: str, error_score: float) -> float:
    """What the table shows for a fold."""
    if outcome.error is not None:
        return error_score
    return getattr(outcome, field).get(metric, error_score)


_EXTRA_COLUMNS = {
    "mean_n_rounds": lambda ledger: np.array(
        [
            np.nan if (n := ledger.n_rounds(trial.index)) is None else float(n)
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
        # without those of a second look that was cut short
        self._outcomes = [o for o in ledger.outcomes if o.fold < ledger.n_folds]
        for outcome in self._outcomes:
            self.ran[outcome.trial, outcome.fold] = True

    def _fill(self, value_of) -> np.ndarray:
        array = np.full(self.ran.shape, np.nan)
        for outcome in self._outcomes:
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
        array = self._fill(lambda o: _value(o, metric, field, self._error_score))
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
            complete = self.ran[:, : self._ledger.n_first].all(axis=1) & self.eligible
            columns[f"rank_{key}"] = ranks(means, complete, self._ledger.rungs())
        return columns


def _moments_of_those_that_ran(array: np.ndarray, ran: np.ndarray):
    counts = ran.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(ran, array, 0.0).sum(axis=1) / counts
        squares = np.where(ran, (array - means[:, np.newaxis]) ** 2, 0.0)
        return means, np.sqrt(squares.sum(axis=1) / counts)


def ranks(means: np.ndarray, complete: np.ndarray, rungs: np.ndarray | None = None) -> np.ndarray:
    """Rank from 1 (greatest mean); ties share the best rank; int32 as in scikit-learn.

    Parameters
    ----------
    means : ndarray of shape (n_trials,)
        NaN ranks last.
    complete : ndarray of bool of shape (n_trials,)
        False for trials without all their folds and for those that cannot be chosen: they
        rank below every other, whatever their mean.
    rungs : ndarray of int of shape (n_trials,), optional
        Trials of a lower rung rank below those of a higher one; on whatever rung, those
        without a mean are the last.
    """
    # Complete trials before others, those with a mean before those without, then the mean.
    merit = 2 * complete.astype(int) + ~np.isnan(means)
    if rungs is not None and rungs.any():
        merit = np.where(np.isnan(means), 0, 1 + 4 * rungs + merit)
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

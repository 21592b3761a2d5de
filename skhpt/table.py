"""``cv_results_``: the ledger as a table, with scikit-learn's columns and our own."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.ma import MaskedArray

from ._compat import level_of_caller
from .ledger import Ledger, value_shown


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
        array = self._fill(lambda o: value_shown(o, metric, field, self._error_score))
        columns = {f"split{fold}_{key}": array[:, fold] for fold in range(array.shape[1])}
        with np.errstate(invalid="ignore"):  # a score may be infinite; the warning below says so
            columns.update(self.moments(key, array))
        means = columns[f"mean_{key}"]
        if not np.all(np.isfinite(means)):
            kind = key.split("_", maxsplit=1)[0]
            warnings.warn(
                f"One or more of the {kind} scores are non-finite: {means}",
                UserWarning,
                stacklevel=level_of_caller(),
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

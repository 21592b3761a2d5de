"""Fitted searches with made numbers, for what reads them."""

from __future__ import annotations

import contextlib
import functools
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.svm import SVC

from skhpt import holdout
from skhpt.ledger import Ledger
from skhpt.space import dialects
from skhpt.table import cv_results
from skhpt.trial import Origin, Outcome, Status


@contextlib.contextmanager
def cheap_intervals():
    """Few resamples for the interval of the test score, where it is not the matter."""
    cheap = functools.partial(holdout.score_with_interval, n_bootstrap=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holdout, "score_with_interval", cheap)
        yield


class MadeSearch(BaseEstimator):
    """Looks like a fitted search of this package whose folds scored what the test says.

    Parameters
    ----------
    space : dict
        As users write it.
    params : list of dict
    folds : array of shape (n_trials, n_folds)
        NaN for a fold that failed, None in a list of lists for one that never ran.
    default : bool
        Whether the first configuration is the estimator as given.
    n_first : int, default=None
        Folds of everybody; those beyond are the finish's. None is all of them.
    attributes
        What the search has besides.
    """

    def __init__(self, space, params, folds, default=False, n_first=None, **attributes):
        self.estimator = SVC()
        self.scoring, self.refit, self.cv = None, True, None
        self.stop_reason_ = "n_iter reached"
        [(self._space, _)] = dialects.parse(space)
        self.space_ = space
        self._fill(params, folds, default, n_first or len(folds[0]))
        self.__dict__.update(attributes)

    def __repr__(self):
        return f"MadeSearch({self.space_})"

    def fit(self, X, y=None):
        return self

    def _fill(self, params, folds, default, n_first):
        ledger = Ledger(len(folds[0]))
        ledger.n_first = n_first
        ledger.begin(self._space)
        for number, (configuration, scores) in enumerate(zip(params, folds)):
            is_default = default and number == 0
            trial = ledger.add(configuration, Origin.DEFAULT if is_default else Origin.SAMPLER)
            for fold, score in enumerate(scores):
                if score is not None:
                    ledger.record(_outcome(trial.index, fold, score))
            ledger.close(trial.index, _status(scores[:n_first]))
        self._ledger = ledger
        extra = ["n_splits_evaluated", "origin"]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "One or more of the test scores")
            self.cv_results_ = cv_results(ledger, metrics=["score"], extra=extra)
        self.best_index_ = int(np.argmin(self.cv_results_["rank_test_score"]))
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.n_splits_ = ledger.n_folds


def _outcome(trial, fold, score):
    failed = np.isnan(score)
    return Outcome(
        trial=trial,
        fold=fold,
        scores={} if failed else {"score": float(score)},
        fit_time=1.0,
        score_time=0.25,
        error="Traceback\nValueError: <no> good" if failed else None,
    )


def _status(scores):
    if None in list(scores):
        return Status.RACED
    return Status.FAILED if np.isnan(np.array(scores, dtype=float)).any() else Status.COMPLETE


def made(space, f, n=40, n_folds=5, noise=0.0, seed=0, **kwargs):
    """A random search over a space whose score is ``f(params)`` and noise."""
    rng = np.random.default_rng(seed)
    [(parsed, _)] = dialects.parse(space)
    params = [parsed.sample(rng) for _ in range(n)]
    clean = np.array([f(p) for p in params])
    folds = clean[:, None] + noise * rng.standard_normal((n, n_folds))
    return MadeSearch(space, params, folds.tolist(), **kwargs)


def timed(search, workers):
    """The search with times and workers on its outcomes."""
    search._ledger.outcomes = [
        SimpleNamespace(
            trial=o.trial,
            fold=o.fold,
            error=o.error,
            fit_time=1.0,
            score_time=0.25,
            reused=False,
            started=1e9 + 1.25 * (i // workers),
            worker=i % workers,
        )
        for i, o in enumerate(search._ledger.outcomes)
    ]
    return search

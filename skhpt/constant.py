"""What a constant predictor reaches: a model that is no better has learnt nothing."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.dummy import DummyClassifier, DummyRegressor

from .evaluate import Problem, evaluate
from .trial import Step


class _Here:
    """Shares a problem within a process."""

    def __init__(self, problem: Problem):
        self._problem = problem

    def get(self) -> Problem:
        return self._problem


def constant_scores(problem: Problem, metric: str | None, n_folds: int) -> np.ndarray | None:
    """Scores of the class frequencies, or of the mean target, on the folds of a search.

    Returns
    -------
    scores : ndarray of shape (n_folds,) or None
        None for other estimators, and where a constant cannot be scored.
    """
    if is_classifier(problem.estimator):
        constant = DummyClassifier(strategy="prior")
    elif is_regressor(problem.estimator):
        constant = DummyRegressor()
    else:
        return None
    silent = replace(problem, estimator=constant, fit_params={}, verbose=0, shelf={})
    silent = replace(silent, return_train_score=False, stopping=None, error_score=math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a failure means only that nothing is said
        try:
            outcomes = evaluate(Step(0, tuple(range(n_folds))), {}, _Here(silent))
        except Exception:
            return None
    scores = np.array([outcome.scores.get(metric or "score", math.nan) for outcome in outcomes])
    return scores if np.isfinite(scores).all() else None

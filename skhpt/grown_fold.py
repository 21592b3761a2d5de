"""A configuration on a fold, trained by whoever knows how; what is the same for all of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._compat import check_method_params
from .estimators.growing import Watched
from .evaluate import Problem, Report, Scoring
from .fold_rows import fold_rows
from .trial import Outcome, Step


class GrownFold:
    """What is told, scored and recorded of a model that was not trained by its own ``fit``.

    Parameters
    ----------
    problem : Problem
    step : Step
    params : mapping
    fold : int
    """

    def __init__(self, problem: Problem, step: Step, params: Mapping[str, Any], fold: int):
        self._problem, self._step, self._params, self._fold = problem, step, params, fold
        self._report = Report(problem, step, params, fold)

    def _to_train(self, estimator) -> tuple:
        """The rows of the fold, and what goes with them, for who begins to grow on them."""
        problem = self._problem
        rows = fold_rows(problem, self._fold, estimator)
        fit_params = check_method_params(problem.X, params=problem.fit_params, indices=rows.train)
        return rows.X, rows.y, Watched(rows.X_test, rows.y_test), fit_params, rows.through

    def _scored_in(self, context, fitted, fit_time: float) -> Outcome:
        if context is None:
            return self._scored(fitted, fit_time)
        rows = fold_rows(self._problem, self._fold, fitted)
        with context:
            with context.around(fitted, rows.X, rows.y, {}):
                pass  # it has been trained already
            outcome = self._scored(fitted, fit_time)
        return replace(outcome, stop=True) if context.stop else outcome

    def _scored(self, fitted, fit_time: float) -> Outcome:
        problem, rows = self._problem, fold_rows(self._problem, self._fold, fitted)
        score = Scoring(problem, fitted)
        started = time.time()
        scores = score(rows.X_test, rows.y_test, rows.test)
        score_time = time.time() - started
        train = score(rows.X, rows.y, rows.train) if problem.return_train_score else {}
        return self._outcome(scores, fit_time, score_time, train_scores=train)

    def _failed(self, error: str, fit_time: float, context) -> Outcome:
        with context or contextlib.nullcontext():
            return self._outcome({}, fit_time, 0.0, error=error)

    def _outcome(self, scores, fit_time: float, score_time: float, **others) -> Outcome:
        step = self._step
        outcome = Outcome(
            step.trial, self._fold, scores, fit_time, score_time, resource=step.resource, **others
        )
        self._report.end(outcome)
        return outcome

"""One step of a candidate that grows: its folds train in step and share one number of rounds."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from traceback import format_exc
from typing import Any

import joblib
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ._compat import check_method_params, safe_split
from .estimators.growing import Grower, Watched, grower_of
from .evaluate import Problem, Report, Scoring, evaluate
from .lockstep import FoldRun, common_round
from .trial import Outcome, Step

_PREFIXES_KEPT = 2  # fitted beginnings of a pipeline, a fold: one is tried after the other


def last_step(estimator) -> tuple[str, Any]:
    """The end of a pipeline, however nested, with the prefix of its parameters."""
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, inner = estimator.steps[-1]
        prefix, estimator = f"{prefix}{name}__", inner
    return prefix, estimator


def rounds_parameter(estimator, n_samples: int) -> str | None:
    """Name of the number of rounds of an estimator that can be grown; None where it cannot."""
    prefix, last = last_step(estimator)
    grower = grower_of(last, {}, n_samples)
    return None if grower is None or not _is_plain(estimator) else prefix + grower.rounds


def _is_plain(estimator) -> bool:
    """Whether every pipeline on the way does no more than to hand on what its steps make."""
    while isinstance(estimator, Pipeline):
        if getattr(estimator, "transform_input", None):
            return False
        estimator = estimator.steps[-1][1]
    return True


def evaluate_together(
    step: Step,
    params: Mapping[str, Any],
    shared,
    contexts: Mapping[int, Any] | None = None,
    in_time: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Run one step of a candidate with early stopping; see :func:`~skhpt.evaluate.evaluate`.

    A configuration that cannot be grown exactly as its own ``fit`` would is fitted plainly.
    """
    problem = shared.get()
    with problem.surroundings():
        candidate = _Candidate.of(problem, step, params)
        outcomes = None if candidate is None else candidate.run(contexts or {}, in_time)
    if outcomes is None:
        return evaluate(step, params, shared, contexts, in_time)
    return outcomes


@dataclass
class _FoldRows:
    """The rows of a fold, cut out once; what is made of them is kept as long as they are."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    train: Any
    test: Any

    def __post_init__(self):
        self._prefixes: dict[str, tuple[Any, Any, Any, dict]] = {}

    def through(self, prefix: Pipeline | None) -> tuple[Any, Any, Any, dict]:
        """The fitted beginning of the pipeline, both parts of the rows behind it, a shelf."""
        key = "" if prefix is None else joblib.hash(prefix)
        if key not in self._prefixes:
            while len(self._prefixes) >= _PREFIXES_KEPT:
                self._prefixes.pop(next(iter(self._prefixes)))
            if prefix is None:
                self._prefixes[key] = (None, self.X, self.X_test, {})
            else:
                fitted = clone(prefix)
                X = fitted.fit_transform(self.X, self.y)
                self._prefixes[key] = (fitted, X, fitted.transform(self.X_test), {})
        return self._prefixes[key]


class _Candidate:
    """A configuration whose last step grows."""

    def __init__(self, problem: Problem, step: Step, params, estimator, grower: Grower):
        self._problem = problem
        self._step = step
        self._params = params
        self._estimator = estimator
        self._grower = grower
        self._patience = problem.stopping.patience_of(last_step(estimator)[1])
        self._runs: list[FoldRun] = []

    @classmethod
    def of(cls, problem: Problem, step: Step, params) -> _Candidate | None:
        try:
            estimator = problem.configured(params)
        except Exception:
            return None  # the plain way reports it
        prefix, last = last_step(estimator)
        names = problem.fit_params.keys()
        routed = bool(prefix) and get_config()["enable_metadata_routing"] and bool(names)
        if routed or not _is_plain(estimator) or not all(n.startswith(prefix) for n in names):
            return None
        own = {n[len(prefix) :]: v for n, v in problem.fit_params.items()}
        n_samples = max(len(train) for train, _ in problem.splits)
        grower = grower_of(last, own, n_samples)
        return None if grower is None else cls(problem, step, params, estimator, grower)

    def run(self, contexts: Mapping[int, Any], in_time) -> list[Outcome] | None:
        """The outcomes of the folds; None when the first of them cannot be grown."""
        error, dropped, late = None, False, False
        for position, fold in enumerate(self._step.folds):
            started = time.time()
            try:
                run = self._begin(fold)
                if run is None:
                    return None
                self._runs.append(run)
                run.seconds = time.time() - started
                run.run(self._is_hopeless)
            except Exception:
                if self._problem.error_score == "raise":
                    raise
                del self._runs[position:]
                error = self._failed(fold, format_exc(), time.time() - started)
                break
            dropped = self._loses()
            late = position + 1 < len(self._step.folds) and not in_time()
            if dropped or late:
                break
        outcomes = self._finish(contexts, to_the_end=error is None and not dropped and not late)
        if late and not dropped:
            outcomes[-1] = replace(outcomes[-1], late=True)
        return outcomes if error is None else [*outcomes, error]

    # -- folds -----------------------------------------------------------------------------

    def _begin(self, fold: int) -> FoldRun | None:
        problem = self._problem
        Report(problem, self._step, self._params, fold).start()
        rows = _rows_of(problem, fold, self._estimator)
        prefix, last = last_step(self._estimator)
        fitted_prefix, X, X_test, shelf = rows.through(_beginning(self._estimator))
        fit_params = check_method_params(problem.X, params=problem.fit_params, indices=rows.train)
        growth = self._grower.start(
            clone(last),
            X,
            rows.y,
            Watched(X_test, rows.y_test),
            {name[len(prefix) :]: value for name, value in fit_params.items()},
            shelf,
        )
        if growth is None:
            return None
        return FoldRun(
            growth=growth,
            wrap=lambda fitted: _with_end(self._estimator, fitted_prefix, fitted),
            scorer=problem.scorer,
            X=rows.X_test,
            y=rows.y_test,
            score_params=check_method_params(
                problem.X, params=problem.score_params, indices=rows.test
            ),
            stopping=problem.stopping,
            patience=self._patience,
        )

    def _so_far(self) -> list[float]:
        return [run.curve.best() for run in self._runs]

    def _loses(self) -> bool:
        rule = self._step.rule
        return rule is not None and rule.drops(self._so_far())

    def _is_hopeless(self, optimistic_end: float) -> bool:
        rule = self._step.rule
        return rule is not None and rule.drops([*self._so_far()[:-1], optimistic_end])

    # -- outcomes --------------------------------------------------------------------------

    def _finish(self, contexts: Mapping[int, Any], to_the_end: bool) -> list[Outcome]:
        if not self._runs:
            return []
        n_rounds = common_round(self._runs, to_the_end)
        outcomes = []
        for fold, run in zip(self._step.folds, self._runs):
            outcomes.append(self._outcome(fold, run, n_rounds, contexts.get(fold)))
            if outcomes[-1].stop:
                break
        return outcomes

    def _outcome(self, fold: int, run: FoldRun, n_rounds: int, context) -> Outcome:
        if context is None:
            return self._scored(fold, run, n_rounds)
        rows = _rows_of(self._problem, fold, self._estimator)
        with context:
            with context.around(run.fitted(n_rounds), rows.X, rows.y, {}):
                pass  # it has been trained already: both are told when the rounds are known
            outcome = self._scored(fold, run, n_rounds)
        return replace(outcome, stop=True) if context.stop else outcome

    def _scored(self, fold: int, run: FoldRun, n_rounds: int) -> Outcome:
        problem, rows = self._problem, _rows_of(self._problem, fold, self._estimator)
        score = Scoring(problem, run.fitted(n_rounds))
        started = time.time()
        scores = score(rows.X_test, rows.y_test, rows.test)
        score_time = time.time() - started
        train = {}
        if problem.return_train_score:
            train = score(rows.X, rows.y, rows.train)
        outcome = Outcome(
            trial=self._step.trial,
            fold=fold,
            scores=scores,
            train_scores=train,
            fit_time=run.seconds,
            score_time=score_time,
            resource=self._step.resource,
            n_rounds=n_rounds,
        )
        Report(problem, self._step, self._params, fold).end(outcome)
        return outcome

    def _failed(self, fold: int, error: str, seconds: float) -> Outcome:
        outcome = Outcome(self._step.trial, fold, {}, seconds, 0.0, error=error)
        Report(self._problem, self._step, self._params, fold).end(outcome)
        return outcome


def _rows_of(problem: Problem, fold: int, estimator) -> _FoldRows:
    """The rows of a fold, from the shelf of this thread: two must not grow on the same bins."""
    key = (threading.get_ident(), fold)
    if key not in problem.shelf:
        train, test = problem.splits[fold]
        X, y = safe_split(estimator, problem.X, problem.y, train)
        X_test, y_test = safe_split(estimator, problem.X, problem.y, test, train)
        problem.shelf[key] = _FoldRows(X, y, X_test, y_test, train, test)
    return problem.shelf[key]


def _beginning(estimator) -> Pipeline | None:
    """Everything before the last step, as one pipeline; None where there is nothing."""
    steps: list = []
    while isinstance(estimator, Pipeline):
        steps += [(f"{len(steps)}-{name}", step) for name, step in estimator.steps[:-1]]
        estimator = estimator.steps[-1][1]
    return Pipeline(steps) if steps else None


def _with_end(estimator, fitted_prefix: Pipeline | None, fitted):
    """The pipeline with its beginning and its end fitted."""
    beginnings = [] if fitted_prefix is None else [step for _, step in fitted_prefix.steps]
    return _assembled(estimator, beginnings, fitted)


def _assembled(estimator, beginnings: Sequence, fitted):
    if not isinstance(estimator, Pipeline):
        return fitted
    n_own = len(estimator.steps) - 1
    whole = copy.copy(estimator)
    names = [name for name, _ in estimator.steps]
    end = _assembled(estimator.steps[-1][1], beginnings[n_own:], fitted)
    whole.steps = list(zip(names, [*beginnings[:n_own], end]))
    return whole

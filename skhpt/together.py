"""One step of a candidate that grows: its folds train in step and share one number of rounds."""

from __future__ import annotations

import math
import numbers
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from traceback import format_exc
from typing import Any

from sklearn.base import clone

from ._compat import check_method_params, safe_split
from .curves import Curve, optimistic_end
from .estimators.growing import Grower, Watched, grower_of
from .estimators.pipelines import beginning, fit_params_of_end, last_step, with_end
from .estimators.stopping import (
    own_stopping,
    rounds_by_inner_split,
    rounds_to_find,
    settles_its_training,
)
from .evaluate import Problem, Report, Scoring, evaluate
from .fold_rows import fold_rows
from .lockstep import EarlyStopping, FoldRun, common_round
from .reading import ScoreReader
from .trial import Outcome, Step

# Share of the incumbent's rounds in which a candidate that is ahead of it is not given up. On
# 20,000 rows, where 500 rounds were best, forecasts from 30 rounds took the better one for worse.
_EARLY = 0.25


def stopping_for(
    estimator,
    wanted: Any,
    curated: bool,
    splits: Sequence[tuple[Any, Any]],
    metric: str | None,
    fit_params: Mapping[str, Any] | None = None,
) -> EarlyStopping | None:
    """Read ``early_stopping``: how folds stop; None where it is not wanted, or cannot be had.

    Left to itself (None) it goes with the curated space, unless the user has settled how long
    to train.
    """
    if wanted is False or (wanted is None and not curated):
        return None
    wanted = "auto" if wanted is True else wanted
    n_rows = max(len(train) for train, _ in splits)
    off = own_stopping(estimator, n_rows) if curated else []
    to_train = clone(estimator).set_params(**dict.fromkeys(off, False))
    parameter = rounds_to_find(to_train, n_rows, fit_params)
    if parameter is None or (wanted is None and settles_its_training(estimator)):
        return None
    patience = int(wanted) if isinstance(wanted, numbers.Integral) else None
    return EarlyStopping(parameter, metric, patience, switched_off=tuple(off))


def evaluate_together(
    step: Step,
    params: Mapping[str, Any],
    shared,
    contexts: Mapping[int, Any] | None = None,
    in_time: Callable[[], bool] = lambda: True,
    exactly: int | None = None,
) -> list[Outcome]:
    """Run one step of a candidate with early stopping; see :func:`~skhpt.evaluate.evaluate`.

    `exactly` is a number of rounds that was found before.

    Where it cannot be grown exactly as its own ``fit`` would, an inner split tells the number of
    rounds; where there is none of that either, it is fitted plainly.
    """
    problem = shared.get()
    with problem.surroundings():
        candidate = _Candidate.of(problem, step, params, exactly)
        outcomes = None if candidate is None else candidate.run(contexts or {}, in_time)
        if outcomes is not None:
            return outcomes
        found, seconds = exactly, 0.0
        if found is None:
            found, seconds = _rounds_by_inner_splits(problem, step, params)
    told = params if found is None else {**params, problem.stopping.parameter: found}
    first, *others = evaluate(step, told, shared, contexts, in_time)
    if candidate is not None:  # a later fold could not be grown
        first = replace(first, vain=candidate.length())
    share = seconds / len(step.folds)
    return [replace(o, n_rounds=found, fit_time=o.fit_time + share) for o in (first, *others)]


def _rounds_by_inner_splits(problem: Problem, step: Step, params) -> tuple[int | None, float]:
    """A number of rounds from a split of each fold's own training rows; the seconds it took.

    Like the best of a mean curve it is the same for all folds, so that the scores are those of
    the configuration that is reported.
    """
    started = time.time()
    n_rows = max(len(train) for train, _ in problem.splits)
    found = []
    try:
        by_it = rounds_to_find(problem.configured(params), n_rows, problem.fit_params)
        if by_it != problem.stopping.parameter:
            return None, 0.0  # a search may try several kinds of estimators
        for fold in step.folds:
            train = problem.splits[fold][0]
            fit_params = check_method_params(problem.X, params=problem.fit_params, indices=train)
            estimator = problem.configured(params)
            X, y = safe_split(estimator, problem.X, problem.y, train)
            patience = problem.stopping.patience
            found.append(rounds_by_inner_split(estimator, X, y, fit_params, patience, fold))
            if found[-1] is None:
                return None, 0.0
    except Exception:
        return None, 0.0  # the fit itself, which comes next, will say what is wrong
    return int(statistics.median_high(found)), time.time() - started


class _Candidate:
    """A configuration whose last step grows."""

    def __init__(self, problem, step: Step, params, estimator, grower: Grower, exactly):
        self._problem = problem
        self._step = step
        self._params = params
        self._estimator = estimator
        self._grower = grower
        self._exactly = exactly
        self._runs: list[FoldRun] = []
        self._failures: dict[int, Outcome] = {}  # by fold

    @classmethod
    def of(cls, problem: Problem, step: Step, params, exactly) -> _Candidate | None:
        try:
            estimator = problem.configured(params)
        except Exception:
            return None  # the plain way reports it
        (prefix, last), own = last_step(estimator), fit_params_of_end(estimator, problem.fit_params)
        n_samples = max(len(train) for train, _ in problem.splits)
        grower = None if own is None else grower_of(last, own, n_samples)
        # A search may try several kinds of estimators, not all with rounds of this name.
        if grower is None or prefix + grower.rounds != problem.stopping.parameter:
            return None
        return cls(problem, step, params, estimator, grower, exactly)

    def run(self, contexts: Mapping[int, Any], in_time) -> list[Outcome] | None:
        """The outcomes of the folds; None when one of them cannot be grown."""
        dropped = late = False
        for position, fold in enumerate(self._step.folds):
            started = time.time()
            try:
                run = self._begin(fold) if position else self._begin_first(fold)
                if run is None:
                    return None
                self._runs.append(run)
                run.seconds = time.time() - started
                if self._exactly is None:
                    run.run(self._is_hopeless, self._furthest())
                else:
                    run.train(self._exactly)
            except Exception:
                if self._problem.error_score == "raise":
                    raise
                sound = position - len(self._failures)
                broken, self._runs[sound:] = self._runs[sound:], []
                seconds = time.time() - started
                self._failures[fold] = self._failed(fold, format_exc(), seconds, broken)
            dropped = self._loses(fold)
            late = position + 1 < len(self._step.folds) and not in_time()
            if dropped or late:
                break
        outcomes = self._finish(contexts, to_the_end=not dropped and not late)
        if late and not dropped:
            outcomes[-1] = replace(outcomes[-1], late=True)
        return outcomes

    # -- folds -----------------------------------------------------------------------------

    def _begin_first(self, fold: int) -> FoldRun | None:
        try:
            return self._begin(fold)
        except Exception:
            return None  # the plain way fits it all the same, or reports what is wrong

    def _begin(self, fold: int) -> FoldRun | None:
        problem = self._problem
        Report(problem, self._step, self._params, fold).start()
        rows = fold_rows(problem, fold, self._estimator)
        last = last_step(self._estimator)[1]
        fitted_prefix, X, X_test, shelf = rows.through(beginning(self._estimator))
        fit_params = check_method_params(problem.X, params=problem.fit_params, indices=rows.train)
        growth = self._grower.start(
            clone(last),
            X,
            rows.y,
            Watched(X_test, rows.y_test),
            fit_params_of_end(self._estimator, fit_params),
            shelf,
        )
        if growth is None:
            return None
        reader = ScoreReader(
            growth=growth,
            wrap=lambda fitted: with_end(self._estimator, fitted_prefix, fitted),
            scorer=problem.scorer,
            metric=problem.stopping.metric,
            X=rows.X_test,
            y=rows.y_test,
            score_params=check_method_params(
                problem.X, params=problem.score_params, indices=rows.test
            ),
            kept=rows.settled_for(type(last)),
        )
        return FoldRun(
            reader,
            every=problem.stopping.every,
            patience=problem.stopping.patience or self._grower.patience,
            max_rounds=self._grower.max_rounds,
            tell=self._tell,
        )

    def _tell(self) -> None:
        if self._problem.headway is not None:
            self._problem.headway.tell(self._step.trial, self.length())

    def length(self) -> float:
        """What it has trained so far; see :func:`~skhpt.virtual_time.length_of`."""
        failed = self._failures.values()
        n_rounds = sum(run.growth.n_rounds for run in self._runs)
        n_rounds += sum(outcome.work or 0 for outcome in failed)
        costs = [o.round_cost for o in failed] + [r.growth.round_cost for r in self._runs]
        return n_rounds * max(costs, default=1.0)

    @property
    def _begun(self) -> Sequence[int]:
        """The folds so far."""
        return self._step.folds[: len(self._runs) + len(self._failures)]

    @property
    def _error_value(self) -> float:
        """What a fold counts that failed; NaN where that ends the candidate's chances."""
        given = self._problem.error_score
        return float(given) if isinstance(given, numbers.Real) else math.nan

    def _so_far(self) -> list[float]:
        bests = iter([run.curve.best() for run in self._runs])
        return [self._error_value if f in self._failures else next(bests) for f in self._begun]

    def _loses(self, fold: int) -> bool:
        """Whether the candidate is given up after a fold."""
        rule = self._step.rule
        if rule is None or (fold in self._failures and not math.isnan(self._error_value)):
            return False  # a number in the place of the score leaves it in the race
        return rule.drops(self._so_far())

    def _furthest(self) -> int | None:
        """How far a fold need go for the mean over the folds: a patience beyond those before it."""
        before = [run.growth.n_rounds for run in self._runs[:-1]]
        return max(before) + self._runs[0].patience if before else None

    def _is_hopeless(self, curve: Curve) -> bool:
        rule = self._step.rule
        if rule is None or rule.is_ahead(len(self._begun) - 1, curve.rounds[-1], curve.scores[-1]):
            return False
        return rule.drops([*self._so_far()[:-1], optimistic_end(curve)])

    # -- outcomes --------------------------------------------------------------------------

    def _finish(self, contexts: Mapping[int, Any], to_the_end: bool) -> list[Outcome]:
        begun = self._begun
        grown = dict(zip((fold for fold in begun if fold not in self._failures), self._runs))
        n_rounds = self._n_rounds(grown, to_the_end)
        outcomes = []
        for fold in begun:
            failure = self._failures.get(fold)
            outcomes.append(
                failure or self._outcome(fold, grown[fold], n_rounds, contexts.get(fold))
            )
            if outcomes[-1].stop:
                break
        return outcomes

    def _n_rounds(self, grown: Mapping[int, FoldRun], to_the_end: bool) -> int:
        """The rounds that the folds have in common; where they fail on the way, all have failed."""
        if self._exactly is not None or not grown:
            return self._exactly or 0
        hopeless = bool(self._failures) and math.isnan(self._error_value)
        try:
            return common_round(list(grown.values()), to_the_end and not hopeless)
        except Exception:
            if self._problem.error_score == "raise":
                raise
            error = format_exc()
            for fold, run in grown.items():
                self._failures[fold] = self._failed(fold, error, run.seconds, [run])
            return 0

    def _outcome(self, fold: int, run: FoldRun, n_rounds: int, context) -> Outcome:
        if context is None:
            return self._scored(fold, run, n_rounds)
        rows = fold_rows(self._problem, fold, self._estimator)
        with context:
            with context.around(run.fitted(n_rounds), rows.X, rows.y, {}):
                pass  # it has been trained already: both are told when the rounds are known
            outcome = self._scored(fold, run, n_rounds)
        return replace(outcome, stop=True) if context.stop else outcome

    def _scored(self, fold: int, run: FoldRun, n_rounds: int) -> Outcome:
        problem, rows = self._problem, fold_rows(self._problem, fold, self._estimator)
        started = time.time()
        score = Scoring(problem, run.reader.to_score(n_rounds))
        scores = score(rows.X_test, rows.y_test, rows.test)
        score_time = time.time() - started
        train = {}
        if problem.return_train_score:
            train = Scoring(problem, run.fitted(n_rounds))(rows.X, rows.y, rows.train)
        outcome = Outcome(
            trial=self._step.trial,
            fold=fold,
            scores=scores,
            train_scores=train,
            fit_time=run.seconds,
            score_time=score_time,
            resource=self._step.resource,
            n_rounds=n_rounds,
            work=run.growth.n_rounds,
            round_cost=run.growth.round_cost,
            early=run.curve.until(n_rounds * _EARLY),
        )
        Report(problem, self._step, self._params, fold).end(outcome)
        return outcome

    def _failed(self, fold: int, error: str, seconds: float, broken: Sequence[FoldRun]) -> Outcome:
        outcome = Outcome(self._step.trial, fold, {}, seconds, 0.0, error=error)
        if broken:  # what it has trained was told
            growth = broken[0].growth
            outcome = replace(outcome, work=growth.n_rounds, round_cost=growth.round_cost)
        Report(self._problem, self._step, self._params, fold).end(outcome)
        return outcome

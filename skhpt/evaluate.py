"""One step: a configuration on some folds, in one process. The only place that fits a user's model.

What is owed to scikit-learn stands here: how a fold is cut out, how fit parameters follow
it, what counts as a failure, what ``verbose`` prints.
"""

from __future__ import annotations

import contextlib
import math
import numbers
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn.base import clone

from ._compat import (
    MultimetricScorer,
    check_method_params,
    fold_indices,
    level_of_caller,
    openmp_threads,
    safe_split,
    scores_of,
    using_settings,
)
from .estimators.registry import divide_threads, quiet_parameters
from .fold_rows import fitted_with_shared_beginning
from .ledger import NamedScores
from .lockstep import EarlyStopping
from .trial import Outcome, Step


@dataclass(frozen=True)
class Problem:
    """Everything that a fit needs, the same for every step; shipped to the workers once.

    Attributes
    ----------
    estimator : estimator object
        Never fitted: each fit gets a clone.
    X, y : the rows that may be used for tuning
    splits : sequence of (train, test)
        Row numbers of each fold.
    scorer : callable
        ``scorer(estimator, X, y)``, returning a number or a dict of numbers.
    fit_params, score_params : dict
        Whole-length; what has one entry a row is cut along the fold.
    error_score : "raise" or float
    return_train_score : bool
    verbose : int
    n_candidates : int or None
        For ``verbose`` only; None when not known in advance.
    quiet : bool
        Whether to keep the estimator's library from printing a line for every tree.
    threads : int or None
        Threads that one fit may use; None leaves the estimator as it is.
    settings : tuple or None
        scikit-learn's configuration and the warning filters, None in the caller's thread.
    shares_beginnings : bool
        Whether the beginning of a pipeline is fitted once a fold for all configurations that
        have it in common; their times then do not count it.
    stopping : EarlyStopping or None
        When a model that grows has grown enough; None fits as many rounds as it is told.
    rungs : sequence of sequences of (train, test)
        Row numbers of each fold on each rung, where a rung has rows of its own.
    climbs : bool
        Whether a configuration on a rung is the one of the rung below with more rounds.
    headway : Headway or None
        Where candidates that grow tell how far they have got.
    shelf : dict
        What a worker keeps from one step to the next.
    """

    estimator: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    scorer: Any
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    score_params: Mapping[str, Any] = field(default_factory=dict)
    error_score: Any = float("nan")
    return_train_score: bool = False
    verbose: int = 0
    n_candidates: int | None = None
    quiet: bool = False
    shares_beginnings: bool = False
    threads: int | None = None
    settings: tuple | None = None
    stopping: EarlyStopping | None = None
    rungs: Sequence[Sequence[tuple[Any, Any]]] = ()
    climbs: bool = False
    headway: Any = None
    shelf: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def rounds(self) -> str | None:
        """Name of the number of rounds that early stopping finds."""
        return None if self.stopping is None else self.stopping.parameter

    def rows_of(self, step: Step, fold: int) -> tuple[Any, Any]:
        """Row numbers for training and for testing."""
        splits = self.rungs[step.rung.number] if step.rung and self.rungs else self.splits
        return splits[fold]

    def score_of(self, outcome: Outcome, metric: str) -> float:
        """A fold's score; ``error_score`` where the fit or the metric failed."""
        if outcome.error is None and metric in outcome.scores:
            return float(outcome.scores[metric])
        return math.nan if self.error_score == "raise" else float(self.error_score)

    def in_worker(self, threads: int, settings: tuple) -> Problem:
        """The same problem for a worker that has `threads` cores to itself."""
        return replace(self, threads=threads, settings=settings)

    def configured(self, params: Mapping[str, Any]):
        """A clone of the estimator with a configuration, and with its share of the cores."""
        estimator = with_params(self.estimator, params, quiet=self.quiet)
        if self.threads is not None:
            divide_threads(estimator, self.threads)
        return estimator

    def surroundings(self):
        """The context of a step: in a worker, the caller's settings and a share of the cores."""
        stack = contextlib.ExitStack()
        if self.settings is not None:
            stack.enter_context(using_settings(self.settings))
        if self.threads is not None:
            stack.enter_context(openmp_threads(self.threads))
        return stack


def evaluate(
    step: Step,
    params: Mapping[str, Any],
    shared,
    contexts: Mapping[int, Any] | None = None,
    in_time: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Run one step.

    Parameters
    ----------
    step : Step
    params : mapping
        The configuration.
    shared : object with ``get()``
        Gives the :class:`Problem`.
    contexts : mapping of fold to callback context, optional
        scikit-learn's callback contexts, made in the caller.
    in_time : callable
        Whether another fold may still begin.

    Returns
    -------
    outcomes : list of Outcome
        One a fold, in the order of ``step.folds``, up to the fold after which the step's rule,
        a callback or the time ended it. A fit that raises is an outcome with its traceback,
        unless the problem's ``error_score`` is "raise".
    """
    problem = shared.get()
    outcomes: list[Outcome] = []
    with problem.surroundings():
        for fold in step.folds:
            context = (contexts or {}).get(fold)
            outcomes.append(_evaluate_in_context(problem, step, params, fold, context))
            if outcomes[-1].stop or _is_decided(problem, step.rule, outcomes):
                break
            if len(outcomes) < len(step.folds) and not in_time():
                outcomes[-1] = replace(outcomes[-1], late=True)
                break
    return outcomes


def _is_decided(problem: Problem, rule, outcomes: Sequence[Outcome]) -> bool:
    """Whether the folds so far settle that the candidate cannot win."""
    if rule is None:
        return False
    if outcomes[-1].error is not None:
        # a number in the place of the score leaves the candidate in the race
        return not isinstance(problem.error_score, numbers.Real) or math.isnan(problem.error_score)
    scores = [problem.score_of(outcome, rule.metric) for outcome in outcomes]
    return rule.drops(scores)


def _evaluate_in_context(problem: Problem, step: Step, params, fold: int, context) -> Outcome:
    """Evaluate a fold; the task of its callback context ends after the scores, and with errors."""
    if context is None:
        return _evaluate_fold(problem, step, params, fold)
    with context:
        outcome = _evaluate_fold(problem, step, params, fold, context)
    return replace(outcome, stop=True) if context.stop else outcome


def _evaluate_fold(problem: Problem, step: Step, params, fold: int, context=None) -> Outcome:
    report = Report(problem, step, params, fold)
    report.start()
    train, test = fold_indices(problem.X, *problem.rows_of(step, fold))
    fit_params = check_method_params(problem.X, params=problem.fit_params, indices=train)
    started = time.time()
    error = rows = shared = None
    try:
        estimator = problem.configured(params)
        # after the parameters: they may say that X is a precomputed kernel
        cut = partial(safe_split, estimator, problem.X, problem.y)
        if problem.shares_beginnings and context is None and step.rung is None:
            shared = fitted_with_shared_beginning(problem, fold, estimator, fit_params)
        if shared is None:
            rows = cut(train)
            _fit(estimator, *rows, fit_params, context)
        else:
            estimator = shared
        X_test, y_test = cut(test, train)
    except Exception:
        # a callback that fails before the fit has begun says nothing about the configuration
        if problem.error_score == "raise" or (context is not None and context.beginning):
            raise
        error = format_exc()
    fitted = time.time()

    scores, train_scores = {}, {}
    if error is None:
        score = Scoring(problem, estimator)
        scores = score(X_test, y_test, test)
    scored = time.time()
    if error is None and problem.return_train_score:
        train_scores = score(*(rows or cut(train)), train)
    outcome = Outcome(
        trial=step.trial,
        fold=fold,
        scores=scores,
        train_scores=train_scores,
        fit_time=fitted - started,
        score_time=scored - fitted if error is None else 0.0,
        error=error,
        resource=step.resource,
    )
    report.end(outcome)
    return outcome


def with_params(estimator, params: Mapping[str, Any], quiet: bool):
    """A clone of an estimator with a configuration.

    The values are cloned too: they may be estimators, which a fit must not share. What keeps
    a library quiet is looked up afterwards, since a value may have replaced a step.
    """
    configured = clone(estimator).set_params(**clone(dict(params), safe=False))
    silent = quiet_parameters(configured) if quiet else {}
    if not silent.keys() <= params.keys():
        configured.set_params(**{k: v for k, v in silent.items() if k not in params})
    return configured


def fit_in_context(estimator, X, y, fit_params: Mapping[str, Any], context=None) -> None:
    """Fit as a task of its own, where there is a callback context for it."""
    with context or contextlib.nullcontext():
        _fit(estimator, X, y, fit_params, context)


def _fit(estimator, X, y, fit_params: Mapping[str, Any], context) -> None:
    """Fit inside a task that has been entered, if any."""
    listening = contextlib.nullcontext()
    if context is not None:
        listening = context.around(estimator, X, y, fit_params)
    with listening:
        estimator.fit(X, *(() if y is None else (y,)), **fit_params)


@dataclass(frozen=True)
class Scoring:
    """Scores a fitted estimator on some rows; a metric that raises gives ``error_score``."""

    problem: Problem
    estimator: Any

    def __call__(self, X, y, rows) -> dict[str, float]:
        params = check_method_params(self.problem.X, params=self.problem.score_params, indices=rows)
        target = () if y is None else (y,)
        try:
            scores = scores_of(self.problem.scorer, self.estimator, X, *target, **params)
        except Exception:
            if self.problem.error_score == "raise" or isinstance(
                self.problem.scorer, MultimetricScorer
            ):
                raise
            self._warn(format_exc())
            return {}  # whether it has names is not known: the table puts error_score there
        if isinstance(scores, dict):
            if not scores:
                raise ValueError(
                    "scoring must return a number or a dict of numbers with a name each, got {}. "
                    f"(scorer={self.problem.scorer})"
                )
            return NamedScores({n: self._number(score, n) for n, score in scores.items()})
        return {"score": self._number(scores, self.problem.scorer)}

    def _number(self, score, scorer) -> float:
        if isinstance(score, str) and isinstance(self.problem.scorer, MultimetricScorer):
            self._warn(score)  # the traceback of one metric; the others stand
            return self.problem.error_score
        if hasattr(score, "item"):
            with contextlib.suppress(ValueError):
                score = score.item()
        if not isinstance(score, numbers.Real | np.bool_):
            raise ValueError(
                f"scoring must return a number, got {score} ({type(score)}) instead. "
                f"(scorer={scorer})"
            )
        return score

    def _warn(self, details: str) -> None:
        warnings.warn(
            "Scoring failed. The score on this train-test partition for these parameters "
            f"will be set to {self.problem.error_score}. Details: \n{details}",
            UserWarning,
            stacklevel=level_of_caller(),
        )


@dataclass(frozen=True)
class Report:
    """The lines that ``verbose`` > 1 prints, in scikit-learn's words."""

    problem: Problem
    step: Step
    params: Mapping[str, Any]
    fold: int

    def _progress(self) -> str:
        verbose, text = self.problem.verbose, ""
        if verbose > 2:
            text = f" {self.fold + 1}/{len(self.problem.splits)}"
        if verbose > 9:
            text += f"; {self.step.trial + 1}/{self.problem.n_candidates or '?'}"
        return text

    def _params(self) -> str:
        return ", ".join(f"{name}={self.params[name]}" for name in sorted(self.params))

    def start(self) -> None:
        if self.problem.verbose > 9:
            print(f"[CV{self._progress()}] START {self._params()}".ljust(80, "."))

    def end(self, outcome: Outcome) -> None:
        if self.problem.verbose <= 1:
            return
        head = f"[CV{self._progress()}] END "
        params = self._params()
        tail = params + (";" if params else "") + self._scores(outcome)
        tail += f" total time={_short_time(outcome.fit_time + outcome.score_time)}"
        print(head + tail.rjust(80 - len(head), "."))

    def _scores(self, outcome: Outcome) -> str:
        if self.problem.verbose <= 2:
            return ""
        names = self._names(outcome)
        if names is not None:
            return "".join(f" {name}: ({self._both(outcome, name)})" for name in sorted(names))
        both = self._both(outcome, "score")
        if self.problem.return_train_score:
            return f", score=({both})"
        return ", score=" + both.removeprefix("test=")

    def _names(self, outcome: Outcome) -> Iterable[str] | None:
        """The names of the metrics; None for a single one and while nobody knows them."""
        if isinstance(outcome.scores, NamedScores):
            return outcome.scores
        scorer = self.problem.scorer
        return scorer._scorers if isinstance(scorer, MultimetricScorer) else None

    def _both(self, outcome: Outcome, name: str) -> str:
        """The scores on training and test rows; ``error_score`` stands where there is none."""
        scores = {"test": outcome.scores}
        if self.problem.return_train_score:
            scores = {"train": outcome.train_scores, **scores}
        otherwise = self.problem.error_score
        return ", ".join(f"{rows}={of.get(name, otherwise):.3f}" for rows, of in scores.items())


def _short_time(seconds: float) -> str:
    return f"{seconds / 60:4.1f}min" if seconds > 60 else f" {seconds:5.1f}s"

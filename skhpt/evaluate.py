"""One step: a configuration on some folds, in one process. The only place that fits a user's model.

What is owed to scikit-learn stands here: how a fold is cut out, how fit parameters follow
it, what counts as a failure, what ``verbose`` prints.
"""

from __future__ import annotations

import contextlib
import numbers
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from traceback import format_exc
from typing import Any

from sklearn.base import clone

from ._compat import (
    MultimetricScorer,
    check_method_params,
    fold_indices,
    openmp_threads,
    safe_split,
    using_settings,
)
from .estimators.registry import divide_threads, quiet_parameters
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
    threads: int | None = None
    settings: tuple | None = None

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
    step: Step, params: Mapping[str, Any], shared, contexts: Mapping[int, Any] | None = None
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

    Returns
    -------
    outcomes : list of Outcome
        One a fold, in the order of ``step.folds``. A fit that raises is an outcome with
        its traceback, unless the problem's ``error_score`` is "raise".
    """
    problem = shared.get()
    with problem.surroundings():
        return [
            _evaluate_fold(problem, step, params, fold, (contexts or {}).get(fold))
            for fold in step.folds
        ]


def _evaluate_fold(problem: Problem, step: Step, params, fold: int, context) -> Outcome:
    report = _Report(problem, step, params, fold)
    report.start()
    train, test = fold_indices(problem.X, *problem.splits[fold])
    fit_params = check_method_params(problem.X, params=problem.fit_params, indices=train)
    started = time.time()
    error = None
    try:
        estimator = problem.configured(params)
        # after the parameters: they may say that X is a precomputed kernel
        X_train, y_train = safe_split(estimator, problem.X, problem.y, train)
        X_test, y_test = safe_split(estimator, problem.X, problem.y, test, train)
        fit_in_context(estimator, X_train, y_train, fit_params, context)
    except Exception:
        if problem.error_score == "raise":
            raise
        error = format_exc()
    fitted = time.time()

    scores, train_scores = {}, {}
    if error is None:
        score = _Scoring(problem, estimator)
        scores = score(X_test, y_test, test)
    scored = time.time()
    if error is None and problem.return_train_score:
        train_scores = score(X_train, y_train, train)
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
    if quiet:
        silent = quiet_parameters(configured)
        configured.set_params(**{k: v for k, v in silent.items() if k not in params})
    return configured


def fit_in_context(estimator, X, y, fit_params: Mapping[str, Any], context=None) -> None:
    """Fit, telling scikit-learn's callbacks when there is a callback context for it."""
    target = () if y is None else (y,)
    if context is None:
        estimator.fit(X, *target, **fit_params)
        return
    with context.around(estimator, X, y, fit_params):
        estimator.fit(X, *target, **fit_params)


@dataclass(frozen=True)
class _Scoring:
    """Scores a fitted estimator on some rows; a metric that raises gives ``error_score``."""

    problem: Problem
    estimator: Any

    def __call__(self, X, y, rows) -> dict[str, float]:
        params = check_method_params(self.problem.X, params=self.problem.score_params, indices=rows)
        target = () if y is None else (y,)
        try:
            scores = self.problem.scorer(self.estimator, X, *target, **params)
        except Exception:
            # A multimetric scorer raises only when error_score is "raise".
            if self.problem.error_score == "raise" or isinstance(
                self.problem.scorer, MultimetricScorer
            ):
                raise
            self._warn(format_exc())
            return {}  # whether it has names is not known: the table puts error_score there
        named = scores if isinstance(scores, dict) else {"score": scores}
        return {name: self._number(name, score) for name, score in named.items()}

    def _number(self, name: str, score) -> float:
        if isinstance(score, str) and isinstance(self.problem.scorer, MultimetricScorer):
            self._warn(score)  # the traceback of one metric; the others stand
            return self.problem.error_score
        if hasattr(score, "item"):
            with contextlib.suppress(ValueError):
                score = score.item()
        if not isinstance(score, numbers.Number):
            raise ValueError(
                f"scoring must return a number, got {score} ({type(score)}) instead. "
                f"(scorer={self.problem.scorer if name == 'score' else name})"
            )
        return score

    def _warn(self, details: str) -> None:
        warnings.warn(
            "Scoring failed. The score on this train-test partition for these parameters "
            f"will be set to {self.problem.error_score}. Details: \n{details}",
            UserWarning,
            stacklevel=4,
        )


@dataclass(frozen=True)
class _Report:
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
        scores = outcome.scores or {"score": self.problem.error_score}
        train = outcome.train_scores if self.problem.return_train_score else {}
        if list(scores) == ["score"]:
            both = f"(train={train['score']:.3f}, " if train else ""
            return f", score={both}" + (
                f"test={scores['score']:.3f})" if both else f"{scores['score']:.3f}"
            )
        return "".join(
            f" {name}: ("
            + (f"train={train[name]:.3f}, " if train else "")
            + f"test={scores[name]:.3f})"
            for name in sorted(scores)
        )


def _short_time(seconds: float) -> str:
    return f"{seconds / 60:4.1f}min" if seconds > 60 else f" {seconds:5.1f}s"

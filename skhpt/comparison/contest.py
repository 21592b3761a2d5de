"""Runs searches against each other: the same rows, the same folds, the same budget."""

from __future__ import annotations

import contextlib
import copy
import math
import numbers
import sys
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import indexable

from ..evaluate import with_params
from ..rows import Rows, Splits, folds_of, n_folds_asked
from ..search import BaseSearch
from ..seeds import root_of, spawned_int
from ..turn import StopReason
from .budgets import Allowance, Budget, allowance
from .contestants import Contestant, prepared
from .history import Tried, history_of, incumbents, n_configurations, n_tried
from .plans import Ground
from .result import Point, Run
from .text import brief
from .timing import CpuClock


@dataclass(frozen=True)
class Terms:
    """What holds for the whole contest; the arguments of :func:`~skhpt.compare`, checked."""

    rows: Rows
    classifier: bool
    test_size: Any
    budget: Budget | None
    cv: Any
    scoring: Any
    seed: np.random.SeedSequence
    n_jobs: int | None
    curves: bool

    @classmethod
    def of(cls, contestants, X, y, *, groups, random_state, **others) -> Terms:
        kinds = {is_classifier(contestant.search.estimator) for contestant in contestants}
        if len(kinds) > 1:
            raise ValueError(
                "searches must all tune classifiers, or none of them: they share a metric."
            )
        X, y, groups = indexable(X, y, groups)
        split_params = {} if groups is None else {"groups": groups}
        rows = Rows(X, y, {}, {}, split_params)
        seed = root_of(random_state, owes_draws=False)
        return cls(rows=rows, classifier=kinds.pop(), seed=seed, **others)


@dataclass
class Stage:
    """One repeat: rows for tuning with their folds, and rows that only the final scores see.

    Attributes
    ----------
    repeat : int
    tuning, test : Rows
    test_rows : ndarray of int
    folds : list of (ndarray, ndarray)
    seed : int
        Of the searches.
    """

    terms: Terms
    repeat: int
    tuning: Rows
    test: Rows
    test_rows: np.ndarray
    folds: Splits
    seed: int
    _defaults: dict[str, float] = field(default_factory=dict)

    @classmethod
    def set_up(cls, terms: Terms, repeat: int, estimator) -> Stage:
        """Set rows aside and cut the others into folds, before any search sees them."""
        from ..holdout import split_off  # only here, so that importing the package stays cheap

        rows, groups = terms.rows, terms.rows.split_params.get("groups")
        train, test = split_off(
            terms.test_size,
            rows.X,
            rows.y,
            groups=groups,
            cv=terms.cv,
            classifier=terms.classifier,
            random_state=spawned_int(terms.seed, 3 * repeat),
            n_splits=n_folds_asked(terms.cv),
        )
        tuning = rows.take(estimator, train)
        cv = _splitter(terms.cv, tuning, terms.classifier, spawned_int(terms.seed, 3 * repeat + 1))
        return cls(
            terms=terms,
            repeat=repeat,
            tuning=tuning,
            test=rows.take(estimator, test, train),
            test_rows=test,
            folds=folds_of(cv, tuning),
            seed=spawned_int(terms.seed, 3 * repeat + 2),
        )

    def check(self, contestants: list[Contestant]) -> None:
        """Score the estimators as given, before any search is run in vain.

        Raises
        ------
        ValueError
            When one cannot be fitted, or not be scored by the metric.
        """
        for contestant in contestants:
            estimator = contestant.search.estimator
            kind = type(estimator).__name__
            try:
                score = self._default_score(estimator)
            except Exception as error:
                why = brief(f"{type(error).__name__}: {error}")
            else:
                why = None if math.isfinite(score) else f"the score is {score}"
            if why is not None:
                raise ValueError(
                    f"{contestant.name}: the estimator as given ({kind}) cannot be fitted and "
                    f"scored with scoring={self.terms.scoring!r}: {why.rstrip('.')}. Choose a "
                    "scoring that it and the target can serve (predict_proba or not, labels that "
                    "are words, several classes), or mend the estimator or the data."
                )

    def run(self, contestant: Contestant) -> Run:
        """Run one search; what it raises is its result.

        Raises
        ------
        KeyboardInterrupt
            Also when the search itself has taken the interrupt and ended early.
        """
        ground = Ground(self.tuning, self.folds)
        try:
            search = prepared(contestant.search, self._conditions())
            allowed = allowance(search, contestant.word, self.terms.budget, ground)
            contestant.is_unheld |= allowed.is_unheld
            if allowed.note is not None and allowed.note not in contestant.notes:
                contestant.notes.append(allowed.note)
            return self._result(contestant, *self._searched(search, allowed))
        except Exception as error:
            return Run(contestant.name, self.repeat + 1, error=f"{type(error).__name__}: {error}")

    def _conditions(self) -> dict[str, Any]:
        return {
            "cv": copy.deepcopy(self.folds),
            "scoring": self.terms.scoring,
            "random_state": self.seed,
            "n_jobs": self.terms.n_jobs,
        }

    def _searched(self, search, allowed: Allowance):
        search.set_params(**allowed.params)
        clock, started = CpuClock(search), time.perf_counter()
        with _ended_after(search, allowed.n_fits), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The winner is ahead")  # repeats tell more of it
            if self.terms.budget is not None and self.terms.budget.unit != "trials":
                # the number of configurations is not the user's then
                warnings.filterwarnings("ignore", "The total space of parameters")
            search.fit(self.tuning.X, self.tuning.y, **allowed.fit_params)
        clock.stop()
        wall = time.perf_counter() - started
        if getattr(search, "stop_reason_", None) == StopReason.INTERRUPT:
            raise KeyboardInterrupt
        return search, clock, wall

    def _result(self, contestant: Contestant, search, clock: CpuClock, wall: float) -> Run:
        history = history_of(search)
        cpu = clock.total(sum(tried.seconds for tried in history))
        seconds = cpu * (1 - getattr(search, "refit_time_", 0.0) / wall)  # without the refit
        default = self._default_score(search.estimator)
        test_score = self._score(search.best_estimator_)
        return Run(
            search=contestant.name,
            repeat=self.repeat + 1,
            trials=n_configurations(history),
            fits=round(sum(tried.n_fits for tried in history)),
            cpu=cpu,
            wall=wall,
            cv_score=float(getattr(search, "best_score_", np.nan)),
            test_score=test_score,
            default_test_score=default,
            best_params=dict(search.best_params_),
            stop_reason=getattr(search, "stop_reason_", None),
            curve=self._curve(search, history, test_score, seconds) if self.terms.curves else (),
        )

    def _curve(self, search, history: list[Tried], test_score: float, cpu: float):
        """Held-out scores of the incumbents, each refitted as the search refits its winner."""
        numbers_, final = incumbents(history), dict(search.best_params_)
        # The cost of proposing is spread over the trials in proportion to theirs.
        scale = cpu / max(sum(tried.seconds for tried in history), 1e-12)
        points, n_fits, seconds = [], 0.0, 0.0
        for number, (tried, n_trials) in enumerate(zip(history, n_tried(history))):
            n_fits, seconds = n_fits + tried.n_fits, seconds + tried.seconds
            if number not in numbers_:
                continue
            is_winner = number == numbers_[-1] and _same(tried.params, final)
            score = test_score if is_winner else self._refitted_score(search, tried)
            points.append(Point(n_trials, round(n_fits), scale * seconds, tried.score, score))
        return tuple(points)

    def _refitted_score(self, search, tried: Tried) -> float:
        if tried.schedule is not None:
            return self._score(_along(search, tried, self.tuning))
        estimator = with_params(
            search.estimator, tried.params, quiet=isinstance(search, BaseSearch)
        )
        return self._score(estimator.fit(self.tuning.X, self.tuning.y))

    def _default_score(self, estimator) -> float:
        key = joblib.hash(clone(estimator).get_params())
        key = f"{type(estimator).__qualname__} {key}"
        if key not in self._defaults:
            fitted = clone(estimator).fit(self.tuning.X, self.tuning.y)
            self._defaults[key] = self._score(fitted)
        return self._defaults[key]

    def _score(self, estimator) -> float:
        """Touch the held-out rows: score a fitted estimator on them."""
        return float(
            check_scoring(estimator, self.terms.scoring)(estimator, self.test.X, self.test.y)
        )


def _along(search, tried: Tried, rows: Rows):
    """Train along a schedule, as a population does with that of its winner."""
    as_winner = copy.copy(search)
    as_winner._schedules, as_winner.best_index_ = [tried.schedule], 0
    as_winner.best_params_ = dict(tried.params)
    return as_winner._fitted(as_winner.best_params_, rows)


def _same(params, others) -> bool:
    return repr(sorted(params.items(), key=str)) == repr(sorted(others.items(), key=str))


def _splitter(cv, tuning: Rows, classifier: bool, seed: int):
    """A number of folds becomes shuffled folds, which keep groups together where there are some."""
    if cv is not None and not isinstance(cv, numbers.Integral):
        return check_cv(cv, tuning.y, classifier=classifier)
    stratified = isinstance(check_cv(cv, tuning.y, classifier=classifier), StratifiedKFold)
    n_splits = 5 if cv is None else int(cv)
    if "groups" in tuning.split_params:
        if stratified:
            return StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
        return GroupKFold(n_splits)
    return (StratifiedKFold if stratified else KFold)(n_splits, shuffle=True, random_state=seed)


@contextlib.contextmanager
def _ended_after(search, n_fits: int | None):
    """Inside the block, a search of ours ends when it has made so many fits."""
    if n_fits is None:
        yield
        return
    take = search._take_listeners

    def with_limit(params):
        params, listeners = take(params)
        return params, [*listeners, lambda ledger: len(ledger.outcomes) >= n_fits]

    search._take_listeners = with_limit
    try:
        yield
    finally:
        del search._take_listeners


class Progress:
    """A line for each search that has ended, on the standard error output."""

    def __init__(self, verbose: int, n_runs: int, n_repeats: int):
        self._verbose, self._n_runs, self._n_repeats = verbose, n_runs, n_repeats
        self._n_done, self._started = 0, time.perf_counter()

    def begin(self, name: str, repeat: int) -> None:
        if self._verbose > 1:
            self._write(f"repeat {repeat + 1} of {self._n_repeats}: {name} begins")

    def end(self, run: Run) -> None:
        self._n_done += 1
        if not self._verbose:
            return
        elapsed = time.perf_counter() - self._started
        to_go = elapsed * (self._n_runs - self._n_done) / self._n_done
        said = (
            f"failed, {brief(run.error)}"
            if run.error
            else f"held out {run.test_score:.4g} (default {run.default_test_score:.4g}), "
            f"{run.trials} trials, {run.fits} fits, {run.wall:.1f} s"
        )
        self._write(
            f"[{self._n_done}/{self._n_runs}] repeat {run.repeat} of {self._n_repeats}, "
            f"{run.search}: {said} | about {to_go:.0f} s to go"
        )

    def _write(self, line: str) -> None:
        if sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)


def hold(
    terms: Terms, contestants: list[Contestant], n_repeats: int, progress: Progress
) -> tuple[list[Run], list[np.ndarray], bool]:
    """Run every search in every repeat.

    Returns
    -------
    runs : list of Run
    held_out : list of ndarray
        Held-out rows of each repeat.
    interrupted : bool
    """
    runs: list[Run] = []
    held_out: list[np.ndarray] = []
    try:
        for repeat in range(n_repeats):
            stage = Stage.set_up(terms, repeat, contestants[0].search.estimator)
            held_out.append(stage.test_rows)
            if repeat == 0:
                stage.check(contestants)
            # Who comes first finds the machine in another state than who comes last.
            turn = repeat % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                progress.begin(contestant.name, repeat)
                runs.append(stage.run(contestant))
                progress.end(runs[-1])
    except KeyboardInterrupt:
        if not runs:
            raise
        return runs, held_out, True
    return runs, held_out, False


def say_notes(contestants: list[Contestant]) -> list[str]:
    """Collect what could not be had or had to be changed, and warn of it."""
    notes = []
    for contestant in contestants:
        said = [f"{contestant.name}: {note}." for note in contestant.notes]
        notes += said
        # What a word stands for is set up for the budget: nothing of the user's was changed.
        if contestant.word is None or contestant.is_unheld:
            for note in said:
                warnings.warn(note, UserWarning, stacklevel=3)
    return notes

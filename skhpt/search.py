"""The scikit-learn face: ``fit`` is a recipe of the other modules, to be read top to bottom."""

from __future__ import annotations

import numbers
import time
import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils._param_validation import Interval, StrOptions

from ._compat import (
    BaseSearchCV,
    MultimetricScorer,
    check_method_params,
    validated_fit,
)
from .callbacks import SearchCallbacks
from .checks import (
    check_class_sizes,
    check_clonable,
    check_data,
    check_early_stopping,
)
from .choosing import Choosing, Selection
from .constant import constant_scores
from .endings import check_anything_finished, check_scores, report_failures, report_not_grown
from .estimators import DataFacts, expecting, quiet_parameters, space_for_facts
from .estimators.stopping import left_to_the_search
from .evaluate import Problem, fit_in_context, with_params
from .exports import Exports
from .finish import Finish
from .ledger import Ledger
from .plan import Leg, Plan, check_legs, initial_trials
from .progress import announcement, hint_at_rounds
from .rows import Rows, Splits, facts_of, folds_of
from .running import Listener, Orders, carry_out
from .seeds import root_of
from .selection import metric_named
from .setting_aside import SettingAside
from .table import cv_results
from .together import stopping_for
from .trial import Origin

if TYPE_CHECKING:
    from .report import Report

# What an earlier fit may have left, and a later one need not set.
OF_ANOTHER_FIT = (
    "test_indices_", "test_score_", "test_scores_", "test_score_interval_", "optimism_",
    "baseline_score_", "baseline_test_score_", "baseline_test_score_interval_",
    "baseline_estimator_", "dummy_score_", "_dummy_folds", "_ledger",
)  # fmt: skip


class BaseSearch(Choosing, Exports, SettingAside, BaseSearchCV):
    """What all searches share. A subclass adds a signature and its legs."""

    _parameter_constraints: dict = {
        **BaseSearchCV._parameter_constraints,
        "test_size": [
            None,
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(numbers.Real, 0, 1, closed="neither"),
        ],
        "initial_params": [None, StrOptions({"default"}), list],
        "constraints": [None, dict],
        "time_budget": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "racing": ["boolean", Interval(numbers.Real, 0, None, closed="neither")],
        "early_stopping": [
            None,
            "boolean",
            StrOptions({"auto"}),
            Interval(numbers.Integral, 1, None, closed="left"),
        ],
    }
    _auto_size = "default"  # the tier of the curated space
    # How far a race may be behind: a rule knows the trials up to so many before its own. A
    # constant, as a number that followed n_jobs would make the result depend on it.
    _look_ahead = 4
    # Classes that stand in for scikit-learn's keep its ways: they warn where it warns, refit the
    # estimator exactly as given, and return a winner without a score.
    _stands_in = True

    # -- what a subclass says ------------------------------------------------------------

    @abstractmethod
    def _definition(self):
        """The space as the user wrote it, or "auto"."""

    @abstractmethod
    def _legs(self, definition, seed: np.random.SeedSequence) -> list[Leg]:
        """The samplers to run, one after the other."""

    def _take_listeners(self, params: dict) -> tuple[dict, list[Listener]]:
        """What ``fit`` was given for the search itself, apart from what is routed."""
        return params, []

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # X and y go to the estimator as they are, so that it decides; scikit-learn's searches
        # say so of some tags only.
        inner = get_tags(self.estimator)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags = inner.target_tags
        return tags

    # -- the recipe ----------------------------------------------------------------------

    @validated_fit
    def fit(self, X, y=None, **params):
        """Search, then fit the best configuration on all rows for tuning.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Training vectors, or a precomputed kernel or distance matrix.
        y : array-like of shape (n_samples, n_output) or (n_samples,), default=None
            Target relative to X for classification or regression; None for unsupervised
            learning.
        **params : dict of str -> object
            Parameters passed to the ``fit`` method of the estimator, the scorer and the
            splitter. What has one entry a sample is split along with X and y; ``groups``
            goes to the splitter (and to the choice of the test rows).

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            When the data, the space or the splits cannot work, before any fit; when every
            fit failed, with the tracebacks.
        """
        started = time.monotonic()
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params, listeners = self._take_listeners(params)
        params = check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        rows = Rows(X, y, routed.estimator.fit, routed.scorer.score, routed.splitter.split)
        self._check_data(X, y)

        seed = root_of(self.random_state, self._owes_draws())
        self._forget_another_fit()
        tuning, test = self._set_aside(rows, seed)
        self._fingerprints = self._fingerprints_of(tuning)
        legs = self._explicit_legs(seed)  # before the splits: they may share a random state
        splits = self._splits(tuning)
        metric = self._watched_metric(refit_metric)
        how = self.early_stopping, self._is_curated(), splits, metric, tuning.fit_params
        stopping = stopping_for(self.estimator, *how)
        facts = facts_of(tuning, splits)
        plan = self._plan(legs, facts, seed, stopping)
        self._hint(plan, tuning, stopping)
        selection = self._selection(plan, facts, scorer, stopping, len(splits))
        ledger = Ledger(len(splits), metric, self._error_value)
        callbacks = SearchCallbacks(self, len(splits))
        callbacks.begin(tuning, plan.n_candidates)
        finish = self._finish(tuning, plan, stopping, seed)
        splits = [*splits, *finish.splits]
        problem = self._problem(tuning, splits, scorer, plan.n_candidates, stopping)
        orders = self._orders(ledger.n_folds, callbacks, started, finish)
        with self._expecting():
            self.stop_reason_ = carry_out(plan, problem, ledger, callbacks, listeners, orders)
        self.n_splits_ = ledger.n_folds
        if not self._stands_in or ledger.find(Origin.DEFAULT) is not None:
            folds = constant_scores(problem, ledger.metric, ledger.n_first)
            self._dummy_folds = folds
            self.dummy_score_ = None if folds is None else float(folds.mean())
        callbacks.end_search()

        refit_metric = self._publish(ledger, scorer, refit_metric, stopping, selection)
        self._refit(tuning, callbacks)
        self._score_test_rows(tuning, test, scorer, refit_metric, callbacks)
        callbacks.end()
        return self

    # -- before --------------------------------------------------------------------------

    def _check_data(self, X, y) -> None:
        check_data(self.estimator, X, y)
        check_clonable(self.estimator)

    def _owes_draws(self) -> bool:
        """Whether all that is drawn from the user's generator must be scikit-learn's draws."""
        return False

    def _forget_another_fit(self) -> None:
        for name in OF_ANOTHER_FIT:
            self.__dict__.pop(name, None)

    def _splits(self, tuning: Rows) -> Splits:
        cv = self._checked_cv(tuning)
        if not self._stands_in:
            check_class_sizes(cv, tuning.y)
        splits = folds_of(cv, tuning)
        self.n_splits_ = len(splits)
        self._fold_sizes = [(len(train), len(test)) for train, test in splits]
        return splits

    def _checked_cv(self, tuning: Rows):
        """The splitter; asked once, as `cv` may be a generator that is spent then."""
        return self._splitter(tuning.y)

    def _splitter(self, y):
        return check_cv(self.cv, y, classifier=is_classifier(self.estimator))

    def _is_curated(self) -> bool:
        definition = self._definition()
        return isinstance(definition, str) and definition == "auto"

    def _expecting(self):
        """What the curated space is itself to blame for is not warned of."""
        return expecting(self.estimator, self.space_ if self._is_curated() else {})

    def _explicit_legs(self, seed) -> list[Leg]:
        """The samplers of a space that the user has written."""
        if self._is_curated():
            return []
        self.space_ = self._definition()
        return self._legs(self.space_, seed)

    def _plan(self, legs: list[Leg], facts: Callable[[], DataFacts], seed, stopping) -> Plan:
        """Samplers of the curated space where the user wrote none, and the first trials."""
        curated = self._is_curated()
        if curated:
            space = space_for_facts(self.estimator, facts(), size=self._auto_size)
            if stopping is not None:
                space = left_to_the_search(space, stopping.parameter, stopping.switched_off)
            self.space_ = space
            legs = self._legs(self.space_, seed)
        check_legs(self.estimator, legs)
        check_early_stopping(self.estimator, self.early_stopping, stopping, legs)
        initial = initial_trials(self.initial_params, self.estimator, legs[0], facts, curated)
        return Plan(legs, initial)

    def _hint(self, plan: Plan, tuning: Rows, stopping) -> None:
        """Say what the search could find, or was to find and cannot."""
        if self.verbose <= 0 or stopping is not None:
            return
        if self.early_stopping in ("auto", True):
            print("early_stopping: no number of rounds can be found here; all is fitted as given.")
        elif self.early_stopping is None and not self._is_curated():
            n_rows = max(train for train, _ in self._fold_sizes)
            hint_at_rounds(self.estimator, plan.names, n_rows, tuning.fit_params)

    @property
    def _error_value(self) -> float:
        """What stands in the table where a fit failed."""
        return np.nan if self.error_score == "raise" else self.error_score

    # -- the search ------------------------------------------------------------------------

    def _problem(self, tuning: Rows, splits, scorer, n_candidates, stopping) -> Problem:
        if self.verbose > 0:
            print(announcement(n_candidates, self.n_splits_, self._races(), bool(self.racing)))
        return Problem(
            estimator=clone(self.estimator),
            X=tuning.X,
            y=tuning.y,
            splits=splits,
            scorer=scorer,
            fit_params=tuning.fit_params,
            score_params=tuning.score_params,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            verbose=self.verbose,
            n_candidates=n_candidates,
            quiet=bool(quiet_parameters(self.estimator)),
            shares_beginnings=not self._stands_in or bool(self.racing) or stopping is not None,
            stopping=stopping,
        )

    def _finish(self, tuning: Rows, plan: Plan, stopping, seed) -> Finish:
        """What comes after the last proposal; nothing, unless a subclass has something."""
        return Finish()

    def _orders(self, n_folds, callbacks: SearchCallbacks, started: float, finish) -> Orders:
        return Orders(
            n_jobs=self.n_jobs,
            pre_dispatch=self.pre_dispatch,
            look_ahead=self._look_ahead,
            z=float(self.racing) if self._races() else None,
            deadline=None if self.time_budget is None else started + self.time_budget,
            n_refits=int(bool(self.refit)) + int(self.test_size is not None),
            record_deaths=self.error_score != "raise",
            shows_line=self.verbose == 1 and not callbacks.are_set,
            finish=finish,
        )

    # -- after -----------------------------------------------------------------------------

    def _publish(
        self, ledger: Ledger, scorer, refit_metric, stopping, selection: Selection
    ) -> str | None:
        """Set ``cv_results_``, ``best_*`` and the baseline from the ledger.

        Returns
        -------
        metric : str or None
            What the winner was chosen by; None where a callable chose among several metrics.
        """
        report_failures(ledger, self.error_score)
        if stopping is not None and self.verbose > 0:
            report_not_grown(ledger)
        check_anything_finished(ledger, self.stop_reason_, self.time_budget)
        known = list(scorer._scorers) if isinstance(scorer, MultimetricScorer) else None
        metrics = known or ledger.metrics()
        self.multimetric_ = known is not None or ledger.named
        if self.multimetric_ and callable(self.scoring):
            self._check_refit_for_multimetric(dict.fromkeys(metrics))
            refit_metric = metric_named(self.refit)
        if isinstance(refit_metric, str) and not (selection.is_free or self._stands_in):
            check_scores(ledger, self.scoring)
        results = cv_results(
            ledger,
            metrics=metrics,
            error_score=self._error_value,
            train_scores=self.return_train_score,
            rounds=None if stopping is None else stopping.parameter,
            extra=self._extra_columns(ledger),
        )
        self._set_winner(ledger, results, refit_metric, selection)
        self.scorer_ = scorer._scorers if isinstance(scorer, MultimetricScorer) else scorer
        self.cv_results_ = results
        self._ledger = ledger
        self.n_fits_ = ledger.n_fits
        self._baseline = ledger.find(Origin.DEFAULT)
        if self._baseline is not None:
            column = results[f"mean_test_{ledger.metric or metrics[0]}"]
            self.baseline_score_ = column[self._baseline.index]
        return refit_metric if isinstance(refit_metric, str) else None

    def _extra_columns(self, ledger: Ledger) -> list[str]:
        """Our own columns, where they tell something."""
        whole = all(len(ledger.folds(t.index)) == ledger.n_folds for t in ledger.trials)
        columns = [] if whole and not self._races() else ["n_splits_evaluated"]
        if any(outcome.n_rounds is not None for outcome in ledger.outcomes):
            columns.append("mean_n_rounds")
        told = self.initial_params is not None or ledger.find(Origin.SLOWER) is not None
        return [*columns, "origin"] if told else columns

    def _refit(self, tuning: Rows, callbacks: SearchCallbacks) -> None:
        if not self.refit:
            return
        started = time.time()
        with warnings.catch_warnings(), self._expecting():
            if getattr(self, "best_n_rounds_", None) is not None:
                # the number of epochs was found; a fit that is told it calls it too small
                warnings.simplefilter("ignore", ConvergenceWarning)
            self.best_estimator_ = self._fitted(self.best_params_, tuning, callbacks.of_refit())
        self.refit_time_ = time.time() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _fitted(self, params, rows: Rows, context=None):
        """Fit a configuration with the user's own number of threads."""
        estimator = with_params(self.estimator, params, quiet=not self._stands_in)
        fit_in_context(estimator, rows.X, rows.y, rows.fit_params, context)
        return estimator

    def report(self, metric: str | None = None) -> Report:
        """Say what the search found, what it cost, and how far to believe it.

        Parameters
        ----------
        metric : str, default=None
            A metric of a search with several; None is the one that selected the winner.

        Returns
        -------
        report : skhpt.report.Report
            To print, to show in a notebook, or to ``save("report.html")``.
        """
        from .report import Report

        return Report(self, metric)

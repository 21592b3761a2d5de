"""The scikit-learn face: ``fit`` is a recipe of the other modules, to be read top to bottom."""

from __future__ import annotations

import numbers
import time
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, indexable
from sklearn.utils._param_validation import Interval, StrOptions

from ._compat import (
    BaseSearchCV,
    MultimetricScorer,
    check_method_params,
    cpu_count,
    pre_dispatch_limit,
    safe_split,
    session_settings,
    validated_fit,
)
from .callbacks import SearchCallbacks
from .checks import check_cv_with_test_rows, check_data, report_failures
from .engine import Engine, StopReason
from .estimators import DataFacts, quiet_parameters, space_for_facts
from .evaluate import Problem, evaluate, fit_in_context
from .executors import open_executor
from .ledger import Ledger, cv_results
from .plan import Leg, Plan, check_legs, initial_trials
from .trial import Origin, Status

if TYPE_CHECKING:
    from .holdout import HoldoutScore


@dataclass(frozen=True)
class Rows:
    """Some rows of the data with everything that follows them."""

    X: Any
    y: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    split_params: Mapping[str, Any]

    def take(self, estimator, indices, train=None) -> Rows:
        """Cut out some rows; `train` names the columns of a precomputed kernel."""
        X, y = safe_split(estimator, self.X, self.y, indices, train)
        fit, score, split = (
            check_method_params(self.X, params=params, indices=indices)
            for params in (self.fit_params, self.score_params, self.split_params)
        )
        return Rows(X, y, fit, score, split)


class BaseSearch(BaseSearchCV):
    """What all searches share. A subclass adds a signature and its legs."""

    _parameter_constraints: dict = {
        **BaseSearchCV._parameter_constraints,
        "test_size": [
            None,
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(numbers.Real, 0, 1, closed="neither"),
        ],
        "initial_params": [None, StrOptions({"default"}), list],
        "time_budget": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }
    _auto_size = "default"  # the tier of the curated space
    _look_ahead = 1

    # -- what a subclass says ------------------------------------------------------------

    @abstractmethod
    def _definition(self):
        """The space as the user wrote it, or "auto"."""

    @abstractmethod
    def _legs(self, definition, seed: np.random.SeedSequence) -> list[Leg]:
        """The samplers to run, one after the other."""

    def _check_folds(self, cv, y) -> None:
        """Refuse folds that this search will not work with; scikit-learn's warnings stand."""

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
        params = check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        rows = Rows(X, y, routed.estimator.fit, routed.scorer.score, routed.splitter.split)
        check_data(self.estimator, X, y)

        seed = self._seed()
        tuning, test = self._set_aside(rows, seed)
        splits = self._splits(tuning)
        facts = DataFacts.of(
            tuning.X, tuning.y, train_share=min(len(s[0]) for s in splits) / _n_rows(tuning.X)
        )
        plan = self._plan(facts, seed)
        ledger = Ledger(len(splits), self._watched_metric(refit_metric))
        callbacks = SearchCallbacks(self, len(splits))
        callbacks.begin(tuning, plan.n_candidates)
        problem = self._problem(tuning, splits, scorer, plan.n_candidates)
        self._run(problem, plan, ledger, callbacks, started)
        callbacks.end_search()

        self._publish(ledger, scorer, refit_metric)
        self._refit(tuning, callbacks)
        self._score_test_rows(tuning, test, scorer, refit_metric)
        callbacks.end()
        return self

    # -- before --------------------------------------------------------------------------

    def _seed(self) -> np.random.SeedSequence:
        """The root of the search's own choices; the user's generator is left alone if it can be."""
        if isinstance(self.random_state, np.random.RandomState):
            return np.random.SeedSequence(_peek(self.random_state))
        return np.random.SeedSequence(self.random_state)

    def _set_aside(self, rows: Rows, seed) -> tuple[Rows, Rows | None]:
        """Split the test rows off, before anything else looks at the data."""
        for name in (
            "test_indices_",
            "test_score_",
            "test_scores_",
            "test_score_interval_",
            "optimism_",
            "baseline_score_",
            "baseline_test_score_",
            "baseline_test_score_interval_",
        ):
            self.__dict__.pop(name, None)  # what an earlier fit left
        if self.test_size is None:
            return rows, None
        if not self.refit:
            raise ValueError(
                "test_size needs a model to score on the test rows, but refit=False fits none. "
                "Set refit=True (or the name of a metric), or test_size=None."
            )
        from .holdout import split_off  # only here, so that importing the package stays cheap

        check_cv_with_test_rows(self.cv)
        train, test = split_off(
            self.test_size,
            rows.X,
            rows.y,
            groups=rows.split_params.get("groups"),
            cv=self.cv,
            classifier=is_classifier(self.estimator),
            random_state=spawned_int(seed, 0),
            n_splits=getattr(self.cv, "n_splits", 5 if self.cv is None else self.cv),
        )
        self.test_indices_ = test
        return rows.take(self.estimator, train), rows.take(self.estimator, test, train)

    def _splits(self, tuning: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
        cv = check_cv(self.cv, tuning.y, classifier=is_classifier(self.estimator))
        self._check_folds(cv, tuning.y)
        self.n_splits_ = cv.get_n_splits(tuning.X, tuning.y, **tuning.split_params)
        splits = list(cv.split(tuning.X, tuning.y, **tuning.split_params))
        if not splits:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no candidates?"
            )
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.n_splits_} splits, got {len(splits)}"
            )
        return splits

    def _plan(self, facts: DataFacts, seed) -> Plan:
        """Turn the space as written (or the curated one) into samplers and first trials."""
        definition = self._definition()
        if isinstance(definition, str) and definition == "auto":
            definition = space_for_facts(self.estimator, facts, size=self._auto_size)
        legs = self._legs(definition, seed)
        check_legs(self.estimator, legs)
        self.space_ = definition
        return Plan(legs, initial_trials(self.initial_params, self.estimator, legs[0], facts))

    def _watched_metric(self, refit_metric) -> str | None:
        """The metric that samplers see: the refit metric, or the first where there is none."""
        if isinstance(self.refit, str):
            return self.refit
        if isinstance(refit_metric, str) and not callable(self.scoring):
            return refit_metric
        return None

    # -- the search ------------------------------------------------------------------------

    def _problem(self, tuning: Rows, splits, scorer, n_candidates) -> Problem:
        if self.verbose > 0:
            total = "" if n_candidates is None else f", totalling {n_candidates * len(splits)} fits"
            print(
                f"Fitting {len(splits)} folds for each of "
                f"{'the' if n_candidates is None else n_candidates} candidates{total}"
            )
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
            quiet=quiet_parameters(self.estimator),
        )

    def _run(self, problem, plan: Plan, ledger, callbacks, started) -> None:
        """Run the legs on the workers; leave the ledger filled and ``stop_reason_`` set."""
        executor = open_executor(self.n_jobs)
        if executor.n_workers > 1:
            share = max(1, cpu_count() // executor.n_workers)
            settings = session_settings(with_filters=not executor.shares_memory)
            problem = problem.in_worker(threads=share, settings=settings)
        shared = executor.share(problem)
        engine = Engine(
            ledger=ledger,
            executor=executor,
            run_step=lambda step, params: (evaluate, step, params, shared, callbacks.of(step)),
            capacity=pre_dispatch_limit(self.pre_dispatch, executor.n_workers),
            look_ahead=self._look_ahead,
            deadline=None if self.time_budget is None else started + self.time_budget,
            reserve=int(bool(self.refit)) + int(self.test_size is not None),
        )
        finished = False
        try:
            initial = plan.initial
            for leg in plan.legs:
                self.stop_reason_ = engine.run(leg.sampler, leg.n_trials, initial)
                initial = ()
                if self.stop_reason_ in (StopReason.TIME, StopReason.INTERRUPT):
                    break
            finished = self.stop_reason_ != StopReason.INTERRUPT
        finally:
            executor.close(abort=not finished)
            shared.close()

    # -- after -----------------------------------------------------------------------------

    def _publish(self, ledger: Ledger, scorer, refit_metric) -> None:
        """Set ``cv_results_``, ``best_*`` and the baseline from the ledger."""
        _require_a_complete_trial(ledger, self.stop_reason_, self.time_budget)
        report_failures(ledger, self.error_score)
        known = list(scorer._scorers) if isinstance(scorer, MultimetricScorer) else None
        metrics = known or ledger.metrics()
        self.multimetric_ = known is not None or metrics != ["score"]
        if self.multimetric_ and callable(self.scoring):
            self._check_refit_for_multimetric(dict.fromkeys(metrics))
            refit_metric = self.refit
        results = cv_results(
            ledger,
            metrics=metrics,
            error_score=np.nan if self.error_score == "raise" else self.error_score,
            train_scores=self.return_train_score,
            extra=() if self.initial_params is None else ("origin",),
        )
        for name in ("best_index_", "best_score_", "best_params_", "best_estimator_"):
            self.__dict__.pop(name, None)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        self.scorer_ = scorer._scorers if isinstance(scorer, MultimetricScorer) else scorer
        self.cv_results_ = results
        self.n_fits_ = len(ledger.outcomes)
        self._baseline = ledger.find(Origin.DEFAULT)
        if self._baseline is not None:
            column = results[f"mean_test_{ledger.metric or metrics[0]}"]
            self.baseline_score_ = column[self._baseline.index]

    def _refit(self, tuning: Rows, callbacks: SearchCallbacks) -> None:
        if not self.refit:
            return
        started = time.time()
        self.best_estimator_ = self._fitted(self.best_params_, tuning, callbacks.of_refit())
        self.refit_time_ = time.time() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _fitted(self, params, rows: Rows, context=None):
        """Fit a configuration with the user's own number of threads."""
        # Parameters are cloned too: they may be estimators.
        estimator = clone(self.estimator).set_params(**clone(dict(params), safe=False))
        fit_in_context(estimator, rows.X, rows.y, rows.fit_params, context)
        return estimator

    def _score_test_rows(self, tuning: Rows, test: Rows | None, scorer, refit_metric) -> None:
        """Touch the test rows, once: score the winner and the default on them."""
        baseline = self.__dict__.pop("_baseline", None)
        if test is None:
            return
        metric = refit_metric if isinstance(refit_metric, str) else None
        winner = self._held_out(self.best_estimator_, test, scorer, metric)
        self.test_scores_ = dict(winner.scores)
        if hasattr(self, "best_score_"):
            self.test_score_ = winner.score
            self.test_score_interval_ = winner.interval
            self.optimism_ = self.best_score_ - winner.score
        if baseline is None or baseline.status is not Status.COMPLETE:
            return
        default = winner
        if baseline.index != getattr(self, "best_index_", None):
            default = self._held_out(self._fitted(baseline.params, tuning), test, scorer, metric)
        self.baseline_test_score_ = default.score
        self.baseline_test_score_interval_ = default.interval

    def _held_out(self, estimator, test: Rows, scorer, metric) -> HoldoutScore:
        from .holdout import score_with_interval

        return score_with_interval(
            estimator,
            test.X,
            test.y,
            scorer,
            metric=metric,
            score_params=test.score_params,
            groups=test.split_params.get("groups"),
        )


def _n_rows(X) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def spawned_int(seed: np.random.SeedSequence, key: int) -> int:
    """A 31-bit seed of a branch of its own; the order of the calls does not matter."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(key,))
    return int(child.generate_state(1)[0] >> 1)


def _peek(generator: np.random.RandomState) -> int:
    """A number that depends on the generator's state and leaves the state as it is."""
    copy = np.random.RandomState()
    copy.set_state(generator.get_state())
    return int(check_random_state(copy).randint(np.iinfo(np.int32).max))


def _require_a_complete_trial(ledger: Ledger, reason: str, time_budget) -> None:
    """A search that was cut short must have something to show."""
    stopped_short = reason in (StopReason.TIME, StopReason.INTERRUPT)
    if any(trial.status is Status.COMPLETE for trial in ledger.trials) or not stopped_short:
        if reason == StopReason.INTERRUPT:
            warnings.warn(
                f"The search was interrupted after {len(ledger.outcomes)} fits; the result is "
                "the best of the configurations that had run on all folds.",
                UserWarning,
                stacklevel=4,
            )
        return
    if reason == StopReason.INTERRUPT:
        raise KeyboardInterrupt
    raise ValueError(
        f"time_budget={time_budget} seconds were over before one configuration had run on all "
        f"{ledger.n_folds} folds ({len(ledger.outcomes)} fits were made). Give more time, fewer "
        "folds, or a cheaper estimator."
    )

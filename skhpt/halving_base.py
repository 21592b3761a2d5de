"""What searches by successive halving share: limits, rungs, and the winner of the last one."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets

from ._compat import BaseSearchCV, level_of_caller, num_samples, wants_more_than_labels
from .callbacks import SearchCallbacks
from .choosing import Selection
from .estimators import space_for_facts
from .estimators.family import is_untouched
from .estimators.pipelines import last_step, settings_needed
from .estimators.resources import Resource, Rounds, resource_of
from .estimators.stopping import name_in_effect
from .evaluate import Problem
from .finish import Finish
from .last_chance import LastChance
from .ledger import Ledger
from .limits import Limits, check_limits
from .plan import Leg, Plan, check_legs, initial_trials
from .rows import Rows, Splits
from .rungs import HalvingPlan, Ladder, halving_plan, margin_of
from .search import BaseSearch
from .subsample import Subsampler, classes_of, numbered, warn_of_blind_rungs
from .trial import Origin, Proposal, Start, Trial
from .turn import Proposer

_RUNGS_OF_ROUNDS = 3  # above the first, where the rounds of an estimator were found
# A library's default number of trees is made for its default learning rate. Curated spaces have
# lower ones, which take longer and reach further. (A network's epochs end where they should, and
# CatBoost's default is a thousand trees.)
_TIMES_THE_DEFAULT = 3
_MANY_ROUNDS = 1000
# An epoch has many steps: ranked from 3 epochs on instead of 7, 60 networks on 1,000 rows of
# segment and of satimage (one seed, with their own early stopping) had the same winners, for two
# thirds of the CPU.
_PART_OF_EPOCHS = 2


class BaseHalving(BaseSearch):
    """What both searches by successive halving share."""

    _parameter_constraints: dict = {
        **{
            name: constraint
            for name, constraint in BaseSearch._parameter_constraints.items()
            if name not in ("pre_dispatch", "racing", "early_stopping")
        },
        "factor": [Interval(numbers.Real, 1, None, closed="neither")],
        "resource": [str],
        "max_resources": [
            Interval(numbers.Integral, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "min_resources": [
            Interval(numbers.Integral, 0, None, closed="neither"),
            StrOptions({"exhaust", "smallest"}),
        ],
        "aggressive_elimination": ["boolean"],
    }
    _rungs_in_turn = True  # one after the other; callbacks hear of each as of a task
    # With fewer rounds or epochs a model is a configuration of its own, on all rows and folds, and
    # some have their best score early. Of 30 networks on 1,000 rows of satimage the best log loss
    # was 0.392 after 7 epochs and 0.419 after 200, and those that led after 7 ended at 0.46 or
    # more; of LightGBM on 1,000 rows of hr the winner's was 0.656 with this and 0.701 without.
    _goes_back = True
    # Rungs are the race here.
    racing = False
    early_stopping = False

    # -- before --------------------------------------------------------------------------

    def _owes_draws(self) -> bool:
        return True

    def _check_data(self, X, y) -> None:
        if num_samples(X) == 0:
            raise ValueError(
                "min_resources_=0: you might have passed an empty dataset X. It has 0 rows; "
                "check how it was cut out."
            )
        super()._check_data(X, y)

    def _checked_cv(self, tuning: Rows):
        cv = super()._checked_cv(tuning)
        if not _is_constant(cv):
            raise ValueError(
                "The cv parameter must yield consistent folds across calls to split(). Set its "
                f"random_state to an int, or set shuffle=False; got cv={self.cv!r}."
            )
        self._limits = self._limits_of(tuning, cv)
        if self.verbose:
            self._tell_why_rows(num_samples(tuning.X))
        return cv

    def _tell_why_rows(self, n_rows: int) -> None:
        """Print what keeps "auto" from the rounds of an estimator that has some."""
        if self.resource != "auto" or self._limits.resource.name != "n_samples":
            return
        needs = settings_needed(self.estimator, n_rows)
        if needs:
            print(
                f"resource: n_samples, as {type(last_step(self.estimator)[1]).__name__} stops or "
                f"trains in a way of its own on {n_rows} rows; with {' and '.join(needs)}, 'auto' "
                "takes its rounds"
            )

    def _limits_of(self, tuning: Rows, cv) -> Limits:
        n_rows = num_samples(tuning.X)
        resource = self._resource_on(n_rows)
        n_splits = None
        if resource.parameter is None:
            n_splits = cv.get_n_splits(tuning.X, tuning.y, **tuning.split_params)
        there = {"n_samples": n_rows, "n_folds": n_splits}.get(resource.name)
        return self._limits_within(there, resource, n_splits, tuning)

    def _resource_on(self, n_rows: int) -> Resource:
        resource = resource_of(self.resource, self.estimator, n_rows)
        step = self._step_searched(resource)
        if step is not None and self.resource != "auto":
            raise ValueError(
                f"resource={self.resource!r} is a parameter of the step {step!r}, which the search "
                "replaces by others that need not have it. Use 'n_samples' or 'n_folds', or search "
                "the parameters of one step at a time."
            )
        if step is not None:
            return resource_of("n_samples", self.estimator, n_rows)
        return resource

    def _step_searched(self, resource: Resource) -> str | None:
        """The step that has the resource, where the space puts others in its place."""
        if resource.parameter is None or self._is_curated():
            return None
        definition = self._definition()
        parts = [definition] if isinstance(definition, Mapping) else definition
        names = {name for part in parts for name in (part[0] if type(part) is tuple else part)}
        steps = resource.parameter.split("__")[:-1]
        paths = ["__".join(steps[: n + 1]) for n in range(len(steps))]
        return next((path for path in paths if path in names), None)

    def _limits_within(
        self, there: int | None, resource: Resource, n_splits: int | None, tuning: Rows | None
    ) -> Limits:
        """The limits where there is so much of a resource; None where that has no bound."""
        least, most = self.min_resources, self.max_resources
        if isinstance(most, str):
            most = self._all_of(resource) if there is None else there
        found = self.resource == "auto" and isinstance(resource, Rounds)
        exhaust = least == "exhaust" or (found and least == "smallest")
        if isinstance(least, str):
            least = self._smallest(resource, tuning, n_splits)
            if found:  # the first rounds of a booster tell little
                least = max(1, int(most // self.factor**_RUNGS_OF_ROUNDS))
        check_limits(resource, least, most, there)
        to_the_top = found or resource.name == "n_folds"
        epochs = found and not self._has_trees()
        head_start = _PART_OF_EPOCHS if epochs and isinstance(self.min_resources, str) else 1
        back = found and self._goes_back
        return Limits(resource, int(least), int(most), exhaust, to_the_top, head_start, back)

    def _smallest(self, resource: Resource, tuning: Rows, n_splits: int | None) -> int:
        if resource.name != "n_samples":
            return 1
        n_classes = 1
        if is_classifier(self.estimator) and tuning.y is not None:
            check_classification_targets(tuning.y)
            n_classes = len(np.unique(np.asarray(tuning.y)))
        return 2 * n_splits * n_classes

    def _all_of(self, resource: Resource) -> int:
        """The value that the estimator has, where rounds were asked for in general."""
        if self.resource == "auto":
            return resource.own_number(self.estimator) * self._times_own(resource)
        raise ValueError(
            "resource can only be 'n_samples' when max_resources='auto' (or 'n_folds', or 'auto' "
            f"for the rounds of a booster), got resource={self.resource!r}. Say how much of it "
            "there is at most, for instance max_resources=100."
        )

    def _times_own(self, resource: Resource) -> int:
        """How many times the estimator's own number of rounds there is of them."""
        last, name = last_step(self.estimator)[1], resource.name.rpartition("__")[2]
        is_default = self._is_curated() and is_untouched(last, name)
        few = resource.own_number(self.estimator) < _MANY_ROUNDS
        return _TIMES_THE_DEFAULT if is_default and self._has_trees() and few else 1

    def _has_trees(self) -> bool:
        """Whether rounds of an estimator are trees, and not epochs."""
        return "learning_rate_init" not in last_step(self.estimator)[1].get_params(deep=False)

    def _explicit_legs(self, seed) -> list[Leg]:
        if not self._is_curated():
            self.space_ = self._definition()
        return []  # how many candidates there are depends on the folds

    def _plan(self, legs, facts, seed, stopping) -> Plan:
        curated, limits = self._is_curated(), self._limits
        if curated:
            space = space_for_facts(self.estimator, facts(), size=self._auto_size)
            self.space_ = limits.left_of(space)
        (leg,) = self._legs(self.space_, seed)
        check_legs(self.estimator, [leg])
        initial = initial_trials(self.initial_params, self.estimator, leg, facts, curated)
        proposer = self._proposer(leg, initial, seed)
        return Plan([replace(leg, sampler=proposer, n_trials=None)])

    def _proposer(self, leg: Leg, initial: Sequence[Start], seed) -> Proposer:
        """Who says what runs on which rung; publishes the plan."""
        resource = self._limits.resource
        entries, guests = self._entries(initial, leg.sampler.candidates)
        self._check_not_searched(resource, [name for entry in entries for name in entry.params])
        plan = self._halving(len(entries))
        self._last_rung = plan.rungs[-1]
        by_folds = resource.name == "n_folds"
        back = self._limits.goes_back
        return Ladder(plan, entries, resource.parameter, by_folds, guests, goes_back=back)

    def _entries(self, initial: Sequence[Start], candidates: list):
        """Who starts on the first rung, and who comes to the last one to be compared with.

        The estimator as given reaches the last rung in any case, for a baseline at the same
        resource. Where the resource is a parameter it comes with its own value.
        """
        own = self._limits.resource.parameter
        first, guests = [], []
        for origin, params, eligible in initial:
            bare = {name: value for name, value in params.items() if name != own}
            is_default = origin is Origin.DEFAULT
            if eligible:
                as_given = is_default and own is None
                kept = origin if as_given or not is_default else Origin.GIVEN
                first.append(Proposal(bare, origin=kept))
            if is_default:
                given = self.estimator.get_params()
                value = {own: given[own]} if own in given else {}
                guests.append(
                    Proposal({**bare, **value}, origin=origin, eligible=eligible and own is None)
                )
        n = len(candidates)
        given = [entry.params for entry in first]
        rest = [Proposal(params) for params in candidates if dict(params) not in given]
        return first + rest[: max(0, n - len(first))], guests

    def _check_not_searched(self, resource: Resource, names: Iterable[str]) -> None:
        if resource.parameter is None:
            return
        names = set(names)
        name = name_in_effect(self.estimator, resource.parameter, names)
        if name in names:
            other = "" if name == resource.parameter else f", by its other name {name}"
            raise ValueError(
                f"Cannot use parameter {resource.parameter} as the resource since it is part of "
                f"the searched parameters{other}. Take it out of the search space, or choose "
                "another resource."
            )

    def _halving(self, n_candidates: int) -> HalvingPlan:
        """Plan the rungs, and publish the plan."""
        limits = self._limits
        plan = halving_plan(
            n_candidates,
            limits.least,
            limits.most,
            self.factor,
            exhaust=limits.exhaust,
            aggressive=self.aggressive_elimination,
            to_the_top=limits.to_the_top,
            head_start=limits.head_start,
        )
        self.resource_ = limits.resource.name
        self.min_resources_, self.max_resources_ = plan.min_resources, plan.max_resources
        self.n_required_iterations_ = plan.n_required
        self.n_possible_iterations_ = plan.n_possible
        self.n_iterations_ = len(plan.n_resources)
        self.n_candidates_, self.n_resources_ = list(plan.n_candidates), list(plan.n_resources)
        self.n_remaining_candidates_ = plan.n_kept(self.n_iterations_ - 1)
        if self.verbose:
            self._print_plan()
        return plan

    def _finish(self, tuning: Rows, plan: Plan, stopping, seed) -> Finish:
        rung = self.__dict__.pop("_last_rung")
        folds = rung.resource if self._limits.resource.name == "n_folds" else None
        return LastChance(
            rung=rung._replace(n_folds=folds),
            parameter=self._limits.resource.parameter,
            n_folds=self.n_splits_,
            proposer=plan.legs[0].sampler,
        )

    def _print_plan(self) -> None:
        print(f"n_iterations: {self.n_iterations_}")
        print(f"n_required_iterations: {self.n_required_iterations_}")
        print(f"n_possible_iterations: {self.n_possible_iterations_}")
        print(f"min_resources_: {self.min_resources_}")
        print(f"max_resources_: {self.max_resources_}")
        print(f"aggressive_elimination: {self.aggressive_elimination}")
        print(f"factor: {self.factor}")
        for rung, sizes in enumerate(zip(self.n_candidates_, self.n_resources_)):
            print("-" * 10)
            print(f"iter: {rung}\nn_candidates: {sizes[0]}\nn_resources: {sizes[1]}")
        self._tell_idle_workers(max(self.n_candidates_), "candidates")

    def _tell_idle_workers(self, n_trials: int, what: str) -> None:
        """Print how many workers can be busy at most, where there are more of them."""
        n_workers, n_fits = effective_n_jobs(self.n_jobs), n_trials * self.n_splits_
        if n_workers > n_fits:
            print(
                f"n_jobs: {n_workers} workers, of which {n_fits} can be busy at most: "
                f"{n_trials} {what} x {self.n_splits_} folds"
            )

    def _problem(self, tuning: Rows, splits: Splits, scorer, *args) -> Problem:
        problem = super()._problem(tuning, splits, scorer, *args)
        self.__dict__.pop("stratified_", None)
        if self._limits.resource.name != "n_samples":
            return replace(problem, climbs=isinstance(self._limits.resource, Rounds))
        subsampler = Subsampler(
            num_samples(tuning.X),
            classes_of(tuning.y) if is_classifier(self.estimator) else None,
            numbered(tuning.split_params.get("groups")),
            wants_more_than_labels(scorer),
        )
        rungs, self.stratified_ = subsampler.rungs(splits, self.n_resources_, self.random_state)
        self._tested = (min(len(test) for _, test in splits), num_samples(tuning.X))
        return replace(problem, rungs=rungs)

    # -- after -----------------------------------------------------------------------------

    @staticmethod
    def _select_best_index(refit, refit_metric, results) -> int:
        """The best of the last rung."""
        if callable(refit):
            return BaseSearchCV._select_best_index(refit, refit_metric, results)
        last = np.flatnonzero(results["iter"] == np.max(results["iter"]))
        metric = refit_metric if isinstance(refit_metric, str) else "score"
        means = results[f"mean_test_{metric}"][last]
        # Where nobody has a score the first will do, as in scikit-learn.
        return last[0 if np.isnan(means).all() else np.nanargmax(means)]

    def _set_winner(self, ledger: Ledger, results, metric, selection: Selection) -> None:
        """Choose on the last rung, and tell how clear that was."""
        self.margin_ = self.within_noise_ = None
        means = results.get(f"mean_test_{metric if self.multimetric_ else 'score'}")
        tested = self.__dict__.pop("_tested", None)
        if tested is not None and means is not None:
            warn_of_blind_rungs(means, results["iter"], results["n_resources"], *tested)
        self._cut_plan_to(ledger)
        super()._set_winner(ledger, results, metric, selection)
        if not hasattr(self, "best_index_"):
            return
        if not self.multimetric_:  # scikit-learn has it here for a callable refit as well
            self.best_score_ = results["mean_test_score"][self.best_index_]
        trial = ledger.trial(self.best_index_)
        if not trial.has_full_budget:
            self._warn_of_less(trial)
            return
        metric = metric if self.multimetric_ else "score"
        if isinstance(metric, str) and not selection.is_free:
            self._compare_with_runner_up(ledger, results, metric)

    def _refit(self, tuning: Rows, callbacks: SearchCallbacks) -> None:
        resource, most = self._limits.resource, self._limits.most
        params = self.best_params_ if self.refit else {}
        with warnings.catch_warnings():
            if self._limits.goes_back and params.get(resource.parameter, most) < most:
                # the number of epochs was found; a fit that is told it calls it too small
                warnings.simplefilter("ignore", ConvergenceWarning)
            super()._refit(tuning, callbacks)

    def _cut_plan_to(self, ledger: Ledger) -> None:
        """Leave out the rungs that a search which was cut short has not begun."""
        counts = np.bincount(ledger.rungs(), minlength=self.n_iterations_)
        begun = 1 + int(ledger.rungs().max())
        if (counts == 0).any() and begun == self.n_iterations_:  # somebody had a last chance
            self.n_candidates_ = counts.tolist()
        if self._limits.goes_back and begun == self.n_iterations_ > 1:
            on_last = (trial for trial in ledger.trials if trial.rung.number == begun - 1)
            self.n_candidates_[-1] = sum(trial.root != trial.index for trial in on_last)
        if begun < self.n_iterations_:
            self.n_iterations_ = begun
            self.n_candidates_ = self.n_candidates_[:begun]
            self.n_resources_ = self.n_resources_[:begun]
            self.n_remaining_candidates_ = math.ceil(self.n_candidates_[-1] / self.factor)

    def _warn_of_less(self, trial: Trial) -> None:
        """A score at less than the full resource is in the table, and is nobody's best score."""
        if hasattr(self, "best_score_"):
            self.best_score_ = np.nan
        self.__dict__.pop("best_score_corrected_", None)
        warnings.warn(
            f"The search ended ({self.stop_reason_}) before any configuration had run on the last "
            f"rung. The winner is the best of rung {trial.rung.number}, with {self.resource_}="
            f"{trial.rung.resource}; best_score_ is NaN, as a score with less than "
            "the full resource is no comparison. Give more time, or fewer candidates.",
            UserWarning,
            stacklevel=level_of_caller(),
        )

    def _compare_with_runner_up(self, ledger: Ledger, results, metric: str) -> None:
        means = np.where(ledger.electable(), results[f"mean_test_{metric}"], np.nan)
        means[self.best_index_] = np.nan
        if np.isnan(means).all():
            return
        other = int(np.nanargmax(means))
        folds = [results[f"split{k}_test_{metric}"] for k in range(self.n_splits_)]
        scores = np.array([[fold[row] for fold in folds] for row in (self.best_index_, other)])
        if not np.isfinite(scores).all():
            return
        self.margin_ = margin_of(*scores)
        difference, error = self.margin_
        self.within_noise_ = not difference > error
        if self.within_noise_:
            warnings.warn(
                f"The winner is ahead of the runner-up (row {other} of cv_results_) by "
                f"{difference:.3g} with a standard error of {error:.3g} over the folds: within "
                "noise, either could be the better one. More folds tell more, such as those of "
                "RepeatedKFold; see margin_ and within_noise_.",
                UserWarning,
                stacklevel=level_of_caller(),
            )


def _is_constant(cv) -> bool:
    """Whether a splitter cuts the same folds each time that it is asked."""
    seeded = isinstance(getattr(cv, "random_state", 0), numbers.Integral)
    return seeded or not getattr(cv, "shuffle", True)

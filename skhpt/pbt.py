"""Population based training: parameters that change while the models train."""

from __future__ import annotations

import math
import numbers
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.utils._param_validation import Interval, StrOptions

from ._compat import level_of_caller, num_samples
from .changeable import OTHERS, changeable_part, check_changeable, check_has_space
from .choosing import Selection
from .estimators import space_for_facts
from .estimators.growing import Grower, Watched
from .estimators.pipelines import last_step, settings_needed
from .evaluate import Problem, with_params
from .finish import Finish
from .generations import Exchanges, Generations, Members, history
from .ledger import Ledger
from .plan import Leg, Plan, check_legs, initial_trials
from .population import Population, PopulationPlan
from .rows import Rows, Splits
from .running import Orders
from .schedule import Training, missing_seeds, trainer_of, trainer_of_kind
from .search import BaseSearch
from .seeds import spawned_int
from .space import dialects
from .trial import Origin, Proposal

_EXCHANGES = 9  # of which interval="auto" makes ten parts


class PBTSearchCV(BaseSearch):
    """Population based training, for estimators that are trained in steps.

    A population of models trains in step, all of them on all folds. After every `interval`
    rounds the worst quarter of them copies the models of members of the best quarter, weights
    and all, and goes on with parameters that are a little different. So one run finds not one
    value of a parameter but its course over the training, such as a learning rate that falls.

    Parameters
    ----------
    estimator : estimator object
        One that can be trained in steps, alone or as the last step of a Pipeline: MLP* (solver
        "adam" or "sgd"), SGD* (by ``partial_fit``), LightGBM, XGBoost, HistGradientBoosting*
        and GradientBoosting*; none of them with early stopping of its own.
    param_distributions : dict, list of dict or "auto", default="auto"
        As in :class:`BayesSearchCV`, but for parameters that may change during training only:
        learning rates, momenta, regularisation, the size of batches, the sampling of rows and
        columns, for boosters the size of the next trees as well. Others may have one value.
        "auto" is what of :func:`space_for` may change.
    population_size : int, default=16
        Members, at least 2.
    interval : int or "auto", default="auto"
        Rounds (epochs, trees a class) between two exchanges; "auto" is a tenth of `max_rounds`.
    max_rounds : int or "auto", default="auto"
        Rounds of training in all; "auto" is the number that the estimator has.
    quantile : float, default=0.25
        Share of the members that is replaced at an exchange, and of those that replace them, at
        most a half.
    resample_probability : float, default=0.25
        Probability that a parameter of a copy is drawn anew, whatever it is.
    perturbation : sequence of float, default=(0.8, 1.2)
        One of them multiplies each number that is not drawn anew, inside of its range. Whole
        numbers move by one at least, numbers of a list to the next of the list; what is no
        number stays.
    scoring, n_jobs, refit, cv, verbose, error_score, return_train_score
        As in scikit-learn. With several metrics, the one that `refit` names decides who copies
        whom. A member whose training fails copies one of the best.
    random_state : int, RandomState instance or None, default=None
        Seed of all choices of the search. An estimator of scikit-learn's without a seed gets one
        drawn from it, as a schedule could not be replayed otherwise.
    test_size, time_budget, constraints
        As in :class:`RandomizedSearchCV`.
    initial_params : "default" or list, default=None
        As in :class:`RandomizedSearchCV`: configurations that the first members begin with.
        "default" is also trained as it is, with its own number of rounds, for
        ``baseline_score_``, in a row of its own after those of the members (``n_resources`` 0).

    Attributes
    ----------
    best_schedule_ : list of dict
        The winner's parameters over its training: ``{"n_rounds": int, "params": dict}`` with the
        round up to which they hold.
    best_params_ : dict
        The last of them.
    best_estimator_ : estimator
        Trained on all rows along that very schedule.
    best_score_ : float
        Mean over all folds after all rounds; NaN where the search was cut short before.
    cv_results_ : dict
        One row a member, as it is after the last round, in columns as in
        :class:`RandomizedSearchCV`: ``params`` are its last ones, ``n_resources`` its rounds,
        ``iter`` the number of exchanges before.
    history_ : dict
        The same table with every member in every generation; ``member`` is its number, and
        ``parent`` the row that its model goes on from (-1 for none).
    scorer_, n_splits_, best_index_, refit_time_, stop_reason_, test_score_, ...
        As in :class:`RandomizedSearchCV`. ``n_fits_`` counts a fold of a member in a
        generation.

    Notes
    -----
    What a schedule gives depends on the schedule, the rows and the seeds alone, so that the
    result is the same for every `n_jobs`. No epoch of MLP* and SGD* is trained twice: their
    models are copied, from one process to another as well. Boosters cannot be copied, so that a
    member that copies one trains it once more from the beginning; with `n_jobs` they train in
    threads, unless ``joblib.parallel_config`` says otherwise.

    A network that comes to its own end (`tol`, `n_iter_no_change`) stands still until its
    parameters change. With a schedule that never changes the result is that of ``fit``, except
    for SGD*, whose ``partial_fit`` is another training than ``fit``.

    References
    ----------
    M. Jaderberg et al., "Population based training of neural networks", arXiv:1711.09846, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from skhpt import PBTSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.1)
    >>> search = PBTSearchCV(model, {"eta0": (1e-4, 1.0, "log-uniform")}, population_size=4,
    ...                      interval=5, max_rounds=20, random_state=0).fit(X, y)
    >>> search.best_schedule_[-1]["n_rounds"]
    20
    >>> search.best_schedule_[-1]["params"] == search.best_params_
    True
    """

    _parameter_constraints: dict = {
        **{
            name: constraint
            for name, constraint in BaseSearch._parameter_constraints.items()
            if name not in ("pre_dispatch", "racing", "early_stopping")
        },
        "param_distributions": [dict, list, str],
        "population_size": [Interval(numbers.Integral, 2, None, closed="left")],
        "interval": [Interval(numbers.Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_rounds": [Interval(numbers.Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "quantile": [Interval(numbers.Real, 0, 0.5, closed="right")],
        "resample_probability": [Interval(numbers.Real, 0, 1, closed="both")],
        "perturbation": [list, tuple, np.ndarray],
    }
    racing = False
    early_stopping = False
    _stands_in = False

    def __init__(
        self,
        estimator,
        param_distributions="auto",
        *,
        population_size=16,
        interval="auto",
        max_rounds="auto",
        quantile=0.25,
        resample_probability=0.25,
        perturbation=(0.8, 1.2),
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        test_size=None,
        initial_params=None,
        time_budget=None,
        constraints=None,
    ):
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.population_size = population_size
        self.interval = interval
        self.max_rounds = max_rounds
        self.quantile = quantile
        self.resample_probability = resample_probability
        self.perturbation = perturbation
        self.random_state = random_state
        self.test_size = test_size
        self.initial_params = initial_params
        self.time_budget = time_budget
        self.constraints = constraints

    def fit(self, X, y=None, **params):
        """Train the population, then train the winner's schedule on all rows for tuning.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        **params : dict of str -> object
            As in :meth:`RandomizedSearchCV.fit`; of the estimator's own, ``sample_weight`` only.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            When the estimator cannot be trained in steps, or is asked to change what cannot
            change; both before any fit. When every fit failed, with the tracebacks.
        """
        with parallel_config(prefer=self._best_workers()):
            return super().fit(X, y, **params)

    # -- before --------------------------------------------------------------------------

    def _best_workers(self) -> str | None:
        """Threads for boosters: they train side by side, and cannot move between processes."""
        library = type(last_step(self.estimator)[1]).__module__.partition(".")[0]
        return "threads" if library in ("lightgbm", "xgboost") else None

    def _definition(self):
        return self.param_distributions

    def _splits(self, tuning: Rows) -> Splits:
        self._trainer = self._checked_trainer(tuning)
        self._population_plan = self._planned()
        return super()._splits(tuning)

    def _checked_trainer(self, tuning: Rows) -> Grower:
        trainer = trainer_of(self.estimator, tuning.fit_params, num_samples(tuning.X))
        if trainer is not None:
            return trainer
        last = last_step(self.estimator)[1]
        kind, name = trainer_of_kind(last), type(last).__name__
        needs = settings_needed(self.estimator, num_samples(tuning.X), kind)
        here = f" For that, set {' and '.join(needs)} here." if needs else ""
        given = f" with the fit parameters {sorted(tuning.fit_params)}" if tuning.fit_params else ""
        raise ValueError(
            f"PBTSearchCV trains in steps, and {name} as it is set{given} cannot be. What can: "
            "MLP* with solver 'adam' or 'sgd', SGD*, LightGBM, XGBoost, HistGradientBoosting* and "
            "GradientBoosting*, alone or as the last step of a Pipeline, without early stopping "
            f"of their own, and with sample_weight at most.{here} For others use {OTHERS}."
        )

    def _planned(self) -> PopulationPlan:
        most = self.max_rounds
        if isinstance(most, str):
            most = self._trainer.own_number(last_step(self.estimator)[1])
        interval = self.interval
        if isinstance(interval, str):
            interval = math.ceil(most / (1 + _EXCHANGES))
        if interval >= most:
            raise ValueError(
                f"interval must be smaller than the {most} rounds of training, or nobody ever "
                f"copies anybody; got interval={interval}. Lower it, or raise max_rounds."
            )
        factors = self.perturbation
        if not len(factors) or not all(_is_positive(factor) for factor in factors):
            raise ValueError(
                "perturbation must be numbers above 0, by one of which a parameter is multiplied; "
                f"got {factors!r}. (0.8, 1.2) is usual."
            )
        return PopulationPlan(
            size=int(self.population_size),
            interval=int(interval),
            max_rounds=int(most),
            quantile=float(self.quantile),
            resample_probability=float(self.resample_probability),
            factors=tuple(map(float, factors)),
        )

    def _explicit_legs(self, seed) -> list[Leg]:
        if not self._is_curated():
            self.space_ = self._definition()
        return []  # who the first members are depends on the data

    def _legs(self, definition, seed) -> list[Leg]:
        pieces = dialects.parse(definition)
        if len(pieces) > 1 or pieces[0].n_iter is not None:
            raise ValueError(
                "param_distributions says how many configurations to draw from its parts, but a "
                "population has population_size members. Give a dict, or a list of dicts."
            )
        return [Leg(Population(self._population_plan, pieces[0].space, 0), None, pieces[0].space)]

    def _plan(self, legs, facts, seed, stopping) -> Plan:
        curated = self._is_curated()
        if curated:
            check_has_space(self.estimator, self._trainer)
            self.space_ = changeable_part(
                space_for_facts(self.estimator, facts()), self.estimator, self._trainer
            )
        (leg,) = self._legs(self.space_, seed)
        check_legs(self.estimator, [leg])
        check_changeable(leg.space, self.estimator, self._trainer)
        self._seeds = missing_seeds(self.estimator, seed)
        size = self._population_plan.size
        known = initial_trials(
            self.initial_params, self.estimator, replace(leg, n_trials=size), facts, curated
        )
        self._given = next((start for start in known if start.origin is Origin.DEFAULT), None)
        first = [
            Proposal(start.params, origin=_of_member(start.origin))
            for start in known
            if start.eligible and leg.space.contains(start.params)
        ]
        population = Population(self._population_plan, leg.space, spawned_int(seed, 1), first)
        return Plan([Generations(population, 0, leg.space, int(self._given is not None))])

    # -- the search ------------------------------------------------------------------------

    def _problem(self, *args) -> Problem:
        problem = super()._problem(*args)
        return replace(problem, estimator=problem.estimator.set_params(**self._seeds))

    def _finish(self, tuning: Rows, plan: Plan, stopping, seed) -> Finish:
        (leg,) = plan.legs
        self._population = leg.sampler
        baseline = None
        if self._given is not None:
            baseline = Proposal(self._given.params, origin=Origin.DEFAULT, eligible=False)
        return Exchanges(population=leg.sampler, baseline=baseline)

    def _orders(self, *args) -> Orders:
        orders = super()._orders(*args)
        # A refit goes through all generations, of which a step is one.
        n_generations = len(self._population_plan.rungs)
        return replace(orders, n_refits=orders.n_refits * n_generations)

    # -- after -----------------------------------------------------------------------------

    def _publish(self, ledger: Ledger, scorer, refit_metric, stopping, selection: Selection):
        self.__dict__.pop("best_schedule_", None)
        population = self._population
        members = Members(ledger, population)
        self._schedules = [population.lineages[t].schedule for t in members.of_population]
        metric = super()._publish(members, scorer, refit_metric, stopping, selection)
        self.history_ = history(ledger, population, self._error_value)
        return metric

    def _set_winner(self, ledger: Ledger, results, metric, selection: Selection) -> None:
        super()._set_winner(ledger, results, metric, selection)
        if not hasattr(self, "best_index_"):
            return
        schedule = self._schedules[self.best_index_]
        self.best_schedule_ = [
            {"n_rounds": segment.n_rounds, "params": dict(segment.params)} for segment in schedule
        ]
        if ledger.trial(self.best_index_).has_full_budget:
            return
        if hasattr(self, "best_score_"):
            self.best_score_ = np.nan
        warnings.warn(
            f"The search ended ({self.stop_reason_}) after {schedule[-1].n_rounds} of "
            f"{self._population_plan.max_rounds} rounds. The winner is the best of then; "
            "best_score_ is NaN, as a score of less than the full training is no comparison. "
            "Give more time, a smaller population, or lower max_rounds.",
            UserWarning,
            stacklevel=level_of_caller(),
        )

    def _fitted(self, params, rows: Rows, context=None):
        if params is not getattr(self, "best_params_", None):
            return super()._fitted({**params, **self._seeds}, rows, context)
        schedule = self._schedules[self.best_index_]
        start = with_params(self.estimator, schedule[0].params, quiet=True)
        start.set_params(**self._seeds)
        watched = Watched(rows.X, rows.y)
        fitted = Training.begin(start, rows.X, rows.y, watched, rows.fit_params).follow(schedule)
        if context is not None:
            with context, context.around(fitted, rows.X, rows.y, {}):
                pass  # it has been trained already
        return fitted


def _is_positive(factor: Any) -> bool:
    return isinstance(factor, numbers.Real) and 0 < factor < math.inf


def _of_member(origin: Origin) -> Origin:
    """A member that begins with the default is not the baseline."""
    return Origin.GIVEN if origin is Origin.DEFAULT else origin

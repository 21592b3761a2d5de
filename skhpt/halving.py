"""Successive halving: many configurations with little of a resource, few with much."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils._param_validation import Interval, StrOptions

from .halving_base import BaseHalving, Limits
from .plan import Leg
from .rows import Rows
from .samplers.grid import ListSampler
from .samplers.random import RandomSampler
from .searches import draw_one, grid_of, has_conditions, read_space
from .seeds import spawned_int
from .space import Space, dialects


def _first_rung(candidates: Iterable[Mapping[str, Any]], space: Space) -> Leg:
    candidates = list(candidates)
    return Leg(ListSampler(candidates), len(candidates), space)


class HalvingGridSearchCV(BaseHalving):
    """Successive halving over the values given for each parameter.

    All candidates are tried with little of a resource, the best ones go on with more of it: on
    each rung one in `factor` of them, with `factor` times as much. A drop-in for
    :class:`sklearn.model_selection.HalvingGridSearchCV`: the same arguments in the same order,
    the same candidates, subsamples and winner, and no experimental import. The arguments from
    `test_size` on are additions, off by default.

    Parameters
    ----------
    estimator : estimator object
        Needs ``fit``, and ``score`` unless `scoring` is given.
    param_grid : dict, list of dict or "auto", default="auto"
        As in :class:`GridSearchCV`. A tuple is a list of values, as in scikit-learn: ``(2, 20)``
        are two values.
    factor : int or float, default=3
        Greater than 1: one candidate in so many goes on, with so many times the resource.
    resource : str, default="n_samples"
        What there is more of from rung to rung.

        - "n_samples": rows of each fold, for training and for testing.
        - "n_folds": the folds themselves, the first ones first; a fold that has run is not run
          again. The last rung has all of them.
        - A parameter of the estimator that takes whole numbers, also ``step__n_estimators`` in a
          Pipeline. Then `max_resources` has to be given.
        - "auto": rounds of LightGBM, XGBoost, CatBoost, HistGradientBoosting* and
          GradientBoosting*, epochs of MLP*, alone or as the last step of a Pipeline. Other
          estimators, and settings that cannot be trained in steps exactly, get "n_samples".

        Rounds, named or found, are not trained twice where the worker still has the model:
        who is promoted goes on from where it was. The scores are those of a plain fit.

        Where "auto" finds rounds or epochs, a model does not stop by itself. With fewer of them it
        is a configuration of its own, and more make some worse. So the best of the lower rungs
        comes to the last one as well, with as many as it had, unless somebody is better there; who
        has become worse with more does not.
    max_resources : int or "auto", default="auto"
        Most of the resource for anybody: all the rows for tuning, all the folds, the estimator's
        own number of rounds. With the curated space, whose learning rates go below the default,
        boosters have three times their default number, unless another number was set.
    min_resources : {"exhaust", "smallest"} or int, default="exhaust"
        Resource of each candidate on the first rung. "smallest" is ``2 * n_splits`` rows, times
        the number of classes for a classifier, or 1 of anything else. "exhaust" is the most
        that lets the last rung get near to `max_resources`. With ``resource="auto"`` both mean:
        at least ``max_resources / factor**3`` rounds, and all of them on the last rung. Of epochs
        the rungs below the last have half of that.
    aggressive_elimination : bool, default=False
        Whether to repeat the first rung, dropping candidates each time, where there are not
        resources enough for all the rungs that it takes to leave fewer than `factor`.
    cv : int, splitter or iterable, default=5
        Must cut the same folds each time: an int `random_state`, or no shuffling.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's other searches. With several metrics, the one that `refit` names
        decides who goes on.
    refit : bool, str or callable, default=True
        A callable gets the rows of ``cv_results_`` that may win, those of the last rung.
    error_score, return_train_score, n_jobs
        As in scikit-learn.
    random_state : int, RandomState instance or None, default=None
        Seed of the rows of each rung and the choice of the test rows.
    verbose : int, default=0
        From 1 on the plan is printed, and a winner that is within noise is warned of.
    test_size, time_budget, constraints
        As in :class:`GridSearchCV`.
    initial_params : "default" or list, default=None
        As in :class:`GridSearchCV`; they start on the first rung. The
        estimator as given comes to the last rung in any case, for ``baseline_score_``; where the
        resource is a parameter, it does so with a value of its own, and cannot win.

    Attributes
    ----------
    n_resources_, n_candidates_ : list of int
        Resource and number of candidates of each rung.
    n_remaining_candidates_ : int
        How many would go on from the last rung.
    min_resources_, max_resources_ : int
    n_iterations_, n_required_iterations_, n_possible_iterations_ : int
        Rungs that were run; that it takes to leave fewer than `factor` candidates; that lie
        between the least and the most of the resource.
    resource_ : str
        What the resource is, which "auto" leaves open.
    stratified_ : bool
        With rows as the resource: whether the subsamples had to be stratified, see Notes.
    margin_ : (float, float) or None
        Mean difference, over the folds, between the winner and the next best on the last rung,
        and its standard error; None where nobody else has a score there.
    within_noise_ : bool or None
        Whether that difference is not greater than its standard error.
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, ...
        As in :class:`GridSearchCV`. ``cv_results_`` has a row for each candidate on each rung
        (columns ``iter`` and ``n_resources``).

    Warns
    -----
    UserWarning
        "The winner is ahead of the runner-up ... within noise": `within_noise_` is True. The two
        or three configurations of a last rung are all good ones, so this is no rare thing;
        ``warnings.filterwarnings("ignore", "The winner is ahead")`` takes it as read.

    Notes
    -----
    Scores of different rungs are not comparable. So ``best_score_`` is the best of the last rung,
    and ``rank_test_score`` puts all of a rung before all of the rungs below it (scikit-learn
    ranks across rungs). `time_budget` holds back the time that one configuration needs on the
    last rung, and gives it to the best of the highest complete rung if nobody comes there
    otherwise. A search that is cut short even before that takes the best of the
    highest rung that anybody has completed; ``best_score_`` is NaN then, with a warning.

    Rows are drawn as in scikit-learn, draw for draw, unless a class would vanish from the
    training rows of some fold, or from its test rows where the metric is one of probabilities
    or of decision values, which is undefined then. In that case all subsamples of the search are
    stratified: each class has its share of the rows, and one at least. With eight positives in
    400 rows the first rung would otherwise train on negatives alone.

    Where `cv` keeps ``groups`` apart, rungs have whole groups: so many that no class is missing,
    and as near to their number of rows as that allows (scikit-learn takes rows of all groups).

    `max_resources` above what there is, and fewer rows than classes to keep, are errors.

    References
    ----------
    K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
    optimization", AISTATS 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import HalvingGridSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = HalvingGridSearchCV(SVC(), {"C": [0.1, 1, 10]}, random_state=0).fit(X, y)
    >>> search.n_candidates_, search.n_resources_
    ([3, 1], [50, 150])
    >>> search.best_params_
    {'C': 10}
    """

    _parameter_constraints: dict = {
        **BaseHalving._parameter_constraints,
        "param_grid": [dict, list, str],
    }
    _auto_size = "small"

    def __init__(
        self,
        estimator,
        param_grid="auto",
        *,
        factor=3,
        resource="n_samples",
        max_resources="auto",
        min_resources="exhaust",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=True,
        random_state=None,
        n_jobs=None,
        verbose=0,
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
        self.param_grid = param_grid
        self.factor = factor
        self.resource = resource
        self.max_resources = max_resources
        self.min_resources = min_resources
        self.aggressive_elimination = aggressive_elimination
        self.random_state = random_state
        self.test_size = test_size
        self.initial_params = initial_params
        self.time_budget = time_budget
        self.constraints = constraints

    def _definition(self):
        return self.param_grid

    def _legs(self, definition, seed) -> list[Leg]:
        (space, _), *_ = read_space(definition, ParameterGrid)
        return [_first_rung(grid_of(definition, self._is_curated()), space)]


class HalvingRandomSearchCV(BaseHalving):
    """Successive halving over candidates that are drawn at random.

    A drop-in for :class:`sklearn.model_selection.HalvingRandomSearchCV`: the same arguments in
    the same order, for the same `random_state` the same candidates, subsamples and winner, and
    no experimental import. See :class:`HalvingGridSearchCV` for what is said here in short.

    Parameters
    ----------
    estimator : estimator object
    param_distributions : dict, list of dict or "auto", default="auto"
        As in :class:`RandomizedSearchCV`. A tuple of two numbers is two values, as in
        scikit-learn: ``(2, 20)`` is 2 or 20. A range is ``(2, 20, "uniform")``,
        ``(1e-4, 1.0, "log-uniform")`` or a distribution of scipy's.
    n_candidates : int or "exhaust", default="exhaust"
        Candidates on the first rung, those of `initial_params` included. "exhaust" is as many
        as can be thinned out until one has `max_resources`; not together with
        ``min_resources="exhaust"``.
    factor, resource, max_resources, aggressive_elimination, cv, scoring, refit, error_score, \
return_train_score, n_jobs, verbose
        As in :class:`HalvingGridSearchCV`.
    min_resources : {"exhaust", "smallest"} or int, default="smallest"
        As there; "exhaust" needs a number of candidates.
    random_state : int, RandomState instance or None, default=None
        Seed of the candidates, of the rows of each rung and of the choice of the test rows.
    test_size, initial_params, time_budget, constraints
        As in :class:`HalvingGridSearchCV`.

    Attributes
    ----------
    n_resources_, n_candidates_, resource_, margin_, cv_results_, best_params_, ...
        As in :class:`HalvingGridSearchCV`.

    References
    ----------
    K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
    optimization", AISTATS 2016.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import HalvingRandomSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = HalvingRandomSearchCV(SVC(), {"C": loguniform(1e-2, 1e2)}, random_state=0)
    >>> search.fit(X, y).n_candidates_
    [5, 2]
    """

    _parameter_constraints: dict = {
        **BaseHalving._parameter_constraints,
        "param_distributions": [dict, list, str],
        "n_candidates": [
            Interval(numbers.Integral, 0, None, closed="neither"),
            StrOptions({"exhaust"}),
        ],
    }

    def __init__(
        self,
        estimator,
        param_distributions="auto",
        *,
        n_candidates="exhaust",
        factor=3,
        resource="n_samples",
        max_resources="auto",
        min_resources="smallest",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=True,
        random_state=None,
        n_jobs=None,
        verbose=0,
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
        self.n_candidates = n_candidates
        self.factor = factor
        self.resource = resource
        self.max_resources = max_resources
        self.min_resources = min_resources
        self.aggressive_elimination = aggressive_elimination
        self.random_state = random_state
        self.test_size = test_size
        self.initial_params = initial_params
        self.time_budget = time_budget
        self.constraints = constraints

    def _definition(self):
        return self.param_distributions

    def _limits_of(self, tuning: Rows, cv) -> Limits:
        if self.min_resources == self.n_candidates == "exhaust":
            raise ValueError(
                "n_candidates and min_resources cannot be both set to 'exhaust': each is found "
                "from the other. Give one of them a number, or min_resources='smallest'."
            )
        return super()._limits_of(tuning, cv)

    def _legs(self, definition, seed) -> list[Leg]:
        n = self.n_candidates
        as_many = isinstance(n, str)
        if as_many:  # so many that the last rung can be reached with
            n = self._limits.most // self._limits.least
        pieces = read_space(definition, draw_one)
        if not any(has_conditions(piece.space) or piece.n_iter for piece in pieces):
            # scikit-learn's own draws, so that the same seed gives the same candidates
            native = dialects.to_native(definition)
            draws = ParameterSampler(native, int(n), random_state=self.random_state)
            with warnings.catch_warnings():
                if as_many:  # nobody asked for more than there are
                    warnings.filterwarnings("ignore", "The total space of parameters")
                return [_first_rung(draws, pieces[0].space)]
        drawn = []
        for number, piece in enumerate(pieces):
            sampler = RandomSampler(piece.space, spawned_int(seed, 1 + number))
            proposals = (sampler.ask() for _ in range(n if piece.n_iter is None else piece.n_iter))
            drawn += [params for params in proposals if params is not None]
        return [_first_rung(drawn, pieces[0].space)]

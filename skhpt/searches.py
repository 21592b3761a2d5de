"""The drop-ins for scikit-learn's searches: a signature, a sampler, nothing else."""

from __future__ import annotations

import numbers
import warnings

import numpy as np
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils._param_validation import Interval

from .plan import Leg
from .samplers.grid import ListSampler
from .samplers.random import RandomSampler
from .search import BaseSearch
from .seeds import spawned_int
from .space import Piece, SpaceError, dialects
from .space.base import shortened

# Configurations of the grid over a curated space, where fewer values a range allow for it.
_AFFORDABLE = 64


def read_space(definition, theirs) -> list[Piece]:
    """Read a space as scikit-learn does: its own error comes first where it has one."""
    try:
        return dialects.parse(definition, bare_pair="values")
    except SpaceError as error:
        try:
            theirs(definition)
        except (TypeError, ValueError) as first:
            raise type(first)(f"{shortened(str(first))} ({error})") from error
        except Exception:  # what it does with the oddest of spaces explains nothing
            raise error from None
        raise


def draw_one(definition) -> None:
    """Provoke scikit-learn's error, some of which come with the first draw."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        list(ParameterSampler(definition, 1, random_state=0))


def has_conditions(space) -> bool:
    return any(parameter.conditions for branch in space.branches for parameter in branch)


def grid_of(definition, curated: bool) -> ParameterGrid:
    """As fine a grid as is affordable for a curated space; three values a range otherwise."""
    for levels in (5, 3, 2) if curated else (3,):
        grid = ParameterGrid(dialects.to_grid(definition, levels=levels))
        if len(grid) <= _AFFORDABLE:
            break
    return grid


class GridSearchCV(BaseSearch):
    """Exhaustive search over the values given for each parameter.

    A drop-in for :class:`sklearn.model_selection.GridSearchCV`: the same arguments in the same
    order, the same results. The arguments from `test_size` on are additions, off by default.

    Parameters
    ----------
    estimator : estimator object
        Needs ``fit``, and ``score`` unless `scoring` is given.
    param_grid : dict, list of dict or "auto", default="auto"
        Values of each parameter. A list or a tuple is a list of values, as in scikit-learn; a
        range or a distribution, as in :class:`BayesSearchCV`, stands for three values spread
        evenly over it. "auto" is a grid over :func:`space_for` in its size "small": five,
        three or two values a range, for about 64 configurations at most.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As in scikit-learn. Besides, ``refit="one_se"`` chooses the simplest configuration within
        one standard error of the best, see :class:`OneSE`; a metric of that name comes first.
        Then `racing` is off, since it drops configurations that are simple and nearly as good.
    test_size : float or int, default=None
        Share (or number) of the rows to set aside before anything looks at the data:
        stratified for classifiers, whole groups with ``groups``, the last rows for splitters
        that are ordered in time. The winner is scored on them once.
    racing : bool or float, default=False
        Whether to drop a candidate once its folds so far say that it cannot win: the folds run
        in order, and the forecast difference to the best candidate so far must be more than one
        standard error below zero (or as many as the number says; see
        :class:`~skhpt.racing.WillItWin`). A dropped candidate has NaN in the folds that it never
        ran and ranks below every complete one; ``n_splits_evaluated`` tells how many it ran. The
        rule looks at the `refit` metric; it is off where `refit` is a callable, or False with
        several metrics, as then no one number says who wins.
    early_stopping : int, "auto", bool or None, default=None
        Rounds of patience for boosters and networks (LightGBM, XGBoost, CatBoost, MLP*,
        *GradientBoosting*), alone or as the last step of a Pipeline. "auto" and True are 30
        rounds, 20 for epochs, and leave other estimators as they are. None is "auto" with the
        curated space, unless the estimator was given a number of rounds, or a way to stop, other
        than its class has by default, or ``fit`` was given rows to watch or callbacks; with a space
        of your own, None and False are off. The folds of a candidate train in step, with the scorer
        read every five rounds and less often on long curves, and share one number of rounds, the
        best of their smoothed mean curve (at most 1,000, 500 epochs): what a search over that
        number would find, at the price of one run, where a fold that chose its own would flatter
        itself. The number stands in ``params`` and in
        ``best_params_``; the curated space leaves it out. With `racing`, a fold whose forecast
        cannot win ends early, unless it is ahead of the best candidate's first rounds. Where a
        curve cannot be read, early stopping on a split of each fold's training rows tells the
        number. The estimator as given (`initial_params`) keeps its own.
    initial_params : "default" or list, default=None
        Configurations to try first. "default" is the estimator as given, followed by published
        configurations that are known to do well; a list holds dicts of your own, and may hold
        the word "default" for the estimator as given.
    time_budget : float, default=None
        Seconds for the whole of ``fit``, the refit included.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice of the test rows. The estimator's own seed stays yours.
    constraints : dict, default=None
        What the winner must satisfy: columns of ``cv_results_`` (``mean_*``, ``std_*``,
        ``split*``) and a comparison with a number, such as ``{"mean_score_time": "<0.01"}``
        (seconds) or ``{"mean_test_recall": ">=0.9"}`` beside another metric; the signs are <, <=,
        > and >=. The best of those that satisfy all of them wins; a callable `refit` is shown
        them alone. Where none does, a warning says how near the nearest came (the greatest excess
        over a bound, as a share of that bound), and it wins. `racing` is off then: what beats a
        configuration may not be allowed to. Constraints on times make the result depend on the
        machine, its load and `n_jobs`.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, \
refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn.
    space_ : dict or list
        The space that was searched, as written or as curated.
    best_n_rounds_ : int or None
        Rounds of the winner, where early stopping found some.
    stop_reason_ : str
        Why the search ended.
    n_fits_ : int
        Fits of the cross-validation.
    best_score_corrected_ : float
        ``best_score_``, which is optimistic because it is the best of many, less an estimate of
        that bias; there where the best mean has won, on two folds or more. With
        ``refit="one_se"`` it is the score of the simpler winner less the bias of the best mean, as
        the choice has added no more than that; a callable `refit` has none. On noise the estimate
        is right at about four folds and too large with more (twice the bias at ten); racing makes
        it smaller, as dropped candidates lack folds. The held-out score is the better answer. See
        :func:`~skhpt.selection.corrected_score`.
    dummy_score_ : float or None
        What a predictor that always says the same reaches on the same folds by the metric that
        chose: the mean over them. None where there is no such predictor, or the metric cannot
        score it.
    baseline_score_ : float
        Cross-validated score of the estimator as given, where that was among the first
        configurations.
    test_indices_ : ndarray of int
        The rows that were set aside.
    test_score_, test_score_interval_ : float, (float, float)
        Score of the winner on them, and its 95 % bootstrap interval.
    test_scores_ : dict of str to float
        The same for every metric.
    baseline_test_score_, baseline_test_score_interval_ : float, (float, float)
        The same for the estimator as given.
    optimism_ : float
        ``best_score_ - test_score_``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearchCV(SVC(), {"C": [0.1, 1, 10]}).fit(X, y)
    >>> search.best_params_
    {'C': 10}
    """

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "param_grid": [dict, list, str],
    }
    _auto_size = "small"

    def __init__(
        self,
        estimator,
        param_grid="auto",
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        test_size=None,
        racing=False,
        early_stopping=None,
        initial_params=None,
        time_budget=None,
        random_state=None,
        constraints=None,
    ):
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_grid = param_grid
        self.test_size = test_size
        self.racing = racing
        self.early_stopping = early_stopping
        self.initial_params = initial_params
        self.time_budget = time_budget
        self.constraints = constraints
        self.random_state = random_state

    def _definition(self):
        return self.param_grid

    def _owes_draws(self) -> bool:
        return self.test_size is None

    def _legs(self, definition, seed) -> list[Leg]:
        (space, _), *_ = read_space(definition, ParameterGrid)
        return [Leg(ListSampler(grid_of(definition, self._is_curated())), None, space)]


class RandomizedSearchCV(BaseSearch):
    """Random search: independent draws from a distribution or a list for each parameter.

    A drop-in for :class:`sklearn.model_selection.RandomizedSearchCV`: the same arguments in
    the same order, for the same `random_state` the same candidates and results. The arguments
    from `test_size` on are additions, off by default.

    Parameters
    ----------
    estimator : estimator object
        Needs ``fit``, and ``score`` unless `scoring` is given.
    param_distributions : dict, list of dict or "auto", default="auto"
        Values or a distribution of each parameter. As in scikit-learn a list or a tuple is a
        list of values; every other way to write a space, as in :class:`BayesSearchCV`, is
        understood too, ranges as ``(low, high, "uniform")`` or ``(low, high, "log-uniform")``.
        "auto" is the space of :func:`space_for`.
    n_iter : int, default=10
        Number of configurations, those of `initial_params` included.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, random_state, error_score, \
return_train_score
        As in scikit-learn.
    test_size, racing, early_stopping, initial_params, time_budget, constraints
        As in :class:`GridSearchCV`, and so is ``refit="one_se"``.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, ...
        As in :class:`GridSearchCV`.

    References
    ----------
    J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", Journal of
    Machine Learning Research 13 (2012).
    """

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "param_distributions": [dict, list, str],
        "n_iter": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator,
        param_distributions="auto",
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        test_size=None,
        racing=False,
        early_stopping=None,
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
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state
        self.test_size = test_size
        self.racing = racing
        self.early_stopping = early_stopping
        self.initial_params = initial_params
        self.time_budget = time_budget
        self.constraints = constraints

    def _definition(self):
        return self.param_distributions

    def _owes_draws(self) -> bool:
        return True

    def _legs(self, definition, seed) -> list[Leg]:
        pieces = read_space(definition, draw_one)
        if not any(has_conditions(piece.space) or piece.n_iter for piece in pieces):
            # scikit-learn's own draws, so that the same seed gives the same candidates
            distributions = dialects.to_native(definition)
            draws = ListSampler(
                ParameterSampler(distributions, self.n_iter, random_state=self.random_state)
            )
            return [Leg(draws, self.n_iter, pieces[0].space)]
        return [
            Leg(
                RandomSampler(piece.space, spawned_int(seed, 1 + number)),
                self.n_iter if piece.n_iter is None else piece.n_iter,
                piece.space,
            )
            for number, piece in enumerate(pieces)
        ]

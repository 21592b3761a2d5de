"""Hyperband: halving from several first rungs, for those that show late what they are."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import is_classifier
from sklearn.utils import indexable
from sklearn.utils._param_validation import Interval, StrOptions

from .brackets import (
    AsynchronousBrackets,
    Bracket,
    Brackets,
    UnorderedBrackets,
    hyperband_plan,
)
from .candidates import Listed, Modelled, drawn
from .choosing import Selection
from .estimators.resources import Resource, Rounds
from .halving_base import BaseHalving, Limits
from .ledger import Ledger
from .plan import Leg
from .rows import Rows
from .samplers.random import RandomSampler
from .searches import draw_one, read_space
from .seeds import root_of, spawned_int
from .trial import Start

# Trials that are pending where nobody names a number. A constant, because a number that followed
# n_jobs would make the result depend on it.
_N_POINTS = 8


class HyperbandSearchCV(BaseHalving):
    """Hyperband: successive halving several times, each beginning with more of the resource.

    Halving is quick, and wrong about configurations that are slow to show what they are worth.
    Hyperband spends about the same on each of several brackets: the first begins with many
    configurations and the least of the resource, the last is a plain random search with the
    most of it.

    Parameters
    ----------
    estimator : estimator object
    param_distributions : dict, list of dict or "auto", default="auto"
        As in :class:`RandomizedSearchCV`, without a number of configurations of its own. A tuple
        of two numbers is two values here too, other than in :class:`BayesSearchCV`: ``(2, 20)``
        is 2 or 20. A range is ``(2, 20, "uniform")``, ``(1e-4, 1.0, "log-uniform")`` or a
        distribution of scipy's.
    factor : int or float, default=3
        As in :class:`HalvingGridSearchCV`; the paper's eta.
    resource : str, default="auto"
        As in :class:`HalvingGridSearchCV`: rounds or epochs where the estimator has any that can
        be trained in steps, otherwise "n_samples".
    max_resources : int or "auto", default="auto"
        As in :class:`HalvingGridSearchCV`; the paper's R.
    min_resources : int or "smallest", default="smallest"
        Resource that the first rung of the widest bracket has at least. "smallest" is as in
        :class:`HalvingGridSearchCV`; with rounds that were found it is
        ``max_resources / factor**3``.
    sampler : {"random", "gp"}, default="random"
        Who proposes the configurations. "gp" is model-based Hyperband: a Gaussian process learns
        from the trials of one rung, the highest that has one more than there are parameters; a
        third of the configurations, and all before there is such a rung, are random.
    asynchronous : "auto", bool or "unordered", default="auto"
        False: a rung is complete before its best go on. True: whoever is among the best of a
        rung so far goes on (ASHA), so that no worker waits for a rung to fill; a few more are
        promoted than a complete rung would send on. "auto" is True where `n_jobs` (or an active
        ``joblib.parallel_config``) gives more than one worker. "unordered" is for many workers
        and fits of very different length; it alone gives a result that depends on timing, see
        Notes.
    n_points : int, default=None
        Trials that may be pending when the next one is chosen; None is 8. The result depends on
        it where promotion is asynchronous, and with ``sampler="gp"``. More feed more workers: a
        trial is as many fits as there are folds.
    cv, scoring, refit, error_score, return_train_score, n_jobs, verbose
        As in :class:`HalvingGridSearchCV`.
    random_state : int, RandomState instance or None, default=None
        Seed of the candidates, of the rows of each rung and of the choice of the test rows.
    test_size, time_budget, constraints
        As in :class:`GridSearchCV`.
    initial_params : "default" or list, default=None
        As in :class:`HalvingGridSearchCV`; they begin in the first bracket
        (and those that it has no room for in the next).

    Attributes
    ----------
    metadata_ : dict
        The plan, as :meth:`metadata` tells it.
    n_resources_, n_candidates_ : list of int
        The levels of the resource, and how many configurations ran on each, all brackets together.
    min_resources_, max_resources_ : int
    resource_, stratified_, margin_, within_noise_
        As in :class:`HalvingGridSearchCV`.
    asynchronous_ : bool
        What "auto" has come to.
    n_points_ : int
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, ...
        As in :class:`GridSearchCV`. ``cv_results_`` has a row for each candidate on each rung:
        ``iter`` is the level of its resource ``n_resources``, and the last column, ``bracket``,
        the number of its bracket, which is how often it may be promoted (-1: the estimator as
        given, for the baseline).

    Warns
    -----
    UserWarning
        As in :class:`HalvingGridSearchCV`, where the two best are within noise.

    Notes
    -----
    The winner is the best of those that had the whole resource on all folds, in whatever bracket,
    and it is refitted with exactly that.

    The result for a `random_state` is the same for every number of workers and however long
    anything takes, with ``asynchronous`` True as well as False. (Set it to have one result for
    all: "auto" differs between one worker and several.) What the paper does, promoting on what
    happens to have ended, cannot be repeated. So a clock of its own decides what is known when:
    on `n_points` imagined workers each trial takes as long as its share of the resource. Real
    workers wait only for a trial that takes so much longer than its share that all other pending
    ones have ended before it. This costs nothing where the resource tells how long a fit takes,
    and little with some four times as many `n_points` as workers. Where single fits take ten times
    as long as others, a hundred workers spend much of their time waiting; "unordered" is the
    paper's way, and keeps them busy.

    With ``asynchronous=False`` and random candidates, brackets take turns: where one has to wait
    for a rung, workers have the rung of another.

    References
    ----------
    L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh and A. Talwalkar, "Hyperband: a novel
    bandit-based approach to hyperparameter optimization", Journal of Machine Learning Research 18
    (2018). L. Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020.
    S. Falkner, A. Klein and F. Hutter, "BOHB: robust and efficient hyperparameter optimization at
    scale", ICML 2018.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import HyperbandSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = HyperbandSearchCV(SVC(), {"C": loguniform(1e-2, 1e2)}, random_state=0)
    >>> [bracket["n_candidates"] for bracket in search.metadata(X, y)["brackets"]]
    [[3, 1], [2]]
    >>> search.fit(X, y).n_resources_
    [50, 150]
    """

    _rungs_in_turn = False  # those of several brackets are open at a time
    _goes_back = False  # some of its brackets begin with all of the rounds
    _parameter_constraints: dict = {
        **{
            name: constraint
            for name, constraint in BaseHalving._parameter_constraints.items()
            if name != "aggressive_elimination"
        },
        "param_distributions": [dict, list, str],
        "min_resources": [
            Interval(numbers.Integral, 0, None, closed="neither"),
            StrOptions({"smallest"}),
        ],
        "sampler": [StrOptions({"random", "gp"})],
        "asynchronous": ["boolean", StrOptions({"auto", "unordered"})],
        "n_points": [Interval(numbers.Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator,
        param_distributions="auto",
        *,
        factor=3,
        resource="auto",
        max_resources="auto",
        min_resources="smallest",
        sampler="random",
        asynchronous="auto",
        n_points=None,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=False,
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
        self.factor = factor
        self.resource = resource
        self.max_resources = max_resources
        self.min_resources = min_resources
        self.sampler = sampler
        self.asynchronous = asynchronous
        self.n_points = n_points
        self.random_state = random_state
        self.test_size = test_size
        self.initial_params = initial_params
        self.time_budget = time_budget
        self.constraints = constraints

    # -- the plan --------------------------------------------------------------------------

    def metadata(self, X=None, y=None, groups=None) -> dict[str, Any]:
        """Tell what ``fit`` will do, before it does anything.

        Parameters
        ----------
        X, y, groups : array-like, default=None
            The data, where the plan depends on it: with ``resource="n_samples"`` unless
            `max_resources` and `min_resources` are numbers, and for splitters that look at it.

        Returns
        -------
        plan : dict
            - ``resource``, ``factor``
            - ``brackets``: a dict for each, with its number ``bracket``, and ``n_candidates`` and
              ``n_resources`` of its rungs
            - ``n_candidates``: configurations, all brackets together
            - ``n_fits``: fits of the cross-validation, the refit not among them
            - ``total_resources``: what configurations spend together, in units of
              `max_resources`; rounds and folds that one has had on a lower rung do not count again

            With asynchronous promotion the last two are what there is at least. The estimator as
            given, which ``initial_params="default"`` brings to the last rung, is not counted.

        Raises
        ------
        ValueError
            When the plan depends on the data and there is none; as in ``fit`` otherwise.
        """
        self._validate_params()
        if X is None:
            limits, n_splits = self._limits_without_data()
        else:
            limits, n_splits = self._limits_on(X, y, groups)
        n = np.inf if self._is_curated() else self._space_of(self._definition()).size
        return self._told(limits, self._brackets(limits, n), n_splits)

    def _limits_on(self, X, y, groups) -> tuple[Limits, int]:
        if y is None and is_classifier(self.estimator):
            raise ValueError(
                f"metadata() needs y as well as X for a classifier ({type(self.estimator).__name__}"
                "), as the plan depends on the classes: call metadata(X, y)."
            )
        X, y = indexable(X, y)
        split_params = {} if groups is None else {"groups": groups}
        probe = copy.copy(self)  # what is set aside here says nothing about this search
        probe.random_state = copy.deepcopy(self.random_state)
        rows, _ = probe._set_aside(
            Rows(X, y, {}, {}, split_params), root_of(probe.random_state, True)
        )
        cv = self._splitter_of_plan(rows.y)
        limits = self._limits_of(rows, cv)
        return limits, cv.get_n_splits(rows.X, rows.y, **rows.split_params)

    def _limits_without_data(self) -> tuple[Limits, int]:
        resource = self._resource_on(0)
        words = isinstance(self.max_resources, str) or isinstance(self.min_resources, str)
        if resource.name == "n_samples" and words:
            raise ValueError(
                "metadata() needs the data, as the resource is 'n_samples': call metadata(X, y), "
                f"or give numbers for max_resources (got {self.max_resources!r}) and "
                f"min_resources (got {self.min_resources!r})."
            )
        try:
            n_splits = self._splitter_of_plan(None).get_n_splits()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"metadata() needs the data to count the folds of cv={self.cv!r}: call "
                "metadata(X, y), with groups where it takes them."
            ) from error
        there = {"n_samples": self.max_resources, "n_folds": n_splits}.get(resource.name)
        return self._limits_within(there, resource, n_splits, None), n_splits

    def _splitter_of_plan(self, y):
        """The splitter; that of a generator is kept, as there is no second one for ``fit``."""
        cv = self._splitter(y)
        if isinstance(self.cv, Iterator):
            self._kept = (self.cv, cv)
        return cv

    def _splitter(self, y):
        generator, cv = self.__dict__.pop("_kept", (None, None))
        return cv if generator is not None and generator is self.cv else super()._splitter(y)

    def _brackets(self, limits: Limits, n_configurations: float) -> list[Bracket]:
        return hyperband_plan(
            limits.least,
            limits.most,
            self.factor,
            folds_are_resource=limits.resource.name == "n_folds",
            n_configurations=n_configurations,
        )

    def _told(self, limits: Limits, brackets: Sequence[Bracket], n_splits: int) -> dict[str, Any]:
        resource, adds_up = limits.resource, _adds_up(limits.resource)
        spent = n_trials = 0
        for bracket in brackets:
            n_trials += sum(bracket.n_candidates)
            spent += int(np.dot(bracket.n_candidates, bracket.costs(adds_up)))
        return {
            "resource": resource.name,
            "factor": self.factor,
            "brackets": [
                {
                    "bracket": bracket.number,
                    "n_candidates": list(bracket.n_candidates),
                    "n_resources": bracket.n_resources,
                }
                for bracket in brackets
            ],
            "n_candidates": sum(bracket.n_candidates[0] for bracket in brackets),
            "n_fits": spent if resource.name == "n_folds" else n_trials * n_splits,
            "total_resources": spent / limits.most,
        }

    # -- before ----------------------------------------------------------------------------

    def _definition(self):
        return self.param_distributions

    def _space_of(self, definition):
        pieces = read_space(definition, draw_one)
        if len(pieces) > 1 or pieces[0].n_iter is not None:
            raise ValueError(
                "HyperbandSearchCV plans how many configurations there are (see metadata()), so "
                "that (dict, n) in param_distributions has no meaning. Give the dicts without n."
            )
        return pieces[0].space

    def _legs(self, definition, seed) -> list[Leg]:
        space = self._space_of(definition)
        return [Leg(RandomSampler(space, spawned_int(seed, 1)), None, space)]

    def _proposer(self, leg: Leg, initial: Sequence[Start], seed):
        limits, parameter = self._limits, self._limits.resource.parameter
        self._check_not_searched(limits.resource, leg.space.dimensions)
        brackets = self._brackets(limits, leg.space.size)
        self._last_rung = brackets[-1].rungs[-1]
        self._publish_plan(limits, brackets)
        given, guests = self._entries(initial, [])
        sizes = [bracket.n_candidates[0] for bracket in brackets]
        if len(given) > sum(sizes):
            raise ValueError(
                f"initial_params has {len(given)} configurations, but the brackets begin with "
                f"{sum(sizes)} together (see metadata()): leave some out, or lower min_resources."
            )
        source_seed = spawned_int(seed, 1)
        if self.sampler == "gp":
            source = Modelled(leg.space, source_seed, given, parameter)
        else:
            source = Listed(drawn(leg.space, sizes, given, source_seed))
        options = {"n_pending": self.n_points_, "parameter": parameter, "guests": guests}
        kind = Brackets
        if self.asynchronous_:
            kind = UnorderedBrackets if self.asynchronous == "unordered" else AsynchronousBrackets
            options["adds_up"] = _adds_up(limits.resource)
        proposer = kind(brackets, source, self.factor, **options)
        self._climbers = proposer
        return proposer

    def _publish_plan(self, limits: Limits, brackets: Sequence[Bracket]) -> None:
        self.n_points_ = self.n_points or _N_POINTS
        self.asynchronous_ = bool(self.asynchronous)
        if self.asynchronous == "auto":
            self.asynchronous_ = effective_n_jobs(self.n_jobs) > 1
        self.metadata_ = self._told(limits, brackets, self.n_splits_)
        self.resource_ = limits.resource.name
        self.n_resources_ = brackets[0].n_resources
        self.min_resources_, self.max_resources_ = self.n_resources_[0], self.n_resources_[-1]
        if self.verbose:
            self._print_plan()

    def _print_plan(self) -> None:
        print(f"resource: {self.resource_}\nn_fits: {self.metadata_['n_fits']}")
        print(f"asynchronous: {self.asynchronous_}")
        for bracket in self.metadata_["brackets"]:
            print("-" * 10)
            for name, value in bracket.items():
                print(f"{name}: {value}")
        n_trials = self.metadata_["n_candidates"]
        if self.asynchronous_ and self.asynchronous != "unordered" and self.n_points_ < n_trials:
            self._tell_idle_workers(self.n_points_, "trials pending (n_points)")
        else:
            self._tell_idle_workers(n_trials, "candidates")

    # -- after -----------------------------------------------------------------------------

    def _set_winner(self, ledger: Ledger, results, metric, selection: Selection) -> None:
        climbers = self.__dict__.pop("_climbers")
        numbers_ = [climbers.bracket_of(trial.index) for trial in ledger.trials]
        results["bracket"] = np.array(numbers_, dtype=np.int64)
        super()._set_winner(ledger, results, metric, selection)

    def _cut_plan_to(self, ledger: Ledger) -> None:
        """Count who ran on each level; leave out those that nobody has come to."""
        counts = np.bincount(ledger.rungs(), minlength=len(self.n_resources_))
        self.n_candidates_ = counts.tolist()


def _adds_up(resource: Resource) -> bool:
    """Whether what a configuration had on a lower rung is not spent again."""
    return isinstance(resource, Rounds) or resource.name == "n_folds"

"""What a search may give little of first: rows, folds, a parameter, rounds of training.

A :class:`Resource` says which estimators it is a resource of, and gives the models along the
way: one for each of some growing budgets. Where a library allows it, one model grows through
all of them, so that no round is trained twice.

Epochs of SGD are a parameter like any other here (``resource="max_iter"``), trained anew for
each budget, and not among what "auto" finds: ``partial_fit`` does not stop by itself, orders
rows and averages weights otherwise than ``fit``, so that a model that had grown would be
another than the one that is refitted.
"""

from __future__ import annotations

import inspect
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from .._compat import num_samples, safe_split
from .growing import Growth, Watched, as_rows, grower_of_kind
from .pipelines import (
    beginning,
    fit_params_of_end,
    last_step,
    rounds_parameter,
    transformed,
    with_end,
)


class Resource(ABC):
    """Something of which a configuration may get more or less.

    Attributes
    ----------
    name : str
    parameter : str or None
        The estimator's parameter that says how much; None where it is none of its own.
    """

    name: str
    parameter: str | None = None

    @abstractmethod
    def supports(self, estimator: Any) -> bool:
        """Whether it is a resource of an estimator."""

    @abstractmethod
    def path(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        budgets: Sequence[int],
        fit_params: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Give the model for each of some budgets.

        Parameters
        ----------
        estimator : estimator object
            With its configuration; it is cloned.
        X, y : the rows for training
        budgets : sequence of int
            From the least to the most.
        fit_params : mapping, optional

        Yields
        ------
        spent : int
        fitted : estimator object
            As ``fit`` with that much of the resource leaves it.
        """


class Rows(Resource):
    """The number of rows for training: the first ones, so shuffle them before."""

    name = "n_samples"

    def supports(self, estimator: Any) -> bool:
        return True

    def path(self, estimator, X, y, budgets, fit_params=None):
        for budget in budgets:
            some = safe_split(estimator, X, y, np.arange(min(budget, num_samples(X))))
            yield budget, _fitted(estimator, *some, fit_params)


class Folds(Resource):
    """The number of folds: it changes nothing about a model, so that one serves all budgets."""

    name = "n_folds"

    def supports(self, estimator: Any) -> bool:
        return True

    def path(self, estimator, X, y, budgets, fit_params=None):
        fitted = _fitted(estimator, X, y, fit_params)
        for budget in budgets:
            yield budget, fitted


class Parameter(Resource):
    """A parameter of the estimator that takes whole numbers; each budget trains anew."""

    def __init__(self, name: str):
        self.name = self.parameter = name

    def supports(self, estimator: Any) -> bool:
        owner, name = _owner(estimator, self.name)
        return name in parameters_of(owner) and _takes_whole_numbers(owner, name)

    def path(self, estimator, X, y, budgets, fit_params=None):
        for budget in budgets:
            configured = clone(estimator).set_params(**{self.name: budget})
            yield budget, _fitted(configured, X, y, fit_params)


class Rounds(Parameter):
    """Rounds of a booster, epochs of a network: one growing model gives every budget.

    An estimator or data that cannot be grown exactly as ``fit`` would are trained anew.
    """

    def supports(self, estimator: Any) -> bool:
        return rounds_parameter(estimator, None) == self.name

    def own_number(self, estimator: Any) -> int:
        """The rounds that an estimator trains as it is."""
        last = last_step(estimator)[1]
        return grower_of_kind(last).own_number(last)

    def path(self, estimator, X, y, budgets, fit_params=None):
        growing = GrowingPipeline.begin(estimator, X, y, Watched(X, y), fit_params or {})
        if growing is None or not budgets:
            yield from super().path(estimator, X, y, budgets, fit_params)
            return
        for budget in budgets:
            yield budget, growing.reach(budget)


class GrowingPipeline:
    """A pipeline whose beginning is fitted and whose last step grows.

    Parameters
    ----------
    estimator : estimator object
        The whole, with its configuration.
    fitted_beginning : Pipeline or None
    growth : Growth
    """

    def __init__(self, estimator: Any, fitted_beginning: Any, growth: Growth):
        self._estimator = estimator
        self._beginning = fitted_beginning
        self.growth = growth

    @classmethod
    def begin(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        through: Callable | None = None,
    ) -> GrowingPipeline | None:
        """Fit the beginning and start to grow; None where that would not be what ``fit`` does.

        Parameters
        ----------
        estimator : estimator object
            It is cloned.
        X, y, watched : see :meth:`~skhpt.estimators.growing.Grower.start`
        fit_params : mapping
            For the last step, in the names of the whole; others are not grown with.
        through : callable, optional
            ``through(beginning)`` gives the fitted beginning, both parts of the rows behind it
            and what configurations share, for a caller who keeps them.
        """
        estimator = clone(estimator)
        last, own = last_step(estimator)[1], fit_params_of_end(estimator, fit_params)
        grower = grower_of_kind(last)
        if own is None or grower is None or not grower.climbs(last, own, num_samples(X)):
            return None
        first, shelf, X_watched = beginning(estimator), {}, watched.X
        if through is not None:
            first, X, X_watched, shelf = through(first)
        elif first is not None:
            X, X_watched = first.fit_transform(X, y), transformed(first, watched.X)
        else:
            X, X_watched = as_rows(X), as_rows(watched.X)
        growth = grower.start(clone(last), X, y, Watched(X_watched, watched.y), own, shelf)
        return None if growth is None else cls(estimator, first, growth)

    @property
    def n_rounds(self) -> int:
        return self.growth.n_rounds

    def reach(self, n_rounds: int) -> Any:
        """Train up to a number of rounds; return the fitted whole."""
        self.growth.grow(n_rounds)
        return with_end(self._estimator, self._beginning, self.growth.fitted(n_rounds))


def _fitted(estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any] | None) -> Any:
    return clone(estimator).fit(X, *(() if y is None else (y,)), **(fit_params or {}))


def resource_of(name: str, estimator: Any, n_samples: int | None = None) -> Resource:
    """Find the resource that a name stands for.

    Parameters
    ----------
    name : str
        "n_samples", "n_folds", a parameter of the estimator, or "auto": the rounds of an
        estimator that can be grown, and rows where there are none.
    estimator : estimator object
    n_samples : int, optional
        Rows for training; some estimators can be grown on few rows only.

    Raises
    ------
    ValueError
        When the estimator does not have it.
    """
    rounds = rounds_parameter(estimator, n_samples)
    if name == Folds.name:
        return Folds()
    if name == Rows.name or (name == "auto" and rounds is None):
        return Rows()
    if name in ("auto", rounds):
        return Rounds(rounds)
    resource = Parameter(name)
    if not resource.supports(estimator):
        raise ValueError(_no_such_resource(name, estimator, rounds))
    return resource


def _owner(estimator: Any, name: str) -> tuple[Any, str]:
    """The estimator inside that has a parameter, and its name there."""
    holder, _, own = name.rpartition("__")
    return (estimator.get_params().get(holder) if holder else estimator), own


def parameters_of(owner: Any) -> dict[str, Any]:
    """Parameters with their values; those with their defaults that only a constructor names.

    CatBoost's ``get_params`` tells what was set, and no more.
    """
    if not hasattr(owner, "get_params"):
        return {}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    defaults = {
        name: parameter.default
        for name, parameter in list(inspect.signature(type(owner).__init__).parameters.items())[1:]
        if parameter.kind in plain
    }
    return {**defaults, **owner.get_params(deep=False)}


def _takes_whole_numbers(owner: Any, name: str) -> bool:
    """Whether a parameter can count something: by scikit-learn's constraints, or by its value."""
    rules = getattr(owner, "_parameter_constraints", {}).get(name)
    if rules == "no_validation":
        return True
    if isinstance(rules, list):
        types = [getattr(rule, "type", rule) for rule in rules]
        return any(type_ in (int, numbers.Integral) for type_ in types)
    value = parameters_of(owner)[name]
    return value is None or (isinstance(value, numbers.Integral) and not isinstance(value, bool))


def _no_such_resource(name: str, estimator: Any, rounds: str | None) -> str:
    whole = [
        parameter
        for parameter, value in estimator.get_params().items()
        if isinstance(value, int | np.integer)
        and not isinstance(value, bool)
        and parameter.rpartition("__")[2] not in ("random_state", "seed", "n_jobs", "verbose")
        and _takes_whole_numbers(*_owner(estimator, parameter))
    ]
    found = f" (here {rounds!r})" if rounds else ""
    those = f", such as {', '.join(map(repr, whole[:5]))}" if whole else ""
    owner, own = _owner(estimator, name)
    there = own in parameters_of(owner)
    why = ", as its values are no whole numbers" if there else ""
    return (
        f"Cannot use resource={name} which is not supported by estimator "
        f"{type(estimator).__name__}{why}. Use 'n_samples', 'n_folds', 'auto' for rounds of "
        f"training{found}, or a parameter of the estimator that takes whole numbers{those}."
    )

"""The word for what is known of an estimator: its space, its defaults, its threads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .complexity import Complexity
from .facts import DataFacts

Values = dict[str, Any]


def _nothing(estimator: Any, facts: DataFacts) -> list[Values]:
    return []


def _unchanged(values: Values, facts: DataFacts) -> Values:
    return values


def _same_name(params: Mapping[str, Any], name: str) -> str:
    return name


def _nothing_expected(space: Values) -> Sequence[str]:
    return ()


def _not_told() -> frozenset[str] | None:
    return None


def _always(estimator: Any) -> bool:
    return True


@dataclass(frozen=True)
class Family:
    """What is known of some estimators that share a search space.

    The functions speak of parameters by the names of the scikit-learn wrapper.

    Parameters
    ----------
    library : str
        Top-level module in which the classes are defined.
    classifiers, regressors : tuple of str
        Names of the classes. Subclasses belong to the family of their first known parent;
        the library itself is never imported.
    space : callable
        ``space(estimator, facts, size)`` returns the search space as a dict.
    defaults : mapping, default={}
        The library's own values of the parameters that are None in the constructor, or
        that the constructor takes as ``**kwargs`` only.
    portfolio : callable, default=None
        ``portfolio(estimator, facts)`` returns published configurations, the best first.
    spell : callable, default=None
        ``spell(values, facts)`` returns the values of an estimator, written so that they
        mean exactly the same model and have a place in the space.
    approximate : callable, default=None
        ``approximate(values, facts)`` returns numbers close to values that have no exact
        place in the space (``gamma="scale"``).
    rename : callable, default=None
        ``rename(params, name)`` returns the name that takes effect for an estimator whose
        parameters are ``params``, where the library knows one parameter by many names.
    threads : str, default=None
        Name of the parameter of the library's own threads, for libraries that take all
        cores when it is None.
    quiet : mapping, default={}
        Parameters that keep a library from printing a line for every tree; for what the
        user has not set himself.
    names_known : callable, default=None
        ``names_known()`` returns every name of a parameter that a library with ``**kwargs``
        understands, or None where the library does not tell.
    rounds : str, default=None
        Name of the number of boosting rounds or epochs.
    applies : callable, default=None
        ``applies(estimator)`` tells families of the same classes apart.
    complexity : Complexity, default=None
        Which configuration is the simpler one, where that can be said.
    expected : callable
        ``expected(space)`` returns patterns of the ConvergenceWarnings that come from what the
        curated space itself has fixed: the user can do nothing about them.
    """

    library: str
    classifiers: tuple[str, ...]
    regressors: tuple[str, ...]
    space: Callable[[Any, DataFacts, str], Values]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    portfolio: Callable[[Any, DataFacts], list[Values]] = _nothing
    spell: Callable[[Values, DataFacts], Values] = _unchanged
    approximate: Callable[[Values, DataFacts], Values] = _unchanged
    rename: Callable[[Mapping[str, Any], str], str] = _same_name
    threads: str | None = None
    quiet: Mapping[str, Any] = field(default_factory=dict)
    names_known: Callable[[], frozenset[str] | None] = _not_told
    rounds: str | None = None
    applies: Callable[[Any], bool] = _always
    complexity: Complexity | None = None
    expected: Callable[[Values], Sequence[str]] = _nothing_expected

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all classes."""
        return (*self.classifiers, *self.regressors)

    def is_classifier(self, estimator: Any) -> bool:
        """Whether an estimator of the family predicts classes."""
        own = (c.__name__ for c in type(estimator).__mro__ if c.__name__ in self.names)
        return next(own) in self.classifiers

    def given(self, estimator: Any, facts: DataFacts) -> Values:
        """Return the values of an estimator as it was given, None spelled out."""
        params = estimator.get_params(deep=False)
        values = {name: self._value(params, name) for name in {**params, **self.defaults}}
        return self.spell(values, facts)

    def _value(self, params: Mapping[str, Any], name: str) -> Any:
        value = params.get(self.rename(params, name))
        if value is None:
            value = params.get(name)
        return self.defaults.get(name) if value is None else value

    def accepts(self, estimator: Any, name: str) -> bool:
        """Whether an estimator can be given a parameter (a subclass may take fewer)."""
        if name in estimator.get_params(deep=False):
            return True
        known = inspect.signature(type(estimator).__init__).parameters
        if name in known:  # CatBoost's get_params tells what was set, and no more
            return True
        kinds = {parameter.kind for parameter in known.values()}
        return name in self.defaults and inspect.Parameter.VAR_KEYWORD in kinds


def is_untouched(estimator: Any, name: str) -> bool:
    """Whether a parameter still has the default of its constructor.

    What the user has set himself is a wish; only the rest may be fixed in a space.
    """
    params = estimator.get_params(deep=False)
    if name not in params:
        return True
    value, default = params[name], _constructor_default(type(estimator), name)
    try:
        return value is default or (type(value) is type(default) and bool(value == default))
    except ValueError:  # arrays
        return False


def _constructor_default(cls: type, name: str) -> Any:
    for owner in cls.__mro__:
        if "__init__" in owner.__dict__:
            parameter = inspect.signature(owner.__init__).parameters.get(name)
            if parameter is not None:
                return parameter.default
    return inspect.Parameter.empty

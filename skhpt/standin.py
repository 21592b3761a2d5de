"""What passes for a fitted estimator and answers from outputs that are known already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from numbers import Number

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

_METHODS = frozenset(
    {
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "score_samples",
        "transform",
    }
)


class UnanswerableError(Exception):
    """Only the estimator itself could answer this."""


class StandIn:
    """Passes for a fitted estimator whose outputs are known.

    Plain data (``classes_``, numbers, arrays) and tags are the estimator's own. Whatever
    could compute on its own account (other methods, nested estimators) is refused, so that
    a scorer which needs it is noticed.

    Parameters
    ----------
    owner : estimator
        What is stood in for.
    answer : callable
        ``answer(method, X, ...)`` gives the output of ``owner.method(X, ...)`` or raises.
    """

    def __init__(self, owner, answer: Callable):
        self.__owner = owner
        self.__answer = answer

    @property
    def __class__(self):  # for isinstance, and for super() inside the estimator's own score
        return type(self.__owner)

    def __sklearn_tags__(self):
        return get_tags(self.__owner)

    def __sklearn_is_fitted__(self):
        return True

    def __getattr__(self, name):
        if name.startswith("_StandIn__"):  # before __init__ has run, as in a copy
            raise AttributeError(name)
        value = getattr(self.__owner, name)  # AttributeError where the estimator has none
        if name in _METHODS:
            return _method(name, partial(self.__answer, name))
        if name == "score":
            return self.__score()
        if name == "get_params" or _is_data(value):
            return value
        return _method(name, _refuse) if callable(value) else _refuse()

    def __score(self):
        """The class's own ``score``, with a stand-in as its self."""
        owner = self.__owner
        while isinstance(owner, Pipeline):  # its score is that of its last step
            owner = owner.steps[-1][1]
        function = getattr(type(owner), "score", None)
        if function is None or "score" in getattr(owner, "__dict__", ()):
            return _refuse
        return partial(function, StandIn(owner, self.__answer))


def _method(name: str, function: Callable) -> Callable:
    def method(*args, **kwargs):
        return function(*args, **kwargs)

    method.__name__ = name  # scorers ask which response method they were given
    return method


def _refuse(*args, **kwargs):
    raise UnanswerableError("a part of the estimator that may compute")


def _is_data(value) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype != object or all(map(_is_data, value.ravel()))
    if isinstance(value, Mapping):
        return all(map(_is_data, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_data, value))
    return value is None or isinstance(value, str | bytes | Number | np.generic)

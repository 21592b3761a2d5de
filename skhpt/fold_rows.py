"""What a worker keeps of a fold: its rows cut out once, and what pipelines make of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import joblib
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ._compat import cloudpickle, safe_split
from .estimators.pipelines import transformed
from .evaluate import Problem

_PREFIXES_KEPT = 2  # fitted beginnings of a pipeline, a fold: one is tried after the other


@dataclass
class FoldRows:
    """The rows of a fold, cut out once; what is made of them is kept as long as they are."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    train: Any
    test: Any

    def __post_init__(self):
        self._prefixes: dict[Hashable, tuple[Any, Any, Any, dict]] = {}
        self._settled: dict[type, dict] = {}

    def settled_for(self, kind: type) -> dict:
        """What has been found out with models of a kind, for the others of that kind."""
        return self._settled.setdefault(kind, {})

    def through(self, prefix: Pipeline | None) -> tuple[Any, Any, Any, dict]:
        """The fitted beginning of the pipeline, both parts of the rows behind it, a shelf."""
        key = None if prefix is None else content_key(prefix)
        if key not in self._prefixes:
            while len(self._prefixes) >= _PREFIXES_KEPT:
                self._prefixes.pop(next(iter(self._prefixes)))
            if prefix is None:
                self._prefixes[key] = (None, self.X, self.X_test, {})
            else:
                fitted = clone(prefix)
                X = fitted.fit_transform(self.X, self.y)
                self._prefixes[key] = (fitted, X, transformed(fitted, self.X_test), {})
        return self._prefixes[key]


def content_key(value: Any) -> Hashable:
    """Equal for objects of equal content; like no other where the content cannot be told."""
    with contextlib.suppress(Exception):  # of what pickle finds by no name: lambdas, notebooks
        return joblib.hash(value)
    with contextlib.suppress(Exception):
        return cloudpickle.dumps(value)
    return object()


def fold_rows(problem: Problem, fold: int, estimator) -> FoldRows:
    """The rows of a fold, from the shelf of this thread: two must not grow on the same bins."""
    key = (threading.get_ident(), fold)
    if key not in problem.shelf:
        train, test = problem.splits[fold]
        X, y = safe_split(estimator, problem.X, problem.y, train)
        X_test, y_test = safe_split(estimator, problem.X, problem.y, test, train)
        problem.shelf[key] = FoldRows(X, y, X_test, y_test, train, test)
    return problem.shelf[key]

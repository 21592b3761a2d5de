"""What a worker keeps of a fold: its rows cut out once, and what pipelines make of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import joblib
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ._compat import safe_split
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
        self._prefixes: dict[str, tuple[Any, Any, Any, dict]] = {}
        self.settled: dict = {}

    def through(self, prefix: Pipeline | None) -> tuple[Any, Any, Any, dict]:
        """The fitted beginning of the pipeline, both parts of the rows behind it, a shelf."""
        key = "" if prefix is None else joblib.hash(prefix)
        if key not in self._prefixes:
            while len(self._prefixes) >= _PREFIXES_KEPT:
                self._prefixes.pop(next(iter(self._prefixes)))
            if prefix is None:
                self._prefixes[key] = (None, self.X, self.X_test, {})
            else:
                fitted = clone(prefix)
                X = fitted.fit_transform(self.X, self.y)
                self._prefixes[key] = (fitted, X, fitted.transform(self.X_test), {})
        return self._prefixes[key]


def fold_rows(problem: Problem, fold: int, estimator) -> FoldRows:
    """The rows of a fold, from the shelf of this thread: two must not grow on the same bins."""
    key = (threading.get_ident(), fold)
    if key not in problem.shelf:
        train, test = problem.splits[fold]
        X, y = safe_split(estimator, problem.X, problem.y, train)
        X_test, y_test = safe_split(estimator, problem.X, problem.y, test, train)
        problem.shelf[key] = FoldRows(X, y, X_test, y_test, train, test)
    return problem.shelf[key]

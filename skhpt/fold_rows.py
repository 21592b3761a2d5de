"""What a worker keeps of a fold: its rows cut out once, and what pipelines make of them."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ._compat import cloudpickle, safe_split
from .estimators.growing import as_rows
from .estimators.pipelines import beginning, fit_params_of_end, last_step, transformed, with_end

if TYPE_CHECKING:
    from .evaluate import Problem

# What the rows of all folds, and what pipelines make of them, may take in a worker's memory.
_MOST_BYTES = 2**29
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

    def forget(self) -> None:
        """Let go of what was made of the rows."""
        self._prefixes.clear()

    def through(self, prefix: Pipeline | None) -> tuple[Any, Any, Any, dict]:
        """The fitted beginning of the pipeline, both parts of the rows behind it, a shelf."""
        key = None if prefix is None else content_key(prefix)
        if key not in self._prefixes:
            while len(self._prefixes) >= _PREFIXES_KEPT:
                self._prefixes.pop(next(iter(self._prefixes)))
            if prefix is None:
                self._prefixes[key] = (None, as_rows(self.X), as_rows(self.X_test), {})
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


def fitted_with_shared_beginning(problem: Problem, fold: int, estimator, fit_params) -> Any:
    """Fit a pipeline whose beginning is fitted once for all configurations that have it in common.

    Parameters
    ----------
    problem : Problem
    fold : int
    estimator : Pipeline
        With its configuration.
    fit_params : mapping
        Cut along the fold.

    Returns
    -------
    fitted : Pipeline or None
        As its own ``fit`` leaves it; None where that has to do it: there is no beginning, its
        steps cannot be fitted one by one, or the rows of all folds are too many to be kept.
    """
    first = beginning(estimator)
    if first is None:
        return None
    own, end = fit_params_of_end(estimator, fit_params), last_step(estimator)[1]
    # A kernel is cut otherwise than rows, and which of both X is may be among the parameters.
    is_kernel = get_tags(estimator).input_tags.pairwise
    if own is None or is_kernel or not hasattr(end, "fit"):
        return None
    n_copies = _PREFIXES_KEPT * len(problem.splits)
    if problem.shelf.get("too large") or n_copies * _size(problem.X) > _MOST_BYTES:
        return None
    rows = fold_rows(problem, fold, estimator)
    fitted, X, X_test, _ = rows.through(first)
    if n_copies * (_size(X) + _size(X_test)) > _MOST_BYTES:
        problem.shelf["too large"] = True  # the next configurations do without
        rows.forget()
    target = () if rows.y is None else (rows.y,)
    return with_end(estimator, fitted, clone(end).fit(X, *target, **own))


def _size(X: Any) -> float:
    """Bytes of a table; 0 for a list, whose parts are not copied, and infinite if not known."""
    if isinstance(X, list):
        return 0
    if hasattr(X, "memory_usage"):  # of pandas
        return float(np.sum(X.memory_usage()))
    parts = [X] if hasattr(X, "nbytes") else [getattr(X, n, None) for n in ("data", "indices")]
    return float(sum(getattr(part, "nbytes", math.inf) for part in parts))

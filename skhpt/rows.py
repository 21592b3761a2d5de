"""The rows that a search may see: what follows them, how they are cut into folds."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from ._compat import check_method_params, num_samples, safe_split
from .checks import check_folds, check_splitter
from .estimators import DataFacts

Splits = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Rows:
    """Some rows of the data with everything that follows them."""

    X: Any
    y: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    split_params: Mapping[str, Any]

    def take(self, estimator, indices, train=None) -> Rows:
        """Cut out some rows; `train` names the columns of a precomputed kernel."""
        X, y = safe_split(estimator, self.X, self.y, indices, train)
        fit, score, split = (
            check_method_params(self.X, params=params, indices=indices)
            for params in (self.fit_params, self.score_params, self.split_params)
        )
        return Rows(X, y, fit, score, split)


def folds_of(cv, rows: Rows) -> Splits:
    """Cut the rows into folds, once for the whole search.

    Raises
    ------
    TypeError, ValueError
        When there are none, not as many as the splitter said, or with rows that are not there.
    """
    check_splitter(cv)
    announced = cv.get_n_splits(rows.X, rows.y, **rows.split_params)
    splits = list(cv.split(rows.X, rows.y, **rows.split_params))
    if not splits:
        raise ValueError(
            "No fits were performed. Was the CV iterator empty? Were there no candidates?"
        )
    if len(splits) != announced:
        raise ValueError(
            "cv.split and cv.get_n_splits return inconsistent results. "
            f"Expected {announced} splits, got {len(splits)}"
        )
    check_folds(splits, num_samples(rows.X))
    return [(_row_numbers(train), _row_numbers(test)) for train, test in splits]


def _row_numbers(chosen) -> np.ndarray:
    chosen = np.asarray(chosen)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen


def facts_of(rows: Rows, splits: Splits) -> Callable[[], DataFacts]:
    """A look at the data, for those who need one."""

    def facts() -> DataFacts:
        share = min(len(train) for train, _ in splits) / num_samples(rows.X)
        return DataFacts.of(rows.X, rows.y, train_share=share)

    return functools.cache(facts)


def n_folds_asked(cv) -> int | None:
    """Folds that the rows must allow for, where the splitter cuts them into folds."""
    if cv is None:
        return 5
    if isinstance(cv, numbers.Integral):
        return int(cv)
    return cv.n_splits if isinstance(cv, KFold | StratifiedKFold) else None

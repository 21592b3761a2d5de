"""Common scores from known outputs, without the checks that cost more than a few trees.

A curve is read some hundred times a fold, and scikit-learn validates its inputs each time: for a
booster on a thousand rows that is four fifths of the search. What is computed here serves to
find the number of rounds; the scores that are reported are the scorer's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics

from ._compat import parts_of_scorer

Answer = Callable[[str], np.ndarray]  # the output of a method for the rows to score


@dataclass(frozen=True)
class QuickScore:
    """A score of known outputs.

    Attributes
    ----------
    methods : tuple of str
        The first of them that the estimator has gives the outputs.
    function : callable
        ``function(y, outputs)``; for classifiers `y` holds the column of each label.
    sign : int
        -1 where less is better.
    """

    methods: tuple[str, ...]
    function: Callable[[np.ndarray, np.ndarray], float]
    sign: int = 1

    def reader(self, owner: Any, y: Any) -> Callable[[Answer], float] | None:
        """What scores the outputs of a growing model.

        Parameters
        ----------
        owner : estimator
            A fitted one of the same kind.
        y : array-like of shape (n_samples,)

        Returns
        -------
        read : callable or None
            ``read(answer)``; None where `y` is not of a kind that is known.
        """
        method = next((name for name in self.methods if hasattr(owner, name)), None)
        target = _columns_of(owner, np.asarray(y))
        if method is None or target is None:
            return None
        classes = getattr(owner, "classes_", None)

        def read(answer: Answer) -> float:
            outputs = answer(method)
            if method == "predict" and classes is not None:
                outputs = np.searchsorted(classes, outputs)
            return self.sign * float(self.function(target, outputs))

        return read


def quick_score(scorer: Any, metric: str | None, owner: Any) -> QuickScore | None:
    """A quick score that does what a scorer does; None where none is known to.

    Parameters
    ----------
    scorer : callable
    metric : str or None
        Which one of several is meant.
    owner : estimator
        Whose own ``score`` is meant where the scorer passes it on.
    """
    parts = parts_of_scorer(scorer, metric)
    if parts is None:
        return None
    if parts.passes_on:
        score = getattr(type(owner), "score", None)
        return _OWN_SCORES.get(getattr(score, "__qualname__", ""))
    function = _FUNCTIONS.get(parts.function)
    if function is None or parts.kwargs:
        return None
    return QuickScore(parts.methods, function, parts.sign)


def _columns_of(owner: Any, y: np.ndarray) -> np.ndarray | None:
    classes = getattr(owner, "classes_", None)
    if y.ndim != 1:
        return None
    if classes is None:
        return y.astype(float)
    known = isinstance(classes, np.ndarray) and classes.ndim == 1 and np.isin(y, classes).all()
    return np.searchsorted(classes, y) if known else None


# -- the scores ------------------------------------------------------------------------------


def _accuracy(y, predicted) -> float:
    return np.mean(predicted == y)


def _balanced_accuracy(y, predicted) -> float:
    rows = np.bincount(y)
    right = np.bincount(y[predicted == y], minlength=len(rows))
    return np.mean(right[rows > 0] / rows[rows > 0])


def _log_loss(y, probabilities) -> float:
    own = probabilities[np.arange(len(y)), y]
    tiny = np.finfo(own.dtype).eps
    return -np.mean(np.log(np.clip(own, tiny, 1 - tiny)))


def _roc_auc(y, values) -> float:
    if values.ndim == 2:
        if values.shape[1] != 2:
            return math.nan
        values = values[:, 1]
    n_above = np.sum(y)
    n_pairs = n_above * (len(y) - n_above)
    ranks = np.sum(rankdata(values)[y == 1])
    return (ranks - n_above * (n_above + 1) / 2) / n_pairs if n_pairs else math.nan


def _squared(y, predicted) -> float:
    return np.mean((y - predicted) ** 2)


def _root_squared(y, predicted) -> float:
    return math.sqrt(_squared(y, predicted))


def _absolute(y, predicted) -> float:
    return np.mean(np.abs(y - predicted))


def _r2(y, predicted) -> float:
    spread = np.sum((y - y.mean()) ** 2)
    return 1 - np.sum((y - predicted) ** 2) / spread if spread else math.nan


_FUNCTIONS = {
    metrics.accuracy_score: _accuracy,
    metrics.balanced_accuracy_score: _balanced_accuracy,
    metrics.log_loss: _log_loss,
    metrics.roc_auc_score: _roc_auc,
    metrics.mean_squared_error: _squared,
    metrics.root_mean_squared_error: _root_squared,
    metrics.mean_absolute_error: _absolute,
    metrics.r2_score: _r2,
}
_OWN_SCORES = {
    "ClassifierMixin.score": QuickScore(("predict",), _accuracy),
    "RegressorMixin.score": QuickScore(("predict",), _r2),
}

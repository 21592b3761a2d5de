"""Paired differences between configurations, with an interval over the folds."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..plots.view import SearchView
from ..t_test import corrected_t_test, paired_differences


class Difference(NamedTuple):
    """A mean paired difference and its 95 % interval.

    The interval is NaN below two folds, and where all folds differ by the same.
    """

    mean: float
    low: float
    high: float

    @property
    def within_noise(self) -> bool:
        """Whether the interval holds zero, so that the folds cannot tell the two apart."""
        return bool(self.low <= 0.0 <= self.high)

    @property
    def has_interval(self) -> bool:
        return not math.isnan(self.low)


def difference(view: SearchView, a: int, b: int) -> Difference:
    """Return the score of configuration `a` minus that of `b`, on the folds that both ran."""
    both = np.isfinite(view.folds[a]) & np.isfinite(view.folds[b])
    gaps = paired_differences(view.folds[a, both], view.folds[b, both])
    found = corrected_t_test(gaps, test_share(view.search, view.folds.shape[1]))
    return Difference(found.mean, found.low, found.high)


def gap_to_constant(view: SearchView, dummy: float) -> tuple[float, float]:
    """By what the default is better than a constant predictor, and how many errors that is.

    Returns
    -------
    gap : float
        Of the means over the folds of everybody.
    errors : float
        The gap in standard errors of Nadeau and Bengio; NaN where they are not known.
    """
    own = view.folds[view.default, : view.n_first]
    constant = getattr(view.search, "_dummy_folds", None)
    if constant is None or len(constant) != len(own):
        constant = np.full(len(own), dummy)
    gaps = paired_differences(own, constant)
    found = corrected_t_test(gaps[np.isfinite(gaps)], test_share(view.search, len(own)))
    return found.mean, found.t


def test_share(search: Any, n_folds: int) -> float:
    """Return rows of the test set over rows of the training set, as far as it can be known.

    It follows from the splitter: ``1 / (k - 1)`` for k folds, also when they are repeated, and
    the sizes themselves for random splits. For any other splitter the folds are taken to share
    the rows evenly.
    """
    sizes = getattr(search, "_fold_sizes", None)
    if sizes:
        return float(np.mean([n_test / n_train for n_train, n_test in sizes]))
    cv = getattr(search, "cv", None)
    share = getattr(cv, "test_size", None)
    if isinstance(share, float) and 0 < share < 1:
        return share / (1 - share)
    k = getattr(cv, "cvargs", {}).get("n_splits", n_folds)
    return 1 / max(k - 1, 1)


test_share.__test__ = False  # its name begins like that of a test

"""The t-test for differences that come from overlapping training sets.

Folds and repeats share most of their rows, so that their differences are correlated, and the
plain t-test finds differences where there are none. The corrected resampled t-test estimates the
variance of the mean of J differences as (1 / J + n_test / n_train) times their variance:
C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003),
section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
FEWEST = 3  # differences from which one may speak of more than luck
_ROUNDING = 1e-9  # share of the differences that is no variation but the rounding of their sums


class CorrectedT(NamedTuple):
    """What the test finds; all but the mean is NaN where there is nothing to judge by.

    That is so below two differences, and where all of them are the same and not zero: how much
    they vary is not known then, and least of all known to be nothing.

    Attributes
    ----------
    mean : float
        NaN where there is no difference at all.
    t, p_value : float
        Two-sided; 0 and 1 where all differences are 0.
    low, high : float
        Ends of the confidence interval of the mean.
    """

    mean: float
    t: float
    p_value: float
    low: float
    high: float


def corrected_t_test(
    differences: Sequence[float], test_share: float, confidence: float = CONFIDENCE
) -> CorrectedT:
    """The corrected resampled t-test of Nadeau and Bengio (2003).

    Parameters
    ----------
    differences : sequence of float
        One a fold, or one a repeat.
    test_share : float
        Test rows divided by training rows.
    confidence : float, default=0.95
        Of the interval.
    """
    values = np.asarray(differences, dtype=float)
    n, nan = len(values), math.nan
    mean = float(values.mean()) if n else nan
    if n < 2:
        return CorrectedT(mean, nan, nan, nan, nan)
    if not values.any():
        return CorrectedT(0.0, 0.0, 1.0, 0.0, 0.0)
    if are_equal(values):
        return CorrectedT(mean, nan, nan, nan, nan)
    from scipy import stats

    error = math.sqrt((1 / n + test_share) * float(values.var(ddof=1)))
    t = mean / error
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * error
    return CorrectedT(mean, t, float(2 * stats.t.sf(abs(t), n - 1)), mean - half, mean + half)


def are_equal(values: np.ndarray) -> bool:
    """Whether at least two values are the same up to rounding.

    Metrics that count (accuracy) give equal differences that differ in their last digits.
    """
    if len(values) < 2:
        return False
    return bool(values.std(ddof=1) <= _ROUNDING * max(float(np.abs(values).max()), 1e-12))


def paired_differences(first: Sequence[float], second: Sequence[float]) -> np.ndarray:
    """First minus second, where what is left of equal scores by rounding is zero."""
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    gaps = first - second
    size = np.maximum(np.abs(first), np.abs(second))
    return np.where(np.abs(gaps) <= 1e-12 * size, 0.0, gaps)

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
# Equal differences of scores such as 0.93 and 0.91 are equal up to rounding only.
_ROUNDING = 1e-9


class CorrectedT(NamedTuple):
    """What the test finds; all but the mean is NaN below two differences.

    Attributes
    ----------
    mean : float
        NaN where there is no difference at all.
    t, p_value : float
        Two-sided. Without any variation t is infinite, or 0 where all differences are 0.
    low, high : float
        Ends of the 95 % confidence interval of the mean.
    """

    mean: float
    t: float
    p_value: float
    low: float
    high: float


def corrected_t_test(differences: Sequence[float], test_share: float) -> CorrectedT:
    """The corrected resampled t-test of Nadeau and Bengio (2003).

    Parameters
    ----------
    differences : sequence of float
        One a fold, or one a repeat.
    test_share : float
        Test rows divided by training rows.
    """
    values = np.asarray(differences, dtype=float)
    n, nan = len(values), math.nan
    mean = float(values.mean()) if n else nan
    if n < 2:
        return CorrectedT(mean, nan, nan, nan, nan)
    error = math.sqrt((1 / n + test_share) * float(values.var(ddof=1)))
    if error <= _ROUNDING * float(np.abs(values).max()):
        t = math.copysign(math.inf, mean) if mean else 0.0
        return CorrectedT(mean, t, 0.0 if mean else 1.0, mean, mean)
    from scipy import stats

    t = mean / error
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * error
    return CorrectedT(mean, t, float(2 * stats.t.sf(abs(t), n - 1)), mean - half, mean + half)

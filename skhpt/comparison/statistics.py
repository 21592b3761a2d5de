"""Is the difference between two searches more than the luck of the split?

Repeats share most of their rows, so that their differences are correlated, and the plain t-test
finds differences where there are none. The corrected resampled t-test adds the ratio of held-out
to training rows to the variance: C. Nadeau and Y. Bengio, "Inference for the generalization
error", Machine Learning 52 (2003), section 3.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

_LEVEL = 0.05


@dataclass(frozen=True)
class PairedTest:
    """Two searches on the repeats that both of them finished.

    Attributes
    ----------
    first, second : str
        Names of the searches.
    n_repeats : int
        Repeats that both finished.
    difference : float
        Mean of the held-out score of the first minus that of the second.
    interval : (float, float)
        95 % confidence interval of `difference`, by the corrected resampled t-test; NaN where
        there is none.
    t, p_value : float
        Of the corrected resampled t-test, two-sided; NaN where there is none.
    p_adjusted : float
        `p_value` after Holm's step-down correction for the number of pairs.
    effect_size : float
        Mean difference in standard deviations of the differences (Cohen's d for pairs).
    n_won, n_lost : int
        Repeats in which the first was better, and worse.
    """

    first: str
    second: str
    n_repeats: int
    difference: float
    interval: tuple[float, float]
    t: float
    p_value: float
    p_adjusted: float
    effect_size: float
    n_won: int
    n_lost: int

    @property
    def effect(self) -> str:
        """Size of the effect in a word, by Cohen's thresholds 0.2, 0.5 and 0.8."""
        size = abs(self.effect_size)
        if math.isnan(size):
            return "unknown"
        words = ((0.2, "negligible"), (0.5, "small"), (0.8, "medium"))
        return next((word for bound, word in words if size < bound), "large")

    @property
    def is_significant(self) -> bool:
        """Whether the adjusted p-value is below 0.05."""
        return self.p_adjusted < _LEVEL

    def __str__(self) -> str:
        if not self.n_repeats:
            return f"{self.first} and {self.second} have no repeat that both finished."
        if self.difference == 0 and self.n_won == self.n_lost == 0:
            n = self.n_repeats
            return f"{self.first} and {self.second} reach the same in {n} of {n}."
        ahead, behind, won = (
            (self.first, self.second, self.n_won)
            if self.difference >= 0
            else (self.second, self.first, self.n_lost)
        )
        gap = abs(self.difference)
        score = f"{ahead} is {gap:.4g} ahead of {behind} and wins in {won} of {self.n_repeats}"
        if math.isnan(self.p_value):
            return f"{score}; a test needs two repeats on different rows."
        low, high = sorted(math.copysign(1, self.difference) * x for x in self.interval)
        facts = f"95 % interval {low:.4g} to {high:.4g}, p = {_p(self.p_adjusted)}"
        if self.is_significant:
            return f"{score} ({facts}): a {self.effect} effect."
        return f"{score} ({facts}): these data cannot tell them apart."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def corrected_t_test(
    differences: Sequence[float], test_share: float
) -> tuple[float, float, tuple[float, float]]:
    """The corrected resampled t-test of Nadeau and Bengio (2003).

    Parameters
    ----------
    differences : sequence of float
        One a repeat.
    test_share : float
        Held-out rows divided by training rows.

    Returns
    -------
    t, p_value : float
        Two-sided; NaN with fewer than two repeats. Without any variation t is infinite, or 0
        where all differences are 0.
    interval : (float, float)
        95 % confidence interval of the mean difference.
    """
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    if len(values) < 2:
        return math.nan, math.nan, (math.nan, math.nan)
    mean, degrees = float(values.mean()), len(values) - 1
    error = math.sqrt((1 / len(values) + test_share) * float(values.var(ddof=1)))
    if error == 0:
        return (math.copysign(math.inf, mean), 0.0, (mean, mean)) if mean else (0.0, 1.0, (0, 0))
    t = mean / error
    half = float(stats.t.ppf(1 - _LEVEL / 2, degrees)) * error
    return t, float(2 * stats.t.sf(abs(t), degrees)), (mean - half, mean + half)


def compare_pairs(
    scores: Mapping[str, Mapping[int, float]], test_share: float, *, same_rows: bool = False
) -> list[PairedTest]:
    """Test every pair of searches.

    Parameters
    ----------
    scores : dict of str to dict of int to float
        Held-out score of each search by repeat; failed repeats are left out.
    test_share : float
        Held-out rows divided by training rows.
    same_rows : bool, default=False
        Whether all repeats have held the same rows out: they are no sample of splits then, and
        there is no test.
    """
    pairs = [
        _pair(first, second, scores, test_share, same_rows)
        for first, second in itertools.combinations(scores, 2)
    ]
    return _holm(pairs)


def _pair(first, second, scores, test_share, same_rows) -> PairedTest:
    shared = sorted(scores[first].keys() & scores[second].keys())
    values = np.array([scores[first][r] - scores[second][r] for r in shared], dtype=float)
    t, p_value, interval = corrected_t_test([] if same_rows else values, test_share)
    spread = values.std(ddof=1) if len(values) > 1 else math.nan
    mean = float(values.mean()) if len(values) else math.nan
    if spread > 0:
        size = mean / spread
    else:  # all alike
        size = math.nan if math.isnan(spread) else math.copysign(math.inf, mean) if mean else 0.0
    return PairedTest(
        first=first,
        second=second,
        n_repeats=len(values),
        difference=mean,
        interval=interval,
        t=t,
        p_value=p_value,
        p_adjusted=p_value,
        effect_size=float(size),
        n_won=int((values > 0).sum()),
        n_lost=int((values < 0).sum()),
    )


def _holm(pairs: list[PairedTest]) -> list[PairedTest]:
    """Holm's step-down correction (S. Holm, Scandinavian Journal of Statistics 6, 1979)."""
    tested = [i for i, pair in enumerate(pairs) if not math.isnan(pair.p_value)]
    largest = 0.0
    for place, i in enumerate(sorted(tested, key=lambda i: pairs[i].p_value)):
        largest = max(largest, min(1.0, (len(tested) - place) * pairs[i].p_value))
        pairs[i] = replace(pairs[i], p_adjusted=largest)
    return pairs

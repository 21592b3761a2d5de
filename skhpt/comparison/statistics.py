"""Is the difference between two searches more than the luck of the split?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..t_test import corrected_t_test

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
        """Whether the adjusted p-value is below 0.05, and there was a variation to judge by."""
        return self.p_adjusted < _LEVEL and math.isfinite(self.t)

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
        if math.isinf(self.t):
            return f"{score}, each time by the same; a test needs repeats that differ."
        low, high = sorted(math.copysign(1, self.difference) * x for x in self.interval)
        facts = f"95 % interval {low:.4g} to {high:.4g}, {_p(self.p_adjusted)}"
        if self.is_significant:
            return f"{score} ({facts}): a {self.effect} effect."
        return f"{score} ({facts}): these data cannot tell them apart."


def _p(adjusted: float) -> str:
    return f"adjusted p (Holm) {'< 0.001' if adjusted < 0.001 else f'= {adjusted:.2g}'}"


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
    found = corrected_t_test([] if same_rows else values, test_share)
    spread = values.std(ddof=1) if len(values) > 1 else math.nan
    mean = float(values.mean()) if len(values) else math.nan
    if spread > 0 and not math.isinf(found.t):
        size = mean / spread
    else:  # all alike
        size = math.nan if math.isnan(spread) else math.copysign(math.inf, mean) if mean else 0.0
    return PairedTest(
        first=first,
        second=second,
        n_repeats=len(values),
        difference=mean,
        interval=(found.low, found.high),
        t=found.t,
        p_value=found.p_value,
        p_adjusted=found.p_value,
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

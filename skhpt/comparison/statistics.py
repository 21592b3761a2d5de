"""Is the difference between two searches more than the luck of the split?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..t_test import FEWEST, are_equal, corrected_t_test, paired_differences

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
        95 % confidence interval of `difference` for this pair alone, by the corrected resampled
        t-test; NaN where there is none.
    t, p_value : float
        Of the corrected resampled t-test, two-sided; NaN where there is none, which is also
        where all repeats differ by the same.
    p_adjusted : float
        `p_value` after Holm's step-down correction for the number of pairs.
    interval_adjusted : (float, float)
        The interval at the level at which Holm's procedure has judged the pair, so that it holds
        zero exactly where `p_adjusted` is not below 0.05.
    n_pairs : int
        Pairs for which it was adjusted.
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
    interval_adjusted: tuple[float, float]
    n_pairs: int
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
        """Whether the adjusted p-value is below 0.05, with three repeats to judge by at least."""
        return self.n_repeats >= FEWEST and self.p_adjusted < _LEVEL

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
        return f"{score}{self._verdict()}"

    def _verdict(self) -> str:
        if self.n_repeats < FEWEST:
            return f"; a test needs {FEWEST} repeats at least."
        if math.isinf(self.effect_size):
            return ", each time by the same; a test needs repeats that differ: cannot tell."
        if math.isnan(self.p_value):
            return "; a test needs repeats on different rows."
        low, high = sorted(math.copysign(1, self.difference) * x for x in self.interval_adjusted)
        p = "< 0.001" if self.p_adjusted < 0.001 else f"= {self.p_adjusted:.2g}"
        adjusted = f", adjusted for {self.n_pairs} pairs (Holm)" if self.n_pairs > 1 else ""
        facts = f" (95 % interval {low:.4g} to {high:.4g}, p {p}{adjusted})"
        if self.is_significant:
            return f"{facts}: a {self.effect} effect."
        return f"{facts}: these data cannot tell them apart."


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
    gaps = [
        (first, second, _gaps(scores[first], scores[second]))
        for first, second in itertools.combinations(scores, 2)
    ]
    pairs = [_pair(*gap, test_share, same_rows) for gap in gaps]
    return _holm(pairs, [values for _, _, values in gaps], test_share)


def _gaps(first: Mapping[int, float], second: Mapping[int, float]) -> np.ndarray:
    shared = sorted(first.keys() & second.keys())
    return paired_differences([first[r] for r in shared], [second[r] for r in shared])


def _pair(first, second, values, test_share, same_rows) -> PairedTest:
    found = corrected_t_test([] if same_rows else values, test_share)
    mean = float(values.mean()) if len(values) else math.nan
    return PairedTest(
        first=first,
        second=second,
        n_repeats=len(values),
        difference=mean,
        interval=(found.low, found.high),
        t=found.t,
        p_value=found.p_value,
        p_adjusted=found.p_value,
        interval_adjusted=(found.low, found.high),
        n_pairs=1,
        effect_size=_effect_size(values),
        n_won=int((values > 0).sum()),
        n_lost=int((values < 0).sum()),
    )


def _effect_size(values: np.ndarray) -> float:
    if len(values) < 2:
        return math.nan
    mean = float(values.mean())
    if are_equal(values):
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / float(values.std(ddof=1))


def _holm(pairs: list[PairedTest], gaps: list[np.ndarray], test_share: float) -> list[PairedTest]:
    """Holm's step-down correction (S. Holm, Scandinavian Journal of Statistics 6, 1979)."""
    tested = [i for i, pair in enumerate(pairs) if not math.isnan(pair.p_value)]
    largest, left = 0.0, len(tested)  # pairs that are left at a step
    for place, i in enumerate(sorted(tested, key=lambda i: pairs[i].p_value)):
        if largest < _LEVEL:  # the first that is not told apart ends the steps
            left = len(tested) - place
        largest = max(largest, min(1.0, (len(tested) - place) * pairs[i].p_value))
        interval = corrected_t_test(gaps[i], test_share, 1 - _LEVEL / left)[3:]
        pairs[i] = replace(
            pairs[i], p_adjusted=largest, interval_adjusted=interval, n_pairs=len(tested)
        )
    return pairs

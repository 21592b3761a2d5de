"""What was told, made into targets for the surrogate."""

from __future__ import annotations

import numpy as np

from ._memory import LARGEST


def standardise(scores: np.ndarray) -> np.ndarray:
    """Targets of zero mean and unit variance, with a compressed bad tail.

    Worse than the median, the distance to the median grows like a logarithm: how bad a bad
    configuration is says little about where the best one lies, and one diverged trial
    would flatten all differences that matter. NaN becomes the worst finite score.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Greater is better.

    Returns
    -------
    ndarray of shape (n,)
        Zeros when the scores do not differ. Invariant under shifts and positive scales.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return np.zeros(len(scores))
    scores = np.clip(np.where(finite, scores, scores[finite].min()), -LARGEST, LARGEST)
    excess = scores - np.median(scores)
    spread = _spread_of_good_half(excess)
    if spread == 0.0:
        return np.zeros(len(scores))
    excess = excess / spread
    compressed = np.where(excess < 0.0, -np.log1p(np.maximum(-excess, 0.0)), excess)
    deviation = compressed - compressed.mean()
    return deviation / np.sqrt(np.mean(deviation**2))


def _spread_of_good_half(excess: np.ndarray) -> float:
    good = excess[excess > 0.0]
    if not len(good):  # more than half of the scores tie for the best
        good = -excess[excess < 0.0]
    return float(good.mean()) if len(good) else 0.0

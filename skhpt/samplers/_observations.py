"""What was told, made into targets and noise for the surrogate."""

from __future__ import annotations

import math

import numpy as np

from ..trial import Status, Trial

LARGEST = 1e300  # sums of larger scores would overflow


class Observations:
    """Scores in the order in which they were told.

    A trial that did not run all folds is a noisier observation of the same quantity: its
    score is corrected for the folds that it missed, and its noise is multiplied by
    (number of folds) / (folds run). A failed trial, or a score that is not finite, counts
    as one as bad as the worst.
    """

    def __init__(self) -> None:
        self._scores: list[float] = []
        self._folds: list[np.ndarray] = []
        self._n_ran: list[int] = []

    def __len__(self) -> int:
        return len(self._scores)

    def append(self, trial: Trial) -> None:
        bad = trial.status is Status.FAILED or not math.isfinite(trial.score)
        folds = np.array(() if bad else trial.fold_scores, dtype=float)
        folds[~np.isfinite(folds)] = np.nan
        self._scores.append(math.nan if bad else float(np.clip(trial.score, -LARGEST, LARGEST)))
        self._folds.append(np.clip(folds, -LARGEST, LARGEST))
        self._n_ran.append(int(np.isfinite(folds).sum()))

    def values(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores corrected for missing folds, and what multiplies the noise variance.

        Returns
        -------
        scores : ndarray of shape (n,)
            NaN where the trial failed.
        noise_factor : ndarray of shape (n,)
        """
        scores = np.array(self._scores, dtype=float)
        n_ran = np.array(self._n_ran)
        n_folds = max(map(len, self._folds), default=0)
        partial = (n_ran > 0) & (n_ran < n_folds)
        noise_factor = np.where(partial, n_folds / np.maximum(n_ran, 1), 1.0)
        if partial.any():
            table = np.full((len(scores), n_folds), np.nan)
            for row, folds in zip(table, self._folds):
                row[: len(folds)] = folds
            corrected = table[partial] - fold_effects(table)
            scores[partial] = np.nansum(corrected, axis=1) / n_ran[partial]
        return scores, noise_factor


def fold_effects(table: np.ndarray) -> np.ndarray:
    """How much easier each fold is than the mean fold.

    Least squares of the additive model ``score = trial + fold`` with the effects summing
    to zero. A plain mean by fold will not do: the later folds are run by the trials that
    survive, hence look easier than they are. Only the better half takes part, where folds
    matter; a few diverged trials must not set the effects.

    Parameters
    ----------
    table : ndarray of shape (n_trials, n_folds)
        NaN where a fold did not run.

    Returns
    -------
    ndarray of shape (n_folds,)
    """
    ran = np.isfinite(table)
    usable = ran.sum(axis=1) >= 2
    table, ran = table[usable], ran[usable]
    if not len(table):
        return np.zeros(table.shape[1])
    means = np.where(ran, table, 0.0).sum(axis=1) / ran.sum(axis=1)
    better = means >= np.median(means)
    ran, table, means = ran[better], table[better], means[better]
    residual = np.where(ran, table - means[:, None], 0.0)
    share = ran / ran.sum(axis=1, keepdims=True)
    normal = np.diag(ran.sum(axis=0).astype(float)) - ran.T @ share
    effects = np.linalg.lstsq(normal, residual.sum(axis=0), rcond=1e-9)[0]
    seen = ran.any(axis=0)
    return np.where(seen, effects - effects[seen].mean(), 0.0)


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
    scores = np.where(finite, scores, scores[finite].min())
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

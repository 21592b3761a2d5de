"""What every sampler has to remember: what was proposed, and how hard each fold is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..space.core import Space
from ..trial import Status, Trial

# A space without a finite size can still have few distinct configurations, for instance
# when somebody's own distribution rounds its values. When this many draws in a row bring
# nothing new, what is left has less than about one part in a thousand of the probability.
MAX_DRAWS = 1000

# In a finite space the remaining configurations are listed instead, as soon as this many
# draws were in vain; below it, drawing is cheaper than listing.
DRAWS_BEFORE_LISTING = 50

LARGEST = 1e300  # sums of larger scores would overflow


class Seen:
    """The configurations that are no longer new, and a source of new ones.

    Parameters
    ----------
    space : Space
        The space of the proposals.
    rng : numpy.random.Generator
        Where :meth:`draw` takes its randomness from.
    """

    def __init__(self, space: Space, rng: np.random.Generator):
        self._space = space
        self._rng = rng
        self._keys: set[Any] = set()
        self._rest: list[dict[str, Any]] | None = None

    def __contains__(self, params: Mapping[str, Any]) -> bool:
        return self._space.key(params) in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def exhausted(self) -> bool:
        """Whether a finite space has nothing new left."""
        return len(self._keys) >= self._space.size

    def add(self, params: Mapping[str, Any]) -> bool:
        """Remember a configuration of the space; whether it was new."""
        key = self._space.key(params)
        if key in self._keys:
            return False
        self._keys.add(key)
        return True

    def add_foreign(self, params: Mapping[str, Any]) -> None:
        """Remember what somebody else proposed; nothing outside the space can be repeated."""
        if self._space.contains(params):
            self.add(params)

    def draw(self) -> dict[str, Any] | None:
        """Draw a new configuration at random and remember it; None when there is none left."""
        if self.exhausted:
            return None
        if self._rest is None:
            params = self._draw_by_rejection()
            if params is not None or math.isinf(self._space.size):
                return params
            self._rest = [params for params in self._space.enumerate() if params not in self]
            self._rng.shuffle(self._rest)
        while self._rest:
            params = self._rest.pop()
            if self.add(params):
                return params
        return None

    def _draw_by_rejection(self) -> dict[str, Any] | None:
        finite = math.isfinite(self._space.size)
        for _ in range(DRAWS_BEFORE_LISTING if finite else MAX_DRAWS):
            params = self._space.sample(self._rng)
            if self.add(params):
                return params
        return None


class FoldEffects:
    """Makes the scores of raced trials comparable with those of complete ones.

    A trial that was dropped after two of five folds has the mean of two folds, and those may
    be the easy ones. In the additive model ``score[trial, fold] = trial + fold + noise``
    the effects of the folds are estimated and taken out.
    """

    def __init__(self) -> None:
        self._scores: list[float] = []
        self._folds: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._scores)

    def append(self, trial: Trial) -> None:
        """Remember a trial that has ended."""
        failed = trial.status is Status.FAILED
        known = not failed and math.isfinite(trial.score)
        folds = np.array(trial.fold_scores if known else (), dtype=float)
        folds[~np.isfinite(folds)] = np.nan
        self._scores.append(math.nan if failed else float(trial.score))
        self._folds.append(np.clip(folds, -LARGEST, LARGEST))

    def score(self, trial: Trial) -> float:
        """Remember a trial, and say what :meth:`scores` knows of it at this moment."""
        self.append(trial)
        if np.isfinite(self._folds[-1]).all():
            return self._scores[-1]
        return float(self.scores()[-1])

    def scores(self) -> np.ndarray:
        """The estimated mean over all folds of each trial; NaN where it has failed.

        Complete trials keep their score, and so do those of which nothing else is known.
        """
        scores = np.array(self._scores, dtype=float)
        table = self._table()
        n_ran = np.isfinite(table).sum(axis=1)
        partial = (n_ran > 0) & (n_ran < table.shape[1])
        if partial.any():
            corrected = np.nansum(table[partial] - fold_effects(table), axis=1)
            scores[partial] = corrected / n_ran[partial]
        return scores

    def noise_factor(self) -> np.ndarray:
        """What multiplies the noise variance of each score: (number of folds) / (folds run)."""
        table = self._table()
        n_ran = np.isfinite(table).sum(axis=1)
        return np.where(n_ran > 0, table.shape[1] / np.maximum(n_ran, 1), 1.0)

    def _table(self) -> np.ndarray:
        """The scores by trial and fold, NaN where a fold did not run."""
        table = np.full((len(self._folds), max(map(len, self._folds), default=0)), np.nan)
        for row, folds in zip(table, self._folds):
            row[: len(folds)] = folds
        return table


def fold_effects(table: np.ndarray) -> np.ndarray:
    """How much easier each fold is than the mean fold.

    Least squares of the additive model ``score = trial + fold`` with the effects summing
    to zero. A plain mean by fold will not do: the later folds are run by the trials that
    survive, hence look easier than they are. Only the better half takes part, where folds
    matter; a few diverged trials must not set the effects. Which half is the better one,
    raw means cannot tell when the folds that were missed are the hard ones: the trials
    with the most folds give first effects, by which all of them are compared.

    Parameters
    ----------
    table : ndarray of shape (n_trials, n_folds)
        NaN where a fold did not run.

    Returns
    -------
    ndarray of shape (n_folds,)
        Zero where no trial shows the effect of a fold.
    """
    n_ran = np.isfinite(table).sum(axis=1)
    table, n_ran = table[n_ran >= 2], n_ran[n_ran >= 2]
    if not len(table):
        return np.zeros(table.shape[1])
    first = _least_squares(_better_half(table[n_ran == n_ran.max()], 0.0))
    return _least_squares(_better_half(table, first))


def _better_half(table: np.ndarray, effects: np.ndarray | float) -> np.ndarray:
    means = np.nanmean(table - effects, axis=1)
    return table[means >= np.median(means)]


def _least_squares(table: np.ndarray) -> np.ndarray:
    ran = np.isfinite(table)
    n_ran = ran.sum(axis=1, keepdims=True)
    centred = table - np.nansum(table, axis=1, keepdims=True) / n_ran
    normal = np.diag(ran.sum(axis=0).astype(float)) - ran.T @ (ran / n_ran)
    normal += ran.mean() * len(table) / len(normal)  # the sum is zero; diagonal if all is complete
    effects = np.linalg.lstsq(normal, np.nansum(centred, axis=0), rcond=1e-9)[0]
    seen = ran.any(axis=0)
    return np.where(seen, effects - effects[seen].mean(), 0.0)

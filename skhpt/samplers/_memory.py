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
    """Makes the score of a raced trial comparable with that of a complete one.

    A trial that was dropped after two of five folds has the mean of two folds, and those may
    be the easy ones. In the additive model ``score[trial, fold] = trial + fold + noise``
    the effect of a fold is estimated from the complete trials and taken out.
    """

    def __init__(self) -> None:
        self._total: np.ndarray | float = 0.0
        self._n = 0

    def score(self, trial: Trial) -> float:
        """The estimated mean over all folds; NaN when the trial has failed."""
        if trial.status is Status.FAILED:
            return math.nan
        folds = np.asarray(trial.fold_scores, dtype=float)
        ran = np.isfinite(folds)
        if not math.isfinite(trial.score) or not ran.any():
            return trial.score
        if ran.all():
            self._learn(folds)
            return trial.score
        if self._n == 0 or np.size(self._total) != folds.size:
            return trial.score
        effect = self._total / self._n
        return float(np.mean(folds[ran] - effect[ran]) + np.mean(effect))

    def _learn(self, folds: np.ndarray) -> None:
        if self._n and np.size(self._total) != folds.size:
            return
        self._total = self._total + folds
        self._n += 1

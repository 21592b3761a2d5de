"""Space-filling draws: a scrambled Sobol sequence."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from scipy.stats import qmc

from ..space.core import Space
from ..trial import Trial
from ._memory import DRAWS_BEFORE_LISTING, Seen
from .base import Sampler

# A Sobol sequence is balanced in blocks of a power of two, and SciPy warns about others.
BLOCK = 64

# SciPy 1.15 renamed the argument; the old name is going to warn.
SEED = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"


class SobolSampler(Sampler):
    """Cover the space more evenly than random draws do, with a scrambled Sobol sequence.

    A numeric parameter takes one coordinate of the sequence for each of its columns. A
    categorical parameter takes one coordinate, cut into as many equal parts as there are
    choices, so that choices are balanced too. A configuration comes once; what the sequence
    does not reach in a finite space follows in random order, until nothing is left.

    Parameters
    ----------
    space : Space
        What may be proposed.
    random_state : int
        Seed of the scrambling.

    References
    ----------
    A. B. Owen, "Scrambling Sobol and Niederreiter-Xing points", Journal of Complexity 14
    (1998).
    """

    learns = False

    def __init__(self, space: Space, random_state: int):
        super().__init__(space, random_state)
        self._seen = Seen(space, self.rng)
        n_coordinates = sum(
            1 if categorical else columns.stop - columns.start
            for columns, categorical in space.groups
        )
        self._sequence = qmc.Sobol(n_coordinates, scramble=True, **{SEED: self.rng})
        self._block: list[np.ndarray] = []

    def ask(self) -> dict[str, Any] | None:
        for _ in range(DRAWS_BEFORE_LISTING):
            if self._seen.exhausted:
                return None
            params = self.space.decode(self._row())
            if self._seen.add(params):
                return params
        return self._seen.draw()

    def tell(self, trial: Trial) -> None:
        self._seen.add_foreign(trial.params)

    def _row(self) -> np.ndarray:
        if not self._block:
            self._block = list(self._to_cube(self._sequence.random(BLOCK)))[::-1]
        return self._block.pop()

    def _to_cube(self, points: np.ndarray) -> np.ndarray:
        """Give every group of columns its coordinates of the sequence."""
        cube = np.zeros((len(points), self.space.width))
        coordinate = 0
        for columns, categorical in self.space.groups:
            n_columns = columns.stop - columns.start
            if categorical:
                choice = (points[:, coordinate] * n_columns).astype(int)
                cube[np.arange(len(points)), columns.start + choice] = 1.0
                coordinate += 1
            else:
                cube[:, columns] = points[:, coordinate : coordinate + n_columns]
                coordinate += n_columns
        return self.space.snap(cube)

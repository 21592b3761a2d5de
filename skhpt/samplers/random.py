"""Independent random draws."""

from __future__ import annotations

from typing import Any

from ..space.core import Space
from ..trial import Trial
from ._memory import Seen
from .base import Sampler


class RandomSampler(Sampler):
    """Draw every configuration independently, from the distributions as the user wrote them.

    Draws are without replacement: a configuration comes once, and a finite space ends after
    each of its configurations. A space that is infinite on paper ends when a thousand draws
    in a row bring nothing new (somebody's own distribution may have few distinct values).

    Parameters
    ----------
    space : Space
        What may be proposed.
    random_state : int
        Seed of the draws.

    References
    ----------
    J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", Journal of
    Machine Learning Research 13 (2012).
    """

    learns = False

    def __init__(self, space: Space, random_state: int):
        super().__init__(space, random_state)
        self._seen = Seen(space, self.rng)

    def ask(self) -> dict[str, Any] | None:
        return self._seen.draw()

    def tell(self, trial: Trial) -> None:
        self._seen.add_foreign(trial.params)

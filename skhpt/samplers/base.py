"""The seam of the samplers: two verbs.

A new sampler is one file with a subclass of :class:`Sampler` and one row in
``samplers/registry.py``; ``tests/test_samplers.py`` puts it under the contract suite.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ..space.core import Space
from ..trial import Trial


class Sampler(ABC):
    """Proposes configurations; sees neither data, nor a clock, nor an estimator.

    Parameters
    ----------
    space : Space
        What may be proposed.
    random_state : int
        Seed of every choice that the sampler makes.

    Attributes
    ----------
    learns : bool
        False when proposals do not depend on what was told; the engine may then ask
        any number of proposals ahead.
    """

    learns = True

    def __init__(self, space: Space, random_state: int):
        self.space = space
        self.random_state = random_state
        self.rng = np.random.default_rng(random_state)

    @abstractmethod
    def ask(self) -> dict[str, Any] | None:
        """Propose a configuration, or None when there is nothing left to propose."""

    def tell(self, trial: Trial) -> None:  # noqa: B027 (a sampler that does not learn keeps this)
        """Learn from a trial.

        Trials are told once when they have ended, in the order in which they were asked.
        A trial that somebody else proposed (the estimator as given, the user's first
        points) is told twice: as ``Status.RUNNING`` when it starts, so that it is known to
        be pending and is not proposed again, and when it has ended.
        """

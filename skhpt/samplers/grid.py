"""Configurations in a fixed order: an explicit list, or a finite space from end to end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..space.core import Space
from ..trial import Origin, Trial
from ._memory import Seen
from .base import Sampler


class ListSampler(Sampler):
    """Propose an explicit list of configurations, each entry once and in its order.

    The only sampler that needs no space, so a list may repeat itself and its values may be
    anything.

    Parameters
    ----------
    candidates : iterable of mapping
        Configurations, each from the name of a parameter to its value.
    space : Space, optional
        Where the candidates come from. With it, what somebody else has proposed before is
        passed over.

    Raises
    ------
    TypeError
        When a candidate is not a mapping.
    """

    learns = False

    def __init__(self, candidates: Iterable[Mapping[str, Any]], space: Space | None = None):
        self.space = space
        self.random_state = None
        self.candidates = list(candidates)
        for position, params in enumerate(self.candidates):
            if not isinstance(params, Mapping):
                raise TypeError(
                    f"candidates[{position}] must be a dict from parameter names to values, "
                    f"got {params!r}; write for instance {{'alpha': 0.1}}"
                )
        self._next = 0

    def ask(self) -> dict[str, Any] | None:
        if self._next == len(self.candidates):
            return None
        params = dict(self.candidates[self._next])
        self._next += 1
        return params

    def remaining(self, others: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The candidates that are not among the configurations of others."""
        if self.space is None:
            return self.candidates
        known = {self.space.key(params) for params in others if self.space.contains(params)}
        return [c for c in self.candidates if self.space.key(c) not in known]

    def tell(self, trial: Trial) -> None:
        if trial.origin is not Origin.SAMPLER and self._next == 0:
            self.candidates = self.remaining([trial.params])


class GridSampler(Sampler):
    """Enumerate a finite space in the order of :meth:`Space.enumerate`, each point once.

    A configuration that somebody else has already proposed is passed over.

    Parameters
    ----------
    space : Space
        A space with finitely many configurations.
    random_state : int
        Unused, here for the common signature.

    Raises
    ------
    ValueError
        When a parameter is continuous.
    """

    learns = False
    finite_only = True

    def __init__(self, space: Space, random_state: int):
        super().__init__(space, random_state)
        if math.isinf(space.size):
            endless = [name for name, dim in space.dimensions.items() if math.isinf(dim.size)]
            raise ValueError(
                "a grid needs a finite space, but the values of these parameters cannot be "
                f"listed: {', '.join(map(repr, endless))}; give each a list of values, an "
                "integer range or a step, or choose another sampler, for instance 'sobol'"
            )
        self._seen = Seen(space, self.rng)
        self._rest: Iterator[dict[str, Any]] | None = None

    def ask(self) -> dict[str, Any] | None:
        if self._rest is None:
            self._rest = iter(self.space.enumerate())
        return next((params for params in self._rest if self._seen.add(params)), None)

    def tell(self, trial: Trial) -> None:
        self._seen.add_foreign(trial.params)

    def __getstate__(self) -> dict[str, Any]:
        # a generator cannot be copied; a copy starts again and passes over what was seen
        return {**self.__dict__, "_rest": None}

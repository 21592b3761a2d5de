"""Where the configurations come from that begin on the first rungs of brackets.

References
----------
S. Falkner, A. Klein and F. Hutter, "BOHB: robust and efficient hyperparameter optimization at
scale", ICML 2018.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Protocol

import numpy as np

from .samplers.gp import GPSampler
from .samplers.random import RandomSampler
from .space import Space
from .trial import Proposal, Trial


class Source(Protocol):
    """Gives the configurations that begin on the first rung of a bracket.

    ``expect`` is called with the number that the trial of the last one has.
    """

    learns: bool

    def ask(self, bracket: int) -> Proposal: ...

    def expect(self, index: int, params: Mapping[str, Any]) -> None: ...

    def tell(self, trial: Trial) -> None: ...


def drawn(
    space: Space, sizes: Sequence[int], given: Iterable[Proposal], seed: int
) -> list[list[Proposal]]:
    """Draw so many configurations for each bracket at random, after some that are given.

    None comes twice, unless there are fewer than all the brackets take together: then none
    comes twice in a bracket.
    """
    given, few = deque(given), space.size < sum(sizes)
    sampler, entries = RandomSampler(space, seed), []
    for number, n in enumerate(sizes):
        if few:
            sampler = RandomSampler(space, seed + number)
        entries.append([given.popleft() for _ in range(min(n, len(given)))])
        for proposal in [*entries[-1], *given]:
            sampler.tell(Trial(-1, proposal.params))
        while len(entries[-1]) < n:
            params = sampler.ask()
            if params is None:  # a space that is infinite on paper
                sampler = RandomSampler(space, seed + len(entries[-1]))
                continue
            entries[-1].append(Proposal(params))
    return entries


class Listed:
    """Configurations that are known in advance, a list for each bracket."""

    learns = False

    def __init__(self, entries: Iterable[Iterable[Proposal]]):
        self._entries = [deque(some) for some in entries]

    def ask(self, bracket: int) -> Proposal:
        return self._entries[bracket].popleft()

    def expect(self, index: int, params: Mapping[str, Any]) -> None:
        pass

    def tell(self, trial: Trial) -> None:
        pass


class Modelled:
    """Configurations where a Gaussian process sees most, as BOHB has them of its density model.

    The model sees the trials of one rung, the highest that has one more than there are
    parameters. Before there is any, and for a share of the proposals afterwards, they are
    drawn at random, so that a model of the lower rungs that misleads cannot ruin the search.

    Parameters
    ----------
    space : Space
    seed : int
    given : iterable of Proposal
        Configurations that begin in the first bracket, before any other.
    parameter : str or None
        The parameter that is the resource, which is none of the space.
    """

    learns = True
    share_at_random = 1 / 3

    def __init__(
        self,
        space: Space,
        seed: int,
        given: Iterable[Proposal] = (),
        parameter: str | None = None,
    ):
        self._space, self._seed, self._parameter = space, seed, parameter
        self._rng = np.random.default_rng(seed)
        self._given = deque(given)
        self._enough = len(space.dimensions) + 1
        self._told: dict[int, list[Trial]] = {}
        self._pending: dict[int, Trial] = {}
        self._random: dict[int, RandomSampler] = {}
        self._begun: set[Any] = set()  # each bracket and what it has
        self._n_asked = 0

    def ask(self, bracket: int) -> Proposal:
        if bracket not in self._random:
            self._random[bracket] = RandomSampler(self._space, self._seed + bracket)
        proposal = self._given.popleft() if self._given else Proposal(self._propose(bracket))
        # A bracket has no configuration twice.
        if self._space.contains(proposal.params):
            self._begun.add((bracket, self._space.key(proposal.params)))
        self._random[bracket].tell(Trial(-1, proposal.params))
        return proposal

    def expect(self, index: int, params: Mapping[str, Any]) -> None:
        """Take note of a trial that has begun."""
        self._pending[index] = Trial(index, params)

    def tell(self, trial: Trial) -> None:
        self._pending.pop(trial.index, None)
        bare = {name: v for name, v in trial.params.items() if name != self._parameter}
        self._told.setdefault(trial.rung.number, []).append(replace(trial, params=bare))

    def _propose(self, bracket: int) -> Mapping[str, Any]:
        self._n_asked += 1
        at_random = self._rng.random() < self.share_at_random
        known = [level for level, trials in self._told.items() if len(trials) >= self._enough]
        if not at_random and known:
            params = self._promising(self._told[max(known)])
            if params is not None and (bracket, self._space.key(params)) not in self._begun:
                return params
        params = self._random[bracket].ask()
        # Where there is nothing new, which a space that is infinite on paper may not tell before
        return RandomSampler(self._space, self._n_asked).ask() if params is None else params

    def _promising(self, trials: Sequence[Trial]) -> Mapping[str, Any] | None:
        """A new model for each proposal: the rung that it learns from may have changed."""
        model = GPSampler(self._space, self._seed + self._n_asked)
        for trial in chain(self._pending.values(), trials):
            model.tell(trial)
        return model.ask()

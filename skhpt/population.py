"""Population based training: who goes on, who copies whom, and with what parameters.

A generation is a rung of the ledger: each member of the population is a trial on it, whose
parent is the trial that its model goes on from, its own of the generation before or that of one
of the best. What is decided depends on the scores of a whole generation and on the seed, not on
who ended first.

References
----------
M. Jaderberg et al., "Population based training of neural networks", arXiv:1711.09846, 2017.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .ledger import Ledger
from .schedulers import Plan, all_folds
from .space import Space
from .space.base import is_integer, is_number
from .space.dimensions import Ordinal
from .trial import Origin, Proposal, Rung, Status, Trial


class Segment(NamedTuple):
    """Parameters, and up to which round of training they hold."""

    n_rounds: int
    params: Mapping[str, Any]


Schedule = tuple[Segment, ...]


class Lineage(NamedTuple):
    """What a trial is trained by.

    Attributes
    ----------
    schedule : tuple of Segment
        From the first round on.
    parent : int or None
        The trial whose model goes on.
    is_heir : bool
        Whether that model is the member's own, so that nobody else goes on from it for longer
        than it takes to copy it.
    """

    schedule: Schedule
    parent: int | None = None
    is_heir: bool = True


@dataclass(frozen=True)
class PopulationPlan:
    """How a population is trained.

    Attributes
    ----------
    size : int
        Members.
    interval, max_rounds : int
        Rounds of training between two exchanges, and in all.
    quantile : float
        Share of the members that copy, and of those that are copied.
    resample_probability : float
        How likely a parameter is drawn anew, where it would else be moved.
    factors : tuple of float
        One of them multiplies a number that is moved.
    """

    size: int
    interval: int
    max_rounds: int
    quantile: float = 0.25
    resample_probability: float = 0.25
    factors: tuple[float, ...] = (0.8, 1.2)

    @property
    def rungs(self) -> list[Rung]:
        ends = [*range(self.interval, self.max_rounds, self.interval), self.max_rounds]
        return [Rung(k, end, k == len(ends) - 1) for k, end in enumerate(ends)]

    @property
    def n_exchanged(self) -> int:
        """How many copy at most while nobody fails; never the one who is copied."""
        return min(math.ceil(self.quantile * self.size), self.size // 2)


class Population:
    """A proposer: the first generation, then each from the one before.

    Parameters
    ----------
    plan : PopulationPlan
    space : Space
        Where parameters are drawn from, and in whose ranges they stay.
    random_state : int
    first : sequence of Proposal
        Configurations that the first members begin with; the others are drawn.

    Attributes
    ----------
    lineages : dict of int to Lineage
        By trial, provided that nobody else proposes.
    n_proposals : int
        How many trials it will propose in all.
    """

    learns = True

    def __init__(
        self,
        plan: PopulationPlan,
        space: Space,
        random_state: int,
        first: Sequence[Proposal] = (),
    ):
        self.plan = plan
        self.space = space
        self.lineages: dict[int, Lineage] = {}
        self._seed = random_state
        self._rungs = plan.rungs
        self.n_proposals = plan.size * len(self._rungs)
        self._ended: list[Trial] = []  # of the generation that is running
        self._generation = 0
        drawn = [
            Proposal(space.sample(self._rng(member))) for member in range(len(first), plan.size)
        ]
        self._queue: deque[tuple[Proposal, Lineage]] = deque()
        for proposal in [*first, *drawn][: plan.size]:
            schedule = (Segment(self._rungs[0].resource, proposal.params),)
            self._queue.append((proposal._replace(rung=self._rungs[0]), Lineage(schedule)))

    # -- the proposer --------------------------------------------------------------------------

    def needs(self, n_trials: int) -> int:
        """A generation asks for nothing more to be known; the next one for all of this one."""
        return 0 if self._queue else n_trials

    def ask(self) -> Proposal | None:
        if not self._queue:
            return None
        proposal, lineage = self._queue.popleft()
        self.lineages[len(self.lineages)] = lineage
        return proposal

    def tell(self, trial: Trial) -> None:
        self._ended.append(trial)
        is_last = self._generation == len(self._rungs) - 1
        if not is_last and len(self._ended) == self.plan.size:
            self._advance()

    def steps(self, ledger: Ledger) -> Plan:
        """A scheduler: all folds, with what the trial is trained by."""
        steps, finished = all_folds(ledger)
        return [replace(step, rule=self.lineages[step.trial]) for step in steps], finished

    # -- from one generation to the next -------------------------------------------------------

    def _advance(self) -> None:
        """Line the next generation up; nobody, where everybody failed."""
        members, self._ended = self._ended, []
        self._generation += 1
        sources = self._sources(members)
        for member, source in enumerate(sources):
            self._queue.append(self._continued(members[source], member, source == member))

    def _sources(self, members: Sequence[Trial]) -> list[int]:
        """Whose model each member goes on with: truncation selection."""
        scores = [_score(trial) for trial in members]
        ranked = sorted(range(len(members)), key=lambda m: (-scores[m], m))
        ranked = [m for m in ranked if scores[m] > -math.inf]
        if not ranked:
            return []
        best = ranked[: self.plan.n_exchanged]
        failed = {m for m, score in enumerate(scores) if score == -math.inf}
        n_worst = max(0, self.plan.n_exchanged - len(failed))
        worst = failed.union(ranked[len(ranked) - n_worst :]) - set(best)
        return [
            int(self._rng(member).choice(best)) if member in worst else member
            for member in range(len(members))
        ]

    def _continued(self, parent: Trial, member: int, is_heir: bool) -> tuple[Proposal, Lineage]:
        rung = self._rungs[self._generation]
        params = parent.params
        if not is_heir:
            rng = self._rng(member)
            rng.random()  # which has chosen the parent
            params = explore(self.space, params, self.plan, rng)
        schedule = extended(self.lineages[parent.index].schedule, rung.resource, params)
        origin = parent.origin if is_heir else Origin.SAMPLER
        proposal = Proposal(params, rung, parent.index, origin)
        return proposal, Lineage(schedule, parent.index, is_heir)

    def _rng(self, member: int) -> np.random.Generator:
        """The stream of a member in a generation: nobody else's draws can move it."""
        key = (self._generation, member)
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))


def _score(trial: Trial) -> float:
    ended = trial.status in (Status.COMPLETE, Status.PARTIAL)
    return trial.score if ended and math.isfinite(trial.score) else -math.inf


def extended(schedule: Schedule, n_rounds: int, params: Mapping[str, Any]) -> Schedule:
    """A schedule that goes on up to a round; with the same parameters its last part is longer."""
    *before, last = schedule
    if params is last.params:
        return (*before, last._replace(n_rounds=n_rounds))
    return (*schedule, Segment(n_rounds, params))


def explore(
    space: Space, params: Mapping[str, Any], plan: PopulationPlan, rng: np.random.Generator
) -> Mapping[str, Any]:
    """Move a configuration a little: its numbers by a factor, some parameters by a new draw.

    Parameters
    ----------
    space : Space
    params : mapping
    plan : PopulationPlan
    rng : Generator

    Returns
    -------
    params : mapping
        The very object that was given where nothing has changed. A change that makes others of
        the space's conditions hold draws the whole configuration anew.
    """
    fresh = space.sample(rng)
    moved = {}
    for name, value in params.items():
        is_drawn = rng.random() < plan.resample_probability
        factor = plan.factors[rng.integers(len(plan.factors))]
        if is_drawn and name in fresh:
            moved[name] = fresh[name]
        else:
            moved[name] = nudged(space.dimensions[name], value, factor)
    if not space.contains(moved):
        moved = fresh
    return params if space.key(moved) == space.key(params) else moved


def nudged(dimension: Any, value: Any, factor: float) -> Any:
    """A value times a factor, inside of its range; what is no number stays as it is.

    A whole number moves by one at least, and a number from a list to the next one of the list.
    """
    if factor == 1:
        return value
    if isinstance(dimension, Ordinal):
        return _neighbour(dimension, value, factor)
    if dimension.categorical or not is_number(value) or dimension.size == 1:
        return value
    moved = dimension.decode(dimension.encode(value * factor))
    if moved == value and is_integer(value):
        further = value + (1 if factor > 1 else -1)
        return further if dimension.contains(further) else value
    return moved


def _neighbour(dimension: Ordinal, value: Any, factor: float) -> Any:
    values = sorted(dimension.values())
    further = [v for v in values if (v > value if factor > 1 else v < value)]
    if not further:
        return value
    return further[0] if factor > 1 else further[-1]

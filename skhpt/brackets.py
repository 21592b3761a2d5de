"""Hyperband: brackets of successive halving, and who goes on when.

A plan is arithmetic. A proposer carries it out as a :class:`~skhpt.rungs.Ladder` does: a
configuration on a rung is a trial of the ledger, and promoting is proposing. Rungs are numbered
by their resource for all brackets together, so that brackets share the subsamples of the rows
and scores of the same number are comparable.

References
----------
L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh and A. Talwalkar, "Hyperband: a novel
bandit-based approach to hyperparameter optimization", Journal of Machine Learning Research 18
(2018). L. Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020 (ASHA).
"""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .candidates import Source
from .rungs import best_of
from .trial import Proposal, Rung, Trial

NO_BRACKET = -1  # of a configuration that is there to be compared with
_EPS = 1e-9  # of quotients of powers that are whole numbers


@dataclass(frozen=True)
class Bracket:
    """Successive halving from one level of the resource to the top.

    Attributes
    ----------
    number : int
        How many rungs are above its first; the paper's s.
    n_candidates : tuple of int
        Configurations on each rung.
    rungs : tuple of Rung
    """

    number: int
    n_candidates: tuple[int, ...]
    rungs: tuple[Rung, ...]

    @property
    def n_resources(self) -> list[int]:
        return [rung.resource for rung in self.rungs]

    def costs(self, adds_up: bool) -> list[int]:
        """What a configuration spends on each rung.

        Parameters
        ----------
        adds_up : bool
            Whether it goes on from what it had on the rung below.
        """
        spent = self.n_resources
        return [b - a for a, b in zip([0, *spent], spent)] if adds_up else spent


def hyperband_plan(
    min_resources: int,
    max_resources: int,
    factor: float,
    *,
    folds_are_resource: bool = False,
    n_configurations: float = math.inf,
) -> list[Bracket]:
    """Plan Hyperband: algorithm 1 of Li et al.

    The levels of the resource are ``max_resources / factor**s``, rounded down, for every s that
    leaves `min_resources` at least. The bracket with s rungs above its first has
    ``ceil((s_max + 1) / (s + 1) * factor**s)`` configurations there, and one in `factor` of them
    goes on from each.

    Parameters
    ----------
    min_resources, max_resources : int
    factor : float
        Greater than 1.
    folds_are_resource : bool
    n_configurations : float
        How many there are; no bracket has more.

    Returns
    -------
    brackets : list of Bracket
        The widest first.
    """
    powers = 0
    while max_resources / factor ** (powers + 1) + _EPS >= min_resources:
        powers += 1
    # A small factor gives the same whole number twice, which would be a rung for nothing.
    resources = sorted({int(max_resources / factor**s + _EPS) for s in range(powers + 1)})
    top = len(resources) - 1
    rungs = [
        Rung(level, resource, level == top, resource if folds_are_resource else None)
        for level, resource in enumerate(resources)
    ]
    brackets = []
    for s in range(top, -1, -1):
        wanted = math.ceil((top + 1) / (s + 1) * factor**s - _EPS)
        n = int(min(wanted, n_configurations))
        counts = [max(1, int(n / factor**k + _EPS)) for k in range(s + 1)]
        brackets.append(Bracket(s, tuple(counts), tuple(rungs[top - s :])))
    return brackets


# -- who goes on -----------------------------------------------------------------------------


class _Climbers(ABC):
    """A proposer of brackets.

    Parameters
    ----------
    brackets : sequence of Bracket
    source : Source
    factor : float
    parameter : str or None
        The parameter that is the resource; None where it is none of the estimator's.
    guests : iterable of Proposal
        Configurations for the last rung that do not take part: there to be compared with.

    Attributes
    ----------
    places : list of (int, int)
        Of each trial the position of its bracket and of its rung in there; `NO_BRACKET` of a
        guest.
    """

    learns = True

    def __init__(
        self,
        brackets: Sequence[Bracket],
        source: Source,
        factor: float,
        parameter: str | None = None,
        guests: Iterable[Proposal] = (),
    ):
        self.brackets, self.source, self.factor = brackets, source, factor
        self.places: list[tuple[int, int]] = []
        self._parameter = parameter
        self._guests = deque(guests)
        self._at_the_top: list = []

    def ask(self) -> Proposal | None:
        proposal = self._next()
        if proposal is None:
            proposal = self._next_guest()
        elif proposal.rung.is_last:
            self._at_the_top.append(proposal.params)
        return proposal

    @abstractmethod
    def _next(self) -> Proposal | None:
        """The next configuration on a rung; None when all is done."""

    @abstractmethod
    def tell(self, trial: Trial) -> None: ...

    def bracket_of(self, index: int) -> int:
        """The number of a trial's bracket."""
        place = self.places[index][0]
        return NO_BRACKET if place == NO_BRACKET else self.brackets[place].number

    def admit(self, index: int) -> None:
        """Hear of a trial that was proposed by somebody else."""
        self.places[index:] = [(NO_BRACKET, 0)]

    def _next_guest(self) -> Proposal | None:
        last = self.brackets[-1].rungs[-1]
        while self._guests:
            guest = self._guests.popleft()
            if guest.params in self._at_the_top:
                continue
            own = guest.params.get(self._parameter, last.resource)
            number = own if isinstance(own, int) else last.resource
            self.places.append((NO_BRACKET, 0))
            return guest._replace(rung=last._replace(resource=number))
        return None

    def _begin(self, bracket: int) -> Proposal:
        entry = self.source.ask(bracket)
        self.source.expect(len(self.places), entry.params)
        return self._on(bracket, 0, entry)

    def _promote(self, bracket: int, depth: int, trial: Trial) -> Proposal:
        entry = Proposal(trial.params, None, trial.index, trial.origin, trial.eligible)
        return self._on(bracket, depth, entry)

    def _on(self, bracket: int, depth: int, entry: Proposal) -> Proposal:
        rung = self.brackets[bracket].rungs[depth]
        self.places.append((bracket, depth))
        params = dict(entry.params)
        if self._parameter is not None:
            params[self._parameter] = rung.resource
        return entry._replace(params=params, rung=rung)


class _Job(NamedTuple):
    bracket: int
    depth: int
    place: int  # among those of its rung


class Brackets(_Climbers):
    """Hyperband as it is written: a rung is complete before anybody goes on from it.

    Who goes on, and everything else, depends on scores alone. Brackets that do not learn from
    one another take turns, so that workers who have run out of one rung have another bracket's:
    a worker waits only where no rung of any bracket is complete.

    Parameters
    ----------
    n_pending : int
        A source that learns is asked when all but so many trials have been told to it.
    """

    def __init__(self, *args, n_pending: int = 1, **kwargs):
        super().__init__(*args, **kwargs)
        self._n_pending = n_pending
        self._jobs = deque(_in_turns(self.brackets, self.source.learns))
        self.n_proposals = len(self._jobs) + len(self._guests)
        self._ended: dict[tuple[int, int], list[Trial]] = {}
        self._chosen: list[Trial] = []
        self._end: dict[tuple[int, int], int] = {}  # of each rung, in numbers of trials

    def needs(self, n_trials: int) -> int:
        """The first on a rung needs all of the rung below; a model needs nearly all."""
        if not self._jobs:
            return 0
        bracket, depth, place = self._jobs[0]
        if depth == 0:
            return n_trials - self._n_pending + 1 if self.source.learns else 0
        return self._end[bracket, depth - 1] if place == 0 else 0

    def tell(self, trial: Trial) -> None:
        self._ended.setdefault(self.places[trial.index], []).append(trial)
        self.source.tell(trial)

    def _next(self) -> Proposal | None:
        if not self._jobs:
            return None
        bracket, depth, place = self._jobs.popleft()
        self._end[bracket, depth] = len(self.places) + 1
        if depth == 0:
            return self._begin(bracket)
        if place == 0:
            below = self._ended.pop((bracket, depth - 1))
            k = self.brackets[bracket].n_candidates[depth]
            self._chosen = [below[p] for p in best_of([t.mean for t in below], k)]
        return self._promote(bracket, depth, self._chosen[place])


def _in_turns(brackets: Sequence[Bracket], one_by_one: bool) -> Iterator[_Job]:
    """All configurations on all rungs, in the order in which they are proposed.

    Between two rungs of a bracket there is a rung of another one, as long as there are any:
    bracket b begins after b rungs, and climbs with every second. With a source that learns, one
    bracket is after the other.
    """
    rungs = [
        (b, depth) for b, bracket in enumerate(brackets) for depth in range(bracket.number + 1)
    ]
    if not one_by_one:
        rungs.sort(key=lambda rung: (rung[0] + 2 * rung[1], rung[0]))
    for b, depth in rungs:
        for place in range(brackets[b].n_candidates[depth]):
            yield _Job(b, depth, place)


@dataclass
class _Standing:
    """Who stands where on a rung of a bracket."""

    order: list[tuple[float, int]] = field(default_factory=list)  # the best first
    trials: dict[int, Trial] = field(default_factory=dict)
    promoted: set[int] = field(default_factory=set)
    ready: deque[int] = field(default_factory=deque)

    def add(self, trial: Trial, factor: float) -> None:
        if math.isnan(trial.mean):  # who failed counts, and goes nowhere
            insort(self.order, (math.inf, trial.index))
        else:
            insort(self.order, (-trial.mean, trial.index))
            self.trials[trial.index] = trial
        self.choose(int(len(self.order) / factor + _EPS))

    def choose(self, k: int) -> None:
        """Let those of the best k go on who have not yet."""
        best = (index for _, index in self.order[:k])
        self.ready = deque(i for i in best if i in self.trials and i not in self.promoted)

    def promote(self) -> Trial:
        index = self.ready.popleft()
        self.promoted.add(index)
        return self.trials[index]


class AsynchronousBrackets(_Climbers):
    """Hyperband without waiting: whoever is among the best of his rung so far goes on (ASHA).

    One configuration in `factor` of those that a rung has so far may go on at any time, the
    highest rung first; where nobody may, another configuration begins. All that would go on from
    the first rung in the end do so here too, and with them some who were among the best for a
    while only.

    What is known when somebody is chosen follows a clock of its own, which knows the plan and
    not the time: on `n_pending` imagined workers every trial takes as long as what it costs, and
    a choice waits for the trials that have ended there, and for no other. So choices depend on
    scores and on this number. Nobody waits for a rung, and nobody for a trial unless it takes so
    much longer than it should that all others have caught up with it.

    Parameters
    ----------
    n_pending : int
        Trials that are pending on that clock.
    adds_up : bool
        Whether a trial costs only what its resource has more than that of the rung below.

    Attributes
    ----------
    n_proposals : None
        Not known in advance.
    """

    n_proposals = None

    def __init__(self, *args, n_pending: int, adds_up: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        self._n_pending = n_pending
        self._costs = [bracket.costs(adds_up) for bracket in self.brackets]
        self._rungs = [[_Standing() for _ in bracket.rungs] for bracket in self.brackets]
        self._left = [bracket.n_candidates[0] for bracket in self.brackets]
        self._now = 0.0
        self._pending: list[tuple[float, int]] = []  # end and number of each trial, the next first

    def awaits(self, open_trials: Collection[int]) -> int | None:
        """The trial that must be told before the next proposal; None when it can be made."""
        if self._pending and (len(self._pending) >= self._n_pending or self._job() is None):
            return self._pending[0][1]
        return None

    def tell(self, trial: Trial) -> None:
        self._forget(trial.index)
        bracket, depth = self.places[trial.index]
        if bracket != NO_BRACKET:
            self._rungs[bracket][depth].add(trial, self.factor)
        self.source.tell(trial)

    def _next(self) -> Proposal | None:
        job = self._job() or self._job_of_a_last_one()
        if job is None:
            return None
        bracket, depth = job
        self._expect(len(self.places), self._costs[bracket][depth])
        if depth == 0:
            self._left[bracket] -= 1
            return self._begin(bracket)
        return self._promote(bracket, depth, self._rungs[bracket][depth - 1].promote())

    def _expect(self, index: int, cost: float) -> None:
        heapq.heappush(self._pending, (self._now + cost, index))

    def _forget(self, index: int) -> None:
        if self._pending and self._pending[0][1] == index:
            self._now, _ = heapq.heappop(self._pending)

    def _job(self) -> tuple[int, int] | None:
        """Where the next trial runs: as high as somebody may go, else on a first rung."""
        may = [
            (self.brackets[b].rungs[depth + 1].number, -b, depth + 1)
            for b, rungs in enumerate(self._rungs)
            for depth, standing in enumerate(rungs[:-1])
            if standing.ready
        ]
        if may:
            _, b, depth = max(may)
            return -b, depth
        first = next((b for b, left in enumerate(self._left) if left), None)
        return None if first is None else (first, 0)

    def _job_of_a_last_one(self) -> tuple[int, int] | None:
        """A rung of fewer than `factor` sends its best one on when nobody is to come any more."""
        for b, rungs in enumerate(self._rungs):
            for depth, standing in enumerate(rungs[:-1]):
                if standing.trials and not standing.promoted:
                    standing.choose(1)
                    return b, depth + 1
        return None


class UnorderedBrackets(AsynchronousBrackets):
    """The same, hearing of every trial when it has in fact ended: ASHA as it was published.

    Nobody waits for anybody, and the result depends on who ended first.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{**kwargs, "n_pending": 0})
        self._unheard: dict[int, None] = {}  # an ordered set

    def awaits(self, open_trials: Collection[int]) -> int | None:
        ended = next((index for index in self._unheard if index not in open_trials), None)
        if ended is None and self._job() is None:
            return next(iter(self._unheard), None)
        return ended

    def _expect(self, index: int, cost: float) -> None:
        self._unheard[index] = None

    def _forget(self, index: int) -> None:
        self._unheard.pop(index, None)

"""One call of the engine: whom to ask, whom to tell, when to stop. It has no other effects."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .schedulers import pending
from .trial import Origin, Proposal, Start
from .virtual_time import VirtualTime

if TYPE_CHECKING:
    from .engine import Engine


class StopReason:
    """The texts of ``stop_reason_``."""

    N_ITER = "n_iter reached"
    EXHAUSTED = "search space exhausted"
    LAST_RUNG = "last rung complete"
    TIME = "time budget spent"
    INTERRUPT = "interrupted"
    CALLBACK = "stopped by a callback"
    EARLY = frozenset({TIME, INTERRUPT, CALLBACK})  # before the plan was carried out


class Proposer(Protocol):
    """What the engine needs of a sampler.

    It is told what has ended in virtual time, see :class:`~skhpt.virtual_time.VirtualTime`. One
    that has to know others may have ``needs(n_trials)``: how many of the first trials must have
    ended, and been told, before it is asked for the next. Or it may have
    ``awaits(open_trials)``: a single trial that must, again and again until it says None.
    """

    learns: bool

    def ask(self) -> Mapping[str, Any] | Proposal | None: ...

    def tell(self, trial) -> None: ...


class Turn:
    """One call of :meth:`Engine.run`: whom to ask, whom to tell, when to stop."""

    def __init__(
        self, engine: Engine, sampler: Proposer, n_trials: int | None, initial: Iterable[Start]
    ):
        self._engine = engine
        self._ledger = engine.ledger
        self._sampler = sampler
        self._first = len(self._ledger)
        self._told: set[int] = set()
        self._all_told = self._first  # and so are all before this one
        self._ledger.learn_all()
        self._time = VirtualTime(self._ledger, engine.least)
        self._last = None if n_trials is None else self._first + n_trials
        self._initial = deque(initial)
        self.reason: str | None = None

    def stop(self, reason: str) -> None:
        """Propose nothing more; what is open goes on."""
        self.reason = self.reason or reason

    def cut_short(self, reason: str) -> None:
        """End with trials open, whatever the reason was why nothing more is proposed."""
        self.reason = reason

    def advance(self) -> bool:
        """Close, propose; False when the search is over before its open trials are."""
        self._engine.wanted_of_scheduler()
        if self._engine.out_of_time():
            self.stop(StopReason.TIME)
        while self.reason is None and self._room():
            if self._full():
                self.stop(StopReason.N_ITER)
            elif self._initial:
                if self._races and not self._makes_room():
                    break
                start = self._initial.popleft()
                trial = self._ledger.add(start.params, start.origin, start.eligible)
                self._time.begin(trial.index)
                self._sampler.tell(trial)  # so that it is known to be pending
            elif self._may_ask():
                self._ask()
            else:
                break
        return bool(self._ledger.open)

    def finish(self) -> None:
        """Tell the sampler what is left, so that it may be asked to explain itself later."""
        self._tell_until(len(self._ledger))

    def _full(self) -> bool:
        return self._last is not None and len(self._ledger) >= self._last

    def _room(self) -> bool:
        """Open trials enough to keep the workers busy need no further proposal yet."""
        return len(self._ledger.open) < 2 * self._engine.executor.n_workers or self._full()

    def may_go_on(self) -> bool:
        """Whether something may be proposed that could not before, although nothing has ended."""
        if self.reason is not None or not self._waits or not self._room():
            return False
        return self._time.next_to_end() is not None

    def _may_ask(self) -> bool:
        if self._sampler.learns and hasattr(self._sampler, "awaits"):
            return self._has_heard_enough()
        if self._sampler.learns and hasattr(self._sampler, "needs"):
            return self._has_ended(self._sampler.needs(len(self._ledger)))
        return not self._waits or self._makes_room()

    @property
    def _races(self) -> bool:
        """Whether what a trial knows decides how it runs."""
        return getattr(self._engine.scheduler, "races", False)

    @property
    def _waits(self) -> bool:
        """Whether virtual time says when the next trial may be proposed."""
        chooses = hasattr(self._sampler, "awaits") or hasattr(self._sampler, "needs")
        return self._races or (self._sampler.learns and not chooses)

    def _makes_room(self) -> bool:
        """Let trials end until as many run as may beside the next; False while one is open."""
        most = pending(self._engine.look_ahead, len(self._ledger))
        while not self._time.has_room(most):
            index = self._time.end_next()
            if index is None:
                return False
            self._ledger.learn(index)
            self._tell(index)
        return True

    def _has_ended(self, n_trials: int) -> bool:
        """Tell the first so many trials; False while one of them is open."""
        needed = max(self._first, n_trials)
        if next(iter(self._ledger.open), len(self._ledger)) < needed:
            return False
        self._tell_until(needed)
        return True

    def _has_heard_enough(self) -> bool:
        """Tell the trials that the sampler waits for, one by one; False while one is open."""
        while (index := self._sampler.awaits(self._ledger.open)) is not None:
            if index in self._ledger.open:
                return False
            self._tell(index)
        return True

    def _tell_until(self, end: int) -> None:
        for index in range(self._all_told, end):
            self._tell(index)
        self._all_told = max(self._all_told, end)

    def _tell(self, index: int) -> None:
        if index < self._all_told or index in self._told:
            return
        self._told.add(index)
        self._sampler.tell(self._ledger.trial(index))

    def _ask(self) -> None:
        params = self._sampler.ask()
        if params is None:
            climbed = len(self._ledger) and self._ledger.trials[-1].rung is not None
            self.stop(StopReason.LAST_RUNG if climbed else StopReason.EXHAUSTED)
            return
        if isinstance(params, Proposal):
            configuration, rung, parent, origin, eligible = params
            self._time.begin(self._ledger.add(configuration, origin, eligible, rung, parent).index)
            return
        space = getattr(self._sampler, "space", None)
        if space is not None and not space.contains(params):
            raise ValueError(
                f"{type(self._sampler).__name__}.ask() must return a configuration of its space, "
                f"got {params!r}, which is not one of {space!r}. space.decode(point of the unit "
                "cube) always is."
            )
        self._time.begin(self._ledger.add(params, Origin.SAMPLER).index)

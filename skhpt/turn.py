"""One call of the engine: whom to ask, whom to tell, when to stop. It has no other effects."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .schedulers import horizon
from .trial import Origin, Proposal, Start

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

    One whose proposals depend on others than the last few may have ``needs(n_trials)``: how many
    of the first trials must have ended, and been told, before it is asked for the next. Or it
    may have ``awaits(open_trials)``: a single trial that must, again and again until it says None.
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
        self._told = self._first  # all before this one
        self._told_apart: set[int] = set()  # and these
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
                start = self._initial.popleft()
                trial = self._ledger.add(start.params, start.origin, start.eligible)
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

    def _may_ask(self) -> bool:
        if not self._sampler.learns:
            return True
        if hasattr(self._sampler, "awaits"):
            return self._has_heard_enough()
        needed = max(self._first, self._needed())
        oldest_open = next(iter(self._ledger.open), len(self._ledger))
        if oldest_open < needed:
            return False
        self._tell_until(needed)
        return True

    def _needed(self) -> int:
        """How many trials must have ended before the next proposal."""
        own = getattr(self._sampler, "needs", None)
        if own is not None:
            return own(len(self._ledger))
        return horizon(self._engine.look_ahead, len(self._ledger)) + 1

    def _has_heard_enough(self) -> bool:
        """Tell the trials that the sampler waits for, one by one; False while one is open."""
        while (index := self._sampler.awaits(self._ledger.open)) is not None:
            if index in self._ledger.open:
                return False
            self._tell(index)
        return True

    def _tell_until(self, end: int) -> None:
        for index in range(self._told, end):
            if index not in self._told_apart:
                self._tell(index)
        self._told = max(self._told, end)

    def _tell(self, index: int) -> None:
        if index >= self._told:
            self._told_apart.add(index)
        self._sampler.tell(self._ledger.trial(index))

    def _ask(self) -> None:
        params = self._sampler.ask()
        if params is None:
            climbed = len(self._ledger) and self._ledger.trials[-1].rung is not None
            self.stop(StopReason.LAST_RUNG if climbed else StopReason.EXHAUSTED)
            return
        if isinstance(params, Proposal):
            configuration, rung, parent, origin, eligible = params
            self._ledger.add(configuration, origin, eligible, rung, parent)
            return
        space = getattr(self._sampler, "space", None)
        if space is not None and not space.contains(params):
            raise ValueError(
                f"{type(self._sampler).__name__}.ask() must return a configuration of its space, "
                f"got {params!r}, which is not one of {space!r}. space.decode(point of the unit "
                "cube) always is."
            )
        self._ledger.add(params, Origin.SAMPLER)

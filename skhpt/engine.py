"""THE loop: ask, schedule, submit, wait, record, tell. The only place with effects.

What decides is elsewhere: samplers propose, schedulers choose, a clock is given. The
result depends on none of the things that differ between two runs of the same search:
neither on the number of workers nor on the order in which they end.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .ledger import Ledger
from .schedulers import Scheduler, all_folds
from .trial import Origin, Outcome, Start, Status, Step


class StopReason:
    """The texts of ``stop_reason_``."""

    N_ITER = "n_iter reached"
    EXHAUSTED = "search space exhausted"
    TIME = "time budget spent"
    INTERRUPT = "interrupted"


class Proposer(Protocol):
    """What the engine needs of a sampler."""

    learns: bool

    def ask(self) -> Mapping[str, Any] | None: ...

    def tell(self, trial) -> None: ...


@dataclass
class Engine:
    """Runs steps until nothing is left to propose or to run.

    Parameters
    ----------
    ledger : Ledger
        Where outcomes go; may hold the trials of an earlier run.
    executor : Executor
        Has ``n_workers``, ``submit(function, *args)`` and ``next_done(timeout)``.
    run_step : callable
        ``run_step(step, params)`` gives the function and the arguments to submit.
    scheduler : callable, default=all_folds
    capacity : int or None, default=None
        Steps handed to the executor at a time; None is two a worker, so that none waits.
    look_ahead : int, default=1
        A sampler that learns is asked for trial ``t`` when exactly the trials up to
        ``t - look_ahead`` have been told, whatever else is known by then: proposals
        depend on this number and not on timing.
    deadline : float or None, default=None
        Value of `clock` at which the last step should have ended.
    reserve : int, default=0
        Steps, as long as the longest so far, that must still fit in before the deadline
        after the last one (the refit).
    clock : callable, default=time.monotonic
    """

    ledger: Ledger
    executor: Any
    run_step: Callable[[Step, Mapping[str, Any]], tuple]
    scheduler: Scheduler = all_folds
    capacity: int | None = None
    look_ahead: int = 1
    deadline: float | None = None
    reserve: int = 0
    clock: Callable[[], float] = time.monotonic
    _in_flight: dict[int, Step] = field(default_factory=dict)
    _longest_step: float = 0.0

    def run(
        self,
        sampler: Proposer,
        n_trials: int | None,
        initial: Iterable[Start] = (),
    ) -> str:
        """Propose and evaluate trials until there is a reason to stop.

        Parameters
        ----------
        sampler : Sampler
        n_trials : int or None
            How many trials this call adds; None leaves it to the sampler.
        initial : iterable of Start
            Configurations to try first; they count towards `n_trials`.

        Returns
        -------
        reason : str
            One of :class:`StopReason`.
        """
        turn = _Turn(self, sampler, n_trials, initial)
        try:
            while turn.advance():
                self._submit()
                if not self._in_flight:
                    break
                self._collect()
        except KeyboardInterrupt:
            turn.stop(StopReason.INTERRUPT)
            self._in_flight.clear()
        self._close_open_trials()
        turn.finish()
        return turn.reason or StopReason.TIME

    # -- effects -----------------------------------------------------------------------

    def out_of_time(self) -> bool:
        """True when another step, and what is reserved, would probably end after the deadline."""
        if self.deadline is None:
            return False
        return self.clock() + (1 + self.reserve) * self._longest_step > self.deadline

    def wanted_of_scheduler(self) -> list[Step]:
        """Close what the scheduler calls finished; return what it still wants."""
        steps, finished = self.scheduler(self.ledger)
        for index, status in finished:
            self.ledger.close(index, status)
        return steps

    def _submit(self) -> None:
        capacity = self.capacity or 2 * self.executor.n_workers
        if self.executor.n_workers == 1:
            capacity = 1  # a later step must see what an earlier one has found
        free = capacity - len(self._in_flight)
        if free <= 0 or self.out_of_time():
            return
        running = {
            (s.trial, fold, s.resource) for s in self._in_flight.values() for fold in s.folds
        }
        for step in self.scheduler(self.ledger)[0]:
            if free <= 0:
                return
            if (step.trial, step.folds[0], step.resource) in running:
                continue
            function, *args = self.run_step(step, self.ledger.trial(step.trial).params)
            self._in_flight[self.executor.submit(function, *args)] = step
            free -= 1

    def _collect(self) -> None:
        """Wait for one step, then take everything else that has ended meanwhile."""
        timeout: float | None = None
        while self._in_flight:
            try:
                ticket, fetch = self.executor.next_done(timeout)
            except queue.Empty:
                return
            del self._in_flight[ticket]
            outcomes: list[Outcome] = fetch()
            for outcome in outcomes:
                self.ledger.record(outcome)
            spent = sum(outcome.fit_time + outcome.score_time for outcome in outcomes)
            self._longest_step = max(self._longest_step, spent)
            if self.executor.n_workers == 1:
                return
            timeout = 0.0

    def _close_open_trials(self) -> None:
        """What could not be finished ends as stopped: no trial stays open."""
        self.wanted_of_scheduler()
        self.ledger.withdraw_unrun()
        for index in list(self.ledger.open):
            self.ledger.close(index, Status.STOPPED)


class _Turn:
    """One call of :meth:`Engine.run`: whom to ask, whom to tell, when to stop."""

    def __init__(
        self, engine: Engine, sampler: Proposer, n_trials: int | None, initial: Iterable[Start]
    ):
        self._engine = engine
        self._ledger = engine.ledger
        self._sampler = sampler
        self._first = len(self._ledger)
        self._told = self._first
        self._last = None if n_trials is None else self._first + n_trials
        self._initial = deque(initial)
        self.reason: str | None = None

    def stop(self, reason: str) -> None:
        self.reason = self.reason or reason

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
        needed = max(self._first, len(self._ledger) - self._engine.look_ahead + 1)
        oldest_open = next(iter(self._ledger.open), len(self._ledger))
        if oldest_open < needed:
            return False
        self._tell_until(needed)
        return True

    def _tell_until(self, end: int) -> None:
        for index in range(self._told, end):
            self._sampler.tell(self._ledger.trial(index))
        self._told = max(self._told, end)

    def _ask(self) -> None:
        params = self._sampler.ask()
        if params is None:
            self.stop(StopReason.EXHAUSTED)
            return
        space = getattr(self._sampler, "space", None)
        if space is not None and not space.contains(params):
            raise ValueError(
                f"{type(self._sampler).__name__}.ask() must return a configuration of its space, "
                f"got {params!r}, which is not one of {space!r}. space.decode(point of the unit "
                "cube) always is."
            )
        self._ledger.add(params, Origin.SAMPLER)

"""THE loop: ask, schedule, submit, wait, record, tell. The only place with effects.

What decides is elsewhere: samplers propose, schedulers choose, a clock is given. The
result depends on none of the things that differ between two runs of the same search:
neither on the number of workers nor on the order in which they end.
"""

from __future__ import annotations

import contextlib
import math
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .budget import TimeBudget, in_time
from .executors import WorkerDied
from .interrupts import Interrupts
from .ledger import Ledger
from .schedulers import LookAhead, Scheduler, all_folds
from .trial import Outcome, Start, Status, Step
from .turn import Proposer, StopReason, Turn

__all__ = ["Engine", "StopReason"]


class Work(NamedTuple):
    """A step and the call that runs it, which is the same should it be run again."""

    step: Step
    call: tuple
    on_trial: bool = False  # alone on the workers, since one of them died under it


# How long a Ctrl-C may have to wait while steps are running. (Some systems do not let it
# interrupt a wait that has no end.)
_SECONDS_BETWEEN_LOOKS = 0.1
# And how long a worker may, to whom something could be given.
_SECONDS_BETWEEN_GLANCES = 0.01

_DEATH = (
    "The worker process died while this fit ran alone on it{codes}. The commonest reason is "
    "memory: the system kills what asks for too much. Use fewer n_jobs, or keep configurations "
    "of this size out of the search space; a crash inside a compiled library ends in the same way."
)


@dataclass
class Engine:
    """Runs steps until nothing is left to propose or to run.

    Parameters
    ----------
    ledger : Ledger
        Where outcomes go; may hold the trials of an earlier run.
    executor : Executor
        Has ``n_workers``, ``is_local``, ``submit(function, *args)`` and ``next_done(timeout)``;
        one whose workers may die has ``restart()``.
    run_step : callable
        ``run_step(step, params)`` gives the function and the arguments to submit.
    scheduler : callable, default=all_folds
    capacity : int or None, default=None
        Steps handed to the executor at a time; None is two a worker, so that none waits.
    look_ahead : int or callable, default=1
        So many trials are pending when one begins, itself among them. Those that have ended by
        then, in virtual time, have been told, whatever else is known: proposals depend on this
        number and not on timing.
    least : callable or None, default=None
        See :class:`~skhpt.virtual_time.VirtualTime`.
    deadline : float or None, default=None
        Value of `clock` at which the last step should have ended.
    reserve : float, default=0.0
        What must still fit in before the deadline after the last step (the refit), in fits
        as long as the longest so far.
    reserve_resource : float or None, default=None
        What these have of the resource that steps have; None is the most that any had.
    clock : callable, default=time.monotonic
    watch : callable or None, default=None
        ``watch(ledger)`` is called in the caller's thread whenever outcomes were recorded and
        trials that have ended are closed; true ends the search.
    record_deaths : bool, default=True
        What becomes of a step that kills its worker even when it runs alone: failed outcomes
        for it and for the folds that its trial still lacks, or (False) an error.

    Attributes
    ----------
    is_busy : bool
        After :meth:`run`: whether workers may still run a step for which nobody waits, or were
        interrupted themselves.

    Notes
    -----
    A worker that dies takes every step in flight with it, and nobody can tell whose fault it
    was. So each of them runs again, alone: what then survives was a bystander. A configuration
    that kills its worker on one fold is not given its remaining folds.

    A search that is stopped or interrupted does not wait for what is running, and loses
    nothing that has ended.
    """

    ledger: Ledger
    executor: Any
    run_step: Callable[[Step, Mapping[str, Any]], tuple]
    scheduler: Scheduler = all_folds
    capacity: int | None = None
    look_ahead: LookAhead = 1
    least: Callable[[int], float] | None = None
    deadline: float | None = None
    reserve: float = 0.0
    reserve_resource: float | None = None
    clock: Callable[[], float] = time.monotonic
    watch: Callable[[Ledger], bool] | None = None
    record_deaths: bool = True
    is_busy: bool = field(default=False, init=False)
    _in_flight: dict[int, Work] = field(default_factory=dict, init=False)
    _suspects: deque[Work] = field(default_factory=deque, init=False)
    _stop_asked: bool = field(default=False, init=False)
    _interrupts: Interrupts = field(default_factory=Interrupts, init=False)

    def __post_init__(self):
        self._budget = TimeBudget(self.deadline, self.reserve, self.clock, self.reserve_resource)

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
        turn = Turn(self, sampler, n_trials, initial)
        self._stop_asked = False
        with self._interrupts:
            try:
                while turn.advance():
                    self._submit()
                    if not self._in_flight:
                        turn.cut_short(StopReason.TIME)
                        break
                    self._collect(turn)
                    if self._stop_asked:
                        turn.cut_short(StopReason.CALLBACK)
                        break
                self._interrupts.check()
            except KeyboardInterrupt:
                turn.cut_short(StopReason.INTERRUPT)
                self._drain()
            self.is_busy = bool(self._in_flight) or turn.reason == StopReason.INTERRUPT
            self._abandon()
            turn.finish()
        return turn.reason

    def hold_back(self, n_fits: float, resource: float | None, until: tuple = (0, 0)) -> None:
        """Keep time for what comes after the proposals; see TimeBudget."""
        self._budget.hold_back(n_fits, resource, until)

    # -- effects -----------------------------------------------------------------------

    @property
    def is_serial(self) -> bool:
        return self.executor.n_workers == 1

    def out_of_time(self) -> bool:
        """True when another step, and what is reserved, would probably end after the deadline."""
        return self._budget.is_spent()

    def wanted_of_scheduler(self) -> list[Step]:
        """Close what the scheduler calls finished; return what it still wants."""
        steps, finished = self.scheduler(self.ledger)
        for index, status in finished:
            self.ledger.close(index, status)
        return steps

    def _submit(self) -> None:
        if self.out_of_time():
            return
        if self._suspects:
            if not self._in_flight:
                self._send(self._suspects.popleft())
            return
        free = self._capacity() - len(self._in_flight)
        running = {
            (work.step.trial, fold, work.step.resource)
            for work in self._in_flight.values()
            for fold in work.step.folds
        }
        for step in self.scheduler(self.ledger)[0]:
            if free <= 0:
                return
            if (step.trial, step.folds[0], step.resource) in running:
                continue
            if not self._budget.allows(step.resource):
                continue
            params = self.ledger.trial(step.trial).params
            self._send(Work(step, self.run_step(step, params)))
            free -= 1

    def _capacity(self) -> int:
        if self.is_serial:
            return 1  # a later step must see what an earlier one has found
        capacity = self.capacity or 2 * self.executor.n_workers
        if self._budget.is_blind:  # whether what waits can end in time is not known yet
            return min(capacity, self.executor.n_workers)
        return capacity

    def _send(self, work: Work) -> None:
        latest_start = latest_fold = math.inf
        if self.executor.is_local:  # elsewhere there is another clock
            latest_start = self._budget.latest_start(work.step.resource)
            latest_fold = self._budget.latest_fold(work.step.resource)
        limits = (latest_start, latest_fold if len(work.step.folds) > 1 else None)
        ticket = self.executor.submit(in_time, self.clock, *limits, *work.call)
        self._in_flight[ticket] = work

    def _collect(self, turn: Turn) -> None:
        """Wait for one step, then take everything else that has ended meanwhile.

        What is running may have got so far that more can be proposed: then it is not waited for.
        """
        idle = len(self._in_flight) < self.executor.n_workers and self.least is not None
        timeout = _SECONDS_BETWEEN_GLANCES if idle else _SECONDS_BETWEEN_LOOKS
        while self._in_flight:
            self._interrupts.check()
            try:
                ticket, fetch = self.executor.next_done(timeout)
            except queue.Empty:
                if timeout and not turn.may_go_on():
                    continue
                return
            self._take(ticket, fetch)
            if self.is_serial:
                return
            timeout = 0.0

    def _take(self, ticket: int, fetch) -> None:
        work = self._in_flight.pop(ticket, None)
        if work is None:
            return  # given up, and run again
        try:
            # Alone, the fit runs here; else a result is fetched that must not be lost.
            with self._interrupts.at_once() if self.is_serial else contextlib.nullcontext():
                outcomes, seconds = fetch()
        except WorkerDied as death:
            self._interrupts.check()  # Ctrl-C kills workers that have not quite started
            self._recover(work, death)
        else:
            self._record(outcomes, seconds)

    def _record(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        for outcome in outcomes:
            self.ledger.record(outcome)
            self._stop_asked = self._stop_asked or outcome.stop
        self._budget.learn(outcomes, seconds)
        if outcomes and self.watch is not None:
            self.wanted_of_scheduler()
            self._stop_asked = bool(self.watch(self.ledger)) or self._stop_asked

    def _recover(self, work: Work, death: WorkerDied) -> None:
        """Go on after the death of workers: judge the step that ran alone, or suspect all."""
        self.executor.restart()
        if work.on_trial:
            self._condemn(work.step, death)
            return
        lost = [work, *self._salvage()]
        lost.sort(key=lambda work: (work.step.trial, work.step.folds))
        self._suspects.extend(work._replace(on_trial=True) for work in lost)

    def _condemn(self, step: Step, death: WorkerDied) -> None:
        text = _DEATH.format(codes=f" ({death.codes})" if death.codes else "")
        if not self.record_deaths:
            raise WorkerDied(text, death.codes) from death
        self._suspects = deque(w for w in self._suspects if w.step.trial != step.trial)
        missing = self.ledger.missing(step.trial)
        folds = [*step.folds, *(fold for fold in missing if fold not in step.folds)]
        failed = Outcome(step.trial, 0, {}, 0.0, 0.0, error=text, resource=step.resource)
        told = 0.0 if self.least is None else self.least(step.trial)
        outcomes = [replace(failed, fold=folds[0], vain=told)]
        outcomes += [replace(failed, fold=fold) for fold in folds[1:]]
        self._record(outcomes, seconds=0.0)

    def _salvage(self) -> list[Work]:
        """Record what had ended before the workers did; return the rest of what was in flight."""
        lost = []
        for work, fetch in self._ended():
            try:
                outcomes, seconds = fetch()
            except WorkerDied:
                lost.append(work)
            else:
                self._record(outcomes, seconds)
        lost.extend(self._in_flight.values())
        self._in_flight.clear()
        return lost

    def _drain(self) -> None:
        """Record what had ended before the interrupt, which some workers got as well."""
        if self.is_serial:
            return
        for _, fetch in self._ended():
            with contextlib.suppress(KeyboardInterrupt, WorkerDied):
                self._record(*fetch())

    def _ended(self) -> Iterator[tuple[Work, Callable]]:
        """What has ended by now."""
        while self._in_flight:
            try:
                ticket, fetch = self.executor.next_done(0.0)
            except queue.Empty:
                return
            work = self._in_flight.pop(ticket, None)
            if work is not None:
                yield work, fetch

    def _abandon(self) -> None:
        """Give up what could not be finished: no trial stays open, nothing is waited for."""
        self._in_flight.clear()
        self._suspects.clear()
        self.wanted_of_scheduler()
        self.ledger.withdraw_unrun()
        for index in list(self.ledger.open):
            self.ledger.close(index, Status.STOPPED)

"""Carries a plan out: on the workers, in the time that there is, watched by whoever listens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ._compat import cpu_count, num_samples, pre_dispatch_limit, session_settings
from .callbacks import SearchCallbacks
from .climbing import evaluate_climbing
from .engine import Engine, StopReason
from .evaluate import Problem, evaluate
from .executors import open_executor
from .finish import Finish
from .headway import Headway
from .ledger import Ledger
from .plan import Plan
from .progress import LiveLine
from .racing import Racing
from .schedulers import LookAhead, Scheduler, all_folds
from .together import evaluate_together
from .trial import Origin
from .virtual_time import uncounted

# Sees the ledger after every outcome; what it returns is true to end the search.
Listener = Callable[[Ledger], Any]


@dataclass(frozen=True)
class Orders:
    """How a plan is to be carried out.

    Attributes
    ----------
    n_jobs, pre_dispatch
        As in joblib.
    look_ahead : int or callable
        See :class:`~skhpt.engine.Engine`.
    z : float or None
        Standard errors of the race; None runs every candidate on every fold.
    deadline : float or None
        Value of ``time.monotonic()`` at which all should have ended.
    n_refits : int
        Fits on all rows that come afterwards.
    record_deaths : bool
        Whether a fit that kills its worker counts as failed; else it is an error.
    shows_line : bool
        Whether to show the live line.
    finish : Finish
        What comes after the last proposal.
    """

    n_jobs: int | None
    pre_dispatch: Any
    look_ahead: LookAhead
    z: float | None
    deadline: float | None
    n_refits: int
    record_deaths: bool
    shows_line: bool
    finish: Finish

    def scheduler(self, in_step: bool) -> Scheduler:
        """Who gets the next fold; folds that train in step are one step."""
        if self.z is None and not in_step:
            return all_folds
        return Racing(self.z)

    def most_at_once(self, plan: Plan, in_step: bool) -> float:
        """How many steps can ever run at a time, however many workers there are."""
        waits = self.z is not None or (in_step and any(leg.sampler.learns for leg in plan.legs))
        if not waits:
            return math.inf
        n_last = plan.n_candidates or 0
        return self.look_ahead(n_last) if callable(self.look_ahead) else self.look_ahead


def carry_out(
    plan: Plan,
    problem: Problem,
    ledger: Ledger,
    callbacks: SearchCallbacks,
    listeners: Sequence[Listener],
    orders: Orders,
) -> str:
    """Run the legs of a plan, one after the other; the ledger is filled.

    Returns
    -------
    reason : str
        One of :class:`~skhpt.engine.StopReason`.
    """
    reason, line = None, None
    if orders.shows_line:
        left = None if orders.deadline is None else orders.deadline - time.monotonic()
        line = LiveLine(plan.n_candidates, ledger.n_folds, deadline_seconds=left)
        listeners = [*listeners, line]
    try:
        reason = _on_workers(plan, problem, ledger, callbacks, listeners, orders)
    finally:  # an error finds a line of its own
        if line is not None:
            line.close(ledger, reason)
    return reason


def _on_workers(plan, problem: Problem, ledger, callbacks, listeners, orders: Orders) -> str:
    executor = open_executor(orders.n_jobs)
    shared, finished = None, False
    try:
        capacity = 1
        if problem.stopping is not None and executor.n_workers > 1 and executor.is_local:
            problem = replace(problem, headway=Headway())
        if executor.n_workers > 1:
            capacity = pre_dispatch_limit(orders.pre_dispatch, executor.n_workers)
            in_step = problem.stopping is not None
            n_busy = min(executor.n_workers, orders.most_at_once(plan, in_step))
            share = max(1, cpu_count() // n_busy)  # a worker that must idle lends its cores
            settings = session_settings(with_filters=not executor.shares_memory)
            problem = problem.in_worker(threads=share, settings=settings)
        shared = executor.share(problem)
        engine = Engine(
            ledger=ledger,
            executor=executor,
            scheduler=orders.scheduler(in_step=problem.stopping is not None),
            run_step=_calls(problem, ledger, callbacks, shared),
            capacity=capacity,
            look_ahead=orders.look_ahead,
            least=_least_of(problem),
            deadline=orders.deadline,
            reserve=orders.n_refits * _fits_a_refit(problem),
            # Where rows are the resource, a refit has all of them.
            reserve_resource=num_samples(problem.X) if problem.rungs else None,
            record_deaths=orders.record_deaths,
            watch=_all_of(listeners),
        )
        orders.finish.begin(engine)
        reason = _run_legs(engine, plan)
        if reason not in StopReason.EARLY:
            reason = orders.finish.run(engine, ledger) or reason
        elif reason == StopReason.TIME:
            reason = orders.finish.out_of_time(engine, ledger) or reason
        finished = not engine.is_busy
    finally:
        executor.close(abort=not finished)
        if shared is not None:
            shared.close()
        if problem.headway is not None:
            problem.headway.close()
    return reason


def _least_of(problem: Problem) -> Callable[[int], float] | None:
    """What is known of the length of a candidate that runs, where candidates differ in it."""
    if problem.stopping is None:
        return None
    return (lambda index: 0.0) if problem.headway is None else problem.headway.least


def _fits_a_refit(problem: Problem) -> float:
    """A refit has more rows than the largest fold has for training, and all of the rounds.

    What climbs has trained a part of them on the rungs below: a half, if the resource doubles.
    """
    n_train = max(1, *(len(train) for train, _ in problem.splits))
    return (2 if problem.climbs else 1) * num_samples(problem.X) / n_train


def _calls(problem: Problem, ledger: Ledger, callbacks: SearchCallbacks, shared):
    """What runs a step: the function and its arguments."""

    def run_step(step, params):
        origin = ledger.trial(step.trial).origin
        function, told = evaluate, callbacks.of(step)
        if step.folds[0] >= ledger.n_first:  # a second look: the rounds are known
            found, told = ledger.n_rounds(step.trial), None
            if found is not None:
                function = partial(evaluate_together, exactly=found)
        elif origin is Origin.DEFAULT:  # the estimator as given keeps the rounds it was given
            if problem.headway is not None:
                problem.headway.tell(step.trial, uncounted(ledger.n_first))
        elif problem.climbs:
            function = evaluate_climbing
        elif origin is Origin.SLOWER:
            function = partial(evaluate_together, exactly=params[problem.stopping.parameter])
        elif problem.stopping is not None:
            function = evaluate_together
        return function, step, params, shared, told

    return run_step


def _run_legs(engine: Engine, plan: Plan) -> str:
    initial = plan.initial
    for leg in plan.legs:
        engine.ledger.begin(leg.space)
        reason = engine.run(leg.sampler, leg.n_trials, initial)
        if reason in StopReason.EARLY:
            break
        initial = ()
    return reason


def _all_of(listeners: Sequence[Listener]) -> Listener | None:
    if not listeners:
        return None

    def watch(ledger: Ledger) -> bool:
        answers = [listener(ledger) for listener in listeners]  # each hears of everything
        return any(answers)

    return watch

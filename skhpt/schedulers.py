"""Who gets the next fold or budget: pure functions of the ledger.

A scheduler returns everything that it still wants, each time; the engine subtracts what
is in flight. (A scheduler that named a step only once would lose it when workers are short.)
"""

from __future__ import annotations

from collections.abc import Callable

from .ledger import Ledger
from .trial import Status, Step, Trial

Plan = tuple[list[Step], list[tuple[int, Status]]]
Scheduler = Callable[[Ledger], Plan]
# How many trials may be pending: a number, or one for each trial. It depends on nothing else, so
# that the result of a search does not depend on its workers.
LookAhead = int | Callable[[int], int]


def pending(look_ahead: LookAhead, index: int) -> int:
    """How many trials may be pending, a trial among them, when it begins."""
    return look_ahead(index) if callable(look_ahead) else look_ahead


def all_folds(ledger: Ledger) -> Plan:
    """Every trial runs on every fold, one fold a step, older trials first.

    Parameters
    ----------
    ledger : Ledger

    Returns
    -------
    steps : list of Step
        Folds that open trials still lack, including those that are running.
    finished : list of (int, Status)
        Trials that lack none.
    """
    steps: list[Step] = []
    finished: list[tuple[int, Status]] = []
    for index in ledger.open:
        missing = ledger.missing(index)
        steps.extend(_step(ledger.trial(index), fold) for fold in missing)
        if not missing:
            finished.append((index, verdict(ledger, index)))
    return steps, finished


def _step(trial: Trial, fold: int) -> Step:
    if trial.rung is None:
        return Step(trial.index, (fold,))
    resource = trial.rung.resource
    return Step(trial.index, (fold,), resource=resource, rung=trial.rung, root=trial.root)


def verdict(ledger: Ledger, index: int) -> Status:
    """Status of a trial that ran all its folds."""
    if any(outcome.error is not None for outcome in ledger.folds(index).values()):
        return Status.FAILED
    return Status.COMPLETE if ledger.trial(index).has_full_budget else Status.PARTIAL

"""Generations of a population: how they are carried out, and the tables of them."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .engine import Engine, StopReason
from .finish import Finish
from .last_chance import Once
from .ledger import Ledger
from .plan import Leg
from .population import Population
from .schedule import evaluate_along
from .schedulers import all_folds
from .table import cv_results
from .trial import Proposal, Status, Trial

ALL_ROUNDS = "max_rounds reached"
NO_SURVIVOR = "every member failed"


@dataclass(frozen=True)
class Generations(Leg):
    """The population as a part of a plan: it runs when the plan has ended, see Exchanges.

    Attributes
    ----------
    n_others : int
        Trials besides those of the population.
    """

    n_others: int = 0

    def n_candidates(self, initial: Sequence = ()) -> int:
        return self.sampler.n_proposals + self.n_others


@dataclass(frozen=True)
class Exchanges(Finish):
    """Trains the population, generation by generation, and the baseline after it.

    Attributes
    ----------
    population : Population
    baseline : Proposal or None
    """

    population: Population = None
    baseline: Proposal | None = None

    def run(self, engine: Engine, ledger: Ledger) -> str | None:
        plainly = engine.run_step
        with _folder_for_several(engine) as folder:
            train = partial(evaluate_along, folder=folder)
            engine.run_step = lambda step, params: (train, *plainly(step, params)[1:])
            engine.scheduler = self.population.steps
            reason = engine.run(self.population, None)
        if reason in StopReason.EARLY:
            return reason
        reason = ALL_ROUNDS if ledger.trials[-1].has_full_budget else NO_SURVIVOR
        if self.baseline is not None:
            engine.run_step, engine.scheduler = plainly, all_folds
            early = engine.run(Once(self.baseline), 1)
            reason = early if early in StopReason.EARLY else reason
        return reason


def _folder_for_several(engine: Engine):
    """Where workers leave models for each other; one alone has them all."""
    if engine.is_serial:
        return contextlib.nullcontext()
    # a worker that is still running may write to it while it is removed
    return tempfile.TemporaryDirectory(prefix="skhpt-", ignore_cleanup_errors=True)


class Members(Ledger):
    """The members as they are at the end: one trial each, and the baseline.

    They are those of the last generation that everybody has ended and somebody has survived.

    Parameters
    ----------
    ledger : Ledger
        Of all generations.
    population : Population

    Attributes
    ----------
    of_population : list of int
        The trial of each member in that ledger.
    """

    def __init__(self, ledger: Ledger, population: Population):
        super().__init__(ledger.n_folds, ledger.metric, ledger.error_score)
        self._all = ledger
        self.legs = [(0, population.space)]
        chosen = _last_generation([t for t in ledger.trials if t.index in population.lineages])
        self.of_population = [trial.index for trial in chosen]
        others = [t for t in ledger.trials if t.index not in population.lineages]
        for trial in [*chosen, *others]:
            self._take(trial)

    def _take(self, trial: Trial) -> None:
        new = self.add(trial.params, trial.origin, trial.eligible, trial.rung)
        for outcome in self._all.folds(trial.index).values():
            self.record(replace(outcome, trial=new.index))
        self.close(new.index, trial.status)

    def errors(self):
        return self._all.errors()

    @property
    def n_fits(self) -> int:
        return self._all.n_fits


def _last_generation(trials: Sequence[Trial]) -> list[Trial]:
    generations: dict[int, list[Trial]] = {}
    for trial in trials:
        generations.setdefault(trial.rung.number, []).append(trial)
    size = len(generations.get(0, ()))
    survived = (Status.COMPLETE, Status.PARTIAL)
    whole = [
        number
        for number, members in generations.items()
        if len(members) == size
        and all(trial.status is not Status.STOPPED for trial in members)
        and any(trial.status in survived for trial in members)
    ]
    return generations.get(max(whole, default=0), [])


def history(ledger: Ledger, population: Population, error_score: float) -> dict[str, Any]:
    """The table of all generations."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One or more of the")  # the members' table has told
        table = cv_results(ledger, error_score=error_score)
    known = [population.lineages.get(trial.index) for trial in ledger.trials]
    parents = [-1 if line is None or line.parent is None else line.parent for line in known]
    table["parent"] = np.array(parents)
    members = [index % population.plan.size for index in range(len(known))]
    table["member"] = np.array([-1 if line is None else m for m, line in zip(members, known)])
    return table

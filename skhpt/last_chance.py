"""The end of a halving search whose time is up before anybody had all of the resource.

Scores with less of it are no comparison. So the time for one configuration on the last rung is
held back from the beginning, and if nobody comes there otherwise, the best so far gets it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .engine import Engine, StopReason
from .finish import Finish
from .ledger import Ledger
from .trial import Proposal, Rung, Status, Trial


class Once:
    """A sampler with one proposal."""

    learns = False

    def __init__(self, proposal: Proposal):
        self._proposal = proposal

    def ask(self) -> Proposal:
        return self._proposal

    def tell(self, trial) -> None:
        pass


@dataclass(frozen=True)
class LastChance(Finish):
    """Sees to it that somebody runs on the last rung, whenever the time ends.

    Attributes
    ----------
    rung : Rung
        The last one.
    parameter : str or None
        The parameter that is the resource; None where it is none of the estimator's.
    n_folds : int
        Folds of the last rung.
    proposer : Ladder or Brackets
        Hears of a proposal that is not its own, where it has an ``admit(index)``.
    """

    rung: Rung | None = None
    parameter: str | None = None
    n_folds: int = 0
    proposer: Any = None

    def begin(self, engine: Engine) -> None:
        n_fits = math.ceil(self.n_folds / engine.executor.n_workers)
        # A fold costs the same however many of them there are.
        resource = None if self.rung.n_folds is not None else self.rung.resource
        engine.hold_back(n_fits, resource, until=(self.rung.resource, self.n_folds))

    def run(self, engine: Engine, ledger: Ledger) -> None:
        return None

    def out_of_time(self, engine: Engine, ledger: Ledger) -> str | None:
        if any(t.has_full_budget and t.eligible and _is_scored(t) for t in ledger.trials):
            return None
        best = best_of_highest(ledger)
        if best is None:
            return None
        engine.hold_back(0, None)
        params = dict(best.params)
        if self.parameter is not None:
            params[self.parameter] = self.rung.resource
        if hasattr(self.proposer, "admit"):
            self.proposer.admit(len(ledger))
        reason = engine.run(Once(Proposal(params, self.rung, best.index, best.origin)), 1)
        return reason if reason in StopReason.EARLY else None


def best_of_highest(ledger: Ledger) -> Trial | None:
    """The best of the highest rung from which somebody went on; of any, where nobody did."""
    scored = [t for t in ledger.trials if t.eligible and _is_scored(t) and not t.has_full_budget]
    if not scored:
        return None
    climbed = {t.rung.number - 1 for t in ledger.trials if t.root != t.index}
    level = max(climbed) if climbed else max(t.rung.number for t in scored)
    return max((t for t in scored if t.rung.number == level), key=lambda t: t.mean, default=None)


def _is_scored(trial: Trial) -> bool:
    return trial.status in (Status.COMPLETE, Status.PARTIAL) and not math.isnan(trial.mean)

"""Racing: folds run one after the other, and a candidate ends when it cannot win any more.

Whole candidates are one step each, so that what a rule knows is what was known when the step
was proposed: results do not depend on who ends first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .ledger import Ledger
from .schedulers import Plan, verdict
from .trial import Origin, Status, Step, Trial


@dataclass(frozen=True)
class WillItWin:
    """Forecasts whether a candidate can still beat the incumbent.

    With ``d_j`` the incumbent's score minus the candidate's on fold ``j``, `k` folds run and
    ``m`` to come, the candidate is dropped when the forecast total difference is beyond the
    noise of the folds to come and of the mean so far::

        sum(d) + m * mean(d)  >  z * spread * sqrt(m + m**2 / k)

    Attributes
    ----------
    metric : str
    incumbent : tuple of float
        Scores of the incumbent, one a fold; greater is better.
    spread : float
        Standard deviation of the difference to the incumbent between folds, see
        :func:`paired_spread`.
    z : float
        How many standard errors are beyond the noise.
    before : tuple of float
        Scores of the candidate on the first folds, where it has run on some already.
    early : tuple of mapping of int to float
        For each fold, the incumbent's scores at the first numbers of rounds, where it has grown.
    """

    metric: str
    incumbent: tuple[float, ...]
    spread: float
    z: float = 1.0
    before: tuple[float, ...] = ()
    early: tuple[Mapping[int, float], ...] = ()

    def is_ahead(self, position: int, n_rounds: int, score: float) -> bool:
        """Whether a candidate is no worse, early on one of its next folds, than the incumbent was.

        A forecast from so few rounds expects too little of those that learn slowly; the
        incumbent itself would have been given up.
        """
        fold = len(self.before) + position
        known = self.early[fold] if fold < len(self.early) else {}
        return score >= known.get(n_rounds, math.inf)

    def drops(self, scores: Sequence[float]) -> bool:
        """Whether to give up a candidate after its scores on the next folds."""
        scores = (*self.before, *scores)
        k = len(scores)
        m = len(self.incumbent) - k
        if m <= 0 or k == 0:
            return False
        behind = math.fsum(best - own for best, own in zip(self.incumbent, scores))
        if math.isnan(behind):
            return True  # a fold without a score: its mean will be none
        if self.spread == 0.0:
            return False  # nothing is known of the noise yet
        return behind + m * behind / k > self.z * self.spread * math.sqrt(m + m * m / k)


@dataclass(frozen=True)
class Racing:
    """Scheduler: whole candidates, each with the rule that ends it early.

    Parameters
    ----------
    z : float or None, default=1.0
        See :class:`WillItWin`; None lets every candidate run on every fold.

    Attributes
    ----------
    races : bool
        Whether there are rules: what a trial knows when it begins decides how far it gets.
    """

    z: float | None = 1.0
    _steps: dict[int, tuple[Trial, Step]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def races(self) -> bool:
        return self.z is not None

    def __call__(self, ledger: Ledger) -> Plan:
        steps: list[Step] = []
        finished: list[tuple[int, Status]] = []
        for index in ledger.open:
            folds = ledger.folds(index)
            if not folds:
                steps.append(self._step(ledger, ledger.trial(index)))
            elif not any(outcome.stop or outcome.late for outcome in folds.values()):
                finished.append((index, self._verdict(ledger, index)))
                self._steps.pop(index, None)
        return steps, finished

    def _step(self, ledger: Ledger, trial: Trial) -> Step:
        # A trial is asked for until it runs, and what it may know was settled when it began.
        of, step = self._steps.get(trial.index, (None, None))
        if of is not trial:
            step = self._new_step(ledger, trial)
            self._steps[trial.index] = (trial, step)
        return step

    def _new_step(self, ledger: Ledger, trial: Trial) -> Step:
        # The baseline is there to be compared with, so that it needs all its folds.
        is_baseline = trial.origin is Origin.DEFAULT
        whole = is_baseline or self.z is None
        rule = None if whole else rule_after(ledger, ledger.known_to(trial.index), self.z)
        return Step(trial.index, tuple(range(ledger.n_folds)), rule=rule)

    @staticmethod
    def _verdict(ledger: Ledger, index: int) -> Status:
        status = verdict(ledger, index)
        raced = status is Status.COMPLETE and ledger.missing(index)
        return Status.RACED if raced else status


def rule_after(ledger: Ledger, known: Iterable[int], z: float) -> WillItWin | None:
    """What some trials that have ended tell; None while there is no incumbent among them."""
    known = [ledger.trial(index) for index in known]
    complete = [t for t in known if t.status is Status.COMPLETE and t.eligible]
    complete = [t for t in complete if not math.isnan(t.score)]
    if not complete or ledger.metric is None:
        return None
    best = max(complete, key=lambda trial: (trial.score, -trial.index))
    others = [t.fold_scores for t in known if t.index != best.index and t.fold_scores]
    spread = paired_spread(best.fold_scores, others)
    early = tuple(dict(o.early) for _, o in sorted(ledger.folds(best.index).items()))
    return WillItWin(ledger.metric, best.fold_scores, spread, z, early=early)


def paired_spread(incumbent: Sequence[float], others: Sequence[Sequence[float]]) -> float:
    """Standard deviation, between folds, of a good candidate's difference to the incumbent.

    The variance is pooled over the half of the candidates that are nearest to the
    incumbent (how a hopeless one scatters says nothing), and shrunk with the weight of two
    degrees of freedom towards a guess: half the incumbent's own spread between folds. Folds
    explain most of the variance of scores, which is why candidates are compared in pairs.

    Parameters
    ----------
    incumbent : sequence of float of length n_folds
    others : sequence of sequences of float of length n_folds
        NaN where a fold did not run; those with fewer than two folds do not count.

    Returns
    -------
    float
        0 where all is equal.
    """
    best = np.asarray(incumbent, dtype=float)
    guess = np.var(best, ddof=1) / 4 if len(best) > 1 else 0.0
    table = np.asarray(others, dtype=float).reshape(-1, len(best)) - best
    ran = np.isfinite(table)
    usable = ran.sum(axis=1) >= 2
    table, ran = table[usable], ran[usable]
    if not len(table):
        return math.sqrt(guess)
    counts = ran.sum(axis=1)
    means = np.where(ran, table, 0.0).sum(axis=1) / counts
    nearest = np.argsort(np.abs(means), kind="stable")[: (len(means) + 1) // 2]
    residual = np.where(ran, table - means[:, None], 0.0)[nearest]
    freedom = (counts[nearest] - 1).sum()
    return math.sqrt((np.sum(residual**2) + 2 * guess) / (freedom + 2))

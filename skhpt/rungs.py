"""Successive halving: who is tried with how much of a resource, and who goes on with more.

A plan is arithmetic; a :class:`Ladder` carries it out as a proposer. A configuration on a rung
is a trial of the ledger, so promoting is proposing: the engine, its time budget, resume and the
table need to know nothing of it, and what is promoted depends on the scores of a rung and not
on who ended first. (A scheduler could not do it: it chooses among trials that exist.)

References
----------
K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization", AISTATS 2016.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .trial import Proposal, Rung, Trial


@dataclass(frozen=True)
class HalvingPlan:
    """How many configurations every rung has, and how much of the resource.

    Attributes
    ----------
    factor : float
        One configuration in so many goes on, with so many times the resource.
    min_resources, max_resources : int
    n_required : int
        Rungs until fewer than `factor` configurations are left.
    n_possible : int
        Rungs from `min_resources` up to `max_resources`.
    n_candidates, n_resources : tuple of int
        One entry a rung.
    """

    factor: float
    min_resources: int
    max_resources: int
    n_required: int
    n_possible: int
    n_candidates: tuple[int, ...]
    n_resources: tuple[int, ...]

    @property
    def rungs(self) -> list[Rung]:
        last = len(self.n_resources) - 1
        return [Rung(k, resource, k == last) for k, resource in enumerate(self.n_resources)]

    def n_kept(self, rung: int) -> int:
        """How many configurations of a rung go on."""
        return math.ceil(self.n_candidates[rung] / self.factor)


def halving_plan(
    n_candidates: int,
    min_resources: int,
    max_resources: int,
    factor: float,
    *,
    exhaust: bool = False,
    aggressive: bool = False,
    to_the_top: bool = False,
    head_start: int = 1,
) -> HalvingPlan:
    """Plan successive halving, with scikit-learn's numbers.

    Parameters
    ----------
    n_candidates : int
        Configurations on the first rung.
    min_resources, max_resources : int
        Least for the first rung, most for the last.
    factor : float
        Greater than 1.
    exhaust : bool
        Whether to raise `min_resources` so that the last rung gets as near to `max_resources`
        as it can.
    aggressive : bool
        Whether to repeat the first rung where there are not resources enough for all the rungs
        that it takes to leave fewer than `factor` configurations.
    to_the_top : bool
        Whether the last rung has `max_resources` in any case, and not the greatest multiple of
        the smallest resource.
    head_start : int, default=1
        One part in so many is enough on all rungs but the last, if they still differ.

    Returns
    -------
    plan : HalvingPlan
    """
    n_required = 1 + math.floor(math.log(n_candidates, factor))
    if exhaust:
        min_resources = max(min_resources, int(max_resources // factor ** (n_required - 1)))
    n_possible = 1 + math.floor(math.log(max_resources // min_resources, factor))
    n_rungs = n_required if aggressive else min(n_possible, n_required)
    candidates, resources = [], []
    for rung in range(n_rungs):
        candidates.append(n_candidates)
        n_candidates = math.ceil(n_candidates / factor)
        power = max(0, rung - n_required + n_possible) if aggressive else rung
        resources.append(min(int(factor**power * min_resources), max_resources))
    if to_the_top:
        resources[-1] = max_resources
    less = [resource // head_start for resource in resources[:-1]]
    if less and less[0] > 0 and len(set(less)) == len(less):
        resources[:-1] = less
        min_resources = less[0]
    return HalvingPlan(
        factor,
        min_resources,
        max_resources,
        n_required,
        n_possible,
        tuple(candidates),
        tuple(resources),
    )


def best_of(means: Sequence[float], k: int) -> np.ndarray:
    """Positions of the `k` greatest, the best of all last; NaN is worse than any number.

    Equals are put in the order that scikit-learn puts them in, so that the same are promoted.
    """
    means = np.asarray(means, dtype=float)
    return np.roll(np.argsort(means), np.count_nonzero(np.isnan(means)))[-k:]


def margin_of(winner: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """How far one configuration is ahead of another, and how sure that is.

    Parameters
    ----------
    winner, other : sequences of float of length n_folds
        Scores on the same folds.

    Returns
    -------
    difference : float
        Mean of the differences, fold by fold.
    standard_error : float
        Of that mean; NaN with one fold.
    """
    behind = np.asarray(winner, dtype=float) - np.asarray(other, dtype=float)
    spread = np.std(behind, ddof=1) if len(behind) > 1 else math.nan
    return float(np.mean(behind)), float(spread / math.sqrt(len(behind)))


def _may_win(trial: Trial | None) -> bool:
    return trial is not None and trial.eligible and not math.isnan(trial.mean)


class Ladder:
    """A proposer: the candidates on the first rung, then whoever is promoted, rung by rung.

    Parameters
    ----------
    plan : HalvingPlan
    candidates : sequence of Proposal
        Configurations for the first rung, with where they come from.
    resource_parameter : str or None
        The parameter that is the resource; None where it is none of the estimator's.
    folds_are_resource : bool
        Whether the resource is the number of folds.
    guests : iterable of Proposal
        Configurations for the last rung that do not take part: there to be compared with.
    goes_back : bool, default=False
        Whether the best of the lower rungs comes to the last one as well, with the resource that
        it had, where nobody there is better: with more training some become worse. Who has
        become so already does not go on to the last rung.

    Attributes
    ----------
    n_proposals : int
        How many trials it will propose at most.
    """

    learns = True

    def __init__(
        self,
        plan: HalvingPlan,
        candidates: Sequence[Proposal],
        resource_parameter: str | None = None,
        folds_are_resource: bool = False,
        guests: Iterable[Proposal] = (),
        goes_back: bool = False,
    ):
        self.plan = plan
        self._rungs = plan.rungs
        self._goes_back = goes_back and len(self._rungs) > 1
        self._peak: Trial | None = None  # the best of the lower rungs
        self._before: dict[int, float] = {}  # scores on the rung below
        self._n_on_last = 0
        if folds_are_resource:
            self._rungs = [rung._replace(n_folds=rung.resource) for rung in self._rungs]
        self._parameter = resource_parameter
        self._guests = [self._as_guest(guest) for guest in guests]
        self.n_proposals = sum(plan.n_candidates) + len(self._guests) + self._goes_back
        self._rung = 0
        self._ended: list[Trial] = []  # of the rung that is running
        self._queue = deque(self._on(self._rungs[0], entry) for entry in candidates)
        if len(self._rungs) == 1:
            self._queue.extend(self._guests)

    def needs(self, n_trials: int) -> int:
        """A rung asks for nothing more to be known; the next one for all of this one."""
        return 0 if self._queue else n_trials

    def ask(self) -> Proposal | None:
        return self._queue.popleft() if self._queue else None

    def tell(self, trial: Trial) -> None:
        self._ended.append(trial)
        if self._rung == len(self._rungs) - 1:
            self._return_to_peak()
        elif len(self._ended) == self.plan.n_candidates[self._rung]:
            self._climb()

    def _climb(self) -> None:
        promoted = best_of([t.mean for t in self._ended], self.plan.n_kept(self._rung))
        peaks = [trial for trial in (self._peak, *self._ended) if _may_win(trial)]
        self._peak = max(peaks, key=lambda trial: trial.mean, default=None)
        self._rung += 1
        rung = self._rungs[self._rung]
        for position in promoted:
            trial = self._ended[position]
            if rung.is_last and self._is_past_peak(trial):
                continue
            entry = Proposal(trial.params, rung, trial.index, trial.origin, trial.eligible)
            self._queue.append(self._on(rung, entry))
        self._before = {trial.root: trial.mean for trial in self._ended}
        self._ended = []
        if rung.is_last:
            self._n_on_last = len(self._queue)
            there = [entry.params for entry in self._queue]
            self._queue.extend(guest for guest in self._guests if guest.params not in there)
            self._return_to_peak()

    def _is_past_peak(self, trial: Trial) -> bool:
        """Whether a configuration is worse than on the rung below."""
        before = self._before.get(trial.root, -math.inf)
        return self._goes_back and self._peak is not None and trial.mean < before

    def _return_to_peak(self) -> None:
        """Once all on the last rung have ended, hold the best of those below against them."""
        peak = self._peak
        if not self._goes_back or peak is None or len(self._ended) != self._n_on_last:
            return
        if any(_may_win(trial) and trial.mean >= peak.mean for trial in self._ended):
            return
        as_it_was = self._rungs[-1]._replace(resource=peak.rung.resource)
        self._queue.append(Proposal(peak.params, as_it_was, peak.index, peak.origin, peak.eligible))

    def _as_guest(self, guest: Proposal) -> Proposal:
        """A guest keeps a number of his own of the parameter that is the resource."""
        last = self._rungs[-1]
        own = guest.params.get(self._parameter, last.resource)
        number = own if isinstance(own, int) else last.resource
        return guest._replace(rung=last._replace(resource=number))

    def _on(self, rung: Rung, entry: Proposal) -> Proposal:
        params = dict(entry.params)
        if self._parameter is not None:
            params[self._parameter] = rung.resource
        return entry._replace(params=params, rung=rung)

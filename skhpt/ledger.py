"""The ledger: what was proposed and what happened. Facts are appended; tables are projections.

Nothing here knows an estimator or a clock, so everything is tested with made numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .trial import Origin, Outcome, Rung, Status, Trial


class NamedScores(dict):
    """Scores under names that the scorer gave, be it a single one and "score".

    A scorer that returns a number has no names: its outcome holds a plain
    ``{"score": value}``.
    """


class Ledger:
    """Trials and the outcomes of their folds.

    Parameters
    ----------
    n_folds : int
        Folds that make a trial complete.
    metric : str or None, default="score"
        The metric that selection and samplers look at. Where the first scored outcome does
        not know it (or it is None), the first that this outcome brings: a callable scorer
        names its metrics only when it is called.
    error_score : float, default=nan
        What the table shows where a fit failed.
    """

    def __init__(self, n_folds: int, metric: str | None = "score", error_score: float = math.nan):
        self.n_folds = n_folds
        self.n_first = n_folds  # folds of everybody; those beyond are the second look's
        self.metric = metric
        self.error_score = error_score
        self.outcomes: list[Outcome] = []
        self.legs: list[tuple[int, Any]] = []  # first trial and space of each part of the search
        self._trials: list[Trial] = []
        self._by_fold: list[dict[int, Outcome]] = []
        self._open: dict[int, None] = {}  # an ordered set
        self._known: list[int] = []
        self._again: dict[int, Trial] = {}  # those of the second look, as they were before
        self._preferred: int | None = None
        self._first_scores: Mapping[str, float] = {}  # what the metrics are called

    def __len__(self) -> int:
        return len(self._trials)

    # -- facts -----------------------------------------------------------------------

    def begin(self, space) -> None:
        """Say from which space the trials to come are."""
        self.legs.append((len(self), space))

    def add(
        self,
        params: Mapping[str, Any],
        origin: Origin = Origin.SAMPLER,
        eligible: bool = True,
        rung: Rung | None = None,
        parent: int | None = None,
    ) -> Trial:
        """Open a trial for a configuration; see :class:`~skhpt.trial.Proposal`."""
        index = len(self._trials)
        root = index if parent is None else self._trials[parent].root
        n_known = len(self._known)
        trial = Trial(
            index, params, origin, eligible=eligible, rung=rung, root=root, n_known=n_known
        )
        self._trials.append(trial)
        self._by_fold.append({})
        self._open[index] = None
        if parent is not None and rung is not None and rung.n_folds is not None:
            for outcome in self._by_fold[parent].values():
                self.record(replace(outcome, trial=index, resource=rung.resource, reused=True))
        return trial

    def record(self, outcome: Outcome) -> None:
        """Append what happened on a fold.

        Raises
        ------
        ValueError
            When this fold of the trial has an outcome already.
        """
        folds = self._by_fold[outcome.trial]
        if outcome.fold in folds:
            raise ValueError(f"fold {outcome.fold} of trial {outcome.trial} is recorded already")
        if outcome.scores and not self._first_scores:
            self._first_scores = outcome.scores
            if self.metric not in outcome.scores:
                self.metric = next(iter(outcome.scores))
        folds[outcome.fold] = outcome
        self.outcomes.append(outcome)

    def close(self, index: int, status: Status) -> None:
        """End a trial: nothing more will be asked for it."""
        if index not in self._open:
            raise ValueError(f"trial {index} is not open")
        del self._open[index]
        folds = self._by_fold[index]
        scores = tuple(self._score(folds.get(fold)) for fold in range(self.n_folds))
        ran = [score for score in scores if not math.isnan(score)]
        whole = len(ran) == self._n_wanted(index)
        to_the_end = status in (Status.COMPLETE, Status.PARTIAL)
        usable = whole if to_the_end else ran and status is not Status.FAILED
        self._trials[index] = replace(
            self._trials[index],
            status=status,
            fold_scores=scores,
            score=math.fsum(ran) / len(ran) if usable else math.nan,
            mean=self._mean(folds),
            seconds=sum(outcome.fit_time + outcome.score_time for outcome in folds.values()),
            work=sum(o.work for o in folds.values() if o.work is not None) or None,
            round_cost=max((o.round_cost for o in folds.values()), default=1.0),
            vain=sum(outcome.vain for outcome in folds.values()),
        )

    def learn(self, index: int) -> None:
        """Have the trials to come know of one that has ended."""
        self._known.append(index)

    def learn_all(self) -> None:
        """Have the trials to come know of all that there are."""
        self._known += sorted(set(range(len(self))).difference(self._known))

    def prefer(self, index: int) -> None:
        """Prefer a trial to all that may have a better score."""
        self._preferred = index

    def reopen(self, indices: Sequence[int], n_more: int) -> None:
        """Have some trials that are complete run on further folds as well."""
        self.n_folds += n_more
        for index, trial in enumerate(self._trials):
            scores = (*trial.fold_scores, *[math.nan] * n_more)
            self._trials[index] = replace(trial, fold_scores=scores)
        self._again = {index: self._trials[index] for index in indices}
        self._open.update(dict.fromkeys(sorted(indices)))

    def settle(self) -> None:
        """Keep a second look that came to its end; one that was cut short never was.

        Who was dropped in it has not all folds, and is below those who have.
        """
        ended = (Status.COMPLETE, Status.RACED, Status.FAILED)
        if all(self._trials[index].status in ended for index in self._again):
            self._again = {i: t for i, t in self._again.items() if not self.missing(i)}
            return
        self.n_folds = self.n_first
        for index, trial in self._again.items():
            self._trials[index] = trial
            folds = self._by_fold[index]
            self._by_fold[index] = {f: o for f, o in folds.items() if f < self.n_first}
        self._again = {}
        for index, trial in enumerate(self._trials):
            self._trials[index] = replace(trial, fold_scores=trial.fold_scores[: self.n_first])

    def withdraw_unrun(self) -> None:
        """Forget the newest trials of which no fold has run: the search ended before them."""
        while self._trials and not self._by_fold[-1]:
            self._open.pop(self._trials.pop().index, None)
            self._by_fold.pop()

    def _score(self, outcome: Outcome | None) -> float:
        if outcome is None or outcome.error is not None:
            return math.nan
        score = float(outcome.scores.get(self.metric, math.nan))
        # An infinite score would drown every other; to a sampler it is a fold that failed.
        return score if math.isfinite(score) else math.nan

    def _mean(self, folds: Mapping[int, Outcome]) -> float:
        """The mean as the table has it, to the last bit: it decides who is promoted."""
        if not folds:
            return math.nan
        known = (folds[fold] for fold in sorted(folds))
        values = [value_shown(o, self.metric, "scores", self.error_score) for o in known]
        with np.errstate(invalid="ignore"):
            return float(np.average(np.array(values, dtype=float)))

    def _n_wanted(self, index: int) -> int:
        """How many folds a trial is to run on."""
        rung = self._trials[index].rung
        return self.n_folds if rung is None or rung.n_folds is None else rung.n_folds

    # -- views -----------------------------------------------------------------------

    @property
    def open(self) -> Iterable[int]:
        """Indices of the trials that have not ended, oldest first."""
        return self._open.keys()

    def trial(self, index: int) -> Trial:
        return self._trials[index]

    @property
    def trials(self) -> Sequence[Trial]:
        return self._trials

    def folds(self, index: int) -> Mapping[int, Outcome]:
        """The outcomes of a trial by fold."""
        return self._by_fold[index]

    def known_to(self, index: int) -> list[int]:
        """The trials whose outcomes could be used when a trial began, in their own order."""
        return sorted(self._known[: self._trials[index].n_known])

    def missing(self, index: int) -> list[int]:
        """The folds of a trial that have no outcome yet, in order."""
        folds = self._by_fold[index]
        return [fold for fold in range(self._n_wanted(index)) if fold not in folds]

    def with_rounds(self, index: int, rounds: str | None) -> dict[str, Any]:
        """A configuration with the number of rounds that early stopping has found for it."""
        found = self.n_rounds(index)
        told = {} if rounds is None or found is None else {rounds: found}
        return {**self._trials[index].params, **told}

    def n_rounds(self, index: int) -> int | None:
        """The number of rounds that the folds of a trial have in common, where they have one."""
        known = (outcome.n_rounds for outcome in self._by_fold[index].values())
        return next((n for n in known if n is not None), None)

    def find(self, origin: Origin) -> Trial | None:
        """The first trial of an origin that has the full budget."""
        whole = (trial for trial in self._trials if trial.has_full_budget)
        return next((trial for trial in whole if trial.origin is origin), None)

    def electable(self) -> np.ndarray:
        """Which trials may win: those that ran on all folds, and are eligible.

        Of trials on rungs these are the ones of the highest rung that anybody has completed; it
        is the last one unless the search was cut short.
        """
        whole = [len(folds) >= self.n_first for folds in self._by_fold]
        may = np.array(whole, dtype=bool) & [trial.eligible for trial in self._trials]
        rungs = self.rungs()
        return may & (rungs == rungs[may].max()) if may.any() else may

    def rungs(self) -> np.ndarray:
        """The number of each trial's rung; 0 where a trial is on none.

        It is 1 after a second look, and of one that is preferred.
        """
        raised = {*self._again, self._preferred}
        looks = [int(trial.index in raised) for trial in self._trials]
        numbers = [0 if t.rung is None else t.rung.number for t in self._trials]
        return np.array(numbers, dtype=int) + looks

    def errors(self) -> Counter:
        """How often each traceback was raised, in the order of first appearance."""
        return Counter(o.error for o in self.outcomes if o.error is not None and not o.reused)

    @property
    def n_fits(self) -> int:
        """How many fits were made."""
        return sum(not outcome.reused for outcome in self.outcomes)

    def metrics(self) -> list[str]:
        """Names of the metrics; ``["score"]`` for a single one or when nothing has one."""
        return list(self._first_scores) or ["score"]

    @property
    def named(self) -> bool:
        """Whether the scorer gave its metrics names; a search is multimetric then."""
        return isinstance(self._first_scores, NamedScores)


def value_shown(outcome: Outcome, metric: str | None, field: str, error_score: float) -> float:
    """What the table shows for a fold."""
    if outcome.error is not None:
        return error_score
    return getattr(outcome, field).get(metric, error_score)

"""The finish of a search: its winner learns more slowly, or its best few run on other folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from ._compat import num_samples
from .engine import Engine, StopReason
from .estimators.growing import grower_of_kind
from .estimators.pipelines import last_step
from .estimators.registry import family_of
from .estimators.resources import parameters_of
from .ledger import Ledger
from .racing import WillItWin, paired_spread
from .rows import Rows, Splits, folds_of
from .schedulers import Plan, all_folds, verdict
from .space import Space
from .trial import Origin, Start, Status, Step, Trial

N_FINALISTS = 4
_SLOWER = 3.0
_LEAST_RATE = 0.01
# What the lowered rate may cost: so much of what the search has trained, and where that is little,
# because nearly all was dropped at once, so many rounds of usual trees a fold.
_SHARE, _LITTLE = 0.3, 1000.0
_SHUFFLING = (KFold, StratifiedKFold, StratifiedGroupKFold, GroupKFold)
_DRAWING = (ShuffleSplit, StratifiedShuffleSplit, GroupShuffleSplit)


@dataclass(frozen=True)
class Finish:
    """What comes after the last proposal.

    Attributes
    ----------
    splits : list of (train, test)
        A second set of folds, on which the best few run too; empty for none. What was chosen
        from many on the first folds looks better there than it is, on others it does not.
    rate : str or None
        Name of the learning rate that is lowered for the winner; None for none.
    rounds : str or None
        Name of the number of rounds, which goes up as the rate goes down; there with `rate`.
    given : mapping
        The parameters of the estimator as given.
    own_rounds : int or None
        Its number of rounds, which it keeps when it is evaluated as given.
    space : Space or None
        Where a lowered rate must lie; None is anywhere.
    """

    splits: Splits = field(default_factory=list)
    rate: str | None = None
    rounds: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    own_rounds: int | None = None
    space: Space | None = None

    def begin(self, engine: Engine) -> None:
        """Hear that the search is about to begin."""

    def out_of_time(self, engine: Engine, ledger: Ledger) -> str | None:
        """Use what time was held back, after a search whose time is up.

        Returns
        -------
        reason : str or None
            Why that was cut short; None when it was not.
        """

    def run(self, engine: Engine, ledger: Ledger) -> str | None:
        """Carry it out after a search that has reached its end.

        Returns
        -------
        reason : str or None
            Why it was cut short; None when it was not.
        """
        start = self.slower(ledger)
        if start is not None:
            best = _ranked(ledger)[0]
            engine.scheduler = all_folds  # their rounds are known: no fold waits for another
            reason = engine.run(_Nothing(), 1, [start])
            if reason in StopReason.EARLY:
                return reason
            slower = ledger.trials[-1]
            if _is_as_good(ledger, best, slower):
                ledger.prefer(slower.index)
                return None
        chosen = self.finalists(ledger)
        if not chosen:
            return None
        ledger.reopen(chosen, len(self.splits))
        engine.scheduler = SecondLook(chosen)
        reason = engine.run(_Nothing(), 0)
        ledger.settle()
        return reason if reason in StopReason.EARLY else None

    def slower(self, ledger: Ledger) -> Start | None:
        """The winner so far with a third of its learning rate and three times its rounds."""
        best = _ranked(ledger)[:1]
        n_rounds = self._rounds_of(ledger, best[0]) if best else None
        if self.rate is None or n_rounds is None:
            return None
        params = best[0].params
        rate = params.get(self.rate, self.given.get(self.rate))
        if not isinstance(rate, float) or rate <= _LEAST_RATE:
            return None
        lowered = {**params, self.rate: max(_LEAST_RATE, rate / _SLOWER)}
        if self.space is not None and not self.space.contains(lowered):
            return None
        more = round(n_rounds * rate / lowered[self.rate])
        if not _is_cheap(ledger, best[0], more):
            return None
        return Start(Origin.SLOWER, {**lowered, self.rounds: more})

    def _rounds_of(self, ledger: Ledger, trial: Trial) -> int | None:
        as_given = trial.origin is Origin.DEFAULT
        return self.own_rounds if as_given else ledger.n_rounds(trial.index)

    def finalists(self, ledger: Ledger) -> list[int]:
        """Those of the best few that may still turn out to be the best."""
        best, *others = _ranked(ledger)[:N_FINALISTS] or [None]
        if not self.splits or not others:
            return []
        known = [t.fold_scores for t in ledger.trials if t is not best and t.fold_scores]
        incumbent = (*best.fold_scores, *[math.nan] * len(self.splits))
        rule = WillItWin(ledger.metric, incumbent, paired_spread(best.fold_scores, known))
        others = [trial for trial in others if not rule.drops(trial.fold_scores)]
        return [best.index, *(trial.index for trial in others)] if others else []


@dataclass(frozen=True)
class SecondLook:
    """Scheduler: the winner so far first, then its rivals, each until it cannot win any more.

    Parameters
    ----------
    chosen : sequence of int
        Trials that were reopened, the best one first.
    """

    chosen: Sequence[int]

    def __call__(self, ledger: Ledger) -> Plan:
        best, *rivals = self.chosen
        if best in ledger.open:
            if ledger.missing(best):
                return [Step(best, tuple(ledger.missing(best)))], []
            return [], [(best, verdict(ledger, best))]
        steps: list[Step] = []
        finished: list[tuple[int, Status]] = []
        for index in (index for index in rivals if index in ledger.open):
            outcomes = ledger.folds(index)
            if len(outcomes) == ledger.n_first:
                steps.append(self._step(ledger, index))
            elif not any(outcome.stop or outcome.late for outcome in outcomes.values()):
                status = verdict(ledger, index)
                raced = status is Status.COMPLETE and ledger.missing(index)
                finished.append((index, Status.RACED if raced else status))
        return steps, finished

    def _step(self, ledger: Ledger, index: int) -> Step:
        best, folds = ledger.trial(self.chosen[0]), tuple(ledger.missing(index))
        if best.status is not Status.COMPLETE:
            return Step(index, folds)
        known = [t.fold_scores for t in ledger.trials if t.index != best.index and t.fold_scores]
        spread = paired_spread(best.fold_scores, known)
        before = ledger.trial(index).fold_scores[: ledger.n_first]
        rule = WillItWin(ledger.metric, best.fold_scores, spread, before=before)
        return Step(index, folds, rule=rule)


def _is_cheap(ledger: Ledger, trial: Trial, n_rounds: int) -> bool:
    """Whether so many rounds on all folds cost little, or little of what the search trained."""
    spent = sum((known.work or 0) * known.round_cost for known in ledger.trials)
    little = max(_SHARE * spent, _LITTLE * ledger.n_first)
    return n_rounds * ledger.n_first * trial.round_cost <= little


def _is_as_good(ledger: Ledger, best: Trial, slower: Trial) -> bool:
    """Whether what learns more slowly is no worse than the winner, within a standard error.

    The winner is the highest of many on these folds, and looks better there than it is; the
    other one was not chosen by its score.
    """
    if slower.status is not Status.COMPLETE or math.isnan(slower.score):
        return False
    known = [t.fold_scores for t in ledger.trials if t.index != best.index and t.fold_scores]
    spread = paired_spread(best.fold_scores, known)
    return best.score - slower.score <= spread / math.sqrt(ledger.n_first)


def _ranked(ledger: Ledger) -> list[Trial]:
    may = ledger.electable()
    whole = [t for t in ledger.trials if may[t.index] and t.status is Status.COMPLETE]
    whole = [trial for trial in whole if not math.isnan(trial.score)]
    return sorted(whole, key=lambda trial: (-trial.score, trial.index))


class _Nothing:
    """A sampler without proposals."""

    learns = False

    def ask(self):
        return None

    def tell(self, trial) -> None:
        pass


def rate_of(estimator: Any) -> str | None:
    """Name of the learning rate of what is trained in rounds."""
    prefix, last = last_step(estimator)
    known, family = parameters_of(last), family_of(last)
    name = next((n for n in ("learning_rate", "learning_rate_init") if n in known), None)
    if name is None or isinstance(known[name], str):
        return None
    return prefix + (name if family is None else family.rename(last.get_params(deep=False), name))


def rounds_as_given(estimator: Any) -> int | None:
    """The number of rounds that an estimator has; None for what is not trained in rounds."""
    last = last_step(estimator)[1]
    grower = grower_of_kind(last)
    try:
        return None if grower is None else grower.own_number(last)
    except (TypeError, ValueError):
        return None  # no number, of which its own fit complains if anybody does


def other_folds(cv: Any, rows: Rows, seed: int) -> Splits:
    """Folds of the same kind elsewhere; empty where a splitter has no others.

    Parameters
    ----------
    cv : splitter
    rows : Rows
    seed : int
        For splitters that shuffle. Blocks of rows, which may be ordered in time, stay blocks:
        they are moved by half of one.
    """
    if type(cv) in (KFold, StratifiedKFold) and not cv.shuffle:
        return _moved(cv, rows)
    if type(cv) not in _SHUFFLING + _DRAWING:
        return []
    options = {name: value for name, value in vars(cv).items() if not name.startswith("_")}
    options["random_state"] = seed
    if type(cv) in _SHUFFLING:
        options["shuffle"] = True
    return folds_of(type(cv)(**options), rows)


def _moved(cv, rows: Rows) -> Splits:
    n_rows = num_samples(rows.X)
    order = np.roll(np.arange(n_rows), -(n_rows // (2 * cv.n_splits)))
    y = None if rows.y is None else np.asarray(rows.y)[order]
    splits = cv.split(np.zeros(n_rows), y)
    return [(np.sort(order[train]), np.sort(order[test])) for train, test in splits]

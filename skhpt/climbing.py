"""Steps of a configuration that climbs: on each rung its model goes on from the rung below.

A worker keeps the models that it has grown. Who is promoted goes on where his model lives;
in another worker, or where there was no room for it, it is trained from the beginning. Growing
is exact, so that the result is the same, and only the time differs.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from traceback import format_exc
from typing import Any

from .estimators.resources import GrowingPipeline
from .evaluate import Problem, evaluate
from .grown_fold import GrownFold
from .trial import Outcome, Step

# Rows for training that all the models kept by a worker have together: each costs some 30 bytes
# a row and class.
_ROWS_KEPT = 5_000_000
_FEWEST_KEPT, _MOST_KEPT = 8, 1000


def evaluate_climbing(
    step: Step,
    params: Mapping[str, Any],
    shared,
    contexts: Mapping[int, Any] | None = None,
    in_time: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Run a step of a rung; see :func:`~skhpt.evaluate.evaluate`.

    A configuration that cannot be grown exactly as its own ``fit`` would is fitted plainly.
    """
    problem = shared.get()
    outcomes: list[Outcome] = []
    with problem.surroundings():
        for position, fold in enumerate(step.folds):
            context = (contexts or {}).get(fold)
            outcome = _Fold(problem, step, params, fold).run(context)
            if outcome is None:
                rest = replace(step, folds=step.folds[position:])
                return [*outcomes, *evaluate(rest, params, shared, contexts, in_time)]
            outcomes.append(outcome)
            if outcome.stop:
                break
            if position + 1 < len(step.folds) and not in_time():
                outcomes[-1] = replace(outcome, late=True)
                break
    return outcomes


@dataclass
class Kept:
    """A model that may go on, and what speaks for keeping it."""

    model: GrowingPipeline
    rung: int
    score: float

    @property
    def merit(self) -> tuple[int, float]:
        return self.rung, -math.inf if math.isnan(self.score) else self.score


class Nursery:
    """The growing models of one thread of a worker, the most promising ones."""

    def __init__(self, n_rows: int):
        self.room = min(max(_ROWS_KEPT // max(1, n_rows), _FEWEST_KEPT), _MOST_KEPT)
        self._kept: dict[tuple[int, int], Kept] = {}

    @classmethod
    def of(cls, problem: Problem) -> Nursery:
        key = ("nursery", threading.get_ident())
        if key not in problem.shelf:
            problem.shelf[key] = cls(max(len(train) for train, _ in problem.splits))
        return problem.shelf[key]

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, root: int, fold: int, n_rounds: int) -> GrowingPipeline | None:
        """Give away the model of a configuration that has at most so many rounds."""
        kept = self._kept.pop((root, fold), None)
        return kept.model if kept is not None and kept.model.n_rounds <= n_rounds else None

    def keep(self, root: int, fold: int, kept: Kept) -> None:
        """Keep a model, and let go of the least promising one where there is no more room."""
        self._kept[root, fold] = kept
        if len(self._kept) > self.room:
            del self._kept[min(self._kept, key=lambda key: self._kept[key].merit)]


class _Fold(GrownFold):
    """A configuration on a fold of a rung."""

    def run(self, context) -> Outcome | None:
        """What happened; None for a model that cannot be grown."""
        started = time.time()
        nursery, root = Nursery.of(self._problem), self._step.root
        n_rounds = int(self._step.resource)
        try:
            model = nursery.take(root, self._fold, n_rounds) or self._begin()
            if model is None:
                return None
            self._report.start()
            fitted = model.reach(n_rounds)
        except Exception:
            if self._problem.error_score == "raise":
                raise
            return self._failed(format_exc(), time.time() - started, context)
        outcome = self._scored_in(context, fitted, time.time() - started)
        rung = self._step.rung
        if not rung.is_last:
            score = next(iter(outcome.scores.values()), math.nan)
            nursery.keep(root, self._fold, Kept(model, rung.number, float(score)))
        return outcome

    def _begin(self) -> GrowingPipeline | None:
        try:
            estimator = self._problem.configured(self._params)
            return GrowingPipeline.begin(estimator, *self._to_train(estimator))
        except Exception:
            return None  # the plain way fits it all the same, or reports what is wrong

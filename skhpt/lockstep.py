"""Folds that train in step and share one number of rounds.

Each fold is grown until its curve has not improved for a while, then all folds go to the same
round, and the number of rounds is where the mean curve over the folds is best. That is what a
search over every number of rounds would find, at the price of one run; a fold that chose its
own number on the rows that score it would report too good a score.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._compat import scores_of
from .curves import Curve, best_common_round, optimistic_end
from .estimators.growing import Growth
from .standin import StandIn, UnanswerableError


@dataclass(frozen=True)
class EarlyStopping:
    """When a curve is long enough.

    Attributes
    ----------
    parameter : str
        Name of the number of rounds, the whole estimator's.
    metric : str or None
        Which of the scorer's numbers is watched; None takes the first.
    patience : int or None
        Rounds without an improvement after which a fold stops; None follows the learning rate,
        see :func:`patience_of`.
    max_rounds : int
        No fold trains longer.
    every : int
        Rounds between two points of a curve.
    """

    parameter: str
    metric: str | None
    patience: int | None = None
    max_rounds: int = 2000
    every: int = 5

    def patience_of(self, estimator) -> int:
        """Rounds to wait; small steps need more of them.

        50 at a learning rate of 0.1, in inverse proportion to it, between 20 and 300.
        """
        if self.patience is not None:
            return self.patience
        params = estimator.get_params(deep=False)
        rate = params.get("learning_rate", params.get("learning_rate_init"))
        if not isinstance(rate, int | float) or not rate > 0:
            rate = 0.1
        return int(np.clip(round(5 / rate), 20, 300))


@dataclass
class FoldRun:
    """One fold of a candidate: its growing model and its curve.

    Attributes
    ----------
    growth : Growth
    wrap : callable
        ``wrap(fitted)`` puts a fitted last step into the whole estimator.
    scorer : callable
    X, y : the rows that score the fold
    score_params : mapping
    """

    growth: Growth
    wrap: Callable[[Any], Any]
    scorer: Callable
    X: Any
    y: Any
    score_params: Mapping[str, Any]
    stopping: EarlyStopping
    patience: int
    curve: Curve = field(default_factory=Curve)
    seconds: float = 0.0
    _owner: Any = None
    _asks: bool = True  # whether the scorer is content with known outputs

    def run(self, is_hopeless: Callable[[float], bool]) -> None:
        """Grow until the curve stops to improve, or a forecast of its end is hopeless."""
        started = time.time()
        next_look = 30
        while self.growth.n_rounds < self.stopping.max_rounds:
            if not self._advance(self.growth.n_rounds + self.stopping.every):
                break
            if self.curve.has_ended(self.patience):
                break
            if self.growth.n_rounds >= next_look:
                next_look = math.ceil(1.15 * self.growth.n_rounds)
                if is_hopeless(optimistic_end(self.curve)):
                    break
        self.seconds += time.time() - started

    def reach(self, n_rounds: int) -> None:
        """Go on to the round that the others have reached."""
        started = time.time()
        while self.growth.n_rounds < n_rounds:
            if not self._advance(min(n_rounds, self.growth.n_rounds + self.stopping.every)):
                break
        self.seconds += time.time() - started

    def _advance(self, n_rounds: int) -> bool:
        """Grow and read the curve; False when the model grows no further."""
        before = self.growth.n_rounds
        self.growth.grow(n_rounds)
        self.curve.is_final = self.growth.n_rounds < n_rounds
        if self.growth.n_rounds > before:
            self.curve.add(self.growth.n_rounds, self._score(), self.growth.loss())
        return not self.curve.is_final

    def _score(self) -> float:
        if self._asks:
            try:
                return self._number(self._stand_in())
            except (UnanswerableError, AttributeError):
                self._asks = False  # it wants more than outputs: the model itself
            except Exception:
                return math.nan
        model = self.fitted(self.growth.n_rounds)
        try:
            return self._number(model)
        except Exception:  # no failed fit: the score of the whole model will say what is wrong
            return math.nan

    def _stand_in(self) -> StandIn:
        if self._owner is None:
            self._owner = self.fitted(self.growth.n_rounds)

        def answer(method, asked, *args, **kwargs):
            if asked is not self.X or args or kwargs:
                raise UnanswerableError(f"{method} of something else than the rows to score")
            return self.growth.answer(method)

        return StandIn(self._owner, answer)

    def _number(self, estimator) -> float:
        target = () if self.y is None else (self.y,)
        scores = scores_of(self.scorer, estimator, self.X, *target, **self.score_params)
        if not isinstance(scores, dict):
            return float(scores)
        metric = self.stopping.metric
        score = scores[metric if metric in scores else next(iter(scores))]
        return float(score) if not isinstance(score, str) else math.nan

    def fitted(self, n_rounds: int):
        """The whole estimator as its ``fit`` with that number of rounds leaves it."""
        return self.wrap(self.growth.fitted(n_rounds))


def common_round(runs: Sequence[FoldRun], to_the_end: bool = True) -> int:
    """The number of rounds at which the mean curve of the folds is best.

    Parameters
    ----------
    runs : sequence of FoldRun
    to_the_end : bool
        Whether to bring all folds to the same round first; for a candidate that is given up
        the shortest curve will do.
    """
    if to_the_end:
        furthest = max(run.growth.n_rounds for run in runs)
        for run in runs:
            run.reach(furthest)
    return best_common_round([run.curve for run in runs])

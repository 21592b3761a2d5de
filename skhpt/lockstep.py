"""Folds that train in step and share one number of rounds.

Each fold is grown until its curve has not improved for a while, then those that stopped
first go on until the mean curve over the folds has ended, and the number of rounds is where that is
best. It is what a search over every number of rounds would find, at the price of one run; a fold
that chose its own number on the rows that score it would report too good a score.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .curves import Curve, best_common_round, mean_curve
from .estimators.growing import Growth
from .reading import ScoreReader


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
        Rounds without an improvement after which a fold stops; None is the grower's own.
    every : int
        Rounds between two points of a short curve, see :func:`next_point`.
    switched_off : tuple of str
        Parameters of the estimator by which it would stop by itself.
    """

    parameter: str
    metric: str | None
    patience: int | None = None
    every: int = 5
    switched_off: tuple[str, ...] = ()


def next_point(n_rounds: int, every: int) -> int:
    """Where a curve is read next: at multiples of `every`, further apart where it is long.

    A point is averaged with those within a tenth of its rounds, so that a twelfth is enough.
    """
    return n_rounds + every * max(1, n_rounds // (12 * every))


@dataclass
class FoldRun:
    """One fold of a candidate: its growing model and its curve.

    Attributes
    ----------
    reader : ScoreReader
        Knows the growing model.
    every : int
        Rounds between two points of a short curve.
    patience, max_rounds : int
        Rounds without an improvement after which it stops, and those after which it always does.
    tell : callable
        Called whenever it has grown.
    """

    reader: ScoreReader
    every: int
    patience: int
    max_rounds: int
    tell: Callable[[], None] = lambda: None
    curve: Curve = field(default_factory=Curve)
    seconds: float = 0.0

    @property
    def growth(self) -> Growth:
        return self.reader.growth

    def run(self, is_hopeless: Callable[[Curve], bool], limit: int | None = None) -> None:
        """Grow until the curve stops to improve, or shows that it is hopeless, or to a limit."""
        started = time.time()
        next_look, limit = 30, min(self.max_rounds, limit or self.max_rounds)
        while self.growth.n_rounds < limit:
            if not self._advance(limit):
                break
            if self.curve.has_ended(self.patience):
                break
            if self.growth.n_rounds >= next_look:
                next_look = math.ceil(1.15 * self.growth.n_rounds)
                if is_hopeless(self.curve):
                    break
        self.seconds += time.time() - started

    def train(self, n_rounds: int) -> None:
        """Grow so far without a look at the curve on the way."""
        started = time.time()
        self.growth.grow(n_rounds)
        self.curve.add(self.growth.n_rounds, self.reader.read())
        self.seconds += time.time() - started

    def reach(self, n_rounds: int, limit: int) -> None:
        """Go on to the first point of the curve from `n_rounds` on, but not beyond a limit."""
        started = time.time()
        while self.growth.n_rounds < min(n_rounds, limit):
            if not self._advance(limit):
                break
        self.seconds += time.time() - started

    def _advance(self, limit: int) -> bool:
        """Grow and read the curve; False when the model grows no further."""
        before = self.growth.n_rounds
        n_rounds = min(limit, next_point(before, self.every))
        self.growth.grow(n_rounds)
        self.tell()
        self.curve.is_final = self.growth.n_rounds < n_rounds
        if self.growth.n_rounds > before:
            self.curve.add(self.growth.n_rounds, self.reader.read(), self.growth.loss())
        return not self.curve.is_final

    def fitted(self, n_rounds: int):
        """The whole estimator as its ``fit`` with that number of rounds leaves it."""
        return self.reader.model(n_rounds)


def common_round(runs: Sequence[FoldRun], to_the_end: bool = True) -> int:
    """The number of rounds at which the mean curve of the folds is best.

    Parameters
    ----------
    runs : sequence of FoldRun
    to_the_end : bool
        Whether to bring the folds to the same round first; for a candidate that is given up
        the shortest curve will do.
    """
    if to_the_end:
        level(runs)
    return best_common_round([run.curve for run in runs])


def level(runs: Sequence[FoldRun]) -> None:
    """Let the folds that stopped first go on until their mean curve has ended.

    At the latest that is where the last of them has stopped, and mostly long before it.
    """
    furthest = max(run.growth.n_rounds for run in runs)
    patience = runs[0].patience
    while True:
        behind = [r for r in runs if r.growth.n_rounds < furthest and not r.curve.is_final]
        least = min((run.growth.n_rounds for run in behind), default=furthest)
        mean = mean_curve([run.curve for run in runs])
        if not behind or mean.has_ended(max(patience, least // 4)):
            return
        for run in behind:
            run.reach(least + patience // 3 + 1, furthest)

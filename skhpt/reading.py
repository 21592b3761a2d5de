"""Reads the user's scorer off a model as it grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._compat import one_scorer, scores_of, scores_outputs
from .estimators.growing import Growth
from .quick_scores import Answer, quick_score
from .standin import StandIn, UnanswerableError

_SAME = 1e-6  # relative; boosters answer in single precision


@dataclass
class ScoreReader:
    """The score of a growing model on the rows that score its fold.

    The scorer is shown what the model says of the rows; where it wants more, the model itself.
    Where a quick score is known, and the scorer agrees with it once, the quick one goes on.

    Attributes
    ----------
    growth : Growth
    wrap : callable
        ``wrap(fitted)`` puts a fitted last step into the whole estimator.
    scorer : callable
    metric : str or None
        Which of the scorer's numbers is read; None takes the first.
    X, y : the rows
    score_params : mapping
    kept : dict
        Lives as long as the fold; what has been settled for other models of it.
    """

    growth: Growth
    wrap: Callable[[Any], Any]
    scorer: Callable
    metric: str | None
    X: Any
    y: Any
    score_params: Mapping[str, Any]
    kept: dict
    _owner: Any = None  # the whole estimator, and its last step
    _fitted: Any = None
    _asks: bool = True  # whether the scorer is content with known outputs
    _quick: Callable[[Answer], float] | None = field(default=None, init=False)

    def __post_init__(self):
        self._all, self.scorer = self.scorer, one_scorer(self.scorer, self.metric)
        self._quick = self.kept.get("quick score")

    def read(self) -> float:
        """The score now; NaN where the scorer fails."""
        if self._quick is not None:
            return self._quick(self.growth.answer)
        score = self._ask()
        if "quick score" not in self.kept:
            self._quick = self.kept["quick score"] = self._agreeing(score)
        return score

    def model(self, n_rounds: int):
        """The whole estimator as its ``fit`` with that number of rounds leaves it."""
        return self.wrap(self.growth.fitted(n_rounds))

    def to_score(self, n_rounds: int):
        """What the scorer may be given in the place of the model with so many rounds."""
        owner = self.kept.get("owner")
        if owner is None or not self.growth.looks_back:
            return self.model(n_rounds)
        return StandIn(owner, lambda method, X: self.growth.answer_after(method, n_rounds))

    def _agreeing(self, score: float) -> Callable[[Answer], float] | None:
        """The quick score that has just given what the scorer gave; None if there is none."""
        if not self._asks or not math.isfinite(score):
            return None
        owner = self._fitted
        if scores_outputs(self._all, owner):
            self.kept["owner"] = self._owner  # no scorer will look at anything but classes
        if self.score_params or self.y is None:
            return None
        quick = quick_score(self.scorer, self.metric, owner)
        reader = None if quick is None else quick.reader(owner, self.y)
        if reader is None:
            return None
        return reader if np.isclose(reader(self.growth.answer), score, _SAME, _SAME) else None

    def _ask(self) -> float:
        if self._asks:
            try:
                return self._number(self._stand_in())
            except (UnanswerableError, AttributeError):
                self._asks = False  # it wants more than outputs: the model itself
            except Exception:
                return math.nan
        model = self.model(self.growth.n_rounds)
        try:
            return self._number(model)
        except Exception:  # no failed fit: the score of the whole model will say what is wrong
            return math.nan

    def _stand_in(self) -> StandIn:
        if self._owner is None:
            self._fitted = self.growth.fitted(self.growth.n_rounds)
            self._owner = self.wrap(self._fitted)

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
        score = scores[self.metric if self.metric in scores else next(iter(scores))]
        return float(score) if not isinstance(score, str) else math.nan

"""The time budget: when is it too late to begin another step?

The forecast is the longest that has been seen. So a search whose steps take as long as
those before them ends in time, and no other ends later than by one fit.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .trial import Outcome


class TimeBudget:
    """Forecasts whether a step that begins now ends in time.

    Parameters
    ----------
    deadline : float or None
        Value of `clock` at which everything should have ended; None is no limit.
    reserve : float
        What must still fit in after the last step (the refit), in longest fits.
    clock : callable
    """

    def __init__(self, deadline: float | None, reserve: float, clock: Callable[[], float]):
        self._deadline = math.inf if deadline is None else deadline
        self._reserve = reserve
        self._clock = clock
        self._longest_step = 0.0
        self._longest_fit = 0.0

    @property
    def is_blind(self) -> bool:
        """True when there is a limit and no step yet that tells how long they take."""
        return self._longest_step == 0.0 and self._deadline < math.inf

    @property
    def latest_start(self) -> float:
        """Value of the clock after which a step would probably end too late."""
        return self._deadline - self._longest_step - self._reserve * self._longest_fit

    @property
    def latest_fold(self) -> float:
        """Value of the clock after which another fold of a step would probably end too late."""
        return self._deadline - (1 + self._reserve) * self._longest_fit

    def is_spent(self) -> bool:
        return self._clock() > self.latest_start

    def learn(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Take note of a step that has ended, and of the seconds that all of it took."""
        self._longest_step = max(self._longest_step, seconds)
        for outcome in outcomes:
            self._longest_fit = max(self._longest_fit, outcome.fit_time)


def in_time(
    clock: Callable[[], float],
    latest_start: float,
    latest_fold: float | None,
    function: Callable[..., Any],
    *args,
) -> tuple[list[Outcome], float]:
    """Run a step in its worker, unless it got its turn too late.

    Parameters
    ----------
    clock : callable
    latest_start : float
        Value of the clock after which the step is not begun.
    latest_fold : float or None
        Value of the clock after which another fold of the step is not begun; None for a
        step of one fold.
    function, *args
        The call. With `latest_fold` it also gets ``in_time``, which tells whether another fold
        may begin.

    Returns
    -------
    outcomes : list of Outcome
        Empty when the step has not been run.
    seconds : float
        How long all of it took.
    """
    began = clock()
    if began > latest_start:
        return [], 0.0
    started = time.time()
    if latest_fold is None:
        outcomes = function(*args)
    else:
        outcomes = function(*args, in_time=lambda: clock() <= latest_fold)
    return _signed(outcomes, started), clock() - began


def _signed(outcomes: Sequence[Outcome], started: float) -> list[Outcome]:
    """Outcomes that tell when their folds began, one after the other, and on which worker."""
    worker, signed = f"{os.getpid()}-{threading.get_ident()}", []
    for outcome in outcomes:
        signed.append(replace(outcome, started=started, worker=worker))
        started += outcome.fit_time + outcome.score_time
    return signed

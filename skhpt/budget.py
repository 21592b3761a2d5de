"""The time budget: when is it too late to begin another step?

The forecast is the longest that has been seen, in proportion to the resource where steps have
different ones. So a search whose steps take as long as those before them ends in time, and no
other ends later than by one fit.
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

_MOST_HELD = 0.75  # of the budget, for what comes after the proposals


class Longest:
    """The longest that anything took with some of a resource, and what that says of more of it.

    Without a resource (None) all are alike. More than has been seen is forecast to take longer
    than the mean of the most that has been seen, in proportion: what is spent on nothing but the
    start makes that too long, not too short, and the longest would make it longer by as many
    times.
    """

    def __init__(self) -> None:
        self._seconds: dict[float, float] = {}
        self._all: dict[float, tuple[int, float]] = {}  # how many, and seconds of all of them

    def add(self, seconds: float, resource: float | None) -> None:
        key = math.inf if resource is None else resource
        self._seconds[key] = max(self._seconds.get(key, 0.0), seconds)
        n, total = self._all.get(key, (0, 0.0))
        self._all[key] = n + 1, total + seconds

    def with_most(self) -> float:
        """Forecast for as much of the resource as has been seen."""
        return max(self._seconds.values(), default=0.0)

    def forecast(self, resource: float | None) -> float:
        if resource is None:
            return self.with_most()
        less = [known for known in self._seconds if known <= resource]
        if not less:
            return self.with_most()
        most = max(less)
        n, total = self._all[most]
        return max(total / n * resource / most, *(self._seconds[k] for k in less))

    def shortest(self) -> float:
        """Forecast for the least of the resource that has been seen."""
        return self._seconds[min(self._seconds)] if self._seconds else 0.0


class TimeBudget:
    """Forecasts whether a step that begins now ends in time.

    Parameters
    ----------
    deadline : float or None
        Value of `clock` at which everything should have ended; None is no limit.
    reserve : float
        What must still fit in after the last step (the refit), in longest fits.
    clock : callable
    reserve_resource : float or None, default=None
        What a refit has of the resource that steps have; None is the most that any had.
    """

    def __init__(
        self,
        deadline: float | None,
        reserve: float,
        clock: Callable[[], float],
        reserve_resource: float | None = None,
    ):
        self._deadline = math.inf if deadline is None else deadline
        self._reserve = reserve
        self._reserve_resource = reserve_resource
        self._clock = clock
        self._steps = Longest()
        self._fits = Longest()
        self._total = self._deadline - clock()
        self._held: tuple[float, float | None] = (0.0, None)
        self._until: tuple[float, int] = (0, 0)

    def hold_back(
        self, n_fits: float, resource: float | None, until: tuple[float, int] = (0, 0)
    ) -> None:
        """Keep time for some fits with so much of the resource, and for refits with as much.

        Nothing while that would be most of the budget, as what a little of the resource forecasts
        may be far too long, and nothing when it is too late for it.

        Parameters
        ----------
        n_fits : float
        resource : float or None
            None where fits do not depend on it.
        until : (float, int)
            So much of a resource, and after how many fits with it nothing is held back any more.
        """
        self._held, self._until = (n_fits, resource), until

    @property
    def is_blind(self) -> bool:
        """True when there is a limit and no step yet that tells how long they take."""
        return self._steps.with_most() == 0.0 and self._deadline < math.inf

    def latest_start(self, resource: float | None = None) -> float:
        """Value of the clock after which a step would probably end too late."""
        return self._deadline - self._steps.forecast(resource) - self._reserved(resource)

    def latest_fold(self, resource: float | None = None) -> float:
        """Value of the clock after which another fold of a step would probably end too late."""
        return self._deadline - self._fits.forecast(resource) - self._reserved(resource)

    def is_spent(self) -> bool:
        """True when not even the shortest step would end in time."""
        return self._clock() > self._deadline - self._steps.shortest() - self._reserved()

    def allows(self, resource: float | None) -> bool:
        """Whether a step that begins now would probably end in time."""
        return self._clock() <= self.latest_start(resource)

    def learn(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Take note of a step that has ended, and of the seconds that all of it took."""
        most, n_left = self._until
        for outcome in outcomes:
            self._fits.add(outcome.fit_time, outcome.resource)
            n_left -= outcome.resource is not None and outcome.resource >= most
        if self._held[0] and n_left <= 0:
            self._held = (0.0, None)
        self._until = (most, n_left)
        if outcomes:
            self._steps.add(seconds, outcomes[0].resource)

    def _reserved(self, resource: float | None = None) -> float:
        """Seconds for the refits, should a step with so much of the resource be the last."""
        if self._reserve_resource is not None:
            resource = self._reserve_resource
        refits = self._reserve * max(self._fits.with_most(), self._fits.forecast(resource))
        n_held, with_resource = self._held
        if not n_held:
            return refits
        held = (n_held + self._reserve) * self._fits.forecast(with_resource)
        in_time = held <= min(_MOST_HELD * self._total, self._deadline - self._clock())
        return max(refits, held) if in_time else refits


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

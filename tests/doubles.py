"""Recording doubles of the tests, named by what they do."""

from __future__ import annotations

import heapq
import queue
import random
from collections import Counter

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import KFold

from skhpt.executors import WorkerDied
from skhpt.trial import Outcome, Step


class CountsUp:
    """A sampler that proposes {"x": 0}, {"x": 1}, ... and records what it was told before each."""

    def __init__(self, learns=True, end=None):
        self.learns = learns
        self.end = end
        self.told = []
        self.told_before_ask = []

    def ask(self):
        n = len(self.told_before_ask)
        if self.end is not None and n >= self.end:
            return None
        self.told_before_ask.append([(t.index, t.status.value) for t in self.told])
        return {"x": n}

    def tell(self, trial):
        self.told.append(trial)


class ShufflingExecutor:
    """Runs tasks at once but lets them end in a random order, as workers would."""

    is_local = True

    def __init__(self, n_workers, seed=0):
        self.n_workers = n_workers
        self._random = random.Random(seed)
        self._done = []
        self._tickets = 0
        self.most_in_flight = 0

    def submit(self, function, *args):
        self._tickets += 1
        self._done.append((self._tickets, lambda: function(*args)))
        self.most_in_flight = max(self.most_in_flight, len(self._done))
        return self._tickets

    def next_done(self, timeout=None):
        if not self._done or (timeout == 0.0 and self._random.random() < 0.5):
            raise queue.Empty
        return self._done.pop(self._random.randrange(len(self._done)))


class LosesWorkers(ShufflingExecutor):
    """Its workers die at random under steps that run for the first time, and always under some.

    Whatever is in flight then is lost, and nothing works until they are started anew.
    """

    def __init__(self, n_workers, seed=0, share=0.3, guilty=lambda step: False):
        super().__init__(n_workers, seed)
        self._share = share
        self._guilty = guilty
        self._is_broken = False
        self.restarts = 0
        self.runs = Counter()
        self.beside_a_second_run = []

    def submit(self, function, *args):
        step = next(arg for arg in args if isinstance(arg, Step))
        self.runs[step] += 1
        if self.runs[step] > 1:
            self.beside_a_second_run.append(sum(f != self._gone for _, f in self._done))
        kills = self._guilty(step) or (self.runs[step] == 1 and self._random.random() < self._share)
        ticket = super().submit(function, *args)
        if self._is_broken or kills:
            self._done[-1] = (ticket, self._gone if self._is_broken else self._die)
        return ticket

    def _die(self):
        raise WorkerDied("died", "SIGKILL(-9)")

    def _gone(self):
        self._die()

    def next_done(self, timeout=None):
        ticket, fetch = super().next_done(timeout)
        if fetch == self._die:
            self._is_broken = True
            self._done = [(other, self._gone) for other, _ in self._done]
        return ticket, fetch

    def restart(self):
        self._is_broken = False
        self.restarts += 1


class Clock:
    """Shows the time that it was given."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class VirtualWorkers:
    """Runs tasks at once, each at the virtual time at which a worker would have come to it."""

    is_local = True

    def __init__(self, n_workers, clock, startup=0.0):
        self.n_workers = n_workers
        self._clock = clock
        self._free_at = [startup] * n_workers
        self._tickets = 0
        self._running = []

    def submit(self, function, *args):
        self._tickets += 1
        worker = self._free_at.index(min(self._free_at))
        now, self._clock.now = self._clock.now, max(self._clock.now, self._free_at[worker])
        result = function(*args)
        self._free_at[worker] = self._clock.now
        heapq.heappush(self._running, (self._clock.now, self._tickets, result))
        self._clock.now = now
        return self._tickets

    def next_done(self, timeout=None):
        if not self._running or (timeout == 0.0 and self._running[0][0] > self._clock.now):
            raise queue.Empty
        end, ticket, result = heapq.heappop(self._running)
        self._clock.now = max(self._clock.now, end)
        return ticket, lambda: result


def made_outcomes(step: Step, params, score=lambda x, fold: x + fold / 10, seconds=1.0):
    """A fake evaluate: numbers instead of fits."""
    return [
        Outcome(
            trial=step.trial,
            fold=fold,
            scores={"score": score(params["x"], fold)},
            fit_time=seconds,
            score_time=0.0,
        )
        for fold in step.folds
    ]


class SpyClassifier(ClassifierMixin, BaseEstimator):
    """Remembers, in class-wide sets, the first column of every row that it is given."""

    fitted_rows: set = set()
    seen_rows: set = set()

    def __init__(self, shift=0.0):
        self.shift = shift

    @classmethod
    def reset(cls):
        cls.fitted_rows = set()
        cls.seen_rows = set()

    def fit(self, X, y):
        SpyClassifier.fitted_rows |= set(np.asarray(X)[:, 0].tolist())
        SpyClassifier.seen_rows |= set(np.asarray(X)[:, 0].tolist())
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        SpyClassifier.seen_rows |= set(np.asarray(X)[:, 0].tolist())
        return self.classes_[(np.asarray(X)[:, 1] > self.shift).astype(int)]


class SpyKFold(KFold):
    """Remembers the rows that it was given to split."""

    seen_rows: set = set()

    def split(self, X, y=None, groups=None):
        SpyKFold.seen_rows |= set(np.asarray(X)[:, 0].tolist())
        return super().split(X, y, groups)


class FailsWhen(ClassifierMixin, BaseEstimator):
    """Raises in fit when its parameter is one of `bad`; otherwise predicts the first class."""

    def __init__(self, parameter=0, bad=(1,)):
        self.parameter = parameter
        self.bad = bad

    def fit(self, X, y):
        if self.parameter in self.bad:
            raise RuntimeError(f"parameter={self.parameter} is a bad one")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

"""Bayesian optimisation with a Gaussian process, in numpy and scipy."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.stats import qmc

from ..space.core import Space
from ..trial import Status, Trial
from ._acquisition import N_BEST, Moves, Pool, row_keys, score_candidates, search_maximum
from ._observations import Observations, standardise
from ._surrogate import Kernel, Posterior, fit_kernel, one_thread
from .base import Sampler

SMALL_SPACE = 1500  # configurations that can all be scored at every ask
N_FIRST = (5, 5)
N_FIT = 150  # observations that set the hyperparameters
SOBOL_BATCH = 64


class GPSampler(Sampler):
    """..."""

    def __init__(self, space: Space, random_state: int):
        super().__init__(space, random_state)
        self._kernel = Kernel(space.groups)
        self._posterior = Posterior(self._kernel)
        self._moves = Moves(space, self.rng)
        self._observations = Observations()
        self._rows: list[np.ndarray] = []  # of the observations
        self._pending: dict[Hashable, np.ndarray | None] = {}
        self._seen: set[Hashable] = set()  # keys of configurations asked or told
        self._taken: set[bytes] = set()  # their rows in the cube
        self._n_fit_next = 0
        n_dims = len(self._kernel.prior_mean) - 2
        self._n_first = min(max(n_dims + 1, N_FIRST[0]), N_FIRST[1])
        self._design = self._space_filling()
        self._rest: Iterator[Mapping[str, Any]] | None = None
        self._grid: np.ndarray | None = None

    def ask(self) -> dict[str, Any] | None:
        params = self._propose()
        if params is not None:
            row = self.space.snap(self.space.encode(params)[None])[0]
            self._mark(params, row)
            self._pending[self.space.key(params)] = row
        return params

    def tell(self, trial: Trial) -> None:
        row = self._encode(trial.params)
        if self.space.contains(trial.params):
            name = self.space.key(trial.params)
            self._mark(trial.params, row)
        else:
            name = ("outside", trial.index)
        if trial.status is Status.RUNNING:
            self._pending[name] = row
            return
        self._pending.pop(name, None)
        if row is not None:
            self._rows.append(row)
            self._observations.append(trial)

    def _encode(self, params):
        try:
            row = self.space.encode(params)
        except ValueError:
            return None
        return self.space.snap(row[None])[0]

    def _mark(self, params, row):
        self._seen.add(self.space.key(params))
        self._taken.update(row_keys(row[None]))

    def _propose(self):
        if len(self._seen) >= self.space.size:
            return None
        with one_thread():
            proposals = self._model_proposals() if self._ready() else None
        if proposals is None:
            proposals = self._design_rows()
        for row in proposals:
            params = self.space.decode(row)
            if self.space.key(params) not in self._seen:
                return params
        return self._next_unseen()

    def _ready(self):
        if len(self._rows) + len(self._pending) < self._n_first:
            return False
        scores, _ = self._observations.values()
        finite = scores[np.isfinite(scores)]
        return len(finite) >= 2 and finite.min() < finite.max()

    def _design_rows(self):
        return (next(self._design) for _ in range(64))

    def _space_filling(self):
        sobol = qmc.Sobol(max(self.space.width, 1), scramble=True, seed=self.rng)
        while True:
            yield from self.space.snap(sobol.random(SOBOL_BATCH)[:, : self.space.width])

    def _next_unseen(self):
        if not math.isfinite(self.space.size):
            return self.space.sample(self.rng)
        if self._rest is None:
            self._rest = iter(self.space.enumerate())
        for params in self._rest:
            if self.space.key(params) not in self._seen:
                return params
        return None

    def _model_proposals(self):
        X = np.array(self._rows)
        scores, factor = self._observations.values()
        y = standardise(scores)
        pending = [row for row in self._pending.values() if row is not None]
        pending = np.array(pending).reshape(len(pending), self.space.width)
        self._fit(X, y, factor)
        self._posterior.condition(X, y, factor, pending)
        pool = Pool(lambda rows: score_candidates(self._posterior, rows), self._taken)
        if self.space.size <= SMALL_SPACE:
            pool.add(self._all_rows())
            return pool.best()
        mean = self._posterior.at_observed[: len(X)]
        best = np.argsort(-mean, kind="stable")[:N_BEST]
        return search_maximum(pool, self._moves, X[best])

    def _all_rows(self):
        if self._grid is None:
            rows = [self.space.encode(params) for params in self.space.enumerate()]
            self._grid = self.space.snap(np.array(rows))
        return self._grid

    def _fit(self, X, y, factor):
        n = len(X)
        if n < self._n_fit_next:
            return
        self._n_fit_next = n + max(1, n // 8)
        if n > N_FIT:
            order = np.argsort(-y, kind="stable")
            half = N_FIT // 2
            rest = order[half:][:: max(1, (n - half) // half)][:half]
            chosen = np.sort(np.r_[order[:half], rest])
            X, y, factor = X[chosen], y[chosen], factor[chosen]
        first = self._kernel.theta is self._kernel.prior_mean
        starts = [self._kernel.theta]
        fit_kernel(self._kernel, X, y, factor, starts, 30)

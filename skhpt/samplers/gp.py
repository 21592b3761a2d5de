"""Bayesian optimisation with a Gaussian process, in numpy and scipy alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ..space.core import Space
from ..trial import Status, Trial
from ._acquisition import N_BEST, Moves, Pool, row_keys, search_maximum
from ._cost import Costs
from ._memory import FoldEffects, Seen
from ._observations import standardise
from ._surrogate import Kernel, Posterior, fit_kernel, one_thread
from .base import Sampler
from .sobol import SobolSampler

N_FIRST = 5  # space-filling points before the model takes over; 3 to 10 do equally well
BATCH = 16  # of space-filling points; their sequence is balanced in powers of two
SMALL_SPACE = 1500  # configurations, all of which can be scored at every ask
N_FIT = 150  # observations that the hyperparameters are fitted to
REFIT_GROWTH = 8  # refit when the observations have grown by one part in so many
MAX_ITER = 30


class GPSampler(Sampler):
    """Propose where a Gaussian process expects the largest improvement.

    The first few configurations fill the space (a scrambled Sobol sequence); what others
    have proposed, such as the estimator's defaults, counts towards their number. From then
    on a Gaussian process with a Matern-5/2 kernel (one lengthscale a numeric column, one a
    categorical parameter) models the scores on the unit cube of the space, and the proposal
    maximises the logarithm of the expected improvement over the best posterior mean.

    No configuration is proposed twice; a finite space ends after each of its configurations.

    Parameters
    ----------
    space : Space
        What may be proposed.
    random_state : int
        Seed of every choice.
    cost_exponent : float or None, default=None
        Divide the expected improvement by the predicted cost to this power: 0 looks at
        improvement alone, 1 at improvement by cost, 0.5 lies between. The cost is predicted
        from the rounds that trials have trained, where a search counts them, and from seconds
        elsewhere. As these depend on the machine and its load, any value above 0 then gives up
        that a search has the same result every time and for every ``n_jobs``. None is 1 where
        rounds are counted and those of one configuration are known to cost more than those of
        another, as with trees and networks of different sizes, and 0 elsewhere. In a search:
        ``sampler=functools.partial(GPSampler, cost_exponent=0.5)``.

    Raises
    ------
    ValueError
        When `cost_exponent` is negative or not finite.

    Notes
    -----
    Scores are standardised at every ask, those worse than the median after compressing
    their distance to it logarithmically; proposals do not depend on the shift and the scale
    of the scores. Failed trials and scores that are not finite count as bad as the worst
    finite score. A trial with some of its folds only is a noisier observation, corrected for
    the folds that it missed. Points that are still pending count as observed with the
    posterior mean. Hyperparameters are the most probable ones under weak priors, fitted
    again when the number of observations has grown by an eighth.

    A proposal is a function of `random_state` and of the asks and tells before it, the seconds
    of the trials left out unless there is a `cost_exponent`.

    References
    ----------
    C. E. Rasmussen and C. K. I. Williams, "Gaussian processes for machine learning", MIT
    Press (2006). D. R. Jones, M. Schonlau and W. J. Welch, "Efficient global optimization of
    expensive black-box functions", Journal of Global Optimization 13 (1998). J. Snoek, H.
    Larochelle and R. P. Adams, "Practical Bayesian optimization of machine learning
    algorithms", NIPS 2012 (expected improvement per second). S. Ament et al., "Unexpected
    improvements to expected improvement for Bayesian optimization", NeurIPS 2023. C.
    Hvarfner, E. O. Hellsten and L. Nardi, "Vanilla Bayesian optimization performs great in
    high dimensions", ICML 2024 (lengthscales that grow like the square root of the number
    of dimensions).
    """

    def __init__(self, space: Space, random_state: int, cost_exponent: float | None = None):
        if cost_exponent is not None and not 0.0 <= cost_exponent < math.inf:
            raise ValueError(
                f"cost_exponent must be a finite number, 0 or more, got {cost_exponent!r}; "
                "0 ignores what a configuration costs, 1 maximises the improvement by cost"
            )
        super().__init__(space, random_state)
        self.cost_exponent = cost_exponent
        self._costs = Costs(space.width)
        self._kernel = Kernel(space.groups)
        self._posterior = Posterior(self._kernel)
        self._moves = Moves(space, self.rng)
        self._folds = FoldEffects()
        self._rows: list[np.ndarray] = []  # of the observations
        self._pending: dict[Hashable, np.ndarray] = {}
        self._seen = Seen(space, self.rng)
        self._taken: set[bytes] = set()  # the rows of what was seen
        self._first_points: list[dict[str, Any]] = []
        self._grid: np.ndarray | None = None  # all rows of a small space
        self._next_fit = 0

    # -- the two verbs ---------------------------------------------------------------------

    def ask(self) -> dict[str, Any] | None:
        params = self._propose()
        if params is not None:
            row = self._encode(params)
            self._taken.update(row_keys(row[None]))
            self._pending[self.space.key(params)] = row
        return params

    def tell(self, trial: Trial) -> None:
        """Learn from a trial; see :meth:`Sampler.tell`.

        A configuration outside of the space is learned from at the nearest point of the
        space, which stays free to be proposed, or not at all if it has no such point.
        """
        row = self._encode(trial.params)
        if row is not None and self.space.contains(trial.params):
            self._seen.add(trial.params)
            self._taken.update(row_keys(row[None]))
        key = self.space.key(trial.params)
        if trial.status is Status.RUNNING:
            if row is not None:
                self._pending[key] = row
            return
        self._pending.pop(key, None)
        # A search that was stopped says nothing about a configuration without a score.
        stopped = trial.status is Status.STOPPED and not math.isfinite(trial.score)
        if row is not None and not stopped:
            self._rows.append(row)
            self._folds.append(trial)
            self._costs.append(row, trial)

    def _encode(self, params: Mapping[str, Any]) -> np.ndarray | None:
        try:
            row = self.space.encode(params)
        except ValueError:
            return None
        return self.space.snap(row[None])[0]

    # -- proposals ---------------------------------------------------------------------------

    def _propose(self) -> dict[str, Any] | None:
        if self._seen.exhausted:
            return None
        if len(self._rows) + len(self._pending) < N_FIRST:
            return self._fill_space()
        with one_thread:
            y = standardise(self._folds.scores())
            if not y.any():  # nothing told yet, or nothing that tells one point from another
                return self._fill_space()
            rows = self._promising(y, self._folds.noise_factor())
        for row in rows:
            params = self.space.decode(row)
            if self._seen.add(params):
                return params
        return self._seen.draw()

    def _fill_space(self) -> dict[str, Any] | None:
        """The next new point of a space-filling sequence."""
        new = self._new(self._first_points) or self._new(self._batch())
        if not new:
            return self._seen.draw()
        params, *self._first_points = new
        self._seen.add(params)
        return params

    def _batch(self) -> list[dict[str, Any]]:
        sobol = SobolSampler(self.space, int(self.rng.integers(2**31)))
        return list(itertools.islice(iter(sobol.ask, None), BATCH))

    def _new(self, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [params for params in points if params not in self._seen]

    def _promising(self, y: np.ndarray, noise_factor: np.ndarray) -> np.ndarray:
        """New points, those of the largest expected improvement first."""
        X = np.array(self._rows)
        if len(X) >= self._next_fit:
            self._next_fit = len(X) + max(1, len(X) // REFIT_GROWTH)
            chosen = representatives(y, N_FIT)
            fit_kernel(self._kernel, X[chosen], y[chosen], noise_factor[chosen], MAX_ITER)
        pending = np.array(list(self._pending.values())).reshape(-1, self.space.width)
        self._posterior.condition(X, y, noise_factor, pending)
        pool = Pool(self._posterior, self._taken, self._penalty if self._exponent else None)
        if self.space.size <= SMALL_SPACE:
            pool.add(self._all_rows())
            return pool.best()
        best = np.argsort(-self._posterior.at_observed[: len(X)], kind="stable")[:N_BEST]
        return search_maximum(pool, self._moves, X[best])

    @property
    def _exponent(self) -> float:
        return float(self._costs.differ) if self.cost_exponent is None else self.cost_exponent

    def _penalty(self, rows: np.ndarray) -> np.ndarray:
        return self._exponent * self._costs.log_cost(rows)

    def _all_rows(self) -> np.ndarray:
        if self._grid is None:
            rows = [self.space.encode(params) for params in self.space.enumerate()]
            self._grid = self.space.snap(np.array(rows))
        return self._grid


def representatives(y: np.ndarray, n: int) -> np.ndarray:
    """Positions of at most n observations: half of them the best, the others spread evenly.

    The hyperparameters matter most around the best points, yet need the whole range.
    """
    if len(y) <= n:
        return np.arange(len(y))
    order = np.argsort(-y, kind="stable")
    spread = np.linspace(n // 2, len(y) - 1, n - n // 2).astype(int)
    return np.sort(np.r_[order[: n // 2], order[spread]])

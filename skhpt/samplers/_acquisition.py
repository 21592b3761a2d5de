"""Where to look next: expected improvement and the search for its maximum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import erfcx, ndtr

from ..space.core import Space
from ._surrogate import Posterior, column_groups

N_UNIFORM = 1000
N_BEST = 5  # incumbents around which candidates are drawn
SCALES = (0.3, 0.1, 0.03)  # of the perturbations, and of the rounds of local refinement
N_AROUND = 16  # candidates per incumbent, scale and kind of perturbation
# Products of the rows of candidates with the square of the observations: how much work may
# go into exact predictive deviations before candidates are first screened by a bound.
EXACT_WORK = 2e7
MIN_EXACT = 32
N_LEADING = 128  # observations behind the bound
BLOCK = 2**16  # entries of a covariance that stay in the cache

_LOG_SQRT_2PI = 0.5 * np.log(2.0 * np.pi)


def log_h(u: np.ndarray) -> np.ndarray:
    """Logarithm of h(u) = pdf(u) + u cdf(u) of the standard normal, without cancellation.

    For u below -1, h(u) = pdf(u) (1 - t m(t)) with t = -u and Mills' ratio m(t) by
    ``erfcx``; further out the series 1 - t m(t) = 1/t^2 - 3/t^4 + 15/t^6 - ... takes over
    (Ament et al., "Unexpected improvements to expected improvement for Bayesian
    optimization", 2023).

    Parameters
    ----------
    u : ndarray

    Returns
    -------
    ndarray of the shape of u
        Finite wherever the square of u is.
    """
    u = np.asarray(u, dtype=float)
    near = np.maximum(u, -1.0)
    direct = np.log(np.exp(-0.5 * near**2 - _LOG_SQRT_2PI) + near * ndtr(near))
    t = np.maximum(-u, 1.0)
    mills = np.sqrt(0.5 * np.pi) * erfcx(t / np.sqrt(2.0))
    q = 1.0 / (t * t)
    series = q * (1.0 - q * (3.0 - q * (15.0 - q * 105.0)))
    # The difference loses t^2 in relative accuracy: both are good to 1e-12 at t = 100.
    gap = np.where(t < 100.0, 1.0 - np.minimum(t, 100.0) * mills, series)
    gap = np.maximum(gap, np.finfo(float).tiny)  # the branch that is not taken
    return np.where(u > -1.0, direct, np.log(gap) - 0.5 * t * t - _LOG_SQRT_2PI)


def log_expected_improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    """Logarithm of E[max(f - best, 0)] for f normal with this mean and deviation."""
    return log_h((mean - best) / deviation) + np.log(deviation)


def score_candidates(
    posterior: Posterior,
    rows: np.ndarray,
    floor: float = -np.inf,
    penalty: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Log expected improvement over the best posterior mean of the points known so far.

    With many observations the exact deviation is too dear for every row: rows are screened
    by an upper bound of the improvement, and the most promising ones are scored exactly.

    Parameters
    ----------
    posterior : Posterior
        Conditioned.
    rows : ndarray of shape (n, width)
    floor : float
        What is below need not be known.
    penalty : ndarray of shape (n,) or float
        What to subtract.

    Returns
    -------
    ndarray of shape (n,)
        -inf for the rows that were screened out.
    """
    best = posterior.at_observed.max()
    n = len(posterior.at_observed)
    penalty = np.broadcast_to(penalty, len(rows))
    n_exact = max(int(EXACT_WORK / n**2), MIN_EXACT)
    if len(rows) <= n_exact:
        return _in_blocks(posterior.predict, rows, n, best) - penalty
    bound = _in_blocks(lambda part: posterior.predict_bound(part, N_LEADING), rows, n, best)
    bound -= penalty
    exact = np.argsort(-bound, kind="stable")[:n_exact]
    exact = exact[bound[exact] > floor]
    scores = np.full(len(rows), -np.inf)
    if len(exact):
        scores[exact] = _in_blocks(posterior.predict, rows[exact], n, best) - penalty[exact]
    return scores


def _in_blocks(predict: Callable, rows: np.ndarray, n: int, best: float) -> np.ndarray:
    size = max(BLOCK // n, 16)
    parts = [predict(rows[start : start + size]) for start in range(0, len(rows), size)]
    mean, deviation = (np.concatenate(arrays) for arrays in zip(*parts))
    return log_expected_improvement(mean, deviation, best)


class Moves:
    """Perturbations of points of the unit cube.

    Parameters
    ----------
    space : Space
    rng : numpy.random.Generator
    """

    def __init__(self, space: Space, rng: np.random.Generator):
        self._space, self._rng = space, rng
        self._group_of, self._categorical = column_groups(space.groups)
        self._n_groups = int(self._group_of.max(initial=-1)) + 1

    def uniform(self, n: int) -> np.ndarray:
        return self._space.sample_unit(self._rng, n)

    def around(self, centres: np.ndarray, scale: float, sparse: bool) -> np.ndarray:
        """One perturbed, snapped point for each centre.

        Parameters
        ----------
        centres : ndarray of shape (n, width)
        scale : float
            Standard deviation of the step of a numeric column.
        sparse : bool
            Move one or two groups of columns only, or else all numeric columns and every
            one-hot group with probability ``scale``.
        """
        n = len(centres)
        if sparse:
            chosen = self._rng.integers(self._n_groups, size=(n, 2))
            moved = (self._group_of == chosen[:, :1]) | (self._group_of == chosen[:, 1:])
        else:
            flips = self._rng.random((n, self._n_groups)) < scale
            moved = flips[:, self._group_of] | ~self._categorical
        step = centres + scale * self._rng.standard_normal(centres.shape)
        step = 1.0 - np.abs(1.0 - np.abs(step) % 2.0)  # reflected at the faces of the cube
        target = np.where(self._categorical, self._rng.random(centres.shape), step)
        return self._space.snap(np.where(moved, target, centres))


class Pool:
    """Distinct candidates with their acquisition, without those that are taken.

    Parameters
    ----------
    posterior : Posterior
        Conditioned.
    taken : set of bytes
        Keys of the rows that are not candidates; see :func:`row_keys`.
    penalty : callable or None
        Gives what to subtract from the acquisition of rows.
    """

    def __init__(
        self,
        posterior: Posterior,
        taken: set[bytes],
        penalty: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._posterior, self._penalty = posterior, penalty
        self._known = set(taken)
        self._rows = np.empty((0, posterior.kernel.width))
        self._scores = np.empty(0)

    def add(self, rows: np.ndarray) -> None:
        """Score the rows that are new."""
        new = []
        for i, key in enumerate(row_keys(rows)):
            if key not in self._known:
                self._known.add(key)
                new.append(i)
        if not new:
            return
        floor = self._scores[N_BEST - 1] if len(self._scores) >= N_BEST else -np.inf
        penalty = self._penalty(rows[new]) if self._penalty else 0.0
        scores = score_candidates(self._posterior, rows[new], floor, penalty)
        scores = np.concatenate([self._scores, scores])
        order = np.argsort(-scores, kind="stable")
        self._rows = np.concatenate([self._rows, rows[new]])[order]
        self._scores = scores[order]

    def best(self, n: int | None = None) -> np.ndarray:
        """The n rows (default all) of the largest acquisition, best first."""
        return self._rows[:n]


def row_keys(rows: np.ndarray) -> list[bytes]:
    """A hashable for each row of snapped points."""
    rows = np.ascontiguousarray(rows)
    if rows.shape[1] == 0:
        return [b""] * len(rows)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel().tolist()


def search_maximum(pool: Pool, moves: Moves, incumbents: np.ndarray) -> np.ndarray:
    """Candidates, the most promising first.

    Uniform points see the whole space, perturbations of the best points what lies near
    them, along few coordinates and along all; the best of these are refined locally.
    """
    centres = np.repeat(incumbents, N_AROUND, axis=0)
    pool.add(
        np.concatenate(
            [moves.uniform(N_UNIFORM)]
            + [moves.around(centres, scale, sparse) for scale in SCALES for sparse in (True, False)]
        )
    )
    for scale in SCALES:
        centres = np.repeat(pool.best(N_BEST), N_AROUND, axis=0)
        if len(centres):
            pool.add(
                np.concatenate([moves.around(centres, scale, sparse) for sparse in (True, False)])
            )
    return pool.best()

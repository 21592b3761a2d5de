"""The Gaussian process on the unit cube: kernel, hyperparameters, posterior.

Plain arrays in, plain arrays out; a larger ``y`` is a better configuration. All matrices
are small, so nothing here gains from a multi-threaded BLAS: see :class:`_OneThread`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, lapack
from scipy.optimize import minimize

# Prior of the hyperparameters, as mean and standard deviation of their logarithm. The
# scores are standardised, so that the scale of the signal is about one.
LENGTHSCALE_SD = 1.0  # the mean is log(sqrt(n_groups) / 2)
LOG_SIGNAL = (0.0, 1.0)
LOG_NOISE = (np.log(1e-3), 2.0)
TRIANGLE = 128  # rows of a triangular matrix that are multiplied in one go
LOG_LENGTHSCALE_BOUNDS = (np.log(0.02), np.log(100.0))
LOG_SIGNAL_BOUNDS = (np.log(0.02), np.log(50.0))
LOG_NOISE_BOUNDS = (np.log(1e-6), np.log(2.0))


class _OneThread:
    """Hold the BLAS to one thread: ``with one_thread: ...``

    A second thread makes matrices of this size slower, spins for milliseconds after every
    call on a core that a worker needs, and changes the last bits of a result with the
    number of cores, and with them the proposals.

    The limit is one for the whole process. Searches in several threads therefore share it:
    the first one in sets it, and the last one out restores what it found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limit = _blas().limit(limits=1, user_api="blas")
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()


@functools.cache
def _blas() -> Any:
    # threadpoolctl is a requirement of scikit-learn, which is one of ours.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


one_thread = _OneThread()


def matern52(squared: np.ndarray) -> np.ndarray:
    """Matern-5/2 correlation of squared scaled distances; overwrites its argument."""
    np.maximum(squared, 0.0, out=squared)  # rounding of |a|^2 + |b|^2 - 2ab
    squared *= 5.0
    decay = np.sqrt(squared)
    squared /= 3.0
    squared += decay
    squared += 1.0
    np.negative(decay, out=decay)
    np.exp(decay, out=decay)
    squared *= decay
    return squared


def column_groups(groups: Sequence[tuple[slice, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Number of the group of each column, and whether the column is one-hot.

    The columns of a one-hot dimension move together; every numeric column is on its own.
    """
    group_of: list[int] = []
    categorical: list[bool] = []
    for columns, one_hot in groups:
        width = columns.stop - columns.start
        first = group_of[-1] + 1 if group_of else 0
        group_of += [first] * width if one_hot else range(first, first + width)
        categorical += [one_hot] * width
    return np.array(group_of, dtype=np.intp), np.array(categorical, dtype=bool)


class Kernel:
    """Matern-5/2 with one lengthscale a group of columns, a signal and a noise variance.

    Parameters
    ----------
    groups : sequence of (slice, bool)
        The columns of each dimension and whether they are one-hot. The columns of a
        one-hot group share one lengthscale and are divided by sqrt(2), so that two
        different categories lie at distance one; a numeric column has its own lengthscale.

    Attributes
    ----------
    theta : ndarray of shape (n_groups + 2,)
        Logarithms of the lengthscales, the signal variance and the noise variance.
    prior_mean, prior_sd : ndarray of shape (n_groups + 2,)
        Of the independent normal priors of ``theta``.
    """

    def __init__(self, groups: Sequence[tuple[slice, bool]]):
        self.group_of, categorical = column_groups(groups)
        self.width = len(self.group_of)
        self.unit = np.where(categorical, np.sqrt(0.5), 1.0)
        n_groups = int(self.group_of.max(initial=-1)) + 1
        centre = np.log(np.sqrt(max(n_groups, 1)) / 2.0)
        self.prior_mean = np.r_[np.full(n_groups, centre), LOG_SIGNAL[0], LOG_NOISE[0]]
        self.prior_sd = np.r_[np.full(n_groups, LENGTHSCALE_SD), LOG_SIGNAL[1], LOG_NOISE[1]]
        self.bounds = [LOG_LENGTHSCALE_BOUNDS] * n_groups + [LOG_SIGNAL_BOUNDS, LOG_NOISE_BOUNDS]
        self.theta = self.prior_mean.copy()

    @property
    def signal(self) -> float:
        return float(np.exp(self.theta[-2]))

    @property
    def noise(self) -> float:
        return float(np.exp(self.theta[-1]))

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """Rows of the unit cube, every column divided by its lengthscale."""
        return X * (self.unit * np.exp(-self.theta[self.group_of]))

    def between(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """Covariance of the signal between scaled rows, shape (len(A), len(B))."""
        squared = A @ (-2.0 * B.T)
        squared += np.einsum("ij,ij->i", A, A)[:, None]
        squared += np.einsum("ij,ij->i", B, B)
        covariance = matern52(squared)
        covariance *= self.signal
        return covariance

    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """Unscaled squared distances by group, shape (n_groups, n * n)."""
        n_groups = len(self.prior_mean) - 2
        columns = X * self.unit
        distances = np.zeros((n_groups, len(X), len(X)))
        for column, group in enumerate(self.group_of):
            difference = columns[:, column, None] - columns[:, column]
            distances[group] += difference * difference
        return distances.reshape(n_groups, -1)


def negative_log_posterior(
    theta: np.ndarray,
    kernel: Kernel,
    distances: np.ndarray,
    y: np.ndarray,
    noise_factor: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Negative log posterior density of the hyperparameters, and its gradient.

    The marginal likelihood is equation 2.30 of Rasmussen and Williams (2006), its gradient
    equation 5.9; with r^2 = 5 sum_g d_g / l_g^2 the Matern-5/2 kernel has the derivative
    (5/3) s^2 (1 + r) exp(-r) d_g / l_g^2 by the logarithm of l_g.

    Parameters
    ----------
    theta : ndarray of shape (n_groups + 2,)
    kernel : Kernel
        Gives the prior.
    distances : ndarray of shape (n_groups, n * n)
        From :meth:`Kernel.squared_distances`.
    y, noise_factor : ndarray of shape (n,)
        Observations, and what multiplies the noise variance of each.

    Returns
    -------
    value : float
        Infinite where the covariance is not positive definite in floating point.
    gradient : ndarray of shape (n_groups + 2,)
    """
    n = len(y)
    shrinkage = np.exp(-2.0 * theta[:-2])
    signal, noise = np.exp(theta[-2:])
    squared = 5.0 * (shrinkage @ distances)
    r = np.sqrt(squared)
    decay = signal * np.exp(-r)
    smooth = ((1.0 + r + squared / 3.0) * decay).reshape(n, n)
    covariance = smooth.copy()
    covariance.flat[:: n + 1] += noise * noise_factor
    lower, info = lapack.dpotrf(covariance.T, lower=1, overwrite_a=1)
    if info != 0:
        return np.inf, np.zeros_like(theta)
    alpha, _ = lapack.dpotrs(lower, y, lower=1)
    half_log_det = np.log(np.diagonal(lower)).sum()
    inverse, _ = lapack.dpotri(lower, lower=1, overwrite_c=1)
    inverse = inverse + np.tril(inverse, -1).T
    residual = inverse - np.outer(alpha, alpha)

    weights = (residual.ravel() * decay) * (1.0 + r)
    gradient = np.empty_like(theta)
    gradient[:-2] = (5.0 / 6.0) * shrinkage * (distances @ weights)
    gradient[-2] = 0.5 * np.vdot(residual, smooth)
    gradient[-1] = 0.5 * noise * (np.diagonal(residual) @ noise_factor)
    deviation = (theta - kernel.prior_mean) / kernel.prior_sd
    value = 0.5 * (y @ alpha) + half_log_det + 0.5 * (deviation @ deviation)
    return float(value), gradient + deviation / kernel.prior_sd


def fit_kernel(
    kernel: Kernel, X: np.ndarray, y: np.ndarray, noise_factor: np.ndarray, max_iter: int
) -> None:
    """Set the hyperparameters to their most probable values, by L-BFGS from the present ones."""
    found = minimize(
        negative_log_posterior,
        kernel.theta,
        args=(kernel, kernel.squared_distances(X), y, noise_factor),
        jac=True,
        method="L-BFGS-B",
        bounds=kernel.bounds,
        options={"maxiter": max_iter, "ftol": 1e-5, "gtol": 1e-3},
    )
    if np.isfinite(found.fun):
        kernel.theta = found.x


class InverseCholesky:
    """The inverse W of the lower Cholesky factor of a covariance that grows by rows.

    W rather than the factor itself, because a prediction is then one matrix product on a
    slice of a buffer that has room to grow, and because its leading rows are the posterior
    given the first observations alone. Appending m rows to n costs O(m n^2).
    """

    def __init__(self):
        self._buffer = np.zeros((64, 64))
        self.n = 0

    @property
    def W(self) -> np.ndarray:
        return self._buffer[: self.n, : self.n]

    def truncate(self, n: int) -> None:
        """Forget all rows but the first n."""
        self.n = min(self.n, n)

    def append(self, cross: np.ndarray, block: np.ndarray) -> None:
        """Append rows: ``cross`` (n, m) with the rows held, ``block`` (m, m) among the new.

        With L the factor, B = W cross and S = block - B'B, the new rows of the inverse
        are [-chol(S)^-1 B' W, chol(S)^-1].
        """
        n, total = self.n, self.n + len(block)
        self._reserve(total)
        B = self.W @ cross
        corner = _inverse_cholesky(block - B.T @ B)
        self._buffer[n:total, :n] = -corner @ (B.T @ self.W)
        self._buffer[:n, n:total] = 0.0
        self._buffer[n:total, n:total] = corner
        self.n = total

    def _reserve(self, total: int) -> None:
        if total <= len(self._buffer):
            return
        capacity = max(total, len(self._buffer) * 3 // 2)
        grown = np.zeros((capacity, capacity))
        grown[: self.n, : self.n] = self.W
        self._buffer = grown


def _inverse_cholesky(covariance: np.ndarray) -> np.ndarray:
    """Inverse of the lower Cholesky factor, with as much jitter as it takes."""
    jitter = 0.0
    for _ in range(8):
        attempt = covariance.copy()
        attempt.flat[:: len(attempt) + 1] += jitter
        lower, info = lapack.dpotrf(attempt.T, lower=1, clean=1, overwrite_a=1)
        if info == 0:
            return lapack.dtrtri(lower, lower=1, overwrite_c=1)[0]
        jitter = max(10.0 * jitter, 1e-8 * float(np.abs(np.diagonal(covariance)).max()))
    raise LinAlgError("The covariance of the Gaussian process is not positive definite.")


class Posterior:
    """The process given observations; keeps what it can from one conditioning to the next.

    Parameters
    ----------
    kernel : Kernel

    Attributes
    ----------
    at_observed : ndarray of shape (n_told + n_pending,)
        Posterior mean at the points that the process is conditioned on.
    """

    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self._factor = InverseCholesky()
        self._theta = kernel.theta
        self._X = np.empty((0, kernel.width))
        self._noise_factor = np.empty(0)

    def condition(
        self, X: np.ndarray, y: np.ndarray, noise_factor: np.ndarray, pending: np.ndarray
    ) -> None:
        """Condition on observations (X, y) and on pending rows that have no value yet.

        A pending row gets the posterior mean as its value (the kriging believer). This is
        the fantasy that leaves the mean everywhere what the data say: only the variance
        around the pending row shrinks, there is no constant to choose, and the scores of
        the told points may be transformed anew at every ask.
        """
        rows = np.vstack([X, pending])
        factors = np.r_[noise_factor, np.ones(len(pending))]
        self._refactor(rows, factors)
        W = self._factor.W[: len(y), : len(y)]
        self._alpha = (W @ y) @ W
        told = y - self.kernel.noise * noise_factor * self._alpha  # K_f alpha
        self.at_observed = np.r_[told, self._mean(self._cross(self._scaled[len(y) :]))]

    def _refactor(self, rows: np.ndarray, factors: np.ndarray) -> None:
        kept = 0
        if self._theta is self.kernel.theta:  # replaced, never edited, by a fit
            kept = _common_prefix(rows, factors, self._X, self._noise_factor)
        self._theta, self._X, self._noise_factor = self.kernel.theta, rows, factors
        self._scaled = self.kernel.scaled(rows)
        self._factor.truncate(kept)
        if kept == len(rows):
            return
        new = self._scaled[kept:]
        block = self.kernel.between(new, new)
        block.flat[:: len(new) + 1] = self.kernel.signal + self.kernel.noise * factors[kept:]
        self._factor.append(self.kernel.between(self._scaled[:kept], new), block)

    def _cross(self, scaled: np.ndarray) -> np.ndarray:
        return self.kernel.between(scaled, self._scaled)

    def _mean(self, cross: np.ndarray) -> np.ndarray:
        return cross[:, : len(self._alpha)] @ self._alpha

    def predict(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the noiseless function, each of shape (n,)."""
        cross = self._cross(self.kernel.scaled(rows))
        return self._mean(cross), self._deviation(cross, self._factor.W)

    def predict_bound(self, rows: np.ndarray, n_leading: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean, and an upper bound of the standard deviation at a fraction of its cost.

        Conditioning on more observations never raises the variance, so the variance given
        the ``n_leading`` first ones, or the nearest one alone, bounds it from above.
        """
        cross = self._cross(self.kernel.scaled(rows))
        mean = self._mean(cross)
        bound = self._deviation(cross[:, :n_leading], self._factor.W[:n_leading, :n_leading])
        np.square(cross, out=cross)
        cross /= self.kernel.signal + self.kernel.noise * self._noise_factor
        nearest = self.kernel.signal - cross.max(axis=1)
        return mean, np.minimum(bound, np.sqrt(np.maximum(nearest, 1e-12)))

    def _deviation(self, cross: np.ndarray, W: np.ndarray) -> np.ndarray:
        variance = np.full(len(cross), self.kernel.signal)
        for start in range(0, len(W), TRIANGLE):  # W is triangular: half of the products
            stop = min(start + TRIANGLE, len(W))
            explained = cross[:, :stop] @ W[start:stop, :stop].T
            variance -= np.einsum("ij,ij->i", explained, explained)
        return np.sqrt(np.maximum(variance, 1e-12))


def _common_prefix(
    rows: np.ndarray, factors: np.ndarray, old_rows: np.ndarray, old_factors: np.ndarray
) -> int:
    """How many of the first rows are the same in both."""
    n = min(len(rows), len(old_rows))
    same = (rows[:n] == old_rows[:n]).all(axis=1) & (factors[:n] == old_factors[:n])
    return n if same.all() else int(np.argmin(same))

"""What a configuration is likely to cost, so that improvement can be weighed against it."""

from __future__ import annotations

import math

import numpy as np

from ..trial import Status, Trial

# Penalty of the squared slopes: the prior that log seconds change across an edge of the unit
# cube about as much as they scatter.
RIDGE = 1.0


class Costs:
    """Ridge regression of the logarithm of the seconds of a fold on the unit cube.

    By fold, because a raced trial is cheap for another reason than its configuration. Trials
    that failed or were stopped say nothing of what a fit takes, and are left out.

    Parameters
    ----------
    width : int
        Number of columns of the unit cube.
    """

    def __init__(self, width: int):
        self._rows: list[np.ndarray] = []
        self._log_seconds: list[float] = []
        self._slopes: np.ndarray | None = np.zeros(width)

    def append(self, row: np.ndarray, trial: Trial) -> None:
        """Remember what a trial has cost."""
        ended = trial.status in (Status.COMPLETE, Status.RACED)
        if ended and 0.0 < trial.seconds < math.inf:
            n_ran = max(sum(map(math.isfinite, trial.fold_scores)), 1)
            self._rows.append(row)
            self._log_seconds.append(math.log(trial.seconds) - math.log(n_ran))
            self._slopes = None

    def log_cost(self, rows: np.ndarray) -> np.ndarray:
        """Logarithm of the predicted cost of rows of the unit cube, up to a constant."""
        if self._slopes is None:
            X = np.array(self._rows)
            X -= X.mean(axis=0)
            y = np.array(self._log_seconds)
            gram = X.T @ X + RIDGE * np.eye(X.shape[1])
            self._slopes = np.linalg.solve(gram, X.T @ (y - y.mean()))
        return rows @ self._slopes

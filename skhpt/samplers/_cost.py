"""What a configuration is likely to cost, so that improvement can be weighed against it."""

from __future__ import annotations

import math

import numpy as np

from ..trial import Status, Trial

# Penalty of the squared slopes: the prior that log seconds change across an edge of the unit
# cube about as much as they scatter.
RIDGE = 1.0


class Costs:
    """Ridge regression of the logarithm of what a fold costs on the unit cube.

    By fold, because a raced trial is cheap for another reason than its configuration. The cost
    is the rounds that were trained times what each costs, where a search counts them: unlike
    seconds these are the same on every machine. Those of a raced trial were cut short, and say
    little; trials that failed or were stopped say nothing, and are left out.

    Parameters
    ----------
    width : int
        Number of columns of the unit cube.
    """

    def __init__(self, width: int):
        self._rows: list[np.ndarray] = []
        self._log_costs: list[float] = []
        self._slopes: np.ndarray | None = np.zeros(width)
        self._counts = False
        self._round_costs: set[float] = set()

    @property
    def differ(self) -> bool:
        """Whether a round of one configuration is known to cost more than one of another."""
        return len(self._round_costs) > 1

    def append(self, row: np.ndarray, trial: Trial) -> None:
        """Remember what a trial has cost."""
        if trial.work is not None and not self._counts:
            self._counts = True
            self._rows, self._log_costs = [], []  # they were seconds
        cost = trial.seconds
        if self._counts:
            cost = None if trial.work is None else trial.work * trial.round_cost
        ended = trial.status is Status.COMPLETE
        ended = ended or (trial.status is Status.RACED and not self._counts)
        if ended and cost is not None and 0.0 < cost < math.inf:
            n_ran = max(sum(map(math.isfinite, trial.fold_scores)), 1)
            self._rows.append(row)
            if self._counts:
                self._round_costs.add(trial.round_cost)
            self._log_costs.append(math.log(cost) - math.log(n_ran))
            self._slopes = None

    def log_cost(self, rows: np.ndarray) -> np.ndarray:
        """Logarithm of the predicted cost of rows of the unit cube, up to a constant."""
        if not self._rows:
            return np.zeros(len(rows))
        if self._slopes is None:
            X = np.array(self._rows)
            X -= X.mean(axis=0)
            y = np.array(self._log_costs)
            gram = X.T @ X + RIDGE * np.eye(X.shape[1])
            self._slopes = np.linalg.solve(gram, X.T @ (y - y.mean()))
        return rows @ self._slopes

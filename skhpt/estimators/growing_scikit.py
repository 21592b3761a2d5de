"""What growing scikit-learn's own estimators has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)
from sklearn.utils.validation import has_fit_parameter

from .growing import Growth, Watched

REGRESSION_LOSSES = {
    "squared_error": mean_squared_error,
    "absolute_error": mean_absolute_error,
    "poisson": mean_poisson_deviance,
    "gamma": mean_gamma_deviance,
}


def only_weights(estimator, fit_params: Mapping[str, Any]) -> bool:
    """Whether ``fit`` gets nothing but sample weights that it has a parameter for."""
    if not fit_params:
        return True
    return set(fit_params) == {"sample_weight"} and has_fit_parameter(estimator, "sample_weight")


class SklearnGrowth(Growth):
    """What boosters and networks share: the checks, and the loss on the watched rows."""

    rounds: str

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        self._model = estimator
        self._X = X
        self._y = y
        self._watched = watched
        self._weights = fit_params.get("sample_weight")

    def _check_ahead(self, n_rounds: int) -> None:
        if n_rounds < self.n_rounds:
            raise ValueError(
                f"n_rounds must be at least the {self.n_rounds} rounds that are trained, got "
                f"{n_rounds}. A model grows only; use fitted({n_rounds}) to go back."
            )

    def _check_trained(self, n_rounds: int) -> None:
        if not 1 <= n_rounds <= self.n_rounds:
            raise ValueError(
                f"n_rounds must be between 1 and the {self.n_rounds} rounds that are trained, "
                f"got {n_rounds}. Call grow({n_rounds}) first."
            )

    def loss(self) -> float:
        """Tell the loss that the estimator minimises, without its penalties.

        NaN for losses that have no counterpart among the metrics (huber, exponential, several
        labels a row), for classes that were not trained on, and for targets that a loss forbids.
        """
        try:
            return self._loss()
        except ValueError:  # as metrics say of what they are not defined for
            return float("nan")

    def _loss(self) -> float:
        y, name = self._watched.y, getattr(self._model, "loss", "log_loss")
        if is_classifier(self._model):
            known = self._model.classes_
            if name != "log_loss" or np.ndim(y) > 1 or not np.isin(y, known).all():
                return float("nan")
            return float(log_loss(y, self.answer("predict_proba"), labels=known))
        if name == "quantile":
            level = getattr(self._model, "quantile", None)
            level = self._model.alpha if level is None else level
            return float(mean_pinball_loss(y, self.answer("predict"), alpha=level))
        if name not in REGRESSION_LOSSES:
            return float("nan")
        return float(REGRESSION_LOSSES[name](y, self.answer("predict")))

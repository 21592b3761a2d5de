"""Growing scikit-learn's linear models by stochastic gradients, epoch by epoch.

``partial_fit`` is another training than ``fit``, and no calls of it or of ``fit`` with
``warm_start`` add up to a longer ``fit``, for what that carries from epoch to epoch cannot be
handed on:

- the order of the rows: each epoch shuffles that of the one before, each call begins anew;
- the L1 penalty that is owed by every weight: a call forgets it (coefficients off by a half and
  more after a dozen epochs, also with the rows in the order of ``fit``);
- the scale that the L2 penalty puts on the weights: a call multiplies it out, which changes the
  last digits (1e-15 to 1e-14 with a hinge; with "log_loss", whose first steps are large at the
  learning rate "optimal", all digits). Without a penalty nothing is lost;
- with ``tol``, which is set by default, the best loss so far and the lowered rate of "adaptive":
  where ``fit`` ends by itself cannot be known from outside;
- the number of steps taken: ``warm_start`` sets it back, and with it the learning rate.

So these growers stand in no table; they are for searches that refit in the same way.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.multiclass import unique_labels

from .growing import Grower, Growth, Watched
from .growing_networks import own_stream
from .growing_scikit import SklearnGrowth, only_weights


class _SGDGrowth(SklearnGrowth):
    """A linear model that goes on through ``partial_fit``, an epoch a call."""

    rounds = "max_iter"

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        super().__init__(estimator, X, y, watched, fit_params)
        self._classes = {"classes": unique_labels(y)} if is_classifier(estimator) else {}
        self._seed = estimator.random_state
        # A seed would give every epoch the same order of the rows.
        estimator.set_params(random_state=own_stream(estimator.random_state))

    def grow(self, n_rounds: int) -> None:
        self._check_ahead(n_rounds)
        while self.n_rounds < n_rounds:
            self._model.partial_fit(self._X, self._y, sample_weight=self._weights, **self._classes)
            self.n_rounds += 1

    def change(self, params: Mapping[str, Any]) -> None:
        self._model.set_params(**params)

    def state(self) -> dict[str, Any]:
        return {"_model": self._model, "n_rounds": self.n_rounds}

    def answer(self, method: str) -> np.ndarray:
        self._check_trained(self.n_rounds)
        return getattr(self._model, method)(self._watched.X)

    def fitted(self, n_rounds: int) -> Any:
        """Return the model; only as it is now."""
        self._check_trained(n_rounds)
        if n_rounds != self.n_rounds:
            raise ValueError(
                f"n_rounds must be the {self.n_rounds} rounds that are trained, got {n_rounds}. "
                "Weights in between are not kept."
            )
        model = copy.deepcopy(self._model)
        return model.set_params(max_iter=n_rounds, random_state=copy.deepcopy(self._seed))


class SGDGrower(Grower):
    """Grow ``SGDClassifier`` and ``SGDRegressor``, by epochs of ``partial_fit``."""

    kinds = ("SGDClassifier", "SGDRegressor")
    rounds = "max_iter"
    goes_back = False
    changeable = frozenset(
        ("alpha", "l1_ratio", "penalty", "eta0", "learning_rate", "power_t", "epsilon")
    )
    # Of which eta0 is without effect at the learning rate "optimal".
    example: ClassVar = {
        "alpha": (1e-6, 1e-2, "log-uniform"),
        "eta0": (1e-4, 1.0, "log-uniform"),
        "learning_rate": ["constant"],
    }

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether ``partial_fit`` takes the estimator as it is."""
        from sklearn.linear_model import SGDClassifier, SGDRegressor  # many modules, when asked

        known = type(estimator) in (SGDClassifier, SGDRegressor)
        return known and not self.needs(estimator) and only_weights(estimator, fit_params)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        stops = bool(estimator.early_stopping)
        by_word = isinstance(getattr(estimator, "class_weight", None), str)
        return ["early_stopping=False"] * stops + ["class_weight=None"] * by_word

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth:
        return _SGDGrowth(estimator, X, y, watched, fit_params)

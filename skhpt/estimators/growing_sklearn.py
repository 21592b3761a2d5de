"""Growing scikit-learn's own boosters, which go on through ``warm_start``.

Private attributes of the estimators are read in the functions that are marked with "Private:";
the tests hold them to what ``fit`` gives.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_array

from .growing import Grower, Growth, Watched
from .growing_scikit import SklearnGrowth, only_weights

AUTO_STOPS_ABOVE = 10_000  # rows, HistGradientBoosting*(early_stopping="auto")


def _keep_bins(model) -> None:
    """Private: have a histogram booster cut its bins once, not at every call of ``fit``."""
    cut = getattr(model, "_bin_data", None)
    kept: list = []

    def bin_data(*args, **kwargs):
        if not kept:
            kept.extend([cut(*args, **kwargs), model._bin_mapper])
        binned, model._bin_mapper = kept
        return binned

    if cut is not None:
        model._bin_data = bin_data


def _keep_training_predictions(model) -> None:
    """Private: spare a booster the predictions of all its trees when ``fit`` goes on.

    ``fit`` adds every new tree to the array that it got, so the array stays up to date.
    """
    predict = model._raw_predict
    kept: list = []

    def raw_predict(*args, **kwargs):
        if not kept:
            kept.append(predict(*args, **kwargs))
        return kept[0]

    model._raw_predict = raw_predict


def _bare(model):
    """Copy a booster without its trees' data, and without what the two above put into it."""
    bare = copy.copy(model)
    for name in ("_bin_data", "_raw_predict"):
        vars(bare).pop(name, None)
    return bare


def _own(model, *names: str) -> None:
    """Give a copy of a model its own objects, the same ones where they were the same."""
    vars(model).update(copy.deepcopy({name: getattr(model, name) for name in names}))


class _BoosterGrowth(SklearnGrowth):
    """A booster that goes on through ``warm_start``.

    The predictions of the watched rows are summed up tree by tree, in the order of ``predict``.
    """

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        super().__init__(estimator, X, y, watched, fit_params)
        self._warm_start = estimator.warm_start
        self._raw: np.ndarray | None = None
        self._n_summed = 0
        estimator.set_params(warm_start=True)
        _keep_training_predictions(estimator)

    def grow(self, n_rounds: int) -> None:
        self._check_ahead(n_rounds)
        if n_rounds > self.n_rounds:
            self._model.set_params(**{self.rounds: n_rounds})
            self._model.fit(self._X, self._y, sample_weight=self._weights)
            self.n_rounds = n_rounds

    def change(self, params: Mapping[str, Any]) -> None:
        self._model.set_params(**params)

    def answer(self, method: str) -> np.ndarray:
        self._check_trained(self.n_rounds)
        if self._n_summed < self.n_rounds:
            self._raw = self._summed()
            self._n_summed = self.n_rounds
        asked = _bare(self._model)
        # Private: the one method from which all others derive their answers.
        asked._raw_predict = lambda X, *args, **kwargs: self._raw.copy()
        return getattr(asked, method)(self._watched.X)

    def fitted(self, n_rounds: int) -> Any:
        self._check_trained(n_rounds)
        model = self._cut(_bare(self._model), n_rounds)
        return model.set_params(**{self.rounds: n_rounds, "warm_start": self._warm_start})

    def _summed(self) -> np.ndarray:
        """Raw predictions of the watched rows, by all trees."""
        raise NotImplementedError

    def _cut(self, model, n_rounds: int) -> Any:
        """Leave a copy of the model its first rounds only."""
        raise NotImplementedError


class _HistGradientBoostingGrowth(_BoosterGrowth):
    rounds = "max_iter"

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        super().__init__(estimator, X, y, watched, fit_params)
        _keep_bins(estimator)

    def _summed(self) -> np.ndarray:
        # Private: what the trees so far say takes the place of the constant to start from.
        later = _bare(self._model)
        later._predictors = self._model._predictors[self._n_summed :]
        if self._raw is not None:
            later._baseline_prediction = self._raw
        return later._raw_predict(self._watched.X)

    def _cut(self, model, n_rounds: int) -> Any:
        # Private: the trees, a list a round, and the stream that draws columns.
        model._predictors = model._predictors[:n_rounds]
        _own(model, "random_state", "_feature_subsample_rng")
        return model


class _GradientBoostingGrowth(_BoosterGrowth):
    rounds = "n_estimators"

    def _summed(self) -> np.ndarray:
        model = self._model
        if self._raw is None:
            return _bare(model)._raw_predict(self._watched_rows())  # Private: adds nothing else
        raw, X = self._raw.copy(), self._watched_rows()
        for trees in model.estimators_[self._n_summed :]:
            for k, tree in enumerate(trees):
                raw[:, k] += model.learning_rate * tree.predict(X)
        return raw

    def _watched_rows(self):
        """The watched rows as trees take them."""
        return check_array(self._watched.X, dtype=np.float32, order="C", accept_sparse="csr")

    def _cut(self, model, n_rounds: int) -> Any:
        _own(model, "random_state", "_rng", "init", "init_")  # Private: the stream
        model.estimators_ = model.estimators_[:n_rounds].copy()
        model.n_estimators_ = n_rounds
        model.train_score_ = model.train_score_[:n_rounds].copy()
        if hasattr(model, "oob_scores_"):
            model.oob_improvement_ = model.oob_improvement_[:n_rounds].copy()
            model.oob_scores_ = model.oob_scores_[:n_rounds].copy()
            model.oob_score_ = model.oob_scores_[-1]
        return model


_OF_A_TREE = ("max_depth", "max_leaf_nodes", "min_samples_leaf", "max_features")
_OF_A_PLAIN_TREE = ("min_samples_split", "min_weight_fraction_leaf", "min_impurity_decrease")


class HistGradientBoostingGrower(Grower):
    """Grow ``HistGradientBoostingClassifier`` and ``HistGradientBoostingRegressor``."""

    rounds = "max_iter"
    changeable = frozenset((*_OF_A_TREE, "learning_rate", "l2_regularization"))

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives.

        ``fit`` must not stop by itself, so ``early_stopping="auto"`` needs the number of rows.
        A model with ``warm_start=True`` that draws columns is refused: whoever trains on what
        ``fitted`` returns would continue another random stream than the one of ``fit``.
        """
        return not self.needs(estimator, n_samples) and only_weights(estimator, fit_params)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        stops = estimator.early_stopping
        if isinstance(stops, str):
            stops = n_samples is None or n_samples > AUTO_STOPS_ABOVE
        draws_on = estimator.warm_start and estimator.max_features < 1.0
        return ["early_stopping=False"] * bool(stops) + ["warm_start=False"] * bool(draws_on)

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth:
        return _HistGradientBoostingGrowth(estimator, X, y, watched, fit_params)


class GradientBoostingGrower(Grower):
    """Grow ``GradientBoostingClassifier`` and ``GradientBoostingRegressor``.

    Their learning rate is one for all trees, and applied when they predict.
    """

    rounds = "n_estimators"
    changeable = frozenset((*_OF_A_TREE, *_OF_A_PLAIN_TREE, "subsample"))

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives.

        Every tree draws from the random stream, if only to order the columns; hence
        ``warm_start=True`` is refused, as for histogram boosters that draw.
        """
        return not self.needs(estimator) and only_weights(estimator, fit_params)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        stops = estimator.n_iter_no_change is not None
        draws_on = bool(estimator.warm_start)
        return ["n_iter_no_change=None"] * stops + ["warm_start=False"] * draws_on

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth:
        return _GradientBoostingGrowth(estimator, X, y, watched, fit_params)

"""Growing scikit-learn's own boosters and networks.

The boosters go on through ``warm_start``, the networks through ``partial_fit`` with one random
stream from the first epoch to the last. Private attributes of the estimators are read in the
functions that are marked with "Private:"; the tests hold them to what ``fit`` gives.
"""

from __future__ import annotations

import copy
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
from sklearn.utils import check_array, check_random_state, column_or_1d, shuffle
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import has_fit_parameter

from .._compat import num_samples, safe_split
from .growing import Grower, Growth, Watched

AUTO_STOPS_ABOVE = 10_000  # rows, HistGradientBoosting*(early_stopping="auto")
REGRESSION_LOSSES = {
    "squared_error": mean_squared_error,
    "absolute_error": mean_absolute_error,
    "poisson": mean_poisson_deviance,
    "gamma": mean_gamma_deviance,
}


def _only_weights(estimator, fit_params: Mapping[str, Any]) -> bool:
    """Whether ``fit`` gets nothing but sample weights that it has a parameter for."""
    if not fit_params:
        return True
    return set(fit_params) == {"sample_weight"} and has_fit_parameter(estimator, "sample_weight")


class _SklearnGrowth(Growth):
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


# -- boosters ----------------------------------------------------------------------------------


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


class _BoosterGrowth(_SklearnGrowth):
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


class HistGradientBoostingGrower(Grower):
    """Grow ``HistGradientBoostingClassifier`` and ``HistGradientBoostingRegressor``."""

    rounds = "max_iter"

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives.

        ``fit`` must not stop by itself, so ``early_stopping="auto"`` needs the number of rows.
        A model with ``warm_start=True`` that draws columns is refused: whoever trains on what
        ``fitted`` returns would continue another random stream than the one of ``fit``.
        """
        stops = estimator.early_stopping
        if isinstance(stops, str):
            stops = n_samples is None or n_samples > AUTO_STOPS_ABOVE
        draws_on = estimator.warm_start and estimator.max_features < 1.0
        return not stops and not draws_on and _only_weights(estimator, fit_params)

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
    """Grow ``GradientBoostingClassifier`` and ``GradientBoostingRegressor``."""

    rounds = "n_estimators"

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives.

        Every tree draws from the random stream, if only to order the columns; hence
        ``warm_start=True`` is refused, as for histogram boosters that draw.
        """
        stops = estimator.n_iter_no_change is not None
        return not stops and not estimator.warm_start and _only_weights(estimator, fit_params)

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


# -- networks ----------------------------------------------------------------------------------


def _own_stream(random_state) -> np.random.RandomState:
    """One stream for all epochs, where ``partial_fit`` would begin a seed's anew each time.

    Nobody else may draw from it meanwhile, hence a seed in the place of numpy's global stream.
    """
    stream = check_random_state(random_state)
    if stream is check_random_state(None):
        return np.random.RandomState(stream.randint(np.iinfo(np.int32).max))
    return stream


def _converged(model) -> bool:
    """Private: whether the last epoch was the one after which ``fit`` stops by itself."""
    return model._no_improvement_count > model.n_iter_no_change


class _MLPGrowth(_SklearnGrowth):
    """A network that goes on through ``partial_fit``, an epoch a call.

    ``fit`` shuffles in each epoch the order of the epoch before, ``partial_fit`` the rows as it
    gets them. So the rows are handed over in the order of the epoch before, which a second
    stream, in step with the model's, tells.
    """

    rounds = "max_iter"

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)  # once, as in fit, not in every epoch
        super().__init__(estimator, X, y, watched, fit_params)
        self._given = {name: getattr(estimator, name) for name in ("random_state", "batch_size")}
        self._past: dict[int, dict] = {}
        self._classes = {"classes": unique_labels(y)} if is_classifier(estimator) else {}
        self.finished = False
        stream = _own_stream(estimator.random_state)
        estimator.set_params(random_state=stream)
        self._order_stream = self._after_weights(copy.deepcopy(stream))

    def _after_weights(self, stream: np.random.RandomState) -> np.random.RandomState:
        """Advance a stream by what the first weights draw; how many, a trial on a row tells."""
        trial = copy.copy(self._model)
        trial.set_params(random_state=stream, shuffle=False, warm_start=False, verbose=False)
        trial.set_params(batch_size="auto")
        X, y = safe_split(trial, self._X, self._y, np.arange(1))
        trial.partial_fit(X, y, **self._classes)
        return stream

    def grow(self, n_rounds: int) -> None:
        """Train up to `n_rounds` epochs in all, or to where ``fit`` would have stopped.

        `n_rounds` then stays there, ``finished`` is True and growing further does nothing.
        """
        if self.finished and n_rounds > self.n_rounds:
            return
        self._check_ahead(n_rounds)
        if n_rounds == self.n_rounds:
            return
        while self.n_rounds < n_rounds and not self.finished:
            self._epoch()
        self._past[self.n_rounds] = self._weights_now()

    def _epoch(self) -> None:
        model = self._model
        weights = {} if self._weights is None else {"sample_weight": self._weights}
        model.partial_fit(self._X, self._y, **weights, **self._classes)
        if len(model.loss_curve_) == self.n_rounds:  # which partial_fit reports by a warning
            raise KeyboardInterrupt
        self.n_rounds += 1
        self.finished = bool(_converged(model))
        if self.n_rounds == 1 and model.batch_size != "auto":
            # It clips in silence from now on; the first epoch has warned, as fit does once.
            model.set_params(batch_size=min(model.batch_size, num_samples(self._X)))
        if model.shuffle:
            self._reorder()

    def _reorder(self) -> None:
        order = shuffle(np.arange(num_samples(self._X)), random_state=self._order_stream)
        self._X, self._y = safe_split(self._model, self._X, self._y, order)
        if self._weights is not None:
            self._weights = np.asarray(self._weights)[order]

    def _weights_now(self) -> dict:
        """The state of the model; without the optimizer's, which is twice as large."""
        state = dict(vars(self._model))
        state.pop("_optimizer")
        for name in ("coefs_", "intercepts_", "loss_curve_"):
            state[name] = copy.deepcopy(state[name])
        return state

    def answer(self, method: str) -> np.ndarray:
        self._check_trained(self.n_rounds)
        return getattr(self._model, method)(self._watched.X)

    def fitted(self, n_rounds: int) -> Any:
        """Return the network as its own ``fit`` with `n_rounds` leaves it.

        To be had for the number of epochs that was reached and for all numbers that ``grow``
        was called with. The latter lack the momenta of the optimizer: they predict, and a
        further ``fit`` is the same, but ``partial_fit`` starts with new momenta.
        """
        trained = min(n_rounds, self.n_rounds) if self.finished else n_rounds
        self._check_trained(trained)
        if trained == self.n_rounds:
            state = vars(self._model)
        elif trained in self._past:
            state = self._past[trained]
        else:
            raise ValueError(
                f"n_rounds must be a number of epochs that grow() was called with, one of "
                f"{sorted(self._past)}, got {n_rounds}. Weights in between are not kept."
            )
        model = copy.copy(self._model)
        vars(model).clear()
        vars(model).update(copy.deepcopy(state), n_iter_=trained)
        return model.set_params(max_iter=n_rounds, **copy.deepcopy(self._given))


class MLPGrower(Grower):
    """Grow ``MLPClassifier`` and ``MLPRegressor``, by epochs.

    ``fitted`` goes back only to numbers of epochs that ``grow`` was called with.
    """

    rounds = "max_iter"
    goes_back = False
    patience = 20
    max_rounds = 500

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives."""
        stochastic = estimator.solver in ("adam", "sgd")
        return stochastic and not estimator.early_stopping and _only_weights(estimator, fit_params)

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth:
        return _MLPGrowth(estimator, X, y, watched, fit_params)

"""XGBoost's models, round by round, on bins that the configurations of a fold share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import clone
from threadpoolctl import threadpool_info

from .._compat import openmp_threads
from .growing import Grower, Growth, Watched
from .growing_boosters import (
    SIZED,
    BoosterGrowth,
    Fold,
    as_targets,
    as_weights,
    check_method,
    class_numbers,
    kind_of,
    mean_loss,
)

# The loss of each objective that growing was compared with ``fit`` for.
_REGRESSION = {
    "reg:squarederror": "squared",
    "reg:squaredlogerror": "squared_log",
    "reg:absoluteerror": "absolute",
    "reg:pseudohubererror": "pseudo_huber",
    "reg:quantileerror": "quantile",
    "reg:logistic": "log",
    "count:poisson": "poisson",
    "reg:gamma": "gamma",
    "reg:tweedie": "tweedie",
}
_CLASSIFICATION = {
    "binary:logistic": "log",
    "multi:softprob": "log",
    "multi:softmax": "log",
}
_OBJECTIVES = {**_REGRESSION, **_CLASSIFICATION}

# Parameters beyond the wrapper's own, with which growing was compared with ``fit``.
_PROVEN = frozenset(
    (
        *("eta", "alpha", "lambda", "min_split_loss", "max_cat_threshold"),
        *("nthread", "seed", "seed_per_iteration"),
        *("quantile_alpha", "tweedie_variance_power", "huber_slope"),
    )
)
# What the wrapper's parameters may be, where not all values are proven.
_ALLOWED = {
    "booster": (None, "gbtree"),
    "tree_method": (None, "auto", "hist", "approx", "exact"),
    "device": (None, "cpu"),
    "multi_strategy": (None, "one_output_per_tree"),
    "num_parallel_tree": (None, 1),
    "early_stopping_rounds": (None,),
    "callbacks": (None,),
    "feature_types": (None,),
    "feature_weights": (None,),
    "sampling_method": (None, "uniform"),
    "enable_categorical": (False, True),
}
# The other methods make their bins while they train, in the matrix that they are given: there is
# little to share, and several that train at once would write to the same place.
_KEEPS_BINS = (None, "auto", "hist")
# Of these depends what XGBoost makes of the rows.
_BINNING = ("tree_method", "max_bin", "missing", "n_jobs", "enable_categorical")


# What XGBoost reads anew in every round.
_CHANGEABLE = frozenset(
    (
        *("learning_rate", "eta", "max_depth", "max_leaves", "min_child_weight", "max_delta_step"),
        *("gamma", "min_split_loss", "reg_alpha", "alpha", "reg_lambda", "lambda", "subsample"),
        *("colsample_bytree", "colsample_bylevel", "colsample_bynode"),
    )
)


class XGBoostGrower(Grower):
    """Grows ``XGBClassifier`` and ``XGBRegressor``."""

    rounds = "n_estimators"
    changeable = _CHANGEABLE

    def own_number(self, estimator: Any) -> int:
        return int(estimator.get_num_boosting_rounds())  # it has a default of its own for None

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        import xgboost

        classifier = type(estimator) is xgboost.XGBClassifier
        if not classifier and type(estimator) is not xgboost.XGBRegressor:
            return False
        if set(fit_params) - {"sample_weight"} or not hasattr(estimator, "_create_dmatrix"):
            return False
        # The wrapper's get_params draws from a generator that is given as random_state.
        given = {name: value for name, value in vars(estimator).items() if not name.endswith("_")}
        params = {**given, **(getattr(estimator, "kwargs", None) or {})}
        known = {*type(estimator)().get_params(), "kwargs", *_PROVEN}
        unknown = [name for name in params if name not in known and not name.startswith("_")]
        return not unknown and _is_proven(params, classifier)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        return [
            f"{name}={allowed[-1]!r}"
            for name, allowed in _ALLOWED.items()
            if getattr(estimator, name, None) not in allowed
        ]

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth | None:
        import xgboost

        kind, weight = kind_of(X), fit_params.get("sample_weight")
        if kind is None or kind_of(watched.X) != kind:
            return None
        if as_targets(y, X.shape[0], numeric=True) is None:
            return None
        if weight is not None and as_weights(weight, X.shape[0]) is None:
            return None
        fold = Fold.among(shared, "xgboost", X, y, weight, watched)
        n_classes = None
        if isinstance(estimator, xgboost.XGBClassifier):
            n_classes = fold.keep("classes", lambda: _n_classes(y))
            if n_classes < 2:
                return None
        params = _booster_params(estimator, n_classes)
        key = tuple((name, repr(getattr(estimator, name))) for name in _BINNING)
        with fold.lock, xgboost.config_context(verbosity=estimator.verbosity):
            rows = fold.keep(("watched", *key), lambda: _rows(estimator, watched.X))
            if estimator.tree_method in _KEEPS_BINS:
                bins = fold.keep(("bins", *key), lambda: _bins(estimator, X, y, weight))
            else:
                bins = _bins(estimator, X, y, weight)
        bound = (params.get("nthread", params["n_jobs"]) or 0) <= 0
        n_threads = fold.keep("threads", _threads_here) if bound else None
        return XGBoostGrowth(
            clone(estimator), n_classes, params, bins, (rows, watched.y), n_threads
        )


def _is_proven(params: Mapping[str, Any], classifier: bool) -> bool:
    objective, metric = params["objective"], params["eval_metric"]
    metrics = metric if isinstance(metric, list) else [metric]
    return (
        isinstance(objective, str)
        and objective in (_CLASSIFICATION if classifier else _REGRESSION)
        and all(params.get(name) in values for name, values in _ALLOWED.items())
        and (params["random_state"] is None or _is_whole(params["random_state"]))
        and (params["n_estimators"] is None or _is_whole(params["n_estimators"]))
        and all(name is None or isinstance(name, str) for name in metrics)
        and isinstance(params.get("quantile_alpha", 0.5), float)
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer)


def _n_classes(y: Any) -> int:
    """Count the classes 0, 1, ...; none for others, of which ``fit`` itself complains."""
    classes = np.unique(np.asarray(y))
    return len(classes) if np.array_equal(classes, np.arange(len(classes))) else 0


def _booster_params(estimator: Any, n_classes: int | None) -> dict[str, Any]:
    """Make the booster's parameters as the wrapper's ``fit`` makes them."""
    params = estimator.get_xgb_params()
    if n_classes is not None and n_classes > 2:
        if params.get("objective") != "multi:softmax":
            params["objective"] = "multi:softprob"
        params["num_class"] = n_classes
    if isinstance(estimator.eval_metric, str | list) and estimator.eval_metric:
        params["eval_metric"] = estimator.eval_metric
    return params


def _bins(estimator: Any, X: Any, y: Any, weight: Any) -> Any:
    return estimator._create_dmatrix(
        ref=None,
        data=X,
        label=y,
        group=None,
        qid=None,
        weight=weight,
        base_margin=None,
        feature_weights=None,
        missing=estimator.missing,
        enable_categorical=estimator.enable_categorical,
        feature_types=estimator.feature_types,
    )


def _threads_here() -> int | None:
    """Tell how many threads of OpenMP the calling thread may use."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
    return min((pool["num_threads"] for pool in pools), default=None)


def _rows(estimator: Any, X: Any) -> Any:
    import xgboost

    return xgboost.DMatrix(
        X,
        missing=estimator.missing,
        nthread=estimator.n_jobs,
        enable_categorical=estimator.enable_categorical,
    )


class XGBoostGrowth(BoosterGrowth):
    """A live XGBoost booster.

    It trains in a thread of its own: XGBoost keeps its random numbers by thread, and what else
    trained in the same one between two rounds would change the rows and columns that are drawn.

    Parameters
    ----------
    wrapper : XGBClassifier or XGBRegressor
        Not fitted.
    n_classes : int or None
        None for regression.
    params : dict
        Of the booster.
    bins : xgboost.DMatrix
        It may serve many boosters.
    watched : pair of xgboost.DMatrix and targets
    n_threads : int or None
        Bound on the threads of OpenMP, where the model itself sets none.
    """

    def __init__(
        self,
        wrapper: Any,
        n_classes: int | None,
        params: dict[str, Any],
        bins: Any,
        watched: tuple[Any, Any],
        n_threads: int | None,
    ):
        import xgboost

        self._told: tuple[Any, Any] = (None, None)
        self._wrapper, self._n_classes = wrapper, n_classes
        self._bins, (self._rows, y) = bins, watched
        self._objective = params["objective"]
        self._loss_params = {
            "alpha": params.get("quantile_alpha"),
            "delta": params.get("huber_slope", 1.0),
            "power": params.get("tweedie_variance_power", 1.5),
        }
        if n_classes is None:
            self._targets = as_targets(y, self._rows.num_row(), numeric=True)
        else:
            self._targets = class_numbers(np.arange(n_classes), y)
        self._goal = 0
        limit = (
            {} if n_threads is None else {"initializer": openmp_threads, "initargs": (n_threads,)}
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="skhpt-xgboost", **limit)
        with self._quiet():
            self._booster = xgboost.Booster(params, [bins])

    def _quiet(self) -> Any:
        import xgboost

        return xgboost.config_context(verbosity=self._wrapper.verbosity)

    def grow(self, n_rounds: int) -> None:
        self._check_ahead(n_rounds)
        self._goal = n_rounds
        try:
            self._thread.submit(self._train).result()
        except BaseException:
            self._goal = 0  # the thread stops after its round when the caller was interrupted
            raise

    def change(self, params: Mapping[str, Any]) -> None:
        self._wrapper.set_params(**params)
        with self._quiet():
            self._booster.set_param(dict(params))

    def _train(self) -> None:
        with self._quiet():
            while self.n_rounds < self._goal:
                self._booster.update(self._bins, iteration=self.n_rounds)
                self.n_rounds += 1

    def _tree_size(self) -> float:
        with self._quiet():
            trees = self._booster[: min(SIZED, self.n_rounds)].get_dump()
        leaves = [re.findall(r"^\s*\d+:leaf=", tree, re.MULTILINE) for tree in trees]
        return sum(map(len, leaves)) / len(trees)

    def _value(self, margin: bool = False) -> np.ndarray:
        """Predict; the booster remembers the rows' scores and adds but its new trees."""
        self._check_started()
        asked = (self.n_rounds, margin)
        if self._told[0] != asked:  # the score and the loss ask the same
            with self._quiet():
                self._told = asked, self._booster.predict(self._rows, output_margin=margin)
        return self._told[1].copy()

    def _probabilities(self) -> np.ndarray:
        if self._objective == "multi:softmax":
            return softmax(self._value(margin=True), axis=1)
        p = self._value()
        return p if p.ndim == 2 else np.vstack((1.0 - p, p)).transpose()

    def answer(self, method: str) -> np.ndarray:
        check_method(self._wrapper, method)
        if self._n_classes is None:
            return self._value()
        if method == "predict" and self._objective == "multi:softmax":
            return self._value().astype(np.int32)
        p = self._probabilities()
        if method == "predict_proba":
            return p
        return np.argmax(p, axis=1) if self._n_classes > 2 else (p[:, 1] > 0.5).astype(int)

    def loss(self) -> float:
        p = self._value() if self._n_classes is None else self._probabilities()
        return mean_loss(_OBJECTIVES[self._objective], self._targets, p, self._loss_params)

    def _fitted(self, n_rounds: int) -> Any:
        model = clone(self._wrapper).set_params(n_estimators=n_rounds)
        with self._quiet():
            model._Booster = _first_rounds(self._booster, n_rounds)
        if self._n_classes is not None:
            model.n_classes_ = self._n_classes
            model.objective = self._objective
        return model


def _first_rounds(booster: Any, n_rounds: int) -> Any:
    """Copy a booster's first rounds, and the names of its categories, which a slice forgets."""
    import xgboost

    first = booster[:n_rounds]
    if "c" not in (booster.feature_types or ()):
        return first
    cut, whole = (json.loads(bytes(b.save_raw("json"))) for b in (first, booster))
    names = _tree_model(whole).get("cats")  # xgboost < 3.1 has none
    if names is None:
        return first
    _tree_model(cut)["cats"] = names
    first = xgboost.Booster(model_file=bytearray(json.dumps(cut).encode()))
    first.load_config(booster.save_config())
    return first


def _tree_model(document: dict) -> dict:
    return document["learner"]["gradient_booster"]["model"]

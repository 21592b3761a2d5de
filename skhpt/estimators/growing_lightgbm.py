"""LightGBM's models, round by round, on bins that the configurations of a fold share."""

from __future__ import annotations

import copy
import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_array, check_X_y

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
from .lightgbm import effective_name
from .lightgbm_bins import Bins, bins_key

# The loss and the link of each objective, under all of its names.
_LINKS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda raw: raw.copy(),
    "exp": np.exp,
    "sigmoid": lambda raw: 1.0 / (1.0 + np.exp(-raw)),
    "softmax": lambda raw: softmax(raw, axis=1),
}
_SQUARED = ("squared", "identity")
_ABSOLUTE = ("absolute", "identity")
_REGRESSION = {
    **dict.fromkeys(("regression", "regression_l2", "l2", "mean_squared_error", "mse"), _SQUARED),
    **dict.fromkeys(("l2_root", "root_mean_squared_error", "rmse"), _SQUARED),
    **dict.fromkeys(("regression_l1", "l1", "mean_absolute_error", "mae"), _ABSOLUTE),
    **dict.fromkeys(("mape", "mean_absolute_percentage_error"), ("percentage", "identity")),
    "huber": ("huber", "identity"),
    "fair": ("fair", "identity"),
    "quantile": ("quantile", "identity"),
    "poisson": ("poisson", "exp"),
    "gamma": ("gamma", "exp"),
    "tweedie": ("tweedie", "exp"),
}
_MULTICLASS = {
    **dict.fromkeys(("multiclass", "softmax"), ("log", "softmax")),
    # Its probabilities do not add up to one; nor does the library make them for its loss.
    **dict.fromkeys(("multiclassova", "multiclass_ova", "ova", "ovr"), ("log", "sigmoid")),
}
_BINARY = {"binary": ("log", "sigmoid")}
_OBJECTIVES = {**_REGRESSION, **_MULTICLASS, **_BINARY}
_BOOSTING = ("gbdt", "gbrt", "goss")

# Parameters beyond the wrapper's own, with which growing was compared with ``fit``.
_PROVEN = frozenset(
    (
        *("max_bin", "max_bins", "min_data_in_bin", "enable_bundle", "feature_pre_filter"),
        *("use_missing", "zero_as_missing"),
        *("min_data_in_leaf", "min_data", "min_samples_leaf", "min_sum_hessian_in_leaf"),
        *("extra_trees", "extra_tree", "path_smooth", "max_delta_step", "min_gain_to_split"),
        *("feature_fraction_bynode", "colsample_bynode", "feature_fraction"),
        *("cat_smooth", "cat_l2", "max_cat_to_onehot", "max_cat_threshold", "min_data_per_group"),
        *("monotone_constraints", "monotone_constraints_method", "monotone_penalty"),
        *("interaction_constraints", "lambda_l1", "lambda_l2", "is_unbalance", "scale_pos_weight"),
        *("bagging_fraction", "bagging_freq", "pos_bagging_fraction", "neg_bagging_fraction"),
        *("data_sample_strategy", "top_rate", "other_rate", "boost_from_average"),
        *("alpha", "fair_c", "poisson_max_delta_step", "tweedie_variance_power"),
        *("seed", "bagging_seed", "feature_fraction_seed", "extra_seed", "data_random_seed"),
        *("deterministic", "force_col_wise", "force_row_wise", "num_threads", "nthread"),
        *("verbose", "verbosity", "metric"),
    )
)
# What LightGBM reads anew in every round. (The smallest leaf decides how bins are made, too.)
_CHANGEABLE = frozenset(
    (
        *("learning_rate", "num_leaves", "max_depth", "min_child_weight", "min_split_gain"),
        *("reg_alpha", "reg_lambda", "subsample", "colsample_bytree"),
        *("min_sum_hessian_in_leaf", "min_gain_to_split", "lambda_l1", "lambda_l2"),
        *("bagging_fraction", "feature_fraction", "feature_fraction_bynode"),
        *("colsample_bynode", "max_delta_step", "path_smooth", "extra_trees"),
    )
)
# The share of the rows, a round, up to which LightGBM trains on a copy of them, and one from which
# it surely does not: it rounds the number of rows down.
_COPIED, _NOT_COPIED = 0.5, 0.55


class LightGBMGrower(Grower):
    """Grows ``LGBMClassifier`` and ``LGBMRegressor``."""

    rounds = "n_estimators"
    changeable = _CHANGEABLE
    beside = frozenset(("subsample_freq",))

    def gap(self, name: str, params: Mapping[str, Any]) -> tuple[float, float] | None:
        """Keep the share of the rows on one side of a half.

        Changed from a copy of the rows to more of them, LightGBM 4.7 crashes or reads memory that
        is not its own, also by its own callback ``reset_parameter``.
        """
        if name not in ("subsample", "bagging_fraction"):
            return None
        every = max(1, params.get(effective_name(params, "subsample_freq")) or 1)
        return _COPIED * every, _NOT_COPIED * every

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        import lightgbm

        params = estimator.get_params(deep=False)
        classifier = type(estimator) is lightgbm.LGBMClassifier
        if not classifier and type(estimator) is not lightgbm.LGBMRegressor:
            return False
        if set(fit_params) - {"sample_weight"} or not hasattr(estimator, "_process_params"):
            return False
        own = set(lightgbm.LGBMModel().get_params())
        return not set(params) - own - _PROVEN and _is_proven(params, classifier)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        return [] if estimator.boosting_type in _BOOSTING else ["boosting_type='gbdt'"]

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth | None:
        kind, weight = kind_of(X), fit_params.get("sample_weight")
        if kind is None or kind_of(watched.X) != kind or as_targets(y, X.shape[0], False) is None:
            return None
        if weight is not None and as_weights(weight, X.shape[0]) is None:
            return None
        fold = Fold.among(shared, "lightgbm", X, y, weight, watched)
        with fold.lock:
            labels = _labels(estimator, y, fold)
            if labels is None:
                return None
            params = _booster_params(estimator, labels)
            bins = fold.keep(
                ("bins", *bins_key(params, estimator, X.shape[0])),
                lambda: Bins(*_training_rows(X, labels, weight)),
            ).for_params(params)
            rows = fold.keep("watched", lambda: _plain_rows(watched.X, X))
        return LightGBMGrowth(estimator, labels, params, bins, (rows, watched.y))


def _is_proven(params: Mapping[str, Any], classifier: bool) -> bool:
    objective, metric = params["objective"], params.get("metric")
    known = {**_MULTICLASS, **_BINARY} if classifier else _REGRESSION
    return (
        (objective is None or (isinstance(objective, str) and objective in known))
        and params["boosting_type"] in _BOOSTING
        and _is_whole(params["random_state"], or_none=True)
        and _is_whole(params["n_estimators"])
        and (classifier or params["class_weight"] is None)
        and (metric is None or isinstance(metric, str | list))
    )


def _is_whole(value: Any, or_none: bool = False) -> bool:
    return (or_none and value is None) or isinstance(value, int | np.integer)


class Labels(NamedTuple):
    """What ``fit`` makes of the targets: numbers, and private attributes of the wrapper."""

    y: Any
    classes: np.ndarray | None
    state: dict[str, Any]


def _labels(estimator: Any, y: Any, fold: Fold) -> Labels | None:
    """Encode the targets as ``fit`` does; None for targets that ``fit`` itself has to judge."""
    import lightgbm

    if not isinstance(estimator, lightgbm.LGBMClassifier):
        numeric = as_targets(y, len(y), numeric=True) is not None
        return Labels(y, None, {}) if numeric else None
    encoder, numbers = fold.keep("labels", lambda: _encoded(y))
    if encoder is None or len(encoder.classes_) < 2:
        return None
    classes, weight = encoder.classes_, estimator.class_weight
    multiclass = estimator.objective in _MULTICLASS
    if estimator.objective is not None and multiclass != (len(classes) > 2):
        return None
    class_map = dict(zip(classes, range(len(classes))))
    if isinstance(weight, dict):
        if not set(weight) <= set(class_map):
            return None
        weight = {class_map[name]: value for name, value in weight.items()}
    state = {
        "_le": encoder,
        "_class_map": class_map,
        "_class_weight": weight,
        "_classes": classes,
        "_n_classes": len(classes),
    }
    return Labels(numbers, classes, state)


def _encoded(y: Any) -> tuple[Any, Any]:
    from sklearn.preprocessing import LabelEncoder
    from sklearn.utils.multiclass import type_of_target

    if type_of_target(y) not in ("binary", "multiclass"):
        return None, None
    encoder = LabelEncoder().fit(y)
    return encoder, encoder.transform(y)


def _booster_params(estimator: Any, labels: Labels) -> dict[str, Any]:
    """Make the booster's parameters as the wrapper's ``fit`` and ``train`` make them."""
    vars(estimator).update(labels.state)
    estimator._objective = estimator.objective
    params = estimator._process_params(stage="fit")
    labels.state["_objective"] = estimator._objective
    metric = params["metric"]
    metric = metric if isinstance(metric, list) else [metric]
    params["metric"] = [name for name in metric if name is not None]
    params["num_iterations"] = int(estimator.n_estimators)
    return params


def _training_rows(X: Any, labels: Labels, weight: Any) -> tuple[Any, Any, Any]:
    y, class_weight = labels.y, labels.state.get("_class_weight")
    if kind_of(X) != "frame":  # a frame goes to LightGBM as it is
        X, y = check_X_y(X, y, accept_sparse=True, ensure_all_finite=False, ensure_min_samples=2)
        weight = None if weight is None else as_weights(weight, X.shape[0])
    if class_weight is not None:
        by_class = compute_sample_weight(class_weight, y)
        weight = by_class if weight is None else np.multiply(weight, by_class)
    return X, y, weight


def _plain_rows(X: Any, trained: Any) -> Any:
    """Prepare rows for prediction once; categories become the numbers they have in training."""
    if kind_of(X) != "frame":
        return check_array(X, accept_sparse=True, ensure_all_finite=False)
    X, names = X.copy(deep=False), [c for c in trained.columns if hasattr(trained[c], "cat")]
    for name in names:
        codes = X[name].cat.set_categories(trained[name].cat.categories).cat.codes
        X[name] = codes.where(codes >= 0, np.nan).astype(np.float64)
    return X.to_numpy(dtype=np.float64, na_value=np.nan)


class LightGBMGrowth(BoosterGrowth):
    """A live LightGBM booster.

    Parameters
    ----------
    wrapper : LGBMClassifier or LGBMRegressor
        Not fitted.
    labels : Labels
    params : dict
        Of the booster.
    dataset : lightgbm.Dataset
        Constructed; it may serve many boosters.
    watched : pair of rows ready for prediction and their targets
    """

    looks_back = True

    def __init__(
        self,
        wrapper: Any,
        labels: Labels,
        params: dict[str, Any],
        dataset: Any,
        watched: tuple[Any, Any],
    ):
        import lightgbm

        self._wrapper, self._labels = wrapper, labels
        self._booster = lightgbm.Booster(params=params, train_set=dataset)
        self._named = getattr(dataset, "_has_non_default_feature_names", None)
        self._rows, y = watched
        self._loss, link = _OBJECTIVES[params["objective"]]
        self._link = _LINKS[link]
        self._loss_params = _loss_params(params)
        if labels.classes is None:
            self._targets = as_targets(y, self._rows.shape[0], numeric=True)
        else:
            self._targets = class_numbers(labels.classes, y)
        self._score: np.ndarray | float = 0.0
        self._n_read = 0
        self._linked: np.ndarray | None = None  # of the score, until that changes
        self._iterations = [0]  # of the model, after each round: a round can fail to add one

    def grow(self, n_rounds: int) -> None:
        self._check_ahead(n_rounds)
        while self.n_rounds < n_rounds:
            self._booster.update()  # its answer "no split" may be one unlucky draw of rows
            self._iterations.append(self._booster.current_iteration())
            self.n_rounds += 1

    def change(self, params: Mapping[str, Any]) -> None:
        self._wrapper.set_params(**params)
        self._booster.reset_parameter(dict(params))

    def _tree_size(self) -> float:
        first = self._iterations[min(SIZED, self.n_rounds)]
        text = self._booster.model_to_string(num_iteration=first) if first else ""
        sizes = re.findall(r"^num_leaves=(\d+)$", text, re.MULTILINE)
        return float(np.mean([int(size) for size in sizes])) if sizes else 1.0

    def _raw(self) -> np.ndarray:
        self._check_started()
        fresh = self._iterations[-1] - self._n_read
        if fresh:
            self._score = self._score + self._booster.predict(
                self._rows,
                raw_score=True,
                start_iteration=self._n_read,
                num_iteration=fresh,
                num_threads=self._booster.params["num_threads"],
            )
            self._n_read = self._iterations[-1]
            self._linked = None
        return self._score

    def _prediction(self) -> np.ndarray:
        raw = self._raw()
        if self._linked is None:
            self._linked = self._link(raw)
        return self._linked

    def answer(self, method: str) -> np.ndarray:
        check_method(self._wrapper, method)
        if method == "decision_function":
            return self._raw().copy()
        return self._as_answer(method, self._prediction().copy())

    def _as_answer(self, method: str, p: np.ndarray) -> np.ndarray:
        classes = self._labels.classes
        if classes is None:
            return p
        p = p if p.ndim == 2 else np.column_stack((1.0 - p, p))
        return classes[np.argmax(p, axis=1)] if method == "predict" else p

    def answer_after(self, method: str, n_rounds: int) -> np.ndarray:
        check_method(self._wrapper, method)
        is_raw = method == "decision_function"
        outputs = self._booster.predict(
            self._rows,
            raw_score=is_raw,
            num_iteration=self._iterations[n_rounds],
            num_threads=self._booster.params["num_threads"],
        )
        return outputs if is_raw else self._as_answer(method, outputs)

    def loss(self) -> float:
        return mean_loss(self._loss, self._targets, self._prediction(), self._loss_params)

    def _fitted(self, n_rounds: int) -> Any:
        import lightgbm

        text = self._booster.model_to_string(num_iteration=self._iterations[n_rounds])
        asked = self._booster.params["num_iterations"]
        text = text.replace(f"\n[num_iterations: {asked}]\n", f"\n[num_iterations: {n_rounds}]\n")
        booster = lightgbm.Booster(model_str=text)
        booster.params = {**self._booster.params, "num_iterations": n_rounds}
        booster.best_iteration, booster.best_score = 0, defaultdict(OrderedDict)
        model = clone(self._wrapper).set_params(n_estimators=n_rounds)
        vars(model).update(copy.deepcopy(self._labels.state))
        vars(model).update(
            _Booster=booster,
            _evals_result={},
            _best_iteration=0,
            _best_score=booster.best_score,
            _n_features=booster.num_feature(),
            _n_features_in=booster.num_feature(),
            fitted_=True,
        )
        if self._named is not None:
            model._fitted_with_feature_names = self._named
        return model


def _loss_params(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "alpha": params.get("alpha", 0.9),
        "fair_c": params.get("fair_c", 1.0),
        "power": params.get("tweedie_variance_power", 1.5),
    }

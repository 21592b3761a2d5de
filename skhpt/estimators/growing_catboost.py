"""CatBoost's models, some rounds a call of ``fit``, on bins that the configurations share.

A model that goes on from another one of the same process takes over all that training has
changed, random streams included, so that it is the one that is trained in one go. A model that
was copied or loaded has lost that: what it would go on to is another model. Nor can a model be
continued twice.

Some of the library's defaults depend on the number of rounds. The learning rate does for the common
losses, and then the first rounds of a longer training are not those of a shorter one: such a model
is not grown. The number of steps to the values of the leaves, and how many categories are combined,
change once, at 200 rounds: there the growth starts again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from .catboost import DEFAULT_ROUNDS, by_first_name, effective_name, rate_follows_rounds
from .growing import Grower, Growth, Watched
from .growing_boosters import (
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
    "RMSE": "squared",
    "MAE": "absolute",
    "MAPE": "percentage",
    "Quantile": "quantile",
    "Huber": "huber",
    "Poisson": "poisson",
}
_CLASSIFICATION = {"Logloss": "log", "MultiClass": "log", "MultiClassOneVsAll": "log"}

# Parameters with which growing was compared with ``fit``, by the first of their names. (A model
# with monotone constraints is another one when it goes on, and one that is said to begin with the
# average may not go on.)
_PROVEN = frozenset(
    (
        *("iterations", "learning_rate", "depth", "l2_leaf_reg", "rsm", "random_strength"),
        *("loss_function", "eval_metric", "custom_metric"),
        *("border_count", "feature_border_type", "nan_mode"),
        *("leaf_estimation_iterations", "leaf_estimation_method", "leaf_estimation_backtracking"),
        *("bootstrap_type", "subsample", "bagging_temperature", "mvs_reg", "sampling_frequency"),
        *("class_weights", "auto_class_weights", "scale_pos_weight"),
        *("cat_features", "one_hot_max_size", "max_ctr_complexity", "model_size_reg"),
        *("boosting_type", "grow_policy", "min_data_in_leaf", "max_leaves", "score_function"),
        *("random_seed", "thread_count", "task_type"),
        *("verbose", "metric_period", "allow_writing_files", "train_dir"),
    )
)
# On these depends what the bins are.
_BINNING = ("border_count", "feature_border_type", "nan_mode")
# With more rows ``fit`` makes its bins from a sample, which it draws otherwise than a pool does.
# A pool does not know either which categories are to have a column for each of their values.
_ALL_BINNED = 200_000

# Left alone, the steps to a leaf's value are one below so many rounds if there are fewer columns
# than that, and else what these losses, or a chosen method, are given; categories are not combined
# below so many rounds.
_FEW_ROUNDS, _FEW_COLUMNS = 200, 20
_MANY_STEPS = ("Logloss", "Poisson")


class CatBoostGrower(Grower):
    """Grows ``CatBoostClassifier`` and ``CatBoostRegressor``."""

    rounds = "iterations"

    @classmethod
    def of(cls, estimator: Any) -> Grower:
        """Return a grower that calls the rounds as the estimator does: only one name may be set."""
        grower = cls()
        grower.rounds = effective_name(estimator.get_params(deep=False), cls.rounds)
        return grower

    def own_number(self, estimator: Any) -> int:
        number = estimator.get_params(deep=False).get(self.rounds)
        return DEFAULT_ROUNDS if number is None else int(number)

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives.

        A learning rate that is not set may be in what is searched: ``start`` looks after it.
        """
        import catboost

        classifier = type(estimator) is catboost.CatBoostClassifier
        if not classifier and type(estimator) is not catboost.CatBoostRegressor:
            return False
        params = by_first_name(estimator.get_params(deep=False))
        unknown = set(fit_params) - {"sample_weight", "cat_features"} | set(params) - _PROVEN
        return not unknown and _is_proven(params, classifier)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        task = estimator.get_params(deep=False).get("task_type")
        return [] if task in (None, "CPU") else ["task_type='CPU'"]

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth | None:
        params, weight = estimator.get_params(deep=False), fit_params.get("sample_weight")
        kind, numeric = _kind_of(X), estimator._estimator_type == "regressor"
        if rate_follows_rounds(params) or kind is None or _kind_of(watched.X) != kind:
            return None
        if as_targets(y, X.shape[0], numeric) is None:
            return None
        if weight is not None and as_weights(weight, X.shape[0]) is None:
            return None
        known = by_first_name(params)
        cats = fit_params.get("cat_features", known.get("cat_features"))
        binning = {name: known[name] for name in _BINNING if name in known}
        if X.shape[0] > _ALL_BINNED or (cats is not None and "one_hot_max_size" in known):
            if known.get("feature_border_type") is not None:
                return None  # a model that goes on makes its bins in the library's usual way
            binning = None
        fold = Fold.among(shared, "catboost", X, y, weight, watched)
        with fold.lock:
            key = (repr(cats), repr(binning))
            bins = fold.keep(("bins", *key), lambda: _bins(X, y, weight, cats, binning))
            rows = fold.keep(("watched", repr(cats)), lambda: _pool(watched.X, cats))
        loss = _loss_of(known, y, numeric)
        return CatBoostGrowth(estimator, self.rounds, bins, (rows, watched.y), loss)


def _is_proven(params: Mapping[str, Any], classifier: bool) -> bool:
    loss, metric = params.get("loss_function"), params.get("eval_metric")
    known = _CLASSIFICATION if classifier else _REGRESSION
    return (
        (loss is None or (isinstance(loss, str) and loss.partition(":")[0] in known))
        and (metric is None or isinstance(metric, str))
        and params.get("task_type") in (None, "CPU")
        and isinstance(params.get("iterations", 1), int | np.integer)
    )


def _kind_of(X: Any) -> str | None:
    """Name the kind of a table; an array may have categories among its objects."""
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind == "O":
        return "array"
    return kind_of(X)


def _loss_of(params: Mapping[str, Any], y: Any, numeric: bool) -> str:
    """What ``fit`` minimises, with its parameters."""
    default = "RMSE" if numeric else "Logloss"
    if not numeric and len(np.unique(np.asarray(y))) > 2:
        default = "MultiClass"
    return params.get("loss_function") or default


def _pool(X: Any, cats: Any, **others: Any) -> Any:
    import catboost

    return catboost.Pool(X, cat_features=cats, **others)


def _bins(X: Any, y: Any, weight: Any, cats: Any, binning: Mapping[str, Any] | None) -> Any:
    """Make bins for all configurations; None leaves it to ``fit``, each time."""
    pool = _pool(X, cats, label=y, weight=weight)
    if binning is not None:
        pool.quantize(**binning)
    return pool


class _StopAfter:
    """Ends a training after some rounds, however many it was said to have."""

    def __init__(self, n_rounds: int):
        self._left = n_rounds

    def after_iteration(self, info: Any) -> bool:
        self._left -= 1
        return self._left > 0


class _Line:
    """Models that each go on from the one before; the last one has all rounds.

    Parameters
    ----------
    trainer : CatBoostClassifier or CatBoostRegressor
        Not fitted.
    rounds : str
        Name of the number of rounds.
    rows : catboost.Pool
        It may serve many models.
    least : int
        What ``fit`` is told at least of the number of rounds.
    """

    def __init__(self, trainer: Any, rounds: str, rows: Any, least: int):
        self._trainer, self._rounds, self._rows, self._least = trainer, rounds, rows, least
        self._symmetric = trainer.get_params().get("grow_policy") in (None, "SymmetricTree")
        self._last: Any = None
        self.settings = ""  # those of the first model, as CatBoost writes them

    def exactly(self, n_rounds: int) -> Any:
        """Return a model with so many rounds."""
        source = self.reach(n_rounds)
        if source.tree_count_ == n_rounds or self._symmetric:
            return source
        # The others cannot be cut.
        return _Line(self._trainer, self._rounds, self._rows, self._least).reach(n_rounds)

    def reach(self, n_rounds: int) -> Any:
        """Return a model with so many rounds, or more."""
        done = 0 if self._last is None else self._last.tree_count_
        more = n_rounds - done
        if more > 0:
            told = max(more, self._least)
            stop = [_StopAfter(more)] if told > more else None
            model = clone(self._trainer).set_params(**{self._rounds: told})
            self._last = model.fit(self._rows, init_model=self._last, callbacks=stop)
            self.settings = self.settings or model.get_metadata()["params"]
        return self._last


class CatBoostGrowth(BoosterGrowth):
    """A live CatBoost model.

    Parameters
    ----------
    estimator : CatBoostClassifier or CatBoostRegressor
        Not fitted.
    rounds : str
        Name of its number of rounds.
    bins : catboost.Pool
        For training.
    watched : pair of rows ready for prediction and their targets
    loss : str
        What is minimised, as CatBoost writes it.
    """

    looks_back = True

    def __init__(self, estimator: Any, rounds: str, bins: Any, watched: tuple[Any, Any], loss: str):
        self._estimator, self._rounds = estimator, rounds
        self._rows, self._y = watched
        trainer = clone(estimator).set_params(allow_writing_files=False)
        params = by_first_name(trainer.get_params())
        self._threads = params.get("thread_count", -1)
        name, _, options = loss.partition(":")
        self._kind = {**_REGRESSION, **_CLASSIFICATION}[name]
        self._loss_params = _loss_params(options)
        self._many = self._few = _Line(trainer, rounds, bins, 1)
        combined = bins.get_cat_feature_indices() and "max_ctr_complexity" not in params
        if combined or _steps_follow_rounds(params, bins.num_col(), name):
            self._many = _Line(trainer, rounds, bins, _FEW_ROUNDS)

    def _line(self, n_rounds: int) -> _Line:
        """The models whose first rounds are those of a ``fit`` with that number of them."""
        return self._few if n_rounds < _FEW_ROUNDS else self._many

    def _model(self, n_rounds: int) -> Any:
        return self._line(n_rounds).reach(n_rounds)

    def grow(self, n_rounds: int) -> None:
        self._check_ahead(n_rounds)
        if n_rounds > self.n_rounds:
            self.n_rounds = min(n_rounds, self._model(n_rounds).tree_count_)

    def answer(self, method: str) -> np.ndarray:
        self._check_started()
        return self.answer_after(method, self.n_rounds)

    def answer_after(self, method: str, n_rounds: int) -> np.ndarray:
        check_method(self._estimator, method)
        ask = getattr(self._model(n_rounds), method)
        return ask(self._rows, ntree_end=n_rounds, thread_count=self._threads)

    def loss(self) -> float:
        if self._kind != "log":
            targets = as_targets(self._y, self._rows.num_row(), numeric=True)
            return mean_loss(self._kind, targets, self.answer("predict"), self._loss_params)
        p = self.answer("predict_proba")
        numbers = class_numbers(np.asarray(self._model(self.n_rounds).classes_), self._y)
        return mean_loss(self._kind, numbers, p, self._loss_params)

    def _fitted(self, n_rounds: int) -> Any:
        """Make a copy; only its ``evals_result_`` knows no rounds but those of the last call."""
        line = self._line(n_rounds)
        source = line.exactly(n_rounds)
        model = clone(self._estimator).set_params(**{self._rounds: n_rounds})
        model.__setstate__({"__model": source.__getstate__()["__model"], **model.get_params()})
        if source.tree_count_ > n_rounds:
            model.shrink(n_rounds)
        model.get_feature_importance(type="PredictionValuesChange")  # ``fit`` leaves it behind
        model._n_features_in = source.n_features_in_  # which is lost on the way
        settings = json.loads(line.settings)
        settings["boosting_options"]["iterations"] = n_rounds
        model.get_metadata()["params"] = json.dumps(settings)
        return model


def _steps_follow_rounds(params: Mapping[str, Any], n_columns: int, loss: str) -> bool:
    if "leaf_estimation_iterations" in params or n_columns >= _FEW_COLUMNS:
        return False
    return loss in _MANY_STEPS or "leaf_estimation_method" in params


def _loss_params(options: str) -> dict[str, float]:
    """Read "alpha=0.3;delta=2"; Huber's delta is the alpha of the others."""
    given = dict(option.split("=") for option in options.split(";") if option)
    alpha = given.get("delta", given.get("alpha", 0.5))
    return {"alpha": float(alpha)}

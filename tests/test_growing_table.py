"""Kinds of models by kinds of data: a search with early stopping scores what plain fits score.

Where a model cannot be grown exactly it is fitted plainly, and that is said once.
"""

import functools

import numpy as np
import pytest
import sklearn.model_selection as theirs
from grown import classes_of, frame_of, lightgbm, rows, score, targets_of, xgboost
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from skhpt import GridSearchCV
from skhpt._compat import openmp_threads

# of networks that are told so few epochs, and of parameters that mean nothing to a library
pytestmark = pytest.mark.filterwarnings("ignore")

X = rows(180)
ROWS = {"nan": X, "full": np.nan_to_num(X), "frame": frame_of(X)}
TARGETS = {
    "words": np.array(["no", "yes"])[classes_of(X, 2)],
    "binary": classes_of(X, 2),
    "three": classes_of(X, 3),
    "real": score(X),
    "positive": targets_of(X),
    "counts": np.round(targets_of(X)),
    "shares": 1 / (1 + np.exp(-score(X))),
    "labels": np.column_stack([score(X) > 0, ROWS["full"][:, 1] > 0]).astype(int),
    "outputs": np.column_stack([score(X), ROWS["full"][:, 1]]),
}
WEIGHT = {"sample_weight": np.random.default_rng(5).random(len(X)) + 0.1}

LGBM = {"n_jobs": 1, "verbose": -1, "num_leaves": 5, "random_state": 3, "min_child_samples": 5}
LC = functools.partial(lightgbm.LGBMClassifier, **LGBM)
LR = functools.partial(lightgbm.LGBMRegressor, **LGBM)
XGB = {"n_jobs": 1, "max_depth": 2, "random_state": 3}
XC = functools.partial(xgboost.XGBClassifier, **XGB)
XR = functools.partial(xgboost.XGBRegressor, **XGB)
HIST = {"random_state": 3, "max_leaf_nodes": 5, "min_samples_leaf": 5, "early_stopping": False}
HC = functools.partial(HistGradientBoostingClassifier, **HIST)
HR = functools.partial(HistGradientBoostingRegressor, **HIST)
GC = functools.partial(GradientBoostingClassifier, random_state=3, max_depth=2)
GR = functools.partial(GradientBoostingRegressor, random_state=3, max_depth=2)
NET = {"random_state": 3, "hidden_layer_sizes": (5,), "learning_rate_init": 0.02}
MC = functools.partial(MLPClassifier, **NET)
MR = functools.partial(MLPRegressor, **NET)

SAMPLED = {"subsample": 0.7, "subsample_freq": 1, "colsample_bytree": 0.6}
XSAMPLED = {"subsample": 0.7, "colsample_bytree": 0.6, "colsample_bynode": 0.7}
# LightGBM takes the faster of two ways through the columns, by a timing of its own. With "mape" and
# weights, which it takes for a constant Hessian, they differ: one plain fit in fifty is another.
ALWAYS_THE_SAME = {"force_col_wise": True}
APART = [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9]]
RISING = [1, -1] + [0] * 8


def squared(y, told):
    """An objective of one's own, in the order of arguments that both libraries have."""
    return told - y, np.ones_like(y)


# The model, its rows, its targets, what fit is given.
GROWN = {
    "lightgbm": [
        *[(LC(**p), "nan", y, w) for y in ("words", "three") for p in ({}, SAMPLED)
          for w in ({}, WEIGHT)],
        *[(LC(**p), "frame", y, WEIGHT) for y in ("words", "three") for p in ({}, SAMPLED)],
        *[(LC(class_weight="balanced"), "nan", y, w) for y in ("words", "three")
          for w in ({}, WEIGHT)],
        (LC(class_weight={"yes": 3.0}, **SAMPLED), "frame", "words", {}),
        (LC(objective="multiclassova", **SAMPLED), "nan", "three", WEIGHT),
        (LC(is_unbalance=True), "nan", "binary", {}),
        (LC(scale_pos_weight=3.0), "nan", "binary", WEIGHT),
        *[(LC(boosting_type="goss", learning_rate=0.5), "nan", y, WEIGHT)
          for y in ("words", "three")],
        *[(make(monotone_constraints=RISING, **SAMPLED), "nan", y, {})
          for make, y in ((LC, "words"), (LR, "real"))],
        *[(make(interaction_constraints=APART, **SAMPLED), "nan", y, {})
          for make, y in ((LC, "three"), (LR, "real"))],
        *[(LR(objective=name, **SAMPLED), "frame", "positive", WEIGHT)
          for name in ("l2", "l1", "huber", "fair", "quantile", "gamma", "tweedie")],
        (LR(objective="mape", **ALWAYS_THE_SAME, **SAMPLED), "frame", "positive", WEIGHT),
        (LR(objective="poisson", **SAMPLED), "frame", "counts", WEIGHT),
        *[(LR(objective=name), "nan", "positive", {})
          for name in ("l2", "l1", "huber", "quantile", "poisson", "gamma", "tweedie")],
    ],
    "xgboost": [
        *[(XC(**p), "nan", y, w) for y in ("binary", "three") for p in ({}, XSAMPLED)
          for w in ({}, WEIGHT)],
        *[(XC(enable_categorical=True, **p), "frame", y, WEIGHT) for y in ("binary", "three")
          for p in ({}, XSAMPLED)],
        (XC(objective="multi:softmax", **XSAMPLED), "nan", "three", WEIGHT),
        (XC(scale_pos_weight=3.0, **XSAMPLED), "nan", "binary", WEIGHT),
        *[(make(monotone_constraints=tuple(RISING), **XSAMPLED), "nan", y, {})
          for make, y in ((XC, "binary"), (XR, "real"))],
        *[(make(interaction_constraints=str(APART), **XSAMPLED), "nan", y, {})
          for make, y in ((XC, "three"), (XR, "real"))],
        *[(XR(objective=name, enable_categorical=True, **XSAMPLED), "frame", "positive", WEIGHT)
          for name in ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror",
                       "reg:squaredlogerror", "reg:gamma", "reg:tweedie")],
        (XR(objective="count:poisson", **XSAMPLED), "nan", "counts", WEIGHT),
        (XR(objective="reg:logistic", **XSAMPLED), "nan", "shares", WEIGHT),
        (XR(objective="reg:quantileerror", quantile_alpha=0.3, **XSAMPLED), "nan", "real", {}),
    ],
    "histogram": [
        *[(HC(**p), "nan", y, w) for y in ("words", "three") for p in ({}, {"max_features": 0.5})
          for w in ({}, WEIGHT)],
        *[(HC(class_weight="balanced"), "nan", y, WEIGHT) for y in ("words", "three")],
        *[(HC(max_features=0.5), "frame", y, WEIGHT) for y in ("words", "three")],
        *[(make(monotonic_cst=RISING, max_features=0.5), "nan", y, {})
          for make, y in ((HC, "words"), (HR, "real"))],
        *[(make(interaction_cst=APART, max_features=0.5), "nan", y, WEIGHT)
          for make, y in ((HC, "three"), (HR, "real"))],
        *[(HR(loss=name, max_features=0.5), "frame", "positive", WEIGHT)
          for name in ("squared_error", "absolute_error", "gamma", "poisson")],
        (HR(loss="quantile", quantile=0.3), "nan", "real", WEIGHT),
    ],
    "exact": [
        *[(GC(**p), "full", y, w) for y in ("words", "three")
          for p in ({}, {"subsample": 0.6, "max_features": 0.5}) for w in ({}, WEIGHT)],
        (GC(loss="exponential", subsample=0.6), "full", "words", WEIGHT),
        *[(GR(loss=name, subsample=0.6, max_features=0.5), "full", "real", WEIGHT)
          for name in ("squared_error", "absolute_error", "huber", "quantile")],
        (GR(init=LinearRegression()), "full", "real", {}),
    ],
    "network": [
        *[(MC(**p), "full", y, {}) for y in ("words", "three", "labels")
          for p in ({}, {"batch_size": 32}, {"solver": "sgd", "shuffle": False})],
        *[(MR(**p), "full", y, {}) for y in ("real", "outputs")
          for p in ({"batch_size": 32}, {"solver": "sgd", "learning_rate": "adaptive"})],
    ],
}  # fmt: skip

# What no library allows, or nobody has proven.
PLAIN = {
    "lightgbm": [
        (LR(objective=squared), "nan", "real", {}),
        (LR(objective="cross_entropy"), "nan", "shares", {}),
        (LR(linear_tree=True), "full", "real", {}),
        (LC(use_quantized_grad=True), "nan", "words", {}),
        (LC(), "full", "words", {"categorical_feature": [3]}),
    ],
    "xgboost": [
        (XR(num_parallel_tree=3, subsample=0.7), "nan", "real", {}),
        (XR(objective=squared), "nan", "real", {}),
        *[(XC(objective=name), "nan", "binary", {}) for name in ("binary:hinge",)],
        (XR(), "nan", "outputs", {}),
    ],
    "histogram": [(HC(early_stopping=True), "nan", "words", {})],
    "exact": [(GR(n_iter_no_change=3), "full", "real", {}),
              (GC(warm_start=True), "full", "words", {})],
}  # fmt: skip

# What has no rounds to be found: dropped trees, forests, rows of the user's own to start from.
REFUSED = {
    "lightgbm": [
        *[(LC(boosting_type=name, **SAMPLED), "nan", "words", {}) for name in ("dart", "rf")],
        *[(LR(boosting_type=name, **SAMPLED), "nan", "real", WEIGHT) for name in ("dart", "rf")],
        (LC(), "nan", "words", {"init_score": np.zeros(len(X))}),
    ],
    "xgboost": [
        *[(XC(booster=name), "full", "binary", {}) for name in ("dart", "gblinear")],
        (XC(), "nan", "binary", {"base_margin": np.zeros(len(X))}),
    ],
    "network": [(MC(solver="lbfgs", max_iter=20), "full", "words", {})],
}  # fmt: skip


def searched(case, early_stopping=4):
    """The search of a model alone, whose folds must score what plain fits do."""
    estimator, kind, target, fit_params = case
    data = ROWS[kind], TARGETS[target]
    search = GridSearchCV(estimator, {}, cv=KFold(3), early_stopping=early_stopping, verbose=1)
    with openmp_threads(1), threadpool_limits(1):
        search.fit(*data, **fit_params)
        told = clone(estimator).set_params(**search.best_params_)
        plain = theirs.GridSearchCV(told, {}, cv=KFold(3)).fit(*data, **fit_params)
    for column in [f"split{k}_test_score" for k in range(3)]:
        assert np.isfinite(plain.cv_results_[column][0])
        assert search.cv_results_[column][0] == plain.cv_results_[column][0], case
    return search


@pytest.mark.parametrize("library", GROWN)
def test_what_grows_scores_what_plain_fits_score(library, capsys):
    for case in GROWN[library]:
        search = searched(case)
        assert search._ledger.trials[0].work, case
        assert search.best_n_rounds_ in search.best_params_.values()
        assert "early_stopping" not in capsys.readouterr().out, case


@pytest.mark.parametrize("library", PLAIN)
def test_what_cannot_grow_is_fitted_plainly_and_said_once(library, capsys):
    for case in PLAIN[library]:
        search = searched(case)
        assert not search._ledger.trials[0].work, case
        said = capsys.readouterr().out
        assert said.count("early_stopping: 1 configurations could not be") == 1, case


@pytest.mark.parametrize("library", REFUSED)
def test_what_has_no_rounds_to_be_found_is_refused_or_fitted_plainly_and_said_once(library, capsys):
    for case in REFUSED[library]:
        with pytest.raises(ValueError, match="early_stopping=4 needs an estimator that is trained"):
            searched(case)
        capsys.readouterr()
        search = searched(case, early_stopping="auto")
        assert "mean_n_rounds" not in search.cv_results_
        assert capsys.readouterr().out.count("early_stopping: no number of rounds can be") == 1

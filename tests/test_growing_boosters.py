"""A booster that grows says at each number of rounds what its own fit with it would say."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from grown import (
    BINARY,
    COUNTS,
    POSITIVE,
    SAMPLED,
    THREE,
    WEIGHT,
    WORDS,
    Case,
    X,
    assert_grows_like_fit,
    assert_same_answers,
    classes_of,
    frame_of,
    lgbm,
    names,
    score,
    xgb,
)
from sklearn.base import clone

from skhpt.estimators.growing import Watched


@pytest.mark.parametrize(
    "params",
    [
        {},
        {**SAMPLED, "subsample_freq": 1},
        {"colsample_bytree": 0.5, "min_child_samples": 40},
        {"colsample_bynode": 0.5, "extra_trees": True, "max_bin": 15, "path_smooth": 1.0},
        {"boosting_type": "goss"},
        {"data_sample_strategy": "goss", "learning_rate": 0.5},
        {"monotone_constraints": [1, -1] + [0] * 8},
        {"interaction_constraints": [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9]]},
        {"min_data_in_leaf": 3, "feature_pre_filter": False, **SAMPLED, "bagging_freq": 2},
        {"class_weight": "balanced", "metric": "auc"},
        {"scale_pos_weight": 3.0, "random_state": None, **SAMPLED, "subsample_freq": 1},
        {"is_unbalance": True, "min_data_in_bin": 20, "zero_as_missing": True},
        {"subsample_for_bin": 100, "random_state": np.int64(7)},
        {"pos_bagging_fraction": 0.5, "neg_bagging_fraction": 0.9, "bagging_freq": 1},
        {"min_child_samples": 150, "min_child_weight": 30.0, **SAMPLED, "subsample_freq": 1},
        {"min_child_samples": 1000},
    ],
    ids=names,
)
def test_lightgbm_binary(params):
    assert_grows_like_fit(WORDS, lgbm(**params))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {**SAMPLED, "subsample_freq": 1},
        {"objective": "multiclassova"},
        {"class_weight": {0: 1, 1: 5, 2: 2}},
        {"min_child_samples": 90, "subsample": 0.6, "subsample_freq": 1},
    ],
    ids=names,
)
def test_lightgbm_multiclass(params):
    assert_grows_like_fit(THREE, lgbm(**params))


@pytest.mark.parametrize(
    "objective",
    [
        *("regression", "l2_root", "l1", "huber", "fair", "quantile", "mape"),
        *("poisson", "gamma", "tweedie"),
    ],
)
def test_lightgbm_regression(objective):
    params = {**SAMPLED, "subsample_freq": 1, "alpha": 0.7}
    assert_grows_like_fit(COUNTS if objective == "poisson" else POSITIVE, lgbm("Regressor"))
    estimator = lgbm("Regressor", objective=objective, **params)
    assert_grows_like_fit(COUNTS if objective == "poisson" else POSITIVE, estimator)


@pytest.mark.parametrize(
    "params",
    [
        {},
        SAMPLED,
        {"colsample_bynode": 0.5, "colsample_bylevel": 0.6, "max_bin": 16},
        {"grow_policy": "lossguide", "max_leaves": 9, "reg_alpha": 0.1},
        {"tree_method": "approx", **SAMPLED},
        {"tree_method": "exact", **SAMPLED},
        {"monotone_constraints": (1, -1) + (0,) * 8},
        {"interaction_constraints": "[[0, 1, 2], [3, 4, 5, 6, 7, 8, 9]]"},
        {"scale_pos_weight": 3.0, "base_score": 0.3, "eval_metric": ["auc", "logloss"]},
        {"missing": 1.0, "eta": 0.2},
        {"random_state": None, **SAMPLED},
    ],
    ids=names,
)
def test_xgboost_binary(params):
    assert_grows_like_fit(BINARY, xgb(**params))


@pytest.mark.parametrize("params", [{}, SAMPLED, {"objective": "multi:softmax"}], ids=names)
def test_xgboost_multiclass(params):
    assert_grows_like_fit(THREE, xgb(**params))


@pytest.mark.parametrize(
    "objective",
    [
        *("reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror"),
        *("reg:pseudohubererror", "reg:quantileerror", "count:poisson"),
        *("reg:gamma", "reg:tweedie"),
    ],
)
def test_xgboost_regression(objective):
    params = {"quantile_alpha": 0.7} if "quantile" in objective else {}
    estimator = xgb("Regressor", objective=objective, **SAMPLED, **params)
    assert_grows_like_fit(COUNTS if "poisson" in objective else POSITIVE, estimator)


def test_xgboost_targets_between_zero_and_one():
    case = Case(X, 1 / (1 + np.exp(-score(X))))
    assert_grows_like_fit(case, xgb("Regressor", objective="reg:logistic"))


@pytest.mark.slow  # where other processes keep the cores busy
@pytest.mark.parametrize(
    "estimator",
    [
        xgb(n_jobs=2, **SAMPLED),
        lgbm(n_jobs=2, force_col_wise=True, deterministic=True),
        lgbm(n_jobs=2, force_row_wise=True, deterministic=True),
    ],
    ids=names,
)
def test_two_threads(estimator):
    assert_grows_like_fit(BINARY, estimator)


@pytest.mark.parametrize(
    "estimator", [lgbm(**SAMPLED, subsample_freq=1), xgb(**SAMPLED)], ids=names
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sample_weight(estimator, n_classes):
    assert_grows_like_fit(Case(X, classes_of(X, n_classes), sample_weight=WEIGHT), estimator)


@pytest.mark.parametrize("as_list", [False, True])
def test_sample_weight_and_class_weight_multiply(as_list):
    weight = WEIGHT.tolist() if as_list else WEIGHT
    case = Case(X, np.array(["no", "yes"])[classes_of(X, 2)], sample_weight=weight)
    assert_grows_like_fit(case, lgbm(class_weight={"yes": 3.0}))


@pytest.mark.parametrize("estimator", [lgbm(), xgb(enable_categorical=True)], ids=names)
def test_frame_with_categories(estimator):
    y = pd.Series(classes_of(X, 3), index=range(7, 7 + len(X)))
    frame = frame_of(X).set_index(y.index)
    case = Case(frame, y)
    case.y, case.watched = y.iloc[:300], Watched(frame.iloc[300:], y.iloc[300:])
    assert_grows_like_fit(case, estimator)
    grown = case.start(estimator)
    grown.grow(2)
    assert list(grown.fitted(2).feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize("estimator", [lgbm(), xgb(enable_categorical=True)], ids=names)
def test_watched_frame_with_other_categories(estimator):
    """Categories in another order, one of them unknown, one gone."""
    frame, y = frame_of(X), classes_of(X, 2)
    case = Case(frame, y)
    late = frame.iloc[300:].copy()
    words = late["c5"].astype(object).where(late["c5"] != "y", "z")
    late["c5"] = pd.Categorical(words, categories=["z", "x"])
    case.watched = Watched(late, y[300:])
    growth = case.start(estimator)
    growth.grow(5)
    assert_same_answers(growth, case.fit(estimator, 5), late)


@pytest.mark.parametrize("estimator", [lgbm(), xgb(), lgbm(enable_bundle=False)], ids=names)
def test_sparse_rows(estimator):
    dense = np.nan_to_num(X) * (np.random.default_rng(2).random(X.shape) < 0.3)
    assert_grows_like_fit(Case(scipy.sparse.csr_matrix(dense), classes_of(X, 2)), estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
@pytest.mark.parametrize("estimator", [lgbm(), xgb()], ids=names)
def test_dtypes_of_arrays(estimator, dtype):
    other = (np.nan_to_num(X) * 3).astype(dtype)
    assert_grows_like_fit(Case(other, classes_of(X, 2)), estimator)


@pytest.mark.parametrize(
    ("case", "estimator", "metric"),
    [
        (BINARY, lgbm(), "binary_logloss"),
        (THREE, lgbm(), "multi_logloss"),
        (POSITIVE, lgbm("Regressor"), "l2"),
        (POSITIVE, lgbm("Regressor", objective="l1"), "l1"),
        (POSITIVE, lgbm("Regressor", objective="huber", alpha=0.7), "huber"),
        (POSITIVE, lgbm("Regressor", objective="fair", fair_c=0.6), "fair"),
        (POSITIVE, lgbm("Regressor", objective="quantile", alpha=0.2), "quantile"),
        (POSITIVE, lgbm("Regressor", objective="mape"), "mape"),
        (COUNTS, lgbm("Regressor", objective="poisson"), "poisson"),
        (POSITIVE, lgbm("Regressor", objective="tweedie"), "tweedie"),
        (BINARY, xgb(), "logloss"),
        (THREE, xgb(), "mlogloss"),
        (POSITIVE, xgb("Regressor"), "rmse"),
        (POSITIVE, xgb("Regressor", objective="reg:absoluteerror"), "mae"),
        (POSITIVE, xgb("Regressor", objective="reg:pseudohubererror"), "mphe"),
        (POSITIVE, xgb("Regressor", objective="reg:squaredlogerror"), "rmsle"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_loss_is_the_library_s_own(case, estimator, metric):
    growth = case.start(estimator)
    growth.grow(6)
    plain = clone(estimator).set_params(n_estimators=6)
    if type(estimator).__module__.startswith("lightgbm"):
        kwargs = {"eval_X": case.watched.X, "eval_y": case.watched.y, "eval_metric": metric}
        plain.fit(case.X, case.y, **kwargs)
        curve = plain.evals_result_["valid_0"][metric]
    else:
        plain.set_params(eval_metric=metric).fit(
            case.X, case.y, eval_set=[(case.watched.X, case.watched.y)], verbose=False
        )
        curve = plain.evals_result()["validation_0"][metric]
    value = growth.loss()
    value = np.sqrt(value) if metric in ("rmse", "rmsle") else value
    assert value == pytest.approx(curve[-1], rel=1e-5)


@pytest.mark.parametrize(
    "estimator",
    [lgbm("Regressor", objective="gamma"), xgb("Regressor", objective="reg:gamma")]
    + [xgb("Regressor", objective="reg:quantileerror", quantile_alpha=0.3)]
    + [xgb("Regressor", objective=o) for o in ("count:poisson", "reg:tweedie")],
    ids=names,
)
def test_the_loss_falls_as_a_model_learns(estimator):
    growth = POSITIVE.start(estimator.set_params(learning_rate=0.1))
    growth.grow(1)
    before = growth.loss()
    growth.grow(20)
    assert growth.loss() < before


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_a_label_that_was_not_trained_on_leaves_the_loss_unknown(make):
    case = Case(X, classes_of(X, 2))
    case.watched = Watched(case.watched.X, np.where(case.watched.y == 1, 7, 0))
    growth = case.start(make())
    growth.grow(2)
    assert np.isnan(growth.loss())
    assert_same_answers(growth, case.fit(make(), 2), case.watched.X)


def cost_of(case, estimator, *rounds):
    """What it says after each of some numbers of rounds, all of which must be the same."""
    growth = case.start(estimator)
    assert growth.round_cost == 0.0  # nothing is known of trees that are not there
    costs = set()
    for n_rounds in rounds:
        growth.grow(n_rounds)
        costs.add(growth.round_cost)
    (cost,) = costs
    return cost


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_round_costs_by_the_leaves_of_its_trees(n_classes):
    case = Case(X, classes_of(X, n_classes))
    free = {"min_child_samples": 1, "min_child_weight": 1e-9}
    assert cost_of(case, lgbm(num_leaves=31, **free), 5) == 1.0
    assert cost_of(case, lgbm(num_leaves=45, **free), 5) == 53 / 39
    assert cost_of(case, lgbm(num_leaves=45, min_child_samples=140), 5) <= 10 / 39
    shallow, deep = (cost_of(case, xgb(max_depth=depth), 5) for depth in (1, 4))
    assert shallow == 10 / 39
    assert 10 / 39 < deep <= 24 / 39


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_the_cost_of_a_round_does_not_depend_on_when_it_is_asked_for(make):
    case = Case(X, classes_of(X, 3))
    model = make(**SAMPLED, learning_rate=0.5)
    assert cost_of(case, model, 5) == cost_of(case, model, 2, 9) == cost_of(case, model, 40)


@pytest.mark.parametrize("seed", range(6))
def test_nor_does_it_where_a_round_fails_to_add_a_tree(seed):
    rng = np.random.default_rng(seed)
    rare = (rng.random((420, 1)) < 0.08).astype(float)
    case = Case(rare, rng.integers(0, 2, 420))
    model = lgbm(min_child_samples=11, subsample=0.5, subsample_freq=1, num_leaves=31)
    assert cost_of(case, model, 5, 40) == cost_of(case, model, 40)


def test_leaves_are_not_counted_in_the_names_of_columns():
    named = pd.DataFrame(X[:, :3], columns=["leaf=1", "leaf=2", "leaf=3"])
    frames, y = (named, named.set_axis(["a", "b", "c"], axis=1)), classes_of(X, 2)
    named, other = (cost_of(Case(frame, y), xgb(max_depth=2), 5) for frame in frames)
    assert named == other

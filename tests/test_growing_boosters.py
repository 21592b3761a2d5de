"""A booster that grows says at each number of rounds what its own fit with it would say."""

import gc
import pickle
import threading
import time
import weakref

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import threadpoolctl
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from skhpt.estimators.growing import Watched, grower_of
from skhpt.estimators.growing_lightgbm import LightGBMGrower
from skhpt.estimators.growing_xgboost import XGBoostGrower

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

GROWERS = {"lightgbm": LightGBMGrower, "xgboost": XGBoostGrower}
LGBM = {"n_jobs": 1, "verbose": -1, "num_leaves": 7, "random_state": 3, "n_estimators": 9}
XGB = {"n_jobs": 1, "max_depth": 3, "random_state": 3, "n_estimators": 9}
SAMPLED = {"subsample": 0.7, "colsample_bytree": 0.6}
CHECKPOINTS = (1, 2, 5, 12)


def lgbm(kind="Classifier", **params):
    return getattr(lightgbm, f"LGBM{kind}")(**{**LGBM, **params})


def xgb(kind="Classifier", **params):
    return getattr(xgboost, f"XGB{kind}")(**{**XGB, **params})


def rows(n=420, seed=0):
    """Ten columns: numbers with gaps, a rare flag, and one that never changes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    X[:, 3] = np.round(X[:, 3])
    X[rng.random((n, 10)) < 0.05] = np.nan
    X[:, 8] = rng.random(n) < 0.03
    X[:, 9] = 1.0
    return X


def score(X):
    X = np.nan_to_num(X)
    return X[:, 0] + X[:, 1] * X[:, 2] + 2 * X[:, 8] + np.sin(3 * X[:, 4])


def classes_of(X, n_classes, seed=1):
    noisy = score(X) + np.random.default_rng(seed).normal(size=len(X))
    edges = np.quantile(noisy, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.searchsorted(edges, noisy)


def targets_of(X, seed=1):
    return np.exp(0.5 * score(X) + 0.3 * np.random.default_rng(seed).normal(size=len(X)))


def frame_of(X):
    """The same rows as a frame, with missing values in its categories."""
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    numbered = frame["c3"].map(lambda value: None if np.isnan(value) else f"{value:.0f}")
    frame["c3"] = pd.Categorical(numbered)
    words = np.array(["x", "y", "z"])[np.digitize(np.nan_to_num(X[:, 5]), [-0.5, 0.5])]
    frame["c5"] = pd.Categorical(np.where(np.isnan(X[:, 5]), None, words))
    frame["c6"] = frame["c6"].astype("float32")
    frame["c8"] = frame["c8"].fillna(0).astype(int)
    return frame


class Case:
    """Rows to train on and to watch."""

    def __init__(self, X, y, **fit_params):
        n = 300
        take = X.iloc if hasattr(X, "iloc") else X
        self.X, self.watched = take[:n], Watched(take[n:], y[n:])
        self.y = y[:n]
        self.fit_params = {name: value[:n] for name, value in fit_params.items()}

    def start(self, estimator, shared=None):
        grower = GROWERS[type(estimator).__module__.partition(".")[0]]()
        assert grower.supports(estimator, self.fit_params)
        return grower.start(
            clone(estimator),
            self.X,
            self.y,
            self.watched,
            self.fit_params,
            {} if shared is None else shared,
        )

    def fit(self, estimator, n_rounds):
        model = clone(estimator).set_params(n_estimators=n_rounds)
        return model.fit(self.X, self.y, **self.fit_params)


def native_text(model):
    if hasattr(model, "booster_"):
        return model.booster_.model_to_string()
    return bytes(model.get_booster().save_raw("ubj"))


def methods_of(estimator):
    names = ("predict", "predict_proba", "decision_function")
    return [name for name in names if hasattr(estimator, name)]


def assert_same_model(case, grown, plain):
    assert native_text(grown) == native_text(plain)
    for method in methods_of(plain):
        ours, theirs = (getattr(m, method)(case.watched.X) for m in (grown, plain))
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def assert_same_answers(growth, plain, X):
    for method in methods_of(plain):
        told, expected = growth.answer(method), getattr(plain, method)(X)
        assert told.shape == expected.shape
        assert told.dtype == expected.dtype
        if told.dtype.kind == "f":
            np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(told, expected)


def assert_grows_like_fit(case, estimator, shared=None):
    growth = case.start(estimator, shared)
    fits = {k: case.fit(estimator, k) for k in CHECKPOINTS}
    for k, plain in fits.items():
        growth.grow(k)
        assert growth.n_rounds == k
        assert_same_answers(growth, plain, case.watched.X)
    for k, plain in fits.items():
        assert_same_model(case, growth.fitted(k), plain)


X = rows()
BINARY = Case(X, classes_of(X, 2))
WORDS = Case(X, np.array(["no", "yes"])[classes_of(X, 2)])
THREE = Case(X, classes_of(X, 3))
COUNTS = Case(X, np.round(targets_of(X)))
POSITIVE = Case(X, targets_of(X))
WEIGHT = np.random.default_rng(5).random(len(X)) + 0.1


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
        {"n_jobs": 2, "force_col_wise": True, "deterministic": True},
        {"min_child_samples": 150, "min_child_weight": 30.0, **SAMPLED, "subsample_freq": 1},
        {"min_child_samples": 1000},
    ],
    ids=str,
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
    ids=str,
)
def test_lightgbm_multiclass(params):
    assert_grows_like_fit(THREE, lgbm(**params))


@pytest.mark.parametrize(
    "objective",
    "regression l2_root l1 huber fair quantile mape poisson gamma tweedie".split(),
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
        {"n_jobs": 2, **SAMPLED},
        {"missing": 1.0, "eta": 0.2},
        {"random_state": None, **SAMPLED},
    ],
    ids=str,
)
def test_xgboost_binary(params):
    assert_grows_like_fit(BINARY, xgb(**params))


@pytest.mark.parametrize("params", [{}, SAMPLED, {"objective": "multi:softmax"}], ids=str)
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


@pytest.mark.parametrize("estimator", [lgbm(**SAMPLED, subsample_freq=1), xgb(**SAMPLED)], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sample_weight(estimator, n_classes):
    assert_grows_like_fit(Case(X, classes_of(X, n_classes), sample_weight=WEIGHT), estimator)


@pytest.mark.parametrize("as_list", [False, True])
def test_sample_weight_and_class_weight_multiply(as_list):
    weight = WEIGHT.tolist() if as_list else WEIGHT
    case = Case(X, WORDS_ALL, sample_weight=weight)
    assert_grows_like_fit(case, lgbm(class_weight={"yes": 3.0}))


WORDS_ALL = np.array(["no", "yes"])[classes_of(X, 2)]


@pytest.mark.parametrize("estimator", [lgbm(), xgb(enable_categorical=True)], ids=str)
def test_frame_with_categories(estimator):
    y = pd.Series(classes_of(X, 3), index=range(7, 7 + len(X)))
    frame = frame_of(X).set_index(y.index)
    case = Case(frame, y)
    case.y, case.watched = y.iloc[:300], Watched(frame.iloc[300:], y.iloc[300:])
    assert_grows_like_fit(case, estimator)
    grown = case.start(estimator)
    grown.grow(2)
    assert list(grown.fitted(2).feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize("estimator", [lgbm(), xgb(enable_categorical=True)], ids=str)
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


@pytest.mark.parametrize("estimator", [lgbm(), xgb(), lgbm(enable_bundle=False)], ids=str)
def test_sparse_rows(estimator):
    dense = np.nan_to_num(X) * (np.random.default_rng(2).random(X.shape) < 0.3)
    assert_grows_like_fit(Case(scipy.sparse.csr_matrix(dense), classes_of(X, 2)), estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
@pytest.mark.parametrize("estimator", [lgbm(), xgb()], ids=str)
def test_dtypes_of_arrays(estimator, dtype):
    other = (np.nan_to_num(X) * 3).astype(dtype)
    assert_grows_like_fit(Case(other, classes_of(X, 2)), estimator)


def test_configurations_that_alternate_on_shared_bins():
    """Neither the bins of another configuration nor its training leave a trace."""
    configurations = {
        "lightgbm": [
            {},
            {"max_bin": 7},
            {"min_child_samples": 5, **SAMPLED, "subsample_freq": 1},
            {"min_child_samples": 60, **SAMPLED, "subsample_freq": 1},
            {"min_child_samples": 2, "colsample_bytree": 0.5},
            {"monotone_constraints": [1] + [0] * 9},
            {"class_weight": "balanced"},
            {"class_weight": {0: 1, 1: 9, 2: 1}},
            {"feature_pre_filter": False, "colsample_bytree": 0.5},
            {"random_state": 8, "subsample_for_bin": 50},
            {"random_state": 9, "subsample_for_bin": 50},
        ],
        "xgboost": [
            {},
            {"max_bin": 7},
            {"tree_method": "approx"},
            {"tree_method": "approx", "max_bin": 9},
            {"tree_method": "exact"},
            {"missing": 1.0},
            {"max_depth": 2, **SAMPLED},
        ],
    }
    for make, library in ((lgbm, "lightgbm"), (xgb, "xgboost")):
        shared = {}
        models = [make(**params) for params in configurations[library]]
        growths = [THREE.start(model, shared) for model in models]
        for k in CHECKPOINTS:
            for growth in growths:
                growth.grow(k)
                growth.answer("predict_proba")
        for model, growth in zip(models, growths):
            for k in CHECKPOINTS:
                assert_same_model(THREE, growth.fitted(k), THREE.fit(model, k))
            assert_same_answers(growth, THREE.fit(model, 12), THREE.watched.X)


def test_bins_are_made_once_for_what_they_do_not_depend_on(monkeypatch):
    made = []
    for module, name in ((lightgbm, "Dataset"), (xgboost.sklearn, "QuantileDMatrix")):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, real=real, **k: made.append(real) or real(*a, **k)
        )
    case = Case(X[:, :8], classes_of(X, 2))  # no column that could be left out
    for make, several in (
        (lgbm, [{"min_child_samples": m} for m in (50, 5, 20, 1)] + [{"learning_rate": 0.3}]),
        (xgb, [{"min_child_weight": 3}, {"max_depth": 2}, {"random_state": 5}]),
    ):
        shared = {}
        for params in several:
            case.start(make(**params), shared)
    assert len(made) == 2


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_other_rows_never_take_the_bins_of_the_first(make):
    shared = {}
    case = Case(rows(seed=4), classes_of(rows(seed=4), 2))
    BINARY.start(make(), shared).grow(1)
    assert_grows_like_fit(case, make(), shared)


@pytest.mark.parametrize("make", [lgbm, xgb])
@pytest.mark.parametrize("case", [BINARY, THREE, POSITIVE], ids=["binary", "three", "regression"])
def test_the_fitted_estimator_is_as_fit_leaves_it(make, case):
    estimator = make("Regressor" if case is POSITIVE else "Classifier")
    growth, plain = case.start(estimator), case.fit(estimator, 5)
    growth.grow(8)
    model = growth.fitted(5)
    assert repr(model.get_params()) == repr(plain.get_params())
    assert set(vars(model)) == set(vars(plain))
    public = ["n_features_in_", "feature_importances_"]
    public += ["classes_", "n_classes_"] if case is not POSITIVE else []
    if make is lgbm:
        public += ["feature_name_", "objective_", "n_estimators_", "n_iter_", "best_score_"]
        public += ["best_iteration_", "evals_result_"]
    for name in public:
        np.testing.assert_array_equal(getattr(model, name), getattr(plain, name), name)
    again = pickle.loads(pickle.dumps(model))
    assert_same_model(case, again, plain)
    assert repr(clone(model).get_params()) == repr(clone(plain).get_params())
    refitted = clone(model).fit(case.X, case.y)
    assert_same_model(case, refitted, plain)
    growth.grow(12)
    assert_same_model(case, model, plain)


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_fitted_models_share_nothing_with_the_growth(make):
    growth = THREE.start(make())
    growth.grow(3)
    model = growth.fitted(3)
    first = growth.answer("predict_proba")
    first[:] = -1
    model.fit(COUNTS.X, THREE.y[::-1])
    growth.grow(5)
    assert_same_model(THREE, growth.fitted(5), THREE.fit(make(), 5))
    assert_same_answers(growth, THREE.fit(make(), 5), THREE.watched.X)


def test_rounds_without_a_split_are_followed_by_rounds_with_one():
    params = {"min_child_samples": 80, "subsample": 0.55, "subsample_freq": 1, "max_bin": 5}
    params |= {"min_split_gain": 3.0, "learning_rate": 0.3}
    growth, estimator = WORDS.start(lgbm(**params)), lgbm(**params)
    growth.grow(60)
    trees = [growth.fitted(k).booster_.num_trees() for k in range(1, 61)]
    grew = np.diff(trees) > 0
    assert (~grew[: np.flatnonzero(grew)[-1]]).any(), "no unlucky draw: choose other parameters"
    for k in (1, 7, 20, 33, 60):
        assert_same_model(WORDS, growth.fitted(k), WORDS.fit(estimator, k))
    assert_same_answers(growth, WORDS.fit(estimator, 60), WORDS.watched.X)


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
    ids=str,
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


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_rounds_out_of_reach_are_refused(make):
    growth = BINARY.start(make())
    with pytest.raises(ValueError, match=r"has no predictions; call grow\(1\) first"):
        growth.answer("predict")
    with pytest.raises(ValueError, match="has no predictions"):
        growth.loss()
    growth.grow(4)
    with pytest.raises(ValueError, match="at least the 4 rounds trained so far, got 3"):
        growth.grow(3)
    for k in (0, 5):
        with pytest.raises(ValueError, match=f"between 1 and the 4 rounds .* got {k}"):
            growth.fitted(k)


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_a_method_that_the_estimator_lacks(make):
    growth = POSITIVE.start(make("Regressor"))
    growth.grow(1)
    with pytest.raises(AttributeError, match="predict_proba"):
        growth.answer("predict_proba")


def stops(*args):
    return None


UNSUPPORTED = [
    *[lgbm(**{name: 20}) for name in ("num_iterations", "num_boost_round", "n_iter", "max_iter")],
    lgbm(early_stopping_round=3),
    lgbm(objective=stops),
    lgbm(app="binary"),
    lgbm(boosting_type="dart"),
    lgbm(boosting_type="rf", subsample=0.5, subsample_freq=1),
    lgbm(boosting="dart"),
    lgbm(linear_tree=True),
    lgbm(random_state=np.random.RandomState(0)),
    lgbm(random_state=np.random.default_rng(0)),
    lgbm(device_type="gpu"),
    lgbm(something_new=1),
    lgbm("Regressor", class_weight={0: 1}),
    lgbm("Regressor", objective="cross_entropy"),
    lightgbm.LGBMRanker(),
    xgb(objective=stops),
    xgb("Regressor", objective="rank:ndcg"),
    xgb(booster="dart"),
    xgb(booster="gblinear"),
    xgb(num_parallel_tree=3),
    xgb(multi_strategy="multi_output_tree"),
    xgb(early_stopping_rounds=3),
    xgb(callbacks=[xgboost.callback.EvaluationMonitor()]),
    xgb(device="cuda"),
    xgb(random_state=np.random.RandomState(0)),
    xgb(random_state=np.random.default_rng(0)),
    xgb(something_new=1),
    xgb(feature_types=["q"] * 10),
    xgb(eval_metric=stops),
    xgb("Regressor", objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]),
    xgboost.XGBRFClassifier(),
    xgboost.XGBRanker(),
]


@pytest.mark.parametrize("estimator", UNSUPPORTED, ids=lambda e: f"{type(e).__name__}")
def test_what_is_not_proven_is_left_to_fit(estimator):
    assert grower_of(estimator, {}) is None
    assert not LightGBMGrower().supports(estimator, {})
    assert not XGBoostGrower().supports(estimator, {})


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_fit_params_other_than_weights_are_left_to_fit(make):
    assert grower_of(make(), {"sample_weight": None}) is not None
    for name in ("eval_set", "init_score", "base_margin", "callbacks", "categorical_feature"):
        assert grower_of(make(), {name: None}) is None


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_others_are_not_grown(make):
    class Mine(type(make())):
        pass

    assert grower_of(Mine(), {}) is None
    grower = grower_of(make(), {})
    assert not grower.supports(LogisticRegression(), {})
    assert not grower.supports(Mine(), {})


@pytest.mark.parametrize(
    ("X", "y", "weight"),
    [
        (X.tolist(), BINARY.y, None),
        (X.astype(object), BINARY.y, None),
        (X, np.zeros(len(X), dtype=int), None),
        (X, np.column_stack([classes_of(X, 2)] * 2), None),
        (X, np.where(np.arange(len(X)) == 3, np.nan, classes_of(X, 2)), None),
        (X, classes_of(X, 2), np.where(np.arange(len(X)) == 3, np.nan, 1.0)),
        (X, classes_of(X, 2), 1.0),
        (scipy.sparse.coo_matrix(np.nan_to_num(X)), classes_of(X, 2), None),
    ],
    ids=["list", "object", "one class", "two targets", "nan in y", "nan weight", "number", "coo"],
)
@pytest.mark.parametrize("make", [lgbm, xgb])
def test_data_that_fit_has_to_judge(make, X, y, weight):
    grower = grower_of(make(), {})
    watched, fit_params = Watched(X, y), {} if weight is None else {"sample_weight": weight}
    assert grower.start(make(), X, y, watched, fit_params, {}) is None


def test_polars_frames_are_left_to_fit():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(X)
    for make in (lgbm, xgb):
        grower = grower_of(make(), {})
        y = classes_of(X, 2)
        assert grower.start(make(), frame, y, Watched(frame, y), {}, {}) is None


def freed_soon(reference, seconds=5.0):
    """A thread that just handed over its result may hold on for a moment."""
    end = time.monotonic() + seconds
    while reference() is not None and time.monotonic() < end:
        time.sleep(0.001)
    assert reference() is None


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_nothing_outlives_the_fold(make):
    """No cycles: everything is freed at once, not when the garbage collector comes by."""
    shared = {}
    case = Case(rows(), classes_of(rows(), 2))
    growth = case.start(make(), shared)
    growth.grow(2)
    growth.answer("predict_proba")
    booster = weakref.ref(growth._booster)
    fold = weakref.ref(*shared.values())
    bins = [weakref.ref(kept) for kept in fold().kept.values() if hasattr(kept, "__weakref__")]
    gc.collect()
    gc.disable()
    try:
        del growth
        freed_soon(booster)
        shared.clear()
        assert fold() is None
        assert bins
        assert not any(kept() for kept in bins)
    finally:
        gc.enable()


def test_the_thread_of_a_model_ends_with_it():
    before = threading.active_count()
    growth = BINARY.start(xgb(**SAMPLED))
    growth.grow(1)
    assert threading.active_count() == before + 1
    del growth
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.001)
    assert threading.active_count() == before


def test_an_interrupted_caller_stops_the_training(monkeypatch):
    growth = BINARY.start(xgb())
    growth.grow(1)
    real, rounds = xgboost.Booster.update, []

    def slow(self, *args, **kwargs):
        rounds.append(threading.get_ident())
        time.sleep(0.02)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(xgboost.Booster, "update", slow)

    def interrupted(future, timeout=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("concurrent.futures.Future.result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            growth.grow(1000)
    growth._thread.shutdown(wait=True)
    assert len(rounds) < 10


def test_a_models_thread_keeps_to_the_callers_limit():
    """Without n_jobs, XGBoost asks OpenMP, which counts for each thread on its own."""
    from skhpt._compat import openmp_threads

    with openmp_threads(1):
        growth = BINARY.start(xgb(n_jobs=None))
    growth.grow(1)
    pools = growth._thread.submit(threadpoolctl.threadpool_info).result()
    limits = {pool["num_threads"] for pool in pools if pool["user_api"] == "openmp"}
    assert limits == {1}

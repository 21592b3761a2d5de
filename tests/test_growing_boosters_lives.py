"""Growing boosters share bins, start, end and are refused without a trace of each other."""

import gc
import pickle
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse
import threadpoolctl
from grown import (
    BINARY,
    CHECKPOINTS,
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
    assert_same_model,
    classes_of,
    lgbm,
    lightgbm,
    rows,
    xgb,
    xgboost,
)
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from skhpt.estimators.growing import Watched, grower_of
from skhpt.estimators.growing_lightgbm import LightGBMGrower
from skhpt.estimators.growing_xgboost import XGBoostGrower


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
            {"tree_method": "approx", **SAMPLED},
            {"tree_method": "approx", "max_depth": 2},
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
            assert_same_answers(growth, THREE.fit(model, 8), THREE.watched.X)


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_configurations_that_grow_at_the_same_time(make):
    models = [make(max_depth=d, subsample=0.6, random_state=d) for d in range(2, 8)]
    shared, gate = {}, threading.Barrier(len(models))

    def grown(model):
        gate.wait()
        growth = THREE.start(model, shared)
        for k in range(1, 16):
            growth.grow(k)
            growth.answer("predict_proba")
        return growth

    with ThreadPoolExecutor(len(models)) as pool:
        growths = list(pool.map(grown, models))
    for model, growth in zip(models, growths):
        assert_same_model(THREE, growth.fitted(15), THREE.fit(model, 15))


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
    with pytest.raises(AttributeError, match="has no method 'score'"):
        growth.answer("score")


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


@pytest.mark.parametrize("make", [lgbm, xgb])
def test_requested_weights(make):
    """A request for metadata stays with the estimator and does not make it another one."""
    with config_context(enable_metadata_routing=True):
        estimator = make().set_fit_request(sample_weight=True)
        case = Case(X, classes_of(X, 2), sample_weight=WEIGHT)
        growth = case.start(estimator)
        growth.grow(2)
        request = growth.fitted(2).get_metadata_routing().fit.requests
    assert request["sample_weight"] is True


def test_the_thread_of_a_model_ends_with_it():
    growth = BINARY.start(xgb(**SAMPLED))
    growth.grow(1)
    thread = growth._thread.submit(threading.current_thread).result()
    assert thread is not threading.current_thread()
    del growth
    thread.join(5)
    assert not thread.is_alive()


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
        growths = [BINARY.start(xgb(n_jobs=n)) for n in (None, -1)]
    for growth in growths:
        growth.grow(1)
        pools = growth._thread.submit(threadpoolctl.threadpool_info).result()
        limits = {pool["num_threads"] for pool in pools if pool["user_api"] == "openmp"}
        assert limits == {1}

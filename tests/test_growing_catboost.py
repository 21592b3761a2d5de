"""CatBoost that grows says at each number of rounds what its own fit with it would say."""

import contextlib
import os

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

catboost = pytest.importorskip("catboost")

from grown import (  # noqa: E402
    BINARY,
    COUNTS,
    POSITIVE,
    THREE,
    WEIGHT,
    WORDS,
    Case,
    X,
    classes_of,
    frame_of,
    methods_of,
    names,
)

from skhpt.estimators import growing_catboost  # noqa: E402
from skhpt.estimators.growing import Watched, grower_of  # noqa: E402
from skhpt.estimators.pipelines import rounds_parameter  # noqa: E402
from skhpt.estimators.resources import resource_of  # noqa: E402
from skhpt.estimators.stopping import rounds_to_find, settles_its_training  # noqa: E402

QUIET = {"verbose": False, "allow_writing_files": False, "thread_count": 1}
FIXED = {**QUIET, "learning_rate": 0.2, "depth": 3, "random_seed": 3}
CHECKPOINTS = (1, 4, 9)
BERNOULLI = {"bootstrap_type": "Bernoulli", "subsample": 0.6}


def cat(kind="Classifier", **params):
    return getattr(catboost, f"CatBoost{kind}")(**{**FIXED, **params})


def start(case, estimator, shared=None):
    grower = grower_of(estimator, case.fit_params)
    assert grower is not None
    rows = case.X, case.y, case.watched, case.fit_params
    return grower.start(clone(estimator), *rows, {} if shared is None else shared)


def fit(case, estimator, n_rounds):
    rounds = grower_of(estimator, case.fit_params).rounds
    model = clone(estimator).set_params(**{rounds: n_rounds})
    return model.fit(case.X, case.y, **case.fit_params)


def assert_same(told, expected):
    assert told.shape == expected.shape
    assert told.dtype == expected.dtype
    np.testing.assert_array_equal(told, expected)


def assert_grows_like_fit(case, estimator, shared=None, checkpoints=CHECKPOINTS):
    growth = start(case, estimator, shared)
    fits = {k: fit(case, estimator, k) for k in checkpoints}
    for k, plain in fits.items():
        growth.grow(k)
        assert growth.n_rounds == k
        for method in methods_of(plain):
            assert_same(growth.answer(method), getattr(plain, method)(case.watched.X))
    for k, plain in fits.items():
        model = growth.fitted(k)
        for method in methods_of(plain):
            expected = getattr(plain, method)(case.watched.X)
            assert_same(growth.answer_after(method, k), expected)
            assert_same(getattr(model, method)(case.watched.X), expected)
        assert_same(model.get_leaf_values(), plain.get_leaf_values())
        assert_same(model.feature_importances_, plain.feature_importances_)
        assert model.get_all_params() == plain.get_all_params()
        assert model.get_params() == plain.get_params()
        assert model.tree_count_ == plain.tree_count_
        assert model.n_features_in_ == plain.n_features_in_


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"bootstrap_type": "Bayesian", "bagging_temperature": 2.0},
        {**BERNOULLI, "rsm": 0.5, "random_seed": 11},
        {"bootstrap_type": "MVS", "subsample": 0.5, "sampling_frequency": "PerTreeLevel"},
        {"bootstrap_type": "No", "random_strength": 0.0},
        {"auto_class_weights": "Balanced", **BERNOULLI},
        {"class_weights": (1.0, 5.0), "random_seed": None},
        {"scale_pos_weight": 4.0, "eval_metric": "AUC"},
        {"boosting_type": "Ordered"},
        {"grow_policy": "Depthwise", "min_data_in_leaf": 20},
        {"grow_policy": "Lossguide", "max_leaves": 5, "random_strength": 3.0},
        {"leaf_estimation_iterations": 4, "leaf_estimation_method": "Gradient"},
        {"border_count": 16, "nan_mode": "Max", "feature_border_type": "Median"},
        {"custom_metric": "AUC", "l2_leaf_reg": 0.1, "score_function": "L2"},
    ],
    ids=names,
)
def test_two_classes(params):
    assert_grows_like_fit(WORDS if "scale_pos_weight" not in params else BINARY, cat(**params))


@pytest.mark.parametrize(
    "params",
    [
        {},
        BERNOULLI,
        {"loss_function": "MultiClassOneVsAll"},
        {"auto_class_weights": "SqrtBalanced", "bootstrap_type": "Bayesian"},
    ],
    ids=names,
)
def test_more_classes(params):
    assert_grows_like_fit(THREE, cat(**params))


LOSSES = ["RMSE", "MAE", "MAPE", "Quantile:alpha=0.3", "Huber:delta=0.7", "Poisson"]


@pytest.mark.parametrize("loss", LOSSES)
def test_regression(loss):
    case = COUNTS if loss == "Poisson" else POSITIVE
    assert_grows_like_fit(case, cat("Regressor", loss_function=loss, **BERNOULLI))


@pytest.mark.parametrize("params", [{}, BERNOULLI, {"auto_class_weights": "Balanced"}], ids=names)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sample_weight(params, n_classes):
    case = Case(X, classes_of(X, n_classes), sample_weight=WEIGHT)
    assert_grows_like_fit(case, cat(**params))


def with_words():
    """A frame with three columns of words: two of them, three, and many."""
    frame = frame_of(X).drop(columns=["c3", "c5"])
    rng = np.random.default_rng(4)
    frame["few"] = np.array(["x", "y", "z"])[np.digitize(np.nan_to_num(X[:, 5]), [-0.5, 0.5])]
    frame["two"] = np.where(np.nan_to_num(X[:, 1]) > 0.3, "a", "b")
    frame["many"] = [f"w{number}" for number in rng.integers(0, 40, len(X))]
    return frame


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"one_hot_max_size": 1, **BERNOULLI},
        {"one_hot_max_size": 4, "random_seed": 1, "depth": 6},
        {"one_hot_max_size": 60, "bootstrap_type": "Bayesian", "border_count": 32},
        {"boosting_type": "Ordered", "max_ctr_complexity": 1},
        {"model_size_reg": 2.0, "bootstrap_type": "Bayesian", "grow_policy": "Depthwise"},
    ],
    ids=names,
)
def test_categories_of_the_estimator(params):
    for kind, n_classes in (("Classifier", 2), ("Classifier", 3), ("Regressor", 9)):
        case = Case(with_words(), classes_of(X, n_classes))
        assert_grows_like_fit(case, cat(kind, cat_features=("two", "few", "many"), **params))


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_categories_of_the_fit(kind):
    case = Case(with_words(), classes_of(X, 3), sample_weight=WEIGHT)
    case.fit_params["cat_features"] = ["two", "few", "many"]
    assert_grows_like_fit(case, cat(kind))


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_categories_are_combined_from_200_rounds_on(kind):
    case = Case(with_words(), classes_of(X, 2))
    case.fit_params["cat_features"] = ["two", "few", "many"]
    estimator = cat(kind, leaf_estimation_iterations=1, learning_rate=0.05)
    assert_grows_like_fit(case, estimator, checkpoints=(150, 199, 200, 210))
    growth = start(case, clone(estimator).set_params(max_ctr_complexity=2))
    assert growth._many is growth._few


def test_bins_of_a_kind_are_made_beforehand_or_not_at_all(monkeypatch):
    """A model that goes on makes its bins in the library's usual way, whatever it is told."""
    uniform = {"feature_border_type": "Uniform", "border_count": 8}
    numbers = Case(np.nan_to_num(X), classes_of(X, 2))
    assert_grows_like_fit(numbers, cat(**uniform))
    words = Case(with_words(), classes_of(X, 2))
    words.fit_params["cat_features"] = ["two", "few", "many"]
    assert_grows_like_fit(words, cat(**uniform))
    assert start(words, cat(one_hot_max_size=4, **uniform)) is None
    monkeypatch.setattr(growing_catboost, "_ALL_BINNED", 10)
    assert start(numbers, cat(**uniform)) is None
    assert_grows_like_fit(numbers, cat(border_count=8, nan_mode="Max"))


def test_categories_of_an_array():
    case = Case(with_words().to_numpy(), classes_of(X, 2))
    case.fit_params["cat_features"] = [8, 9, 10]
    assert_grows_like_fit(case, cat())


def test_sparse_rows():
    dense = np.nan_to_num(X) * (np.random.default_rng(2).random(X.shape) < 0.3)
    case = Case(scipy.sparse.csr_matrix(dense), classes_of(X, 2))
    assert_grows_like_fit(case, cat(**BERNOULLI))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_dtypes_of_arrays(dtype):
    assert_grows_like_fit(Case((np.nan_to_num(X) * 3).astype(dtype), classes_of(X, 2)), cat())


def test_missing_values_are_among_the_rows():
    assert np.isnan(BINARY.X).any()
    assert np.isnan(BINARY.watched.X).any()


# -- what depends on the number of rounds ----------------------------------------------------


@pytest.mark.parametrize(
    "params", [{}, {"n_estimators": 77, "leaf_estimation_method": "Gradient"}], ids=names
)
def test_steps_to_the_leaves_change_at_200_rounds(params):
    """One step below, and ten from there on, where there are few columns."""
    estimator = cat(depth=1, **params)
    assert_grows_like_fit(BINARY, estimator, checkpoints=(60, 199, 200, 230))
    growth = start(BINARY, estimator)
    growth.grow(50)
    growth.grow(210)
    assert_same(growth.fitted(120).get_leaf_values(), fit(BINARY, estimator, 120).get_leaf_values())


@pytest.mark.parametrize("loss", [*LOSSES, "Logloss", "MultiClass", "MultiClassOneVsAll"])
def test_nothing_else_changes_at_200_rounds(loss):
    """The list of losses is the library's own."""
    kind = "Classifier" if loss in ("Logloss", "MultiClass", "MultiClassOneVsAll") else "Regressor"
    case = {"Logloss": BINARY, "Poisson": COUNTS}.get(loss, THREE)
    estimator = cat(kind, loss_function=loss, depth=1)
    few, many = (fit(case, estimator, n).get_all_params() for n in (199, 200))
    changed = {name for name in few if name != "iterations" and few[name] != many[name]}
    growth = start(case, estimator)
    assert changed == ({"leaf_estimation_iterations"} if growth._many is not growth._few else set())


def test_many_columns_are_grown_in_one_line():
    wide = Case(np.hstack([X, X]), classes_of(X, 2))
    growth = start(wide, cat(depth=1))
    assert growth._many is growth._few
    assert_grows_like_fit(wide, cat(depth=1), checkpoints=(30, 201))


def test_a_learning_rate_that_follows_the_rounds_is_not_grown():
    unset = catboost.CatBoostClassifier(**QUIET)
    rates = {fit(BINARY, unset, n).learning_rate_ for n in (5, 50)}
    assert len(rates) == 2
    assert start(BINARY, unset) is None
    assert start(BINARY, clone(unset).set_params(eta=0.1)) is not None


@pytest.mark.parametrize(
    "params", [{"l2_leaf_reg": 1.0}, {"reg_lambda": 1.0}, {"leaf_estimation_iterations": 2}]
)
def test_a_learning_rate_that_is_always_the_same_is(params):
    assert_grows_like_fit(BINARY, catboost.CatBoostClassifier(**QUIET, depth=3, **params))
    assert_grows_like_fit(
        POSITIVE, catboost.CatBoostRegressor(**QUIET, depth=3, loss_function="MAE")
    )


@pytest.mark.slow
def test_bins_of_very_many_rows_are_made_by_fit():
    """It makes them from a sample."""
    rng = np.random.default_rng(0)
    case = Case(X, BINARY.y)
    case.X, case.watched = rng.normal(size=(210_000, 3)), Watched(rng.normal(size=(99, 3)), None)
    case.y = (case.X[:, 0] > rng.normal(size=len(case.X))).astype(int)
    assert_grows_like_fit(case, cat(leaf_estimation_iterations=1), checkpoints=(2, 4))


# -- growing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iterations", "n_estimators", "num_boost_round", "num_trees"])
def test_the_rounds_keep_the_name_that_was_given(name):
    estimator = cat(**{name: 77})
    assert rounds_parameter(estimator, 100) == name
    assert rounds_to_find(make_pipeline(StandardScaler(), estimator), 100).endswith(f"__{name}")
    assert resource_of("auto", estimator).own_number(estimator) == 77
    assert settles_its_training(estimator)
    assert_grows_like_fit(BINARY, estimator, checkpoints=(2, 3))


def test_rounds_that_are_not_given_are_the_library_s():
    assert resource_of("auto", cat()).own_number(cat()) == 1000
    assert cat(iterations=1, depth=1).fit(X[:50], BINARY.y[:50]).get_all_params()["depth"] == 1
    assert not settles_its_training(cat())


def test_configurations_share_bins_and_stay_apart():
    shared = {}
    for params in ({}, BERNOULLI, {"depth": 5}, {"border_count": 8}, {}):
        assert_grows_like_fit(BINARY, cat(**params), shared)
    pools = [kept for key, kept in shared["catboost"].kept.items() if key[0] == "bins"]
    assert len(pools) == 2
    one, other = start(BINARY, cat(), shared), start(BINARY, cat(depth=5), shared)
    for n_rounds in (2, 5):  # in turn
        one.grow(n_rounds)
        other.grow(n_rounds)
    for growth, estimator in ((one, cat()), (other, cat(depth=5))):
        expected = fit(BINARY, estimator, 5).predict_proba(BINARY.watched.X)
        assert_same(growth.answer("predict_proba"), expected)


@pytest.mark.parametrize(
    ("case", "estimator", "metric"),
    [
        (WORDS, cat(), "Logloss"),
        (THREE, cat(), "MultiClass"),
        (POSITIVE, cat("Regressor"), "RMSE"),
        (POSITIVE, cat("Regressor", loss_function="MAE"), "MAE"),
        (POSITIVE, cat("Regressor", loss_function="MAPE"), "MAPE"),
        (POSITIVE, cat("Regressor", loss_function="Huber:delta=0.7"), "Huber:delta=0.7"),
        (POSITIVE, cat("Regressor", loss_function="Quantile:alpha=0.3"), "Quantile:alpha=0.3"),
        (COUNTS, cat("Regressor", loss_function="Poisson"), "Poisson"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_loss_is_the_library_s_own(case, estimator, metric):
    growth = start(case, estimator)
    growth.grow(6)
    model = clone(estimator).set_params(iterations=6)
    model.fit(case.X, case.y, eval_set=(case.watched.X, case.watched.y), use_best_model=False)
    [expected] = [v for n, v in model.evals_result_["validation"].items() if n == metric]
    value = np.sqrt(growth.loss()) if metric == "RMSE" else growth.loss()
    assert value == pytest.approx(expected[-1], rel=1e-5)


def test_labels_that_were_not_trained_on_have_no_loss():
    case = Case(X, WORDS.y)
    case.X, case.y = WORDS.X, WORDS.y
    case.watched = Watched(WORDS.watched.X, np.full(len(WORDS.watched.y), "perhaps"))
    growth = start(case, cat())
    growth.grow(2)
    assert np.isnan(growth.loss())


def test_a_model_grows_only():
    growth = start(BINARY, cat())
    with pytest.raises(ValueError, match=r"call grow\(1\) first"):
        growth.answer("predict")
    growth.grow(4)
    with pytest.raises(ValueError, match=r"at least the 4 rounds"):
        growth.grow(3)
    with pytest.raises(ValueError, match=r"call grow\(5\) first"):
        growth.fitted(5)
    with pytest.raises(AttributeError):
        growth.answer("decision_function")


@pytest.mark.parametrize(
    "params",
    [
        {"loss_function": "Focal:focal_alpha=0.5;focal_gamma=1"},
        {"model_shrink_rate": 0.1},
        {"langevin": True},
        {"posterior_sampling": True},
        {"early_stopping_rounds": 5},
        {"save_snapshot": True},
        {"task_type": "GPU"},
        {"ignored_features": (0,)},
        {"monotone_constraints": "(1,-1,0,0,0,0,0,0,0,0)"},
        {"boost_from_average": True},
        {"iterations": 10.5},
    ],
    ids=names,
)
def test_what_is_not_proven_is_not_grown(params):
    assert grower_of(cat(**params), {}) is None


def test_other_fit_parameters_and_kinds_are_not_grown():
    class Own(catboost.CatBoostClassifier):
        pass

    assert grower_of(cat(), {"baseline": np.zeros(3)}) is None
    assert grower_of(Own(**FIXED), {}) is None
    case = Case(X, BINARY.y)
    case.X = [list(row) for row in BINARY.X]
    assert start(case, cat()) is None


def test_growing_writes_nothing(tmp_path, capfd):
    with contextlib.chdir(tmp_path) if hasattr(contextlib, "chdir") else _chdir(tmp_path):
        estimator = catboost.CatBoostClassifier(learning_rate=0.2, verbose=False)
        growth = start(BINARY, estimator)
        growth.grow(3)
        assert "allow_writing_files" not in growth.fitted(2).get_params()
        assert os.listdir() == []
    assert "".join(capfd.readouterr()) == ""


@contextlib.contextmanager
def _chdir(path):
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def test_a_frame_keeps_its_names():
    case = Case(pd.DataFrame(X, columns=list("abcdefghij")), classes_of(X, 2))
    assert_grows_like_fit(case, cat())
    growth = start(case, cat())
    growth.grow(1)
    assert growth.fitted(1).feature_names_ == list("abcdefghij")

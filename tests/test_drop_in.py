"""Changing the import changes nothing: our classes beside scikit-learn's, on everything owed."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn.model_selection as theirs
from scipy import stats
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.neighbors import KernelDensity
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import estimator_html_repr, get_tags

import skhpt as ours

iris = load_iris(return_X_y=True)
diabetes = load_diabetes(return_X_y=True)
cancer = load_breast_cancer(return_X_y=True)

TIMES = {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"}


def mixed_table(n=160, seed=0):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "income": rng.lognormal(size=n),
            "city": rng.choice(["Rome", "Oslo", "Lima"], size=n),
        }
    )
    y = np.where(X["age"] + (X["city"] == "Rome") + rng.normal(size=n) > 0.4, "yes", "no")
    return X, y


def pipeline(booster):
    columns = ColumnTransformer(
        [("cat", OneHotEncoder(), ["city"]), ("num", StandardScaler(), ["age", "income"])]
    )
    return Pipeline([("columns", columns), ("booster", booster)])


def lightgbm_pipeline():
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, random_state=0, n_jobs=1)
    return pipeline(booster.set_params(min_child_samples=5))


def first_metric_is_best(results):
    return int(np.argmax(results["mean_test_acc"]))


GRIDS = {
    "svc": (SVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}, iris, {}),
    "svc probability, log loss": (
        LogisticRegression(max_iter=500),
        {"C": (0.1, 10.0)},  # a tuple of values, as in scikit-learn
        iris,
        {"scoring": "neg_log_loss", "cv": 3},
    ),
    "list of grids": (
        SVC(),
        [{"kernel": ["rbf"], "gamma": [0.1, 1]}, {"kernel": ["poly"], "degree": [2, 3]}],
        iris,
        {"cv": 3},
    ),
    "empty grid": (SVC(), {}, iris, {}),
    "regression, train scores": (
        Ridge(),
        {"alpha": np.logspace(-2, 2, 4), "fit_intercept": [True, False]},
        diabetes,
        {"return_train_score": True, "cv": theirs.KFold(4, shuffle=True, random_state=1)},
    ),
    "r2 and error, refit by name": (
        DecisionTreeRegressor(random_state=0),
        {"max_depth": [2, 4, None]},
        diabetes,
        {"scoring": ["r2", "neg_mean_absolute_error"], "refit": "neg_mean_absolute_error"},
    ),
    "callable refit": (
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3]},
        iris,
        {
            "scoring": {"acc": "accuracy", "bal": make_scorer(accuracy_score)},
            "refit": first_metric_is_best,
        },
    ),
    "no refit": (SVC(), {"C": [1, 2]}, iris, {"refit": False}),
    "shuffled, repeated": (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        {"logisticregression__C": stats.loguniform(1e-2, 1e2)},
        cancer,
        {"cv": theirs.RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)},
    ),
    "steps and estimators as values": (
        Pipeline([("scale", StandardScaler()), ("reduce", PCA(2)), ("clf", SVC())]),
        {"reduce": [PCA(1), PCA(2), "passthrough"], "scale": [None, StandardScaler()]},
        iris,
        {},
    ),
    "clusterer": (KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}, (iris[0], None), {}),
    "density": (KernelDensity(), {"bandwidth": [0.1, 1.0]}, (iris[0], None), {}),
    "mixed pipeline": (
        pipeline(HistGradientBoostingClassifier(max_iter=5, random_state=0)),
        {"booster__learning_rate": [0.1, 0.3], "booster__max_leaf_nodes": [7, 31]},
        mixed_table,
        {"scoring": "roc_auc", "cv": 3},
    ),
    "lightgbm pipeline": (
        lightgbm_pipeline,
        {"booster__num_leaves": [4, 8], "booster__learning_rate": [0.1, 0.3]},
        mixed_table,
        {"cv": 3},
    ),
}


def both(case, kind):
    """The same search of a case by scikit-learn and by us, fitted."""
    estimator, grid, data, kwargs = GRIDS[case]
    estimator = estimator() if not hasattr(estimator, "fit") else estimator
    X, y = data() if callable(data) else data
    searches = []
    for package in (theirs, ours):
        if kind == "grid":
            search = package.GridSearchCV(clone(estimator), grid, **kwargs)
        else:
            search = package.RandomizedSearchCV(
                clone(estimator), grid, n_iter=3, random_state=7, **kwargs
            )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The total space of parameters")
            searches.append(search.fit(X, y))
    return *searches, X, y


def listed():
    for case, (_, grid, _, _) in GRIDS.items():
        values = grid.values() if isinstance(grid, dict) else []
        if not any(hasattr(value, "rvs") for value in values):
            yield case, "grid"
        if grid:
            yield case, "random"


@pytest.mark.parametrize(("case", "kind"), list(listed()))
def test_equal_to_scikit_learn(case, kind):
    expected, actual, X, y = both(case, kind)
    assert_same_results(expected.cv_results_, actual.cv_results_)
    names = ("best_params_", "best_score_", "best_index_", "n_splits_", "multimetric_")
    for name in names:
        assert hasattr(actual, name) == hasattr(expected, name), name
        if hasattr(expected, name):
            assert repr(getattr(actual, name)) == repr(getattr(expected, name)), name
            assert type(getattr(actual, name)) is type(getattr(expected, name)), name
    assert type(actual.scorer_) is type(expected.scorer_)
    assert_same_use(expected, actual, X, y)


def assert_same_results(expected, actual):
    assert list(actual) == list(expected), "the same columns in the same order"
    for name, column in expected.items():
        if name == "params":
            assert isinstance(actual[name], list)
            assert [repr(p) for p in actual[name]] == [repr(p) for p in column]
            assert [type(p) for p in actual[name]] == [type(p) for p in column]
            continue
        assert type(actual[name]) is type(column), name
        assert actual[name].dtype == column.dtype, name
        if name in TIMES:
            assert actual[name].shape == column.shape
        elif name.startswith("param_"):
            np.testing.assert_array_equal(actual[name].mask, column.mask)
            assert [repr(v) for v in actual[name]] == [repr(v) for v in column]
        else:
            np.testing.assert_array_equal(actual[name], column, err_msg=name)


def assert_same_use(expected, actual, X, y):
    assert is_classifier(actual) == is_classifier(expected)
    assert is_regressor(actual) == is_regressor(expected)
    assert get_tags(actual).input_tags.pairwise == get_tags(expected).input_tags.pairwise
    assert estimator_html_repr(actual).count("<label") == estimator_html_repr(expected).count(
        "<label"
    )
    methods = ("predict", "predict_proba", "decision_function", "transform", "score_samples")
    for method in methods:
        assert hasattr(actual, method) == hasattr(expected, method), method
        if hasattr(expected, method):
            np.testing.assert_array_equal(getattr(actual, method)(X), getattr(expected, method)(X))
    for name in ("classes_", "n_features_in_", "feature_names_in_"):
        assert hasattr(actual, name) == hasattr(expected, name), name
        if hasattr(expected, name):
            np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name))
    if hasattr(expected, "best_estimator_") and not callable(expected.refit):
        assert actual.score(X, y) == expected.score(X, y)


@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV"])
def test_arguments_have_scikit_learns_names_order_and_defaults(name):
    from inspect import Parameter, signature

    expected = dict(signature(getattr(theirs, name)).parameters)
    actual = dict(signature(getattr(ours, name)).parameters)
    shared = [parameter for parameter in actual if parameter in expected]
    assert shared == list(expected)
    for parameter, theirs_ in expected.items():
        assert actual[parameter].kind == theirs_.kind
        if theirs_.default is not Parameter.empty:
            assert repr(actual[parameter].default) == repr(theirs_.default)
    extra = [p for n, p in actual.items() if n not in expected]
    assert all(p.kind is Parameter.KEYWORD_ONLY for p in extra)
    assert all(p.default in (None, False) for p in extra), "additions are off by default"


@pytest.mark.parametrize("name", ours.__all__)
def test_clone_and_pickle(name):
    cls = getattr(ours, name)
    if not hasattr(cls, "fit"):
        pytest.skip("not an estimator")
    known = cls(None).get_params()
    kwargs = {k: v for k, v in {"n_iter": 3, "random_state": 0}.items() if k in known}
    estimator, space = SVC(), {"C": [0.1, 1.0, 10.0]}
    if name == "PBTSearchCV":  # what it searches must be free to change while a model grows
        estimator = MLPClassifier((3,), max_iter=5, random_state=0)
        space = {"learning_rate_init": [0.001, 0.01, 0.1]}
        kwargs.update(population_size=3, max_rounds=4, interval=2)
    search = cls(estimator, space, cv=3, **kwargs)
    copy = clone(search)
    assert repr(copy.get_params()) == repr(search.get_params())
    search.fit(*iris)
    restored = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(restored.predict(iris[0]), search.predict(iris[0]))
    assert repr(restored.best_params_) == repr(search.best_params_)
    assert len(pickle.dumps(search)) < 60_000, "no training data on the fitted object"


def test_groups_weights_and_iterables():
    X, y = make_classification(60, random_state=0)
    groups = np.repeat(np.arange(12), 5)
    weight = np.linspace(0.1, 2, 60)
    splits = list(theirs.KFold(3).split(X))
    for kwargs, params in [
        ({"cv": theirs.GroupKFold(4)}, {"groups": groups}),
        ({"cv": theirs.LeaveOneGroupOut()}, {"groups": groups, "sample_weight": weight}),
        ({"cv": splits}, {}),
        ({"cv": theirs.TimeSeriesSplit(3)}, {"sample_weight": weight}),
        ({"cv": theirs.PredefinedSplit(np.arange(60) % 3)}, {}),
    ]:
        pair = [
            package.GridSearchCV(
                LogisticRegression(), {"C": [0.1, 1]}, scoring="accuracy", **kwargs
            ).fit(X, y, **params)
            for package in (theirs, ours)
        ]
        assert_same_results(pair[0].cv_results_, pair[1].cv_results_)


def test_precomputed_kernel_and_sparse():
    from scipy import sparse

    X, y = iris
    for estimator, data in [
        (SVC(kernel="precomputed"), X @ X.T),
        (LogisticRegression(max_iter=500), sparse.csr_matrix(X)),
    ]:
        pair = [
            package.GridSearchCV(estimator, {"C": [0.1, 1]}).fit(data, y)
            for package in (theirs, ours)
        ]
        assert_same_results(pair[0].cv_results_, pair[1].cv_results_)


def test_some_fits_fail_as_in_scikit_learn():
    from doubles import FailsWhen
    from sklearn.exceptions import FitFailedWarning

    pair = []
    for package in (theirs, ours):
        search = package.GridSearchCV(
            FailsWhen(), {"parameter": [0, 1, 2]}, error_score=-1.0, scoring="accuracy", cv=3
        )
        with pytest.warns(FitFailedWarning, match="3 fits failed out of a total of 9"):
            pair.append(search.fit(*iris))
    assert_same_results(pair[0].cv_results_, pair[1].cv_results_)


def test_a_smaller_grid_than_n_iter_warns_as_in_scikit_learn():
    for package in (theirs, ours):
        search = package.RandomizedSearchCV(SVC(), {"C": [1, 2]}, n_iter=5, random_state=0)
        with pytest.warns(UserWarning, match="total space of parameters 2 is smaller than n_iter"):
            search.fit(*iris)
        assert len(search.cv_results_["params"]) == 2


def test_in_a_pipeline_inside_cross_validate():
    X, y = iris
    scores = []
    for package in (theirs, ours):
        model = make_pipeline(StandardScaler(), package.GridSearchCV(SVC(), {"C": [0.1, 1, 10]}))
        scores.append(theirs.cross_val_score(model, X, y, cv=3))
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("verbose", [1, 2, 3, 10])
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1_macro"]])
def test_verbose_prints_the_same_lines(verbose, scoring, capsys):
    import re

    printed = []
    for package in (theirs, ours):
        package.GridSearchCV(
            SVC(),
            {"C": [1, 2]},
            cv=2,
            verbose=verbose,
            scoring=scoring,
            refit=False,
            return_train_score=True,
        ).fit(*iris)
        text = re.sub(r"\s*[\d.]+(s|min)$", " T", capsys.readouterr().out, flags=re.MULTILINE)
        printed.append(text)
    assert printed[1] == printed[0]


def same(estimator, grid, X, y, **kwargs):
    """Grid searches of both packages, compared."""
    pair = [
        package.GridSearchCV(clone(estimator), grid, **kwargs).fit(X, y)
        for package in (theirs, ours)
    ]
    assert_same_results(pair[0].cv_results_, pair[1].cv_results_)


def test_a_step_that_replaces_lightgbm_is_an_equal():
    lightgbm = pytest.importorskip("lightgbm")
    quiet = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1)
    pipe = Pipeline([("clf", lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1))])
    same(pipe, {"clf": [quiet, SVC(), DecisionTreeClassifier(random_state=0)]}, *iris, cv=3)


def test_a_configuration_may_ask_for_a_precomputed_kernel():
    X, y = iris
    same(SVC(), {"kernel": ["precomputed"]}, X @ X.T, y)
    same(SVC(kernel="precomputed"), {"kernel": ["rbf"]}, X, y)


def test_candidates_and_folds_may_share_a_random_state():
    tables = []
    for package in (theirs, ours):
        shared = np.random.RandomState(0)
        search = package.RandomizedSearchCV(
            SVC(),
            {"C": stats.loguniform(0.1, 10)},
            n_iter=3,
            cv=theirs.StratifiedKFold(3, shuffle=True, random_state=shared),
            random_state=shared,
        )
        tables.append(search.fit(*iris).cv_results_)
    assert_same_results(*tables)


def test_a_metric_that_raises_on_one_fold():
    def twice(estimator, X, y):
        if twice.calls == 1:
            twice.calls += 1
            raise RuntimeError("not this time")
        twice.calls += 1
        return {"a": 1.0, "b": 2.0}

    twice.calls = 0
    search = ours.GridSearchCV(SVC(), {"C": [1, 2]}, scoring=twice, refit="b", cv=2)
    with (
        pytest.warns(UserWarning, match="not this time"),
        pytest.warns(UserWarning, match="non-finite") as told,
    ):
        search.fit(*iris)
    assert __file__ in {warning.filename for warning in told if "finite" in str(warning.message)}
    assert search.best_params_ == {"C": 2}
    assert np.isnan(search.cv_results_["split1_test_a"][0])


def test_folds_given_as_ranges():
    splits = [(range(50, 150), range(50)), (range(100), range(100, 150))]
    search = ours.GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=splits)
    assert search.fit(*iris).n_splits_ == 2

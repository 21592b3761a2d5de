"""The simplest configuration within one standard error of the best."""

import math
import pickle

import numpy as np
import pytest
import sklearn.model_selection as theirs
from alike import every_kind, search_of
from chosen import Reads, read_both, table
from doubles import SpyClassifier
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, OneSE
from skhpt.estimators import DataFacts
from skhpt.selection import complexities

X, y = load_iris(return_X_y=True)


# -- one standard error -------------------------------------------------------------------


def test_within_one_standard_error_the_simplest_wins():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n, k = rng.integers(1, 12), rng.integers(2, 8)
        scores = rng.normal(rng.uniform(0, 2, (n, 1)), 1.0, (n, k))
        size = rng.integers(0, 5, n)
        chosen = OneSE(by="param_size")(table(scores, size=size))
        means = scores.mean(axis=1)
        best = np.argmax(means)
        limit = means[best] - scores[best].std(ddof=1) / math.sqrt(k)
        assert means[chosen] >= limit
        as_good = means >= limit
        assert size[chosen] == size[as_good].min()
        assert means[chosen] == means[as_good & (size == size[chosen])].max()


ROWS = [[1.0, 3.0], [1.9, 1.9], [1.6, 1.6], [1.6, 1.6], [0.0, 0.2]]  # best 2.0, error 1.0


@pytest.mark.parametrize(
    ("by", "chosen"),
    [
        ("param_a", 1),
        (("param_a", "ascending"), 1),
        (("param_a", "descending"), 0),
        (["param_b", ("param_a", "descending")], 2),
        (lambda params: -params["b"], 0),
        ("param_gone", 3),
        (lambda params: 7, 0),  # equally simple: the better score
    ],
)
def test_what_is_simple(by, chosen):
    gone = np.ma.MaskedArray([4.0, 0.0, 0.0, 3.0, 0.0], mask=[0, 1, 1, 0, 1])
    results = table(ROWS, a=[9, 1, 6, 5, 0], b=[5, 4, 2, 2, 0], gone=gone)
    assert OneSE(by=by)(results) == chosen


def test_the_first_of_those_that_are_alike():
    assert OneSE(by="param_a")(table([[1, 3], [2, 2], [2, 2]], a=[1, 1, 1])) == 0


def test_with_a_single_fold_or_no_score_the_best_wins():
    assert OneSE(by="param_a")(table([[1.0], [1.1]], a=[1, 2])) == 1
    results = table([[1.0, 2.0], [np.nan, 3.0]], a=[2, 1])
    assert OneSE(by="param_a")(results) == 0, "without all its scores it is no candidate"
    nothing = table([[np.nan, 1.0]], a=[1])
    assert OneSE(by="param_a")(nothing) == 0


@pytest.mark.parametrize(
    "by", [3, (), [], ("param_a", "upwards"), ["param_a", 3], (3, "ascending")]
)
def test_a_by_that_is_none_is_refused_at_once(by):
    with pytest.raises(TypeError, match="OneSE: by must be a column of cv_results_"):
        OneSE(by=by)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (OneSE(), r"OneSE\(\) does not know which configuration is simpler. Say refit=OneSE"),
        (OneSE(by="param_max_dept"), "no column of this search. Did you mean 'param_max_depth'"),
        (OneSE(by="param_criterion"), "OneSE orders by numbers, but param_criterion has"),
        (OneSE(by="param_max_depth", metric="f1"), r"OneSE\(metric='f1'\) must name one of"),
    ],
)
def test_what_the_rule_cannot_do_in_searches_of_scikit_learn(rule, message):
    grid = {"max_depth": [1, 2], "criterion": ["gini", "entropy"]}
    search = theirs.GridSearchCV(DecisionTreeClassifier(), grid, refit=rule)
    with pytest.raises(ValueError, match=message):
        search.fit(X, y)


def test_the_same_rule_in_both_grid_searches():
    grid = {"max_depth": [1, 2, 3, 4, 5]}
    rule = OneSE(by="param_max_depth")
    tree = DecisionTreeClassifier(random_state=0)
    reference = theirs.GridSearchCV(tree, grid, refit=rule).fit(X, y)
    search = GridSearchCV(tree, grid, refit=rule).fit(X, y)
    word = GridSearchCV(tree, grid, refit="one_se").fit(X, y)
    assert search.best_index_ == word.best_index_ == reference.best_index_ == 2
    assert search.best_score_ == search.cv_results_["mean_test_score"][2]
    assert word.best_score_ == search.best_score_ < search.cv_results_["mean_test_score"].max()
    np.testing.assert_array_equal(search.predict(X), reference.predict(X))
    assert search.best_estimator_.max_depth == 3


@every_kind
def test_the_word_in_every_search(kind, few_resamples):
    search = search_of(kind, refit="one_se").fit(X, y)
    assert search.score(X, y) == search.best_estimator_.score(X, y)
    again = search_of(kind, refit="one_se", n_jobs=2).fit(X, y)
    assert again.best_params_ == search.best_params_
    assert pickle.loads(pickle.dumps(search)).best_params_ == search.best_params_
    assert clone(search).get_params()["refit"] == "one_se"
    rule = OneSE(by="param_max_depth")
    assert clone(search.set_params(refit=rule)).refit == rule
    search.set_params(test_size=0.2).fit(X, y)
    assert search.optimism_ == search.best_score_ - search.test_score_


# -- one standard error: the order of an estimator ----------------------------------------

# From the simplest on.
ORDERS = [
    (LogisticRegression(), [{"C": 0.01}, {"C": 1}, {"C": 10}]),
    (Ridge(), [{"alpha": 10.0}, {"alpha": 1}, {"alpha": 0.0}]),
    (Lasso(), [{"alpha": 10.0}, {"alpha": 0.1}]),
    (ElasticNet(), [{"alpha": 10.0}, {"alpha": 0.1}]),
    (LinearSVC(), [{"C": 0.01}, {"C": 1}]),
    (SVC(), [{"C": 1, "kernel": "linear"}, {"C": 1, "gamma": 1e-3}, {"C": 1}, {"C": 2}]),
    (KNeighborsClassifier(), [{"n_neighbors": 30}, {"n_neighbors": 5}]),
    (
        MLPClassifier(),
        [
            {"hidden_layer_sizes": 8},
            {"hidden_layer_sizes": (8, 8)},
            {"hidden_layer_sizes": (20,), "alpha": 1.0},
            {"hidden_layer_sizes": (20,)},
        ],
    ),
    (
        DecisionTreeClassifier(),
        [
            {"max_depth": 2},
            {"max_leaf_nodes": 5},
            {"min_samples_leaf": 0.1},
            {"min_samples_leaf": 20},
            {"min_samples_split": 20},
            {"ccp_alpha": 0.1},
            {},
        ],
    ),
    (
        RandomForestClassifier(),
        [{"max_depth": 6}, {"n_estimators": 10}, {"min_samples_leaf": 5}, {"n_estimators": 50}, {}],
    ),
    (ExtraTreesRegressor(), [{"max_leaf_nodes": 9}, {"max_leaf_nodes": 90}]),
    (
        HistGradientBoostingClassifier(),
        [{"max_depth": 2}, {"max_iter": 50}, {}, {"max_leaf_nodes": 40}, {"max_leaf_nodes": None}],
    ),
    (GradientBoostingClassifier(), [{"max_depth": 2}, {"n_estimators": 80}, {}, {"max_depth": 5}]),
]


def as_ordered(estimator, candidates):
    measured = complexities(estimator, DataFacts(n_fit=1000), candidates)
    return [tuple(column) for column in measured.T]


@pytest.mark.parametrize(("estimator", "candidates"), ORDERS, ids=lambda v: type(v).__name__)
def test_the_order_of_an_estimator(estimator, candidates):
    measured = as_ordered(estimator, candidates)
    assert measured == sorted(set(measured))
    prefixed = [
        {f"{type(estimator).__name__.lower()}__{n}": v for n, v in c.items()} for c in candidates
    ]
    assert as_ordered(make_pipeline(StandardScaler(), estimator), prefixed) == measured


def test_the_order_of_lightgbm():
    lightgbm = pytest.importorskip("lightgbm")
    candidates = [
        {"num_iterations": 10},  # the library's own name wins
        {"max_depth": 3},
        {"num_leaves": 15},
        {"n_estimators": 50},
        {},
        {"num_leaves": 40},
    ]
    measured = as_ordered(lightgbm.LGBMClassifier(), candidates)
    assert measured == sorted(measured)
    assert measured[2] < measured[3] < measured[4] < measured[5]


def test_the_order_of_xgboost():
    xgboost = pytest.importorskip("xgboost")
    candidates = [{"max_depth": 3}, {"n_estimators": 50}, {}, {"n_estimators": 200}]
    candidates.insert(0, {"grow_policy": "lossguide", "max_leaves": 4})
    measured = as_ordered(xgboost.XGBClassifier(), candidates)
    assert measured == sorted(set(measured))


@pytest.mark.parametrize(
    ("estimator", "grid", "message"),
    [
        (GaussianNB(), {"var_smoothing": [1e-9, 1.0]}, "none is known for GaussianNB"),
        (SpyClassifier(), {"shift": [0.0, 1.0]}, "none is known for SpyClassifier"),
        (SVC(), {"degree": [2, 3]}, "that of SVC looks at 'C', 'gamma' alone"),
        (
            VotingClassifier([("a", SVC()), ("b", GaussianNB())]),
            {"a__C": [1, 2]},
            "SVC, GaussianNB .there are several estimators inside",
        ),
        (
            make_pipeline(StandardScaler(), SVC()),
            {"svc": [SVC(), GaussianNB()]},
            "the search replaces 'svc'",
        ),
    ],
)
@pytest.mark.parametrize("rule", ["one_se", OneSE()], ids=["word", "rule"])
def test_without_a_known_order_one_must_be_said(estimator, grid, message, rule):
    SpyClassifier.reset()
    with pytest.raises(ValueError, match=rf"{message}(.|\n)*OneSE\(by="):
        GridSearchCV(estimator, grid, refit=rule).fit(X, y)
    assert not SpyClassifier.fitted_rows, "before any fit"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (OneSE(by="param_level"), "OneSE.by=.... names 'param_level', which is no column"),
        (OneSE(by="mean_n_rounds"), "names 'mean_n_rounds', which is no column"),
        (OneSE(by="param_shift"), "OneSE orders by numbers, but param_shift has"),
        (OneSE(by="mean_fit_time", metric="recall"), "scoring=None is a single one"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_before_any_fit(rule, message):
    SpyClassifier.reset()
    with pytest.raises(ValueError, match=message):
        GridSearchCV(SpyClassifier(), {"shift": [0.0, "high"]}, refit=rule).fit(X, y)
    assert not SpyClassifier.fitted_rows


def test_of_equal_complexity_is_what_rounds_were_found():
    data = make_classification(200, 5, random_state=0)
    model = HistGradientBoostingClassifier(max_leaf_nodes=4, early_stopping=False)
    search = GridSearchCV(
        model, {"learning_rate": [0.02, 0.3]}, early_stopping=5, refit="one_se", cv=3
    ).fit(*data)
    results = search.cv_results_
    best = np.argmax(results["mean_test_score"])
    folds = [results[f"split{k}_test_score"][best] for k in range(3)]
    limit = results["mean_test_score"][best] - np.std(folds, ddof=1) / math.sqrt(3)
    rounds = np.where(results["mean_test_score"] >= limit, results["mean_n_rounds"], np.inf)
    assert search.best_index_ == np.argmin(rounds)
    assert search.best_n_rounds_ == search.best_estimator_.max_iter == rounds.min()


# -- one standard error: several metrics, races -------------------------------------------

BOTH = {"accuracy": "accuracy", "one_se": "f1_macro"}
DEPTHS = {"max_depth": [1, 2, 3, 4]}


def test_a_metric_of_that_name_comes_first():
    tree = DecisionTreeClassifier(random_state=0)
    search = GridSearchCV(tree, DEPTHS, scoring=BOTH, refit="one_se").fit(X, y)
    reference = theirs.GridSearchCV(tree, DEPTHS, scoring=BOTH, refit="one_se").fit(X, y)
    assert search.best_index_ == reference.best_index_ == 3
    assert search.best_score_ == reference.best_score_
    assert search.score(X, y) == reference.score(X, y)

    def scores(estimator, X, y):
        return {"other": 0.0, "one_se": estimator.score(X, y)}

    named = GridSearchCV(tree, DEPTHS, scoring=scores, refit="one_se").fit(X, y)
    assert named.best_index_ == 3
    plain = GridSearchCV(tree, DEPTHS, refit="one_se").fit(X, y)
    assert plain.best_index_ == 2, "else it is the rule"


@pytest.mark.parametrize("rule", ["one_se", OneSE(), OneSE(metric="recall")])
def test_with_several_metrics_the_rule_names_one(rule):
    search = GridSearchCV(SVC(), {"C": [1, 2]}, scoring=["accuracy", "f1_macro"], refit=rule)
    with pytest.raises(ValueError, match="must name its metric: refit=OneSE.metric=...."):
        search.fit(X, y)


def test_with_several_metrics_everything_is_there():
    grid = {"level": [0.1, 0.2, 0.2], "size": [5, 1]}
    rule = OneSE(by="param_size", metric="level")
    search = GridSearchCV(Reads(), grid, scoring=read_both, refit=rule, test_size=0.2).fit(X, y)
    assert search.best_params_ == {"level": 0.2, "size": 1}
    assert search.best_score_ == pytest.approx(0.2)
    assert search.score(X, y) == 0.2
    assert search.test_score_ == 0.2
    listed = GridSearchCV(
        SVC(), {"C": [0.1, 1]}, scoring=["accuracy", "f1_macro"], refit=OneSE(metric="f1_macro")
    ).fit(X, y)
    assert listed.score(X, y) == listed.scorer_["f1_macro"](listed, X, y)


def test_a_callable_that_returns_a_number():
    def level(estimator, X, y):
        return estimator.level

    grid = {"level": [0.1, 0.2], "size": [5, 1]}
    search = GridSearchCV(Reads(), grid, scoring=level, refit=OneSE(by="param_size")).fit(X, y)
    assert search.best_params_ == {"level": 0.2, "size": 1}
    assert search.best_score_ == search.score(X, y) == 0.2


@pytest.mark.parametrize(
    "options", [{"refit": "one_se"}, {"refit": OneSE()}, {"constraints": {"mean_fit_time": "<99"}}]
)
def test_a_race_would_drop_who_may_win(options):
    search = BayesSearchCV(SVC(), n_iter=8, cv=5, random_state=0, initial_params=None, **options)
    search.fit(X, y)
    assert search.n_fits_ == 40

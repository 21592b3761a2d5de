"""The best of those that are allowed, and what being chosen adds to a score."""

import math

import numpy as np
import pytest
from alike import every_kind, search_of
from chosen import Reads, read_both, table
from doubles import SpyClassifier
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, OneSE, RandomizedSearchCV
from skhpt.constraints import allowed, read_constraints
from skhpt.selection import corrected_score

X, y = load_iris(return_X_y=True)


# -- constraints --------------------------------------------------------------------------


def test_the_best_of_those_that_are_allowed():
    rng = np.random.default_rng(1)
    signs = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
    for sign, compare in signs.items():
        values = rng.integers(0, 6, 40).astype(float)
        results = {"mean_score_time": values}
        (constraint,) = read_constraints({"mean_score_time": f" {sign} 3e0 "})
        kept = allowed(results, [constraint], np.arange(40) < 30)
        np.testing.assert_array_equal(kept, compare(values, 3) & (np.arange(40) < 30))


GRID = {"level": [0.1, 0.2, 0.3, 0.4], "size": [1, 2, 3]}


@pytest.mark.parametrize("refit", [True, "level", OneSE(by="param_size", metric="level")])
def test_constraints_on_another_metric(refit):
    scoring = read_both
    if refit is True:
        refit = "level"
    search = GridSearchCV(
        Reads(),
        GRID,
        scoring=scoring,
        refit=refit,
        constraints={"mean_test_size": "<2.5", "mean_test_level": "<=0.3"},
    ).fit(X, y)
    best_sizes = {1} if isinstance(refit, OneSE) else {1, 2}
    assert search.best_params_["level"] == 0.3
    assert search.best_params_["size"] in best_sizes
    assert search.best_score_ == pytest.approx(0.3)


def test_constraints_on_a_parameter():
    search = GridSearchCV(
        Reads(), GRID, scoring=read_both, refit="level", constraints={"param_level": "<0.35"}
    )
    assert search.fit(X, y).best_params_["level"] == 0.3
    halves = [{"level": [0.1, 0.9]}, {"level": [0.4], "size": [3]}]
    search.set_params(param_grid=halves, constraints={"param_size": ">=2"}).fit(X, y)
    assert search.best_params_ == {"level": 0.4, "size": 3}, "who lacks it does not satisfy it"
    words = GridSearchCV(SVC(), {"gamma": ["scale", 0.1]}, constraints={"param_gamma": "<1"})
    with pytest.raises(ValueError, match="compares with numbers, but param_gamma has .'scale'"):
        words.fit(X, y)


def test_a_callable_refit_sees_those_that_are_allowed():
    seen = []

    def last(results):
        seen.extend(results["params"])
        return len(results["params"]) - 1

    search = GridSearchCV(
        Reads(), GRID, scoring=read_both, refit=last, constraints={"mean_test_size": ">=2"}
    ).fit(X, y)
    assert {params["size"] for params in seen} == {2, 3}
    assert search.best_index_ == 11


def test_where_none_is_allowed_the_nearest_wins_with_a_warning():
    search = GridSearchCV(
        Reads(), GRID, scoring=read_both, refit="level", constraints={"mean_test_size": "<=0.5"}
    )
    message = r"None of the 12 candidates .*nearest, candidate 9 with mean_test_size=1 \(wanted <="
    with pytest.warns(UserWarning, match=message) as caught:
        search.fit(X, y)
    assert caught[0].filename == __file__
    assert search.best_params_ == {"level": 0.4, "size": 1}, "of the nearest, the best"
    assert search.predict(X[:1]) == [0]


def test_how_near_is_a_share_of_the_bound():
    results = {"a": np.array([11.0, 10.0, np.nan]), "b": np.array([1.0, 1.5, 1.0])}
    constraints = read_constraints({"a": "<10", "b": "<1.2"})
    with pytest.warns(UserWarning, match="candidate 0 with a=11"):
        kept = allowed(results, constraints, np.ones(3, dtype=bool))
    assert kept.tolist() == [True, False, False]


def test_a_column_that_did_not_come_about_is_left_out():
    search = GridSearchCV(
        Reads(), GRID, scoring=read_both, refit="level", constraints={"mean_test_typo": "<1"}
    )
    with pytest.warns(UserWarning, match="constraints names .'mean_test_typo'.(.|\n)*left out"):
        search.fit(X, y)
    assert search.best_params_["level"] == 0.4


@pytest.mark.parametrize(
    ("constraints", "error", "message"),
    [
        ({"mean_score_time": "0.01"}, ValueError, r"constraints\['mean_score_time'\] must be one"),
        ({"mean_score_time": "<"}, ValueError, "must be one of <, <=, >, >= and a number"),
        ({"mean_score_time": "=<1"}, ValueError, "got '=<1'"),
        ({"mean_score_time": "<nan"}, ValueError, "got '<nan'"),
        ({"mean_score_time": 0.01}, TypeError, "to a comparison, such as"),
        (
            {"score_time": "<1"},
            ValueError,
            "no column of this search. Did you mean .*'mean_score_t",
        ),
        ({"param_shfit": "<1"}, ValueError, "names 'param_shfit'.* Did you mean 'param_shift'"),
        ({"mean_n_rounds": "<1"}, ValueError, "constraints names 'mean_n_rounds'"),
        ("mean_score_time<1", ValueError, "'constraints' parameter"),
    ],
)
def test_constraints_that_cannot_be_are_refused_before_any_fit(constraints, error, message):
    SpyClassifier.reset()
    search = GridSearchCV(SpyClassifier(), {"shift": [0.0, 1.0]}, constraints=constraints)
    with pytest.raises(error, match=message):
        search.fit(X, y)
    assert not SpyClassifier.fitted_rows


def test_a_baseline_outside_the_space_does_not_win_by_constraints():
    search = BayesSearchCV(
        Reads(level=9.0),
        {"level": (0.0, 1.0)},
        n_iter=4,
        initial_params=["default"],
        constraints={"mean_test_score": "<=99"},
        random_state=0,
    ).fit(X, y)
    assert search.best_params_["level"] <= 1.0
    assert search.best_index_ > 0


@pytest.mark.parametrize("refit", [True, False])
def test_constraints_with_and_without_a_refit(refit):
    search = RandomizedSearchCV(
        Reads(),
        {"level": [0.1, 0.2, 0.3]},
        n_iter=3,
        refit=refit,
        random_state=0,
        constraints={"mean_test_score": "<0.25"},
    ).fit(np.zeros((30, 1)), np.arange(30) % 2)
    assert search.best_params_ == {"level": 0.2}
    assert hasattr(search, "best_estimator_") == refit


# -- the corrected score ------------------------------------------------------------------


def test_the_corrected_score_by_hand():
    scores = [[0.8, 0.6, 0.7], [0.9, 0.5, 0.6], [0.1, 0.2, 0.9]]
    bias = (0.1 + 0.0 + 0.2) / 3
    everyone = np.ones(3, dtype=bool)
    assert corrected_score(table(scores), "score", 0, everyone) == pytest.approx(0.7 - bias)
    of_two = corrected_score(table(scores), "score", 0, np.array([True, True, False]))
    assert of_two == pytest.approx(0.7 - 0.1 / 3)
    assert corrected_score(table(scores), "score", 0, np.zeros(3, dtype=bool)) == pytest.approx(0.7)
    assert corrected_score(table([[0.5], [0.4]]), "score", 0, everyone[:2]) is None
    assert corrected_score(table([[0.5, np.nan]]), "score", 0, everyone[:1]) is None


def test_what_a_race_has_left_out_counts_where_it_ran():
    scores = [[0.8, 0.6], [0.9, np.nan]]
    both = np.ones(2, dtype=bool)
    assert corrected_score(table(scores), "score", 0, both) == pytest.approx(0.7 - 0.05)


@pytest.mark.parametrize(("n_folds", "share"), [(4, 1.0), (5, math.sqrt(5) - 1), (9, 2.0)])
def test_on_noise_the_bias_is_gone(n_folds, share):
    """The estimate is sqrt(K) - 1 times the bias: all of it at four folds, more with more."""
    rng = np.random.default_rng(0)
    biases, left = [], []
    for _ in range(1200):
        common = rng.normal(size=n_folds)  # some folds are harder, for everyone
        scores = common + rng.normal(size=(20, n_folds))
        results = table(scores)
        best = int(np.argmax(results["mean_test_score"]))
        biases.append(results["mean_test_score"][best] - common.mean())
        corrected = corrected_score(results, "score", best, np.ones(20, dtype=bool))
        left.append(corrected - common.mean())
    bias = np.mean(biases)
    assert bias > 0.5, "the best of twenty equals looks good"
    error = 4 * np.std(left) / math.sqrt(len(left))
    assert np.mean(left) == pytest.approx((1 - share) * bias, abs=error)


def test_on_labels_of_noise_the_corrected_score_is_nearer_to_chance():
    rng = np.random.default_rng(0)
    best, corrected = [], []
    for _ in range(8):
        X, y = rng.normal(size=(80, 8)), np.arange(80) % 2
        grid = {"max_features": [1], "random_state": list(range(10))}
        search = GridSearchCV(DecisionTreeClassifier(max_depth=2), grid, cv=4).fit(X, y)
        best.append(search.best_score_)
        corrected.append(search.best_score_corrected_)
    assert np.mean(best) > 0.58
    assert abs(np.mean(corrected) - 0.5) < 0.5 * abs(np.mean(best) - 0.5)


@every_kind
def test_the_corrected_score_of_a_search(kind):
    search = search_of(kind, scoring=["accuracy", "f1_macro"], refit="f1_macro").fit(X, y)
    columns = [search.cv_results_[f"split{k}_test_f1_macro"] for k in range(3)]
    bias = np.mean([column.max() - column[search.best_index_] for column in columns])
    assert search.best_score_corrected_ == pytest.approx(search.best_score_ - bias)
    assert search.best_score_corrected_ <= search.best_score_


def test_a_winner_by_the_rule_is_corrected_by_the_bias_of_the_best():
    tree = DecisionTreeClassifier(random_state=0)
    best = GridSearchCV(tree, {"max_depth": [1, 2, 3, 4, 5]}).fit(X, y)
    bias = best.best_score_ - best.best_score_corrected_
    ruled = GridSearchCV(tree, {"max_depth": [1, 2, 3, 4, 5]}, refit="one_se").fit(X, y)
    assert ruled.best_index_ != best.best_index_
    assert ruled.best_score_corrected_ == pytest.approx(ruled.best_score_ - bias)


def test_where_a_callable_has_chosen_there_is_nothing_to_correct():
    search = GridSearchCV(SVC(), {"C": [0.1, 1.0]}).fit(X, y)
    assert hasattr(search, "best_score_corrected_")
    search.set_params(refit=lambda results: 0).fit(X, y)
    assert not hasattr(search, "best_score_corrected_"), "not even that of an earlier fit"

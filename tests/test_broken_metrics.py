"""Metrics and fits that fail: an answer, never a crash."""

import re

import numpy as np
import pytest
from alike import (
    KINDS,
    MULTIMETRIC,
    Sometimes,
    SpySampler,
    every_kind,
    fails,
    quietly,
    search_of,
    two_kinds,
    two_numbers,
)
from sklearn.datasets import load_iris
from sklearn.svm import LinearSVC

X, y = load_iris(return_X_y=True)


# -- scorers that do not work ----------------------------------------------------------


def assert_consistent(search, metric="score"):
    """Means are those of the folds, ranks follow the means, NaN is last, the best is first."""
    table = search.cv_results_
    folds = np.array([table[f"split{fold}_test_{metric}"] for fold in range(search.n_splits_)])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(table[f"mean_test_{metric}"], folds.mean(axis=0))
    means, ranks = table[f"mean_test_{metric}"], table[f"rank_test_{metric}"]
    bad = np.isnan(means)
    assert bad.all() or not bad.any() or ranks[bad].min() > ranks[~bad].max()
    ranked = means[~bad][np.argsort(ranks[~bad], kind="stable")]
    assert (ranked[1:] <= ranked[:-1]).all()


BROKEN = {
    "raises": ValueError("not today"),
    "NaN": np.nan,
    "-inf": -np.inf,
}


@two_kinds
@pytest.mark.parametrize("odd", list(BROKEN.values()), ids=list(BROKEN))
@pytest.mark.parametrize("calls", [{0}, {1, 4, 5}])
@pytest.mark.parametrize("form", ["number", "dict", "in a dict"])
def test_a_scorer_that_fails_on_some_folds_costs_the_candidate(kind, odd, calls, form):
    scorer = Sometimes(calls, odd, names=("acc", "same") if form == "dict" else ())
    scoring = {"acc": scorer, "good": "accuracy"} if form == "in a dict" else scorer
    metric, refit = ("score", True) if form == "number" else ("acc", "acc")
    search = quietly(search_of(kind, scoring=scoring, refit=refit).fit, X, y)
    assert_consistent(search, metric)
    hit = {call // 3 for call in calls}
    means = search.cv_results_[f"mean_test_{metric}"]
    assert {int(i) for i in np.flatnonzero(~np.isfinite(means))} == hit
    assert search.best_index_ not in hit
    assert search.best_score_ == means[search.best_index_]
    if form == "in a dict":
        assert np.isfinite(search.cv_results_["mean_test_good"]).all()


@every_kind
@pytest.mark.parametrize("form", ["number", "dict", "in a dict"])
def test_a_scorer_that_raises_gives_error_score(kind, form):
    scorer = Sometimes({1}, ValueError("not today"), names=("acc",) if form == "dict" else ())
    scoring = {"acc": scorer} if form == "in a dict" else scorer
    metric, refit = ("score", True) if form == "number" else ("acc", "acc")
    search = search_of(kind, scoring=scoring, refit=refit, error_score=-3.0)
    with pytest.warns(UserWarning, match=r"(?s)Scoring failed.*set to -3\.0.*not today"):
        search.fit(X, y)
    assert search.cv_results_[f"split1_test_{metric}"][0] == -3.0
    assert_consistent(search, metric)
    assert search.best_index_ != 0


@every_kind
@pytest.mark.parametrize("form", ["number", "dict", "in a dict"])
def test_a_scorer_that_raises_ends_the_search_where_that_is_asked_for(kind, form):
    scorer = Sometimes({1}, ValueError("not today"), names=("acc",) if form == "dict" else ())
    scoring = {"acc": scorer} if form == "in a dict" else scorer
    refit = True if form == "number" else "acc"
    with pytest.raises(ValueError, match="not today"):
        search_of(kind, scoring=scoring, refit=refit, error_score="raise").fit(X, y)


@every_kind
@pytest.mark.parametrize(
    ("scoring", "refit", "message"),
    [
        (lambda e, X, y: "good", True, r"got good \(<class 'str'>\) instead. \(scorer=<function"),
        (lambda e, X, y: {"a": "good"}, "a", r"got good \(<class 'str'>\) instead. \(scorer=a\)"),
        (lambda e, X, y: {"score": None}, "score", r"got None .* \(scorer=score\)"),
        ({"a": lambda e, X, y: [1]}, "a", r"got \[1\] \(<class 'list'>\) instead. \(scorer=a\)"),
    ],
)
def test_a_score_is_a_number(kind, scoring, refit, message):
    with pytest.raises(ValueError, match="scoring must return a number, " + message):
        search_of(kind, scoring=scoring, refit=refit).fit(X, y)


def without_probabilities(kind, **kwargs):
    options = {"cv": 3, **kwargs}
    return KINDS[kind](LinearSVC(random_state=0), {"C": [0.01, 0.1, 1.0]}, **options)


@every_kind
def test_a_metric_of_probabilities_beside_one_of_labels(kind):
    scoring = ["neg_log_loss", "accuracy"]
    search = without_probabilities(kind, scoring=scoring, refit="accuracy")
    with (
        pytest.warns(UserWarning, match=r"(?s)Scoring failed.*predict_proba"),
        pytest.warns(UserWarning, match="One or more of the test scores are non-finite"),
    ):
        search.fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_neg_log_loss"]).all()
    assert (search.cv_results_["rank_test_neg_log_loss"] == 1).all(), "as in scikit-learn"
    assert_consistent(search, "accuracy")
    assert np.isfinite(search.best_score_)


@pytest.mark.parametrize("kind", ["grid", "random"])
@pytest.mark.parametrize("scoring", ["neg_log_loss", ["neg_log_loss"]])
def test_a_metric_that_never_works_is_scikit_learns_answer(kind, scoring):
    refit = "neg_log_loss" if isinstance(scoring, list) else True
    search = quietly(without_probabilities(kind, scoring=scoring, refit=refit).fit, X, y)
    assert search.best_index_ == 0
    assert np.isnan(search.best_score_)


@pytest.mark.filterwarnings("ignore::UserWarning")  # others come before it
@pytest.mark.parametrize("kind", ["bayes", "bayes over a range"])
@pytest.mark.parametrize("scoring", ["neg_log_loss", ["neg_log_loss", "accuracy"]])
def test_a_metric_that_never_works_is_explained(kind, scoring):
    refit = "neg_log_loss" if isinstance(scoring, list) else True
    search = without_probabilities(kind, scoring=scoring, refit=refit)
    with pytest.warns(UserWarning, match="No configuration has a score: scoring=.*predict_proba"):
        search.fit(X, y)
    assert np.isnan(search.best_score_)


@every_kind
@pytest.mark.parametrize("refit", ["none", "callable"])
def test_a_first_metric_that_never_works_leaves_the_others(kind, refit):
    choose = {"none": False, "callable": lambda results: results["rank_test_accuracy"].argmin()}
    scoring = ["neg_log_loss", "accuracy"]
    search = quietly(without_probabilities(kind, scoring=scoring, refit=choose[refit]).fit, X, y)
    assert_consistent(search, "accuracy")
    if refit == "callable":
        assert search.cv_results_["rank_test_accuracy"][search.best_index_] == 1


def test_metrics_that_differ_between_folds():
    """What a fold did not score is error_score; the refit metric stays what it was."""

    def scorer(estimator, X, y):
        scorer.calls += 1
        both = two_numbers(estimator, X, y)
        return {"acc": both["acc"]} if scorer.calls == 2 else both

    scorer.calls = 0
    SpySampler.told = []
    search = search_of("bayes over a range", scoring=scorer, refit="f1", sampler=SpySampler)
    search.set_params(search_spaces={"min_samples_leaf": (1, 60)}, n_iter=4)
    quietly(search.fit, X, y)
    assert np.flatnonzero(np.isnan(search.cv_results_["mean_test_f1"])).tolist() == [0]
    scores = [t.score for t in SpySampler.told if t.status.value != "running"]
    np.testing.assert_allclose(scores, search.cv_results_["mean_test_f1"])


# -- error_score and fits that fail ----------------------------------------------------


@two_kinds
@pytest.mark.parametrize("error_score", [np.nan, 0.0, -1])
@pytest.mark.parametrize("case", ["list", "callable", "callable of one"])
def test_failed_fits_get_error_score_in_every_metric(kind, error_score, case):
    scoring, refit = MULTIMETRIC[case]
    options = {"scoring": scoring, "refit": refit, "error_score": error_score}
    search = quietly(fails(kind, return_train_score=True, **options).fit, X, y)
    table = search.cv_results_
    bad = np.array([p["parameter"] in (1, 3) for p in table["params"]])
    for name, column in table.items():
        if re.match(r"(split\d|mean)_(test|train)_", name):
            np.testing.assert_array_equal(column[bad], np.full(bad.sum(), float(error_score)))
    assert_consistent(search, refit)
    assert search.best_params_["parameter"] in (0, 2)


@every_kind
@pytest.mark.parametrize("scoring", [None, ["accuracy"], two_numbers])
def test_failed_fits_raise_where_that_is_asked_for(kind, scoring):
    search = fails(kind, scoring=scoring, refit=False, error_score="raise")
    search.set_params(estimator__bad=(0, 1, 2, 3))
    with pytest.raises(RuntimeError, match="is a bad one"):
        search.fit(X, y)

"""One metric, several, none that works: every search answers, as scikit-learn's does."""

import re

import numpy as np
import pytest
import sklearn.model_selection as theirs
from alike import (
    MULTIMETRIC,
    TIMES,
    Sometimes,
    SpySampler,
    every_kind,
    fails,
    one_named_number,
    one_number,
    quietly,
    reference_of,
    search_of,
    two_kinds,
    two_numbers,
)
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.tree import DecisionTreeClassifier

import skhpt as ours

X, y = load_iris(return_X_y=True)


def assert_as_theirs(search):
    reference = quietly(reference_of(search).fit, X, y)
    owed = list(reference.cv_results_)
    assert list(search.cv_results_)[: len(owed)] == owed
    for name, column in reference.cv_results_.items():
        if name not in TIMES | {"params"}:
            np.testing.assert_array_equal(search.cv_results_[name], column, err_msg=name)
    names = ("best_index_", "best_params_", "best_score_", "multimetric_", "best_estimator_")
    for name in names:
        assert hasattr(search, name) == hasattr(reference, name), name
        if hasattr(reference, name) and name != "best_estimator_":
            assert getattr(search, name) == getattr(reference, name), name
    assert type(search.scorer_) is type(reference.scorer_)
    if hasattr(reference, "best_estimator_"):
        np.testing.assert_array_equal(search.predict(X), reference.predict(X))
        if not callable(search.refit):
            assert search.score(X, y) == reference.score(X, y)


# -- several metrics -------------------------------------------------------------------


def numpy_number(estimator, X, y):
    return np.array(one_number(estimator, X, y))


SINGLE = {"default": None, "name": "f1_macro", "callable": one_number, "numpy": numpy_number}


def last_candidate(results):
    return len(results["params"]) - 1


@every_kind
@pytest.mark.parametrize("train", [False, True], ids=["test", "train too"])
@pytest.mark.parametrize("case", list(MULTIMETRIC))
def test_several_metrics_refit_by_name(kind, case, train):
    scoring, refit = MULTIMETRIC[case]
    search = search_of(kind, scoring=scoring, refit=refit, return_train_score=train).fit(X, y)
    assert search.multimetric_
    assert_as_theirs(search)


@every_kind
@pytest.mark.parametrize("case", list(MULTIMETRIC))
@pytest.mark.parametrize("refit", [False, last_candidate], ids=["none", "callable"])
def test_several_metrics_without_a_refit_metric(kind, case, refit):
    search = search_of(kind, scoring=MULTIMETRIC[case][0], refit=refit).fit(X, y)
    if not refit:
        for name in ("best_index_", "best_params_", "best_score_", "best_estimator_"):
            assert not hasattr(search, name), name
    assert_as_theirs(search)


@every_kind
@pytest.mark.parametrize("scoring", list(SINGLE.values()), ids=list(SINGLE))
@pytest.mark.parametrize("refit", [True, False, last_candidate], ids=["best", "none", "callable"])
def test_a_single_metric(kind, scoring, refit):
    search = search_of(kind, scoring=scoring, refit=refit, return_train_score=True).fit(X, y)
    assert not search.multimetric_
    assert hasattr(search, "best_estimator_") == bool(refit)
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert_as_theirs(search)


@two_kinds
@pytest.mark.parametrize("case", list(MULTIMETRIC))
@pytest.mark.parametrize("refit", [True, "unknown"])
def test_several_metrics_need_a_refit_metric_that_exists(kind, case, refit):
    search = search_of(kind, scoring=MULTIMETRIC[case][0], refit=refit)
    with pytest.raises(ValueError, match="For multi-metric scoring, the parameter refit must be"):
        search.fit(X, y)


def share_right(y_true, y_pred):
    return float(np.mean(y_true == y_pred))


def worst_class(y_true, y_pred):
    return min(float(np.mean(y_pred[y_true == k] == k)) for k in (0, 1, 2) if k in y_true)


# quick ones, since a confidence interval computes them a thousand times
QUICK = {"score": make_scorer(share_right), "worst": make_scorer(worst_class)}


@two_kinds
@pytest.mark.parametrize("refit", list(QUICK))
def test_test_rows_get_every_metric(kind, refit):
    search = search_of(
        kind, scoring=QUICK, refit=refit, test_size=0.3, initial_params=["default"]
    ).fit(X, y)
    test = search.test_indices_
    predicted = search.predict(X[test])
    expected = {
        "score": share_right(y[test], predicted),
        "worst": worst_class(y[test], predicted),
    }
    assert search.test_scores_ == expected
    assert search.test_score_ == expected[refit] == search.score(X[test], y[test])
    assert search.baseline_score_ == search.cv_results_[f"mean_test_{refit}"][0]


@two_kinds
def test_test_rows_get_every_metric_where_a_callable_chose(kind):
    search = search_of(kind, scoring=QUICK, refit=last_candidate, test_size=0.3).fit(X, y)
    test = search.test_indices_
    assert search.test_scores_["score"] == share_right(y[test], search.predict(X[test]))
    assert set(search.test_scores_) == set(QUICK)


# -- a callable refit ------------------------------------------------------------------


@two_kinds
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1_macro"], two_numbers])
@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (4, IndexError, "best_index_ index out of range"),
        (-1, IndexError, "best_index_ index out of range"),
        (1.0, TypeError, "best_index_ returned is not an integer"),
        (None, TypeError, "best_index_ returned is not an integer"),
    ],
)
def test_a_callable_refit_returns_an_index_of_the_table(kind, scoring, index, error, message):
    search = search_of(kind, scoring=scoring, refit=lambda results: index)
    with pytest.raises(error, match=message):
        search.fit(X, y)


@every_kind
def test_a_callable_refit_may_return_numpys_integers(kind):
    search = search_of(kind, refit=lambda results: results["mean_test_score"].argmin()).fit(X, y)
    assert search.best_index_ == search.cv_results_["mean_test_score"].argmin()
    assert not hasattr(search, "best_score_")
    assert search.best_estimator_.max_depth == search.best_params_["max_depth"]


@every_kind
def test_a_callable_refit_sees_the_whole_table(kind):
    seen = {}

    def choose(results):
        seen.update(results)
        return 0

    search = search_of(kind, refit=choose, scoring=["accuracy", "f1_macro"]).fit(X, y)
    assert list(seen) == list(search.cv_results_)
    assert seen["params"] == search.cv_results_["params"]


@every_kind
def test_a_callable_refit_sees_that_candidates_failed(kind):
    def choose(results):
        means = results["mean_test_score"]
        bad = [p["parameter"] in (1, 3) for p in results["params"]]
        np.testing.assert_array_equal(np.isnan(means), bad)
        assert min(results["rank_test_score"][bad], default=9) > max(
            results["rank_test_score"][~np.array(bad)]
        )
        return int(np.nanargmax(means))

    search = quietly(fails(kind, refit=choose).fit, X, y)
    assert search.best_params_["parameter"] in (0, 2)


def test_a_baseline_outside_the_space_ranks_last_for_a_callable_refit():
    def best_rank(results):
        return int(results["rank_test_accuracy"].argmin())

    search = ours.BayesSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1], "min_samples_leaf": (1, 5)},
        n_iter=4,
        cv=3,
        scoring=["accuracy", "f1_macro"],
        refit=best_rank,
        random_state=0,
    ).fit(X, y)
    assert search.cv_results_["origin"][0] == "default"
    assert search.cv_results_["mean_test_accuracy"].argmax() == 0, "the default would win"
    assert search.best_params_["max_depth"] == 1


def greatest_mean(results):
    return int(np.argmax(results["mean_test_score"]))


def test_a_baseline_outside_the_space_is_not_for_a_callable_refit_to_choose():
    search = ours.BayesSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1], "min_samples_leaf": (1, 5)},
        n_iter=4,
        cv=3,
        refit=greatest_mean,
        random_state=0,
    ).fit(X, y)
    assert search.best_params_["max_depth"] == 1


class Interrupted(DecisionTreeClassifier):
    """Is interrupted, as by Ctrl-C, in its fifth fit."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None, check_input=True):
        Interrupted.n_fits += 1
        if Interrupted.n_fits == 5:
            raise KeyboardInterrupt
        return super().fit(X, y)


def test_an_incomplete_trial_is_not_for_a_callable_refit_to_choose():
    Interrupted.n_fits = 0
    tree = Interrupted(random_state=0)
    search = ours.GridSearchCV(tree, {"max_depth": [1, 3]}, cv=3, refit=greatest_mean)
    quietly(search.fit, X, y)
    assert search.cv_results_["n_splits_evaluated"].tolist() == [3, 1]
    assert search.best_index_ == 0


# -- what a Bayesian search models -----------------------------------------------------


MODELLED = [
    (["accuracy", "neg_log_loss"], "neg_log_loss", "neg_log_loss"),
    (["accuracy", "neg_log_loss"], "accuracy", "accuracy"),
    ({"first": "neg_log_loss", "second": "accuracy"}, last_candidate, "first"),
    ({"first": "neg_log_loss", "second": "accuracy"}, False, "first"),
    (two_numbers, "f1", "f1"),
    (two_numbers, last_candidate, "acc"),
    (two_numbers, False, "acc"),
    (one_named_number, "acc", "acc"),
    ("neg_log_loss", last_candidate, "score"),
    (one_number, True, "score"),
    (None, False, "score"),
]


@pytest.mark.parametrize(("scoring", "refit", "metric"), MODELLED)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_sampler_is_told_the_refit_metric_or_the_first(scoring, refit, metric, n_jobs):
    SpySampler.told = []
    search = search_of(
        "bayes over a range",
        scoring=scoring,
        refit=refit,
        sampler=SpySampler,
        n_jobs=n_jobs,
    )
    search.set_params(search_spaces={"min_samples_leaf": (1, 60)}, n_iter=5).fit(X, y)
    ended = [trial for trial in SpySampler.told if trial.status.value == "complete"]
    assert [t.params for t in ended] == search.cv_results_["params"]
    np.testing.assert_allclose(
        [t.score for t in ended], search.cv_results_[f"mean_test_{metric}"], rtol=1e-12
    )
    for fold in range(3):
        column = search.cv_results_[f"split{fold}_test_{metric}"]
        np.testing.assert_array_equal([t.fold_scores[fold] for t in ended], column)


# -- pre_dispatch ----------------------------------------------------------------------


@two_kinds
@pytest.mark.parametrize("pre_dispatch", [1, 3, "n_jobs", "2*n_jobs", "1 + n_jobs // 2", "all"])
def test_pre_dispatch_changes_no_result(kind, pre_dispatch):
    tables = [
        search_of(kind, n_jobs=n_jobs, pre_dispatch=pre_dispatch).fit(X, y).cv_results_
        for n_jobs in (1, 2)
    ]
    for name in ("mean_test_score", "rank_test_score", "param_max_depth"):
        np.testing.assert_array_equal(tables[0][name], tables[1][name])


@two_kinds
@pytest.mark.parametrize("pre_dispatch", ["many", "n_jobs / 0"])
def test_pre_dispatch_that_cannot_be_read(kind, pre_dispatch):
    search = search_of(kind, n_jobs=2, pre_dispatch=pre_dispatch)
    with pytest.raises(ValueError, match="pre_dispatch must be a number, 'all' or an expression"):
        search.fit(X, y)


@two_kinds
@pytest.mark.parametrize("pre_dispatch", [0, -1, "0*n_jobs"])
def test_pre_dispatch_that_allows_nothing(kind, pre_dispatch):
    search = search_of(kind, n_jobs=2, pre_dispatch=pre_dispatch)
    with pytest.raises(ValueError, match="pre_dispatch must allow at least 1 task"):
        search.fit(X, y)


@every_kind
def test_pre_dispatch_of_another_type(kind):
    search = search_of(kind, pre_dispatch=1.5)
    with pytest.raises(ValueError, match="The 'pre_dispatch' parameter of .* must be"):
        search.fit(X, y)


# -- what verbose prints ---------------------------------------------------------------


def lines(capsys):
    text = capsys.readouterr().out
    # times differ, and with them the dots that fill a line
    text = re.sub(r"\s*[\d.]+(s|min)$", " T", text, flags=re.MULTILINE)
    return re.sub(r"\.{2,}", "..", text)


PRINTED = {
    **{case: scoring for case, (scoring, _) in MULTIMETRIC.items()},
    **{f"single {case}": scoring for case, scoring in SINGLE.items()},
}


@pytest.mark.parametrize("verbose", [3, 10])
@pytest.mark.parametrize("train", [False, True], ids=["test", "train too"])
@pytest.mark.parametrize("case", list(PRINTED))
def test_verbose_prints_the_scores_as_scikit_learn_does(verbose, train, case, capsys):
    assert_same_lines("grid", verbose, train, case, capsys)


@pytest.mark.parametrize("kind", ["grid", "random", "bayes"])
@pytest.mark.parametrize("verbose", [0, 1, 2, 3, 9, 10])
def test_verbose_prints_as_much_as_scikit_learn_does(kind, verbose, capsys):
    assert_same_lines(kind, verbose, False, "list", capsys)


def assert_same_lines(kind, verbose, train, case, capsys):
    options = {"scoring": PRINTED[case], "refit": False, "return_train_score": train}
    search = quietly(fails(kind, verbose=verbose, **options).fit, X, y)
    printed = lines(capsys)
    quietly(reference_of(search).fit, X, y)
    assert printed == lines(capsys)


@pytest.mark.parametrize("train", [False, True], ids=["test", "train too"])
@pytest.mark.parametrize("form", ["number", "in a dict"])
def test_verbose_of_scorers_that_fail(form, train, capsys):
    printed = []
    for package in (theirs, ours):
        scorer = Sometimes({2, 3}, ValueError("not today"))
        scoring = {"b": scorer, "a": "accuracy"} if form == "in a dict" else scorer
        search = package.GridSearchCV(
            LogisticRegression(max_iter=500),
            {"C": [0.1, 1.0]},
            scoring=scoring,
            refit=False,
            cv=2,
            verbose=3,
            return_train_score=train,
        )
        quietly(search.fit, X, y)
        printed.append(lines(capsys))
    assert printed[1] == printed[0]
    assert "nan" in printed[1]

"""Searches of CatBoost: scores of its own fit, nothing written, nothing said, threads shared."""

import os

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import (
    BayesSearchCV,
    HalvingRandomSearchCV,
    HyperbandSearchCV,
    PBTSearchCV,
    RandomizedSearchCV,
    space_for,
)
from skhpt.estimators import DataFacts, divide_threads, quiet_parameters, space_for_facts
from skhpt.estimators.curated import first_trials, nearest
from skhpt.finish import rate_of
from skhpt.space import When, parse
from skhpt.trial import Origin

catboost = pytest.importorskip("catboost")

X, y = make_classification(240, 6, n_informative=4, flip_y=0.1, random_state=0)
X[::7, 2] = np.nan
CV = StratifiedKFold(2)
SPACE = {"learning_rate": (0.05, 0.4, "log-uniform"), "depth": [2, 3], "bootstrap_type": ["No"]}
SHARED = {"cv": CV, "scoring": "neg_log_loss", "random_state": 0, "refit": False}


def cat(kind="Classifier", **params):
    known = {"thread_count": 1, "random_seed": 1, **params}
    return getattr(catboost, f"CatBoost{kind}")(**known)


def unweighted(estimator, X, y, sample_weight=None):
    return -log_loss(y, estimator.predict_proba(X))


def piped(space):
    return {f"catboostclassifier__{name}": entry for name, entry in space.items()}


def plain_score(estimator, params, train, test, X=X, **fit_params):
    model = clone(estimator).set_params(**params)
    last = model[-1] if hasattr(model, "steps") else model
    last.set_params(verbose=False, allow_writing_files=False)
    model.fit(X[train] if isinstance(X, np.ndarray) else X.iloc[train], y[train], **fit_params)
    rows = X[test] if isinstance(X, np.ndarray) else X.iloc[test]
    return -log_loss(y[test], model.predict_proba(rows))


def assert_scores_are_those_of_fit(search, rows=None):
    results = search.cv_results_
    for row, params in enumerate(results["params"]):
        for k, (train, test) in enumerate(CV.split(X, y)):
            score = results[f"split{k}_test_score"][row]
            if not np.isnan(score):
                assert score == plain_score(search.estimator, params, train, test)


@pytest.mark.parametrize("cls", [HalvingRandomSearchCV, HyperbandSearchCV])
def test_rounds_as_a_resource_through_a_pipeline(cls):
    pipe = make_pipeline(StandardScaler(), cat())
    search = cls(pipe, piped(SPACE), resource="auto", max_resources=18, **SHARED).fit(X, y)
    assert search.resource_ == "catboostclassifier__iterations"
    assert max(search.cv_results_["n_resources"]) == 18
    assert_scores_are_those_of_fit(search)


def test_rounds_cross_200_as_fit_does():
    search = HalvingRandomSearchCV(
        cat(depth=1), {"learning_rate": [0.05, 0.1, 0.2]}, n_candidates=3, resource="auto",
        min_resources=80, max_resources=240, **SHARED,
    ).fit(X, y)  # fmt: skip
    assert sorted(set(search.cv_results_["n_resources"])) == [80, 240]
    assert_scores_are_those_of_fit(search)


def test_early_stopping_finds_one_number_of_rounds():
    search = RandomizedSearchCV(cat(), SPACE, n_iter=3, early_stopping="auto", **SHARED).fit(X, y)
    rounds = search.cv_results_["mean_n_rounds"]
    assert [p["iterations"] for p in search.cv_results_["params"]] == list(rounds)
    assert len(set(rounds)) > 1
    assert_scores_are_those_of_fit(search)


def test_a_rate_that_follows_the_rounds_is_fitted_plainly_and_told(capfd):
    estimator, space = cat(iterations=12), {"depth": [2, 3]}
    search = RandomizedSearchCV(
        estimator, space, n_iter=2, early_stopping="auto", verbose=1, **SHARED
    ).fit(X, y)
    assert "2 configurations could not be stopped early" in capfd.readouterr().out
    assert_scores_are_those_of_fit(search)
    search = HalvingRandomSearchCV(
        cat(), space, n_candidates=2, resource="auto", min_resources=4, max_resources=12, **SHARED
    ).fit(X, y)
    assert_scores_are_those_of_fit(search)


def test_what_cannot_be_grown_is_stopped_on_an_inner_split(capfd):
    estimator = cat(ignored_features=(0,), learning_rate=0.3)
    search = RandomizedSearchCV(
        estimator, {"depth": [2, 3]}, n_iter=2, early_stopping=5, verbose=1, **SHARED
    ).fit(X, y)
    assert "splits of their training rows" in capfd.readouterr().out
    assert all(0 < n < 400 for n in search.cv_results_["mean_n_rounds"])
    assert_scores_are_those_of_fit(search)


def test_categories_and_weights_go_to_the_fit():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["word"] = np.random.default_rng(0).choice(["x", "y", "z"], len(X))
    weight = np.random.default_rng(1).random(len(X)) + 0.1
    how = {**SHARED, "scoring": unweighted}  # where a scorer takes weights, it is given them
    search = RandomizedSearchCV(cat(), SPACE, n_iter=2, early_stopping="auto", **how)
    search.fit(frame, y, sample_weight=weight, cat_features=["word"])
    for row, params in enumerate(search.cv_results_["params"]):
        assert params["iterations"] == search.cv_results_["mean_n_rounds"][row]
        for k, (train, test) in enumerate(CV.split(X, y)):
            given = {"sample_weight": weight[train], "cat_features": ["word"]}
            expected = plain_score(search.estimator, params, train, test, frame, **given)
            assert search.cv_results_[f"split{k}_test_score"][row] == expected


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_search_says_and_writes_nothing(tmp_path, monkeypatch, capfd, n_jobs):
    monkeypatch.chdir(tmp_path)
    estimator = catboost.CatBoostClassifier(iterations=8)
    search = BayesSearchCV(
        estimator, "auto", n_iter=3, cv=2, early_stopping=5, random_state=0, n_jobs=n_jobs
    ).fit(X, y)
    assert list(search.cv_results_["origin"]).count("default") == 1
    assert search.best_estimator_.predict(X).shape == y.shape
    RandomizedSearchCV(cat(iterations=4), {"depth": [2, 3]}, n_iter=2, cv=2, refit=False).fit(X, y)
    assert os.listdir() == []
    assert "".join(capfd.readouterr()) == ""


def test_who_asks_for_lines_and_files_gets_them():
    assert quiet_parameters(cat()) == {"verbose": False, "allow_writing_files": False}
    assert quiet_parameters(cat(logging_level="Info", train_dir="here")) == {}
    assert quiet_parameters(cat(silent=True)) == {"allow_writing_files": False}


def test_threads_are_divided():
    for given in ({}, {"thread_count": 8}, {"thread_count": -1}):
        estimator = catboost.CatBoostClassifier(**given)
        divide_threads(pipe := make_pipeline(StandardScaler(), estimator), 2)
        assert pipe[-1].get_params()["thread_count"] == 2
    divide_threads(estimator := cat(thread_count=1), 2)
    assert estimator.get_params()["thread_count"] == 1


def test_an_estimator_that_was_given_nothing_is_found_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), catboost.CatBoostClassifier())
    assert "catboostclassifier__depth" in space_for(pipe)
    assert quiet_parameters(pipe) == {
        "catboostclassifier__verbose": False,
        "catboostclassifier__allow_writing_files": False,
    }
    frozen = pytest.importorskip("sklearn.frozen").FrozenEstimator(pipe[-1])
    assert quiet_parameters(frozen) == {}
    with pytest.raises(ValueError, match="FrozenEstimator"):
        space_for(make_pipeline(StandardScaler(), frozen))


def test_the_winner_can_learn_more_slowly():
    assert rate_of(make_pipeline(StandardScaler(), cat())) == "catboostclassifier__learning_rate"
    assert rate_of(cat(eta=0.1)) == "eta"


def test_population_based_training_says_that_it_cannot():
    with pytest.raises(ValueError, match=r"CatBoostClassifier as it is set cannot be"):
        PBTSearchCV(cat(), {"learning_rate": (0.01, 0.3)}).fit(X, y)


# -- the curated space -------------------------------------------------------------------------


def test_parameters_keep_the_names_that_they_were_given():
    space = space_for(cat(max_depth=4, eta=0.1, reg_lambda=1.0, num_trees=9, max_bin=64))
    assert {"max_depth", "eta", "reg_lambda", "num_trees"} <= set(space)
    assert not {"depth", "learning_rate", "l2_leaf_reg", "iterations", "border_count"} & set(space)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"subsample", "bootstrap_type"}),
        ({"bootstrap_type": "Bayesian"}, {"bagging_temperature"}),
        ({"bagging_temperature": 1.0}, {"bagging_temperature"}),
        ({"bootstrap_type": "MVS"}, {"subsample"}),
        ({"bootstrap_type": "No"}, set()),
    ],
)
def test_rows_are_sampled_as_the_user_has_chosen(params, expected):
    space = space_for(cat(**params), X[:, :5], y, size="default")
    space = space_for_facts(cat(**params), DataFacts(n_classes=2))
    assert set(space) & {"subsample", "bootstrap_type", "bagging_temperature"} == expected


def test_a_wide_space_has_what_exists_beside_other_choices_only():
    space = space_for_facts(cat(), DataFacts(n_classes=2), size="wide")
    assert isinstance(space["min_data_in_leaf"], When)
    assert isinstance(space["bagging_temperature"], When)
    assert "grow_policy" not in space_for_facts(
        cat(boosting_type="Ordered"), DataFacts(), size="wide"
    )
    assert "rsm" not in space_for_facts(cat(task_type="GPU"), DataFacts())
    words = space_for_facts(cat(), DataFacts(has_categories=True))
    assert words["one_hot_max_size"] == (2, 100, "log-uniform")
    assert "leaf_estimation_iterations" not in space_for_facts(
        cat("Regressor", loss_function="MAE"), DataFacts()
    )


@pytest.mark.parametrize("size", ["small", "default", "wide"])
@pytest.mark.parametrize(
    "params", [{}, {"learning_rate": 0.2}, {"l2_leaf_reg": 3.0}, {"max_depth": 3, "eta": 0.1}]
)
def test_the_default_is_the_estimator_as_given(size, params):
    estimator = cat(iterations=15, verbose=False, allow_writing_files=False, **params)
    facts = DataFacts(n_classes=2)
    [(space, _)] = parse(space_for_facts(estimator, facts, size=size))
    (origin, given), *others = first_trials(estimator, space, facts)
    assert origin is Origin.DEFAULT
    expected = clone(estimator).fit(X, y)
    spelled = clone(estimator).set_params(**given).fit(X, y)
    assert spelled.learning_rate_ == expected.learning_rate_
    np.testing.assert_array_equal(spelled.predict_proba(X), expected.predict_proba(X))
    assert space.contains(nearest(estimator, space, facts))
    assert len(others) >= 3
    for origin, published in others:
        assert origin is Origin.PORTFOLIO
        assert space.contains(published)


def test_a_misspelt_name_is_found_before_any_fit():
    with pytest.raises(ValueError, match=r"'dept'.*Did you mean 'depth'"):
        RandomizedSearchCV(cat(), {"dept": [2, 3]}, n_iter=2).fit(X, y)


@pytest.mark.parametrize("wrap", [lambda model: model, make_pipeline])
def test_a_list_that_it_copies_is_named_with_what_to_give(wrap):
    search = RandomizedSearchCV(wrap(cat(cat_features=[0])), {}, n_iter=1)
    with pytest.raises(ValueError, match=r"Cannot clone .* Try a tuple: cat_features=\(0,\)"):
        search.fit(X, y)
    clone(wrap(cat(cat_features=(0,))))  # as it is told

"""No test row reaches anything before the end; the numbers at the end are what they say."""

import numpy as np
import pytest
from doubles import SpyClassifier, SpyKFold
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import skhpt.estimators.facts
from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.samplers.random import RandomSampler

iris = load_iris(return_X_y=True)


def numbered(n=80):
    """Rows that can be told apart by their first column."""
    X, y = make_classification(n, 5, random_state=0)
    X[:, 0] = np.arange(n)
    return X, y


SEARCHES = {
    "grid": lambda est, **kw: GridSearchCV(est, {"shift": [0.0, 0.5]}, random_state=0, **kw),
    "random": lambda est, **kw: RandomizedSearchCV(
        est, {"shift": (0.0, 1.0, "uniform")}, n_iter=3, random_state=0, **kw
    ),
    "bayes": lambda est, **kw: BayesSearchCV(
        est, {"shift": (0.0, 1.0)}, n_iter=5, random_state=0, **kw
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_no_test_row_is_seen_during_tuning(name, monkeypatch):
    X, y = numbered()
    SpyClassifier.reset()
    SpyKFold.seen_rows = set()
    space_rows: set = set()
    before_the_end = {}

    facts_of = skhpt.estimators.facts.DataFacts.of.__func__

    def spied_facts(cls, X, y, **kwargs):
        space_rows.update(np.asarray(X)[:, 0].tolist())
        return facts_of(cls, X, y, **kwargs)

    monkeypatch.setattr(skhpt.estimators.facts.DataFacts, "of", classmethod(spied_facts))
    cls = type(SEARCHES[name](SpyClassifier()))
    score_test_rows = cls._score_test_rows

    def at_the_end(self, *args):
        before_the_end["seen"] = set(SpyClassifier.seen_rows)
        score_test_rows(self, *args)

    monkeypatch.setattr(cls, "_score_test_rows", at_the_end)
    search = SEARCHES[name](SpyClassifier(), test_size=0.25, cv=SpyKFold(3)).fit(X, y)

    test_rows = set(search.test_indices_.tolist())
    assert len(test_rows) == 20
    tuning_rows = set(range(80)) - test_rows
    assert before_the_end["seen"] == tuning_rows, "every fit and score, the refit included"
    assert SpyKFold.seen_rows == tuning_rows
    assert space_rows == (tuning_rows if name == "bayes" else set()), "looked at where needed"
    assert SpyClassifier.fitted_rows == tuning_rows
    assert SpyClassifier.seen_rows == set(range(80)), "scored, once everything is chosen"


def test_no_test_row_is_told_to_a_callback():
    callback = pytest.importorskip("sklearn.callback")
    X, y = numbered()
    seen: set = set()

    class Spy:
        def setup(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context, *, X=None):
            if X is not None:
                seen.update(np.asarray(X)[:, 0].tolist())

        def on_fit_task_end(self, estimator, context, *, X=None):
            self.on_fit_task_begin(estimator, context, X=X)

        def teardown(self, estimator, context): ...

    assert isinstance(Spy(), callback.FitCallback)
    search = SEARCHES["bayes"](SpyClassifier(), test_size=0.25, cv=3)
    search.set_callbacks(Spy()).fit(X, y)
    assert seen == set(range(80)) - set(search.test_indices_.tolist())


def test_the_numbers_at_the_end():
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), SVC())
    search = BayesSearchCV(
        model, n_iter=6, cv=3, test_size=0.3, random_state=0, scoring="roc_auc"
    ).fit(X, y)
    train = np.setdiff1d(np.arange(len(y)), search.test_indices_)
    test = search.test_indices_
    refitted = search.best_estimator_.__class__(search.best_estimator_.steps).fit(
        X[train], y[train]
    )
    assert search.test_score_ == pytest.approx(search.score(X[test], y[test]))
    np.testing.assert_array_equal(
        refitted.decision_function(X[test]), search.best_estimator_.decision_function(X[test])
    )
    low, high = search.test_score_interval_
    assert low <= search.test_score_ <= high
    assert search.optimism_ == search.best_score_ - search.test_score_
    default = model.fit(X[train], y[train])
    assert search.baseline_test_score_ == pytest.approx(search.scorer_(default, X[test], y[test]))
    low, high = search.baseline_test_score_interval_
    assert low <= search.baseline_test_score_ <= high


def test_the_split_is_stratified_and_seeded():
    X, y = iris
    a, b, c = (
        GridSearchCV(SVC(), {"C": [1]}, test_size=30, random_state=seed).fit(X, y).test_indices_
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(a, b)
    assert set(a) != set(c)
    assert np.bincount(y[a]).tolist() == [10, 10, 10]


def test_time_order_and_groups_are_kept():
    X, y = load_diabetes(return_X_y=True)
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=TimeSeriesSplit(3), test_size=0.1)
    assert search.fit(X, y).test_indices_.tolist() == list(range(442 - 45, 442))
    groups = np.arange(442) // 20
    search = GridSearchCV(
        Ridge(), {"alpha": [1.0]}, cv=GroupKFold(3), test_size=0.2, random_state=0
    ).fit(X, y, groups=groups)
    rest = np.setdiff1d(np.arange(442), search.test_indices_)
    assert not set(groups[rest]) & set(groups[search.test_indices_])


def test_precomputed_kernels_are_cut_both_ways():
    X, y = iris
    kernel = SVC(kernel="precomputed")
    search = GridSearchCV(kernel, {"C": [1.0]}, test_size=0.2, random_state=0).fit(X @ X.T, y)
    plain = GridSearchCV(SVC(kernel="linear"), {"C": [1.0]}, test_size=0.2, random_state=0).fit(
        X, y
    )
    assert search.test_score_ == plain.test_score_


def test_weights_follow_the_test_rows():
    X, y = iris
    weight = np.linspace(0.1, 3, 150)
    search = GridSearchCV(
        DecisionTreeClassifier(max_depth=1, random_state=0),
        {"max_depth": [1]},
        scoring="accuracy",
        test_size=0.3,
        random_state=0,
    ).fit(X, y, sample_weight=weight)
    assert 0 < search.test_score_ < 1


def test_several_metrics_on_the_test_rows():
    search = GridSearchCV(
        LogisticRegression(max_iter=500),
        {"C": [1.0]},
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        test_size=0.3,
        random_state=0,
    ).fit(*iris)
    assert set(search.test_scores_) == {"accuracy", "neg_log_loss"}
    assert search.test_score_ == search.test_scores_["neg_log_loss"]


def test_a_second_fit_forgets_the_first():
    search = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, n_iter=3, test_size=0.2, random_state=0)
    search.fit(*iris)
    search.set_params(test_size=None, initial_params=None).fit(*iris)
    for name in ("test_score_", "test_indices_", "optimism_", "baseline_score_", "test_scores_"):
        assert not hasattr(search, name), name


def test_sorted_rows_and_one_neighbour():
    """A leak would show as a perfect score: labels are noise, neighbours know their own rows."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    search = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 3]}, test_size=0.5, random_state=0
    ).fit(X, y)
    assert search.test_score_ < 0.65


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"test_size": 0.2, "refit": False}, "test_size needs a model to score"),
        ({"test_size": 149}, "test_size=149"),
        ({"test_size": 0.999}, "test_size"),
        ({"test_size": 0.2, "cv": list(KFold(3).split(iris[0]))}, "cv=(.|\n)* lists the rows"),
        (
            {"test_size": 0.2, "cv": PredefinedSplit(np.arange(150) % 3)},
            "cv=(.|\n)* lists the rows",
        ),
        ({"test_size": 1.5}, "test_size"),
        ({"test_size": 0}, "test_size"),
    ],
)
def test_what_cannot_be_set_aside_is_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        GridSearchCV(SVC(), {"C": [1]}, **kwargs).fit(*iris)


def test_samplers_see_no_data():
    import inspect

    assert list(inspect.signature(RandomSampler).parameters) == ["space", "random_state"]


@pytest.mark.parametrize(
    "cv",
    [RepeatedStratifiedKFold(n_splits=3, n_repeats=2), ShuffleSplit(200, test_size=5), np.int64(3)],
)
def test_any_splitter_goes_with_test_rows(cv):
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=cv, test_size=0.25)
    assert search.fit(*iris).test_score_ > 0.5


def test_test_rows_with_a_scorer_that_names_its_metrics_and_with_a_callable_refit():
    def scores(estimator, X, y):
        return {"a": estimator.score(X, y), "b": 0.5}

    tree = DecisionTreeClassifier(random_state=0)
    named = GridSearchCV(tree, {"max_depth": [1, 2]}, scoring=scores, refit="a", test_size=0.25)
    assert named.fit(*iris).test_score_ == named.test_scores_["a"]
    chosen = GridSearchCV(tree, {"max_depth": [1, 2]}, refit=lambda r: 1, test_size=0.25)
    assert chosen.fit(*iris).test_score_ > 0.5
    assert not hasattr(chosen, "optimism_")

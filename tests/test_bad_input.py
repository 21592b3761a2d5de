"""A mistake is met at the door, with the parameter, the rule, the value and the fix."""

import re

import numpy as np
import pytest
from doubles import FailsWhen
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.samplers.random import RandomSampler

iris = load_iris(return_X_y=True)
CLASSES = [GridSearchCV, RandomizedSearchCV, BayesSearchCV]


class NeverFits(ClassifierMixin, BaseEstimator):
    """A check that comes too late meets this."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        raise AssertionError("a fit was made before the input was checked")


def search(cls, estimator=None, space=None, **kwargs):
    estimator = NeverFits() if estimator is None else estimator
    return cls(
        estimator, {"C": [0.1, 1.0]} if space is None else space, scoring="accuracy", **kwargs
    )


@pytest.mark.parametrize("cls", CLASSES)
class TestData:
    def test_y_is_missing(self, cls):
        with pytest.raises(ValueError, match="NeverFits estimator requires y to be passed"):
            search(cls).fit(iris[0])

    def test_lengths_differ(self, cls):
        with pytest.raises(
            ValueError, match=re.escape("inconsistent numbers of samples: [150, 149]")
        ):
            search(cls).fit(iris[0], iris[1][:-1])

    def test_one_class_only(self, cls):
        with pytest.raises(
            ValueError, match=r"y has one class only \(.*0.*needs samples of at least"
        ):
            search(cls).fit(iris[0], np.zeros(150, int))

    def test_nan_where_it_is_refused(self, cls):
        X = iris[0].copy()
        X[3, 2] = np.nan
        with pytest.raises(ValueError, match="Input X contains NaN and SVC does not accept"):
            search(cls, SVC()).fit(X, iris[1])

    def test_nan_where_it_is_accepted(self, cls):
        X = iris[0].copy()
        X[3, 2] = np.nan
        pipe = make_pipeline(SimpleImputer(), SVC())
        search(cls, pipe, {"svc__C": [1.0, 2.0]}, cv=2, **few(cls)).fit(X, iris[1])
        booster = HistGradientBoostingClassifier(max_iter=2)
        search(cls, booster, {"max_depth": [1, 2]}, cv=2, **few(cls)).fit(X, iris[1])

    def test_more_folds_than_members_of_every_class(self, cls):
        with pytest.raises(ValueError, match="5"):
            search(cls, **few(cls)).fit(iris[0][:8], np.arange(8) // 2)

    def test_an_unknown_scorer(self, cls):
        with pytest.raises(ValueError, match="scoring.*'acuracy'"):
            cls(NeverFits(), {"C": [1.0]}, scoring="acuracy").fit(*iris)

    def test_more_folds_than_rows(self, cls):
        with pytest.raises(ValueError, match=r"n_splits=5|cv has 5 folds"):
            search(cls, **few(cls)).fit(iris[0][::50], iris[1][::50])


def few(cls):
    """As many configurations as the spaces here have, so that no search warns of a smaller one."""
    return {} if cls is GridSearchCV else {"n_iter": 2}


def test_fewer_members_of_one_class_than_folds():
    y = iris[1].copy()
    y[100:] = 1
    y[-3:] = 2
    message = r"cv has 5 folds, but class .*2.* has only 3 member\(s\).*Use cv=3"
    for cv in (None, 5, StratifiedKFold(5)):
        with pytest.raises(ValueError, match=message):
            search(BayesSearchCV, cv=cv).fit(iris[0], y)
    with pytest.warns(UserWarning, match="least populated class in y has only 3 members"):
        # as scikit-learn does, whose classes these two stand in for
        search(GridSearchCV, SVC(), cv=5).fit(iris[0], y)


@pytest.mark.parametrize("cls", [RandomizedSearchCV, BayesSearchCV])
@pytest.mark.parametrize("n_iter", [0, -3, 1.5])
def test_n_iter(cls, n_iter):
    with pytest.raises(ValueError, match=rf"'n_iter' parameter of {cls.__name__}.*Got {n_iter}"):
        search(cls, n_iter=n_iter).fit(*iris)


BAD_SPACES = [
    ({"C": []}, "C"),
    ({"C": (2.0, 1.0, "uniform")}, "'C'.*low"),
    ({"C": (0.0, 1.0, "log-uniform")}, "'C'.*log"),
    ({"C": (0.1, 1.0, "log-unifrom")}, "'C'.*log-uniform"),
    ({"C": "rbf"}, "'C'"),
    ({"C": 1.0}, "'C'"),
    ("rbf", "search_spaces|param_grid|param_distributions|space"),
    ([], "empty|parameter"),
    ({"gama": [1, 2]}, "Invalid parameter 'gama'.*Did you mean 'gamma'"),
    ({"svc__C": [1, 2]}, "Invalid parameter 'svc__C'"),
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(("space", "message"), BAD_SPACES, ids=lambda v: str(v)[:40])
def test_bad_spaces(cls, space, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cls(SVC(), space, scoring="accuracy", **few(cls)).fit(*iris)


def test_a_step_that_does_not_exist_suggests_the_full_name():
    pipe = make_pipeline(SVC())
    with pytest.raises(ValueError, match=r"Invalid parameter 'C'.*Did you mean 'svc__C'"):
        GridSearchCV(pipe, {"C": [1]}).fit(*iris)


def test_an_estimator_without_a_space_is_named_and_shown_the_way():
    with pytest.raises(ValueError, match=r"DummyClassifier has no curated(\n|.)*space = {"):
        BayesSearchCV(DummyClassifier()).fit(*iris)


def test_a_misspelt_keyword_of_a_booster_is_not_swallowed():
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    pipe = make_pipeline(lightgbm.LGBMClassifier())
    with pytest.raises(ValueError, match="'lgbmclassifier__num_leafs'.*num_leaves'"):
        GridSearchCV(pipe, {"lgbmclassifier__num_leafs": [4, 8]}).fit(*iris)
    with pytest.raises(ValueError, match=r"'max_deph'(.|\n)*Did you mean 'max_depth'"):
        GridSearchCV(xgboost.XGBClassifier(), {"max_deph": [4, 8]}).fit(*iris)
    # other names of the same parameters are none of our business
    GridSearchCV(pipe.set_params(lgbmclassifier__n_estimators=2), {"lgbmclassifier__num_leaf": [4]})


def test_every_score_is_nan():
    search = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, n_iter=2, cv=3, scoring="neg_log_loss")
    with (
        pytest.warns(UserWarning, match="Scoring failed"),
        pytest.raises(ValueError, match="No configuration has a score: scoring='neg_log_loss'"),
    ):
        search.fit(*iris)


def test_every_configuration_of_the_space_fails_but_the_default_does_not():
    search = BayesSearchCV(SVC(), {"C": (-10.0, -1.0)}, n_iter=3, cv=3)
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match=r"No configuration of the search space(.|\n)*'C'"),
    ):
        search.fit(*iris)


def test_an_argument_of_scikit_optimizes_fit_is_explained():
    with pytest.raises(TypeError, match="fit\\(\\) has no argument 'callback'"):
        BayesSearchCV(SVC(), {"C": (0.1, 10.0)}).fit(*iris, callback=print)


def test_more_first_configurations_than_the_search_may_try():
    search = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, n_iter=2, initial_params=[{"C": 1}] * 3)
    with pytest.raises(ValueError, match="initial_params has 3 configurations.*2 of n_iter"):
        search.fit(*iris)


def test_a_sampler_that_leaves_its_space_is_named():
    class Astray(RandomSampler):
        def ask(self):
            return {"c": 1.0}

    search = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, sampler=Astray, initial_params=None)
    with pytest.raises(
        ValueError, match=r"Astray.ask\(\) must return a configuration of its space"
    ):
        search.fit(*iris)


LEGAL = {
    "a function that removes NaN": (
        make_pipeline(FunctionTransformer(np.nan_to_num), SVC()),
        {"svc__C": [1.0]},
    ),
    "a step that is replaced": (
        Pipeline([("clf", SVC())]),
        {"clf": [HistGradientBoostingClassifier(max_iter=2)]},
    ),
    "a baseline that looks at nothing": (DummyClassifier(), {"strategy": ["prior"]}),
}


@pytest.mark.parametrize("name", LEGAL)
def test_nan_that_scikit_learn_accepts_is_not_refused(name):
    estimator, grid = LEGAL[name]
    X = iris[0].copy()
    X[3, 2] = np.nan
    assert GridSearchCV(estimator, grid, cv=2).fit(X, iris[1]).best_score_ > 0.3


@pytest.mark.parametrize("cls", CLASSES)
def test_every_fit_fails(cls):
    estimator = FailsWhen(bad=(1, 2))
    failing = search(cls, estimator, {"parameter": [1, 2]}, cv=3, **few(cls))
    if cls is BayesSearchCV:
        failing.set_params(initial_params=None)
    with pytest.raises(ValueError, match=r"All the 6 fits failed(.|\n)*RuntimeError: parameter="):
        failing.fit(*iris)


def test_every_score_fails():
    def undefined(estimator, X, y):
        raise RuntimeError("no score today")

    found = GridSearchCV(LogisticRegression(max_iter=500), {"C": [1.0]}, scoring=undefined, cv=2)
    with (
        pytest.warns(UserWarning, match="Scoring failed(.|\n)*no score today"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        found.fit(*iris)
    assert np.isnan(found.best_score_)


def test_initial_params_of_the_wrong_form():
    with pytest.raises(ValueError, match="initial_params is a list of configurations.*got 3"):
        BayesSearchCV(SVC(), {"C": [1.0, 2.0]}, initial_params=[3]).fit(*iris)
    with pytest.raises(ValueError, match="Invalid parameter 'c'"):
        BayesSearchCV(SVC(), {"C": [1.0, 2.0]}, initial_params=[{"c": 3}]).fit(*iris)
    with pytest.raises(ValueError, match="initial_params"):
        BayesSearchCV(SVC(), {"C": [1.0, 2.0]}, initial_params="defaults").fit(*iris)

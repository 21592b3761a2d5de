"""A mistake is met at the door, with the parameter, the rule, the value and the fix."""

import re

import numpy as np
import pytest
import sklearn.model_selection
from doubles import FailsWhen
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    KFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.checks import check_class_sizes, check_data, check_folds, check_splitter
from skhpt.samplers.random import RandomSampler
from skhpt.space import Integer, Real, SpaceError, When, parse

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


@pytest.mark.filterwarnings("ignore::UserWarning")  # others come before it
def test_every_score_is_nan():
    search = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, n_iter=2, cv=3, scoring="neg_log_loss")
    with pytest.warns(UserWarning, match="No configuration has a score: scoring='neg_log_loss'"):
        search.fit(*iris)


def test_every_configuration_of_the_space_fails_but_the_default_does_not():
    search = BayesSearchCV(SVC(), {"C": (-10.0, -1.0)}, n_iter=3, cv=3)
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match=r"No configuration of the search space(.|\n)*'C'"),
    ):
        search.fit(*iris)


def test_a_callback_that_cannot_be_called():
    with pytest.raises(TypeError, match="callback must be a callable or a list of callables.*7"):
        BayesSearchCV(SVC(), {"C": (0.1, 10.0)}).fit(*iris, callback=[print, 7])


def test_a_first_configuration_whose_names_are_no_strings():
    search = BayesSearchCV(SVC(), {"C": (0.1, 10.0)}, n_iter=2, initial_params=[{3: 3}])
    with pytest.raises(TypeError, match="names of parameters must be strings, got 3 in initial"):
        search.fit(*iris)


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


def itself():
    values = [1.0]
    values.append(values)
    return values


@pytest.mark.parametrize("cls", [RandomizedSearchCV, BayesSearchCV])
def test_values_that_contain_themselves(cls):
    with pytest.raises(ValueError, match="parameter 'C': its values contain themselves"):
        search(cls, space={"C": itself()}, n_iter=1).fit(*iris)


@pytest.mark.parametrize("cls", CLASSES)
def test_labels_that_cannot_be_sorted(cls):
    y = iris[1].astype(object)
    y[0] = None
    with pytest.raises(TypeError, match=r"y has labels of several types \(NoneType, int\)"):
        search(cls).fit(iris[0], y)


@pytest.mark.parametrize(
    ("low", "high", "q"), [(-np.inf, 1, 1), (0, np.inf, 0.5), (0, 1, np.inf), (0, 1, 1e-320)]
)
def test_a_sweep_in_steps_without_end(low, high, q):
    entry = {"distribution": "q_uniform", "min": low, "max": high, "q": q}
    with pytest.raises(SpaceError, match="'C': min, max and q must be finite.*got min="):
        parse({"C": entry})


def test_a_bound_that_no_float_can_hold():
    for space in ({"C": (1, 10**400)}, {"C": (1, 10**400, "log-uniform")}):
        with pytest.raises(SpaceError, match="'C': high of the range .{0,200} must be a number"):
            parse(space)
    for kind in (Integer, Real):
        with pytest.raises(SpaceError, match="high must be finite, got 1000.{0,200}give a bound"):
            kind(1, 10**400)
    [(space, _)] = parse({"C": [1, 2, 3, 10**400]})
    assert {space.sample(np.random.default_rng(i))["C"] for i in range(50)} == {1, 2, 3, 10**400}


def test_no_columns():
    with pytest.raises(ValueError):
        BayesSearchCV(SVC()).fit(np.ones((20, 0)), np.arange(20) % 2)


def test_a_long_value_is_cut_short_in_a_message():
    for space in ({"C": set(range(10**4))}, [{"C": [1]}, list(range(10**4))], set(range(10**4))):
        with pytest.raises(SpaceError, match=r"^[^\n]{60,400}$"):
            parse(space)


NO_ESTIMATORS = {
    "a class": (SVC, "estimator must be an object, got the class SVC: write SVC"),
    "no parameters": (
        type("Bare", (), {"fit": None, "__repr__": lambda self: "Bare()"})(),
        "estimator must have get_params and set_params, got Bare",
    ),
    "no steps": (Pipeline("abc"), r"estimator=Pipeline\(steps=.abc.\) cannot be used.*IndexError"),
}


@pytest.mark.parametrize("name", NO_ESTIMATORS)
def test_what_is_no_estimator(name):
    estimator, message = NO_ESTIMATORS[name]
    with pytest.raises(TypeError, match=message):
        check_data(estimator, *iris)


def test_folds_of_the_whole_of_x_with_test_rows_are_named_in_short():
    folds = [(np.arange(100), np.arange(100, 150))] * 9
    with pytest.raises(ValueError, match=r"^test_size sets rows aside[^\n]{0,400}Pass a splitter"):
        search(GridSearchCV, cv=folds, test_size=0.2).fit(*iris)


@pytest.mark.parametrize(
    ("cv", "advice"),
    [
        (StratifiedKFold(5), "Use cv=3 or fewer folds"),
        (StratifiedKFold(5, shuffle=True), r"Use StratifiedKFold\(n_splits=3\) or fewer"),
        (StratifiedGroupKFold(5), r"Use StratifiedGroupKFold\(n_splits=3\) or fewer"),
        (RepeatedStratifiedKFold(n_splits=5), r"Use RepeatedStratifiedKFold\(n_splits=3\)"),
    ],
    ids=str,
)
def test_the_advice_for_a_rare_class_fits_the_splitter(cv, advice):
    y = np.r_[np.zeros(90, int), np.ones(3, int)]
    with pytest.raises(ValueError, match=advice + ".*splitter that is not stratified"):
        check_class_sizes(cv, y)
    with pytest.raises(ValueError, match=r"only 1 member\(s\).* Merge or drop the class"):
        check_class_sizes(cv, y[:91])


def test_a_class_in_the_place_of_a_splitter():
    with pytest.raises(TypeError, match=r"got the class KFold: write KFold\(\)"):
        check_splitter(KFold)
    check_splitter(KFold(3))


@pytest.mark.parametrize("fold", [None, 1, (1,), (1, 2, 3), np.arange(5), "ab"], ids=str)
def test_a_list_of_something_else_than_folds(fold):
    pair = (np.arange(3), np.arange(3, 5))
    for cv in ([pair, fold], check_cv([pair, fold])):
        with pytest.raises(ValueError, match="cv as a list must hold pairs.*but fold 1 is"):
            check_splitter(cv)
    check_splitter([pair, list(pair)])


@pytest.mark.parametrize(
    "rows", [1, [0.5], ["a"], [[1, 2], [3, 4]], [9], [-10], [True, False], [None]], ids=str
)
def test_row_numbers_that_the_data_does_not_have(rows):
    good = [0, 8]
    with pytest.raises(ValueError, match="as the test rows of fold 1: they must be .* below 9"):
        check_folds([(good, good), (good, rows)], 9)
    with pytest.raises(ValueError, match="as the train rows of fold 0"):
        check_folds([(rows, good)], 9)
    check_folds([(good, []), (np.ones(9, bool), [-9])], 9)


@pytest.mark.parametrize("cv", [KFold, [1, 2], [(np.arange(9), [200])], [(1, 2)]], ids=str)
def test_a_bad_splitter_is_met_at_the_door(cv):
    with pytest.raises((TypeError, ValueError), match="cv (must|as|gave)"):
        search(GridSearchCV, cv=cv, error_score="raise").fit(*iris)


@pytest.mark.parametrize("test_size", [None, 0.2])
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_scorer_without_scores(test_size):
    found = GridSearchCV(SVC(), {"C": [1]}, scoring=lambda *args: {}, test_size=test_size)
    with pytest.raises(ValueError, match="scoring must return"):
        found.fit(*iris)


@pytest.mark.parametrize("cls", [GridSearchCV, BayesSearchCV])
def test_a_scorer_that_returns_a_complex_number(cls):
    with pytest.raises(ValueError, match="scoring must return"):
        cls(SVC(), {"C": [1]}, scoring=lambda *args: 1j).fit(*iris)


def test_groups_that_cannot_be_sorted():
    groups = [None, "a"] * 75
    with pytest.raises(ValueError, match="groups"):
        search(GridSearchCV, test_size=0.2).fit(*iris, groups=groups)


@pytest.mark.parametrize("value", ["best", {1.0, 2.0}, iter([1.0])], ids=["text", "set", "iter"])
@pytest.mark.parametrize(
    "cls",
    [GridSearchCV, RandomizedSearchCV],
)
def test_the_drop_ins_raise_what_scikit_learn_raises(cls, value):
    theirs = getattr(sklearn.model_selection, cls.__name__)
    with pytest.raises(TypeError, match="needs to be a list or a numpy array"):
        theirs(SVC(), {"C": value}, **few(cls)).fit(*iris)
    with pytest.raises(TypeError, match="needs to be a list or a numpy array"):
        cls(SVC(), {"C": value}, **few(cls)).fit(*iris)


@pytest.mark.parametrize("space", [{"C": [1, 1, 2]}, {"C": (1, 1, 2)}, {"C": np.array([1, 1, 2])}])
@pytest.mark.parametrize("n_iter", [1, 2, 3, 5])
def test_values_that_stand_twice(space, n_iter):
    found = BayesSearchCV(SVC(), space, n_iter=n_iter, cv=2, initial_params=None).fit(*iris)
    tried = [params["C"] for params in found.cv_results_["params"]]
    assert set(tried) <= {1, 2}
    assert min(n_iter, 2) <= len(tried) <= min(n_iter, 3)


class Odd:
    """Has a length and nothing in it."""

    def __len__(self):
        return 3


@pytest.mark.parametrize("cls", [GridSearchCV, RandomizedSearchCV])
def test_what_scikit_learn_stumbles_over_is_a_bad_space(cls):
    with pytest.raises((TypeError, ValueError), match="'C'"):
        search(cls, space={"C": Odd()}).fit(*iris)
    huge = When("gamma", 10**2000, [1])
    with pytest.raises((TypeError, ValueError), match="'C'") as caught:
        search(cls, space={"C": huge}).fit(*iris)
    assert len(str(caught.value)) < 800

"""The way to the estimators inside of others, and to the threads that they start."""

import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from xgboost import XGBClassifier, XGBRFClassifier

from skhpt import BayesSearchCV, GridSearchCV
from skhpt.estimators import (
    DataFacts,
    divide_threads,
    leaves,
    quiet_parameters,
    space_for,
    thread_parameters,
)
from skhpt.estimators.find import walk
from skhpt.estimators.registry import families, family_of
from skhpt.space import When


class Wrapper(BaseEstimator):
    """A meta-estimator that nobody knows, with scikit-learn's name for what it holds."""

    def __init__(self, estimator=None, strength=1.0):
        self.estimator = estimator
        self.strength = strength


NESTED = {
    "pipeline": (make_pipeline(StandardScaler(), SVC()), ["svc__"]),
    "pipeline in a pipeline": (
        make_pipeline(StandardScaler(), make_pipeline(PCA(), SVC())),
        ["pipeline__svc__"],
    ),
    "trailing passthrough": (
        Pipeline([("svc", SVC()), ("nothing", "passthrough"), ("void", None)]),
        ["svc__"],
    ),
    "target": (TransformedTargetRegressor(SVR()), ["regressor__"]),
    "calibrated": (CalibratedClassifierCV(SVC()), ["estimator__"]),
    "one against rest": (OneVsRestClassifier(SVC()), ["estimator__"]),
    "one against one": (OneVsOneClassifier(SVC()), ["estimator__"]),
    "output code": (OutputCodeClassifier(SVC()), ["estimator__"]),
    "outputs": (MultiOutputClassifier(SVC()), ["estimator__"]),
    "outputs of a pipeline": (
        MultiOutputRegressor(make_pipeline(StandardScaler(), Ridge())),
        ["estimator__ridge__"],
    ),
    "AdaBoost": (AdaBoostClassifier(SVC()), ["estimator__"]),
    "bagging": (BaggingClassifier(SVC()), ["estimator__"]),
    "voting": (VotingRegressor([("a", Ridge()), ("b", "drop"), ("c", SVR())]), ["a__", "c__"]),
    "stacking": (
        StackingClassifier([("a", SVC())], final_estimator=LogisticRegression()),
        ["a__", "final_estimator__"],
    ),
    "stacking with the library's final": (StackingClassifier([("a", SVC())]), ["a__"]),
    "unknown": (Wrapper(Wrapper(SVC())), ["estimator__estimator__"]),
}


@pytest.mark.parametrize("name", NESTED)
def test_leaves_have_the_prefix_by_which_they_are_set(name):
    estimator, prefixes = NESTED[name]
    assert [prefix for prefix, _ in leaves(estimator)] == prefixes
    for prefix, leaf in leaves(estimator):
        assert estimator.get_params()[prefix.removesuffix("__")] is leaf


@pytest.mark.parametrize("name", NESTED)
def test_keys_of_a_nested_space_can_be_set(name):
    estimator, prefixes = NESTED[name]
    space = space_for(estimator, size="wide")
    params = estimator.get_params()
    assert set(space) <= set(params)
    assert {name[: name.rindex("__") + 2] for name in space} == set(prefixes)
    clone(estimator).set_params(**{name: params[name] for name in space})


def test_the_parent_of_a_condition_has_the_prefix_too():
    space = space_for(make_pipeline(StandardScaler(), SVC()))
    assert isinstance(space["svc__gamma"], When)
    assert space["svc__gamma"].parent == "svc__kernel"


def test_chains_hold_their_estimator_under_either_name():
    name = "estimator" if hasattr(ClassifierChain(SVC()), "estimator") else "base_estimator"
    assert [prefix for prefix, _ in leaves(ClassifierChain(SVC()))] == [f"{name}__"]


def test_a_known_class_is_a_leaf():
    forest = RandomForestClassifier()
    assert leaves(forest) == [("", forest)]


def test_an_estimator_with_nothing_inside_is_its_own_leaf():
    for estimator in (GaussianNB(), AdaBoostClassifier(), Wrapper(), Pipeline([("a", None)])):
        assert leaves(estimator) == [("", estimator)]


def test_what_is_frozen_cannot_be_tuned():
    frozen = FrozenEstimator(LogisticRegression())
    assert leaves(frozen) == [("", frozen)]
    with pytest.raises(ValueError, match="FrozenEstimator has no curated search space"):
        space_for(frozen)


def test_a_member_that_nobody_knows_leaves_the_others_their_space():
    estimator = StackingClassifier([("nb", GaussianNB()), ("svc", SVC())])
    assert all(name.startswith("svc__") for name in space_for(estimator))


def test_a_subclass_has_the_family_of_its_parent():
    class Own(LGBMClassifier):
        pass

    class Deeper(Own):
        pass

    class Forest(XGBRFClassifier):
        pass

    assert family_of(Deeper()) is family_of(LGBMClassifier())
    assert family_of(Forest()) is not family_of(XGBClassifier())
    assert space_for(Deeper()) == space_for(LGBMClassifier())


def test_a_namesake_from_elsewhere_is_not_known():
    class SVC(BaseEstimator):
        pass

    assert family_of(SVC()) is None


def test_no_two_families_claim_a_class_unless_they_tell_them_apart():
    claims = [(f.library, name) for f in families() for name in f.names]
    assert {name for name in claims if claims.count(name) > 1} == {
        ("xgboost", "XGBClassifier"),
        ("xgboost", "XGBRegressor"),
    }
    assert family_of(XGBClassifier()) is not family_of(XGBClassifier(booster="gblinear"))


# -- what a leaf sees ------------------------------------------------------------------------

CHANGED = {
    "scaled": (make_pipeline(StandardScaler(), SVC()), set()),
    "projected": (make_pipeline(PCA(), SVC()), {"columns"}),
    "transformed target": (TransformedTargetRegressor(SVR()), {"target"}),
    "two classes at a time": (
        OneVsRestClassifier(make_pipeline(PCA(), SVC())),
        {"classes", "columns"},
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_it_is_known_what_surroundings_change(name):
    estimator, changed = CHANGED[name]
    assert [leaf.changed for leaf in walk(estimator)] == [changed]


def test_facts_follow_what_surroundings_change():
    facts = DataFacts(n_fit=1000, n_features=4, n_classes=3, y_std=50.0, columns_known=True)
    seen = facts.seen_by(classifier=True, changed={"columns", "classes", "target"})
    assert (seen.n_features, seen.columns_known) == (20, False)
    assert (seen.n_classes, seen.y_std) == (2, 1.0)
    assert facts.seen_by(classifier=False).n_classes == 0
    assert DataFacts(n_fit=1000).seen_by(classifier=True).n_classes == 2


# -- threads ---------------------------------------------------------------------------------


class Meta(Wrapper):
    """One that starts processes itself."""

    def __init__(self, estimator=None, strength=1.0, n_jobs=None):
        super().__init__(estimator, strength)
        self.n_jobs = n_jobs


THREADS = {
    "LightGBM": (LGBMClassifier(), {"n_jobs": True}),
    "LightGBM's own name": (LGBMClassifier(num_threads=2, n_jobs=4), {"num_threads": True}),
    "XGBoost": (make_pipeline(StandardScaler(), XGBClassifier()), {"xgbclassifier__n_jobs": True}),
    "XGBoost's own name": (XGBClassifier(nthread=2), {"nthread": True}),
    "one by default": (RandomForestClassifier(), {}),
    "one": (RandomForestClassifier(n_jobs=1), {}),
    "more": (RandomForestClassifier(n_jobs=-1), {"n_jobs": False}),
    "both": (
        Meta(LGBMRegressor(n_jobs=2), n_jobs=3),
        {"estimator__n_jobs": True, "n_jobs": False},
    ),
    "frozen": (FrozenEstimator(LGBMClassifier()), {}),
}


@pytest.mark.parametrize("name", THREADS)
def test_thread_parameters_are_found_anywhere(name):
    estimator, expected = THREADS[name]
    assert thread_parameters(estimator) == expected


@pytest.mark.parametrize(
    ("estimator", "n_threads", "expected"),
    [
        (LGBMClassifier(), 3, {"n_jobs": 3}),
        (LGBMClassifier(n_jobs=1), 3, {"n_jobs": 1}),
        (LGBMClassifier(n_jobs=0), 3, {"n_jobs": 3}),
        (XGBClassifier(n_jobs=-1), 1, {"n_jobs": 1}),
        (XGBClassifier(nthread=8), 2, {"nthread": 2, "n_jobs": None}),
        (RandomForestClassifier(n_jobs=2), 4, {"n_jobs": 2}),
        (RandomForestClassifier(), 4, {"n_jobs": None}),
        (Meta(LGBMRegressor(), n_jobs=-2), 2, {"estimator__n_jobs": 2, "n_jobs": 2}),
    ],
)
def test_threads_are_divided_and_never_multiplied(estimator, n_threads, expected):
    divided = clone(estimator)
    divide_threads(divided, n_threads)
    params = divided.get_params()
    assert {name: params[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, {"step__verbose": -1}), ({"verbosity": 1}, {}), ({"verbose": 0}, {})],
)
def test_lightgbm_is_silenced_unless_the_user_has_chosen(given, expected):
    pipe = Pipeline([("step", LGBMClassifier(**given))])
    assert quiet_parameters(pipe) == expected
    assert quiet_parameters(Ridge()) == {}


def test_a_search_prints_nothing(capfd):
    X, y = make_classification(80, random_state=0)
    search = GridSearchCV(LGBMClassifier(n_estimators=3), {"num_leaves": [4, 8]}, cv=2)
    search.set_params(refit=False).fit(X, y)
    assert capfd.readouterr().out == ""


# -- a search through wrappers ----------------------------------------------------------------

REGRESSOR, CLASSIFIER = (cls(n_jobs=1, verbose=-1) for cls in (LGBMRegressor, LGBMClassifier))
WRAPPED = {
    "target": (TransformedTargetRegressor(REGRESSOR), "regressor__"),
    "target behind a scaler": (
        make_pipeline(StandardScaler(), TransformedTargetRegressor(REGRESSOR)),
        "transformedtargetregressor__regressor__",
    ),
    "target of a pipeline": (
        TransformedTargetRegressor(make_pipeline(StandardScaler(), REGRESSOR)),
        "regressor__lgbmregressor__",
    ),
    "calibrated": (CalibratedClassifierCV(CLASSIFIER, cv=2), "estimator__"),
    "one against the rest": (OneVsRestClassifier(CLASSIFIER), "estimator__"),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_booster_has_its_space_with_the_rounds_in_it(name):
    estimator, prefix = WRAPPED[name]
    load = load_diabetes if "regressor" in prefix else load_iris
    X, y = (part[::2] for part in load(return_X_y=True))
    search = BayesSearchCV(estimator, n_iter=2, cv=2, random_state=0).fit(X, y)
    assert {prefix + "num_leaves", prefix + "n_estimators"} <= search.space_.keys()
    assert all(key.startswith(prefix) for key in search.space_)
    assert search.best_params_.keys() <= search.space_.keys()
    with pytest.raises(ValueError, match="alone or as the last step of a plain Pipeline"):
        search.set_params(early_stopping=8).fit(X, y)

"""What a search says of itself is what its estimator says, before and after the fit."""

from dataclasses import asdict

import numpy as np
import pytest
import sklearn.model_selection as theirs
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, Ridge, RidgeClassifier
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

CLASSES = [GridSearchCV, RandomizedSearchCV, BayesSearchCV]
X, y = load_iris(return_X_y=True)
X, y = X[::4], y[::4]
DISTANCES = pairwise_distances(X)
KERNEL = X @ X.T


class SaysAllThatOthersDoNot(ClassifierMixin, BaseEstimator):
    """Sets each tag of input, target and classifier to what is not the default."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        for part in (tags.input_tags, tags.target_tags, tags.classifier_tags):
            for name, value in vars_of(part).items():
                if isinstance(value, bool):
                    setattr(part, name, not value)
        tags.input_tags.pairwise = False  # X of the test is no kernel
        tags.array_api_support = True
        return tags


def vars_of(part):
    return {name: getattr(part, name) for name in part.__dataclass_fields__}


# estimator, name of a parameter, its values, the range that they span, X
ESTIMATORS = {
    "classifier, NaN allowed": (DecisionTreeClassifier(), "max_depth", [1, 2, 3], X),
    "regressor, NaN allowed": (DecisionTreeRegressor(), "max_depth", [1, 2, 3], X),
    "sparse classifier": (RidgeClassifier(), "alpha", [0.1, 0.5, 1.0], X),
    "sparse regressor": (ElasticNet(), "alpha", [0.1, 0.5, 1.0], X),
    "dense only": (make_pipeline(StandardScaler()), "standardscaler__copy", [True, False], X),
    "clusterer": (KMeans(n_init=1), "n_clusters", [2, 3, 4], X),
    "outlier detector": (IsolationForest(n_estimators=2), "max_features", [0.5, 0.7, 1.0], X),
    "density": (KernelDensity(), "bandwidth", [0.1, 0.5, 1.0], X),
    "NaN refused": (ElasticNet(), "alpha", [0.1, 0.5, 1.0], X),
    "NaN imputed": (make_pipeline(SimpleImputer(), Ridge()), "ridge__alpha", [0.1, 0.3], X),
    "kernel": (SVC(kernel="precomputed"), "C", [0.1, 0.5, 1.0], KERNEL),
    "kernel in a pipeline": (
        Pipeline([("svc", SVC(kernel="precomputed"))]),
        "svc__C",
        [0.1, 0.5, 1.0],
        KERNEL,
    ),
    "distances": (KNeighborsClassifier(metric="precomputed"), "n_neighbors", [1, 2, 3], DISTANCES),
    "distances, regressor": (
        KNeighborsRegressor(metric="precomputed"),
        "n_neighbors",
        [1, 2, 3],
        DISTANCES,
    ),
    "distances in a pipeline": (
        Pipeline([("knn", KNeighborsClassifier(metric="precomputed"))]),
        "knn__n_neighbors",
        [1, 2, 3],
        DISTANCES,
    ),
    "every tag turned": (SaysAllThatOthersDoNot(), "shift", [0.0, 0.5, 1.0], X),
}


def inliers(estimator, X, y=None):
    return float(np.mean(estimator.predict(X) == 1))


def nothing(estimator, X, y=None):
    return 0.0


def search_of(cls, name):
    """A search of one class over the parameter of an estimator, and its X."""
    estimator, parameter, values, data = ESTIMATORS[name]
    scoring = {"outlier detector": inliers, "dense only": nothing}.get(name)
    kwargs = {} if cls is GridSearchCV else {"n_iter": 2, "random_state": 0}
    return cls(estimator, {parameter: values}, cv=2, scoring=scoring, **kwargs), data


def common(tags):
    """What scikit-learn's searches take from their estimator."""
    told = asdict(tags)
    del told["input_tags"]["allow_nan"], told["target_tags"]
    return told


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_tags_are_scikit_learns_and_nan_and_target_are_the_estimators(name, cls):
    search, data = search_of(cls, name)
    expected = theirs.GridSearchCV(search.estimator, {})
    inner = get_tags(search.estimator)
    for moment in ("before the fit", "after the fit"):
        tags = get_tags(search)
        assert common(tags) == common(get_tags(expected)), moment
        assert tags.input_tags.allow_nan == inner.input_tags.allow_nan, moment
        assert tags.target_tags == inner.target_tags, moment
        assert is_classifier(search) == is_classifier(expected), moment
        assert is_regressor(search) == is_regressor(expected), moment
        search.fit(data, y)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_table_above_has_every_kind(cls):
    """So that the equalities above are not all between defaults."""
    tags = {name: get_tags(search_of(cls, name)[0]) for name in ESTIMATORS}
    types = {tag.estimator_type for tag in tags.values()}
    assert types >= {"classifier", "regressor", "clusterer", "outlier_detector"}
    for name in ("kernel", "kernel in a pipeline", "distances", "distances in a pipeline"):
        assert tags[name].input_tags.pairwise
    assert tags["sparse classifier"].input_tags.sparse
    assert not tags["distances"].input_tags.allow_nan
    assert not tags["NaN refused"].input_tags.allow_nan
    assert tags["classifier, NaN allowed"].input_tags.allow_nan
    assert tags["regressor, NaN allowed"].input_tags.allow_nan


@pytest.mark.parametrize("cls", CLASSES)
def test_tags_follow_the_estimator_that_is_set(cls):
    search, _ = search_of(cls, "classifier, NaN allowed")
    search.set_params(estimator=DecisionTreeRegressor())
    assert is_regressor(search)
    assert get_tags(search).input_tags.allow_nan
    search.set_params(estimator=SVC())
    assert is_classifier(search)
    assert not get_tags(search).input_tags.allow_nan
    search.set_params(estimator__kernel="precomputed")
    assert get_tags(search).input_tags.pairwise


@pytest.mark.parametrize("cls", CLASSES)
def test_the_tags_of_the_estimator_are_not_shared(cls):
    """Who changes what a search says does not change what its estimator says."""
    search, _ = search_of(cls, "every tag turned")
    tags = get_tags(search)
    before = asdict(get_tags(search.estimator))
    tags.classifier_tags.multi_label = not tags.classifier_tags.multi_label
    tags.input_tags.allow_nan = not tags.input_tags.allow_nan
    assert asdict(get_tags(search.estimator)) == before


@pytest.mark.parametrize("cls", CLASSES)
def test_a_search_of_a_search_says_the_same(cls):
    inner, _ = search_of(cls, "classifier, NaN allowed")
    outer = theirs.GridSearchCV(inner, {})
    assert is_classifier(outer)
    nested = cls(inner, {"estimator__max_depth": [1, 2]})
    assert is_classifier(nested)
    assert get_tags(nested).input_tags.allow_nan

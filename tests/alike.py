"""Our searches side by side, behind one signature: an estimator and a dict of numbers."""

import warnings

import pytest
import sklearn.model_selection as theirs
from doubles import FailsWhen
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.tree import DecisionTreeClassifier

import skhpt as ours
from skhpt.samplers.random import RandomSampler

TIMES = {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"}


def bayes(estimator, spaces, **kwargs):
    options = {"n_iter": 4, "initial_params": None, "random_state": 0, "n_points": 1}
    # every fold is to be compared
    return ours.BayesSearchCV(estimator, spaces, **{"racing": False, **options, **kwargs})


def over_a_range(estimator, spaces, **kwargs):
    ends = {name: (min(values), max(values)) for name, values in spaces.items()}
    return bayes(estimator, ends, **{"n_iter": 3, **kwargs})


def randomized(estimator, distributions, package=ours, **kwargs):
    return package.RandomizedSearchCV(estimator, distributions, n_iter=3, random_state=0, **kwargs)


# That with a range draws from between the numbers.
KINDS = {
    "grid": ours.GridSearchCV,
    "random": randomized,
    "bayes": bayes,
    "bayes over a range": over_a_range,
}
THEIRS = {
    "grid": theirs.GridSearchCV,
    "random": lambda *args, **kwargs: randomized(*args, package=theirs, **kwargs),
    "bayes": theirs.GridSearchCV,
}
every_kind = pytest.mark.parametrize("kind", list(KINDS))
# For laws with many cases, and for those that bootstrap an interval.
two_kinds = pytest.mark.parametrize("kind", ["grid", "bayes over a range"])


def reference_of(search):
    """scikit-learn's grid search over just the candidates of a search, in their order."""
    listed = [{n: [v] for n, v in params.items()} for params in search.cv_results_["params"]]
    owed = ("scoring", "cv", "refit", "error_score", "return_train_score", "verbose")
    options = {name: getattr(search, name) for name in owed}
    return theirs.GridSearchCV(clone(search.estimator), listed, **options)


def quietly(fit, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(*data)


def search_of(kind, **kwargs):
    options = {"cv": 3, **kwargs}
    tree = DecisionTreeClassifier(random_state=0)
    return KINDS[kind](tree, {"max_depth": [1, 2, 3, 5]}, **options)


def fails(kind, **kwargs):
    """A search in which some candidates fail on every fold."""
    return KINDS[kind](FailsWhen(bad=(1, 3)), {"parameter": [0, 1, 2, 3]}, cv=3, **kwargs)


def two_numbers(estimator, X, y):
    predicted = estimator.predict(X)
    return {"acc": accuracy_score(y, predicted), "f1": f1_score(y, predicted, average="macro")}


def one_number(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


def one_named_number(estimator, X, y):
    return {"acc": one_number(estimator, X, y)}


def one_number_named_score(estimator, X, y):
    return {"score": one_number(estimator, X, y)}


MULTIMETRIC = {
    "list": (["accuracy", "f1_macro"], "f1_macro"),
    "list of one": (["accuracy"], "accuracy"),
    "tuple": (("accuracy", "f1_macro"), "accuracy"),
    "dict": ({"a": "f1_macro", "b": make_scorer(accuracy_score), "c": one_number}, "b"),
    "dict with a score": ({"score": "accuracy", "f1": "f1_macro"}, "score"),
    "dict of one score": ({"score": "accuracy"}, "score"),
    "callable": (two_numbers, "f1"),
    "callable of one": (one_named_number, "acc"),
    "callable of one score": (one_number_named_score, "score"),
}


class SpySampler(RandomSampler):
    """Proposes by chance and keeps what it was told."""

    learns = True
    told: list = []

    def tell(self, trial):
        SpySampler.told.append(trial)


class Sometimes:
    """A scorer that gives `odd` (raises, where that is an error) on some of its calls."""

    def __init__(self, calls, odd, names=()):
        self.calls = calls
        self.odd = odd
        self.names = names
        self.n_calls = 0

    def __call__(self, estimator, X, y):
        number, self.n_calls = self.n_calls, self.n_calls + 1
        value = one_number(estimator, X, y)
        if number in self.calls:
            if isinstance(self.odd, Exception):
                raise self.odd
            value = self.odd
        return dict.fromkeys(self.names, value) if self.names else value

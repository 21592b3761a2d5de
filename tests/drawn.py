"""Whole searches drawn at random: most parts legal, one or two of them spoilt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from doubles import FailsWhen
from drawn_spaces import legal_spaces, one_of, raises, spoilt_spaces
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.samplers.random import RandomSampler

CLASSES = (GridSearchCV, RandomizedSearchCV, BayesSearchCV)
PARTS = ("space", "estimator", "data", "cv", "scoring", "budget", "refit", "others", "fit_params")


class NoParameters:
    """Fits and predicts, and knows nothing of ``get_params``."""

    def fit(self, X, y=None):
        return self


class Unclonable(ClassifierMixin, BaseEstimator):
    """Breaks the rule that ``__init__`` only stores."""

    def __init__(self, C=1.0):
        self.C = [C]

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Liar:
    """A splitter that does not do what it says."""

    def __init__(self, answer=lambda *args: 3):
        self.answer = answer

    def get_n_splits(self, X=None, y=None, groups=None):
        return self.answer(X)

    def split(self, X, y=None, groups=None):
        return iter([])


class Silent(BaseEstimator):
    """Fits, and neither scores nor predicts."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y=None):
        return self


@dataclass
class Case:
    """One search and what it is fitted on."""

    cls: type
    estimator: Any
    space: Any
    X: Any
    y: Any
    arguments: dict[str, Any] = field(default_factory=dict)
    fit_params: dict[str, Any] = field(default_factory=dict)
    spoilt: frozenset = frozenset()

    def search(self):
        return self.cls(self.estimator, self.space, **self.arguments)


# -- estimators: how to make one, what it predicts, what its parameters are -----------------

ESTIMATORS = {
    "logistic": (
        lambda: LogisticRegression(max_iter=30),
        "labels",
        {"C": "positive", "fit_intercept": "flag", "tol": "positive"},
    ),
    "svc": (
        lambda: SVC(max_iter=100),
        "labels",
        {"C": "positive", "kernel": "kernel", "gamma": "positive", "degree": "count"},
    ),
    "tree": (
        lambda: DecisionTreeClassifier(random_state=0),
        "labels",
        {"max_depth": "count", "min_samples_leaf": "count", "criterion": "criterion"},
    ),
    "neighbours": (KNeighborsClassifier, "labels", {"n_neighbors": "count", "weights": "weights"}),
    "dummy": (DummyClassifier, "labels", {"strategy": "strategy"}),
    "pipeline": (
        lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=30)),
        "labels",
        {
            "logisticregression__C": "positive",
            "standardscaler__with_mean": "flag",
            "standardscaler": "scaler",
        },
    ),
    "fussy": (FailsWhen, "labels", {"parameter": "count"}),
    "ridge": (Ridge, "numbers", {"alpha": "positive", "fit_intercept": "flag"}),
    "regression tree": (
        lambda: DecisionTreeRegressor(random_state=0),
        "numbers",
        {"max_depth": "count"},
    ),
    "nearest": (KNeighborsRegressor, "numbers", {"n_neighbors": "count", "p": "positive"}),
    "transformed": (
        lambda: TransformedTargetRegressor(Ridge(), func=np.cbrt, inverse_func=np.square),
        "numbers",
        {"regressor__alpha": "positive", "check_inverse": "flag"},
    ),
    "clusters": (lambda: KMeans(random_state=0, n_init=1), "nothing", {"n_clusters": "count"}),
}

SPOILT_ESTIMATORS = (
    lambda: LogisticRegression,
    lambda: None,
    lambda: "svc",
    lambda: 3,
    object,
    list,
    NoParameters,
    Unclonable,
    Silent,
    StandardScaler,
    lambda: raises,
    lambda: Pipeline([]),
    lambda: Pipeline("abc"),
    lambda: Pipeline([("a", None)]),
    lambda: Pipeline([("a", StandardScaler()), ("a", SVC())]),
    lambda: Pipeline([("a", SVC()), ("b", SVC())]),
    lambda: TransformedTargetRegressor(KMeans(random_state=0)),
    lambda: TransformedTargetRegressor(3),
    lambda: FailsWhen(bad=range(-5, 100)),
    lambda: FailsWhen(bad=None),
    lambda: SVC(C=-1),
    lambda: SVC(kernel="precomputed"),
    lambda: GridSearchCV(SVC(), {"C": [1]}),
)

# -- data -----------------------------------------------------------------------------------


def table(target, n=30, seed=0):
    """Three columns and a target that has something to do with them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    signal = X[:, 0] + 0.3 * rng.normal(size=n)
    targets = {
        "labels": np.digitize(signal, [-0.3, 0.6]) if seed % 2 else (signal > 0).astype(int),
        "numbers": signal,
        "nothing": None,
    }
    return X, targets[target]


def _put(value, row=0):
    def spoil(X, y):
        X = X.astype(object if isinstance(value, str) else float)
        X[row, 0] = value
        return X, y

    return spoil


def _put_in_y(value):
    def spoil(X, y):
        if y is None:
            return X, np.full(len(X), value)
        y = y.astype(object if value is None or isinstance(value, str) else float)
        y[0] = value
        return X, y

    return spoil


def frame(X, columns):
    try:
        import pandas
    except ImportError:
        return X
    return pandas.DataFrame(X, columns=columns)


SPOILT_DATA = (
    _put(np.nan),
    _put(np.inf),
    _put(1e300),
    _put("a"),
    _put_in_y(None),
    _put_in_y(np.nan),
    _put_in_y(np.inf),
    _put_in_y("a"),
    lambda X, y: (X, None),
    lambda X, y: (X, np.zeros(len(X), int)),
    lambda X, y: (X, np.full(len(X), "one")),
    lambda X, y: (X, np.full(len(X), 3.5)),
    lambda X, y: (X, np.arange(len(X))),
    lambda X, y: (X, np.array(["rare"] + ["b", "c"] * len(X))[: len(X)]),
    lambda X, y: (X, np.ones((len(X), 1))),
    lambda X, y: (X, np.arange(2 * len(X)).reshape(-1, 2) % 2),
    lambda X, y: (X, np.ones(len(X) - 1)),
    lambda X, y: (X, 3),
    lambda X, y: (X, "y"),
    lambda X, y: (X, {"y": [1]}),
    lambda X, y: (X, [[1], [2, 3]] * (len(X) // 2)),
    lambda X, y: (X[:, 0], y),
    lambda X, y: (X[:, :0], y),
    lambda X, y: (X[:, :, None], y),
    lambda X, y: (X[:1], None if y is None else y[:1]),
    lambda X, y: (X[:2], None if y is None else y[:2]),
    lambda X, y: (X[:3], None if y is None else y[:3]),
    lambda X, y: (X[:0], None if y is None else y[:0]),
    lambda X, y: (X.tolist(), None if y is None else y.tolist()),
    lambda X, y: ([[1, 2], [3]] * (len(X) // 2), y),
    lambda X, y: (X.astype(str), y),
    lambda X, y: (np.full(X.shape, "text"), y),
    lambda X, y: (X.astype(complex), y),
    lambda X, y: ([], []),
    lambda X, y: (None, y),
    lambda X, y: (3, y),
    lambda X, y: ("X", y),
    lambda X, y: (np.array(3.0), y),
    lambda X, y: ({"a": 1}, y),
    lambda X, y: (iter(X), y),
    lambda X, y: (csr_matrix(X), y),
    lambda X, y: (frame(X, list("abc")), y),
    lambda X, y: (frame(X, ["a", "a", 3]), y),
)

# -- everything else --------------------------------------------------------------------------

LEGAL_CV = (
    lambda n: 2,
    lambda n: 3,
    lambda n: 3,
    lambda n: KFold(3, shuffle=True, random_state=0),
    lambda n: StratifiedKFold(2),
    lambda n: ShuffleSplit(2, random_state=0),
    lambda n: TimeSeriesSplit(2),
    lambda n: [(np.arange(n // 2), np.arange(n // 2, n)), (np.arange(n // 2, n), np.arange(5))],
)
SPOILT_CV = (
    *(lambda n, v=v: v for v in (0, 1, -1, True, False, 2.0, "a", 10**9, np.int64(2), {}, [], 3j)),
    lambda n: (),
    lambda n: iter(()),
    lambda n: object(),
    lambda n: KFold,
    lambda n: raises,
    lambda n: KFold(n + 1),
    lambda n: StratifiedKFold(n_splits=n - 1),
    lambda n: GroupKFold(2),
    lambda n: LeaveOneOut(),
    lambda n: PredefinedSplit(np.arange(n) % 2),
    lambda n: PredefinedSplit([0, 1, 0]),
    lambda n: [([0, 1], [n, n + 1])],
    lambda n: [(np.arange(n), [])],
    lambda n: [([], np.arange(n))],
    lambda n: [([0.5], [1])],
    lambda n: [(["a"], [1])],
    lambda n: [(slice(0, 9), slice(9, 12))],
    lambda n: [(np.ones(n, bool), np.ones(n, bool))],
    lambda n: [(np.ones(3, bool), np.ones(3, bool))],
    lambda n: [(1, 2)],
    lambda n: [(np.arange(n),)],
    lambda n: [np.arange(n)],
    lambda n: [None],
    lambda n: [1, 2, 3],
    lambda n: [(np.arange(n), np.arange(n), np.arange(n))],
    lambda n: [([[0, 1], [2, 3]], [4])],
    lambda n: iter([(np.arange(n), np.arange(n))]),
    lambda n: Liar(),
    lambda n: Liar(answer=raises),
)  # fmt: skip


def last_half(estimator, X, y=None):
    return 0.5


def two_scores(estimator, X, y=None):
    return {"a": 0.25, "b": 0.5}


LEGAL_SCORING = {
    "labels": (None, None, "accuracy", "f1_macro", make_scorer(accuracy_score), last_half,
               ["accuracy", "balanced_accuracy"], {"a": "accuracy", "b": last_half}, two_scores),
    "numbers": (None, None, "r2", "neg_mean_absolute_error", last_half,
                ("r2", "neg_mean_squared_error"), {"a": "r2", "b": last_half}, two_scores),
    "nothing": (None, None, last_half, {"a": last_half, "b": last_half}, two_scores),
}  # fmt: skip
SPOILT_SCORING = (
    "acuracy", "", 3, 1.5, True, b"r2", {}, [], (), set(), {"accuracy"}, [3], ["accuracy", 3],
    ["accuracy", "accuracy"], ["r2", None], {"a": None}, {"a": 3}, {3: "r2"}, {"": "accuracy"},
    {"a": "acuracy"}, accuracy_score, object, raises, "roc_auc", "neg_log_loss", "precision",
    {"a": raises, "b": last_half},
    {"a": last_half, "b": raises},
    lambda *args: None,
    lambda *args: "good",
    lambda *args: {},
    lambda *args: {"a": "x"},
    lambda *args: {3: 0.5},
    lambda *args: [0.5],
    lambda *args: np.ones(3),
    lambda *args: np.array([0.5]),
    lambda *args: np.nan,
    lambda *args: np.inf,
    lambda *args: True,
    lambda *args: 1j,
    lambda: 0.5,
)  # fmt: skip

SPOILT_N_ITER = (0, -1, 1.5, "a", None, True, np.int64(2), 2.0, [3], np.nan)
SPOILT_BUDGETS = {
    "n_iter": SPOILT_N_ITER,
    "n_points": (0, -1, 1.5, "a", True, 50, []),
    "time_budget": (0, -1, 1e-9, 0.05, "a", np.nan, np.inf, True, None, []),
    "test_size": (0, 0.0, 1, 1.0, 0.999, 1e-9, -0.5, 2, 29, 30, 99, "a", np.nan, True, [], 10**400),
}  # fmt: skip
NAMES_OF_SCORES = ("accuracy", "a", "b", "r2", "score")
LEGAL_REFIT = (True, True, False, lambda results: 0, *NAMES_OF_SCORES)
SPOILT_REFIT = (
    None, 3, 1.5, "", "acuracy", [], {}, object, raises, lambda: 0,
    lambda results: None, lambda results: "a", lambda results: -1, lambda results: 10**6,
    lambda results: 0.5, lambda results: np.int64(0), lambda results: True,
    lambda results: int(results["rank_test_score"].argmin()),
)  # fmt: skip
SPOILT_OTHERS = {
    "error_score": ("raise", 0.0, -1, "rise", None, "nan", np.inf, True, [], 1j),
    "n_jobs": (0, "a", 1.5, 1, True, [], np.nan),
    "random_state": ("a", -1, 1.5, 2**32, 2**40, np.random, np.random.RandomState(0), True, [],
                     np.random.default_rng(0), np.nan),
    "verbose": (-1, "a", None, 1, 3, 11, True, 1.5),
    "pre_dispatch": ("n_jobs", "a", 0, None, "2*", [], "all", "1/0"),
    "return_train_score": (True, "a", None, 3),
    "initial_params": ("default", None, "defaults", [], [{}], ["default"], [3], [None], {"C": 1}, 3,
                       [{"C": 1}], [{"C": "a"}], [{"max_depth": 0}], [{3: 3}], [{"C": 1}] * 9,
                       [{"logisticregression__C": 2.0}, "default"], [[]], ["x"], [{"nowhere": 1}]),
    "sampler": ("gp", "random", "sobol", "grid", "tpe", "skopt", "cmaes", "bayes", "", None, 3, [],
                RandomSampler, object, raises, lambda space, seed: None, lambda: 3),
    "optimizer_kwargs": ({}, None, {"base_estimator": "RF"}, {"base_estimator": "x"}, {"x": 1}, 3,
                         {3: 3}, {"dimensions": []}, {"random_state": 3}, []),
}  # fmt: skip
SPOILT_FIT_PARAMS = (
    lambda n: {"sample_weight": np.ones(n)},
    lambda n: {"sample_weight": np.ones(3)},
    lambda n: {"sample_weight": "a"},
    lambda n: {"sample_weight": -np.ones(n)},
    lambda n: {"sample_weight": None},
    lambda n: {"groups": np.arange(n) % 4},
    lambda n: {"groups": np.zeros(n)},
    lambda n: {"groups": [1, 2]},
    lambda n: {"groups": 3},
    lambda n: {"groups": [None] * n},
    lambda n: {"callback": print},
    lambda n: {"foo": 1},
    lambda n: {"x": np.ones(n)},
)
ONLY_BAYES = ("n_points", "sampler", "optimizer_kwargs")


def _one_option(table, cls):
    """One argument of a table that the class has."""
    known = [
        name
        for name in table
        if not (name in ONLY_BAYES and cls is not BayesSearchCV)
        and not (name == "n_iter" and cls is GridSearchCV)
    ]
    return one_of(*known).flatmap(lambda name: one_of(*table[name]).map(lambda v: {name: v}))


@st.composite
def cases(draw):
    """A search with at most two of its parts spoilt."""
    cls = draw(one_of(*CLASSES))
    spoilt = draw(st.sets(one_of(*PARTS), max_size=2))
    make, target, parameters = ESTIMATORS[draw(one_of(*ESTIMATORS))]
    n = draw(one_of(20, 30, 60))
    X, y = table(target, n, seed=draw(st.integers(0, 3)))
    arguments = {} if cls is GridSearchCV else {"n_iter": draw(st.integers(1, 5))}
    arguments["random_state"] = draw(st.integers(0, 3))
    arguments["test_size"] = draw(one_of(None, None, 0.25, 6))
    arguments["cv"] = draw(one_of(*(SPOILT_CV if "cv" in spoilt else LEGAL_CV)))(n)
    scorings = SPOILT_SCORING if "scoring" in spoilt else LEGAL_SCORING[target]
    scoring = arguments["scoring"] = draw(one_of(*scorings))
    several = scoring is two_scores or isinstance(scoring, list | tuple | dict)
    legal_refit = (*NAMES_OF_SCORES, False, LEGAL_REFIT[3]) if several else LEGAL_REFIT[:3]
    arguments["refit"] = draw(one_of(*(SPOILT_REFIT if "refit" in spoilt else legal_refit)))
    for part, options in (("budget", SPOILT_BUDGETS), ("others", SPOILT_OTHERS)):
        if part in spoilt:
            arguments |= draw(_one_option(options, cls))
    if "data" in spoilt:
        X, y = draw(one_of(*SPOILT_DATA))(X, y)
    space = draw(spoilt_spaces(parameters) if "space" in spoilt else legal_spaces(parameters))
    estimator = draw(one_of(*SPOILT_ESTIMATORS))() if "estimator" in spoilt else make()
    fit_params = draw(one_of(*SPOILT_FIT_PARAMS))(n) if "fit_params" in spoilt else {}
    return Case(cls, estimator, space, X, y, arguments, fit_params, frozenset(spoilt))

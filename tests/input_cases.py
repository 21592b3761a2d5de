"""Kinds of X and y that scikit-learn takes, each with an estimator and a parameter to search."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import sklearn
import sklearn.model_selection as theirs
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import pairwise_distances
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

CLASSES = [GridSearchCV, RandomizedSearchCV, BayesSearchCV]
# The two that differ most always; all of them with the slow tests.
MOST = [GridSearchCV, pytest.param(RandomizedSearchCV, marks=pytest.mark.slow), BayesSearchCV]
ONE = [*(pytest.param(cls, marks=pytest.mark.slow) for cls in CLASSES[:2]), BayesSearchCV]

SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
N = 48
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 4))
y = (X[:, 0] + 0.3 * rng.normal(size=N) > 0).astype(int)
target = X @ [1.0, 2.0, 0.0, 0.0] + 0.1 * rng.normal(size=N)
names = np.array(["no", "yes"])[y]
letters = rng.choice(list("xyz"), N)
words = [f"{'good' if label else 'bad'} word{i % 7}" for i, label in enumerate(y)]
several = np.column_stack([y, 1 - y, X[:, 1] > 0]).astype(int)
groups = np.arange(N) // 4

TREE = DecisionTreeClassifier(random_state=0)
LINEAR = RidgeClassifier()


@dataclass
class Case:
    """An estimator, one of its parameters with the ends of a range, and its data."""

    estimator: Any
    parameter: str
    low: float
    high: float
    X: Any
    y: Any
    fit: dict = field(default_factory=dict)

    def search(self, cls, **kwargs):
        """A search of a class over the range, or over its ends where it takes values."""
        kwargs = {"cv": 2, "random_state": 0, **kwargs}
        if cls is BayesSearchCV:
            kwargs["racing"] = False  # every fold is to be compared
        if cls is BayesSearchCV:
            # "default" looks at the data, and the third point is a proposal
            space = {self.parameter: (self.low, self.high)}
            return cls(clone(self.estimator), space, n_iter=3, **kwargs)
        if cls is RandomizedSearchCV:
            kwargs["n_iter"] = 2
        return cls(clone(self.estimator), {self.parameter: [self.low, self.high]}, **kwargs)


def tree(X, y):
    return Case(TREE, "max_depth", 1, 3, X, y)


def linear(X, y):
    return Case(LINEAR, "alpha", 0.1, 10.0, X, y)


def ridge(X, y):
    return Case(Ridge(), "alpha", 0.1, 10.0, X, y)


def after(step, X, y):
    model = make_pipeline(step, clone(LINEAR))
    return Case(model, "ridgeclassifier__alpha", 0.1, 10.0, X, y)


def as_float(frame):
    return frame.astype(float)


def length_and_sum(lists):
    return np.array([[len(entry), sum(entry)] for entry in lists])


def flat(images):
    return images.reshape(len(images), -1)


def mixed_frame():
    pd = pytest.importorskip("pandas")
    frame = {
        "number": X[:, 0],
        "nullable": pd.array(np.where(X[:, 1] > 1, None, np.arange(N)), dtype="Int64"),
        "category": pd.Categorical(letters),
        "flag": pd.array(X[:, 2] > 0, dtype="boolean"),
        "text": pd.array(letters, dtype="string"),
        "object": pd.Series(names, dtype=object),
    }
    index = [f"row {i}" for i in reversed(range(N))]
    return pd.DataFrame(frame).set_axis(index, axis="index")


def in_mixed(make_y):
    """The frame of mixed columns with a y that is made from pandas and the frame."""
    pd = pytest.importorskip("pandas")
    frame = mixed_frame()
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["category", "text", "object"]),
        (
            make_pipeline(FunctionTransformer(as_float), SimpleImputer()),
            ["number", "nullable", "flag"],
        ),
    )
    return after(columns, frame, make_y(pd, frame))


def in_pandas(make, make_y):
    pd = pytest.importorskip("pandas")
    index = [f"row {i}" for i in range(N)]
    return make(pd.DataFrame(X, columns=list("abcd"), index=index), make_y(pd))


def in_polars(make, values):
    pl = pytest.importorskip("polars")
    return make(pl.DataFrame(dict(zip("abcd", X.T))), pl.Series("y", values))


def mixed_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"number": X[:, 0], "letter": letters})
    if SKLEARN < (1, 9) and not hasattr(frame, "__dataframe__"):
        pytest.skip("this polars lacks the protocol by which this scikit-learn reads column names")
    columns = make_column_transformer((OneHotEncoder(), ["letter"]), remainder="passthrough")
    return after(columns, frame, pl.Series("y", names))


def text_series():
    pd = pytest.importorskip("pandas")
    return after(CountVectorizer(), pd.Series(words, index=list(map(str, range(N)))), names)


CASES = {
    "csr matrix": lambda: linear(sparse.csr_matrix(X), y),
    "csc matrix": lambda: tree(sparse.csc_matrix(X), y),
    "csr array": lambda: tree(sparse.csr_array(X), y),
    "csc array": lambda: linear(sparse.csc_array(X), y),
    "coo array": lambda: linear(sparse.coo_array(X), y),
    "float32, Fortran order": lambda: tree(np.asfortranarray(X, dtype=np.float32), y),
    "lists": lambda: tree(X.tolist(), y.tolist()),
    "tuples": lambda: linear(tuple(map(tuple, X)), tuple(y)),
    "lists, text labels": lambda: tree(X.tolist(), names.tolist()),
    "lists, bool labels": lambda: linear(X.tolist(), (y == 1).tolist()),
    "text labels": lambda: linear(X, names),
    "object labels": lambda: tree(X, names.astype(object)),
    "bool labels": lambda: tree(X, y == 1),
    "object X": lambda: linear(X.astype(object), y),
    "object X of text": lambda: after(
        OneHotEncoder(handle_unknown="ignore"), np.column_stack([letters, names]).astype(object), y
    ),
    "X of text": lambda: after(OneHotEncoder(), letters[:, None], names),
    "images": lambda: after(FunctionTransformer(flat), X.reshape(N, 2, 2), y),
    "lists of any length": lambda: after(
        FunctionTransformer(length_and_sum), [list(range(i % 5)) for i in range(N)], y
    ),
    "dicts": lambda: after(
        DictVectorizer(), [{"a": a, "w": w} for a, w in zip(X[:, 0], letters)], y
    ),
    "list of texts": lambda: after(CountVectorizer(), words, y),
    "array of texts": lambda: after(CountVectorizer(), np.array(words), names),
    "series of texts": text_series,
    "kernel": lambda: Case(SVC(kernel="precomputed"), "C", 0.1, 10.0, X @ X.T, y),
    "kernel in a pipeline": lambda: Case(
        make_pipeline(SVC(kernel="precomputed")), "svc__C", 0.1, 10.0, X @ X.T, names
    ),
    "distances": lambda: Case(
        KNeighborsClassifier(metric="precomputed"), "n_neighbors", 1, 5, pairwise_distances(X), y
    ),
    "multilabel": lambda: tree(X, several),
    "multilabel lists": lambda: tree(X.tolist(), several.tolist()),
    "several outputs of classes": lambda: Case(
        DecisionTreeClassifier(random_state=0), "max_depth", 1, 3, X, several + 1
    ),
    "several outputs, mixed kinds": lambda: Case(
        MultiOutputClassifier(RidgeClassifier()),
        "estimator__alpha",
        0.1,
        10.0,
        X,
        np.column_stack([y, np.arange(N) % 3]),
    ),
    "several targets": lambda: ridge(X, np.column_stack([target, -target, target**2])),
    "several targets, lists": lambda: ridge(
        X.tolist(), np.column_stack([target, -X[:, 2]]).tolist()
    ),
    "target as a column": lambda: ridge(X, target[:, None]),
    "clusterer": lambda: Case(KMeans(n_init=1, random_state=0), "n_clusters", 2, 4, X, None),
    "density": lambda: Case(KernelDensity(), "bandwidth", 0.1, 2.0, X, None),
    "density of lists": lambda: Case(KernelDensity(), "bandwidth", 0.1, 2.0, X.tolist(), None),
    "density of a frame": lambda: in_pandas(
        lambda X, y: Case(KernelDensity(), "bandwidth", 0.1, 2.0, X, y), lambda pd: None
    ),
    "mixed frame": lambda: in_mixed(lambda pd, frame: pd.Series(names, index=frame.index)),
    "mixed frame, categorical y": lambda: in_mixed(
        lambda pd, frame: pd.Series(pd.Categorical(names), index=frame.index)
    ),
    "nullable Int64 y": lambda: in_pandas(linear, lambda pd: pd.Series(y, dtype="Int64")),
    "nullable boolean y": lambda: in_pandas(tree, lambda pd: pd.Series(y == 1, dtype="boolean")),
    "nullable string y": lambda: in_pandas(tree, lambda pd: pd.Series(names, dtype="string")),
    "nullable Float64 y": lambda: in_pandas(ridge, lambda pd: pd.Series(target, dtype="Float64")),
    "frame, other index of y": lambda: in_pandas(
        tree, lambda pd: pd.Series(names, index=np.arange(N)[::-1] + 7)
    ),
    "frame, frame of labels": lambda: in_pandas(tree, lambda pd: pd.DataFrame(several)),
    "frame, frame of targets": lambda: in_pandas(
        ridge, lambda pd: pd.DataFrame({"a": target, "b": X[:, 3]})
    ),
    "polars": lambda: in_polars(linear, y),
    "polars, text labels": lambda: in_polars(tree, names),
    "polars, bool labels": lambda: in_polars(tree, y == 1),
    "polars, regression": lambda: in_polars(ridge, target),
    "mixed polars": mixed_polars,
}


def same_candidates(search, case, X, y, **fit):
    """scikit-learn's grid search over exactly the candidates that a search has tried."""
    grid = [{k: [v] for k, v in params.items()} for params in search.cv_results_["params"]]
    return theirs.GridSearchCV(clone(case.estimator), grid, cv=search.cv).fit(X, y, **fit)


def assert_scored_alike(search, expected):
    assert search.n_splits_ == expected.n_splits_
    columns = [f"split{fold}_test_score" for fold in range(search.n_splits_)]
    for column in [*columns, "mean_test_score", "std_test_score"]:
        np.testing.assert_array_equal(
            search.cv_results_[column], expected.cv_results_[column], err_msg=column
        )

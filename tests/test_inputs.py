"""Whatever scikit-learn takes as X, y and cv: each search scores it as scikit-learn does."""

import functools
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn.model_selection as theirs
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
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
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import _safe_indexing as rows_of

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV, holdout

CLASSES = [GridSearchCV, RandomizedSearchCV, BayesSearchCV]
# The two that differ most always; all of them with the slow tests.
MOST = [GridSearchCV, pytest.param(RandomizedSearchCV, marks=pytest.mark.slow), BayesSearchCV]
ONE = [*(pytest.param(cls, marks=pytest.mark.slow) for cls in CLASSES[:2]), BayesSearchCV]

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


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """The interval of the test score is not the matter here; a thousand resamples are its price."""
    cheap = functools.partial(holdout.score_with_interval, n_bootstrap=40)
    monkeypatch.setattr(holdout, "score_with_interval", cheap)


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


@pytest.mark.parametrize("cls", MOST)
@pytest.mark.parametrize("name", CASES)
def test_scores_and_refit_are_scikit_learns(name, cls):
    case = CASES[name]()
    search = case.search(cls).fit(case.X, case.y)
    expected = same_candidates(search, case, case.X, case.y)
    assert_scored_alike(search, expected)
    refitted = clone(case.estimator).set_params(**search.best_params_)
    refitted.fit(case.X, *([] if case.y is None else [case.y]))
    for method in ("predict", "score_samples"):
        if hasattr(refitted, method):
            actual = getattr(search, method)(case.X)
            np.testing.assert_array_equal(actual, getattr(refitted, method)(case.X))
    for attribute in ("classes_", "n_features_in_", "feature_names_in_"):
        assert hasattr(search, attribute) == hasattr(expected, attribute), attribute


@pytest.mark.parametrize("cls", ONE)
@pytest.mark.parametrize("name", CASES)
def test_test_rows_of_any_kind_are_set_aside_and_scored(name, cls):
    """By hand: the best parameters, fitted on the other rows, and scored on these."""
    case = CASES[name]()
    search = case.search(cls, test_size=0.25).fit(case.X, case.y)
    test = search.test_indices_
    assert len(test) == N // 4
    train = np.setdiff1d(np.arange(N), test)
    X = case.X.tocsr() if sparse.issparse(case.X) else case.X
    X_train, X_test = rows_of(X, train), rows_of(X, test)
    if name.startswith(("kernel", "distances")):
        X_train, X_test = X[np.ix_(train, train)], X[np.ix_(test, train)]
    targets = ((), ()) if case.y is None else ([rows_of(case.y, train)], [rows_of(case.y, test)])
    model = clone(case.estimator).set_params(**search.best_params_).fit(X_train, *targets[0])
    assert search.test_score_ == pytest.approx(model.score(X_test, *targets[1]), rel=1e-12)
    assert search.optimism_ == search.best_score_ - search.test_score_
    assert len(search.test_score_interval_) == 2
    y_train = targets[0][0] if targets[0] else None
    assert_scored_alike(search, same_candidates(search, case, X_train, y_train))


# -- what reaches the estimator -------------------------------------------------------------


def kind_of(data):
    """What an estimator may depend on: the type, and what a frame says of its columns."""
    told = [type(data).__name__]
    if hasattr(data, "columns"):
        told += [*map(str, data.columns), *map(str, data.dtypes)]
    if hasattr(data, "dtype"):
        told.append(str(data.dtype))
    if hasattr(data, "index") and hasattr(data, "iloc"):
        told.append(str(data.index.dtype))
    return tuple(told)


class NotesKinds(ClassifierMixin, BaseEstimator):
    """Remembers what kinds of X and y it was given to fit, and of X to score."""

    fitted: set = set()
    scored: set = set()

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None):
        NotesKinds.fitted.add((kind_of(X), kind_of(y)))
        self.classes_ = np.array([0, 1])
        return self

    def score(self, X, y=None):
        NotesKinds.scored.add((kind_of(X), kind_of(y)))
        return 0.0


@pytest.mark.parametrize("cls", ONE)
@pytest.mark.parametrize(
    "name",
    [
        "csr matrix",
        "csc matrix",
        "csr array",
        "csc array",
        "float32, Fortran order",
        "lists",
        "lists, text labels",
        "object X",
        "object labels",
        "list of texts",
        "series of texts",
        "dicts",
        "clusterer",
        "mixed frame",
        "mixed frame, categorical y",
        "nullable Int64 y",
        "nullable boolean y",
        "nullable string y",
        "frame, frame of targets",
        "polars",
        "mixed polars",
    ],
)
@pytest.mark.parametrize("test_size", [None, 0.25])
def test_rows_are_of_the_kind_that_scikit_learn_hands_over(name, cls, test_size):
    case = CASES[name]()
    noting = Case(NotesKinds(), "shift", 0.0, 1.0, case.X, case.y)
    told = []
    for search in (
        theirs.GridSearchCV(NotesKinds(), {}, cv=theirs.KFold(2)),
        noting.search(cls, test_size=test_size, cv=theirs.KFold(2)),
    ):
        NotesKinds.fitted, NotesKinds.scored = set(), set()
        search.fit(case.X, case.y)
        told.append((NotesKinds.fitted, NotesKinds.scored))
    assert told[1][0] == told[0][0]
    if test_size is None:  # the interval of the test score is had from made-up rows
        assert told[1][1] == told[0][1]


@pytest.mark.parametrize("cls", CLASSES)
def test_the_callers_data_stays_as_it_was(cls):
    pd = pytest.importorskip("pandas")
    case = CASES["mixed frame"]()
    before, y_before = case.X.copy(deep=True), case.y.copy(deep=True)
    case.search(cls, test_size=0.25).fit(case.X, case.y)
    pd.testing.assert_frame_equal(case.X, before)
    pd.testing.assert_series_equal(case.y, y_before)


# -- in workers -----------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ONE)
@pytest.mark.parametrize("name", ["mixed frame, categorical y", "mixed polars", "csr array"])
def test_workers_see_the_same(name, cls):
    case = CASES[name]()
    alone = case.search(cls, test_size=0.25).fit(case.X, case.y)
    search = case.search(cls, test_size=0.25, n_jobs=2).fit(case.X, case.y)
    assert repr(search.cv_results_["params"]) == repr(alone.cv_results_["params"])
    assert_scored_alike(search, alone)
    assert search.test_score_ == alone.test_score_


class SumsUp(BaseEstimator):
    """Scores by a checksum over every column, whatever X and y are made of."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y):
        return self

    def score(self, X, y):
        # the text of nullable and of categorical columns, so that no kind needs its own case
        columns = [X[name] for name in X.columns] if hasattr(X, "columns") else [X.sum(axis=0)]
        texts = [str(np.asarray(column).ravel().tolist()) for column in [*columns, y]]
        return self.factor * float(sum(map(hash_of, texts)))


def hash_of(text):
    return int(joblib.hash(text)[:8], 16)


def large_pandas(n):
    pd = pytest.importorskip("pandas")
    at = np.arange(n) % N
    X = mixed_frame().iloc[at].reset_index(drop=True)
    return X, pd.Series(y[at], dtype="Int64")


def large_polars(n):
    pl = pytest.importorskip("polars")
    at = np.arange(n) % N
    columns = {"a": X[at, 0], "letter": letters[at], "b": X[at, 1]}
    return pl.DataFrame(columns), pl.Series("y", names[at])


def large_sparse(n):
    return sparse.random(n, 50, density=0.05, format="csr", random_state=0), np.arange(n) % 2


@pytest.mark.slow
@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("make", [large_pandas, large_polars, large_sparse])
def test_workers_map_large_tables_without_changing_them(make, cls):
    """Beyond a megabyte a buffer is mapped from a file, and read-only."""
    X, y = make(140_000)
    case = Case(SumsUp(), "factor", 1.0, 2.0, X, y)
    alone = case.search(cls, refit=False).fit(X, y)
    assert_scored_alike(case.search(cls, refit=False, n_jobs=2).fit(X, y), alone)


# -- splitters ------------------------------------------------------------------------------


def as_masks():
    for train, test in theirs.KFold(3).split(X):
        masks = np.zeros((2, N), dtype=bool)
        masks[0, train] = masks[1, test] = True
        yield tuple(masks)


SPLITTERS = {
    "number": lambda: 3,
    "generator": lambda: theirs.KFold(3).split(X),
    "list of arrays": lambda: list(theirs.KFold(3).split(X)),
    "lists of lists": lambda: [
        [train.tolist(), test.tolist()] for train, test in theirs.KFold(3).split(X)
    ],
    "masks": lambda: list(as_masks()),
    "overlapping and partial": lambda: [(range(30), range(20, 40)), (range(10, N), range(5))],
    "time": lambda: theirs.TimeSeriesSplit(3, gap=1),
    "predefined": lambda: theirs.PredefinedSplit(np.arange(N) % 4 - 1),
    "shuffle": lambda: theirs.ShuffleSplit(3, test_size=0.3, random_state=0),
    "stratified shuffle": lambda: theirs.StratifiedShuffleSplit(2, random_state=0),
    "repeated": lambda: theirs.RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
    "repeated plain": lambda: theirs.RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
    "one out": theirs.LeaveOneOut,
}
WITH_GROUPS = {
    "groups": lambda: theirs.GroupKFold(3),
    "one group out": theirs.LeaveOneGroupOut,
    "two groups out": lambda: theirs.LeavePGroupsOut(2),
    "stratified groups": lambda: theirs.StratifiedGroupKFold(3),
    "shuffled groups": lambda: theirs.GroupShuffleSplit(3, random_state=0),
}
FEW = np.arange(0, N, 4)  # for splitters with a fold a row, or more
OF_THE_WHOLE = {"generator", "list of arrays", "lists of lists", "masks", "predefined"}
OF_THE_WHOLE |= {"overlapping and partial"}


def splitter_case(name):
    """The data and the arguments of fit that a splitter goes with."""
    case = tree(X, y)
    if name in WITH_GROUPS:
        case.fit = {"groups": groups // 2 if name == "two groups out" else groups}
    elif name == "one out":
        case.X, case.y = X[FEW], y[FEW]
    return case, {**SPLITTERS, **WITH_GROUPS}[name]()


@pytest.mark.parametrize("cls", MOST)
@pytest.mark.parametrize("name", [*SPLITTERS, *WITH_GROUPS])
def test_folds_are_scikit_learns(name, cls):
    case, cv = splitter_case(name)
    search = case.search(cls, cv=cv).fit(case.X, case.y, **case.fit)
    if name == "generator":  # used up, for scikit-learn as well
        search.set_params(cv=SPLITTERS[name]())
    assert_scored_alike(search, same_candidates(search, case, case.X, case.y, **case.fit))


@pytest.mark.parametrize("cls", ONE)
@pytest.mark.parametrize("name", [*sorted(set(SPLITTERS) - OF_THE_WHOLE), *WITH_GROUPS])
def test_folds_of_the_rows_that_are_left_are_scikit_learns(name, cls):
    case, cv = splitter_case(name)
    search = case.search(cls, cv=cv, test_size=0.25).fit(case.X, case.y, **case.fit)
    left = np.setdiff1d(np.arange(len(case.y)), search.test_indices_)
    fit = {key: value[left] for key, value in case.fit.items()}
    assert_scored_alike(search, same_candidates(search, case, case.X[left], case.y[left], **fit))
    if name == "time":
        assert search.test_indices_.min() > left.max()
    if fit:
        test_groups = case.fit["groups"][search.test_indices_]
        assert not set(fit["groups"]) & set(test_groups)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", sorted(OF_THE_WHOLE))
def test_folds_of_all_rows_leave_none_to_set_aside(name, cls):
    case, cv = splitter_case(name)
    with pytest.raises(ValueError, match="test_size sets rows aside before the folds are made"):
        case.search(cls, cv=cv, test_size=0.25).fit(case.X, case.y)


@pytest.mark.parametrize("cls", CLASSES)
def test_groups_may_be_a_series_or_a_list(cls):
    pd = pytest.importorskip("pandas")
    case = Case(DecisionTreeRegressor(random_state=0), "max_depth", 1, 3, X, target)
    searches = [
        case.search(cls, cv=theirs.GroupKFold(3), test_size=0.25).fit(X, target, groups=same)
        for same in (groups, groups.tolist(), pd.Series(groups, index=range(N, 0, -1)))
    ]
    for search in searches[1:]:
        assert_scored_alike(search, searches[0])
        np.testing.assert_array_equal(search.test_indices_, searches[0].test_indices_)

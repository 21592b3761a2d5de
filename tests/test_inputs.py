"""Whatever scikit-learn takes as X and y: each search scores it as scikit-learn does."""

import joblib
import numpy as np
import pytest
import sklearn.model_selection as theirs
from input_cases import (
    CASES,
    CLASSES,
    MOST,
    ONE,
    Case,
    N,
    X,
    assert_scored_alike,
    letters,
    mixed_frame,
    names,
    same_candidates,
    y,
)
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import _safe_indexing as rows_of

pytestmark = pytest.mark.usefixtures("few_resamples")


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

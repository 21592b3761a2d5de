"""Data whose first column is the number of the row, and a double that records by it."""

import warnings

import numpy as np
import pytest
import sklearn
import sklearn.model_selection as theirs
from alike import TIMES
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score

N_ROWS = 60
X, y = make_classification(N_ROWS, 5, n_informative=3, flip_y=0.2, random_state=0)
X[:, 0] = np.arange(N_ROWS)  # a row's number, by which the doubles know it
weight = np.random.default_rng(0).uniform(0.1, 5, size=N_ROWS)
groups = np.arange(N_ROWS) % 12

routing_on_and_off = pytest.mark.parametrize("routing", [False, True], ids=["off", "on"])


@pytest.fixture
def routing_on():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class Recorder(ClassifierMixin, BaseEstimator):
    """Says what each call of ``fit`` and ``score`` was given, in the order of the calls."""

    fits: list = []
    scores: list = []

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y, sample_weight=None, per_row=None, scalar=None, table=None):
        Recorder.fits.append(
            {
                "rows": np.asarray(X)[:, 0].astype(int),
                "sample_weight": sample_weight,
                "per_row": per_row,
                "scalar": scalar,
                "table": table,
            }
        )
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 1] > self.shift).astype(int)]

    def score(self, X, y, sample_weight=None):
        rows = np.asarray(X)[:, 0].astype(int)
        Recorder.scores.append({"rows": rows, "sample_weight": sample_weight})
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)


@pytest.fixture
def recorder():
    Recorder.fits, Recorder.scores = [], []
    return Recorder()


def fit_quietly(search, *args, **params):
    """Fit where a scorer that takes no weights is no surprise."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"The scoring .* does not support sample_weight")
        return search.fit(*args, **params)


def their_table(search, *data, **params):
    """The table of scikit-learn's grid search over just those candidates, in their order."""
    listed = [
        {name: [value] for name, value in candidate.items()}
        for candidate in search.cv_results_["params"]
    ]
    owed = ("scoring", "cv", "refit", "error_score", "return_train_score")
    reference = theirs.GridSearchCV(
        clone(search.estimator), listed, **{name: getattr(search, name) for name in owed}
    )
    return fit_quietly(reference, *data, **params)


def assert_as_theirs(search, *data, **params):
    reference = their_table(search, *data, **params)
    for name, column in reference.cv_results_.items():
        if name not in TIMES | {"params"}:
            np.testing.assert_array_equal(search.cv_results_[name], column, err_msg=name)
    assert search.best_index_ == reference.best_index_
    assert search.best_params_ == reference.best_params_
    np.testing.assert_array_equal(search.predict(X), reference.predict(X))

"""The beginning of a pipeline is fitted once a fold for all that have it in common."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import skhpt.fold_rows
from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

X, y = load_iris(return_X_y=True)
GRID = {"svc__C": [0.1, 1.0, 10.0, 100.0]}
N_FOLDS = 3


class Counted(TransformerMixin, BaseEstimator):
    """Scales, and counts its fits."""

    fits = 0

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        Counted.fits += 1
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return self.factor * X


@pytest.fixture(autouse=True)
def _from_zero():
    Counted.fits = 0


def run(search):
    search.set_params(cv=N_FOLDS, refit=False, estimator=make_pipeline(Counted(), SVC()))
    return search.fit(X, y)


SEARCHES = {
    "grid": lambda: GridSearchCV(SVC(), GRID, racing=1e6),
    "random": lambda: RandomizedSearchCV(SVC(), GRID, n_iter=4, random_state=0, racing=1e6),
    "bayes": lambda: BayesSearchCV(
        SVC(), {"svc__C": (0.1, 100.0, "log-uniform")}, n_iter=4, random_state=0, racing=False
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_once_a_fold_when_only_the_last_step_is_searched(name):
    search = run(SEARCHES[name]())
    assert Counted.fits == N_FOLDS
    for row, params in enumerate(search.cv_results_["params"]):
        plain = cross_val_score(search.estimator.set_params(**params), X, y, cv=N_FOLDS)
        found = [search.cv_results_[f"split{k}_test_score"][row] for k in range(N_FOLDS)]
        np.testing.assert_array_equal(found, plain)


def test_once_for_each_configuration_of_the_beginning():
    grid = {"counted__factor": [0.1, 10.0], **GRID}
    run(GridSearchCV(SVC(), grid, racing=1e6))
    assert Counted.fits == 2 * N_FOLDS


def test_a_drop_in_fits_all_of_every_pipeline():
    run(GridSearchCV(SVC(), GRID))
    assert Counted.fits == 4 * N_FOLDS


def test_rows_that_are_many_are_not_kept(monkeypatch):
    monkeypatch.setattr(skhpt.fold_rows, "_MOST_BYTES", 1000)
    run(SEARCHES["grid"]())
    assert Counted.fits == 4 * N_FOLDS


def test_what_becomes_large_is_given_up(monkeypatch):
    class Widened(Counted):
        def transform(self, X):
            return np.tile(X, 100)

    monkeypatch.setattr(skhpt.fold_rows, "_MOST_BYTES", 10 * 2 * N_FOLDS * X.nbytes)
    search = GridSearchCV(make_pipeline(Widened(), SVC()), GRID, racing=1e6, cv=N_FOLDS)
    search.fit(X, y)
    assert Counted.fits == 4 * N_FOLDS + 1  # and the refit
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()

"""Data and comparisons for boosters that grow round by round."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skhpt.estimators.growing import Watched
from skhpt.estimators.growing_lightgbm import LightGBMGrower
from skhpt.estimators.growing_xgboost import XGBoostGrower

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

GROWERS = {"lightgbm": LightGBMGrower, "xgboost": XGBoostGrower}
LGBM = {"n_jobs": 1, "verbose": -1, "num_leaves": 7, "random_state": 3, "n_estimators": 9}
XGB = {"n_jobs": 1, "max_depth": 3, "random_state": 3, "n_estimators": 9}
SAMPLED = {"subsample": 0.7, "colsample_bytree": 0.6}
CHECKPOINTS = (1, 3, 8)


def names(value):
    """Name a test by its parameters, an estimator by its class."""
    return str(value) if isinstance(value, dict) else type(value).__name__


def lgbm(kind="Classifier", **params):
    return getattr(lightgbm, f"LGBM{kind}")(**{**LGBM, **params})


def xgb(kind="Classifier", **params):
    return getattr(xgboost, f"XGB{kind}")(**{**XGB, **params})


def rows(n=420, seed=0):
    """Ten columns: numbers with gaps, a rare flag, and one that never changes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    X[:, 3] = np.round(X[:, 3])
    X[rng.random((n, 10)) < 0.05] = np.nan
    X[:, 8] = rng.random(n) < 0.03
    X[:, 9] = 1.0
    return X


def score(X):
    X = np.nan_to_num(X)
    return X[:, 0] + X[:, 1] * X[:, 2] + 2 * X[:, 8] + np.sin(3 * X[:, 4])


def classes_of(X, n_classes, seed=1):
    noisy = score(X) + np.random.default_rng(seed).normal(size=len(X))
    edges = np.quantile(noisy, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.searchsorted(edges, noisy)


def targets_of(X, seed=1):
    return np.exp(0.5 * score(X) + 0.3 * np.random.default_rng(seed).normal(size=len(X)))


def frame_of(X):
    """The same rows as a frame, with missing values in its categories."""
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    numbered = frame["c3"].map(lambda value: None if np.isnan(value) else f"{value:.0f}")
    frame["c3"] = pd.Categorical(numbered)
    words = np.array(["x", "y", "z"])[np.digitize(np.nan_to_num(X[:, 5]), [-0.5, 0.5])]
    frame["c5"] = pd.Categorical(np.where(np.isnan(X[:, 5]), None, words))
    frame["c6"] = frame["c6"].astype("float32")
    frame["c8"] = frame["c8"].fillna(0).astype(int)
    return frame


class Case:
    """Rows to train on and to watch."""

    def __init__(self, X, y, **fit_params):
        n = 300
        take = X.iloc if hasattr(X, "iloc") else X
        self.X, self.watched = take[:n], Watched(take[n:], y[n:])
        self.y = y[:n]
        self.fit_params = {name: value[:n] for name, value in fit_params.items()}

    def start(self, estimator, shared=None):
        grower = GROWERS[type(estimator).__module__.partition(".")[0]]()
        assert grower.supports(estimator, self.fit_params)
        return grower.start(
            clone(estimator),
            self.X,
            self.y,
            self.watched,
            self.fit_params,
            {} if shared is None else shared,
        )

    def fit(self, estimator, n_rounds):
        model = clone(estimator).set_params(n_estimators=n_rounds)
        return model.fit(self.X, self.y, **self.fit_params)


def native_text(model):
    if hasattr(model, "booster_"):
        return model.booster_.model_to_string()
    return bytes(model.get_booster().save_raw("ubj"))


def methods_of(estimator):
    names = ("predict", "predict_proba", "decision_function")
    return [name for name in names if hasattr(estimator, name)]


def assert_same_model(case, grown, plain):
    assert native_text(grown) == native_text(plain)
    for method in methods_of(plain):
        ours, theirs = (getattr(m, method)(case.watched.X) for m in (grown, plain))
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def assert_same_answers(growth, plain, X):
    for method in methods_of(plain):
        told, expected = growth.answer(method), getattr(plain, method)(X)
        assert told.shape == expected.shape
        assert told.dtype == expected.dtype
        if told.dtype.kind == "f":
            np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(told, expected)


def assert_grows_like_fit(case, estimator, shared=None):
    growth = case.start(estimator, shared)
    fits = {k: case.fit(estimator, k) for k in CHECKPOINTS}
    for k, plain in fits.items():
        growth.grow(k)
        assert growth.n_rounds == k
        assert_same_answers(growth, plain, case.watched.X)
    for k, plain in fits.items():
        assert_same_model(case, growth.fitted(k), plain)


X = rows()
BINARY = Case(X, classes_of(X, 2))
WORDS = Case(X, np.array(["no", "yes"])[classes_of(X, 2)])
THREE = Case(X, classes_of(X, 3))
COUNTS = Case(X, np.round(targets_of(X)))
POSITIVE = Case(X, targets_of(X))
WEIGHT = np.random.default_rng(5).random(len(X)) + 0.1

"""Growing scikit-learn's estimators gives what their own fit gives, bit for bit."""

import copy
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale
from sklearn.utils.validation import has_fit_parameter

from skhpt.estimators.growing import Watched
from skhpt.estimators.growing_sklearn import (
    GradientBoostingGrower,
    HistGradientBoostingGrower,
    MLPGrower,
)

CHECKPOINTS = (1, 4, 5, 12)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
WEIGHTS = {"sample_weight": np.random.default_rng(1).integers(0, 4, 300).astype(float)}


def classes(n_classes=2, n=300):
    X, y = make_classification(
        n + 100, 8, n_informative=5, n_classes=n_classes, flip_y=0.2, random_state=0
    )
    return scale(X), np.array(["a", "b", "c", "d"])[y]


def targets(n=300, **options):
    X, y = make_regression(n + 100, 8, noise=20.0, random_state=0, **options)
    return scale(X), scale(y)


def with_nan(data):
    X, y = data
    X = X.copy()
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    return X, y


def with_categories(data, frame):
    X, y = data
    X = X.copy()
    X[:, 2] = np.digitize(X[:, 2], [-1, -0.5, 0, 0.5, 1])
    X[:, 5] = np.digitize(X[:, 5], [-0.5, 0.5])
    if not frame:
        return X, y
    X = pd.DataFrame(X, columns=list("abcdefgh"))
    return X.assign(c=X.c.map("v{}".format).astype("category"), f=X.f.astype("category")), y


def positive(data):
    X, y = data
    return X, np.exp(y)


def as_type(convert, data):
    X, y = data
    return convert(X), y


def several_labels():
    X, y = targets()
    return X, (np.column_stack([y, X[:, 0], -y]) > 0).astype(int)


HC, HR = HistGradientBoostingClassifier, HistGradientBoostingRegressor
GC, GR = GradientBoostingClassifier, GradientBoostingRegressor
OFF = {"early_stopping": False, "random_state": 3, "min_samples_leaf": 5}
NET = {"random_state": 3, "hidden_layer_sizes": (7, 4), "learning_rate_init": 0.01}
SGD = {**NET, "solver": "sgd"}

HIST = {
    "binary": (HC(**OFF), classes(), {}),
    "classes": (HC(**OFF), classes(4), {}),
    "class_weight": (HC(class_weight="balanced", **OFF), classes(3), {}),
    "weights": (HC(**OFF), classes(3), WEIGHTS),
    "columns": (HC(max_features=0.4, **OFF), classes(4), {}),
    "auto": (HC(random_state=0), classes(), {}),
    "bins": (HC(max_bins=9, max_depth=3, l2_regularization=1.0, **OFF), classes(), {}),
    "warm": (HC(warm_start=True, **OFF), classes(), {}),
    "regression": (HR(max_features=0.5, **OFF), targets(), WEIGHTS),
    "stream": (HR(**{**OFF, "random_state": np.random.RandomState(5)}), targets(), {}),
    "nan": (HR(**OFF), with_nan(targets()), {}),
    "monotonic": (HR(monotonic_cst=[1, 0, -1, 0, 0, 1, 0, 0], **OFF), targets(), {}),
    "interactions": (HR(interaction_cst="pairwise", **OFF), targets(), {}),
    "explicit": (HR(categorical_features=[2, 5], **OFF), with_categories(targets(), False), {}),
    "from_dtype": (
        HR(max_features=0.5, monotonic_cst={"a": 1}, **OFF),
        with_categories(targets(), True),
        WEIGHTS,
    ),
    "absolute": (HR(loss="absolute_error", **OFF), targets(), {}),
    "quantile": (HR(loss="quantile", quantile=0.7, **OFF), targets(), WEIGHTS),
    "poisson": (HR(loss="poisson", **OFF), positive(targets()), {}),
    "gamma": (HR(loss="gamma", **OFF), positive(targets()), {}),
}
TREES = {
    "binary": (GC(random_state=3), classes(), {}),
    "classes": (GC(random_state=3, subsample=0.6), classes(4), {}),
    "exponential": (GC(random_state=3, loss="exponential"), classes(), {}),
    "weights": (GC(random_state=3, subsample=0.5, max_features=3), classes(3), WEIGHTS),
    "init": (GC(init=LogisticRegression(), random_state=3), classes(3), {}),
    "zero": (GC(init="zero", random_state=3), classes(), {}),
    "regression": (GR(random_state=3, subsample=0.7, max_features="sqrt"), targets(), WEIGHTS),
    "linear init": (GR(init=LinearRegression(), random_state=3, ccp_alpha=0.01), targets(), {}),
    "stream": (GR(random_state=np.random.RandomState(5), subsample=0.7), targets(), {}),
    "huber": (GR(loss="huber", random_state=3, max_leaf_nodes=6), targets(), {}),
    "quantile": (GR(loss="quantile", alpha=0.3, random_state=3), targets(), {}),
    "csr": (GC(random_state=3, subsample=0.6), as_type(sparse.csr_matrix, classes(3)), {}),
    "csc": (GR(random_state=3), as_type(sparse.csc_matrix, targets()), WEIGHTS),
    "frame": (GR(random_state=3), as_type(pd.DataFrame, targets()), {}),
}
NETS = {
    "binary": (MLPClassifier(**NET), classes(), {}),
    "classes": (MLPClassifier(batch_size=32, **NET), classes(4), {}),
    "labels": (MLPClassifier(**NET), several_labels(), {}),
    "weights": (MLPClassifier(batch_size=32, **NET), classes(3), WEIGHTS),
    "in order": (MLPClassifier(shuffle=False, batch_size=64, **NET), classes(3), {}),
    "regression": (MLPRegressor(batch_size=50, **NET), targets(), WEIGHTS),
    "outputs": (MLPRegressor(batch_size=64, **NET), targets(n_targets=3), {}),
    "sgd": (MLPClassifier(momentum=0.8, **SGD), classes(3), {}),
    "no nesterov": (MLPRegressor(nesterovs_momentum=False, **SGD), targets(), {}),
    "invscaling": (MLPClassifier(learning_rate="invscaling", **SGD), classes(), {}),
    "adaptive": (
        MLPClassifier(learning_rate="adaptive", n_iter_no_change=1, tol=0.02, **SGD),
        classes(),
        {},
    ),
    "stops": (MLPRegressor(n_iter_no_change=2, tol=0.05, **NET), targets(), {}),
    "stream": (MLPRegressor(**{**NET, "random_state": np.random.RandomState(5)}), targets(), {}),
    "warm": (MLPClassifier(warm_start=True, **NET), classes(), {}),
    "frame": (MLPClassifier(batch_size=32, **NET), as_type(pd.DataFrame, classes()), {}),
    "float32": (MLPClassifier(batch_size=32, **NET), as_type(np.float32, classes()), {}),
    "fortran": (MLPClassifier(batch_size=32, **NET), as_type(np.asfortranarray, classes()), {}),
    "csr": (MLPClassifier(batch_size=32, **NET), as_type(sparse.csr_matrix, classes()), {}),
    "csc": (MLPRegressor(batch_size=32, **NET), as_type(sparse.csc_matrix, targets()), {}),
}
FAMILIES = (
    (HistGradientBoostingGrower(), HIST),
    (GradientBoostingGrower(), TREES),
    (MLPGrower(), NETS),
)
CASES = [
    pytest.param(grower, *case, id=f"{type(case[0]).__name__}-{name}")
    for grower, cases in FAMILIES
    for name, case in cases.items()
]
cases = pytest.mark.parametrize(("grower", "estimator", "data", "weights"), CASES)


def halves(data, n=300):
    X, y = data
    X = X.tocsr() if sparse.issparse(X) else X
    parts = (X.iloc[:n], X.iloc[n:]) if hasattr(X, "iloc") else (X[:n], X[n:])
    if sparse.issparse(data[0]) and data[0].format == "csc":
        parts = tuple(part.tocsc() for part in parts)
    if isinstance(X, np.ndarray) and X.flags.f_contiguous:
        parts = tuple(np.asfortranarray(part) for part in parts)
    return (parts[0], y[:n]), Watched(parts[1], y[n:])


def begin(grower, estimator, data, weights):
    (X, y), watched = halves(data)
    return grower.start(clone(estimator), X, y, watched, weights, {}), watched


def fit_quietly(model, data, weights):
    (X, y), _ = halves(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, **weights)


FITS = {}


def its_own_fit(grower, estimator, data, weights, k):
    key = id(estimator), k  # the estimators of the table live as long as this module
    if key not in FITS:
        FITS[key] = fit_quietly(
            clone(estimator).set_params(**{grower.rounds: k}), data, weights
        )
    return FITS[key]


def needs_weights(estimator, weights):
    if weights and not has_fit_parameter(estimator, "sample_weight"):
        pytest.skip("this scikit-learn's networks take no sample weights")


def same_answers(model, other, X):
    for method in METHODS:
        assert hasattr(model, method) == hasattr(other, method)
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(model, method)(X), getattr(other, method)(X))


def numbers(model):
    """All that fit has left in public attributes and that consists of numbers or strings."""
    found = {}
    for name in dir(type(model)) + list(vars(model)):
        if not name.endswith("_") or name.startswith("_"):
            continue
        values = getattr(model, name, None)
        values = values if isinstance(values, list) else [values]
        arrays = [np.asarray(value) for value in values if not callable(value)]
        if all(array.dtype != object for array in arrays):
            found[name] = arrays
    return found


@cases
def test_every_answer_is_that_of_fit(grower, estimator, data, weights):
    needs_weights(estimator, weights)
    assert grower.supports(estimator, weights, n_samples=300)
    growth, watched = begin(grower, estimator, data, weights)
    assert growth.n_rounds == 0
    for k in CHECKPOINTS:
        growth.grow(k)
        expected = its_own_fit(grower, estimator, data, weights, k)
        for method in METHODS:
            if hasattr(expected, method):
                answer = growth.answer(method)
                np.testing.assert_array_equal(answer, getattr(expected, method)(watched.X))
                assert growth.answer(method).dtype == answer.dtype
            else:
                with pytest.raises(AttributeError):
                    growth.answer(method)


@cases
def test_fitted_is_what_fit_leaves(grower, estimator, data, weights):
    needs_weights(estimator, weights)
    growth, watched = begin(grower, estimator, data, weights)
    for k in CHECKPOINTS:
        growth.grow(k)
    for k in (*CHECKPOINTS, *((2, 11) if grower.goes_back else ())):
        expected = its_own_fit(grower, estimator, data, weights, k)
        model = growth.fitted(k)
        assert type(model) is type(estimator)
        given = clone(estimator).set_params(**{grower.rounds: k})
        assert repr(model.get_params()) == repr(given.get_params()) or "Random" in repr(given)
        same_answers(model, expected, watched.X)
        same_answers(pickle.loads(pickle.dumps(model)), expected, watched.X)
        same_answers(copy.deepcopy(model), expected, watched.X)
        ours, theirs = numbers(model), numbers(expected)
        assert set(ours) == set(theirs)
        for name in theirs:
            for a, b in zip(ours[name], theirs[name], strict=True):
                np.testing.assert_array_equal(a, b, err_msg=name)


@cases
def test_looking_changes_nothing(grower, estimator, data, weights):
    needs_weights(estimator, weights)
    looked, watched = begin(grower, estimator, data, weights)
    other, _ = begin(grower, estimator, data, weights)
    for k in CHECKPOINTS:
        looked.grow(k)
        looked.answer("predict")
        looked.answer("predict")
        looked.loss()
        fit_quietly(looked.fitted(k), data, weights)
    other.grow(CHECKPOINTS[-1])
    np.testing.assert_array_equal(looked.answer("predict"), other.answer("predict"))
    same_answers(looked.fitted(looked.n_rounds), other.fitted(other.n_rounds), watched.X)

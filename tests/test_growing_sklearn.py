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
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, mean_pinball_loss, mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from skhpt._compat import openmp_threads
from skhpt.estimators.growing import Watched
from skhpt.estimators.growing_networks import MLPGrower
from skhpt.estimators.growing_sklearn import GradientBoostingGrower, HistGradientBoostingGrower

pytestmark = pytest.mark.usefixtures("one_thread")

CHECKPOINTS = (1, 4, 7)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
WEIGHTS = {"sample_weight": np.random.default_rng(1).integers(0, 4, 200).astype(float)}


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for a busy core would take the time of all of these tests.

    And how many of them share a product of matrices decides its last bits.
    """
    with openmp_threads(1), threadpool_limits(1):
        yield


def classes(n_classes=2, n=200):
    X, y = make_classification(n + 100, 8, n_informative=5, n_classes=n_classes, random_state=0)
    return scale(X), np.array(["a", "b", "c", "d"])[y]


def coded(data):
    return data[0], np.unique(data[1], return_inverse=True)[1]


def targets(n=200, **options):
    X, y = make_regression(n + 100, 8, noise=20.0, random_state=0, **options)
    return scale(X), scale(y)


def with_nan(data):
    X, y = data
    return np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X), y


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
    return data[0], np.exp(data[1])


def as_type(convert, data):
    return convert(data[0]), data[1]


def several_labels():
    X, y = targets()
    return X, (np.column_stack([y, X[:, 0], -y]) > 0).astype(int)


HC, HR = HistGradientBoostingClassifier, HistGradientBoostingRegressor
GC, GR = GradientBoostingClassifier, GradientBoostingRegressor
OFF = {"early_stopping": False, "random_state": 3, "min_samples_leaf": 5, "max_leaf_nodes": 8}
NET = {"random_state": 3, "hidden_layer_sizes": (7, 4), "learning_rate_init": 0.01}
SGD = {**NET, "solver": "sgd"}
ADAPTIVE = {**SGD, "learning_rate": "adaptive"}

HIST = {
    "binary": (HC(**OFF), classes(), {}),
    "classes": (HC(**OFF), classes(4), {}),
    "class_weight": (HC(class_weight="balanced", max_bins=20, **OFF), classes(3), {}),
    "weights": (HC(max_bins=30, **OFF), classes(3), WEIGHTS),
    "columns": (HC(max_features=0.4, **OFF), classes(4), {}),
    "auto": (HC(random_state=0), classes(), {}),
    "bins": (HC(max_bins=9, max_depth=3, l2_regularization=1.0, **OFF), classes(), {}),
    "warm": (HC(warm_start=True, **OFF), classes(), {}),
    "regression": (HR(max_features=0.5, max_bins=30, **OFF), targets(), WEIGHTS),
    "stream": (HR(**{**OFF, "random_state": np.random.RandomState(5)}), targets(), {}),
    "nan": (HR(**OFF), with_nan(targets()), {}),
    "monotonic": (HR(monotonic_cst=[1, 0, -1, 0, 0, 1, 0, 0], **OFF), targets(), {}),
    "interactions": (HR(interaction_cst="pairwise", **OFF), targets(), {}),
    "explicit": (HR(categorical_features=[2, 5], **OFF), with_categories(targets(), False), {}),
    "from_dtype": (HR(monotonic_cst={"a": 1}, **OFF), with_categories(targets(), True), WEIGHTS),
    "absolute": (HR(loss="absolute_error", **OFF), targets(), {}),
    "quantile": (HR(loss="quantile", quantile=0.7, max_bins=30, **OFF), targets(), WEIGHTS),
    "poisson": (HR(loss="poisson", **OFF), positive(targets()), {}),
    "gamma": (HR(loss="gamma", **OFF), positive(targets()), {}),
}
TREES = {
    "binary": (GC(random_state=3), classes(), {}),
    "classes": (GC(random_state=3, subsample=0.6), classes(4), {}),
    "exponential": (GC(random_state=3, loss="exponential"), classes(), {}),
    "weights": (GC(random_state=3, subsample=0.5, max_features=3), classes(3), WEIGHTS),
    "init": (GC(init=GaussianNB(), random_state=3), classes(3), {}),
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
    "adaptive": (MLPClassifier(n_iter_no_change=1, tol=0.02, **ADAPTIVE), classes(), {}),
    "stops": (MLPRegressor(n_iter_no_change=2, tol=0.05, **NET), targets(), {}),
    "stream": (MLPRegressor(**{**NET, "random_state": np.random.RandomState(5)}), targets(), {}),
    "warm": (MLPClassifier(warm_start=True, **NET), classes(), {}),
    "frame": (MLPClassifier(batch_size=32, **NET), as_type(pd.DataFrame, classes()), {}),
    "float32": (MLPClassifier(batch_size=32, **NET), as_type(np.float32, classes()), {}),
    "fortran": (MLPClassifier(batch_size=32, **NET), as_type(np.asfortranarray, classes()), {}),
    "csr": (MLPClassifier(batch_size=32, **NET), as_type(sparse.csr_matrix, classes()), {}),
    "csc": (MLPRegressor(batch_size=32, **NET), as_type(sparse.csc_matrix, targets()), {}),
}
HELD_OUT = {"early_stopping": True, "validation_fraction": 0.2, **NET}
# 1.6 cannot hold rows out whose labels are strings.
HELD_OUT_CASES = {
    "binary": (MLPClassifier(**HELD_OUT), coded(classes()), {}),
    "classes": (MLPClassifier(batch_size=32, **HELD_OUT), coded(classes(4)), {}),
    "weights": (MLPClassifier(batch_size=32, **HELD_OUT), coded(classes(3)), WEIGHTS),
    "regression": (MLPRegressor(batch_size=50, **HELD_OUT), targets(), WEIGHTS),
    "in order": (MLPRegressor(shuffle=False, batch_size=64, **HELD_OUT), targets(), {}),
    "adaptive": (
        MLPClassifier(n_iter_no_change=1, **{**HELD_OUT, **ADAPTIVE}),
        coded(classes()),
        {},
    ),
    "stops": (MLPClassifier(n_iter_no_change=1, tol=0.1, **HELD_OUT), coded(classes()), {}),
    "fortran": (MLPClassifier(**HELD_OUT), as_type(np.asfortranarray, coded(classes())), {}),
    "csr": (MLPClassifier(**HELD_OUT), as_type(sparse.csr_matrix, coded(classes(3))), {}),
    "overflows": (MLPRegressor(**{**HELD_OUT, **SGD, "learning_rate_init": 1e200}), targets(), {}),
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


def halves(data, n=200):
    X, y = data
    parts = (X.iloc[:n], X.iloc[n:]) if hasattr(X, "iloc") else (X[:n], X[n:])
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
    key = id(estimator), k
    if key not in FITS:
        model = fit_quietly(clone(estimator).set_params(**{grower.rounds: k}), data, weights)
        FITS[key] = model, estimator  # which is kept, as its id would be given to another
    return FITS[key][0]


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


def same_numbers(model, other):
    ours, theirs = numbers(model), numbers(other)
    assert set(ours) == set(theirs)
    for name in theirs:
        for a, b in zip(ours[name], theirs[name], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


@cases
def test_a_growth_says_and_leaves_what_fit_does(grower, estimator, data, weights):
    needs_weights(estimator, weights)
    assert grower.supports(estimator, weights, n_samples=200)
    growth, watched = begin(grower, estimator, data, weights)
    assert growth.n_rounds == 0
    for k in CHECKPOINTS:
        growth.grow(k)
        expected = its_own_fit(grower, estimator, data, weights, k)
        for method in METHODS:
            if hasattr(expected, method):
                theirs = getattr(expected, method)(watched.X)
                np.testing.assert_array_equal(growth.answer(method), theirs, strict=True)
            else:
                with pytest.raises(AttributeError):
                    growth.answer(method)
    for k in (*CHECKPOINTS, *((2, 6) if grower.goes_back else ())):
        expected = its_own_fit(grower, estimator, data, weights, k)
        model = growth.fitted(k)
        assert type(model) is type(estimator)
        if not isinstance(estimator.random_state, np.random.RandomState):
            given = clone(estimator).set_params(**{grower.rounds: k})
            assert repr(model.get_params()) == repr(given.get_params())
        same_numbers(model, expected)
        same_answers(model, expected, watched.X)
        same_answers(pickle.loads(pickle.dumps(model)), expected, watched.X)


@pytest.mark.parametrize(
    ("estimator", "data", "weights"), HELD_OUT_CASES.values(), ids=list(HELD_OUT_CASES)
)
@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
def test_a_network_that_holds_rows_out_climbs_as_it_is_fitted(estimator, data, weights):
    needs_weights(estimator, weights)
    grower = MLPGrower()
    assert grower.climbs(estimator, weights)
    growth, watched = begin(grower, estimator, data, weights)
    for k in CHECKPOINTS:
        growth.grow(k)
    for k in CHECKPOINTS:
        expected, model = its_own_fit(grower, estimator, data, weights, k), growth.fitted(k)
        assert repr(model.get_params()) == repr(expected.get_params())
        same_numbers(model, expected)
        same_answers(pickle.loads(pickle.dumps(model)), expected, watched.X)


@pytest.mark.parametrize(
    ("grower", "estimator", "data", "weights"),
    [c for c in CASES if c.id.endswith(("-columns", "-from_dtype", "-stream", "-init", "-sgd"))],
)
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


UNSUPPORTED = {
    "stops": (HistGradientBoostingGrower(), HC(early_stopping=True), {}, 300),
    "stops by rows": (HistGradientBoostingGrower(), HC(), {}, 10_001),
    "rows unknown": (HistGradientBoostingGrower(), HR(), {}, None),
    "X_val": (HistGradientBoostingGrower(), HC(early_stopping=False), {"X_val": 0}, 300),
    "draws on": (HistGradientBoostingGrower(), HC(warm_start=True, max_features=0.5), {}, 300),
    "n_iter_no_change": (GradientBoostingGrower(), GC(n_iter_no_change=5), {}, 300),
    "monitor": (GradientBoostingGrower(), GR(), {"monitor": print}, 300),
    "warm_start": (GradientBoostingGrower(), GR(warm_start=True), {}, 300),
    "lbfgs": (MLPGrower(), MLPClassifier(solver="lbfgs"), {}, 300),
    "early_stopping": (MLPGrower(), MLPRegressor(early_stopping=True), {}, 300),
    "unknown": (MLPGrower(), MLPRegressor(), {"groups": 0}, 300),
}


@pytest.mark.parametrize(
    ("grower", "estimator", "fit_params", "n_samples"), UNSUPPORTED.values(), ids=UNSUPPORTED
)
def test_what_fit_does_otherwise_is_not_supported(grower, estimator, fit_params, n_samples):
    assert not grower.supports(estimator, fit_params, n_samples=n_samples)


@pytest.mark.parametrize("n", [10_000, 10_001])
def test_auto_stops_where_the_library_does(n):
    model = HR(max_iter=1).fit(np.arange(n)[:, None], np.arange(n))
    supported = HistGradientBoostingGrower().supports(HR(), {}, n_samples=n)
    assert supported != model.do_early_stopping_


def test_weights_that_fit_has_no_parameter_for_are_not_supported():
    knows = has_fit_parameter(MLPClassifier(), "sample_weight")
    assert MLPGrower().supports(MLPClassifier(), WEIGHTS) == knows


@pytest.mark.parametrize(
    ("grower", "case"), [(g, c["binary"]) for g, c in FAMILIES], ids=["hist", "trees", "nets"]
)
def test_rounds_out_of_order_are_named(grower, case):
    growth, _ = begin(grower, *case)
    for look in (lambda: growth.answer("predict"), lambda: growth.fitted(0)):
        with pytest.raises(ValueError, match="n_rounds must be between 1 and the 0 rounds"):
            look()
    growth.grow(4)
    growth.grow(4)
    with pytest.raises(ValueError, match="at least the 4 rounds that are trained, got 3"):
        growth.grow(3)
    with pytest.raises(ValueError, match=r"the 4 rounds that are trained, got 5. Call grow\(5\)"):
        growth.fitted(5)


def test_an_epoch_of_a_larger_network_or_of_smaller_batches_costs_more():
    def cost(**params):
        growth, _ = begin(MLPGrower(), MLPClassifier(**{**NET, **params}), classes(), {})
        growth.grow(1)
        (again, _) = begin(MLPGrower(), MLPClassifier(**{**NET, **params}), classes(), {})
        again.restore(growth.state())
        assert again.round_cost == growth.round_cost
        return growth.round_cost

    small = cost()
    assert cost(hidden_layer_sizes=(200, 200)) > cost(hidden_layer_sizes=(200,)) > small
    assert cost(batch_size=20) > 5 * cost(batch_size=200)
    assert cost(batch_size=200) == small
    assert cost(alpha=1.0, activation="tanh") == small


def test_networks_go_back_to_where_they_were_looked_at_only():
    growth, _ = begin(MLPGrower(), *NETS["binary"])
    growth.grow(2)
    growth.grow(5)
    growth.fitted(2)
    with pytest.raises(ValueError, match=r"one of \[2, 5\], got 3"):
        growth.fitted(3)


@pytest.mark.parametrize(
    "options", [{}, SGD, ADAPTIVE, {"n_iter_no_change": 1, "shuffle": False}], ids=str
)
def test_a_network_stops_where_fit_stops(options):
    options = {"tol": 0.05, "n_iter_no_change": 3, "batch_size": 100, **NET, **options}
    estimator, data = MLPRegressor(**options), targets()
    expected = its_own_fit(MLPGrower(), estimator, data, {}, 500)
    assert expected.n_iter_ < 500
    growth, watched = begin(MLPGrower(), estimator, data, {})
    growth.grow(expected.n_iter_ - 1)
    assert not growth.finished
    growth.grow(expected.n_iter_ + 7)
    assert growth.finished
    assert growth.n_rounds == expected.n_iter_
    growth.grow(500)
    assert growth.n_rounds == expected.n_iter_
    model = growth.fitted(500)
    assert model.max_iter == 500
    assert model.n_iter_ == expected.n_iter_
    same_answers(model, expected, watched.X)


def test_a_fitted_network_trains_on_as_after_fit():
    grower, case = MLPGrower(), NETS["binary"]
    growth, watched = begin(grower, *case)
    growth.grow(3)
    model, expected = growth.fitted(3), copy.deepcopy(its_own_fit(grower, *case, 3))
    (X, y), _ = halves(case[1])
    same_answers(model.partial_fit(X, y), expected.partial_fit(X, y), watched.X)


def test_a_fitted_booster_trains_on_as_after_fit():
    grower, case = HistGradientBoostingGrower(), HIST["warm"]
    growth, watched = begin(grower, *case)
    growth.grow(6)
    (X, y), _ = halves(case[1])
    model = growth.fitted(3).set_params(max_iter=5).fit(X, y)
    same_answers(model, its_own_fit(grower, *case, 5), watched.X)


def test_batches_larger_than_the_rows_warn_once():
    estimator = MLPClassifier(batch_size=1000, **NET)
    growth, watched = begin(MLPGrower(), estimator, classes(), {})
    with pytest.warns(UserWarning, match="batch_size") as seen:
        growth.grow(4)
    assert len(seen) == 1
    with pytest.warns(UserWarning, match="batch_size"):
        expected = its_own_fit(MLPGrower(), estimator, classes(), {}, 4)
    assert growth.fitted(4).batch_size == 1000
    same_answers(growth.fitted(4), expected, watched.X)


def test_an_interrupt_is_not_swallowed():
    growth, _ = begin(MLPGrower(), *NETS["binary"])
    growth.grow(1)
    growth._model._backprop = lambda *args: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        growth.grow(3)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(4)], ids=["none", "stream"])
def test_a_network_keeps_its_stream_to_itself(random_state):
    estimator = MLPClassifier(**{**NET, "random_state": random_state})
    np.random.seed(0)  # noqa: NPY002
    alone, _ = begin(MLPGrower(), estimator, classes(), {})
    alone.grow(4)
    np.random.seed(0)  # noqa: NPY002
    beside, watched = begin(MLPGrower(), estimator, classes(), {})
    for k in range(1, 5):
        np.random.random()  # noqa: NPY002
        beside.grow(k)
    same_answers(beside.fitted(4), alone.fitted(4), watched.X)
    assert (beside.fitted(4).random_state is None) == (random_state is None)


@cases
def test_loss_is_what_the_estimator_minimises(grower, estimator, data, weights):
    needs_weights(estimator, weights)
    growth, watched = begin(grower, estimator, data, weights)
    growth.grow(5)
    loss = growth.loss()
    assert isinstance(loss, float)
    if math.isnan(loss):
        assert getattr(estimator, "loss", "") in ("huber", "exponential") or watched.y.ndim == 2
    elif hasattr(estimator, "predict_proba"):
        assert loss == log_loss(watched.y, growth.answer("predict_proba"))
    elif estimator.loss == "squared_error":
        assert loss == mean_squared_error(watched.y, growth.answer("predict"))
    elif estimator.loss == "quantile":
        level = getattr(estimator, "quantile", None) or estimator.alpha
        assert loss == mean_pinball_loss(watched.y, growth.answer("predict"), alpha=level)


def test_loss_of_a_class_that_is_not_trained_on_is_unknown():
    (X, y), watched = halves(classes(3))
    few = y != "c"
    growth = MLPGrower().start(MLPClassifier(**NET), X[few], y[few], watched, {}, {})
    growth.grow(2)
    assert math.isnan(growth.loss())


def test_a_deviance_of_what_it_forbids_is_unknown():
    (X, y), watched = halves(positive(targets()))
    growth = HistGradientBoostingGrower().start(
        HR(loss="gamma", **OFF), X, y, watched._replace(y=-watched.y), {}, {}
    )
    growth.grow(2)
    assert math.isnan(growth.loss())

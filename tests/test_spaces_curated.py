"""Curated spaces: every name and every draw works, on every tier and size of data."""

import contextlib
import importlib
import inspect
import math
import warnings
from dataclasses import replace

import joblib
import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR
from sklearn.utils import all_estimators
from threadpoolctl import ThreadpoolController
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from skhpt import RandomizedSearchCV
from skhpt.estimators import DataFacts, expecting, space_for, space_for_facts
from skhpt.estimators.mlp import NETWORK
from skhpt.estimators.ranges import SIZES
from skhpt.estimators.registry import families, family_of
from skhpt.space import Layers, When, parse

THREADS = ThreadpoolController()

BOOSTERS = [LGBMClassifier, LGBMRegressor, XGBClassifier, XGBRegressor]
BOOSTERS += [XGBRFClassifier, XGBRFRegressor]
CATBOOST = []
with contextlib.suppress(ImportError):
    catboost = importlib.import_module("catboost")
    CATBOOST = [catboost.CatBoostClassifier, catboost.CatBoostRegressor]
OURS = {name for family in families() if family.library == "sklearn" for name in family.names}
CLASSES = [*BOOSTERS, *CATBOOST, *(cls for name, cls in all_estimators() if name in OURS)]
by_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
by_size = pytest.mark.parametrize("size", SIZES)


def make(cls, **params):
    """An instance that trains little, in one thread, and tells of unknown parameters."""
    known = inspect.signature(cls.__init__).parameters
    if cls in CATBOOST:
        own = {"verbose": False, "allow_writing_files": False, "thread_count": 1, "iterations": 5}
        return cls(**{**own, **params})
    quiet = {"n_jobs": 1} if issubclass(cls, tuple(BOOSTERS)) else {}
    if cls in (LGBMClassifier, LGBMRegressor):
        quiet["verbose"] = 0  # warnings, no information
    if "random_state" in known:
        quiet["random_state"] = 0
    if "n_estimators" in known and "Boost" not in cls.__name__:
        quiet["n_estimators"] = 5
    return cls(**{**quiet, **params})


def data(estimator, n, n_classes=2, seed=0):
    if is_classifier(estimator):
        return make_classification(n, 6, n_informative=4, n_classes=n_classes, random_state=seed)
    X, y = make_regression(n, 6, noise=1.0, random_state=seed)
    return X, 1000.0 * y


def space_of(definition):
    [(space, _)] = parse(definition)
    return space


def bounds(entry):
    return entry.what if isinstance(entry, When) else entry


@contextlib.contextmanager
def no_warning_but_convergence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        # scikit-learn 1.6 passes SciPy an option that SciPy 1.17 no longer likes
        warnings.filterwarnings("ignore", "scipy.optimize: The `disp`", DeprecationWarning)
        yield


def fit_briefly(estimator, params, X, y):
    """Fit with few rounds or epochs: it is the parameters that are tried."""
    few = {name: 3 for name in ("n_estimators", "max_iter", "iterations") if name in params}
    with no_warning_but_convergence(), THREADS.limit(limits=1):
        return clone(estimator).set_params(**{**params, **few}).fit(X, y)


# -- every name, every draw --------------------------------------------------------------------


def test_every_family_is_among_the_subjects():
    tested = {family_of(cls()).names for cls in CLASSES}
    there = [family for family in families() if CATBOOST or family.library != "catboost"]
    assert tested == {family.names for family in there}


@by_size
@by_class
def test_every_name_is_a_parameter(cls, size):
    space = space_for(make(cls), size=size)
    takes_more = cls in (LGBMClassifier, LGBMRegressor)
    known = {*make(cls).get_params(), *inspect.signature(cls.__init__).parameters}
    for name in set(space) - known:
        assert takes_more, f"{cls.__name__} has no parameter {name}"


@pytest.mark.parametrize("n", [60, 300])
@by_size
@by_class
def test_every_draw_fits(cls, size, n, capfd):
    estimator = make(cls)
    X, y = data(estimator, n)
    definition = space_for(estimator, X, y, size=size)
    space = space_of(definition)
    rng = np.random.default_rng(0)
    n_train = int(0.8 * n)
    for _ in range(2):
        fit_briefly(estimator, space.sample(rng), X[:n_train], y[:n_train])
    printed = "".join(capfd.readouterr())
    assert "Unknown parameter" not in printed
    assert "will be ignored" not in printed


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 30, 150, 300])
@by_size
@by_class
def test_every_draw_fits_with_more_classes_and_fewer_rows(cls, size, n, capfd):
    estimator = make(cls)
    X, y = data(estimator, n, n_classes=4)
    space = space_of(space_for(estimator, X, y, size=size))
    rng = np.random.default_rng(1)
    for _ in range(4):
        fit_briefly(estimator, space.sample(rng), X[: int(0.8 * n)], y[: int(0.8 * n)])
    assert "Unknown parameter" not in "".join(capfd.readouterr())


@by_size
@by_class
def test_fixed_companions_stand_beside_what_is_tuned(cls, size):
    space = space_of(space_for(make(cls), size=size))
    assert space.width > 0
    assert space.contains(space.sample(np.random.default_rng(0)))


@by_class
def test_larger_tiers_have_more_parameters(cls):
    small, default, wide = (set(space_for(make(cls), size=size)) for size in SIZES)
    assert len(small) <= len(default) <= len(wide)
    if cls is not MLPClassifier and cls is not MLPRegressor:
        assert small <= default <= wide


@by_class
def test_a_space_is_the_same_each_time_and_the_callers_own(cls):
    first = space_for(make(cls))
    assert repr(first) == repr(space_for(make(cls)))
    for entry in first.values():
        if isinstance(entry, list):
            entry.append("edited")
    assert "edited" not in repr(space_for(make(cls)))


# -- caps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_fit", [5, 10, 48, 100, 199, 200, 999, 10_000, 10**6])
@by_size
def test_a_tree_can_always_split(n_fit, size):
    facts = DataFacts(n_fit=n_fit, n_min=max(1, n_fit // 2))
    space = space_for_facts(LGBMClassifier(), facts, size=size)
    leaf = space.get("min_child_samples", (1, 1))[1]
    assert 2 * leaf <= space.get("subsample", (1.0,))[0] * n_fit
    assert 8 <= space["num_leaves"][1] <= (1024 if size == "wide" else 255)


def test_caps_follow_the_rows():
    def caps(n_fit, size="default"):
        facts = DataFacts(n_fit=n_fit, n_min=n_fit // 2)
        lgbm = space_for_facts(LGBMClassifier(), facts, size=size)
        xgb = space_for_facts(XGBClassifier(), facts, size=size)
        return [
            entry[1]
            for entry in (
                lgbm["num_leaves"],
                lgbm["min_child_samples"],
                xgb["max_depth"],
                xgb["min_child_weight"],
            )
        ]

    assert caps(100) == [10, 5, 7, 2.0]
    assert caps(1000) == [100, 50, 10, 20.0]
    assert caps(10**6) == [255, 100, 10, 20.0]
    assert caps(10**6, "wide") == [1024, 100, 14, 20.0]


def test_the_child_weight_leaves_room_for_the_rare_class():
    facts = DataFacts(n_fit=10_000, n_classes=2, n_min=40)
    assert space_for_facts(XGBClassifier(), facts)["min_child_weight"] == (1e-3, 5.0, "log-uniform")
    assert space_for_facts(XGBRegressor(), facts)["min_child_weight"][1] == 20.0


def test_rounds_are_fewer_with_many_classes():
    for n_classes, high in [(2, 1000), (3, 1000), (10, 300), (100, 100)]:
        facts = DataFacts(n_classes=n_classes)
        assert space_for_facts(LGBMClassifier(), facts)["n_estimators"] == (50, high, "log-uniform")
    assert space_for_facts(LGBMRegressor(), DataFacts(n_classes=99))["n_estimators"][1] == 1000


BINNED = [
    (LGBMRegressor, "max_bin", 63, 127),
    (XGBRegressor, "max_bin", 64, 128),
    (HistGradientBoostingRegressor, "max_bins", 63, 127),
]


@pytest.mark.parametrize(("cls", "name", "few", "more"), BINNED)
def test_histograms_have_the_bins_that_the_rows_can_fill(cls, name, few, more):
    def bins(**facts):
        return space_for_facts(make(cls), DataFacts(**facts)).get(name)

    assert bins(n_fit=1) == bins(n_fit=800) == [few]
    assert bins(n_fit=1536) == [more]
    assert bins(n_fit=3071) == [more]
    assert bins(n_fit=3072) is None  # as many as the library's own


@pytest.mark.parametrize(("cls", "name", "few", "more"), BINNED)
def test_bins_that_the_user_has_chosen_are_kept(cls, name, few, more):
    facts = DataFacts(n_fit=800)
    assert name not in space_for_facts(make(cls, **{name: more}), facts)


def test_bins_are_left_alone_where_they_mean_something_else():
    facts = DataFacts(n_fit=800)
    assert "max_bin" not in space_for_facts(make(XGBRegressor, tree_method="exact"), facts)
    assert "max_bin" not in space_for_facts(make(LGBMRegressor, max_bins=90), facts)
    by_feature = make(LGBMRegressor, max_bin_by_feature=[9, 200])
    assert "max_bin" not in space_for_facts(by_feature, facts)
    for model, seen in [
        (HistGradientBoostingRegressor(categorical_features=[0]), facts),
        (HistGradientBoostingRegressor(), replace(facts, has_categories=True)),
    ]:
        assert "max_bins" not in space_for_facts(model, seen)


def test_few_columns_are_not_sampled():
    assert "colsample_bytree" not in space_for(LGBMClassifier(), np.zeros((1000, 3)))
    assert space_for(LGBMClassifier(), np.zeros((1000, 4)))["colsample_bytree"][0] == 0.4
    low = space_for(RandomForestClassifier(), np.zeros((1000, 4)))["max_features"][0]
    assert low == 0.25


def test_few_rows_are_not_sampled():
    space = space_for(LGBMClassifier(boosting_type="rf"), np.zeros((100, 5)), size="small")
    assert space["subsample"][0] == 50 / 80
    assert "subsample" not in space_for(XGBClassifier(), np.zeros((60, 5)))


def test_small_data_have_the_small_tier():
    X, y = make_classification(240, 6, random_state=0)
    assert space_for(XGBClassifier(), X, y) == space_for(XGBClassifier(), X, y, size="small")
    assert "extra_trees" not in space_for(LGBMClassifier(), X, y, size="wide")
    assert "grow_policy" not in space_for(XGBClassifier(), X, y, size="wide")


def test_ranges_follow_the_scale_of_the_target():
    X, y = make_regression(500, 5, random_state=0)
    for estimator, names in [(SVR(), ("C", "epsilon")), (Lasso(), ("alpha",))]:
        one, other = space_for(estimator, X, y), space_for(estimator, X, 1000 * y)
        for name in names:
            assert other[name][:2] == pytest.approx([1000 * b for b in one[name][:2]])
    inside = space_for(TransformedTargetRegressor(Lasso()), X, 1000 * y)
    assert inside["regressor__alpha"] == (1e-5, 10.0, "log-uniform")


def test_neighbours_are_at_most_half_of_the_rows():
    assert space_for(KNeighborsClassifier(), np.zeros((50, 4)))["n_neighbors"][1] == 20


# -- seed facts --------------------------------------------------------------------------------


def test_networks_learn_at_rates_between_1e_4_and_1e_1():
    for cls in (MLPClassifier, MLPRegressor):
        for size in ("default", "wide"):
            rate = bounds(space_for(cls(), size=size)["learning_rate_init"])
            assert rate == (1e-4, 1e-1, "log-uniform")


def test_batch_sizes_are_powers_of_two_and_fit_the_data():
    assert space_for(MLPClassifier())["batch_size"] == [32, 64, 128, 256, 512]
    for n_fit in (200, 300, 600, 2000, 5000):
        sizes = space_for_facts(MLPClassifier(), DataFacts(n_fit=n_fit))["batch_size"]
        assert sizes[0] == 32
        assert sizes[-1] <= max(32, n_fit // 4)


def test_networks_of_any_library():
    assert NETWORK["dropout"] == (0.0, 0.5, "uniform")
    assert NETWORK["weight_decay"] == (1e-6, 1e-2, "log-uniform")


def test_layers_are_as_wide_as_the_data_allow():
    for n_fit, width in [(300, 128), (1000, 256), (5000, 512)]:
        space = space_for_facts(MLPRegressor(), DataFacts(n_fit=n_fit))
        assert space["hidden_layer_sizes"] == Layers(depth=(1, 3), width=(16, width))


def test_xgboosts_child_weight_reaches_far_below_one():
    for size in SIZES:
        assert space_for(XGBClassifier(), size=size)["min_child_weight"][0] == 1e-3


def test_row_sampling_of_lightgbm_has_its_frequency():
    for size in ("default", "wide"):
        space = space_for(LGBMClassifier(), size=size)
        assert space["subsample_freq"] == [1]
        assert "subsample" in space


# -- what the user has set -----------------------------------------------------------------------


def test_the_library_name_that_the_user_has_given_is_tuned():
    given = {
        "bagging_fraction": 0.6,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 7,
        "sub_row": 0.9,
    }
    space = space_for(LGBMClassifier(**given))
    assert {"bagging_fraction", "feature_fraction", "min_data_in_leaf"} <= set(space)
    assert not {"subsample", "sub_row", "colsample_bytree", "min_child_samples"} & set(space)
    assert "min_split_loss" in space_for(XGBClassifier(min_split_loss=1.0))


@pytest.mark.parametrize(
    ("given", "params"),
    [
        ({"bagging_fraction": 0.6, "bagging_freq": 1}, {"bagging_fraction": (0.9, 0.5)}),
        ({"min_data": 5}, {"min_data": (40, 5)}),
        ({"extra_tree": True}, {"extra_tree": (False, True)}),
        ({"sub_feature": 0.5}, {"sub_feature": (1.0, 0.3)}),
        ({"num_trees": 9}, {"num_trees": (2, 30)}),
        ({"lambda": 3.0}, {"lambda": (0.1, 50.0)}),
    ],
)
def test_the_name_that_is_tuned_takes_effect(given, params):
    X, y = make_classification(300, 6, random_state=0)
    [(name, values)] = params.items()
    estimator = make(LGBMClassifier, n_estimators=10, **given)
    assert name in space_for(estimator)
    one, other = (
        clone(estimator).set_params(**{name: v}).fit(X, y).predict_proba(X) for v in values
    )
    assert not np.array_equal(one, other)


def test_choices_of_the_user_are_kept():
    assert "kernel" not in space_for(SVC(kernel="poly"))
    assert set(space_for(SVC(kernel="linear"), size="wide")) == {"C", "class_weight", "max_iter"}
    assert "max_iter" not in space_for(SVC(max_iter=7))
    assert "early_stopping" not in space_for(MLPClassifier(early_stopping=True))
    assert "batch_size" not in space_for(MLPClassifier(solver="lbfgs"))
    assert "subsample_freq" not in space_for(LGBMClassifier(subsample_freq=3))
    assert "class_weight" not in space_for(
        RandomForestClassifier(class_weight="balanced"), size="wide"
    )
    assert "solver" not in space_for(LogisticRegression(solver="liblinear"), size="wide")
    assert "criterion" not in space_for(GradientBoostingClassifier(), size="wide")
    assert "metric" not in space_for(KNeighborsClassifier(metric="cosine"), size="wide")


CONFLICTS = [
    LGBMClassifier(boosting_type="rf"),
    LGBMClassifier(boosting="rf", bagging_freq=1, bagging_fraction=0.5),
    LGBMClassifier(boosting_type="dart"),
    LGBMClassifier(data_sample_strategy="goss"),
    LGBMClassifier(boosting_type="goss"),
    XGBClassifier(booster="gblinear"),
    XGBClassifier(booster="dart"),
    XGBClassifier(tree_method="exact"),
    XGBClassifier(grow_policy="lossguide"),
    XGBRFClassifier(tree_method="exact", colsample_bynode=1.0),
    RandomForestClassifier(bootstrap=False),
    RandomForestClassifier(oob_score=True),
    ExtraTreesClassifier(bootstrap=True, oob_score=True),
    GradientBoostingClassifier(loss="exponential"),
    MLPClassifier(solver="sgd"),
    MLPClassifier(solver="lbfgs"),
    SVC(kernel="sigmoid"),
    LogisticRegression(solver="liblinear"),
    LogisticRegression(C=math.inf),
    KNeighborsClassifier(algorithm="kd_tree"),
]


@by_size
@pytest.mark.parametrize("estimator", CONFLICTS, ids=lambda e: type(e).__name__)
def test_settings_of_the_user_and_the_space_do_not_conflict(estimator, size):
    X, y = make_classification(300, 6, random_state=0)
    quiet = {"n_jobs": 1, "verbosity": 0} if isinstance(estimator, XGBClassifier) else {}
    quiet = {"n_jobs": 1, "verbose": -1} if isinstance(estimator, LGBMClassifier) else quiet
    estimator = clone(estimator).set_params(**quiet)
    try:
        space = space_of(space_for(estimator, X, y, size=size))
    except ValueError:
        assert estimator.get_params()["C"] == math.inf  # nothing is left to tune
        return
    rng = np.random.default_rng(0)
    for _ in range(2):
        fit_briefly(estimator, space.sample(rng), X, y)


def test_a_subclass_with_fewer_parameters_has_a_smaller_space():
    class Own(Ridge):
        def __init__(self, alpha=1.0):
            super().__init__(alpha=alpha)

    class Bare(SVC):
        def __init__(self, C=1.0):
            super().__init__(C=C)

    assert set(space_for(Own())) == {"alpha"}
    assert set(space_for(Bare())) == {"C"}


# -- warnings that a space itself is to blame for ------------------------------------------------


def _said(estimator, space, message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with expecting(estimator, space):
            warnings.warn(message, ConvergenceWarning, stacklevel=1)
    return len(caught)


@pytest.mark.parametrize("wrap", [lambda model: model, make_pipeline], ids=["bare", "pipeline"])
def test_the_bound_of_a_space_is_not_warned_of(wrap):
    X, y = make_classification(40, 4, random_state=0)
    model = wrap(SVC())
    space = space_for(model, X, y)
    (bound,) = next(values for name, values in space.items() if name.endswith("max_iter"))
    early = "Solver terminated early (max_iter={}).  Consider pre-processing your data"
    assert _said(model, space, early.format(bound)) == 0
    assert _said(model, space, early.format(bound + 1)) == 1
    assert _said(model, space, "lbfgs failed to converge") == 1
    assert _said(model, {}, early.format(bound)) == 1
    mine = wrap(SVC(max_iter=bound))  # a wish of the user's is not in the space
    assert _said(mine, space_for(mine, X, y), early.format(bound)) == 1


class StopsAtItsBound(SVC):
    """Says what a fit says that has not converged."""

    def fit(self, X, y):
        if self.max_iter > 0:
            told = f"Solver terminated early (max_iter={self.max_iter}).  Consider scaling."
            warnings.warn(told, ConvergenceWarning, stacklevel=2)
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_is_quiet_about_its_own_bound_only(n_jobs):
    X, y = make_classification(40, 4, random_state=0)
    options = {"n_iter": 2, "cv": 2, "random_state": 0, "n_jobs": n_jobs}
    with joblib.parallel_config("threading"), warnings.catch_warnings():
        warnings.simplefilter("error")
        RandomizedSearchCV(StopsAtItsBound(), **options).fit(X, y)
    with joblib.parallel_config("threading"), pytest.warns(ConvergenceWarning, match="max_iter=9"):
        RandomizedSearchCV(StopsAtItsBound(), {"max_iter": [900, 901]}, **options).fit(X, y)

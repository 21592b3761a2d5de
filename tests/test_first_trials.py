"""What is known before the search: the data's facts, the first configurations, the errors."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from skhpt.estimators import DataFacts, first_trials, nearest, space_for, space_for_facts
from skhpt.estimators.facts import LEAST_ROWS, MOST_OUTPUTS, MOST_VALUES
from skhpt.estimators.ranges import SIZES
from skhpt.space import Space, When, parse
from skhpt.trial import Origin

# scikit-learn 1.6 passes SciPy an option that SciPy 1.17 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning")

# -- the facts ---------------------------------------------------------------------------------

ROWS = [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]] * 2
LABELS = ["b", "a", "b", "b", "b"] * 2

CONTAINERS = {
    "list": (ROWS, LABELS),
    "array": (np.array(ROWS), np.array(LABELS)),
    "objects": (np.array(ROWS, dtype=object), np.array(LABELS, dtype=object)),
    "sparse matrix": (sparse.csr_matrix(ROWS), LABELS),
    "sparse array": (sparse.csr_array(ROWS), LABELS),
    "frame": (pd.DataFrame(ROWS), pd.Series(LABELS)),
    "categories": (pd.DataFrame(ROWS), pd.Series(LABELS, dtype="category")),
    "strings": (pd.DataFrame(ROWS).convert_dtypes(), pd.Series(LABELS, dtype="string")),
    "column": (ROWS, pd.DataFrame({"y": LABELS})),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_facts_are_the_same_in_any_container(kind):
    facts = DataFacts.of(*CONTAINERS[kind], train_share=0.5)
    assert (facts.n_fit, facts.n_features, facts.columns_known) == (5, 2, True)
    assert (facts.n_classes, facts.n_min, facts.positive_share) == (2, 1, 0.8)


def test_facts_of_polars():
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["u", "v", "u"]})
    assert DataFacts.of(X, pl.Series([1, 0, 1])).n_classes == 2
    assert not DataFacts.of(X).has_categories
    assert DataFacts.of(X.with_columns(pl.col("b").cast(pl.Categorical))).has_categories


def test_categories_are_seen_by_their_dtype():
    X = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["u", "v"])})
    assert DataFacts.of(X).has_categories
    assert not DataFacts.of(X[["a"]]).has_categories
    wide = space_for(LGBMClassifier(), X, size="wide")
    assert {"cat_smooth", "cat_l2"} <= set(wide)
    assert "max_bins" not in space_for(HistGradientBoostingClassifier(), X, size="wide")


@pytest.mark.parametrize(
    ("y", "n_classes"),
    [
        ([0, 1, 2, 1], 3),
        ([0.0, 1.0, 1.0], 2),
        ([True, False], 2),
        ([0.5, 1.5, 2.5], 0),
        (pd.Series([1, 0, None, 1], dtype="Int64"), 2),
        (pd.Series([1.5, 0, None, 1], dtype="Float64"), 0),
        (np.array([1, 2, None, 1], dtype=object), 2),
        (np.array(["a", None, "b"], dtype=object), 2),
        (np.array([[0, 1], [1, 1], [0, 1]]), 2),
        (sparse.csr_matrix([[0, 1], [1, 1], [0, 1]]), 2),
        (["u", 1, 2.5], 3),
        ([], 0),
        ([[1], [1, 2]], 0),
        (np.array([[1], [{}]], dtype=object), 0),
        ([np.nan, np.nan], 0),
    ],
)
def test_any_target_is_read(y, n_classes):
    facts = DataFacts.of(None, y)
    assert facts.n_classes == n_classes
    assert facts.n_min >= 1
    assert np.isfinite(facts.y_std)
    assert facts.y_std > 0


def test_facts_of_text_do_not_know_the_columns():
    for X in (["some text", "more text"] * 300, pd.Series(["some text"] * 600), np.zeros(600)):
        facts = DataFacts.of(X)
        assert (facts.n_fit, facts.n_features, facts.columns_known) == (480, 20, False)


def test_facts_of_nothing_are_generous():
    assert DataFacts.of() == DataFacts()
    assert DataFacts.of(None, [0, 1] * 50).n_fit == 80
    assert DataFacts.of(np.zeros((100, 2))).n_min == 40


def test_the_scale_of_the_target():
    assert DataFacts.of(None, [0.5, 10.5]).y_std == 5.0
    assert DataFacts.of(None, [[0.5, 1.5], [10.5, 1.5]]).y_std == 3.0  # a constant has none
    assert DataFacts.of(None, [0.5, 10.5, np.nan, np.inf]).y_std == 5.0


def test_a_sparse_target_is_never_made_dense(monkeypatch):
    Y = sparse.random(3000, 500, 0.3, format="csr", random_state=0)
    Y.data = np.rint(4 * Y.data)  # some of the zeros are stored
    for made in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        y = made(Y)
        dense = DataFacts.of(None, y.toarray())
        with monkeypatch.context() as patch:
            for kind in ("csr", "csc", "coo"):
                for cls in (f"{kind}_matrix", f"{kind}_array"):
                    patch.setattr(getattr(sparse, cls), "toarray", None)
            facts = DataFacts.of(None, y)
        assert facts == dense
        assert facts.n_classes == 5


def test_a_large_target_is_sampled():
    n = 2 * MOST_VALUES
    for labels in (["a", "b"], [0, 1]):  # a step of two would see one of them
        facts = DataFacts.of(None, np.tile(np.array(labels, dtype=object), n // 2))
        assert (facts.n_fit, facts.n_classes) == (0.8 * n, 2)
        assert facts.n_min == pytest.approx(0.4 * n, rel=0.02)
        assert facts.positive_share == pytest.approx(0.5, rel=0.02)
    y = np.random.default_rng(0).normal(0, 3, n)
    assert DataFacts.of(None, y).y_std == pytest.approx(3, rel=0.02)
    assert DataFacts.of(None, y) == DataFacts.of(None, y)
    assert DataFacts.of(None, np.tile([[0], [1]], (LEAST_ROWS, MOST_OUTPUTS + 1))).n_classes == 2


# -- errors --------------------------------------------------------------------------------------


def test_a_size_is_one_of_three():
    with pytest.raises(ValueError, match=r"'small', 'default', 'wide', got 'wider'.*'wide'"):
        space_for(Ridge(), size="wider")


@pytest.mark.parametrize("estimator", [Ridge, None, "ridge", 3])
def test_an_estimator_is_an_instance(estimator):
    with pytest.raises(TypeError, match="must be an instance of an estimator"):
        space_for(estimator)
    with pytest.raises(TypeError, match=r"write Ridge\(\)"):
        space_for(Ridge)


def test_without_a_space_the_error_shows_how_to_write_one():
    with pytest.raises(ValueError, match="KernelRidge has no curated") as caught:
        space_for(KernelRidge())
    message = str(caught.value)
    assert "BayesSearchCV" in message
    assert "'coef0'" in message


@pytest.mark.parametrize(
    "estimator",
    [KernelRidge(), make_pipeline(StandardScaler(), KernelRidge()), GaussianNB()],
    ids=["KernelRidge", "in a pipeline", "GaussianNB"],
)
def test_the_example_of_the_error_can_be_used(estimator):
    with pytest.raises(ValueError, match="no curated search space") as caught:
        space_for(estimator)
    [line] = [x for x in str(caught.value).splitlines() if "space = " in x]
    scope = {}
    exec(line.strip(), scope)
    [(space, _)] = parse(scope["space"])
    clone(estimator).set_params(**space.sample(np.random.default_rng(0)))


def test_an_estimator_without_numbers_is_explained_too():
    with pytest.raises(ValueError, match="no parameter that looks tunable: there is nothing"):
        space_for(BaseEstimator())
    with pytest.raises(ValueError, match="no number among its parameters that looks") as caught:
        space_for(LinearRegression())
    assert "space = {'fit_intercept': [False, True]}" in str(caught.value)
    assert "alpha" not in str(caught.value)
    with pytest.raises(ValueError, match=r"space = \{'step__metric': \[first, second\]\}"):
        space_for(Pipeline([("step", NearestCentroid())]))


class Numbers(BaseEstimator):
    def __init__(self, max_samples=1.0, own_ratio=0.05, rate=1.0, momentum=0.9, rows=1):
        self.max_samples = max_samples
        self.own_ratio = own_ratio
        self.rate = rate
        self.momentum = momentum
        self.rows = rows


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("max_samples", (0.1, 1.0, "uniform")),
        ("own_ratio", (0.005, 1.0, "uniform")),
        ("rate", (0.1, 10.0, "log-uniform")),
        ("momentum", (0.09, 0.99, "log-uniform")),
        ("rows", (1, 4, "log-uniform")),
    ],
)
def test_examples_suit_the_parameter(name, entry):
    others = dict.fromkeys(Numbers().get_params())
    estimator = Numbers(**{**others, name: Numbers().get_params()[name]})
    with pytest.raises(ValueError, match="no curated search space") as caught:
        space_for(estimator)
    assert f"space = {{{name!r}: {entry!r}}}" in str(caught.value)


def test_nothing_is_left_to_tune():
    with pytest.raises(ValueError, match="LogisticRegression has nothing to tune as it is set"):
        space_for(LogisticRegression(C=np.inf))


# -- first trials --------------------------------------------------------------------------------

SUBJECTS = {
    "LightGBM": LGBMClassifier(),
    "LightGBM for numbers": LGBMRegressor(),
    "LightGBM with its own names": LGBMClassifier(bagging_fraction=0.6, bagging_freq=2),
    "XGBoost": XGBClassifier(),
    "XGBoost for numbers": XGBRegressor(),
    "XGBoost, linear": XGBClassifier(booster="gblinear"),
    "histograms": HistGradientBoostingClassifier(),
    "histograms, all leaves": HistGradientBoostingClassifier(max_leaf_nodes=None),
    "boosting": GradientBoostingRegressor(max_features="log2"),
    "forest": RandomForestClassifier(),
    "forest without bootstrap": RandomForestClassifier(bootstrap=False),
    "extra trees": ExtraTreesRegressor(max_features=3),
    "tree": DecisionTreeClassifier(),
    "network": MLPClassifier(),
    "kernel": SVC(),
    "own kernel": SVC(kernel="precomputed"),
    "logistic": LogisticRegression(),
    "pipeline": make_pipeline(StandardScaler(), SVC(kernel="poly")),
    "members": VotingClassifier([("a", LGBMClassifier()), ("b", RandomForestClassifier())]),
}
subjects = pytest.mark.parametrize("name", SUBJECTS)
by_size = pytest.mark.parametrize("size", SIZES)


def subject(name, size):
    estimator = SUBJECTS[name]
    numbers = type(estimator).__name__.endswith("Regressor")
    make = make_regression if numbers else make_classification
    facts = DataFacts.of(*make(500, 10, random_state=0))
    [(space, _)] = parse(space_for_facts(estimator, facts, size=size))
    return estimator, space, facts


@by_size
@subjects
def test_the_estimator_as_given_is_first(name, size):
    estimator, space, facts = subject(name, size)
    origin, params = first_trials(estimator, space, facts)[0]
    assert origin is Origin.DEFAULT
    assert set(params) <= set(space.dimensions)
    assert set(params) == set(nearest(estimator, space, facts))
    clone(estimator).set_params(**params)


@by_size
@subjects
def test_published_configurations_lie_in_the_space_and_are_distinct(name, size):
    estimator, space, facts = subject(name, size)
    trials = first_trials(estimator, space, facts)[1:]
    assert len(trials) <= 4
    keys = {space.key(params) for _, params in trials}
    keys.add(space.key(nearest(estimator, space, facts)))
    assert len(keys) == len(trials) + 1
    for origin, params in trials:
        assert origin is Origin.PORTFOLIO
        assert space.contains(params)
        clone(estimator).set_params(**params)


@pytest.mark.parametrize("name", ["LightGBM", "XGBoost", "forest", "network", "kernel", "members"])
def test_there_are_published_configurations(name):
    assert len(first_trials(*subject(name, "default"))) > 1


EXACT = {
    "LightGBM": LGBMClassifier(n_jobs=1, verbose=-1, n_estimators=15),
    "bagging switched off": LGBMClassifier(subsample=0.5, n_jobs=1, verbose=-1, n_estimators=15),
    "own names": LGBMClassifier(
        bagging_fraction=0.5, bagging_freq=1, extra_tree=True, n_jobs=1, verbose=-1
    ),
    "XGBoost": XGBClassifier(n_jobs=1),
    "XGBoost's eta": XGBClassifier(n_jobs=1, eta=0.05, reg_lambda=3.0, n_estimators=20),
    "XGBoost, linear": XGBRegressor(n_jobs=1, booster="gblinear", updater="coord_descent"),
    "forest": RandomForestClassifier(n_estimators=5, random_state=0),
    "regression forest": RandomForestRegressor(n_estimators=5, random_state=0, max_features="log2"),
    "counted columns": RandomForestClassifier(n_estimators=5, random_state=0, max_features=7),
    "boosting": GradientBoostingRegressor(n_estimators=5, random_state=0),
    "logistic": LogisticRegression(),
}


@by_size
@pytest.mark.parametrize("n_features", [4, 9, 10])
@pytest.mark.parametrize("name", EXACT)
def test_spelling_the_default_out_changes_nothing(name, n_features, size):
    estimator = EXACT[name]
    X, y = make_classification(300, n_features, n_informative=3, n_redundant=0, random_state=0)
    facts = DataFacts.of(X, y)
    [(space, _)] = parse(space_for_facts(estimator, facts, size=size))
    params = first_trials(estimator, space, facts)[0][1]
    given = clone(estimator).fit(X, y)
    spelled = clone(estimator).set_params(**params).fit(X, y)
    predict = "predict_proba" if hasattr(given, "predict_proba") else "predict"
    np.testing.assert_array_equal(getattr(given, predict)(X), getattr(spelled, predict)(X))


@by_size
def test_xgboosts_none_is_spelled_out(size):
    for name in ("XGBoost", "XGBoost for numbers", "XGBoost, linear"):
        assert None not in first_trials(*subject(name, size))[0][1].values()


def test_words_stay_words_where_the_columns_are_unknown():
    estimator = make_pipeline(PolynomialFeatures(), RandomForestClassifier())
    facts = DataFacts.of(np.zeros((500, 9)), [0, 1] * 250)
    [(space, _)] = parse(space_for_facts(estimator, facts))
    default = first_trials(estimator, space, facts)[0][1]
    assert default["randomforestclassifier__max_features"] == "sqrt"
    assert space.contains(nearest(estimator, space, facts))


def test_a_space_of_ones_own_has_first_trials_too():
    facts = DataFacts()
    [(space, _)] = parse({"max_depth": [3, 5], "learning_rate": (0.01, 0.3, "log-uniform")})
    trials = first_trials(XGBClassifier(), space, facts)
    assert trials[0] == (Origin.DEFAULT, {"learning_rate": 0.3, "max_depth": 6})
    assert all(space.contains(params) for _, params in trials[1:])
    [(space, _)] = parse({"alpha": (0.1, 1.0), "kernel": ["rbf", "linear"]})
    assert first_trials(KernelRidge(alpha=5), space, facts) == [
        (Origin.DEFAULT, {"alpha": 5, "kernel": "linear"})
    ]


def test_only_what_exists_beside_the_given_values_is_tried():
    space = Space.of(
        parse(
            {
                "kernel": ["rbf", "linear"],
                "gamma": When("kernel", "rbf", (0.01, 1.0)),
                "C": (0.1, 10.0),
            }
        )[0].space.branches
    )
    default = first_trials(SVC(kernel="linear"), space, DataFacts())[0][1]
    assert default == {"C": 1.0, "kernel": "linear"}


def test_alternatives_of_estimators():
    pipe = make_pipeline(StandardScaler(), SVC())
    definition = [
        {"svc": [LogisticRegression()], "svc__C": (0.1, 10.0)},
        {"svc": [GaussianProcessClassifier()], "svc__max_iter_predict": [10, 20, 50]},
    ]
    [(space, _)] = parse(definition)
    trials = first_trials(pipe, space, DataFacts())
    assert trials[0] == (Origin.DEFAULT, {"svc": pipe["svc"], "svc__C": 1.0})


def test_a_parameter_that_the_estimator_does_not_have_is_left_out():
    [(space, _)] = parse({"svc__C": (0.1, 10.0), "svc__shape": [1, 2]})
    pipe = make_pipeline(StandardScaler(), SVC())
    trials = first_trials(pipe, space, DataFacts())
    assert trials == [(Origin.DEFAULT, {"svc__C": 1.0})]
    assert nearest(pipe, space, DataFacts()) is None


@pytest.mark.parametrize(
    ("estimator", "name", "few", "many"),
    [
        (LGBMClassifier(), "num_leaves", 16, 53),
        (HistGradientBoostingClassifier(), "max_leaf_nodes", 16, 53),
        (XGBClassifier(), "max_depth", 4, 10),
    ],
    ids=["lightgbm", "histograms", "xgboost"],
)
def test_published_trees_are_cut_to_what_the_rows_support(estimator, name, few, many):
    def largest(n_fit):
        facts = DataFacts(n_fit=n_fit, n_classes=2, n_min=n_fit // 2)
        [(space, _)] = parse(space_for_facts(estimator, facts))
        trials = first_trials(estimator, space, facts)
        return max(params[name] for origin, params in trials if origin is Origin.PORTFOLIO)

    assert largest(800) == few
    assert largest(80_000) == many

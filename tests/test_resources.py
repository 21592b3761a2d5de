"""Resources: a model that goes on is the model trained in one go, wherever it lives."""

import ast

import numpy as np
import pytest
from scipy.stats import randint
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import HalvingRandomSearchCV, climbing
from skhpt.estimators.pipelines import rounds_parameter, settings_needed
from skhpt.estimators.resources import Folds, Parameter, Rounds, Rows, resource_of

X, y = make_classification(160, 8, n_informative=5, random_state=0)
X = X + np.random.default_rng(0).normal(0, 1e-3, X.shape)


def lightgbm(**params):
    booster = pytest.importorskip("lightgbm").LGBMClassifier
    sampled = {"subsample": 0.6, "subsample_freq": 1, "colsample_bytree": 0.5}
    return booster(**sampled, random_state=0, n_jobs=1, verbose=-1, **params)


def xgboost(**params):
    booster = pytest.importorskip("xgboost").XGBClassifier
    sampled = {"subsample": 0.6, "colsample_bytree": 0.5, "colsample_bynode": 0.8}
    return booster(**sampled, random_state=0, n_jobs=1, **params)


def in_pipeline(estimator):
    return make_pipeline(StandardScaler(), estimator)


# What grows, and the parameter by which it does.
GROWING = {
    "lightgbm": (lightgbm, "n_estimators"),
    "lightgbm in a pipeline": (lambda: in_pipeline(lightgbm()), "lgbmclassifier__n_estimators"),
    "xgboost": (xgboost, "n_estimators"),
    "hist gradient boosting": (
        lambda: HistGradientBoostingClassifier(max_features=0.5, random_state=0),
        "max_iter",
    ),
    "gradient boosting": (
        lambda: GradientBoostingClassifier(subsample=0.6, max_features=3, random_state=0),
        "n_estimators",
    ),
    "network": (lambda: MLPClassifier((8,), random_state=0, batch_size=32), "max_iter"),
    "network by sgd": (
        lambda: in_pipeline(MLPClassifier((8,), solver="sgd", random_state=0)),
        "mlpclassifier__max_iter",
    ),
}
# Too few epochs, which is what is asked for.
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def outputs(fitted):
    return fitted.predict_proba(X)


@quiet
@pytest.mark.parametrize("case", list(GROWING))
def test_continued_is_in_one_go(case):
    make, parameter = GROWING[case]
    resource = resource_of("auto", make(), len(X))
    assert isinstance(resource, Rounds)
    assert resource.parameter == parameter
    budgets = [2, 3, 9, 20]
    for (spent, fitted), budget in zip(resource.path(make(), X, y, budgets), budgets):
        assert spent == budget
        in_one_go = make().set_params(**{parameter: budget}).fit(X, y)
        np.testing.assert_array_equal(outputs(fitted), outputs(in_one_go))
        assert fitted.get_params()[parameter] == budget


def test_continued_is_in_one_go_on_a_regression():
    rows, target = make_regression(150, 6, random_state=0)
    model = HistGradientBoostingRegressor(max_features=0.5, random_state=0)
    for budget, fitted in resource_of("auto", model, 150).path(model, rows, target, [1, 7, 30]):
        in_one_go = clone(model).set_params(max_iter=budget).fit(rows, target)
        np.testing.assert_array_equal(fitted.predict(rows), in_one_go.predict(rows))


@pytest.mark.parametrize("name", ["n_samples", "n_folds", "max_iter", "max_leaf_nodes"])
def test_every_resource_gives_what_a_fit_gives(name):
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    resource = resource_of(name, model, len(X))
    budgets = [40, 80] if name == "n_samples" else [2, 4]
    for spent, fitted in resource.path(model, X, y, budgets):
        n = spent if name == "n_samples" else len(X)
        own = {} if resource.parameter is None else {resource.parameter: spent}
        expected = clone(model).set_params(**own).fit(X[:n], y[:n])
        np.testing.assert_array_equal(outputs(fitted), outputs(expected))


# -- which one is meant -------------------------------------------------------------------------


def test_auto_finds_rounds_and_else_takes_rows():
    assert isinstance(resource_of("auto", MLPClassifier()), Rounds)
    assert isinstance(resource_of("n_estimators", GradientBoostingClassifier()), Rounds)
    assert type(resource_of("n_estimators", RandomForestClassifier())) is Parameter
    # Epochs by partial_fit are other epochs than those of fit.
    assert type(resource_of("max_iter", SGDClassifier())) is Parameter
    for plain in (SGDClassifier(), LogisticRegression(), MLPClassifier(early_stopping=True)):
        assert isinstance(resource_of("auto", plain), Rows)
    assert isinstance(resource_of("n_folds", LogisticRegression()), Folds)


@quiet
@pytest.mark.parametrize("case", list(GROWING))
def test_auto_finds_the_same_of_an_estimator_that_was_fitted_before(case):
    model, parameter = GROWING[case][0](), GROWING[case][1]
    assert resource_of("auto", model, len(X)).parameter == parameter
    model.fit(X, np.arange(len(X)) % 3)
    assert resource_of("auto", model, len(X)).parameter == parameter


def test_a_resource_that_is_not_there():
    model = in_pipeline(LogisticRegression())
    with pytest.raises(ValueError, match=r"resource=max_iter .*Pipeline.*'logisticregression__max"):
        resource_of("max_iter", model)


@pytest.mark.parametrize("name", ["fit_intercept", "solver", "tol", "logisticregression__C"])
def test_what_cannot_count_is_no_resource(name):
    model = LogisticRegression()
    if "__" in name:
        model = in_pipeline(model)
    match = f"resource={name} .*its values are no whole numbers. .* such as .*max_iter'"
    with pytest.raises(ValueError, match=match):
        resource_of(name, model)


class TellsWhatWasSet(ClassifierMixin, BaseEstimator):
    """Has parameters that only its constructor names, until they are set."""

    def __init__(self, iterations=None, depth=None, loss="log", **others):
        given = {"iterations": iterations, "depth": depth, "loss": loss, **others}
        self._given = {name: value for name, value in given.items() if value not in (None, "log")}

    def get_params(self, deep=True):
        return dict(self._given)

    def set_params(self, **params):
        self._given.update(params)
        return self

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_parameter_that_only_the_constructor_names():
    model = TellsWhatWasSet()
    assert type(resource_of("iterations", model)) is Parameter
    with pytest.raises(ValueError, match="resource=rounds which is not supported"):
        resource_of("rounds", model)
    with pytest.raises(ValueError, match="resource=loss .*no whole numbers"):
        resource_of("loss", model)
    search = HalvingRandomSearchCV(
        model, {"depth": randint(1, 9)}, resource="iterations", max_resources=9, random_state=0
    )
    search.set_params(initial_params="default").fit(X, y)
    assert search.best_params_["iterations"] == search.n_resources_[-1] == 9


# -- what keeps an estimator from growing --------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "needs"),
    [
        (HistGradientBoostingClassifier(early_stopping=True), ["early_stopping=False"]),
        (
            HistGradientBoostingClassifier(warm_start=True, max_features=0.5, early_stopping=False),
            ["warm_start=False"],
        ),
        (
            GradientBoostingClassifier(n_iter_no_change=3, warm_start=True),
            ["n_iter_no_change=None", "warm_start=False"],
        ),
        (
            MLPClassifier(solver="lbfgs", early_stopping=True),
            ["solver='adam'", "early_stopping=False"],
        ),
        (in_pipeline(MLPClassifier(early_stopping=True)), ["mlpclassifier__early_stopping=False"]),
        (MLPClassifier(), []),
        (HistGradientBoostingClassifier(), []),
    ],
)
def test_what_to_set(model, needs):
    assert settings_needed(model, len(X)) == needs
    assert (rounds_parameter(model, len(X)) is None) == bool(needs)
    model.set_params(**{name: ast.literal_eval(value) for name, value in map(_halves, needs)})
    assert rounds_parameter(model, len(X)) is not None


def _halves(setting):
    return setting.split("=")


def test_nothing_to_set_where_nothing_helps():
    assert settings_needed(LogisticRegression(), len(X)) == []


@pytest.mark.parametrize(
    ("library", "params", "needs"),
    [
        ("lightgbm.LGBMClassifier", {"boosting_type": "dart"}, ["boosting_type='gbdt'"]),
        ("xgboost.XGBClassifier", {"early_stopping_rounds": 5}, ["early_stopping_rounds=None"]),
    ],
)
def test_what_to_set_for_a_booster(library, params, needs):
    module, kind = library.split(".")
    model = getattr(pytest.importorskip(module), kind)(**params)
    assert settings_needed(model, len(X)) == needs


def test_why_auto_takes_rows_is_printed(capsys):
    model = HistGradientBoostingClassifier(early_stopping=True, max_iter=3)
    search = HalvingRandomSearchCV(
        model, {"max_leaf_nodes": [3, 4]}, resource="auto", cv=2, n_candidates=2, min_resources=80
    )
    search.fit(X, y)
    assert not capsys.readouterr().out
    search.set_params(verbose=1).fit(X, y)
    assert "with early_stopping=False, 'auto' takes its rounds" in capsys.readouterr().out


# -- in a search --------------------------------------------------------------------------------

SPACES = {
    "lightgbm": {"num_leaves": randint(2, 20)},
    "lightgbm in a pipeline": {"lgbmclassifier__num_leaves": randint(2, 20)},
    "xgboost": {"max_depth": randint(1, 7)},
    "hist gradient boosting": {"max_leaf_nodes": randint(2, 20)},
    "network": {"alpha": [1e-4, 1e-2, 0.1, 1.0, 10.0]},
    # as in the curated space: what is searched brings early stopping
    "network by sgd": {
        "mlpclassifier__alpha": [1e-4, 1e-2, 0.1, 1.0, 10.0],
        "mlpclassifier__early_stopping": [True],
    },
}


def searched(case, **kwargs):
    options = {"n_candidates": 4, "factor": 2, "cv": 2, "random_state": 0}
    options |= {"min_resources": 2, "max_resources": 8}
    return HalvingRandomSearchCV(
        GROWING[case][0](), SPACES[case], resource="auto", **{**options, **kwargs}
    ).fit(X, y)


@quiet
@pytest.mark.parametrize("case", list(SPACES))
def test_every_score_is_that_of_a_plain_fit(case):
    fitted = searched(case)
    assert fitted.n_resources_ == [2, 4, 8]
    for row, params in enumerate(fitted.cv_results_["params"]):
        model = GROWING[case][0]().set_params(**params)
        plain = cross_validate(model, X, y, cv=2, return_train_score=True)
        for kind in ("test", "train"):
            own = [fitted.cv_results_[f"split{k}_{kind}_score"][row] for k in range(2)]
            np.testing.assert_array_equal(own, plain[f"{kind}_score"])
    n_rounds = fitted.cv_results_["n_resources"][fitted.best_index_]
    if n_rounds < 8:  # who is best with fewer goes back to them, where nobody is better with all
        assert n_rounds in fitted.n_resources_
        all_of_them = fitted.cv_results_["n_resources"] == 8
        assert fitted.best_score_ > fitted.cv_results_["mean_test_score"][all_of_them].max(
            initial=-np.inf
        )
    assert fitted.best_estimator_.get_params()[fitted.resource_] == n_rounds
    again = clone(GROWING[case][0]()).set_params(**fitted.best_params_).fit(X, y)
    np.testing.assert_array_equal(outputs(fitted), outputs(again))


class Counts:
    """Counts the rounds that a kind of growing pipeline trains."""

    def __init__(self, monkeypatch):
        self.n_rounds = 0
        reach = climbing.GrowingPipeline.reach

        def counted(model, n_rounds):
            self.n_rounds += n_rounds - model.n_rounds
            return reach(model, n_rounds)

        monkeypatch.setattr(climbing.GrowingPipeline, "reach", counted)


@quiet
@pytest.mark.parametrize("case", ["hist gradient boosting", "network by sgd"])
def test_no_round_is_trained_twice(monkeypatch, case):
    counts = Counts(monkeypatch)
    fitted = searched(case)
    n_folds = 2
    on_last = fitted.cv_results_["n_resources"][fitted.cv_results_["iter"] == 2]
    back = sum(on_last) - 8  # who goes back to what he had below begins again
    assert counts.n_rounds == n_folds * (4 * 2 + 2 * (4 - 2) + 1 * (8 - 4) + back)


def test_where_a_model_lived_changes_nothing(monkeypatch):
    whole = searched("hist gradient boosting")
    monkeypatch.setattr(climbing, "_ROWS_KEPT", 0)
    monkeypatch.setattr(climbing, "_FEWEST_KEPT", 1)  # nearly nobody goes on
    counts = Counts(monkeypatch)
    forgetful = searched("hist gradient boosting")
    assert counts.n_rounds > 40
    for column, values in whole.cv_results_.items():
        if "_time" not in column:
            np.testing.assert_array_equal(values, forgetful.cv_results_[column], err_msg=column)


def test_n_jobs_changes_nothing():
    one, two = (searched("hist gradient boosting", n_jobs=n_jobs) for n_jobs in (1, 2))
    for column, values in one.cv_results_.items():
        if "_time" not in column:
            np.testing.assert_array_equal(values, two.cv_results_[column], err_msg=column)


def test_the_least_promising_models_go_first():
    nursery = climbing.Nursery(n_rows=10**9)
    assert nursery.room == 8
    for root in range(9):
        nursery.keep(root, 0, climbing.Kept(Grown(2), rung=int(root == 0), score=root / 10))
    assert nursery.take(1, 0, 4) is None  # the worst of the lower rung
    assert nursery.take(0, 0, 4).n_rounds == 2
    assert nursery.take(0, 0, 4) is None  # it has been given away
    assert nursery.take(8, 0, 1) is None  # it cannot go back


class Grown:
    def __init__(self, n_rounds):
        self.n_rounds = n_rounds


@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_a_configuration_that_fails_while_it_grows():
    space = {"max_leaf_nodes": [0, 4, 8, 16]}
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 14"):
        fitted = HalvingRandomSearchCV(
            HistGradientBoostingClassifier(max_iter=8),
            space,
            n_candidates=4,
            factor=2,
            resource="auto",
            cv=2,
            random_state=0,
        ).fit(X, y)
    failed = fitted.cv_results_["param_max_leaf_nodes"] == 0
    assert failed.sum() == 1
    assert np.isnan(fitted.cv_results_["mean_test_score"][failed]).all()


def test_weights_follow_the_rows():
    weights = np.linspace(0.1, 2, len(X))
    model = HistGradientBoostingClassifier(random_state=0)
    options = {"n_candidates": 4, "factor": 2, "cv": 2, "random_state": 0, "max_resources": 8}
    fitted = HalvingRandomSearchCV(
        model, SPACES["hist gradient boosting"], resource="auto", **options
    ).fit(X, y, sample_weight=weights)
    best = {name: [value] for name, value in fitted.best_params_.items()}
    plain = GridSearchCV(model, best, cv=2).fit(X, y, sample_weight=weights)
    assert fitted.best_score_ == plain.best_score_

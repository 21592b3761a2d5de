"""A search as a data frame and as an Optuna study."""

import builtins
import functools
import json
import math
import warnings

import numpy as np
import pytest
from alike import every_kind, search_of
from doubles import FailsWhen
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV, When

X, y = load_iris(return_X_y=True)


def manhattan(a, b):
    return float(np.abs(a - b).sum())


def conditional():
    """Whole numbers, logarithms, words, and parameters that exist for some words only."""
    space = {
        "C": (1e-2, 1e2, "log-uniform"),
        "kernel": ["rbf", "poly", "linear"],
        "degree": When("kernel", "poly", (2, 4)),
        "gamma": When("kernel", ["rbf", "poly"], (1e-3, 1e1, "log-uniform")),
    }
    return BayesSearchCV(SVC(), space, n_iter=12, cv=3, random_state=0)


def objects():
    """Values that Optuna cannot hold."""
    pipe = Pipeline([("scale", StandardScaler()), ("knn", KNeighborsClassifier())])
    grid = {
        "scale": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "knn__metric": ["minkowski", manhattan],
        "knn__n_neighbors": [1, 5, 9],
    }
    return GridSearchCV(pipe, grid, cv=3)


def randomized():
    space = {"max_depth": [1, 2, None], "min_samples_leaf": (1, 20, "log-uniform")}
    tree = DecisionTreeClassifier(random_state=0)
    return RandomizedSearchCV(tree, space, n_iter=8, cv=3, random_state=0)


def several():
    scoring = ["accuracy", "f1_macro"]
    grid = {"C": [0.1, 1.0, 10.0], "solver": ["lbfgs", "newton-cg"]}
    return GridSearchCV(
        LogisticRegression(max_iter=500), grid, scoring=scoring, refit="f1_macro", cv=3
    )


def alternatives():
    spaces = [{"C": (0.1, 10.0, "log-uniform")}, {"C": [1, 5], "kernel": ["linear"]}]
    return BayesSearchCV(SVC(), spaces, n_iter=5, cv=3, random_state=0)


def rounds():
    model = HistGradientBoostingClassifier(max_leaf_nodes=4, early_stopping=False)
    space = {"learning_rate": (0.05, 0.5, "log-uniform")}
    return BayesSearchCV(model, space, n_iter=5, cv=3, early_stopping=3, random_state=0)


MAKERS = [conditional, objects, randomized, several, alternatives, rounds]


@functools.cache
def fitted(maker):
    return maker().fit(X[::2], y[::2])


each = pytest.mark.parametrize("maker", MAKERS)


# -- a data frame ---------------------------------------------------------------------------


@each
def test_the_frame_is_the_table(maker):
    pytest.importorskip("pandas")
    search = fitted(maker)
    frame, results = search.to_frame(), search.cv_results_
    assert frame.index.name == "candidate"
    assert sorted(frame.index) == list(range(len(results["params"])))
    metric = "f1_macro" if maker is several else "score"
    assert frame[f"rank_test_{metric}"].is_monotonic_increasing
    assert frame.index[0] == search.best_index_
    assert set(frame.columns) == {c.removeprefix("param_") for c in results} - {"params"}
    for row, params in enumerate(results["params"]):
        for parameter in (c.removeprefix("param_") for c in results if c.startswith("param_")):
            value = frame.loc[row, parameter]
            if parameter in params:
                assert value is params[parameter] or value == params[parameter]
            else:
                assert math.isnan(value)
        assert frame.loc[row, "mean_fit_time"] == results["mean_fit_time"][row]


def test_a_parameter_with_the_name_of_a_column_keeps_its_prefix():
    pytest.importorskip("pandas")
    search = GridSearchCV(FailsWhen(), {"parameter": [0, 2]}, cv=3).fit(X, y)
    search.cv_results_["param_mean_fit_time"] = search.cv_results_.pop("param_parameter")
    frame = search.to_frame()
    assert frame["param_mean_fit_time"].tolist() == [0, 2]
    assert frame["mean_fit_time"].dtype == float


@pytest.mark.parametrize(
    ("method", "package", "message"),
    [
        ("to_frame", "pandas", r"to_frame\(\) needs pandas, .*: pip install pandas"),
        ("to_optuna", "optuna", r"to_optuna\(\) needs optuna, .*: pip install skhpt\[optuna\]"),
    ],
)
def test_what_is_missing_is_named(method, package, message, monkeypatch):
    import importlib

    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=2)
    with pytest.raises(NotFittedError):
        getattr(search, method)()
    search.fit(X, y)

    def absent(name, *args):
        if name == package:
            raise ImportError(name)
        return builtins.__import__(name, *args)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=message):
        getattr(search, method)()


# -- a study ----------------------------------------------------------------------------------


@each
def test_the_study_has_every_fold_score(maker):
    optuna = pytest.importorskip("optuna")
    search = fitted(maker)
    study, results = search.to_optuna(), search.cv_results_
    metrics = ["accuracy", "f1_macro"] if maker is several else ["score"]
    maximize = optuna.study.StudyDirection.MAXIMIZE
    assert study.directions == [maximize] * len(metrics)
    if maker is several:
        assert study.metric_names == metrics
    watched = metrics[-1]
    assert [trial.number for trial in study.trials] == list(range(len(results["params"])))
    for row, trial in enumerate(study.trials):
        shown = {*trial.params, *trial.user_attrs.get("outside", ())}
        assert shown == results["params"][row].keys()
        for k in range(3):
            for metric in metrics:
                shown, kept = results[f"split{k}_test_{metric}"][row], trial.user_attrs
                kept = kept["fold_scores"][metric][k]
                assert kept == shown or (kept is None and math.isnan(shown))
            shown = results[f"split{k}_test_{watched}"][row]
            assert trial.intermediate_values.get(k, math.nan) == pytest.approx(shown, nan_ok=True)
        if trial.state.name == "COMPLETE":
            assert trial.values == [results[f"mean_test_{m}"][row] for m in metrics]
        assert trial.user_attrs["origin"] == str(search._ledger.trial(row).origin)
        seconds = sum(t for key in ("fit_time", "score_time") for t in trial.user_attrs[key] if t)
        assert trial.duration.total_seconds() == pytest.approx(seconds, abs=1e-4)
        json.dumps(trial.user_attrs, allow_nan=False)
    if maker is not several:
        assert study.best_trial.number == search.best_index_ or (
            study.best_value == search.best_score_
        )


def test_ranges_are_ranges_and_choices_are_choices():
    distributions = pytest.importorskip("optuna").distributions
    trials = fitted(conditional).to_optuna().trials
    found = {name: d for trial in trials for name, d in trial.distributions.items()}
    assert found == {
        "C": distributions.FloatDistribution(1e-2, 1e2, log=True),
        "kernel": distributions.CategoricalDistribution(["rbf", "poly", "linear"]),
        "degree": distributions.IntDistribution(2, 4),
        "gamma": distributions.FloatDistribution(1e-3, 1e1, log=True),
    }
    assert {"degree" in trial.params for trial in trials} == {True, False}
    assert trials[0].params.keys() == {"C", "kernel"}
    assert trials[0].user_attrs["outside"] == {"gamma": "'scale'"}, "of the estimator as given"
    trials = fitted(rounds).to_optuna().trials[1:]  # the default keeps its own number
    numbers = [trial.params["max_iter"] for trial in trials]
    expected = distributions.IntDistribution(min(numbers), max(numbers))
    assert trials[0].distributions["max_iter"] == expected, "which early stopping found"
    trials = fitted(alternatives).to_optuna().trials
    expected = distributions.FloatDistribution(0.1, 10.0, log=True)
    assert {trial.distributions["C"] for trial in trials} == {expected}, "a range and a list"


def test_what_optuna_cannot_hold_has_a_name():
    pytest.importorskip("optuna")
    study = fitted(objects).to_optuna()
    choices = {name: d.choices for name, d in study.trials[0].distributions.items()}
    assert choices == {
        "scale": ("StandardScaler()", "MinMaxScaler()", "passthrough"),
        "knn__metric": ("minkowski", "manhattan"),
        "knn__n_neighbors": (1, 5, 9),
    }


def test_values_that_optuna_takes_for_one_another_stay_apart():
    optuna = pytest.importorskip("optuna")
    first, second = (KNeighborsClassifier(), KNeighborsClassifier())
    values = [1, 1.0, True, "1", np.float64(2.5), float("nan"), (1, 2), first, second]
    grid = {"parameter": values}
    search = GridSearchCV(FailsWhen(bad=()), grid, cv=2).fit(X, y)
    study = search.to_optuna()
    held = [trial.params["parameter"] for trial in study.trials]
    assert held[:2] == [1, "1.0"]
    assert held[2:7] == ["True", "1", 2.5, "nan", "(1, 2)"]
    assert held[7] == "KNeighborsClassifier()" != held[8]
    assert len(set(held)) == len(values)
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials)


def test_configurations_from_outside_widen_the_range():
    distributions = pytest.importorskip("optuna").distributions
    search = BayesSearchCV(
        LogisticRegression(max_iter=500),
        {"C": (1e-2, 0.1, "log-uniform")},
        n_iter=4,
        cv=3,
        initial_params=["default", {"C": 20.0}],
        random_state=0,
    ).fit(X, y)
    study = search.to_optuna()
    assert study.trials[0].distributions["C"] == distributions.FloatDistribution(
        1e-2, 20.0, log=True
    )
    assert study.trials[0].params == {"C": 1.0}
    assert study.trials[0].user_attrs["origin"] == "default"


def test_raced_and_failed_trials():
    state = pytest.importorskip("optuna").trial.TrialState
    grid = {"C": [1.0, 1e-6, 1e-5, 1e-4, 1e-3, 10.0]}
    search = GridSearchCV(SVC(), grid, cv=6, racing=True).fit(X, y)
    n_folds = search.cv_results_["n_splits_evaluated"]
    trials = search.to_optuna().trials
    assert min(n_folds) < 6
    for trial, n in zip(trials, n_folds):
        assert trial.state is (state.COMPLETE if n == 6 else state.PRUNED)
        assert len(trial.intermediate_values) == n
        assert trial.user_attrs["status"] == ("complete" if n == 6 else "raced")

    failing = GridSearchCV(FailsWhen(bad=(1,)), {"parameter": [0, 1]}, cv=3, error_score=0.0)
    with pytest.warns(FitFailedWarning):
        failing.fit(X, y)
    good, bad = failing.to_optuna().trials
    assert (good.state, bad.state) == (state.COMPLETE, state.FAIL)
    assert bad.intermediate_values == {}
    assert bad.user_attrs["error"].startswith("RuntimeError")
    assert bad.user_attrs["fold_scores"] == {"score": [None] * 3}


def test_a_study_in_a_file(tmp_path):
    optuna = pytest.importorskip("optuna")
    pytest.importorskip("sqlalchemy")
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    made = fitted(conditional).to_optuna("svc", storage)
    read = optuna.load_study(study_name="svc", storage=storage)
    assert read.best_params == made.best_params
    assert [t.user_attrs for t in read.trials] == [t.user_attrs for t in made.trials]
    with pytest.raises(optuna.exceptions.DuplicatedStudyError):
        fitted(conditional).to_optuna("svc", storage)


@every_kind
def test_every_search_becomes_a_study(kind):
    pytest.importorskip("optuna")
    search = search_of(kind).fit(X, y)
    assert search.to_optuna().best_value == search.best_score_


PLOTS = [
    "plot_optimization_history",
    "plot_param_importances",
    "plot_slice",
    "plot_parallel_coordinate",
    "plot_intermediate_values",
]


@pytest.mark.parametrize("plot", PLOTS)
@each
def test_optunas_pictures_can_be_drawn(plot, maker):
    optuna = pytest.importorskip("optuna")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import optuna.visualization.matplotlib as pictures
    from matplotlib import pyplot

    study = fitted(maker).to_optuna()
    target = {"target": lambda trial: trial.values[1], "target_name": "f1"}
    options = target if maker is several and plot != "plot_intermediate_values" else {}
    with warnings.catch_warnings():  # Optuna says of them that they are experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)  # of few trials, which these are
        axes = np.ravel(getattr(pictures, plot)(study, **options))
    assert any(a.lines or a.collections or a.patches for a in axes)
    pyplot.close("all")


def _nan(estimator, X, y):
    return math.nan


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_metric_that_is_always_nan_is_no_value_of_a_study():
    optuna = pytest.importorskip("optuna")
    good = LogisticRegression(max_iter=500)
    several = GridSearchCV(
        good, {"C": [0.1, 1.0]}, scoring={"bad": _nan, "good": "accuracy"}, refit="good", cv=3
    ).fit(X, y)
    with pytest.warns(UserWarning, match="bad is NaN for every candidate.*left out of the values"):
        study = several.to_optuna()
    assert [t.state for t in study.trials] == [optuna.trial.TrialState.COMPLETE] * 2
    assert study.best_value == several.best_score_
    assert study.trials[0].user_attrs["fold_scores"]["bad"] == [None] * 3


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_study_without_a_score_is_warned_of():
    optuna = pytest.importorskip("optuna")
    search = GridSearchCV(
        LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, scoring=_nan, cv=3
    ).fit(X, y)
    with pytest.warns(UserWarning, match="no trial of the study is COMPLETE.*Mend the scorer"):
        study = search.to_optuna()
    assert {t.state for t in study.trials} == {optuna.trial.TrialState.FAIL}

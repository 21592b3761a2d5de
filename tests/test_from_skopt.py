"""What users of scikit-optimize's search bring along works, and tells them the same."""

import copy
import inspect
import math
import pickle
import time
import warnings

import numpy as np
import pytest
import scipy.stats
from joblib import parallel_config
from scipy.optimize import OptimizeResult
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import skhpt
from skhpt import When
from skhpt.samplers.results import optimize_result
from skhpt.space import Space, parse
from skhpt.trial import Origin, Status, Trial

skopt = pytest.importorskip("skopt")
callbacks = pytest.importorskip("skopt.callbacks")
from skopt.space import Categorical, Integer, Real  # noqa: E402

X, y = load_iris(return_X_y=True)
CHEAP = {
    "base_estimator": "ET",
    "n_initial_points": 2,
    "acq_optimizer": "sampling",
    "acq_optimizer_kwargs": {"n_points": 50},
}


class Peak(ClassifierMixin, BaseEstimator):
    """Its score is known in advance, and greatest at x = 0.3."""

    def __init__(self, x=0.5, n=1, kind="a"):
        self.x = x
        self.n = n
        self.kind = kind

    def fit(self, X, y, shift=0.0):
        self.classes_ = np.unique(y)
        self.shift_ = shift
        return self

    def score(self, X, y=None):
        return -((self.x - 0.3) ** 2) - self.n / 100 + self.shift_


class Uneven(Peak):
    """Configurations of one kind take longer than those of the other."""

    def fit(self, X, y):
        time.sleep(0.03 if self.kind == "a" else 0.0)
        return super().fit(X, y)


SPACE = {"x": Real(0.0, 1.0), "n": Integer(1, 9), "kind": Categorical(["a", "b"])}


def search_of(space=SPACE, **how):
    how = {"n_iter": 6, "cv": 2, "random_state": 0, **how}
    return skhpt.BayesSearchCV(Peak(), space, **how)


def ended(index, params, score, **how):
    how = {"status": Status.COMPLETE, "fold_scores": (score, score), **how}
    return Trial(index, params, score=score, **how)


def space_of(definition) -> Space:
    ((space, _),) = parse(definition)
    return space


PLANE = space_of({"x": (0.0, 1.0), "a": (1e-3, 1.0, "log-uniform")})


def trials_of(space, n=12, seed=0):
    rng = np.random.default_rng(seed)
    return [ended(i, space.sample(rng), float(rng.random())) for i in range(n)]


# -- the arguments -----------------------------------------------------------------------------


def test_takes_the_arguments_of_scikit_optimize_in_their_order():
    theirs = list(inspect.signature(skopt.BayesSearchCV).parameters.values())
    ours = list(inspect.signature(skhpt.BayesSearchCV).parameters.values())[: len(theirs)]
    assert [(p.name, p.kind) for p in ours] == [(p.name, p.kind) for p in theirs]
    differ = {p.name for p, q in zip(ours, theirs) if repr(p.default) != repr(q.default)}
    assert differ == {"search_spaces", "n_jobs", "n_points", "error_score"}


def test_arguments_by_position_and_by_name_are_the_same():
    values = {
        "search_spaces": SPACE, "optimizer_kwargs": CHEAP, "n_iter": 4, "scoring": None,
        "fit_params": {"shift": 1.0}, "n_jobs": 1, "n_points": 1, "iid": "deprecated",
        "refit": True, "cv": 2, "verbose": 0, "pre_dispatch": "2*n_jobs", "random_state": 0,
        "error_score": "raise", "return_train_score": True,
    }  # fmt: skip
    by_position = skhpt.BayesSearchCV(Peak(), *values.values())
    assert {name: by_position.get_params(deep=False)[name] for name in values} == values
    first = by_position.fit(X, y)
    second = skhpt.BayesSearchCV(Peak(), **values).fit(X, y)
    assert first.cv_results_["params"] == second.cv_results_["params"]


def test_fit_params_reach_fit_and_those_of_fit_come_first():
    search = search_of(fit_params={"shift": 5.0}).fit(X, y)
    assert search.best_estimator_.shift_ == 5.0
    assert search.fit(X, y, shift=7.0).best_estimator_.shift_ == 7.0
    assert search.fit_params == {"shift": 5.0}


@pytest.mark.parametrize("iid", [True, False])
def test_iid_is_announced_to_be_without_effect(iid):
    with pytest.warns(FutureWarning, match=r"iid has no effect.*Leave it out"):
        search = search_of(iid=iid).fit(X, y)
    assert search.cv_results_["params"] == search_of().fit(X, y).cv_results_["params"]


def test_optimizer_kwargs_bring_the_optimizer_of_scikit_optimize():
    ours = search_of().fit(X, y)
    theirs = search_of(optimizer_kwargs=CHEAP).fit(X, y)
    named = search_of(optimizer_kwargs=CHEAP, sampler="skopt").fit(X, y)
    assert theirs.cv_results_["params"] == named.cv_results_["params"]
    assert theirs.cv_results_["params"] != ours.cv_results_["params"]
    with pytest.raises(TypeError, match="must be keyword arguments of skopt.Optimizer.*bogus"):
        search_of(optimizer_kwargs={"bogus": 1}).fit(X, y)


def test_n_points_decides_the_result_and_n_jobs_does_not():
    with parallel_config("threading"):
        one, three, parallel = (
            search_of(n_iter=12, n_points=n_points, n_jobs=n_jobs).fit(X, y)
            for n_points, n_jobs in ((1, 1), (3, 1), (3, 2))
        )
    assert three.n_points_ == 3
    assert three.cv_results_["params"] == parallel.cv_results_["params"]
    assert three.cv_results_["params"] != one.cv_results_["params"]
    assert [r.x_iters for r in three.optimizer_results_] == [
        r.x_iters for r in parallel.optimizer_results_
    ]


# -- the space ---------------------------------------------------------------------------------

NOTATIONS = {
    "dimensions": SPACE,
    "tuples and lists": {"x": (0.0, 1.0), "n": (1, 9), "kind": ["a", "b"]},
    "with priors": {"x": (0.0, 1.0, "uniform"), "n": (1, 9, "uniform"), "kind": ("a", "b")},
    "mixed": {"x": Real(0.0, 1.0, prior="uniform"), "n": (1, 9), "kind": ["a", "b"]},
}


@pytest.mark.parametrize("space", NOTATIONS.values(), ids=NOTATIONS)
def test_every_notation_is_the_same_space(space):
    search = search_of(space).fit(X, y)
    assert search.cv_results_["params"] == search_of().fit(X, y).cv_results_["params"]


def test_budgets_of_spaces_and_total_iterations():
    spaces = [({"x": (0.0, 1.0)}, 5), {"n": Integer(1, 9), "x": [0.25, 0.5]}]
    search = search_of(spaces, n_iter=3)
    assert search.total_iterations == 8
    search.fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert [len(r.x_iters) for r in search.optimizer_results_] == [5, 3]
    assert [r.space.names for r in search.optimizer_results_] == [["x"], ["n", "x"]]
    assert search_of().total_iterations == 6


def test_dicts_without_a_budget_share_one():
    search = search_of([{"x": (0.0, 1.0)}, {"n": Integer(1, 9)}], n_iter=5)
    assert search.total_iterations == 5
    assert [len(r.x_iters) for r in search.fit(X, y).optimizer_results_] == [5]


def test_steps_of_a_pipeline_as_values():
    pipe = Pipeline([("model", SVC())])
    linear = {"model": Categorical([LinearSVC()]), "model__C": Real(1e-3, 1e2, prior="log-uniform")}
    tree = {"model": Categorical([DecisionTreeClassifier()]), "model__max_depth": Integer(1, 32)}
    search = skhpt.BayesSearchCV(pipe, [(linear, 2), (tree, 3)], cv=2, random_state=0).fit(X, y)
    first, second = search.optimizer_results_
    assert isinstance(first.x[0], LinearSVC)
    assert isinstance(second.x[0], DecisionTreeClassifier)


@pytest.mark.parametrize("space", [[(SPACE, 1)], [(SPACE, 1), ({"x": [0.1, 0.2]}, 2)]])
def test_a_budget_of_one_is_spent_inside_the_space(space):
    search = skhpt.BayesSearchCV(Peak(x=3.0), space, cv=2, random_state=0).fit(X, y)
    assert len(search.optimizer_results_[0].x_iters) == 1
    assert 0.0 <= search.best_params_["x"] <= 1.0


def test_values_are_plain_python():
    search = search_of({"x": [0.0, 1.0], "n": [0, 10], "kind": ["one", "two", "three"]}).fit(X, y)
    for params in search.cv_results_["params"]:
        assert [type(params[name]) for name in ("x", "n", "kind")] == [float, int, str]


def test_best_params_is_a_plain_dict():
    search = search_of().fit(X, y)
    assert type(search.best_params_) is dict
    assert search.estimator.set_params(**search.best_params_).get_params() == search.best_params_


# -- callbacks ---------------------------------------------------------------------------------


def test_a_callback_sees_every_configuration():
    seen = []
    search = search_of().fit(X, y, callback=seen.append)
    assert [len(result.x_iters) for result in seen] == list(range(1, 7))
    assert all(isinstance(result, OptimizeResult) for result in seen)
    whole = search.optimizer_results_[0]
    for n, result in enumerate(seen, start=1):
        assert result.x_iters == whole.x_iters[:n]
        assert np.array_equal(result.func_vals, whole.func_vals[:n])


def test_a_callback_sees_the_same_for_every_n_jobs():
    """One call a configuration, in the order of the proposals, whoever ends first."""
    seen = {1: [], 2: []}
    with parallel_config("threading"):
        for n_jobs, results in seen.items():
            search = search_of(n_iter=10, n_points=4, n_jobs=n_jobs, cv=ShuffleSplit(1))
            search.set_params(estimator=Uneven()).fit(X, y, callback=results.append)
    assert [r.x_iters for r in seen[1]] == [r.x_iters for r in seen[2]]


def test_a_callback_ends_the_search():
    n_calls = []

    def third_time(result):
        n_calls.append(len(result.x_iters))
        return len(n_calls) == 3

    search = search_of(n_iter=20).fit(X, y, callback=third_time)
    assert n_calls == [1, 2, 3]
    assert search.stop_reason_ == "stopped by a callback"
    assert 3 <= len(search.cv_results_["params"]) < 20
    assert search.best_estimator_.x == search.best_params_["x"]


def test_every_callback_of_a_list_is_called():
    first, second = [], []
    stops = [lambda result: first.append(result) or True, second.append]
    search_of().fit(X, y, callback=stops)
    assert len(first) == len(second) == 1


@pytest.mark.parametrize("callback", [3, "stop", [print, 3]])
def test_what_is_no_callback_is_refused(callback):
    with pytest.raises(TypeError, match="callback must be a callable or a list of callables"):
        search_of().fit(X, y, callback=callback)


STOPPERS = {
    "any threshold": callbacks.ThresholdStopper(0.5),
    "any difference": callbacks.DeltaYStopper(10.0, n_best=2),
    "any distance": callbacks.DeltaXStopper(100.0),
    "no progress wanted": callbacks.HollowIterationsStopper(2, threshold=100.0),
    "no time": callbacks.DeadlineStopper(1e-9),
}


@pytest.mark.parametrize("stopper", STOPPERS.values(), ids=STOPPERS)
def test_stoppers_of_scikit_optimize(stopper):
    search = search_of(n_iter=15).fit(X, y, callback=copy.deepcopy(stopper))
    assert search.stop_reason_ == "stopped by a callback"
    assert len(search.cv_results_["params"]) < 10


def test_stoppers_that_are_not_satisfied_change_nothing():
    patient = [
        callbacks.ThresholdStopper(-1e9),
        callbacks.DeltaYStopper(0.0, n_best=2),
        callbacks.DeltaXStopper(0.0),
        callbacks.HollowIterationsStopper(50),
        callbacks.DeadlineStopper(1e6),
    ]
    search = search_of().fit(X, y, callback=patient)
    assert search.cv_results_["params"] == search_of().fit(X, y).cv_results_["params"]


def test_recorders_of_scikit_optimize(tmp_path, capsys):
    timer, saver = callbacks.TimerCallback(), callbacks.CheckpointSaver(tmp_path / "result.pkl")
    talker = callbacks.VerboseCallback(n_total=6)
    search = search_of().fit(X, y, callback=[timer, saver, talker])
    assert len(timer.iter_time) == 6
    (result,) = search.optimizer_results_
    assert skopt.load(tmp_path / "result.pkl").x_iters == result.x_iters
    stored = saver.load()
    assert stored["x0"] == result.x_iters
    assert np.array_equal(stored["y0"], result.func_vals)
    assert f"Current minimum: {result.fun:.4f}" in capsys.readouterr().out


def test_a_callback_is_not_asked_about_the_default_outside_of_the_space():
    """It could stop the search before there is anything to choose."""
    seen = []
    search = skhpt.BayesSearchCV(Peak(x=3.0), SPACE, n_iter=5, cv=2, random_state=0)
    search.fit(X, y, callback=seen.append)
    assert [len(result.x_iters) for result in seen] == [1, 2, 3, 4]


# -- what is there after fit -------------------------------------------------------------------


def test_optimizer_results_agree_with_the_table():
    search = search_of(n_iter=8).fit(X, y)
    (result,) = search.optimizer_results_
    table = search.cv_results_
    assert np.array_equal(result.func_vals, -table["mean_test_score"])
    assert result.x_iters == [[p["kind"], p["n"], p["x"]] for p in table["params"]]
    assert dict(zip(result.space.names, result.x)) == search.best_params_
    assert result.fun == -search.best_score_


def test_same_seed_same_optimizer_results():
    first = search_of().fit(X, y)
    second = clone(first).fit(X, y)
    assert first.optimizer_results_[0].x_iters == second.optimizer_results_[0].x_iters


def test_results_after_fit_only():
    search = search_of()
    assert not hasattr(search, "optimizer_results_")
    with pytest.raises(AttributeError, match="after fit"):
        search.optimizer_results_  # noqa: B018


def test_pickled_searches_keep_their_results():
    search = search_of(optimizer_kwargs=CHEAP).fit(X, y)
    again = pickle.loads(pickle.dumps(search))
    assert again.best_params_ == search.best_params_
    assert again.optimizer_results_[0].x_iters == search.optimizer_results_[0].x_iters


# -- the result --------------------------------------------------------------------------------


def test_the_best_is_the_minimum_of_the_values():
    trials = trials_of(PLANE)
    result = optimize_result(PLANE, trials)
    best = max(trials, key=lambda trial: trial.score)
    assert result.x == [best.params["a"], best.params["x"]]
    assert result.fun == result.func_vals.min() == -best.score
    assert result.x_iters[int(np.argmin(result.func_vals))] == result.x
    assert result.x_iters == [[t.params["a"], t.params["x"]] for t in trials]
    assert type(result.fun) is float


def test_the_first_of_equals_is_the_best():
    trials = [ended(i, {"x": i / 10, "a": 0.5}, 1.0) for i in range(3)]
    assert optimize_result(PLANE, trials).x == [0.5, 0.0]


def test_a_failed_configuration_is_the_worst():
    failed = {"status": Status.FAILED, "fold_scores": (math.nan, math.nan)}
    trials = [
        ended(0, {"x": 0.1, "a": 0.1}, math.nan, **failed),
        ended(1, {"x": 0.2, "a": 0.1}, -3.0),
        ended(2, {"x": 0.3, "a": 0.1}, math.nan),  # a scorer that returned NaN
    ]
    result = optimize_result(PLANE, trials)
    assert result.func_vals.tolist() == [math.inf, 3.0, math.inf]
    assert result.x == [0.1, 0.2]
    alone = optimize_result(PLANE, trials[:1])
    assert (alone.fun, alone.x) == (math.inf, [0.1, 0.1])


def test_unfinished_and_forbidden_configurations_are_left_out():
    good = {"x": 0.2, "a": 0.1}
    trials = [
        ended(0, {"x": 9.0, "a": 0.1}, 5.0, origin=Origin.DEFAULT, eligible=False),
        ended(1, good, 1.0),
        ended(2, {"x": 0.3, "a": 0.1}, 7.0, status=Status.STOPPED, fold_scores=(7.0, math.nan)),
        Trial(3, {"x": 0.4, "a": 0.1}),
    ]
    result = optimize_result(PLANE, trials)
    assert (result.x_iters, result.fun) == ([[0.1, 0.2]], -1.0)


def test_a_dropped_configuration_is_compared_fairly_and_never_chosen():
    """The first fold is an easy one: 10 points more than the second."""
    trials = [
        ended(0, {"x": 0.1, "a": 0.1}, 11.0, status=Status.RACED, fold_scores=(11.0, math.nan)),
        ended(1, {"x": 0.2, "a": 0.1}, 5.0, fold_scores=(10.0, 0.0)),
    ]
    result = optimize_result(PLANE, trials)
    assert result.func_vals.tolist() == [-6.0, -5.0]
    assert (result.x, result.fun) == ([0.1, 0.2], -5.0)


def test_nothing_yet():
    result = optimize_result(PLANE, [])
    assert (result.x, result.fun, result.x_iters, len(result.func_vals)) == (None, math.inf, [], 0)
    assert len(result.models) == 0


def test_parameters_that_do_not_exist_are_none():
    space = space_of({"kind": ["a", "b"], "x": When("kind", "a", (0.0, 1.0))})
    trials = [ended(0, {"kind": "a", "x": 0.5}, 1.0), ended(1, {"kind": "b"}, 2.0)]
    result = optimize_result(space, trials)
    assert result.x_iters == [["a", 0.5], ["b", None]]
    assert not result.models
    with pytest.raises(AttributeError, match="no dimensions for parameters that exist only"):
        result.space.dimensions  # noqa: B018


# -- scikit-optimize's dimensions and pictures -------------------------------------------------

VARIED = {
    "C": (1e-3, 1e3, "log-uniform"),
    "degree": (1, 8),
    "kernel": ["rbf", "poly", None],
    "layers": [(10,), (10, 10)],
    "gamma": scipy.stats.norm(0, 1),
    "count": scipy.stats.poisson(3),
    "order": [1, 2, 5],
    "only": ["this"],
    "alike": [1, 1.0, "log2"],
}


def test_dimensions_are_those_of_scikit_optimize():
    result = optimize_result(space_of(VARIED), trials_of(space_of(VARIED)))
    axes = dict(zip(result.space.names, result.space.dimensions))
    assert [axis.name for axis in axes.values()] == sorted(VARIED)
    assert (axes["C"].bounds, axes["C"].prior) == ((1e-3, 1e3), "log-uniform")
    assert (axes["degree"].bounds, type(axes["degree"])) == ((1, 8), Integer)
    assert axes["kernel"].categories == ("rbf", "poly", None)
    assert axes["layers"].categories == ((10,), (10, 10))
    assert axes["order"].categories == (1, 2, 5)
    assert axes["only"].is_constant
    values = [point[result.space.names.index("gamma")] for point in result.x_iters]
    assert axes["gamma"].bounds == (min(values), max(values))
    assert all(point in result.space for point in result.x_iters)
    assert list(result.space) == result.space.dimensions


def test_given_numbers_out_of_range_have_a_place():
    trials = [*trials_of(PLANE), ended(12, {"x": 4.0, "a": 0.5}, 9.0, origin=Origin.GIVEN)]
    result = optimize_result(PLANE, trials)
    assert result.x == [0.5, 4.0]
    assert result.x in result.space
    assert result.space.bounds == [(1e-3, 1.0), (0.0, 4.0)]


def test_axes_can_be_copied_and_pickled():
    result = optimize_result(PLANE, trials_of(PLANE))
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert twin.space.dimensions == result.space.dimensions
        assert twin.x_iters == result.x_iters
    with pytest.raises(AttributeError, match="bogus"):
        result.space.bogus  # noqa: B018


def test_without_scikit_optimize_the_message_says_what_to_install(monkeypatch):
    result = optimize_result(PLANE, trials_of(PLANE))
    monkeypatch.setitem(__import__("sys").modules, "skhpt.samplers.skopt", None)
    with pytest.raises(AttributeError, match="'dimensions' is .*pip install scikit-optimize"):
        result.space.dimensions  # noqa: B018
    assert (result.space.names, result.space.space) == (["a", "x"], PLANE)


def test_the_model_has_learned_the_scores():
    rng = np.random.default_rng(0)
    configurations = [PLANE.sample(rng) for _ in range(25)]
    trials = [ended(i, p, -((p["x"] - 0.3) ** 2)) for i, p in enumerate(configurations)]
    trials.append(ended(25, {"x": 0.9, "a": 0.5}, math.nan, status=Status.FAILED))
    result = optimize_result(PLANE, trials)
    (model,) = result.models
    assert model is result.models[-1]
    near, far = model.predict(result.space.transform([[0.5, 0.3], [0.5, 0.9]]))
    assert near < far


@pytest.mark.parametrize("name", ["plot_convergence", "plot_evaluations", "plot_objective"])
@pytest.mark.parametrize("n_names", [3, pytest.param(9, marks=pytest.mark.slow)])
def test_plots_of_scikit_optimize(name, n_names):
    plots = pytest.importorskip("skopt.plots")
    plt = pytest.importorskip("matplotlib.pyplot")
    space = space_of(dict(list(VARIED.items())[:n_names]))
    trials = trials_of(space)
    trials.append(ended(12, trials[0].params, math.nan, status=Status.FAILED))
    options = {"n_points": 4, "n_samples": 10} if name == "plot_objective" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        getattr(plots, name)(optimize_result(space, trials), **options)
    plt.close("all")

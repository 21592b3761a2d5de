"""What users of Optuna bring along works: distributions, every sampler, a study's sampler."""

import importlib.util
import math
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin

import skhpt
from skhpt import When
from skhpt.samplers.registry import make_sampler
from skhpt.space import Integer, Real, Space
from skhpt.trial import Status, Trial

optuna = pytest.importorskip("optuna")
from optuna.distributions import (  # noqa: E402
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import (  # noqa: E402
    BruteForceSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIIISampler,
    NSGAIISampler,
    PartialFixedSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import TrialState  # noqa: E402

X, y = np.zeros((12, 1)), np.array([0, 1] * 6)


class Peak(ClassifierMixin, BaseEstimator):
    """Its score is known in advance; it cannot be fitted with kind="broken"."""

    def __init__(self, x=0.5, n=1, step=0.0, kind="a", depth=None):
        self.x = x
        self.n = n
        self.step = step
        self.kind = kind
        self.depth = depth

    def fit(self, X, y):
        if self.kind == "broken":
            raise RuntimeError("this one is broken")
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y=None):
        return -((self.x - 0.3) ** 2) - self.n / 100 - (self.depth or 0.0)


NUMBERS = {"x": FloatDistribution(1e-2, 1.0, log=True), "n": IntDistribution(1, 9)}
SPACE = {
    **NUMBERS,
    "step": FloatDistribution(0.0, 1.0, step=0.25),
    "kind": CategoricalDistribution(["a", "b", None]),
    "deep": When("kind", "a", {"depth": FloatDistribution(0.0, 1.0)}),
}
FINITE = {"n": IntDistribution(1, 3), "kind": CategoricalDistribution(["a", "b"])}


def made(cls, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # many are experimental
        return cls(**options)


def fixed(params, base):
    return made(PartialFixedSampler, fixed_params=params, base_sampler=base)


def search_of(space=SPACE, **how):
    how = {"n_iter": 14, "cv": 2, "random_state": 0, **how}
    return skhpt.BayesSearchCV(Peak(), space, **how)


# -- distributions -----------------------------------------------------------------------------


def test_distributions_are_read_as_they_are():
    space = {
        "x": FloatDistribution(1e-3, 1e3, log=True),
        "step": FloatDistribution(0.0, 1.0, step=0.25),
        "n": IntDistribution(1, 9, step=4),
        "kind": CategoricalDistribution(["a", None]),
        "depth": FloatDistribution(0.5, 0.5),
    }
    tried = search_of(space, n_iter=60, initial_params=None, sampler="random").fit(X, y)
    table = tried.cv_results_["params"]
    assert {p["n"] for p in table} == {1, 5, 9}
    assert {p["step"] for p in table} == {0.0, 0.25, 0.5, 0.75, 1.0}
    assert {p["kind"] for p in table} == {"a", None}
    assert {p["depth"] for p in table} == {0.5}
    assert 0.2 < np.mean([p["x"] < 1.0 for p in table]) < 0.8  # half of a logarithmic range
    assert all(type(p["n"]) is int and type(p["x"]) is float for p in table)


def test_distributions_of_a_wide_logarithmic_range_of_integers():
    tried = search_of({"n": IntDistribution(1, 10_000, log=True)}, sampler="random", n_iter=60)
    values = [p["n"] for p in tried.fit(X, y).cv_results_["params"]]
    assert 0.2 < np.mean([n < 100 for n in values]) < 0.8


# -- samplers ----------------------------------------------------------------------------------

SAMPLERS = {
    "default TPE": lambda: TPESampler(seed=0, n_startup_trials=3),
    "multivariate TPE": lambda: made(
        TPESampler, seed=0, n_startup_trials=3, multivariate=True, constant_liar=True
    ),
    "TPE in groups": lambda: made(
        TPESampler, seed=0, n_startup_trials=3, multivariate=True, group=True
    ),
    "CMA-ES": lambda: CmaEsSampler(seed=0, n_startup_trials=3, warn_independent_sampling=False),
    "NSGA-II": lambda: NSGAIISampler(seed=0, population_size=4),
    "NSGA-III": lambda: made(NSGAIIISampler, seed=0, population_size=4),
    "quasi-random": lambda: made(QMCSampler, seed=0, warn_independent_sampling=False),
    "random": lambda: RandomSampler(seed=0),
    "partly fixed": lambda: fixed({"n": 2}, TPESampler(seed=0)),
}  # fmt: skip


@pytest.mark.parametrize("make", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("space", [SPACE, NUMBERS], ids=["conditional", "numbers"])
def test_the_result_is_the_same_for_every_n_jobs(make, space):
    with parallel_config("threading"):
        one, two = (search_of(space, sampler=make(), n_jobs=n).fit(X, y) for n in (1, 2))
    table = one.cv_results_["params"]
    assert table == two.cv_results_["params"]
    assert len(table) == 14
    assert len({str(params) for params in table}) == 14
    if "kind" in space:
        assert all(("depth" in p) == (p["kind"] == "a") for p in table[1:])


@pytest.mark.parametrize("cls", [RandomSampler, TPESampler, CmaEsSampler, NSGAIISampler])
def test_a_class_gets_the_seed_of_the_search(cls):
    first, again, other = (
        search_of(NUMBERS, sampler=cls, random_state=seed, n_iter=5).fit(X, y).cv_results_["params"]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_what_is_fixed_stays_fixed_when_the_rest_is_used_up():
    space = {"n": IntDistribution(1, 3), "x": FloatDistribution(0.0, 1.0), "depth": [0.0, 1.0]}
    sampler = fixed({"n": 2, "x": 0.25}, RandomSampler(seed=0))
    search = search_of(space, sampler=sampler, initial_params=None).fit(X, y)
    table = [(p["n"], p["x"], p["depth"]) for p in search.cv_results_["params"]]
    assert sorted(table) == [(2, 0.25, 0.0), (2, 0.25, 1.0)]


def test_what_is_fixed_stays_fixed():
    sampler = fixed({"n": 2}, RandomSampler(seed=0))
    search = search_of(NUMBERS, sampler=sampler).fit(X, y)
    assert {p["n"] for p in search.cv_results_["params"][1:]} == {2}


@pytest.mark.parametrize(
    ("params", "space"),
    [
        ({"kind": "b"}, {**NUMBERS, "kind": CategoricalDistribution(["a", "b"])}),
        ({"n": 5}, {**NUMBERS, "n": IntDistribution(1, 9, step=2)}),
    ],
    ids=["category", "in steps"],
)
def test_values_of_every_kind_can_be_fixed(params, space):
    sampler = fixed(params, RandomSampler(seed=0))
    search = search_of(space, sampler=sampler, initial_params=None).fit(X, y)
    ((name, value),) = params.items()
    assert {p[name] for p in search.cv_results_["params"]} == {value}


def test_a_grid_is_tried_once():
    grid = GridSampler({"x": [0.1, 0.3], "n": [1, 5]}, seed=0)
    search = search_of(NUMBERS, sampler=grid, initial_params=None).fit(X, y)
    table = [(p["x"], p["n"]) for p in search.cv_results_["params"]]
    assert sorted(table) == [(0.1, 1), (0.1, 5), (0.3, 1), (0.3, 5)]
    assert search.stop_reason_ == "search space exhausted"


def test_brute_force_tries_everything_once():
    sampler = make_sampler(made(BruteForceSampler, seed=0), space_of_finite(), 0)
    asked = [sampler.ask() for _ in range(6)]
    assert len({str(params) for params in asked}) == 6
    assert sampler.ask() is None


def space_of_finite() -> Space:
    from skhpt.space import parse

    ((space, _),) = parse(FINITE)
    return space


def test_brute_force_of_an_endless_space_is_refused_by_optuna():
    with pytest.raises(ValueError, match="BruteForceSampler"):
        search_of(NUMBERS, sampler=made(BruteForceSampler)).fit(X, y)


@pytest.mark.parametrize("sampler", [GPSampler, lambda: made(GPSampler, seed=0)])
def test_a_missing_package_is_named_before_any_fit(sampler, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    sampler = sampler if isinstance(sampler, type) else sampler()
    with pytest.raises(ImportError, match=r"GPSampler .* 'torch'.*pip install torch, or .*'gp'"):
        search_of(NUMBERS, sampler=sampler).fit(X, y)


# -- a study's sampler -------------------------------------------------------------------------


def quadratic(trial):
    return (trial.suggest_float("x", 1e-2, 1.0, log=True) - 0.3) ** 2


@pytest.fixture
def quiet_optuna():
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(level)


@pytest.mark.usefixtures("quiet_optuna")
def test_the_sampler_of_a_study_is_left_as_it_was():
    """Its history stays in the study, its state of randomness does not move."""

    def suggestions(searched):
        study = optuna.create_study(sampler=TPESampler(seed=0, n_startup_trials=3))
        study.optimize(quadratic, n_trials=8)
        if searched:
            search_of(NUMBERS, sampler=study.sampler).fit(X, y)
            assert len(study.trials) == 8
        study.optimize(quadratic, n_trials=4)
        return [trial.params for trial in study.trials]

    assert suggestions(searched=True) == suggestions(searched=False)


def test_a_sampler_starts_every_search_from_where_it_stood():
    sampler = TPESampler(seed=0, n_startup_trials=3)
    search = search_of(NUMBERS, sampler=sampler)
    first = search.fit(X, y).cv_results_["params"]
    assert search.fit(X, y).cv_results_["params"] == first


# -- what Optuna is told -----------------------------------------------------------------------


class Remembers(RandomSampler):
    """Keeps, for the whole class, what every trial ended with."""

    ended: list = []

    def after_trial(self, study, trial, state, values):
        self.ended.append((state, values))


def test_scores_are_maximised_and_failures_told_as_failures():
    Remembers.ended.clear()
    space = {**NUMBERS, "kind": CategoricalDistribution(["a", "broken"])}
    search = search_of(space, sampler=Remembers(seed=0), initial_params=None)
    with pytest.warns(Warning, match="this one is broken|non-finite"):
        search.fit(X, y)
    table = search.cv_results_
    expected = [
        (TrialState.FAIL, None) if math.isnan(score) else (TrialState.COMPLETE, [score])
        for score in table["mean_test_score"]
    ]
    assert {state for state, _ in expected} == {TrialState.FAIL, TrialState.COMPLETE}
    assert Remembers.ended == expected


def test_dropped_and_unfinished_configurations_are_told_with_what_is_known():
    """The first fold is an easy one: 10 points more than the second."""
    space = Space({"x": Real(0.0, 1.0), "n": Integer(1, 9)})
    fates = [
        (Status.COMPLETE, (10.0, 0.0), 5.0, [5.0]),
        (Status.RACED, (11.0, math.nan), 11.0, [6.0]),
        (Status.STOPPED, (9.0, math.nan), 9.0, [4.0]),
        (Status.STOPPED, (math.nan, math.nan), math.nan, None),
    ]
    Remembers.ended.clear()
    sampler = make_sampler(Remembers(seed=0), space, 0)
    for index, (status, folds, score, _) in enumerate(fates):
        params = sampler.ask()
        sampler.tell(Trial(index, params, status=status, score=score, fold_scores=folds))
    assert [values for _, values in Remembers.ended] == [values for *_, values in fates]


# -- the arguments of OptunaSearchCV -----------------------------------------------------------


@pytest.mark.parametrize("name", ["n_trials", "timeout", "study", "param_distributions"])
def test_arguments_of_optunas_search_are_not_swallowed(name):
    with pytest.raises(TypeError, match=name):
        skhpt.BayesSearchCV(Peak(), **{name: 3})


@pytest.mark.usefixtures("quiet_optuna")
def test_the_search_of_optuna_and_ours_take_the_same_distributions():
    integration = pytest.importorskip("optuna_integration")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = integration.OptunaSearchCV(Peak(), NUMBERS, n_trials=4, cv=2, random_state=0)
        theirs.fit(X, y)
    ours = search_of(NUMBERS, n_iter=4, sampler="tpe").fit(X, y)
    assert ours.best_params_.keys() == theirs.best_params_.keys()

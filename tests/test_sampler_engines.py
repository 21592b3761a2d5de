"""What is particular to the samplers of Optuna and scikit-optimize."""

import logging
import math
import warnings

import numpy as np
import pytest

from skhpt.samplers.registry import make_sampler
from skhpt.space import Categorical, Integer, Layers, Ordinal, Real, Space, When
from skhpt.trial import Origin, Status, Trial

optuna = pytest.importorskip("optuna")
skopt = pytest.importorskip("skopt")

from skhpt.samplers.optuna import OptunaSampler  # noqa: E402
from skhpt.samplers.results import optimize_result  # noqa: E402
from skhpt.samplers.skopt import SkoptSampler  # noqa: E402

PLANE = Space({"x": Real(0.0, 1.0), "y": Real(1e-3, 1.0, log=True)})
GRID = Space({"n": Integer(0, 2), "kind": Categorical(["a", None])})
SPACE = Space(
    {
        "real": Real(1e-3, 1.0, log=True),
        "integer": Integer(1, 9),
        "stepped": Real(0.0, 1.0, step=0.25),
        "ordinal": Ordinal([8, 1, 0.5]),
        "network": Layers((1, 3), (4, 64)),
        "kind": Categorical([None, (1, 2), len]),
        "child": When("kind", [None, len], Integer(1, 3)),
        "fixed": Categorical(["only"]),
    }
)
CHEAP = {
    "n_initial_points": 2,
    "acq_optimizer": "sampling",
    "acq_optimizer_kwargs": {"n_points": 50},
}


def ended(index, params, score, **how):
    return Trial(
        index, params, **{"status": Status.COMPLETE, "score": score, "fold_scores": (score,), **how}
    )


def search(sampler, n):
    asked = []
    for index in range(n):
        asked.append(sampler.ask())
        if asked[-1] is None:
            break
        sampler.tell(ended(index, asked[-1], float(len(str(asked[-1])))))
    return asked


def known(sampler):
    """The trials that Optuna has, as (state, value, params)."""
    return [(t.state.name, t.value, t.params) for t in sampler._study.get_trials(deepcopy=False)]


# -- raced trials --------------------------------------------------------------------------------

RESIDUAL = 0.05  # standard deviation of what neither trial nor fold explain


def raced_search(effects, seed, n=60):
    """A search on known qualities whose losers miss the folds after the first one to three."""
    rng = np.random.default_rng(seed)
    quality = 0.3 * rng.normal(size=n)
    table = quality[:, None] + effects + RESIDUAL * rng.normal(size=(n, len(effects)))
    trials, incumbent = [], table[0]
    for index, folds in enumerate(table):
        behind = np.cumsum(incumbent - folds)[:3] / np.arange(1, 4)
        losing = np.flatnonzero(behind > 3 * RESIDUAL)
        n_ran = losing[0] + 1 if len(losing) else len(folds)
        scores = np.where(np.arange(len(folds)) < n_ran, folds, math.nan)
        status = Status.COMPLETE if n_ran == len(folds) else Status.RACED
        how = {"fold_scores": tuple(scores), "status": status}
        trials.append(ended(index, PLANE.sample(rng), float(np.nanmean(scores)), **how))
        if n_ran == len(folds) and folds.mean() > incumbent.mean():
            incumbent = folds
    return quality, trials


def engine_scores(name, trials):
    """What an engine knows of each trial, greater is better."""
    if name == "result":
        return -optimize_result(PLANE, trials).func_vals
    sampler = make_sampler(name, PLANE, 0, optimizer_kwargs=CHEAP if name == "skopt" else None)
    for trial in trials:
        sampler.tell(trial)
    if name == "tpe":
        return np.array([value for _, value, _ in known(sampler)])
    return -np.array(sampler._observations()[1]) if name == "skopt" else sampler._folds.scores()


@pytest.mark.parametrize("name", ["gp", "tpe", "skopt", "result"])
@pytest.mark.parametrize("first_fold", [1.0, -1.0], ids=["hard folds missed", "easy folds missed"])
def test_raced_trials_rank_as_their_true_means_do(name, first_fold):
    """Also against complete ones, although only the good ones have run the later folds."""
    effects = first_fold * np.array([1.0, 0.6, 0.0, -0.6, -1.0])
    raced_errors = []
    for seed in range(5):
        quality, trials = raced_search(effects, seed)
        error = engine_scores(name, trials) - quality
        raced = np.array([trial.status is Status.RACED for trial in trials])
        assert 10 <= raced.sum() <= len(raced) - 2
        assert np.abs(error).max() < 5 * RESIDUAL  # the raw mean is wrong by up to 20 of them
        raced_errors.append(np.mean(error[raced]) - np.mean(error[~raced]))
    assert abs(np.mean(raced_errors)) < RESIDUAL


# -- Optuna: which sampler -----------------------------------------------------------------------


def test_optuna_object_is_copied_with_its_seed():
    for cls in (optuna.samplers.TPESampler, optuna.samplers.RandomSampler):
        given = cls(seed=3)
        first, second = (search(make_sampler(given, PLANE, seed), 12) for seed in (0, 1))
        assert first == second  # nothing of the first search is left in it
        assert first == search(make_sampler(cls, PLANE, 3), 12)


def test_optuna_class_is_seeded():
    first, again, other = (
        search(make_sampler(optuna.samplers.RandomSampler, PLANE, seed), 3) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_optuna_sampler_of_any_kind():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samplers = [
            optuna.samplers.NSGAIISampler(population_size=4, seed=0),
            optuna.samplers.QMCSampler(seed=0),
            optuna.samplers.CmaEsSampler(seed=0, with_margin=True),
            optuna.samplers.PartialFixedSampler({"x": 0.5}, optuna.samplers.RandomSampler(seed=0)),
            optuna.samplers.BruteForceSampler(seed=0),
        ]
    space = Space({"x": Real(0.0, 1.0), "n": Integer(1, 100), "k": Categorical([None, "a"])})
    for sampler in samplers[:-1]:
        assert all(space.contains(params) for params in search(make_sampler(sampler, space, 0), 12))
    everything = search(make_sampler(samplers[-1], GRID, 0), 9)
    assert sorted(map(str, everything[:-1])) == sorted(map(str, GRID.enumerate()))


def test_optuna_sampler_that_ends_its_study_ends_the_proposals():
    grid = optuna.samplers.GridSampler({"n": [0, 2], "kind": ["a"]}, seed=0)
    sampler = make_sampler(grid, GRID, 0)
    assert sorted(params["n"] for params in search(sampler, 9)[:-1]) == [0, 2]
    assert sampler.ask() is None


def test_optuna_wrong_sampler():
    with pytest.raises(TypeError, match=r"'tpe', 'cmaes', or a sampler of Optuna .* got 3"):
        OptunaSampler(PLANE, 0, sampler=3)
    with pytest.raises(ValueError, match=r"must be 'tpe' or 'cmaes' when it is a name, got 'gp'"):
        OptunaSampler(PLANE, 0, sampler="gp")
    with pytest.raises(TypeError, match=r"samplers.GridSampler, got {'seed': 0} .* an object"):
        OptunaSampler(PLANE, 0, sampler=optuna.samplers.GridSampler)
    with pytest.raises(ValueError, match=r"already made, got .*; give them to that object"):
        OptunaSampler(PLANE, 0, optuna.samplers.RandomSampler(), {"seed": 1})
    with pytest.raises(ValueError, match=r"optimizer_kwargs are for .*RandomSampler"):
        make_sampler(optuna.samplers.RandomSampler(), PLANE, 0, optimizer_kwargs={"a": 1})
    with pytest.raises(
        TypeError, match=r"keyword arguments of optuna.samplers.TPESampler, .*'bogus'"
    ):
        make_sampler("tpe", PLANE, 0, optimizer_kwargs={"bogus": 1})


# -- Optuna: what the study holds ------------------------------------------------------------------


def test_optuna_distributions():
    sampler = make_sampler("tpe", SPACE, 0)
    while "child" not in sampler.ask():
        pass
    distributions = sampler._study.get_trials()[-1].distributions
    whole, unit = optuna.distributions.IntDistribution, optuna.distributions.FloatDistribution(0, 1)
    assert distributions == {
        "real": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "integer": whole(1, 9),
        "stepped": optuna.distributions.FloatDistribution(0.0, 1.0, step=0.25),
        "ordinal": whole(0, 2),
        "network[0]": unit,
        "network[1]": unit,
        "kind": optuna.distributions.CategoricalDistribution((0, 1, 2)),
        "child": whole(1, 3),
    }


@pytest.mark.parametrize(
    "space",
    [
        SPACE,
        Space([{"a": Categorical(["p"]), "C": Real(0.0, 1.0)}, {"a": Categorical(["p"])}]),
        Space([{"C": Real(0.0, 1.0), "alternative": Integer(1, 2)}, {"C": Real(1.0, 5.0)}]),
    ],
    ids=["conditional", "alternatives", "redefined"],
)
def test_optuna_is_told_of_foreign_trials_what_it_would_have_proposed(space):
    proposer, listener = (make_sampler("tpe", space, 0) for _ in range(2))
    for index in range(20):
        params = proposer.ask()
        listener.tell(Trial(index, params, Origin.GIVEN))
    proposed, told = (
        [params for state, _, params in known(sampler) if state == "RUNNING"]
        for sampler in (proposer, listener)
    )
    assert len(proposed) == len(told) == 20
    for own, foreign in zip(proposed, told):
        assert foreign.keys() == own.keys()
        for name, value in own.items():
            assert foreign[name] == pytest.approx(value, abs=0.17 if "[" in name else 1e-9)


def test_optuna_is_told_how_trials_ended():
    sampler = make_sampler("tpe", PLANE, 0)
    asked = [sampler.ask() for _ in range(4)]
    sampler.tell(Trial(4, {"x": 7.0, "y": 1.0}, Origin.GIVEN))
    sampler.tell(ended(0, asked[0], 1.5, fold_scores=(1.0, 2.0)))
    sampler.tell(ended(1, asked[1], math.nan, status=Status.FAILED, fold_scores=()))
    raced = (1.2, math.nan)  # 0.2 better than the only complete trial on that fold
    sampler.tell(ended(2, asked[2], 1.2, status=Status.RACED, fold_scores=raced))
    sampler.tell(ended(4, {"x": 7.0, "y": 1.0}, 0.5, origin=Origin.GIVEN))
    sampler.tell(ended(5, {"x": 0.5, "y": 0.01}, 0.7, origin=Origin.GIVEN))  # never told as running
    states, values, params = zip(*known(sampler))
    assert states == ("COMPLETE", "FAIL", "COMPLETE", "RUNNING", "COMPLETE", "COMPLETE")
    assert values == (1.5, None, pytest.approx(1.7), None, 0.5, 0.7)
    assert params[4] == {"x": 1.0, "y": 1.0}  # clipped


def test_optuna_speaks_again_afterwards(capfd):
    optuna.logging.enable_default_handler()
    optuna.logging.set_verbosity(optuna.logging.INFO)  # whatever a test before has set
    search(make_sampler("cmaes", SPACE, 0), 6)
    logger = logging.getLogger("optuna")
    assert logger.level == logging.INFO
    assert capfd.readouterr().err == ""


# -- scikit-optimize -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"base_estimator": "RF"},
        {"acq_func": "EIps", "base_estimator": "ET"},
        {"acq_func": "gp_hedge"},
        {"initial_point_generator": "lhs", "n_initial_points": 4},
        {"n_initial_points": 0},
    ],
    ids=str,
)
def test_skopt_options(options):
    options = {**CHEAP, **options}
    first, second = (
        search(make_sampler("skopt", SPACE, 0, optimizer_kwargs=options), 5) for _ in range(2)
    )
    assert first == second
    assert all(SPACE.contains(params) for params in first)


def test_skopt_in_a_space_of_categories_only():
    space = Space({"a": Categorical(list("pqr")), "b": Categorical(["s", None])})
    assert len(search(make_sampler("skopt", space, 0, optimizer_kwargs=CHEAP), 9)) == 7


def test_skopt_own_random_state():
    own, outer = (
        search(SkoptSampler(PLANE, seed, {**CHEAP, **extra}), 3)
        for seed, extra in [(0, {"random_state": 7}), (7, {})]
    )
    assert own == outer


def test_skopt_initial_points_are_those_of_scikit_optimize_and_counted_with_foreign_ones():
    options = {**CHEAP, "n_initial_points": 4, "initial_point_generator": "grid"}
    corners = [p["x"] for p in search(SkoptSampler(PLANE, 0, options), 4)]
    sampler = SkoptSampler(PLANE, 0, options)
    sampler.tell(ended(0, {"x": 0.3, "y": 0.1}, 0.0, origin=Origin.GIVEN))
    sampler.tell(Trial(1, {"x": 0.4, "y": 0.1}, Origin.GIVEN))
    assert [p["x"] for p in search(sampler, 3)[:2]] == corners[:2]
    assert sampler._last is not None  # the third comes from the surrogate


def test_skopt_lies_and_worst_scores():
    sampler = SkoptSampler(PLANE, 0, CHEAP)
    asked = [sampler.ask() for _ in range(5)]
    for index, score in enumerate([1.0, 3.0, math.nan, -math.inf]):
        sampler.tell(ended(index, asked[index], score))
    points, costs = sampler._observations()
    assert costs == [-1.0, -3.0, -1.0, -1.0, -3.0]
    assert len(points) == 5
    sampler.tell(ended(4, asked[4], 2.0))
    assert sampler._observations()[1] == [-1.0, -3.0, -1.0, -1.0, -2.0]


def test_skopt_costs_with_times():
    sampler = SkoptSampler(PLANE, 0, {**CHEAP, "acq_func": "EIps"})
    asked = [sampler.ask() for _ in range(3)]
    for index, seconds in enumerate([2.0, 4.0]):
        sampler.tell(ended(index, asked[index], float(index), seconds=seconds))
    assert sampler._observations()[1] == [(0.0, 2.0), (-1.0, 4.0), (-1.0, 3.0)]


@pytest.mark.parametrize("name", ["dimensions", "space_constraint"])
def test_skopt_reserved_options(name):
    with pytest.raises(ValueError, match=f"optimizer_kwargs must not contain '{name}', got .*; "):
        make_sampler("skopt", PLANE, 0, optimizer_kwargs={name: [1]})


def test_skopt_wrong_options():
    with pytest.raises(TypeError, match=r"keyword arguments of skopt.Optimizer, got .*'bogus'"):
        make_sampler("skopt", PLANE, 0, optimizer_kwargs={"bogus": 1})
    with pytest.raises(
        ValueError, match=r"\['random_state'\] must be an int, got .*; leave it out"
    ):
        SkoptSampler(PLANE, 0, {"random_state": "0"})

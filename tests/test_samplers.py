"""The contract of the samplers. Every row of the registry's table is under test by itself."""

import copy
import functools
import importlib
import logging
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.stats
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skhpt.samplers.gp import GPSampler
from skhpt.samplers.registry import SAMPLERS, make_sampler
from skhpt.space import (
    Categorical,
    Drawn,
    Frozen,
    Integer,
    Layers,
    Ordinal,
    Real,
    Space,
    When,
)
from skhpt.trial import Origin, Status, Trial


def quick_options(name):
    """Options that bring a sampler past its first random points within a few cheap proposals."""
    if name == "tpe":
        return {"n_startup_trials": 4}
    if name == "skopt":
        from skopt.learning import ExtraTreesRegressor

        return {
            "base_estimator": ExtraTreesRegressor(10, min_samples_leaf=2, random_state=0),
            "n_initial_points": 4,
            "acq_func": "EI",
            "acq_optimizer": "sampling",
            "acq_optimizer_kwargs": {"n_points": 200},
        }
    return None


def _class(row):
    """The class of a row, or None when the optional package behind it is not installed."""
    try:
        return getattr(importlib.import_module(f"skhpt.samplers.{row.module}"), row.name)
    except ImportError:
        if row.packages is None:
            raise
        return None


CLASSES = {name: _class(row) for name, row in SAMPLERS.items()}

# Options that change how a sampler proposes, under the same contract.
OPTIONS = {"gp per cost": functools.partial(GPSampler, cost_exponent=0.5)}


class Rolls:
    """A distribution of its own kind, with few values."""

    def __init__(self, sides):
        self.sides = sides

    def rvs(self, random_state=None):
        return int(random_state.randint(1, self.sides + 1))


def a_function(x):
    return x


PLANE = Space({"x": Real(0.0, 1.0), "y": Real(1e-3, 1.0, log=True)})
FINITE = Space({"n": Integer(0, 2), "kind": Categorical(["a", "b"])})
INFINITE = {
    "plane": PLANE,
    "line": Space({"x": Real(-1.0, 1.0)}),
    "numbers": Space(
        {
            "real": Real(-3.0, 5.0),
            "stepped": Real(0.0, 1.0, step=0.25),
            "integer": Integer(1, 1000, log=True),
            "every_third": Integer(0, 30, step=3),
            "stepped_log": Integer(1, 64, log=True, step=9),
            "ordinal": Ordinal([1, 0.5, 8]),
            "constant": Categorical([7]),
        }
    ),
    "objects": Space(
        {
            "layers": Categorical([(10,), (10, 10), None]),
            "step": Categorical([LogisticRegression(), StandardScaler(), "passthrough"]),
            "function": Categorical([a_function, len, math.sin]),
            "array": Categorical([np.arange(3), np.zeros(2)]),
            "flag": Categorical([True, False]),
            "alike": Categorical([1, 1.0, True]),
            "x": Real(0.0, 1.0),
        }
    ),
    "distributions": Space(
        {
            "normal": Frozen(scipy.stats.norm(0, 1)),
            "count": Frozen(scipy.stats.poisson(3)),
            "drawn": Drawn(scipy.stats.expon()),
            "network": Layers(depth=(1, 3), width=(4, 64)),
        }
    ),
    "conditional": Space(
        {
            "kernel": Categorical(["linear", "rbf", "poly"]),
            "gamma": When("kernel", ["rbf", "poly"], Real(1e-3, 1.0, log=True)),
            "of poly": When(
                "kernel",
                "poly",
                {"degree": Integer(2, 4), "coef0": When("degree", 3, Real(0.0, 1.0))},
            ),
            "C": Real(0.1, 10.0, log=True),
        }
    ),
    "alternatives": Space(
        [
            {"kernel": Categorical(["linear"]), "C": Real(0.1, 1.0)},
            {"kernel": Categorical(["rbf"]), "C": Real(1.0, 9.0), "gamma": Real(0.0, 1.0)},
        ]
    ),
}
FINITE_SPACES = {
    "finite": FINITE,
    "one point": Space({"a": Categorical([1]), "b": Categorical(["only"])}),
    "conditional": Space(
        {
            "a": Categorical([None, "on"]),
            "b": When("a", "on", Integer(0, 2)),
            "c": Ordinal([1, 2, 4]),
        }
    ),
    "overlapping": Space(
        [{"a": Categorical(["p", "q"])}, {"a": Categorical(["q", "r"])}, {"b": Integer(1, 3)}]
    ),
    "layers": Space({"net": Layers(depth=(1, 2), width=(3, 5))}),
}


def make(name, space, seed=0):
    if name in OPTIONS:
        return make_sampler(OPTIONS[name], space, seed)
    if CLASSES[name] is None:
        pytest.skip(f"the package behind {name!r} is not installed")
    if getattr(CLASSES[name], "finite_only", False) and math.isinf(space.size):
        pytest.skip("for finite spaces only")
    return make_sampler(name, space, seed, optimizer_kwargs=quick_options(name))


@pytest.fixture(params=[*SAMPLERS, *OPTIONS])
def name(request):
    return request.param


def loss(params):
    """Something to learn from in any space."""
    total = 0.0
    for key, value in sorted(params.items()):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        total += math.atan(value) if is_number else len(key)
    return total


def ended(index, params, score, **how):
    how = {"status": Status.COMPLETE, "fold_scores": (score, score), "seconds": 0.1, **how}
    return Trial(index, params, score=score, **how)


def search(sampler, n, score=loss, look_ahead=1):
    """Ask ``n`` times with ``look_ahead`` trials pending; return the proposals."""
    asked = []
    for i in range(n):
        if i >= look_ahead:
            params = asked[i - look_ahead]
            sampler.tell(ended(i - look_ahead, params, score(params)))
        params = sampler.ask()
        if params is None:
            break
        asked.append(params)
    return asked


def keys(space, proposals):
    return [space.key(params) for params in proposals]


# -- proposals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("space", INFINITE.values(), ids=INFINITE)
def test_proposals_are_legal_and_new(name, space):
    proposals = search(make(name, space), 9, look_ahead=2)
    assert len(proposals) == 9
    assert len(set(keys(space, proposals))) == 9
    for params in proposals:
        assert type(params) is dict
        assert space.contains(params)
        assert not any(isinstance(value, np.generic) for value in params.values())


def test_choices_are_the_objects_that_were_given(name):
    space = INFINITE["objects"]
    for params in search(make(name, space), 8):
        for key, dimension in space.dimensions.items():
            if dimension.categorical:
                assert any(params[key] is choice for choice in dimension.choices)


@pytest.mark.parametrize("space", [PLANE, INFINITE["conditional"]], ids=["plane", "conditional"])
@pytest.mark.parametrize("look_ahead", [1, 3])
def test_same_seed_same_proposals(name, space, look_ahead):
    first, second = (search(make(name, space, 5), 8, look_ahead=look_ahead) for _ in range(2))
    assert first == second


def test_different_seeds_differ(name):
    first, second = (search(make(name, PLANE, seed), 4) for seed in (1, 2))
    assert not any(params in second for params in first)


def test_large_seeds(name):
    assert PLANE.contains(make(name, PLANE, 2**40 + 1).ask())


def test_tells_make_no_difference_to_what_does_not_learn(name):
    sampler, deaf = make(name, PLANE), make(name, PLANE)
    if sampler.learns:
        pytest.skip("this one learns")
    assert search(sampler, 8) == [deaf.ask() for _ in range(8)]


@pytest.mark.parametrize("n", [6, 12])
def test_many_asks_before_any_tell(name, n):
    sampler = make(name, PLANE)
    proposals = [sampler.ask() for _ in range(n)]
    assert len(set(keys(PLANE, proposals))) == n
    for index, params in enumerate(proposals):
        sampler.tell(ended(index, params, loss(params)))
    assert PLANE.key(sampler.ask()) not in keys(PLANE, proposals)


# -- finite spaces -----------------------------------------------------------------------------


@pytest.mark.parametrize("space", FINITE_SPACES.values(), ids=FINITE_SPACES)
@pytest.mark.parametrize("score", [loss, lambda params: 0.0], ids=["varied", "constant"])
def test_a_finite_space_is_enumerated_once_and_then_over(name, space, score):
    sampler = make(name, space)
    proposals = search(sampler, 100, score)
    assert sorted(keys(space, proposals), key=hash) == sorted(
        keys(space, space.enumerate()), key=hash
    )
    assert len(proposals) == space.size
    assert sampler.ask() is None
    sampler.tell(ended(99, proposals[-1], 1.0))
    assert sampler.ask() is None


def test_a_finite_space_is_enumerated_without_being_told(name):
    sampler = make(name, FINITE)
    proposals = [sampler.ask() for _ in range(8)]
    assert len(set(keys(FINITE, proposals[:6]))) == 6
    assert proposals[6:] == [None, None]


def test_what_others_have_proposed_is_not_proposed_again(name):
    sampler = make(name, FINITE)
    given, late = {"n": 1, "kind": "b"}, {"n": 2, "kind": "a"}
    sampler.tell(Trial(0, given, Origin.GIVEN))
    sampler.tell(Trial(1, {"n": 9, "kind": "b"}, Origin.DEFAULT))  # outside: takes no place
    first = sampler.ask()
    sampler.tell(ended(0, given, 1.0, origin=Origin.GIVEN))
    if first != late:
        sampler.tell(ended(7, late, 1.0, origin=Origin.GIVEN))  # never told as running
    rest = [first, *search(sampler, 10)]
    expected = [p for p in FINITE.enumerate() if p != given and (p != late or first == late)]
    assert sorted(map(str, rest)) == sorted(map(str, expected))
    assert sampler.ask() is None


def test_few_values_in_an_infinite_space_end_too(name):
    space = Space({"x": Drawn(Rolls(3))})
    assert math.isinf(space.size)
    sampler = make(name, space)
    assert sorted(params["x"] for params in search(sampler, 5)) == [1, 2, 3]
    assert sampler.ask() is None


# -- what may be told ----------------------------------------------------------------------------

FATES = {
    "failed": lambda i: {
        "score": math.nan,
        "status": Status.FAILED,
        "fold_scores": (math.nan, math.nan),
    },
    "failed without folds": lambda i: {
        "score": math.nan,
        "status": Status.FAILED,
        "fold_scores": (),
    },
    "not a number": lambda i: {"score": math.nan, "fold_scores": (math.nan, math.nan)},
    "minus infinity": lambda i: {"score": -math.inf, "fold_scores": (-math.inf, 1.0)},
    "infinity": lambda i: {"score": math.inf, "fold_scores": (math.inf, 1.0)},
    "constant": lambda i: {"score": 0.0},
    "huge": lambda i: {"score": (-1) ** i * 1e300, "fold_scores": ((-1) ** i * 1e300,) * 2},
    "raced": lambda i: {
        "score": i / 10,
        "status": Status.RACED,
        "fold_scores": (i / 10, math.nan),
    },
}


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("n_good", [0, 4])
def test_survives(name, fate, n_good):
    sampler = make(name, PLANE)
    proposals = search(sampler, n_good + 1)
    for index in range(n_good, n_good + 4):
        how = FATES[fate](index)
        sampler.tell(ended(index, proposals[-1], **how))
        proposals.append(sampler.ask())
    assert all(PLANE.contains(params) for params in proposals)
    assert len(set(keys(PLANE, proposals))) == len(proposals)


OUTSIDE = {
    "number out of range": {"x": 3.0, "y": 0.1},
    "unknown name": {"x": 0.5, "y": 0.1, "z": 1},
    "missing name": {"x": 0.5},
    "not a number": {"x": "high", "y": None},
    "nothing": {},
}


@pytest.mark.parametrize("params", OUTSIDE.values(), ids=OUTSIDE)
def test_foreign_trials_outside_the_space(name, params):
    sampler = make(name, PLANE)
    sampler.tell(Trial(0, params, Origin.DEFAULT))
    pending = sampler.ask()
    sampler.tell(ended(0, params, 0.5, origin=Origin.DEFAULT))
    sampler.tell(ended(1, pending, 0.1))
    assert all(PLANE.contains(params) for params in search(sampler, 6))


@pytest.mark.parametrize("space", INFINITE.values(), ids=INFINITE)
def test_foreign_trials_inside_the_space(name, space):
    sampler = make(name, space)
    rng = np.random.default_rng(3)
    foreign = [space.sample(rng) for _ in range(6)]
    for index, params in enumerate(foreign):
        sampler.tell(Trial(index, params, Origin.PORTFOLIO))
    asked = sampler.ask()
    for index, params in enumerate(foreign):
        sampler.tell(ended(index, params, loss(params), origin=Origin.PORTFOLIO))
    sampler.tell(ended(6, asked, loss(asked)))
    proposals = [asked, *search(sampler, 3)]
    assert not set(keys(space, proposals)) & set(keys(space, foreign))


def test_a_proposal_belongs_to_the_caller(name):
    """Whoever changes the dict that was proposed does not change the sampler."""
    kept, changed = make(name, FINITE), make(name, FINITE)
    for index in range(6):
        params = changed.ask()
        told = dict(params)
        params.clear()
        changed.tell(ended(index, told, loss(told)))
        assert search(kept, 1) == [told]
        kept.tell(ended(index, told, loss(told)))


def test_a_copy_goes_on_in_the_same_way(name):
    """``clone`` of a search copies a sampler object among its parameters."""
    sampler = make(name, FINITE)
    search(sampler, 3)
    twin = copy.deepcopy(sampler)
    assert search(sampler, 9) == search(twin, 9)


# -- learning ----------------------------------------------------------------------------------


def cone(params):
    return -math.hypot(params["x"] - 0.7, (math.log10(params["y"]) + 2.0) / 3)


def test_what_learns_beats_random_draws(name):
    """After ten trials the proposals themselves are better, not just the best of them."""
    if not make(name, PLANE).learns:
        pytest.skip("does not learn")
    draws = np.random.default_rng(0)
    at_random = np.median([cone(PLANE.sample(draws)) for _ in range(500)])
    later = [cone(p) for seed in range(3) for p in search(make(name, PLANE, seed), 20, cone)[10:]]
    assert np.median(later) > 0.8 * at_random


def test_learns_from_foreign_trials(name):
    """Twenty points that somebody else has tried are as good as own ones."""
    sampler = make(name, PLANE)
    if not sampler.learns or name == "cmaes":
        pytest.skip("does not learn from others")  # CMA-ES: from its own generations only
    draws = np.random.default_rng(0)
    foreign = [PLANE.sample(draws) for _ in range(20)]
    for index, params in enumerate(foreign):
        sampler.tell(ended(index, params, cone(params), origin=Origin.GIVEN))
    found = [cone(params) for params in search(sampler, 5, cone)]
    assert np.mean(found) > np.median([cone(params) for params in foreign])


# -- manners -----------------------------------------------------------------------------------


def test_leaves_the_world_as_it_was(name, capfd):
    make(name, PLANE)  # imports
    before = np.random.get_state()[1].copy(), warnings.filters[:], logging.getLogger("optuna").level  # noqa: NPY002
    search(make(name, INFINITE["numbers"]), 7)
    after = np.random.get_state()[1].copy(), warnings.filters[:], logging.getLogger("optuna").level  # noqa: NPY002
    assert np.array_equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert capfd.readouterr() == ("", "")


def test_importing_the_samplers_loads_no_optional_package():
    code = (
        "import sys, skhpt.samplers, skhpt.samplers.registry, skhpt.samplers.random\n"
        "print([name for name in ('optuna', 'skopt', 'cmaes') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"

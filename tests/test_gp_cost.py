"""Laws of expected improvement per predicted cost."""

import functools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skhpt.samplers._cost import Costs
from skhpt.samplers.gp import GPSampler
from skhpt.samplers.registry import make_sampler
from skhpt.space import Real, Space
from skhpt.trial import Status, Trial

CUBE = Space({name: Real(0.0, 1.0) for name in "abc"})


def seconds(params):
    """A hundred times more at one end of ``a`` than at the other."""
    return 100.0 ** params["a"]


def ended(index, params, score, **how):
    how = {"status": Status.COMPLETE, "fold_scores": (score, score), **how}
    return Trial(index, params, score=score, **how)


def search(cost_exponent, n, score, cost=seconds, seed=0):
    sampler = make_sampler(functools.partial(GPSampler, cost_exponent=cost_exponent), CUBE, seed)
    asked = []
    for index in range(n):
        asked.append(sampler.ask())
        how = {"seconds": cost(asked[-1])}
        sampler.tell(ended(index, asked[-1], score(asked[-1]), **how))
    return asked


def ridge(params):
    """The best configurations are a line along the parameter that costs."""
    return -((params["b"] - 0.4) ** 2) - (params["c"] - 0.7) ** 2


def bowl(params):
    """The best configuration is a dear one."""
    return ridge(params) - (params["a"] - 0.8) ** 2


def test_without_exponent_seconds_do_not_matter():
    assert search(0.0, 15, bowl) == search(0.0, 15, bowl, cost=lambda params: 0.0)


def test_same_seed_and_seconds_same_proposals():
    assert search(0.5, 15, bowl) == search(0.5, 15, bowl)
    assert search(0.5, 15, bowl) != search(0.0, 15, bowl)


def test_among_equals_the_cheap_ones_are_tried():
    plain, thrifty = (
        [np.mean([seconds(p) for p in search(exponent, 25, ridge, seed=seed)]) for seed in range(3)]
        for exponent in (0.0, 0.5)
    )
    assert np.mean(thrifty) < 0.5 * np.mean(plain)


def test_what_is_better_is_found_although_it_is_dear():
    assert np.mean([max(map(bowl, search(0.5, 30, bowl, seed=seed))) for seed in range(3)]) > -0.01


@pytest.mark.parametrize("scale", [1e-3, 60.0])
def test_the_unit_of_time_does_not_matter(scale):
    rows, points = np.random.default_rng(0).random((2, 20, 3))
    plain, scaled = Costs(3), Costs(3)
    for index, row in enumerate(rows):
        taken = seconds({"a": row[0]})
        plain.append(row, ended(index, {}, 0.0, seconds=taken))
        scaled.append(row, ended(index, {}, 0.0, seconds=scale * taken))
    assert_allclose(scaled.log_cost(points), plain.log_cost(points), atol=1e-9)


def test_the_cost_of_a_fold_is_learned():
    """Raced trials ran fewer folds; failed and stopped ones, and no time at all, are left out."""
    rng = np.random.default_rng(0)
    costs = Costs(3)
    for index, row in enumerate(rng.random((200, 3))):
        fold = seconds({"a": row[0]})
        if index % 2:
            how = {"status": Status.RACED, "fold_scores": (0.0, math.nan), "seconds": fold}
        else:
            how = {"seconds": 2 * fold}
        costs.append(row, ended(index, {}, 0.0, **how))
        for status in (Status.FAILED, Status.STOPPED):
            costs.append(row, ended(index, {}, 0.0, status=status, seconds=1e-9 * index))
        costs.append(row, ended(index, {}, 0.0, seconds=0.0))
    slopes = costs.log_cost(np.eye(3))
    assert_allclose(slopes, [math.log(100.0), 0.0, 0.0], atol=0.1 * math.log(100.0))


def test_nothing_known_costs_nothing():
    assert_allclose(Costs(3).log_cost(np.ones((2, 3))), 0.0)


@pytest.mark.parametrize("exponent", [-0.5, math.nan, math.inf])
def test_exponent_that_makes_no_sense(exponent):
    with pytest.raises(ValueError, match=r"cost_exponent must be a finite .*, got .*; 0 ignores"):
        GPSampler(CUBE, 0, cost_exponent=exponent)


def rounds_cost(params):
    """Rounds are as many everywhere, and a hundred times dearer at one end of ``a``."""
    return {"work": 40.0, "round_cost": seconds(params)}


def search_by_rounds(how, seed):
    sampler = make_sampler("gp", CUBE, seed)
    asked = []
    for index in range(25):
        asked.append(sampler.ask())
        sampler.tell(ended(index, asked[-1], ridge(asked[-1]), **how(asked[-1])))
    return asked


def test_what_rounds_cost_is_looked_at_where_it_is_known_to_differ():
    plain, thrifty = (
        [np.mean([seconds(p) for p in search_by_rounds(how, seed)]) for seed in range(3)]
        for how in (lambda params: {"work": 40.0}, rounds_cost)
    )
    assert np.mean(thrifty) < 0.5 * np.mean(plain)


def test_seconds_and_numbers_of_rounds_alone_change_nothing_by_default():
    same = search(None, 15, bowl, cost=lambda params: 0.0)
    assert search(None, 15, bowl) == same
    assert search(0.0, 15, bowl) == same
    unlike = search_by_rounds(lambda params: {"work": seconds(params)}, 0)
    assert unlike == search_by_rounds(lambda params: {"work": 40.0}, 0)

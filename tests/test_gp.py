"""Laws of the Gaussian process sampler."""

import copy
import math

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skhpt.samplers._acquisition import Moves, Pool, score_candidates, search_maximum
from skhpt.samplers._surrogate import one_thread
from skhpt.samplers.gp import N_FIRST, SMALL_SPACE, GPSampler, representatives
from skhpt.space import Categorical, Integer, Layers, Ordinal, Real, Space, When
from skhpt.trial import Origin, Status, Trial

CUBE = Space({name: Real(0.0, 1.0) for name in "abc"})
MIXED = Space(
    {
        "rate": Real(1e-4, 1.0, log=True),
        "depth": Integer(1, 12),
        "leaves": Integer(2, 512, log=True),
        "kind": Categorical(["a", "b", "c"]),
        "net": Layers(depth=(1, 3), width=(4, 64)),
        "momentum": When("kind", ["b", "c"], Real(0.0, 1.0)),
    }
)
GRID = Space({"n": Integer(0, 4), "kind": Categorical(["a", "b", "c"]), "size": Ordinal([1, 2, 8])})


def told(index, params, score, **how):
    how = {"status": Status.COMPLETE, "fold_scores": (score, score), **how}
    return Trial(index, params, score=score, **how)


def search(sampler, n, score, look_ahead=1):
    asked = []
    for i in range(n):
        if i >= look_ahead:
            params = asked[i - look_ahead]
            sampler.tell(told(i - look_ahead, params, score(params)))
        params = sampler.ask()
        if params is None:
            break
        asked.append(params)
    return asked


def bowl(params):
    """Smooth, with its maximum of 0 inside of CUBE."""
    return -sum((params[name] - at) ** 2 for name, at in zip("abc", (0.3, 0.6, 0.8)))


def mixed_score(params):
    rate = -((math.log10(params["rate"]) + 2.0) ** 2)
    return rate + 0.1 * params["depth"] + (params["kind"] == "b") * params.get("momentum", 0.0)


def test_the_search_climbs():
    """Refinement finds more than a thousand uniform points do."""
    sampler = GPSampler(CUBE, 0)
    search(sampler, 15, bowl)
    posterior = sampler._posterior
    moves = Moves(CUBE, np.random.default_rng(1))
    uniform = score_candidates(posterior, moves.uniform(1000)).max()
    found = search_maximum(Pool(posterior, set()), moves, np.array(sampler._rows[-5:]))
    assert score_candidates(posterior, found[:1])[0] >= uniform


def test_representatives_have_the_best_and_the_worst():
    y = np.random.default_rng(0).normal(size=100)
    chosen = representatives(y, 20)
    assert len(set(chosen)) == 20
    assert set(np.argsort(-y)[:10]) <= set(chosen)
    assert np.argmin(y) in chosen
    assert np.array_equal(representatives(y, 100), np.arange(100))


# -- the sampler -------------------------------------------------------------------------------


@pytest.mark.parametrize(("space", "score"), [(CUBE, bowl), (MIXED, mixed_score)])
@pytest.mark.parametrize("look_ahead", [1, 4])
def test_same_seed_and_tells_same_proposals(space, score, look_ahead):
    first, second = (search(GPSampler(space, 3), 20, score, look_ahead) for _ in range(2))
    assert first == second
    assert first != search(GPSampler(space, 4), 20, score, look_ahead)


def test_a_copy_goes_on_in_the_same_way():
    sampler = GPSampler(MIXED, 0)
    search(sampler, 9, mixed_score)
    twin = copy.deepcopy(sampler)
    assert search(sampler, 5, mixed_score) == search(twin, 5, mixed_score)


def test_never_the_same_point_twice():
    proposals = search(GPSampler(MIXED, 0), 200, mixed_score)
    assert len({MIXED.key(params) for params in proposals}) == 200
    assert all(MIXED.contains(params) for params in proposals)


@pytest.mark.parametrize("look_ahead", [1, 5])
def test_a_finite_space_exactly_once(look_ahead):
    """A default of the space that somebody else has tried is not tried again."""
    default = {"n": 2, "kind": "b", "size": 8}
    sampler = GPSampler(GRID, 0)
    sampler.tell(Trial(0, default, Origin.DEFAULT))
    first = sampler.ask()
    sampler.tell(told(0, default, 0.5, origin=Origin.DEFAULT))
    proposals = [first, *search(sampler, 99, lambda p: p["n"] - 0.1 * p["size"], look_ahead)]
    asked = {GRID.key(params) for params in proposals}
    assert len(proposals) == len(asked) == GRID.size - 1
    assert GRID.key(default) not in asked
    assert sampler.ask() is None


def test_a_finite_space_that_is_too_large_to_score_ends_too(monkeypatch):
    monkeypatch.setattr("skhpt.samplers.gp.SMALL_SPACE", 10)
    assert SMALL_SPACE > GRID.size > 10
    proposals = search(GPSampler(GRID, 0), 99, lambda p: p["n"] - 0.1 * p["size"])
    assert len({GRID.key(params) for params in proposals}) == len(proposals) == GRID.size


def test_a_foreign_trial_outside_takes_no_place():
    """It is learned from at the nearest point, which may still be proposed."""
    space = Space({"n": Integer(0, 7)})
    sampler = GPSampler(space, 0)
    for index, n in enumerate([-5, 12, 30]):
        sampler.tell(Trial(index, {"n": n}, Origin.GIVEN))
        sampler.tell(told(index, {"n": n}, -float(n), origin=Origin.GIVEN))
    sampler.tell(told(3, {"m": 1}, 9.9, origin=Origin.GIVEN))  # has no nearest point
    assert len(sampler._rows) == 3
    assert not sampler._pending
    assert sorted(p["n"] for p in search(sampler, 20, lambda p: p["n"])) == list(range(8))


def test_foreign_trials_count_towards_the_first_points():
    """With the portfolio told, the first proposal is already the model's."""
    sampler = GPSampler(CUBE, 0)
    rng = np.random.default_rng(0)
    for index in range(N_FIRST):
        params = CUBE.sample(rng)
        sampler.tell(Trial(index, params, Origin.PORTFOLIO))
        sampler.tell(told(index, params, bowl(params), origin=Origin.PORTFOLIO))
    sampler.ask()
    assert not sampler._first_points
    assert sampler._next_fit > 0


def best_of(proposals):
    return max(map(bowl, proposals))


def test_beats_random_search_clearly():
    ours = [best_of(search(GPSampler(CUBE, seed), 30, bowl)) for seed in range(5)]
    draws = [np.random.default_rng(100 + seed) for seed in range(5)]
    theirs = [best_of([CUBE.sample(rng) for _ in range(30)]) for rng in draws]
    assert np.mean(ours) > 0.05 * np.mean(theirs)  # a twentieth of the regret


def test_look_ahead_costs_little():
    ours = [best_of(search(GPSampler(CUBE, seed), 30, bowl, look_ahead=5)) for seed in range(3)]
    assert np.mean(ours) > -2e-3


def test_a_pending_point_pushes_the_next_proposal_away():
    promising = {"a": 0.3, "b": 0.6, "c": 0.8}

    def distance(params):
        return math.dist(params.values(), promising.values())

    pushed = []
    for seed in range(12):
        alone, busy = GPSampler(CUBE, seed), GPSampler(CUBE, seed)
        for sampler in (alone, busy):
            search(sampler, 10, bowl)
        busy.tell(Trial(99, promising, Origin.GIVEN))
        pushed.append(distance(busy.ask()) - distance(alone.ask()))
    assert np.mean(pushed) > 0.03
    assert min(pushed) > -0.05  # where it was far away to begin with, next to nothing changes


def test_proposals_ahead_spread_out():
    nearest = []
    for seed in range(5):
        sampler = GPSampler(CUBE, seed)
        search(sampler, 12, bowl)
        rows = np.array([CUBE.encode(sampler.ask()) for _ in range(6)])
        distances = np.linalg.norm(rows[:, None] - rows, axis=-1)[np.triu_indices(6, 1)]
        nearest.append(distances.min())
    assert np.median(nearest) > 0.02
    assert min(nearest) > 0


@pytest.mark.parametrize(("scale", "shift"), [(1024.0, 0.0), (3.7e-3, -11.0), (2e5, 1e3)])
def test_shift_and_scale_of_the_scores_do_not_matter(scale, shift):
    plain = search(GPSampler(MIXED, 1), 25, mixed_score)
    other = search(GPSampler(MIXED, 1), 25, lambda params: shift + scale * mixed_score(params))
    assert [MIXED.key(params) for params in other] == [MIXED.key(params) for params in plain]


@pytest.mark.parametrize(
    "fate",
    [
        {"score": math.nan, "status": Status.FAILED, "fold_scores": ()},
        {"score": math.nan},
        {"score": -math.inf},
        {"score": 0.25},
    ],
    ids=["failed", "nan", "minus infinity", "constant"],
)
def test_without_information_the_space_is_filled(fate):
    sampler = GPSampler(CUBE, 0)
    rows = []
    for index in range(40):
        params = sampler.ask()
        rows.append(CUBE.encode(params))
        sampler.tell(told(index, params, **fate))
    octants = {tuple(row > 0.5) for row in np.array(rows)}
    assert len(octants) == 8


def test_a_region_that_fails_is_left():
    """Half of the space raises; the proposals go to the other half."""

    def fails(params):
        return params["a"] < 0.5

    sampler = GPSampler(CUBE, 0)
    asked = []
    for index in range(40):
        params = sampler.ask()
        asked.append(params)
        how = {"status": Status.FAILED, "fold_scores": ()} if fails(params) else {}
        score = math.nan if fails(params) else bowl(params)
        sampler.tell(told(index, params, score, **how))
    assert sum(map(fails, asked[20:])) <= 6  # of 20; ten would be chance


def test_a_search_that_was_stopped_says_nothing_about_what_it_left():
    sampler = GPSampler(CUBE, 0)
    params = sampler.ask()
    sampler.tell(told(0, params, math.nan, status=Status.STOPPED, fold_scores=(math.nan,) * 2))
    assert not sampler._rows
    assert not sampler._pending
    assert sampler.ask() != params


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_the_blas_is_held_to_one_thread_only_for_a_while():
    """Also when two searches in different threads come and go in any order."""
    with threadpool_limits(2, user_api="blas"):
        search(GPSampler(CUBE, 0), 8, bowl)
        assert blas_threads() == {2}
        one_thread.__enter__()
        one_thread.__enter__()
        assert blas_threads() == {1}
        one_thread.__exit__()
        assert blas_threads() == {1}
        one_thread.__exit__()
        assert blas_threads() == {2}


# -- racing ------------------------------------------------------------------------------------


def raced_search(seed, racing, n=30, residual=0.02):
    """Five folds, far apart; losers are dropped. The best complete trial's truth, and the fits."""
    rng = np.random.default_rng(100 + seed)
    effects = 0.3 * rng.normal(size=5)
    sampler = GPSampler(CUBE, seed)
    incumbent, found, fits = None, None, 0
    for index in range(n):
        params = sampler.ask()
        folds = bowl(params) + effects + residual * rng.normal(size=5)
        behind = [] if incumbent is None else np.cumsum(incumbent - folds)[:4] / np.arange(1, 5)
        losing = np.flatnonzero(behind > 2 * residual / np.sqrt(np.arange(1, len(behind) + 1)))
        n_ran = losing[0] + 1 if racing and len(losing) else 5
        fits += n_ran
        if n_ran == 5 and (incumbent is None or folds.mean() > incumbent.mean()):
            incumbent, found = folds, bowl(params)
        folds = np.where(np.arange(5) < n_ran, folds, np.nan)
        status = Status.COMPLETE if n_ran == 5 else Status.RACED
        how = {"fold_scores": tuple(folds), "status": status}
        sampler.tell(told(index, params, float(np.nanmean(folds)), **how))
    return found, fits


def test_raced_trials_teach_nearly_as_much_as_complete_ones():
    """As many trials come as far, with two thirds of the fits."""
    whole, raced = (
        np.median([raced_search(seed, racing) for seed in range(7)], axis=0)
        for racing in (False, True)
    )
    assert raced[0] > whole[0] - 5e-3  # a random configuration: -0.4
    assert raced[1] < 0.67 * whole[1]

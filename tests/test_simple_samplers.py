"""What is particular to the samplers that do not learn, and to the memory that all share."""

import math

import numpy as np
import pytest
import scipy.stats

from skhpt.samplers._memory import FoldEffects, Seen
from skhpt.samplers.grid import GridSampler, ListSampler
from skhpt.samplers.random import RandomSampler
from skhpt.samplers.sobol import SobolSampler
from skhpt.space import Categorical, Frozen, Integer, Real, Space
from skhpt.trial import Status, Trial

FINITE = Space({"n": Integer(0, 2), "kind": Categorical(["a", "b"])})


def asked(sampler, n):
    return [params for params in (sampler.ask() for _ in range(n)) if params is not None]


def ended(index, score, fold_scores, status=Status.COMPLETE):
    return Trial(index, {}, status=status, score=score, fold_scores=tuple(fold_scores))


def test_list_sampler_keeps_the_list():
    candidates = [{"x": 1}, {"x": 2, "y": None}, {"x": 1}]
    sampler = ListSampler(iter(candidates))
    proposals = asked(sampler, 5)
    assert proposals == candidates
    assert proposals[0] is not candidates[0]
    assert sampler.ask() is None
    assert not sampler.learns


def test_list_sampler_wants_dicts():
    with pytest.raises(TypeError, match=r"candidates\[1\] must be a dict .* got 3; write"):
        ListSampler([{"x": 1}, 3])


def test_grid_follows_the_order_of_the_space():
    assert asked(GridSampler(FINITE, 0), 9) == list(FINITE.enumerate())


def test_grid_wants_a_finite_space():
    space = Space({"a": Integer(1, 3), "x": Real(0.0, 1.0), "y": Real(0.0, 1.0)})
    with pytest.raises(ValueError, match=r"cannot be listed: 'x', 'y'; give each a list"):
        GridSampler(space, 0)


def test_random_follows_the_distributions():
    space = Space({"x": Frozen(scipy.stats.norm(2, 1)), "k": Categorical(["a", "b"], (0.9, 0.1))})
    sampler = RandomSampler(space, 0)
    draws = [sampler.ask() for _ in range(1000)]
    assert scipy.stats.kstest([p["x"] for p in draws], scipy.stats.norm(2, 1).cdf).pvalue > 0.01
    assert 0.86 < np.mean([p["k"] == "a" for p in draws]) < 0.94


def test_random_reaches_improbable_choices_of_a_finite_space():
    space = Space({"k": Categorical(["a", "b", "c"], (1.0, 1e-12, 0.0))})
    assert sorted(p["k"] for p in asked(RandomSampler(space, 0), 5)) == ["a", "b", "c"]


def test_sobol_is_balanced():
    space = Space({"x": Real(0.0, 1.0), "k": Categorical(list("abcd")), "n": Integer(0, 7)})
    sampler = SobolSampler(space, 3)
    draws = [sampler.ask() for _ in range(128)]
    assert sorted(int(p["x"] * 128) for p in draws) == list(range(128))
    assert {k: sum(p["k"] == k for p in draws) for k in "abcd"} == dict.fromkeys("abcd", 32)
    assert {n: sum(p["n"] == n for p in draws) for n in range(8)} == dict.fromkeys(range(8), 16)


def test_seen_draws_without_replacement_from_a_large_finite_space():
    space = Space({"a": Integer(1, 10**6), "b": Integer(1, 10**6)})
    seen = Seen(space, np.random.default_rng(0))
    assert len({space.key(seen.draw()) for _ in range(300)}) == len(seen) == 300


def test_fold_effects_are_taken_out_of_partial_means():
    """Exact in the additive model."""
    folds, effects = np.array([0.0, 0.3, -0.5, 0.1]), FoldEffects()
    for index, quality in enumerate([0.5, 0.7]):
        mean = quality + folds.mean()
        assert effects.score(ended(index, mean, quality + folds)) == mean
    partial = [0.6 + folds[0], 0.6 + folds[1], math.nan, math.nan]
    raced = ended(2, float(np.nanmean(partial)), partial, Status.RACED)
    assert effects.score(raced) == pytest.approx(0.6 + folds.mean())
    assert raced.score != pytest.approx(0.6 + folds.mean())


@pytest.mark.parametrize(
    ("score", "folds"),
    [(0.5, (0.5, math.nan)), (-math.inf, (-math.inf, 1.0)), (0.5, ()), (0.5, (0.4, 0.5, 0.6))],
)
def test_fold_effects_leave_alone_what_they_cannot_compare(score, folds):
    effects = FoldEffects()
    if len(folds) != 2 or math.isinf(score):
        effects.score(ended(0, 1.0, (1.0, 1.0)))
    assert effects.score(ended(1, score, folds, Status.RACED)) == score


def test_a_failed_trial_has_no_score():
    failed = ended(0, 0.0, (0.0, 0.0), Status.FAILED)  # a numeric error_score is not a result
    assert math.isnan(FoldEffects().score(failed))

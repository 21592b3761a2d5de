"""The arithmetic of successive halving and its ladder, on made numbers and without a model."""

import math
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from doubles import Clock, ShufflingExecutor, VirtualWorkers, made_outcomes
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpt.brackets import AsynchronousBrackets, Brackets, hyperband_plan
from skhpt.budget import Longest
from skhpt.candidates import Listed
from skhpt.engine import Engine
from skhpt.last_chance import LastChance
from skhpt.ledger import Ledger
from skhpt.rungs import Ladder, best_of, halving_plan, margin_of
from skhpt.subsample import Subsampler
from skhpt.table import cv_results
from skhpt.trial import Origin, Proposal, Rung, Status, Step
from skhpt.turn import StopReason

# -- the plan --------------------------------------------------------------------------------


@given(
    n_candidates=st.integers(1, 500),
    least=st.integers(1, 100),
    more=st.integers(0, 5000),
    factor=st.sampled_from([1.5, 2, 3, 4]),
    exhaust=st.booleans(),
    aggressive=st.booleans(),
    to_the_top=st.booleans(),
)
def test_laws_of_a_plan(n_candidates, least, more, factor, exhaust, aggressive, to_the_top):
    plan = halving_plan(
        n_candidates,
        least,
        least + more,
        factor,
        exhaust=exhaust,
        aggressive=aggressive,
        to_the_top=to_the_top,
    )
    counts, resources = plan.n_candidates, plan.n_resources
    assert counts[0] == n_candidates
    assert all(b == math.ceil(a / factor) for a, b in pairwise(counts))
    assert all(a <= b for a, b in pairwise(resources))
    assert least <= resources[0]
    assert resources[-1] <= least + more
    assert [rung.is_last for rung in plan.rungs] == [False] * (len(counts) - 1) + [True]
    if to_the_top:
        assert resources[-1] == least + more
    if exhaust and len(counts) == plan.n_required and not to_the_top:
        top = factor ** (len(counts) - 1)
        assert resources[0] == least or (resources[0] + 1) * top > least + more


def test_a_head_start_is_less_on_all_rungs_but_the_last():
    options = {"exhaust": True, "to_the_top": True}
    whole = halving_plan(60, 7, 200, 3, **options)
    half = halving_plan(60, 7, 200, 3, **options, head_start=2)
    assert whole.n_resources == (7, 21, 63, 200)
    assert half.n_resources == (3, 10, 31, 200)
    assert half.min_resources == 3
    assert half.n_candidates == whole.n_candidates
    # Rungs with the same or with nothing are none.
    for least, factor in [(1, 3), (2, 1.3)]:
        plans = [halving_plan(9, least, 6, factor, head_start=n) for n in (1, 2)]
        assert plans[0] == plans[1]
    assert halving_plan(2, 200, 200, 3, head_start=2).n_resources == (200,)


def test_nan_is_worse_than_any_number():
    assert best_of([math.nan, 1.0, -math.inf, 3.0], 2).tolist() == [1, 3]
    assert best_of([math.nan, 1.0, math.nan], 2).tolist()[-1] == 1
    assert len(best_of([math.nan, math.nan], 1)) == 1


def test_a_margin_is_paired():
    folds = np.array([0.1, 0.9, 0.5])  # far apart, but the same for both
    difference, error = margin_of(folds + 0.05, folds)
    assert difference == pytest.approx(0.05)
    assert error == pytest.approx(0, abs=1e-12)


# -- the ladder ------------------------------------------------------------------------------


def climb(n_candidates=9, n_workers=1, seed=0, score=lambda x, fold: x + fold / 10, **kwargs):
    plan = halving_plan(n_candidates, 1, 9, 3)
    ladder = Ladder(plan, [Proposal({"x": x}) for x in range(n_candidates)], **kwargs)
    ledger = Ledger(n_folds=kwargs.pop("n_folds", 3))
    engine = Engine(
        ledger=ledger,
        executor=ShufflingExecutor(n_workers, seed),
        run_step=lambda step, params: (lambda: made_outcomes(step, params, score),),
    )
    return engine.run(ladder, None), ledger


def seen(ledger):
    return [(t.params["x"], t.rung.number, t.rung.resource, t.root) for t in ledger.trials]


def test_the_best_of_a_rung_climb():
    reason, ledger = climb()
    assert reason == StopReason.LAST_RUNG
    first = [(x, 0, 1, x) for x in range(9)]
    assert seen(ledger) == [*first, (6, 1, 3, 6), (7, 1, 3, 7), (8, 1, 3, 8), (8, 2, 9, 8)]


@pytest.mark.parametrize("n_workers", [2, 5, 30])
@pytest.mark.parametrize("seed", range(4))
def test_who_ends_first_changes_nothing(n_workers, seed):
    _, alone = climb()
    _, ledger = climb(n_workers=n_workers, seed=seed)
    assert seen(ledger) == seen(alone)


def test_only_the_last_rung_may_win():
    def falls_with_the_resource(x, fold):
        falls_with_the_resource.n += 1
        return -falls_with_the_resource.n

    falls_with_the_resource.n = 0
    _, ledger = climb(score=falls_with_the_resource)
    statuses = [trial.status for trial in ledger.trials]
    assert statuses == [Status.PARTIAL] * 12 + [Status.COMPLETE]
    assert ledger.electable().tolist() == [False] * 12 + [True]
    table = cv_results(ledger)
    assert table["rank_test_score"].argmin() == 12  # although its score is the least of all
    assert list(table)[:2] == ["iter", "n_resources"]
    assert table["rank_test_score"][9:12].max() < table["rank_test_score"][:9].min()


def climb_with_peak(peak, **kwargs):
    """Everybody is best with so much of the resource."""
    plan = halving_plan(9, 1, 9, 3)
    ladder = Ladder(plan, [Proposal({"x": x}) for x in range(9)], "r", goes_back=True, **kwargs)
    ledger = Ledger(n_folds=2)

    def outcomes(step, params):
        value = params["x"] - 100 * abs(params.get("r", peak) - peak)
        return made_outcomes(step, {"x": value})

    reason = Engine(
        ledger=ledger,
        executor=ShufflingExecutor(3),
        run_step=lambda step, params: (lambda: outcomes(step, params),),
    ).run(ladder, None)
    assert reason == StopReason.LAST_RUNG
    assert len(ledger.trials) <= ladder.n_proposals
    return ledger


def test_who_was_best_below_wins_with_what_it_had_there():
    ledger = climb_with_peak(3)
    last = [t for t in ledger.trials if t.rung.is_last]
    assert [(t.params, t.rung.resource, t.root) for t in last] == [
        ({"x": 8, "r": 9}, 9, 8),
        ({"x": 8, "r": 3}, 3, 8),
    ]
    assert ledger.electable().tolist() == [t.rung.is_last for t in ledger.trials]
    assert last[1].mean == max(t.mean for t in ledger.trials)


def test_who_has_become_worse_does_not_go_on_to_the_last_rung():
    ledger = climb_with_peak(1)
    (last,) = (t for t in ledger.trials if t.rung.is_last)
    assert (last.params, last.rung.resource, last.root) == ({"x": 8, "r": 1}, 1, 8)
    assert len(ledger.trials) == 9 + 3 + 1


def test_nobody_goes_back_to_less_where_more_is_better():
    ledger = climb_with_peak(9)
    assert [t.rung.resource for t in ledger.trials if t.rung.is_last] == [9]


def test_guests_are_no_reason_to_stay():
    guest = Proposal({"x": 1000}, origin=Origin.DEFAULT, eligible=False)
    ledger = climb_with_peak(1, guests=[guest])
    last = [t.params for t in ledger.trials if t.rung.is_last]
    assert sorted(params["x"] for params in last) == [8, 1000]


def test_folds_that_ran_below_are_not_run_again():
    calls = []

    def score(x, fold):
        calls.append((x, fold))
        return x + fold / 10

    plan = halving_plan(9, 1, 3, 3, to_the_top=True)
    ladder = Ladder(plan, [Proposal({"x": x}) for x in range(9)], folds_are_resource=True)
    ledger = Ledger(n_folds=3)
    Engine(
        ledger=ledger,
        executor=ShufflingExecutor(1),
        run_step=lambda step, params: (lambda: made_outcomes(step, params, score),),
    ).run(ladder, None)
    assert len(calls) == len(set(calls)) == ledger.n_fits
    assert [len(ledger.folds(t.index)) for t in ledger.trials] == [1] * 9 + [3] * 3
    assert ledger.electable().tolist() == [False] * 9 + [True] * 3


def test_a_number_for_failures_is_what_promotes():
    """With error_score=100, whoever fails goes on, as the table says."""
    ledger = Ledger(n_folds=2, error_score=100.0)
    trial = ledger.add({"x": 0})
    for outcome in made_outcomes(Step(trial.index, (0, 1)), {"x": 0}):
        ledger.record(replace(outcome, scores={}, error="failed"))
    ledger.close(0, Status.FAILED)
    assert ledger.trial(0).mean == 100.0
    assert math.isnan(ledger.trial(0).score)


def test_a_guest_is_on_the_last_rung_only_and_once():
    default = Proposal({"x": 8}, origin=Origin.DEFAULT, eligible=False)
    stranger = Proposal({"x": 99}, origin=Origin.DEFAULT, eligible=False)
    _, ledger = climb(guests=[default, stranger])
    assert [t.params["x"] for t in ledger.trials if t.rung.is_last] == [8, 99]
    assert ledger.electable().sum() == 1
    assert ledger.find(Origin.DEFAULT).params == {"x": 99}


# -- the rows of a rung ------------------------------------------------------------------------


def folds_of(n, k=4):
    rows = np.arange(n)
    return [(rows[rows % k != fold], rows[rows % k == fold]) for fold in range(k)]


@given(
    positives=st.integers(2, 40),
    n_resources=st.integers(16, 400),
    seed=st.integers(0, 5),
    strict=st.booleans(),
)
def test_no_class_vanishes(positives, n_resources, seed, strict):
    codes = np.zeros(400, dtype=int)
    codes[:positives] = 1
    splits = folds_of(400)
    (rung,), _ = Subsampler(400, codes, None, strict).rungs(splits, [n_resources], seed)
    for before, after in zip(splits, rung):
        for part, (whole, some) in enumerate(zip(before, after)):
            assert len(some) == int(n_resources / 400 * len(whole))
            assert len(set(some.tolist())) == len(some)
            assert set(some) <= set(whole)
            if part == 0 or strict:
                assert set(codes[some]) == set(codes[whole])


def test_many_groups_are_chosen_among_in_proportion_to_their_number():
    seconds = []
    for n_rows in (10_000, 40_000):
        rng = np.random.default_rng(0)
        groups, codes = rng.integers(0, n_rows // 4, n_rows), rng.integers(0, 2, n_rows)
        rows = np.arange(n_rows)
        splits = [(rows[groups % 2 != k], rows[groups % 2 == k]) for k in range(2)]
        started = time.process_time()
        Subsampler(n_rows, codes, groups).rungs(splits, [n_rows // 9, n_rows // 3], 0)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 10 * seconds[0] + 0.1  # 16 times as many where it is the square


def test_whole_groups_where_a_class_would_vanish():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 400)
    codes = (groups < 5).astype(int)  # a few groups hold all the positives
    rows = np.arange(400)
    splits = [(rows[groups % 3 != k], rows[groups % 3 == k]) for k in range(3)]
    (rung,), stratified = Subsampler(400, codes, groups).rungs(splits, [24], 0)
    assert stratified
    for before, after in zip(splits, rung):
        for whole, some in zip(before, after):
            taken = np.isin(groups[whole], groups[some])
            assert set(whole[taken]) == set(some)
            assert set(codes[some]) == set(codes[whole])


@pytest.mark.parametrize("codes", [None, np.arange(400) % 2], ids=["regression", "classes"])
@given(
    n_groups=st.integers(4, 100),
    n_resources=st.integers(8, 400),
    seed=st.integers(0, 5),
    skew=st.floats(0, 3),
)
def test_groups_that_folds_keep_apart_stay_whole(codes, n_groups, n_resources, seed, skew):
    rng = np.random.default_rng(seed)
    shares = np.arange(1, n_groups + 1) ** -skew
    groups = rng.choice(n_groups, 400, p=shares / shares.sum())
    groups[:4] = range(4)  # nobody's fold is empty
    rows = np.arange(400)
    splits = [(rows[groups % 4 != k], rows[groups % 4 == k]) for k in range(4)]
    if any(int(n_resources / 400 * len(part)) == 0 for parts in splits for part in parts):
        return
    (rung,), _ = Subsampler(400, codes, groups).rungs(splits, [n_resources], seed)
    for before, after in zip(splits, rung):
        for whole, some in zip(before, after):
            assert set(whole[np.isin(groups[whole], groups[some])]) == set(some)
            wanted = int(n_resources / 400 * len(whole))
            sizes = np.bincount(groups[whole])
            assert len(some) > 0
            assert abs(len(some) - wanted) <= sizes.max() + sizes[sizes > 0].min()


def test_groups_that_folds_mix_are_as_if_there_were_none():
    groups = np.arange(400) // 10
    splits = folds_of(400)
    (plain,), _ = Subsampler(400).rungs(splits, [40], 0)
    (mixed,), _ = Subsampler(400, None, groups).rungs(splits, [40], 0)
    for one, other in zip(plain, mixed):
        for expected, some in zip(one, other):
            np.testing.assert_array_equal(some, expected)


def test_stratifying_draws_no_more_than_scikit_learn_would():
    codes = np.zeros(400, dtype=int)
    codes[:8] = 1
    used, plain = np.random.RandomState(3), np.random.RandomState(3)
    _, stratified = Subsampler(400, codes).rungs(folds_of(400), [20, 60], used)
    Subsampler(400).rungs(folds_of(400), [20, 60], plain)
    assert stratified
    assert used.randint(1 << 30) == plain.randint(1 << 30)


def test_too_few_rows_for_the_classes():
    codes = np.arange(400) % 10
    with pytest.raises(ValueError, match=r"(?s)n_samples=8 .* the 10 classes.*min_resources='smal"):
        Subsampler(400, codes).rungs(folds_of(400), [8, 40], 0)
    with pytest.raises(ValueError, match="has 0 of the 100 test rows of fold 0"):
        Subsampler(400).rungs(folds_of(400), [3], 0)


# -- the end of the time ---------------------------------------------------------------------


def timed_climb(
    deadline, n_workers, seconds_of, reserve=0.0, reserve_resource=None, proposer=None, chance=False
):
    """Climb with steps that take the time of their resource; the engine, reason and end."""
    clock = Clock()

    def run(step, params):
        seconds = seconds_of(step.resource)
        clock.now += seconds
        outcomes = made_outcomes(step, params, seconds=seconds)
        return [replace(outcome, resource=step.resource) for outcome in outcomes]

    loop = Engine(
        ledger=Ledger(2),
        executor=VirtualWorkers(n_workers, clock),
        run_step=lambda step, params: (run, step, params),
        deadline=deadline,
        reserve=reserve,
        reserve_resource=reserve_resource,
        clock=clock,
    )
    if proposer is None:
        plan = halving_plan(27, 1, 27, 3)
        proposer = Ladder(plan, [Proposal({"x": x}) for x in range(27)])
    last = LastChance(rung=Rung(3, 27, True), n_folds=2, proposer=proposer)
    if chance:
        last.begin(loop)
    reason = loop.run(proposer, None)
    if chance and reason == StopReason.TIME:
        reason = last.out_of_time(loop, loop.ledger) or reason
    return loop, reason, clock.now


@given(
    deadline=st.floats(2, 200),
    n_workers=st.integers(1, 4),
    overhead=st.floats(0, 1),
    reserve=st.floats(0, 2),
)
@settings(deadline=None, max_examples=80)
def test_a_rung_that_would_end_too_late_is_not_begun(deadline, n_workers, overhead, reserve):
    """Each step takes three times as long as one on the rung below, or less than that."""

    def seconds_of(resource):
        return overhead + resource

    loop, reason, end = timed_climb(deadline, n_workers, seconds_of, reserve)
    assert not list(loop.ledger.open)
    last = max(outcome.fit_time for outcome in loop.ledger.outcomes)
    assert end + reserve * last <= max(deadline, 1 + overhead + reserve * (1 + overhead)) + 1e-6
    assert reason in (StopReason.LAST_RUNG, StopReason.TIME)


def test_with_time_enough_nobody_is_kept_from_the_last_rung():
    seconds = 2 * (27 * 1 + 9 * 3 + 3 * 9 + 1 * 27)
    _, reason, end = timed_climb(seconds + 1.0, 1, float)  # one more, to see that all is done
    assert reason == StopReason.LAST_RUNG
    assert end == seconds


def test_the_refit_has_all_of_the_rows_whatever_the_rungs_had():
    """A refit as long as a step with 27 of the resource must fit in after any other step."""
    _, reason, end = timed_climb(60.0, 1, float, reserve=1, reserve_resource=27)
    assert reason == StopReason.TIME
    assert end <= 60 - 27


def brackets_of(kind, **options):
    plan = hyperband_plan(1, 27, 3)
    entries = [[Proposal({"x": x}) for x in range(b.n_candidates[0])] for b in plan]
    return kind(plan, Listed(entries), 3, **options)


PROPOSERS = {
    "ladder": lambda: None,
    "brackets": lambda: brackets_of(Brackets),
    "asynchronous": lambda: brackets_of(AsynchronousBrackets, n_pending=8),
}


@pytest.mark.parametrize("proposer", PROPOSERS.values(), ids=list(PROPOSERS))
@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("deadline", [100, 150, 180])
def test_somebody_has_all_of_the_resource_when_time_ends(proposer, n_workers, deadline):
    """One evaluation takes 54 seconds of the time of the workers; a whole ladder 216."""
    options = {"proposer": proposer(), "chance": True, "reserve": 1}
    seconds = deadline / n_workers + 27
    loop, _, end = timed_climb(seconds, n_workers, float, **options)
    assert end <= seconds - 27  # the refit
    ended = [t for t in loop.ledger.trials if t.has_full_budget and t.status is Status.COMPLETE]
    assert ended
    assert not list(loop.ledger.open)


def test_the_last_chance_is_for_the_best_of_the_highest_whole_rung():
    loop, reason, end = timed_climb(150, 1, float, chance=True)
    assert (reason, end <= 150) == (StopReason.TIME, True)
    *below, last = loop.ledger.trials
    assert last.rung.is_last
    whole = max(t.rung.number for t in below) - 1
    best = max((t for t in below if t.rung.number == whole), key=lambda t: t.mean)
    assert (last.params, last.root) == (best.params, best.root)


def test_an_interrupt_of_the_last_chance_is_told():
    """A model that is fitted then should not look as if only its time had been up."""
    interrupted = []

    def seconds_of(resource):
        if resource == 27:
            interrupted.append(resource)
            raise KeyboardInterrupt
        return float(resource)

    loop, reason, _ = timed_climb(150, 1, seconds_of, chance=True)
    assert interrupted == [27]
    assert reason == StopReason.INTERRUPT
    assert not list(loop.ledger.open)


def test_one_slow_fit_with_little_does_not_say_that_all_with_much_are_slow():
    longest = Longest()
    for seconds in [0.1] * 9 + [1.0]:
        longest.add(seconds, 10)
    assert longest.forecast(10) == 1.0
    assert longest.forecast(300) == pytest.approx(0.19 * 30)


def test_time_is_held_back_only_where_that_gets_somebody_there():
    """The last rung would take longer than all of the time, so that the ladder has it."""
    with_chance, without = (timed_climb(60, 1, float, chance=chance) for chance in (True, False))
    assert with_chance[1:] == without[1:]
    assert len(with_chance[0].ledger) == len(without[0].ledger)

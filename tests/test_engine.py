"""Laws of the loop, in milliseconds: numbers instead of fits, a clock that is given."""

import itertools

import numpy as np
import pytest
from doubles import CountsUp, ShufflingExecutor, made_outcomes

from skhpt.engine import Engine, StopReason
from skhpt.executors import SerialExecutor
from skhpt.ledger import Ledger
from skhpt.schedulers import all_folds
from skhpt.trial import Origin, Start, Status, Step


def engine(executor=None, n_folds=3, **kwargs):
    return Engine(
        ledger=Ledger(n_folds),
        executor=executor or SerialExecutor(),
        run_step=lambda step, params: (made_outcomes, step, params),
        **kwargs,
    )


def test_every_trial_runs_every_fold_once():
    loop = engine()
    assert loop.run(CountsUp(), n_trials=7) == StopReason.N_ITER
    assert len(loop.ledger) == 7
    assert [t.status for t in loop.ledger.trials] == [Status.COMPLETE] * 7
    ran = [(o.trial, o.fold) for o in loop.ledger.outcomes]
    assert sorted(ran) == list(itertools.product(range(7), range(3)))


def test_an_exhausted_sampler_ends_the_search():
    loop = engine()
    assert loop.run(CountsUp(end=4), n_trials=9) == StopReason.EXHAUSTED
    assert len(loop.ledger) == 4


def test_without_a_number_the_sampler_decides():
    loop = engine()
    assert loop.run(CountsUp(learns=False, end=5), n_trials=None) == StopReason.EXHAUSTED
    assert len(loop.ledger) == 5


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("look_ahead", [1, 2, 4])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_told_before_an_ask_depends_on_the_look_ahead_only(n_workers, look_ahead, seed):
    sampler = CountsUp()
    loop = engine(ShufflingExecutor(n_workers, seed), look_ahead=look_ahead)
    initial = [Start(Origin.DEFAULT, {"x": -1}), Start(Origin.GIVEN, {"x": -2})]
    loop.run(sampler, n_trials=12, initial=initial)
    for number, told in enumerate(sampler.told_before_ask):
        announced, ended = told[:2], told[2:]
        assert announced == [(0, "running"), (1, "running")]
        trial = number + 2
        assert [index for index, _ in ended] == list(range(max(0, trial - look_ahead + 1)))
        assert {status for _, status in ended} <= {"complete"}


def test_a_sampler_that_does_not_learn_is_asked_ahead_only_as_far_as_workers_need():
    sampler = CountsUp(learns=False)
    executor = ShufflingExecutor(2)
    loop = engine(executor)
    loop.run(sampler, n_trials=30)
    assert len(loop.ledger) == 30
    assert executor.most_in_flight <= 4


def test_initial_configurations_count_and_come_first():
    loop = engine()
    loop.run(
        CountsUp(),
        n_trials=3,
        initial=[Start(Origin.DEFAULT, {"x": 9}), Start(Origin.GIVEN, {"x": 8})],
    )
    assert [t.origin for t in loop.ledger.trials] == [Origin.DEFAULT, Origin.GIVEN, Origin.SAMPLER]
    assert [t.params["x"] for t in loop.ledger.trials] == [9, 8, 0]


def test_two_runs_share_a_ledger():
    loop = engine()
    loop.run(CountsUp(), n_trials=2)
    second = CountsUp()
    loop.run(second, n_trials=3)
    assert len(loop.ledger) == 5
    assert [t.index for t in second.told] == [2, 3, 4]


def test_all_trials_are_told_in_order_by_the_end():
    sampler = CountsUp()
    engine(ShufflingExecutor(3, seed=1), look_ahead=4).run(sampler, n_trials=10)
    assert [t.index for t in sampler.told] == list(range(10))


def test_deadline_leaves_room_for_what_is_reserved():
    now = itertools.count()  # the clock goes one second a look
    loop = engine(deadline=40, reserve=1, clock=lambda: next(now))
    assert loop.run(CountsUp(), n_trials=1000) == StopReason.TIME
    assert next(now) <= 41
    assert 1 <= len(loop.ledger) < 40
    assert not list(loop.ledger.open)


def test_an_interrupt_keeps_what_is_known():
    def interrupt_at_the_fifth(step, params):
        if step.trial == 1 and step.folds == (1,):
            raise KeyboardInterrupt
        return made_outcomes(step, params)

    loop = Engine(
        ledger=Ledger(3),
        executor=SerialExecutor(),
        run_step=lambda step, params: (interrupt_at_the_fifth, step, params),
    )
    assert loop.run(CountsUp(), n_trials=5) == StopReason.INTERRUPT
    assert [t.status for t in loop.ledger.trials] == [Status.COMPLETE, Status.STOPPED]
    assert loop.ledger.trial(1).score == pytest.approx(1.0)  # the fold that ran


def test_an_error_of_a_step_reaches_the_caller():
    loop = Engine(
        ledger=Ledger(3),
        executor=SerialExecutor(),
        run_step=lambda step, params: (lambda: 1 / 0,),
    )
    with pytest.raises(ZeroDivisionError):
        loop.run(CountsUp(), n_trials=2)


def test_all_folds_is_idempotent_and_wants_everything_that_is_missing():
    ledger = Ledger(3)
    first, second = ledger.add({"x": 0}), ledger.add({"x": 1})
    for outcome in made_outcomes(Step(first.index, (0, 1, 2)), first.params):
        ledger.record(outcome)
    (outcome,) = made_outcomes(Step(second.index, (1,)), second.params)
    ledger.record(outcome)
    plan = all_folds(ledger)
    assert plan == all_folds(ledger)
    steps, finished = plan
    assert [(s.trial, s.folds) for s in steps] == [(1, (0,)), (1, (2,))]
    assert finished == [(0, Status.COMPLETE)]
    assert np.isnan(ledger.trial(1).score)

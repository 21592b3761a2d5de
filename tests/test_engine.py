"""Laws of the loop, in milliseconds: numbers instead of fits, a clock that is given."""

import itertools
import queue
from dataclasses import replace

import numpy as np
import pytest
from doubles import (
    Clock,
    CountsUp,
    LosesWorkers,
    ShufflingExecutor,
    VirtualWorkers,
    made_outcomes,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpt.engine import Engine, StopReason
from skhpt.executors import SerialExecutor, WorkerDied
from skhpt.ledger import Ledger
from skhpt.schedulers import all_folds
from skhpt.trial import Origin, Start, Status, Step


def engine(executor=None, n_folds=3, run=made_outcomes, **kwargs):
    return Engine(
        ledger=Ledger(n_folds),
        executor=executor or SerialExecutor(),
        run_step=lambda step, params: (run, step, params),
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


# -- the end of the time ---------------------------------------------------------------------


def timed_search(durations, deadline, n_workers, reserve, startup=0.0, n_folds=1):
    """Run steps that take these times in turn; return the engine and when its last step ended."""
    clock, turns = Clock(), itertools.cycle(durations)

    def run(step, params):
        seconds = next(turns)
        clock.now += seconds
        return made_outcomes(step, params, seconds=seconds)

    loop = Engine(
        ledger=Ledger(n_folds),
        executor=VirtualWorkers(n_workers, clock, startup),
        run_step=lambda step, params: (run, step, params),
        deadline=deadline,
        reserve=reserve,
        clock=clock,
    )
    assert loop.run(CountsUp(learns=False), n_trials=10_000) == StopReason.TIME
    return loop, clock.now


seconds = st.floats(0.1, 30)


@given(duration=seconds, n_workers=st.integers(1, 4), reserve=st.floats(0, 3), startup=seconds)
@settings(max_examples=80, deadline=None)
def test_steps_that_take_as_long_as_those_before_end_in_time(duration, n_workers, reserve, startup):
    _, end = timed_search([duration], 60.0, n_workers, reserve, startup)
    assert end <= max(60.0 - reserve * duration, startup + duration) + 1e-6
    if end + (reserve + 1) * duration < 60.0 - 1e-6:
        pytest.fail("there was time for another step")


@given(
    durations=st.lists(seconds, min_size=1, max_size=8),
    n_workers=st.integers(1, 4),
    reserve=st.floats(0, 3),
    n_folds=st.integers(1, 3),
)
@settings(max_examples=80, deadline=None)
def test_no_search_ends_later_than_by_one_fit(durations, n_workers, reserve, n_folds):
    loop, end = timed_search(durations, 60.0, n_workers, reserve, n_folds=n_folds)
    longest = max(outcome.fit_time for outcome in loop.ledger.outcomes)
    assert end <= 60.0 + longest + 1e-6
    assert not list(loop.ledger.open)
    assert not loop.is_busy


def test_what_waits_for_a_worker_is_not_begun_too_late():
    """Short steps fill the queue; then each takes long, and those that still wait are not run."""
    loop, end = timed_search([1.0] * 8 + [100.0] * 90, 20.0, n_workers=2, reserve=0)
    assert sum(outcome.fit_time == 100.0 for outcome in loop.ledger.outcomes) <= 2
    assert end <= 20.0 + 100.0


def test_the_reserve_is_counted_in_fits_without_their_scoring():
    clock = Clock()

    def run(step, params):
        clock.now += 10.0  # of which the fit takes 2
        return made_outcomes(step, params, seconds=2.0)

    loop = Engine(
        ledger=Ledger(1),
        executor=VirtualWorkers(1, clock),
        run_step=lambda step, params: (run, step, params),
        deadline=100.0,
        reserve=5,
        clock=clock,
    )
    loop.run(CountsUp(), n_trials=1000)
    assert clock.now == 90.0


# -- stopping --------------------------------------------------------------------------------


@pytest.mark.parametrize("n_workers", [1, 3])
def test_watch_sees_every_outcome_and_ends_the_search(n_workers):
    seen = []

    def watch(ledger):
        seen.append((len(ledger.outcomes), [t.index for t in ledger.trials if t.score >= 0]))
        return len(ledger.outcomes) >= 7

    executor = SerialExecutor() if n_workers == 1 else ShufflingExecutor(n_workers, seed=2)
    loop = engine(executor, watch=watch)
    assert loop.run(CountsUp(learns=False), n_trials=100) == StopReason.CALLBACK
    assert [n for n, _ in seen] == list(range(1, len(seen) + 1))
    assert 7 <= len(loop.ledger.outcomes) <= 7 + 2 * n_workers
    assert any(closed for _, closed in seen)  # trials are closed by the time it looks
    assert not list(loop.ledger.open)


@pytest.mark.parametrize("n_fits", [1, 3])
def test_watch_gives_the_reason_also_when_nothing_more_was_to_be_proposed(n_fits):
    loop = engine(watch=lambda ledger: len(ledger.outcomes) == n_fits)
    assert loop.run(CountsUp(), n_trials=1) == StopReason.CALLBACK
    assert len(loop.ledger.outcomes) == n_fits


def test_time_is_the_reason_also_when_nothing_more_was_to_be_proposed():
    clock = Clock()

    def run(step, params):
        clock.now += 10.0
        return made_outcomes(step, params)

    loop = engine(run=run, deadline=25.0, clock=clock)
    assert loop.run(CountsUp(), n_trials=1) == StopReason.TIME
    assert len(loop.ledger.outcomes) == 2
    assert loop.ledger.trial(0).status is Status.STOPPED


def test_watch_without_an_answer_changes_nothing():
    loop = engine(watch=lambda ledger: None)
    assert loop.run(CountsUp(), n_trials=4) == StopReason.N_ITER


@pytest.mark.parametrize("watch", [None, lambda ledger: False])
def test_an_outcome_may_end_the_search(watch):
    def run(step, params):
        stop = step == Step(1, (1,))
        return [replace(outcome, stop=stop) for outcome in made_outcomes(step, params)]

    loop = engine(watch=watch, run=run)
    assert loop.run(CountsUp(), n_trials=9) == StopReason.CALLBACK
    assert [t.status for t in loop.ledger.trials] == [Status.COMPLETE, Status.STOPPED]


class EndsSomeNow(ShufflingExecutor):
    """The first `n` steps have ended when it is asked; the others run on and on."""

    def __init__(self, n_workers, n):
        super().__init__(n_workers)
        self.n = n
        self.submitted_after_the_end = 0

    def submit(self, function, *args):
        self.submitted_after_the_end += self.n <= 0
        return super().submit(function, *args)

    def next_done(self, timeout=None):
        if self.n == 0:
            raise queue.Empty
        self.n -= 1
        return self._done.pop(0)


def test_a_stop_keeps_what_has_ended_and_does_not_wait_for_the_rest():
    executor = EndsSomeNow(4, n=5)
    loop = engine(executor, watch=lambda ledger: True)
    assert loop.run(CountsUp(learns=False), n_trials=100) == StopReason.CALLBACK
    assert len(loop.ledger.outcomes) == 5
    assert executor.submitted_after_the_end == 0
    assert loop.is_busy


def test_an_interrupt_keeps_what_has_ended_and_does_not_wait_for_the_rest():
    def interrupt(ledger):
        if len(ledger.outcomes) == 2:
            raise KeyboardInterrupt

    loop = engine(EndsSomeNow(4, n=6), watch=interrupt)
    assert loop.run(CountsUp(learns=False), n_trials=100) == StopReason.INTERRUPT
    assert len(loop.ledger.outcomes) == 6
    assert loop.is_busy


def test_a_worker_that_was_interrupted_interrupts_the_search():
    def run(step, params):
        if step == Step(2, (0,)):
            raise KeyboardInterrupt
        return made_outcomes(step, params)

    loop = engine(ShufflingExecutor(2, seed=1), run=run)
    assert loop.run(CountsUp(), n_trials=9) == StopReason.INTERRUPT
    assert all(t.status in (Status.COMPLETE, Status.STOPPED) for t in loop.ledger.trials)


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


# -- the death of workers --------------------------------------------------------------------


def facts(ledger):
    """All that a search has found, whatever the order in which it did."""
    found = [(o.trial, o.fold, o.scores, o.error is None) for o in ledger.outcomes]
    return sorted(found, key=lambda fact: fact[:2]), [(t.params, t.status) for t in ledger.trials]


@pytest.mark.parametrize("look_ahead", [1, 4])
@pytest.mark.parametrize("seed", range(8))
def test_workers_that_die_at_random_change_nothing(seed, look_ahead):
    peaceful, bloody = CountsUp(), CountsUp()
    expected = engine(look_ahead=look_ahead)
    expected.run(peaceful, n_trials=12)
    executor = LosesWorkers(3, seed)
    loop = engine(executor, look_ahead=look_ahead)
    assert loop.run(bloody, n_trials=12) == StopReason.N_ITER
    assert executor.restarts > 0
    assert facts(loop.ledger) == facts(expected.ledger)
    assert bloody.told_before_ask == peaceful.told_before_ask


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fold", [0, 2])
def test_who_kills_its_worker_alone_has_failed_and_nobody_else(seed, fold):
    def run(step, params):
        outcomes = made_outcomes(step, params)
        if step.trial in (3, 4):
            return [replace(o, scores={}, error="raised") for o in outcomes]
        return outcomes

    expected = engine(run=run)
    expected.run(CountsUp(learns=False), n_trials=12)
    executor = LosesWorkers(
        3, seed, share=0.1, guilty=lambda step: step.trial in (3, 4) and step.folds == (fold,)
    )
    loop = engine(executor)
    loop.run(CountsUp(learns=False), n_trials=12)
    assert [t.status for t in loop.ledger.trials] == [t.status for t in expected.ledger.trials]
    alive = [fact for fact in facts(loop.ledger)[0] if fact[0] not in (3, 4)]
    assert alive == [fact for fact in facts(expected.ledger)[0] if fact[0] not in (3, 4)]
    for trial in (3, 4):
        assert loop.ledger.folds(trial)[fold].error is not None
        assert not loop.ledger.missing(trial)


def test_suspects_run_one_at_a_time_by_the_same_call_and_the_rest_at_full_width():
    made = []

    def run_step(step, params):
        made.append(step)
        return made_outcomes, step, params

    executor = LosesWorkers(3, seed=1, share=0.2)
    loop = Engine(ledger=Ledger(3), executor=executor, run_step=run_step)
    loop.run(CountsUp(learns=False), n_trials=20)
    assert executor.beside_a_second_run
    assert set(executor.beside_a_second_run) == {0}
    assert len(made) == len(set(made)) == 60
    assert max(executor.runs.values()) == 2
    assert executor.most_in_flight == 6


def test_the_failure_says_what_has_happened_and_what_to_change():
    loop = engine(LosesWorkers(2, share=0, guilty=lambda step: step.trial == 1))
    loop.run(CountsUp(), n_trials=3)
    ((text, count),) = loop.ledger.errors().items()
    assert count == 3
    for words in ("worker process died", "SIGKILL", "memory", "fewer n_jobs", "search space"):
        assert words in text


def test_a_death_is_an_error_when_failures_are_not_to_be_recorded():
    executor = LosesWorkers(2, share=0.2, guilty=lambda step: step.trial == 1)
    loop = engine(executor, record_deaths=False)
    with pytest.raises(WorkerDied, match="worker process died.*alone.*SIGKILL.*memory.*n_jobs"):
        loop.run(CountsUp(), n_trials=3)


def test_when_every_step_kills_its_worker_the_search_still_ends():
    executor = LosesWorkers(3, guilty=lambda step: True)
    loop = engine(executor)
    assert loop.run(CountsUp(), n_trials=10) == StopReason.N_ITER
    assert {t.status for t in loop.ledger.trials} == {Status.FAILED}
    assert executor.restarts <= 2 * 10

"""What may be known when a trial begins: lengths decide, and never the workers."""

import heapq
import os
import queue
import random

import numpy as np
import pytest
from doubles import Clock, CountsUp, LosesWorkers, ShufflingExecutor, VirtualWorkers
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed, parallel_config
from lightgbm import LGBMClassifier
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skhpt import BayesSearchCV
from skhpt.engine import Engine
from skhpt.estimators.growing_lightgbm import LightGBMGrowth
from skhpt.executors import SerialExecutor
from skhpt.headway import Headway
from skhpt.ledger import Ledger
from skhpt.racing import Racing
from skhpt.schedulers import all_folds
from skhpt.trial import Origin, Outcome, Start
from skhpt.virtual_time import VirtualTime, length_of


def searched(works, look_ahead, executor, least, scheduler=None, n_initial=0) -> CountsUp:
    """Run trials of these lengths; return the sampler, which knows what it was told."""
    sampler = CountsUp()

    def run(step, params):
        work = works[step.trial]
        return [Outcome(step.trial, f, {"score": 0.5}, 1.0, 0.0, work=work) for f in step.folds]

    engine = Engine(
        ledger=Ledger(1),
        executor=executor,
        run_step=lambda step, params: (run, step, params),
        scheduler=scheduler or all_folds,
        look_ahead=look_ahead,
        least=least,
    )
    initial = [Start(Origin.GIVEN, {"x": -1})] * n_initial
    engine.run(sampler, len(works), initial)
    sampler.known = [engine.ledger.known_to(t.index) for t in engine.ledger.trials]
    return sampler


def simulated(works, n_workers) -> list[list[int]]:
    """What has ended when each trial begins, on a queue for so many workers.

    Nobody is overtaken by more than twice as many as there are workers.
    """
    running, ended, known = [], [], []
    now = 0.0
    for index, work in enumerate(works):
        while len(running) >= n_workers or any(index - i >= 2 * n_workers for _, i in running):
            now, other = heapq.heappop(running)
            ended.append(other)
        known.append(sorted(ended))
        heapq.heappush(running, (now + work, index))
    return known


lengths = st.lists(st.integers(1, 6).map(float), min_size=1, max_size=25)


@given(works=lengths, look_ahead=st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_it_is_a_queue_for_as_many_workers_as_may_be_pending(works, look_ahead):
    sampler = searched(works, look_ahead, SerialExecutor(), lambda index: 0.0)
    assert sampler.known == simulated(works, look_ahead)
    for known, told in zip(sampler.known, sampler.told_before_ask):
        assert sorted(index for index, _ in told) == known


@given(
    works=lengths,
    look_ahead=st.integers(1, 5),
    n_workers=st.integers(2, 5),
    n_initial=st.integers(0, 3),
    seed=st.integers(0, 99),
    races=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_who_ends_first_and_what_is_known_of_the_others_change_nothing(
    works, look_ahead, n_workers, n_initial, seed, races
):
    rng = random.Random(seed)
    so_far = [0.0] * len(works)

    def least(index):  # grows as it likes
        so_far[index] += rng.random() * (works[index] - so_far[index])
        return so_far[index]

    scheduler = Racing() if races else None
    n_initial = min(n_initial, len(works))
    args = (works, look_ahead)
    expected = searched(*args, SerialExecutor(), lambda index: 0.0, scheduler, n_initial)
    found = searched(*args, ShufflingExecutor(n_workers, seed), least, scheduler, n_initial)
    assert found.told_before_ask == expected.told_before_ask
    if races:
        assert found.known == expected.known == simulated(works, look_ahead)


def test_without_lengths_trials_end_in_their_order():
    works = [9.0, 1.0, 1.0, 1.0, 1.0, 5.0, 1.0]
    known = searched(works, 3, SerialExecutor(), least=None).known
    assert known == [list(range(max(0, index - 2))) for index in range(7)]


class WatchedWorkers(VirtualWorkers):
    """A wait for them may end before one of their tasks does."""

    def next_done(self, timeout=None):
        if self._running and timeout and self._running[0][0] > self._clock.now + timeout:
            self._clock.now += timeout
            raise queue.Empty
        return super().next_done(timeout)


def makespan(works, look_ahead, with_headway):
    """Time that two workers take for trials which last as many seconds as they are long."""
    clock, began = Clock(), {}

    def run(step, params):
        began[step.trial] = clock.now
        clock.now += works[step.trial]
        return [Outcome(step.trial, 0, {"score": 0.5}, 1.0, 0.0, work=works[step.trial])]

    def least(index):
        seconds = clock.now - began.get(index, clock.now)
        return min(works[index], seconds) if with_headway else 0.0

    engine = Engine(
        ledger=Ledger(1),
        executor=WatchedWorkers(2, clock),
        run_step=lambda step, params: (run, step, params),
        look_ahead=look_ahead,
        least=least,
        clock=clock,
    )
    engine.run(CountsUp(), len(works))
    return clock.now


def test_a_proposal_waits_for_a_slow_trial_only_when_many_have_overtaken_it():
    works = [30.0] + [5.0] * 7
    assert makespan(works, 4, with_headway=True) < 35.5  # six of them beside it, then one
    assert makespan(works, 4, with_headway=False) >= 40.0
    assert makespan(works, 2, with_headway=True) < 40.5  # three
    assert makespan(works, 2, with_headway=False) >= 45.0


def test_a_trial_that_counts_no_rounds_is_as_long_as_its_folds():
    ledger = Ledger(3)
    for index, work in enumerate([None, 40.0]):
        ledger.add({})
        for fold in range(3):
            ledger.record(Outcome(index, fold, {"score": 0.0}, 1, 0, work=work, round_cost=2.0))
    for index, status in all_folds(ledger)[1]:
        ledger.close(index, status)
    assert [length_of(trial, 3) for trial in ledger.trials] == [300.0, 240.0]
    time = VirtualTime(ledger, lambda index: 0.0)
    time.begin(0)
    time.begin(1)
    assert (time.end_next(), time.end_next(), time.end_next()) == (1, 0, None)


# -- how workers tell how far they are -------------------------------------------------------


def told_by(headway, index, length):
    headway.tell(index, length)
    return os.getpid()


def test_processes_tell_how_far_they_are():
    headway = Headway()
    tasks = (delayed(told_by)(headway, index, 10.0 * index) for index in range(6))
    assert os.getpid() not in Parallel(n_jobs=2)(tasks)
    assert [headway.least(index) for index in range(8)] == [0, 10, 20, 30, 40, 50, 0, 0]
    headway.tell(3, 31.0)
    assert headway.least(3) == 31.0
    folder = os.path.dirname(headway._path)
    headway.close()
    assert not os.path.exists(folder)
    headway.tell(3, 32.0)  # by a worker that has not heard of the end


def test_a_place_that_is_taken_or_half_written_says_nothing():
    headway = Headway()
    headway.tell(2, 7.0)
    headway.tell(2 + Headway._PLACES, 8.0)
    assert (headway.least(2), headway.least(2 + Headway._PLACES)) == (0.0, 8.0)
    for half_written in [(5, 9.0, 5 + 8.0), (5 + Headway._PLACES, 9.0, 5 + 9.0), (5, 0.0, 0.0)]:
        headway._RECORD.pack_into(headway._opened(), headway._place(5), *half_written)
        assert headway.least(5) == headway.least(5 + Headway._PLACES) == 0.0
    headway.close()


def sparse_class(n_rows):
    """Rows of which the second third alone has the second class."""
    X = np.random.default_rng(0).normal(size=(n_rows, 3))
    third = n_rows // 3
    return X, (X[:, 0] > 0) & (np.arange(n_rows) // third == 1)


def breaks_after(growth, n_rounds, seen):
    """Have the second model that grows fail on the way."""
    whole = growth.grow

    def grow(self, to):
        seen.setdefault(id(self), len(seen))
        if seen[id(self)] == 1 and to > n_rounds:
            raise ValueError("broken")
        whole(self, to)

    return grow


@pytest.mark.parametrize("case", ["not grown on the second fold", "fails on the way", "network"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_nothing_is_told_of_a_trial_that_is_more_than_its_length(case, monkeypatch):
    """What the others know would else depend on when somebody looked."""
    told, tell = {}, Headway.tell

    def heard(self, index, length):
        told[index] = max(length, told.get(index, 0.0))
        tell(self, index, length)

    monkeypatch.setattr(Headway, "tell", heard)
    model, space = LGBMClassifier(n_jobs=1, verbose=-1), {"num_leaves": (2, 9)}
    X, y = sparse_class(90)
    if case == "fails on the way":
        y = X[:, 0] > X[:, 1]
        monkeypatch.setattr(LightGBMGrowth, "grow", breaks_after(LightGBMGrowth, 99, {}))
    elif case == "network":
        y = X[:, 0] > X[:, 1]
        model, space = MLPClassifier((5,), random_state=0), {"alpha": (1e-4, 1.0)}
    with parallel_config(backend="threading"), threadpool_limits(1):
        search = BayesSearchCV(
            model,
            space,
            n_iter=3,
            n_jobs=2,
            cv=KFold(3),
            scoring="accuracy",
            early_stopping=340,
            random_state=0,
            refit=False,
        ).fit(X, y)
    assert set(told) == set(range(len(search._ledger)))
    for trial in search._ledger.trials:
        assert told[trial.index] <= length_of(trial, 3)


def test_nor_of_one_that_kills_its_worker():
    def run(step, params):
        return [
            Outcome(step.trial, fold, {"score": 0.5}, 1.0, 0.0, work=1.0) for fold in step.folds
        ]

    engine = Engine(
        ledger=Ledger(2),
        executor=LosesWorkers(2, share=0.0, guilty=lambda step: step.trial == 1),
        run_step=lambda step, params: (run, step, params),
        look_ahead=3,
        least=lambda index: 1234.0 if index == 1 else 0.0,
    )
    engine.run(CountsUp(), 3)
    assert [length_of(trial, 2) for trial in engine.ledger.trials] == [2.0, 200 + 1234.0, 2.0]


def test_workers_do_not_change_what_a_search_with_early_stopping_finds():
    X, y = (part[::3] for part in load_breast_cancer(return_X_y=True))
    tables = []
    for n_jobs in (1, 2, 3):
        search = BayesSearchCV(
            LGBMClassifier(n_jobs=1, verbose=-1, random_state=0),
            n_iter=18,
            n_jobs=n_jobs,
            cv=3,
            scoring="neg_log_loss",
            random_state=2,
            refit=False,
        ).fit(X, y)
        tables.append(search.cv_results_)
    for table in tables[1:]:
        assert table["params"] == tables[0]["params"]
        for name in ("mean_test_score", "mean_n_rounds", "n_splits_evaluated"):
            np.testing.assert_array_equal(table[name], tables[0][name])

"""Ctrl-C, as it really comes: a signal to a process, or to all of a terminal's processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from doubles import CountsUp, made_outcomes

from skhpt.engine import Engine, StopReason
from skhpt.executors import SerialExecutor
from skhpt.interrupts import Interrupts
from skhpt.ledger import Ledger

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")


def eventually(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# -- what is held, and what is not -----------------------------------------------------------


def press():
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_waits_until_it_is_asked_for():
    with Interrupts() as interrupts:
        interrupts.check()
        press()
        assert interrupts.pressed
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_a_second_ctrl_c_does_not_wait():
    with Interrupts():
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_where_it_is_welcome_ctrl_c_is_raised_where_it_comes():
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.at_once():
            press()
        assert interrupts.pressed


def test_ctrl_c_that_came_before_does_not_let_a_fit_begin():
    with Interrupts() as interrupts:
        press()
        with pytest.raises(KeyboardInterrupt), interrupts.at_once():
            pytest.fail("it began")


def test_the_handler_is_given_back_and_each_block_starts_anew():
    interrupts = Interrupts()
    for _ in range(2):
        with interrupts:
            assert not interrupts.pressed
            press()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_somebody_else_is_left_alone():
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(1))
    try:
        with Interrupts() as interrupts:
            press()
        assert came == [1]
        assert not interrupts.pressed
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_changes_no_handler():
    seen = []

    def look():
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


# -- real searches ---------------------------------------------------------------------------

SCRIPT = """
import json, os, sys, time, warnings
from pathlib import Path
import joblib, numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import ShuffleSplit
from skhpt import GridSearchCV

at, n_jobs, backend, quick, n_splits = Path(sys.argv[1]), *json.loads(sys.argv[2])

class Sleeper(ClassifierMixin, BaseEstimator):
    '''Fits at once up to `shift` = `quick`, then for a minute.'''

    def __init__(self, shift=0):
        self.shift = shift

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if self.shift > quick:
            (at / f"slow-{self.shift}-{os.getpid()}-{time.time()}").touch()
            time.sleep(60)
        return self

    def predict(self, X):
        return self.classes_[(X[:, 0] > self.shift).astype(int)]

def workers_alive():
    children = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            line = (stat.parent / "cmdline").read_text()
        except OSError:
            continue
        children += parent == os.getpid() and "resource_tracker" not in line
    return children

rng = np.random.default_rng(0)
X = rng.normal(size=(20_000, 10))
y = (X[:, 0] > 0).astype(int)
cv = ShuffleSplit(n_splits, random_state=0)
search = GridSearchCV(Sleeper(), {"shift": [0, 1, 2, 3]}, cv=cv, n_jobs=n_jobs)
with joblib.parallel_config(backend=backend), warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    search.fit(X, y)
print(json.dumps({
    "reason": search.stop_reason_,
    "n_fits": search.n_fits_,
    "best": search.best_params_,
    "score": search.score(X, y),
    "warnings": [str(w.message) for w in caught if w.category is UserWarning],
    "workers": workers_alive(),
    "folder": [str(path) for path in (at / "shared").glob("*")],
}))
"""


class Search:
    """A search in a session of its own; `at` is a folder for its marks and its shared data."""

    def __init__(self, at, n_jobs, backend, quick=0, n_splits=3):
        self.at = at
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(at), json.dumps([n_jobs, backend, quick, n_splits])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "JOBLIB_TEMP_FOLDER": str(at / "shared")},
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self.has_processes():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def has_processes(self):
        self.process.poll()
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def wait_for_slow_fits(self, n):
        def begun():
            return len(list(self.at.glob("slow-*"))) >= n

        assert eventually(lambda: begun() or self.process.poll() is not None, 60), "none began"
        assert begun(), self.process.stderr.read()
        time.sleep(0.3)  # for the results of quick fits to arrive

    def interrupt(self, whom):
        if whom == "process":
            os.kill(self.process.pid, signal.SIGINT)
        elif whom == "group":
            os.killpg(self.process.pid, signal.SIGINT)
        else:
            slow = next(iter(self.at.glob("slow-*")))
            os.kill(int(slow.name.split("-")[2]), signal.SIGINT)

    def result(self):
        out, err = self.process.communicate(timeout=30)
        assert out, err
        return json.loads(out)


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("n_jobs", "backend", "whom"),
    [
        pytest.param(1, "loky", "process"),
        pytest.param(1, "loky", "group", marks=slow),
        pytest.param(2, "loky", "process", marks=slow),
        pytest.param(2, "loky", "group"),
        pytest.param(2, "loky", "worker", marks=slow),
        pytest.param(2, "threading", "process"),
        pytest.param(2, "threading", "group", marks=slow),
    ],
)
def test_an_interrupted_search_ends_with_what_it_has(tmp_path, n_jobs, backend, whom):
    with Search(tmp_path, n_jobs, backend) as search:
        search.wait_for_slow_fits(n_jobs)
        search.interrupt(whom)
        pressed = time.monotonic()
        result = search.result()
        assert time.monotonic() - pressed < 15
        assert eventually(lambda: not search.has_processes())
    assert result["reason"] == "interrupted"
    assert result["n_fits"] == 3
    assert result["best"] == {"shift": 0}
    assert result["score"] == 1.0
    (warning,) = result["warnings"]
    assert "interrupted after 3 fits" in warning
    assert result["workers"] == 0
    assert result["folder"] == []
    assert list((tmp_path / "shared").glob("*")) == []


@slow
def test_a_worker_that_waits_for_work_is_interrupted_too(tmp_path):
    """It answers as if its task could not be read; that is the same interrupt."""
    with Search(tmp_path, 2, "loky", quick=2, n_splits=1) as search:
        search.wait_for_slow_fits(1)
        search.interrupt("group")
        result = search.result()
        assert eventually(lambda: not search.has_processes())
    assert result["reason"] == "interrupted"
    assert result["n_fits"] in (2, 3)  # the last quick one may be running beside the slow one
    assert result["workers"] == 0


@slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_before_anything_is_complete_is_an_interrupt(tmp_path, n_jobs):
    with Search(tmp_path, n_jobs, "loky", quick=-1) as search:
        search.wait_for_slow_fits(n_jobs)
        search.interrupt("group")
        out, err = search.process.communicate(timeout=30)
        assert eventually(lambda: not search.has_processes())
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert not [*(tmp_path / "shared").glob("*")]
    assert eventually(lambda: not [*Path("/dev/shm").glob(f"*{search.process.pid}*")])


def test_a_search_inside_a_search_hands_the_interrupt_on():
    """Both end with what they have: the inner one must not keep the interrupt to itself."""
    reasons = []

    def engine(run):
        return Engine(Ledger(1), SerialExecutor(), lambda step, params: (run, step, params))

    def interrupted(step, params):
        if step.trial == 1:
            press()
        return made_outcomes(step, params)

    def nested(step, params):
        reasons.append(engine(interrupted).run(CountsUp(), n_trials=3))
        return made_outcomes(step, params)

    outer = engine(nested)
    assert outer.run(CountsUp(), n_trials=3) == StopReason.INTERRUPT
    assert reasons == [StopReason.INTERRUPT]
    assert len(outer.ledger.outcomes) == 1

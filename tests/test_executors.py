"""What workers are given arrives, and nothing of it stays: no file, no folder, no memory."""

import errno
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest

from skhpt import executors
from skhpt._compat import openmp_threads, pre_dispatch_limit
from skhpt.executors import OnDisk, WorkerDied, open_executor


def run(executor, function, *args):
    executor.submit(function, *args)
    return executor.next_done(timeout=60)[1]()


def eventually(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def python(code, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where shared values go in this test; does not exist yet."""
    path = tmp_path / "not" / "there"
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(path))
    return path


# -- tasks ---------------------------------------------------------------------------------

LARGE_ARGUMENT = """
import numpy as np
from joblib import Parallel, delayed
from skhpt.executors import open_executor
Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))
executor = open_executor(2)
for _ in range(2):
    executor.submit(np.sum, np.full(200_000, 1.0))
    print(executor.next_done()[1]())
executor.close()
"""


def test_a_task_may_hold_a_large_array_after_other_work_on_the_same_workers():
    process = python(LARGE_ARGUMENT)
    out, err = process.communicate(timeout=60)
    assert out.split() == ["200000.0", "200000.0"]
    assert err == ""  # nothing leaked, nothing to clean up


# -- workers that die ----------------------------------------------------------------------

kills = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def fates(executor, tickets):
    """By ticket: the result of a task, or the error that it ended in."""
    found = {}
    while len(found) < len(tickets):
        ticket, fetch = executor.next_done(timeout=60)
        try:
            found[ticket] = fetch()
        except Exception as error:
            found[ticket] = error
    return [found[ticket] for ticket in tickets]


@pytest.fixture
def pool():
    executor = open_executor(2)
    yield executor
    executor.close(abort=True)


@kills
def test_new_workers_take_the_place_of_dead_ones(pool, folder):
    shared = pool.share(np.arange(300_000.0))
    total = lambda shared: shared.get().sum()  # noqa: E731
    assert run(pool, total, shared) == total(shared)
    assert isinstance(*fates(pool, [pool.submit(die)]), WorkerDied)
    (fate,) = fates(pool, [pool.submit(os.getpid)])  # finds the workers dead
    assert isinstance(fate, WorkerDied)
    assert "SIGKILL" in fate.codes
    pool.restart()
    assert run(pool, total, shared) == total(shared)
    shared.close()
    assert list(folder.glob("skhpt-*")) == []


@kills
def test_everything_in_flight_has_ended_when_the_workers_are_new(pool):
    tickets = [pool.submit(time.sleep, 30), *(pool.submit(die) for _ in range(5))]
    first, fetch = pool.next_done(timeout=60)
    with pytest.raises(WorkerDied):
        fetch()
    pool.restart()
    rest = [pool.next_done(0.0)[0] for _ in tickets[1:]]
    assert sorted([first, *rest]) == tickets


@kills
def test_new_workers_have_the_options_of_the_old_ones(folder, tmp_path):
    chosen = tmp_path / "chosen"
    where = lambda array: str(array.filename)  # noqa: E731
    with joblib.parallel_config(backend="loky", temp_folder=str(chosen), max_nbytes=1000):
        executor = open_executor(2)
        executor.submit(die)
        with pytest.raises(WorkerDied):
            executor.next_done(timeout=60)[1]()
        executor.restart()
        assert run(executor, where, np.zeros(1000)).startswith(str(chosen))
        executor.close(abort=True)


@kills
@pytest.mark.skipif(
    joblib.__version__.startswith("1.4"), reason="joblib 1.4 hands no initializer to its workers"
)
def test_workers_that_cannot_start_are_an_error(tmp_path):
    gone = tmp_path / "gone"

    def begin(flag):
        if os.path.exists(flag):
            os._exit(7)

    options = {"initializer": begin, "initargs": (str(gone),)}
    with joblib.parallel_config(backend="loky", **options):
        executor = open_executor(2)
        gone.touch()
        with pytest.raises(WorkerDied, match=r"die before they can run.*EXIT\(7\).*n_jobs=1"):
            executor.restart()
        executor.close(abort=True)


def test_an_error_of_a_task_is_not_the_death_of_its_worker(pool):
    def inner_workers_die():
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        raise TerminatedWorkerError("of the task itself")

    with pytest.raises(RuntimeError, match="of the task itself") as caught:
        run(pool, inner_workers_die)
    assert not isinstance(caught.value, WorkerDied)


class Unreadable:
    def __reduce__(self):
        return int, ("not a number",)


def test_a_task_that_cannot_be_read_is_an_error_and_no_death(pool):
    with pytest.raises(RuntimeError, match="failed to un-serialize") as caught:
        run(pool, print, Unreadable())
    assert not isinstance(caught.value, WorkerDied)


# -- shared values -------------------------------------------------------------------------


def test_a_shared_value_is_mapped_read_only_by_the_workers(folder):
    X = np.arange(300_000.0)
    executor = open_executor(2)
    shared = executor.share({"X": X, "small": [1]})

    def look(shared):
        value = shared.get()
        return value["X"].sum(), value["X"].flags.writeable, value["small"]

    assert run(executor, look, shared) == (X.sum(), False, [1])
    executor.close()
    shared.close()
    shared.close()  # twice is once
    assert list(folder.iterdir()) == []


def test_workers_let_a_shared_value_go_when_it_is_closed(folder):
    def held(folder, shared=None):
        from skhpt import executors

        if shared is not None:
            shared.get()
        return os.getpid(), folder in executors._loaded

    executor = open_executor(2)
    shared = executor.share(np.zeros(300_000))
    at = shared._folder
    seen = dict(run(executor, held, at, shared) for _ in range(4))
    assert set(seen.values()) == {True}
    shared.close()
    assert eventually(lambda: {run(executor, held, at)[1] for _ in range(4)} == {False})
    executor.close()


def n_frozen(shared=None):
    if shared is not None:
        shared.get()
    return gc.get_freeze_count()


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_the_collector_passes_over_a_worker_s_modules_during_a_search_only(folder, backend):
    before = gc.get_freeze_count()
    with joblib.parallel_config(backend=backend):
        executor = open_executor(2)
    shared = executor.share(np.zeros(300_000))
    during = {run(executor, n_frozen, shared) for _ in range(4)}
    assert (min(during) > 1000) == (backend == "loky")
    shared.close()
    assert eventually(lambda: max(run(executor, n_frozen) for _ in range(4)) < 1000)
    executor.close()
    assert gc.get_freeze_count() == before


def test_the_collector_of_the_own_process_is_left_alone(folder):
    before = gc.get_freeze_count()
    shared = OnDisk(np.zeros(300_000))
    shared.get()
    assert gc.get_freeze_count() == before
    shared.close()


KILLED = """
import sys, time
import numpy as np
from skhpt.executors import open_executor
executor = open_executor(2)
shared = executor.share(np.zeros(300_000))
executor.submit(lambda s: float(s.get().sum()), shared)
executor.next_done()[1]()
print("shared", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_caller_leaves_no_folder(folder):
    process = python(KILLED)
    assert process.stdout.readline() == "shared\n"
    assert len(list(folder.glob("skhpt-*"))) == 1
    process.kill()
    process.wait()
    gone = eventually(lambda: not list(folder.glob("skhpt-*")))
    process.stdout.close()
    process.stderr.close()
    assert gone


def test_a_failed_write_leaves_no_folder(folder, monkeypatch):
    def full(path, mode):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(executors, "open", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        OnDisk(np.zeros(10))
    assert list(folder.iterdir()) == []


def test_the_temp_folder_of_parallel_config_comes_first(folder, tmp_path):
    chosen = tmp_path / "chosen"
    with joblib.parallel_config(backend="loky", temp_folder=str(chosen)):
        executor = open_executor(2)
        shared = executor.share(1)
        assert len(list(chosen.glob("skhpt-*"))) == 1
        assert not folder.exists()
        shared.close()
        executor.close()


# -- arrays that are in a file already -------------------------------------------------------


def bytes_in(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_mapped_file_is_not_copied(folder, tmp_path, order, mode):
    X = np.arange(400_000.0).reshape(1000, 400)
    path = tmp_path / "X.npy"
    np.save(path, X if order == "C" else np.asfortranarray(X))
    shared = OnDisk([np.load(path, mmap_mode=mode)])
    assert bytes_in(folder) < 10_000
    (got,) = shared.get()
    assert not got.flags.writeable
    np.testing.assert_array_equal(got, X)
    shared.close()


@pytest.mark.parametrize(
    "change", [lambda X: X[500:], lambda X: X[:, ::2], lambda X: X.__setitem__((0, 0), -1) or X]
)
def test_a_view_or_a_changed_map_arrives_as_it_is_here(folder, tmp_path, change):
    path = tmp_path / "X.npy"
    np.save(path, np.arange(400_000.0).reshape(1000, 400))
    here = change(np.load(path, mmap_mode="c"))
    shared = OnDisk(here)
    np.testing.assert_array_equal(shared.get(), here)
    shared.close()


def test_a_map_whose_file_is_deleted_is_copied(folder, tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, np.ones(200_000))
    X = np.load(path, mmap_mode="r")
    try:
        path.unlink()
    except PermissionError:
        pytest.skip("this system keeps files that are mapped")
    shared = OnDisk(X)
    assert shared.get().sum() == 200_000
    shared.close()


# -- limits --------------------------------------------------------------------------------


def openmp_now():
    import sklearn.ensemble  # noqa: F401  loads an OpenMP library
    from threadpoolctl import threadpool_info

    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "openmp"]


def test_openmp_threads_lowers_and_never_raises_a_limit():
    before = openmp_now()
    with openmp_threads(2):
        assert openmp_now() == [min(2, n) for n in before]
        with openmp_threads(1):
            assert set(openmp_now()) <= {1}
            with openmp_threads(64):
                assert set(openmp_now()) <= {1}
    assert openmp_now() == before


@pytest.mark.parametrize(
    ("pre_dispatch", "limit"),
    [(1, 1), (3, 3), ("n_jobs", 4), ("2*n_jobs", 8), ("1.5*n_jobs", 6), ("7", 7)],
)
def test_pre_dispatch_means_what_it_says(pre_dispatch, limit):
    assert pre_dispatch_limit(pre_dispatch, n_workers=4) == limit


def test_pre_dispatch_all_has_no_limit():
    assert pre_dispatch_limit("all", n_workers=4) == sys.maxsize


@pytest.mark.parametrize(
    "pre_dispatch", ["every", "", "2*", "n_jobs/0", "__import__('os')", "1e999", None]
)
def test_pre_dispatch_that_cannot_be_read(pre_dispatch):
    with pytest.raises(ValueError, match="pre_dispatch must be a number, 'all' or an expr.*got"):
        pre_dispatch_limit(pre_dispatch, n_workers=4)


@pytest.mark.parametrize("pre_dispatch", [0, -1, "n_jobs-4", "0.1*n_jobs"])
def test_pre_dispatch_below_one(pre_dispatch):
    with pytest.raises(ValueError, match="pre_dispatch must allow at least 1 task.*got"):
        pre_dispatch_limit(pre_dispatch, n_workers=4)

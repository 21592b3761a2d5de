"""Where steps run: in this thread, or on the active joblib backend.

``submit`` hands out a ticket, ``next_done`` returns ``(ticket, fetch)`` in the caller's
thread; ``fetch()`` gives the result or raises what the call raised. One task's failure
stays its own.
"""

from __future__ import annotations

import functools
import itertools
import os
import pickle
import queue
import shutil
import tempfile
from collections import deque
from typing import Any

import numpy as np

from ._compat import cloudpickle, open_pool

# Smaller buffers travel inside the pickle: they arrive writable, as a fit expects of
# small arrays, and the saving of a shared page would not be felt.
_SHARE_FROM_BYTES = 1_000_000


class Local:
    """A value for workers that share this process's memory."""

    def __init__(self, value):
        self._value = value

    def get(self):
        return self._value

    def close(self):
        self._value = None


class Inline:
    """A value that travels inside every task: for workers on other machines."""

    def __init__(self, value):
        self._payload = cloudpickle.dumps(value)

    def get(self):
        return cloudpickle.loads(self._payload)

    def close(self):
        self._payload = b""


class OnDisk:
    """A value written once, whose large buffers the workers of this machine map read-only.

    Pickle protocol 5 hands large arrays over as buffers, whatever object they sit in, so
    arrays, data frames and sparse matrices need no case of their own.
    """

    def __init__(self, value):
        buffers: list[memoryview] = []

        def keep_inside(buffer: pickle.PickleBuffer) -> bool:
            raw = buffer.raw()
            if raw.nbytes < _SHARE_FROM_BYTES:
                return True
            buffers.append(raw)
            return False

        payload = cloudpickle.dumps(value, protocol=5, buffer_callback=keep_inside)
        size = len(payload) + sum(buffer.nbytes for buffer in buffers)
        self._folder = tempfile.mkdtemp(prefix="skhpt-", dir=_roomy_folder(size))
        with open(self._path(0), "wb") as file:
            file.write(payload)
        for number, buffer in enumerate(buffers, start=1):
            with open(self._path(number), "wb") as file:
                file.write(buffer)
        self._n_buffers = len(buffers)

    def _path(self, number: int) -> str:
        return os.path.join(self._folder, str(number))

    def get(self):
        return _load(self._folder, self._n_buffers)

    def close(self):
        # A worker may still map the files; on systems that then refuse to delete them the
        # folder is left to the system's own cleaning of temporary files.
        shutil.rmtree(self._folder, ignore_errors=True)


@functools.lru_cache(maxsize=1)  # a worker serves one search at a time
def _load(folder: str, n_buffers: int):
    maps = [
        np.memmap(os.path.join(folder, str(number)), mode="r") for number in range(1, n_buffers + 1)
    ]
    with open(os.path.join(folder, "0"), "rb") as file:
        return pickle.load(file, buffers=maps)


def _roomy_folder(size: int) -> str | None:
    """Folder for shared data: the user's choice, else memory if it is roomy, else the default."""
    if chosen := os.environ.get("JOBLIB_TEMP_FOLDER"):
        return chosen
    memory = "/dev/shm"
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * size + 100_000_000:
        return memory
    return None


class SerialExecutor:
    """Runs each task when its result is asked for, in the caller's thread."""

    n_workers = 1

    def __init__(self):
        self._waiting: deque = deque()
        self._tickets = itertools.count()

    def share(self, value) -> Local:
        return Local(value)

    def submit(self, function, *args) -> int:
        ticket = next(self._tickets)
        self._waiting.append((ticket, functools.partial(function, *args)))
        return ticket

    def next_done(self, timeout: float | None = None):
        return self._waiting.popleft()

    def close(self, abort: bool = False):
        self._waiting.clear()


class PoolExecutor:
    """Runs tasks on the workers of the active joblib backend."""

    def __init__(self, pool):
        self._pool = pool
        self.n_workers = pool.n_workers
        self.shares_memory = pool.shares_memory
        self._done: queue.SimpleQueue = queue.SimpleQueue()
        self._tickets = itertools.count()

    def share(self, value) -> Local | OnDisk | Inline:
        if self.shares_memory:
            return Local(value)
        return OnDisk(value) if self._pool.is_local else Inline(value)

    def submit(self, function, *args) -> int:
        ticket = next(self._tickets)
        call = functools.partial(function, *args)
        self._pool.submit(call, lambda fetch: self._done.put((ticket, fetch)))
        return ticket

    def next_done(self, timeout: float | None = None) -> tuple[int, Any]:
        """Wait for a task to end.

        Raises
        ------
        queue.Empty
            When none has ended within `timeout` seconds.
        """
        return self._done.get(timeout=timeout)

    def close(self, abort: bool = False):
        self._pool.close(abort=abort)


def open_executor(n_jobs) -> SerialExecutor | PoolExecutor:
    """Open an executor on the active joblib backend.

    Parameters
    ----------
    n_jobs : int or None
        As everywhere in scikit-learn: None means 1 unless a ``joblib.parallel_config``
        is active, -1 means every core.
    """
    pool = open_pool(n_jobs)
    return SerialExecutor() if pool is None else PoolExecutor(pool)

"""Where steps run: in this thread, or on the active joblib backend.

``submit`` hands out a ticket, ``next_done`` returns ``(ticket, fetch)`` in the caller's
thread; ``fetch()`` gives the result or raises what the call raised. One task's failure
stays its own; only a worker process that dies takes others with it. Then each of them
raises :class:`WorkerDied`, and ``restart`` makes the executor usable again.
"""

from __future__ import annotations

import functools
import gc
import io
import itertools
import mmap
import os
import pickle
import queue
import shutil
import tempfile
import threading
import time
from collections import deque
from typing import Any

import numpy as np

from ._compat import (
    cloudpickle,
    exit_codes,
    forget_folder,
    is_loky_worker,
    open_pool,
    track_folder,
)

# Smaller buffers travel inside the pickle: they arrive writable, as a fit expects of
# small arrays, and the saving of a shared page would not be felt.
_SHARE_FROM_BYTES = 1_000_000

# A worker that is killed while it starts may have been killed for another's hunger.
_STARTS_TO_TRY = 3


class WorkerDied(RuntimeError):
    """A worker process ended before a task did: its own, or one beside it.

    Parameters
    ----------
    text : str
    codes : str, default=""
        Of what it died, such as "SIGKILL(-9)", where that is known.
    """

    def __init__(self, text: str, codes: str = ""):
        super().__init__(text)
        self.codes = codes


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

    Parameters
    ----------
    value : object
    chosen : str, optional
        Folder to write to; made where it does not exist.
    """

    def __init__(self, value, chosen: str | None = None):
        payload, buffers = _dump(value)
        size = len(payload) + sum(buffer.nbytes for buffer in buffers)
        self._n_buffers = len(buffers)
        self._folder = tempfile.mkdtemp(prefix="skhpt-", dir=_roomy_folder(size, chosen))
        track_folder(self._folder)
        self._is_tracked = True
        try:
            for number, data in enumerate([payload, *buffers]):
                with open(_path(self._folder, number), "wb") as file:
                    file.write(data)
        except BaseException:  # a full disk must not stay full, nor after an interrupt
            self.close()
            raise

    def get(self):
        return _load(self._folder, self._n_buffers)

    def close(self):
        shutil.rmtree(self._folder, ignore_errors=True)
        # Some systems refuse to delete what a worker still maps: then the folder stays
        # tracked, and goes with this process.
        if self._is_tracked and not os.path.exists(self._folder):
            self._is_tracked = False
            forget_folder(self._folder)


def _path(folder: str, number: int) -> str:
    """File of the pickle (0) or of a buffer (from 1)."""
    return os.path.join(folder, str(number))


class _Pickler(cloudpickle.Pickler):
    """Does not copy what is in a file already."""

    def reducer_override(self, obj):
        if type(obj) is not np.memmap:
            return super().reducer_override(obj)
        if _is_whole_file_map(obj):
            order = "C" if obj.flags.c_contiguous else "F"
            path = os.path.abspath(obj.filename)
            return np.memmap, (path, obj.dtype, "r", obj.offset, obj.shape, order)
        return np.asarray(obj).__reduce_ex__(5)  # a subclass would not be handed over as a buffer


def _is_whole_file_map(array: np.memmap) -> bool:
    """True when the file has the array's content, at the offset that the array tells."""
    return (
        isinstance(array.base, mmap.mmap)  # a view has the offset of what it is a view of
        and array.mode != "c"  # its changes are in memory only
        and isinstance(array.filename, (str, os.PathLike))
        and os.path.exists(array.filename)
    )


def _dump(value) -> tuple[bytes, list[memoryview]]:
    """Pickle `value`; large buffers come apart from the pickle, uncopied."""
    buffers: list[memoryview] = []

    def keep_inside(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _SHARE_FROM_BYTES:
            return True
        buffers.append(raw)
        return False

    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=keep_inside).dump(value)
    return stream.getvalue(), buffers


# What this worker has loaded, by folder. Workers outlive a search, and which of them gets a
# task cannot be chosen, so none can be told that a search has ended. Each sees it for
# itself: the folder is gone, or the caller is.
_loaded: dict[str, Any] = {}
_loading = threading.Lock()
_SECONDS_BETWEEN_LOOKS = 0.5


def _load(folder: str, n_buffers: int):
    with _loading:
        if folder not in _loaded:
            maps = [np.memmap(_path(folder, 1 + k), mode="r") for k in range(n_buffers)]
            with open(_path(folder, 0), "rb") as file:
                _loaded[folder] = pickle.load(file, buffers=maps)
            _set_apart_from_garbage()
            watch = threading.Thread(target=_drop_when_over, args=(folder,), daemon=True)
            watch.start()
        return _loaded[folder]


def _set_apart_from_garbage() -> None:
    """Let the collector of garbage pass over what is here by now, in a worker of loky's.

    Without psutil, loky collects after every task that ends a second or more after the last
    collection. Nearly all that it walks then are the modules that the estimator needs, which
    takes longer than a small fit. They stay as long as the worker in any case. What is garbage
    already is collected first, and what becomes garbage later is collected as ever; when the
    search is over, all is as it was. The user's own process, and what he forks from it, are his.
    """
    if is_loky_worker():
        gc.collect()
        gc.freeze()


def _drop_when_over(folder: str) -> None:
    caller = os.getppid()
    # The pickle's own file: no system keeps it for being mapped.
    while os.path.exists(_path(folder, 0)):
        if os.getppid() != caller:
            # Idle workers outlive a killed caller by minutes, and loky's resource tracker
            # waits for the last of them before it cleans up.
            shutil.rmtree(folder, ignore_errors=True)
            break
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    _loaded.pop(folder, None)
    if is_loky_worker() and not _loaded:
        gc.unfreeze()


def _roomy_folder(size: int, chosen: str | None = None) -> str | None:
    """Folder for shared data: the user's choice, else memory if it is roomy, else the default."""
    chosen = chosen or os.environ.get("JOBLIB_TEMP_FOLDER")
    if chosen:
        chosen = os.path.abspath(os.path.expanduser(chosen))
        os.makedirs(chosen, exist_ok=True)
        return chosen
    memory = "/dev/shm"
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * size + 100_000_000:
        return memory
    return None


class SerialExecutor:
    """Runs each task when its result is asked for, in the caller's thread."""

    n_workers = 1
    is_local = True

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
    """Runs tasks on the workers of the active joblib backend.

    Attributes
    ----------
    n_workers : int
    shares_memory : bool
        Whether the workers are threads of this process.
    is_local : bool
        Whether the workers run on this machine: they see its files and its clock.
    """

    def __init__(self, pool):
        self._pool = pool
        self.n_workers = pool.n_workers
        self.shares_memory = pool.shares_memory
        self.is_local = pool.is_local
        self._done: queue.SimpleQueue = queue.SimpleQueue()
        self._tickets = itertools.count()

    def share(self, value) -> Local | OnDisk | Inline:
        if self.shares_memory:
            return Local(value)
        if self.is_local:
            return OnDisk(value, self._pool.temp_folder)
        return Inline(value)

    def submit(self, function, *args) -> int:
        ticket = next(self._tickets)
        self._send(functools.partial(function, *args), ticket, self._done)
        return ticket

    def _send(self, call, ticket: int, done: queue.SimpleQueue) -> None:
        def end(fetch):
            done.put((ticket, functools.partial(self._get, fetch)))

        try:
            self._pool.submit(call, end)
        except RuntimeError as error:
            # Workers that died since the last look: the task shares the fate of those before.
            if self._named(error) is error:
                raise
            end(functools.partial(_raise, error))

    def _get(self, fetch):
        try:
            return fetch()
        except RuntimeError as error:
            named = self._named(error)
            if named is error:
                raise
            raise named from error

    def _named(self, error: RuntimeError) -> BaseException:
        """The error in our words where it is the end of a worker, else as it is."""
        if self._pool.is_interrupt(error):
            return KeyboardInterrupt()
        if self._pool.is_death(error):
            return WorkerDied(str(error), exit_codes(error))
        return error

    def next_done(self, timeout: float | None = None) -> tuple[int, Any]:
        """Wait for a task to end.

        Raises
        ------
        queue.Empty
            When none has ended within `timeout` seconds.
        """
        return self._done.get(timeout=timeout)

    def restart(self) -> None:
        """Start new workers after the death of old ones; shared values stay usable.

        All that was submitted before has ended by the time that this returns: what is left
        for ``next_done`` are results, and :class:`WorkerDied` for the rest.

        Raises
        ------
        WorkerDied
            When the new workers die before they could run anything.
        """
        for _ in range(_STARTS_TO_TRY):
            self._pool.restart()
            answers: queue.SimpleQueue = queue.SimpleQueue()
            try:
                self._send(os.getpid, next(self._tickets), answers)
                answers.get()[1]()
                return
            except WorkerDied as error:
                died = error
        raise WorkerDied(
            f"The worker processes die before they can run anything ({_STARTS_TO_TRY} starts, "
            f"{died.codes or 'for an unknown reason'}). Free some memory or use fewer n_jobs; "
            "n_jobs=1 and joblib.parallel_config(backend='threading') need no worker processes.",
            died.codes,
        ) from died

    def close(self, abort: bool = False):
        self._pool.close(abort=abort)


def _raise(error: BaseException):
    raise error


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

"""How far candidates have got that still train, for the process that waits for them."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import struct
import tempfile

from ._compat import forget_folder, track_folder


class Headway:
    """The lengths that open trials have at least, told by the workers of this machine.

    A file that all of them map, in which each trial has a place that it may lose to a much later
    one: then nothing is known of it, and somebody may have to wait.
    """

    _PLACES = 1024
    # Trial, length, and the sum of both: so that a record is not taken for one that is half old.
    _RECORD = struct.Struct("<qdd")

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="skhpt-")
        track_folder(self._folder)
        self._map: mmap.mmap | None = None
        with open(self._path, "wb") as file:
            file.write(self._RECORD.pack(-1, 0.0, -1.0) * self._PLACES)

    def tell(self, index: int, length: float) -> None:
        """Say that a trial is so long at least."""
        with contextlib.suppress(OSError):  # the search is over, and its folder gone
            record = index, length, index + length
            self._RECORD.pack_into(self._opened(), self._place(index), *record)

    def least(self, index: int) -> float:
        """The last that was told of a trial; 0 where nothing is known."""
        trial, length, both = self._RECORD.unpack_from(self._opened(), self._place(index))
        return length if trial == index and trial + length == both else 0.0

    def close(self) -> None:
        """Forget all; workers that are still busy tell nobody."""
        self._map = None
        shutil.rmtree(self._folder, ignore_errors=True)
        if not os.path.exists(self._folder):  # else it goes with this process
            forget_folder(self._folder)

    @property
    def _path(self) -> str:
        return os.path.join(self._folder, "headway")

    def _opened(self) -> mmap.mmap:
        opened = self._map  # another thread may close it
        if opened is None:
            with open(self._path, "r+b") as file:
                self._map = opened = mmap.mmap(file.fileno(), 0)
        return opened

    def _place(self, index: int) -> int:
        return index % self._PLACES * self._RECORD.size

    def __getstate__(self):
        return {**vars(self), "_map": None}

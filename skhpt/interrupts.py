"""Ctrl-C, kept until nothing can be lost by it."""

from __future__ import annotations

import contextlib
import signal
import threading


class Interrupts:
    """Inside the block, Ctrl-C waits until it is asked for.

    A ``KeyboardInterrupt`` may come between any two instructions: between the arrival of a
    result and its record, or inside a lock of the workers' queue. So the first one is only
    remembered, and raised by :meth:`check` or in a block of :meth:`at_once`. A second one
    is raised where it comes: who presses twice means it.

    Signals reach the main thread alone, and a handler that is not Python's own belongs to
    somebody: in both cases nothing is changed here, and an interrupt comes as it comes.
    """

    def __init__(self):
        self.pressed = False
        self._welcome = False
        self._handles = False

    def __enter__(self) -> Interrupts:
        self.pressed = False
        self._handles = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._handles:
            signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(self, *exc_info) -> None:
        if self._handles:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _remember(self, number, frame) -> None:
        again, self.pressed = self.pressed, True
        if again or self._welcome:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise the interrupt that has come meanwhile."""
        if self.pressed:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def at_once(self):
        """Inside the block, an interrupt is raised where it comes: a fit should not wait for it."""
        try:
            self._welcome = True
            self.check()
            yield
        finally:
            self._welcome = False

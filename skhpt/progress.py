"""What a search says while it runs: a line before it, and a live one that knows the ledger."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from .estimators.stopping import name_in_effect, rounds_to_find
from .ledger import Ledger
from .trial import Status

_SECONDS_BETWEEN_DRAWINGS = 0.2
# Where lines stay, as in a log file, there is one after 10 seconds, then each time that half as
# much time has passed again, and at least every ten minutes: a night of search is some 60 lines.
_SECONDS_BETWEEN_LINES = (10.0, 600.0)
_SHARE_BETWEEN_LINES = 0.5


def announcement(n_candidates: int | None, n_folds: int, races: bool, wanted: bool = False) -> str:
    """Say what will be fitted, in scikit-learn's words where nothing ends early.

    Parameters
    ----------
    n_candidates : int or None
        None where their number is not known.
    n_folds : int
    races : bool
        Whether candidates may end before their last fold.
    wanted : bool
        Whether they were meant to.
    """
    limit = "up to " if races else ""
    text = f"Fitting {limit}{n_folds} folds for each of "
    if n_candidates is None:
        text += "the candidates"
    else:
        text += f"{n_candidates} candidates, totalling {n_candidates * n_folds} fits"
    if wanted and not races and n_folds > 1:
        text += (
            "\nracing is off: no one mean score says who wins (refit is no metric, or there are "
            "constraints), so that every candidate runs on all folds"
        )
    return text


def hint_at_rounds(
    estimator: Any, names: set[str], n_rows: int, fit_params: Mapping[str, Any]
) -> None:
    """Print that a number of rounds need not be searched, where the search space names it.

    Parameters
    ----------
    estimator : estimator object
    names : set of str
        Of the search space.
    n_rows : int
        For training.
    fit_params : mapping
    """
    rounds = rounds_to_find(estimator, n_rows, fit_params)
    name = None if rounds is None else name_in_effect(estimator, rounds, names)
    if name in names:
        print(
            f"early_stopping: the space searches {name!r}; leave it out, and early_stopping='auto' "
            "finds it for each configuration as it trains."
        )


class LiveLine:
    """Shows trials done, the incumbent, the time that has passed and the time to come.

    On a terminal the line is redrawn in place; elsewhere a plain line is written now and then.

    Parameters
    ----------
    n_trials : int or None
        Trials that the ledger will hold in the end, if that is known.
    n_folds : int
    stream : text stream, optional
        Default: the standard error output, as standard output may be somebody's data.
    clock : callable, default=time.monotonic
    deadline_seconds : float or None, default=None
        The search ends at the latest so many seconds from now.
    n_fits_before : int, default=0
        Outcomes that the ledger has already, which say nothing about the pace.
    """

    def __init__(
        self,
        n_trials: int | None,
        n_folds: int,
        stream=None,
        clock: Callable[[], float] = time.monotonic,
        deadline_seconds: float | None = None,
        n_fits_before: int = 0,
    ):
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = _is_terminal(self._stream)
        self._clock = clock
        self._started = clock()
        self._due = 0.0  # seconds since the start
        self._n_drawn = 0  # characters in the terminal's line
        self._deadline = math.inf if deadline_seconds is None else deadline_seconds
        self._count = _Count(n_trials, n_folds, n_fits_before)

    def __call__(self, ledger: Ledger) -> None:
        """Show the ledger, if it is time to; for whoever calls after every outcome."""
        elapsed = self._clock() - self._started
        if self._stream is None or elapsed < self._due:
            return
        shortest, longest = _SECONDS_BETWEEN_LINES
        pause = min(max(_SHARE_BETWEEN_LINES * elapsed, shortest), longest)
        self._due = elapsed + (_SECONDS_BETWEEN_DRAWINGS if self._is_terminal else pause)
        self._count.look_at(ledger)
        to_go = self._count.seconds_to_go(ledger, elapsed)
        if to_go is None and self._deadline < math.inf:
            expected = f"at most {_duration(self._deadline - elapsed)} to go"
        elif to_go is None:
            expected = "? to go"
        else:
            expected = f"{_duration(min(to_go, self._deadline - elapsed))} to go"
        self._show(f"{_duration(elapsed)} elapsed, {expected}")

    def close(self, ledger: Ledger, reason: str | None = None) -> None:
        """Show how the search ended, and leave the line; without a reason, just leave it."""
        if self._stream is None:
            return
        if reason is not None:
            self._count.look_at(ledger)
            self._show(f"{_duration(self._clock() - self._started)} elapsed, {reason}")
        if self._n_drawn:
            self._write("\n")
        self._stream = None

    def _show(self, times: str) -> None:
        parts = [*self._count.parts(), times]
        if not self._is_terminal:
            self._write(" | ".join(parts) + "\n")
            return
        width = _width(self._stream) - 1  # some terminals wrap when the last column is written
        while len(" | ".join(parts)) > width and len(parts) > 1:
            parts.pop()
        text = " | ".join(parts)[:width]
        self._write("\r" + text.ljust(min(self._n_drawn, width)))
        self._n_drawn = len(text)

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the reader of a pipe is gone, the stream was closed:
            self._stream = None  # nobody looks any more, and the search is worth more


class _Count:
    """What the line tells of a ledger, kept up to date at the cost of the trials not yet done."""

    def __init__(self, n_trials: int | None, n_folds: int, n_fits_before: int):
        self._n_trials = n_trials
        self._n_folds = n_folds
        self._n_fits_before = n_fits_before
        self._n_seen = 0
        self._pending: list[int] = []
        self._n_done = 0
        self._n_fits_of_done = 0
        self._best: tuple[int, float, int] | None = None

    def look_at(self, ledger: Ledger) -> None:
        # The ledger may have become shorter: at its end it forgets trials that never ran.
        candidates = [*self._pending, *range(self._n_seen, len(ledger))]
        self._n_seen = len(ledger)
        self._pending = []
        for index in candidates:
            if index >= len(ledger):
                continue
            n_missing = len(ledger.missing(index))
            if n_missing and ledger.trial(index).status is Status.RUNNING:
                self._pending.append(index)
                continue
            self._n_done += 1
            self._n_fits_of_done += self._n_folds - n_missing
            if not n_missing:
                self._consider(ledger, index)

    def _consider(self, ledger: Ledger, index: int) -> None:
        scores = [o.scores.get(ledger.metric, math.nan) for o in ledger.folds(index).values()]
        mean = math.fsum(scores) / len(scores) if all(map(math.isfinite, scores)) else math.nan
        if math.isnan(mean) or not ledger.trial(index).eligible:
            return
        # Rungs do not compare; of equals the first proposed, in whatever order they ended.
        rung = ledger.trial(index).rung
        merit = (0 if rung is None else rung.number, mean, -index)
        if self._best is None or merit > self._best:
            self._best = merit

    def parts(self) -> list[str]:
        total = "" if self._n_trials is None else f"/{self._n_trials}"
        parts = [f"{self._n_done}{total} configurations"]
        if self._best is not None:
            _, score, index = self._best
            parts.append(f"best {_score(score)} (#{-index})")
        return parts

    def seconds_to_go(self, ledger: Ledger, elapsed: float) -> float | None:
        """What is left at the pace so far; None where the number of trials is not known."""
        n_fits = len(ledger.outcomes) - self._n_fits_before
        if self._n_trials is None or n_fits <= 0:
            return None
        # Trials that end before their last fold will be as frequent as they were.
        n_a_trial = self._n_fits_of_done / self._n_done if self._n_done else self._n_folds
        n_begun = sum(self._n_folds - len(ledger.missing(index)) for index in self._pending)
        n_open = max(0, self._n_trials - self._n_done)
        return max(0.0, n_open * n_a_trial - n_begun) * elapsed / n_fits


def _score(score: float) -> str:
    """Four decimals, or five digits where four decimals are too few or too many."""
    return f"{score:.4f}" if score == 0 or 0.01 <= abs(score) < 1000 else f"{score:.5g}"


def _duration(seconds: float) -> str:
    """Minutes and seconds, "1:05", or hours, "2:00:31"."""
    minutes, seconds = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _is_terminal(stream) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):  # no file, or one that is closed
        return False


def _width(stream) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return 80

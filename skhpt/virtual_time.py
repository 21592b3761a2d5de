"""Which trials have ended before another begins: a time that real workers do not change.

A proposal, and the rule of a race, may use what other trials have shown, but never depend on who
happened to be quick. So both look at workers that do not exist: as many as proposals may be
pending, all of them equally quick. A round takes them what it costs: the leaves of its trees, the
steps of a network, which are the same on every machine. (If all rounds took the same, imagined
and real ends would come in another order, and real workers wait.) What real workers still train
is only known to be at least so long; as soon as that is enough to tell who ends next, nobody waits
(conservative simulation of discrete events, Chandy and Misra 1979).
"""

from __future__ import annotations

from collections.abc import Callable

from .ledger import Ledger
from .trial import Trial

# Length of a trial whose rounds are not counted, for each of its folds: what boosters train
# unless they are told otherwise.
_UNCOUNTED = 100.0
# A trial may be overtaken by so many times as many as may be pending. Without a limit, half of a
# search was proposed without its best trial; at 2, two workers take 0.57 instead of 0.74 of the
# time of one, for 1.07 of its CPU.
_OVERTAKING = 2


class VirtualTime:
    """The trials of a search on virtual workers.

    Parameters
    ----------
    ledger : Ledger
    least : callable or None, default=None
        ``least(index)`` is the length that an open trial has at least; see :func:`length_of`.
        None gives all trials the same length, so that they end in the order in which they began.

    Notes
    -----
    A trial that begins is told to :meth:`begin`; :meth:`end_next` lets the one end that is the
    next to end. The answers depend on the lengths of the trials alone: a sharper `least` only
    makes them come earlier.
    """

    def __init__(self, ledger: Ledger, least: Callable[[int], float] | None = None):
        self._ledger = ledger
        self._least = least
        self._began: dict[int, float] = {}  # the oldest first
        self._n_begun = len(ledger)
        self._now = 0.0

    def has_room(self, most: int) -> bool:
        """Whether another may begin, so that at most so many run.

        A long trial is mostly a good one, as the others are given up: those that overtake it know
        less than they seem to. So the next waits for one that began long before it.
        """
        oldest = next(iter(self._began), self._n_begun)
        return len(self._began) < most and self._n_begun - oldest < _OVERTAKING * most

    def begin(self, index: int) -> None:
        self._began[index] = self._now
        self._n_begun = index + 1

    def next_to_end(self) -> int | None:
        """The trial that is the next to end; None as long as an open one may be."""
        ends = ((began + self._length(index), index) for index, began in self._began.items())
        index = min(ends, default=(0.0, None))[1]
        return None if index is None or index in self._ledger.open else index

    def end_next(self) -> int | None:
        """Go on to the end of a trial; see :meth:`next_to_end`."""
        index = self.next_to_end()
        if index is not None:
            end = self._began.pop(index) + self._length(index)
            self._now = max(self._now, end)
        return index

    def _length(self, index: int) -> float:
        if self._least is None:
            return 1.0
        if index in self._ledger.open:
            return self._least(index)
        return length_of(self._ledger.trial(index), self._ledger.n_first)


def length_of(trial: Trial, n_folds: int) -> float:
    """What a trial took of virtual workers: rounds, in rounds of a booster.

    It is never less than what a worker has told of it, else what others know would depend on who
    was asked when.
    """
    own = uncounted(n_folds) if trial.work is None else trial.work * trial.round_cost
    return own + trial.vain


def uncounted(n_folds: int) -> float:
    """The length of a trial whose rounds are not counted."""
    return n_folds * _UNCOUNTED

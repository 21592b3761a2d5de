"""Timeline: which worker trained which configuration when."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _style as style
from .view import SearchView

_HEIGHT = 0.72  # of a bar, in rows
_MANY = 150  # fits; the white edges of more would cover the bars
_NEEDS = (
    "its outcomes hold no start times and workers (fields 'started' and 'worker'). Only a search "
    "of this package records them."
)


def why_not(view: SearchView) -> str | None:
    return None if _timed(view) else _NEEDS


def draw(view: SearchView, canvas: style.Canvas) -> None:
    from matplotlib.transforms import ScaledTranslation

    outcomes = _timed(view)
    workers = sorted({o.worker for o in outcomes}, key=str)
    row_of = {worker: row for row, worker in enumerate(workers)}
    first = min(o.started for o in outcomes)
    ax = canvas.one(9.0, 1.7 + 0.5 * len(workers))
    above = ax.transData + ScaledTranslation(0, 5 / 72, ax.figure.dpi_scale_trans)
    edge = {} if len(outcomes) > _MANY else {"linewidth": 0.4, "edgecolor": "white"}
    for kind, mark, chosen in _kinds(outcomes, view.best):
        bars = [o for o in outcomes if chosen(o)]
        if not bars:
            continue
        rows = np.array([row_of[o.worker] for o in bars])
        lengths = np.array([o.fit_time + o.score_time for o in bars])
        left = np.array([o.started - first for o in bars])
        ax.barh(rows, lengths, left=left, height=_HEIGHT, **edge, **kind)
        if mark:
            ax.scatter(left + lengths / 2, rows - _HEIGHT / 2, transform=above, **mark)
    ax.set_yticks(range(len(workers)), [f"worker {i + 1}" for i in range(len(workers))])
    ax.set_ylim(len(workers) - 0.5, -0.6)  # the first on top, below its marks
    ax.grid(False, axis="y")
    share = f"workers were busy {100 * busy_share(view):.0f} % of it"
    ax.set_xlabel(f"seconds since the first fit began; {share}")
    canvas.legend()


def _timed(view: SearchView) -> list[Any]:
    ledger = getattr(view.search, "_ledger", None)
    outcomes = [] if ledger is None else ledger.outcomes
    return [o for o in outcomes if getattr(o, "started", None) is not None]


def _kinds(outcomes: list[Any], best: int | None):
    """How to paint a fit, what to set above it, and which ones; each belongs to one kind.

    The marks are for short fits, and for eyes to which the colours are alike.
    """
    failed = {"color": style.VERMILLION}
    how = {"s": 24, "clip_on": False}
    cross = {**failed, "marker": "x", "label": "failed", **how}
    winner = {"color": style.ORANGE}
    arrow = {**winner, "marker": "v", "edgecolor": style.ink(), "linewidth": 0.6, **how}
    arrow["label"] = "winner"
    even = {"color": style.BLUE, "label": "other configurations, alternating"}
    odd = {"color": style.SKY}
    plain = lambda o: o.error is None and o.trial != best  # noqa: E731
    return (
        (even, None, lambda o: plain(o) and o.trial % 2 == 0),
        (odd, None, lambda o: plain(o) and o.trial % 2 == 1),
        (winner, arrow, lambda o: o.error is None and o.trial == best),
        (failed, cross, lambda o: o.error is not None),
    )


def n_workers(view: SearchView) -> int:
    """How many workers had something to do; 0 where nobody took it down."""
    return len({o.worker for o in _timed(view)})


def busy_share(view: SearchView) -> float:
    """The part of the time, from the first fit to the last, in which workers fitted or scored."""
    outcomes = _timed(view)
    begin = np.array([o.started for o in outcomes])
    length = np.array([o.fit_time + o.score_time for o in outcomes])
    span = float((begin + length).max() - begin.min())
    return float(length.sum()) / max(span * n_workers(view), 1e-12)

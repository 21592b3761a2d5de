"""Timeline: which worker trained which configuration when."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _style as style
from .view import SearchView

_NEEDS = (
    "its outcomes hold no start times and workers (fields 'started' and 'worker'). Only a search "
    "of this package records them."
)


def why_not(view: SearchView) -> str | None:
    return None if _timed(view) else _NEEDS


def draw(view: SearchView, canvas: style.Canvas) -> None:
    outcomes = _timed(view)
    workers = sorted({o.worker for o in outcomes}, key=str)
    row_of = {worker: row for row, worker in enumerate(workers)}
    first = min(o.started for o in outcomes)
    ax = canvas.one(9.0, 1.7 + 0.5 * len(workers))
    best = view.best
    for kind, chosen in _kinds(outcomes, best):
        bars = [o for o in outcomes if chosen(o)]
        if not bars:
            continue
        ax.barh(
            [row_of[o.worker] for o in bars],
            [o.fit_time + o.score_time for o in bars],
            left=[o.started - first for o in bars],
            height=0.72,
            linewidth=0.4,
            edgecolor="white",
            **kind,
        )
    ax.set_yticks(range(len(workers)), [f"worker {i + 1}" for i in range(len(workers))])
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set_xlabel(f"seconds since the first fit began; {_busy(outcomes, len(workers))}")
    canvas.legend()


def _timed(view: SearchView) -> list[Any]:
    ledger = getattr(view.search, "_ledger", None)
    outcomes = [] if ledger is None else ledger.outcomes
    return [o for o in outcomes if getattr(o, "started", None) is not None]


def _kinds(outcomes: list[Any], best: int | None):
    """How to paint a fit, and which ones; each belongs to one kind."""
    failed = {"color": style.VERMILLION, "label": "failed"}
    winner = {"color": style.ORANGE, "label": "winner"}
    even = {"color": style.BLUE, "label": "other configurations, alternating"}
    odd = {"color": style.SKY}
    plain = lambda o: o.error is None and o.trial != best  # noqa: E731
    return (
        (even, lambda o: plain(o) and o.trial % 2 == 0),
        (odd, lambda o: plain(o) and o.trial % 2 == 1),
        (winner, lambda o: o.error is None and o.trial == best),
        (failed, lambda o: o.error is not None),
    )


def _busy(outcomes: list[Any], n_workers: int) -> str:
    begin = np.array([o.started for o in outcomes])
    length = np.array([o.fit_time + o.score_time for o in outcomes])
    span = float((begin + length).max() - begin.min())
    return f"workers were busy {100 * length.sum() / max(span * n_workers, 1e-12):.0f} % of it"

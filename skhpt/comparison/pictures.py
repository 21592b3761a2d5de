"""Anytime curves: what the incumbent is worth on held-out rows, against what was spent."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .result import Comparison, Run

# Okabe and Ito's colours, which the colour-blind can tell apart, with a line style each.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_LABELS = {"trials": "configurations tried", "fits": "fits", "cpu": "CPU seconds"}
_N_POINTS = 200
_DEFAULT = "default"
_LEGEND_COLUMN = 1.3  # inches


def plot_curves(comparison: Comparison, kinds: Sequence[str], y: str, axes) -> list:
    """See :meth:`Comparison.plot`."""
    for name in kinds:
        if name not in _LABELS:
            raise ValueError(f"x must be among {', '.join(map(repr, _LABELS))}; got {name!r}.")
    if y not in ("gain", "score"):
        raise ValueError(f"y must be 'gain' or 'score'; got {y!r}.")
    if not any(run.curve for run in comparison.runs):
        raise ValueError(
            "There are no curves to draw: no search has ended well, or compare was told "
            "curves=False."
        )
    axes = _new_axes(len(kinds)) if axes is None else axes
    axes = list(axes) if np.iterable(axes) else [axes]
    for ax, kind in zip(axes, kinds, strict=True):
        _draw(ax, comparison, kind, y)
    _leave_out_bad_starts(axes)
    # Without a layout that makes room, only the usual margins are there.
    makes_room = axes[0].figure.get_layout_engine() is not None
    axes[0].set_ylabel(_y_label(comparison, y, "\n" if makes_room else " "))
    _add_legend(axes, above=not makes_room)
    return axes


def _add_legend(axes, above: bool) -> None:
    """Beside the last panel, or above the first one."""
    if not above:
        axes[-1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return
    left, right = (ax.get_window_extent() for ax in (axes[0], axes[-1]))
    inches = max(right.x1 - left.x0, left.width) / axes[0].figure.dpi
    axes[0].legend(
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=max(int(inches / _LEGEND_COLUMN), 1),
        fontsize="small",
    )


def _new_axes(n: int):
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("plot needs matplotlib: pip install skhpt[plot].") from error
    _, axes = plt.subplots(
        1, n, figsize=(0.6 + 3.9 * n, 3.8), sharey=True, squeeze=False, layout="constrained"
    )
    return axes[0]


def _y_label(comparison: Comparison, y: str, between: str) -> str:
    what = "held-out gain over the default" if y == "gain" else "held-out score"
    return f"{what}{between}({comparison.metric})"


def _leave_out_bad_starts(axes) -> None:
    """Let a line come in from below where its first configurations would squeeze all else."""
    for ax in axes:
        curves = [line.get_ydata() for line in ax.get_lines() if line.get_gid() != _DEFAULT]
        settled = np.concatenate([curve[len(curve) // 4 :] for curve in curves])
        low, high = settled.min(), settled.max()
        bottom = low - max(0.6 * (high - low), 1e-12)
        if min(curve.min() for curve in curves) < bottom - (high - low):
            ax.set_ylim(bottom=bottom)


def _draw(ax, comparison: Comparison, kind: str, y: str) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator

    for place, name in enumerate(comparison.names):
        runs = [run for run in comparison.of(name) if run.curve]
        if not runs:
            continue
        grid, heights = steps(runs, kind, y)
        colour, style = _look(place)
        mean = heights.mean(axis=0)
        ax.plot(grid, mean, color=colour, ls=style, lw=2, label=name, drawstyle="steps-post")
        if len(runs) > 1:
            low, high = np.quantile(heights, [0.25, 0.75], axis=0)
            ax.fill_between(grid, low, high, color=colour, alpha=0.15, lw=0, step="post")
    if y == "gain":
        ax.axhline(0, color="0.4", lw=1, label="default", gid=_DEFAULT)
    if kind == "cpu":
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        # Over more than two decades or so, 2 and 5 have no room beside the powers of ten.
        subs = (1, 2, 5) if high < 300 * low else (1,)
        ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel(_LABELS[kind])
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)


def _look(place: int) -> tuple:
    """Colour and line style of a search; where the colours begin again, the styles shift."""
    turn, colour = divmod(place, len(_COLOURS))
    return _COLOURS[colour], _STYLES[(colour + turn) % len(_STYLES)]


def steps(runs: Sequence[Run], kind: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """The curves of a search on a common axis.

    Parameters
    ----------
    runs : sequence of Run
        Each with a curve.
    kind : {"trials", "fits", "cpu"}
    y : {"gain", "score"}

    Returns
    -------
    grid : ndarray of shape (n_points,)
        From where every run has an incumbent to where the last run ends.
    heights : ndarray of shape (n_runs, n_points)
    """
    starts = [getattr(run.curve[0], kind) for run in runs]
    ends = [max(getattr(run, kind), getattr(run.curve[-1], kind)) for run in runs]
    start, end = max(starts), max(ends)
    if kind == "cpu":
        grid = np.geomspace(start, end, _N_POINTS) if start > 0 else np.array([end])
    else:
        grid = np.arange(start, round(end) + 1, dtype=float)
    heights = []
    for run in runs:
        at = np.array([getattr(point, kind) for point in run.curve])
        values = np.array([point.test_score for point in run.curve])
        base = run.default_test_score if y == "gain" else 0.0
        # the last incumbent that was known by then; rounding must not lose the first
        place = np.searchsorted(at, grid * (1 + 1e-12), side="right") - 1
        heights.append(values[np.maximum(place, 0)] - base)
    return grid, np.array(heights)


def as_svg(comparison: Comparison) -> bytes | None:
    """All panels as a picture; None where there is nothing to draw, or nothing to draw with."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        return None
    if not any(run.curve for run in comparison.runs):
        return None
    with mpl.rc_context({"svg.hashsalt": "skhpt"}):
        figure = Figure(figsize=(12, 3.8), layout="constrained")
        axes = figure.subplots(1, 3, sharey=True)
        plot_curves(comparison, list(_LABELS), "gain", axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()

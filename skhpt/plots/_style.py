"""Colours, figures and axes that the pictures share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# M. Okabe and K. Ito, "Color universal design": told apart with every kind of colour vision.
BLUE = "#0072B2"
SKY = "#56B4E9"
ORANGE = "#E69F00"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
GREY = "#767676"
LIGHT = "#C4C4C4"
INK = "#222222"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, INK, GREY)
_SMALL = 0.833  # what matplotlib means by "small"
COLOURS = "viridis"  # bright is good; monotone in lightness
STAR = {
    "marker": "*",
    "s": 190,
    "color": ORANGE,
    "edgecolor": INK,
    "linewidth": 0.8,
    "zorder": 6,
    "clip_on": False,
}


def import_matplotlib() -> Any:
    """Import matplotlib, or say how to get it."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which cannot be imported "
            f"({error}): pip install 'skhpt[plot]'"
        ) from error
    return matplotlib


def bare_figure(figsize: tuple[float, float]) -> Any:
    """A figure that no window and no notebook knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=figsize, layout="constrained")


def shown_figure(figsize: tuple[float, float]) -> Any:
    """A figure of pyplot's, which notebooks show by themselves."""
    from matplotlib import pyplot as plt

    return plt.figure(figsize=figsize, layout="constrained")


class Canvas:
    """Where a picture is drawn: the axes that were given, or a figure of its own size.

    Parameters
    ----------
    ax : matplotlib Axes or None
    new_figure : callable
        Makes a figure of a size in inches.

    Attributes
    ----------
    axes : list of Axes
        What was drawn into.
    """

    def __init__(self, ax: Any = None, new_figure: Callable = shown_figure):
        self._ax = ax
        self._new_figure = new_figure
        self.axes: list[Any] = []

    @property
    def figure(self) -> Any:
        return self.axes[0].figure

    def one(self, width: float, height: float) -> Any:
        """The only axes of a picture."""
        ax = self._ax
        if ax is None:
            ax = self._new_figure((width, height)).add_subplot()
        self.axes.append(ax)
        return tidy(ax)

    def grid(self, n: int, n_columns: int, width: float, height: float, **kwargs) -> list[Any]:
        """Several axes side by side, each of this size; inside of those that were given."""
        n_columns = min(n, n_columns)
        n_rows = -(-n // n_columns)
        if self._ax is None:
            figure = self._new_figure((width * n_columns, height * n_rows))
            cells = figure.add_gridspec(n_rows, n_columns)
        else:
            self._ax.set_axis_off()
            figure = self._ax.figure
            cells = self._ax.get_subplotspec().subgridspec(n_rows, n_columns)
        for i in range(n):
            shared = {name: self.axes[0] for name in kwargs if self.axes}
            ax = figure.add_subplot(cells[i // n_columns, i % n_columns], **shared)
            self.axes.append(tidy(ax))
        return self.axes


def tidy(ax: Any) -> Any:
    """Take away the lines that say nothing."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    ax.grid(True, color="#E6E6E6", linewidth=0.7)
    return ax


def dot_size(n: int, usual: float = 22.0) -> float:
    """Area of a point, in square points: the more there are, the smaller."""
    return max(usual * min(1.0, (150 / max(n, 1)) ** 0.5), 4.0)


def score_limits(
    view: Any, lines: tuple[float | None, ...] = (), scores: np.ndarray | None = None
) -> tuple[float, float]:
    """Limits of an axis of scores: outliers are left out, the lines and the best never.

    Parameters
    ----------
    view : SearchView
    lines : tuple of float or None
        What must be inside.
    scores : ndarray, default=None
        NaN for a configuration that has no say; None is ``view.adjusted``.
    """
    scores = view.adjusted if scores is None else scores
    finite = scores[np.isfinite(scores)]
    inside = finite[finite >= view.fence]
    values = [*inside, *(line for line in lines if line is not None)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.06 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def spread_apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near those wanted, at least a gap apart, inside of the limits."""
    order = np.argsort(wanted, kind="stable")
    placed = np.array(wanted, dtype=float)[order]
    for _ in range(200):
        moved = False
        for i in range(1, len(placed)):
            short = gap - (placed[i] - placed[i - 1])
            if short > 1e-9 * gap:
                placed[i - 1] -= short / 2
                placed[i] += short / 2
                moved = True
        placed = np.clip(placed, low, high)
        if not moved:
            break
    result = np.empty(len(placed))
    result[order] = placed
    return result.tolist()


def legend_above(ax: Any, n_columns: int = 4) -> None:
    """A legend that can cover nothing."""
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=n_columns,
        frameon=False,
        fontsize="small",
    )


def font_size() -> float:
    """The size of the font that texts are relative to, in points."""
    return float(import_matplotlib().rcParams["font.size"])


def label_lines(ax: Any, lines: list[tuple[float, str, str]]) -> None:
    """Write (height, text, colour) at the right of the axes, none over another."""
    low, high = ax.get_ylim()
    height = ax.figure.get_figheight() * ax.get_position().height * 72  # in points
    gap = 1.7 * _SMALL * font_size() / height * (high - low)
    heights = spread_apart([height for height, _, _ in lines], gap, low, high)
    for (height, text, colour), at in zip(lines, heights):
        ax.annotate(
            text,
            xy=(1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(1.02, at),
            textcoords=("axes fraction", "data"),
            color=colour,
            va="center",
            fontsize="small",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkB": 0},
        )

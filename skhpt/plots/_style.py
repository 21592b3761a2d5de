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
INK = "#222222"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, INK, GREY)
_MOST_ABOVE = 2.5  # height of an axis of scores, in that of its upper three quarters
_FEW = 8  # scores; the quartile of fewer says little, so that only what is far off is left out
_MOST_ABOVE_FEW = 10.0
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of red, green and blue
_SMALL = 0.833  # what matplotlib means by "small"
COLOURS = "viridis"  # bright is good; monotone in lightness
_FAINT = 0.15  # share of a map at the end that is hard to see on a ground as light or as dark
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


def strong_map(name: str) -> Any:
    """A map of colours from faint to strong, for lines and points on the ground of the axes.

    Dark is strong on a light ground, light on a dark one; the faintest must still be seen.
    """
    mpl = import_matplotlib()
    on_dark = np.dot(mpl.colors.to_rgb(ink()), _LUMINANCE) > 0.5
    ends = (_FAINT, 1.0) if on_dark else (1.0 - _FAINT, 0.0)
    colours = mpl.colormaps[name](np.linspace(*ends, 256))
    return mpl.colors.ListedColormap(colours, name=f"strong_{name}")


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
        self._over = ax  # what a legend stands above
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

    def grid(
        self, n: int, n_columns: int, width: float, height: float, legend: bool = False, **kwargs
    ) -> list[Any]:
        """Several axes side by side, each of this size; inside of those that were given."""
        n_columns = min(n, n_columns)
        n_rows = -(-n // n_columns)
        if self._ax is None:
            figure = self._new_figure((width * n_columns, height * n_rows))
            cells = figure.add_gridspec(n_rows, n_columns)
        else:
            figure = self._ax.figure
            cells = self._divided(legend, n_rows).subgridspec(n_rows, n_columns)
        for i in range(n):
            shared = {name: self.axes[0] for name in kwargs if self.axes}
            ax = figure.add_subplot(cells[i // n_columns, i % n_columns], **shared)
            self.axes.append(tidy(ax))
        return self.axes

    def _divided(self, legend: bool, n_rows: int) -> Any:
        """The place of the axes that were given, without a row for a legend."""
        place = _place(self._ax)
        self._ax.set_axis_off()
        if not legend:
            return place
        # The panels would cover a legend that stands above the axes themselves.
        top, below = place.subgridspec(2, 1, height_ratios=[0.12, n_rows], hspace=0.1)
        self._over = self._ax.figure.add_subplot(top)
        self._over.set_axis_off()
        return below

    def legend(self, n_columns: int = 4) -> None:
        """A legend above all that is drawn; it can cover nothing."""
        labelled: dict[str, Any] = {}
        for ax in self.axes:
            for handle, label in zip(*ax.get_legend_handles_labels()):
                labelled.setdefault(label, handle)
        if not labelled:
            return
        how = {"frameon": False, "fontsize": "small", "ncols": n_columns}
        what = {"handles": list(labelled.values()), "labels": list(labelled)}
        if self._ax is None:
            self.figure.legend(loc="outside upper center", **what, **how)
            return
        inches = self._over.get_window_extent().width / self.figure.dpi
        how["ncols"] = int(np.clip(inches / 1.6, 1, n_columns))
        anchor = (0.5, 1.0) if self._over is self._ax else (0.5, 0.0)
        self._over.legend(loc="lower center", bbox_to_anchor=anchor, **what, **how)


def _place(ax: Any) -> Any:
    """The place of axes in the grid of their figure; other axes cannot be divided."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax must be one of a figure's subplots, as the picture has several axes that divide "
            "its place; got axes with a position of their own. Make it with plt.subplots() or "
            "figure.add_subplot()."
        )
    return place


def tidy(ax: Any) -> Any:
    """Take away the lines that say nothing."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    ax.grid(True, color=GREY, alpha=0.18, linewidth=0.7)
    return ax


def dot_size(n: int, usual: float = 22.0) -> float:
    """Area of a point, in square points: the more there are, the smaller."""
    return max(usual * min(1.0, (150 / max(n, 1)) ** 0.5), 4.0)


def score_limits(
    view: Any, lines: tuple[float | None, ...] = (), scores: np.ndarray | None = None
) -> tuple[float, float]:
    """Limits of an axis of scores: outliers are left out, the lines and the best never.

    What lies far below the worse of the lines and the lower quartile is left out too: the upper
    three quarters get at least two fifths of the axis, of a few scores a tenth.

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
    few = len(finite) < _FEW
    inside = finite if few else finite[finite >= view.fence]
    values = [*inside, *(line for line in lines if line is not None)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if len(finite):
        quartile = np.quantile(finite, 0.25, method="higher")
        usual = min([quartile, *(line for line in lines if line is not None)])
        most = _MOST_ABOVE_FEW if few else _MOST_ABOVE
        low = max(low, high - most * (high - usual)) if usual < high else low
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


def ink() -> str:
    """The colour of what stands out against the ground: light in a dark style."""
    return import_matplotlib().rcParams["text.color"]


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

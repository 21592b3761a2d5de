"""Slices: the score against the value of each parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..trial import Status
from . import _style as style
from ._choice import checked_count, chosen, no_parameters
from .axes import ParameterAxis
from .view import SearchView


def why_not(view: SearchView) -> str | None:
    if not np.isfinite(view.score).any():
        return "no configuration has a score."
    return no_parameters(view)


def draw(
    view: SearchView,
    canvas: style.Canvas,
    params: Sequence[str] | None = None,
    n_columns: int = 4,
) -> None:
    places = ParameterAxis.of(view, chosen(view, params, 12))
    checked_count("n_columns", n_columns)
    height = 3.1 if any(place.is_wordy for place in places) else 2.6
    width = 2.75 if len(places) > 1 else 4.2
    grid = canvas.grid(len(places), n_columns, width, height, legend=True, sharey=True)
    grid[0].set_ylim(*style.score_limits(view))
    for i, (ax, place) in enumerate(zip(grid, places)):
        points = _draw_one(ax, view, place)
        place.dress(ax)
        if i % n_columns == 0:
            ax.set_ylabel(view.label)
        else:
            ax.tick_params(labelleft=False)
    _draw_bar(canvas, points, -(-len(grid) // n_columns))
    canvas.legend(min(4, max(2, len(grid))))


def _draw_bar(canvas: style.Canvas, points, n_rows: int) -> None:
    from matplotlib.ticker import MaxNLocator

    bar = canvas.figure.colorbar(
        points,
        ax=canvas.axes,
        pad=0.01,
        aspect=25,
        shrink=1 / n_rows,
        anchor=(0, 1),
        label="trial",
        ticks=MaxNLocator(5, integer=True),
    )
    bar.outline.set_visible(False)


def _draw_one(ax, view: SearchView, place: ParameterAxis):
    at = place.positions(view)
    if not place.is_number:
        at = at + np.random.default_rng(0).uniform(-0.22, 0.22, len(at))
    whole, size = view.electable, style.dot_size(len(view), 20.0)
    inside = ~(view.adjusted < ax.get_ylim()[0])
    _draw_others(ax, view, at, ~whole & inside)
    shown = whole & inside
    points = ax.scatter(
        at[shown],
        view.score[shown],
        c=np.flatnonzero(shown) + 1,
        cmap=style.strong_map("cividis"),
        vmin=1,
        vmax=max(len(view), 2),
        s=size,
        zorder=3,
        label="every fold",
    )
    if whole.any():
        best = view.best if view.best is not None else view.ranking[0]
        ax.scatter(at[best], view.score[best], label="winner", **style.STAR)
    below = {"marker": "v", "color": style.GREY, "s": size, "label": "below the axis"}
    _draw_at_foot(ax, at[~inside], **below)
    failed = {"marker": "x", "color": style.VERMILLION, "s": 26, "label": "failed"}
    _draw_at_foot(ax, at[np.isnan(view.score)], **failed)
    return points


def _draw_others(ax, view: SearchView, at: np.ndarray, others: np.ndarray) -> None:
    """Configurations that could not win, by the reason."""
    others = others & np.isfinite(view.adjusted)
    dropped = others & view.is_a(Status.RACED, Status.STOPPED)
    outside = others & ~dropped & ~view.eligible
    kinds = (
        (dropped, "^", "dropped early (estimate)"),
        (outside, "D", "outside of the space"),
        (others & ~dropped & ~outside, "s", "lower budget"),
    )
    hollow = {"facecolor": "none", "edgecolor": style.GREY, "linewidth": 0.8, "alpha": 0.7}
    for chosen_ones, marker, label in kinds:
        if chosen_ones.any():
            where = at[chosen_ones], view.adjusted[chosen_ones]
            size = style.dot_size(len(view), 16.0)
            ax.scatter(*where, s=size, marker=marker, label=label, **hollow)


def _draw_at_foot(ax, at: np.ndarray, **how) -> None:
    if len(at):
        foot = {"transform": ax.get_xaxis_transform(), "clip_on": False, "zorder": 4}
        ax.scatter(at, np.zeros(len(at)), linewidth=1.4, **foot, **how)

"""Slices: the score against the value of each parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import _style as style
from ._choice import chosen, no_parameters
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
    grid = canvas.grid(len(places), n_columns, 2.75, 2.6, sharey=True)
    low, high = style.score_limits(view)
    for i, (ax, place) in enumerate(zip(grid, places)):
        points = _draw_one(ax, view, place)
        place.dress(ax)
        if i % n_columns == 0:
            ax.set_ylabel(view.label)
        else:
            ax.tick_params(labelleft=False)
    grid[0].set_ylim(low, high)
    n_rows = -(-len(grid) // n_columns)
    bar = canvas.figure.colorbar(
        points, ax=grid, pad=0.01, aspect=25, shrink=1 / n_rows, anchor=(0, 1), label="trial"
    )
    bar.outline.set_visible(False)


def _draw_one(ax, view: SearchView, place: ParameterAxis):
    at = place.positions(view)
    if not place.is_number:
        at = at + np.random.default_rng(0).uniform(-0.22, 0.22, len(at))
    whole, size = view.electable, style.dot_size(len(view), 20.0)
    order = np.arange(1, len(view) + 1)
    colours = {"cmap": "cividis_r", "vmin": 1, "vmax": max(len(view), 2)}
    partial = ~whole & np.isfinite(view.adjusted)
    if partial.any():
        ax.scatter(
            at[partial],
            view.adjusted[partial],
            s=style.dot_size(len(view), 16.0),
            facecolor="none",
            edgecolor=style.LIGHT,
            marker="^",
            linewidth=0.8,
        )
    points = ax.scatter(at[whole], view.score[whole], c=order[whole], s=size, zorder=3, **colours)
    best = view.best if view.best is not None else view.ranking[0]
    ax.scatter(at[best], view.score[best], **style.STAR)
    _mark_failures(ax, at[np.isnan(view.score)])
    return points


def _mark_failures(ax, at: np.ndarray) -> None:
    if len(at):
        ax.scatter(
            at,
            np.zeros(len(at)),
            transform=ax.get_xaxis_transform(),
            marker="x",
            color=style.VERMILLION,
            s=26,
            linewidth=1.4,
            clip_on=False,
            zorder=4,
        )

"""Contour: the score that a Gaussian process predicts over two parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..samplers._surrogate import Kernel, Posterior, fit_kernel, one_thread
from ..trial import Status
from . import _style as style
from ._choice import chosen, no_parameters
from .axes import ParameterAxis
from .view import SearchView

_N_GRID = 48
_MOST_POINTS = 300  # a Gaussian process takes time with the cube of their number
_FEWEST_POINTS = 5


def why_not(view: SearchView) -> str | None:
    usable = _usable(view)
    if len(usable) < _FEWEST_POINTS or np.ptp(view.adjusted[usable]) == 0.0:
        return f"it needs {_FEWEST_POINTS} configurations with scores that differ."
    if len(_pair(view)) < 2:
        return no_parameters(view, 2) or "the winner has fewer than two of the parameters."
    return None


def draw(view: SearchView, canvas: style.Canvas, params: Sequence[str] | None = None) -> None:
    names = _pair(view) if params is None else chosen(view, params, 2)
    _check(view, names)
    x, y = ParameterAxis.of(view, names)
    across, up = x.grid(_N_GRID), y.grid(_N_GRID)
    surface = _predicted(view, names, across, up)
    ax = canvas.one(6.6, 5.0)
    ax.grid(False)
    bar = _draw_surface(ax, canvas, x, y, across, up, surface)
    bar.set_label(f"predicted {view.label}\n(other parameters as the winner's)")
    bar.outline.set_visible(False)
    _draw_points(ax, view, x, y)
    x.dress(ax, "x", line=40)
    y.dress(ax, "y", line=40)
    canvas.legend()


def _winner(view: SearchView) -> int:
    return view.best if view.best is not None else int(view.ranking[0])


def _pair(view: SearchView) -> list[str]:
    """The two that matter most among those that the winner has; numbers before choices."""
    if not view.electable.any():
        return []
    ranked = chosen(view, None, len(view.names))
    own = [name for name in ranked if name in view.params[_winner(view)]]
    return sorted(own, key=lambda name: view.space.dimensions[name].categorical)[:2]


def _check(view: SearchView, names: list[str]) -> None:
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"params must name two different parameters for a contour, got {names}.")
    absent = [name for name in names if name not in view.params[_winner(view)]]
    if absent:
        raise ValueError(
            f"params names {absent[0]!r}, which the winner does not have: the surface lies "
            "through the winner. Name two of its parameters."
        )


def _usable(view: SearchView) -> np.ndarray:
    usable = np.isfinite(view.adjusted) & np.isfinite(view.rows).all(axis=1)
    usable &= view.full_budget
    found = np.flatnonzero(usable)
    best_first = found[np.argsort(-view.adjusted[found], kind="stable")]
    return np.sort(best_first[:_MOST_POINTS])


def _predicted(view: SearchView, names: list[str], across: list, up: list) -> np.ndarray:
    """Scores over the grid, of shape (len(up), len(across)); NaN where nothing exists."""
    usable = _usable(view)
    scores = np.maximum(view.adjusted[usable], view.fence)
    centre, scale = scores.mean(), scores.std()
    X, y = view.rows[usable], (scores - centre) / scale
    noise = view.folds.shape[1] / np.maximum(np.isfinite(view.folds[usable]).sum(axis=1), 1.0)
    base = {k: v for k, v in view.params[_winner(view)].items() if k in view.space.dimensions}
    rows = [view.encode({**base, names[0]: a, names[1]: b}) for b in up for a in across]
    exists = np.array([row is not None for row in rows])
    with one_thread:
        kernel = Kernel(view.space.groups)
        fit_kernel(kernel, X, y, noise, max_iter=60)
        posterior = Posterior(kernel)
        posterior.condition(X, y, noise, np.empty((0, view.space.width)))
        mean, _ = posterior.predict(np.array([row for row in rows if row is not None]))
    surface = np.full(len(rows), np.nan)
    surface[exists] = centre + scale * mean
    return surface.reshape(len(up), len(across))


def _draw_surface(ax, canvas, x: ParameterAxis, y: ParameterAxis, across, up, surface):
    at_x = np.array([x.position(v) for v in across])
    at_y = np.array([y.position(v) for v in up])
    if x.is_number and y.is_number and min(surface.shape) > 3:
        filled = ax.contourf(at_x, at_y, surface, levels=14, cmap=style.COLOURS)
        ax.contour(at_x, at_y, surface, levels=14, colors="white", linewidths=0.35, alpha=0.6)
    else:
        # Without edges, a browser shows the ground between the cells.
        edge = {"edgecolors": "face", "linewidth": 0.6}
        filled = ax.pcolormesh(at_x, at_y, surface, cmap=style.COLOURS, shading="nearest", **edge)
    return canvas.figure.colorbar(filled, ax=ax, pad=0.02)


def _draw_points(ax, view: SearchView, x: ParameterAxis, y: ParameterAxis) -> None:
    rng = np.random.default_rng(0)
    at = []
    for place in (x, y):
        jitter = 0.0 if place.is_number else rng.uniform(-0.25, 0.25, len(view))
        at.append(place.positions(view) + jitter)
    known = np.isfinite(view.adjusted) & view.eligible
    failed = view.is_a(Status.FAILED)
    dots = {"s": 16, "color": "white", "edgecolor": style.INK, "linewidth": 0.7, "zorder": 3}
    ax.scatter(at[0][known], at[1][known], label="tried", **dots)
    if failed.any():
        ax.scatter(at[0][failed], at[1][failed], marker="x", color=style.VERMILLION, label="failed")
    best = _winner(view)
    ax.scatter(at[0][best], at[1][best], label="winner", **style.STAR)

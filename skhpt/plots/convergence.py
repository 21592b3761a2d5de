"""Convergence: what the best configuration so far was worth, and where the others lie."""

from __future__ import annotations

import numpy as np

from ..trial import Status
from . import _style as style
from .view import SearchView
from .words import decimals, fixed

_X = {
    "trials": "configurations tried",
    "fits": "fits",
    "seconds": "seconds of fitting and scoring, all workers together",
}


_ESTIMATED = (Status.RACED, Status.STOPPED)


def why_not(view: SearchView) -> str | None:
    if not view.electable.any():
        return "no configuration ran on every fold. Let the search run longer."
    return None


def draw(view: SearchView, canvas: style.Canvas, x: str = "trials") -> None:
    if x not in _X:
        raise ValueError(f"x must be one of {list(_X)}, got {x!r}.")
    from matplotlib.ticker import MaxNLocator

    at = _spent(view, x)
    ax = canvas.one(8.2, 4.4)
    incumbent = _incumbents(view)
    lines = (view.default_score, view.test_score, *_start(view))
    # An estimate from a fold or two may be far off: it must not squeeze what is known.
    known = np.where(view.is_a(*_ESTIMATED), np.nan, view.as_searched)
    ax.set_ylim(*style.score_limits(view, lines, known))
    _draw_incumbent(ax, view, at, incumbent)
    _draw_points(ax, view, at)
    _draw_lines(ax, view)
    if x != "seconds":
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.set_xlabel(_X[x])
    ax.set_ylabel(f"cross-validated {view.label}")
    canvas.legend()


def _spent(view: SearchView, x: str) -> np.ndarray:
    if x == "trials":
        return np.arange(1, len(view) + 1)
    return np.cumsum(view.n_fits if x == "fits" else view.seconds)


def _incumbents(view: SearchView) -> np.ndarray:
    """The best configuration that could win after each one; -1 before there is any."""
    incumbent, best = np.full(len(view), -1), -1
    for i in range(len(view)):
        if view.electable[i] and (best < 0 or view.as_searched[i] > view.as_searched[best]):
            best = i
        incumbent[i] = best
    return incumbent


def _start(view: SearchView) -> tuple[float, ...]:
    """The end of the incumbent's band: it should be in the picture."""
    top = view.ranking[0]
    spread = np.nanstd(view.folds[top])
    return (float(view.score[top] + spread), float(view.score[top] - spread))


def _draw_incumbent(ax, view: SearchView, at: np.ndarray, incumbent: np.ndarray) -> None:
    has = incumbent >= 0
    at, who = at[has], incumbent[has]
    score, spread = view.as_searched[who], np.nanstd(view.folds[who, : view.n_first], axis=1)
    ax.fill_between(
        at,
        score - spread,
        score + spread,
        step="post",
        color=style.SKY,
        alpha=0.22,
        linewidth=0,
        label="± 1 sd over its folds",
    )
    ax.step(at, score, where="post", color=style.BLUE, linewidth=2, label="best so far", zorder=4)


def _draw_points(ax, view: SearchView, at: np.ndarray) -> None:
    full = view.is_a(Status.COMPLETE) & np.isfinite(view.score)
    low, high = ax.get_ylim()
    partial = view.is_a(*_ESTIMATED) & np.isfinite(view.score)
    height = view.as_searched  # those dropped early as if all of their folds had run
    height = np.where(partial, np.minimum(height, high), height)
    below = np.isfinite(height) & (height < low)
    small = full & ~view.electable & view.eligible | view.is_a(Status.PARTIAL)
    dots = {"s": style.dot_size(len(view)), "zorder": 3, "linewidth": 0.9}
    _points(ax, at, height, full & ~small & ~below, "every fold", color=style.BLUE, **dots)
    hollow = {"facecolor": "none", "edgecolor": style.GREY, **dots}
    _points(ax, at, height, small & ~below, "lower budget", marker="s", **hollow)
    _points(ax, at, height, partial & ~below, "dropped early (estimate)", marker="^", **hollow)
    floor = {"transform": ax.get_xaxis_transform(), "clip_on": False}
    bottom = np.zeros(len(view))
    _points(ax, at, bottom, below, "below the axis", color=style.GREY, marker="v", **dots, **floor)
    failed = np.isnan(view.score)
    dots = {**dots, "s": 34, "linewidth": 1.6}
    _points(ax, at, bottom, failed, "failed", color=style.VERMILLION, marker="x", **dots, **floor)
    best = view.best if view.best is not None else view.ranking[0]
    ax.scatter(at[best], view.score[best], label="winner", **style.STAR)


def _points(ax, at, height, chosen, label, **how) -> None:
    if chosen.any():
        ax.scatter(at[chosen], height[chosen], label=label, **how)


def _draw_lines(ax, view: SearchView) -> None:
    n = decimals(float(view.score[view.ranking[0]]))
    labels = []
    if view.default_score is not None:
        ax.axhline(view.default_score, color=style.VERMILLION, linestyle="--", linewidth=1.3)
        labels.append(
            (view.default_score, f"default {fixed(view.default_score, n)}", style.VERMILLION)
        )
    best = float(view.score[view.ranking[0]])
    top = view.as_searched[_incumbents(view)[-1]]
    word = "best" if top == best else "winner"  # the finish has chosen it on more folds
    labels.append((best, f"{word} {fixed(best, n)}", style.BLUE))
    if view.test_score is not None:
        ax.axhline(view.test_score, color=style.GREEN, linestyle=":", linewidth=1.8)
        labels.append((view.test_score, f"held-out {fixed(view.test_score, n)}", style.GREEN))
    style.label_lines(ax, labels)

"""Heat map: the score of every fold for the best configurations."""

from __future__ import annotations

import numpy as np

from ..trial import Status
from . import _style as style
from ._choice import checked_count, comparable
from .view import SearchView


def why_not(view: SearchView) -> str | None:
    if not np.isfinite(view.folds).any():
        return "no fold has a score."
    return None


def draw(view: SearchView, canvas: style.Canvas, n_best: int = 30) -> None:
    whole = comparable(view)
    order = _best_first(view)
    shown = order[whole[order]][: checked_count("n_best", n_best)]
    table = view.folds[shown].T
    n_folds = len(table)
    width = max(6.0, 0.27 * len(shown) + 2.4)
    ax = canvas.one(width, 1.6 + 0.3 * min(n_folds, 15))
    ax.grid(False)
    finite = table[np.isfinite(table)]
    finite = finite if len(finite) else np.array([0.0, 1.0])
    low = max(float(finite.min()), float(np.quantile(finite, 0.02)))
    image = ax.imshow(table, aspect="auto", cmap=style.COLOURS, vmin=low, interpolation="none")
    _mark_empty(ax, view, shown)
    canvas.legend()
    ax.set_xticks(range(len(shown)), [str(i + 1) for i in shown])
    if len(shown) > 14:
        ax.tick_params(axis="x", labelrotation=90)
    ax.set_yticks(range(n_folds) if n_folds <= 15 else range(0, n_folds, 5))
    ax.set_yticks(ax.get_yticks(), [str(int(i) + 1) for i in ax.get_yticks()])
    ax.tick_params(length=0)
    ax.set_ylabel("fold")
    budget = "" if whole.all() else f" ({whole.sum()} of {len(view)} at the largest budget)"
    ax.set_xlabel(f"trial, the best first{budget}")
    ax.spines[:].set_visible(False)
    bar = canvas.figure.colorbar(image, ax=ax, label=view.label, pad=0.01, aspect=14)
    bar.outline.set_visible(False)


def _best_first(view: SearchView) -> np.ndarray:
    """Those that could win, then the others by what is known of them, failures last."""
    others = np.setdiff1d(np.arange(len(view)), view.ranking)
    known = np.nan_to_num(view.adjusted[others], nan=-np.inf)
    return np.r_[view.ranking, others[np.argsort(-known, kind="stable")]].astype(int)


def _mark_empty(ax, view: SearchView, shown: np.ndarray) -> None:
    """A cross where a fit failed, a dot where the fold was never run."""
    empty = np.isnan(view.folds[shown])
    failed = empty & np.array([view.status[i] is Status.FAILED for i in shown])[:, None]
    marks = (
        (failed, "x", style.VERMILLION, "failed"),
        (empty & ~failed, ".", style.GREY, "not run"),
    )
    for cells, marker, colour, label in marks:
        x, y = np.nonzero(cells)
        if len(x):
            ax.scatter(x, y, marker=marker, color=colour, s=22, linewidth=1.2, label=label)

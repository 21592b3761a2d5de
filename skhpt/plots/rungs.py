"""Rungs: the scores of the survivors of successive halving at each budget."""

from __future__ import annotations

import numpy as np

from . import _style as style
from .view import SearchView
from .words import number

# Blue and grey are as light as each other: the marks differ, too.
_FULL = {"color": style.BLUE, "marker": "o", "markersize": 4.5}
_DROPPED = {"color": style.GREY, "marker": "s", "markersize": 3.5, "markerfacecolor": "none"}


def why_not(view: SearchView) -> str | None:
    if view.resource is None:
        return (
            "the search gave every configuration the same budget (cv_results_ has no column "
            "'n_resources' with several values). It is for successive halving."
        )
    return None


def draw(view: SearchView, canvas: style.Canvas) -> None:
    ax = canvas.one(7.6, 4.4)
    ladders = _ladders(view)
    budgets = np.unique(view.resource)
    top = budgets[-1]
    for rows in ladders:
        reached = view.resource[rows[-1]]
        share = np.searchsorted(budgets, reached) / max(len(budgets) - 1, 1)
        ax.plot(
            view.resource[rows],
            view.score[rows],
            alpha=0.35 + 0.55 * share,
            linewidth=0.8 + 1.2 * share,
            zorder=2 + share,
            **(_FULL if reached == top else _DROPPED),
        )
    ax.set_xscale("log")
    _label_budgets(ax, view, budgets)
    best = view.best if view.best is not None else view.ranking[0]
    ax.scatter(view.resource[best], view.score[best], label="winner", **style.STAR)
    ax.plot([], [], label="reached the full budget", **_FULL)
    ax.plot([], [], alpha=0.6, label="dropped", **_DROPPED)
    ax.set_ylim(*style.score_limits(view))
    ax.set_ylabel(f"cross-validated {view.label}")
    canvas.legend()


def _ladders(view: SearchView) -> list[np.ndarray]:
    """The rows of each configuration, from the smallest budget up."""
    rows: dict = {}
    for i, identity in enumerate(view.identity):
        rows.setdefault(identity, []).append(i)
    return [np.array(sorted(own, key=lambda i: view.resource[i])) for own in rows.values()]


def _label_budgets(ax, view: SearchView, budgets: np.ndarray) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    counts = [int((view.resource == budget).sum()) for budget in budgets]
    texts = [f"{number(b)}\n({n} tried)" for b, n in zip(budgets, counts)]
    ax.set_xticks(budgets, texts)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    resource = getattr(view.search, "resource_", None) or getattr(view.search, "resource", None)
    ax.set_xlabel(f"budget of a fit{f': {resource}' if isinstance(resource, str) else ''}")

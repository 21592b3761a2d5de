"""Schedules: the parameters over the rounds of population based training."""

from __future__ import annotations

from . import _style as style
from ._choice import checked_count
from .axes import ParameterAxis
from .view import SearchView
from .words import short_names


def why_not(view: SearchView) -> str | None:
    if not getattr(view.search, "best_schedule_", None):
        return "the search has no best_schedule_. It is for population based training."
    return None


def draw(view: SearchView, canvas: style.Canvas, n_columns: int = 3) -> None:
    schedule = view.search.best_schedule_
    names = list(dict.fromkeys(name for entry in schedule for name in entry["params"]))
    short = short_names(names)
    checked_count("n_columns", n_columns)
    grid = canvas.grid(len(names), n_columns, 3.1, 2.4)
    end = schedule[-1]["n_rounds"]
    for ax, name in zip(grid, names):
        parts = [entry for entry in schedule if name in entry["params"]]
        values = [entry["params"][name] for entry in parts]
        place = ParameterAxis(name, short[name], view.space.dimensions[name], values)
        starts = [0, *(entry["n_rounds"] for entry in parts[:-1])]
        heights = [place.position(value) for value in values]
        ax.step([*starts, end], [*heights, heights[-1]], where="post", color=style.BLUE, lw=2)
        ax.plot(starts, heights, "o", color=style.BLUE, markersize=4, clip_on=False)
        place.dress(ax, "y", line=22)
        ax.set_xlabel("rounds")
        ax.set_xlim(0, end)

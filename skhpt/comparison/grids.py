"""Grids that a budget has room for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid

from ..estimators import space_for
from ..estimators.stopping import left_to_the_search
from ..plan import initial_trials
from ..rows import facts_of
from ..search import BaseSearch
from ..searches import grid_of
from ..space import When, dialects
from ..together import stopping_for
from .plans import Ground, resource_parameter


def curated_grid(search, ground: Ground, n: int) -> dict[str, Any]:
    """Parameters of a grid search, for the finest curated grid of at most `n` configurations.

    Early stopping finds the number of rounds where it would in the curated space of another
    search, so that a grid and a random search of boosters look for the same.
    """
    space = space_for(search.estimator, ground.tuning.X, ground.tuning.y, "small")
    resource = resource_parameter(search, ground)
    space = {name: entry for name, entry in space.items() if name != resource}
    told, stopping = _stopping(search, ground)
    if stopping is not None:
        space = left_to_the_search(space, stopping.parameter, stopping.switched_off)
    grid = grid_within(space, n)
    points = ParameterGrid(dialects.to_grid(grid))
    return {"param_grid": grid if len(points) <= n else spread(points, n), **told}


def _stopping(search, ground: Ground):
    """How a curated search would stop early, and how to tell a search over a grid to."""
    own = search.get_params(deep=False).get("early_stopping", False)
    wanted = "auto" if own is None else own
    for asked, curated in ((own, True), (wanted, False)):
        metric = search.scoring if isinstance(search.scoring, str) else None
        stopping = stopping_for(search.estimator, asked, curated, ground.folds, metric)
        if stopping is None:
            return {}, None
    return {"early_stopping": wanted}, stopping


def thinned(search, ground: Ground, n: int) -> tuple[dict[str, Any], str | None]:
    """Parameters that keep a search over a grid of the user's within `n` configurations.

    Returns
    -------
    params : dict
        Empty where the grid is small enough.
    note : str or None
        What was left out.
    """
    ours, grid = isinstance(search, BaseSearch), search.param_grid
    if ours and search._is_curated():
        params = curated_grid(search, ground, max(1, n - _n_first(search, ground, None)))
        n_own = len(_own_points(search, ground))
        n_kept = len(ParameterGrid(dialects.to_grid(params["param_grid"])))
        if n_own <= n_kept:
            return {}, None
        return params, _said(search, n_own, n_kept, "a coarser grid")
    points = list(grid_of(grid, False) if ours else ParameterGrid(grid))
    room = max(1, n - (_n_first(search, ground, grid) if ours else 0))
    if len(points) <= room:
        return {}, None
    return {"param_grid": spread(points, room)}, _said(search, len(points), room, "an even subset")


def _said(search, n_own: int, n_kept: int, what: str) -> str:
    return (
        f"the grid of {type(search).__name__} has {n_own} configurations, more than the budget "
        f"has room for: {what} of {n_kept} is tried"
    )


def spread(points: Sequence[Mapping[str, Any]], n: int) -> list[dict[str, list]]:
    """So many of a grid's configurations, evenly spread over their order, as a list of grids.

    The first and the last are among them, so that the steps between are no multiple of the
    number of values of the last parameters, of which then all would stay the same.
    """
    at = np.linspace(0, len(points) - 1, n) if n > 1 else [(len(points) - 1) / 2]
    chosen = [points[round(place)] for place in at]
    return [{name: [value] for name, value in point.items()} for point in chosen]


def _own_points(search, ground: Ground) -> ParameterGrid:
    """What the search would make of the curated space."""
    space = space_for(search.estimator, ground.tuning.X, ground.tuning.y, "small")
    _, stopping = _stopping(search, ground)
    gone = resource_parameter(search, ground) if stopping is None else stopping.parameter
    return grid_of({name: entry for name, entry in space.items() if name != gone}, True)


def _n_first(search, ground: Ground, grid) -> int:
    """How many configurations come before those of the grid."""
    if search.initial_params is None or hasattr(search, "factor"):
        return 0  # with rungs they count among those of the grid
    if grid is None:
        grid = dict(_own_points(search, ground).param_grid[0])
    leg = search._legs(grid, np.random.SeedSequence(0))[0]
    facts = facts_of(ground.tuning, ground.folds)
    return len(initial_trials(search.initial_params, search.estimator, leg, facts, False))


def grid_within(space: Mapping[str, Any], n: int) -> dict[str, list]:
    """The finest grid over a space that has at most `n` configurations.

    The parameters come in the order of their importance, as in :func:`~skhpt.space_for`: where
    there is no room for two values of each, the last ones have a single value, in the middle of
    their range; further values go to the first ones first.
    """
    parents = {entry.parent for entry in space.values() if isinstance(entry, When)}
    levels = {name: sys.maxsize if name in parents else 1 for name in space}  # those keep all
    grid = _grid(space, levels)
    for target in (2, 3, 4, 5):
        for name in space:
            finer = _grid(space, {**levels, name: target})
            if levels[name] == target - 1 and len(ParameterGrid(dialects.to_grid(finer))) <= n:
                levels[name], grid = target, finer
    return grid


def _grid(space: Mapping[str, Any], levels: Mapping[str, int]) -> dict[str, Any]:
    return {name: _listed(entry, levels[name]) for name, entry in space.items()}


def _listed(entry, level: int):
    """So many values of a range or a list, be it conditional."""
    if isinstance(entry, When):
        return When(entry.parent, list(entry.values), _listed(entry.what, level))
    if isinstance(entry, Mapping):
        return {name: _listed(inner, level) for name, inner in entry.items()}
    if isinstance(entry, list):
        return entry[:level]
    (grid, *_) = dialects.to_grid({"_": entry}, levels=level if level > 1 else 3)
    values = list(grid["_"])
    return values if level > 1 else values[len(values) // 2 : len(values) // 2 + 1]

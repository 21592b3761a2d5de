"""Which parameters to show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .view import SearchView


def chosen(view: SearchView, params: Sequence[str] | None, most: int) -> list[str]:
    """Return the parameters to show: those asked for, or those that mattered most.

    Raises
    ------
    ValueError
        When no parameter is named, or the search has none of a name.
    """
    if params is not None:
        params = [params] if isinstance(params, str) else list(params)
        if not params:
            raise ValueError(
                f"params must name at least one parameter, got {params!r}. "
                f"The parameters are {list(view.space.dimensions)}."
            )
        for name in params:
            if name not in view.space.dimensions:
                raise ValueError(
                    f"params names {name!r}, which was not searched. "
                    f"The parameters are {list(view.space.dimensions)}."
                )
        return params
    ranked = [] if view.importance is None else view.importance.names
    return [*ranked, *(name for name in view.names if name not in ranked)][:most]


def checked_count(name: str, value: int, least: int = 1) -> int:
    """Return how many to show, or say that there must be some."""
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}.")
    return value


def comparable(view: SearchView) -> np.ndarray:
    """Which rows had the same budget: the full one, or the largest where none had that."""
    if view.resource is None:
        return np.ones(len(view), dtype=bool)
    return view.full_budget if view.full_budget.any() else view.resource == view.resource.max()


def no_parameters(view: SearchView, fewest: int = 1) -> str | None:
    """Say what is missing where fewer parameters than these have several values."""
    if len(view.names) < fewest:
        return (
            f"it needs {fewest} parameter{'s' if fewest > 1 else ''} with more than one value, "
            f"and the search has {len(view.names)}."
        )
    return None

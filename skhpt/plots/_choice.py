"""Which parameters to show."""

from __future__ import annotations

from collections.abc import Sequence

from .view import SearchView


def chosen(view: SearchView, params: Sequence[str] | None, most: int) -> list[str]:
    """Return the parameters to show: those asked for, or those that mattered most.

    Raises
    ------
    ValueError
        When the search has no parameter of a name.
    """
    if params is not None:
        if isinstance(params, str):
            params = [params]
        for name in params:
            if name not in view.space.dimensions:
                raise ValueError(
                    f"params names {name!r}, which was not searched. "
                    f"The parameters are {list(view.space.dimensions)}."
                )
        return list(params)
    ranked = [] if view.importance is None else view.importance.names
    return [*ranked, *(name for name in view.names if name not in ranked)][:most]


def no_parameters(view: SearchView, fewest: int = 1) -> str | None:
    """Say what is missing where fewer parameters than these have several values."""
    if len(view.names) < fewest:
        return (
            f"it needs {fewest} parameter{'s' if fewest > 1 else ''} with more than one value, "
            f"and the search has {len(view.names)}."
        )
    return None

"""Configurations rather than rows: successive halving has a row for each rung of one."""

from __future__ import annotations

import numpy as np

from ..plots.view import SearchView


def first_rows(view: SearchView) -> np.ndarray:
    """The first row of each configuration, in the order of the proposals."""
    seen: dict = {}
    for row, identity in enumerate(view.identity):
        seen.setdefault(identity, row)
    return np.array(sorted(seen.values()), dtype=int)


def last_rows(view: SearchView) -> np.ndarray:
    """The last row of each configuration: what became of it."""
    return np.array(sorted(dict(zip(view.identity, range(len(view)))).values()), dtype=int)


def by_last_row(view: SearchView, values: np.ndarray) -> np.ndarray:
    """Sums of a column over the rows of a configuration, in the order of `last_rows`."""
    place = dict(zip(view.identity, range(len(view))))
    sums = np.zeros(len(view), dtype=values.dtype)
    np.add.at(sums, [place[identity] for identity in view.identity], values)
    return sums[last_rows(view)]


def n_configurations(view: SearchView) -> int:
    return len(set(view.identity)) if view.resource is not None else len(view)

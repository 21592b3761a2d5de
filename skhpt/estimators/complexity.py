"""Which of two configurations of an estimator is the simpler one."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .facts import DataFacts


@dataclass(frozen=True)
class Complexity:
    """An order of configurations, the simplest first.

    It looks at parameters alone, never at times, so that what follows from it is the same for
    every machine and every `n_jobs`.

    Parameters
    ----------
    names : tuple of str
        The parameters that it looks at.
    measure : callable
        ``measure(values, facts)`` returns a tuple of numbers for the values of an estimator;
        the smaller tuple is the simpler configuration.
    """

    names: tuple[str, ...]
    measure: Callable[[Mapping[str, Any], DataFacts], tuple[float, ...]]


def fewer_leaves(
    trees: str,
    *,
    leaves: str | None = None,
    depth: str | None = None,
    leaf_rows: str | None = None,
    split_rows: str | None = None,
    pruning: str | None = None,
) -> Complexity:
    """Order tree models by the number of trees times the leaves that a tree may have.

    Parameters
    ----------
    trees, leaves, depth, leaf_rows, split_rows, pruning : str
        What the library calls the number of trees, the bounds on a tree's leaves and depth,
        the fewest rows of a leaf and of a split, and the price of a leaf.

    Returns
    -------
    Complexity
        Of equal ones the more heavily pruned is the simpler.
    """
    named = (trees, leaves, depth, leaf_rows, split_rows, pruning)

    def measure(values: Mapping[str, Any], facts: DataFacts) -> tuple[float, ...]:
        n = float(facts.n_fit)
        bounds = [n, float(values.get(leaves) or n)]
        levels = values.get(depth)
        if levels is not None and levels > 0:  # 0 and -1 are no bound
            bounds.append(2.0 ** min(float(levels), 1000.0))
        bounds.append(n / _rows(values.get(leaf_rows), n))
        # A split makes two leaves of the rows that it needs.
        bounds.append(2 * n / _rows(values.get(split_rows), n))
        size = float(values.get(trees) or 1) * min(bounds)
        return (size, -float(values.get(pruning) or 0.0))

    return Complexity(tuple(name for name in named if name is not None), measure)


def _rows(value: Any, n: float) -> float:
    """Rows from a number or a share of them."""
    if value is None:
        return 1.0
    whole = isinstance(value, numbers.Integral)
    return max(1.0, float(value) if whole else math.ceil(float(value) * n))


def less(*names: str) -> Complexity:
    """Order by the first parameter, then by the next; the smaller value is the simpler."""
    return _by_size(names, 1.0)


def more(*names: str) -> Complexity:
    """Order by the first parameter, then by the next; the greater value is the simpler."""
    return _by_size(names, -1.0)


def _by_size(names: tuple[str, ...], sign: float) -> Complexity:
    def measure(values: Mapping[str, Any], facts: DataFacts) -> tuple[float, ...]:
        return tuple(sign * float(np.mean(values[name])) for name in names)

    return Complexity(names, measure)

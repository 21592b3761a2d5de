"""Which parameters mattered: functional ANOVA on a random forest.

The forest predicts the score from the point in the unit cube. Every tree is constant on boxes, so
that the mean over some of the parameters, and the variance of what remains, are exact sums over
its leaves.

References
----------
F. Hutter, H. Hoos and K. Leyton-Brown, "An efficient approach for assessing hyperparameter
importance", ICML 2014.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..space import Space

MIN_TRIALS = 10  # fewer say nothing about any parameter
N_TREES = 64
MAX_LEAVES = 128
MIN_LEAF = 2


@dataclass(frozen=True)
class Importance:
    """Shares of the variance of the score over the space, the mean over the trees of a forest.

    Attributes
    ----------
    names : list of str
        Those with the largest `total` come first.
    alone : ndarray of shape (n_parameters,)
        Share that a parameter explains by itself, averaged over all the others.
    spread : ndarray of shape (n_parameters,)
        Standard deviation of `alone` between the trees.
    total : ndarray of shape (n_parameters,)
        Share in which a parameter has any part, alone or together with others.
    pairs : dict of (str, str) to float
        Share that two parameters explain together beyond what each does alone.
    n_trials : int
        Scores that the forest was grown on.
    r2 : float
        How well trees predict configurations that they were not grown on; at or below zero the
        forest has learned nothing, and the shares mean nothing.
    """

    names: list[str]
    alone: np.ndarray
    spread: np.ndarray
    total: np.ndarray
    pairs: dict[tuple[str, str], float]
    n_trials: int
    r2: float


def importance_of(
    space: Space, names: Sequence[str], X: np.ndarray, y: np.ndarray
) -> Importance | None:
    """Fit a forest to scores and split its variance among the parameters.

    Parameters
    ----------
    space : Space
    names : sequence of str
        Parameters to report.
    X : ndarray of shape (n_trials, space.width)
        Points of the unit cube. A parameter that did not exist stands at its middle.
    y : ndarray of shape (n_trials,)
        Scores.

    Returns
    -------
    importance : Importance or None
        None where there are fewer than ten scores, or they do not differ.
    """
    if len(y) < MIN_TRIALS or np.ptp(y) == 0.0 or not names:
        return None
    from sklearn.ensemble import RandomForestRegressor

    # Every split may choose from all columns: trees that must do with some of them split on what
    # does not matter (of two parameters, one without effect, that one got 28 % after 30 trials,
    # and 2 % so), and the bootstrap alone makes them differ enough.
    forest = RandomForestRegressor(
        N_TREES,
        min_samples_leaf=MIN_LEAF,
        max_leaf_nodes=MAX_LEAVES,
        oob_score=True,
        random_state=0,
    ).fit(X, (y - y.mean()) / y.std())
    axes = _axes(space)
    of_name = _axes_by_name(space, axes)
    found = [_shares(tree.tree_, axes, [of_name[name] for name in names]) for tree in forest]
    found = [shares for shares in found if shares is not None]
    if not found:
        return None
    return _summary(names, found, len(y), float(forest.oob_score_))


def _summary(names: Sequence[str], found: list, n_trials: int, r2: float) -> Importance:
    # No variance is below zero, but a sum of products that cancel may be, by rounding.
    alone, total, pairs = (np.maximum(np.array(part), 0.0) for part in zip(*found))
    order = np.argsort(-total.mean(axis=0), kind="stable")
    couples = itertools.combinations(range(len(names)), 2)
    mean = pairs.mean(axis=0) if pairs.size else []
    together = {(names[i], names[j]): float(share) for (i, j), share in zip(couples, mean)}
    return Importance(
        names=[names[i] for i in order],
        alone=alone.mean(axis=0)[order],
        spread=alone.std(axis=0)[order],
        total=total.mean(axis=0)[order],
        pairs=dict(sorted(together.items(), key=lambda item: -item[1])),
        n_trials=n_trials,
        r2=r2,
    )


def _axes(space: Space) -> list[slice]:
    """The columns that move together: those of a one-hot code, and every other one alone."""
    axes: list[slice] = []
    for columns, one_hot in space.groups:
        if one_hot:
            axes.append(columns)
        else:
            axes += [slice(c, c + 1) for c in range(columns.start, columns.stop)]
    return axes


def _axes_by_name(space: Space, axes: list[slice]) -> Mapping[str, list[int]]:
    """The axes of each parameter; alternatives may define one more than once."""
    start = len(space.branches) if len(space.branches) > 1 else 0
    widths = {name: [] for name in space.dimensions}
    for name, columns in _columns(space, start):
        widths[name] += [i for i, a in enumerate(axes) if columns.start <= a.start < columns.stop]
    return widths


def _columns(space: Space, start: int) -> Iterator[tuple[str, slice]]:
    seen: list = []
    for branch in space.branches:
        for parameter in branch:
            if any(p.name == parameter.name and p.dimension == parameter.dimension for p in seen):
                continue
            seen.append(parameter)
            stop = start + parameter.dimension.n_columns
            yield parameter.name, slice(start, stop)
            start = stop


def _shares(tree, axes: list[slice], parameters: list[list[int]]):
    """The shares of one tree: alone, total, and of every pair; None for a constant tree.

    With leaves of value ``c_i`` and boxes ``B_i``, the mean over all axes but those of a set U
    is a function of U whose second moment is
    ``sum_ij c_i c_j  prod_{d in U} |B_i,d & B_j,d|  prod_{d not in U} |B_i,d| |B_j,d|``.
    """
    values, lows, highs = _boxes(tree, sum(a.stop - a.start for a in axes))
    overlaps = [_overlap(lows[:, a], highs[:, a]) for a in axes]
    sizes = np.array([np.diagonal(overlap) for overlap in overlaps])  # (axes, leaves)
    values = values - values @ sizes.prod(axis=0)

    def variance(kept: Sequence[int]) -> float:
        kept = sorted(set(kept))
        others = [d for d in range(len(axes)) if d not in kept]
        weights = values * sizes[others].prod(axis=0)
        product = np.ones((len(values), len(values)))
        for d in kept:
            product *= overlaps[d]
        return float(weights @ product @ weights)

    everything = list(range(len(axes)))
    whole = variance(everything)
    if whole <= 1e-12:
        return None
    alone = [variance(p) / whole for p in parameters]
    total = [1.0 - variance([d for d in everything if d not in p]) / whole for p in parameters]
    pairs = [
        variance([*parameters[i], *parameters[j]]) / whole - alone[i] - alone[j]
        for i, j in itertools.combinations(range(len(parameters)), 2)
    ]
    return alone, total, pairs


def _boxes(tree, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value and bounds of every leaf inside of the unit cube."""
    values, lows, highs = [], [], []
    waiting = [(0, np.zeros(width), np.ones(width))]
    while waiting:
        node, low, high = waiting.pop()
        left, right = tree.children_left[node], tree.children_right[node]
        if left == right:
            values.append(tree.value[node].item())
            lows.append(low)
            highs.append(high)
            continue
        feature, threshold = tree.feature[node], tree.threshold[node]
        below, above = high.copy(), low.copy()
        below[feature] = min(high[feature], threshold)
        above[feature] = max(low[feature], threshold)
        waiting += [(left, low, below), (right, above, high)]
    return np.array(values), np.array(lows), np.array(highs)


def _overlap(lows: np.ndarray, highs: np.ndarray) -> np.ndarray:
    """Common size of every two leaves along an axis, shape (n_leaves, n_leaves).

    Along a one-hot code the size is the share of the choices whose code lies in the box.
    """
    if lows.shape[1] == 1:
        low, high = lows[:, 0], highs[:, 0]
        common = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        return np.maximum(common, 0.0)
    n = lows.shape[1]
    codes = np.eye(n)
    inside = (codes >= lows[:, None]) & (codes <= highs[:, None])  # (leaves, choices, columns)
    held = inside.all(axis=2).astype(float)
    return held @ held.T / n

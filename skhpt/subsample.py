"""Folds cut down to a share of their rows: what a rung of few rows trains and tests on.

scikit-learn's halving shuffles the rows of each part (training, test) of a fold and takes the
first ones. So does this, draw for draw, unless some training part would lose a class that the
fold has, or a test part would and the metric is undefined then (one of probabilities or of
decision values). In that case every part of every rung goes through the same order once more:
each class gives its share of the rows, one at least.

Folds that keep groups apart have whole groups on every rung: a share of the rows of every group
would be other data, of as many groups with fewer rows each. Groups are taken in the order in
which the rows would be, those first that bring a class which is still missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, resample
from sklearn.utils.multiclass import type_of_target

from ._compat import level_of_caller
from .rows import Splits


@dataclass(frozen=True)
class Subsampler:
    """Draws a share of the rows of each fold.

    Attributes
    ----------
    n_rows : int
        All the rows.
    codes : ndarray of int of shape (n_rows,) or None
        The class of each row; None where there are none to keep.
    groups : ndarray of int of shape (n_rows,) or None
        The group of each row, numbered.
    tests_need_classes : bool
        Whether the metric is undefined on test rows that lack a class.
    """

    n_rows: int
    codes: np.ndarray | None = None
    groups: np.ndarray | None = None
    tests_need_classes: bool = False

    def rungs(
        self, splits: Splits, n_resources: Sequence[int], random_state: Any
    ) -> tuple[list[Splits], bool]:
        """Cut the folds down for each rung.

        Parameters
        ----------
        splits : sequence of (train, test)
        n_resources : sequence of int
            Rows for each rung, training and test together.
        random_state : int, RandomState or None
            Used as scikit-learn does: a whole number begins anew with every part.

        Returns
        -------
        rungs : list of splits
        stratified : bool
            Whether scikit-learn's own draws would have lost a class.

        Notes
        -----
        A part of whole groups has as near to its share of the rows as taking them one by one
        gets, and one group at least.

        Raises
        ------
        ValueError
            When a part would have no row, or fewer rows than it has classes to keep.
        """
        again = _copy_of(random_state)
        plain = [self._cut(splits, n, random_state, self._first) for n in n_resources]
        stratified = any(self._loses(splits, rung) for rung in plain)
        if self._keeps_groups_apart(splits):
            choose = self._by_group
        elif stratified:
            choose = self._by_class
        else:
            return plain, False
        return [self._cut(splits, n, again, choose) for n in n_resources], stratified

    def _keeps_groups_apart(self, splits: Splits) -> bool:
        if self.groups is None:
            return False
        return not any(
            np.intersect1d(self.groups[train], self.groups[test]).size for train, test in splits
        )

    def _cut(self, splits: Splits, n_resources: int, random_state, choose) -> Splits:
        share = n_resources / self.n_rows
        cut = []
        for fold, parts in enumerate(splits):
            chosen = []
            for kind, rows in zip(("training", "test"), parts):
                # The whole order in one draw; what scikit-learn would take are the first of it.
                n_all = len(rows)
                order = resample(rows, replace=False, random_state=random_state, n_samples=n_all)
                where = f"{kind} rows of fold {fold}"
                chosen.append(choose(order, int(share * n_all), n_resources, where))
            cut.append(tuple(chosen))
        return cut

    def _loses(self, splits: Splits, rung: Splits) -> bool:
        if self.codes is None:
            return False
        checked = (0, 1) if self.tests_need_classes else (0,)
        return any(
            len(np.unique(self.codes[after[part]])) < len(np.unique(self.codes[before[part]]))
            for before, after in zip(splits, rung)
            for part in checked
        )

    def _first(self, order: np.ndarray, n: int, n_resources: int, where: str) -> np.ndarray:
        self._check(n, 1, len(order), n_resources, where)
        return order[:n]

    def _by_class(self, order: np.ndarray, n: int, n_resources: int, where: str) -> np.ndarray:
        codes = np.unique(self.codes[order], return_inverse=True)[1]
        counts = np.bincount(codes)
        self._check(n, len(counts), len(order), n_resources, where)
        taken = np.zeros(len(order), dtype=bool)
        for code, quota in enumerate(_quotas(counts, n)):
            taken[np.flatnonzero(codes == code)[:quota]] = True
        return order[taken]

    def _by_group(self, order: np.ndarray, n: int, n_resources: int, where: str) -> np.ndarray:
        """Whole groups: those that the classes ask for, then others while that gets nearer."""
        self._check(n, 1, len(order), n_resources, where)
        _, first, own = np.unique(self.groups[order], return_index=True, return_inverse=True)
        sizes, taken = np.bincount(own), np.zeros(len(first), dtype=bool)
        room = n
        for bring in self._bringing_each_class(order, first, own):
            if not taken[bring].any():
                fitting = bring[sizes[bring] <= room]
                k = fitting[0] if len(fitting) else bring[np.argmin(sizes[bring])]
                taken[k], room = True, room - sizes[k]
        for k in np.argsort(first):
            if not taken[k] and sizes[k] / 2 < room:
                taken[k], room = True, room - sizes[k]
        return order[taken[own]]

    def _bringing_each_class(self, order, first, own) -> list[np.ndarray]:
        """The groups that have rows of a class, in their order; the rarest has the least choice."""
        if self.codes is None:
            return [np.argsort(first)]
        codes, counts = np.unique(self.codes[order], return_inverse=True, return_counts=True)[1:]
        groups, classes = np.divmod(np.unique(own * len(counts) + codes), len(counts))
        bringing = [groups[classes == code] for code in np.argsort(counts, kind="stable")]
        return [bring[np.argsort(first[bring])] for bring in bringing]

    def _check(self, n: int, needed: int, n_all: int, n_resources: int, where: str) -> None:
        if n >= needed:
            return
        enough = -(-needed * self.n_rows // n_all)
        wanted = "one" if needed == 1 else f"one of each of the {needed} classes"
        raise ValueError(
            f"A rung with n_samples={n_resources} has {n} of the {n_all} {where}: too few to have "
            f"{wanted}. Use min_resources='smallest', or {enough} at least; fewer folds; or "
            "resource='n_folds' or a parameter of the estimator in the place of rows."
        )


def warn_of_blind_rungs(means, rungs, n_resources, fewest_tested: int, n_rows: int) -> None:
    """Say which rungs had too few rows for any score: their promotions are arbitrary.

    Parameters
    ----------
    means, rungs, n_resources : ndarray of shape (n_trials,)
        Mean score of each trial, the number of its rung and the rows there.
    fewest_tested : int
        Test rows of the smallest fold, of all `n_rows`.
    """
    for number in range(int(rungs.max())):
        here = rungs == number
        if not here.any() or not np.isnan(means[here]).all():
            continue
        n = int(n_resources[here][0])
        enough = max(2 * n, -(-2 * n_rows // fewest_tested))  # R2 needs two rows
        warnings.warn(
            f"No candidate has a score on rung {number}: n_samples={n} leaves "
            f"{n * fewest_tested // n_rows} of the {fewest_tested} test rows of a fold, which may "
            "be too few for the metric or the estimator. Who went on was not a matter of scores. "
            f"Raise min_resources, for instance to {min(enough, n_rows)}.",
            UserWarning,
            stacklevel=level_of_caller(),
        )


def _copy_of(random_state):
    """A generator that will draw what the given one is about to draw."""
    if random_state is not None and not isinstance(random_state, np.random.RandomState):
        return random_state
    copy = np.random.RandomState()
    copy.set_state(check_random_state(random_state).get_state())
    return copy


def _quotas(counts: np.ndarray, n: int) -> np.ndarray:
    """Shares of `n` in proportion to counts that add up to as many or more, each at least one."""
    ideal = n * counts / counts.sum()
    quota = np.maximum(1, np.floor(ideal)).astype(int)
    while quota.sum() > n:  # what rare classes got comes from where it is missed least
        quota[np.argmax(np.where(quota > 1, quota - ideal, -np.inf))] -= 1
    while quota.sum() < n:
        quota[np.argmax(np.where(quota < counts, ideal - quota, -np.inf))] += 1
    return quota


def classes_of(y) -> np.ndarray | None:
    """The number of each row's class; None where rows have no single class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "many unique classes": the estimator's own fit tells
        try:
            return numbered(y) if type_of_target(y) in ("binary", "multiclass") else None
        except (TypeError, ValueError):
            return None


def numbered(labels) -> np.ndarray | None:
    if labels is None:
        return None
    return np.unique(np.asarray(labels).ravel(), return_inverse=True)[1]

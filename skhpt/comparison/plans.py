"""Plans of successive halving and of Hyperband that a budget has room for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv

from .._compat import num_samples
from ..halving_base import BaseHalving, Limits
from ..rows import Rows, Splits
from ..rungs import halving_plan

# Hyperband's plans grow in leaps; other factors fill the gaps between those of one.
_FACTORS = (2, 2.5, 3, 3.5, 4, 5, 6)


class Ground(NamedTuple):
    """What the searches are run on in a repeat.

    Attributes
    ----------
    tuning : Rows
        Rows that the searches see.
    folds : list of (ndarray, ndarray)
    """

    tuning: Rows
    folds: Splits

    @property
    def n_folds(self) -> int:
        return len(self.folds)


def resource_parameter(search, ground: Ground) -> str | None:
    """The parameter that a search with rungs sets by itself; None where there is none."""
    if isinstance(search, BaseHalving):
        return _limits(search, ground)[0].resource.parameter
    return search.get_params(deep=False).get("resource")  # "n_samples" is none of the estimator's


# -- successive halving -------------------------------------------------------------------------


def candidates_within(search, ground: Ground, n_fits: int) -> int:
    """The greatest number of candidates of which no more than `n_fits` fits are made; 0 if none."""
    limits, plan = _limits(search, ground)
    n_folds = ground.n_folds
    left = n_fits - (n_folds if has_baseline(search) else 0)

    def cost(n_candidates: int) -> int:
        rungs = plan(n_candidates)
        folds_are_resource = limits is not None and limits.resource.name == "n_folds"
        each = rungs.n_resources if folds_are_resource else [n_folds] * len(rungs.n_resources)
        return int(np.dot(rungs.n_candidates, each))

    # With fewer candidates there may be fewer rungs, but never more fits.
    return next((n for n in range(max(0, left), 0, -1) if cost(n) <= left), 0)


def _limits(search, ground: Ground) -> tuple[Limits | None, Callable[[int], Any]]:
    """The limits of one of ours, and what plans the rungs of any."""
    if not isinstance(search, BaseHalving):
        return None, _plan_of_theirs(search, ground)
    probe = clone(search).set_params(cv=ground.folds)
    if hasattr(probe, "n_candidates"):
        probe.n_candidates = 1  # "exhaust" may contradict min_resources; the number is our matter
    limits = probe._limits_of(ground.tuning, check_cv(ground.folds))
    return limits, functools.partial(
        halving_plan,
        min_resources=limits.least,
        max_resources=limits.most,
        factor=search.factor,
        exhaust=limits.exhaust,
        aggressive=getattr(search, "aggressive_elimination", False),
        to_the_top=limits.to_the_top,
    )


def _plan_of_theirs(search, ground: Ground) -> Callable[[int], Any]:
    """scikit-learn's rungs, see `BaseSuccessiveHalving._check_input_parameters`."""
    least, most, y = search.min_resources, search.max_resources, ground.tuning.y
    if isinstance(least, str) and search.resource == "n_samples":
        n_classes = len(np.unique(y)) if is_classifier(search.estimator) else 1
        least = 2 * ground.n_folds * n_classes
    return functools.partial(
        halving_plan,
        min_resources=1 if isinstance(least, str) else least,
        max_resources=num_samples(ground.tuning.X) if isinstance(most, str) else most,
        factor=search.factor,
        exhaust=search.min_resources == "exhaust",
        aggressive=search.aggressive_elimination,
    )


def has_baseline(search) -> bool:
    """Whether the estimator as given comes to the last rung, as a guest."""
    first = getattr(search, "initial_params", None)
    return first is not None and (isinstance(first, str) or "default" in list(map(str, first)))


# -- Hyperband ----------------------------------------------------------------------------------


def hyperband_within(search, ground: Ground, unit: str, amount: float):
    """The plan of Hyperband that comes nearest to a budget from below.

    The greatest resource stays, as the winner is refitted with it. What may change is the
    factor, and the least resource, which is raised to one of its own levels: fewer brackets.

    Parameters
    ----------
    unit : {"trials", "fits"}

    Returns
    -------
    params : dict or None
        What to set, empty where the search's own plan is the nearest; None where there is no
        plan so small.
    n : int
        Trials or fits of the plan.
    """
    n_baseline = {"trials": 1, "fits": ground.n_folds}[unit] if has_baseline(search) else 0
    column = {"trials": "n_candidates", "fits": "n_fits"}[unit]
    best, best_n = None, 0
    for params, plan in _plans(clone(search).set_params(cv=ground.folds), ground.tuning):
        n = plan[column] + n_baseline
        if best_n < n <= amount:  # of equals the first, which has the search's own factor
            best, best_n = params, n
    return best, best_n


def _plans(probe, tuning: Rows):
    """The plans that there are, the search's own one first."""
    own = probe.factor
    for factor in dict.fromkeys([own, *_FACTORS]):
        told = {} if factor == own else {"factor": factor}
        whole = _plan(probe.set_params(factor=factor), tuning)
        yield told, whole
        least = probe.min_resources
        for level in whole["brackets"][0]["n_resources"][1:]:
            fewer = {**told, "min_resources": level}
            yield fewer, _plan(probe.set_params(min_resources=level), tuning)
        probe.set_params(min_resources=least)


def _plan(probe, tuning: Rows) -> dict[str, Any]:
    return probe.metadata(tuning.X, tuning.y, tuning.split_params.get("groups"))

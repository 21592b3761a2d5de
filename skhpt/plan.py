"""What a search will try: its legs, and the configurations that come before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checks import check_names
from .estimators import DataFacts, first_trials
from .samplers.base import Sampler
from .samplers.grid import ListSampler
from .space import Space
from .trial import Origin, Start


@dataclass(frozen=True)
class Leg:
    """A part of a search: a sampler, its budget, and the space that it draws from.

    Attributes
    ----------
    sampler : Sampler
    n_trials : int or None
        Budget; None is until the sampler has nothing left to propose.
    space : Space
    """

    sampler: Sampler
    n_trials: int | None
    space: Space

    def n_candidates(self, initial: Sequence[Start] = ()) -> int | None:
        """How many configurations it will try, as far as that is known in advance."""
        bounds = [self.n_trials, getattr(self.sampler, "n_proposals", None)]
        if isinstance(self.sampler, ListSampler):
            others = [start.params for start in initial]
            bounds.append(len(others) + len(self.sampler.remaining(others)))
        return min((bound for bound in bounds if bound is not None), default=None)


@dataclass(frozen=True)
class Plan:
    """The legs of a search and its first configurations, which count towards the first leg."""

    legs: Sequence[Leg]
    initial: Sequence[Start] = ()

    @property
    def names(self) -> set[str]:
        """The parameters that are searched."""
        return {name for leg in self.legs for name in leg.space.dimensions}

    @property
    def n_candidates(self) -> int | None:
        first, *others = self.legs
        counts = [first.n_candidates(self.initial), *(leg.n_candidates() for leg in others)]
        return None if None in counts else sum(counts)


def check_legs(estimator, legs: Sequence[Leg]) -> None:
    """Refuse parameters that the estimator does not have; see :func:`check_names`."""
    samples = {
        name: dimension.decode(np.full(dimension.n_columns, 0.5))
        for leg in legs
        for name, dimension in leg.space.dimensions.items()
    }
    check_names(estimator, samples)


def initial_trials(
    initial_params: str | Sequence | None,
    estimator,
    leg: Leg,
    facts: Callable[[], DataFacts],
    curated: bool,
) -> list[Start]:
    """Read ``initial_params``.

    Parameters
    ----------
    initial_params : "default", list or None
    estimator : estimator object
    leg : Leg
        The part of the search that they belong to.
    facts : callable
        Gives the DataFacts.
    curated : bool
        Whether the space is ours. The ranges that a user has written are his constraints: the
        estimator as given stands outside of them as a baseline only.

    Raises
    ------
    ValueError
        When an entry is neither a configuration of the estimator nor the word "default", or
        when there are more than the search may try.
    """
    if initial_params is None:
        return []
    known = [
        Start(origin, params, curated or _contains(leg.space, params))
        for origin, params in first_trials(estimator, leg.space, facts())
    ]
    if isinstance(initial_params, str):
        # Known good configurations are a start, not the search: at most a quarter of it.
        if leg.n_trials is None:
            return known
        known = known[: 1 + leg.n_trials // 4]
        # A baseline that cannot win must leave room for something that can.
        full = len(known) >= leg.n_trials
        return [start for start in known if start.eligible] if full else known
    if leg.n_trials is not None and len(initial_params) > leg.n_trials:
        raise ValueError(
            f"initial_params has {len(initial_params)} configurations, which count towards the "
            f"{leg.n_trials} of n_iter: raise n_iter or leave some out."
        )
    trials: list[Start] = []
    for entry in initial_params:
        if isinstance(entry, str) and entry == "default":
            trials += known[:1]
        elif isinstance(entry, Mapping):
            check_names(estimator, entry, where="initial_params")
            trials.append(Start(Origin.GIVEN, dict(entry)))
        else:
            raise ValueError(
                "initial_params is a list of configurations (dicts of parameter to value) "
                f"and may hold the word 'default'; got {entry!r} in it."
            )
    return trials


def _contains(space: Space, params: Mapping[str, Any]) -> bool:
    try:
        return space.contains(params)
    except ValueError:  # a parent of a condition has a value that the space has no place for
        return False

"""How much of a resource halving may give, and what that leaves to be searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .estimators.resources import Resource
from .estimators.stopping import left_to_the_search


@dataclass(frozen=True)
class Limits:
    """How much of a resource there may be.

    Attributes
    ----------
    resource : Resource
    least, most : int
    exhaust : bool
        Whether to raise the least, so that the last rung gets as near to the most as it can.
    to_the_top : bool
        Whether the last rung has the most in any case.
    head_start : int
        One part in so many is enough below the last rung.
    goes_back : bool
        Whether who is best with less of it may win with that.
    """

    resource: Resource
    least: int
    most: int
    exhaust: bool
    to_the_top: bool
    head_start: int = 1
    goes_back: bool = False

    def left_of(self, space: Mapping[str, Any]) -> dict[str, Any]:
        """What the resource leaves of a curated space.

        Where the search finds how long to train, nothing else does. A network that stops itself
        goes by the accuracy on a tenth of its rows, which is at its best long before the log loss
        where there are few errors. Of 30 configurations on 1,000 rows of segment, 26 had a better
        held-out log loss without that after 200 epochs, the best one 0.091 instead of 0.114.
        """
        parameter = self.resource.parameter
        if self.goes_back:
            return left_to_the_search(space, parameter, ())
        return {name: entry for name, entry in space.items() if name != parameter}


def check_limits(resource: Resource, least: int, most: int, there: int | None) -> None:
    """Refuse limits beyond what there is (None where there is no bound), and empty ranges.

    Raises
    ------
    ValueError
        Saying which of both to change.
    """
    if there is not None and most > there:
        what = "rows for tuning" if resource.name == "n_samples" else "folds"
        raise ValueError(
            f"max_resources={most} is more than there is: resource={resource.name!r} has "
            f"{there} {what}. Use max_resources='auto' or a number up to {there}."
        )
    if resource.name == "n_folds" and most < there:
        raise ValueError(
            f"max_resources={most} with resource='n_folds' leaves folds out on the last rung, "
            f"but who wins must have run on all {there}. Use max_resources='auto', or a cv "
            "with fewer folds."
        )
    if least > most:
        of = "" if there is None else f", of {resource.name}={there}"
        raise ValueError(
            f"min_resources_={least} is greater than max_resources_={most}{of}. Lower "
            "min_resources (it may be 'smallest') or raise max_resources."
        )

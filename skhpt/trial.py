"""The words that every part of the package shares: step, outcome, trial, status.

All of them are frozen: facts are appended to the ledger, never edited.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Status(enum.Enum):
    """What has become of a configuration."""

    RUNNING = "running"
    COMPLETE = "complete"  # every fold ran at full budget
    RACED = "raced"  # dropped early because it could not win
    FAILED = "failed"  # at least one fold raised
    STOPPED = "stopped"  # the search ended before its folds did


class Origin(str, enum.Enum):
    """Who proposed a configuration; the text stands in ``cv_results_["origin"]``."""

    DEFAULT = "default"  # the estimator as given
    GIVEN = "given"  # ``initial_params``
    PORTFOLIO = "portfolio"  # published configurations known to work elsewhere
    SAMPLER = "sampler"

    def __str__(self) -> str:
        return self.value


class Start(NamedTuple):
    """A configuration to try before the sampler is asked.

    Where it lies outside a space that the user wrote, it is not ``eligible``: the space is his
    constraint, so that such a configuration is a baseline and cannot win.
    """

    origin: Origin
    params: Mapping[str, Any]
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A unit of work: one configuration on some folds, in one process.

    ``rule`` is what was known when the step was submitted (for instance the incumbent's
    fold scores); it may end the step early, and it never depends on timing.
    """

    trial: int
    folds: tuple[int, ...]
    resource: float | None = None
    rule: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened on one fold. A failed fit is an outcome too.

    ``scores`` maps a metric to its value (``{"score": value}`` for a single metric) and is
    empty when the fit failed before a metric's name was known. Times are in seconds.
    ``stop`` is True when a callback of the user asked for the end of the search, ``late``
    when the step ended after this fold because the time was over.
    """

    trial: int
    fold: int
    scores: Mapping[str, float]
    fit_time: float
    score_time: float
    train_scores: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None  # the traceback of a failed fit
    resource: float | None = None
    n_rounds: int | None = None
    stop: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration and what is known of it; what a sampler is told.

    ``score`` is the mean of the selection metric over the folds that ran (greater is
    better; NaN when there is none), ``fold_scores`` has one entry a fold, NaN where the
    fold did not run.
    """

    index: int
    params: Mapping[str, Any]
    origin: Origin = Origin.SAMPLER
    status: Status = Status.RUNNING
    score: float = math.nan
    fold_scores: tuple[float, ...] = ()
    seconds: float = 0.0
    eligible: bool = True

"""The words that every part of the package shares: step, outcome, trial, status.

All of them are frozen: facts are appended to the ledger, never edited.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NamedTuple


def _pickled_by_name(cls):
    """Pickle the fields of a frozen dataclass with slots by their names, not by their places.

    A pickle then outlives a field that is added later, anywhere: it has its default.
    """

    def state(self):
        return {f.name: getattr(self, f.name) for f in fields(cls)}

    def restore(self, state):
        for f in fields(cls):
            if f.name in state:
                value = state[f.name]
            else:
                value = f.default if f.default_factory is MISSING else f.default_factory()
            object.__setattr__(self, f.name, value)

    # After the decorator: Python 3.10 puts its own in the place of those in the class.
    cls.__getstate__, cls.__setstate__ = state, restore
    return cls


class Status(enum.Enum):
    """What has become of a configuration."""

    RUNNING = "running"
    COMPLETE = "complete"  # every fold ran at full budget
    PARTIAL = "partial"  # all that its rung asks for ran, at less than the full budget
    RACED = "raced"  # dropped early because it could not win
    FAILED = "failed"  # at least one fold raised
    STOPPED = "stopped"  # the search ended before its folds did


class Origin(str, enum.Enum):
    """Who proposed a configuration; the text stands in ``cv_results_["origin"]``."""

    DEFAULT = "default"  # the estimator as given
    GIVEN = "given"  # ``initial_params``
    PORTFOLIO = "portfolio"  # published configurations known to work elsewhere
    SAMPLER = "sampler"
    SLOWER = "slower"  # the winner with a lower learning rate

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


class Rung(NamedTuple):
    """A level of the ladder that configurations climb, each time with more of a resource.

    A configuration on a rung is a trial of its own: what it reached with less of the resource
    is never compared with what another reached with more.

    Attributes
    ----------
    number : int
        From 0; ``cv_results_["iter"]``.
    resource : int
        What each trial of it may use; ``cv_results_["n_resources"]``.
    is_last : bool
        Whether its trials have the full budget, so that they may win.
    n_folds : int or None
        Folds that its trials run on, the first of all; None is all of them. Where it is a number
        the folds are the resource, and what a configuration ran on below need not run again.
    """

    number: int
    resource: int
    is_last: bool
    n_folds: int | None = None


class Proposal(NamedTuple):
    """A configuration with more to say than its parameters; what a sampler may answer.

    Attributes
    ----------
    params : mapping
    rung : Rung or None
        None is the full budget.
    parent : int or None
        The trial on a lower rung that it continues.
    origin : Origin
    eligible : bool
        See :class:`Start`.
    """

    params: Mapping[str, Any]
    rung: Rung | None = None
    parent: int | None = None
    origin: Origin = Origin.SAMPLER
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A unit of work: one configuration on some folds, in one process.

    ``rule`` is what was known when the step was submitted (for instance the incumbent's
    fold scores); it may end the step early, and it never depends on timing. ``rung`` and
    ``root`` are those of the trial, where it is on a rung.
    """

    trial: int
    folds: tuple[int, ...]
    resource: float | None = None
    rule: Any = None
    rung: Rung | None = None
    root: int | None = None


@_pickled_by_name
@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened on one fold. A failed fit is an outcome too.

    ``scores`` maps a metric to its value (``{"score": value}`` for a single metric) and is
    empty when the fit failed before a metric's name was known. Times are in seconds.
    ``early`` has the points of a curve before a quarter of ``n_rounds``, as pairs of a number of
    rounds and the score there.
    ``stop`` is True when a callback of the user asked for the end of the search, ``late``
    when the step ended after this fold because the time was over, ``reused`` when it is what
    the trial's parent had found out on this fold.
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
    work: float | None = None  # rounds that were trained, further ones than `n_rounds` among them
    round_cost: float = 1.0  # of each of them, beside those of other configurations
    vain: float = 0.0  # cost of the rounds that nothing came of, see `length_of`
    early: tuple[tuple[int, float], ...] = field(default=(), repr=False)
    stop: bool = False
    late: bool = False
    reused: bool = False
    started: float | None = field(default=None, compare=False)  # seconds since the epoch
    worker: str | None = field(default=None, compare=False)  # process and thread


@_pickled_by_name
@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration and what is known of it; what a sampler is told.

    ``score`` is the mean of the selection metric over the folds that ran (greater is
    better; NaN when there is none), ``fold_scores`` has one entry a fold, NaN where the
    fold did not run. ``mean`` is what the table shows in the place of ``score``: a fold that
    failed counts as the search's ``error_score``. ``work`` is what its folds trained, where that
    can be counted: rounds, each of which costs ``round_cost`` beside those of other trials.
    ``vain`` is the cost of the rounds that nothing came of, as the folds were trained otherwise.
    ``root`` is the first of the trials of which this one is the continuation, the trial itself
    where it is none. ``n_known`` is how many trials had ended when it began.
    """

    index: int
    params: Mapping[str, Any]
    origin: Origin = Origin.SAMPLER
    status: Status = Status.RUNNING
    score: float = math.nan
    fold_scores: tuple[float, ...] = ()
    seconds: float = 0.0
    eligible: bool = True
    mean: float = math.nan
    work: float | None = None
    round_cost: float = 1.0
    vain: float = 0.0
    rung: Rung | None = None
    root: int = -1
    n_known: int = 0

    @property
    def has_full_budget(self) -> bool:
        return self.rung is None or self.rung.is_last

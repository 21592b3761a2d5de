"""Pipelines cut in two: the beginning that is fitted once, and the last step that grows."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from sklearn.pipeline import Pipeline

from .growing import grower_of


def last_step(estimator) -> tuple[str, Any]:
    """The end of a pipeline, however nested, with the prefix of its parameters.

    A pipeline whose steps are none, which its ``fit`` will say, is its own end.
    """
    prefix = ""
    while isinstance(estimator, Pipeline):
        try:
            name, inner = estimator.steps[-1]
        except (TypeError, ValueError, IndexError):
            break
        prefix, estimator = f"{prefix}{name}__", inner
    return prefix, estimator


def rounds_parameter(estimator, n_samples: int) -> str | None:
    """Name of the number of rounds of an estimator that can be grown; None where it cannot."""
    prefix, last = last_step(estimator)
    grower = grower_of(last, {}, n_samples)
    return None if grower is None or not is_plain(estimator) else prefix + grower.rounds


def is_plain(estimator) -> bool:
    """Whether every pipeline on the way does no more than to hand on what its steps make."""
    while isinstance(estimator, Pipeline):
        if getattr(estimator, "transform_input", None) or not estimator.steps:
            return False
        estimator = estimator.steps[-1][1]
    return True


def beginning(estimator) -> Pipeline | None:
    """Everything before the last step, as one pipeline; None where there is nothing."""
    steps: list = []
    while isinstance(estimator, Pipeline):
        steps += [(f"{len(steps)}-{name}", step) for name, step in estimator.steps[:-1]]
        estimator = estimator.steps[-1][1]
    return Pipeline(steps) if steps else None


def with_end(estimator, fitted_prefix: Pipeline | None, fitted):
    """The pipeline with its beginning and its end fitted."""
    beginnings = [] if fitted_prefix is None else [step for _, step in fitted_prefix.steps]
    return _assembled(estimator, beginnings, fitted)


def _assembled(estimator, beginnings: Sequence, fitted):
    if not isinstance(estimator, Pipeline):
        return fitted
    n_own = len(estimator.steps) - 1
    whole = copy.copy(estimator)
    names = [name for name, _ in estimator.steps]
    end = _assembled(estimator.steps[-1][1], beginnings[n_own:], fitted)
    whole.steps = list(zip(names, [*beginnings[:n_own], end]))
    return whole

"""Pipelines cut in two: the beginning that is fitted once, and the last step that grows."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn import get_config
from sklearn.pipeline import Pipeline

from .growing import Grower, grower_of, grower_of_kind


def last_step(estimator) -> tuple[str, Any]:
    """The end of a pipeline, however nested, with the prefix of its parameters.

    A pipeline whose steps are none, which its ``fit`` will say, is its own end.
    """
    prefix = ""
    while isinstance(estimator, Pipeline) and (end := _end(estimator)) is not None:
        name, estimator = end
        prefix = f"{prefix}{name}__"
    return prefix, estimator


def _end(pipeline) -> tuple[str, Any] | None:
    """Name and estimator of the last step; None where there is none."""
    try:
        name, estimator = pipeline.steps[-1]
    except (TypeError, ValueError, IndexError):
        return None
    return name, estimator


def rounds_parameter(
    estimator, n_samples: int | None, fit_params: Mapping[str, Any] | None = None
) -> str | None:
    """Name of the number of rounds of an estimator that can be grown; None where it cannot."""
    prefix, last = last_step(estimator)
    own = fit_params_of_end(estimator, fit_params or {})
    grower = None if own is None else grower_of(last, own, n_samples)
    return None if grower is None else prefix + grower.rounds


def settings_needed(estimator, n_samples: int | None, grower: Grower | None = None) -> list[str]:
    """What to set so that an estimator can be grown, as ``name=value``; see ``Grower.needs``."""
    prefix, last = last_step(estimator)
    grower = grower or grower_of_kind(last)
    return [] if grower is None else [prefix + need for need in grower.needs(last, n_samples)]


def fit_params_of_end(estimator, fit_params: Mapping[str, Any]) -> dict[str, Any] | None:
    """What goes to the ``fit`` of the last step, in its own names.

    Parameters
    ----------
    estimator : estimator object
    fit_params : mapping
        In the names of the whole.

    Returns
    -------
    own : dict or None
        None where the steps cannot be fitted one by one: something goes to another step, or
        scikit-learn routes it, or a pipeline is none of scikit-learn's plain ones.
    """
    prefix, _ = last_step(estimator)
    routed = bool(prefix and fit_params) and get_config()["enable_metadata_routing"]
    if routed or not is_plain(estimator) or not all(n.startswith(prefix) for n in fit_params):
        return None
    return {name[len(prefix) :]: value for name, value in fit_params.items()}


def is_plain(estimator) -> bool:
    """Whether every pipeline on the way does no more than to hand on what its steps make.

    Who knows what a subclass does: imbalanced-learn's draws other rows for training.
    """
    while isinstance(estimator, Pipeline):
        other = type(estimator) is not Pipeline or getattr(estimator, "transform_input", None)
        end = _end(estimator)
        if other or end is None:
            return False
        estimator = end[1]
    return True


def beginning(estimator) -> Pipeline | None:
    """Everything before the last step, as one pipeline; None where there is nothing."""
    steps: list = []
    while isinstance(estimator, Pipeline):
        steps += [(f"{len(steps)}-{name}", step) for name, step in estimator.steps[:-1]]
        estimator = estimator.steps[-1][1]
    return Pipeline(steps) if steps else None


def transformed(fitted_beginning: Pipeline, X):
    """What the fitted beginning makes of rows.

    Step by step, as the whole pipeline does: a pipeline whose last step is a transformer that
    keeps no state does not pass for fitted.
    """
    for _, step in fitted_beginning.steps:
        if step is not None and step != "passthrough":
            X = step.transform(X)
    return X


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

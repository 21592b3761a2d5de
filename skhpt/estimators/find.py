"""The way through meta-estimators to the estimators that have parameters worth tuning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from .family import Family
from .registry import can_be_set, family_of, is_estimator

# Parameters that hold an inner predictor, in scikit-learn and where its names are followed.
HOLDERS = ("estimator", "base_estimator", "regressor", "classifier", "final_estimator")

# What an inner estimator sees other than the data that were given.
CHANGES = {
    ("TransformedTargetRegressor", "regressor"): "target",
    ("OneVsRestClassifier", "estimator"): "classes",
    ("OneVsOneClassifier", "estimator"): "classes",
    ("OutputCodeClassifier", "estimator"): "classes",
    ("ClassifierChain", "estimator"): "columns",
    ("ClassifierChain", "base_estimator"): "columns",
    ("RegressorChain", "estimator"): "columns",
    ("RegressorChain", "base_estimator"): "columns",
    ("StackingClassifier", "final_estimator"): "columns",
    ("StackingRegressor", "final_estimator"): "columns",
}


@dataclass(frozen=True)
class Leaf:
    """An estimator with no further estimator to be found inside.

    ``prefix`` is what its parameters' names begin with, ``changed`` what the estimators
    around it make of the data, ``family`` what is known of it (None: nothing).
    """

    prefix: str
    estimator: Any
    family: Family | None
    changed: frozenset[str] = frozenset()


def walk(estimator: Any) -> list[Leaf]:
    """Return the leaves of an estimator; itself, if there is nothing inside."""
    return list(_walk("", estimator, frozenset()))


def leaves(estimator: Any) -> list[tuple[str, Any]]:
    """Return the prefix and the estimator of every leaf.

    Pipelines lead to their last step, meta-estimators to what they hold. An estimator that
    has a curated space is a leaf, whatever it holds.
    """
    return [(leaf.prefix, leaf.estimator) for leaf in walk(estimator)]


def _walk(prefix: str, estimator: Any, changed: frozenset[str]) -> Iterator[Leaf]:
    family = family_of(estimator)
    inner = [] if family is not None else _reachable(estimator)
    if not inner:
        yield Leaf(prefix, estimator, family, changed)
    for name, child, change in inner:
        yield from _walk(f"{prefix}{name}__", child, changed | change)


def _reachable(estimator: Any) -> list[tuple[str, Any, frozenset[str]]]:
    """Return what is inside and can be set from outside (a frozen estimator cannot)."""
    names = estimator.get_params(deep=True)
    return [
        (name, child, change)
        for name, child, change in _inside(estimator)
        if is_estimator(child) and can_be_set(estimator, name, child, names)
    ]


def _inside(estimator: Any) -> Iterator[tuple[str, Any, frozenset[str]]]:
    if isinstance(estimator, Pipeline):
        yield from _last_step(estimator.steps)
        return
    params = estimator.get_params(deep=False)
    for name, member in _pairs(params.get("estimators")):
        yield name, member, frozenset()
    for name in HOLDERS:
        if name in params:
            yield name, params[name], _change(estimator, name)


def _last_step(steps: list[tuple[str, Any]]) -> Iterator[tuple[str, Any, frozenset[str]]]:
    real = [(name, step) for name, step in steps if step is not None and step != "passthrough"]
    if real:
        same = all(_keeps_columns(step) for _, step in real[:-1])
        yield (*real[-1], frozenset() if same else frozenset({"columns"}))


def _keeps_columns(transformer: Any) -> bool:
    names = {cls.__name__ for cls in type(transformer).__mro__}
    return "OneToOneFeatureMixin" in names


def _pairs(members: Any) -> Iterable[tuple[str, Any]]:
    """Return the members of a voting or stacking estimator."""
    if not isinstance(members, list | tuple):
        return []
    return [pair for pair in members if isinstance(pair, tuple | list) and len(pair) == 2]


def _change(estimator: Any, name: str) -> frozenset[str]:
    found = {CHANGES.get((cls.__name__, name)) for cls in type(estimator).__mro__}
    return frozenset(found - {None})

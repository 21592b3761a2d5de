"""scikit-learn's forests and single trees."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..space import When
from .complexity import fewer_leaves
from .facts import DataFacts
from .family import Family, Values, is_untouched
from .ranges import Range, between, with_column_share, without_none

# The optimal defaults of Probst, Boulesteix and Bischl, "Tunability: importance of
# hyperparameters of machine learning algorithms", JMLR 20 (2019), for the AUC.
TUNED_FOREST = {
    "bootstrap": True,
    "max_samples": 0.703,
    "max_features": 0.257,
    "min_samples_leaf": 1,
}
# AutoGluon's zero-shot portfolio of 2023 (Apache-2.0): RF_r195, RF_r127 and RF_r34, and
# XT_r42, XT_r172 and XT_r4; without their bounds on the leaves, which lie above 10,000.
FOREST_PORTFOLIO = (
    {"max_features": 0.75, "min_samples_leaf": 1},
    {"max_features": 1.0, "min_samples_leaf": 5},
    {"max_features": 0.75, "min_samples_leaf": 40},
)
EXTRA_PORTFOLIO = (
    {"max_features": 0.75, "min_samples_leaf": 1},
    {"max_features": 1.0, "min_samples_leaf": 4},
    {"max_features": 1.0, "min_samples_leaf": 20},
)


def _forest_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    space = {
        "max_features": _columns(facts),
        "min_samples_leaf": between(1, max(2, min(50, facts.n_fit // 20)), log=True),
        **_row_sample(estimator, facts, switch=size != "small"),
    }
    if size != "small":
        space["min_samples_split"] = _split_rows(facts)
        space["criterion"] = _criterion(estimator, facts)
    if size == "wide":
        space.update(_wide(estimator, facts, ["balanced", "balanced_subsample"]))
    return without_none(space)


def _extra_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    space = _forest_space(estimator, facts, size)
    if size == "small":
        space.pop("max_samples", None)
        space.update(without_none({"min_samples_split": _split_rows(facts)}))
    return space


def _columns(facts: DataFacts) -> Range | None:
    """Return the columns tried at a split, from about the square root of their number."""
    low = min(0.1, 1 / math.sqrt(facts.n_features)) if facts.n_classes else 0.3
    return facts.share_of_columns(low)


def _row_sample(estimator: Any, facts: DataFacts, switch: bool) -> dict[str, Any]:
    """Sample rows, where there is a bootstrap: scikit-learn refuses a share without it."""
    params = estimator.get_params(deep=False)
    share = facts.share_of_rows(0.4)
    if not switch or params.get("oob_score"):  # which needs a bootstrap
        return {"max_samples": share} if params.get("bootstrap") else {}
    bootstrap = {"bootstrap": [True, False]}
    return (
        bootstrap if share is None else {**bootstrap, "max_samples": When("bootstrap", True, share)}
    )


def _split_rows(facts: DataFacts) -> Range | None:
    return between(2, min(32, facts.n_fit // 4), log=True)


def _criterion(estimator: Any, facts: DataFacts) -> list[str] | None:
    chosen = not facts.n_classes or not is_untouched(estimator, "criterion")
    return None if chosen else ["gini", "entropy"]


def _wide(estimator: Any, facts: DataFacts, weights: list[str]) -> dict[str, Any]:
    unit = facts.y_variance
    leaves = [n for n in (64, 256, 1024, 4096) if n <= min(15_000, facts.n_fit // 2)]
    space: dict[str, Any] = {
        "min_impurity_decrease": (1e-7 * unit, 1e-2 * unit, "log-uniform"),
        "max_leaf_nodes": [None, *leaves] if leaves else None,
        "max_depth": [None, 8, 16],
        "ccp_alpha": (1e-8 * unit, 1e-2 * unit, "log-uniform"),
    }
    if facts.n_classes and is_untouched(estimator, "class_weight"):
        space["class_weight"] = [None, *weights]
    return space


def _spell(values: Values, facts: DataFacts) -> Values:
    """Write words as the share that means the same number of rows and columns."""
    values = dict(values)
    if values.get("bootstrap") and values.get("max_samples") is None:
        values["max_samples"] = 1.0
    exact = facts.columns_known or values.get("max_features") is None
    return with_column_share(values, facts.n_features) if exact else values


def _approximate(values: Values, facts: DataFacts) -> Values:
    return with_column_share(values, facts.n_features)


def _portfolio(*entries: Values, tuned: Values | None = None) -> Callable[..., list[Values]]:
    def portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
        first = [tuned] if tuned is not None and facts.n_classes else []
        return [*first, *entries]

    return portfolio


COMPLEXITY = fewer_leaves(
    "n_estimators",  # which a single tree has not
    leaves="max_leaf_nodes",
    depth="max_depth",
    leaf_rows="min_samples_leaf",
    split_rows="min_samples_split",
    pruning="ccp_alpha",
)

FOREST = Family(
    library="sklearn",
    classifiers=("RandomForestClassifier",),
    regressors=("RandomForestRegressor",),
    space=_forest_space,
    portfolio=_portfolio(*FOREST_PORTFOLIO, tuned=TUNED_FOREST),
    spell=_spell,
    approximate=_approximate,
    complexity=COMPLEXITY,
)

EXTRA = Family(
    library="sklearn",
    classifiers=("ExtraTreesClassifier",),
    regressors=("ExtraTreesRegressor",),
    space=_extra_space,
    portfolio=_portfolio(*EXTRA_PORTFOLIO),
    spell=_spell,
    approximate=_approximate,
    complexity=COMPLEXITY,
)


# -- single trees ----------------------------------------------------------------------------


def _tree_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    """Prune first: of a single tree's parameters the cost of a leaf matters most."""
    unit = facts.y_variance
    space: dict[str, Any] = {
        "ccp_alpha": (1e-5 * unit, 1e-1 * unit, "log-uniform"),
        "min_samples_leaf": between(1, facts.max_leaf_rows(), log=True),
    }
    if size != "small":
        space["min_samples_split"] = between(2, min(64, facts.n_fit // 4), log=True)
        space["max_depth"] = [None, 3, 5, 8, 12]
        space["criterion"] = _criterion(estimator, facts)
    if size == "wide":
        wide = _wide(estimator, facts, ["balanced"])
        space["max_features"] = facts.share_of_columns(0.3)
        space.update({name: wide[name] for name in wide if name not in space})
    return without_none(space)


TREE = Family(
    library="sklearn",
    classifiers=("DecisionTreeClassifier",),
    regressors=("DecisionTreeRegressor",),
    space=_tree_space,
    spell=_spell,
    approximate=_approximate,
    complexity=COMPLEXITY,
)

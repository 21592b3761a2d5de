"""XGBoost: what is known of ``XGBClassifier``, ``XGBRegressor`` and their forests.

Ranges follow TabArena (Apache-2.0) and the optima that are published with TabR on 54 data
sets: their minimum child weight is below 1 on three quarters of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..space import When
from .complexity import fewer_leaves
from .facts import DataFacts
from .family import Family, Values, is_untouched
from .ranges import between, learning_rate, without_none

# XGBoost's own name wins over the wrapper's where both are given,
NATIVE = {"gamma": "min_split_loss", "n_jobs": "nthread"}
# and here the wrapper's own, unless it is None.
SHADOWED = {"learning_rate": "eta", "reg_alpha": "alpha", "reg_lambda": "lambda"}

# Optima of 54 data sets: the number of rounds times the learning rate has the median 22.
LEARNING = 22.0

# pytabkit's tuned defaults (Apache-2.0), XGB_TD_CLASS and XGB_TD_REG.
TUNED_CLASSIFIER = {
    "learning_rate": 0.08,
    "max_depth": 6,
    "min_child_weight": 5e-6,
    "subsample": 0.65,
    "colsample_bylevel": 0.9,
    "reg_lambda": 0.0,
}
TUNED_REGRESSOR = {
    "learning_rate": 0.05,
    "max_depth": 9,
    "min_child_weight": 2.0,
    "subsample": 0.7,
    "reg_lambda": 0.0,
}

# AutoGluon's zero-shot portfolio of 2023 (Apache-2.0): XGB_r33, XGB_r89, XGB_r31.
PORTFOLIO = (
    {
        "learning_rate": 0.018063876087523967,
        "max_depth": 10,
        "min_child_weight": 0.6028633586934382,
        "colsample_bytree": 0.6917311125174739,
    },
    {
        "learning_rate": 0.08775715546881824,
        "max_depth": 5,
        "min_child_weight": 0.6294123374222513,
        "colsample_bytree": 0.6628423832084077,
    },
    {
        "learning_rate": 0.009974712407899168,
        "max_depth": 4,
        "min_child_weight": 0.9238550485581797,
        "colsample_bytree": 0.7506621909633511,
    },
)


def effective_name(params: Mapping[str, Any], name: str) -> str:
    """Return the name that takes effect where several of one parameter are given."""
    native, shadowed = NATIVE.get(name), SHADOWED.get(name)
    if native in params:
        return native
    return shadowed if shadowed in params and params.get(name) is None else name


def _trees(estimator: Any, facts: DataFacts, size: str) -> Values:
    space = {
        "learning_rate": learning_rate(size),
        "n_estimators": facts.rounds(50, 1000),
        "min_child_weight": facts.child_weight(),
        "max_depth": between(2, facts.max_depth(14 if size == "wide" else 10)),
        "subsample": facts.share_of_rows(0.5),
        "colsample_bytree": facts.share_of_columns(0.4),
        "max_bin": _bins(estimator, facts),
    }
    if size != "small":
        space["reg_lambda"] = (1e-6, 10.0, "log-uniform")
        space["reg_alpha"] = (1e-6, 10.0, "log-uniform")
        space["gamma"] = (1e-6, 1.0, "log-uniform")
    if size == "wide":
        space.update(_wide(estimator, facts))
    return without_none(space)


def _bins(estimator: Any, facts: DataFacts) -> list[int] | None:
    """As many bins as the rows can fill."""
    method = estimator.get_params(deep=False).get("tree_method")
    known = method != "exact" and is_untouched(estimator, "max_bin")
    return [facts.bins()] if known and facts.bins() else None


def _wide(estimator: Any, facts: DataFacts) -> dict[str, Any]:
    params = estimator.get_params(deep=False)
    space: dict[str, Any] = {"colsample_bylevel": facts.share_of_columns(0.5)}
    if params.get("tree_method") != "exact":  # it knows none of these
        space["colsample_bynode"] = facts.share_of_columns(0.5)
        space["max_bin"] = [64, 128, 256, 512]
        space.update(_growth(estimator, facts))
    if facts.has_categories and params.get("enable_categorical"):
        space["max_cat_to_onehot"] = (4, 100, "log-uniform")
    if facts.is_skewed:
        space["max_delta_step"] = [0, 1, 3, 10]
        if is_untouched(estimator, "scale_pos_weight"):
            space["scale_pos_weight"] = _class_weight(facts)
    return space


def _growth(estimator: Any, facts: DataFacts) -> dict[str, Any]:
    """Grow by leaves, which makes another model only together with a bound on them."""
    leaves = between(8, facts.max_leaves(wide=True), log=True)
    if facts.is_small or leaves is None:
        return {}
    if is_untouched(estimator, "grow_policy"):
        return {
            "grow_policy": ["depthwise", "lossguide"],
            "max_leaves": When("grow_policy", "lossguide", leaves),
        }
    by_leaves = estimator.get_params(deep=False)["grow_policy"] == "lossguide"
    return {"max_leaves": leaves} if by_leaves else {}


def _class_weight(facts: DataFacts) -> Any:
    """Weigh the second class: from 1 to what balances it."""
    balanced = (1 - facts.positive_share) / facts.positive_share
    return between(*sorted((1.0, balanced)), log=True)


def _linear(estimator: Any, facts: DataFacts, size: str) -> Values:
    return {
        "learning_rate": (0.05, 1.0, "log-uniform"),
        "n_estimators": (50, 500, "log-uniform"),
        "reg_lambda": (1e-6, 10.0, "log-uniform"),
        "reg_alpha": (1e-6, 10.0, "log-uniform"),
    }


def _forest(estimator: Any, facts: DataFacts, size: str) -> Values:
    """A forest's trees stand side by side: no learning rate, and deep ones."""
    space = {
        "max_depth": between(3, facts.max_depth(14)),
        "min_child_weight": facts.child_weight(),
        "subsample": facts.share_of_rows(0.4),
        "colsample_bynode": facts.share_of_columns(0.2),
    }
    if size != "small":
        space["reg_lambda"] = (1e-6, 10.0, "log-uniform")
        space["gamma"] = (1e-6, 1.0, "log-uniform")
    if estimator.get_params(deep=False).get("tree_method") == "exact":
        del space["colsample_bynode"]
    return without_none(space)


def _portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
    tuned = TUNED_CLASSIFIER if facts.n_classes else TUNED_REGRESSOR
    # All were published with early stopping, hence without a number of rounds; and for large
    # data, hence with deep trees.
    most = facts.usual_depth()
    return [
        {
            **entry,
            "n_estimators": round(LEARNING / entry["learning_rate"]),
            "max_depth": min(most, entry["max_depth"]),
        }
        for entry in (tuned, *PORTFOLIO)
    ]


def _is_linear(estimator: Any) -> bool:
    return estimator.get_params(deep=False).get("booster") == "gblinear"


XGBOOST_LINEAR = Family(
    library="xgboost",
    classifiers=("XGBClassifier",),
    regressors=("XGBRegressor",),
    space=_linear,
    defaults={"learning_rate": 0.5, "n_estimators": 100, "reg_alpha": 0.0, "reg_lambda": 0.0},
    rename=effective_name,
    threads="n_jobs",
    rounds="n_estimators",
    applies=_is_linear,
)

TREE_DEFAULTS = {
    "colsample_bylevel": 1.0,
    "colsample_bynode": 1.0,
    "colsample_bytree": 1.0,
    "gamma": 0.0,
    "grow_policy": "depthwise",
    "learning_rate": 0.3,
    "max_bin": 256,
    "max_cat_to_onehot": 4,
    "max_delta_step": 0,
    "max_depth": 6,
    "max_leaves": 0,
    "min_child_weight": 1.0,
    "n_estimators": 100,
    "reg_alpha": 0.0,
    "reg_lambda": 1.0,
    "scale_pos_weight": 1.0,
    "subsample": 1.0,
}

COMPLEXITY = fewer_leaves("n_estimators", leaves="max_leaves", depth="max_depth")

XGBOOST = Family(
    library="xgboost",
    classifiers=("XGBClassifier",),
    regressors=("XGBRegressor",),
    space=_trees,
    defaults=TREE_DEFAULTS,
    portfolio=_portfolio,
    rename=effective_name,
    threads="n_jobs",
    rounds="n_estimators",
    complexity=COMPLEXITY,
)

XGBOOST_FOREST = Family(
    library="xgboost",
    classifiers=("XGBRFClassifier",),
    regressors=("XGBRFRegressor",),
    space=_forest,
    defaults=TREE_DEFAULTS,
    rename=effective_name,
    threads="n_jobs",
    complexity=COMPLEXITY,
)

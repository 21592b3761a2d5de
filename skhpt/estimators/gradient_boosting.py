"""scikit-learn's gradient boosting: on histograms of the features, and on the exact values."""

from __future__ import annotations

from typing import Any

from . import lightgbm
from .complexity import fewer_leaves
from .facts import DataFacts
from .family import Family, Values, is_untouched
from .ranges import between, learning_rate, with_column_share, without_none

# -- histograms ----------------------------------------------------------------------------


def _histogram_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    space = {
        "learning_rate": learning_rate(size),
        "max_iter": facts.rounds(50, 500),
        "max_leaf_nodes": between(4, facts.max_leaves(), log=True),
        "min_samples_leaf": between(2, facts.max_leaf_rows(), log=True),
        "l2_regularization": (1e-6, 10.0, "log-uniform"),
    }
    # A category needs a bin of its own, and there may be more of them than bins.
    numeric = not facts.has_categories and is_untouched(estimator, "categorical_features")
    if numeric and facts.bins() and is_untouched(estimator, "max_bins"):
        space["max_bins"] = [facts.bins() - 1]
    if size != "small":
        space["max_features"] = facts.share_of_columns(0.4)
        space["max_depth"] = [None, 3, 5, 8]
    if size == "wide":
        if numeric:
            space["max_bins"] = [63, 127, 255]
        if facts.n_classes and is_untouched(estimator, "class_weight"):
            space["class_weight"] = [None, "balanced"]
    return without_none(space)


def _approximate_leaves(values: Values, facts: DataFacts) -> Values:
    leaves = values.get("max_leaf_nodes")
    return {**values, "max_leaf_nodes": facts.max_leaves() if leaves is None else leaves}


def _histogram_portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
    """Translate LightGBM's: the same algorithm, except that columns are sampled by node."""
    tuned = lightgbm.TUNED_CLASSIFIER if facts.n_classes else lightgbm.TUNED_REGRESSOR
    return [
        {
            "learning_rate": entry["learning_rate"],
            "max_leaf_nodes": min(facts.usual_leaves(), entry["num_leaves"]),
            "min_samples_leaf": entry["min_child_samples"],
            "max_iter": round(lightgbm.LEARNING / entry["learning_rate"]),
        }
        for entry in (tuned, *lightgbm.PORTFOLIO[:2])
    ]


HISTOGRAM = Family(
    library="sklearn",
    classifiers=("HistGradientBoostingClassifier",),
    regressors=("HistGradientBoostingRegressor",),
    space=_histogram_space,
    portfolio=_histogram_portfolio,
    approximate=_approximate_leaves,
    rounds="max_iter",
    complexity=fewer_leaves(
        "max_iter", leaves="max_leaf_nodes", depth="max_depth", leaf_rows="min_samples_leaf"
    ),
)


# -- exact values ----------------------------------------------------------------------------


def _exact_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    space = {
        "learning_rate": learning_rate(size),
        "n_estimators": facts.rounds(50, 500),
        "max_depth": between(2, facts.max_depth(8)),
        "subsample": facts.share_of_rows(0.5),
        "max_features": facts.share_of_columns(0.2),
    }
    if size != "small":
        space["min_samples_leaf"] = between(1, facts.max_leaf_rows(0.5), log=True)
        space["min_samples_split"] = between(2, min(32, facts.n_fit // 4), log=True)
    if size == "wide":
        low, high = 1e-8 * facts.y_variance, 1e-2 * facts.y_variance
        space["min_impurity_decrease"] = (low, high, "log-uniform")
        space["ccp_alpha"] = (low, high, "log-uniform")
        space["loss"] = _losses(facts) if is_untouched(estimator, "loss") else None
    return without_none(space)


def _losses(facts: DataFacts) -> list[str] | None:
    if not facts.n_classes:
        return ["squared_error", "huber", "absolute_error"]
    return ["log_loss", "exponential"] if facts.n_classes == 2 else None


def _spell_features(values: Values, facts: DataFacts) -> Values:
    every = values.get("max_features") is None
    return {**values, "max_features": 1.0} if every else values


def _approximate_features(values: Values, facts: DataFacts) -> Values:
    return with_column_share(values, facts.n_features)


EXACT = Family(
    library="sklearn",
    classifiers=("GradientBoostingClassifier",),
    regressors=("GradientBoostingRegressor",),
    space=_exact_space,
    spell=_spell_features,
    approximate=_approximate_features,
    rounds="n_estimators",
    complexity=fewer_leaves(
        "n_estimators",
        leaves="max_leaf_nodes",
        depth="max_depth",
        leaf_rows="min_samples_leaf",
        split_rows="min_samples_split",
        pruning="ccp_alpha",
    ),
)

"""LightGBM: what is known of ``LGBMClassifier`` and ``LGBMRegressor``.

Ranges follow TabArena (Apache-2.0) and the optima that are published with TabR on 54 data
sets; the caps by the number of rows keep small data from trees that cannot split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .complexity import fewer_leaves
from .facts import DataFacts
from .family import Family, Values, is_untouched
from .ranges import between, learning_rate, without_none

# The name that LightGBM itself uses, then the other names of the same parameter. The
# library's own name wins over all; of the others, the shortest does.
ALIASES: dict[str, tuple[str, ...]] = {
    "boosting_type": ("boosting", "boosting_type", "boost"),
    "colsample_bynode": (
        "feature_fraction_bynode",
        "colsample_bynode",
        "sub_feature_bynode",
    ),
    "colsample_bytree": ("feature_fraction", "colsample_bytree", "sub_feature"),
    "extra_trees": ("extra_trees", "extra_tree"),
    "max_bin": ("max_bin", "max_bins"),
    "min_child_samples": (
        "min_data_in_leaf",
        "min_child_samples",
        "min_data",
        "min_data_per_leaf",
        "min_samples_leaf",
    ),
    "min_child_weight": (
        "min_sum_hessian_in_leaf",
        "min_child_weight",
        "min_hessian",
        "min_sum_hessian",
        "min_sum_hessian_per_leaf",
    ),
    "min_split_gain": ("min_gain_to_split", "min_split_gain"),
    "n_estimators": (
        "num_iterations",
        "max_iter",
        "n_iter",
        "nrounds",
        "num_boost_round",
        "num_iteration",
        "num_round",
        "num_rounds",
        "num_tree",
        "num_trees",
    ),
    "n_jobs": ("num_threads", "n_jobs", "nthread", "nthreads", "num_thread"),
    "reg_alpha": ("lambda_l1", "l1_regularization", "reg_alpha"),
    "reg_lambda": ("lambda_l2", "l2_regularization", "lambda", "reg_lambda"),
    "verbose": ("verbosity", "verbose"),
    "subsample": ("bagging_fraction", "bagging", "sub_row", "subsample"),
    "subsample_freq": ("bagging_freq", "subsample_freq"),
}

# Optima of 54 data sets: the number of rounds times the learning rate has the median 18.
LEARNING = 18.0

# pytabkit's tuned defaults (Apache-2.0), LGBM_TD_CLASS and LGBM_TD_REG.
TUNED_CLASSIFIER = {
    "learning_rate": 0.04,
    "num_leaves": 50,
    "min_child_samples": 40,
    "min_child_weight": 1e-7,
    "subsample": 0.75,
    "colsample_bytree": 1.0,
    "max_bin": 255,
}
TUNED_REGRESSOR = {
    "learning_rate": 0.05,
    "num_leaves": 100,
    "min_child_samples": 3,
    "min_child_weight": 1e-7,
    "subsample": 0.7,
    "colsample_bytree": 1.0,
    "max_bin": 255,
}

# AutoGluon's zero-shot portfolios (Apache-2.0): GBM_r131 and GBM_r96 of 2023, GBM_r177 of
# 2025-12 for CPUs.
PORTFOLIO = (
    {
        "extra_trees": False,
        "learning_rate": 0.012144796373999013,
        "num_leaves": 53,
        "min_child_samples": 14,
        "colsample_bytree": 0.7023601671276614,
    },
    {
        "extra_trees": True,
        "learning_rate": 0.01518660230385841,
        "num_leaves": 16,
        "min_child_samples": 48,
        "colsample_bytree": 0.5636931414546802,
    },
    {
        "extra_trees": True,
        "learning_rate": 0.0178593900218,
        "num_leaves": 39,
        "min_child_samples": 3,
        "subsample": 0.8769107816033,
        "colsample_bytree": 0.4622189821941,
        "reg_alpha": 0.2375070586896,
        "reg_lambda": 0.3551561351804,
        "cat_l2": 0.3418014393813,
        "cat_smooth": 15.4304556649114,
        "max_cat_to_onehot": 16,
        "min_data_per_group": 9,
    },
)


def effective_name(params: Mapping[str, Any], name: str) -> str:
    """Return the name that takes effect where several of one parameter are given."""
    if name not in ALIASES:
        return name
    native, *others = ALIASES[name]
    if native in params:
        return native
    return min((n for n in others if n in params), key=lambda n: (len(n), n), default=name)


def _names_known() -> frozenset[str] | None:
    """Every parameter and alias; by the library's own list, which it does not publish."""
    try:
        from lightgbm.basic import _ConfigAliases

        aliases = _ConfigAliases._get_all_param_aliases()
    except (ImportError, AttributeError):
        return None
    return frozenset(aliases).union(*aliases.values())


def _space(estimator: Any, facts: DataFacts, size: str) -> Values:
    params = estimator.get_params(deep=False)
    forest = _get(params, "boosting_type") in ("rf", "random_forest")
    small = size == "small"
    share = 0.5 if forest or not small else 1.0
    space = {
        "learning_rate": None if forest else learning_rate(size),
        "n_estimators": facts.rounds(50, 1000),
        "num_leaves": between(4, facts.max_leaves(size == "wide"), log=True),
        "min_child_samples": between(2, facts.max_leaf_rows(share), log=True),
        "colsample_bytree": facts.share_of_columns(0.4),
        "max_bin": _bins(params, facts),
    }
    if forest or not small:
        space.update(_row_sample(estimator, params, facts, forest))
    if not small:
        space.update(_regularisation(facts))
    if size == "wide":
        space.update(_wide(estimator, params, facts))
    return without_none(space)


def _bins(params: Mapping[str, Any], facts: DataFacts) -> list[int] | None:
    """As many bins as the rows can fill; one more is for missing values."""
    bins, name = facts.bins(), effective_name(params, "max_bin")
    by_column = {"max_bin_by_feature", "forcedbins_filename"} & set(params)
    return [bins - 1] if bins and name not in params and not by_column else None


def _row_sample(estimator: Any, params: Mapping[str, Any], facts: DataFacts, forest: bool) -> dict:
    """Sample rows, which LightGBM does only with a frequency, and GOSS never allows."""
    goss = "goss" in (params.get("data_sample_strategy"), _get(params, "boosting_type"))
    share = facts.share_of_rows(0.5, 0.95 if forest else 1.0)  # a forest must sample
    frequency = effective_name(params, "subsample_freq")
    if goss or share is None:
        return {}
    if frequency == "subsample_freq" and is_untouched(estimator, frequency):
        return {"subsample": share, "subsample_freq": [1]}
    return {"subsample": share} if params.get(frequency) else {}


def _regularisation(facts: DataFacts) -> dict[str, Any]:
    return {
        "reg_lambda": (1e-6, 10.0, "log-uniform"),
        "reg_alpha": (1e-6, 10.0, "log-uniform"),
        "extra_trees": None if facts.is_small else [False, True],
    }


def _wide(estimator: Any, params: Mapping[str, Any], facts: DataFacts) -> dict[str, Any]:
    on_gpu = {params.get("device_type"), params.get("device")} & {"gpu", "cuda"}
    space = {
        "min_child_weight": facts.child_weight(1e-4),
        "min_split_gain": (1e-6, 1.0, "log-uniform"),
        "max_depth": [-1, 4, 6, 8, 12],
        "max_bin": [63, 127, 255] if on_gpu else [63, 127, 255, 511],
        "path_smooth": (1e-3, 10.0, "log-uniform"),
        "colsample_bynode": facts.share_of_columns(0.4),
    }
    weighted = {"is_unbalance", "unbalance", "unbalanced_sets", "scale_pos_weight"} & set(params)
    if facts.n_classes and not weighted and is_untouched(estimator, "class_weight"):
        space["class_weight"] = [None, "balanced"]
    if facts.has_categories:
        space["cat_smooth"] = (1e-3, 100.0, "log-uniform")
        space["cat_l2"] = (5e-3, 2.0, "log-uniform")
        space["min_data_per_group"] = (2, 100, "log-uniform")
        space["max_cat_to_onehot"] = (4, 100, "log-uniform")
    return space


def _get(params: Mapping[str, Any], name: str) -> Any:
    return params.get(effective_name(params, name))


def _spell(values: Values, facts: DataFacts) -> Values:
    """Without a frequency no rows are sampled, whatever their share is said to be."""
    by_class = {"pos_bagging_fraction", "neg_bagging_fraction", "pos_bagging", "neg_bagging"}
    if values.get("subsample_freq") or by_class & set(values):
        return values
    return {**values, "subsample": 1.0, "subsample_freq": 1}


def _portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
    tuned = TUNED_CLASSIFIER if facts.n_classes else TUNED_REGRESSOR
    # All were published with early stopping, hence without a number of rounds; and for large
    # data, hence with large trees.
    most = facts.usual_leaves()
    return [
        {
            **entry,
            "n_estimators": round(LEARNING / entry["learning_rate"]),
            "num_leaves": min(most, entry["num_leaves"]),
        }
        for entry in (tuned, *PORTFOLIO)
    ]


LIGHTGBM = Family(
    library="lightgbm",
    classifiers=("LGBMClassifier",),
    regressors=("LGBMRegressor",),
    space=_space,
    defaults={
        "cat_l2": 10.0,
        "cat_smooth": 10.0,
        "colsample_bynode": 1.0,
        "extra_trees": False,
        "max_bin": 255,
        "max_cat_to_onehot": 4,
        "min_data_per_group": 100,
        "path_smooth": 0.0,
    },
    portfolio=_portfolio,
    spell=_spell,
    rename=effective_name,
    threads="n_jobs",
    quiet={"verbose": -1},
    names_known=_names_known,
    rounds="n_estimators",
    complexity=fewer_leaves(
        "n_estimators", leaves="num_leaves", depth="max_depth", leaf_rows="min_child_samples"
    ),
)

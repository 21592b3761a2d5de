"""CatBoost: what is known of ``CatBoostClassifier`` and ``CatBoostRegressor``.

Ranges follow TabArena and AutoGluon (Apache-2.0), pytabkit's shrinkage of them, and the library's
own advice on the depth ("in most cases the optimal depth ranges from 4 to 10"). Row sampling
is Bernoulli's, as in TabArena: a share of rows means nothing to the library's other default,
Bayesian weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ..space import When
from .complexity import fewer_leaves
from .facts import DataFacts
from .family import Family, Values
from .ranges import between, learning_rate, without_none

# The names of one parameter, of which CatBoost allows one at a time; first that of the spaces.
ALIASES: dict[str, tuple[str, ...]] = {
    "border_count": ("border_count", "max_bin"),
    "depth": ("depth", "max_depth"),
    "iterations": ("iterations", "n_estimators", "num_boost_round", "num_trees"),
    "l2_leaf_reg": ("l2_leaf_reg", "reg_lambda"),
    "learning_rate": ("learning_rate", "eta"),
    "loss_function": ("loss_function", "objective"),
    "max_leaves": ("max_leaves", "num_leaves"),
    "min_data_in_leaf": ("min_data_in_leaf", "min_child_samples"),
    "random_seed": ("random_seed", "random_state"),
    "rsm": ("rsm", "colsample_bylevel"),
    "verbose": ("verbose", "verbose_eval", "logging_level", "silent"),
}
# With each of them the user has said that there are to be files.
WRITES = {"allow_writing_files": ("train_dir", "save_snapshot", "snapshot_file")}
DEFAULT_ROUNDS = 1000

# Optima of 54 data sets: the number of rounds times the learning rate has the median 74.
LEARNING = 74.0
# Where the library would choose a rate by the number of rounds, and where to begin instead.
FIXED_RATE = 0.03
# Each of them, set, makes the learning rate that is not set the fixed one.
UNSETS_AUTO_RATE = ("l2_leaf_reg", "leaf_estimation_iterations", "leaf_estimation_method")
# Losses for which more than one step to a leaf's value is of use, and which do not sort.
STEPPED = (None, "Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", "RMSE", "Poisson")

# pytabkit's tuned defaults (Apache-2.0), CB_TD_CLASS and CB_TD_REG.
TUNED_CLASSIFIER = {
    "learning_rate": 0.08,
    "depth": 7,
    "l2_leaf_reg": 1e-5,
    "subsample": 0.9,
    "random_strength": 0.8,
    "one_hot_max_size": 15,
    "leaf_estimation_iterations": 1,
}
TUNED_REGRESSOR = {
    "learning_rate": 0.09,
    "depth": 9,
    "l2_leaf_reg": 1e-5,
    "subsample": 0.9,
    "one_hot_max_size": 20,
    "leaf_estimation_iterations": 20,
}

# AutoGluon's zero-shot portfolio of 2023 (Apache-2.0): CAT_r177, CAT_r9, CAT_r137.
PORTFOLIO = (
    {
        "learning_rate": 0.06864209415792857,
        "depth": 6,
        "grow_policy": "SymmetricTree",
        "l2_leaf_reg": 2.1542798306067823,
        "max_ctr_complexity": 4,
        "one_hot_max_size": 10,
    },
    {
        "learning_rate": 0.031375015734637225,
        "depth": 8,
        "grow_policy": "Depthwise",
        "l2_leaf_reg": 2.7997999596449104,
        "max_ctr_complexity": 2,
        "one_hot_max_size": 3,
    },
    {
        "learning_rate": 0.04939557741379516,
        "depth": 4,
        "grow_policy": "SymmetricTree",
        "l2_leaf_reg": 4.559174625782161,
        "max_ctr_complexity": 3,
        "one_hot_max_size": 3,
    },
)


def effective_name(params: Mapping[str, Any], name: str) -> str:
    """Return the name under which a parameter is given; `name` if it is not."""
    others = WRITES.get(name, ())
    for aliases in ALIASES.values():
        others = aliases if name in aliases else others
    return next((other for other in others if other in params and other != name), name)


def by_first_name(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters under the first of their names."""
    first = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
    return {first.get(name, name): value for name, value in params.items()}


def rate_follows_rounds(params: Mapping[str, Any]) -> bool:
    """Whether CatBoost itself chooses a learning rate, by the number of rounds among others.

    Parameters
    ----------
    params : mapping
        Those that are set, under any of their names.
    """
    known = by_first_name(params)
    is_set = {name for name, value in known.items() if value is not None}
    rated = known.get("loss_function") in (None, "Logloss", "MultiClass", "RMSE")
    return rated and not is_set & {"learning_rate", *UNSETS_AUTO_RATE}


def _names_known() -> frozenset[str]:
    import catboost

    known = inspect.signature(catboost.CatBoostClassifier.__init__).parameters
    return frozenset(known) - {"self"}


def _space(estimator: Any, facts: DataFacts, size: str) -> Values:
    params = by_first_name(estimator.get_params(deep=False))
    wide = size == "wide"
    low, high = (3, 10) if wide else (4, 8)
    space = {
        "learning_rate": learning_rate(size),
        "iterations": facts.rounds(50, 1000),
        "depth": between(low, facts.max_depth(high)),
        "l2_leaf_reg": (1e-2, 10.0, "log-uniform"),
        "leaf_estimation_iterations": _steps(params, size),
    }
    if size != "small":
        space.update(_row_sample(params, facts, wide))
        space["rsm"] = facts.share_of_columns(0.6) if _on_cpu(params) else None
        if facts.has_categories:
            space["one_hot_max_size"] = (2, 100, "log-uniform")
    if wide:
        space.update(_wide(params, facts))
    return without_none(space)


def _on_cpu(params: Mapping[str, Any]) -> bool:
    return params.get("task_type") in (None, "CPU")


def _steps(params: Mapping[str, Any], size: str) -> Any:
    """Steps to the values of the leaves.

    One in a small space, as in pytabkit's defaults for classes. Left alone, CatBoost takes one or
    ten, by the number of rounds, which is searched.
    """
    name = "leaf_estimation_iterations"
    if "leaf_estimation_method" in params or params.get("loss_function") not in STEPPED:
        return None
    if size != "small":
        return (1, 10, "log-uniform")
    return None if name in params else [1]


def _row_sample(params: Mapping[str, Any], facts: DataFacts, wide: bool) -> dict[str, Any]:
    """Sample rows in the way that the user has chosen, or by Bernoulli's."""
    share, kind = facts.share_of_rows(0.5), params.get("bootstrap_type")
    if kind is None and "bagging_temperature" in params:
        kind = "Bayesian"
    if kind == "Bayesian":
        return {"bagging_temperature": (0.0, 2.0 if wide else 1.0, "uniform")}
    if share is None or kind == "No":
        return {}
    if kind is not None or "mvs_reg" in params:
        return {"subsample": share}
    if not wide:
        return {"subsample": share, "bootstrap_type": ["Bernoulli"]}
    return {
        "bootstrap_type": ["Bernoulli", "MVS", "Bayesian"],
        "subsample": When("bootstrap_type", ["Bernoulli", "MVS"], share),
        "bagging_temperature": When("bootstrap_type", "Bayesian", (0.0, 2.0, "uniform")),
    }


def _wide(params: Mapping[str, Any], facts: DataFacts) -> dict[str, Any]:
    space: dict[str, Any] = {"random_strength": (1e-2, 10.0, "log-uniform")}
    if "border_count" not in params:
        space["border_count"] = [64, 128, 254]
    # Trees that are not symmetric know neither ordered boosting nor constraints.
    if not {"boosting_type", "monotone_constraints", "grow_policy"} & set(params):
        space["grow_policy"] = ["SymmetricTree", "Depthwise"]
        leaf = between(1, facts.max_leaf_rows(0.5), log=True)
        space["min_data_in_leaf"] = leaf and When("grow_policy", "Depthwise", leaf)
    weighted = {"class_weights", "auto_class_weights", "scale_pos_weight"} & set(params)
    if facts.n_classes and not weighted:
        space["auto_class_weights"] = ["None", "Balanced"]
    if facts.has_categories:
        space["max_ctr_complexity"] = (1, 5, "uniform")
        space["model_size_reg"] = (0.1, 1.5, "log-uniform")
    return space


def _spell(values: Values, facts: DataFacts) -> Values:
    """Without what would keep CatBoost from choosing the learning rate of a model as given."""
    plain = {n for n in UNSETS_AUTO_RATE if n in values and values[n] == DEFAULTS.get(n)}
    rest = {name: value for name, value in values.items() if name not in plain}
    return rest if rate_follows_rounds(rest) else values


def _approximate(values: Values, facts: DataFacts) -> Values:
    """Numbers for what the library chooses by the data and the number of rounds."""
    close = {
        "learning_rate": FIXED_RATE,
        "l2_leaf_reg": DEFAULTS["l2_leaf_reg"],
        "leaf_estimation_iterations": 1,
        "bootstrap_type": "MVS",
        "subsample": 0.8,
        "bagging_temperature": 1.0,
    }
    known = by_first_name(values)
    return {name: value for name, value in close.items() if name not in known}


def _portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
    tuned = TUNED_CLASSIFIER if facts.n_classes else TUNED_REGRESSOR
    # All were published with early stopping, hence without a number of rounds; and for large
    # data, hence with deep trees.
    most = facts.usual_depth()
    return [
        {
            **entry,
            "iterations": round(LEARNING / entry["learning_rate"]),
            "depth": min(most, entry["depth"]),
        }
        for entry in (tuned, *PORTFOLIO)
    ]


DEFAULTS = {
    "auto_class_weights": "None",
    "border_count": 254,
    "depth": 6,
    "grow_policy": "SymmetricTree",
    "iterations": DEFAULT_ROUNDS,
    "l2_leaf_reg": 3.0,
    "max_ctr_complexity": 4,
    "min_data_in_leaf": 1,
    "model_size_reg": 0.5,
    "one_hot_max_size": 2,
    "random_strength": 1.0,
    "rsm": 1.0,
}

CATBOOST = Family(
    library="catboost",
    classifiers=("CatBoostClassifier",),
    regressors=("CatBoostRegressor",),
    space=_space,
    defaults=DEFAULTS,
    portfolio=_portfolio,
    spell=_spell,
    approximate=_approximate,
    rename=effective_name,
    threads="thread_count",
    quiet={"verbose": False, "allow_writing_files": False},
    names_known=_names_known,
    rounds="iterations",
    complexity=fewer_leaves("iterations", depth="depth"),
)

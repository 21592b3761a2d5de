"""Neural networks: scikit-learn's MLPs, and the ranges of any network of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..space import Layers, When
from .complexity import Complexity
from .facts import DataFacts
from .family import Family, Values, is_untouched

# What is known of networks, whatever library trains them. The decay is AdamW's.
NETWORK = {
    "learning_rate": (1e-5, 1e-1, "log-uniform"),
    "batch_size": [32, 64, 128, 256, 512],
    "dropout": (0.0, 0.5, "uniform"),
    "weight_decay": (1e-6, 1e-2, "log-uniform"),
}

# scikit-learn's alpha is not AdamW's decay: it is a penalty on the loss, divided by the
# batch size, and its optima reach further up.
ALPHA = (1e-6, 1.0, "log-uniform")

# Adam moves a weight by about the rate in a step. The table sizes that scikit-learn's networks
# are for have some thousands of steps in 500 epochs: with 1e-5 they end where they began.
RATE = (1e-4, 1e-1, "log-uniform")

# NN_TORCH_r14 and r41 of AutoGluon's zero-shot portfolio of 2023, and pytabkit's vanilla MLP
# (both Apache-2.0), as far as scikit-learn's networks can be told of them. They leave alpha where
# it is; the first one is ours: a surrogate that has seen one alpha alone stays beside it. The
# largest comes last, when there is something to race it against.
PORTFOLIO = (
    {
        "hidden_layer_sizes": (256,),
        "activation": "relu",
        "learning_rate_init": 1e-3,
        "batch_size": 32,
        "alpha": 1e-2,
    },
    {
        "hidden_layer_sizes": (106,),
        "activation": "relu",
        "learning_rate_init": 0.0018297905295930797,
    },
    {
        "hidden_layer_sizes": (32,) * 4,
        "activation": "relu",
        "learning_rate_init": 0.0075612897834015985,
    },
    {
        "hidden_layer_sizes": (256, 256, 256),
        "activation": "relu",
        "learning_rate_init": 1e-3,
        "batch_size": 256,
    },
)


def _space(estimator: Any, facts: DataFacts, size: str) -> Values:
    solver = estimator.get_params(deep=False).get("solver", "adam")
    stops = solver != "lbfgs" and _can_stop_early(estimator, facts)
    learning = {} if solver == "lbfgs" else _learning(facts, size)
    if size == "wide" and solver == "adam":
        learning["beta_1"] = (0.85, 0.95, "uniform")
        learning["beta_2"] = [0.99, 0.999]
    if size == "wide" and stops and is_untouched(estimator, "validation_fraction"):
        learning["validation_fraction"] = [0.1, 0.2]
    if size == "wide" and is_untouched(estimator, "solver"):
        learning = {name: When("solver", "adam", entry) for name, entry in learning.items()}
        learning["solver"] = ["adam", "lbfgs"]
    space = {
        **learning,
        "alpha": ALPHA,
        "hidden_layer_sizes": _layers(facts, size),
        **_training(estimator, stops),
    }
    if size != "small" and is_untouched(estimator, "activation"):
        space["activation"] = ["relu", "tanh"]
    return space


def _learning(facts: DataFacts, size: str) -> dict[str, Any]:
    """Return what only a stochastic solver uses."""
    if size == "small":
        return {"learning_rate_init": RATE}
    sizes = batch_sizes(facts)
    batches = {"batch_size": sizes} if sizes else {}
    return {"learning_rate_init": RATE, **batches}


def batch_sizes(facts: DataFacts) -> list[int]:
    """Return the batch sizes that leave several steps an epoch, after rows for stopping."""
    largest = min(max(32, facts.n_fit // 4), int(0.8 * facts.n_fit))
    return [size for size in NETWORK["batch_size"] if size <= largest]


def _layers(facts: DataFacts, size: str) -> Layers:
    cap = 512 if facts.n_fit >= 2000 else 256 if facts.n_fit >= 500 else 128
    width = min(cap, 256) if size == "small" else cap
    return Layers(depth=(1, 5 if size == "wide" else 3), width=(16, width))


def _can_stop_early(estimator: Any, facts: DataFacts) -> bool:
    """Whether the fit may set rows aside: enough of them, and some of every class."""
    if facts.is_small or not is_untouched(estimator, "early_stopping"):
        return False
    return not facts.n_classes or (facts.n_min >= 2 and facts.n_fit // 10 >= facts.n_classes)


def _training(estimator: Any, stops: bool) -> dict[str, Any]:
    """Train until it no longer helps, where the user has not said how long."""
    fixed = {"max_iter": [500]}
    if stops:
        fixed.update(early_stopping=[True], n_iter_no_change=[20])
    return {name: value for name, value in fixed.items() if is_untouched(estimator, name)}


def _approximate(values: Values, facts: DataFacts) -> Values:
    if values.get("batch_size") != "auto":
        return values
    sizes = batch_sizes(facts) or NETWORK["batch_size"]
    return {**values, "batch_size": min(sizes, key=lambda size: abs(size - 200))}


def _portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
    return list(PORTFOLIO)


def _neurons(values: Values, facts: DataFacts) -> tuple[float, ...]:
    return float(np.sum(values["hidden_layer_sizes"])), -float(values["alpha"])


MLP = Family(
    library="sklearn",
    classifiers=("MLPClassifier",),
    regressors=("MLPRegressor",),
    space=_space,
    portfolio=_portfolio,
    approximate=_approximate,
    rounds="max_iter",
    complexity=Complexity(("hidden_layer_sizes", "alpha"), _neurons),
)

"""scikit-learn's linear models, support vector machines and nearest neighbours.

All of them expect features of about unit variance; where a parameter is in units of the
target, its range is too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..space import When
from .complexity import Complexity, less, more
from .facts import DataFacts
from .family import Family, Values, is_untouched
from .ranges import between, without_none

# -- linear models ---------------------------------------------------------------------------


def _logistic_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    params = estimator.get_params(deep=False)
    penalised = params.get("penalty", "") is not None and params.get("C") != math.inf
    space: dict[str, Any] = {"C": (1e-4, 1e4, "log-uniform")} if penalised else {}
    if size == "wide":
        space.update(_elastic_net(estimator, params))
        space.update(_class_weight(estimator))
    return space


def _elastic_net(estimator: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Mix both penalties, where the user has chosen none; only SAGA can."""
    chosen = ("penalty", "l1_ratio", "solver")
    if params.get("C") == math.inf or not all(is_untouched(estimator, name) for name in chosen):
        return {}
    space: dict[str, Any] = {"solver": ["saga"], "l1_ratio": [0.0, 0.25, 0.5, 0.75, 1.0]}
    if params.get("penalty") == "l2":  # since scikit-learn 1.8, l1_ratio alone decides
        space["penalty"] = ["elasticnet"]
    if is_untouched(estimator, "max_iter"):
        space["max_iter"] = [1000]
    return space


def _class_weight(estimator: Any) -> dict[str, Any]:
    untouched = is_untouched(estimator, "class_weight")
    return {"class_weight": [None, "balanced"]} if untouched else {}


def _approximate_mix(values: Values, facts: DataFacts) -> Values:
    return {**values, "l1_ratio": 0.0} if values.get("l1_ratio") is None else values


def _strength(values: Values, facts: DataFacts) -> tuple[float, ...]:
    penalised = values.get("penalty", "") is not None
    return (float(values["C"]) if penalised else math.inf,)


LOGISTIC = Family(
    library="sklearn",
    classifiers=("LogisticRegression",),
    regressors=(),
    space=_logistic_space,
    approximate=_approximate_mix,
    complexity=Complexity(("C", "penalty"), _strength),
)


def _ridge_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    weights = _class_weight(estimator) if size == "wide" and facts.n_classes else {}
    return {"alpha": (1e-4, 1e4, "log-uniform"), **weights}


RIDGE = Family(
    library="sklearn",
    classifiers=("RidgeClassifier",),
    regressors=("Ridge",),
    space=_ridge_space,
    complexity=more("alpha"),
)


def _lasso_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    return {"alpha": (1e-5 * facts.y_std, 1e1 * facts.y_std, "log-uniform")}


LASSO = Family(
    library="sklearn",
    classifiers=(),
    regressors=("Lasso",),
    space=_lasso_space,
    complexity=more("alpha"),
)


def _elastic_net_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    return {**_lasso_space(estimator, facts, size), "l1_ratio": (0.05, 1.0, "uniform")}


ELASTIC_NET = Family(
    library="sklearn",
    classifiers=(),
    regressors=("ElasticNet",),
    space=_elastic_net_space,
    complexity=more("alpha"),
)


def _linear_svm_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    low, high = (1e-4, 1e4) if size == "wide" else (1e-3, 1e3)
    if facts.n_classes:
        weights = _class_weight(estimator) if size == "wide" else {}
        return {"C": (low, high, "log-uniform"), **weights}
    return _in_units_of_target(facts, low, high)


def _in_units_of_target(facts: DataFacts, low: float, high: float) -> dict[str, Any]:
    """A target that is s times as large has the same models, s times as large, at s C."""
    s = facts.y_std
    return {
        "C": (low * s, high * s, "log-uniform"),
        "epsilon": (1e-3 * s, 1.0 * s, "log-uniform"),
    }


LINEAR_SVM = Family(
    library="sklearn",
    classifiers=("LinearSVC",),
    regressors=("LinearSVR",),
    space=_linear_svm_space,
    complexity=less("C"),
)

# -- support vector machines with a kernel -------------------------------------------------------

# Published for the AUC of radial kernels: Probst, Boulesteix and Bischl, "Tunability:
# importance of hyperparameters of machine learning algorithms", JMLR 20 (2019).
TUNED_SVC = {"kernel": "rbf", "C": 682.0, "gamma": 0.005}


def _svm_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    kernel = estimator.get_params(deep=False).get("kernel")
    gamma = (1e-3 / facts.n_features, 1e1 / facts.n_features, "log-uniform")
    if facts.n_classes:
        space: dict[str, Any] = {"C": (1e-2, 1e3, "log-uniform")}
    else:
        space = _in_units_of_target(facts, 1e-2, 1e3)
    if size != "small" and is_untouched(estimator, "kernel"):
        space["kernel"] = ["rbf", "poly", "sigmoid", "linear"]
        space["gamma"] = When("kernel", ["rbf", "poly", "sigmoid"], gamma)
        space["degree"] = When("kernel", "poly", (2, 5, "uniform"))
        space["coef0"] = When("kernel", ["poly", "sigmoid"], (-1.0, 1.0, "uniform"))
    else:
        space.update(_kernel_parameters(kernel, gamma))
    if size == "wide" and facts.n_classes:
        space.update(_class_weight(estimator))
    if is_untouched(estimator, "max_iter"):
        # Without a bound a bad configuration runs for hours on a thousand rows.
        space["max_iter"] = [min(max(100 * facts.n_fit, 100_000), 10_000_000)]
    return space


def _kernel_parameters(kernel: Any, gamma: tuple[float, float, str]) -> dict[str, Any]:
    own = kernel if isinstance(kernel, str) else "a function"
    space: dict[str, Any] = {"gamma": gamma} if own in ("rbf", "poly", "sigmoid") else {}
    if own == "poly":
        space["degree"] = (2, 5, "uniform")
    if own in ("poly", "sigmoid"):
        space["coef0"] = (-1.0, 1.0, "uniform")
    return space


def _approximate_gamma(values: Values, facts: DataFacts) -> Values:
    """Both words mean 1/d where the features have unit variance."""
    word = values.get("gamma") in ("scale", "auto")
    return {**values, "gamma": 1 / facts.n_features} if word else values


def _svm_portfolio(estimator: Any, facts: DataFacts) -> list[Values]:
    return [TUNED_SVC] if facts.n_classes else []


def _softness(values: Values, facts: DataFacts) -> tuple[float, ...]:
    """A wider margin first, then a wider kernel; the linear one is the widest."""
    wide = 0.0 if values["kernel"] == "linear" else _approximate_gamma(values, facts)["gamma"]
    return float(values["C"]), float(wide)


def _stopped_by_our_bound(space: Mapping[str, Any]) -> list[str]:
    return [rf"Solver terminated early \(max_iter={n}\)" for n in space.get("max_iter", ())]


SVM = Family(
    library="sklearn",
    classifiers=("SVC",),
    regressors=("SVR",),
    space=_svm_space,
    portfolio=_svm_portfolio,
    approximate=_approximate_gamma,
    complexity=Complexity(("C", "gamma"), _softness),
    expected=_stopped_by_our_bound,
)

# -- nearest neighbours --------------------------------------------------------------------------


def _neighbours_space(estimator: Any, facts: DataFacts, size: str) -> Values:
    space: dict[str, Any] = {"n_neighbors": between(1, min(100, facts.n_fit // 2), log=True)}
    if is_untouched(estimator, "weights"):
        space["weights"] = ["uniform", "distance"]
    if size == "small" or not is_untouched(estimator, "metric"):
        return without_none(space)
    space["p"] = [1, 2]
    if size == "wide" and is_untouched(estimator, "algorithm"):  # trees know no cosine
        space["metric"] = ["minkowski", "cosine"]
        space["p"] = When("metric", "minkowski", [1, 2])
    return without_none(space)


NEIGHBOURS = Family(
    library="sklearn",
    classifiers=("KNeighborsClassifier",),
    regressors=("KNeighborsRegressor",),
    space=_neighbours_space,
    complexity=more("n_neighbors"),
)

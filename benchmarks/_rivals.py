"""The searches that benchmarks/time_to_quality.py compares: ranges, grids and builders.

Ranges and grids are what tutorials and users commonly search, the number of trees included.
They stand here once and are translated into each library's own words.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.metrics import log_loss, make_scorer


class Range(NamedTuple):
    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int)


RANGES: dict[str, dict[str, Range | list]] = {
    "lightgbm": {
        "n_estimators": Range(50, 1000, log=True),
        "learning_rate": Range(0.005, 0.3, log=True),
        "num_leaves": Range(4, 128, log=True),
        "min_child_samples": Range(2, 100, log=True),
        "subsample": Range(0.5, 1.0),
        "subsample_freq": [1],  # without it, subsample has no effect
        "colsample_bytree": Range(0.4, 1.0),
        "reg_alpha": Range(1e-8, 10.0, log=True),
        "reg_lambda": Range(1e-8, 10.0, log=True),
    },
    "xgboost": {
        "n_estimators": Range(50, 1000, log=True),
        "learning_rate": Range(0.005, 0.3, log=True),
        "max_depth": Range(2, 10),
        "min_child_weight": Range(0.1, 30.0, log=True),
        "subsample": Range(0.5, 1.0),
        "colsample_bytree": Range(0.4, 1.0),
        "reg_alpha": Range(1e-8, 10.0, log=True),
        "reg_lambda": Range(1e-8, 10.0, log=True),
    },
    "mlp": {
        "mlp__hidden_layer_sizes": Range(16, 256, log=True),
        "mlp__activation": ["relu", "tanh"],
        "mlp__alpha": Range(1e-6, 1.0, log=True),
        "mlp__learning_rate_init": Range(1e-4, 3e-2, log=True),
        "mlp__batch_size": [32, 64, 128, 200],
    },
}
GRIDS: dict[str, dict[str, list]] = {  # 3 ** 4 = 81 points each
    "lightgbm": {
        "n_estimators": [100, 300, 500],
        "learning_rate": [0.01, 0.05, 0.1],
        "num_leaves": [15, 31, 63],
        "min_child_samples": [5, 20, 50],
    },
    "xgboost": {
        "n_estimators": [100, 300, 500],
        "learning_rate": [0.01, 0.05, 0.1],
        "max_depth": [3, 6, 9],
        "subsample": [0.6, 0.8, 1.0],
    },
    "mlp": {
        "mlp__hidden_layer_sizes": [(50,), (100,), (100, 50)],
        "mlp__alpha": [1e-4, 1e-3, 1e-2],
        "mlp__learning_rate_init": [1e-3, 3e-3, 1e-2],
        "mlp__batch_size": [32, 64, 200],
    },
}


class LogWhole:
    """Whole numbers whose logarithm is uniform; a distribution in scikit-learn's sense."""

    def __init__(self, low: int, high: int):
        self.low, self.high = low, high

    def rvs(self, random_state=None) -> int:
        drawn = loguniform(self.low - 0.499, self.high + 0.499).rvs(random_state=random_state)
        return round(drawn)


def scipy_words(values: Range | list) -> Any:
    if isinstance(values, list):
        return values
    if values.whole and values.log:
        return LogWhole(values.low, values.high)
    if values.whole:
        return randint(values.low, values.high + 1)
    if values.log:
        return loguniform(values.low, values.high)
    return uniform(values.low, values.high - values.low)


def skopt_words(values: Range | list) -> Any:
    from skopt.space import Categorical, Integer, Real

    if isinstance(values, list):
        return Categorical(values)
    prior = "log-uniform" if values.log else "uniform"
    return (Integer if values.whole else Real)(values.low, values.high, prior=prior)


def optuna_words(values: Range | list) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(values, list):
        return CategoricalDistribution(values)
    kind = IntDistribution if values.whole else FloatDistribution
    return kind(values.low, values.high, log=values.log)


def ranges(kind: str, words: Callable) -> dict[str, Any]:
    return {name: words(values) for name, values in RANGES[kind].items()}


# Each builder gets the estimator, its kind, the number of configurations (FLAML: the seconds), the
# seed, the target and what all searches share (cv, scoring), and returns a search that is ready
# for ``fit``.


def ours(estimator, kind, n_iter, seed, y, common):
    from skhpt import BayesSearchCV

    return BayesSearchCV(estimator, n_iter=n_iter, random_state=seed, **common)


def random(estimator, kind, n_iter, seed, y, common):
    from sklearn.model_selection import RandomizedSearchCV

    space = ranges(kind, scipy_words)
    return RandomizedSearchCV(estimator, space, n_iter=n_iter, random_state=seed, **common)


def grid(estimator, kind, n_iter, seed, y, common):
    """All 81 points, or the first `n_iter` where that is less (for a trial of the script)."""
    from sklearn.model_selection import GridSearchCV, ParameterGrid

    points = GRIDS[kind]
    if n_iter < len(ParameterGrid(points)):
        points = [{k: [v] for k, v in point.items()} for point in list(ParameterGrid(points))]
        points = points[:n_iter]
    return GridSearchCV(estimator, points, **common)


def halving(estimator, kind, n_iter, seed, y, common):
    """Rows as the resource, which is scikit-learn's default: a ninth, a third, all of them.

    Left to itself, it starts with so few rows that folds miss a class, and the log loss without
    the list of labels fails.
    """
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    if common["scoring"] == "neg_log_loss":
        scorer = make_scorer(
            log_loss,
            response_method="predict_proba",
            greater_is_better=False,
            labels=np.unique(y),
        )
        common = {**common, "scoring": scorer}
    return HalvingRandomSearchCV(
        estimator,
        ranges(kind, scipy_words),
        n_candidates=n_iter,
        min_resources=len(y) // 9,
        random_state=seed,
        **common,
    )


def skopt(estimator, kind, n_iter, seed, y, common):
    from skopt import BayesSearchCV

    space = ranges(kind, skopt_words)
    return BayesSearchCV(estimator, space, n_iter=n_iter, random_state=seed, **common)


def optuna(estimator, kind, n_iter, seed, y, common):
    import optuna
    from optuna.exceptions import ExperimentalWarning
    from optuna_integration import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        space = ranges(kind, optuna_words)
        return OptunaSearchCV(estimator, space, n_trials=n_iter, random_state=seed, **common)


class FlamlSearch:
    """FLAML's AutoML with one library, in the words of a search.

    Its spaces are its own, as it knows no others, and so is the rest: ours comes as it is too.
    The seconds are of the clock on the wall, the refit is among them.

    Parameters
    ----------
    library : {"lgbm", "xgboost"}
    seconds : float
    """

    _METRICS = {"neg_log_loss": "log_loss", "neg_root_mean_squared_error": "rmse"}

    def __init__(self, library: str, seconds: float, seed: int, cv, scoring: str, n_jobs: int):
        self.library, self.seconds, self.seed = library, seconds, seed
        self.cv, self.scoring, self.n_jobs = cv, scoring, n_jobs

    def fit(self, X, y):
        from flaml import AutoML

        automl = AutoML()
        automl.fit(
            X,
            y,
            task="classification" if self.scoring == "neg_log_loss" else "regression",
            estimator_list=[self.library],
            metric=self._METRICS[self.scoring],
            time_budget=self.seconds,
            eval_method="cv",
            n_splits=self.cv.get_n_splits(),
            split_type=self.cv,
            n_jobs=self.n_jobs,
            seed=self.seed,
            verbose=0,
        )
        if automl.model is None:
            raise RuntimeError(f"FLAML has found no model within {self.seconds:.1f} s.")
        self.best_estimator_ = automl
        self.best_score_ = -automl.best_loss
        self.best_params_ = automl.best_config
        self.n_trials_ = automl._track_iter  # the log has it too, but for runs with a log only
        return self


def flaml(estimator, kind, seconds, seed, y, common):
    library = {"lightgbm": "lgbm", "xgboost": "xgboost"}[kind]
    return FlamlSearch(library, seconds, seed, **common)


BUILDERS: dict[str, Callable] = {
    "skhpt": ours,
    "random": random,
    "grid": grid,
    "halving": halving,
    "skopt": skopt,
    "optuna": optuna,
    "flaml": flaml,
}


def n_fits(name: str, search, n_folds: int) -> int:
    """Fits that the search has made on folds; a raced-out candidate has fewer than all."""
    if name == "skhpt":
        return int(search.n_fits_)
    if name == "optuna":
        return n_folds * len(search.trials_)
    if name == "flaml":
        return n_folds * search.n_trials_
    return n_folds * len(search.cv_results_["params"])

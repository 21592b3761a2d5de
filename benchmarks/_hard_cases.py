"""The situations of benchmarks/hard_cases.py: data, estimator, metric and rows to tune on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sklearn.datasets
from lightgbm import LGBMClassifier
from sklearn.metrics import confusion_matrix, fbeta_score, make_scorer
from time_to_quality import ESTIMATORS, ONE, load

RARE = 0.03
FALSE_NEGATIVE = 5  # in false positives
USUAL = 100  # candidates of random search


def cost_of_errors(estimator, X, y) -> float:
    """Minus the mean cost of a row."""
    counts = confusion_matrix(y, estimator.predict(X), labels=[0, 1])
    _, false_positives, false_negatives, _ = counts.ravel()
    return -(false_positives + FALSE_NEGATIVE * false_negatives) / len(y)


SCORERS = {"cost": cost_of_errors, "fbeta, beta=2": make_scorer(fbeta_score, beta=2)}

# Data of a case: a function of the number of rows, the seed and the folder that gives X and y.
# Files have the rows that they have.


def labelled(n_rows: int, seed: int, folder: Path | None, share: float, noise: float):
    """Two classes of several clusters each; `share` are positive, and some labels are wrong."""
    return sklearn.datasets.make_classification(
        n_rows,
        n_features=20,
        n_informative=8,
        n_redundant=4,
        n_clusters_per_class=3,
        weights=[1 - share],
        flip_y=noise,
        random_state=seed,
    )


def sphere(n_rows: int, seed: int, folder: Path | None):
    """Inside or outside of a sphere (Hastie et al. 2009, 10.2), one label of twenty wrong."""
    X, y = sklearn.datasets.make_hastie_10_2(n_rows, random_state=seed)
    wrong = np.random.default_rng(seed).random(n_rows) < 0.05
    return X, ((y > 0) ^ wrong).astype(int)


def friedman(n_rows: int, seed: int, folder: Path | None):
    """Five features that matter, one pair of them jointly, and ten that do not (Friedman 1991)."""
    return sklearn.datasets.make_friedman1(n_rows, n_features=15, noise=1.0, random_state=seed)


def breast_cancer(n_rows: int, seed: int, folder: Path | None):
    return sklearn.datasets.load_breast_cancer(return_X_y=True)


def german(n_rows: int, seed: int, folder: Path | None):
    return load("german", folder, as_codes=True)[:2]


def satimage(n_rows: int, seed: int, folder: Path | None):
    """The smallest class against the others, thinned."""
    X, y, _ = load("satimage", folder, as_codes=True)
    is_positive = y == np.argmin(np.bincount(y))
    others = np.flatnonzero(~is_positive)
    n_positives = round(RARE / (1 - RARE) * len(others))
    draw = np.random.default_rng(seed).choice
    rows = np.sort(np.r_[others, draw(np.flatnonzero(is_positive), n_positives, replace=False)])
    return X[rows], is_positive[rows].astype(int)


def balanced():
    return LGBMClassifier(class_weight="balanced", verbose=-1, **ONE)


class Case(NamedTuple):
    """A situation; without `rows`, as many to tune on as --rows says."""

    data: Callable
    scoring: str
    rows: int | None = None
    kind: str = "lightgbm"
    estimator: Callable | None = None
    n_random: int = USUAL
    needs_folder: bool = False

    @property
    def scorer(self) -> str | Callable:
        return SCORERS.get(self.scoring, self.scoring)

    def model(self, labels: bool):
        return (self.estimator or ESTIMATORS[self.kind, labels])()


rare = functools.partial(labelled, share=RARE, noise=0.005)
uneven = functools.partial(labelled, share=0.15, noise=0.02)
noisy = functools.partial(labelled, share=0.3, noise=0.1)
CASES = {
    "imbalance": Case(rare, "average_precision", 3000),
    "imbalance_xgboost": Case(rare, "average_precision", 3000, "xgboost"),
    "imbalance_satimage": Case(satimage, "average_precision", 3000, needs_folder=True),
    "weights": Case(uneven, "balanced_accuracy", 2000, estimator=balanced),
    "weights_german": Case(german, "balanced_accuracy", 500, estimator=balanced, needs_folder=True),
    "auc_breast_cancer": Case(breast_cancer, "roc_auc", 300),
    "auc_german": Case(german, "roc_auc", 500, needs_folder=True),
    "cost": Case(noisy, "cost", 2000),
    "cost_xgboost": Case(noisy, "cost", 2000, "xgboost"),
    "cost_german": Case(german, "cost", 500, needs_folder=True),
    "fbeta": Case(uneven, "fbeta, beta=2", 2000),
    "large_log_loss": Case(sphere, "neg_log_loss", n_random=20),
    "large_rmse": Case(friedman, "neg_root_mean_squared_error", n_random=20),
}

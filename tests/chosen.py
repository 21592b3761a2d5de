"""Made scores to choose from."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


def table(scores, **params):
    """A ``cv_results_`` of made scores, shape (n_candidates, n_folds)."""
    scores = np.asarray(scores, dtype=float)
    means = scores.mean(axis=1)
    results = {f"param_{name}": column for name, column in params.items()}
    results["params"] = [dict(zip(params, row)) for row in zip(*params.values())]
    results.update({f"split{k}_test_score": scores[:, k] for k in range(scores.shape[1])})
    results["mean_test_score"] = means
    results["rank_test_score"] = 1 + np.sum(means > means[:, None], axis=1)
    return results


class Reads(ClassifierMixin, BaseEstimator):
    """Scores what it was told to; `size` is there to be ordered by."""

    def __init__(self, level=0.0, size=0):
        self.level = level
        self.size = size

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        return self.level + float(X[0, 0]) / 100


def read_both(estimator, X, y):
    return {"level": estimator.level, "size": float(estimator.size)}

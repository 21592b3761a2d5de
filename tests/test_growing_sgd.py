"""Why the epochs of SGD* are not read as they are trained: no calls add up to a longer ``fit``.

If one of these fails, scikit-learn carries more over than it did, and growing could be tried.
"""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier

from skhpt.estimators.growing import grower_of

X, y = make_classification(300, 10, n_informative=6, flip_y=0.1, random_state=0)
EPOCHS = 6


def fitted(**params):
    """Rows in the order that they are given, which both ways of training share."""
    return SGDClassifier(
        **{"shuffle": False, "tol": None, "random_state": 0, "max_iter": EPOCHS, **params}
    ).fit(X, y)


def epoch_by_epoch(**params):
    model = SGDClassifier(**{"shuffle": False, "random_state": 0, **params})
    for _ in range(EPOCHS):
        model.partial_fit(X, y, classes=[0, 1])
    return model


def off(model, other):
    return np.abs(model.coef_ - other.coef_).max() / np.abs(other.coef_).max()


def test_without_a_penalty_epochs_add_up():
    assert off(epoch_by_epoch(penalty=None), fitted(penalty=None)) == 0.0


@pytest.mark.parametrize(
    ("params", "least"),
    [
        ({"penalty": "l2"}, 1e-17),
        ({"penalty": "l1"}, 1e-3),
        ({"penalty": "elasticnet"}, 1e-3),
    ],
)
def test_with_a_penalty_they_do_not(params, least):
    assert off(epoch_by_epoch(**params), fitted(**params)) > least


def test_nor_where_rows_are_shuffled():
    shuffled = {"shuffle": True, "penalty": None}
    assert off(epoch_by_epoch(**shuffled), fitted(**shuffled)) > 1e-3


def test_nor_with_a_warm_start():
    model = SGDClassifier(max_iter=1, tol=None, warm_start=True, penalty=None, shuffle=False)
    for _ in range(EPOCHS):
        model.fit(X, y)
    assert off(model, fitted(penalty=None)) > 1e-3


def test_so_they_are_not_grown_where_the_model_is_refitted():
    assert grower_of(SGDClassifier(), {}) is None

"""scikit-learn's checks of an estimator, on every search around what it is used with."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

INNER = [
    (Ridge(), "alpha"),
    (LogisticRegression(), "C"),
    (make_pipeline(StandardScaler(), Ridge()), "ridge__alpha"),
    (make_pipeline(StandardScaler(), LogisticRegression()), "logisticregression__C"),
]


RANGE = (0.1, 1.0, "log-uniform")
GRID = {"alpha": [0.1, 1.0]}
SHORT = {"cv": 2, "error_score": "raise", "random_state": 0}


def searches():
    for estimator, name in INNER:
        yield GridSearchCV(estimator, {name: [0.1, 1.0]}, **SHORT)
        yield RandomizedSearchCV(estimator, {name: RANGE}, n_iter=2, **SHORT)
        yield BayesSearchCV(estimator, {name: RANGE}, n_iter=3, **SHORT)


# The checks look themselves for the warnings that matter to them.
@pytest.mark.filterwarnings("always")
@parametrize_with_checks([GridSearchCV(Ridge(), GRID, **SHORT)])
def test_checks_of_scikit_learn_on_a_regressor(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("always")
@parametrize_with_checks([BayesSearchCV(LogisticRegression(), {"C": RANGE}, n_iter=2, **SHORT)])
def test_checks_of_scikit_learn_on_a_classifier(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("always")
@parametrize_with_checks(list(searches()))
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)

"""scikit-learn's checks of an estimator, on every search around what it is used with."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhpt import (
    BayesSearchCV,
    GridSearchCV,
    HyperbandSearchCV,
    PBTSearchCV,
    RandomizedSearchCV,
)

INNER = [
    (Ridge(), "alpha"),
    (LogisticRegression(), "C"),
    (make_pipeline(StandardScaler(), Ridge()), "ridge__alpha"),
    (make_pipeline(StandardScaler(), LogisticRegression()), "logisticregression__C"),
]


RANGE = (0.1, 1.0, "log-uniform")
GRID = {"alpha": [0.1, 1.0]}
SHORT = {"cv": 2, "error_score": "raise", "random_state": 0}


POPULATION = {"population_size": 2, "interval": 2, "max_rounds": 4}


def trained_in_steps(model, name):
    """A population needs a model that is trained in steps."""
    return PBTSearchCV(model, {name: (1e-5, 1e-3, "log-uniform")}, **POPULATION, **SHORT)


def searches():
    for estimator, name in INNER:
        yield GridSearchCV(estimator, {name: [0.1, 1.0]}, **SHORT)
        yield RandomizedSearchCV(estimator, {name: RANGE}, n_iter=2, **SHORT)
        yield BayesSearchCV(estimator, {name: RANGE}, n_iter=3, **SHORT)
        yield HyperbandSearchCV(estimator, {name: RANGE}, **SHORT)
    for model in (SGDClassifier(), SGDRegressor()):
        yield trained_in_steps(model, "alpha")
        pipeline = make_pipeline(StandardScaler(), model)
        yield trained_in_steps(pipeline, f"{type(model).__name__.lower()}__alpha")


# The checks look themselves for the warnings that matter to them.
@pytest.mark.filterwarnings("always")
@parametrize_with_checks([GridSearchCV(Ridge(), GRID, **SHORT)])
def test_checks_of_scikit_learn_on_a_regressor(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("always")
@parametrize_with_checks([BayesSearchCV(LogisticRegression(), {"C": RANGE}, n_iter=2, **SHORT)])
def test_checks_of_scikit_learn_on_a_classifier(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("always")
@parametrize_with_checks(
    [
        HyperbandSearchCV(Ridge(), {"alpha": RANGE}, **SHORT),
        trained_in_steps(SGDClassifier(), "alpha"),
    ]
)
def test_checks_of_scikit_learn_on_searches_by_resource(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("always")
@parametrize_with_checks(list(searches()))
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)

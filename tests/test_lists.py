"""Lists of lists are what arrays of the same numbers are, in every class."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

import skhpt
from skhpt.estimators.growing import as_rows
from skhpt.estimators.stopping import rounds_by_inner_split

iris = tuple(part[::2] for part in load_iris(return_X_y=True))
diabetes = tuple(part[::5] for part in load_diabetes(return_X_y=True))
WORDS = iris[0], np.array(["a", "b", "c"])[iris[1]]
LGBM = {"n_jobs": 1, "verbose": -1, "min_child_samples": 5}

CASES = {
    "lightgbm": (LGBMClassifier(**LGBM), WORDS),
    "regression": (LGBMRegressor(**LGBM), diabetes),
    "xgboost": (XGBClassifier(n_jobs=1, random_state=0), iris),
    "histogram": (HistGradientBoostingClassifier(random_state=0), WORDS),
    "not grown": (LogisticRegression(max_iter=1000), WORDS),
}
RATES = {"learning_rate": [0.3, 0.1]}


def searches(name, estimator):
    """The searches of an estimator, of whose rounds there are few."""
    options = {"cv": 3, "random_state": 0}
    space = {"C": [0.1, 1.0]} if name == "not grown" else RATES
    stopping = {"early_stopping": None if name == "not grown" else 3}
    yield skhpt.GridSearchCV(estimator, space, cv=3, **stopping)
    yield skhpt.RandomizedSearchCV(estimator, space, n_iter=2, **options, **stopping)
    yield skhpt.BayesSearchCV(estimator, space, n_iter=2, test_size=0.2, **options, **stopping)
    if name != "not grown":
        few = {"resource": "auto", "max_resources": 9, **options}
        yield skhpt.HalvingRandomSearchCV(estimator, space, n_candidates=2, **few)
        yield skhpt.HyperbandSearchCV(estimator, space, **few)
        low = {"learning_rate": (0.1, 0.3)}
        yield skhpt.PBTSearchCV(estimator, low, population_size=2, max_rounds=6, **options)


def columns_of(search):
    return {k: v for k, v in search.cv_results_.items() if "time" not in k and k != "params"}


# of so few rounds
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_lists_give_what_arrays_give(name):
    estimator, (X, y) = CASES[name]
    listed = X.tolist(), y.tolist()
    with threadpool_limits(1):
        for search, other in zip(searches(name, estimator), searches(name, estimator)):
            search.fit(X, y)
            other.fit(*listed)
            found, expected = columns_of(other), columns_of(search)
            assert list(found) == list(expected), type(search)
            for column, values in expected.items():
                np.testing.assert_array_equal(found[column], values, err_msg=column)
            assert other.best_params_ == search.best_params_
            np.testing.assert_array_equal(other.predict(listed[0]), search.predict(X))
            if not isinstance(search, skhpt.PBTSearchCV):
                works = [[t.work for t in s._ledger.trials] for s in (other, search)]
                assert works[0] == works[1]


def test_inner_splits_take_lists():
    X, y = diabetes
    found = [
        rounds_by_inner_split(LGBMRegressor(**LGBM), rows, y, {}, patience=5)
        for rows in (X, X.tolist())
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "X", [["a text", "another"], [[1, 2], [3]], [[1, None], [2, 3]], [[1, "b"]], iris[0]]
)
def test_what_is_no_list_of_numbers_stays_what_it_is(X):
    assert as_rows(X) is X

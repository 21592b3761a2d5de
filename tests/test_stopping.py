"""Who stops the training: the search, the user, or an inner split."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from xgboost import XGBRegressor

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.estimators.stopping import (
    left_to_the_search,
    own_stopping,
    rounds_by_inner_split,
    rounds_to_find,
    settles_its_training,
)
from skhpt.finish import rate_of
from skhpt.together import stopping_for

diabetes = tuple(part[::2] for part in load_diabetes(return_X_y=True))
cancer = tuple(part[::2] for part in load_breast_cancer(return_X_y=True))
LGBM = LGBMRegressor(n_jobs=1, verbose=-1)


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1, "openmp"):
        yield


# -- by default ------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [RandomizedSearchCV, BayesSearchCV])
def test_the_curated_space_of_a_booster_comes_with_early_stopping(cls):
    search = cls(LGBM, n_iter=3, cv=3, random_state=0).fit(*diabetes)
    assert "n_estimators" not in search.space_
    assert search.best_n_rounds_ == search.best_params_["n_estimators"]
    again = clone(LGBM).set_params(**search.best_params_).fit(*diabetes)
    np.testing.assert_array_equal(
        again.predict(diabetes[0]), search.best_estimator_.predict(diabetes[0])
    )


def test_false_searches_the_number_of_rounds():
    search = RandomizedSearchCV(LGBM, n_iter=2, cv=3, random_state=0, early_stopping=False)
    search.fit(*diabetes)
    assert "n_estimators" in search.space_
    assert "mean_n_rounds" not in search.cv_results_


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMRegressor(n_jobs=1, verbose=-1, n_estimators=20),
        HistGradientBoostingRegressor(max_iter=20),
        HistGradientBoostingRegressor(early_stopping=True),
        GradientBoostingRegressor(n_iter_no_change=3),
        XGBRegressor(n_jobs=1, early_stopping_rounds=3),
    ],
    ids=lambda e: type(e).__name__,
)
def test_who_has_settled_the_training_is_left_alone(estimator):
    assert settles_its_training(estimator)
    assert settles_its_training(make_pipeline(StandardScaler(), estimator))


def test_a_space_that_the_user_wrote_changes_nothing():
    search = GridSearchCV(LGBM, {"num_leaves": [3, 5]}, cv=3).fit(*diabetes)
    assert "mean_n_rounds" not in search.cv_results_
    assert search.best_estimator_.n_estimators == 100


# -- what leaves the space -------------------------------------------------------------------


def test_what_stops_by_itself_stops_no_more():
    name = "mlpregressor__"
    space = {name + "alpha": (1e-4, 1.0), name + "max_iter": [500], name + "early_stopping": [True]}
    space[name + "n_iter_no_change"] = [20]
    assert left_to_the_search(space, name + "max_iter", ()) == {name + "alpha": (1e-4, 1.0)}
    left = left_to_the_search({"max_iter": (50, 500)}, "max_iter", ["early_stopping"])
    assert left == {"early_stopping": [False]}


def test_histograms_stop_by_themselves_on_many_rows():
    few, many = 1_000, 20_000
    pipeline = make_pipeline(StandardScaler(), HistGradientBoostingRegressor())
    name = "histgradientboostingregressor__early_stopping"
    assert own_stopping(pipeline, few) == []
    assert own_stopping(pipeline, many) == [name]
    asked = HistGradientBoostingRegressor(early_stopping=True)
    assert own_stopping(asked, many) == []
    stopping = stopping_for(pipeline, None, True, [(range(many), range(10))], None)
    assert stopping.switched_off == (name,)
    assert pipeline[-1].early_stopping == "auto"  # the user's object is not touched


@pytest.mark.parametrize(
    "steps", [[], [("scale", StandardScaler()), ("model", "passthrough")], [("model",)]], ids=str
)
def test_a_pipeline_without_an_end_has_no_rounds_to_find(steps):
    pipeline = Pipeline(steps)
    assert rounds_to_find(pipeline, 100) is None
    assert own_stopping(pipeline, 100) == []
    assert not settles_its_training(pipeline)
    assert rate_of(pipeline) is None


def test_a_forest_has_no_rounds_to_find():
    assert rounds_to_find(RandomForestRegressor(), 100) is None
    assert rounds_to_find(LGBMRegressor(boosting_type="rf"), 100) is None
    assert rounds_to_find(MLPRegressor(solver="lbfgs"), 100) is None


# -- the inner split -------------------------------------------------------------------------


def own_objective(y, predicted):
    return predicted - y, np.ones_like(y)


INNER = {
    "lightgbm": (LGBMRegressor(n_jobs=1, verbose=-1, objective=own_objective), diabetes),
    "xgboost": (XGBRegressor(n_jobs=1, objective=own_objective), diabetes),
    "histogram": (HistGradientBoostingRegressor(random_state=0), diabetes),
    "exact": (GradientBoostingRegressor(random_state=0), diabetes),
    "network": (MLPClassifier((5,), random_state=0), cancer),
    "linear": (SGDClassifier(random_state=0), cancer),
    "pipeline": (
        make_pipeline(StandardScaler(), LGBMRegressor(n_jobs=1, verbose=-1)),
        diabetes,
    ),
}


@pytest.mark.parametrize("name", INNER)
def test_an_inner_split_finds_some_rounds(name):
    estimator, (X, y) = INNER[name]
    found = [rounds_by_inner_split(clone(estimator), X, y, {}, patience=5) for _ in range(2)]
    assert found[0] == found[1]
    assert 1 <= found[0] <= 500


# it is told how long to train
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["lightgbm", "linear"])
def test_a_curve_that_cannot_be_read_leaves_it_to_an_inner_split(name):
    """One number for all folds, and the scores are those of plain fits with it."""
    estimator, (X, y) = INNER[name]
    parameter = {"lightgbm": "learning_rate", "linear": "alpha"}[name]
    search = GridSearchCV(estimator, {parameter: [0.05, 0.2]}, cv=3, early_stopping=8).fit(X, y)
    for row, params in enumerate(search.cv_results_["params"]):
        rounds = "n_estimators" if name == "lightgbm" else "max_iter"
        assert params[rounds] == search.cv_results_["mean_n_rounds"][row]
        plain = cross_val_score(clone(estimator).set_params(**params), X, y, cv=3)
        for fold in range(3):
            assert search.cv_results_[f"split{fold}_test_score"][row] == plain[fold]


def test_the_rows_that_score_a_fold_do_not_choose_its_rounds():
    seen = []
    estimator, (X, y) = LGBMRegressor(n_jobs=1, verbose=-1, objective=own_objective), diabetes
    X = np.column_stack([X, np.arange(len(X))])  # a column that tells who is who

    class Recorder(StandardScaler):
        def fit(self, X, y=None):
            seen.append(set(np.asarray(X)[:, -1].astype(int)))
            return super().fit(X, y)

        def transform(self, X):
            seen.append(set(np.asarray(X)[:, -1].astype(int)))
            return super().transform(X)

    train = np.arange(0, len(X), 2)
    pipeline = make_pipeline(Recorder(), estimator)
    rounds_by_inner_split(pipeline, X[train], y[train], {}, patience=5)
    assert set.union(*seen) <= set(train)
    assert not seen[0] & seen[-1]  # what is set aside is not trained on


def test_another_way_is_said_once(capsys):
    estimator, (X, y) = INNER["lightgbm"]
    grid = {"learning_rate": [0.05, 0.2]}
    GridSearchCV(estimator, grid, cv=3, early_stopping=8, verbose=1).fit(X, y)
    assert capsys.readouterr().out.count("2 configurations could not be read as they grew") == 1
    boosting = {"boosting_type": ["dart", "gbdt"]}
    GridSearchCV(LGBM, boosting, cv=3, early_stopping=8, verbose=1).fit(X, y)
    assert capsys.readouterr().out.count("1 configurations could not be stopped early") == 1
    GridSearchCV(LGBM, {"num_leaves": [3]}, cv=3, early_stopping=8, verbose=1).fit(X, y)
    assert "early_stopping" not in capsys.readouterr().out


# -- rounds by their other names --------------------------------------------------------------


@pytest.mark.parametrize("alias", ["num_iterations", "num_boost_round", "n_iter", "max_iter"])
@pytest.mark.parametrize("step", [False, True])
def test_rounds_that_are_searched_by_another_name_cannot_be_found(alias, step):
    estimator, name = LGBM, alias
    if step:
        estimator, name = make_pipeline(StandardScaler(), LGBM), f"lgbmregressor__{alias}"
    with pytest.raises(ValueError, match=f"names too by its other name '{name}'. Take it out"):
        GridSearchCV(estimator, {name: [5, 20]}, cv=3, early_stopping=8).fit(*diabetes)


@pytest.mark.filterwarnings("ignore:Found .* in params")
def test_rounds_that_the_estimator_was_given_by_another_name_are_not_found():
    given = LGBMRegressor(n_jobs=1, verbose=-1, num_iterations=7)
    with pytest.raises(ValueError, match="given its number of rounds, as 'num_iterations'. Leave"):
        GridSearchCV(given, {"num_leaves": [3]}, cv=3, early_stopping=8).fit(*diabetes)
    left = GridSearchCV(given, {"num_leaves": [3]}, cv=3, early_stopping="auto").fit(*diabetes)
    assert "n_estimators" not in left.best_params_
    assert "mean_n_rounds" not in left.cv_results_
    assert left.best_estimator_.booster_.num_trees() == 7
    curated = BayesSearchCV(given, n_iter=2, cv=3, random_state=0).fit(*diabetes)
    assert "num_iterations" in curated.space_
    found = curated.best_params_
    assert "n_estimators" not in found
    expected = found.get("num_iterations", 7)
    assert curated.best_estimator_.booster_.num_trees() == expected


HINT = "leave it out, and early_stopping='auto' finds it"


@pytest.mark.parametrize("cls", [GridSearchCV, BayesSearchCV])
@pytest.mark.parametrize(
    ("estimator", "space", "options", "name"),
    [
        (LGBM, {"n_estimators": [5, 10]}, {}, "n_estimators"),
        (LGBM, {"num_boost_round": [5, 10]}, {}, "num_boost_round"),
        (LGBM, [{"num_leaves": [3]}, {"n_estimators": [5]}], {}, "n_estimators"),
        (
            make_pipeline(StandardScaler(), LGBM),
            {"lgbmregressor__n_estimators": [5, 10]},
            {},
            "lgbmregressor__n_estimators",
        ),
        (LGBM, {"num_leaves": [3, 5]}, {}, None),
        (LGBM, {"n_estimators": [5, 10]}, {"early_stopping": False}, None),
        (LGBM, {"n_estimators": [5, 10]}, {"verbose": 0}, None),
        (Ridge(), {"alpha": [0.1, 1.0]}, {}, None),
    ],
)
@pytest.mark.filterwarnings("ignore:Found .* in params")
def test_rounds_that_need_not_be_searched_are_hinted_at(
    cls, estimator, space, options, name, capsys
):
    few = {} if cls is GridSearchCV else {"n_iter": 2, "random_state": 0}
    cls(estimator, space, cv=3, **{"verbose": 1, **few, **options}).fit(*diabetes)
    out = capsys.readouterr().out
    assert out.count(HINT) == (name is not None)
    if name is not None:
        assert f"the space searches {name!r}" in out

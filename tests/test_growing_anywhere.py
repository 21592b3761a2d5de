"""Early stopping with any scorer and behind any pipeline: scores are those of plain fits."""

import numpy as np
import pytest
from doubles import CountsUp, ShufflingExecutor, made_outcomes
from grown import LGBM, SAMPLED, Case, classes_of, lgbm, rows
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

from skhpt import BayesSearchCV, GridSearchCV, HalvingRandomSearchCV, space_for
from skhpt.engine import Engine
from skhpt.estimators.growing_lightgbm import LightGBMGrower
from skhpt.fold_rows import content_key
from skhpt.ledger import Ledger
from skhpt.racing import Racing
from skhpt.together import stopping_for

cancer = tuple(part[::2] for part in load_breast_cancer(return_X_y=True))
diabetes = tuple(part[::2] for part in load_diabetes(return_X_y=True))
BOOSTER = LGBMClassifier(n_jobs=1, verbose=-1, random_state=0)


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1, "openmp"):
        yield


def scores_equal_plain_fits(search, X, y, scoring=None):
    """Whether the folds of every configuration score what plain fits with its parameters do."""
    results = search.cv_results_
    found = [
        [results[f"split{k}_test_score"][row] for k in range(search.n_splits_)]
        for row in range(len(results["params"]))
    ]
    plain = [
        cross_val_score(clone(search.estimator).set_params(**params), X, y, cv=3, scoring=scoring)
        for params in results["params"]
    ]
    return np.array_equal(found, plain) and np.isfinite(plain).all()


# -- scorers ---------------------------------------------------------------------------------

MODELS = {
    "lightgbm": (BOOSTER, {"num_leaves": [4]}),
    "weighted": (clone(BOOSTER).set_params(class_weight="balanced"), {"num_leaves": [4]}),
    "xgboost": (XGBClassifier(n_jobs=1, random_state=0), {"max_depth": [2]}),
    "histogram": (HistGradientBoostingClassifier(random_state=0), {"max_leaf_nodes": [4]}),
    "exact": (GradientBoostingClassifier(random_state=0), {"max_depth": [2]}),
}


def own_scorer(estimator, X, y):
    return -log_loss(y, estimator.predict_proba(X), labels=[0, 1])


OF_TWO = [
    *("roc_auc", "average_precision", "f1", "balanced_accuracy", "neg_brier_score"),
    *(None, own_scorer, make_scorer(fbeta_score, beta=2)),
    make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
    make_scorer(roc_auc_score, response_method=("decision_function", "predict_proba")),
]
OF_THREE = ["roc_auc_ovr", "f1_macro", "neg_log_loss"]


def made_labels(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(180, 5))
    signal = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(0, 0.5, 180)
    if kind == "rare":  # eight of them
        y = np.zeros(180, int)
        y[np.argsort(-signal)[:8]] = 1
        return X, y
    return X, np.digitize(signal, [0.0] if kind == "two" else [-0.5, 0.5])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("kind", "scoring"),
    [("two", scoring) for scoring in OF_TWO]
    + [("three", scoring) for scoring in OF_THREE]
    + [("rare", scoring) for scoring in ("roc_auc", "average_precision")],
)
def test_any_scorer_says_what_it_says_of_plain_fits(model, kind, scoring):
    (estimator, grid), (X, y) = MODELS[model], made_labels(kind)
    search = GridSearchCV(estimator, grid, cv=3, early_stopping=8, scoring=scoring).fit(X, y)
    assert scores_equal_plain_fits(search, X, y, scoring)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("objective", [None, "multiclassova"])
def test_a_look_back_is_the_answer_of_the_fitted_model(n_classes, objective):
    if n_classes == 2 and objective:
        pytest.skip("of more than two classes")
    estimator = lgbm(objective=objective, subsample_freq=1, **SAMPLED)
    X = rows()
    case = Case(X, classes_of(X, n_classes))
    growth = LightGBMGrower().start(clone(estimator), case.X, case.y, case.watched, {}, {})
    growth.grow(LGBM["n_estimators"])
    for n_rounds in (2, 7):
        fitted = growth.fitted(n_rounds)
        for method in ("predict", "predict_proba", "decision_function"):
            if hasattr(fitted, method):  # LightGBM < 4.7 has no decision_function
                expected = getattr(fitted, method)(case.watched.X)
                np.testing.assert_array_equal(growth.answer_after(method, n_rounds), expected)


# -- pipelines -------------------------------------------------------------------------------


class KeepsNothing(TransformerMixin, BaseEstimator):
    """A transformer whose ``fit`` leaves no trace."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class FitsOnHalf(Pipeline):
    """A pipeline of somebody's own: it trains on other rows than it is given."""

    def fit(self, X, y=None, **params):
        return super().fit(X[::2], y[::2], **params)


def local_class():
    class OfANotebook(KeepsNothing):
        """What no other process finds by its name."""

    return OfANotebook()


GROWN = {
    "a lambda": lambda: make_pipeline(FunctionTransformer(lambda X: 2 * X), BOOSTER),
    "no state": lambda: make_pipeline(KeepsNothing(), BOOSTER),
    "of a notebook": lambda: make_pipeline(StandardScaler(), local_class(), BOOSTER),
    "passed through": lambda: make_pipeline("passthrough", None, BOOSTER),
}


@pytest.mark.parametrize("name", GROWN)
def test_a_model_grows_behind_any_transformer(name):
    X, y = cancer
    grid = {"lgbmclassifier__num_leaves": [3, 5]}
    search = GridSearchCV(GROWN[name](), grid, cv=3, early_stopping=8).fit(X, y)
    assert scores_equal_plain_fits(search, X, y)
    assert all(trial.work for trial in search._ledger.trials)


@pytest.mark.parametrize("name", GROWN)
def test_a_model_climbs_behind_any_transformer(name):
    space = {"lgbmclassifier__num_leaves": [3, 4, 5, 6]}
    search = HalvingRandomSearchCV(
        GROWN[name](), space, resource="auto", max_resources=27, cv=3, random_state=0
    ).fit(*cancer)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_what_a_pipeline_of_ones_own_does_is_not_guessed():
    X, y = cancer
    pipeline = FitsOnHalf([("scale", StandardScaler()), ("model", BOOSTER)])
    search = BayesSearchCV(pipeline, n_iter=3, cv=3, random_state=0, racing=False).fit(X, y)
    assert "model__n_estimators" in search.space_
    assert scores_equal_plain_fits(search, X, y)
    with pytest.raises(ValueError, match="the last step of a plain Pipeline"):
        GridSearchCV(pipeline, {"model__num_leaves": [3]}, early_stopping=8).fit(X, y)


def test_content_has_one_key_in_every_copy():
    for make in GROWN.values():
        first = make()[:-1]
        assert content_key(first) == content_key(clone(first))
    other = make_pipeline(FunctionTransformer(lambda X: 3 * X))
    assert content_key(GROWN["a lambda"]()[:-1]) != content_key(other)


# -- where there is nothing to grow, or no way ------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
def test_the_last_step_itself_may_be_searched(first):
    X, y = cancer
    kinds = [BOOSTER, HistGradientBoostingClassifier(max_leaf_nodes=4), LogisticRegression()]
    scaled = make_pipeline(StandardScaler(), "passthrough")
    pipeline = scaled.set_params(passthrough=kinds[first])
    search = GridSearchCV(
        pipeline, {"passthrough": kinds}, cv=3, early_stopping=8, scoring="roc_auc"
    ).fit(X, y)
    assert scores_equal_plain_fits(search, X, y, "roc_auc")
    rounds = search.cv_results_["mean_n_rounds"]
    assert np.isfinite(rounds).tolist() == [number == first for number in range(3)]


# LightGBM 4.7 calls the names of old deprecated
@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
def test_rounds_that_cannot_be_found_stay_in_the_space():
    X, y = diabetes
    booster = LGBMRegressor(n_jobs=1, verbose=-1)
    search = BayesSearchCV(booster, n_iter=3, cv=3, random_state=0)
    search.fit(X, y, eval_set=[(X[:20], y[:20])])
    assert search.space_.keys() == space_for(booster, X, y).keys()
    assert "n_estimators" in search.space_
    assert len({params["n_estimators"] for params in search.cv_results_["params"]}) == 3
    with pytest.raises(ValueError, match="not given rows to watch"):
        search.set_params(early_stopping=8).fit(X, y, eval_set=[(X[:20], y[:20])])


def test_true_is_auto():
    splits = [(range(100), range(20))]
    true, auto, one = (
        stopping_for(BOOSTER, wanted, False, splits, None) for wanted in (True, "auto", 1)
    )
    assert true == auto != one
    assert (
        GridSearchCV(BOOSTER, {"num_leaves": [3]}, early_stopping=True).fit(*cancer).best_n_rounds_
    )


def made_outcomes_in_time(step, params, in_time):
    return made_outcomes(step, params)


def test_without_a_race_no_candidate_waits_for_another():
    most = {}
    for z in (None, 1.0):
        executor = ShufflingExecutor(5)
        engine = Engine(
            ledger=Ledger(3),
            executor=executor,
            run_step=lambda step, params: (made_outcomes_in_time, step, params),
            scheduler=Racing(z),
            look_ahead=2,
        )
        engine.run(CountsUp(learns=False), 30)
        most[z] = executor.most_in_flight
    assert most == {None: 10, 1.0: 2}

"""Laws of early stopping: one number of rounds for all folds, and exactly what plain fits give."""

import functools
import itertools
import math
import sys

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from listeners import needs_callbacks
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_regression
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.curves import Curve, best_common_round, optimistic_end, smoothed
from skhpt.estimators import growing_lightgbm
from skhpt.estimators.growing_lightgbm import LightGBMGrowth
from skhpt.lockstep import FoldRun, common_round, next_point

diabetes, cancer, iris = (
    tuple(part[::2] for part in load(return_X_y=True))
    for load in (load_diabetes, load_breast_cancer, load_iris)
)
LGBM = LGBMRegressor(n_jobs=1, verbose=-1, random_state=0, subsample=0.7, subsample_freq=1)

CASES = {
    "lightgbm": (LGBM, {"num_leaves": [3, 7]}, diabetes),
    "lightgbm classes": (LGBMClassifier(n_jobs=1, verbose=-1), {"num_leaves": [3, 7]}, iris),
    "xgboost": (XGBClassifier(n_jobs=1, subsample=0.7, seed=1), {"max_depth": [1, 2]}, cancer),
    "histogram": (
        HistGradientBoostingClassifier(random_state=0),
        {"max_leaf_nodes": [3, 5]},
        cancer,
    ),
    "exact": (GradientBoostingRegressor(random_state=0), {"max_depth": [1, 2]}, diabetes),
    "network": (
        make_pipeline(StandardScaler(), MLPClassifier((5,), random_state=0)),
        {"mlpclassifier__learning_rate_init": [0.01, 0.1]},
        iris,
    ),
    "pipeline in a pipeline": (
        make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), LGBM)),
        {"pipeline__lgbmregressor__num_leaves": [3, 7]},
        diabetes,
    ),
}


@pytest.fixture(autouse=True)
def _one_thread():
    """Models of milliseconds: threads that wait for each other would take most of the time."""
    with threadpool_limits(1, "openmp"):
        yield


# of the plain fits, which are told the number of epochs
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CASES)
def test_all_scores_are_those_of_plain_fits_with_the_rounds_that_were_found(name):
    estimator, grid, (X, y) = CASES[name]
    search = GridSearchCV(estimator, grid, cv=3, early_stopping=10).fit(X, y)
    results = search.cv_results_
    assert np.isfinite(results["mean_n_rounds"]).all()
    for row, params in enumerate(results["params"]):
        plain = cross_val_score(clone(estimator).set_params(**params), X, y, cv=3)
        np.testing.assert_array_equal(
            [results[f"split{k}_test_score"][row] for k in range(3)], plain
        )
    assert search.best_params_ == results["params"][search.best_index_]
    assert search.best_n_rounds_ in search.best_params_.values()
    again = clone(estimator).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), search.best_estimator_.predict(X))


def test_the_number_of_rounds_is_the_best_of_the_mean_curve():
    """As if every number of rounds had been searched, up to the smoothing."""
    estimator = clone(LGBM).set_params(num_leaves=3, learning_rate=0.2)
    search = GridSearchCV(estimator, {"num_leaves": [3]}, cv=3, early_stopping=40).fit(*diabetes)
    every = list(range(5, 60, 5))
    full = GridSearchCV(estimator, {"n_estimators": every}, cv=3).fit(*diabetes)
    means = full.cv_results_["mean_test_score"]
    expected = every[int(np.argmax(smoothed(np.array(every), means)))]
    assert search.best_n_rounds_ == expected


@pytest.mark.parametrize("cls", [RandomizedSearchCV, BayesSearchCV])
def test_the_same_for_every_n_jobs(cls):
    options = {"n_iter": 6, "cv": 3, "random_state": 0, "racing": True, "early_stopping": 20}
    one, two = (cls(LGBM, n_jobs=n, **options).fit(*diabetes) for n in (1, 2))
    assert one.cv_results_["params"] == two.cv_results_["params"]
    for k in range(3):
        name = f"split{k}_test_score"
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])


def test_the_curated_space_leaves_the_rounds_to_it_and_the_default_keeps_its_own():
    search = BayesSearchCV(
        LGBM, n_iter=4, cv=3, random_state=0, racing=False, early_stopping="auto", n_points=1
    ).fit(*diabetes)
    assert "n_estimators" not in search.space_
    assert "learning_rate" in search.space_
    rounds = search.cv_results_["mean_n_rounds"]
    assert search.cv_results_["origin"][0] == "default"
    assert np.isnan(rounds[0])
    assert np.isfinite(rounds[1:]).all()
    assert search.baseline_score_ == cross_val_score(LGBM, *diabetes, cv=3).mean()


def test_a_number_of_epochs_that_was_found_is_no_failure_to_converge():
    network = make_pipeline(StandardScaler(), MLPClassifier((5,), random_state=0, tol=0))
    grid = {"mlpclassifier__learning_rate_init": [0.3]}
    search = GridSearchCV(network, grid, cv=3, early_stopping=5)
    search.fit(*iris)  # warnings are errors here
    assert search.best_estimator_[-1].n_iter_ == search.best_n_rounds_  # it did not stop by itself


def test_weights_reach_the_growing_model():
    X, y = diabetes
    weight = np.linspace(0.1, 5, len(y))
    pipeline = make_pipeline(StandardScaler(), LGBM)
    search = GridSearchCV(pipeline, {"lgbmregressor__num_leaves": [3]}, cv=3, early_stopping=10)
    search.fit(X, y, lgbmregressor__sample_weight=weight)
    again = clone(pipeline).set_params(**search.best_params_)
    again.fit(X, y, lgbmregressor__sample_weight=weight)
    np.testing.assert_array_equal(again.predict(X), search.best_estimator_.predict(X))
    without = clone(again).fit(X, y)
    assert not np.array_equal(without.predict(X), again.predict(X))


def wants_the_model(estimator, X, y):
    estimator.booster_.num_trees()  # a stand-in could not tell
    return estimator.score(X, y)


def test_a_scorer_that_wants_the_model_itself_gets_it():
    by_name, by_model = (
        GridSearchCV(LGBM, {"num_leaves": [3]}, cv=3, early_stopping=10, scoring=scoring)
        .fit(*diabetes)
        .cv_results_["mean_test_score"]
        for scoring in (None, wants_the_model)
    )
    np.testing.assert_array_equal(by_name, by_model)


def test_a_configuration_that_cannot_be_grown_is_fitted_plainly():
    grid = {"boosting_type": ["gbdt", "dart"]}
    search = GridSearchCV(LGBM, grid, cv=3, early_stopping=10).fit(*diabetes)
    assert np.isnan(search.cv_results_["mean_n_rounds"]).tolist() == [False, True]
    plain = cross_val_score(clone(LGBM).set_params(boosting_type="dart"), *diabetes, cv=3)
    assert search.cv_results_["mean_test_score"][1] == plain.mean()


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_growth_that_fails_is_a_failed_fit():
    search = GridSearchCV(LGBM, {"num_leaves": [3, 1]}, cv=3, early_stopping=10)
    with pytest.warns(FitFailedWarning, match="num_leaves"):
        search.fit(*diabetes)
    assert search.best_params_["num_leaves"] == 3
    with pytest.raises(Exception, match="num_leaves"):
        search.set_params(error_score="raise").fit(*diabetes)


def always_raises(estimator, X, y):
    raise RuntimeError("no score today")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_scorer_that_raises_is_no_failed_fit():
    search = GridSearchCV(LGBM, {"num_leaves": [3]}, cv=3, early_stopping=10)
    search.set_params(scoring=always_raises, refit=False, error_score=-7.0).fit(*diabetes)
    assert search.cv_results_["mean_test_score"].tolist() == [-7.0]
    with pytest.raises(RuntimeError, match="no score today"):
        search.set_params(error_score="raise").fit(*diabetes)


def test_train_scores_are_those_of_the_same_models():
    search = GridSearchCV(LGBM, {"num_leaves": [3]}, cv=3, early_stopping=10)
    search.set_params(return_train_score=True).fit(*diabetes)
    results = search.cv_results_
    assert results["mean_train_score"][0] > results["mean_test_score"][0]


@needs_callbacks
def test_callbacks_hear_of_every_fold():
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="r2")
    search = GridSearchCV(LGBM, {"num_leaves": [3, 7]}, cv=3, early_stopping=10)
    search.set_callbacks(monitor).set_params(return_train_score=True).fit(*diabetes)
    rows = [r for r in monitor.get_logs().data if r["task_name"] == "candidate-split-evaluation"]
    scores = {row["task_id"]: row["r2"] for row in rows}
    for trial in range(2):
        for fold in range(3):
            expected = search.cv_results_[f"split{fold}_train_score"][trial]
            assert scores[3 * trial + fold] == expected


def test_what_cannot_be_had_is_refused_or_left_out():
    with pytest.raises(
        ValueError, match="early_stopping=5 needs an estimator that is trained in rounds"
    ):
        GridSearchCV(SVC(), {"C": [1]}, early_stopping=5).fit(*iris)
    with pytest.raises(ValueError, match="early_stopping finds 'n_estimators', which the search"):
        GridSearchCV(LGBM, {"n_estimators": [5, 10]}, early_stopping=5).fit(*diabetes)
    search = GridSearchCV(SVC(), {"C": [1]}, early_stopping="auto").fit(*iris)
    assert "mean_n_rounds" not in search.cv_results_
    with pytest.raises(ValueError, match="'early_stopping' parameter"):
        GridSearchCV(LGBM, {"num_leaves": [3]}, early_stopping=0).fit(*diabetes)


# -- curves ----------------------------------------------------------------------------------


def curve_of(function, last, is_final=False) -> Curve:
    curve = Curve()
    for n_rounds in range(5, last + 1, 5):
        curve.add(n_rounds, function(n_rounds))
    curve.is_final = is_final
    return curve


def test_smoothing_keeps_a_constant_and_averages_a_tenth_to_either_side():
    rounds = np.arange(5, 505, 5)
    np.testing.assert_allclose(smoothed(rounds, np.full(100, 3.0)), 3.0)
    values = np.zeros(100)
    values[19] = 1.0  # round 100
    smooth = smoothed(rounds, values)
    assert smooth[19] == pytest.approx(1 / 5)  # 90, 95, 100, 105, 110
    assert smooth[rounds > 125].max() == smooth[rounds < 90].max() == 0


def test_a_curve_ends_when_neither_score_nor_loss_improves():
    curve = Curve()
    for n_rounds, (score, loss) in enumerate([(1, 9), (2, 8), (2, 7), (2, 7), (2, 7)], start=1):
        curve.add(n_rounds, score, loss)
    assert curve.has_ended(2)
    assert not curve.has_ended(3)


def test_to_creep_on_is_no_improvement_unless_it_adds_up():
    """Half a thousandth of what was gained at first, each time; two of them count."""
    curve = Curve()
    for n_rounds in range(1, 12):
        curve.add(n_rounds, 1000 + 0.5 * n_rounds if n_rounds > 1 else 0.0)
    assert not curve.has_ended(3)
    flat = Curve()
    for n_rounds, score in enumerate([math.nan, 0.0, 1000.0, 1000.9, 1000.9, 1000.9], start=1):
        flat.add(n_rounds, score)
    assert flat.has_ended(3)
    assert not flat.has_ended(4)


@pytest.mark.parametrize("tau", [10, 30, 100, 1000, 10_000])
def test_the_forecast_is_no_less_than_what_a_saturating_curve_reaches(tau):
    """However slowly it learns: after 30 rounds one with a low rate has hardly begun."""
    for last in range(30, 400, 30):
        end = optimistic_end(curve_of(lambda r: 1 - math.exp(-r / tau), last))
        assert end >= 1 - 1e-6


def test_the_forecast_of_a_slow_curve_is_near_where_it_ends():
    for last in (30, 60, 120):
        end = optimistic_end(curve_of(lambda r: 1 - math.exp(-r / 100), last))
        assert end == pytest.approx(1.0, abs=0.02)


def test_a_rise_may_go_on_and_a_flat_curve_has_its_best():
    assert optimistic_end(curve_of(lambda r: r, 100)) > 1e9
    assert optimistic_end(curve_of(lambda r: min(r, 60), 100)) == 60 + 10
    assert optimistic_end(curve_of(lambda r: 7.0, 100)) == 7.0
    assert math.isnan(optimistic_end(curve_of(lambda r: math.nan, 100)))


def test_the_common_round_is_one_that_every_fold_has():
    rising, peaked = curve_of(lambda r: r / 100, 200), curve_of(lambda r: -abs(r - 50) / 10, 100)
    assert best_common_round([rising, peaked]) <= 100
    ended = curve_of(lambda r: 1.0, 40, is_final=True)
    assert best_common_round([rising, ended]) > 150


class Known:
    """A growing model whose curve is known."""

    def __init__(self, score):
        self.score, self.n_rounds = score, 0

    def grow(self, n_rounds):
        self.n_rounds = n_rounds

    def loss(self):
        return math.nan

    def read(self):
        return self.score(self.n_rounds)

    @property
    def growth(self):
        return self


def run_of(score, limit=None):
    run = FoldRun(Known(score), every=5, patience=30, max_rounds=1000)
    run.run(lambda end: False, limit)
    return run


def test_a_fold_need_not_go_beyond_a_limit():
    assert run_of(lambda r: r, limit=112).growth.n_rounds == 112
    assert run_of(lambda r: -abs(r - 50), limit=112).growth.n_rounds == 80


def test_a_later_fold_ends_a_patience_after_those_before_it():
    """One fold alone would train for a thousand rounds."""
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = X[:, 0] + np.r_[np.zeros(100), 5 * np.sin(7 * X[100:, 1])]
    estimator = clone(LGBM).set_params(num_leaves=4, learning_rate=0.05)
    search = GridSearchCV(estimator, {"num_leaves": [4]}, cv=3, early_stopping=10).fit(X, y)
    work = [outcome.work for outcome in search._ledger.outcomes]
    assert max(work[1:]) <= max(work[0], search.best_n_rounds_) + 10 + 5 * 8


def test_folds_go_on_only_as_far_as_their_mean_curve_does():
    early, late = run_of(lambda r: -abs(r - 50)), run_of(lambda r: -abs(r - 700) / 1000)
    assert early.growth.n_rounds == 80
    assert common_round([early, late]) == 50
    assert early.growth.n_rounds <= 100
    assert late.growth.n_rounds > 700


def test_folds_go_on_to_where_their_mean_curve_is_best():
    early, late = run_of(lambda r: -abs(r - 50) / 1000), run_of(lambda r: -abs(r - 400))
    assert common_round([early, late]) == pytest.approx(400, rel=0.1)
    assert common_round([early, late]) <= early.growth.n_rounds <= late.growth.n_rounds


@pytest.mark.parametrize("seed", range(20))
def test_the_common_round_is_that_of_curves_trained_to_the_end(seed):
    rng = np.random.default_rng(seed)
    curves = [
        functools.partial(lambda r, best, slope: -slope * np.log(r / best) ** 2, best=b, slope=s)
        for b, s in zip(rng.uniform(40, 400, 5), rng.uniform(0.5, 2, 5))
    ]
    found = common_round([run_of(score) for score in curves])
    every = range(5, 1000, 5)
    mean = [np.mean([score(r) for score in curves]) for r in every]
    assert found == pytest.approx(every[int(np.argmax(mean))], rel=0.15, abs=10)


def test_a_long_curve_is_read_at_fewer_points():
    points = [5]
    while points[-1] < 1000:
        points.append(next_point(points[-1], 5))
    assert points[:24] == list(range(5, 125, 5))
    assert all(
        after - before <= max(5, before / 12) for before, after in itertools.pairwise(points)
    )
    assert len(points) < 60


def test_what_learns_slowly_is_not_forecast_from_its_first_rounds():
    """Equals of the incumbent are as good as it at every round, and forecast far below its end."""
    X, y = make_regression(600, 6, noise=1.0, random_state=0)
    slow = LGBMRegressor(learning_rate=0.01, num_leaves=7, n_jobs=1, verbose=-1)
    equals = {"random_state": [0, 1, 2, 3, 4, 5]}  # nothing is drawn
    search = GridSearchCV(slow, equals, cv=3, racing=True, early_stopping=30).fit(X, y)
    assert search.best_n_rounds_ > 300
    np.testing.assert_array_equal(np.ptp(search.cv_results_["mean_test_score"]), 0)


# -- folds that fail --------------------------------------------------------------------------


class FailsOnFolds(TransformerMixin, BaseEstimator):
    """Raises on the folds that are named, for configurations that are bad.

    The first column numbers the rows, of which there are 90, and three folds follow each other.
    """

    def __init__(self, folds=(1,), bad=True):
        self.folds = folds
        self.bad = bad

    def fit(self, X, y=None):
        missing = sorted(set(range(90)) - set(X[:, 0].astype(int).tolist()))
        if self.bad and missing and missing[0] // 30 in self.folds:
            raise RuntimeError(f"fold {missing[0] // 30} is a bad one")
        return self

    def transform(self, X):
        return X[:, 1:]


def numbered(n=90):
    X, y = diabetes[0][:n], diabetes[1][:n]
    return np.column_stack([np.arange(n), X]), y


# of the plain fits, and of both searches
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.parametrize("error_score", [0.0, -1.0, 0.9, np.nan])
@pytest.mark.parametrize("folds", [(0,), (1,), (2,), (0, 2), (1, 2)])
@pytest.mark.parametrize("racing", [False, True])
def test_a_failed_fold_counts_what_it_counts_without_early_stopping(folds, error_score, racing):
    X, y = numbered()
    steps = make_pipeline(FailsOnFolds(folds), clone(LGBM).set_params(min_child_samples=5))
    grid = {"failsonfolds__bad": [False, True], "lgbmregressor__num_leaves": [3, 7]}
    options = {"cv": KFold(3), "error_score": error_score, "racing": racing}
    search = GridSearchCV(steps, grid, early_stopping=10, **options).fit(X, y)
    told = [{k: [v] for k, v in params.items()} for params in search.cv_results_["params"]]
    plain = GridSearchCV(steps, told, **options).fit(X, y)
    assert search.n_fits_ == plain.n_fits_
    for name in ["mean_test_score", "std_test_score", "rank_test_score"] + [
        f"split{k}_test_score" for k in range(3)
    ]:
        np.testing.assert_array_equal(search.cv_results_[name], plain.cv_results_[name])
    assert search.best_params_ == plain.best_params_
    assert search.best_params_["failsonfolds__bad"] == (error_score == 0.9)


class BreaksOnTheWay(LightGBMGrowth):
    """A growth that fails while the folds are brought to a common number of rounds."""

    def grow(self, n_rounds):
        if sys._getframe(2).f_code.co_name == "reach":
            raise RuntimeError("out of memory")
        super().grow(n_rounds)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.parametrize("error_score", [np.nan, -9.0, "raise"])
def test_who_fails_when_the_folds_are_levelled_has_failed(error_score, monkeypatch):
    grid = {"num_leaves": [3, 7]}
    search = GridSearchCV(LGBM, grid, cv=3, early_stopping=3, error_score=error_score)
    monkeypatch.setattr(growing_lightgbm, "LightGBMGrowth", BreaksOnTheWay)
    if error_score == "raise":
        with pytest.raises(RuntimeError, match="out of memory"):
            search.fit(*diabetes)
    else:
        with pytest.raises(ValueError, match=r"All the 6 fits failed[\s\S]*out of memory"):
            search.fit(*diabetes)

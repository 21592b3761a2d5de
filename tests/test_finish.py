"""The finish: a lower rate for the winner, other folds for the best few."""

from dataclasses import replace

import numpy as np
import pytest
from doubles import CountsUp
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from threadpoolctl import threadpool_limits
from xgboost import XGBRegressor

from skhpt import BayesSearchCV, GridSearchCV
from skhpt.engine import Engine, StopReason
from skhpt.executors import SerialExecutor
from skhpt.finish import Finish, other_folds, rate_of, rounds_as_given
from skhpt.ledger import Ledger
from skhpt.rows import Rows
from skhpt.space import dialects
from skhpt.table import cv_results
from skhpt.trial import Origin, Outcome, Status

diabetes = tuple(part[::2] for part in load_diabetes(return_X_y=True))
LGBM = LGBMRegressor(n_jobs=1, verbose=-1, random_state=0)
FIVE = [(range(5), range(5))] * 5


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1, "openmp"):
        yield


def searched(score_of, n_trials=6, finish=None, seen=None, deadline=None, clock=None, **told):
    """A ledger after trials on five folds and their finish; score_of(trial, fold).

    What is `told` is the same of every outcome.
    """

    def run_step(step, params):
        def outcomes(in_time=lambda: True):
            ran = []
            for fold in step.folds:
                score = score_of(step.trial, fold)
                ran.append(Outcome(step.trial, fold, {"score": score}, 0.0, 0.0, **told))
                scores = [outcome.scores["score"] for outcome in ran]
                if step.rule is not None and step.rule.drops(scores):
                    break
                if not in_time():
                    ran[-1] = replace(ran[-1], late=fold != step.folds[-1])
                    break
            if seen is not None:
                seen.extend((step.trial, outcome.fold) for outcome in ran)
            return ran

        return (outcomes,)

    ledger = Ledger(5)
    options = {} if clock is None else {"clock": clock, "deadline": deadline}
    engine = Engine(ledger, SerialExecutor(), run_step, **options)
    engine.run(CountsUp(), n_trials)
    return ledger, (finish or Finish(splits=FIVE)).run(engine, ledger)


# -- the second look ---------------------------------------------------------------------------


def test_the_best_few_run_on_other_folds_and_the_best_of_all_folds_wins():
    """Trial 5 is lucky on the first folds; trial 4 is the better one."""

    def score_of(trial, fold):
        lucky = 0.5 if trial == 5 and fold < 5 else 0.0
        return trial + lucky + 3 * np.sin(7 * trial + 3 * fold) - (1.5 if trial == 5 else 0.0)

    seen = []
    ledger, reason = searched(score_of, seen=seen)
    assert reason is None
    assert ledger.n_folds == 10
    looked_at = {trial for trial, fold in seen if fold >= 5}
    assert 2 <= len(looked_at) <= 4
    whole = [t for t in sorted(looked_at) if {(t, fold) for fold in range(10)} <= set(seen)]
    results = cv_results(ledger, extra=["n_splits_evaluated"])
    winner = int(np.argmin(results["rank_test_score"]))
    scores = [np.mean([score_of(t, fold) for fold in range(10)]) for t in whole]
    assert winner == whole[int(np.argmax(scores))]
    assert results["mean_test_score"][winner] == pytest.approx(max(scores))
    for trial in set(range(6)) - looked_at:
        assert results["rank_test_score"][trial] > len(whole)
        assert np.isnan(results["split5_test_score"][trial])
    np.testing.assert_array_equal(np.flatnonzero(ledger.electable()), whole)
    np.testing.assert_array_equal(results["n_splits_evaluated"][whole], 10)


def test_a_rival_ends_where_it_cannot_win_any_more():
    """As good on the first folds, far behind on the others."""
    seen = []
    noise = np.random.default_rng(0).normal(0, 0.1, (6, 10))
    ledger, _ = searched(
        lambda trial, fold: noise[trial, fold] - (5.0 if fold >= 5 and trial else 0.0), seen=seen
    )
    assert ledger.n_folds == 10
    first, *rivals = dict.fromkeys(trial for trial, fold in seen if fold >= 5)
    assert sum(trial == first for trial, _ in seen) == 10
    if first == 0:
        assert all(sum(trial == rival for trial, _ in seen) == 6 for rival in rivals)
    assert ledger.trials[first].status is Status.COMPLETE


def test_a_clear_winner_needs_no_second_look():
    seen = []
    ledger, _ = searched(lambda trial, fold: 100.0 * trial + fold, seen=seen)
    assert ledger.n_folds == 5
    assert len(seen) == 30


def test_a_second_look_that_is_cut_short_never_was():
    now = [0.0]

    def score_of(trial, fold):
        now[0] += 1.0
        return np.sin(7 * trial + 3 * fold)

    whole, _ = searched(score_of)
    now[0] = 0.0
    cut, reason = searched(score_of, deadline=33.0, clock=lambda: now[0])
    assert reason == StopReason.TIME
    assert cut.n_folds == 5
    assert len(cut.outcomes) > 30  # what has run is not forgotten
    results = cv_results(cut)
    assert "split5_test_score" not in results
    first = [np.mean([np.sin(7 * t + 3 * f) for f in range(5)]) for t in range(6)]
    np.testing.assert_allclose(results["mean_test_score"], first)
    assert cut.electable().all()
    assert whole.n_folds == 10


# -- other folds -------------------------------------------------------------------------------


def rows(n=60):
    X = np.arange(n, dtype=float).reshape(-1, 1)
    return Rows(X, np.arange(n) % 3, {}, {}, {"groups": np.arange(n) // 6})


@pytest.mark.parametrize(
    "cv",
    [
        KFold(5),
        StratifiedKFold(5),
        KFold(5, shuffle=True, random_state=0),
        ShuffleSplit(4, test_size=0.2, random_state=0),
        GroupKFold(5),
    ],
    ids=str,
)
def test_other_folds_are_of_the_same_kind(cv):
    data = rows()
    groups = data.split_params["groups"]
    if not isinstance(cv, GroupKFold):
        data = Rows(data.X, data.y, {}, {}, {})
    first = list(cv.split(data.X, data.y, **data.split_params))
    others = other_folds(cv, data, seed=1)
    assert len(others) == len(first)
    parts = [frozenset(test) for _, test in first]
    for train, test in others:
        assert frozenset(test) not in parts
        assert not set(train) & set(test)
        assert len(train) + len(test) == 60
        if isinstance(cv, StratifiedKFold):
            assert np.ptp(np.bincount(data.y[test])) <= 1
        if isinstance(cv, GroupKFold):
            assert not set(groups[train]) & set(groups[test])
    if isinstance(cv, KFold) and not cv.shuffle:  # blocks of rows stay blocks, around the end
        gaps = [np.sum(np.diff(np.sort(test)) > 1) for _, test in others]
        assert max(gaps) <= 1


@pytest.mark.parametrize("cv", [TimeSeriesSplit(3), LeaveOneGroupOut()], ids=str)
def test_some_splitters_have_no_others(cv):
    assert other_folds(cv, rows(), seed=1) == []


# -- the lower rate ----------------------------------------------------------------------------


def finished(params, space=None, n_rounds=10, work=1000, origin=Origin.SAMPLER, **told):
    ledger = Ledger(1)
    ledger.add(params, origin)
    ledger.record(Outcome(0, 0, {"score": 1.0}, 0.0, 0.0, n_rounds=n_rounds, work=work))
    Engine(ledger, SerialExecutor(), None).wanted_of_scheduler()
    return Finish(rate="rate", rounds="rounds", space=space, **told).slower(ledger)


def test_the_winner_gets_a_third_of_its_rate_and_three_times_its_rounds():
    start = finished({"rate": 0.3, "depth": 2})
    assert start.origin is Origin.SLOWER
    assert start.params == {"rate": pytest.approx(0.1), "depth": 2, "rounds": 30}
    assert finished({"rate": 0.02}).params == {"rate": 0.01, "rounds": 20}
    assert finished({}, given={"rate": 0.3}).params == {"rate": pytest.approx(0.1), "rounds": 30}


def test_a_rate_that_is_low_or_would_leave_the_users_ranges_stays():
    assert finished({"rate": 0.01}) is None
    (piece,) = dialects.parse({"rate": (0.05, 0.5)})
    assert finished({"rate": 0.09}, piece.space) is None
    assert finished({"rate": 0.3}, piece.space) is not None


def test_a_rate_that_would_be_dear_to_lower_stays():
    assert finished({"rate": 0.3}, n_rounds=1000, work=10000) is not None
    assert finished({"rate": 0.3}, n_rounds=1000, work=9999) is None


def test_a_search_that_has_dropped_all_at_once_may_spend_more_than_it_has_spent():
    assert finished({"rate": 0.3}, n_rounds=333, work=1) is not None
    assert finished({"rate": 0.3}, n_rounds=334, work=1) is None


def test_the_estimator_as_given_learns_more_slowly_too():
    default = {"origin": Origin.DEFAULT, "n_rounds": None}
    start = finished({"rate": 0.3}, own_rounds=100, **default)
    assert start.params == {"rate": pytest.approx(0.1), "rounds": 300}
    assert finished({}, given={"rate": 0.3}, own_rounds=100, **default).params["rounds"] == 300
    assert finished({"rate": 0.3}, **default) is None
    assert rounds_as_given(clone(LGBM).set_params(n_estimators=70)) == 70
    assert rounds_as_given(XGBRegressor()) == 100
    assert rounds_as_given(Ridge()) is None


@pytest.mark.filterwarnings("ignore:(?s).*fits failed", "ignore:One or more")  # as given
@pytest.mark.parametrize("number", [None, "many"])
def test_a_number_of_rounds_that_is_none_does_not_matter_to_a_search_that_finds_it(number):
    model = clone(LGBM).set_params(n_estimators=number)
    assert rounds_as_given(model) is None
    options = {"early_stopping": True, "cv": 2, "random_state": 0}
    search = BayesSearchCV(model, {"num_leaves": (3, 9)}, n_iter=3, **options).fit(*diabetes)
    assert search.best_params_["n_estimators"] >= 1


def test_without_a_number_of_rounds_there_is_nothing_to_raise():
    assert finished({"rate": 0.3}, n_rounds=None) is None


def with_slower(behind, splits=(), apart=1.0):
    """Five trials, so far apart; the sixth is the best one's lower rate, so far behind it."""

    def score_of(trial, fold):
        noise = 0.3 * np.sin(7 * trial + 3 * fold)
        return 10.0 * fold + (4 * apart - behind if trial == 5 else trial * apart) + noise

    finish = Finish(list(splits), rate="rate", rounds="rounds", given={"rate": 0.3})
    return searched(score_of, n_trials=5, finish=finish, n_rounds=1, work=100)


@pytest.mark.parametrize(("behind", "wins"), [(-1.0, True), (0.1, True), (3.0, False)])
def test_a_lower_rate_wins_unless_it_is_worse_by_more_than_noise(behind, wins):
    ledger, reason = with_slower(behind)
    assert reason is None
    assert [trial.origin for trial in ledger.trials][5:] == [Origin.SLOWER]
    assert ledger.trials[5].params["rounds"] == 3
    rank = cv_results(ledger)["rank_test_score"]
    assert np.argmin(rank) == (5 if wins else 4)
    assert sorted(rank) == [1, 2, 3, 4, 5, 6]
    assert ledger.electable()[5]
    assert ledger.electable()[4] == (not wins)


def test_a_second_look_follows_where_the_lower_rate_does_not_win():
    ledger, _ = with_slower(0.1, splits=FIVE, apart=0.1)
    assert ledger.n_folds == 5
    np.testing.assert_array_equal(np.flatnonzero(ledger.electable()), [5])
    ledger, _ = with_slower(3.0, splits=FIVE, apart=0.1)
    assert ledger.n_folds == 10
    assert not ledger.electable()[5]
    assert len(ledger.folds(5)) == 5


def test_the_name_of_the_rate():
    assert rate_of(LGBM) == "learning_rate"
    assert rate_of(Ridge()) is None


# -- in a search -------------------------------------------------------------------------------


def test_a_finished_search_reports_what_plain_fits_reach():
    # They differ by their draws alone, so that one set of folds leaves several that may win.
    draws = {"random_state": list(range(8)), "subsample": [0.8], "subsample_freq": [1]}
    first = {"random_state": 3, "subsample": 0.8, "subsample_freq": 1}
    options = {"initial_params": [first], "early_stopping": True, "finish": True}
    search = BayesSearchCV(LGBM, draws, n_iter=8, cv=3, random_state=0, **options).fit(*diabetes)
    results = search.cv_results_
    assert search.n_splits_ == 6
    assert list(results["origin"]).count("slower") <= 1
    assert results["n_splits_evaluated"][search.best_index_] == 6
    assert results["rank_test_score"][search.best_index_] == 1
    assert search.best_score_ == results["mean_test_score"][search.best_index_]
    plain = clone(LGBM).set_params(**search.best_params_)
    others = other_folds(KFold(3), Rows(*diabetes, {}, {}, {}), 0)
    first = cross_val_score(plain, *diabetes, cv=3)
    second = cross_val_score(plain, *diabetes, cv=others)
    own = [results[f"split{fold}_test_score"][search.best_index_] for fold in range(6)]
    np.testing.assert_array_equal(own, [*first, *second])


def test_the_same_for_every_n_jobs():
    one, two = (
        BayesSearchCV(LGBM, n_iter=8, cv=3, random_state=0, n_jobs=n).fit(*diabetes) for n in (1, 2)
    )
    assert one.best_params_ == two.best_params_
    for fold in range(one.n_splits_):
        name = f"split{fold}_test_score"
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])


def test_it_can_be_had_without_early_stopping_and_left_out_with_it():
    X, y = load_iris(return_X_y=True)
    space = {"alpha": (1e-3, 1e3, "log-uniform")}
    search = BayesSearchCV(Ridge(), space, n_iter=10, cv=3, random_state=0, finish=True).fit(X, y)
    assert search.n_splits_ in (3, 6)
    assert "slower" not in search.cv_results_["origin"]
    search = BayesSearchCV(LGBM, n_iter=4, cv=3, random_state=0, finish=False).fit(*diabetes)
    assert search.n_splits_ == 3
    grid = GridSearchCV(LGBM, {"num_leaves": [3, 5]}, cv=3, early_stopping=10).fit(*diabetes)
    assert grid.n_splits_ == 3  # scikit-learn's namesakes have none

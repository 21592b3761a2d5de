"""Facts are appended; tables are projections, equal to scikit-learn's where it has them."""

import numpy as np
import pytest
from doubles import made_outcomes

from skhpt.ledger import Ledger
from skhpt.table import cv_results, param_columns, ranks
from skhpt.trial import Origin, Outcome, Status, Step


def filled(scores, metric="score"):
    """A ledger of trials x folds scores; NaN means that the fold never ran."""
    scores = np.asarray(scores, dtype=float)
    ledger = Ledger(scores.shape[1], metric)
    for row in scores:
        trial = ledger.add({"x": 0})
        for fold, score in enumerate(row):
            if not np.isnan(score):
                ledger.record(Outcome(trial.index, fold, {"score": score}, 1.0, 0.5))
        ran = not np.isnan(row).any()
        ledger.close(trial.index, Status.COMPLETE if ran else Status.RACED)
    return ledger


def test_a_fold_is_recorded_once():
    ledger = Ledger(2)
    trial = ledger.add({"x": 1})
    (outcome,) = made_outcomes(Step(trial.index, (0,)), trial.params)
    ledger.record(outcome)
    with pytest.raises(ValueError, match="fold 0 of trial 0 is recorded already"):
        ledger.record(outcome)


def test_a_trial_is_closed_once():
    ledger = filled([[1, 2]])
    with pytest.raises(ValueError, match="trial 0 is not open"):
        ledger.close(0, Status.COMPLETE)


def test_incomplete_trials_rank_below_complete_ones_and_average_what_ran():
    ledger = filled([[0.5, 0.6], [0.9, np.nan], [0.4, 0.4], [0.1, np.nan]])
    results = cv_results(ledger, extra=("n_splits_evaluated", "origin"))
    np.testing.assert_allclose(results["mean_test_score"], [0.55, 0.9, 0.4, 0.1])
    assert results["rank_test_score"].tolist() == [1, 3, 2, 4]
    assert results["rank_test_score"].dtype == np.int32
    assert np.isnan(results["split1_test_score"][1])
    assert results["n_splits_evaluated"].tolist() == [2, 1, 2, 1]
    assert results["origin"].tolist() == ["sampler"] * 4
    assert list(results)[-2:] == ["n_splits_evaluated", "origin"]


def test_a_failed_fold_is_filled_with_error_score():
    ledger = Ledger(2)
    for error in (None, "Traceback"):
        trial = ledger.add({"x": 1})
        ledger.record(Outcome(trial.index, 0, {"score": 1.0}, 1.0, 0.5))
        scores = {} if error else {"score": 3.0}
        ledger.record(Outcome(trial.index, 1, scores, 1.0, 0.0, error=error))
        ledger.close(trial.index, Status.FAILED if error else Status.COMPLETE)
    assert cv_results(ledger, error_score=-1.0)["mean_test_score"].tolist() == [2.0, 0.0]
    with pytest.warns(UserWarning, match="One or more of the test scores are non-finite"):
        results = cv_results(ledger)
    assert np.isnan(results["mean_test_score"][1])
    assert results["rank_test_score"].tolist() == [1, 2]
    assert np.isnan(ledger.trial(1).score), "a sampler is told that it failed"
    assert ledger.errors() == {"Traceback": 1}


def test_an_infinite_score_is_a_failed_fold_to_samplers():
    ledger = filled([[np.inf, 1.0], [-np.inf, -np.inf]])
    assert np.isnan(ledger.trial(0).score), "a mean over the other folds would flatter it"
    assert np.isnan(ledger.trial(1).score)
    assert ledger.trial(0).fold_scores[1] == 1.0


def test_the_first_metric_is_watched_where_none_is_named():
    ledger = Ledger(1, metric=None)
    trial = ledger.add({})
    ledger.record(Outcome(trial.index, 0, {"a": 1.0, "b": 2.0}, 1.0, 0.0))
    ledger.close(trial.index, Status.COMPLETE)
    assert ledger.metric == "a"
    assert ledger.trial(0).score == 1.0
    assert ledger.metrics() == ["a", "b"]


def test_find_gives_the_first_of_an_origin():
    ledger = Ledger(1)
    ledger.add({"x": 0}, Origin.GIVEN)
    ledger.add({"x": 1}, Origin.DEFAULT)
    assert ledger.find(Origin.DEFAULT).index == 1
    assert ledger.find(Origin.PORTFOLIO) is None


@pytest.mark.parametrize("seed", range(20))
def test_ranks_equal_scipys_where_all_are_complete(seed):
    from scipy.stats import rankdata

    means = np.round(np.random.default_rng(seed).normal(size=12), 1)
    expected = rankdata(-means, method="min")
    np.testing.assert_array_equal(ranks(means, np.ones(12, bool)), expected)


def test_all_nan_means_rank_first_together():
    assert ranks(np.array([np.nan, np.nan]), np.array([True, True])).tolist() == [1, 1]


def test_an_incomplete_trial_never_outranks_a_complete_one():
    means = np.array([0.9, np.nan, np.nan, 0.1])
    complete = np.array([False, True, False, True])
    assert ranks(means, complete).tolist() == [3, 2, 4, 1]


def test_a_trial_that_cannot_be_chosen_ranks_below_the_others():
    ledger = Ledger(1)
    for score, eligible in [(0.9, False), (0.5, True)]:
        trial = ledger.add({"x": score}, eligible=eligible)
        ledger.record(Outcome(trial.index, 0, {"score": score}, 1.0, 0.0))
        ledger.close(trial.index, Status.COMPLETE)
    assert cv_results(ledger)["rank_test_score"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], np.int64),
        ([1, 2.5], np.float64),
        ([True, False], bool),
        (["a", "b"], object),
        ([(1,), (1, 2)], object),
        ([(1, 2), (3, 4)], object),
        ([None, 1], object),
    ],
)
def test_parameter_columns_have_scikit_learns_dtypes(values, dtype):
    (column,) = param_columns([{"p": value} for value in values]).values()
    assert column.dtype == dtype
    assert column.tolist() == values


def test_a_parameter_that_is_not_part_of_a_configuration_is_masked():
    columns = param_columns([{"a": 1}, {"b": 2.0}])
    assert columns["param_a"].mask.tolist() == [False, True]
    assert columns["param_b"].mask.tolist() == [True, False]

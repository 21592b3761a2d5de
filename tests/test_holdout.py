"""Laws of the test rows: a partition, decided by the seed, scored without hidden failures."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    train_test_split,
)
from sklearn.naive_bayes import GaussianNB

from skhpt.holdout import score_with_interval, split_off


def split(test_size, y, *, classifier=True, random_state=0, **options):
    X = np.zeros((len(y), 1))
    return split_off(test_size, X, y, classifier=classifier, random_state=random_state, **options)


def assert_partition(train, test, n_rows):
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(n_rows))
    for rows in (train, test):
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**31 - 1),
)
def test_stratified_split_is_a_partition_with_rounded_shares(counts, share, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    n_test = int(np.ceil(share * len(y)))
    n_shared = sum(count > 1 for count in counts)
    if n_test < max(2, n_shared) or len(y) - n_test < max(2, len(counts)):
        with pytest.raises(ValueError, match="test_size="):  # too little on one side
            split(share, y, random_state=seed)
        return
    train, test = split(share, y, random_state=seed)
    assert_partition(train, test, len(y))
    assert len(test) == n_test
    in_test = np.bincount(y[test], minlength=len(counts))
    counts = np.array(counts)
    assert (in_test < counts).all()  # every class is in training
    assert ((in_test > 0) == (counts > 1)).all()  # and in the test set if it has two rows


@pytest.mark.parametrize("test_size", [0.25, 0.31, 50, np.int64(37), np.float64(0.2)])
@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"]])
def test_class_shares_differ_from_exact_ones_by_less_than_a_row(test_size, labels):
    y = np.random.default_rng(0).permutation(np.repeat(labels, [100, 57, 23]))
    _, test = split(test_size, y)
    exact = np.array([100, 57, 23]) * len(test) / len(y)
    found = [np.sum(y[test] == label) for label in labels]
    assert (np.abs(found - exact) < 1).all()


def test_sizes_are_those_of_scikit_learn():
    y = np.arange(103) % 2
    for test_size in (0.25, 0.1, 0.999 / 3, 40):
        _, test = split(test_size, y)
        _, other = train_test_split(np.arange(103), test_size=test_size, random_state=0)
        assert len(test) == len(other)


def test_a_class_with_a_single_row_stays_in_training():
    y = np.array(["a"] * 30 + ["b"] * 30 + ["rare"])
    for seed in range(10):
        train, test = split(0.3, y, random_state=seed)
        assert_partition(train, test, 61)
        assert 60 in train


@pytest.mark.parametrize(
    "y",
    [
        None,
        np.linspace(0, 1, 40),
        make_multilabel_classification(40, random_state=0)[1],
        sparse.csr_matrix(make_multilabel_classification(40, random_state=0)[1]),
        pd.Series(["x", "y"] * 20),
        list("xy" * 20),
        np.array([1, "x", None, 2.5] * 10, dtype=object),
    ],
    ids=["none", "continuous", "multilabel", "sparse", "pandas", "list", "mixed"],
)
@pytest.mark.parametrize("classifier", [True, False])
def test_any_target_gives_a_partition(y, classifier):
    X = np.zeros((40, 1))
    train, test = split_off(0.25, X, y, classifier=classifier, random_state=3)
    assert_partition(train, test, 40)
    assert len(test) == 10


@pytest.mark.parametrize("kind", ["stratified", "plain", "groups"])
def test_the_seed_decides(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=200)
    options = {"groups": rng.integers(30, size=200)} if kind == "groups" else {}
    options["classifier"] = kind != "plain"
    first = split(0.2, y, random_state=7, **options)[1]
    again = split(0.2, y, random_state=np.random.RandomState(7), **options)[1]
    other = split(0.2, y, random_state=8, **options)[1]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


class WalkForward:
    """A splitter that is none of scikit-learn's: each block is predicted from those before."""

    def split(self, X, y=None, groups=None):
        blocks = np.array_split(np.arange(len(X)), 4)
        for i in range(1, 4):
            yield np.concatenate(blocks[:i]), blocks[i]


class TwoDaysAhead(TimeSeriesSplit):
    pass


@pytest.mark.parametrize("cv", [TimeSeriesSplit(3), TwoDaysAhead(3), WalkForward()])
@pytest.mark.parametrize("classifier", [True, False])
def test_time_ordered_splitters_set_the_last_rows_aside(cv, classifier):
    y = np.arange(50) % 2
    train, test = split(0.2, y, cv=cv, classifier=classifier)
    np.testing.assert_array_equal(train, np.arange(40))
    np.testing.assert_array_equal(test, np.arange(40, 50))


@pytest.mark.parametrize(
    "cv",
    [
        5,
        None,
        KFold(2),
        KFold(3, shuffle=True, random_state=0),
        StratifiedKFold(3),
        ShuffleSplit(3, random_state=np.random.RandomState(0)),
        PredefinedSplit([-1] * 40 + [0] * 10),
        GroupKFold(3),  # cannot split without groups
    ],
)
def test_other_splitters_do_not(cv):
    _, test = split(0.2, np.arange(50) % 2, cv=cv)
    assert test.min() < 40


def test_asking_a_splitter_for_its_order_leaves_its_random_state_alone():
    state = np.random.RandomState(0)
    split(0.2, np.arange(50) % 2, cv=ShuffleSplit(3, random_state=state))
    assert state.randint(10**6) == np.random.RandomState(0).randint(10**6)


def test_in_time_the_cut_falls_between_blocks_of_groups():
    days = np.repeat(np.arange(10), 7)
    train, test = split(0.25, np.arange(70) % 2, cv=TimeSeriesSplit(3), groups=days)
    assert_partition(train, test, 70)
    assert test.min() > train.max()
    assert not set(days[train]) & set(days[test])
    assert abs(len(test) - 18) <= 3
    # Groups that run through all of the time cannot be kept whole: time goes first.
    _, test = split(0.2, np.arange(70) % 2, cv=TimeSeriesSplit(3), groups=np.arange(70) % 7)
    np.testing.assert_array_equal(test, np.arange(56, 70))


@pytest.mark.parametrize("classifier", [True, False])
@pytest.mark.parametrize("test_size", [0.25, 60])
def test_groups_stay_whole_and_near_the_size(classifier, test_size):
    rng = np.random.default_rng(1)
    groups = rng.integers(40, size=300)
    y = (rng.random(300) < 0.05 + 0.9 * (groups % 4 == 0)).astype(int)
    train, test = split(test_size, y, groups=groups, classifier=classifier)
    assert_partition(train, test, 300)
    assert not set(groups[train]) & set(groups[test])
    assert abs(len(test) - (75 if test_size == 0.25 else 60)) <= 4
    if classifier:
        assert abs(y[test].mean() - y.mean()) < 0.03


def test_a_class_of_one_group_stays_in_training():
    groups = np.repeat(["a", "b", "c", "d"], 10)
    y = np.where(groups == "c", 2, np.arange(40) % 2)
    for seed in range(10):
        train, _ = split(0.3, y, groups=groups, random_state=seed)
        assert set(y[train]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("test_size", "options", "message"),
    [
        (True, {}, r"test_size must be a share .* got True.*test_size=0.25"),
        (0.0, {}, r"test_size must be .* got 0\.0"),
        (1.0, {}, r"test_size must be .* got 1\.0"),
        (float("nan"), {}, r"test_size must be .* got nan"),
        ("half", {}, r"test_size must be .* got 'half'"),
        (0, {}, r"an int from 1 to 19 .* got 0"),
        (20, {}, r"an int from 1 to 19 \(there are 20 rows\); got 20"),
        (1, {}, r"test_size=1 sets 1 rows aside, .* at least 2: increase test_size"),
        (19, {}, r"test_size=19 leaves 1 rows for training, but at least 2 .* decrease test_size"),
        (0.8, {"n_splits": 5}, r"test_size=0.8 leaves 4 rows .* each of the 5 folds must remain"),
        (2, {"y": np.arange(20) % 3}, r"fewer than the 3 classes .*: increase test_size"),
        (18, {"y": np.arange(20) % 3}, r"fewer than the 3 classes of y: decrease test_size"),
        (0.3, {"groups": np.zeros(20)}, r"test_size=0.3 .* at least 2 groups; got 1\. Pass finer"),
        (
            0.3,
            {"y": ["a", "b"] * 7 + ["c"] * 6, "cv": TimeSeriesSplit(2)},
            r"test_size=0.3 leaves no training row of 1 of the 3 classes .*\(c for one\): decrease",
        ),
        (
            0.5,
            {"groups": np.repeat([0, 1], 10), "y": np.repeat([0, 1], 10)},
            r"leaves no training row of 1 of the 2 classes .* in a single group",
        ),
    ],
)
def test_what_cannot_be_set_aside_is_said(test_size, options, message):
    options = {"y": np.arange(20) % 2, **options}
    with pytest.raises(ValueError, match=message):
        split(test_size, options.pop("y"), **options)


# ------------------------------------------------------------------ scores that are undefined


@pytest.fixture(scope="module")
def case():
    """A fitted classifier and its test rows."""
    X, y = make_classification(300, 6, n_informative=4, flip_y=0.2, random_state=0)
    return SimpleNamespace(model=GaussianNB().fit(X[:150], y[:150]), X=X[150:], y=y[150:])


def cheap_accuracy(estimator, X, y):
    return np.mean(estimator.predict(X) == y)


def test_undefined_resamples_are_skipped_in_silence(case):
    positives = np.flatnonzero(case.y == 1)
    rows = np.r_[np.flatnonzero(case.y == 0)[:20], positives[:2]]  # 13 % lack a positive
    for name in ("roc_auc", "neg_log_loss"):  # NaN with a warning; an error
        result = score_with_interval(
            case.model, case.X[rows], case.y[rows], get_scorer(name), n_bootstrap=200
        )
        assert result.interval[0] <= result.score <= result.interval[1]


def test_no_interval_when_most_resamples_are_undefined(case):

    def distinct(estimator, X, y):
        """Defined only where no row is drawn twice."""
        return np.nan if len(np.unique(X[:, 0])) < len(X) else cheap_accuracy(estimator, X, y)

    result = score_with_interval(case.model, case.X, case.y, distinct, n_bootstrap=100)
    assert np.isfinite(result.score)
    assert np.isnan(result.interval).all()


@pytest.mark.parametrize(
    ("n_rows", "groups"), [(1, None), (30, np.zeros(30))], ids=["one row", "one group"]
)
def test_no_interval_without_two_units(case, n_rows, groups):
    result = score_with_interval(
        case.model, case.X[:n_rows], case.y[:n_rows], cheap_accuracy, groups=groups
    )
    assert np.isfinite(result.score)
    assert np.isnan(result.interval).all()


def raises(estimator, X, y):
    raise RuntimeError("no metric today")


def test_a_scorer_that_fails_costs_the_score_and_not_the_search(case):
    with pytest.warns(UserWarning, match=r"(?s)failed for 'f1'; .*nan.*no metric today"):
        result = score_with_interval(case.model, case.X, case.y, raises, metric="f1")
    assert np.isnan([result.score, *result.interval]).all()
    with pytest.warns(UserWarning, match="no metric today"):
        result = score_with_interval(case.model, case.X, case.y, raises, error_score=-1)
    assert result.score == -1
    with pytest.raises(RuntimeError, match="no metric today"):
        score_with_interval(case.model, case.X, case.y, raises, error_score="raise")
    with pytest.raises(ValueError, match=r"scoring must return a number .* Reduce it to one"):
        score_with_interval(case.model, case.X, case.y, lambda *_: [1, 2], error_score="raise")


def test_one_failing_metric_leaves_the_others_their_interval(case):
    names = {"accuracy": get_scorer("accuracy"), "bad": raises}
    scorer = check_scoring(case.model, names, raise_exc=False)
    with pytest.warns(UserWarning, match="failed for 'bad'"):
        result = score_with_interval(
            case.model, case.X, case.y, scorer, metric="accuracy", n_bootstrap=50, error_score=0
        )
    assert result.scores["bad"] == 0
    assert result.interval[0] < result.score < result.interval[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 1.0}, r"confidence must be a float in \(0, 1\); got 1\.0\. Use"),
        ({"confidence": "95%"}, r"confidence must be .* got '95%'"),
        ({"n_bootstrap": 39}, r"n_bootstrap must be an int of at least 40 .* got 39\. Increase"),
        ({"n_bootstrap": 1e3}, r"n_bootstrap must be an int .* got 1000\.0"),
        ({"metric": "f1"}, r"metric must be one of the names .*\(accuracy\) or None; got 'f1'"),
    ],
)
def test_wrong_arguments_are_named(case, options, message):

    def scorer(estimator, X, y):
        return {"accuracy": cheap_accuracy(estimator, X, y)}

    with pytest.raises(ValueError, match=message):
        score_with_interval(case.model, case.X, case.y, scorer, **{"metric": "accuracy", **options})

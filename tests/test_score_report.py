"""score_report: honest numbers on new rows, a warning for old ones; fingerprints of rows."""

import dataclasses
import math
import pickle
import time
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV as TheirGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearchCV, score_report
from skhpt.fingerprints import count_among, count_twins, fingerprints

X, y = make_classification(400, 6, n_informative=4, flip_y=0.1, random_state=0)
X_train, X_test, y_train, y_test = X[:250], X[250:], y[:250], y[250:]
GRID = {"C": [0.001, 1.0]}


@pytest.fixture(autouse=True)
def _fewer_resamples(monkeypatch):
    monkeypatch.setattr("skhpt.audit._N_BOOTSTRAP", 100)


@pytest.fixture(scope="module")
def search():
    model = LogisticRegression()
    return GridSearchCV(model, GRID, cv=3, scoring="neg_log_loss").fit(X_train, y_train)


@pytest.fixture(scope="module")
def report(search):
    baseline = LogisticRegression(C=1e-4).fit(X_train, y_train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skhpt.audit._N_BOOTSTRAP", 200)
        return score_report(search, X_test, y_test, baseline=baseline)


# -- the numbers --------------------------------------------------------------------------------


def test_the_score_is_the_searchs_own(search, report):
    expected = -log_loss(y_test, search.predict_proba(X_test))
    assert report.score == pytest.approx(expected)
    assert report.interval[0] < report.score < report.interval[1]
    assert report.cv_score == search.best_score_
    assert report.optimism == pytest.approx(search.best_score_ - expected)
    assert report.metric == "neg_log_loss"


def test_the_gain_is_paired(report):
    assert report.gain == pytest.approx(report.score - report.baseline_score)
    low, high = report.gain_interval
    assert low < report.gain < high
    unpaired = math.hypot(
        report.interval[1] - report.interval[0],
        report.baseline_interval[1] - report.baseline_interval[0],
    )
    assert high - low < unpaired


def test_a_baseline_that_is_the_winner_gains_nothing(search):
    same = score_report(search, X_test, y_test, baseline=search.best_estimator_)
    assert same.gain == 0
    assert same.gain_interval == (0, 0)


def test_without_a_baseline_it_says_how_to_get_one(search):
    report = score_report(search, X_test, y_test)
    assert math.isnan(report.gain)
    text = " ".join(str(report).split())
    assert "pass X_train=X_train, y_train=y_train" in text
    assert "baseline=clone(search.estimator).fit(X_train, y_train)" in text


def test_the_rows_for_tuning_give_the_baseline(search):
    by_hand = score_report(
        search, X_test, y_test, baseline=clone(search.estimator).fit(X_train, y_train)
    )
    told = score_report(search, X_test, y_test, X_train=X_train, y_train=y_train)
    assert told == by_hand
    assert told.note is None
    shuffled = np.random.default_rng(0).permutation(len(X_train))
    rows = {"X_train": X_train[shuffled], "y_train": y_train[shuffled]}
    assert score_report(search, X_test, y_test, **rows).note is None


@pytest.mark.parametrize(
    ("rows", "known"), [(slice(0, 200), "200 of its 200 rows"), (slice(5, 255), "245 of its 250")]
)
def test_other_rows_than_those_for_tuning_are_told_of(search, rows, known):
    message = f"X_train are not the rows that the search was tuned on: {known}"
    with pytest.warns(UserWarning, match=message):
        report = score_report(search, X_test, y_test, X_train=X[rows], y_train=y[rows])
    assert math.isfinite(report.gain)
    assert "not the rows that the search was tuned on" in str(report).replace("\n  ", " ")


def test_what_the_search_has_set_aside_is_none_of_its_rows():
    search = GridSearchCV(LogisticRegression(), GRID, cv=3, test_size=0.2, random_state=0)
    search.fit(X_train, y_train)
    with pytest.warns(UserWarning, match="200 of its 250 rows are among those 200"):
        score_report(search, X_test, y_test, X_train=X_train, y_train=y_train)


def test_rows_for_a_baseline_that_cannot_be_used(search):
    baseline = LogisticRegression().fit(X_train, y_train)
    with pytest.raises(ValueError, match="baseline is one already"):
        score_report(search, X_test, y_test, baseline=baseline, X_train=X_train, y_train=y_train)
    with pytest.raises(ValueError, match="y_train without X_train"):
        score_report(search, X_test, y_test, y_train=y_train)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        score_report(search, X_test, y_test, X_train=X_train, y_train=y_test)


def test_whole_groups_are_resampled(search):
    groups = np.arange(150) // 30
    plain = score_report(search, X_test, y_test)
    grouped = score_report(search, X_test, y_test, groups=groups)
    assert grouped.score == plain.score
    assert grouped.interval != plain.interval


def test_weights_count_in_the_score():
    search = GridSearchCV(LogisticRegression(), GRID, cv=3).fit(X_train, y_train)
    right = (search.predict(X_test) == y_test).astype(float)
    weights = 1 + right
    report = score_report(search, X_test, y_test, score_params={"sample_weight": weights})
    assert report.score == pytest.approx((weights * right).sum() / weights.sum())
    assert report.metric == "accuracy"


def test_one_of_several_metrics():
    options = {"scoring": ["accuracy", "roc_auc"], "cv": 3}
    search = GridSearchCV(LogisticRegression(), GRID, refit="roc_auc", **options)
    search.fit(X_train, y_train)
    assert score_report(search, X_test, y_test).metric == "roc_auc"
    search.set_params(refit=lambda table: 0).fit(X_train, y_train)
    with pytest.raises(TypeError, match=r"several metrics \(accuracy, roc_auc\)"):
        score_report(search, X_test, y_test)


def test_the_report_in_words(report):
    assert max(map(len, str(report).splitlines())) <= 88  # a terminal's width
    text = " ".join(str(report).split())
    assert text.startswith(f"neg_log_loss on 150 test rows: {report.score:.4f} (95 % interval")
    assert "None of the test rows was among the rows for tuning." in text
    assert "<p>" in report._repr_html_()
    assert "more than the choice of the test rows explains" in text


def test_what_is_no_number_is_not_compared(report):
    for score, told in (
        (math.nan, "was chosen.\n"),
        (report.cv_score, "chosen; the same as here."),
    ):
        said = str(dataclasses.replace(report, score=score, interval=(math.nan, math.nan)))
        assert told in said.replace("\n  ", " ")
        assert "nan worse" not in said


def test_few_rows_are_told(search):
    assert "12 rows are few" in str(score_report(search, X_test[:12], y_test[:12]))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: LogisticRegression(), TypeError, "must be a fitted search.*LogisticRegression"),
        (clone, TypeError, "best_estimator_ .refit=True.; got GridSearchCV without one"),
    ],
)
def test_what_is_no_fitted_search(search, change, error, message):
    with pytest.raises(error, match=message):
        score_report(change(search), X_test, y_test)


def test_a_baseline_must_be_fitted_and_rows_must_match(search):
    with pytest.raises(NotFittedError):
        score_report(search, X_test, y_test, baseline=LogisticRegression())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        score_report(search, X_test, y_test[:-1])
    with pytest.raises(ValueError, match="X has no rows"):
        score_report(search, X_test[:0], y_test[:0])


# -- rows seen before ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 20, 150])
def test_rows_for_tuning_among_the_test_rows_are_warned_of(search, n):
    mixed = np.concatenate([X_train[:n], X_test[n:]])
    with pytest.warns(UserWarning, match=rf"Of the 150 test rows, {n} \(.*the score flatters"):
        report = score_report(search, mixed, y_test)
    assert report.n_seen == n
    assert report.seen_share == n / 150
    assert f"{n} (" in str(report)


@pytest.mark.parametrize(("n", "advice"), [(3, "Leave them out"), (4, "Score the search on rows")])
def test_a_few_seen_rows_are_told_from_a_leak(search, n, advice):
    mixed = np.concatenate([X_train[:n], X_test[n:]])
    with pytest.warns(UserWarning, match=advice):
        score_report(search, mixed, y_test)


def test_new_rows_are_not_warned_of(search):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score_report(search, X_test, y_test).n_seen == 0


def test_rows_that_the_search_has_set_aside_are_new_to_it():
    search = BayesSearchCV(
        LogisticRegression(), GRID, cv=3, n_iter=2, test_size=0.3, random_state=0
    ).fit(X, y)
    held_out = search.test_indices_
    assert score_report(search, X[held_out], y[held_out]).n_seen == 0
    with pytest.warns(UserWarning, match="the score flatters"):
        assert score_report(search, X, y).n_seen == len(X) - len(held_out)


def test_rows_that_are_equal_by_nature_are_told_from_a_leak():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 2, size=(300, 4)).astype(float)
    labels = (coarse[:, 0] + rng.random(300) > 0.8).astype(int)
    search = GridSearchCV(LogisticRegression(), GRID, cv=3).fit(coarse[:200], labels[:200])
    with pytest.warns(UserWarning, match="harmless where rows are equal by nature"):
        report = score_report(search, coarse[200:], labels[200:])
    assert report.n_tuning_twins == 200


def test_a_search_of_others_does_not_know():
    search = TheirGridSearchCV(LogisticRegression(), GRID, cv=3).fit(X_train, y_train)
    report = score_report(search, X_train, y_train)
    assert report.n_seen is None
    assert math.isnan(report.seen_share)
    assert "is not known" in str(report)


def test_the_prints_survive_pickle_and_leave_with_clone(search):
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again._fingerprints, search._fingerprints)
    assert not hasattr(clone(search), "_fingerprints")
    assert search._fingerprints.nbytes == 8 * len(X_train)


def test_a_frame_in_the_search_and_an_array_in_the_test(search):
    pd = pytest.importorskip("pandas")
    framed = GridSearchCV(LogisticRegression(), GRID, cv=3).fit(pd.DataFrame(X_train), y_train)
    np.testing.assert_array_equal(framed._fingerprints, search._fingerprints)


def test_kernels_have_no_rows():
    kernel = X_train @ X_train.T
    search = GridSearchCV(SVC(kernel="precomputed"), {"C": [1.0]}, cv=3).fit(kernel, y_train)
    assert search._fingerprints is None
    assert score_report(search, X_test @ X_train.T, y_test).n_seen is None


def test_texts_are_rows():
    texts = [f"word{i} and word{i % 7}" for i in range(60)]
    labels = np.arange(60) % 2
    model = make_pipeline(CountVectorizer(), LogisticRegression())
    search = GridSearchCV(model, {"logisticregression__C": [1.0]}, cv=2).fit(
        texts[:40], labels[:40]
    )
    with pytest.warns(UserWarning, match="the score flatters"):
        assert score_report(search, texts[30:], labels[30:]).n_seen == 10


# -- fingerprints -------------------------------------------------------------------------------


def table():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    n = 50
    return pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "whole": rng.integers(0, 9, n),
            "flag": rng.random(n) < 0.5,
            "text": rng.choice(["a", "b", None], n),
            "kind": pd.Categorical(rng.choice(["x", "y"], n)),
            "gap": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
        }
    )


def same(one, other):
    one, other = fingerprints(one), fingerprints(other)
    return one is not None and other is not None and np.array_equal(one, other)


def test_prints_depend_on_values_and_not_on_containers():
    pd = pytest.importorskip("pandas")
    frame = table()
    assert same(frame, frame.to_numpy())
    assert same(frame, frame.to_numpy().tolist())
    assert same(frame, frame.rename(columns=str.upper))
    assert same(frame, frame.astype({"text": "category", "kind": object}))
    numbers = frame[["number", "whole", "flag", "gap"]]
    assert same(numbers, numbers.to_numpy(dtype=float))
    assert same(numbers.astype({"whole": "int8"}), numbers)
    assert same(numbers.astype({"whole": "Int64"}), numbers)
    assert same(X, X.tolist())
    assert same(X, np.asfortranarray(X))
    assert same(X.astype(np.float32), X.astype(np.float32).astype(float))
    assert same(pd.Series(["a", "b"]), ["a", "b"])


def test_polars_frames_too():
    pl = pytest.importorskip("polars")
    frame = table()
    columns = {name: frame[name].tolist() for name in frame}
    columns["text"] = [v if isinstance(v, str) else None for v in columns["text"]]
    polars = pl.DataFrame(columns)
    assert same(frame, polars)


def test_sparse_rows_are_those_of_the_dense_matrix():
    matrix = sp.random(200, 40, 0.1, random_state=0, format="csr")
    assert same(matrix, matrix.toarray())
    assert same(matrix.tocoo(), matrix)
    doubled = sp.csr_matrix((np.ones(4), ([0, 0, 1, 2], [1, 1, 0, 3])), shape=(3, 5))
    assert same(doubled, doubled.toarray())


def test_zeros_have_no_sign_and_missing_values_no_kind():
    assert same([[0.0, 1.0]], [[-0.0, 1.0]])
    assert same(np.array([[None, "a"]], dtype=object), np.array([[np.nan, "a"]], dtype=object))


def test_the_last_digit_hardly_ever_counts():
    again = np.nextafter(X, np.inf)  # the last bit of every number is another one
    assert (fingerprints(again) == fingerprints(X)).mean() > 0.9
    assert not same(X * (1 + 1e-9), X)


def test_what_differs_has_other_prints():
    rng = np.random.default_rng(0)
    for values in (
        rng.normal(size=(20_000, 3)),
        rng.integers(0, 3, size=(20_000, 12)),
        rng.integers(0, 2, size=(20_000, 40)).astype(bool),
        np.arange(20_000).reshape(-1, 1),
    ):
        assert len(np.unique(fingerprints(values))) == len(np.unique(values, axis=0))
    assert not same([[1.0, 2.0]], [[2.0, 1.0]])
    assert not same([["1"]], [[1]])


def test_counts():
    prints = fingerprints([[1.0], [2.0], [2.0], [3.0]])
    assert count_twins(prints) == 2
    assert count_among(prints, fingerprints([[2.0], [7.0]])) == 2


@pytest.mark.parametrize(
    "data",
    [
        None, 3, "text", [object(), object()], [[1, 2], [3]], np.array([1j, 2j]),
        np.array([np.zeros(2), "a"], dtype=object), {"a": [1]}, np.float64(1.0),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_no_prints(data):
    assert fingerprints(data) is None


def test_prints_stay_what_they_are():
    """In another process, on another day: a search may have been pickled."""
    assert fingerprints([["a", 1.5], ["b", 2.5]]).tolist() == [
        17016661619945929454,
        17259533164978036110,
    ]


def test_the_cost_is_a_few_milliseconds():
    rows = np.random.default_rng(0).normal(size=(10_000, 20))
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        fingerprints(rows)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.02  # 1.4 ms where nothing else runs

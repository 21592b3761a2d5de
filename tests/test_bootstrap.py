"""Laws of the score of the test rows: the scorer's own, once, with an honest interval."""

import time
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, check_scoring, get_scorer, make_scorer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from skhpt import bootstrap
from skhpt.bootstrap import Rows
from skhpt.holdout import HoldoutScore, score_with_interval
from skhpt.standin import StandIn, UnanswerableError


@pytest.fixture(scope="module")
def data():
    """Fitted models and test rows of a binary, a three-class and a regression problem."""
    rng = np.random.default_rng(0)
    X, y = make_classification(
        300, 6, n_informative=4, n_redundant=0, n_classes=3, flip_y=0.2, random_state=0
    )
    binary, target = (y > 0).astype(int), X @ rng.normal(size=6) + rng.normal(size=300)
    fit = {
        "binary": (make_pipeline(StandardScaler(), GaussianNB()), X, binary),
        "words": (
            make_pipeline(StandardScaler(), GaussianNB()),
            X,
            np.array(["no", "yes"])[binary],
        ),
        "three": (GaussianNB(), X, y),
        "margins": (SGDClassifier(random_state=0), X, binary),
        "regression": (
            TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
            X,
            target,
        ),
        "several": (KNeighborsClassifier(), X, np.c_[binary, y > 1].astype(int)),
        "density": (GaussianMixture(2, random_state=0), X, y),
        "frame": (Ridge(), pd.DataFrame(X, columns=list("abcdef")), pd.Series(target)),
        "sparse": (DecisionTreeClassifier(max_depth=3, random_state=0), sparse.csr_matrix(X), y),
    }
    out = {}
    for name, (model, rows, answer) in fit.items():
        fitted = model.fit(rows[:150], answer[:150])
        out[name] = SimpleNamespace(model=fitted, X=rows[150:], y=answer[150:])
    return out


def passthrough(estimator, X, y=None, **params):
    return estimator.score(X, y, **params)


def cheap_accuracy(estimator, X, y):
    return np.mean(estimator.predict(X) == y)


def reads_the_rows(estimator, X, y):
    return float(np.mean((estimator.predict(X) == y) * (np.asarray(X)[:, 0] > 0)))


CASES = [
    ("binary", get_scorer("accuracy")),
    ("binary", get_scorer("roc_auc")),
    ("binary", get_scorer("average_precision")),
    ("binary", get_scorer("neg_log_loss")),
    ("binary", cheap_accuracy),
    ("binary", passthrough),
    ("binary", reads_the_rows),
    ("words", get_scorer("roc_auc")),
    ("words", make_scorer(accuracy_score)),
    ("words", passthrough),
    ("three", get_scorer("roc_auc_ovr")),
    ("three", get_scorer("f1_macro")),
    ("margins", get_scorer("roc_auc")),
    ("regression", get_scorer("r2")),
    ("regression", get_scorer("neg_root_mean_squared_error")),
    ("regression", passthrough),
    ("several", get_scorer("f1_macro")),
    ("several", get_scorer("roc_auc")),  # predict_proba is a list of arrays
    ("density", passthrough),
    ("frame", get_scorer("r2")),
    ("sparse", get_scorer("accuracy")),
    ("sparse", passthrough),
]


@pytest.mark.parametrize(("name", "scorer"), CASES)
def test_resamples_of_kept_outputs_score_as_the_estimator_does(data, name, scorer):
    case = data[name]
    rows = Rows(case.model, case.X, case.y, {}, 150)
    full = bootstrap.as_scores(scorer(case.model, case.X, case.y), None)
    from_outputs = bootstrap._from_outputs(scorer, rows, None, full)
    assert from_outputs is not None  # no need to ask the estimator again
    rng = np.random.default_rng(0)
    for _ in range(5):
        drawn = rng.integers(150, size=150)
        expected = bootstrap._score_estimator(scorer, rows, None, drawn)
        assert from_outputs(drawn) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("name", "scorer"), CASES)
def test_interval_contains_the_score(data, name, scorer):
    case = data[name]
    result = score_with_interval(case.model, case.X, case.y, scorer, n_bootstrap=100)
    assert isinstance(result, HoldoutScore)
    assert result.score == scorer(case.model, case.X, case.y)
    assert result.scores == {"score": result.score}
    assert result.n_rows == 150
    low, high = result.interval
    assert low < result.score < high


@pytest.mark.parametrize("form", ["scorer", "dict"])
def test_of_several_metrics_the_chosen_one_has_its_own_interval(data, form):
    case = data["binary"]
    names = ["accuracy", "roc_auc", "neg_log_loss"]
    scorer = check_scoring(case.model, names)
    if form == "dict":
        singles = {name: get_scorer(name) for name in names}

        def scorer(estimator, X, y):
            return {name: single(estimator, X, y) for name, single in singles.items()}

    scores = {n: get_scorer(n)(case.model, case.X, case.y) for n in names}
    for name in names:
        options = {"metric": name, "n_bootstrap": 60}
        result = score_with_interval(case.model, case.X, case.y, scorer, **options)
        alone = score_with_interval(case.model, case.X, case.y, get_scorer(name), **options)
        assert (result.scores, result.score) == (scores, alone.score)
        assert result.interval == pytest.approx(alone.interval)
    nameless = score_with_interval(case.model, case.X, case.y, scorer, metric=None)
    assert nameless.scores == scores
    assert np.isnan([nameless.score, *nameless.interval]).all()


def test_the_seed_decides_the_interval(data):
    case = data["binary"]

    def interval(seed):
        return score_with_interval(
            case.model, case.X, case.y, cheap_accuracy, n_bootstrap=100, random_state=seed
        ).interval

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)


@pytest.mark.parametrize("scorer", [get_scorer("accuracy"), passthrough])
def test_weights_are_resampled_with_their_rows(data, scorer):
    case = data["binary"]
    weight = (case.y == 1) * 3.0 + 1
    rows = Rows(case.model, case.X, case.y, {"sample_weight": weight}, 150)
    full = {"score": scorer(case.model, case.X, case.y, sample_weight=weight)}
    from_outputs = bootstrap._from_outputs(scorer, rows, None, full)
    drawn = np.random.default_rng(0).integers(150, size=150)
    assert from_outputs(drawn)["score"] == pytest.approx(
        scorer(case.model, case.X[drawn], case.y[drawn], sample_weight=weight[drawn])
    )
    result = score_with_interval(
        case.model,
        case.X,
        case.y,
        scorer,
        score_params={"sample_weight": list(weight)},
        n_bootstrap=60,
    )
    assert result.score == full["score"]
    assert result.interval[0] < result.score < result.interval[1]


def constant_model():
    return DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [0, 1])


def right_with(probability, n_rows, seed):
    """Test rows of which the constant model gets a known share right, but for chance."""
    return (np.random.default_rng(seed).random(n_rows) < probability).astype(int)


def test_intervals_cover_the_true_accuracy_as_often_as_they_say():
    model, X = constant_model(), np.zeros((200, 1))
    covered = []
    for seed in range(200):
        y = right_with(0.8, 200, seed)
        low, high = score_with_interval(
            model, X, y, cheap_accuracy, n_bootstrap=400, random_state=seed
        ).interval
        covered.append(low <= 0.8 <= high)
    assert 0.90 <= np.mean(covered) <= 0.99


def test_clustered_rows_widen_the_interval_of_groups():
    """Rows that repeat within 20 groups are worth 20 rows, not 400."""
    y = np.repeat(right_with(0.7, 20, 0), 20)
    groups = np.repeat(np.arange(20), 20)
    model, X = constant_model(), np.zeros((400, 1))
    by_row = score_with_interval(model, X, y, cheap_accuracy).interval
    by_group = score_with_interval(model, X, y, cheap_accuracy, groups=groups).interval
    ratio = np.diff(by_group)[0] / np.diff(by_row)[0]
    assert ratio == pytest.approx(np.sqrt(20), rel=0.2)


@pytest.mark.parametrize("n_rows", [400, 6400, 102_400])
def test_width_falls_with_the_root_of_the_rows(n_rows):
    """Also where resamples are smaller than the test set (above 25,000 rows)."""
    y = right_with(0.8, n_rows, 3)
    result = score_with_interval(constant_model(), np.zeros((n_rows, 1)), y, cheap_accuracy)
    normal = 2 * 1.96 * np.sqrt(y.mean() * (1 - y.mean()) / n_rows)
    assert np.diff(result.interval)[0] == pytest.approx(normal, rel=0.25)


def test_a_metric_that_grows_with_the_rows_has_no_interval_from_smaller_resamples():
    def hits(estimator, X, y):
        return np.sum(estimator.predict(X) == y)

    for n_rows, known in [(1000, True), (60_000, False)]:
        y = right_with(0.8, n_rows, 0)
        result = score_with_interval(constant_model(), np.zeros((n_rows, 1)), y, hits)
        assert result.score == y.sum()
        assert np.isfinite(result.interval).all() == known


@pytest.mark.parametrize(
    ("n_rows", "n_resamples", "size"),
    [(2, 1000, 2), (5000, 1000, 5000), (10_000, 500, 10_000), (10**6, 200, 25_000)],
)
def test_work_depends_on_the_rows_alone(n_rows, n_resamples, size):
    draws = bootstrap.Draws.plan(n_rows, None, fewest=40, n_bootstrap=1000)
    assert (draws.count, draws.size) == (n_resamples, size)


def test_a_thousand_resamples_take_about_a_second():
    y = right_with(0.8, 500, 0)
    model, X = CountsCalls().fit(np.zeros((2, 1)), [0, 1]), np.zeros((500, 1))
    start = time.perf_counter()
    score_with_interval(model, X, y, get_scorer("accuracy"))
    assert time.perf_counter() - start < 5  # 0.5 s, unless the machine is busy
    assert model.calls == 2  # the score, and the outputs that are kept


class CountsCalls(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.calls = 0
        return self

    def predict(self, X):
        self.calls += 1
        return np.ones(X.shape[0], dtype=int)


# ------------------------------------------------------------------ scorers that want more


def copies_the_rows(estimator, X, y):
    return np.mean(estimator.predict(np.array(X) + 0.0) == y)


def asks_a_step(estimator, X, y):
    return estimator[-1].score(estimator[:-1].transform(X), y)


def asks_a_step_by_name(estimator, X, y):
    return estimator.named_steps["gaussiannb"].score(estimator[:-1].transform(X), y)


def swallows_errors(estimator, X, y):
    try:
        return np.mean(estimator.predict(X * 1.0) == y)
    except Exception:
        return 0.0


@pytest.mark.parametrize(
    "scorer", [copies_the_rows, asks_a_step, asks_a_step_by_name, swallows_errors]
)
def test_scorers_that_need_the_estimator_get_it(data, scorer):
    case = data["binary"]
    rows = Rows(case.model, case.X, case.y, {}, 150)
    score = scorer(case.model, case.X, case.y)
    assert bootstrap._from_outputs(scorer, rows, None, {"score": score}) is None
    result = score_with_interval(case.model, case.X, case.y, scorer, n_bootstrap=50)
    plain = score_with_interval(case.model, case.X, case.y, cheap_accuracy, n_bootstrap=50)
    assert result == plain  # the same resamples of the same metric


def test_a_search_and_a_clusterer_are_scored_by_themselves(data):
    case = data["binary"]
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2)
    for model in (search, KMeans(2, n_init=1, random_state=0)):
        model.fit(case.X, case.y)
        result = score_with_interval(model, case.X, case.y, passthrough, n_bootstrap=50)
        assert result.interval[0] < result.score < result.interval[1]


class Slow(CountsCalls):
    """Takes a second by the clock of its own with every call."""

    def predict(self, X):
        predicted = super().predict(X)
        time.sleep(1)
        return predicted


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.append(now.pop() + seconds))


@pytest.mark.parametrize(
    ("seconds", "calls"),
    [(100.5, 1 + 101), (39, 1)],
    ids=["as many as fit", "too few fit, so none"],
)
@pytest.mark.usefixtures("clock")
def test_asking_the_estimator_ends_with_the_time(monkeypatch, seconds, calls):
    monkeypatch.setattr(bootstrap, "FALLBACK_SECONDS", seconds)
    y = right_with(0.8, 50, 0)
    model, X = Slow().fit(np.zeros((2, 1)), [0, 1]), np.zeros((50, 1))
    result = score_with_interval(model, X, y, copies_the_rows)
    assert result.score == y.mean()
    assert np.isfinite(result.interval).all() == (seconds > 40)
    assert model.calls == calls


# ------------------------------------------------------------------ the stand-in


def test_the_stand_in_passes_for_the_estimator(data):
    for name, kind in (("binary", is_classifier), ("regression", is_regressor)):
        model = data[name].model
        stand_in = StandIn(model, lambda method, X: method)
        assert kind(stand_in)
        assert isinstance(stand_in, type(model))
        assert stand_in.get_params(deep=False) == model.get_params(deep=False)
        assert stand_in.predict(None) == stand_in.predict.__name__ == "predict"
        assert hasattr(stand_in, "predict_proba") == hasattr(model, "predict_proba")
        check_is_fitted(stand_in)
        with pytest.raises(AttributeError, match="nonsense"):
            _ = stand_in.nonsense
        for computes in (clone, lambda model: model.fit(None, None)):
            with pytest.raises(UnanswerableError):
                computes(stand_in)
    np.testing.assert_array_equal(StandIn(data["words"].model, None).classes_, ["no", "yes"])


def test_scoring_changes_neither_data_nor_outputs(data):
    case = data["three"]

    def spoils_its_input(estimator, X, y):
        found = estimator.predict_proba(X)
        value = float(found.max(axis=1).mean())
        found[:] = -1
        return value

    rows = Rows(case.model, case.X, case.y, {}, 150)
    score_drawn = bootstrap._from_outputs(
        spoils_its_input, rows, None, {"score": spoils_its_input(case.model, case.X, case.y)}
    )
    every = np.arange(150)
    assert score_drawn(every) == score_drawn(every)


def test_nothing_is_said_beyond_the_first_scoring(data):
    case = data["three"]
    never = case.y.copy()
    never[:] = 0  # classes that are never predicted or never true warn in many metrics
    with warnings.catch_warnings(record=True) as direct:
        warnings.simplefilter("always")
        get_scorer("f1_macro")(case.model, case.X, never)
    with warnings.catch_warnings(record=True) as through:
        warnings.simplefilter("always")
        score_with_interval(case.model, case.X, never, get_scorer("f1_macro"), n_bootstrap=50)
    assert len(direct) == len(through)

"""What is read off a growing model is what its scorer says of the fitted one."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.metrics import fbeta_score, get_scorer, make_scorer
from sklearn.metrics._scorer import _check_multimetric_scoring, _PassthroughScorer
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor

from skhpt._compat import MultimetricScorer
from skhpt.estimators.growing import Watched, grower_of
from skhpt.quick_scores import quick_score
from skhpt.reading import ScoreReader

CLASSIFIERS = {
    "lightgbm": LGBMClassifier(n_jobs=1, verbose=-1),
    "xgboost": XGBClassifier(n_jobs=1),
    "histogram": HistGradientBoostingClassifier(early_stopping=False),
    "exact": GradientBoostingClassifier(),
}
REGRESSORS = {
    "lightgbm": LGBMRegressor(n_jobs=1, verbose=-1),
    "xgboost": XGBRegressor(n_jobs=1),
}
FOR_CLASSES = ["accuracy", "balanced_accuracy", "neg_log_loss"]
FOR_NUMBERS = [
    "r2",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    "neg_mean_absolute_error",
]
QUICK = [
    *((CLASSIFIERS, kind, n, name) for kind in CLASSIFIERS for n in (2, 4) for name in FOR_CLASSES),
    *((CLASSIFIERS, kind, 2, "roc_auc") for kind in CLASSIFIERS),
    *((REGRESSORS, kind, 0, name) for kind in REGRESSORS for name in FOR_NUMBERS),
]


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1, "openmp"):
        yield


def rows(n_classes, seed=0):
    if n_classes:
        X, y = make_classification(
            200, 6, n_informative=4, n_classes=n_classes, flip_y=0.2, random_state=seed
        )
    else:
        X, y = make_regression(200, 6, noise=50, random_state=seed)
    return X[:120], y[:120], X[120:], y[120:]


def reader_of(estimator, scorer, data, metric=None, score_params=None, kept=None):
    X, y, X_test, y_test = data
    grower = grower_of(estimator, {}, len(X))
    growth = grower.start(clone(estimator), X, y, Watched(X_test, y_test), {}, {})
    kept = {} if kept is None else kept
    return ScoreReader(
        growth, lambda m: m, scorer, metric, X_test, y_test, score_params or {}, kept
    )


@pytest.mark.parametrize(("table", "kind", "n_classes", "name"), QUICK)
def test_a_quick_score_is_the_scorers(table, kind, n_classes, name):
    data, scorer = rows(n_classes), get_scorer(name)
    reader = reader_of(table[kind], scorer, data)
    for n_rounds in (5, 10, 40):
        reader.growth.grow(n_rounds)
        expected = scorer(reader.model(n_rounds), *data[2:])
        assert reader.read() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert reader._quick is not None


@pytest.mark.parametrize(("table", "n_classes"), [(CLASSIFIERS, 2), (REGRESSORS, 0)])
def test_the_estimators_own_score_is_quick_too(table, n_classes):
    estimator, data = table["lightgbm"], rows(n_classes)
    reader = reader_of(estimator, _PassthroughScorer(estimator), data)
    reader.growth.grow(20)
    assert reader.read() == pytest.approx(reader.model(20).score(*data[2:]))
    assert reader._quick is not None


def test_labels_may_be_text():
    X, y, X_test, y_test = rows(2)
    names = np.array(["no", "yes"])
    data = (X, names[y], X_test, names[y_test])
    for name in (*FOR_CLASSES, "roc_auc"):
        reader = reader_of(CLASSIFIERS["lightgbm"], get_scorer(name), data)
        reader.growth.grow(10)
        reader.read()
        assert reader._quick is not None, name
        reader.growth.grow(30)
        expected = get_scorer(name)(reader.model(30), *data[2:])
        assert reader.read() == pytest.approx(expected, rel=1e-6)


def test_of_several_metrics_only_the_one_that_is_watched_is_read():
    asked = []

    def own(y, predicted):
        asked.append(1)
        return 0.0

    estimator, data = CLASSIFIERS["lightgbm"], rows(2)
    several = {"own": make_scorer(own), "auc": get_scorer("roc_auc")}
    scorer = MultimetricScorer(scorers=_check_multimetric_scoring(estimator, several))
    reader = reader_of(estimator, scorer, data, metric="auc")
    reader.growth.grow(10)
    assert reader.read() == pytest.approx(get_scorer("roc_auc")(reader.model(10), *data[2:]))
    assert asked == []


@pytest.mark.parametrize(
    "scorer",
    [
        make_scorer(fbeta_score, beta=2),
        get_scorer("f1"),
        lambda estimator, X, y: float(np.mean(estimator.predict(X) == y)),
    ],
)
def test_another_scorer_is_asked_itself(scorer):
    data = rows(2)
    reader = reader_of(CLASSIFIERS["lightgbm"], scorer, data)
    for n_rounds in (5, 25):
        reader.growth.grow(n_rounds)
        assert reader.read() == scorer(reader.model(n_rounds), *data[2:])
    assert reader._quick is None


def test_weights_of_the_score_are_left_to_the_scorer():
    data, scorer = rows(2), get_scorer("accuracy")
    weights = np.arange(80.0)
    reader = reader_of(
        CLASSIFIERS["lightgbm"], scorer, data, score_params={"sample_weight": weights}
    )
    reader.growth.grow(10)
    assert reader.read() == scorer(reader.model(10), *data[2:], sample_weight=weights)
    assert reader._quick is None


def test_a_quick_score_that_disagrees_is_not_used(monkeypatch):
    data, scorer = rows(2), get_scorer("accuracy")
    wrong = {**quick_score.__globals__["_FUNCTIONS"], scorer._score_func: lambda y, p: 0.123}
    monkeypatch.setitem(quick_score.__globals__, "_FUNCTIONS", wrong)
    reader = reader_of(CLASSIFIERS["lightgbm"], scorer, data)
    for n_rounds in (5, 25):
        reader.growth.grow(n_rounds)
        assert reader.read() == scorer(reader.model(n_rounds), *data[2:])


def test_what_one_model_has_settled_the_next_of_the_fold_takes_over():
    data, scorer, kept = rows(2), get_scorer("accuracy"), {}
    for expected in (1, 0):
        calls = []

        def counting(estimator, X, y, calls=calls):
            calls.append(1)
            return scorer(estimator, X, y)

        reader = reader_of(CLASSIFIERS["lightgbm"], scorer, data, kept=kept)
        reader._number = lambda model: counting(model, *data[2:])
        reader.growth.grow(10)
        reader.read()
        reader.growth.grow(20)
        assert reader.read() == pytest.approx(scorer(reader.model(20), *data[2:]))
        assert len(calls) == expected

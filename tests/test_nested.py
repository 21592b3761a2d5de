"""A search inside of other estimators, and other searches: what it is given, what it gives."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import numpy as np
import pytest
import sklearn
import sklearn.model_selection as theirs
from alike import KINDS, THEIRS, every_kind
from routed import (
    N_ROWS,
    Recorder,
    X,
    assert_as_theirs,
    fit_quietly,
    groups,
    recorder,
    routing_on,
    routing_on_and_off,
    weight,
    y,
)
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skhpt as ours

# -- searches inside of others ---------------------------------------------------------


def tree(**kwargs):
    return DecisionTreeClassifier(random_state=0, **kwargs)


@every_kind
def test_a_search_of_a_classifier_is_stratified_in_others(kind):
    search = KINDS[kind](tree(), {"max_depth": [1, 2, 3]}, cv=3)
    assert is_classifier(search)
    ordered = np.sort(y)  # without stratification a fold would have one class only
    folds = theirs.check_cv(3, ordered, classifier=is_classifier(search))
    assert isinstance(folds, theirs.StratifiedKFold)
    assert np.isfinite(theirs.cross_val_score(search, X, ordered, error_score="raise")).all()


NESTED = {
    "search of a search": lambda inner, outer: outer(inner, {"min_samples_leaf": [1, 2, 3]}, cv=2),
    "stacking": lambda inner, _: StackingClassifier(
        [("a", inner), ("b", LogisticRegression(max_iter=500))], cv=2
    ),
    "calibrated": lambda inner, _: CalibratedClassifierCV(inner, cv=2),
    "bagging": lambda inner, _: BaggingClassifier(inner, n_estimators=2, random_state=0),
    "last step": lambda inner, _: make_pipeline(StandardScaler(), inner),
}


@every_kind
@pytest.mark.parametrize("outside", [name for name in NESTED if name != "search of a search"])
def test_inside_of_meta_estimators(kind, outside):
    models = []
    for kinds in (KINDS, THEIRS):
        if kind in kinds:
            inner = kinds[kind](tree(), {"max_depth": [1, 2, 3]}, cv=3)
            models.append(NESTED[outside](inner, kinds[kind]).fit(X, y))
    probabilities = [model.predict_proba(X) for model in models]
    assert probabilities[0].shape == (N_ROWS, 2)
    np.testing.assert_array_equal(probabilities[0], probabilities[-1])


@every_kind
@routing_on_and_off
def test_a_search_of_a_search(kind, routing):
    passed = {"sample_weight": weight}
    models = []
    with sklearn.config_context(enable_metadata_routing=routing):
        for kinds in (KINDS, THEIRS):
            if kind not in kinds:
                continue
            base = tree()
            if routing:
                base.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            inner = kinds[kind](base, {"max_depth": [1, 2, 3]}, cv=3)
            outer = kinds[kind](inner, {"estimator__min_samples_leaf": [1, 4, 8]}, cv=2)
            models.append(fit_quietly(outer, X, y, **passed))
        scores = [m.cv_results_["mean_test_score"] for m in models]
        np.testing.assert_array_equal(scores[0], scores[-1])
        assert models[0].best_estimator_.best_params_ == models[-1].best_estimator_.best_params_
        assert_as_theirs(models[0], X, y, **passed)


@every_kind
def test_weights_through_two_searches_follow_their_rows(kind, recorder, routing_on):
    recorder.set_fit_request(sample_weight=True, per_row=True)
    recorder.set_score_request(sample_weight=True)
    passed = {"sample_weight": weight, "per_row": np.arange(N_ROWS) * 10}
    inner = theirs.GridSearchCV(recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=2)
    theirs.GridSearchCV(inner, {"refit": [True]}, cv=3).fit(X, y, **passed)
    # an older scikit-learn does not weigh the scores of an inner search
    weighed = all(call["sample_weight"] is not None for call in Recorder.scores)
    Recorder.fits, Recorder.scores = [], []
    inner = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=2)
    ours.GridSearchCV(inner, {"refit": [True]}, cv=3).fit(X, y, **passed)
    for call in [*Recorder.fits, *(Recorder.scores if weighed else ())]:
        np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])
    for call in Recorder.fits:
        np.testing.assert_array_equal(call["per_row"], call["rows"] * 10)


@every_kind
@routing_on_and_off
def test_inside_cross_validate_with_groups_and_weights(kind, routing, recorder):
    with sklearn.config_context(enable_metadata_routing=routing):
        passed = {"sample_weight": weight}
        inner_cv = 2
        if routing:
            recorder.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            passed["groups"] = groups
            inner_cv = theirs.GroupKFold(2)
        search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=inner_cv)
        grouped = {} if routing else {"groups": groups}
        result = theirs.cross_validate(
            search, X, y, cv=theirs.GroupKFold(3), params=passed, error_score="raise", **grouped
        )
    assert np.isfinite(result["test_score"]).all()
    for call in Recorder.fits:
        np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])
        inside = set(groups[call["rows"]])
        assert sum(g in inside for g in groups) == len(call["rows"]) or not routing


@every_kind
@pytest.mark.parametrize("outside", ["stacking", "calibrated", "bagging"])
def test_weights_through_meta_estimators(kind, outside, routing_on):
    models = []
    for kinds in (KINDS, THEIRS):
        if kind not in kinds:
            continue
        base = tree().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        inner = kinds[kind](base, {"max_depth": [1, 2, 3]}, cv=3)
        model = NESTED[outside](inner, kinds[kind])
        if outside == "stacking":
            model.set_params(b=LogisticRegression().set_fit_request(sample_weight=True))
            model.final_estimator = LogisticRegression().set_fit_request(sample_weight=True)
        models.append(model.fit(X, y, sample_weight=weight))
    np.testing.assert_array_equal(models[0].predict_proba(X), models[-1].predict_proba(X))


@every_kind
def test_one_search_a_target(kind):
    targets = np.c_[y, y[::-1], X[:, 2] > 0].astype(int)
    models = [
        MultiOutputClassifier(kinds[kind](tree(), {"max_depth": [1, 2, 3]}, cv=3)).fit(X, targets)
        for kinds in (KINDS, THEIRS)
        if kind in kinds
    ]
    np.testing.assert_array_equal(models[0].predict(X), models[-1].predict(X))
    assert len(models[0].estimators_) == 3


@every_kind
def test_weights_through_one_search_a_target(kind, recorder, routing_on):
    targets = np.c_[y, y[::-1]]
    recorder.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=3)
    MultiOutputClassifier(search).fit(X, targets, sample_weight=weight)
    for call in Recorder.fits:
        np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])

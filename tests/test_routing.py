"""What ``fit`` is given reaches whom it is meant for, row by row, in every search."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import numpy as np
import pytest
import sklearn
import sklearn.model_selection as theirs
from alike import KINDS, every_kind, two_kinds
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
    their_table,
    weight,
    y,
)
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import Pipeline

# -- who gets which parameter ---------------------------------------------------------


@every_kind
@pytest.mark.parametrize("scoring", [None, "accuracy", ["accuracy", "neg_log_loss"]])
def test_weights_without_routing(kind, scoring):
    refit = scoring[1] if isinstance(scoring, list) else True
    search = KINDS[kind](LogisticRegression(), {"C": [0.01, 0.1, 1]}, scoring=scoring, refit=refit)
    fit_quietly(search, X, y, sample_weight=weight)
    assert_as_theirs(search, X, y, sample_weight=weight)


@two_kinds
@pytest.mark.parametrize("fits", [True, False, "w"])
@pytest.mark.parametrize("scores", [True, False, "w"])
@pytest.mark.parametrize("named", [False, True])
def test_weights_go_where_they_are_requested(kind, fits, scores, named, routing_on, few_resamples):
    estimator = LogisticRegression().set_fit_request(sample_weight=fits)
    scorer = None
    if named:
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=scores)
    else:
        estimator.set_score_request(sample_weight=scores)
    passed = {
        "w" if request == "w" else "sample_weight": weight for request in (fits, scores) if request
    }
    search = KINDS[kind](estimator, {"C": [0.01, 0.1, 1]}, scoring=scorer)
    search.fit(X, y, **passed)
    assert_as_theirs(search, X, y, **passed)
    if scores:
        name = "w" if scores == "w" else "sample_weight"
        expected = accuracy_score(y, search.predict(X), sample_weight=weight)
        assert search.score(X, y, **{name: weight}) == expected


@every_kind
def test_an_unanswered_request_is_an_error(kind, routing_on):
    search = KINDS[kind](LogisticRegression(), {"C": [0.1, 1, 10]})
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        search.fit(X, y, sample_weight=weight)


@every_kind
@routing_on_and_off
@pytest.mark.parametrize("cv", [theirs.GroupKFold(4), theirs.LeavePGroupsOut(1)], ids=repr)
def test_groups_go_to_the_splitter(kind, routing, cv, recorder):
    with sklearn.config_context(enable_metadata_routing=routing):
        search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=cv)
        search.fit(X, y, groups=groups)
        n_folds = cv.get_n_splits(X, y, groups)
        assert search.n_splits_ == n_folds
        for call in Recorder.scores[:n_folds]:
            outside = np.setdiff1d(np.arange(N_ROWS), call["rows"])
            assert not set(groups[call["rows"]]) & set(groups[outside])
        assert_as_theirs(search, X, y, groups=groups)


def values_of(rows):
    return {"sample_weight": weight[rows], "per_row": rows * 10, "table": np.c_[rows, -rows]}


def test_rows_of_the_doubles_are_their_numbers():
    np.testing.assert_array_equal(X[:, 0], np.arange(N_ROWS))


@every_kind
@routing_on_and_off
@pytest.mark.parametrize("container", [np.asarray, list], ids=["array", "list"])
def test_each_fold_gets_the_values_of_its_rows(kind, routing, container, recorder):
    passed = {name: container(column) for name, column in values_of(np.arange(N_ROWS)).items()}
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            recorder.set_fit_request(sample_weight=True, per_row=True, table=True, scalar=True)
            recorder.set_score_request(sample_weight=True)
        search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=3)
        fit_quietly(search, X, y, scalar=7, **passed)
    n_candidates = len(search.cv_results_["params"])
    assert len(Recorder.fits) == 3 * n_candidates + 1
    for call in Recorder.fits:
        for name, column in values_of(call["rows"]).items():
            np.testing.assert_array_equal(call[name], column, err_msg=name)
        assert call["scalar"] == 7
    assert Recorder.fits[-1]["rows"].tolist() == list(range(N_ROWS)), "refit on every row"
    for call in Recorder.scores:
        if routing or call["sample_weight"] is not None:
            np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])


@two_kinds
@routing_on_and_off
@pytest.mark.parametrize("grouped", [False, True])
def test_the_weights_of_the_test_rows_meet_only_the_test_score(kind, routing, grouped, recorder):
    passed = values_of(np.arange(N_ROWS))
    if grouped:
        passed["groups"] = groups
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            recorder.set_fit_request(sample_weight=True, per_row=True, table=True, scalar=True)
            recorder.set_score_request(sample_weight=True)
        cv = theirs.GroupKFold(3) if grouped else 3
        search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=cv, test_size=0.25)
        fit_quietly(search, X, y, scalar="one", **passed)
    test = search.test_indices_
    for call in Recorder.fits:
        assert not set(call["rows"]) & set(test)
        for name, column in values_of(call["rows"]).items():
            np.testing.assert_array_equal(call[name], column, err_msg=name)
        assert call["scalar"] == "one"
    rest = np.setdiff1d(np.arange(N_ROWS), test)
    assert sorted(Recorder.fits[-1]["rows"]) == rest.tolist()
    if grouped:
        assert not set(groups[test]) & set(groups[rest])
    if routing:
        touching = [call for call in Recorder.scores if set(call["rows"]) & set(test)]
        assert all(set(call["rows"]) <= set(test) for call in touching)
        for call in Recorder.scores:
            np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])
        expected = accuracy_score(y[test], search.predict(X[test]), sample_weight=weight[test])
        assert search.test_score_ == expected


@two_kinds
def test_weights_of_the_test_rows_count_in_the_test_score_without_routing(kind, few_resamples):
    search = KINDS[kind](
        LogisticRegression(), {"C": [0.01, 0.1, 1]}, scoring="accuracy", test_size=0.25
    )
    search.fit(X, y, sample_weight=weight)
    test = search.test_indices_
    rest = np.setdiff1d(np.arange(N_ROWS), test)
    reference = their_table(search, X[rest], y[rest], sample_weight=weight[rest])
    scored_with_weights = reference.cv_results_["mean_test_score"][search.best_index_]
    assert search.best_score_ == scored_with_weights
    predicted = search.predict(X[test])
    # an older scikit-learn does not weigh scores in the folds: then neither here
    routed = search._get_routed_params_for_fit({"sample_weight": weight})
    weights = weight[test] if routed.scorer.score else None
    assert search.test_score_ == accuracy_score(y[test], predicted, sample_weight=weights)


@two_kinds
def test_the_baseline_on_the_test_rows_is_fitted_with_weights(kind, recorder):
    options = {"initial_params": ["default"], "cv": 3, "test_size": 0.25}
    search = KINDS[kind](recorder, {"shift": [-9.0, -8.0, 9.0]}, **options)
    fit_quietly(search, X, y, sample_weight=weight)
    assert 0 <= search.baseline_test_score_ <= 1
    for call in Recorder.fits:
        np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])


# -- pipelines -------------------------------------------------------------------------


class RecordingScaler(TransformerMixin, BaseEstimator):
    """Says what each call of ``fit`` was given; leaves X as it is."""

    fits: list = []

    def __init__(self, anything=0):
        self.anything = anything

    def fit(self, X, y=None, sample_weight=None):
        RecordingScaler.fits.append((X[:, 0].astype(int), sample_weight))
        return self

    def transform(self, X):
        return X


@pytest.fixture
def recording_scaler():
    RecordingScaler.fits = []
    return RecordingScaler()


@every_kind
@routing_on_and_off
def test_parameters_of_a_step(kind, routing, recording_scaler, recorder):
    if routing and sklearn.__version__.startswith("1.6"):
        pytest.skip("scikit-learn 1.6 routes no weights to the score of a pipeline")
    pipe = Pipeline([("scale", recording_scaler), ("clf", recorder)])
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            recording_scaler.set_fit_request(sample_weight="scale_weight")
            recorder.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            passed = {"sample_weight": weight, "scale_weight": -weight}
        else:
            passed = {"clf__sample_weight": weight, "scale__sample_weight": -weight}
        search = KINDS[kind](pipe, {"clf__shift": [-0.5, 0.0, 0.5]}, cv=3)
        search.fit(X, y, **passed)
        for call in Recorder.fits:
            np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])
        for rows, given in RecordingScaler.fits:
            np.testing.assert_array_equal(given, -weight[rows])
        assert_as_theirs(search, X, y, **passed)


@every_kind
@routing_on_and_off
def test_a_search_as_the_last_step(kind, routing, recorder):
    search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=theirs.GroupKFold(3))
    pipe = Pipeline([("same", RecordingScaler()), ("search", search)])
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            pipe.named_steps["same"].set_fit_request(sample_weight=False)
            recorder.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            pipe.fit(X, y, sample_weight=weight, groups=groups)
        else:
            fit_quietly(pipe, X, y, search__sample_weight=weight, search__groups=groups)
    assert len(Recorder.fits) > 3
    for call in Recorder.fits[:-1]:
        np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])
        outside = np.setdiff1d(np.arange(N_ROWS), call["rows"])
        assert not set(groups[call["rows"]]) & set(groups[outside])


# -- containers and workers -------------------------------------------------------


@two_kinds
def test_weights_as_a_series_with_an_index_of_their_own(kind, recorder):
    pd = pytest.importorskip("pandas")
    index = np.random.default_rng(0).permutation(N_ROWS) + 1000
    frame = pd.DataFrame(X, index=index)
    column = pd.Series(weight, index=index[::-1])
    search = KINDS[kind](recorder, {"shift": [-0.5, 0.0, 0.5]}, cv=3, test_size=0.25)
    fit_quietly(search, frame, pd.Series(y, index=index), sample_weight=column)
    for call in Recorder.fits:
        np.testing.assert_array_equal(call["sample_weight"], weight[call["rows"]])


@two_kinds
@routing_on_and_off
def test_workers_get_the_routed_parameters(kind, routing):
    estimator = LogisticRegression()
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        tables = []
        for n_jobs in (1, 2):
            search = KINDS[kind](estimator, {"C": [0.01, 0.1, 1]}, n_jobs=n_jobs)
            fit_quietly(search, X, y, sample_weight=weight)
            tables.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*tables)

"""scikit-learn's callbacks on a search: what they are told, and what that costs."""

import pickle

import numpy as np
import pytest
from doubles import FailsWhen
from listeners import (
    EVALUATION,
    GRID,
    HAS_CALLBACKS,
    QUICK,
    Listens,
    ListensEverywhere,
    Quiet,
    Weighs,
    X,
    each_n_jobs,
    each_search,
    needs_callbacks,
    search_of,
    y,
)
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV as SklearnGridSearchCV
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch
from strategies import shown

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.callbacks import SearchCallbacks
from skhpt.trial import Step


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def monitor():
    from sklearn.callback import ScoringMonitor

    return ScoringMonitor(scoring="accuracy")


# -- a monitor on the search -----------------------------------------------------------------


@needs_callbacks
@each_search
@each_n_jobs
def test_a_monitor_logs_the_training_score_of_every_fit(name, n_jobs, monitor):
    search = search_of(name, return_train_score=True, n_jobs=n_jobs)
    search.set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs()
    assert log.estimator_name == type(search).__name__
    by_task = {
        task: {row["task_id"]: row["accuracy"] for row in log.data if row["task_name"] == task}
        for task in ("fit", "search", EVALUATION, "refit-with-best-params")
    }
    results = search.cv_results_
    assert by_task[EVALUATION] == {
        3 * trial + fold: results[f"split{fold}_train_score"][trial]
        for trial in range(4)
        for fold in range(3)
    }
    assert by_task["fit"] == {0: search.score(X, y)}
    assert by_task["refit-with-best-params"] == {1: search.score(X, y)}
    assert not by_task["search"]


def first_rank(results):
    return int(np.argmin(results["rank_test_accuracy"]))


def named_scores(estimator, X, y):
    return {"accuracy": estimator.score(X, y), "one": 1.0}


@needs_callbacks
@pytest.mark.parametrize(
    "options",
    [
        {"refit": False},
        {"scoring": "balanced_accuracy"},
        {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"},
        {"scoring": ["accuracy", "f1_macro"], "refit": first_rank},
        {"scoring": ["accuracy", "f1_macro"], "refit": False},
        {"scoring": named_scores, "refit": "accuracy"},
        {"scoring": lambda estimator, X, y: estimator.score(X, y)},
    ],
    ids=shown,
)
def test_a_monitor_scores_whatever_the_search_scores_by(options):
    from sklearn.callback import ScoringMonitor

    asks_the_search = ScoringMonitor(
        scoring={"own": lambda search, X, y: search.score(X, y), "n": classes_of}
    )
    search = search_of("grid", **options).set_callbacks(asks_the_search).fit(X, y)
    rows = asks_the_search.get_logs().data
    assert len(rows) == 12 + (2 if search.refit else 0)
    assert all(0.1 < row["own"] <= 1 and row["n"] == 3 for row in rows)


def classes_of(search, X, y):
    return len(search.classes_)


@needs_callbacks
def test_a_monitor_is_told_the_weights(monitor):
    weight = np.where(y == 0, 5.0, 0.5)
    search = search_of("grid", SVC(C=1e-3), {"gamma": [1.0]}).set_callbacks(monitor)
    search.fit(X, y, sample_weight=weight)
    expected = accuracy_score(y, search.predict(X), sample_weight=weight)
    assert expected != accuracy_score(y, search.predict(X))
    assert monitor.get_logs().data[0]["accuracy"] == expected


@needs_callbacks
def test_a_copy_of_the_search_predicts_as_the_fit_does_and_the_search_does_not():
    class Looks(Quiet):
        def on_fit_task_end(self, search, context, *, X=None, fitted_estimator=None):
            if context.task_name == EVALUATION:
                seen.append((hasattr(search, "best_estimator_"), fitted_estimator.classes_[0]))

    seen = []
    search = search_of("grid", FailsWhen(bad=()), {"parameter": [0]}).set_callbacks(Looks())
    search.fit(X, y + 7)
    assert seen == [(False, 7)] * 3


@needs_callbacks
def test_a_bar_shows_the_search(capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "200")
    from sklearn.callback import ProgressBar

    for n_jobs in (1, 2):
        search = search_of("bayes", clone(QUICK), n_jobs=n_jobs)
        search.set_callbacks(ProgressBar()).fit(X, y)
        shown = capsys.readouterr().out
        assert "BayesSearchCV - search #0" in shown
        assert shown.count("100%") == 3 + 12


# -- callbacks inside, outside and propagated ------------------------------------------------


@needs_callbacks
@each_search
@each_n_jobs
def test_a_monitor_inside_logs_one_run(name, n_jobs, monitor):
    model = clone(QUICK).set_callbacks(monitor)
    search_of(name, model, n_jobs=n_jobs).fit(X, y)
    in_a_pipeline = make_pipeline(StandardScaler(), model)
    search = search_of(name, in_a_pipeline, {"logisticregression__C": GRID["C"]}, n_jobs=n_jobs)
    search.fit(X, y)
    logs = monitor.get_logs(select="all")
    assert len(logs) == 2, "each search is one run: its fits hang in its tree"
    assert [log.estimator_name for log in logs] == [type(search).__name__] * 2
    for log in logs:
        evaluated = {r["task_id_path"][2] for r in log.data if r["task_id_path"][:2] == (0, 0)}
        assert evaluated == set(range(12))
        assert any(row["task_id_path"][:2] == (0, 1) for row in log.data), "the refit too"


@needs_callbacks
def test_a_callback_on_a_value_of_the_space_is_heard(monitor):
    model = clone(QUICK)
    space = [{"svc": [SVC(), clone(model).set_callbacks(monitor)]}]
    pipeline = make_pipeline(StandardScaler(), SVC())
    GridSearchCV(pipeline, space, cv=3).fit(X, y)
    logs = monitor.get_logs(select="all")
    assert [log.estimator_name for log in logs] == ["GridSearchCV"]


@needs_callbacks
@pytest.mark.parametrize("listener", [Listens, ListensEverywhere])
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("cls", [LogisticRegression, make_pipeline])
def test_the_tree_is_that_of_scikit_learn(tmp_path, listener, refit, cls):
    heard = []
    for search_class in (SklearnGridSearchCV, GridSearchCV):
        callback = listener(tmp_path / search_class.__module__)
        model, prefix = clone(QUICK), ""
        if cls is make_pipeline:
            model, prefix = make_pipeline(StandardScaler(), model), "logisticregression__"
        space = {f"{prefix}C": [0.1, 1.0]}
        search_class(model, space, cv=3, refit=refit).set_callbacks(callback).fit(X, y)
        heard.append(callback.entries())
    for entry in (*heard[0], *heard[1]):
        del entry["fitted"]  # which scikit-learn's searches leave out
    assert heard[0] == heard[1]


@needs_callbacks
@each_n_jobs
def test_a_search_inside_cross_validate_is_a_run_of_its_own(monitor, n_jobs):
    search = search_of("bayes").set_callbacks(monitor)
    cross_validate(search, X, y, cv=2, n_jobs=n_jobs)
    logs = monitor.get_logs(select="all")
    assert len(logs) == 2
    assert all(len(log.data) == 12 + 2 for log in logs)


@needs_callbacks
def test_a_search_inside_a_pipeline_hangs_in_its_tree(path):
    callback = ListensEverywhere(path)
    pipeline = make_pipeline(StandardScaler(), search_of("grid", clone(QUICK)))
    pipeline.set_callbacks(callback).fit(X, y)
    assert len(callback.entries("setup")) == 1
    searches = [e for e in callback.entries("end", "search") if e["estimator"] == "GridSearchCV"]
    assert len(searches) == 1
    fits = [e for e in callback.entries("end") if e["estimator"] == "LogisticRegression"]
    assert sum(e["task"] == "fit" for e in fits) == 12 + 1


@needs_callbacks
def test_an_auto_propagated_callback_belongs_on_the_search(path):
    model = LogisticRegression().set_callbacks(ListensEverywhere(path))
    with pytest.raises(TypeError, match="Register them directly on the meta-estimator"):
        search_of("grid", model).fit(X, y)


# -- costs and rows --------------------------------------------------------------------------


@each_search
def test_where_nobody_listens_nothing_is_announced(name, monkeypatch):
    def announced(*args, **kwargs):
        raise AssertionError("a context was made for nobody")

    monkeypatch.setattr(BayesSearchCV, "_init_callback_context", announced, raising=False)
    monkeypatch.setattr(GridSearchCV, "_init_callback_context", announced, raising=False)
    monkeypatch.setattr(RandomizedSearchCV, "_init_callback_context", announced, raising=False)
    search = search_of(name).fit(X, y)
    callbacks = SearchCallbacks(search, 3)
    assert not callbacks.are_set
    if not HAS_CALLBACKS:
        callbacks.begin(None, 4)
    assert callbacks.of(Step(0, (0,))) is None
    assert callbacks.of_refit() is None
    assert callbacks.of_baseline() is None
    callbacks.end_search()
    callbacks.end()


@needs_callbacks
def test_callbacks_are_found_wherever_they_are_set(path):
    listener = Listens(path)
    model = LogisticRegression().set_callbacks(listener)
    pipeline = make_pipeline(StandardScaler(), model)
    values = {"svc": [SVC(), pipeline]}
    outer = make_pipeline(StandardScaler(), SVC())
    for search in (
        search_of("grid").set_callbacks(listener),
        search_of("bayes", model),
        search_of("randomized", pipeline),
        search_of("grid", outer, values),
        search_of("grid", outer, [GRID, values]),
        BayesSearchCV(outer, [(values, 3)]),
        search_of("grid", search_of("bayes", pipeline)),
    ):
        assert SearchCallbacks(search, 3).are_set
    assert not SearchCallbacks(search_of("grid", outer, {"svc": [SVC(), SVC]}), 3).are_set


@needs_callbacks
@each_search
def test_what_travels_with_a_task_does_not_grow_with_the_search(name):
    space = {"C": list(np.logspace(-2, 2, 20))}
    search = search_of(name, space=space).set_params(**{} if name == "grid" else {"n_iter": 20})
    callback = Weighs()
    search.set_callbacks(callback).fit(X, y)
    assert len(callback.sizes) == 60
    assert max(callback.sizes) < 1.1 * callback.sizes[0], callback.sizes


@needs_callbacks
def test_the_tree_is_whole_where_the_search_runs():
    class Counts(Quiet):
        def teardown(self, estimator, context):
            counts.append(sum(c.task_name == EVALUATION for c in context))

    counts = []
    search_of("grid").set_callbacks(Counts()).fit(X, y)
    assert counts == [12]


@needs_callbacks
@each_n_jobs
def test_a_callback_is_told_of_the_rows_for_tuning_only(path, n_jobs):
    callback = ListensEverywhere(path)
    search = search_of("bayes", clone(QUICK), n_jobs=n_jobs, test_size=0.2)
    search.set_callbacks(callback).fit(X, y)
    rows = {e["rows"] for e in callback.entries()} - {None}
    assert rows == {80, 120}


@needs_callbacks
def test_the_baseline_is_fitted_in_the_tree_of_the_search(monitor):
    model = clone(QUICK).set_params(C=1e-6).set_callbacks(monitor)
    search = search_of("bayes", model, test_size=0.2).fit(X, y)
    assert search.best_params_["C"] > 1e-6
    logs = monitor.get_logs(select="all")
    assert [log.estimator_name for log in logs] == ["BayesSearchCV"]
    assert {r["task_id_path"][1] for r in logs[0].data if len(r["task_id_path"]) > 1} == {0, 1, 2}


@needs_callbacks
def test_of_the_rows_nothing_stays(path):
    search = search_of("grid").set_callbacks(Listens(path))
    callbacks = SearchCallbacks(search, 3)
    rows = Bunch(X=X, y=y, fit_params={})
    callbacks.begin(rows, 4)
    context = callbacks.of(Step(0, (0,)))[0]
    assert len(pickle.dumps(context)) < X.nbytes

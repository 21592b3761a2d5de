"""Callbacks that end a search, by asking for it or by failing."""

import numpy as np
import pytest
from doubles import FailsWhen
from joblib import parallel_config
from listeners import (
    EVALUATION,
    QUICK,
    Fails,
    Listens,
    Stops,
    StopsAtTheTop,
    X,
    each_n_jobs,
    each_search,
    needs_callbacks,
    search_of,
    y,
)
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.svm import SVC

from skhpt.evaluate import Problem, evaluate
from skhpt.executors import Local
from skhpt.trial import Step


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


# -- a callback ends the search --------------------------------------------------------------


def long_search(name, **options):
    """Twenty configurations."""
    search = search_of(name, space={"C": list(np.logspace(-2, 2, 20))}, **options)
    return search if name == "grid" else search.set_params(n_iter=20)


@needs_callbacks
@each_search
@pytest.mark.parametrize("stops", [Stops, StopsAtTheTop])
def test_a_callback_stops_the_search(name, path, stops):
    callback = stops(path, at=4)  # the second fold of the second configuration
    search = search_of(name, clone(QUICK)).set_callbacks(callback).fit(X, y)
    assert search.stop_reason_ == "stopped by a callback"
    assert search.n_fits_ == len(callback.entries("end", EVALUATION)) == 5
    assert search.best_index_ == 0, "the only one with all its folds"
    assert search.predict(X).shape == y.shape
    assert len(callback.entries("end", "search")) == 1
    assert len(callback.entries("end", "refit-with-best-params")) == 1


def check_stopped(search, callback):
    assert search.stop_reason_ == "stopped by a callback"
    assert search.n_fits_ <= len(callback.entries("begin", EVALUATION))
    assert search.predict(X).shape == y.shape
    assert len(callback.entries("end", "refit-with-best-params")) == 1


@needs_callbacks
@each_search
def test_a_callback_stops_threads(name, path):
    callback = Stops(path, at=10)
    with parallel_config("threading"):
        search = long_search(name, n_jobs=2).set_callbacks(callback).fit(X, y)
    check_stopped(search, callback)
    assert search.n_fits_ < 40  # of 60; some had been handed out


@needs_callbacks
@pytest.mark.parametrize("at", [10, 55])
def test_a_callback_stops_processes(path, at):
    callback = Stops(path, at)  # before or after the last configuration has been proposed
    search = long_search("bayes", n_jobs=2).set_callbacks(callback).fit(X, y)
    check_stopped(search, callback)


@needs_callbacks
def test_nothing_to_show_is_an_error(path):
    search = search_of("bayes").set_callbacks(Stops(path, at=1))
    with pytest.raises(ValueError, match="callback stopped the search before one configuration"):
        search.fit(X, y)


@needs_callbacks
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_failed_fit_may_be_the_end_too(path):
    search = search_of("grid", FailsWhen(), {"parameter": [0, 1, 2, 3]})
    search.set_callbacks(Stops(path, at=3))
    with pytest.warns(FitFailedWarning, match="1 fits failed"):
        search.fit(X, y)
    assert search.stop_reason_ == "stopped by a callback"
    assert search.n_fits_ == 4


class AsksForTheEnd:
    """A context of one fold, with nothing of scikit-learn."""

    beginning = False

    def __init__(self, stop):
        self.stop = stop

    def around(self, *args):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        return None


def test_a_step_ends_at_the_fold_that_ended_the_search():
    half = np.arange(150) % 2 == 0
    splits = [(np.flatnonzero(half), np.flatnonzero(~half))] * 3
    problem = Problem(SVC(), X, y, splits, make_scorer(accuracy_score))
    contexts = {fold: AsksForTheEnd(stop=fold == 1) for fold in range(3)}
    outcomes = evaluate(Step(0, (0, 1, 2)), {}, Local(problem), contexts)
    assert [(outcome.fold, outcome.stop) for outcome in outcomes] == [(0, False), (1, True)]
    assert outcomes[1].scores["score"] > 0.5


# -- a callback that fails -------------------------------------------------------------------


@needs_callbacks
@each_n_jobs
@pytest.mark.parametrize(
    ("hook", "task"),
    [
        ("setup", "fit"),
        ("begin", "fit"),
        ("begin", "search"),
        ("begin", EVALUATION),
        ("end", EVALUATION),
        ("end", "search"),
        ("begin", "refit-with-best-params"),
        ("end", "refit-with-best-params"),
        ("end", "fit"),
        ("teardown", "fit"),
    ],
)
def test_a_callback_that_fails_is_no_failed_fit(path, hook, task, n_jobs):
    callback = Fails(path, hook, task)
    search = search_of("grid", n_jobs=n_jobs).set_callbacks(callback)
    raises = pytest.raises(RuntimeError, match=f"fails at {hook} of {task}")
    with parallel_config("threading"), raises:
        search.fit(X, y)
    assert len(callback.entries("teardown")) == 1


@needs_callbacks
def test_a_callback_that_fails_in_another_process_is_no_failed_fit(path):
    callback = Fails(path, "begin", EVALUATION)
    with pytest.raises(RuntimeError, match=f"fails at begin of {EVALUATION}"):
        search_of("grid", n_jobs=2).set_callbacks(callback).fit(X, y)


@needs_callbacks
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_every_task_that_began_ends_whatever_the_fit_did(path):
    callback = Listens(path)
    search = search_of("grid", FailsWhen(), {"parameter": [0, 1]}).set_callbacks(callback)
    with pytest.warns(FitFailedWarning, match="3 fits failed"):
        search.fit(X, y)
    begun, ended = callback.entries("begin", EVALUATION), callback.entries("end", EVALUATION)
    assert [e["id"] for e in begun] == [e["id"] for e in ended] == list(range(6))
    assert [e["fitted"] for e in ended] == [True] * 3 + [False] * 3
    assert {e["rows"] for e in ended} == {100}


@needs_callbacks
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_configuration_that_cannot_be_set_is_a_task_without_rows(path):
    class Refuses(FailsWhen):
        def set_params(self, **params):
            if params.get("parameter") == 1:
                raise RuntimeError("refused")
            return super().set_params(**params)

    callback = Listens(path)
    search = search_of("grid", Refuses(bad=()), {"parameter": [0, 1]}).set_callbacks(callback)
    with pytest.warns(FitFailedWarning, match="3 fits failed"):
        search.fit(X, y)
    for hook in ("begin", "end"):
        heard = callback.entries(hook, EVALUATION)
        assert [e["id"] for e in heard] == list(range(6))
        assert [e["rows"] for e in heard] == [100] * 3 + [None] * 3

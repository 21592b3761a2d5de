"""Results do not depend on n_jobs, the backend, or who ends first; threads never multiply."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

iris = load_iris(return_X_y=True)
BACKENDS = [(1, "loky"), (2, "loky"), (2, "threading"), (4, "threading")]


class Dawdles(ClassifierMixin, BaseEstimator):
    """Sleeps for a random while, then predicts by a threshold."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        time.sleep(random.random() / 100)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(X[:, 0] > self.shift).astype(int)]


class TellsItsThreads(ClassifierMixin, BaseEstimator):
    """Scores by the number of threads that it was given; 0 when it was given all."""

    def __init__(self, n_jobs=-1, x=0):
        self.n_jobs = n_jobs
        self.x = x

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return float(self.n_jobs)


def table(search):
    results = search.cv_results_
    keep = [k for k in results if not k.endswith("_time")]
    return {k: repr(results[k]) for k in keep}


SEARCHES = {
    "grid": GridSearchCV(Dawdles(), {"shift": np.linspace(-1, 1, 9)}, cv=3),
    "random": RandomizedSearchCV(
        Dawdles(), {"shift": (-1.0, 1.0, "uniform")}, cv=3, random_state=1
    ),
    "bayes": BayesSearchCV(Dawdles(), {"shift": (-1.0, 1.0)}, cv=3, n_iter=12, random_state=1),
    "bayes, 4 points": BayesSearchCV(
        Dawdles(), {"shift": (-1.0, 1.0)}, cv=3, n_iter=14, random_state=1, n_points=4
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_result_does_not_depend_on_the_workers(name):
    X, y = make_classification(60, random_state=0)
    tables = []
    for n_jobs, backend in BACKENDS:
        with joblib.parallel_config(backend=backend):
            search = SEARCHES[name].set_params(n_jobs=n_jobs).fit(X, y)
        tables.append(table(search))
    assert all(other == tables[0] for other in tables)


def test_the_active_backend_sets_the_number_of_workers():
    with joblib.parallel_config(backend="threading", n_jobs=3):
        search = GridSearchCV(TellsItsThreads(), {"x": [1, 2]}, cv=3).fit(*iris)
    share = max(1, joblib.cpu_count() // 3)
    assert search.best_score_ == share


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_threads_are_divided_and_given_back(backend):
    with joblib.parallel_config(backend=backend):
        search = GridSearchCV(TellsItsThreads(), {"x": [1, 2]}, cv=3, n_jobs=2).fit(*iris)
    assert search.cv_results_["mean_test_score"].tolist() == [max(1, joblib.cpu_count() // 2)] * 2
    assert search.best_estimator_.n_jobs == -1
    assert "n_jobs" not in search.best_params_


def test_alone_the_estimator_keeps_its_threads():
    search = GridSearchCV(TellsItsThreads(), {"x": [1]}, cv=3).fit(*iris)
    assert search.best_score_ == -1


def lgbm(**kwargs):
    lightgbm = pytest.importorskip("lightgbm")
    return lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, random_state=0, **kwargs)


def xgb(**kwargs):
    xgboost = pytest.importorskip("xgboost")
    return xgboost.XGBClassifier(n_estimators=20, random_state=0, **kwargs)


@pytest.mark.parametrize("booster", [lgbm, xgb])
def test_boosters_give_the_same_scores_for_any_number_of_workers(booster):
    X, y = make_classification(300, 10, random_state=0)
    space = {"learning_rate": (0.01, 0.3, "log-uniform"), "reg_lambda": (1e-3, 10.0, "log-uniform")}
    tables = [
        table(
            BayesSearchCV(
                booster(), space, n_iter=6, cv=3, random_state=0, n_jobs=n_jobs, scoring="roc_auc"
            ).fit(X, y)
        )
        for n_jobs in (1, 2)
    ]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("booster", [lgbm, xgb])
def test_a_boosters_own_threads_are_divided(booster):
    """What a worker hands to the library, read from the estimator that it scores."""

    def threads(estimator, X, y):
        return float(estimator.get_params()["n_jobs"])

    X, y = make_classification(100, random_state=0)
    search = GridSearchCV(booster(), {"reg_lambda": [1.0]}, scoring=threads, cv=2, n_jobs=2)
    search.fit(X, y)
    assert search.best_score_ == max(1, joblib.cpu_count() // 2)
    assert search.best_estimator_.n_jobs is None


def test_a_large_X_is_mapped_and_not_copied():
    class Mapped(Dawdles):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def score(self, X, y):
            return float(os.getpid())

    X, y = make_classification(20_000, 40, random_state=0)
    search = GridSearchCV(Mapped(), {"shift": [1, 2, 3]}, cv=2, n_jobs=2, refit=False).fit(X, y)
    pids = {search.cv_results_[f"split{k}_test_score"][i] for k in range(2) for i in range(3)}
    assert os.getpid() not in pids


def test_the_configuration_of_scikit_learn_reaches_the_workers():
    from sklearn import config_context, get_config

    def asked(estimator, X, y):
        return float(get_config()["working_memory"])

    for backend in ("loky", "threading"):
        with config_context(working_memory=77), joblib.parallel_config(backend=backend):
            search = GridSearchCV(SVC(), {"C": [1]}, scoring=asked, cv=2, n_jobs=2).fit(*iris)
        assert search.best_score_ == 77


def test_an_error_of_a_worker_is_raised_with_its_type():
    from doubles import FailsWhen

    search = GridSearchCV(
        FailsWhen(), {"parameter": [0, 1]}, error_score="raise", n_jobs=2, scoring="accuracy"
    )
    with pytest.raises(RuntimeError, match="parameter=1 is a bad one"):
        search.fit(*iris)
    # the workers are usable afterwards
    assert GridSearchCV(SVC(), {"C": [1]}, n_jobs=2).fit(*iris).best_score_ > 0.9


# -- workers that die ------------------------------------------------------------------------


class Hungry(Dawdles):
    """Needs more memory than there is when `shift` is 2: its process is killed, or it raises."""

    def __init__(self, shift=0.0, killed=True):
        super().__init__(shift)
        self.killed = killed

    def fit(self, X, y):
        if self.shift == 2 and self.killed:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.shift == 2:
            raise MemoryError
        return super().fit(X, y)


kills = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
hungry_space = {"shift": [-1.0, 0.0, 2, 0.5, 1.0]}


def loky_workers():
    """Process ids of this process's living workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            line = (stat.parent / "cmdline").read_text()
            if int(parent) == os.getpid() and state != "Z" and "popen_loky" in line:
                found.append(stat.parent.name)
    return found


@kills
def test_a_killed_worker_costs_its_configuration_and_nothing_else():
    X, y = make_classification(60, random_state=0)
    tables = []
    for killed in (True, False):
        search = GridSearchCV(Hungry(killed=killed), hungry_space, cv=3, n_jobs=2, error_score=0.0)
        with pytest.warns(FitFailedWarning, match="worker process died" if killed else "Memory"):
            search.fit(X, y)
        assert search.stop_reason_ == "search space exhausted"
        tables.append(table(search))
        assert len(loky_workers()) <= 2
    assert tables[0] == tables[1]


LEAVES = """
import warnings
from joblib.externals.loky import get_reusable_executor
from skhpt import BayesSearchCV
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

def send_one_home(result):
    if not sent:
        sent.append(get_reusable_executor(reuse=True)._call_queue.put(None))

sent = []
options = {"n_points": 16, "racing": False, "initial_params": None, "pre_dispatch": "all"}
space = {"max_depth": list(range(1, 99))}
search = BayesSearchCV(
    DecisionTreeClassifier(), space, n_iter=40, sampler="random", n_jobs=2, **options
)
warnings.simplefilter("error")
search.fit(*load_iris(return_X_y=True), callback=send_one_home)
assert sent and warnings.filters[0][0] == "error"
print(search.n_fits_)
"""


def test_a_worker_that_goes_home_leaves_nobody_waiting_where_warnings_are_errors():
    """Loky's idle workers end after a while; it warns when tasks came in the meantime."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVES], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "200", done.stderr


@kills
def test_a_killed_worker_is_an_error_when_errors_are_to_be_raised():
    search = GridSearchCV(Hungry(), hungry_space, cv=3, n_jobs=2, error_score="raise")
    with pytest.raises(RuntimeError, match="worker process died.*SIGKILL.*memory.*n_jobs"):
        search.fit(*make_classification(60, random_state=0))
    assert loky_workers() == []


# -- the time budget -------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_time_budget_is_kept_with_the_refit(n_jobs):
    class Slow(Dawdles):
        def fit(self, X, y):
            time.sleep(0.004 * len(X))  # 0.2 s on the largest fold, 0.3 s on all rows
            return super().fit(X, y)

    X, y = make_classification(75, random_state=0)
    GridSearchCV(Dawdles(), {"shift": [0, 1]}, n_jobs=n_jobs).fit(X, y)  # workers are ready
    search = RandomizedSearchCV(
        Slow(),
        {"shift": np.linspace(-1, 1, 2000)},
        n_iter=1000,
        cv=3,
        n_jobs=n_jobs,
        time_budget=4.0,
    )
    began = time.monotonic()
    search.fit(X, y)
    assert time.monotonic() - began < 4.0 + 0.3
    assert search.stop_reason_ == "time budget spent"
    assert hasattr(search, "best_estimator_")

"""A seed decides: not the workers, not the timing, not the past of the object, not the process."""

import copy
import gc
import os
import pickle
import random
import subprocess
import sys
import time
import weakref
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn.model_selection as theirs
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

CLASSES = [GridSearchCV, RandomizedSearchCV, BayesSearchCV]
iris = load_iris(return_X_y=True)
X, y = make_classification(40, random_state=0)


class EndsWhenItLikes(ClassifierMixin, BaseEstimator):
    """Sleeps for some milliseconds that nothing has seeded, then predicts by a threshold."""

    def __init__(self, shift=0.0, slope=0.0):
        self.shift = shift
        self.slope = slope

    def fit(self, X, y):
        time.sleep(random.SystemRandom().random() / 100)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        above = X[:, 0] + self.slope * X[:, 1] > self.shift
        return self.classes_[above.astype(int)]


RANGES = {"shift": (-1.0, 1.0, "uniform"), "slope": (-2.0, 2.0, "uniform")}
SEARCHES = {
    "random": (RandomizedSearchCV, {}),
    **{
        f"{sampler}, {n_points} pending": (
            BayesSearchCV,
            {"sampler": sampler, "n_points": n_points},
        )
        for sampler in ("gp", "random", "sobol")
        for n_points in (1, 2, 4)
    },
}
WORKERS = [(1, "loky"), (2, "threading"), (4, "threading"), (2, "loky"), (4, "loky")]


def facts(search):
    """All that a search tells, apart from the times that it took."""
    results = {k: v for k, v in search.cv_results_.items() if not k.endswith("_time")}
    told = {"cv_results_": {k: repr(np.ma.asarray(v).tolist()) for k, v in results.items()}}
    ends = ("best_", "test_", "baseline_", "optimism_", "n_fits_", "stop_reason_")
    for name, value in vars(search).items():
        if name.endswith("_") and name.startswith(ends):
            told[name] = repr(value)
    return told


def candidates(search):
    return repr(search.cv_results_["params"])


def small(cls, estimator=None, **kwargs):
    """A search of a few fits, with test rows, seeded unless told otherwise."""
    estimator = SVC() if estimator is None else estimator
    options = {"cv": 3, "random_state": 0, "test_size": 0.25, **kwargs}
    if cls is GridSearchCV:
        return cls(estimator, {"C": [0.1, 1.0, 10.0]}, **options)
    options = {"n_iter": 4, **options}
    if cls is RandomizedSearchCV:
        return cls(estimator, {"C": stats.loguniform(0.1, 10)}, **options)
    return cls(estimator, {"C": (0.1, 10.0, "log-uniform")}, **options)


pytestmark = pytest.mark.usefixtures("few_resamples")


# -- workers and timing ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SEARCHES)
def test_workers_and_timing_decide_nothing(name):
    cls, kwargs = SEARCHES[name]
    told = []
    workers = WORKERS if name in ("random", "gp, 4 pending") else WORKERS[:3]
    for n_jobs, backend in workers:
        search = cls(
            EndsWhenItLikes(), RANGES, n_iter=8, cv=2, random_state=3, n_jobs=n_jobs, **kwargs
        )
        with joblib.parallel_config(backend=backend):
            told.append(facts(search.fit(X, y)))
    for other in told[1:]:
        assert other == told[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHES)
def test_processes_and_timing_decide_nothing(name):
    cls, kwargs = SEARCHES[name]
    search = cls(EndsWhenItLikes(), RANGES, n_iter=16, cv=3, random_state=5, **kwargs)
    alone = facts(search.fit(X, y))
    for n_jobs in (2, 4):
        for _ in range(2):
            assert facts(clone(search).set_params(n_jobs=n_jobs).fit(X, y)) == alone


_IN_ANOTHER_PROCESS = """
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from skhpt import BayesSearchCV, RandomizedSearchCV, When
X, y = load_iris(return_X_y=True)
written = {
    "C": (0.1, 10.0, "log-uniform"),
    "kernel": ["rbf", "poly", "sigmoid"],
    "degree": When("kernel", "poly", (2, 4)),
    "gamma": ["scale", "auto", 0.1],
}
for cls in (RandomizedSearchCV, BayesSearchCV):
    for space in (written, "auto"):
        search = cls(SVC(), space, n_iter=6, cv=2, random_state=0, test_size=0.25).fit(X, y)
        print(search.cv_results_["params"], search.test_score_)
"""


def test_the_hash_seed_of_the_process_decides_nothing():
    """Text hashes differently in each process: an order that came from a set would show."""
    printed = set()
    root = str(Path(__file__).parent.parent)
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _IN_ANOTHER_PROCESS],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.add(done.stdout)
    assert len(printed) == 1
    assert printed.pop().count("\n") == 4


# -- seeds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [7, np.int64(7), np.uint8(7)])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_whole_number_of_any_type_is_the_same_seed(cls, seed):
    search = small(cls, random_state=seed).fit(*iris)
    assert facts(search) == facts(small(cls, random_state=7).fit(*iris))


@pytest.mark.parametrize("cls", CLASSES)
def test_another_seed_and_none_give_another_search(cls):
    tests = [
        small(cls, random_state=seed).fit(*iris).test_indices_.tolist()
        for seed in (0, 1, None, None)
    ]
    assert len(set(map(tuple, tests))) == 4
    if cls is GridSearchCV:
        return
    tried = [candidates(small(cls, random_state=seed).fit(*iris)) for seed in (0, 1, None, None)]
    assert len(set(tried)) == 4


def test_the_generator_of_a_random_search_goes_on_as_in_scikit_learn():
    mine, other = np.random.RandomState(0), np.random.RandomState(0)
    space = {"C": stats.loguniform(0.1, 10)}
    ours = RandomizedSearchCV(SVC(), space, n_iter=3, random_state=mine)
    expected = theirs.RandomizedSearchCV(SVC(), space, n_iter=3, random_state=other)
    tried = []
    for _ in range(2):
        tried.append(candidates(ours.fit(*iris)))
        assert tried[-1] == candidates(expected.fit(*iris))
    assert tried[0] != tried[1]
    np.testing.assert_array_equal(mine.get_state()[1], other.get_state()[1])


def test_the_generator_of_a_bayesian_search_goes_on_and_clones_begin_alike():
    search = small(BayesSearchCV, random_state=np.random.RandomState(0))
    twins = [clone(search) for _ in range(2)]
    first, second = candidates(search.fit(*iris)), candidates(search.fit(*iris))
    assert first != second
    for twin in twins:
        assert candidates(twin.fit(*iris)) == first
        assert candidates(twin.fit(*iris)) == second


@pytest.mark.parametrize("cls", CLASSES)
def test_a_generator_of_numpys_newer_kind_is_refused_by_name(cls):
    search = small(cls, random_state=np.random.default_rng(0))
    rule = f"'random_state' parameter of {cls.__name__} must be an int.*RandomState.*Got Gen"
    with pytest.raises(ValueError, match=rule):
        search.fit(*iris)


@pytest.mark.parametrize("cls", CLASSES)
def test_with_a_seed_the_generators_of_the_process_are_not_used(cls):
    quiet = LogisticRegression(max_iter=1000)  # which draws nothing itself
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first = facts(small(cls, quiet).fit(*iris))
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert random.getstate() == before[1]
    np.random.seed(2)  # noqa: NPY002
    assert facts(small(cls, quiet).fit(*iris)) == first


@pytest.mark.parametrize("cls", CLASSES)
def test_without_a_seed_numpys_generator_decides(cls):
    found = []
    for seed in (1, 1, 2):
        np.random.seed(seed)  # noqa: NPY002
        search = small(cls, LogisticRegression(max_iter=1000), random_state=None)
        found.append(facts(search.fit(*iris)))
    assert found[0] == found[1] != found[2]


# -- the estimator's own seed ---------------------------------------------------------------


class NotesItsSeed(DecisionTreeClassifier):
    """Remembers the seed of every fit: a number or None, or the state of a generator."""

    seen: list = []

    def fit(self, X, y, sample_weight=None, check_input=True):
        NotesItsSeed.seen.append(said(self.random_state))
        return super().fit(X, y)


def said(seed):
    return seed.get_state()[1].tolist() if hasattr(seed, "get_state") else seed


@pytest.mark.parametrize("own", [None, 0, 42, np.random.RandomState(5)], ids=str)
@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_the_seed_of_the_estimator_stays_the_users(cls, own, in_pipeline):
    NotesItsSeed.seen = []
    given = said(own)
    estimator, name = NotesItsSeed(random_state=own), "min_impurity_decrease"
    if in_pipeline:
        estimator = Pipeline([("scale", StandardScaler()), ("tree", estimator)])
        name = f"tree__{name}"
    space = {name: (0.0, 0.1) if cls is BayesSearchCV else [0.0, 0.05, 0.1]}
    kwargs = {} if cls is GridSearchCV else {"n_iter": 3}
    search = cls(estimator, space, cv=2, random_state=9, test_size=0.25, **kwargs)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        search.fit(*iris)
    assert len(NotesItsSeed.seen) >= 3 * 2 + 1, "the folds and the refit, at least"
    assert all(seed == given for seed in NotesItsSeed.seen)
    seed = {key: value for key, value in search.get_params().items() if "tree__random" in key}
    seed = seed or {"": search.get_params()["estimator__random_state"]}
    assert [said(value) for value in seed.values()] == [given]


@pytest.mark.parametrize("cls", CLASSES)
def test_the_winner_has_the_users_parameters_and_the_best_ones(cls):
    estimator = SVC(gamma=0.3, random_state=42)
    search = small(cls, estimator).fit(*iris)
    expected = {**SVC(gamma=0.3, random_state=42).get_params(), **search.best_params_}
    assert search.best_estimator_.get_params() == expected
    assert search.best_estimator_ is not search.estimator
    assert estimator.get_params() == SVC(gamma=0.3, random_state=42).get_params()
    assert not hasattr(estimator, "classes_")


# -- one object, many fits ------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_again_cloned_copied_or_after_other_data_it_is_the_same_search(cls):
    search = small(cls)
    unfitted = copy.deepcopy(search), pickle.loads(pickle.dumps(search))
    first = facts(search.fit(*iris))
    others = [search, clone(search), copy.deepcopy(search), *unfitted]
    for other in others:
        assert facts(other.fit(*iris)) == first
    search.fit(X, y)
    assert facts(search.fit(*iris)) == first


@pytest.mark.parametrize("cls", CLASSES)
def test_a_fit_leaves_the_arguments_as_they_were(cls):
    search = small(cls)
    before = {name: repr(value) for name, value in search.get_params().items()}
    objects = {name: id(value) for name, value in search.get_params(deep=False).items()}
    search.fit(*iris)
    assert {name: repr(value) for name, value in search.get_params().items()} == before
    assert {name: id(value) for name, value in search.get_params(deep=False).items()} == objects


def by_joblib(search, folder):
    joblib.dump(search, folder / "search.joblib", compress=3)
    return joblib.load(folder / "search.joblib")


COPIES = {
    "pickle": lambda search, folder: pickle.loads(pickle.dumps(search)),
    "oldest pickle": lambda search, folder: pickle.loads(pickle.dumps(search, protocol=2)),
    "joblib": by_joblib,
    "deepcopy": lambda search, folder: copy.deepcopy(search),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("cls", CLASSES)
def test_a_copy_of_a_fitted_search_is_the_same(cls, way, tmp_path):
    search = small(cls, SVC(), return_train_score=True).fit(*iris)
    twin = COPIES[way](search, tmp_path)
    assert set(vars(twin)) == set(vars(search))
    assert facts(twin) == facts(search)
    assert list(twin.cv_results_) == list(search.cv_results_)
    for name, column in search.cv_results_.items():
        assert type(twin.cv_results_[name]) is type(column), name
        assert repr(twin.cv_results_[name]) == repr(column), name
    np.testing.assert_array_equal(twin.predict(iris[0]), search.predict(iris[0]))
    assert twin.score(*iris) == search.score(*iris)
    assert facts(twin.fit(*iris)) == facts(search)


# -- nothing of the data stays --------------------------------------------------------------


class Keeps(ClassifierMixin, BaseEstimator):
    """Learns the classes and nothing else, so that what a search keeps is its own."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("cls", CLASSES)
def test_a_fitted_search_does_not_grow_with_the_rows(cls):
    sizes = []
    for n_rows in (60, 6000):
        data = make_classification(n_rows, random_state=0)
        search = small(cls, Keeps(), test_size=None, n_jobs=1).fit(*data)
        sizes.append(len(pickle.dumps(search)))
        with_test = small(cls, Keeps()).fit(*data)
        held = with_test.test_indices_.nbytes
        with_test.test_indices_ = None
        assert len(pickle.dumps(with_test)) < sizes[-1] + 2000
        assert held == n_rows // 4 * 8
    hashes = 8 * (6000 - 60)  # by which a test row is told to be one of those for tuning
    assert abs(sizes[1] - sizes[0]) < 200 + hashes


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(("n_jobs", "backend"), [(1, "loky"), (2, "threading"), (2, "loky")])
def test_a_fitted_search_lets_the_data_go(cls, n_jobs, backend):
    data = make_classification(200, random_state=0)
    search = small(cls, Keeps(), n_jobs=n_jobs)
    with joblib.parallel_config(backend=backend):
        search.fit(*data)
    watched = [weakref.ref(part) for part in data]
    del data
    for _ in range(50):  # a worker thread may be on its way out still
        gc.collect()
        if not any(ref() is not None for ref in watched):
            break
        time.sleep(0.02)
    assert [ref() for ref in watched] == [None, None]
    assert search.predict(np.zeros((1, 20))).shape == (1,)


@pytest.mark.parametrize("cls", CLASSES)
def test_forests_that_are_seeded_are_the_same_forests_everywhere(cls):
    """A seeded estimator in seeded search: the refit predicts the same for any workers."""
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    space = {"max_depth": (1, 6) if cls is BayesSearchCV else [1, 3, 6]}
    kwargs = {} if cls is GridSearchCV else {"n_iter": 3}
    told = []
    for n_jobs in (1, 2):
        search = cls(forest, space, cv=2, random_state=0, n_jobs=n_jobs, **kwargs).fit(*iris)
        told.append((facts(search)["cv_results_"], search.predict_proba(iris[0]).tolist()))
    assert told[0] == told[1]

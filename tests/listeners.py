"""Callbacks for scikit-learn's protocol, named by what they do, and searches to set them on."""

import importlib.util
import json
import pickle

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV

HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None
needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn has callbacks from 1.9 on"
)
GRID = {"C": [0.01, 0.1, 1.0, 10.0]}
EVALUATION = "candidate-split-evaluation"
X, y = load_iris(return_X_y=True)
QUICK = LogisticRegression(tol=1.0)  # a few iterations, each of which calls the hooks


def search_of(name, estimator=None, space=GRID, **options):
    """A search over four configurations and three folds."""
    estimator = SVC() if estimator is None else estimator
    if name == "grid":
        return GridSearchCV(estimator, space, cv=3, **options)
    if name == "randomized":
        return RandomizedSearchCV(estimator, space, n_iter=4, cv=3, random_state=0, **options)
    options = {"racing": False, **options}  # so that the tasks can be counted
    return BayesSearchCV(estimator, space, n_iter=4, cv=3, random_state=0, **options)


each_search = pytest.mark.parametrize("name", ["grid", "randomized", "bayes"])
each_n_jobs = pytest.mark.parametrize("n_jobs", [1, 2])


class Listens:
    """Writes a line for every hook to a file, from whatever process."""

    def __init__(self, path):
        self.path = path

    def setup(self, estimator, context):
        self.write("setup", context)

    def on_fit_task_begin(self, estimator, context, *, X=None, fitted_estimator=None):
        self.write("begin", context, X, fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.write("end", context, X, fitted_estimator)
        return self.answer(context)

    def teardown(self, estimator, context):
        self.write("teardown", context)

    def answer(self, context):
        return None

    def write(self, hook, context, X=None, fitted=None):
        entry = {
            "hook": hook,
            "estimator": context.estimator_name,
            "task": context.task_name,
            "id": context.task_id,
            "max_subtasks": context.max_subtasks,
            "rows": None if X is None else len(X),
            "fitted": fitted is not None,
        }
        with open(self.path, "a") as file:
            file.write(json.dumps(entry) + "\n")

    def entries(self, hook=None, task=None):
        if not self.path.exists():
            return []
        entries = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [e for e in entries if hook in (None, e["hook"]) and task in (None, e["task"])]


class ListensEverywhere(Listens):
    max_propagation_depth = None


class Stops(Listens):
    """Asks for the end at the end of an evaluation."""

    def __init__(self, path, at):
        super().__init__(path)
        self.at = at

    def answer(self, context):
        return context.task_name == EVALUATION and context.task_id == self.at


class StopsAtTheTop(Stops):
    max_propagation_depth = 0


class Fails(Listens):
    """Raises at one hook of one task."""

    def __init__(self, path, hook, task):
        super().__init__(path)
        self.hook = hook
        self.task = task

    def write(self, hook, context, X=None, fitted=None):
        super().write(hook, context, X, fitted)
        if (hook, context.task_name) == (self.hook, self.task):
            raise RuntimeError(f"the callback fails at {hook} of {self.task}")


class Quiet:
    """Has every hook and does nothing."""

    def setup(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context): ...

    def teardown(self, estimator, context): ...


class Weighs(Quiet):
    """Measures what a task would carry to another process."""

    def __init__(self):
        self.sizes = []

    def __getstate__(self):
        return {}

    def on_fit_task_end(self, estimator, context):
        if context.task_name == EVALUATION:
            self.sizes.append(len(pickle.dumps((context, estimator))))

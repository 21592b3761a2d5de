"""CPU of our search loop beside scikit-learn's, raced or not, and what importing the package costs.

    python benchmarks/overhead.py

RandomizedSearchCV of both packages runs identical candidates with a cheap estimator, in turns,
in one process; the median of the ratios of their CPU times is what counts, since machines are
noisy. The race is run as it comes, and with so many standard errors that it drops nobody: then it
is all cost and no gain, as where data are tiny. The import is timed in fresh processes. Exits
with 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import sklearn.model_selection
from scipy import stats
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier

import skhpt

LOOP_LIMIT = 1.1  # times scikit-learn's CPU
RACE_LIMIT = 1.05  # times the CPU of the same search without a race, where it drops nobody
IMPORT_LIMIT = 5.0  # ms beyond scikit-learn's own import
# Seconds of the package, and of the class.
IMPORTS = """
import time
import sklearn.model_selection
times = [time.perf_counter()]
import skhpt
times.append(time.perf_counter())
skhpt.BayesSearchCV
times.append(time.perf_counter())
print(times[1] - times[0], times[2] - times[1])
"""


def search(package, n_candidates: int, **options):
    return package.RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": stats.randint(1, 12), "min_samples_leaf": stats.randint(1, 20)},
        n_iter=n_candidates,
        random_state=0,
        **options,
    )


LOOPS = {
    "scikit-learn": (sklearn.model_selection, {}),
    "skhpt": (skhpt, {}),
    "skhpt, a race that drops nobody": (skhpt, {"racing": 1e9}),
    "skhpt, racing": (skhpt, {"racing": True}),
}


def loop_times(n_rows: int, n_candidates: int, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each loop, one after the other, again and again."""
    X, y = make_classification(n_rows, 20, random_state=0)
    times: dict[str, list[float]] = {name: [] for name in LOOPS}
    scores = {}
    for _ in range(repeats):
        for name, (package, options) in LOOPS.items():
            started = time.process_time()
            found = search(package, n_candidates, **options).fit(X, y)
            times[name].append(time.process_time() - started)
            scores[name] = found.cv_results_["mean_test_score"]
    *same, _ = scores.values()
    for other in same[1:]:
        np.testing.assert_array_equal(same[0], other)
    return times


def ratio_of(times: dict[str, list[float]], name: str, reference: str) -> float:
    return statistics.median(a / b for a, b in zip(times[name], times[reference]))


def import_costs(repeats: int) -> tuple[float, float]:
    """Milliseconds beyond scikit-learn's search: of ``import skhpt``, and with BayesSearchCV.

    Bytecode is kept in a folder of its own and written by a first run, as it is by an
    installation, whatever the environment says about writing it.
    """
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(repeats + 1):
            costs.append(_import_milliseconds(environment))
    package = statistics.median(first for first, _ in costs[1:])
    return package, statistics.median(map(sum, costs[1:]))


def _import_milliseconds(environment: dict) -> tuple[float, float]:
    out = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, env=environment
    )
    package, search = out.stdout.split()
    return 1000 * float(package), 1000 * float(search)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    times = loop_times(options.rows, options.candidates, options.repeats)
    print(f"{options.candidates} candidates x 5 folds, decision tree, {options.rows} rows:")
    theirs, ours, idle, raced = times
    compared = {ours: (theirs, LOOP_LIMIT), idle: (ours, RACE_LIMIT), raced: (ours, RACE_LIMIT)}
    passed = False
    for name, spent in times.items():
        line = f"  {name:31} {statistics.median(spent):6.2f} s CPU"
        if name in compared:
            reference, limit = compared[name]
            ratio = ratio_of(times, name, reference)
            passed = passed or ratio > limit
            line += f"   {ratio:.2f} of {reference} (limit {limit})"
        print(line)
    package, search = import_costs(options.repeats)
    print(
        f"import skhpt adds {package:.1f} ms to scikit-learn's own import (limit "
        f"{IMPORT_LIMIT:.0f}), with BayesSearchCV {search:.0f} ms"
    )
    return int(passed or package > IMPORT_LIMIT)


if __name__ == "__main__":
    sys.exit(main())

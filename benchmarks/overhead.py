"""CPU of our search loop beside scikit-learn's, and the cost of importing the package.

    python benchmarks/overhead.py

RandomizedSearchCV of both packages runs identical candidates with a cheap estimator, in turns,
in one process; the ratio of the median CPU times is what counts, since machines are noisy. The
import is timed in fresh processes by ``-X importtime``. Exits with 1 when a limit is passed.
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
IMPORT_LIMIT = 50.0  # ms beyond scikit-learn's own import


def search(package, n_candidates: int):
    return package.RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": stats.randint(1, 12), "min_samples_leaf": stats.randint(1, 20)},
        n_iter=n_candidates,
        random_state=0,
    )


def loop_ratio(n_rows: int, n_candidates: int, repeats: int) -> tuple[float, float, float]:
    """Median CPU seconds of scikit-learn's loop and of ours, and the median of their ratios."""
    X, y = make_classification(n_rows, 20, random_state=0)
    times: dict = {sklearn.model_selection: [], skhpt: []}
    results = {}
    for _ in range(repeats):
        for package, spent in times.items():
            started = time.process_time()
            results[package] = search(package, n_candidates).fit(X, y)
            spent.append(time.process_time() - started)
    theirs, ours = times.values()
    a, b = (found.cv_results_["mean_test_score"] for found in results.values())
    np.testing.assert_array_equal(a, b)
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs))
    return statistics.median(theirs), statistics.median(ours), ratio


def import_cost(repeats: int) -> float:
    """Milliseconds that ``import skhpt`` adds where scikit-learn's search is imported already.

    Bytecode is kept in a folder of its own and written by a first run, as it is by an
    installation, whatever the environment says about writing it.
    """
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(repeats + 1):
            costs.append(_import_milliseconds(environment))
    return statistics.median(costs[1:])


def _import_milliseconds(environment: dict) -> float:
    out = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import sklearn.model_selection, skhpt"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    line = next(row for row in out.stderr.splitlines() if row.split("|")[-1].strip() == "skhpt")
    return int(line.split("|")[1]) / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    theirs, ours, ratio = loop_ratio(options.rows, options.candidates, options.repeats)
    added = import_cost(options.repeats)
    print(f"{options.candidates} candidates x 5 folds, decision tree, {options.rows} rows:")
    print(f"  scikit-learn {theirs:6.2f} s CPU")
    print(f"  skhpt        {ours:6.2f} s CPU   ratio {ratio:.2f} (limit {LOOP_LIMIT})")
    print(
        f"import skhpt adds {added:.0f} ms to scikit-learn's own import (limit {IMPORT_LIMIT:.0f})"
    )
    return int(ratio > LOOP_LIMIT or added > IMPORT_LIMIT)


if __name__ == "__main__":
    sys.exit(main())

"""Wall time of BayesSearchCV with two workers against one, and what its workers wait for.

    python benchmarks/parallel.py
    python benchmarks/parallel.py --folder FOLDER --data satimage --points 2 4 --threads one

LightGBM on 4,000 made rows, or on the first --rows of FOLDER/NAME.csv.gz (column "target");
``refit=False``, so that there is nothing but the search. One run with each `n_jobs` is a pair; the
order alternates, the worker processes are started beforehand, and both must find the same scores.

`ratio` is the wall time of the pair, with a 95 % t-interval (of logarithms) over repeats. The
columns behind it say what became of the workers' time at ``n_jobs > 1``, in per cent of wall time
times workers. They are taken at the door to the workers, where steps go in and results come out:

- steps: seconds that the steps themselves report, training and scoring
- ask: fewer steps than workers were out, and the search was busy proposing or recording
- look-ahead: fewer were out, and the search was waiting: the next proposal needs a result
- tail: the same after the last proposal
- finish: the same in the finish, where the winner learns more slowly and the best run again
- rest: steps were out, and did not train: transport, rows cut out, bins made twice

`bound` is the ratio that the seconds of the steps at ``n_jobs=1`` would give on so many free cores
without any other cost, and if no proposal waited for a result. Look at it where the machine is
busy: the load average is printed, and a
search with one worker suffers less from other processes than one with two.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import joblib
import numpy as np
import scipy.stats
import sklearn
from lightgbm import LGBMClassifier, LGBMRegressor, __version__
from sklearn.datasets import make_classification

import skhpt.running
from skhpt import BayesSearchCV
from skhpt.executors import open_executor
from skhpt.ledger import Ledger
from skhpt.trial import Origin, Step

REASONS = ("steps", "ask", "look-ahead", "tail", "finish", "rest")
TARGET = 0.6


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="folder with NAME.csv.gz")
    parser.add_argument("--data", help="name of a data set in the folder")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--n-iter", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--points", type=int, nargs="+", default=[0], help="n_points; 0: as it comes (default)"
    )
    parser.add_argument("--stopping", nargs="+", choices=["on", "off"], default=["on", "off"])
    parser.add_argument("--threads", nargs="+", choices=["own", "one"], default=["own", "one"])
    options = parser.parse_args()
    if (options.folder is None) != (options.data is None):
        parser.error("--folder and --data go together.")
    return options


def load(options) -> tuple[Any, Any, bool]:
    """X, y and whether y are labels."""
    if options.folder is None:
        X, y = make_classification(
            options.rows, 20, n_informative=8, class_sep=0.7, flip_y=0.1, random_state=0
        )
        return X, y, True
    import pandas as pd

    table = pd.read_csv(options.folder / f"{options.data}.csv.gz")
    table = table.sample(min(options.rows, len(table)), random_state=0)
    y = table.pop("target")
    labels = not pd.api.types.is_numeric_dtype(y) or y.nunique() <= 20
    for column in table.select_dtypes(exclude="number"):
        table[column] = table[column].astype("category").cat.codes
    y = y.astype("category").cat.codes if labels else y
    return table.to_numpy(dtype=float), y.to_numpy(), labels


class Door:
    """An executor that keeps the time: how many steps are out, and whether they are waited for."""

    def __init__(self, executor, n_iter: int):
        self._executor, self._n_iter = executor, n_iter
        self._steps: dict[int, Step] = {}
        self._phase, self._since = "look-ahead", time.perf_counter()
        self.seconds: Counter[str] = Counter()  # that workers had nothing, by reason

    def __getattr__(self, name):
        return getattr(self._executor, name)

    def submit(self, function, *args) -> int:
        self._note("ask")
        ticket = self._executor.submit(function, *args)
        step = next(a for a in args if isinstance(a, Step))
        self._steps[ticket] = step
        if step.trial >= self._n_iter or (self._phase == "tail" and step.trial < self._n_iter - 1):
            self._phase = "finish"
        elif step.trial == self._n_iter - 1 and self._phase == "look-ahead":
            self._phase = "tail"
        return ticket

    def next_done(self, timeout: float | None = None):
        self._note("ask")
        try:
            ticket, fetch = self._executor.next_done(timeout)
        finally:
            self._note(self._phase)
        del self._steps[ticket]
        return ticket, fetch

    def close(self, abort: bool = False) -> None:
        self._note("ask")
        self._executor.close(abort=abort)

    def _note(self, reason: str) -> None:
        now = time.perf_counter()
        without = max(0, self._executor.n_workers - len(self._steps))
        self.seconds[reason] += without * (now - self._since)
        self._since = now


class Run(NamedTuple):
    wall: float
    ledger: Ledger
    shares: dict[str, float]  # of the workers' time, in per cent
    scores: np.ndarray


def run(search: BayesSearchCV, X, y) -> Run:
    doors: list[Door] = []

    def opened(n_jobs):
        doors.append(Door(open_executor(n_jobs), search.n_iter))
        return doors[-1]

    with mock.patch.object(skhpt.running, "open_executor", opened):
        started = time.perf_counter()
        search.fit(X, y)
        wall = time.perf_counter() - started
    seconds = doors[0].seconds
    seconds["steps"] = sum(o.fit_time + o.score_time for o in search._ledger.outcomes)
    capacity = wall * doors[0].n_workers
    seconds["rest"] = capacity - seconds.total()
    shares = {reason: 100 * seconds[reason] / capacity for reason in REASONS}
    return Run(wall, search._ledger, shares, search.cv_results_["mean_test_score"])


def bound(ledger: Ledger, n_workers: int) -> float:
    """Time of the steps on so many workers, in the time of one, if nobody waited for a proposal."""
    whole, last = Counter(), {"slower": [], "again": []}  # folds on their own, after the others
    for outcome in ledger.outcomes:
        seconds = outcome.fit_time + outcome.score_time
        if outcome.fold >= ledger.n_first:
            last["again"].append(seconds)
        elif ledger.trial(outcome.trial).origin is Origin.SLOWER:
            last["slower"].append(seconds)
        else:
            whole[outcome.trial] += seconds
    free = [0.0] * n_workers

    def start(seconds: float, not_before: float = 0.0) -> None:
        worker = free.index(min(free))
        free[worker] = max(free[worker], not_before) + seconds

    for trial in ledger.trials:
        start(whole[trial.index])
    for folds in last.values():
        begin = max(free)
        for seconds in folds:
            start(seconds, begin)
    return max(free) / (whole.total() + sum(map(sum, last.values())))


def start_workers(n_workers: int, X, y) -> None:
    """Imports in new processes take a second, once a session."""
    few = {"n_iter": 4, "sampler": "random", "refit": False, "n_jobs": n_workers, "cv": 3}
    BayesSearchCV(LGBMClassifier(n_jobs=1, verbose=-1), random_state=0, **few).fit(
        X[:200], np.arange(200) % 2
    )


def compare(options, X, y, labels: bool, threads: str, stopping: str, points: int) -> None:
    model = LGBMClassifier if labels else LGBMRegressor
    pairs: list[dict[int, Run]] = []
    for repeat in range(options.repeats):
        pair = {}
        for n_jobs in (1, options.workers)[:: 1 if repeat % 2 else -1]:
            search = BayesSearchCV(
                model(verbose=-1, random_state=0, n_jobs=None if threads == "own" else 1),
                n_iter=options.n_iter,
                scoring="neg_log_loss" if labels else "neg_root_mean_squared_error",
                early_stopping=None if stopping == "on" else False,
                n_points=points or None,
                n_jobs=n_jobs,
                random_state=repeat,
                refit=False,
            )
            pair[n_jobs] = run(search, X, y)
        one, many = pair.values() if repeat % 2 else reversed(pair.values())
        np.testing.assert_allclose(one.scores, many.scores, rtol=1e-6)
        pairs.append({1: one, options.workers: many})
    print(row(pairs, threads, stopping, points, options.workers), flush=True)


def row(pairs, threads: str, stopping: str, points: int, n_workers: int) -> str:
    logs = np.log([pair[n_workers].wall / pair[1].wall for pair in pairs])
    half = np.nan
    if len(logs) > 1:
        half = scipy.stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / len(logs) ** 0.5
    mean, low, high = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half])
    walls = [statistics.mean(pair[n].wall for pair in pairs) for n in (1, n_workers)]
    shares = [statistics.mean(pair[n_workers].shares[r] for pair in pairs) for r in REASONS]
    limit = statistics.mean(bound(pair[1].ledger, n_workers) for pair in pairs)
    columns = [threads, stopping, points or "as it comes", *(f"{wall:.1f}" for wall in walls)]
    columns += [f"{mean:.2f} [{low:.2f}, {high:.2f}]", f"{limit:.2f}"]
    columns += [*(f"{share:.0f}" for share in shares), f"{os.getloadavg()[0]:.1f}"]
    return f"| {' | '.join(map(str, columns))} |"


def main() -> None:
    options = parse_arguments()
    X, y, labels = load(options)
    print(
        f"{options.data or 'made data'}: {X.shape[0]} x {X.shape[1]}, {options.n_iter} "
        f"configurations, {options.repeats} repeats, {options.workers} workers, "
        f"{joblib.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n"
        f"LightGBM {__version__}, scikit-learn {sklearn.__version__}, joblib {joblib.__version__}; "
        f"target: ratio at most {TARGET} with 2 workers\n"
    )
    names = ["threads", "early stopping", "n_points", "1: s", f"{options.workers}: s", "ratio"]
    names += ["bound", *(f"{reason} %" for reason in REASONS), "load"]
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    start_workers(options.workers, X, y)
    for threads in options.threads:
        for stopping in options.stopping:
            for points in options.points:
                compare(options, X, y, labels, threads, stopping, points)


if __name__ == "__main__":
    main()

"""CPU time and held-out score of BayesSearchCV as it comes, against the usual searches.

    python benchmarks/time_to_quality.py --results ttq.jsonl
    python benchmarks/time_to_quality.py --results ttq.jsonl --folder FOLDER \\
        --data hr segment breast_cancer --estimators lightgbm xgboost --seeds 0 1 2 --rows 1000
    python benchmarks/time_to_quality.py --results ttq.jsonl --table --plot ttq.png

The reference is scikit-learn's RandomizedSearchCV with 100 candidates. All searches get the same
rows and the same 5 folds, one thread, and the metric log loss or root mean squared error; a data
set, a seed and --rows fix the rows, and all the others are held out. --folder holds gzipped CSV
files with a column "target"; breast_cancer and digits come with scikit-learn.

CPU is that of the process, for `fit` with its refit. Machines are noisy, so a fixed piece of
work is timed right before and after every search, and ratios are of CPU in units of it.
`dTest` is the mean difference of the held-out losses (negative: better than the reference) in
standard errors: "paired", of that difference over the held-out rows, or "of score", of the
reference's own held-out loss. Intervals are 95 % t-intervals over data sets, for their mean over
seeds: they speak of other data sets of this kind. A second table sets ours against each of the
others, and names the data sets on which ours is worse. --plot draws the first one.

FLAML knows no number of configurations. It has --flaml-seconds, or, without them, as many seconds
as the reference took CPU in the same case, and therefore runs after it; its folds are the same.

Every finished search is a line of --results and is not run again, unless --again names it; its
held-out losses go to the folder beside it. Ours is kept apart by --tag, the version measured.
--keep writes a file that does without that folder. benchmarks/measured has such files, and
--table --markdown prints tables from them as the README has them.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before the imports that read them
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import functools
import importlib.metadata
import json
import platform
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.datasets
from _quality_picture import draw
from _quality_readme import tables
from _quality_results import Done, Task, kept, read
from _quality_tables import OURS, Cases, by_search, of_ours, print_tables
from _rivals import BUILDERS, n_fits
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

BUNDLED = {
    "breast_cancer": sklearn.datasets.load_breast_cancer,
    "digits": sklearn.datasets.load_digits,
}
FILES = ["hr", "segment", "satimage", "bikeshare", "computers", "phoneme", "german"]
MLP_DATA = ["satimage", "digits"]
PACKAGES = ["numpy", "scikit-learn", "lightgbm", "xgboost", "scikit-optimize", "optuna"]
PACKAGES += ["optuna-integration", "flaml"]
N_FOLDS = 5
ONE = {"n_jobs": 1, "random_state": 0}
ESTIMATORS = {
    ("lightgbm", True): lambda: LGBMClassifier(verbose=-1, **ONE),
    ("lightgbm", False): lambda: LGBMRegressor(verbose=-1, **ONE),
    ("xgboost", True): lambda: XGBClassifier(**ONE),
    ("xgboost", False): lambda: XGBRegressor(**ONE),
    ("mlp", True): lambda: Pipeline(
        [("scale", StandardScaler()), ("mlp", MLPClassifier(random_state=0))]
    ),
}
# Wall time of a search in fits of the library's default: a first guess for the time left,
# replaced by what the finished searches say.
GUESSES = {"skhpt": 60, "random": 1200, "grid": 1000, "halving": 700, "skopt": 800, "optuna": 700}
GUESSES["flaml"] = GUESSES["random"]
EQUAL = "equal"  # FLAML has the CPU seconds of the random search
# Said thousands of times and of no use here: networks that are stopped at max_iter are part of
# every search, scikit-optimize proposes points twice, LightGBM gives names to columns of arrays,
# Optuna's class imports what Optuna deprecates, halving has fewer rows than a batch.
QUIET = (
    "Got `batch_size` less than 1",
    "The objective has been evaluated",
    "X does not have valid feature names",
    "`optuna.terminator` module",
)


class Split(NamedTuple):
    X: Any
    y: np.ndarray
    X_held: Any
    y_held: np.ndarray
    labels: bool


def load(name: str, folder: Path | None, as_codes: bool):
    """X, y and whether y are labels; text columns as categories, or as their codes."""
    if name in BUNDLED:
        return *BUNDLED[name](return_X_y=True), True
    if folder is None:
        raise SystemExit(f"--folder must name the folder that holds {name}.csv.gz; got none.")
    import pandas as pd

    table = pd.read_csv(folder / f"{name}.csv.gz")
    y = table.pop("target")
    labels = not pd.api.types.is_numeric_dtype(y) or y.nunique() <= 20
    y = y.astype("category").cat.codes.to_numpy() if labels else y.to_numpy(dtype=float)
    text = list(table.select_dtypes(exclude="number"))
    table = table.astype(dict.fromkeys(text, "category"))
    if as_codes:
        table = table.assign(**{column: table[column].cat.codes for column in text})
    return (table if text and not as_codes else table.to_numpy(dtype=float)), y, labels


@functools.lru_cache(maxsize=2)
def split(name: str, folder: Path | None, as_codes: bool, rows: int, seed: int) -> Split:
    """At most `rows` rows to tune on, at least a quarter held out."""
    X, y, labels = load(name, folder, as_codes)
    train, held = train_test_split(
        np.arange(len(y)),
        train_size=min(rows, int(0.75 * len(y))),
        stratify=y if labels else None,
        random_state=seed,
    )
    frame = hasattr(X, "iloc")
    X_train, X_held = (X.iloc[train], X.iloc[held]) if frame else (X[train], X[held])
    return Split(X_train, y[train], X_held, y[held], labels)


def losses_of(fitted, part: Split) -> np.ndarray:
    """One loss a held-out row: minus the log likelihood, or the squared error."""
    if not part.labels:
        return (part.y_held - fitted.predict(part.X_held)) ** 2
    likelihoods = fitted.predict_proba(part.X_held)
    likelihoods = likelihoods / likelihoods.sum(axis=1, keepdims=True)
    likelihoods = likelihoods[np.arange(len(part.y_held)), part.y_held]
    return -np.log(np.maximum(likelihoods, np.finfo(likelihoods.dtype).eps))


def score_of(losses: np.ndarray, labels: bool) -> float:
    """The held-out score in the words of the metric: greater is better."""
    mean = float(np.mean(losses, dtype=float))
    return -mean if labels else -(mean**0.5)


def calibration() -> float:
    """CPU seconds of a fixed piece of work, about 0.3 s."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 20))
    y = (X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=1000) > 0).astype(int)
    started = time.process_time()
    for _ in range(3):
        LGBMClassifier(n_estimators=60, verbose=-1, **ONE).fit(X, y)
    return time.process_time() - started


def measure(task: Task, budget: float, options) -> dict[str, Any]:
    """Run one search and judge it; the line for the results."""
    as_codes = task.estimator != "lightgbm"
    part = split(task.data, options.folder, as_codes, task.rows, task.seed)
    estimator = ESTIMATORS[task.estimator, part.labels]()
    started = time.perf_counter()
    estimator.fit(part.X, part.y)
    seconds = time.perf_counter() - started
    default = losses_of(estimator, part)
    folds = StratifiedKFold if part.labels else KFold
    common = {
        "cv": folds(N_FOLDS, shuffle=True, random_state=task.seed),
        "scoring": "neg_log_loss" if part.labels else "neg_root_mean_squared_error",
        "n_jobs": 1,
    }
    build = BUILDERS[task.family]
    search = build(estimator, task.estimator, budget, task.seed, part.y, common)
    before = calibration()
    cpu, wall = time.process_time(), time.perf_counter()
    search.fit(part.X, part.y)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    unit = (before + calibration()) / 2
    losses = losses_of(search.best_estimator_, part)
    for of, values in {task: losses, task.default: default}.items():
        np.save(of.losses(options.results), values.astype(np.float32))
    return {
        **task._asdict(),
        "n_train": len(part.y),
        "n_held_out": len(part.y_held),
        "n_fits": n_fits(task.family, search, N_FOLDS),
        "cpu": round(cpu, 4),
        "calibrated": round(cpu / unit, 4),
        "unit": round(unit, 4),
        "wall": round(wall, 3),
        "cv_score": float(search.best_score_),
        "held_out_score": score_of(losses, part.labels),
        "default_held_out_score": score_of(default, part.labels),
        "default_seconds": round(seconds, 4),
        "best_params": dict(search.best_params_),
        "versions": versions(task.family),
        "when": time.strftime("%Y-%m-%d %H:%M"),
    }


def versions(family: str | None = None) -> dict[str, str]:
    names = [*PACKAGES, "skhpt"] if family in (None, "skhpt") else PACKAGES
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def plain(value):
    """What json does not know: numbers of numpy, and anything else as it prints."""
    return value.item() if hasattr(value, "item") else str(value)


def label_of(family: str, options) -> str:
    """The name of a search with its number of configurations, or with its seconds."""
    if family == "flaml":
        seconds = options.flaml_seconds
        return f"flaml-{EQUAL if seconds is None else f'{seconds}s'}"
    return f"{family}-{getattr(options, 'n_' + family)}"


def budget_of(task: Task, done: Done, options) -> float:
    """How many configurations; for FLAML, seconds."""
    if task.family != "flaml":
        return int(task.amount)
    if task.amount != EQUAL:
        return float(task.amount.removesuffix("s"))
    reference = task._replace(search=label_of("random", options), tag="")
    if reference not in done:
        raise LookupError(
            f"needs the CPU seconds of {reference.search}, which has not been run: name random "
            "before flaml in --searches, or give --flaml-seconds."
        )
    return done[reference]["cpu"]


def planned(options) -> list[Task]:
    return [
        Task(data, estimator, options.rows, seed, label_of(family, options), tag)
        for seed in options.seeds
        for family in options.searches
        for tag in [options.tag if family == "skhpt" else ""]
        for estimator in options.estimators
        for data in options.data
        if estimator != "mlp" or (data in MLP_DATA and family != "flaml")
    ]


def seconds_left(tasks: list[Task], done: Done, options) -> float:
    """What a fit of the default costs, times the fits of it that such searches have cost."""
    return sum(default_seconds(t[:3], options.folder) * in_defaults(t, done) for t in tasks)


def in_defaults(task: Task, done: Done) -> float:
    """Wall time of a search in fits of the default: median of the finished ones of its kind."""
    same = [row for t, row in done.items() if t[1:3] == task[1:3] and t.search == task.search]
    costs = [row["wall"] / row["default_seconds"] for row in same]
    return float(np.median(costs)) if costs else GUESSES[task.family]


@functools.cache
def default_seconds(case: tuple[str, str, int], folder: Path | None) -> float:
    data, kind, rows = case
    part = split(data, folder, kind != "lightgbm", rows, 0)
    estimator = ESTIMATORS[kind, part.labels]()
    started = time.perf_counter()
    estimator.fit(part.X, part.y)
    return time.perf_counter() - started


def run(options) -> int:
    """Run what is missing; the number of searches that failed."""
    done = read(options.results)
    missing = [t for t in planned(options) if t not in done or t.family in options.again]
    options.results.with_suffix(".losses").mkdir(parents=True, exist_ok=True)
    failed = 0
    for number, task in enumerate(missing):
        left = seconds_left(missing[number:], done, options) / 60
        print(f"[{number + 1}/{len(missing)}, about {left:.0f} min left] ", end="", flush=True)
        try:
            row = measure(task, budget_of(task, done, options), options)
        except Exception as error:  # one search that cannot do this must not end the others
            print(f"{' '.join(map(str, task))} FAILED {type(error).__name__}: {error}", flush=True)
            failed += 1
            continue
        with options.results.open("a") as file:
            file.write(json.dumps(row, default=plain) + "\n")
        done[task] = json.loads(json.dumps(row, default=plain))
        print(
            f"{' '.join(map(str, task))}: {row['cpu']:.1f} s CPU, {row['n_fits']} fits, "
            f"CV {row['cv_score']:.4f}, held out {row['held_out_score']:.4f}, "
            f"default {row['default_held_out_score']:.4f}",
            flush=True,
        )
    return failed


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """The options of :func:`report`."""
    add = parser.add_argument
    add("--table", action="store_true", help="only print what is in --results")
    add("--by-data", action="store_true", help="a line for each data set as well")
    add("--markdown", action="store_true", help="the tables as the README has them")
    add("--keep", type=Path, help="write the results to a file that needs no losses beside it")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    kinds = ["lightgbm", "xgboost", "mlp"]
    add("--results", type=Path, required=True, help="JSON lines; losses go beside it")
    add("--folder", type=Path, help="folder of NAME.csv.gz files, for data that is not bundled")
    add("--data", nargs="+", choices=[*FILES, *BUNDLED], help="default: all there are")
    only = f"mlp: on {' and '.join(MLP_DATA)} only, and not for flaml"
    add("--estimators", nargs="+", choices=kinds, default=["lightgbm"], help=only)
    add("--seeds", nargs="+", type=int, default=[0])
    add("--searches", nargs="+", choices=list(BUILDERS), default=["random", "skhpt"])
    add("--again", nargs="+", choices=list(BUILDERS), default=[], help="searches to run again")
    add("--rows", type=int, default=1000, help="rows to tune on, at most")
    add("--n-iter", dest="n_skhpt", type=int, default=40, help="of BayesSearchCV")
    add("--n-random", type=int, default=100)
    add("--n-grid", type=int, default=81, help="points of the grid, at most")
    add("--n-halving", type=int, default=100)
    add("--n-skopt", type=int, default=50)
    add("--n-optuna", type=int, default=50)
    add("--flaml-seconds", type=int, help="default: as many as the random search took CPU")
    add("--tag", default="", help="what to call this version of ours")
    add_outputs(parser)
    add("--plot", type=Path, help="a picture of cost and loss, with --rows rows")
    options = parser.parse_args()
    options.data = options.data or [*(FILES if options.folder else []), *BUNDLED]
    return options


def report(reference: str, options, ours: str = OURS) -> dict[tuple, Cases]:
    """Print what is in the results, keep it where that is wanted; the comparisons by search."""
    done = read(options.results)
    found, apart = by_search(done, reference, options), of_ours(done, options, ours)
    if options.markdown:
        print("\n".join(tables(found, apart, options.rows, ours)))
    else:
        print_tables(done, found, apart, reference, options)
    if options.keep:
        options.keep.write_text("".join(f"{line}\n" for line in kept(done, options.results)))
    return found


def main() -> None:
    options = parse_arguments()
    failed = 0
    if not options.table:
        print(" ".join(f"{name} {version}" for name, version in versions().items()), flush=True)
        warnings.simplefilter("ignore", ConvergenceWarning)
        for message in QUIET:
            warnings.filterwarnings("ignore", message)
        failed = run(options)
    found = report(label_of("random", options), options)
    if options.plot:
        draw(found, label_of("random", options), options.rows, options.plot)
    if failed:
        sys.exit(f"{failed} searches failed, see above.")


if __name__ == "__main__":
    main()

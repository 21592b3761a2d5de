"""BayesSearchCV as it comes against random search where time_to_quality.py does not look.

    python benchmarks/hard_cases.py --results hard.jsonl
    python benchmarks/hard_cases.py --results hard.jsonl --folder FOLDER --seeds 0 1 2
    python benchmarks/hard_cases.py --results hard.jsonl --cases large_rmse --n-random 100

The cases; LightGBM unless the name says otherwise:

- imbalance, imbalance_xgboost, imbalance_satimage: 3 % positives; average precision
- weights, weights_german: ``class_weight="balanced"``; balanced accuracy
- auc_breast_cancer, auc_german: area under the ROC curve
- cost, cost_xgboost, cost_german: a scorer of one's own, a callable: minus the cost of the errors,
  a false negative at the price of five false positives
- fbeta: ``make_scorer(fbeta_score, beta=2)``
- large_log_loss, large_rmse: --rows rows (20,000) to tune on, where hundreds of rounds pay

The data are made, anew for every seed, and 20,000 more rows are held out; those named after a
data set are real, and a seed splits them. satimage (one class against the others, thinned) and
german come out of --folder, gzipped CSV files with a column "target"; without it they are left
out. The reference is scikit-learn's RandomizedSearchCV with 100 candidates over the ranges of
_rivals.py, 20 in the large cases unless --n-random says otherwise. Both searches get the same rows,
the same 5 shuffled folds (stratified for labels) and one thread.

CPU is that of the process, for `fit` with its refit; the ratio is of CPU in units of a fixed piece
of work, timed before and after. Scores are on the held-out rows, by the scorer of the search:
greater is better. The standard error of a difference comes from 500 resamples of the held-out rows,
the same ones for both searches; it is paired. That of the random search's own score stands beside
it, as a yardstick for differences that are sure and small. Over seeds everything is averaged (CPU
by the geometric mean), with 95 % t-intervals where there are two or more; last comes the mean of
the cases with an interval over cases.

Every finished search is a line of --results and is not run again, unless --again names it.
"""

from __future__ import annotations

import time_to_quality  # first, as it sets the number of threads

# isort: split
import argparse
import functools
import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn
from _hard_cases import CASES, USUAL
from _quality_tables import shown
from _rivals import BUILDERS, n_fits
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.utils import get_tags
from time_to_quality import N_FOLDS, Split

SEARCHES = ["random", "skhpt"]
PACKAGES = ["python", "scikit-learn", "lightgbm", "xgboost", "skhpt"]
N_HELD_OUT = 20_000  # of made data; of a file, all that tuning leaves
N_RESAMPLES = 500


class Run(NamedTuple):
    case: str
    rows: int
    seed: int
    search: str
    n_candidates: int


class Remembered(BaseEstimator):
    """Passes for a fitted model, with numbers of held-out rows for X: each is predicted once."""

    def __init__(self, model, X):
        self.model = model
        self.X = X

    def __sklearn_tags__(self):
        return get_tags(self.model)

    @property
    def classes_(self):
        return self.model.classes_

    @functools.cached_property
    def _outputs(self) -> np.ndarray:
        return self.model.predict(self.X)

    @functools.cached_property
    def _likelihoods(self) -> np.ndarray:
        return self.model.predict_proba(self.X)

    def predict(self, rows):
        return self._outputs[rows]

    def predict_proba(self, rows):
        return self._likelihoods[rows]


def resampled(model, part: Split, scorer: Callable) -> list[float]:
    """Scores on resamples of the held-out rows, which depend on their number only."""
    rng, n_rows = np.random.default_rng(0), len(part.y_held)
    remembered, scores = Remembered(model, part.X_held), []
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for _ in range(N_RESAMPLES):
            rows = rng.integers(n_rows, size=n_rows)
            scores.append(float(scorer(remembered, rows, part.y_held[rows])))
    return scores


@functools.lru_cache(maxsize=2)
def split(name: str, n_rows: int, seed: int, folder: Path | None) -> Split:
    """At most `n_rows` rows to tune on, at least a quarter held out."""
    X, y = CASES[name].data(n_rows + N_HELD_OUT, seed, folder)
    labels = y.dtype.kind != "f"
    n_train = min(n_rows, int(0.75 * len(y)))
    chosen = {"train_size": n_train, "stratify": y if labels else None, "random_state": seed}
    X_train, X_held, y_train, y_held = train_test_split(X, y, **chosen)
    return Split(X_train, y_train, X_held, y_held, labels)


def measure(run: Run, options) -> dict[str, Any]:
    """Run one search and judge it; the line for the results."""
    case, part = CASES[run.case], split(*run[:3], options.folder)
    estimator = case.model(part.labels)
    folds = StratifiedKFold if part.labels else KFold
    common = {
        "cv": folds(N_FOLDS, shuffle=True, random_state=run.seed),
        "scoring": case.scorer,
        "n_jobs": 1,
    }
    build = BUILDERS[run.search]
    search = build(clone(estimator), case.kind, run.n_candidates, run.seed, part.y, common)
    before = time_to_quality.calibration()
    cpu = time.process_time()
    search.fit(part.X, part.y)
    cpu = time.process_time() - cpu
    unit = (before + time_to_quality.calibration()) / 2
    scorer, model = get_scorer(case.scorer), search.best_estimator_
    as_given = estimator.fit(part.X, part.y)
    return {
        **run._asdict(),
        "scoring": case.scoring,
        "n_train": len(part.y),
        "n_held_out": len(part.y_held),
        "n_fits": n_fits(run.search, search, N_FOLDS),
        "cpu": round(cpu, 4),
        "calibrated": round(cpu / unit, 4),
        "cv_score": float(search.best_score_),
        "held_out_score": float(scorer(model, part.X_held, part.y_held)),
        "as_given_held_out_score": float(scorer(as_given, part.X_held, part.y_held)),
        "rounds": int(model.get_params()["n_estimators"] or 100),  # None is 100 in XGBoost
        "best_params": dict(search.best_params_),
        "versions": versions(),
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "resampled": resampled(model, part, scorer),
    }


def versions() -> dict[str, str]:
    return {k: v for k, v in time_to_quality.versions().items() if k in PACKAGES}


def read(results: Path) -> dict[Run, dict[str, Any]]:
    """The last line of every run."""
    lines = results.read_text().splitlines() if results.exists() else []
    rows = [json.loads(line) for line in lines if line.strip()]
    return {Run(*(row[field] for field in Run._fields)): row for row in rows}


def run_of(name: str, seed: int, search: str, options) -> Run:
    case = CASES[name]
    counts = {"random": options.n_random or case.n_random, "skhpt": options.n_iter}
    rows = min(case.rows or options.rows, options.rows)
    return Run(name, rows, seed, search, counts[search])


def planned(options) -> list[Run]:
    return [
        run_of(name, seed, search, options)
        for seed in options.seeds
        for name in options.cases
        for search in SEARCHES
    ]


def run_missing(options) -> int:
    """Run what is not in the results; the number of searches that failed."""
    done, failed = read(options.results), 0
    missing = [run for run in planned(options) if run not in done or run.search in options.again]
    for number, run in enumerate(missing):
        print(f"[{number + 1}/{len(missing)}] {' '.join(map(str, run))}: ", end="", flush=True)
        try:
            row = measure(run, options)
        except Exception as error:  # one search that cannot do this must not end the others
            print(f"FAILED {type(error).__name__}: {error}", flush=True)
            failed += 1
            continue
        with options.results.open("a") as file:
            file.write(json.dumps(row, default=time_to_quality.plain) + "\n")
        print(
            f"{row['cpu']:.1f} s CPU, {row['n_fits']} fits, {row['rounds']} rounds, "
            f"CV {row['cv_score']:.4f}, held out {row['held_out_score']:.4f}",
            flush=True,
        )
    return failed


class Gain(NamedTuple):
    """Ours against random search on the same rows."""

    log_cpu: float  # logarithm of the ratio of calibrated CPU
    difference: float  # of the held-out scores
    variance: float  # of that difference, over held-out rows
    paired: float  # the difference in its own standard errors
    of_score: float  # and in those of random search's score


def gain(base: dict[str, Any], ours: dict[str, Any]) -> Gain:
    difference = ours["held_out_score"] - base["held_out_score"]
    spread = np.std(np.subtract(ours["resampled"], base["resampled"]), ddof=1)
    spread_of_score = np.std(base["resampled"], ddof=1)
    return Gain(
        math.log(ours["calibrated"] / base["calibrated"]),
        difference,
        spread**2,
        difference / spread if spread > 0 else 0.0,
        difference / spread_of_score if spread_of_score > 0 else 0.0,
    )


def print_table(done: dict[Run, dict], options) -> None:
    """A line a case, and the mean of the cases with the same numbers of configurations."""
    print(
        f"\n{'case':20}{'scoring':19}{'tuned on':>8}{'held out':>9}{'seeds':>6}{'configs':>9}"
        f"{'fits':>9}{'rounds':>9}  {'CPU to random':24}{'as given':>9}{'random':>9}{'ours':>9}"
        f"  {'ours - random':19}{'in paired SE':20}in SE of score"
    )
    groups: dict[str, list[np.ndarray]] = {}
    for name in options.cases:
        runs = [[run_of(name, seed, s, options) for s in SEARCHES] for seed in options.seeds]
        pairs = [[done[run] for run in both] for both in runs if done.keys() >= set(both)]
        if pairs:
            gains = np.array([gain(*both) for both in pairs])
            print(line(pairs, gains))
            groups.setdefault(configs(pairs[0]), []).append(gains.mean(axis=0))
    for numbers, means in groups.items():
        mean, name = Gain(*np.transpose(means)), f"mean of {len(means)}, {numbers}"
        print(
            f"{name:89}  {shown(mean.log_cpu, 3, np.exp):72}{shown(mean.paired, 1):20}"
            f"{shown(mean.of_score, 1)}"
        )


def configs(pair: list[dict[str, Any]]) -> str:
    return "/".join(str(row["n_candidates"]) for row in reversed(pair))


def line(pairs: list[list[dict[str, Any]]], gains: np.ndarray) -> str:
    """A case; a pair of rows, random's and ours, for each of the seeds."""
    first, by_seed, mean = pairs[0][0], Gain(*gains.T), Gain(*gains.mean(axis=0))

    def means(field: str) -> tuple[float, float]:
        return tuple(float(np.mean([row[field] for row in rows])) for rows in zip(*pairs))

    fits, rounds = ("/".join(f"{m:.0f}" for m in means(k)[::-1]) for k in ("n_fits", "rounds"))
    scores = (means("as_given_held_out_score")[0], *means("held_out_score"))
    error = math.sqrt(mean.variance / len(pairs))
    return (
        f"{first['case']:20}{first['scoring'].replace('root_mean_squared_error', 'rmse'):19}"
        f"{first['n_train']:8}{first['n_held_out']:9}{len(pairs):6}{configs(pairs[0]):>9}"
        f"{fits:>9}{rounds:>9}  {shown(by_seed.log_cpu, 3, np.exp):24}"
        f"{''.join(f'{score:9.4f}' for score in scores)}"
        f"  {f'{mean.difference:+.4f} ± {error:.4f}':19}"
        f"{shown(by_seed.paired, 1):20}{shown(by_seed.of_score, 1)}"
    )


def print_notes(done: dict[Run, dict], options) -> None:
    print("\nconfigs, fits and rounds: ours/random; ±: one standard error over the held-out rows.")
    counts = {name: options.n_random or CASES[name].n_random for name in options.cases}
    for count in sorted(set(counts.values()) - {USUAL}):
        names = [name for name in counts if counts[name] == count]
        where = "all cases" if len(names) == len(counts) > 1 else ", ".join(names)
        print(f"Random search has {count} candidates, not {USUAL}, in {where}.")
    used = [done[run]["versions"] for run in planned(options) if run in done]
    for text in sorted({", ".join(f"{k} {v}" for k, v in found.items()) for found in used}):
        print("measured with", text)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--results", type=Path, required=True, help="JSON lines")
    add("--folder", type=Path, help="folder with german.csv.gz and satimage.csv.gz")
    add("--cases", nargs="+", choices=list(CASES), help="default: all that there are data for")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--n-iter", type=int, default=30, help="of BayesSearchCV")
    add("--n-random", type=int, help="of random search; default: 100, and 20 in the large cases")
    add("--rows", type=int, default=20_000, help="to tune on; in all but the large cases, at most")
    add("--again", nargs="+", choices=SEARCHES, default=[], help="searches to run again")
    options = parser.parse_args()
    with_data = [name for name, case in CASES.items() if options.folder or not case.needs_folder]
    missing = sorted(set(options.cases or []) - set(with_data))
    if missing:
        parser.error(f"--folder must name the folder with the data of {', '.join(missing)}.")
    options.cases = options.cases or with_data
    return options


def main() -> None:
    options = parse_arguments()
    for message in time_to_quality.QUIET:
        warnings.filterwarnings("ignore", message)
    failed = run_missing(options)
    done = read(options.results)
    print_table(done, options)
    print_notes(done, options)
    if failed:
        sys.exit(f"{failed} searches failed, see above.")


if __name__ == "__main__":
    main()

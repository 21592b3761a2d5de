"""How far the score that an early stopping rule reports is from the truth.

    python benchmarks/early_stopping_bias.py                  # breast_cancer and diabetes
    python benchmarks/early_stopping_bias.py --folder FOLDER --data german computers

--folder holds gzipped CSV files with a column "target". Random LightGBM configurations are trained
for --rounds rounds on 5 folds of the same rows, split in several ways. A rule looks at one split
and finds a number of rounds; `reported` is the loss by that rule on that split, `fresh` the loss
of the same configuration with that number of rounds on all the other splits. Every split is the
one that is looked at in turn, so that easy and difficult splits cancel out.

The table shows (reported - fresh) / standard error of the loss, with the loss the log loss or the
squared error. Less is better, so that **negative is optimistic**. "mean" is over configurations,
"winner" the one whose reported loss is the least: it is optimistic under every rule, since it was
chosen from many, and the last row says how much of that has nothing to do with stopping. Rules:

- each fold its own: the best round of each fold, on the rows that score it (`fresh`: their mean)
- one common number: the best of the smoothed mean curve over the folds, the package's own rule
- inner split: a fifth of each fold's training rows tells the number, of which the median over the
  folds is taken; the model is then fitted to the whole fold
- drawn beforehand: a random number that comes with the configuration, no stopping at all

Intervals are 95 % t-intervals over the repeats, each with its own sample of rows, splits and
configurations. Where a data set has hardly more than --rows rows, the samples overlap, and the
intervals speak of splits and configurations more than of rows.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before the imports that read it

import argparse
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import lightgbm
import numpy as np
import scipy.stats
import sklearn.datasets
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from skhpt.curves import Curve, best_common_round
from skhpt.lockstep import next_point

BUNDLED = {
    "breast_cancer": sklearn.datasets.load_breast_cancer,
    "diabetes": sklearn.datasets.load_diabetes,
}
N_FOLDS = 5
RULES = ("each fold its own", "one common number", "inner split", "drawn beforehand")


class Data(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    n_classes: int  # 0 for regression

    def take(self, rows: np.ndarray) -> Data:
        return Data(self.X[rows], self.y[rows], self.n_classes)

    @property
    def labels(self) -> np.ndarray | None:
        """What to stratify by."""
        return self.y if self.n_classes else None


class Learned(NamedTuple):
    """A configuration on one split."""

    losses: np.ndarray  # (n_folds, n_rounds), on the rows that score each fold
    inner: list[int]  # number of rounds that each fold's inner split tells
    row_losses: np.ndarray  # of every row, at its fold's best round


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="folder with NAME.csv.gz")
    parser.add_argument("--data", nargs="+", help="names of data sets")
    parser.add_argument("--rows", type=int, default=600, help="rows of a sample, at most")
    parser.add_argument("--configurations", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5, help="samples of rows")
    parser.add_argument("--splits", type=int, default=3, help="ways of splitting a sample")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.data = options.data or (["german", "computers"] if options.folder else list(BUNDLED))
    if min(options.splits, options.repeats) < 2:
        parser.error("--splits and --repeats must be at least 2: one split looks, one is fresh.")
    return options


def load(name: str, folder: Path | None) -> Data:
    if folder is None:
        X, y = BUNDLED[name](return_X_y=True)
        return Data(X, y, 2 if name == "breast_cancer" else 0)
    import pandas as pd

    table = pd.read_csv(folder / f"{name}.csv.gz")
    y = table.pop("target")
    labels = not pd.api.types.is_numeric_dtype(y) or y.nunique() <= 20
    y = y.astype("category").cat.codes if labels else y.astype(float)
    text = list(table.select_dtypes(exclude="number"))
    table = table.assign(**{column: table[column].astype("category").cat.codes for column in text})
    return Data(table.to_numpy(dtype=float), y.to_numpy(), y.nunique() if labels else 0)


def draw(rng: np.random.Generator, n_rounds: int, n_classes: int) -> dict:
    """A random configuration in LightGBM's words; "rounds" is for the rule that does not stop."""

    def log(low, high):
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    objective = {0: "regression", 2: "binary"}.get(n_classes, "multiclass")
    return {
        "objective": objective,
        **({"num_class": n_classes} if objective == "multiclass" else {}),
        "metric": {"regression": "l2", "binary": "binary_logloss"}.get(objective, "multi_logloss"),
        "learning_rate": log(0.02, 0.3),
        "num_leaves": round(log(4, 64)),
        "min_data_in_leaf": round(log(2, 60)),
        "feature_fraction": rng.uniform(0.4, 1.0),
        "bagging_fraction": rng.uniform(0.5, 1.0),
        "bagging_freq": 1,
        "lambda_l2": log(1e-3, 10.0),
        "rounds": round(log(10, n_rounds)),
    }


def split(data: Data, n_splits: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    folds = StratifiedKFold if data.n_classes else KFold
    splitter = folds(n_splits, shuffle=True, random_state=seed)
    return list(splitter.split(data.X, data.y))


class Bins:
    """Training rows and rows to look at, binned once for all configurations."""

    def __init__(self, data: Data, train: np.ndarray, test: np.ndarray):
        # The smallest leaf differs between configurations, so it must not shape the bins.
        shape = {"feature_pre_filter": False, "verbosity": -1}
        self._train = lightgbm.Dataset(data.X[train], data.y[train], params=shape)
        self._test = self._train.create_valid(data.X[test], data.y[test])
        self._rows = data.take(test)

    def curve(self, config: dict, n_rounds: int) -> tuple[np.ndarray, lightgbm.Booster]:
        """Loss on the rows to look at after each round."""
        params = {k: v for k, v in config.items() if k != "rounds"}
        params |= {"num_threads": 1, "seed": 0, "verbosity": -1, "feature_pre_filter": False}
        found: dict = {}
        booster = lightgbm.train(
            params,
            self._train,
            num_boost_round=n_rounds,
            valid_sets=[self._test],
            valid_names=["test"],
            callbacks=[lightgbm.record_evaluation(found)],
            keep_training_booster=True,
        )
        return np.array(found["test"][config["metric"]]), booster

    def row_losses(self, booster: lightgbm.Booster, n_rounds: int) -> np.ndarray:
        rows, told = self._rows, booster.predict(self._rows.X, num_iteration=n_rounds)
        if not rows.n_classes:
            return (rows.y - told) ** 2
        if told.ndim == 1:
            told = np.column_stack([1 - told, told])
        return -np.log(np.maximum(told[np.arange(len(rows.y)), rows.y.astype(int)], 1e-15))


class Split:
    """One way of splitting the rows: the folds, and a part of each fold's training rows apart."""

    def __init__(self, data: Data, seed: int):
        self._folds = []
        for fold, (train, test) in enumerate(split(data, N_FOLDS, seed)):
            labels = data.y[train] if data.n_classes else None
            part, inner = train_test_split(train, test_size=0.2, stratify=labels, random_state=fold)
            self._folds.append((Bins(data, train, test), Bins(data, part, inner)))

    def learn(self, config: dict, n_rounds: int) -> Learned:
        losses, inner, row_losses = [], [], []
        for bins, inner_bins in self._folds:
            curve, booster = bins.curve(config, n_rounds)
            losses.append(curve)
            row_losses.append(bins.row_losses(booster, int(np.argmin(curve)) + 1))
            inner.append(int(np.argmin(inner_bins.curve(config, n_rounds)[0])) + 1)
        return Learned(np.array(losses), inner, np.concatenate(row_losses))


def common_number(losses: np.ndarray) -> int:
    """What the package finds: the best of the smoothed mean curve, read every few rounds."""
    curves = [Curve() for _ in losses]
    n_rounds = next_point(0, every=5)
    while n_rounds <= losses.shape[1]:
        for curve, values in zip(curves, losses):
            curve.add(n_rounds, -values[n_rounds - 1])
        n_rounds = next_point(n_rounds, every=5)
    return best_common_round(curves)


def by_rule(learned: Learned, drawn: int) -> dict[str, tuple[float, int]]:
    """Reported loss and number of rounds of each rule that looks at one split."""
    own = learned.losses.argmin(axis=1) + 1
    mean = learned.losses.mean(axis=0)
    found = {
        RULES[1]: common_number(learned.losses),
        RULES[2]: statistics.median_high(learned.inner),
        RULES[3]: drawn,
    }
    table = {rule: (float(mean[n - 1]), n) for rule, n in found.items()}
    return {RULES[0]: (float(learned.losses.min(axis=1).mean()), round(own.mean())), **table}


def biases(data: Data, configs: list[dict], seeds: list[int], n_rounds: int) -> np.ndarray:
    """Reported loss, and reported minus fresh in standard errors.

    Returns
    -------
    ndarray of shape (2, n_rules, n_splits, n_configurations)
    """
    table = np.empty((2, len(RULES), len(seeds), len(configs)))
    splits = [Split(data, seed) for seed in seeds]
    for c, config in enumerate(configs):
        learned = [part.learn(config, n_rounds) for part in splits]
        means = np.array([on.losses.mean(axis=0) for on in learned])
        for s, on in enumerate(learned):
            error = on.row_losses.std(ddof=1) / len(on.row_losses) ** 0.5
            others = np.delete(means, s, axis=0)
            for r, (reported, n) in enumerate(by_rule(on, config["rounds"]).values()):
                table[:, r, s, c] = reported, (reported - others[:, n - 1].mean()) / error
    return table


def sample(data: Data, n_rows: int, seed: int) -> Data:
    if n_rows >= len(data.y):
        return data
    rows = np.arange(len(data.y))
    kept, _ = train_test_split(rows, train_size=n_rows, stratify=data.labels, random_state=seed)
    return data.take(kept)


def with_interval(values: np.ndarray) -> str:
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():+.2f} [{values.mean() - half:+.2f}, {values.mean() + half:+.2f}]"


def run(name: str, options: argparse.Namespace) -> None:
    data, started = load(name, options.folder), time.process_time()
    mean, winner = [], []  # one row a repeat, one column a rule
    for repeat in range(options.repeats):
        rng = np.random.default_rng([options.seed, repeat])
        part = sample(data, options.rows, int(rng.integers(2**31)))
        configs = [draw(rng, options.rounds, data.n_classes) for _ in range(options.configurations)]
        seeds = [int(seed) for seed in rng.integers(2**31, size=options.splits)]
        reported, bias = biases(part, configs, seeds, options.rounds)
        best = reported.argmin(axis=2)[..., np.newaxis]
        mean.append(bias.mean(axis=(1, 2)))
        winner.append(np.take_along_axis(bias, best, axis=2).mean(axis=(1, 2)))
    spent = time.process_time() - started
    print(
        f"\n{name}: {len(part.y)} of {len(data.y)} rows, {options.configurations} configurations, "
        f"{options.splits} splits, {options.repeats} repeats, {spent:.0f} s CPU"
    )
    print(f"| {'stopping':17} | {'mean':22} | {'winner':22} |\n|---|---|---|")
    for rule, a, b in zip(RULES, np.array(mean).T, np.array(winner).T):
        print(f"| {rule:17} | {with_interval(a):22} | {with_interval(b):22} |", flush=True)


def main() -> None:
    options = parse_arguments()
    print(
        "(reported - fresh loss) / standard error; negative is optimistic; 95 % intervals\n"
        f"LightGBM {lightgbm.__version__}, scikit-learn {sklearn.__version__}"
    )
    for name in options.data:
        run(name, options)


if __name__ == "__main__":
    main()

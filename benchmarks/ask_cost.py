"""What a proposal of the Gaussian process costs, in milliseconds of process CPU time.

Eight parameters: reals and integers, linear and logarithmic, and a categorical one. For each
number of trials the sampler is told so many random ones and then asked and told a few times
in a row; refits of the hyperparameters fall where they fall. CPU time counts all threads, so
that a BLAS whose idle threads spin shows up here.

    python benchmarks/ask_cost.py
    python benchmarks/ask_cost.py --sizes 50 1000 --asks 20 --limit 50:15 --limit 1000:50
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from skhpt.samplers.registry import make_sampler
from skhpt.space import Categorical, Integer, Real, Space
from skhpt.trial import Origin, Status, Trial

SPACE = {
    "learning_rate": Real(1e-3, 0.5, log=True),
    "reg_alpha": Real(1e-8, 10.0, log=True),
    "reg_lambda": Real(1e-8, 10.0, log=True),
    "subsample": Real(0.5, 1.0),
    "colsample": Real(0.3, 1.0),
    "num_leaves": Integer(4, 256, log=True),
    "min_child_samples": Integer(1, 100),
    "growth": Categorical(["depthwise", "lossguide", "oblivious"]),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sampler", default="gp", help="a name in the table of samplers")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 100, 200, 1000])
    parser.add_argument("--asks", type=int, default=20, help="consecutive asks to average over")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--limit",
        action="append",
        metavar="TRIALS:MS",
        help="fail when an ask at so many trials costs more (default 50:15 and 1000:50)",
    )
    return parser.parse_args()


def score(space: Space, params: dict) -> float:
    """A bowl with a narrow valley, and a penalty for all categories but one."""
    u = space.encode(params)
    bowl = np.sum((u[:4] - 0.6) ** 2) + 2.0 * (u[4] - u[5]) ** 2 + 0.3 * abs(u[6] - 0.2)
    return -float(bowl + 0.2 * (params["growth"] != "lossguide"))


def milliseconds_per_ask(name: str, n_trials: int, n_asks: int, seed: int) -> np.ndarray:
    """CPU milliseconds of each of ``n_asks`` consecutive asks after ``n_trials`` trials."""
    space = Space(SPACE)
    sampler = make_sampler(name, space, seed)
    rng = np.random.default_rng(seed)
    for index in range(n_trials):
        params = space.sample(rng)
        value = score(space, params)
        sampler.tell(Trial(index, params, Origin.GIVEN, Status.COMPLETE, value))
    sampler.tell(_next_trial(sampler, space, n_trials))  # the first fit starts cold
    spent = []
    for index in range(n_trials + 1, n_trials + 1 + n_asks):
        start = time.process_time()
        params = sampler.ask()
        spent.append(1e3 * (time.process_time() - start))
        sampler.tell(Trial(index, params, Origin.SAMPLER, Status.COMPLETE, score(space, params)))
    return np.array(spent)


def _next_trial(sampler, space: Space, index: int) -> Trial:
    params = sampler.ask()
    return Trial(index, params, Origin.SAMPLER, Status.COMPLETE, score(space, params))


def main() -> int:
    arguments = parse_arguments()
    limits = dict(text.split(":") for text in arguments.limit or ["50:15", "1000:50"])
    limits = {int(trials): float(ms) for trials, ms in limits.items()}
    late = []
    print(f"{'trials':>7} {'mean ms':>8} {'median':>7} {'max':>7} {'limit':>6}")
    for n_trials in arguments.sizes:
        spent = milliseconds_per_ask(arguments.sampler, n_trials, arguments.asks, arguments.seed)
        limit = limits.get(n_trials)
        shown = "" if limit is None else f"{limit:g}"
        print(
            f"{n_trials:>7} {spent.mean():>8.1f} {np.median(spent):>7.1f} {spent.max():>7.1f}"
            f" {shown:>6}"
        )
        if limit is not None and spent.mean() > limit:
            late.append(n_trials)
    if late:
        print(f"over the limit at {late} trials", file=sys.stderr)
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())

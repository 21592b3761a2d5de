"""How busy Hyperband keeps its workers: complete rungs against asynchronous promotion.

A simulation runs the package's own engine and proposers on workers whose seconds are numbers:
the resource of each trial times a factor with or without a heavy tail. There is one fold, and
Hyperband (R=27, eta=3) with so many configurations that each worker has about forty units of
work (the most that a trial takes is 27, on the average). Ways to promote:

- complete rungs: ``asynchronous=False``
- own clock x1, x2, x4: ``asynchronous=True`` with so many `n_points` for each worker
- unordered: ``asynchronous="unordered"``, the only one whose result depends on timing

The table has the share of the workers' time that was spent in fits during the first half of the
shortest possible time, while there is work enough for all. What comes at the end, when fewer
trials than workers are left, is the same problem for every way. (A thousand workers take a
quarter of an hour of CPU: `--most 100` leaves them out.) With `--real`, LightGBM is fitted
on two workers, and all of ``fit`` counts: seconds of the steps / (2 x seconds of the search).

    python benchmarks/utilisation.py --out utilisation.png --real
"""

from __future__ import annotations

import argparse
import heapq
import queue
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skhpt.brackets import AsynchronousBrackets, Brackets, UnorderedBrackets, hyperband_plan
from skhpt.candidates import Listed
from skhpt.engine import Engine
from skhpt.ledger import Ledger
from skhpt.trial import Outcome, Proposal

R, FACTOR = 27, 3
# Factors of mean 1.
TAILS: dict[str, Callable[[np.random.Generator], float]] = {
    "equal fits": lambda rng: 1.0,
    "log-normal, sigma 1": lambda rng: float(rng.lognormal(-0.5, 1.0)),
    "Pareto, alpha 1.5": lambda rng: float(rng.pareto(1.5) + 1) / 3,
}
WAYS = ["complete rungs", "own clock x1", "own clock x2", "own clock x4", "unordered"]


class Clock:
    """Shows the time that it was given."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Workers:
    """Runs a task at once; it ends when the first free worker would have ended it."""

    is_local = True

    def __init__(self, n_workers: int, clock: Clock):
        self.n_workers, self._clock = n_workers, clock
        self._free_at = [0.0] * n_workers
        self._running: list = []
        self._tickets = 0
        self.spans: list[tuple[float, float]] = []  # when a worker was busy

    def submit(self, function, *args) -> int:
        (outcome,) = args[-1]
        start = max(self._clock.now, heapq.heappop(self._free_at))
        end = start + outcome.fit_time
        heapq.heappush(self._free_at, end)
        self.spans.append((start, end))
        self._tickets += 1
        result = [outcome], outcome.fit_time
        heapq.heappush(self._running, (end, self._tickets, lambda: result))
        return self._tickets

    def next_done(self, timeout: float | None = None):
        if not self._running or (timeout == 0.0 and self._running[0][0] > self._clock.now):
            raise queue.Empty
        end, ticket, fetch = heapq.heappop(self._running)
        self._clock.now = max(self._clock.now, end)
        return ticket, fetch

    def utilisation(self, until: float) -> float:
        starts, ends = np.minimum(np.array(self.spans).T, until)
        return float((ends - starts).sum() / (self.n_workers * until))


def proposer_of(way: str, n_workers: int, plan, source):
    if way == "complete rungs":
        return Brackets(plan, source, FACTOR)
    if way == "unordered":
        return UnorderedBrackets(plan, source, FACTOR, adds_up=True)
    n_pending = int(way.partition("x")[2]) * n_workers
    return AsynchronousBrackets(plan, source, FACTOR, n_pending=n_pending, adds_up=True)


def simulate(way: str, n_workers: int, tail: str, seed: int) -> tuple[float, int]:
    """Utilisation in the first half, and trials that had the whole resource by then."""
    times = max(1, n_workers // 10)
    plan = [
        replace(bracket, n_candidates=tuple(times * n for n in bracket.n_candidates))
        for bracket in hyperband_plan(1, R, FACTOR)
    ]
    half = 0.5 * sum(np.dot(b.n_candidates, b.costs(adds_up=True)) for b in plan) / n_workers
    rng = np.random.default_rng(seed)
    entries = [[Proposal({"x": x}) for x in rng.random(b.n_candidates[0])] for b in plan]
    costs = {
        (b.number, rung.number): cost
        for b in plan
        for rung, cost in zip(b.rungs, b.costs(adds_up=True))
    }
    ledger, clock = Ledger(n_folds=1), Clock()
    workers = Workers(n_workers, clock)
    proposer = proposer_of(way, n_workers, plan, Listed(entries))

    def run_step(step, params):
        own = np.random.default_rng([seed, step.trial])
        cost = costs[proposer.bracket_of(step.trial), step.rung.number]
        score = params["x"] + own.normal(0, 0.5) / step.resource
        return None, [Outcome(step.trial, 0, {"score": score}, cost * TAILS[tail](own), 0.0)]

    Engine(
        ledger=ledger,
        executor=workers,
        run_step=run_step,
        clock=clock,
        watch=lambda ledger: clock.now > half,
    ).run(proposer, None)
    n_whole = sum(t.rung.is_last and len(ledger.folds(t.index)) > 0 for t in ledger.trials)
    return workers.utilisation(half), n_whole


def simulated(counts: list[int], seeds: dict[int, int]) -> dict[str, dict[str, list[float]]]:
    """Mean utilisation by tail and way, one entry for each number of workers; prints the table."""
    table: dict[str, dict[str, list[float]]] = {}
    for tail in TAILS:
        print(f"\n{tail}: % busy (trials with the whole resource)", *counts, sep="\t")
        for way in WAYS:
            row = [
                np.mean([simulate(way, n, tail, s) for s in range(seeds[n])], axis=0)
                for n in counts
            ]
            print(way, *(f"{100 * busy:.0f} ({n:.0f})" for busy, n in row), sep="\t", flush=True)
            table.setdefault(tail, {})[way] = [busy for busy, _ in row]
    return table


def draw(table, counts: list[int], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(table), figsize=(11, 3.6), sharey=True, layout="constrained")
    styles = ["o-", "s:", "s--", "s-", "^-"]
    colours = ["C3", "C0", "C0", "C0", "C2"]
    for axis, (tail, rows) in zip(axes, table.items()):
        for (way, busy), style, colour in zip(rows.items(), styles, colours):
            axis.plot(counts, 100 * np.array(busy), style, color=colour, label=way)
        axis.set(xscale="log", xticks=counts, title=tail, xlabel="workers", ylim=(0, 105))
        axis.set_xticklabels([f"{n:,}" for n in counts])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("time spent in fits [%]")
    axes[0].legend(loc="lower left", fontsize=8)
    figure.savefig(path, dpi=120)
    print(f"\npicture: {path}")


def real(n_rows: int, n_rounds: int) -> None:
    """LightGBM on two workers, each way once; the workers are started beforehand."""
    from lightgbm import LGBMClassifier
    from sklearn.datasets import make_classification

    from skhpt import HyperbandSearchCV

    X, y = make_classification(n_rows, 20, n_informative=8, random_state=0)
    model = LGBMClassifier(n_estimators=n_rounds, verbose=-1, random_state=0)
    print("\nLightGBM, 2 workers\t% busy\tseconds\tfits\tbest score")
    for asynchronous in (False, True, "unordered"):
        # The refit is not a part of it.
        options = {"cv": 5, "random_state": 0, "n_jobs": 2, "refit": False}
        search = HyperbandSearchCV(model, asynchronous=asynchronous, **options)
        HyperbandSearchCV(model, max_resources=3, **options).fit(X[:200], y[:200])
        started = time.perf_counter()
        search.fit(X, y)
        wall = time.perf_counter() - started
        busy = sum(outcome.fit_time + outcome.score_time for outcome in search._ledger.outcomes)
        share = f"{100 * busy / (2 * wall):.0f}"
        print(asynchronous, share, f"{wall:.1f}", search.n_fits_, search.best_score_, sep="\t")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="utilisation.png", help="where the picture goes")
    parser.add_argument("--most", type=int, default=1000, help="workers of the last column")
    parser.add_argument("--seeds", type=int, default=5, help="of up to 100 workers; 1 beyond")
    parser.add_argument("--real", action="store_true", help="LightGBM on two workers as well")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=108)
    options = parser.parse_args()
    if options.real:
        real(options.rows, options.rounds)
    counts = [n for n in (1, 10, 100, 1000) if n <= options.most]
    if counts:
        seeds = {n: options.seeds if n <= 100 else 1 for n in counts}
        draw(simulated(counts, seeds), counts, options.out)


if __name__ == "__main__":
    main()

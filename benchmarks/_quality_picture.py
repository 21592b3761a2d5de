"""The picture of benchmarks/time_to_quality.py: what searches cost, and what they find."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from _quality_tables import OURS, Cases, with_interval

TITLES = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "mlp": "MLPClassifier"}
NAMES = {
    OURS: "skhpt BayesSearchCV",
    "random": "RandomizedSearchCV",
    "grid": "GridSearchCV",
    "halving": "HalvingRandomSearchCV",
    "skopt": "scikit-optimize",
    "optuna": "Optuna",
    "flaml": "FLAML",
}
OUR_COLOR, OTHERS, PALE = "#c2410c", "#475569", "#cbd5e1"
MARKERS = "os^"  # one for each estimator
TICKS = [0.05, 0.1, 0.2, 0.5, 1, 2, 4]


class Point(NamedTuple):
    """Mean and 95 % interval over data sets, of the CPU and of the loss."""

    cpu: tuple[float, float, float]
    loss: tuple[float, float, float]


def points_of(found: dict[tuple, Cases], estimator: str, rows: int) -> tuple[dict[str, Point], int]:
    """The searches of an estimator that cost something, on the data sets that all of them have."""
    of = {
        f"{search} {tag}".rstrip(): cases
        for (name, of_rows, search, tag), cases in found.items()
        if (name, of_rows) == (estimator, rows) and search != "default"
    }
    shared = sorted(set.intersection(*map(set, of.values()))) if of else []
    if not shared:
        return {}, 0
    points = {}
    for search, cases in of.items():
        means = np.array([np.mean(cases[data], axis=0) for data in shared])
        cpu = tuple(np.exp(with_interval(means[:, 0])))
        points[search] = Point(cpu, with_interval(means[:, 3]))
    return points, len(shared)


def draw(found: dict[tuple, Cases], reference: str, rows: int, file: Path) -> None:
    """Cost to the left and loss to the right, a line for each search, the cheapest on top."""
    import matplotlib.pyplot as plt

    of = {name: found_of for name in TITLES if (found_of := points_of(found, name, rows))[1]}
    if not of:
        raise SystemExit(f"--plot: nothing with {rows} rows has been compared with {reference}.")
    costs: dict[str, list[float]] = {reference: [1.0]}
    for points, _ in of.values():
        for search, point in points.items():
            costs.setdefault(search, []).append(point.cpu[0])
    order = sorted(costs, key=lambda search: -np.mean(np.log(costs[search])))
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 1.3 + 0.45 * len(order)), sharey=True, layout="constrained"
    )
    for marker, shift, (name, (points, n_data)) in zip(MARKERS, _shifts(len(of)), of.items()):
        for search, point in points.items():
            y, style = order.index(search) + shift, {"fmt": marker, "color": _color(search)}
            _interval(left, point.cpu, y, **style)
            _interval(right, point.loss, y, **style)
        said = f"{TITLES[name]}, {n_data} data set{'s' * (n_data > 1)}"
        right.plot([], [], marker, color=OTHERS, ms=5, label=said)
    for ax, neutral in ((left, 1), (right, 0)):
        ax.axvline(neutral, color=PALE, lw=1, zorder=0)
        ax.plot(neutral, order.index(reference), "|", color=OTHERS, ms=14, mew=2)
        ax.spines[["top", "right"]].set_visible(False)
    left.set_yticks(range(len(order)), [_title(search) for search in order])
    left.get_yticklabels()[-1].set_color(_color(order[-1]))
    left.set_xscale("log")
    left.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    left.set_xticks([], minor=True)
    left.set_xlabel("CPU time, random search = 1")
    right.set_xlabel("held-out loss minus that of random search,\nin its standard errors")
    figure.legend(loc="outside upper right", ncols=len(of), frameon=False, fontsize=9)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _shifts(n: int) -> np.ndarray:
    """Where the markers of estimators stand on the line of a search; the first is above."""
    return 0.12 * (np.arange(n)[::-1] - (n - 1) / 2)


def _color(search: str) -> str:
    return OUR_COLOR if search.startswith(OURS) else OTHERS


def _title(search: str) -> str:
    family, _, amount = search.rpartition("-")
    return f"{NAMES[family]}, {amount if amount != 'equal' else 'as many seconds'}"


def _interval(ax, of: tuple[float, float, float], y: float, **style) -> None:
    mean, low, high = of
    ends = None if np.isnan(low) else [[mean - low], [high - mean]]
    ax.errorbar(mean, y, xerr=ends, ms=6, elinewidth=0.9, **style)

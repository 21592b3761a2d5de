"""The picture of benchmarks/time_to_quality.py: what a search costs against what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from _quality_tables import OURS, Cases, with_interval

TITLES = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "mlp": "MLPClassifier"}
NAMES = {
    OURS: "skhpt, BayesSearchCV",
    "grid": "GridSearchCV",
    "halving": "HalvingRandomSearchCV",
    "skopt": "scikit-optimize",
    "optuna": "Optuna",
    "flaml": "FLAML",
}
OUR_COLOR, OTHERS, PALE = "#c2410c", "#475569", "#cbd5e1"


class Point(NamedTuple):
    """Mean and 95 % interval over data sets, of the CPU and of the loss."""

    search: str
    cpu: tuple[float, float, float]
    loss: tuple[float, float, float]
    n_data: int


def points_of(found: dict[tuple, Cases], estimator: str, rows: int) -> list[Point]:
    """The searches that cost something, by what they cost."""
    points = []
    for (name, of_rows, search, _), cases in found.items():
        means = np.array([np.mean(runs, axis=0) for runs in cases.values()])
        if (name, of_rows) != (estimator, rows) or np.isnan(means[:, 0]).any():
            continue
        cpu = tuple(np.exp(with_interval(means[:, 0])))
        points.append(Point(search, cpu, with_interval(means[:, 3]), len(cases)))
    return sorted(points, key=lambda point: point.cpu[0])


def draw(found: dict[tuple, Cases], reference: str, rows: int, file: Path) -> None:
    """A panel for each estimator; the further down and to the left, the better."""
    import matplotlib.pyplot as plt

    panels = {
        title: points for name, title in TITLES.items() if (points := points_of(found, name, rows))
    }
    if not panels:
        raise SystemExit(f"--plot: nothing with {rows} rows has been compared with {reference}.")
    figure, axes = plt.subplots(
        1, len(panels), figsize=(5.2 * len(panels), 4.2), squeeze=False, sharey=True
    )
    for ax, (title, points) in zip(axes[0], panels.items()):
        _panel(ax, title, points, reference)
    axes[0, 0].set_ylabel("held-out loss minus that of random search\n(its standard errors)")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _panel(ax, title: str, points: list[Point], reference: str) -> None:
    ax.axhline(0, color=PALE, lw=1, zorder=0)
    ax.axvline(1, color=PALE, lw=1, zorder=0)
    ax.plot(1, 0, "o", color=OTHERS, ms=7)
    _label(ax, (1, 0), f"random search, {reference.rpartition('-')[2]}", OTHERS)
    for point in points:
        family, _, amount = point.search.rpartition("-")
        color = OUR_COLOR if family == OURS else OTHERS
        x, y = point.cpu[0], point.loss[0]
        low, high = point.cpu[1:]
        ax.errorbar(
            x,
            y,
            xerr=None if np.isnan(low) else [[x - low], [high - x]],
            yerr=None if np.isnan(low) else [[y - point.loss[1]], [point.loss[2] - y]],
            fmt="o",
            ms=9 if family == OURS else 7,
            color=color,
            elinewidth=0.8,
            alpha=0.95,
        )
        _label(ax, (x, y), f"{NAMES.get(family, family)}, {amount}", color)
    n_data = " or ".join(str(n) for n in sorted({point.n_data for point in points}))
    ax.set_title(f"{title}, {n_data} data set{'s' * (n_data != '1')}")
    ax.set_xscale("log")
    ticks = [0.05, 0.1, 0.2, 0.5, 1, 2, 4]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(0.04, 8)
    ax.set_xlabel("CPU time, random search = 1")
    ax.spines[["top", "right"]].set_visible(False)


def _label(ax, at: tuple[float, float], text: str, color: str) -> None:
    """Above a point; to the left of it where there is no room to the right."""
    side, sign = ("left", 1) if at[0] < 1.2 else ("right", -1)
    ax.annotate(
        text,
        at,
        xytext=(6 * sign, 6),
        textcoords="offset points",
        ha=side,
        color=color,
        fontsize=8.5,
    )

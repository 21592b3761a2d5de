"""What benchmarks/time_to_quality.py prints: every search against the reference, and ours
against every other one, with the data sets on which ours is worse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.stats
from _quality_results import Done, Task, difference

OURS = "skhpt"
CLEAR = 1.0  # standard errors of a paired difference from which on a data set is named


class Comparison(NamedTuple):
    log_cpu: float  # logarithm of the ratio of calibrated CPU
    fits: float
    paired: float  # difference of losses in its own standard errors
    of_score: float  # and in those of the reference's loss


# Comparisons by data set, one a seed.
Cases = dict[str, list[Comparison]]


def compare(task: Task, reference: Task, done: Done, options) -> Comparison:
    """A search against another on the same rows; the default costs nothing worth saying."""
    row, base_row = done.get(task), done[reference]
    mean, paired, of_reference = difference(task, reference, done, options.results)
    return Comparison(
        np.log(row["calibrated"] / base_row["calibrated"]) if row else np.nan,
        row["n_fits"] / base_row["n_fits"] if row else np.nan,
        mean / paired if paired > 0 else 0.0,
        mean / of_reference,
    )


def with_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and the ends of its 95 % t-interval."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return mean, np.nan, np.nan
    half = scipy.stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / n**0.5
    return mean, mean - half, mean + half


def shown(values, digits: int, through: Callable = float) -> str:
    mean, low, high = (through(value) for value in with_interval(np.asarray(values)))
    if np.isnan(low):
        return written(mean, digits)
    return f"{written(mean, digits)} [{written(low, digits)}, {written(high, digits)}]"


def written(value: float, digits: int) -> str:
    """A number with so many decimals; zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def by_search(done: Done, reference: str, options) -> dict[tuple, Cases]:
    """Comparisons with the reference by (estimator, rows, search, tag)."""
    found: dict[tuple, Cases] = {}
    for task in done:
        base = task._replace(search=reference, tag="")
        if base not in done:
            continue
        rival = task.default if task == base else task
        cases = found.setdefault((rival.estimator, rival.rows, rival.search, rival.tag), {})
        cases.setdefault(rival.data, []).append(compare(rival, base, done, options))
    return found


def of_ours(done: Done, options, ours: str) -> dict[tuple, Cases]:
    """Comparisons of ours, a family of searches, with each of the others.

    By (estimator, rows, ours, tag, other).
    """
    found: dict[tuple, Cases] = {}
    for task in done:
        if task.family != ours:
            continue
        for other in done:
            if other.family == ours or other.case != task.case:
                continue
            key = (task.estimator, task.rows, task.search, task.tag, other.search)
            cases = found.setdefault(key, {})
            cases.setdefault(task.data, []).append(compare(task, other, done, options))
    return found


def print_tables(
    done: Done, found: dict[tuple, Cases], apart: dict[tuple, Cases], reference: str, options
) -> None:
    """Print what :func:`by_search` and :func:`of_ours` have found."""
    lines = {" ".join(f"{k} {v}" for k, v in row["versions"].items()) for row in done.values()}
    for line in sorted(lines):
        if not any(other.startswith(f"{line} ") for other in lines):  # the same and skhpt
            print("measured with", line)
    _print_head(f"against {reference}")
    for key, cases in sorted(found.items()):
        print(_line(_name(key), cases))
    if options.by_data:
        for key, cases in sorted(found.items()):
            print(f"\n{_name(key)}")
            for data, runs in sorted(cases.items()):
                print(_line(f"  {data}", {data: runs}))
    _print_ours(apart)


def _print_ours(found: dict[tuple, Cases]) -> None:
    """Ours against each of the others, and where it loses."""
    if not found:
        return
    _print_head("ours against each (less is better)")
    for (*ours, other), cases in sorted(found.items()):
        print(_line(f"{_name(tuple(ours))} / {other}", cases))
    print(f"\nwhere ours loses (on the average of the seeds; loss: by {CLEAR:g} SE, paired)")
    for (*ours, other), cases in sorted(found.items()):
        print(f"{_name(tuple(ours))} / {other}: {defeats(cases)}")


def mean_by_data(cases: Cases) -> dict[str, Comparison]:
    """The mean over the seeds of each data set."""
    return {data: Comparison(*np.mean(runs, axis=0)) for data, runs in sorted(cases.items())}


def clear(means: dict[str, Comparison]) -> tuple[list[str], list[str]]:
    """The data sets on which the first of two searches is worse, and those where it is better."""
    worse = [data for data, mean in means.items() if mean.paired > CLEAR]
    return worse, [data for data, mean in means.items() if mean.paired < -CLEAR]


def defeats(cases: Cases) -> str:
    """The data sets on which the first of two searches is worse, in words."""
    means = mean_by_data(cases)
    worse, better = clear(means)
    slower = [data for data, mean in means.items() if mean.log_cpu > 0]
    said = [f"greater loss on {_these(worse, means)}", f"less on {_these(better, means)}"]
    said.append(f"more CPU on {_these(slower, means)}")
    low = with_interval(np.array([mean.of_score for mean in means.values()]))[1]
    if low > 0:
        said.append("THE LOSS IS GREATER BEYOND THE INTERVAL")
    return "; ".join(said)


def _these(names: list[str], of: dict[str, Any]) -> str:
    return f"{len(names)} of {len(of)}{' (' + ', '.join(names) + ')' if names else ''}"


def _print_head(title: str) -> None:
    head = f"{'CPU (calibrated)':22}{'fits':>6}  {'dTest, paired SE':24}{'dTest, SE of score':24}"
    print(f"\n{title:52}{'data':>4}{'runs':>5}  {head}".rstrip())


def _name(key: tuple) -> str:
    estimator, rows, search, tag = key
    return f"{estimator} {rows} {search} {tag}".rstrip()


def _line(name: str, cases: Cases) -> str:
    """Mean over the seeds of a data set first, then over data sets."""
    means = np.array([np.mean(runs, axis=0) for runs in cases.values()])
    n_runs = sum(len(runs) for runs in cases.values())
    line = f"{name:52}{len(cases):4}{n_runs:5}  "
    if np.isnan(means[:, 0]).any():
        line += f"{'-':22}{'-':>6}  "
    else:
        line += f"{shown(means[:, 0], 3, np.exp):22}{np.mean(means[:, 1]):6.2f}  "
    return f"{line}{shown(means[:, 2], 2):24}{shown(means[:, 3], 2)}"

"""The searches that benchmarks/time_to_quality.py has run, and what is kept of them.

A results file has one line of JSON for each search; the losses of its held-out rows are in a folder
beside it. The tables need of these only how far the searches of a case are apart: with that in
every line, a file can be kept without the folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DEFAULT = "default"  # the estimator as given, which is no search and has no line


class Task(NamedTuple):
    data: str
    estimator: str
    rows: int
    seed: int
    search: str  # with its number of configurations or its seconds: "random-100", "flaml-60s"
    tag: str  # "" but for ours: the others do not change with our version

    @property
    def family(self) -> str:
        return self.search.rpartition("-")[0]

    @property
    def amount(self) -> str:
        return self.search.rpartition("-")[2]

    @property
    def case(self) -> tuple:
        return self[:4]

    @property
    def label(self) -> str:
        return "-".join([self.search, *([self.tag] if self.tag else [])])

    def losses(self, results: Path) -> Path:
        """The file of the held-out losses of this search."""
        name = "-".join(map(str, [*self.case, self.label]))
        return results.with_suffix(".losses") / f"{name}.npy"

    @property
    def default(self) -> Task:
        """What stands for the estimator as given in the case of this search."""
        return self._replace(search=DEFAULT, tag="")


# The line of each search that was run.
Done = dict[Task, dict[str, Any]]


class Difference(NamedTuple):
    """How much greater the held-out loss of a search is than that of a reference."""

    mean: float
    standard_error: float  # of the mean, paired by rows
    of_reference: float  # standard error of the reference's own loss


def read(results: Path) -> Done:
    """The last line of every task."""
    if not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text().splitlines() if line.strip()]
    return {Task(*(line[field] for field in Task._fields)): line for line in lines}


def difference(task: Task, reference: Task, done: Done, results: Path) -> Difference:
    """As it was kept; out of the losses where one of the two has run since."""
    known = done[reference].get("others", {})
    if task.label in known and "others" in done.get(task, done[reference]):
        return Difference(*known[task.label])
    base = np.load(reference.losses(results)).astype(float)
    apart, root = np.load(task.losses(results)).astype(float) - base, len(base) ** 0.5
    spreads = (float(values.std(ddof=1)) / root for values in (apart, base))
    return Difference(float(apart.mean()), *spreads)


def kept(done: Done, results: Path) -> Iterator[str]:
    """The lines of a file that needs no folder of losses."""
    cases: dict[tuple, list[Task]] = {}
    for task in sorted(done):
        cases.setdefault(task.case, [task.default]).append(task)
    others: dict[Task, dict[str, Difference]] = {}
    for tasks in cases.values():
        for reference, task in permutations(tasks, 2):
            if reference in done:
                apart = difference(task, reference, done, results)
                rounded = Difference(*(float(f"{value:.6g}") for value in apart))
                others.setdefault(reference, {})[task.label] = rounded
    for task in sorted(done):
        yield json.dumps({**done[task], "others": others[task]})

"""A comparison in words: the plain table, and what it amounts to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .result import Comparison

_ERROR_WIDTH = 200
HEADINGS = [
    "search",
    "repeats",
    "held out",
    "gain",
    "95 % interval",
    "CV",
    "trials",
    "fits",
    "CPU s",
    "wall s",
]


def number(value: float, digits: int = 4) -> str:
    """A number for a table; a dash for what is not known."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def summary_rows(comparison: Comparison) -> list[list[str]]:
    """The table of means, as text, with its headings first."""
    table = [HEADINGS]
    for row in comparison.summary():
        if not row["n"]:
            table.append([row["search"], "0", "failed", *[""] * (len(HEADINGS) - 3)])
            continue
        table.append(
            [
                row["search"],
                str(row["n"]),
                number(row["test_score"]),
                f"{row['gain']:+.4f}",
                _interval(row["low"], row["high"]),
                number(row["cv_score"]),
                *(number(row[name], 0) for name in ("trials", "fits")),
                *(number(row[name], 1) for name in ("cpu", "wall")),
            ]
        )
    return table


def _interval(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{low:+.4f} to {high:+.4f}"


def headline(comparison: Comparison) -> str:
    """What was compared, and which searches are better than the default."""
    n_repeats = len({run.repeat for run in comparison.runs})
    budget = "own budgets" if comparison.budget is None else f"{comparison.budget} each"
    default = default_line(comparison)
    return (
        f"{len(comparison.names)} searches, {n_repeats} repeat{'s' * (n_repeats != 1)}, {budget}; "
        f"{comparison.metric}, greater is better.{default}"
    )


def default_line(comparison: Comparison) -> str:
    known = {
        run.repeat: run.default_test_score
        for run in comparison.runs
        if not math.isnan(run.default_test_score)
    }
    if not known:
        return ""
    mean = sum(known.values()) / len(known)
    ahead = [row["search"] for row in comparison.summary() if 0 < row["low"] < row["high"]]
    none = all(not row["gain"] > 0 for row in comparison.summary())
    if none:
        verdict = "no search beats it"
    elif ahead:
        beat = "beats" if len(ahead) == 1 else "beat"
        verdict = f"{_listed(ahead)} {beat} it by more than the luck of the split explains"
    else:
        verdict = "the gains of the searches could be the luck of the split"
    return f" The default scores {mean:.4f} on the held-out rows; {verdict}."


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def verdicts(comparison: Comparison) -> list[str]:
    """What the tests say: of all pairs that were told apart, and of the others with the leader."""
    tests = [test for test in comparison.tests if test.n_repeats]
    leader = next((row["search"] for row in comparison.summary()), None)
    told = [
        test
        for test in tests
        if test.is_significant or len(tests) <= 3 or leader in (test.first, test.second)
    ]
    said = [str(test) for test in sorted(told, key=lambda test: not test.is_significant)]
    n_others = len(tests) - len(told)
    return [*said, f"{n_others} further pairs cannot be told apart."] if n_others else said


def failures(comparison: Comparison) -> list[str]:
    """Each different error of a search, with the repeats that it ended."""
    repeats: dict[tuple[str, str], list[int]] = {}
    for run in comparison.runs:
        if run.error:
            repeats.setdefault((run.search, brief(run.error)), []).append(run.repeat + 1)
    return [
        f"{name} failed in repeat {', '.join(map(str, sorted(found)))}: {error}"
        for (name, error), found in repeats.items()
    ]


def brief(error: str) -> str:
    """The first line of an error, within reason."""
    line = error.splitlines()[0]
    return line if len(line) <= _ERROR_WIDTH else f"{line[: _ERROR_WIDTH - 3]}..."


def as_text(comparison: Comparison) -> str:
    """The whole of a comparison as plain text."""
    table = summary_rows(comparison)
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
    lines = [headline(comparison), ""]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
        lines.append("  ".join(cells).rstrip())
    for part in (verdicts(comparison), failures(comparison), comparison.notes):
        if part:
            lines += ["", *part]
    return "\n".join(lines)

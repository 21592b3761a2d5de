"""A comparison in words: the plain table, and what it amounts to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..t_test import FEWEST

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
            word = "failed" if row["failed"] else "not run"
            table.append([row["search"], "0", word, *[""] * (len(HEADINGS) - 3)])
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
    default = default_line(comparison)
    return (
        f"{_counted(len(comparison.names), 'search', 'es')}, {_counted(n_repeats, 'repeat')}, "
        f"{_budget_line(comparison)}; {comparison.metric}, greater is better.{default}"
    )


def _counted(n: int, word: str, ending: str = "s") -> str:
    return f"{n} {word}{ending if n != 1 else ''}"


def _budget_line(comparison: Comparison) -> str:
    if comparison.budget is None:
        return "own budgets"
    if not comparison.unheld:
        return f"{comparison.budget} each"
    if set(comparison.unheld) >= set(comparison.names):
        return f"own budgets ({comparison.budget} could not be given)"
    return f"{comparison.budget} each but for {_listed(comparison.unheld)}"


def default_line(comparison: Comparison) -> str:
    known = {
        run.repeat: run.default_test_score
        for run in comparison.runs
        if not math.isnan(run.default_test_score)
    }
    if not known:
        return ""
    mean = sum(known.values()) / len(known)
    rows = comparison.summary()
    ahead = [row["search"] for row in rows if row["n"] >= FEWEST and row["low"] > 0]
    none = all(not row["gain"] > 0 for row in rows)
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
    others = f"{_counted(n_others, 'further pair')} cannot be told apart."
    return [*said, others] if n_others else said


def failures(comparison: Comparison) -> list[str]:
    """Each different error of a search, with the repeats that it ended."""
    repeats: dict[tuple[str, str], list[int]] = {}
    for run in comparison.runs:
        if run.error:
            repeats.setdefault((run.search, brief(run.error)), []).append(run.repeat)
    return [
        f"{name} failed in repeat {', '.join(map(str, sorted(found)))}: {error}"
        for (name, error), found in repeats.items()
    ]


def brief(error: str) -> str:
    """The first line of an error that says something, within reason."""
    lines = (" ".join(line.split()) for line in error.splitlines())
    line = next(filter(None, lines), "an error without a word")
    return line if len(line) <= _ERROR_WIDTH else f"{line[: _ERROR_WIDTH - 3]}..."


def _on_intervals(comparison: Comparison) -> list[str]:
    """Which intervals are adjusted for how many there are, where there are several."""
    rows = [row for row in comparison.summary() if not math.isnan(row["low"])]
    if len(rows) < 2:
        return []
    return [
        "The intervals of the gains are each for itself, not adjusted for the number of searches; "
        "p-values and intervals of pairs are (Holm)."
    ]


def as_text(comparison: Comparison) -> str:
    """The whole of a comparison as plain text."""
    table = summary_rows(comparison)
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
    lines = [headline(comparison), ""]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
        lines.append("  ".join(cells).rstrip())
    for part in (
        _on_intervals(comparison),
        verdicts(comparison),
        failures(comparison),
        comparison.notes,
    ):
        if part:
            lines += ["", *part]
    return "\n".join(lines)

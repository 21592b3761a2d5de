"""A comparison as HTML that asks for nothing from outside."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from .pictures import as_svg
from .text import failures, headline, number, summary_rows, verdicts

if TYPE_CHECKING:
    from .result import Comparison

_STYLE = """
.skhpt-comparison { font-family: system-ui, sans-serif; line-height: 1.45; max-width: 75em;
  overflow-wrap: anywhere; }
.skhpt-comparison .scroll { overflow-x: auto; margin: .6em 0; }
.skhpt-comparison table { border-collapse: collapse; margin: 0; overflow-wrap: normal; }
.skhpt-comparison th, .skhpt-comparison td { white-space: nowrap;
  padding: .25em .8em; text-align: right; border-bottom: 1px solid #8884; }
.skhpt-comparison th:first-child, .skhpt-comparison td:first-child { text-align: left; }
.skhpt-comparison img { width: 100%; min-width: 52em; max-width: 72em; background: white;
  display: block; }
.skhpt-comparison td.long { white-space: normal; min-width: 24em; text-align: left; }
.skhpt-comparison ul { padding-left: 1.4em; }
.skhpt-comparison .note { color: #777; }
.skhpt-comparison code { overflow-wrap: anywhere; }
"""
_LONG = 40  # characters of a cell that may be broken
_HOW_TO_READ = (
    "Held out: mean score of the refitted winner on rows that the search never saw. Gain: that "
    "minus the score of the estimator as given, on the same rows, with its interval by the "
    "corrected t-test, for that search alone: these intervals are not adjusted for the number of "
    "searches, those of the pairs below are. CV: the score by which the winner was chosen, "
    "therefore optimistic. CPU: the search's own arithmetic and the refit included. In the "
    "picture, lines are means over the repeats and bands hold the middle half."
)
_OF_THE_TEST = (
    "Corrected resampled t-test (Nadeau and Bengio, 2003); p and interval are adjusted for the "
    "number of pairs (Holm, 1979). Not being told apart is not being equal: more repeats may tell."
)


def as_page(comparison: Comparison) -> str:
    """A whole document."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Comparison of searches</title></head>\n"
        f'<body style="margin: clamp(.7em, 3vw, 2em)">{as_fragment(comparison)}</body></html>\n'
    )


def as_fragment(comparison: Comparison) -> str:
    """What a notebook shows."""
    parts = [
        f"<style>{_STYLE}</style>",
        "<h2>Comparison of searches</h2>",
        f"<p>{escape(headline(comparison))}</p>",
        _table(summary_rows(comparison)),
        f'<p class="note">{_HOW_TO_READ}</p>',
        _picture(comparison),
        *_tests(comparison),
        *(_list(title, items) for title, items in _remarks(comparison)),
        _runs(comparison),
    ]
    return f'<div class="skhpt-comparison">{"".join(parts)}</div>'


def _table(rows: list[list[str]]) -> str:
    head, *body = ([escape(cell) for cell in row] for row in rows)
    lines = ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in body]
    heading = "".join(f"<th>{cell}</th>" for cell in head)
    table = f"<table><thead><tr>{heading}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _cell(text: str) -> str:
    return f"<td{' class=long' if len(text) > _LONG else ''}>{text}</td>"


def _picture(comparison: Comparison) -> str:
    svg = as_svg(comparison)
    if svg is None:
        return '<p class="note">No picture: there are no curves, or matplotlib is missing.</p>'
    data = base64.b64encode(svg).decode("ascii")
    alt = "Held-out gain of the incumbent against configurations tried, fits and CPU seconds"
    image = f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}">'
    return f'<div class="scroll">{image}</div>'


def _tests(comparison: Comparison) -> list[str]:
    said = verdicts(comparison)
    if not said:
        return []
    return [_list("Pairs", said), f'<p class="note">{_OF_THE_TEST}</p>']


def _remarks(comparison: Comparison):
    return [
        (title, items)
        for title, items in (("Failed", failures(comparison)), ("Notes", comparison.notes))
        if items
    ]


def _list(title: str, items) -> str:
    entries = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<h3>{title}</h3><ul>{entries}</ul>"


def _runs(comparison: Comparison) -> str:
    table = [["search", "repeat", "held out", "gain", "CV", "trials", "fits", "CPU s", "winner"]]
    for run in comparison.runs:
        winner = ", ".join(f"{name}={value!r}" for name, value in run.best_params.items())
        table.append(
            [
                run.search,
                str(run.repeat),
                *map(number, (run.test_score, run.gain, run.cv_score)),
                str(run.trials),
                str(run.fits),
                number(run.cpu, 1),
                winner if run.error is None else "failed",
            ]
        )
    return f"<details><summary>Every run</summary>{_table(table)}</details>"

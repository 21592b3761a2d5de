"""A report as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import singledispatch

from .document import Facts, Items, Paragraph, Section, Table

WIDTH = 88
_GAP = "  "
_INDENT = "      "


def as_text(title: str, sections: Sequence[Section]) -> str:
    """Return lines of at most 88 characters."""
    parts = [f"{_cut(title, WIDTH)}\n{'=' * min(len(title), WIDTH)}"]
    for section in sections:
        blocks = "\n\n".join(_text(block) for block in section.blocks)
        parts.append(f"{section.title}\n{'-' * len(section.title)}\n{blocks}")
    return "\n\n".join(parts)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


@singledispatch
def _text(block) -> str:
    raise TypeError(f"no text for {block!r}")


@_text.register
def _(block: Paragraph) -> str:
    return textwrap.fill(block.text, WIDTH)


@_text.register
def _(block: Items) -> str:
    bullet = "! " if block.is_warning else "- "
    return "\n".join(
        textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent="  ")
        for text in block.texts
    )


@_text.register
def _(block: Facts) -> str:
    indent = max(len(word) for word, _ in block.pairs) + len(_GAP)
    return "\n".join(
        textwrap.fill(
            text, WIDTH, initial_indent=word.ljust(indent), subsequent_indent=" " * indent
        )
        for word, text in block.pairs
    )


@_text.register
def _(block: Table) -> str:
    columns = list(zip(block.header, *block.rows))
    widths = [max(map(len, column)) for column in columns]
    kept = _kept(widths, block.optional)
    details = block.details if kept < len(widths) else ()
    kept = len(widths) - block.optional if details else kept
    widths = _squeezed(widths[:kept], block.words)
    lines = [_line(block.header, widths, block.words)]
    lines.append("-" * len(lines[0]))
    for number, row in enumerate(block.rows):
        lines.append(_line(row, widths, block.words))
        if details and details[number]:
            lines.append(_indented(details[number]))
    return "\n".join(line.rstrip() for line in lines)


def _indented(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _kept(widths: list[int], optional: int) -> int:
    """How many columns have room; the optional ones go first."""
    n = len(widths)
    while n > len(widths) - optional and sum(widths[:n]) + len(_GAP) * (n - 1) > WIDTH:
        n -= 1
    return n


def _squeezed(widths: list[int], words: int) -> list[int]:
    """Make the widest columns of words narrower until the line fits."""
    widths = list(widths)
    while words and sum(widths) + len(_GAP) * (len(widths) - 1) > WIDTH:
        widest = max(range(words), key=lambda i: widths[i])
        if widths[widest] <= 8:
            break
        widths[widest] -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], words: int) -> str:
    parts = []
    for i, (cell, width) in enumerate(zip(cells, widths)):
        shown = _cut(cell, width)
        parts.append(shown.ljust(width) if i < words else shown.rjust(width))
    return _GAP.join(parts)

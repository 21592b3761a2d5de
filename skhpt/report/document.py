"""A report before it is text or HTML: sections of paragraphs, tables and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Items:
    """Sentences, each for itself; `is_warning` for those that ask for something to be done."""

    texts: Sequence[str]
    is_warning: bool = False


@dataclass(frozen=True)
class Facts:
    """Pairs of a word and what is to be said about it."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header.

    Attributes
    ----------
    header : sequence of str
    rows : sequence of sequence of str
    words : int
        The first columns, as many as this, hold words and are aligned at the left.
    optional : int
        The last columns, as many as this, may be left out, the last ones first, where the page
        is too narrow.
    marked : sequence of int
        Rows to stand out.
    details : sequence of str
        A line for each row, with what the optional columns hold, to stand below the row where
        the page is too narrow for all of them; none where those columns are just left out.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 0
    optional: int = 0
    marked: Sequence[int] = ()
    details: Sequence[str] = ()


Block = Paragraph | Items | Facts | Table


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]

"""A report as HTML: one piece for a notebook, one self-contained file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import singledispatch
from html import escape
from io import StringIO
from typing import Any

from .document import Facts, Items, Paragraph, Section, Table

# Nothing here, nor in the pictures, may make a browser ask anyone for anything.
# On a narrow page a picture is as large as on a wide one, for its texts to be read: it scrolls.
_STYLE = """
.skhpt-report { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 1020px; margin: 0 auto; padding: 1em 1.5em; text-align: left; }
.skhpt-report h1 { font-size: 1.5em; margin: 0 0 .6em; line-height: 1.25; }
.skhpt-report h2 { font-size: 1.12em; margin: 1.9em 0 .5em; padding-bottom: .2em;
  border-bottom: 1px solid #ddd; }
.skhpt-report p { margin: .6em 0; max-width: 46em; }
.skhpt-report .scroll { overflow-x: auto; margin: .6em 0; }
.skhpt-report table { border-collapse: collapse; font-size: .87em; margin: 0;
  font-variant-numeric: tabular-nums; }
.skhpt-report th, .skhpt-report td { padding: .28em .75em; text-align: right; border: 0;
  border-bottom: 1px solid #eee; vertical-align: top; background: none; color: inherit; }
.skhpt-report th { font-weight: 600; border-bottom: 1px solid #999; vertical-align: bottom;
  overflow-wrap: break-word; max-width: 11em; }
.skhpt-report td { white-space: nowrap; }
.skhpt-report .word { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.skhpt-report tr.marked td { background: #eaf4fb; }
.skhpt-report dl { display: grid; grid-template-columns: max-content 1fr; gap: .25em 1.2em;
  margin: .6em 0; }
.skhpt-report dt { font-weight: 600; color: #555; margin: 0; }
.skhpt-report dd { margin: 0; overflow-wrap: anywhere; }
.skhpt-report ul { list-style: none; margin: .6em 0; padding: 0; max-width: 50em; }
.skhpt-report li { margin: .4em 0; padding: .45em .9em; background: #f6f6f6; }
.skhpt-report li.warning { background: #fdf3e3; border-left: 4px solid #E69F00; }
.skhpt-report figure { margin: 1.2em 0 1.8em; overflow-x: auto; }
.skhpt-report figcaption { font-weight: 600; margin-bottom: .4em; }
.skhpt-report svg { max-width: max(100%, 52em); height: auto; display: block; }
@media (max-width: 600px) { .skhpt-report { padding: 1em .5em; }
  .skhpt-report svg { max-width: 68em; }
  .skhpt-report dl { grid-template-columns: 1fr; } .skhpt-report dd { margin-bottom: .5em; }
  .skhpt-report th.word:not(:empty) { min-width: 9em; } }
@media print { .skhpt-report figure, .skhpt-report tr { break-inside: avoid; } }
"""
_NO_PICTURES = "Pictures need matplotlib: pip install 'skhpt[plot]'"


def as_fragment(title: str, sections: Sequence[Section], pictures: Mapping[str, str]) -> str:
    """Return a piece of HTML that brings its own style.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    pictures : mapping of str to str
        Captions and SVG; none where matplotlib is missing.
    """
    body = "".join(
        f"<section><h2>{escape(section.title)}</h2>{''.join(map(_html, section.blocks))}</section>"
        for section in sections
    )
    drawn = "" if pictures else f"<p>{_NO_PICTURES}</p>"
    drawn += "".join(
        f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"
        for caption, svg in pictures.items()
    )
    return (
        f'<div class="skhpt-report"><style>{_STYLE}</style><h1>{escape(title)}</h1>'
        f"{body}<section><h2>Pictures</h2>{drawn}</section></div>"
    )


def as_page(title: str, fragment: str) -> str:
    """Return a whole page around a fragment."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title></head><body>{fragment}</body></html>\n"
    )


def as_svg(figure: Any, name: str) -> str:
    """Return a figure as SVG to stand in a page.

    Identifiers begin with `name`, so that several pictures in one page do not mix; the
    declarations that a file would need, with their addresses, are left out.
    """
    import matplotlib

    text = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata=nothing)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(\sid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)


@singledispatch
def _html(block) -> str:
    raise TypeError(f"no HTML for {block!r}")


@_html.register
def _(block: Paragraph) -> str:
    return f"<p>{escape(block.text)}</p>"


@_html.register
def _(block: Items) -> str:
    kind = ' class="warning"' if block.is_warning else ""
    return "<ul>" + "".join(f"<li{kind}>{escape(text)}</li>" for text in block.texts) + "</ul>"


@_html.register
def _(block: Facts) -> str:
    pairs = (f"<dt>{escape(word)}</dt><dd>{escape(text)}</dd>" for word, text in block.pairs)
    return f"<dl>{''.join(pairs)}</dl>"


@_html.register
def _(block: Table) -> str:
    head = _cells("th", block.header, block.words)
    rows = []
    for number, row in enumerate(block.rows):
        kind = ' class="marked"' if number in block.marked else ""
        rows.append(f"<tr{kind}>{_cells('td', row, block.words)}</tr>")
    body = "".join(rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _cells(tag: str, texts: Sequence[str], words: int) -> str:
    return "".join(
        f"<{tag}{' class=' + chr(34) + 'word' + chr(34) if i < words else ''}>"
        f"{_breakable(text)}</{tag}>"
        for i, text in enumerate(texts)
    )


def _breakable(text: str) -> str:
    """Let a browser break long names behind their underscores."""
    return escape(text).replace("_", "_<wbr>") if len(text) > 14 else escape(text)

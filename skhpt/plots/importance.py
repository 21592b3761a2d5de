"""Importance: the share of the variance of the score that each parameter explains."""

from __future__ import annotations

import numpy as np

from . import _style as style
from ._choice import checked_count, no_parameters
from .fanova import MIN_TRIALS
from .view import SearchView
from .words import short_names, squeezed

_LINE = 28  # characters of a label


def why_not(view: SearchView) -> str | None:
    if view.importance is None:
        return no_parameters(view) or (
            f"it needs {MIN_TRIALS} configurations with scores that differ. "
            "Let the search run longer."
        )
    return None


def draw(view: SearchView, canvas: style.Canvas, n_pairs: int = 3, max_params: int = 15) -> None:
    checked_count("n_pairs", n_pairs, 0)
    checked_count("max_params", max_params)
    found = view.importance
    short = short_names(list(view.space.dimensions))
    names = found.names[:max_params]
    n = len(names)
    pairs = [(pair, share) for pair, share in found.pairs.items() if share >= 0.01][:n_pairs]
    labels = [squeezed(short[name], _LINE) for name in names]
    labels += [_both(short[a], short[b]) for (a, b), _ in pairs]
    ax = canvas.one(7.6, 1.5 + 0.3 * len(labels) + 0.1 * sum("\n" in text for text in labels))
    rows = np.arange(len(labels))
    alone = np.maximum(found.alone[:n], 0.0)  # what does not matter is zero up to rounding
    kwargs = {"height": 0.68, "zorder": 2}
    more = {"color": style.SKY, "alpha": 0.35, "label": "with its interactions"}
    ax.barh(rows[:n], found.total[:n], **kwargs, **more)
    ax.barh(
        rows[:n],
        alone,
        color=style.BLUE,
        label="alone (± 1 sd over trees)",
        xerr=np.array([np.minimum(found.spread[:n], alone), found.spread[:n]]),
        error_kw={"ecolor": style.ink(), "elinewidth": 1.1, "capsize": 2.5, "zorder": 4},
        **kwargs,
    )
    if pairs:
        shares = [share for _, share in pairs]
        ax.barh(rows[n:], shares, color=style.ORANGE, label="two together", **kwargs)
    ax.set_yticks(rows, labels)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set_xlim(0, min(1.02, ax.get_xlim()[1]))
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    ax.set_xlabel(f"share of the variance of {view.label} over the space\n{_trust(found.r2)}")
    canvas.legend()


def _both(one: str, other: str) -> str:
    """The names of two parameters, below each other where a line is too short for them."""
    between = " × " if len(one) + len(other) + 3 <= _LINE else " ×\n"
    return squeezed(one, _LINE) + between + squeezed(other, _LINE)


def _trust(r2: float) -> str:
    text = f"the forest explains {100 * max(r2, 0):.0f} % of what it has not seen"
    return text + (": read nothing into this" if r2 < 0.2 else "")

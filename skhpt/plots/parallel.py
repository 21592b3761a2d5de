"""Parallel coordinates: every configuration is a line through the values of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import _style as style
from ._choice import checked_count, chosen, comparable, no_parameters
from .axes import ParameterAxis
from .view import SearchView
from .words import numbered, squeezed, tick_texts, value_text, wrapped

_WORD = -0.07  # where a value stands that is no number, on an axis of numbers
_ABSENT = -0.14  # where a line passes the axis of a parameter that its configuration lacks
_JITTER = 0.018
_LETTER = 0.56  # width of a letter, in font sizes
_SMALL, _X_SMALL = 0.833, 0.694  # what matplotlib means by "small" and "x-small"


def why_not(view: SearchView) -> str | None:
    if not view.electable.any():
        return "no configuration ran on every fold. Let the search run longer."
    return no_parameters(view)


def draw(
    view: SearchView,
    canvas: style.Canvas,
    params: Sequence[str] | None = None,
    n_best: int = 200,
) -> None:
    places = ParameterAxis.of(view, chosen(view, params, 10))
    whole = comparable(view)
    drawn = np.isfinite(view.adjusted) & view.eligible & whole
    known = np.flatnonzero(drawn)
    best_first = known[np.argsort(-view.adjusted[known], kind="stable")]
    shown = best_first[: checked_count("n_best", n_best)]
    heights = np.array([_heights(view, place) for place in places]).T
    low, high = style.score_limits(view, scores=np.where(drawn, view.adjusted, np.nan))
    low = max(low, float(view.adjusted[shown].min()))  # where the best alone are shown
    score = np.clip(view.adjusted, low, high)
    lines = np.column_stack([heights, (score - low) / (high - low)])
    ax = canvas.one(max(6.0, 1.15 * lines.shape[1] + 1.0), 4.8)
    ax.grid(False)
    _draw_lines(ax, view, lines, shown, (low, high))
    room = _room(ax, len(places) + 1)
    for i, place in enumerate(places):
        _draw_axis(ax, i, place.ticks() if place.is_number else _choices(place, room), place)
        _name_words(ax, i, [view.params[k][place.name] for k in shown if heights[k, i] == _WORD])
    _draw_score_axis(ax, len(places), low, high)
    if len(shown) < len(known):
        ax.plot([], [], color=style.GREY, label=f"the best {len(shown)} of {len(known)}")
    if not whole.all():
        text = f"only the {whole.sum()} of {len(view)} at the largest budget"
        ax.plot([], [], color="none", label=text)
    _name_axes(ax, [_heading(text, room) for text in (*(p.label for p in places), view.label)])
    if np.isnan(heights[shown]).any():
        ax.text(-0.08, _ABSENT, "not used", ha="right", va="center", fontsize="small")


def _room(ax, n: int) -> float:
    """From one axis to the next, in points."""
    # a layout that makes room takes the usual margins, as nothing stands there
    more = 1.2 if ax.figure.get_layout_engine() is not None else 1.0
    return more * ax.get_window_extent().width * 72 / ax.figure.dpi / n


def _heading(text: str, room: float) -> str:
    """The name of an axis in lines that have room."""
    most = max(int(room / (_LETTER * _SMALL * style.font_size())), 6)
    return "\n".join(squeezed(line, most) for line in wrapped(text, min(most, 14)).splitlines())


def _heights(view: SearchView, place: ParameterAxis) -> np.ndarray:
    at = place.unit(place.positions(view))
    if place.is_number:
        has = np.array([place.name in params for params in view.params])
        return np.where(has & np.isnan(at), _WORD, at)
    if len(place.texts) == 1:
        at = at + 0.5
    return at + np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(at))


def _draw_lines(ax, view: SearchView, lines, shown, limits) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patheffects import Normal, Stroke

    order = shown[np.argsort(view.adjusted[shown], kind="stable")]
    at = np.arange(lines.shape[1])
    filled = np.where(np.isnan(lines), _ABSENT, lines)
    best = view.best if view.best is not None else view.ranking[0]
    whole = view.electable[order]
    bundle = LineCollection(
        [np.column_stack([at, filled[i]]) for i in order],
        array=view.adjusted[order],
        cmap=style.strong_map(style.COLOURS),
        linewidths=np.where(whole, 1.5, 0.9),
        alpha=0.75,
    )
    bundle.set_clim(*limits)
    ax.add_collection(bundle)
    # Without colour, its width and its edge tell the winner from the other lines.
    edge = [Stroke(linewidth=4.4, foreground=style.ink()), Normal()]
    how = {"color": style.ORANGE, "linewidth": 3, "path_effects": edge, "zorder": 5}
    ax.plot(at, filled[best], label="winner", **how)
    ax.set_xlim(-0.35, len(at) - 0.65)
    ax.set_ylim(min(-0.01, filled[shown].min()) - 0.04, 1.05)


def _choices(place: ParameterAxis, room: float) -> list[tuple[float, str]]:
    most = max(int(room / (_LETTER * _X_SMALL * style.font_size())) - 1, 5)
    at, texts = zip(*place.ticks())
    texts = numbered([squeezed(text, most) for text in texts])
    return list(zip(at if len(place.texts) > 1 else [0.5], texts))


def _draw_axis(ax, x: int, ticks: list[tuple[float, str]], place: ParameterAxis) -> None:
    ax.axvline(x, color=style.GREY, linewidth=1.0, zorder=1)
    for value, text in ticks:
        height = float(place.unit(np.array(value)))
        _tick(ax, x, height, text)


def _name_words(ax, x: int, values: list) -> None:
    if values:
        texts = dict.fromkeys(value_text(value, 12) for value in values)
        _tick(ax, x, _WORD, ", ".join(texts))


def _draw_score_axis(ax, x: int, low: float, high: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.axvline(x, color=style.ink(), linewidth=1.6, zorder=1)
    values = [v for v in MaxNLocator(5).tick_values(low, high) if low <= v <= high]
    for value, text in zip(values, tick_texts(values)):
        _tick(ax, x, (value - low) / (high - low), text)


def _tick(ax, x: int, height: float, text: str) -> None:
    ax.plot([x - 0.03, x + 0.03], [height, height], color=style.GREY, linewidth=1, zorder=2)
    ax.text(
        x + 0.05,
        height,
        text,
        fontsize="x-small",
        va="center",
        zorder=7,
        bbox={"facecolor": ax.get_facecolor(), "alpha": 0.78, "edgecolor": "none", "pad": 0.6},
    )


def _name_axes(ax, names: list[str]) -> None:
    ax.set_xticks(range(len(names)), names, fontsize="small")
    ax.tick_params(axis="x", length=0, labeltop=True, labelbottom=False)
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0.0), frameon=False, fontsize="small", ncols=3
    )

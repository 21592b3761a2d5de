"""Ticks of a logarithmic axis: as many as have room beside each other."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ._style import font_size
from .words import number

_FEW_DECADES = 3.0  # over more, powers of ten alone are enough
_LEFT = 0.85  # of axes after their labels, their legend and a colour bar have been laid out
_LINE = 0.09  # of an upright axis of the usual height: a small text and the space around it
_WIDTH = 0.66  # of a digit with its share of the space between two labels, in font sizes


def log_ticks(
    low: float, high: float, share: Callable[[str], float], is_whole: bool = False
) -> list[tuple[float, str]]:
    """Choose positions on a logarithmic axis and what is written there.

    Parameters
    ----------
    low, high : float
        The range of the values, with 0 < low < high.
    share : callable
        Part of the axis that a text takes up, with the space that it needs.
    is_whole : bool, default=False
        Whether the values are whole numbers.

    Returns
    -------
    ticks : list of (float, str)
        From low to high. The ends are among them over a few decades, else powers of ten alone.
    """
    place = lambda value: math.log(value / low) / math.log(high / low)  # noqa: E731
    if math.log10(high / low) > _FEW_DECADES:
        return _powers(low, high, place, share)
    chosen = {v: number(v, 3) for v in (low, high)}
    for values in _rounder_first(low, high, is_whole):
        more = {v: number(v, 3) for v in values if v not in chosen}
        chosen |= _with_room(more, chosen, place, share)
    return sorted(chosen.items())


def ends_and_between(low: float, high: float, is_whole: bool = False) -> list[tuple[float, str]]:
    """Choose the ends and a few round values at equal steps between, for an upright axis.

    Parameters
    ----------
    low, high, is_whole
        As in :func:`log_ticks`, but `low` may be `high`.
    """
    if low == high:
        return [(low, number(low, 3))]
    share = lambda text: _LINE  # noqa: E731
    if math.log10(high / low) <= _FEW_DECADES:
        return log_ticks(low, high, share, is_whole)
    place = lambda value: math.log(value / low) / math.log(high / low)  # noqa: E731
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = {10.0**k: number(10.0**k, 3) for k in range(first, last, -(-(last - first) // 4))}
    ends = {value: number(value, 3) for value in (low, high)}
    return sorted((ends | _with_room(powers, ends, place, share)).items())


def round_between(low: float, high: float, is_whole: bool = False) -> list[tuple[float, str]]:
    """Choose the ends and a few round values between on an upright axis that is not logarithmic.

    Parameters
    ----------
    low, high, is_whole
        As in :func:`ends_and_between`; both may be below zero.
    """
    from matplotlib.ticker import MaxNLocator

    if low == high:
        return [(low, number(low, 3))]
    locator = MaxNLocator(5, integer=is_whole, steps=[1, 2, 2.5, 5, 10])
    inner = {float(v): number(v, 3) for v in locator.tick_values(low, high) if low < v < high}
    ends = {low: number(low, 3), high: number(high, 3)}
    place = lambda value: (value - low) / (high - low)  # noqa: E731
    return sorted((ends | _with_room(inner, ends, place, lambda text: _LINE)).items())


def _rounder_first(low: float, high: float, is_whole: bool) -> list[list[float]]:
    """Powers of ten, then their halves, then their fifths; none outside of the range."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = []
    for times in (1, 5, 2):
        values = [float(f"{times}e{k}") for k in decades if not is_whole or k >= 0]
        found.append([v for v in values if low < v < high])
    return found


def _with_room(more: dict, chosen: dict, place: Callable, share: Callable) -> dict:
    """Those that stand clear of what is chosen and of each other."""
    taken, found = [*chosen.items()], {}
    for value, text in more.items():
        if all(
            abs(place(value) - place(other)) >= (share(text) + share(beside)) / 2
            for other, beside in taken
        ):
            found[value] = text
            taken.append((value, text))
    return found


def _powers(low: float, high: float, place: Callable, share: Callable) -> list[tuple[float, str]]:
    """Powers of ten at equal steps, the least steps whose labels have room."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    widest = max(share(_exponent(k)) for k in (first, last))
    decade = place(10.0 * low)
    step = max(1, math.ceil(widest / decade))
    powers = [k for k in range(first, last + 1) if k % step == 0]
    if len(powers) < 2:
        powers = [first, last]
    return [(10.0**k, f"$\\mathdefault{{10^{{{k}}}}}$") for k in powers]


def _exponent(power: int) -> str:
    """As wide as the power of ten is written: its exponent is smaller than the base."""
    return "10" + "0" * round(0.7 * len(str(power)))


def room_on(ax, which: str) -> Callable[[str], float]:
    """Return the share of an axis of matplotlib that a label takes up."""
    box = ax.get_window_extent()
    points = _LEFT * 72 / ax.figure.dpi
    if which == "y":
        height = 1.5 * font_size() / max(box.height * points, 1.0)
        return lambda text: height
    width = _WIDTH * font_size() / max(box.width * points, 1.0)
    return lambda text: width * (len(text) + 0.8)


def linear_ticks(ax, which: str, largest: float, most: int = 4) -> int:
    """How many intervals between labels of this size have room."""
    return int(np.clip(1.0 / room_on(ax, which)(number(largest, 3)), 1, most))

"""The axis of a parameter: where its values stand, and what is written there."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from numbers import Number
from typing import Any

import numpy as np

from ..space.base import Dimension, freeze, is_integer, is_number
from ..space.dimensions import Integer, Layers, Real
from .ticks import ends_and_between, linear_ticks, log_ticks, room_on, round_between
from .view import SearchView
from .words import label_texts, number, short_names, value_text, wrapped

MOST_LABELS = 10
LOG_RATIO = 500.0  # numbers in a list that span more than this are spread by their logarithms


class ParameterAxis:
    """Places the values of a parameter on an axis: numbers as such, choices side by side.

    Parameters
    ----------
    name, label : str
    dimension : Dimension
    seen : sequence
        The values that were tried; some may lie outside of the dimension.

    Attributes
    ----------
    is_number, is_log : bool
    low, high : float
        Ends of the axis, in its own unit.
    texts : list of str
        What the choices are called, in their order on the axis.
    """

    def __init__(self, name: str, label: str, dimension: Dimension, seen: Sequence[Any]):
        self.name, self.label, self.dimension = name, label, dimension
        known = [] if math.isinf(dimension.size) else dimension.values()
        self.is_number = _holds_numbers(dimension, [*known, *seen])
        if self.is_number:
            self._set_range([v for v in [*known, *seen] if is_number(v)])
        else:
            self._set_choices([*known, *seen])

    @classmethod
    def of(cls, view: SearchView, names: Sequence[str]) -> list[ParameterAxis]:
        """Return the axes of some parameters of a search, their names as short as can be."""
        short = short_names(list(view.space.dimensions))
        return [
            cls(
                name,
                short[name],
                view.space.dimensions[name],
                [params[name] for params in view.params if name in params],
            )
            for name in names
        ]

    def _set_range(self, values: list[float]) -> None:
        dimension = self.dimension
        if isinstance(dimension, Real | Integer):
            values = [*values, dimension.low, dimension.high]
            self.is_log = dimension.log
            values = [v for v in values if v > 0] if self.is_log else values
        else:
            positive = [v for v in values if v > 0]
            self.is_log = len(positive) == len(values) and _is_geometric(values)
        self.low, self.high = float(min(values)), float(max(values))
        self.is_whole = isinstance(dimension, Integer) or all(map(is_integer, values))
        distinct = sorted(set(values))
        self.listed = distinct if math.isfinite(dimension.size) and len(distinct) <= 6 else None

    def _set_choices(self, values: list[Any]) -> None:
        distinct = {_identity(v): v for v in values}
        if isinstance(self.dimension, Layers) or all(isinstance(v, tuple) for v in values):
            order = sorted(distinct.items(), key=lambda item: _by_length(item[1]))
            distinct = dict(order)
        self._position = {key: i for i, key in enumerate(distinct)}
        self.texts = label_texts(list(distinct.values()))
        self.values = list(distinct.values())
        self.is_log = False
        self.low, self.high = 0.0, float(max(len(distinct) - 1, 1))

    @property
    def is_wordy(self) -> bool:
        """Whether the names of the choices have no room beside each other."""
        if self.is_number:
            return False
        return sum(len(self.texts[i]) for i in _spread(len(self.texts), MOST_LABELS)) > 18

    def position(self, value: Any) -> float:
        """Return where a value stands, in the unit of the axis; NaN where it has no place.

        An estimator's own default may be a word where the space has numbers.
        """
        if self.is_number:
            if not is_number(value):
                return math.nan
            # The default may be 0 where the space is logarithmic: it counts as the lowest value.
            return max(float(value), self.low) if self.is_log else float(value)
        return float(self._position[_identity(value)])

    def positions(self, view: SearchView) -> np.ndarray:
        """Return where each configuration stands; NaN where it lacks the parameter."""
        return np.array(
            [self.position(p[self.name]) if self.name in p else np.nan for p in view.params]
        )

    def unit(self, position: np.ndarray) -> np.ndarray:
        """Return positions as shares of the axis."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(position) - low) / ((high - low) or 1.0)

    def _scaled(self, position: Any) -> Any:
        return np.log(position) if self.is_log else np.asarray(position, dtype=float)

    def grid(self, n: int) -> list[Any]:
        """Return values spread evenly over the axis; of choices and whole numbers, each once."""
        if not self.is_number:
            return self.values
        spread = np.geomspace if self.is_log else np.linspace
        points = spread(self.low, self.high, n)
        return np.unique(np.rint(points)).astype(int).tolist() if self.is_whole else list(points)

    def ticks(self) -> list[tuple[float, str]]:
        """Return a few positions and what is written there, for an axis that draws its own."""
        if not self.is_number:
            return [(float(i), self.texts[i]) for i in _spread(len(self.texts), MOST_LABELS)]
        if self.listed:
            return [(float(v), number(v, 3)) for v in self.listed]
        if self.is_log:
            return ends_and_between(self.low, self.high, self.is_whole)
        return round_between(self.low, self.high, self.is_whole)

    def dress(self, axis, which: str = "x", rotate: bool = True, line: int = 18) -> None:
        """Set scale, limits, ticks and label of an axis of matplotlib."""
        set_label = getattr(axis, f"set_{which}label")
        set_label(wrapped(self.label, line))
        set_limits = getattr(axis, f"set_{which}lim")
        if not self.is_number:
            shown = _spread(len(self.texts), MOST_LABELS)
            texts = [self.texts[i] for i in shown]
            getattr(axis, f"set_{which}ticks")(shown, texts)
            set_limits(-0.5, len(self.texts) - 0.5)
            if (
                which == "x"
                and rotate
                and (self.is_wordy or _is_crowded(texts, room_on(axis, "x")))
            ):
                axis.tick_params(axis="x", labelrotation=35)
                for text in axis.get_xticklabels():
                    text.set(ha="right", rotation_mode="anchor")
            return
        if self.is_log:
            getattr(axis, f"set_{which}scale")("log")
        set_limits(*self._with_margin())
        self._place_ticks(axis, which)

    def _with_margin(self, share: float = 0.04) -> tuple[float, float]:
        if self.is_log:
            margin = (self.high / self.low) ** share
            return self.low / margin, self.high * margin
        margin = ((self.high - self.low) or 1.0) * share
        return self.low - margin, self.high + margin

    def _place_ticks(self, ax, which: str) -> None:
        from matplotlib.ticker import MaxNLocator, NullFormatter

        axis = getattr(ax, f"{which}axis")
        axis.set_minor_formatter(NullFormatter())
        if self.listed:
            axis.set_ticks(self.listed, [number(v, 3) for v in self.listed])
        elif self.is_log and self.low < self.high:
            ticks = log_ticks(self.low, self.high, room_on(ax, which), self.is_whole)
            axis.set_ticks(*zip(*ticks))
        elif not self.is_log:
            most = linear_ticks(ax, which, max(abs(self.low), abs(self.high)))
            axis.set_major_locator(MaxNLocator(most, integer=self.is_whole))


def _is_crowded(texts: Sequence[str], share: Callable[[str], float]) -> bool:
    """Whether labels side by side, each in the middle of its part of an axis, touch."""
    return any(share(a) + share(b) > 2.0 / len(texts) for a, b in pairwise(texts))


def _identity(value: Any) -> Hashable:
    """What tells two choices apart for a reader: of objects, how they are written."""
    if value is None or isinstance(value, Number | str | tuple | list | np.bool_):
        return freeze(value)
    return type(value), value_text(value, 200)


def _holds_numbers(dimension: Dimension, values: Sequence[Any]) -> bool:
    if dimension.categorical or isinstance(dimension, Layers):
        return False
    return isinstance(dimension, Real | Integer) or all(map(is_number, values))


def _is_geometric(values: Sequence[float]) -> bool:
    return max(values) / min(values) >= LOG_RATIO or _has_equal_ratios(sorted(set(values)))


def _has_equal_ratios(values: Sequence[float]) -> bool:
    if len(values) < 3 or values[-1] / values[0] < 8:
        return False
    steps = np.diff(np.log(values))
    return bool(np.allclose(steps, steps[0], rtol=0.05))


def _by_length(value: Any) -> tuple:
    widths = value if isinstance(value, tuple) else (value,)
    numbers = tuple(widths) if all(map(is_number, widths)) else ()
    return len(widths), numbers


def _spread(n: int, most: int) -> list[int]:
    """Return at most so many of the positions 0 to n - 1, ends included."""
    if n <= most:
        return list(range(n))
    return sorted({round(i) for i in np.linspace(0, n - 1, most)})

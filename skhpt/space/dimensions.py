"""The kinds of dimensions: numbers in a range and the layers of a network.

The other kinds stand in ``choices`` (lists of values) and ``distributions`` (scipy.stats),
and can be imported from here as well.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import Dimension, SpaceError, brief, freeze, is_integer, is_number
from .choices import Categorical, Ordinal, of_values
from .distributions import Drawn, Frozen, is_frozen

__all__ = [
    "Categorical",
    "Dimension",
    "Drawn",
    "Frozen",
    "Integer",
    "Layers",
    "Ordinal",
    "Real",
    "SpaceError",
    "is_frozen",
    "of_values",
]


@dataclass(frozen=True, eq=False, repr=False)
class _Range(Dimension):
    """Numbers between two bounds, both included: continuous, or in steps of equal width.

    In steps, the cube (linear or logarithmic) is cut into one cell for each value: the
    numbers that are rounded to it.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        self._check()
        step = self._step()
        n = None if step is None else math.floor((self.high - self.low) / step + 1e-9) + 1
        top = self.high if n is None else self.low + (n - 1) * step
        if self.log:
            # half a step beyond the bounds, so that the outer cells are as wide as the others
            margin = 0.0 if n is None else step / 2
            edges = (math.log(max(self.low - margin, self.low / 2)), math.log(top + margin))
        else:
            edges = (self.low, self.high)
        object.__setattr__(self, "_n", n)
        object.__setattr__(self, "_edges", edges)
        object.__setattr__(self, "size", math.inf if n is None else n)
        object.__setattr__(self, "equiprobable", n is not None and not self.log)

    def _check(self) -> None:
        for name in ("low", "high"):
            self._check_bound(name, getattr(self, name))
        if self.low >= self.high:
            advice = "exchange them, or write a list to give single values"
            if self.low == self.high:
                advice = f"they are equal; for a constant, write a list, [{self.low!r}]"
            raise SpaceError(
                f"low must be smaller than high, got low={self.low!r} and high={self.high!r}: "
                + advice
            )
        if self.log and self.low <= 0:
            raise SpaceError(
                f"a logarithmic range must begin above 0, got low={self.low!r}: "
                "raise low to a small positive number, or drop the log"
            )
        if self.step is not None:
            self._check_step()

    def _check_bound(self, name: str, bound: Any) -> None:
        if not isinstance(bound, numbers.Real) or isinstance(bound, bool | np.bool_):
            raise SpaceError(f"{name} must be a number, got {bound!r}")
        if not is_number(bound) or math.isinf(bound):
            raise SpaceError(
                f"{name} must be finite, got {brief(bound)}: give a bound that is large enough, "
                "or an unbounded scipy.stats distribution"
            )
        object.__setattr__(self, name, float(bound))

    def _check_step(self) -> None:
        if not is_number(self.step) or not 0 < self.step <= (self.high - self.low) * (1 + 1e-9):
            raise SpaceError(
                f"step must be a number above 0 and at most high - low = "
                f"{self.high - self.low!r}, got {self.step!r}"
            )
        object.__setattr__(self, "step", float(self.step))

    def _step(self) -> float | None:
        return self.step

    # -- cells: the cube in steps --------------------------------------------------------

    def _cell(self, u: Any) -> Any:
        """Return the number (a float) of the cell in which ``u`` lies; vectorised."""
        if not self.log:
            return np.clip(np.floor(np.multiply(u, self._n)), 0, self._n - 1)
        left, right = self._edges
        x = np.exp(left + np.clip(u, 0.0, 1.0) * (right - left))
        return np.clip(np.rint((x - self.low) / self._step()), 0, self._n - 1)

    def _centre(self, cell: Any) -> Any:
        """Return the centre of a cell in the cube; vectorised."""
        if not self.log:
            return (cell + 0.5) / self._n
        left, right = self._edges
        value, half = self.low + cell * self._step(), self._step() / 2
        lower = np.log(np.maximum(value - half, self.low / 2))
        return ((lower + np.log(value + half)) / 2 - left) / (right - left)

    def _value(self, cell: Any) -> Any:
        raise NotImplementedError

    # -- the contract ----------------------------------------------------------------------

    def decode(self, u: np.ndarray) -> Any:
        u = u[0]
        return self._at(u) if self._n is None else self._value(self._cell(u))

    def _at(self, u: float) -> float:
        """Return the value at ``u`` of a continuous range; the ends are exact."""
        left, right = self._edges
        if u <= 0 or u >= 1:
            return self.low if u <= 0 else self.high
        x = float(left + u * (right - left))
        return self._tidy(math.exp(x) if self.log else x)

    def _tidy(self, x: float) -> float:
        """Return fourteen digits: an encoded 0.01 comes back as 0.01, and 0.1 + 0.2 is 0.3."""
        return min(max(float(f"{x:.14g}"), self.low), self.high)

    def encode(self, value: Any) -> np.ndarray:
        if not is_number(value):
            raise ValueError(f"{self!r} can only place numbers, got {value!r}")
        value = min(max(value, self.low), self.high)
        if self._n is not None:
            cell = min(max(round((value - self.low) / self._step()), 0), self._n - 1)
            return np.array([self._centre(float(cell))])
        left, right = self._edges
        x = math.log(value) if self.log else value
        return np.array([min(max((x - left) / (right - left), 0.0), 1.0)])

    def snap(self, U: np.ndarray) -> np.ndarray:
        return np.clip(U, 0.0, 1.0) if self._n is None else self._centre(self._cell(U))

    def values(self) -> list[Any]:
        if self._n is None:
            return super().values()
        return [self._value(i) for i in range(self._n)]


@dataclass(frozen=True, eq=False, repr=False)
class Real(_Range):
    """A real number between two bounds, both included.

    Parameters
    ----------
    low, high : float
        Bounds.
    log : bool, default=False
        Whether the logarithm is uniform rather than the number; needs ``low > 0``.
    step : float, default=None
        Distance of the values ``low, low + step, ...``; None for every number.

    Raises
    ------
    SpaceError
        If the bounds are not finite, not in order, not positive although ``log`` is set,
        or the step does not fit between them.

    Examples
    --------
    >>> from skhpt.space import Real
    >>> Real(0.001, 1.0, log=True).levels(4)
    [0.001, 0.01, 0.1, 1.0]
    """

    def _value(self, cell: Any) -> float:
        return self._tidy(self.low + float(cell) * self.step)

    def contains(self, value: Any) -> bool:
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        cells = (value - self.low) / self.step
        return abs(cells - round(cells)) < 1e-6 and round(cells) < self._n

    def key(self, value: Any) -> Hashable:
        return freeze(float(value) if is_number(value) else value)


@dataclass(frozen=True, eq=False, repr=False)
class Integer(_Range):
    """A whole number between two bounds, both included.

    Parameters
    ----------
    low, high : int
        Bounds.
    log : bool, default=False
        Whether the logarithm is uniform rather than the number; needs ``low > 0``.
    step : int, default=None
        Distance of the values ``low, low + step, ...``; None is 1.

    Raises
    ------
    SpaceError
        If the bounds are not whole numbers, not in order, not positive although ``log`` is
        set, or the step does not fit between them.

    Examples
    --------
    >>> from skhpt.space import Integer
    >>> Integer(1, 9, step=4).values()
    [1, 5, 9]
    """

    low: int
    high: int
    step: int | None = None

    def _check_bound(self, name: str, bound: Any) -> None:
        super()._check_bound(name, bound)
        object.__setattr__(self, name, self._whole(name, bound))

    def _check_step(self) -> None:
        super()._check_step()
        object.__setattr__(self, "step", self._whole("step", self.step))

    @staticmethod
    def _whole(name: str, value: Any) -> int:
        if value != int(value):
            raise SpaceError(
                f"{name} of an Integer must be a whole number, got {value!r}: "
                "round it, or use Real(low, high)"
            )
        return int(value)

    def _step(self) -> int:
        return 1 if self.step is None else self.step

    def _value(self, cell: Any) -> int:
        return self.low + int(cell) * self._step()

    def contains(self, value: Any) -> bool:
        if not is_integer(value) or not self.low <= value <= self.high:
            return False
        return (int(value) - self.low) % self._step() == 0

    def key(self, value: Any) -> Hashable:
        whole = is_number(value) and math.isfinite(value) and value == int(value)
        return freeze(int(value) if whole else value)


@dataclass(frozen=True, eq=False, repr=False)
class Layers(Dimension):
    """The hidden layers of a network, all of the same width.

    Two numbers stand for the network: how many layers, and (on a logarithmic scale) how
    wide. The value is the tuple ``(width,) * depth``, as ``hidden_layer_sizes`` of
    scikit-learn's MLPs wants it. Any other network is placed by its number of layers and
    the geometric mean of their widths.

    Parameters
    ----------
    depth : tuple of two ints, or int, default=(1, 3)
        Fewest and most layers, both included.
    width : tuple of two ints, or int, default=(16, 256)
        Smallest and largest width, both included.

    Raises
    ------
    SpaceError
        If a pair is not two positive whole numbers in order.
    """

    depth: tuple[int, int] | int = (1, 3)
    width: tuple[int, int] | int = (16, 256)

    def __post_init__(self) -> None:
        axes = (self._axis("depth", log=False), self._axis("width", log=True))
        object.__setattr__(self, "_axes", axes)
        object.__setattr__(self, "n_columns", sum(axis.n_columns for axis in axes))
        object.__setattr__(self, "size", axes[0].size * axes[1].size)

    def _axis(self, name: str, log: bool) -> Dimension:
        given = getattr(self, name)
        pair = tuple(given) if isinstance(given, tuple | list) else (given, given)
        if len(pair) != 2 or not all(is_integer(v) and v > 0 for v in pair) or pair[0] > pair[1]:
            raise SpaceError(
                f"{name} of Layers must be a positive int or a pair (low, high) of them, "
                f"got {given!r}"
            )
        pair = (int(pair[0]), int(pair[1]))
        object.__setattr__(self, name, pair)
        return Categorical(pair[:1]) if pair[0] == pair[1] else Integer(*pair, log=log)

    def _split(self, U: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cut = self._axes[0].n_columns
        return U[..., :cut], U[..., cut:]

    def decode(self, u: np.ndarray) -> tuple[int, ...]:
        depth, width = (axis.decode(part) for axis, part in zip(self._axes, self._split(u)))
        return (width,) * depth

    def encode(self, value: Any) -> np.ndarray:
        layers = self._layers(value)
        if not layers or not all(is_number(w) and 0 < w < math.inf for w in layers):
            raise ValueError(f"{self!r} can only place tuples of positive widths, got {value!r}")
        mean = math.exp(sum(math.log(w) for w in layers) / len(layers))
        parts = zip(self._axes, (len(layers), mean))
        return np.concatenate([axis.encode(x) for axis, x in parts if axis.n_columns] or [[]])

    @staticmethod
    def _layers(value: Any) -> tuple[Any, ...] | None:
        """Return the widths; scikit-learn also takes a single number for a single layer."""
        if is_number(value):
            return (value,)
        return tuple(value) if isinstance(value, tuple | list | np.ndarray) else None

    def snap(self, U: np.ndarray) -> np.ndarray:
        parts = [axis.snap(part) for axis, part in zip(self._axes, self._split(U))]
        return np.hstack(parts)

    def contains(self, value: Any) -> bool:
        layers = self._layers(value)
        if not layers or not all(is_integer(w) for w in layers) or len(set(layers)) > 1:
            return False
        return self._axes[0].contains(len(layers)) and self._axes[1].contains(layers[0])

    def values(self) -> list[tuple[int, ...]]:
        depths, widths = (axis.values() for axis in self._axes)
        return [(width,) * depth for depth in depths for width in widths]

    def levels(self, n: int) -> list[tuple[int, ...]]:
        """Return at most ``n`` networks: about as many depths as widths."""
        depths = self._axes[0].levels(max(1, math.isqrt(n)))
        widths = self._axes[1].levels(max(1, n // len(depths)))
        return [(width,) * depth for depth in depths for width in widths]

    def key(self, value: Any) -> Hashable:
        layers = self._layers(value)
        return freeze(value if layers is None else layers)

    def __repr__(self) -> str:  # the defaults too: they are what is searched
        return f"Layers(depth={self.depth!r}, width={self.width!r})"

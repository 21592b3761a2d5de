"""What a dimension is: the contract of every parameter, and the identity of values."""

from __future__ import annotations

import dataclasses
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np


class SpaceError(ValueError):
    """A search space that cannot be used; the message says what to change."""


def brief(value: Any, width: int = 160) -> str:
    """Return a ``repr`` for a message: on one line, without its middle where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # of whatever a user has written
        text = f"<{type(value).__name__} without a repr>"
    return shortened(text, width)


def shortened(text: str, width: int = 400) -> str:
    """Return a text without its middle where it is long."""
    half = width // 2
    return text if len(text) <= width else f"{text[:half]} ... {text[-half:]}"


def is_number(value: Any) -> bool:
    """Whether ``value`` is a real number that a float can hold; not a boolean, and not NaN."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
        return False
    try:
        return not math.isnan(value)
    except OverflowError:  # as of 10**400
        return False


def is_integer(value: Any) -> bool:
    """Whether ``value`` is of an integer type; booleans are not."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)


def freeze(value: Any) -> Hashable:
    """Return something hashable that is equal for the same value, and only then.

    ``1``, ``1.0`` and ``True`` are three values (``max_features=1`` and
    ``max_features=1.0`` are not the same model), ``1`` and ``np.int64(1)`` are one, NaN is
    itself, containers and arrays go by their content, and everything else by its own hash
    and ``==``, which for functions and estimators is their identity, or by its identity if it
    has none.
    """
    if isinstance(value, numbers.Number | np.bool_):
        return _freeze_number(value)
    for kind, contents in _CONTAINERS:
        if isinstance(value, kind):
            return contents(value)
    return _freeze_object(value)


def _freeze_number(value: Any) -> Hashable:
    if isinstance(value, bool | np.bool_):
        return "bool", bool(value)
    if isinstance(value, numbers.Integral):
        return "int", int(value)
    if isinstance(value, numbers.Real):
        return "float", "nan" if math.isnan(value) else float(value)
    return type(value).__name__, value


class _Itself:
    """Stands for an object that cannot be hashed: equal to that object alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _freeze_object(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return _Itself(value)
    return type(value), value


def _freeze_items(value: Mapping) -> Hashable:
    return "dict", frozenset((freeze(k), freeze(v)) for k, v in value.items())


def _freeze_array(value: np.ndarray) -> Hashable:
    return "array", value.shape, tuple(map(freeze, value.ravel().tolist()))


# Strings and None need nothing, and are looked up most.
_CONTAINERS: tuple[tuple[Any, Callable[[Any], Hashable]], ...] = (
    (str | None, lambda value: value),
    (tuple, lambda value: ("tuple", tuple(map(freeze, value)))),
    (list, lambda value: ("list", tuple(map(freeze, value)))),
    (set | frozenset, lambda value: ("set", frozenset(map(freeze, value)))),
    (Mapping, _freeze_items),
    (np.ndarray, _freeze_array),
)


def generator(random_state: Any) -> np.random.RandomState | np.random.Generator:
    """Turn None, an int, a RandomState or a Generator into a source of random numbers.

    As in scipy.stats, None is numpy's global state.
    """
    if random_state is None:
        return np.random.mtrand._rand
    if isinstance(random_state, np.random.RandomState | np.random.Generator):
        return random_state
    return np.random.RandomState(random_state)


class Dimension(ABC):
    """One parameter: its values and its place in the unit cube.

    Dimensions are immutable, compare equal when they are defined equally, and have ``rvs``,
    so that scikit-learn's own ``ParameterSampler`` draws from them. Subclasses are frozen
    dataclasses; their fields are what stands in ``repr`` and decides ``==``.

    Attributes
    ----------
    n_columns : int
        Width in the unit cube; 0 for a constant.
    categorical : bool
        Whether the columns are the one-hot code of a choice (they then share one
        lengthscale in a surrogate) rather than numbers.
    size : float
        Number of distinct values, ``math.inf`` if there is no end of them.
    equiprobable : bool
        Whether ``rvs`` draws every value with the same probability.
    """

    n_columns: int = 1
    categorical: bool = False
    size: float = math.inf
    equiprobable: bool = False

    # -- what every kind of dimension says for itself --------------------------------

    @abstractmethod
    def decode(self, u: np.ndarray) -> Any:
        """Return the value at a point of the cube, of shape (n_columns,); never fails."""

    @abstractmethod
    def encode(self, value: Any) -> np.ndarray:
        """Return the point of a value, of shape (n_columns,): the centre of its cell.

        Numbers outside of the range are clipped.

        Raises
        ------
        ValueError
            If the value has no place in this dimension.
        """

    @abstractmethod
    def snap(self, U: np.ndarray) -> np.ndarray:
        """Return ``encode(decode(u))`` for every row of U, of shape (n, n_columns)."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the values."""

    def values(self) -> list[Any]:
        """Return all the values of a finite dimension.

        Raises
        ------
        ValueError
            If the dimension is not finite.
        """
        raise ValueError(
            f"{self!r} has no end of values: use levels(n) for n values evenly spread over it"
        )

    # -- what follows from it ---------------------------------------------------------

    def levels(self, n: int) -> list[Any]:
        """Return at most ``n`` distinct values, evenly spread in the unit cube."""
        points = np.linspace(0.0, 1.0, n) if n > 1 else np.array([0.5])
        return distinct([self.decode(np.array([u])) for u in points])

    def key(self, value: Any) -> Hashable:
        """Return something hashable, equal exactly for the same value of this dimension."""
        return freeze(value)

    def draw_unit(self, rng: Any, n: int) -> np.ndarray:
        """Draw ``n`` snapped points, of shape (n, n_columns)."""
        return self.snap(rng.random((n, self.n_columns)))

    def draw(self, rng: Any) -> Any:
        """Draw one value that ``encode`` can place."""
        return self.rvs(random_state=rng)

    def rvs(self, size: int | tuple[int, ...] | None = None, random_state: Any = None) -> Any:
        """Draw random values, as the frozen distributions of scipy.stats do.

        Parameters
        ----------
        size : int or tuple of ints, default=None
            Shape of the result; None draws a single value.
        random_state : int, RandomState, Generator or None, default=None
            Source of the random numbers; None is numpy's global state.

        Returns
        -------
        value or ndarray
            A single value if ``size`` is None, else an array of that shape (of dtype
            object unless the values are numbers).
        """
        rng = generator(random_state)
        n = 1 if size is None else int(np.prod(size))
        drawn = [self.decode(u) for u in self.draw_unit(rng, n)]
        return drawn[0] if size is None else as_array(drawn, size)

    # -- identity -----------------------------------------------------------------------

    def _identity(self) -> Hashable:
        return tuple(freeze(getattr(self, f.name)) for f in _fields(self))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._identity()))

    def __repr__(self) -> str:
        parts = []
        for field in _fields(self):
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING:
                parts.append(repr(value))
            elif value != field.default:
                parts.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _fields(dimension: Dimension) -> list[dataclasses.Field]:
    return [f for f in dataclasses.fields(dimension) if f.init]


def distinct(values: Sequence[Any]) -> list[Any]:
    """Return the values without repetitions, in their order."""
    seen: dict[Hashable, Any] = {}
    for value in values:
        seen.setdefault(freeze(value), value)
    return list(seen.values())


def as_array(values: Sequence[Any], size: int | tuple[int, ...]) -> np.ndarray:
    """Return values as an array of a given shape; of objects unless they are numbers."""
    if all(is_number(value) for value in values):
        return np.array(values).reshape(size)
    result = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # one by one: a tuple is a value, not a row
        result[i] = value
    return result.reshape(size)

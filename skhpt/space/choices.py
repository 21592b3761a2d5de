"""Dimensions over a list of values: unordered choices and ranked numbers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import Dimension, SpaceError, distinct, freeze, is_number


def _check_choices(choices: Any) -> tuple[Any, ...]:
    if isinstance(choices, str | bytes) or not isinstance(choices, Sequence | np.ndarray):
        raise SpaceError(f"choices must be a list of values, got {choices!r}")
    if len(choices) == 0:
        raise SpaceError("the list of values is empty: give at least one value")
    return tuple(choices)


def _equal(a: Any, b: Any) -> bool:
    """Whether two values are equal; False when their ``==`` cannot say."""
    try:
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return type(a) is type(b) and np.array_equal(a, b)
        return bool(a == b)
    except Exception:  # an array-like or an estimator may refuse the comparison in any way
        return False


@dataclass(frozen=True, eq=False, repr=False)
class Categorical(Dimension):
    """One of some values without an order; they can be any objects.

    Values are told apart by their type and content (``1``, ``1.0`` and ``True`` are three
    values); repeated ones count once. A value that is looked up may also be equal by
    ``==`` alone. In the cube, a value is its one-hot code, and the largest column decides.

    Parameters
    ----------
    choices : sequence
        The values.
    probabilities : sequence of float, default=None
        How probable ``rvs`` draws each value; None for all alike. They are scaled to sum
        to 1.

    Raises
    ------
    SpaceError
        If there are no choices, or the probabilities do not fit.

    Examples
    --------
    >>> from skhpt.space import Categorical
    >>> Categorical(["gini", "entropy"]).encode("entropy")
    array([0., 1.])
    """

    choices: tuple[Any, ...]
    probabilities: tuple[float, ...] | None = None

    categorical = True

    def __post_init__(self) -> None:
        given = _check_choices(self.choices)
        choices = tuple(distinct(given))
        index = {freeze(choice): i for i, choice in enumerate(choices)}
        set_ = object.__setattr__
        if self.probabilities is not None:
            weights = np.zeros(len(choices))
            for choice, weight in zip(given, self._check_probabilities(len(given))):
                weights[index[freeze(choice)]] += weight
            set_(self, "probabilities", tuple((weights / weights.sum()).tolist()))
        set_(self, "choices", choices)
        set_(self, "_index", index)
        set_(self, "n_columns", len(choices) if len(choices) > 1 else 0)
        set_(self, "size", len(choices))
        set_(self, "equiprobable", self.probabilities is None)

    def _check_probabilities(self, n: int) -> list[float]:
        given = self.probabilities
        weights = list(given) if isinstance(given, Sequence | np.ndarray) else []
        numbers = all(is_number(w) and 0 <= w < math.inf for w in weights)
        if len(weights) != n or not numbers or sum(weights) <= 0:
            raise SpaceError(
                f"probabilities must be {n} non-negative numbers, one for each value and not "
                f"all 0, got {given!r}"
            )
        return weights

    def index(self, value: Any) -> int:
        """Return the position of a value; ValueError if it is none of the choices."""
        found = self._index.get(freeze(value))
        if found is not None:
            return found
        for i, choice in enumerate(self.choices):
            if choice is value or _equal(choice, value):
                return i
        raise ValueError(f"{value!r} is not one of {list(self.choices)!r}")

    def decode(self, u: np.ndarray) -> Any:
        return self.choices[int(np.argmax(u)) if self.n_columns else 0]

    def encode(self, value: Any) -> np.ndarray:
        u = np.zeros(self.n_columns)
        i = self.index(value)
        if self.n_columns:
            u[i] = 1.0
        return u

    def snap(self, U: np.ndarray) -> np.ndarray:
        result = np.zeros(U.shape)
        if self.n_columns:
            result[np.arange(len(U)), np.argmax(U, axis=1)] = 1.0
        return result

    def contains(self, value: Any) -> bool:
        try:
            self.index(value)
        except ValueError:
            return False
        return True

    def values(self) -> list[Any]:
        return list(self.choices)

    def levels(self, n: int) -> list[Any]:
        """Return at most ``n`` values, evenly spread over the list."""
        spread = np.linspace(0, len(self.choices) - 1, max(1, min(n, len(self.choices))))
        return [self.choices[round(i)] for i in spread]

    def key(self, value: Any) -> Hashable:
        return freeze(self.choices[self.index(value)] if self.contains(value) else value)

    def draw_unit(self, rng: Any, n: int) -> np.ndarray:
        if self.probabilities is None or not self.n_columns:
            return super().draw_unit(rng, n)
        cumulated = np.cumsum(self.probabilities)
        drawn = np.searchsorted(cumulated / cumulated[-1], rng.random(n), side="right")
        result = np.zeros((n, self.n_columns))
        result[np.arange(n), np.minimum(drawn, self.n_columns - 1)] = 1.0
        return result


@dataclass(frozen=True, eq=False, repr=False)
class Ordinal(Dimension):
    """One of at least three numbers, which stand in the cube by their rank.

    The numbers are given back as the very objects of the list, in whatever order it has.

    Parameters
    ----------
    choices : sequence of numbers
        The values; repeated ones count once.

    Raises
    ------
    SpaceError
        If there are fewer than three distinct numbers, or something that is not a number.
    """

    choices: tuple[Any, ...]

    equiprobable = True

    def __post_init__(self) -> None:
        choices = tuple(distinct(_check_choices(self.choices)))
        if not rankable(choices):
            raise SpaceError(
                f"an Ordinal needs at least three distinct numbers, got {list(choices)!r}: "
                "use Categorical"
            )
        ranked = tuple(sorted(choices))
        object.__setattr__(self, "choices", choices)
        object.__setattr__(self, "_ranked", ranked)
        object.__setattr__(self, "_numbers", np.array([float(c) for c in ranked]))
        object.__setattr__(self, "_rank", {c: i for i, c in enumerate(ranked)})
        object.__setattr__(self, "size", len(choices))

    def _cell(self, u: Any) -> Any:
        n = len(self._ranked)
        return np.clip(np.floor(np.multiply(u, n)), 0, n - 1)

    def decode(self, u: np.ndarray) -> Any:
        return self._ranked[int(self._cell(u[0]))]

    def encode(self, value: Any) -> np.ndarray:
        """Return the centre of the cell; a number between the values goes to the nearest."""
        if not is_number(value):
            raise ValueError(f"{self!r} can only place numbers, got {value!r}")
        rank = self._rank.get(value)
        if rank is None:
            rank = nearest(self._numbers, value)
        return np.array([(rank + 0.5) / len(self._ranked)])

    def snap(self, U: np.ndarray) -> np.ndarray:
        return (self._cell(U) + 0.5) / len(self._ranked)

    def contains(self, value: Any) -> bool:
        return is_number(value) and value in self._rank

    def values(self) -> list[Any]:
        return list(self.choices)

    def key(self, value: Any) -> Hashable:
        known = self.contains(value)
        return freeze(self._ranked[self._rank[value]] if known else value)


def nearest(numbers: np.ndarray, value: float) -> int:
    """Return the position of the nearest of some sorted numbers, the lower of two."""
    right = int(np.searchsorted(numbers, value))
    if right in (0, len(numbers)):
        return min(right, len(numbers) - 1)
    return right - 1 if value - numbers[right - 1] <= numbers[right] - value else right


def rankable(values: Sequence[Any]) -> bool:
    """Whether values are numbers, all different, and enough to have an order."""
    numbers = all(is_number(value) for value in values)
    return numbers and len(values) >= 3 and len(set(values)) == len(values)


def of_values(values: Sequence[Any]) -> Categorical | Ordinal:
    """Return the dimension of a list: ranked if it is numbers, else unordered choices."""
    choices = distinct(_check_choices(values))
    return Ordinal(tuple(choices)) if rankable(choices) else Categorical(tuple(choices))

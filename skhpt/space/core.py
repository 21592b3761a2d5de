"""The space: named dimensions, conditions between them, and their unit cube."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .base import Dimension, SpaceError, freeze
from .conditions import Parameter, When, branches
from .counting import count, disjoint

# Alternatives that overlap are counted one by one up to this size.
COUNTABLE = 100_000
INACTIVE = 0.5


@dataclass(frozen=True)
class _Slot:
    """A dimension and its columns in the cube."""

    name: str
    dimension: Dimension
    columns: slice


@dataclass(frozen=True)
class _Member:
    """A parameter of one branch: its slot, and its conditions in terms of the cube."""

    name: str
    slot: int
    # the slot of each parent, and the rows that its columns may be equal to
    conditions: tuple[tuple[int, np.ndarray], ...]


class Space:
    """Named dimensions as one unit cube.

    Parameters
    ----------
    definition : dict of str to Dimension or When, or list of such dicts
        A list gives alternatives, of which a configuration has one; a When in the list
        belongs to every dict that has its parent. Everything that users may write instead
        of a Dimension is read by :func:`skhpt.space.parse`.

    Attributes
    ----------
    branches : tuple of tuples of Parameter
        The parameters of every alternative, parents before those that depend on them.
    dimensions : dict of str to Dimension
        The union over the alternatives; where they define a name differently, the first.
    width : int
        Number of columns of the cube.
    groups : list of (slice, bool)
        The columns of the choice between alternatives (if there are several) and of every
        dimension, and whether they are one-hot codes. Constants have no columns and do not
        appear; a dimension that several alternatives define equally appears once.

    Raises
    ------
    SpaceError
        If a name is not a string or is defined twice, or a condition can never hold.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpt.space import Categorical, Real, Space, When
    >>> space = Space({
    ...     "kernel": Categorical(["linear", "rbf"]),
    ...     "gamma": When("kernel", "rbf", Real(0.001, 1.0, log=True)),
    ... })
    >>> space.decode(np.array([0.0, 1.0, 0.0]))
    {'kernel': 'rbf', 'gamma': 0.001}
    >>> space.decode(np.array([1.0, 0.0, 0.0]))
    {'kernel': 'linear'}
    """

    def __init__(self, definition: Mapping[str, Any] | Sequence[Mapping[str, Any] | When]):
        self._build(branches(definition, _as_is))

    @classmethod
    def of(cls, branches: Sequence[Sequence[Parameter]]) -> Space:
        """Build a space from the parameters of its alternatives, parents first."""
        space = cls.__new__(cls)
        space._build(branches)
        return space

    def _build(self, branches: Sequence[Sequence[Parameter]]) -> None:
        self.branches: tuple[tuple[Parameter, ...], ...] = tuple(map(tuple, branches))
        self._n_choice = len(self.branches) if len(self.branches) > 1 else 0
        self._slots: list[_Slot] = []
        self._members = [self._place(branch) for branch in self.branches]
        self._conditional = bool(self._n_choice) or any(
            member.conditions for members in self._members for member in members
        )
        self.width: int = self._slots[-1].columns.stop if self._slots else self._n_choice
        self.groups: list[tuple[slice, bool]] = [
            (slot.columns, slot.dimension.categorical)
            for slot in self._slots
            if slot.dimension.n_columns
        ]
        if self._n_choice:
            self.groups.insert(0, (slice(0, self._n_choice), True))
        self.dimensions: dict[str, Dimension] = {}
        for slot in self._slots:
            self.dimensions.setdefault(slot.name, slot.dimension)

    def _place(self, branch: Sequence[Parameter]) -> tuple[_Member, ...]:
        """Give the parameters of a branch their columns, shared with equal ones."""
        members: dict[str, _Member] = {}
        for parameter in branch:
            conditions = []
            for condition in parameter.conditions:
                parent = members[condition.parent].slot
                encode = self._slots[parent].dimension.encode
                rows = np.array([encode(value) for value in condition.values])
                conditions.append((parent, rows))
            slot = self._slot(parameter.name, parameter.dimension)
            members[parameter.name] = _Member(parameter.name, slot, tuple(conditions))
        return tuple(members.values())

    def _slot(self, name: str, dimension: Dimension) -> int:
        for i, slot in enumerate(self._slots):
            if slot.name == name and slot.dimension == dimension:
                return i
        start = self._slots[-1].columns.stop if self._slots else self._n_choice
        columns = slice(start, start + dimension.n_columns)
        self._slots.append(_Slot(name, dimension, columns))
        return len(self._slots) - 1

    # -- the cube -----------------------------------------------------------------------------

    def snap(self, U: np.ndarray) -> np.ndarray:
        """Move points to the centre of their cell; inactive columns become 0.5.

        Parameters
        ----------
        U : ndarray of shape (n, width)

        Returns
        -------
        ndarray of shape (n, width)
            Equal to ``encode(decode(u))`` for every row, up to rounding.
        """
        U = np.asarray(U, dtype=float)
        result = np.empty(U.shape)
        if k := self._n_choice:
            result[:, :k] = np.eye(k)[np.argmax(U[:, :k], axis=1)]
        for slot in self._slots:
            result[:, slot.columns] = slot.dimension.snap(U[:, slot.columns])
        return self._blank(result)

    def _blank(self, U: np.ndarray) -> np.ndarray:
        """Set the columns of what does not exist to 0.5, in place."""
        if self._conditional:
            active = self._active(U)
            for i, slot in enumerate(self._slots):
                U[~active[:, i], slot.columns] = INACTIVE
        return U

    def _active(self, U: np.ndarray) -> np.ndarray:
        """Return which slots exist in snapped points, of shape (n, number of slots)."""
        active = np.zeros((len(U), len(self._slots)), dtype=bool)
        for b, members in enumerate(self._members):
            here = U[:, b] == 1.0 if self._n_choice else np.ones(len(U), dtype=bool)
            for member in members:
                exists = here
                for parent, rows in member.conditions:
                    columns = U[:, None, self._slots[parent].columns]
                    exists = exists & active[:, parent] & _same(columns, rows).any(axis=1)
                active[:, member.slot] |= exists
        return active

    def sample_unit(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw ``n`` snapped points, of shape (n, width).

        Alternatives are drawn uniformly, dimensions by their own distribution.
        """
        U = np.empty((n, self.width))
        if self._n_choice:
            U[:, : self._n_choice] = np.eye(self._n_choice)[rng.integers(self._n_choice, size=n)]
        for slot in self._slots:
            U[:, slot.columns] = slot.dimension.draw_unit(rng, n)
        return self._blank(U)

    # -- configurations -----------------------------------------------------------------------

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a configuration; see :meth:`sample_unit`."""
        b = int(rng.integers(self._n_choice)) if self._n_choice else 0
        params: dict[str, Any] = {}
        for member in self._members[b]:
            if self._exists(member, params):
                params[member.name] = self._slots[member.slot].dimension.draw(rng)
        return params

    def decode(self, u: np.ndarray) -> dict[str, Any]:
        """Return the configuration at a point of shape (width,): only names that exist."""
        row = self.snap(np.asarray(u, dtype=float)[None])
        active = self._active(row)[0]
        b = int(np.argmax(row[0, : self._n_choice])) if self._n_choice else 0
        slots = [self._slots[member.slot] for member in self._members[b] if active[member.slot]]
        return {slot.name: slot.dimension.decode(row[0, slot.columns]) for slot in slots}

    def encode(self, params: Mapping[str, Any]) -> np.ndarray:
        """Return the snapped point of a configuration, of shape (width,).

        Numbers outside of their range are clipped.

        Raises
        ------
        SpaceError
            If a name is missing or unknown (or should not exist beside the other values),
            or a value has no place.
        """
        reasons = []
        for b in self._preferred(params):
            try:
                return self._encode(b, params)
            except ValueError as error:
                reasons.append(str(error))
        raise self._outside(params, reasons)

    def _preferred(self, params: Mapping[str, Any]) -> list[int]:
        """Return the branches, those first that hold the configuration as it is."""
        order = range(len(self.branches))
        return sorted(order, key=lambda b: self._misfit(b, params)) if self._n_choice else [0]

    def _misfit(self, b: int, params: Mapping[str, Any]) -> int:
        """Return 0 for the very values of a branch, 1 for equal ones (1 for 1.0), 2 for others."""
        if not self._holds(b, params):
            return 2
        keys = {m.name: self._slots[m.slot].dimension.key for m in self._members[b]}
        return int(any(keys[name](value) != freeze(value) for name, value in params.items()))

    def _encode(self, b: int, params: Mapping[str, Any]) -> np.ndarray:
        row = np.full(self.width, INACTIVE)
        if self._n_choice:
            row[: self._n_choice] = np.arange(self._n_choice) == b
        names = set()
        for member in self._members[b]:
            slot = self._slots[member.slot]
            if not self._exists(member, params, names):
                continue
            if member.name not in params:
                raise ValueError(f"{member.name!r} is missing")
            row[slot.columns] = _encode(slot, params[member.name])
            names.add(member.name)
        for name in params:
            if name not in names:
                raise ValueError(self._surplus(name))
        return row

    def _surplus(self, name: str) -> str:
        if name in self.dimensions:
            return f"{name!r} does not exist beside the other values"
        near = difflib.get_close_matches(str(name), list(self.dimensions), n=1)
        return f"{name!r} is unknown" + (f" (did you mean {near[0]!r}?)" if near else "")

    def _exists(
        self, member: _Member, params: Mapping[str, Any], active: set[str] | None = None
    ) -> bool:
        """Whether a parameter exists beside the values of its parents."""
        active = params if active is None else active
        for parent, rows in member.conditions:
            slot = self._slots[parent]
            if slot.name not in active:
                return False
            if not _same(rows, _encode(slot, params[slot.name])).any():
                return False
        return True

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether ``params`` is a configuration: just the names that exist, legal values."""
        return any(self._holds(b, params) for b in range(len(self.branches)))

    def _holds(self, b: int, params: Mapping[str, Any]) -> bool:
        names = set()
        for member in self._members[b]:
            if not self._exists(member, params, names):
                continue
            dimension = self._slots[member.slot].dimension
            if member.name not in params or not dimension.contains(params[member.name]):
                return False
            names.add(member.name)
        return names == set(params)

    def active(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``params`` without the names that do not exist beside the other values.

        Useful for the parameters of an estimator, which has them all. Of several
        alternatives, one that holds what is left is preferred, then one that keeps more.

        Raises
        ------
        SpaceError
            If the names of no alternative are all there, or a parent's value has no place.
        """
        found, reasons = [], []
        for b in range(len(self.branches)):
            try:
                kept = self._kept(b, params)
            except ValueError as error:
                reasons.append(str(error))
            else:
                found.append((not self._holds(b, kept), -len(kept), b, kept))
        if not found:
            raise self._outside(params, reasons)
        return min(found)[-1]

    def _kept(self, b: int, params: Mapping[str, Any]) -> dict[str, Any]:
        names: set[str] = set()
        for member in self._members[b]:
            if self._exists(member, params, names):
                if member.name not in params:
                    raise ValueError(f"{member.name!r} is missing")
                names.add(member.name)
        return {name: value for name, value in params.items() if name in names}

    @staticmethod
    def _outside(params: Mapping[str, Any], reasons: Sequence[str]) -> SpaceError:
        why = "; or ".join(dict.fromkeys(reasons))
        return SpaceError(f"{dict(params)!r} is not in the space: {why}")

    def key(self, params: Mapping[str, Any]) -> Hashable:
        """Return something hashable, equal exactly for the same configuration.

        Works for configurations outside of the space as well.
        """
        b = self._preferred(params)[0]
        slots = {m.name: self._slots[m.slot].dimension for m in self._members[b]}
        return frozenset(
            (name, slots[name].key(value) if name in slots else freeze(value))
            for name, value in params.items()
        )

    # -- finite spaces ------------------------------------------------------------------------

    @cached_property
    def size(self) -> float:
        """Number of distinct configurations, ``math.inf`` if there is no end of them.

        Overlapping alternatives count common configurations once, as long as there are at
        most 100,000 to compare; beyond, the number is an upper bound.
        """
        total = sum(count(branch) for branch in self.branches)
        if math.isinf(total) or total > COUNTABLE or disjoint(self.branches):
            return total
        return sum(1 for _ in self.enumerate())

    def enumerate(self) -> Iterator[dict[str, Any]]:
        """Yield every configuration of a finite space once.

        Without conditions the order is that of scikit-learn's ``ParameterGrid``.

        Raises
        ------
        SpaceError
            If a dimension has no end of values.
        """
        for name, dimension in self.dimensions.items():
            if math.isinf(dimension.size):
                raise SpaceError(
                    f"parameter {name!r} has no end of values ({dimension!r}), so that the "
                    "configurations cannot be enumerated: give a list of values"
                )
        return self._enumerate()

    def _enumerate(self) -> Iterator[dict[str, Any]]:
        seen: set[Hashable] | None = None if disjoint(self.branches) else set()
        for members in self._members:
            for params in self._extend({}, members):
                if seen is None:
                    yield params
                elif (key := self.key(params)) not in seen:
                    seen.add(key)
                    yield params

    def _extend(
        self, params: dict[str, Any], members: Sequence[_Member]
    ) -> Iterator[dict[str, Any]]:
        if not members:
            yield params
            return
        member, rest = members[0], members[1:]
        if not self._exists(member, params):
            yield from self._extend(params, rest)
            return
        for value in self._slots[member.slot].dimension.values():
            yield from self._extend({**params, member.name: value}, rest)

    # -- identity -----------------------------------------------------------------------------

    @property
    def conditional(self) -> bool:
        """Whether some parameter exists only for some values of another one."""
        return any(p.conditions for branch in self.branches for p in branch)

    def __eq__(self, other: object) -> bool:
        return self.branches == other.branches if isinstance(other, Space) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self.dimensions))

    def __repr__(self) -> str:
        shown = []
        for branch in self.branches:
            parts = []
            for parameter in branch:
                text = repr(parameter.dimension)
                for condition in reversed(parameter.conditions):
                    text = f"When({condition.parent!r}, {list(condition.values)!r}, {text})"
                parts.append(f"{parameter.name!r}: {text}")
            shown.append("{" + ", ".join(parts) + "}")
        return f"Space({shown[0] if len(shown) == 1 else '[' + ', '.join(shown) + ']'})"


def _as_is(name: str, entry: Any) -> Dimension:
    if not isinstance(entry, Dimension):
        raise SpaceError(
            f"parameter {name!r} must be a Dimension here, got {entry!r}: "
            "skhpt.space.parse reads every other notation"
        )
    return entry


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether snapped points are the same, up to the rounding of logarithms."""
    return (np.abs(a - b) < 1e-12).all(axis=-1)


def _encode(slot: _Slot, value: Any) -> np.ndarray:
    try:
        return slot.dimension.encode(value)
    except ValueError as error:
        raise ValueError(f"parameter {slot.name!r}: {error}") from error

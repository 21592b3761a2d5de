"""Dimensions over a distribution: frozen ones of scipy.stats, and anything with ``rvs``."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from .base import Dimension, SpaceError, distinct, freeze, generator, is_number
from .choices import nearest, of_values

# Where an unbounded distribution is cut: one draw in ten thousand lies beyond each end.
TAIL = 1e-4
# And a bounded one: ppf(0) of a discrete distribution lies below its values, ppf(1) beyond all
# that ppf(cdf(k)) can tell apart, and near 0 some ppf do not converge.
MARGIN = 1e-12
# A discrete distribution with more values than this is thinned out in the cube.
COUNTABLE = 10_000
THINNED = 1_000
SAMPLE = 256


class _Cells(NamedTuple):
    """The values of a discrete distribution, and the part of the cube that each one has."""

    values: np.ndarray  # sorted
    upper: np.ndarray  # where its part ends
    centres: np.ndarray
    complete: bool  # whether these are all the values that the cut leaves

    def at(self, u: Any) -> Any:
        """Return the number of the cell in which ``u`` lies; vectorised."""
        return np.minimum(np.searchsorted(self.upper, u), len(self.values) - 1)


@dataclass(frozen=True, eq=False, repr=False)
class Frozen(Dimension):
    """A frozen distribution of scipy.stats, placed in the cube by its quantiles.

    ``u`` stands for the value ``dist.ppf(u)``, so that a uniform draw from the cube follows
    the distribution. Where it is unbounded, the cube ends at the quantiles 0.0001 and
    0.9999; values beyond are legal but placed at the end. ``rvs`` is that of the
    distribution itself.

    Parameters
    ----------
    dist : frozen distribution of scipy.stats
        Continuous or discrete.
    step : float, default=None
        If given, values are rounded to its multiples (ints if the step is an int); for
        continuous distributions only.

    Raises
    ------
    SpaceError
        If ``dist`` is not a frozen distribution with finite quantiles.
    """

    dist: Any
    step: float | None = None

    def __post_init__(self) -> None:
        if not is_frozen(self.dist):
            raise SpaceError(
                f"Frozen takes a frozen scipy.stats distribution such as norm(0, 1), "
                f"got {self.dist!r}"
            )
        ends = self.dist.support()
        if any(np.ndim(end) for end in ends):
            raise SpaceError(f"{self!r} draws arrays: give its parameters as single numbers")
        discrete = hasattr(self.dist, "pmf")
        self._check_step(discrete)
        low = TAIL if math.isinf(ends[0]) else MARGIN
        high = 1.0 - (TAIL if math.isinf(ends[1]) else MARGIN)
        if not np.isfinite(self.dist.ppf([low, high])).all():
            raise SpaceError(f"{self!r} has no finite quantiles: check its parameters")
        object.__setattr__(self, "_discrete", discrete)
        object.__setattr__(self, "_ends", (float(ends[0]), float(ends[1])))
        object.__setattr__(self, "_cut", (low, high))
        cells = self._cut_up()
        object.__setattr__(self, "_cells", cells)
        if cells is not None and cells.complete and all(map(math.isfinite, ends)):
            object.__setattr__(self, "size", len(cells.values))

    def _check_step(self, discrete: bool) -> None:
        if self.step is None:
            return
        if discrete or not is_number(self.step) or not 0 < self.step < math.inf:
            raise SpaceError(
                f"step must be a number above 0, and only for continuous distributions, "
                f"got step={self.step!r}"
            )

    def _cut_up(self) -> _Cells | None:
        """Return the cells of the cube, None for a continuous distribution."""
        step = 1 if self._discrete else self.step
        if step is None:
            return None
        x, complete = self._grid(step)
        upper = np.clip(self.dist.cdf(x if self._discrete else x + step / 2), *self._cut)
        lower = np.concatenate([self._cut[:1], upper[:-1]])
        wide = upper - lower > MARGIN
        return _Cells(x[wide], upper[wide], (lower + upper)[wide] / 2, complete)

    def _grid(self, step: float) -> tuple[np.ndarray, bool]:
        """Return the values in their order, and whether all of them."""
        own = getattr(self.dist.dist, "xk", None)  # the values of rv_discrete(values=...)
        if own is not None:
            return np.unique(own), True
        first, last = np.rint(self.dist.ppf(self._cut) / step)
        if last - first < COUNTABLE:
            return np.arange(first, last + 1) * step, True
        return np.unique(self._round(self.dist.ppf(np.linspace(*self._cut, THINNED)))), False

    # -- the contract -------------------------------------------------------------------

    def _round(self, x: Any) -> Any:
        return x if self.step is None else np.rint(x / self.step) * self.step

    def decode(self, u: np.ndarray) -> int | float:
        u = np.clip(u[0], *self._cut)
        if self._cells is None:
            return float(self.dist.ppf(u))
        return self._plain(self._cells.values[self._cells.at(u)])

    def encode(self, value: Any) -> np.ndarray:
        if not is_number(value):
            raise ValueError(f"{self!r} can only place numbers, got {value!r}")
        if self._cells is None:
            return np.clip([self.dist.cdf(float(value))], *self._cut)
        return self._cells.centres[[nearest(self._cells.values, value)]]

    def snap(self, U: np.ndarray) -> np.ndarray:
        U = np.clip(U, *self._cut)
        return U if self._cells is None else self._cells.centres[self._cells.at(U)]

    def contains(self, value: Any) -> bool:
        if not is_number(value) or math.isinf(value):
            return False
        if self._discrete:
            return bool(self.dist.pmf(value) > 0)
        low, high = self._ends
        if self.step is None:
            return low <= value <= high
        steps, half = value / self.step, self.step / 2
        return abs(steps - round(steps)) < 1e-6 and low - half <= value <= high + half

    def values(self) -> list[Any]:
        if math.isinf(self.size):
            return super().values()
        return [self._plain(value) for value in self._cells.values]

    def levels(self, n: int) -> list[Any]:
        """Return the values at the middles of ``n`` equally probable parts."""
        return distinct([self.decode(np.array([(i + 0.5) / n])) for i in range(n)])

    def key(self, value: Any) -> Hashable:
        if not is_number(value):
            return freeze(value)
        whole = self._discrete or isinstance(self.step, int)
        return freeze(_number(value) if whole else float(value))

    def rvs(self, size: int | tuple[int, ...] | None = None, random_state: Any = None) -> Any:
        """Draw from the distribution itself; see :meth:`Dimension.rvs`."""
        drawn = self._round(self.dist.rvs(size=size, random_state=random_state))
        return self._plain(drawn) if size is None else drawn

    def _plain(self, x: Any) -> int | float:
        """Return a number of scipy as an int where all the values are, else as a float."""
        if self._discrete or isinstance(self.step, int):
            return _number(x)
        return float(x) if self.step is None else float(f"{x:.14g}")

    # -- identity -------------------------------------------------------------------------

    def _named(self) -> bool:
        """Whether scipy.stats knows the distribution by its name."""
        known = getattr(scipy.stats, self.dist.dist.name or "", None)
        return type(known) is type(self.dist.dist)

    def _identity(self) -> Hashable:
        own = self.dist.dist
        if self._named():
            return freeze((own.name, self.dist.args, self.dist.kwds, self.step))
        if hasattr(own, "xk"):
            return freeze((own.xk, own.pk, self.dist.args, self.dist.kwds))
        return freeze((self.dist, self.step))

    def __repr__(self) -> str:
        if not self._named():
            return super().__repr__()
        parts = [repr(arg) for arg in self.dist.args]
        parts += [f"{name}={value!r}" for name, value in self.dist.kwds.items()]
        step = "" if self.step is None else f", step={self.step!r}"
        return f"Frozen(scipy.stats.{self.dist.dist.name}({', '.join(parts)}){step})"


def is_frozen(dist: Any) -> bool:
    """Whether ``dist`` is a frozen univariate distribution of scipy.stats, or looks like it."""
    return hasattr(dist, "dist") and all(
        hasattr(dist, name) for name in ("ppf", "cdf", "rvs", "support", "args", "kwds")
    )


def _number(x: Any) -> int | float:
    return int(x) if float(x).is_integer() else float(x)


@dataclass(frozen=True, eq=False, repr=False)
class Drawn(Dimension):
    """Anything that can only draw: an object with ``rvs(random_state=...)``.

    In the cube, 256 values stand for it, drawn once with a fixed seed: by their rank if
    they are numbers (other numbers then go to the nearest), else as unordered choices.
    ``rvs`` is that of the object itself.

    Parameters
    ----------
    dist : object with ``rvs``
        As scikit-learn's ``ParameterSampler`` accepts it.

    Raises
    ------
    SpaceError
        If drawing fails.
    """

    dist: Any

    def __post_init__(self) -> None:
        if not hasattr(self.dist, "rvs"):
            raise SpaceError(f"Drawn takes an object with a method rvs, got {self.dist!r}")
        rng = generator(0)
        try:
            sample = [_plain(self.dist.rvs(random_state=rng)) for _ in range(SAMPLE)]
        except Exception as error:
            raise SpaceError(
                f"{self.dist!r} must draw one value with rvs(random_state=...), but that "
                f"raised {type(error).__name__}: {error}"
            ) from error
        stand_in = of_values(sample)
        object.__setattr__(self, "_stand_in", stand_in)
        object.__setattr__(self, "_numeric", all(is_number(value) for value in sample))
        object.__setattr__(self, "n_columns", stand_in.n_columns)
        object.__setattr__(self, "categorical", stand_in.categorical)

    def decode(self, u: np.ndarray) -> Any:
        return self._stand_in.decode(u)

    def encode(self, value: Any) -> np.ndarray:
        return self._stand_in.encode(value)

    def snap(self, U: np.ndarray) -> np.ndarray:
        return self._stand_in.snap(U)

    def contains(self, value: Any) -> bool:
        """Whether ``value`` can be placed; what the object might draw cannot be known."""
        if self._numeric and not self.categorical:
            return is_number(value)
        return self._stand_in.contains(value)

    def levels(self, n: int) -> list[Any]:
        return self._stand_in.levels(n)

    def key(self, value: Any) -> Hashable:
        return self._stand_in.key(value)

    def draw(self, rng: Any) -> Any:
        value = self.rvs(random_state=rng)
        return value if self.contains(value) else self._stand_in.rvs(random_state=rng)

    def rvs(self, size: int | tuple[int, ...] | None = None, random_state: Any = None) -> Any:
        """Draw from the object itself; see :meth:`Dimension.rvs`."""
        rng = generator(random_state)
        if isinstance(rng, np.random.Generator):  # what such objects know is a RandomState
            rng = generator(int(rng.integers(2**32)))
        if size is None:
            return _plain(self.dist.rvs(random_state=rng))
        return self.dist.rvs(size=size, random_state=rng)

    def __repr__(self) -> str:
        return f"Drawn({self.dist!r})"


def _plain(value: Any) -> Any:
    """Return a numpy scalar as the Python number that it is."""
    return value.item() if isinstance(value, np.generic) else value

"""scikit-optimize's ``Optimizer``, for those who know it or need one of its surrogates.

Needs ``scikit-optimize``: ``pip install scikit-optimize``.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import skopt
from skopt.space import Categorical as SkoptCategorical
from skopt.space import Integer as SkoptInteger
from skopt.space import Real as SkoptReal
from skopt.space import Space as SkoptSpace
from skopt.utils import cook_estimator, normalize_dimensions

from ..space.base import Dimension, SpaceError, is_number
from ..space.core import Space
from ..space.dimensions import Categorical, Integer, Ordinal, Real
from ..trial import Status, Trial
from ._memory import FoldEffects, Seen
from ._surrogate import one_thread
from .base import Sampler

# What a search decides itself; the values say what to do instead.
RESERVED = {
    "dimensions": "they are made from the search space",
    "space_constraint": "write conditions with When, or alternatives as a list of dicts",
}

# The options of the initial design, which is made once.
DESIGN = ("n_initial_points", "n_random_starts", "initial_point_generator")

# A fit that took no measurable time still has a logarithm.
SHORTEST = 1e-6


class SkoptSampler(Sampler):
    """Ask scikit-optimize for the next configuration.

    It sees the unit cube of the space: a real number for every numeric column and the
    position of the choice for everything categorical, so that any space and any value can
    be given. Configurations are proposed once.

    Parameters
    ----------
    space : Space
        What may be proposed.
    random_state : int
        Seed of every choice.
    optimizer_kwargs : mapping or None
        Keyword arguments of ``skopt.Optimizer``, for instance ``base_estimator`` ("GP",
        "RF", "ET", "GBRT" or a regressor), ``acq_func``, ``n_initial_points`` or
        ``initial_point_generator``. With ``acq_func="EIps"`` and ``"PIps"`` the seconds of a
        trial are its cost. A ``random_state`` among them overrides `random_state`.

    Raises
    ------
    ValueError
        When `optimizer_kwargs` has an entry that the search decides itself.

    Notes
    -----
    Pending trials are told with a lie, the best score so far, as scikit-optimize does by
    default; failed ones get the worst score so far. Trials of every origin count towards
    ``n_initial_points``.

    The optimizer is made anew for every proposal and told everything at once: the lies leave
    no trace, and the surrogate is fitted once a proposal all the same. Only the gains of the
    ``"gp_hedge"`` portfolio are handed on.

    References
    ----------
    D. Ginsbourger, R. Le Riche and L. Carraro, "Kriging is well-suited to parallelize
    optimization", in Computational Intelligence in Expensive Optimization Problems (2010)
    (lies for pending points).
    """

    def __init__(
        self,
        space: Space,
        random_state: int,
        optimizer_kwargs: Mapping[str, Any] | None = None,
    ):
        options = dict(optimizer_kwargs or {})
        for name in RESERVED.keys() & options.keys():
            raise ValueError(
                f"optimizer_kwargs must not contain {name!r}, got {options[name]!r}; "
                f"{RESERVED[name]}"
            )
        super().__init__(space, _seed(options.pop("random_state", random_state)))
        self._options = options
        self._seen = Seen(space, self.rng)
        self._folds = FoldEffects()
        self._pending: dict[Hashable, list[Any]] = {}
        self._points: list[list[Any]] = []
        self._seconds: list[float] = []
        self._last: skopt.Optimizer | None = None
        self._design = self._initial_points()
        self._n_initial = len(self._design)

    def ask(self) -> dict[str, Any] | None:
        if self._seen.exhausted:
            return None
        params = self._propose()
        if params is None or not self._seen.add(params):
            params = self._seen.draw()
        if params is not None:
            self._start(params)
        return params

    def tell(self, trial: Trial) -> None:
        self._seen.add_foreign(trial.params)
        self._start(trial.params)
        if trial.status is Status.RUNNING:
            return
        point = self._pending.pop(self.space.key(trial.params), None)
        if point is not None:
            self._points.append(point)
            self._folds.append(trial)
            self._seconds.append(max(trial.seconds, SHORTEST))

    def _start(self, params: Mapping[str, Any]) -> None:
        try:
            point = self._encode(params)
        except ValueError:
            return  # not expressible in the space: nothing to learn from
        self._pending.setdefault(self.space.key(params), point)

    # -- the optimizer ------------------------------------------------------------------

    def _make(self, options: Mapping[str, Any]) -> skopt.Optimizer:
        """Make an optimizer with a seed of its own."""
        seed = int(self.rng.integers(2**31))
        try:
            return skopt.Optimizer(_dimensions(self.space), random_state=seed, **options)
        except TypeError as error:
            raise TypeError(
                f"optimizer_kwargs must be keyword arguments of skopt.Optimizer, got "
                f"{dict(self._options)!r}: {error}"
            ) from error

    def _initial_points(self) -> list[list[Any]]:
        """Return the points of the initial design, the first one last."""
        if not self.space.width:
            return []
        with _quiet(), one_thread:
            optimizer = self._make(self._options)
            points = []
            for _ in range(optimizer.n_initial_points_):
                points.append(optimizer.ask())
                optimizer.tell(points[-1], self._costs([0.0], [1.0])[0], fit=False)
        return points[::-1]

    def _propose(self) -> dict[str, Any] | None:
        """Return what scikit-optimize wants next; None when it knows too little."""
        if self._design and len(self._points) + len(self._pending) < self._n_initial:
            return self._decode(self._design.pop())
        if not self.space.width or not np.isfinite(self._folds.scores()).any():
            return None
        options = {name: value for name, value in self._options.items() if name not in DESIGN}
        with _quiet(), one_thread:
            optimizer = self._make({**options, "n_initial_points": 0})
            if hasattr(self._last, "gains_"):
                optimizer.gains_, optimizer.next_xs_ = self._last.gains_, self._last.next_xs_
            optimizer.tell(*self._observations())
            self._last = optimizer
            return self._decode(optimizer.ask())

    def _observations(self) -> tuple[list[list[Any]], list[Any]]:
        """Return all points and their costs, with a lie where there is no score."""
        scores = self._folds.scores()
        finite = scores[np.isfinite(scores)]
        scores[~np.isfinite(scores)] = finite.min()
        n_pending = len(self._pending)
        scores = [*scores.tolist(), *[float(finite.max())] * n_pending]
        seconds = [*self._seconds, *[float(np.mean(self._seconds))] * n_pending]
        return [*self._points, *self._pending.values()], self._costs(scores, seconds)

    def _costs(self, scores: list[float], seconds: list[float]) -> list[Any]:
        """Return what scikit-optimize minimises; ``acq_func="EIps"`` and the like want times."""
        if self._options.get("acq_func", "").endswith("ps"):
            return [(-score, time) for score, time in zip(scores, seconds)]
        return [-score for score in scores]

    # -- points ---------------------------------------------------------------------------

    def _encode(self, params: Mapping[str, Any]) -> list[Any]:
        row = self.space.encode(params)
        point: list[Any] = []
        for columns, categorical in self.space.groups:
            part = row[columns]
            point += [int(np.argmax(part))] if categorical else part.tolist()
        return point

    def _decode(self, point: list[Any]) -> dict[str, Any]:
        row = np.zeros(self.space.width)
        rest = iter(point)
        for columns, categorical in self.space.groups:
            if categorical:
                row[columns.start + int(next(rest))] = 1.0
            else:
                row[columns] = [next(rest) for _ in range(columns.stop - columns.start)]
        return self.space.decode(row)


def _seed(random_state: Any) -> int:
    if not isinstance(random_state, numbers.Integral):
        raise ValueError(
            f"optimizer_kwargs['random_state'] must be an int, got {random_state!r}; "
            "leave it out to use the random_state of the search"
        )
    return int(random_state)


def _dimensions(space: Space) -> list[Any]:
    dimensions: list[Any] = []
    for columns, categorical in space.groups:
        n_columns = columns.stop - columns.start
        if categorical:
            dimensions.append(SkoptCategorical(range(n_columns)))
        else:
            dimensions += [SkoptReal(0.0, 1.0) for _ in range(n_columns)]
    return dimensions


def native_space(space: Space, seen: Mapping[str, Sequence[Any]]) -> SkoptSpace:
    """Return a space as scikit-optimize writes it, one dimension a parameter, sorted by name.

    Parameters
    ----------
    space : Space
    seen : mapping of str to sequence
        Values of each parameter that there have to be a place for. They widen a range, and
        are all that is known of a distribution without bounds.

    Raises
    ------
    SpaceError
        When the space has conditions or alternatives: scikit-optimize has no word for them.
    """
    if space.conditional or len(space.branches) > 1:
        raise SpaceError(
            "scikit-optimize has no dimensions for parameters that exist only beside some values "
            f"of others, got {space!r}; plot x_iters and func_vals, or cv_results_, instead"
        )
    with _quiet():
        return normalize_dimensions(
            [_native(name, space.dimensions[name], seen[name]) for name in sorted(space.dimensions)]
        )


def surrogate(space: SkoptSpace, points: Sequence[Sequence[Any]], values: np.ndarray) -> Any:
    """Fit scikit-optimize's Gaussian process to what has been found; all values are finite."""
    with _quiet(), one_thread:
        model = cook_estimator("GP", space=space, random_state=0)
        return model.fit(space.transform(points), values)


def _native(name: str, dimension: Dimension, seen: Sequence[Any]) -> Any:
    if isinstance(dimension, Real | Integer):
        bounds, log = [dimension.low, dimension.high], dimension.log
    else:
        bounds, log = [], False
    if (bounds or math.isinf(dimension.size)) and all(map(is_number, seen)):
        low, high = min([*bounds, *seen], default=0.0), max([*bounds, *seen], default=1.0)
        whole = all(isinstance(value, numbers.Integral) for value in (low, high, *seen))
        prior = "log-uniform" if log and low > 0 else "uniform"
        if low < high:
            return (SkoptInteger if whole else SkoptReal)(low, high, prior=prior, name=name)
    listed = dimension.values() if isinstance(dimension, Categorical | Ordinal) else []
    # scikit-optimize tells values apart by == alone: 1, 1.0 and True are one category.
    return SkoptCategorical(list(dict.fromkeys([*listed, *seen])), name=name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings about versions, convergence and repeated points, for a moment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

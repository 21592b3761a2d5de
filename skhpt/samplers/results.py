"""What a search has found, in the form that ``scipy.optimize`` and scikit-optimize report it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ..space.base import SpaceError
from ..space.core import Space
from ..trial import Status, Trial
from ._memory import FoldEffects

# Of these something is known; the others are still running or were cut off.
ENDED = (Status.COMPLETE, Status.RACED, Status.FAILED)


def optimize_result(space: Space, trials: Sequence[Trial]) -> OptimizeResult:
    """Report the trials of a space as a minimisation of the negated score.

    Parameters
    ----------
    space : Space
        What the trials were drawn from.
    trials : sequence of Trial
        In the order of the proposals. Those that have not ended, and those that cannot be
        chosen because they lie outside of a space that the user wrote, are left out.

    Returns
    -------
    result : scipy.optimize.OptimizeResult
        ``x_iters``, a list of values for each configuration, sorted by the name of the
        parameter, None where it did not exist beside the others; ``func_vals``, ndarray, minus
        the score of each; ``x`` and ``fun``, those of the best complete configuration, the
        first of equals; ``space``, :class:`Axes`; ``models``, :class:`Models`;
        ``random_state``, None; and ``specs``. Before anything has ended, ``x`` is None and
        ``fun`` infinite.

    Notes
    -----
    The value of a configuration that failed is infinity: the worst there is, so that minima,
    sorting and comparisons say what they should, which NaN would spoil. A configuration that
    was dropped early has the score that its folds let expect, and is never ``x``.
    """
    ended = [trial for trial in trials if trial.eligible and trial.status in ENDED]
    names = sorted(space.dimensions)
    points = [[trial.params.get(name) for name in names] for trial in ended]
    values = _costs(ended)
    chosen = np.where([trial.status is Status.RACED for trial in ended], np.inf, values)
    best = int(np.argmin(chosen)) if ended else None
    axes = Axes(space, points)
    return OptimizeResult(
        x=None if best is None else points[best],
        fun=math.inf if best is None else float(chosen[best]),
        x_iters=points,
        func_vals=values,
        models=Models(axes, points, values),
        space=axes,
        random_state=None,
        specs={"args": {"dimensions": axes}, "function": "skhpt"},
    )


def _costs(trials: Sequence[Trial]) -> np.ndarray:
    effects = FoldEffects()
    for trial in trials:
        effects.append(trial)
    scores = effects.scores()
    return np.where(np.isnan(scores), np.inf, -scores)


class Axes:
    """A space with one axis for each parameter, in the order of the values of a result.

    It has the attributes of ``skopt.space.Space`` too, for scikit-optimize's plots and
    callbacks; they need that package when they are first looked at.

    Parameters
    ----------
    space : Space
    points : list of list
        The configurations of the result. Numbers out of range, which users may give, widen an
        axis; where a distribution has no bounds, they span it.

    Attributes
    ----------
    space : Space
    names : list of str
        The parameter of each axis.
    """

    def __init__(self, space: Space, points: list[list[Any]]):
        self.space = space
        self.names = sorted(space.dimensions)
        self._points = points

    @cached_property
    def _theirs(self) -> Any:
        from .skopt import native_space

        return native_space(self.space, self._seen())

    def _seen(self) -> Mapping[str, list[Any]]:
        return {name: [point[i] for point in self._points] for i, name in enumerate(self.names)}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not self.__dict__:  # being copied or unpickled
            raise AttributeError(name)
        try:
            return getattr(self._theirs, name)
        except SpaceError as error:
            raise AttributeError(str(error)) from error
        except ImportError as error:
            raise AttributeError(
                f"{name!r} is an attribute of scikit-optimize's Space, and that package cannot "
                f"be imported ({error}): pip install scikit-optimize, or use .space and .names"
            ) from error

    def __iter__(self) -> Iterator[Any]:
        return iter(self.dimensions)

    def __contains__(self, point: Sequence[Any]) -> bool:
        return point in self._theirs

    def __repr__(self) -> str:
        return f"Axes({self.names!r} of {self.space!r})"


class Models(Sequence):
    """The model that scikit-optimize's plots draw, as the only entry of a sequence.

    It is a Gaussian process of scikit-optimize's, fitted to the result when it is first looked
    at, whatever proposed the configurations. There is none for a space with conditions or
    alternatives, nor before a configuration has a score.

    Parameters
    ----------
    axes : Axes
    points : list of list
    values : ndarray of shape (n_points,)
        Infinite where a configuration failed; for the model it is as bad as the worst other.
    """

    def __init__(self, axes: Axes, points: list[list[Any]], values: np.ndarray):
        self._axes, self._points, self._values = axes, points, values

    @cached_property
    def _fitted(self) -> list[Any]:
        from .skopt import surrogate

        if not len(self):
            return []
        worst = self._values[np.isfinite(self._values)].max()
        return [surrogate(self._axes, self._points, np.minimum(self._values, worst))]

    def __len__(self) -> int:
        space = self._axes.space
        plain = not space.conditional and len(space.branches) == 1 and space.width > 0
        return int(plain and np.isfinite(self._values).any())

    def __getitem__(self, index):
        return self._fitted[index]

    def __repr__(self) -> str:
        return f"Models(n={len(self)})"

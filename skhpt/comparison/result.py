"""What a contest has found, and how it is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..t_test import corrected_t_test
from .statistics import PairedTest, compare_pairs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Point:
    """A configuration that was the best so far.

    Attributes
    ----------
    trials, fits : int
        Tried up to then, this one included.
    cpu : float
        CPU seconds up to then.
    cv_score : float
        By which the search chose it.
    test_score : float
        On the held-out rows, which the search did not see.
    """

    trials: int
    fits: int
    cpu: float
    cv_score: float
    test_score: float


@dataclass(frozen=True)
class Run:
    """One search in one repeat.

    Attributes
    ----------
    search : str
    repeat : int
        From 1.
    trials, fits : int
        Configurations tried, and fits of the cross-validation.
    cpu, wall : float
        Seconds of ``fit``, the search's own arithmetic and its refit included.
    cv_score : float
        ``best_score_``; optimistic, as the winner was chosen by it.
    test_score, default_test_score : float
        Of the refitted winner and of the estimator as given, on the held-out rows.
    best_params : dict
    stop_reason : str or None
        Where the search says why it ended.
    error : str or None
        What it raised; the numbers are NaN or 0 then.
    curve : tuple of Point
        The incumbents in the order in which they were found.
    """

    search: str
    repeat: int
    trials: int = 0
    fits: int = 0
    cpu: float = math.nan
    wall: float = math.nan
    cv_score: float = math.nan
    test_score: float = math.nan
    default_test_score: float = math.nan
    best_params: Mapping[str, Any] = field(default_factory=dict)
    stop_reason: str | None = None
    error: str | None = None
    curve: tuple[Point, ...] = ()

    @property
    def gain(self) -> float:
        """Held-out score of the winner minus that of the default."""
        return self.test_score - self.default_test_score


@dataclass(frozen=True)
class Comparison:
    """What :func:`~skhpt.compare` returns; rows come in the order in which they were run.

    Attributes
    ----------
    runs : list of Run
        Every search in every repeat, the failed ones too.
    names : list of str
        The searches, as they were given.
    metric : str
        What all scores are; greater is better.
    budget : str or None
        What each search could spend.
    test_share : float
        Held-out rows divided by rows for tuning.
    same_rows : bool
        Whether all repeats held the same rows out, as with splitters that are ordered in time.
    notes : list of str
        What has to be known to read the numbers.
    unheld : list of str
        The searches that the budget could not be given to, which ran as they were set up.
    """

    runs: list[Run]
    names: list[str]
    metric: str
    budget: str | None
    test_share: float
    same_rows: bool = False
    notes: list[str] = field(default_factory=list)
    unheld: list[str] = field(default_factory=list)

    # -- tables -----------------------------------------------------------------------------

    def of(self, name: str) -> list[Run]:
        """The runs of a search that have ended well, by repeat."""
        runs = [r for r in self.runs if r.search == name and not math.isnan(r.test_score)]
        return sorted(runs, key=lambda run: run.repeat)

    @cached_property
    def tests(self) -> list[PairedTest]:
        """The corrected resampled t-test of every pair of searches, on held-out scores."""
        scores = {
            name: {run.repeat: run.test_score for run in self.of(name)} for name in self.names
        }
        return compare_pairs(scores, self.test_share, same_rows=self.same_rows)

    def to_frame(self, kind: str = "runs") -> pd.DataFrame:
        """Return a tidy pandas frame.

        Parameters
        ----------
        kind : {"runs", "curves", "tests"}, default="runs"
            One row a search and repeat; one an incumbent; one a pair of searches.

        Raises
        ------
        ImportError
            When pandas is not installed.
        ValueError
            When there is no such kind.
        """
        tables = {"runs": self._run_rows, "curves": self._curve_rows, "tests": self._test_rows}
        if kind not in tables:
            raise ValueError(f"kind must be one of {', '.join(map(repr, tables))}; got {kind!r}.")
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas.") from error
        columns, rows = tables[kind]()
        return pd.DataFrame(rows, columns=columns)

    def _run_rows(self):
        names = [f.name for f in fields(Run) if f.name not in ("curve", "best_params")]
        place = names.index("default_test_score") + 1
        columns = [*names[:place], "gain", *names[place:], "best_params"]
        return columns, [[getattr(run, name) for name in columns] for run in self.runs]

    def _curve_rows(self):
        names = [f.name for f in fields(Point)]
        columns = ["search", "repeat", *names, "gain"]
        rows = []
        for run in self.runs:
            for point in run.curve:
                gain = point.test_score - run.default_test_score
                rows.append([run.search, run.repeat, *(getattr(point, n) for n in names), gain])
        return columns, rows

    def _test_rows(self):
        columns = ["first", "second", "n_repeats", "difference", "low", "high", "t", "p_value"]
        columns += ["p_adjusted", "low_adjusted", "high_adjusted"]
        columns += ["effect_size", "effect", "n_won", "n_lost"]
        rows = []
        for test in self.tests:
            low, high = test.interval_adjusted
            known = {"low": test.interval[0], "high": test.interval[1]}
            known |= {"low_adjusted": low, "high_adjusted": high}
            rows.append([known.get(c, getattr(test, c, None)) for c in columns])
        return columns, rows

    def summary(self) -> list[dict[str, Any]]:
        """Means over the repeats, one dict a search, the best held-out gain first.

        ``n`` repeats ended well and ``failed`` did not; ``sd`` is the standard deviation of the
        gain over the repeats; ``low`` and ``high`` are its 95 % confidence interval by the
        corrected resampled t-test, NaN where there is none. They are for this search alone, not
        adjusted for the number of searches, as the tests of pairs are.
        """
        rows = []
        for name in self.names:
            runs = self.of(name)
            n_failed = sum(run.search == name and run.error is not None for run in self.runs)
            gains = [] if self.same_rows else [run.gain for run in runs]
            *_, low, high = corrected_t_test(gains, self.test_share)
            known = {"search": name, "n": len(runs), "failed": n_failed, "low": low, "high": high}
            rows.append({**known, **_means(runs)})
        return sorted(rows, key=lambda row: -np.nan_to_num(row["gain"], nan=-np.inf))

    # -- shown --------------------------------------------------------------------------------

    def __str__(self) -> str:
        from .text import as_text

        return as_text(self)

    __repr__ = __str__

    def plot(self, x: str | Sequence[str] = ("trials", "fits", "cpu"), *, y="gain", axes=None):
        """Draw how the held-out score of the incumbent grew.

        The line is the mean over the repeats, the band holds the middle half of them. Each
        curve goes on at the height of its last incumbent up to where the longest run ended.

        Parameters
        ----------
        x : {"trials", "fits", "cpu"} or sequence of them
            What was spent; one panel each.
        y : {"gain", "score"}, default="gain"
            The held-out score minus that of the default on the same rows, or the score itself.
        axes : matplotlib Axes or sequence of them, default=None
            Where to draw; made when None.

        Returns
        -------
        axes : list of matplotlib Axes

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When there are no curves, as with ``curves=False``.
        """
        from .pictures import plot_curves

        return plot_curves(self, [x] if isinstance(x, str) else list(x), y, axes)

    def _repr_html_(self) -> str:
        from .page import as_fragment

        return as_fragment(self)

    def save(self, path) -> None:
        """Write one self-contained HTML file, with the pictures in it.

        Parameters
        ----------
        path : str or path-like
        """
        from .page import as_page

        with open(path, "w", encoding="utf-8") as file:
            file.write(as_page(self))


def _means(runs: Sequence[Run]) -> dict[str, float]:
    names = ("trials", "fits", "cpu", "wall", "cv_score", "test_score", "default_test_score")
    means = {
        name: float(np.mean([getattr(r, name) for r in runs])) if runs else math.nan
        for name in (*names, "gain")
    }
    gains = [run.gain for run in runs]
    return {**means, "sd": float(np.std(gains, ddof=1)) if len(gains) > 1 else math.nan}

"""What a fitted search has to say, in one form for every picture and for the report."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..ledger import Ledger
from ..samplers._memory import FoldEffects
from ..space import Space, SpaceError, dialects
from ..space.base import freeze
from ..space.choices import of_values
from ..space.conditions import Parameter
from ..trial import Origin, Status, Trial
from .fanova import Importance, importance_of

# How a search names its space, and what two numbers in a tuple mean there.
_DEFINITIONS = {"search_spaces": "range", "param_distributions": "values", "param_grid": "values"}
_ABSENT = "the configuration lacks the parameter"


@dataclass(frozen=True, eq=False)
class SearchView:
    """The results of a search: one entry a configuration, in the order of the proposals.

    Reads our own searches, and those of scikit-learn and scikit-optimize as far as their
    ``cv_results_`` goes.

    Attributes
    ----------
    metric : str
        What selected the winner, or what was asked for.
    label : str
        The metric in words.
    params : list of dict
    folds : ndarray of shape (n_trials, n_folds)
        Test scores; NaN where a fold did not run or its fit failed.
    score : ndarray of shape (n_trials,)
        Mean over the folds that ran, NaN where the configuration failed.
    status : list of Status
    origin : list of Origin
    eligible : ndarray of bool
        False for a configuration that lies outside of the space: it cannot win.
    full_budget : ndarray of bool
        False for what ran with less of the resource than a winner must have.
    resource, iteration : ndarray of shape (n_trials,) or None
        Budget and rung, where the search gave different ones (successive halving).
    n_fits : ndarray of int
        Folds that were fitted; what a lower rung had found out is not fitted again.
    seconds : ndarray of shape (n_trials,)
        Time of these fits and their scorings, in seconds.
    best : int or None
        The winner.
    default : int or None
        The estimator as given.
    test_score, default_test_score : float or None
        Of the winner and of the default, on the rows that were set aside.
    test_interval : tuple of two floats or None
        The 95 % interval of `test_score`.
    spaces : list of Space
    search : estimator
        The search itself.
    """

    metric: str
    label: str
    params: list[dict[str, Any]]
    folds: np.ndarray
    score: np.ndarray
    status: list[Status]
    origin: list[Origin]
    eligible: np.ndarray
    full_budget: np.ndarray
    resource: np.ndarray | None
    iteration: np.ndarray | None
    n_fits: np.ndarray
    seconds: np.ndarray
    best: int | None
    default: int | None
    test_score: float | None
    test_interval: tuple[float, float] | None
    default_test_score: float | None
    spaces: list[Space]
    search: Any

    @classmethod
    def of(cls, search: Any, metric: str | None = None) -> SearchView:
        """Read a search.

        Parameters
        ----------
        search : fitted search
        metric : str, default=None
            A metric of a search with several; None is the one that selected the winner.

        Raises
        ------
        NotFittedError
            When the search is not fitted.
        ValueError
            When the search does not know the metric.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        chosen = _metric(search, metric)
        ledger = getattr(search, "_ledger", None)
        folds = _folds(results, chosen, ledger)
        status = _statuses(folds, ledger)
        n_fits, seconds = _spent(results, len(folds), folds.shape[1], ledger)
        trials = None if ledger is None else ledger.trials
        failed = np.array([s is Status.FAILED for s in status], dtype=bool)
        mean = np.asarray(results[f"mean_test_{chosen}"], dtype=float)
        origin = [t.origin for t in trials] if trials else [Origin.SAMPLER] * len(folds)
        default = origin.index(Origin.DEFAULT) if Origin.DEFAULT in origin else None
        return cls(
            metric=chosen,
            label=_label(search, chosen),
            params=list(results["params"]),
            folds=folds,
            score=np.where(failed | ~np.isfinite(mean), np.nan, mean),
            status=status,
            origin=origin,
            eligible=np.array([t.eligible for t in trials or ()] or [True] * len(folds)),
            full_budget=_full_budget(results, trials, len(folds)),
            resource=_resource(results),
            iteration=_column(results, "iter", None),
            n_fits=n_fits,
            seconds=seconds,
            best=_maybe_int(getattr(search, "best_index_", None)),
            default=default,
            spaces=_spaces(search, ledger, results),
            search=search,
            **_held_out(search, chosen),
        )

    def __len__(self) -> int:
        return len(self.params)

    # -- what follows --------------------------------------------------------------------

    def is_a(self, *statuses: Status) -> np.ndarray:
        """Which configurations have one of these statuses."""
        return np.array([status in statuses for status in self.status], dtype=bool)

    @cached_property
    def electable(self) -> np.ndarray:
        """Which configurations could win: all folds, at the full budget, inside of the space."""
        whole = self.is_a(Status.COMPLETE) & np.isfinite(self.score)
        return whole & self.eligible & self.full_budget

    @cached_property
    def adjusted(self) -> np.ndarray:
        """Scores as if every fold had run: the effect of the missing ones is taken out."""
        return self._adjusted(self.folds.shape[1])

    @cached_property
    def as_searched(self) -> np.ndarray:
        """The same on the folds that the search proposed by, without those of the finish."""
        return self._adjusted(self.n_first)

    @property
    def n_first(self) -> int:
        """Folds that the search proposed by; those behind them are the finish's."""
        ledger = getattr(self.search, "_ledger", None)
        return min(getattr(ledger, "n_first", self.folds.shape[1]), self.folds.shape[1])

    def _adjusted(self, n_folds: int) -> np.ndarray:
        effects = FoldEffects()
        whole = n_folds == self.folds.shape[1]
        for i in range(len(self)):
            is_known = not whole and np.isfinite(self.score[i])
            score = np.nanmean(self.folds[i, :n_folds]) if is_known else self.score[i]
            effects.append(
                Trial(
                    index=i,
                    params=self.params[i],
                    status=self.status[i],
                    score=float(score),
                    fold_scores=tuple(self.folds[i, :n_folds]),
                )
            )
        return effects.scores()

    @cached_property
    def identity(self) -> list[Hashable]:
        """What is the same for a configuration on each of its rungs.

        Its parameters need not be: where the resource is one of them, they differ.
        """
        ledger = getattr(self.search, "_ledger", None)
        if ledger is None:
            return [self.space.key(params) for params in self.params]
        return [trial.root if trial.root >= 0 else trial.index for trial in ledger.trials]

    @property
    def is_selected(self) -> bool:
        """Whether the metric is the one that selected the winner."""
        return self.metric == _metric(self.search, None)

    @property
    def default_score(self) -> float | None:
        """Cross-validated score of the estimator as given."""
        if self.default is None or not np.isfinite(self.score[self.default]):
            return None
        return float(self.score[self.default])

    @cached_property
    def ranking(self) -> np.ndarray:
        """The configurations that could win, best first; the winner is the first of equals."""
        candidates = np.flatnonzero(self.electable)
        order = candidates[np.argsort(-self.score[candidates], kind="stable")]
        if self.best is None:
            return order
        return np.r_[self.best, order[order != self.best]].astype(int)

    @cached_property
    def space(self) -> Space:
        """All the spaces of the search as alternatives of one."""
        branches = list(dict.fromkeys(branch for space in self.spaces for branch in space.branches))
        return Space.of(branches)

    @cached_property
    def names(self) -> list[str]:
        """The parameters that have more than one value, in the order of the space."""
        return [name for name, d in self.space.dimensions.items() if d.size > 1]

    @cached_property
    def rows(self) -> np.ndarray:
        """The points of the configurations in the unit cube; NaN where one has none."""
        rows = np.full((len(self), self.space.width), np.nan)
        for row, params in zip(rows, self.params):
            point = self.encode(params)
            if point is not None:
                row[:] = point
        return rows

    def encode(self, params: Mapping[str, Any]) -> np.ndarray | None:
        """Return the point of a configuration in the unit cube; None where it has none."""
        known = {k: v for k, v in params.items() if k in self.space.dimensions}
        for reading in (lambda: known, lambda: self.space.active(known)):
            try:
                return self.space.encode(reading())
            except (SpaceError, ValueError):
                continue
        return None

    @cached_property
    def fence(self) -> float:
        """Scores below are outliers: beyond the whisker of a box plot, yet a tenth at most."""
        finite = self.adjusted[np.isfinite(self.adjusted)]
        if not len(finite):
            return -math.inf
        tenth, low, high = np.quantile(finite, [0.1, 0.25, 0.75])
        return float(min(low - 1.5 * (high - low), tenth))

    @cached_property
    def importance(self) -> Importance | None:
        """Functional ANOVA of the scores; None where too few of them differ to tell."""
        usable = np.isfinite(self.adjusted) & np.isfinite(self.rows).all(axis=1)
        if self.resource is not None:
            usable &= _latest(self)
        y = np.maximum(self.adjusted[usable], self.fence)
        tried = [self.params[i] for i in np.flatnonzero(usable)]
        names = [n for n in self.names if len({freeze(p.get(n, _ABSENT)) for p in tried}) > 1]
        return importance_of(self.space, names, self.rows[usable], y)


def _latest(view: SearchView) -> np.ndarray:
    """The last row of each configuration: the one with its largest budget."""
    last = {identity: i for i, identity in enumerate(view.identity)}
    return np.isin(np.arange(len(view)), list(last.values()))


def _maybe_int(value: Any) -> int | None:
    return None if value is None else int(value)


def _column(results: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    return np.asarray(results[name]) if name in results else otherwise


def _metrics(results: Mapping[str, Any]) -> list[str]:
    start = "mean_test_"
    return [name[len(start) :] for name in results if name.startswith(start)]


def _metric(search: Any, metric: str | None) -> str:
    known = _metrics(search.cv_results_)
    if metric is not None:
        if metric not in known:
            raise ValueError(f"metric must be one of {known}, got {metric!r}.")
        return metric
    refit = getattr(search, "refit", None)
    ledger = getattr(search, "_ledger", None)
    for name in (refit, getattr(ledger, "metric", None)):
        if isinstance(name, str) and name in known:
            return name
    return known[0]


def _label(search: Any, metric: str) -> str:
    """The name of a metric; a single one has its name in ``scoring`` alone."""
    if metric != "score":
        return metric
    scoring = getattr(search, "scoring", None)
    if isinstance(scoring, str):
        return scoring
    if callable(scoring):
        return getattr(scoring, "__name__", None) or _scorer_name(scoring)
    kind = getattr(search, "_estimator_type", None) or _kind(search)
    return {"classifier": "accuracy", "regressor": "r2"}.get(kind, "score")


def _kind(search: Any) -> str | None:
    from sklearn.utils import get_tags

    return get_tags(search).estimator_type


def _scorer_name(scorer: Any) -> str:
    function = getattr(scorer, "_score_func", None)
    return getattr(function, "__name__", type(scorer).__name__)


def _folds(results: Mapping[str, Any], metric: str, ledger: Ledger | None) -> np.ndarray:
    columns: list[np.ndarray] = []
    while (name := f"split{len(columns)}_test_{metric}") in results:
        columns.append(np.asarray(results[name], dtype=float))
    table = np.array(columns).T
    for outcome in () if ledger is None else ledger.outcomes:
        if outcome.error is not None:  # a numeric error_score is not a score
            table[outcome.trial, outcome.fold] = np.nan
    return table


def _statuses(folds: np.ndarray, ledger: Ledger | None) -> list[Status]:
    if ledger is not None:
        return [trial.status for trial in ledger.trials]
    whole = np.isfinite(folds).all(axis=1)
    return [Status.COMPLETE if complete else Status.FAILED for complete in whole]


def _spent(
    results: Mapping[str, Any], n_trials: int, n_folds: int, ledger: Ledger | None
) -> tuple[np.ndarray, np.ndarray]:
    """Fits and seconds of each configuration."""
    if ledger is None:
        seconds = np.asarray(results["mean_fit_time"] + results["mean_score_time"], dtype=float)
        return np.full(n_trials, n_folds), n_folds * np.nan_to_num(seconds)
    n_fits, seconds = np.zeros(n_trials, dtype=int), np.zeros(n_trials)
    for outcome in ledger.outcomes:
        if not outcome.reused:
            n_fits[outcome.trial] += 1
            seconds[outcome.trial] += outcome.fit_time + outcome.score_time
    return n_fits, seconds


def _resource(results: Mapping[str, Any]) -> np.ndarray | None:
    resource = _column(results, "n_resources", None)
    if resource is None or len(np.unique(resource)) < 2:
        return None
    return resource.astype(float)


def _full_budget(
    results: Mapping[str, Any], trials: Sequence[Trial] | None, n_trials: int
) -> np.ndarray:
    """The trials know; of another library's halving, it is what had the most."""
    if trials is not None:
        return np.array([trial.has_full_budget for trial in trials], dtype=bool)
    resource = _resource(results)
    return np.ones(n_trials, dtype=bool) if resource is None else resource == resource.max()


def _held_out(search: Any, metric: str) -> dict[str, Any]:
    """The scores on the test rows; the interval and the default's are of one metric only."""
    scores = getattr(search, "test_scores_", {})
    if metric not in scores:
        return {"test_score": None, "test_interval": None, "default_test_score": None}
    score = float(scores[metric])
    selected = getattr(search, "test_score_", None) == score
    interval = getattr(search, "test_score_interval_", None) if selected else None
    default = getattr(search, "baseline_test_score_", None) if selected else None
    return {
        "test_score": score,
        "test_interval": None if interval is None else (float(interval[0]), float(interval[1])),
        "default_test_score": None if default is None else float(default),
    }


def _spaces(search: Any, ledger: Ledger | None, results: Mapping[str, Any]) -> list[Space]:
    """What was searched; where the definition cannot be read, the values that were tried."""
    if ledger is not None and ledger.legs:
        return [space for _, space in ledger.legs]
    for name, bare_pair in _DEFINITIONS.items():
        if hasattr(search, name):
            try:
                return [p.space for p in dialects.parse(getattr(search, name), bare_pair=bare_pair)]
            except SpaceError:
                break
    return [_space_of_values(results["params"])]


def _space_of_values(params: Sequence[Mapping[str, Any]]) -> Space:
    names = dict.fromkeys(name for configuration in params for name in configuration)
    values = {name: [p[name] for p in params if name in p] for name in names}
    return Space.of([[Parameter(name, of_values(seen)) for name, seen in values.items()]])

"""How a search chooses its winner: settled and checked before its first fit."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._compat import BaseSearchCV, MultimetricScorer
from .constraints import Constraint, allowed, read_constraints
from .estimators import DataFacts
from .ledger import Ledger
from .plan import Plan
from .selection import (
    ONE_SE,
    OneSE,
    as_numbers,
    check_columns,
    check_order,
    complexities,
    corrected_score,
    metric_named,
    numbers_of,
    one_se_index,
)
from .space.base import brief
from .table import rows_of

TIMES = ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time")
_FEW = 1000  # values that are looked at one by one


class Winner(NamedTuple):
    """Who won, with what mean score, and that score without what being chosen has added."""

    index: Any
    score: float | None = None
    corrected: float | None = None


@dataclass(frozen=True)
class Selection:
    """The choice of one search.

    Attributes
    ----------
    estimator, refit : object
        As given to the search.
    constraints : sequence of Constraint
    facts : callable
        Gives the DataFacts.
    select : callable
        ``select(refit, metric, results)``: scikit-learn's choice of a row, by a callable or by
        the mean.
    """

    estimator: Any
    refit: Any
    constraints: Sequence[Constraint]
    facts: Callable[[], DataFacts]
    select: Callable[[Any, Any, Mapping[str, Any]], Any]

    @property
    def is_free(self) -> bool:
        """Whether a callable of the user's chooses, which need not look at scores."""
        return callable(self.refit) and not isinstance(self.refit, OneSE)

    def winner(self, ledger: Ledger, results: Mapping[str, Any], metric: str | None) -> Winner:
        """Choose; `metric` is what the search selects by, None where nobody said."""
        plain = not (self.constraints or callable(self.refit) or self._is_one_se(results))
        if plain and "iter" not in results:  # else who fails on the last rung leaves it to another
            best = self.select(True, metric, results)
            return self._by_mean(best, ledger, results, metric)
        # Who may win: all folds, at full budget.
        may = allowed(results, self.constraints, ledger.electable(), metric)
        if not may.any() and not self.is_free:
            may = np.ones(len(ledger), dtype=bool)
        table = results if may.all() else rows_of(results, may)
        chosen = self.select(self._rule(results, metric), metric, table)
        index = chosen if may.all() else np.flatnonzero(may)[chosen]
        if self.is_free:
            return Winner(index)
        if self._is_one_se(results):
            return self._by_rule(index, ledger, results, metric, may)
        return self._by_mean(index, ledger, results, metric, may)

    def _rule(self, results, metric):
        if not self._is_one_se(results):
            return self.refit if callable(self.refit) else True
        asked = isinstance(self.refit, OneSE) and self.refit.by is not None
        keys = self.refit.keys if asked else self._known_keys
        return lambda table: one_se_index(table, metric, keys)

    def _known_keys(self, results, rows):
        candidates = [results["params"][row] for row in rows]
        return complexities(self.estimator, self.facts(), candidates)

    def _is_one_se(self, results) -> bool:
        # A callable scorer may turn out to have a metric of that name.
        word = _is_word(self.refit) and f"rank_test_{ONE_SE}" not in results
        return word or isinstance(self.refit, OneSE)

    def _by_rule(self, index, ledger, results, metric, may) -> Winner:
        """The bias is that of the best mean: no more than this has been added by being chosen."""
        score = results[f"mean_test_{metric}"][index]
        ranks = np.where(may, results[f"rank_test_{metric}"], np.iinfo(np.int32).max)
        best = self._by_mean(int(np.argmin(ranks)), ledger, results, metric, may)
        corrected = None if best.corrected is None else score - (best.score - best.corrected)
        return Winner(index, score, corrected)

    def _by_mean(self, best, ledger, results, metric, may=None) -> Winner:
        among = np.array([trial.eligible for trial in ledger.trials]) if may is None else may
        if "iter" in results:  # rungs have different budgets
            among = among & (results["iter"] == results["iter"][best])
        corrected = corrected_score(results, metric, best, among)
        return Winner(best, results[f"mean_test_{metric}"][best], corrected)


def _is_word(refit) -> bool:
    return isinstance(refit, str) and refit == ONE_SE


class Choosing:
    """What a search says and checks of its choice; goes before scikit-learn's base class."""

    constraints: Mapping[str, str] | None = None

    def _is_one_se(self) -> bool:
        """Whether `refit` is the rule rather than a metric of that name."""
        if not _is_word(self.refit):
            return isinstance(self.refit, OneSE)
        single = self.scoring is None or isinstance(self.scoring, str)
        return single or callable(self.scoring) or ONE_SE not in self.scoring

    def _races(self) -> bool:
        """Whether candidates can be dropped early: only one number can tell that they lose."""
        single = self.scoring is None or isinstance(self.scoring, str)
        by_one_metric = self._best_mean_wins() and (bool(self.refit) or single)
        return bool(self.racing) and self.n_splits_ > 1 and by_one_metric

    def _watched_metric(self, refit_metric) -> str | None:
        """The metric that samplers see: the refit metric, or the first where there is none."""
        if callable(self.scoring):
            return metric_named(self.refit)
        return refit_metric if isinstance(refit_metric, str) else None

    def _best_mean_wins(self) -> bool:
        """Whether nothing but the mean score decides, so that who cannot reach it can go."""
        return not (callable(self.refit) or self._is_one_se() or self.constraints)

    def _get_scorers(self):
        scorers, metric = super()._get_scorers()
        if isinstance(self.refit, OneSE):
            several = isinstance(scorers, MultimetricScorer) or callable(self.scoring)
            if not several and self.refit.metric not in (None, "score"):
                raise ValueError(
                    f"OneSE(metric={self.refit.metric!r}) names one of several metrics, but "
                    f"scoring={self.scoring!r} is a single one: leave metric out."
                )
            metric = metric if metric == "score" else self.refit.metric
        return scorers, metric

    def _check_refit_for_multimetric(self, scores) -> None:
        named = metric_named(self.refit)
        if self._is_one_se() and named not in scores:
            raise ValueError(
                f"For multi-metric scoring, the rule of one standard error must name its metric: "
                f"refit=OneSE(metric=...) with one of {list(scores)}, got {self.refit!r}."
            )
        super()._check_refit_for_multimetric(scores)

    def score(self, X, y=None, **params):
        named = metric_named(self.refit)
        if not isinstance(self.refit, OneSE) or named is None:
            return super().score(X, y, **params)
        plain = copy.copy(self)  # to scikit-learn, a callable names no metric
        plain.refit = named if getattr(self, "multimetric_", False) else True
        return super(Choosing, plain).score(X, y, **params)

    score.__doc__ = BaseSearchCV.score.__doc__

    def _selection(self, plan: Plan, facts, scorer, stopping, n_folds: int) -> Selection:
        """Settle how to choose.

        Raises
        ------
        ValueError, TypeError
            When the constraints or the rule cannot be applied to this search.
        """
        constraints = read_constraints(self.constraints)
        varied = _varied(plan, stopping)
        columns = self._columns(scorer, stopping, n_folds)
        bounded = [c.column for c in constraints]
        self._check_columns(bounded, [*columns, *varied], "constraints")
        _check_bounded(constraints, varied)
        if isinstance(self.refit, OneSE) and self.refit.by is not None:
            self._check_columns(self.refit.columns, [*columns, *varied], "OneSE(by=...)")
            for name in set(self.refit.columns) & varied.keys():
                as_numbers(name, varied[name])
        elif self._is_one_se():
            check_order(self.estimator, [name.removeprefix("param_") for name in varied])
        select = self._select_best_index
        return Selection(self.estimator, self.refit, constraints, facts, select)

    def _check_columns(self, names: Sequence[str], known: Sequence[str], where: str) -> None:
        if callable(self.scoring):  # it names its metrics when it is called
            names = [n for n in names if not re.match(r"(mean|std|split\d+)_(test|train)_", n)]
        check_columns(names, known, where)

    def _set_winner(self, ledger: Ledger, results, metric, selection: Selection) -> None:
        """Set ``best_*``; what an earlier fit left is forgotten."""
        for name in (
            "best_index_",
            "best_score_",
            "best_score_corrected_",
            "best_params_",
            "best_estimator_",
            "best_n_rounds_",
        ):
            self.__dict__.pop(name, None)
        if not self.refit and self.multimetric_:
            return
        winner = selection.winner(ledger, results, metric)
        self.best_index_ = winner.index
        if winner.score is not None:
            self.best_score_ = winner.score
        if winner.corrected is not None:
            self.best_score_corrected_ = winner.corrected
        self.best_params_ = results["params"][self.best_index_]
        if "mean_n_rounds" in results:
            found = results["mean_n_rounds"][self.best_index_]
            self.best_n_rounds_ = None if np.isnan(found) else int(found)

    def _columns(self, scorer, stopping, n_folds: int) -> list[str]:
        """The columns of numbers that ``cv_results_`` will have, apart from the parameters."""
        metrics = list(scorer._scorers) if isinstance(scorer, MultimetricScorer) else ["score"]
        kinds = ["test", "train"] if self.return_train_score else ["test"]
        moments = ["mean", "std", *(f"split{fold}" for fold in range(n_folds))]
        scores = [f"{what}_{kind}_{m}" for m in metrics for kind in kinds for what in moments]
        return [*TIMES, *scores, *(["mean_n_rounds"] if stopping is not None else [])]


def _varied(plan: Plan, stopping) -> dict[str, list[Any]]:
    """The columns of the parameters that a search varies, each with some of its values."""
    varied: dict[str, list[Any]] = {}
    for leg in plan.legs:
        for name, dimension in leg.space.dimensions.items():
            values = dimension.values() if dimension.size <= _FEW else dimension.levels(1)
            varied.setdefault(f"param_{name}", []).extend(values)
    for start in plan.initial:
        for name, value in start.params.items():
            varied.setdefault(f"param_{name}", []).append(value)
    if stopping is not None:
        varied.setdefault(f"param_{stopping.parameter}", [])
    return varied


def _check_bounded(constraints: Sequence[Constraint], varied: Mapping[str, list[Any]]) -> None:
    """Refuse a bound on a parameter that has a value which is no number.

    Raises
    ------
    ValueError
    """
    for constraint in constraints:
        try:
            numbers_of(varied.get(constraint.column, ()))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"constraints compares with numbers, but {constraint.column} has "
                f"{brief(varied[constraint.column])}: leave such values out of the space instead."
            ) from error

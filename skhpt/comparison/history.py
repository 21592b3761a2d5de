"""What a fitted search has tried, whoever wrote the search.

scikit-learn's ``cv_results_`` is read, and Optuna's ``trials_``; both give the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tried:
    """A configuration that a search has evaluated, in the order of the proposals.

    Attributes
    ----------
    params : dict
    score : float
        Mean cross-validated score; NaN where there is none.
    n_fits : int
    seconds : float
        Fitting and scoring, over all folds.
    can_win : bool
        Whether it ran on all folds and may be chosen.
    resource : float
        Budget that it ran with; what ran with more comes before what ran with less.
    """

    params: Mapping[str, Any]
    score: float
    n_fits: int
    seconds: float
    can_win: bool = True
    resource: float = 0.0


def history_of(search, metric: str = "score") -> list[Tried]:
    """Read what a fitted search has tried.

    Raises
    ------
    TypeError
        When it has neither ``cv_results_`` with ``params`` nor Optuna's ``trials_``.
    """
    results = getattr(search, "cv_results_", {})
    if "params" in results:
        return _from_table(search, results, metric)
    if hasattr(search, "trials_"):
        return [_from_optuna(trial, search.n_splits_) for trial in search.trials_]
    raise TypeError(
        f"{type(search).__name__} has no cv_results_ with the configurations that it tried, nor "
        "trials_. compare takes searches in the way of scikit-learn's, and Optuna's search."
    )


def n_configurations(history: Sequence[Tried]) -> int:
    """How many different configurations were tried; halving tries some of them again."""
    if all(tried.resource == history[0].resource for tried in history):
        return len(history)
    return len({repr(sorted(tried.params.items(), key=lambda x: x[0])) for tried in history})


def incumbents(history: Sequence[Tried]) -> list[int]:
    """Numbers of the configurations that were the best so far when they had been tried.

    A higher mean wins; what ran with more budget comes before what ran with less, as its scores
    cannot be compared with theirs. Of equals the first stays.
    """
    found: list[int] = []
    best = (-math.inf, -math.inf)
    for number, tried in enumerate(history):
        key = (tried.resource, tried.score)
        if tried.can_win and not math.isnan(tried.score) and key > best:
            best = key
            found.append(number)
    return found


def _from_table(search, results, metric: str) -> list[Tried]:
    column = f"mean_test_{metric}"
    if column not in results:
        column = next(name for name in results if name.startswith("mean_test_"))
    n = len(results["params"])
    n_splits = search.n_splits_
    n_fits = np.asarray(results.get("n_splits_evaluated", np.full(n, n_splits)))
    seconds = (results["mean_fit_time"] + results["mean_score_time"]) * n_fits
    resources = np.asarray(results.get("n_resources", np.zeros(n)), dtype=float)
    can_win = n_fits == n_splits
    ledger = getattr(search, "_ledger", None)  # one of ours knows who is out of the race
    if ledger is not None and len(ledger) == n:
        can_win = can_win & [trial.eligible for trial in ledger.trials]
    return [
        Tried(
            params=results["params"][i],
            score=float(results[column][i]),
            n_fits=int(n_fits[i]),
            seconds=float(np.nan_to_num(seconds[i])),
            can_win=bool(can_win[i]),
            resource=float(resources[i]),
        )
        for i in range(n)
    ]


def _from_optuna(trial, n_splits: int) -> Tried:
    known = trial.user_attrs
    times = [known.get(f"mean_{name}_time", math.nan) for name in ("fit", "score")]
    seconds = sum(times) * n_splits
    if math.isnan(seconds):
        seconds = 0.0 if trial.duration is None else trial.duration.total_seconds()
    score = math.nan if trial.value is None else float(trial.value)
    return Tried(trial.params, score, n_splits, seconds, trial.state.name == "COMPLETE")

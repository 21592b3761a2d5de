"""What a fitted search has tried, whoever wrote the search.

scikit-learn's ``cv_results_`` is read, and Optuna's ``trials_``; both give the same rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..pbt import PBTSearchCV


@dataclass(frozen=True)
class Tried:
    """A configuration that a search has evaluated, in the order of the proposals.

    Attributes
    ----------
    params : dict
    score : float
        Mean cross-validated score; NaN where there is none.
    n_fits : float
        A generation of a population counts as the share of a fit that its rounds are.
    seconds : float
        Fitting and scoring, over all folds.
    can_win : bool
        Whether it ran on all folds and may be chosen.
    resource : float
        Budget that it ran with; what ran with more comes before what ran with less.
    configuration : hashable
        What is the same where a configuration was tried again with another budget; None where
        that does not happen.
    schedule : sequence or None
        The parameters over the training of a member of a population.
    """

    params: Mapping[str, Any]
    score: float
    n_fits: float
    seconds: float
    can_win: bool = True
    resource: float = 0.0
    configuration: Hashable = None
    schedule: Any = None


def history_of(search, metric: str = "score") -> list[Tried]:
    """Read what a fitted search has tried.

    Raises
    ------
    TypeError
        When it has neither ``cv_results_`` with ``params`` nor Optuna's ``trials_``.
    """
    if isinstance(search, PBTSearchCV):
        return _from_generations(search, metric)
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
    return n_tried(history)[-1] if history else 0


def n_tried(history: Sequence[Tried]) -> list[int]:
    """How many different configurations had been tried, after each entry."""
    seen: set[Hashable] = set()
    counts = []
    for number, tried in enumerate(history):
        seen.add((number,) if tried.configuration is None else tried.configuration)
        counts.append(len(seen))
    return counts


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
    configurations = _configurations(search, results["params"], resources)
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
            configuration=configurations[i],
        )
        for i in range(n)
    ]


def _configurations(search, params: Sequence[Mapping], resources: np.ndarray) -> list[Hashable]:
    """What is the same on each rung of a configuration; the resource may be a parameter."""
    if len(set(resources)) < 2:
        return [None] * len(params)
    ledger = getattr(search, "_ledger", None)
    if ledger is not None and len(ledger) == len(params):
        return [trial.root if trial.root >= 0 else trial.index for trial in ledger.trials]
    own = getattr(search, "resource", None)
    bare = ({name: v for name, v in one.items() if name != own} for one in params)
    return [repr(sorted(one.items(), key=lambda item: item[0])) for one in bare]


def _from_generations(search: PBTSearchCV, metric: str) -> list[Tried]:
    """The members of a population, generation by generation: it has a best one all the time.

    The estimator as given, which is trained for itself at the end, cannot win.
    """
    table, population, n_splits = search.history_, search._population, search.n_splits_
    column = f"mean_test_{metric}" if f"mean_test_{metric}" in table else "mean_test_score"
    ends = [0, *(rung.resource for rung in population.plan.rungs)]
    share = {end: (end - before) / ends[-1] for before, end in itertools.pairwise(ends)}
    found = []
    for i, params in enumerate(table["params"]):
        lineage = population.lineages.get(i)
        rounds = int(table["n_resources"][i])
        seconds = (table["mean_fit_time"][i] + table["mean_score_time"][i]) * n_splits
        tried = Tried(
            params=params,
            score=float(table[column][i]),
            n_fits=n_splits * (1.0 if lineage is None else share[rounds]),
            seconds=float(np.nan_to_num(seconds)),
            can_win=lineage is not None,
            resource=float(rounds),
            configuration=int(table["member"][i]),
            schedule=None if lineage is None else lineage.schedule,
        )
        found.append(tried)
    return [tried for generation in _generations(found) for tried in generation]


def _generations(members: Iterable[Tried]) -> Iterator[list[Tried]]:
    """Members by generation, whose best one is known when all of it have ended: it comes last."""
    for _, group in itertools.groupby(members, key=lambda tried: tried.resource):
        generation = list(group)
        best = max(generation, key=lambda t: (t.can_win, np.nan_to_num(t.score, nan=-np.inf)))
        yield [*(replace(t, can_win=False) for t in generation if t is not best), best]


def _from_optuna(trial, n_splits: int) -> Tried:
    known = trial.user_attrs
    times = [known.get(f"mean_{name}_time", math.nan) for name in ("fit", "score")]
    seconds = sum(times) * n_splits
    if math.isnan(seconds):
        seconds = 0.0 if trial.duration is None else trial.duration.total_seconds()
    score = math.nan if trial.value is None else float(trial.value)
    return Tried(trial.params, score, n_splits, seconds, trial.state.name == "COMPLETE")

"""Budgets, and how each search is told its own; nothing is fitted here."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..bayes import BayesSearchCV
from ..hyperband import HyperbandSearchCV
from ..search import BaseSearch
from .grids import curated_grid, thinned
from .plans import Ground, candidates_within, has_baseline, hyperband_within

UNITS = ("trials", "fits", "seconds")
DEFAULT_TRIALS = 30
# What searches call a number of configurations.
_TRIALS = ("n_iter", "n_trials", "n_candidates", "population_size")
_SECONDS = ("time_budget", "timeout")
_UNLIMITED = 10_000  # configurations, where the time is what ends a search
# A race leaves a candidate at least a third of its folds, on average.
_SAVED_BY_RACING = 3
_SMALLEST_POPULATION = 2


class Budget(NamedTuple):
    """How much each search may spend: a number of trials, of fits or of seconds."""

    unit: str
    amount: float

    @classmethod
    def read(cls, budget) -> Budget | None:
        """Read ``budget``, a dict with one entry or None.

        Raises
        ------
        ValueError
            When it is anything else.
        """
        if budget is None:
            return None
        if isinstance(budget, Mapping) and len(budget) == 1:
            (unit, amount), *_ = budget.items()
            is_number = isinstance(amount, numbers.Real) and not isinstance(amount, bool)
            whole = unit == "seconds" or isinstance(amount, numbers.Integral)
            if unit in UNITS and is_number and whole and amount > 0:
                return cls(unit, amount)
        raise ValueError(
            "budget must be None or a dict with one entry, a positive number of 'trials', 'fits' "
            f"(whole numbers) or 'seconds', such as {{'trials': 60}}; got {budget!r}."
        )

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"


@dataclass
class Allowance:
    """How a search is told its budget.

    Attributes
    ----------
    params : dict
        For ``set_params``.
    note : str or None
        What could not be had, or what was changed for it.
    n_fits : int or None
        Fits after which the search is to be ended from outside.
    fit_params : dict
        For ``fit``.
    is_unheld : bool
        Whether the search cannot be told the budget.
    """

    params: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    n_fits: int | None = None
    fit_params: dict[str, Any] = field(default_factory=dict)
    is_unheld: bool = False


def allowance(search, word: str | None, budget: Budget | None, ground: Ground) -> Allowance:
    """Translate the budget into what the search understands.

    Parameters
    ----------
    search : search object
    word : str or None
        The word that it stands for.
    budget : Budget or None
        None leaves the search as it is; the words then have 30 trials.
    ground : Ground
        The rows for tuning, on which the plans of some searches depend, and the folds.
    """
    if budget is None:
        if word is None:
            return Allowance()
        budget = Budget("trials", DEFAULT_TRIALS)
    if budget.unit == "seconds":
        return _told_seconds(search, budget)
    if isinstance(search, HyperbandSearchCV):
        return _told_hyperband(search, budget, ground)
    n_trials = max(1, _n_trials(search, budget, ground))
    if "param_grid" in search.get_params(deep=False):
        return _told_grid(search, word, n_trials, ground)
    return _told_trials(search, budget, n_trials)


def _n_trials(search, budget: Budget, ground: Ground) -> int:
    climbs = "factor" in search.get_params(deep=False)
    if budget.unit == "trials":
        return int(budget.amount) - (climbs and has_baseline(search))
    if climbs:
        return candidates_within(search, ground, int(budget.amount))
    return int(budget.amount // ground.n_folds)


def _told_grid(search, word: str | None, n_trials: int, ground: Ground) -> Allowance:
    if word is not None:
        return Allowance(curated_grid(search, ground, n_trials))
    return Allowance(*thinned(search, ground, n_trials))


def _told_trials(search, budget: Budget, n_trials: int) -> Allowance:
    name, n_spaces = _first_of(_TRIALS, search), _n_spaces(search)
    if name is None or n_spaces is None:
        return _cannot(search, budget)
    n_each = max(1, n_trials // n_spaces)
    if name == "population_size" and n_each < _SMALLEST_POPULATION:
        return _cannot(search, budget)
    if budget.unit == "fits" and isinstance(search, BaseSearch) and search.racing:
        most = max(n_each, _at_most(_SAVED_BY_RACING * n_each, search))
        return Allowance({name: most}, n_fits=int(budget.amount))
    return Allowance({name: n_each})


def _told_hyperband(search, budget: Budget, ground: Ground) -> Allowance:
    params, n = hyperband_within(search, ground, budget.unit, budget.amount)
    if params is None:
        return _cannot(search, budget)
    # Promotions that do not wait may be more than the plan has.
    n_fits = int(budget.amount) if budget.unit == "fits" else None
    if not params:
        return Allowance(n_fits=n_fits)
    told = ", ".join(f"{name}={value:g}" for name, value in params.items())
    note = (
        f"HyperbandSearchCV is given {told}: that plan, of {n:g} {budget.unit}, comes nearest to "
        "the budget from below"
    )
    return Allowance(params, note, n_fits)


def _told_seconds(search, budget: Budget) -> Allowance:
    if _is_of("skopt", search):
        from skopt.callbacks import DeadlineStopper

        deadline = {"callback": DeadlineStopper(float(budget.amount))}
        return Allowance({"n_iter": _UNLIMITED}, fit_params=deadline)
    name = _first_of(_SECONDS, search)
    if name is None:
        return _cannot(search, budget)
    trials = _first_of(("n_iter", "n_trials"), search)
    seconds = {name: budget.amount}
    return Allowance(
        seconds if trials is None else {**seconds, trials: _at_most(_UNLIMITED, search)}
    )


def _n_spaces(search) -> int | None:
    """Among how many spaces the trials are divided; None where these have numbers of their own.

    scikit-optimize tries ``n_iter`` configurations of each space in a list. To this package's
    searches those are alternatives, among which they divide them themselves.
    """
    ours = isinstance(search, BaseSearch)
    spaces = search._definition() if ours else getattr(search, "search_spaces", None)
    spaces = spaces if isinstance(spaces, list) else [spaces]
    if any(isinstance(space, tuple) for space in spaces):
        return None
    return 1 if ours else max(1, len(spaces))


def _at_most(n: int, search) -> int:
    """More configurations than will be tried, but fewer than there are.

    A Bayesian search that may try all of them has nothing to learn, and tries them in order.
    """
    if not isinstance(search, BayesSearchCV) or search._is_curated():
        return n
    sizes = [piece.space.size for piece in search._pieces(search._definition())]
    return int(max(1, min(n, *(size - 1 for size in sizes))))


def _first_of(names: Iterable[str], search) -> str | None:
    known = search.get_params(deep=False)
    return next((name for name in names if name in known), None)


def _is_of(library: str, search) -> bool:
    return any(kind.__module__.partition(".")[0] == library for kind in type(search).__mro__)


def _cannot(search, budget: Budget) -> Allowance:
    kind = f"{type(search).__module__.partition('.')[0]}'s {type(search).__name__}"
    note = f"a budget in {budget.unit} cannot be given to {kind}, which runs as it was set up"
    return Allowance(note=note, is_unheld=True)

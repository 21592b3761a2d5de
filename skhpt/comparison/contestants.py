"""Who takes part, and how each is told its budget; nothing is fitted here."""

from __future__ import annotations

import difflib
import importlib
import numbers
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sklearn.base import clone
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import ParameterGrid

from ..bayes import BayesSearchCV
from ..search import BaseSearch
from ..space import When, dialects

WORDS = {
    "grid": "GridSearchCV",
    "random": "RandomizedSearchCV",
    "bayes": "BayesSearchCV",
    "halving": "HalvingRandomSearchCV",
    "hyperband": "HyperbandSearchCV",
}
UNITS = ("trials", "fits", "seconds")
DEFAULT_TRIALS = 30
_TRIALS = ("n_iter", "n_trials", "n_candidates")  # what searches call a number of configurations
_SECONDS = ("time_budget", "timeout")
_UNLIMITED = 10_000  # configurations, where the time is what ends a search
# Fits of successive halving beyond its first rung, relative to the first, with a factor of 3.
_RUNGS = 1.5
# A race leaves a candidate at least a third of its folds, on average.
_SAVED_BY_RACING = 3


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
class Contestant:
    """A search that takes part.

    Attributes
    ----------
    name : str
    search : search object
        As given, or as a word of :data:`WORDS` stands for. It is never fitted: each repeat
        fits a clone.
    word : str or None
        The word that was given.
    notes : list of str
        What could not be had.
    is_unheld : bool
        Whether it could not be told the budget.
    """

    name: str
    search: Any
    word: str | None = None
    is_unheld: bool = False
    notes: list[str] = field(default_factory=list)


def contestants_of(searches, estimator) -> list[Contestant]:
    """Read ``searches``.

    Raises
    ------
    TypeError, ValueError
        When there are fewer than one, when a word is not known or has no estimator, or when
        something is no search.
    """
    if not isinstance(searches, Mapping):
        words = [searches] if isinstance(searches, str) else searches
        if not isinstance(words, Iterable) or not all(isinstance(word, str) for word in words):
            raise TypeError(
                "searches must be a dict of names to search objects or words, or a list of words "
                f"({', '.join(WORDS)}); got {searches!r}."
            )
        searches = {word: word for word in words}
    if not searches:
        raise ValueError("searches is empty: name at least one search to run.")
    return [_contestant(str(name), search, estimator) for name, search in searches.items()]


def _contestant(name: str, search, estimator) -> Contestant:
    if isinstance(search, str):
        return Contestant(name, _of_word(search, estimator), search)
    if isinstance(search, type) or not hasattr(search, "fit") or not hasattr(search, "get_params"):
        raise TypeError(
            f"searches[{name!r}] must be a search object with fit and get_params, or one of the "
            f"words {', '.join(WORDS)}; got {search!r}."
        )
    if not hasattr(search, "estimator"):
        raise TypeError(
            f"searches[{name!r}] is a {type(search).__name__}, which has no estimator that it "
            "tunes. Wrap it: GridSearchCV(model, {}) is a search over the model as given."
        )
    return Contestant(name, search)


def _of_word(word: str, estimator):
    if word not in WORDS:
        near = difflib.get_close_matches(word, WORDS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"searches knows the words {', '.join(WORDS)}; got {word!r}.{hint}")
    if estimator is None:
        raise ValueError(
            f"{word!r} is a word for a search of some estimator: pass estimator=..., or a search "
            "object in its place."
        )
    return _class_of(word)(estimator)


def _class_of(word: str) -> type:
    """The class that a word stands for, looked up when it is wanted."""
    package = importlib.import_module(__name__.partition(".")[0])
    found = getattr(package, WORDS[word], None)
    if found is None:
        raise ValueError(
            f"{word!r} stands for skhpt.{WORDS[word]}, which this version does not have. Leave it "
            "out of searches."
        )
    return found


# -- budgets ------------------------------------------------------------------------------------


@dataclass
class Allowance:
    """How a search is told its budget.

    Attributes
    ----------
    params : dict
        For ``set_params``.
    note : str or None
        What could not be had.
    n_fits : int or None
        Fits after which the search is to be ended from outside, as it races.
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


def allowance(
    contestant: Contestant, budget: Budget | None, n_folds: int, space: Callable[[], Mapping]
) -> Allowance:
    """Translate the budget into what the search understands.

    Parameters
    ----------
    contestant : Contestant
    budget : Budget or None
        None leaves the search as it is; the words then have 30 trials.
    n_folds : int
    space : callable
        Gives the curated space that the word "grid" makes its grid of.
    """
    if budget is None:
        if contestant.word is None:
            return Allowance()
        budget = Budget("trials", DEFAULT_TRIALS)
    if contestant.word == "grid" and budget.unit != "seconds":
        n = budget.amount if budget.unit == "trials" else budget.amount // n_folds
        return Allowance({"param_grid": grid_within(space(), max(1, int(n)))})
    return _TOLD[budget.unit](contestant.search, budget, n_folds)


def _told_trials(search, budget: Budget, n_folds: int) -> Allowance:
    name, n_spaces = _first_of(_TRIALS, search), _n_spaces(search)
    if name is None or n_spaces is None:
        return _cannot(search, budget)
    return Allowance({name: max(1, int(budget.amount // n_spaces))})


def _told_fits(search, budget: Budget, n_folds: int) -> Allowance:
    name, n_spaces = _first_of(_TRIALS, search), _n_spaces(search)
    if name is None or n_spaces is None:
        return _cannot(search, budget)
    n_trials = max(1, int(budget.amount // (n_folds * n_spaces)))
    if name == "n_candidates":
        return Allowance(
            {name: max(1, int(n_trials / _RUNGS))},
            f"{type(search).__name__} is given {max(1, int(n_trials / _RUNGS))} candidates for "
            f"about {budget}: how many it makes follows from its rungs",
            is_unheld=True,
        )
    if isinstance(search, BaseSearch) and search.racing:
        most = max(n_trials, _at_most(_SAVED_BY_RACING * n_trials, search))
        return Allowance({name: most}, n_fits=int(budget.amount))
    return Allowance({name: n_trials})


def _told_seconds(search, budget: Budget, n_folds: int) -> Allowance:
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

    A Bayesian search over a list tries ``n_iter`` configurations of each of its spaces.
    """
    spaces = getattr(search, "search_spaces", None)
    spaces = spaces if isinstance(spaces, list) else [spaces]
    return None if any(isinstance(space, tuple) for space in spaces) else max(1, len(spaces))


def _at_most(n: int, search) -> int:
    """More configurations than will be tried, but fewer than there are.

    A Bayesian search that may try all of them has nothing to learn, and tries them in order.
    """
    if not isinstance(search, BayesSearchCV) or search._is_curated():
        return n
    sizes = [piece.space.size for piece in search._pieces(search._definition())]
    return int(max(1, min(n, *(size - 1 for size in sizes))))


_TOLD = {"trials": _told_trials, "fits": _told_fits, "seconds": _told_seconds}


def _first_of(names: Iterable[str], search) -> str | None:
    known = search.get_params(deep=False)
    return next((name for name in names if name in known), None)


def _is_of(library: str, search) -> bool:
    return any(kind.__module__.partition(".")[0] == library for kind in type(search).__mro__)


def _cannot(search, budget: Budget) -> Allowance:
    kind = f"{type(search).__module__.partition('.')[0]}'s {type(search).__name__}"
    note = f"a budget in {budget.unit} cannot be given to {kind}, which runs as it was set up"
    return Allowance(note=note, is_unheld=True)


def grid_within(space: Mapping[str, Any], n: int) -> dict[str, list]:
    """The finest grid over a space that has at most `n` configurations.

    The parameters come in the order of their importance, as in :func:`~skhpt.space_for`: where
    there is no room for two values of each, the last ones have a single value, in the middle of
    their range; further values go to the first ones first.
    """
    parents = {entry.parent for entry in space.values() if isinstance(entry, When)}
    levels = {name: sys.maxsize if name in parents else 1 for name in space}  # those keep all
    grid = _grid(space, levels)
    for target in (2, 3, 4, 5):
        for name in space:
            finer = _grid(space, {**levels, name: target})
            if levels[name] == target - 1 and len(ParameterGrid(dialects.to_grid(finer))) <= n:
                levels[name], grid = target, finer
    return grid


def _grid(space: Mapping[str, Any], levels: Mapping[str, int]) -> dict[str, Any]:
    return {name: _listed(entry, levels[name]) for name, entry in space.items()}


def _listed(entry, level: int):
    """So many values of a range or a list, be it conditional."""
    if isinstance(entry, When):
        return When(entry.parent, list(entry.values), _listed(entry.what, level))
    if isinstance(entry, Mapping):
        return {name: _listed(inner, level) for name, inner in entry.items()}
    if isinstance(entry, list):
        return entry[:level]
    (grid, *_) = dialects.to_grid({"_": entry}, levels=level if level > 1 else 3)
    values = list(grid["_"])
    return values if level > 1 else values[len(values) // 2 : len(values) // 2 + 1]


# -- the same conditions for all ----------------------------------------------------------------


def prepared(
    contestant: Contestant,
    allowed: Allowance,
    *,
    cv,
    scoring,
    random_state: int,
    n_jobs,
):
    """A clone of the search with the folds, the metric, the seed and the budget of the contest."""
    search = clone(contestant.search)
    known = search.get_params(deep=False)
    common = {"cv": cv, "random_state": random_state, "test_size": None, **allowed.params}
    if n_jobs is not None:
        common["n_jobs"] = n_jobs
    if scoring is not None:
        common["scoring"] = scoring
    if known.get("refit") is False or (scoring is not None and _names_metric(known)):
        common["refit"] = True
    return search.set_params(**{name: v for name, v in common.items() if name in known})


def _names_metric(params: Mapping[str, Any]) -> bool:
    """Whether `refit` names one of several metrics, which a single one takes the place of."""
    several = params.get("scoring") is not None and not isinstance(params["scoring"], str)
    return several and not callable(params["scoring"]) and isinstance(params.get("refit"), str)


# What people call metrics that scikit-learn has under another name.
_SHORT = {
    "rmse": "neg_root_mean_squared_error",
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "msle": "neg_mean_squared_log_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "logloss": "neg_log_loss",
    "brier": "neg_brier_score",
    "auc": "roc_auc",
    "rocauc": "roc_auc",
    "prauc": "average_precision",
    "mcc": "matthews_corrcoef",
}


def _check_metric(name: str) -> None:
    known = get_scorer_names()
    if name not in known:
        short = _SHORT.get(re.sub(r"[^a-z]", "", name.lower().removeprefix("neg_")))
        near = [short] if short in known else difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"scoring must be a name of sklearn.metrics.get_scorer_names(); got {name!r}.{hint}"
        )


def metric_of(contestants: Iterable[Contestant], scoring):
    """The metric of the contest.

    Raises
    ------
    ValueError
        When `scoring` is None and the searches do not agree on one metric, or when `scoring`
        is more than one.
    """
    if scoring is not None:
        if isinstance(scoring, str):
            _check_metric(scoring)
        if isinstance(scoring, str) or callable(scoring):
            return scoring
        raise ValueError(
            "scoring must be one metric, the name of a scorer or a callable, as one number says "
            f"who wins; got {scoring!r}."
        )
    own = [contestant.search.get_params(deep=False).get("scoring") for contestant in contestants]
    if all(isinstance(metric, str) or metric is None or callable(metric) for metric in own) and all(
        metric == own[0] for metric in own
    ):
        return own[0]
    raise ValueError(
        f"The searches do not choose by one and the same metric (their scoring: {own}). Pass "
        "scoring=..., which all of them will use."
    )

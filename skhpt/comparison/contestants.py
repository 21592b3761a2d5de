"""Who takes part, and how each is told its budget; nothing is fitted here."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import clone
from sklearn.metrics import get_scorer_names

WORDS = {
    "grid": "GridSearchCV",
    "random": "RandomizedSearchCV",
    "bayes": "BayesSearchCV",
    "halving": "HalvingRandomSearchCV",
    "hyperband": "HyperbandSearchCV",
}


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


# -- the same conditions for all ----------------------------------------------------------------


def prepared(search, conditions: Mapping[str, Any]):
    """A clone of a search with the folds, the metric and the seed of the contest.

    Parameters
    ----------
    search : search object
    conditions : dict
        ``cv``, ``random_state``, and ``scoring`` and ``n_jobs``, which None leaves as they are.
    """
    search = clone(search)
    known = search.get_params(deep=False)
    common = {name: value for name, value in conditions.items() if value is not None}
    common["test_size"] = None
    scoring = conditions["scoring"]
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

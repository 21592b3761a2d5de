"""Training that a search stops: where it can be had, and what it takes out of a space.

Where the curve of a model can be read as it grows, see :mod:`~skhpt.estimators.growing`. Where it
cannot, the estimator's own early stopping on an inner split tells the number of rounds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split

from .._compat import check_method_params, num_samples, safe_split
from .catboost import effective_name, rate_follows_rounds
from .family import is_untouched
from .growing import as_rows
from .pipelines import beginning, fit_params_of_end, last_step, rounds_parameter, transformed
from .registry import family_of, is_estimator

# Parameters by which estimators stop their own training.
_OWN_STOPPING = frozenset({"early_stopping", "n_iter_no_change", "validation_fraction"})
_SHARE_ASIDE = 0.15  # of the rows for training
# What a booster's ``fit`` may be given beside rows to watch that are none of the user's own.
_BESIDE_WATCHED = frozenset(
    {"sample_weight", "feature_name", "categorical_feature", "cat_features"}
)


def rounds_to_find(
    estimator: Any, n_samples: int, fit_params: Mapping[str, Any] | None = None
) -> str | None:
    """Name of the number of rounds that a search can find; None where it cannot."""
    prefix, last = last_step(estimator)
    stopper, given = _stopper_of(last), fit_params or {}
    inner = stopper is not None and stopper.works_with(estimator, given)
    known = rounds_parameter(estimator, n_samples, given)
    return known or (prefix + stopper.rounds if inner else None)


def name_in_effect(estimator: Any, parameter: str, names: Iterable[str]) -> str:
    """The name of a parameter of the last step that its library obeys.

    Parameters
    ----------
    estimator : estimator object
    parameter : str
        In the names of the whole.
    names : iterable of str
        Those that are given, of this parameter and of others.

    Returns
    -------
    name : str
        `parameter` where none of its other names is given.
    """
    prefix, last = last_step(estimator)
    family, own = family_of(last), parameter.removeprefix(prefix)
    if family is None or not parameter.startswith(prefix):
        return parameter
    given = {name.removeprefix(prefix): None for name in names if name.startswith(prefix)}
    return prefix + family.rename({**given, own: None}, own)


def rounds_by_another_name(estimator: Any) -> tuple[str, str] | None:
    """The number of rounds and the other name by which an estimator has been given it already."""
    prefix, last = last_step(estimator)
    stopper = _known_stopper(last)
    if stopper is None:
        return None
    rounds = prefix + stopper.rounds
    name = name_in_effect(estimator, rounds, [prefix + own for own in last.get_params(deep=False)])
    return None if name == rounds else (rounds, name)


def settles_its_training(estimator: Any) -> bool:
    """Whether the user has said himself how long to train, or how to stop."""
    last = last_step(estimator)[1]
    if not is_estimator(last):
        return False
    stopper = _stopper_of(last)
    names = {*_OWN_STOPPING, "early_stopping_rounds", stopper.rounds if stopper else ""}
    known = names & last.get_params(deep=False).keys()
    return not all(is_untouched(last, name) for name in known)


def left_to_the_search(
    space: Mapping[str, Any], rounds: str, switched_off: Sequence[str]
) -> dict[str, Any]:
    """A curated space without the number of rounds, and with no other stopping beside it."""
    prefix = rounds.rpartition("__")[0]
    prefix = f"{prefix}__" if prefix else ""
    gone = {rounds, *(prefix + name for name in _OWN_STOPPING)}
    rest = {name: entry for name, entry in space.items() if name not in gone}
    return {**rest, **{name: [False] for name in switched_off}}


def own_stopping(estimator: Any, n_samples: int) -> list[str]:
    """Names of what makes ``fit`` set rows aside to stop, unless the user has asked for it."""
    prefix, last = last_step(estimator)
    params = last.get_params(deep=False) if is_estimator(last) else {}
    value = params.get("early_stopping", False)
    if value is False or not is_untouched(last, "early_stopping"):
        return []
    # It decides by the number of rows, and so does its grower.
    return [] if rounds_parameter(estimator, n_samples) else [prefix + "early_stopping"]


# -- the inner split -------------------------------------------------------------------------


def rounds_by_inner_split(
    estimator: Any,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
    patience: int | None = None,
    random_state: int = 0,
) -> int | None:
    """Number of rounds after which an estimator is best on a part of its training rows.

    Parameters
    ----------
    estimator : estimator object
        A clone with its configuration; it is changed.
    X, y : the rows for training
    fit_params : mapping
        As ``fit`` would get them.
    patience : int or None, default=None
        Rounds without an improvement after which to stop; None is 30, and 20 for epochs.
    random_state : int, default=0
        Chooses the rows that are set aside, where this is not the estimator's own doing.

    Returns
    -------
    n_rounds : int or None
        None where the estimator has no early stopping, or cannot have it here.
    """
    stopper = _stopper_of(last_step(estimator)[1])
    if stopper is None:
        return None
    found = stopper(estimator, X, y, fit_params, patience, random_state)
    return None if found is None else max(1, int(found))


class _Stopper:
    """Early stopping as a library has it.

    Parameters
    ----------
    rounds : str
    best : callable
        ``best(model)`` is the number of rounds that a fitted model was best at.
    patience, max_rounds : int
    """

    def __init__(self, rounds: str, best: Callable[[Any], int], patience=30, max_rounds=1000):
        self.rounds = rounds
        self._best = best
        self._patience = patience
        self._max_rounds = max_rounds

    def of(self, estimator: Any) -> _Stopper:
        """The same for an estimator, in the names that it is given its parameters by."""
        return self

    def works_with(self, estimator: Any, fit_params: Mapping[str, Any]) -> bool:
        """Whether it can be had for an estimator, alone or at an end, with such a ``fit``."""
        return True


class _ByItself(_Stopper):
    """scikit-learn's, which sets rows aside inside of ``fit``."""

    def __call__(self, estimator, X, y, fit_params, patience, random_state):
        prefix, last = last_step(estimator)
        wanted = {
            self.rounds: self._max_rounds,
            "early_stopping": True,
            "n_iter_no_change": patience or self._patience,
        }
        known = last.get_params(deep=False)
        estimator.set_params(**{prefix + k: v for k, v in wanted.items() if k in known})
        estimator.fit(X, *(() if y is None else (y,)), **fit_params)
        return self._best(last_step(estimator)[1])


class _Watching(_Stopper):
    """That of the boosters, which watch rows that ``fit`` is given."""

    def __init__(self, rounds, best, stopping):
        super().__init__(rounds, best)
        self._stopping = stopping

    def works_with(self, estimator, fit_params):
        own = fit_params_of_end(estimator, fit_params)
        return own is not None and not set(own) - _BESIDE_WATCHED

    def __call__(self, estimator, X, y, fit_params, patience, random_state):
        last = last_step(estimator)[1]
        if y is None or not self.works_with(estimator, fit_params):
            return None
        labels = y if is_classifier(estimator) else None
        rows = np.arange(num_samples(X))
        inner, aside = train_test_split(
            rows, test_size=_SHARE_ASIDE, stratify=labels, random_state=random_state
        )
        fit_params = check_method_params(X, params=fit_params, indices=inner)
        X_aside, y_aside = safe_split(estimator, X, y, aside, inner)
        X, y = safe_split(estimator, X, y, inner)
        before = beginning(estimator)
        if before is None:
            X, X_aside = as_rows(X), as_rows(X_aside)
        else:
            X = before.fit_transform(X, y)
            X_aside = transformed(before, X_aside)
        last.set_params(**{self.rounds: self._max_rounds})
        how = self._stopping(last, patience or self._patience)
        own = fit_params_of_end(estimator, fit_params)
        last.fit(X, y, **_watched(last, X_aside, y_aside), **how, **own)
        return self._best(last)


class _WatchingCatBoost(_Watching):
    """That of CatBoost: a number that was found at another learning rate would mean nothing."""

    def of(self, estimator):
        rounds = effective_name(estimator.get_params(deep=False), self.rounds)
        return type(self)(rounds, self._best, self._stopping)

    def works_with(self, estimator, fit_params):
        follows = rate_follows_rounds(last_step(estimator)[1].get_params(deep=False))
        return not follows and super().works_with(estimator, fit_params)


def _watched(model, X, y) -> dict[str, Any]:
    """Rows to watch, by the names that the version of a library has for them."""
    if "eval_X" in inspect.signature(model.fit).parameters:
        return {"eval_X": (X,), "eval_y": (y,)}
    return {"eval_set": [(X, y)]}


def _lightgbm(model, patience: int) -> dict[str, Any]:
    import lightgbm

    return {"callbacks": [lightgbm.early_stopping(patience, verbose=False)]}


def _xgboost(model, patience: int) -> dict[str, Any]:
    model.set_params(early_stopping_rounds=patience)
    return {"verbose": False}


def _catboost(model, patience: int) -> dict[str, Any]:
    return {"early_stopping_rounds": patience, "use_best_model": True}


_LIGHTGBM = _Watching("n_estimators", lambda model: model.best_iteration_, _lightgbm)
_XGBOOST = _Watching("n_estimators", lambda model: model.best_iteration + 1, _xgboost)
_CATBOOST = _WatchingCatBoost("iterations", lambda model: model.tree_count_, _catboost)
_HISTOGRAM = _ByItself("max_iter", lambda model: np.argmax(model.validation_score_))
_EXACT = _ByItself("n_estimators", lambda model: model.n_estimators_ - model.n_iter_no_change)
_NETWORK = _ByItself(
    "max_iter", lambda model: 1 + np.argmax(model.validation_scores_), patience=20, max_rounds=500
)
_LINEAR = _ByItself("max_iter", lambda model: model.n_iter_ - model.n_iter_no_change)

_STOPPERS: Mapping[tuple[str, str], _Stopper] = {
    ("lightgbm", "LGBMClassifier"): _LIGHTGBM,
    ("lightgbm", "LGBMRegressor"): _LIGHTGBM,
    ("xgboost", "XGBClassifier"): _XGBOOST,
    ("xgboost", "XGBRegressor"): _XGBOOST,
    ("catboost", "CatBoostClassifier"): _CATBOOST,
    ("catboost", "CatBoostRegressor"): _CATBOOST,
    ("sklearn", "HistGradientBoostingClassifier"): _HISTOGRAM,
    ("sklearn", "HistGradientBoostingRegressor"): _HISTOGRAM,
    ("sklearn", "GradientBoostingClassifier"): _EXACT,
    ("sklearn", "GradientBoostingRegressor"): _EXACT,
    ("sklearn", "MLPClassifier"): _NETWORK,
    ("sklearn", "MLPRegressor"): _NETWORK,
    ("sklearn", "SGDClassifier"): _LINEAR,
    ("sklearn", "SGDRegressor"): _LINEAR,
}


def _known_stopper(estimator: Any) -> _Stopper | None:
    library = type(estimator).__module__.partition(".")[0]
    stopper = _STOPPERS.get((library, type(estimator).__name__))
    return None if stopper is None else stopper.of(estimator)


def _stopper_of(estimator: Any) -> _Stopper | None:
    """How an estimator can be stopped as it is set; None where it cannot."""
    stopper = _known_stopper(estimator)
    if stopper is None or rounds_by_another_name(estimator) is not None:
        return None  # by that name it would be told so many rounds, whatever is found
    params = estimator.get_params(deep=False)
    # A forest has no rounds to stop; dropped trees come back; lbfgs has no epochs.
    forest = params.get("boosting_type", params.get("booster")) in ("dart", "rf", "gblinear")
    return None if forest or params.get("solver") == "lbfgs" else stopper

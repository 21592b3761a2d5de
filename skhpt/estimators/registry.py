"""The table of families, the look-up, and the threads that estimators start.

A new family is a module with a :class:`~skhpt.estimators.family.Family` and a row here.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import numbers
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from .family import Family


@functools.cache
def families() -> tuple[Family, ...]:
    """Return all families; of those with a class in common, the first that applies counts."""
    # Only here, at the first look-up, so that importing the package stays cheap.
    from . import catboost, gradient_boosting, lightgbm, linear, mlp, trees, xgboost

    return (
        lightgbm.LIGHTGBM,
        xgboost.XGBOOST_LINEAR,  # before the trees of the same classes
        xgboost.XGBOOST,
        xgboost.XGBOOST_FOREST,
        catboost.CATBOOST,
        gradient_boosting.HISTOGRAM,
        gradient_boosting.EXACT,
        trees.FOREST,
        trees.EXTRA,
        trees.TREE,
        mlp.MLP,
        linear.LOGISTIC,
        linear.RIDGE,
        linear.LASSO,
        linear.ELASTIC_NET,
        linear.LINEAR_SVM,
        linear.SVM,
        linear.NEIGHBOURS,
    )


def family_of(estimator: Any) -> Family | None:
    """Return what is known of an estimator: the family of its first known class, or None."""
    for cls in type(estimator).__mro__:
        library = cls.__module__.partition(".")[0]
        for family in families():
            known = family.library == library and cls.__name__ in family.names
            if known and family.applies(estimator):
                return family
    return None


def is_estimator(value: Any) -> bool:
    """Whether a value is an instance with parameters (a class is not)."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def is_misspelt(estimator: Any, name: str) -> bool:
    """Whether a name that an estimator takes as a keyword means nothing to its library.

    Boosters take any keyword and ignore those that they do not know.
    """
    family = family_of(estimator)
    if family is None:
        return False
    own = estimator.get_params(deep=False)
    known = family.names_known()
    if known is not None:
        return name not in known and name not in own
    return name not in own and bool(difflib.get_close_matches(name, own, n=1, cutoff=0.85))


# -- threads -------------------------------------------------------------------------------


def thread_parameters(estimator: Any) -> dict[str, bool]:
    """Return the parameters by which an estimator, or one inside of it, starts threads.

    Parameters
    ----------
    estimator : object
        An estimator, however nested.

    Returns
    -------
    dict of str to bool
        For every name (``step__n_jobs``), whether None means all cores, as in LightGBM and
        XGBoost. Elsewhere None means one, and those that are None or 1 are left out.
    """
    params = estimator.get_params(deep=True)
    found = {}
    for prefix, holder in _holders(estimator, params):
        family = family_of(holder)
        if family is not None and family.threads is not None:
            own = holder.get_params(deep=False)
            found[prefix + family.rename(own, family.threads)] = True
    for name, value in params.items():
        is_known = name in found or _is_shadowed(name, found)
        if name.rpartition("__")[2] == "n_jobs" and not is_known and value not in (None, 1):
            found[name] = False
    return found


def quiet_parameters(estimator: Any) -> dict[str, Any]:
    """Return what keeps an estimator, and all inside of it, from printing through a search.

    Parameters
    ----------
    estimator : object
        An estimator, however nested.

    Returns
    -------
    dict of str to object
        Values for ``set_params``; nothing that the user has set himself.
    """
    found = {}
    for prefix, holder in _holders(estimator, estimator.get_params(deep=True)):
        family = family_of(holder)
        own = holder.get_params(deep=False)
        for name, value in family.quiet.items() if family is not None else ():
            if family.rename(own, name) not in own:
                found[prefix + name] = value
    return found


@contextlib.contextmanager
def expecting(estimator: Any, space: Mapping[str, Any]) -> Iterator[None]:
    """Inside the block, what a curated space is itself to blame for is not warned of.

    Parameters
    ----------
    estimator : object
        An estimator, however nested.
    space : mapping
        Its curated space.
    """
    messages: list[str] = []
    for prefix, holder in _holders(estimator, estimator.get_params(deep=True)):
        family = family_of(holder)
        if family is not None:
            own = {n.removeprefix(prefix): v for n, v in space.items() if n.startswith(prefix)}
            messages += family.expected(own)
    if not messages:  # the filters, which all threads share, are left alone
        yield
        return
    with warnings.catch_warnings():
        for message in messages:
            warnings.filterwarnings("ignore", message, ConvergenceWarning)
        yield


def _holders(estimator: Any, params: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return every estimator inside whose parameters can be set, with its prefix."""
    inside = [
        (f"{name}__", value)
        for name, value in params.items()
        if is_estimator(value) and can_be_set(estimator, name, value, params)
    ]
    return [("", estimator), *inside]


def can_be_set(estimator: Any, name: str, inside: Any, params: Mapping[str, Any]) -> bool:
    """Whether what is inside of an estimator can be given parameters (if frozen it cannot).

    Parameters
    ----------
    estimator : object
    name : str
        Of the parameter that holds it.
    inside : object
        An estimator.
    params : mapping
        All parameters of the estimator, however deep.
    """
    if any(other.startswith(f"{name}__") for other in params):
        return True
    holder = name.rpartition("__")[0]
    frozen = type(params[holder] if holder else estimator).__name__ == "FrozenEstimator"
    # CatBoost's get_params tells what was set, and that may be nothing.
    return not frozen and family_of(inside) is not None and not inside.get_params(deep=False)


def _is_shadowed(name: str, found: dict[str, bool]) -> bool:
    """Whether the library's own name for its threads makes ``n_jobs`` void."""
    prefix = name[: -len("n_jobs")]
    return any(other.rpartition("__")[0] == prefix.removesuffix("__") for other in found)


def divide_threads(estimator: Any, n_threads: int) -> None:
    """Let an estimator, and all inside of it, start at most some threads; in place.

    Parameters
    ----------
    estimator : object
        An estimator, however nested.
    n_threads : int
        How many cores it has to itself.
    """
    params = estimator.get_params(deep=True)
    changes = {}
    for name, none_means_all in thread_parameters(estimator).items():
        value = params.get(name)
        unbounded = value is None and none_means_all
        if unbounded or (isinstance(value, numbers.Integral) and not 1 <= value <= n_threads):
            changes[name] = n_threads
    if changes:
        estimator.set_params(**changes)

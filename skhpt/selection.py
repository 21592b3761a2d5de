"""Who wins: the best mean score, or the simplest of those that are as good."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .estimators import DataFacts
from .estimators.find import Leaf, walk
from .evaluate import with_params
from .space.base import brief

ONE_SE = "one_se"
DIRECTIONS = {"ascending": 1.0, "descending": -1.0}
_HOW = (
    "refit=OneSE(by='mean_score_time') for the quickest, OneSE(by=('param_C', 'descending')) for "
    "the greatest value of a parameter, or OneSE(by=f) with a callable f(params) that returns a "
    "number, the smaller the simpler"
)


# -- the simplest of those that are as good ----------------------------------------------


@dataclass(frozen=True)
class OneSE:
    """The simplest configuration within one standard error of the best: a rule for `refit`.

    The best mean score is known up to its standard error over the folds; of all configurations
    that are not worse than by this much, the simplest one wins. Of equally simple ones the better
    score wins, then the one that was tried first.

    Parameters
    ----------
    by : str, tuple, list or callable, default=None
        What is simple. A column of ``cv_results_``, smaller values being the simpler; a pair of
        a column and "ascending" or "descending"; a list of these, where a later one decides
        between those that an earlier one holds equal; or a callable that takes ``params`` and
        returns a number. None is the order that is known of the estimator, in the searches of
        this package: number of trees times bound on the leaves of a tree for boosters, forests
        and trees; neurons, then the stronger `alpha`, for networks; the stronger penalty for
        linear models; `C`, then `gamma`, for support vector machines; more neighbours.
    metric : str, default=None
        Name of the metric, in a search with several.

    Raises
    ------
    TypeError
        When `by` is none of these.

    Notes
    -----
    The standard error is that of the best configuration's own mean, ``s / sqrt(K)`` with the
    standard deviation ``s`` (of K - 1 degrees of freedom) of its K fold scores, as published. It
    holds what makes a fold hard for everybody too, so that the rule is more generous than a
    paired comparison would be; folds share rows, and repeated ones more so, which makes it
    less generous again. With one fold there is no standard error, and the best mean wins.

    A `by` that is a time makes the result depend on the machine, the load and `n_jobs`.

    Works as ``refit=`` in scikit-learn's own searches too, with a `by`.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and regression trees",
    Wadsworth (1984), section 3.4.3. T. Hastie, R. Tibshirani and J. Friedman, "The elements of
    statistical learning", 2nd edition, Springer (2009), section 7.10.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearchCV, OneSE
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> grid = {"max_depth": [1, 2, 3, 4, 5]}
    >>> GridSearchCV(tree, grid).fit(*load_iris(return_X_y=True)).best_params_
    {'max_depth': 4}
    >>> search = GridSearchCV(tree, grid, refit=OneSE(by="param_max_depth"))
    >>> search.fit(*load_iris(return_X_y=True)).best_params_
    {'max_depth': 3}
    """

    by: Any = None
    metric: str | None = None

    def __post_init__(self) -> None:
        if self.by is not None and not callable(self.by):
            _columns_of(self.by)

    def __call__(self, results: Mapping[str, Any]) -> int:
        """Return the row of the winner in ``cv_results_``."""
        if self.by is None:
            raise ValueError(f"OneSE() does not know which configuration is simpler. Say {_HOW}.")
        metric = self.metric or "score"
        if f"mean_test_{metric}" not in results:
            known = [name[10:] for name in results if name.startswith("mean_test_")]
            raise ValueError(
                f"OneSE(metric={self.metric!r}) must name one of the metrics of the search, which "
                f"are {known}."
            )
        return one_se_index(results, metric, self.keys)

    @property
    def columns(self) -> list[str]:
        """The columns of ``cv_results_`` that it looks at, scores apart."""
        if self.by is None or callable(self.by):
            return []
        return [name for name, _ in _columns_of(self.by)]

    def keys(self, results: Mapping[str, Any], rows: np.ndarray) -> np.ndarray:
        """How complex some rows of ``cv_results_`` are; shape (n_keys, n_rows)."""
        if callable(self.by):
            named = [("by", [self.by(results["params"][row]) for row in rows], 1.0)]
        else:
            columns = _columns_of(self.by)
            check_columns(self.columns, results, "OneSE(by=...)")
            named = [(c, list(filled(results[c])[rows]), sign) for c, sign in columns]
        return np.array([sign * as_numbers(name, values) for name, values, sign in named])


def one_se_index(
    results: Mapping[str, Any],
    metric: str,
    keys: Callable[[Mapping[str, Any], np.ndarray], np.ndarray],
) -> int:
    """The simplest row of ``cv_results_`` within one standard error of the best; see OneSE.

    Parameters
    ----------
    results : mapping
        ``cv_results_``.
    metric : str
    keys : callable
        ``keys(results, rows)`` returns an array of shape (n_keys, n_rows); the smaller, the
        simpler, the first key first. NaN is the least simple.

    Returns
    -------
    index : int
        The best by rank where no row has a score.
    """
    means = np.asarray(results[f"mean_test_{metric}"], dtype=float)
    best = int(np.argmin(results[f"rank_test_{metric}"]))
    if not math.isfinite(means[best]):
        return best
    folds = _fold_scores(results, metric)[best]
    error = np.std(folds, ddof=1) / math.sqrt(len(folds)) if len(folds) > 1 else 0.0
    rows = np.flatnonzero(means >= means[best] - (error if math.isfinite(error) else 0.0))
    # the last key of lexsort is the first to be looked at
    order = np.lexsort([rows, -means[rows], *keys(results, rows)[::-1]])
    return int(rows[order[0]])


def _columns_of(by: Any) -> list[tuple[str, float]]:
    """Columns and their signs."""
    if isinstance(by, str):
        return [(by, 1.0)]
    if isinstance(by, tuple) and len(by) == 2 and by[1] in DIRECTIONS:
        if isinstance(by[0], str):
            return [(by[0], DIRECTIONS[by[1]])]
    elif isinstance(by, list) and by:
        return [pair for entry in by for pair in _columns_of(entry)]
    raise TypeError(
        "OneSE: by must be a column of cv_results_, a pair (column, 'ascending') or (column, "
        f"'descending'), a list of these, or a callable of the parameters, got {by!r}."
    )


def filled(column: Any) -> np.ndarray:
    """A column with NaN where a parameter was no part of a configuration."""
    if isinstance(column, np.ma.MaskedArray):
        return column.astype(object).filled(np.nan)
    return np.asarray(column, dtype=object)


def as_numbers(name: str, values: list[Any]) -> np.ndarray:
    try:
        return numbers_of(values)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"OneSE orders by numbers, but {name} has {brief(values)}. Give a callable that "
            "returns a number: OneSE(by=lambda params: ...)."
        ) from error


def numbers_of(values: Iterable[Any]) -> np.ndarray:
    return np.array([math.nan if v is None else float(v) for v in values], dtype=float)


def _fold_scores(results: Mapping[str, Any], metric: str) -> np.ndarray:
    """Scores of shape (n_candidates, n_folds)."""
    names = [n for n in results if re.fullmatch(rf"split\d+_test_{re.escape(metric)}", n)]
    return np.array([results[name] for name in names], dtype=float).T


def check_columns(names: Iterable[str], known: Iterable[str], where: str) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            shown = [n for n in known if not n.startswith(("split", "std"))]
            raise ValueError(
                f"{where} names {name!r}, which is no column of this search.{hint} There are "
                f"{', '.join(shown)}."
            )


# -- the order that is known of an estimator ---------------------------------------------


def known_order(estimator: Any) -> Leaf:
    """Find what has a known order of complexity inside of an estimator.

    Raises
    ------
    ValueError
        When there is none, or several estimators would have to be weighed.
    """
    found = walk(estimator)
    orders = [leaf for leaf in found if leaf.family is not None and leaf.family.complexity]
    if len(found) == 1 and orders:
        return orders[0]
    names = ", ".join(type(leaf.estimator).__name__ for leaf in found)
    why = "there are several estimators inside" if len(found) > 1 else "no order of its own"
    raise ValueError(_no_order(f"none is known for {names} ({why})"))


def check_order(estimator: Any, names: Iterable[str]) -> None:
    """Refuse a search whose parameters the known order does not look at.

    Parameters
    ----------
    estimator : estimator object
    names : iterable of str
        The parameters that the search varies.

    Raises
    ------
    ValueError
    """
    names, leaf = list(names), known_order(estimator)
    replaced = [name for name in names if leaf.prefix.startswith(f"{name}__")]
    if replaced:
        raise ValueError(_no_order(f"the search replaces {replaced[0]!r}"))
    own = {name.removeprefix(leaf.prefix): None for name in names if name.startswith(leaf.prefix)}
    params = {**leaf.estimator.get_params(deep=False), **own}
    looked_at = leaf.family.complexity.names
    if not {leaf.family.rename(params, name) for name in looked_at} & own.keys():
        wanted = ", ".join(repr(leaf.prefix + name) for name in looked_at)
        raise ValueError(
            _no_order(f"that of {type(leaf.estimator).__name__} looks at {wanted} alone")
        )


def _no_order(why: str) -> str:
    return (
        "refit='one_se' needs an order of the configurations, the simplest first, and "
        f"{why}. Say one: {_HOW}."
    )


def complexities(
    estimator: Any, facts: DataFacts, candidates: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """How complex configurations are by the known order; shape (n_keys, n_candidates)."""
    rows = []
    for params in candidates:
        leaf = known_order(with_params(estimator, params, quiet=False))
        family = leaf.family
        is_classifier = family.is_classifier(leaf.estimator)
        seen = facts.seen_by(classifier=is_classifier, changed=leaf.changed)
        rows.append(family.complexity.measure(family.given(leaf.estimator, seen), seen))
    return np.array(rows, dtype=float).T


# -- the score of a winner is too good ---------------------------------------------------


def corrected_score(
    results: Mapping[str, Any], metric: str, best: int, among: np.ndarray
) -> float | None:
    """The mean score of the winner, less an estimate of what being chosen has added to it.

    On each fold, the difference between the best score of any candidate and that of the winner
    says what choosing by that fold alone would have gained there; the mean of these over the
    folds is the estimate of the bias.

    Parameters
    ----------
    results : mapping
        ``cv_results_``.
    metric : str
    best : int
        The row with the best mean.
    among : ndarray of bool
        The rows that it was chosen from; those that were dropped from a race count on the folds
        that they ran.

    Returns
    -------
    score : float or None
        None with a single fold, or where the winner has no finite score.

    Notes
    -----
    Where all candidates are equal and the noise of their scores is independent between folds, the
    estimate is ``sqrt(K) - 1`` times the bias of the best of them, K being the number of folds:
    right at four, a quarter too much at five, twice the bias at ten, since a single fold has
    sqrt(K) times the noise of the mean. Candidates that a race dropped have left the later folds
    to those that did well, which makes the estimate smaller.

    References
    ----------
    R. J. Tibshirani and R. Tibshirani, "A bias correction for the minimum error rate in
    cross-validation", The Annals of Applied Statistics 3 (2009).
    """
    folds = _fold_scores(results, metric)
    own = folds[best]
    if len(own) < 2 or not np.isfinite(own).all():
        return None
    others = np.where(np.isfinite(folds[among]), folds[among], -np.inf)
    bias = np.mean(np.maximum(others.max(axis=0, initial=-np.inf), own) - own)
    return float(results[f"mean_test_{metric}"][best] - bias)


def metric_named(refit) -> str | None:
    """The metric that `refit` names, if it does."""
    if isinstance(refit, OneSE):
        return refit.metric
    return refit if isinstance(refit, str) else None

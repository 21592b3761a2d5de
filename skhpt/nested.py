"""Nested cross-validation: the search itself, judged on folds that it never saw.

The score by which a search has chosen its winner is optimistic; that of the outer folds is not.
S. Varma and R. Simon, "Bias in error estimation when using cross-validation for model selection",
BMC Bioinformatics 7 (2006).
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.model_selection import (
    GroupKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
    cross_validate,
)

from .comparison.history import history_of

if TYPE_CHECKING:
    import pandas as pd

# Standard deviation of a value drawn anew in each fold, uniformly on its scale.
_BY_CHANCE = 1 / math.sqrt(12)
_FEW = 5  # values that are choices rather than points on a scale


@dataclass(frozen=True)
class Choice:
    """What the folds chose for one parameter, and how much they agree.

    Attributes
    ----------
    name : str
    values : list
        One a fold that has the parameter.
    commonest : object
        The most frequent value (of equals the first).
    share : float
        Folds that chose it, of those that have the parameter.
    n_folds : int or None
        All folds; the winners of some may lack the parameter. None where every one has it.
    spread : float
        Of a number: the standard deviation over the folds on the scale of the search space, from
        0 at its low end to 1 at its high end (logarithmic where the space is); 0.29 is what
        drawing at random gives. Without a space of our own to look into, the scale is that of
        the values that were tried. NaN for
        anything but numbers, and where five values or fewer are to choose from.
    """

    name: str
    values: list
    commonest: Any
    share: float
    spread: float
    n_folds: int | None = None

    @property
    def agreement(self) -> str:
        """In a word: "same", "stable", "varies" or "arbitrary"; "one fold" for a single one.

        A value that half of the folds choose is never called arbitrary.
        """
        if len(self.values) == 1 and (self.n_folds or 1) > 1:
            return "one fold"
        if self.share == 1:
            return "same"
        if not math.isnan(self.spread):
            bounds = ((0.1, "stable"), (0.75 * _BY_CHANCE, "varies"))
            word = next((word for bound, word in bounds if self.spread < bound), "arbitrary")
            return "varies" if word == "arbitrary" and self.share >= 0.5 else word
        bounds = ((0.8, "stable"), (0.5, "varies"))
        return next((word for bound, word in bounds if self.share >= bound), "arbitrary")


@dataclass(frozen=True)
class NestedScores:
    """What :func:`nested_cv` returns.

    Attributes
    ----------
    scores : ndarray of shape (n_folds,)
        Of the refitted winner of each fold, on the outer fold.
    inner_scores : ndarray of shape (n_folds,)
        ``best_score_`` of each fold's search; NaN where there is none.
    best_params : list of dict
        The winner of each fold.
    choices : list of Choice
        How much they vary, by parameter.
    seconds : ndarray of shape (n_folds,)
        Of each search.
    searches : list of search objects
        The fitted search of each fold.
    train_indices, test_indices : list of ndarray of int
    metric : str
    same_metric : bool
        Whether the outer scores are the metric of the inner ones.
    """

    scores: np.ndarray
    inner_scores: np.ndarray
    best_params: list[dict[str, Any]]
    choices: list[Choice]
    seconds: np.ndarray
    searches: list = field(repr=False)
    train_indices: list = field(repr=False)
    test_indices: list = field(repr=False)
    metric: str = "score"
    same_metric: bool = True

    @property
    def mean(self) -> float:
        """Mean of the outer scores: what to report."""
        return float(self.scores.mean())

    @property
    def std(self) -> float:
        """Their standard deviation (n - 1). The folds share rows: it is no standard error."""
        return float(self.scores.std(ddof=1)) if len(self.scores) > 1 else math.nan

    @property
    def optimism(self) -> float:
        """Mean ``best_score_`` minus mean outer score; NaN when the metrics are not the same."""
        if not self.same_metric:
            return math.nan
        return float((self.inner_scores - self.scores).mean())

    def to_frame(self) -> pd.DataFrame:
        """One row a fold: scores, optimism, seconds, rows, and a column for each parameter."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas.") from error
        table = {
            "fold": np.arange(len(self.scores)),
            "score": self.scores,
            "inner_score": self.inner_scores,
            "optimism": self.inner_scores - self.scores if self.same_metric else np.nan,
            "n_train": [len(rows) for rows in self.train_indices],
            "n_test": [len(rows) for rows in self.test_indices],
            "seconds": self.seconds,
        }
        for choice in self.choices:
            column = np.empty(len(self.scores), dtype=object)
            column[:] = [params.get(choice.name) for params in self.best_params]
            table[f"param_{choice.name}"] = pd.Series(column).infer_objects()
        return pd.DataFrame(table)

    def _sentences(self) -> list[str]:
        n = len(self.scores)
        said = [f"{self.metric} on {n} outer folds: {self.mean:.4f}, sd {self.std:.4f}."]
        if not self.same_metric:
            said.append("The searches chose by another metric, so there is no optimism to tell.")
        elif math.isfinite(self.optimism):
            word = "more" if self.optimism >= 0 else "less"
            said.append(
                f"The searches promised {np.mean(self.inner_scores):.4f} (mean best_score_): "
                f"{abs(self.optimism):.4f} {word} than the outer folds gave."
            )
        arbitrary = [choice.name for choice in self.choices if choice.agreement == "arbitrary"]
        if arbitrary and n > 2:
            said.append(
                "The folds agree no better than chance on "
                f"{', '.join(arbitrary)}: what was chosen there says little."
            )
        return said

    def _choice_rows(self) -> list[list[str]]:
        rows = [["parameter", "agreement", "spread", "share", "commonest", "chosen by the folds"]]
        for choice in self.choices:
            rows.append(
                [
                    choice.name,
                    choice.agreement + _presence(choice),
                    "-" if math.isnan(choice.spread) else f"{choice.spread:.2f}",
                    f"{choice.share:.0%}",
                    _brief(choice.commonest),
                    ", ".join(map(_brief, choice.values)),
                ]
            )
        return rows

    def __str__(self) -> str:
        rows = self._choice_rows()
        if len(rows) == 1:
            return "\n".join(self._sentences())
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*self._sentences(), "", *lines])

    def _repr_html_(self) -> str:
        head, *body = ([escape(cell) for cell in row] for row in self._choice_rows())
        lines = ["<tr>" + "".join(_cell("td", cell) for cell in row) + "</tr>" for row in body]
        heading = "".join(_cell("th", cell) for cell in head)
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._sentences())
        inside = f"<thead><tr>{heading}</tr></thead><tbody>{''.join(lines)}</tbody>"
        table = f'<div style="overflow-x: auto"><table>{inside}</table></div>'
        return f"<div>{said}{table if body else ''}</div>"


def nested_cv(
    search, X, y=None, *, outer_cv=5, groups=None, scoring=None, n_jobs=None, params=None
) -> NestedScores:
    """Score a search by cross-validation around it: the honest number for small data.

    Each outer fold is scored by a search that has not seen it, so that the mean of the scores
    is not inflated by the choice of the winner. It estimates what "searching, then fitting the
    winner" gives; it is no score of any one of the winners.

    Parameters
    ----------
    search : search object
        Any of this package, scikit-learn or scikit-optimize, or Optuna's; it is cloned for each
        fold.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), default=None
    outer_cv : int, splitter or iterable, default=5
        Outer folds. A number is that many folds as in scikit-learn; with `groups` they keep
        groups together, and are stratified and shuffled for classifiers.
    groups : array-like of shape (n_samples,), default=None
        Rows that belong together: given to the outer folds, and to the splitter of the search
        where it knows groups.
    scoring : str or callable, default=None
        Of the outer folds; None is the metric by which the search refits.
    n_jobs : int, default=None
        Outer folds at a time; the search has its own `n_jobs`.
    params : dict, default=None
        Passed to ``fit`` of the search; what has one entry a sample is split along. With
        scikit-learn's metadata routing on, it goes to whoever has asked for it.

    Returns
    -------
    result : NestedScores

    Raises
    ------
    TypeError
        When `search` is no search.
    ValueError
        When `scoring` names several metrics, or an outer fold cannot be searched.

    Warns
    -----
    UserWarning
        When there are `groups` and the search's own folds would tear them apart.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearchCV, nested_cv
    >>> X, y = load_iris(return_X_y=True)
    >>> nested = nested_cv(GridSearchCV(SVC(), {"C": [0.1, 1, 10]}), X, y, outer_cv=4)
    >>> len(nested.scores)
    4
    """
    if not hasattr(search, "estimator") or not hasattr(search, "fit"):
        raise TypeError(
            f"search must be a search object, such as BayesSearchCV(estimator); got {search!r}."
        )
    if scoring is not None and not isinstance(scoring, str) and not callable(scoring):
        raise ValueError(f"scoring must be one metric, a name or a callable; got {scoring!r}.")
    classifier = is_classifier(search) or is_classifier(search.estimator)
    regressor = is_regressor(search) or is_regressor(search.estimator)
    found = cross_validate(
        search,
        X,
        y,
        cv=_outer(outer_cv, y, groups, classifier),
        scoring=scoring,
        n_jobs=n_jobs,
        error_score="raise",
        return_estimator=True,
        return_indices=True,
        **_grouped(search, groups, dict(params or {})),
    )
    searches = list(found["estimator"])
    own = _metric_of(search)
    return NestedScores(
        scores=np.asarray(found["test_score"], dtype=float),
        inner_scores=np.array([getattr(s, "best_score_", math.nan) for s in searches], dtype=float),
        best_params=[dict(s.best_params_) for s in searches],
        choices=_choices(searches),
        seconds=np.asarray(found["fit_time"]),
        searches=searches,
        train_indices=list(found["indices"]["train"]),
        test_indices=list(found["indices"]["test"]),
        metric=_name_of(own if scoring is None else scoring, classifier, regressor),
        same_metric=scoring is None or scoring == own,
    )


# -- folds and groups ---------------------------------------------------------------------------


def _outer(outer_cv, y, groups, classifier: bool):
    folds = check_cv(outer_cv, y, classifier=classifier)
    if groups is None or not isinstance(outer_cv, numbers.Integral):
        return folds
    if isinstance(folds, StratifiedKFold):
        return StratifiedGroupKFold(folds.n_splits, shuffle=True, random_state=0)
    return GroupKFold(folds.n_splits)


def _grouped(search, groups, params: dict) -> dict[str, Any]:
    """How the groups reach both levels of folds, with metadata routing and without it."""
    if groups is None:
        return {"params": params}
    known = search.get_params(deep=False)
    knows_groups = _asks_for_groups(known.get("cv"))
    if not knows_groups:
        warnings.warn(
            f"groups was given, but the search's own cv={known.get('cv')!r} tears groups apart: "
            "its scores are too good and its choice is worse for it. Give it "
            "cv=GroupKFold(5), or another splitter for groups.",
            UserWarning,
            stacklevel=3,
        )
    if get_config()["enable_metadata_routing"]:
        return {"params": {**params, "groups": groups}}
    # Our test rows are whole groups, too. Other splitters complain of what they do not use.
    if knows_groups or known.get("test_size") is not None:
        params["groups"] = groups
    return {"groups": groups, "params": params}


def _asks_for_groups(cv) -> bool:
    if not hasattr(cv, "split"):
        # A number, or None, is folds of rows; a list holds folds that are what they are.
        return cv is not None and not isinstance(cv, numbers.Integral)
    if not hasattr(cv, "get_metadata_routing"):
        return True  # somebody's own: it gets the groups, as everywhere in scikit-learn
    return cv.get_metadata_routing().split.requests.get("groups") is True


# -- the metric ---------------------------------------------------------------------------------


def _metric_of(search):
    """The metric of ``best_score_``: `scoring`, or the one of several that `refit` names."""
    known = search.get_params(deep=False)
    scoring, refit = known.get("scoring"), known.get("refit")
    several = scoring is not None and not isinstance(scoring, str) and not callable(scoring)
    return refit if several and isinstance(refit, str) else scoring


def _name_of(metric, classifier: bool, regressor: bool) -> str:
    if metric is None:
        return "accuracy" if classifier else "r2" if regressor else "score"
    return metric if isinstance(metric, str) else getattr(metric, "__name__", repr(metric))


# -- how much the choices vary ------------------------------------------------------------------


def _choices(searches: Sequence) -> list[Choice]:
    names = dict.fromkeys(name for search in searches for name in search.best_params_)
    return [_choice(name, searches) for name in names]


def _choice(name: str, searches: Sequence) -> Choice:
    having = [search for search in searches if name in search.best_params_]
    values = [search.best_params_[name] for search in having]
    keys = [repr(value) for value in values]
    commonest = max(keys, key=keys.count)  # of equals the first
    spread = math.nan
    if all(_is_number(value) for value in values):
        places = [_place(name, value, search, searches) for value, search in zip(values, having)]
        spread = float(np.std(places, ddof=1)) if len(places) > 1 else math.nan
    return Choice(
        name=name,
        values=values,
        commonest=values[keys.index(commonest)],
        share=keys.count(commonest) / len(keys),
        spread=spread,
        n_folds=len(searches),
    )


def _presence(choice: Choice) -> str:
    """How many folds have the parameter, where it is not all of them."""
    if choice.n_folds is None or len(choice.values) == choice.n_folds:
        return ""
    return f", in {len(choice.values)} of {choice.n_folds} folds"


def _place(name: str, value, search, searches: Sequence) -> float:
    """Where on its scale a value lies, in [0, 1]; NaN among a few values, which are no scale."""
    ledger = getattr(search, "_ledger", None)
    for _, space in getattr(ledger, "legs", ()):
        dimension = space.dimensions.get(name)
        # a list of values has a column for each, or their order, where numbers have a scale
        if dimension is not None and dimension.n_columns == 1 and dimension.contains(value):
            return float(dimension.encode(value)[0]) if dimension.size > _FEW else math.nan
    tried = np.unique(
        [
            tried.params[name]
            for other in searches
            for tried in history_of(other)
            if _is_number(tried.params.get(name))
        ]
    )
    if len(tried) <= _FEW:
        return math.nan
    return float(np.searchsorted(tried, value) / (len(tried) - 1))


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)


def _cell(tag: str, text: str) -> str:
    """A notebook would set the words at the right, and each column beside the next."""
    return f'<{tag} style="text-align: left; padding: .2em .8em">{text}</{tag}>'


def _brief(value) -> str:
    if _is_number(value):
        return f"{value:.4g}"
    text = str(value) if not isinstance(value, Mapping) else repr(dict(value))
    return text if len(text) <= 30 else f"{text[:27]}..."

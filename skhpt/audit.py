"""Score a fitted search on rows of your own, and look whether they can be trusted."""

from __future__ import annotations

import math
import textwrap
import time
import warnings
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from ._compat import num_samples, scores_of
from .fingerprints import count_among, count_twins, fingerprints

_CONFIDENCE = 0.95
_WIDTH = 88  # columns of the text
_N_BOOTSTRAP = 1000
_FEW_SEEN = 0.02  # share of the test rows that, seen before, move the score but little
_TOO_SMALL = 30  # rows with which an interval by resampling is a guess


@dataclass(frozen=True)
class ScoreReport:
    """What :func:`score_report` returns; print it.

    Attributes
    ----------
    metric : str
    score, interval : float, (float, float)
        Of the search's winner on the test rows, with a 95 % percentile bootstrap interval over
        those rows; (nan, nan) where there is none.
    baseline_score, baseline_interval : float, (float, float)
        The same for the baseline; NaN where there was none to score.
    gain, gain_interval : float, (float, float)
        Score minus that of the baseline, and its interval from the same resamples.
    cv_score : float
        ``best_score_``, by which the winner was chosen.
    n_rows : int
        Test rows.
    n_seen : int or None
        Test rows that were among the rows for tuning; None where that cannot be told.
    n_tuning_twins, n_tuning : int
        Rows for tuning that have a twin among themselves, and all of them: how common equal
        rows are in such data anyway.
    note : str or None
        What makes the baseline no fair one.
    """

    metric: str
    score: float
    interval: tuple[float, float]
    baseline_score: float
    baseline_interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]
    cv_score: float
    n_rows: int
    n_seen: int | None = None
    n_tuning_twins: int = 0
    n_tuning: int = 0
    note: str | None = None

    @property
    def seen_share(self) -> float:
        """Share of the test rows that were among the rows for tuning; NaN where unknown."""
        return math.nan if self.n_seen is None else self.n_seen / self.n_rows

    @property
    def optimism(self) -> float:
        """``best_score_`` minus the score here."""
        return self.cv_score - self.score

    @property
    def lines(self) -> list[str]:
        """What is to be said, a sentence each."""
        said = [f"{self.metric} on {self.n_rows} test rows: {_with(self.score, self.interval)}"]
        if math.isnan(self.baseline_score):
            said.append(
                "No baseline: pass X_train=X_train, y_train=y_train, the rows that the search was "
                "tuned on, or baseline=clone(search.estimator).fit(X_train, y_train), to see what "
                "the search has bought."
            )
        else:
            said.append(f"The baseline: {_with(self.baseline_score, self.baseline_interval)}")
            said.append(f"Gain: {_with(self.gain, self.gain_interval, '+')}{self._verdict()}")
        if self.note is not None:
            said.append(self.note)
        if not math.isnan(self.cv_score):
            said.append(self._on_cv_score())
        said.append(self._on_seen_rows())
        if self.n_rows < _TOO_SMALL:
            said.append(f"{self.n_rows} rows are few: take the interval for a rough guess.")
        return said

    def _verdict(self) -> str:
        low, high = self.gain_interval
        if math.isnan(low) or low == high:
            return ""
        if low > 0:
            return ", more than the choice of the test rows explains"
        if high < 0:
            return ", a loss that is more than the choice of the test rows explains"
        return ", within what the choice of the test rows explains"

    def _on_cv_score(self) -> str:
        chosen = (
            f"Cross-validated in the search: {self.cv_score:.4f}, by which the winner was chosen"
        )
        if not math.isfinite(self.optimism):
            return f"{chosen}."
        if self.optimism == 0:
            return f"{chosen}; the same as here."
        word = "better" if self.optimism > 0 else "worse"
        return f"{chosen}; {abs(self.optimism):.4f} {word} than here."

    def _on_seen_rows(self) -> str:
        if self.n_seen is None:
            return "Whether test rows were among the rows for tuning is not known."
        if not self.n_seen:
            return "None of the test rows was among the rows for tuning."
        return seen_text(self.n_seen, self.n_rows, self.n_tuning_twins, self.n_tuning)

    def __str__(self) -> str:
        return "\n".join(textwrap.fill(line, _WIDTH, subsequent_indent="  ") for line in self.lines)

    def _repr_html_(self) -> str:
        return "<div>" + "".join(f"<p>{escape(line)}</p>" for line in self.lines) + "</div>"


def _with(score: float, interval: tuple[float, float], sign: str = "") -> str:
    text = format(score, f"{sign}.4f")
    if math.isnan(interval[0]):
        return text
    return f"{text} (95 % interval {interval[0]:{sign}.4f} to {interval[1]:{sign}.4f})"


def seen_text(n_seen: int, n_rows: int, n_twins: int, n_tuning: int) -> str:
    """Say how many test rows the search has seen, and whether equal rows are common."""
    fact = (
        f"Of the {n_rows} test rows, {n_seen} ({n_seen / n_rows:.1%}) stood among the {n_tuning} "
        "rows that the search was tuned on"
    )
    by_chance = n_rows * n_twins / n_tuning
    if n_seen > by_chance + 2 * math.sqrt(by_chance):
        if n_seen <= max(1, _FEW_SEEN * n_rows):
            return f"{fact}: on these few the score flatters itself. Leave them out of the test."
        return f"{fact}: the score flatters itself. Score the search on rows that it has not seen."
    return (
        f"{fact}. That is about as common as equal rows are among the latter "
        f"({n_twins / n_tuning:.1%}): harmless where rows are equal by nature; where they were "
        "copied before the split, the score flatters itself."
    )


def score_report(
    search,
    X,
    y=None,
    *,
    baseline=None,
    X_train=None,
    y_train=None,
    groups=None,
    score_params=None,
    random_state=0,
) -> ScoreReport:
    """Score a fitted search on test rows of your own, beside a baseline, and look for leaks.

    Parameters
    ----------
    search : search object
        Fitted, with a ``best_estimator_``: of this package, or another one with ``scorer_``.
    X : array-like of shape (n_samples, n_features)
        Test rows.
    y : array-like of shape (n_samples,), default=None
    baseline : estimator object, default=None
        Fitted on the rows that the search was tuned on, where it is to be another one than the
        estimator as given. None is that one as the search has fitted it (with `test_size`), or
        as it is fitted on `X_train` and `y_train`.
    X_train, y_train : array-like, default=None
        The rows that the search was tuned on: the estimator as given is fitted on them, without
        fit parameters, to be the baseline. The search keeps no training data of its own, but
        knows whether these are the same rows; what it has set aside itself must not be among
        them. Not together with `baseline`.
    groups : array-like of shape (n_samples,), default=None
        Test rows that belong together; whole groups are resampled.
    score_params : dict, default=None
        Passed to the scorer, such as ``sample_weight``; what has one entry a row is resampled
        with the rows.
    random_state : int, RandomState instance or None, default=0
        Seed of the resamples.

    Returns
    -------
    report : ScoreReport

    Raises
    ------
    TypeError
        When `search` has no ``best_estimator_``, or the scorer does not give one number.
    sklearn.exceptions.NotFittedError
        When the baseline is not fitted.
    ValueError
        When X, y and groups do not have the same number of rows, or there is none; when
        `X_train` comes with a `baseline`, or `y_train` without `X_train`.

    Warns
    -----
    UserWarning
        When `X_train` are not the rows that the search was tuned on: winner and baseline have
        learned from different ones then.
        When test rows were among the rows for tuning: the commonest way to fool oneself. A
        search of this package knows by the fingerprints that it keeps of those rows, 64 bits
        each; see :func:`~skhpt.fingerprints.fingerprints` for what makes rows the same.

    Notes
    -----
    The intervals are percentile bootstraps over the test rows (Efron and Tibshirani 1993,
    chapter 13). Winner and baseline are scored on the same resamples, so that the interval of
    the gain leaves out what both owe to the choice of the rows.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import RandomizedSearchCV, score_report
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> search = RandomizedSearchCV(DecisionTreeClassifier(random_state=0), random_state=0)
    >>> report = score_report(search.fit(X, y), X_test, y_test, X_train=X, y_train=y)
    >>> report.n_seen
    0
    """
    from .bootstrap import UNDEFINED

    winner = getattr(search, "best_estimator_", None)
    if winner is None:
        raise TypeError(
            "search must be a fitted search with a best_estimator_ (refit=True); got "
            f"{type(search).__name__}{' without one' if hasattr(search, 'estimator') else ''}."
        )
    check_consistent_length(X, y, groups)
    n_rows = num_samples(X)
    if n_rows == 0:
        raise ValueError("X has no rows to score.")
    note = None
    if X_train is not None or y_train is not None:
        baseline, note = _fitted_baseline(search, baseline, X_train, y_train)
    elif baseline is None:
        baseline = getattr(search, "baseline_estimator_", None)
    scorer, metric = _scorer_of(search)
    judge = _Judge(scorer, X, y, dict(score_params or {}), groups, random_state)
    score, interval, values = judge.score(winner)
    base, base_interval, gain_interval = math.nan, UNDEFINED, UNDEFINED
    if baseline is not None:
        base, base_interval, others = judge.score(baseline)
        gain_interval = judge.interval(_differences(values, others), score - base)
    report = ScoreReport(
        metric=metric,
        score=score,
        interval=interval,
        baseline_score=base,
        baseline_interval=base_interval,
        gain=score - base,
        gain_interval=gain_interval,
        cv_score=float(getattr(search, "best_score_", math.nan)),
        n_rows=n_rows,
        note=note,
        **_seen(search, X),
    )
    if note is not None:
        warnings.warn(note, UserWarning, stacklevel=2)
    if report.n_seen:
        text = seen_text(report.n_seen, n_rows, report.n_tuning_twins, report.n_tuning)
        warnings.warn(text, UserWarning, stacklevel=2)
    return report


def _fitted_baseline(search, baseline, X, y) -> tuple[Any, str | None]:
    """Fit the estimator as given; say so where the rows are not those of the winner."""
    if baseline is not None:
        raise ValueError(
            "X_train and y_train are there to fit a baseline, and baseline is one already: pass "
            "either."
        )
    if X is None:
        raise ValueError("y_train without X_train: pass both, the rows the search was tuned on.")
    check_consistent_length(X, y)
    fitted = clone(search.estimator)
    fitted = fitted.fit(X) if y is None else fitted.fit(X, y)
    known = getattr(search, "_fingerprints", None)
    prints = None if known is None else fingerprints(X)
    if prints is None or np.array_equal(np.sort(prints), np.sort(known)):
        return fitted, None
    return fitted, (
        f"X_train are not the rows that the search was tuned on: {count_among(prints, known)} of "
        f"its {len(prints)} rows are among those {len(known)}. Winner and baseline have learned "
        "from different rows, so that the gain is not that of the search alone."
    )


def _scorer_of(search) -> tuple[Any, str]:
    """The scorer of the metric that the winner was chosen by, and its name."""
    from sklearn.metrics import check_scoring

    scorer = getattr(search, "scorer_", None)
    if scorer is None:
        scorer = check_scoring(search.best_estimator_, getattr(search, "scoring", None))
    scoring, refit = getattr(search, "scoring", None), getattr(search, "refit", None)
    if isinstance(scorer, dict):
        if refit not in scorer:
            raise TypeError(
                f"The search has several metrics ({', '.join(scorer)}) and refit={refit!r}, which "
                "names none of them: no one number can be reported."
            )
        return scorer[refit], refit
    if isinstance(scoring, str):
        return scorer, scoring
    if scoring is None:
        names = ((is_classifier, "accuracy"), (is_regressor, "r2"))
        kinds = (name for is_kind, name in names if is_kind(search.best_estimator_))
        return scorer, next(kinds, "score")
    return scorer, getattr(scoring, "__name__", "score")


class _Judge:
    """Scores estimators on the same test rows and the same resamples of them."""

    def __init__(self, scorer, X, y, params, groups, random_state):
        from .bootstrap import Draws, fewest_resamples

        self._scorer, self._X, self._y, self._params = scorer, X, y, params
        fewest = fewest_resamples(_CONFIDENCE, _N_BOOTSTRAP)
        self._draws = Draws.plan(num_samples(X), groups, fewest, _N_BOOTSTRAP)
        # a number, so that every estimator gets the same resamples
        self._seed = int(check_random_state(random_state).randint(2**31 - 1))

    def score(self, estimator) -> tuple[float, tuple[float, float], np.ndarray]:
        """The score, its interval, and the scores of the resamples."""
        from .bootstrap import Rows, resample

        check_is_fitted(estimator)
        rows = Rows(estimator, self._X, self._y, self._params, num_samples(self._X))
        started = time.perf_counter()
        score = scores_of(self._scorer, estimator, self._X, self._y, **self._params)
        seconds = time.perf_counter() - started
        if isinstance(score, dict):
            raise TypeError(f"The scorer must give one number; got {score!r}.")
        score, values = float(score), np.array([])
        if self._draws.n_units > 1 and math.isfinite(score):
            known = {"score": score}
            table = resample(self._scorer, rows, None, known, self._draws, self._seed, seconds)
            values = np.array([one.get("score", math.nan) for one in table], dtype=float)
        return score, self.interval(values, score), values

    def interval(self, values: np.ndarray, score: float) -> tuple[float, float]:
        from .bootstrap import percentiles

        return percentiles(values, score, _CONFIDENCE, self._draws)


def _differences(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    n = min(len(values), len(others))  # a slow scorer is cut short
    return values[:n] - others[:n]


def _seen(search, X) -> dict[str, Any]:
    known = getattr(search, "_fingerprints", None)
    prints = None if known is None else fingerprints(X)
    if prints is None:
        return {}
    return {
        "n_seen": count_among(prints, known),
        "n_tuning_twins": count_twins(known),
        "n_tuning": len(known),
    }

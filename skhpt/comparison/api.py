"""The public door: arguments are checked here, once."""

from __future__ import annotations

import numbers

from .._compat import num_samples
from .budgets import DEFAULT_TRIALS, Budget
from .contest import Progress, Terms, hold, say_notes
from .contestants import contestants_of, metric_of
from .result import Comparison


def compare(
    searches,
    X,
    y=None,
    *,
    estimator=None,
    n_repeats=5,
    test_size=0.25,
    budget=None,
    cv=None,
    scoring=None,
    groups=None,
    curves=True,
    random_state=None,
    n_jobs=None,
    verbose=0,
) -> Comparison:
    """Run searches against each other on your own data, at an equal budget.

    In every repeat some rows are held out before any search sees the data; all searches get the
    other rows, the same folds and the same seed, and the held-out rows are touched only to score
    what the searches have returned.

    Parameters
    ----------
    searches : dict of str to search object or str, or list of str
        Any search with ``fit``, ``best_estimator_`` and ``cv_results_`` (of this package,
        scikit-learn, scikit-optimize), or Optuna's ``OptunaSearchCV``. Or one of the words
        "grid", "random", "bayes", "halving", "hyperband", which stand for this package's
        classes over the curated space of `estimator`. Searches are cloned, never fitted.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), default=None
    estimator : estimator object, default=None
        What the words search for.
    n_repeats : int, default=5
        Splits into rows for tuning and held-out rows.
    test_size : float or int, default=0.25
        Share or number of the held-out rows: stratified for classifiers, whole groups with
        `groups`, the last rows where `cv` is ordered in time (then all repeats hold out the same
        rows, and there is no test).
    budget : dict, default=None
        ``{"trials": 60}``, ``{"fits": 300}`` or ``{"seconds": 30}`` for each search. A trial is
        one configuration, a fit is one of its folds, seconds are of the clock on the wall. None
        leaves the searches as they are, and gives the words 30 trials. See the notes.
    cv : int, splitter or None, default=None
        Folds of the searches, whose own ones are not used. A number (None: 5) is that many
        shuffled folds, stratified for classifiers, which keep `groups` together; they differ
        between the repeats. A splitter is used as it is.
    scoring : str or callable, default=None
        The one metric by which all searches choose and are judged. None is that of the searches,
        which must agree.
    groups : array-like of shape (n_samples,), default=None
        Rows that belong together.
    curves : bool, default=True
        Whether to refit and score each configuration that was the best so far, for the curves.
        Most searches pass through three to ten of them, so this costs as many fits on all rows
        for tuning a search and repeat, after the search and not in its times.
    random_state : int, RandomState instance or None, default=None
        Seed of the splits, of the folds and of the searches (those that have a
        `random_state`). The estimator's own seed stays yours.
    n_jobs : int, default=None
        Workers of each search; None leaves it to the search. The searches run one after the
        other.
    verbose : int, default=0
        1 writes a line to the standard error output when a search has ended, 2 also when one
        begins.

    Returns
    -------
    comparison : Comparison
        Print it, ``to_frame()``, ``plot()``, ``save("comparison.html")``.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above, or the metric cannot score the estimator as given,
        which is fitted and scored once before any search. What a search raises while it runs is
        its result in that repeat (column ``error``).
    KeyboardInterrupt
        When no search has ended yet. Later, Ctrl-C returns what there is, with a note; the
        search that it cut short is left out.

    Notes
    -----
    Budgets. Trials go to ``n_iter``, ``n_trials``, ``n_candidates`` or ``population_size``. Fits
    are trials times folds, and those of all rungs where there are rungs; this package's searches
    that race go on until they have made so many. The budget is a limit, of one configuration at
    least, which a search may stay below where its plan comes in steps: the column of trials or
    fits tells. The word "grid" becomes the finest grid over the small curated space that the
    budget has room for. Of a larger ``param_grid`` of your own an even subset is tried, the first
    and the last configuration included; of this package's "auto" grid, a coarser one. Hyperband
    has the plan nearest to the budget from below, by another `factor`, or a greater
    `min_resources`. Seconds go to ``time_budget`` or ``timeout``, and to scikit-optimize as a
    ``DeadlineStopper``. What was changed for the budget stands in ``notes``, with a warning where
    it was yours. What a search cannot be told is said there, too, and in the headline, and that
    search runs as it was set up.

    Curves. A point is a configuration that was the best so far; of a population, it is the best
    of a generation, trained along its schedule. A configuration on several rungs is one trial.

    Times. ``cpu`` is that of this process while ``fit`` ran, so that it includes what a search
    spends on its proposals; with worker processes, the seconds that the search recorded for its
    fits stand for theirs. On the curves the cost of the proposals is spread evenly.

    The test. Differences between two searches, repeat by repeat, are tested with the corrected
    resampled t-test [1]_, which takes into account that repeats share rows; p-values, and the
    intervals that are printed, are adjusted for the number of pairs (Holm). The repeats say how
    much the choice of rows matters; with five of them only clear differences are found. Below
    three, or where all repeats differ by the same, nothing is claimed.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning
       52 (2003).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import compare
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare(["random", "bayes"], X, y, estimator=SVC(), n_repeats=2,
    ...                      budget={"trials": 5}, cv=3, random_state=0)
    >>> [(run.search, run.trials) for run in comparison.runs]
    [('random', 5), ('bayes', 5), ('bayes', 5), ('random', 5)]
    """
    contestants = contestants_of(searches, estimator)
    _check_whole("n_repeats", n_repeats, 1)
    allowed = Budget.read(budget)
    metric = metric_of(contestants, scoring)
    terms = Terms.of(
        contestants,
        X,
        y,
        groups=groups,
        random_state=random_state,
        test_size=test_size,
        budget=allowed,
        cv=cv,
        scoring=metric,
        n_jobs=n_jobs,
        curves=bool(curves),
    )
    progress = Progress(int(verbose), n_repeats * len(contestants), n_repeats)
    runs, held_out, interrupted = hold(terms, contestants, n_repeats, progress)
    same_rows = len(held_out) > 1 and all((rows == held_out[0]).all() for rows in held_out[1:])
    n_asked = n_repeats * len(contestants)
    notes = [*say_notes(contestants), *_notes(same_rows, interrupted, len(runs), n_asked)]
    n_test = len(held_out[0])
    words = any(contestant.word for contestant in contestants)
    return Comparison(
        runs=runs,
        names=[contestant.name for contestant in contestants],
        metric=_name_of(metric, terms.classifier),
        budget=_said(allowed, words),
        test_share=n_test / max(1, num_samples(X) - n_test),
        same_rows=same_rows,
        notes=notes,
        unheld=[contestant.name for contestant in contestants if contestant.is_unheld],
    )


def _notes(same_rows: bool, interrupted: bool, n_runs: int, n_asked: int) -> list[str]:
    notes = []
    if same_rows:
        notes.append(
            "All repeats held the same rows out, as the folds are ordered in time: the repeats "
            "differ in the seed only, and there is no test."
        )
    if interrupted:
        notes.append(f"Interrupted: {n_runs} of {n_asked} runs had ended.")
    return notes


def _check_whole(name: str, value, least: int) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")


def _name_of(metric, classifier: bool) -> str:
    if metric is None:
        return "accuracy" if classifier else "r2"
    return metric if isinstance(metric, str) else getattr(metric, "__name__", repr(metric))


def _said(budget: Budget | None, words: bool) -> str | None:
    if budget is not None:
        return str(budget)
    return f"{DEFAULT_TRIALS} trials for the words" if words else None

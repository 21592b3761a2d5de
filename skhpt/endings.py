"""What is said when a search has ended: of fits that failed, and of winners that are none."""

from __future__ import annotations

import math
import warnings

from sklearn.exceptions import FitFailedWarning

from ._compat import level_of_caller
from .engine import StopReason
from .ledger import Ledger
from .trial import Origin, Status


def report_not_grown(ledger: Ledger) -> None:
    """Print, once a search, for how many configurations early stopping took another way."""
    plain = [t for t in ledger.trials if t.origin is not Origin.DEFAULT and t.work is None]
    plain = [t for t in plain if t.status in (Status.COMPLETE, Status.RACED)]
    inner = sum(ledger.n_rounds(trial.index) is not None for trial in plain)
    if inner:
        print(
            f"early_stopping: {inner} configurations could not be read as they grew; "
            "splits of their training rows told the number of rounds."
        )
    if len(plain) > inner:
        print(
            f"early_stopping: {len(plain) - inner} configurations could not be stopped early; "
            "they were fitted as given."
        )


def check_scores(ledger: Ledger, scoring) -> None:
    """Look for a winner that is none: no configuration that may be chosen has a score.

    Raises
    ------
    ValueError
        When every configuration that may be chosen failed, while the baseline did not.

    Warns
    -----
    UserWarning
        When the metric was NaN or failed on every fold.
    """
    candidates = [t for t in ledger.trials if t.eligible] or ledger.trials
    if not all(math.isnan(trial.score) for trial in candidates):
        return
    first = next(iter(ledger.errors()), None)
    if first is not None:
        raise ValueError(
            "No configuration of the search space has a score: change its ranges, or set "
            f"error_score='raise' to see where it fails. The first failure was:\n{first}"
        )
    warnings.warn(
        f"No configuration has a score: scoring={scoring!r} was NaN or failed on every fold, so "
        "that best_params_ is nothing but the first. Choose a metric that fits the target and "
        "the estimator: for several classes for instance 'f1_macro' or 'roc_auc_ovr', for text "
        "labels make_scorer with pos_label, for 'neg_log_loss' an estimator with predict_proba.",
        UserWarning,
        stacklevel=level_of_caller(),
    )


def report_failures(ledger: Ledger, error_score) -> None:
    """One warning for all failed fits; an error when every fit failed.

    Raises
    ------
    ValueError
        When every fit failed, with the tracebacks and their counts.
    """
    errors = ledger.errors()
    if not errors:
        return
    n_failed, n_fits = sum(errors.values()), ledger.n_fits
    rule = "-" * 80
    details = "\n".join(
        f"{rule}\n{count} fits failed with the following error:\n{error}"
        for error, count in errors.items()
    )
    if n_failed == n_fits:
        raise ValueError(
            f"\nAll the {n_fits} fits failed.\nIt is very likely that your model is "
            "misconfigured.\nYou can try to debug the error by setting error_score='raise'.\n\n"
            f"Below are more details about the failures:\n{details}"
        )
    warnings.warn(
        f"\n{n_failed} fits failed out of a total of {n_fits}.\nThe score on these train-test "
        f"partitions for these parameters will be set to {error_score}.\nIf these failures are "
        "not expected, you can try to debug them by setting error_score='raise'.\n\n"
        f"Below are more details about the failures:\n{details}",
        FitFailedWarning,
        stacklevel=level_of_caller(),
    )


def check_anything_finished(ledger: Ledger, reason: str, time_budget) -> None:
    """A search that was cut short must have something to show.

    Raises
    ------
    KeyboardInterrupt, ValueError
        When no configuration had run on all folds by the time of the interrupt, or by the end
        of the budget.
    """
    if reason not in StopReason.EARLY:
        return
    n_fits, n_folds = ledger.n_fits, ledger.n_folds
    finished = any(len(ledger.folds(trial.index)) == n_folds for trial in ledger.trials)
    if reason == StopReason.INTERRUPT and finished:
        warnings.warn(
            f"The search was interrupted after {n_fits} fits; the result is the best of the "
            "configurations that had run on all folds.",
            UserWarning,
            stacklevel=level_of_caller(),
        )
    elif reason == StopReason.INTERRUPT:
        raise KeyboardInterrupt
    elif not finished and reason == StopReason.CALLBACK:
        raise ValueError(
            f"A callback stopped the search before one configuration had run on all {n_folds} "
            f"folds ({n_fits} fits were made): let it wait for the first configuration."
        )
    elif not finished:
        start = "" if n_fits else " Workers take seconds to start: n_jobs=1 begins at once."
        raise ValueError(
            f"time_budget={time_budget} seconds were over before one configuration had run on "
            f"all {n_folds} folds ({n_fits} fits were made). Give more time, fewer folds, or a "
            f"cheaper estimator.{start}"
        )

"""Bad input is met at the door: each check names the parameter, the rule, the value, the fix."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import (
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target

from .ledger import Ledger


def check_data(estimator, X, y) -> None:
    """Refuse what no configuration could be fitted on.

    Raises
    ------
    ValueError
        When `y` is needed and missing, when a classifier is given one class only, or when
        X has NaN and the estimator is known to refuse it.
    """
    tags = get_tags(estimator)
    name = type(estimator).__name__
    if y is None:
        if tags.target_tags.required:
            raise ValueError(
                f"This {name} estimator requires y to be passed, but the target y is None. "
                "Call fit(X, y)."
            )
    elif is_classifier(estimator) and _is_labels(y):
        classes = np.unique(np.asarray(y))
        if len(classes) == 1:
            raise ValueError(
                f"y has one class only ({classes[0]!r}), and {name} is a classifier, which "
                "needs samples of at least 2 classes. Check how y was made or cut out."
            )
    if refuses_nan(estimator) and _has_nan(X):
        raise ValueError(
            f"Input X contains NaN and {name} does not accept missing values. Put an imputer "
            "before it, for instance make_pipeline(SimpleImputer(), ...), or use an estimator "
            "that does (HistGradientBoosting, LightGBM, XGBoost)."
        )


def refuses_nan(estimator) -> bool:
    """True when the first thing that X meets is scikit-learn's own and says that it refuses NaN.

    Other libraries often accept NaN without saying so in their tags, so they are not judged.
    """
    steps = getattr(estimator, "steps", None)
    first = steps[0][1] if steps else estimator
    while getattr(first, "steps", None):
        first = first.steps[0][1]
    if first is None or isinstance(first, str) or not hasattr(first, "get_params"):
        return False
    inner = [v for v in first.get_params(deep=False).values() if hasattr(v, "get_params")]
    if inner or getattr(first, "transformers", None):
        return False  # a meta-estimator: what is inside decides
    own = type(first).__module__.split(".")[0] == "sklearn"
    return own and not get_tags(first).input_tags.allow_nan


def _is_labels(y) -> bool:
    try:
        return type_of_target(y) in ("binary", "multiclass")
    except ValueError:
        return False  # the estimator will say what is wrong with it


def _has_nan(X) -> bool:
    values = getattr(X, "data", X) if hasattr(X, "tocsr") else X
    if hasattr(values, "select_dtypes"):  # pandas
        return bool(values.select_dtypes("number").isna().to_numpy().any())
    try:
        array = np.asarray(values)
    except Exception:
        return False
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def check_class_sizes(cv, y) -> None:
    """Refuse a class with fewer members than a stratified splitter has folds.

    Raises
    ------
    ValueError
        Some folds would be without the class, and their scores would not be comparable.
    """
    kinds = (StratifiedKFold, StratifiedGroupKFold, RepeatedStratifiedKFold)
    if y is None or not isinstance(cv, kinds) or not _is_labels(y):
        return
    n_splits = getattr(cv, "n_splits", None) or cv.cvargs["n_splits"]
    classes, counts = np.unique(np.asarray(y), return_counts=True)
    rarest = int(np.argmin(counts))
    if counts[rarest] < n_splits:
        raise ValueError(
            f"cv has {n_splits} folds, but class {classes[rarest]!r} has only "
            f"{counts[rarest]} member(s) among the rows for tuning: a fold would be without "
            f"it. Use cv={max(2, counts[rarest])} or fewer folds, merge or drop the class, or "
            "pass a splitter of your own."
        )


def check_cv_with_test_rows(cv) -> None:
    """Refuse splits that name rows of the whole of X when some rows are set aside."""
    if isinstance(cv, PredefinedSplit) or not (
        cv is None or isinstance(cv, int) or hasattr(cv, "split")
    ):
        raise ValueError(
            f"test_size sets rows aside before the folds are made, but cv={cv!r} lists the rows "
            "of the whole of X. Pass a splitter (for instance StratifiedKFold(5)), or leave "
            "test_size=None and keep test rows out of X yourself."
        )


def check_names(estimator, samples: Mapping[str, Any]) -> None:
    """Refuse a parameter that the estimator does not have.

    Parameters
    ----------
    estimator : estimator object
    samples : mapping of str to object
        The names of the space with a legal value of each.

    Raises
    ------
    ValueError
        Naming the parameter and the nearest names that exist.
    """
    known = estimator.get_params(deep=True)
    for name, value in samples.items():
        if name in known or _inside_another(name, samples):
            continue
        try:  # **kwargs estimators take names that get_params does not list
            clone(estimator).set_params(**{name: value})
        except (ValueError, AttributeError) as error:
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            close += [k for k in known if k.endswith(f"__{name}") and k not in close]
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ValueError(
                f"Invalid parameter {name!r} for estimator {estimator!r}: the search space "
                f"names a parameter that the estimator does not have.{hint} "
                f"Valid parameters are: {sorted(known)}."
            ) from error


def _inside_another(name: str, samples: Mapping[str, Any]) -> bool:
    """True for ``clf__C`` where ``clf`` is searched too: some of its values may lack it."""
    parts = name.split("__")
    return any("__".join(parts[:k]) in samples for k in range(1, len(parts)))


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
    n_failed, n_fits = sum(errors.values()), len(ledger.outcomes)
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
        stacklevel=3,
    )

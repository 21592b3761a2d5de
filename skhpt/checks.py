"""Bad input is met at the door: each check names the parameter, the rule, the value, the fix."""

from __future__ import annotations

import difflib
import inspect
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import (
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target

from ._compat import num_samples
from .estimators.registry import family_of, is_misspelt
from .estimators.resources import parameters_of
from .estimators.stopping import name_in_effect, rounds_by_another_name
from .space.base import brief


def check_clonable(estimator) -> None:
    """Refuse an estimator of which no search can make copies.

    Raises
    ------
    ValueError
        Where it is known what to change.
    RuntimeError
        scikit-learn's own, for all others.
    """
    try:
        clone(estimator)
    except RuntimeError as error:
        for name, value in estimator.get_params().items():
            own = name.rpartition("__")[2]
            if isinstance(value, list) and str(error).endswith(f"parameter {own}"):
                raise ValueError(
                    f"{error}: it makes a copy of the list that it is given. Try a tuple: "
                    f"{own}={tuple(value)!r}."
                ) from error
        raise


def check_data(estimator, X, y) -> None:
    """Refuse what no configuration could be fitted on.

    Raises
    ------
    ValueError
        When `y` is needed and missing, when a classifier is given one class only, or when
        X has NaN and the estimator is known to refuse it.
    TypeError
        When `estimator` is none, or the labels of a classifier cannot be sorted.
    """
    tags = _tags_of(estimator)
    if num_samples(X) == 0:
        raise ValueError("X has 0 rows: there is nothing to tune on. Check how it was cut out.")
    name = type(estimator).__name__
    if y is None:
        if tags.target_tags.required and not _takes_y_or_not(estimator):
            raise ValueError(
                f"This {name} estimator requires y to be passed, but the target y is None. "
                "Call fit(X, y)."
            )
    elif is_classifier(estimator):
        _check_labels(name, y)
    if refuses_nan(estimator) and _has_nan(X):
        raise ValueError(
            f"Input X contains NaN and {name} does not accept missing values. Put an imputer "
            "before it, for instance make_pipeline(SimpleImputer(), ...), or use an estimator "
            "that does (HistGradientBoosting, LightGBM, XGBoost, CatBoost)."
        )


def _check_labels(name: str, y) -> None:
    """Refuse labels that cannot be told apart, and a single class."""
    labels = y if isinstance(y, np.ndarray) else None
    if labels is not None and labels.dtype == object and labels.ndim == 1:
        try:
            np.unique(labels)
        except TypeError as error:
            kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
            raise TypeError(
                f"y has labels of several types ({kinds}), which cannot be sorted, and {name} is "
                "a classifier. Make them one type, for instance with y.astype(str), and drop the "
                "rows without a label."
            ) from error
    if not _is_labels(y):
        return
    classes = np.unique(np.asarray(y)).tolist()
    if len(classes) == 1:
        raise ValueError(
            f"y has one class only ({classes[0]!r}), and {name} is a classifier, which "
            "needs samples of at least 2 classes. Check how y was made or cut out."
        )


def _tags_of(estimator):
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an object, got the class {estimator.__name__}: write "
            f"{estimator.__name__}()."
        )
    if not hasattr(estimator, "get_params"):
        raise TypeError(
            f"estimator must have get_params and set_params, got {brief(estimator)}: inherit from "
            "sklearn.base.BaseEstimator."
        )
    try:
        return get_tags(estimator)
    except Exception as error:
        raise TypeError(
            f"estimator={brief(estimator)} cannot be used: scikit-learn cannot tell what it is "
            f"({type(error).__name__}: {brief(str(error))}). Check the steps inside it, or inherit "
            "from sklearn.base.BaseEstimator."
        ) from error


def _takes_y_or_not(estimator) -> bool:
    """True for an estimator that is not scikit-learn's and gives y a default."""
    steps = getattr(estimator, "steps", None)
    last = steps[-1][1] if steps else estimator
    if not hasattr(last, "fit") or type(last).__module__.split(".")[0] == "sklearn":
        return False
    y = inspect.signature(last.fit).parameters.get("y")
    return y is not None and y.default is not inspect.Parameter.empty


def refuses_nan(estimator) -> bool:
    """True for an estimator of scikit-learn's that we know, and that says it refuses NaN.

    Of others the tags are no evidence: many accept NaN without saying so. In a pipeline the
    steps, which may be searched themselves, settle it.
    """
    family = family_of(estimator)
    known = family is not None and family.library == "sklearn"
    return known and not get_tags(estimator).input_tags.allow_nan


def _is_labels(y) -> bool:
    try:
        np.unique(np.asarray(y))
        return type_of_target(y) in ("binary", "multiclass")
    except (TypeError, ValueError):
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
        enough = _with_folds(cv, counts[rarest])
        fewer = f"Use {enough} or fewer folds, merge" if counts[rarest] > 1 else "Merge"
        raise ValueError(
            f"cv has {n_splits} folds, but class {classes.tolist()[rarest]!r} has only "
            f"{counts[rarest]} member(s) among the rows for tuning: a fold would be without "
            f"it. {fewer} or drop the class, or pass a splitter that is not stratified (KFold)."
        )


def _with_folds(cv, n: int) -> str:
    """How to write the same splitter with another number of folds."""
    kind = type(cv).__name__
    return f"cv={n}" if kind == "StratifiedKFold" and not cv.shuffle else f"{kind}(n_splits={n})"


def check_splitter(cv) -> None:
    """Refuse a class in the place of a splitter, and a list of something else than folds.

    Parameters
    ----------
    cv : splitter or list
        As given, or as scikit-learn's ``check_cv`` has wrapped it.

    Raises
    ------
    TypeError, ValueError
    """
    if isinstance(cv, type):
        raise TypeError(
            f"cv must be a number of folds, a splitter or a list of (train, test), got the class "
            f"{cv.__name__}: write {cv.__name__}()."
        )
    listed = getattr(cv, "cv", cv)
    for number, fold in enumerate(listed if isinstance(listed, list | tuple) else ()):
        if not isinstance(fold, list | tuple | np.ndarray) or len(fold) != 2:
            raise ValueError(
                "cv as a list must hold pairs (rows for training, rows for testing), but fold "
                f"{number} is {brief(fold)}."
            )


def check_folds(splits, n_rows: int) -> None:
    """Refuse row numbers that the data does not have.

    Raises
    ------
    ValueError
    """
    for number, fold in enumerate(splits):
        for name, rows in zip(("train", "test"), map(np.asarray, fold)):
            mask = rows.dtype.kind == "b" and rows.shape == (n_rows,)
            whole = rows.dtype.kind in "iu" or rows.size == 0
            if mask or (rows.ndim == 1 and whole and np.all((-n_rows <= rows) & (rows < n_rows))):
                continue
            raise ValueError(
                f"cv gave {brief(rows)} as the {name} rows of fold {number}: they must be a list "
                f"of row numbers below {n_rows}, the number of rows, or a mask of that length."
            )


def check_cv_with_test_rows(cv) -> None:
    """Refuse splits that name rows of the whole of X when some rows are set aside."""
    if isinstance(cv, PredefinedSplit) or not (
        cv is None or isinstance(cv, numbers.Integral) or hasattr(cv, "split")
    ):
        raise ValueError(
            f"test_size sets rows aside before the folds are made, but cv={brief(cv)} lists the "
            "rows of the whole of X. Pass a splitter (for instance StratifiedKFold(5)), or leave "
            "test_size=None and keep test rows out of X yourself."
        )


def check_names(estimator, samples: Mapping[str, Any], where: str = "the search space") -> None:
    """Refuse a parameter that the estimator does not have.

    Parameters
    ----------
    estimator : estimator object
    samples : mapping of str to object
        The names with a legal value of each.
    where : str
        What names them, for the message.

    Raises
    ------
    ValueError
        Naming the parameter and the nearest names that exist.
    TypeError
        When a name is not a string.
    """
    known = estimator.get_params(deep=True)
    for name, value in samples.items():
        if not isinstance(name, str):
            raise TypeError(
                f"The names of parameters must be strings, got {brief(name)} in {where}."
            )
        if name in known or _inside_another(name, samples):
            continue
        try:  # estimators with **kwargs take names that get_params does not list
            clone(estimator).set_params(**{name: value})
        except (ValueError, AttributeError) as error:
            raise ValueError(_no_such_parameter(estimator, name, known, where)) from error
        holder, separator, own = name.rpartition("__")
        owner = known.get(holder, estimator)
        if is_misspelt(owner, own):
            there = {holder + separator + other: None for other in parameters_of(owner)}
            raise ValueError(_no_such_parameter(estimator, name, {**known, **there}, where))


def check_early_stopping(estimator, early_stopping, stopping, legs) -> None:
    """Refuse early stopping where it cannot be had, or where its answer is searched as well.

    Raises
    ------
    ValueError
    """
    rounds = None if stopping is None else stopping.parameter
    if rounds is None and early_stopping in (None, False, True, "auto"):
        return
    if rounds is None:
        known = rounds_by_another_name(estimator)
        if known is not None:
            raise ValueError(
                f"early_stopping={early_stopping!r} finds {known[0]!r}, but the estimator has been "
                f"given its number of rounds, as {known[1]!r}. Leave that out of the estimator, or "
                "use early_stopping=None."
            )
        raise ValueError(
            f"early_stopping={early_stopping!r} needs an estimator that is trained in rounds "
            "(LightGBM, XGBoost, CatBoost, scikit-learn's boosting, MLP and SGD), alone or as the "
            "last step of a plain Pipeline, and a fit that is not given rows to watch or callbacks "
            f"of your own; got {brief(estimator)}. Use early_stopping=None, or 'auto' to have it "
            "where it can be had."
        )
    names = {name for leg in legs for name in leg.space.dimensions}
    name = name_in_effect(estimator, rounds, names)
    if name in names:
        other = "" if name == rounds else f" by its other name {name!r}"
        raise ValueError(
            f"early_stopping finds {rounds!r}, which the search space names too{other}. Take it "
            "out of the space, or use early_stopping=None."
        )


def _no_such_parameter(estimator, name: str, known: Mapping[str, Any], where: str) -> str:
    close = [k for k in known if k.rpartition("__")[2].lower() == name.lower()]
    close += [k for k in difflib.get_close_matches(name, known, n=3, cutoff=0.5) if k not in close]
    hint = f" Did you mean {' or '.join(map(repr, close[:3]))}?" if close else ""
    return (
        f"Invalid parameter {name!r} for estimator {estimator!r}: {where} names a parameter that "
        f"the estimator does not have.{hint} Valid parameters are: {sorted(known)}."
    )


def _inside_another(name: str, samples: Mapping[str, Any]) -> bool:
    """True for ``clf__C`` where ``clf`` is searched too: some of its values may lack it."""
    parts = name.split("__")
    return any("__".join(parts[:k]) in samples for k in range(1, len(parts)))

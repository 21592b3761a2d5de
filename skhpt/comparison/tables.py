"""A file with a table becomes features, a target and an estimator that can read them."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_FEW_CLASSES = 20  # whole numbers with at most so many values are taken for classes


class CommandError(Exception):
    """What is said to the user, without a traceback."""


class Maker(NamedTuple):
    """Where the classes of an estimator are, and what they are given.

    Attributes
    ----------
    module : str
    classifier, regressor : str
    params : dict
    reads_text : bool
        Whether it takes the category columns of a pandas frame as they are.
    scale : bool
        Whether it wants numbers of one size.
    missing : bool
        Whether it takes missing values.
    """

    module: str
    classifier: str
    regressor: str
    params: dict[str, Any]
    reads_text: bool = False
    scale: bool = False
    missing: bool = True


_SEED = {"random_state": 0}
ESTIMATORS = {
    "lightgbm": Maker(
        "lightgbm", "LGBMClassifier", "LGBMRegressor", {**_SEED, "verbose": -1}, reads_text=True
    ),
    "xgboost": Maker(
        "xgboost", "XGBClassifier", "XGBRegressor", {**_SEED, "enable_categorical": True}, True
    ),
    "catboost": Maker(
        "catboost", "CatBoostClassifier", "CatBoostRegressor",
        {**_SEED, "verbose": 0, "allow_writing_files": False},
    ),
    "hist_gradient_boosting": Maker(
        "sklearn.ensemble", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
        {**_SEED, "categorical_features": "from_dtype"}, reads_text=True,
    ),
    "random_forest": Maker(
        "sklearn.ensemble", "RandomForestClassifier", "RandomForestRegressor", _SEED
    ),
    "extra_trees": Maker("sklearn.ensemble", "ExtraTreesClassifier", "ExtraTreesRegressor", _SEED),
    "mlp": Maker(
        "sklearn.neural_network", "MLPClassifier", "MLPRegressor",
        {**_SEED, "max_iter": 500, "early_stopping": True}, scale=True, missing=False,
    ),
    "logistic": Maker(
        "sklearn.linear_model", "LogisticRegression", "", {"max_iter": 1000}, scale=True,
        missing=False,
    ),
    "ridge": Maker("sklearn.linear_model", "", "Ridge", {}, scale=True, missing=False),
    "svm": Maker("sklearn.svm", "SVC", "SVR", {}, scale=True, missing=False),
}  # fmt: skip
_EXTRAS = {name: f"skhpt[{name}]" for name in ("lightgbm", "xgboost", "catboost")}


def library(name: str):
    """Import a module, or say what to install.

    Raises
    ------
    CommandError
        When it is not there.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        wanted = _EXTRAS.get(name, name)
        raise CommandError(f"this needs {name}, which is missing: pip install {wanted}") from error


def read_table(path: str, target: str):
    """Read a file.

    Returns
    -------
    X : DataFrame
    y : Series

    Raises
    ------
    CommandError
        When there is no such file or column, or when the file cannot be read.
    """
    pd = library("pandas")
    if not Path(path).is_file():
        raise CommandError(f"there is no file {path!r}")
    name = path.lower()
    read: Callable = pd.read_parquet if name.endswith((".parquet", ".pq")) else pd.read_csv
    options = {"sep": "\t"} if name.removesuffix(".gz").endswith((".tsv", ".tab")) else {}
    try:
        table = read(path, **options)
    except Exception as error:  # whatever pandas and what it reads with raise
        raise CommandError(f"{path} cannot be read: {error}") from error
    if target not in table.columns:
        near = difflib.get_close_matches(target, map(str, table.columns), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        columns = ", ".join(map(str, table.columns[:20]))
        more = ", ..." if len(table.columns) > 20 else ""
        raise CommandError(f"{path} has no column {target!r}{hint} It has {columns}{more}")
    if table.shape[1] < 2:
        raise CommandError(f"{path} has no column beside the target {target!r}")
    known = table[target].notna()
    if not known.any():
        raise CommandError(f"the column {target!r} is empty")
    table = table[known].reset_index(drop=True)
    return table.drop(columns=target), table[target]


def is_labels(y) -> bool:
    """Whether a target is classes: text, or few different whole numbers."""
    if y.dtype.kind not in "fiu":
        return True
    values = y.unique()
    return len(values) <= _FEW_CLASSES and bool(np.all(np.mod(values, 1) == 0))


def metric_for(estimator, y, classifier: bool) -> str:
    """The name of a metric that the estimator can serve, the finest first."""
    if not classifier:
        return "r2"
    if hasattr(estimator, "predict_proba"):
        return "neg_log_loss"
    ranks = hasattr(estimator, "decision_function") and y.nunique() == 2
    return "roc_auc" if ranks else "accuracy"


def estimator_for(name: str, X, y, classifier: bool):
    """The estimator of a name, with what it needs for columns that are no numbers.

    Returns
    -------
    estimator : estimator object
    X : DataFrame
        Text as categories, where the estimator reads them.
    y : Series
        Classes as whole numbers from 0.

    Raises
    ------
    CommandError
        When there is no such name, or not for such a target, or a library is missing.
    """
    if name not in ESTIMATORS:
        near = difflib.get_close_matches(name, ESTIMATORS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        known = ", ".join(ESTIMATORS)
        raise CommandError(f"there is no estimator {name!r}{hint} Known are {known}")
    maker = ESTIMATORS[name]
    class_name = maker.classifier if classifier else maker.regressor
    if not class_name:
        kind, other = ("classes", "regression") if classifier else ("numbers", "classification")
        raise CommandError(
            f"{name} is for {other}, but the target is {kind}: take another --estimator, or say "
            f"--task {other}"
        )
    model = getattr(library(maker.module), class_name)(**maker.params)
    if classifier:
        y = y.astype("category").cat.codes
    X = X.apply(_as_numbers)
    text = [column for column in X.columns if X[column].dtype.kind not in "fiub"]
    if maker.reads_text:
        return model, X.astype(dict.fromkeys(text, "category")), y
    X = X.astype(dict.fromkeys(text, object))
    return _with_preparation(model, maker, text), X, y


def _as_numbers(column):
    """Times as seconds, and pandas' own numbers as NumPy's; text stays text."""
    if column.dtype.kind == "M":
        return (column - column.min()).dt.total_seconds()
    if column.dtype.kind in "fiub" and not isinstance(column.dtype, np.dtype):
        return column.astype("float64")
    return column


def _with_preparation(model, maker: Maker, text: list):
    """One-hot columns for text, and numbers as the model wants them."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps = [] if maker.missing else [SimpleImputer()]
    steps += [StandardScaler()] if maker.scale else []
    numbers = make_pipeline(*steps) if steps else "passthrough"
    if text:
        encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=2, sparse_output=False)
        prepare = make_column_transformer((encoder, text), remainder=numbers)
        return make_pipeline(prepare, model)
    return make_pipeline(numbers, model) if steps else model

"""What a search buys on held-out rows: default, scikit-learn's random search, ours.

    python benchmarks/held_out.py                       # data sets that come with scikit-learn
    python benchmarks/held_out.py --data FOLDER hr      # gzipped CSV files, column "target"

LightGBM (or another estimator, see --estimator) in a pipeline that encodes text columns. All
searches get the same rows and folds; the held-out rows are the same too, and none of the
searches sees them. scikit-learn's class draws from the same curated space.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import sklearn.datasets
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.model_selection import KFold, RandomizedSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier, XGBRegressor

from skhpt import BayesSearchCV, space_for
from skhpt.holdout import score_with_interval, split_off
from skhpt.space import to_native

BUNDLED = {
    "breast_cancer": sklearn.datasets.load_breast_cancer,
    "diabetes": sklearn.datasets.load_diabetes,
    "wine": sklearn.datasets.load_wine,
}
ESTIMATORS = {
    ("lightgbm", True): lambda: LGBMClassifier(random_state=0, verbose=-1),
    ("lightgbm", False): lambda: LGBMRegressor(random_state=0, verbose=-1),
    ("xgboost", True): lambda: XGBClassifier(random_state=0),
    ("xgboost", False): lambda: XGBRegressor(random_state=0),
}


def load(name: str, folder: Path | None):
    """X and y of a bundled data set, or of FOLDER/name.csv.gz."""
    if folder is None:
        return BUNDLED[name](return_X_y=True, as_frame=True)
    import pandas as pd

    table = pd.read_csv(folder / f"{name}.csv.gz")
    y = table.pop("target")
    return table, y


def model(kind: str, y):
    """A pipeline around a booster, for the kind of target that y is."""
    labels = not np.issubdtype(y.dtype, np.number) or len(np.unique(y)) <= 20
    text = make_column_selector(dtype_exclude="number")
    encode = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), text)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="default")
    return Pipeline([("encode", encode), ("booster", ESTIMATORS[kind, labels]())])


def run(name: str, options) -> None:
    X, y = load(name, options.data)
    if y.dtype == object or str(y.dtype) in ("str", "string", "category"):
        y = y.astype("category").cat.codes.to_numpy()
    y = np.asarray(y)
    estimator = model(options.estimator, y)
    scoring = "neg_log_loss" if is_classifier(estimator) else "r2"
    train, test = split_off(
        0.25, X, y, classifier=is_classifier(estimator), random_state=options.seed
    )
    X_train, y_train, X_test, y_test = X.iloc[train], y[train], X.iloc[test], y[test]
    folds = StratifiedKFold if is_classifier(estimator) else KFold
    common = {
        # drawn like the held-out rows: plain KFold would cut files that are sorted into blocks
        "cv": folds(5, shuffle=True, random_state=options.seed),
        "scoring": scoring,
        "random_state": options.seed,
        "n_jobs": options.n_jobs,
    }
    searches = {}
    if options.random:
        searches[f"scikit-learn random {options.random}"] = RandomizedSearchCV(
            estimator,
            to_native(space_for(estimator, X_train, y_train)),
            n_iter=options.random,
            **common,
        )
    searches[f"skhpt Bayes {options.bayes}"] = BayesSearchCV(
        estimator, n_iter=options.bayes, **common
    )
    print(f"\n{name}: {len(y)} x {X.shape[1]}, {options.estimator}, {scoring}")
    print(f"{'':24}{'CV':>9}{'held out':>10}  {'95 % interval':20}{'fits':>5}{'seconds':>9}")
    estimator.fit(X_train, y_train)
    report("default", np.nan, estimator, X_test, y_test, scoring, 1, np.nan)
    for label, search in searches.items():
        started = time.perf_counter()
        search.fit(X_train, y_train)
        spent = time.perf_counter() - started
        ours = getattr(search, "n_fits_", None)  # raced candidates have fewer than all
        fits = 5 * len(search.cv_results_["params"]) if ours is None else ours
        report(label, search.best_score_, search, X_test, y_test, scoring, fits, spent)
        if hasattr(search, "baseline_score_"):
            print(f"{'  (default in its CV)':24}{search.baseline_score_:9.4f}")
            print("  best_params_:", {k: _short(v) for k, v in search.best_params_.items()})


def _short(value):
    return float(f"{value:.3g}") if isinstance(value, float) else value


def report(label, cv_score, fitted, X, y, scoring, fits, spent) -> None:
    held = score_with_interval(
        fitted, X, y, sklearn.metrics.get_scorer(scoring), metric="score", random_state=0
    )
    interval = f"[{held.interval[0]:.4f}, {held.interval[1]:.4f}]"
    print(f"{label:24}{cv_score:9.4f}{held.score:10.4f}  {interval:20}{fits:5d}{spent:9.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="data sets; default: those of scikit-learn")
    parser.add_argument("--data", type=Path, help="folder of NAME.csv.gz files")
    parser.add_argument("--estimator", choices=["lightgbm", "xgboost"], default="lightgbm")
    parser.add_argument("--bayes", type=int, default=30, help="configurations of BayesSearchCV")
    parser.add_argument("--random", type=int, default=60, help="of random search; 0 for none")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.names or BUNDLED:
        run(name, options)


if __name__ == "__main__":
    main()

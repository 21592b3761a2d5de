"""CPU time and held-out score of the searches that begin with little of a resource.

    python benchmarks/multi_fidelity.py --results halving.jsonl --folder FOLDER
    python benchmarks/multi_fidelity.py --results halving.jsonl --folder FOLDER \\
        --estimators lightgbm xgboost mlp --seeds 0 1 2
    python benchmarks/multi_fidelity.py --results halving.jsonl --table --by-data

Rows, folds, metric, calibration and intervals are those of time_to_quality.py, and so are the
ranges that scikit-learn's classes search. The searches, with the options of --searches:

- sk_halving, the reference: scikit-learn's HalvingRandomSearchCV with 60 candidates; the resource
  is rows, all of them on the last rung (``min_resources="exhaust"``), the factor is 3
- same_halving: ours, with these very arguments
- our_halving: ours with 60 candidates of the curated space, ``resource="auto"``
- hyperband: HyperbandSearchCV as it comes; its plan says how many candidates it has
- random: scikit-learn's RandomizedSearchCV with 60 candidates
- skhpt: BayesSearchCV as it comes, with 30 candidates
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import time_to_quality  # first, as it sets the number of threads
from _rivals import BUILDERS, ranges, scipy_words
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, make_scorer

REFERENCE = "sk_halving"
N_CANDIDATES = {REFERENCE: 60, "same_halving": 60, "our_halving": 60, "random": 60, "skhpt": 30}
AS_PLANNED = 0  # stands for the number of candidates where a search has its own
GUESSES = {REFERENCE: 400, "same_halving": 400, "our_halving": 100, "hyperband": 150}
# Few rows: a fold that misses a class fails, and scikit-learn goes on without it.
QUIET = ("One or more of the test scores are non-finite", "Scoring failed", "\n.*fits failed")


def with_labels(y, common):
    """Without the labels, the log loss fails on test rows that miss a class."""
    if common["scoring"] != "neg_log_loss":
        return common
    options = {"response_method": "predict_proba", "greater_is_better": False}
    return {**common, "scoring": make_scorer(log_loss, labels=sorted(set(y)), **options)}


def by_rows(library):
    """Halving with rows as the resource, by the class of either library."""

    def build(estimator, kind, n_iter, seed, y, common):
        if library == "sklearn":
            from sklearn.experimental import enable_halving_search_cv  # noqa: F401
            from sklearn.model_selection import HalvingRandomSearchCV
        else:
            from skhpt import HalvingRandomSearchCV
        options = {"n_candidates": n_iter, "min_resources": "exhaust", "random_state": seed}
        space = ranges(kind, scipy_words)
        return HalvingRandomSearchCV(estimator, space, **options, **with_labels(y, common))

    return build


def our_halving(estimator, kind, n_iter, seed, y, common):
    from skhpt import HalvingRandomSearchCV

    options = {"n_candidates": n_iter, "resource": "auto", "random_state": seed}
    return HalvingRandomSearchCV(estimator, **options, **common)


def hyperband(estimator, kind, n_iter, seed, y, common):
    from skhpt import HyperbandSearchCV

    return HyperbandSearchCV(estimator, random_state=seed, **common)


SEARCHES = {
    REFERENCE: by_rows("sklearn"),
    "same_halving": by_rows("skhpt"),
    "our_halving": our_halving,
    "hyperband": hyperband,
    "random": BUILDERS["random"],
    "skhpt": BUILDERS["skhpt"],
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--results", type=Path, required=True, help="JSON lines; losses go beside it")
    add("--folder", type=Path, help="folder of NAME.csv.gz files, for data that is not bundled")
    add("--data", nargs="+", choices=[*time_to_quality.FILES, *time_to_quality.BUNDLED])
    kinds = ["lightgbm", "xgboost", "mlp"]
    add("--estimators", nargs="+", choices=kinds, default=["lightgbm"])
    add("--seeds", nargs="+", type=int, default=[0])
    add("--searches", nargs="+", choices=list(SEARCHES), default=list(SEARCHES))
    add("--again", nargs="+", choices=list(SEARCHES), default=[], help="searches to run again")
    add("--rows", type=int, default=1000, help="rows to tune on, at most")
    time_to_quality.add_outputs(parser)
    options = parser.parse_args()
    ours = ["hr", "segment", "bikeshare", "satimage"] if options.folder else []
    options.data = options.data or ours or list(time_to_quality.BUNDLED)
    for name in SEARCHES:
        setattr(options, f"n_{name}", N_CANDIDATES.get(name, AS_PLANNED))
    options.tag = ""
    time_to_quality.MLP_DATA = ["hr", "segment", "satimage", "digits"]
    return options


def main() -> None:
    options = parse_arguments()
    BUILDERS.update(SEARCHES)
    time_to_quality.GUESSES.update(GUESSES)
    failed = 0
    if not options.table:
        warnings.simplefilter("ignore", ConvergenceWarning)
        for message in (*time_to_quality.QUIET, *QUIET):
            warnings.filterwarnings("ignore", message)
        failed = time_to_quality.run(options)
    reference = time_to_quality.label_of(REFERENCE, options)
    time_to_quality.report(reference, options, ours="our_halving")
    if failed:
        sys.exit(f"{failed} searches failed, see above.")


if __name__ == "__main__":
    main()

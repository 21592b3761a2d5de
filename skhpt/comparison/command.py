"""``python -m skhpt compare``: the comparison from a shell."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from .api import compare
from .contestants import WORDS
from .tables import ESTIMATORS, CommandError, estimator_for, is_labels, metric_for, read_table

_EPILOG = """examples:
  python -m skhpt compare data.csv --target y --estimator lightgbm
  python -m skhpt compare data.csv --target y --estimator mlp --searches random,bayes \\
      --seconds 30 --repeats 10 --scoring neg_log_loss --out report.html

What is printed goes to the standard output, progress to the standard error output.
"""


def add_parser(commands) -> None:
    """Add the command to the sub-parsers of ``python -m skhpt``."""
    parser = commands.add_parser(
        "compare",
        help="run searches against each other on a table, write an HTML report",
        description="Run searches against each other on a table: the same rows, folds and budget.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="a .csv, .csv.gz, .tsv or .parquet file with one row a sample")
    add("--target", required=True, help="the column to predict")
    add("--estimator", default="hist_gradient_boosting", help=f"one of {', '.join(ESTIMATORS)}")
    add("--searches", default="grid,random,bayes", help=f"some of {', '.join(WORDS)}, by commas")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--trials", type=_whole, help="configurations for each search (default 30)")
    budget.add_argument("--fits", type=_whole, help="fits for each search")
    budget.add_argument("--seconds", type=_positive, help="seconds for each search")
    add(
        "--repeats", type=_whole, default=5, help="splits into tuning and held-out rows (default 5)"
    )
    add("--cv", type=_whole, default=5, help="folds (default 5)")
    add("--test-size", type=_positive, default=0.25, help="share of held-out rows (default 0.25)")
    add(
        "--scoring",
        help="scikit-learn's name of a metric (default: neg_log_loss, or roc_auc or accuracy for "
        "what gives no probabilities; r2 for numbers)",
    )
    add("--task", choices=["classification", "regression"], help="default: by the target")
    add("--groups", help="a column of groups that must not be torn apart; not used as a feature")
    add("--jobs", type=int, default=None, help="worker processes of each search")
    add("--seed", type=int, default=0, help="seed of splits and searches (default 0)")
    add("--no-curves", action="store_true", help="leave out the curves, which cost extra fits")
    add("--out", default="comparison.html", help="the report to write (default comparison.html)")
    add("--quiet", action="store_true", help="no progress lines")
    parser.set_defaults(run=run)


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text}")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, got {text}")
    return value


def run(options) -> int:
    """Carry the command out; returns the exit status."""
    try:
        comparison = _compared(options)
    except (CommandError, ValueError, TypeError) as error:
        print(f"skhpt compare: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skhpt compare: interrupted before a search had ended", file=sys.stderr)
        return 130
    print(comparison)
    comparison.save(options.out)
    print(f"\nReport: {options.out}")
    return 0 if any(run.error is None for run in comparison.runs) else 1


def _compared(options):
    _check_out(options.out)
    X, y = read_table(options.data, options.target)
    groups = None
    if options.groups is not None:
        if options.groups not in X.columns:
            raise CommandError(f"{options.data} has no column {options.groups!r} for --groups")
        groups = X.pop(options.groups).to_numpy()
    classifier = options.task == "classification" if options.task else is_labels(y)
    estimator, X, y = estimator_for(options.estimator, X, y, classifier)
    with warnings.catch_warnings():
        if options.quiet:
            warnings.simplefilter("ignore")
        return compare(
            [word.strip() for word in options.searches.split(",") if word.strip()],
            X,
            y,
            estimator=estimator,
            n_repeats=options.repeats,
            test_size=int(options.test_size) if options.test_size >= 1 else options.test_size,
            budget=_budget(options),
            cv=options.cv,
            scoring=options.scoring or metric_for(estimator, y, classifier),
            groups=groups,
            curves=not options.no_curves,
            random_state=options.seed,
            n_jobs=options.jobs,
            verbose=0 if options.quiet else 1,
        )


def _check_out(path: str) -> None:
    """Now, and not after the work."""
    if not Path(path).absolute().parent.is_dir():
        raise CommandError(f"the folder of --out {path!r} does not exist")


def _budget(options) -> dict[str, float]:
    if options.fits is not None:
        return {"fits": options.fits}
    if options.seconds is not None:
        return {"seconds": options.seconds}
    return {"trials": options.trials or 30}

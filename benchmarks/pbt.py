"""Does a course of the learning rate beat the best fixed one, at the same number of epochs?

A network on scikit-learn's digits, a quarter of the rows held out, three folds on the rest.
Random search tries fixed learning rates; population based training has as many members, each
of which trains for as many epochs, on the same folds and from the same range. Neither stops
early. Both are refitted on all rows for tuning and scored once on the held-out ones.

    python benchmarks/pbt.py --seeds 5
"""

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skhpt import PBTSearchCV, RandomizedSearchCV

RATE = "mlpclassifier__learning_rate_init"
# The best fixed rate lies inside, or there would be nothing to learn but where the range ends.
RANGES = {"adam": (1e-5, 1e-1, "log-uniform"), "sgd": (1e-4, 1.0, "log-uniform")}


def searches(solver, n, epochs, seed):
    """The two searches by name: as many models, as many epochs each."""
    network = MLPClassifier(
        (50,), solver=solver, max_iter=epochs, n_iter_no_change=10 * epochs, random_state=seed
    )
    model = make_pipeline(MinMaxScaler(), network)
    space = {RATE: RANGES[solver]}
    same = {
        "scoring": "neg_log_loss",
        "cv": StratifiedKFold(3, shuffle=True, random_state=seed),
        "random_state": seed,
    }
    return {
        "random": RandomizedSearchCV(model, space, n_iter=n, **same),
        "PBT": PBTSearchCV(model, space, population_size=n, interval=max(1, epochs // 10), **same),
    }


def measured(search, seed):
    """Score of the winner on the folds and on the held-out rows, and CPU seconds."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, test_size=0.25, random_state=seed)
    started = time.process_time()
    search.fit(X, y)
    seconds = time.process_time() - started
    p = search.predict_proba(X_test)
    return -search.best_score_, log_loss(y_test, p), accuracy_score(y_test, p.argmax(1)), seconds


def told(search):
    """The learning rate of the winner over its training."""
    parts = getattr(search, "best_schedule_", None)
    if parts is None:
        return f"{search.best_params_[RATE]:.2g}"
    return " ".join(f"{part['params'][RATE]:.2g}(..{part['n_rounds']})" for part in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--solvers", nargs="+", default=["adam", "sgd"])
    parser.add_argument("--members", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=40)
    args = parser.parse_args()
    for solver in args.solvers:
        rows = {"random": [], "PBT": []}
        for seed in range(args.seeds):
            for name, search in searches(solver, args.members, args.epochs, seed).items():
                rows[name].append(measured(search, seed))
                print(f"# {solver} seed {seed} {name}: {told(search)}", flush=True)
        report(solver, {name: np.array(row) for name, row in rows.items()})


def report(solver, rows):
    print(f"\n| {solver} | log loss, CV | log loss, held out | accuracy, held out | CPU s |")
    print("|---|---|---|---|---|")
    for name, row in rows.items():
        cv, held_out, accuracy, seconds = row.mean(axis=0)
        print(f"| {name} | {cv:.4f} | {held_out:.4f} | {accuracy:.4f} | {seconds:.0f} |")
    gain = rows["random"][:, :3] - rows["PBT"][:, :3]
    error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.full(3, np.nan)
    (cv, held, _), (cv_error, held_error, _) = gain.mean(axis=0), error
    wins = int((gain[:, 1] > 0).sum())
    print(
        f"\nPBT is better by {cv:.4f} +- {cv_error:.4f} on the folds and by {held:.4f} +- "
        f"{held_error:.4f} on the held-out rows, there with {wins} of {len(gain)} seeds.\n"
    )


if __name__ == "__main__":
    main()

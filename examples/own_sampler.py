"""Add a sampler of your own, and see whether it beats random search.

A sampler is a class with two verbs. ``ask`` proposes a configuration, ``tell`` learns from a
trial that has ended. The rest (folds, workers, failures, results) is done by the search.

``Greedy`` begins at random, then proposes what is close to the best configuration so far. It
works on the unit cube: ``space.encode`` turns a configuration into numbers from 0 to 1, and
``space.decode`` turns them back, with logarithms and categories taken care of.

Run it with ``python examples/own_sampler.py [folder for pictures]``. It takes some seconds and
writes ``own_sampler.png``.
"""

# %%
from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skhpt import BayesSearchCV
from skhpt.samplers.base import Sampler

folder = Path(*sys.argv[1:2])


class Greedy(Sampler):
    """Proposes a neighbour of the best configuration so far."""

    n_random = 5
    n_asked, best, best_score = 0, None, -np.inf

    def ask(self):
        n = self.space.width
        self.n_asked += 1
        if self.n_asked <= self.n_random or self.best is None:
            return self.space.decode(self.rng.random(n))
        step = self.rng.normal(0, 0.1, n)
        return self.space.decode((self.best + step).clip(0, 1))

    def tell(self, trial):
        # A trial is told as running, too, and may have failed: its score is NaN then, and no
        # comparison with NaN is true. One that was dropped early has a score from some folds.
        if trial.score > self.best_score:
            self.best, self.best_score = self.space.encode(trial.params), trial.score


# %% [markdown]
# ## Greedy against random
#
# One seed proves nothing, therefore several. `racing=False` gives every configuration all of its
# folds and `initial_params=None` leaves the default out, so that only the proposals differ. For
# the same seed both begin with the same five draws.

# %%
X, y = load_diabetes(return_X_y=True)
pipeline = make_pipeline(StandardScaler(), SVR())
space = {
    "svr__C": (1e-1, 1e4, "log-uniform"),
    "svr__gamma": (1e-5, 1e1, "log-uniform"),
    "svr__epsilon": (1e-1, 1e2, "log-uniform"),
}
SAMPLERS = {"random": "random", "greedy": Greedy}
N_SEEDS, N_ITER = 6, 20


def best_so_far(sampler, seed: int) -> np.ndarray:
    """Cross-validated R2 of the best configuration after each one, shape (N_ITER,)."""
    search = BayesSearchCV(
        pipeline,
        space,
        sampler=sampler,
        n_iter=N_ITER,
        cv=KFold(3, shuffle=True, random_state=0),
        racing=False,
        initial_params=None,
        refit=False,
        random_state=seed,
    ).fit(X, y)
    return np.maximum.accumulate(search.cv_results_["mean_test_score"])


curves = {
    name: np.array([best_so_far(sampler, seed) for seed in range(N_SEEDS)])
    for name, sampler in SAMPLERS.items()
}
print(f"Best cross-validated R2, mean of {N_SEEDS} seeds (worst to best seed)")
for n in (5, 10, N_ITER):
    for name, curve in curves.items():
        at = curve[:, n - 1]
        print(f"  after {n:2}  {name:8}{at.mean():.3f} ({at.min():.3f} to {at.max():.3f})")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
trials = np.arange(1, N_ITER + 1)
for (name, curve), colour, style in zip(curves.items(), ("#0072b2", "#d55e00"), ("--", "-")):
    axes.step(trials, curve.mean(axis=0), where="post", color=colour, ls=style, lw=2, label=name)
    axes.step(trials, curve.T, where="post", color=colour, ls=style, lw=0.8, alpha=0.35)
axes.set(
    xlabel="configurations tried",
    ylabel="best cross-validated R2 so far",
    title=f"A sampler of one's own: mean of {N_SEEDS} seeds, and each of them",
)
axes.xaxis.set_major_locator(MaxNLocator(integer=True))
axes.legend(loc="lower right", frameon=False)
figure.savefig(folder / "own_sampler.png", dpi=120)
print(f"\nwrote {folder / 'own_sampler.png'}")

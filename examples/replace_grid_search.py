"""Replace GridSearchCV in a pipeline: one import first, then a search with fewer fits.

You have a pipeline and a ``GridSearchCV``. This example shows two steps.

1. Change the import, and nothing else. The results are those of scikit-learn, number by number.
2. Change the class to ``BayesSearchCV``. Ranges take the place of the grid, and a model of the
   results so far chooses what to try next.

Run it with ``python examples/replace_grid_search.py [folder for pictures]``. It takes some
seconds and writes ``replace_grid_search.png``.
"""

# %%
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import sklearn.model_selection
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import skhpt

folder = Path(*sys.argv[1:2])

X, y = load_diabetes(return_X_y=True)
pipeline = make_pipeline(StandardScaler(), SVR())
grid = {
    "svr__C": [1, 10, 100, 1000],
    "svr__gamma": [1e-4, 1e-3, 1e-2, 1e-1],
    "svr__epsilon": [1, 10, 30],
}
cv = KFold(5, shuffle=True, random_state=0)

# %% [markdown]
# ## Step 1: one import
#
# The arguments, the attributes and the scores are the same.

# %%
before = sklearn.model_selection.GridSearchCV(pipeline, grid, cv=cv).fit(X, y)
after = skhpt.GridSearchCV(pipeline, grid, cv=cv).fit(X, y)

same_scores = np.array_equal(
    before.cv_results_["mean_test_score"], after.cv_results_["mean_test_score"]
)
print("1. The import is changed.")
print(f"   the same winner: {before.best_params_ == after.best_params_}")
print(f"   the same {len(after.cv_results_['params'])} mean scores: {same_scores}")

# %% [markdown]
# ## Step 2: another class
#
# The grid becomes ranges with the same ends. Folds are raced: a configuration is dropped when
# its first folds say that it cannot win. And a quarter of the rows could be set aside with
# `test_size=0.25`; here both searches get all rows, so that their scores can be compared.

# %%
ranges = {
    "svr__C": (1, 1000, "log-uniform"),
    "svr__gamma": (1e-4, 1e-1, "log-uniform"),
    "svr__epsilon": (1, 30, "log-uniform"),
}
bayes = skhpt.BayesSearchCV(pipeline, ranges, n_iter=25, cv=cv, random_state=0).fit(X, y)

print("\n2. The class is changed.")
print(f"   {'':12}{'best R2':>8}{'fits':>6}")
for name, search in {"grid": after, "Bayes": bayes}.items():
    print(f"   {name:12}{search.best_score_:8.4f}{search.n_fits_:6}")
print(f"   {'as given':12}{bayes.baseline_score_:8.4f}   the pipeline with SVR's own defaults")
for name, value in bayes.best_params_.items():
    print(f"   {name} = {value:.3g}")

# %% [markdown]
# ## The picture
#
# Each dot is a configuration, the line is the best one so far. The dotted line is where the grid
# came to with all of its fits.

# %%
display = skhpt.SearchDisplay.from_search(bayes, kind="convergence", x="fits")
axes = display.ax_
axes.axhline(after.best_score_, color="black", linestyle=":")
axes.annotate(
    f"the grid, after {after.n_fits_} fits: {after.best_score_:.3f}",
    (0.01, after.best_score_),
    xycoords=("axes fraction", "data"),
    xytext=(0, 5),
    textcoords="offset points",
    fontsize="small",
)
display.figure_.savefig(folder / "replace_grid_search.png", dpi=120)
print(f"\nwrote {folder / 'replace_grid_search.png'}")

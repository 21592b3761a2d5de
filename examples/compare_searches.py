"""Grid, random or Bayesian search: ask your own data.

``skhpt.compare`` runs several searches against each other. All of them get the same rows, the
same folds and the same number of configurations. What counts in the end is the score on rows
that no search has seen. This is repeated with other held-out rows, because one split proves
little.

Run it with ``python examples/compare_searches.py [folder for pictures]``. It takes some seconds
and writes ``compare_searches.png`` and ``compare_searches.html``.
"""

# %%
from __future__ import annotations

import sys
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.tree import DecisionTreeRegressor

from skhpt import compare

folder = Path(*sys.argv[1:2])

X, y = load_diabetes(return_X_y=True)

# The words stand for searches over the curated space of the estimator. A dict of search objects
# works as well, also with those of scikit-learn, scikit-optimize and Optuna.
comparison = compare(
    ["grid", "random", "bayes"],
    X,
    y,
    estimator=DecisionTreeRegressor(random_state=0),
    budget={"trials": 25},
    n_repeats=5,
    cv=5,
    scoring="r2",
    random_state=0,
)

# %% [markdown]
# ## The table, and whether the differences can be believed
#
# A frequent answer is that the data cannot tell the searches apart. Then take the cheapest. The
# order in the table is no proof by itself.

# %%
print(comparison)

# %% [markdown]
# `to_frame()` has a row for each search and repeat, for questions of your own.

# %%
runs = comparison.to_frame()
print("\nHeld-out r2 by repeat:")
print(runs.pivot(index="repeat", columns="search", values="test_score").round(3).to_string())

# %% [markdown]
# ## The picture
#
# What the best configuration so far is worth on the held-out rows, against what was spent. The
# line is the mean over the repeats, the band holds the middle half of them.

# %%
axes = comparison.plot(["trials", "fits"], y="score")
axes[0].figure.savefig(folder / "compare_searches.png", dpi=120)

# %% [markdown]
# `save` writes all of it, with three pictures and every run, into one file to send around.

# %%
comparison.save(folder / "compare_searches.html")
print(f"\nwrote {folder / 'compare_searches.png'} and {folder / 'compare_searches.html'}")

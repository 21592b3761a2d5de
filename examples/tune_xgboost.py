"""Tune XGBoost without a grid, and let early stopping find the number of trees.

How many trees a booster needs depends on its learning rate, so nobody should have to search
both. With the curated space, which you get by writing none, early stopping is on: the folds of a
configuration train in step and share one number of trees, the best of their mean curve. That
number stands in ``best_params_``, so the winner is a plain XGBoost model.

A quarter of the rows is set aside before anything looks at the data. The score on these rows is
the one to report.

Run it with ``python examples/tune_xgboost.py [folder for pictures]``. It takes some seconds and
writes ``tune_xgboost.png``.
"""

# %%
from __future__ import annotations

import sys
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from xgboost import XGBRegressor

from skhpt import BayesSearchCV, SearchDisplay

folder = Path(*sys.argv[1:2])

X, y = load_diabetes(return_X_y=True)

search = BayesSearchCV(
    XGBRegressor(random_state=0),
    n_iter=15,
    scoring="r2",
    cv=KFold(5, shuffle=True, random_state=0),
    test_size=0.25,
    random_state=0,
).fit(X, y)

# %% [markdown]
# ## What was found

# %%
print(f"{len(search.cv_results_['params'])} configurations, {search.n_fits_} fits\n")
print(f"The winner has {search.best_n_rounds_} trees. Its parameters:")
for name, value in search.best_params_.items():
    print(f"  {name} = {value:.3g}" if isinstance(value, float) else f"  {name} = {value}")

# %% [markdown]
# ## What it is worth
#
# The cross-validated score chose the winner, so it is a little too good for the winner. The
# held-out score chose nothing. Its interval says how much it depends on which rows were set aside.

# %%
low, high = search.test_score_interval_
base_low, base_high = search.baseline_test_score_interval_
print(f"\n{'R2':18}{'CV':>8}{'held out':>10}   95 % interval")
print(
    f"{'XGBoost as given':18}{search.baseline_score_:8.3f}{search.baseline_test_score_:10.3f}"
    f"   {base_low:.3f} to {base_high:.3f}"
)
print(f"{'tuned':18}{search.best_score_:8.3f}{search.test_score_:10.3f}   {low:.3f} to {high:.3f}")

# %% [markdown]
# ## The picture

# %%
display = SearchDisplay.from_search(search, kind="convergence")
display.figure_.savefig(folder / "tune_xgboost.png", dpi=120)
print(f"\nwrote {folder / 'tune_xgboost.png'}")

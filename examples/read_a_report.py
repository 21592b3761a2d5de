"""Read the report of a search honestly, and see two ways to fool oneself.

1. ``search.report()`` says what a search found, what it cost, and how far to believe it.
2. ``score_report`` scores the winner on test rows. It notices when the search has seen those
   rows before: here this is done on purpose.
3. ``nested_cv`` is for data too small to set rows aside. Every row is a test row once, and the
   search never sees it at that time.

Run it with ``python examples/read_a_report.py [folder for pictures]``. It takes some seconds and
writes ``read_a_report.html`` and ``read_a_report.png``.
"""

# %%
from __future__ import annotations

import sys
import warnings
from pathlib import Path

from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import KFold, train_test_split

from skhpt import RandomizedSearchCV, SearchDisplay, nested_cv, score_report

folder = Path(*sys.argv[1:2])

# Few rows, a noisy target and a model that overfits: the case where one is easily fooled.
X, y = load_diabetes(return_X_y=True)
X, y = X[:200], y[:200]
space = {
    "max_depth": [1, 2, 3, 4, 5],
    "learning_rate": (0.02, 0.5, "log-uniform"),
    "min_samples_leaf": [1, 2, 5, 10, 20],
    "max_features": (0.2, 1.0, "uniform"),
}


def new_search(**options) -> RandomizedSearchCV:
    return RandomizedSearchCV(
        GradientBoostingRegressor(n_estimators=25, random_state=0),
        space,
        n_iter=15,
        scoring="r2",
        cv=KFold(5, shuffle=True, random_state=0),
        random_state=0,
        **options,
    )


# %% [markdown]
# ## 1. The report
#
# `test_size` sets rows aside, `initial_params="default"` tries the estimator as it is, too.
# Read the warnings first. Then look at how many configurations are as good as the winner within
# noise, and at the held-out score with its interval.

# %%
search = new_search(test_size=0.3, initial_params="default").fit(X, y)
report = search.report()
print(report)
report.save(folder / "read_a_report.html")

# %% [markdown]
# ## 2. A mistake on purpose
#
# Somebody tunes on all rows and splits afterwards. The model has seen the "test" rows, and the
# score is wonderful. The search keeps a fingerprint of every row that it has seen, and warns.

# %%
print("\n" + "=" * 72)
print("A mistake on purpose: tuned on all rows, split afterwards\n")
wrong = new_search().fit(X, y)
_, X_test, _, y_test = train_test_split(X, y, test_size=0.3, random_state=1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(score_report(wrong, X_test, y_test))
print(f"\nPython warned {len(caught)} time(s): {caught[0].category.__name__}")

print("\nThe right way: split first, tune on the other rows\n")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=1)
right = new_search().fit(X_train, y_train)
baseline = clone(right.estimator).fit(X_train, y_train)
print(score_report(right, X_test, y_test, baseline=baseline))

# %% [markdown]
# ## 3. Nested cross-validation
#
# Sixty held-out rows tell little: look at the width of the interval. With nested cross-validation
# all rows are test rows in turn. The answer is about the procedure "search, then fit the winner",
# not about one winner: the folds choose different ones.

# %%
print("\n" + "=" * 72)
print("Nested cross-validation\n")
nested = nested_cv(new_search(), X, y, outer_cv=KFold(5, shuffle=True, random_state=1))
print(nested)

# %% [markdown]
# ## The picture
#
# A row for each fold, a column for each of the best configurations. Here the rows differ far more
# than the columns: which patients are in a fold matters more than which configuration is taken.

# %%
display = SearchDisplay.from_search(search, kind="heatmap", n_best=15)
display.figure_.savefig(folder / "read_a_report.png", dpi=120)
print(f"\nwrote {folder / 'read_a_report.html'} and {folder / 'read_a_report.png'}")

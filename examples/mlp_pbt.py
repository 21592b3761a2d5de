"""Train a neural network whose learning rate changes while it trains.

Population based training keeps several networks in training at once. After every few epochs the
worst of them copy the weights of the best and go on with slightly different parameters. So one
run finds not one learning rate but a schedule: what is good at first need not be good at the end.

The winner is trained along its schedule on all rows for tuning, and scored on rows that were set
aside before anything looked at the data.

Run it with ``python examples/mlp_pbt.py [folder for pictures]``. It takes some seconds and writes
``mlp_pbt.png``.
"""

# %%
from __future__ import annotations

import sys
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import PBTSearchCV, SearchDisplay

folder = Path(*sys.argv[1:2])

X, y = load_digits(return_X_y=True)
X, y = X[:900], y[:900]  # half of the digits, to be quick

# max_iter is the number of epochs. All networks train for so many; that the one given here has
# not converged by then is known, and need not be said in every fold.
warnings.simplefilter("ignore", ConvergenceWarning)
network = MLPClassifier(
    hidden_layer_sizes=(32,), learning_rate_init=0.01, max_iter=30, random_state=0
)
pipeline = make_pipeline(StandardScaler(), network)

search = PBTSearchCV(
    pipeline,
    {
        "mlpclassifier__learning_rate_init": (1e-4, 1e-1, "log-uniform"),
        "mlpclassifier__alpha": (1e-5, 1e1, "log-uniform"),
    },
    population_size=8,
    scoring="neg_log_loss",  # greater is better, 0 is perfect
    cv=StratifiedKFold(3, shuffle=True, random_state=0),  # the digits are sorted by writer
    test_size=0.25,
    initial_params="default",  # the network as given is the baseline
    random_state=0,
).fit(X, y)

# %% [markdown]
# ## The schedule of the winner

# %%
print("epochs    learning rate     alpha")
started = 0
for part in search.best_schedule_:
    rate = part["params"]["mlpclassifier__learning_rate_init"]
    alpha = part["params"]["mlpclassifier__alpha"]
    print(f"{started + 1:3} to {part['n_rounds']:3}{rate:13.4f}{alpha:12.5f}")
    started = part["n_rounds"]

# %% [markdown]
# ## What it is worth
#
# A gain that shows in the cross-validated score alone is not shown: it chose the winner. Look
# whether the held-out rows agree, and at the intervals.

# %%
low, high = search.test_score_interval_
base_low, base_high = search.baseline_test_score_interval_
print(f"\n{'negated log loss':18}{'CV':>8}{'held out':>10}   95 % interval")
print(
    f"{'network as given':18}{search.baseline_score_:8.3f}{search.baseline_test_score_:10.3f}"
    f"   {base_low:.3f} to {base_high:.3f}"
)
print(
    f"{'along a schedule':18}{search.best_score_:8.3f}{search.test_score_:10.3f}"
    f"   {low:.3f} to {high:.3f}"
)

# %% [markdown]
# ## The picture

# %%
display = SearchDisplay.from_search(search, kind="schedule")
display.figure_.savefig(folder / "mlp_pbt.png", dpi=120)
print(f"\nwrote {folder / 'mlp_pbt.png'}")

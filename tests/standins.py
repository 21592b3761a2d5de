"""A pytest plugin: scikit-learn's own tests meet our classes under scikit-learn's names.

Used as ``pytest -p standins --pyargs sklearn.model_selection.tests.test_search``. The tests
run from the installed wheel; what they import from ``sklearn.model_selection`` is ours. With
``STAND_IN=bayes`` in the environment both names stand for the Bayesian search.
"""

import os

import sklearn.model_selection
import sklearn.model_selection._search
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import ParameterGrid

import skhpt


class _Bayes(skhpt.BayesSearchCV):
    """Takes a list or a tuple for a list of values, as these tests mean it."""

    _bare_pair = "values"

    def _with_scikit_learns_arguments(self, estimator, definition, n_iter, options):
        super().__init__(estimator, definition, n_iter=n_iter, **options)
        self.initial_params, self.racing = None, False  # every candidate on every fold, in order


class BayesAsGrid(_Bayes):
    """A Bayesian search with a budget that covers the grid."""

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=float("nan"),
        return_train_score=False,
    ):
        options = {k: v for k, v in locals().items() if k not in _OWN}
        self.param_grid = param_grid
        self._with_scikit_learns_arguments(estimator, "auto", 50, options)

    def fit(self, X, y=None, **params):
        self.n_iter = len(ParameterGrid(self.param_grid))
        return super().fit(X, y, **params)

    def _definition(self):
        return self.param_grid


class BayesAsRandom(_Bayes):
    """A Bayesian search with the budget of the random one."""

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=float("nan"),
        return_train_score=False,
    ):
        options = {k: v for k, v in locals().items() if k not in _OWN}
        self.param_distributions = param_distributions
        self._with_scikit_learns_arguments(estimator, "auto", n_iter, options)

    def _definition(self):
        return self.param_distributions


_OWN = {"self", "estimator", "param_grid", "param_distributions", "n_iter", "__class__"}


def pytest_configure():
    """Put them in; not at import, as whatever else imports this file must not be changed by it."""
    standins = {
        "GridSearchCV": skhpt.GridSearchCV,
        "RandomizedSearchCV": skhpt.RandomizedSearchCV,
        "HalvingGridSearchCV": skhpt.HalvingGridSearchCV,
        "HalvingRandomSearchCV": skhpt.HalvingRandomSearchCV,
    }
    if os.environ.get("STAND_IN") == "bayes":
        standins = {"GridSearchCV": BayesAsGrid, "RandomizedSearchCV": BayesAsRandom}
    for name, standin in standins.items():
        for module in (sklearn.model_selection, sklearn.model_selection._search):
            setattr(module, name, standin)

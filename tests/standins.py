"""A pytest plugin: scikit-learn's own tests meet our classes under scikit-learn's names.

Used as ``pytest -p standins --pyargs sklearn.model_selection.tests.test_search``. The tests
run from the installed wheel; what they import from ``sklearn.model_selection`` is ours. With
``SKHPT_STANDIN=bayes`` in the environment a Bayesian search stands in for both classes, with as
many configurations as the grid has, and without first configurations that no grid knows.
"""

import os

import numpy as np
import sklearn.model_selection
import sklearn.model_selection._search
from sklearn.model_selection import ParameterGrid

import skhpt
from skhpt.space import to_grid


class BayesAsGrid(skhpt.BayesSearchCV):
    """BayesSearchCV with the signature of GridSearchCV."""

    _parameter_constraints = {**skhpt.GridSearchCV._parameter_constraints}
    _bare_pair = "values"

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
        error_score=np.nan,
        return_train_score=False,
    ):
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=0,
            initial_params=None,
        )
        self.param_grid = param_grid

    def _definition(self):
        self.n_iter = len(ParameterGrid(to_grid(self.param_grid)))
        return self.param_grid


class BayesAsRandom(skhpt.BayesSearchCV):
    """BayesSearchCV with the signature of RandomizedSearchCV."""

    _parameter_constraints = {**skhpt.RandomizedSearchCV._parameter_constraints}
    _bare_pair = "values"

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
        error_score=np.nan,
        return_train_score=False,
    ):
        super().__init__(
            estimator,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
            initial_params=None,
        )
        self.param_distributions = param_distributions

    def _definition(self):
        return self.param_distributions


STANDINS = {
    "": (skhpt.GridSearchCV, skhpt.RandomizedSearchCV),
    "bayes": (BayesAsGrid, BayesAsRandom),
}

for name, cls in zip(
    ("GridSearchCV", "RandomizedSearchCV"), STANDINS[os.environ.get("SKHPT_STANDIN", "")]
):
    for module in (sklearn.model_selection, sklearn.model_selection._search):
        setattr(module, name, cls)

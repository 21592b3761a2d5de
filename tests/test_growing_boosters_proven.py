"""Every parameter that growing takes as proven was compared with fit."""

import numpy as np
import pytest
from grown import (
    Case,
    X,
    assert_same_answers,
    assert_same_model,
    classes_of,
    frame_of,
    lgbm,
    targets_of,
    xgb,
)
from sklearn.base import is_classifier

from skhpt.estimators import growing_lightgbm, growing_xgboost
from skhpt.estimators.growing import Watched

# A value, other than the default, for every parameter that is taken as proven.
LGBM_VALUES = {
    "max_bin": 9,
    "max_bins": 11,
    "min_data_in_bin": 25,
    "enable_bundle": False,
    "feature_pre_filter": False,
    "use_missing": False,
    "zero_as_missing": True,
    "min_data_in_leaf": 8,
    "min_data": 9,
    "min_samples_leaf": 11,
    "min_sum_hessian_in_leaf": 2.0,
    "extra_trees": True,
    "extra_tree": True,
    "path_smooth": 2.0,
    "max_delta_step": 0.3,
    "min_gain_to_split": 0.5,
    "feature_fraction_bynode": 0.5,
    "colsample_bynode": 0.6,
    "feature_fraction": 0.4,
    "cat_smooth": 1.0,
    "cat_l2": 0.1,
    "max_cat_to_onehot": 1,
    "max_cat_threshold": 2,
    "min_data_per_group": 5,
    "monotone_constraints": [1, 1] + [0] * 8,
    "monotone_constraints_method": "advanced",
    "monotone_penalty": 1.5,
    "interaction_constraints": [[0, 1, 3], [2, 4, 5, 6, 7, 8, 9]],
    "lambda_l1": 0.5,
    "lambda_l2": 3.0,
    "is_unbalance": True,
    "scale_pos_weight": 2.0,
    "bagging_freq": 2,
    "bagging_fraction": 0.5,
    "pos_bagging_fraction": 0.5,
    "neg_bagging_fraction": 0.6,
    "data_sample_strategy": "goss",
    "top_rate": 0.3,
    "other_rate": 0.2,
    "boost_from_average": False,
    "alpha": 0.3,
    "fair_c": 0.4,
    "poisson_max_delta_step": 0.2,
    "tweedie_variance_power": 1.2,
    "seed": 5,
    "bagging_seed": 6,
    "feature_fraction_seed": 7,
    "extra_seed": 8,
    "data_random_seed": 9,
    "deterministic": True,
    "force_col_wise": True,
    "force_row_wise": True,
    "num_threads": 1,
    "nthread": 1,
    "verbose": -1,
    "verbosity": -2,
    "metric": "auc",
}
XGB_VALUES = {
    "eta": 0.1,
    "alpha": 0.4,
    "lambda": 3.0,
    "min_split_loss": 0.3,
    "max_cat_threshold": 2,
    "nthread": 1,
    "seed": 4,
    "seed_per_iteration": True,
    "quantile_alpha": 0.3,
    "tweedie_variance_power": 1.2,
    "huber_slope": 0.5,
}
# Without these, some of the others do nothing.
LGBM_WITH = {
    **dict.fromkeys(("monotone_constraints_method", "monotone_penalty"), "monotone_constraints"),
    **dict.fromkeys(("top_rate", "other_rate"), "data_sample_strategy"),
    "extra_seed": "extra_trees",
    "neg_bagging_fraction": "pos_bagging_fraction",
}
LGBM_OBJECTIVES = {
    "alpha": "huber",
    "fair_c": "fair",
    "poisson_max_delta_step": "poisson",
    "tweedie_variance_power": "tweedie",
}
XGB_OBJECTIVES = {
    "quantile_alpha": "reg:quantileerror",
    "huber_slope": "reg:pseudohubererror",
    "tweedie_variance_power": "reg:tweedie",
}


def proven_models(make, values, objectives, together):
    base = {"subsample": 0.7, "colsample_bytree": 0.7, "max_depth": 4}
    base |= {"subsample_freq": 1} if make is lgbm else {"enable_categorical": True}
    for name, value in values.items():
        params = {**base, name: value}
        if name in together:
            params[together[name]] = values[together[name]]
        if params.get("data_sample_strategy") == "goss":
            params |= {"subsample": 1.0, "subsample_freq": 0, "learning_rate": 0.5}
        if name in objectives:
            yield make("Regressor", objective=objectives[name], **params)
        else:
            yield make(**params)


@pytest.mark.parametrize(
    ("make", "values", "objectives", "together", "proven"),
    [
        (lgbm, LGBM_VALUES, LGBM_OBJECTIVES, LGBM_WITH, growing_lightgbm._PROVEN),
        (xgb, XGB_VALUES, XGB_OBJECTIVES, {}, growing_xgboost._PROVEN),
    ],
    ids=["lightgbm", "xgboost"],
)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # one parameter under two names
def test_every_parameter_that_is_said_to_be_proven(make, values, objectives, together, proven):
    assert set(values) == set(proven)
    frame, shared = frame_of(X), {}
    case = Case(frame, classes_of(X, 2))
    regression = Case(frame, np.round(targets_of(X)))
    regression.X, regression.watched = case.X, Watched(case.watched.X, regression.watched.y)
    for estimator in proven_models(make, values, objectives, together):
        one = case if is_classifier(estimator) else regression
        growth = one.start(estimator, shared if one is case else {})
        growth.grow(3)
        growth.grow(5)
        plain = one.fit(estimator, 5)
        assert_same_model(one, growth.fitted(5), plain)
        assert_same_answers(growth, plain, one.watched.X)

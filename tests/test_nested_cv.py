"""nested_cv: outer folds that the search never saw, groups at both levels, how choices vary."""

import math
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV as TheirGridSearchCV
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV, nested_cv
from skhpt.nested import Choice, NestedScores

X, y = make_classification(120, 5, n_informative=3, random_state=0)
X[:, 0] = np.arange(120)  # names the row
GROUPS = np.arange(120) // 8
TREE = DecisionTreeClassifier(random_state=0)
GRID = {"max_depth": [1, 2, 3]}


class SpyGroupKFold(GroupKFold):
    """Remembers the groups and the rows of each split."""

    seen: list = []

    def split(self, X, y=None, groups=None):
        SpyGroupKFold.seen.append((np.asarray(X)[:, 0].astype(int), groups))
        return super().split(X, y, groups)


@pytest.fixture(autouse=True)
def _forget():
    SpyGroupKFold.seen = []


@pytest.mark.parametrize("kind", [GridSearchCV, TheirGridSearchCV])
def test_the_scores_are_those_of_cross_val_score(kind):
    search = kind(TREE, GRID, cv=3)
    nested = nested_cv(search, X, y, outer_cv=4)
    np.testing.assert_array_equal(nested.scores, cross_val_score(search, X, y, cv=4))
    found = cross_validate(search, X, y, cv=4, return_estimator=True)
    assert nested.best_params == [one.best_params_ for one in found["estimator"]]
    np.testing.assert_array_equal(
        nested.inner_scores, [one.best_score_ for one in found["estimator"]]
    )
    assert nested.optimism == pytest.approx(np.mean(nested.inner_scores - nested.scores))
    assert nested.mean == pytest.approx(nested.scores.mean())
    assert not hasattr(search, "best_params_")


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("kind", [GridSearchCV, TheirGridSearchCV])
def test_groups_reach_both_levels(kind, routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        search = kind(TREE, GRID, cv=SpyGroupKFold(3))
        nested = nested_cv(search, X, y, outer_cv=4, groups=GROUPS)
    for train, test in zip(nested.train_indices, nested.test_indices):
        assert not set(GROUPS[train]) & set(GROUPS[test])
    assert len(SpyGroupKFold.seen) == 4
    for rows, groups in SpyGroupKFold.seen:
        np.testing.assert_array_equal(groups, GROUPS[rows])


def test_routing_changes_nothing():
    search = GridSearchCV(TREE, GRID, cv=GroupKFold(3))
    plain = nested_cv(search, X, y, groups=GROUPS)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = nested_cv(search, X, y, groups=GROUPS)
    np.testing.assert_array_equal(plain.scores, routed.scores)


@pytest.mark.parametrize("cv", [3, None, KFold(3), StratifiedKFold(3)])
def test_an_inner_splitter_that_tears_groups_apart_is_told(cv):
    with pytest.warns(UserWarning, match=r"own cv=.* tears groups apart.*cv=GroupKFold\(5\)") as w:
        nested_cv(GridSearchCV(TREE, GRID, cv=cv), X, y, outer_cv=GroupKFold(3), groups=GROUPS)
    assert len(w) == 1


def test_a_number_of_outer_folds_keeps_groups_together_for_regressors():
    target = X[:, 1] + X[:, 2]
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=GroupKFold(2))
    nested = nested_cv(search, X, target, outer_cv=3, groups=GROUPS)
    for train, test in zip(nested.train_indices, nested.test_indices):
        assert not set(GROUPS[train]) & set(GROUPS[test])


@pytest.mark.parametrize("routing", [False, True])
def test_fit_parameters_follow_their_rows(routing):
    weights = np.linspace(0.1, 2, 120)
    with sklearn.config_context(enable_metadata_routing=routing):
        model = LogisticRegression()
        if routing:
            model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"C": [0.01, 1.0]}, cv=3)
        nested = nested_cv(search, X, y, outer_cv=3, params={"sample_weight": weights})
    train = nested.train_indices[0]
    again = LogisticRegression(**nested.best_params[0])
    again.fit(X[train], y[train], sample_weight=weights[train])
    np.testing.assert_array_equal(nested.searches[0].best_estimator_.coef_, again.coef_)


def test_test_rows_inside_are_whole_groups_too():
    search = BayesSearchCV(
        TREE, GRID, cv=SpyGroupKFold(2), n_iter=2, test_size=0.3, random_state=0,
    )  # fmt: skip
    nested = nested_cv(search, X, y, outer_cv=GroupKFold(2), groups=GROUPS)
    for one, train in zip(nested.searches, nested.train_indices):
        inner_test = set(GROUPS[train][one.test_indices_])
        seen = [set(groups) for rows, groups in SpyGroupKFold.seen if set(rows) <= set(train)]
        assert seen
        assert not any(inner_test & groups for groups in seen)


def test_another_metric_outside_has_no_optimism():
    search = GridSearchCV(TREE, GRID, cv=3, scoring="neg_log_loss")
    same = nested_cv(search, X, y, outer_cv=3)
    assert same.metric == "neg_log_loss"
    assert math.isfinite(same.optimism)
    other = nested_cv(search, X, y, outer_cv=3, scoring="roc_auc")
    assert other.metric == "roc_auc"
    assert math.isnan(other.optimism)
    assert "another metric" in str(other)
    named = nested_cv(search, X, y, outer_cv=3, scoring="neg_log_loss")
    assert named.optimism == pytest.approx(same.optimism)


def test_several_metrics_are_judged_by_the_one_of_refit():
    search = GridSearchCV(TREE, GRID, cv=3, scoring=["accuracy", "roc_auc"], refit="roc_auc")
    nested = nested_cv(search, X, y, outer_cv=3)
    assert nested.metric == "roc_auc"
    single = nested_cv(GridSearchCV(TREE, GRID, cv=3, scoring="roc_auc"), X, y, outer_cv=3)
    np.testing.assert_array_equal(nested.scores, single.scores)


# -- how the choices vary -----------------------------------------------------------------------


def _choices(searches, params):
    from skhpt.nested import _choices as choices

    for search, best in zip(searches, params):
        search.best_params_ = best
    return {choice.name: choice for choice in choices(searches)}


def test_the_spread_is_on_the_scale_of_the_space():
    space = {"ccp_alpha": (1e-6, 1.0, "log-uniform"), "criterion": ["gini", "entropy"]}
    searches = [
        RandomizedSearchCV(TREE, space, n_iter=2, cv=2, random_state=0).fit(X, y) for _ in range(3)
    ]
    found = _choices(
        searches,
        [
            {"ccp_alpha": 1e-6, "criterion": "gini"},
            {"ccp_alpha": 1e-3, "criterion": "entropy"},
            {"ccp_alpha": 1.0, "criterion": "gini"},
        ],
    )
    assert found["ccp_alpha"].spread == pytest.approx(0.5)  # of 0, 1/2 and 1
    assert found["ccp_alpha"].agreement == "arbitrary"
    assert found["criterion"].share == pytest.approx(2 / 3)
    assert found["criterion"].commonest == "gini"
    assert math.isnan(found["criterion"].spread)


def test_the_scale_of_a_foreign_search_is_what_it_tried():
    grid = {"ccp_alpha": [0.0, 1e-4, 1e-3, 1e-2, 0.1, 0.2, 0.3]}
    searches = [TheirGridSearchCV(TREE, grid, cv=2).fit(X, y) for _ in range(2)]
    found = _choices(searches, [{"ccp_alpha": 0.0}, {"ccp_alpha": 0.3}])
    assert found["ccp_alpha"].spread == pytest.approx(np.std([0, 1], ddof=1))


def test_a_search_of_optuna():
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental, it says
        depth = optuna.distributions.IntDistribution(1, 30)
        search = integration.OptunaSearchCV(TREE, {"max_depth": depth}, n_trials=6, random_state=0)
        nested = nested_cv(search, X, y, outer_cv=2)
    assert len(nested.scores) == 2
    assert nested.choices[0].name == "max_depth"
    # stratified, although that class does not say that it is a classifier
    assert {int(y[rows].sum()) for rows in nested.test_indices} == {y.sum() // 2}


def test_few_values_are_choices_and_no_scale():
    nested = nested_cv(GridSearchCV(TREE, GRID, cv=2), X, y, outer_cv=3)
    (choice,) = nested.choices
    assert math.isnan(choice.spread)


@pytest.mark.parametrize(
    ("share", "spread", "word"),
    [
        (1.0, 0.0, "same"),
        (0.3, 0.05, "stable"),
        (0.3, 0.15, "varies"),
        (0.3, 0.29, "arbitrary"),
        (0.8, math.nan, "stable"),
        (0.6, math.nan, "varies"),
        (0.4, math.nan, "arbitrary"),
        (0.6, 0.4, "varies"),  # half of the folds agree: that is no chance
        (0.5, 0.4, "varies"),
    ],
)
def test_agreement_in_a_word(share, spread, word):
    assert Choice("a", [], None, share, spread).agreement == word


def test_conditional_parameters_count_the_folds_that_have_them():
    searches = [TheirGridSearchCV(TREE, GRID, cv=2).fit(X, y) for _ in range(3)]
    found = _choices(searches, [{"a": 1}, {"a": 1}, {"b": "x"}])
    assert found["a"].share == 1
    assert found["b"].values == ["x"]
    assert found["b"].agreement == "one fold"
    assert (found["a"].agreement, found["a"].n_folds) == ("same", 3)
    scores = NestedScores(
        np.ones(3), np.ones(3), [{}] * 3, list(found.values()), np.ones(3), [], [], []
    )
    assert "b          one fold, in 1 of 3 folds" in str(scores)
    assert "a          same, in 2 of 3 folds" in str(scores)


def test_the_metric_of_a_regressor_has_its_name():
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2)
    assert nested_cv(search, X, X[:, 0], outer_cv=2).metric == "r2"


# -- shown --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nested():
    space = {"ccp_alpha": (1e-6, 1.0, "log-uniform"), "criterion": ["gini", "entropy"]}
    search = RandomizedSearchCV(TREE, space, n_iter=4, cv=3, random_state=0)
    return nested_cv(search, X, y, outer_cv=3)


def test_the_frame_has_a_row_a_fold(nested):
    table = nested.to_frame()
    assert len(table) == 3
    np.testing.assert_array_equal(table["score"], nested.scores)
    np.testing.assert_allclose(table["optimism"], table["inner_score"] - table["score"])
    assert list(table["param_criterion"]) == [p["criterion"] for p in nested.best_params]
    assert table["param_ccp_alpha"].dtype == float


def test_the_text_tells_scores_optimism_and_choices(nested):
    text = str(nested)
    assert text.startswith(f"accuracy on 3 outer folds: {nested.mean:.4f}")
    assert f"{abs(nested.optimism):.4f} {'more' if nested.optimism >= 0 else 'less'}" in text
    assert "ccp_alpha" in text
    assert '<div style="overflow-x: auto"><table>' in nested._repr_html_()


def test_a_page_escapes_what_was_chosen():
    scores = NestedScores(
        np.ones(2), np.ones(2), [{"a": "<b>"}] * 2,
        [Choice("a", ["<b>"] * 2, "<b>", 1.0, math.nan)], np.ones(2), [], [], [],
    )  # fmt: skip
    assert "<b>" not in scores._repr_html_()


@pytest.mark.parametrize(
    ("search", "options", "error", "message"),
    [
        (TREE, {}, TypeError, "search must be a search object.*got DecisionTreeClassifier"),
        (GridSearchCV(TREE, GRID), {"scoring": ["f1"]}, ValueError, "scoring must be one metric"),
    ],
)
def test_wrong_arguments(search, options, error, message):
    with pytest.raises(error, match=message):
        nested_cv(search, X, y, **options)


def test_a_fold_that_cannot_be_searched_is_an_error():
    with pytest.raises(ValueError, match="no_such"):
        nested_cv(GridSearchCV(TREE, {"no_such": [1]}), X, y)

"""BayesSearchCV: proposals, first points, budgets, other engines."""

import numpy as np
import pytest
from doubles import FailsWhen
from scipy import stats
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, When, space_for
from skhpt.samplers.base import Sampler
from skhpt.space import Integer, Real

iris = load_iris(return_X_y=True)


def params_of(search):
    return [tuple(sorted(map(repr, p.items()))) for p in search.cv_results_["params"]]


def svc_search(**kwargs):
    space = {"C": (1e-2, 1e3, "log-uniform"), "gamma": (1e-4, 1e1, "log-uniform")}
    defaults = {"n_iter": 12, "cv": 3, "random_state": 0}
    return BayesSearchCV(SVC(), space, **{**defaults, **kwargs})


def test_the_default_comes_first_and_gives_the_baseline():
    search = svc_search().fit(*iris)
    origin = search.cv_results_["origin"]
    assert origin[0] == "default"
    first = search.cv_results_["params"][0]
    assert {name: first[name] for name in ("C", "gamma")} == {"C": 1.0, "gamma": "scale"}
    assert search.baseline_score_ == search.cv_results_["mean_test_score"][0]
    assert search.best_score_ >= search.baseline_score_
    assert len(origin) == 12, "first points count towards n_iter"


def test_without_first_points_there_is_no_baseline():
    search = svc_search(initial_params=None).fit(*iris)
    assert "origin" not in search.cv_results_
    assert not hasattr(search, "baseline_score_")


def test_own_first_points():
    own = [{"C": 5.0, "gamma": 0.5}, "default"]
    search = svc_search(initial_params=own).fit(*iris)
    assert search.cv_results_["origin"][:2].tolist() == ["given", "default"]
    assert search.cv_results_["params"][0] == own[0]
    assert search.baseline_score_ == search.cv_results_["mean_test_score"][1]


def test_the_same_seed_gives_the_same_search_and_another_seed_another():
    a, b, c = (svc_search(random_state=seed).fit(*iris) for seed in (0, 0, 1))
    assert params_of(a) == params_of(b) != params_of(c)
    assert len(set(params_of(a))) == len(params_of(a)), "no configuration twice"


def test_a_random_state_object_advances_with_every_search():
    generator = np.random.RandomState(3)
    first, second = (params_of(svc_search(random_state=generator).fit(*iris)) for _ in range(2))
    again = params_of(svc_search(random_state=np.random.RandomState(3)).fit(*iris))
    assert first == again != second


def test_a_finite_space_is_enumerated_once_and_then_ends_with_a_reason():
    search = BayesSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, None], "criterion": ["gini", "entropy"]},
        n_iter=50,
        random_state=0,
    ).fit(*iris)
    assert len(set(params_of(search))) == 6
    assert len(search.cv_results_["params"]) == 6
    assert search.stop_reason_ == "search space exhausted"


def test_a_space_that_is_covered_runs_in_the_order_of_a_grid_search():
    grid = {"max_depth": [1, 3, 2], "criterion": ["gini", "entropy"]}
    estimator = DecisionTreeClassifier(random_state=0)
    theirs = GridSearchCV(estimator, grid).fit(*iris)
    search = BayesSearchCV(estimator, grid, n_iter=6, initial_params=None).fit(*iris)
    assert search.cv_results_["params"] == theirs.cv_results_["params"]
    assert search.best_params_ == theirs.best_params_


def test_it_beats_random_search_on_average():
    X, y = make_regression(150, 12, n_informative=4, noise=20, random_state=0)
    space = {"alpha": (1e-4, 1e2, "log-uniform"), "l1_ratio": (0.05, 1.0)}
    best = {}
    for sampler in ("gp", "random"):
        best[sampler] = [
            BayesSearchCV(
                ElasticNet(max_iter=5000),
                space,
                n_iter=20,
                cv=3,
                sampler=sampler,
                initial_params=None,
                random_state=seed,
            )
            .fit(X, y)
            .best_score_
            for seed in range(5)
        ]
    assert np.mean(best["gp"]) > np.mean(best["random"])


def test_failed_configurations_are_recorded_and_do_not_stop_the_search():
    search = BayesSearchCV(
        FailsWhen(bad=tuple(range(3, 10))),
        {"parameter": (0, 9)},
        n_iter=10,
        cv=3,
        scoring="accuracy",
        random_state=0,
        racing=False,
    )
    with (
        pytest.warns(FitFailedWarning, match="21 fits failed out of a total of 30") as caught,
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(*iris)
    assert sum(issubclass(w.category, FitFailedWarning) for w in caught) == 1
    assert search.best_params_["parameter"] < 3
    assert np.isnan(search.cv_results_["mean_test_score"]).sum() == 7


def test_every_dialect_mixed_freely():
    skopt = pytest.importorskip("skopt.space")
    optuna = pytest.importorskip("optuna.distributions")
    space = {
        "scaler": [StandardScaler(), MinMaxScaler(), None],
        "mlp__hidden_layer_sizes": [(4,), (8,), (4, 4)],
        "mlp__alpha": (1e-6, 1e-1, "log-uniform"),
        "mlp__learning_rate_init": stats.loguniform(1e-3, 1e-1),
        "mlp__beta_1": skopt.Real(0.8, 0.95),
        "mlp__batch_size": optuna.IntDistribution(16, 64, step=16),
        "mlp__momentum": {"distribution": "uniform", "min": 0.1, "max": 0.9},
        "mlp__max_iter": Integer(2, 6),
        "mlp__activation": ["relu", "tanh"],
    }
    pipe = Pipeline([("scaler", StandardScaler()), ("mlp", MLPClassifier(random_state=0))])
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Stochastic Optimizer")
        search = BayesSearchCV(pipe, space, n_iter=6, cv=2, random_state=0).fit(*iris)
    assert set(search.best_params_) == set(space)
    assert type(search.best_params_) is dict


def test_conditions_and_alternatives():
    space = [
        {
            "C": Real(1e-2, 1e2, log=True),
            "kernel": ["rbf", "poly", "linear"],
            "rbf or poly": When("kernel", ["rbf", "poly"], {"gamma": (1e-3, 1e1, "log-uniform")}),
            "degree": When("kernel", "poly", (2, 4)),
        },
        {"kernel": ["sigmoid"], "coef0": (-1.0, 1.0)},
    ]
    search = BayesSearchCV(SVC(), space, n_iter=24, cv=3, random_state=0, initial_params=None)
    search.fit(*iris)
    for params in search.cv_results_["params"]:
        assert ("gamma" in params) == (params["kernel"] in ("rbf", "poly"))
        assert ("degree" in params) == (params["kernel"] == "poly")
        assert ("coef0" in params) == (params["kernel"] == "sigmoid")
    assert search.cv_results_["param_degree"].mask.any()


def test_budgets_of_parts():
    space = [({"kernel": ["rbf"], "C": (0.1, 10.0)}, 4), ({"kernel": ["linear"]}, 1)]
    search = BayesSearchCV(SVC(), space, n_iter=50, cv=3, random_state=0, initial_params=None)
    search.fit(*iris)
    kernels = [params["kernel"] for params in search.cv_results_["params"]]
    assert kernels == ["rbf"] * 4 + ["linear"]


@pytest.mark.parametrize("sampler", ["random", "sobol", "tpe", "cmaes", "skopt"])
def test_other_engines(sampler):
    pytest.importorskip({"tpe": "optuna", "cmaes": "cmaes", "skopt": "skopt"}.get(sampler, "scipy"))
    search = svc_search(sampler=sampler, n_iter=8).fit(*iris)
    assert len(set(params_of(search))) == 8
    assert search.best_score_ > 0.9


def test_scikit_optimizes_arguments_choose_its_optimizer():
    pytest.importorskip("skopt")
    options = {"base_estimator": "RF", "n_initial_points": 3}
    search = svc_search(optimizer_kwargs=options, n_iter=6).fit(*iris)
    assert search.best_score_ > 0.9


def test_an_optuna_sampler_object_is_used_and_left_as_it_was():
    optuna = pytest.importorskip("optuna")
    sampler = optuna.samplers.TPESampler(n_startup_trials=3, seed=0)
    a = params_of(svc_search(sampler=sampler, n_iter=6).fit(*iris))
    assert params_of(svc_search(sampler=sampler, n_iter=6).fit(*iris)) == a


def test_a_sampler_of_ones_own():
    class Corner(Sampler):
        learns = False

        def ask(self):
            return self.space.decode(self.rng.integers(0, 2, self.space.width).astype(float))

    search = svc_search(sampler=Corner, n_iter=4, initial_params=None).fit(*iris)
    assert {params["C"] for params in search.cv_results_["params"]} <= {1e-2, 1e3}


def test_an_unknown_sampler_is_named():
    with pytest.raises(ValueError, match="sampler must be one of .*'gp'.*got 'bayes'"):
        svc_search(sampler="bayes").fit(*iris)


@pytest.mark.parametrize(
    ("refit", "watched"), [("r2", "r2"), (False, "neg_mean_squared_error"), (lambda r: 2, None)]
)
def test_several_metrics(refit, watched):
    X, y = make_regression(60, 5, noise=5, random_state=0)
    search = BayesSearchCV(
        Ridge(),
        {"alpha": (1e-3, 1e3, "log-uniform")},
        scoring=["neg_mean_squared_error", "r2"],
        refit=refit,
        n_iter=7,
        random_state=0,
    ).fit(X, y)
    assert search.multimetric_
    watched = watched or "neg_mean_squared_error"
    assert search.baseline_score_ == search.cv_results_[f"mean_test_{watched}"][0]
    if callable(refit):
        assert search.best_index_ == 2
        assert not hasattr(search, "best_score_")


def test_a_callable_scorer_that_names_its_metrics():
    def scores(estimator, X, y):
        return {"accuracy": estimator.score(X, y), "support": -len(estimator.support_)}

    search = svc_search(scoring=scores, refit="accuracy", n_iter=6).fit(*iris)
    assert search.multimetric_
    assert search.best_score_ == search.cv_results_["mean_test_accuracy"].max()


def test_the_curated_space_of_a_pipeline():
    X, y = make_classification(200, 6, random_state=0)
    pipe = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(random_state=0))
    search = BayesSearchCV(pipe, n_iter=5, cv=2, random_state=0, n_jobs=2).fit(X, y)
    assert "histgradientboostingclassifier__learning_rate" in search.best_params_
    rounds = "histgradientboostingclassifier__max_iter"  # which early stopping finds
    assert search.space_.keys() == search.best_params_.keys() - {rounds}


def test_a_time_budget_ends_the_search():
    search = svc_search(n_iter=10_000, time_budget=1.0).fit(*iris)
    assert search.stop_reason_ == "time budget spent"
    assert 1 < len(search.cv_results_["params"]) < 10_000


def test_a_time_budget_that_allows_nothing_says_so():
    X, y = make_classification(5000, 50, random_state=0)
    search = BayesSearchCV(LogisticRegression(max_iter=2000), {"C": (0.1, 10.0)}, time_budget=1e-3)
    with pytest.raises(ValueError, match="time_budget=0.001 seconds were over before"):
        search.fit(X, y)


@pytest.mark.parametrize("n_points", [1, 3])
def test_the_number_of_pending_points_is_part_of_the_result(n_points):
    search = svc_search(n_points=n_points).fit(*iris)
    assert search.n_points_ == n_points
    assert params_of(search) == params_of(svc_search(n_points=n_points, n_jobs=2).fit(*iris))


@pytest.mark.parametrize(
    ("estimator", "n_candidates"),
    [(SVC(), 25), (Ridge(), 5), (HistGradientBoostingClassifier(), 32)],
)
def test_a_grid_over_a_curated_space_is_affordable(estimator, n_candidates):
    from skhpt import GridSearchCV as OurGridSearchCV

    search = OurGridSearchCV(estimator)
    X, y = make_classification(300, 8, random_state=0)
    plan = search._legs(space_for(estimator, X, y, size="small"), None)
    assert len(plan[0].sampler.candidates) == n_candidates


def test_the_default_outside_of_the_users_ranges_is_a_baseline_and_cannot_win():
    space = {"max_depth": [1], "min_samples_leaf": (20, 40)}
    search = BayesSearchCV(DecisionTreeClassifier(random_state=0), space, n_iter=5, random_state=0)
    search.fit(*iris)
    assert search.cv_results_["origin"][0] == "default"
    assert search.baseline_score_ > search.best_score_
    assert search.best_params_["max_depth"] == 1
    assert search.cv_results_["rank_test_score"][0] == 5


def test_a_name_for_refit_beside_a_single_metric():
    search = svc_search(scoring="accuracy", refit="accuracy", n_iter=5).fit(*iris)
    assert search.baseline_score_ == search.cv_results_["mean_test_score"][0]

"""The searches by successive halving: beside scikit-learn's, and where they go further."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn.model_selection as theirs
from doubles import FailsWhen
from joblib import parallel_config
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import skhpt as ours
from skhpt.trial import Status

X, y = make_classification(300, 8, random_state=0)
GRID = {"max_depth": [1, 2, 4, 8, None], "min_samples_leaf": [1, 20]}
DRAWN = {"max_depth": randint(1, 10), "min_samples_leaf": randint(1, 30)}
TREE = DecisionTreeClassifier(random_state=0)
PLAN = [
    *("n_resources_", "n_candidates_", "n_remaining_candidates_", "n_iterations_"),
    *("n_possible_iterations_", "n_required_iterations_", "min_resources_", "max_resources_"),
]
both = pytest.mark.parametrize("name", ["HalvingGridSearchCV", "HalvingRandomSearchCV"])


def space_of(name):
    return GRID if "Grid" in name else DRAWN


def search(name="HalvingRandomSearchCV", estimator=TREE, space=None, package=ours, **kwargs):
    few = {"n_candidates": 9} if "Random" in name else {}
    options = {"random_state": 0, "cv": 3, **few, **kwargs}
    return getattr(package, name)(estimator, space or space_of(name), **options)


def assert_same(own, their):
    for attribute in PLAN:
        assert getattr(own, attribute) == getattr(their, attribute), attribute
    assert list(own.cv_results_) == list(their.cv_results_)
    for column, values in their.cv_results_.items():
        if "_time" in column or column.startswith("rank"):  # ranks do not cross rungs here
            continue
        np.testing.assert_array_equal(own.cv_results_[column], values, err_msg=column)
    assert own.best_index_ == their.best_index_
    assert own.best_score_ == their.best_score_
    assert own.best_params_ == their.best_params_


# -- beside scikit-learn ---------------------------------------------------------------------


@both
def test_the_signature_is_scikit_learns(name):
    own = list(inspect.signature(getattr(ours, name)).parameters.values())
    their = list(inspect.signature(getattr(theirs, name)).parameters.values())
    for mine, parameter in zip(own, their):
        assert (mine.name, mine.kind) == (parameter.name, parameter.kind)
        if "param_" not in mine.name:  # here there are curated spaces
            assert repr(mine.default) == repr(parameter.default), mine.name
    assert all(mine.kind is mine.KEYWORD_ONLY for mine in own[len(their) :])


@both
@pytest.mark.parametrize("seed", [0, 1, 2, 4])  # 3 would leave a first rung without a class
def test_same_candidates_rows_and_winner(name, seed):
    own, their = (search(name, package=p, random_state=seed).fit(X, y) for p in (ours, theirs))
    assert not own.stratified_
    assert_same(own, their)
    np.testing.assert_array_equal(own.predict(X), their.predict(X))


OPTIONS = {
    "as many as there can be": {},
    "a generator": {"random_state": "generator"},
    "shuffled folds": {"cv": StratifiedKFold(4, shuffle=True, random_state=1)},
    "aggressive": {"aggressive_elimination": True, "max_resources": 60},
    "factor 2": {"factor": 2, "min_resources": 20},
    "factor 2.5": {"factor": 2.5},
    "no train scores": {"return_train_score": False, "scoring": "f1"},
    "no refit": {"refit": False},
    "a parameter": {"resource": "max_leaf_nodes", "max_resources": 40, "min_resources": 2},
}


@both
@pytest.mark.parametrize("case", list(OPTIONS))
def test_same_with_every_option(name, case):
    def fitted(package):
        options = dict(OPTIONS[case])
        if "Random" in name and case.startswith("as many"):
            options["n_candidates"] = "exhaust"
        if options.get("random_state") == "generator":
            options["random_state"] = np.random.RandomState(7)
        return search(name, package=package, **options).fit(X, y)

    assert_same(fitted(ours), fitted(theirs))


def test_same_on_a_regression_through_a_pipeline():
    data = make_regression(240, 6, noise=5, random_state=0)
    pipe = make_pipeline(StandardScaler(), DecisionTreeRegressor(random_state=0))
    space = {"decisiontreeregressor__max_depth": randint(1, 9)}
    assert_same(
        *(search(estimator=pipe, space=space, package=p).fit(*data) for p in (ours, theirs))
    )


def by_parameter(estimator, X, y):
    return estimator.parameter / 10


@pytest.mark.parametrize("error_score", [np.nan, 0.75])  # better than all but one
def test_same_where_fits_fail(error_score):
    options = {"error_score": error_score, "resource": "rounds", "max_resources": 9}
    options["scoring"] = by_parameter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pair = [
            search("HalvingGridSearchCV", Failing(), {"parameter": range(9)}, p, **options).fit(
                X, y
            )
            for p in (ours, theirs)
        ]
    assert_same(*pair)


class Failing(FailsWhen):
    def __init__(self, parameter=0, bad=(1, 4), rounds=1):
        super().__init__(parameter, bad)
        self.rounds = rounds


# -- honest ----------------------------------------------------------------------------------


@both
def test_the_winner_is_the_best_of_the_last_rung_and_ranks_first(name):
    fitted = search(name).fit(X, y)
    rung, mean = fitted.cv_results_["iter"], fitted.cv_results_["mean_test_score"]
    rank = fitted.cv_results_["rank_test_score"]
    assert rung[fitted.best_index_] == rung.max()
    assert fitted.best_score_ == mean[rung == rung.max()].max()
    assert rank[fitted.best_index_] == 1
    assert all(rank[rung == k].min() > rank[rung == k + 1].max() for k in range(rung.max()))


@pytest.mark.parametrize("n_jobs", [2])
@pytest.mark.parametrize("resource", ["n_samples", "n_folds"])
def test_n_jobs_changes_nothing(n_jobs, resource):
    one = search(resource=resource).fit(X, y)
    more = search(resource=resource, n_jobs=n_jobs).fit(X, y)
    assert one.best_params_ == more.best_params_
    for column, values in one.cv_results_.items():
        if "_time" not in column:
            np.testing.assert_array_equal(values, more.cv_results_[column], err_msg=column)


def stop_after(n):
    """A callback of the engine that ends the search after so many outcomes."""
    return lambda ledger: len(ledger.outcomes) >= n


@pytest.mark.parametrize("n_fits", [70, 12])
def test_a_search_that_is_cut_short_compares_nothing_across_rungs(monkeypatch, n_fits):
    monkeypatch.setattr(
        ours.HalvingRandomSearchCV,
        "_take_listeners",
        lambda self, params: (params, [stop_after(n_fits)]),
    )
    cut = search(n_candidates=20)
    with pytest.warns(UserWarning, match="before any configuration had run on the last rung"):
        cut.fit(X, y)
    highest = 1 if n_fits == 70 else 0
    assert cut.cv_results_["iter"][cut.best_index_] == highest
    assert len(cut.n_resources_) == len(cut.n_candidates_) == cut.n_iterations_ == highest + 1
    assert np.isnan(cut.best_score_)
    assert cut.predict(X).shape == y.shape


def test_a_default_comes_to_the_last_rung():
    fitted = search("HalvingGridSearchCV", initial_params="default").fit(X, y)
    last = fitted.cv_results_["iter"] == fitted.cv_results_["iter"].max()
    rows = np.flatnonzero(last & (fitted.cv_results_["origin"] == "default"))
    assert len(rows) == 1
    assert fitted.baseline_score_ == fitted.cv_results_["mean_test_score"][rows[0]]


def test_a_default_keeps_its_own_number_where_that_is_the_resource():
    stump = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0)
    own = {"initial_params": "default", "resource": "max_leaf_nodes", "max_resources": 40}
    fitted = search(estimator=stump, min_resources=4, **own).fit(X, y)
    row = np.flatnonzero(fitted.cv_results_["origin"] == "default")
    assert fitted.cv_results_["n_resources"][row].tolist() == [2]
    assert fitted.best_params_["max_leaf_nodes"] == fitted.n_resources_[-1]
    expected = theirs.cross_val_score(stump, X, y, cv=3).mean()
    assert fitted.baseline_score_ == pytest.approx(expected)


def test_test_rows_are_not_seen():
    fitted = search(test_size=0.25).fit(X, y)
    assert fitted.max_resources_ == len(X) - len(fitted.test_indices_) == 225
    assert fitted.optimism_ == fitted.best_score_ - fitted.test_score_


# -- close calls -----------------------------------------------------------------------------


def by_depth(estimator, X, y):
    return {1: 0.5, 2: 0.5}.get(estimator.max_depth, 0.1)


def test_a_close_call_is_told_and_warned_of():
    close = {"space": {"max_depth": [1, 2, 3]}, "scoring": by_depth, "factor": 2}
    with pytest.warns(UserWarning, match=r"row \d of cv_results_.*within noise.*RepeatedKFold"):
        fitted = search("HalvingGridSearchCV", **close).fit(X, y)
    assert fitted.within_noise_
    assert fitted.margin_ == (0.0, 0.0)


def test_a_clear_win_is_no_close_call():
    clear = {"space": {"max_depth": [1, 3, 4]}, "scoring": by_depth, "factor": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = search("HalvingGridSearchCV", **clear).fit(X, y)
    assert fitted.within_noise_ is False
    assert fitted.margin_ == pytest.approx((0.4, 0.0))


@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning", "ignore:R.2 score is not")
def test_a_rung_without_any_score_says_what_to_change():
    rows = np.random.default_rng(0).normal(size=(103, 3))
    options = {"estimator": DecisionTreeRegressor(random_state=0), "cv": 5}
    space = {"max_depth": [1, 2, 3, 4, 5, 6]}
    with pytest.warns(UserWarning, match=r"on rung 0: n_samples=10 leaves 1 .* min_res.* to 20"):
        search(space=space, n_candidates=6, **options).fit(rows, rows[:, 0])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "No candidate has a score")
        search(space=space, n_candidates=6, min_resources=20, **options).fit(rows, rows[:, 0])


def test_workers_that_must_idle_are_told_of(capsys):
    space = {"max_depth": [1, 2]}
    search("HalvingGridSearchCV", space=space, verbose=1, n_jobs=1).fit(X, y)
    assert "n_jobs" not in capsys.readouterr().out
    with parallel_config("threading"):
        search("HalvingGridSearchCV", space=space, verbose=1, n_jobs=8).fit(X, y)
        assert "8 workers, of which 6 can be busy at most: 2 candidates x 3" in (
            capsys.readouterr().out
        )
        few = {"max_resources": 20, "resource": "n_samples", "cv": 2, "random_state": 0}
        few |= {"n_jobs": 8, "verbose": 1, "min_resources": 10}
        ours.HyperbandSearchCV(TREE, {"max_depth": [1, 2, 3, 4]}, n_points=3, **few).fit(X, y)
        assert "8 workers, of which" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["HalvingRandomSearchCV", "HyperbandSearchCV"])
def test_two_numbers_in_a_tuple_are_two_values(name):
    options = {"resource": "n_samples", "random_state": 0, "cv": 2}
    space = {"max_depth": (2, 20), "ccp_alpha": (0.0, 0.1, "uniform")}
    table = getattr(ours, name)(TREE, space, **options).fit(X, y).cv_results_
    assert set(table["param_max_depth"]) == {2, 20}
    assert len(set(table["param_ccp_alpha"])) > 2


# -- further than scikit-learn ---------------------------------------------------------------


def rare(n=400, positives=8):
    rows = np.random.default_rng(0).normal(size=(n, 4))
    labels = np.zeros(n, dtype=int)
    labels[np.argsort(rows[:, 0])[-positives:]] = 1
    return rows, labels


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "accuracy"])
def test_eight_positives_in_four_hundred_rows(scoring):
    space = {"C": loguniform(1e-3, 1e3)}
    options = {"estimator": LogisticRegression(), "space": space, "cv": 5, "scoring": scoring}
    fitted = search(**options).fit(*rare())
    assert fitted.stratified_
    assert np.isfinite(fitted.cv_results_["mean_test_score"]).all()
    assert fitted.n_resources_[0] == 20


def test_whole_groups_where_there_are_groups():
    rows, labels = rare(positives=60)
    groups = np.argsort(np.argsort(rows[:, 0])) // 10  # the positives are six whole groups
    fitted = search(
        estimator=LogisticRegression(),
        space={"C": [0.1, 1, 10, 100]},
        n_candidates=4,
        cv=GroupKFold(3),
        scoring="roc_auc",
    )
    fitted.fit(rows, labels, groups=groups)
    assert fitted.stratified_
    assert np.isfinite(fitted.cv_results_["mean_test_score"]).all()


def test_several_metrics():
    fitted = search(scoring=["accuracy", "f1"], refit="f1").fit(X, y)
    table = fitted.cv_results_
    last = table["iter"] == table["iter"].max()
    assert fitted.best_score_ == table["mean_test_f1"][last].max()
    for rung in range(table["iter"].max()):
        here = table["iter"] == rung
        kept = [p for p, up in zip(table["params"], table["iter"] == rung + 1) if up]
        f1 = {str(p): s for p, s, on in zip(table["params"], table["mean_test_f1"], here) if on}
        assert min(f1[str(p)] for p in kept) >= sorted(f1.values())[-len(kept)]


def test_a_callable_refit_chooses_on_the_last_rung():
    def worst(results):
        assert set(results["iter"]) == {last}
        return int(np.argmin(results["mean_test_score"]))

    last = search().fit(X, y).n_iterations_ - 1
    fitted = search(refit=worst).fit(X, y)
    on_last = fitted.cv_results_["iter"] == last
    assert fitted.best_score_ == fitted.cv_results_["mean_test_score"][on_last].min()


def test_folds_as_the_resource():
    fitted = search(resource="n_folds", cv=5).fit(X, y)
    assert fitted.n_resources_ == [1, 5]
    assert fitted.n_candidates_ == [9, 3]
    assert fitted.n_fits_ == 9 * 1 + 3 * 4
    params = [{n: [v] for n, v in p.items()} for p in fitted.cv_results_["params"][9:]]
    reference = theirs.GridSearchCV(TREE, params, cv=5).fit(X, y)
    np.testing.assert_array_equal(
        fitted.cv_results_["mean_test_score"][9:], reference.cv_results_["mean_test_score"]
    )
    assert fitted.best_score_ == reference.best_score_


@both
def test_a_curated_space_without_the_resource(name):
    booster = pytest.importorskip("lightgbm").LGBMClassifier(
        n_estimators=6, verbose=-1, random_state=0, n_jobs=1
    )
    kwargs = {"n_candidates": 4} if "Random" in name else {"factor": 9}
    fitted = getattr(ours, name)(booster, cv=2, resource="auto", random_state=0, **kwargs)
    fitted.fit(X[:120], y[:120])
    assert "n_estimators" not in fitted.space_
    assert fitted.best_params_["n_estimators"] == fitted.best_estimator_.n_estimators_
    assert fitted.best_params_["n_estimators"] in fitted.n_resources_
    assert fitted.n_resources_[-1] == 6


LEARN_BY_HEART = {
    "network": MLPClassifier((60,), max_iter=60, random_state=0),
    "booster": HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0),
}


@both
@pytest.mark.parametrize("kind", LEARN_BY_HEART)
def test_who_has_become_worse_may_win_with_what_it_had_below(name, kind):
    """Labels that are wrong as often as not are learned by heart in the end."""
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    model, rate = LEARN_BY_HEART[kind], f"learning_rate{'_init' if kind == 'network' else ''}"
    space = {rate: [0.02, 0.05, 0.1]}
    kwargs = {"n_candidates": 3} if "Random" in name else {}
    options = {"resource": "auto", "scoring": "neg_log_loss", "cv": 2, **kwargs}
    fitted = getattr(ours, name)(model, space, random_state=0, **options).fit(X, noise)
    first, last = fitted.n_resources_[0], fitted.n_resources_[-1]
    assert last == 60
    n_epochs = fitted.best_params_["max_iter"]
    assert n_epochs == fitted.best_estimator_.n_iter_ < last
    results, best = fitted.cv_results_, fitted.best_index_
    assert results["iter"][best] == results["iter"].max()
    assert results["n_resources"][best] == n_epochs >= first
    assert results["rank_test_score"][best] == 1
    assert np.bincount(results["iter"]).tolist() == fitted.n_candidates_
    (below,) = (i for i in range(best) if results["params"][i] == fitted.best_params_)
    assert results["iter"][below] < results["iter"][best]
    for fold in range(2):
        column = results[f"split{fold}_test_score"]
        assert column[below] == column[best]
    assert fitted.best_score_ == results["mean_test_score"].max()


@both
def test_networks_do_not_stop_by_themselves_where_epochs_are_the_resource(name):
    rows, labels = np.vstack([X, X]), np.hstack([y, y])  # enough to set some aside
    model = MLPClassifier(max_iter=4, random_state=0)
    kwargs = {"n_candidates": 3} if "Random" in name else {"factor": 9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = getattr(ours, name)(model, resource="auto", cv=2, random_state=0, **kwargs)
        fitted.fit(rows, labels)
        by_folds = getattr(ours, name)(model, resource="n_folds", cv=2, random_state=0, **kwargs)
        by_folds.fit(rows, labels)
    assert not {"max_iter", "early_stopping", "n_iter_no_change"} & set(fitted.space_)
    assert by_folds.space_["early_stopping"] == [True]


def test_the_first_rungs_of_networks_are_short():
    model = MLPClassifier((4,), max_iter=54, random_state=0)
    space = {"alpha": loguniform(1e-6, 1)}
    for least, planned in [("smallest", [3, 9, 54]), (6, [6, 18, 54])]:
        options = {"resource": "auto", "n_candidates": 9, "min_resources": least}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = search(estimator=model, space=space, **options).fit(X[:80], y[:80])
        assert fitted.n_resources_ == planned


def test_networks_without_a_refit():
    model = MLPClassifier((4,), max_iter=6, random_state=0)
    fitted = search(estimator=model, space={"alpha": [0.1, 1, 10]}, resource="auto", refit=False)
    fitted.set_params(n_candidates=3).fit(X, y)
    assert len(fitted.cv_results_["params"]) in (4, 5)


def test_a_clone_and_a_pickle():
    fitted = search().fit(X, y)
    assert clone(fitted).get_params()["factor"] == 3
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    twice = search().fit(np.vstack([X, X]), np.hstack([y, y]))
    once = search().fit(X, y)
    more = len(pickle.dumps(twice)) - len(pickle.dumps(once))
    assert more < X.nbytes / 2  # no rows are kept


def test_the_plan_is_printed(capsys):
    search(verbose=2, n_candidates=3).fit(X, y)
    told = capsys.readouterr().out
    for line in ("n_iterations: 2", "iter: 1", "n_candidates: 3", "n_resources: 12"):
        assert line in told


def test_configurations_of_ones_own_start_on_the_first_rung():
    given = [{"max_depth": 9}, {"max_depth": 4}]
    fitted = search(space={"max_depth": range(1, 8)}, n_candidates=6, initial_params=given)
    fitted.fit(X, y)
    assert fitted.n_candidates_ == [6, 2]
    first = [p["max_depth"] for p in fitted.cv_results_["params"][:6]]
    assert first[:2] == [9, 4]
    assert len(set(first)) == 6  # who was given is not drawn again


def test_conditions_and_budgets_of_their_own():
    cheap = ({"max_depth": [1, 2, 3, 4]}, 2)
    conditional = {
        "splitter": ["best", "random"],
        "more": ours.When("splitter", "random", {"max_features": (1, 8, "uniform")}),
    }
    fitted = search(space=[cheap, conditional], n_candidates=4).fit(X, y)
    assert fitted.n_candidates_[0] == 6
    table = fitted.cv_results_
    of_random = [p.get("splitter") == "random" for p in table["params"]]
    assert (~table["param_max_features"].mask).tolist() == of_random


def checked():
    short = {"cv": 2, "error_score": "raise", "random_state": 0}
    ridge, logistic = Ridge(), LogisticRegression()
    drawn = {"C": (0.1, 1.0, "log-uniform")}
    return [
        ours.HalvingGridSearchCV(ridge, {"alpha": [0.1, 1.0]}, **short),
        ours.HalvingRandomSearchCV(logistic, drawn, n_candidates=2, **short),
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("always")
@parametrize_with_checks(checked())
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


# -- bad input ---------------------------------------------------------------------------------

BAD = {
    "no such parameter": (
        {"resource": "n_trees"},
        r"resource=n_trees .*'n_folds', 'auto'.*'min_samples_leaf'",
    ),
    "too many rows": ({"max_resources": 301}, r"max_resources=301 is more than .* 300 rows"),
    "too many folds": ({"resource": "n_folds", "max_resources": 4}, r"has 3 folds"),
    "folds left out": ({"resource": "n_folds", "max_resources": 2}, r"must have run on all 3"),
    "no most": ({"resource": "max_depth"}, r"max_resources=100"),
    "searched too": ({"resource": "max_depth", "max_resources": 9}, r"Take it out of the search"),
    "least above most": ({"min_resources": 50, "max_resources": 40}, r"is greater than max_resou"),
    "factor": ({"factor": 1}, r"factor"),
    "folds that change": ({"cv": KFold(3, shuffle=True)}, r"random_state to an int"),
    "few rows": ({"min_resources": 2, "n_candidates": 3}, r"too few to have"),
    "both exhaust": (
        {"min_resources": "exhaust", "n_candidates": "exhaust"},
        r"min_resources='smallest'",
    ),
}


@pytest.mark.parametrize("case", list(BAD))
def test_errors_name_the_alternatives(case):
    options, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        search(**options).fit(X, y)


def test_too_few_rows_for_the_classes():
    rows, labels = load_iris(return_X_y=True)
    options = {"min_resources": 4, "n_candidates": 3, "cv": StratifiedKFold(3)}
    with pytest.raises(ValueError, match=r"the 3 classes. Use min_resources='smallest', or \d+"):
        search(**options).fit(rows, labels)


def test_every_trial_of_a_rung_is_known_as_such():
    fitted = search().fit(X, y)
    statuses = {t.rung.is_last: set() for t in fitted._ledger.trials}
    for trial in fitted._ledger.trials:
        statuses[trial.rung.is_last].add(trial.status)
    assert statuses == {False: {Status.PARTIAL}, True: {Status.COMPLETE}}


def test_a_generator_of_splits_is_asked_once():
    X, y = load_iris(return_X_y=True)
    folds = StratifiedKFold(3)
    found = [
        ours.HalvingGridSearchCV(
            DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=cv, random_state=0
        )
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for cv in (folds, folds.split(X, y))
    ]
    np.testing.assert_array_equal(*found)


def test_without_a_runner_up_there_is_no_margin():
    X, y = load_iris(return_X_y=True)
    grid = {"max_depth": list(range(1, 10))}
    search = ours.HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), grid, cv=3, min_resources=16
    )
    search.fit(X, y)
    assert search.n_candidates_[-1] == 1
    assert search.margin_ is search.within_noise_ is None


def test_a_step_that_is_searched_has_no_rounds_to_spend():
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_jobs=1, verbose=-1, n_estimators=9)
    pipeline = make_pipeline(StandardScaler(), "passthrough").set_params(passthrough=booster)
    space = {"passthrough": [LogisticRegression(max_iter=1000), booster]}
    X, y = load_iris(return_X_y=True)
    options = {"cv": 3, "n_candidates": 2, "min_resources": 60, "random_state": 0}
    search = ours.HalvingRandomSearchCV(pipeline, space, resource="auto", **options).fit(X, y)
    assert search.resource_ == "n_samples"
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    named = ours.HalvingRandomSearchCV(pipeline, space, resource="passthrough__n_estimators")
    with pytest.raises(ValueError, match="parameter of the step 'passthrough', which the search"):
        named.fit(X, y)


def test_rounds_by_another_name_are_searched_too():
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_jobs=1, verbose=-1)
    space = {"num_iterations": [5, 50], "num_leaves": [3, 5]}
    search = ours.HalvingGridSearchCV(booster, space, resource="auto", cv=3)
    with pytest.raises(ValueError, match="part of the searched parameters, by its other name num_"):
        search.fit(*load_iris(return_X_y=True))

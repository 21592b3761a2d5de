"""compare: the same conditions for all, and nothing of the held-out rows before the end."""

import math
import pickle
import re

import numpy as np
import pytest
import scipy.stats
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV as TheirGridSearchCV
from sklearn.model_selection import ParameterGrid, StratifiedKFold, TimeSeriesSplit
from sklearn.model_selection import RandomizedSearchCV as TheirRandomizedSearchCV
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import skhpt
from skhpt import (
    BayesSearchCV,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    HyperbandSearchCV,
    PBTSearchCV,
    RandomizedSearchCV,
    compare,
)
from skhpt.comparison import Comparison
from skhpt.comparison.budgets import Budget, allowance
from skhpt.comparison.contestants import contestants_of
from skhpt.comparison.grids import grid_within, spread
from skhpt.comparison.history import Tried, history_of, incumbents, n_configurations, n_tried
from skhpt.comparison.plans import Ground
from skhpt.comparison.result import Point, Run
from skhpt.comparison.statistics import compare_pairs
from skhpt.comparison.text import brief
from skhpt.rows import Rows
from skhpt.schedule import Training
from skhpt.space import When, dialects
from skhpt.t_test import corrected_t_test

X, y = make_classification(120, 5, random_state=0)
X[:, 0] = np.arange(120)  # names the row
TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": [1, 2, 3, 4, 5, 6, 7, 8]}


class SpySearch(BaseEstimator):
    """Fits its estimator as given, and remembers what it was given in every fit."""

    seen: list = []

    def __init__(
        self, estimator, cv=None, random_state=None, scoring=None, fails_in=(), error=None
    ):
        self.estimator = estimator
        self.cv = cv
        self.random_state = random_state
        self.scoring = scoring
        self.fails_in = fails_in
        self.error = error

    def fit(self, X, y):
        number = len(SpySearch.seen)
        SpySearch.seen.append((X[:, 0].tolist(), self.cv, self.random_state))
        if number in self.fails_in:
            raise self.error
        self.best_estimator_ = clone(self.estimator).fit(X, y)
        self.best_params_ = {}
        self.n_splits_ = len(self.cv)
        self.cv_results_ = {
            "params": [{}],
            "mean_fit_time": np.ones(1),
            "mean_score_time": np.zeros(1),
            "mean_test_score": np.zeros(1),
        }
        return self


@pytest.fixture(autouse=True)
def _forget():
    SpySearch.seen = []


def trees(**options):
    searches = {
        "random": RandomizedSearchCV(TREE, DEPTHS),
        "theirs": TheirRandomizedSearchCV(TREE, DEPTHS),
    }
    settings = {"n_repeats": 2, "cv": 3, "budget": {"trials": 4}, "random_state": 0}
    return compare(searches, X, y, **{**settings, **options})


@pytest.fixture(scope="module")
def done():
    return trees(n_repeats=3)


# -- the same conditions ------------------------------------------------------------------------


def test_all_searches_get_the_same_rows_folds_and_seed():
    compare({"a": SpySearch(TREE), "b": SpySearch(TREE)}, X, y, n_repeats=3, random_state=0)
    firsts, seconds = SpySearch.seen[::2], SpySearch.seen[1::2]
    for (rows, folds, seed), (other_rows, other_folds, other_seed) in zip(firsts, seconds):
        assert rows == other_rows
        assert seed == other_seed
        for fold, other in zip(folds, other_folds, strict=True):
            np.testing.assert_array_equal(fold[0], other[0])
            np.testing.assert_array_equal(fold[1], other[1])
    assert len({tuple(rows) for rows, _, _ in firsts}) == 3


def test_held_out_rows_are_never_given_to_a_search():
    compare({"a": SpySearch(TREE)}, X, y, n_repeats=2, test_size=30, random_state=0)
    for rows, folds, _ in SpySearch.seen:
        assert len(rows) == 90
        for train, test in folds:
            assert sorted([*train, *test]) == list(range(90))


def test_the_searches_are_cloned_and_never_fitted():
    search = RandomizedSearchCV(TREE, DEPTHS, n_iter=7, cv=4)
    before = search.get_params()
    compare({"a": search}, X, y, n_repeats=1, budget={"trials": 2}, random_state=0)
    assert search.get_params() == before
    assert not hasattr(search, "cv_results_")


def test_groups_are_not_torn_apart():
    groups = np.arange(120) // 6
    compare({"a": SpySearch(TREE)}, X, y, n_repeats=2, groups=groups, cv=3, random_state=0)
    for rows, folds, _ in SpySearch.seen:
        kept = groups[np.array(rows, dtype=int)]
        assert all((np.bincount(kept, minlength=20) % 6) == 0)
        for train, test in folds:
            assert not set(kept[train]) & set(kept[test])


def test_the_same_seed_gives_the_same_result(done):
    again = trees(n_repeats=3)
    for one, other in zip(done.runs, again.runs):
        assert (one.cv_score, one.test_score, one.best_params) == (
            other.cv_score, other.test_score, other.best_params,
        )  # fmt: skip
    assert [p.test_score for p in done.runs[0].curve] == [p.test_score for p in again.runs[0].curve]


def test_ours_and_theirs_tie_on_the_same_draws(done):
    ours, theirs = done.of("random"), done.of("theirs")
    assert [run.test_score for run in ours] == [run.test_score for run in theirs]
    (test,) = done.tests
    assert test.difference == 0
    assert "reach the same" in str(test)


def test_searches_in_time_share_their_last_rows_and_have_no_test():
    comparison = trees(cv=TimeSeriesSplit(3))
    assert comparison.same_rows
    assert math.isnan(comparison.tests[0].p_value)
    assert any("ordered in time" in note for note in comparison.notes)


# -- what comes back ----------------------------------------------------------------------------


def test_the_frame_is_tidy(done):
    table = done.to_frame()
    assert list(table.columns[:10]) == [
        "search", "repeat", "trials", "fits", "cpu", "wall", "cv_score", "test_score",
        "default_test_score", "gain",
    ]  # fmt: skip
    assert len(table) == 6
    assert sorted(set(table["repeat"])) == [1, 2, 3]  # as they are counted in print
    assert (table["trials"] == 4).all()
    assert (table["fits"] == 12).all()
    np.testing.assert_allclose(table["gain"], table["test_score"] - table["default_test_score"])
    assert done.to_frame("tests").shape[0] == 1
    assert set(done.to_frame("curves")["search"]) == {"random", "theirs"}
    with pytest.raises(ValueError, match="kind must be one of 'runs', 'curves', 'tests'; got 'x'"):
        done.to_frame("x")


def test_curves_rise_in_the_cross_validated_score_and_end_at_the_winner(done):
    for run in done.runs:
        cv_scores = [point.cv_score for point in run.curve]
        assert cv_scores == sorted(set(cv_scores))
        assert run.curve[-1].test_score == run.test_score
        assert run.curve[-1].cv_score == run.cv_score
        assert [p.fits for p in run.curve] == [3 * p.trials for p in run.curve]
        assert 0 < run.curve[-1].cpu <= run.cpu * 1.0001


def test_without_curves_nothing_is_refitted():
    comparison = trees(curves=False)
    assert all(run.curve == () for run in comparison.runs)
    with pytest.raises(ValueError, match="no curves to draw.*curves=False"):
        comparison.plot()


def test_a_search_that_fails_in_one_repeat_is_a_row():
    spy = SpySearch(TREE, fails_in=(1,), error=RuntimeError("out of luck"))
    comparison = compare({"a": spy}, X, y, n_repeats=3, random_state=0)
    assert [run.error for run in comparison.runs] == [None, "RuntimeError: out of luck", None]
    assert math.isnan(comparison.runs[1].test_score)
    assert comparison.summary()[0]["n"] == 2
    assert "a failed in repeat 2: RuntimeError: out of luck" in str(comparison)


def test_a_search_that_always_fails_leaves_the_others():
    bad = RandomizedSearchCV(TREE, {"no_such": [1, 2]})
    comparison = compare(
        {"good": RandomizedSearchCV(TREE, DEPTHS), "bad": bad}, X, y,
        n_repeats=2, budget={"trials": 2}, cv=2, random_state=0,
    )  # fmt: skip
    assert [row["search"] for row in comparison.summary()] == ["good", "bad"]
    assert comparison.tests[0].n_repeats == 0
    assert "bad failed in repeat 1, 2: " in str(comparison)
    assert "bad" in comparison._repr_html_()


def test_an_interrupt_returns_what_there_is():
    spy = SpySearch(TREE, fails_in=(3,), error=KeyboardInterrupt())
    comparison = compare({"a": spy, "b": SpySearch(TREE)}, X, y, n_repeats=5, random_state=0)
    assert len(comparison.runs) == 3
    assert comparison.notes == ["Interrupted: 3 of 10 runs had ended."]


def test_an_interrupt_before_any_result_is_raised():
    spy = SpySearch(TREE, fails_in=(0,), error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        compare({"a": spy}, X, y, random_state=0)


def test_a_search_that_took_the_interrupt_itself_is_left_out():
    class Interrupted(SpySearch):
        def fit(self, X, y):
            super().fit(X, y)
            self.stop_reason_ = "interrupted" if len(SpySearch.seen) == 2 else "n_iter reached"
            return self

    comparison = compare({"a": Interrupted(TREE)}, X, y, n_repeats=4, random_state=0)
    assert len(comparison.runs) == 1


def test_progress_is_a_line_a_run_on_the_error_output(capsys):
    trees(verbose=1, n_repeats=1)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2
    assert re.match(r"\[1/2\] repeat 1 of 1, random: held out .* 4 trials, 12 fits, ", lines[0])
    assert "s to go" in lines[0]


def test_a_comparison_can_be_pickled(done):
    again = pickle.loads(pickle.dumps(done))
    assert str(again) == str(done)


def test_the_default_is_fitted_on_the_same_rows(done):
    by_repeat = {}
    for run in done.runs:
        by_repeat.setdefault(run.repeat, set()).add(run.default_test_score)
    assert all(len(scores) == 1 for scores in by_repeat.values())


# -- budgets ------------------------------------------------------------------------------------


GROUND = Ground(Rows(X, y, {}, {}, {}), list(StratifiedKFold(5).split(X, y)))


def told(search, word=None, **budget):
    return allowance(search, word, Budget.read(budget or None), GROUND)


@pytest.mark.parametrize(
    ("search", "budget", "params"),
    [
        (RandomizedSearchCV(TREE), {"trials": 40}, {"n_iter": 40}),
        (RandomizedSearchCV(TREE), {"fits": 203}, {"n_iter": 40}),
        (RandomizedSearchCV(TREE), {"seconds": 1.5}, {"time_budget": 1.5, "n_iter": 10_000}),
        (TheirRandomizedSearchCV(TREE, {}), {"fits": 3}, {"n_iter": 1}),
        (BayesSearchCV(TREE, racing=False), {"fits": 200}, {"n_iter": 40}),
    ],
)
def test_budgets_in_the_words_of_a_search(search, budget, params):
    allowed = told(search, **budget)
    assert allowed.params == params
    assert allowed.note is None


def test_a_budget_that_cannot_be_given_is_said():
    allowed = told(TheirRandomizedSearchCV(TREE, DEPTHS), seconds=3)
    assert allowed.params == {}
    assert "a budget in seconds cannot be given to sklearn's" in allowed.note


def test_what_cannot_be_given_is_warned_of_and_noted():
    own = BayesSearchCV(TREE, [(DEPTHS, 4), (DEPTHS, 5)])
    searches = {"own": own, "b": RandomizedSearchCV(TREE, DEPTHS)}
    with pytest.warns(UserWarning, match="own: a budget in trials cannot be given"):
        comparison = compare(
            searches, X, y, n_repeats=1, cv=2, budget={"trials": 2}, random_state=0
        )
    assert [(r.search, r.trials) for r in comparison.runs] == [("own", 9), ("b", 2)]
    assert comparison.notes[0] in str(comparison)
    assert comparison.unheld == ["own"]
    assert "2 trials each but for own;" in str(comparison)


@pytest.mark.parametrize("kind", [GridSearchCV, TheirGridSearchCV, HalvingGridSearchCV])
def test_a_grid_that_is_too_large_is_thinned_out_evenly(kind):
    with pytest.warns(UserWarning, match="has 8 configurations, more than.*subset of 3 is tried"):
        comparison = compare(
            {"grid": kind(TREE, DEPTHS)}, X, y, n_repeats=1, cv=2, budget={"trials": 3},
            random_state=0,
        )  # fmt: skip
    assert [(run.trials, run.error) for run in comparison.runs] == [(3, None)]
    assert comparison.unheld == []
    assert "even subset of 3" in comparison.notes[0]


def test_a_grid_that_is_small_enough_stays_as_it_is():
    for search in (GridSearchCV(TREE, DEPTHS), TheirGridSearchCV(TREE, DEPTHS)):
        assert told(search, trials=8).params == told(search, fits=44).params == {}
        assert told(search, trials=8).note is None
        assert len(told(search, fits=39).params["param_grid"]) == 7


def test_first_configurations_of_a_grid_count():
    search = GridSearchCV(TREE, DEPTHS, initial_params=[{"max_depth": 3}, "default"])
    assert len(told(search, trials=6).params["param_grid"]) == 4


@pytest.mark.parametrize("shape", [(8,), (3, 3, 3), (10, 10), (4, 5)])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
def test_an_even_subset_has_the_ends_and_no_value_of_the_last_parameter_alone(shape, n):
    points = list(ParameterGrid({str(i): list(range(size)) for i, size in enumerate(shape)}))
    chosen = list(ParameterGrid(spread(points, n)))
    at = [points.index(point) for point in chosen]
    assert len(set(at)) == n
    if n > 1:
        assert (at[0], at[-1]) == (0, len(points) - 1)
        assert np.ptp(np.diff(at)) <= 1
        assert len({point[str(len(shape) - 1)] for point in chosen}) > 1


def test_a_grid_and_a_random_search_of_a_word_leave_the_rounds_to_early_stopping():
    model = HistGradientBoostingClassifier()
    params = told(GridSearchCV(model), "grid", trials=4).params
    assert params["early_stopping"] == "auto"
    assert "max_iter" not in params["param_grid"]
    plain = told(GridSearchCV(model, early_stopping=False), "grid", trials=4).params
    assert "max_iter" in plain["param_grid"]
    assert "early_stopping" not in plain


@pytest.mark.parametrize("cls", [BayesSearchCV, RandomizedSearchCV])
def test_all_trials_are_for_the_alternatives_of_a_list(cls):
    pieces = [{"max_depth": list(range(1, 30))}, {"min_samples_leaf": list(range(1, 30))}]
    params = told(cls(TREE, pieces), trials=7).params
    assert params == {"n_iter": 7}
    search = cls(TREE, pieces, cv=2, random_state=0, **params).fit(X, y)
    assert len(search.cv_results_["params"]) == 7


@pytest.mark.parametrize("cls", [BayesSearchCV, RandomizedSearchCV])
def test_spaces_with_numbers_of_their_own_cannot_be_held_to_another(cls):
    own = told(cls(TREE, [(DEPTHS, 4), (DEPTHS, 5)]), trials=7)
    assert own.is_unheld
    assert own.params == {}


@pytest.mark.filterwarnings("ignore:a.*even subset")
@pytest.mark.parametrize("cls", [HalvingRandomSearchCV, HalvingGridSearchCV])
def test_a_baseline_that_comes_to_the_last_rung_is_one_of_the_trials(cls):
    search = cls(TREE, {"max_depth": list(range(2, 20))}, initial_params="default")
    options = {"n_repeats": 1, "cv": 2, "random_state": 0, "curves": False}
    (run,) = compare({"a": search}, X, y, budget={"trials": 9}, **options).runs
    assert run.error is None
    assert 8 <= run.trials <= 9


def test_trials_are_divided_among_the_spaces_of_scikit_optimize():
    skopt = pytest.importorskip("skopt")
    pieces = [DEPTHS, {"min_samples_leaf": [1, 2, 3]}]
    assert told(skopt.BayesSearchCV(TREE, pieces), trials=7).params == {"n_iter": 3}


def test_a_search_that_races_goes_on_until_the_fits_are_made():
    searches = {
        "raced": BayesSearchCV(TREE, {"max_depth": (1, 50), "min_samples_leaf": (1, 50)}),
        "plain": RandomizedSearchCV(TREE, {"max_depth": list(range(1, 40))}),
    }
    comparison = compare(searches, X, y, n_repeats=1, cv=5, budget={"fits": 60}, random_state=0)
    raced, plain = comparison.runs
    assert plain.fits == 60
    assert 60 <= raced.fits < 65
    assert raced.trials >= 12


def test_seconds_end_a_search_of_ours():
    leaves = {"min_samples_leaf": list(range(1, 100))}
    searches = {"a": RandomizedSearchCV(TREE, leaves), "b": BayesSearchCV(TREE, leaves)}
    options = {"n_repeats": 1, "cv": 2, "random_state": 0, "curves": False}
    comparison = compare(searches, X, y, budget={"seconds": 0.3}, **options)
    for run in comparison.runs:
        assert run.error is None
        assert run.trials > 2
        assert run.wall < 3


def test_a_bayesian_search_of_a_finite_space_is_not_turned_into_a_grid():
    few = {"max_depth": [1, 2, 3, 4], "min_samples_leaf": [1, 2, 3]}
    assert told(BayesSearchCV(TREE, few), seconds=1).params["n_iter"] == 11
    assert told(BayesSearchCV(TREE, few), fits=25).params["n_iter"] == 11
    assert told(BayesSearchCV(TREE, few), fits=500).params["n_iter"] == 100
    assert told(BayesSearchCV(TREE), seconds=1).params["n_iter"] == 10_000


def test_the_words_have_thirty_trials_unless_told():
    assert told(RandomizedSearchCV(TREE), "random").params == {"n_iter": 30}
    assert told(RandomizedSearchCV(TREE)).params == {}


@pytest.mark.parametrize("n", [1, 2, 7, 30, 64, 300])
def test_the_grid_of_a_word_keeps_within_its_budget(n):
    space = {
        "a": (1e-3, 1.0, "log-uniform"),
        "b": [1, 2, 3],
        "fixed": [5],
        "c": (1, 2),
        "kind": ["x", "y"],
        "only": When("kind", "y", (0.0, 1.0)),
    }
    grid = grid_within(space, n)
    assert grid.keys() == space.keys()
    size = len(ParameterGrid(dialects.to_grid(grid)))
    assert size <= max(n, 2)  # a parameter on which others depend keeps its values
    assert len(grid["a"]) >= len(grid["c"])
    assert size > n / 3 or n >= 300


def test_words_become_searches_of_this_package():
    found = contestants_of(["grid", "random", "bayes"], TREE)
    assert [type(c.search) for c in found] == [GridSearchCV, RandomizedSearchCV, BayesSearchCV]
    comparison = compare(
        ["grid", "random", "bayes"], X, y, estimator=LogisticRegression(), n_repeats=1, cv=2,
        budget={"trials": 5}, random_state=0, scoring="neg_log_loss",
    )  # fmt: skip
    assert [run.trials for run in comparison.runs] == [5, 5, 5]
    assert not any(run.error for run in comparison.runs)


# -- the door -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("searches", "options", "error", "message"),
    [
        ({}, {}, ValueError, "searches is empty"),
        ({"a": 3}, {}, TypeError, r"searches\['a'\] must be a search object.*got 3"),
        (
            {"a": TREE},
            {},
            TypeError,
            "DecisionTreeClassifier, which has no estimator that it tunes",
        ),
        ({"a": GridSearchCV}, {}, TypeError, r"searches\['a'\] must be a search object"),
        (7, {}, TypeError, "searches must be a dict of names"),
        (["gird"], {"estimator": TREE}, ValueError, "got 'gird'. Did you mean 'grid'?"),
        (["random"], {}, ValueError, "pass estimator="),
        (
            ["random"],
            {"n_repeats": 0},
            ValueError,
            "n_repeats must be a whole number of at least 1",
        ),
        (["random"], {"budget": 60}, ValueError, "budget must be None or a dict.*got 60"),
        (["random"], {"budget": {"trials": 1.5}}, ValueError, "budget must be"),
        (["random"], {"budget": {"hours": 1}}, ValueError, "'trials', 'fits'"),
        (["random"], {"budget": {"trials": 0}}, ValueError, "budget must be"),
        (["random"], {"scoring": ["r2", "f1"]}, ValueError, "scoring must be one metric"),
        (["random"], {"scoring": "accurcy"}, ValueError, "Did you mean 'accuracy'"),
        (["random"], {"scoring": "rmse"}, ValueError, "mean 'neg_root_mean_squared_error'"),
        (["random"], {"scoring": "log-loss"}, ValueError, "Did you mean 'neg_log_loss'"),
        (["random"], {"test_size": 1.0}, ValueError, "test_size must be a share"),
    ],
)
def test_wrong_arguments(searches, options, error, message):
    if searches == ["random"] and "pass estimator" not in message:
        options = {"estimator": TREE, **options}
    with pytest.raises(error, match=message):
        compare(searches, X, y, **options)


def test_a_metric_that_cannot_score_the_default_is_told_before_any_search():
    spies = {"a": SpySearch(TREE)}
    words = np.array(["no", "yes"])[y]
    message = r"a: the estimator as given \(DecisionTreeClassifier\) .*scoring='f1'.*pos_label=1"
    with pytest.raises(ValueError, match=message):
        compare(spies, X, words, scoring="f1", random_state=0)
    with pytest.raises(ValueError, match=r"\(SVC\).*scoring='neg_log_loss'.*predict_proba"):
        compare({"a": SpySearch(SVC())}, X, y, scoring="neg_log_loss", random_state=0)
    with pytest.raises(ValueError, match="the score is nan"):
        compare(spies, X, y, scoring=lambda *_: math.nan, random_state=0)
    assert SpySearch.seen == []


def test_searches_must_agree_on_a_metric():
    searches = {
        "a": RandomizedSearchCV(TREE, DEPTHS, scoring="f1"),
        "b": RandomizedSearchCV(TREE, DEPTHS, scoring=["f1", "accuracy"], refit="f1"),
    }
    with pytest.raises(ValueError, match=r"do not choose by one and the same metric.*Pass scoring"):
        compare(searches, X, y)
    options = {"n_repeats": 1, "cv": 2, "budget": {"trials": 2}, "random_state": 0}
    comparison = compare(searches, X, y, scoring="f1", **options)
    assert not any(run.error for run in comparison.runs)
    assert comparison.metric == "f1"


def test_classifiers_and_regressors_do_not_mix():
    searches = {"a": RandomizedSearchCV(TREE), "b": RandomizedSearchCV(Ridge())}
    with pytest.raises(ValueError, match="must all tune classifiers, or none"):
        compare(searches, X, y)


def test_a_word_whose_class_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(skhpt.comparison.contestants.WORDS, "hyperband", "NoSuchSearchCV")
    with pytest.raises(ValueError, match="'hyperband' stands for skhpt.NoSuchSearchCV"):
        compare(["hyperband"], X, y, estimator=TREE)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("budget", [{"trials": 8}, {"trials": 30}, {"fits": 30}, {"fits": 90}])
def test_hyperband_is_given_the_plan_that_the_budget_has_room_for(budget, n_jobs):
    found = compare(
        ["hyperband"], X, y, estimator=TREE, n_repeats=1, cv=2, budget=budget, curves=False,
        random_state=0, n_jobs=n_jobs,
    )  # fmt: skip
    (run,) = found.runs
    ((unit, amount),) = budget.items()
    assert run.error is None
    assert 0.6 * amount <= getattr(run, unit) <= amount
    assert found.unheld == []


def test_hyperband_that_was_set_up_otherwise_is_told_of():
    with pytest.warns(UserWarning, match="h: HyperbandSearchCV is given factor=.*of 8 trials"):
        found = compare(
            {"h": HyperbandSearchCV(TREE)}, X, y, n_repeats=1, cv=2, budget={"trials": 8},
            curves=False, random_state=0,
        )  # fmt: skip
    assert found.runs[0].trials == 8
    own = HyperbandSearchCV(TREE)
    n = own.set_params(cv=GROUND.folds).metadata(X, y)["n_candidates"]
    assert told(own, trials=n).params == {}


def test_hyperband_with_seconds_keeps_its_plan():
    options = {"n_repeats": 1, "cv": 2, "curves": False, "random_state": 0}
    timed = compare(["hyperband"], X, y, estimator=TREE, budget={"seconds": 60}, **options)
    free = compare({"h": HyperbandSearchCV(TREE)}, X, y, **options)
    assert timed.notes == []
    assert timed.runs[0].test_score == free.runs[0].test_score


@pytest.mark.parametrize("n_fits", [9, 20, 47, 90])
@pytest.mark.parametrize(
    "options",
    [{}, {"resource": "n_folds"}, {"initial_params": "default"}, {"min_resources": "exhaust"}],
)
def test_halving_keeps_within_its_fits(n_fits, options):
    halving = HalvingRandomSearchCV(TREE, {"min_samples_leaf": list(range(1, 50))}, **options)
    found = compare(
        {"h": halving}, X, y, n_repeats=1, cv=3, budget={"fits": n_fits}, curves=False,
        random_state=0,
    )  # fmt: skip
    (run,) = found.runs
    assert run.error is None
    assert n_fits - 9 <= run.fits <= n_fits
    assert found.notes == []


def test_a_population_has_as_many_members_as_trials_and_curves_along_its_schedules(
    monkeypatch,
):
    followed, follow = [], Training.follow
    monkeypatch.setattr(Training, "follow", lambda self, s: followed.append(s) or follow(self, s))
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.1, random_state=0)
    space = {"eta0": (1e-4, 1.0, "log-uniform"), "alpha": (1e-6, 1e-1, "log-uniform")}
    search = PBTSearchCV(model, space, interval=2, max_rounds=6)
    found = compare({"p": search}, X, y, n_repeats=1, cv=3, budget={"trials": 4}, random_state=0)
    (run,) = found.runs
    assert (run.trials, run.fits, run.error) == (4, 12, None)
    assert [(point.trials, point.fits) for point in run.curve] == [(4, 4), (4, 8), (4, 12)]
    assert run.curve[-1].test_score == run.test_score
    # beside the winner, the best of the first two generations, each as far as it had come
    assert [schedule[-1].n_rounds for schedule in followed[-2:]] == [2, 4]


@pytest.mark.parametrize(("problem", "name"), [(X[:, 0], "r2"), (y, "accuracy")])
def test_the_estimators_own_metric_has_the_name_of_its_scorer(problem, name):
    estimator = Ridge() if name == "r2" else TREE
    space = {"alpha": [1.0]} if name == "r2" else {"max_depth": [1]}
    found = compare(
        {"a": GridSearchCV(estimator, space)}, X, problem, n_repeats=1, cv=2, curves=False
    )
    assert found.metric == name


# -- the test -----------------------------------------------------------------------------------


def test_the_corrected_test_is_the_formula_of_nadeau_and_bengio():
    differences, share = [0.02, 0.01, 0.03, 0.0, 0.04], 1 / 3
    _, t, p, low, high = corrected_t_test(differences, share)
    variance = np.var(differences, ddof=1)
    assert t == pytest.approx(np.mean(differences) / math.sqrt((1 / 5 + share) * variance))
    assert p == pytest.approx(2 * scipy.stats.t.sf(t, 4))
    assert (low + high) / 2 == pytest.approx(np.mean(differences))
    # without the share it is the plain test
    plain = scipy.stats.ttest_1samp(differences, 0)
    assert corrected_t_test(differences, 0.0)[1:3] == pytest.approx(tuple(plain))


@pytest.mark.parametrize(
    ("differences", "t", "p"),
    [
        ([0.1], math.nan, math.nan),
        ([0, 0], 0.0, 1.0),
        ([1, 1], math.nan, math.nan),
        ([0.93 - 0.91, 0.95 - 0.93, 0.97 - 0.95], math.nan, math.nan),  # equal up to rounding
    ],
)
def test_the_corrected_test_at_its_edges(differences, t, p):
    found = corrected_t_test(differences, 0.3)
    assert found[1:3] == pytest.approx((t, p), nan_ok=True)
    assert found.mean == pytest.approx(np.mean(differences))
    assert math.isnan(found.low) == math.isnan(found.high) == math.isnan(t)


def test_the_interval_of_another_confidence():
    differences = [0.02, 0.01, 0.03, 0.0, 0.04]
    usual, wide = corrected_t_test(differences, 0.3), corrected_t_test(differences, 0.3, 0.99)
    assert wide[:3] == usual[:3]
    assert wide.low < usual.low < usual.high < wide.high


def test_what_rounding_leaves_of_equal_scores_is_no_difference():
    scores = {"a": dict.fromkeys(range(4), 0.1 + 0.2), "b": dict.fromkeys(range(4), 0.3)}
    (test,) = compare_pairs(scores, 0.3)
    assert (test.difference, test.n_won, test.n_lost, test.p_value) == (0.0, 0, 0, 1.0)
    assert str(test) == "a and b reach the same in 4 of 4."


def test_the_test_keeps_its_level_where_splits_share_rows():
    """Two equal learners: a plain test finds a difference in far more than 5 % of all cases."""
    rng = np.random.default_rng(0)
    n_rows, n_repeats = 60, 10
    plain, corrected = 0, 0
    for _ in range(300):
        noise = rng.normal(size=n_rows)  # by which one is better than the other on a row
        means = [noise[rng.permutation(n_rows)[:20]].mean() for _ in range(n_repeats)]
        plain += corrected_t_test(means, 0.0).p_value < 0.05
        corrected += corrected_t_test(means, 20 / 40).p_value < 0.05
    assert corrected / 300 < 0.1
    assert plain > 2 * corrected


def test_p_values_are_adjusted_for_the_number_of_pairs():
    rng = np.random.default_rng(0)
    scores = {name: dict(enumerate(shift + rng.normal(0, 0.1, 6))) for name, shift in
              (("a", 0.0), ("b", 0.2), ("c", 1.0))}  # fmt: skip
    tests = sorted(compare_pairs(scores, 0.33), key=lambda test: test.p_value)
    expected, largest = [], 0.0
    for place, test in enumerate(tests):
        largest = max(largest, min(1.0, (3 - place) * test.p_value))
        expected.append(largest)
    assert [test.p_adjusted for test in tests] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
def test_the_adjusted_interval_holds_zero_where_the_pair_is_not_told_apart(seed):
    rng = np.random.default_rng(seed)
    shifts = (("a", 0.0), ("b", 0.1), ("c", 0.25), ("d", 0.6))
    scores = {name: dict(enumerate(shift + rng.normal(0, 0.1, 6))) for name, shift in shifts}
    for test in compare_pairs(scores, 0.33):
        low, high = test.interval_adjusted
        assert (low <= 0 <= high) == (not test.is_significant)
        assert low <= test.interval[0] <= test.interval[1] <= high
        assert "adjusted for 6 pairs (Holm)" in str(test)


def test_differences_that_are_equal_up_to_rounding_prove_nothing():
    scores = {"a": {0: 0.93, 1: 0.95, 2: 0.97}, "b": {0: 0.91, 1: 0.93, 2: 0.95}}
    (test,) = compare_pairs(scores, 1 / 3)
    assert not test.is_significant
    assert "each time by the same; a test needs repeats that differ: cannot tell" in str(test)


def test_two_repeats_prove_nothing():
    scores = {"a": {0: 0.9, 1: 0.9001}, "b": {0: 0.5, 1: 0.5}}
    (test,) = compare_pairs(scores, 1 / 3)
    assert test.p_value < 0.05
    assert not test.is_significant
    assert str(test).endswith("wins in 2 of 2; a test needs 3 repeats at least.")


def test_pairs_use_the_repeats_that_both_have():
    (test,) = compare_pairs({"a": {0: 1.0, 1: 2.0, 2: 9.0}, "b": {0: 0.5, 1: 1.7}}, 0.33)
    assert test.n_repeats == 2
    assert test.difference == pytest.approx(0.4)
    assert (test.n_won, test.n_lost) == (2, 0)


def test_the_words_say_who_is_ahead_and_whether_it_counts():
    clear = {
        "a": dict(enumerate([1.0, 1.1, 1.2, 1.1])),
        "b": dict(enumerate([2.0, 2.1, 2.2, 2.11])),
    }
    (test,) = compare_pairs(clear, 0.33)
    assert re.match(r"b is 1.00\d* ahead of a and wins in 4 of 4 \(.*\): a large effect", str(test))
    low, high = re.search(r"interval ([\d.]+) to ([\d.]+)", str(test)).groups()
    assert 0 < float(low) < float(high)
    close = {"a": dict(enumerate([1.0, 1.4, 0.9])), "b": dict(enumerate([1.1, 1.2, 1.0]))}
    (test,) = compare_pairs(close, 0.33)
    assert str(test).endswith("these data cannot tell them apart.")


# -- what was tried -----------------------------------------------------------------------------


def test_incumbents_prefer_more_budget_and_skip_who_cannot_win():
    history = [
        Tried({}, 0.5, 3, 1.0, resource=10),
        Tried({}, math.nan, 3, 1.0, resource=10),
        Tried({}, 0.9, 1, 1.0, can_win=False, resource=10),
        Tried({}, 0.6, 3, 1.0, resource=10),
        Tried({}, 0.4, 3, 1.0, resource=30),
        Tried({}, 0.8, 3, 1.0, resource=10),
        Tried({}, 0.4, 3, 1.0, resource=30),
    ]
    assert incumbents(history) == [0, 3, 4]


def test_configurations_that_halving_tries_again_count_once():
    history = [Tried({"a": i}, 0.0, 3, 1.0, resource=10, configuration=i) for i in range(4)]
    again = [Tried({"a": 1}, 0.0, 3, 1.0, resource=20, configuration=1)]
    assert n_configurations(history + again) == 4
    assert n_tried([*history, *again]) == [1, 2, 3, 4, 4]
    plain = [Tried({"a": 1}, 0.0, 3, 1.0) for _ in range(3)]
    assert n_tried(plain) == [1, 2, 3]


@pytest.mark.parametrize("resource", ["n_samples", "n_estimators"])
def test_rungs_of_a_configuration_are_one_trial(resource):
    forest = RandomForestClassifier(random_state=0)
    options = {"resource": resource, "n_candidates": 6, "cv": 2, "random_state": 0}
    options |= {"max_resources": 9} if resource == "n_estimators" else {}
    search = HalvingRandomSearchCV(forest, {"max_depth": list(range(1, 20))}, **options).fit(X, y)
    history = history_of(search)
    assert len(history) > 6
    assert n_configurations(history) == 6
    assert n_tried(history)[-1] == 6


def test_the_history_of_a_race_knows_who_ran_on_all_folds():
    search = BayesSearchCV(TREE, {"max_depth": (1, 30), "min_samples_leaf": (1, 60)}, n_iter=15,
                           cv=5, random_state=0).fit(X, y)  # fmt: skip
    history = history_of(search)
    assert sum(tried.n_fits for tried in history) == search.n_fits_
    assert max(t.score for t in history if t.can_win) == search.best_score_
    assert not all(tried.can_win for tried in history)


def test_a_thing_without_a_history_is_refused():
    with pytest.raises(TypeError, match="Ridge has no cv_results_.*nor trials_"):
        history_of(Ridge())


# -- searches of others -------------------------------------------------------------------------


def test_halving_of_scikit_learn_takes_part():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    halving = HalvingRandomSearchCV(TREE, DEPTHS, min_resources=20)
    comparison = compare({"h": halving}, X, y, n_repeats=1, cv=2, budget={"trials": 6},
                         random_state=0)  # fmt: skip
    (run,) = comparison.runs
    assert run.error is None
    assert run.trials == 6
    assert run.fits > 12
    assert run.curve[-1].test_score == run.test_score


def test_optuna_takes_part():
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    import warnings

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental, it says
        depth = optuna.distributions.IntDistribution(1, 20)
        search = integration.OptunaSearchCV(TREE, {"max_depth": depth})
        options = {"n_repeats": 2, "cv": 3, "random_state": 0}
        comparison = compare({"o": search}, X, y, budget={"trials": 4}, **options)
        limited = compare({"o": search}, X, y, budget={"seconds": 0.2}, **options)
    assert [(run.trials, run.fits, run.error) for run in comparison.runs] == [(4, 12, None)] * 2
    assert comparison.runs[0].curve[-1].test_score == comparison.runs[0].test_score
    assert limited.runs[0].trials > 1


def test_scikit_optimize_takes_part():
    skopt = pytest.importorskip("skopt")
    search = skopt.BayesSearchCV(TREE, {"max_depth": (1, 20)})
    comparison = compare({"s": search}, X, y, n_repeats=1, cv=2, budget={"fits": 6}, random_state=0)
    assert [(run.trials, run.fits, run.error) for run in comparison.runs] == [(3, 6, None)]


def test_seconds_end_a_search_of_scikit_optimize():
    skopt = pytest.importorskip("skopt")
    search = skopt.BayesSearchCV(TREE, {"max_depth": (1, 20), "min_samples_leaf": (1, 60)})
    comparison = compare({"s": search}, X, y, n_repeats=1, cv=2, budget={"seconds": 0.3},
                         curves=False, random_state=0)  # fmt: skip
    (run,) = comparison.runs
    assert comparison.unheld == comparison.notes == []
    assert run.error is None
    assert run.trials > 2
    assert run.wall < 5


def test_regression_with_workers():
    data, target = make_regression(80, 4, noise=5, random_state=0)
    searches = {"a": RandomizedSearchCV(Ridge(), {"alpha": [0.01, 0.1, 1, 10]})}
    options = {"n_repeats": 1, "cv": 2, "budget": {"trials": 3}, "random_state": 0}
    alone = compare(searches, data, target, **options)
    together = compare(searches, data, target, n_jobs=2, **options)
    assert alone.runs[0].test_score == together.runs[0].test_score
    assert together.runs[0].cpu > 0


# -- shown --------------------------------------------------------------------------------------


def test_the_text_ranks_by_gain(done):
    text = str(done)
    assert text.startswith("2 searches, 3 repeats, 4 trials each; accuracy, greater is better.")
    heading = r"^search +repeats +held out +gain +95 % interval +CV +trials"
    assert re.search(heading, text, re.MULTILINE)
    said = "The intervals of the gains are each for itself, not adjusted"
    assert said in text
    assert "intervals are not adjusted for the number of searches" in done._repr_html_()


def test_the_page_asks_for_nothing_from_outside(done, tmp_path):
    done.save(tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert "@import" not in page
    assert "<script" not in page


def test_what_is_wide_scrolls_in_its_own_box(done):
    page = done._repr_html_()
    for what in ("<table>", "<img "):
        assert page.count(f'<div class="scroll">{what}') == page.count(what) > 0
    assert ".scroll { overflow-x: auto" in page


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ([-0.1, -0.2, 0.0], "rows; no search beats it.\n"),
        ([0.1, 0.11, 0.09], "rows; a beats it by more than the luck of the split explains."),
        ([0.1, -0.05, 0.2], "rows; the gains of the searches could be the luck of the split."),
        ([0.1, 0.1], "rows; the gains of the searches could be the luck of the split."),
        ([0.1, 0.1001], "rows; the gains of the searches could be the luck of the split."),
        ([0.02, 0.95 - 0.93, 0.97 - 0.95], "rows; the gains of the searches could be the luck"),
    ],
)
def test_the_default_has_its_say(gains, said):
    runs = [Run("a", r, 1, 1, 1.0, 1.0, 0.5, 0.5 + gain, 0.5) for r, gain in enumerate(gains)]
    comparison = Comparison(runs, ["a"], "r2", None, 0.3)
    assert said in str(comparison)
    (row,) = comparison.summary()
    expected = corrected_t_test(gains, 0.3)[3:]
    assert (row["low"], row["high"]) == pytest.approx(expected, nan_ok=True)


def test_repeats_that_do_not_differ_prove_nothing():
    (test,) = compare_pairs({"a": {0: 0.6, 1: 0.7}, "b": {0: 0.5, 1: 0.6}}, 0.3)
    assert test.difference == pytest.approx(0.1)
    runs = [
        Run(n, r, 1, 1, 1.0, 1.0, 0.5, s, 0.5) for r in range(3) for n, s in zip("ab", (0.75, 0.5))
    ]
    said = str(Comparison(runs, ["a", "b"], "r2", None, 0.3))
    assert "each time by the same; a test needs repeats that differ: cannot tell." in said
    assert "95 % interval 0" not in said


def test_the_p_value_says_what_it_is():
    scores = {"a": {r: 0.5 + 0.01 * r for r in range(5)}, "b": dict.fromkeys(range(5), 0.2)}
    (test,) = compare_pairs(scores, 0.3)
    assert re.search(r", p (= 0\.\d+|< 0\.001)\): a large effect", str(test))  # one pair: as it is
    scores["c"] = {r: 0.4 - 0.01 * r for r in range(5)}
    for test in compare_pairs(scores, 0.3):
        assert re.search(r", p (= 0\.\d+|< 0\.001), adjusted for 3 pairs \(Holm\)\)", str(test))


def test_a_search_that_was_never_run_has_not_failed():
    runs = [Run("a", 0, 1, 1, 1.0, 1.0, 0.5, 0.6, 0.5), Run("b", 1, error="\n\nValueError: no\n")]
    said = str(Comparison(runs, ["a", "b", "c"], "r2", None, 0.3))
    assert re.search(r"^b +0 +failed$", said, re.MULTILINE)
    assert re.search(r"^c +0 +not run$", said, re.MULTILINE)
    assert "b failed in repeat 1: ValueError: no" in said
    assert "an error without a word" in brief("\n \n")


def test_one_of_a_kind_is_no_plural():
    said = str(Comparison([Run("a", 0, test_score=1.0)], ["a"], "r2", "3 trials", 0.3))
    assert said.startswith("1 search, 1 repeat, 3 trials each; r2")


def test_the_headline_says_who_was_not_held_to_the_budget():
    runs = [Run(name, 0, test_score=1.0) for name in "ab"]
    given = (runs, ["a", "b"], "r2", "3 trials", 0.3)
    assert "3 trials each but for b; r2" in str(Comparison(*given, unheld=["b"]))
    both = str(Comparison(*given, unheld=["a", "b"]))
    assert "own budgets (3 trials could not be given); r2" in both


def test_names_are_escaped_on_the_page():
    comparison = Comparison(
        [Run("<b>&", 0, 1, 1, 1.0, 1.0, 0.5, 0.5, 0.4, {"a": "<i>"})], ["<b>&"], "r2", None, 0.3
    )
    assert "<b>&" not in comparison._repr_html_()
    assert "&lt;b&gt;&amp;" in comparison._repr_html_()
    assert "<i>" not in comparison._repr_html_()


def test_the_plot_has_a_line_a_search_and_a_panel_a_cost(done):
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    axes = done.plot()
    assert [ax.get_xlabel() for ax in axes] == ["configurations tried", "fits", "CPU seconds"]
    labels = [text.get_text() for text in axes[-1].get_legend().get_texts()]
    assert labels == ["random", "theirs", "default"]
    (ax,) = done.plot("fits", y="score")
    line = ax.get_lines()[0]
    assert line.get_ydata()[-1] == pytest.approx(np.mean([r.test_score for r in done.of("random")]))
    plt.close("all")
    with pytest.raises(ValueError, match="x must be among.*got 'hours'"):
        done.plot("hours")
    with pytest.raises(ValueError, match="y must be 'gain' or 'score'; got 'z'"):
        done.plot(y="z")


def test_curves_of_one_point_can_be_drawn():
    point = Point(1, 3, 0.1, 0.5, 0.6)
    runs = [Run("a", r, 1, 3, 0.2, 0.2, 0.5, 0.6, 0.5, curve=(point,)) for r in range(2)]
    comparison = Comparison(runs, ["a"], "r2", None, 0.3)
    assert "data:image/svg+xml" in comparison._repr_html_()

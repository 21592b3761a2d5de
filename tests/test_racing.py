"""Laws of the race: what it may drop, what it may not, and that nothing depends on timing."""

import numpy as np
import pytest
from doubles import CountsUp, FailsWhen, ShufflingExecutor
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from skhpt.engine import Engine
from skhpt.executors import SerialExecutor
from skhpt.ledger import Ledger
from skhpt.racing import Racing, WillItWin, paired_spread, rule_after
from skhpt.table import cv_results
from skhpt.trial import Origin, Outcome, Start, Status, Step

digits = load_digits(return_X_y=True)
iris = load_iris(return_X_y=True)


# -- the rule ------------------------------------------------------------------------------


def test_the_rule_is_the_formula():
    rule = WillItWin("score", (0.9, 0.8, 0.9, 0.8, 0.9), spread=0.1, z=1.0)
    # one fold run, four to come: 5 d > 0.1 * sqrt(4 + 16)
    bound = 0.1 * np.sqrt(20) / 5
    assert not rule.drops([0.9 - bound + 1e-9])
    assert rule.drops([0.9 - bound - 1e-9])
    # three run, two to come: d / 3 * 5 > 0.1 * sqrt(2 + 4 / 3)
    bound = 0.1 * np.sqrt(2 + 4 / 3) * 3 / 5
    assert not rule.drops([0.9, 0.8, 0.9 - bound + 1e-9])
    assert rule.drops([0.9, 0.8, 0.9 - bound - 1e-9])


def test_nobody_is_dropped_after_the_last_fold_nor_before_the_first():
    rule = WillItWin("score", (1.0, 1.0), spread=0.1)
    assert not rule.drops([0.0, 0.0])
    assert not rule.drops([])


def test_without_knowledge_of_the_noise_nobody_is_dropped():
    assert not WillItWin("score", (1.0, 1.0, 1.0), spread=0.0).drops([0.0])


def test_a_fold_without_a_score_ends_the_race():
    assert WillItWin("score", (1.0, 1.0, 1.0), spread=0.1).drops([np.nan])


def test_the_spread_is_that_of_near_candidates_and_not_of_fold_effects():
    rng = np.random.default_rng(0)
    effects = rng.normal(0, 5, 10)
    incumbent = effects + rng.normal(0, 0.1, 10)
    near = [effects - 0.1 + rng.normal(0, 0.1, 10) for _ in range(30)]
    hopeless = [effects - 50 + rng.normal(0, 20, 10) for _ in range(30)]
    found = paired_spread(incumbent, [*hopeless, *near])
    assert 0.1 < found < 0.35  # sqrt(2) * 0.1, and what is left of the guess


def test_a_guess_stands_in_for_what_is_not_known_yet():
    incumbent = [1.0, 2.0, 3.0]
    guess = np.std(incumbent, ddof=1) / 2
    assert paired_spread(incumbent, []) == pytest.approx(guess)
    assert paired_spread(incumbent, [[0.0, np.nan, np.nan]]) == pytest.approx(guess)
    assert paired_spread([1.0, 1.0], [[0.5, 0.5]]) == 0.0


# -- thousands of races on made scores -------------------------------------------------------


def made_scores(rng, n_trials=20, n_folds=5, noise=np.random.Generator.normal, effects=(3, 11)):
    """Candidates with a bad tail, folds that differ more than the residual, as measured."""
    quality = -(rng.exponential(1.0, n_trials) ** 1.5)
    residual = rng.uniform(0.05, 0.6)
    folds = rng.normal(0, residual * rng.uniform(*effects), n_folds)
    return quality[:, None] + folds + residual * noise(rng, size=(n_trials, n_folds))


def heavy_tails(rng, **sizes):
    return made_scores(rng, noise=lambda rng, size: rng.standard_t(2.5, size), **sizes)


def with_ties(rng, **sizes):
    scores = made_scores(rng, **sizes)
    return np.round(rng.uniform(1, 6) * scores / scores.std())


def errors_of_any_size(rng, **sizes):
    """All below zero; the larger, the more they scatter."""
    scores = made_scores(rng, **sizes)
    return -(10.0 ** rng.uniform(-3, 6)) * np.exp(-rng.uniform(0.1, 0.4) * scores)


def accuracies_on_few_rows(rng, **sizes):
    share, n_rows = 1 / (1 + np.exp(-2 - made_scores(rng, **sizes))), rng.integers(20, 300)
    return rng.binomial(n_rows, share) / n_rows


def all_alike(rng, **sizes):
    row = made_scores(rng, **{**sizes, "n_trials": 1})
    return np.repeat(row, sizes["n_trials"], axis=0)


def hardly_apart(rng, n_trials, n_folds):
    """Candidates that differ by no more than their noise."""
    folds = rng.normal(0, 5, n_folds)
    return folds + rng.normal(0, 1, (n_trials, n_folds)) - rng.exponential(0.5, (n_trials, 1))


DRAWS = {
    "usual": made_scores,
    "no fold effects": lambda rng, **sizes: made_scores(rng, effects=(0, 1), **sizes),
    "large fold effects": lambda rng, **sizes: made_scores(rng, effects=(11, 30), **sizes),
    "heavy tails": heavy_tails,
    "ties": with_ties,
    "nothing above zero": lambda rng, **sizes: np.minimum(made_scores(rng, **sizes), 0.0),
    "errors": errors_of_any_size,
    "accuracies": accuracies_on_few_rows,
    "hardly apart": hardly_apart,
    "alike": all_alike,
}


def drawn_scores(kind, n_draws=250):
    """Score matrices of one kind and many shapes; the same ones each time."""
    rng = np.random.default_rng(list(DRAWS).index(kind))
    for _ in range(n_draws):
        n_trials, n_folds = int(rng.integers(2, 17)), int(rng.integers(2, 11))
        yield DRAWS[kind](rng, n_trials=n_trials, n_folds=n_folds)


def test_who_is_ahead_early_is_not_given_up():
    rule = WillItWin("score", (0.9, 0.9), spread=0.01, early=({30: 0.5, 35: 0.6}, {}))
    assert rule.is_ahead(0, 30, 0.5)
    assert rule.is_ahead(0, 35, 0.7)
    assert not rule.is_ahead(0, 35, 0.5)
    assert not rule.is_ahead(0, 30, np.nan)
    assert not rule.is_ahead(0, 40, 0.8)  # where the incumbent was not read
    assert not rule.is_ahead(1, 30, 0.8)
    assert not rule.is_ahead(2, 30, 0.8)
    later = WillItWin("score", (0.9, 0.9), 0.01, before=(0.8,), early=({}, {30: 0.5}))
    assert later.is_ahead(0, 30, 0.8)  # its second fold
    assert not later.is_ahead(1, 30, 0.8)


def test_the_rule_knows_how_the_incumbent_began():
    ledger = Ledger(2)
    for number, score in enumerate([0.9, 0.8]):
        ledger.add({"x": number})
        for fold in (1, 0):
            early = ((30, score + fold), (35, 2.0))
            ledger.record(Outcome(number, fold, {"score": score}, 1.0, 0.0, early=early))
        ledger.close(number, Status.COMPLETE)
    assert rule_after(ledger, range(2), 1.0).early == ({30: 0.9, 35: 2.0}, {30: 1.9, 35: 2.0})


def told(scores, step: Step) -> list[Outcome]:
    """A fake evaluate: numbers instead of fits, up to where the step's rule ends it."""
    row, outcomes = scores[step.trial].tolist(), []
    for fold in step.folds:
        outcomes.append(Outcome(step.trial, fold, {"score": row[fold]}, 1.0, 0.0))
        if step.rule is not None and step.rule.drops(row[: fold + 1]):
            break
    return outcomes


def race(scores, z, look_ahead=2) -> Ledger:
    """Run candidates one after the other, as the scheduler wants them."""
    ledger, racing = Ledger(scores.shape[1]), Racing(z)
    for number in range(len(scores)):
        if number >= look_ahead:
            ledger.learn(number - look_ahead)
        ledger.add({"x": number})
        for step in racing(ledger)[0]:
            for outcome in told(scores, step):
                ledger.record(outcome)
        for index, status in racing(ledger)[1]:
            ledger.close(index, status)
    assert not list(ledger.open)
    return ledger


def winner(ledger: Ledger) -> int:
    return int(np.argmin(cv_results(ledger)["rank_test_score"]))


def is_within_noise(scores, raced: int) -> bool:
    """Whether the full search's winner is ahead by no more than a paired standard error."""
    difference = scores[int(np.argmax(scores.mean(axis=1)))] - scores[raced]
    return difference.mean() <= difference.std(ddof=1) / np.sqrt(len(difference))


@pytest.mark.parametrize("kind", DRAWS)
def test_with_a_large_z_nothing_is_dropped(kind):
    for scores in drawn_scores(kind):
        ledger = race(scores, z=1e6)
        assert len(ledger.outcomes) == scores.size
        assert {trial.status for trial in ledger.trials} == {Status.COMPLETE}


@pytest.mark.parametrize("kind", DRAWS)
def test_the_winner_is_that_of_the_full_search_or_within_its_noise(kind):
    draws = list(drawn_scores(kind))
    ledgers = [race(scores, z=1.0) for scores in draws]
    good = [is_within_noise(*pair) for pair in zip(draws, map(winner, ledgers))]
    assert np.mean(good) >= 0.95
    share = sum(ledger.n_fits for ledger in ledgers) / sum(scores.size for scores in draws)
    assert share < 0.8 or kind == "alike"  # and it was a race


@pytest.mark.parametrize("n_folds", [3, 5, 10])
def test_so_it_is_after_a_longer_race(n_folds):
    rng = np.random.default_rng(n_folds)
    n_races, n_good, n_fits = 300, 0, 0
    for _ in range(n_races):
        scores = made_scores(rng, n_folds=n_folds)
        ledger = race(scores, z=1.0)
        n_fits += ledger.n_fits
        n_good += is_within_noise(scores, winner(ledger))
    assert n_good / n_races >= 0.95
    assert n_fits / (n_races * 20 * n_folds) < 0.75


def test_without_room_for_noise_the_winner_is_lost():
    draws = list(drawn_scores("hardly apart"))
    assert (
        np.mean([is_within_noise(scores, winner(race(scores, z=0.0))) for scores in draws]) < 0.95
    )


def test_the_winner_has_all_its_folds_and_the_dropped_rank_last():
    rng = np.random.default_rng(1)
    for _ in range(200):
        ledger = race(made_scores(rng), z=0.5)
        table = cv_results(ledger, extra=["n_splits_evaluated"])
        complete = table["n_splits_evaluated"] == 5
        assert complete[winner(ledger)]
        ranks = table["rank_test_score"]
        if not complete.all():
            assert ranks[complete].max() < ranks[~complete].min()


# -- the scheduler ---------------------------------------------------------------------------


def test_the_scheduler_is_pure_and_its_rule_knows_what_was_known_when_a_trial_began():
    ledger = Ledger(3)
    for x in range(2):
        ledger.add({"x": x})
    racing = Racing()
    steps, finished = racing(ledger)
    assert racing(ledger) == (steps, finished)
    assert [step.trial for step in steps] == [0, 1]
    assert all(step.folds == (0, 1, 2) for step in steps)
    for fold in range(3):
        ledger.record(Outcome(0, fold, {"score": fold}, 1.0, 0.0))
    steps, finished = racing(ledger)
    assert finished == [(0, Status.COMPLETE)]
    ledger.close(*finished[0])
    ledger.add({"x": 2})  # nobody has told it of the first one
    ledger.learn(0)
    ledger.add({"x": 3})
    steps, _ = racing(ledger)
    assert [step.trial for step in steps] == [1, 2, 3]
    assert [step.rule for step in steps[:2]] == [None, None]
    assert steps[2].rule.incumbent == (0, 1, 2)


def test_a_rule_is_made_once_a_trial_and_never_for_another_one(monkeypatch):
    ledgers = [race(np.array([[1.0, 2.0, level]]), z=1.0) for level in (1.5, 9.0)]
    racing, made, rules = Racing(), [], []
    monkeypatch.setattr(
        "skhpt.racing.rule_after", lambda *told: made.append(told) or rule_after(*told)
    )
    for ledger in ledgers:  # in both, the second trial is the one to be asked for
        ledger.learn_all()
        ledger.add({"x": 7})
        rules += [racing(ledger)[0][0].rule for _ in range(3)]
    assert len(made) == 2
    assert [rule.incumbent[2] for rule in rules] == [1.5] * 3 + [9.0] * 3


def test_the_baseline_is_never_raced():
    ledger = race(np.array([[1.0, 2.0, 1.5]]), z=1.0)
    ledger.learn_all()
    ledger.add({"x": 7}, Origin.DEFAULT)
    ledger.add({"x": 8}, Origin.GIVEN)
    rules = [step.rule for step in Racing()(ledger)[0]]
    assert rules[0] is None
    assert rules[1] is not None


def test_what_cannot_win_is_no_incumbent():
    ledger = Ledger(2)
    for x, eligible in ((0, False), (1, True)):
        ledger.add({"x": x}, eligible=eligible)
        for fold in range(2):
            ledger.record(Outcome(x, fold, {"score": 9.0 - x + fold}, 1.0, 0.0))
        ledger.close(x, Status.COMPLETE)
    assert rule_after(ledger, range(1), 1.0) is None
    assert rule_after(ledger, range(2), 1.0).incumbent == (8.0, 9.0)


SCORES = made_scores(np.random.default_rng(5), n_trials=40)


def raced_evaluate(step: Step, params, in_time=lambda: True):
    return told(SCORES, step)


def table_of(executor, look_ahead, learns):
    engine = Engine(
        ledger=Ledger(5),
        executor=executor,
        run_step=lambda step, params: (raced_evaluate, step, params),
        scheduler=Racing(),
        look_ahead=look_ahead,
    )
    engine.run(CountsUp(learns=learns), 40, [Start(Origin.GIVEN, {"x": 0})])
    assert not list(engine.ledger.open)
    return [(t.params["x"], t.status, t.fold_scores) for t in engine.ledger.trials]


@pytest.mark.parametrize("look_ahead", [1, 2, 4])
@pytest.mark.parametrize("learns", [True, False])
def test_who_ends_first_does_not_matter(look_ahead, learns):
    expected = table_of(SerialExecutor(), look_ahead, learns)
    assert {status for _, status, _ in expected} == {Status.RACED, Status.COMPLETE}
    for n_workers in (2, 5):
        for seed in range(5):
            found = table_of(ShufflingExecutor(n_workers, seed), look_ahead, learns)
            np.testing.assert_equal(found, expected)


# -- in a search -----------------------------------------------------------------------------

GRID = {"max_depth": [12, 3, 2, 1], "min_samples_leaf": [1, 5, 50], "random_state": [0]}
TREE = DecisionTreeClassifier()


def test_a_raced_grid_finds_the_winner_with_fewer_fits():
    full = GridSearchCV(TREE, GRID).fit(*digits)
    raced = GridSearchCV(TREE, GRID, racing=True).fit(*digits)
    assert raced.best_params_ == full.best_params_
    assert raced.best_score_ == full.best_score_
    assert raced.n_fits_ < 0.8 * full.n_fits_
    ran = raced.cv_results_["n_splits_evaluated"]
    assert raced.n_fits_ == ran.sum()
    assert ran[raced.best_index_] == 5
    folds = np.array([raced.cv_results_[f"split{k}_test_score"] for k in range(5)]).T
    expected = np.array([full.cv_results_[f"split{k}_test_score"] for k in range(5)]).T
    for row, whole, n in zip(folds, expected, ran):
        np.testing.assert_array_equal(row[:n], whole[:n])
        assert np.isnan(row[n:]).all()


@pytest.mark.parametrize("cls", [GridSearchCV, RandomizedSearchCV, BayesSearchCV])
def test_the_same_race_for_every_n_jobs(cls):
    options = {} if cls is GridSearchCV else {"n_iter": 10, "random_state": 0}
    space = GRID if cls is GridSearchCV else {"max_depth": [1, 2, 12], "ccp_alpha": (0.0, 0.1)}
    if cls is RandomizedSearchCV:
        space = {**space, "ccp_alpha": (0.0, 0.1, "uniform")}
    tree = DecisionTreeClassifier(random_state=0)
    one, two = (
        cls(tree, space, racing=True, n_jobs=n_jobs, **options).fit(*digits) for n_jobs in (1, 2)
    )
    assert one.cv_results_["n_splits_evaluated"].min() < 5
    for name in (f"split{k}_test_score" for k in range(5)):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    assert one.best_params_ == two.best_params_


def test_an_error_that_is_to_be_small_races_too():
    search = GridSearchCV(
        KNeighborsRegressor(),
        {"n_neighbors": [5, 3, 1, 200, 300, 400, 500]},
        scoring=make_scorer(mean_absolute_error, greater_is_better=False),
        racing=True,
    ).fit(digits[0], digits[1].astype(float))
    assert search.best_params_["n_neighbors"] < 100
    assert (search.cv_results_["n_splits_evaluated"][4:] < 5).all()


def test_of_several_metrics_the_refit_metric_races():
    scoring = {"good": "accuracy", "bad": make_scorer(mean_absolute_error)}  # greater is worse
    neighbours = {"n_neighbors": [5, 3, 1, 7, 800, 900, 1000, 1100]}
    search = GridSearchCV(
        KNeighborsClassifier(), neighbours, scoring=scoring, refit="good", racing=True
    ).fit(*digits)
    assert search.best_params_["n_neighbors"] < 100
    assert search.cv_results_["n_splits_evaluated"][-1] < 5


@pytest.mark.parametrize(
    "options",
    [
        {"refit": lambda results: 0},
        {"refit": False, "scoring": ["accuracy", "f1_macro"]},
        {"refit": False, "scoring": lambda e, X, y: {"a": e.score(X, y)}},
        {"racing": False},
        {"racing": 1e6},
    ],
)
def test_no_race_where_no_one_number_says_who_wins(options):
    search = BayesSearchCV(TREE, GRID, n_iter=12, **options).fit(*digits)
    n_trials = len(search.cv_results_["params"])
    assert search.n_fits_ == 5 * n_trials


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.parametrize(("error_score", "n_fits"), [(np.nan, 31), (0.1, 35)])
def test_a_candidate_that_fails_is_not_given_its_other_folds(error_score, n_fits):
    grid = {"parameter": [0, 2, 3, 4, 5, 1, 6]}
    search = GridSearchCV(FailsWhen(bad=(1,)), grid, racing=True, error_score=error_score)
    with pytest.warns(FitFailedWarning, match="fits failed"):
        search.fit(*iris)
    assert search.n_fits_ == n_fits


def test_only_a_number_or_a_truth_value_is_a_race():
    with pytest.raises(ValueError, match="'racing' parameter of BayesSearchCV must be"):
        BayesSearchCV(TREE, racing=-1.0).fit(*iris)

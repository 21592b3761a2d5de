"""Hyperband: the plan, who goes on and when, and the search by it."""

import pickle
import queue
import warnings
from itertools import pairwise

import numpy as np
import pytest
from doubles import ShufflingExecutor, made_outcomes
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, LeaveOneGroupOut, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhpt import HyperbandSearchCV, When
from skhpt.brackets import (
    AsynchronousBrackets,
    Brackets,
    UnorderedBrackets,
    hyperband_plan,
)
from skhpt.candidates import Listed, Modelled, drawn
from skhpt.engine import Engine
from skhpt.ledger import Ledger
from skhpt.space import Categorical, Real, Space
from skhpt.trial import Proposal, Rung, Status, Trial
from skhpt.turn import StopReason

X, y = make_classification(300, 8, random_state=0)
TREE = DecisionTreeClassifier(random_state=0)
DRAWN = {"max_depth": randint(1, 10), "ccp_alpha": loguniform(1e-4, 1e-1)}
WAYS = [False, True, "unordered"]

# -- the plan --------------------------------------------------------------------------------


def test_brackets_of_the_paper():
    """R=81, eta=3, in the numbers of algorithm 1 of Li et al. 2018."""
    plan = hyperband_plan(1, 81, 3)
    assert [(b.number, list(b.n_candidates), b.n_resources) for b in plan] == [
        (4, [81, 27, 9, 3, 1], [1, 3, 9, 27, 81]),
        (3, [34, 11, 3, 1], [3, 9, 27, 81]),
        (2, [15, 5, 1], [9, 27, 81]),
        (1, [8, 2], [27, 81]),
        (0, [5], [81]),
    ]


@given(
    least=st.integers(1, 200),
    more=st.integers(0, 5000),
    factor=st.sampled_from([1.3, 2, 2.5, 3, 4, 10]),
    n_configurations=st.sampled_from([1, 7, float("inf")]),
)
def test_laws_of_a_plan(least, more, factor, n_configurations):
    plan = hyperband_plan(least, least + more, factor, n_configurations=n_configurations)
    assert [b.number for b in plan] == list(range(len(plan)))[::-1]
    for bracket in plan:
        counts, resources = bracket.n_candidates, bracket.n_resources
        assert len(counts) == len(resources) == bracket.number + 1
        assert all(1 <= b <= a for a, b in pairwise([n_configurations, *counts]))
        assert all(a < b for a, b in pairwise(resources))
        assert least <= resources[0]
        assert resources[-1] == least + more
        assert [rung.is_last for rung in bracket.rungs] == [False] * bracket.number + [True]
        # levels are shared: the same number is the same resource in all brackets
        assert bracket.rungs == plan[0].rungs[-len(counts) :]


# -- who goes on -----------------------------------------------------------------------------


def quality(x, fold):
    return (x * 7919) % 101 + fold / 10


def run(
    kind, plan, n_workers=1, seed=0, score=quality, n_folds=2, source=None, executor=None, **options
):
    options.setdefault("n_pending", 6)
    if source is None:
        begins = iter(range(10_000))
        source = Listed(
            [[Proposal({"x": next(begins)}) for _ in range(b.n_candidates[0])] for b in plan]
        )
    proposer = kind(plan, source, 3, **options)
    ledger = Ledger(n_folds=n_folds)
    engine = Engine(
        ledger=ledger,
        executor=executor or ShufflingExecutor(n_workers, seed),
        run_step=lambda step, params: (lambda: made_outcomes(step, params, score),),
    )
    reason = engine.run(proposer, None)
    return reason, ledger, proposer


def by_rung(ledger, proposer):
    """The trials of each rung of each bracket."""
    rungs = {}
    for trial in ledger.trials:
        rungs.setdefault(proposer.places[trial.index], []).append(trial)
    return rungs


KINDS = [Brackets, AsynchronousBrackets, UnorderedBrackets]
PLAN = hyperband_plan(1, 27, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n_workers", "seed"), [(1, 0), (2, 1), (5, 2), (40, 3)])
def test_the_best_of_every_first_rung_go_on(kind, n_workers, seed):
    reason, ledger, proposer = run(kind, PLAN, n_workers, seed)
    assert reason == StopReason.LAST_RUNG
    rungs = by_rung(ledger, proposer)
    for b, bracket in enumerate(PLAN):
        assert len(rungs[b, 0]) == bracket.n_candidates[0]
        for depth in range(bracket.number):
            below = sorted(rungs[b, depth], key=lambda t: t.mean)
            above = {trial.root for trial in rungs[b, depth + 1]}
            assert {trial.root for trial in below[-(len(below) // 3) :]} <= above
            assert len(above) == len(rungs[b, depth + 1])  # nobody is promoted twice
            assert above <= {trial.root for trial in below}
    assert not list(ledger.open)


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("n_workers", [1, 3, 20])
def test_whoever_goes_on_was_among_the_best_of_what_was_known(kind, n_workers):
    """Replays what the proposer was told, and checks every promotion at the time it was made."""

    class Watched(kind):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.known, self.n_promotions = {}, 0

        def tell(self, trial):
            self.known.setdefault(self.places[trial.index], []).append(trial)
            super().tell(trial)

        def ask(self):
            proposal = super().ask()
            if proposal is not None and proposal.parent is not None:
                b, depth = self.places[-1]
                below = sorted(self.known[b, depth - 1], key=lambda t: -t.mean)
                best = [trial.index for trial in below[: len(below) // 3]]
                assert proposal.parent in best
                self.n_promotions += 1
            return proposal

    _, _, proposer = run(Watched, PLAN, n_workers, n_workers)
    assert proposer.n_promotions >= sum(sum(b.n_candidates[1:]) for b in PLAN)


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("learns", [False, True])
def test_who_ends_first_changes_nothing(kind, learns):
    def seen(n_workers, seed):
        space = Space({"x": Real(0.0, 1.0)})
        source = Modelled(space, seed=1) if learns else None
        options = {"n_pending": 4, "source": source, "score": lambda x, fold: -abs(x - 0.3)}
        _, ledger, _ = run(kind, PLAN, n_workers, seed, **options)
        return [(t.params["x"], t.rung.number, t.root) for t in ledger.trials]

    alone = seen(1, 0)
    assert all(seen(n, seed) == alone for n, seed in [(2, 1), (7, 2), (50, 3)])


def test_complete_rungs_have_the_numbers_of_the_plan():
    _, ledger, proposer = run(Brackets, PLAN, 5)
    rungs = by_rung(ledger, proposer)
    counts = {(b, d): n for b, p in enumerate(PLAN) for d, n in enumerate(p.n_candidates)}
    assert {place: len(trials) for place, trials in rungs.items()} == counts
    assert len(ledger) == proposer.n_proposals


def test_brackets_take_turns():
    """Between two rungs of a bracket there are trials of another one to work at."""
    _, _, proposer = run(Brackets, PLAN)
    order = list(dict.fromkeys(proposer.places))
    assert all(a[0] != b[0] for a, b in pairwise(order))


class Stuck(ShufflingExecutor):
    """Its first task never ends; when all others have, the user loses patience."""

    def next_done(self, timeout=None):
        ready = [k for k, (ticket, _) in enumerate(self._done) if ticket != 1]
        if timeout == 0.0:
            raise queue.Empty
        if not ready:
            raise KeyboardInterrupt
        return self._done.pop(ready[0])


@pytest.mark.parametrize("kind", KINDS)
def test_one_fit_that_never_ends(kind):
    """It holds up what would follow its rung, on the own clock everything, and else nothing."""
    reason, ledger, proposer = run(kind, PLAN, n_folds=1, executor=Stuck(4))
    assert reason == StopReason.INTERRUPT
    ran = by_rung(ledger, proposer)
    assert ((0, 1) in ran) == (kind is UnorderedBrackets)
    assert ((1, 0) in ran) == (kind is not AsynchronousBrackets)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_nobody_waits_for_a_rung(kind):
    _, ledger, proposer = run(kind, PLAN, n_workers=2)
    rungs = by_rung(ledger, proposer)
    for depth in range(2):
        assert rungs[0, depth + 1][0].index < rungs[0, depth][-1].index


def test_who_failed_goes_nowhere_without_being_waited_for():
    def half_fails(x, fold):
        return float("nan") if x % 2 else float(x)

    for kind in KINDS[1:]:
        reason, ledger, proposer = run(kind, PLAN, score=half_fails)
        assert reason == StopReason.LAST_RUNG
        assert all(t.params["x"] % 2 == 0 for t in ledger.trials if proposer.places[t.index][1])


@pytest.mark.parametrize("kind", KINDS)
def test_folds_that_ran_below_are_not_run_again(kind):
    plan = hyperband_plan(1, 9, 3, folds_are_resource=True)
    _, ledger, proposer = run(kind, plan, n_folds=9)
    cost = sum(
        bracket.costs(adds_up=True)[depth] * len(trials)
        for (b, depth), trials in by_rung(ledger, proposer).items()
        for bracket in [plan[b]]
    )
    assert ledger.n_fits == cost


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_space_still_comes_to_the_top(kind):
    plan = hyperband_plan(1, 27, 3, n_configurations=2)
    _, ledger, proposer = run(kind, plan)
    assert {b for b, depth in by_rung(ledger, proposer) if depth == plan[b].number} == {0, 1, 2, 3}


# -- where configurations come from -----------------------------------------------------------


def test_nothing_comes_twice_in_a_bracket():
    space = Space({"x": Real(0.0, 1.0), "y": Categorical([1, 2])})
    (first, second) = drawn(space, [20, 10], [Proposal({"x": 0.5, "y": 1})], 0)
    params = [entry.params for entry in first + second]
    assert params[0] == {"x": 0.5, "y": 1}
    assert len({tuple(p.values()) for p in params}) == 30
    small = Space({"y": Categorical([1, 2, 3])})
    for source in ([e.params["y"] for e in some] for some in drawn(small, [3, 3, 2], [], 0)):
        assert len(set(source)) == len(source)
    model = Modelled(small, 0)
    for bracket in range(2):
        assert {model.ask(bracket).params["y"] for _ in range(3)} == {1, 2, 3}


def test_the_model_learns_from_the_highest_rung_that_has_enough():
    """The lower rung says that x should be small, the higher one that it should be large."""
    space = Space({"x": Real(0.0, 1.0)})

    def proposals(n_high):
        model = Modelled(space, seed=0)
        model.share_at_random = 0.0
        for level, n, sign in [(0, 12, -1), (1, n_high, 1)]:
            for k, x in enumerate(np.linspace(0.1, 0.9, n)):
                scores = {"score": sign * x, "mean": sign * x, "fold_scores": (sign * x,)}
                rung = Rung(level, 3**level, False)
                told = Trial(100 * level + k, {"x": x}, status=Status.PARTIAL, rung=rung, **scores)
                model.tell(told)
        return np.mean([model.ask(0).params["x"] for _ in range(6)])

    assert proposals(n_high=1) < 0.3
    assert proposals(n_high=6) > 0.7


# -- the search ------------------------------------------------------------------------------


def search(estimator=TREE, space=DRAWN, **kwargs):
    options = {"random_state": 0, "cv": 3, "asynchronous": False, **kwargs}
    return HyperbandSearchCV(estimator, space, **options)


def assert_same(one, other):
    assert one.best_params_ == other.best_params_
    for column, values in one.cv_results_.items():
        if "_time" not in column:
            np.testing.assert_array_equal(values, other.cv_results_[column], err_msg=column)


@pytest.mark.parametrize("resource", ["n_samples", "n_folds", "max_leaf_nodes"])
@pytest.mark.parametrize("asynchronous", WAYS)
def test_as_many_fits_as_the_plan_says(resource, asynchronous):
    more = {"max_resources": 27, "min_resources": 3} if resource == "max_leaf_nodes" else {}
    fitted = search(resource=resource, asynchronous=asynchronous, **more)
    plan = fitted.metadata(X, y)
    fitted.fit(X, y)
    assert plan == fitted.metadata_
    assert asynchronous or fitted.n_fits_ == plan["n_fits"]
    assert fitted.n_fits_ >= plan["n_fits"]
    table = fitted.cv_results_
    for bracket in plan["brackets"]:
        here = table["bracket"] == bracket["bracket"]
        ran = [int((here & (table["n_resources"] == r)).sum()) for r in bracket["n_resources"]]
        assert ran[0] == bracket["n_candidates"][0]
        assert asynchronous or ran == bracket["n_candidates"]
    assert fitted.n_candidates_ == np.bincount(table["iter"]).tolist()


def test_the_plan_without_data():
    plan = search(resource="max_leaf_nodes", max_resources=81, min_resources=1).metadata()
    assert [b["n_candidates"][0] for b in plan["brackets"]] == [81, 34, 15, 8, 5]
    assert plan["n_candidates"] == 143
    assert plan["n_fits"] == 3 * (121 + 49 + 21 + 10 + 5)
    assert plan["total_resources"] == pytest.approx(
        5 + (34 * 3 + 11 * 9 + 3 * 27 + 81) / 81 + (15 * 9 + 5 * 27 + 81) / 81 + 378 / 81 + 5
    )
    rows = search(max_resources=270, min_resources=30).metadata()
    assert rows["brackets"][0]["n_resources"] == [30, 90, 270]


def test_the_plan_says_nothing_about_the_search_that_it_is_of():
    generator = np.random.RandomState(0)
    asked = search(random_state=generator, test_size=0.25)
    before = generator.get_state()[1].tolist()
    plan = asked.metadata(X, y)
    assert generator.get_state()[1].tolist() == before
    assert not [name for name in vars(asked) if name.endswith("_")]
    assert plan["brackets"][-1]["n_resources"] == [225]  # without the test rows


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("sampler", ["random", "gp"])
def test_n_jobs_changes_nothing(asynchronous, sampler):
    options = {"asynchronous": asynchronous, "sampler": sampler}
    one = search(**options).fit(X, y)
    with parallel_config(backend="threading"):
        assert_same(one, search(**options, n_jobs=3).fit(X, y))


@pytest.mark.slow
def test_processes_change_nothing():
    assert_same(search().fit(X, y), search(n_jobs=2).fit(X, y))


def test_asynchronous_with_more_than_one_worker():
    with parallel_config(backend="threading"):
        fitted = search(asynchronous="auto", n_jobs=2).fit(X, y)
    assert fitted.asynchronous_
    assert_same(fitted, search(asynchronous=True).fit(X, y))
    assert not search(asynchronous="auto").fit(X, y).asynchronous_
    assert_same(search(asynchronous=True, n_points=8).fit(X, y), fitted)


@pytest.mark.parametrize("asynchronous", WAYS)
def test_the_winner_had_everything(asynchronous):
    with parallel_config(backend="threading"):
        fitted = search(asynchronous=asynchronous, n_jobs=2).fit(X, y)
    table = fitted.cv_results_
    whole = table["n_resources"] == len(X)
    assert whole[fitted.best_index_]
    assert fitted.best_score_ == table["mean_test_score"][whole].max()
    best = clone(TREE).set_params(**fitted.best_params_)
    assert fitted.best_score_ == pytest.approx(cross_val_score(best, X, y, cv=3).mean())
    np.testing.assert_array_equal(fitted.predict(X), best.fit(X, y).predict(X))
    ranks = table["rank_test_score"]
    assert ranks[whole].max() < ranks[~whole].min()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_rounds_that_grow_are_refitted_as_they_won(asynchronous):
    booster = GradientBoostingClassifier(n_estimators=9, subsample=0.7, random_state=0)
    pipe = make_pipeline(StandardScaler(), booster)
    space = {"gradientboostingclassifier__learning_rate": loguniform(1e-2, 1.0)}
    fitted = search(pipe, space, min_resources=3, asynchronous=asynchronous, cv=2).fit(X, y)
    name = "gradientboostingclassifier__n_estimators"
    assert fitted.resource_ == name
    assert fitted.n_resources_ == [3, 9]
    assert fitted.best_params_[name] == 9
    best = clone(pipe).set_params(**fitted.best_params_)
    assert fitted.best_score_ == pytest.approx(cross_val_score(best, X, y, cv=2).mean(), abs=1e-12)
    np.testing.assert_array_equal(fitted.predict_proba(X), best.fit(X, y).predict_proba(X))
    assert fitted.metadata()["total_resources"] == pytest.approx((3 * 3 + 6 + 2 * 9) / 9)


def test_a_curated_space_without_the_resource():
    booster = pytest.importorskip("lightgbm").LGBMClassifier(
        n_estimators=9, verbose=-1, random_state=0, n_jobs=1
    )
    fitted = HyperbandSearchCV(booster, cv=2, min_resources=3, random_state=0)
    fitted.fit(X[:120], y[:120])
    assert "n_estimators" not in fitted.space_
    assert fitted.best_estimator_.n_estimators == 9


def test_several_metrics_and_groups():
    groups = np.arange(len(X)) % 3
    fitted = search(scoring=["accuracy", "f1"], refit="f1", cv=LeaveOneGroupOut(), min_resources=60)
    plan = fitted.metadata(X, y, groups)
    fitted.fit(X, y, groups=groups)
    assert plan == fitted.metadata_
    whole = fitted.cv_results_["n_resources"] == len(X)
    assert fitted.best_score_ == fitted.cv_results_["mean_test_f1"][whole].max()


def test_the_search_inside_of_another():
    scores = cross_val_score(search(min_resources=40), X, y, cv=2)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_default_is_compared_at_the_top(asynchronous):
    given = ["default", {"max_depth": 2}]
    fitted = search(initial_params=given, asynchronous=asynchronous).fit(X, y)
    table = fitted.cv_results_
    row = np.flatnonzero((table["origin"] == "default") & (table["n_resources"] == len(X)))
    assert len(row) == 1
    assert fitted.baseline_score_ == table["mean_test_score"][row[0]]
    assert fitted.baseline_score_ == pytest.approx(cross_val_score(TREE, X, y, cv=3).mean())
    first = [p for p, k in zip(table["params"], table["bracket"]) if k == table["bracket"].max()]
    assert {"max_depth": 2} in first


def test_conditions_and_alternatives():
    conditional = [
        {"max_depth": [1, 2, 3, 4]},
        {"splitter": ["random"], "more": When("splitter", "random", {"max_features": [1, 2, 8]})},
    ]
    for sampler in ("random", "gp"):
        fitted = search(space=conditional, sampler=sampler).fit(X, y)
        n = fitted.metadata_["brackets"][0]["n_candidates"][0]
        first = fitted.cv_results_["params"][:n]
        assert len({str(sorted(p.items())) for p in first}) == n == 7  # all that there are


@pytest.mark.parametrize("asynchronous", WAYS)
def test_a_search_that_is_cut_short_compares_nothing_across_rungs(monkeypatch, asynchronous):
    monkeypatch.setattr(
        HyperbandSearchCV,
        "_take_listeners",
        lambda self, params: (params, [lambda ledger: len(ledger.outcomes) >= 12]),
    )
    cut = search(asynchronous=asynchronous)
    with pytest.warns(UserWarning, match="before any configuration had run on the last rung"):
        cut.fit(X, y)
    table = cut.cv_results_
    assert table["iter"][cut.best_index_] == table["iter"].max() < 2
    assert np.isnan(cut.best_score_)
    assert cut.n_candidates_ == np.bincount(table["iter"], minlength=3).tolist()
    assert cut.predict(X).shape == y.shape


def checked():
    short = {"cv": 2, "error_score": "raise", "random_state": 0, "asynchronous": True}
    drawn_from = (0.1, 1.0, "log-uniform")
    # An estimator's repr names its test, so that there is no distribution here: the repr of one
    # holds its address, and processes that share the tests must name them alike.
    return [
        HyperbandSearchCV(Ridge(), {"alpha": drawn_from}, **short),
        HyperbandSearchCV(LogisticRegression(), {"C": drawn_from}, **short),
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("always")
@parametrize_with_checks(checked())
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_clone_and_a_pickle():
    fitted = search(asynchronous=True).fit(X, y)
    assert clone(fitted).get_params()["asynchronous"] is True
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert "_climbers" not in vars(fitted)


def test_the_plan_is_printed(capsys):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The winner is ahead of")
        search(verbose=2, min_resources=40).fit(X, y)
    told = capsys.readouterr().out
    for line in (
        "resource: n_samples",
        "bracket: 1",
        "n_candidates: [3, 1]",
        "asynchronous: False",
    ):
        assert line in told


BAD = {
    "no such parameter": ({"resource": "n_trees"}, r"resource=n_trees .*'n_folds', 'auto'"),
    "too many rows": ({"max_resources": 301}, r"max_resources=301 is more than .* 300 rows"),
    "folds left out": ({"resource": "n_folds", "max_resources": 2}, r"must have run on all 3"),
    "no most": ({"resource": "max_depth"}, r"max_resources=100"),
    "searched too": ({"resource": "max_depth", "max_resources": 9}, r"Take it out of the search"),
    "least above most": ({"min_resources": 50, "max_resources": 40}, r"is greater than max_resou"),
    "factor": ({"factor": 1}, r"'factor' parameter"),
    "exhaust": ({"min_resources": "exhaust"}, r"'min_resources' parameter"),
    "sampler": ({"sampler": "tpe"}, r"'sampler' parameter"),
    "asynchronous": ({"asynchronous": "yes"}, r"'asynchronous' parameter"),
    "n_points": ({"n_points": 0}, r"'n_points' parameter"),
    "few rows": ({"min_resources": 2}, r"too few to have"),
    "many of ones own": (
        {"min_resources": 100, "initial_params": [{"max_depth": k} for k in range(1, 9)]},
        r"initial_params has 8 configurations, but the brackets begin with 5",
    ),
    "numbers of its own": ({"space": [(DRAWN, 3)]}, r"\(dict, n\) in param_distributions"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_errors_name_the_alternatives(case):
    options, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        search(**options).fit(X, y)


def test_the_plan_asks_for_what_it_needs():
    with pytest.raises(ValueError, match=r"the resource is 'n_samples': call metadata\(X, y\)"):
        search().metadata()
    with pytest.raises(ValueError, match=r"to count the folds of cv=LeaveOneGroupOut"):
        search(cv=LeaveOneGroupOut(), resource="max_depth", max_resources=9).metadata()
    with pytest.raises(ValueError, match=r"max_resources=100"):
        search(resource="max_depth").metadata()


def test_the_plan_of_a_classifier_asks_for_its_classes():
    with pytest.raises(ValueError, match=r"metadata\(\) needs y as well .*metadata\(X, y\)"):
        search().metadata(X)
    model = HyperbandSearchCV(Ridge(), {"alpha": loguniform(1e-3, 1)})
    assert model.metadata(X)["resource"] == "n_samples"


@pytest.mark.parametrize("data", [(X, y), ()])
def test_a_generator_of_folds_serves_the_plan_and_the_fit(data):
    options = {"resource": "max_leaf_nodes", "max_resources": 9, "min_resources": 2}
    asked = search(cv=KFold(3).split(X), **options)
    plan = asked.metadata(*data)
    assert asked.metadata(*data) == plan
    assert asked.fit(X, y).metadata_ == plan
    assert asked.n_splits_ == 3


def test_a_step_that_is_searched_has_no_rounds_in_the_plan():
    steps = Pipeline([("m", GradientBoostingClassifier())])
    space = {"m": [LogisticRegression(), GradientBoostingClassifier()]}
    model = HyperbandSearchCV(steps, space, max_resources=90, min_resources=30)
    assert model.metadata()["resource"] == model.metadata(X, y)["resource"] == "n_samples"


def test_scores_of_less_than_everything_are_not_compared():
    """A score that falls with the resource leaves the winner at the top."""

    def falling(estimator, X, y):
        return -float(len(X))

    for asynchronous in (False, True):
        fitted = search(scoring=falling, asynchronous=asynchronous).fit(X, y)
        assert fitted.best_score_ == -100
        assert fitted.cv_results_["n_resources"][fitted.best_index_] == 300


@pytest.mark.parametrize(
    ("model", "space", "most"),
    [
        (GradientBoostingClassifier(), "auto", 300),  # curated learning rates go below the default
        (make_pipeline(StandardScaler(), GradientBoostingClassifier()), "auto", 300),
        (GradientBoostingClassifier(n_estimators=50), "auto", 50),
        (GradientBoostingClassifier(), {"max_depth": [2, 3]}, 100),
        (MLPClassifier(), "auto", 200),
    ],
)
def test_how_many_rounds_there_are_where_nobody_says(model, space, most):
    plan = HyperbandSearchCV(model, space).metadata()
    assert {bracket["n_resources"][-1] for bracket in plan["brackets"]} == {most}

"""Population based training: its laws, for everything that it trains."""

import ast
import functools
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import uniform
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import PBTSearchCV, holdout
from skhpt.changeable import changeable_part
from skhpt.estimators.growing import Watched
from skhpt.estimators.growing_networks import _MLPGrowth
from skhpt.population import Lineage, Segment
from skhpt.schedule import Living, Training, trainer_of

X, Y = make_classification(160, 6, n_informative=4, n_classes=3, random_state=0)
ONE_FOLD = [(np.arange(110), np.arange(110, 160))]
SMALL = {"population_size": 4, "max_rounds": 6, "interval": 2, "random_state": 0}
LOG = "log-uniform"
RATES = (1e-3, 0.5, LOG)


def network(kind=MLPClassifier, **params):
    given = {"hidden_layer_sizes": (5,), "random_state": 1, "batch_size": 32}
    return kind(**{**given, **params})


def lgbm(**params):
    lightgbm = pytest.importorskip("lightgbm")
    given = {"n_jobs": 1, "verbose": -1, "subsample_freq": 1, "min_child_samples": 5}
    return lightgbm.LGBMClassifier(**{**given, **params})


def xgb(**params):
    xgboost = pytest.importorskip("xgboost")
    return xgboost.XGBClassifier(**{"n_jobs": 1, "random_state": 0, **params})


TREES = {"max_depth": (1, 4), "max_features": (0.3, 0.9)}
BOOSTED = {"learning_rate": RATES, "subsample": (0.4, 1.0), "colsample_bytree": (0.4, 1.0)}
CASES = {
    "adam": lambda: (
        network(),
        {
            "learning_rate_init": RATES,
            "batch_size": [8, 16, 32, 64],
            "alpha": (1e-6, 1e-1, LOG),
            "beta_1": (0.8, 0.95),
        },
    ),
    "sgd": lambda: (
        network(solver="sgd", learning_rate="adaptive", tol=0.1, n_iter_no_change=1),
        {"learning_rate_init": RATES, "momentum": (0.5, 0.95)},
    ),
    "invscaling": lambda: (
        network(MLPRegressor, solver="sgd", learning_rate="invscaling"),
        {"learning_rate_init": (1e-3, 1e-2, LOG), "power_t": (0.3, 0.6)},
    ),
    "SGDClassifier": lambda: (
        SGDClassifier(loss="log_loss", eta0=0.1, random_state=0),
        {"alpha": (1e-5, 1e-1, LOG), "learning_rate": ["optimal", "constant"], "eta0": RATES},
    ),
    "SGDRegressor": lambda: (
        SGDRegressor(average=True, random_state=0),
        {"eta0": (1e-4, 1e-2, LOG), "penalty": ["l1", "l2"]},
    ),
    "LGBMClassifier": lambda: (
        lgbm(),
        {**BOOSTED, "subsample": (0.55, 1.0), "num_leaves": (3, 15), "reg_alpha": (0.0, 1.0)},
    ),
    "XGBClassifier": lambda: (xgb(), {**BOOSTED, "max_depth": (1, 5), "gamma": (0.0, 0.5)}),
    "HistGradientBoosting": lambda: (
        HistGradientBoostingClassifier(random_state=0),
        {**TREES, "learning_rate": RATES, "l2_regularization": (0.0, 1.0)},
    ),
    "GradientBoosting": lambda: (
        GradientBoostingClassifier(random_state=0),
        {**TREES, "subsample": (0.5, 0.9)},
    ),
}


class RemembersAnswers:
    """A scorer that keeps what each model that it scored says of the rows."""

    def __init__(self):
        self.answers = []

    def __call__(self, model, X, y):
        self.answers.append(answers(model, X))
        return model.score(X, y)


def answers(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


def schedule_of(search):
    return tuple(Segment(part["n_rounds"], part["params"]) for part in search.best_schedule_)


def replayed(search, rows):
    begun = clone(search.estimator).set_params(**search.best_schedule_[0]["params"])
    begun.set_params(**search._seeds)
    training = Training.begin(begun, X[rows], Y[rows], Watched(X, Y), {})
    return training.follow(schedule_of(search))


# -- the law of the schedule -----------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_a_schedule_gives_the_very_model_that_was_scored(case):
    estimator, space = CASES[case]()
    scorer = RemembersAnswers()
    search = PBTSearchCV(estimator, space, scoring=scorer, cv=ONE_FOLD, **SMALL)
    search.set_params(resample_probability=0.5, quantile=0.5).fit(X, Y)
    assert any(len(set(search.history_["parent"][g : g + 4])) < 4 for g in (4, 8))  # copies
    train, test = ONE_FOLD[0]
    scored = scorer.answers[8 + search.best_index_]  # of the third generation
    np.testing.assert_array_equal(answers(replayed(search, train), X[test]), scored)
    on_all = answers(replayed(search, np.arange(160)), X)
    np.testing.assert_array_equal(answers(search.best_estimator_, X), on_all)


@pytest.mark.parametrize(
    "case", ["adam", "LGBMClassifier", "XGBClassifier", "HistGradientBoosting"]
)
def test_a_schedule_that_never_changes_is_a_plain_fit(case):
    estimator, space = CASES[case]()
    search = PBTSearchCV(estimator, space, cv=2, perturbation=[1], resample_probability=0, **SMALL)
    search.fit(X, Y)
    assert len(search.best_schedule_) == 1
    rounds = trainer_of(estimator, {}, 160).rounds
    plain = clone(estimator).set_params(**search.best_params_, **{rounds: 6})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of epochs that are too few
        plain.fit(X, Y)
    np.testing.assert_array_equal(answers(search.best_estimator_, X), answers(plain, X))
    assert search.best_estimator_.get_params() == plain.get_params()


@pytest.mark.parametrize("case", ["adam", "sgd", "SGDClassifier"])
def test_a_copy_goes_its_own_way(case):
    estimator, space = CASES[case]()
    rate = next(iter(space))
    before, slow = {rate: 0.02}, {rate: 0.001}
    start = clone(estimator).set_params(**before)
    training = Training.begin(start, X, Y, Watched(X, Y), {})
    training.follow((Segment(3, before),))
    training.rest()
    other = training.copy()
    changed = other.follow((Segment(3, before), Segment(6, slow)))
    same = training.follow((Segment(6, before),))
    plain = Training.begin(start, X, Y, Watched(X, Y), {}).follow((Segment(6, before),))
    np.testing.assert_array_equal(same.predict_proba(X), plain.predict_proba(X))
    assert not np.array_equal(changed.predict_proba(X), plain.predict_proba(X))


def test_another_worker_goes_on_from_what_was_left(tmp_path):
    estimator, schedule = network(), (Segment(2, {"alpha": 0.1}), Segment(4, {"alpha": 0.01}))
    begun = clone(estimator).set_params(alpha=0.1)
    training = Training.begin(begun, X, Y, Watched(X, Y), {})
    training.follow(schedule[:1])
    Living(160, str(tmp_path)).keep(0, 0, 0, training)
    elsewhere = Living(160, str(tmp_path))
    line = Lineage(schedule, 0)
    assert elsewhere.take(line, 0) is None
    resumed = Training.begin(begun, X, Y, Watched(X, Y), {})
    resumed.restore(elsewhere.read(line, 0))
    expected = Training.begin(begun, X, Y, Watched(X, Y), {}).follow(schedule)
    np.testing.assert_array_equal(resumed.follow(schedule).predict_proba(X), answers(expected, X))
    assert elsewhere.read(line, 1) is None


def test_models_that_nobody_needs_are_let_go(tmp_path):
    living = Living(160, str(tmp_path))
    for generation in range(5):
        training = Training.begin(network(), X, Y, Watched(X, Y), {})
        training.follow((Segment(1, {}),))
        living.keep(generation, 0, generation, training)
    assert len(living) == len(list(tmp_path.iterdir())) == 2


def test_no_epoch_is_trained_twice_in_one_process(monkeypatch):
    epochs, epoch = [], _MLPGrowth._epoch
    monkeypatch.setattr(_MLPGrowth, "_epoch", lambda self: (epochs.append(1), epoch(self)))
    estimator, space = CASES["adam"]()
    PBTSearchCV(estimator, space, cv=2, **SMALL).fit(X, Y)
    assert len(epochs) == 4 * 2 * 6 + 6  # and the refit


# -- what changes, changes -------------------------------------------------------------------------


def followed(estimator, *parts):
    begun = clone(estimator).set_params(**parts[0][1])
    training = Training.begin(begun, X, Y, Watched(X, Y), {})
    return training.follow(tuple(Segment(*part) for part in parts))


def test_lightgbm_changes_as_its_own_callback_does():
    lightgbm = pytest.importorskip("lightgbm")
    estimator = lgbm(subsample=0.8)
    first = {"learning_rate": 0.1, "num_leaves": 3}
    then = {"learning_rate": 0.05, "num_leaves": 9}
    lists = {name: [first[name]] * 3 + [then[name]] * 4 for name in first}
    plain = clone(estimator).set_params(n_estimators=7, **first)
    plain.fit(X, Y, callbacks=[lightgbm.reset_parameter(**lists)])
    model = followed(estimator, (3, first), (7, then))
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    leaves = [tree["num_leaves"] for tree in model.booster_.dump_model()["tree_info"]]
    assert max(leaves[:9]) <= 3 < max(leaves[9:]) <= 9


def test_xgboost_changes_as_its_own_callback_does():
    xgboost = pytest.importorskip("xgboost")
    # which says after each round what the next one is to learn by
    scheduler = xgboost.callback.LearningRateScheduler([0.3] * 2 + [0.05] * 5)
    plain = xgb(n_estimators=7, subsample=0.8, callbacks=[scheduler]).fit(X, Y)
    estimator = xgb(subsample=0.8)
    model = followed(estimator, (3, {"learning_rate": 0.3}), (7, {"learning_rate": 0.05}))
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    deeper = followed(estimator, (3, {"max_depth": 1}), (7, {"max_depth": 3}))
    trees = deeper.get_booster().trees_to_dataframe().groupby("Tree").size()
    assert max(trees[:9]) <= 3 < max(trees[9:])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_network_without_a_rate_stands_still(solver):
    estimator = network(solver=solver)
    moved = followed(estimator, (3, {"learning_rate_init": 0.05}))
    stopped = followed(
        estimator, (3, {"learning_rate_init": 0.05}), (9, {"learning_rate_init": 1e-12})
    )
    # the velocity of stochastic gradients fades by and by
    room = 1e-9 if solver == "adam" else 1.0
    assert np.abs(moved.coefs_[0] - stopped.coefs_[0]).max() < room
    assert stopped.max_iter == stopped.n_iter_ == 9


def test_a_network_that_has_come_to_its_end_wakes_up_with_a_change():
    estimator = network(tol=10.0, n_iter_no_change=1)  # ends after its third epoch
    ended = followed(estimator, (8, {"alpha": 0.1}))
    woken = followed(estimator, (8, {"alpha": 0.1}), (20, {"alpha": 0.2}))
    assert ended.n_iter_ == 3
    assert woken.n_iter_ == 5


# -- the search ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    model = make_pipeline(StandardScaler(), network(max_iter=9))
    space = {
        "mlpclassifier__learning_rate_init": RATES,
        "mlpclassifier__hidden_layer_sizes": [(4,)],
    }
    search = PBTSearchCV(model, space, cv=3, initial_params="default", test_size=0.2, **SMALL)
    cheap = functools.partial(holdout.score_with_interval, n_bootstrap=40)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(holdout, "score_with_interval", cheap)
        warnings.simplefilter("ignore")  # the baseline's epochs are too few, they say
        return search.fit(X, Y)


def test_the_table_has_a_row_a_member(fitted):
    results = fitted.cv_results_
    assert len(results["params"]) == 5  # and the baseline
    assert list(results["n_resources"]) == [6, 6, 6, 6, 0]
    assert results["rank_test_score"][fitted.best_index_] == 1
    assert results["rank_test_score"][-1] == 5
    assert fitted.best_score_ == max(results["mean_test_score"][:4])
    assert fitted.best_params_ == fitted.best_schedule_[-1]["params"]
    assert fitted.best_params_ == results["params"][fitted.best_index_]
    assert fitted.best_schedule_[-1]["n_rounds"] == 6
    assert fitted.stop_reason_ == "max_rounds reached"
    assert fitted.n_fits_ == 4 * 3 * 3 + 3


def test_the_history_has_every_generation(fitted):
    history = fitted.history_
    assert list(history["n_resources"]) == [2] * 4 + [4] * 4 + [6] * 4 + [0]
    assert list(history["member"]) == [0, 1, 2, 3] * 3 + [-1]
    assert list(history["parent"][:4]) == [-1] * 4
    assert all(history["parent"][4:8] < 4)


def test_the_held_out_rows_and_the_baseline_are_scored(fitted):
    assert fitted.test_score_ == fitted.best_estimator_.score(
        X[fitted.test_indices_], Y[fitted.test_indices_]
    )
    told = [fitted.baseline_score_, fitted.baseline_test_score_, fitted.optimism_]
    assert np.isfinite(told).all()
    assert fitted.best_estimator_[-1].hidden_layer_sizes == (4,)


def table(search):
    results = search.cv_results_
    columns = {name: list(v) for name, v in results.items() if "time" not in name}
    return columns, search.best_schedule_, search.best_score_, list(search.history_["parent"])


@pytest.mark.parametrize(("case", "backend"), [("adam", "loky"), ("LGBMClassifier", "threading")])
def test_the_result_is_the_same_for_every_n_jobs(case, backend):
    estimator, space = CASES[case]()
    estimator.set_params(random_state=None)
    search = PBTSearchCV(estimator, space, cv=2, **SMALL)
    alone = table(clone(search).fit(X, Y))
    with parallel_config(backend):
        several = clone(search).set_params(n_jobs=2).fit(X, Y)
    assert table(several) == alone


def test_a_member_that_fails_copies_one_of_the_best():
    search = PBTSearchCV(SGDClassifier(), {"alpha": [-1.0, 1e-4, 1e-3, 1e-2]}, cv=2, **SMALL)
    search.set_params(population_size=8, resample_probability=0.1)
    with pytest.warns(FitFailedWarning, match="fits failed out of a total of 48"):
        search.fit(X, Y)
    first = [p["alpha"] for p in search.history_["params"][:8]]
    assert -1.0 in first
    assert all(first[p] > 0 for p in search.history_["parent"][8:16])
    assert search.best_params_["alpha"] > 0


def test_when_everybody_fails_the_tracebacks_are_told():
    search = PBTSearchCV(SGDClassifier(), {"alpha": [-1.0, -2.0, -3.0]}, cv=2, **SMALL)
    with pytest.raises(ValueError, match=r"All the 8 fits failed[\s\S]*alpha"):
        search.fit(X, Y)
    with pytest.raises(ValueError, match="alpha"):
        search.set_params(error_score="raise").fit(X, Y)


class InterruptsAt:
    """A scorer during whose n-th call Ctrl-C is pressed."""

    def __init__(self, n):
        self.n = n

    def __call__(self, model, X, y):
        self.n -= 1
        if not self.n:
            raise KeyboardInterrupt
        return model.score(X, y)


def test_a_search_that_is_cut_short_has_no_best_score():
    search = PBTSearchCV(SGDClassifier(), {"alpha": (1e-5, 1e-1, LOG)}, cv=2, **SMALL)
    with (
        pytest.warns(UserWarning, match="was interrupted after 11 fits"),
        pytest.warns(UserWarning, match="after 2 of 6 rounds.*best_score_ is NaN"),
    ):
        search.set_params(scoring=InterruptsAt(12)).fit(X, Y)
    assert np.isnan(search.best_score_)
    assert search.best_schedule_[-1]["n_rounds"] == 2
    assert list(search.cv_results_["n_resources"]) == [2] * 4
    assert search.predict(X).shape == (160,)


def test_several_metrics_and_weights_and_no_refit():
    search = PBTSearchCV(
        HistGradientBoostingRegressor(random_state=0),
        {"learning_rate": RATES},
        scoring=["r2", "neg_mean_absolute_error"],
        refit="r2",
        cv=2,
        return_train_score=True,
        **SMALL,
    ).fit(X, Y, sample_weight=np.linspace(0.1, 1, 160))
    assert search.best_score_ == max(search.cv_results_["mean_test_r2"])
    assert "mean_train_neg_mean_absolute_error" in search.cv_results_
    search.set_params(refit=False, scoring="r2").fit(X, Y)
    assert search.best_schedule_
    assert not hasattr(search, "best_estimator_")


def test_first_members_may_be_given():
    given = [{"alpha": 0.5}, {"alpha": 0.25}]
    search = PBTSearchCV(SGDClassifier(), {"alpha": (1e-5, 1.0, LOG)}, cv=2, **SMALL)
    search.set_params(initial_params=given).fit(X, Y)
    assert search.history_["params"][:2] == given


@pytest.mark.parametrize("case", ["adam", "LGBMClassifier", "XGBClassifier", "GradientBoosting"])
def test_the_curated_space_is_what_may_change(case):
    estimator, _ = CASES[case]()
    search = PBTSearchCV(estimator, cv=2, **SMALL).set_params(population_size=2, max_rounds=3)
    search.fit(X, Y)
    assert search.space_
    assert set(search.space_) <= set(trainer_of(estimator, {}, 160).changeable)


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(),
        make_pipeline(StandardScaler(), RandomForestClassifier()),
        network(early_stopping=True),
        network(solver="lbfgs"),
        SGDClassifier(class_weight="balanced"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_cannot_be_trained_in_steps_is_refused(estimator):
    with pytest.raises(ValueError, match="cannot be. What can: MLP.*BayesSearchCV or Halving"):
        PBTSearchCV(estimator, {"alpha": [1, 2, 3]}).fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "settings"),
    [
        (make_pipeline(network(early_stopping=True)), "mlpclassifier__early_stopping=False"),
        (network(solver="lbfgs"), "solver='adam'"),
        (HistGradientBoostingClassifier(early_stopping=True), "early_stopping=False"),
        (
            SGDClassifier(class_weight="balanced", early_stopping=True),
            "early_stopping=False and class_weight=None",
        ),
    ],
)
def test_the_refusal_tells_what_to_set(estimator, settings):
    with pytest.raises(ValueError, match=f"For that, set {settings} here"):
        PBTSearchCV(estimator, {"alpha": [1, 2, 3]}).fit(X, Y)


def test_without_a_curated_space_one_is_shown_that_works():
    with pytest.raises(ValueError, match="space = .*'eta0'.*\n.*PBTSearchCV") as refused:
        PBTSearchCV(SGDClassifier(), **SMALL).fit(X, Y)
    shown = re.search("space = (.*)", str(refused.value))[1]
    search = PBTSearchCV(SGDClassifier(), ast.literal_eval(shown), **SMALL).fit(X, Y)
    assert np.isfinite(search.best_score_)


def test_what_cannot_change_is_refused_by_name():
    match = "'hidden_layer_sizes' cannot change.*'alpha', 'batch_size'.*BayesSearchCV or Halving"
    with pytest.raises(ValueError, match=match):
        PBTSearchCV(network(), {"hidden_layer_sizes": [(3,), (4,)]}, **SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="'learning_rate' cannot change.*'subsample'"):
        PBTSearchCV(GradientBoostingClassifier(), {"learning_rate": RATES}, **SMALL).fit(X, Y)


@pytest.mark.parametrize(
    ("params", "space", "bound"),
    [
        ({}, {"subsample": (0.5, 1.0)}, 0.5),
        ({}, {"subsample": (0.501, 1.0)}, 0.5),  # of few rows, no more than the half
        ({}, {"subsample": uniform(0.3, 0.6)}, 0.5),
        ({}, {"bagging_fraction": [0.3, 0.9]}, 0.5),
        ({}, [{"subsample": (0.6, 0.9)}, {"subsample": (0.2, 0.4)}], 0.5),
        ({"subsample_freq": 2}, {"subsample": (0.6, 1.1)}, 1),
        ({"subsample_freq": 0}, {"subsample": (0.4, 0.6), "subsample_freq": [1]}, 0.5),
    ],
)
def test_what_lightgbm_crashes_of_is_refused(params, space, bound):
    search = PBTSearchCV(lgbm(**params), space, **SMALL)
    match = f"must stay on one side of {bound}.*begin at {1.1 * bound:g} or above"
    with pytest.raises(ValueError, match=match):
        search.fit(X, Y)


def test_one_side_is_as_good_as_the_other_and_frequencies_stay():
    PBTSearchCV(lgbm(), {"subsample": (0.2, 0.5)}, **SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="'subsample_freq' cannot change"):
        PBTSearchCV(lgbm(), {"subsample_freq": [1, 2]}, **SMALL).fit(X, Y)


def test_curated_shares_of_rows_stay_where_lightgbm_is_safe():
    growing_lightgbm = pytest.importorskip("skhpt.estimators.growing_lightgbm")
    shares = {"subsample": (0.5, 1.0, "uniform"), "reg_alpha": RATES, "subsample_freq": [1]}
    part = changeable_part(
        {**shares, "min_child_samples": [9]}, lgbm(), growing_lightgbm.LightGBMGrower()
    )
    # Without the frequency, no share has an effect.
    assert part == {**shares, "subsample": (0.55, 1.0, "uniform")}


SURVIVES = """
import numpy as np
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from skhpt import PBTSearchCV
X, y = make_classification(600, 8, n_informative=5, n_classes=3, random_state=0)
model = LGBMClassifier(verbose=-1, n_jobs=1, min_child_samples=5)
for seed in range(4):
    search = PBTSearchCV(model, population_size=6, max_rounds=24, interval=2, cv=2)
    search.set_params(random_state=seed, resample_probability=0.5).fit(X, y)
"""


def test_the_interpreter_survives_lightgbm():
    pytest.importorskip("lightgbm")
    subprocess.run([sys.executable, "-c", SURVIVES], check=True)


def test_alternatives_with_single_values_of_their_own_are_not_fixed():
    space = [{"hidden_layer_sizes": [(3,)]}, {"hidden_layer_sizes": [(4,)]}]
    with pytest.raises(ValueError, match="'hidden_layer_sizes' cannot change"):
        PBTSearchCV(network(), space, **SMALL).fit(X, Y)


@pytest.mark.parametrize("name", ["n_estimators", "num_iterations", "n_iter", "num_boost_round"])
@pytest.mark.parametrize("values", [[5], [5, 50]])
def test_rounds_are_refused_by_all_of_their_names(name, values):
    space = {"learning_rate": RATES, name: values}
    with pytest.raises(ValueError, match=f"'{name}' counts the rounds.*max_rounds"):
        PBTSearchCV(lgbm(), space, **SMALL).fit(X, Y)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"interval": 6}, "interval must be smaller than the 6 rounds.*got interval=6"),
        ({"perturbation": (0.8, -1.2)}, r"perturbation must be numbers above 0.*\(0.8, -1.2\)"),
        ({"perturbation": ()}, "perturbation must be numbers above 0"),
        ({"quantile": 0.6}, "quantile"),
        ({"population_size": 1}, "population_size"),
        ({"param_distributions": {"max_iter": [3, 4]}}, "'max_iter' counts the rounds.*max_rounds"),
        ({"param_distributions": {"alhpa": [3, 4]}}, "alhpa"),
        ({"param_distributions": [({"alpha": (1e-3, 1e-1)}, 3)]}, "population_size members"),
        ({"param_distributions": "curated"}, "auto"),
    ],
)
def test_bad_arguments_are_refused(params, match):
    search = PBTSearchCV(network(), {"alpha": (1e-4, 1e-1, LOG)}, **SMALL).set_params(**params)
    with pytest.raises(ValueError, match=match):
        search.fit(X, Y)


def test_intervals_are_tenths_unless_told():
    search = PBTSearchCV(SGDClassifier(max_iter=25), {"alpha": RATES}, cv=2, population_size=2)
    search.fit(X, Y)
    assert list(search.history_["n_resources"][::2]) == [3, 6, 9, 12, 15, 18, 21, 24, 25]

"""Pictures: what is drawn is what the search holds, legibly, and nothing else is touched."""

import copy
import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn.model_selection as theirs
from made_searches import MadeSearch, cheap_intervals, made, timed
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

from skhpt import BayesSearchCV, HalvingRandomSearchCV, RandomizedSearchCV, SearchDisplay, When
from skhpt.comparison.pictures import _look
from skhpt.plots import KINDS
from skhpt.plots.axes import ParameterAxis
from skhpt.plots.fanova import _axes, _axes_by_name, _shares, _summary, importance_of
from skhpt.plots.ticks import log_ticks
from skhpt.plots.view import SearchView
from skhpt.plots.words import fixed, label_texts, tick_texts
from skhpt.space import Layers, dialects
from skhpt.trial import Status

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, y = load_iris(return_X_y=True)
CONDITIONAL = {
    "kernel": ["linear", "rbf", "poly"],
    "C": (1e-3, 1e3, "log-uniform"),
    "gamma": When("kernel", ["rbf", "poly"], (1e-4, 1.0, "log-uniform")),
    "degree": When("kernel", "poly", [2, 3, 4]),
}


@pytest.fixture(autouse=True)
def _closes_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def bayes():
    kwargs = {"n_iter": 14, "test_size": 0.25, "random_state": 0}
    with cheap_intervals():
        return BayesSearchCV(SVC(), CONDITIONAL, cv=4, **kwargs).fit(X, y)


@pytest.fixture(scope="module")
def long_names():
    """A pipeline with many parameters, some of which are whole estimators."""
    pipeline = make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=2000))
    space = {
        "minmaxscaler": [MinMaxScaler(), StandardScaler(), "passthrough"],
        "logisticregression__C": (1e-4, 1e4, "log-uniform"),
        "logisticregression__fit_intercept": [True, False],
        "logisticregression__class_weight": [None, "balanced"],
        "logisticregression__tol": (1e-6, 1e-2, "log-uniform"),
    }
    return RandomizedSearchCV(pipeline, space, n_iter=14, cv=3, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def failing():
    """Every third configuration fails on a fold, every fourth is dropped early."""
    rng = np.random.default_rng(0)
    params = [{"C": float(c), "mode": m} for c, m in zip(np.geomspace(0.1, 99, 24), "abc" * 8)]
    folds = rng.uniform(0.5, 0.9, (24, 4)).tolist()
    for i in range(24):
        if i % 3 == 1:
            folds[i][2] = np.nan
        elif i % 4 == 0:
            folds[i][2:] = [None, None]
    return MadeSearch({"C": (0.1, 100.0, "log-uniform"), "mode": list("abc")}, params, folds)


@pytest.fixture(scope="module")
def halving():
    space = {"C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-5, 1.0)}
    return theirs.HalvingRandomSearchCV(
        SVC(), space, n_candidates=12, factor=3, min_resources=15, random_state=0, cv=3
    ).fit(X, y)


def drawn_text(figure):
    """Every horizontal text of a figure that shows, with its box."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    outside = {id(text) for ax in figure.axes for text in _labels_outside(ax)}
    for text in figure.findobj(matplotlib.text.Text):
        shows = text.get_visible() and text.get_text().strip() and id(text) not in outside
        if shows and text.get_rotation() == 0:
            # of the text alone: that of an annotation has its arrow in it
            box = matplotlib.text.Text.get_window_extent(text, renderer)
            if box.width > 1:
                yield text.get_text(), box


def _labels_outside(ax):
    """Tick labels that are not drawn because their tick lies beyond the limits."""
    for axis, number in ((ax.xaxis, 0), (ax.yaxis, 1)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.label1.get_position()[number] <= high:
                yield from (tick.label1, tick.label2)


def overlaps(figure):
    """Pairs of texts that lie over each other by more than a pixel."""
    pairs = itertools.combinations(drawn_text(figure), 2)
    return [(a, b) for (a, one), (b, two) in pairs if _common(one, two) > 1.0]


def _common(one, two):
    width = min(one.x1, two.x1) - max(one.x0, two.x0)
    height = min(one.y1, two.y1) - max(one.y0, two.y0)
    return min(width, height)


# -- drawing ---------------------------------------------------------------------------------


COMMON = ["convergence", "slice", "importance", "parallel", "contour", "heatmap"]


@pytest.mark.parametrize("kind", COMMON)
@pytest.mark.parametrize("name", ["bayes", "long_names", "failing"])
def test_every_kind_draws_every_search_without_overlapping_texts(kind, name, request):
    display = SearchDisplay.from_search(request.getfixturevalue(name), kind)
    assert overlaps(display.figure_) == []


@pytest.mark.parametrize("kind", ["convergence", "slice", "importance", "parallel", "rungs"])
def test_halving_can_be_drawn(halving, kind):
    assert overlaps(SearchDisplay.from_search(halving, kind).figure_) == []


@pytest.mark.parametrize("kind", COMMON)
def test_the_searches_of_scikit_learn_can_be_drawn(kind):
    space = {"C": loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"], "shrinking": [True, False]}
    search = theirs.RandomizedSearchCV(SVC(), space, n_iter=12, cv=3, random_state=0).fit(X, y)
    SearchDisplay.from_search(search, kind)


def test_a_grid_of_tuples_and_words_can_be_drawn():
    grid = {"hidden": [(10,), (50,), (10, 10)], "how": ["a", None], "rate": [0.1, 1, 10]}
    cells = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    folds = np.random.default_rng(0).random((len(cells), 3)).tolist()
    for kind in COMMON:
        display = SearchDisplay.from_search(MadeSearch(grid, cells, folds), kind)
        assert overlaps(display.figure_) == []


@pytest.mark.parametrize("kind", COMMON)
def test_a_picture_goes_into_the_axes_that_are_given(bayes, kind):
    figure, axes = plt.subplots(1, 2, figsize=(12, 5))
    display = SearchDisplay.from_search(bayes, kind, ax=axes[1])
    assert display.figure_ is figure
    drawn = display.ax_ if isinstance(display.ax_, list) else [display.ax_]
    assert all(ax.figure is figure for ax in drawn)
    assert not axes[0].has_data()
    assert axes[1].axison is (axes[1] in drawn)  # where it is divided, its own frame goes
    assert len(plt.get_fignums()) == 1


def test_plot_draws_again(bayes):
    display = SearchDisplay.from_search(bayes, "slice", params=["C"])
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


def test_drawing_changes_neither_the_search_nor_the_settings(bayes):
    before = {k: repr(v) for k, v in bayes.cv_results_.items()}, dict(matplotlib.rcParams)
    for kind in COMMON:
        SearchDisplay.from_search(bayes, kind)
    assert ({k: repr(v) for k, v in bayes.cv_results_.items()}, dict(matplotlib.rcParams)) == before


def test_options_choose_what_is_drawn(bayes):
    assert len(SearchDisplay.from_search(bayes, "slice", params=["C", "kernel"]).ax_) == 2
    names = {"x": "fits", "y": "seconds"}
    labels = [
        SearchDisplay.from_search(bayes, "convergence", x=x).ax_.get_xlabel()
        for x in names.values()
    ]
    assert labels[0] == "fits"
    assert "seconds" in labels[1]
    parallel = SearchDisplay.from_search(bayes, "parallel", n_best=5).ax_
    assert len(parallel.collections[0].get_segments()) == 5
    assert "the best 5 of 1" in " ".join(parallel.get_legend_handles_labels()[1])
    heatmap = SearchDisplay.from_search(bayes, "heatmap", n_best=4).ax_
    assert heatmap.images[0].get_array().shape == (4, 4)
    importance = SearchDisplay.from_search(bayes, "importance", n_pairs=0).ax_
    assert "two together" not in importance.get_legend_handles_labels()[1]
    contour = SearchDisplay.from_search(bayes, "contour", params=["kernel", "C"])
    assert contour.ax_.get_xlabel() == "kernel"
    assert repr(contour).startswith("SearchDisplay(kind='contour', 14 configurations, best 0.9")


def test_a_metric_of_several_can_be_chosen():
    search = BayesSearchCV(
        SVC(), {"C": (0.1, 10.0)}, n_iter=4, scoring=["accuracy", "f1_macro"], refit="f1_macro"
    ).fit(X, y)
    label = SearchDisplay.from_search(search).ax_.get_ylabel()
    assert label == "cross-validated f1_macro"
    label = SearchDisplay.from_search(search, metric="accuracy").ax_.get_ylabel()
    assert label == "cross-validated accuracy"
    with pytest.raises(ValueError, match="metric must be one of .*'f1_macro'.*, got 'r2'"):
        SearchDisplay.from_search(search, metric="r2")


# -- what cannot be drawn ----------------------------------------------------------------------


def test_what_is_wrong_is_said(bayes, failing):
    draw = SearchDisplay.from_search
    with pytest.raises(NotFittedError):
        draw(BayesSearchCV(SVC()))
    with pytest.raises(ValueError, match=r"kind must be one of \['convergence', .*got 'pie'"):
        draw(bayes, "pie")
    with pytest.raises(ValueError, match="x must be one of .*'fits'.* got 'time'"):
        draw(bayes, "convergence", x="time")
    with pytest.raises(ValueError, match="params names 'D', which was not searched. The .*'C'"):
        draw(bayes, "slice", params=["D"])
    with pytest.raises(ValueError, match=r"two different parameters for a contour, got \['C'\]"):
        draw(bayes, "contour", params=["C"])
    with pytest.raises(ValueError, match=r"params must name at least one parameter, got \[\]"):
        draw(bayes, "slice", params=[])
    with pytest.raises(ValueError, match="n_columns must be at least 1, got 0"):
        draw(bayes, "slice", n_columns=0)
    with pytest.raises(ValueError, match="n_best must be at least 1, got 0"):
        draw(bayes, "heatmap", n_best=0)
    with pytest.raises(ValueError, match="'rungs' cannot be drawn: .*same budget.*successive"):
        draw(bayes, "rungs")
    with pytest.raises(ValueError, match="'schedule' cannot be drawn: .*best_schedule_"):
        draw(bayes, "schedule")


def test_an_unknown_option_is_answered_with_those_that_there_are(bayes, halving):
    with pytest.raises(TypeError, match=r"'slice' has no option 'n_best': .*\['params', 'n_col"):
        SearchDisplay.from_search(bayes, "slice", n_best=3)
    with pytest.raises(TypeError, match="'rungs' has no option 'x': it has no options"):
        SearchDisplay.from_search(halving, "rungs", x="fits")


def test_axes_with_a_position_of_their_own_are_not_divided(bayes):
    ax = plt.figure().add_axes([0.1, 0.1, 0.6, 0.6])
    with pytest.raises(ValueError, match="ax must be one of a figure's subplots"):
        SearchDisplay.from_search(bayes, "slice", ax=ax)
    assert ax.axison
    SearchDisplay.from_search(bayes, "convergence", ax=ax)


def test_a_contour_needs_what_the_winner_has():
    space = {"kernel": ["a", "b"], "g": When("kernel", "b", (0.0, 1.0)), "C": (0.0, 1.0)}
    search = made(space, lambda p: float(p["kernel"] == "a") + p["C"], n=20)
    with pytest.raises(ValueError, match="params names 'g', which the winner does not have"):
        SearchDisplay.from_search(search, "contour", params=["g", "C"])


def test_too_little_to_draw_is_said():
    alike = made({"C": (0.0, 1.0), "D": (0.0, 1.0)}, lambda p: 1.0)
    with pytest.raises(ValueError, match="'importance' cannot be .*scores that differ"):
        SearchDisplay.from_search(alike, "importance")
    with pytest.raises(ValueError, match="'contour' cannot be .*scores that differ"):
        SearchDisplay.from_search(alike, "contour")
    single = made({"C": [1]}, lambda p: 1.0, n=1)
    with pytest.raises(ValueError, match="'slice' cannot be .*more than one value.* has 0"):
        SearchDisplay.from_search(single, "slice")
    nothing = MadeSearch({"C": [1, 2]}, [{"C": 1}], [[np.nan, np.nan]])
    with pytest.raises(ValueError, match="'convergence' cannot .*no configuration ran on every"):
        SearchDisplay.from_search(nothing)


def test_without_matplotlib_the_extra_is_named(bayes, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"need matplotlib.*pip install 'skhpt\[plot\]'"):
        SearchDisplay.from_search(bayes)


def test_importing_the_pictures_loads_no_matplotlib():
    code = (
        "import sys, skhpt\n"
        "skhpt.BayesSearchCV\n"
        "before = set(sys.modules)\n"
        "skhpt.SearchDisplay\n"
        "import skhpt.report\n"
        "new = set(sys.modules) - before\n"
        "print('skhpt.plots' in before, sorted(m for m in new if not m.startswith('skhpt')))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False []"


# -- kinds of their own data ------------------------------------------------------------------


def test_the_timeline_has_a_row_a_worker():
    search = timed(made({"C": (0.0, 1.0)}, lambda p: p["C"], n=6), workers=3)
    ax = SearchDisplay.from_search(search, "timeline").ax_
    assert [t.get_text() for t in ax.get_yticklabels()] == ["worker 1", "worker 2", "worker 3"]
    assert "busy 100 %" in ax.get_xlabel()
    bars = [bar for container in ax.containers for bar in container]
    assert len(bars) == 30
    assert max(bar.get_x() + bar.get_width() for bar in bars) == pytest.approx(12.5)


def test_the_timeline_says_what_is_missing():
    search = theirs.GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=3).fit(X, y)
    with pytest.raises(ValueError, match="'timeline' cannot .*no start times and workers"):
        SearchDisplay.from_search(search, "timeline")


def test_a_schedule_is_drawn_as_steps():
    search = made({"rate": (1e-3, 1.0, "log-uniform"), "depth": (2, 9)}, lambda p: p["rate"])
    search.best_schedule_ = [
        {"n_rounds": 10, "params": {"rate": 0.1, "depth": 3}},
        {"n_rounds": 30, "params": {"rate": 0.02, "depth": 5}},
    ]
    rate, depth = SearchDisplay.from_search(search, "schedule").ax_
    at, height = rate.lines[0].get_data()
    np.testing.assert_array_equal(at, [0, 10, 30])
    np.testing.assert_array_equal(height, [0.1, 0.02, 0.02])
    assert rate.get_yscale() == "log"
    assert depth.get_xlim() == (0, 30)


def test_rungs_follow_each_configuration(halving):
    ax = SearchDisplay.from_search(halving, "rungs").ax_
    ladders = [line for line in ax.lines if len(line.get_xdata())]
    assert len(ladders) == 12
    assert sum(len(line.get_xdata()) for line in ladders) == len(halving.cv_results_["params"])
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        f"{n}\n({k} tried)" for n, k in zip((15, 45, 135), (12, 4, 2))
    ]


# -- what is shown is what was found -------------------------------------------------------------


def _offsets(ax, label):
    [found] = [c for c in ax.collections if c.get_label() == label]
    return found.get_offsets()


def test_the_trials_say_who_could_win_and_not_the_greatest_resource():
    fitted = HalvingRandomSearchCV(
        DecisionTreeRegressor(random_state=0), {"max_depth": list(range(1, 10))}, n_candidates=9,
        min_resources=15, cv=3, random_state=0,
    ).fit(X, y)  # fmt: skip
    search = copy.copy(fitted)
    resources = np.array(search.cv_results_["n_resources"])
    low = int(np.argmin(resources))
    resources[low] = 10 * resources.max()
    search.cv_results_ = {**search.cv_results_, "n_resources": resources}
    electable = SearchView.of(search).electable
    assert not electable[low]
    assert electable.any()
    full = [trial.has_full_budget for trial in fitted._ledger.trials]
    assert not (electable & ~np.array(full)).any()


@pytest.mark.parametrize("estimate", [-50.0, 50.0])
def test_an_estimate_from_some_folds_does_not_stretch_the_axis(failing, estimate, monkeypatch):
    usual = SearchDisplay.from_search(failing, "convergence").ax_.get_ylim()
    view = SearchView.of(failing)
    raced = np.flatnonzero(view.is_a(Status.RACED))
    assert len(raced)
    wild = view.as_searched.copy()
    wild[raced] = estimate
    monkeypatch.setitem(view.__dict__, "as_searched", wild)
    ax = SearchDisplay(view, "convergence").plot().ax_
    assert ax.get_ylim() == pytest.approx(usual)
    shown = "below the axis" if estimate < 0 else "dropped early (estimate)"
    assert shown in {c.get_label() for c in ax.collections}


def test_the_incumbent_is_the_best_of_those_that_could_win(failing):
    view = SearchView.of(failing)
    ax = SearchDisplay.from_search(failing).ax_
    best = np.maximum.accumulate(np.where(view.electable, view.score, -np.inf))
    height = ax.lines[0].get_ydata()
    np.testing.assert_allclose(height, best[np.isfinite(best)])
    assert height[-1] == failing.best_score_


def test_dropped_and_failed_configurations_are_marked_apart(failing):
    view = SearchView.of(failing)
    ax = SearchDisplay.from_search(failing).ax_
    failed = _offsets(ax, "failed")
    np.testing.assert_array_equal(failed[:, 0], np.flatnonzero(view.is_a(Status.FAILED)) + 1)
    np.testing.assert_array_equal(failed[:, 1], 0)  # at the foot of the axes
    dropped = np.flatnonzero(view.is_a(Status.RACED))
    shown = [_offsets(ax, "dropped early (estimate)")]
    shown += [_offsets(ax, "below the axis")] if "below the axis" in _labels(ax) else []
    assert set(dropped + 1) == set(np.vstack(shown)[:, 0])


def _labels(ax):
    return [c.get_label() for c in ax.collections]


def test_the_default_and_the_held_out_score_are_lines_with_their_value(bayes):
    ax = SearchDisplay.from_search(bayes).ax_
    heights = {line.get_ydata()[0] for line in ax.lines}
    assert {bayes.baseline_score_, bayes.test_score_} <= heights
    texts = " ".join(t.get_text() for t in ax.texts)
    assert f"default {bayes.baseline_score_:.4f}" in texts
    assert f"held-out {bayes.test_score_:.4f}" in texts


def test_what_was_dropped_early_is_compared_on_the_same_folds():
    """The folds that a dropped configuration ran are the easy ones; its mean flatters it."""
    params = [{"C": c} for c in (0.1, 0.2, 0.3, 0.4, 0.5)]
    easy = np.array([0.9, 0.7])
    folds = [[*(easy + d)] for d in (0.0, 0.01, 0.02, 0.03)] + [[0.91, None]]
    view = SearchView.of(MadeSearch({"C": (0.0, 1.0)}, params, folds))
    assert view.score[4] == 0.91
    assert view.adjusted[4] == pytest.approx(0.81, abs=0.02)


def test_a_numeric_error_score_is_no_score():
    search = RandomizedSearchCV(
        LogisticRegression(solver="lbfgs"),
        {"penalty": ["l1", "l2"], "C": [1.0, 2.0]},
        n_iter=4,
        error_score=0.0,
        cv=3,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    view = SearchView.of(search)
    failed = view.is_a(Status.FAILED)
    assert failed.sum() == 2
    assert np.isnan(view.score[failed]).all()
    assert np.isnan(view.folds[failed]).all()


def test_a_configuration_outside_of_the_space_is_no_winner():
    space = {"C": (5.0, 9.0), "gamma": (0.1, 1.0)}
    search = BayesSearchCV(SVC(), space, n_iter=6, random_state=0).fit(X, y)
    view = SearchView.of(search)
    assert view.default == 0
    assert not view.electable[0]
    assert 0 not in view.ranking
    assert view.ranking[0] == search.best_index_
    SearchDisplay.from_search(search, "slice")  # its gamma is a word on an axis of numbers


@pytest.mark.parametrize(
    ("dimension", "values", "is_log"),
    [
        ((1e-4, 1.0, "log-uniform"), [0.01], True),
        ((0.0, 1.0), [0.5], False),
        ([0.01, 0.1, 1, 10], [0.1], True),
        ([1, 2, 3, 4], [2], False),
        ([1, 5000, 100], [1], True),
    ],
)
def test_an_axis_is_logarithmic_where_the_space_is(dimension, values, is_log):
    axis = ParameterAxis("p", "p", dialects.parse_dimension("p", dimension), values)
    assert axis.is_number
    assert axis.is_log is is_log
    low, high = axis.unit(np.array([axis.low, axis.high]))
    assert (low, high) == (0.0, 1.0)


def test_the_axis_of_a_log_range_survives_a_default_of_zero():
    dimension = dialects.parse_dimension("p", (1e-6, 10.0, "log-uniform"))
    axis = ParameterAxis("p", "p", dimension, [0.0, 0.5])
    assert axis.is_log
    assert axis.position(0.0) == axis.low == 1e-6


def test_choices_stand_side_by_side():
    dimension = dialects.parse_dimension("p", [None, "a", StandardScaler()])
    axis = ParameterAxis("p", "p", dimension, [StandardScaler(), "a"])
    assert axis.texts == ["None", "a", "StandardScaler()"]
    assert axis.position(StandardScaler()) == 2.0
    layers = ParameterAxis("p", "p", Layers(), [(64, 64), (16,), (8, 8), (32,)])
    assert layers.texts[:2] == ["(16,)", "(17,)"]


# -- importance --------------------------------------------------------------------------------


def _importance(space, f, n=400):
    [(parsed, _)] = dialects.parse(space)
    rows = parsed.sample_unit(np.random.default_rng(0), n)
    scores = np.array([f(parsed.decode(row)) for row in rows])
    return importance_of(parsed, list(parsed.dimensions), rows, scores)


def test_shares_of_an_additive_function_are_those_of_its_variance():
    """var(4 u) : var(2 u) = 4 : 1, and what has no effect has no share."""
    space = {"a": (0.0, 1.0), "b": (0.0, 1.0), "c": (0.0, 1.0)}
    found = _importance(space, lambda p: 4 * p["a"] + 2 * p["b"])
    share = dict(zip(found.names, found.alone))
    assert found.names[0] == "a"
    assert share["a"] == pytest.approx(0.8, abs=0.06)
    assert share["b"] == pytest.approx(0.2, abs=0.06)
    assert share["c"] < 0.01
    assert found.r2 > 0.9


def test_an_interaction_is_no_main_effect():
    space = {"a": ["x", "y"], "b": ["x", "y"], "c": (0.0, 1.0)}
    found = _importance(space, lambda p: (p["a"] == p["b"]) + 0.4 * (p["a"] == "x"))
    alone, total = (dict(zip(found.names, part)) for part in (found.alone, found.total))
    assert alone["a"] == pytest.approx(0.04 / 0.29, abs=0.05)
    assert alone["b"] < 0.02
    assert found.pairs["a", "b"] == pytest.approx(0.25 / 0.29, abs=0.05)
    assert total["b"] > 0.8
    assert total["c"] < 0.02


def test_scales_and_kinds_of_parameters():
    space = {
        "log": (1e-6, 1.0, "log-uniform"),
        "word": ["p", "q", "r"],
        "net": Layers((1, 3), (8, 512)),
        "one": [3],
    }
    found = _importance(space, lambda p: np.log10(p["log"]))
    assert found.names[0] == "log"
    assert found.alone[0] > 0.95
    found = _importance(space, lambda p: float(p["word"] == "q"))
    assert found.names[0] == "word"
    assert found.alone[0] > 0.95
    found = _importance(space, lambda p: len(p["net"]) * 2 + np.log(p["net"][0]))
    assert found.names[0] == "net"
    assert found.alone[0] > 0.95


def test_shares_are_the_exact_integrals_of_a_tree():
    """Against weighted sums over the cells that the tree's own splits cut out."""
    [(space, _)] = dialects.parse({"u": (0.0, 1.0), "w": ["p", "q", "r"], "v": (0.0, 1.0)})
    rng = np.random.default_rng(0)
    rows = space.sample_unit(rng, 60)
    tree = DecisionTreeRegressor(max_leaf_nodes=12, random_state=0).fit(rows, rng.random(60))
    axes = _axes(space)
    of_name = _axes_by_name(space, axes)
    alone, total, pairs = _shares(tree.tree_, axes, [of_name[n] for n in "uvw"])

    (u_columns,), (v_columns,), (w_columns,) = ([axes[i] for i in of_name[n]] for n in "uvw")
    (u, u_size), (v, v_size) = (_cells(tree, c.start) for c in (u_columns, v_columns))
    grid = np.array(list(itertools.product(u, v, range(3))))
    points = np.empty((len(grid), space.width))
    points[:, u_columns], points[:, v_columns] = grid[:, [0]], grid[:, [1]]
    points[:, w_columns] = np.eye(3)[grid[:, 2].astype(int)]
    table = tree.predict(points).reshape(len(u), len(v), 3)
    sizes = (u_size, v_size, np.full(3, 1 / 3))

    def variance(kept):
        mean, weight = table, np.ones(())
        for axis in reversed(range(3)):
            if axis not in kept:
                mean = np.average(mean, axis=axis, weights=sizes[axis])
        for axis in kept:
            weight = np.multiply.outer(weight, sizes[axis])
        return np.sum(weight * mean**2) - np.sum(weight * mean) ** 2

    whole = variance([0, 1, 2])
    mains = [variance([axis]) / whole for axis in range(3)]
    np.testing.assert_allclose(alone, mains)
    np.testing.assert_allclose(pairs[0], variance([0, 1]) / whole - mains[0] - mains[1])
    np.testing.assert_allclose(total[2], 1 - variance([0, 1]) / whole)


def _cells(tree, column):
    """Middles and widths of the intervals between the splits of a tree along a column."""
    cuts = tree.tree_.threshold[tree.tree_.feature == column]
    edges = np.r_[0.0, np.sort(cuts), 1.0]
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


def test_the_axes_of_a_parameter_are_the_columns_that_it_moves():
    definition = [
        {"a": (0.0, 1.0), "b": ["x", "y", "z"], "net": Layers()},
        {"a": (0.0, 1.0), "c": When("d", 2, (1, 9)), "d": [1, 2, 5]},
    ]
    [(space, _)] = dialects.parse(definition)
    axes = _axes(space)
    rng = np.random.default_rng(0)
    for name, own in _axes_by_name(space, axes).items():
        columns = {c for i in own for c in range(axes[i].start, axes[i].stop)}
        moved = set()
        for _ in range(60):
            params = space.sample(rng)
            if name not in params:
                continue
            other = {**params, name: space.dimensions[name].draw(rng)}
            if space.contains(other):  # a parent moves what depends on it as well
                moved |= set(np.flatnonzero(space.encode(params) != space.encode(other)))
        assert moved == columns


def test_too_few_scores_have_no_importance():
    space = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    assert _importance(space, lambda p: p["a"], n=9) is None
    assert _importance(space, lambda p: 1.0) is None


def test_every_kind_is_described():
    assert all(f'"{kind}"' in SearchDisplay.from_search.__doc__ for kind in KINDS)


@pytest.fixture(scope="module")
def finished():
    """The best two ran on two further folds, which have turned their order round."""
    folds = [[0.1, 0.2, None, None], [0.7, 0.9, 0.5, 0.5], [0.7, 0.8, 0.8, 0.9], [0.5, None] * 2]
    params = [{"C": c} for c in (1.0, 2.0, 3.0, 4.0)]
    return MadeSearch({"C": (0.0, 10.0)}, params, folds, default=True, n_first=2)


def test_after_a_finish_all_scores_of_the_convergence_are_of_the_same_folds(finished):
    view = SearchView.of(finished)
    assert view.best == 2
    np.testing.assert_allclose(view.as_searched[:3], [0.15, 0.8, 0.75])
    ax = SearchDisplay(view, "convergence").plot().ax_
    (line,) = [line for line in ax.get_lines() if line.get_label() == "best so far"]
    np.testing.assert_allclose(line.get_ydata(), [0.15, 0.8, 0.8, 0.8])
    assert "winner 0.80" in " ".join(text.get_text() for text in ax.texts)


def test_rungs_are_followed_where_the_resource_is_a_parameter():
    search = HalvingRandomSearchCV(
        GradientBoostingRegressor(random_state=0), {"max_depth": [1, 2, 3], "subsample": [0.5, 1]},
        n_candidates=4, resource="n_estimators", min_resources=2, max_resources=6, cv=2,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    ax = SearchDisplay.from_search(search, "rungs").ax_
    ladders = [len(line.get_xdata()) for line in ax.lines if len(line.get_xdata())]
    assert len(ladders) == 4
    assert sum(ladders) == len(search.cv_results_["params"]) > 4


# -- legibility ----------------------------------------------------------------------------------


def test_no_share_is_below_zero():
    found = [([-4e-19, 0.9], [-1e-18, 0.9], [-2e-18])] * 3
    found = _summary(["a", "b"], found, 20, 0.5)
    assert min(found.alone.min(), found.total.min(), *found.pairs.values()) == 0.0


def _label_share(text):
    return 0.02 * (len(text) + 1)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2, 64, [2, 5, 10, 20, 50, 64]),
        (1, 10, [1, 2, 5, 10]),
        (3, 7, [3, 5, 7]),
        (1e-6, 1e6, [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6]),
    ],
)
def test_ticks_of_a_logarithmic_axis_have_room(low, high, expected):
    ticks = log_ticks(low, high, _label_share if high < 1e3 else lambda text: 0.1, high < 1e3)
    assert [value for value, _ in ticks] == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize(("low", "high"), [(1e-6, 1e6), (2, 64), (1e-5, 0.1), (2, 500)])
def test_labels_of_a_logarithmic_axis_stand_apart(low, high, n):
    space = dict.fromkeys("abcd"[:n], (low, high, "log-uniform"))
    search = made(space, lambda p: np.log(p["a"]), n=20)
    for kind in ("slice", "contour") if n > 1 else ("slice",):
        display = SearchDisplay.from_search(search, kind)
        assert overlaps(display.figure_) == []
        ax = display.ax_[0] if isinstance(display.ax_, list) else display.ax_
        assert len([t for t in ax.get_xticklabels() if t.get_text()]) >= 3


def test_numbers_keep_the_decimals_that_tell_them_apart():
    assert tick_texts([0.974, 0.9745, 0.975]) == ["0.9740", "0.9745", "0.9750"]
    assert tick_texts([-6.4e9, -4.8e9]) == ["-6.4e+09", "-4.8e+09"]
    assert tick_texts([0.5]) == ["0.5"]
    assert tick_texts([0.0]) == ["0"]
    assert tick_texts([]) == []
    assert fixed(-3290830549.0, 0) == "-3.2908e+09"


def test_the_scores_of_parallel_coordinates_differ():
    search = made({"C": (0.0, 1.0)}, lambda p: 0.974 + 0.001 * p["C"], n=20)
    ax = SearchDisplay.from_search(search, "parallel").ax_
    scores = [text.get_text() for text in ax.texts if text.get_text().startswith("0.97")]
    assert len(scores) > 2
    assert len(set(scores)) == len(scores)


def test_estimators_are_named_briefly():
    values = [SVC(C=10.0, degree=2, kernel="poly"), MinMaxScaler(), GradientBoostingRegressor()]
    assert label_texts(values) == ["SVC", "MinMaxScaler()", "GradientB…egressor"]
    values = [SVC(C=10.0, kernel="poly"), SVC(C=10.0, degree=2, kernel="poly")]
    texts = label_texts(values)
    assert len(set(texts)) == 2
    assert all(text.startswith("SVC(C=10") for text in texts)


def test_a_slice_explains_its_marks(failing, halving):
    def explained(search):
        [legend] = SearchDisplay.from_search(search, "slice").figure_.legends
        return {text.get_text() for text in legend.get_texts()}

    assert {"every fold", "winner", "failed"} <= explained(failing)
    assert "dropped early (estimate)" in explained(failing)
    found = explained(halving)
    assert "lower budget" in found
    assert "dropped early (estimate)" not in found


def test_only_scores_of_the_same_budget_are_compared(halving):
    n = int((halving.cv_results_["n_resources"] == 135).sum())
    ax = SearchDisplay.from_search(halving, "heatmap").ax_
    assert ax.images[0].get_array().shape[1] == n
    assert f"{n} of 18 at the largest budget" in ax.get_xlabel()
    ax = SearchDisplay.from_search(halving, "parallel").ax_
    assert len(ax.collections[0].get_segments()) == n
    assert f"only the {n} of 18 at the largest budget" in ax.get_legend_handles_labels()[1]


def test_trials_have_whole_numbers():
    search = made({"C": (0.0, 1.0)}, lambda p: p["C"], n=3)
    for kind in ("convergence", "slice"):
        figure = SearchDisplay.from_search(search, kind).figure_
        figure.canvas.draw()
        axis = figure.axes[0].xaxis if kind == "convergence" else figure.axes[-1].yaxis
        assert all(float(tick).is_integer() for tick in axis.get_majorticklocs())


def test_one_bad_start_does_not_flatten_the_rest():
    folds = [[-1000.0] * 2, [-900.0] * 2, *([0.8 + 0.01 * i] * 2 for i in range(6))]
    search = MadeSearch({"C": (0.0, 9.0)}, [{"C": float(i)} for i in range(8)], folds)
    for kind in ("convergence", "slice"):
        ax = SearchDisplay.from_search(search, kind).ax_
        assert ax.get_ylim()[0] > 0.5
        below = _offsets(ax, "below the axis")
        assert len(below) == 2


def test_a_word_on_an_axis_of_numbers_is_written_there():
    space = {"gamma": (1e-4, 1.0, "log-uniform"), "C": (0.0, 1.0)}
    params = [{"gamma": "scale", "C": 0.5}, *({"gamma": g, "C": g} for g in (1e-3, 0.1, 0.5))]
    search = MadeSearch(space, params, [[0.1 * i, 0.2 * i] for i in range(4)], default=True)
    texts = [text.get_text() for text in SearchDisplay.from_search(search, "parallel").ax_.texts]
    assert "scale" in texts
    assert "not used" not in texts


def test_texts_can_be_read_in_a_dark_style(bayes):
    with plt.style.context("dark_background"):
        ax = SearchDisplay.from_search(bayes, "parallel").ax_
    boxes = [t.get_bbox_patch().get_facecolor()[:3] for t in ax.texts if t.get_bbox_patch()]
    assert set(boxes) == {(0.0, 0.0, 0.0)}


def test_searches_beyond_the_last_colour_look_different():
    looks = [_look(place) for place in range(21)]
    assert len(set(looks)) == 21


def test_long_names_leave_room_for_the_legend():
    a, b = "the_first_parameter_with_a_long_name", "another_parameter_with_a_long_name"
    search = made({a: (0.0, 1.0), b: (0.0, 1.0)}, lambda p: p[a] * p[b], n=60)
    figure = SearchDisplay.from_search(search, "importance").figure_
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert overlaps(figure) == []

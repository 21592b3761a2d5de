"""Pictures can be read: axes as wide as what they show, ticks at equal steps, nothing between."""

import itertools

import numpy as np
import pytest
from made_searches import MadeSearch, made, timed

from skhpt import SearchDisplay
from skhpt.plots.ticks import ends_and_between, round_between
from skhpt.plots.view import SearchView

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closes_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("kind", ["convergence", "slice"])
@pytest.mark.parametrize(
    "scores", [[0.958, 0.95, 0.933], [0.866, 0.8667, 0.865, 0.863, 0.8667, 0.8617]]
)
def test_of_a_few_scores_all_are_shown(kind, scores):
    params = [{"C": float(i)} for i in range(len(scores))]
    search = MadeSearch({"C": (0.0, 9.0)}, params, [[score] * 2 for score in scores])
    ax = SearchDisplay.from_search(search, kind).ax_
    assert ax.get_ylim()[0] < min(scores)
    assert "below the axis" not in {c.get_label() for c in ax.collections}


def test_a_few_scores_are_not_flattened_by_one_far_off():
    params = [{"C": float(i)} for i in range(4)]
    search = MadeSearch({"C": (0.0, 9.0)}, params, [[s] * 2 for s in (-1000.0, 0.5, 0.6, 0.7)])
    assert SearchDisplay.from_search(search, "slice").ax_.get_ylim()[0] > -10.0


def test_what_is_not_drawn_does_not_stretch_the_scores_of_parallel_coordinates():
    search = made({"C": (5.0, 9.0), "D": (0.0, 1.0)}, lambda p: 0.7 + 0.01 * p["D"], n=20)
    view = SearchView.of(search)
    view.eligible[0], view.score[0], view.folds[0] = False, 0.9, 0.9
    ax = SearchDisplay(view, "parallel").plot().ax_
    scores = [float(t.get_text()) for t in ax.texts if t.get_position()[0] > 2.0]
    assert len(scores) > 2
    assert max(scores) < 0.72


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-6, 10.0, [1e-6, 1e-4, 1e-2, 1.0, 10.0]),
        (1e-3, 1e3, [1e-3, 1e-1, 10.0, 1e3]),
        (0.005, 0.2, [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]),
        (1e-4, 1e-4, [1e-4]),
    ],
)
def test_ticks_of_an_upright_logarithmic_axis_have_equal_steps(low, high, expected):
    ticks = ends_and_between(low, high)
    assert [value for value, _ in ticks] == pytest.approx(expected)
    assert [float(text) for _, text in ticks] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "is_whole", "expected"),
    [
        (1, 100, True, [1, 20, 40, 60, 80, 100]),
        (0.4, 1.0, False, [0.4, 0.6, 0.8, 1.0]),
        (-1e-3, 1e-3, False, [-1e-3, -5e-4, 0, 5e-4, 1e-3]),
        (2, 5, True, [2, 3, 4, 5]),
        (3, 3, True, [3]),
    ],
)
def test_ticks_of_an_upright_axis_are_round_between_its_ends(low, high, is_whole, expected):
    ticks = round_between(low, high, is_whole)
    assert [value for value, _ in ticks] == pytest.approx(expected, abs=1e-12)
    assert [float(text) for _, text in ticks] == pytest.approx(expected, abs=1e-12)


def test_cells_of_a_contour_have_no_gaps_in_a_browser():
    space = {"C": (0.0, 1.0), "kernel": ["a", "b"]}
    search = made(space, lambda p: p["C"] + (p["kernel"] == "a"), n=12)
    ax = SearchDisplay.from_search(search, "contour").ax_
    [mesh] = [c for c in ax.collections if isinstance(c, matplotlib.collections.QuadMesh)]
    ax.figure.canvas.draw()
    assert mesh.get_linewidth()[0] > 0
    np.testing.assert_array_equal(mesh.get_edgecolor(), mesh.get_facecolor())


def test_rungs_name_their_resource():
    search = made({"C": (0.0, 1.0)}, lambda p: p["C"], n=4, resource_="n_estimators")
    search.cv_results_["n_resources"] = np.array([5, 5, 15, 15])
    ax = SearchDisplay.from_search(search, "rungs").ax_
    assert ax.get_xlabel() == "budget of a fit: n_estimators"


def _names_and_boxes(texts):
    return [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]


@pytest.mark.parametrize("layout", ["constrained", None])
def test_parallel_coordinates_fit_into_narrow_axes(layout):
    long = ["a_choice_with_a_long_name", "another_choice_with_one"]
    space = {f"parameter_{i}_of_the_columntransformer": long for i in range(8)}
    search = made(space, lambda p: len(p["parameter_0_of_the_columntransformer"]), n=20)
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout=layout)
    ax = SearchDisplay.from_search(search, "parallel", ax=axes[1]).ax_
    figure.canvas.draw()
    for texts in (ax.get_xticklabels(), [t for t in ax.texts if t.get_position()[0] < 8.0]):
        found = sorted(_names_and_boxes(texts), key=lambda pair: pair[1].x0)
        for (_, one), (_, other) in itertools.pairwise(found):
            overlap = min(one.x1 - other.x0, one.y1 - other.y0, other.y1 - one.y0)
            assert overlap < 1.0


def test_the_marks_of_a_timeline_are_close_above_its_bars():
    search = timed(made({"C": (0.0, 1.0)}, lambda p: p["C"], n=6), workers=1)
    figure, axes = plt.subplots(1, 1, figsize=(6, 6))
    ax = SearchDisplay.from_search(search, "timeline", ax=axes).ax_
    [marks] = [c for c in ax.collections if c.get_label() == "winner"]
    top = ax.transData.transform((0, -0.36))[1]
    at = marks.get_offset_transform().transform(marks.get_offsets())[:, 1]
    assert np.all((at > top) & (at - top < 10 * figure.dpi / 72))

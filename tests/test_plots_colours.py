"""Pictures for every kind of colour vision: a second mark besides the colour, nothing too pale."""

import numpy as np
import pytest
from made_searches import MadeSearch, made, timed

from skhpt import SearchDisplay
from skhpt.plots import _style as style

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation
# of color vision deficiency" (2009), severity 1.0; for linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
FEWEST = 12.0  # difference of lightness, of 100, that is seen at a glance


@pytest.fixture(autouse=True)
def _closes_figures():
    yield
    plt.close("all")


def lightness(colour, vision="normal"):
    """CIE L* of a colour as this vision sees it."""
    encoded = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(VISIONS[vision]) @ linear, 0.0, 1.0)
    return 116.0 * np.cbrt(seen @ [0.2126, 0.7152, 0.0722]) - 16.0


def contrast(colour, ground="white"):
    """Contrast to a ground as the web's guidelines count it, from 1 to 21."""
    luminances = [((lightness(c) + 16.0) / 116.0) ** 3 for c in (colour, ground)]
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def looks(ax):
    """Marker shape, line style or none, and colour of what the legend of some axes names."""
    found = {}
    for handle, label in zip(*ax.get_legend_handles_labels()):
        if isinstance(handle, matplotlib.collections.PathCollection):
            shape = handle.get_paths()[0].vertices.tobytes()
            hollow = len(handle.get_facecolor()) == 0
            found[label] = (shape, hollow), _colour_of(handle)
        elif isinstance(handle, matplotlib.lines.Line2D):
            found[label] = (handle.get_marker(), handle.get_linestyle()), handle.get_color()
        else:
            area = getattr(handle, "patches", [handle])[0]
            found[label] = ("area",), np.atleast_2d(area.get_facecolor())[0]
    return found


def _colour_of(handle):
    return [*handle.get_facecolor(), *handle.get_edgecolor()][0]


@pytest.fixture(scope="module")
def failing():
    """Some fail, some are dropped early; fits have times and workers."""
    rng = np.random.default_rng(0)
    folds = rng.uniform(0.5, 0.9, (24, 4)).tolist()
    for i in range(24):
        if i % 3 == 1:
            folds[i][2] = np.nan
        elif i % 4 == 0:
            folds[i][2:] = [None, None]
    params = [{"C": float(c), "mode": m} for c, m in zip(np.geomspace(0.1, 99, 24), "abc" * 8)]
    search = MadeSearch({"C": (0.1, 100.0, "log-uniform"), "mode": list("abc")}, params, folds)
    return timed(search, 2)


@pytest.mark.parametrize("kind", ["timeline", "convergence", "heatmap", "contour"])
@pytest.mark.parametrize("vision", VISIONS)
def test_what_must_be_told_apart_differs_in_shape_or_in_lightness(failing, kind, vision):
    found = looks(SearchDisplay.from_search(failing, kind).ax_)
    assert len(found) >= 2
    for label, (shape, colour) in found.items():
        for other, (its_shape, its_colour) in found.items():
            apart = abs(lightness(colour, vision) - lightness(its_colour, vision))
            assert label == other or shape != its_shape or apart >= FEWEST


def test_rungs_are_told_apart_by_their_marks():
    search = made({"C": (0.0, 1.0)}, lambda p: p["C"], n=4)
    search.cv_results_["n_resources"] = np.array([5, 5, 15, 15])
    found = looks(SearchDisplay.from_search(search, "rungs").ax_)
    assert found["reached the full budget"][0] != found["dropped"][0]


def test_short_fits_of_the_winner_are_marked_in_the_timeline(failing):
    ax = SearchDisplay.from_search(failing, "timeline").ax_
    marks = {c.get_label(): len(c.get_offsets()) for c in ax.collections}
    fits = [o for o in failing._ledger.outcomes if o.trial == failing.best_index_]
    assert marks["winner"] == len(fits)
    assert marks["failed"] == sum(o.error is not None for o in failing._ledger.outcomes)


@pytest.mark.parametrize("name", ["viridis", "cividis"])
@pytest.mark.parametrize("ground", ["white", "black"])
def test_the_faintest_colour_of_lines_and_points_is_seen(name, ground):
    with plt.style.context("default" if ground == "white" else "dark_background"):
        found = [contrast(c, ground) for c in style.strong_map(name)(np.linspace(0, 1, 9))]
    assert min(found) >= 1.5
    assert np.all(np.diff(found) > 0)


def test_marks_on_the_ground_are_seen_on_white(failing):
    for kind in ("heatmap", "convergence"):
        found = looks(SearchDisplay.from_search(failing, kind).ax_)
        for label in {"not run", "dropped early (estimate)", "failed"} & set(found):
            assert contrast(found[label][1]) >= 3.0


def test_the_line_of_the_winner_has_an_edge():
    search = made({"C": (0.0, 1.0), "D": (0.0, 1.0)}, lambda p: p["C"])
    ax = SearchDisplay.from_search(search, "parallel").ax_
    [line] = [line for line in ax.lines if line.get_label() == "winner"]
    assert line.get_path_effects()

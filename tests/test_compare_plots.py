"""The curves of a comparison can be read over any range, in any axes."""

import itertools

import pytest

from skhpt.comparison import Comparison
from skhpt.comparison.result import Point, Run

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closes_figures():
    yield
    plt.close("all")


def _comparison_over(seconds, n_searches=2):
    """Each search goes from the first to the second number of CPU seconds."""
    runs = []
    for name in map("search {}".format, range(n_searches)):
        curve = tuple(Point(i + 1, 3, s, 0.5, 0.6 + i / 10) for i, s in enumerate(seconds))
        runs.append(Run(name, 0, 2, 6, seconds[-1], 0.2, 0.7, 0.7, 0.5, curve=curve))
    return Comparison(runs, [run.search for run in runs], "r2", None, 0.3)


@pytest.mark.parametrize("seconds", [(3, 6), (0.3, 25), (1, 99), (0.05, 2000), (0.005, 1e6)])
def test_cpu_seconds_have_ticks_over_any_range(seconds):
    ax = _comparison_over(seconds).plot()[2]
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    labels = [
        label
        for label in ax.get_xticklabels(which="both")
        if label.get_text() and low <= label.get_position()[0] <= high
    ]
    boxes = [label.get_window_extent() for label in labels]
    assert 3 <= len(labels) <= 8
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize("n_panels", [1, 3])
def test_in_the_axes_of_others_no_text_is_cut_off(n_panels):
    figure, axes = plt.subplots(1, n_panels, figsize=(6.4 + 3.3 * (n_panels - 1), 4.8))
    kinds = ["trials", "fits", "cpu"][:n_panels]
    axes = _comparison_over((1, 20), 5).plot(kinds, axes=axes)
    figure.canvas.draw()
    texts = [axes[0].yaxis.label]
    texts += [text for ax in axes if ax.get_legend() for text in ax.get_legend().get_texts()]
    assert len(texts) == 7
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1

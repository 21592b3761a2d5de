"""The display: one class, and a table of the kinds of pictures, one file each."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from ._style import Canvas, import_matplotlib
from .view import SearchView
from .words import number

# Every file has ``why_not(view)``, which says what a search lacks for the picture (or None), and
# ``draw(view, canvas, **options)``.
KINDS = (
    "convergence",
    "slice",
    "importance",
    "parallel",
    "contour",
    "heatmap",
    "rungs",
    "timeline",
    "schedule",
)


def kind_module(kind: str) -> Any:
    """Load the file of a kind of picture."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {list(KINDS)}, got {kind!r}.")
    return importlib.import_module(f".{kind}", __package__)


def _check_options(kind: str, module: Any, options: dict[str, Any]) -> None:
    """Say which options a kind of picture has where it does not know one."""
    known = list(inspect.signature(module.draw).parameters)[2:]  # behind view and canvas
    for name in options:
        if name not in known:
            has = f"its options are {known}" if known else "it has no options"
            raise TypeError(f"kind={kind!r} has no option {name!r}: {has}.")


class SearchDisplay:
    """A picture of a fitted search.

    Make one with :meth:`from_search`; :meth:`plot` draws it again, for instance into other axes.

    Parameters
    ----------
    view : SearchView
        What the search has to say.
    kind : str
        See :meth:`from_search`.
    **options
        Of this kind of picture.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure that was drawn into.
    ax_ : matplotlib Axes or list of Axes
        A list where the picture has several.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import BayesSearchCV, SearchDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = BayesSearchCV(SVC(), n_iter=10, random_state=0).fit(X, y)
    >>> display = SearchDisplay.from_search(search, kind="convergence")  # doctest: +SKIP
    >>> display.figure_.savefig("convergence.png")  # doctest: +SKIP
    """

    def __init__(self, view: SearchView, kind: str = "convergence", **options: Any):
        self.view = view
        self.kind = kind
        self.options = options

    @classmethod
    def from_search(
        cls,
        search: Any,
        kind: str = "convergence",
        *,
        metric: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> SearchDisplay:
        """Draw a fitted search.

        Parameters
        ----------
        search : fitted search
            One of this package; one of scikit-learn or scikit-optimize as far as its
            ``cv_results_`` goes.
        kind : str, default="convergence"
            - "convergence": the best score so far against `x`, "trials" (default), "fits" or
              "seconds"; with the spread over folds, the default and the held-out score
            - "slice": the score against each of `params`
            - "importance": functional ANOVA of the score (Hutter et al., 2014); with the
              `n_pairs=3` interactions that matter most
            - "parallel": parallel coordinates over `params` for the best `n_best=200`
              configurations, the stronger the colour, the better
            - "contour": the score that a Gaussian process predicts over two `params`, through
              the winner
            - "heatmap": the score of each fold for the best `n_best=30` configurations
            - "rungs": the scores of successive halving at each budget
            - "timeline": which worker did what when
            - "schedule": parameters over the rounds of population based training

            `params` is a list of names; where it is left out, the parameters that mattered
            most are taken.
        metric : str, default=None
            A metric of a search with several; None is the one that selected the winner.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure. A picture with several axes divides the place
            of `ax` among them.
        **options
            As named at the kinds above.

        Returns
        -------
        display : SearchDisplay

        Raises
        ------
        ImportError
            When matplotlib is missing.
        NotFittedError
            When the search is not fitted.
        ValueError
            When there is no such kind or metric, the search lacks what the picture shows, or
            an option has a value that cannot be.
        TypeError
            When the kind has no such option.
        """
        kind_module(kind)
        return cls(SearchView.of(search, metric), kind, **options).plot(ax=ax)

    def plot(self, ax: Any = None) -> SearchDisplay:
        """Draw, into the given axes or a new figure; see :meth:`from_search`."""
        import_matplotlib()
        return self._draw(Canvas(ax))

    def _draw(self, canvas: Canvas) -> SearchDisplay:
        module = kind_module(self.kind)
        _check_options(self.kind, module, self.options)
        reason = module.why_not(self.view)
        if reason is not None:
            raise ValueError(f"kind={self.kind!r} cannot be drawn: {reason}")
        module.draw(self.view, canvas, **self.options)
        self.figure_ = canvas.figure
        self.ax_ = canvas.axes[0] if len(canvas.axes) == 1 else canvas.axes
        return self

    def __repr__(self) -> str:
        best = "" if self.view.best is None else f", best {number(self.view.score[self.view.best])}"
        return f"SearchDisplay(kind={self.kind!r}, {len(self.view)} configurations{best})"

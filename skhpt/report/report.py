"""The report object: reads a search once, and writes itself as text or HTML."""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from ..plots._style import Canvas, bare_figure
from ..plots.display import SearchDisplay, kind_module
from ..plots.view import SearchView
from ..space.base import shortened
from .advice import advice_on
from .configurations import n_configurations
from .document import Section
from .html import as_fragment, as_page, as_svg
from .sections import sections_of
from .text import as_text

# What is drawn, as far as the search has it, and what is written above.
PICTURES = {
    "convergence": "Convergence: the best score so far",
    "importance": "Importance of the parameters",
    "slice": "The score against each parameter",
    "contour": "Two parameters, under a Gaussian process",
    "parallel": "Configurations as lines; the stronger the colour, the better",
    "heatmap": "Scores by fold",
    "rungs": "Survivors of successive halving",
    "schedule": "The schedule of the winner",
    "timeline": "Workers over time",
}


class Report:
    """What a fitted search found, what it cost, and how far to believe it.

    Print it in a terminal, show it in a notebook, or :meth:`save` it as one file.

    Parameters
    ----------
    search : fitted search
        One of this package; one of scikit-learn or scikit-optimize as far as its
        ``cv_results_`` goes.
    metric : str, default=None
        A metric of a search with several; None is the one that selected the winner.

    Attributes
    ----------
    advice : list of str
        The warnings worth reading, the gravest first.
    sections : list of Section
        All that it says, before it is text or HTML.

    Raises
    ------
    NotFittedError
        When the search is not fitted.
    ValueError
        When the search does not know the metric.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import BayesSearchCV
    >>> from skhpt.report import Report
    >>> X, y = load_iris(return_X_y=True)
    >>> search = BayesSearchCV(SVC(), n_iter=8, random_state=0).fit(X, y)
    >>> print(str(Report(search)).splitlines()[0])
    BayesSearchCV of SVC: 8 configurations, 5 folds
    """

    def __init__(self, search: Any, metric: str | None = None):
        self.view = SearchView.of(search, metric)

    @cached_property
    def title(self) -> str:
        view = self.view
        estimator = getattr(view.search, "estimator", None)
        of = "" if estimator is None else f" of {_named(estimator)}"
        n = view.n_first
        return (
            f"{type(view.search).__name__}{of}: {_counted(n_configurations(view))}, "
            f"{n} fold{'s' if n > 1 else ''}"
        )

    @cached_property
    def sections(self) -> list[Section]:
        return sections_of(self.view)

    @property
    def advice(self) -> list[str]:
        return advice_on(self.view)

    def __str__(self) -> str:
        return as_text(self.title, self.sections)

    def __repr__(self) -> str:
        return str(self)

    @cached_property
    def _fragment(self) -> str:
        return as_fragment(self.title, self.sections, self._pictures())

    def _repr_html_(self) -> str:
        return self._fragment

    def _pictures(self) -> dict[str, str]:
        """SVG of every picture that the search has something for."""
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            return {}
        drawn = {}
        for kind, caption in PICTURES.items():
            if kind_module(kind).why_not(self.view) is None:
                display = SearchDisplay(self.view, kind)._draw(Canvas(new_figure=bare_figure))
                drawn[caption] = as_svg(display.figure_, kind)
        return drawn

    def save(self, path: str | PathLike) -> Path:
        """Write one HTML file, with its style and pictures inside and no script.

        Parameters
        ----------
        path : str or path-like
            Where; a file that is there is replaced. Should end in ``.html``.

        Returns
        -------
        path : Path

        Raises
        ------
        ValueError
            When the name of the file says that it is something else.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"path must end in .html, as the report is HTML, got {str(path)!r}.")
        path.write_text(as_page(self.title, self._fragment), encoding="utf-8")
        return path


def _counted(n: int) -> str:
    return f"{n} configuration{'s' if n != 1 else ''}"


def _named(estimator: Any) -> str:
    """The class of an estimator; of a pipeline, those of its steps."""
    steps = getattr(estimator, "steps", None)
    if not steps:
        return type(estimator).__name__
    names = [s if isinstance(s, str) else type(s).__name__ for _, s in steps if s is not None]
    return shortened(" + ".join(names), 60)

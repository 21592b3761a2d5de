"""Hyperparameter search for scikit-learn, with curated spaces, a baseline and an honest score."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; at run time see _HOMES
    from .audit import score_report as score_report
    from .bayes import BayesSearchCV as BayesSearchCV
    from .comparison import Comparison as Comparison
    from .comparison import compare as compare
    from .estimators import space_for as space_for
    from .halving import HalvingGridSearchCV as HalvingGridSearchCV
    from .halving import HalvingRandomSearchCV as HalvingRandomSearchCV
    from .hyperband import HyperbandSearchCV as HyperbandSearchCV
    from .nested import nested_cv as nested_cv
    from .pbt import PBTSearchCV as PBTSearchCV
    from .plots import SearchDisplay as SearchDisplay
    from .searches import GridSearchCV as GridSearchCV
    from .searches import RandomizedSearchCV as RandomizedSearchCV
    from .selection import OneSE as OneSE
    from .space import When as When

__version__ = "0.1.0"

# Each is loaded at its first use: a program that imports the package pays for what it takes.
_HOMES = {
    "BayesSearchCV": "bayes",
    "Comparison": "comparison",
    "GridSearchCV": "searches",
    "HalvingGridSearchCV": "halving",
    "HalvingRandomSearchCV": "halving",
    "HyperbandSearchCV": "hyperband",
    "OneSE": "selection",
    "PBTSearchCV": "pbt",
    "RandomizedSearchCV": "searches",
    "SearchDisplay": "plots",
    "When": "space",
    "compare": "comparison",
    "nested_cv": "nested",
    "score_report": "audit",
    "space_for": "estimators",
}
_PACKAGES = ("comparison", "estimators", "plots", "report", "samplers", "space")
__all__ = [
    "BayesSearchCV",
    "Comparison",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "HyperbandSearchCV",
    "OneSE",
    "PBTSearchCV",
    "RandomizedSearchCV",
    "SearchDisplay",
    "When",
    "compare",
    "nested_cv",
    "score_report",
    "space_for",
]


def __getattr__(name: str):
    if name in _PACKAGES:
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = found  # the next time it is there
    return found


def __dir__():
    return sorted({*globals(), *_HOMES, *_PACKAGES})

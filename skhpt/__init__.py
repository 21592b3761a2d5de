"""Hyperparameter search for scikit-learn, with curated spaces, a baseline and an honest score."""

from importlib import import_module

from .bayes import BayesSearchCV
from .estimators import space_for
from .searches import GridSearchCV, RandomizedSearchCV
from .selection import OneSE
from .space import When

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
__version__ = "0.1.0"

# What most programs never use is loaded at its first use.
_LATE = {
    "Comparison": "comparison",
    "HalvingGridSearchCV": "halving",
    "HalvingRandomSearchCV": "halving",
    "HyperbandSearchCV": "hyperband",
    "PBTSearchCV": "pbt",
    "SearchDisplay": "plots",
    "compare": "comparison",
    "nested_cv": "nested",
    "score_report": "audit",
}


def __getattr__(name: str):
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)


def __dir__():
    return sorted({*globals(), *_LATE})

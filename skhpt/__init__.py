"""Hyperparameter search for scikit-learn, with curated spaces, a baseline and an honest score."""

from .estimators import space_for
from .searches import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from .space import When

__all__ = ["BayesSearchCV", "GridSearchCV", "RandomizedSearchCV", "When", "space_for"]
__version__ = "0.1.0"

"""Hyperparameter search for scikit-learn, with curated spaces, a baseline and an honest score."""

from .searches import BayesSearchCV, GridSearchCV, RandomizedSearchCV
from .space import When

__all__ = ["BayesSearchCV", "GridSearchCV", "RandomizedSearchCV", "When"]
__version__ = "0.1.0"

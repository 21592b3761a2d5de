"""Hyperparameter search for scikit-learn, with curated spaces, a baseline and an honest score."""

from .bayes import BayesSearchCV
from .estimators import space_for
from .searches import GridSearchCV, RandomizedSearchCV
from .space import When

__all__ = ["BayesSearchCV", "GridSearchCV", "RandomizedSearchCV", "When", "space_for"]
__version__ = "0.1.0"

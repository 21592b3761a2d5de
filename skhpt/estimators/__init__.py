"""What is known of estimators: curated search spaces, first configurations, threads."""

from .curated import first_trials, nearest, space_for, space_for_facts
from .facts import DataFacts
from .family import Family
from .find import leaves
from .registry import divide_threads, expecting, family_of, quiet_parameters, thread_parameters

__all__ = [
    "DataFacts",
    "Family",
    "divide_threads",
    "expecting",
    "family_of",
    "first_trials",
    "leaves",
    "nearest",
    "quiet_parameters",
    "space_for",
    "space_for_facts",
    "thread_parameters",
]

"""Pictures of a fitted search, drawn with matplotlib."""

from .display import KINDS, SearchDisplay

__all__ = ["KINDS", "SearchDisplay"]

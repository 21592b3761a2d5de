"""Search spaces: dimensions, conditions, and the notations in which people write them."""

from .base import Dimension, SpaceError
from .conditions import When
from .core import Space
from .dialects import Piece, native, parse, parse_dimension, to_grid, to_native
from .dimensions import Categorical, Drawn, Frozen, Integer, Layers, Ordinal, Real

__all__ = [
    "Categorical",
    "Dimension",
    "Drawn",
    "Frozen",
    "Integer",
    "Layers",
    "Ordinal",
    "Piece",
    "Real",
    "Space",
    "SpaceError",
    "When",
    "native",
    "parse",
    "parse_dimension",
    "to_grid",
    "to_native",
]

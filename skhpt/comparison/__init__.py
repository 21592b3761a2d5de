"""Which search should I use here, what did it buy, and can I trust the number?"""

from .api import compare
from .result import Comparison

__all__ = ["Comparison", "compare"]

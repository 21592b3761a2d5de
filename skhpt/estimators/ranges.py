"""Small words for writing a curated space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SIZES = ("small", "default", "wide")

Range = tuple[Any, Any, str]


def between(low: Any, high: Any, *, log: bool = False) -> Range | None:
    """Return ``(low, high, prior)``, or None when the data's caps leave nothing between."""
    return (low, high, "log-uniform" if log else "uniform") if low < high else None


def learning_rate(size: str) -> Range:
    """Return the range of a booster's learning rate: optima of large data lie low in it."""
    return (0.01, 0.3, "log-uniform") if size == "small" else (5e-3, 0.2, "log-uniform")


def without_none(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the space without the parameters that the data leaves no room for."""
    return {name: entry for name, entry in space.items() if entry is not None}


def with_column_share(values: Mapping[str, Any], n_features: int) -> dict[str, Any]:
    """Return the values with ``max_features`` as the share that means as many columns."""
    return {**values, "max_features": _column_share(values.get("max_features"), n_features)}


def _column_share(value: Any, n_features: int) -> Any:
    if value is None:
        return 1.0
    counts = {"sqrt": math.sqrt(n_features), "log2": math.log2(n_features)}
    if isinstance(value, float) or (isinstance(value, str) and value not in counts):
        return value
    count = max(1, int(counts.get(value, value)))
    # Half a column more, so that scikit-learn's rounding down is exact.
    return min(1.0, (count + 0.5) / n_features)

"""Values, numbers and names as people read them."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from typing import Any

import numpy as np


def number(value: Any, digits: int = 4) -> str:
    """Return a number with four significant digits, whole numbers in full.

    >>> number(0.000123456), number(12.0), number(1234567), number(123456.7)
    ('0.0001235', '12', '1234567', '123457')
    """
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    value = float(value)
    if not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "-")
    if 10**digits <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def decimals(scale: float, digits: int = 4) -> int:
    """How many decimals show a number of this size with so many significant digits.

    >>> decimals(0.8123), decimals(0.01), decimals(54.2), decimals(0.0)
    (4, 5, 2, 4)
    """
    if not math.isfinite(scale) or scale == 0.0:
        return digits
    return min(max(digits - 1 - math.floor(math.log10(abs(scale))), 0), 12)


def tick_texts(values: Sequence[float]) -> list[str]:
    """Return evenly spaced numbers with the decimals that tell them apart.

    >>> tick_texts([0.974, 0.9745, 0.975])
    ['0.9740', '0.9745', '0.9750']
    >>> tick_texts([-6.4e9, -4.8e9])
    ['-6.4e+09', '-4.8e+09']
    """
    values = [float(v) for v in values]
    largest = max(map(abs, values), default=0.0)
    step = min(np.diff(sorted(set(values))), default=largest)
    power = 0 if largest == 0.0 or 1e-4 <= largest < 1e6 else math.floor(math.log10(largest))
    n = 0 if step == 0.0 else _decimals_of(step / 10**power)
    return [f"{v:.{n}e}" if power else f"{v:.{n}f}" for v in values]


def _decimals_of(step: float) -> int:
    """How many decimals write a step down: one of 1, 2, 2.5 or 5 times a power of ten."""
    shifted = (step * 10**n for n in range(12))
    return next((n for n, s in enumerate(shifted) if round(s) and abs(s - round(s)) < 1e-6 * s), 12)


def fixed(value: float, n: int) -> str:
    """Return a number with so many decimals, one of more than seven digits by its power of ten.

    >>> fixed(0.9239, 4), fixed(-3290830549.0, 0)
    ('0.9239', '-3.2908e+09')
    """
    return f"{value:.4e}" if abs(value) >= 1e7 else f"{value:.{n}f}"


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits them.

    >>> duration(0.0123), duration(7.51), duration(754), duration(7300)
    ('12 ms', '7.5 s', '12.6 min', '2.0 h')
    """
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{1000 * seconds:.0f} ms"


def value_text(value: Any, width: int = 24) -> str:
    """Return the value of a parameter in few words.

    >>> value_text(0.1), value_text("rbf"), value_text(None), value_text((50, 50))
    ('0.1', 'rbf', 'None', '(50, 50)')
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        return number(value)
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | tuple):
        inside = ", ".join(value_text(v, width) for v in value)
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        text = f"[{inside}]" if isinstance(value, list) else f"({inside}{comma})"
    elif callable(value) and hasattr(value, "__name__"):
        text = value.__name__
    else:
        text = re.sub(r" object at 0x[0-9a-f]+", "", " ".join(repr(value).split()))
    return text if len(text) <= width else text[: width - 1] + "…"


def numbered(texts: Sequence[str]) -> list[str]:
    """Return texts, numbered where two would read alike.

    >>> numbered(["0.1", "0.1", "None"])
    ['0.1', '0.1 (2)', 'None']
    """
    seen: dict[str, int] = {}
    found = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        found.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return found


def label_texts(values: Sequence[Any], width: int = 18) -> list[str]:
    """Return texts of values that are short enough for an axis, and that tell them apart.

    An estimator with many parameters is named by its class where no other is of that class.

    >>> label_texts(["balanced_subsample_of_rows", None])
    ['balanced_…_of_rows', 'None']
    """
    texts = [value_text(value, 400) for value in values]
    classes = [type(value).__name__ for value in values]
    for i, value in enumerate(values):
        if hasattr(value, "get_params") and len(texts[i]) > width:
            texts[i] = classes[i] if classes.count(classes[i]) == 1 else texts[i]
    return numbered([squeezed(text, width) for text in texts])


def squeezed(text: str, width: int) -> str:
    """Return a text with an ellipsis in the middle where it is longer.

    >>> squeezed("HistGradientBoostingClassifier", 18)
    'HistGradi…assifier'
    """
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return the shortest endings of ``step__parameter`` names that tell them apart.

    >>> short_names(["svc__C", "scaler__with_mean", "pca__whiten"])
    {'svc__C': 'C', 'scaler__with_mean': 'with_mean', 'pca__whiten': 'whiten'}
    >>> short_names(["a__alpha", "b__alpha"])
    {'a__alpha': 'a__alpha', 'b__alpha': 'b__alpha'}
    """
    parts = {name: name.split("__") for name in names}
    return {name: _shortest_ending(name, parts) for name in names}


def _shortest_ending(name: str, parts: dict[str, list[str]]) -> str:
    own = parts[name]
    for n in range(1, len(own)):
        ending = own[-n:]
        if not any(other[-n:] == ending for key, other in parts.items() if key != name):
            return "__".join(ending)
    return name


def wrapped(name: str, width: int = 18) -> str:
    """Break a name behind its underscores into lines of about this width.

    >>> wrapped("min_child_samples")
    'min_child_samples'
    >>> wrapped("simpleimputer__add_indicator").splitlines()
    ['simpleimputer__', 'add_indicator']
    """
    lines = [""]
    for piece in name.replace("_", "_\0").split("\0"):
        if len(lines[-1]) + len(piece) > width and lines[-1] and piece != "_":
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)

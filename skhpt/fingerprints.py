"""Rows as numbers: 64 bits that are the same when a row is, and that say nothing about it.

A search keeps one such number a row, so that it can be told later whether a test row was
among those that it was tuned on. The rows themselves are not kept.
"""

from __future__ import annotations

import datetime
import hashlib
import numbers
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse

_CELLS_AT_A_TIME = 500_000
_NOT_A_NUMBER = np.array(np.nan).view(np.uint64)[()]
# Bits of the mantissa that are rounded off: 13 digits are left, so that a trip of a number
# through text, which may change its last digit, does not make another row of it.
_ROUNDED = 8
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD))


def fingerprints(X: Any) -> np.ndarray | None:
    """Return one number a row.

    Parameters
    ----------
    X : array-like, sparse matrix or dataframe of shape (n_samples, ...), or sequence of str
        A text is a row with one column. Only NumPy arrays, lists and tuples, SciPy's sparse
        matrices, and the frames and series of pandas and polars are read.

    Returns
    -------
    prints : ndarray of uint64 of shape (n_samples,), or None
        None for what cannot be read in this way.

    Notes
    -----
    Numbers count by their value and not by their dtype, columns by their place and not by their
    name, zeros of a dense matrix are those of a sparse one, missing values are all alike. So a
    row of a frame is the same as the row of the array that was made of it. It is another row when
    its columns are in another order, when it was scaled or encoded, or when its numbers were
    rounded to single precision in one of the two.
    """
    try:
        return _of_sparse(X) if issparse(X) else _of_columns(X)
    # Whatever an unusual container raises: a search works without.
    except Exception:
        return None


def count_among(prints: np.ndarray, known: np.ndarray) -> int:
    """How many of the rows stand among the known ones, too."""
    return int(np.isin(prints, known).sum())


def count_twins(prints: np.ndarray) -> int:
    """How many of the rows stand there more than once."""
    _, counts = np.unique(prints, return_counts=True)
    return int(counts[counts > 1].sum())


# -- tables ---------------------------------------------------------------------------------


def _of_columns(X) -> np.ndarray | None:
    if isinstance(X, list | tuple):
        X = np.array(X, dtype=object) if _is_text(X) else _as_array(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "fiub" and X.ndim:
        return _of_array(X.reshape(len(X), -1))
    columns = _columns(X)
    if columns is None:
        return None
    total: np.ndarray | None = None
    for number, values in enumerate(columns):
        bits = _mixed(_rounded(_bits(values)), _factors(number, number + 1))
        total = bits if total is None else total + bits
    return None if total is None else _final(total)


def _of_array(X: np.ndarray) -> np.ndarray:
    factors = _factors(0, X.shape[1])
    step = max(1, _CELLS_AT_A_TIME // max(1, X.shape[1]))
    prints = np.zeros(len(X), dtype=np.uint64)
    for start in range(0, len(X), step):
        part = _rounded(_number_bits(X[start : start + step]))
        prints[start : start + step] = _mixed(part, factors).sum(axis=1, dtype=np.uint64)
    return _final(prints)


def _of_sparse(X) -> np.ndarray:
    X = X.tocsr()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    cells = _mixed(_rounded(_number_bits(X.data)), _factors(0, X.shape[1])[X.indices])
    upto = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(cells, dtype=np.uint64)])
    return _final(upto[X.indptr[1:]] - upto[X.indptr[:-1]])


def _as_array(X: Sequence) -> np.ndarray:
    array = np.asarray(X)
    # NumPy makes text of the numbers that stand beside text.
    return array if array.dtype.kind not in "US" else np.array(X, dtype=object)


def _is_text(X: Sequence) -> bool:
    return bool(X) and isinstance(X[0], str | bytes)


def _columns(X) -> Iterator[Any] | None:
    """The columns of a table, or the one column of a series."""
    if isinstance(X, np.ndarray):
        return iter([X] if X.ndim == 1 else X.reshape(len(X), -1).T) if X.ndim else None
    library = type(X).__module__.partition(".")[0]
    if library == "pandas":
        return (X.iloc[:, i] for i in range(X.shape[1])) if X.ndim == 2 else iter([X])
    if library == "polars":
        columns = X.iter_columns() if hasattr(X, "iter_columns") else [X]
        return (column.to_numpy() for column in columns)
    return None


# -- cells ------------------------------------------------------------------------------------


def _bits(column) -> np.ndarray:
    """64 bits a value."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiubM":
        return _number_bits(np.asarray(column))
    if not isinstance(column, np.ndarray):  # pandas: codes, found by its own hash table
        codes, values = column.factorize()
    else:
        codes, values = _factorize(column.tolist())
    known = np.array([*map(_value_bits, values), _NOT_A_NUMBER], dtype=np.uint64)
    return known[codes]  # a missing value has the code -1


def _factorize(column: Iterable) -> tuple[np.ndarray, Iterable]:
    codes: dict[Any, int] = {}
    numbered = [codes.setdefault(value, len(codes)) for value in column]
    return np.array(numbered, dtype=np.intp), codes


def _number_bits(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "M":
        missing = np.isnat(values)
        values = values.astype("datetime64[us]").astype(np.int64).astype(np.float64)
        values[missing] = np.nan
    values = np.add(values, 0.0, dtype=np.float64)  # a copy, in which -0.0 is 0.0
    missing = np.isnan(values)
    bits = values.view(np.uint64)
    if missing.any():
        bits[missing] = _NOT_A_NUMBER
    return bits


def _value_bits(value) -> np.uint64:
    """Bits of one value of a column that holds more than numbers."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return _NOT_A_NUMBER
    if isinstance(value, numbers.Real | np.bool_):
        return _number_bits(np.array([float(value)]))[0]
    if isinstance(value, datetime.date):
        return _number_bits(np.array([value], dtype="datetime64[us]"))[0]
    if not isinstance(value, str | bytes):
        raise TypeError(f"no row is known by a {type(value).__name__}")
    text = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return np.frombuffer(hashlib.blake2b(text, digest_size=8).digest(), dtype=np.uint64)[0]


# -- mixing -----------------------------------------------------------------------------------


def _factors(start: int, stop: int) -> np.ndarray:
    """An odd number for each column: without it, the order of the columns would not count."""
    return _mixed(np.arange(start + 1, stop + 1, dtype=np.uint64), _MIX[0]) | np.uint64(1)


def _rounded(bits: np.ndarray) -> np.ndarray:
    bits += np.uint64(1 << (_ROUNDED - 1))
    bits >>= np.uint64(_ROUNDED)
    return bits


def _mixed(bits: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Spread the bits of each cell over all 64, in place; zero stays zero, as sparse rows need.

    Multiplications by odd numbers and shifts, as in the finalisers of MurmurHash3 (A. Appleby).
    """
    # First, as small whole numbers have all their bits at the upper end, where they would get lost.
    bits ^= bits >> np.uint64(32)
    bits *= factors
    bits ^= bits >> np.uint64(29)
    bits *= _MIX[1]
    bits ^= bits >> np.uint64(32)
    return bits


def _final(prints: np.ndarray) -> np.ndarray:
    return _mixed(prints, _MIX[0])

"""What a curated space must know of the data: a handful of numbers, and the caps they imply."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from .ranges import Range, between

FEW_COLUMNS = 3  # sampling columns means nothing with so few
FEW_ROWS = 50  # do not subsample below
SMALL_DATA = 200  # rows; below, a few parameters are all that can be told apart

# Rows a leaf of the usual best tree, on the average. Of 57 searches of LightGBM by other
# packages, on 1,000 rows of nine data sets, half ended with 9 to 18 leaves; of 18 of XGBoost,
# with a depth of 2 to 5.
ROWS_IN_LEAF = 50

# Bins of a histogram: with fewer rows in each, finer thresholds cost time (the split of the
# smallest node is sought in all the bins) and fit noise. On 1,000 rows of data sets with
# measured (not counted) columns, 64 bins in place of 256 take 0.5 to 0.8 of XGBoost's time
# and 0.6 to 0.9 of LightGBM's, at losses between 5 % lower and 2 % higher.
ROWS_IN_BIN = 12
FEWEST_BINS, MOST_BINS = 64, 256

# How much of a target is read, which takes a fraction of a second.
MOST_VALUES = 200_000
MOST_OUTPUTS = 100
LEAST_ROWS = 10_000  # of each of many outputs


@dataclass(frozen=True)
class DataFacts:
    """The size and shape of the data that one fit of a cross-validation sees.

    Parameters
    ----------
    n_fit : int
        Rows of a fit.
    n_features : int
        Columns of X.
    n_classes : int
        Number of classes; 0 for regression.
    n_min : int
        Rows of a fit that belong to the rarest class.
    y_std : float
        Standard deviation of a regression target; 1 if there is none.
    positive_share : float
        With two classes, the share of the second one (in sorted order).
    has_categories : bool
        Whether X has columns of a categorical dtype.
    columns_known : bool
        Whether ``n_features`` is exact for the estimator in question rather than a guess.

    Notes
    -----
    The defaults describe data that nobody has shown: large enough for no cap to bind.

    The caps exclude configurations that cannot work (a minimum leaf size above half of the
    rows leaves a tree without a split) and models far too large for the data.
    """

    n_fit: int = 10_000
    n_features: int = 20
    n_classes: int = 0
    n_min: int = 5_000
    y_std: float = 1.0
    positive_share: float = 0.5
    has_categories: bool = False
    columns_known: bool = False

    @classmethod
    def of(cls, X: Any = None, y: Any = None, *, train_share: float = 0.8) -> DataFacts:
        """Look at the data.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or list, default=None
            Samples; None if unknown.
        y : array-like, default=None
            Target; None if unknown. Whole numbers, booleans and strings count as labels:
            whether they are is known only beside an estimator, see :meth:`seen_by`. Of
            more than 200,000 values, a sample is read.
        train_share : float, default=0.8
            Share of the rows that a fit sees.

        Returns
        -------
        DataFacts
        """
        rows, columns = _shape(X)
        if rows is None:
            rows = _shape(y)[0]
        known: dict[str, Any] = {"has_categories": _has_categories(X)}
        if rows is not None:
            n_fit = max(1, int(rows * train_share))
            known.update(n_fit=n_fit, n_min=max(1, n_fit // 2))
        if columns is not None:
            known.update(n_features=max(1, columns), columns_known=True)
        target = _describe(y)
        if target is not None:
            known.update(
                n_classes=target.n_classes,
                n_min=max(1, int(target.n_min * train_share)),
                y_std=target.std,
                positive_share=target.positive_share,
            )
        return cls(**known)

    def seen_by(self, *, classifier: bool, changed: Iterable[str] = ()) -> DataFacts:
        """Return the facts as an estimator inside of others sees them.

        Parameters
        ----------
        classifier : bool
            Whether it predicts classes.
        changed : collection of {"columns", "target", "classes"}
            What the estimators around it make of the data: other columns (a transformer
            before it), another target (about standardised), two classes at a time.

        Returns
        -------
        DataFacts
        """
        facts = self
        if "columns" in changed:
            n_features = max(facts.n_features, DataFacts.n_features)
            facts = replace(facts, n_features=n_features, columns_known=False)
        if "target" in changed:
            facts = replace(facts, y_std=1.0)
        if not classifier:
            return replace(facts, n_classes=0)
        if facts.n_classes < 2:
            return replace(facts, n_classes=2, n_min=max(1, facts.n_fit // 2))
        if "classes" in changed:
            return replace(facts, n_classes=2, positive_share=0.5)
        return facts

    # -- what follows for a space --------------------------------------------------------

    @property
    def is_small(self) -> bool:
        """Whether there are so few rows that large spaces only fit noise."""
        return self.n_fit < SMALL_DATA

    @property
    def y_variance(self) -> float:
        """The unit of impurities: variance of a regression target, 1 for classes."""
        return 1.0 if self.n_classes else self.y_std**2

    @property
    def is_skewed(self) -> bool:
        """Whether there are two classes, one of which has less than a tenth of the rows."""
        return self.n_classes == 2 and not 0.1 <= self.positive_share <= 0.9

    def max_leaves(self, wide: bool = False) -> int:
        """Return the cap of the leaves of a boosted tree: ten rows each (wide: five)."""
        rows, cap = (5, 1024) if wide else (10, 255)
        return _clip(self.n_fit // rows, 8, cap)

    def usual_leaves(self) -> int:
        """Return how many leaves a boosted tree has where it does well: fifty rows each."""
        return max(8, self.n_fit // ROWS_IN_LEAF)

    def usual_depth(self) -> int:
        """Return the depth of a balanced tree that has the usual number of leaves."""
        return round(math.log2(self.usual_leaves()))

    def max_leaf_rows(self, least_share: float = 1.0) -> int:
        """Return the cap of a minimum leaf size.

        It is at most half of the smallest row sample (a share of ``least_share``): beyond,
        no split is possible and every model is a constant.
        """
        return min(_clip(self.n_fit // 20, 5, 100), int(least_share * self.n_fit / 2))

    def max_depth(self, deepest: int = 10) -> int:
        """Return the cap of the depth of a boosted tree."""
        return _clip(math.ceil(math.log2(max(2, self.n_fit))), 4, deepest)

    def child_weight(self, low: float = 1e-3) -> Range | None:
        """Return the range of a minimum sum of Hessians in a leaf.

        The Hessian of the logistic loss is at most 1/4 a row and about the share of the
        rare class in sum, which an eighth of that class's rows leaves room for.
        """
        cap = _clip(self.n_fit / 50, 2.0, 20.0)
        if self.n_classes:
            cap = min(cap, self.n_min / 8)
        return between(low, float(cap), log=True)

    def bins(self) -> int | None:
        """Return how many bins of a histogram the rows can fill, a power of two.

        None where they fill as many as the libraries take by default.
        """
        filled = 2 ** int(math.log2(max(1, self.n_fit // ROWS_IN_BIN)))
        return max(FEWEST_BINS, filled) if filled < MOST_BINS else None

    def rounds(self, low: int, high: int) -> Range | None:
        """Return the range of boosting rounds; a round is one tree for each class."""
        if self.n_classes > 2:
            high = _clip(3 * high // self.n_classes, 100, high)
        return between(low, high, log=True)

    def share_of_columns(self, low: float) -> Range | None:
        """Return the range of a sample of columns; None when there are too few to sample."""
        if self.n_features <= FEW_COLUMNS:
            return None
        return between(max(low, 1 / self.n_features), 1.0)

    def share_of_rows(self, low: float, high: float = 1.0) -> Range | None:
        """Return the range of a sample of rows; None when there are too few to sample."""
        low = max(low, FEW_ROWS / self.n_fit)
        return between(low, high) if low <= 0.9 else None


def _clip(value: Any, low: Any, high: Any) -> Any:
    return min(max(value, low), high)


# -- reading the data ----------------------------------------------------------------------


def _shape(data: Any) -> tuple[int | None, int | None]:
    """Return the number of rows and columns, None where it cannot be known cheaply."""
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and shape:
        known = [int(n) if isinstance(n, int | np.integer) else None for n in shape]
        return known[0], known[1] if len(known) == 2 else None
    if data is None or not hasattr(data, "__len__"):
        return None, None
    first = data[0] if isinstance(data, list | tuple) and data else None
    is_row = isinstance(first, list | tuple | np.ndarray) and np.ndim(first) == 1
    return len(data), len(first) if is_row else None


def _has_categories(X: Any) -> bool:
    """Whether a data frame (of any library) has a column of a categorical dtype."""
    dtypes = getattr(X, "dtypes", None)
    if not isinstance(dtypes, Iterable):
        return False
    return any(str(dtype).lower().startswith(("categor", "enum")) for dtype in dtypes)


class _Target(NamedTuple):
    n_classes: int
    n_min: int  # rows of the rarest class
    std: float
    positive_share: float


def _describe(y: Any) -> _Target | None:
    """Return what y looks like; several outputs are summed up by their hardest one.

    Large targets are described by a sample.
    """
    values = _as_table(y)
    if values is None:
        return None
    n_rows, n_columns = values.shape
    columns = _sample(n_columns, MOST_OUTPUTS)
    rows = _sample(n_rows, max(LEAST_ROWS, MOST_VALUES // len(columns)))
    counted = _count_sparse if issparse(values) else _count_dense
    found = [_describe_column(*column) for column in counted(values, rows, columns)]
    return _Target(
        n_classes=max(t.n_classes for t in found),
        n_min=max(1, int(min(t.n_min for t in found) * n_rows / len(rows))),
        std=float(np.mean([t.std for t in found])),
        positive_share=found[0].positive_share if len(found) == 1 else 0.5,
    )


def _as_table(y: Any) -> Any:
    """Return y with a column for each output, sparse if it was; None if it cannot be read."""
    if y is None:
        return None
    try:
        values = y if issparse(y) else np.asarray(y)
    except ValueError:  # ragged
        return None
    if values.ndim not in (1, 2) or 0 in values.shape:
        return None
    return values.reshape((-1, 1)) if values.ndim == 1 else values


def _sample(n: int, most: int) -> np.ndarray:
    """Return at most ``most`` of ``n`` positions, in order, the same each time.

    They are evenly spread but not evenly spaced, which would see only one of two classes
    that alternate.
    """
    if n <= most:
        return np.arange(n)
    jitter = np.random.default_rng(0).random(most)
    return np.unique(((np.arange(most) + jitter) * (n / most)).astype(int).clip(0, n - 1))


# The distinct values of a column, sorted, and how often each occurs; missing ones left out.
_Counts = tuple[Any, np.ndarray]


def _count_dense(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Iterator[_Counts]:
    for i in columns:
        column = values[:, i] if len(rows) == len(values) else values[rows, i]
        yield _count_numbers(column) if column.dtype.kind in "biuf" else _count_objects(column)


def _count_sparse(values: Any, rows: np.ndarray, columns: np.ndarray) -> Iterator[_Counts]:
    """Count what is stored; all the rest are zeros."""
    chosen = values.tocsr()
    if len(rows) < chosen.shape[0]:
        chosen = chosen[rows]
    chosen = chosen[:, columns].tocsc()
    for start, stop in zip(chosen.indptr[:-1], chosen.indptr[1:]):
        labels, counts = _count_numbers(np.append(chosen.data[start:stop], 0))
        counts[labels == 0] += len(rows) - int(stop - start) - 1
        yield labels[counts > 0], counts[counts > 0]


def _count_numbers(column: np.ndarray) -> _Counts:
    column = column.astype(float)
    return np.unique(column[np.isfinite(column)], return_counts=True)


def _count_objects(column: np.ndarray) -> _Counts:
    try:
        # missing values are sought among the distinct ones, which are few
        counter = Counter(column.tolist())
    except TypeError:  # labels that cannot be hashed
        return [], np.empty(0, int)
    labels = [label for label in counter if not _is_missing(label)]
    if column.dtype.kind == "O" and all(isinstance(v, numbers.Real | np.bool_) for v in labels):
        labels = [label for label in labels if math.isfinite(label)]
        labels.sort()
        counts = [counter[label] for label in labels]
        return np.array(labels, dtype=float), np.array(counts, dtype=int)
    try:
        labels.sort()
    except TypeError:  # labels of several types
        labels.sort(key=str)
    return labels, np.array([counter[label] for label in labels], dtype=int)


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or a library's own mark of a missing value."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 (only a missing value is not itself)
    except (TypeError, ValueError):  # pandas.NA refuses to be true or false
        return True


def _describe_column(labels: Any, counts: np.ndarray) -> _Target:
    """Describe a column from its sorted distinct values and how often each occurs."""
    n, std = int(counts.sum()), 1.0
    if not n:
        return _Target(0, 1, std, 0.5)
    if isinstance(labels, np.ndarray):
        std = _std(labels, counts)
        if not np.array_equal(labels, np.rint(labels)):
            return _Target(0, max(1, n // 2), std, 0.5)
    positive = float(counts[1] / n) if len(counts) == 2 else 0.5
    return _Target(len(counts), int(counts.min()), std, positive)


def _std(values: np.ndarray, counts: np.ndarray) -> float:
    """Return the standard deviation of counted numbers; 1 if they have none."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(values, weights=counts)
        std = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    return std if math.isfinite(std) and std > 0 else 1.0

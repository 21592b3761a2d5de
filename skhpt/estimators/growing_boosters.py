"""What the growers of boosters have in common."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .growing import Growth, Watched

# What the libraries' own logarithmic losses clip probabilities by.
TINY = 1e-15
# A tree costs as if it had so many leaves more: fitted to seconds of random configurations of
# LightGBM and XGBoost on eight data sets, where the logarithm of a round's cost scatters by 0.42
# around that of its leaves, and by 0.6 (LightGBM) and 0.8 around a constant.
_LEAVES_BESIDE = 8
_LEAVES_AS_IT_COMES = 31
# Rounds whose trees are counted.
SIZED = 2


class BoosterGrowth(Growth):
    """A live booster: the bookkeeping of rounds."""

    _cost: float | None = None

    @property
    def round_cost(self) -> float:
        """By the size of its first trees, in rounds of a booster with 31 leaves."""
        if self._cost is None and self.n_rounds:
            size = self._tree_size()
            whole = _LEAVES_AS_IT_COMES + _LEAVES_BESIDE
            self._cost = 1.0 if size is None else (size + _LEAVES_BESIDE) / whole
        return self._cost or 0.0

    def _tree_size(self) -> float | None:
        """Leaves of a tree in the first `SIZED` rounds; None where cost does not follow them."""
        return None

    @abstractmethod
    def _fitted(self, n_rounds: int) -> Any:
        """Do what ``fitted`` does, for a number of rounds that has been reached."""

    def _check_ahead(self, n_rounds: int) -> None:
        if n_rounds < self.n_rounds:
            raise ValueError(
                f"n_rounds must be at least the {self.n_rounds} rounds trained so far, got "
                f"{n_rounds}; ask fitted(n_rounds) for an earlier model."
            )

    def fitted(self, n_rounds: int) -> Any:
        if not 1 <= n_rounds <= self.n_rounds:
            raise ValueError(
                f"n_rounds must lie between 1 and the {self.n_rounds} rounds trained so far, "
                f"got {n_rounds}; call grow({n_rounds}) first."
            )
        return self._fitted(n_rounds)

    def _check_started(self) -> None:
        if not self.n_rounds:
            raise ValueError("A model without rounds has no predictions; call grow(1) first.")


def check_method(estimator: Any, method: str) -> None:
    """Raise AttributeError where an estimator does not predict by this method."""
    if method not in ("predict", "predict_proba", "decision_function"):
        raise AttributeError(f"A growing model has no method {method!r}.")
    getattr(estimator, method)


class Fold:
    """What was made of a fold's rows, for all configurations that train on the same rows.

    Rows are the same when they are the same objects; weights, which are sliced anew for each
    fit, when they are equal.
    """

    def __init__(self, X: Any, y: Any, weight: Any, watched: Watched):
        self._rows = (X, y, watched.X, watched.y)
        self._weight = weight
        self.kept: dict[Any, Any] = {}
        self.lock = threading.Lock()  # held by whoever asks, so that nothing is made twice

    def keep(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what is kept under a key; make it first where there is nothing."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def _is_of(self, X: Any, y: Any, weight: Any, watched: Watched) -> bool:
        given = (X, y, watched.X, watched.y)
        return all(a is b for a, b in zip(self._rows, given)) and _equal(self._weight, weight)

    @classmethod
    def among(
        cls, shared: dict, library: str, X: Any, y: Any, weight: Any, watched: Watched
    ) -> Fold:
        """Find a library's fold in `shared`; begin another when the rows are others."""
        fold = shared.get(library)
        if fold is None or not fold._is_of(X, y, weight, watched):
            fold = shared[library] = cls(X, y, weight, watched)
        return fold


def _equal(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return a is b or np.array_equal(np.asarray(a), np.asarray(b))


def kind_of(X: Any) -> str | None:
    """Name the kind of a table: array, frame or sparse; None for any other."""
    if type(X) is np.ndarray:
        return "array" if X.ndim == 2 and X.dtype.kind in "fiub" else None
    module, name = type(X).__module__.partition(".")[0], type(X).__name__
    if module == "pandas" and name == "DataFrame":
        return "frame"
    return "sparse" if module == "scipy" and getattr(X, "format", "") == "csr" else None


def as_weights(weight: Any, n_rows: int) -> np.ndarray | None:
    """Read sample weights; None for what ``fit`` itself has to judge."""
    weight = np.asarray(weight)
    if weight.shape != (n_rows,) or weight.dtype.kind not in "fiu":
        return None
    weight = weight if weight.dtype.kind == "f" else weight.astype(np.float64)
    return weight if np.isfinite(weight).all() else None


def as_targets(y: Any, n_rows: int, numeric: bool) -> np.ndarray | None:
    """Read one target a row; None for what ``fit`` itself has to judge."""
    y = np.asarray(y)
    if y.shape != (n_rows,):
        return None
    if y.dtype.kind in "fc" and not np.isfinite(y).all():
        return None
    return y if y.dtype.kind in "fiub" or not numeric else None


def class_numbers(classes: np.ndarray, y: Any) -> np.ndarray | None:
    """Number labels by their class; None when there is one that was not trained on."""
    try:
        y = np.asarray(y)
        numbers = np.clip(np.searchsorted(classes, y), 0, len(classes) - 1)
        return numbers if np.array_equal(classes[numbers], y) else None
    except TypeError:  # labels that cannot be ordered among the classes
        return None


def _log_loss(y: np.ndarray, p: np.ndarray, params: Mapping[str, Any]) -> float:
    if p.ndim == 2:
        return -np.log(np.clip(p[np.arange(len(y)), y], TINY, 1))
    return -np.log(np.clip(np.where(y > 0, p, 1 - p), TINY, 1))


def _pinball(y: np.ndarray, p: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    alpha = params["alpha"]
    return np.where(y >= p, alpha * (y - p), (1 - alpha) * (p - y))


def _huber(y: np.ndarray, p: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    delta, off = params["alpha"], np.abs(y - p)
    return np.where(off <= delta, off**2 / 2, delta * (off - delta / 2))


def _fair(y: np.ndarray, p: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    c, off = params["fair_c"], np.abs(y - p)
    return c * off - c**2 * np.log1p(off / c)


def _pseudo_huber(y: np.ndarray, p: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    return params["delta"] ** 2 * (np.sqrt(1 + ((y - p) / params["delta"]) ** 2) - 1)


def _tweedie(y: np.ndarray, p: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    power = params["power"]
    return p ** (2 - power) / (2 - power) - y * p ** (1 - power) / (1 - power)


# Each gives a loss for every row, from targets and from predictions after the link.
LOSSES: Mapping[str, Callable[[np.ndarray, np.ndarray, Mapping[str, Any]], Any]] = {
    "log": _log_loss,
    "squared": lambda y, p, _: (y - p) ** 2,
    "absolute": lambda y, p, _: np.abs(y - p),
    "percentage": lambda y, p, _: np.abs(y - p) / np.maximum(1, np.abs(y)),
    "squared_log": lambda y, p, _: (np.log1p(y) - np.log1p(np.maximum(p, -1 + 1e-6))) ** 2,
    "quantile": _pinball,
    "huber": _huber,
    "pseudo_huber": _pseudo_huber,
    "fair": _fair,
    "poisson": lambda y, p, _: p - y * np.log(np.maximum(p, TINY)),
    "gamma": lambda y, p, _: y / p + np.log(p),
    "tweedie": _tweedie,
}


def mean_loss(kind: str | None, y: Any, p: np.ndarray, params: Mapping[str, Any]) -> float:
    """Average a loss over rows; NaN where the loss or a target is not known."""
    if kind is None or y is None:
        return float("nan")
    with np.errstate(all="ignore"):
        return float(np.mean(LOSSES[kind](y, np.asarray(p, dtype=np.float64), params)))

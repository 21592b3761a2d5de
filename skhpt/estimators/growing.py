"""Models that are trained in steps: boosters by rounds, networks by epochs.

A :class:`Grower` knows a library; a :class:`Growth` is one model on one fold. What a growth
says at some number of rounds is what the estimator's own ``fit`` with that number would say;
whatever a library does not allow for that, a grower does not support.
"""

from __future__ import annotations

import copy
import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np


class Watched(NamedTuple):
    """The rows that a growth is asked about as it grows."""

    X: Any
    y: Any


def as_rows(X: Any) -> Any:
    """Lists of numbers as the array that every ``fit`` makes of them; all else as it is."""
    if type(X) is not list:
        return X
    try:
        table = np.asarray(X)
    except ValueError:  # rows of different lengths
        return X
    return table if table.ndim == 2 and table.dtype.kind in "fiub" else X


class Growth(ABC):
    """One model that is trained further and further, in one process.

    Attributes
    ----------
    n_rounds : int
        Rounds (trees a class, epochs) trained so far.
    looks_back : bool
        Whether ``answer_after`` is there: cheaper than a model of so many rounds.
    round_cost : float
        What a round costs beside those of other configurations, in any unit; the same on every
        machine. 1 where that does not depend much on the configuration.
    """

    n_rounds: int = 0
    looks_back: bool = False
    round_cost: float = 1.0

    @abstractmethod
    def grow(self, n_rounds: int) -> None:
        """Train up to `n_rounds` in all; fewer than `self.n_rounds` is an error.

        Where the estimator's own ``fit`` ends by itself, `n_rounds` stays where that was, and
        whatever is asked for beyond it is what was reached.
        """

    @abstractmethod
    def answer(self, method: str) -> np.ndarray:
        """Tell what a method (``predict``, ``predict_proba``, ...) gives for the watched rows.

        Raises
        ------
        AttributeError
            When the estimator has no such method.
        """

    def answer_after(self, method: str, n_rounds: int) -> np.ndarray:
        """Tell what a method of ``fitted(n_rounds)`` gives for the watched rows, to the last bit.

        Raises
        ------
        NotImplementedError
            When only the fitted model can tell, see ``looks_back``.
        """
        raise NotImplementedError

    @abstractmethod
    def loss(self) -> float:
        """The library's own loss on the watched rows, smaller is better; NaN where unknown."""

    @abstractmethod
    def fitted(self, n_rounds: int) -> Any:
        """The estimator as its own ``fit`` with `n_rounds` leaves it.

        Raises
        ------
        ValueError
            When the model has not been trained so far, or cannot go back.
        """

    # -- for training whose parameters change on the way ---------------------------------------

    def change(self, params: Mapping[str, Any]) -> None:
        """Train on with other values of some of the grower's ``changeable`` parameters.

        The rounds so far stay as they are. A model that had come to its own end goes on.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot change its parameters.")

    def state(self) -> dict[str, Any] | None:
        """Tell all that training has changed, random streams included, but not the rows.

        None where a library has no way to tell; then the same rounds, trained once more, give a
        model in the same state. What is told goes on changing as the model grows.
        """
        return None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put a growth that was started on the same rows into a state, which is its own then."""
        vars(self).update(state)

    def copy(self) -> Growth | None:
        """Another model in this very state; None where there is no way."""
        state = self.state()
        if state is None:
            return None
        other = copy.copy(self)
        other.restore(copy.deepcopy(state))
        return other

    def rest(self) -> None:  # noqa: B027 (most have nothing to let go of)
        """Let go of what can be made again, until the next round."""


class Grower(ABC):
    """What is known of training a library's estimators in steps.

    Attributes
    ----------
    rounds : str
        Name of the estimator's parameter that says how many rounds ``fit`` trains.
    goes_back : bool
        Whether ``fitted`` can be had for any number of rounds up to the one that was reached;
        else for those only that ``grow`` was called with.
    patience : int
        Rounds without an improvement that are enough to stop. Trees in small steps improve in
        small steps, but steadily, so that this does not depend on the learning rate.
    max_rounds : int
        Where to stop in any case.
    changeable : frozenset of str
        Parameters that may change between two rounds, see :meth:`Growth.change`.
    beside : frozenset of str
        Parameters that may not, but to which a curated space gives the single value without
        which one that may has no effect.
    example : mapping
        A space of changeable parameters, to be shown where nothing is curated.
    """

    rounds: str
    goes_back: bool = True
    patience: int = 30
    max_rounds: int = 1000
    changeable: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    example: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, estimator: Any) -> Grower:
        """Return the grower of an estimator: the same for all, where all use the same names."""
        return cls()

    def own_number(self, estimator: Any) -> int:
        """The rounds that an estimator trains as it is."""
        return int(estimator.get_params(deep=False)[self.rounds])

    def gap(self, name: str, params: Mapping[str, Any]) -> tuple[float, float] | None:
        """The values that a changeable parameter must not cross during training.

        Parameters
        ----------
        name : str
        params : mapping
            Of the estimator, where they do not change.

        Returns
        -------
        gap : (float, float) or None
            Values up to the first may not be mixed with those from the second on, and between
            the two there may be none. None where all may be mixed.
        """
        return None

    @abstractmethod
    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives.

        Some decide by the number of rows for training, and refuse where it is not known.
        """

    def climbs(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether that holds for a model that is looked at after few numbers of rounds only."""
        return self.supports(estimator, fit_params, n_samples)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        """What to set so that an estimator can be grown, as ``name=value``.

        Nothing where that is not what is in the way.
        """
        return []

    @abstractmethod
    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth | None:
        """Begin a model with no rounds yet; None where the data are not of a kind that is proven.

        Parameters
        ----------
        estimator : estimator object
            A clone with its configuration, not fitted; it may be kept and changed.
        X, y : the rows for training, as ``fit`` would get them
        watched : Watched
        fit_params : mapping
            As ``fit`` would get them.
        shared : dict
            Lives as long as the fold, for what all configurations of the fold have in common
            (bins); whoever puts something in chooses a key that tells all that it depends on.
            Rows count as the same when `X`, `y`, ``watched.X`` and ``watched.y`` are the same
            objects, so slices of a fold are to be made once, not for each configuration. It
            stays in its process.

        Returns
        -------
        growth : Growth or None
            None for data that are not proven to be trained on as ``fit`` does, or that ``fit``
            itself has to refuse; the estimator has not been changed then.
        """


# Family by family: the module (in this package) and the class that grows it.
GROWERS: Mapping[str, tuple[str, str]] = {
    "LGBMClassifier": ("growing_lightgbm", "LightGBMGrower"),
    "LGBMRegressor": ("growing_lightgbm", "LightGBMGrower"),
    "XGBClassifier": ("growing_xgboost", "XGBoostGrower"),
    "XGBRegressor": ("growing_xgboost", "XGBoostGrower"),
    "CatBoostClassifier": ("growing_catboost", "CatBoostGrower"),
    "CatBoostRegressor": ("growing_catboost", "CatBoostGrower"),
    "HistGradientBoostingClassifier": ("growing_sklearn", "HistGradientBoostingGrower"),
    "HistGradientBoostingRegressor": ("growing_sklearn", "HistGradientBoostingGrower"),
    "GradientBoostingClassifier": ("growing_sklearn", "GradientBoostingGrower"),
    "GradientBoostingRegressor": ("growing_sklearn", "GradientBoostingGrower"),
    "MLPClassifier": ("growing_networks", "MLPGrower"),
    "MLPRegressor": ("growing_networks", "MLPGrower"),
}


def grower_of(
    estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
) -> Grower | None:
    """Find who can grow an estimator (not a pipeline: its last step); None for nobody."""
    grower = grower_of_kind(estimator)
    if grower is None or not grower.supports(estimator, fit_params, n_samples):
        return None
    return grower


def grower_of_kind(estimator: Any) -> Grower | None:
    """Find who grows estimators of a kind, if perhaps not this one as it is set."""
    row = GROWERS.get(type(estimator).__name__)
    library = type(estimator).__module__.partition(".")[0]
    if row is None or library not in ("sklearn", "lightgbm", "xgboost", "catboost"):
        return None
    return getattr(importlib.import_module(f".{row[0]}", __package__), row[1]).of(estimator)

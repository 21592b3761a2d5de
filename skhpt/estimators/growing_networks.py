"""Growing scikit-learn's networks, which go on through ``partial_fit``.

One random stream serves from the first epoch to the last. Private attributes of the estimators
are read in the functions that are marked with "Private:"; the tests hold them to what ``fit``
gives.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import unique_labels

from .._compat import num_samples, safe_split
from .growing import Grower, Growth, Watched
from .growing_scikit import SklearnGrowth, only_weights


def own_stream(random_state) -> np.random.RandomState:
    """One stream for all epochs, where ``partial_fit`` would begin a seed's anew each time.

    Nobody else may draw from it meanwhile, hence a seed in the place of numpy's global stream.
    """
    stream = check_random_state(random_state)
    if stream is check_random_state(None):
        return np.random.RandomState(stream.randint(np.iinfo(np.int32).max))
    return stream


def _converged(model) -> bool:
    """Private: whether the last epoch was the one after which ``fit`` stops by itself."""
    return model._no_improvement_count > model.n_iter_no_change


# Private: what the optimizers keep of the model's parameters.
_KEPT = ("learning_rate_init", "momentum", "power_t", "beta_1", "beta_2", "epsilon")


def _retune(model, before: Mapping[str, Any]) -> None:
    """Private: tell the optimizer of new parameters, and be patient again.

    A rate that the schedule has lowered stays lower by as much.
    """
    model._no_improvement_count = 0
    optimizer = model._optimizer
    old, new = before["learning_rate_init"], model.learning_rate_init
    rate = optimizer.learning_rate
    optimizer.learning_rate = float(new) if rate == old else rate * new / old
    for name in _KEPT:
        if hasattr(optimizer, name):
            setattr(optimizer, name, getattr(model, name))


class _InPlace:
    """What makes scikit-learn's Adam give the same numbers in the memory that there is.

    That takes a half of the time where the layers are wide.
    """

    def update_params(self, params, grads) -> None:
        self.t += 1
        scale = self.learning_rate_init * np.sqrt(1 - self.beta_2**self.t)
        self.learning_rate = scale / (1 - self.beta_1**self.t)
        for arrays in zip(params, grads, self.ms, self.vs):
            self._step(*arrays)

    def _step(self, param, grad, m, v) -> None:
        m *= self.beta_1
        step = (1 - self.beta_1) * grad
        m += step
        v *= self.beta_2
        size = np.square(grad)
        size *= 1 - self.beta_2
        v += size
        np.sqrt(v, out=size)
        size += self.epsilon
        np.multiply(m, -self.learning_rate, out=step)
        step /= size
        param += step


@functools.cache
def _in_place(kind: type) -> type:
    return type(f"{kind.__name__}InPlace", (_InPlace, kind), {})


def _checked(model, X, y) -> tuple[Any, np.ndarray]:
    """Private: the rows as training gets them, the classes as numbers."""
    return model._validate_input(X, y, True, False)


@contextlib.contextmanager
def _without_checks(model, X, y):
    """Private: train on rows that are known to be as they should, and spare an epoch the check.

    It takes as long as some batches of a small network do.
    """
    optimizer = model._optimizer
    kind = type(optimizer)
    # With single precision some of the numbers on the way are double.
    if model.solver == "adam" and all(coefs.dtype == np.float64 for coefs in model.coefs_):
        optimizer.__class__ = _in_place(kind)
    model._validate_input = lambda *args, **kwargs: (X, y)
    try:
        yield
    finally:
        optimizer.__class__ = kind
        del model._validate_input


# What training sets otherwise than the user did.
_SET_FOR_TRAINING = ("random_state", "batch_size", "shuffle", "early_stopping")


def _rows_of(model, rows: tuple, numbers: np.ndarray) -> tuple:
    """Some of the rows, their targets and their weights, if any."""
    X, y, weights = rows
    X, y = safe_split(model, X, y, numbers)
    return X, y, None if weights is None else np.asarray(weights)[numbers]


def _epoch_cost(model, n_rows: int) -> float:
    """What an epoch costs, in steps of a network without weights.

    A step takes about 270 us, and for each weight 7.8 ns for the optimizer and 0.18 ns a row of
    the batch for the products of matrices (least squares, networks of 1,000 to 300,000 weights
    and batches of 32 to 256 rows, one thread; it is within a quarter for all but one of them).
    """
    batch = min(200 if model.batch_size == "auto" else model.batch_size, n_rows)
    n_weights = sum(coefs.size for coefs in model.coefs_)
    return math.ceil(n_rows / batch) * (1 + n_weights / 35_000 * (1 + batch / 44))


class _MLPGrowth(SklearnGrowth):
    """A network that goes on through ``partial_fit``, an epoch a call.

    ``fit`` shuffles in each epoch the order of the epoch before, ``partial_fit`` the rows as it
    gets them, and a row at a time. So the rows are handed over in the order of the epoch, which
    a stream tells that is where the model's would be, and the model is told not to shuffle.
    """

    rounds = "max_iter"

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)  # once, as in fit, not in every epoch
        super().__init__(estimator, X, y, watched, fit_params)
        self._given = {name: getattr(estimator, name) for name in _SET_FOR_TRAINING}
        self._past: dict[int, dict] = {}
        self._rows = (self._X, self._y, self._weights)
        self._checked: tuple | None = None  # the same as training gets them, after an epoch
        self._order: np.ndarray | None = None  # in which they were trained on last
        self._classes = {"classes": unique_labels(y)} if is_classifier(estimator) else {}
        self.finished = False
        stream = own_stream(estimator.random_state)
        estimator.set_params(random_state=stream, shuffle=False, early_stopping=False)
        self._order_stream = self._after_weights(copy.deepcopy(stream))

    def _after_weights(self, stream: np.random.RandomState) -> np.random.RandomState:
        """Advance a stream by what the first weights draw; how many, a trial on a row tells."""
        trial = copy.copy(self._model)
        trial.set_params(random_state=stream, warm_start=False, verbose=False, batch_size="auto")
        X, y = safe_split(trial, self._X, self._y, np.arange(1))
        trial.partial_fit(X, y, **self._classes)
        return stream

    def grow(self, n_rounds: int) -> None:
        """Train up to `n_rounds` epochs in all, or to where ``fit`` would have stopped.

        `n_rounds` then stays there, ``finished`` is True and growing further does nothing.
        """
        if self.finished and n_rounds > self.n_rounds:
            return
        self._check_ahead(n_rounds)
        if n_rounds == self.n_rounds:
            return
        while self.n_rounds < n_rounds and not self.finished:
            self._epoch()
        self._past[self.n_rounds] = self._weights_now()

    def _epoch(self) -> None:
        model = self._model
        self._arrange()
        self._train()
        if len(model.loss_curve_) == self.n_rounds:  # which partial_fit reports by a warning
            raise KeyboardInterrupt
        self.n_rounds += 1
        self.finished = bool(_converged(model))
        if self.n_rounds == 1 and model.batch_size != "auto":
            # It clips in silence from now on; the first epoch has warned, as fit does once.
            model.set_params(batch_size=min(model.batch_size, num_samples(self._X)))
        if self.n_rounds == 1:
            self.round_cost = _epoch_cost(model, num_samples(self._X))

    def _train(self) -> None:
        weights = {} if self._weights is None else {"sample_weight": self._weights}
        if not self.n_rounds:
            self._model.partial_fit(self._X, self._y, **weights, **self._classes)
            return
        with _without_checks(self._model, self._X, self._y):
            self._model.partial_fit(self._X, self._y, **weights)

    def _arrange(self) -> None:
        """Put the rows in the order of the next epoch."""
        rows = self._rows
        if self.n_rounds:
            if self._checked is None:
                self._checked = (*_checked(self._model, *rows[:2]), rows[2])
            rows = self._checked
        if self._given["shuffle"]:
            self._order = self._next_order()
            if self.n_rounds:
                rows = tuple(None if part is None else part[self._order] for part in rows)
            else:
                rows = _rows_of(self._model, rows, self._order)
        self._X, self._y, self._weights = rows

    def _next_order(self) -> np.ndarray:
        """The order of an epoch is that of the epoch before, shuffled as by scikit-learn."""
        numbers = np.arange(num_samples(self._rows[0]))
        moved = numbers.copy()
        self._order_stream.shuffle(moved)
        return (numbers if self._order is None else self._order)[moved]

    def rest(self) -> None:
        self._X = self._y = self._weights = self._checked = None

    def change(self, params: Mapping[str, Any]) -> None:
        model, before = self._model, dict(vars(self._model))
        model.set_params(**params)
        if "batch_size" in params:
            self._given["batch_size"] = model.batch_size
            if self.n_rounds and model.batch_size != "auto":
                model.set_params(batch_size=min(model.batch_size, num_samples(self._rows[0])))
        self.finished = False
        self._past.clear()
        if self.n_rounds:
            _retune(model, before)

    def state(self) -> dict[str, Any]:
        own = ("_model", "_order_stream", "_order", "_given", "n_rounds", "round_cost", "finished")
        return {name: getattr(self, name) for name in own}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._past = {}
        self.rest()

    def _weights_now(self) -> dict:
        """The state of the model; without the optimizer's, which is twice as large."""
        state = dict(vars(self._model))
        state.pop("_optimizer")
        for name in ("coefs_", "intercepts_", "loss_curve_"):
            state[name] = copy.deepcopy(state[name])
        return state

    def answer(self, method: str) -> np.ndarray:
        self._check_trained(self.n_rounds)
        return getattr(self._model, method)(self._watched.X)

    def fitted(self, n_rounds: int) -> Any:
        """Return the network as its own ``fit`` with `n_rounds` leaves it.

        To be had for the number of epochs that was reached and for all numbers that ``grow``
        was called with. The latter lack the momenta of the optimizer: they predict, and a
        further ``fit`` is the same, but ``partial_fit`` starts with new momenta.
        """
        trained = min(n_rounds, self.n_rounds) if self.finished else n_rounds
        self._check_trained(trained)
        if trained == self.n_rounds:
            state = vars(self._model)
        elif trained in self._past:
            state = self._past[trained]
        else:
            raise ValueError(
                f"n_rounds must be a number of epochs that grow() was called with, one of "
                f"{sorted(self._past)}, got {n_rounds}. Weights in between are not kept."
            )
        model = copy.copy(self._model)
        vars(model).clear()
        vars(model).update(copy.deepcopy(state), n_iter_=trained)
        return self._ended(model).set_params(max_iter=n_rounds, **copy.deepcopy(self._given))

    def _ended(self, model) -> Any:
        """What ``fit`` does to a model after its last epoch."""
        return model


class _HeldOutGrowth(_MLPGrowth):
    """A network with ``early_stopping=True``: it scores some of its rows after each epoch.

    ``partial_fit`` refuses that. So it gets the other rows only, and what it would do after an
    epoch without early stopping is replaced by what it does with it.
    """

    def __init__(self, estimator, X, y, watched: Watched, fit_params: Mapping[str, Any]):
        super().__init__(estimator, X, y, watched, fit_params)
        binary = is_classifier(estimator) and len(self._classes["classes"]) == 2
        train, held_out = train_test_split(
            np.arange(num_samples(X)),
            random_state=self._order_stream,
            test_size=estimator.validation_fraction,
            stratify=self._rows[1] if binary else None,  # as fit does
        )
        if len(held_out) < 2:
            raise ValueError("The validation set is too small.")  # fit will say more
        self._held_out = _rows_of(estimator, self._rows, held_out)
        self._rows = _rows_of(estimator, self._rows, train)

    def _train(self) -> None:
        model, n_before = self._model, self.n_rounds
        model._update_no_improvement_count = self._judge  # Private
        if n_before and is_classifier(model) and self._held_out[2] is None:
            model._score = self._accuracy
        try:
            super()._train()
        except ValueError:
            # After the epoch it refuses weights that are not finite; fit looks at the best ones.
            if len(getattr(model, "loss_curve_", ())) == n_before:
                raise
        finally:
            del model._update_no_improvement_count
            vars(model).pop("_score", None)

    def _judge(self, early_stopping: bool, *rows) -> None:
        """Private: the end of an epoch; scikit-learn 1.6 knows no weights."""
        model = self._model
        if model.validation_scores_ is None:
            model.validation_scores_, model.best_validation_score_ = [], -np.inf
            model.best_loss_ = None
        type(model)._update_no_improvement_count(model, True, *self._held_out[: len(rows)])

    def _accuracy(self, X, y, sample_weight=None) -> float:
        """Private: what ``score`` says of the rows held out, whose check takes longer than it."""
        model = self._model
        outputs = model._forward_pass_fast(X, check_input=False)
        if outputs.shape[1] == 1:
            return float(np.mean((outputs[:, 0] > 0.5) == (y == model.classes_[-1])))
        return float(np.mean(model.classes_[outputs.argmax(axis=1)] == y))

    def _weights_now(self) -> dict:
        state = super()._weights_now()
        return {**state, "validation_scores_": list(state["validation_scores_"])}

    def _ended(self, model) -> Any:
        model.coefs_, model.intercepts_ = model._best_coefs, model._best_intercepts  # Private
        return model

    def answer(self, method: str) -> np.ndarray:
        return getattr(self.fitted(self.n_rounds), method)(self._watched.X)


class MLPGrower(Grower):
    """Grow ``MLPClassifier`` and ``MLPRegressor``, by epochs.

    ``fitted`` goes back only to numbers of epochs that ``grow`` was called with.
    """

    rounds = "max_iter"
    goes_back = False
    patience = 20
    max_rounds = 500
    changeable = frozenset((*_KEPT, "alpha", "batch_size"))

    def supports(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Whether growing this estimator gives exactly what its ``fit`` gives."""
        return not self.needs(estimator) and only_weights(estimator, fit_params)

    def climbs(
        self, estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
    ) -> bool:
        """Also with early stopping, which a curve of scores or a change would get in the way of."""
        adaptive = estimator.solver in ("adam", "sgd")
        return adaptive and only_weights(estimator, fit_params)

    def needs(self, estimator: Any, n_samples: int | None = None) -> list[str]:
        other = estimator.solver not in ("adam", "sgd")
        stops = bool(estimator.early_stopping)
        return ["solver='adam'"] * other + ["early_stopping=False"] * stops

    def start(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        shared: dict,
    ) -> Growth:
        if not estimator.early_stopping:
            return _MLPGrowth(estimator, X, y, watched, fit_params)
        # A frame's rows are cut out otherwise, and several labels have no one score.
        if np.ndim(y) != 1 or not (isinstance(X, np.ndarray) or issparse(X)):
            return None
        return _HeldOutGrowth(estimator, X, y, watched, fit_params)

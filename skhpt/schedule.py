"""Training along a schedule: parameters that change on the way, the same way on any rows.

What a schedule gives on given rows is always the same, bit for bit, whether a model went on from
one generation to the next, was copied, or is trained from the beginning. So a worker keeps the
models that it has trained; what another worker has trained it gets from a file, where the library
can tell the state of a model, and trains it once more where it cannot.
"""

from __future__ import annotations

import contextlib
import copy
import pickle
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn.base import clone

from ._compat import num_samples
from .climbing import Nursery
from .estimators.growing import Grower, Growth, Watched, as_rows, grower_of_kind
from .estimators.growing_sgd import SGDGrower
from .estimators.pipelines import beginning, fit_params_of_end, last_step, transformed, with_end
from .evaluate import Problem
from .grown_fold import GrownFold
from .population import Lineage, Schedule
from .seeds import spawned_int
from .trial import Outcome, Step


def trainer_of(
    estimator: Any, fit_params: Mapping[str, Any], n_samples: int | None = None
) -> Grower | None:
    """Find who can train the last step of an estimator along a schedule; None for nobody.

    Parameters
    ----------
    estimator : estimator object
        Alone or a pipeline.
    fit_params : mapping
        In the names of the whole.
    n_samples : int, optional
        Rows for training.
    """
    own, last = fit_params_of_end(estimator, fit_params), last_step(estimator)[1]
    if own is None:
        return None
    trainer = trainer_of_kind(last)
    if trainer is None or not trainer.changeable:
        return None
    return trainer if trainer.supports(last, own, n_samples) else None


def trainer_of_kind(last: Any) -> Grower | None:
    """Find who trains estimators of a kind, if perhaps not this one as it is set."""
    if type(last).__name__ in SGDGrower.kinds:
        return SGDGrower()
    return grower_of_kind(last)


def missing_seeds(estimator: Any, seed: np.random.SeedSequence) -> dict[str, int]:
    """Seeds for what of scikit-learn's has none: without, no training could be replayed."""
    params = estimator.get_params()
    names = [name for name, value in params.items() if value is None and _is_seed(name)]
    owners = [params.get(name.rpartition("__")[0], estimator) for name in names]
    return {
        name: spawned_int(seed, 2 + number)
        for number, (name, owner) in enumerate(zip(names, owners))
        if type(owner).__module__.partition(".")[0] == "sklearn"
    }


def _is_seed(name: str) -> bool:
    return name.rpartition("__")[2] == "random_state"


class Training:
    """A model on its way along a schedule.

    Parameters
    ----------
    estimator : estimator object
        The whole, with its first parameters.
    fitted_beginning : Pipeline or None
    growth : Growth
    """

    def __init__(self, estimator: Any, fitted_beginning: Any, growth: Growth, rounds: str):
        self._estimator = estimator
        self._beginning = fitted_beginning
        self._growth = growth
        self._rounds = rounds
        self._prefix = last_step(estimator)[0]
        self._params: Mapping[str, Any] | None = None
        self._reached = 0

    @classmethod
    def begin(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        watched: Watched,
        fit_params: Mapping[str, Any],
        through: Callable | None = None,
    ) -> Training:
        """Fit the beginning of a pipeline, and start to train its end.

        Parameters
        ----------
        estimator : estimator object
            With its first parameters; it is cloned.
        X, y, watched, fit_params : see :meth:`~skhpt.estimators.growing.Grower.start`
        through : callable, optional
            See :meth:`~skhpt.fold_rows.FoldRows.through`.

        Raises
        ------
        ValueError
            When the estimator, with these parameters, cannot be trained in steps on these rows.
        """
        estimator = clone(estimator)
        last = last_step(estimator)[1]
        trainer = trainer_of(estimator, fit_params, num_samples(X))
        first, shelf, X_watched = beginning(estimator), {}, watched.X
        growth = None
        if trainer is not None:
            if through is not None:
                first, X, X_watched, shelf = through(first)
            elif first is not None:
                X, X_watched = first.fit_transform(X, y), transformed(first, watched.X)
            else:
                X, X_watched = as_rows(X), as_rows(watched.X)
            own = fit_params_of_end(estimator, fit_params)
            growth = trainer.start(clone(last), X, y, Watched(X_watched, watched.y), own, shelf)
        if growth is None:
            raise ValueError(
                f"{type(last).__name__} cannot be trained in steps on these rows with these "
                f"parameters: {estimator!r}."
            )
        return cls(estimator, first, growth, trainer.rounds)

    def follow(self, schedule: Schedule) -> Any:
        """Train on to the end of a schedule; return the fitted whole.

        What has been trained must be the beginning of the schedule.
        """
        for segment in schedule:
            if segment.n_rounds <= self._reached:
                continue
            self._change(segment.params)
            # A network may have come to its own end before; the rounds since are not made up for.
            self._growth.grow(self._growth.n_rounds + segment.n_rounds - self._reached)
            self._reached = segment.n_rounds
        return self.fitted()

    def fitted(self) -> Any:
        """The whole, as trained so far."""
        end = self._growth.fitted(self._growth.n_rounds)
        end.set_params(**{self._rounds: self._reached})
        return with_end(self._estimator, self._beginning, end)

    def copy(self) -> Training | None:
        """Another training in this state; None for a library that has no way to copy it."""
        growth = self._growth.copy()
        if growth is None:
            return None
        other = copy.copy(self)
        other._growth = growth
        return other

    def state(self) -> dict[str, Any] | None:
        """What another worker needs to go on; None where the library has no way to tell it."""
        state = self._growth.state()
        if state is None:
            return None
        return {"params": self._params, "reached": self._reached, "growth": state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put a training that has just begun, on the same rows, into a state."""
        self._params, self._reached = state["params"], state["reached"]
        self._growth.restore(state["growth"])

    def rest(self) -> None:
        self._growth.rest()

    def _change(self, params: Mapping[str, Any]) -> None:
        before, self._params = self._params, params
        if before is None:  # the estimator has been begun with them
            return
        prefix = self._prefix
        changed = {
            name[len(prefix) :]: value
            for name, value in params.items()
            if name.startswith(prefix) and not _same(value, before.get(name))
        }
        if changed:
            self._growth.change(changed)


def _same(a: Any, b: Any) -> bool:
    return a is b or bool(type(a) is type(b) and a == b)


def evaluate_along(
    step: Step,
    params: Mapping[str, Any],
    shared,
    contexts: Mapping[int, Any] | None = None,
    in_time: Callable[[], bool] = lambda: True,
    folder: str | None = None,
) -> list[Outcome]:
    """Run a step of a population, whose rule is a Lineage; see :func:`~skhpt.evaluate.evaluate`.

    `folder` is where several workers leave models for each other.
    """
    problem = shared.get()
    outcomes: list[Outcome] = []
    with problem.surroundings():
        for position, fold in enumerate(step.folds):
            context = (contexts or {}).get(fold)
            outcomes.append(_Fold(problem, step, params, fold, folder).run(context))
            if outcomes[-1].stop:
                break
            if position + 1 < len(step.folds) and not in_time():
                outcomes[-1] = replace(outcomes[-1], late=True)
                break
    return outcomes


class Living:
    """The models of a worker, by trial and fold: those that others go on from.

    Threads share them. What trains on the bins of a fold must be alone on them, see
    :meth:`alone_on`.

    Parameters
    ----------
    n_rows : int
        Rows for training; where they are many, fewer models are kept.
    folder : str or None
        Where the states of models are left for other workers.
    """

    def __init__(self, n_rows: int, folder: str | None = None):
        self.room = Nursery(n_rows).room
        self._folder = None if folder is None else Path(folder)
        self._kept: dict[tuple[int, int], tuple[int, Training]] = {}
        self._written: dict[Path, int] = {}
        self._lock = threading.Lock()
        self._folds: dict[int, threading.Lock] = {}

    @classmethod
    def of(cls, problem: Problem, folder: str | None) -> Living:
        if "living" not in problem.shelf:
            new = cls(max(len(train) for train, _ in problem.splits), folder)
            problem.shelf.setdefault("living", new)
        return problem.shelf["living"]

    def alone_on(self, fold: int) -> threading.Lock:
        """A context in which no other thread trains on a fold."""
        return self._folds.setdefault(fold, threading.Lock())

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, lineage: Lineage, fold: int) -> Training | None:
        """A model to go on with; the heir gets the original of what cannot be copied."""
        key = (lineage.parent, fold)
        _, training = self._kept.get(key, (0, None))
        if training is None:
            return None
        copied = training.copy()
        if copied is None and lineage.is_heir:
            self._kept.pop(key, None)
            return training
        return copied

    def read(self, lineage: Lineage, fold: int) -> dict[str, Any] | None:
        """The state of a model that another worker has trained."""
        if self._folder is None or lineage.parent is None:
            return None
        try:
            return pickle.loads(self._file(lineage.parent, fold).read_bytes())
        except OSError:  # none was left, or on another machine
            return None

    def keep(self, trial: int, fold: int, generation: int, training: Training) -> None:
        """Keep a model for the next generation; of the one before last nobody has need."""
        training.rest()
        with self._lock:
            for key in [key for key, (born, _) in self._kept.items() if born < generation - 1]:
                del self._kept[key]
            while len(self._kept) >= self.room:
                self._kept.pop(next(iter(self._kept)))
            self._kept[trial, fold] = (generation, training)
            if self._folder is not None:
                self._write(self._file(trial, fold), generation, training)

    def _write(self, file: Path, generation: int, training: Training) -> None:
        for old in [old for old, born in self._written.items() if born < generation - 1]:
            old.unlink(missing_ok=True)
            del self._written[old]
        state = training.state()
        if state is None:
            return
        with contextlib.suppress(OSError):  # of a disk that is full: others train it once more
            file.write_bytes(pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL))
            self._written[file] = generation

    def _file(self, trial: int, fold: int) -> Path:
        return self._folder / f"{trial}-{fold}.pickle"


class _Fold(GrownFold):
    """A member of a population on a fold."""

    def __init__(self, problem: Problem, step: Step, params, fold: int, folder: str | None):
        super().__init__(problem, step, params, fold)
        self._living = Living.of(problem, folder)

    def run(self, context) -> Outcome:
        started = time.time()
        lineage: Lineage = self._step.rule
        self._report.start()
        try:
            with self._living.alone_on(self._fold):
                training = self._living.take(lineage, self._fold) or self._resumed(lineage)
                fitted = training.follow(lineage.schedule)
        except Exception:
            if self._problem.error_score == "raise":
                raise
            return self._failed(format_exc(), time.time() - started, context)
        outcome = self._scored_in(context, fitted, time.time() - started)
        rung = self._step.rung
        if not rung.is_last:
            self._living.keep(self._step.trial, self._fold, rung.number, training)
        return outcome

    def _resumed(self, lineage: Lineage) -> Training:
        """A model that another worker has left behind, else one without any rounds."""
        training = self._begin(lineage.schedule)
        state = self._living.read(lineage, self._fold)
        if state is not None:
            training.restore(state)
        return training

    def _begin(self, schedule: Schedule) -> Training:
        estimator = self._problem.configured(schedule[0].params)
        return Training.begin(estimator, *self._to_train(estimator))

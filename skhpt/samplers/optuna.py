"""Optuna's samplers: TPE, CMA-ES and any other, asked through a study in memory.

Needs ``optuna`` (and ``cmaes`` for CMA-ES): ``pip install optuna cmaes``.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import math
import warnings
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from ..space.core import Space
from ..trial import Status, Trial
from ._memory import FoldEffects, Seen
from ._variables import Variables
from .base import Sampler

# Converging on a few configurations is what these samplers do, so they repeat themselves in
# small spaces; after this many repetitions in a row a random configuration takes over.
MAX_REPEATS = 10

# These keep to a part of the space, where a random configuration might not lie. When they find
# nothing new there, nothing is left.
CONFINED = (optuna.samplers.GridSampler, optuna.samplers.PartialFixedSampler)
MAX_REPEATS_CONFINED = 100

# What Optuna does not install itself, by the class that uses it.
PACKAGES = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}


class OptunaSampler(Sampler):
    """Ask one of Optuna's samplers.

    Every parameter becomes an Optuna distribution (categories and ranks by their position),
    parameters with conditions are suggested one after the other, and scores are maximised.
    Failed trials are told as failed; a trial that was raced out is told with its score after
    the effects of the folds that it ran have been taken out.

    Parameters
    ----------
    space : Space
        What may be proposed.
    random_state : int
        Seed of the sampler, if it is made here.
    sampler : {"tpe", "cmaes"}, optuna.samplers.BaseSampler, or a class of them
        A name or a class is seeded with `random_state`; an object keeps the seed that it was
        given and is copied, so that it stays as it was.
    optimizer_kwargs : mapping or None
        Further arguments of the sampler, if it is made here.

    Raises
    ------
    ValueError
        When `sampler` is an unknown name, or an object and there are `optimizer_kwargs`.
    TypeError
        When `sampler` is a class that cannot be made from a seed and `optimizer_kwargs`, or
        nothing of Optuna's at all.
    ImportError
        When CMA-ES is wanted and ``cmaes`` is not installed, or ``GPSampler`` and ``torch`` is
        not.

    Notes
    -----
    TPE is multivariate here and treats pending trials as bad ones; parameters that exist only
    under a condition are modelled one by one. CMA-ES knows numbers only, and needs several
    that every configuration has; everything else is drawn at random beside it. It learns from
    its own proposals, in generations.

    References
    ----------
    T. Akiba et al., "Optuna: a next-generation hyperparameter optimization framework",
    KDD 2019. S. Falkner, A. Klein and F. Hutter, "BOHB: robust and efficient hyperparameter
    optimization at scale", ICML 2018 (multivariate TPE). N. Hansen and A. Ostermeier,
    "Completely derandomized self-adaptation in evolution strategies", Evolutionary
    Computation 9 (2001) (CMA-ES).
    """

    def __init__(
        self,
        space: Space,
        random_state: int,
        sampler: str | BaseSampler | type[BaseSampler] = "tpe",
        optimizer_kwargs: Mapping[str, Any] | None = None,
    ):
        super().__init__(space, random_state)
        self._variables = Variables(space)
        self._seen = Seen(space, self.rng)
        self._folds = FoldEffects()
        self._pending: dict[Hashable, int] = {}
        self._stopped = False
        with _quiet():
            self._study = optuna.create_study(
                direction="maximize",
                sampler=_engine(sampler, random_state, optimizer_kwargs or {}),
                pruner=optuna.pruners.NopPruner(),
            )
        # Some samplers end a study when they have nothing left, which Optuna forbids outside
        # of its own loop; here it means that there is nothing left to propose.
        self._study.stop = self._stop

    def ask(self) -> dict[str, Any] | None:
        if self._stopped or self._seen.exhausted:
            return None
        confined = isinstance(self._study.sampler, CONFINED)
        with _quiet():
            for _ in range(MAX_REPEATS_CONFINED if confined else MAX_REPEATS):
                trial = self._study.ask()
                params = self._variables.suggest(trial)
                if self._seen.add(params):
                    self._pending[self.space.key(params)] = trial.number
                    return params
                self._study.tell(trial, state=TrialState.FAIL)
            params = None if confined else self._seen.draw()
            if params is not None:
                self._start(params)
        return params

    def tell(self, trial: Trial) -> None:
        self._seen.add_foreign(trial.params)
        with _quiet():
            self._start(trial.params)
            if trial.status is not Status.RUNNING:
                self._finish(trial)

    def _start(self, params: Mapping[str, Any]) -> None:
        """Let the study know a running trial that its sampler has not proposed."""
        key = self.space.key(params)
        if key in self._pending:
            return
        try:
            values, distributions = self._variables.encode(params)
        except ValueError:
            return  # not expressible in the space: nothing to learn from
        running = create_trial(state=TrialState.RUNNING, params=values, distributions=distributions)
        self._study.add_trial(running)
        self._pending[key] = self._trials()[-1].number

    def _finish(self, trial: Trial) -> None:
        score = self._folds.score(trial)
        number = self._pending.pop(self.space.key(trial.params), None)
        if number is None:
            return
        if math.isnan(score):
            self._study.tell(number, state=TrialState.FAIL)
        else:
            self._study.tell(number, score)

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _stop(self) -> None:
        self._stopped = True


def _engine(sampler: Any, random_state: int, options: Mapping[str, Any]) -> BaseSampler:
    """Make Optuna's sampler, or copy the user's."""
    seed = random_state % 2**32  # the range of numpy's RandomState, which Optuna seeds
    if isinstance(sampler, str):
        return _named(sampler, {"seed": seed, **options})
    _check_packages(sampler)
    if isinstance(sampler, type) and issubclass(sampler, BaseSampler):
        return _made(sampler, {"seed": seed, **options})
    if not isinstance(sampler, BaseSampler):
        raise TypeError(
            "sampler must be 'tpe', 'cmaes', or a sampler of Optuna (object or class), "
            f"got {sampler!r}"
        )
    if options:
        raise ValueError(
            f"optimizer_kwargs cannot be applied to an object that is already made, "
            f"got {dict(options)!r} with sampler={sampler!r}; give them to that object"
        )
    return copy.deepcopy(sampler)


def _check_packages(sampler: Any) -> None:
    """Say at once what Optuna would notice only after its first random proposals."""
    name = sampler.__name__ if isinstance(sampler, type) else type(sampler).__name__
    package = PACKAGES.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        raise ImportError(
            f"sampler={name} of Optuna needs the package {package!r}, which is not installed: "
            f"pip install {package}, or use sampler='gp', which needs nothing"
        )


def _named(name: str, options: dict[str, Any]) -> BaseSampler:
    if name == "tpe":
        # the defaults of Optuna 5, for older versions as well
        options = {"multivariate": True, "constant_liar": True, **options}
        return _made(optuna.samplers.TPESampler, options)
    if name == "cmaes":
        import cmaes  # noqa: F401 (Optuna itself would notice only at a later ask)

        return _made(optuna.samplers.CmaEsSampler, options)
    raise ValueError(f"sampler must be 'tpe' or 'cmaes' when it is a name, got {name!r}")


def _made(cls: type[BaseSampler], options: dict[str, Any]) -> BaseSampler:
    try:
        return cls(**options)
    except TypeError as error:
        raise TypeError(
            f"optimizer_kwargs must be keyword arguments of optuna.samplers.{cls.__name__}, got "
            f"{options!r} with the seed ({error}); correct them, or give an object of that class"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log and its notes on experimental features, for a moment."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(max(level, logging.ERROR))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        logger.setLevel(level)

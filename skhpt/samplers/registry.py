"""The table of samplers, and the one door through which a search gets one.

A new sampler is a file with a subclass of :class:`~skhpt.samplers.base.Sampler` and a row
here; ``tests/test_samplers.py`` takes its subjects from this table.
"""

from __future__ import annotations

import copy
import difflib
import importlib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..space.core import Space
from .base import Sampler


class Row(NamedTuple):
    """Where a sampler is to be found; its module is imported only when it is used."""

    module: str
    name: str
    packages: str | None = None  # what pip has to install beside skhpt
    options: Mapping[str, Any] = MappingProxyType({})  # fixed keyword arguments
    engine: str | None = None  # what ``optimizer_kwargs`` are the arguments of


SAMPLERS: dict[str, Row] = {
    "gp": Row("gp", "GPSampler"),
    "random": Row("random", "RandomSampler"),
    "sobol": Row("sobol", "SobolSampler"),
    "grid": Row("grid", "GridSampler"),
    "tpe": Row(
        "optuna",
        "OptunaSampler",
        "optuna",
        MappingProxyType({"sampler": "tpe"}),
        "optuna.samplers.TPESampler",
    ),
    "cmaes": Row(
        "optuna",
        "OptunaSampler",
        "optuna cmaes",
        MappingProxyType({"sampler": "cmaes"}),
        "optuna.samplers.CmaEsSampler",
    ),
    "skopt": Row("skopt", "SkoptSampler", "scikit-optimize", engine="skopt.Optimizer"),
}


def make_sampler(
    sampler: str | Sampler | type | Callable[[Space, int], Sampler] | Any,
    space: Space,
    random_state: int,
    *,
    optimizer_kwargs: Mapping[str, Any] | None = None,
) -> Sampler:
    """Build the sampler of a search.

    Parameters
    ----------
    sampler : str, Sampler, callable, optuna.samplers.BaseSampler or None
        A name in :data:`SAMPLERS` (None is ``"gp"``); a subclass of :class:`Sampler` or any
        callable, called as ``sampler(space, random_state)``; a sampler object, which is
        copied, so that every ``fit`` starts from the object as it was given; an Optuna
        sampler, copied in the same way with the seed that it was given; or a class of
        Optuna's samplers, seeded with `random_state`.
    space : Space
        What may be proposed.
    random_state : int
        Seed of the sampler.
    optimizer_kwargs : mapping or None
        Keyword arguments of the engine behind the sampler. They belong to
        ``skopt.Optimizer`` unless `sampler` is ``"tpe"`` or ``"cmaes"``; a search that gives
        them without naming another sampler gets ``"skopt"``.

    Returns
    -------
    Sampler
        Ready to be asked.

    Raises
    ------
    ValueError
        For an unknown name, a sampler object of another space, and `optimizer_kwargs` that
        nothing would receive.
    TypeError
        When `sampler` is nothing of the above, or a callable returns something else.
    ImportError
        When the package behind a sampler is missing; the message says what to install.
    """
    if sampler is None:
        sampler = "gp"
    if isinstance(sampler, str):
        if optimizer_kwargs and sampler == "gp":
            sampler = "skopt"
        return _by_name(sampler, space, random_state, optimizer_kwargs)
    if optimizer_kwargs:
        raise ValueError(
            f"optimizer_kwargs are for {_engines()}, got them together with "
            f"sampler={sampler!r}; give the options to that sampler itself, or remove them"
        )
    if isinstance(sampler, Sampler):
        return _copy_for(sampler, space)
    if _is_optuna(sampler):
        module = importlib.import_module(".optuna", __package__)
        return module.OptunaSampler(space, random_state, sampler=sampler)
    is_other_class = isinstance(sampler, type) and not hasattr(sampler, "ask")
    if callable(sampler) and not is_other_class:
        return _call(sampler, space, random_state)
    raise TypeError(
        f"sampler must be one of {_names()}, a Sampler, a callable (space, random_state) -> "
        f"Sampler, or an Optuna sampler, got {sampler!r}"
    )


def _by_name(
    name: str, space: Space, random_state: int, optimizer_kwargs: Mapping[str, Any] | None
) -> Sampler:
    row = SAMPLERS.get(name)
    if row is None:
        close = difflib.get_close_matches(name.lower(), SAMPLERS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"sampler must be one of {_names()}, got {name!r}{hint}")
    options = dict(row.options)
    if optimizer_kwargs:
        if row.engine is None:
            raise ValueError(
                f"optimizer_kwargs are for {_engines()}, got them together with "
                f"sampler={name!r}, which takes none; remove them or choose one of those"
            )
        options["optimizer_kwargs"] = dict(optimizer_kwargs)
    try:
        cls = getattr(importlib.import_module(f".{row.module}", __package__), row.name)
        return cls(space, random_state, **options)
    except ImportError as error:
        if row.packages is None:
            raise
        raise ImportError(
            f"sampler={name!r} needs a package that cannot be imported ({error}); "
            f"pip install {row.packages}, or choose a sampler that comes with skhpt: "
            f"{', '.join(repr(other) for other, row in SAMPLERS.items() if row.packages is None)}"
        ) from error


def _copy_for(sampler: Sampler, space: Space) -> Sampler:
    """Copy a sampler object, sharing what it knows of the space.

    Choices are recognised by identity first, so a copy of an estimator or an array among
    them would be another choice.
    """
    own = sampler.space
    if own is None:
        return copy.deepcopy(sampler)
    if own is not space and own != space:
        raise ValueError(
            f"sampler={sampler!r} was made for another space (they differ in "
            f"{_difference(own, space)}); give the class instead of an object, then the search "
            "makes its own"
        )
    shared = {id(dimension): dimension for dimension in own.dimensions.values()}
    return copy.deepcopy(sampler, {id(own): own, **shared})


def _difference(first: Space, second: Space) -> str:
    names = sorted(
        name
        for name in first.dimensions.keys() | second.dimensions.keys()
        if first.dimensions.get(name) != second.dimensions.get(name)
    )
    return ", ".join(map(repr, names)) or "their conditions or alternatives"


def _call(factory: Callable[[Space, int], Any], space: Space, random_state: int) -> Sampler:
    made = factory(space, random_state)
    if not isinstance(made, Sampler):
        raise TypeError(
            f"sampler={factory!r} must return a skhpt.samplers.base.Sampler when called with "
            f"(space, random_state), got {made!r}"
        )
    return made


def _is_optuna(sampler: Any) -> bool:
    """Whether this is Optuna's; whoever holds such an object has imported Optuna already."""
    optuna = sys.modules.get("optuna")
    if optuna is None:
        return False
    base = optuna.samplers.BaseSampler
    return isinstance(sampler, base) or (isinstance(sampler, type) and issubclass(sampler, base))


def _names() -> str:
    return ", ".join(map(repr, SAMPLERS))


def _engines() -> str:
    rows = [(name, row) for name, row in SAMPLERS.items() if row.engine is not None]
    return ", ".join(f"sampler={name!r} ({row.engine})" for name, row in rows)

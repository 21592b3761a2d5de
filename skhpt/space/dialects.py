"""How people write a space: every notation, mixed freely, becomes dimensions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from . import libraries as lib
from .base import Dimension, SpaceError, brief, is_integer, is_number
from .conditions import Parameter, When, branches, check_name
from .core import Space
from .counting import flatten
from .dimensions import Categorical, Integer, Ordinal, Real, of_values

# What two numbers in a tuple mean: a range, or (as in scikit-learn's searches) two values.
BarePair = Literal["range", "values"]

# Dimensions up to this size are written out as lists for scikit-learn.
LISTABLE = 1_000


class Piece(NamedTuple):
    """A space that is searched on its own.

    Attributes
    ----------
    space : Space
    n_iter : int or None
        The budget that was written beside it, if any.
    """

    space: Space
    n_iter: int | None


def parse(definition: Any, *, bare_pair: BarePair = "range") -> list[Piece]:
    """Read a search space.

    Parameters
    ----------
    definition : dict, or list of dict, When and (dict, n_iter)
        The dicts and When of a list form a single piece together: alternatives. A pair
        ``(dict, n_iter)`` is a piece of its own, to be searched ``n_iter`` times. A When
        of the list belongs to every dict that has its parent. An empty dict is the
        configuration without parameters. What may stand for a parameter is described in
        :func:`parse_dimension`.
    bare_pair : {"range", "values"}, default="range"
        What a tuple of two numbers means.

    Returns
    -------
    list of Piece
        In the order in which they begin in the list.

    Raises
    ------
    SpaceError
        If the definition cannot be used; the message says what to change.

    Examples
    --------
    >>> from skhpt.space import parse
    >>> [(space, n_iter)] = parse({"C": (0.1, 10.0, "log-uniform"), "p": [1, 2]})
    >>> space
    Space({'C': Real(0.1, 10.0, log=True), 'p': Categorical((1, 2))})
    """
    entries = _entries(definition)
    read = _reader(bare_pair)
    dicts = [entry for entry in entries if not isinstance(entry, When)]
    budgets = [_check_budget(entry[1]) if isinstance(entry, tuple) else None for entry in dicts]
    found = branches([_without_budget(entry) for entry in entries], read)
    union = [branch for branch, n_iter in zip(found, budgets) if n_iter is None]
    pieces: list[Piece] = []
    for branch, n_iter in zip(found, budgets):
        if n_iter is not None:
            pieces.append(Piece(Space.of([branch]), n_iter))
        elif union:
            pieces.append(Piece(Space.of(union), None))
            union = []
    return pieces


def parse_dimension(name: str, value: Any, *, bare_pair: BarePair = "range") -> Dimension:
    """Read what stands for one parameter.

    Parameters
    ----------
    name : str
        Name of the parameter, for messages.
    value : object
        One of

        - a list, array, Series or Index of values: ranked if they are at least three
          numbers, else unordered choices; a list of one is a constant
        - ``(low, high)`` or ``(low, high, prior)`` with the prior "uniform", "log-uniform",
          "loguniform" or "log": whole numbers if both bounds are ints
        - any other tuple: a list of values
        - a distribution of scipy.stats, or any object with ``rvs``
        - a dimension of scikit-optimize, a distribution of Optuna, a W&B sweep entry (a
          dict), or a Dimension of this package
    bare_pair : {"range", "values"}, default="range"
        Whether ``(low, high)`` is a range, or a list of two values.

    Returns
    -------
    Dimension

    Raises
    ------
    SpaceError
        If the value cannot be read; the message names the parameter.
    """
    try:
        return _read(value, bare_pair)
    except SpaceError as error:
        raise SpaceError(f"parameter {name!r}: {error}") from error
    except RecursionError as error:
        raise SpaceError(f"parameter {name!r}: its values contain themselves") from error


def _reader(bare_pair: BarePair) -> Callable[[str, Any], Dimension]:
    return lambda name, value: parse_dimension(name, value, bare_pair=bare_pair)


# -- one parameter ---------------------------------------------------------------------------


def _read(value: Any, bare_pair: BarePair) -> Dimension:
    if _is_range(value, bare_pair):
        return _read_range(value)
    for recognises, read in READERS:
        if recognises(value):
            return read(value)
    raise SpaceError(_unreadable(value))


def _is_range(value: Any, bare_pair: BarePair) -> bool:
    """Whether a tuple is a range rather than a list of values.

    Two numbers and a string are one if the string is a prior, or was meant to be one.
    """
    if not isinstance(value, tuple) or not 2 <= len(value) <= 4:
        return False
    if not all(is_number(bound) for bound in value[:2]):
        return bare_pair == "range" and _is_spoilt_range(value)
    if len(value) == 2:
        return bare_pair == "range"
    prior, base = value[2], value[3:]
    if not isinstance(prior, str) or not all(is_number(b) for b in base):
        return False
    return bare_pair == "range" or prior in lib.PRIORS or bool(lib.nearest(prior, lib.PRIORS))


def _is_spoilt_range(value: tuple) -> bool:
    """Whether a tuple was meant as a range, but one bound is NaN, too large or in quotes."""
    bounds, prior = value[:2], value[2:3]
    if prior and not (isinstance(prior[0], str) and prior[0] in lib.PRIORS):
        return False
    return any(map(is_number, bounds)) and all(is_number(b) or _is_spoilt(b) for b in bounds)


def _is_spoilt(bound: Any) -> bool:
    if isinstance(bound, str):
        try:
            return is_number(float(bound))
        except ValueError:
            return False
    return is_integer(bound) or (isinstance(bound, float | np.floating) and bool(np.isnan(bound)))


def _read_range(value: tuple) -> Dimension:
    # a fourth item is the base of the logarithm, which does not change the distribution
    low, high = value[:2]
    for name, bound in (("low", low), ("high", high)):
        if not is_number(bound):
            raise SpaceError(
                f"{name} of the range {brief(value, 80)} must be a number, got {brief(bound)}: "
                f"correct it, or write a list to give single values, {brief(list(value[:2]), 80)}"
            )
    log = lib.read_prior(value[2]) if len(value) > 2 else False
    kind = Integer if is_integer(low) and is_integer(high) else Real
    return kind(low, high, log=log)


def _is_dimension(value: Any) -> bool:
    return isinstance(value, Dimension)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_sequence(value: Any) -> bool:
    """Whether scikit-learn takes ``value`` for a list of values."""
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


def _is_column(value: Any) -> bool:
    """Whether ``value`` is a Series or Index of a data frame library."""
    return hasattr(value, "to_list") and hasattr(value, "__len__")


def _read_sequence(values: Any) -> Dimension:
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise SpaceError(
                f"an array of values must be one-dimensional, got the shape {values.shape}: "
                "write a list of arrays if each row is a value"
            )
        values = values.tolist()
    return of_values(values)


# The first that recognises a value reads it. Dimensions of scikit-optimize have rvs as well,
# but not the one that scikit-learn expects, so that they come before.
READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Dimension]], ...] = (
    (_is_dimension, lambda value: value),
    (_is_mapping, lib.read_sweep),
    (_is_sequence, _read_sequence),
    (_is_column, lambda value: of_values(value.to_list())),
    (lib.is_skopt_range, lib.read_skopt_range),
    (lib.is_skopt_choice, lib.read_skopt_choice),
    (lib.is_optuna_range, lib.read_optuna_range),
    (lib.is_optuna_choice, lib.read_optuna_choice),
    (lib.is_scipy, lib.read_scipy),
    (lib.has_rvs, lib.read_rvs),
)


def _unreadable(value: Any) -> str:
    if isinstance(value, When):
        return "a When cannot stand in the place of values: put it under a key of the dict"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return (
            f"the values must have an order, got {brief(value)} of type {type(value).__name__}: "
            "convert it with list(...) or sorted(...)"
        )
    # a function in a list is legal, but hardly what was meant by it
    shown = brief(value)
    shown = brief(value)
    opaque = callable(value) or shown.startswith("<") or len(shown) > 60
    advice = "write a list of the values to try" if opaque else f"wrap it in a list, [{shown}]"
    return (
        f"expected a list of values, a range (low, high) or a distribution, got the single "
        f"value {shown} of type {type(value).__name__}: {advice}"
    )


# -- the whole definition --------------------------------------------------------------------


def _entries(definition: Any) -> list[Any]:
    """Return the dicts, When and (dict, n_iter) of a definition.

    Raises
    ------
    SpaceError
        If there are none, or something else is among them.
    """
    if isinstance(definition, Mapping) or _is_budgeted(definition):
        lib.refuse_sweep(_without_budget(definition))
        return [definition]
    if isinstance(definition, str | bytes | When) or not isinstance(definition, Iterable):
        raise SpaceError(
            "a search space must be a dict of parameter names and their values, or a list of "
            f"such dicts, got {brief(definition)} of type {type(definition).__name__}"
            + _curated_hint(definition)
        )
    entries = list(definition)
    if not entries:
        raise SpaceError(
            "the list of search spaces is empty: give at least one dict ([{}] is the single "
            "configuration without parameters)"
        )
    for i, entry in enumerate(entries):
        if not isinstance(entry, Mapping | When) and not _is_budgeted(entry):
            raise SpaceError(
                f"a list of search spaces may hold dicts, When and pairs (dict, n_iter), but "
                f"entry {i} is {brief(entry)} of type {type(entry).__name__}"
            )
        lib.refuse_sweep(_without_budget(entry))
    return entries


def _curated_hint(definition: Any) -> str:
    """Return the way to the curated space for a word, or nothing, in the place of a space."""
    if isinstance(definition, str) and definition.lower() in ("small", "default", "wide"):
        size = definition.lower()
        return (
            '. The curated space of the estimator is "auto"; in a size of your choice, it is '
            f'space_for(estimator, X, y, size="{size}")'
        )
    if definition is None or isinstance(definition, str):
        return (
            '. The curated space of the estimator is "auto" (to see, resize or edit it, '
            'call space_for(estimator, X, y, size="default"))'
        )
    return ""


def _is_budgeted(entry: Any) -> bool:
    return (
        isinstance(entry, tuple)
        and len(entry) == 2
        and isinstance(entry[0], Mapping)
        and (not isinstance(entry[1], Mapping | When | tuple))
    )


def _without_budget(entry: Any) -> Any:
    return entry[0] if isinstance(entry, tuple) else entry


def _check_budget(n_iter: Any) -> int:
    if not is_integer(n_iter) or n_iter < 1:
        raise SpaceError(
            f"n_iter in a pair (dict, n_iter) must be a whole number of at least 1, got {n_iter!r}"
        )
    return int(n_iter)


# -- scikit-learn's own notation -------------------------------------------------------------


def native(definition: Any) -> bool:
    """Whether scikit-learn's ``ParameterGrid`` or ``ParameterSampler`` reads a definition.

    True for a dict, or a list of dicts, of lists, arrays, tuples (read as values: two
    numbers are two values) and objects with ``rvs``.
    """
    entries = [definition] if isinstance(definition, Mapping) else definition
    if not isinstance(entries, list | tuple) or not entries:
        return False
    return all(
        isinstance(entry, Mapping)
        and all(isinstance(name, str) and _is_native(value) for name, value in entry.items())
        for entry in entries
    )


def _is_native(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and len(value) > 0
    if _is_sequence(value):
        return len(value) > 0 and not _is_range(value, "values")
    return lib.has_rvs(value) and not (lib.is_skopt_range(value) or lib.is_skopt_choice(value))


def to_native(definition: Any) -> list[dict[str, Any]]:
    """Rewrite a definition so that scikit-learn's ``ParameterSampler`` reads it.

    Parameters
    ----------
    definition : as in :func:`parse`
        Two numbers in a tuple are two values. The ``n_iter`` of pairs are left out.

    Returns
    -------
    list of dict
        What scikit-learn reads by itself is the very object that was given. Anything else
        is a list of values if all of them are equally probable, and otherwise a Dimension,
        which has ``rvs``.

    Raises
    ------
    SpaceError
        If the definition cannot be used, or has conditions: scikit-learn knows none, so
        that the caller has to draw from the Space.
    """
    result = []
    for entry in _entries(definition):
        pairs = {} if isinstance(entry, When) else _without_budget(entry)
        if isinstance(entry, When) or any(isinstance(v, When) for v in pairs.values()):
            raise SpaceError("a space with conditions (When) has no notation in scikit-learn")
        result.append({check_name(name): _nativized(name, v) for name, v in pairs.items()})
    return result


def _nativized(name: str, value: Any) -> Any:
    if _is_native(value):
        return value
    dimension = parse_dimension(name, value, bare_pair="values")
    listable = dimension.equiprobable and dimension.size <= LISTABLE
    return dimension.values() if listable else dimension


def to_grid(definition: Any, levels: int = 3) -> list[dict[str, Any]]:
    """Rewrite a definition as a grid for scikit-learn's ``ParameterGrid``.

    Parameters
    ----------
    definition : as in :func:`parse`
        Two numbers in a tuple are two values. The ``n_iter`` of pairs are left out.
    levels : int, default=3
        Number of values that stand for a range or a distribution, evenly spread over it
        (a range with fewer values gives all of them).

    Returns
    -------
    list of dict of str to list
        Lists and arrays are the very objects that were given. Conditions become one dict
        for each way in which they can turn out.

    Raises
    ------
    SpaceError
        If the definition cannot be used, or ``levels`` is not a positive int.
    """
    if not is_integer(levels) or levels < 1:
        raise SpaceError(f"levels must be a whole number of at least 1, got {levels!r}")
    given: dict[int, Any] = {}  # the lists, by the identity of the dimension read from them

    def read(name: str, value: Any) -> Dimension:
        dimension = parse_dimension(name, value, bare_pair="values")
        if _is_sequence(value) and _is_native(value):
            given[id(dimension)] = value
        return dimension

    def values(parameter: Parameter) -> Any:
        dimension = parameter.dimension
        if id(dimension) in given:
            return given[id(dimension)]
        listed = isinstance(dimension, Categorical | Ordinal)
        return dimension.values() if listed else dimension.levels(levels)

    found = branches([_without_budget(entry) for entry in _entries(definition)], read)
    return [
        {name: values(p) if group is None else group for name, (p, group) in flat.items()}
        for branch in found
        for flat in flatten(branch, _with_conditions(branch, values))
    ]


def _with_conditions(
    branch: Sequence[Parameter], values: Callable[[Parameter], Any]
) -> Callable[[Parameter], list[Any]]:
    """Add to the values of a parent those on which its conditions depend."""

    def of_parent(parent: Parameter) -> list[Any]:
        conditions = [c for p in branch for c in p.conditions if c.parent == parent.name]
        wanted = [value for condition in conditions for value in condition.values]
        found: dict[Hashable, Any] = {}
        for value in (*values(parent), *wanted):
            found.setdefault(parent.dimension.key(value), value)
        return list(found.values())

    return of_parent

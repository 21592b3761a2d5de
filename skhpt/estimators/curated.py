"""Curated search spaces, and the configurations to try before anything is known."""

from __future__ import annotations

import difflib
import math
import numbers
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from ..space import Dimension, Space, When
from ..trial import Origin
from .facts import DataFacts
from .family import Family
from .find import Leaf, walk
from .ranges import SIZES
from .registry import is_estimator

N_FIRST = 4  # published configurations to try: a tuned default and three diverse ones

# Parameters of estimators nobody knows that look like numbers to tune and are not.
NOT_TUNED = {
    "cache_size", "copy", "copy_X", "max_iter", "n_jobs", "random_state", "tol",
    "validation_fraction", "verbose", "warm_start",
}  # fmt: skip
# What is a share of something, and so at most 1, by its name.
SHARE = re.compile(r"max_(features|samples|df)|min_df|(sub|col)sample.*|.*_(fraction|ratio|share)")


def space_for(
    estimator: Any, X: Any = None, y: Any = None, size: str = "default"
) -> dict[str, Any]:
    """Return the curated search space of an estimator, as a plain dict to be edited.

    Parameters
    ----------
    estimator : estimator object
        LightGBM, XGBoost, CatBoost, or one of scikit-learn's boosting, forests, trees, MLPs,
        linear models, support vector machines and nearest neighbours; or a pipeline or
        meta-estimator around one (all the members of a stacking or voting estimator).
        Subclasses have the space of their parent.
    X : array-like, sparse matrix, data frame or list, default=None
        Samples. Ranges are capped by what their number can support.
    y : array-like, default=None
        Target.
    size : {"small", "default", "wide"}, default="default"
        How many parameters: the four or five that matter most, those that are worth it
        with 50 configurations or more, or all with any use. With fewer than 250 rows
        "default" means "small".

    Returns
    -------
    dict of str to range, list, Layers or When
        Names as in ``estimator.get_params()``. A range is ``(low, high, prior)`` with
        "uniform" or "log-uniform" (whole numbers if both bounds are); a list with a single
        value goes with the others and is not tuned; ``When`` is a parameter that exists
        for some values of another one only. Numbers are searched whatever their value in
        the estimator, for they are what a search is for; choices between categories that
        the user has made himself (a kernel, a solver, class weights) are kept.

    Raises
    ------
    TypeError
        If `estimator` is a class instead of an instance, or no estimator at all.
    ValueError
        If there is no curated space for the estimator, or no such `size`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skhpt import space_for
    >>> space_for(Ridge())
    {'alpha': (0.0001, 10000.0, 'log-uniform')}
    """
    return space_for_facts(estimator, DataFacts.of(X, y), size=size)


def space_for_facts(estimator: Any, facts: DataFacts, *, size: str = "default") -> dict[str, Any]:
    """Return the curated search space of an estimator for data of which the facts are known.

    See :func:`space_for`.
    """
    _check(estimator, size)
    found = walk(estimator)
    space: dict[str, Any] = {}
    for leaf in found:
        if leaf.family is not None:
            space.update(_leaf_space(leaf, leaf.family, facts, size))
    if not space:
        raise ValueError(_no_space(estimator, found))
    return space


def _check(estimator: Any, size: Any) -> None:
    if not is_estimator(estimator):
        given = getattr(estimator, "__name__", None)
        hint = f"; write {given}()" if isinstance(estimator, type) else ""
        raise TypeError(f"estimator must be an instance of an estimator, got {estimator!r}{hint}.")
    if size not in SIZES:
        near = difflib.get_close_matches(str(size), SIZES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"size must be one of {', '.join(map(repr, SIZES))}, got {size!r}.{hint}")


def _leaf_space(leaf: Leaf, family: Family, facts: DataFacts, size: str) -> dict[str, Any]:
    estimator, seen = leaf.estimator, _seen_by(leaf, family, facts)
    if size == "default" and facts.is_small:
        size = "small"
    params = estimator.get_params(deep=False)
    space = family.space(estimator, seen, size)
    effective = {name: family.rename(params, name) for name in space}
    names = {
        name: leaf.prefix + own for name, own in effective.items() if family.accepts(estimator, own)
    }
    return _renamed(space, names)


def _seen_by(leaf: Leaf, family: Family, facts: DataFacts) -> DataFacts:
    return facts.seen_by(classifier=family.is_classifier(leaf.estimator), changed=leaf.changed)


def _renamed(space: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Give every parameter its full name, and drop those that have none."""
    result = {}
    for name, entry in space.items():
        if name not in names:
            continue
        if not isinstance(entry, When):
            result[names[name]] = entry
        elif entry.parent in names:
            result[names[name]] = When(names[entry.parent], list(entry.values), entry.what)
    return result


def _no_space(estimator: Any, found: Iterable[Leaf]) -> str:
    """Explain that there is no space, with one that could be written instead."""
    known = [leaf for leaf in found if leaf.family is not None]
    leaf = next((leaf for leaf in found if leaf.family is None), None) or known[0]
    name = type(leaf.estimator).__name__
    ranges = _numbers_to_tune(leaf.estimator)
    where = "" if leaf.estimator is estimator else f" (in {type(estimator).__name__})"
    reason = "has nothing to tune as it is set" if known else "has no curated search space"
    if not ranges:
        return f"{name}{where} {reason}{_nothing_to_tune(leaf)}"
    own, example = next(iter(ranges.items()))
    others = ", ".join(repr(leaf.prefix + other) for other in ranges)
    return (
        f"{name}{where} {reason}. Write one, a dict of parameters to ranges or lists of "
        f"values, for instance:\n\n{_usage(leaf.prefix + own, repr(example))}"
        f"\nNumbers among its parameters: {others}."
    )


def _usage(name: str, values: str) -> str:
    return f"    space = {{{name!r}: {values}}}\n    search = BayesSearchCV(estimator, space)\n"


def _nothing_to_tune(leaf: Leaf) -> str:
    """Explain that no parameter is a number to tune; show the form with those there are."""
    own = {
        name: value
        for name, value in leaf.estimator.get_params(deep=False).items()
        if name not in NOT_TUNED and not is_estimator(value)
    }
    if not own:
        return ", and no parameter that looks tunable: there is nothing to search."
    switches = [name for name, value in own.items() if isinstance(value, bool)]
    example = (switches[0], "[False, True]") if switches else (next(iter(own)), "[first, second]")
    names = ", ".join(repr(leaf.prefix + name) for name in own)
    return (
        ", and no number among its parameters that looks tunable. If others are worth "
        "searching, write a space, a dict of parameters to lists of values, in this form:\n\n"
        f"{_usage(leaf.prefix + example[0], example[1])}\nIts parameters: {names}."
    )


def _numbers_to_tune(estimator: Any) -> dict[str, Any]:
    """Return a range around every positive number among the parameters."""
    ranges = {}
    for name, value in estimator.get_params(deep=False).items():
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if is_number and name not in NOT_TUNED and 0 < value < math.inf:
            ranges[name] = _around(name, value)
    return ranges


def _around(name: str, value: Any) -> tuple[Any, Any, str]:
    """Return a range around a positive number."""
    if isinstance(value, numbers.Integral):
        return max(1, int(value) // 4), 4 * int(value), "log-uniform"
    low, high = (float(f"{scale * float(value):.6g}") for scale in (0.1, 10))
    if value <= 1 and SHARE.fullmatch(name):
        return low, 1.0, "uniform"
    return low, min(high, 0.99) if value < 1 else high, "log-uniform"  # it may be a share


# -- first trials --------------------------------------------------------------------------


def first_trials(
    estimator: Any, space: Space, facts: DataFacts
) -> list[tuple[Origin, dict[str, Any]]]:
    """Return the configurations to try first.

    Parameters
    ----------
    estimator : estimator object
        As the user gave it.
    space : Space
        What will be searched: the curated space or any other.
    facts : DataFacts
        What is known of the data.

    Returns
    -------
    list of (Origin, dict)
        First the estimator as it was given, with a value for every parameter of the space
        that exists beside the others, None spelled out where it stands for a number. It
        need not lie in the space. Then published configurations that do well elsewhere:
        distinct, moved into the space, and completed with the estimator's own values.
    """
    leaves = [leaf for leaf in walk(estimator) if leaf.family is not None]
    given = _given(estimator, leaves, facts)
    default = _existing(space, given, leaves, facts)
    trials = [(Origin.DEFAULT, default)]
    start = _placed(space, given, leaves, facts)
    seen = set() if start is None else {space.key(start)}
    for entry in _portfolio(leaves, facts):
        params = _placed(space, {**given, **entry}, leaves, facts)
        if params is not None and not _is_known(space.key(params), seen):
            trials.append((Origin.PORTFOLIO, params))
    return trials[: 1 + N_FIRST]


def nearest(estimator: Any, space: Space, facts: DataFacts) -> dict[str, Any] | None:
    """Return the configuration of the space that is nearest to the estimator as given.

    Parameters and meaning as in :func:`first_trials`.

    Returns
    -------
    dict or None
        A configuration that the space contains; None if the estimator lacks parameters
        that no alternative of the space can do without.
    """
    leaves = [leaf for leaf in walk(estimator) if leaf.family is not None]
    return _placed(space, _given(estimator, leaves, facts), leaves, facts)


def _given(estimator: Any, leaves: list[Leaf], facts: DataFacts) -> dict[str, Any]:
    """Return the full names and values of an estimator, as far as known spelled out."""
    given = dict(estimator.get_params(deep=True))
    for leaf in leaves:
        values = leaf.family.given(leaf.estimator, _seen_by(leaf, leaf.family, facts))
        given.update(_prefixed(leaf, values))
    return given


def _prefixed(leaf: Leaf, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under their full names, and under the names that take effect."""
    params = leaf.estimator.get_params(deep=False)
    effective = {leaf.family.rename(params, name): value for name, value in values.items()}
    return {leaf.prefix + name: value for name, value in {**values, **effective}.items()}


def _existing(
    space: Space, given: Mapping[str, Any], leaves: list[Leaf], facts: DataFacts
) -> dict[str, Any]:
    """Return the given values of the parameters that exist beside each other."""
    placed = _placed(space, given, leaves, facts)
    names = space.dimensions if placed is None else placed
    return {name: given[name] for name in names if name in given}


def _placed(
    space: Space, values: Mapping[str, Any], leaves: list[Leaf], facts: DataFacts
) -> dict[str, Any] | None:
    """Return the configuration of the space that is nearest to some values."""
    close = dict(values)
    for leaf in leaves:
        own = {
            name.removeprefix(leaf.prefix): value
            for name, value in values.items()
            if name.startswith(leaf.prefix)
        }
        seen = _seen_by(leaf, leaf.family, facts)
        for name, value in leaf.family.approximate(own, seen).items():
            close[leaf.prefix + name] = value
    inside = {
        name: _moved_into(dimension, close[name])
        for name, dimension in space.dimensions.items()
        if name in close
    }
    try:
        params = space.active(inside)
    except ValueError:
        return None
    return params if space.contains(params) else None


def _moved_into(dimension: Dimension, value: Any) -> Any:
    """Return the nearest value of a dimension; one without a place goes to the middle."""
    try:
        return dimension.decode(dimension.encode(value))
    except ValueError:
        return dimension.levels(1)[0]


def _portfolio(leaves: list[Leaf], facts: DataFacts) -> list[dict[str, Any]]:
    """Return the published configurations; the members of an ensemble go side by side."""
    lists = [
        [
            _prefixed(leaf, entry)
            for entry in leaf.family.portfolio(leaf.estimator, _seen_by(leaf, leaf.family, facts))
        ]
        for leaf in leaves
    ]
    longest = max(map(len, lists), default=0)
    return [
        {name: v for entries in lists if i < len(entries) for name, v in entries[i].items()}
        for i in range(longest)
    ]


def _is_known(key: Hashable, seen: set[Hashable]) -> bool:
    known = key in seen
    seen.add(key)
    return known

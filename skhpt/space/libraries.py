"""Dimensions as other libraries write them, recognised by their attributes alone.

Nothing of scikit-optimize, Optuna or W&B is imported.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import scipy.stats

from .base import Dimension, SpaceError, is_integer, is_number
from .dimensions import Categorical, Drawn, Frozen, Integer, Real, is_frozen, of_values

PRIORS = {"uniform": False, "log-uniform": True, "loguniform": True, "log": True}


def nearest(word: Any, known: Iterable[str]) -> str:
    """Return a question for a misspelt word, empty if nothing is near."""
    found = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def read_prior(prior: Any) -> bool:
    """Return whether a prior is logarithmic.

    Raises
    ------
    SpaceError
        If it is none of ``PRIORS``.
    """
    if prior not in PRIORS:
        raise SpaceError(
            f"the prior of a range must be one of {', '.join(map(repr, PRIORS))}, "
            f"got {prior!r}.{nearest(prior, PRIORS)} To give single values, write a list"
        )
    return PRIORS[prior]


# -- scipy.stats --------------------------------------------------------------------------


def is_scipy(value: Any) -> bool:
    return is_frozen(value) or isinstance(
        value, scipy.stats.rv_continuous | scipy.stats.rv_discrete
    )


def read_scipy(dist: Any) -> Dimension:
    """Read a distribution; uniform ones become ranges, which a surrogate can use best."""
    if not is_frozen(dist):
        dist = _freeze(dist)
    low, high = dist.support()
    if isinstance(dist.dist, type(scipy.stats.uniform)):
        return Real(low, high)
    if isinstance(dist.dist, type(scipy.stats.randint)):
        return Integer(low, high) if low != high else Categorical((int(low),))
    return Real(low, high, log=True) if _is_log_uniform(dist) else Frozen(dist)


def _is_log_uniform(dist: Any) -> bool:
    if not isinstance(dist.dist, type(scipy.stats.loguniform)):
        return False
    low, high = dist.support()
    # a loc would make it something else
    return low > 0 and math.isclose(dist.median(), math.sqrt(low * high), rel_tol=1e-9)


def _freeze(dist: Any) -> Any:
    try:
        return dist()
    except TypeError as error:
        raise SpaceError(
            f"the distribution {dist.name!r} needs its parameters, as in "
            f"scipy.stats.{dist.name}({dist.shapes}): {error}"
        ) from error


def has_rvs(value: Any) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "rvs", None))


def read_rvs(value: Any) -> Dimension:
    return Drawn(value)


# -- scikit-optimize ------------------------------------------------------------------------


def is_skopt_range(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("low", "high", "prior", "base"))


def read_skopt_range(value: Any) -> Dimension:
    kind = Integer if type(value).__name__ == "Integer" else Real
    return kind(value.low, value.high, log=read_prior(value.prior))


def is_skopt_choice(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("categories", "prior", "transform"))


def read_skopt_choice(value: Any) -> Dimension:
    weights = None if value.prior is None else tuple(float(p) for p in value.prior)
    return Categorical(tuple(value.categories), probabilities=weights)


# -- Optuna ---------------------------------------------------------------------------------


def is_optuna_range(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("low", "high", "log", "step"))


def read_optuna_range(value: Any) -> Dimension:
    if value.low == value.high:  # Optuna allows a range of one value
        return Categorical((value.low,))
    if is_integer(value.low) and is_integer(value.high):
        step = None if value.step == 1 else value.step
        return Integer(value.low, value.high, log=value.log, step=step)
    return Real(value.low, value.high, log=value.log, step=value.step)


def is_optuna_choice(value: Any) -> bool:
    return hasattr(value, "choices") and hasattr(value, "to_internal_repr")


def read_optuna_choice(value: Any) -> Dimension:
    return Categorical(tuple(value.choices))


# -- W&B sweeps -------------------------------------------------------------------------------


def _exp(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        raise SpaceError(
            f"min and max of this distribution are exponents of e, and e**{exponent!r} is too "
            "large: use 'log_uniform_values' to give the values themselves"
        ) from None


def _uniform(low: float, high: float, q: float | None = None, log: bool = False) -> Dimension:
    """Return the range, or the multiples of ``q`` in it."""
    if q is None:
        return Real(low, high, log=log)
    if q <= 0:
        raise SpaceError(f"q must be above 0, got {q!r}")
    if not all(map(math.isfinite, (low / q, high / q, q))):
        raise SpaceError(
            f"min, max and q must be finite, and min / q and max / q too, got min={low!r}, "
            f"max={high!r} and q={q!r}: give bounds that are large enough, or raise q"
        )
    first, last = math.ceil(low / q - 1e-9), math.floor(high / q + 1e-9)
    if first > last:
        raise SpaceError(f"there is no multiple of q={q!r} between {low!r} and {high!r}")
    kind = Integer if is_integer(q) else Real
    if first == last:
        return Categorical((first * q,))
    return kind(first * q, last * q, log=log, step=None if kind is Integer and q == 1 else q)


def _log_uniform(low: float, high: float, q: float | None = None) -> Dimension:
    return _uniform(low, high, q, log=True)


def _choice(values: Any, probabilities: Any = None) -> Dimension:
    if probabilities is None:
        return of_values(values)
    return Categorical(values, probabilities=probabilities)


def _log_normal(mu: float, sigma: float) -> Any:
    return scipy.stats.lognorm(s=sigma, scale=_exp(mu))


@dataclass(frozen=True)
class _Sweep:
    """One distribution of W&B: its fields and how to read them."""

    read: Callable[..., Dimension]
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


_BOUNDS = ("min", "max")
_Q = {"q": 1}
_NORMAL = {"mu": 0.0, "sigma": 1.0}
_BETA = {"a": 1, "b": 1}

# Fields and defaults as in the schema of sweep configurations.
SWEEPS: dict[str, _Sweep] = {
    "constant": _Sweep(lambda value: Categorical((value,)), ("value",)),
    "categorical": _Sweep(_choice, ("values",), {"probabilities": None}),
    "categorical_w_probabilities": _Sweep(_choice, ("values", "probabilities")),
    "int_uniform": _Sweep(Integer, _BOUNDS),
    "uniform": _Sweep(Real, _BOUNDS),
    "q_uniform": _Sweep(_uniform, _BOUNDS, _Q),
    "log_uniform": _Sweep(lambda low, high: _log_uniform(_exp(low), _exp(high)), _BOUNDS),
    "q_log_uniform": _Sweep(
        lambda low, high, q: _log_uniform(_exp(low), _exp(high), q), _BOUNDS, _Q
    ),
    # log(1 / x) is uniform exactly when log(x) is
    "inv_log_uniform": _Sweep(lambda low, high: _log_uniform(_exp(-high), _exp(-low)), _BOUNDS),
    "log_uniform_values": _Sweep(_log_uniform, _BOUNDS),
    "q_log_uniform_values": _Sweep(_log_uniform, _BOUNDS, _Q),
    "inv_log_uniform_values": _Sweep(_log_uniform, _BOUNDS),
    "normal": _Sweep(lambda mu, sigma: Frozen(scipy.stats.norm(mu, sigma)), (), _NORMAL),
    "q_normal": _Sweep(
        lambda mu, sigma, q: Frozen(scipy.stats.norm(mu, sigma), step=q), (), _NORMAL | _Q
    ),
    "log_normal": _Sweep(lambda mu, sigma: Frozen(_log_normal(mu, sigma)), (), _NORMAL),
    "q_log_normal": _Sweep(
        lambda mu, sigma, q: Frozen(_log_normal(mu, sigma), step=q), (), _NORMAL | _Q
    ),
    "beta": _Sweep(lambda a, b: Frozen(scipy.stats.beta(a, b)), (), _BETA),
    "q_beta": _Sweep(lambda a, b, q: Frozen(scipy.stats.beta(a, b), step=q), (), _BETA | _Q),
}
_FIELDS = {"distribution", "value", "values", "probabilities", "min", "max", "q"} | {
    "mu", "sigma", "a", "b"
}  # fmt: skip
_NUMBERS = ("min", "max", "q", "mu", "sigma", "a", "b")


def read_sweep(entry: Mapping[str, Any]) -> Dimension:
    """Read a parameter of a W&B sweep, such as ``{"min": 1, "max": 9}``.

    Raises
    ------
    SpaceError
        If it is no such thing, or a field is missing, unknown or not a number.
    """
    if not _FIELDS.intersection(entry):
        raise SpaceError(
            f"a dict as the value of a parameter must be a W&B sweep entry such as "
            f"{{'values': [...]}} or {{'min': 0.0, 'max': 1.0}}, got {entry!r}. For dicts as "
            "values, write a list of them; for parameters of a nested estimator, use the "
            "name 'step__parameter'; for conditions, use When"
        )
    kind = entry["distribution"] if "distribution" in entry else _kind(entry)
    sweep = SWEEPS.get(kind) if isinstance(kind, str) else None
    if sweep is None:
        raise SpaceError(
            f"the distribution of a W&B sweep entry must be one of {', '.join(SWEEPS)}, "
            f"got {kind!r}.{nearest(kind, SWEEPS)}"
        )
    given = {name: value for name, value in entry.items() if name != "distribution"}
    _check_fields(kind, sweep, given)
    fields = {**dict.fromkeys(sweep.required), **sweep.defaults, **given}
    return sweep.read(*fields.values())


def refuse_sweep(definition: Any) -> None:
    """Raise SpaceError for the configuration of a whole W&B sweep in the place of a space."""
    if not isinstance(definition, Mapping):
        return
    method, parameters = definition.get("method"), definition.get("parameters")
    if isinstance(method, str) and isinstance(parameters, Mapping):
        raise SpaceError(
            "this is a whole W&B sweep, with its method and more, where only its parameters "
            'are a search space: pass sweep["parameters"]'
        )


def _kind(entry: Mapping[str, Any]) -> str:
    """Return the distribution of an entry that does not name it."""
    if "value" in entry:
        return "constant"
    if "values" in entry:
        return "categorical"
    if "min" in entry or "max" in entry:
        if "q" in entry:
            return "q_uniform"
        whole = all(is_integer(entry.get(name, 0)) for name in _BOUNDS)
        return "int_uniform" if whole else "uniform"
    raise SpaceError(
        f"the W&B sweep entry must name its distribution (one of {', '.join(SWEEPS)}), "
        f"got {dict(entry)!r}"
    )


def _check_fields(kind: str, sweep: _Sweep, given: Mapping[str, Any]) -> None:
    allowed = (*sweep.required, *sweep.defaults)
    for name in sweep.required:
        if name not in given:
            raise SpaceError(
                f"the distribution {kind!r} needs {' and '.join(map(repr, sweep.required))}, "
                f"but {name!r} is missing in {dict(given)!r}"
            )
    for name, value in given.items():
        if name not in allowed:
            raise SpaceError(
                f"the distribution {kind!r} has no field {name!r}, only "
                f"{', '.join(map(repr, allowed))}.{nearest(name, allowed)}"
            )
        if name in _NUMBERS and not is_number(value):
            raise SpaceError(
                f"{name!r} of the distribution {kind!r} must be a number, got {value!r}"
            )

"""Spaces drawn at random: legal ones in every notation, and spoilt ones."""

from __future__ import annotations

import importlib

import numpy as np
import scipy.stats
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import When
from skhpt.samplers.random import RandomSampler
from skhpt.space import Integer, Layers, Ordinal, Real


def one_of(*values):
    return st.sampled_from(values)


def raises(*args, **kwargs):
    raise Deliberate("on purpose")


class Deliberate(Exception):
    """What the user's own code raises in these tests."""


CHOICES = {
    "flag": [True, False],
    "kernel": ["rbf", "linear", "poly"],
    "criterion": ["gini", "entropy"],
    "weights": ["uniform", "distance"],
    "strategy": ["prior", "most_frequent", "stratified"],
    "scaler": [StandardScaler(), "passthrough"],
}


def _foreign(module, name, *args, **kwargs):
    """Makes an object of another library, or a plain list where that is not installed."""

    def make():
        try:
            return getattr(importlib.import_module(module), name)(*args, **kwargs)
        except ImportError:
            return [1, 2]

    return make


NUMBERS = {
    "positive": (
        lambda: [0.1, 1.0, 10.0],
        lambda: [1, 1, 2],
        lambda: (0.1, 10.0),
        lambda: (0.1, 10.0, "log-uniform"),
        lambda: (0.01, 10.0, "log-uniform", 10),
        lambda: np.logspace(-2, 1, 4),
        lambda: scipy.stats.loguniform(0.01, 10.0),
        lambda: scipy.stats.uniform(0.5, 2.0),
        lambda: {"min": 0.5, "max": 2.0},
        lambda: {"distribution": "log_uniform_values", "min": 0.5, "max": 2.0},
        lambda: Real(0.1, 2.0, step=0.1),
        _foreign("optuna.distributions", "FloatDistribution", 0.1, 1.0, log=True),
        _foreign("skopt.space", "Real", 0.1, 1.0, prior="log-uniform"),
    ),
    "count": (
        lambda: [1, 2, 3],
        lambda: [2],
        lambda: (2, 2),
        lambda: (1, 4),
        lambda: range(1, 5),
        lambda: np.arange(1, 4),
        lambda: scipy.stats.randint(1, 6),
        lambda: {"values": [1, 2, 3]},
        lambda: Integer(1, 5),
        lambda: Ordinal([1, 2, 4]),
        _foreign("optuna.distributions", "IntDistribution", 1, 5),
        _foreign("skopt.space", "Integer", 1, 5),
    ),
}


def legal_entries(sort):
    """What may stand for a parameter of a sort."""
    if sort in NUMBERS:
        return one_of(*NUMBERS[sort]).map(lambda make: make())
    values = CHOICES[sort]
    some = st.lists(one_of(*values), min_size=1, max_size=4)
    forms = one_of(list, lambda v: {"values": v}, lambda v: (v[0], *v))
    return st.tuples(forms, some).map(lambda pair: pair[0](pair[1]))


def _endless():
    values = [1.0]
    values.append(values)
    return values


SPOILT_NUMBERS = (0, -1, 1e308, 1e-320, 10**400, float("nan"), float("inf"), -float("inf"), 2**70)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 6),
    st.floats(-2.0, 20.0),
    one_of(*SPOILT_NUMBERS),
    one_of("", "rbf", "log-uniform", "1.0", "auto", b"rbf", 1j, np.float32(0.5), np.int8(3)),
)
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(one_of("min", "max", "values", "value", "C", 3, None), inner, max_size=3),
    ),
    max_leaves=6,
)
bounds = st.one_of(scalars, st.floats(0.1, 9.0))
ranges = st.one_of(
    st.tuples(bounds, bounds),
    st.tuples(bounds, bounds, one_of("uniform", "log-uniform", "log", "lg-uniform", "x", None, 3)),
    st.tuples(bounds, bounds, one_of("log-uniform"), bounds),
    st.builds(lambda low, high: {"min": low, "max": high}, bounds, bounds),
    st.builds(
        lambda kind, low, high, q: {"distribution": kind, "min": low, "max": high, "q": q},
        one_of("uniform", "q_uniform", "q_log_uniform", "log_uniform", "nrmal", 3, None, []),
        bounds, bounds, bounds,
    ),
)  # fmt: skip
SPOILT_ENTRIES = (
    list,
    tuple,
    dict,
    object,
    lambda: {1.0, 2.0},
    lambda: {"values": []},
    lambda: {"values": 3},
    lambda: {"values": [1, 2], "probabilities": [1]},
    lambda: {"distribution": "normal", "sigma": -1},
    lambda: {"distribution": "beta", "a": 0, "b": 0},
    lambda: np.ones((2, 2)),
    lambda: np.array(3),
    lambda: np.array([]),
    lambda: np.array([1, None], dtype=object),
    lambda: iter([1, 2]),
    lambda: (v for v in [1, 2]),
    lambda: scipy.stats.norm(0, -1),
    lambda: scipy.stats.norm([0, 1], 1),
    lambda: scipy.stats.beta,
    lambda: scipy.stats.multivariate_normal([0, 0]),
    lambda: scipy.stats.uniform(0, 0),
    lambda: scipy.stats.randint(3, 3),
    scipy.stats.cauchy,
    lambda: Real,
    lambda: RandomSampler,
    Layers,
    lambda: [Real(0, 1), 3],
    lambda: [SVC(), SVC],
    lambda: [[1, 2], [3]],
    lambda: [np.ones(2), np.ones(2)],
    type("Mute", (), {"rvs": raises}),
    type("Ragged", (), {"rvs": lambda self, random_state=None: [1, 2]}),
    lambda: When("kernel", "rbf", [1, 2]),
    lambda: When("C", 1.0, [1, 2]),
    lambda: When("nowhere", None, {"C": [1]}),
    lambda: When("C", [1], When("C", 1, [1.0])),
    _endless,
    _foreign("optuna.distributions", "CategoricalDistribution", [1.0, 2.0]),
    _foreign("optuna.distributions", "FloatDistribution", 0.0, 0.0),
    _foreign("skopt.space", "Categorical", [1.0, "a", None]),
)
spoilt_entries = st.one_of(
    junk, ranges, one_of(*SPOILT_ENTRIES).map(lambda make: make()), st.lists(junk, max_size=3)
)


def legal_spaces(parameters):
    """Dicts, alternatives, budgets beside them, conditions, the curated space."""
    entries = {name: legal_entries(sort) for name, sort in parameters.items()}
    one = st.fixed_dictionaries({}, optional=entries)
    few = one.filter(bool)
    forms = [few, few, few, one, st.lists(one, min_size=1, max_size=2), one_of("auto")]
    forms.append(st.tuples(few, st.integers(1, 3)).map(lambda pair: [pair]))
    if "kernel" in parameters:
        forms.append(
            entries["gamma"].map(
                lambda gamma: {"kernel": ["rbf", "poly"], "gamma": When("kernel", "rbf", gamma)}
            )
        )
    return st.one_of(forms)


WRONG_NAMES = ("c", "Cc", "", "__C", "C__", "svc__C", "logisticregresion__C", "logisticregression",
               "steps", "logisticregression__C__x", "memory", 3, None, ("C",))  # fmt: skip


def spoilt_spaces(parameters):
    """A legal one with something wrong in it, or something that is no space at all."""
    entries = {name: legal_entries(sort) for name, sort in parameters.items()}
    legal = st.fixed_dictionaries({}, optional=entries)
    name = one_of(*entries)
    wrong_value = st.builds(lambda d, n, v: {**d, n: v}, legal, name, spoilt_entries)
    wrong_name = st.builds(
        lambda d, n, v: {**d, n: v}, legal, one_of(*WRONG_NAMES), st.one_of(spoilt_entries, name)
    )
    nested = st.builds(
        lambda d, n, parent, on, what: {**d, n: When(parent, on, what)},
        legal, name, one_of(*entries, "nowhere"), scalars, st.one_of(spoilt_entries, legal),
    )  # fmt: skip
    budgeted = st.builds(lambda d, n: (d, n), legal, scalars)
    sweep = legal.map(lambda d: {"method": "bayes", "parameters": d})
    parts = st.one_of(wrong_value, nested, budgeted, legal, junk)
    return st.one_of(
        wrong_value, wrong_value, nested, wrong_name, budgeted, sweep, junk,
        st.lists(parts, max_size=3), st.lists(parts, max_size=2).map(tuple), one_of("Auto", "wide"),
    )  # fmt: skip

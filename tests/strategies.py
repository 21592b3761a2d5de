"""Random dimensions and spaces for the laws of every one, and doubles of foreign ones."""

import re

import scipy.stats
from hypothesis import settings
from hypothesis import strategies as st

from skhpt.space import (
    Categorical,
    Dimension,
    Drawn,
    Frozen,
    Integer,
    Layers,
    Ordinal,
    Real,
    Space,
    When,
)

# A slow machine is no failure.
settings.register_profile("skhpt", deadline=None)
settings.load_profile("skhpt")


def shown(value):
    """Name a test by its parameter; an address, which is another in every process, is left out."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


class Uneven:
    """Draws small integers, and has nothing but ``rvs``."""

    def rvs(self, size=None, random_state=None):
        return random_state.randint(0, 10, size=size) ** 2


class Names:
    """Draws tuples of strings."""

    def rvs(self, random_state=None):
        return tuple("abc"[i] for i in random_state.randint(0, 3, size=2))


class Odd:
    """Draws, and does nothing else."""

    def rvs(self, random_state=None):
        return int(random_state.randint(50)) * 2 + 1


def range_of(kind, low, high, prior, base=10):
    """A double of a dimension of scikit-optimize: its class name and its attributes."""
    body = {"low": low, "high": high, "prior": prior, "base": base, "rvs": lambda self: None}
    return type(kind, (), body)()


def choice_of(categories, prior=None):
    """A double of scikit-optimize's Categorical."""
    body = {"categories": tuple(categories), "prior": prior, "transform": None, "rvs": None}
    return type("Categorical", (), {**body, "rvs": lambda self: None})()


def unit(n):
    """Points of the cube, its faces included."""
    number = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0))
    return st.lists(number, min_size=n, max_size=n)


@st.composite
def reals(draw):
    log = draw(st.booleans())
    low = draw(st.floats(1e-6, 10.0) if log else st.floats(-100.0, 100.0))
    width = draw(st.floats(0.01, 1000.0))
    step = draw(st.none() | st.floats(0.01, 1.0))
    step = step if step is None else step * width
    return Real(low, low + width, log=log, step=step)


@st.composite
def integers(draw):
    log = draw(st.booleans())
    low = draw(st.integers(1, 50) if log else st.integers(-50, 50))
    width = draw(st.integers(1, 60) | st.integers(1, 10**6))
    step = draw(st.none() | st.integers(1, width))
    return Integer(low, low + width, log=log, step=step)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from("abc"), st.floats(-2.0, 2.0)
)
objects = st.one_of(scalars, st.tuples(scalars), st.lists(scalars, max_size=2))


@st.composite
def categoricals(draw):
    choices = draw(st.lists(objects, min_size=1, max_size=6))
    weights = st.lists(st.floats(0.1, 5.0), min_size=len(choices), max_size=len(choices))
    return Categorical(tuple(choices), probabilities=draw(st.none() | weights))


numbers = st.one_of(st.integers(-20, 20), st.floats(-20.0, 20.0))
ordinals = st.lists(numbers, min_size=3, max_size=8, unique=True).map(Ordinal)
layers = st.builds(
    lambda depth, more, width, wider: Layers((depth, depth + more), (width, width + wider)),
    st.integers(1, 3), st.integers(0, 3), st.integers(1, 40), st.integers(0, 300),
)  # fmt: skip

DISTRIBUTIONS = (
    Frozen(scipy.stats.norm(1.0, 2.0)),
    Frozen(scipy.stats.expon(scale=100)),
    Frozen(scipy.stats.cauchy()),
    Frozen(scipy.stats.beta(2, 5)),
    Frozen(scipy.stats.lognorm(s=1.0, scale=0.1), step=0.25),
    Frozen(scipy.stats.norm(0, 10), step=5),
    Frozen(scipy.stats.beta(2, 5), step=0.1),
    Frozen(scipy.stats.poisson(3)),
    Frozen(scipy.stats.binom(100, 0.01)),
    Frozen(scipy.stats.geom(0.3, loc=4)),
    Frozen(scipy.stats.poisson(10**7)),
    Frozen(scipy.stats.binom(10**5, 0.5)),
    Frozen(scipy.stats.rv_discrete(values=([1, 10, 100], [0.2, 0.5, 0.3]))()),
    Drawn(Uneven()),
    Drawn(Names()),
)

finite = st.one_of(integers(), categoricals(), ordinals, layers)
dimensions = st.one_of(finite, reals(), st.sampled_from(DISTRIBUTIONS))


def _small(dimension: Dimension) -> bool:
    return dimension.size <= 12


@st.composite
def branches(draw, leaves):
    """One dict: some free dimensions, and some that depend on others."""
    names = iter("abcdefgh")
    free = draw(st.lists(leaves, max_size=2))
    branch = {next(names): dimension for dimension in free}
    for _ in range(draw(st.integers(0, 2))):
        parent = draw(st.lists(scalars, min_size=2, max_size=4, unique_by=repr))
        name = next(names)
        branch[name] = Categorical(parent)
        some = draw(st.lists(st.sampled_from(parent), min_size=1, max_size=2))
        child, grandchild = next(names), next(names)
        if draw(st.booleans()):
            branch[child] = When(name, some, draw(leaves))
        else:
            inner = {
                child: Categorical((1, 2, "x")),
                "": When(child, 2, {grandchild: draw(leaves)}),
            }
            branch[f"only {name}"] = When(name, some, inner)
    return branch


def spaces(leaves=dimensions):
    """A dict, or alternatives that may overlap."""
    one = branches(leaves)
    return st.one_of(one.map(Space), st.lists(one, min_size=1, max_size=3).map(Space))


small_spaces = spaces(finite.filter(_small)).filter(lambda space: space.size <= 300)

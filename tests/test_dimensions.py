"""Every kind of dimension obeys the same laws."""

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import ParameterSampler
from strategies import DISTRIBUTIONS, dimensions, finite, shown, unit

import skhpt.space
from skhpt.space import (
    Categorical,
    Drawn,
    Frozen,
    Integer,
    Layers,
    Ordinal,
    Real,
)

points = dimensions.flatmap(lambda d: st.tuples(st.just(d), unit(d.n_columns)))
each = pytest.mark.parametrize(
    "dimension",
    [
        Real(0.1, 10.0, log=True),
        Real(-1.0, 1.0, step=0.1),
        Integer(1, 1000, log=True),
        Integer(-5, 5, step=2),
        Categorical(["a", None, (1, 2)]),
        Categorical(["a", "b"], probabilities=[0.25, 0.75]),
        Categorical(["only"]),
        Ordinal([16, 2, 8.5]),
        Layers(),
        Layers(depth=2),
        *DISTRIBUTIONS,
    ],
    ids=shown,
)


# -- laws ---------------------------------------------------------------------------------


@given(points)
def test_every_point_of_the_cube_is_a_legal_value(case):
    dimension, u = case
    value = dimension.decode(np.array(u))
    assert dimension.contains(value)
    assert not isinstance(value, np.generic)


@given(points)
def test_snap_is_encode_of_decode(case):
    dimension, u = case
    snapped = dimension.snap(np.array([u]).reshape(1, -1))[0]
    encoded = dimension.encode(dimension.decode(np.array(u)))
    assert encoded.shape == (dimension.n_columns,)
    np.testing.assert_allclose(snapped, encoded, atol=1e-7)


@given(points)
def test_snapping_twice_is_snapping_once_and_changes_no_value(case):
    dimension, u = case
    once = dimension.snap(np.array([u]).reshape(1, -1))
    np.testing.assert_allclose(dimension.snap(once), once, atol=1e-12)
    assert ((once >= 0) & (once <= 1)).all()
    value, again = dimension.decode(np.array(u)), dimension.decode(once[0])
    assert dimension.key(value) == dimension.key(again)


@given(finite)
def test_values_are_distinct_and_as_many_as_the_size(dimension):
    if dimension.size > 3000:
        assert dimension.size == int(dimension.size)
        return
    values = dimension.values()
    assert len(values) == dimension.size
    assert len({dimension.key(value) for value in values}) == dimension.size
    for value in values[:: max(1, len(values) // 50)]:
        assert dimension.contains(value)
        assert dimension.key(dimension.decode(dimension.encode(value))) == dimension.key(value)


@pytest.mark.parametrize(
    "dimension", [d for d in DISTRIBUTIONS if math.isfinite(d.size)], ids=shown
)
def test_values_of_a_finite_distribution_are_all_that_the_cube_gives(dimension):
    values = dimension.values()
    assert len(set(values)) == len(values) == dimension.size
    drawn = {dimension.decode([u]) for u in np.linspace(0, 1, 2000)}
    assert drawn <= set(values)
    assert [dimension.decode(dimension.encode(value)) for value in values] == values


@given(dimensions, st.integers(1, 9))
def test_levels_are_distinct_values_and_at_most_n(dimension, n):
    levels = dimension.levels(n)
    assert 1 <= len(levels) <= n
    assert len({dimension.key(level) for level in levels}) == len(levels)
    assert all(dimension.contains(level) for level in levels)


@given(dimensions, st.integers(0, 2**32 - 1))
def test_rvs_is_reproducible_and_legal(dimension, seed):
    value = dimension.rvs(random_state=seed)
    assert dimension.contains(value)
    again = dimension.rvs(random_state=np.random.RandomState(seed))
    assert dimension.key(value) == dimension.key(again)
    assert dimension.contains(dimension.rvs(random_state=np.random.default_rng(seed)))


@given(dimensions, st.integers(0, 2**32 - 1))
def test_what_is_drawn_can_be_encoded(dimension, seed):
    rng = np.random.default_rng(seed)
    assert dimension.encode(dimension.draw(rng)).shape == (dimension.n_columns,)
    U = dimension.draw_unit(rng, 5)
    np.testing.assert_allclose(U, dimension.snap(U), atol=1e-12)


@each
def test_equal_definitions_are_equal_and_others_are_not(dimension):
    if isinstance(dimension, Drawn):
        assert dimension == Drawn(dimension.dist)
        return
    for twin in (copy.deepcopy(dimension), pickle.loads(pickle.dumps(dimension))):
        assert twin == dimension
        assert hash(twin) == hash(dimension)
    assert dimension != Real(0.123, 4.56)
    assert dimension != "another thing"


@each
def test_the_repr_builds_the_dimension(dimension):
    if " at 0x" in repr(dimension):
        return
    names = {"scipy": scipy, "np": np, **vars(skhpt.space)}
    assert eval(repr(dimension), names) == dimension


def test_the_repr_of_layers_shows_what_is_searched():
    assert repr(Layers()) == "Layers(depth=(1, 3), width=(16, 256))"
    assert repr(Layers(depth=2)) == "Layers(depth=(2, 2), width=(16, 256))"


@each
def test_dimensions_are_immutable(dimension):
    with pytest.raises(AttributeError):
        dimension.low = 3


@each
def test_scikit_learn_draws_from_it(dimension):
    drawn = [params["x"] for params in ParameterSampler({"x": dimension}, 5, random_state=0)]
    assert all(dimension.contains(value) for value in drawn)
    again = ParameterSampler({"x": dimension}, 5, random_state=0)
    assert drawn == [params["x"] for params in again]


@pytest.mark.parametrize(
    "dimension", [Real(0, 1), Integer(1, 9), Ordinal([1, 2, 5]), Frozen(scipy.stats.norm())]
)
def test_several_numbers_are_an_array(dimension):
    drawn = dimension.rvs(size=(2, 3), random_state=0)
    assert drawn.shape == (2, 3)
    assert drawn.dtype.kind in "if"


def test_several_tuples_are_an_array_of_objects():
    drawn = Layers().rvs(size=4, random_state=0)
    assert drawn.shape == (4,)
    assert all(isinstance(value, tuple) for value in drawn)


def test_without_a_seed_the_global_state_draws(monkeypatch):
    monkeypatch.setattr(np.random.mtrand, "_rand", np.random.RandomState(3))
    assert Real(0, 1).rvs() == Real(0, 1).rvs(random_state=3)


def test_snapping_many_points_is_snapping_each():
    rng = np.random.default_rng(0)
    for dimension in (Integer(1, 99, log=True), Categorical(list("abc")), Layers(), *DISTRIBUTIONS):
        U = rng.random((50, dimension.n_columns))
        rows = [dimension.encode(dimension.decode(u)) for u in U]
        np.testing.assert_allclose(dimension.snap(U), rows, atol=1e-12)

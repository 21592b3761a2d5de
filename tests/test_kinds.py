"""What is particular to each kind of dimension."""

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import SVC
from strategies import Names, Uneven

from skhpt.space import (
    Categorical,
    Drawn,
    Frozen,
    Integer,
    Layers,
    Ordinal,
    Real,
    SpaceError,
)

# -- ranges -------------------------------------------------------------------------------


def test_the_ends_of_a_range_are_exact():
    for real in (Real(0.1, 0.7), Real(0.1, 0.7, log=True)):
        assert [real.decode([0.0]), real.decode([1.0])] == [0.1, 0.7]


@given(st.floats(1e-5, 1e3))
def test_a_round_number_comes_back_as_it_was(x):
    x = float(f"{x:.6g}")
    dimension = Real(1e-5, 1e3, log=True)
    assert dimension.decode(dimension.encode(x)) == x


def test_numbers_beyond_a_range_are_clipped_but_not_contained():
    for dimension in (Real(1, 2), Integer(1, 8, log=True), Integer(1, 8), Real(1, 2, step=0.5)):
        low, high = dimension.low, dimension.high
        assert dimension.decode(dimension.encode(-100)) == low
        assert dimension.decode(dimension.encode(math.inf)) == high
        assert not dimension.contains(0)
        assert not dimension.contains(100)


def test_a_logarithmic_range_is_uniform_in_the_logarithm():
    assert Real(0.001, 1.0, log=True).levels(4) == [0.001, 0.01, 0.1, 1.0]
    drawn = Integer(1, 1000, log=True).rvs(size=4000, random_state=0)
    assert abs(np.mean(drawn <= 31) - math.log(63) / math.log(2001)) < 0.03
    assert drawn.min() == 1
    assert drawn.max() > 900


def test_all_integers_of_a_range_are_equally_probable():
    drawn = Integer(1, 4).rvs(size=4000, random_state=0)
    assert abs(np.bincount(drawn, minlength=5)[1:] / 4000 - 0.25).max() < 0.03


def test_steps_end_at_or_below_the_upper_bound():
    assert Integer(1, 10, step=4).values() == [1, 5, 9]
    assert Real(0.1, 0.5, step=0.1).values() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert not Integer(1, 10, step=4).contains(10)
    assert not Real(0.1, 0.5, step=0.1).contains(0.25)


@pytest.mark.parametrize("value", ["0.5", None, True, (1,), math.nan])
@pytest.mark.parametrize(
    "dimension", [Real(0, 1), Integer(0, 3), Ordinal([1, 2, 3]), Frozen(scipy.stats.norm())]
)
def test_what_is_no_number_has_no_place_among_numbers(dimension, value):
    assert not dimension.contains(value)
    with pytest.raises(ValueError, match="can only place numbers, got"):
        dimension.encode(value)


def test_a_float_is_no_value_of_an_integer_but_has_a_place():
    assert not Integer(1, 9).contains(3.0)
    assert Integer(1, 9).decode(Integer(1, 9).encode(3.4)) == 3
    assert Integer(1, 9).key(3.0) == Integer(1, 9).key(np.int64(3)) != Integer(1, 9).key(3.5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Real(2, 1), r"low must be smaller than high, got low=2.0 and high=1.0: exchange"),
        (
            lambda: Integer(2, 2),
            r"low must be smaller than high, got low=2 and high=2: they are equal",
        ),
        (lambda: Real(1, 1), r"they are equal; for a constant, write a list, \[1.0\]"),
        (lambda: Real(0, 1, log=True), r"logarithmic range must begin above 0, got low=0.0"),
        (lambda: Real(0, math.inf), r"high must be finite, got inf: give a bound"),
        (lambda: Real(math.nan, 1), r"low must be finite, got nan"),
        (lambda: Real("0", 1), r"low must be a number, got '0'"),
        (lambda: Real(False, 1), r"low must be a number, got False"),
        (lambda: Integer(1, 2.5), r"high of an Integer must be a whole number, got 2.5: round"),
        (lambda: Integer(1, 9, step=1.5), r"step of an Integer must be a whole number, got 1.5"),
        (lambda: Real(0, 1, step=2), r"step must be a number above 0 and at most .* got 2"),
        (lambda: Real(0, 1, step=-1), r"step must be a number above 0 .* got -1"),
        (lambda: Categorical([]), r"list of values is empty: give at least one"),
        (lambda: Categorical("abc"), r"choices must be a list of values, got 'abc'"),
        (lambda: Categorical([1, 2], [1]), r"probabilities must be 2 non-negative .* got \[1\]"),
        (lambda: Categorical([1, 2], [1, -1]), r"probabilities must be 2 non-negative"),
        (lambda: Categorical([1, 2], [0, 0]), r"not all 0, got \[0, 0\]"),
        (lambda: Ordinal([1, 2]), r"at least three distinct numbers, got \[1, 2\]: use Categ"),
        (lambda: Ordinal([1, 2, True]), r"at least three distinct numbers"),
        (lambda: Layers(depth=(3, 1)), r"depth of Layers must be a positive int or a pair"),
        (lambda: Layers(width=0), r"width of Layers must be .* got 0"),
        (lambda: Frozen(scipy.stats.norm), r"takes a frozen scipy.stats distribution such as"),
        (lambda: Frozen(scipy.stats.norm([0, 1])), r"draws arrays: give its parameters as singl"),
        (lambda: Frozen(scipy.stats.norm(0, -1)), r"no finite quantiles: check its parameters"),
        (lambda: Frozen(scipy.stats.poisson(1), step=2), r"only for continuous distributions"),
        (lambda: Frozen(scipy.stats.norm(), step=0), r"step must be a number above 0"),
        (lambda: Drawn(3), r"takes an object with a method rvs, got 3"),
    ],
)
def test_a_bad_definition_says_what_is_wrong(build, message):
    with pytest.raises(SpaceError, match=message):
        build()


@pytest.mark.parametrize("dimension", [Real(0, 1), Frozen(scipy.stats.norm()), Drawn(Uneven())])
def test_an_endless_dimension_has_no_list_of_values(dimension):
    assert dimension.size == math.inf
    with pytest.raises(ValueError, match=r"no end of values: use levels\(n\)"):
        dimension.values()


# -- choices ------------------------------------------------------------------------------


def test_choices_are_told_apart_by_type_and_content():
    dimension = Categorical([1, 1.0, True, "1", None, np.nan, (1,), [1]])
    assert dimension.size == 8
    for i, choice in enumerate(dimension.choices):
        assert dimension.index(choice) == i
    assert dimension.index(float("nan")) == 5
    assert dimension.index(np.int64(1)) == 0
    assert Categorical([0.5, 1.0]).index(1) == 1


def test_any_object_can_be_a_choice():
    svc, array = SVC(), np.array([0.1, 0.9])
    choices = [svc, SVC(), math.sqrt, array, {"a": [1]}, {1, 2}, SVC, slice(3), 2 + 1j]
    dimension = Categorical(choices)
    assert dimension.size == len(choices)
    for i, choice in enumerate(choices):
        assert dimension.decode(dimension.encode(choice)) is choice
        assert dimension.index(choice) == i
    assert dimension.index(array.copy()) == 3
    assert not dimension.contains(SVC())
    assert not dimension.contains(np.array([0.1, 0.8]))


def test_copies_of_a_dimension_find_their_own_objects():
    dimension = Categorical([SVC(), SVC(), bytearray(b"a"), bytearray(b"b")])
    for twin in (copy.deepcopy(dimension), pickle.loads(pickle.dumps(dimension))):
        assert [twin.index(choice) for choice in twin.choices] == [0, 1, 2, 3]
        assert twin.index(bytearray(b"b")) == 3
        assert not twin.contains(dimension.choices[0])


def test_choices_whose_comparison_fails_are_found_by_identity():
    class Stubborn:
        __hash__ = None

        def __eq__(self, other):
            raise RuntimeError("no")

    stubborn = Stubborn()
    dimension = Categorical(["a", stubborn])
    assert dimension.index(stubborn) == 1
    assert not dimension.contains("b")


def test_repeated_choices_count_once_and_add_their_probabilities():
    dimension = Categorical(["a", "b", "a"], probabilities=[1, 2, 1])
    assert dimension.choices == ("a", "b")
    assert dimension.probabilities == (0.5, 0.5)


def test_probabilities_are_those_of_the_draws():
    dimension = Categorical(["a", "b", "c"], probabilities=[0.1, 0.0, 0.9])
    drawn = dimension.rvs(size=2000, random_state=0).tolist()
    assert abs(drawn.count("c") / 2000 - 0.9) < 0.03
    assert "b" not in drawn


def test_a_constant_has_no_columns():
    dimension = Categorical(["only"])
    assert dimension.n_columns == 0
    assert dimension.decode(np.empty(0)) == dimension.rvs() == "only"
    assert dimension.snap(np.empty((3, 0))).shape == (3, 0)
    with pytest.raises(ValueError, match=r"'other' is not one of \['only'\]"):
        dimension.encode("other")


def test_an_ordinal_gives_its_objects_back_in_rank_order():
    half = np.float64(0.5)
    dimension = Ordinal([10, half, 3, 3])
    assert dimension.values() == [10, 0.5, 3]
    assert dimension.decode([0.0]) is half
    assert [dimension.decode([u]) for u in (0.1, 0.5, 0.9)] == [0.5, 3, 10]
    assert dimension.decode(dimension.encode(6)) == 3
    assert dimension.decode(dimension.encode(7)) == 10
    assert dimension.decode(dimension.encode(-math.inf)) == 0.5


# -- layers -------------------------------------------------------------------------------


def test_layers_are_tuples_of_one_width():
    dimension = Layers(depth=(1, 3), width=(16, 256))
    assert dimension.decode(np.array([0.0, 0.0])) == (16,)
    assert dimension.decode(np.array([1.0, 1.0])) == (256, 256, 256)
    assert dimension.size == 3 * 241
    assert Layers(depth=2, width=8).decode(np.empty(0)) == (8, 8)


@pytest.mark.parametrize(
    ("network", "placed"),
    [
        ((100,), (100,)),
        (100, (100,)),
        ([32, 32], (32, 32)),
        ((64, 16), (32, 32)),
        ((8, 8, 8, 8), (16, 16, 16)),
        ((1000,), (256,)),
    ],
)
def test_any_network_is_placed_by_depth_and_mean_width(network, placed):
    dimension = Layers()
    assert dimension.decode(dimension.encode(network)) == placed


@pytest.mark.parametrize("network", [(), "64", None, (0,), ("a",), (math.inf,)])
def test_what_is_no_network_has_no_place(network):
    assert not Layers().contains(network)
    with pytest.raises(ValueError, match="can only place tuples of positive widths"):
        Layers().encode(network)


# -- distributions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dist", [scipy.stats.norm(3, 2), scipy.stats.poisson(4), scipy.stats.beta(2, 3)]
)
def test_a_frozen_distribution_draws_as_scipy_does(dist):
    mine, theirs = np.random.RandomState(7), np.random.RandomState(7)
    for _ in range(3):
        assert Frozen(dist).rvs(random_state=mine) == dist.rvs(random_state=theirs)
    np.testing.assert_array_equal(
        Frozen(dist).rvs(size=4, random_state=1), dist.rvs(size=4, random_state=1)
    )


def test_uniform_points_follow_the_distribution():
    U = np.random.default_rng(0).random((3000, 1))
    for dimension in (Frozen(scipy.stats.norm(1, 2)), Frozen(scipy.stats.expon(scale=5))):
        sample = [dimension.decode(u) for u in U]
        assert scipy.stats.kstest(sample, dimension.dist.cdf).pvalue > 0.01


def test_unbounded_distributions_are_cut_in_their_tails():
    dimension = Frozen(scipy.stats.cauchy())
    assert math.isfinite(dimension.decode([0.0]))
    assert math.isfinite(dimension.decode([1.0]))
    assert dimension.contains(1e12)
    assert dimension.decode(dimension.encode(1e12)) == dimension.decode([1.0])
    assert dimension.decode(dimension.encode(-math.inf)) == dimension.decode([0.0])


def test_discrete_distributions_give_ints():
    dimension = Frozen(scipy.stats.binom(5, 0.5))
    assert dimension.values() == [0, 1, 2, 3, 4, 5]
    assert all(type(value) is int for value in dimension.values())
    assert type(dimension.rvs(random_state=0)) is int
    assert dimension.decode(dimension.encode(2.4)) == 2
    assert not dimension.contains(2.5)


def test_steps_of_a_distribution_are_its_multiples():
    dimension = Frozen(scipy.stats.norm(0, 10), step=5)
    drawn = [dimension.rvs(random_state=seed) for seed in range(20)]
    assert all(type(x) is int and x % 5 == 0 for x in drawn)
    assert Frozen(scipy.stats.beta(2, 2), step=0.25).values() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_drawing_object_keeps_its_own_rvs():
    dimension = Drawn(Uneven())
    mine, theirs = np.random.RandomState(1), np.random.RandomState(1)
    assert [dimension.rvs(random_state=mine) for _ in range(5)] == [
        Uneven().rvs(random_state=theirs) for _ in range(5)
    ]
    assert dimension.rvs(size=3, random_state=0).shape == (3,)
    assert not dimension.categorical
    assert dimension.decode(dimension.encode(15)) == 16


def test_what_a_drawing_object_gave_is_a_choice():
    dimension = Drawn(Names())
    assert dimension.categorical
    assert dimension.n_columns == 9
    assert not dimension.contains(("z", "z"))


def test_an_object_that_fails_to_draw_is_refused():
    class Broken:
        def rvs(self):
            return 1

    with pytest.raises(SpaceError, match=r"must draw one value with rvs\(random_state=\.\.\.\)"):
        Drawn(Broken())

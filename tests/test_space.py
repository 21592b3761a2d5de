"""Every space obeys the same laws; conditions and alternatives have a few of their own."""

import copy
import itertools
import math
import pickle
import time

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import ParameterGrid
from sklearn.svm import SVC
from strategies import small_spaces, spaces, unit

from skhpt.space import (
    Categorical,
    Drawn,
    Frozen,
    Integer,
    Layers,
    Ordinal,
    Real,
    Space,
    SpaceError,
    When,
)

KERNELS = Categorical(["linear", "rbf", "poly"])
SVM = {
    "C": Real(0.1, 10.0, log=True),
    "kernel": KERNELS,
    "gamma": When("kernel", ["rbf", "poly"], Real(0.001, 1.0, log=True)),
    "only for poly": When(
        "kernel",
        "poly",
        {"degree": Integer(2, 4), "coef0": When("degree", [3, 4], Real(0.0, 1.0))},
    ),
}
points = spaces().flatmap(lambda s: st.tuples(st.just(s), unit(s.width)))
seeds = st.integers(0, 2**32 - 1)


def keys(space, configurations):
    return {space.key(params) for params in configurations}


# -- laws ---------------------------------------------------------------------------------


@given(points)
def test_every_point_is_a_configuration(case):
    space, u = case
    params = space.decode(np.array(u))
    assert space.contains(params)
    assert set(params) <= set(space.dimensions)


@given(points)
def test_snap_is_encode_of_decode(case):
    space, u = case
    params = space.decode(np.array(u))
    snapped = space.snap(np.array([u]))[0]
    again = space.decode(snapped)
    assert space.key(again) == space.key(params)
    np.testing.assert_allclose(space.snap(snapped[None])[0], snapped, atol=1e-12)
    # Where alternatives overlap, the first that holds the configuration encodes it.
    encoded = space.encode(params)
    np.testing.assert_allclose(space.encode(space.decode(encoded)), encoded, atol=1e-7)
    if len(space.branches) == 1:
        np.testing.assert_allclose(encoded, snapped, atol=1e-7)


@given(spaces(), seeds)
def test_samples_are_configurations_that_can_be_encoded(space, seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        params = space.sample(rng)
        assert space.contains(params)
        assert space.active(params) == params
        row = space.encode(params)
        assert row.shape == (space.width,)
        np.testing.assert_allclose(space.snap(row[None])[0], row, atol=1e-7)
    assert space.key(space.sample(np.random.default_rng(seed))) == space.key(
        space.sample(np.random.default_rng(seed))
    )


@given(spaces(), seeds)
def test_sampled_points_are_snapped(space, seed):
    U = space.sample_unit(np.random.default_rng(seed), 8)
    assert U.shape == (8, space.width)
    np.testing.assert_allclose(space.snap(U), U, atol=1e-12)
    np.testing.assert_array_equal(U, space.sample_unit(np.random.default_rng(seed), 8))


@given(small_spaces)
def test_enumerate_is_distinct_complete_and_as_long_as_the_size(space):
    listed = list(space.enumerate())
    assert all(space.contains(params) for params in listed)
    assert len(keys(space, listed)) == len(listed) == space.size
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(50)]
    drawn += [space.decode(u) for u in rng.random((50, space.width))]
    assert keys(space, drawn) <= keys(space, listed)


@given(spaces())
def test_groups_cover_the_cube_once(space):
    columns = [i for s, _ in space.groups for i in range(s.start, s.stop)]
    assert columns == list(range(space.width))
    assert all(s.stop > s.start for s, _ in space.groups)


@given(spaces())
def test_a_copy_is_equal(space):
    assert copy.deepcopy(space.branches) == space.branches or "Drawn" in repr(space)
    assert Space.of(space.branches) == space
    assert hash(Space.of(space.branches)) == hash(space)


# -- the configuration and its key --------------------------------------------------------


def test_the_repr_builds_the_space():
    for definition in (SVM, {}, [{"a": Real(0, 1)}, {"a": KERNELS, "b": Layers()}]):
        space = Space(definition)
        assert eval(repr(space)) == space


def test_a_space_can_be_pickled():
    space = Space(SVM)
    assert pickle.loads(pickle.dumps(space)) == space


def test_keys_are_equal_exactly_for_the_same_configuration():
    space = Space({"x": Real(0, 1), "n": Integer(1, 9), "c": Categorical([1, 1.0, (1,)])})
    base = {"x": 1.0, "n": 2, "c": 1}
    same = [{"n": 2, "c": 1, "x": 1.0}, {**base, "x": 1}, {**base, "n": np.int64(2)}]
    other = [{**base, "c": 1.0}, {**base, "c": (1,)}, {**base, "n": 3}, {"x": 1.0, "n": 2}]
    assert keys(space, [base, *same]) == {space.key(base)}
    assert len(keys(space, [base, *other])) == 5


def test_configurations_outside_have_a_key_too():
    space = Space({"n": Integer(1, 9), "c": Categorical(["a", SVC()])})
    outside = [{"n": 100}, {"n": None, "c": "a"}, {"other": [1, {}]}, {"n": math.inf, "c": "z"}, {}]
    assert len(keys(space, outside)) == 5


def test_estimators_and_arrays_are_keys_by_identity_and_by_content():
    svc, weights = SVC(), np.array([0.5, 0.5])
    space = Space({"clf": Categorical([svc, SVC()]), "w": Categorical([weights, None])})
    assert space.size == 4
    key = space.key({"clf": svc, "w": weights})
    assert key == space.key({"clf": svc, "w": weights.copy()})
    assert key != space.key({"clf": space.dimensions["clf"].choices[1], "w": weights})


def test_the_empty_space_has_one_configuration():
    space = Space({})
    assert (space.width, space.size, space.groups) == (0, 1, [])
    assert list(space.enumerate()) == [{}]
    assert space.sample(np.random.default_rng(0)) == space.decode(np.empty(0)) == {}
    assert space.encode({}).shape == (0,)
    assert space.sample_unit(np.random.default_rng(0), 3).shape == (3, 0)


def test_without_conditions_the_order_is_that_of_scikit_learn():
    lists = {"b": [3, 1, 2], "a": ["x", "y"], "c": [None, 0.5]}
    space = Space({name: Categorical(values) for name, values in lists.items()})
    assert list(space.enumerate()) == list(ParameterGrid(lists))
    both = [lists, {"d": [1, 2]}]
    space = Space([{k: Categorical(v) for k, v in grid.items()} for grid in both])
    assert list(space.enumerate()) == list(ParameterGrid(both))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kernel": "linear"}, r"is not in the space: 'C' is missing"),
        ({"C": 1, "kernel": "rbf"}, r"'gamma' is missing"),
        ({"C": 1, "kernel": "linear", "gamma": 0.1}, r"'gamma' does not exist beside the other"),
        ({"C": 1, "kernel": "linear", "gama": 0.1}, r"'gama' is unknown \(did you mean 'gamma'"),
        ({"C": 1, "kernel": "sigmoid"}, r"parameter 'kernel': 'sigmoid' is not one of \['linear'"),
        ({"C": "1", "kernel": "linear"}, r"parameter 'C': .* can only place numbers, got '1'"),
    ],
)
def test_what_is_no_configuration_says_why(params, message):
    space = Space(SVM)
    assert not space.contains(params)
    with pytest.raises(SpaceError, match=message):
        space.encode(params)


def test_numbers_outside_are_clipped_when_encoded_but_not_contained():
    space = Space(SVM)
    params = {"C": 1e6, "kernel": "linear"}
    assert not space.contains(params)
    assert space.decode(space.encode(params)) == {"C": 10.0, "kernel": "linear"}


def test_an_endless_space_cannot_be_enumerated():
    with pytest.raises(SpaceError, match=r"parameter 'C' has no end of values .* give a list"):
        Space(SVM).enumerate()
    assert Space(SVM).size == math.inf


# -- conditions ---------------------------------------------------------------------------


def test_a_parameter_exists_only_under_its_condition():
    space, rng = Space(SVM), np.random.default_rng(0)
    for params in (space.sample(rng) for _ in range(200)):
        assert ("gamma" in params) == (params["kernel"] != "linear")
        assert ("degree" in params) == (params["kernel"] == "poly")
        assert ("coef0" in params) == (params.get("degree", 2) > 2)


def test_columns_of_what_does_not_exist_are_in_the_middle():
    space = Space(SVM)
    row = space.encode({"C": 0.1, "kernel": "linear"})
    np.testing.assert_array_equal(row, [0.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.5])


def test_the_parameters_of_an_estimator_are_reduced_to_those_that_exist():
    space = Space(SVM)
    everything = {"C": 1.0, "kernel": "rbf", "gamma": "scale", "degree": 3, "coef0": 0.0}
    assert space.active(everything) == {"C": 1.0, "kernel": "rbf", "gamma": "scale"}
    with pytest.raises(SpaceError, match="'gamma' is missing"):
        space.active({"C": 1.0, "kernel": "rbf"})
    with pytest.raises(SpaceError, match="'sigmoid' is not one of"):
        space.active({"C": 1.0, "kernel": "sigmoid", "gamma": 1})


def test_parents_may_be_integers_ordinals_layers_or_constants():
    space = Space(
        {
            "n": Integer(1, 3),
            "o": Ordinal([1, 2, 5]),
            "l": Layers(2, (3, 4)),
            "k": Categorical(["only"]),
            "u": When("n", [2, 3], Categorical(["xy"])),
            "a": When("n", [2, 3], Categorical(["x", "y"])),
            "b": When("o", 5, Categorical([1, 2])),
            "c": When("l", (4, 4), Categorical([1, 2])),
            "d": When("k", "only", Categorical([1, 2])),
        }
    )
    assert space.size == (1 + 2 * 2) * (2 + 2) * (1 + 2) * 2
    assert len(keys(space, space.enumerate())) == space.size


def test_conditions_may_be_joined():
    both = When("a", 1, When("b", [2, 3], Categorical([7, 8])))
    space = Space({"a": Categorical([1, 2]), "b": Categorical([2, 3, 4]), "c": both})
    with_c = [params for params in space.enumerate() if "c" in params]
    assert {(params["a"], params["b"]) for params in with_c} == {(1, 2), (1, 3)}
    assert space.size == 6 + 2


def test_a_set_is_any_of_its_values_and_a_tuple_is_one():
    sizes = Categorical([(5,), (5, 5), (9,)])
    one = Space({"s": sizes, "x": When("s", (5, 5), Categorical([1, 2]))})
    some = Space({"s": sizes, "x": When("s", {(5, 5), (9,)}, Categorical([1, 2]))})
    assert (one.size, some.size) == (4, 5)


def test_many_independent_conditions_are_counted_at_once():
    space = Space(
        {f"p{i}": Categorical([False, True]) for i in range(40)}
        | {f"x{i}": When(f"p{i}", True, Integer(1, 9)) for i in range(40)}
    )
    assert space.size == 10**40


def test_a_condition_that_no_other_needs_changes_nothing():
    conditions = Space({"a": Categorical([1, 2]), "b": When("a", [1, 2], Integer(1, 9))})
    assert conditions.size == 18
    assert not Space({"a": Categorical([1, 2])}).conditional
    assert conditions.conditional


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"a": When("b", 1, KERNELS)}, r"'a' depends on 'b', which is not a parameter .* \(a\)"),
        (
            {"kernel": KERNELS, "a": When("kernle", "rbf", KERNELS)},
            r"'a' depends on 'kernle'.*Did you mean 'kernel'\?",
        ),
        (
            {"kernel": KERNELS, "a": When("kernel", "rfb", KERNELS)},
            r"'a' exists only when 'kernel' is 'rfb', which 'kernel' can never be: it is one of",
        ),
        (
            {"C": Real(0, 1), "a": When("C", 0.5, KERNELS)},
            r"'a' depends on 'C', which has no end of values .* only a list of values or",
        ),
        (
            {"kernel": KERNELS, "": When("kernel", "rbf", {"kernel": KERNELS})},
            r"parameter 'kernel' is defined twice: let a single When list all",
        ),
        (
            {
                "kernel": KERNELS,
                "1": When("kernel", "rbf", {"g": KERNELS}),
                "2": When("kernel", "poly", {"g": KERNELS}),
            },
            r"parameter 'g' is defined twice",
        ),
        ({"a": When("a", 1, Categorical([1, 2]))}, r"parameter 'a' depends on itself: a -> a"),
        (
            {"a": When("b", 1, Categorical([1, 2])), "b": When("a", 1, Categorical([1, 2]))},
            r"depends on itself: a -> b -> a",
        ),
        ([When("a", 1, {"b": KERNELS})], r"holds no dict: give at least one"),
        ([{}, When("a", 1, {"b": KERNELS})], r"a When depends on 'a', .* \(it is empty\)"),
        (
            [{"a": KERNELS}, When("a", "rbf", KERNELS)],
            r"stands in a list and must hold a dict of parameters: write When\('a'",
        ),
        ({3: KERNELS}, r"name of a parameter must be a string, got 3 of type int"),
        ({"a": [1, 2]}, r"parameter 'a' must be a Dimension here, got \[1, 2\]: .*parse reads"),
    ],
)
def test_a_bad_space_says_what_is_wrong(definition, message):
    with pytest.raises(SpaceError, match=message):
        Space(definition)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: When(3, 1, {}), r"first argument of When must be the name .* got 3"),
        (lambda: When("a", [], {}), r"must name at least one value of 'a', got \[\]"),
    ],
)
def test_a_bad_condition_says_what_is_wrong(build, message):
    with pytest.raises(SpaceError, match=message):
        build()


# -- alternatives -------------------------------------------------------------------------


def test_alternatives_are_chosen_by_one_group_and_share_equal_dimensions():
    space = Space(
        [
            {"C": Real(1, 2), "kernel": Categorical(["linear"])},
            {"C": Real(1, 2), "gamma": Real(0, 1)},
            {"C": Real(1, 3)},
        ]
    )
    assert space.groups[0] == (slice(0, 3), True)
    assert space.width == 3 + 1 + 0 + 1 + 1
    assert space.dimensions["C"] == Real(1, 2)
    U = space.sample_unit(np.random.default_rng(0), 300)
    assert (np.bincount(U[:, :3].argmax(axis=1)) > 70).all()
    rng = np.random.default_rng(0)
    shapes = {tuple(sorted(space.sample(rng))) for _ in range(50)}
    assert shapes == {("C", "kernel"), ("C", "gamma"), ("C",)}


def test_a_when_of_the_list_belongs_to_every_dict_that_has_its_parent():
    shared = When("kernel", "poly", {"degree": Integer(2, 3)})
    last = When("degree", 3, {"coef0": Categorical([0, 1])})
    space = Space([{"kernel": KERNELS}, last, {"x": Integer(1, 4)}, shared])
    assert space.size == (2 + 1 + 2) + 4


def test_configurations_of_several_alternatives_count_once():
    space = Space([{"a": Ordinal([1, 2, 3])}, {"a": Ordinal([2, 3, 4])}, {"b": Integer(1, 2)}])
    assert space.size == 4 + 2
    assert [params["a"] for params in itertools.islice(space.enumerate(), 4)] == [1, 2, 3, 4]


def test_a_configuration_is_encoded_in_the_alternative_that_holds_it():
    space = Space([{"a": Integer(1, 3)}, {"a": Integer(10, 30)}])
    assert space.decode(space.encode({"a": 20})) == {"a": 20}
    assert space.decode(space.encode({"a": 99})) == {"a": 3}
    with pytest.raises(SpaceError, match=r"is not in the space: 'b' is unknown$"):
        space.encode({"a": 2, "b": 1})


def test_the_parameters_of_an_estimator_go_to_the_alternative_that_holds_them():
    linear, rbf = Categorical(["linear"]), Categorical(["rbf"])
    space = Space([{"kernel": linear}, {}, {"kernel": rbf, "gamma": Categorical(["scale", 1])}])
    assert space.active({"kernel": "rbf", "gamma": "scale"}) == {"kernel": "rbf", "gamma": "scale"}
    assert space.active({"kernel": "linear", "gamma": "scale"}) == {"kernel": "linear"}
    assert space.active({"kernel": "poly", "gamma": "scale"}) == {}


def test_equal_values_of_different_types_go_to_the_alternative_that_has_them():
    space = Space([{"a": Categorical([None, False])}, {"a": Categorical([0, 1])}])
    assert space.decode(space.encode({"a": 0})) == {"a": 0}
    assert type(space.decode(space.encode({"a": 0}))["a"]) is int
    assert space.size == len(keys(space, space.enumerate())) == 4


def test_large_alternatives_are_counted_without_enumerating():
    big = {f"x{i}": Integer(1, 1000) for i in range(9)}
    assert Space([big, {**big, "y": Integer(1, 2)}]).size == 10**27 + 2 * 10**27


# -- speed --------------------------------------------------------------------------------


def test_a_thousand_points_take_about_a_millisecond():
    space = Space(
        {f"x{i}": Real(0.001, 1.0, log=True) for i in range(3)}
        | {"n": Integer(1, 1000, log=True), "m": Integer(1, 8), "o": Ordinal([1, 2, 5])}
        | {"c": Categorical(list("abc")), "p": Frozen(scipy.stats.poisson(3))}
    )
    U = np.random.default_rng(0).random((1000, space.width))

    def seconds():
        start = time.perf_counter()
        space.snap(U)
        return time.perf_counter() - start

    # It takes 0.3 ms; the bound is for machines that do other things as well.
    assert min(seconds() for _ in range(30)) < 5e-3


def test_an_object_that_only_draws_fits_into_a_space():
    class Odd:
        def rvs(self, random_state=None):
            return int(random_state.randint(50)) * 2 + 1

    space = Space({"x": Drawn(Odd()), "y": Real(0, 1)})
    params = space.sample(np.random.default_rng(0))
    assert params["x"] % 2 == 1
    assert space.decode(space.encode(params))["x"] == params["x"]

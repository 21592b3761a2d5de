"""What scikit-learn reads by itself stays as it is; the rest is rewritten for it."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from sklearn.model_selection import ParameterGrid, ParameterSampler
from strategies import Odd, choice_of, range_of, shown

from skhpt.space import (
    Categorical,
    Integer,
    Layers,
    Real,
    SpaceError,
    When,
    native,
    parse,
    to_grid,
    to_native,
)

NATIVE = [
    {},
    {"a": [1, 2], "b": (1, 2), "c": np.arange(3), "d": range(3), "e": ("x", 1)},
    [{"a": [1]}, {"b": (0.5, 1, "sqrt")}],
    {"a": scipy.stats.norm(), "b": Odd(), "c": Real(0, 1), "d": scipy.stats.uniform},
]
FOREIGN = [
    {"a": (1, 2, "uniform")},
    {"a": {"values": [1, 2]}},
    {"a": {"min": 0.0, "max": 1.0}},
    [{"a": [1, 2]}, ({"b": [1, 2]}, 5)],
    {"a": [1, 2], "b": When("a", 1, [1])},
    {"a": SimpleNamespace(low=1, high=9, log=False, step=1)},
    {"a": range_of("Real", 1, 10, "uniform")},
    {"a": choice_of("ab")},
]


@pytest.mark.parametrize("definition", NATIVE)
def test_native_is_what_scikit_learn_reads(definition):
    assert native(definition)
    given = [definition] if isinstance(definition, dict) else definition
    rewritten = to_native(definition)
    assert [list(entry) for entry in rewritten] == [list(entry) for entry in given]
    for ours, theirs in zip(rewritten, given):
        assert all(ours[name] is theirs[name] for name in theirs)


@pytest.mark.parametrize(
    "definition", [*FOREIGN, "a", None, [], [3], {"a": []}, {"a": "b"}, {1: [1]}]
)
def test_anything_else_is_not_native(definition):
    assert not native(definition)


@pytest.mark.parametrize("definition", [d for d in FOREIGN if "When" not in repr(d)], ids=shown)
def test_what_is_not_native_can_be_rewritten(definition):
    rewritten = to_native(definition)
    assert native(rewritten)
    [(space, _), *more] = parse(definition, bare_pair="values")
    for params in ParameterSampler(rewritten, 2, random_state=0):
        assert any(piece.contains(params) for piece in [space, *(s for s, _ in more)])


def test_equally_probable_values_are_rewritten_as_lists_and_the_rest_as_dimensions():
    [rewritten] = to_native(
        {
            "list": {"values": [1, 2, 3]},
            "constant": {"value": "x"},
            "short": (1, 5, "uniform"),
            "long": (1, 10**6, "uniform"),
            "log": (1, 5, "log-uniform"),
            "weighted": {"values": [1, 2], "probabilities": [1, 3]},
            "real": (0, 1.0, "uniform"),
        }
    )
    assert rewritten == {
        "list": [1, 2, 3],
        "constant": ["x"],
        "short": [1, 2, 3, 4, 5],
        "long": Integer(1, 10**6),
        "log": Integer(1, 5, log=True),
        "weighted": Categorical([1, 2], probabilities=[1, 3]),
        "real": Real(0, 1),
    }


@pytest.mark.parametrize(
    "definition", [FOREIGN[4], [{"a": [1, 2]}, When("a", 1, {"b": [1]})]], ids=["dict", "list"]
)
def test_conditions_have_no_native_notation(definition):
    with pytest.raises(SpaceError, match=r"conditions \(When\) has no notation in scikit-learn"):
        to_native(definition)


def test_a_bad_entry_is_named_when_rewriting():
    for rewrite in (to_native, to_grid):
        with pytest.raises(SpaceError, match=r"parameter 'C': .* wrap it in a list, \[5\]"):
            rewrite({"C": 5})
        with pytest.raises(SpaceError, match="name of a parameter must be a string, got 3"):
            rewrite({3: [1]})


def test_a_grid_keeps_the_lists_and_spreads_the_ranges():
    lists = {"a": [3, 1, 1], "b": np.arange(2), "c": (1, 10), "d": range(2)}
    ranges = {
        "e": (0.01, 1.0, "log-uniform"),
        "f": (1, 100, "uniform"),
        "g": (1, 2, "uniform"),
        "h": scipy.stats.norm(0, 1),
        "i": {"values": list("abcde")},
        "j": Layers(depth=2, width=(4, 64)),
    }
    [grid] = to_grid({**lists, **ranges})
    assert all(grid[name] is lists[name] for name in lists)
    assert grid["e"] == [0.01, 0.1, 1.0]
    assert grid["f"] == [1, 51, 100]
    assert grid["g"] == [1, 2]
    assert grid["h"][1] == pytest.approx(0)
    assert grid["i"] == list("abcde")
    assert len(grid["j"]) == 3
    assert len(to_grid(ranges, levels=5)[0]["e"]) == 5
    assert len(ParameterGrid([grid])) == 3 * 2 * 2 * 2 * 3 * 3 * 2 * 3 * 5 * 3


def test_a_grid_of_several_dicts_has_as_many():
    assert to_grid([{"a": [1]}, ({"b": [2]}, 5), {}]) == [{"a": [1]}, {"b": [2]}, {}]


def test_the_conditions_of_a_grid_become_alternatives():
    gammas = [0.1, 1.0]
    definition = {
        "C": [1, 2],
        "kernel": ["linear", "rbf", "poly"],
        "gamma": When("kernel", ["rbf", "poly"], gammas),
        "degree": When("kernel", "poly", (2, 9, "uniform")),
    }
    grid = to_grid(definition)
    assert grid == [
        {"C": [1, 2], "kernel": ["linear"]},
        {"C": [1, 2], "kernel": ["rbf"], "gamma": gammas},
        {"C": [1, 2], "kernel": ["poly"], "gamma": gammas, "degree": [2, 6, 9]},
    ]
    assert grid[1]["gamma"] is gammas
    finite = {**definition, "degree": When("kernel", "poly", [2, 3])}
    [(space, _)] = parse(finite)
    listed = list(ParameterGrid(to_grid(finite)))
    assert len(listed) == space.size
    assert {space.key(p) for p in listed} == {space.key(p) for p in space.enumerate()}


def test_a_grid_holds_the_values_on_which_conditions_depend():
    grid = to_grid({"n": (1, 100, "uniform"), "x": When("n", 7, [1, 2])})
    assert {"n": [7], "x": [1, 2]} in grid
    assert sorted(n for entry in grid for n in entry["n"]) == [1, 7, 51, 100]


@pytest.mark.parametrize("levels", [0, -1, 2.5, "3", True])
def test_levels_are_a_positive_int(levels):
    with pytest.raises(SpaceError, match=r"levels must be a whole number of at least 1, got"):
        to_grid({"a": [1]}, levels=levels)


def test_scikit_learn_draws_the_same_from_what_is_native():
    definition = {"a": [1, 2, 3], "b": scipy.stats.norm(), "c": Odd()}
    theirs = list(ParameterSampler(definition, 5, random_state=0))
    ours = list(ParameterSampler(to_native(definition), 5, random_state=0))
    assert ours == theirs

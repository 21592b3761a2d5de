"""Every notation becomes the dimension that it means; every mistake is named."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
from strategies import Odd, choice_of, range_of, shown

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
    native,
    parse,
    parse_dimension,
)

# -- one parameter ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dimension"),
    [
        # lists
        ([1, 10, 100], Ordinal([1, 10, 100])),
        ([3, 0.5, 1], Ordinal([3, 0.5, 1])),
        ([1, 2], Categorical([1, 2])),
        ([1, 1, 2], Categorical([1, 2])),
        ([1, 2, 3, 3], Ordinal([1, 2, 3])),
        ([1, 2, True], Categorical([1, 2, True])),
        ([1, 1.0, 2], Categorical([1, 1.0, 2])),
        ([1, 2, np.nan], Categorical([1, 2, np.nan])),
        (["a", "b", None], Categorical(["a", "b", None])),
        ([(5,), (5, 5)], Categorical([(5,), (5, 5)])),
        (["only"], Categorical(["only"])),
        (range(1, 4), Ordinal([1, 2, 3])),
        (np.array([1, 2, 3]), Ordinal([1, 2, 3])),
        (np.array([0.1, 1.0, 10.0]), Ordinal([0.1, 1.0, 10.0])),
        (np.array(["a", "b"]), Categorical(["a", "b"])),
        (np.array([None, 1], dtype=object), Categorical([None, 1])),
        # ranges
        ((1, 10), Integer(1, 10)),
        ((np.int64(1), 10), Integer(1, 10)),
        ((1, 10.0), Real(1, 10)),
        ((0.1, 1), Real(0.1, 1)),
        ((1e-3, 1, "log-uniform"), Real(1e-3, 1, log=True)),
        ((1, 100, "loguniform"), Integer(1, 100, log=True)),
        ((1, 100, "log"), Integer(1, 100, log=True)),
        ((1, 100, "uniform"), Integer(1, 100)),
        ((1.0, 8.0, "log-uniform", 2), Real(1, 8, log=True)),
        # other tuples are lists
        ((1, 10, 100), Ordinal([1, 10, 100])),
        (("a", "b"), Categorical(["a", "b"])),
        ((None, 5), Categorical([None, 5])),
        ((True, False), Categorical([True, False])),
        ((0.5, "sqrt"), Categorical([0.5, "sqrt"])),
        (("l1", "l2"), Categorical(["l1", "l2"])),
        (("1", "2"), Categorical(["1", "2"])),
        ((np.nan, None), Categorical([np.nan, None])),
        ((np.nan, "mean"), Categorical([np.nan, "mean"])),
        ((1, True), Categorical([1, True])),
        ((np.nan, 0, 1), Categorical([np.nan, 0, 1])),
        (("1", 10, "auto"), Categorical(["1", 10, "auto"])),
        ((5,), Categorical([5])),
        # distributions of scipy.stats
        (scipy.stats.uniform(1, 2), Real(1, 3)),
        (scipy.stats.uniform(loc=1, scale=2), Real(1, 3)),
        (scipy.stats.uniform, Real(0, 1)),
        (scipy.stats.loguniform(1e-3, 10), Real(1e-3, 10, log=True)),
        (scipy.stats.reciprocal(1, 8, scale=2), Real(2, 16, log=True)),
        (scipy.stats.loguniform(1, 8, loc=1), Frozen(scipy.stats.loguniform(1, 8, loc=1))),
        (scipy.stats.randint(1, 10), Integer(1, 9)),
        (scipy.stats.randint(0, 5, loc=2), Integer(2, 6)),
        (scipy.stats.randint(3, 4), Categorical([3])),
        (scipy.stats.norm(1, 2), Frozen(scipy.stats.norm(1, 2))),
        (scipy.stats.norm, Frozen(scipy.stats.norm())),
        (scipy.stats.poisson(3), Frozen(scipy.stats.poisson(3))),
        # scikit-optimize
        (range_of("Real", 1, 10, "uniform"), Real(1, 10)),
        (range_of("Real", 1, 10, "log-uniform", 2), Real(1, 10, log=True)),
        (range_of("Integer", 1, 10, "uniform"), Integer(1, 10)),
        (range_of("Integer", 1, 10, "log-uniform"), Integer(1, 10, log=True)),
        (choice_of([1, 2, 3]), Categorical([1, 2, 3])),
        (choice_of("ab", [0.2, 0.8]), Categorical(["a", "b"], probabilities=[0.2, 0.8])),
        # Optuna
        (SimpleNamespace(low=0.0, high=1.0, log=False, step=None), Real(0, 1)),
        (SimpleNamespace(low=0.0, high=1.0, log=False, step=0.25), Real(0, 1, step=0.25)),
        (SimpleNamespace(low=1.0, high=9.0, log=True, step=None), Real(1, 9, log=True)),
        (SimpleNamespace(low=1, high=9, log=False, step=1), Integer(1, 9)),
        (SimpleNamespace(low=1, high=9, log=True, step=1), Integer(1, 9, log=True)),
        (SimpleNamespace(low=1, high=9, log=False, step=2), Integer(1, 9, step=2)),
        (SimpleNamespace(low=4, high=4, log=False, step=1), Categorical([4])),
        (SimpleNamespace(choices=(None, 1), to_internal_repr=0), Categorical([None, 1])),
        # W&B
        ({"values": [1, 2, 3]}, Ordinal([1, 2, 3])),
        ({"values": ["a", "b"], "distribution": "categorical"}, Categorical(["a", "b"])),
        (
            {"values": [1, 2, 3], "probabilities": [0.5, 0.25, 0.25]},
            Categorical([1, 2, 3], probabilities=[0.5, 0.25, 0.25]),
        ),
        (
            {
                "values": [1, 2],
                "probabilities": [1, 3],
                "distribution": "categorical_w_probabilities",
            },
            Categorical([1, 2], probabilities=[0.25, 0.75]),
        ),
        ({"value": None}, Categorical([None])),
        ({"value": [1, 2], "distribution": "constant"}, Categorical([[1, 2]])),
        ({"min": 1, "max": 9}, Integer(1, 9)),
        ({"min": 1, "max": 9.0}, Real(1, 9)),
        ({"min": 1, "max": 9, "distribution": "uniform"}, Real(1, 9)),
        ({"min": 1, "max": 9, "distribution": "int_uniform"}, Integer(1, 9)),
        ({"min": 1, "max": 9, "q": 2}, Integer(2, 8, step=2)),
        ({"min": 1, "max": 9, "distribution": "q_uniform"}, Integer(1, 9)),
        ({"min": 0, "max": 1, "q": 0.25, "distribution": "q_uniform"}, Real(0, 1, step=0.25)),
        ({"min": 7, "max": 13, "q": 10, "distribution": "q_uniform"}, Categorical([10])),
        ({"min": 0, "max": 1, "distribution": "log_uniform"}, Real(1, math.e, log=True)),
        ({"min": 0, "max": 3, "distribution": "q_log_uniform"}, Integer(1, 20, log=True)),
        ({"min": 0, "max": 1, "distribution": "inv_log_uniform"}, Real(1 / math.e, 1, log=True)),
        ({"min": 1, "max": 9, "distribution": "log_uniform_values"}, Real(1, 9, log=True)),
        ({"min": 0.1, "max": 9, "distribution": "inv_log_uniform_values"}, Real(0.1, 9, log=True)),
        ({"min": 1, "max": 99, "distribution": "q_log_uniform_values"}, Integer(1, 99, log=True)),
        (
            {"min": 10, "max": 99, "distribution": "q_log_uniform_values", "q": 10},
            Integer(10, 90, log=True, step=10),
        ),
        ({"distribution": "normal"}, Frozen(scipy.stats.norm(0.0, 1.0))),
        ({"distribution": "normal", "mu": 3, "sigma": 2}, Frozen(scipy.stats.norm(3, 2))),
        (
            {"distribution": "q_normal", "sigma": 9, "q": 5},
            Frozen(scipy.stats.norm(0.0, 9), step=5),
        ),
        (
            {"distribution": "log_normal", "mu": 0, "sigma": 2},
            Frozen(scipy.stats.lognorm(s=2, scale=1.0)),
        ),
        (
            {"distribution": "q_log_normal", "mu": 0, "sigma": 2},
            Frozen(scipy.stats.lognorm(s=2, scale=1.0), step=1),
        ),
        ({"distribution": "beta", "a": 2, "b": 5}, Frozen(scipy.stats.beta(2, 5))),
        ({"distribution": "q_beta", "b": 5, "q": 0.1}, Frozen(scipy.stats.beta(1, 5), step=0.1)),
        # our own
        (Layers(), Layers()),
        (Real(0, 1), Real(0, 1)),
    ],
    ids=shown,
)
def test_every_notation_is_read(value, dimension):
    assert parse_dimension("x", value) == dimension


@pytest.mark.parametrize(
    ("value", "dimension"),
    [
        ((1, 10), Categorical([1, 10])),
        ((np.nan, 0), Categorical([np.nan, 0])),
        (("1", 10), Categorical(["1", 10])),
        ((0.1, 1.0), Categorical([0.1, 1.0])),
        ((1, 10, 100), Ordinal([1, 10, 100])),
        ((1, 10, "uniform"), Integer(1, 10)),
        ((0.1, 1, "log-uniform"), Real(0.1, 1, log=True)),
        ((0.5, 1, "sqrt"), Categorical([0.5, 1, "sqrt"])),
        ((1, 2, "auto", None), Categorical([1, 2, "auto", None])),
    ],
)
def test_a_bare_pair_can_be_two_values_as_in_scikit_learn(value, dimension):
    assert parse_dimension("x", value, bare_pair="values") == dimension


def test_values_of_an_array_are_plain_numbers():
    for array in (np.arange(3), np.linspace(0, 1, 4), np.array([True, False])):
        assert not any(isinstance(v, np.generic) for v in parse_dimension("x", array).values())


def test_any_object_can_be_a_value():
    values = [SVC(), RandomForestClassifier(), None, math.sqrt, np.zeros(2), {"a": 1}]
    dimension = parse_dimension("clf", values)
    assert all(a is b for a, b in zip(dimension.values(), values))


def test_series_and_indexes_are_lists():
    pandas = pytest.importorskip("pandas")
    assert parse_dimension("x", pandas.Series([1, 5, 9], index=list("abc"))) == Ordinal([1, 5, 9])
    assert parse_dimension("x", pandas.Index(["a", "b"])) == Categorical(["a", "b"])


def test_polars_series_are_lists():
    polars = pytest.importorskip("polars")
    assert parse_dimension("x", polars.Series([1, 5, 9])) == Ordinal([1, 5, 9])


def test_an_object_with_rvs_is_drawn_from():
    odd = Odd()
    assert parse_dimension("x", odd) == Drawn(odd)


def test_dimensions_of_scikit_optimize():
    space = pytest.importorskip("skopt.space")
    read = [
        (space.Real(1, 10), Real(1, 10)),
        (space.Real(1e-3, 1, prior="log-uniform"), Real(1e-3, 1, log=True)),
        (space.Integer(1, 9), Integer(1, 9)),
        (space.Integer(1, 9, prior="log-uniform"), Integer(1, 9, log=True)),
        (space.Categorical(["a", "b"]), Categorical(["a", "b"])),
        (space.Categorical([(5,), (5, 5)]), Categorical([(5,), (5, 5)])),
    ]
    for theirs, ours in read:
        assert parse_dimension("x", theirs) == ours
        assert not native({"x": theirs})
    weighted = parse_dimension("x", space.Categorical([1, 2], prior=[0.2, 0.8]))
    assert weighted == Categorical([1, 2], probabilities=[0.2, 0.8])


def test_distributions_of_optuna():
    optuna = pytest.importorskip("optuna.distributions")
    read = {
        optuna.FloatDistribution(1, 10): Real(1, 10),
        optuna.FloatDistribution(1, 10, log=True): Real(1, 10, log=True),
        optuna.FloatDistribution(0, 1, step=0.1): Real(0, 1, step=0.1),
        optuna.IntDistribution(1, 9): Integer(1, 9),
        optuna.IntDistribution(1, 9, log=True): Integer(1, 9, log=True),
        optuna.IntDistribution(1, 9, step=4): Integer(1, 9, step=4),
        optuna.CategoricalDistribution([None, "a"]): Categorical([None, "a"]),
    }
    for theirs, ours in read.items():
        assert parse_dimension("x", theirs) == ours


WRONG = [
    ("rbf", r"single value 'rbf' of type str: wrap it in a list, \['rbf'\]"),
    (5, r"got the single value 5 of type int: wrap it in a list, \[5\]"),
    (None, r"got the single value None"),
    (SVC, r"got the single value <class .*SVC.* of type \w+: write a list of the values to try"),
    (len, r"got the single value <built-in .*: write a list of the values to try$"),
    (object(), r"got the single value <object .*: write a list of the values to try$"),
    (b"ab", r"got the single value b'ab' of type bytes"),
    ({1, 2}, r"the values must have an order, got \{1, 2\} of type set: convert it with list"),
    (iter([1]), r"the values must have an order, .* of type list_iterator"),
    ([], r"the list of values is empty: give at least one value"),
    ((), r"the list of values is empty"),
    (np.array([]), r"the list of values is empty"),
    (np.zeros((2, 2)), r"must be one-dimensional, got the shape \(2, 2\): write a list of arrays"),
    ((10, 1), r"low must be smaller than high, got low=10 and high=1: exchange them, or write"),
    ((5, 5), r"got low=5 and high=5: they are equal; for a constant, write a list, \[5\]$"),
    ((1.0, 1.0), r"low=1.0 and high=1.0: they are equal; for a constant, write a list, \[1.0\]$"),
    ((math.nan, 1.0), r"low of the range \(nan, 1.0\) must be a number, got nan: correct it, or"),
    ((1, np.float64("nan")), r"high of the range .* must be a number, got .*nan"),
    (("1", 10), r"low of the range \('1', 10\) .* got '1': .* a list .*, \['1', 10\]"),
    ((0.1, "1e3"), r"high of the range \(0.1, '1e3'\) must be a number, got '1e3'"),
    ((math.nan, 1.0, "log-uniform"), r"low of the range .* must be a number, got nan"),
    ((1, "10", "uniform"), r"high of the range .* must be a number, got '10'"),
    ((0, 1.0, "log-uniform"), r"must begin above 0, got low=0.0: raise low"),
    ((-1, 5, "log"), r"must begin above 0, got low=-1"),
    ((0, math.inf), r"high must be finite, got inf: give a bound that is large enough"),
    ((-math.inf, 0.0), r"low must be finite, got -inf"),
    ((1, 10, "log-unifrom"), r"must be one of 'uniform', .*got 'log-unifrom'. Did you mean 'log-"),
    ((1, 10, "normal"), r"prior of a range must be one of .* got 'normal'.* write a list"),
    (scipy.stats.gamma, r"distribution 'gamma' needs its parameters, as in scipy.stats.gamma\(a"),
    (scipy.stats.uniform(0, -1), r"low must be finite, got nan"),
    (range_of("Real", 0, 1, "gaussian"), r"prior of a range must be .* got 'gaussian'"),
    (range_of("Integer", 0, 1.5, "uniform"), r"high of an Integer must be a whole number, got 1.5"),
    ({}, r"a dict as the value of a parameter must be a W&B sweep entry .* got \{\}"),
    ({"rbf": {"gamma": [1]}}, r"a dict .* must be a W&B sweep entry .* For dicts as values, write"),
    ({"mu": 1}, r"must name its distribution \(one of constant.* got \{'mu': 1\}"),
    ({"distribution": "unifrom"}, r"must be one of .* got 'unifrom'. Did you mean 'uniform'\?"),
    ({"distribution": None}, r"must be one of .* got None"),
    ({"min": 1}, r"'int_uniform' needs 'min' and 'max', but 'max' is missing in \{'min': 1\}"),
    ({"distribution": "categorical"}, r"'categorical' needs 'values', but 'values' is missing"),
    ({"distribution": "constant"}, r"'constant' needs 'value', but 'value' is missing"),
    ({"min": 1, "max": 2, "mxa": 3}, r"no field 'mxa', only 'min', 'max'. Did you mean 'max'\?"),
    (
        {"min": "1e-3", "max": 1},
        r"'min' of the distribution 'uniform' must be a number, got '1e-3'",
    ),
    ({"min": 2, "max": 1}, r"low must be smaller than high, got low=2 and high=1"),
    ({"min": 11, "max": 19, "q": 10}, r"no multiple of q=10 between 11 and 19"),
    ({"min": 11, "max": 19, "q": 0}, r"q must be above 0, got 0"),
    ({"values": []}, r"the list of values is empty"),
    ({"values": "abc"}, r"choices must be a list of values, got 'abc'"),
    ({"values": [1, 2], "probabilities": [1]}, r"probabilities must be 2 non-negative numbers"),
    ({"values": [1, 2], "probabilities": 1}, r"probabilities must be 2 non-negative numbers"),
    (
        {"min": 1, "max": 1000, "distribution": "log_uniform"},
        r"e\*\*1000 is too large: use 'log_uniform_values'",
    ),
    ({"distribution": "normal", "sigma": -1}, r"no finite quantiles: check its parameters"),
    ({"distribution": "q_normal", "q": 0}, r"step must be a number above 0"),
]


@pytest.mark.parametrize(("value", "message"), WRONG, ids=lambda case: shown(case)[:40])
def test_a_bad_entry_names_the_parameter_and_what_is_wrong(value, message):
    for definition in ({"C": value}, [{}, {"a": When("b", 1, {"C": value}), "b": [1, 2]}]):
        with pytest.raises(SpaceError, match=r"parameter 'C': .*" + message):
            parse(definition)


def test_a_typing_error_in_a_prior_is_found_where_pairs_are_values_too():
    with pytest.raises(SpaceError, match=r"Did you mean 'log-?uniform'"):
        parse_dimension("x", (1, 10, "log_uniform"), bare_pair="values")


# -- the whole definition ----------------------------------------------------------------------


def test_a_dict_is_one_piece():
    [(space, n_iter)] = parse({"C": (0.1, 10.0, "log"), "kernel": ["linear", "rbf"]})
    assert space == Space({"C": Real(0.1, 10, log=True), "kernel": Categorical(["linear", "rbf"])})
    assert n_iter is None


def test_the_dicts_of_a_list_are_one_piece_and_budgets_their_own():
    pieces = parse([({"a": [1, 2]}, 5), {"b": (1, 9)}, ({"c": [1, 2]}, np.int64(7)), {"d": [0, 1]}])
    assert [n_iter for _, n_iter in pieces] == [5, None, 7]
    assert pieces[0].space == Space({"a": Categorical([1, 2])})
    assert pieces[1].space == Space([{"b": Integer(1, 9)}, {"d": Categorical([0, 1])}])
    assert pieces[2].space == Space({"c": Categorical([1, 2])})


def test_a_single_budget_needs_no_list():
    [(space, n_iter)] = parse(({"a": [1, 2]}, 5))
    assert (space.size, n_iter) == (2, 5)


def test_conditions_of_a_list_belong_to_every_dict_with_the_parent():
    pieces = parse([({"a": [1, 2]}, 5), When("a", 1, {"x": (1, 9)}), {"a": [1, 3]}, {"b": [1, 2]}])
    assert pieces[0].space.size == 9 + 1
    assert pieces[1].space.size == 9 + 1 + 2


def test_conditions_may_hold_every_notation():
    definition = {
        "kernel": ["linear", "rbf", "poly"],
        "gamma": When("kernel", ["rbf", "poly"], (1e-4, 1.0, "log-uniform")),
        "poly only": When("kernel", "poly", {"degree": (2, 4), "coef0": scipy.stats.norm(0, 1)}),
    }
    [(space, _)] = parse(definition)
    assert space.dimensions["gamma"] == Real(1e-4, 1, log=True)
    assert space.dimensions["degree"] == Integer(2, 4)
    assert space.conditional


def test_an_empty_dict_is_one_configuration():
    assert parse({})[0].space.size == 1
    assert parse([{}, {"a": [1, 2]}])[0].space.size == 3


def test_a_mapping_that_is_no_dict_and_any_iterable_of_dicts_will_do():
    from types import MappingProxyType

    assert parse(MappingProxyType({"a": [1, 2]}))[0].space.size == 2
    assert parse(iter([{"a": [1, 2]}]))[0].space.size == 2


SWEEP = {"method": "bayes", "parameters": {"C": {"min": 0.1, "max": 1.0}}}


def test_parameters_may_be_named_as_the_fields_of_a_sweep():
    [(space, _)] = parse({"method": ["a", "b"], "parameters": {"values": [1, 2]}})
    assert space.size == 4


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("auot", r"must be a dict .* or a list of such dicts, got 'auot' of type str"),
        ("auot", r'curated space of the estimator is "auto"'),
        ("Auto", r'curated space of the estimator is "auto"'),
        (None, r"or a list of such dicts, got None of type NoneType"),
        (None, r'curated space of the estimator is "auto"'),
        *[
            (size, rf'"auto"; .* space_for\(estimator, X, y, size="{size.lower()}"\)')
            for size in ("small", "default", "wide", "Wide")
        ],
        (SWEEP, r'a whole W&B sweep, .*: pass sweep\["parameters"\]'),
        ([{"a": [1]}, SWEEP], r'pass sweep\["parameters"\]'),
        ((SWEEP, 5), r'pass sweep\["parameters"\]'),
        (3, r"or a list of such dicts, got 3 of type int"),
        (When("a", 1, {}), r"or a list of such dicts, got When\('a', 1, \{\}\)"),
        ([], r"the list of search spaces is empty: give at least one dict"),
        ([{"a": [1]}, 5], r"may hold dicts, When and pairs \(dict, n_iter\), but entry 1 is 5"),
        ([("a", [1, 2])], r"but entry 0 is \('a', \[1, 2\]\) of type tuple"),
        ([({"a": [1]}, -1)], r"n_iter in a pair .* at least 1, got -1"),
        ([({"a": [1]}, 0)], r"n_iter in a pair .* at least 1, got 0"),
        ([({"a": [1]}, 2.5)], r"n_iter in a pair .* at least 1, got 2.5"),
        ([({"a": [1]}, "5")], r"n_iter in a pair .* at least 1, got '5'"),
        ([({"a": [1]}, True)], r"n_iter in a pair .* at least 1, got True"),
        ({1: [1, 2]}, r"name of a parameter must be a string, got 1 of type int"),
        ({"a": [1, 2], "": When("a", 1, {None: [1]})}, r"must be a string, got None"),
        ({"a": [1, 2], "x": When("a", 1, {"a": [3]})}, r"parameter 'a' is defined twice"),
        ({"x": When("a", 1, [3])}, r"'x' depends on 'a', which is not a parameter"),
        ({"a": [1, 2], "x": When("a", 3, [3])}, r"exists only when 'a' is 3, which 'a' can never"),
        ({"a": [When("b", 1, [1]), 2], "x": When("b", 1, [1])}, r"depends on 'b', which is not"),
    ],
)
def test_a_bad_definition_says_what_is_wrong(definition, message):
    with pytest.raises(SpaceError, match=message):
        parse(definition)

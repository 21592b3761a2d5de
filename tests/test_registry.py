"""One door to the samplers, and what it says to those who cannot pass."""

import importlib
import sys

import numpy as np
import pytest

from skhpt.samplers.base import Sampler
from skhpt.samplers.grid import GridSampler, ListSampler
from skhpt.samplers.random import RandomSampler
from skhpt.samplers.registry import SAMPLERS, make_sampler
from skhpt.space import Categorical, Integer, Real, Space
from skhpt.trial import Trial

SPACE = Space({"x": Real(0.0, 1.0), "n": Integer(1, 5)})
FINITE = Space({"n": Integer(1, 5)})


class Remembers(Sampler):
    """Proposes one configuration for ever and remembers what it was told."""

    def __init__(self, space, random_state):
        super().__init__(space, random_state)
        self.told = []

    def ask(self):
        return self.space.decode(np.zeros(self.space.width))

    def tell(self, trial):
        self.told.append(trial)


# -- what is accepted ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLERS)
def test_names(name):
    if SAMPLERS[name].packages is not None:
        pytest.importorskip(SAMPLERS[name].module)
    sampler = make_sampler(name, FINITE, 3)
    assert type(sampler).__name__ == SAMPLERS[name].name
    assert isinstance(sampler, Sampler)
    assert sampler.space is FINITE
    assert sampler.random_state == 3


def test_none_is_the_gaussian_process():
    assert type(make_sampler(None, SPACE, 0)) is type(make_sampler("gp", SPACE, 0))


def test_subclasses_and_factories():
    assert type(make_sampler(Remembers, SPACE, 1)) is Remembers
    made = make_sampler(lambda space, seed: RandomSampler(space, seed + 1), SPACE, 1)
    assert made.random_state == 2


def test_an_object_is_copied_but_shares_the_space():
    given = Remembers(SPACE, 0)
    made = make_sampler(given, SPACE, 5)
    made.tell(Trial(0, {"x": 0.5, "n": 1}))
    assert type(made) is Remembers
    assert made.space is SPACE
    assert made.random_state == 0
    assert not given.told


def test_a_copy_knows_the_choices_by_identity():
    space = Space({"value": Categorical([object(), object(), np.zeros(2)])})
    sampler = make_sampler(GridSampler(space, 0), space, 0)
    for _ in range(3):
        params = sampler.ask()
        assert any(params["value"] is choice for choice in space.dimensions["value"].choices)
    assert sampler.ask() is None


def test_an_object_of_an_equal_space_or_of_none_will_do():
    equal = Space({"x": Real(0.0, 1.0), "n": Integer(1, 5)})
    assert make_sampler(Remembers(equal, 0), SPACE, 0).ask() == {"x": 0.0, "n": 1}
    assert make_sampler(ListSampler([{"x": 0.5}]), SPACE, 0).ask() == {"x": 0.5}


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [(None, "SkoptSampler"), ("gp", "SkoptSampler"), ("tpe", "OptunaSampler")],
)
def test_optimizer_kwargs_ask_for_scikit_optimize(sampler, expected):
    pytest.importorskip("skopt")
    pytest.importorskip("optuna")
    options = {"n_startup_trials": 3} if sampler == "tpe" else {"n_initial_points": 3}
    made = make_sampler(sampler, SPACE, 0, optimizer_kwargs=options)
    assert type(made).__name__ == expected
    assert type(make_sampler(sampler, SPACE, 0, optimizer_kwargs={})).__name__ != "SkoptSampler"


# -- what is not ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TPE", "; did you mean 'tpe'"),
        ("sobo", "; did you mean 'sobol'"),
        ("hyperopt", "'hyperopt'$"),
    ],
)
def test_unknown_name(name, hint):
    with pytest.raises(
        ValueError, match=f"sampler must be one of 'gp', .*, got '{name}'.*{hint}|{hint}"
    ):
        make_sampler(name, SPACE, 0)


@pytest.mark.parametrize("sampler", [3, 0.5, ["tpe"], object()])
def test_nothing_of_the_kind(sampler):
    with pytest.raises(TypeError, match=r"sampler must be one of 'gp', .*, a Sampler, a callable"):
        make_sampler(sampler, SPACE, 0)


def test_factory_that_returns_something_else():
    with pytest.raises(TypeError, match=r"must return a skhpt.samplers.base.Sampler .* got 'x'"):
        make_sampler(lambda space, seed: "x", SPACE, 0)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (Space({"n": Integer(1, 6)}), "'n', 'x'"),
        (Space([{"x": Real(0.0, 1.0)}, {"n": Integer(1, 5)}]), "their conditions or alternatives"),
    ],
)
def test_object_of_another_space(other, difference):
    with pytest.raises(ValueError, match=rf"another space \(they differ in {difference}.*class"):
        make_sampler(Remembers(other, 0), SPACE, 0)


@pytest.mark.parametrize("sampler", ["random", "grid", Remembers])
def test_optimizer_kwargs_without_a_receiver(sampler):
    with pytest.raises(ValueError, match=r"optimizer_kwargs are for .*'skopt' .*; .*remove them"):
        make_sampler(sampler, FINITE, 0, optimizer_kwargs={"n_initial_points": 3})


@pytest.mark.parametrize("name", [name for name, row in SAMPLERS.items() if row.packages])
def test_missing_package(name, monkeypatch):
    row = SAMPLERS[name]
    missing = "cmaes" if name == "cmaes" and importlib.util.find_spec("optuna") else row.module
    for module in [m for m in sys.modules if m.startswith("skhpt.samplers.")]:
        if module.endswith((f".{row.module}", "._variables")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"sampler='{name}' needs .*{missing}") as caught:
        make_sampler(name, SPACE, 0)
    assert f"pip install {row.packages}, or choose" in str(caught.value)
    assert "'gp', 'random', 'sobol', 'grid'" in str(caught.value)
    assert isinstance(caught.value.__cause__, ImportError)


def test_a_broken_sampler_of_ours_is_not_called_a_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "skhpt.samplers.random", None)
    with pytest.raises(ImportError, match=r"halted"):
        make_sampler("random", SPACE, 0)


def test_a_class_that_proposes_nothing_is_no_sampler():
    with pytest.raises(TypeError, match="sampler must be one of .*, got <class 'object'>"):
        make_sampler(object, SPACE, 0)

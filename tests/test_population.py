"""Population based training, without any training: who copies whom, and what changes."""

import numpy as np
import pytest

from skhpt.population import (
    Population,
    PopulationPlan,
    Segment,
    explore,
    extended,
    nudged,
)
from skhpt.space import dialects
from skhpt.space.dimensions import Categorical, Integer, Ordinal, Real
from skhpt.trial import Status, Trial

PLAN = PopulationPlan(size=8, interval=5, max_rounds=20)


def space_of(definition):
    [(space, _)] = dialects.parse(definition)
    return space


RATE = space_of({"rate": (1e-4, 1.0, "log-uniform")})


def generation(population, score, n=PLAN.size):
    """Let one generation train; ``score(member, params)`` is None for one that fails."""
    proposals = [population.ask() for _ in range(n)]
    first = len(population.lineages) - n
    for member, proposal in enumerate(proposals):
        value = score(member, proposal.params)
        status = Status.FAILED if value is None else Status.PARTIAL
        value = np.nan if value is None else value
        trial = Trial(first + member, proposal.params, proposal.origin, status, value)
        population.tell(trial)
    return proposals


def test_generations_end_at_every_interval_and_at_the_last_round():
    plan = PopulationPlan(size=4, interval=8, max_rounds=20)
    assert [rung.resource for rung in plan.rungs] == [8, 16, 20]
    assert [rung.is_last for rung in plan.rungs] == [False, False, True]


@pytest.mark.parametrize(
    ("size", "quantile", "n"), [(16, 0.25, 4), (2, 0.25, 1), (3, 0.5, 1), (5, 0.25, 2), (6, 0.5, 3)]
)
def test_nobody_is_among_the_best_and_the_worst(size, quantile, n):
    assert PopulationPlan(size, 1, 2, quantile).n_exchanged == n


def test_all_generations_are_proposed_and_no_more():
    population = Population(PLAN, RATE, 0)
    for _ in PLAN.rungs:
        generation(population, lambda member, params: member)
    assert population.ask() is None
    assert len(population.lineages) == population.n_proposals == 32


def test_the_worst_quarter_copies_the_best_quarter():
    population = Population(PLAN, RATE, 0)
    generation(population, lambda member, params: member)
    second = generation(population, lambda member, params: member)
    assert [p.parent for p in second[2:]] == [2, 3, 4, 5, 6, 7]  # everybody else goes on
    assert all(p.parent in (6, 7) for p in second[:2])
    first = {t: line.schedule[0].params for t, line in population.lineages.items() if t < 8}
    for member, proposal in enumerate(second):
        same = proposal.params == first[member]
        assert same == (member > 1)
        line = population.lineages[8 + member]
        assert line.parent == proposal.parent
        assert line.is_heir == (member > 1)


def test_who_fails_copies_one_of_the_best_be_they_many():
    population = Population(PLAN, RATE, 0)
    generation(population, lambda member, params: None if member < 6 else member)
    second = generation(population, lambda member, params: member)
    assert {p.parent for p in second} == {6, 7}
    assert [p.parent for p in second[6:]] == [6, 7]


def test_a_score_that_is_no_number_is_the_worst():
    population = Population(PLAN, RATE, 0)
    generation(population, lambda member, params: [np.inf, np.nan, *range(6)][member])
    second = generation(population, lambda member, params: 0.0)
    assert all(p.parent in (6, 7) for p in second[:2])


def test_nobody_goes_on_where_everybody_failed():
    population = Population(PLAN, RATE, 0)
    generation(population, lambda member, params: None)
    assert population.ask() is None


def test_a_schedule_is_that_of_the_model_that_goes_on():
    population = Population(PLAN, RATE, 0)
    for _ in PLAN.rungs:
        generation(population, lambda member, params: -abs(np.log(params["rate"] / 0.01)))
    for trial, line in population.lineages.items():
        assert line.schedule[-1].n_rounds == PLAN.rungs[trial // 8].resource
        if line.parent is None:
            continue
        before = population.lineages[line.parent].schedule
        shared = before if not line.is_heir else before[:-1]
        assert line.schedule[: len(shared)] == shared


def test_the_same_seed_makes_the_same_choices():
    def run(seed):
        population = Population(PLAN, RATE, seed)
        for _ in PLAN.rungs:
            generation(population, lambda member, params: params["rate"])
        return population.lineages

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_unchanged_parameters_make_the_last_part_longer():
    params = {"rate": 0.1}
    schedule = (Segment(5, params),)
    assert extended(schedule, 10, params) == (Segment(10, params),)
    assert extended(schedule, 10, {"rate": 0.2}) == (Segment(5, params), Segment(10, {"rate": 0.2}))


# -- exploring -------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.8, 1.2])
@pytest.mark.parametrize(
    ("dimension", "value", "low", "high"),
    [
        (Real(0.0, 1.0), 0.5, 0.4, 0.6),
        (Real(1e-4, 1.0, log=True), 1e-2, 0.8e-2, 1.2e-2),
        (Real(0.45, 0.55), 0.5, 0.45, 0.55),  # stays inside
        (Integer(1, 100), 50, 40, 60),
        (Integer(1, 9), 2, 1, 3),  # moves by one at least
        (Ordinal((64, 16, 256, 32)), 64, 32, 256),  # to the next of the list
        (Categorical(("a", "b")), "a", "a", "a"),
        (Categorical((True, False)), True, True, True),
        (Categorical((7,)), 7, 7, 7),
    ],
)
def test_numbers_move_by_the_factor(dimension, value, low, high, factor):
    moved = nudged(dimension, value, factor)
    assert moved == (high if factor > 1 else low) or np.isclose(moved, low if factor < 1 else high)
    assert type(moved) is type(value)
    assert dimension.contains(moved)


def test_at_the_end_of_a_range_a_value_stays():
    assert nudged(Integer(1, 9), 9, 1.2) == 9
    assert nudged(Ordinal((1, 2, 3)), 3, 1.2) == 3
    assert nudged(Real(0.0, 1.0), 1.0, 1.2) == 1.0


def test_what_explores_stays_in_the_space():
    space = space_of(
        {"a": (1e-5, 1e-1, "log-uniform"), "b": [8, 16, 32, 64], "c": ["x", "y"], "d": (1, 9)}
    )
    rng = np.random.default_rng(0)
    params = space.sample(rng)
    for _ in range(300):
        params = explore(space, params, PLAN, rng)
        assert space.contains(params)


def test_resampling_draws_everything_or_nothing():
    space = space_of({"a": (0.0, 1.0), "c": ["x", "y", "z"]})
    rng = np.random.default_rng(0)
    params = {"a": 0.5, "c": "y"}
    always = PopulationPlan(2, 1, 2, resample_probability=1.0)
    never = PopulationPlan(2, 1, 2, resample_probability=0.0)
    drawn = [explore(space, params, always, rng) for _ in range(50)]
    assert {p["c"] for p in drawn} == {"x", "y", "z"}
    assert len({p["a"] for p in drawn}) == 50
    moved = [explore(space, params, never, rng) for _ in range(50)]
    assert {(p["a"], p["c"]) for p in moved} == {(0.4, "y"), (0.6, "y")}


def test_where_nothing_changes_it_is_the_same_object():
    space = space_of({"c": ["x", "y"]})
    params = {"c": "x"}
    never = PopulationPlan(2, 1, 2, resample_probability=0.0)
    assert explore(space, params, never, np.random.default_rng(0)) is params


def test_other_conditions_draw_the_whole_anew():
    from skhpt import When

    space = space_of({"kind": ["plain", "deep"], "depth": When("kind", "deep", (1, 9))})
    always = PopulationPlan(2, 1, 2, resample_probability=1.0)
    rng = np.random.default_rng(0)
    seen = [explore(space, {"kind": "plain"}, always, rng) for _ in range(30)]
    assert {p["kind"] for p in seen} == {"plain", "deep"}
    assert all(space.contains(p) for p in seen)

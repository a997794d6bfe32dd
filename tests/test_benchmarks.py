"""The benchmark's scenarios run, and its rivals solve the problem that the kernel solves. No test holds a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import escsim
from escsim.draws import philox
from escsim.ensemble import simulate
from tests.benchmarks import large, rivals
from tests.benchmarks.__main__ import HERE, distance

FILES = {name: HERE / f"{name}.yaml" for name in ("w1", "w2", "large")}
DRAWS = {"w1": rivals.draws_of_w1, "w2": rivals.draws_of_w2}


@pytest.mark.parametrize("name", FILES)
def test_scenarios_of_the_benchmark_load_and_replay(name: str) -> None:
    scenario = escsim.load(FILES[name])
    assert scenario.replay().steps == ()  # none of their events has a date
    ensemble = simulate(scenario, 200, seed=1)
    assert ensemble.counts.sum(axis=1).tolist() == [[200] * len(ensemble.days)] * len(ensemble.units)


def test_the_large_scenario_is_what_its_function_writes() -> None:
    assert FILES["large"].read_text("utf-8") == large.text()
    scenario = escsim.load(FILES["large"])
    ensemble = simulate(scenario, 2000, seed=1)
    assert (len(scenario.missions), len(scenario.events)) == (12, 60)
    assert 40 < ensemble.firings.sum() / ensemble.n < 60
    assert 2.8 < ensemble.armings / ensemble.firings.sum() < 3.4
    assert ensemble.firings.min() > 0


@pytest.mark.parametrize("rival", [rivals.masked, rivals.grouped])
@pytest.mark.parametrize("name", DRAWS)
def test_numpy_agrees_with_the_kernel(name: str, rival: rivals.LockStep) -> None:
    ensemble = simulate(escsim.load(FILES[name]), 20_000, seed=1)
    counts, fired = rival(DRAWS[name](), 20_000, 1, 7_000)
    assert (counts.sum(axis=0) == 20_000).all()
    assert distance(ensemble.counts[0], ensemble.n, counts, 20_000) < 5
    assert fired == pytest.approx(ensemble.firings.sum(), rel=0.01)


def test_transitions_agrees_with_the_kernel() -> None:
    ensemble = simulate(escsim.load(FILES["w1"]), 20_000, seed=1)
    counts, fired = rivals.transitions_loop(2_000, 1)
    assert (counts.sum(axis=0) == 2_000).all()
    assert distance(ensemble.counts[0], ensemble.n, counts, 2_000) < 5
    assert fired / 2_000 == pytest.approx(ensemble.firings.sum() / ensemble.n, rel=0.03)


def test_distance_tells_another_problem() -> None:
    one, _ = rivals.grouped(rivals.draws_of_w1(), 20_000, 1, 20_000)
    other, _ = rivals.grouped(rivals.draws_of_w2(), 20_000, 1, 20_000)
    assert distance(one, 20_000, other, 20_000) > 20


def test_the_bare_loop_makes_the_blocks_of_philox() -> None:
    seed = 0x9ABC_DEF0_1234_5678
    words = rivals.philox(1, seed)
    for j in (0, 1, rivals.BLOCK - 1):
        x0, x1, x2, _ = philox((j, 0, 0x1234_5678, 0), seed)
        assert (int(words[j]), int(words[rivals.BLOCK + j])) == (x0 | x1 << 32, x2)
    assert all((one != other).any() for one, other in pairwise(rivals.philox(turn) for turn in (1, 2, 3)))
    assert np.unique(words).size == words.size

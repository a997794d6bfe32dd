"""The compiled stepper against the readable one: the same firings, tick for tick, and counts that add up."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import escsim
from escsim import kernel
from escsim.draws import Addressed
from escsim.process import Process, compile_scenario
from escsim.scenario import Intervention, Scenario
from escsim.stepper import run
from tests import strategies

pytestmark = pytest.mark.slow  # compiling takes half a minute where nothing is cached
SHIPPED = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016"]


def output(process: Process) -> kernel.Output:
    cells, days, events = (process.n_missions + process.n_pairs) * process.n_statuses, process.days + 1, process.n_events
    counts = [np.zeros(size, np.int64) for size in (cells * days, cells * days, cells * days)]
    return kernel.Output(*counts, np.zeros(cells, np.uint64), *(np.zeros(size, np.int64) for size in (cells, 5 * events, events, 3)))


def simulate(process: Process, n: int, first: int = 0, seed: int = 7, log: kernel.Log | None = None) -> kernel.Output:
    out = output(process)
    words, tails = (0,) * process.n_words, () if process.law.any() else None
    ended = kernel.simulate(process, words, np.uint64(seed), np.uint64(first), np.uint64(n), out, tails, None, log)
    assert ended == -1
    return out


def logged(process: Process, n: int) -> dict[int, list[tuple[int, int, bool]]]:
    log = kernel.Log(*(np.zeros(200_000, np.uint64) for _ in range(3)), np.zeros(1, np.int64))
    simulate(process, n, log=log)
    used = int(log.used[0])
    assert used <= 200_000
    told: dict[int, list[tuple[int, int, bool]]] = {number: [] for number in range(n)}
    for number, tick, event in zip(*(each[:used].tolist() for each in log[:3]), strict=True):
        told[number].append((tick, event & 0xFFFFFFFF, bool(event >> 32)))
    return told


def agree(scenario: Scenario, intervention: Intervention | None, n: int) -> None:
    process = compile_scenario(scenario, intervention)
    told = logged(process, n)
    for number in range(n):
        trajectory = run(scenario, Addressed(scenario, process, 7, number), intervention)
        assert [(step.tick, scenario.order[step.event], step.moot) for step in trajectory.steps] == told[number]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_run_alike_with_every_what_if(name: str) -> None:
    scenario = escsim.load(name)
    agree(scenario, None, 200)
    for intervention in scenario.what_if.values():
        agree(scenario, intervention, 40)


def test_generated_scenarios_run_alike() -> None:
    compared = 0
    for number in range(150):
        data: Any = strategies.scenario(strategies.Pick(random.Random(number).randrange), intervention=True)
        try:
            scenario = strategies.load(data)
            interventions = [None, *scenario.what_if.values()]
            scenario.replay()
        except escsim.ScenarioError:  # its dated history need not be a run of its model
            continue
        for intervention in interventions:
            try:
                agree(scenario, intervention, 5)
            except escsim.ScenarioError as error:
                assert "10,000 firings" in str(error)
            compared += 1
    assert compared > 40


@pytest.mark.parametrize("name", SHIPPED)
def test_counts_are_those_of_single_runs_and_merge_by_addition(name: str) -> None:
    scenario, n = escsim.load(name), 150
    process = compile_scenario(scenario)
    whole, days = simulate(process, n), process.days
    parts = [simulate(process, 1, 0), simulate(process, 70, 1), simulate(process, 79, 71)]
    for field, value in zip(kernel.Output._fields, whole, strict=True):
        np.testing.assert_array_equal(value, sum(getattr(part, field) for part in parts), err_msg=field)
    statuses = process.n_statuses
    occupancy = np.cumsum(whole.occupancy.reshape(-1, statuses, days + 1), axis=2)[:, :, :days]
    expected = np.zeros((process.n_missions, statuses, days), np.int64)
    time = np.zeros((process.n_missions, statuses), np.int64)
    fired = np.zeros(process.n_events, np.int64)
    happened = np.zeros(process.n_events, np.int64)
    severity = scenario.ladder.severity
    for number in range(n):
        trajectory = run(scenario, Addressed(scenario, process, 7, number))
        for place, mission in enumerate(scenario.missions):
            for day, held in enumerate(trajectory.days().values()):
                expected[place, severity[held[mission]], day] += 1
            ticks = [0, *(step.tick for step in trajectory.steps), process.end]
            for start, end in zip(ticks, ticks[1:], strict=False):
                time[place, severity[trajectory.status_at(mission, start)]] += end - start
        for step in trajectory.steps:
            fired[scenario.order[step.event]] += 1
        for event in trajectory.happened():
            happened[scenario.order[event]] += 1
    np.testing.assert_array_equal(occupancy[: process.n_missions], expected)
    np.testing.assert_array_equal(whole.time.reshape(-1, statuses)[: process.n_missions], time)
    np.testing.assert_array_equal(whole.fired, fired)
    np.testing.assert_array_equal(whole.fate[: process.n_events], happened)
    assert (occupancy.sum(axis=1) == n).all()
    assert whole.total[0] == n

"""The compiled stepper against the readable one: the same firings, tick for tick, the same reasons why not, the same sums.

`PYTHONPATH=. python tests/test_kernel.py N SEED` compares them on N generated scenarios.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import escsim
from escsim import ensemble as ensembles
from escsim.draws import Addressed
from escsim.ensemble import FATES, log, simulate
from escsim.process import Process, compile_scenario, digest, pairs_of
from escsim.scenario import Intervention, Scenario, missions_of
from escsim.stepper import run
from escsim.trajectory import Trajectory
from tests import strategies
from tests.conftest import environment
from tests.strategies import Data, Pick

SEED = 7
BENCHMARKS = Path(__file__).parent / "benchmarks"
NAMED = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016", *(str(BENCHMARKS / f"{name}.yaml") for name in ("w1", "w2", "large"))]
MORE_LAWS: list[Any] = [
    {"empirical": {"values": ["6 hours", "1 day", "1 day", "5 days"], "weights": [1, 2, 1, 3], "interpolation": "step"}},
    {"empirical": {"values": ["6 hours", "2 days", "5 days"], "interpolation": "linear"}},
    {"triangular": {"low": "1 day", "mode": "1 day", "high": "3 days"}},
    {"gamma": {"shape": 0.3, "mean": "4 days"}},
    {"weibull": {"shape": 0.4, "scale": "2 days"}},
]
SPREADS: list[Any] = ["none", {"gamma": {"cv": 0.5}}, {"exponential": {}}, {"lognormal": {"cv": 1.5}}, {"weibull": {"shape": 2}}]
seen: Counter[str] = Counter()


# Scenarios


def generated(number: int) -> Data:
    """Give scenario `number`: most with every feature of the form, some of one mission and standing hazards only, some large.

    The first thousand have at most 128 events, so that the fast tests compile the kernel for two sizes only.
    """
    pick = Pick(random.Random(number).randrange)
    kind = pick.below(10)
    data = (
        _plain(pick)
        if kind == 0
        else _wide(pick, 8 + pick.below(5 if number < 1000 else 34))
        if kind == 1
        else strategies.scenario(pick, intervention=True)
    )
    for event in data["events"]:
        if "delay" in event and pick.often(30):
            event["delay"] = pick.one(MORE_LAWS)
    return data | {"variants": {"spread": pick.one(SPREADS)}}


def _wide(pick: Pick, parts: int) -> Data:
    """Give several scenarios in one file, so that there are more events than a word has bits."""
    steps, states = strategies.ladder(pick), strategies.STATES[: 2 + pick.below(3)]
    each = [strategies.scenario(pick, steps=steps, states=states, prefix=f"p{part}_") for part in range(parts)]
    events = [{key: value for key, value in event.items() if key != "date"} for one in each for event in one["events"]][:256]
    events = [{"delay": "1 day", **event} for event in events]  # without dates: so many histories together are no run
    kept = {event["id"] for event in events}
    choices = {name: choice for one in each for name, choice in one.get("choices", {}).items() if {*choice["options"]} <= {*kept, "nothing"}}
    choices = {name: choice for name, choice in choices.items() if "nothing" in choice["options"]}
    whole = {key: value for key, value in each[0].items() if key not in ("choices", "what_if")}
    return {**whole, "events": events, **({"choices": choices} if choices else {})}


def _plain(pick: Pick) -> Data:
    """Give standing hazards of one mission: what the kernel has a shorter way for."""
    steps = strategies.ladder(pick, shared=False)
    statuses = strategies.statuses_of(steps)
    own = [trigger for trigger in strategies.ways_of(steps) if steps.get("moves", {}).get(trigger, "own") == "own"]
    events: list[Data] = []
    for number in range(1 + pick.below(9)):
        event: Data = {"id": f"h{number}", "actor": "AAA", "target": "BBB", "action": pick.one(own or strategies.PLAIN), "repeats": True}
        if pick.often(80) or not own:
            event["while"] = {"AAA->BBB": pick.some(statuses, 1, 3)}
        if pick.often(40):
            event["probability"] = pick.one([0.5, 0.9, 0.0, 1.0])
        events.append({**event, "delay": pick.one(strategies.LATER)})
    data = strategies._frame(["AAA", "BBB"], steps, events, {"AAA->BBB": pick.one(statuses)}, {})
    return {**data, "what_if": {"w": {"remove": [events[0]["id"]]}}}


# What a trajectory of the readable stepper shows, counted without the kernel's ways


def states_at_the_end(trajectory: Trajectory, forced: set[str]) -> dict[str, str]:
    """Give for every event that never fired what was last said of it."""
    fired = {step.event for step in trajectory.steps}
    last = dict.fromkeys(forced, "armed")
    for note in trajectory.notes:
        if note.stage in ("called", "armed", "refused", "shut", "barred"):
            last[note.event] = note.stage
    return {event: stage for event, stage in last.items() if event not in fired}


def fates_of(trajectory: Trajectory, forced: set[str]) -> dict[str, str]:
    fates = {"armed": "censored", "refused": "chance", "called": "cancelled", "shut": "cancelled", "barred": "cancelled"}
    found = {event: fates[stage] for event, stage in states_at_the_end(trajectory, forced).items()}
    found.update((step.event, "moot") for step in trajectory.steps)
    found.update((step.event, "happened") for step in trajectory.steps if not step.moot)
    return found


def stays(trajectory: Trajectory, unit: str) -> list[tuple[str, int, int]]:
    """Give the statuses of a mission or pair with the ticks of coming and leaving; stays in which no time passes are none."""
    scenario = trajectory.scenario
    members = missions_of(unit) if "->" not in unit else (unit,)
    ticks = sorted({0, *(step.tick for step in trajectory.steps), scenario.period.ticks})
    found: list[tuple[str, int, int]] = []
    for start, end in pairwise(ticks):
        status = max((trajectory.status_at(member, start) for member in members), key=scenario.ladder.severity.__getitem__)
        if found and found[-1][0] == status:
            found[-1] = (status, found[-1][1], end)
        else:
            found.append((status, start, end))
    return found


def compare(scenario: Scenario, intervention: Intervention | None, numbers: list[int], seed: int = SEED) -> int:
    """Hold kernel and stepper against each other on some trajectories; give how many were compared."""
    process = compile_scenario(scenario, intervention)
    units, statuses, order = [*scenario.missions, *pairs_of(scenario)], list(scenario.ladder.statuses), scenario.order
    forced = set((intervention.force if intervention else None) or ())
    for number in numbers:
        try:
            trajectory = run(scenario, Addressed(scenario, process, seed, number), intervention)
        except escsim.ScenarioError as error:
            if "10,000 firings" not in str(error):
                raise
            with pytest.raises(ensembles._RunawayError):
                log(process, seed, number, 1)
            seen["runaway"] += 1
            continue
        assert log(process, seed, number, 1) == [[(step.tick, order[step.event], step.moot) for step in trajectory.steps]]
        fate = ensembles._run(process, seed, number, 1).fate.reshape(5, -1)
        expected = fates_of(trajectory, forced)
        assert {event: FATES[row] for event, e in order.items() for row in np.flatnonzero(fate[:, e])} == expected
        seen.update(expected.values())
        rows = ensembles._rows(process, seed, number, 1)
        for u, unit in enumerate(units):
            told = stays(trajectory, unit)
            for s, status in enumerate(statuses):
                mine = [(start, end) for held, start, end in told if held == status]
                first, last = (mine[0][0], mine[-1][1]) if mine else (-1, -1)
                assert (rows.first[0, u, s], rows.last[0, u, s]) == (first, last), (unit, status)
                assert rows.time[0, u, s] == sum(end - start for start, end in mine), (unit, status)
        for event, e in order.items():
            happened = [step.tick for step in trajectory.steps if step.event == event and not step.moot]
            assert (rows.when[0, e], rows.happened[0, e]) == (happened[0] if happened else -1, len(happened))
    note(scenario, process, intervention)
    return len(numbers)


def note(scenario: Scenario, process: Process, intervention: Intervention | None) -> None:
    """Note which features a scenario has."""
    seen["plain"] += process.plain
    seen[f"{process.n_words} words"] += 1
    for event in scenario.events:
        seen["joint"] += bool(event.follows and event.follows.all)
        seen["unless"] += bool(event.unless)
        seen["gate over two missions"] += len(scenario.gate(event)) > 1
        seen["several actions"] += sum(action in scenario.ladder.triggers for action in event.action) > 1
        seen["standing hazard"] += event.repeats and event.follows is None
        seen["repeats"] += event.repeats and event.follows is not None
        seen["chance"] += event.probability is not None and 0 < event.probability < 1
        seen[event.delay.one()[0] if event.delay else "spread"] += 1
    seen["choice"] += len(scenario.choices)
    seen["repeating choice"] += sum(choice.repeats for choice in scenario.choices.values())
    for name in ("remove", "move", "force", "choose", "set") if intervention else ():
        seen[name] += bool(getattr(intervention, name))


def compare_generated(numbers: range) -> int:
    compared = 0
    for number in numbers:
        try:
            scenario = strategies.load(generated(number))
            scenario.replay()
        except escsim.ScenarioError:  # its dated history need not be a run of its model
            continue
        for intervention in [None, *scenario.what_if.values()]:
            try:
                compared += compare(scenario, intervention, [0, 1, 2])
            except AssertionError as error:
                raise AssertionError(f"generated scenario {number}: {error}") from error
    return compared


FEATURES = [
    *("plain", "1 words", "2 words", "joint", "unless", "gate over two missions", "several actions", "standing hazard", "repeats", "chance"),
    *("fixed", "exponential", "weibull", "lognormal", "gamma", "uniform", "triangular", "empirical", "spread", "choice", "repeating choice"),
    *("remove", "move", "force", "choose", "set", *FATES),
]


# The tests


@pytest.mark.parametrize("name", NAMED)
def test_shipped_scenarios_run_alike_with_every_what_if(name: str) -> None:
    scenario = escsim.load(name)
    compare(scenario, None, list(range(25)))
    for intervention in scenario.what_if.values():
        compare(scenario, intervention, list(range(8)))


def test_generated_scenarios_of_every_feature_run_alike() -> None:
    """The differential test: 300 scenarios, and every feature among them."""
    seen.clear()
    assert compare_generated(range(300)) > 400
    assert [feature for feature in FEATURES if not seen[feature]] == []


@pytest.mark.slow
def test_many_generated_scenarios_run_alike() -> None:
    seen.clear()
    assert compare_generated(range(1000, 3000)) > 3000
    assert [feature for feature in (*FEATURES, "3 words", "4 words") if not seen[feature]] == []


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_trajectories_beyond_2_to_the_32_run_alike(seed: int) -> None:
    """A counter cut to 32 bits."""
    compare(escsim.load("iran-pakistan-2024"), None, [2**32 - 1, 2**32, 2**40 + 5, 2**64 - 1], seed)


@pytest.mark.parametrize("name", NAMED)
def test_sums_are_those_of_single_trajectories(name: str) -> None:
    scenario, n = escsim.load(name), 70
    ensemble = simulate(scenario, n, seed=SEED)
    units, statuses, days = ensemble.units, list(scenario.ladder.statuses), ensemble.days
    counts, peak = np.zeros_like(ensemble.counts), np.zeros_like(ensemble.peak)
    first, last = np.zeros_like(ensemble.first), np.zeros_like(ensemble.last)
    time = [[0] * len(statuses) for _ in units]
    fates, firings = np.zeros_like(ensemble.fates), np.zeros_like(ensemble.firings)
    armings = 0
    day = 86_400_000_000
    for number in range(n):
        trajectory = ensemble.trajectory(number)
        armings += sum(note.stage in ("armed", "refused") for note in trajectory.notes)
        for event, fate in fates_of(trajectory, set()).items():
            fates[FATES.index(fate), scenario.order[event]] += 1
        for step in trajectory.steps:
            firings[scenario.order[step.event]] += 1
        for u, unit in enumerate(units):
            told = stays(trajectory, unit)
            for d in range(len(days)):
                held = next(status for status, start, end in told if start < (d + 1) * day <= end)
                counts[u, statuses.index(held), d] += 1
            for status in {held for held, _, _ in told}:
                s = statuses.index(status)
                mine = [(start, end) for held, start, end in told if held == status]
                first[u, s, mine[0][0] // day] += 1
                last[u, s, mine[-1][1] // day] += 1
                time[u][s] += sum(end - start for start, end in mine)
            peak[u, max(statuses.index(held) for held, _, _ in told)] += 1
    for name_of in ("counts", "first", "last", "peak", "fates", "firings"):
        np.testing.assert_array_equal(getattr(ensemble, name_of), locals()[name_of], err_msg=name_of)
    assert ensemble.time == time
    assert ensemble.armings == armings


def pieces(process: Process, cuts: list[int]) -> list[Any]:
    """Run trajectories in pieces, and add up."""
    whole: list[Any] = []
    for start, end in pairwise(cuts):
        part = [*ensembles._run(process, SEED, start, end - start)]
        whole = [total + each for total, each in zip(whole, part, strict=True)] if whole else part
    return whole


@pytest.mark.parametrize("name", [NAMED[0], NAMED[4], NAMED[5]])
def test_batches_of_any_size_add_up_to_the_same(name: str) -> None:
    process = compile_scenario(escsim.load(name))
    whole = pieces(process, [0, 1100])
    for size in (1, 7, 1000):
        for total, expected in zip(pieces(process, [*range(0, 1100, size), 1100]), whole, strict=True):
            np.testing.assert_array_equal(total, expected)


@pytest.mark.parametrize("name", [NAMED[0], NAMED[4], NAMED[5]])
def test_threads_do_not_matter(name: str) -> None:
    scenario = escsim.load(name)
    said = [fingerprint(scenario, 5000, threads) for threads in (1, 2, 4)]
    assert said[0] == said[1] == said[2]


def fingerprint(scenario: Scenario, n: int, threads: int | None = None) -> str:
    ensemble = simulate(scenario, n, seed=SEED, threads=threads)
    total = hashlib.sha256(digest(ensemble.process).encode())
    for name in ("counts", "first", "last", "peak", "fates", "firings"):
        total.update(np.ascontiguousarray(getattr(ensemble, name)).tobytes())
    total.update(repr((ensemble.time, ensemble.armings)).encode())
    return total.hexdigest()


PRINTED = (
    "import sys, escsim\nfrom tests.test_kernel import fingerprint\nfor name in sys.argv[2:]: print(fingerprint(escsim.load(name), int(sys.argv[1])))"
)


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_interpreted_and_with_bounds_checked_it_gives_the_same(setting: str, tmp_path: Path) -> None:
    """A reading outside an array, and what numba makes other than Python does."""
    names, n = [NAMED[0], NAMED[4], NAMED[5]], 70
    expected = [fingerprint(escsim.load(name), n) for name in names]
    root = Path(__file__).parent.parent
    settings = {setting: "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    env = {**environment(), "PYTHONPATH": str(root), **settings}
    done = subprocess.run(
        [sys.executable, "-c", PRINTED, str(n), *names], env=env, cwd=root, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == expected


def test_single_trajectories_can_be_asked_for() -> None:
    ensemble = simulate(escsim.load("iran-pakistan-2024"), 30, seed=SEED)
    told = log(ensemble.process, SEED, 0, 30, size=10)
    for number in (0, 29):
        steps = ensemble.trajectory(number).steps
        assert told[number] == [(step.tick, ensemble.scenario.order[step.event], step.moot) for step in steps]
    with pytest.raises(IndexError, match="numbered 0 to 29"):
        ensemble.trajectory(30)
    with pytest.raises(ValueError, match="at least one trajectory"):
        simulate(ensemble.scenario, 0)
    rows = ensemble.rows(3, 20)
    assert rows.first.shape == (20, 3, 5)
    np.testing.assert_array_equal(rows.when[4], ensemble.rows(7, 1).when[0])


def test_progress_rises_to_the_end() -> None:
    told: list[int] = []
    simulate(escsim.load("iraq-iran-2024"), 30_000, seed=1, threads=2, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 30_000
    assert len(told) > 1


def test_without_a_place_for_the_cache_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only install with a home that cannot be written."""
    from numba.core import caching

    from escsim import kernel

    monkeypatch.setattr(caching.FunctionCache, "_impl_class", type("Nowhere", (caching.CompileResultCacheImpl,), {"_locator_classes": []}))
    assert callable(kernel._cached(lambda x: x + 1))
    assert kernel._cached(lambda x: x + 1)(1) == 2


if __name__ == "__main__":
    first = int(sys.argv[2])
    print(compare_generated(range(first, first + int(sys.argv[1]))), "trajectories compared:", dict(seen))

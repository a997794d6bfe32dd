"""The compiled stepper against the readable one: the same firings, tick for tick, the same reasons why not, the same sums.

`PYTHONPATH=. python tests/test_kernel.py N SEED` compares them on N generated scenarios, those from SEED on.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import escsim
from escsim import ensemble as ensembles
from escsim.draws import Addressed
from escsim.ensemble import FATES, log, simulate
from escsim.process import Process, compile_scenario, digest, threshold
from escsim.scenario import Follows, Intervention, Scenario, counterpart
from escsim.stepper import run
from escsim.trajectory import Trajectory
from tests import strategies
from tests.conftest import environment
from tests.strategies import DAY, KINDS, SIZES, Data, Pick, anything, strategy

SEED = 7
ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "tests" / "benchmarks"
NAMED = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016", *(str(BENCHMARKS / f"{name}.yaml") for name in ("w1", "w2", "large"))]
BATCH = 70  # more than there are lanes, so that some lanes are used again
LIMIT = "10,000 firings"
LONG = 100  # firings
FIELDS = ("counts", "first", "last", "time", "peak", "fates", "firings", "armings", "decisions")  # of an ensemble

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


# What a trajectory of the readable stepper shows, counted without the kernel's ways


def fates_of(trajectory: Trajectory, forced: set[str]) -> dict[str, str]:
    """Give what became of every event that was ever called: what was last said of it, but for chance whose no stands until it is armed again."""
    found = dict.fromkeys(forced, "censored")
    for note in trajectory.notes:
        if note.stage in ("armed", "refused"):
            found[note.event] = "censored" if note.stage == "armed" else "chance"
        elif note.stage in ("called", "shut", "barred", "ignored") and found.get(note.event) != "chance":
            found[note.event] = "cancelled"
    found |= {step.event: "moot" for step in trajectory.steps}
    return found | {step.event: "happened" for step in trajectory.steps if not step.moot}


def stays(trajectory: Trajectory) -> list[list[tuple[int, int, int]]]:
    """Give for each mission, and then each pair, its stays: status, tick of coming, tick of leaving; none in which no time passes."""
    scenario = trajectory.scenario
    missions = scenario.missions
    twins = {mission: counterpart(mission) for mission in missions if counterpart(mission) in missions}
    units = [*((mission,) for mission in missions), *(each for each in twins.items() if missions.index(each[0]) < missions.index(each[1]))]
    severity = {status: number for number, status in enumerate(scenario.ladder.statuses)}
    held = {mission: severity[status] for mission, status in scenario.initial.items()}
    left = list(trajectory.steps)
    found: list[list[tuple[int, int, int]]] = [[] for _ in units]
    for start, end in pairwise(sorted({0, *(step.tick for step in left), scenario.period.ticks})):
        while left and left[0].tick == start:
            held.update((move.mission, severity[move.dest]) for move in left.pop(0).moves)
        for unit, told in zip(units, found, strict=True):
            told.append((max(held[mission] for mission in unit), start, end))
    return found


def reckoned(trajectory: Trajectory, process: Process, forced: set[str]) -> dict[str, Any]:
    """Give the counts of an ensemble of this trajectory alone, its row, and its firings."""
    scenario, told = trajectory.scenario, stays(trajectory)
    shape, events = (len(told), len(scenario.ladder.statuses)), len(scenario.events)
    counts = np.zeros((*shape, process.days), np.int64)
    first, last = np.zeros((*shape, process.days + 1), np.int64), np.zeros((*shape, process.days + 1), np.int64)
    time, peak, came, went = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, -1), np.full(shape, -1)
    for u, unit in enumerate(told):
        peak[u, max(status for status, _, _ in unit)] = 1
        for s, start, end in unit:
            counts[u, s, -(-(start - DAY + 1) // DAY) : (end - 1 - DAY + 1) // DAY + 1] = 1  # days whose last tick lies in the stay
            time[u, s] += end - start
            went[u, s] = end
            came[u, s] = start if came[u, s] < 0 else came[u, s]
        for s in {status for status, _, _ in unit}:
            first[u, s, came[u, s] // DAY] = last[u, s, went[u, s] // DAY] = 1
    fates, firings = np.zeros((len(FATES), events), np.int64), np.zeros(events, np.int64)
    when, happened = np.full(events, -1), np.zeros(events, np.int64)
    for event, fate in fates_of(trajectory, forced).items():
        fates[FATES.index(fate), scenario.order[event]] = 1
    for step in trajectory.steps:
        e = scenario.order[step.event]
        firings[e] += 1
        if not step.moot:
            when[e] = step.tick if happened[e] == 0 else when[e]
            happened[e] += 1
    armings = sum(note.stage in ("armed", "refused") for note in trajectory.notes)
    sums = {"counts": counts, "first": first, "last": last, "time": time, "peak": peak, "fates": fates, "firings": firings}
    rows = {"row first": came, "row last": went, "row time": time, "row when": when, "row happened": happened}
    fired = [(step.tick, scenario.order[step.event], step.moot) for step in trajectory.steps]
    return {**sums, "total": [1, len(fired), armings], **rows, "log": fired}


def counted(out: Any, process: Process) -> dict[str, Any]:
    """Give the kernel's output in the same terms."""
    shape = (process.n_missions + process.n_pairs, process.n_statuses, -1)
    told = {"counts": np.cumsum(out.occupancy.reshape(*shape[:2], process.days + 1), axis=2)[:, :, : process.days]}
    told |= {name: getattr(out, name).reshape(*shape[:2], process.days + 1) for name in ("first", "last")}
    told |= {name: getattr(out, name).reshape(shape[:2]).astype(np.int64) for name in ("time", "peak")}
    return told | {"fates": out.fate.reshape(len(FATES), -1), "firings": out.fired, "total": out.total[:3], "decisions": out.total[3]}


# The comparison


class Counted(Addressed):
    """Addressed draws that count the choices put, but for those that an intervention settles."""

    decisions = 0

    def option(self, *of: Any) -> str:
        self.decisions += 1
        return super().option(*of)


def stepped(scenario: Scenario, draws: Counted, intervention: Intervention | None) -> Trajectory | None:
    """Run one trajectory on the stepper; None if it is refused for its 10,000 firings."""
    try:
        return run(scenario, draws, intervention)
    except escsim.ScenarioError as error:
        if LIMIT not in str(error):
            raise
        return None


def compiled(process: Process, seed: int, first: int, n: int) -> tuple[list[list[tuple[int, int, bool]]], Any] | int:
    """Give firings and rows by the kernel, or the number of a trajectory for whose 10,000 firings it refuses."""
    try:
        return log(process, seed, first, n, size=5000), ensembles._rows(process, seed, first, n)
    except ensembles._RunawayError as error:
        return error.trajectory


def compare(scenario: Scenario, intervention: Intervention | None, first: int, picks: list[int], seed: int = SEED) -> Counter[str]:
    """Hold kernel and stepper against each other on some trajectories of a batch from `first` on; give what was seen.

    Of long trajectories, for which the stepper takes its time, only the first is compared.
    """
    process, seen = compile_scenario(scenario, intervention), Counter[str]()
    forced = set((intervention.force if intervention else None) or ())
    batch = compiled(process, seed, first, BATCH)
    if isinstance(batch, int):
        assert stepped(scenario, Counted(scenario, process, seed, batch), intervention) is None
        with pytest.raises(ensembles._RunawayError):
            ensembles._run(process, seed, batch, 1)
        seen.update(["runaway", "long"])
    for pick in picks:
        number, at = first + pick, 0 if isinstance(batch, int) else pick
        mine = compiled(process, seed, number, 1) if isinstance(batch, int) else batch
        firings = 10_000 if isinstance(mine, int) else len(mine[0][at])
        if firings > LONG and seen["long"]:
            continue
        seen["long"] += firings > LONG
        draws = Counted(scenario, process, seed, number)
        trajectory = stepped(scenario, draws, intervention)
        assert (trajectory is None) == isinstance(mine, int)
        if trajectory is None or isinstance(mine, int):
            seen["runaway"] += 1
            continue
        found = counted(ensembles._run(process, seed, number, 1), process)
        found |= {f"row {name}": getattr(mine[1], name)[at] for name in mine[1]._fields}
        found |= {"log": mine[0][at]}
        settled = intervention is not None and intervention.choose is not None
        expected = reckoned(trajectory, process, forced) | ({} if settled else {"decisions": draws.decisions})
        for name, value in expected.items():
            if not np.array_equal(value, found[name]):
                raise AssertionError(f"trajectory {number} of seed {seed}: {name} by the stepper {value}, by the kernel {found[name]}")
        seen += noticed(trajectory, process, forced)
    return seen


def noticed(trajectory: Trajectory, process: Process, forced: set[str]) -> Counter[str]:
    """Tell what came about in a trajectory."""
    ticks, seen = [step.tick for step in trajectory.steps], Counter[str]()
    fates = fates_of(trajectory, forced)
    seen.update(["trajectory", *fates.values()], never_called=len(process.key) - len(fates))
    seen["ties"] += len(ticks) - len(set(ticks))
    seen["happened in a semi-Markov process"] += bool(process.depth and trajectory.steps)
    seen["entered anew"] += any(move.source == move.dest for step in trajectory.steps for move in step.moves)
    seen["moved in passing"] += any(a.tick == b.tick and a.moves and b.moves for a, b in pairwise(trajectory.steps))
    armed, last = Counter[str](), dict[str, str]()
    for note in trajectory.notes:
        seen[f"{last.get(note.event, 'idle')}, then {note.stage}"] += 1
        last[note.event] = note.stage
        armed[note.event] += note.stage in ("armed", "refused")
    seen["armed again"] += sum(count > 1 for count in armed.values())
    return seen


def features(scenario: Scenario, intervention: Intervention | None) -> Counter[str]:
    """Tell which features of the form a scenario has, and how it is compiled."""
    process, ladder = compile_scenario(scenario, intervention), scenario.ladder
    seen = Counter[str]({f"{process.depth} in a status": 1, f"{process.n_words} words": 1})
    seen["more than 64 units"] += process.n_missions + process.n_pairs > 64
    seen["no mission"] += not process.n_missions
    seen["start"] += bool(scenario.start)
    for kind in ("remove", "move", "force", "choose", "set") if intervention else ():
        seen[kind] += bool(getattr(intervention, kind))
    seen["chance in a semi-Markov process"] += bool(process.depth and np.any(process.chance < 2**32))
    seen["no table in a semi-Markov process"] += bool(process.depth and np.any(process.law))
    seen["certain"] += bool(np.any((process.law == 0) & (process.scale == 0) & (process.chance == 2**32)))
    seen["option forced"] += bool(intervention and set(intervention.force or ()) & set(scenario.choice_of))
    for e, event in enumerate(scenario.events):
        triggers = [action for action in event.action if action in ladder.triggers]
        seen.update(f"moves {ladder.side(trigger)}" for trigger in triggers)
        seen["several triggers"] += len(triggers) > 1
        seen["no trigger"] += not triggers
        seen["gate over two missions"] += len(scenario.gate(event)) > 1
        seen["unless"] += bool(event.unless)
        seen["barred by itself in time"] += bool(event.unless and event.repeats)
        seen["standing hazard"] += event.repeats and event.follows is None
        seen["repeats"] += event.repeats and event.follows is not None
        chance = 1.0 if event.probability is None else event.probability
        seen["probability 0" if not chance else "probability 1" if chance == 1 else "probability between"] += 1
        assert event.id in (intervention.set if intervention and intervention.set else ()) or process.chance[e] == threshold(chance)
        seen["option with a delay of its own"] += event.id in scenario.choice_of and event.delay is not None
        if event.delay:
            name, law = event.delay.one()
            seen[f"{name} {law.interpolation}" if name == "empirical" else name] += 1  # type: ignore[union-attr]
            seen["no delay"] += str(law) == "0 seconds"
        elif event.date:
            law_of_gaps = scenario.variants.spread.one()[0]
            seen["gap of zero" if process.law[e] == 0 and not process.scale[e] and not process.base[e] else f"spread {law_of_gaps}"] += 1
        if event.date:
            text = str(event.date)
            seen["date " + ("about" if "about" in text else "to" if "to" in text else "month" if len(text) == 7 else "exact")] += 1
            seen["date spread by rule"] += bool(
                process.law[e] == 0 and process.scale[e] and event.date.first != event.date.last and not event.follows
            )
    for choice in scenario.choices.values():
        seen["choice with nothing" if "nothing" in choice.options else "choice without nothing"] += 1
        seen["repeating choice" if choice.repeats else "choice put once"] += 1
        seen["choice at the start"] += choice.follows is None
        seen["joint choice"] += bool(choice.follows and choice.follows.all)
        seen["share of 0"] += 0 in choice.options.values()
    calls: list[tuple[str, Follows]] = [(event.id, event.follows) for event in scenario.events if event.follows]
    seen["joint"] += sum(follows.all is not None for _, follows in calls)
    seen["joint over several"] += sum(len(follows.all or ()) > 1 for _, follows in calls)
    seen["link back"] += sum(scenario.order[cause] >= scenario.order[name] for name, follows in calls for cause in follows.causes)
    words = [(scenario.order[name] // 64, scenario.order[cause] // 64) for name, follows in calls for cause in follows.causes]
    seen["link between words"] += sum(one != other for one, other in words)
    return seen


EVERY = [  # what has to be among the generated scenarios and their trajectories
    *("fixed", "exponential", "weibull", "lognormal", "gamma", "uniform", "triangular", "empirical step", "empirical linear", "no delay"),
    *("spread none", "spread exponential", "spread weibull", "spread lognormal", "spread gamma", "gap of zero"),
    *("date exact", "date about", "date to", "date month", "date spread by rule"),
    *("probability 0", "probability 1", "probability between"),
    *("choice with nothing", "choice without nothing", "repeating choice", "choice put once", "choice at the start", "joint choice", "share of 0"),
    *("joint", "joint over several", "link back", "unless", "gate over two missions", "standing hazard", "repeats"),
    *("moves own", "moves theirs", "moves both", "several triggers", "no trigger", "no mission", "start", "more than 64 units"),
    *("remove", "move", "force", "choose", "set", "option forced", "option with a delay of its own", "barred by itself in time"),
    *(*(f"{depth} in a status" for depth in range(5)), "happened in a semi-Markov process", "certain", "1 words"),
    *("chance in a semi-Markov process", "no table in a semi-Markov process"),
    *(*FATES, "never_called", "runaway", "ties", "entered anew", "moved in passing", "armed again"),
    *("refused, then called", "refused, then shut", "armed, then shut", "armed, then barred", "refused, then barred", "called, then barred"),
    *("shut, then barred", "shut, then armed", "shut, then refused", "called, then refused", "barred, then ignored", "idle, then ignored"),
]
WORDS = ("2 words", "3 words", "4 words", "link between words")  # and among those with more than 64 events


# Generated scenarios


def generated(number: int) -> Data:
    """Give scenario `number`, of the kind whose turn it is.

    The first thousand have at most 64 events, so that the fast tests compile the kernel once.
    """
    pick, turn = Pick(random.Random(number).randrange), number // 50
    sizes = [size for size in SIZES if size <= 64 or number >= 1000]
    if number % 50 == 0:
        return strategies.wide(pick, sizes[turn % len(sizes)])
    return KINDS["endless" if number % 50 == 1 else ("hazards", "hazards", "told", "told", "told", "free", "free", "free")[number % 8]](pick)


def differential(data: Data, seed: int, first: int, picks: list[int]) -> Counter[str]:
    scenario, seen = strategies.load(data), Counter[str]()
    for intervention in (None, scenario.what_if["w"]):
        seen += features(scenario, intervention) + compare(scenario, intervention, first, picks, seed)
    return seen


def many(numbers: range) -> Counter[str]:
    """Compare generated scenarios, with other seeds and trajectories each time; give what was seen."""
    seen = Counter[str]()
    for number in numbers:
        chance = random.Random(f"{number} draws")
        seed = chance.choice([SEED, 0, 2**64 - 1, chance.randrange(2**64)])
        first = chance.choice([0, 2**32 - BATCH, 2**32, chance.randrange(2**64) & ~0xFF])
        try:
            seen += differential(generated(number), seed, first, [0, chance.randrange(1, 64), BATCH - 1])
        except Exception as error:
            error.add_note(f"generated scenario {number}")
            raise
    return seen


def missing(seen: Counter[str], *more: str) -> list[str]:
    return [feature for feature in (*EVERY, *more) if not seen[feature]]


def test_kernel_and_stepper_agree_on_generated_scenarios_of_every_feature() -> None:
    """Any difference between the two in a firing, a reason why not, or a day; and a feature that comes to bear in none of them."""
    seen = many(range(150))
    assert seen["trajectory"] > 750
    assert missing(seen) == []


@pytest.mark.slow
def test_kernel_and_stepper_agree_on_many_more_generated_scenarios() -> None:
    assert missing(many(range(1150, 1351)), *WORDS) == []


@QUICK
@given(strategy(anything), st.integers(0, 2**64 - 1), st.integers(0, 2**56 - 1), st.integers(0, BATCH - 1))
def test_kernel_and_stepper_agree_on_scenarios_that_hypothesis_draws(data: Data, seed: int, block: int, pick: int) -> None:
    """The same, and what is found shrinks to a small case."""
    differential(data, seed, block << 8, [pick])


@pytest.mark.parametrize("name", NAMED)
def test_kernel_and_stepper_agree_on_shipped_scenarios_with_every_what_if(name: str) -> None:
    scenario = escsim.load(name)
    compare(scenario, None, 0, list(range(0, BATCH, 3)))
    for intervention in scenario.what_if.values():
        compare(scenario, intervention, 0, list(range(0, BATCH, 9)))


RULES = """\
title: What is called, moot, shut and refused again and again
actors: {AAA: Alpha, BBB: Beta}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-20}
events:
  - {id: recall, actor: AAA, target: BBB, action: recall_envoy, repeats: true, delay: {exponential: {mean: 3 days}}}
  - {id: back, actor: AAA, target: BBB, action: return_envoy, follows: recall, repeats: true, delay: {exponential: {mean: 2 days}}}
  - {id: again, actor: AAA, target: BBB, action: recall_envoy, delay: {exponential: {mean: 4 days}}}
  - {id: answer, actor: BBB, target: AAA, action: recall_envoy, follows: again, delay: {exponential: {mean: 2 days}}}
  - {id: visit, actor: BBB, action: phone_call, while: {AAA->BBB: [normal, restored]}, probability: 0.5, delay: 3 days}
"""


def test_kernel_and_stepper_agree_where_every_rule_counts_in_few_events() -> None:
    """Quick enough to be interpreted, too: planted faults are looked for so."""
    seen = compare(strategies.load(RULES), None, 0, [0, 1, 2, 69])
    assert all(seen[each] for each in ("moot", "armed, then shut", "shut, then armed", "called, then refused", "refused, then shut")), seen


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**32, 2**64 - 1])
@pytest.mark.parametrize("first", [2**32 - BATCH, 2**32, 2**40 + 5, 2**64 - BATCH])
def test_numbers_of_more_than_32_bits_agree(seed: int, first: int) -> None:
    """A counter or a key cut to 32 bits, or taken for a signed number."""
    compare(escsim.load("iran-pakistan-2024"), None, first, [0, BATCH - 1], seed)


# Without end


STANDING = """\
title: Again and again
actors: {AAA: Alpha, BBB: Beta}
ladder: {machine: {states: [low, high], initial: low, transitions: [[go, low, high], [go_back, high, low]]}}
period: {from: 2024-01-01, to: 2024-01-10}
events:
  - {id: again, actor: AAA, target: BBB, action: go, repeats: true, delay: DELAY}
  - {id: back, actor: AAA, target: BBB, action: go_back, repeats: true, delay: DELAY}
MORE
"""


@pytest.mark.parametrize("more", ["", "  - {id: late, actor: AAA, action: protest, date: 2024-01-10 23:59}\n"], ids=["semi-Markov", "not"])
def test_ten_thousand_firings_are_one_too_many(more: str) -> None:
    """A limit that is off by one, or that the kernel's shorter way does not know."""
    text = STANDING.replace("MORE\n", more)
    scenario = strategies.load(text.replace("DELAY", "86.41 seconds" if more else "86.4 seconds"))
    assert compile_scenario(scenario).depth == (not more)
    assert len(log(compile_scenario(scenario), SEED, 0, 2, size=10)[1]) == 9_999
    assert int(simulate(scenario, 2, seed=SEED, threads=1).firings.sum()) == 2 * 9_999
    assert compare(scenario, None, 0, [1])["trajectory"]
    scenario = strategies.load(text.replace("DELAY", "86.4 seconds" if more else "86.395 seconds"))
    with pytest.raises(ensembles._RunawayError):
        log(compile_scenario(scenario), SEED, 0, 1)
    with pytest.raises(escsim.ScenarioError) as error:
        simulate(scenario, 100, seed=SEED, threads=1)
    last = "late" if more else "back"
    assert f"{LIMIT} in one run (seed {SEED}, trajectory " in str(error.value)
    assert f"the last: again, back, again, back, again, {last}" in str(error.value)
    assert str(error.value).startswith(str(scenario.event_place(last)))


# Other ways to run it


def named(name: str) -> Scenario:
    return strategies.load(generated(int(name))) if name.isdigit() else escsim.load(name)


def fingerprint(scenario: Scenario, n: int, threads: int | None = None) -> str:
    """Give a hash of everything that an ensemble counts."""
    ensemble = simulate(scenario, n, seed=SEED, threads=threads)
    total = hashlib.sha256(digest(ensemble.process).encode())
    for name in FIELDS:
        total.update(repr((name, np.asarray(getattr(ensemble, name)).tolist())).encode())
    return total.hexdigest()


PRINTED = "import sys; from tests.test_kernel import fingerprint, named\nfor name in sys.argv[2:]: print(fingerprint(named(name), int(sys.argv[1])))"
ABROAD = ["iran-pakistan-2024", str(BENCHMARKS / "w2.yaml"), "126"]  # dated, semi-Markov, and generated


def abroad(n: int, env: dict[str, str], command: list[str] | None = None, timeout: int = 300) -> list[str]:
    """Print fingerprints in another process."""
    command = [*(command or [sys.executable]), "-c", PRINTED, str(n), *ABROAD]
    done = subprocess.run(command, env=environment(**env), cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_interpreted_it_gives_the_same() -> None:
    """What numba makes other than Python does: signs, overflows, shifts."""
    assert abroad(3, {"NUMBA_DISABLE_JIT": "1"}) == [fingerprint(named(name), 3) for name in ABROAD]


@pytest.mark.slow
def test_interpreted_it_gives_the_same_where_lanes_are_used_again() -> None:
    assert abroad(BATCH, {"NUMBA_DISABLE_JIT": "1"}) == [fingerprint(named(name), BATCH) for name in ABROAD]


@pytest.mark.slow
def test_with_bounds_checked_it_gives_the_same(tmp_path: Path) -> None:
    """A reading or writing outside an array."""
    env = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    assert abroad(200, env) == [fingerprint(named(name), 200) for name in ABROAD]


@pytest.mark.slow
@pytest.mark.skipif("ESCSIM_PYTHONS" not in os.environ, reason="names no other interpreters, apart by colons, with escsim's packages and the tests'")
def test_other_pythons_give_the_same(tmp_path: Path) -> None:
    """What depends on the version of Python, NumPy or numba."""
    for command in os.environ["ESCSIM_PYTHONS"].split(":"):
        assert abroad(1000, {"NUMBA_CACHE_DIR": str(tmp_path)}, [command]) == [fingerprint(named(name), 1000) for name in ABROAD]


# What is compiled is kept


def test_without_a_place_for_the_cache_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only install with a home that cannot be written."""
    from numba.core import caching

    from escsim import kernel

    monkeypatch.setattr(caching.FunctionCache, "_impl_class", type("Nowhere", (caching.CompileResultCacheImpl,), {"_locator_classes": []}))
    assert kernel._cached(lambda x: x + 1)(1) == 2


SAID = "import escsim; e = escsim.load('iraq-iran-2024').simulate(50, seed=7); print(e.armings, int(e.counts.sum()), escsim.__file__)"
DROP = """
import ctypes, os, sys
for ability in (1, 2):  # to write and to read what its mode forbids
    assert os.geteuid() or not ctypes.CDLL(None).prctl(24, ability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""


def said_by(package: Path, env: dict[str, str]) -> list[str]:
    """Simulate in another process with a copy of the package, as one whom the modes of files bind."""
    env = environment(**{"PYTHONPATH": str(package.parent), **env})
    done = subprocess.run([sys.executable, "-c", DROP, SAID], env=env, cwd="/", capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    assert said[-1] == str(package / "__init__.py")
    return said[:-1]


def expected_of(scenario: str = "iraq-iran-2024") -> list[str]:
    ensemble = escsim.load(scenario).simulate(50, seed=7)
    return [str(ensemble.armings), str(int(ensemble.counts.sum()))]


def copied(folder: Path, *, warm: bool) -> Path:
    """Copy the package, with what is compiled or without."""
    package = folder / "installed" / "escsim"
    shutil.copytree(ROOT / "escsim", package, ignore=None if warm else shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scenarios", package.parent / "scenarios")
    return package


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="modes do not bind root here")
def test_where_nothing_can_be_written_it_runs_all_the_same(tmp_path: Path) -> None:
    package = copied(tmp_path, warm=False)
    (tmp_path / "home").mkdir()
    folders = [tmp_path / "home", package.parent, *(path for path in package.parent.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        env = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache"), "NUMBA_CACHE_DIR": ""}
        assert said_by(package, env) == expected_of()
        assert not list(tmp_path.rglob("*.nbi"))
    finally:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["nbc"])
def test_a_damaged_file_of_the_cache_does_not_break_a_run(ending: str, tmp_path: Path) -> None:
    """A disk that was full, or a machine that stopped, while the compiled kernel was being written."""
    package = copied(tmp_path, warm=True)
    expected = expected_of()
    assert said_by(package, {"NUMBA_CACHE_DIR": ""}) == expected
    files = list(package.rglob(f"*.{ending}"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    assert said_by(package, {"NUMBA_CACHE_DIR": ""}) == expected


if __name__ == "__main__":
    start = int(sys.argv[2])
    found = many(range(start, start + int(sys.argv[1])))
    print(f"{sys.argv[1]} scenarios from {start} on agree; {found['trajectory']} trajectories compared")
    print(dict(found.most_common()))
    print("never seen:", missing(found, *WORDS))

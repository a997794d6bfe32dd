"""The kit for authors: what it tries are runs, it finds what is broken, and what it tells can be replayed."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import unittest
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import escsim
from escsim import stepper
from escsim.delays import Delay
from escsim.draws import Addressed
from escsim.errors import ScenarioError
from escsim.explore import explore
from escsim.findings import Facts
from escsim.ladder import Ladder, faults
from escsim.process import compile_scenario
from escsim.replay import violations
from escsim.rules import bits
from escsim.scenario import Intervention
from escsim.testing import Broken, View, delays, interventions, ladders, scenario_machine, scenarios, trajectories
from escsim.testing.course import Course
from escsim.trajectory import Trajectory
from escsim.witness import as_file
from tests import strategies
from tests.conftest import Told
from tests.strategies import Pick

Run = Callable[..., Told]
ODD = Path(__file__).parent / "odd" / "return_forgets_one.yaml"
NAMES = ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016"]


class Coins:
    """Chance without Hypothesis."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def comes_about(self, event: str) -> bool:
        return self.random.random() < 0.7

    def option_of(self, choice: str, options: list[str]) -> str:
        return self.random.choice(options)


def course(scenario: escsim.Scenario, seed: int, steps: int = 40, unit: int = 1) -> Course:
    """Run a scenario, what fires next chosen by a plain random generator."""
    chance = Coins(seed)
    made = Course(scenario, compile_scenario(scenario), chance)
    made.begin()
    for _ in range(steps):
        windows = {window.event: range(-(-window.low // unit) * unit, window.high + 1, unit) for window in made.next()}
        if not (windows := {event: ticks for event, ticks in windows.items() if ticks}):
            break
        event = chance.random.choice([*windows])
        made.fire(event, chance.random.choice([windows[event][0], windows[event][-1], windows[event][len(windows[event]) // 2]]))
    return made


# Courses are runs


@pytest.mark.parametrize("number", range(60))
def test_a_course_is_a_run_of_the_stepper_with_clocks_within_their_delays(number: int) -> None:
    kind = (strategies.free, strategies.told, strategies.hazards)[number % 3]
    scenario = strategies.load(kind(Pick(random.Random(f"course {number}").randrange)))
    process = compile_scenario(scenario)
    made = course(scenario, number)
    run = made.trajectory()  # raises if it does not come out the same
    assert [step.done for step in run.steps][: len(made.run.steps)] == [step.done for step in made.run.steps]
    space = explore(scenario, 3000)
    facts = Facts(space)
    quiet = {e for group in space.groups for e in bits(group.quiet)}
    for step in run.steps:
        e = scenario.order[step.event]
        if int(process.law[e]) != 4:
            assert space.delays[e][0] <= step.tick - step.armed <= space.delays[e][1]
        if space.whole and e not in quiet:  # exploration, which knows all orders that the clocks allow, knows this one
            assert facts.fired[e][0] <= step.tick <= facts.fired[e][1]


def test_events_that_can_be_next_are_those_that_no_other_has_to_precede(scenario: Callable[..., escsim.Scenario]) -> None:
    text = """\
title: Three clocks
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-31}
events:
  - {id: early, actor: AAA, target: BBB, action: strike, delay: {uniform: {low: 1 day, high: 4 days}}}
  - {id: wide, actor: AAA, target: BBB, action: strike, delay: {uniform: {low: 2 days, high: 20 days}}}
  - {id: late, actor: AAA, target: BBB, action: strike, delay: 3 days}
"""
    made = course(scenario(text=text), 1, steps=0)
    days = [(window.event, window.low / strategies.DAY, window.high / strategies.DAY) for window in made.next()]
    assert [(event, round(low, 6), round(high, 6)) for event, low, high in days] == [("early", 1, 3), ("wide", 2, 3), ("late", 3, 3)]
    made.fire("late", 3 * strategies.DAY)  # so that the two before it in the file are due later
    assert [(window.event, window.low) for window in made.next()] == [("early", 3 * strategies.DAY + 1), ("wide", 3 * strategies.DAY + 1)]


# What is found


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    return Path(shutil.copy(ODD, tmp_path))


def test_a_return_that_forgets_one_is_found_and_shrunk_to_a_file_that_replays(odd: Path) -> None:
    with pytest.raises(Broken, match=r"the `never` line 22 of return_forgets_one\.yaml does not hold: BBB->AAA 'normal'") as told:
        scenario_machine(odd).run(seed=1)
    broken = told.value
    assert [step.event for step in broken.trajectory.steps] == ["strike", "quarrel", "peace"]
    assert str(broken).endswith(f"it can be replayed and drawn.\n{broken.file}")
    found = odd.with_name("found.yaml")
    found.write_text(broken.file, "utf-8")
    replayed = escsim.load(found).replay()
    assert [step.done for step in replayed.steps] == [step.done for step in broken.trajectory.steps]
    assert len(violations(replayed)) == 1


def replayed(path: Path) -> tuple[Trajectory | None, str]:
    """Replay a file, or give what is said against it."""
    try:
        return escsim.load(path).replay(), ""
    except ScenarioError as error:
        return None, str(error)


def test_the_file_of_a_run_replays_it(tmp_path: Path) -> None:
    """Whatever run of whatever scenario: a gap that is lost, a decision that history cannot take, an event that came to nothing."""
    same = repeated = 0
    for number in range(120):
        kind = (strategies.free, strategies.told)[number % 2]
        (tmp_path / "base.yaml").write_text(json.dumps(kind(Pick(random.Random(f"file {number}").randrange))), "utf-8")
        made = course(escsim.load(tmp_path / "base.yaml"), number, random.Random(number).randrange(1, 8), unit=strategies.HOUR)
        run = made.trajectory()
        (tmp_path / "found.yaml").write_text(as_file(run, "base.yaml", made.now, "A run", "Of no account."), "utf-8")
        again, why = replayed(tmp_path / "found.yaml")
        if not made.rests() or "is shared" in why:  # which a replay does not let pass
            continue
        assert again is not None, why
        same += 1
        known = run.scenario.event
        done = [(step.tick, step.event if step.event in known else step.event.rpartition("_")[0], step.moot, step.moves) for step in again.steps]
        assert done == [step.done for step in run.steps if not step.moot], number
        repeated += len(again.scenario.events) > len(known)
    assert same > 60
    assert repeated > 5


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_scenarios_pass(name: str) -> None:
    machine = scenario_machine(name)
    machine.run(examples=60, seed=5)
    assert machine.coverage.examples >= 60
    assert machine.coverage.share("statuses") > 0.5


def test_what_the_kit_says_passes_unittest_and_fails_there() -> None:
    for tested, failures in ((NAMES[1], 0), (ODD, 1)):
        case = scenario_machine(tested).TestCase
        assert issubclass(case, unittest.TestCase)
        case.settings = type(case.settings)(case.settings, max_examples=60, database=None, derandomize=True)
        found = unittest.TestResult()
        case("runTest").run(found)
        assert (len(found.failures), found.errors) == (failures, [])


def test_a_subclass_has_a_test_case_of_its_own() -> None:
    machine = scenario_machine(ODD)
    assert machine.TestCase is machine.TestCase
    assert type("Sub", (machine,), {}).TestCase is not machine.TestCase


def test_invariants_are_called_when_time_passes_with_where_the_run_stands() -> None:
    seen: list[View] = []
    machine = scenario_machine("iraq-iran-2024", invariants=[seen.append])
    machine.run(examples=10, steps=10, seed=2)
    assert {*seen[0].statuses} == {*machine.scenario.missions}
    assert any(view.happened for view in seen)
    assert all(machine.scenario.period.start <= view.moment < machine.scenario.period.end for view in seen)
    pair = "IRQ-IRN"
    assert all(view.status(pair) in machine.scenario.ladder.statuses for view in seen)
    with pytest.raises(KeyError, match=r"no mission or pair is called 'IRQ->IRM': did you mean 'IRQ->IRN'\?"):
        seen[0].status("IRQ->IRM")
    with pytest.raises(TypeError):
        seen[0].statuses["IRQ->IRN"] = "severed"  # type: ignore[index]


def calm(view: View) -> bool:
    return view.status("any") == view.scenario.ladder.initial


def angry(view: View) -> None:
    if len(view.happened) > 1:
        raise ValueError(f"{len(view.happened)} events")


def test_an_invariant_fails_by_false_or_an_exception(odd: Path) -> None:
    with pytest.raises(Broken, match=r"the invariant 'calm' does not hold: .*AAA->BBB is 'recalled'"):
        scenario_machine(odd, invariants=[calm]).run(seed=3)
    with pytest.raises(Broken, match=r"the invariant 'angry' does not hold: ValueError: 2 events") as told:
        scenario_machine(odd, invariants=[angry]).run(seed=3)
    assert isinstance(told.value.__cause__, ValueError)


def test_a_shared_status_that_one_mission_only_comes_to_is_found(odd: Path) -> None:
    text = odd.read_text("utf-8").replace("{break_off: both}\n", "{break_off: own}\n  shared: [recalled]\n")
    odd.write_text(text[: text.index("never:")], "utf-8")
    with pytest.raises(Broken, match=r"`shared: \[recalled\]` does not hold: BBB->AAA is 'recalled' and AAA->BBB 'normal'"):
        scenario_machine(odd).run(seed=4)


def test_a_run_in_which_an_event_happens_twice_is_told_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(
        """\
title: Worse and worse
actors: {AAA: Aland, BBB: Bland}
ladder:
  machine:
    states: [good, bad, worst]
    initial: good
    transitions: [[worsen, good, bad], [worsen, bad, worst]]
period: {from: 2024-01-01, to: 2024-01-31}
events:
  - {id: quarrel, actor: AAA, target: BBB, action: worsen, repeats: true, delay: 2 days}
never:
  - {AAA->BBB: worst}
""",
        "utf-8",
    )
    with pytest.raises(Broken) as told:
        scenario_machine(path).run(seed=1)
    assert [step.event for step in told.value.trajectory.steps] == ["quarrel", "quarrel"]
    found = tmp_path / "found.yaml"
    found.write_text(told.value.file, "utf-8")
    again = escsim.load(found).replay()
    assert [(step.event, step.tick) for step in again.steps] == [("quarrel", 2 * strategies.DAY), ("quarrel_2", 4 * strategies.DAY)]
    assert len(violations(again)) == 1


# What is tried


def test_the_same_seed_tries_the_same_runs() -> None:
    def tried(seed: int) -> list[tuple[object, ...]]:
        seen: list[tuple[object, ...]] = []
        watch: Callable[[View], None] = lambda view: seen.append((view.moment, view.happened))  # noqa: E731
        scenario_machine("iraq-iran-2024", invariants=[watch]).run(examples=20, steps=10, seed=seed)
        return seen

    assert tried(1) == tried(1) != tried(2)


def test_coverage_names_what_never_came(odd: Path) -> None:
    odd.write_text(odd.read_text("utf-8").replace("probability: 0.5, delay: {exponential: {mean: 3 days}}", "delay: 40 days"), "utf-8")
    machine = scenario_machine(odd)
    machine.run(examples=20, seed=1)
    assert machine.report().splitlines()[1:] == [
        "statuses     2 of 4",
        "  never: BBB->AAA recalled, AAA->BBB recalled",
        "transitions  0 of 2",
        "  never: break_off from normal, make_up from recalled",
        "events       1 of 3",
        "  never: quarrel, peace",
    ]
    assert machine.coverage.to_dict()["events"]["examples"] == {"strike": machine.coverage.examples, "quarrel": 0, "peace": 0}


def test_a_floor_that_is_not_reached_fails() -> None:
    machine = scenario_machine("saudi-iran-2016", floor={"statuses": 0.1, "transitions": 1})
    with pytest.raises(
        AssertionError, match=r"runs of saudi-iran-2016 are below the floor: transitions: .* where 100.0% is wanted; never: sever_rel"
    ):
        machine.run(examples=5, steps=5, seed=1)
    with pytest.raises(ValueError, match="no floor can be set for 'status': did you mean 'statuses'"):
        scenario_machine("saudi-iran-2016", floor={"status": 0.5})
    with pytest.raises(ValueError, match="from 0 to 1, not 90"):
        scenario_machine("saudi-iran-2016", floor={"events": 90})


def test_a_file_that_is_wrong_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("title: Nothing\n", "utf-8")
    with pytest.raises(ScenarioError):
        scenario_machine(path)


# The command


def test_the_command_tells_what_the_runs_came_to(escsim: Run) -> None:
    told = escsim("test", "iraq-iran-2024", "--examples", 20, "--steps", 10, "--seed", 3)
    assert (told.code, told.err) == (0, "")
    assert "iraq-iran-2024.yaml, seed 3: " in told.out
    assert "statuses " in told.out
    assert escsim("test", "iraq-iran-2024", "--examples", 20, "--steps", 10, "--seed", 3) == told
    assert "seed " in escsim("test", "iraq-iran-2024", "--examples", 2, "--steps", 2).out


def test_the_command_prints_and_writes_the_run_that_fails(escsim: Run, odd: Path) -> None:
    told = escsim("test", odd.name, "--seed", 1)
    assert told.code == 1
    assert "extends: return_forgets_one.yaml\n" in told.out
    assert told.err.startswith("the `never` line 22 of return_forgets_one.yaml does not hold: ")
    told = escsim("test", odd.name, "--seed", 1, "-o", "found.yaml")
    assert (told.code, "extends" in told.out) == (1, False)
    assert "next: escsim replay found.yaml" in told.err
    assert escsim("replay", "found.yaml").code == 0
    data = json.loads(escsim("test", odd.name, "--seed", 1, "--json").out)
    assert (data["ok"], data["seed"], data["failure"]["scenario"]) == (False, 1, odd.with_name("found.yaml").read_text("utf-8"))


def test_the_command_says_what_is_wrong_with_it(escsim: Run, odd: Path) -> None:
    told = escsim("test", "iraq-iran-2024", "--examples", 3, "--steps", 3, "--floor", "events=1")
    assert (told.code, "below the floor: events" in told.err) == (1, True)
    for floor in ("events", "events=much", "status=0.5", "events=2"):
        told = escsim("test", odd.name, "--floor", floor)
        assert (told.code, "--floor" in told.err) == (2, True)
    assert "so it has to lie beside it" in escsim("test", "iraq-iran-2024", "-o", "here.yaml").err


def test_without_hypothesis_it_is_said_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import escsim.cli; sys.argv = ['escsim', 'test', 'iraq-iran-2024']; escsim.cli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 2
    assert "escsim.testing needs Hypothesis: pip install 'escsim[testing]'" in done.stderr


def test_escsim_and_its_help_do_without_hypothesis(tmp_path: Path) -> None:
    code = "import sys, escsim.cli; escsim.load; assert not {'hypothesis', 'numpy'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60, check=True)


# Strategies


@settings(max_examples=40)
@given(st.data())
def test_generated_scenarios_replay_and_have_valid_what_ifs_and_runs(data: st.DataObject) -> None:
    made = data.draw(scenarios())
    made.replay()
    change = data.draw(interventions(made))
    with suppress(ScenarioError):  # 10,000 firings
        stepper.run(made, Addressed(made, compile_scenario(made, change), 1, 0), change)
    run = data.draw(trajectories(made, 10))
    assert all(0 <= step.tick < made.period.ticks for step in run.steps)


@given(ladders())
def test_generated_ladders_are_sound(ladder: Ladder) -> None:
    assert [*faults(ladder)] == []


@given(delays())
def test_generated_delays_can_be_used(delay: Delay) -> None:
    assert Delay.model_validate(delay.model_dump(exclude_none=True, mode="json")) == delay


def test_strategies_shrink_to_what_is_small() -> None:
    small = find(scenarios(), lambda _: True)
    assert (len(small.events), small.choices) == (1, {})
    assert len(find(ladders(), lambda _: True).statuses) == 3
    assert find(delays(), lambda _: True) == Delay.model_validate("0 days")
    assert find(interventions(small), lambda _: True).stated == {"remove": (small.events[0].id,)}
    assert find(trajectories(escsim.load(ODD)), lambda run: len(run.steps) > 1).scenario.name == ODD.stem


@pytest.mark.parametrize("name", NAMES)
def test_what_ifs_and_runs_of_shipped_scenarios(name: str) -> None:
    made = escsim.load(name)

    @settings(max_examples=20, deadline=None)
    @given(interventions(made), trajectories(made, 15))
    def valid(change: Intervention, run: Trajectory) -> None:
        assert change.stated
        assert run.scenario is made

    valid()

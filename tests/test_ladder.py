"""Ladders: the machines that `transitions` makes of them against plain dicts, and what the shipped ones promise."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from transitions import Machine, MachineError

from escsim import ladder as ladders
from escsim.actions import shipped as vocabulary
from escsim.errors import ScenarioError
from escsim.ladder import SHIPPED, Ladder, load_shipped, shipped
from escsim.library import shipped as scenarios
from escsim.reading import read
from tests.strategies import Data, ladder, load, statuses_of, strategy, ways_of

QUICK = settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
PAIR = ["AAA->BBB", "BBB->AAA"]
NAMES = shipped()


def raw(name: str) -> Data:
    """A shipped ladder as its file has it."""
    data: Data = read(SHIPPED / f"{name}.yaml").root.plain()
    return {"moves": {}, **data}


def ready(data: Data) -> Ladder:
    """A ladder from data, through the reader and all checks."""
    event = {"id": "e", "actor": "AAA", "target": "BBB", "action": "strike", "delay": "1 day"}
    period = {"from": "2024-01-01", "to": "2024-01-02"}
    return load({"title": "T", "actors": {"AAA": "A", "BBB": "B"}, "ladder": data, "period": period, "events": [event]}).ladder


LADDERS = st.one_of(st.sampled_from(NAMES).map(raw), strategy(ladder))


# Machines against plain dicts


class Missions(RuleBasedStateMachine):
    """The machine of a ladder with both missions of a pair, against a dict of statuses and a dict of ways."""

    @initialize(data=LADDERS, first=st.integers(0, 10), second=st.integers(0, 10))
    def build(self, data: Data, first: int, second: int) -> None:
        self.ways = ways_of(data)
        self.triggers = sorted(self.ways)
        self.statuses = statuses_of(data)
        self.model = {PAIR[0]: self.statuses[first % len(self.statuses)], PAIR[1]: self.statuses[second % len(self.statuses)]}
        self.ladder = ready(data)
        self.machine, self.real = self.ladder.build(self.model)

    @rule(mission=st.sampled_from(PAIR), number=st.integers(0, 100))
    def pull(self, mission: str, number: int) -> None:
        trigger = self.triggers[number % len(self.triggers)]
        before = self.model[mission]
        if before in self.ways[trigger]:
            assert self.real[mission].trigger(trigger) is True
            self.model[mission] = self.ways[trigger][before]
        else:
            with pytest.raises(MachineError):
                self.real[mission].trigger(trigger)

    @rule(mission=st.sampled_from(PAIR), number=st.integers(0, 100))
    def pull_by_name(self, mission: str, number: int) -> None:
        admitted = [trigger for trigger in self.triggers if self.model[mission] in self.ways[trigger]]
        assert sorted(self.ladder.admitted(self.model[mission])) == admitted
        if admitted:
            trigger = admitted[number % len(admitted)]
            getattr(self.real[mission], trigger)()
            self.model[mission] = self.ways[trigger][self.model[mission]]

    @rule(mission=st.sampled_from(PAIR), name=st.sampled_from(["to_normal", "to_s0", "to", "no_such_trigger", "s0"]))
    def pull_what_is_not_there(self, mission: str, name: str) -> None:
        with pytest.raises((AttributeError, MachineError)):
            self.real[mission].trigger(name)
        assert not self.real[mission].may_trigger(name)

    @invariant()
    def same_statuses(self) -> None:
        if hasattr(self, "real"):
            assert {mission: model.state for mission, model in self.real.items()} == self.model

    @invariant()
    def same_possibilities(self) -> None:
        for mission, model in getattr(self, "real", {}).items():
            for trigger, ways in self.ways.items():
                assert model.may_trigger(trigger) == (self.model[mission] in ways)


TestMissions = Missions.TestCase
TestMissions.settings = settings(QUICK, max_examples=60, stateful_step_count=30)


@QUICK
@given(LADDERS)
def test_triggers_say_what_the_file_says(data: Data) -> None:
    made = ready(data)
    assert made.triggers == ways_of(data)
    assert list(made.statuses) == statuses_of(data)
    assert made.initial == data["machine"]["initial"]
    assert [made.severity[status] for status in made.statuses] == list(range(len(made.statuses)))
    assert {trigger: made.side(trigger) for trigger in made.triggers} == {trigger: data["moves"].get(trigger, "own") for trigger in made.triggers}


@QUICK
@given(LADDERS)
def test_groups_stand_for_their_statuses(data: Data) -> None:
    made = ready(data)
    for group, members in data.get("groups", {}).items():
        assert made.resolve([group]) == set(members)
        assert made.resolve([group, made.initial]) == {*members, made.initial}


@QUICK
@given(LADDERS)
def test_statuses_of_one_rung_are_drawn_at_one_height_and_heights_rise_with_severity(data: Data) -> None:
    made = ready(data)
    rung_of = {status: number for number, rung in enumerate(data.get("rungs", [])) for status in rung}
    assert made.heights[made.statuses[0]] == 0
    for mild, severe in itertools.pairwise(made.statuses):
        together = mild in rung_of and rung_of[mild] == rung_of.get(severe)
        assert made.heights[severe] - made.heights[mild] == (0 if together else 1)


# What `transitions` takes


def behaviour(machine: dict[str, Any]) -> dict[tuple[str, str], str]:
    """What a machine made by `transitions` from these very arguments does: for every status and trigger."""
    built = Machine(model=None, auto_transitions=False, **copy.deepcopy(machine))  # it writes into what it is given
    found = {}
    for status, trigger in itertools.product(built.states, built.events):
        model = type("Model", (), {})()
        built.add_model(model, initial=status)
        if model.may_trigger(trigger):
            assert model.trigger(trigger)
            found[status, trigger] = model.state
        built.remove_model(model)
    return found


def expected(data: Data) -> dict[tuple[str, str], str]:
    return {(status, trigger): dest for trigger, ways in ways_of(data).items() for status, dest in ways.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_machine_section_of_a_shipped_ladder_is_what_transitions_takes(name: str) -> None:
    assert behaviour(raw(name)["machine"]) == behaviour(load_shipped(name).config()) == expected(raw(name))


@QUICK
@given(strategy(ladder))
def test_the_machine_section_of_a_file_is_what_transitions_takes(data: Data) -> None:
    assert behaviour(data["machine"]) == behaviour(ready(data).config()) == expected(data)


@pytest.mark.parametrize("name", scenarios())
def test_the_machine_section_of_a_shipped_scenario_is_what_transitions_takes(name: str) -> None:
    written = read(scenarios()[name]).root.plain().get("ladder", "simple")
    data = raw(written) if isinstance(written, str) else written
    assert behaviour(data["machine"]) == expected(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_made_with_transitions_defaults_starts_in_the_initial_status(name: str) -> None:
    assert Machine(**load_shipped(name).config()).state == load_shipped(name).initial  # type: ignore[attr-defined]


@QUICK
@given(LADDERS)
def test_there_are_no_automatic_transitions(data: Data) -> None:
    made = ready(data)
    machine, models = made.build({"AAA->BBB": made.initial})
    assert set(machine.events) == set(made.triggers)
    model = models["AAA->BBB"]
    assert not any(hasattr(model, f"to_{status}") for status in made.statuses)
    assert not hasattr(model, "to")


def test_missions_do_not_share_their_status() -> None:
    _, models = load_shipped("simple").build(dict.fromkeys(PAIR, "normal"))
    models[PAIR[0]].trigger("recall_envoy")
    assert [models[mission].state for mission in PAIR] == ["envoys_recalled", "normal"]


# The shipped ladders


def reached(ladder: Ladder, start: str) -> set[str]:
    found, new = {start}, {start}
    while new:
        new = {ways[status] for status in new for ways in ladder.triggers.values() if status in ways} - found
        found |= new
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_status_of_a_shipped_ladder_can_be_reached(name: str) -> None:
    ladder = load_shipped(name)
    assert reached(ladder, ladder.initial) == set(ladder.statuses)


@pytest.mark.parametrize("name", NAMES)
def test_every_status_of_a_shipped_ladder_has_a_way_out_or_is_final(name: str) -> None:
    ladder = load_shipped(name)
    final = {state.name for state in ladder.machine.states if not isinstance(state, str) and state.final}
    assert {status for status in ladder.statuses if not ladder.admitted(status)} == final


@pytest.mark.parametrize("name", NAMES)
def test_every_status_and_trigger_of_a_shipped_ladder_has_a_meaning_and_nothing_else_has(name: str) -> None:
    ladder = load_shipped(name)
    assert set(ladder.meanings) == {*ladder.statuses, *ladder.triggers}
    assert all(said.endswith(".") and "\n" not in said for said in ladder.meanings.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_trigger_of_a_shipped_ladder_leaves_every_status_it_enters(name: str) -> None:
    # No trigger of the shipped ladders re-enters a status: saying the same thing twice would count as something new.
    assert all(status != dest for ways in load_shipped(name).triggers.values() for status, dest in ways.items())


@pytest.mark.parametrize("name", NAMES)
def test_no_sequence_of_triggers_leaves_a_shared_status_to_one_mission_only(name: str) -> None:
    ladder = load_shipped(name)
    assert ladder.shared
    seen = {(ladder.initial, ladder.initial)}
    todo = list(seen)
    for own, theirs in todo:  # grows while it is walked
        for trigger, ways in ladder.triggers.items():
            for actor in (0, 1):
                held = [own, theirs]
                for mission in {"own": [actor], "theirs": [1 - actor], "both": [0, 1]}[ladder.side(trigger)]:
                    held[mission] = ways.get(held[mission], held[mission])
                pair = (held[0], held[1])
                assert all((pair[0] == status) == (pair[1] == status) for status in ladder.shared), (
                    f"{own}, {theirs}: {trigger} by {actor} gives {pair}"
                )
                if pair not in seen:
                    seen.add(pair)
                    todo.append(pair)
    assert len(seen) > len(ladder.statuses)


def test_the_triggers_of_the_shipped_ladders_and_no_other_actions_move_missions() -> None:
    triggers = {trigger for name in NAMES for trigger in load_shipped(name).triggers}
    words_too = {"announce_return"}  # of `simple`, which has no status for a return that is still to come
    assert {name for name, action in vocabulary().items() if action.moves_missions} == triggers - words_too


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_ladder_is_sound_and_written_as_the_model_dumps_it(name: str) -> None:
    ladder = load_shipped(name)
    assert list(ladders.faults(ladder)) == []
    assert Ladder.model_validate(ladder.model_dump(by_alias=True)) == ladder


# Faults of ladders


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ({"initial": "c"}, "unknown status 'c'"),
        ({"states": ["a", "b", "a"]}, "status 'a' is listed twice"),
        ({"states": ["a", "b", "to_b"]}, "a status may not be called 'to_b'"),
        ({"states": ["a", "b", "c"]}, "no transition names the status 'c'"),
        ({"transitions": [["go", "a", "b"], ["go", "a", "a"]]}, "two transitions for trigger 'go' from status 'a'"),
        ({"transitions": [["go", "a", "b"], ["go", "*", "a"]]}, "two transitions for trigger 'go' from status 'a'"),
        ({"transitions": [["go", "a", "c"]]}, "unknown status 'c'"),
        ({"transitions": [["go", "c", "b"]]}, "unknown status 'c'"),
        ({"transitions": [["trigger", "a", "b"]]}, "a trigger may not be called 'trigger'"),
        ({"transitions": [["is_a", "a", "b"]]}, "a trigger may not be called 'is_a'"),
        ({"transitions": [["b", "a", "b"]]}, "a trigger may not be called 'b'"),
    ],
)
def test_what_transitions_would_accept_and_go_wrong_with_is_a_fault(machine: Data, message: str) -> None:
    form = Ladder.model_validate({"machine": {"states": ["a", "b"], "initial": "a", "transitions": [["go", "a", "b"]], **machine}})
    assert any(message in said for said in (fault.message for fault in ladders.faults(form)))


@pytest.mark.parametrize("name", ["conditions", "unless", "before", "after", "prepare"])
def test_a_machine_section_may_hold_no_callbacks(name: str) -> None:
    way = {"trigger": "go", "source": "a", "dest": "b", name: "os.getcwd"}
    with pytest.raises(ScenarioError, match=f"unknown key '{name}'\\n.*no callbacks"):
        ready({"machine": {"states": ["a", "b"], "initial": "a", "transitions": [way]}})

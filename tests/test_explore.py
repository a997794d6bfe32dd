"""All that a scenario can do: whatever a run does is found, and what is said never to happen never does."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from itertools import combinations

import pytest

import escsim
from escsim.draws import Addressed
from escsim.errors import ScenarioError
from escsim.explore import Space, explore
from escsim.findings import Facts, findings, together
from escsim.library import validate
from escsim.reading import parse
from escsim.rules import bits
from escsim.scenario import Scenario
from escsim.stepper import run
from escsim.trajectory import Trajectory
from tests import strategies
from tests.strategies import DAY, Pick

NAMES = ["iran-pakistan-2024", "saudi-iran-2016", "iraq-iran-2024"]
KINDS = (strategies.free, strategies.told, strategies.hazards)


def runs(space: Space, many: int, seed: int = 7) -> list[Trajectory]:
    """Run some variants, as far as they come to an end."""
    found = []
    for i in range(many):
        with suppress(ScenarioError):  # 10,000 firings
            found.append(run(space.scenario, Addressed(space.scenario, space.process, seed, i)))
    return found


def missed(space: Space, facts: Facts, trajectory: Trajectory) -> list[str]:
    """Tell what a run does that was not found."""
    scenario, found = space.scenario, list[str]()
    severity = scenario.ladder.severity
    for step in trajectory.steps:
        e, event = scenario.order[step.event], scenario.event[step.event]
        low, high = facts.fired.get(e, (1, 0))
        if not low <= step.tick <= high:
            found.append(f"{step.event} fires at {step.tick}, not from {low} to {high}")
        addressed = scenario.addressed(event)
        for move in step.moves:
            numbers = [number for number, each in enumerate(addressed) if each == (move.trigger, move.mission)]
            if not any((e, number) in facts.moved for number in numbers):
                found.append(f"{step.event} moves {move}")
        for mission in {move.mission for move in step.moves}:  # before and after the whole firing
            before, after = (severity[trajectory.status_at(mission, tick)] for tick in (step.tick - 1, step.tick))
            number = scenario.missions.index(mission)
            if (number, after) not in facts.held and sum(each.tick == step.tick for each in trajectory.steps) == 1:
                found.append(f"{mission} comes to {after}")
            if before != after and sum(each.tick == step.tick for each in trajectory.steps) == 1 and (number, before) not in facts.left:
                found.append(f"{mission} leaves {before}")
    return found


def contradicted(space: Space, said: str, trajectory: Trajectory) -> list[str]:
    """Tell what a run does of which it is said that no run does it, or that it never matters."""
    scenario, found, stage = space.scenario, list[str](), dict[str, str]()
    found += [f"{step.event} happens" for step in trajectory.steps if f"{step.event!r} can never happen" in said]
    found += [f"{step.event} is not moot" for step in trajectory.steps if f"{step.event!r} is always moot" in said and not step.moot]
    held = dict(scenario.initial)
    for step in trajectory.steps:  # a firing that leads through a status does not leave it
        before_it = dict(held)
        held |= {move.mission: move.dest for move in step.moves}
        left = [mission for mission in held if held[mission] != before_it[mission]]
        found += [f"{mission} leaves {before_it[mission]}" for mission in left if f"no run leaves {before_it[mission]!r} for {mission} again" in said]
    for note in trajectory.notes:
        before, stage[note.event] = stage.get(note.event), note.stage
        e = scenario.order.get(note.event)
        armed = any(each.event == note.event and each.tick == note.tick and each.stage in ("armed", "refused") for each in trajectory.notes)
        shut = note.stage == "shut" or (note.stage == "called" and not armed)
        if e is not None and scenario.events[e].while_ and shut and f"`while` of {note.event!r}" in said:
            found.append(f"the gate of {note.event} is shut at {note.tick}")
        # what chance has refused waits for nothing
        barred = note.stage == "ignored" or (note.stage == "barred" and before != "refused")
        if barred and f"`unless: {note.by}` of {note.event!r}" in said:
            found.append(f"{note.event} is barred by {note.by} at {note.tick}")
    return found


def said(space: Space) -> str:
    return "\n".join(each.message for each in findings(space))


@pytest.mark.parametrize("name", NAMES[1:])
def test_whatever_a_variant_does_is_found(name: str) -> None:
    space = explore(escsim.load(name))
    assert space.whole
    facts = Facts(space)
    assert [told for each in runs(space, 200) for told in missed(space, facts, each)] == []


def generated(number: int) -> Scenario:
    return strategies.load(KINDS[number % 3](Pick(random.Random(f"explored {number}").randrange)))


@pytest.mark.parametrize("numbers", [range(60), pytest.param(range(60, 180), marks=pytest.mark.slow)])
def test_whatever_a_run_of_a_generated_scenario_does_is_found(numbers: range) -> None:
    """A rule that is not that of the stepper, an order that the clocks allow and that was left out, a group that leaves out what bears on it."""
    seen = Counter[str]()
    for number in numbers:
        space = explore(generated(number), 3000)
        seen[f"whole {space.whole}"] += 1
        if not space.whole:
            continue
        facts = Facts(space)
        told, tried = said(space), runs(space, 12, number)
        found = [each for run in tried for each in (*missed(space, facts, run), *contradicted(space, told, run))]
        assert found == [], f"generated scenario {number}"
        seen["quiet"] += any(group.quiet for group in space.groups)
        seen["never"] += len(facts.fired) < len(space.scenario.events)
    assert seen["whole True"] > 0.6 * len(numbers), seen
    assert min(seen["quiet"], seen["never"]) > 0.05 * len(numbers), seen


@pytest.mark.parametrize("numbers", [range(60), pytest.param(range(60, 180), marks=pytest.mark.slow)])
def test_what_is_said_of_a_part_holds_for_the_whole(numbers: range) -> None:
    """That something never happens, because the states in which it does were not looked at."""
    bounded = claims = 0
    for number in numbers:
        space = explore(generated(number), 12)
        told = said(space)
        bounded += not space.whole
        claims += not space.whole and "never" in told
        assert [each for run in runs(space, 12, number) for each in contradicted(space, told, run)] == [], f"generated scenario {number}"
    assert bounded > 0.15 * len(numbers)
    assert claims > 0


@pytest.mark.parametrize("numbers", [range(40), pytest.param(range(40, 200), marks=pytest.mark.slow)])
def test_a_line_that_some_variant_breaks_is_found_broken(numbers: range) -> None:
    """Of two missions at once, after any number of events, with others between that bear on nothing."""
    seen = Counter[str]()
    for number in numbers:
        whole = explore(generated(number), 2000)
        missions = list(whole.scenario.missions[:2])
        for trajectory in runs(whole, 3, number)[:3] if whole.whole and missions else ():
            ticks = sorted({0, *(step.tick for step in trajectory.steps)})
            line = {mission: (trajectory.status_at(mission, ticks[len(ticks) // 2]),) for mission in missions}
            asked = whole.scenario.model_copy(update={"never": (line,)})
            (kind,) = {each.kind for each in findings(explore(asked, 4000, together(asked))) if each.kind in ("never", "unsettled")} or {"missed"}
            seen[kind] += 1
    assert seen["missed"] == 0, seen
    assert seen["unsettled"] < 0.05 * seen["never"], seen
    assert seen["never"] > len(numbers)


def test_groups_hold_all_that_bears_on_them() -> None:
    scenario = escsim.load("saudi-iran-2016")
    names = [*scenario.order]
    for group in explore(scenario).groups:
        inside = {names[e] for e in group.events}
        for event in (scenario.event[name] for name in inside):
            follows = scenario.caller(event).follows
            assert {*(follows.causes if follows else ()), *(event.unless or ())} <= inside


TIED = """\
  - {id: strike_%(x)s, actor: %(A)s, target: %(B)s, action: strike, delay: 1 day}
  - {id: recall_%(x)s, actor: %(B)s, target: %(A)s, action: recall_envoy, follows: strike_%(x)s, delay: 2 days}
  - {id: rival_recall_%(x)s, actor: %(B)s, target: %(A)s, action: recall_envoy, follows: strike_%(x)s, delay: 2 days}
  - {id: back_%(x)s, actor: %(B)s, target: %(A)s, action: return_envoy, follows: recall_%(x)s, delay: 3 days}
  - {id: rival_back_%(x)s, actor: %(B)s, target: %(A)s, action: return_envoy, follows: rival_recall_%(x)s, delay: 5 days}
"""


def test_what_is_said_of_one_story_does_not_depend_on_others_in_the_file() -> None:
    """A group judged by the rules of another, which know of no calls of its own: here all that hangs on the order."""
    stories = {x: TIED % {"x": x, "A": one, "B": other} for x, one, other in (("x", "AAA", "BBB"), ("y", "CCC", "DDD"))}
    head = "title: Ties\nactors: {AAA: A, BBB: B, CCC: C, DDD: D}\nladder: simple\nperiod: {from: 2024-01-01, to: 2024-01-31}\nevents:\n"
    told = {
        order: {(each.kind, each.message) for each in findings(explore(validate(parse(head + "".join(map(stories.get, order)), "ties"), "ties")))}
        for order in ("x", "y", "xy", "yx")
    }
    assert any(kind == "tie" for kind, _ in told["x"])
    assert told["xy"] == told["yx"] == told["x"] | told["y"]


def test_twelve_missions_do_not_multiply_the_states() -> None:
    """Six pairs that quarrel each for itself, and a summit that calls all of them back: 25 events."""
    lines = [
        "title: Six pairs",
        "actors: {AAA: A, BBB: B, CCC: C, DDD: D}",
        "ladder: simple",
        "period: {from: 2024-01-01, to: 2024-04-29}",
        "events:",
    ]
    for one, other in combinations(["AAA", "BBB", "CCC", "DDD"], 2):
        name, at_post = f"{one}_{other}".lower(), "[normal, restored]"
        lines += [
            f"  - {{id: quarrel_{name}, actor: {one}, target: {other}, action: border_clash, repeats: true, "
            f"delay: {{exponential: {{mean: 30 days}}}}, while: {{{one}->{other}: {at_post}, {other}->{one}: {at_post}}}}}",
            f"  - {{id: recall_{name}, actor: {other}, target: {one}, action: recall_envoy, follows: quarrel_{name}, repeats: true, "
            "probability: 0.5, delay: {lognormal: {median: 1 day, sigma: 0.6}}}",
            f"  - {{id: answer_{name}, actor: {one}, target: {other}, action: recall_envoy, follows: recall_{name}, repeats: true, probability: 0.4, "
            f"while: {{{one}->{other}: {at_post}}}, delay: {{gamma: {{mean: 3 days, cv: 0.5}}}}}}",
            f"  - {{id: back_{name}, actor: [{one}, {other}], action: return_envoy, follows: [recall_{name}, summit], repeats: true, "
            "delay: {lognormal: {median: 20 days, sigma: 0.8}}}",
        ]
    lines.append("  - {id: summit, actor: [AAA, BBB, CCC, DDD], action: talks, repeats: true, delay: {exponential: {mean: 60 days}}}")
    space = explore(validate(parse("\n".join(lines) + "\n", "six"), "six"))
    assert (len(space.scenario.events), len(space.scenario.missions)) == (25, 12)
    assert space.whole
    assert space.states < 1000
    assert [each.kind for each in findings(space)] == ["unused"]


def test_a_bound_is_kept_and_told() -> None:
    space = explore(escsim.load("iran-pakistan-2024"), 500)
    assert not space.whole
    assert space.states < 1000


def test_what_is_left_out_of_a_state_bears_on_no_mission() -> None:
    space = explore(escsim.load("saudi-iran-2016"))
    movers = {e for e, event in enumerate(space.scenario.events) if space.scenario.addressed(event)}
    assert not {e for group in space.groups for e in bits(group.quiet)} & movers


SMALL = """\
title: Small enough to be seen through
actors: {AAA: Alpha, BBB: Beta}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-20}
events:
  - {id: EVENTS}
"""


def spans(*events: str, more: str = "") -> dict[str, tuple[float, float]]:
    """Give from which day to which each event of a small scenario can happen; those that cannot are left out."""
    said = [f"{each.replace(' ', ', actor: AAA, target: BBB, action: ', 1)}" for each in events]
    space = explore(strategies.load(SMALL.replace("EVENTS}", "}\n  - {id: ".join(said) + "}") + more))
    fired = Facts(space).fired
    return {event: (fired[e][0] / DAY, fired[e][1] / DAY) for event, e in space.scenario.order.items() if e in fired}


def test_what_chance_may_refuse_is_looked_at_both_ways() -> None:
    late = "late downgrade_relations, while: {AAA->BBB: normal}, delay: 2 days"
    assert spans("doubtful recall_envoy, probability: 0.5, delay: 1 day", late) == {"doubtful": (1, 1), "late": (2, 2)}
    assert spans("sure recall_envoy, delay: 1 day", late) == {"sure": (1, 1)}


def test_a_state_come_to_again_has_the_hull_of_both_ways() -> None:
    back = "back return_envoy, follows: [early, late], delay: 1 day"
    choice = "choices:\n  pick: {actor: AAA, question: When?, options: {early: 0.5, late: 0.5}}\n"
    found = spans("early recall_envoy, delay: 1 day", "late recall_envoy, delay: 5 days", back, more=choice)
    assert found == {"early": (1, 1), "late": (5, 5), "back": (2, 6)}


def test_of_two_events_due_together_the_first_in_the_file_goes_first() -> None:
    assert spans("one recall_envoy, unless: other, delay: 1 day", "other downgrade_relations, unless: one, delay: 1 day") == {"one": (1, 1)}

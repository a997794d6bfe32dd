"""The rules of a run, one small scenario each; every scenario is also given to the naive interpreter."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest

from escsim import stepper
from escsim.errors import ScenarioError
from escsim.replay import violations
from escsim.scenario import Choice, Event, Intervention, Scenario
from escsim.times import Span
from escsim.trajectory import Trajectory
from tests import naive
from tests.strategies import DAY, HOUR, Data, load

LADDER = {
    "machine": {
        "states": ["fine", "cool", "cold", "broken"],
        "initial": "fine",
        "transitions": [
            {"trigger": "chill", "source": "fine", "dest": "cool"},
            {"trigger": "chill", "source": "cool", "dest": "cold"},
            {"trigger": "thaw", "source": ["cool", "cold"], "dest": "fine"},
            {"trigger": "shun", "source": ["fine", "cool"], "dest": "cold"},
            {"trigger": "renew", "source": "fine", "dest": "="},
            {"trigger": "sever", "source": ["fine", "cool", "cold"], "dest": "broken"},
        ],
    },
    "moves": {"shun": "theirs", "sever": "both"},
    "groups": {"low": ["cool", "cold"]},
}


def event(name: str, action: Any = "strike", **more: Any) -> Data:
    """An event of AAA on BBB; an undated one gets a delay of a day, `date` counts days of the period from 0."""
    day = more.pop("date", None)
    if day is None:
        more.setdefault("delay", "1 day")
    else:
        more["date"] = f"2024-01-{1 + int(day):02}" + (f" {round(day % 1 * 24):02}:00" if day % 1 else "")
    gate = {"while": more.pop("gate")} if "gate" in more else {}
    return {"id": name, "actor": "AAA", "target": "BBB", "action": action, **gate, **more}


def story(*events: Data, **more: Any) -> Scenario:
    return load(
        {
            "title": "A test",
            "actors": {"AAA": "A", "BBB": "B", "CCC": "C", "DDD": "D", "crowd": "A crowd"},
            "ladder": LADDER,
            "period": {"from": "2024-01-01", "to": "2024-01-20"},
            "events": list(events),
            **more,
        },
        "story",
    )


def choice(follows: Any, options: list[str], **more: Any) -> Data:
    shares = dict.fromkeys(options, 1 / len(options))
    return {"actor": "AAA", "question": "What now?", **({"follows": follows} if follows else {}), "options": shares, **more}


class Script:
    """Draws as told: for each event the days from each arming to its clock, `None` for no; the last is repeated.

    An event that is not in the script keeps its fixed delay, or takes a day. A choice takes its options in order.
    """

    said = "script"
    refusal = "The dice said no."

    def __init__(self, clocks: dict[str, Any], options: dict[str, list[str]]) -> None:
        self.clocks = {name: list(gaps) if isinstance(gaps, list | tuple) else [gaps] for name, gaps in clocks.items()}
        self.options = options
        self.asked: list[tuple[str, int, float]] = []
        self.seen: list[set[str]] = []

    def clock(self, event: Event, k: int, now: int, fired: Collection[str]) -> int | None:
        self.asked.append((event.id, k, now / DAY))
        self.seen.append(set(fired))
        if event.probability == 0:
            return None
        fixed = event.delay.fixed if event.delay else None
        gaps = self.clocks.get(event.id, [fixed.ticks / DAY if isinstance(fixed, Span) else 1])
        gap = gaps[min(k, len(gaps) - 1)]
        return None if gap is None else now + round(gap * DAY)

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Collection[str]) -> str:
        self.asked.append((name, n, now / DAY))
        self.seen.append(set(fired))
        return self.options[name][n]


class Run:
    """A run by the stepper, told in short; made only if the naive interpreter agrees with all of it."""

    def __init__(self, scenario: Scenario, clocks: dict[str, Any], options: dict[str, list[str]], what_if: Data | None) -> None:
        change = Intervention.model_validate(what_if) if what_if else None
        self.draws, other = Script(clocks, options), Script(clocks, options)
        self.trajectory: Trajectory = stepper.run(scenario, self.draws, change)
        self.result = naive.run(scenario, other, change)
        assert naive.told(self.trajectory) == self.result
        assert sorted(self.draws.asked) == sorted(other.asked)

    @property
    def steps(self) -> list[str]:
        """`1.5 strike`: day and event, with a bang if it was moot."""
        return [f"{step.tick / DAY:g} {step.event}{'!' if step.moot else ''}" for step in self.trajectory.steps]

    @property
    def moves(self) -> list[str]:
        return [f"{step.event}: {move.mission} {move.source}-{move.dest}" for step in self.trajectory.steps for move in step.moves]

    def armings(self, name: str) -> list[tuple[int, float]]:
        """The number and day of each arming of an event, or call of a choice."""
        return [(k, day) for asked, k, day in self.draws.asked if asked == name]

    def notes(self, name: str) -> list[str]:
        return [f"{note.tick / DAY:g} {note.stage} by {note.by}" for note in self.trajectory.notes if note.event == name]


def play(scenario: Scenario, clocks: dict[str, Any] | None = None, options: dict[str, list[str]] | None = None, **what_if: Any) -> Run:
    return Run(scenario, clocks or {}, options or {}, what_if)


def fate(run: Run, name: str) -> str:
    return run.trajectory.fates[name]


# Rule 3: calls


def test_an_event_without_follows_is_called_at_tick_0() -> None:
    run = play(story(event("a", date=3), event("b")), {"a": 2})
    assert run.armings("a") == run.armings("b") == [(0, 0)]
    assert run.steps == ["1 b", "2 a"]
    assert {step.caller for step in run.trajectory.steps} == {"start"}


def test_an_event_is_called_whenever_any_of_its_causes_happens() -> None:
    run = play(story(event("a", delay="2 days"), event("b", delay="4 days"), event("c", follows=["a", "b"])))
    assert run.steps == ["2 a", "3 c", "4 b"]
    assert [step.caller for step in run.trajectory.steps] == ["start", "a", "start"]


def test_either_of_two_events_may_call_the_other() -> None:
    roots = [event("p", delay="1 day"), event("q", delay="9 days")]
    scenario = story(*roots, event("a", follows=["p", "b"]), event("b", follows=["q", "a"]))
    assert play(scenario).steps == ["1 p", "2 a", "3 b", "9 q"]
    assert play(scenario, {"p": 9, "q": 1}).steps == ["1 q", "2 b", "3 a", "9 p"]


def test_an_event_with_all_is_called_by_the_last_of_its_causes() -> None:
    run = play(story(event("c", follows={"all": ["a", "b"]}), event("a", delay="4 days"), event("b", delay="2 days")))
    assert run.armings("c") == [(0, 4)]
    assert run.steps == ["2 b", "4 a", "5 c"]


def test_an_event_with_all_is_never_called_if_one_cause_does_not_happen() -> None:
    run = play(story(event("c", follows={"all": ["a", "b"]}), event("a"), event("b")), {"b": None})
    assert run.armings("c") == []
    assert "b did not happen" in fate(run, "c")


def test_a_repeating_event_with_all_is_called_again_by_each_cause_once_all_have_happened() -> None:
    scenario = story(
        event("c", follows={"all": ["a", "b"]}, repeats=True),
        event("a", follows="first", repeats=True),
        event("b", delay="2 days"),
        event("first", delay="1 day", repeats=True, gate={"AAA->BBB": "fine"}),
        start={"AAA->BBB": "fine"},
    )
    run = play(scenario, {"first": [1, 3, 3, 99], "c": 0.5})
    assert run.armings("c") == [(0, 2), (1, 5), (2, 8)]  # a happens on days 2, 5 and 8


def test_of_an_event_without_repeats_only_the_first_call_counts() -> None:
    run = play(story(event("a"), event("b", delay="5 days"), event("c", follows=["a", "b"])))
    assert run.steps == ["1 a", "2 c", "5 b"]
    assert run.armings("c") == [(0, 1)]


def test_a_refusal_uses_up_the_only_call_of_an_event_without_repeats() -> None:
    run = play(story(event("a"), event("b", delay="5 days"), event("c", follows=["a", "b"])), {"c": [None, 1]})
    assert run.armings("c") == [(0, 1)]
    assert fate(run, "c") == "The dice said no."


def test_of_an_event_with_repeats_every_call_counts() -> None:
    run = play(story(event("a"), event("b", delay="5 days"), event("c", follows=["a", "b"], repeats=True)))
    assert run.steps == ["1 a", "2 c", "5 b", "6 c"]


def test_a_refused_event_that_repeats_is_armed_again_by_a_new_call() -> None:
    run = play(story(event("a"), event("b", delay="5 days"), event("c", follows=["a", "b"], repeats=True)), {"c": [None, 2]})
    assert run.armings("c") == [(0, 1), (1, 5)]
    assert run.steps == ["1 a", "5 b", "7 c"]


def test_a_standing_hazard_is_called_again_whenever_it_has_fired() -> None:
    run = play(story(event("a", repeats=True)), {"a": [2, 3, 50]})
    assert run.steps == ["2 a", "5 a"]
    assert run.armings("a") == [(0, 0), (1, 2), (2, 5)]
    assert [step.caller for step in run.trajectory.steps] == ["start", "a"]


def test_a_standing_hazard_is_called_again_when_it_was_moot() -> None:
    run = play(story(event("a", "renew", repeats=True, gate={"AAA->BBB": ["fine", "cool"]}), event("b", "chill")), {"a": [2, 2, 50]})
    assert run.steps == ["1 b", "2 a!", "4 a!"]
    assert run.armings("a") == [(0, 0), (1, 2), (2, 4)]


def test_a_refused_standing_hazard_is_not_called_again() -> None:
    run = play(story(event("a", repeats=True)), {"a": [2, None, 1]})
    assert run.steps == ["2 a"]


def test_a_repeating_event_with_follows_does_not_call_itself() -> None:
    run = play(story(event("a"), event("b", follows="a", repeats=True)))
    assert run.steps == ["1 a", "2 b"]


def test_an_event_may_follow_itself() -> None:
    run = play(story(event("a"), event("b", follows=["a", "b"], repeats=True)), {"b": [1, 1, None]})
    assert run.steps == ["1 a", "2 b", "3 b"]


def test_the_gate_of_a_standing_hazard_for_one_mission_is_that_the_mission_admits_the_trigger() -> None:
    run = play(story(event("a", "chill", repeats=True), event("b", "thaw", delay="8 days")), {"a": 2})
    # fine-cool, cool-cold, then shut until the thaw.
    assert run.steps == ["2 a", "4 a", "8 b", "10 a", "12 a"]
    assert run.armings("a") == [(0, 0), (1, 2), (2, 8), (3, 10)]


def test_a_stated_gate_takes_the_place_of_the_implicit_one() -> None:
    run = play(story(event("a", "chill", repeats=True, gate={"AAA->BBB": ["fine", "low"]})), {"a": [2, 2, 2, 2, 50]})
    assert run.steps == ["2 a", "4 a", "6 a!", "8 a!"]


def test_a_dated_or_following_event_has_no_implicit_gate() -> None:
    run = play(story(event("a", "thaw"), event("b"), event("c", "thaw", follows="b", repeats=True)))
    assert run.steps == ["1 a!", "1 b", "2 c!"]


# Rule 4


def test_a_call_to_a_running_event_does_not_redraw_its_clock() -> None:
    run = play(story(event("a"), event("b", delay="2 days"), event("c", follows=["a", "b"], repeats=True)), {"c": [5, 0]})
    assert run.steps == ["1 a", "2 b", "6 c"]
    assert run.armings("c") == [(0, 1)]
    assert run.trajectory.steps[-1].caller == "a"


def test_a_call_to_a_waiting_event_is_ignored() -> None:
    scenario = story(event("a"), event("b", delay="2 days"), event("d", "chill", delay="4 days"))
    scenario = story(*plain(scenario), event("c", follows=["a", "b"], repeats=True, gate={"AAA->BBB": "cool"}))
    run = play(scenario)
    assert run.steps == ["1 a", "2 b", "4 d", "5 c"]
    assert run.armings("c") == [(0, 4)]
    assert run.trajectory.steps[-1].caller == "a"


def plain(scenario: Scenario) -> list[Data]:
    """The events of a scenario as data again."""
    found: list[Data] = json.loads(scenario.model_dump_json(by_alias=True, exclude_none=True))["events"]
    return found


# Rule 5: gates


def test_a_gate_holds_if_every_mission_named_is_in_one_of_its_statuses() -> None:
    gate = {"AAA->BBB": ["cool", "cold"], "BBB->AAA": "cold"}
    run = play(story(event("a", "chill"), event("b", "shun", delay="3 days"), event("c", gate=gate)))
    assert run.steps == ["1 a", "3 b", "4 c"]


def test_a_group_in_a_gate_stands_for_its_statuses() -> None:
    run = play(story(event("a", "chill"), event("c", gate={"AAA->BBB": "low"})))
    assert run.steps == ["1 a", "2 c"]


def test_an_event_whose_gate_is_shut_waits_without_a_clock() -> None:
    run = play(story(event("a", "chill", delay="3 days"), event("c", gate={"AAA->BBB": "cold"})))
    assert run.steps == ["3 a"]
    assert run.armings("c") == []
    assert fate(run, "c") == "Called, but its gate was shut: AAA->BBB was cool, not cold."


def test_a_shut_gate_takes_the_clock_and_opening_takes_the_next_number() -> None:
    scenario = story(event("a", "chill"), event("b", "thaw", delay="4 days"), event("c", gate={"AAA->BBB": "fine"}))
    run = play(scenario, {"c": [2, 3]})
    assert run.steps == ["1 a", "4 b", "7 c"]
    assert run.armings("c") == [(0, 0), (1, 4)]
    assert run.notes("c") == ["0 called by start", "0 armed by start", "1 shut by a", "4 armed by b"]


def test_a_refused_event_whose_gate_shuts_and_opens_is_armed_again() -> None:
    scenario = story(event("a", "chill"), event("b", "thaw", delay="4 days"), event("c", gate={"AAA->BBB": "fine"}))
    run = play(scenario, {"c": [None, 3]})
    assert run.steps == ["1 a", "4 b", "7 c"]
    assert run.armings("c") == [(0, 0), (1, 4)]


def test_a_refused_event_whose_gate_stays_open_is_not_armed_again() -> None:
    run = play(story(event("a", "renew"), event("c", gate={"AAA->BBB": "fine"})), {"c": [None, 1]})
    assert run.steps == ["1 a"]
    assert run.armings("c") == [(0, 0)]


def test_an_idle_event_is_not_armed_when_its_gate_opens() -> None:
    run = play(story(event("a", "chill"), event("c", follows="d", gate={"AAA->BBB": "cool"}), event("d")), {"d": None})
    assert run.armings("c") == []


def test_a_gate_is_judged_only_after_a_whole_firing() -> None:
    # a chills and thaws: seen from outside, the mission stays where it was.
    run = play(story(event("a", ["chill", "thaw"]), event("c", gate={"AAA->BBB": "fine"}), event("d", gate={"AAA->BBB": "cool"})), {"c": 3})
    assert run.steps == ["1 a", "3 c"]
    assert run.armings("c") == [(0, 0)]
    assert run.armings("d") == []


def test_a_waiting_event_is_armed_at_most_once_in_a_firing() -> None:
    run = play(story(event("a"), event("b", follows="a", repeats=True)), {"b": [None, 0]})
    assert run.steps == ["1 a"]
    assert run.armings("b") == [(0, 1)]


def test_an_event_called_while_its_gate_is_shut_by_the_same_firing_waits() -> None:
    run = play(story(event("a", "chill"), event("c", follows="a", gate={"AAA->BBB": "fine"}), event("b", "thaw", delay="3 days")))
    assert run.armings("c") == [(0, 3)]


def test_the_gate_of_a_running_event_stays_open_while_it_moves_among_its_statuses() -> None:
    scenario = story(event("a", "chill"), event("b", "chill", delay="2 days"), event("c", follows="a", gate={"AAA->BBB": "low"}))
    run = play(scenario, {"c": 4})
    assert run.armings("c") == [(0, 1)]
    assert run.steps == ["1 a", "2 b", "5 c"]


# Rule 6: arming


def test_armings_are_numbered_from_0_with_those_refused_and_those_cancelled() -> None:
    scenario = story(
        event("a", "chill"),
        event("b", "thaw", delay="2 days"),
        event("d", "chill", delay="3 days"),
        event("e", "thaw", delay="4 days"),
        event("c", gate={"AAA->BBB": "fine"}),
    )
    run = play(scenario, {"c": [5, None, 1]})
    assert run.armings("c") == [(0, 0), (1, 2), (2, 4)]
    assert run.steps[-1] == "5 c"


def test_ignored_calls_are_not_numbered() -> None:
    run = play(story(event("a"), event("b", delay="2 days"), event("d", delay="9 days"), event("c", follows=["a", "b", "d"], repeats=True)), {"c": 3})
    assert run.armings("c") == [(0, 1), (1, 9)]


def test_events_of_probability_0_are_refused() -> None:
    run = play(story(event("a", probability=0), event("b")))
    assert run.steps == ["1 b"]


def test_draws_are_told_what_has_fired_so_far_moot_or_not() -> None:
    run = play(story(event("a", "thaw"), event("b", delay="2 days"), event("c", follows="b"), event("d", follows="c")))
    assert run.steps == ["1 a!", "2 b", "3 c", "4 d"]
    assert all(isinstance(seen, set) for seen in run.draws.seen)
    assert run.draws.seen[-2:] == [{"a", "b"}, {"a", "b", "c"}]


def test_a_step_tells_by_whom_and_when_its_clock_was_set() -> None:
    scenario = story(event("a"), event("b", "chill", delay="3 days"), event("c", follows="a", gate={"AAA->BBB": "cool"}, delay="2 days"))
    run = play(scenario)
    assert [(step.event, step.caller, step.armed / DAY) for step in run.trajectory.steps] == [("a", "start", 0), ("b", "start", 0), ("c", "a", 3)]


# Rule 7: choices


def test_a_choice_calls_the_option_picked_and_no_other() -> None:
    scenario = story(event("a"), event("x"), event("y"), choices={"c": choice("a", ["x", "y", "nothing"])})
    run = play(scenario, options={"c": ["y"]})
    assert run.steps == ["1 a", "2 y"]
    assert fate(run, "x") == "Not chosen in c."
    assert run.notes("y") == ["1 chosen by c", "1 called by a", "1 armed by a"]


def test_options_are_not_called_at_tick_0() -> None:
    run = play(story(event("a"), event("x"), event("y"), choices={"c": choice("a", ["x", "y"])}), {"a": None})
    assert run.steps == []
    assert fate(run, "x") == "The decision c did not come up."


def test_nothing_calls_nothing() -> None:
    run = play(story(event("a"), event("x"), choices={"c": choice("a", ["x", "nothing"])}), options={"c": ["nothing"]})
    assert run.steps == ["1 a"]


def test_a_choice_without_follows_is_put_at_tick_0() -> None:
    run = play(story(event("a"), event("x"), choices={"c": choice(None, ["x", "nothing"])}), options={"c": ["x"]})
    assert run.armings("c") == [(0, 0)]
    assert run.steps == ["1 a", "1 x"]


def test_a_choice_with_all_is_put_by_the_last_of_its_causes() -> None:
    scenario = story(event("a"), event("b", delay="3 days"), event("x"), choices={"c": choice({"all": ["a", "b"]}, ["x", "nothing"])})
    assert play(scenario, options={"c": ["x"]}).armings("c") == [(0, 3)]


def test_of_a_choice_without_repeats_only_the_first_call_counts() -> None:
    scenario = story(event("a"), event("b", delay="5 days"), event("x"), event("y"), choices={"c": choice(["a", "b"], ["x", "y"])})
    run = play(scenario, options={"c": ["x", "y"]})
    assert run.steps == ["1 a", "2 x", "5 b"]
    assert run.armings("c") == [(0, 1)]


def test_an_option_of_a_repeating_choice_repeats_with_it() -> None:
    scenario = story(event("a"), event("b", delay="5 days"), event("x"), event("y"), choices={"c": choice(["a", "b"], ["x", "y"], repeats=True)})
    assert play(scenario, options={"c": ["x", "x"]}).steps == ["1 a", "2 x", "5 b", "6 x"]
    assert play(scenario, options={"c": ["x", "y"]}).steps == ["1 a", "2 x", "5 b", "6 y"]


def test_a_call_of_a_choice_is_ignored_and_not_counted_while_an_option_is_running() -> None:
    causes = [event("a"), event("b", delay="2 days"), event("d", delay="6 days")]
    scenario = story(*causes, event("x"), event("y"), choices={"c": choice(["a", "b", "d"], ["x", "y"], repeats=True)})
    run = play(scenario, {"x": 3}, {"c": ["x", "y"]})
    assert run.armings("c") == [(0, 1), (1, 6)]
    assert run.steps == ["1 a", "2 b", "4 x", "6 d", "7 y"]


def test_a_call_of_a_choice_is_ignored_and_not_counted_while_an_option_waits() -> None:
    causes = [event("a"), event("b", delay="2 days"), event("d", delay="6 days"), event("e", "chill", delay="3 days")]
    scenario = story(*causes, event("x", gate={"AAA->BBB": "cool"}), event("y"), choices={"c": choice(["a", "b", "d"], ["x", "y"], repeats=True)})
    run = play(scenario, options={"c": ["x", "y"]})
    assert run.armings("c") == [(0, 1), (1, 6)]
    assert run.steps == ["1 a", "2 b", "3 e", "4 x", "6 d", "7 y"]


def test_a_barred_option_leaves_its_choice_free_to_be_put_again() -> None:
    causes = [event("a"), event("b", delay="3 days"), event("bar", delay="2 days")]
    scenario = story(*causes, event("x", unless="bar"), event("y"), choices={"c": choice(["a", "b"], ["x", "y"], repeats=True)})
    run = play(scenario, {"x": 5}, {"c": ["x", "y"]})
    assert run.steps == ["1 a", "2 bar", "3 b", "4 y"]


def test_a_choice_that_picks_a_barred_option_comes_to_nothing_and_counts() -> None:
    causes = [event("bar"), event("a", delay="2 days"), event("b", delay="3 days")]
    scenario = story(*causes, event("x", unless="bar"), event("y"), choices={"c": choice(["a", "b"], ["x", "y"], repeats=True)})
    run = play(scenario, options={"c": ["x", "y"]})
    assert run.armings("c") == [(0, 2), (1, 3)]
    assert run.steps == ["1 bar", "2 a", "3 b", "4 y"]


def test_calls_of_choices_are_numbered_nothing_included() -> None:
    scenario = story(event("a"), event("b", delay="3 days"), event("x"), choices={"c": choice(["a", "b"], ["x", "nothing"], repeats=True)})
    run = play(scenario, options={"c": ["nothing", "x"]})
    assert run.armings("c") == [(0, 1), (1, 3)]
    assert run.steps == ["1 a", "3 b", "4 x"]


def test_an_option_may_call_its_own_choice_again() -> None:
    scenario = story(event("a"), event("x"), choices={"c": choice(["a", "x"], ["x", "nothing"], repeats=True)})
    assert play(scenario, options={"c": ["x", "x", "nothing"]}).steps == ["1 a", "2 x", "3 x"]


# Rule 8: unless


def test_an_event_loses_its_clock_for_good_once_what_bars_it_has_happened() -> None:
    scenario = story(event("a"), event("bar", delay="2 days"), event("d", delay="5 days"), event("c", follows=["a", "d"], repeats=True, unless="bar"))
    run = play(scenario, {"c": 3})
    assert run.steps == ["1 a", "2 bar", "5 d"]
    assert run.armings("c") == [(0, 1)]
    assert fate(run, "c") == "Barred once bar had happened."
    assert run.notes("c") == ["1 called by a", "1 armed by a", "2 barred by bar", "5 ignored by bar"]


def test_a_call_is_ignored_if_what_bars_the_event_happened_before() -> None:
    run = play(story(event("bar"), event("a", delay="2 days"), event("c", follows="a", unless="bar")))
    assert run.steps == ["1 bar", "2 a"]
    assert run.armings("c") == []
    assert fate(run, "c") == "Barred once bar had happened."


def test_any_of_several_bars_is_enough() -> None:
    run = play(story(event("bar"), event("c", delay="3 days", unless=["other", "bar"]), event("other", delay="9 days")))
    assert run.steps == ["1 bar", "9 other"]


def test_a_waiting_event_is_barred_too() -> None:
    scenario = story(event("bar"), event("c", unless="bar", gate={"AAA->BBB": "cool"}), event("a", "chill", delay="3 days"))
    assert play(scenario).steps == ["1 bar", "3 a"]


def test_a_refused_event_is_barred_too() -> None:
    scenario = story(
        event("bar"), event("c", unless="bar", gate={"AAA->BBB": "fine"}), event("a", "chill", delay="3 days"), event("d", "thaw", delay="4 days")
    )
    assert play(scenario, {"c": [None, 1]}).armings("c") == [(0, 0)]


def test_a_standing_hazard_may_be_barred_and_does_not_come_back() -> None:
    run = play(story(event("a", repeats=True, unless="bar"), event("bar", delay="5 days")), {"a": 2})
    assert run.steps == ["2 a", "4 a", "5 bar"]
    assert "a" not in run.trajectory.fates


def test_two_events_may_exclude_one_another() -> None:
    assert play(story(event("a", unless="b"), event("b", unless="a")), {"a": 3, "b": 2}).steps == ["2 b"]


# Rule 9: firing


def test_the_smallest_clock_fires_first() -> None:
    assert play(story(event("a"), event("b"), event("c")), {"a": 3, "b": 1, "c": 2}).steps == ["1 b", "2 c", "3 a"]


def test_of_equal_clocks_the_first_in_the_file_fires_first() -> None:
    assert play(story(event("b"), event("a"), event("c")), {"a": 2, "b": 2, "c": 2}).steps == ["2 b", "2 a", "2 c"]
    assert play(story(event("c"), event("a"), event("b")), {"a": 2, "b": 2, "c": 2}).steps == ["2 c", "2 a", "2 b"]


def test_the_order_of_arming_does_not_matter_among_equal_clocks() -> None:
    scenario = story(event("late", follows="a"), event("early"), event("a"))
    assert play(scenario, {"a": 1, "late": 2, "early": 3}).steps == ["1 a", "3 late", "3 early"]


def test_of_two_equal_clocks_the_first_may_bar_the_second() -> None:
    assert play(story(event("a"), event("b", unless="a"))).steps == ["1 a"]
    assert play(story(event("b", unless="a"), event("a"))).steps == ["1 b", "1 a"]


def test_of_two_equal_clocks_the_first_may_shut_the_gate_of_the_second() -> None:
    run = play(story(event("a", "chill"), event("b", gate={"AAA->BBB": "fine"})))
    assert run.steps == ["1 a"]
    assert fate(run, "b").startswith("Called, but its gate was shut")


def test_a_zero_delay_fires_at_the_same_tick() -> None:
    run = play(story(event("a"), event("b", follows="a", delay="0 days"), event("c", follows="b", delay="0 days")))
    assert run.steps == ["1 a", "1 b", "1 c"]


def test_a_zero_delay_goes_before_an_equal_clock_that_is_later_in_the_file() -> None:
    assert play(story(event("a"), event("b", follows="a", delay="0 days"), event("c"))).steps == ["1 a", "1 b", "1 c"]
    assert play(story(event("c"), event("a"), event("b", follows="a", delay="0 days"))).steps == ["1 c", "1 a", "1 b"]


def test_a_zero_delay_at_the_start_fires_at_tick_0() -> None:
    assert play(story(event("a", delay="0 days"))).steps == ["0 a"]


def test_other_clocks_keep_running_untouched() -> None:
    scenario = story(event("a", "chill"), event("b", "chill", delay="2 days"), event("c", gate={"AAA->BBB": ["fine", "low"]}))
    run = play(scenario, {"c": 7})
    assert run.steps == ["1 a", "2 b", "7 c"]
    assert run.armings("c") == [(0, 0)]


def test_an_event_moves_the_own_mission_the_other_one_or_both_as_the_ladder_says() -> None:
    run = play(story(event("a", "chill"), event("b", "shun", delay="2 days"), event("c", "sever", delay="3 days")))
    assert run.moves == [
        "a: AAA->BBB fine-cool",
        "b: BBB->AAA fine-cold",
        "c: AAA->BBB cool-broken",
        "c: BBB->AAA cold-broken",
    ]


def test_only_missions_whose_status_admits_the_trigger_move() -> None:
    run = play(story(event("a", "chill", delay="1 day"), event("b", "thaw", target=["BBB", "CCC"], delay="2 days")))
    assert run.moves == ["a: AAA->BBB fine-cool", "b: AAA->BBB cool-fine"]
    assert "AAA->CCC is fine, which does not admit thaw" in run.trajectory.steps[1].reason


def test_several_actions_are_done_one_after_the_other() -> None:
    run = play(story(event("a", ["chill", "strike", "chill", "thaw"])))
    assert run.moves == ["a: AAA->BBB fine-cool", "a: AAA->BBB cool-cold", "a: AAA->BBB cold-fine"]
    assert play(story(event("a", ["thaw", "chill"]))).moves == ["a: AAA->BBB fine-cool"]


def test_a_coalition_addresses_every_pair() -> None:
    run = play(story(event("a", "chill", actor=["AAA", "BBB"], target=["CCC", "DDD"])))
    assert [move.split()[1] for move in run.moves] == ["AAA->CCC", "AAA->DDD", "BBB->CCC", "BBB->DDD"]


def test_several_actors_without_a_target_act_on_one_another_and_each_mission_moves_once() -> None:
    acting = event("a", "sever", actor=["AAA", "BBB", "CCC"])
    del acting["target"]
    run = play(story(acting))
    missions = [move.split()[1] for move in run.moves]
    assert sorted(missions) == ["AAA->BBB", "AAA->CCC", "BBB->AAA", "BBB->CCC", "CCC->AAA", "CCC->BBB"]


def test_each_mission_of_a_set_moves_once_although_two_pairs_address_it() -> None:
    # With `both`, AAA on BBB and BBB on AAA address the same two missions; chill would go two steps otherwise.
    ladder = {**LADDER, "moves": {"chill": "both"}}
    acting = event("a", "chill", actor=["AAA", "BBB"], target=["AAA", "BBB"])
    run = play(story(acting, ladder=ladder))
    assert sorted(run.moves) == ["a: AAA->BBB fine-cool", "a: BBB->AAA fine-cool"]


def test_nobody_has_a_mission_to_itself() -> None:
    run = play(story(event("a", "chill", actor=["AAA", "BBB"], target="AAA")))
    assert run.moves == ["a: BBB->AAA fine-cool"]


def test_an_event_with_triggers_none_of_which_moves_a_mission_is_moot() -> None:
    run = play(story(event("a", ["strike", "thaw"])))
    assert run.steps == ["1 a!"]
    assert "a" in run.trajectory.fates
    assert fate(run, "a") == "It comes to nothing: AAA->BBB is fine, which does not admit thaw."


def test_an_event_one_of_whose_triggers_moves_is_not_moot() -> None:
    run = play(story(event("a", ["thaw", "chill"])))
    assert run.steps == ["1 a"]
    assert run.trajectory.fates == {}


def test_an_event_without_triggers_is_never_moot() -> None:
    assert play(story(event("a", ["strike", "protest"]))).steps == ["1 a"]


def test_a_mission_that_enters_its_status_anew_counts_as_moved() -> None:
    run = play(story(event("a", "renew"), event("b", follows="a")))
    assert run.steps == ["1 a", "2 b"]
    assert run.moves == ["a: AAA->BBB fine-fine"]


def test_a_moot_event_calls_nobody() -> None:
    scenario = story(event("a", "thaw"), event("b", follows="a"), event("x"), choices={"c": choice("a", ["x", "nothing"])})
    run = play(scenario, options={"c": ["x"]})
    assert run.steps == ["1 a!"]
    assert fate(run, "b") == "Never called: a did not happen."


def test_a_moot_event_bars_nobody() -> None:
    assert play(story(event("a", "thaw"), event("b", unless="a", delay="2 days"))).steps == ["1 a!", "2 b"]


def test_a_moot_event_does_not_count_for_all() -> None:
    scenario = story(event("a", "thaw"), event("b", delay="2 days"), event("c", follows={"all": ["a", "b"]}))
    assert play(scenario).steps == ["1 a!", "2 b"]


def test_a_moot_event_has_used_up_its_call() -> None:
    scenario = story(event("a"), event("d", "chill", delay="3 days"), event("b", delay="4 days"), event("c", "thaw", follows=["a", "b"]))
    run = play(scenario)
    assert run.steps == ["1 a", "2 c!", "3 d", "4 b"]
    assert run.armings("c") == [(0, 1)]


def test_a_repeating_event_that_was_moot_may_happen_at_a_later_call() -> None:
    scenario = story(
        event("a"), event("d", "chill", delay="3 days"), event("b", delay="4 days"), event("c", "thaw", follows=["a", "b"], repeats=True)
    )
    run = play(scenario)
    assert run.steps == ["1 a", "2 c!", "3 d", "4 b", "5 c"]
    assert "c" not in run.trajectory.fates


def test_an_event_happens_before_its_own_bars_and_calls_are_judged() -> None:
    # a both calls and bars c: the bar comes first, so the call is ignored.
    run = play(story(event("a"), event("c", follows="a", unless="a")))
    assert run.steps == ["1 a"]
    assert run.armings("c") == []
    assert fate(run, "c") == "Barred once a had happened."


def test_events_are_barred_before_choices_are_put() -> None:
    # When a happens x is running: it is barred, so the choice is open again and is put, too.
    scenario = story(
        event("b"), event("a", delay="2 days"), event("x", unless="a"), event("y"), choices={"c": choice(["b", "a"], ["x", "y"], repeats=True)}
    )
    run = play(scenario, {"x": 5}, {"c": ["x", "y"]})
    assert run.armings("c") == [(0, 1), (1, 2)]
    assert run.steps == ["1 b", "2 a", "3 y"]


def test_gates_shut_before_calls_are_made() -> None:
    # d is refused; a shuts its gate (refused to waiting), then calls it: a call to a waiting event is ignored.
    scenario = story(event("a", "chill"), event("d", follows=["b", "a"], repeats=True, gate={"AAA->BBB": "fine"}), event("b", delay="0 days"))
    run = play(scenario, {"d": [None, 1]})
    assert run.notes("d") == ["0 called by b", "0 refused by b", "1 shut by a"]


def test_gates_shut_before_choices_are_put() -> None:
    # x is refused; a shuts its gate, and a choice one of whose options waits is not put again.
    scenario = story(event("a", "chill"), event("b", delay="0 days"), event("x", gate={"AAA->BBB": "fine"}), event("y"),
                     choices={"c": choice(["b", "a"], ["x", "y"], repeats=True)})  # fmt: skip
    run = play(scenario, {"x": [None, 1]}, {"c": ["x", "y"]})
    assert run.armings("c") == [(0, 0)]
    assert run.steps == ["0 b", "1 a"]


def test_an_event_is_idle_when_its_own_firing_calls() -> None:
    scenario = story(event("a", follows=["b", "d"], repeats=True), event("b"), event("d", follows="a", delay="0 days", repeats=True))
    run = play(scenario, {"a": [1, 1, 50]})
    assert run.steps == ["1 b", "2 a", "2 d", "3 a", "3 d"]


def test_an_event_that_has_fired_is_not_shut_by_its_own_move() -> None:
    run = play(story(event("a", "chill", gate={"AAA->BBB": "fine"}), event("b", "thaw", delay="5 days")))
    assert run.steps == ["1 a", "5 b"]
    assert run.armings("a") == [(0, 0)]


# Rule 10: the end


def test_what_is_due_at_the_end_of_the_period_or_later_does_not_happen() -> None:
    last = 20 - 1e-6 / 86400
    run = play(story(event("a"), event("b"), event("c")), {"a": 20, "b": last, "c": 25})
    assert [step.event for step in run.trajectory.steps] == ["b"]
    assert run.trajectory.steps[0].tick == 20 * DAY - 1
    assert fate(run, "a") == "Still to come when the period ended (due 2024-01-21)."
    assert fate(run, "c") == "Still to come when the period ended (due 2024-01-26)."


def test_statuses_last_to_the_horizon_when_no_clock_runs() -> None:
    run = play(story(event("a", "chill")))
    days = run.trajectory.days()
    assert len(days) == 20
    assert [line["AAA->BBB"] for line in days.values()] == ["fine"] + ["cool"] * 19


@pytest.fixture
def endless() -> Scenario:
    """A standing hazard without delay, and an event before it."""
    return story(event("first", delay="0 days"), event("tick", repeats=True))


class Ticking:
    """Draws that allow every event so many firings, all at tick 0."""

    said = "seed 7, trajectory 42"
    refusal = "The dice said no."

    def __init__(self, most: int) -> None:
        self.most = most

    def clock(self, event: Event, k: int, now: int, fired: Collection[str]) -> int | None:
        return now if k < self.most else None

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Collection[str]) -> str:
        raise AssertionError


def test_10_000_firings_are_an_error_that_names_the_draws_and_the_last_events(endless: Scenario) -> None:
    with pytest.raises(ScenarioError) as error:
        stepper.run(endless, Ticking(10**9))
    assert "10,000 firings" in str(error.value)
    assert "seed 7, trajectory 42" in str(error.value)
    assert "tick, tick" in str(error.value)
    assert error.value.problems[0].place.line == endless.event_place("tick").line
    with pytest.raises(naive.EndlessError):
        naive.run(endless, Ticking(10**9))


def test_9_999_firings_are_not_an_error(endless: Scenario) -> None:
    trajectory = stepper.run(endless, Ticking(9_998))
    assert len(trajectory.steps) == 9_999
    assert naive.told(trajectory) == naive.run(endless, Ticking(9_998))


def test_the_10_000th_firing_is_an_error_even_if_it_is_the_last(endless: Scenario) -> None:
    with pytest.raises(naive.EndlessError):
        naive.run(endless, Ticking(9_999))
    with pytest.raises(ScenarioError, match="10,000 firings"):
        stepper.run(endless, Ticking(9_999))


# Rule 12: replay

CHILL = event("c", "chill", date=2)
SHARED = {**LADDER, "shared": ["cool"]}
LATE = [event("z", date=1), event("b", date=2, unless="z"), event("c", date=6)]  # b is barred, so c alone calls what follows either
MISSED = "'a' did not happen on 2024-01-05 in the replay"


def test_a_replay_puts_every_dated_event_on_its_date_and_refuses_the_others() -> None:
    scenario = story(event("a", date=2), event("b", follows="a", date=4), event("u"), event("v", follows="b"))
    trajectory = scenario.replay()
    assert [(step.tick // DAY, step.event) for step in trajectory.steps] == [(2, "a"), (4, "b")]
    assert trajectory.fates == dict.fromkeys("uv", "It might have come about, but did not.")


def test_dates_stand_at_the_middle_of_what_they_leave_open() -> None:
    dates = {"a": "2024-01-02 to 2024-01-03", "b": "about 2024-01-08", "c": "2024-01-09 06:00"}
    scenario = story(*[{**event(name), "date": when} for name, when in dates.items()])
    assert [step.tick // HOUR for step in scenario.replay().steps] == [48, 7 * 24, 8 * 24 + 6]


def test_history_takes_the_dated_option_of_a_choice_or_nothing() -> None:
    events = [event("a", date=1), event("x"), event("y", date=3)]
    assert [step.event for step in story(*events, choices={"c": choice("a", ["x", "y"])}).replay().steps] == ["a", "y"]
    scenario = story(event("a", date=1), event("x"), choices={"c": choice("a", ["x", "nothing"])})
    assert [step.event for step in scenario.replay().steps] == ["a"]


def test_a_repeating_choice_takes_its_dated_options_in_the_order_of_their_dates() -> None:
    events = [event("a", date=1), event("b", date=5), event("y", date=7), event("x", date=3)]
    scenario = story(*events, choices={"c": choice(["a", "b"], ["y", "x", "nothing"], repeats=True)})
    assert [step.event for step in scenario.replay().steps] == ["a", "x", "b", "y"]


def test_a_dated_event_happens_once_in_a_replay_although_it_repeats_and_is_called_again_on_its_date() -> None:
    scenario = story(event("a", date=2), event("b", follows=["a", "c"], repeats=True, date=2), event("c", date=2), event("h", repeats=True, date=2))
    assert [step.event for step in scenario.replay().steps] == ["a", "b", "c", "h"]


def test_a_dated_event_whose_gate_opens_before_its_date_happens_on_it() -> None:
    scenario = story(event("a", "chill", date=2), event("b", date=4, gate={"AAA->BBB": "cool"}))
    assert [step.tick // DAY for step in scenario.replay().steps] == [2, 4]


@pytest.mark.parametrize(
    ("events", "more", "message"),
    [
        ([event("a", "thaw", date=2)], {}, "'a' on 2024-01-03 moves no mission: AAA->BBB is fine, which does not admit thaw"),
        (
            [event("b", "chill", date=4), event("a", date=4, gate={"AAA->BBB": "fine"})],
            {},
            f"{MISSED}: called, but its gate was shut: AAA->BBB was cool, not fine\n",
        ),
        ([event("b", date=2), event("a", date=4, unless="b")], {}, f"{MISSED}: barred once b had happened"),
        (
            [event("b", "chill", date=6), event("a", date=4, gate={"AAA->BBB": "cool"})],
            {},
            f"{MISSED}: called, but its gate was shut until 2024-01-07\n",
        ),
        ([*LATE, event("a", date=4, follows=["b", "c"])], {}, f"{MISSED}: its date had passed when it was called, on 2024-01-07\n"),
        (
            [CHILL],
            {"observed": {"2024-01-03": {"AAA->BBB": "cold"}}},
            "observed on 2024-01-03: AAA->BBB 'cold', but in the replay AAA->BBB is 'cool'",
        ),
        ([CHILL], {"observed": {"2024-01-02": {"AAA->BBB": "cool"}}}, "but in the replay AAA->BBB is 'fine'"),
        ([CHILL], {"observed": {"2024-01-02": {"AAA->BBB": "fine"}, "2024-01-05": {"AAA->BBB": "fine"}}}, "observed on 2024-01-05"),
        ([CHILL, event("b", "shun", date=3)], {"ladder": SHARED}, "AAA->BBB is 'cool' from 2024-01-03, but BBB->AAA is 'fine'"),
        ([CHILL], {"ladder": SHARED}, "AAA->BBB is 'cool' from 2024-01-03, but BBB->AAA is 'fine'"),
    ],
)
def test_what_keeps_history_from_being_a_run_of_the_model_is_an_error(events: list[Data], more: Data, message: str) -> None:
    scenario = story(*events, **more)
    with pytest.raises(ScenarioError) as error:
        scenario.replay()
    assert message in str(error.value)


def test_observed_lines_count_what_comes_before_the_next_midnight() -> None:
    lines = {"2024-01-02": {"AAA->BBB": "cool"}, "2024-01-03": {"AAA->BBB": "cold", "AAA-BBB": "cold"}}
    scenario = story(event("a", "chill", date=1.75), event("b", "chill", date=2), event("c", "shun", date=3), observed=lines)
    assert len(scenario.replay().steps) == 3


def test_observed_and_shared_are_judged_only_when_time_passes() -> None:
    # Between a and b, both of one tick, the pair shares nothing and the mission is cool.
    scenario = story(
        event("a", "chill", date=2),
        event("b", "chill", date=2),
        event("c", "shun", date=2),
        ladder={**LADDER, "shared": ["cool", "cold"]},
        observed={"2024-01-03": {"AAA->BBB": "cold"}},
    )
    assert len(scenario.replay().steps) == 3


# Rule 14: interventions


def test_a_removed_event_fires_moot_and_all_else_runs_as_before() -> None:
    scenario = story(event("a", "chill"), event("b", follows="a"), event("c", unless="a", delay="3 days"), event("d", "chill", delay="4 days"))
    assert play(scenario).steps == ["1 a", "2 b", "4 d"]
    run = play(scenario, remove="a")
    assert run.steps == ["1 a!", "3 c", "4 d"]
    assert run.moves == ["d: AAA->BBB fine-cool"]
    assert fate(run, "a") == "Removed by the what-if, so it comes to nothing."


def test_a_removed_event_without_triggers_is_moot_too() -> None:
    assert play(story(event("a"), event("b", follows="a")), remove="a").steps == ["1 a!"]


def test_a_removed_hazard_goes_on_firing_moot() -> None:
    run = play(story(event("a", "chill", repeats=True)), {"a": [1, 2, 3, 50]}, remove="a")
    assert run.steps == ["1 a!", "3 a!", "6 a!"]


def test_a_removed_option_is_still_chosen() -> None:
    scenario = story(event("a"), event("x"), event("y"), choices={"c": choice("a", ["x", "y"])})
    assert play(scenario, options={"c": ["x"]}, remove="x").steps == ["1 a", "2 x!"]


def test_a_moved_event_happens_on_its_new_date() -> None:
    assert play(story(event("a"), event("b", date=2)), move={"b": "2024-01-11 12:00"}).steps == ["1 a", "10.5 b"]


def test_a_moved_event_happens_when_it_is_armed_if_its_date_is_past() -> None:
    scenario = story(event("a", delay="5 days"), event("b", follows="a"))
    assert play(scenario, move={"b": "2024-01-03"}).steps == ["5 a", "5 b"]


def test_a_moved_event_keeps_its_causes_gate_bars_and_chance() -> None:
    scenario = story(
        event("a"),
        event("b", follows="a"),
        event("c", unless="a"),
        event("d", gate={"AAA->BBB": "cool"}),
        event("e", "strike"),
        start={"AAA->BBB": "fine"},
    )
    dates = dict.fromkeys("bcde", "2024-01-05")
    run = play(scenario, {"a": 2, "e": None}, move=dates)
    assert run.steps == ["2 a", "4 b"]
    assert run.result.ended == {"c": "barred", "d": "waiting", "e": "refused"}


def test_a_moved_event_that_repeats_happens_at_once_when_called_after_its_date() -> None:
    scenario = story(event("a"), event("b", delay="6 days"), event("c", follows=["a", "b"], repeats=True))
    run = play(scenario, move={"c": "2024-01-05"})
    assert run.steps == ["1 a", "4 c", "6 b", "6 c"]
    assert run.armings("c") == [(0, 1), (1, 6)]


def test_a_forced_event_fires_on_its_date_whatever_its_causes_gate_bars_and_chance() -> None:
    scenario = story(
        event("a"), event("b", follows="n", unless="a", gate={"AAA->BBB": "cold"}, probability=0), event("n"), start={"AAA->BBB": "fine"}
    )
    run = play(scenario, {"n": None}, force={"b": "2024-01-05"})
    assert run.steps == ["1 a", "4 b"]
    assert run.armings("b") == []


def test_a_forced_event_keeps_its_clock_when_its_gate_shuts() -> None:
    scenario = story(event("a", "chill"), event("b", gate={"AAA->BBB": "fine"}))
    assert play(scenario, force={"b": "2024-01-05"}).steps == ["1 a", "4 b"]


def test_a_forced_event_happens_once_though_it_repeats_or_is_called() -> None:
    scenario = story(event("a", repeats=True), event("b", follows="d", repeats=True), event("d", delay="2 days"))
    run = play(scenario, force={"a": "2024-01-04", "b": "2024-01-02"})
    assert run.steps == ["1 b", "2 d", "3 a"]


def test_a_forced_event_is_moot_if_nothing_admits_it() -> None:
    run = play(story(event("a", "thaw"), event("b", follows="a")), force={"a": "2024-01-04"})
    assert run.steps == ["3 a!"]


def test_a_forced_event_calls_and_bars_as_ever() -> None:
    run = play(
        story(event("a", follows="n"), event("n"), event("b", follows="a"), event("c", unless="a", delay="9 days")),
        {"n": None},
        force={"a": "2024-01-04"},
    )
    assert run.steps == ["3 a", "4 b"]


def test_a_forced_event_breaks_ties_by_its_place_in_the_file() -> None:
    assert play(story(event("a"), event("b"), event("c")), force={"b": "2024-01-02"}).steps == ["1 a", "1 b", "1 c"]


def test_an_event_may_be_forced_at_the_first_tick() -> None:
    assert play(story(event("a", follows="b"), event("b")), force={"a": "2024-01-01"}).steps == ["0 a", "1 b"]


def test_forcing_an_option_means_that_its_choice_is_never_called() -> None:
    scenario = story(event("a"), event("x"), event("y"), choices={"c": choice("a", ["x", "y"])})
    for when, steps in (("2024-01-10", ["1 a", "9 x"]), ("2024-01-01", ["0 x", "1 a"])):
        run = play(scenario, options={"c": ["y"]}, force={"x": when})
        assert run.steps == play(scenario, force={"x": when}, choose={"c": "y"}).steps == steps
        assert run.armings("c") == []


def test_a_chosen_option_is_picked_at_every_call() -> None:
    scenario = story(event("a"), event("b", delay="5 days"), event("x"), event("y"), choices={"c": choice(["a", "b"], ["x", "y"], repeats=True)})
    assert play(scenario, options={"c": ["x", "x"]}, choose={"c": "y"}).steps == ["1 a", "2 y", "5 b", "6 y"]


def test_a_chosen_option_needs_its_choice_to_be_called() -> None:
    scenario = story(event("a"), event("x"), event("y"), choices={"c": choice("a", ["x", "y"])})
    assert play(scenario, {"a": None}, choose={"c": "y"}).steps == []


def test_nothing_may_be_chosen() -> None:
    scenario = story(event("a"), event("x"), choices={"c": choice("a", ["x", "nothing"])})
    assert play(scenario, options={"c": ["x"]}, choose={"c": "nothing"}).steps == ["1 a"]


def test_set_gives_an_event_another_probability_and_delay() -> None:
    scenario = story(event("a"), event("b", probability=0), event("c"))
    changes = {"a": {"delay": "3 days"}, "b": {"probability": 1}, "c": {"probability": 0}}
    assert play(scenario).steps == ["1 a", "1 c"]
    assert play(scenario, set=changes).steps == ["1 b", "3 a"]


def test_an_intervention_leaves_the_scenario_as_it_was() -> None:
    scenario = story(event("a"), event("b", follows="a"))
    before = scenario.hash
    play(scenario, set={"a": {"delay": "3 days"}}, remove="b")
    assert scenario.hash == before
    assert play(scenario).steps == ["1 a", "2 b"]


# Rule 15: when conditions are judged


def test_never_is_judged_when_time_passes() -> None:
    lines = [{"AAA->BBB": "cool"}, {"AAA->BBB": "low", "BBB->AAA": "fine"}]
    passing = [event("a", "chill", date=2), event("b", "chill", date=2), event("c", "shun", date=2)]
    assert violations(story(*passing, never=lines).replay()) == []
    staying = [event("a", "chill", date=2), event("b", "chill", date=2.5), event("c", "shun", date=2.5)]
    assert len(violations(story(*staying, never=lines).replay())) == 2


def test_never_is_judged_at_the_start_after_all_firings_of_the_first_tick() -> None:
    assert len(violations(story(event("a", date=2), event("u", "chill"), never=[{"AAA->BBB": "fine"}]).replay())) > 0
    assert violations(story(event("a", "chill", date=0), never=[{"AAA->BBB": "fine"}]).replay()) == []


def test_never_takes_pairs_for_the_more_severe_of_their_two_missions() -> None:
    told = [event("a", "chill", date=2), event("b", "shun", date=3)]
    assert violations(story(*told, never=[{"AAA-BBB": "fine"}, {"BBB->AAA": "cool"}]).replay()) != []  # until a
    assert violations(story(*told, never=[{"AAA-BBB": "broken"}]).replay()) == []
    (found, *_) = violations(story(*told, never=[{"AAA-BBB": "cold"}]).replay())
    assert "2024-01-04" in found.message

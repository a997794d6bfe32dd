"""What a lesson is made of: its screens in order, the reasons it gives, and what it will not teach."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import escsim
from escsim.errors import ScenarioError
from escsim.lesson import Options, lesson
from escsim.library import validate
from escsim.reading import parse
from escsim.reasons import MOST, why
from escsim.scenario import Scenario
from escsim.trajectory import Trajectory

FEW = 400  # variants: enough to make every table, too few to tell anything


@cache
def shipped(name: str) -> Scenario:
    return escsim.load(name)


@cache
def taught(name: str, minutes: int = 15, **more: Any) -> dict[str, Any]:
    return lesson(shipped(name), Options(minutes=minutes, n=FEW, **more))


def screens(name: str, minutes: int, **more: Any) -> list[str]:
    """Give the screens of a lesson, each with what it is about, and how many steps of history it knows."""
    told = taught(name, minutes, **more)["screens"]
    return [" ".join(filter(None, (each["kind"], each.get("event") or each.get("choice"), str(each["upto"])))) for each in told]


STORY = """\
title 0, begin 0, event iranian_strikes 4, decide diplomatic_answer 4, reveal diplomatic_answer 8, decide military_answer 9,
reveal military_answer 11, decide tehran_answer 11, reveal tehran_answer 13, guess 13, event agreement 17, event pakistani_return 19, number 19,
event workers_killed 22, decide answer_to_killings 22, reveal answer_to_killings 23, event visit 24, runs 24, many 24, slider 24, whatif 24,
effect 24, twins 24, limits 24, sheet 24"""
SHORT = """\
title 0, begin 0, event iranian_strikes 4, decide diplomatic_answer 4, reveal diplomatic_answer 8, guess 8, number 24, many 24, limits 24,
sheet 24"""


def test_a_quarter_of_an_hour_tells_the_story_and_plays_with_it() -> None:
    assert screens("iran-pakistan-2024", 15) == STORY.replace("\n", " ").split(", ")


def test_five_minutes_are_one_decision_the_answer_and_the_many() -> None:
    assert screens("iran-pakistan-2024", 5) == SHORT.replace("\n", " ").split(", ")


def test_the_longest_lesson_has_a_screen_for_every_event() -> None:
    for name in ("saudi-iran-2016", "iraq-iran-2024"):
        told = taught(name, 45)
        shown = {each.get("event") or each.get("option") for each in told["screens"]}
        assert {step["event"] for step in told["steps"]} <= shown
        assert {"outlook", "own"} <= {each["kind"] for each in told["screens"]}


def test_a_quiz_stands_before_the_story_and_after_the_limits() -> None:
    told = [each for each in screens("iran-pakistan-2024", 5, quiz=True) if not each.startswith(("event", "decide", "reveal"))]
    assert told[:5] == ["title 0", "quiz 0", "quiz 0", "begin 0", "guess 8"]
    assert told[5:] == ["number 24", "many 24", "limits 24", "quiz 24", "quiz 24", "tally 24", "sheet 24"]


@pytest.mark.parametrize("minutes", [5, 15, 45])
@pytest.mark.parametrize("name", ["iran-pakistan-2024", "saudi-iran-2016", "iraq-iran-2024"])
def test_no_screen_knows_less_than_the_one_before_and_no_choice_is_answered_before_it_is_put(name: str, minutes: int) -> None:
    told = taught(name, minutes)
    known = [each["upto"] for each in told["screens"]]
    assert known == sorted(known)
    assert known[-1] == len(told["steps"])
    for place, screen in enumerate(told["screens"]):
        if screen["kind"] == "reveal":
            assert told["screens"][place - 1] == {**told["screens"][place - 1], "kind": "decide", "choice": screen["choice"]}
        if screen["kind"] == "decide":
            happened = {step["event"] for step in told["steps"][: screen["upto"]]}
            assert not happened & {*told["choices"][screen["choice"]]["options"]}


def test_forecasts_stand_only_where_a_day_has_been_told_to_its_end() -> None:
    for name in ("iran-pakistan-2024", "saudi-iran-2016"):
        told = taught(name)
        mornings = [each for each in told["screens"] if "outlook" in each]
        assert mornings
        for screen in mornings:
            assert all(step["day"] < screen["outlook"] for step in told["steps"][: screen["upto"]])
            assert all(step["day"] >= screen["outlook"] for step in told["steps"][screen["upto"] :])


def test_the_guess_may_lie_anywhere_whatever_happened() -> None:
    short, long = taught("iran-pakistan-2024")["asked"], taught("saudi-iran-2016")["asked"]
    assert short["options"][:2] == [("up_to", {"span": 3}), ("up_to_more", {"span": 7, "least": 3})]
    assert short["options"][2:] == [("up_to_more", {"span": 30, "least": 7}), ("longer", {"span": 30})]
    assert [values["span"] for _, values in long["options"]] == [365, 1095, 1825, 1825]
    assert (short["history"], short["came"], long["history"], long["came"]) == (9.0, 2, 2623.0, 3)


def test_the_slider_is_the_number_that_moves_the_outcome_most_unless_one_is_named() -> None:
    assert taught("iran-pakistan-2024")["slider"]["name"] == "diplomatic_answer.recall"
    named = taught("iran-pakistan-2024", slider="call_2.probability")["slider"]
    assert (named["name"], named["stops"][0]["value"], named["stops"][-1]["value"], named["stops"][named["start"]]["value"]) == (
        "call_2.probability",
        "0.7",
        "0.97",
        "0.9",
    )


# What it says


@pytest.fixture(scope="module")
def history() -> Trajectory:
    return shipped("iran-pakistan-2024").replay()


def place(run: Trajectory, event: str) -> int:
    return next(place for place, step in enumerate(run.steps) if step.event == event)


def test_a_strike_moves_nothing_and_the_reason_is_the_rule_that_is_missing(history: Trajectory) -> None:
    assert why(history, place(history, "iranian_strikes"))[:3] == [
        ("unled", {}),
        ("nothing", {"actions": ["strike"]}),
        ("lacking", {"mission": "IRN->PAK", "status": "normal", "actions": ["downgrade_relations", "recall_envoy", "bar_envoy", "sever_relations"]}),
    ]


def test_a_recall_names_its_cause_the_choice_the_gate_and_the_rule(history: Trajectory) -> None:
    assert why(history, place(history, "recall"))[:4] == [
        ("led", {"by": "iranian_strikes", "day": "2024-01-16"}),
        ("chosen", {"choice": "diplomatic_answer", "share": 0.65}),
        ("gate", {"mission": "PAK->IRN", "status": "normal", "statuses": ["normal"]}),
        ("move", {"action": "recall_envoy", "mission": "PAK->IRN", "from": "normal", "to": "envoys_recalled"}),
    ]


def test_a_gate_is_compared_with_what_it_met_at_that_step_of_the_day(history: Trajectory) -> None:
    """The ambassador of Iran is back after that of Pakistan, on the same day: his gate saw Pakistan's mission restored."""
    gates = [values for key, values in why(history, place(history, "iranian_return")) if key == "gate"]
    assert gates == [
        {"mission": "IRN->PAK", "status": "envoys_recalled", "statuses": ["envoys_recalled"]},
        {"mission": "PAK->IRN", "status": "restored", "statuses": ["normal", "restored", "downgraded"]},
    ]


def test_what_was_open_and_never_came_is_told_and_nothing_that_history_has_still_to_come(history: Trajectory) -> None:
    dated = {event.id for event in history.scenario.events if event.date}
    for number in range(len(history.steps)):
        told = {values["event"] for key, values in why(history, number) if key in ("open", "open_chance")}
        assert not told & dated
    assert ("open_chance", {"event": "talks_fail", "share": 0.15}) in why(history, place(history, "call_2"))


def test_a_variant_says_what_chance_said_and_how_long_it_took() -> None:
    run = shipped("iran-pakistan-2024").simulate(5, seed=7).trajectory(3)
    keys = [key for number in range(len(run.steps)) for key, _ in why(run, number)]
    assert {"chance", "took"} <= {*keys}
    assert not {"open", "open_chance"} & {*keys}, "what is open in a variant may still come"


def test_a_what_if_is_the_reason_where_it_removes_or_forces() -> None:
    scenario = shipped("iran-pakistan-2024")
    removed = scenario.simulate(40, seed=7, intervention="no_retaliation")
    run = next(run for run in map(removed.trajectory, range(40)) if any(step.event == "pakistani_strikes" for step in run.steps))
    assert why(run, place(run, "pakistani_strikes"))[-1] == ("removed", {})
    forced = scenario.simulate(1, seed=7, intervention="early_call").trajectory(0)
    assert why(forced, place(forced, "call_2"))[0] == ("forced", {})


def test_a_trigger_that_its_mission_does_not_admit_is_told_with_the_statuses_that_would() -> None:
    run = shipped("saudi-iran-2016").replay()
    stayed = [values for key, values in why(run, place(run, "kuwait_return")) if key == "stayed"]
    assert stayed == [
        {
            "action": "agree_return",
            "mission": "IRN->KWT",
            "status": "ambassador",
            "statuses": ["consultations", "recalled", "barred", "recalled_and_barred", "charge", "reduced"],
        }
    ]


def test_no_step_has_more_reasons_than_a_class_reads() -> None:
    for name in ("iran-pakistan-2024", "saudi-iran-2016", "iraq-iran-2024"):
        run = shipped(name).replay()
        assert all(1 <= len(why(run, number)) <= MOST for number in range(len(run.steps)))


def test_the_lesson_has_doubt_in_it() -> None:
    """A change without effect, a history that the model finds unlikely, and limits."""
    told = taught("iran-pakistan-2024")
    assert any(each["effect"]["estimate"] == 0 for each in told["branches"])
    assert told["base"]["outcome"]["estimate"] < 0.5
    assert told["limits"]


# What it will not teach

BARE = """\
title: A quarrel
actors: {AAA: Here, BBB: There}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-31}
events:
  - {id: recall, date: 2024-01-05, actor: AAA, target: BBB, action: recall_envoy}
limits: [All of it.]
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("limits: [All of it.]\n", ""), "this file has no `limits`"),
        (("date: 2024-01-05, ", "delay: 2 days, "), "no event of this file has a date"),
        (("recall_envoy", "protest"), "no event of this file can move one"),
    ],
)
def test_what_cannot_be_taught_is_refused_with_its_remedy(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ScenarioError, match=message) as caught:
        lesson(validate(parse(BARE.replace(*change), "bare"), "bare"), Options(n=10))
    assert all(problem.remedy for problem in caught.value.problems)


def test_the_barest_scenario_can_be_taught() -> None:
    told = lesson(validate(parse(BARE, "bare"), "bare"), Options(n=10))
    assert [each["kind"] for each in told["screens"]] == ["title", "begin", "event", "runs", "many", "limits", "sheet"]
    assert told["slider"] is None
    assert told["asked"] is None

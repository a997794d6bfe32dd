"""Whether history is a run of the model, and the fewest events to blame if not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from escsim.fit import fit, without
from escsim.library import load, shipped
from escsim.scenario import Scenario
from tests.conftest import SMALL, Told

Make = Callable[..., Scenario]
TWICE = ("  - {id: back,", "  - {id: again, date: 2024-01-06, actor: AAA, target: BBB, action: recall_envoy, cite: wire}\n  - {id: back,")


@pytest.mark.parametrize("name", shipped())
def test_the_histories_that_ship_fit(name: str) -> None:
    found = fit(load(shipped()[name]))
    assert (found.problems, found.blamed) == ((), ())
    assert found.dated > 5


def test_a_second_recall_is_to_blame_or_the_first_with_all_that_hangs_on_it(scenario: Make) -> None:
    found = fit(scenario(TWICE))
    assert ["'again' on 2024-01-06 moves no mission" in problem.message for problem in found.problems] == [True]
    assert found.blamed == (("again",),)


def test_two_faults_need_two_events(scenario: Make) -> None:
    third = ("  - {id: answer,", "  - {id: thrice, date: 2024-01-05, actor: BBB, target: AAA, action: return_envoy, cite: wire}\n  - {id: answer,")
    found = fit(scenario(TWICE, third))
    assert len(found.problems) == 2
    assert found.blamed == (("thrice", "again"),)


def test_an_observation_may_blame_what_came_before_it(scenario: Make) -> None:
    found = fit(scenario(text=SMALL + "observed: {2024-01-04: {AAA->BBB: normal}}\n"))
    assert found.blamed
    assert all(len(names) == found.tried for names in found.blamed)
    assert all("recall" in names for names in found.blamed)


def test_where_no_events_are_to_blame_that_is_said(scenario: Make) -> None:
    found = fit(scenario(text=SMALL + "observed: {2024-01-04: {AAA->BBB: severed}}\n"))
    assert found.problems
    assert found.blamed == ()
    assert found.tried == found.dated


def test_what_chances_and_delays_make_impossible_is_told(scenario: Make) -> None:
    """A file that check finds in order, and of which a forecast then says that history cannot have been."""
    never = fit(scenario(("follows: talks, cite: paper}", "follows: talks, probability: 0, cite: paper}")))
    assert ["its probability is 0" in problem.message for problem in never.unlikely] == [True]
    late = fit(scenario(("follows: talks, cite: paper}", "follows: talks, delay: {uniform: {low: 20 days, high: 21 days}}, cite: paper}")))
    assert [problem.message for problem in late.unlikely] == ["'back' happened 2 days after its clock was set, and its delay is from 20 to 21 days"]
    answer = "  - {id: sure, actor: BBB, target: AAA, action: protest, follows: insult, delay: 1 day}\n  - {id: back,"
    sure = fit(scenario(("  - {id: back,", answer)))
    assert ["'sure' has to happen before" in problem.message for problem in sure.unlikely] == [True]
    assert (never.problems, late.problems, sure.problems) == ((), (), ())


def test_an_event_without_its_date_does_not_happen(scenario: Make) -> None:
    told = without(scenario(), ["back"]).replay()
    assert [step.event for step in told.steps] == ["insult", "recall", "talks"]


def test_the_command_line_tells_it(escsim: Callable[..., Told], small: Path) -> None:
    assert escsim("check", "--history", "small.yaml") == (0, "small.yaml: history is a run of the model: all 4 dated events\n", "")
    small.write_text(SMALL.replace(*TWICE), "utf-8")
    told = escsim("check", "--history", "small.yaml")
    assert (told.code, told.out) == (1, "")
    assert told.err.endswith("small.yaml: history fits without the date of 'again'\n")
    assert "possible for AAA->BBB then: " in told.err
    (found,) = json.loads(escsim("check", "--history", "small.yaml", "--json").out)
    assert (found["fits"], found["blamed"]) == (False, [["again"]])
    assert escsim("check", "--history", "small.yaml", "-o", "x.yaml").code == 2

"""Explanations: what is said to be open is what the run shows later, and the command says it in few lines."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

import escsim as package
from escsim import ensemble
from escsim.draws import Addressed
from escsim.explain import open_on
from escsim.process import compile_scenario
from escsim.stepper import run as stepped
from escsim.trajectory import Trajectory
from tests import strategies
from tests.strategies import KINDS, Pick
from tests.test_cli import Run
from tests.test_kernel import named


def followed(trajectory: Trajectory) -> Counter[str]:
    """Hold what is open at the end of every day against what comes later."""
    period, seen = trajectory.scenario.period, Counter[str]()
    for day in period.days():
        start = period.tick(datetime.combine(day, datetime.min.time()))
        end = start + period.tick(period.start + timedelta(days=1))
        found = {each.event: each for each in open_on(trajectory, day)}
        assert len(found) == len(open_on(trajectory, day))
        for step in trajectory.steps:  # whose clock runs over midnight
            if step.armed < end <= step.tick and step.caller != "the what-if":
                assert found[step.event].state == "running", (day, step)
        for event, each in found.items():
            later = [note for note in trajectory.notes if note.event == event and note.tick >= end]
            fires = [step for step in trajectory.steps if step.event == event and step.tick >= end]
            if each.state == "running":
                lost = [note for note in later if note.stage in ("shut", "barred")]
                assert fires or lost or "after the period ends" in each.why
            if each.state == "waiting":
                assert not fires or any(note.stage == "armed" for note in later)
                assert " must be " in each.why
            if each.state == "refused" and fires:
                assert any(note.stage == "armed" for note in later)
            if each.state == "barred":
                assert not fires
                assert any(step.event == each.why.split("since ")[1].removesuffix(" has") and start <= step.tick < end for step in trajectory.steps)
            seen[each.state] += 1
    return seen


def test_what_is_open_is_what_comes_later_or_is_stopped() -> None:
    """A clock that is not told, one that was lost, a gate that stands open."""
    seen = Counter[str]()
    for number in range(60):
        pick = Pick(random.Random(f"why {number}").randrange)
        scenario = strategies.load(KINDS[("free", "told", "hazards")[number % 3]](pick))
        process = compile_scenario(scenario)
        for trajectory in (scenario.replay(), *(stepped(scenario, Addressed(scenario, process, 1, i)) for i in range(2))):
            seen += followed(trajectory)
    assert {state for state in seen if seen[state] > 5} == {"running", "refused", "waiting", "barred"}


def test_history_is_explained_in_a_few_lines(escsim: Run) -> None:
    done = escsim("why", "iran-pakistan-2024", "2024-01-17")
    assert (done.code, done.err) == (0, "")
    first, *parts = done.out.split("\n\n")
    assert first == "Iran and Pakistan, January 2024, Wed 17 Jan 2024: history"
    assert [part.split(":")[0] for part in parts] == [
        "recall",
        "bar",
        "suspend_visits",
        "call_1",
        "Called, and not come about by the end of the day\n  china_offer",
    ]
    assert all(len(part.splitlines()) <= 6 for part in parts)
    assert "iranian_strikes on 2024-01-16 led to it, as what was chosen in diplomatic_answer (65 % in this file)." in " ".join(parts[0].split())
    assert "  border_incident: it might have come about" in parts[-1]


def test_a_day_on_which_nothing_happened_is_explained_too(escsim: Run) -> None:
    done = escsim("why", "iran-pakistan-2024", "2024-01-21")
    assert "Nothing happened." in done.out
    assert "  agreement: its time comes on 2024-01-22" in done.out


def test_a_variant_is_explained_with_what_chance_said(escsim: Run) -> None:
    scenario = package.load("iran-pakistan-2024")
    trajectory = ensemble.trajectory(scenario, 3, seed=7)
    assert trajectory.draws == "seed 7, trajectory 3"
    (recall,) = [step for step in trajectory.steps if step.event == "iranian_strikes"]
    day = trajectory.moment(recall).date().isoformat()
    done = escsim("why", "iran-pakistan-2024", day, "--run", "3", "--seed", "7")
    assert (done.code, done.err) == (0, "")
    assert "one possible run (seed 7, trajectory 3)" in done.out
    assert "iranian_strikes: " in done.out
    data = json.loads(escsim("why", "iran-pakistan-2024", day, "--run", "3", "--seed", "7", "--json").out)
    assert list(data) == ["scenario", "hash", "run", "date", "steps", "open"]
    assert [step["event"] for step in data["steps"]] == [step.event for step in trajectory.steps if trajectory.moment(step).date().isoformat() == day]
    assert {"event", "state", "why"} == set(data["open"][0])
    whole = escsim("why", "iran-pakistan-2024", "--run", "3", "--seed", "7")
    assert "one possible run (seed 7, trajectory 3)" in whole.out
    assert whole.out.count("led to it") + whole.out.count("leads to it") == len(trajectory.steps)
    assert all(f"  {event}: " in whole.out for event in trajectory.fates)
    told = json.loads(escsim("why", "iran-pakistan-2024", "--run", "3", "--seed", "7", "--json").out)
    assert list(told) == ["scenario", "hash", "run", "steps", "not_happened"]
    assert len(told["steps"]) == len(trajectory.steps)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["2024-01-32"], "'2024-01-32' is no day; days are written YYYY-MM-DD"),
        (["2024-04-01"], "2024-04-01 lies outside the period, 2024-01-15 to 2024-03-31"),
        (["--run", "-1"], "--run"),
        (["2024-01-17", "--seed", "3"], "--seed and --from go with --run"),
    ],
)
def test_a_day_or_run_that_is_none_is_refused(escsim: Run, args: list[str], message: str) -> None:
    done = escsim("why", "iran-pakistan-2024", *args)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


def test_a_disagreement_of_kernel_and_stepper_is_said_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = package.load("iran-pakistan-2024")

    def other(*_: Any, **__: Any) -> list[list[tuple[int, int, bool]]]:
        return [[(1, 0, False)]]

    monkeypatch.setattr(ensemble, "log", other)
    with pytest.raises(RuntimeError, match="kernel and stepper disagree about seed 20240116, trajectory 5 of iran-pakistan-2024: please report"):
        ensemble.trajectory(scenario, 5)


@pytest.mark.parametrize("name", ["iran-pakistan-2024", "saudi-iran-2016", "126", "131"])
def test_causes_of_what_did_not_happen_add_up_to_the_fates_of_the_ensemble(name: str) -> None:
    """Of the kernel, which counts the same in another way."""
    whole = ensemble.simulate(named(name), 120, seed=3)
    found = whole.reasons()
    for event, place in whole.scenario.order.items():
        for fate in ("cancelled", "moot"):
            told = sum(count for (each, _), count in found[event].items() if each == fate)
            assert told == whole.fates[ensemble.FATES.index(fate), place], (event, fate)


def test_simulate_names_what_cancelled_an_event(escsim: Run) -> None:
    done = escsim("simulate", "iran-pakistan-2024", "-n", "60", "--why")
    assert "Why what was called did not happen, in variants 0 to 59" in done.out
    assert "barred by agreement" in done.out
    data = json.loads(escsim("simulate", "iran-pakistan-2024", "-n", "60", "--why", "--json").out)
    told = data["events"]["assurances"]["because"]
    assert told["of"] == 60
    share = data["events"]["assurances"]["cancelled"]["estimate"]
    assert sum(each["variants"] for each in told["causes"]) == round(60 * share)
    assert "because" not in json.loads(escsim("simulate", "iran-pakistan-2024", "-n", "60", "--json").out)["events"]["assurances"]

"""Forecasts from one morning after another: what they show, how expected history was, and its exact log-likelihood."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

import escsim as package
from escsim import ensemble
from escsim.forecasts import forecast, likelihood, mornings
from escsim.times import TICKS_A_DAY
from tests import strategies
from tests.test_given import OPEN

Run = Callable[..., Any]

STORY = """\
title: A short story
actors: {AAA: Alpha, BBB: Beta}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-11}
events:
  - {id: blow, date: 2024-01-02, actor: AAA, target: BBB, action: strike}
  - {id: recall, date: 2024-01-04, actor: BBB, target: AAA, action: recall_envoy, delay: {exponential: {mean: 2 days}}}
  - {id: protest, actor: BBB, action: protest, delay: {exponential: {mean: 2 days}}}
  - {id: back, date: 2024-01-09, actor: BBB, target: AAA, action: return_envoy, follows: recall, probability: 0.75,
     delay: {exponential: {mean: 4 days}}}
  - {id: help, actor: AAA, action: mediation, follows: recall, probability: 0.4, delay: {uniform: {low: 2 days, high: 10 days}}}
choices:
  answer: {actor: BBB, question: How?, follows: blow, options: {recall: 0.6, protest: 0.3, nothing: 0.1}}
questions:
  home: {probability: {in: {BBB->AAA: envoys_recalled}, on: 2024-01-11}}
  first: {time_to: {reach: {BBB->AAA: envoys_recalled}}}
"""


def test_the_log_likelihood_of_history_is_that_of_its_clocks() -> None:
    """By hand: chance, choice and the law of the delay over the day; and what was open to the end not having come."""
    scenario = strategies.load(STORY)
    history = scenario.replay()
    steps, quiet = likelihood(scenario, history)
    told = {step.event: share for step, share in steps.items()}
    assert told["blow"] == 1
    assert told["recall"] == pytest.approx(0.6 * (math.exp(-2 / 2) - math.exp(-3 / 2)), rel=1e-7)
    assert told["back"] == pytest.approx(0.75 * (math.exp(-5 / 4) - math.exp(-6 / 4)), rel=1e-7)
    assert quiet == pytest.approx(0.6 + 0.4 * (10 - 8) / 8, rel=1e-7)  # of the help, eight days open when the period ends
    record = forecast(scenario, n=200)
    total = sum(math.log(share) for share in (*told.values(), quiet))
    assert record.log_likelihood == pytest.approx(total)


def test_surprise_is_the_share_of_forecasts_in_which_it_happens_that_day() -> None:
    """Against probabilities worked out by hand; level 1e-6, at 20,000 variants any difference of two points is found."""
    scenario = strategies.load(STORY)
    record = forecast(scenario, n=20_000, seed=3)
    told = {each.event: each for each in record.surprises}
    assert told["blow"].share is None
    left = 0.6 * math.exp(-1) + 0.3 * math.exp(-1) + 0.1  # of all that could have followed by the morning of the 4th
    shares = {"recall": 0.6 * (math.exp(-1) - math.exp(-1.5)) / left}
    yes = 0.75 * math.exp(-5 / 4)
    shares["back"] = yes / (yes + 0.25) * (1 - math.exp(-1 / 4))
    for event, expected in shares.items():
        share = told[event].share
        assert share is not None
        assert abs(share.estimate - expected) < 4.9 * math.sqrt(expected * (1 - expected) / 20_000)


def test_answers_move_as_news_comes_in() -> None:
    scenario = strategies.load(STORY)
    record = forecast(scenario, n=4000)
    assert [each.day for each in record.forecasts] == [date(2024, 1, day) for day in range(2, 11)] == mornings(scenario)
    news = {each.day.day: each.news for each in record.forecasts}
    assert (news[2], news[3], news[5], news[10]) == ((), ("blow",), ("recall",), ("back",))
    shares = {each.day.day: each.answers["home"].estimate for each in record.forecasts}
    assert shares[10] == 0
    assert shares[9] > shares[5] > shares[3]  # the longer he is away, the less likely back in time
    after = {each.day.day: each.answers["first"] for each in record.forecasts}[6]
    assert (after.estimate, after.low, after.high) == (3.0, 3.0, 3.0)


def test_the_likelihood_of_a_step_is_the_chance_of_sampling_it_on_its_day() -> None:
    """In unconditional worlds, of an option that follows what is known in advance; level 1e-6."""
    text = STORY.replace("2024-01-11}", "2024-01-05}").replace(", on: 2024-01-11", ", on: 2024-01-05")
    text = "\n".join(line for line in text.split("\n") if "id: back" not in line and "mean: 4 days" not in line)
    scenario = strategies.load(text)
    steps, quiet = likelihood(scenario, scenario.replay())
    whole, n = ensemble.simulate(scenario, 100_000, seed=5), 0
    recall = scenario.order["recall"]
    for first, size in whole.chunks():
        worlds = whole.worlds(first, size)
        n += int(np.count_nonzero((worlds.event == recall) & (worlds.tick // TICKS_A_DAY == 3)))
    expected = next(share for step, share in steps.items() if step.event == "recall")
    assert abs(n / 100_000 - expected) < 4.9 * math.sqrt(expected / 100_000)
    assert quiet == 1


def test_long_histories_are_forecast_around_their_events() -> None:
    scenario = package.load("saudi-iran-2016")
    days = mornings(scenario)
    assert 20 < len(days) < 60
    dates = {scenario.period.moment(step.tick).date() for step in scenario.replay().steps}
    assert dates <= {*days}


def test_forecasts_are_told_for_people_and_for_machines(escsim: Run, tmp_path: Any) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(STORY)
    done = escsim("forecast", str(path), "-n", "500", "-q")
    assert done.code == 0
    assert "2024-01-05  " in done.out
    assert "known in advance" in done.out
    assert "Log-likelihood of the whole history by this file: " in done.out
    data = json.loads(escsim("forecast", str(path), "-n", "500", "--json").out)
    assert list(data) == ["scenario", "hash", "n", "seed", "forecasts", "surprise", "log_likelihood"]
    assert set(data["forecasts"][0]) == {"from", "news", "questions"}
    assert set(data["forecasts"][0]["questions"]) == {"home", "first"}
    assert {"date", "event", "known", "estimate", "low", "high", "log_likelihood"} == set(data["surprise"][1])
    assert data["log_likelihood"]["total"] < data["log_likelihood"]["not_happened"] < 0
    assert escsim("forecast", str(path), "-n", "500", "--json").out == escsim("forecast", str(path), "-n", "500", "--json", "--threads", "1").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forecast", "iran-pakistan-2024", "--question", "severd"], "there is none named 'severd': did you mean"),
        (["simulate", "iran-pakistan-2024", "--from", "2024-05-01"], "lies outside the period"),
        (["whatif", "iran-pakistan-2024", "early_call", "--from", "2024-01-18"], "'call_2 on 2024-01-17' is too early"),
        (["why", "iran-pakistan-2024", "--from", "2024-01-18"], "--seed and --from go with --run"),
    ],
)
def test_a_forecast_that_cannot_be_is_refused(escsim: Run, arguments: list[str], message: str) -> None:
    done = escsim(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


def test_a_scenario_without_history_has_nothing_to_forecast(escsim: Run) -> None:
    done = escsim("forecast", str(strategies.__file__).replace("strategies.py", "benchmarks/w1.yaml"))
    assert done.code == 2
    assert "no event has a date" in done.err


def test_simulate_goes_on_from_a_day_and_under_a_change(escsim: Run) -> None:
    done = escsim("simulate", "iran-pakistan-2024", "-n", "300", "--from", "2024-01-18", "--remove", "pakistani_strikes")
    assert "A forecast from the morning of 2024-01-18: what history dates before is given." in done.out
    assert "What if: remove pakistani_strikes." in done.out
    data = json.loads(escsim("simulate", "iran-pakistan-2024", "-n", "300", "--from", "2024-01-18", "--json").out)
    assert data["from"] == "2024-01-18"
    assert data["occupancy"]["PAK->IRN"]["envoys_recalled"][:3] == [0, 0, 1]
    assert data["events"]["recall"]["happened"]["estimate"] == 1


def test_variations_say_a_change_and_a_day_from_python() -> None:
    scenario = package.load("iran-pakistan-2024")
    varied = scenario.given("2024-01-18").without("pakistani_strikes").without("call_2").with_(set={"agreement": {"probability": 0.5}})
    varied = varied.with_(set={"visit": {"probability": 0.1}})
    assert varied.intervention is not None
    assert varied.intervention.remove == ("pakistani_strikes", "call_2")
    assert varied.intervention.set is not None
    assert set(varied.intervention.set) == {"agreement", "visit"}
    told = varied.simulate(500, seed=2)
    assert told.fate("pakistani_strikes")["happened"].estimate == 0
    assert varied.trajectory(7, seed=2) == told.trajectory(7)
    assert scenario.with_("no_retaliation").intervention == scenario.what_if["no_retaliation"]
    with pytest.raises(ValueError, match="no what-if 'no_retaliatio': did you mean 'no_retaliation'"):
        scenario.with_("no_retaliatio")
    with pytest.raises(package.ScenarioError):
        scenario.without("nobody")
    with pytest.raises(ValueError, match="outside the period"):
        scenario.given("2023-01-18")


def test_why_tells_of_a_run_of_a_forecast_what_it_tells_of_any(escsim: Run) -> None:
    done = escsim("why", "iran-pakistan-2024", "2024-01-17", "--run", "3", "--from", "2024-01-18")
    assert "recall: PAK to IRN, recall envoy" in done.out
    assert "as history has it" in done.out
    assert "chance said" not in done.out.split("Called, and not")[0]
    scenario = strategies.load(OPEN)
    assert ensemble.trajectory(scenario, 5, given="2024-01-05").draws == "seed 0, trajectory 5, from 2024-01-05"

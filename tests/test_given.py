"""Forecasts from a day: kernel and stepper agree, and the draws are those of the worlds in which history went as it did."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import escsim
from escsim import ensemble as ensembles
from escsim.ensemble import log, simulate
from escsim.given import CHANCES, WORDS, given
from escsim.library import what_if
from escsim.process import compile_scenario, threshold
from escsim.scenario import Intervention, Scenario
from tests import strategies
from tests.strategies import Pick
from tests.test_kernel import FIELDS, counted, reckoned

SEED = 11


def compare(scenario: Scenario, day: Any, intervention: Intervention | None, numbers: list[int], seed: int = SEED) -> Counter[str]:
    """Hold kernel and stepper against each other on some trajectories of a forecast; give what was seen."""
    known = given(scenario, day, intervention)
    assert known is not None
    forced, seen = set((intervention and intervention.force) or ()), Counter[str]()
    seen.update(open=len(known.open), puts=len(known.puts), again=sum(len(spell) > 1 for spell in known.open.values()))
    seen.update(closed=sum(arming is None for arming in known.armings.values()), asked_twice=sum(len(before) > 0 for _, before in known.puts))
    for number in numbers:
        trajectory = ensembles._run_alone(scenario, known.process, known, seed, number, intervention)
        found = counted(ensembles._run(known.process, seed, number, 1, given=known), known.process)
        ensembles._remember(scenario, known, 1, found["counts"], found["firings"])
        expected = reckoned(trajectory, known.process, forced)
        for name in ("counts", "first", "last", "time", "peak", "fates", "firings"):
            assert np.array_equal(expected[name], found[name]), f"{name} of trajectory {number}: {expected[name]}, by the kernel {found[name]}"
        assert expected["log"] == log(known.process, seed, number, 1, given=known)[0]
        past = [(step.tick, step.event) for step in trajectory.steps if step.tick < known.tick]
        assert past == [(step.tick, step.event) for step in scenario.replay().steps if step.tick < known.tick]
        seen["trajectory"] += 1
        seen["longer"] += len(trajectory.steps) > len(past)
    return seen


def generated(numbers: range) -> Counter[str]:
    """Compare forecasts of generated histories, from days drawn at random, with and without a change."""
    seen = Counter[str]()
    for number in numbers:
        chance = random.Random(f"{number} forecast")
        scenario = strategies.load(strategies.told(Pick(random.Random(number).randrange)))
        days = list(scenario.period.days())[1:]
        for intervention in (None, scenario.what_if["w"]):
            trajectories = [chance.choice([0, 2**32, chance.randrange(2**64)]), chance.randrange(1000)]
            try:
                seen += compare(scenario, chance.choice(days), intervention, trajectories, chance.randrange(2**64))
            except escsim.ScenarioError:  # something had to happen before the day
                seen["impossible"] += 1
            except ValueError:  # the change would touch the past
                seen["too late"] += 1
    return seen


def test_kernel_and_stepper_agree_on_forecasts_of_generated_histories() -> None:
    seen = generated(range(80))
    assert seen["trajectory"] > 100
    assert all(seen[each] > 3 for each in ("open", "longer", "impossible", "too late")), seen


@pytest.mark.slow
def test_kernel_and_stepper_agree_on_forecasts_of_many_more_generated_histories() -> None:
    seen = generated(range(80, 500))
    assert all(seen[each] > 5 for each in ("open", "puts", "closed", "longer", "again")), seen


@pytest.mark.parametrize("day", range(2, 13))
def test_kernel_and_stepper_agree_where_everything_is_open(day: int) -> None:
    seen = compare(strategies.load(OPEN), f"2024-01-{day:02}", None, list(range(30)))
    assert day < 4 or (seen["again"] and seen["asked_twice"] and (seen["closed"] or day == 4))


@pytest.mark.parametrize("name", ["iran-pakistan-2024", "iraq-iran-2024", "saudi-iran-2016"])
@pytest.mark.slow
def test_kernel_and_stepper_agree_on_forecasts_from_every_day_with_news(name: str) -> None:
    scenario = escsim.load(name)
    dates = {scenario.period.moment(step.tick).date() for step in scenario.replay().steps}
    for day in sorted(dates | {date + timedelta(1) for date in dates}):
        if scenario.period.from_.day < day <= scenario.period.to.day:
            compare(scenario, day, None, [0, 1, 2, 2**40])


def test_a_forecast_from_the_first_day_is_the_ensemble_bit_for_bit() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    one, other = simulate(scenario, 3000), simulate(scenario, 3000, given="2024-01-15")
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in FIELDS)
    assert one.answers() == other.answers()


def test_what_could_not_have_come_about_yet_is_drawn_as_ever() -> None:
    """Weighed with something else than 1, chance and choices would be cut at other places."""
    text = OPEN.replace("uniform: {low: 1 day", "uniform: {low: 5 days").replace("follows: [a, b, d], repeats: true, p", "follows: a, p")
    for name, law in (("soon", "weibull: {shape: 2, scale: 3 days}"), ("later", "exponential: {mean: 6 days}")):
        assert f"{name}, actor: BBB" in text
        text = text.replace(law, "uniform: {low: 4 days, high: 6 days}")
    scenario = strategies.load(
        text.replace("low: 1 day, mode: 2 days", "low: 4 days, mode: 5 days").replace("    follows: [a, b, d]", "    follows: a")
    )
    known, process = given(scenario, "2024-01-05"), compile_scenario(scenario)
    assert known is not None
    assert known.armings["thrice", 0, known.open["thrice"][0][1]] == (threshold(0.5), 0)
    assert known.puts["answer", ()] == tuple(process.cut.tolist())


RACE = """\
title: A race
actors: {AAA: Alpha, BBB: Beta}
ladder: simple
period: {from: FROM, to: 2024-01-12}
events:
HISTORY
  - {id: quick, actor: AAA, target: BBB, action: recall_envoy, delay: {exponential: {mean: 3 days}}, probability: 0.5}
  - {id: slow, actor: BBB, target: AAA, action: recall_envoy, delay: {exponential: {mean: 9 days}}}
"""
FIRST = "  - {id: first, date: 2024-01-02, actor: AAA, action: protest}"

# every way in which something can be open: chance asked several times, gates shut and open again, a choice put again
OPEN = """\
title: Everything open
actors: {AAA: Alpha, BBB: Beta, CCC: Gamma}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-12}
events:
  - {id: a, date: 2024-01-02, actor: AAA, action: protest}
  - {id: b, date: 2024-01-03, actor: AAA, action: protest}
  - {id: c, date: 2024-01-04, actor: AAA, target: BBB, action: recall_envoy, follows: b, delay: 1 day}
  - {id: d, date: 2024-01-04 12:00, actor: AAA, target: BBB, action: return_envoy, follows: c, delay: 12 hours}
  - {id: once, actor: AAA, action: strike, follows: a, probability: 0.6, delay: {exponential: {mean: 4 days}}}
  - {id: thrice, actor: AAA, action: strike, follows: [a, b, d], repeats: true, probability: 0.5, delay: {uniform: {low: 1 day, high: 8 days}}}
  - {id: gated, actor: AAA, target: CCC, action: recall_envoy, follows: a, while: {AAA->BBB: [normal, restored]}, probability: 0.8,
     delay: {lognormal: {median: 3 days, sigma: 0.7}}}
  - {id: barred, actor: AAA, action: strike, follows: a, unless: d, delay: {gamma: {mean: 5 days, cv: 0.8}}}
  - {id: soon, actor: BBB, action: strike, delay: {weibull: {shape: 2, scale: 3 days}}}
  - {id: later, actor: BBB, action: strike, unless: d, delay: {exponential: {mean: 6 days}}}
  - {id: never, actor: BBB, target: AAA, action: recall_envoy, while: {AAA->BBB: restored},
     delay: {triangular: {low: 1 day, mode: 2 days, high: 6 days}}}
  - {id: standing, actor: CCC, action: strike, repeats: true, delay: {exponential: {mean: 7 days}}, probability: 0.9}
choices:
  answer:
    actor: BBB
    question: What now?
    follows: [a, b, d]
    repeats: true
    options: {soon: 0.4, later: 0.2, never: 0.1, nothing: 0.3}
"""


def test_forecasts_are_the_worlds_in_which_history_went_as_it_did() -> None:
    """Against rejection: of 400,000 unconditional worlds those in which by the morning of the 5th only history has happened.

    A share of 1 % in 4,000 such worlds and 40,000 forecasts is told from one of 2 % nine times in ten at this level.
    """
    scenario = strategies.load(OPEN)
    known = given(scenario, "2024-01-05")
    assert known is not None
    n, chunk = 400_000, 20_000
    past = [(step.tick, scenario.order[step.event]) for step in known.run.steps]
    told, kept = Counter[Any](), 0
    whole = simulate(scenario, n, seed=SEED)
    for first in range(0, n, chunk):
        worlds = whole.worlds(first, chunk)
        early = worlds.tick < known.tick
        right = np.bincount(worlds.world[early], minlength=chunk) == len(past)
        right &= np.bincount(worlds.world[early], np.isin(worlds.event[early], [e for _, e in past]), chunk) == len(past)
        kept += int(right.sum())
        told.update(shown(worlds, right, known.tick))
    forecast, m = simulate(scenario, 40_000, seed=SEED + 1, given="2024-01-05"), 40_000
    mine = Counter[Any]()
    for first in range(0, m, chunk):
        mine.update(shown(forecast.worlds(first, chunk), np.ones(chunk, bool), known.tick))
    assert kept > 3000
    seen = [each for each in told | mine if told[each] + mine[each] > 60]
    assert len(seen) > 60
    for each in seen:
        share = (told[each] + mine[each]) / (kept + m)
        z = (told[each] / kept - mine[each] / m) / math.sqrt(share * (1 - share) * (1 / kept + 1 / m))
        assert abs(z) < 5.3, (each, told[each] / kept, mine[each] / m)  # 1e-7 each, 1e-5 for all hundred


def shown(worlds: Any, some: Any, tick: int) -> Counter[Any]:
    """Count what worlds show after a tick: how often each event by each day, and which two happen at all."""
    found = Counter[Any]()
    later = (worlds.tick >= tick) & some[worlds.world]
    world, event, day = worlds.world[later], worlds.event[later], worlds.tick[later] // 86_400_000_000
    names = list(worlds.scenario.order)
    for (e, when), count in Counter(zip(event.tolist(), day.tolist(), strict=True)).items():
        found[names[e], when] += count
    happened = np.zeros((len(some), len(names)), bool)
    happened[world, event] = True
    for one in range(len(names)):
        for other in range(one + 1):
            found[names[one], "and", names[other]] = int(np.count_nonzero(happened[:, one] & happened[:, other] & some))
    return found


def test_chance_is_weighed_by_bayes_in_whole_numbers() -> None:
    """p' = p S / (p S + (1 - p) Z), Z the same expression of the next arming, of an event asked three times."""
    scenario = strategies.load(OPEN)
    known = given(scenario, "2024-01-05")
    assert known is not None
    p, rest = Fraction(1, 2), Fraction(1)
    for k, days in ((2, Fraction(1, 2)), (1, Fraction(2)), (0, Fraction(3))):
        arming = known.armings["thrice", k, known.open["thrice"][k][1]]
        assert arming is not None
        left = min(Fraction(1), 1 - (days - 1) / 7)  # uniform from one day to eight
        assert abs(arming.least / WORDS - (1 - left)) < 1e-8
        rest = p * left + (1 - p) * rest
        assert abs(arming.chance / CHANCES - p * left / rest) < 1e-8


def test_what_had_to_happen_before_is_an_error_with_its_place() -> None:
    scenario = strategies.load(
        RACE.replace("FROM", "2024-01-01").replace("HISTORY", FIRST).replace("exponential: {mean: 9 days}", "uniform: {low: 1 day, high: 2 days}")
    )
    simulate(scenario, 10, given="2024-01-02")
    with pytest.raises(escsim.ScenarioError, match="'slow' has to happen before 2024-01-04, and history has it later or never"):
        simulate(scenario, 10, given="2024-01-04")


def test_what_is_due_on_the_very_morning_is_open() -> None:
    """A delay of two days armed two days before has not come about before the day: >=, not >."""
    text = RACE.replace("FROM", "2024-01-01").replace("HISTORY", FIRST).replace("exponential: {mean: 3 days}", "fixed: 2 days")
    known = given(strategies.load(text), "2024-01-03")
    assert known is not None
    assert known.armings["quick", 0, 0] == (threshold(0.5), 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"move": {"visit": "2024-01-17"}}, "'visit on 2024-01-17' is too early"),
        ({"force": {"visit": "2024-01-17 23:59"}}, "too early"),
        ({"remove": ["recall"]}, "'recall' came before it"),
        ({"force": {"recall": "2024-01-20"}}, "'recall' came before it"),
        ({"choose": {"diplomatic_answer": "nothing"}}, None),
        ({"choose": {"diplomatic_answer": "protest_only"}}, "'diplomatic_answer' came before it"),
    ],
)
def test_a_forecast_refuses_what_would_change_the_past(change: dict[str, Any], message: str | None) -> None:
    scenario = escsim.load("iran-pakistan-2024")
    if message is None:
        with pytest.raises(escsim.ScenarioError):
            what_if(scenario, change)
        return
    with pytest.raises(ValueError, match=message):
        simulate(scenario, 10, given="2024-01-18", intervention=what_if(scenario, change))


@pytest.mark.parametrize(("day", "message"), [("18 January", "is no day"), ("2024-01-14", "lies outside the period"), ("2025-01-01", "outside")])
def test_a_day_that_is_none_is_refused(day: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(escsim.load("iran-pakistan-2024"), 10, given=day)


def test_events_known_in_advance_are_named_and_keep_their_dates() -> None:
    scenario = escsim.load("saudi-iran-2016")
    forecast = simulate(scenario, 500, given="2016-01-05")
    assert forecast.given is not None
    assert forecast.given.known == ("gulf_rift",)
    assert forecast.fate("gulf_rift")["happened"].estimate == 1


def test_a_change_from_the_day_on_leaves_the_past_as_it_was() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    base, changed = (simulate(scenario, 2000, given="2024-01-18", intervention=each) for each in (None, "no_retaliation"))
    compared = escsim.effect(base, changed)
    assert compared.changed.fate("pakistani_strikes")["happened"].estimate == 0
    assert compared.differ > 100
    quiet = what_if(scenario, {"remove": ["border_incident"]})
    silent = simulate(scenario, 2000, given="2024-01-18", intervention=quiet)
    assert silent.fate("border_incident")["happened"].estimate == 0

"""The numbers of a scenario by name: read as the file states them, changed alone or together, and drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest

import escsim
from escsim.errors import ScenarioError
from escsim.process import compile_scenario, digest, renumbered
from escsim.ranges import Parameter, at, draws, hypercube, parameter, ranges, scaled
from tests import strategies
from tests.test_kernel import NAMED

TEXT = """\
title: Numbers
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-31}
events:
  - {id: talk, date: 2024-01-03, actor: AAA, target: BBB, action: talks}
  - {id: raid, actor: AAA, target: BBB, action: strike, probability: 0.3, delay: {weibull: {shape: 1.5, scale: 36 hours}},
     range: {probability: [0.1, 0.5], shape: [1, 2], scale: [1 day, 4 days]}}
  - {id: riot, actor: BBB, action: protest, delay: {exponential: {rate: 2 per week}}, range: {rate: [0.1 per day, 1 per day]}}
  - {id: pause, actor: BBB, action: protest, follows: raid, delay: 2 days, range: {fixed: [12 hours, 3 days]}}
  - {id: x, actor: BBB, action: protest, delay: 1 day}
  - {id: y, actor: BBB, action: protest, delay: 1 day}
  - {id: z, actor: BBB, action: protest, delay: {uniform: {low: 1 day, high: 4 days}}, range: {low: [0 days, 3 days], high: [2 days, 5 days]}}
choices:
  answer: {actor: AAA, question: What now?, follows: raid, options: {x: 0.5, y: 0.2, nothing: 0.3}, range: {x: [0.2, 0.8], y: [0.1, 0.6]}}
"""
SCENARIO = strategies.load(TEXT)


def shares(values: dict[str, float]) -> dict[str, float]:
    return at(SCENARIO, values).choices["answer"].options


def test_parameters_are_those_for_which_the_file_states_a_range() -> None:
    """A unit, an end, an order taken for another."""
    assert ranges(SCENARIO) == [
        Parameter("raid.probability", 0.3, 0.1, 0.5, "share"),
        Parameter("raid.shape", 1.5, 1, 2, ""),
        Parameter("raid.scale", 1.5, 1, 4, "days"),
        Parameter("riot.rate", 2, pytest.approx(0.7), pytest.approx(7), "per week"),
        Parameter("pause.fixed", 2, 0.5, 3, "days"),
        Parameter("z.low", 1, 0, 3, "days"),
        Parameter("z.high", 4, 2, 5, "days"),
        Parameter("answer.x", 0.5, 0.2, 0.8, "share"),
        Parameter("answer.y", 0.2, 0.1, 0.6, "share"),
    ]
    assert parameter(SCENARIO, "talk.probability") == Parameter("talk.probability", 1, 1, 1, "share")
    assert parameter(SCENARIO, "answer.nothing").value == 0.3


def test_values_are_written_and_read_as_in_a_file() -> None:
    for name, value, text in (
        ("raid.scale", 0.5, "12 hours"),
        ("riot.rate", 2.0, "2 per week"),
        ("raid.probability", 0.05, "0.05"),
        ("raid.shape", 1.5, "1.5"),
    ):
        known = parameter(SCENARIO, name)
        assert known.told(value) == text
        assert known.read(text) == pytest.approx(value, rel=1e-15)
    assert parameter(SCENARIO, "riot.rate").read("1 per day") == pytest.approx(7)


def test_a_slider_goes_from_low_to_high_in_steps() -> None:
    share, scale = parameter(SCENARIO, "raid.probability"), parameter(SCENARIO, "raid.scale")
    assert share.steps("0:1:0.05") == [round(0.05 * step, 2) for step in range(21)]
    assert scale.steps("12 hours:3 days:1 day") == [0.5, 1.5, 2.5]
    assert share.steps("0.3:0.3:1") == [0.3]
    for text, message in (
        ("0:1", "is not LOW:HIGH:STEP"),
        ("0:1:day", "like '0.3'"),
        ("1:0:0.1", "nowhere"),
        ("0:1:0", "nowhere"),
        ("0:1:0.0001", "10,001"),
    ):
        with pytest.raises(ValueError, match=message):
            share.steps(text)
    with pytest.raises(ValueError, match=r"each written like '1\.5 days'"):
        scale.steps("1:5:1")


def test_the_values_of_the_file_are_the_file() -> None:
    """A share that is rounded when the others are scaled; a copy that remembers what it was a copy of."""
    for scenario in (SCENARIO, *(escsim.load(name) for name in escsim.library.shipped())):
        assert at(scenario, {}) is scenario
        assert at(scenario, {each.name: each.value for each in ranges(scenario)}) is scenario


def test_a_number_is_changed_and_nothing_else() -> None:
    said = SCENARIO.model_dump(mode="json", by_alias=True, exclude_none=True)
    events, options = said["events"], said["choices"]["answer"]["options"]
    events[0]["probability"], events[1]["probability"], events[1]["delay"]["weibull"]["scale"] = 0.5, 0.2, "2 days"
    events[2]["delay"]["exponential"]["rate"], events[3]["delay"]["fixed"] = "3 per week", "1 day"
    options.update(x=0.75, y=0.1, nothing=0.15)
    values = {"talk.probability": 0.5, "raid.probability": 0.2, "raid.scale": 2, "riot.rate": 3, "pause.fixed": 1, "answer.x": 0.75}
    changed, meant = at(SCENARIO, values), strategies.load(json.dumps(said))
    assert changed.choices["answer"].options == pytest.approx(options)
    rounded = changed.choices["answer"].model_copy(update={"options": options})
    assert changed.model_copy(update={"choices": {"answer": rounded}}).model_dump() == meant.model_dump()
    assert changed.event["raid"].probability == 0.2
    assert changed.hash != SCENARIO.hash
    assert SCENARIO.event["raid"].probability == 0.3


def test_the_other_options_share_the_rest() -> None:
    assert shares({"answer.x": 0.8}) == pytest.approx({"x": 0.8, "y": 0.08, "nothing": 0.12})
    assert shares({"answer.x": 0.4, "answer.y": 0.2}) == pytest.approx({"x": 0.4, "y": 0.2, "nothing": 0.4})
    assert shares({"answer.x": 1.0}) == {"x": 1, "y": 0, "nothing": 0}
    assert shares({"answer.x": 0.8, "answer.y": 0.8}) == {"x": 0.5, "y": 0.5, "nothing": 0}
    assert shares({"answer.x": 0.2, "answer.y": 0.1, "answer.nothing": 0.1}) == pytest.approx({"x": 0.5, "y": 0.25, "nothing": 0.25})
    assert list(shares({"answer.nothing": 0.5})) == ["x", "y", "nothing"]
    assert scaled(SCENARIO, ranges(SCENARIO)) == ["answer"]
    assert scaled(SCENARIO, [parameter(SCENARIO, "answer.x")]) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"raidd.scale": 1}, "there is no event or choice 'raidd': did you mean 'raid'?"),
        ({"raid.median": 1}, "'raid.median' is no number of this file: what raid states: 'probability', 'shape', 'scale'"),
        ({"x.probability": 1}, "'x.probability' is no number of this file: what x states: 'fixed'"),
        ({"raid.probability": 1.5}, "raid.probability = 1.5: .*less than or equal to 1"),
        ({"raid.probability": 1e-12}, "a probability below 2.-33 cannot be told from 0"),
        ({"raid.scale": -1}, "raid.scale = "),
        ({"riot.rate": 0}, "riot.rate = 0 per week: a rate must be above 0"),
        ({"z.low": 5}, "z.low = 5 days: low must be shorter than high"),
        ({"answer.x": 0, "answer.y": 0, "answer.nothing": 0}, "no option is left with a share"),
    ],
)
def test_what_a_number_cannot_be_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        at(SCENARIO, values)


def test_draws_lie_in_the_ranges_one_in_each_part_and_are_the_same_for_a_seed() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    drawn = draws(scenario, 40, seed=3)
    assert [each.hash for each in drawn] == [each.hash for each in draws(scenario, 40, seed=3)]
    assert len({each.hash for each in drawn}) == 40
    for known in ranges(scenario):
        values = np.array([parameter(each, known.name).value for each in drawn])
        assert values.max() <= known.high * (1 + 1e-12)
        if known.name.partition(".")[0] in scaled(scenario, ranges(scenario)):
            continue
        parts = np.floor((values - known.low) / (known.high - known.low) * 40)
        assert sorted(parts) == list(range(40)), known
    assert np.array_equal(np.sort(np.floor(hypercube(3, 10, 0) * 10), axis=0), np.tile(np.arange(10)[:, None], 3))


def test_ranges_that_do_not_go_together_are_a_fault_of_the_file() -> None:
    with pytest.raises(ScenarioError, match=r"these ranges do not go together: .*z\.low = .*low must be shorter than high"):
        draws(SCENARIO, 200)


@pytest.mark.parametrize("name", NAMED)
def test_numbers_alone_compile_to_what_the_whole_compiles_to(name: str) -> None:
    """A table, a cut or a chance that is left as it was."""
    scenario = escsim.load(name)
    process = compile_scenario(scenario)
    for each in draws(scenario, 3):
        assert digest(renumbered(process, each)) == digest(compile_scenario(each))

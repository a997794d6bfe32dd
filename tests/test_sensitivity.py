"""How answers move with numbers: against closed forms, against single ensembles, and as the commands tell it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from scipy import stats

import escsim
from escsim import cli, sensitivity
from escsim.errors import AskedError, ScenarioError
from escsim.intervals import Estimate, Z
from escsim.ranges import at, parameter, ranges
from escsim.sensitivity import Sensitivity, bounds, question_named, vary
from tests import strategies
from tests.test_cli import Run

LEVEL = stats.norm.isf(1e-6 / 2 / 10)
N, SEED = 4000, 5

ONE = """\
title: One event
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-30}
events:
  - {id: recall, actor: AAA, target: BBB, action: recall_envoy, probability: 0.6, delay: {exponential: {mean: 8 days}},
     range: {probability: [0.2, 0.9], mean: [2 days, 20 days]}}
questions:
  soon: {probability: {reach: {AAA->BBB: envoys_recalled}, by: 2024-01-10}}
  away: {time_in: {AAA->BBB: envoys_recalled}}
  how_long: {time_to: {happens: recall}}
  times: {count: recall}
  worst: {peak: AAA->BBB}
"""
TWO = """\
title: Two events and a choice
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-05}
events:
  - {id: a, actor: AAA, action: protest, probability: 0.5, delay: 1 hour, range: {probability: [0.2, 1]}}
  - {id: b, actor: BBB, action: protest, probability: 0.4, delay: 1 hour, range: {probability: [0.3, 0.6]}}
  - {id: idle, actor: BBB, action: protest, probability: 0.5, delay: 1 hour, range: {probability: [0.4, 0.6]}}
  - {id: x, actor: AAA, action: strike, delay: 1 hour}
  - {id: y, actor: AAA, action: strike, delay: 1 hour}
  - {id: later, actor: BBB, action: strike, follows: x, delay: 1 hour}
choices:
  c: {actor: AAA, question: What?, options: {x: 0.3, y: 0.6, nothing: 0.1}}
questions:
  both: {probability: {and: [{happens: a}, {happens: b}]}}
  only: {probability: {and: [{happens: a}, {not: {happens: b}}]}}
  chosen: {probability: {happens: x}}
  other: {probability: {happens: y}}
  wait: {time_to: {happens: a, after: later}}
"""
FIRST, SECOND = strategies.load(ONE), strategies.load(TWO)
PAKISTAN = escsim.load("iran-pakistan-2024")


def near(told: Estimate | Any, known: float, n: int = N) -> bool:
    """Whether a share is as near to the true one as chance leaves it but once in a million times."""
    return abs(told.estimate - known) <= LEVEL * math.sqrt(known * (1 - known) / n) + 1e-12


# ---- along one number


@pytest.mark.parametrize(("name", "steps"), [("recall.probability", [0.0, 0.25, 0.6, 1.0]), ("recall.mean", [1.0, 8.0, 30.0])])
def test_a_sweep_follows_the_closed_form(name: str, steps: list[float]) -> None:
    """A value that is not set, or on another number; an exact answer at another point. Power: 0.05 is found at every point."""
    told = vary(FIRST, name, steps, N, SEED)
    assert [told.value(point) for point in told.points] == steps
    for value, point in zip(steps, told.points, strict=True):
        p, mean = (value, 8.0) if name.endswith("probability") else (0.6, value)
        known = p * -math.expm1(-10 / mean)
        assert near(point.answers["soon"], known)
        assert point.answers["soon"].exact == pytest.approx(known, abs=1e-8)
        assert point.answers["times"].estimate == pytest.approx(p * -math.expm1(-30 / mean), abs=0.05)


def test_a_sweep_of_a_share_takes_from_the_others_in_proportion() -> None:
    for value, point in zip([0.0, 0.5, 1.0], vary(SECOND, "c.x", [0.0, 0.5, 1.0], N, SEED).points, strict=True):
        assert near(point.answers["chosen"], value)
        assert near(point.answers["other"], (1 - value) * 6 / 7)


@pytest.mark.parametrize("name", ["tehran_answer.second_iranian_strike", "call_2.probability", "assurances.median"])
def test_the_file_s_own_value_gives_its_own_answers_bit_for_bit(name: str) -> None:
    """Shares that are rounded, addresses that shift, a replay that is not the scenario's."""
    own = parameter(PAKISTAN, name).value
    told = vary(PAKISTAN, name, [own / 2, own], 3000, 7)
    meant = PAKISTAN.simulate(3000, 7).answers()
    assert told.points[1].answers == told.base.answers == meant
    assert told.points[0].answers != meant
    assert told.points[0].answers == at(PAKISTAN, told.points[0].values).simulate(3000, 7).answers()


def test_a_probability_of_one_half_is_found_between_the_points() -> None:
    told = vary(SECOND, "c.x", [0.0, 0.2, 0.4, 0.8, 1.0], N, SEED)
    (crossing,) = told.crossings("chosen")
    assert crossing == pytest.approx(0.5, abs=0.03)
    assert told.crossings("both") == []
    exactly = vary(FIRST, "recall.probability", [0.5, 0.9], 10, SEED)
    assert exactly.crossings("soon") == pytest.approx([0.5 / -math.expm1(-10 / 8)], rel=1e-6)


# ---- over the ranges


@pytest.fixture(scope="module")
def moved() -> Sensitivity:
    return sensitivity.sensitivity(SECOND, "both", N, SEED, points=512)


@pytest.mark.slow
def test_sobol_indices_of_a_product_are_those_worked_out_by_hand(moved: Sensitivity) -> None:
    """Points in another order than the parameters, a range taken for another, first for total."""
    assert (moved.points, moved.runs) == (512 * 5, 1000)
    spans = {"a.probability": (0.2, 1.0), "b.probability": (0.3, 0.6)}
    (mean_a, var_a), (mean_b, var_b) = (((low + high) / 2, (high - low) ** 2 / 12) for low, high in spans.values())
    alone = {"a.probability": var_a * mean_b**2, "b.probability": var_b * mean_a**2, "idle.probability": 0.0}
    both = var_a * var_b
    whole = sum(alone.values()) + both
    assert [each.parameter.name for each in moved.indices] == ["a.probability", "b.probability", "idle.probability"]
    for each in moved.indices:
        known = alone[each.parameter.name] / whole
        total = known + (both / whole if known else 0.0)
        # 0.02 for the 1,000 variants of each point, whose shares are not quite the product
        assert abs(each.first - known) <= LEVEL / Z * each.first_conf + 0.02
        assert abs(each.total - total) <= LEVEL / Z * each.total_conf + 0.02
    assert moved.indices[0].first_conf < 0.15
    assert moved.indices[2][1:] == (0, 0, 0, 0)


@pytest.mark.slow
def test_swings_are_the_effects_of_the_ends(moved: Sensitivity) -> None:
    """An end run on other chances, or held against another base; the order."""
    assert [each.parameter.name for each in moved.swings] == ["a.probability", "b.probability", "idle.probability"]
    base = SECOND.simulate(N, SEED)
    for each in moved.swings:
        for end, point in (("low", each.low), ("high", each.high)):
            value = getattr(each.parameter, end)
            assert point.values == {each.parameter.name: value}
            changed = at(SECOND, point.values).simulate(N, SEED)
            meant = escsim.effect(base, changed).effects["both"]
            assert point.effect == meant
            assert point.measure is not None
            assert point.measure.estimate == meant.changed == changed.answer("both").estimate
    assert near(moved.swings[0].high.measure, 0.4)
    assert moved.swings[0].size == pytest.approx(0.32, abs=0.05)
    assert moved.swings[2].size == 0


def test_a_swing_reaches_from_the_smallest_to_the_largest_of_both_ends_and_the_file() -> None:
    known = ranges(SECOND)[0]
    effect = escsim.effect(SECOND.simulate(10), SECOND.simulate(10)).effects["both"]

    def size(low: float, high: float) -> float:
        ends = (sensitivity.Point({}, {}, None, effect.__class__(**{**vars(effect), "estimate": each})) for each in (low, high))
        return sensitivity.Swing(known, *ends).size

    assert [size(-0.1, 0.2), size(0.1, 0.2), size(-0.1, -0.3)] == pytest.approx([0.3, 0.2, 0.3])


def test_bounds_are_found_at_the_ends_that_push_one_way() -> None:
    """A corner that is turned the wrong way; an extreme of few variants that is told as it is."""
    found = bounds(SECOND, N, SEED)
    for name, low, high in (("both", 0.2 * 0.3, 1 * 0.6), ("only", 0.2 * 0.4, 1 * 0.7)):
        assert near(found[name].low, low)
        assert near(found[name].high, high)
        assert (found[name].points, found[name].runs) == (1 + 6 + sensitivity.SAMPLED + 5, N)
    assert found["chosen"].low == found["chosen"].high == found["chosen"].base
    assert found["both"].base == Estimate(*(getattr(SECOND.simulate(N, SEED).answer("both"), key) for key in Estimate._fields))


def test_bounds_of_every_kind_of_question() -> None:
    found = bounds(FIRST, 500, SEED)
    assert list(found) == ["soon", "away", "how_long", "times", *(f"worst: {status}" for status in FIRST.ladder.statuses)]
    for each in found.values():
        assert each.low.estimate <= each.base.estimate <= each.high.estimate
    assert found["how_long"].high.estimate == math.inf
    assert found["how_long"].to_dict()["high"] is None
    assert [found[name].unit for name in ("soon", "away", "times", "worst: normal")] == ["share", "days", "times", "share"]


def test_a_time_is_measured_until_it_comes_about_or_the_period_ends() -> None:
    told = sensitivity.sensitivity(FIRST, "how_long", N, SEED, points=0)
    for swing in told.swings:
        for point in (swing.low, swing.high):
            p, mean = point.values.get("recall.probability", 0.6), point.values.get("recall.mean", 8.0)
            known = p * mean * -math.expm1(-30 / mean) + (1 - p) * 30
            assert point.measure is not None
            assert abs(point.measure.estimate - known) <= LEVEL * (point.measure.high - point.measure.low) / 2 / Z + 1 / 24
    assert (told.unit, told.indices, told.points) == ("days", [], 0)
    away = sensitivity.sensitivity(FIRST, "away", 500, SEED, points=0)
    assert away.base.measure == FIRST.simulate(500, SEED).answer("away").mean


@pytest.mark.slow
def test_results_do_not_depend_on_threads_and_are_the_same_each_time() -> None:
    """SALib takes a seed of 0 for none."""
    told = [sensitivity.sensitivity(SECOND, None, 200, 0, points=8, threads=threads).to_dict() for threads in (1, 2)]
    assert told[0] == told[1]
    assert bounds(SECOND, 200, 0, threads=1) == bounds(SECOND, 200, 0, threads=2)


def test_the_default_question_is_the_first_probability() -> None:
    assert question_named(FIRST) == "soon"
    assert question_named(FIRST, "times") == "times"
    others = FIRST.model_copy(update={"questions": {name: FIRST.questions[name] for name in ("worst", "times")}})
    assert question_named(others) == "times"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (lambda: question_named(FIRST, "wurst"), "there is no question 'wurst'"),
        (lambda: question_named(FIRST, "worst"), "'worst' is answered by several numbers"),
        (lambda: sensitivity.sensitivity(SECOND, points=4), "must be a power of 2"),
        (lambda: sensitivity.sensitivity(at(SECOND, {"c.x": 0.0}), "wait", 100, points=0), "'wait' cannot be asked everywhere"),
        (
            lambda: bounds(strategies.load(ONE.replace("range: {probability: [0.2, 0.9], mean: [2 days, 20 days]}", ""))),
            "states no `range`",
        ),
        (lambda: vary(strategies.load(ONE.split("questions")[0]), "recall.mean", [1.0]), "asks no `questions`"),
    ],
)
def test_what_cannot_be_told_is_refused(asked: Any, message: str) -> None:
    with pytest.raises(AskedError, match=message):
        asked()


def test_a_run_without_end_at_some_point_is_told_as_such() -> None:
    text = ONE.replace("questions:", "  - {id: tick, actor: AAA, action: protest, repeats: true, delay: {exponential: {mean: 1 day}}}\nquestions:")
    with pytest.raises(ScenarioError, match="tick"):
        vary(strategies.load(text), "tick.mean", [1.0, 0.001], 50, SEED)


# ---- the commands


def test_simulate_along_a_number(escsim: Run) -> None:
    done = escsim("simulate", "iran-pakistan-2024", "--vary", "tehran_answer.second_iranian_strike=0:1:0.5", "-n", "300")
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[0] for line in lines if line[:1] and line[0] in ("0", "0.16*", "0.5", "1")][:4] == ["0", "0.16*", "0.5", "1"]
    assert "The same at every value: struck_back" in done.out
    data = json.loads(escsim("simulate", "iran-pakistan-2024", "--vary", "agreement.mean=1 day:3 days:2 days", "-n", "300", "--json").out)
    assert list(data) == ["scenario", "hash", "n", "seed", "parameter", "base", "points"]
    assert [(point["value"], point["written"]) for point in data["points"]] == [(1, "1 day"), (3, "3 days")]
    assert data["points"][1] == data["base"]
    own = json.loads(escsim("simulate", "iran-pakistan-2024", "-n", "300", "--json").out)["questions"]
    assert {name: {key: each for key, each in told.items() if key != "text"} for name, told in own.items()} == data["base"]["questions"]


@pytest.mark.slow
def test_simulate_with_bounds(escsim: Run) -> None:
    done = escsim("simulate", "iraq-iran-2024", "--bounds", "-n", "200", "--json")
    data = json.loads(done.out)["questions"]
    assert list(data["struck_again"]["bounds"]) == ["low", "high", "low_interval", "high_interval", "points", "runs", "unit"]
    assert data["struck_again"]["bounds"]["low"] < data["struck_again"]["estimate"] < data["struck_again"]["bounds"]["high"]
    assert set(data["worst_point"]["bounds"]) >= {"ambassador", "consultations"}
    assert "Bounds over the stated ranges" in escsim("simulate", "iraq-iran-2024", "--bounds", "-n", "200").out


def test_sensitivity_as_text_data_and_figure(escsim: Run, tmp_path: Any) -> None:
    args = ("sensitivity", "iraq-iran-2024", "-n", "300", "--points", "8")
    done = escsim(*args, "-o", "t.png")
    assert done.code == 0, done.err
    assert "One range at a time, all else as in the file; the largest swing first" in done.out
    assert "t.png" in done.err
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads(escsim(*args, "--json").out)
    assert list(data) == ["scenario", "hash", "question", "unit", "n", "seed", "base", "swings", "sobol", "bounds"]
    assert (data["sobol"]["points"], data["sobol"]["runs"]) == (8 * 9, 300)
    assert len(data["swings"]) == len(data["sobol"]["indices"]) == 7
    assert list(data["swings"][0]["low"]) == ["value", "written", "estimate", "low", "high", "effect"]
    assert data["swings"][0]["size"] == max(each["size"] for each in data["swings"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["simulate", "S", "--vary", "call_2.probability"], "--vary: it is written --vary EVENT.probability=0:1:0.1"),
        (["simulate", "S", "--vary", "cal_2.probability=0:1:0.1"], "--vary: there is no event or choice 'cal_2': did you mean 'call_2'?"),
        (["simulate", "S", "--vary", "call_2.probability=0:2:0.5"], "--vary: call_2.probability = 1.5: "),
        (["simulate", "S", "--vary", "agreement.mean=1:5:1"], "--vary: '1:5:1' is not LOW:HIGH:STEP, each written like '3 days'"),
        (["simulate", "S", "--vary", "call_2.probability=0:1:0.5", "--bounds"], "does not go with"),
        (["simulate", "S", "--bounds", "--from", "2024-01-18"], "does not go with"),
        (["sensitivity", "S", "--question", "struck_twic"], "there is no question 'struck_twic': did you mean 'struck_twice'?"),
        (["sensitivity", "S", "--points", "7"], "the points must be a power of 2 from 8 on"),
        (["sensitivity", "S", "-o", "a.txt"], "give it one of the endings"),
        (["sensitivity", "S", "--print"], "--print goes with -o"),
    ],
)
def test_wrong_options_are_refused_with_a_remedy(escsim: Run, args: list[str], message: str) -> None:
    done = escsim(*("iran-pakistan-2024" if each == "S" else each for each in args))
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert done.out == ""


def test_without_salib_the_rest_can_be_had(escsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="SALib")

    monkeypatch.setattr(cli.variants, "import_module", missing)
    done = escsim("sensitivity", "iraq-iran-2024", "-n", "50")
    assert done.code == 2
    assert "pip install 'escsim[sensitivity]', or --points 0" in done.err
    assert escsim("sensitivity", "iraq-iran-2024", "-n", "50", "--points", "0").code == 0

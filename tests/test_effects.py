"""What a change does: paired sums against a slow reader's, exact differences, and the command that tells them."""

from __future__ import annotations

import json
import math
import random
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import escsim
from escsim import exact
from escsim.effects import Effect, effect
from escsim.ensemble import Ensemble, simulate
from escsim.intervals import Z, paired_mean, paired_share
from escsim.library import load
from escsim.scenario import Question, Scenario
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Trajectory
from tests import strategies
from tests.strategies import KINDS, Data, Pick
from tests.test_cli import Run
from tests.test_forecasts import STORY
from tests.test_kernel import BENCHMARKS, SEED
from tests.test_questions import Reader, question

LEVEL = stats.norm.isf(1e-6 / 2 / 10)


def told(reader: Reader, twin: Reader, asked: Data) -> float | None:
    """Give what a question is to one world, as the slow reader counts it; None if it cannot be asked. Times are in days."""
    if "time_to" in asked:
        since, reached = reader.passage(asked["time_to"])
        other, _ = twin.passage(asked["time_to"])
        if since is None or other is None:
            return None
        return min((reader.end if reached is None else reached) - since, reader.end - max(since, other)) / TICKS_A_DAY
    if "time_in" in asked:
        return reader.spent(asked["time_in"]) / TICKS_A_DAY
    (number,) = [place for place, count in reader.counts(asked).items() if count] or [0]
    return int(reader.holds(asked["probability"])) if "probability" in asked else number


def test_effects_are_those_that_a_slow_reader_counts() -> None:
    """Worlds paired with the wrong twin, values of a question that are not comparable, worlds that differ and are not counted."""
    found = 0
    for number in range(40):
        pick = Pick(random.Random(f"effects {number}").randrange)
        scenario = strategies.load(KINDS[("free", "told", "hazards")[number % 3]](pick))
        asked = {f"q{i}": each for i, each in enumerate(question(pick, scenario) for _ in range(8)) if "peak" not in each}
        base, changed = (simulate(scenario, 12, seed=number, threads=1, intervention=each) for each in (None, "w"))
        comparison = effect(base, changed, {name: Question.model_validate(each) for name, each in asked.items()})
        pairs = [(base.trajectory(i), changed.trajectory(i)) for i in range(12)]
        assert comparison.differ == sum(happened(one) != happened(other) for one, other in pairs)
        for name, each in asked.items():
            readers = [(Reader(one), Reader(other)) for one, other in pairs]
            values = [(told(one, other, each), told(other, one, each)) for one, other in readers]
            both = [(one, other) for one, other in values if one is not None and other is not None]
            finest = scenario.period.ticks / 2**22 / TICKS_A_DAY
            assert comparison.effects[name].pairs == len(both), each
            if both:
                difference = np.mean([other - one for one, other in both])
                assert comparison.effects[name].estimate == pytest.approx(difference, abs=2 * finest), each
                assert comparison.effects[name].base == pytest.approx(np.mean([one for one, _ in both]), abs=2 * finest)
                found += difference != 0
        for i, (one, other) in enumerate(pairs[:4]):
            steps = [(ours, theirs) for ours, theirs in zip_longest(one.steps, other.steps) if bare(ours) != bare(theirs)]
            assert comparison.parting(i) == (steps[0] if steps else (None, None))
    assert found > 20


def bare(step: Any) -> Any:
    return None if step is None else (step.tick, step.event, step.moot, step.moves)


def happened(trajectory: Trajectory) -> list[tuple[int, str]]:
    return [(step.tick, step.event) for step in trajectory.steps if not step.moot]


def test_a_change_on_which_nothing_depends_has_no_effect() -> None:
    """Draws that shift when an event is taken away."""
    scenario = escsim.load("iran-pakistan-2024")
    base, changed = both(scenario, 5000, "no_third_call")
    comparison = escsim.effect(base, changed)
    assert comparison.differ == base.fates[0, scenario.order["call_3"]]
    for each in comparison.effects.values():
        assert (each.estimate, each.gain, each.base) == (0, None, each.changed)
    same = escsim.effect(base, base)
    assert same.differ == 0
    assert same.parting(17) == (None, None)


def both(scenario: Scenario, n: int, change: Any) -> list[Ensemble]:
    return [scenario.simulate(n, SEED, intervention=each) for each in (None, change)]


def test_effects_are_within_reach_of_exact_differences() -> None:
    """A sign, a scale; power: a difference of 0.004 is found in half of all runs."""
    scenario, n = escsim.load(BENCHMARKS / "w1.yaml"), 100_000
    slower = escsim.what_if(scenario, {"set": {"d": {"delay": {"exponential": {"mean": "8 days"}}}}})
    asked: dict[str, Data] = {
        "gone": {"probability": {"in": {"NOR->SOU": "envoys_recalled"}, "on": "2024-02-10"}},
        "restored": {"probability": {"reach": {"NOR->SOU": "restored"}, "by": "2024-01-20"}},
        "days": {"time_in": {"NOR->SOU": "envoys_recalled"}},
    }
    forms = {name: Question.model_validate(each) for name, each in asked.items()}
    known = [exact.solve(scenario, each) for each in (None, slower)]
    ours, theirs = both(scenario, n, slower)
    found = escsim.effect(ours, theirs, forms).effects
    for name, form in forms.items():
        base, changed = (each.answer(scenario, form) or 0.0 for each in known)
        one: Any = found[name]
        assert None not in (one.estimate, one.low, one.high, one.gain)
        assert abs(one.estimate - (changed - base)) <= LEVEL * (one.high - one.low) / 2 / Z
        assert one.gain > 1


def test_effects_do_not_depend_on_threads() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    base, changed = both(scenario, 50_000, "words_only")
    assert effect(base, changed, threads=1).to_dict() == effect(base, changed, threads=2).to_dict()


def test_ensembles_that_are_no_twins_are_refused() -> None:
    scenario = escsim.load("iran-pakistan-2024")
    base = scenario.simulate(10, SEED)
    for other in (scenario.simulate(11, SEED), scenario.simulate(10, SEED + 1), escsim.load("iraq-iran-2024").simulate(10, SEED)):
        with pytest.raises(ValueError, match="the same period, statuses, seed and number"):
            effect(base, other)


# ---- intervals


@pytest.mark.parametrize("shares", [(0.3, 0.1, 0.05, 0.55), (0.05, 0.02, 0.02, 0.91), (0.5, 0.0, 0.2, 0.3), (0.9, 0.05, 0.05, 0.0)])
@pytest.mark.parametrize("n", [50, 400])
def test_paired_intervals_cover_the_difference_in_95_of_100_samples(shares: tuple[float, ...], n: int) -> None:
    """Marginal shares taken for one another, or their correlation left out."""
    rng = np.random.default_rng(3)
    samples = [paired_share(both, gained, lost, n) for both, gained, lost, _ in rng.multinomial(n, shares, 4000).tolist()]
    difference = shares[1] - shares[2]
    covered = np.mean([each.low - 1e-12 <= difference <= each.high + 1e-12 for each in samples])
    assert 0.93 < covered < 0.99


def test_a_paired_interval_is_narrower_than_two_single_ones_and_no_point() -> None:
    together, apart = paired_share(400, 20, 10, 1000), paired_share(17, 403, 393, 1000)
    assert together.estimate == pytest.approx(apart.estimate) == pytest.approx(0.01)
    assert together.high - together.low < 0.5 * (apart.high - apart.low)
    nothing = paired_share(300, 0, 0, 1000)
    assert nothing.estimate == 0
    assert nothing.low < 0 < nothing.high
    wald = Z * math.sqrt((200 + 100 - 100**2 / 10_000) / 10_000**2)
    large = paired_share(4000, 200, 100, 10_000)
    assert large.high - large.estimate == pytest.approx(wald, rel=0.03)
    assert paired_mean(6, 14, 3).estimate == 2
    assert paired_mean(6, 14, 3).high == pytest.approx(2 + Z * np.std([1, 2, 3], ddof=1) / math.sqrt(3))


# ---- the command


def test_whatif_tells_what_a_change_does(escsim: Run) -> None:
    done = escsim("whatif", "iran-pakistan-2024", "no_retaliation", "-n", "500", "--seed", "7", "--run", "2")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "Iran and Pakistan, January 2024. What if: no_retaliation: Pakistan does not strike back."
    (struck,) = [line.split() for line in lines if line.startswith("struck_twice ")]
    assert struck[3:5] == ["0.0", "%"]
    assert "Variant 2" in lines
    assert "Removed by the what-if, so it comes to nothing." in done.out
    assert "Traceback" not in done.out


def test_whatif_as_data(escsim: Run) -> None:
    done = escsim("whatif", "iran-pakistan-2024", "--remove", "pakistani_strikes", "-n", "500", "--seed", "7", "--json")
    data = json.loads(done.out)
    assert list(data) == ["scenario", "hash", "what_if", "n", "seed", "differ", "effects"]
    assert data["what_if"] == {"remove": ["pakistani_strikes"]}
    assert (data["n"], data["seed"]) == (500, 7)
    assert list(data["effects"]["struck_back"]) == list(Effect.__dataclass_fields__)
    assert data["effects"]["struck_back"]["changed"] == 0
    named = json.loads(escsim("whatif", "iran-pakistan-2024", "no_retaliation", "-n", "500", "--seed", "7", "--json").out)
    assert named["effects"] == data["effects"]


@pytest.mark.parametrize(
    ("args", "changed"),
    [
        (["--move", "call_2=2024-01-18 06:00"], {"move": {"call_2": "2024-01-18 06:00"}}),
        (["--force", "call_2=2024-01-17"], {"force": {"call_2": "2024-01-17"}}),
        (["--choose", "military_answer=nothing"], {"choose": {"military_answer": "nothing"}}),
        (
            ["--set", "call_2.probability=0.3", "--set", "call_2.delay=2 days"],
            {"set": {"call_2": {"probability": 0.3, "delay": {"fixed": "2 days"}}}},
        ),
    ],
)
def test_every_kind_of_change_can_be_said(escsim: Run, args: list[str], changed: Data) -> None:
    done = escsim("whatif", "iran-pakistan-2024", *args, "-n", "20", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["what_if"]
    if "set" in changed:
        assert found["set"]["call_2"]["probability"] == 0.3
        assert "2 days" in json.dumps(found["set"]["call_2"]["delay"])
    else:
        assert found == changed


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "say what to change: a NAME of the file's `what_if` (no_retaliation, early_call, words_only,"),
        (["--choose", "military_answer=nothing", "--choose", "military_answer=show_of_force"], "--choose: 'military_answer' is given twice"),
        (["--set", "call_2.probability=0.2", "--set", "call_2.probability=0.3"], "--set: 'call_2.probability' is given twice"),
        (["no_retaliatio"], "there is no what-if 'no_retaliatio': did you mean 'no_retaliation'?"),
        (["no_retaliation", "--remove", "call_2"], "give the NAME of a what-if or say the change yourself, not both"),
        (["--remove", "cal_2"], "unknown event 'cal_2': did you mean 'call_2'?"),
        (["--move", "call_2"], "--move: it is written --move NAME=..., not 'call_2'"),
        (["--set", "call_2=3"], "--set: it is written --set EVENT.probability=0.3, not 'call_2=3'"),
        (["--set", "call_2.probability=1.5"], "--set call_2.probability: must be at most 1, this is 1.5"),
        (["--set", "call_2.delay={a: "], "not valid YAML"),
        (["--force", "call_2=2024-01-32"], "there is no '2024-01-32' in the calendar"),
        (["--choose", "military_answer=talk"], "unknown option 'talk': known option names"),
        (["no_retaliation", "-n", "10", "--run", "10"], "--run: variants are numbered 0 to 9"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_a_remedy(escsim: Run, args: list[str], message: str) -> None:
    done = escsim("whatif", "iran-pakistan-2024", *args)
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_scenario_without_questions_still_tells_which_worlds_differ(escsim: Run, small: Path) -> None:
    done = escsim("whatif", str(small), "--remove", "talks", "-n", "50")
    assert done.code == 0, done.err
    assert "differ from their twin" in done.out


def test_a_change_that_only_moves_the_beginning_has_no_effect_on_a_time_from_it() -> None:
    """Two worlds that wait for different lengths of time."""
    text = """\
title: Later
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-31}
events:
  - {id: d, date: 2024-01-05, actor: AAA, target: BBB, action: strike}
  - {id: f, actor: BBB, target: AAA, action: protest, follows: d, probability: 0.5, delay: 2 days}
  - {id: g, actor: BBB, target: AAA, action: protest, follows: d, delay: 30 minutes}
questions:
  far: {time_to: {happens: f, after: d}}
  near: {time_to: {happens: g}}
what_if:
  late: {move: {d: 2024-01-21}}
  later: {set: {g: {delay: 40 minutes}}}
"""
    scenario = strategies.load(text)
    ours, theirs = both(scenario, 500, "late")
    assert effect(ours, theirs).effects["far"].estimate == 0
    ours, theirs = both(scenario, 500, "later")
    assert effect(ours, theirs).effects["near"].estimate == pytest.approx(10 / 60 / 24, rel=1e-3)


def test_where_a_world_parts_is_told_as_data(escsim: Run) -> None:
    data = json.loads(escsim("whatif", "iran-pakistan-2024", "no_retaliation", "-n", "20", "--seed", "7", "--run", "2", "--json").out)
    assert data["parting"]["run"] == 2
    assert (data["parting"]["as_it_is"]["event"], data["parting"]["what_if"]["moot"]) == ("pakistani_strikes", True)


# Two codings


def coded(**changes: str) -> Any:
    """Give a coding of a short story, with parts of it replaced."""
    text = STORY
    for old, new in changes.items():
        text = text.replace(*{"chance": ("probability: 0.75", f"probability: {new}"), "name": ("id: help", f"id: {new}")}[old])
    return strategies.load(text)


def test_two_codings_that_say_the_same_are_the_same_world_by_world() -> None:
    """Whatever the order of their events, which only parts ties."""
    lines = STORY.split("\n")
    place = next(number for number, line in enumerate(lines) if "id: protest" in line)
    other = strategies.load("\n".join([*lines[: place - 2], lines[place], *lines[place - 2 : place], *lines[place + 1 :]]))
    one = strategies.load(STORY)
    assert list(one.order) != list(other.order)
    told = effect(one.simulate(2000, seed=3), other.simulate(2000, seed=3))
    assert told.differ == 0
    assert all(each.estimate == 0 for each in told.effects.values())


def test_codings_differ_where_an_event_has_another_name_or_number() -> None:
    one = coded().simulate(3000, seed=3)
    renamed = effect(one, coded(name="good_offices").simulate(3000, seed=3))
    happened = int(one.fates[0, one.scenario.order["help"]])
    assert renamed.differ >= happened > 0
    assert renamed.effects["home"].estimate == 0
    likelier = effect(one, coded(chance="0.95").simulate(3000, seed=3))
    found = likelier.effects["home"]
    assert found.high is not None
    assert found.high < 0  # he is home at the end less often
    by_set = one.scenario.with_(set={"back": {"probability": 0.95}}).simulate(3000, seed=3)
    assert found == effect(one, by_set).effects["home"]


def test_codings_of_other_periods_are_not_compared() -> None:
    one, other = (load(name).simulate(10) for name in ("iran-pakistan-2024", "iraq-iran-2024"))
    with pytest.raises(ValueError, match="the same period, statuses, seed and number of variants"):
        effect(one, other)


def test_compare_tells_of_two_files(escsim: Run, tmp_path: Path) -> None:
    for name, text in (("one", STORY), ("two", STORY.replace("probability: 0.75", "probability: 0.95"))):
        (tmp_path / f"{name}.yaml").write_text(text)
    files = (str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml"))
    done = escsim("compare", *files, "-n", "400", "--run", "3")
    assert done.code == 0
    assert "one (A short story) beside two (A short story)" in done.out
    logs = [float(each) for each in re.findall(r"Log-likelihood of history by \w+: (-[0-9.]+)", done.out)]
    assert logs[1] - logs[0] == pytest.approx(math.log(0.95 / 0.75), abs=0.011)
    data = json.loads(escsim("compare", *files, "-n", "400", "--json").out)
    assert (data["scenario"], data["other"]) == ("one", "two")
    assert data["effects"]["home"]["estimate"] < 0
    same = json.loads(escsim("compare", files[0], files[0], "-n", "400", "--json").out)
    assert same["differ"] == 0
    assert "other" not in same
    assert escsim("compare", "iran-pakistan-2024", "iraq-iran-2024").code == 2

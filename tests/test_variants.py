"""`escsim simulate` and `escsim exact`: what they print, for people and for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import escsim as package
from escsim import exact
from escsim.intervals import wilson
from escsim.report import ensemble as told

Run = Callable[..., Any]
BENCHMARKS = Path(__file__).parent / "benchmarks"
STORM = """\
title: A storm
actors: {AAA: A, BBB: B}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-10}
events:
  - {id: storm, actor: AAA, target: BBB, action: recall_envoy, repeats: true, while: {AAA->BBB: normal}, delay: 0 seconds}
  - {id: calm, actor: AAA, target: BBB, action: [return_envoy, normalise], repeats: true, while: {AAA->BBB: envoys_recalled}, delay: 0 seconds}
"""


def test_json_has_the_documented_keys_and_adds_up(escsim: Run) -> None:
    done = escsim("simulate", "iran-pakistan-2024", "-n", "500", "--seed", "7", "--json")
    assert (done.code, done.err) == (0, "")
    data = json.loads(done.out)
    keys = "scenario title n seed from hash process interval days occupancy occupancy_low occupancy_high pairs events questions"
    assert list(data) == keys.split()
    assert list(data["questions"]) == list(package.load("iran-pakistan-2024").questions)
    for asked in data["questions"].values():
        assert list(asked)[:2] == ["text", "kind"]
        assert {"asked", "estimate", "low", "high", "method", "replay"} <= set(asked)
    assert (data["n"], data["seed"], len(data["days"])) == (500, 7, 77)
    scenario = package.load("iran-pakistan-2024")
    assert data["hash"] == scenario.hash
    assert list(data["occupancy"]) == list(scenario.missions)
    assert list(data["pairs"]) == ["PAK-IRN"]
    for mission, held in data["occupancy"].items():
        assert list(held) == list(scenario.ladder.statuses)
        for day in range(77):
            assert sum(shares[day] for shares in held.values()) == pytest.approx(1)
        for status, shares in held.items():
            bounds = zip(data["occupancy_low"][mission][status], shares, data["occupancy_high"][mission][status], strict=True)
            assert all(low <= share <= high for low, share, high in bounds)
    assert list(data["events"]) == list(scenario.order)
    for fates in data["events"].values():
        assert list(fates) == ["happened", "chance", "cancelled", "moot", "censored"]
        assert sum(fate["estimate"] for fate in fates.values()) <= 1 + 1e-9
    recall = data["events"]["recall"]["happened"]
    assert recall == wilson(round(recall["estimate"] * 500), 500)._asdict()


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(escsim: Run) -> None:
    said = [escsim("simulate", "iraq-iran-2024", "-n", "3000", "--threads", threads).out for threads in ("1", "2", "4")]
    assert said[0] == said[1] == said[2]
    assert said[0] != escsim("simulate", "iraq-iran-2024", "-n", "3000", "--seed", "1").out


def test_the_flagship_tells_a_believable_story() -> None:
    """Most worlds restore, some do not, a few spiral; and for every reason why not there is an event to show it."""
    scenario = package.load("iran-pakistan-2024")
    ensemble = scenario.simulate(4000, seed=7)
    last = ensemble.days[-1]
    at_post = sum(ensemble.share("PAK-IRN", status, last).estimate for status in ("normal", "restored"))
    assert 0.7 < at_post < 0.9
    assert 0.1 < ensemble.share("PAK-IRN", "envoys_recalled", last).estimate < 0.25
    assert 0 < ensemble.share("PAK-IRN", "severed", last).estimate < 0.03
    assert 0.02 < ensemble.fate("second_iranian_strike")["happened"].estimate < 0.15
    for fate in ("happened", "chance", "cancelled", "censored"):
        assert any(ensemble.fate(event)[fate].estimate > 0.05 for event in scenario.order), fate


def test_a_table_for_people(escsim: Run) -> None:
    done = escsim("simulate", "iran-pakistan-2024", "-n", "200")
    assert done.code == 0
    assert "Iran and Pakistan, January 2024: 200 variants, seed 20240116" in done.out
    assert re.search(r"^2024-03-31 +[\d.]+ ", done.out, re.MULTILINE)
    assert re.search(r"^iranian_strikes +100\.0 \(98\.1 to 100\.0\) +- +- +- +- +-$", done.out, re.MULTILINE)
    assert done.out.count("2024-02-0") < 10
    daily = escsim("simulate", "iran-pakistan-2024", "-n", "200", "--daily").out
    assert daily.count("2024-02-0") == 27, "nine days of three units"


def test_what_is_rare_is_told_apart_from_what_never_was() -> None:
    scenario = package.load("iran-pakistan-2024")
    lines = [text for text, _ in told(scenario.simulate(5000, seed=3), width=120)]
    assert any("<0.1" in line for line in lines)


def test_many_statuses_are_told_line_by_line_where_columns_are_too_wide() -> None:
    scenario = package.load("saudi-iran-2016")
    lines = [text for text, _ in told(scenario.simulate(300), width=72)]
    assert max(map(len, lines[: lines.index("What became of each event")])) <= 72


def test_exact_shares_stand_beside_the_sampled_ones(escsim: Run) -> None:
    said = escsim("simulate", BENCHMARKS / "w1.yaml", "-n", "20000").out
    found = re.findall(r"([\d.]+) \(([\d.]+)\)", said.split("What became")[0])
    assert len(found) == 4 * 13
    assert all(abs(float(share) - float(exact)) < 1.8 for share, exact in found)
    data = json.loads(escsim("simulate", BENCHMARKS / "w1.yaml", "-n", "100", "--json").out)
    assert {mission: set(held) for mission, held in data["exact"].items()} == {mission: set(held) for mission, held in data["occupancy"].items()}


def test_no_exact_solution_is_tried_where_a_glance_shows_that_there_is_none(escsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would cost a tenth of a small simulation."""
    monkeypatch.delattr(exact, "solve")
    assert escsim("simulate", "iran-pakistan-2024", "-n", "10").code == 0
    assert escsim("simulate", BENCHMARKS / "w1.yaml", "-n", "10").code == 70


def test_a_chain_is_solved_and_told(escsim: Run) -> None:
    said = escsim("exact", BENCHMARKS / "w1.yaml")
    assert said.code == 0
    assert "a Markov chain of 4 states" in said.out
    data = json.loads(escsim("exact", BENCHMARKS / "w1.yaml", "--json").out)
    assert list(data) == ["scenario", "hash", "states", "days", "occupancy", "absorbed", "time", "first_passage"]
    spent = sum(data["time"]["NOR->SOU"].values())
    assert spent == pytest.approx(60, abs=1e-9)


def test_what_is_no_chain_is_refused_with_every_event_in_the_way(escsim: Run) -> None:
    said = escsim("exact", BENCHMARKS / "w2.yaml")
    assert (said.code, said.out) == (1, "")
    assert said.err.count("the chain cannot be solved exactly") == 5
    assert "'b' has a lognormal delay" in said.err


def test_a_circle_without_delay_is_told_with_its_events(escsim: Run) -> None:
    Path("storm.yaml").write_text(STORM, "utf-8")
    said = escsim("simulate", "storm.yaml", "-n", "3")
    assert (said.code, said.out) == (1, "")
    assert "10,000 firings in one run (seed 0, trajectory 0)" in said.err
    assert "storm, calm" in said.err


@pytest.mark.parametrize("args", [["-n", "0"], ["-n", "many"], ["--seed", "-1"], ["--seed", str(2**64)], ["--threads", "0"]])
def test_a_number_out_of_range_is_a_wrong_command_line(escsim: Run, args: list[str]) -> None:
    said = escsim("simulate", "iran-pakistan-2024", *args)
    assert (said.code, said.out) == (2, "")


def test_wilsons_interval_is_wilsons() -> None:
    """Agresti and Coull 1998: 0 of 20 gives 0 to 0.161; and the textbook case 81 of 263."""
    assert wilson(0, 20).low == 0
    assert wilson(0, 20).high == pytest.approx(0.16113, abs=1e-5)
    assert wilson(20, 20).high == 1
    assert wilson(81, 263).low == pytest.approx(0.2553, abs=1e-4)
    assert wilson(81, 263).high == pytest.approx(0.3662, abs=1e-4)
    with pytest.raises(ValueError, match="5 of 4 is no share"):
        wilson(5, 4)
    with pytest.raises(ValueError, match="0 of 0 is no share"):
        wilson(0, 0)


@pytest.mark.parametrize("precision", [0.05, 0.013])
def test_a_precision_says_how_many_variants_it_takes(escsim: Run, precision: float) -> None:
    """One variant too few, or half of an interval taken for the whole."""
    done = escsim("simulate", "iran-pakistan-2024", "--precision", precision, "--json")
    assert (done.code, done.err) == (0, "")
    data = json.loads(done.out)
    widest = wilson(data["n"] // 2, data["n"])
    assert max(widest.high - widest.estimate, widest.estimate - widest.low) <= precision * (1 + 1e-3)
    fewer = wilson((data["n"] - 1) // 2, data["n"] - 1)
    assert fewer.high - fewer.low > 2 * precision * (1 - 1e-3)
    said = escsim("simulate", "iran-pakistan-2024", "--precision", precision).err
    assert "cannot be said of days_without_envoys, days_to_return, border_incidents" in said
    assert "in which it can be asked, which are fewer, are less certain in days_to_return" in said
    both = escsim("simulate", "iran-pakistan-2024", "--precision", precision, "-n", 10)
    assert (both.code, both.out) == (2, "")
    assert "--precision does not go with -n" in both.err

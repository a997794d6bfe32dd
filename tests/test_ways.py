"""The diagram of variants: every count against the trajectories themselves, run one by one; drawn so that it can be read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import escsim
from escsim import captions, plots
from escsim.ensemble import Ensemble
from escsim.intervals import wilson
from escsim.ways import ways
from tests.conftest import SHEETS
from tests.test_kernel import BENCHMARKS
from tests.test_plots import CROWDED, HOSTILE, NO_MISSION, SHIPPED, TINY, USER, check_readable, replay, texts

MADE: dict[str, Ensemble] = {}
# Two moves in one event, a way entered anew, and one that no variant takes.
BOTH = """
title: Recall, return and again
actors: {AAA: Alphaland, BBB: Betastan}
ladder:
  machine:
    states: [normal, restored, recalled, severed]
    initial: normal
    transitions:
      - [recall, [normal, restored], recalled]
      - [give_back, recalled, restored]
      - [settle, restored, normal]
      - [scold, normal, =]
      - [sever, '*', severed]
period: {from: 2020-05-01, to: 2020-05-31}
events:
  - {id: scolding, actor: AAA, target: BBB, action: scold, repeats: true, delay: {exponential: {mean: 9 days}}}
  - {id: recall, date: 2020-05-04, actor: AAA, target: BBB, action: recall, probability: 0.7}
  - {id: back, actor: AAA, target: BBB, action: [give_back, settle], follows: recall, delay: {exponential: {mean: 20 days}}}
"""


def made(name: str) -> Ensemble:
    if name not in MADE:
        MADE[name] = escsim.load(name).simulate(300, 7)
    return MADE[name]


def slowly(ensemble: Ensemble) -> tuple[Counter[captions.Way], Counter[tuple[captions.Way, str]]]:
    """In how many trajectories each way is taken, and each way by each event."""
    total: Counter[captions.Way] = Counter()
    by: Counter[tuple[captions.Way, str]] = Counter()
    for number in range(ensemble.n):
        moves = [((move.source, move.dest), step.event) for step in ensemble.trajectory(number).steps for move in step.moves]
        total.update({way for way, _ in moves})
        by.update(set(moves))
    return total, by


def check_rows(ensemble: Ensemble) -> None:
    total, by = slowly(ensemble)
    history = ensemble.scenario.history()
    header, *rows = ways(ensemble).rows
    assert header == ("from", "to", "variants", "share", "low", "high", "history", "events")
    assert [row[:2] for row in rows] == list(captions.ways(ensemble.scenario))
    for source, dest, many, *interval, past, events in rows:
        way = source, dest
        assert many == total[way]
        assert tuple(interval) == wilson(many, ensemble.n)
        assert past == (len(captions.taken(history).get(way, ())) if history else 0)
        told = dict(each.rsplit(" ", 1) for each in events.split("; ") if each)
        assert {event: int(count) for event, count in told.items()} == {event: count for (each, event), count in by.items() if each == way}
        assert [int(count) for count in told.values()] == sorted((int(count) for count in told.values()), reverse=True)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.slow
def test_counts_are_those_of_the_trajectories_one_by_one(name: str) -> None:
    check_rows(made(name))


def test_a_step_through_two_statuses_is_two_ways_and_a_status_entered_anew_is_one(tmp_path: Path) -> None:
    ensemble = replay(tmp_path, BOTH).scenario.simulate(200, 3)
    check_rows(ensemble)
    counts = {row[:2]: row[2] for row in ways(ensemble).rows[1:]}
    assert counts["recalled", "restored"] == counts["restored", "normal"] > 0
    assert counts["normal", "normal"] > 0
    assert counts["normal", "severed"] == 0
    check_readable(ways(ensemble).figure)


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("name", [*SHIPPED, str(BENCHMARKS / "large.yaml")])
def test_it_can_be_read(name: str, paper: bool) -> None:
    check_readable(ways(made(name), paper=paper).figure)


@pytest.mark.parametrize("text", [TINY, NO_MISSION, USER, CROWDED, HOSTILE], ids=["one event", "no mission", "ladder", "a crowd", "hostile"])
def test_other_scenarios_can_be_read(tmp_path: Path, text: str) -> None:
    check_readable(ways(replay(tmp_path, text).scenario.simulate(20)).figure)


@pytest.mark.slow
def test_where_there_is_no_room_the_rarest_ways_go_without_a_name(tmp_path: Path) -> None:
    """More ways than labels fit: from each of twelve statuses to each other."""
    names = [f"s{number}" for number in range(12)]
    moves = "".join(f"\n      - [go_{name}, [{', '.join(each for each in names if each != name)}], {name}]" for name in names)
    hazard = "actor: AAA, target: BBB, repeats: true, delay: {exponential: {mean: 9 days}}"
    events = "".join(f"\n  - {{id: to_{name}, action: go_{name}, {hazard}}}" for name in names)
    path = tmp_path / "all.yaml"
    path.write_text(
        "title: Everything\nactors: {AAA: Alphaland, BBB: Betastan}\nladder:\n  machine:\n    initial: s0\n"
        f"    states: [{', '.join(names)}]\n    transitions:{moves}\nperiod: {{from: 2020-05-01, to: 2020-05-31}}\nevents:{events}\n",
        encoding="utf-8",
    )
    ensemble = escsim.load(path).simulate(100, 7)
    picture = ways(ensemble)
    check_readable(picture.figure)
    said = [each.get_text() for each in texts(picture.figure)]
    counts = sorted((row[2] for row in picture.rows[1:] if row[2]), reverse=True)
    named = [line for line in said if line.endswith(" of 100") and "→" in line]
    assert f"{len(counts) - len(named)} rare ways not named" in said
    assert max(counts) == max(int(line.split()[1]) for line in named)


def test_lines_differ_in_width_and_dashes_by_history_variants_and_neither() -> None:
    ensemble = made("iran-pakistan-2024")
    figure = ways(ensemble).figure
    arrows = [patch for axes in figure.axes for patch in axes.patches if type(patch).__name__ == "FancyArrowPatch"]
    looks = Counter((round(patch.get_linewidth(), 6), str(patch.get_linestyle())) for patch in arrows)
    total, _ = slowly(ensemble)
    past = captions.taken(ensemble.scenario.replay())
    never = len(captions.ways(ensemble.scenario)) - len({*total, *past})
    assert sorted(looks.values()) == sorted(each + 1 for each in (len(past), len({*total} - {*past}), never))  # and one of each in the key
    assert len({width for width, _ in looks}) == len({dashes for _, dashes in looks}) == 3


def test_the_words_are_the_numbers() -> None:
    ensemble = made("iran-pakistan-2024")
    total, by = slowly(ensemble)
    picture = ways(ensemble)
    said = [line for each in texts(picture.figure) for line in each.get_text().replace("\N{NO-BREAK SPACE}", " ").split("\n")]
    way = ("normal", "envoys_recalled")
    assert f"●→■ {total[way]} of 300" in said
    assert "history: 17 Jan 2024" in said
    assert "[PAK→IRN ●]" in said
    assert any("300 variants, ±5.6 points (95 %), seed 7" in each for each in said)
    assert f"From normal to envoys recalled: {total[way]} of 300, ambassador recalled in {by[way, 'recall']}, " in picture.description
    assert picture.description.startswith(said[0])
    for (source, dest), triggers in captions.ways(ensemble.scenario).items():
        glyphs = {"normal": "●", "restored": "◆", "downgraded": "▲", "envoys_recalled": "■", "severed": "✖"}
        assert total[source, dest] or triggers
        never = next((line for line in said if line.startswith(f"{glyphs[source]} → ")), "")
        assert (glyphs[dest] in never[3:]) == (total[source, dest] == 0)


def test_it_is_the_same_to_the_byte_however_the_variants_are_cut() -> None:
    ensemble = made("saudi-iran-2016")
    one, two = (plots.render(ways(each).figure, "svg") for each in (ensemble, escsim.load("saudi-iran-2016").simulate(300, 7, threads=1)))
    assert one == two

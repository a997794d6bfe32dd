"""Variants behind the figure of a trajectory: they are the runs of these numbers, apart, told, and history stays in front."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

import escsim
from escsim import captions, plots
from escsim.timeline import Timescale, draw
from tests.conftest import SHEETS
from tests.test_plots import CROWDED, SHIPPED, check_readable, lanes, replay, texts

EPOCH = datetime(1970, 1, 1)
MADE = {name: escsim.load(name).simulate(30, 7) for name in SHIPPED}
RUNS = {name: [ensemble.trajectory(number) for number in range(20)] for name, ensemble in MADE.items()}


def behind(figure: Figure) -> dict[tuple[int, str], StepPatch]:
    """The grey lines by number and mission."""
    patches = [patch for axes in figure.axes for patch in axes.patches if isinstance(patch, StepPatch) and (patch.get_gid() or "").startswith("run-")]
    told = [(patch, *patch.get_gid().split("-", 2)[1:]) for patch in patches]
    return {(int(number), mission.replace("-", "->")): patch for patch, number, mission in told}


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.slow
def test_it_can_be_read(name: str, paper: bool) -> None:
    check_readable(plots.trajectory(RUNS[name][0].scenario.replay(), runs=RUNS[name], paper=paper).figure)


def test_a_crowd_with_runs_can_be_read(tmp_path: Path) -> None:
    run = replay(tmp_path, CROWDED)
    ensemble = run.scenario.simulate(5)
    check_readable(plots.trajectory(run, runs=[ensemble.trajectory(number) for number in range(5)]).figure)


@pytest.mark.parametrize("name", ["iran-pakistan-2024", "iraq-iran-2024"])
@pytest.mark.slow
def test_every_grey_line_is_the_run_of_its_number(name: str) -> None:
    """A line on another's level or date, a run left out, a distance that changes along the way."""
    runs = RUNS[name]
    scenario = runs[0].scenario
    heights, period = scenario.ladder.heights, scenario.period
    found = behind(plots.trajectory(scenario.replay(), runs=runs).figure)
    assert set(found) == {(number, mission) for number in range(20) for mission in scenario.missions}
    for (number, mission), patch in found.items():
        values, edges, _ = patch.get_data()
        begins = [period.moment(tick) for tick, _ in runs[number].paths[mission]]
        assert list(edges[1:-1]) == pytest.approx([(begin - EPOCH) / escsim.times.DAY for begin in begins[1:]])
        order = [heights[status] for _, status in runs[number].paths[mission]]
        for (one, high), (other, low) in pairwise(zip(order, values, strict=True)):
            assert (one > other, one == other) == (high > low, high == low)
    for mission in scenario.missions:
        apart = sorted(found[number, mission].get_data()[0][0] for number in range(20))
        assert min(b - a for a, b in pairwise(apart)) > 0.5
        (history,) = {patch.get_data()[0][0] for gid, patch in lanes(_drawn(name)).items() if gid == f"lane-{mission.replace('->', '-')}"}
        assert apart[0] > history


def _drawn(name: str) -> Figure:
    return plots.trajectory(RUNS[name][0].scenario.replay(), runs=RUNS[name]).figure


def test_history_is_in_front() -> None:
    figure = _drawn("iran-pakistan-2024")
    grey = {patch.get_zorder() for patch in behind(figure).values()}
    black = {patch.get_zorder() for gid, patch in lanes(figure).items() if gid.startswith("lane-")}
    assert max(grey) < min(black)


def test_the_words_say_which_runs_and_how_they_end() -> None:
    runs = RUNS["iran-pakistan-2024"]
    scenario = runs[0].scenario
    picture = plots.trajectory(scenario.replay(), runs=runs)
    said = [each.get_text() for each in texts(picture.figure)]
    told = "grey: 20 of the variants, seed 7, numbers 0–19"
    assert any(told in each for each in said)
    assert told in picture.description
    ends = [run.status_at("PAK->IRN", scenario.period.ticks) for run in runs]
    assert f"■ {ends.count('envoys_recalled')} envoys recalled" in said
    assert f"Pakistan’s mission in Iran ends so in them: normal {ends.count('normal')}, " in picture.description
    rows = [dict(zip(picture.rows[0], row, strict=True)) for row in picture.rows[1:]]
    moves = [(f"{row['date']} {row['time']}", row["to"]) for row in rows if (row["run"], row["mission"]) == ("seed 7, trajectory 4", "PAK->IRN")]
    period = scenario.period
    assert moves == [(f"{period.moment(tick):%Y-%m-%d %H:%M}", status) for tick, status in runs[4].paths["PAK->IRN"][1:]]


def test_numbers_that_do_not_follow_each_other_are_not_told_as_if_they_did() -> None:
    runs = RUNS["iraq-iran-2024"]
    assert captions.behind(runs[3:7]) == "grey: 4 of the variants, seed 7, numbers 3–6"
    assert captions.behind(runs[3:10:3]) == "grey: 3 of the variants, seed 7, among numbers 3 to 9"


def test_the_end_of_the_period_is_on_the_axis_where_runs_are() -> None:
    scale = Timescale([16, 17, 22], [], 340, 1600, until=90)
    assert scale.end == 90
    assert scale.cuts == [(22.0, 90)]
    assert float(scale(90)) == 1600
    assert Timescale([16, 17, 22], [], 340, 1600).end < 90


def test_shown_in_part_it_has_no_later_event_and_no_later_status() -> None:
    """A frame that shows what the next event of the same day does."""
    history = escsim.load("iran-pakistan-2024").replay()
    number = next(number for number, step in enumerate(history.steps) if step.event == "recall")
    figure = draw(history, "Recalled", shown=number + 1)
    said = {each.get_text() for each in texts(figure)}
    assert "ambassador recalled" in said
    assert "Iran's envoy barred" not in said
    found = lanes(figure)
    assert [len(found[f"lane-{pair}"].get_data()[0]) for pair in ("PAK-IRN", "IRN-PAK")] == [2, 1]
    check_readable(figure)

"""The fan of a count: its lines against the trajectories themselves, run one by one; what is no count is refused."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import StepPatch

import escsim
from escsim import plots
from escsim.ensemble import Ensemble
from escsim.errors import AskedError
from escsim.fan import fan
from escsim.intervals import rank
from tests.conftest import SHEETS
from tests.test_plots import check_readable, replay, texts

N = 300
MADE = escsim.load("iran-pakistan-2024").simulate(N, 7)
OFTEN = """
title: A border that is never quiet
actors: {AAA: Alphaland, BBB: Betastan}
ladder: simple
period: {from: 2020-05-01, to: 2020-12-31}
events:
  - {id: first_shot, date: 2020-05-04, actor: AAA, target: BBB, action: border_clash, follows: shot, repeats: true}
  - {id: shot, date: 2020-05-02, actor: BBB, target: AAA, action: border_clash}
  - {id: shots, actor: BBB, target: AAA, action: border_clash, repeats: true, delay: {exponential: {mean: 2 days}}}
"""


def counted(ensemble: Ensemble, event: str) -> np.ndarray:
    """How often it has happened by the end of each day, in each trajectory: sorted for each day."""
    period = ensemble.scenario.period
    ends = [period.tick(escsim.times.datetime.combine(day, escsim.times.datetime.min.time()) + timedelta(1)) for day in ensemble.days]
    runs = [[step.tick for step in ensemble.trajectory(number).steps if step.event == event and not step.moot] for number in range(ensemble.n)]
    return np.sort([[sum(tick < end for tick in run) for end in ends] for run in runs], axis=0)


@pytest.mark.parametrize("event", ["border_incident", "incident_stops_talks"])
@pytest.mark.slow
def test_lines_are_the_order_statistics_of_the_trajectories_one_by_one(event: str) -> None:
    slow = counted(MADE, event)
    header, *rows = fan(MADE, event).rows
    assert header == ("date", "event", "quantile", "count", "low", "high", "history")
    assert len(rows) == 7 * len(MADE.days)
    for day, name, share, count, low, high, history in rows:
        here = slow[:, [str(each) for each in MADE.days].index(day)]
        assert (name, history) == (event, 0)
        assert count == here[math.ceil(round(share * N, 6)) - 1]
        assert (low, high) == tuple(here[place - 1] for place in rank(share, N)[::2])


def test_the_bands_are_drawn_where_the_numbers_are() -> None:
    figure = fan(MADE).figure
    patches = {patch.get_gid(): patch.get_data() for axes in figure.axes for patch in axes.patches if isinstance(patch, StepPatch)}
    slow = counted(MADE, "border_incident")
    base, median = patches["history"].values[0], patches["median"].values
    per_time = {round((base - y) / times, 6) for y, times in zip(median, slow[N // 2 - 1], strict=True) if times}
    assert len(per_time) == 1  # one height for one time
    (unit,) = per_time
    for band, (low, high) in {95: (8, 293), 80: (30, 270), 50: (75, 225)}.items():
        drawn = patches[f"band-{band}"]
        np.testing.assert_allclose((base - drawn.values) / unit, slow[high - 1], atol=1e-4)
        np.testing.assert_allclose((base - drawn.baseline) / unit, slow[low - 1], atol=1e-4)


def test_the_words_are_the_numbers() -> None:
    slow = counted(MADE, "border_incident")[:, -1]
    picture = fan(MADE)
    said = [each.get_text() for each in texts(picture.figure)]
    assert said[0] == f"‘border incident’ {slow[149]} times by 31 March 2024 (median), {slow[7]} to {slow[292]} in 95 % of variants; history 0"
    assert {f"median {slow[149]}", f"95 %: {slow[7]} to {slow[292]}", f"50 %: {slow[74]} to {slow[224]}", "history 0"} <= set(said)
    assert picture.description.startswith(said[0])
    error = max(max(high - count, count - low) for *_, count, low, high, _ in picture.rows[1:])
    assert f"300 variants, lines ±{error} (95 %), seed 7" in picture.description


@pytest.mark.parametrize("paper", SHEETS)
def test_it_can_be_read(tmp_path: Path, paper: bool) -> None:
    check_readable(fan(MADE, paper=paper).figure)
    often = replay(tmp_path, OFTEN).scenario.simulate(50)
    check_readable(fan(often, "shots", paper=paper).figure)


def test_history_stands_on_the_same_axes(tmp_path: Path) -> None:
    ensemble = replay(tmp_path, OFTEN).scenario.simulate(50)
    picture = fan(ensemble)
    rows = [row for row in picture.rows[1:] if row[2] == 0.5]
    assert [row[-1] for row in rows[:5]] == [0, 0, 0, 1, 1]
    assert {row[1] for row in rows} == {"first_shot"}
    assert "; history 1" in picture.description


def test_without_a_history_there_is_none_on_it(tmp_path: Path) -> None:
    path = tmp_path / "undated.yaml"
    path.write_text(OFTEN.replace("date: 2020-05-04, ", "delay: 1 day, ").replace("date: 2020-05-02, ", "delay: 1 day, "), encoding="utf-8")
    picture = fan(escsim.load(path).simulate(20), "shots")
    assert "history" not in picture.description
    assert {row[-1] for row in picture.rows[1:]} == {""}


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("iran-pakistan-2024", "PAK-IRN", "'PAK-IRN' has a status, which is no count: use occupancy or cumulative"),
        ("iran-pakistan-2024", "IRN->PAK", "'IRN->PAK' has a status, which is no count: use occupancy or cumulative"),
        ("iran-pakistan-2024", "restored", "'restored' has a status, which is no count: use occupancy or cumulative"),
        ("iran-pakistan-2024", "recall", "'recall' happens once at most, so there is no count to show: use occupancy or cumulative"),
        ("iran-pakistan-2024", "border_incidents", "there is no event 'border_incidents': did you mean 'border_incident'?"),
        ("saudi-iran-2016", None, "no event of this scenario may happen more than once, so there is no count to show: use occupancy or cumulative"),
    ],
)
def test_what_is_no_count_is_refused(name: str, asked: str | None, message: str) -> None:
    with pytest.raises(AskedError) as refused:
        fan(escsim.load(name).simulate(5), asked)
    assert str(refused.value) == message


def test_it_is_the_same_to_the_byte() -> None:
    one, two = (plots.render(fan(MADE).figure, "svg") for _ in range(2))
    assert one == two

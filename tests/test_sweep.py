"""The figure of a sweep: its points, its line and its marks are the numbers, and it can be read."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import escsim
from escsim import plots
from escsim.ranges import parameter
from escsim.scenario import Scenario
from escsim.sensitivity import Sweep, vary
from escsim.sweep import sweep
from tests import strategies
from tests.conftest import SHEETS
from tests.test_plots import check_readable, texts
from tests.test_sensitivity import FIRST, ONE, SECOND

LONG = "a_very_long_name_of_an_event_that_goes_on_and_on_to_its_64_lett"
CASES: dict[str, tuple[Scenario | str, str, str, list[str | None]]] = {
    "flagship": ("iran-pakistan-2024", "tehran_answer.second_iranian_strike", "0:1:0.05", ["struck_twice", None, "days_to_return"]),
    "beyond": ("saudi-iran-2016", "beijing_agreement.mean", "100 days:1500 days:200 days", ["days_to_agreement", "days_severed"]),
    "crowded": ("saudi-iran-2016", "embassy_stormed.probability", "0:1:0.01", [None]),
    "exact": (FIRST, "recall.mean", "1 day:30 days:2 days", ["soon", "how_long", "away", "times"]),
    "half": (SECOND, "c.x", "0:1:0.08", ["chosen", "wait"]),
    "one value": (SECOND, "a.probability", "0.5:0.5:1", ["both", "chosen"]),
    "far away": (SECOND, "c.x", "0.9:1:0.05", ["chosen"]),
    "long": (strategies.load(re.sub(r"\brecall\b", LONG, ONE)), f"{LONG}.probability", "0:1:0.1", [None]),
}
MADE: dict[str, Sweep] = {}


def made(case: str) -> Sweep:
    if case not in MADE:
        scenario, name, steps, _ = CASES[case]
        loaded = escsim.load(scenario) if isinstance(scenario, str) else scenario
        MADE[case] = vary(loaded, name, parameter(loaded, name).steps(steps), 300, 3)
    return MADE[case]


def lines(figure: Figure) -> dict[str, Any]:
    return {line.get_gid(): np.array(line.get_data(), float) for axes in figure.axes for line in axes.lines}


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_it_can_be_read(case: str, paper: bool) -> None:
    """Letters too small, texts that lie over one another or run off the sheet."""
    for question in CASES[case][3]:
        picture = sweep(made(case), question, paper=paper)
        check_readable(picture.figure)
        assert texts(picture.figure)[1].get_text().endswith(made(case).scenario.hash[:8])  # not cut


def test_points_and_marks_are_the_numbers() -> None:
    """A scale turned round, the mark of the file at another value, a crossing at another height."""
    told, picture = made("half"), sweep(made("half"), "chosen")
    drawn = lines(picture.figure)
    shares = {told.value(point): point.answers["chosen"].estimate for point in (*told.points, told.base)}
    x, y = drawn["sampled"]
    assert list(x) == sorted([0.3, *(round(0.08 * step, 2) for step in range(13))])
    bottom, top = (text.get_position()[1] for text in texts(picture.figure) if text.get_text() in ("0 %", "100 %"))
    np.testing.assert_allclose((y - bottom) / (top - bottom), [shares[value] for value in x])
    assert drawn["base"][0] == [0.3]
    assert (drawn["base"][1] - bottom) / (top - bottom) == pytest.approx(shares[0.3])
    (crossing,) = told.crossings("chosen")
    assert drawn["crossing"][0] == [crossing]
    assert (drawn["crossing"][1] - bottom) / (top - bottom) == pytest.approx(0.5)
    assert "even odds at" in picture.description
    assert picture.rows[0] == ("c.x", "written", "estimate", "low", "high", "exact")
    assert [row[0] for row in picture.rows[1:]] == list(x)
    assert [row[2] for row in picture.rows[1:]] == [shares[value] for value in x]
    assert "history: no" in sweep(made("flagship"), "struck_twice").description


def test_the_line_is_exact_where_that_is_known() -> None:
    drawn = lines(sweep(made("exact"), "soon").figure)
    assert "joined" not in drawn
    assert drawn["exact"].shape == drawn["sampled"].shape
    assert not np.allclose(drawn["exact"], drawn["sampled"])
    assert "exact" not in lines(sweep(made("exact"), "away").figure)


def test_a_median_beyond_the_period_is_marked_and_not_joined() -> None:
    drawn = lines(sweep(made("beyond"), "days_to_agreement").figure)
    assert len(drawn["beyond"][0]) + len(drawn["sampled"][0]) == len(made("beyond").points) + 1
    assert drawn["beyond"][0].min() > drawn["joined"][0].max()
    assert "history" in drawn


def test_it_is_the_same_each_time() -> None:
    assert len({plots.render(sweep(made("one value")).figure, "png") for _ in range(2)}) == 1

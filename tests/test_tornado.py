"""The figure of a tornado: its bars are the swings, in order, and it can be read."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.patches import Rectangle

import escsim
from escsim import plots
from escsim.scenario import Scenario
from escsim.sensitivity import Sensitivity, sensitivity
from escsim.tornado import tornado
from tests.conftest import SHEETS
from tests.test_plots import check_readable, texts
from tests.test_sensitivity import FIRST, SECOND
from tests.test_sweep import CASES as SWEPT

CASES: dict[str, tuple[Scenario | str, str | None]] = {
    "share": ("iran-pakistan-2024", None),
    "days": ("iran-pakistan-2024", "days_to_return"),
    "times": ("iran-pakistan-2024", "border_incidents"),
    "iraq": ("iraq-iran-2024", "days_away"),
    "history": ("iraq-iran-2024", "days_to_return"),
    "saudi": ("saudi-iran-2016", "days_severed"),
    "small": (FIRST, "times"),
    "still": (SECOND, "chosen"),
    "long": (SWEPT["long"][0], "times"),
}
MADE: dict[str, Sensitivity] = {}


def made(case: str) -> Sensitivity:
    if case not in MADE:
        scenario, question = CASES[case]
        MADE[case] = sensitivity(escsim.load(scenario) if isinstance(scenario, str) else scenario, question, 300, 3, points=0)
    return MADE[case]


def bars(case: str) -> list[Any]:
    return [patch for axes in tornado(made(case)).figure.axes for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_gid()]


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_it_can_be_read(case: str, paper: bool) -> None:
    """Letters too small, texts that lie over one another or run off the sheet."""
    figure = tornado(made(case), paper=paper).figure
    check_readable(figure)
    assert texts(figure)[1].get_text().endswith(made(case).scenario.hash[:8])  # not cut


def test_the_bars_are_the_swings_the_largest_on_top() -> None:
    """An end drawn in another's place, a bar that does not begin at the file's answer."""
    told, found = made("share"), bars("share")
    assert told.base.measure is not None
    swings = {each.parameter.name: each for each in told.swings}
    names = list(dict.fromkeys(bar.get_gid().partition("-")[2] for bar in found))
    assert names == [each.parameter.name for each in told.swings][: len(names)]
    assert len(names) >= 12
    for bar in found:
        end, _, name = bar.get_gid().partition("-")
        point = getattr(swings[name], end)
        assert bar.get_x() == told.base.measure.estimate
        assert bar.get_x() + bar.get_width() == pytest.approx(point.measure.estimate)
    heights = [next(bar.get_y() for bar in found if bar.get_gid().endswith(name)) for name in names]
    assert heights == sorted(heights)


def test_ends_are_labelled_with_what_is_put_in_and_what_comes_out() -> None:
    written = [text.get_text() for text in texts(tornado(made("iraq")).figure)]
    first = made("iraq").swings[0]
    for point in (first.low, first.high):
        assert point.measure is not None
        assert any(text.startswith(f"{first.parameter.told(point.values[first.parameter.name])} → {point.measure.estimate:.1f}") for text in written)


def test_rows_and_words_hold_the_numbers() -> None:
    told, picture = made("times"), tornado(made("times"))
    assert picture.rows[0][:4] == ("number", "end", "value", "written")
    assert len(picture.rows) == 2 + 2 * len(told.swings)
    assert picture.rows[2][:4] == ("border_incident.mean", "low", 7.0, "7 days")
    assert told.swings[0].low.measure is not None
    assert picture.rows[2][4] == told.swings[0].low.measure.estimate
    assert picture.description.startswith("Border incidents: the mean of border incident matters most")
    assert "whatever the ranges" in tornado(made("still")).description


def test_it_is_the_same_each_time() -> None:
    assert len({plots.render(tornado(made("small")).figure, "png") for _ in range(2)}) == 1

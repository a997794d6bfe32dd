"""The figure of the record: every event once, in the lane of its actors, on its date, as sure as the file says."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.collections import LineCollection
from matplotlib.dates import date2num

from escsim import palette, plots, record
from tests.conftest import SHEETS
from tests.test_plots import CROWDED, HOSTILE, NO_MISSION, RUNS, SHIPPED, USER, check_readable, marks, replay, texts


@pytest.mark.parametrize("paper", SHEETS)
@pytest.mark.parametrize("name", SHIPPED)
def test_it_can_be_read(name: str, paper: bool) -> None:
    check_readable(record.record(RUNS[name], paper=paper).figure)


@pytest.mark.parametrize("text", [NO_MISSION, USER, CROWDED, HOSTILE], ids=["no mission", "another ladder", "a crowd", "hostile"])
def test_other_records_can_be_read(tmp_path: Path, text: str) -> None:
    picture = record.record(replay(tmp_path, text))
    check_readable(picture.figure)
    assert "confidence: ● high" in "\n".join(each.get_text() for each in texts(picture.figure))
    assert "unstated" in "\n".join(each.get_text() for each in texts(picture.figure))


@pytest.mark.parametrize("name", SHIPPED)
def test_markers_stand_on_dates_and_say_how_sure_they_are(name: str) -> None:
    run = RUNS[name]
    figure = record.record(run).figure
    found = marks(figure)
    assert sorted(found) == list(range(len(run.steps)))
    for number, line in found.items():
        step = run.steps[number]
        assert line.get_xdata()[0] == date2num(run.moment(step))
        sure = run.event(step).confidence
        face = (line.get_markerfacecolor(), line.get_fillstyle())
        assert face == {"high": (palette.INK, "full"), "medium": (palette.INK, "left"), "low": (palette.PAPER, "full")}[sure]
    actors = [run.event(step).actor for step in run.steps]
    tops = {actor: [found[number].get_ydata()[0] for number, each in enumerate(actors) if each == actor] for actor in set(actors)}
    lanes = sorted((min(ys), max(ys)) for ys in tops.values())
    assert all(low < high for (_, low), (high, _) in pairwise(lanes))  # no lane reaches into another


def test_every_event_has_a_stem_below_its_marker() -> None:
    run = RUNS["iran-pakistan-2024"]
    figure = record.record(run).figure
    found = marks(figure)
    stems = [path.vertices for axes in figure.axes for each in axes.collections if isinstance(each, LineCollection) for path in each.get_paths()]
    ends = {(float(path[:, 0].max()), float(path[:, 1].min())) for path in stems}
    assert all((line.get_xdata()[0], line.get_ydata()[0]) in ends for line in found.values())


def test_the_words_and_rows_are_the_record() -> None:
    run = RUNS["iraq-iran-2024"]
    picture = record.record(run)
    assert texts(picture.figure)[0].get_text() == "6 events by 2 actors, 15 January 2024 to about 14 February 2024; 3 with high confidence"
    assert picture.description.startswith(texts(picture.figure)[0].get_text())
    assert "Iran: strikes on Erbil, 15 January 2024 (high confidence)." in picture.description
    header, *rows = picture.rows
    assert [row[header.index("event")] for row in rows] == [step.event for step in run.steps]
    assert [row[header.index("confidence")] for row in rows].count("high") == 3


@pytest.mark.slow
def test_what_finds_no_room_is_counted() -> None:
    run = RUNS["iran-pakistan-2024"]
    many = [dataclasses.replace(step, tick=step.tick + 7 * 3600 * 10**6 * k) for step in run.steps for k in range(6)]
    picture = record.record(dataclasses.replace(run, steps=tuple(sorted(many, key=lambda step: step.tick))))
    check_readable(picture.figure)
    assert any("events are shown without a label" in each.get_text() for each in texts(picture.figure))


def test_it_is_the_same_to_the_byte() -> None:
    one, two = (plots.render(record.record(RUNS["saudi-iran-2016"]).figure, "svg", "said") for _ in range(2))
    assert one == two

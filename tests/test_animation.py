"""The animation: a frame for each event, its pauses, its bytes; the contact sheet that goes with it."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from escsim.animation import _contact_sheet, animate
from escsim.palette import looks
from tests.conftest import SMALL
from tests.test_plots import CROWDED, RUNS, check_readable, replay, texts


@pytest.mark.slow
def test_there_is_a_frame_for_each_event_the_last_for_longer(tmp_path: Path) -> None:
    """Two events of one day in one frame, days without events, a loop without a rest."""
    run = replay(tmp_path, SMALL)
    made = animate(run)
    image = Image.open(io.BytesIO(made.gif))
    assert (image.format, image.size, image.n_frames) == ("GIF", (1920, 1080), len(run.steps))
    pauses = []
    for frame in range(image.n_frames):
        image.seek(frame)
        pauses.append(image.info["duration"])
    assert pauses == [1200] * (len(run.steps) - 1) + [4000]
    image.seek(0)
    assert image.info["loop"] == 0
    assert image.info["comment"].decode() == made.description
    assert made.description.startswith(f"{len(run.steps)} frames, each with one event more. ")
    with matplotlib.rc_context({"savefig.dpi": 50, "lines.linewidth": 9, "text.color": "red"}):
        assert hashlib.sha256(animate(run).gif).digest() == hashlib.sha256(made.gif).digest()


@pytest.mark.slow
def test_colours_are_those_of_the_palette_and_statuses_come_when_they_begin(tmp_path: Path) -> None:
    """Fields in a colour that only comes close, a status that is shown before its event."""
    run = replay(tmp_path, SMALL)
    image = Image.open(io.BytesIO(animate(run).gif))
    recalled = (np.array(to_rgb(looks(run.scenario.ladder)["envoys_recalled"].fill)) * 255).round()
    shown = []
    for frame in range(image.n_frames):
        image.seek(frame)
        pixels = np.asarray(image.convert("RGB"))
        shown.append(int((pixels == recalled).all(axis=2).sum()))
        assert (pixels[-1, -1] == 255).all()
    number = next(number for number, step in enumerate(run.steps) if step.event == "recall")
    assert max(shown[:number]) == 0
    assert 1000 < shown[number] <= shown[number + 1]


@pytest.mark.slow
def test_a_long_one_is_small() -> None:
    made = animate(RUNS["iran-pakistan-2024"])
    assert len(made.gif) < 3_000_000
    check_readable(made.sheet)


@pytest.mark.slow
def test_the_contact_sheet_tells_the_statuses_after_each_event(tmp_path: Path) -> None:
    """A mission moved a panel early: the second of two recalls of one day."""
    made = animate(replay(tmp_path, SMALL))
    check_readable(made.sheet)
    said = [each.get_text() for each in texts(made.sheet)]
    assert [said.count(f"AAA→BBB {each}") for each in ("● normal", "■ envoys recalled ◀", "■ envoys recalled", "● normal ◀")] == [1] * 4
    assert {"1 · 2 Jan 2024", "Beta insults Alpha."} <= set(said)


def test_texts_too_long_for_a_panel_are_cut_and_say_so(tmp_path: Path) -> None:
    long = "Beta insults Alpha. " + "Then it does so once more and at a length that no panel of this size can ever hold. " * 4
    sheet = _contact_sheet(replay(tmp_path, SMALL.replace("Beta insults Alpha.", long)))
    (told,) = [each.get_text().replace("\n", " ") for each in texts(sheet) if each.get_text().startswith("Beta insults")]
    assert told.endswith(("…", "..."))
    assert long.startswith(told.rstrip(".…"))
    assert len(told) > 100


def test_a_contact_sheet_says_what_it_leaves_out(tmp_path: Path) -> None:
    run = replay(tmp_path, CROWDED)
    (one, *_), more = run.steps, run.steps[1:]
    steps = (*(dataclasses.replace(one, tick=one.tick + number) for number in range(40)), *more)
    sheet = _contact_sheet(dataclasses.replace(run, steps=steps))
    check_readable(sheet)
    (note,) = [each.get_text() for each in texts(sheet) if each.get_text().startswith("◀")]
    assert "events that move no mission left out: 12" in note
    assert "missions left out: " in note


def test_nothing_cannot_be_animated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing happened"):
        animate(dataclasses.replace(replay(tmp_path, SMALL), steps=()))

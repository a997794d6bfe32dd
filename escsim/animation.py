"""A trajectory step by step (P11): an animation in which each frame adds an event, and a contact sheet for print.

Frames follow events, not days, so that quiet years take no time.
"""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from escsim.captions import alike, dated, describe_trajectory, event_name, headline, paths, subtitle, words
from escsim.palette import EDGE, FADED, looks
from escsim.scenario import counterpart
from escsim.style import SMALLEST, Sheet, styled
from escsim.timeline import draw
from escsim.trajectory import Trajectory

_FRAME, _LAST = 1200, 4000  # milliseconds
_PANELS = 30  # at most on a contact sheet


class Animation(NamedTuple):
    """An animated GIF, the contact sheet of its frames, and what they show in words."""

    gif: bytes
    sheet: Figure
    description: str


def animate(history: Trajectory) -> Animation:
    """Draw a trajectory event by event (P11), 1.2 seconds for each and 4 for the last.

    Parameters
    ----------
    history : Trajectory

    Returns
    -------
    Animation
        The GIF is the same to the byte for the same input, and the same Pillow and matplotlib.

    Raises
    ------
    ValueError
        If nothing happened.
    """
    if not history.steps:
        raise ValueError("nothing happened, so there is nothing to animate")
    frames = _indexed([_frame(history, shown) for shown in range(1, len(history.steps) + 1)])
    description = f"{len(frames)} frames, each with one event more. {describe_trajectory(history)}"
    pauses, data = [_FRAME] * (len(frames) - 1) + [_LAST], io.BytesIO()
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0, comment=description.encode())
    return Animation(data.getvalue(), _contact_sheet(history), description)


def _frame(history: Trajectory, shown: int) -> NDArray[np.int32]:
    """Draw a frame, a number for the colour of each pixel: all up to the step that its title names; the last title is what came of it."""
    step = history.steps[shown - 1]
    title = f"{dated(history.moment(step).date())}: {event_name(history.event(step))}"
    figure = draw(history, headline(history) if shown == len(history.steps) else title, shown=shown)
    data = io.BytesIO()
    with styled():
        figure.savefig(data, format="rgba")
    pixels = np.frombuffer(data.getvalue(), np.uint8).reshape(int(figure.bbox.height), int(figure.bbox.width), 4)
    return pixels[:, :, :3].astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)


def _indexed(frames: list[NDArray[np.int32]]) -> list[Image.Image]:
    """Give frames one palette, the 255 colours that most pixels of the first and the last have: fields keep theirs, edges of letters come close."""
    found, counts = np.unique(np.concatenate([frames[0], frames[-1]]), return_counts=True)
    palette = found[np.lexsort((found, -counts))][:255]
    parts = palette[:, None] >> np.array([16, 8, 0]) & 255
    images, nearest, known = [], np.zeros(1 << 24, np.uint8), np.zeros(1 << 24, bool)
    for frame in frames:
        used = np.zeros(1 << 24, bool)
        used[frame] = True
        new = np.flatnonzero(used & ~known)
        distance = ((new[:, None] >> np.array([16, 8, 0]) & 255)[:, None] - parts) ** 2
        nearest[new], known[new] = distance.sum(axis=2).argmin(axis=1), True
        images.append(Image.fromarray(nearest[frame]))
        images[-1].putpalette(parts.astype(np.uint8).tobytes())
    return images


def _contact_sheet(history: Trajectory) -> Figure:
    """Draw for each event a panel with its date and name, the statuses after it and, where there is room, its text, on A4."""
    steps, look = history.steps, looks(history.scenario.ladder)
    numbers = sorted(sorted(range(len(steps)), key=lambda number: not steps[number].moves)[:_PANELS])
    columns = max(3, math.ceil(len(numbers) ** 0.5))
    with styled():
        sheet = Sheet(True, headline(history), subtitle(history))
        width, height = (sheet.width - 80) / columns, (sheet.height - 60 - sheet.top) / math.ceil(len(numbers) / columns)
        size = 33 if width > 600 else SMALLEST
        pitch, room = 1.25 * size, width - 20
        names = [sheet.fit(event_name(history.event(steps[number])), room, size, bold=bool(steps[number].moves), lines=2) for number in numbers]
        head = pitch * (1.15 + max(name.count("\n") + 1 for name in names))
        lanes = [mission for mission, moves in paths(history).items() if moves]
        lanes = [mission for mission in lanes if not (alike(history, mission) and counterpart(mission) in lanes[: lanes.index(mission)])]
        most = int((height - head - 8) / (pitch + 2))
        for place, (number, name) in enumerate(zip(numbers, names, strict=True)):
            step, seen = steps[number], replace(history, steps=steps[: number + 1])
            x, y = 40 + width * (place % columns), sheet.top + 8 + height * (place // columns)
            sheet.write(x, y + pitch / 2, f"{number + 1} · {dated(history.moment(step).date(), short=True)}", size=size, color=FADED)
            sheet.write(x, y + pitch, name, size=size, bold=bool(step.moves), va="top")
            for lane, mission in enumerate(lanes[:most]):
                status, top = seen.status_at(mission, step.tick), y + head + lane * (pitch + 2)
                field = Rectangle((x, top), room, pitch, facecolor=look[status].fill, edgecolor=EDGE, linewidth=1.5 * sheet.point)
                sheet.axes.add_patch(field)
                text = f"{mission.replace('->', '⇄' if alike(history, mission) else '→')} {look[status].glyph} {words(status)}"
                text += " ◀" * any(move.mission == mission for move in step.moves)
                sheet.write(x + 8, top + pitch / 2, sheet.fit(text, room - 12, size), size=size, color=look[status].ink)
            top = y + head + min(len(lanes), most) * (pitch + 2) + 6
            told, lines = history.event(step).text or "", int((y + height - top - 8) / (1.2 * size))
            if lines > 0:
                sheet.write(x, top, sheet.fit(told, room, size, lines=lines), size=size, color=FADED, va="top")
        notes = ["◀ moved by this event"]
        notes += [f"events that move no mission left out: {len(steps) - len(numbers)}"] * (len(numbers) < len(steps))
        notes += [f"missions left out: {len(lanes) - most}"] * (len(lanes) > most)
        sheet.write(40, sheet.height - 26, "   ·   ".join(notes), color=FADED)
    return sheet.figure

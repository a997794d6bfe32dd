"""The diagram of a ladder (P8): its statuses, the ways between them, and those that the missions of a run took.

Mild is on top, severe at the bottom. Ways to worse lead down on the left, ways to better up on the right; those taken
are thick and solid, with what took them and when beside them, the others thin and dotted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Curve

from escsim.captions import Way, acts, dates, ends, finding, subtitle, taken, ways, words
from escsim.palette import EDGE, FAINT, INK, MODEL, PAPER, looks
from escsim.scenario import Scenario, counterpart
from escsim.style import SMALLEST, Sheet, styled
from escsim.trajectory import Trajectory

_TABLE, _HALF, _BEYOND = 420, 230, 150  # the width of the table, half that of a box, and how far bends reach beyond the boxes
_LINES = {
    "taken": (5, "-", INK, 30),
    "varied": (3, (0, (4, 1.5)), MODEL, 22),
    "never": (1.5, (0, (1, 2.5)), FAINT, 11),
}  # width, dashes, colour, head

Kind = Literal["taken", "varied", "never"]
Points = npt.NDArray[np.float64]  # the four (x, y) of a cubic curve
Boxes = dict[str, tuple[float, float]]  # the middle of a status and half its height


def diagram(trajectory: Trajectory, *, paper: bool = False) -> Figure:
    """Draw the ladder of a trajectory (P8).

    Parameters
    ----------
    trajectory : Trajectory
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with styled():
        sheet = Sheet(paper, finding(trajectory), subtitle(trajectory))
        severity, used = trajectory.scenario.ladder.severity, taken(trajectory)
        size = 30 if len(severity) * 150 <= sheet.height else SMALLEST
        middle = (sheet.width - _TABLE) / 2
        visited = {status for way in used for status in way} | set(ends(trajectory))
        boxes = draw_boxes(sheet, trajectory.scenario, ends(trajectory), visited, middle, size)
        for sign in (-1, 1):
            side = [way for way in ways(trajectory.scenario) if (severity[way[1]] > severity[way[0]]) == (sign < 0)]
            told = [way for way in side if way in used]
            curves = {way: curve(boxes, way, told if way in used else [], middle, sign) for way in side}
            for way, points in curves.items():
                arrow(sheet, points, "taken" if way in used else "never")
            width = room_beside(middle)
            said = [([sheet.fit(act, width, size, bold=True, lines=2) for act in acts(used[way])], dates(trajectory, used[way])) for way in told]
            draw_labels(sheet, [(curves[way], *each) for way, each in zip(told, said, strict=True)], middle, sign, size)
        _table(sheet, trajectory)
    return sheet.figure


def room_beside(middle: float) -> float:
    """Give how wide labels may be on each side of boxes."""
    return middle - _HALF - _BEYOND - 70


def draw_boxes(
    sheet: Sheet, scenario: Scenario, ended: dict[str, list[str]], visited: Collection[str], middle: float, size: int, end: str = "end"
) -> Boxes:
    """Draw the statuses one under the other, with the missions that began and ended in each; on a full sheet with how many."""
    ladder, initial, look = scenario.ladder, scenario.initial, looks(scenario.ladder)
    said: dict[str, list[str]] = {}
    brief: dict[str, list[str]] = {}
    for status in ladder.statuses:
        said[status] = [f"{look[status].glyph} {words(status)}"]
        brief[status] = list(said[status])
        began = [mission for mission in initial if initial[mission] == status]
        for what, missions in (("start", began), (end, ended.get(status, []))):
            if missions:
                line, count = f"{what}: {_tags(missions)}", f"{what}: {len(missions)}"
                said[status].append(line if sheet.extent(line, size, bold=True) < 2 * _HALF - 20 else f"{count} missions")
                brief[status] = [" · ".join([*brief[status], count])]
    pitch, room = 1.2 * size, sheet.height - 30.0 - sheet.top
    if room < sum(26 + pitch * len(lines) for lines in said.values()):
        said = brief
    gap = (room - sum(14 + pitch * len(lines) for lines in said.values())) / len(said)
    boxes = {}
    y = sheet.top + 10 + gap / 2
    for status, lines in said.items():
        half = (pitch * len(lines) + 14) / 2
        boxes[status] = (y + half, half)
        shape = FancyBboxPatch((middle - _HALF, y), 2 * _HALF, 2 * half, "round,pad=0,rounding_size=10", zorder=4)
        shape.set(facecolor=look[status].fill, edgecolor=EDGE, linewidth=(5 if status in ended else 1.5) * sheet.point)
        sheet.axes.add_patch(shape)
        text = "\n".join(sheet.fit(line, 2 * _HALF - 16, size, bold=True) for line in lines)
        sheet.write(middle, y + half, text, size=size, bold=status in visited, color=look[status].ink, ha="center", zorder=5)
        y += 2 * half + gap
    return boxes


def _tags(missions: Sequence[str]) -> str:
    """Name missions by their keys, the two of a pair as one: PAK⇄IRN."""
    second = [mission for mission in missions if counterpart(mission) in missions[: missions.index(mission)]]
    return " ".join(each.replace("->", "⇄" if counterpart(each) in second else "→") for each in missions if each not in second)


def curve(boxes: Boxes, way: Way, beside: Collection[Way], middle: float, sign: int) -> Points:
    """Find the curve of a way, the longer the further out; at a box the ways `beside` it share the height."""
    ports = []
    for end in (0, 1):
        y, half = boxes[way[end]]
        here = sorted((boxes[other[1 - place]], place, other) for other in beside for place in (0, 1) if other[place] == way[end])
        share = (here.index((boxes[way[1 - end]], end, way)) + 1) / (len(here) + 1) if here else 0.5
        ports.append(y + half * (2 * share - 1))
    places = list(boxes)
    steps = abs(places.index(way[0]) - places.index(way[1]))
    if steps == 0:  # a loop
        ports = [ports[0] - 8, ports[0] + 8]
    edge = middle + sign * _HALF
    out = edge + sign * (30 + (_BEYOND - 30) * steps / len(places)) / 0.75
    return np.array([(edge, ports[0]), (out, ports[0]), (out, ports[1]), (edge, ports[1])])


def arrow(sheet: Sheet, points: Points, kind: Kind) -> None:
    """Draw the line of a way; the more it was taken, the stronger, with other dashes."""
    width, dashes, colour, head = _LINES[kind]
    patch = FancyArrowPatch(
        path=Curve(points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]),
        arrowstyle="-|>",
        mutation_scale=head * sheet.point,
        linewidth=width * sheet.point,
        linestyle=dashes,
        color=colour,
        zorder={"taken": 3, "varied": 2, "never": 1}[kind],
    )
    sheet.axes.add_patch(patch)


def draw_labels(sheet: Sheet, told: list[tuple[Points, list[str], list[str]]], middle: float, sign: int, size: int) -> None:
    """Label the ways of one side, in bold and in plain lines, each beside the middle of its curve and none over another."""
    width, pitch = room_beside(middle), 1.2 * size
    edge, side = middle + sign * (_HALF + _BEYOND + 30), "left" if sign > 0 else "right"
    labels = []
    for points, strong, plain in told:
        x, y = np.average(points, axis=0, weights=(1, 3, 3, 1))
        labels.append((y, x, "\n".join(strong), "\n".join(sheet.fit(line, width, size) for line in plain)))
    labels.sort()
    heights = np.array([pitch * (1 + what.count("\n") + (1 + when.count("\n")) * bool(when)) + 8 for *_, what, when in labels])
    tops = np.array([label[0] for label in labels]) - heights / 2
    floors = sheet.height - 20 - np.cumsum(heights[::-1])[::-1]  # so low that those below still fit
    free = float(sheet.top)
    for (y, x, what, when), top, height, floor in zip(labels, tops, heights, floors, strict=True):
        top = min(max(top, free), floor)
        free = top + height
        sheet.axes.plot([x, edge], [y, top + height / 2], color=FAINT, linewidth=1.5 * sheet.point, zorder=2)
        seam, box = top + pitch * (1 + what.count("\n")), {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
        sheet.write(edge + 8 * sign, seam - 1, what, size=size, bold=True, ha=side, va="bottom", bbox=box)
        sheet.write(edge + 8 * sign, seam + 2, when, size=size, ha=side, va="top", bbox=box)


def _table(sheet: Sheet, trajectory: Trajectory) -> None:
    """List the triggers that moved no mission, each with where it leads, and say what the lines mean."""
    look, x, bottom = looks(trajectory.scenario.ladder), sheet.width - _TABLE + 10, sheet.height - 110
    fired = {move.trigger for moves in taken(trajectory).values() for _, move in moves}
    lines = []
    for trigger, each in trajectory.scenario.ladder.triggers.items():
        if trigger not in fired:
            glyphs = "".join(look[status].glyph for status in look if status in each.values())
            lines.append(sheet.fit(f"{glyphs} {words(trigger)}", _TABLE - 30))
    most = int((bottom - sheet.top - 100) / (1.4 * SMALLEST))
    lines[most:] = [f"… and {len(lines) - most} more"] * (len(lines) > most)
    sheet.write(x, sheet.top + 35, "Never used in this run,\nand where they lead:", bold=True)
    sheet.write(x, sheet.top + 72, "\n".join(lines or ["none: all were used"]), va="top", linespacing=1.3)
    for text, strong, y in (("taken, with dates", True, bottom), ("not taken", False, bottom + 32)):
        arrow(sheet, np.array([(x + at, y) for at in (0, 20, 50, 70)]), "taken" if strong else "never")
        sheet.write(x + 86, y, text)
    sheet.write(x, bottom + 68, "left: to worse; right: to better")

"""The diagram of a ladder (P8): its statuses, the ways between them, and those that the missions of a run took.

Mild is on top, severe at the bottom, statuses of one rung side by side. Ways to worse lead down on the left, ways to better
up on the right; those taken are thick and solid, with what took them and when beside them, the others thin and dotted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Curve

from escsim.captions import Taken, Way, acts, dates, ends, finding, subtitle, tags, taken, ways, words
from escsim.style import EDGE, FAINT, INK, PAPER, SMALLEST, Sheet, looks, styled
from escsim.trajectory import Trajectory

_RUNG, _TABLE, _BEYOND = 640, 420, 110  # how wide a rung and the table may be, and how far bends reach beyond the rungs

Point = tuple[float, float]


class _Node(NamedTuple):
    """A status on the sheet: its middle, half its size, its name and what else it says, and whether it is first or last on its rung."""

    x: float
    y: float
    half: float
    tall: float
    name: list[str]
    more: list[str]
    first: bool
    last: bool


class _Bend(NamedTuple):
    """The course of a way: the four points of a curve, and whether it runs to the left of the ladder."""

    points: list[Point]
    left: bool

    @property
    def top(self) -> Point:
        """Its middle, where it is furthest from the ladder."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.points
        return (ax + 3 * bx + 3 * cx + dx) / 8, (ay + 3 * by + 3 * cy + dy) / 8


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
        sheet = Sheet(paper)
        top = sheet.title(finding(trajectory), subtitle(trajectory)) + 10
        rungs = max(trajectory.scenario.ladder.heights.values()) + 1
        size = 30 if rungs * 190 <= sheet.height else SMALLEST
        right = sheet.width - _TABLE - 30
        used = taken(trajectory)
        nodes = _nodes(sheet, trajectory, (30 + right) / 2, top, size)
        bends = {way: _bend(trajectory, nodes, way, used) for way in ways(trajectory)}
        for way, bend in bends.items():
            _arrow(sheet, bend, strong=way in used)
        for left in (True, False):
            told = {way: moves for way, moves in used.items() if bends[way].left == left}
            _labels(sheet, trajectory, bends, told, (left, 30 if left else right, top, size))
        _boxes(sheet, trajectory, nodes, size)
        _table(sheet, trajectory, top)
    return sheet.figure


def _nodes(sheet: Sheet, trajectory: Trajectory, middle: float, top: float, size: int) -> dict[str, _Node]:
    """Place the statuses rung under rung; on a full sheet they say less."""
    ladder, pitch = trajectory.scenario.ladder, 1.25 * size
    rungs: dict[int, list[str]] = {}
    for status in ladder.statuses:
        rungs.setdefault(ladder.heights[status], []).append(status)
    cut: dict[str, tuple[list[str], list[str]]] = {}
    talls, gap = dict.fromkeys(rungs, 0.0), 0.0
    for most in (3, 1, 0):
        cut = {status: _said(sheet, trajectory, status, _RUNG / len(rung) - 16, size, most) for rung in rungs.values() for status in rung}
        talls = {height: max(pitch * len([*cut[each][0], *cut[each][1]]) + 14 for each in rung) for height, rung in rungs.items()}
        gap = (sheet.height - 20 - top - sum(talls.values())) / len(rungs)
        if gap >= 26:
            break
    nodes = {}
    y = top
    for height, rung in rungs.items():
        y += talls[height] / 2 + gap / 2
        halves = [max(sheet.extent(line, size + 4, bold=True) for line in (*cut[each][0], *cut[each][1], "ten signs")) / 2 + 12 for each in rung]
        halves = [min(half, _RUNG / len(rung) / 2 - 4) for half in halves]
        space = min(28, (_RUNG - 2 * sum(halves)) / max(len(rung) - 1, 1))
        x = middle - sum(halves) - space * (len(rung) - 1) / 2
        for status, half in zip(rung, halves, strict=True):
            name, more = cut[status]
            tall = (pitch * (len(name) + len(more)) + 14) / 2
            nodes[status] = _Node(x + half, y, half, tall, name, more, status == rung[0], status == rung[-1])
            x += 2 * half + space
        y += talls[height] / 2 + gap / 2
    return nodes


def _said(sheet: Sheet, trajectory: Trajectory, status: str, room: float, size: int, most: int) -> tuple[list[str], list[str]]:
    """Give the lines of a status: glyph and name, then the missions that began and ended in it, or how many if they need too many lines."""
    first, *others = words(status).split(" ")
    name = sheet.wrap([f"{looks(trajectory.scenario.ladder)[status].glyph} {first}", *others], room - 12, size, bold=True)
    began = [mission for mission, start in trajectory.scenario.initial.items() if start == status]
    told, counted = [], []
    for what, missions in (("start:", began), ("end:", ends(trajectory).get(status, []))):
        if missions:
            lines = sheet.wrap([what, *tags(missions)], room - 12, size)
            counted.append(f"{what} {len(missions)}")
            told += lines if len(lines) <= 2 else [counted[-1]]
    if len(told) <= most:
        return name, told
    if most:
        return name, sheet.wrap(counted, room - 12, size)[:most]
    return sheet.wrap([" ".join(name), *counted], room - 12, size, bold=True)[:1], []


def _bend(trajectory: Trajectory, nodes: dict[str, _Node], way: Way, used: Iterable[Way]) -> _Bend:
    """Find the course of a way: to worse on the left, to better on the right, the further the wider; along a rung over or under it."""
    severity, heights = trajectory.scenario.ladder.severity, trajectory.scenario.ladder.heights
    source, dest = (nodes[status] for status in way)
    left = severity[way[1]] > severity[way[0]]
    sign = -1 if left else 1
    if way[0] == way[1]:
        edge = source.x + source.half
        return _Bend([(edge, source.y - 10), (edge + 80, source.y - 50), (edge + 80, source.y + 50), (edge, source.y + 10)], False)
    if source.y == dest.y:
        shift = 12 * (1 if dest.x > source.x else -1)
        start, end = (source.x + shift, source.y + sign * source.tall), (dest.x - shift, dest.y + sign * dest.tall)
        return _Bend([start, (start[0], start[1] + sign * 34), (end[0], end[1] + sign * 34), end], left)
    low, high = sorted((source.y, dest.y))
    middle = sum(node.x for node in nodes.values() if node.y == source.y) / sum(node.y == source.y for node in nodes.values())
    clear = max(sign * (node.x - middle) + node.half for node in nodes.values() if low <= node.y <= high)
    apex = middle + sign * (clear + 18 + (_BEYOND - 24) * abs(heights[way[0]] - heights[way[1]]) / max(heights.values()))
    beside = [each for each in used if (severity[each[1]] > severity[each[0]]) == left] if way in used else [way]
    (ax, ay), (dx, dy) = (_port(nodes, way, end, beside, left=left) for end in (0, 1))
    control = (apex - 0.125 * (ax + dx)) / 0.75
    down = 40.0 if dest.y > source.y else -40.0  # amid a rung a way leaves upwards or downwards
    leave, enter = (0.0 if (node.first if left else node.last) else down * turn for node, turn in ((source, 1), (dest, -1)))
    return _Bend([(ax, ay), (control, ay + leave), (control, dy + enter), (dx, dy)], left)


def _port(nodes: dict[str, _Node], way: Way, end: int, beside: Iterable[Way], *, left: bool) -> Point:
    """Find where a way leaves or enters a status: at its side, ordered by where the ways there lead; amid a rung above or below it."""
    node, other = nodes[way[end]], nodes[way[1 - end]]
    if not (node.first if left else node.last):
        return node.x, node.y + (node.tall if other.y > node.y else -node.tall)
    steep = [each for each in beside if nodes[each[0]].y != nodes[each[1]].y]
    here = sorted((nodes[each[1 - place]].y, each) for each in steep for place in (0, 1) if each[place] == way[end])
    share = (here.index((other.y, way)) + 1) / (len(here) + 1) - 0.5
    return node.x + (-node.half if left else node.half), node.y + 2 * node.tall * share


def _arrow(sheet: Sheet, bend: _Bend, *, strong: bool) -> None:
    arrow = FancyArrowPatch(
        path=Curve(bend.points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]),
        arrowstyle="-|>",
        mutation_scale=(30 if strong else 11) * sheet.point,
        linewidth=(5 if strong else 1.5) * sheet.point,
        linestyle="-" if strong else (0, (1, 2.5)),
        color=INK if strong else FAINT,
        zorder=3 if strong else 1,
    )
    sheet.ground.add_patch(arrow)


def _labels(sheet: Sheet, trajectory: Trajectory, bends: dict[Way, _Bend], used: dict[Way, Taken], place: tuple[bool, float, float, int]) -> None:
    """Label the ways taken on one side: by what and when, each beside its bend and none over another."""
    left, edge, top, size = place
    width, pitch = (sheet.width - _TABLE - 60 - _RUNG) / 2 - _BEYOND, 1.2 * size
    inner = edge + width if left else edge - width
    side: Literal["left", "right"] = "right" if left else "left"
    order = sorted(used, key=lambda way: bends[way].top[1])
    texts = []
    for way in order:
        what = [line for act in acts(used[way]) for line in sheet.wrap(act.split(" "), width, size, bold=True)]
        texts.append((what[:3], sheet.wrap(dates(trajectory, used[way]), width, size)))
    heights = [pitch * (len(what) + len(when)) + 8 for what, when in texts]
    starts: list[float] = []
    for way, height in zip(order, heights, strict=True):
        starts.append(max(bends[way].top[1] - height / 2, starts[-1] + heights[len(starts) - 1] if starts else top))
    floor = sheet.height - 20.0
    for number in reversed(range(len(starts))):
        starts[number] = floor = min(starts[number], floor - heights[number])
    for way, (what, when), y, height in zip(order, texts, starts, heights, strict=True):
        x, middle = bends[way].top
        sheet.ground.plot([x, inner], [middle, y + height / 2], color=FAINT, linewidth=1.5 * sheet.point, zorder=2)
        for number, line in enumerate([*what, *when]):
            box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
            sheet.write(inner + (-8 if left else 8), y + pitch * (number + 0.5) + 4, line, size=size, bold=number < len(what), ha=side, bbox=box)


def _boxes(sheet: Sheet, trajectory: Trajectory, nodes: dict[str, _Node], size: int) -> None:
    look, ended = looks(trajectory.scenario.ladder), ends(trajectory)
    visited = {status for way in taken(trajectory) for status in way} | set(ended)
    for status, node in nodes.items():
        fill, ink, _ = look[status]
        shape = FancyBboxPatch(
            (node.x - node.half, node.y - node.tall),
            2 * node.half,
            2 * node.tall,
            boxstyle="round,pad=0,rounding_size=10",
            facecolor=fill,
            edgecolor=EDGE,
            linewidth=(5 if status in ended else 1.5) * sheet.point,
            zorder=4,
        )
        sheet.ground.add_patch(shape)
        lines = [(line, True) for line in node.name] + [(line, False) for line in node.more]
        for number, (line, name) in enumerate(lines):
            y = node.y + 1.25 * size * (number - (len(lines) - 1) / 2)
            sheet.write(node.x, y, sheet.fit(line, 2 * node.half, size), size=size, bold=name and status in visited, color=ink, ha="center")


def _table(sheet: Sheet, trajectory: Trajectory, top: float) -> None:
    """List the triggers that took no mission there, by where they lead, and say what the lines mean."""
    ladder, look = trajectory.scenario.ladder, looks(trajectory.scenario.ladder)
    used = {(move.trigger, way[1]) for way, moves in taken(trajectory).items() for _, move in moves}
    x, y, bottom = sheet.width - _TABLE + 10.0, top + 20, sheet.height - 140
    sheet.stack(x, y + 15, ["Never used in this run,", "by where they lead:"], 30, bold=True)
    y += 70
    for status in ladder.statuses:
        leading = dict.fromkeys(trigger for (_, dest), triggers in ways(trajectory).items() if dest == status for trigger in triggers)
        unused = [words(trigger) for trigger in leading if (trigger, status) not in used]
        lines = sheet.wrap([name + "," for name in unused[:-1]] + unused[-1:], _TABLE - 75)
        if y + 30 * len(lines) > bottom:
            sheet.write(x, y, "…")
            break
        box = {"facecolor": look[status].fill, "edgecolor": EDGE, "linewidth": sheet.point, "pad": 3 * sheet.point}
        if lines:
            sheet.write(x + 18, y, look[status].glyph, color=look[status].ink, ha="center", bbox=box)
            sheet.stack(x + 46, y + 15 * (len(lines) - 1), lines, 30)
            y += 30 * len(lines) + 9
    if y == top + 90:
        sheet.write(x, y, "none: all were used")
    for text, strong, place in (("taken, with dates", True, bottom + 30), ("not taken", False, bottom + 62)):
        _arrow(sheet, _Bend([(x + at, place) for at in (0, 20, 50, 70)], True), strong=strong)
        sheet.write(x + 86, place, text)
    sheet.write(x, bottom + 98, "left: to worse; right: to better")

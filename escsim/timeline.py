"""The figure of a trajectory (P1): events by actor on top, below them a lane of status for every mission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escsim.captions import MONTHS, Stretch, actor_name, brief_name, dated, headline, marker_key, mission_name, stretches, subtitle, words
from escsim.errors import plain
from escsim.scenario import Event, Scenario, counterpart
from escsim.style import EDGE, FADED, INK, MODEL, PAPER, SMALLEST, Sheet, looks, styled
from escsim.times import DAY
from escsim.trajectory import Step, Trajectory

_LEFT, _RIGHT = 340, 40  # what the lanes leave free for their names, and at the end
_CUT, _INNER = 80, 44  # a time cut out; one inside what a date leaves open
_TAIL, _CLOSEST, _WIDEST = 235, 34, 150  # after the last event; between two ticks; a day at most
_ROW, _LANE, _NOTE = 27, 36, 34  # the least for a row of events, a lane and a note
_EPOCH = datetime(1970, 1, 1)


class Timescale:
    """Where on the sheet a time stands: one scale, except that long quiet times may be cut.

    Times are days since 1970, as matplotlib counts them. What is cut, is cut alike: the longest gaps first and all that
    are as long, until neighbouring ticks are far enough apart to be read.

    Parameters
    ----------
    ticks : sequence of float
        The times that get a tick.
    spans : sequence of (float, float)
        For every event from when to when its date may be.
    left, right : float
        From where to where on the sheet.
    """

    def __init__(self, ticks: Sequence[float], spans: Sequence[tuple[float, float]], left: float, right: float) -> None:
        marks = {*ticks, *(time for span in spans for time in span)}
        self.start = float(np.floor(min(marks))) - 1
        points = sorted({self.start, *marks})
        gaps = list(pairwise(points))
        whiskers = {span for span in spans if span[0] < span[1]}
        widths = {gap: _INNER if any(low <= gap[0] and gap[1] <= high for low, high in whiskers) else _CUT for gap in gaps}
        closest = min((b - a for a, b in pairwise(sorted(set(ticks)))), default=1)
        room = right - left - _TAIL
        cut: list[tuple[float, float]] = []
        unit = room / (points[-1] - self.start)
        for length, equal in groupby(sorted(gaps, key=_length, reverse=True), key=_length):
            more = [*cut, *equal]
            rest = points[-1] - self.start - sum(map(_length, more))
            closer = (room - sum(widths[gap] for gap in more)) / rest if rest > 0 else 0
            if closest * unit >= (1.4 * _CLOSEST if cut else _CLOSEST) or closer < unit or length * closer < 1.5 * _CUT:
                break
            cut, unit = more, closer
        self.unit = min(unit, _WIDEST)
        self.cuts = [(*gap, widths[gap] == _CUT) for gap in sorted(cut)]  # from, to, and whether its length is to be written
        places = [left]
        for gap in gaps:
            places.append(places[-1] + (widths[gap] if gap in cut else _length(gap) * self.unit))
        self.end = points[-1] + (right - places[-1]) / self.unit
        self._points, self._places = np.array([*points, self.end]), np.array([*places, right])

    def __call__(self, times: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Give the places of times."""
        found: npt.NDArray[np.float64] = np.interp(np.asarray(times, dtype=float), self._points, self._places)
        return found

    def inverse(self, places: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Give the times at places."""
        found: npt.NDArray[np.float64] = np.interp(np.asarray(places, dtype=float), self._places, self._points)
        return found

    def at(self, time: float) -> float:
        """Give the place of one time."""
        return float(self(time))


def _length(gap: tuple[float, float]) -> float:
    return gap[1] - gap[0]


def _time(moment: datetime) -> float:
    return (moment - _EPOCH) / DAY


@dataclass
class _Mark:
    """An event on the sheet: when, its label, in which row of its band, and where the label begins or ends."""

    number: int
    step: Step
    event: Event
    time: float
    span: tuple[float, float]  # from when to when it may have been
    label: str
    row: int = 0
    place: float = 0
    side: Literal["left", "right"] = "left"

    @property
    def tick(self) -> float:
        """Where its tick stands: at the beginning of its day, or in the middle of what its date leaves open."""
        return float(np.floor(self.time)) if self.span[0] == self.span[1] else self.time


class _Band(NamedTuple):
    """The events of one actor, or of several acting together."""

    name: list[str]
    marks: list[_Mark]
    rows: int


class _Lane(NamedTuple):
    """A mission, the statuses that last, the levels that its lane has, and whether it also stands for the mission the other way round."""

    mission: str
    path: list[Stretch]
    levels: list[int]
    both: bool = False


class _Plan(NamedTuple):
    """What is drawn, and the size of the letters of the events and the height of their rows."""

    bands: list[_Band]
    lanes: list[_Lane]
    notes: list[str]
    size: int
    row: float


def trajectory(trajectory: Trajectory, *, paper: bool = False) -> Figure:
    """Draw a trajectory (P1).

    Parameters
    ----------
    trajectory : Trajectory
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    matplotlib.figure.Figure
    """
    scenario = trajectory.scenario
    with styled():
        sheet = Sheet(paper)
        top = sheet.title(headline(trajectory), subtitle(trajectory), _marker_key(sheet, scenario))
        marks = [_mark(trajectory, number) for number in range(len(trajectory.steps))]
        ticks = [mark.tick for mark in marks] or [_time(scenario.period.start)]
        scale = Timescale(ticks, [mark.span for mark in marks], _LEFT, sheet.width - _RIGHT)
        axes = sheet.lay(_LEFT, sheet.width - _RIGHT)
        axes.set_xscale("function", functions=(scale, scale.inverse))
        axes.set_xlim(scale.start, scale.end)
        bottom = _calendar(sheet, axes, scale, marks, _time(scenario.period.end))
        plan = _plan(sheet, trajectory, scale, marks, bottom - top)
        middle, spots = _events(sheet, axes, scenario, plan, top)
        _statuses(sheet, axes, scale, trajectory, plan, (middle + 14, bottom - 12), spots)
    return sheet.figure


def _marker_key(sheet: Sheet, scenario: Scenario) -> float:
    """Say at the right what filled and hollow mean; give how much room that takes."""
    right = sheet.width - 40.0
    for text, face in zip(reversed(marker_key(scenario)), (PAPER, INK), strict=True):
        right -= sheet.extent(text)
        sheet.write(right, 93, text)
        sheet.axes.plot([right - 18], [93], marker="o", markersize=15 * sheet.point, mew=2.5 * sheet.point, mec=INK, mfc=face)
        right -= 52
    return sheet.width - right


# Planning


def _mark(trajectory: Trajectory, number: int) -> _Mark:
    step = trajectory.steps[number]
    event, moment = trajectory.event(step), trajectory.moment(step)
    label = plain(event.label) if event.label else words(event.id)
    if len(label) > 26:
        label = label[:26].rsplit(" ", 1)[0] + "…"
    if event.date is not None and event.date.exact and ":" in event.date.text:
        label += f" {moment:%H:%M}"
    time = _time(moment)
    span = (time, time)
    if trajectory.draws == "history" and event.date is not None and not event.date.exact:
        span = (min(_time(event.date.first), time), max(_time(event.date.last), time))
    return _Mark(number, step, event, time, span, label + " (moot)" * step.moot)


def _plan(sheet: Sheet, trajectory: Trajectory, scale: Timescale, marks: Sequence[_Mark], room: float) -> _Plan:
    """Choose the largest letters and the fullest lanes for which there is room; on a sheet too full leave out, and say so."""
    for size, merged in ((33, False), (30, False), (27, False), (SMALLEST, False), (SMALLEST, True)):
        lanes, notes = _lanes(trajectory, merged)
        bands = _bands(sheet, trajectory.scenario, scale, marks, size)
        row = 1.2 * size if size > SMALLEST else _ROW
        base, rise = (80, 50) if len(lanes) <= 4 and size > SMALLEST else (44, 16)
        least = sum(base + rise * (len(lane.levels) - 1) for lane in lanes) + _NOTE * len(notes) + 26
        if row * sum(band.rows for band in bands) + least <= room:
            return _Plan(bands, lanes, notes, size, row)
    lanes, notes = _lanes(trajectory, True)
    if len(lanes) > (most := int(0.6 * room / _LANE)):
        notes.append(f"{len(lanes) - most} more missions are not shown")
        lanes = sorted(lanes, key=lambda lane: len(lane.path) == 1)[:most]
    rows = int((room - _LANE * len(lanes) - _NOTE * (len(notes) + 1) - 26) / _ROW)
    bands = _bands(sheet, trajectory.scenario, scale, marks, SMALLEST)
    if sum(band.rows for band in bands) > rows:
        needed = _rows(sheet, scale, marks, SMALLEST)
        bands, lost = [_Band(["Events"], list(marks), min(needed, rows))], [mark for mark in marks if needed > rows and mark.row >= rows - 1]
        for mark in lost:
            mark.row, mark.label = rows - 1, ""
        notes += [f"{len(lost)} events are shown without a label"] * bool(lost)
    return _Plan(bands, lanes, notes, SMALLEST, _ROW)


def _bands(sheet: Sheet, scenario: Scenario, scale: Timescale, marks: Sequence[_Mark], size: int) -> list[_Band]:
    """Sort events by actor, and place their labels in rows so that none lies over another."""
    order = {actor: place for place, actor in enumerate(scenario.actors)}
    groups: dict[tuple[str, ...], list[_Mark]] = {}
    for mark in marks:
        groups.setdefault(tuple(sorted(mark.event.actor, key=order.__getitem__)), []).append(mark)
    bands = []
    for actors in sorted(groups, key=lambda actors: (len(actors) > 1, [order[actor] for actor in actors])):
        rows = _rows(sheet, scale, groups[actors], size)
        names = " and ".join(actor_name(scenario, actor) for actor in actors)
        name = sheet.wrap(names.split(" "), _LEFT - 55)
        if len(name) > rows:
            name = [sheet.fit(", ".join(actors) if len(actors) > 1 else names, _LEFT - 55)]
        bands.append(_Band(name, groups[actors], rows))
    return bands


def _rows(sheet: Sheet, scale: Timescale, marks: Sequence[_Mark], size: int) -> int:
    """Give every mark the first row in which it and its label are free: to its right, or to its left at the edge of the sheet."""
    ends: list[float] = []
    for mark in marks:
        width = sheet.extent(mark.label, size, bold=bool(mark.step.moves)) + 32
        first, last = low, high = scale.at(mark.span[0]), scale.at(mark.span[1])
        if high + width > sheet.width - 20 and low - width < _LEFT:  # a whisker over all the sheet: the label lies on it
            low = high = scale.at(mark.time)
        if high + width <= sheet.width - 20:
            start, end, mark.side, mark.place = first - 14, max(last + 14, high + width), "left", high + 18
        else:
            start, end, mark.side, mark.place = min(first - 14, low - width), last + 14, "right", low - 18
        mark.row = next((row for row, taken in enumerate(ends) if taken <= start), len(ends))
        ends[mark.row :] = [end, *ends[mark.row + 1 :]]
    return len(ends)


def _lanes(trajectory: Trajectory, merged: bool) -> tuple[list[_Lane], list[str]]:
    """Give every mission a lane; among more than six, tell in words of those that never change.

    If `merged`, two missions of a pair that go through the same share a lane.
    """
    scenario, ladder = trajectory.scenario, trajectory.scenario.ladder
    lanes: dict[str, _Lane] = {}
    still: dict[str, list[str]] = {}
    paths = stretches(trajectory)
    for mission, path in paths.items():
        if len(path) == 1 and len(paths) > 6:
            still.setdefault(path[0].status, []).append(_arrow(scenario, mission, "→"))
            continue
        lasting = [each for each, after in pairwise(path) if each.since < after.since] + path[-1:]
        heights = {ladder.heights[each.status] for each in lasting} | {ladder.heights[ladder.initial]}
        other = lanes.get(counterpart(mission))
        if merged and other is not None and other.path == lasting:
            lanes[other.mission] = other._replace(both=True)
        else:
            lanes[mission] = _Lane(mission, lasting, sorted(heights))
    told = [f"{', '.join(each)}: {words(status)} throughout" for status, each in still.items()]
    if sum(map(len, still.values())) > 3:
        told = ["missions that do not change: " + ", ".join(f"{len(each)} {words(status)}" for status, each in still.items())]
    if len(lanes) > 6:
        states = dict.fromkeys(key for mission in paths for key in mission.split("->"))
        told += [f"{key}: {actor_name(scenario, key)}" for key in states if brief_name(scenario, key) != actor_name(scenario, key)]
    return list(lanes.values()), ["   ·   ".join(told)] * bool(told)


def _arrow(scenario: Scenario, mission: str, sign: str) -> str:
    return f" {sign} ".join(brief_name(scenario, key) for key in mission.split("->"))


# Drawing


def _events(sheet: Sheet, axes: Axes, scenario: Scenario, plan: _Plan, top: float) -> tuple[float, dict[int, float]]:
    """Draw the events; give where they end, and for every tick at which missions moved the y of the first event that moved one."""
    spots: dict[int, float] = {}
    for number, band in enumerate(plan.bands):
        bottom = top + band.rows * plan.row
        ground = PAPER if number % 2 else "#F4F4F2"
        sheet.ground.fill_between([30, sheet.width - 20], top, bottom, color=ground, linewidth=0)
        sheet.stack(40, (top + bottom) / 2, band.name, 26)
        for mark in band.marks:
            y = top + (mark.row + 0.5) * plan.row
            if mark.step.moves:
                spots[mark.step.tick] = min(y, spots.get(mark.step.tick, y))
            if mark.span[0] != mark.span[1]:
                axes.plot(mark.span, [y, y], color=INK, linewidth=2 * sheet.point, marker="|", markersize=14 * sheet.point, zorder=6)
            face, shape = INK if scenario.reported(mark.event) else PAPER, "x" if mark.step.moot else "o"
            (dot,) = axes.plot([mark.time], [y], marker=shape, markersize=15 * sheet.point, mew=2.5 * sheet.point, mec=INK, mfc=face, zorder=7)
            dot.set_gid(f"event-{mark.number}")
            if mark.label:
                box = {"facecolor": ground, "edgecolor": "none", "pad": 0.5}
                text = sheet.write(mark.place, y, mark.label, size=plan.size, bold=bool(mark.step.moves), ha=mark.side, bbox=box)
                text.set_gid(f"label-{mark.number}")
        top = bottom
    return top, spots


def _statuses(
    sheet: Sheet, axes: Axes, scale: Timescale, trajectory: Trajectory, plan: _Plan, span: tuple[float, float], spots: dict[int, float]
) -> None:
    """Share the height among the lanes and draw them, then the notes."""
    lanes, (top, bottom) = plan.lanes, span
    floor = bottom - _NOTE * len(plan.notes)
    free, rises = floor - top, sum(len(lane.levels) - 1 for lane in lanes)
    pitch = free / max(rises + 1.4 * len(lanes), 1)
    gap = min(max(0.3 * pitch, 6), 80)
    base = min(max(pitch, _LANE - 6), 90)
    rise = min(max((free - len(lanes) * (base + gap)) / max(rises, 1), 0), 120)
    top += max(free - len(lanes) * (base + gap) - rises * rise, 0) / 2
    for lane in lanes:
        low = top + base + rise * (len(lane.levels) - 1)
        _lane_name(sheet, trajectory.scenario, lane, (top, low))
        _lane(sheet, axes, scale, trajectory, lane, (top, low, rise, base), spots)
        top = low + gap
    for number, note in enumerate(plan.notes):
        sheet.write(40, floor + _NOTE * number + 20, sheet.fit(note, sheet.width - 80), color=FADED)


def _lane_name(sheet: Sheet, scenario: Scenario, lane: _Lane, span: tuple[float, float]) -> None:
    lines = sheet.wrap(mission_name(scenario, lane.mission).split(" "), _LEFT - 60, bold=True)
    if lane.both or span[1] - span[0] < 31 * len(lines):
        lines = [sheet.fit(_arrow(scenario, lane.mission, "⇄" if lane.both else "→"), _LEFT - 50, bold=True)]
    sheet.stack(40, sum(span) / 2, lines, 30, bold=True)


def _lane(
    sheet: Sheet, axes: Axes, scale: Timescale, trajectory: Trajectory, lane: _Lane, place: tuple[float, float, float, float], spots: dict[int, float]
) -> None:
    """Draw a mission's statuses: fields of colour under a line that steps down to worse and up to better."""
    ladder, period, look = trajectory.scenario.ladder, trajectory.scenario.period, looks(trajectory.scenario.ladder)
    top, low, rise, base = place
    edges = [scale.start, *(_time(period.moment(each.since)) for each in lane.path[1:]), min(scale.end, _time(period.end))]
    levels = [top + rise * lane.levels.index(ladder.heights[each.status]) for each in lane.path]
    colour = INK if trajectory.draws == "history" else MODEL
    for each, level, (begin, end) in zip(lane.path, levels, pairwise(edges), strict=True):
        fill, ink, glyph = look[each.status]
        axes.stairs([level], [begin, end], baseline=low, fill=True, facecolor=fill, edgecolor=EDGE, linewidth=1.5 * sheet.point, zorder=3)
        named = sheet.name(name := f"{glyph} {words(each.status)}", (scale.at(begin), level), (scale.at(end), low), base, color=ink, ground=fill)
        if not named and end is edges[-1] and scale.at(end) + 12 + sheet.extent(name) < sheet.width:
            sheet.write(scale.at(end) + 12, level + base / 2, name)
    axes.stairs(levels, edges, baseline=None, color=colour, linewidth=3 * sheet.point, zorder=5, gid=f"lane-{lane.mission.replace('->', '-')}")
    for each, level, time in zip(lane.path[1:], levels[1:], edges[1:], strict=False):
        axes.plot([time, time], [spots[each.since], level], color=EDGE, linewidth=1.5 * sheet.point, zorder=2)
        axes.plot([time], [level], marker="o", markersize=10 * sheet.point, color=colour, zorder=7)
    for begin, end, _ in scale.cuts:
        slit = float(scale.inverse((scale.at(begin) + scale.at(end)) / 2))
        axes.plot([slit, slit], [top - 3, low + 3], color=PAPER, linewidth=5 * sheet.point, zorder=6)


# The calendar


def _calendar(sheet: Sheet, axes: Axes, scale: Timescale, marks: Sequence[_Mark], end: float) -> float:
    """Write days, months and years under the dates of events, and the lengths of what is cut; give where the lanes must end."""
    base, right = sheet.height - 100, sheet.width - _RIGHT
    sheet.axes.plot([_LEFT, right], [base, base], color=INK, linewidth=2 * sheet.point)
    for low, high, told in scale.cuts:
        middle = (scale.at(low) + scale.at(high)) / 2
        sheet.axes.plot([middle - 5, middle + 5], [base, base], color=PAPER, linewidth=4 * sheet.point)
        for shift in (-11, 1):
            sheet.axes.plot([middle + shift, middle + shift + 10], [base + 11, base - 11], color=INK, linewidth=2 * sheet.point)
        if told:
            days = high - low
            sheet.write(middle, base - 26, f"{days:.0f} d" if days < 100 else f"{days / 30.44:.0f} mo", ha="center", color=FADED)
    if scale.cuts:
        sheet.write(40, base - 26, "// = time cut out", color=FADED)
    _dates(sheet, axes, scale, marks, base)
    last = dated((_EPOCH + (end - 1) * DAY).date(), short=True)
    sheet.write(right, base + 82, f"unchanged to {last} →" if end > scale.end else f"the record ends on {last}", ha="right", color=FADED)
    return base - 42 * bool(scale.cuts)


def _dates(sheet: Sheet, axes: Axes, scale: Timescale, marks: Sequence[_Mark], base: float) -> None:
    known: dict[float, int] = {}  # how well the date of each tick is known: 0 the day, 1 nearly, 2 the month, 3 the year
    for mark in marks:
        width = _length(mark.span)
        known[mark.tick] = min(0 if not width else 1 if width <= 10 else 2 if width <= 45 else 3, known.get(mark.tick, 3))
    ticks = sorted(known)
    moved = {mark.tick for mark in marks if mark.step.moves}
    for tick in ticks:
        axes.plot([tick, tick], [120, base], color="#D0D0D0", linewidth=sheet.point, zorder=1)
    days = {tick: _EPOCH + tick * DAY for tick in ticks}
    taken: list[tuple[float, float]] = []
    for tick in sorted(ticks, key=lambda tick: (tick not in moved, tick not in (ticks[0], ticks[-1]), tick)):  # changes of status first
        text, place = "≈" * known[tick] + str(days[tick].day), scale.at(tick)
        half = sheet.extent(text) / 2 + 3
        if known[tick] < 2 and all(place + half <= low or place - half >= high for low, high in taken):
            taken.append((place - half, place + half))
            sheet.write(place, base + 24, text, ha="center")
    _names(sheet, scale, base + 54, [(tick, day.year * 12 + day.month, MONTHS[day.month - 1]) for tick, day in days.items() if known[tick] < 3])
    _names(sheet, scale, base + 82, [(tick, day.year, str(day.year)) for tick, day in days.items()])


def _names(sheet: Sheet, scale: Timescale, y: float, entries: Sequence[tuple[float, int, str]]) -> None:
    """Write the names of months or years, each under the middle of its ticks."""
    free = 0.0
    for _, group in groupby(entries, key=lambda entry: entry[1]):
        run = list(group)
        first, last, text = scale.at(run[0][0]), scale.at(run[-1][0]), run[0][2]
        if sheet.extent(text) > last - first + 40 and not text.isdigit():
            text = text[:3]
        half = sheet.extent(text) / 2 + 5
        if (first + last) / 2 - half >= free:
            sheet.write((first + last) / 2, y, text, ha="center")
            free = (first + last) / 2 + half

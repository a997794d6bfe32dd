"""The figure of a trajectory (P1): events by actor on top, below them a lane of status for every mission.

Variants may lie behind history as thin grey lines. Each keeps its own small distance below the level that it is on, so
that those which go the same way stay apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escsim.captions import (
    MONTHS,
    actor_name,
    alike,
    dated,
    describe_trajectory,
    event_name,
    headline,
    marker_key,
    mission_name,
    subtitle,
    words,
)
from escsim.palette import EDGE, FADED, FAINT, INK, MODEL, PAPER, Look, looks
from escsim.scenario import Scenario, counterpart
from escsim.style import SMALLEST, Picture, Sheet, styled
from escsim.times import DAY
from escsim.trajectory import COLUMNS, Step, Trajectory

_LEFT, _RIGHT = 340, 40  # what the lanes leave free for their names, and at the end
_CUT, _INNER = 84, 44  # a time cut out; one inside what a date leaves open
_TAIL, _CLOSEST, _WIDEST = 235, 33, 150  # after the last event; between two ticks; a day at most
_LANE, _NOTE = 40, 34  # the least for a lane and for the note below them
_FEW = 4  # lanes, which leave room for words
_EPOCH = datetime(1970, 1, 1)


class Timescale:
    """Where on the sheet a time stands: one scale, except that the longest gaps may be cut, until neighbouring ticks can be read.

    Parameters
    ----------
    ticks : sequence of float
        The times that get a tick, in days since 1970, as matplotlib counts them.
    spans : sequence of (float, float)
        For every event from when to when its date may be.
    left, right : float
        From where to where on the sheet; the times there are the attributes `start` and `end`, and `cuts` says what is cut.
    until : float, optional
        A time that must be on it; what lies between the last mark and it is cut if there is no room.
    """

    def __init__(self, ticks: Sequence[float], spans: Sequence[tuple[float, float]], left: float, right: float, until: float | None = None) -> None:
        marks = [*ticks, *(time for span in spans for time in span)]
        self.start = float(np.floor(min(marks))) - 1
        points = np.unique([self.start, *marks])
        gaps = np.diff(points)
        inner = [any(low <= a and b <= high for low, high in spans) for a, b in pairwise(points)]
        across, tail = (_CUT, _TAIL) if until is None else (_CUT - 6, _TAIL - 20)
        widths = np.where(inner, _INNER, across)
        closest = min(np.diff(np.unique(ticks)), default=1)
        cut, room = np.zeros(len(gaps), dtype=bool), right - left - tail
        unit = room / gaps.sum()
        for length in np.unique(gaps)[:0:-1]:
            more = gaps >= length
            wider = (room - widths[more].sum()) / gaps[~more].sum()
            if closest * unit >= _CLOSEST or length * wider < 1.2 * _CUT:
                break
            cut, unit = more, wider
        unit = min(unit, _WIDEST)
        places = left + np.cumsum([0, *np.where(cut, widths, gaps * unit)])
        self.end = float(points[-1] + (right - places[-1]) / unit)
        self.cuts = [(float(points[at]), float(points[at + 1])) for at in np.flatnonzero(cut)]
        if until is not None and until > self.end:
            self.end = until
            self.cuts.append((float(points[-1]), until))
        self.whole = until is not None
        self._points, self._places = [*points, self.end], [*places, right]

    def __call__(self, times: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Give the places of times."""
        return np.asarray(np.interp(np.asarray(times, dtype=float), self._points, self._places))

    def inverse(self, places: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Give the times at places."""
        return np.asarray(np.interp(np.asarray(places, dtype=float), self._places, self._points))


@dataclass
class Mark:
    """An event on the sheet."""

    number: int
    step: Step
    actors: tuple[str, ...]
    fill: Literal["full", "left", "none"]
    time: float
    span: tuple[float, float]  # from when to when it may have been
    tick: float  # the beginning of its day, or the middle of what its date leaves open
    label: str
    told: bool = True  # whether there is room for the label
    row: int = 0  # of those of its actors
    y: float = 0
    place: float = 0  # where its label begins or, if it is `before` the marker, ends
    before: bool = False


@dataclass
class _Lane:
    """A mission, its lasting statuses by when they begin, in history and in the runs behind it, and its levels.

    It may stand for `both` missions of a pair.
    """

    mission: str
    path: dict[float, str]
    runs: list[dict[float, str]]
    levels: list[int]
    both: bool = False


def trajectory(history: Trajectory, *, runs: Sequence[Trajectory] = (), paper: bool = False) -> Picture:
    """Draw a trajectory (P1).

    Parameters
    ----------
    history : Trajectory
        The replay, or a variant.
    runs : sequence of Trajectory
        Variants of one seed to lie behind it; more than 20 can hardly be told apart.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        Its rows hold the steps of each run, one for each mission moved.
    """
    rows = [("run", *COLUMNS), *((run.draws, *row) for run in (history, *runs) for row in run.rows()[1:])]
    return Picture(draw(history, headline(history), runs=runs, paper=paper), describe_trajectory(history, runs), rows)


def draw(history: Trajectory, title: str, *, runs: Sequence[Trajectory] = (), shown: int | None = None, paper: bool = False) -> Figure:
    """Draw a trajectory, or no more of it than the first steps, on a sheet that has room for all.

    Parameters
    ----------
    history, runs, paper
        As for `trajectory`.
    title : str
    shown : int, optional
        How many steps; statuses last until the next one.
    """
    scenario = history.scenario
    with styled():
        sheet = Sheet(paper, title, subtitle(history, runs))
        marks = [mark(history, number) for number in range(len(history.steps))]
        lanes, notes = _lanes(history, runs, merged=_LANE * len(scenario.missions) > (sheet.height - 300) / 2)
        told = [text for lane in lanes for text in _ends(scenario, lane, brief=len(lanes) > _FEW)]
        right = sheet.width - max((sheet.extent(text) + 34 for text in told if text), default=_RIGHT)
        scale, axes = axis(sheet, marks, scenario, right, whole=bool(runs))
        key, after = "● {}\n○ {}".format(*marker_key(scenario)), "unchanged" * (shown in (None, len(marks)))
        bottom = calendar(sheet, axes, scale, scenario, marks, key, after)
        room = bottom - sheet.top - _NOTE - 14
        base, rise = (_LANE, 1) if len(lanes) > _FEW else (66, 43) if runs else (85, 55)
        needed = sum(base + rise * (len(lane.levels) - 1) for lane in lanes)
        size = place(sheet, scale, marks, room - min(needed, 0.6 * room))
        middle = draw_events(sheet, axes, scenario, marks, size, shown=shown) + 14
        lost = sum(not mark.told for mark in marks)
        most = max(int((bottom - middle - _NOTE) / _LANE), 0)
        notes = [f"{lost} events are shown without a label"] * bool(lost) + notes
        notes = [f"{len(lanes) - most} more missions are not shown"] * (len(lanes) > most) + notes
        if notes:
            bottom -= _NOTE
            sheet.write(40, bottom + 20, sheet.fit("   ·   ".join(notes), sheet.width - 80), color=FADED)
        spots = {mark.time: mark.y for mark in sorted(marks, key=lambda mark: -mark.y) if mark.step.moves}
        until = _time(scenario.period.end)
        if shown is not None:
            until = next((mark.time for mark in marks[shown:] if mark.time > marks[shown - 1].time), until)
            seen = replace(history, steps=history.steps[:shown])
            for lane in lanes:
                lane.path = _path(seen, lane.mission)
        _draw_lanes(sheet, axes, scale, history, lanes[:most], (middle, bottom), spots, until)
    return sheet.figure


def _time(moment: datetime) -> float:
    return (moment - _EPOCH) / DAY


def mark(trajectory: Trajectory, number: int) -> Mark:
    """Give the mark of a step: where it stands in time and what is written beside it."""
    scenario, step = trajectory.scenario, trajectory.steps[number]
    event, moment = trajectory.event(step), trajectory.moment(step)
    label = event_name(event)
    tick = time = _time(moment)
    span = (time, time)
    if event.date is not None and event.date.exact and ":" in event.date.text:
        label += f" {moment:%H:%M}"
    if event.date is not None and not event.date.exact and trajectory.draws == "history":
        span = (min(_time(event.date.first), time), max(_time(event.date.last), time))
    else:
        tick = np.floor(time)
    actors = tuple(actor for actor in scenario.actors if actor in event.actor)
    return Mark(number, step, actors, "full" if scenario.reported(event) else "none", time, span, tick, label + " (moot)" * step.moot)


def axis(sheet: Sheet, marks: Sequence[Mark], scenario: Scenario, right: float, *, whole: bool = False) -> tuple[Timescale, Axes]:
    """Lay the axis of time over the sheet; it has the end of the period on it if it is to be `whole`."""
    ticks = [mark.tick for mark in marks] or [_time(scenario.period.start)]
    scale = Timescale(ticks, [mark.span for mark in marks], _LEFT, right, _time(scenario.period.end) if whole else None)
    axes = sheet.lay(_LEFT, right)
    axes.set_xscale("function", functions=(scale, scale.inverse))
    axes.set_xlim(scale.start, scale.end)
    return scale, axes


def place(sheet: Sheet, scale: Timescale, marks: Sequence[Mark], room: float, *, stems: bool = False) -> int:
    """Place the labels so that none lies over another, each to the right of its marker or, at the edge, to the left.

    With `stems`, which lead down from the markers, later ones stand lower, so that no stem crosses a label to its left.

    Gives the size of their letters, the largest for which there is room. Where that is too little for the smallest, the
    last row of an actor has no labels; if there are too many actors, they share their rows.
    """
    if (1.2 * SMALLEST - 2) * len({mark.actors for mark in marks}) > room:
        for mark in marks:
            mark.actors = ()
    size = SMALLEST
    for size, most in ((33, 99), (30, 99), (27, 99), *((SMALLEST, most) for most in range(30, -1, -1))):
        rows: dict[tuple[str, ...], list[float]] = {mark.actors: [] for mark in marks}  # up to where each is taken
        for mark in marks:
            taken = rows[mark.actors]
            width = sheet.extent(mark.label, size, bold=bool(mark.step.moves)) + 18
            low, high = scale(mark.span)
            mark.before = high + width > sheet.width - 34
            mark.place = max(low - 18, _LEFT + width) if mark.before else high + 18
            begin, end = (min(low, mark.place - width), high) if mark.before else (low, high + width)
            free = [until + 28 <= begin for until in taken]
            mark.row = free.index(True) if any(free) else len(free)
            if stems:
                mark.row = max((row + 1 for row, each in enumerate(free) if not each), default=0)
            mark.told = mark.row < most
            if mark.told:
                taken[mark.row : mark.row + 1] = [end]
        if (1.2 * size - 2) * len({(mark.actors, mark.row) for mark in marks}) <= room:
            break
    return size


def _path(trajectory: Trajectory, mission: str) -> dict[float, str]:
    begins = [-np.inf, *(_time(trajectory.scenario.period.moment(tick)) for tick, _ in trajectory.paths[mission][1:])]
    return dict(zip(begins, (status for _, status in trajectory.paths[mission]), strict=True))


def _lanes(history: Trajectory, runs: Sequence[Trajectory], *, merged: bool) -> tuple[list[_Lane], list[str]]:
    """Give a lane for every mission, and notes.

    Among more than six, those that never change are only noted; if `merged`, a pair that goes through the same shares a lane.
    """
    scenario, heights = history.scenario, history.scenario.ladder.heights
    many = len(scenario.missions) > 6
    lanes: dict[str, _Lane] = {}
    still = []
    for mission in scenario.missions:
        path, *others = (_path(each, mission) for each in (history, *runs))
        other = lanes.get(counterpart(mission))
        if merged and other and all(alike(each, mission) for each in (history, *runs)):
            other.both = True
        elif not many or any(len(each) > 1 for each in (path, *others)):
            levels = {heights[status] for each in (path, *others) for status in each.values()} | {heights[scenario.ladder.initial]}
            lanes[mission] = _Lane(mission, path, others, sorted(levels))
        else:
            still.append(f"{_arrow(scenario, mission)}: {words(scenario.initial[mission])} throughout")
    notes = []
    if many:
        keys = dict.fromkeys(key for mission in lanes for key in mission.split("->"))
        notes = [f"{key}: {actor_name(scenario, key)}" for key in keys if _brief(scenario, key) == key != actor_name(scenario, key)]
        notes += still if len(still) <= 3 else [f"{len(still)} missions do not change"]
    return list(lanes.values()), notes


def _brief(scenario: Scenario, key: str) -> str:
    """Name an actor where there is little room: by its key if the name is long."""
    return name if len(name := actor_name(scenario, key)) <= 13 else key


def _arrow(scenario: Scenario, mission: str, sign: str = "→") -> str:
    return f" {sign} ".join(_brief(scenario, key) for key in mission.split("->"))


def draw_events(
    sheet: Sheet, axes: Axes, scenario: Scenario, marks: Sequence[Mark], size: int, *, pitch: float | None = None, shown: int | None = None
) -> float:
    """Draw the events by actor, those of several last; give where they end.

    Parameters
    ----------
    sheet, axes, scenario, marks
    size : int
        The size of the labels.
    pitch : float, optional
        From row to row, for events on stems; else they stand as close as their letters allow.
    shown : int, optional
        How many of them are drawn, the last with a ring; all if not given.
    """
    order, top, point = list(scenario.actors), float(sheet.top), sheet.point
    groups = sorted({mark.actors for mark in marks}, key=lambda actors: (len(actors) > 1, [order.index(actor) for actor in actors]))
    for number, actors in enumerate(groups):
        band = [mark for mark in marks if mark.actors == actors]
        rows = 1 + max(mark.row for mark in band)
        bottom = top + rows * (pitch or 1.2 * size - 2) + 12 * bool(pitch)
        ground = PAPER if number % 2 else "#F4F4F2"
        axes.axhspan(top, bottom, xmin=-1, xmax=2, color=ground, linewidth=0, clip_on=False, zorder=0)
        name = sheet.fit(" and ".join(actor_name(scenario, actor) for actor in actors) or "Events", _LEFT - 55, lines=rows)
        sheet.write(40, (top + bottom) / 2, ", ".join(actors) if "…" in name and len(actors) > 1 else name)
        for mark in band:
            y = mark.y = top + (bottom - top) * (mark.row + 0.5) / rows
            if shown is not None and mark.number >= shown:
                continue
            if pitch:
                axes.vlines(mark.time, y, bottom, color=INK, linewidth=2.5 * point, zorder=5)
            if mark.span[0] != mark.span[1]:
                axes.plot(mark.span, [y, y], color=INK, linewidth=2 * point, marker="|", markersize=14 * point, zorder=6)
            look: dict[str, Any] = {"marker": "x" if mark.step.moot else "o", "color": INK, "mew": 2.5 * point, "markersize": 15 * point}
            look |= {"mfc": PAPER if mark.fill == "none" else INK, "mfcalt": PAPER, "fillstyle": "left" if mark.fill == "left" else "full"}
            axes.plot(mark.time, y, zorder=7, gid=f"event-{mark.number}", **look)
            if shown == mark.number + 1:
                axes.plot(mark.time, y, "o", markersize=26 * point, mfc="none", mec=MODEL, mew=5 * point, zorder=7)
            if mark.told:
                box = {"facecolor": ground, "edgecolor": "none", "pad": 0.5}
                side = "right" if mark.before else "left"
                sheet.write(mark.place, y, mark.label, size=size, bold=bool(mark.step.moves), ha=side, bbox=box)
        top = bottom
    return top


def _draw_lanes(
    sheet: Sheet,
    axes: Axes,
    scale: Timescale,
    trajectory: Trajectory,
    lanes: Sequence[_Lane],
    span: tuple[float, float],
    spots: dict[float, float],
    until: float,
) -> None:
    """Share the height among the lanes; draw each as fields of colour under a line that steps down to worse and up to better."""
    scenario, heights, look = trajectory.scenario, trajectory.scenario.ladder.heights, looks(trajectory.scenario.ladder)
    point, colour = sheet.point, INK if trajectory.draws == "history" else MODEL
    (top, bottom), rises = span, sum(len(lane.levels) - 1 for lane in lanes)
    pitch = (bottom - top) / max(rises + 1.4 * len(lanes), 1)
    gap, base = np.clip(0.3 * pitch, 6, 80), np.clip(pitch, 30, 90)
    rest = bottom - top - len(lanes) * (base + gap)
    rise = np.clip(rest / max(rises, 1), 0, 120)
    top += max(rest - rises * rise, 0) / 2
    few = len(lanes) <= _FEW
    for lane in lanes:
        low = top + base + rise * (len(lane.levels) - 1)
        y = {height: top + rise * place for place, height in enumerate(lane.levels)}
        name = sheet.fit(mission_name(scenario, lane.mission), _LEFT - 60, bold=True, lines=4)
        if lane.both or low - top < 31 * (name.count("\n") + 1):
            name = sheet.fit(_arrow(scenario, lane.mission, "⇄" if lane.both else "→"), _LEFT - 50, bold=True)
        sheet.write(40, (top + low) / 2, name, bold=True)
        times = [scale.start, *list(lane.path)[1:], min(scale.end, until)]
        levels = [y[heights[status]] for status in lane.path.values()]
        for status, level, field in zip(lane.path.values(), levels, pairwise(times), strict=True):
            axes.stairs([level], field, baseline=low, fill=True, facecolor=look[status].fill, edgecolor=EDGE, linewidth=1.5 * point, zorder=3)
            _name_field(sheet, look[status], words(status), scale(field), level, low, base)
        if lane.runs:
            room = min(rise, base) if len(y) > 1 else base
            _draw_runs(sheet, axes, scale, scenario, lane, y, room, None if few and room >= 1.2 * SMALLEST else (top + low) / 2)
        axes.stairs(levels, times, baseline=None, color=colour, linewidth=3 * point, zorder=5, gid=f"lane-{lane.mission.replace('->', '-')}")
        axes.vlines(times[1:-1], [spots[time] for time in times[1:-1]], levels[1:], color=EDGE, linewidth=1.5 * point, zorder=2)
        axes.plot(times[1:-1], levels[1:], "o", markersize=10 * point, color=colour, zorder=7)
        axes.vlines([scale.inverse(scale(gap).mean()) for gap in scale.cuts], top - 3, low + 3, color=PAPER, linewidth=5 * point, zorder=6)
        top = low + gap


def _draw_runs(
    sheet: Sheet, axes: Axes, scale: Timescale, scenario: Scenario, lane: _Lane, y: dict[int, float], room: float, middle: float | None
) -> None:
    """Draw the runs of a lane below its levels, each at its own distance, and tell how they end: beside the levels, or in a line at the `middle`."""
    step = min(3, max(room - 8, 8) / len(lane.runs))
    heights, period_end = scenario.ladder.heights, _time(scenario.period.end)
    for number, run in enumerate(lane.runs):
        levels = [y[heights[status]] + 5 + step * (number + 0.5) for status in run.values()]
        fields, width = [scale.start, *list(run)[1:], min(scale.end, period_end)], np.clip(0.6 * step, 0.8, 1.8) * sheet.point
        axes.stairs(levels, fields, baseline=None, color=FAINT, linewidth=width, zorder=4, gid=f"run-{number}-{lane.mission.replace('->', '-')}")
    left = float(scale(scale.end)) + 14
    places = [level + 5 + room / 2 for level in y.values()] if middle is None else [middle]
    for text, place in zip(_ends(scenario, lane, brief=middle is not None), places, strict=True):
        sheet.write(left, place, sheet.fit(text, sheet.width - left - 10), color=FADED)


def _ends(scenario: Scenario, lane: _Lane, *, brief: bool) -> list[str]:
    """Say in which statuses the runs of a lane end, and how many: for each of its levels or, in brief, in one line for all."""
    if not lane.runs:
        return []
    look, ends = looks(scenario.ladder), Counter(list(run.values())[-1] for run in lane.runs)
    if brief:
        return ["  ".join(f"{look[status].glyph} {ends[status]}" for status in look if ends[status])]
    found = dict.fromkeys(lane.levels, "")
    for status in look:
        if ends[status]:
            level = scenario.ladder.heights[status]
            found[level] = f"{found[level]}  {look[status].glyph} {ends[status]} {words(status)}".lstrip()
    return list(found.values())


def _name_field(sheet: Sheet, look: Look, status: str, across: npt.NDArray[np.float64], top: float, low: float, base: float) -> None:
    """Name a field under its upper edge; upright if it is too narrow, by the glyph alone if it is too small."""
    (left, right), size, name = across, 30 if base > 50 else SMALLEST, f"{look.glyph} {status}"
    more: dict[str, Any] = {"size": size, "color": look.ink, "bbox": {"facecolor": look.fill, "edgecolor": "none", "pad": 0}}
    width, room = sheet.extent(name, size), right - left - 16
    if room >= size and room < width < low - top - 20:
        sheet.write((left + right) / 2, top + 10, name, va="top", ha="center", rotation=90, **more)
    elif sheet.extent(look.glyph, size) <= room:
        sheet.write(left + 10, top + base / 2, name if width <= room else look.glyph, **more)


def calendar(sheet: Sheet, axes: Axes, scale: Timescale, scenario: Scenario, marks: Sequence[Mark], key: str, after: str = "unchanged") -> float:
    """Write days, months and years under the dates of events, the lengths of what is cut, the key and what comes after; give where lanes must end."""
    base, right, end = sheet.height - 100, float(scale(scale.end)), scenario.period.end
    sheet.axes.plot([_LEFT, right], [base, base], color=INK, linewidth=2 * sheet.point)
    for low, high in scale.cuts:
        (begin, rest), length = scale([low, high]), high - low
        sheet.write((begin + rest) / 2, base, "//", ha="center", bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0})
        if rest - begin > _INNER + 1:
            text = f"{length:.0f} d" if length < 100 else f"{length / 30.44:.0f} mo"
            sheet.write((begin + rest) / 2, base - 26, text, ha="center", color=FADED)
    if scale.cuts:
        sheet.write(40, base - 26, f"// = time {'shortened' if scale.whole else 'cut out'}", color=FADED)
    last = dated((end - DAY).date(), short=True)
    told = f"{after} to\n{last} →" if after and _time(end) > scale.end else f"the record\nends {last}"
    sheet.write(sheet.width - _RIGHT, base + 39, told, ha="right", color=FADED)
    sheet.write(40, base + 39, key)
    known: dict[float, float] = {}  # how many days the date of each tick leaves open
    for mark in marks:
        known[mark.tick] = min(mark.span[1] - mark.span[0], known.get(mark.tick, np.inf))
    axes.vlines(list(known), sheet.top, base, color="#D0D0D0", linewidth=sheet.point, zorder=1)
    moved = {mark.tick for mark in marks if mark.step.moves}
    labels: dict[tuple[int, object], tuple[float, str]] = {}  # by the y of its line, and what else tells it apart
    for tick, width in sorted(known.items()):
        day = _EPOCH + tick * DAY
        labels.setdefault((82, day.year), (tick, str(day.year)))
        if width <= 45:
            labels.setdefault((54, (day.year, day.month)), (tick, MONTHS[day.month - 1][:3]))
        if width <= 10:
            labels[24, tick] = (tick, f"{'≈' if width else ''}{day.day}")
    taken: list[tuple[int, float, float]] = []
    for (line, _), (tick, text) in sorted(labels.items(), key=lambda label: label[1][0] not in moved):  # changes of status first
        place, half = float(scale(tick)), sheet.extent(text) / 2 + 3
        if all(line != other or place + half <= low or place - half >= high for other, low, high in taken):
            taken.append((line, place - half, place + half))
            sheet.write(place, base + line, text, ha="center")
    return base - 42 * bool(scale.cuts) - 12

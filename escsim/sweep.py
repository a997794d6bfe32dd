"""The figure of a sweep (P6): an answer along one number of the file, as sampled and, where it can be, exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from escsim.captions import capital, parameter_name, quantity, remembered, words
from escsim.errors import plain
from escsim.palette import EDGE, FADED, FAINT, INK, MODEL, PAPER
from escsim.sensitivity import Sweep, question_named
from escsim.style import Picture, Sheet, styled

_LEFT, _RIGHT, _ABOVE, _BELOW = 170, 250, 84, 190  # what the field leaves free, above and below for labels


def sweep(told: Sweep, question: str | None = None, *, paper: bool = False) -> Picture:
    """Draw an answer along one number of the file (P6).

    Parameters
    ----------
    told : Sweep
    question : str, optional
        By default the first that asks for a probability.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        A row for each value: number, as written, estimate, low, high, exact.

    Raises
    ------
    ValueError
        If there is no such question, or it is not answered by one number.
    """
    name, known = question_named(told.scenario, question), told.parameter
    base = told.base.answers[name]
    points = {told.value(point): point.answers[name] for point in (*told.points, told.base)}
    found = {value: points[value].numbers(name)[name] for value in sorted(points) if points[value].asked}
    rows: list[tuple[object, ...]] = [(known.name, "written", "estimate", "low", "high", "exact")]
    rows += [(value, known.told(value), *(getattr(points[value], key) for key in ("estimate", "low", "high", "exact"))) for value in sorted(points)]
    crossings = told.crossings(name) if base.unit == "share" else []
    headline, subtitle = _headline(told, name, crossings), _subtitle(told)
    with styled():
        sheet = Sheet(paper, headline, subtitle)
        right, top, bottom = sheet.width - _RIGHT, sheet.top + _ABOVE, sheet.height - _BELOW
        axes = sheet.lay(_LEFT, right)
        low, high = min(points), max(points)
        margin = 0.03 * (high - low) or 1.0
        axes.set_xlim(low - margin, high + margin)
        across = _Scale(_LEFT, right, low - margin, high + margin)
        up = _Scale(bottom, top, 0.0, 1.0 if base.unit == "share" else _most([*(each.high for each in found.values()), base.replay]))
        _grid(sheet, axes, up, base.unit)
        finite = {value: each for value, each in found.items() if each.estimate < math.inf}
        exactly = [exact for value in finite if (exact := points[value].exact) is not None and base.unit == "share"]
        solved = len(exactly) == len(found)
        for value, each in finite.items():
            ends = [up(min(bound, up.last)) for bound in (each.low, each.high)]
            axes.plot([value, value], ends, color=MODEL, linewidth=3 * sheet.point, solid_capstyle="butt", zorder=5)
        sampled: Any = (list(finite), [up(each.estimate) for each in finite.values()])
        joined = (list(finite), [up(each) for each in exactly]) if solved else sampled
        axes.plot(*joined, color=MODEL, linewidth=(4 if solved else 1.5) * sheet.point, zorder=4, gid="exact" if solved else "joined")
        axes.plot(*sampled, "o", color=MODEL, markersize=13 * sheet.point, zorder=6, gid="sampled")
        above = [value for value in found if value not in finite]
        axes.plot(
            above, [up(up.last)] * len(above), "^", mfc=PAPER, mec=MODEL, mew=3 * sheet.point, markersize=15 * sheet.point, zorder=6, gid="beyond"
        )
        _history(sheet, axes, up, base.replay, base.unit)
        _mark(sheet, axes, told, name, across, up, crossings)
        _values(sheet, axes, told, across, bottom)
        what = f"{'medians' if base.unit == 'days' else 'means' if base.unit == 'times' else 'points'} with 95 % intervals"
        key = (
            f"line exact at each value, sampled {what}"
            if solved
            else f"sampled {what}, the line only joins them" + "; ▲ beyond the period" * bool(above)
        )
        number, asked = parameter_name(told.scenario, known.name), plain(told.scenario.questions[name].text or words(name), 300)
        for y, text in ((92, capital(number)), (126, asked), (160, capital(key))):
            sheet.write(_LEFT, bottom + y, sheet.fit(text, sheet.width - _LEFT - 40), bold=y == 92, color=INK if y == 92 else FADED)
    return Picture(sheet.figure, _described(told, name, headline, subtitle, crossings), rows)


class _Scale:
    """Turns values into units of the sheet, straight between two ends."""

    def __init__(self, begin: float, end: float, first: float, last: float) -> None:
        self.begin, self.end, self.first, self.last = begin, end, first, last

    def __call__(self, value: float) -> float:
        return self.begin + (self.end - self.begin) * (value - self.first) / (self.last - self.first)


def _most(values: list[Any]) -> float:
    """Give a round number that no finite value exceeds."""
    most = max((float(value) for value in values if value is not None and value < math.inf), default=1.0) or 1.0
    unit = 10.0 ** math.floor(math.log10(most))
    return next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= most)


def _grid(sheet: Sheet, axes: Axes, up: _Scale, unit: str) -> None:
    for part in range(5):
        value = up.last * part / 4
        half = unit == "share" and part == 2
        axes.axhline(up(value), color=FADED if half else "#D0D0D0", linewidth=(2 if half else 1.2) * sheet.point, zorder=1)
        text = f"{100 * value:.0f} %" if unit == "share" else f"{value:g} d" if unit == "days" else f"{value:g}"
        sheet.write(_LEFT - 16, up(value), text, ha="right", color=FADED)


def _history(sheet: Sheet, axes: Axes, up: _Scale, replay: object, unit: str) -> None:
    """Tell history's answer at the right: a yes at 100 %, a no at 0 %, a time or number on its line."""
    value = float(replay) if isinstance(replay, int | float) else 0.5 * up.last
    if isinstance(replay, int | float) and not isinstance(replay, bool):
        axes.axhline(up(value), color=INK, linewidth=3 * sheet.point, zorder=3, gid="history")
    sheet.write(sheet.width - _RIGHT + 14, up(value), remembered(replay, unit).replace(": ", ":\n").replace(" has ", "\nhas "), bold=True)


def _mark(sheet: Sheet, axes: Axes, told: Sweep, name: str, across: _Scale, up: _Scale, crossings: list[float]) -> None:
    """Mark the file's own value and where it is even odds, each told above the field."""
    base, taken = told.base.answers[name], dict[float, list[tuple[float, float]]]()

    def label(value: float, y: float, text: str, *, bold: bool) -> None:
        half = sheet.extent(text, bold=bold) / 2
        x = min(max(across(value), _LEFT - 100 + half), sheet.width - 40 - half)
        if all(x + half + 20 <= low or x - half - 20 >= high for low, high in taken.get(y, [])):
            taken.setdefault(y, []).append((x - half, x + half))
            sheet.write(x, y, text, ha="center", bold=bold, color=INK if bold else MODEL, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1})

    own = told.value(told.base)
    foot = 1 - (sheet.height - _BELOW) / sheet.height
    axes.axvline(own, foot, 1 - (sheet.top + 36) / sheet.height, color=INK, linewidth=2 * sheet.point, linestyle=(0, (2, 3)), zorder=2)
    if base.estimate is not None:
        axes.plot(own, up(base.estimate), "o", mfc="none", mec=INK, mew=3 * sheet.point, markersize=25 * sheet.point, zorder=7, gid="base")
    said = "not asked" if not base.asked else quantity(base.numbers(name)[name].estimate, base.unit)
    label(own, sheet.top + 18, f"the file says {told.parameter.told(own)}: {said}", bold=True)
    for x in crossings:
        axes.axvline(x, foot, 1 - up(0.5) / sheet.height, color=MODEL, linewidth=2 * sheet.point, linestyle=(0, (4, 3)), zorder=2)
        axes.plot(x, up(0.5), "D", mfc=PAPER, mec=MODEL, mew=3 * sheet.point, markersize=15 * sheet.point, zorder=8, gid="crossing")
        label(x, sheet.top + 56, f"50 % at {_about(told, x)} (interpolated)", bold=False)


def _about(told: Sweep, value: float) -> str:
    """Write a value that is only interpolated, to three digits."""
    return f"{value:.3g} {told.parameter.unit.removeprefix('share')}".rstrip()


def _values(sheet: Sheet, axes: Axes, told: Sweep, across: _Scale, bottom: float) -> None:
    """Write as many of the values under the field as there is room for, evenly."""
    values = sorted({told.value(point) for point in told.points})
    widest = max(sheet.extent(told.parameter.told(value)) for value in values) + 24
    room = (across(values[-1]) - across(values[0])) / max(1, len(values) - 1)
    step = next((step for step in (1, 2, 4, 5, 10, 20, 25, 50, 100, 200) if room * step >= widest), len(values))
    axes.plot([values[0], values[-1]], [bottom, bottom], color=EDGE, linewidth=2 * sheet.point, zorder=3)
    for value in values[::step]:
        axes.plot([value, value], [bottom, bottom + 12], color=INK, linewidth=1.5 * sheet.point)
        sheet.write(across(value), bottom + 38, told.parameter.told(value), ha="center")
    axes.plot(values, np.full(len(values), bottom + 4), "|", color=FAINT, markersize=5 * sheet.point)


def _headline(told: Sweep, name: str, crossings: list[float]) -> str:
    first, last = (point.answers[name].numbers(name).get(name) for point in (told.points[0], told.points[-1]))
    unit, number = told.base.answers[name].unit, parameter_name(told.scenario, told.parameter.name, short=True)
    if first is None or last is None:
        return f"{capital(words(name))}: cannot be asked at every {number}"
    ends = [quantity(each.estimate, unit) for each in (first, last)]
    if len({point.answers[name].estimate for point in told.points}) == 1:
        return f"{capital(words(name))}: {ends[0]} whatever the {number}"
    even = f"; even odds at {_about(told, crossings[0])}" if len(crossings) == 1 else ""
    return f"{capital(words(name))}: {ends[0]} to {ends[1]} as the {number} rises{even}"


def _subtitle(told: Sweep) -> str:
    return f"{plain(told.scenario.title, 60)} · {told.n:,} variants a point on the same chances, seed {told.seed} · {told.scenario.hash[:8]}"


def _described(told: Sweep, name: str, headline: str, subtitle: str, crossings: list[float]) -> str:
    unit = told.base.answers[name].unit
    parts = []
    for point in told.points:
        answer = point.answers[name]
        if answer.asked:
            middle, low, high = (quantity(each, unit) for each in answer.numbers(name)[name])
            exactly = "" if answer.exact is None or unit != "share" else f", exactly {100 * answer.exact:.1f} %"
            parts.append(f"{told.parameter.told(told.value(point))}: {middle} ({low} to {high}){exactly}.")
    even = f" One half, interpolated, at {', '.join(_about(told, each) for each in crossings)}." if crossings else ""
    own = f"The file says {told.parameter.told(told.value(told.base))}; {remembered(told.base.answers[name].replay, unit)}."
    return f"{headline}. {subtitle}. With 95 % intervals, at {told.parameter.name} of {' '.join(parts)}{even} {own}"

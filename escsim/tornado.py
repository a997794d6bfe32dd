"""The figure of a tornado (P7): how far an answer moves from the low to the high end of each stated range, the largest swing first."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes

from escsim.captions import capital, parameter_name, quantity, remembered, words
from escsim.errors import plain
from escsim.intervals import Estimate
from escsim.palette import EDGE, FADED, INK, MODEL
from escsim.sensitivity import Point, Sensitivity, Swing
from escsim.style import Picture, Sheet, styled

_LEFT, _RIGHT, _BELOW = 560, 60, 176  # what the bars and their labels leave free
_ROW = 62  # the least height of a bar with its names
_LOW = "#A9C9EC"
_TICKS = 6


def tornado(told: Sensitivity, *, paper: bool = False) -> Picture:
    """Draw the swings of an answer (P7).

    Parameters
    ----------
    told : Sensitivity
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        A row for each end of each range: number, end, value, as written, estimate, low, high, and the effect with its interval.
    """
    headline, subtitle = _headline(told), _subtitle(told)
    with styled():
        sheet = Sheet(paper, headline, subtitle)
        top, bottom = sheet.top + 24, sheet.height - _BELOW
        shown = [each for each in told.swings if each.size][: int((bottom - top) / _ROW)]
        labels = [[_label(told, each, point) for point in (each.low, each.high)] for each in shown]
        room = 24 + max((sheet.extent(text) for pair in labels for text in pair), default=0.0)
        axes = sheet.lay(_LEFT + room, sheet.width - _RIGHT - room)
        base, whiskers = _middle(told.base), [[_whisker(point) for point in (each.low, each.high)] for each in shown]
        reach = [base, *(end for pair in whiskers for whisker in pair for end in whisker)]
        low, high = (min(reach), max(reach)) if min(reach) < max(reach) else (base - 0.5, base + 0.5)
        axes.set_xlim(low, high)
        scale = (sheet.width - _RIGHT - _LEFT - 2 * room) / (high - low)
        pitch = (bottom - top) / max(len(shown), 1)
        for place, (each, pair, texts) in enumerate(zip(shown, whiskers, labels, strict=True)):
            y = top + pitch * (place + 0.5)
            sheet.write(40, y, sheet.fit(capital(parameter_name(told.scenario, each.parameter.name)), _LEFT - 60, lines=2))
            _bar(sheet, axes, base, each, pair, (y, min(0.27 * pitch, 45)))
            for (ends, text), side in zip(sorted(zip(pair, texts, strict=True)), (-1, 1), strict=True):
                value = min(*ends, base) if side < 0 else max(*ends, base)
                sheet.write(_LEFT + room + (value - low) * scale + 14 * side, y, text, ha="right" if side < 0 else "left")
        _scale(sheet, axes, told, (low, high), (_LEFT + room, scale), (top, bottom))
        _notes(sheet, told, len(shown), bottom)
    return Picture(sheet.figure, _described(told, headline, subtitle), _rows(told))


def _middle(point: Point) -> float:
    return math.nan if point.measure is None else point.measure.estimate


def _label(told: Sensitivity, swing: Swing, point: Point) -> str:
    return f"{swing.parameter.told(point.values[swing.parameter.name])} → {quantity(_middle(point), told.unit)}"


def _whisker(point: Point) -> tuple[float, float]:
    """Give the interval of the difference from the file's own answer, laid around the answer."""
    middle, effect = _middle(point), point.effect
    if effect is None or effect.estimate is None or effect.low is None or effect.high is None:
        return middle, middle
    return middle + effect.low - effect.estimate, middle + effect.high - effect.estimate


def _bar(sheet: Sheet, axes: Axes, base: float, swing: Swing, whiskers: list[tuple[float, float]], place: tuple[float, float]) -> None:
    """Draw the bar of a range, its low end light and its high end dark, the longer one behind."""
    (y, half), ends = place, zip((swing.low, swing.high), (_LOW, MODEL), ("low", "high"), whiskers, strict=True)
    for point, fill, end, whisker in sorted(ends, key=lambda each: -abs(_middle(each[0]) - base)):
        more: Any = {"color": fill, "edgecolor": EDGE, "linewidth": 1.5 * sheet.point, "gid": f"{end}-{swing.parameter.name}"}
        axes.barh(y, _middle(point) - base, height=2 * half, left=base, zorder=3, **more)
        axes.plot(whisker, [y, y], color=INK, linewidth=2.5 * sheet.point, marker="|", markersize=12 * sheet.point, zorder=5, clip_on=False)


def _scale(sheet: Sheet, axes: Axes, told: Sensitivity, across: tuple[float, float], place: tuple[float, float], span: tuple[float, float]) -> None:
    """Draw the line of the file's own answer, that of history if it lies in reach, and the scale under the bars."""
    (low, high), (left, scale), (top, foot) = across, place, span
    taken: list[tuple[float, float]] = []

    def tick(value: float, text: str, *, bold: bool = False) -> bool:
        x, half = left + (value - low) * scale, sheet.extent(text, bold=bold) / 2 + 10
        if any(x + half > begin and x - half < end for begin, end in taken):
            return False
        taken.append((x - half, x + half))
        sheet.write(x, foot + 34, text, ha="center", bold=bold, color=INK if bold else FADED)
        axes.plot([value, value], [foot, foot + 12], color=INK, linewidth=1.5 * sheet.point, clip_on=False)
        return True

    base, replay = _middle(told.base), told.base.answers[told.question].replay
    axes.plot([base, base], [top, foot], color=INK, linewidth=3 * sheet.point, zorder=6, gid="base")
    tick(base, f"the file: {quantity(base, told.unit)}", bold=True)
    if isinstance(replay, int | float) and not isinstance(replay, bool) and low <= replay <= high:
        axes.plot([replay, replay], [top, foot], color=INK, linewidth=3 * sheet.point, linestyle=(0, (2, 2)), zorder=6, gid="history")
        tick(replay, remembered(replay, told.unit), bold=True)
    if not told.swings[0].size:
        return
    unit = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= (high - low) / _TICKS)
    for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        value = number * step
        if tick(value, f"{100 * value:.3g} %" if told.unit == "share" else f"{value:g}"):
            axes.plot([value, value], [top, foot], color="#D0D0D0", linewidth=1.2 * sheet.point, zorder=1)


def _notes(sheet: Sheet, told: Sensitivity, shown: int, foot: float) -> None:
    rest = told.swings[shown:]
    for x, fill, text in ((40, _LOW, "low end of the range"), (390, MODEL, "high end; whiskers: 95 %, paired")):
        sheet.write(x, foot + 80, "   ", bbox={"facecolor": fill, "edgecolor": EDGE, "linewidth": sheet.point, "pad": 2})
        sheet.write(x + 44, foot + 80, text)
    lines = []
    if rest:
        most = _difference(rest[0].size, told.unit)
        what = f"by {most} at most" if rest[0].size else "at all at either end"
        lines.append(f"{len(rest)} other range{'s' * (len(rest) > 1)} {'move' if len(rest) > 1 else 'moves'} it {'not ' * (not rest[0].size)}{what}.")
    lines.append(capital(remembered(told.base.answers[told.question].replay, told.unit)) + ".")
    sheet.write(940, foot + 80, sheet.fit(" ".join(lines), sheet.width - 980), color=FADED)
    sheet.write(40, foot + 118, sheet.fit(plain(told.scenario.questions[told.question].text or "", 300), sheet.width - 80), color=FADED)


def _difference(value: float, unit: str) -> str:
    return f"{100 * value:.1f} points" if unit == "share" else quantity(value, unit)


def _headline(told: Sensitivity) -> str:
    question = capital(words(told.question))
    if not told.swings[0].size:
        return f"{question}: {quantity(_middle(told.base), told.unit)}, whatever the ranges"
    first = told.swings[0]
    ends = [quantity(each, told.unit) for each in sorted(_middle(point) for point in (first.low, first.high))]
    return f"{question}: the {parameter_name(told.scenario, first.parameter.name, short=True)} matters most, {ends[0]} to {ends[1]}"


def _subtitle(told: Sensitivity) -> str:
    what = {"share": "", "days": "mean days, ", "times": "means, "}[told.unit]
    how = f"{what}one range at a time, {told.n:,} paired variants, seed {told.seed}"
    return f"{plain(told.scenario.title, 60)} · {how} · {told.scenario.hash[:8]}"


def _rows(told: Sensitivity) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        ("number", "end", "value", "written", *Estimate._fields, *(f"effect{suffix}" for suffix in ("", "_low", "_high"))),
        ("", "file", None, "", *_three(told.base.measure), 0.0, 0.0, 0.0),
    ]
    for each in told.swings:
        for end, point in (("low", each.low), ("high", each.high)):
            value = point.values[each.parameter.name]
            rows.append((each.parameter.name, end, value, each.parameter.told(value), *_three(point.measure), *_three(point.effect)))
    return rows


def _three(told: object) -> tuple[float | None, ...]:
    return tuple(getattr(told, name, None) for name in Estimate._fields)


def _described(told: Sensitivity, headline: str, subtitle: str) -> str:
    parts = [f"As the file has it {quantity(_middle(told.base), told.unit)}, {remembered(told.base.answers[told.question].replay, told.unit)}."]
    for each in told.swings:
        if each.size:
            ends = " and ".join(
                f"{quantity(_middle(point), told.unit)} at {each.parameter.told(point.values[each.parameter.name])}" for point in each[1:]
            )
            parts.append(f"{capital(parameter_name(told.scenario, each.parameter.name))}: {ends}.")
    return f"{headline}. {subtitle}. {' '.join(parts)}"

"""The figures of base rates: how many are still away after so long, beside the laws that fit best, and how well the others foretell each case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from escsim.captions import number, sentence
from escsim.palette import FADED, INK, MODEL
from escsim.rates import FEW, Rate
from escsim.style import Picture, Sheet, styled
from escsim.validation import Validation

_COLOURS = (MODEL, "#B3530A", "#7A1FA2", "#2E6B2E", "#8A1538")
_MARKS = (1, 7, 30, 91, 365, 1096, 3652)
_TOLD = ("1 day", "1 week", "1 month", "3 months", "1 year", "3 years", "10 years")
_LEFT, _RIGHT, _ROW = 300, 450, 40


def away(rates: Sequence[Rate], *, paper: bool = False) -> Picture:
    """Draw how many are still away after so long (Kaplan and Meier), with the laws that fit best and the counts at risk.

    Parameters
    ----------
    rates : sequence of Rate
        At most five.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        A row for each day on which a curve falls: rate, days, share left, low, high, at risk.
    """
    first = rates[0]
    half = first.quantile(0.5).days
    headline = f"Half of {first.counted} were over within {half} days"
    if first.n == 1:
        headline = f"One case: {number(float(first.days[0]))} days{' and still open' * first.open}"
    elif half is None:
        headline = f"More than half of {first.counted} were still open when the watch ended"
    longest = max(float(rate.days.max()) for rate in rates)
    subtitle = "Share still away, by Kaplan and Meier; dashed: the law that fits best; a tick: a case watched no longer"
    rows: list[tuple[Any, ...]] = [("rate", "days", "share", "low", "high", "at_risk")]
    with styled():
        sheet = Sheet(paper, headline, subtitle)
        top, bottom = sheet.top + 40, sheet.height - 150 - _ROW * (len(rates) + 1)
        right = sheet.width - _RIGHT
        axes = sheet.lay(_LEFT, right)
        axes.set_xlim(0, math.log10(longest * 1.1))

        def x(days: float) -> float:
            return _LEFT + (right - _LEFT) * math.log10(max(days, 1)) / math.log10(longest * 1.1)

        def y(share: Any) -> Any:
            return bottom - (bottom - top) * np.asarray(share, float)

        for share in (0, 0.25, 0.5, 0.75, 1):
            axes.axhline(float(y(share)), color="#D8D8D8", linewidth=1.2 * sheet.point, zorder=0)
            sheet.write(_LEFT - 16, float(y(share)), f"{share:.0%}".replace("%", " %"), ha="right", color=FADED)
        marks = [(day, told) for day, told in zip(_MARKS, _TOLD, strict=True) if day <= longest * 1.1]
        marks = [mark for mark, after in pairwise([*marks, (10**9, "")]) if x(after[0]) - x(mark[0]) > 130]
        for day, told in marks:
            sheet.axes.plot([x(day)] * 2, [bottom, bottom + 12], color=INK, linewidth=1.5 * sheet.point)
            sheet.write(x(day), bottom + 44, told, ha="center")
        ends = []
        for rate, colour in zip(rates, _COLOURS, strict=False):
            ends.append((_curve(sheet, axes, rate, colour, y), rate, colour))
            share, low, high = rate.curve()
            falls = [0, *(int(day) for day in np.flatnonzero(np.diff(share)) + 1)]
            rows += [(rate.name, day, float(share[day]), float(low[day]), float(high[day]), rate.at_risk([day])[0]) for day in falls]
        _names(sheet, ends, right, top)
        sheet.write(40, bottom + 92, "still watched after", color=FADED)
        for line, (rate, colour) in enumerate(zip(rates, _COLOURS, strict=False)):
            height = bottom + 92 + _ROW * (line + 1)
            sheet.write(40, height, sheet.fit(rate.noun, _LEFT - 90), color=colour, bold=True)
            for (day, _), count in zip(marks, rate.at_risk([day for day, _ in marks]), strict=True):
                sheet.write(x(day), height, str(count), ha="center")
        note = "A sample of well-known cases: long ones are over-represented. One mission of each pair; what was still open is kept, as a tick."
        sheet.write(40, sheet.height - 36, sheet.fit(note, sheet.width - 80), color=FADED)
    said = [sentence(headline), sentence(subtitle), *map(_said, rates), note]
    return Picture(sheet.figure, " ".join(said), rows)


def _curve(sheet: Sheet, axes: Axes, rate: Rate, colour: str, y: Any) -> float:
    """Draw a curve with its law, and give the height of its end."""
    share, _, _ = rate.curve()
    days = np.arange(1, len(share))
    axes.step(np.log10(days), y(share[1:]), where="post", color=colour, linewidth=4 * sheet.point, zorder=4, gid=f"curve-{rate.name}")
    for day in rate.days[~rate.ended]:
        height = float(y(share[min(round(float(day)), len(share) - 1)]))
        axes.plot([math.log10(max(float(day), 1))] * 2, [height - 12, height + 12], color=colour, linewidth=3 * sheet.point, zorder=5)
    if rate.fits:
        fine = np.logspace(0, math.log10(len(share)), 200)
        style: Any = {"color": colour, "linewidth": 2 * sheet.point, "linestyle": (0, (5, 3)), "zorder": 3}
        axes.plot(np.log10(fine), y(rate.fits[0].distribution.sf(fine)), **style)
    return float(y(share[-1]))


def _names(sheet: Sheet, ends: list[tuple[float, Rate, str]], right: float, top: float) -> None:
    """Write what the curves are beside the field, none over another."""
    height = top
    for _, rate, colour in ends:
        open_ = f", {rate.open} open" if rate.open else ""
        lines = [f"{rate.counted}{open_}", *([_law(rate)] if rate.fits else []), *(["too few to say much"] if rate.n < FEW else [])]
        sheet.axes.plot([right + 24, right + 64], [height + 16] * 2, color=colour, linewidth=4 * sheet.point)
        for place, line in enumerate(lines):
            text = sheet.fit(line, sheet.width - right - 100, lines=2)
            sheet.write(right + 76, height + 4, text, color=colour if place == 0 else FADED, bold=place == 0, va="top")
            height += 34 + 30 * text.count("\n")
        height += 30


def _law(rate: Rate) -> str:
    fit = rate.fits[0]
    told = [f"{name} {number(each.estimate)}{' days' if name in ('mean', 'scale', 'median') else ''}" for name, each in fit.parameters.items()]
    return f"{fit.law}, {', '.join(told)}"


def _said(rate: Rate) -> str:
    quartiles = [rate.quantile(share).days for share in (0.25, 0.5, 0.75)]
    told = ", ".join("not reached" if days is None else f"{days} days" for days in quartiles)
    return f"{rate.counted}, {rate.open} of them open: quartiles {told}."


def calibration(found: dict[str, Validation], *, paper: bool = False) -> Picture:
    """Draw for each rate how the forecasts of its cases from the others came out: the share of cases by what they were given.

    Parameters
    ----------
    found : dict of str to Validation
    paper : bool
        As for `away`.

    Returns
    -------
    Picture
        A row for each case: rate, case, days, ended, law, low and high of the probability integral transform.
    """
    shown = [*found.values()][:3]
    first = shown[0]
    half, ninety = (first.covered(share) for share in (0.5, 0.9))
    headline = (
        f"{half[0].estimate:.0%} of {half[1]} {first.rate.noun} fell inside the middle half of what the others foretold, "
        f"{ninety[0].estimate:.0%} of {ninety[1]} inside nine tenths"
    ).replace("%", " %")
    subtitle = "Share of cases that came as soon as the forecast said they would with each probability; on the line, forecasts are right"
    rows: list[tuple[Any, ...]] = [("rate", "case", "days", "ended", "law", "transform_low", "transform_high")]
    rows += [(each.rate.name, *case[:4], *case.transform) for each in found.values() for case in each.forecasts]
    with styled():
        sheet = Sheet(paper, headline, subtitle)
        size = min((sheet.width - 160) / 3 - 90, sheet.height - sheet.top - 330)
        for place, each in enumerate(shown):
            left = 130 + place * (sheet.width - 120) / 3
            _panel(sheet, each, left, sheet.top + 60, size, first=place == 0)
        rest = f"Not drawn: {', '.join(each.rate.noun for each in [*found.values()][3:])}." if len(found) > 3 else ""
        note = "Shaded: where 95 % of such steps lie if forecasts are right, at each place. Cases still open are kept, by Kaplan and Meier."
        sheet.write(40, sheet.height - 70, rest, color=FADED)
        sheet.write(40, sheet.height - 36, sheet.fit(note, sheet.width - 80), color=FADED)
    return Picture(sheet.figure, " ".join([sentence(headline), sentence(subtitle), *map(_scored, shown), note]), rows)


def _panel(sheet: Sheet, each: Validation, left: float, top: float, size: float, *, first: bool) -> None:
    """Draw the steps of one rate over the diagonal."""
    from scipy.stats import binom

    axes = sheet.lay(left, left + size)
    axes.set_xlim(0, 1)
    bottom = top + size

    def y(share: Any) -> Any:
        return bottom - size * np.asarray(share, float)

    n, grid = each.rate.n, np.linspace(0, 1, 101)
    axes.fill_between(grid, y(binom.ppf(0.025, n, grid) / n), y(binom.ppf(0.975, n, grid) / n), color="#E4E4E4", linewidth=0, zorder=0)
    axes.plot([0, 1], y([0, 1]), color=FADED, linewidth=1.5 * sheet.point, linestyle=(0, (5, 3)), zorder=1)
    steps, left_over, risk = [(0.0, 0.0)], 1.0, n
    for case in sorted(each.forecasts, key=lambda case: (case.transform[0], not case.ended)):
        left_over *= 1 - case.ended / risk
        risk -= 1
        steps.append((case.transform[0], 1 - left_over))
    places, shares = zip(*steps, (1.0, 1 - left_over), strict=True)
    axes.step(places, y(shares), where="post", color=MODEL, linewidth=4 * sheet.point)
    for share in (0, 0.5, 1):
        if first:
            sheet.write(left - 14, float(y(share)), f"{share:.0%}".replace("%", " %"), ha="right", color=FADED)
        sheet.write(left + size * share, bottom + 30, f"{share:g}", ha="center", color=FADED)
    sheet.write(left + size / 2, bottom + 66, "foretold chance to be over by then", ha="center", color=FADED)
    sheet.axes.plot([left, left + size, left + size, left, left], [top, top, bottom, bottom, top], color=FADED, linewidth=1 * sheet.point)
    for line, text in enumerate([f"{each.rate.n} {each.rate.noun}" + (", too few" if n < FEW else ""), *_numbers(each)]):
        sheet.write(left, bottom + 118 + 34 * line, sheet.fit(text, size + 60), bold=line == 0)


def _numbers(each: Validation) -> list[str]:
    told = []
    for share in (0.5, 0.9):
        inside, known = each.covered(share)
        told.append(f"inside {share:.0%}: {inside.estimate:.0%} ({inside.low:.0%} to {inside.high:.0%}) of {known}".replace("%", " %"))
    gain = each.gain
    return [*told, f"gain over exponential {gain.estimate:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})".replace("-", "−")]


def _scored(each: Validation) -> str:
    return f"{each.rate.n} {each.rate.noun}: {'; '.join(_numbers(each))}."

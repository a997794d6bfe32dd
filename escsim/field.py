"""A field of a sheet on which shares of variants stand over days, with history's dates as dotted lines and the calendar below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date as Day
from typing import Any

import numpy as np
from matplotlib.patches import StepPatch
from numpy.typing import ArrayLike, NDArray

from escsim.captions import dated
from escsim.palette import EDGE, FADED, INK, PAPER, Look
from escsim.style import Sheet

LEFT, RIGHT = 150, 440  # what is left free for shares, and for the names at the end
_LINE = 32  # the least between two names
_STEPS = [step * 10**power for power in range(5) for step in (1, 2, 5)]


class Field:
    """A field over days or other units of time, each of which is a step from its beginning to the next.

    Parameters
    ----------
    sheet : Sheet
    length : int
        How many days.
    top, bottom : float
        Where `high` and `low` stand.
    left, right : float
        What it leaves free beside it.
    low, high : float
        What the field reaches over, by default the shares from 0 to 1.
    """

    def __init__(
        self, sheet: Sheet, length: int, top: float, bottom: float, left: float = LEFT, right: float = RIGHT, low: float = 0, high: float = 1
    ) -> None:
        self.sheet, self.length, self.top, self.bottom, self.low, self.high = sheet, length, top, bottom, low, high
        self.left, self.right = left, sheet.width - right
        self.axes = sheet.lay(self.left, self.right)
        self.axes.set_xlim(0, length)

    def x(self, day: float) -> float:
        """Give where a day begins on the sheet."""
        return self.left + (self.right - self.left) * day / self.length

    def y(self, value: ArrayLike) -> NDArray[np.float64]:
        """Give the heights of values on the sheet."""
        return self.bottom - (self.bottom - self.top) * (np.asarray(value, float) - self.low) / (self.high - self.low)

    def steps(self, values: ArrayLike, base: ArrayLike | None = None, **style: Any) -> None:
        """Draw a value of each day as steps or, over a base, as a surface; widths are in units."""
        style = {"linewidth": 0 if base is not None else 1.5, **style}
        style["linewidth"] *= self.sheet.point
        at: Any = {"baseline": None if base is None else self.y(base), "fill": base is not None}
        self.axes.add_artist(
            StepPatch(self.y(values), np.arange(self.length + 1), **at, **style)
        )  # `stairs` measures every step anew to fit the axes

    def grid(self, values: Iterable[float], told: Callable[[float], str] = "{:.0%}".format, **style: Any) -> None:
        """Draw lines across, and write beside them what they stand for."""
        for value in values:
            y = float(self.y(value))
            self.axes.axhline(y, **{"color": "#D8D8D8", "zorder": 0, **style, "linewidth": 1.2 * self.sheet.point})
            self.sheet.write(self.left - 16, y, told(value).replace("%", " %").replace("-", "−"), ha="right", color=FADED)

    def line(self, day: float, bottom: float | None = None) -> None:
        """Draw the dotted line of something in history, down to the field's own bottom or another."""
        y = (1 - place / self.sheet.height for place in (bottom or self.bottom, self.top))
        self.axes.axvline(day, *y, color=INK, linewidth=1.5 * self.sheet.point, linestyle=(0, (2, 3)), zorder=5)

    def names(self, ends: Sequence[tuple[float, str, Look | None]]) -> None:
        """Write names beside the ends of what they name, none over another: the height of each, the name, and the look of a status."""
        x, ends = self.right + 24, sorted(ends, key=lambda each: each[0])
        places: list[float] = []
        for y, _, _ in ends:
            places.append(max(y, places[-1] + _LINE) if places else max(y, self.top + _LINE / 2))
        over = places[-1] + _LINE / 2 - self.bottom if places else 0
        for place in range(len(places) - 1, -1, -1):  # pushed up again where the last ones stand below the field
            limit = self.bottom - _LINE / 2 if place == len(places) - 1 else places[place + 1] - _LINE
            places[place] = min(places[place], limit) if over > 0 else places[place]
        for y, (end, name, look) in zip(places, ends, strict=True):
            self.sheet.axes.plot([x - 20, x - 6], [end, y], color=FADED, linewidth=1.2 * self.sheet.point)
            if look is not None:
                box: Any = {"facecolor": look.fill, "edgecolor": EDGE, "linewidth": self.sheet.point, "pad": 2}
                self.sheet.write(x, y, look.glyph, color=look.ink, bbox=box)
            begin = x + 40 * (look is not None)
            self.sheet.write(begin, y, self.sheet.fit(name, self.sheet.width - 20 - begin))

    def calendar(self, days: Sequence[Day], first: Sequence[int], base: float, least: float = 0) -> list[int]:
        """Write dates below a base: those of `first`, the first and the last, and the firsts of months or years, each `least` wide.

        Returns
        -------
        list of int
            The days that are written, `length` for the end of the last one.
        """
        long = len(days) >= 400
        firsts = [place for place, day in enumerate(days) if day.day == 1 and (not long or day.month == 1)]
        firsts += [place for place, day in enumerate(days) if day.day == 15 and len(days) < 100]
        taken: dict[int, tuple[float, float]] = {}
        for place in dict.fromkeys([*first, 0, len(days), *firsts]):
            day = days[min(place, len(days) - 1)]
            text = str(day.year) if long and place in firsts and place not in first else brief(days, day)
            x, half = self.x(place), max(self.sheet.extent(text), least) / 2 + 8
            if all(x + half <= low or x - half >= high for low, high in taken.values()):
                taken[place] = x - half, x + half
                self.axes.plot([place, place], [base, base + 12], color=INK, linewidth=1.5 * self.sheet.point)
                self.sheet.write(x, base + 44, text, ha="center")
        return sorted(taken)

    def ages(self, base: float, least: float = 0) -> list[int]:
        """Write numbers of days below a base, each `least` wide; give those that are written."""
        step = next(step for step in _STEPS if self.x(step) - self.x(0) >= least + 16)
        places = list(range(0, self.length + 1, step))
        for place in places:
            self.axes.plot([place, place], [base, base + 12], color=INK, linewidth=1.5 * self.sheet.point)
            self.sheet.write(self.x(place), base + 44, f"{place:,}" + " days" * (place == 0), ha="center")
        return places

    def history(self, days: Sequence[float], told: str) -> None:
        """Draw dotted lines where something happened in history, and say above the last of them what."""
        for day in days:
            self.line(day)
        x, width = self.x(max(days, default=0)), self.sheet.extent(told)
        fits = x + width <= self.sheet.width - 40
        self.sheet.write(x if fits else min(x, self.sheet.width - 40), self.top - 24, told, ha="left" if fits else "right")


def brief(days: Sequence[Day], day: Day) -> str:
    """Write a date in few words, without its year where it is clear."""
    told = dated(day, short=True)
    return told if len(days) >= 400 else told.rsplit(" ", 1)[0]


def years(days: Sequence[Day]) -> str:
    """Name the year of days, or the first and the last."""
    return "–".join(str(year) for year in sorted({days[0].year, days[-1].year}))


WHITE: Any = {"color": PAPER, "alpha": 0.55, "zorder": 4}  # a grid over colours

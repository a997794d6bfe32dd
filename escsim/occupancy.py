"""The figure of occupancy (P2): in how many of the variants a mission or pair is in each status, day by day, with history below."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from escsim.captions import dated, occupancy_subtitle, occupied, share_words, unit_name, words
from escsim.ensemble import Ensemble
from escsim.scenario import Scenario
from escsim.style import EDGE, FADED, INK, PAPER, Look, Sheet, looks, styled
from escsim.trajectory import Trajectory

_LEFT, _RIGHT = 150, 440  # what the field leaves free for shares, and for the statuses at its end
_STRIP, _LINE = 44, 32  # the height of history's strip; the least between two labels


def occupancy(ensemble: Ensemble, unit: str | None = None, history: Trajectory | None = None, *, paper: bool = False) -> Figure:
    """Draw the occupancy of a mission or pair (P2).

    Parameters
    ----------
    ensemble : Ensemble
    unit : str, optional
        By default the first mission that an event moves, or its pair if both are there.
    history : Trajectory, optional
        The replay, to be shown on the same axis.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the scenario has no mission, or none of that name.
    """
    scenario, unit = ensemble.scenario, ensemble.unit(unit)
    shares = ensemble.counts[ensemble.units.index(unit)] / ensemble.n
    look, days = looks(scenario.ladder), len(ensemble.days)
    with styled():
        sheet = Sheet(paper, occupied(ensemble, unit), occupancy_subtitle(ensemble, unit))
        top, right = sheet.top + 30, sheet.width - _RIGHT
        bottom = sheet.height - 120 - (_STRIP + 40) * (history is not None)
        axes = sheet.lay(_LEFT, right)
        axes.set_xlim(0, days)
        base = np.zeros(days)
        ends: list[tuple[float, Look, str]] = []
        for status in order(scenario):
            share = shares[scenario.ladder.severity[status]]
            if not share.any():
                continue
            low, high = (bottom - (bottom - top) * each for each in (base, base + share))
            field: dict[str, Any] = {
                "fill": True,
                "baseline": low,
                "facecolor": look[status].fill,
                "linewidth": 0,
                "zorder": 2,
                "gid": f"share-{status}",
            }
            edge: dict[str, Any] = {"fill": False, "baseline": None, "edgecolor": EDGE, "linewidth": 1.5 * sheet.point, "zorder": 3}
            for patch in (StepPatch(high, np.arange(days + 1), **field), StepPatch(high, np.arange(days + 1), **edge)):
                axes.add_artist(patch)  # not by `stairs`, which measures every step anew to fit the axes
            ends.append(((low[-1] + high[-1]) / 2, look[status], status))
            base = base + share
        for share_ in range(0, 101, 25):
            y = bottom - (bottom - top) * share_ / 100
            axes.axhline(y, color=PAPER, linewidth=1.2 * sheet.point, alpha=0.55, zorder=4)
            sheet.write(_LEFT - 16, y, f"{share_} %", ha="right", color=FADED)
        _label(sheet, right + 24, ends, share_words({status: shares[scenario.ladder.severity[status]][-1] for _, _, status in ends}), (top, bottom))
        changed = _history(sheet, axes, history, unit, look, bottom + 34) if history is not None else []
        _calendar(sheet, axes, ensemble, changed, sheet.height - 76, bottom + (_STRIP + 40) * (history is not None))
    return sheet.figure


def order(scenario: Scenario) -> list[str]:
    """Give the statuses from below: the most severe first, those of one height by severity."""
    heights, severity = scenario.ladder.heights, scenario.ladder.severity
    return sorted(scenario.ladder.statuses, key=lambda status: (-heights[status], severity[status]))


def _label(sheet: Sheet, x: float, ends: list[tuple[float, Look, str]], shares: dict[str, str], field: tuple[float, float]) -> None:
    """Write the statuses and their last shares beside the ends of their bands, none over another."""
    places: list[float] = []
    for y, _, _ in sorted(ends, key=lambda each: each[0]):
        places.append(max(y, places[-1] + _LINE) if places else max(y, field[0] + _LINE / 2))
    over = places[-1] + _LINE / 2 - field[1] if places else 0
    for place in range(len(places) - 1, -1, -1):  # pushed up again where the last ones stand below the field
        limit = field[1] - _LINE / 2 if place == len(places) - 1 else places[place + 1] - _LINE
        places[place] = min(places[place], limit) if over > 0 else places[place]
    for y, (middle, look, status) in zip(places, sorted(ends, key=lambda each: each[0]), strict=True):
        sheet.axes.plot([x - 20, x - 6], [middle, y], color=FADED, linewidth=1.2 * sheet.point)
        box: Any = {"facecolor": look.fill, "edgecolor": EDGE, "linewidth": sheet.point, "pad": 2}
        sheet.write(x, y, look.glyph, color=look.ink, bbox=box)
        sheet.write(x + 40, y, sheet.fit(f"{words(status)} {shares[status]}", _RIGHT - 80))


def _history(sheet: Sheet, axes: Any, history: Trajectory, unit: str, look: dict[str, Look], top: float) -> list[int]:
    """Draw the statuses of history as a strip under the field; give the days on which they changed."""
    held = [history.status_on(unit, day) for day in history.scenario.period.days()]
    changed = [day for day in range(1, len(held)) if held[day] != held[day - 1]]
    for begin, end in zip([0, *changed], [*changed, len(held)], strict=True):
        axes.stairs(
            [top], [begin, end], baseline=top + _STRIP, fill=True, facecolor=look[held[begin]].fill, edgecolor=EDGE, linewidth=1.5 * sheet.point
        )
        left = _LEFT + (sheet.width - _RIGHT - _LEFT) * begin / len(held)
        name = f"{look[held[begin]].glyph} {words(held[begin])}"
        room = (sheet.width - _RIGHT - _LEFT) * (end - begin) / len(held) - 16
        if sheet.extent(name) > room:
            name = look[held[begin]].glyph
        if sheet.extent(name) <= room:
            sheet.write(left + 8, top + _STRIP / 2, name, color=look[held[begin]].ink)
    sheet.write(_LEFT - 16, top + _STRIP / 2, "history", ha="right", bold=True)
    for day in changed:
        axes.axvline(
            day,
            ymin=1 - top / sheet.height,
            ymax=1 - (sheet.top + 30) / sheet.height,
            color=INK,
            linewidth=1.5 * sheet.point,
            linestyle=(0, (2, 3)),
            zorder=5,
        )
    return changed


def _calendar(sheet: Sheet, axes: Any, ensemble: Ensemble, changed: list[int], y: float, base: float) -> None:
    """Write dates under the field: the first and the last, those on which history changed, and the firsts of months."""
    days = ensemble.days
    firsts = [place for place, day in enumerate(days) if day.day == 1 and (len(days) < 400 or day.month == 1)]
    unit = (sheet.width - _RIGHT - _LEFT) / len(days)
    taken: list[tuple[float, float]] = []
    for place in dict.fromkeys([*changed, 0, len(days), *firsts]):
        day = days[min(place, len(days) - 1)]
        year = len(days) >= 400 and place in firsts and place not in changed
        told = dated(day, short=True)
        text, x = str(day.year) if year else told if len(days) >= 400 else told.rsplit(" ", 1)[0], _LEFT + unit * place
        half = sheet.extent(text) / 2 + 8
        if all(x + half <= low or x - half >= high for low, high in taken):
            taken.append((x - half, x + half))
            axes.plot([place, place], [base, base + 12], color=INK, linewidth=1.5 * sheet.point)
            sheet.write(x, y, text, ha="center")
    years = sorted({days[0].year, days[-1].year})
    sheet.write(_LEFT, y + 38, f"At the end of each day; {'–'.join(map(str, years))}", color=FADED)


def describe_occupancy(ensemble: Ensemble, unit: str | None = None) -> str:
    """Say in words what the figure shows, from the numbers."""
    scenario, unit = ensemble.scenario, ensemble.unit(unit)
    shares = ensemble.counts[ensemble.units.index(unit)] / ensemble.n
    parts = []
    for place in sorted({0, len(ensemble.days) // 4, len(ensemble.days) // 2, 3 * len(ensemble.days) // 4, len(ensemble.days) - 1}):
        held = share_words({status: shares[scenario.ladder.severity[status]][place] for status in order(scenario)})
        told = ", ".join(f"{words(status)} {share}" for status, share in held.items() if share != "0 %")
        parts.append(f"{dated(ensemble.days[place])}: {told}.")
    who = unit_name(scenario, unit)
    return f"{occupied(ensemble, unit)}. {occupancy_subtitle(ensemble, unit)}. Shares of {who} at the end of some days: {' '.join(parts)}"

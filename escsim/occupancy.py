"""The figure of occupancy (P2): in how many of the variants a mission or pair is in each status, day by day, with history below."""

from __future__ import annotations

from typing import Any

import numpy as np

from escsim.captions import dated, occupied, share_words, unit_name, varied, words
from escsim.ensemble import Ensemble
from escsim.field import WHITE, Field, years
from escsim.intervals import wilson
from escsim.palette import EDGE, FADED, Look, looks
from escsim.scenario import Scenario
from escsim.style import Picture, Sheet, styled
from escsim.trajectory import Trajectory

_STRIP = 44  # the height of history's strip


def occupancy(ensemble: Ensemble, unit: str | None = None, *, paper: bool = False) -> Picture:
    """Draw the occupancy of a mission or pair (P2), with history on the same axis.

    Parameters
    ----------
    ensemble : Ensemble
    unit : str, optional
        By default the first mission that an event moves, or its pair if both are there.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If the scenario has no mission, or none of that name.
    """
    scenario, unit, history = ensemble.scenario, ensemble.unit(unit), ensemble.scenario.history()
    shares = ensemble.counts[ensemble.units.index(unit)] / ensemble.n
    look, days = looks(scenario.ladder), ensemble.days
    title, subtitle = occupied(ensemble, unit), varied(ensemble, unit_name(scenario, unit))
    with styled():
        sheet = Sheet(paper, title, subtitle)
        strip = (_STRIP + 40) * (history is not None)
        field = Field(sheet, len(days), sheet.top + 30, sheet.height - 120 - strip)
        base = np.zeros(len(days))
        ends: dict[str, float] = {}
        for status in order(scenario):
            share = shares[scenario.ladder.severity[status]]
            if share.any():
                field.steps(base + share, base, facecolor=look[status].fill, zorder=2, gid=f"share-{status}")
                field.steps(base + share, edgecolor=EDGE, zorder=3)
                ends[status] = base[-1] + share[-1] / 2
                base = base + share
        field.grid(np.arange(0, 1.1, 0.25), **WHITE)
        told = share_words({status: shares[scenario.ladder.severity[status]][-1] for status in ends})
        field.names([(float(field.y(end)), f"{words(status)} {told[status]}", look[status]) for status, end in ends.items()])
        changed = [] if history is None else _history(field, history, unit, look)
        field.calendar(days, changed, field.bottom + strip)
        sheet.write(field.left, sheet.height - 38, f"At the end of each day; {years(days)}", color=FADED)
    parts = []
    for place in sorted({len(days) * quarter // 4 for quarter in range(4)} | {len(days) - 1}):
        held = share_words({status: shares[scenario.ladder.severity[status]][place] for status in order(scenario)})
        parts.append(f"{dated(days[place])}: {', '.join(f'{words(status)} {share}' for status, share in held.items() if share != '0 %')}.")
    said = f"{title}. {subtitle}. Shares of {unit_name(scenario, unit)} at the end of some days: {' '.join(parts)}"
    counts = ensemble.counts[ensemble.units.index(unit)].T.tolist()
    cells = ((day, status, count) for day, held in zip(days, counts, strict=True) for status, count in zip(look, held, strict=True))
    numbers = [(day.isoformat(), unit, status, *wilson(count, ensemble.n)) for day, status, count in cells]
    return Picture(sheet.figure, said, [("date", "of", "status", "share", "low", "high"), *numbers])


def order(scenario: Scenario) -> list[str]:
    """Give the statuses from below: the most severe first, those of one height by severity."""
    heights, severity = scenario.ladder.heights, scenario.ladder.severity
    return sorted(scenario.ladder.statuses, key=lambda status: (-heights[status], severity[status]))


def _history(field: Field, history: Trajectory, unit: str, look: dict[str, Look]) -> list[int]:
    """Draw the statuses of history as a strip under the field; give the days on which they changed."""
    sheet, top = field.sheet, field.bottom + 34
    held = [history.status_on(unit, day) for day in history.scenario.period.days()]
    changed = [day for day in range(1, len(held)) if held[day] != held[day - 1]]
    style: Any
    for begin, end in zip([0, *changed], [*changed, len(held)], strict=True):
        status = look[held[begin]]
        style = {"facecolor": status.fill, "edgecolor": EDGE, "linewidth": 1.5 * sheet.point}
        field.axes.stairs([top], [begin, end], baseline=top + _STRIP, fill=True, **style)
        name, room = f"{status.glyph} {words(held[begin])}", field.x(end) - field.x(begin) - 16
        if sheet.extent(name) > room:
            name = status.glyph
        if sheet.extent(name) <= room:
            sheet.write(field.x(begin) + 8, top + _STRIP / 2, name, color=status.ink)
    sheet.write(field.left - 16, top + _STRIP / 2, "history", ha="right", bold=True)
    for day in changed:
        field.line(day, top)
    return changed

"""The fan of a count (P10): how often an event has happened by the end of each day, in the variants and in history.

A count can be more or less, so that its median and the ranges about it say something. A status cannot: its shares are
for occupancy to show.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escsim.captions import dated, event_name, varied
from escsim.ensemble import Ensemble
from escsim.errors import AskedError, quoted, suggest
from escsim.field import Field, years
from escsim.intervals import rank
from escsim.palette import FADED, INK, MODEL
from escsim.style import Picture, Sheet, styled
from escsim.times import TICKS_A_DAY
from escsim.worlds import Worlds

BANDS = {95: "#DCE8F3", 80: "#A9C8E4", 50: "#6BA1D0"}  # per cent of the variants, as many above as below


def fan(ensemble: Ensemble, event: str | None = None, *, paper: bool = False) -> Picture:
    """Draw the fan of how often an event has happened (P10), with history on the same axes.

    Parameters
    ----------
    ensemble : Ensemble
        Its trajectories are run again for it, a chunk at a time.
    event : str, optional
        An event that may happen more than once; by default the first one that may.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        Its rows hold the quantiles of each day with intervals from order statistics (95 %), and history's count.

    Raises
    ------
    AskedError
        If there is no such event, if it happens once at most, or if a mission, a pair or a status is asked for.
    """
    event, days, n = _counted(ensemble, event), ensemble.days, ensemble.n
    reached = np.zeros((len(days), 0), np.int64)
    for chunk in ensemble.chunks():
        more = at_least(ensemble.worlds(*chunk), event, len(days))
        most = max(reached.shape[1], more.shape[1])
        reached, more = (np.pad(each, ((0, 0), (0, most - each.shape[1]))) for each in (reached, more))
        reached += more
    shares = sorted({0.5, *(edge for band in BANDS for edge in _edges(band))})
    # of n counts in order of size the one at a place is the number of k for which fewer than that many lie below k
    lines = {share: np.array([(n - reached < place).sum(axis=1) for place in rank(share, n)]) for share in shares}
    replayed = ensemble.history()
    history = None if replayed is None else at_least(replayed, event, len(days)).sum(axis=1)
    ends = {share: int(line[1, -1]) for share, line in lines.items()}
    error = max(int(np.abs(line - line[1]).max()) for line in lines.values())
    name = f"‘{event_name(ensemble.scenario.event[event])}’"
    title = f"{name} {ends[0.5]} times by {dated(days[-1])} (median), {ends[0.025]} to {ends[0.975]} in 95 % of variants"
    title += "" if history is None else f"; history {history[-1]}"
    sure = f"{n:,} variants, lines {f'±{error}' if error else 'certain'} (95 %), seed {ensemble.seed}"
    subtitle = varied(ensemble, "count by day", sure)
    with styled():
        sheet = Sheet(paper, title, subtitle)
        highest = max(ends[0.975], 1, 0 if history is None else int(history[-1]))
        field = Field(sheet, len(days), sheet.top + 30, sheet.height - 120, low=-highest / 40, high=highest * 1.02)
        step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if highest / step <= 8)
        field.grid(np.arange(0, highest + 1, step), "{:.0f}".format)
        names = [(ends[0.5], f"median {ends[0.5]}")]
        for band, colour in BANDS.items():
            low, high = _edges(band)
            field.steps(lines[high][1], lines[low][1], facecolor=colour, zorder=1, gid=f"band-{band}")
            names.append((ends[high], f"{band} %: {ends[low]} to {ends[high]}"))
        field.steps(lines[0.5][1], edgecolor=MODEL, linewidth=3, zorder=3, gid="median")
        changed: list[int] = []
        if history is not None:
            field.steps(history, edgecolor=INK, linewidth=3, zorder=4, gid="history")
            names.append((int(history[-1]), f"history {history[-1]}"))
            changed = np.flatnonzero(np.diff(history)).tolist()
        field.names([(float(field.y(y)), name, None) for y, name in names])
        field.calendar(days, changed, field.bottom)
        sheet.write(
            field.left, sheet.height - 38, f"Times it has happened by the end of each day; {years(days)}; per cent of the variants", color=FADED
        )
    parts = []
    for place in sorted({len(days) * quarter // 4 for quarter in range(1, 4)} | {len(days) - 1}):
        ranges = (f"{band} % {' to '.join(str(lines[edge][1, place]) for edge in _edges(band))}" for band in BANDS)
        past = "" if history is None else f", history {history[place]}"
        parts.append(f"{dated(days[place])}: median {lines[0.5][1, place]}, {', '.join(ranges)}{past}.")
    said = f"{title}. {subtitle}. How often {name} has happened by the end of some days: {' '.join(parts)}"
    rows: list[tuple[Any, ...]] = [("date", "event", "quantile", "count", "low", "high", "history")]
    for place, day in enumerate(days):
        count = "" if history is None else int(history[place])
        rows += [(day.isoformat(), event, share, *(int(line[part, place]) for part in (1, 0, 2)), count) for share, line in lines.items()]
    return Picture(sheet.figure, said, rows)


def _edges(band: int) -> tuple[float, float]:
    """Give the quantiles between which a band lies."""
    return (50 - band / 2) / 100, (50 + band / 2) / 100


def _counted(ensemble: Ensemble, event: str | None) -> str:
    """Give the event whose count is asked for."""
    scenario = ensemble.scenario
    if event in scenario.event and scenario.repeats(scenario.event[event]):
        return event
    if event is None:
        if (found := next((each.id for each in scenario.events if scenario.repeats(each)), None)) is not None:
            return found
        raise AskedError("no event of this scenario may happen more than once, so there is no count to show: use occupancy or cumulative")
    if event in scenario.event:
        raise AskedError(f"{quoted(event)} happens once at most, so there is no count to show: use occupancy or cumulative")
    if "->" in event or event in scenario.ladder.statuses or any(set(event.split("-")) == set(pair.split("-")) for pair in ensemble.units):
        raise AskedError(f"{quoted(event)} has a status, which is no count: use occupancy or cumulative")
    raise AskedError(f"there is no event {quoted(event)}: {suggest(event, [*scenario.event], 'known event names')}")


def at_least(told: Worlds, event: str, days: int) -> NDArray[np.int64]:
    """Count the trajectories in which an event has happened so often by the end of each day.

    Returns
    -------
    int64, shape (days, most)
        In column k those in which it has happened more than k times.
    """
    here = told.event == told.scenario.order[event]
    world = told.world[here]
    before = np.arange(len(world)) - np.searchsorted(world, world)
    first = np.zeros((days, int(before.max(initial=-1)) + 1), np.int64)
    np.add.at(first, (told.tick[here] // TICKS_A_DAY, before), 1)
    return first.cumsum(axis=0)

"""The figure of a difference (P5): what a what-if changes in the share of variants in some statuses, day by day, in paired runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Day
from itertools import groupby
from math import floor, log10

import numpy as np
from numpy.typing import NDArray

from escsim.absence import levels
from escsim.captions import dated, percent, sentence, unit_name, varied, words
from escsim.effects import effect
from escsim.ensemble import Ensemble
from escsim.errors import AskedError, plain, quoted, suggest
from escsim.field import Field, brief, years
from escsim.intervals import Estimate, paired_share
from escsim.palette import FADED, INK, MODEL
from escsim.scenario import Question, Scenario
from escsim.style import Picture, Sheet, styled
from escsim.times import TICKS_A_DAY
from escsim.worlds import Worlds

_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)  # of the lower field
_BASE, _TWIN = "as it is", "what if"


def difference(base: Ensemble, changed: Ensemble, unit: str | None = None, status: Sequence[str] = (), *, paper: bool = False) -> Picture:
    """Draw what a what-if changes in the share of variants in which a mission or pair is in some statuses (P5).

    The shares of both by day, and below them their difference with its paired 95 % interval, Newcombe's, day by day. The
    number in the title is the difference of the mean time spent there.

    Parameters
    ----------
    base, changed : Ensemble
        Of the same scenario, seed and size; the second under the what-if.
    unit : str, optional
        By default the first mission that an event moves, or its pair if both are there.
    status : sequence of str
        Statuses or groups; by default those below the level of the start.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If scenario, seed or size differ, or there is no such mission, pair, status or group.
    """
    scenario, unit, days, n = base.scenario, base.unit(unit), base.days, base.n
    held, state = _statuses(scenario, unit, status)
    found = effect(base, changed, {"time": Question.model_validate({"time_in": {unit: held}})})
    both = np.zeros(len(days), np.int64)
    for chunk in base.chunks():
        both += _both(base.worlds(*chunk), changed.worlds(*chunk), unit, held, len(days))
    ranks = [scenario.ladder.severity[each] for each in held]
    one, other = (each.counts[each.units.index(unit), ranks].sum(axis=0) for each in (base, changed))
    apart = [paired_share(int(b), int(t - b), int(o - b), n) for o, t, b in zip(one, other, both, strict=True)]
    shift, low, high = np.array(apart).T
    name = next((words(key) for key, each in scenario.what_if.items() if each == changed.intervention), "what if").capitalize()
    time = found.effects["time"]
    told = _signed(Estimate(time.estimate or 0, time.low or 0, time.high or 0), f"days {state} on average")
    title = f"{name}: {told}"
    if time.gain is None and not time.estimate:
        title = f"{name}: no variant is {state} at another time" if found.differ else f"{name}: no variant goes otherwise"
    subtitle = varied(base, unit_name(scenario, unit), f"{n:,} paired variants, 95 % intervals, seed {base.seed}")
    text = plain(changed.intervention.text or "", 90) if changed.intervention else ""
    note = " · ".join(filter(None, (f"At the end of each day, {years(days)}", "down: below the level of the start" * (not status), text)))
    spells = _spells(scenario, unit, held)
    stays = [f"{brief(days, begin)} to {brief(days, end)}" if end != days[-1] else f"from {brief(days, begin)} on" for begin, end in spells or ()]
    past = "" if spells is None else f"history: {state} {', '.join(stays[:2] + ['…'] * (len(stays) > 2)) or 'never'}"
    with styled():
        sheet = Sheet(paper, title, subtitle)
        middle = sheet.top + 0.55 * (sheet.height - sheet.top)
        upper = Field(sheet, len(days), sheet.top + 62, middle - 40)
        upper.grid(np.arange(0, 1.1, 0.25))
        for count, dash in ((one, "-"), (other, (0, (3, 1.5)))):
            upper.steps(count / n, edgecolor=MODEL, linewidth=4, linestyle=dash, zorder=4, gid="base" if count is one else "what-if")
        ends = [(float(upper.y(count[-1] / n)), f"{label} {percent(int(count[-1]) / n)}", None) for label, count in ((_BASE, one), (_TWIN, other))]
        upper.names(ends)
        marks = [days.index(day) for a, b in spells or () for day in (a, b) if day != days[-1] and day != days[0]]
        upper.history(marks, past)
        bound = next(bound for bound in _BOUNDS if bound >= max(-low.min(), high.max()))
        lower = Field(sheet, len(days), middle + 40, sheet.height - 120, low=-bound, high=bound)
        lower.grid(np.linspace(-bound, bound, 5), lambda value: f"{100 * value:+.3g}" if value else "0")
        lower.steps(high, low, facecolor="#BAD2E8", zorder=1, gid="interval")
        lower.steps(shift, edgecolor=MODEL, linewidth=3, zorder=3, gid="difference")
        lower.axes.axhline(float(lower.y(0)), color=INK, linewidth=2 * sheet.point, zorder=2)
        for mark in marks:
            lower.line(mark)
        lower.names([(float(lower.y(shift[-1])), _points(apart[-1]), None)])
        sheet.write(lower.left, lower.top - 24, f"{_TWIN} minus {_BASE}, in points, with its 95 % interval", color=FADED)
        lower.calendar(days, marks, lower.bottom)
        sheet.write(40, sheet.height - 36, sheet.fit(note, sheet.width - 80), color=FADED)
    said = [sentence(each) for each in (title, subtitle, note, past) if each]
    for at in sorted({len(days) // 4, len(days) // 2, 3 * len(days) // 4, len(days) - 1}):
        shares = f"{_BASE} {percent(int(one[at]) / n)}, {_TWIN} {percent(int(other[at]) / n)}"
        said.append(f"{dated(days[at])}: {state} {shares}, difference {_points(apart[at])} points.")
    numbers = [
        (day.isoformat(), unit, " ".join(held), int(o) / n, int(t) / n, *each) for day, o, t, each in zip(days, one, other, apart, strict=True)
    ]
    return Picture(sheet.figure, " ".join(said), [("date", "of", "statuses", "base", "what_if", "difference", "low", "high"), *numbers])


def _statuses(scenario: Scenario, unit: str, names: Sequence[str]) -> tuple[list[str], str]:
    """Give the statuses asked for, mildest first, and what being in them is called."""
    known = [*scenario.ladder.statuses, *scenario.ladder.groups]
    for name in names:
        if name not in known:
            raise AskedError(f"there is no status or group {quoted(name)}: {suggest(name, known, 'known statuses and groups')}")
    wanted = scenario.ladder.resolve(names or levels(scenario, unit).down)
    if not wanted:
        raise AskedError(f"no status is below the one that {unit} starts in: say which to look at, such as {scenario.ladder.statuses[0]}")
    return [each for each in scenario.ladder.statuses if each in wanted], " or ".join(f"‘{words(name)}’" for name in names) or "down"


def _both(ours: Worlds, theirs: Worlds, unit: str, held: Sequence[str], days: int) -> NDArray[np.int64]:
    """Count by day the worlds that end it in these statuses in both twins.

    A stretch from tick s to tick e holds the ends of the days s // DAY up to, without it, e // DAY.
    """
    places, steps = [], []
    for worlds in (ours, theirs):
        inside = worlds.held({unit: tuple(held)})
        for tick, step in ((worlds.start, 1), (worlds.end, -1)):
            places.append(worlds.of[inside] * (days + 1) + tick[inside] // TICKS_A_DAY)
            steps.append(np.full(len(places[-1]), step))
    place = np.concatenate(places)
    order = np.argsort(place, kind="stable")
    day, twice = place[order] % (days + 1), np.cumsum(np.concatenate(steps)[order]) == 2  # in both from here to the next place
    begin, end = day[twice], np.append(day[1:], 0)[twice]
    return np.cumsum(np.bincount(begin, minlength=days + 1) - np.bincount(end, minlength=days + 1))[:days]


def _spells(scenario: Scenario, unit: str, held: Sequence[str]) -> list[tuple[Day, Day]] | None:
    """Give from which day to which, not in them any more or the last, history was in these statuses."""
    history = scenario.history()
    if history is None:
        return None
    days = list(scenario.period.days())
    groups = groupby(range(len(days)), lambda at: history.status_on(unit, days[at]) in held)
    spells = [[*places] for inside, places in groups if inside]
    return [(days[each[0]], days[min(each[-1] + 1, len(days) - 1)]) for each in spells]


def _signed(value: Estimate, unit: str) -> str:
    """Write a number with its sign and its interval, to the digits that the interval leaves."""
    width = value.high - value.low
    digits = max(0, -floor(log10(width / 2))) if width > 0 else 1
    number, low, high = (f"{each:+,.{digits}f}".replace("-", "−") for each in value)
    return f"{number} {unit} ({low} to {high})".replace("  ", " ")


def _points(value: Estimate) -> str:
    return _signed(Estimate(*(100 * each for each in value)), "")

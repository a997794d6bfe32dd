"""The figure of cumulative incidence (P3): in how many variants ties are restored by each day, or what a question waits for has come about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date as Day
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim.absence import Absences, absences, levels
from escsim.captions import dated, number, percent, sentence, unit_name, varied, waiting, words
from escsim.ensemble import Ensemble
from escsim.errors import AskedError, plain
from escsim.field import Field, years
from escsim.intervals import kaplan_meier, wilson
from escsim.palette import FADED, FAINT, MODEL
from escsim.questions import HOURS, passage, tally
from escsim.scenario import Scenario
from escsim.style import Picture, Sheet, styled
from escsim.times import TICKS_A_DAY
from escsim.worlds import NEVER, Worlds

_LEFT, _ROW, _CELL = 270, 32, 86  # left of the field; of the rows under it, how high they are and how wide their cells
_BANDS = {95: "#DCE8F3", 80: "#BAD2E8", 50: "#8FB6DA"}
_NOT_YET, _STILL, _RESTORED, _EVER = "not down yet", "still down", "restored", "down at some time"

Shares = NDArray[np.float64]


class _Plan(NamedTuple):
    """What a figure is to show: its texts, curves by day, the rows below, history, and days by date or, if None, by number."""

    title: str
    subtitle: str
    curves: dict[str, Shares]
    below: Callable[[int], dict[str, str]]
    past: list[float]
    told: str
    note: str
    days: Sequence[Day] | None
    draws: Sequence[Shares]


def cumulative(
    ensemble: Ensemble, unit: str | None = None, question: str | None = None, *, draws: Iterable[Ensemble] = (), paper: bool = False
) -> Picture:
    """Draw in how many variants a mission or pair is restored by each day (P3), or what a question waits for has come about.

    It is restored when, after going below the level it started at, it first comes back to it. Where one of its missions
    comes to a status from which the ladder has no way back it has ended otherwise, which is a curve of its own.

    Parameters
    ----------
    ensemble : Ensemble
    unit : str, optional
        By default the first mission that an event moves, or its pair if both are there.
    question : str, optional
        The name of a `time_to` in the file, to be drawn instead: 1 less its Kaplan-Meier curve, over days since the event
        that it counts from.
    draws : iterable of Ensemble, optional
        The same scenario under parameters drawn from their ranges: nested equal-tail bands of 50, 80 and 95 %.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If the scenario has no mission, or none of that name, or no such question.
    """
    if question is not None:
        return _waiting(ensemble, question, draws, paper=paper)
    scenario, unit, days, n = ensemble.scenario, ensemble.unit(unit), ensemble.days, ensemble.n
    lost = " or ".join(map(words, levels(scenario, unit).lost))
    down, back, gone = _by_day(ensemble, unit)
    parts = {_NOT_YET: n - down, _STILL: down - back - gone, _RESTORED: back, **({lost: gone} if lost else {})}

    def below(day: int) -> dict[str, str]:
        return {name: percent(int(part[day]) / n) for name, part in parts.items()}

    last = below(-1)
    others = [f"{name} in {last[name]}" for name in (_STILL, lost) if name and last[name] != "0 %"]
    replayed = ensemble.history()
    past, told = _history(scenario, None if replayed is None else absences(replayed, unit))
    plan = _Plan(
        title=", ".join([f"Ties restored by {dated(days[-1])} in {last[_RESTORED]} of the variants", *others]),
        subtitle=varied(ensemble, unit_name(scenario, unit)),
        curves={name: count / n for name, count in {_EVER: down, _RESTORED: back, lost: gone}.items() if name},
        below=below,
        past=past,
        told=told,
        note=f"By the end of each day, {years(days)} · down: below the level of the start · restored: back at it for the first time",
        days=days,
        draws=[_by_day(each, unit)[1] / each.n for each in draws],
    )
    numbers = [(day.isoformat(), unit, name, *wilson(int(part[at]), n)) for at, day in enumerate(days) for name, part in parts.items()]
    return _picture(plan, [("date", "of", "part", "share", "low", "high"), *numbers], unit, paper=paper)


def _by_day(ensemble: Ensemble, unit: str) -> NDArray[np.int64]:
    """Count by the end of each day who has gone down, come back, and come to where no way leads back, shape (3, days)."""

    def count(worlds: Worlds) -> NDArray[np.int64]:
        since, back, lost = absences(worlds, unit)
        lost = np.where(back == NEVER, lost, NEVER)  # what was restored first counts as restored
        return np.stack([np.bincount(each[each != NEVER] // TICKS_A_DAY, minlength=len(ensemble.days)) for each in (since, back, lost)])

    return ensemble.summed(count).cumsum(axis=1)


def _history(scenario: Scenario, past: Absences | None) -> tuple[list[float], str]:
    """Give the days on which history went down and came back, and say so."""
    if past is None:
        return [], ""
    ticks = [int(tick[0]) for tick in (past.since, past.back) if tick[0] != NEVER]
    if not ticks:
        return [], "history: never down"
    told = [f"{what} {dated(scenario.period.moment(tick).date(), short=True)}" for what, tick in zip(("down", "restored"), ticks, strict=False)]
    return [tick // TICKS_A_DAY for tick in ticks], "history: " + ", ".join(told + ["not restored"] * (len(ticks) < 2))


def _waiting(ensemble: Ensemble, name: str, draws: Iterable[Ensemble], *, paper: bool) -> Picture:
    """Draw how what a `time_to` waits for comes about with time."""
    question = ensemble.question(name)
    if question.time_to is None:
        raise AskedError(f"cumulative draws questions of the kind time_to, which {name!r} is not")
    days, replayed = len(ensemble.days), ensemble.history()

    def curve(ensemble: Ensemble) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[Shares, Shares, Shares]]:
        took, vain = np.split(ensemble.summed(lambda worlds: tally(worlds, question)), 2)
        ends = np.minimum(np.arange(days + 1) * HOURS, len(took) - 1)
        survival = tuple(each[ends] for each in kaplan_meier(took, vain))
        watched = took.sum() + vain.sum() - (took + vain).cumsum()[ends]
        return took, watched, (1 - survival[0], 1 - survival[2], 1 - survival[1])

    answer = ensemble.answer(question)
    if not answer.asked:
        raise AskedError(f"in none of the variants {name!r} can be asked")
    _, watched, (share, low, high) = curve(ensemble)
    since, reached = (None, None) if replayed is None else (int(tick[0]) for tick in passage(replayed, question.time_to))
    past = [(reached - since) / TICKS_A_DAY] if since is not None and reached is not None and reached != NEVER else []
    told = "" if since in (None, NEVER) else f"history: {number(past[0])} days" if past else "history: not within the period"
    middle = "" if answer.estimate is None else f"half within {number(answer.estimate)} days, "
    plan = _Plan(
        title=f"{words(name).capitalize()}: {middle}{percent(float(share[-1]))} within {number(days)} days",
        subtitle=varied(ensemble, "by Kaplan and Meier", waiting(ensemble, answer.asked, high - low)),
        curves={"come about": share},
        below=lambda day: {"come about": percent(float(share[day])), "still waiting": percent(int(watched[day]) / answer.asked)},
        past=past,
        told=told,
        note=plain(question.text or f"Days until it comes about, counted from {words(question.time_to.after or 'the start')}", 100),
        days=None,
        draws=[curve(each)[2][0] for each in draws],
    )
    numbers = [(day, name, "come about", *map(float, each)) for day, each in enumerate(zip(share, low, high, strict=True))]
    return _picture(plan, [("days", "of", "part", "share", "low", "high"), *numbers], name, paper=paper)


def _picture(plan: _Plan, rows: list[tuple[Any, ...]], of: str, *, paper: bool) -> Picture:
    length, names = len(plan.curves[next(iter(plan.curves))]), [*plan.below(0)]
    first = next(each for each in plan.curves if each != _EVER)
    bands = {most: np.quantile(plan.draws, [0.5 - most / 200, 0.5 + most / 200], axis=0) for most in _BANDS} if plan.draws else {}
    notes = [plan.note] + [
        f"Bands: 50, 80 and 95 % of {len(plan.draws)} parameter draws, uniform within the stated ranges, equal-tail: of ‘{first}’"
    ] * bool(bands)
    with styled():
        sheet = Sheet(paper, plan.title, plan.subtitle)
        field = Field(sheet, length, sheet.top + 62, sheet.height - 120 - _ROW * (len(names) + len(notes)), left=_LEFT)
        field.grid(np.arange(0, 1.1, 0.25))
        for most, (low, high) in bands.items():
            field.steps(high, low, facecolor=_BANDS[most], gid=f"band-{most}", zorder=1)
        last, ends = plan.below(length - 1), []
        for name, share in plan.curves.items():
            main = name == first
            field.steps(share, edgecolor=FAINT if name == _EVER else MODEL, linewidth=5 if main else 3, zorder=4 + main, gid=f"curve-{name}")
            ends.append((float(field.y(share[-1])), f"{name} {last.get(name) or percent(float(share[-1]))}", None))
        field.names(ends)
        field.history(plan.past, plan.told)
        if plan.days is None:
            places = field.ages(field.bottom, _CELL)
        else:
            places = field.calendar(plan.days, [int(day) for day in plan.past], field.bottom, _CELL)
        cells = [plan.below(min(place, length - 1)) for place in places]
        for number, name in enumerate(names):
            y = field.bottom + 82 + _ROW * number
            sheet.write(field.left - 64, y, sheet.fit(name, field.left - 84), ha="right")
            for place, cell in zip(places, cells, strict=True):
                sheet.write(field.x(place), y, cell[name], ha="center")
        for number, note in enumerate(reversed(notes)):
            sheet.write(40, sheet.height - 36 - _ROW * number, sheet.fit(note, sheet.width - 80), color=FADED)
    said = [sentence(each) for each in (plan.title, plan.subtitle, *notes, plan.told) if each]
    for place, cell in zip(places, cells, strict=True):
        when = f"Within {place} days" if plan.days is None else f"By {dated(plan.days[min(place, length - 1)])}"
        said.append(f"{when}: {', '.join(f'{name} {share}' for name, share in cell.items() if share != '0 %')}.")
    drawn = [
        (rows[1 + day * len(names) if plan.days else 1 + day][0], of, f"parameter draws, {most} %", None, float(low[day]), float(high[day]))
        for most, (low, high) in bands.items()
        for day in range(length)
    ]
    return Picture(sheet.figure, " ".join(said), rows + drawn)

"""The figure of durations (P4): how long it lasts in the variants as 20 dots, each for one in twenty, with history as a line."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim.absence import absences, levels
from escsim.captions import number, percent, sentence, unit_name, varied, waiting, words
from escsim.ensemble import Ensemble
from escsim.errors import AskedError, plain
from escsim.field import Field
from escsim.intervals import kaplan_meier, rank
from escsim.palette import FADED, INK, MODEL
from escsim.questions import HOUR, HOURS, spent, tally
from escsim.scenario import Question
from escsim.style import Picture, Sheet, styled
from escsim.worlds import NEVER, Ticks, Worlds

DOTS = 20
_COLUMN, _LARGEST, _SMALLEST = 200, 80, 16  # the width of a column beside the field; dots

Place = float | str  # days, or the name of the column of those that have none
Shares = NDArray[np.float64]


class _Lengths(NamedTuple):
    """How long it lasts: the share up to each place, which are the column `before`, the hours from 0 on, and the columns `after`."""

    before: str | None
    after: list[str]
    upto: Shares
    median: tuple[Place, Place, Place] = ("", "", "")  # and its 95 % interval
    past: Place | None = None
    sure: str | None = None

    def share(self, column: str) -> float:
        """Give the share in a column."""
        place = 0 if column == self.before else len(self.upto) - len(self.after) + self.after.index(column)
        return float(self.upto[place] - (self.upto[place - 1] if place else 0))


def durations(ensemble: Ensemble, unit: str | None = None, question: str | None = None, *, paper: bool = False) -> Picture:
    """Draw for how long a mission or pair is below the level it started at, when it first is (P4), or how long a question says.

    The variants, sorted by it, are cut into twenty of one size, and the middle of each is a dot. Those that never go down,
    and those that are not restored within the period, stand in columns of their own.

    Parameters
    ----------
    ensemble : Ensemble
    unit : str, optional
        By default the first mission that an event moves, or its pair if both are there.
    question : str, optional
        The name of a `time_in` or `time_to` in the file, to be drawn instead; the second by its Kaplan-Meier curve.
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
    if question is None:
        unit = ensemble.unit(unit)
        found, of, what, lead = _absent(ensemble, unit), unit, unit_name(ensemble.scenario, unit), "Down for "
        note = "down: below the level of the start, for the first time"
    else:
        asked = ensemble.question(question)
        found, of, what = _asked(ensemble, asked, question), question, "within the period" if asked.time_in else "by Kaplan and Meier"
        lead, note = f"{words(question).capitalize()}: ", plain(asked.text or "", 100)
    columns = {name: percent(found.share(name)) for name in [found.before, *found.after] if name}
    middle, low, high = found.median
    if isinstance(middle, str):
        title = f"{lead.removesuffix('Down for ')}{middle} in {columns[middle]} of the variants"
    else:
        bounds = " to ".join(each if isinstance(each, str) else number(each) for each in (low, high))
        title = f"{lead}at most {number(middle)} days ({bounds}) in half of the variants"
    title, subtitle = (
        title[:1].upper() + title[1:],
        varied(ensemble, what, found.sure or f"{ensemble.n:,} variants, 95 % in brackets, seed {ensemble.seed}"),
    )
    levels_ = [(dot + 0.5) / DOTS for dot in range(DOTS)]
    dots = [_at(found, level) for level in levels_]
    notes = " · ".join(filter(None, (f"Each dot is one in {DOTS} of these variants", note)))
    past = "" if found.past is None else f"history: {found.past}" if isinstance(found.past, str) else f"history: {number(found.past)} days"
    with styled():
        sheet = Sheet(paper, title, subtitle)
        numbers = [place for place in [*dots, found.past] if isinstance(place, float)]
        left = 80.0 + (_COLUMN + 40) * (found.before is not None)
        right = 80.0 + _COLUMN * len(found.after)
        field = Field(sheet, int(max(numbers, default=len(ensemble.days)) * 1.05) + 1, sheet.top + 62, sheet.height - 200, left, right)
        places = {name: field.right + 40 + _COLUMN * (number + 0.5) for number, name in enumerate(found.after)}
        places |= {found.before: 60 + _COLUMN / 2} if found.before else {}
        _draw(field, [places[dot] if isinstance(dot, str) else field.x(dot) for dot in dots], None if isinstance(found.past, str) else found.past)
        sheet.axes.plot([field.left, field.right], [field.bottom] * 2, color=INK, linewidth=2 * sheet.point)
        field.ages(field.bottom, 100)
        for name, x in places.items():
            sheet.axes.plot([x - _COLUMN / 2 + 12, x + _COLUMN / 2 - 12], [field.bottom] * 2, color=INK, linewidth=2 * sheet.point)
            sheet.write(x, field.bottom + 44, columns[name], ha="center", bold=True)
            sheet.write(x, field.bottom + 66, sheet.fit(name, _COLUMN - 10, lines=2), ha="center", va="top")
        if isinstance(found.past, str):
            x = places[found.past]
            sheet.axes.plot([x, x], [field.top, field.bottom], color=INK, linewidth=1.5 * sheet.point, linestyle=(0, (2, 3)), zorder=5)
            sheet.write(x, field.top - 24, "history", ha="center")
        elif found.past is not None:
            field.history([found.past], past)
        sheet.write(40, sheet.height - 36, sheet.fit(notes, sheet.width - 80), color=FADED)
    said = [sentence(each) for each in (title, subtitle, notes, past) if each]
    said.append(sentence(", ".join(f"{name} {share}" for name, share in columns.items()))) if columns else None
    days = [number(dot) for dot in dots if isinstance(dot, float)]
    said.append(f"The {len(days)} dots on the axis stand at {', '.join(days)} days." if days else "No dot stands on the axis.")
    rows = [(of, level, None, dot) if isinstance(dot, str) else (of, level, dot, None) for level, dot in zip(levels_, dots, strict=True)]
    return Picture(sheet.figure, " ".join(said), [("of", "quantile", "days", "otherwise"), *rows])


def _at(lengths: _Lengths, share: float, upto: Shares | None = None) -> Place:
    """Give how long it lasts at most in a share of the variants."""
    reached = (lengths.upto if upto is None else upto) >= share - 1e-12
    place = int(np.argmax(reached)) if reached.any() else len(reached) - 1
    hours = len(lengths.upto) - len(lengths.after) - (lengths.before is not None)
    place -= lengths.before is not None
    if place < 0:
        assert lengths.before is not None
        return lengths.before
    return place / HOURS if place < hours else lengths.after[place - hours]


def _counted(ensemble: Ensemble, before: str, after: list[str], count: Any) -> _Lengths:
    """Count places in the variants and in history: `count` gives them of some trajectories, 0 for `before`."""
    places = 1 + -(-ensemble.scenario.period.ticks // HOUR) + 1 + len(after)
    counts = ensemble.summed(lambda worlds: np.bincount(count(worlds, places), minlength=places))
    found = _Lengths(before, after, counts.cumsum() / ensemble.n)
    low, middle, high = (_at(found, place / ensemble.n) for place in rank(0.5, ensemble.n))
    past = ensemble.history()
    single = None if past is None else np.bincount(count(past, places), minlength=places).cumsum()
    return found._replace(median=(middle, low, high), past=None if single is None else _at(found, 1, single))


def _absent(ensemble: Ensemble, unit: str) -> _Lengths:
    lost = " or ".join(map(words, levels(ensemble.scenario, unit).lost))
    after = ["not restored", *([lost] if lost else [])]

    def count(worlds: Worlds, places: int) -> Ticks:
        since, back, gone = absences(worlds, unit)
        ended = np.where(gone == NEVER, places - len(after), places - 1)
        return np.where(since == NEVER, 0, np.where(back == NEVER, ended, 1 + (back - since) // HOUR))

    return _counted(ensemble, "never down", after, count)


def _asked(ensemble: Ensemble, question: Question, name: str) -> _Lengths:
    if (line := question.time_in) is not None:

        def count(worlds: Worlds, places: int) -> Ticks:  # noqa: ARG001
            ticks = spent(worlds, line)
            return np.where(ticks == 0, 0, 1 + ticks // HOUR)

        return _counted(ensemble, "never", [], count)
    if question.time_to is None:
        raise AskedError(f"durations draws questions of the kinds time_in and time_to, which {name!r} is not")
    after = "not within the period"
    took, vain = np.split(ensemble.summed(lambda worlds: tally(worlds, question)), 2)
    if not (asked := int(took.sum() + vain.sum())):
        raise AskedError(f"in none of the variants {name!r} can be asked")
    curves = [np.append(1 - each, 1) for each in kaplan_meier(took, vain)]
    found = _Lengths(None, [after], curves[0])
    middle, high, low = (_at(found, 0.5, curve) for curve in (curves[0], curves[2], curves[1]))
    past = ensemble.history()
    single = None if past is None else np.split(tally(past, question), 2)
    place = None if single is None or not sum(map(np.sum, single)) else _at(found, 1, np.append(single[0].cumsum(), 1))
    return found._replace(median=(middle, low, high), past=place, sure=waiting(ensemble, asked, curves[1] - curves[2]))


def _draw(field: Field, places: list[float], past: float | None) -> None:
    """Stack dots over where they stand, as large as there is room for, none with one from beyond history's line."""
    cut = np.inf if past is None else field.x(past)
    room = field.bottom - field.top - 10
    size = next((size for size in range(_LARGEST, _SMALLEST, -2) if max(map(len, _stacks(places, size, cut))) * size <= room), _SMALLEST)
    before = -np.inf
    for stack in _stacks(places, size, cut):
        before = max((stack[0] + stack[-1]) / 2, before + size)
        heights = [field.bottom - size * (number + 0.5) - 4 for number in range(len(stack))]
        field.sheet.axes.plot([before] * len(stack), heights, "o", markersize=(size - 4) * field.sheet.point, color=MODEL, gid="dots", zorder=3)


def _stacks(places: list[float], size: float, cut: float) -> list[list[float]]:
    """Put dots of a size that would lie over one another into stacks, from left to right."""
    stacks: list[list[float]] = []
    for x in sorted(places):
        if stacks and x - stacks[-1][0] < size and (x < cut) == (stacks[-1][0] < cut):
            stacks[-1].append(x)
        else:
            stacks.append([x])
    return stacks

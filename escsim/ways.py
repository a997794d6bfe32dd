"""The diagram of a ladder from variants (P8): in how many of them each way from a status to a status was taken, and by which events.

Drawn as the diagram of a run. The ways that history took are thick and solid, those that only variants took thinner
and dashed, those that none took thin and dotted; they differ in width and in dashes, not in colour alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim import captions
from escsim.captions import Way, dates, ends, event_name, taken, varied, words
from escsim.diagram import Kind, arrow, curve, draw_boxes, draw_labels, room_beside
from escsim.ensemble import Ensemble
from escsim.intervals import wilson
from escsim.palette import looks
from escsim.scenario import Event, Scenario
from escsim.style import SMALLEST, Picture, Sheet, styled
from escsim.worlds import Worlds

_TABLE, _EVENTS = 330, 2  # the width of the table; events named beside a way, the most frequent ones


class _Told(NamedTuple):
    """How many variants took a way, how many by each event, and when history did."""

    variants: int
    events: dict[str, int]
    history: list[str]


def ways(ensemble: Ensemble, *, paper: bool = False) -> Picture:
    """Draw the ladder with the ways that variants took (P8), history's marked.

    Parameters
    ----------
    ensemble : Ensemble
        Its trajectories are run again for it, a chunk at a time.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        Its rows hold, for each way, the number and share of the variants that took it at least once, with any mission,
        with Wilson's interval (95 %); how often history did; and the variants in which each event did.
    """
    scenario, n, history = ensemble.scenario, ensemble.n, ensemble.scenario.history()
    severity, used = scenario.ladder.severity, taken(history) if history else {}
    counts = ensemble.summed(count)
    told: dict[Way, _Told] = {}
    for way in captions.ways(scenario):
        total, *each = counts[severity[way[0]], severity[way[1]]].tolist()
        events = {event: many for event, many in zip(scenario.order, each, strict=True) if many}
        events = dict(sorted(events.items(), key=lambda item: -item[1]))
        told[way] = _Told(total, events, dates(history, used[way]) if history and way in used else [])
    some = [way for way in told if told[way].variants]
    title = f"{len(some)} of {len(told)} ways between statuses taken in variants" + f", {len(used)} in history" * bool(used)
    if some:
        most = max(some, key=lambda way: told[way].variants)
        title += f"; most often ‘{words(most[0])}’ to ‘{words(most[1])}’"
    subtitle = varied(ensemble, "ways taken once or more, by any mission")
    with styled():
        sheet = Sheet(paper, title, subtitle)
        middle, size = (sheet.width - _TABLE) / 2, SMALLEST
        visited = {status for way in [*some, *used] for status in way}
        boxes = draw_boxes(sheet, scenario, ends(history) if history else {}, visited, middle, size, "history’s end")
        lost = 0
        for sign in (-1, 1):
            side = [way for way in told if (severity[way[1]] > severity[way[0]]) == (sign < 0)]
            named = [way for way in side if told[way].variants or told[way].history]
            curves = {way: curve(boxes, way, named if way in named else [], middle, sign) for way in side}
            for way, points in curves.items():
                arrow(sheet, points, _kind(told[way]))
            labels = _labels(sheet, scenario, {way: told[way] for way in named}, n, room_beside(middle))
            draw_labels(sheet, [(curves[way], *lines) for way, lines in labels.items()], middle, sign, size)
            lost += len(named) - len(labels)
        _table(sheet, scenario, told, n, lost)
    parts = [
        f"From {words(way[0])} to {words(way[1])}: {each.variants:,} of {n:,}"
        + "".join(f", {event_name(scenario.event[event])} in {many:,}" for event, many in [*each.events.items()][:_EVENTS])
        + f"; in history {' '.join(each.history)}" * bool(each.history)
        for way, each in told.items()
        if each.variants or each.history
    ]
    said = f"{title}. {subtitle}. {'. '.join(parts)}. {len(told) - len(some)} ways: 0 of {n:,}."
    rows: list[tuple[Any, ...]] = [("from", "to", "variants", "share", "low", "high", "history", "events")]
    for way, each in told.items():
        acts = "; ".join(f"{event} {many}" for event, many in each.events.items())
        rows.append((*way, each.variants, *wilson(each.variants, n), len(used.get(way, ())), acts))
    return Picture(sheet.figure, said, rows)


def _kind(told: _Told) -> Kind:
    return "taken" if told.history else "varied" if told.variants else "never"


def _labels(sheet: Sheet, scenario: Scenario, told: dict[Way, _Told], n: int, width: float) -> dict[Way, tuple[list[str], list[str]]]:
    """Set the labels of the ways on one side, in bold and plain lines, with as much about events as there is room for."""
    room, look = (sheet.height - 20 - sheet.top) / (1.2 * SMALLEST), looks(scenario.ladder)
    found: dict[Way, tuple[list[str], list[str]]] = {}
    for events, guards, dated in ((_EVENTS, True, True), (_EVENTS, False, True), (1, False, True), (0, False, True), (0, False, False)):
        for way, each in told.items():
            strong = sheet.fit(f"{look[way[0]].glyph}→{look[way[1]].glyph} {each.variants:,} of {n:,}", width, bold=True, lines=2)
            named = (scenario.event[event] for event in [*each.events][:events])
            plain = [sheet.fit(event_name(event) + _guard(scenario, event) * guards, width, lines=2) for event in named]
            plain += [f"history: {date}" if not place else date for place, date in enumerate(each.history)] * dated
            found[way] = [strong], "\n".join(plain).split("\n") if plain else []
        if sum(_height(label) for label in found.values()) <= room:
            return found
    rarest = sorted(found, key=lambda way: told[way].variants)
    while sum(_height(label) for label in found.values()) > room:
        del found[rarest.pop(0)]
    return found


def _height(label: tuple[list[str], list[str]]) -> float:
    return sum(line.count("\n") + 1 for lines in label for line in lines) + 8 / (1.2 * SMALLEST)


def _guard(scenario: Scenario, event: Event) -> str:
    """Write the gate of an event with glyphs for statuses: [PAK→IRN ●◆]."""
    look = looks(scenario.ladder)
    gates = [
        f"{mission.replace('->', '→')}\N{NO-BREAK SPACE}{''.join(look[each].glyph for each in look if each in held)}"
        for mission, held in scenario.gate(event).items()
    ]
    return f" [{', '.join(gates)}]" * bool(gates)


def _table(sheet: Sheet, scenario: Scenario, told: dict[Way, _Told], n: int, lost: int) -> None:
    """List the ways that no variant took, by where they begin, and say what the lines mean."""
    look, x, bottom = looks(scenario.ladder), sheet.width - _TABLE + 10, sheet.height - 165
    lines = []
    for status, source in look.items():
        dests = "".join(look[way[1]].glyph for way in told if way[0] == status and not told[way].variants)
        lines += [sheet.fit(f"{source.glyph} → {dests}", _TABLE - 30)] * bool(dests)
    most = int((bottom - sheet.top - 130) / (1.4 * SMALLEST))
    lines[most:] = [f"… and {len(lines) - most} more"] * (len(lines) > most)
    sheet.write(x, sheet.top + 20, sheet.fit(f"0 of {n:,} took", _TABLE - 30, bold=True), bold=True)
    sheet.write(x, sheet.top + 46, "\n".join(lines or ["none: all were taken"]), va="top", linespacing=1.3)
    keys: list[tuple[str, Kind]] = [("in history too", "taken"), ("in variants only", "varied"), (f"0 of {n:,}", "never")]
    for place, (text, kind) in enumerate(keys):
        y = bottom + 32 * place
        arrow(sheet, np.array([(x + at, y) for at in (0, 20, 50, 70)]), kind)
        sheet.write(x + 86, y, text)
    sheet.write(x, bottom + 112, "left: to worse, right: to\nbetter; in [ ] the gate")
    if lost:
        sheet.write(x, bottom - 36, f"{lost} rare ways not named")


def count(told: Worlds) -> NDArray[np.int64]:
    """Count the trajectories that take each way.

    Returns
    -------
    int64, shape (statuses, statuses, 1 + events)
        By the severity of the status from which and to which it leads: first all, then those in which each event takes it.
    """
    size, events = len(told.scenario.ladder.statuses), len(told.scenario.events)
    way, world = told.source.astype(np.int64) * size + told.dest, told.world[told.step]
    each = way * (1 + events) + 1 + told.event[told.step]
    cells = np.concatenate([way * (1 + events), each])
    found = np.unique(cells * told.n + np.tile(world, 2))  # each once for a trajectory
    return np.bincount(found // told.n, minlength=size * size * (1 + events)).reshape(size, size, 1 + events)

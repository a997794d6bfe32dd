"""The figure of the record alone (P9): what happened and how sure it is, each event on a stem in the lane of those who acted.

Nothing is added up, neither to a status nor to a score. A date not known exactly is a whisker over all it leaves open.
"""

from __future__ import annotations

from typing import Literal

from escsim.captions import describe_record, event_name, recorded, subtitle
from escsim.palette import FADED
from escsim.style import Picture, Sheet, styled
from escsim.timeline import axis, calendar, draw_events, mark, place
from escsim.trajectory import Trajectory

_HIGHEST, _LANE = 240, 12  # a row at most, and what a lane takes beside its rows
_SURE: dict[str | None, Literal["full", "left", "none"]] = {"high": "full", "medium": "left", "low": "none", None: "none"}


def record(history: Trajectory, *, paper: bool = False) -> Picture:
    """Draw the record (P9).

    Parameters
    ----------
    history : Trajectory
        The replay.
    paper : bool
        Whether it is to be A4 across, for print, rather than 1920 x 1080 for the screen.

    Returns
    -------
    Picture
        Its rows hold the events in order.
    """
    with styled():
        sheet = Sheet(paper, recorded(history), subtitle(history))
        marks = [mark(history, number) for number in range(len(history.steps))]
        for each in marks:
            each.fill = _SURE[history.event(each.step).confidence]
        scale, axes = axis(sheet, marks, history.scenario, sheet.width - 40)
        unstated = " or unstated" * any(history.event(step).confidence is None for step in history.steps)
        key = f"confidence: ● high\n◐ medium  ○ low{unstated}\nbold: moves a mission"
        room = calendar(sheet, axes, scale, history.scenario, marks, key, "nothing more") - sheet.top - 20
        room -= _LANE * len({each.actors for each in marks})
        size = place(sheet, scale, marks, room, stems=True)
        rows = len({(each.actors, each.row) for each in marks})
        draw_events(sheet, axes, history.scenario, marks, size, pitch=min(room / max(rows, 1), _HIGHEST))
        if lost := sum(not each.told for each in marks):
            sheet.write(sheet.width - 40, sheet.height - 118, f"{lost} events are shown without a label", color=FADED, ha="right")
    return Picture(sheet.figure, describe_record(history), _rows(history))


def _rows(history: Trajectory) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("date", "actor", "target", "action", "event", "label", "confidence", "disputed", "source")]
    for step in history.steps:
        event = history.event(step)
        parties = (" ".join(each or ()) for each in (event.actor, event.target, event.action))
        source = "; ".join(history.scenario.sources[name] for name in event.cite or ())
        rows.append((str(event.date or ""), *parties, event.id, event_name(event), event.confidence or "", event.disputed or "", source))
    return rows

"""One run: its ordered steps, what each moved and why, and what became of everything that did not happen."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from escsim.scenario import Event, Scenario
from escsim.times import DAY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Stage = Literal["called", "armed", "refused", "shut", "barred", "ignored", "chosen"]
COLUMNS = ("date", "time", "dated", "event", "actor", "action", "target", "mission", "from", "to", "reason", "source")


class Move(NamedTuple):
    """A mission going from one status to another (or entering the same one anew)."""

    mission: str
    source: str
    dest: str
    trigger: str

    def to_dict(self) -> dict[str, str]:
        """Give it as plain data for JSON."""
        return {"mission": self.mission, "from": self.source, "to": self.dest}


class Note(NamedTuple):
    """What became of an event between its firings, and through which event or choice, or "start".

    Times are ticks: microseconds after the start of the period. `due` is when an armed event is to happen.
    """

    tick: int
    event: str
    stage: Stage
    by: str
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One firing of an event: when (ticks), which, the missions moved in order, and why it moved these or none.

    `caller` is the event that called it, by a choice if it is an option, or "start"; `armed` the tick at which its
    clock was set; `moot` says that it came to nothing: it has triggers and no mission admitted any, or it was removed.
    """

    tick: int
    event: str
    moves: tuple[Move, ...]
    reason: str
    caller: str
    armed: int
    moot: bool = False

    @property
    def done(self) -> tuple[object, ...]:
        """What happened, whatever led to it: two runs are the same as far as this is."""
        return self.tick, self.event, self.moot, self.moves


@dataclass(frozen=True)
class Trajectory:
    """One run of a scenario.

    Steps are in order of time, those of one tick in the order in which they fired; notes tell what became of events
    between their steps, and fates, for each event that never happened, why not. `draws` is what decided chance:
    "history", or seed and number; what came before the tick `since` was given.
    """

    scenario: Scenario
    steps: tuple[Step, ...]
    notes: tuple[Note, ...]
    fates: dict[str, str]
    draws: str = "history"
    since: int = 0

    @cached_property
    def paths(self) -> dict[str, list[tuple[int, str]]]:
        """For each mission the status it starts in, and each that it enters with the tick."""
        paths = {mission: [(-1, status)] for mission, status in self.scenario.initial.items()}
        for step in self.steps:
            for move in step.moves:
                paths[move.mission].append((step.tick, move.dest))
        return paths

    def moment(self, step: Step) -> datetime:
        """Give the date and time of a step (UTC)."""
        return self.scenario.period.moment(step.tick)

    def event(self, step: Step) -> Event:
        """Give the event that fired."""
        return self.scenario.event[step.event]

    def status_at(self, who: str, tick: int) -> str:
        """Give the status of a mission after all that happened up to and at a tick; the most severe one of a pair or `any`.

        Raises
        ------
        KeyError
            If the scenario has no such mission or pair.
        """
        missions = self.scenario.members(who)
        if not missions:
            raise KeyError(who)
        paths = [self.paths[mission] for mission in missions]
        held = [path[bisect_right(path, tick, key=itemgetter(0)) - 1][1] for path in paths]
        return max(held, key=self.scenario.ladder.severity.__getitem__)

    def status_on(self, who: str, day: Day) -> str:
        """Give the status at the end of a day, as `status_at` does; raises ValueError if the day lies outside the period."""
        period = self.scenario.period
        if not period.from_.day <= day <= period.to.day:
            raise ValueError(f"{day} lies outside the period, {period.from_} to {period.to}")
        return self.status_at(who, period.tick(datetime.combine(day, datetime.min.time()) + DAY) - 1)

    def days(self) -> dict[Day, dict[str, str]]:
        """Give the status of every mission at the end of every day of the period."""
        return {day: {mission: self.status_on(mission, day) for mission in self.scenario.missions} for day in self.scenario.period.days()}

    def to_dict(self) -> dict[str, Any]:
        """Give the trajectory as plain data for JSON; the keys are documented in the README."""
        return {
            "scenario": self.scenario.name,
            "hash": self.scenario.hash,
            "days": {day.isoformat(): statuses for day, statuses in self.days().items()},
            "steps": [self._told(step) for step in self.steps],
            "not_happened": [{"event": event, "reason": reason} for event, reason in self.fates.items()],
        }

    def _told(self, step: Step) -> dict[str, Any]:
        event, moment = self.event(step), self.moment(step)
        return {
            "date": moment.date().isoformat(),
            "time": f"{moment:%H:%M}" if self.draws != "history" or (event.date and ":" in event.date.text) else None,
            "dated": str(event.date) if event.date else None,
            "event": event.id,
            "actor": list(event.actor),
            "action": list(event.action),
            "target": list(event.target or ()),
            "moved": [move.to_dict() for move in step.moves],
            "reason": step.reason,
            "source": "; ".join(self.scenario.sources[name] for name in event.cite or ()) or None,
        }

    def rows(self) -> list[tuple[Any, ...]]:
        """Give the steps as rows of text, one for each mission moved and one for each step that moved none; the first names the columns."""
        told = [{**step, **moved} for step in self.to_dict()["steps"] for moved in step["moved"] or [{}]]
        cells = [tuple(row.get(name) or "" for name in COLUMNS) for row in told]
        return [COLUMNS, *(tuple(" ".join(cell) if isinstance(cell, list) else cell for cell in row) for row in cells)]

    def to_frame(self) -> pd.DataFrame:
        """Give the steps as a table, one row for each mission moved and one for each step that moved none.

        Returns
        -------
        pandas.DataFrame
            Columns `date` (datetime64), `event`, `actor`, `action`, `target`, `mission`, `from`, `to` (the last three
            missing where a step moved nothing), `reason`, `source`.
        """
        import pandas as pd

        rows = []
        for step in self.steps:
            told = self._told(step)
            told["date"] = self.moment(step)
            told |= {name: ", ".join(told[name]) for name in ("actor", "action", "target")}
            rows += [{**told, **moved} for moved in told["moved"] or [{}]]
        columns = ["date", "event", "actor", "action", "target", "mission", "from", "to", "reason", "source"]
        return pd.DataFrame(rows, columns=columns).astype({"date": "datetime64[us]"})

    def plot(self) -> Figure:
        """Draw the trajectory: a lane for each mission, steps of status, markers for events.

        Save the figure with `escsim.plots.save`, which gives the same bytes for the same input.
        """
        from escsim import plots

        return plots.trajectory(self).figure

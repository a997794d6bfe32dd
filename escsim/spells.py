"""What history took: how long missions stood in each status, how long ambassadors were away, how long answers were in coming.

All is read off replays, in days. What had not ended when a scenario's period did is censored: it is known to have
lasted so long, not how long it lasts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date as Day
from pathlib import Path
from typing import NamedTuple

from escsim import actions
from escsim.absence import levels
from escsim.actions import Action
from escsim.errors import Place, Problem, ScenarioError, listed, quoted, suggest
from escsim.scenario import Event, counterpart
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Trajectory

KINDS = ("recall", "downgrade", "break")  # of absences, the gravest last
FURTHER = Path(__file__).parent / "absences.csv"  # cases beyond the shipped scenarios
WORST = {"consultations": "recall", "absent": "recall", "charge": "downgrade", "reduced": "downgrade", "severed": "break"}
COLUMNS = ("case", "sender", "host", "start", "end", "worst_level", "censored")


class Spell(NamedTuple):
    """A stay of a mission in one status, from when it came to it.

    Attributes
    ----------
    case, mission, status : str
    days : float
    trigger, dest : str or None
        How and to where it left; None if it was still there when the period ended.
    """

    case: str
    mission: str
    status: str
    days: float
    trigger: str | None
    dest: str | None


class Absence(NamedTuple):
    """A time for which a mission stood below the level at which it started.

    Attributes
    ----------
    case, mission : str
    kind : str
        By the gravest act in it: recall, downgrade or break; where no act of the shipped vocabulary began it, the worst status.
    began : datetime.date
    days : float
        Until it was back at its level, or the period ended.
    ended : bool
    settled : float or None
        Days until the end was agreed or announced, for the last time and in an event of its own, if it was.
    mutual : bool
        Whether the other mission of the pair was away as well at some time of it.
    leads : bool
        Whether it is the first of its pair's in its case, or of its cluster's: what begins while it lasts tells little that is new.
    cluster : str
        What it belongs to with others that one quarrel brought about at once; "" for nothing.
    """

    case: str
    mission: str
    kind: str
    began: Day
    days: float
    ended: bool
    settled: float | None
    mutual: bool
    leads: bool = True
    cluster: str = ""


class Reply(NamedTuple):
    """An event with what it follows, an act of the other side: the first action of each, and the days between."""

    case: str
    event: str
    to: str
    action: str
    days: float


def spells(replayed: Trajectory) -> Iterator[Spell]:
    """Give the stays of each mission in a status that it came to, without those that lasted no time."""
    scenario = replayed.scenario
    for mission in scenario.missions:
        moves = [(step.tick, move) for step in replayed.steps for move in step.moves if move.mission == mission and move.source != move.dest]
        for place, (tick, move) in enumerate(moves):
            until, left = moves[place + 1] if place + 1 < len(moves) else (scenario.period.ticks, None)
            if until > tick:
                how = (None, None) if left is None else (left.trigger, left.dest)
                yield Spell(scenario.name, mission, move.dest, (until - tick) / TICKS_A_DAY, *how)


def absences(replayed: Trajectory) -> list[Absence]:
    """Give the absences of all missions, pair by pair, the first of each pair first; times are those of the replay, in days."""
    scenario, pairs = replayed.scenario, dict[frozenset[str], list[tuple[int, int, str]]]()
    end = scenario.period.ticks
    for mission in scenario.missions:
        pair = frozenset((mission, counterpart(mission)))
        pairs.setdefault(pair, []).extend((since, until, mission) for since, until in _down(replayed, mission))
    found = []
    for times in pairs.values():
        for since, until, mission in sorted(times, key=lambda each: each[0]):
            mutual = any(other != mission and first < until and since < then for first, then, other in times)
            settled = _settled(replayed, mission, since, until)
            found.append(
                Absence(
                    scenario.name,
                    mission,
                    _kind(replayed, mission, since, until),
                    scenario.period.moment(since).date(),
                    (until - since) / TICKS_A_DAY,
                    until < end,
                    None if settled is None else (settled - since) / TICKS_A_DAY,
                    mutual,
                )
            )
    return led(found)


def led(found: Iterable[Absence]) -> list[Absence]:
    """Say of absences which are the first of their pair's or cluster's: none of those begins earlier, or stands before it, and lasts as it begins."""

    def groups(each: Absence) -> list[object]:
        return [(each.case, frozenset(each.mission.split("->"))), *([each.cluster] if each.cluster else ())]

    last: dict[object, float] = {}  # the day on which the last of a group ends
    leads: dict[int, bool] = {}
    found = list(found)
    for place, each in sorted(enumerate(found), key=lambda item: item[1].began):
        since, mine = each.began.toordinal(), groups(each)
        leads[place] = all(since > last.get(group, -1.0) for group in mine)
        for group in mine:
            last[group] = max(last.get(group, -1.0), since + each.days)
    return [each._replace(leads=leads[place]) for place, each in enumerate(found)]


def _down(replayed: Trajectory, mission: str) -> Iterator[tuple[int, int]]:
    """Give the ticks between which a mission is below its level; the end of the period stands for what lies beyond."""
    down, since = {*levels(replayed.scenario, mission).down}, None
    for tick, status in replayed.paths[mission]:
        if since is None and status in down:
            since = tick
        elif since is not None and status not in down:
            if tick > since:
                yield since, tick
            since = None
    if since is not None:
        yield since, replayed.scenario.period.ticks


def _kind(replayed: Trajectory, mission: str, since: int, until: int) -> str:
    """Say by which act, the gravest, a mission was brought down."""
    scenario, words = replayed.scenario, _words(replayed)
    steps = [step for step in replayed.steps if since <= step.tick < until and any(move.mission == mission for move in step.moves)]
    acts = {name for step in steps for name in replayed.event(step).action}
    kinds = {words[name].absence for name in acts & words.keys()} - {None}
    reached = [move.dest for step in steps for move in step.moves if move.mission == mission]
    worst = max(reached, key=scenario.ladder.severity.__getitem__, default=scenario.initial[mission])
    return max(filter(None, kinds), key=KINDS.index, default=worst)


def _settled(replayed: Trajectory, mission: str, since: int, until: int) -> int | None:
    """Give when the end of an absence was last agreed or announced, in an event before the one that brings it about."""
    last, settling = None, {name for name, word in _words(replayed).items() if word.settles}
    for step in replayed.steps:
        event = replayed.event(step)
        if since <= step.tick < until and settling & {*event.action}:
            moved = {move.mission for move in step.moves}
            if mission in moved or (not moved and _between(event, mission)):
                last = step.tick
    return last


def _words(replayed: Trajectory) -> dict[str, Action]:
    """Give the vocabulary of a scenario."""
    return actions.shipped() | replayed.scenario.actions


def _between(event: Event, mission: str) -> bool:
    """Say whether an event is between the two sides of a mission."""
    return {*mission.split("->")} <= {*event.actor, *(event.target or ())}


def replies(replayed: Trajectory) -> Iterator[Reply]:
    """Give the events that answer what the other side did."""
    ticks: dict[str, int] = {}
    for step in replayed.steps:
        event = replayed.event(step)
        if step.caller in ticks:
            cause = replayed.scenario.event[step.caller]
            if not {*event.actor} & {*cause.actor}:
                yield Reply(replayed.scenario.name, event.id, cause.action[0], event.action[0], (step.tick - ticks[step.caller]) / TICKS_A_DAY)
        ticks[step.event] = step.tick


def tabled(path: Path) -> list[Absence]:
    """Read absences from a CSV file, a mission a row.

    Columns, apart by commas, semicolons or tabs: `case`, `sender`, `host`, `start`, `end` (days; the end of the watch if it is censored),
    `worst_level` (consultations, absent, charge, reduced, severed), `censored` (1 if it had not ended, else 0), and if it likes `mutual` (yes or
    no) and `cluster` (a name for breaks that one quarrel brought about at once, of which the first counts). Others do not count.

    Raises
    ------
    ScenarioError
        If the file is no such table: with all that is wrong, row by row.
    """
    found, problems = list[Absence](), list[Problem]()
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError([Problem(Place(str(path)), "is no text in UTF-8", "save it as UTF-8")]) from None
    head = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=head.count))
    lacking = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if lacking:
        wanted = f"a table of absences has the columns {', '.join(COLUMNS)}"
        raise ScenarioError([Problem(Place(str(path), 1, 1), f"there is no column {listed(lacking)}", wanted)])
    for row in rows:
        try:
            found.append(_absence(row))
        except ValueError as error:
            problems.append(Problem(Place(str(path), rows.line_num, 1), *error.args))
    if problems:
        raise ScenarioError(problems)
    return led(found)


def _absence(row: dict[str, str | None]) -> Absence:
    """Read a row of a table; raises ValueError with what is wrong in it and how to mend it."""
    said = {name: (row[name] or "").strip() for name in COLUMNS}
    began, end = (_day(name, said[name]) for name in ("start", "end"))
    if end <= began:
        raise ValueError(
            f"it ends on {end} and starts on {began}", "an absence lasts a day at least; of one that is still open `end` is the last day of the watch"
        )
    if said["worst_level"] not in WORST:
        raise ValueError(f"worst_level is {quoted(said['worst_level'])}", suggest(said["worst_level"], WORST))
    if said["censored"] not in ("0", "1"):
        raise ValueError(f"censored is {quoted(said['censored'])}", "write 1 if it had not ended by `end`, else 0")
    if not said["sender"] or not said["host"] or said["sender"] == said["host"]:
        raise ValueError(f"sender is {quoted(said['sender'])} and host {quoted(said['host'])}", "name two states")
    if None in row:  # what stands beyond the columns
        raise ValueError("the row has more values than there are columns", "put in quotes what holds a comma")
    mutual, cluster = row.get("mutual") == "yes", (row.get("cluster") or "").strip()
    kind, mission, days = WORST[said["worst_level"]], f"{said['sender']}->{said['host']}", float((end - began).days)
    return Absence(said["case"], mission, kind, began, days, said["censored"] == "0", None, mutual, cluster=cluster)


def _day(name: str, text: str) -> Day:
    try:
        return Day.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} is {quoted(text)}", "days are written 2024-01-17") from None

"""Runs made sure of: the ticks at which a path through the states of a scenario can be gone, and the run itself, as a scenario file.

A path names which event fires after which. Whether there are ticks for it is a question of simple temporal constraints:
each clock takes between its shortest and its longest delay, none is due before the one that fires. They are solved by
longest paths (Dechter, Meiri and Pearl 1991, Artificial Intelligence 49, 61-95), in whole days if that can be, else in
hours, minutes, seconds, ticks. The run is then made on the stepper, which has the last word.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Container, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count, pairwise
from typing import Any, NamedTuple

import yaml

from escsim.explore import Group, Space
from escsim.rules import bits
from escsim.scenario import NOTHING, Choice, Event, Scenario
from escsim.stepper import run
from escsim.times import TICKS_A_DAY, Span
from escsim.trajectory import Trajectory

MOST_PATHS = 3000  # that are tried
UNITS = (TICKS_A_DAY, TICKS_A_DAY // 24, TICKS_A_DAY // 1440, TICKS_A_DAY // 86_400, 1)
# the multiples of which ticks are, and how many of them lie between two firings: whole days first, but rather hours than two firings at once
WAYS = [(unit, gap) for units in (UNITS[:3], UNITS[3:]) for gap in (1, 0) for unit in units]

Path = tuple[int, tuple[tuple[int, int], ...]]  # the state of the start; each event with the state in which its firing ends


class Clock(NamedTuple):
    """A clock of a run: whose it is, and the ticks at which it is set and due."""

    event: int
    armed: int
    due: int


class Schedule(NamedTuple):
    """When the events of a path fire, and what its clocks are."""

    ticks: list[int]
    clocks: list[Clock]


def witness(space: Space, group: Group, places: Iterable[int]) -> Trajectory | None:
    """Find a run with the fewest events that comes to one of some states, and stays there for some time; None if none is found."""
    tries = MOST_PATHS
    for place in sorted(places, key=_depths(group).__getitem__):
        for path in paths(group, place):
            if not tries:
                return None
            tries -= 1
            if schedule(space, group, path, 1, 0) is None:  # which leaves the most open
                continue
            schedules = (schedule(space, group, path, unit, gap) for unit, gap in WAYS)
            if (known := next(filter(None, schedules), None)) and (found := _run(space, group, path, known)):
                return found
    return None


def _depths(group: Group) -> list[int]:
    """Give how many events it took to come to each state first; states stand in the order in which they were found."""
    depths: list[int] = []
    for by in group.first:
        depths.append(0 if by is None else 1 + depths[by[0]])
    return depths


def paths(group: Group, place: int) -> Iterator[Path]:
    """Give paths to a state, the shortest first."""
    away, number = _away(group, place), count()
    heap: list[tuple[int, int, int, tuple[tuple[int, int], ...]]] = []
    for start, by in enumerate(group.first):
        if by is None and start in away:
            heappush(heap, (away[start], next(number), start, ()))
    while heap and next(number) < 10 * MOST_PATHS:
        _, _, start, steps = heappop(heap)
        here = steps[-1][1] if steps else start
        if here == place:
            yield start, steps
        for e, after in group.ways[here].items():
            for each in after:
                if each in away:
                    heappush(heap, (len(steps) + 1 + away[each], next(number), start, (*steps, (e, each))))


def _away(group: Group, place: int) -> dict[int, int]:
    """Give how many events it takes at least to a state from each from which it can be reached."""
    sources = group.sources
    away, rest = {place: 0}, deque([place])
    while rest:
        here = rest.popleft()
        for source in sources[here]:
            if source not in away:
                away[source] = away[here] + 1
                rest.append(source)
    return away


def schedule(space: Space, group: Group, path: Path, unit: int, gap: int) -> Schedule | None:
    """Find the earliest ticks, in multiples of a unit and so many of them apart, at which a path can be gone; None if there are none."""
    start, steps = path
    running = [space.rules.running(group.states[place]) for place in (start, *(place for _, place in steps))]
    after: list[tuple[int, int, int]] = []  # (x, y, least): time y is at least so long after time x; firings are 1, 2, ..., the start is 0
    clocks: list[tuple[int, int, int]] = []  # event, when it is set, and the time at which it is due
    set_: dict[int, tuple[int, list[int]]] = {e: (0, []) for e in bits(running[0])}
    times = len(steps) + 1

    def end(e: int, at: int | None) -> None:
        """End a clock: it fires at a time, or else is due later than all firings that it has seen."""
        nonlocal times
        armed, seen = set_.pop(e)
        due, times = (times, times + 1) if at is None else (at, times)
        shortest, longest = space.delays[e]
        after.extend([(armed, due, -(-shortest // unit)), (due, armed, -(longest // unit))])
        after.extend((firing, due, int(e < steps[firing - 1][0])) for firing in seen)
        clocks.append((e, armed, due))

    for firing, ((fired, _), (before, here)) in enumerate(zip(steps, pairwise(running), strict=True), start=1):
        after.append((firing - 1, firing, gap if firing > 1 else 0))
        end(fired, firing)
        for e in [*set_]:
            set_[e][1].append(firing)
            if not here >> e & 1:
                end(e, None)
        set_ |= {e: (firing, []) for e in bits(here & ~(before & ~(1 << fired)))}
    last = len(steps)
    after.append((last, 0, -((space.process.end - 1) // unit)))
    for e in [*set_]:
        place = times
        end(e, None)
        after.append((last, place, 1))  # so that time passes there
    found = [0] * times
    for _ in range(times + 1):
        changed = False
        for x, y, least in after:
            if found[y] < found[x] + least:
                found[y], changed = found[x] + least, True
        if found[0]:
            return None
        if not changed:
            return Schedule([each * unit for each in found[1 : last + 1]], [Clock(e, found[x] * unit, found[y] * unit) for e, x, y in clocks])
    return None


class _Scripted:
    """The draws of a schedule; everything else is refused."""

    said = "the shortest run found"
    refusal = "It might have come about, but did not."

    def __init__(self, space: Space, group: Group, path: Path, known: Schedule) -> None:
        self.clocks: dict[str, deque[Clock]] = defaultdict(deque)
        names = [*space.scenario.order]
        for each in sorted(known.clocks, key=lambda clock: clock.armed):
            self.clocks[names[each.event]].append(each)
        start, steps = path
        called = [0, *(group.states[place][1] for place in (start, *(place for _, place in steps)))]
        self.called: dict[int, set[str]] = {}  # events newly called, by tick
        for tick, (before, here) in zip([0, *known.ticks], pairwise(called), strict=True):
            self.called.setdefault(tick, set()).update(names[e] for e in bits(here & ~before))

    def clock(self, event: Event, _k: int, now: int, _fired: Container[str]) -> int | None:
        if (waiting := self.clocks[event.id]) and waiting[0].armed == now:
            return waiting.popleft().due
        return None

    def option(self, _name: str, choice: Choice, _n: int, now: int, _fired: Container[str]) -> str:
        options = [option for option, share in choice.options.items() if share]
        return next((option for option in options if option in self.called.get(now, ())), NOTHING if NOTHING in options else options[0])


def _run(space: Space, group: Group, path: Path, known: Schedule) -> Trajectory | None:
    """Make the run of a schedule, if it is one."""
    names, last = [*space.scenario.order], group.states[path[1][-1][1] if path[1] else path[0]]
    found = run(space.scenario, _Scripted(space, group, path, known))
    planned = deque((names[e], tick) for (e, _), tick in zip(path[1], known.ticks, strict=True))
    for step in found.steps:
        if planned and (step.event, step.tick) == planned[0]:
            planned.popleft()
        elif planned and step.moves:  # what bears on no mission may happen besides
            return None
    if planned:
        return None
    tick, severity = (known.ticks or [0])[-1], space.scenario.ladder.severity
    held = [severity[found.status_at(mission, tick)] for mission in space.scenario.missions]
    return found if all(held[mission] == last[0][mission] for mission in group.missions) else None


def as_file(found: Trajectory, base: str, until: int, title: str, summary: str) -> str:
    """Write what a run does up to a tick as a scenario file that extends the scenario's own, `base`, and replays it.

    What comes to nothing is left out, since history has no such events. What happens again is written as an event of its own.

    Raises
    ------
    ValueError
        If an event does not happen on the minute, for which a file has no date.
    """
    scenario = found.scenario
    dates: dict[str, int] = {}
    copies: list[dict[str, Any]] = []
    copied: set[str] = set()  # events that stand there as copies only, since a copy at the same moment has to come before them
    for step in (step for step in found.steps if step.tick <= until and not step.moot):
        event, date = scenario.event[step.event], _written(scenario, step.tick)
        if step.tick % UNITS[2]:
            raise ValueError(f"{step.event!r} does not happen on the minute in it, and a file tells no seconds")
        follows = scenario.caller(event).follows
        late = bool(copies) and copies[-1]["date"] == date
        if step.event not in dates and not (late or (follows and copied & {*follows.causes})):
            dates[step.event] = step.tick
            continue
        copied |= {step.event} - dates.keys()
        taken = {*scenario.event, *(each["id"] for each in copies)}
        name = next(name for number in count(2) if (name := f"{event.id}_{number}") not in taken)
        deed = event.model_dump(include={"actor", "target", "action", "cite"}, exclude_none=True)
        copies.append({"id": name, "date": date, **{key: [*value] for key, value in deed.items()}})
    gaps = {step.event: step.tick - step.armed for step in scenario.replayed.steps} if any(event.date for event in scenario.events) else {}
    events: list[dict[str, Any]] = []
    for event in scenario.events:
        if event.id in dates:
            events.append({"id": event.id, "date": _written(scenario, dates[event.id])})
        elif event.date is not None:
            delay = {} if event.delay is not None else {"delay": str(Span(gaps.get(event.id, 0)))}
            events.append({"id": event.id, "date": None, **delay})
    events += copies
    told: dict[str, Any] = {"extends": base, "title": title, "summary": summary}
    if events:
        told["events"] = events
    open_ = {name: {"options": {NOTHING: 0}} for name, choice in scenario.choices.items() if NOTHING not in choice.options}
    if open_:
        told["choices"] = open_
    if scenario.observed:
        told["observed"] = None  # of history, and this is none
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)


def _written(scenario: Scenario, tick: int) -> str:
    """Write a tick as a date of a file: as short as it can be."""
    moment = scenario.period.moment(tick)
    return f"{moment:%Y-%m-%d}" if not tick % TICKS_A_DAY else f"{moment:%Y-%m-%d %H:%M}"

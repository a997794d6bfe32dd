"""All that a scenario can do: its states found exhaustively, whatever chance says, in any order that the clocks allow.

A state is one of `escsim.rules`: where the missions stand, which events are called, refused, used up, and have happened.
With it goes the *hull* of all runs that lead there: the earliest and latest tick of the present, and of every running
clock. An event can be next if by the hulls it can be due before all others, and before the period ends. So no run is
missed, and what is found never to happen never does; where times depend on one another an order may be let pass that
no run has, and so `schedule` makes sure of every single run that is shown.

Events that have nothing to do with one another are explored apart: what one group does is open to the other at any time,
and all orders between them would only multiply the states. (For two groups this is the exact case of a partial-order
reduction; Godefroid 1996, Lecture Notes in Computer Science 1032.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

from escsim.draws import due
from escsim.process import Process, compile_scenario
from escsim.rules import Rules, State, TooManyError, bits
from escsim.scenario import NOTHING, Scenario

MOST_STATES = 50_000
MOST_WAYS = 256  # into which one firing may lead, by chance
PATIENCE = 8  # times that a hull may grow before it is widened

Span = tuple[int, int]  # earliest and latest tick


class Hull(NamedTuple):
    """The earliest and latest tick of the present and, by event, of each running clock; the end of the period stands for all beyond it.

    Of two clocks of fixed delays that were set at the same firing it is known by how much the second is due later: `apart`.
    """

    now: Span
    clocks: dict[int, Span]
    apart: dict[tuple[int, int], int]


@dataclass
class Group:
    """Events that have to do with one another, and the states that they lead to.

    Attributes
    ----------
    events, choices : list of int
        Numbers of its events and choices, in the order of the file.
    missions : list of int
        Numbers of the missions that they move.
    states : list of State
        In the order in which they were found: the first ones are those of the start.
    hulls : list of Hull
    ways : list of dict of int to list of int
        Of each state by event that can be next: the states to which its firing leads.
    first : list of (int, int) or None
        The state and event by which each state was first reached: the shortest way to it; None at the start.
    rules : Rules
        Those of its events and choices; calls of others are lost.
    quiet : int
        Mask of the events that are left out of states in which they are called, since there they bear on nothing.
    whole : bool
        Whether all states were looked at.
    aim : int or None
        The event that moves no mission for whose sake the group is explored.
    """

    events: list[int]
    choices: list[int]
    missions: list[int]
    rules: Rules
    states: list[State] = field(default_factory=list)
    hulls: list[Hull] = field(default_factory=list)
    ways: list[dict[int, list[int]]] = field(default_factory=list)
    first: list[tuple[int, int] | None] = field(default_factory=list)
    quiet: int = 0
    whole: bool = True
    aim: int | None = None

    @cached_property
    def sources(self) -> list[list[int]]:
        """Of each state those from which a firing leads there."""
        found: list[list[int]] = [[] for _ in self.states]
        for source, _, after in self.steps():
            for each in after:
                found[each].append(source)
        return found

    def steps(self) -> Iterator[tuple[int, int, list[int]]]:
        """Give the place of every state with every event that can be next, and the places of the states to which it leads."""
        for place, ways in enumerate(self.ways):
            for e, after in ways.items():
                yield place, e, after


@dataclass
class Space:
    """What a scenario can do.

    Attributes
    ----------
    scenario : Scenario
    process : Process
    rules : Rules
        Of all events together.
    delays : list of (int, int)
        The shortest and longest delay of each event, in ticks.
    groups : list of Group
    most : int
        States after which no more are looked at.
    """

    scenario: Scenario
    process: Process
    rules: Rules
    delays: list[Span]
    groups: list[Group]
    most: int

    @property
    def states(self) -> int:
        """How many states were found, over all groups."""
        return sum(len(group.states) for group in self.groups)

    @property
    def whole(self) -> bool:
        """Whether all states were looked at."""
        return all(group.whole for group in self.groups)


def explore(scenario: Scenario, most: int = MOST_STATES, together: Iterable[Iterable[str]] = ()) -> Space:
    """Find all states that a scenario can come to.

    Parameters
    ----------
    scenario : Scenario
    most : int
        States after which no more are looked at, over all groups, which share in it.
    together : iterable of iterable of str
        Sets of missions that are to be seen together, since something is asked of them together.

    Raises
    ------
    ScenarioError
        If the scenario is too large for a simulation, or its history does not replay.
    """
    process = compile_scenario(scenario)
    delays = [(due(process, e, 0, 0), due(process, e, 0, 2**64 - 1)) for e in range(process.n_events)]
    space = Space(scenario, process, Rules(process, MOST_WAYS), delays, groups(scenario, process, together), most)
    _go(space, space.groups)
    return space


def look_closer(space: Space, events: Iterable[int]) -> None:
    """Find also all states that bear on events that move no mission, each with all that bears on it, as far as there are not too many."""
    bears = _bears(space.scenario)
    found = [_group(space.scenario, space.process, _cone(bears, [e]), e) for e in events]
    space.groups += found
    _go(space, found)


def _go(space: Space, found: list[Group]) -> None:
    for left, group in zip(range(len(found), 0, -1), found, strict=True):
        _Explorer(space, group).run(max(1, (space.most - space.states) // left))


def groups(scenario: Scenario, process: Process, together: Iterable[Iterable[str]] = ()) -> list[Group]:
    """Give sets of events that can be seen alone, since nothing outside bears on them: with each event that moves missions all that does.

    Sets that lie within others are left out. An event that bears on none that moves a mission is in none of them.
    """
    moves, bears = _movers(scenario), _bears(scenario)
    wanted = {_cone(bears, [e]) for e in set[int]().union(*moves.values())}
    wanted |= {_cone(bears, set[int]().union(*(moves.get(mission, set()) for mission in missions))) for missions in together}
    return [_group(scenario, process, each) for each in sorted((each for each in wanted if not any(each < other for other in wanted)), key=sorted)]


def _movers(scenario: Scenario) -> dict[str, set[int]]:
    """Give by mission the events that move it."""
    moves: dict[str, set[int]] = {}
    for event in scenario.events:
        for _, mission in scenario.addressed(event):
            moves.setdefault(mission, set()).add(scenario.order[event.id])
    return moves


def _bears(scenario: Scenario) -> list[set[int]]:
    """Give for each event those that bear on it.

    An event bears on those that it calls or bars, on the other options of its choice, and, if it moves a mission, on those that
    move or read it.
    """
    order, moves, bears = scenario.order, _movers(scenario), list[set[int]]()
    for event in scenario.events:
        follows = scenario.caller(event).follows
        bearing = {order[other] for other in (*(follows.causes if follows else ()), *(event.unless or ()))}
        for mission in (*scenario.gate(event), *(mission for _, mission in scenario.addressed(event))):
            bearing |= moves.get(mission, set())
        if event.id in scenario.choice_of:
            bearing |= {order[option] for option in scenario.choices[scenario.choice_of[event.id]].options if option != NOTHING}
        bears.append(bearing)
    return bears


def _cone(bears: list[set[int]], events: Iterable[int]) -> frozenset[int]:
    """Give some events with all that bears on them."""
    found: set[int] = set()
    rest = [*events]
    while rest:
        if (e := rest.pop()) not in found:
            found.add(e)
            rest += bears[e]
    return frozenset(found)


def _group(scenario: Scenario, process: Process, events: frozenset[int], aim: int | None = None) -> Group:
    choices, names = list(scenario.choices), [*scenario.order]
    taken = {choices.index(scenario.choice_of[names[e]]) for e in events if names[e] in scenario.choice_of}
    moved = {mission for mission, movers in _movers(scenario).items() if movers & events}
    missions = [place for place, mission in enumerate(scenario.missions) if mission in moved]
    mask = sum(1 << e for e in events) | sum(1 << process.n_events + c for c in taken)
    rules = Rules(process, MOST_WAYS, mask, 0 if aim is None else 1 << aim)
    return Group(sorted(events), sorted(taken), missions, rules, aim=aim)


class _Explorer:
    def __init__(self, space: Space, group: Group) -> None:
        self.rules, self.delays, self.end, self.group = group.rules, space.delays, space.process.end, group
        self.rules.waits = True
        for e in group.events:
            if space.delays[e][1] >= self.end and not self.rules.never >> e & 1:
                self.rules.doubtful &= ~(1 << e)  # that chance says no is as if its time did not come within the period
        self.number: dict[State, int] = {}
        self.grown: list[int] = []
        self.queue: deque[int] = deque()
        self.waits: set[int] = set()

    def run(self, most: int) -> None:
        """Go through all states, or until there are too many."""
        rules = self.rules
        try:
            for state in rules.settle((rules.start, 0, 0, 0, 0), 0, rules.roots):
                self.arrive(state, None, Hull((0, 0), {}, {}))
            while self.queue and len(self.group.states) <= most:
                place = self.queue.popleft()
                self.waits.discard(place)
                self.leave(place)
            self.group.whole = not self.queue
        except TooManyError:  # ways into which one firing may lead
            self.group.whole = False

    def leave(self, place: int) -> None:
        """Let every event fire that can be next."""
        group, state, hull = self.group, self.group.states[place], self.group.hulls[place]
        for e, now in self.due(hull):
            ways = group.ways[place]
            survivors = {f: (max(low, now[0]), high) for f, (low, high) in hull.clocks.items() if f != e}
            before = Hull(now, survivors, hull.apart)
            if e not in ways:
                after = list(self.rules.fire(state, sum(1 << f for f in hull.clocks), e))
                ways[e] = [self.arrive(each, (place, e), before) for each in after]
            else:
                for each in ways[e]:
                    self.arrive(group.states[each], (place, e), before)

    def due(self, hull: Hull) -> Iterator[tuple[int, Span]]:
        """Give the events that can be next, with the span of ticks at which they can fire."""
        later = {(f if gap > 0 or (gap == 0 and e < f) else e) for (e, f), gap in hull.apart.items()}
        for e, (low, high) in hull.clocks.items():
            if e in later:  # another one that was set together with it is due before it
                continue
            # of two that are due together the first in the file fires first
            latest = min((last - (f < e) for f, (_, last) in hull.clocks.items() if f != e), default=self.end)
            high = min(high, latest, self.end - 1)
            low = max(low, hull.now[0])
            if low <= high:
                yield e, (low, high)

    def arrive(self, state: State, by: tuple[int, int] | None, before: Hull) -> int:
        """Come to a state, with the clocks that run on: make it known if it is new, and its hull wider if it must be."""
        group, clocks, now = self.group, dict[int, Span](), before.now
        left_out, state = state, self.rules.forgotten(state)
        group.quiet |= left_out[1] & ~state[1]
        fixed = []
        for e in bits(self.rules.running(state)):
            shortest, longest = self.delays[e]
            clocks[e] = before.clocks.get(e) or (min(now[0] + shortest, self.end), min(now[1] + longest, self.end))
            if e not in before.clocks and shortest == longest:
                fixed.append(e)
        apart = {(e, f): gap for (e, f), gap in before.apart.items() if e in before.clocks and f in before.clocks and e in clocks and f in clocks}
        apart |= {(e, f): self.delays[f][0] - self.delays[e][0] for e, f in combinations(fixed, 2)}
        place = self.number.setdefault(state, len(group.states))
        if place == len(group.states):
            group.states.append(state)
            group.hulls.append(Hull(now, clocks, apart))
            group.ways.append({})
            group.first.append(by)
            self.grown.append(0)
        else:
            known = group.hulls[place]
            both = {pair: gap for pair, gap in known.apart.items() if apart.get(pair) == gap}
            wider = Hull(_around(known.now, now), {e: _around(known.clocks[e], span) for e, span in clocks.items()}, both)
            if wider == known:
                return place
            self.grown[place] += 1
            if self.grown[place] > PATIENCE:  # as wide as it may ever become, so that this comes to an end
                wider = Hull((0, self.end), {e: (min(self.delays[e][0], self.end), self.end) for e in clocks}, both)
            group.hulls[place] = wider
        if place not in self.waits:
            self.queue.append(place)
            self.waits.add(place)
        return place


def _around(one: Span, other: Span) -> Span:
    return min(one[0], other[0]), max(one[1], other[1])

"""What is odd about a scenario, found from all that it can do: what never happens, what cannot be left, what never matters.

Each is certain as far as it goes: nothing is said of what only may be so. What breaks a `never` line comes with a run
that does it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np

from escsim import stepper
from escsim.draws import Addressed
from escsim.errors import Place, ScenarioError, listed, quoted
from escsim.explore import Group, Space, look_closer
from escsim.rules import Rules, State, bits
from escsim.scenario import Event, Scenario, counterpart
from escsim.trajectory import Trajectory
from escsim.witness import witness
from escsim.worlds import held

VARIANTS = 200  # in which it is looked for what an event does that moves no mission

Kind = Literal[
    "never",
    "shared",
    "loop",
    "history",
    "event",
    "moot",
    "option",
    "choice",
    "status",
    "transition",
    "trap",
    "tie",
    "while",
    "unless",
    "unused",
    "unsettled",
]


class Finding(NamedTuple):
    """Something odd.

    Attributes
    ----------
    kind : str
    place : Place
    message, remedy : str
    run : Trajectory or None
        Of a `never` line or shared status: a run that breaks it.
    tick : int or None
        When it does.
    """

    kind: Kind
    place: Place
    message: str
    remedy: str
    run: Trajectory | None = None
    tick: int | None = None

    @property
    def grave(self) -> bool:
        """Whether the file should not be left so: a gate or bar that never matters does no harm, nor what is left of a ladder made for many cases."""
        return self.kind not in ("while", "unless", "unused", "unsettled")

    def __str__(self) -> str:
        return f"{self.place}: {'finding' if self.grave else 'remark'}: {self.message}\n    {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        run = None if self.run is None else self.run.to_dict()["steps"]
        return {"kind": self.kind, **self.place._asdict(), "message": self.message, "remedy": self.remedy, **({} if run is None else {"run": run})}


class Line(NamedTuple):
    """Where no run may be: a `never` line, or a shared status that one mission of a pair holds and the other does not."""

    kind: Literal["never", "shared"]
    place: Place
    statuses: dict[str, tuple[str, ...]]


def lines(scenario: Scenario) -> Iterator[Line]:
    """Give all that no run may come to."""
    for number, line in enumerate(scenario.never):
        yield Line("never", scenario.place("never", number), line)
    ladder = scenario.ladder
    touched = {
        (mission, way) for event in scenario.events for trigger, mission in scenario.addressed(event) for way in ladder.triggers[trigger].items()
    }
    for status in ladder.shared:
        for mission in scenario.missions:
            other = counterpart(mission)
            if any(status in way and who in (mission, other) for who, way in touched):
                rest = {other: tuple(each for each in ladder.statuses if each != status)} if other in scenario.initial else {}
                yield Line("shared", scenario.place("ladder", "shared"), {mission: (status,), **rest})


def together(scenario: Scenario) -> list[tuple[str, ...]]:
    """Give the missions of which something is asked together."""
    return [tuple(mission for who in line.statuses for mission in scenario.members(who)) for line in lines(scenario)]


def findings(space: Space) -> list[Finding]:
    """Find all that is odd, in the order of the file.

    Of a group of events that was not explored whole, only what some run does.
    """
    facts = Facts(space)
    if space.whole and (doubts := facts.doubts()):
        look_closer(space, doubts)
        facts = Facts(space)
    found = [*_never(space), *_loops(space), *_ties(space, facts), *_events(facts), *_choices(facts), *_idle(facts), *_traps(facts)]
    if facts.whole:
        found += _ladder(facts)
    return sorted(found, key=lambda each: each.place)


class Facts:
    """What happens in a space."""

    def __init__(self, space: Space) -> None:
        self.space, self.scenario, self.rules = space, space.scenario, space.rules
        self.names = [*self.scenario.order]
        self.fired: dict[int, tuple[int, int]] = {}  # earliest and latest tick
        self.moved: set[tuple[int, int]] = set()  # events, with the numbers of their moves that were admitted
        self.taken: set[tuple[str, int]] = set()  # triggers, with the status left
        self.passed: set[int] = set()  # statuses that a mission comes to, if only on the way of one firing
        self.called = self.ran = 0
        self.soonest: dict[int, int] = {}  # the earliest tick at which a running clock is due
        self.shut: set[int] = set()  # events that were called while their gate was shut
        self.held: set[tuple[int, int]] = set()  # missions and statuses
        self.left: set[tuple[int, int]] = set()
        self.barred: set[tuple[int, int]] = set()  # events that fired, and events that were called then and are barred by them
        self.aims = {group.aim for group in space.groups if group.aim is not None and group.whole}
        self.whole = all(group.whole for group in space.groups if group.aim is None)
        for group in space.groups:
            self.watch(group)
        # outside of all groups, or somewhere left out since it bears on nothing there
        self.loose = {*range(len(self.names))} - {e for group in space.groups if group.aim is None or group.whole for e in group.events}
        self.loose |= {e for group in space.groups for e in bits(group.quiet)} - self.aims
        for e in self.loose:
            self.fired.pop(e, None)
        self.follow()
        # events of which all is known: those of a group that was explored whole, and if all were, those of none
        self.known = {*range(len(self.names))} if self.whole else {e for group in space.groups if group.whole for e in group.events}

    def watch(self, group: Group) -> None:
        """Take in what happens in a group."""
        rules = group.rules
        for state, hull in zip(group.states, group.hulls, strict=True):
            called, open_ = state[1], rules.open(state[0])
            self.called |= called
            self.held |= {(mission, state[0][mission]) for mission in group.missions}
            self.shut |= {*bits(called & ~open_)}
            for e, (low, _) in hull.clocks.items():
                self.ran |= 1 << e
                self.soonest[e] = min(low, self.soonest.get(e, low))
        for place, e, after in group.steps():
            state, (low, high) = group.states[place], group.hulls[place].clocks[e]
            known = self.fired.get(e, (low, high))
            self.fired[e] = min(low, known[0]), max(high, known[1])
            _, admitted = rules.act(state[0], e)
            self.moved |= {(e, number) for number in admitted}
            addressed = self.scenario.addressed(self.scenario.events[e])
            statuses = list(state[0])
            for number, (mission, leads) in enumerate(rules.moves[e]):
                if number in admitted:
                    self.taken.add((addressed[number][0], statuses[mission]))
                    statuses[mission] = leads[statuses[mission]]
                    self.passed.add(statuses[mission])
            if admitted or not rules.acts[e]:
                self.barred |= {(e, other) for other in bits(rules.bars[e] & state[1])}
            for each in after:
                here = group.states[each][0]
                self.left |= {(mission, state[0][mission]) for mission in group.missions if here[mission] != state[0][mission]}

    def follow(self) -> None:
        """Follow the calls of loose events as far as they may lead, whatever bars them or shuts their gates for some time."""
        while True:
            before = len(self.fired)
            for e, event in enumerate(self.scenario.events):
                since, follows = self.since(event), self.scenario.caller(event).follows
                if since is None or e in self.fired or self.rules.moves[e]:
                    continue
                if e in self.aims or (
                    e not in self.loose and not (follows and self.loose & {self.scenario.order[cause] for cause in follows.causes})
                ):
                    continue
                self.loose.add(e)
                self.called |= 1 << e
                if self.rules.never >> e & 1 or self.lacking(event):
                    continue
                self.ran |= 1 << e
                self.soonest[e] = since + self.space.delays[e][0]
                if self.soonest[e] < self.space.process.end:
                    self.fired[e] = self.soonest[e], self.space.process.end
            if len(self.fired) == before:
                return

    def doubts(self) -> list[int]:
        """Give the loose events of which calls say that they may happen, and no variant shows it, or that what always comes with them bars them."""
        scenario, events, delays = self.scenario, self.scenario.events, self.space.delays
        fixed = {e for e, (shortest, longest) in enumerate(delays) if shortest == longest}
        wanted = set[tuple[int, str]]()  # events, with what is to be seen of each: that it fires, who bars it
        for e in self.loose & self.fired.keys():
            if events[e].while_ or events[e].unless:
                wanted |= {(e, "fires")}
                wanted |= {(e, other) for other in events[e].unless or () if {e, scenario.order[other]} <= fixed}
        with suppress(ScenarioError):  # 10,000 firings
            for i in range(VARIANTS if wanted else 0):
                wanted -= self.shown(stepper.run(scenario, Addressed(scenario, self.space.process, 0, i)))
                if not wanted:
                    break
        return sorted({e for e, _ in wanted})

    def shown(self, trajectory: Trajectory) -> set[tuple[int, str]]:
        """Give what a variant shows of events: that one fires, by whom it is barred."""
        order = self.scenario.order
        fired = {(order[step.event], "fires") for step in trajectory.steps}
        return fired | {(order[note.event], note.by) for note in trajectory.notes if note.stage in ("barred", "ignored")}

    def since(self, event: Event) -> int | None:
        """Give the earliest tick at which an event may be called, None if it never is."""
        if event.id in self.scenario.choice_of and not self.scenario.choices[self.scenario.choice_of[event.id]].options[event.id]:
            return None
        follows = self.scenario.caller(event).follows
        if follows is None:
            return 0
        first = [self.happened(cause) for cause in follows.causes]
        if follows.all:
            return None if None in first else max(each for each in first if each is not None)
        return min((each for each in first if each is not None), default=None)

    def happened(self, name: str) -> int | None:
        """Give the earliest tick at which an event may happen, not moot, None if it never does."""
        e = self.scenario.order[name]
        if e not in self.fired or (self.rules.acts[e] and not any((e, number) in self.moved for number in range(len(self.rules.moves[e])))):
            return None
        return self.fired[e][0]

    def lacking(self, event: Event) -> list[str]:
        """Tell which missions of a gate are never in any of its statuses."""
        found = []
        for mission, statuses in self.scenario.gate(event).items():
            seen = self.statuses(mission)
            if not seen & statuses:
                wanted = _told(self.scenario, statuses)
                found.append(f"{mission} would have to be {wanted}, and is only ever {_told(self.scenario, seen)}")
        return found

    def statuses(self, mission: str) -> set[str]:
        """Give the statuses that a mission is ever in."""
        number = self.scenario.missions.index(mission)
        return {self.scenario.ladder.statuses[status] for each, status in self.held if each == number} | {self.scenario.initial[mission]}

    @cached_property
    def triggers(self) -> set[str]:
        """The triggers that events of the file do."""
        return {action for event in self.scenario.events for action in event.action} & {*self.scenario.ladder.triggers}


def _told(scenario: Scenario, statuses: Collection[str]) -> str:
    """Name statuses, the mildest first."""
    return listed(status for status in scenario.ladder.statuses if status in statuses)


# ---- what never happens


def _events(facts: Facts) -> Iterator[Finding]:
    scenario = facts.scenario
    for e, event in enumerate(scenario.events):
        if e not in facts.known:
            continue
        if e not in facts.fired:
            why, remedy = _why_not(facts, e, event)
            yield Finding("event", scenario.event_place(event.id), f"{quoted(event.id)} can never happen: {why}", remedy)
        elif facts.rules.acts[e] and facts.happened(event.id) is None:
            told = []
            for mission in dict.fromkeys(mission for _, mission in scenario.addressed(event)):
                admitted = {status for trigger, each in scenario.addressed(event) if each == mission for status in scenario.ladder.triggers[trigger]}
                told.append(f"{listed(event.action)} moves {mission} only from {_told(scenario, admitted)}")
            message = f"{quoted(event.id)} is always moot: {'; '.join(told)}, where it never is then"
            yield Finding("moot", scenario.event_place(event.id, "action"), message, "correct its action, what it follows, or its date")


def _why_not(facts: Facts, e: int, event: Event) -> tuple[str, str]:
    """Say why an event never happens, and what may be done about it."""
    scenario = facts.scenario
    if event.id in scenario.choice_of and not scenario.choices[scenario.choice_of[event.id]].options[event.id]:
        return f"its share in {quoted(scenario.choice_of[event.id])} is 0", "give it a share, or delete it"
    follows = scenario.caller(event).follows
    if facts.since(event) is None and follows is not None:
        missing = [cause for cause in follows.causes if facts.happened(cause) is None]
        return f"it follows {listed(missing)}, which never {'happens' if len(missing) == 1 else 'happen'}", "correct what it follows"
    if facts.rules.never >> e & 1:
        return "its probability is 0", "give it a probability, or delete it"
    if not facts.ran >> e & 1:
        if lacking := facts.lacking(event):
            return f"its `while` never holds: {'; '.join(lacking)}", "correct its `while`, or what moves these missions"
        if scenario.gate(event):
            return "its `while` never holds while it is called", "correct its `while`, or what it follows"
        return "it is barred before any call of it comes", "correct its `unless`, or what it follows"
    if facts.soonest[e] >= facts.space.process.end:
        return "whenever its clock is set, it is due after the period", "shorten its delay, or let the period end later"
    return "before its time comes something else always shuts its gate or bars it", "give it a shorter delay, or a wider `while`"


def _choices(facts: Facts) -> Iterator[Finding]:
    scenario = facts.scenario
    for name, choice in scenario.choices.items():
        causes = choice.follows.causes if choice.follows else ()
        if not facts.known >= {scenario.order[cause] for cause in causes}:
            continue
        if causes and not any(facts.happened(cause) is not None for cause in causes):
            message = f"{quoted(name)} is never put: it follows {listed(causes)}, which never {'happens' if len(causes) == 1 else 'happen'}"
            yield Finding("choice", scenario.place("choices", name, key=True), message, "correct what it follows")
            continue
        for option, share in choice.options.items():
            if not share:
                message = f"the option {quoted(option)} of {quoted(name)} can never be taken: its share is 0"
                yield Finding("option", scenario.place("choices", name, "options", option), message, "give it a share, or delete it")


def _idle(facts: Facts) -> Iterator[Finding]:
    """Find gates that are never shut when it counts, and bars that never come in time."""
    scenario = facts.scenario
    inside = {e for group in facts.space.groups for e in group.events}
    for e, event in enumerate(scenario.events):
        if e not in facts.fired or not facts.known >= {e, *(scenario.order[other] for other in event.unless or ())}:
            continue
        # a hazard without a `while` has a gate all the same
        if event.while_ is not None and not scenario.is_hazard(event) and e in inside - facts.loose and e not in facts.shut:
            place = scenario.event_place(event.id, "while")
            yield Finding(
                "while",
                place,
                f"the `while` of {quoted(event.id)} never matters: whenever it is called, it holds",
                "delete it, unless a what-if needs it",
            )
        for other in event.unless or ():
            first = facts.happened(other)
            if first is None or (e in inside - facts.loose and (scenario.order[other], e) not in facts.barred and _last_call(facts, event) < first):
                why = "never happens" if first is None else "never happens before it or while it waits"
                place = scenario.event_place(event.id, "unless")
                message = f"the `unless: {other}` of {quoted(event.id)} never matters: {quoted(other)} {why}"
                yield Finding("unless", place, message, "delete it, unless a what-if needs it, or correct when they happen")


def _last_call(facts: Facts, event: Event) -> int:
    """Give the latest tick at which an event may be called."""
    follows = facts.scenario.caller(event).follows
    if follows is None:
        return facts.space.process.end if event.repeats else 0
    return max((facts.fired[facts.scenario.order[cause]][1] for cause in follows.causes if facts.happened(cause) is not None), default=0)


def _traps(facts: Facts) -> Iterator[Finding]:
    """Find the statuses below the start that a mission comes to and no run leaves, unless the ladder says that they are final."""
    scenario, ladder = facts.scenario, facts.scenario.ladder
    final = {state.name for state in ladder.machine.states if not isinstance(state, str) and state.final}
    whole = {mission for group in facts.space.groups if group.whole for mission in group.missions}
    for mission, status in sorted((mission, status) for mission, status in facts.held - facts.left if mission in whole):
        name, who = ladder.statuses[status], scenario.missions[mission]
        told = {each for unit, names in (scenario.unresolved or {}).items() if who in scenario.members(unit) for each in ladder.resolve(names)}
        if name in final | told or ladder.heights[name] <= ladder.heights[scenario.initial[who]]:
            continue
        enters = [
            event.id
            for e, event in enumerate(scenario.events)
            for number, (trigger, each) in enumerate(scenario.addressed(event))
            if each == who and (e, number) in facts.moved and name in ladder.triggers[trigger].values()
        ]
        ways = [trigger for trigger in ladder.admitted(name) if ladder.triggers[trigger][name] != name]
        message = f"no run leaves {quoted(name)} for {who} again within the period"
        remedy = f"from there the ladder admits {listed(ways) or 'nothing'}: add an event that does it, or say so: `unresolved: {{{who}: {name}}}`"
        yield Finding("trap", scenario.event_place(enters[0], "action") if enters else scenario.place("start"), message, remedy)


def _ladder(facts: Facts) -> Iterator[Finding]:
    """Find what of the ladder is never used: one by one if the file writes it out, all at once of a shipped one, which is made for many cases."""
    scenario, ladder = facts.scenario, facts.scenario.ladder
    seen = {status for mission in scenario.missions for status in facts.statuses(mission)} | {ladder.statuses[each] for each in facts.passed}
    ways = {number: (way, ladder.statuses if "*" in way.source else way.source) for number, way in enumerate(ladder.machine.transitions)}
    idle = [number for number, (way, left) in ways.items() if not any((way.trigger, ladder.severity[status]) in facts.taken for status in left)]
    if isinstance(scenario.ladder_, str):
        missing = [status for status in ladder.statuses if status not in seen]
        undone = [trigger for trigger in ladder.triggers if trigger not in facts.triggers]
        rest = [
            (way.trigger, [status for status in left if status in seen]) for way, left in map(ways.__getitem__, idle) if way.trigger not in undone
        ]
        told = [f"no run comes to {listed(missing)}"] * bool(missing) + [f"no event does {listed(undone, most=40)}"] * bool(undone)
        told += [f"{quoted(trigger)} is never taken from {listed(statuses)}" for trigger, statuses in rest if statuses]
        if told and scenario.missions:
            remedy = "nothing is wrong, unless one of these belongs to this crisis"
            yield Finding("unused", scenario.place("ladder"), f"of the ladder {quoted(scenario.ladder_)} {'; '.join(told)}", remedy)
        return
    for number, status in enumerate(ladder.statuses):
        if status not in seen:
            place = scenario.place("ladder", "machine", "states", number)
            yield Finding("status", place, f"no mission ever comes to {quoted(status)}", "delete it, or add an event that leads there")
    for number in idle:
        way, left = ways[number]
        if way.trigger not in facts.triggers:
            why = f"no event does {quoted(way.trigger)}"
        elif not seen & {*left}:
            why = f"no mission is ever {listed(way.source)}"
        else:
            why = f"no event that does {quoted(way.trigger)} happens while its mission is there"
        place = scenario.place("ladder", "machine", "transitions", number)
        yield Finding(
            "transition", place, f"{quoted(way.trigger)} from {listed(way.source)} is never taken: {why}", "delete it, or add what takes it"
        )


# ---- what some run does


def _never(space: Space) -> Iterator[Finding]:
    """Find the `never` lines and shared statuses that a run breaks, each with the shortest one."""
    scenario = space.scenario
    moved = {mission for group in space.groups for mission in group.missions}  # the others stand in every group where they start
    for kind, place, line in lines(scenario):
        missions = moved & {scenario.missions.index(mission) for who in line for mission in scenario.members(who)}
        law = "it" if kind == "never" else f"`shared` of the ladder, for {next(iter(line))}"
        for group in space.groups:
            if group.aim is not None or not missions <= {*group.missions}:
                continue
            inside = held(scenario, np.array([state[0] for state in group.states], np.uint8), line)
            rests = [all(high > hull.now[0] for _, high in hull.clocks.values()) for hull in group.hulls]
            places = np.flatnonzero(inside & rests).tolist()
            run = witness(space, group, places)
            if places and run is None:
                message = f"whether some run breaks {law} is not settled: none was found, and none can be ruled out"
                yield Finding("unsettled", place, message, "look for one with `escsim test`")
            if run is not None:
                tick = next(tick for tick in (0, *(step.tick for step in run.steps)) if _breaks(run, line, tick))
                told = " and ".join(f"{who} {listed(names if kind == 'never' else [run.status_at(who, tick)])}" for who, names in line.items())
                by = [f"{step.event} ({scenario.period.moment(step.tick):%Y-%m-%d})" for step in run.steps if step.tick <= tick]
                message = f"some run breaks {law}: {told} from {scenario.period.moment(tick):%Y-%m-%d}, after {', '.join(by) or 'nothing'}"
                if kind == "never":
                    remedy = "correct the line or the events; `escsim check -o FILE` writes this run as a scenario"
                else:
                    last = next((step.event for step in reversed(run.steps) if step.tick <= tick and step.moves), None)
                    place = scenario.place("start") if last is None else scenario.event_place(last, "action")
                    remedy = "the triggers that enter or leave a shared status must move both missions (`moves`), and both must admit them"
                yield Finding(kind, place, message, remedy, run, tick)
                break


def _breaks(run: Trajectory, line: dict[str, tuple[str, ...]], tick: int) -> bool:
    return all(run.status_at(who, tick) in run.scenario.ladder.resolve(names) for who, names in line.items())


def _loops(space: Space) -> Iterator[Finding]:
    """Find events that call one another round and round while no time passes."""
    told = set[frozenset[int]]()
    for group in space.groups:
        ways = [
            [(e, each) for e, after in ways.items() if space.delays[e] == (0, 0) and hull.now[0] < space.process.end for each in after]
            for ways, hull in zip(group.ways, group.hulls, strict=True)
        ]
        for circle in _circles(ways):
            if not any(circle >= other for other in told):
                told.add(circle)
                names = [space.scenario.events[e].id for e in sorted(circle)]
                place = (
                    space.scenario.event_place(names[0], "delay") if space.scenario.event[names[0]].delay else space.scenario.event_place(names[0])
                )
                message = f"{listed(names)} can happen again and again while no time passes, without end"
                yield Finding("loop", place, message, "give one of them a delay, or a gate that it shuts itself")


def _circles(ways: list[list[tuple[int, int]]]) -> Iterator[frozenset[int]]:
    """Give the events on circles of a graph, one circle for each way that leads back: ways by place, as event and place."""
    state = [0] * len(ways)  # 1 while it is gone through, 2 after
    for start in range(len(ways)):
        if state[start] or not ways[start]:
            continue
        path, by = [(start, iter(ways[start]))], list[int]()  # the places gone through, and the events between them
        state[start] = 1
        while path:
            place, rest = path[-1]
            for e, each in rest:
                if state[each] == 1:
                    since = next(number for number, (here, _) in enumerate(path) if here == each)
                    yield frozenset({e, *by[since:]})
                elif not state[each]:
                    state[each] = 1
                    by.append(e)
                    path.append((each, iter(ways[each])))
                    break
            else:
                state[place] = 2
                path.pop()
                by = by[: len(path) - 1] if path else []


def _ties(space: Space, facts: Facts) -> Iterator[Finding]:
    """Find events that are due at one fixed moment, and do not come to the same if they change places."""
    seen = set[tuple[int, int]]()
    for group in space.groups:
        for place, (state, hull) in enumerate(zip(group.states, group.hulls, strict=True)):
            fixed = sorted(e for e, (low, high) in hull.clocks.items() if low == high < space.process.end)
            pairs = [(e, f) for e, f in combinations(fixed, 2) if hull.clocks[e] == hull.clocks[f]]
            pairs += [pair for pair, gap in hull.apart.items() if gap == 0 and pair not in pairs]
            for e, f in pairs:
                if (e, f) in seen or e not in group.ways[place]:
                    continue
                running = sum(1 << each for each in hull.clocks)
                one, other = (_outcomes(group.rules, state, running, *pair) for pair in ((e, f), (f, e)))
                if one != other:
                    seen.add((e, f))
                    low, high = hull.clocks[e]
                    yield _tie(space, facts, low if low == high else None, (e, f), one, other)


def _outcomes(rules: Rules, state: State, running: int, first: int, second: int) -> frozenset[tuple[State, bool]]:
    """Give where two events lead that fire one after the other, and whether the second fires at all: the first may take its clock."""
    found = set[tuple[State, bool]]()
    for after in rules.fire(state, running, first):
        fires = bool(rules.running(after) >> second & 1)
        found |= {(rules.forgotten(each), fires) for each in (rules.fire(after, rules.running(after), second) if fires else [after])}
    return frozenset(found)


def _tie(
    space: Space, facts: Facts, tick: int | None, pair: tuple[int, int], one: frozenset[tuple[State, bool]], other: frozenset[tuple[State, bool]]
) -> Finding:
    scenario, (first, second) = space.scenario, (facts.names[e] for e in pair)

    def told(outcome: frozenset[tuple[State, bool]], against: frozenset[tuple[State, bool]], last: str) -> str:
        """Tell what an outcome has that the other has not."""
        moved = [
            place for place in range(len(scenario.missions)) if {state[0][place] for state, _ in outcome} != {state[0][place] for state, _ in against}
        ]
        ends = {", ".join(f"{scenario.missions[place]} {scenario.ladder.statuses[state[0][place]]}" for place in moved) for state, _ in outcome}
        calls = {e for state, _ in outcome for e in bits(state[1])} - {e for state, _ in against for e in bits(state[1])} - {*pair}
        parts = [" or ".join(sorted(ends))] if moved else []
        parts += [] if all(fires for _, fires in outcome) else [f"{last} does not happen"]
        parts += [f"{' and '.join(facts.names[e] for e in sorted(calls))} may follow"] if calls else []
        return ", ".join(parts) or f"{last} happens too"

    when = ", whenever they are set together" if tick is None else f", {scenario.period.moment(tick):%Y-%m-%d %H:%M}"
    message = (
        f"{quoted(first)} and {quoted(second)} are due at the same moment{when}, and their order matters: "
        f"as in the file, {first} first: {told(one, other, second)}; {second} first: {told(other, one, first)}"
    )
    return Finding("tie", scenario.event_place(second), message, "give one of them another time of day, or make one follow the other")

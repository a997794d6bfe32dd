"""An obviously-right interpreter of the rules in names and sets, to hold the stepper against.

Written from the rules alone, before `escsim.stepper` was read. It shares the file's data model and the draws with the
stepper and nothing else: the ladder is a plain dict, every set is searched anew each time, nothing is kept for speed.
"""

from __future__ import annotations

from typing import NamedTuple

from escsim.draws import Draws
from escsim.scenario import NOTHING, Event, Follows, Intervention, Scenario
from escsim.trajectory import Trajectory

MOST = 10_000


class Fired(NamedTuple):
    """One firing: when, what, the missions moved from -> to in order, and whether it came to nothing."""

    tick: int
    event: str
    moves: list[tuple[str, str, str]]
    moot: bool


class Result(NamedTuple):
    """All firings in order, and how each event that never happened ended: moot, barred, running, waiting, refused or idle."""

    fired: list[Fired]
    ended: dict[str, str]


class EndlessError(Exception):
    """Too many firings in one run."""


class Naive:
    """A run of a scenario."""

    def __init__(self, scenario: Scenario, draws: Draws, change: Intervention | None = None) -> None:
        self.scenario, self.draws = scenario, draws
        self.now = 0
        self.waiting, self.refused, self.out = set[str](), set[str](), set[str]()  # out: barred
        self.denied = set[str]()  # refused when last armed
        self.called, self.fired, self.happened = set[str](), set[str](), set[str]()
        self.running: dict[str, int] = {}
        self.armings: dict[str, int] = {}
        self.result = Result([], {})
        form = scenario.ladder
        self.ladder = {
            (way.trigger, source): source if way.dest == "=" else way.dest
            for way in form.machine.transitions
            for source in (form.statuses if "*" in way.source else way.source)
        }
        self.triggers = {trigger for trigger, _ in self.ladder}
        self.owner = {option: name for name, choice in scenario.choices.items() for option in choice.options if option != NOTHING}
        self.place = [event.id for event in scenario.events]
        self.events = {event.id: event for event in scenario.events}
        self.removed = set(change.remove or ()) if change else set()
        self.moved = {name: scenario.period.tick(when.moment) for name, when in ((change and change.move) or {}).items()}
        self.forced = {name: scenario.period.tick(when.moment) for name, when in ((change and change.force) or {}).items()}
        self.chosen = dict((change and change.choose) or {})
        for name, new in ((change and change.set) or {}).items():
            stated = {key: value for key, value in (("probability", new.probability), ("delay", new.delay)) if value is not None}
            self.events[name] = self.events[name].model_copy(update=stated)
        self.status = {}
        for event in scenario.events:
            for trigger in event.action:
                for mission in self.addressed(event, trigger):
                    self.status[mission] = form.machine.initial
        self.status.update(scenario.start)

    # What an event says, in plain terms

    def addressed(self, event: Event, trigger: str) -> list[str]:
        """The missions that a trigger of this event is for; none if the action is no trigger."""
        found: list[str] = []
        if trigger not in self.triggers:
            return found
        side = self.scenario.ladder.moves.get(trigger, "own")
        for one in event.actor:
            for other in event.actor if event.target is None else event.target:
                if one != other and side in ("own", "both"):
                    found.append(f"{one}->{other}")
                if one != other and side in ("theirs", "both"):
                    found.append(f"{other}->{one}")
        return sorted(set(found), key=found.index)

    def repeats(self, name: str) -> bool:
        return self.scenario.choices[self.owner[name]].repeats if name in self.owner else self.events[name].repeats

    def hazard(self, name: str) -> bool:
        """A standing hazard: it repeats, follows nothing, and no choice calls it."""
        return name not in self.owner and self.events[name].repeats and self.events[name].follows is None

    def open(self, name: str) -> bool:
        """Whether the gate of an event holds."""
        event, form = self.events[name], self.scenario.ladder
        if event.while_ is not None:
            return all(any(self.status[mission] in form.groups.get(word, (word,)) for word in words) for mission, words in event.while_.items())
        missions = {mission for trigger in event.action for mission in self.addressed(event, trigger)}
        if self.hazard(name) and len(missions) == 1:
            return any((trigger, self.status[mission]) in self.ladder for trigger in event.action for mission in missions)
        return True

    # Rules 3, 4, 7, 8: calls

    def call(self, name: str) -> None:
        if name in self.forced or (name in self.called and not self.repeats(name)):
            return
        self.called.add(name)
        if name in self.out:
            return
        if name not in self.waiting and name not in self.running:
            self.refused.discard(name)
            self.waiting.add(name)

    def put(self, name: str) -> None:
        """Call a choice."""
        choice = self.scenario.choices[name]
        options = [option for option in choice.options if option != NOTHING]
        counted = self.armings.get(f"choice {name}", 0)
        if any(option in self.forced for option in options) or (counted and not choice.repeats):
            return
        if any(option in self.waiting or option in self.running for option in options):
            return
        self.armings[f"choice {name}"] = counted + 1
        option = self.chosen[name] if name in self.chosen else self.draws.option(name, choice, counted, self.now, frozenset(self.fired))
        if option != NOTHING:
            self.call(option)

    def bar(self, name: str) -> None:
        for other in self.place:
            if name in (self.events[other].unless or ()) and other not in self.forced:
                self.out.add(other)
                self.running.pop(other, None)
                self.waiting.discard(other)
                self.refused.discard(other)

    # Rules 5, 6: gates and arming

    def shut(self) -> None:
        for name in self.place:
            if (name in self.running or name in self.refused) and name not in self.forced and not self.open(name):
                self.running.pop(name, None)
                self.refused.discard(name)
                self.waiting.add(name)

    def arm(self) -> None:
        for name in self.place:
            if name in self.waiting and self.open(name):
                k = self.armings.get(name, 0)
                self.armings[name] = k + 1
                self.waiting.remove(name)
                due = self.draws.clock(self.events[name], k, self.now, frozenset(self.fired))
                self.denied.discard(name)
                if due is not None:
                    self.running[name] = max(self.now, self.moved[name]) if name in self.moved else due
                else:
                    self.refused.add(name)
                    self.denied.add(name)

    # Rules 3, 9, 10: the run

    def run(self) -> Result:
        self.running.update(self.forced)
        for name in self.place:
            if self.events[name].follows is None and name not in self.owner:
                self.call(name)
        for name, choice in self.scenario.choices.items():
            if choice.follows is None:
                self.put(name)
        self.arm()
        while due := [(tick, self.place.index(name), name) for name, tick in self.running.items() if tick < self.scenario.period.ticks]:
            self.now, _, name = min(due)
            self.fire(name)
            if len(self.result.fired) >= MOST:
                raise EndlessError(name)
        for name in self.place:
            if name not in self.happened:
                denied = set[str]() if self.draws.said == "history" else self.denied
                states = [("moot", self.fired), ("refused", denied), ("barred", self.out & self.called), ("running", self.running)]
                states += [("waiting", self.waiting), ("refused", self.refused)]
                self.result.ended[name] = next((state for state, names in states if name in names), "idle")
        return self.result

    def fire(self, name: str) -> None:
        event, moves = self.events[name], []
        del self.running[name]
        self.fired.add(name)
        for trigger in event.action if name not in self.removed else ():
            for mission in self.addressed(event, trigger):
                if (trigger, before := self.status[mission]) in self.ladder:
                    self.status[mission] = self.ladder[trigger, before]
                    moves.append((mission, before, self.status[mission]))
        moot = name in self.removed or (not moves and any(action in self.triggers for action in event.action))
        self.result.fired.append(Fired(self.now, name, moves, moot))
        if not moot:
            self.happened.add(name)
            self.bar(name)
        self.shut()
        if self.hazard(name):
            self.call(name)
        if not moot:
            for other in self.place:
                if self.calls(name, self.events[other].follows):
                    self.call(other)
            for other, choice in self.scenario.choices.items():
                if self.calls(name, choice.follows):
                    self.put(other)
        self.arm()

    def calls(self, name: str, follows: Follows | None) -> bool:
        """Whether the happening of an event calls what follows so."""
        either, every = (follows.any or (), follows.all or ()) if follows else ((), ())
        return name in either or (name in every and all(other in self.happened for other in every))


def run(scenario: Scenario, draws: Draws, change: Intervention | None = None) -> Result:
    """Run a scenario by the rules."""
    return Naive(scenario, draws, change).run()


def told(trajectory: Trajectory) -> Result:
    """Say what the stepper made of it in the same terms."""
    fired = [Fired(step.tick, step.event, [move[:3] for move in step.moves], step.moot) for step in trajectory.steps]
    ended = {}
    for name, fate in trajectory.fates.items():
        said = [state for start, state in FATES.items() if fate.startswith(start)]
        ended[name] = "moot" if any(name == each.event for each in fired) else said[0] if said else "idle"
    return Result(fired, ended)


FATES = {
    "Barred": "barred",
    "Still to come": "running",
    "Called, but its gate was shut: ": "waiting",
    "Called, but its gate did not open in time": "waiting",
    "Called, but its gate was shut until ": "refused",
    "The dice said no": "refused",
    "It might have come about, but did not": "refused",
    "Its date had passed when it was called": "refused",
    "Chance said no": "refused",
}

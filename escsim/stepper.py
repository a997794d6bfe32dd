"""The readable stepper: a scenario run event by event on real `transitions` machines, for any source of draws.

The model is a generalized semi-Markov process (Glynn 1989, Proceedings of the IEEE 77(1), 14-23). Events are called
by causes, wait behind gates, run against clocks, and fire; a firing moves missions and so calls, bars, opens and
shuts others. A clock keeps running when an event leaves it set (the old-clock rule).

Every event is in one of four states:

idle      nobody has called it, or it has fired
waiting   called, but its gate is shut
running   it has a clock
refused   chance said no; a new call, or its gate shutting and opening, gives it another chance
"""

from __future__ import annotations

from enum import Enum

from escsim.draws import Draws
from escsim.errors import Problem, ScenarioError, quoted, series
from escsim.scenario import NOTHING, Event, Follows, Intervention, Scenario
from escsim.trajectory import Move, Note, Stage, Step, Trajectory

MOST_FIRINGS = 10_000
MOOT = "It comes to nothing: "

State = Enum("State", ["IDLE", "WAITING", "RUNNING", "REFUSED"])


def run(scenario: Scenario, draws: Draws, intervention: Intervention | None = None, since: int = 0) -> Trajectory:
    """Run a scenario once.

    Parameters
    ----------
    scenario : Scenario
    draws : Draws
        What decides chance: history, or addressed randomness.
    intervention : Intervention, optional
        A what-if to run under.
    since : int
        The tick before which the what-if leaves everything as it was.

    Returns
    -------
    Trajectory

    Raises
    ------
    ScenarioError
        If 10,000 events fire, which a circle of repeating events without delay does in no time.
    """
    return Run(scenario, draws, intervention or Intervention.model_construct(), since).trajectory()


class Run:
    """The state of one run; time is in ticks."""

    def __init__(self, scenario: Scenario, draws: Draws, intervention: Intervention, since: int = 0) -> None:
        self.scenario = scenario
        self.since = since
        self.draws = draws
        _, self.models = scenario.ladder.build(scenario.initial)
        self.now = 0
        self.end = scenario.period.ticks

        self.removed = set(intervention.remove or ())
        self.moved = {event: scenario.period.tick(when.moment) for event, when in (intervention.move or {}).items()}
        self.forced = {event: scenario.period.tick(when.moment) for event, when in (intervention.force or {}).items()}
        self.chosen = dict(intervention.choose or {})
        self.events = dict(scenario.event)
        for name, change in (intervention.set or {}).items():
            update = {key: value for key in ("probability", "delay") if (value := getattr(change, key)) is not None}
            self.events[name] = self.events[name].model_copy(update=update)

        self.gates = {name: scenario.gate(event) for name, event in self.events.items()}
        self.state = dict.fromkeys(self.events, State.IDLE)
        self.clock: dict[str, int] = {}
        self.armed = dict.fromkeys(self.events, 0)  # the tick at which its clock was set
        self.caller = dict.fromkeys(self.events, "start")
        self.armings = dict.fromkeys(self.events, 0)
        self.calls = dict.fromkeys(scenario.choices, 0)
        self.happened: set[str] = set()
        self.fired: set[str] = set()
        self.denied: set[str] = set()  # events to which chance said no when they were last armed
        self.used: set[str] = set()  # events and choices called at least once
        self.barred: dict[str, str] = {}  # event -> the event that bars it
        self.steps: list[Step] = []
        self.notes: list[Note] = []

    def trajectory(self) -> Trajectory:
        """Run to the end and give what happened."""
        self.go(self.end)
        return self.history()

    def history(self) -> Trajectory:
        """Give what has happened so far."""
        fates = {event: self.fate(event) for event in self.events if event not in self.happened}
        return Trajectory(self.scenario, tuple(self.steps), tuple(self.notes), fates, self.draws.said, self.since)

    def go(self, until: int) -> None:
        """Run from the beginning as long as clocks are due before a tick."""
        self.begin()
        while self.clock:
            event = min(self.clock, key=lambda name: (self.clock[name], self.scenario.order[name]))
            if self.clock[event] >= until:
                break
            self.fire(event)
            if len(self.steps) == MOST_FIRINGS:
                self.run_away()

    def begin(self) -> None:
        """Set the clocks that the what-if forces, and call what follows nothing."""
        for name, tick in self.forced.items():
            self.state[name], self.clock[name], self.caller[name] = State.RUNNING, tick, "the what-if"
        self.call_followers("start")
        self.arm_waiting("start")

    def fire(self, name: str) -> None:
        """Let an event happen, with all that follows from it at once."""
        self.now = self.clock.pop(name)
        self.state[name] = State.IDLE
        self.fired.add(name)
        event = self.events[name]
        moves, reason = self.act(event)
        moot = self.is_removed(name) or (not moves and bool(self.scenario.addressed(event)))
        self.steps.append(Step(self.now, name, moves, reason, self.caller[name], self.armed[name], moot))
        if not moot:
            self.happened.add(name)
            self.bar(name)
        self.shut_gates(name)
        if not moot:
            self.call_followers(name)
        if self.scenario.is_hazard(event):
            self.call(name, name)
        self.arm_waiting(name)

    def is_removed(self, name: str) -> bool:
        """Say whether the what-if takes from an event that fires now all its effect."""
        return name in self.removed and self.now >= self.since

    def act(self, event: Event) -> tuple[tuple[Move, ...], str]:
        """Do what an event does to missions, and say why it moved what it moved."""
        if self.is_removed(event.id):
            return (), "Removed by the what-if, so it comes to nothing."
        moves: list[Move] = []
        stayed: list[str] = []
        for trigger, mission in self.scenario.addressed(event):
            model = self.models[mission]
            before: str = model.state
            if model.may_trigger(trigger):
                model.trigger(trigger)
                moves.append(Move(mission, before, model.state, trigger))
            else:
                stayed.append(f"{mission} is {before}, which does not admit {trigger}")
        if moves:
            told = [f"{move.trigger} takes {move.mission} from {move.source} to {move.dest}" for move in moves]
            return tuple(moves), "; ".join(told + stayed) + "."
        if stayed:
            return (), MOOT + "; ".join(stayed) + "."
        return (), f"{series(event.action)} {'moves' if len(event.action) == 1 else 'move'} no mission on this ladder."

    def bar(self, name: str) -> None:
        """Bar for good the events that name this one in `unless`."""
        for other, event in self.events.items():
            if name in (event.unless or ()) and other not in self.forced and other not in self.barred:
                self.barred[other] = name
                if self.state[other] is not State.IDLE:
                    self.note(other, "barred", name)
                self.state[other] = State.IDLE
                self.clock.pop(other, None)

    def open(self, name: str) -> bool:
        """Judge the gate of an event."""
        return all(self.models[mission].state in statuses for mission, statuses in self.gates[name].items())

    def shut_gates(self, by: str) -> None:
        """Take the clock from every event whose gate no longer holds."""
        for name, state in self.state.items():
            if state in (State.RUNNING, State.REFUSED) and name not in self.forced and not self.open(name):
                self.state[name] = State.WAITING
                self.clock.pop(name, None)
                self.note(name, "shut", by)

    def call_followers(self, name: str) -> None:
        """Call the choices and events that follow one that has happened or, at the start, those that follow nothing."""

        def called(follows: Follows | None) -> bool:
            return follows.calls(name, self.happened) if follows else name == "start"

        for choice_name, choice in self.scenario.choices.items():
            if called(choice.follows):
                self.choose(choice_name, name)
        for other, event in self.events.items():
            if called(event.follows) and other not in self.scenario.choice_of:
                self.call(other, name)

    def choose(self, name: str, by: str) -> None:
        """Put a decision: call one of its options."""
        choice = self.scenario.choices[name]
        options = [option for option in choice.options if option != NOTHING]
        forced = [option for option in options if option in self.forced]
        busy = any(self.state[option] in (State.WAITING, State.RUNNING) for option in options if option not in forced)
        if busy or (forced and self.now >= self.since) or (name in self.used and not choice.repeats):
            return
        self.used.add(name)
        told = self.chosen.get(name) if self.now >= self.since else None
        option = told or self.draws.option(name, choice, self.calls[name], self.now, self.fired)
        self.calls[name] += 1
        self.note(option, "chosen", name)
        if option != NOTHING:
            self.call(option, by)

    def call(self, name: str, by: str) -> None:
        """Call an event: from idle or refused to waiting, unless it is barred, used up, or forced."""
        if name in self.forced:
            return
        if name in self.barred:
            self.used.add(name)
            self.note(name, "ignored", self.barred[name])
            return
        if name in self.used and not self.scenario.repeats(self.events[name]):
            return
        self.used.add(name)
        if self.state[name] in (State.IDLE, State.REFUSED):
            self.state[name] = State.WAITING
            self.caller[name] = by
            self.note(name, "called", by)

    def arm_waiting(self, by: str) -> None:
        """Give a clock, or chance's no, to every waiting event whose gate holds; `by` opened it."""
        for name, state in self.state.items():
            if state is not State.WAITING or not self.open(name):
                continue
            due = self.draws.clock(self.events[name], self.armings[name], self.now, self.fired)
            self.armings[name] += 1
            self.armed[name] = self.now
            if due is None:
                self.state[name] = State.REFUSED
                self.denied.add(name)
                self.note(name, "refused", by)
                continue
            due = max(self.now, self.moved.get(name, due))
            self.state[name] = State.RUNNING
            self.denied.discard(name)
            self.clock[name] = due
            self.note(name, "armed", by, due)

    def note(self, event: str, stage: Stage, by: str, due: int | None = None) -> None:
        """Note what becomes of an event."""
        self.notes.append(Note(self.now, event, stage, by, due))

    def fate(self, name: str) -> str:
        """Say why an event never happened."""
        fired = [step for step in self.steps if step.event == name]
        if fired:
            return fired[-1].reason
        if name in self.denied and self.draws.said != "history":  # whose no is the same for all, and says little
            return self.draws.refusal
        if name in self.barred and name in self.used:
            return f"Barred once {self.barred[name]} had happened."
        if self.state[name] is State.RUNNING:
            return f"Still to come when the period ended (due {self.scenario.period.moment(self.clock[name]):%Y-%m-%d})."
        if self.state[name] is not State.IDLE:
            return self.held_back(name)
        if (choice := self.scenario.choice_of.get(name)) is not None:
            return f"Not chosen in {choice}." if choice in self.used else f"The decision {choice} did not come up."
        causes = self.scenario.caller(self.events[name]).follows
        missing = [cause for cause in causes.causes if cause not in self.happened] if causes else []
        return f"Never called: {' and '.join(missing)} did not happen."

    def held_back(self, name: str) -> str:
        """Say why an event that was called came to nothing: its gate, its date, or chance."""
        period = self.scenario.period
        date = self.events[name].date if self.draws.said == "history" else None  # in history only its date counts
        refused = self.state[name] is State.REFUSED
        if refused and date is None:
            return self.draws.refusal
        held = dict(self.scenario.initial)  # on its date, or at the end
        for step in self.steps:
            if date is None or step.tick <= period.tick(date.moment):
                held.update((move.mission, move.dest) for move in step.moves)
        needs = "; ".join(
            f"{mission} was {held[mission]}, not {' or '.join(sorted(statuses, key=self.scenario.ladder.severity.__getitem__))}"
            for mission, statuses in self.gates[name].items()
            if held[mission] not in statuses
        )
        armed = f"{period.moment(self.armed[name]):%Y-%m-%d}"
        if needs:
            return f"Called, but its gate was shut until {armed}." if refused else f"Called, but its gate was shut: {needs}."
        return f"Its date had passed when it was called{f', on {armed}' if refused else ''}."

    def run_away(self) -> None:
        """Refuse to go on for ever: raises `ScenarioError` at the event that fired last."""
        last = [step.event for step in self.steps[-6:]]
        message = f"{MOST_FIRINGS:,} firings in one run ({self.draws.said}); the last: {', '.join(last)}"
        place = self.scenario.event_place(last[-1])
        raise ScenarioError([Problem(place, message, f"give {quoted(last[-1])} or what it follows a longer delay, or a gate")])

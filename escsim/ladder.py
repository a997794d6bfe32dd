"""Ladders: state machines whose states are statuses ordered by severity; one copy runs for every mission.

The `machine` section of a ladder is what `transitions.Machine` takes, less everything that is code: `transitions`
would import and call any dotted name it finds as a callback. `Ladder.build` adds the settings that a simulation
needs: no automatic `to_STATUS` triggers, no silenced invalid triggers, one event run to its end before the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from escsim.errors import quoted, suggest
from escsim.forms import DEST, SOURCE, Form, Name, OneOrMore, Text, Truth, key
from escsim.reading import read
from escsim.references import Fault, Refers, references
from escsim.times import refusal

if TYPE_CHECKING:
    from transitions import Machine

SHIPPED = Path(__file__).parent / "ladders"

Side = Literal["own", "theirs", "both"]
Status = Annotated[Name, Refers("status")]
Source = Annotated[str, Field(pattern=SOURCE), Refers("status")]
Dest = Annotated[str, Field(pattern=DEST), Refers("status")]
Trigger = Annotated[Name, Refers("trigger")]


class StateForm(Form):
    """A status with settings."""

    name: Name = key("The status.", "severed")
    final: Truth = key("Whether it is meant to be without a way out.", True, False)


class TransitionForm(Form):
    """A way from some statuses to another."""

    trigger: Name = key("The action that takes it.", "recall_envoy")
    source: OneOrMore[Source] = key("The statuses it leaves; '*' is all of them.", ["normal", "restored"])
    dest: Dest = key("The status it enters; '=' enters the same one anew.", "envoys_recalled")


def _transition(value: object) -> object:
    """Read a transition that is written as a list."""
    if not isinstance(value, list):
        return value
    if len(value) != 3:
        message = f"a transition written as a list has three entries, not {len(value)}"
        raise refusal(message, "[trigger, source, dest], and no callbacks")
    return dict(zip(TransitionForm.model_fields, value, strict=True))


Transition = Annotated[TransitionForm, BeforeValidator(_transition, json_schema_input_type=TransitionForm | tuple[Name, OneOrMore[Source], Dest])]
State = Annotated[
    Annotated[Name, Tag("name")] | Annotated[StateForm, Tag("form")],
    Discriminator(lambda value: "form" if isinstance(value, dict | StateForm) else "name"),
]


class MachineForm(Form):
    """The machine itself, in the words of `transitions.Machine`."""

    states: tuple[State, ...] = key("The statuses, mildest first: the order is the severity.", ["normal", "downgraded"], min_length=1)
    initial: Status = key("The status that missions start in.", "normal")
    transitions: tuple[Transition, ...] = key(
        "The ways from status to status.", [{"trigger": "recall_envoy", "source": ["normal"], "dest": "envoys_recalled"}]
    )


class Ladder(Form):
    """A ladder of statuses, as a file states it."""

    machine: MachineForm = key(
        "What `transitions.Machine` takes, without callbacks.",
        {"states": ["normal", "recalled"], "initial": "normal", "transitions": [["recall", "normal", "recalled"]]},
    )
    moves: dict[Trigger, Side] = key(
        "Which missions a trigger moves: the actor's own in the target (own, the default), the target's in the actor (theirs), or both.",
        {"bar_envoy": "theirs"},
        {},
    )
    shared: tuple[Status, ...] = key("Statuses that both missions of a pair hold, or neither.", ["severed"], ())
    groups: dict[Name, OneOrMore[Status]] = key("Named sets of statuses.", {"envoys_away": ["envoys_recalled", "severed"]}, {})
    rungs: tuple[tuple[Status, ...], ...] = key("Neighbouring statuses that are drawn at one height.", [["normal", "restored"]], ())
    meanings: dict[Annotated[Name, Refers("status or trigger")], Text] = key(
        "What a status or trigger means, in one line.", {"envoys_recalled": "No ambassador at the post."}, {}
    )

    @cached_property
    def statuses(self) -> tuple[str, ...]:
        """The statuses, mildest first."""
        return tuple(state if isinstance(state, str) else state.name for state in self.machine.states)

    @property
    def initial(self) -> str:
        """The status that missions start in."""
        return self.machine.initial

    @cached_property
    def severity(self) -> dict[str, int]:
        """The place of each status in the order, 0 the mildest."""
        return {status: place for place, status in enumerate(self.statuses)}

    @cached_property
    def triggers(self) -> dict[str, dict[str, str]]:
        """For each trigger where it leads: status left -> status entered."""
        ways: dict[str, dict[str, str]] = {}
        for transition in self.machine.transitions:
            for source in self.statuses if "*" in transition.source else transition.source:
                dest = source if transition.dest == "=" else transition.dest
                ways.setdefault(transition.trigger, {})[source] = dest
        return ways

    def side(self, trigger: str) -> Side:
        """Say which missions a trigger moves."""
        return self.moves.get(trigger, "own")

    def admitted(self, status: str) -> list[str]:
        """Give the triggers that a mission in this status admits."""
        return [trigger for trigger, ways in self.triggers.items() if status in ways]

    def resolve(self, names: Iterable[str]) -> frozenset[str]:
        """Turn statuses and groups into statuses."""
        return frozenset(status for name in names for status in self.groups.get(name, (name,)))

    @cached_property
    def heights(self) -> dict[str, int]:
        """The rung of each status, 0 the mildest; statuses of one rung are drawn at one height."""
        rung_of = {status: place for place, rung in enumerate(self.rungs) for status in rung}
        heights: dict[str, int] = {}
        height, previous = -1, None
        for status in self.statuses:
            rung = rung_of.get(status)
            if rung is None or rung != previous:
                height += 1
            heights[status], previous = height, rung
        return heights

    def meaning(self, name: str) -> str:
        """Say what a status or trigger means, or nothing."""
        return self.meanings.get(name, "")

    def config(self) -> dict[str, Any]:
        """Give the `machine` section as `transitions.Machine(**config)` takes it."""
        config = self.machine.model_dump(mode="json")
        for transition in config["transitions"]:
            if "*" in transition["source"]:
                transition["source"] = "*"
        return config

    def build(self, missions: Mapping[str, str]) -> tuple[Machine, dict[str, Any]]:
        """Build the machine, and for each mission a model in the status that it starts in.

        Of a model, `state` is the status, `may_trigger(name)` asks whether it admits a trigger, `trigger(name)` moves it.

        Parameters
        ----------
        missions : mapping of str to str
            Mission -> the status that it starts in.

        Returns
        -------
        machine : transitions.Machine
            Queued; a trigger that is not admitted raises `transitions.MachineError`.
        models : dict of str to Embassy
            One for each mission.
        """
        from transitions import Machine

        machine = Machine(model=None, auto_transitions=False, queued=True, ignore_invalid_triggers=False, **self.config())
        models: dict[str, Any] = {mission: Embassy() for mission in missions}
        for mission, model in models.items():
            machine.add_model(model, initial=missions[mission])
        return machine, models


class Embassy:
    """The model of one mission; `transitions` gives it its state and triggers."""


def shipped() -> list[str]:
    """Name the ladders that ship with escsim."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_shipped(name: str) -> Ladder:
    """Load a ladder that ships with escsim; raises KeyError if there is none of that name."""
    if name not in shipped():
        raise KeyError(name)
    return Ladder.model_validate(read(SHIPPED / f"{name}.yaml").root.plain())


def faults(ladder: Ladder) -> Iterator[Fault]:
    """Find what is inconsistent in a ladder: `transitions` itself would accept all of it and go wrong later."""
    statuses, triggers = ladder.statuses, tuple(ladder.triggers)
    known = {"status": statuses, "trigger": triggers, "status or trigger": (*statuses, *triggers)}
    named = set()
    for what, name, path, at_key in references(ladder):
        if path[0] == "machine":
            named.add(name)
        if name not in known[what] and name not in ("*", "="):
            yield Fault(path, f"unknown {what} {quoted(name)}", suggest(name, known[what], f"known {what} names"), at_key)
    for place, status in enumerate(statuses):
        where = ("machine", "states", place)
        if status in statuses[:place]:
            yield Fault(where, f"status {quoted(status)} is listed twice", "delete one of the two")
        if _reserved(status):
            yield Fault(where, f"a status may not be called {quoted(status)}", _RESERVED_HELP)
        if status not in named and "*" not in named:
            yield Fault(where, f"no transition names the status {quoted(status)}", "add a transition that enters it, or delete it")
    yield from _transition_faults(ladder)
    for group in ladder.groups:
        if group in statuses or _reserved(group):
            message = f"a group may not be called {quoted(group)}"
            yield Fault(("groups", group), message, "that name is a status or reserved; choose another", key=True)
    for number, rung in enumerate(ladder.rungs):
        places = sorted(statuses.index(status) for status in rung if status in statuses)
        if places and places[-1] - places[0] != len(places) - 1:
            yield Fault(("rungs", number), "the statuses of a rung must be neighbours", "reorder `states`, or split the rung")


def _transition_faults(ladder: Ladder) -> Iterator[Fault]:
    first: dict[tuple[str, str], int] = {}  # which transition leaves a status by a trigger
    for number, transition in enumerate(ladder.machine.transitions):
        path, trigger = ("machine", "transitions", number), transition.trigger
        if _reserved(trigger) or trigger in ladder.statuses:
            yield Fault((*path, "trigger"), f"a trigger may not be called {quoted(trigger)}", _RESERVED_HELP)
        for status in ladder.statuses if "*" in transition.source else transition.source:
            before = first.setdefault((trigger, status), number)
            if before != number:
                message = f"two transitions for trigger {quoted(trigger)} from status {quoted(status)}"
                yield Fault(path, message, f"transitions[{before}] already leaves it; keep one of the two")


def _reserved(name: str) -> bool:
    return name in _RESERVED or name.startswith(_PREFIXES)


_RESERVED = {"trigger", "may_trigger", "state", "states", "initial", "model", "models", "mission", "nothing", "any", "all"}
_PREFIXES = ("to_", "is_", "may_", "on_enter_", "on_exit_", "before_", "after_", "_")
_RESERVED_HELP = "names of `transitions`' own and of statuses are taken: choose another (not to_..., is_..., may_..., trigger, state)"

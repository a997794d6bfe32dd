"""Ladders: state machines whose states are statuses ordered by severity; one copy runs for every mission.

The `machine` section of a ladder is what `transitions.Machine` takes, less everything that is code: `transitions`
would import and call any dotted name it finds as a callback. `Ladder.machine` builds it with the settings that a
simulation needs: no automatic `to_STATUS` triggers, no silenced invalid triggers, one event run to its end before
the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator
from pydantic_core import CoreSchema

from escsim.errors import ScenarioError, quoted, suggest
from escsim.forms import DEST, SOURCE, Form, Name, OneOrMore, Text, Truth, fill, key
from escsim.reading import read
from escsim.times import refusal

if TYPE_CHECKING:
    from transitions import Machine

SHIPPED = Path(__file__).parent / "ladders"

Side = Literal["own", "theirs", "both"]
Source = Annotated[str, Field(pattern=SOURCE)]
Destination = Annotated[str, Field(pattern=DEST)]


class StateForm(Form):
    """A status with settings."""

    name: Name = key("The status.", "severed")
    final: Truth = key("Whether it is meant to be without a way out.", True, False)


class TransitionForm(Form):
    """A way from some statuses to another."""

    trigger: Name = key("The action that takes it.", "recall_envoy")
    source: OneOrMore[Source] = key("The statuses it leaves; '*' is all of them.", ["normal", "restored"])
    dest: Destination = key("The status it enters; '=' enters the same one anew.", "envoys_recalled")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        if len(value) != 3:
            raise refusal(f"a transition written as a list has three entries, not {len(value)}", "[trigger, source, dest], and no callbacks")
        return dict(zip(("trigger", "source", "dest"), value, strict=True))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        full = handler(schema)
        keys = handler.resolve_ref_schema(full)["properties"]
        entries = [keys[name] for name in ("trigger", "source", "dest")]
        return {"title": "Transition", "anyOf": [full, {"type": "array", "prefixItems": entries, "minItems": 3, "maxItems": 3}]}


State = Annotated[
    Annotated[Name, Tag("name")] | Annotated[StateForm, Tag("form")],
    Discriminator(lambda value: "form" if isinstance(value, dict | StateForm) else "name"),
]


class MachineForm(Form):
    """The machine itself, in the words of `transitions.Machine`."""

    states: tuple[State, ...] = key("The statuses, mildest first: the order is the severity.", ["normal", "downgraded"], min_length=1)
    initial: Name = key("The status that missions start in.", "normal")
    transitions: tuple[TransitionForm, ...] = key(
        "The ways from status to status.", [{"trigger": "recall_envoy", "source": ["normal"], "dest": "envoys_recalled"}]
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The statuses, mildest first."""
        return tuple(state if isinstance(state, str) else state.name for state in self.states)


class LadderForm(Form):
    """A ladder as a file states it."""

    machine: MachineForm = key(
        "What `transitions.Machine` takes, without callbacks.",
        {"states": ["normal", "recalled"], "initial": "normal", "transitions": [["recall", "normal", "recalled"]]},
    )
    moves: dict[Name, Side] = key(
        "Which missions a trigger moves: the actor's own in the target (own, the default), the target's in the actor (theirs), or both.",
        {"bar_envoy": "theirs"},
        {},
    )
    shared: tuple[Name, ...] = key("Statuses that both missions of a pair hold, or neither.", ["severed"], ())
    groups: dict[Name, OneOrMore[Name]] = key("Named sets of statuses.", {"envoys_away": ["envoys_recalled", "severed"]}, {})
    rungs: tuple[tuple[Name, ...], ...] = key("Neighbouring statuses that are drawn at one height.", [["normal", "restored"]], ())
    meanings: dict[Name, Text] = key("What a status or trigger means, in one line.", {"envoys_recalled": "No ambassador at the post."}, {})


class Ladder:
    """A ladder ready for use.

    Parameters
    ----------
    form : LadderForm
        A consistent ladder (see `escsim.checks`).
    name : str
        Its name if it ships with escsim.
    """

    def __init__(self, form: LadderForm, name: str = "") -> None:
        self.form = form
        self.name = name
        self.statuses = form.machine.names
        self.initial = form.machine.initial
        self.groups = dict(form.groups)
        self.shared = form.shared

    def __repr__(self) -> str:
        return f"Ladder({self.name or ' < '.join(self.statuses)})"

    @cached_property
    def severity(self) -> dict[str, int]:
        """The place of each status in the order, 0 the mildest."""
        return {status: place for place, status in enumerate(self.statuses)}

    @cached_property
    def triggers(self) -> dict[str, dict[str, str]]:
        """For each trigger where it leads: status left -> status entered (the first transition that fits)."""
        ways: dict[str, dict[str, str]] = {}
        for transition in self.form.machine.transitions:
            way = ways.setdefault(transition.trigger, {})
            for source in self.statuses if "*" in transition.source else transition.source:
                way.setdefault(source, source if transition.dest == "=" else transition.dest)
        return ways

    def side(self, trigger: str) -> Side:
        """Say which missions a trigger moves."""
        return self.form.moves.get(trigger, "own")

    def admitted(self, status: str) -> list[str]:
        """Give the triggers that a mission in this status admits."""
        return [trigger for trigger, ways in self.triggers.items() if status in ways]

    def resolve(self, names: Iterable[str]) -> frozenset[str]:
        """Turn statuses and groups into statuses."""
        return frozenset(status for name in names for status in self.groups.get(name, (name,)))

    @cached_property
    def heights(self) -> dict[str, int]:
        """The rung of each status, 0 the mildest; statuses of one rung are drawn at one height."""
        rung_of = {status: place for place, rung in enumerate(self.form.rungs) for status in rung}
        heights: dict[str, int] = {}
        previous: int | None = None
        for status in self.statuses:
            rung = rung_of.get(status)
            together = heights and rung is not None and rung == previous
            heights[status] = max(heights.values(), default=-1) + (0 if together else 1)
            previous = rung
        return heights

    def meaning(self, name: str) -> str:
        """Say what a status or trigger means, or nothing."""
        return self.form.meanings.get(name, "")

    def config(self) -> dict[str, Any]:
        """Give the `machine` section as `transitions.Machine(**config)` takes it."""
        machine = self.form.machine
        return {
            "states": [state if isinstance(state, str) else state.model_dump() for state in machine.states],
            "initial": machine.initial,
            "transitions": [
                {"trigger": each.trigger, "source": "*" if "*" in each.source else list(each.source), "dest": each.dest}
                for each in machine.transitions
            ],
        }

    def machine(self, missions: Mapping[str, str]) -> tuple[Machine, dict[str, Any]]:
        """Build the machine with one model for every mission.

        Parameters
        ----------
        missions : mapping of str to str
            The status that each mission starts in.

        Returns
        -------
        machine : transitions.Machine
        models : dict
            For each mission a model: `model.state` is its status, `model.may_trigger(name)` asks, `model.trigger(name)` moves.
        """
        from transitions import Machine

        machine = Machine(model=None, auto_transitions=False, queued=True, ignore_invalid_triggers=False, **self.config())
        models: dict[str, Any] = {mission: Embassy(mission) for mission in missions}
        for mission, model in models.items():
            machine.add_model(model, initial=missions[mission])
        return machine, models


class Embassy:
    """The model of one mission; `transitions` gives it its state and triggers."""

    def __init__(self, mission: str) -> None:
        self.mission = mission


def shipped() -> list[str]:
    """Name the ladders that ship with escsim."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_shipped(name: str) -> Ladder:
    """Load a ladder that ships with escsim; raises KeyError if there is none of that name."""
    if name not in shipped():
        raise KeyError(name)
    filled = fill(LadderForm, read(SHIPPED / f"{name}.yaml", f"{name}.yaml").root)
    if filled.form is None or filled.problems:
        raise ScenarioError(filled.problems)
    return Ladder(filled.form, name)


Fault = tuple[tuple[str | int, ...], str, str]  # path of the value at fault, what is wrong, how to mend it


def faults(form: LadderForm) -> Iterator[Fault]:
    """Find what is inconsistent in a ladder: `transitions` itself would accept all of it and go wrong later."""
    statuses = form.machine.names
    yield from _machine_faults(form.machine)
    triggers = list(dict.fromkeys(transition.trigger for transition in form.machine.transitions))

    def unknown(path: tuple[str | int, ...], name: str, known: Sequence[str], what: str) -> Iterator[Fault]:
        if name not in known:
            yield path, f"unknown {what} {quoted(name)}", suggest(name, known, f"known {what} names")

    for trigger in form.moves:
        yield from unknown(("moves", trigger), trigger, triggers, "trigger")
    for place, status in enumerate(form.shared):
        yield from unknown(("shared", place), status, statuses, "status")
    for group, members in form.groups.items():
        if group in statuses or _reserved(group):
            yield ("groups", group), f"a group may not be called {quoted(group)}", "that name is a status or reserved; choose another"
        for place, status in enumerate(members):
            yield from unknown(("groups", group, place), status, statuses, "status")
    for number, rung in enumerate(form.rungs):
        for place, status in enumerate(rung):
            yield from unknown(("rungs", number, place), status, statuses, "status")
        places = sorted(statuses.index(status) for status in rung if status in statuses)
        if places and places[-1] - places[0] != len(places) - 1:
            yield ("rungs", number), "the statuses of a rung must be neighbours", "reorder `states`, or split the rung"
    for name in form.meanings:
        yield from unknown(("meanings", name), name, [*statuses, *triggers], "status or trigger")


def _machine_faults(machine: MachineForm) -> Iterator[Fault]:
    statuses = machine.names
    named = {machine.initial, *(name for each in machine.transitions for name in (*each.source, each.dest))}
    for place, status in enumerate(statuses):
        path = ("machine", "states", place)
        if status in statuses[:place]:
            yield path, f"status {quoted(status)} is listed twice", "delete one of the two"
        if _reserved(status):
            yield path, f"a status may not be called {quoted(status)}", _RESERVED_HELP
        if status not in named and "*" not in named:
            yield path, f"no transition names the status {quoted(status)}", "add a transition that enters it, or delete it"
    if machine.initial not in statuses:
        yield ("machine", "initial"), f"unknown status {quoted(machine.initial)}", suggest(machine.initial, statuses, "statuses")
    first: dict[tuple[str, str], int] = {}
    for number, transition in enumerate(machine.transitions):
        yield from _transition_faults(number, transition, statuses, first)


def _transition_faults(number: int, transition: TransitionForm, statuses: tuple[str, ...], first: dict[tuple[str, str], int]) -> Iterator[Fault]:
    """Check one transition; `first` remembers which transition leaves a status by a trigger."""
    path = ("machine", "transitions", number)
    if _reserved(transition.trigger) or transition.trigger in statuses:
        yield (*path, "trigger"), f"a trigger may not be called {quoted(transition.trigger)}", _RESERVED_HELP
    for place, status in enumerate(statuses if "*" in transition.source else transition.source):
        if status not in statuses:
            yield (*path, "source", place), f"unknown status {quoted(status)}", suggest(status, statuses, "statuses")
        before = first.setdefault((transition.trigger, status), number)
        if before != number:
            message = f"two transitions for trigger {quoted(transition.trigger)} from status {quoted(status)}"
            yield path, message, f"transitions[{before}] already leaves it; keep one of the two"
    if transition.dest not in (*statuses, "="):
        yield (*path, "dest"), f"unknown status {quoted(transition.dest)}", suggest(transition.dest, statuses, "statuses")


def _reserved(name: str) -> bool:
    return name in _RESERVED or name.startswith(_PREFIXES)


_RESERVED = {"trigger", "may_trigger", "state", "states", "initial", "model", "models", "mission", "nothing", "any", "all"}
_PREFIXES = ("to_", "is_", "may_", "on_enter_", "on_exit_", "before_", "after_", "_")
_RESERVED_HELP = "names of `transitions`' own and of statuses are taken: choose another (not to_..., is_..., may_..., trigger, state)"

"""The data model of a scenario file: what each key is, and what it means together with the others.

Everything here is frozen data. `escsim.checks` says whether the parts fit together, `escsim.stepper` runs them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from datetime import date as Day
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PrivateAttr, Tag, model_validator

from escsim import ladder as ladders
from escsim.actions import ActionOrText
from escsim.delays import Delay, SpreadLaw
from escsim.errors import AskedError, Place
from escsim.forms import EXPECT, Actor, Form, Mission, MissionOrPair, Name, Number, OneOrMore, Text, Truth, Who, Whole, key
from escsim.ladder import Ladder
from escsim.reading import Document, Node
from escsim.references import Refers
from escsim.times import DAY, TICK, Date, Span, When, refusal

if TYPE_CHECKING:
    from escsim.ensemble import Ensemble
    from escsim.trajectory import Trajectory
    from escsim.variation import Variation

NOTHING = "nothing"


def _above_rounding(probability: float) -> float:
    """Refuse what chance, which has 32 bits, would round to 0."""
    if 0 < probability < 2.0**-33:
        raise refusal("a probability below 2^-33 cannot be told from 0", "write 0, or something larger")
    return probability


Probability = Annotated[Number, Field(ge=0, le=1), AfterValidator(_above_rounding)]
ActorKey = Annotated[Actor, Refers("actor")]
SourceKey = Annotated[Name, Refers("source")]
EventId = Annotated[Name, Refers("event")]
ActionName = Annotated[Name, Refers("action")]
Cause = Annotated[Name, Refers("cause")]
ChoiceName = Annotated[Name, Refers("choice")]
Option = Annotated[Name, Refers("option")]
Start = Annotated[Name, Refers("starting status")]
Status = Annotated[Name, Refers("status or group")]
MissionKey = Annotated[Mission, Refers("mission")]
UnitKey = Annotated[MissionOrPair, Refers("mission")]
WhoKey = Annotated[Who, Refers("mission")]
Bound = Annotated[Date, Refers("day")]
Moment = Annotated[When, Refers("day")]
Statuses = OneOrMore[Status]
Gate = Annotated[dict[MissionKey, Statuses], Field(min_length=1)]
Line = Annotated[dict[UnitKey, Statuses], Field(min_length=1)]
Held = Annotated[dict[WhoKey, Statuses], Field(min_length=1)]


def missions_of(pair: str) -> tuple[str, str]:
    """Give the two missions of a pair: `PAK-IRN` is `PAK->IRN` and `IRN->PAK`."""
    one, _, other = pair.partition("-")
    return f"{one}->{other}", f"{other}->{one}"


def counterpart(mission: str) -> str:
    """Give the mission the other way round."""
    sender, host = mission.split("->")
    return f"{host}->{sender}"


class Period(Form):
    """The one horizon, for history and variants alike."""

    from_: Date = key("The first day; time is counted from its 00:00 UTC.", "2024-01-15", alias="from")
    to: Date = key("The last day; the period ends with it.", "2024-03-31")

    @property
    def start(self) -> datetime:
        """The first moment, tick 0."""
        return self.from_.end - DAY

    @property
    def end(self) -> datetime:
        """The midnight that ends the period."""
        return self.to.end

    @property
    def ticks(self) -> int:
        """Its length in ticks: what is due at this tick or later does not happen."""
        return self.tick(self.end)

    def tick(self, moment: datetime) -> int:
        """Count the ticks from the start of the period to a moment."""
        return (moment - self.start) // TICK

    def moment(self, tick: int) -> datetime:
        """Give the moment of a tick."""
        return self.start + tick * TICK

    def day(self, day: Day | str) -> Day:
        """Read a day of the period; raises `AskedError`, a ValueError, if it is none or lies outside."""
        if isinstance(day, str):
            try:
                day = Day.fromisoformat(day)
            except ValueError:
                raise AskedError(f"{day!r} is no day; days are written YYYY-MM-DD, such as 2024-01-26") from None
        if not self.from_.day <= day <= self.to.day:
            raise AskedError(f"{day} lies outside the period, {self.from_} to {self.to}")
        return day

    def days(self) -> Iterator[Day]:
        """Give every day of the period."""
        for number in range((self.end - self.start) // DAY):
            yield (self.start + number * DAY).date()


class Follows(Form):
    """What calls an event: any of its causes, or the last of all of them."""

    any: OneOrMore[Cause] | None = key("Each of these calls it.", ["iranian_strikes"], None)
    all: OneOrMore[Cause] | None = key("The last of these to happen calls it.", ["call_on_19_january", "council"], None)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.any is None) == (self.all is None):
            raise refusal("give either a list of causes or {all: [...]}", "follows: [a, b] means any of them")
        return self

    @property
    def causes(self) -> tuple[str, ...]:
        """Everything named, in the order of the file."""
        return self.any or self.all or ()

    def calls(self, cause: str, happened: Collection[str]) -> bool:
        """Say whether the happening of an event calls what follows so, given all that has happened by then."""
        return cause in self.causes and (self.all is None or all(name in happened for name in self.all))


Causes = Annotated[
    Follows,
    BeforeValidator(lambda value: {"any": value} if isinstance(value, str | list) else value, json_schema_input_type=OneOrMore[Name] | Follows),
]
Range = Annotated[tuple[Number | str, Number | str], Field(description="From low to high.", examples=[[0.2, 0.4]])]
Label = Annotated[str, Field(min_length=1, max_length=40)]
Wording = Annotated[str, Field(min_length=1, max_length=60)]
Parties = Annotated[OneOrMore[ActorKey], Field(max_length=100)]


class Event(Form):
    """Something done on a date, or something that might have been done."""

    id: Name = key("Its name in this file.", "recall")
    date: Moment | None = key("When it happened, as well as that is known; without a date it did not, but might have.", "2024-01-17", None)
    actor: Parties = key("Who acted; several act together.", "PAK")
    target: Parties | None = key("On whom; several actors without a target act on one another.", "IRN", None)
    action: OneOrMore[ActionName] = key("What was done: triggers of the ladder or actions, in this order.", "recall_envoy")
    text: Text | None = key("What happened, in a sentence or two.", "Pakistan calls its ambassador back from Tehran.", None)
    label: Label | None = key("A short name for pictures; its id if not given.", "Security Committee", None)
    cite: OneOrMore[SourceKey] | None = key("Where it is reported: keys of `sources`.", "dawn", None)
    confidence: Literal["high", "medium", "low"] | None = key("How sure the date and the deed are.", "high", None)
    disputed: Text | None = key(
        "What is not settled: on what the sources differ, or a day not looked up.", "Headlines say expelled; the ministry did not.", None
    )
    follows: Causes | None = key("What calls it: each of these, or {all: [...]}; else the start.", "iranian_strikes", None, title="Follows")
    while_: Gate | None = key("Its gate: the statuses these missions must be in.", {"PAK->IRN": "normal"}, None, alias="while")
    unless: OneOrMore[EventId] | None = key("What bars it for good once it has happened.", "call_on_19_january", None)
    probability: Probability | None = key("The chance that it comes about each time it is armed; 1 if not given.", 0.9, None)
    delay: Delay | None = key("The time from its arming until it happens; for a dated event the file's `spread` if not given.", "2 days", None)
    repeats: Truth = key("Whether it may happen more than once: then every call counts that does not find it waiting or running.", True, False)
    range: dict[Name, Range] | None = key("Low and high for the probability and for parameters of the delay.", {"probability": [0.2, 0.4]}, None)
    basis: Text | None = key("What probability and delay rest on: a base rate, or the author's assumption.", "Assumption of the author.", None)

    def addressed(self, side: str) -> tuple[str, ...]:
        """Give the missions that a trigger with these `moves` (own, theirs or both) addresses, each once, nobody's to itself."""
        found: list[str] = []
        for one in self.actor:
            for other in self.target or self.actor:
                if one != other:
                    own, theirs = f"{one}->{other}", f"{other}->{one}"
                    found += {"own": [own], "theirs": [theirs], "both": [own, theirs]}[side]
        return tuple(dict.fromkeys(found))


class Choice(Form):
    """A decision point: when it is called, exactly one of its options comes about."""

    actor: OneOrMore[ActorKey] = key("Who decides.", "PAK")
    question: Text = key("The decision in words.", "How should Islamabad answer strikes on its soil?")
    follows: Causes | None = key("What puts the decision, as in an event.", "iranian_strikes", None, title="Follows")
    repeats: Truth = key("Whether it is put more than once: then its options may happen more than once.", True, False)
    options: dict[Option, Probability] = key(
        "Events with their shares, which sum to 1; `nothing` needs no event.", {"pakistani_strikes": 0.5, "nothing": 0.5}, min_length=2
    )
    range: dict[Name, Range] | None = key("Low and high for the shares of options.", {"pakistani_strikes": [0.3, 0.7]}, None)
    wording: dict[Name, Wording] | None = key(
        "The options as put to people who do not know what came next.", {"recall": "Call the ambassador home", "nothing": "Take no step"}, None
    )
    basis: Text | None = key("What the shares rest on: a base rate, or the author's assumption.", "Assumption of the author.", None)


class Background(Form):
    """Something that belongs to the story but is not replayed; it may lie before the period."""

    date: When = key("When.", "2023-12-15")
    actor: OneOrMore[ActorKey] = key("Who acted.", "jaish_al_adl")
    target: OneOrMore[ActorKey] | None = key("On whom.", "IRN", None)
    text: Text = key("What happened.", "Gunmen attack a police station at Rask.")
    cite: OneOrMore[SourceKey] | None = key("Where it is reported.", "dawn", None)


class Variants(Form):
    """How the Monte Carlo variants are drawn."""

    runs: Annotated[Whole, Field(ge=1, le=10**9)] = key("How many trajectories.", 10000, 10000)
    seed: Annotated[Whole, Field(ge=0, lt=2**64)] = key("The seed of all chance.", 20240116, 0)
    spread: SpreadLaw = key(
        "The law of gaps between dated events, their mean as in history; `none` leaves them.",
        {"gamma": {"cv": 0.5}},
        SpreadLaw.model_validate("none"),
    )


def only_one(form: Form, what: str, kinds: tuple[str, ...]) -> str:
    """Give the one of these keys that a form states; raises a `refusal` if it states none or several."""
    stated = [kind.rstrip("_") for kind in kinds if getattr(form, kind) is not None]
    if len(stated) != 1:
        wanted = ", ".join(kind.rstrip("_") for kind in kinds)
        raise refusal(f"one {what} is wanted, not {' and '.join(stated) or 'none'}", f"one of: {wanted}")
    return stated[0]


class Condition(Form):
    """Something that a trajectory does or does not show."""

    reach: Held | None = key("A mission, a pair or `any` mission comes to be in one of these statuses.", {"PAK-IRN": "severed"}, None)
    in_: Held | None = key("It is in one of them at the end of the day `on`.", {"PAK->IRN": "restored"}, None, alias="in")
    happens: OneOrMore[EventId] | None = key("One of these events happens.", "second_iranian_strike", None)
    before: tuple[EventId, EventId] | None = key("The first of two events happens, and before the second.", ["call", "strike"], None)
    and_: tuple[Condition, ...] | None = key("All of these hold.", [{"happens": "a"}, {"happens": "b"}], None, alias="and", min_length=2)
    or_: tuple[Condition, ...] | None = key("One of these holds.", [{"happens": "a"}, {"happens": "b"}], None, alias="or", min_length=2)
    not_: Condition | None = key("This does not hold.", {"happens": "a"}, None, alias="not")
    by: Bound | None = key("At the latest on this day.", "2024-01-26", None)
    on: Bound | None = key("At the end of this day.", "2024-01-26", None)
    within: Span | None = key("At the latest this long after `after`, or after the start.", "4 days", None)
    after: EventId | None = key("Only what comes after the first happening of this event counts.", "agreement", None)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kind = only_one(self, "condition", ("reach", "in_", "happens", "before", "and_", "or_", "not_"))
        timed = kind in ("reach", "happens")
        for name, allowed in (("by", timed), ("within", timed), ("after", timed), ("on", kind == "in")):
            if getattr(self, name) is not None and not allowed:
                raise refusal(f"`{name}` does not go with `{kind}`", "`by`, `within` and `after` go with reach and happens, `on` with in")
        if kind == "in" and self.on is None:
            raise refusal("`in` needs the day: `on`", "{in: {PAK->IRN: normal}, on: 2024-01-26}")
        if self.by is not None and self.within is not None:
            raise refusal("`by` and `within` are two bounds for one thing", "keep one")
        return self


class Passage(Form):
    """The time until something first comes about."""

    reach: Held | None = key("A mission, a pair or `any` mission comes to be in one of these statuses.", {"PAK->IRN": "restored"}, None)
    happens: OneOrMore[EventId] | None = key("One of these events happens.", "agreement", None)
    after: EventId | None = key("From the first happening of this event; from the start if not given.", "recall", None)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.reach is None) == (self.happens is None):
            raise refusal("give either `reach` or `happens`", "{reach: {PAK->IRN: restored}, after: recall}")
        return self


class Question(Form):
    """Something asked of the variants, and of the replay."""

    text: Text | None = key("The question in words.", "Are the ambassadors back within four days of the agreement?", None)
    probability: Condition | None = key("How likely is this?", {"happens": "second_iranian_strike"}, None)
    time_in: Held | None = key("How long is a mission or pair in these statuses?", {"PAK->IRN": "envoys_away"}, None)
    time_to: Passage | None = key("How long until this?", {"reach": {"PAK->IRN": "restored"}, "after": "recall"}, None)
    peak: WhoKey | None = key("How severe does it get at worst?", "PAK-IRN", None)
    count: EventId | None = key("How often does this event happen?", "border_incident", None)
    expect: Annotated[str, Field(pattern=EXPECT)] | None = key("What a probability must be for the scenario to pass its own test.", ">= 0.8", None)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        only_one(self, "question", ("probability", "time_in", "time_to", "peak", "count"))
        if self.expect is not None and self.probability is None:
            raise refusal("`expect` goes with `probability` only", "delete it")
        return self


class Change(Form):
    """New assumptions for one event."""

    probability: Probability | None = key("Its new probability.", 0.3, None)
    delay: Delay | None = key("Its new delay.", "2 days", None)


class Intervention(Form):
    """A what-if: history or the model changed in a stated way."""

    text: Text | None = key("The change in words.", "Islamabad does not strike back.", None)
    remove: OneOrMore[EventId] | None = key("Events that come to nothing: each firing is moot.", ["pakistani_strikes"], None)
    move: dict[EventId, Moment] | None = key("Events that happen on another date, once they are called.", {"call_on_19_january": "2024-01-17"}, None)
    force: dict[EventId, Moment] | None = key("Events that happen on a date whatever else does.", {"mediation": "2024-01-20"}, None)
    choose: dict[ChoiceName, Name] | None = key("Choices whose option is given.", {"answer_to_strikes": "protest_only"}, None)
    set: dict[EventId, Change] | None = key("Events with another probability or delay.", {"recall": {"probability": 0.5}}, None)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.remove or self.move or self.force or self.choose or self.set):
            raise refusal("nothing is changed", "give one of: remove, move, force, choose, set")
        for kind in ("move", "force"):
            for event, when in (getattr(self, kind) or {}).items():
                if not when.exact:
                    raise refusal(f"an exact date is wanted, not {when.text!r}", "for example 2024-01-17 or 2024-01-17 06:00", kind, event)
        return self


LadderKey = Annotated[
    Annotated[Text, Tag("name")] | Annotated[Ladder, Tag("form")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "form"),
]


class Scenario(Form):
    """A crisis as a file tells it.

    Made by `escsim.load`; the attributes are the keys of the file.
    """

    title: Text = key("The crisis in a few words.", "Iran and Pakistan, January 2024")
    summary: Text | None = key("The story in a few sentences.", "Iran struck in Pakistan; Pakistan recalled its ambassador.", None)
    sources: dict[Name, Text] = key("Where it is reported: a short key for each source.", {"dawn": "Dawn (Karachi), 23 January 2024"}, {})
    report: SourceKey | None = key("The source that tells the story; what it does not state is shown as added from others.", "dawn", None)
    actors: dict[Actor, Text] = key("States (three capitals, ISO 3166) and other parties.", {"IRN": "Iran", "PAK": "Pakistan"}, min_length=1)
    ladder_: LadderKey = key("The ladder of statuses: a name that ships with escsim, or one written out.", "simple", alias="ladder")
    actions: dict[Name, ActionOrText] = key("Actions beside the shipped vocabulary.", {"recall_students": "Students are called home."}, {})
    period: Period = key("The time that is told and simulated.", {"from": "2024-01-15", "to": "2024-03-31"})
    start: dict[MissionKey, Start] = key("Missions that do not start in the ladder's initial status.", {"BHR->IRN": "charge"}, {})
    background: tuple[Background, ...] = key("What belongs to the story but is not replayed.", [], ())
    events: tuple[Event, ...] = key(
        "What happened and what might have.", [{"id": "recall", "actor": "PAK", "target": "IRN", "action": "recall_envoy"}], min_length=1
    )
    choices: dict[Name, Choice] = key("Decision points.", {}, {})
    observed: dict[Bound, Line] = key("Statuses at the end of a day; the replay must agree.", {"2024-01-17": {"PAK->IRN": "envoys_recalled"}}, {})
    variants: Variants = key("How variants are drawn.", {"runs": 10000, "seed": 20240116}, Variants())
    questions: dict[Name, Question] = key("What to ask of the variants.", {}, {})
    what_if: dict[Name, Intervention] = key("Interventions to compare with the base.", {}, {})
    never: tuple[Line, ...] = key("Where no run may be when time passes.", [{"PAK->IRN": "severed"}], ())
    unresolved: Line | None = key("Statuses in which the file leaves missions for good, since it tells no way out.", {"SDN->IRN": "severed"}, None)
    limits: tuple[Text, ...] = key("What this model cannot tell, in the author's words.", ["Domestic politics are not modelled."], ())

    _document: Document | None = PrivateAttr(None)
    _name: str = PrivateAttr("")

    @property
    def name(self) -> str:
        """The name of its file without the ending, or its built-in name."""
        return self._name

    @property
    def text(self) -> str:
        """The file as written (not the files it extends)."""
        return self._document.text if self._document else ""

    def place(self, *path: str | int, key: bool = False) -> Place:
        """Give the place in the file of the value at a path, for messages."""
        if self._document is None:
            return Place(self._name or "scenario")
        return self._document.root.place_of(*path, key=key)

    def event_place(self, event: str, *path: str | int) -> Place:
        """Give the place in the file of an event or of one of its keys."""
        return self.place("events", self.order[event], *path)

    def located(self, root: Node, document: Document, name: str) -> Self:
        """Remember where everything stands."""
        self._document = Document(root, document.text)
        self._name = name
        return self

    def revised(self, *, history: bool, **update: Any) -> Self:
        """Give a copy with other values, which are not checked; `history` says whether it tells the same history, so that the replay stays."""
        found = self.model_copy(update=update)
        for name in ("event", "hash", *(() if history else ("replayed",))):  # which the copy remembers as they were
            found.__dict__.pop(name, None)
        return found

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder, ready for use."""
        return ladders.load_shipped(self.ladder_) if isinstance(self.ladder_, str) else self.ladder_

    @cached_property
    def event(self) -> dict[str, Event]:
        """The events by id."""
        return {event.id: event for event in self.events}

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each event in the file, which breaks ties."""
        return {event.id: place for place, event in enumerate(self.events)}

    @cached_property
    def choice_of(self) -> dict[str, str]:
        """The choice that each option belongs to."""
        return {option: name for name, choice in self.choices.items() for option in choice.options if option != NOTHING}

    def addressed(self, event: Event) -> list[tuple[str, str]]:
        """Give (trigger, mission) for all that an event does: trigger by trigger, each mission once."""
        triggers = [action for action in event.action if action in self.ladder.triggers]
        return [(trigger, mission) for trigger in triggers for mission in event.addressed(self.ladder.side(trigger))]

    @cached_property
    def missions(self) -> tuple[str, ...]:
        """Every mission that a trigger can reach or `start` names, in order of first mention."""
        reached = [mission for event in self.events for _, mission in self.addressed(event)]
        return tuple(dict.fromkeys([*self.start, *reached]))

    @cached_property
    def initial(self) -> dict[str, str]:
        """The status that each mission starts in."""
        return {mission: self.start.get(mission, self.ladder.initial) for mission in self.missions}

    def members(self, who: str) -> tuple[str, ...]:
        """Give the missions of this scenario that a mission, a pair or `any` stands for."""
        if who == "any":
            return self.missions
        named = (who,) if "->" in who else missions_of(who)
        return tuple(mission for mission in named if mission in self.initial)

    def is_hazard(self, event: Event) -> bool:
        """Say whether an event is a standing hazard: it repeats and nothing calls it, so that it is called again whenever it has fired."""
        return event.repeats and event.follows is None and event.id not in self.choice_of

    def keeps_date(self, event: Event) -> bool:
        """Say whether an event happens on its date in every variant: nothing leads to it, gates it or makes it uncertain."""
        drawn = event.follows is not None or event.delay is not None or event.probability is not None or event.id in self.choice_of
        return event.date is not None and not drawn and not self.gate(event)

    def gate(self, event: Event) -> dict[str, frozenset[str]]:
        """Give the statuses that each mission must be in for an event to be armed; empty if it has no gate.

        A standing hazard that addresses one mission and states no `while` is gated by "that mission admits the trigger".
        """
        if event.while_ is not None:
            return {mission: self.ladder.resolve(names) for mission, names in event.while_.items()}
        addressed = self.addressed(event) if self.is_hazard(event) else []
        if len({mission for _, mission in addressed}) != 1:
            return {}
        admitting = frozenset(status for trigger, _ in addressed for status in self.ladder.triggers[trigger])
        return {addressed[0][1]: admitting}

    def caller(self, event: Event) -> Event | Choice:
        """Give what says when an event is called, and whether again: the choice that it is an option of, or the event itself."""
        return self.choices[self.choice_of[event.id]] if event.id in self.choice_of else event

    def repeats(self, event: Event) -> bool:
        """Say whether every call of an event counts; an option repeats with its choice."""
        return self.caller(event).repeats

    def reported(self, event: Event) -> bool:
        """Say whether the main report itself states an event; without a report, whether confidence in it is high."""
        if self.report is None:
            return event.confidence in (None, "high")
        return self.report in (event.cite or ())

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything the scenario says, its ladder written out; comments and layout do not count."""
        said = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        said["ladder"] = self.ladder.model_dump(mode="json", by_alias=True)
        return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()

    def replay(self) -> Trajectory:
        """Replay history: every dated event on its date, through the ladder.

        Raises
        ------
        ScenarioError
            If history is not a run of the model: an event is moot or does not happen, an `observed` or `shared`
            line does not hold.
        """
        from escsim.replay import replay

        return replay(self)

    @cached_property
    def replayed(self) -> Trajectory:
        """The replay, made once, for what asks only when its events happened: a scenario at other numbers (`ranges.at`) has the same."""
        return self.replay()

    def given(self, day: Day | str) -> Variation:
        """Take the history before a day as given: what `simulate` of it runs is a forecast from the morning of that day.

        Raises
        ------
        ValueError
            If the day lies outside the period.
        """
        from escsim.variation import Variation

        return Variation(self).given(day)

    def without(self, *events: str) -> Variation:
        """Let events come to nothing, as the `remove` of a what-if does.

        Raises
        ------
        ScenarioError
            If there is no such event.
        """
        from escsim.variation import Variation

        return Variation(self).without(*events)

    def with_(self, name: str | None = None, /, **changes: Any) -> Variation:
        """Change something, by the name of a what-if in the file or by its keys; see `escsim.variation.Variation.with_`."""
        from escsim.variation import Variation

        return Variation(self).with_(name, **changes)

    def history(self) -> Trajectory | None:
        """Give the replay where the file tells a history, that is, if an event has a date."""
        return self.replay() if any(event.date for event in self.events) else None

    def simulate(
        self,
        n: int | None = None,
        seed: int | None = None,
        threads: int | None = None,
        *,
        intervention: Intervention | str | None = None,
        given: Day | str | None = None,
        asked: dict[str, Question] | None = None,
        client: Any = None,
        folder: Path | str | None = None,
        progress: Callable[[int], object] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Ensemble:
        """Run Monte Carlo variants.

        Parameters
        ----------
        n, seed : int, optional
            How many trajectories, and a seed of 0 to 2^64 - 1; by default those of the scenario's `variants`.
            Trajectory i depends on the seed and on i, on nothing else.
        threads : int, optional
            By default as many as there are processors to use. The result does not depend on it.
        intervention : Intervention or str, optional
            A what-if to run under, or the name of one in the file.
        given : datetime.date or str, optional
            A day: what history dates before it is given, and what is open on its morning is drawn given that it has not
            come about yet. A forecast from the first day is no other than an ensemble.
        asked : dict of str to Question, optional
            Questions to be counted in the same go, so that `Ensemble.answers` need not run the trajectories again.
        client : dask.distributed.Client, optional
            Run them on its workers, who need this version of escsim. The result does not depend on it, nor on workers that are lost.
        folder : path, optional
            Where to keep what is finished, in parts of 100,000 trajectories. What a run of the same scenario, intervention,
            seed, questions and version of escsim has left there is not run again.
        progress : callable, optional
            Called now and then with the number of trajectories done.
        stop : callable, optional
            Asked as often; if it says yes the ensemble ends with the trajectories done so far.

        Raises
        ------
        ScenarioError
            If the scenario is too large for the kernel, its history does not replay, or 10,000 events fire in one run.
        ValueError
            If `n` or `seed` is out of range, the scenario has no what-if of that name, the day lies outside the period, or
            the what-if would change what lies before it.
        """
        from escsim.ensemble import simulate

        return simulate(
            self,
            n,
            seed=seed,
            threads=threads,
            intervention=intervention,
            given=given,
            asked=asked,
            client=client,
            folder=folder,
            progress=progress,
            stop=stop,
        )

"""Whether the parts of a scenario fit together: every fault with its place and a remedy.

The models of `escsim.scenario` see one value at a time. Here are the checks that need two: names that must exist,
dates inside the period, choices that must add up. Whether history fits the model is for the replay to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from escsim import actions as vocabulary
from escsim import ladder as ladders
from escsim.draws import address
from escsim.errors import Problem, listed, quoted, suggest
from escsim.forms import Filled
from escsim.references import Fault, Path, references
from escsim.scenario import NOTHING, Event, Scenario, counterpart
from escsim.times import LONGEST, TICK, Date, Rate, Span, When, Written

RESERVED = {NOTHING, "any", "all", "start"}
MOST_SUGGESTED = 40  # looking for the nearest name takes time, and nobody reads so many

Faults = Iterator[Fault]


def problems(scenario: Scenario, filled: Filled[Scenario]) -> list[Problem]:
    """Find everything that does not fit together in what was filled, other than what may be missing only because it was left out."""
    lost, hurt = filled.lost, filled.hurt
    found = [] if "ladder" in hurt else list(_ladder(scenario))
    if not found and not hurt & {"ladder", "period"}:
        found += _references(scenario, lost)
        found += _names(scenario)
        for number, event in enumerate(scenario.events):
            found += _event(scenario, event, ("events", number))
            found += _acts(scenario, event, ("events", number))
        found += _choices(scenario, lost)
        found += _start(scenario)
        found += _interventions(scenario, lost)
        if not hurt and not {"events", "choices"} & {fault.path[0] for fault in found}:
            found += _circles(scenario)

    def is_echo(fault: Fault) -> bool:
        """Say whether a fault may come of what was left out: of the value itself or, if something is lacking, around it."""
        around = [filled.root]
        for part in fault.path:
            if (child := around[-1].child(part)) is not None:
                around.append(child)
        return any(id(node) in filled.damaged for node in around[2 if fault.lacking else -1 :])

    return [Problem(scenario.place(*fault.path, key=fault.key), fault.message, fault.remedy) for fault in found if not is_echo(fault)]


def _ladder(scenario: Scenario) -> Faults:
    """Check the ladder; without a sound one nothing else can be checked."""
    name = scenario.ladder_
    if not isinstance(name, str):
        for fault in ladders.faults(scenario.ladder):
            yield fault._replace(path=("ladder", *fault.path))
    elif name not in ladders.shipped():
        yield Fault(("ladder",), f"unknown ladder {quoted(name)}", suggest(name, ladders.shipped(), "known ladder names"))


def _references(scenario: Scenario, lost: Collection[str]) -> Faults:
    """Check that all that is named exists, and that dates lie in the period."""
    statuses = dict.fromkeys(scenario.ladder.statuses)
    known: dict[str, tuple[str, Collection[str]]] = {
        "actor": ("actor", scenario.actors),
        "action": ("action", {**scenario.ladder.triggers, **vocabulary.shipped(), **scenario.actions}),
        "source": ("source", scenario.sources),
        "event": ("event", scenario.event),
        "cause": ("event", scenario.event),
        "option": ("event", {**scenario.event, NOTHING: None}),
        "choice": ("choice", scenario.choices),
        "status or group": ("status", {**statuses, **scenario.ladder.groups}),
        "starting status": ("status", statuses),
    }
    unknown = 0
    for to, name, path, key in references(scenario):
        if path[0] == "ladder" or (to == "mission" and name == "any"):
            continue
        if to == "day":
            yield from _outside(scenario, name, path, key=key)
            continue
        if to == "mission":
            strangers = [actor for actor in re.split("->?", name) if actor not in scenario.actors]
            if not strangers:
                yield from _mission(scenario, name, path, lost, key=key)
                continue
            to, name = "actor", strangers[0]
        if to == "cause" and name in scenario.choices and name not in scenario.event:
            yield Fault(path, f"{quoted(name)} is a choice", "follow one of its options, or what the choice itself follows")
        elif to == "starting status" and name in scenario.ladder.groups:
            yield Fault(path, f"{quoted(name)} is a group, and a mission starts in one status", f"one of: {listed(scenario.ladder.groups[name])}")
        elif name not in known[to][1] and name not in lost:
            unknown += 1
            what, names = known[to]
            remedy = suggest(name, names, f"known {what} names") if unknown <= MOST_SUGGESTED else ""
            if to == "action" and not remedy.startswith("did"):
                remedy = "declare it under `actions:`, or pick one: `escsim list --actions` names them all"
            yield Fault(path, f"unknown {what} {quoted(name)}", remedy, key)


def _outside(scenario: Scenario, date: Date | When, path: Path, *, key: bool) -> Faults:
    """Report a date outside the period."""
    period = scenario.period
    moment = date.moment if isinstance(date, When) else datetime.combine(date.day, datetime.min.time())
    if period.start < period.end and not period.start <= moment < period.end:
        of = f", the middle of {quoted(date)}," if isinstance(date, When) and not date.exact else ""
        remedy = f"the period is {period.from_} to {period.to}: move the date, or widen `period`"
        yield Fault(path, f"{moment.date()}{of} lies outside the period", remedy, key)


def _mission(scenario: Scenario, mission: str, path: Path, lost: Collection[str], *, key: bool) -> Faults:
    """Report a mission or pair that is not in the scenario."""
    sender, host = re.split("->?", mission)
    if sender == host:
        yield Fault(path, f"{mission} is no mission: nobody sends one to itself", "sender->host: PAK->IRN", key)
    elif not scenario.members(mission) and not lost:
        message = f"no event moves {mission}, and `start` does not name it"
        here = f"missions here: {listed(scenario.missions)}; others" if scenario.missions else "no event moves any; those that do not move"
        yield Fault(path, message, f"{here} can be named in `start`", key)


def _names(scenario: Scenario) -> Faults:
    """Check the names given to events, choices and actions, and the period."""
    seen: dict[str, int] = {}
    for number, event in enumerate(scenario.events):
        path: Path = ("events", number, "id")
        if event.id in seen:
            line = scenario.place("events", seen[event.id], "id").line
            yield Fault(path, f"two events are called {quoted(event.id)}", f"rename one; the first is on line {line}")
        seen.setdefault(event.id, number)
        if event.id in RESERVED:
            yield Fault(path, f"the id {quoted(event.id)} is reserved", "choose another")
    for name in scenario.choices:
        if name in seen or name in RESERVED:
            remedy = "the name is an event's or reserved; choose another"
            yield Fault(("choices", name), f"a choice may not be called {quoted(name)}", remedy, key=True)
    taken: dict[int, str] = {}
    paths: dict[str, Path] = {name: ("events", number, "id") for name, number in seen.items()}
    paths |= {name: ("choices", name) for name in scenario.choices if name not in seen}
    for name, path in paths.items():
        other = taken.setdefault(address("event" if name in seen else "choice", name), name)
        if other != name:
            message = f"{quoted(name)} and {quoted(other)} would share their random numbers"
            yield Fault(path, message, "rename one of them", key=name not in seen)
    for name in scenario.actions:
        if name in scenario.ladder.triggers or name in vocabulary.shipped():
            where = "is a trigger of the ladder" if name in scenario.ladder.triggers else "is in the shipped vocabulary"
            yield Fault(("actions", name), f"{quoted(name)} {where}", "delete it here, or choose another name", key=True)
    if scenario.period.from_ > scenario.period.to:
        yield Fault(("period",), "the period ends before it begins", "`from` must not be later than `to`")
    elif (scenario.period.end - scenario.period.start) // TICK > LONGEST:
        yield Fault(("period",), "the period is longer than 1,000 years", "tell a shorter story")


def _event(scenario: Scenario, event: Event, path: Path) -> Faults:
    """Check what an event says of its time, calls, bars and ranges."""
    if event.date is None and event.delay is None:
        remedy = "an event that did not happen needs a `delay`: delay: 2 days"
        yield Fault((*path, "id"), f"{quoted(event.id)} has neither a date nor a delay", remedy, lacking=True)
    if (choice := scenario.choice_of.get(event.id)) is not None:
        stated = {"follows": event.follows is not None, "probability": event.probability is not None, "repeats": event.repeats}
        for key in [key for key, is_stated in stated.items() if is_stated]:
            message = f"{quoted(event.id)} is an option of {quoted(choice)} and takes no `{key}`"
            yield Fault((*path, key), message, "its choice calls it: delete the key", key=True)
    bars = event.unless or ()
    if event.id in bars:
        yield Fault((*path, "unless", bars.index(event.id)), "an event cannot bar itself", "without `repeats` it happens at most once anyway")
    numbers: dict[str, object] = {"probability": 1.0 if event.probability is None else event.probability}
    if event.delay is not None:
        name, law = event.delay.one()
        given = {name: law} if isinstance(law, Span) else law.stated
        numbers |= {key: value for key, value in given.items() if isinstance(value, float | Written)}
    for name, bounds in (event.range or {}).items():
        where = (*path, "range", name)
        if name in numbers:
            yield from _range(where, numbers[name], bounds, share=name == "probability")
        else:
            message = f"{quoted(name)} is neither the probability nor a parameter of the delay"
            yield Fault(where, message, f"known here: {listed(numbers)}", key=True, lacking=True)


def _range(path: Path, value: object, bounds: tuple[float | str, float | str], *, share: bool) -> Faults:
    """Check that a range is written like the value it is for, and holds it."""
    try:
        low, high = (_number(type(value).parse(end) if isinstance(value, Written) else end) for end in bounds)
    except ValueError:
        message = "the ends of a range are written like the value they are for"
        yield Fault(path, message, "for example [0.2, 0.4], or [1 day, 4 days]")
        return
    if share and not (min(low, high) >= 0 and max(low, high) <= 1):
        yield Fault(path, "the ends of a range of a probability lie between 0 and 1", "for example [0.2, 0.4]")
    elif not low <= _number(value) <= high:
        yield Fault(path, f"the range does not hold the value {value}", "write the low end first, and let it hold the value", lacking=True)


def _number(value: object) -> float:
    """Give a number, a rate or a span as a number to compare; raises ValueError for anything else."""
    if isinstance(value, Rate | Span):
        return value.per_tick if isinstance(value, Rate) else value.ticks
    if isinstance(value, int | float):
        return value
    raise ValueError(value)


def _acts(scenario: Scenario, event: Event, path: Path) -> Faults:
    """Check that the ladder has the triggers of an event, and that they address missions."""
    ladder = scenario.ladder
    triggers = [action for action in event.action if action in ladder.triggers]
    for place, action in enumerate(event.action):
        known = scenario.actions.get(action) or vocabulary.shipped().get(action)
        if action not in triggers and known is not None and known.moves_missions:
            message = f"{quoted(action)} moves missions, but this ladder has no such trigger"
            yield Fault((*path, "action", place), message, f"its triggers: {listed(ladder.triggers, 30)}")
    if not triggers:
        return
    for kind, names in (("actor", event.actor), ("target", event.target or ())):
        for place, name in enumerate(names):
            if name in scenario.actors and not re.fullmatch("[A-Z]{3}", name):
                remedy = f"{quoted(triggers[0])} is between states: keys of three capitals"
                yield Fault((*path, kind, place), f"{quoted(name)} is not a state and has no missions", remedy)
    missions = {mission for _, mission in scenario.addressed(event)}
    if not missions:
        message = f"{quoted(triggers[0])} moves missions, but here is nobody on the other side"
        remedy = f"{quoted(event.actor[0])} cannot act on itself: name another target" if event.target else "give a `target`"
        yield Fault((*path, "target" if event.target else "id"), message, remedy, lacking=True)
    if len(missions) > 1 and event.while_ is None and scenario.is_hazard(event):
        message = f"a standing hazard for {len(missions)} missions needs a gate"
        yield Fault((*path, "repeats"), message, "say when it runs: while: {MISSION: STATUS}", lacking=True)


def _choices(scenario: Scenario, lost: Collection[str]) -> Faults:
    """Check that the options of each choice exclude one another, are its alone and add up."""
    owner: dict[str, str] = {}
    for name, choice in scenario.choices.items():
        path: Path = ("choices", name)
        if choice.repeats and choice.follows is None:
            yield Fault((*path, "repeats"), "a choice that repeats needs something that puts it again", "give it `follows`", key=True)
        for option in choice.options:
            if owner.setdefault(option, name) != name and option != NOTHING:
                message = f"{quoted(option)} is already an option of {quoted(owner[option])}"
                yield Fault((*path, "options", option), message, "an event is an option of one choice", key=True)
        total = sum(choice.options.values())
        if abs(total - 1) > 1e-9 and not set(choice.options) & set(lost):
            message = f"the shares sum to {total:.6g}, not to 1"
            yield Fault((*path, "options"), message, "options exclude one another and one comes about", key=True)
        dated = [option for option in choice.options if option in scenario.event and scenario.event[option].date]
        if len(dated) > 1 and not choice.repeats:
            message = f"history took more than one option: {listed(dated)}"
            yield Fault((*path, "options"), message, "one of them is another decision, or has no date", key=True)
        for option, bounds in (choice.range or {}).items():
            if option in choice.options:
                yield from _range((*path, "range", option), choice.options[option], bounds, share=True)
        for key, named in (("range", choice.range), ("wording", choice.wording)):
            for option in [name for name in named or {} if name not in choice.options and name not in lost]:
                remedy = suggest(option, choice.options, "known option names")
                yield Fault((*path, key, option), f"unknown option {quoted(option)}", remedy, key=True)


def _start(scenario: Scenario) -> Faults:
    """Check that a shared status is held by both missions of a pair from the start."""
    for mission, status in scenario.initial.items():
        other = counterpart(mission)
        if status in scenario.ladder.shared and scenario.initial.get(other, status) != status:
            message = f"{mission} starts {quoted(status)}, {other} does not"
            yield Fault(("start",), message, "both missions of a pair hold this status, or neither", key=True)


def _interventions(scenario: Scenario, lost: Collection[str]) -> Faults:
    """Check that each what-if changes an event in one way only, and in one that it has."""
    for name, change in scenario.what_if.items():
        path: Path = ("what_if", name)
        touched = set(change.remove or ())
        for kind, moved in (("move", change.move or {}), ("force", change.force or {})):
            for event in moved:
                if kind == "move" and event in scenario.event and scenario.is_hazard(scenario.event[event]):
                    message = f"{quoted(event)} is a standing hazard and has no one date"
                    yield Fault((*path, kind, event), message, "`force` it, or `set` its delay", key=True)
                if event in touched:
                    message = f"{quoted(event)} is changed twice"
                    yield Fault((*path, kind, event), message, "remove, move or force it, not two of them", key=True)
                touched.add(event)
        for choice, option in (change.choose or {}).items():
            options = scenario.choices[choice].options if choice in scenario.choices else {option: 1.0}
            if option not in options and option not in lost:
                yield Fault((*path, "choose", choice), f"unknown option {quoted(option)}", suggest(option, options, "known option names"))
        for event, new in (change.set or {}).items():
            if new.probability is None and new.delay is None:
                yield Fault((*path, "set", event), "nothing is set", "give a probability, a delay, or both", key=True, lacking=True)
            if new.probability is not None and event in scenario.choice_of:
                message = f"{quoted(event)} is an option and has no probability"
                yield Fault((*path, "set", event, "probability"), message, "use `choose`", key=True)


def _circles(scenario: Scenario) -> Faults:
    """Check that no events wait for one another."""
    follows = {event.id: found for event in scenario.events if (found := scenario.caller(event).follows) is not None}
    effects: dict[str, list[str]] = {name: [] for name in scenario.event}
    for name, found in follows.items():
        for cause in set(found.causes):
            effects[cause].append(name)
    called = [name for name in scenario.event if name not in follows]
    seen = set(called)
    for name in called:  # grows while it is walked
        for effect in effects[name]:
            if effect not in seen and follows[effect].calls(name, seen):
                seen.add(effect)
                called.append(effect)
    left = {name: [cause for cause in found.causes if cause not in seen] for name, found in follows.items() if name not in seen}
    while left:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle = error.args[1][:-1]
        else:
            return
        first = circle.index(min(circle, key=scenario.order.__getitem__))
        shown = [quoted(name) for name in [*circle[first:], *circle[:first], circle[first]]]
        chain = " -> ".join(shown if len(shown) <= 12 else [*shown[:11], "...", shown[-1]])
        message = f"these events wait for one another, so none is ever called: {chain}"
        choice = scenario.choice_of.get(circle[first])
        path: Path = ("choices", choice) if choice else ("events", scenario.order[circle[first]])
        yield Fault((*path, "follows"), message, "give one of them another cause, or none")
        left = {name: [cause for cause in causes if cause not in circle] for name, causes in left.items() if name not in circle}

"""Whether the parts of a scenario fit together: every fault with its place and a remedy.

The models of `escsim.scenario` see one value at a time. Here are the checks that need two: names that must exist,
causes that must come first, dates inside the period, choices that must add up.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import date as Day
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from escsim import actions as vocabulary
from escsim import ladder as ladders
from escsim.draws import address
from escsim.errors import Problem, listed, quoted, suggest
from escsim.scenario import NOTHING, Choice, Condition, Event, Scenario, counterpart, is_state, missions_of
from escsim.times import LONGEST, TICK, Rate, Span, Written

RESERVED = {NOTHING, "any", "all", "start"}
MOST_SUGGESTED = 40  # looking for the nearest name takes time, and nobody reads so many
SMALLEST = 2.0**-33  # below this a probability would be rounded to 0 in the kernel's 32 bits

Path = tuple[str | int, ...]


def problems(scenario: Scenario, lost: Iterable[str] = (), hurt: Iterable[str] = (), damaged: Container[int] = ()) -> list[Problem]:
    """Find everything that does not fit together.

    Parameters
    ----------
    scenario : Scenario
    lost : iterable of str
        Names that stood in parts of the file that were wrong in themselves: nobody is told that these are unknown.
    hurt : iterable of str
        The top-level keys of these parts.
    damaged : container of int
        Identities of the nodes from which something was left out: what else is wrong there is not said.
    """
    checker = _Checker(scenario, set(lost), damaged)
    if "ladder" in hurt or not checker.ladder() or "period" in hurt:
        return checker.problems
    checker.names()
    checker.told()
    for number, event in enumerate(scenario.events):
        checker.event(event, ("events", number))
    checker.choices()
    if not checker.problems and not hurt:
        checker.causes()
        checker.circles()
    checker.statuses()
    checker.questions()
    checker.interventions()
    return checker.problems


class _Checker:
    def __init__(self, scenario: Scenario, lost: set[str], damaged: Container[int]) -> None:
        self.scenario = scenario
        self.lost = lost
        self.damaged = damaged
        self.problems: list[Problem] = []

    def fault(self, path: Path, message: str, remedy: str = "", *, key: bool = False, lacking: bool = False) -> None:
        """Report a fault, unless it may come of what was left out: of the value itself or, if something is `lacking`, around it."""
        nodes = list(self.scenario.nodes(*path))
        if any(id(node) in self.damaged for node in (nodes if lacking else nodes[-1:])):
            return
        self.problems.append(Problem(self.scenario.place(*path, key=key), message, remedy))

    def known(self, path: Path, name: str, known: Iterable[str], what: str, *, key: bool = False) -> bool:
        """Report a name that is not among the known ones, unless it got lost with a faulty part of the file."""
        known = list(known)
        if name not in known and name not in self.lost:
            remedy = suggest(name, known, f"known {what} names") if len(self.problems) < MOST_SUGGESTED else ""
            self.fault(path, f"unknown {what} {quoted(name)}", remedy, key=key)
        return name in known

    def ladder(self) -> bool:
        """Check the ladder; without a sound one nothing else can be checked."""
        form = self.scenario.ladder_
        if isinstance(form, str):
            return self.known(("ladder",), form, ladders.shipped(), "ladder")
        found = list(ladders.faults(form))
        for path, message, remedy in found:
            self.fault(("ladder", *path), message, remedy, key=path[0] in ("moves", "meanings") or (path[0] == "groups" and len(path) == 2))
        return not found

    def names(self) -> None:
        """Check ids, sources, actors and the file's own actions."""
        scenario = self.scenario
        seen: dict[str, int] = {}
        for number, event in enumerate(scenario.events):
            if event.id in seen:
                place = scenario.place("events", seen[event.id], "id")
                self.fault(("events", number, "id"), f"two events are called {quoted(event.id)}", f"rename one; the first is on line {place.line}")
            seen.setdefault(event.id, number)
            if event.id in RESERVED:
                self.fault(("events", number, "id"), f"the id {quoted(event.id)} is reserved", "choose another")
        for name in scenario.choices:
            if name in seen or name in RESERVED:
                self.fault(
                    ("choices", name), f"a choice may not be called {quoted(name)}", "the name is an event's or reserved; choose another", key=True
                )
        self.collisions(seen)
        if scenario.period.from_ > scenario.period.to:
            self.fault(("period",), "the period ends before it begins", "`from` must not be later than `to`")
        elif (scenario.period.end - scenario.period.start) // TICK > LONGEST:
            self.fault(("period",), "the period is longer than 1,000 years", "tell a shorter story")
        if scenario.report is not None:
            self.known(("report",), scenario.report, scenario.sources, "source")

    def told(self) -> None:
        """Check the file's own actions and the background."""
        scenario = self.scenario
        for number, background in enumerate(scenario.background):
            self.actors(("background", number), background.actor, background.target or ())
            self.sources(("background", number), background.cite)
        for name in scenario.actions:
            if name in scenario.ladder.triggers:
                self.fault(("actions", name), f"{quoted(name)} is a trigger of the ladder", "delete it here, or choose another name", key=True)
            elif name in vocabulary.shipped():
                self.fault(("actions", name), f"{quoted(name)} is in the shipped vocabulary", "delete it here, or choose another name", key=True)

    def collisions(self, seen: dict[str, int]) -> None:
        """Check that no two events or choices share the address of their randomness."""
        taken: dict[int, str] = {}
        for kind, name in [("event", name) for name in seen] + [("choice", name) for name in self.scenario.choices]:
            other = taken.setdefault(address(kind, name), name)  # type: ignore[arg-type]
            if other != name:
                path: Path = ("events", seen[name], "id") if kind == "event" else ("choices", name)
                self.fault(path, f"{quoted(name)} and {quoted(other)} would share their random numbers", "rename one of them", key=kind == "choice")

    def actors(self, path: Path, actors: Sequence[str], targets: Sequence[str]) -> None:
        for kind, names in (("actor", actors), ("target", targets)):
            for place, name in enumerate(names):
                self.known((*path, kind, place), name, self.scenario.actors, "actor")

    def sources(self, path: Path, cited: Sequence[str] | None) -> None:
        for place, name in enumerate(cited or ()):
            self.known((*path, "cite", place), name, self.scenario.sources, "source")

    def inside(self, path: Path, day: Day | datetime, *, key: bool = False, middle_of: str = "") -> None:
        """Report a date outside the period."""
        period = self.scenario.period
        moment = day if isinstance(day, datetime) else datetime.combine(day, datetime.min.time())
        if period.start < period.end and not period.start <= moment < period.end:
            remedy = f"the period is {period.from_} to {period.to}: move the date, or widen `period`"
            of = f", the middle of {quoted(middle_of)}," if middle_of else ""
            self.fault(path, f"{moment.date()}{of} lies outside the period", remedy, key=key)

    def event(self, event: Event, path: Path) -> None:
        self.actors(path, event.actor, event.target or ())
        self.sources(path, event.cite)
        self.acts(event, path)
        if event.date is not None:
            self.inside((*path, "date"), event.date.moment, middle_of="" if event.date.exact else event.date.text)
        elif event.delay is None:
            self.fault(
                (*path, "id"),
                f"{quoted(event.id)} has neither a date nor a delay",
                "an event that did not happen needs a `delay`: delay: 2 days",
                lacking=True,
            )
        for place, name in enumerate(event.follows.causes if event.follows else ()):
            self.cause((*path, "follows", "all" if event.follows and event.follows.all else "any", place), name)
        for place, name in enumerate(event.unless or ()):
            if self.known((*path, "unless", place), name, self.scenario.event, "event") and name == event.id:
                self.fault((*path, "unless", place), "an event cannot bar itself", "without `repeats` it happens at most once anyway")
        for mission, statuses in (event.while_ or {}).items():
            self.mission((*path, "while", mission), mission)
            self.status((*path, "while", mission), statuses)
        if event.probability is not None and 0 < event.probability < SMALLEST:
            self.fault((*path, "probability"), "a probability below 2^-33 cannot be told from 0", "write 0, or something larger")
        self.ranges(event, path)

    def cause(self, path: Path, name: str) -> None:
        if name in self.scenario.choices and name not in self.scenario.event:
            self.fault(path, f"{quoted(name)} is a choice", "follow one of its options, or what the choice itself follows")
        else:
            self.known(path, name, self.scenario.event, "event")

    def acts(self, event: Event, path: Path) -> None:
        """Check the actions of an event, and that its triggers address missions."""
        scenario, ladder = self.scenario, self.scenario.ladder
        triggers = [action for action in event.action if action in ladder.triggers]
        for place, action in enumerate(event.action):
            where = (*path, "action", place)
            if action in triggers:
                continue
            known = scenario.vocabulary.get(action)
            if known is not None and known.moves_missions:
                self.fault(
                    where, f"{quoted(action)} moves missions, but this ladder has no such trigger", f"its triggers: {listed(ladder.triggers, 30)}"
                )
            elif known is None and action not in self.lost:
                remedy = suggest(action, [*ladder.triggers, *scenario.vocabulary]) if len(self.problems) < MOST_SUGGESTED else ""
                if not remedy.startswith("did"):
                    remedy = "declare it under `actions:`, or pick one: `escsim list --actions` names them all"
                self.fault(where, f"unknown action {quoted(action)}", remedy)
        if not triggers:
            return
        for kind, names in (("actor", event.actor), ("target", event.target or ())):
            for place, name in enumerate(names):
                if not is_state(name) and name in scenario.actors:
                    self.fault(
                        (*path, kind, place),
                        f"{quoted(name)} is not a state and has no missions",
                        f"{quoted(triggers[0])} is between states: keys of three capitals",
                    )
        if not list(event.pairs()):
            remedy = f"{quoted(event.actor[0])} cannot act on itself: name another target" if event.target else "give a `target`"
            self.fault(
                (*path, "target" if event.target else "id"),
                f"{quoted(triggers[0])} moves missions, but here is nobody on the other side",
                remedy,
                lacking=True,
            )
        missions = {mission for trigger in triggers for mission in event.addressed(ladder.side(trigger))}
        hazard = event.repeats and event.follows is None and event.while_ is None and event.id not in scenario.choice_of
        if hazard and len(missions) > 1:
            self.fault(
                (*path, "repeats"),
                f"a standing hazard for {len(missions)} missions needs a gate",
                "say when it runs: while: {MISSION: STATUS}",
                lacking=True,
            )

    def ranges(self, event: Event, path: Path) -> None:
        """Check that each stated range is of something the event has, and holds its value."""
        known: dict[str, object] = {"probability": 1.0 if event.probability is None else event.probability}
        if event.delay is not None:
            name, law = event.delay.one()
            known |= {name: law} if isinstance(law, Span) else {key: value for key, value in law.given.items() if isinstance(value, float | Written)}
        for name, bounds in (event.range or {}).items():
            if name not in known:
                self.fault(
                    (*path, "range", name),
                    f"{quoted(name)} is neither the probability nor a parameter of the delay",
                    f"known here: {listed(known)}",
                    key=True,
                    lacking=True,
                )
                continue
            self.range((*path, "range", name), known[name], bounds, share=name == "probability")

    def range(self, path: Path, value: object, bounds: tuple[float | str, float | str], *, share: bool = True) -> None:
        try:
            parse = type(value).parse if isinstance(value, Written) else _number
            low, middle, high = (_number(parse(each)) for each in (bounds[0], str(value) if isinstance(value, Written) else value, bounds[1]))
        except ValueError:
            self.fault(path, "the ends of a range are written like the value they are for", "for example [0.2, 0.4], or [1 day, 4 days]")
            return
        if share and not (min(low, high) >= 0 and max(low, high) <= 1):
            self.fault(path, "the ends of a range of a probability lie between 0 and 1", "for example [0.2, 0.4]")
        elif not low <= middle <= high:
            self.fault(path, f"the range does not hold the value {value}", "write the low end first, and let it hold the value", lacking=True)

    def choices(self) -> None:
        scenario = self.scenario
        owner: dict[str, str] = {}
        for name, choice in scenario.choices.items():
            path: Path = ("choices", name)
            if choice.repeats and choice.follows is None:
                self.fault((*path, "repeats"), "a choice that repeats needs something that puts it again", "give it `follows`", key=True)
            self.actors(path, choice.actor, ())
            for place, cause in enumerate(choice.follows.causes if choice.follows else ()):
                self.cause((*path, "follows", "all" if choice.follows and choice.follows.all else "any", place), cause)
            self.options(name, choice, owner)
            total = sum(choice.options.values())
            if abs(total - 1) > 1e-9 and not set(choice.options) & self.lost:
                self.fault(
                    (*path, "options"), f"the shares sum to {total:.6g}, not to 1", "options exclude one another and one comes about", key=True
                )
            dated = [option for option in choice.options if option in scenario.event and scenario.event[option].date]
            if len(dated) > 1 and not choice.repeats:
                self.fault(
                    (*path, "options"),
                    f"history took more than one option: {listed(dated)}",
                    "one of them is another decision, or has no date",
                    key=True,
                )
            for option, bounds in (choice.range or {}).items():
                if self.known((*path, "range", option), option, choice.options, "option", key=True):
                    self.range((*path, "range", option), choice.options[option], bounds)

    def options(self, name: str, choice: Choice, owner: dict[str, str]) -> None:
        """Check that each option is an event of this choice alone; `owner` remembers whose each is."""
        scenario = self.scenario
        for option in choice.options:
            where = ("choices", name, "options", option)
            if option == NOTHING or not self.known(where, option, scenario.event, "event", key=True):
                continue
            if owner.setdefault(option, name) != name:
                self.fault(
                    where, f"{quoted(option)} is already an option of {quoted(owner[option])}", "an event is an option of one choice", key=True
                )
            event, at = scenario.event[option], ("events", scenario.order[option])
            for key in ("follows", "probability", "repeats"):
                if getattr(event, key) not in (None, False):
                    self.fault(
                        (*at, key),
                        f"{quoted(option)} is an option of {quoted(name)} and takes no `{key}`",
                        "its choice calls it: delete the key",
                        key=True,
                    )

    def causes(self) -> None:
        """Check that every dated event can have been called by its date."""
        scenario = self.scenario
        for number, event in enumerate(scenario.events):
            follows = scenario.causes(event)
            if event.date is None or follows is None:
                continue
            path: Path = ("choices", scenario.choice_of[event.id]) if event.id in scenario.choice_of else ("events", number)
            dates = {cause: scenario.event[cause].date for cause in follows.causes}
            late = [cause for cause, date in dates.items() if date is None or date.moment > event.date.moment]
            if late and (follows.all or len(late) == len(dates)):
                dated = dates[late[0]]
                when = f"is dated {dated}, after its effect" if dated else "has no date, so it did not happen"
                message = f"{quoted(event.id)} ({event.date}) follows {quoted(late[0])}, which {when}"
                self.fault((*path, "follows"), message, "correct the dates, or name what really led to it")

    def circles(self) -> None:
        """Check for events that wait for one another, and for links that can never count."""
        scenario = self.scenario
        follows = {event.id: found for event in scenario.events if (found := scenario.causes(event)) is not None}
        effects: dict[str, list[str]] = {}
        for name, found in follows.items():
            for cause in set(found.causes):
                effects.setdefault(cause, []).append(name)
        reached = [event.id for event in scenario.events if event.id not in follows]
        met = dict.fromkeys(follows, 0)
        seen = set(reached)
        for name in reached:  # grows while it is walked
            for effect in effects.get(name, ()):
                met[effect] += 1
                if effect not in seen and (not follows[effect].all or met[effect] == len(set(follows[effect].causes))):
                    seen.add(effect)
                    reached.append(effect)
        waiting = {name: found.causes for name, found in follows.items() if name not in seen}
        self.circle(waiting, "these events wait for one another, so none is ever called", "give one of them another cause, or none")
        once = {name: found.causes for name, found in follows.items() if name in seen and not scenario.repeats(scenario.event[name])}
        self.circle(once, "a circle of events each of which happens at most once", "give one of them `repeats: true`, or drop a link")

    def circle(self, causes: dict[str, tuple[str, ...]], message: str, remedy: str) -> None:
        """Report the circles among some events."""
        scenario = self.scenario
        left = {name: [cause for cause in found if cause in causes] for name, found in causes.items()}
        while left:
            try:
                TopologicalSorter(left).prepare()
            except CycleError as error:
                circle = error.args[1][:-1]
                first = circle.index(min(circle, key=scenario.order.__getitem__))
                chain = [*circle[first:], *circle[:first], circle[first]]
                choice = scenario.choice_of.get(chain[0])
                path: Path = ("choices", choice, "follows") if choice else ("events", scenario.order[chain[0]], "follows")
                shown = [quoted(name) for name in chain]
                shown = shown if len(shown) <= 12 else [*shown[:11], "...", shown[-1]]
                self.fault(path, f"{message}: {' -> '.join(shown)}", remedy)
                left = {name: [cause for cause in found if cause not in circle] for name, found in left.items() if name not in circle}
            else:
                return

    def mission(self, path: Path, mission: str, *, pair: bool = False, key: bool = True) -> None:
        """Check that a mission, or a pair where one may stand, is in this scenario."""
        named = (mission,) if "->" in mission else missions_of(mission)
        sender, host = named[0].split("->")
        if sender == host:
            self.fault(path, f"{mission} is no mission: nobody sends one to itself", "sender->host: PAK->IRN", key=key)
        elif all(self.known(path, actor, self.scenario.actors, "actor", key=key) for actor in (sender, host)):
            members = self.scenario.missions
            if not any(each in members for each in named) and not self.lost:
                known = [*members, *(each.replace("->", "-") for each in members if counterpart(each) in members)] if pair else members
                remedy = f"missions here: {listed(known)}; others can be named in `start`"
                self.fault(path, f"no event moves {mission}, and `start` does not name it", remedy, key=key)

    def status(self, path: Path, names: Sequence[str], *, group: bool = True) -> None:
        """Check statuses, or groups where they may stand."""
        ladder = self.scenario.ladder
        for place, name in enumerate(names):
            self.known((*path, place), name, [*ladder.statuses, *(ladder.groups if group else ())], "status")

    def statuses(self) -> None:
        """Check `start`, `observed` and `never`."""
        scenario = self.scenario
        for mission, status in scenario.start.items():
            self.mission(("start", mission), mission)
            if status in scenario.ladder.groups:
                remedy = f"one of: {listed(scenario.ladder.groups[status])}"
                self.fault(("start", mission), f"{quoted(status)} is a group, and a mission starts in one status", remedy)
            else:
                self.status(("start", mission), [status], group=False)
        for mission, status in scenario.initial.items():
            if status in scenario.ladder.shared and scenario.initial.get(counterpart(mission), status) != status:
                self.fault(
                    ("start",),
                    f"{mission} starts {quoted(status)}, {counterpart(mission)} does not",
                    "both missions of a pair hold this status, or neither",
                    key=True,
                )
        for date, held in scenario.observed.items():
            self.inside(("observed", str(date)), date.day, key=True)
            for who, statuses in held.items():
                self.mission(("observed", str(date), who), who, pair=True)
                self.status(("observed", str(date), who), statuses)
        for number, line in enumerate(scenario.never):
            for who, statuses in line.items():
                self.mission(("never", number, who), who, pair=True)
                self.status(("never", number, who), statuses)

    def held(self, path: Path, held: dict[str, tuple[str, ...]] | None) -> None:
        for who, statuses in (held or {}).items():
            if who != "any":
                self.mission((*path, who), who, pair=True)
            self.status((*path, who), statuses)

    def questions(self) -> None:
        events = self.scenario.event
        for name, question in self.scenario.questions.items():
            path: Path = ("questions", name)
            if question.probability is not None:
                self.condition((*path, "probability"), question.probability)
            self.held((*path, "time_in"), question.time_in)
            if (passage := question.time_to) is not None:
                self.held((*path, "time_to", "reach"), passage.reach)
                for place, event in enumerate(passage.happens or ()):
                    self.known((*path, "time_to", "happens", place), event, events, "event")
                if passage.after is not None:
                    self.known((*path, "time_to", "after"), passage.after, events, "event")
            if question.peak not in (None, "any"):
                self.mission((*path, "peak"), question.peak, pair=True, key=False)
            if question.count is not None:
                self.known((*path, "count"), question.count, events, "event")

    def condition(self, path: Path, condition: Condition) -> None:
        self.held((*path, "reach"), condition.reach)
        self.held((*path, "in"), condition.in_)
        for key, names in (("happens", condition.happens), ("before", condition.before)):
            for place, event in enumerate(names or ()):
                self.known((*path, key, place), event, self.scenario.event, "event")
        if condition.after is not None:
            self.known((*path, "after"), condition.after, self.scenario.event, "event")
        for key, date in (("by", condition.by), ("on", condition.on)):
            if date is not None:
                self.inside((*path, key), date.day)
        for key, parts in (("and", condition.and_), ("or", condition.or_)):
            for place, part in enumerate(parts or ()):
                self.condition((*path, key, place), part)
        if condition.not_ is not None:
            self.condition((*path, "not"), condition.not_)

    def interventions(self) -> None:
        scenario = self.scenario
        for name, change in scenario.what_if.items():
            path: Path = ("what_if", name)
            touched: set[str] = set()
            for place, event in enumerate(change.remove or ()):
                self.known((*path, "remove", place), event, scenario.event, "event")
                touched.add(event)
            for kind, moved in (("move", change.move or {}), ("force", change.force or {})):
                for event, when in moved.items():
                    self.known((*path, kind, event), event, scenario.event, "event", key=True)
                    self.inside((*path, kind, event), when.moment)
                    if kind == "move" and event in scenario.event and scenario.event[event].repeats and scenario.event[event].follows is None:
                        self.fault(
                            (*path, kind, event),
                            f"{quoted(event)} is a standing hazard and has no one date",
                            "`force` it, or `set` its delay",
                            key=True,
                        )
                    if event in touched:
                        self.fault((*path, kind, event), f"{quoted(event)} is changed twice", "remove, move or force it, not two of them", key=True)
                    touched.add(event)
            for choice, option in (change.choose or {}).items():
                if self.known((*path, "choose", choice), choice, scenario.choices, "choice", key=True):
                    self.known((*path, "choose", choice), option, scenario.choices[choice].options, "option")
            for event, new in (change.set or {}).items():
                self.known((*path, "set", event), event, scenario.event, "event", key=True)
                if new.probability is None and new.delay is None:
                    self.fault((*path, "set", event), "nothing is set", "give a probability, a delay, or both", key=True, lacking=True)
                if new.probability is not None and event in scenario.choice_of:
                    self.fault((*path, "set", event, "probability"), f"{quoted(event)} is an option and has no probability", "use `choose`", key=True)


def _number(value: object) -> float:
    """Give a number, a rate or a span as a number to compare; raises ValueError for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Rate | Span):
        return value.per_tick if isinstance(value, Rate) else value.ticks
    raise ValueError(value)

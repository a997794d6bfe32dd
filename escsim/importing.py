"""From rows of event data to the skeleton of a scenario: reports of one act folded, and what the codes cannot tell left open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date as Day
from datetime import timedelta
from functools import lru_cache
from textwrap import wrap
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from escsim import actions as vocabulary
from escsim.codes import IGNORE, Codes, Who
from escsim.errors import MOST_SHOWN, Place, Problem, ScenarioError, plain, quoted
from escsim.ladder import Ladder, load_shipped
from escsim.layouts import Fault, Row, Sheet
from escsim.process import MOST
from escsim.reading import MOST_BYTES
from escsim.scenario import Event
from escsim.times import YEARS

MOST_ACTS = 20_000  # kept while a file is read
MOST_NAMED = 5  # rows, codes and publishers named with one act
MARGIN = timedelta(days=7)  # before the first and after the last date
FEWER = "choose fewer rows: --actors IRN,PAK --from 2024-01-15 --to 2024-03-31"
OPEN = "open_question"
HOSTED = {"host_visit": "visit"}  # the same seen from the other side


class Question(NamedTuple):
    """What the data cannot tell, to be asked of the author."""

    row: int
    text: str


@dataclass
class Act:
    """What somebody did to somebody on a day, folded from all the rows that report it."""

    date: Day
    actions: tuple[str, ...]
    ways: dict[tuple[str, str], None] = field(default_factory=dict)  # (source, target), each once, the first first
    codes: Counter[str] = field(default_factory=Counter)
    rows: list[int] = field(default_factory=list)
    count: int = 0
    reports: int = 0
    publishers: dict[str, None] = field(default_factory=dict)
    text: str = ""

    def add(self, row: Row, way: tuple[str, str]) -> None:
        """Fold a row in."""
        self.ways[way] = None
        self.count += 1
        self.reports += row.reports
        self.text = self.text or row.text
        if row.code in self.codes or len(self.codes) < MOST_NAMED:
            self.codes[row.code] += 1
        if len(self.rows) < MOST_NAMED:
            self.rows.append(row.number)
        if row.publisher and len(self.publishers) < MOST_NAMED:
            self.publishers[row.publisher] = None

    @property
    def actor(self) -> tuple[str, ...]:
        """Who acted: both sides if the data have it in both directions."""
        return next(iter(self.ways)) if len(self.ways) > 1 else (next(iter(self.ways))[0],)

    @property
    def target(self) -> tuple[str, ...]:
        """On whom; nobody if both acted on one another."""
        return () if len(self.ways) > 1 else (next(iter(self.ways))[1],)


@dataclass
class Wanted:
    """Which rows are wanted: between these actors if any are named, on these days, and of acts with so many reports."""

    actors: Collection[str] = ()
    first: Day = Day.min
    last: Day = Day.max
    reports: int = 1


@dataclass
class Gathered:
    """What came of the rows of a file.

    Attributes
    ----------
    acts : dict
        The acts by what makes them one.
    actors : dict of str to str
        Key -> name of everyone in them.
    rows : int
        How many were read, blank lines apart.
    left : collections.Counter
        How many were left out, by the reason.
    malformed : int
        How many are wrong, of which `faults` holds the first.
    faults : list of Fault
    strangers : dict of str to Question
        What to ask of the actors of whom nothing tells whether they are states.
    """

    acts: dict[tuple[Any, ...], Act] = field(default_factory=dict)
    actors: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    left: Counter[str] = field(default_factory=Counter)
    malformed: int = 0
    faults: list[Fault] = field(default_factory=list)
    strangers: dict[str, Question] = field(default_factory=dict)

    @property
    def folded(self) -> int:
        """How many rows report an act that another one reports too."""
        return sum(act.count - 1 for act in self.acts.values())


def gather(sheet: Sheet, name: str, codes: Codes, wanted: Wanted) -> Gathered:
    """Read the rows of a file and fold them into acts, in bounded memory.

    Raises
    ------
    ScenarioError
        If there are more acts than can be kept.
    """
    found, who = Gathered(), lru_cache(10_000)(codes.who)
    for row in sheet.rows:
        found.rows += 1
        meaning = None if isinstance(row, Fault) else codes.meaning(row.code)
        if isinstance(row, Fault):
            _count(found, row)
        elif meaning is None:
            remedy = "a CAMEO code has two to four digits, which programs for tables shorten (042 to 42), or map it: `codes:` of --map"
            _count(found, Fault(row.number, f"unknown code {quoted(row.code)}", remedy))
        elif not wanted.first <= row.date <= wanted.last:
            found.left["of other days"] += 1
        elif (source := who(row.source)) is None or (target := who(row.target)) is None or source.key == target.key:
            found.left["without two actors"] += 1
        elif wanted.actors and not {source.key, target.key} <= set(wanted.actors):
            found.left["between others"] += 1
        elif IGNORE in meaning:
            found.left["with codes to ignore"] += 1
        else:
            _fold(found, row, meaning, (source, target), codes.both_ways)
        if len(found.acts) > MOST_ACTS:
            raise ScenarioError([Problem(Place(name, row.number), f"more than {MOST_ACTS:,} events up to here", FEWER)])
    rare = {key: act for key, act in found.acts.items() if act.reports < wanted.reports}
    found.acts = {key: act for key, act in found.acts.items() if key not in rare}
    found.left["with fewer reports"] += sum(act.count for act in rare.values())
    there = {key for act in found.acts.values() for way in act.ways for key in way}
    found.actors = {key: name for key, name in found.actors.items() if key in there}
    found.left += Counter()  # drops what is 0
    return found


def _count(found: Gathered, fault: Fault) -> None:
    found.malformed += 1
    if len(found.faults) < MOST_SHOWN:
        found.faults.append(fault)


def _fold(found: Gathered, row: Row, meaning: tuple[str, ...], sides: tuple[Who, Who], both_ways: Collection[str]) -> None:
    """Put a row to the act that it reports."""
    for side in sides:
        if side.key not in found.actors and not side.known:
            asked = f"who is {quoted(side.name)}? not known as a state; say it under `actors:` of a map (--map), or change the key here"
            found.strangers[side.key] = Question(row.number, asked)
        found.actors.setdefault(side.key, side.name)
    source, target = sides[0].key, sides[1].key
    if meaning[0] in HOSTED and len(meaning) == 1:
        meaning, source, target = (HOSTED[meaning[0]],), target, source
    way = (source, target)
    mutual = set(meaning) <= set(both_ways)
    act = found.acts.setdefault((row.date, tuple(sorted(way)) if mutual else way, meaning), Act(row.date, meaning))
    act.add(row, way)


class Missions:
    """Where the missions stand as the skeleton goes on, to know what the ladder admits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ladder: Ladder = load_shipped(name)
        self.held: dict[str, str] = {}
        self.moved: dict[str, Day] = {}

    def effect(self, act: Act) -> tuple[str, str]:
        """Give the action to write for an act, and what to ask of it if that is left open."""
        words = self._possible(act)
        actor, target = " and ".join(act.actor), f" to {act.target[0]}" if act.target else ""
        code = next(iter(act.codes))
        if len(words) > 1:
            return OPEN, f"code {code}: what did {actor} do{target}? one or more of {', '.join(words)}"
        if words[0] in self.ladder.triggers:
            doubt = self._doubt(act, words[0])
        else:
            doubt = f"the ladder {self.name!r} has no such step" if vocabulary.shipped()[words[0]].moves_missions else ""
        return (OPEN, f"code {code}: {words[0]} by {actor}{target}? {doubt}") if doubt else (words[0], "")

    def _possible(self, act: Act) -> tuple[str, ...]:
        """Give those of an act's actions that the ladder knows, and of others than states those that move no mission."""
        known = vocabulary.shipped()
        states = all(re.fullmatch("[A-Z]{3}", key) for key in (*act.actor, *act.target))
        fit = tuple(word for word in act.actions if not known[word].moves_missions or (states and word in self.ladder.triggers))
        return fit or act.actions

    def _doubt(self, act: Act, trigger: str) -> str:
        """Move the missions that a trigger addresses, or say why that is not sure."""
        event = Event(id="it", actor=act.actor, target=act.target or None, action=(trigger,))
        missions = event.addressed(self.ladder.side(trigger))
        for mission in missions:
            held = self.held.get(mission, self.ladder.initial)
            if not re.fullmatch("[A-Z]{3}->[A-Z]{3}", mission):
                return f"{mission} is no mission: one side is no state"
            if self.moved.get(mission) == act.date:
                return f"something else moves {mission} on this day, and the order is not known"
            if held not in self.ladder.triggers[trigger]:
                return f"{mission} is {held} by then, and the ladder admits it only from {', '.join(self.ladder.triggers[trigger])}"
        for mission in missions:
            self.held[mission] = self.ladder.triggers[trigger][self.held.get(mission, self.ladder.initial)]
            self.moved[mission] = act.date
        return ""


class Skeleton(NamedTuple):
    """A scenario to be completed by its author: its text, how many events it has, and what it asks, in order."""

    text: str
    events: int
    questions: list[Question]


def skeleton(found: Gathered, name: str, ladder: str) -> Skeleton:
    """Write what was gathered as a scenario.

    Parameters
    ----------
    found : Gathered
        With one act at least.
    name : str
        Of the file that it comes from.
    ladder : str
        Name of a ladder that ships.

    Raises
    ------
    ScenarioError
        If it would be larger than a scenario can be.
    """
    name = plain(name, 200)
    _fit(found, name)
    acts = sorted(found.acts.values(), key=lambda act: (act.date, act.rows[0]))
    missions, sources, ids = Missions(ladder), Sources(acts), Counter[str]()
    questions: list[Question] = []

    def asking(question: Question) -> list[str]:
        questions.append(question)
        text = f"QUESTION {len(questions)} ({name}, row {question.row}): {question.text}"
        return wrap(text, 116, initial_indent="  # ", subsequent_indent="  #   ", break_long_words=False, break_on_hyphens=False)

    events: list[str] = []
    for act in acts:
        action, asked = missions.effect(act)
        events += [*(asking(Question(act.rows[0], asked)) if asked else ()), *_event(act, _id(act, action, ids), action, sources), ""]
    actors: list[str] = []
    for key, said in sorted(found.actors.items()):
        actors += [*(asking(found.strangers[key]) if key in found.strangers else ()), f"  {_text(key)}: {_text(said)}"]
    often = Counter(key for act in acts for key in (*act.actor, *act.target))
    title = " and ".join(found.actors[key] for key, _ in sorted(often.most_common(2)))
    first, last = max(acts[0].date, Day(YEARS[0], 1, 8)) - MARGIN, min(acts[-1].date, Day(YEARS[-1], 12, 24)) + MARGIN
    away = {mission: status for mission, status in missions.held.items() if status != missions.ladder.initial}
    lines = [
        *_head(name, len(questions)),
        f"title: {_text(f'{title}, {acts[0].date} to {acts[-1].date}')}",
        "",
        *_mapping("sources", sources.names),
        *["actors:", *actors, ""],
        *[f"ladder: {ladder}", ""],
        *_mapping("actions", {OPEN: "What was done is still to be found out; see the comment above the event."} if questions else {}),
        f"period: {{from: {first}, to: {last}}}",
        *["", "events:", *events],
        *(["# Nothing in the data leads out of these again.", *_mapping("unresolved", away)] if away else ()),
        *["limits:", f"  - {_text(f'Made by escsim import of event data, {name}, that is of codes which nobody has held against the reports yet.')}"],
    ]
    text = "\n".join(lines) + "\n"
    if len(missions.held) > MOST["missions"] or len(text.encode()) > MOST_BYTES:
        message = f"the scenario would have more than {MOST['missions']} missions or {MOST_BYTES:,} bytes, and could not be read"
        raise ScenarioError([Problem(Place(name), message, FEWER)])
    return Skeleton(text, len(acts), questions)


def _fit(found: Gathered, name: str) -> None:
    """Refuse more acts than a scenario can have events; says how many reports those must have that fit."""
    most, counts = MOST["events"], sorted((act.reports for act in found.acts.values()), reverse=True)
    if len(counts) > most:
        message = f"{len(counts):,} events are more than a scenario can have, {most}"
        kept = sum(each > counts[most] for each in counts)
        few = f"; or those that many report: --reports {counts[most] + 1} leaves {kept}" if kept else ""
        raise ScenarioError([Problem(Place(name), message, FEWER + few)])


def _head(name: str, questions: int) -> list[str]:
    """Say at the head of the file what is still to do."""
    todo = [
        "read the events against the reports: delete what does not belong or is told twice, write what happened as `text`",
        "say with `follows:` what led to what, which no code tells; until then every event keeps its date in all variants",
        "add what might have happened and did not, and questions; `escsim check` tells after each step whether all fits",
    ]
    if questions:
        todo.insert(0, f"answer what is marked # QUESTION ({questions} in all), with the right word in place of `{OPEN}`")
    return [f"# The skeleton of a scenario, made of {name}. What to do next:", "#", *(f"#   {n}. {each}" for n, each in enumerate(todo, 1)), ""]


class Sources:
    """The publishers of a file, each once: where a row has an address, its site."""

    def __init__(self, acts: Iterable[Act]) -> None:
        self.names: dict[str, str] = {}
        self.key_of: dict[str, str] = {}
        for said in (said for act in acts for said in act.publishers):
            site = _site(said)
            if site not in self.key_of:
                key = re.sub("[^a-z0-9]+", "_", site.lower()).strip("_")[:50]
                key = key if re.match("[a-z]", key) else f"source_{key}".rstrip("_")
                free = next(each for each in (key, *(f"{key}_{number}" for number in range(2, len(self.names) + 3))) if each not in self.names)
                self.key_of[site], self.names[free] = free, site

    def cited(self, act: Act) -> list[str]:
        """Give the keys of those who report an act."""
        return list(dict.fromkeys(self.key_of[_site(said)] for said in act.publishers))


def _site(said: str) -> str:
    try:
        site = urlsplit(said).netloc.lower().removeprefix("www.")
    except ValueError:  # of brackets that hold no address
        site = ""
    return (site or said)[:100]


def _id(act: Act, action: str, ids: Counter[str]) -> str:
    """Name an event by what it is, who acts on whom, and its day."""
    stem = "_".join(("open" if action == OPEN else action, *act.actor, *act.target)).lower()[:48].rstrip("_") + f"_{act.date:%m%d}"
    ids[stem] += 1
    return stem if ids[stem] == 1 else f"{stem}_{ids[stem]}"


def _event(act: Act, name: str, action: str, sources: Sources) -> list[str]:
    """Write an event, with the rows that report it in a comment above."""
    more = f" and {act.count - len(act.rows):,} more" if act.count > len(act.rows) else ""
    rows = f"row{'s' * (act.count > 1)} {', '.join(map(str, act.rows))}{more}"
    link = next((f": {said}" for said in act.publishers if _site(said) != said), "")
    codes = f"{' and '.join(act.codes)} in {act.reports:,} report{'s' * (act.reports != 1)}."
    told = f"Coded {codes}" if action == OPEN else f"{action.replace('_', ' ').capitalize()}, coded {codes}"
    said = {
        "date": str(act.date),
        "actor": _list(act.actor),
        "target": _list(act.target),
        "action": action,
        "text": _text(act.text or told),
        "cite": _list(sources.cited(act)),
    }
    return [f"  # {rows}{link}", f"  - id: {name}", *(f"    {key}: {value}" for key, value in said.items() if value)]


def _list(names: Collection[str]) -> str:
    texts = [_text(name) for name in names]
    return f"[{', '.join(texts)}]" if len(texts) > 1 else "".join(texts)


def _mapping(name: str, entries: dict[str, str]) -> list[str]:
    return [f"{name}:", *(f"  {_text(key)}: {_text(text)}" for key, text in entries.items()), ""] if entries else []


def _text(text: str) -> str:
    """Write a text as one line of YAML, in quotes where it needs them."""
    number = re.match("[-+.0-9]", text)  # may be one to YAML 1.2, such as 0E0, that is a text to PyYAML
    return yaml.safe_dump(text, default_style='"' if number else None, allow_unicode=True, width=10**9).removesuffix("...\n").rstrip("\n")


def faulty(name: str, fault: Fault) -> str:
    """Say what is wrong with a row."""
    return f"{plain(name, 200)}:{fault.number}: error: {fault.message}\n    {fault.remedy}"

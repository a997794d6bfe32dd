"""A lesson made from a scenario: its screens in order, the story that they tell, and the tables that they look numbers up in.

The class predicts, commits, sees what came, asks why, varies and compares. A screen knows how much of history has been told by
then (`upto` steps, of which those from `since` on are new), so that none can tell more; the page draws what it is given.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from escsim import __version__
from escsim.absence import levels
from escsim.captions import words
from escsim.ensemble import Ensemble
from escsim.errors import Problem, ScenarioError
from escsim.palette import looks
from escsim.questions import passage
from escsim.reasons import Reason, why
from escsim.scenario import NOTHING, Condition, Question, Scenario
from escsim.tables import branches, chart_days, dots, named, offered, outcome, runs, sampled, settled, slider
from escsim.trajectory import Trajectory

MINUTES = (5, 15, 45)
VARIANTS = 100_000
_BUDGET = {5: 1, 15: 6, 45: 1000}  # event screens beside those of decisions
_EDGES = (1, 3, 7, 30, 91, 182, 365, 1095, 1825, 3650)  # days: the bounds of what may be guessed, whatever happened

Screen = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How a lesson is to be: what the flags of `escsim page` say.

    Attributes
    ----------
    minutes : int
        5, 15 or 45: how much of the story has a screen of its own, and what follows it.
    n, seed : int
        Variants of every table, and their seed; by default 100,000 and the file's.
    lang : str
        The language of everything that the scenario itself does not say.
    slider : str or None
        The number that the slider moves; by default the one with a stated range that moves the outcome most.
    quiz, answers : bool
        Whether there are two questions before and after, and a page of answers behind the exercise sheet.
    start, text : int
        The screen to open on, from 1, and by how many steps text is enlarged.
    notes, keys : bool
        Whether notes for the teacher are shown, and whether single letters and digits act at once.
    """

    minutes: int = 15
    n: int = VARIANTS
    seed: int | None = None
    lang: str = "en"
    slider: str | None = None
    quiz: bool = False
    answers: bool = False
    start: int = 1
    text: int = 0
    notes: bool = False
    keys: bool = True


PLAIN = Options()


class Asked(NamedTuple):
    """The question whose answer the class guesses as a number of days, and the steps of history from which and by which it is answered."""

    name: str
    question: Question
    since: int
    until: int


def lesson(scenario: Scenario, options: Options = PLAIN) -> dict[str, Any]:
    """Make a lesson: everything that the page needs, as plain data.

    Raises
    ------
    ScenarioError
        If the scenario has no history, no mission, or no `limits` to teach, or does not replay.
    ValueError
        If the number for the slider is none of the file, or has no range.
    """
    history = _taught(scenario)
    base = scenario.simulate(options.n, options.seed, asked={name: each for name, each in scenario.questions.items() if each.time_to or each.time_in})
    unit, asked = base.unit(), _asked(base, history)
    goal, days = outcome(scenario, unit), chart_days(scenario, history)
    screens = plan(history, options, asked)
    data = {
        "version": __version__,
        "name": scenario.name,
        "hash": scenario.hash,
        "n": base.n,
        "seed": base.seed,
        "options": {"start": options.start, "text": options.text, "notes": options.notes, "keys": options.keys, "answers": options.answers},
        **_story(scenario, history, unit),
        "history": _path(history, goal.unit),
        "screens": screens,
        "outlook": _outlook(history, base, unit, screens),
        "asked": None if asked is None else _number(base, asked),
        "outcome": {**goal.to_dict(), "text": scenario.questions[goal.name].text if goal.name else None},
        "days": [day.isoformat() for day in days],
        "base": sampled(base, goal, days),
    }
    kinds = {screen["kind"] for screen in screens}
    if "runs" in kinds:
        data["runs"] = list(runs(base, goal.unit))
    if "slider" in kinds:
        data["slider"] = slider(scenario, options.slider, goal, base, days)
        data["screens"] = [screen for screen in screens if screen["kind"] != "slider" or data["slider"]]
    if "whatif" in kinds:
        data["branches"] = branches(scenario, goal, base, days)
    data["tasks"] = _tasks(_puts(scenario), data["screens"], data)
    return data


def _taught(scenario: Scenario) -> Trajectory:
    """Give the history to be taught."""
    history, place = scenario.history(), scenario.place()
    problems = []
    if history is None:
        problems.append(Problem(place, "a lesson tells what happened, and no event of this file has a date", "give events a `date`"))
    if not scenario.missions:
        problems.append(
            Problem(place, "a lesson follows missions, and no event of this file can move one", "use a trigger of the ladder as an `action`")
        )
    if not scenario.limits:
        problems.append(
            Problem(
                place, "a lesson ends with what the model cannot tell, and this file has no `limits`", "limits: [Domestic politics are left out.]"
            )
        )
    if problems or history is None:
        raise ScenarioError(problems)
    return history


# ---- the screens


def plan(history: Trajectory, options: Options, asked: Asked | None) -> list[Screen]:
    """Put the screens of a lesson in order."""
    told = list(_told(history, options.minutes))
    if options.minutes == min(MINUTES):
        first = next((place for place, screen in enumerate(told) if screen["kind"] == "reveal"), 0)
        told = told[: first + 1]
        if asked is not None and told and told[-1]["upto"] > asked.since:  # else the question would tell what is still to come
            told.append({"kind": "guess", "upto": told[-1]["upto"]})
    elif asked is not None:
        _guessed(told, asked)
    quiz = {when: [{"kind": "quiz", "when": when, "question": number} for number in (0, 1) if options.quiz] for when in ("before", "after")}
    after: list[Screen] = [
        {"kind": kind, "upto": len(history.steps)} for kind in _after(options.minutes, asked is not None, bool(history.scenario.what_if))
    ]
    last: list[Screen] = [{"kind": kind} for kind in ("tally", "sheet") if options.quiz or kind != "tally"]
    screens: list[Screen] = [{"kind": "title"}, *quiz["before"], {"kind": "begin"}, *told, *after, *quiz["after"], *last]
    known = 0
    for screen in screens:
        screen["since"], screen["upto"] = known, screen.get("upto", known)
        known = screen["upto"]
    return screens


def _after(minutes: int, asked: bool, what_if: bool) -> list[str]:
    """Name the screens that follow the story: the shortest lesson has the answer and the numbers, the longest everything."""
    if minutes == min(MINUTES):
        return [*(["number"] if asked else []), "many", "limits"]
    long = minutes == max(MINUTES)
    changes = ["whatif", "effect", "twins"] if what_if else []
    return ["runs", "many", "slider", *changes, *(["outlook"] if long else []), "limits", *(["own"] if long else [])]


def _told(history: Trajectory, minutes: int) -> Iterator[Screen]:
    """Tell history: a screen for every event that matters, and two for every decision, before it is known and after."""
    decisions = _decisions(history)
    shown, known = _chosen(history, minutes), 0
    for place in range(len(history.steps) + 1):
        for choice, option in decisions.get(place, []):
            yield {"kind": "decide", "choice": choice, "upto": max(known, place)}
            known = place if option == NOTHING else _day_told(history, place, decisions, minutes)
            yield {"kind": "reveal", "choice": choice, "option": option, "upto": known}
        if place in shown and place >= known:
            known = _day_told(history, place, decisions, minutes)
            yield {"kind": "event", "event": history.steps[place].event, "upto": known}
    if known < len(history.steps) and minutes != min(MINUTES):
        yield {"kind": "event", "event": history.steps[-1].event, "upto": len(history.steps)}


def _day_told(history: Trajectory, place: int, decisions: dict[int, Any], minutes: int) -> int:
    """Give up to which step a screen tells: it takes in what else came on that day, unless the lesson is long, the next decision or what puts it."""
    puts, until = _puts(history.scenario), place + 1
    while (
        minutes < max(MINUTES)
        and until < len(history.steps)
        and until not in decisions
        and history.steps[until].event not in puts
        and history.moment(history.steps[until]).date() == history.moment(history.steps[place]).date()
    ):
        until += 1
    return until


def _puts(scenario: Scenario) -> set[str]:
    """Name the events that put a decision."""
    return {cause for choice in scenario.choices.values() if choice.follows for cause in choice.follows.causes}


def _decisions(history: Trajectory) -> dict[int, list[tuple[str, str]]]:
    """Give the choices that history put, with what it picked, by the step before which the class decides; each once."""
    found: dict[int, list[tuple[str, str]]] = {}
    events = [step.event for step in history.steps]
    seen = set()
    for note in history.notes:
        if note.stage != "chosen" or note.by in seen:
            continue
        seen.add(note.by)
        if note.event == NOTHING:
            place = sum(step.tick <= note.tick for step in history.steps)
        elif note.event in events:
            place = events.index(note.event)
        else:
            continue
        found.setdefault(place, []).append((note.by, note.event))
    return found


def _chosen(history: Trajectory, minutes: int) -> set[int]:
    """Choose the steps that have a screen of their own: those that put a decision, move a mission, lead on or are asked about."""
    scenario = history.scenario
    puts = _puts(scenario)
    leads = [cause for event in scenario.events if event.follows and event.date for cause in event.follows.causes]
    about = {event for question in scenario.questions.values() for event in _named(question)}

    def weight(place: int) -> float:
        step = history.steps[place]
        return 4 * (step.event in puts) + 3 * bool(step.moves) + 1.5 * (step.event in about) + 0.5 * leads.count(step.event)

    places = [place for place, step in enumerate(history.steps) if step.event not in scenario.choice_of]
    return set(sorted(places, key=lambda place: (-weight(place), place))[: _BUDGET[minutes]])


def _named(question: Question) -> Iterator[str]:
    """Name the events that a question asks about."""

    def within(condition: Condition) -> Iterator[str]:
        yield from (*(condition.happens or ()), *(condition.before or ()), *filter(None, [condition.after]))
        for each in (*(condition.and_ or ()), *(condition.or_ or ()), *filter(None, [condition.not_])):
            yield from within(each)

    if question.probability is not None:
        yield from within(question.probability)
    if question.time_to is not None:
        yield from (*(question.time_to.happens or ()), *filter(None, [question.time_to.after]))


def _asked(base: Ensemble, history: Trajectory) -> Asked | None:
    """Choose the number to be guessed: the first time to something that history answers, else the first time in a status."""
    scenario, world = base.scenario, base.history()
    assert world is not None
    ticks = [step.tick for step in history.steps]
    for name, question in scenario.questions.items():
        if question.time_to is not None:
            since, until = (int(each[0]) for each in passage(world, question.time_to))
            if until in ticks:
                return Asked(
                    name, question, ticks.index(since) if since in ticks else -1, max(place for place, tick in enumerate(ticks) if tick == until)
                )
    for name, question in scenario.questions.items():
        if question.time_in is not None:
            return Asked(name, question, -1, len(ticks) - 1)
    return None


def _guessed(told: list[Screen], asked: Asked) -> None:
    """Put the guess after the last decision before the answer is known, and the answer after the step that brings it."""
    answered = next((place for place, screen in enumerate(told) if screen["upto"] > asked.until), len(told))
    decided = [place + 1 for place, screen in enumerate(told[:answered]) if screen["kind"] == "reveal" and screen["upto"] > asked.since]
    guess = decided[-1] if decided else answered - (answered > 0 and answered < len(told) and told[answered]["kind"] == "reveal")
    told.insert(
        min(answered + 1, len(told)), {"kind": "number", "upto": max([asked.until + 1, *(screen["upto"] for screen in told[: answered + 1])])}
    )
    told.insert(guess, {"kind": "guess", "upto": told[guess - 1]["upto"] if guess else 0})


# ---- the story


def _story(scenario: Scenario, history: Trajectory, unit: str) -> dict[str, Any]:
    """Give what happened, with reasons, and the names of everything that the page speaks of."""
    look, ladder = looks(scenario.ladder), scenario.ladder
    first = scenario.members(unit)
    return {
        "title": scenario.title,
        "period": [str(scenario.period.from_.day), str(scenario.period.to.day)],
        "actors": scenario.actors,
        "statuses": [
            {"key": status, "name": words(status), "meaning": ladder.meaning(status), **look[status]._asdict()} for status in ladder.statuses
        ],
        "actions": {name: words(name) for event in scenario.events for name in event.action} | {name: words(name) for name in ladder.triggers},
        "missions": {mission: scenario.initial[mission] for mission in (*first, *(each for each in scenario.missions if each not in first))},
        "unit": unit,
        "mild": list(levels(scenario, unit).kept),
        "events": {event.id: {"name": named(event)} for event in scenario.events},
        "choices": {
            name: {
                "actors": list(choice.actor),
                "question": choice.question,
                "options": {option: offered(scenario, name, option) for option in choice.options},
                "shares": choice.options,
                "basis": choice.basis,
            }
            for name, choice in scenario.choices.items()
        },
        "steps": [_step(history, place) for place in range(len(history.steps))],
        "ways": [[trigger, source, dest] for trigger, ways in ladder.triggers.items() for source, dest in ways.items()],
        "limits": list(scenario.limits),
    }


def _path(history: Trajectory, unit: str) -> list[list[str]]:
    """Give since which day a unit stood in which status."""
    path = [[str(history.scenario.period.from_.day), history.status_at(unit, -1)]]
    for step in history.steps:
        day, status = f"{history.moment(step):%Y-%m-%d}", history.status_at(unit, step.tick)
        if status != path[-1][1]:
            path = [each for each in path if each[0] != day] + [[day, status]]
    return path


def _tasks(puts: set[str], screens: list[Screen], data: dict[str, Any]) -> list[dict[str, Any]]:
    """Set the tasks of the exercise sheet: each with its key in the strings, values, room to write on in lines, and the answer in parts."""
    shown = {screen.get("event") or screen.get("option") for screen in screens}
    steps, tasks = data["steps"], list[dict[str, Any]]()
    members = [who for who in data["missions"] if who == data["unit"] or set(who.split("->")) == set(data["unit"].split("-"))]
    moving = [(step, move) for step in steps for move in step["moves"] if move[0] in members]
    if moving:
        days = list(dict.fromkeys(step["day"] for step, _ in moving))
        days = list(dict.fromkeys([days[0], days[len(days) // 2], days[-1]]))
        answer = [
            ("answer_move", {"day": step["day"], "event": step["event"], "mission": who, "from": source, "to": dest})
            for step, (who, source, dest, _) in moving
            if step["day"] in days
        ]
        tasks.append({"task": ("task_standing", {"unit": data["unit"], "dates": days}), "room": 2, "answer": answer})
    telling = [step for step in steps if step["event"] in shown and any(key == "nothing" for key, _ in step["why"])]
    still = next((step for step in telling if step["event"] in puts), telling[0] if telling else None)
    if still is not None:
        answer = [(f"why_{key}", values) for key, values in still["why"] if key in ("nothing", "lacking", "lacking_some", "stayed")]
        tasks.append({"task": ("task_still", {"event": still["event"], "day": still["day"]}), "room": 2, "answer": answer})
    for choice in [screen["choice"] for screen in screens if screen["kind"] == "decide"][:1]:
        tasks.append({"task": ("task_choice", {"choice": choice}), "room": 3, "answer": [("answer_open", {})]})
    found = data["base"]["outcome"]
    answer = [("of_twenty", {"n": round(20 * found["estimate"])}), ("share_small", {"percent": found["estimate"], "interval": found})]
    tasks.append({"task": ("task_share", {}), "room": 1, "answer": answer})
    for change in data.get("branches", [])[:1]:
        answer = [("effect_points", {"points": change["effect"]["estimate"]})]
        tasks.append({"task": ("task_branch", {"text": change["text"] or words(change["name"])}), "room": 2, "answer": answer})
    return [*tasks[:4], {"task": ("task_limit", {}), "room": 2, "answer": [("answer_open", {})]}]


def _step(history: Trajectory, place: int) -> dict[str, Any]:
    scenario, step = history.scenario, history.steps[place]
    event = history.event(step)
    assert event.date is not None
    return {
        "event": event.id,
        "day": f"{history.moment(step):%Y-%m-%d}",
        "dated": None if event.date.exact else event.date.text,
        "actors": list(event.actor),
        "targets": list(event.target or ()),
        "actions": list(event.action),
        "text": event.text,
        "sources": [scenario.sources[key] for key in event.cite or ()],
        "confidence": event.confidence,
        "disputed": event.disputed,
        "stated": scenario.reported(event),
        "moves": [[move.mission, move.source, move.dest, move.trigger] for move in step.moves],
        "why": why(history, place),
    }


def _outlook(history: Trajectory, base: Ensemble, unit: str, screens: list[Screen]) -> dict[str, Any]:
    """Forecast, from the morning after each screen on which a day is told to its end, where the unit stands when the period ends.

    The screen is told which forecast is its own.
    """
    scenario = base.scenario
    goal = settled(scenario, unit)
    days = [history.moment(step).date() for step in history.steps]
    found: dict[str, Any] = {str(scenario.period.from_.day): goal.of(base)._asdict()}
    for screen in screens:
        known = screen["upto"]
        if screen["kind"] not in ("event", "reveal") or not known or (known < len(days) and days[known] == days[known - 1]):
            continue
        morning = days[known - 1] + timedelta(days=1)
        if morning <= scenario.period.to.day and str(morning) not in found:
            found[str(morning)] = goal.of(scenario.simulate(base.n, base.seed, given=morning))._asdict()
            screen["outlook"] = str(morning)
    return found


def _number(base: Ensemble, asked: Asked) -> dict[str, Any]:
    """Give the question to be guessed, what may be guessed, and the answers: of history, and of the variants."""
    answer = base.answers({asked.name: asked.question})[asked.name]
    edges = [days for days in _EDGES if days < len(base.days)][-3:] or [1]
    options: list[Reason] = [
        ("up_to_more", {"span": edge, "least": below}) if below else ("up_to", {"span": edge}) for below, edge in pairwise([0, *edges])
    ]
    within = {name: getattr(answer, name) for name in ("estimate", "low", "high")}
    certain = "median" if answer.high is not None else "median_open"
    return {
        "text": asked.question.text or words(asked.name),
        "history": answer.replay,
        "asked": answer.asked,
        "median": (certain, within) if answer.estimate is not None else ("median_beyond", {}),
        "dots": dots(asked.question, base),
        "options": [*options, ("longer", {"span": edges[-1]})],
        "came": len(edges) if answer.replay is None else bisect_left(edges, float(answer.replay)),
    }

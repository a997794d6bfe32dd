"""Scenario files at random, as plain data, and dice for tests.

`scenario` is valid by construction: what follows what is a ranking, with some links backwards to what repeats.
`history` is told the way history is: the ladder is walked, the walk is what is dated, and all else is hung on it.
Both draw only whole numbers, through `Pick`, so that Hypothesis is quick and shrinks to the first of everything;
`Pick(random.Random(n).randrange)` gives the same scenarios without Hypothesis. `load` turns the data into a
`Scenario` through the reader and all checks.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

from escsim.library import validate
from escsim.reading import read
from escsim.scenario import Choice, Event, Scenario

T = TypeVar("T")
Data = dict[str, Any]

HOUR = 3_600_000_000
DAY = 24 * HOUR
FIRST = datetime(2024, 1, 1)
DAYS = 10
STATES = ["AAA", "BBB", "CCC", "DDD"]
PLAIN = ["strike", "protest", "grumble"]  # move nothing; the third is the file's own
PERIOD = {"from": "2024-01-01", "to": "2024-01-10"}

# At least six hours wherever something may come round again: no run is stopped by the limit on firings.
LATER: list[Any] = [
    "6 hours",
    "1 day",
    {"exponential": {"mean": "3 days"}},
    {"lognormal": {"median": "1 day", "sigma": 0.6}},
    {"weibull": {"shape": 1.5, "scale": "2 days"}},
    {"gamma": {"mean": "2 days", "cv": 0.5}},
    {"uniform": {"low": "1 day", "high": "4 days"}},
    {"triangular": {"low": "0 days", "mode": "1 day", "high": "4 days"}},
    {"empirical": {"values": ["1 day", "2 days"], "interpolation": "step"}},
    {"lognormal": {"q10": "1 day", "q90": "4 days"}},
    "8 days",
]
DELAYS: list[Any] = ["0 days", *LATER]

_folder = tempfile.TemporaryDirectory()
atexit.register(_folder.cleanup)


def load(data: Data | str, name: str = "generated") -> Scenario:
    """Read a scenario, given as data or as the text of its file, as from a file."""
    path = Path(_folder.name) / f"{name}.yaml"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return validate(read(path), name)


class Dice:
    """Chance for tests: a pure function of seed, event and number that makes ties, refusals and censoring common.

    A fixed delay is kept, any other is replaced by one of `gaps`. `asked` holds every question, so that two
    interpreters can be compared in what they ask, too.
    """

    said = "dice"
    refusal = "The dice said no."
    gaps = (0, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 0, DAY, 9 * DAY)

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked: list[tuple[object, ...]] = []

    def words(self, kind: str, name: str, k: int) -> tuple[int, float]:
        digest = hashlib.blake2b(f"{self.seed} {kind} {name} {k}".encode(), digest_size=8).digest()
        return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little") / 2**32

    def clock(self, event: Event, k: int, now: int, fired: Collection[str]) -> int | None:
        self.asked.append(("clock", event.id, k, now, frozenset(fired)))
        gap, chance = self.words("event", event.id, k)
        if chance >= 0.95 * (1 if event.probability is None else event.probability):  # even what is certain is refused at times
            return None
        fixed = event.delay.fixed if event.delay else None
        return now + (self.gaps[gap % len(self.gaps)] if fixed is None else fixed.ticks)

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Collection[str]) -> str:
        self.asked.append(("option", name, n, now, frozenset(fired)))
        word = self.words("choice", name, n)[1]
        options = list(choice.options)
        below = [sum(list(choice.options.values())[: place + 1]) for place in range(len(options))]
        return next((option for option, bound in zip(options, below, strict=True) if word < bound), options[-1])


class Pick:
    """Random decisions, each of them one whole number below a bound; 0 is the simplest."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self.below = below

    def one(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], least: int = 1, most: int = 3) -> list[T]:
        left, most = list(items), min(most, len(items))
        return [left.pop(self.below(len(left))) for _ in range(least + self.below(most - least + 1))] if most >= least else []

    def often(self, percent: int) -> bool:
        return self.below(100) >= 100 - percent

    def shuffled(self, items: Sequence[T]) -> list[T]:
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in items]

    def tick(self) -> int:
        """A moment on the half day, so that equal dates are common."""
        return self.below(2 * DAYS) * DAY // 2


# Ladders


def machine(pick: Pick) -> Data:
    """Give the `machine` section of a ladder: every status named, no trigger leaves a status twice."""
    statuses = [f"s{number}" for number in range(3 + pick.below(4))]
    transitions: list[Any] = []
    named: set[str] = set()
    for number in range(2 + pick.below(4)):
        ways: dict[str, list[str]] = {}
        for status in statuses:
            if dest := pick.one([*statuses, "=", *[""] * len(statuses)]):
                ways.setdefault(dest, []).append(status)
        if not ways or pick.often(15):
            ways = {pick.one([*statuses, "="]): ["*"]}
        for dest, sources in ways.items():
            source = sources if len(sources) > 1 else sources[0]
            named.update(sources, [dest])
            transitions.append([f"t{number}", source, dest] if pick.often(50) else {"trigger": f"t{number}", "source": source, "dest": dest})
    if "*" not in named and (bare := [status for status in statuses if status not in named]):
        transitions.append({"trigger": "t_mend", "source": bare, "dest": statuses[0]})
    last = pick.one([statuses[-1], {"name": statuses[-1], "final": True}])
    return {"states": [*statuses[:-1], last], "initial": pick.one(statuses), "transitions": transitions}


def statuses_of(ladder: Data) -> list[str]:
    return [state if isinstance(state, str) else state["name"] for state in ladder["machine"]["states"]]


def ways_of(ladder: Data) -> dict[str, dict[str, str]]:
    """Read off the data: trigger -> status left -> status entered."""
    ways: dict[str, dict[str, str]] = {}
    for way in ladder["machine"]["transitions"]:
        trigger, source, dest = way if isinstance(way, list) else (way["trigger"], way["source"], way["dest"])
        for status in statuses_of(ladder) if source == "*" or source == ["*"] else _list(source):
            ways.setdefault(trigger, {}).setdefault(status, status if dest == "=" else dest)
    return ways


def ladder(pick: Pick, *, shared: bool = True) -> Data:
    """Give a ladder as a file writes it out."""
    data: Data = {"machine": machine(pick)}
    statuses = statuses_of(data)
    data["moves"] = {trigger: side for trigger in ways_of(data) if (side := pick.one(["", "own", "theirs", "both", "both"]))}
    if pick.often(40):
        data["groups"] = {f"g{number}": pick.some(statuses) for number in range(1 + pick.below(2))}
    if shared and pick.often(20):
        data["shared"] = [status for status in pick.some(statuses, 1, 2) if status != data["machine"]["initial"]]
    if pick.often(20):
        data["rungs"] = [statuses[:2]]
    return data


def counterpart(mission: str) -> str:
    return f"{mission[5:]}->{mission[:3]}"


def addressed(event: Data, ladder: Data) -> dict[str, list[str]]:
    """Give for each trigger among the actions the missions that it is for."""
    found: dict[str, list[str]] = {}
    for action in _list(event["action"]):
        if action in ways_of(ladder):
            side = ladder["moves"].get(action, "own")
            pairs = [(one, other) for one in _list(event["actor"]) for other in _list(event.get("target", event["actor"])) if one != other]
            both = [(f"{one}->{other}", f"{other}->{one}") for one, other in pairs]
            found[action] = list(
                dict.fromkeys(mission for own, theirs in both for mission in {"own": [own], "theirs": [theirs], "both": [own, theirs]}[side])
            )
    return found


def missions_of(events: list[Data], ladder: Data) -> list[str]:
    return list(dict.fromkeys(mission for event in events for missions in addressed(event, ladder).values() for mission in missions))


def needs_gate(event: Data, ladder: Data) -> bool:
    """Say whether an event is a standing hazard for several missions."""
    return bool(event.get("repeats") and "follows" not in event and len(missions_of([event], ladder)) > 1)


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


# Scenarios


def date(tick: int) -> str:
    return f"{FIRST + timedelta(microseconds=tick):%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def deed(pick: Pick, states: list[str], ladder: Data) -> Data:
    """Say who does what to whom."""
    triggers = list(ways_of(ladder))
    if len(states) > 1 and pick.often(75):
        actions = [pick.one([*triggers, *triggers, *PLAIN]) for _ in range(1 + pick.below(3))]
        if pick.often(15):
            return {"actor": pick.some(states, 2, 4), "action": actions}
        actor = pick.some(states, 1, pick.one([1, 1, 1, 3]))
        others = [state for state in states if [state] != actor]
        return {"actor": actor, "target": pick.some(others, 1, pick.one([1, 1, 3])), "action": actions}
    plain: Data = {"actor": pick.one([*states, "crowd"]), "action": pick.some(PLAIN, 1, 2)}
    if pick.often(50):
        plain["target"] = pick.some([*states, "crowd"], 1, 2)
    return plain


def scenario(pick: Pick, *, intervention: bool = False, steps: Data | None = None, states: list[str] | None = None, prefix: str = "") -> Data:
    """Give a valid scenario file; with `intervention` it has a `what_if` called `w`.

    Ladder and states may be given, and a prefix for the names of events and choices.
    """
    states = states or STATES[: pick.one([2, 2, 2, 3, 3, 4, 1])]
    steps = steps or ladder(pick)
    names = [f"{prefix}e{number}" for number in range(1 + pick.below(12))]
    events: dict[str, Data] = {name: {"id": name, **deed(pick, states, steps)} for name in names}
    ticks = {name: pick.tick() for name in names}  # the date, or where among the dates an undated event stands
    ranked = sorted(names, key=ticks.__getitem__)
    for name, event in events.items():
        if pick.often(50):
            event["date"] = date(ticks[name])
    choices = {f"{prefix}{name}": choice for name, choice in _choices(pick, ranked, events).items()} if pick.often(60) else {}
    taken = {option for choice in choices.values() for option in choice["options"]}
    for place, name in enumerate(ranked):
        _assume(pick, name, place, ranked, events, option=name in taken)
    start = _start(pick, states, steps) if len(states) > 1 and pick.often(30) else {}
    missions = list(dict.fromkeys([*missions_of(list(events.values()), steps), *start]))
    words = [*statuses_of(steps), *steps.get("groups", {})]
    for event in events.values():
        if missions and (needs_gate(event, steps) or pick.often(30)):
            event["while"] = {mission: pick.some(words) for mission in pick.some(missions, 1, 2)}
    data = _frame(states, steps, pick.shuffled(list(events.values())), start, choices)
    if intervention:
        data["what_if"] = {"w": what_if(pick, data)}
    return data


def _assume(pick: Pick, name: str, place: int, ranked: list[str], events: dict[str, Data], *, option: bool) -> None:
    """Add to an event what the model assumes of it."""
    event = events[name]
    if not option:
        if pick.often(35):
            event["repeats"] = True
        if pick.often(70) and (follows := _causes(pick, [name], ranked[:place], ranked if event.get("repeats") else [], events)):
            event["follows"] = follows
        if pick.often(50):
            event["probability"] = pick.one([0.5, 0.8, 1.0, 0.25, 0.0])
    if "date" not in event or pick.often(30):
        event["delay"] = pick.one(LATER if option or event.get("repeats") else DELAYS)
    if len(ranked) > 1 and pick.often(20):
        event["unless"] = pick.some([other for other in ranked if other != name], 1, 2)


def _frame(states: list[str], steps: Data, events: list[Data], start: dict[str, str], choices: Data) -> Data:
    data: Data = {"title": "Generated", "actors": {**{state: f"State {state}" for state in states}, "crowd": "A crowd"}, "ladder": steps}
    data |= {"actions": {"grumble": "Nothing to speak of."}, "period": PERIOD, "events": events}
    return data | {key: value for key, value in {"start": start, "choices": choices}.items() if value}


def _start(pick: Pick, states: list[str], steps: Data) -> dict[str, str]:
    """Say where one or two missions start, not in a status that the other one of the pair would have to be in, too."""
    found = {mission: pick.one(statuses_of(steps)) for mission in pick.some(_all_missions(states), 1, 2)}
    return {mission: status for mission, status in found.items() if status not in steps.get("shared", [])}


def _all_missions(states: list[str]) -> list[str]:
    return [f"{one}->{other}" for one in states for other in states if one != other]


def _causes(pick: Pick, names: list[str], before: list[str], back: list[str], events: dict[str, Data]) -> Any:
    """Say what calls these events: something ranked before them, for dated ones something dated; perhaps a link back."""
    if dated := any("date" in events[name] for name in names):
        before = [name for name in before if "date" in events[name]]
    if not before:
        return None
    first = pick.some(before, 1, 4)
    if pick.often(25):
        return {"all": first}
    more = pick.some(back or (() if dated else before), 0, 2) if pick.often(40) else []
    causes = list(dict.fromkeys([*first, *more]))
    return pick.one([causes, {"any": causes}, causes[0] if len(causes) == 1 else causes])


def _choices(pick: Pick, ranked: list[str], events: dict[str, Data]) -> Data:
    """Give one or two choices among the ranked events, each event the option of one at most."""
    choices: Data = {}
    free = list(ranked)
    for number in range(1 + pick.below(2)):
        repeats = pick.often(60)
        options = pick.some(free[len(free) // 3 :])  # late, so that there is something to follow
        if not repeats:  # history can have taken one
            dated = [name for name in options if "date" in events[name]]
            options = [name for name in options if name not in dated[1:]]
        if not options:
            break
        free = [name for name in free if name not in options]
        choice: Data = {"actor": "crowd", "question": "What now?"}
        before = ranked[: min(ranked.index(name) for name in options)]
        if pick.often(90) and (follows := _causes(pick, options, before, ranked if repeats else [], events)):
            choice |= {"follows": follows, "repeats": repeats}
        elif len([name for name in options if "date" in events[name]]) > 1:
            break  # without a cause it is put once
        keys = pick.shuffled([*options, "nothing"] if len(options) == 1 or pick.often(50) else options)
        weights = [1 + pick.below(4) for _ in keys]
        choice["options"] = {key: weight / sum(weights) for key, weight in zip(keys, weights, strict=True)}
        choices[f"c{number}"] = choice
    return choices


def what_if(pick: Pick, data: Data) -> Data:
    """Give an intervention in a scenario."""
    events = {event["id"]: event for event in data["events"]}
    choices = data.get("choices", {})
    taken = {option for choice in choices.values() for option in choice["options"]}
    change: Data = {}
    for name in pick.some(list(events), 0, 3):
        # An event moved to a date that is past fires as soon as it is armed: it must not come round without end.
        round_again = name in taken or (events[name].get("repeats") and not _follows_once(events[name], data))
        if (kind := pick.one(["remove", "force"] if round_again else ["remove", "move", "force"])) == "remove":
            change.setdefault("remove", []).append(name)
        else:
            change.setdefault(kind, {})[name] = date(pick.tick())
    if choices and pick.often(60):
        name = pick.one(list(choices))
        change["choose"] = {name: pick.one(list(choices[name]["options"]))}
    if not change or pick.often(40):
        name = pick.one(list(events))
        new: Data = {"delay": pick.one(LATER if name in taken or events[name].get("repeats") else DELAYS)}
        if name not in taken and pick.often(50):
            new["probability"] = pick.one([0.5, 0.8, 1.0, 0.25, 0.0])
        change["set"] = {name: new}
    return change


def _follows_once(event: Data, data: Data) -> bool:
    """Say whether all that an event follows happens at most once."""
    follows = event.get("follows", [])
    causes = [cause for part in (follows.values() if isinstance(follows, dict) else [_list(follows)]) for cause in part]
    taken = {option for choice in data.get("choices", {}).values() if choice.get("repeats") for option in choice["options"]}
    again = {each["id"] for each in data["events"] if each.get("repeats")} | taken
    return bool(causes) and not again & set(causes)


# History


def history(pick: Pick) -> Data:
    """Give a scenario file whose dated history is a run of its model, with what was observed on some days."""
    states = STATES[: 2 + pick.below(2)]
    steps = ladder(pick, shared=False)
    statuses = statuses_of(steps)
    held = dict.fromkeys(_all_missions(states), steps["machine"]["initial"])
    start = _start(pick, states, steps) if pick.often(30) else {}
    held |= start
    times = sorted(pick.tick() for _ in range(1 + pick.below(8)))
    told: list[Data] = []
    lines = [held]  # the statuses before the first event, and after each
    for number, time in enumerate(times):
        done, held = _act(pick, states, steps, held)
        told.append({"id": f"h{number}", **done, "date": date(time)})
        lines.append(held)
    might = [{"id": f"u{n}", **deed(pick, states, steps), "delay": pick.one(LATER)} for n in range(pick.below(4))]
    missions = list(dict.fromkeys([*missions_of([*told, *might], steps), *start]))
    for number, event in enumerate(told):
        _hang(pick, event, told[:number], told[number + 1 :])
        if missions and (needs_gate(event, steps) or pick.often(30)):
            words = [*statuses, *steps.get("groups", {})]
            event["while"] = {m: list(dict.fromkeys([lines[number][m], *pick.some(words, 0, 2)])) for m in pick.some(missions, 1, 2)}
    for number, event in enumerate(might):
        _hang(pick, event, [*told, *might[:number]], [])
        if needs_gate(event, steps):
            event["while"] = {pick.one(missions): pick.some(statuses)}
    choices = {}
    if might and (led := [event for event in told if "follows" in event]) and pick.often(50):
        event, other = pick.one(led), might[-1]  # nothing follows the last
        options = {event["id"]: 0.5, other["id"]: 0.25, "nothing": 0.25}
        choices["c0"] = {"actor": "crowd", "question": "What now?", "follows": event["follows"], "repeats": pick.often(40), "options": options}
        for key in ("follows", "repeats", "probability"):
            event.pop(key, None)
            other.pop(key, None)
    data = _frame(states, steps, [*told, *might], start, choices)

    def at(tick: int) -> dict[str, str]:
        """Give the statuses when time passes this tick."""
        return lines[sum(time <= tick for time in times)]

    calm = [at(-1), *map(at, times)]
    shared = [s for s in statuses if all((line[mission] == s) == (line[counterpart(mission)] == s) for line in calm for mission in line)]
    steps["shared"] = shared if pick.often(40) else []
    data["observed"] = observed = {}
    for day in pick.some(range(DAYS), 0, 3) if missions else ():
        mission = pick.one(missions)
        line = at((day + 1) * DAY - 1)
        observed[date(day * DAY)] = {mission: line[mission]}
        if counterpart(mission) in missions and pick.often(30):
            worse = max(line[mission], line[counterpart(mission)], key=statuses.index)
            observed[date(day * DAY)] = {f"{mission[:3]}-{mission[5:]}": worse}
    return data


def _act(pick: Pick, states: list[str], steps: Data, held: dict[str, str]) -> tuple[Data, dict[str, str]]:
    """Do something that is not moot, and give the statuses after it."""
    for _ in range(5):
        done, after, moved = deed(pick, states, steps), dict(held), False
        for action in _list(done["action"]):
            for mission in addressed(done, steps).get(action, ()):
                if after[mission] in ways_of(steps)[action]:
                    after[mission], moved = ways_of(steps)[action][after[mission]], True
        if moved or not addressed(done, steps):
            return done, after
    return {"actor": "crowd", "action": "protest"}, dict(held)


def _hang(pick: Pick, event: Data, before: list[Data], after: list[Data]) -> None:
    """Add to an event what does not keep history from happening."""
    if pick.often(30):
        event["repeats"] = True
    if before and pick.often(60):
        causes = pick.some([each["id"] for each in before])
        event["follows"] = pick.one([causes, {"all": causes}])
    if after and pick.often(20):
        event["unless"] = pick.some([each["id"] for each in after], 1, 2)
    if pick.often(30):
        event["probability"] = pick.one([0.5, 1.0])
    if "delay" not in event and pick.often(30):
        event["delay"] = pick.one(LATER)


# Scenarios for the kernel: every law of delay, many events, one mission; all of them replay

LAWS: list[Any] = [  # six hours or more most of the time, so that hardly a run is stopped by the limit on firings
    "1 day",
    "36 hours",
    "300000 days",
    {"exponential": {"mean": "2 days"}},
    {"exponential": {"median": "1 day"}},
    {"exponential": {"rate": "0.4 per day"}},
    {"weibull": {"shape": 1.5, "scale": "2 days"}},
    {"weibull": {"shape": 0.8, "mean": "3 days"}},
    {"weibull": {"mean": "2 days", "cv": 0.5}},
    {"weibull": {"shape": 0.4, "scale": "2 days"}},
    {"weibull": {"q10": "1 day", "q90": "4 days"}},
    {"lognormal": {"median": "1 day", "sigma": 0.6}},
    {"lognormal": {"mean": "2 days", "cv": 0.5}},
    {"lognormal": {"median": "20000 days", "sigma": 2}},
    {"gamma": {"shape": 2, "scale": "1 day"}},
    {"gamma": {"mean": "2 days", "cv": 0.7}},
    {"gamma": {"shape": 0.3, "mean": "4 days"}},
    {"gamma": {"q25": "1 day", "q75": "3 days"}},
    {"uniform": {"low": "6 hours", "high": "4 days"}},
    {"uniform": {"low": "0 days", "high": "2 days"}},
    {"triangular": {"low": "6 hours", "mode": "1 day", "high": "4 days"}},
    {"triangular": {"low": "1 day", "mode": "1 day", "high": "2 days"}},
    {"triangular": {"low": "0 days", "mode": "2 days", "high": "2 days"}},
    {"empirical": {"values": ["1 day", "6 hours", "2 days", "1 day"], "interpolation": "step"}},
    {"empirical": {"values": ["6 hours", "1 day", "3 days"], "weights": [1, 5, 2], "interpolation": "step"}},
    {"empirical": {"values": ["6 hours", "2 days", "5 days"], "interpolation": "linear"}},
    {"empirical": {"values": ["0 days", "1 day", "9 days"], "weights": [4, 1, 2], "interpolation": "linear"}},
    {"empirical": {"values": ["1 day"], "interpolation": "linear"}},
]
SPREADS: list[Any] = ["none", {"gamma": {"cv": 0.5}}, {"lognormal": {"sigma": 0.6}}, {"weibull": {"shape": 1.5}}, {"exponential": {}}]
SIZES = [65, 128, 64, 100, 129, 180, 192, 193, 230, 256]  # of scenarios with many events: at both sides of each word of a mask


def free(pick: Pick) -> Data:
    """Give a scenario without a history, except that deeds that move nothing may have a date, or a part of one."""
    return _changeable(pick, _undated(pick, scenario(pick)))


def told(pick: Pick) -> Data:
    """Give a history with a spread, some of its dates less exact, and something in it known to the month."""
    data = history(pick)
    for event in data["events"]:
        if "date" in event and pick.often(30):
            event["date"] = _vague(pick, event["date"])
    data["variants"] = {"spread": pick.one(SPREADS)}
    if pick.often(30):
        data["period"] = {"from": "2024-01-01", "to": "2024-01-31"}
        month: Data = {"id": "m", "actor": "crowd", "action": pick.one(PLAIN), "date": pick.one(["2024-01", "2024-01 to 2024-01-20"])}
        data["events"].insert(pick.below(len(data["events"]) + 1), month)
        data["events"].append({"id": "n", "actor": "crowd", "action": "protest", "follows": "m", "delay": pick.one(LAWS)})
    return _changeable(pick, data)


def hazards(pick: Pick) -> Data:
    """Give standing hazards of one mission; often each runs in one status and leaves it, for which the kernel has a way of its own."""
    steps = ladder(pick, shared=False)
    side = pick.one(["own", "theirs"])
    actor, target = ("AAA", "BBB") if side == "own" else ("BBB", "AAA")
    steps["moves"] = dict.fromkeys(ways_of(steps), side)
    events: list[Data] = []
    size = pick.one([1 + pick.below(10), 1 + pick.below(10), 1 + pick.below(10), 20, 63, 64])
    leaving = [(trigger, source) for trigger, way in ways_of(steps).items() for source, dest in way.items() if dest != source]
    ways = pick.shuffled(leaving * 4) if pick.often(60) else []
    ways = [way for place, way in enumerate(ways) if sum(way[1] == other[1] for other in ways[:place]) < 4][:size]  # four in a status at most
    for number in range(len(ways) or size):
        actions = pick.some(PLAIN, 0, 1) if pick.often(20) else []
        if not actions or pick.often(80) or ways:
            actions.insert(pick.below(len(actions) + 1), ways[number][0] if ways else pick.one(list(ways_of(steps))))
        event: Data = {"id": f"e{number}", "actor": actor, "target": target, "action": actions, "repeats": True, "delay": pick.one(LATER)}
        if pick.often(40):
            event["probability"] = pick.one([0.5, 0.8, 1.0, 0.25, 0.0])
        events.append(event)
    for event, (_, source) in zip(events, ways, strict=False):
        event["while"] = {"AAA->BBB": source}
    for event in events if missions_of(events, steps) and not ways else ():
        if pick.often(50):
            event["while"] = {"AAA->BBB": pick.some([*statuses_of(steps), *steps.get("groups", {})], 1, 4)}
    start = {"AAA->BBB": pick.one(statuses_of(steps))} if pick.often(30) and missions_of(events, steps) else {}
    data = _frame(["AAA", "BBB"], steps, events, start, {})
    if size <= 10 and pick.often(50):
        data["period"] = {"from": "2024-01-01", "to": pick.one(["2024-01-31", "2024-02-29"])}
    return _changeable(pick, data, remove=50)


def wide(pick: Pick, size: int | None = None) -> Data:
    """Give a scenario of up to 256 events: several stories among the same states, with links from one to another."""
    size = size or pick.one(SIZES)
    states = [letter * 3 for letter in "ABCDEFGH"[: pick.one([4, 8, 8])]]
    steps = ladder(pick)
    events: list[Data] = []
    choices, start = {}, {}
    while size - len(events) >= 12:
        story = _undated(pick, scenario(pick, steps=steps, states=states, prefix=f"s{len(events)}_"))
        earlier = [event["id"] for event in events]
        taken = {option for choice in story.get("choices", {}).values() for option in choice["options"]}
        for event in story["events"] if earlier else ():
            if "follows" not in event and "date" not in event and event["id"] not in taken and pick.often(40):
                event["follows"] = pick.one([{"all": pick.some(earlier)}, pick.some(earlier)])
            if not {"unless", "date"} & set(event) and pick.often(15):  # a dated one that is barred would not replay
                event["unless"] = pick.some(earlier)
        events += story["events"]
        if len(choices) < 60:
            choices |= story.get("choices", {})
        start |= story.get("start", {})
    for number in range(size - len(events)):
        event = {"id": f"z{number}", **deed(pick, states, steps), "delay": pick.one(LAWS)}
        events.append(event | ({"follows": pick.one(events)["id"]} if pick.often(80) else {}))
    if pick.often(50):  # with eight states more than 64 missions and pairs
        start = dict.fromkeys(_all_missions(states), steps["machine"]["initial"]) | start
    return _changeable(pick, _frame(states, steps, pick.shuffled(events), start, choices))


def endless(pick: Pick) -> Data:
    """Give a scenario in which something comes round again without delay, if it once comes about."""
    data = free(pick)
    circle: Data = {"actor": "crowd", "action": "protest", "repeats": True, "delay": "0 days"}
    first = {"id": "x0", **circle, "delay": pick.one(LAWS), "probability": pick.one([0.5, 1.0]), "follows": ["x1", data["events"][0]["id"]]}
    data["events"] += [first, {"id": "x1", **circle, "follows": ["x1", "x0"]}]
    return data


KINDS: dict[str, Callable[[Pick], Data]] = {"free": free, "told": told, "hazards": hazards, "wide": wide, "endless": endless}


def anything(pick: Pick) -> Data:
    """Give a scenario of one of these kinds that is not large."""
    return pick.one([free, free, free, told, told, hazards, hazards])(pick)


def _vague(pick: Pick, when: str) -> str:
    """Give a date with the same middle that leaves something open."""
    day = datetime.fromisoformat(when)
    if day.hour:  # 12:00
        day -= timedelta(hours=12)
        return pick.one([f"{day:%Y-%m-%d} to {day:%Y-%m-%d}", f"{day - timedelta(1):%Y-%m-%d} to {day + timedelta(1):%Y-%m-%d}"])
    return f"about {when}"


def _undated(pick: Pick, data: Data) -> Data:
    """Take the dates out of a scenario, except from deeds at the start that move nothing: so it is sure to replay."""
    choices = data.get("choices", {}).values()
    taken = {option for choice in choices for option in choice["options"]}
    puts = {cause for choice in choices for cause in _causes_in(choice)}
    for event in data["events"]:
        if "date" in event:
            fixed = {"follows", "while", "unless", "repeats"} & set(event) or event["id"] in taken | puts
            if fixed or addressed(event, data["ladder"]) or pick.often(30):
                del event["date"]
                event.setdefault("delay", pick.one(LATER if event["id"] in taken else DELAYS))
            elif pick.often(60):
                event["date"] = _vague(pick, event["date"])
    for choice in choices:
        if "follows" not in choice and "nothing" not in choice["options"]:  # history decides it, too
            choice["options"] |= {"nothing": 0.0}
    return data


def _causes_in(said: Data) -> list[str]:
    follows = said.get("follows", [])
    return [cause for part in (follows.values() if isinstance(follows, dict) else [_list(follows)]) for cause in part]


def _changeable(pick: Pick, data: Data, remove: int = 0) -> Data:
    """Give a scenario other delays, shares of 0 and 1, and a what-if."""
    for event in data["events"]:
        if event.get("delay") not in (None, "0 days") and pick.often(70):
            event["delay"] = pick.one(LAWS)
    for choice in data.get("choices", {}).values():
        if pick.often(15):
            sure = pick.one(list(choice["options"]))
            choice["options"] = {option: float(option == sure) for option in choice["options"]}
    change = {"remove": pick.some([event["id"] for event in data["events"]])} if pick.often(remove) else what_if(pick, data)
    return data | {"what_if": {"w": change}}


# For Hypothesis


@cache
def _below(bound: int) -> st.SearchStrategy[int]:
    return st.integers(0, bound - 1)


def strategy(build: Callable[..., T], **options: Any) -> st.SearchStrategy[T]:
    """Turn one of the functions of a `Pick` above into a strategy."""

    @st.composite
    def composed(draw: st.DrawFn) -> T:
        return build(Pick(lambda bound: draw(_below(bound)) if bound > 1 else 0), **options)

    return composed()

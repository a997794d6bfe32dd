"""Scenario files at random, as plain data: of every form that a file may have, and valid.

`scenario` is valid by construction: what follows what is a ranking, with some links backwards to what repeats.
`history` is told the way history is: the ladder is walked, the walk is what is dated, and all else is hung on it.
Both draw only whole numbers, through `Pick`, so that Hypothesis is quick and shrinks to the first of everything;
`Pick(random.Random(n).randrange)` gives the same scenarios without Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

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


class Pick:
    """Random decisions, each of them one whole number below a bound; 0 is the simplest."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self.below = below

    def one(self, items: Sequence[T]) -> T:
        """Give one of several."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], least: int = 1, most: int = 3) -> list[T]:
        """Give some of several, each once."""
        left, most = list(items), min(most, len(items))
        return [left.pop(self.below(len(left))) for _ in range(least + self.below(most - least + 1))] if most >= least else []

    def often(self, percent: int) -> bool:
        """Say yes so often in a hundred times."""
        return self.below(100) >= 100 - percent

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Give all of them in another order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in items]

    def tick(self) -> int:
        """Give a moment on the half day, so that equal dates are common."""
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
    """Read off the data: the statuses, mildest first."""
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
    """Give the mission the other way round."""
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
    """Give the missions that some events are for."""
    return list(dict.fromkeys(mission for event in events for missions in addressed(event, ladder).values() for mission in missions))


def needs_gate(event: Data, ladder: Data) -> bool:
    """Say whether an event is a standing hazard for several missions."""
    return bool(event.get("repeats") and "follows" not in event and len(missions_of([event], ladder)) > 1)


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


# Scenarios


def date(tick: int) -> str:
    """Write a tick as a date of a file."""
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

"""Scenario files for our own tests, beyond those of `escsim.testing.generate`, and dice.

Those for the kernel have every law of delay, or many events, or one mission. `load` turns the data into a `Scenario`
through the reader and all checks.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import tempfile
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from escsim.library import validate
from escsim.reading import read
from escsim.scenario import Choice, Event, Scenario
from escsim.testing.generate import (  # noqa: F401 -- some are only for the tests that import this
    DAY,
    DAYS,
    DELAYS,
    FIRST,
    HOUR,
    LATER,
    PERIOD,
    PLAIN,
    STATES,
    Data,
    Pick,
    _all_missions,
    _frame,
    _list,
    addressed,
    counterpart,
    date,
    deed,
    history,
    ladder,
    machine,
    missions_of,
    needs_gate,
    scenario,
    statuses_of,
    ways_of,
    what_if,
)
from escsim.testing.strategies import strategy  # noqa: F401

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

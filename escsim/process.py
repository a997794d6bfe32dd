"""A scenario compiled: one flat `NamedTuple` of arrays, the only thing that kernels see.

Letters: `e` event, `m` mission, `s` status, `c` choice, `w` word of a mask over events (64 events a word). Masks are
uint64, times int64 ticks. An intervention is compiled in, so a what-if is another process on the same addresses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim import distributions as dist
from escsim.distributions import ABSOLUTE, LINEAR, STEP, TABLE, TRIANGULAR
from escsim.draws import address
from escsim.errors import Problem, ScenarioError
from escsim.scenario import NOTHING, Event, Follows, Intervention, Scenario, counterpart, missions_of
from escsim.times import TICKS_A_DAY

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

MOST = {"events": 256, "missions": 64, "statuses": 64, "choices": 64}
STAYS = 255  # in `leads`: the status does not admit the trigger


class Process(NamedTuple):
    """A compiled scenario.

    Attributes
    ----------
    end, days : int
        Ticks and days of the period.
    n_events, n_missions, n_statuses, n_choices, n_words, n_pairs : int
        Sizes; `n_words` is the number of 64-bit words of a mask over events.
    depth : int
        If it is a semi-Markov process, for which the kernel has a shorter way, how many events run in a status at most;
        else 0. It is one if there is one mission, and all events are standing hazards that run in one status and leave
        it, four in each at most: then every firing ends all clocks.
    key, chance : uint64, shape (n_events,)
        Address of each event's draws; P with which it is armed if word x2 < P, 0 to 2^32.
    law : uint8, shape (n_events,)
        TABLE, TRIANGULAR, STEP, LINEAR, or ABSOLUTE (due at `base`, if that is still to come).
    base, scale : float64, shape (n_events,)
        A delay is `base + scale * value`, in ticks.
    at, many : uint64, shape (n_events,)
        Where in `tables` or `points` the law begins, and how many points it has.
    tables, points : float64
        Quantile tables of all shapes in use; parameters of the other laws.
    fires : uint64, shape (n_events + 1,)
        Where in `mission` and `way` the moves of each event begin.
    mission, way : uint64
        For each move the mission, and where in `leads` its trigger's row begins.
    leads : uint8, shape (triggers * n_statuses,)
        Status entered from each status by each trigger, STAYS if it is not admitted.
    acts : uint8, shape (n_events,)
        Whether the event has triggers, so that it can be moot.
    admits : uint64, shape (n_missions * n_statuses * n_words,)
        Events whose gates a mission's status does not shut.
    calls, bars : uint64, shape (n_events * n_words,)
        Events that an event calls (or is one of `all` the causes of), and those it bars.
    joint, needs : uint64, shape (n_words,) and ((n_events + n_choices) * n_words,)
        Events called only by the last of all their causes, and these causes, for events and then choices.
    once, renewed, roots : uint64, shape (n_words,)
        Events that happen at most once; standing hazards, called again when they have fired; those called at tick 0.
    forced : uint64, shape (n_words,)
        Events due at `base` whatever else happens.
    puts, choice_once, choice_joint, choice_roots : uint64
        Choices that each event puts, shape (n_events,); masks over choices, shape (1,).
    choice_key : uint64, shape (n_choices,)
        Address of each choice's draws.
    options : uint64, shape (n_choices + 1,)
        Where in `option` and `cut` each choice begins.
    option, cut : uint64
        The event of each option (n_events for nothing), and the end of its share of [0, 2^32).
    option_mask : uint64, shape (n_choices * n_words,)
        The events among a choice's options.
    start : uint64, shape (n_missions,)
        Status in which each mission starts.
    twin, pair : uint64, shape (n_missions,)
        The mission the other way round and the number of the pair, n_missions and n_pairs if there is none.
    """

    end: int
    days: int
    n_events: int
    n_missions: int
    n_statuses: int
    n_choices: int
    n_words: int
    n_pairs: int
    depth: int
    key: Words
    chance: Words
    law: Bytes
    base: Floats
    scale: Floats
    at: Words
    many: Words
    tables: Floats
    points: Floats
    fires: Words
    mission: Words
    way: Words
    leads: Bytes
    acts: Bytes
    admits: Words
    calls: Words
    bars: Words
    joint: Words
    needs: Words
    once: Words
    renewed: Words
    roots: Words
    forced: Words
    puts: Words
    choice_once: Words
    choice_joint: Words
    choice_roots: Words
    choice_key: Words
    options: Words
    option: Words
    cut: Words
    option_mask: Words
    start: Words
    twin: Words
    pair: Words


def digest(process: Process) -> str:
    """Give the SHA-256 over everything in a process; stored in every result."""
    total = hashlib.sha256()
    for name, value in zip(process._fields, process, strict=True):
        array = np.asarray(value)
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def pairs_of(scenario: Scenario) -> list[str]:
    """Name the pairs whose two missions are both in a scenario, by the mission mentioned first: `PAK-IRN`."""
    found: list[str] = []
    for mission in scenario.missions:
        if counterpart(mission) in scenario.initial and counterpart(mission).replace("->", "-") not in found:
            found.append(mission.replace("->", "-"))
    return found


def threshold(probability: float) -> int:
    """Give floor(p 2^32 + 1/2): chance says yes if a 32-bit word is below it."""
    return int(probability * 2**32 + 0.5)


def compile_scenario(scenario: Scenario, intervention: Intervention | None = None) -> Process:
    """Compile a scenario, with an intervention if one is given.

    Raises
    ------
    ScenarioError
        If the scenario is too large for the kernel, or its history does not replay (the gaps between dated events
        come from the replay).
    """
    return _Compiler(scenario, intervention or Intervention.model_construct()).process()


def renumbered(process: Process, scenario: Scenario) -> Process:
    """Compile a scenario of which only probabilities, delays and shares of options differ from those of a process, in a fifth of the time.

    Parameters
    ----------
    process : Process
    scenario : Scenario
    """
    compiler = _Compiler(scenario, Intervention.model_construct())
    return process._replace(chance=compiler.chance(), **compiler.delays(), cut=compiler.choices()["cut"])


class _Compiler:
    def __init__(self, scenario: Scenario, intervention: Intervention) -> None:
        self.scenario = scenario
        self.intervention = intervention
        self.events = [_changed(event, intervention) for event in scenario.events]
        self.order = scenario.order
        self.words = (len(self.events) + 63) // 64
        self.removed = set(intervention.remove or ())
        self.forced = set(intervention.force or ())
        self.tables: list[Floats] = []
        self.table_at: dict[dist.Distribution, int] = {}
        self.points: list[float] = []

    def process(self) -> Process:
        """Compile everything; raises `ScenarioError` if the scenario is larger than a simulation takes."""
        scenario = self.scenario
        sizes = {
            "events": len(self.events),
            "missions": len(scenario.missions),
            "statuses": len(scenario.ladder.statuses),
            "choices": len(scenario.choices),
        }
        for what, size in sizes.items():
            if size > MOST[what]:
                raise ScenarioError(
                    [Problem(scenario.place(), f"{size} {what} are more than a simulation takes, {MOST[what]}", "split the scenario")]
                )
        place = {mission: number for number, mission in enumerate(scenario.missions)}
        pairs = pairs_of(scenario)
        moves, gates = self.moves(), self.gates()
        return Process(
            end=scenario.period.ticks,
            days=scenario.period.ticks // TICKS_A_DAY,
            n_events=sizes["events"],
            n_missions=sizes["missions"],
            n_statuses=sizes["statuses"],
            n_choices=sizes["choices"],
            n_words=self.words,
            n_pairs=len(pairs),
            depth=self.depth(moves, gates["admits"]),
            key=_words(address("event", event.id) for event in self.events),
            chance=self.chance(),
            **self.delays(),
            **moves,
            **gates,
            **self.links(),
            **self.choices(),
            start=_words(scenario.ladder.severity[status] for status in scenario.initial.values()),
            twin=_words(place.get(counterpart(mission), len(place)) for mission in place),
            pair=_words(next((n for n, pair in enumerate(pairs) if mission in missions_of(pair)), len(pairs)) for mission in place),
        )

    def depth(self, moves: dict[str, Any], admits: Words) -> int:
        """Give how many events run in a status at most if this is a semi-Markov process, 0 if not."""
        hazards = all(event.repeats and event.follows is None and not event.unless for event in self.events)
        if not hazards or len(self.scenario.missions) != 1 or len(self.events) > 64 or self.scenario.choices or self.forced:
            return 0
        runs = np.array([[int(word) >> e & 1 for e in range(len(self.events))] for word in admits])  # by status and event
        if np.any(runs.sum(axis=0) != 1) or np.any(np.diff(moves["fires"]) != 1):
            return 0
        left = runs.argmax(axis=0)
        entered = moves["leads"][moves["way"].astype(int) + left]
        most = int(runs.sum(axis=1).max())
        return most if most <= 4 and not np.any((entered == left) | (entered == STAYS)) else 0

    def mask(self, names: Iterable[str]) -> list[int]:
        """Give the words of a mask over events."""
        words = [0] * self.words
        for name in names:
            words[self.order[name] // 64] |= 1 << self.order[name] % 64
        return words

    def chance(self) -> Words:
        """Compile the probability of every event."""
        return _words(threshold(1.0 if event.probability is None else event.probability) for event in self.events)

    def delays(self) -> dict[str, Any]:
        """Compile the delay of every event."""
        moved = {**(self.intervention.move or {}), **(self.intervention.force or {})}
        rows = []
        for event, distribution in zip(self.events, self.distributions(), strict=True):
            if event.id in moved:
                rows.append((ABSOLUTE, float(self.scenario.period.tick(moved[event.id].moment)), 0.0, 0, 0))
            else:
                rows.append(self.delay(distribution))
        self.table(dist.UniformDelay())  # so that there is one
        law, base, scale, at, many = zip(*rows, strict=True)
        return {
            "law": np.array(law, np.uint8),
            "base": np.array(base, np.float64),
            "scale": np.array(scale, np.float64),
            "at": _words(at),
            "many": _words(many),
            "tables": np.concatenate(self.tables),
            "points": np.array(self.points or [0.0], np.float64),
        }

    def distributions(self) -> list[dist.Distribution]:
        """Give the law of each event's delay, by rule: stated, or the spread around history's gap."""
        scenario = self.scenario
        period = scenario.period
        replayed = {step.event: step for step in scenario.replayed.steps} if any(event.date for event in self.events) else {}
        laws: list[dist.Distribution] = []
        for event in self.events:
            if event.delay is not None:
                laws.append(dist.of(event.delay))
                continue
            assert event.date is not None
            step = replayed[event.id]
            if step.caller == "start" and step.armed == 0 and not scenario.gate(event):
                low, high = max(period.tick(event.date.first), 0), period.tick(event.date.last)
                laws.append(dist.UniformDelay(float(low), float(max(low, high))))
            else:
                laws.append(dist.spread(scenario.variants.spread, step.tick - step.armed))
        return laws

    def delay(self, law: dist.Distribution) -> tuple[int, float, float, int, int]:
        """Give kind, base, scale, place and number of points of one law."""
        at = len(self.points)
        if isinstance(law, dist.UniformDelay):
            return TABLE, law.low, law.high - law.low, self.table(dist.UniformDelay()), 0
        if isinstance(law, dist.TriangularDelay):
            width = law.high - law.low
            self.points += [law.split, width * (law.mode - law.low), width * (law.high - law.mode), law.high]
            return TRIANGULAR, law.low, 1.0, at, 4
        if isinstance(law, dist.EmpiricalDelay):
            self.points += [*law.shares, *law.times]
            return LINEAR if law.linear else STEP, 0.0, 1.0, at, len(law.times)
        assert isinstance(law, dist.Scaled)
        return TABLE, 0.0, law.s, self.table(dist.stretched(law, 1.0)), 0

    def table(self, unit: dist.Distribution) -> int:
        """Give the place of a shape's table, adding it if it is new."""
        if unit not in self.table_at:
            self.table_at[unit] = sum(map(len, self.tables))
            self.tables.append(dist.table(unit))
        return self.table_at[unit]

    def moves(self) -> dict[str, Any]:
        """Compile what each event does to missions."""
        ladder = self.scenario.ladder
        place = {mission: number for number, mission in enumerate(self.scenario.missions)}
        size = len(ladder.statuses)
        ways = {trigger: number * size for number, trigger in enumerate(ladder.triggers)}
        leads = np.full(max(1, len(ways)) * size, STAYS, np.uint8)
        for trigger, way in ladder.triggers.items():
            for source, dest in way.items():
                leads[ways[trigger] + ladder.severity[source]] = ladder.severity[dest]
        fires, missions, rows, acts = [0], [], [], []
        for event in self.events:
            triggers = [action for action in event.action if action in ways]
            acts.append(bool(triggers) or event.id in self.removed)
            for trigger in triggers if event.id not in self.removed else ():
                for mission in event.addressed(ladder.side(trigger)):
                    missions.append(place[mission])
                    rows.append(ways[trigger])
            fires.append(len(missions))
        return {
            "fires": _words(fires),
            "mission": _words(missions or [0]),
            "way": _words(rows or [0]),
            "leads": leads,
            "acts": np.array(acts, np.uint8),
        }

    def gates(self) -> dict[str, Any]:
        """Compile the gates: which events each status of each mission lets run."""
        ladder, missions = self.scenario.ladder, self.scenario.missions
        gates = {event.id: {} if event.id in self.forced else self.scenario.gate(event) for event in self.scenario.events}
        admits: list[int] = []
        for mission in missions:
            for status in ladder.statuses:
                admits += self.mask(name for name, gate in gates.items() if status in gate.get(mission, (status,)))
        return {"admits": _words(admits)}

    def links(self) -> dict[str, Any]:
        """Compile who calls and who bars whom."""
        scenario, choices = self.scenario, self.scenario.choices
        free = [event for event in self.events if event.id not in scenario.choice_of and event.id not in self.forced]
        calls, bars, puts = [], [], []
        live = {name: choice for name, choice in choices.items() if not set(choice.options) & self.forced}
        for event in self.events:
            calls += self.mask(other.id for other in free if other.follows and event.id in other.follows.causes)
            bars += self.mask(other.id for other in self.events if event.id in (other.unless or ()) and other.id not in self.forced)
            puts.append(
                sum(
                    1 << n
                    for n, (name, choice) in enumerate(choices.items())
                    if name in live and choice.follows and event.id in choice.follows.causes
                )
            )

        def joint(follows: Follows | None) -> tuple[str, ...]:
            return (follows.all if follows else None) or ()

        needs: list[int] = []
        for follows in [event.follows for event in self.events] + [choice.follows for choice in choices.values()]:
            needs += self.mask(joint(follows))
        each = list(enumerate(choices.items()))
        return {
            "calls": _words(calls),
            "bars": _words(bars),
            "joint": _words(self.mask(event.id for event in self.events if joint(event.follows))),
            "needs": _words(needs),
            "once": _words(self.mask(event.id for event in self.events if not scenario.repeats(event))),
            "renewed": _words(self.mask(event.id for event in free if event.repeats and event.follows is None)),
            "roots": _words(self.mask(event.id for event in free if event.follows is None)),
            "forced": _words(self.mask(self.forced)),
            "puts": _words(puts),
            "choice_once": _words([sum(1 << n for n, (_, choice) in each if not choice.repeats)]),
            "choice_joint": _words([sum(1 << n for n, (_, choice) in each if joint(choice.follows))]),
            "choice_roots": _words([sum(1 << n for n, (name, choice) in each if name in live and choice.follows is None)]),
        }

    def choices(self) -> dict[str, Any]:
        """Compile the options of each choice as cuts of [0, 2^32)."""
        chosen = self.intervention.choose or {}
        options, option, cut, masks = [0], [], [], []
        for name, choice in self.scenario.choices.items():
            total, past = 0.0, False
            for number, (event, share) in enumerate(choice.options.items()):
                total += share
                option.append(len(self.events) if event == NOTHING else self.order[event])
                past = past or event == chosen.get(name)
                if name in chosen:
                    cut.append(past << 32)
                else:
                    cut.append(threshold(min(total, 1.0)) if number < len(choice.options) - 1 else 1 << 32)
            options.append(len(option))
            masks += self.mask(event for event in choice.options if event != NOTHING)
        return {
            "choice_key": _words(address("choice", name) for name in self.scenario.choices),
            "options": _words(options),
            "option": _words(option or [0]),
            "cut": _words(cut or [0]),
            "option_mask": _words(masks or [0]),
        }


def _changed(event: Event, intervention: Intervention) -> Event:
    """Give an event with the probability and delay that an intervention sets."""
    change = (intervention.set or {}).get(event.id)
    if change is None:
        return event
    return event.model_copy(update={key: value for key in ("probability", "delay") if (value := getattr(change, key)) is not None})


def _words(values: Iterable[int]) -> Words:
    return np.array(list(values), np.uint64)

"""What history gives on the morning of a day, and what is open then: where a forecast begins.

Events dated before that day have happened, and no other has. Every clock, chance and choice that is open is drawn at its
own address, given that it has not come about yet: the law of what is left, by Bayes for chance and choices, in whole
numbers, so that the arithmetic is exact. The tables made here serve both steppers.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from escsim.draws import History, due
from escsim.errors import AskedError, Problem, ScenarioError, listed, quoted
from escsim.process import Process, compile_scenario
from escsim.scenario import NOTHING, Choice, Event, Intervention, Scenario
from escsim.stepper import Run

WORDS, CHANCES = 1 << 64, 1 << 32

Picks = tuple[str, tuple[str, ...]]


class Arming(NamedTuple):
    """An arming before the day that is still open: chance says yes below `chance`, and its delay takes words from `least` on."""

    chance: int
    least: int


@dataclass(frozen=True)
class Given:
    """What is given on the morning of a day.

    Attributes
    ----------
    day : datetime.date
    tick : int
        Its 00:00.
    process : Process
        The scenario compiled, with the intervention under which it goes on.
    run : Run
        History as far as the day, on the readable stepper; nothing that is open has come about in it.
    armings : dict
        By event, number and tick of every arming before the day; None if its gate shut, or something barred it, before the day.
    open : dict
        By event, unless it is an option, the armings that are open, by number and tick: chance may have said yes at any, if at none before.
    puts, number : dict
        By choice and the options picked when it was put before: where the shares of its options end, of 2^32, and its number.
    leaves : dict
        By choice and all options picked: history as far as the day if these were.
    known : tuple of str
        Events dated from the day on that keep their dates, since nothing in the file leads to them: known in advance.
    weight : dict
        The probability of all that was open before the day not having come about: by event, and by choice.
    """

    day: Day
    tick: int
    process: Process
    run: Run
    armings: dict[tuple[str, int, int], Arming | None]
    open: dict[str, list[tuple[int, int]]]
    puts: dict[Picks, tuple[int, ...]]
    number: dict[Picks, int]
    leaves: dict[Picks, Run]
    known: tuple[str, ...]
    weight: dict[str, Fraction]


class Before(History):
    """History's draws before a day, with nothing else coming about: other events are refused, other choices come to nothing.

    Parameters
    ----------
    scenario : Scenario
    tick : int
        00:00 of the day.
    picks : dict, optional
        What is picked instead when a choice is put that history leaves open, by choice and number; such an option has a clock
        that never comes.
    """

    def __init__(self, scenario: Scenario, tick: int, picks: dict[tuple[str, int], str] | None = None) -> None:
        super().__init__(scenario)
        self.tick = tick
        self.picks = picks or {}
        self.armings: list[tuple[str, int, int]] = []
        self.puts: list[tuple[str, int]] = []

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        """Give an event's date if it lies before the day."""
        due = super().clock(event, k, now, fired)
        if due is not None and due < self.tick:
            return due
        self.armings.append((event.id, k, now))
        return self.scenario.period.ticks if event.id in self.scenario.choice_of else None

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        """Give the option that history took before the day; otherwise what is to be picked, or nothing."""
        option = super().option(name, choice, n, now, fired)
        if option != NOTHING and self.dates[option] < self.tick:
            return option
        self.puts.append((name, n))
        return self.picks.get((name, n), NOTHING)


def given(scenario: Scenario, day: Day | str, intervention: Intervention | None = None, process: Process | None = None) -> Given | None:
    """Find what is given on the morning of a day; None on the first day of the period, when nothing is.

    Parameters
    ----------
    scenario : Scenario
    day : datetime.date or str
    intervention : Intervention, optional
        A what-if under which it goes on from that day.
    process : Process, optional
        Both compiled, if they are already.

    Returns
    -------
    Given or None

    Raises
    ------
    ValueError
        If the day lies outside the period, or the what-if would change what lies before it.
    ScenarioError
        If history does not replay, or the file says that something must have happened before the day that has not.
    """
    day = scenario.period.day(day)
    tick = scenario.period.tick(datetime.combine(day, datetime.min.time()))
    process = process or compile_scenario(scenario, intervention)  # which refuses a history that does not replay
    if tick == 0:
        return None
    return Watcher(scenario, tick, process, intervention).given(day)


class Watcher:
    """Watches history as far as a tick, and weighs what is open then.

    Parameters
    ----------
    scenario : Scenario
    tick : int
    process : Process
        With the intervention.
    intervention : Intervention or None
    """

    def __init__(self, scenario: Scenario, tick: int, process: Process, intervention: Intervention | None) -> None:
        self.scenario = scenario
        self.tick = tick
        self.process = process
        self.forced = set((intervention and intervention.force) or ())
        self.intervention = intervention
        self.armings: dict[tuple[str, int, int], Arming | None] = {}
        self.open: dict[str, list[tuple[int, int]]] = {}
        self.puts: dict[Picks, tuple[int, ...]] = {}
        self.number: dict[Picks, int] = {}
        self.steps: list[tuple[int, str]] = []
        self.leaves: dict[Picks, Run] = {}
        self.weight: dict[str, Fraction] = {}

    def given(self, day: Day) -> Given:
        """Give what is given on the morning of a day, that of the tick."""
        run = self.run({})
        puts = dict.fromkeys(name for name, _ in _draws(run).puts)
        self.steps = [(step.tick, step.event) for step in run.steps]
        self.refuse(run, puts)
        for event in self.scenario.events:
            if event.id not in self.scenario.choice_of and event.id not in self.forced:
                self.weigh(run, event)
        for name in puts:
            if not self.forced & set(self.scenario.choices[name].options):
                self.weight[name] = self.decide(name, ())
                if not self.weight[name]:
                    self.impossible(None, f"an option of {quoted(name)} has to come about", name)
        known = [event.id for event in self.scenario.events if event.id not in run.fired and self.scenario.keeps_date(event)]
        return Given(
            day=day,
            tick=self.tick,
            process=self.process,
            run=run,
            armings=self.armings,
            open=self.open,
            puts=self.puts,
            number=self.number,
            leaves=self.leaves,
            known=tuple(known),
            weight=self.weight,
        )

    def run(self, picks: dict[tuple[str, int], str]) -> Run:
        """Run history as far as the day, with these picks of choices that it leaves open, by choice and number."""
        run = Run(self.scenario, Before(self.scenario, self.tick, picks), Intervention.model_construct())
        run.go(self.tick)
        return run

    def refuse(self, run: Run, puts: Collection[str]) -> None:
        """Refuse a what-if that would change what lies before the day."""
        if self.intervention is None:
            return
        period = self.scenario.period
        when = {**(self.intervention.move or {}), **(self.intervention.force or {})}
        wrong = [f"{event} on {date}" for event, date in when.items() if period.tick(date.moment) < self.tick]
        if wrong:
            raise AskedError(f"a forecast changes nothing before its day: {listed(wrong)} is too early")
        past = [event for event in when if event in run.fired]
        past += [event for event in self.intervention.remove or () if event in run.fired and not self.scenario.repeats(self.scenario.event[event])]
        past += [name for name in self.intervention.choose or () if name in run.used - {*puts} and not self.scenario.choices[name].repeats]
        if past:
            raise AskedError(f"a forecast changes nothing before its day: {listed(past)} came before it")

    def spells(self, run: Run, name: str) -> list[tuple[list[tuple[int, int]], int | None]]:
        """Give the armings of an event that history leaves open, by number and tick, spell by spell; each with the tick at which the spell ended."""
        armed = iter([(k, now) for event, k, now in _draws(run).armings if event == name])
        found: list[tuple[list[tuple[int, int]], int | None]] = []
        spell: list[tuple[int, int]] = []
        for note in run.notes:
            if note.event != name:
                continue
            if note.stage == "refused" or (note.stage == "armed" and note.due == self.scenario.period.ticks):
                spell.append(next(armed))
            elif note.stage in ("shut", "barred") and spell:
                found.append((spell, note.tick))
                spell = []
        return [*found, (spell, None)] if spell else found

    def least(self, name: str, now: int, until: int) -> int:
        """Give the smallest word of a delay from `now` that does not end before `until`; 2^64 if there is none."""
        e = self.scenario.order[name]
        low, high = 0, WORDS
        while low < high:
            middle = (low + high) // 2
            if due(self.process, e, now, middle) >= until:
                high = middle
            else:
                low = middle + 1
        return low

    def weigh(self, run: Run, event: Event) -> None:
        """Weigh chance's yes against its no at every open arming of an event."""
        chance = int(self.process.chance[self.scenario.order[event.id]])
        for spell, end in self.spells(run, event.id):
            weight = Fraction(1)  # of all that came after not having come about
            for k, now in reversed(spell):
                least = self.least(event.id, now, self.tick if end is None else end)
                yes, no = Fraction(chance * (WORDS - least), CHANCES * WORDS), Fraction(CHANCES - chance, CHANCES) * weight
                weight = yes + no
                self.armings[event.id, k, now] = None if end is not None else Arming(_share(yes, weight), least)
            if end is None:
                self.open[event.id] = spell
            if not weight:
                self.impossible(event.id, f"{quoted(event.id)} has to happen")
            self.weight[event.id] = self.weight.get(event.id, Fraction(1)) * weight

    def decide(self, name: str, before: tuple[str, ...]) -> Fraction:
        """Weigh the options of a choice that history leaves open, given what was picked when it was put before.

        Gives the probability that nothing comes about before the day of what was picked last, and may be picked after it.
        """
        run = self.run({(name, self.number[name, before[:place]]): option for place, option in enumerate(before)})
        puts = [n for each, n in _draws(run).puts if each == name]
        if [(step.tick, step.event) for step in run.steps] != self.steps:
            return Fraction(0)  # a choice that history took later would not have been put
        weight = Fraction(1)
        if before and before[-1] != NOTHING:
            for spell, end in self.spells(run, before[-1]):
                for k, now in spell:
                    least = self.least(before[-1], now, self.tick if end is None else end)
                    self.armings[before[-1], k, now] = None if end is not None else Arming(CHANCES, least)
                    weight *= Fraction(WORDS - least, WORDS)
        if len(puts) == len(before):
            self.leaves[name, before] = run
            return weight
        self.number[name, before] = puts[len(before)]
        c = list(self.scenario.choices).index(name)
        first, last = (int(each) for each in self.process.options[c : c + 2])
        cuts = [0, *(int(each) for each in self.process.cut[first:last])]
        weights = [
            Fraction(high - low, CHANCES) * (self.decide(name, (*before, option)) if high > low else 0)
            for option, (low, high) in zip(self.scenario.choices[name].options, pairwise(cuts), strict=True)
        ]
        total = sum(weights, Fraction(0))
        self.puts[name, before] = tuple(_share(each, total) for each in accumulate(weights))
        return weight * total

    def impossible(self, event: str | None, message: str, choice: str = "") -> None:
        """Refuse a file by which history cannot have been as it was."""
        place = self.scenario.event_place(event, "delay") if event else self.scenario.place("choices", choice)
        day = f"{self.scenario.period.moment(self.tick):%Y-%m-%d}"
        remedy = "give it a lower probability, or a delay that may take longer"
        raise ScenarioError([Problem(place, f"by this file {message} before {day}, and history has it later or never", remedy)])


def _draws(run: Run) -> Before:
    assert isinstance(run.draws, Before)
    return run.draws


def _share(part: Fraction, whole: Fraction) -> int:
    """Give a share as a whole number of 2^32, rounded; all of it where there is nothing to share, since that is never asked."""
    return int(part / whole * CHANCES + Fraction(1, 2)) if whole else CHANCES

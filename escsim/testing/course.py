"""A run whose clocks are left open: each is only known to lie between its shortest and its longest delay, until its event fires.

What fires next is for others to say, among all that may: an event that can be due before all others. The ticks of
firings are definite, so what is known of each clock is exact, and every course is a run: `Course.trajectory` makes it
again on the stepper alone, by clocks that are set.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple, Protocol

from escsim.draws import due
from escsim.process import Process
from escsim.scenario import NOTHING, Choice, Event, Intervention, Scenario
from escsim.stepper import Run
from escsim.trajectory import Trajectory

CERTAIN = 1 << 32
Arming = tuple[str, int]  # an event and the number of its arming, or a choice and that of its call


class Window(NamedTuple):
    """An event that can fire next, and the earliest and latest tick at which it can."""

    event: str
    low: int
    high: int


class Chance(Protocol):
    """What decides where a scenario leaves something to chance."""

    def comes_about(self, event: str) -> bool:
        """Say whether an event that is armed comes about, where that is neither certain nor impossible."""

    def option_of(self, choice: str, options: list[str]) -> str:
        """Take one of the options of a choice that have a share; there are several."""


class Course:
    """A run that is on its way.

    Parameters
    ----------
    scenario : Scenario
    process : Process
        The scenario compiled: it holds how long delays may be.
    chance : Chance
    """

    said = "a course of escsim.testing"
    refusal = "It might have come about, but did not."

    def __init__(self, scenario: Scenario, process: Process, chance: Chance) -> None:
        self.scenario, self.process, self.chance = scenario, process, chance
        self.run = Run(scenario, self, Intervention.model_construct())
        self.spans: dict[Arming, tuple[int, int]] = {}  # of each clock that was set: the earliest and latest tick at which it is due
        self.answers: dict[Arming, int | None] = {}  # the ticks of those that fired, and None where chance said no
        self.options: dict[Arming, str] = {}
        self.last: dict[str, Arming] = {}

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        """Open a clock: as long as nobody fires it, the stepper holds its earliest tick."""
        e, arming = self.scenario.order[event.id], (event.id, k)
        chance = int(self.process.chance[e])
        if not chance or (chance < CERTAIN and not self.chance.comes_about(event.id)):
            self.answers[arming] = None
            return None
        self.spans[arming] = due(self.process, e, now, 0), due(self.process, e, now, 2**64 - 1)
        self.last[event.id] = arming
        return self.spans[arming][0]

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        """Take an option that has a share; `nothing` is the first of them, as the simplest."""
        options = sorted((option for option, share in choice.options.items() if share), key=lambda option: option != NOTHING)
        self.options[name, n] = options[0] if len(options) == 1 else self.chance.option_of(name, options)
        return self.options[name, n]

    def begin(self) -> None:
        """Call what follows nothing."""
        self.run.begin()

    @property
    def now(self) -> int:
        """The tick of the last firing."""
        return self.run.now

    def next(self) -> list[Window]:
        """Give the events that can fire next, before the period ends; if there are none, nothing more happens."""
        order, found = self.scenario.order, []
        spans = {event: self.spans[self.last[event]] for event in self.run.clock}
        for event, (low, high) in spans.items():
            # of two that are due together the first in the file fires first
            latest = min((last - (order[other] < order[event]) for other, (_, last) in spans.items() if other != event), default=high)
            high, low = min(high, latest, self.run.end - 1), max(low, self.now)
            if low <= high:
                found.append(Window(event, low, high))
        return found

    def rests(self) -> bool:
        """Say whether time may pass now: no clock has to be due at this very tick."""
        return all(self.spans[self.last[event]][1] > self.now for event in self.run.clock)

    def fire(self, name: str, tick: int) -> None:
        """Let one of the events fire that can be next: no other was due before it."""
        order = self.scenario.order
        for event in self.run.clock:
            low, high = self.spans[self.last[event]]
            self.spans[self.last[event]] = max(low, tick + (order[event] < order[name])), high
        self.run.clock[name] = self.answers[self.last[name]] = tick
        self.run.fire(name)

    def trajectory(self) -> Trajectory:
        """Make the run again on the stepper, up to the present: clocks that are still open then are due as late as they may be.

        Raises
        ------
        RuntimeError
            If it does not come out the same, which would be a fault of escsim's own.
        """
        clocks: dict[Arming, int | None] = {arming: low for arming, (low, _) in self.spans.items()}
        clocks |= {self.last[event]: self.spans[self.last[event]][1] for event in self.run.clock} | self.answers
        again = Run(self.scenario, _Settled(clocks, self.options, self.said), Intervention.model_construct())
        again.go(self.now + 1)
        if [step.done for step in again.steps[: len(self.run.steps)]] != [step.done for step in self.run.steps]:
            raise RuntimeError(f"a course of {self.scenario.name} does not come out the same on the stepper")
        return again.history()


class _Settled:
    """The draws of a course that is known; whatever it leaves open comes to nothing."""

    refusal = Course.refusal

    def __init__(self, clocks: dict[Arming, int | None], options: dict[Arming, str], said: str) -> None:
        self.clocks, self.options, self.said = clocks, options, said

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        return self.clocks.get((event.id, k))

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        return self.options.get((name, n)) or next(option for option, share in choice.options.items() if share)

"""A Hypothesis state machine made of a scenario: its steps are firings, its invariants the places where no run may be.

Hypothesis says which event fires next and when, among all that the clocks allow, what chance says, and which options
are taken; the run itself is that of the stepper. A failure is shrunk to the fewest, earliest firings, and told as a
scenario file that replays it.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from os import PathLike
from pathlib import Path
from types import MappingProxyType, new_class
from typing import Any, ClassVar, NamedTuple

from hypothesis import HealthCheck, Phase, settings, target
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from escsim.errors import AskedError, listed, suggest
from escsim.library import load
from escsim.process import Process, compile_scenario
from escsim.scenario import Scenario, counterpart
from escsim.testing.course import Course
from escsim.testing.coverage import KINDS, Coverage, Kind
from escsim.testing.strategies import ticks
from escsim.trajectory import Trajectory
from escsim.witness import as_file

BROADLY = 0.4  # of the examples are tried before it is seen whether Hypothesis has to be steered, which it is from the half on
EXAMPLES, STEPS = 200, 50
Invariant = Callable[["View"], object]


@dataclass(frozen=True)
class View:
    """What an invariant is given: where a run stands when time passes.

    Attributes
    ----------
    scenario : Scenario
    statuses : mapping of str to str
        The status of each mission.
    happened : frozenset of str
        The events that have happened so far.
    moment : datetime.datetime
        From when it has been so (UTC).
    """

    scenario: Scenario
    statuses: Mapping[str, str]
    happened: frozenset[str]
    moment: datetime

    def status(self, who: str) -> str:
        """Give the status of a mission; the most severe one of a pair or `any`.

        Raises
        ------
        KeyError
            If the scenario has no such mission or pair.
        """
        if not (members := self.scenario.members(who)):
            raise KeyError(f"no mission or pair is called {who!r}: {suggest(who, self.statuses)}")
        return max((self.statuses[mission] for mission in members), key=self.scenario.ladder.severity.__getitem__)


class Broken(AssertionError):  # noqa: N818 -- what a test is told, as AssertionError is
    """A run is where none may be. Said as text it holds the run as a scenario file.

    Attributes
    ----------
    law : str
        What it breaks.
    how : str
        Where the run stands.
    trajectory : Trajectory
        The run, up to there.
    tick : int
    """

    def __init__(self, law: str, how: str, trajectory: Trajectory, tick: int) -> None:
        super().__init__(law, how)
        self.law, self.how, self.trajectory, self.tick = law, how, trajectory, tick

    @property
    def message(self) -> str:
        """What is broken, from when, and after which events."""
        period = self.trajectory.scenario.period
        by = [f"{step.event} ({period.moment(step.tick):%Y-%m-%d})" for step in self.trajectory.steps]
        return f"{self.law} does not hold: {self.how} from {period.moment(self.tick):%Y-%m-%d}, after {', '.join(by) or 'nothing'}"

    @cached_property
    def file(self) -> str:
        """The run as a scenario that extends the tested one, beside which it is to be saved, and that replays.

        Raises
        ------
        ValueError
            If a file cannot tell it.
        """
        scenario = self.trajectory.scenario
        summary = f"No history: the smallest run found in which {self.law} does not hold."
        return as_file(self.trajectory, base_of(scenario), self.tick, f"{scenario.title}: a run that breaks what must hold", summary)

    def __str__(self) -> str:
        base = base_of(self.trajectory.scenario)
        try:
            return f"{self.message}\n\n# The run as a scenario; saved beside {base} it can be replayed and drawn.\n{self.file}"
        except ValueError as error:
            return f"{self.message}\n\nThe run cannot be written as a scenario: {error}"


class Law(NamedTuple):
    """What must hold whenever time passes; `judge` tells how it does not, or nothing."""

    name: str
    judge: Callable[[View], str | None]
    broken: type[Broken]  # one of its own, for Hypothesis takes failures of one type for one failure, and would shrink one into another


class Firing(NamedTuple):
    """An event that fires, and when."""

    event: str
    tick: int
    moment: str

    def __repr__(self) -> str:
        return f"{self.event!r} on {self.moment}"


@st.composite
def firings(draw: st.DrawFn) -> Firing | None:
    """Choose what fires next, and when, among all that the clocks of the machine allow: the first of the file, and early, when shrunk."""
    machine: ScenarioMachine = draw(st.runner())
    windows = sorted(machine.course.next(), key=lambda window: machine.scenario.order[window.event])
    if not windows:
        return None
    window = draw(st.sampled_from([window for window in windows if window.event not in machine.shy] or windows))
    tick = draw(ticks(window))
    return Firing(window.event, tick, f"{machine.scenario.period.moment(tick)}".removesuffix(":00"))


class _Asked:
    """Chance, as Hypothesis draws it."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def comes_about(self, event: str) -> bool:
        return self.data.draw(st.booleans(), f"{event} comes about")

    def option_of(self, choice: str, options: list[str]) -> str:
        return self.data.draw(st.sampled_from(options), choice)


class ScenarioMachine(RuleBasedStateMachine):
    """Base of the state machines that `scenario_machine` makes; rules and invariants of one's own may be added in a subclass.

    Attributes
    ----------
    scenario : Scenario
    coverage : Coverage
        What all examples together have come to.
    course : Course
        The run of this example.
    """

    scenario: ClassVar[Scenario]
    process: ClassVar[Process]
    coverage: ClassVar[Coverage]
    laws: ClassVar[list[Law]]
    floor: ClassVar[Mapping[Kind, float]]
    deepest: ClassVar[bool]
    broadly: ClassVar[float] = 0

    course: Course
    chance: _Asked
    shy: set[str]  # events that fire only where no other may: what comes round all the time would leave no steps to the rest

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Call what follows nothing."""
        self.chance = _Asked(data)
        size = (len(self.scenario.events) + 7) // 8
        mask = int.from_bytes(data.draw(st.binary(min_size=size, max_size=size), "shy"))
        self.shy = {event for event, e in self.scenario.order.items() if mask >> e & 1}
        self.course = Course(self.scenario, self.process, self.chance)
        self.course.begin()

    @rule(firing=firings(), data=st.data())  # the only one, for Hypothesis leaves out rules at random, and gives up where no other is left
    def fire(self, firing: Firing | None, data: st.DataObject) -> None:
        """Let an event fire; with none, let time pass to the end of the period."""
        if firing is not None:
            self.chance.data = data
            self.course.fire(firing.event, firing.tick)

    @invariant()
    def holds(self) -> None:
        """Judge the laws, if time may pass now."""
        if not self.course.rests():
            return
        view = self.view
        for law in self.laws:
            cause = None
            try:
                how = law.judge(view)
            except Exception as error:  # whatever an invariant of the user's raises is its way to say no
                how, cause = f"{type(error).__name__}: {error}".removesuffix(": "), error
            if how is not None:
                raise law.broken(law.name, how, self.course.trajectory(), self.course.now) from cause

    @property
    def view(self) -> View:
        """Where the run stands."""
        run = self.course.run
        statuses = MappingProxyType({mission: model.state for mission, model in run.models.items()})
        return View(self.scenario, statuses, frozenset(run.happened), self.scenario.period.moment(run.now))

    def teardown(self) -> None:
        """Take in what the example came to, and steer Hypothesis to more severe and more different statuses."""
        if not hasattr(self, "course"):
            return
        self.coverage.watch(self.course.run)
        if self.deepest and self.coverage.examples > self.broadly and self.coverage.missed("statuses"):  # else it would only cost variety
            paths = self.course.run.history().paths
            severity = self.scenario.ladder.severity
            target(float(sum(max(severity[status] for _, status in path) for path in paths.values())), label="severity")
            target(float(sum(len({status for _, status in path}) for path in paths.values())), label="statuses")

    @classmethod
    def report(cls) -> str:
        """Tell what the examples have come to, what was rare, and what never happened."""
        return "\n".join(cls.coverage.lines())

    @classmethod
    def check_floor(cls) -> None:
        """Fail if the examples have come to less than the floor.

        Raises
        ------
        AssertionError
            With what was missed.
        """
        if told := [*cls.coverage.below(cls.floor)]:
            raise AssertionError(f"{cls.coverage.examples:,} runs of {cls.scenario.name} are below the floor: {'; '.join(told)}")

    @classmethod
    def run(cls, examples: int = EXAMPLES, steps: int = STEPS, seed: int | None = None) -> None:
        """Run it as a test, outside of pytest.

        Parameters
        ----------
        examples, steps : int
            How many runs are tried if none fails, and of how many firings at most.
        seed : int, optional
            The same seed tries the same runs.

        Raises
        ------
        Broken
            With the smallest run found that breaks what must hold.
        AssertionError
            If the floor is not reached.
        """
        machine: type[ScenarioMachine] = new_class(cls.__name__, (cls,))
        if seed is not None:
            machine = seeded(seed)(machine)
        phases = [Phase.generate, Phase.target, Phase.shrink]
        _test(
            machine,
            settings(
                _LIKE,
                max_examples=examples,
                stateful_step_count=steps,
                database=None,
                derandomize=False,
                phases=phases,
                print_blob=False,
                report_multiple_bugs=False,
            ),
        )


_LIKE = settings(deadline=None, suppress_health_check=list(HealthCheck))


def _test(machine: type[ScenarioMachine], how: settings) -> None:
    machine.coverage.clear()
    machine.broadly = BROADLY * how.max_examples
    run_state_machine_as_test(machine, settings=how)
    machine.check_floor()


@cache
def _case(machine: type[ScenarioMachine]) -> type[unittest.TestCase]:
    class TestCase(unittest.TestCase):
        settings = _LIKE

        def runTest(self) -> None:  # noqa: N802 -- the name that unittest looks for
            _test(machine, self.settings)

        runTest.is_hypothesis_test = True  # type: ignore[attr-defined]

    TestCase.__name__ = TestCase.__qualname__ = f"{machine.__name__}TestCase"
    TestCase.__module__, TestCase.__doc__ = machine.__module__, f"Runs of {machine.scenario.name}."
    return TestCase


class _Case:
    """Gives each machine the TestCase that runs it, and a subclass its own."""

    def __get__(self, machine: ScenarioMachine | None, owner: type[ScenarioMachine]) -> type[unittest.TestCase]:
        return _case(owner)


ScenarioMachine.TestCase = _Case()  # type: ignore[assignment]


def scenario_machine(
    scenario: Scenario | str | PathLike[str],
    *,
    invariants: Iterable[Invariant] = (),
    floor: Mapping[str, float] | None = None,
    deepest: bool = True,
) -> type[ScenarioMachine]:
    """Make a Hypothesis state machine of a scenario.

    Each step fires one of the events whose clocks may be due before all others, at a time that their delays allow;
    where chance has a say, or a choice is put, Hypothesis decides. What must hold is judged whenever time passes: the
    `never` lines of the file, the `shared` statuses of its ladder, and what `invariants` say.

    Parameters
    ----------
    scenario : Scenario, str or path-like
        A scenario, its file, or the name of one that ships.
    invariants : iterable of callable
        Each is given a `View`; it fails by giving False or raising an exception.
    floor : dict of str to float, optional
        Shares of the `statuses`, `transitions`, `options` and `events` that the scenario admits to which the examples
        must come, or the test fails: `{"statuses": 0.9}`.
    deepest : bool
        Whether Hypothesis is steered to runs that come to severe and to many different statuses.

    Returns
    -------
    type of ScenarioMachine
        Its `TestCase` is what pytest and unittest collect, its `report()` tells what the examples came to.

    Raises
    ------
    ScenarioError
        If the file is wrong, or its history is not a run of its model.
    ValueError
        If the floor names what is not counted, or no share.

    Examples
    --------
    >>> from escsim.testing import scenario_machine
    >>> machine = scenario_machine("saudi-iran-2016", floor={"statuses": 0.5})
    >>> machine.run(examples=20, steps=10, seed=1)
    >>> machine.coverage.share("statuses") > 0.5
    True
    """
    known = scenario if isinstance(scenario, Scenario) else load(scenario)
    least = {_kind(kind): share for kind, share in (floor or {}).items()}
    for share in least.values():
        if not 0 <= share <= 1:
            raise AskedError(f"a floor is a share from 0 to 1, not {share:g}")
    told = {
        "__doc__": f"Runs of {known.name}.",
        "__module__": __name__,
        "scenario": known,
        "process": compile_scenario(known),
        "coverage": Coverage(known),
        "laws": [*_never(known), *_shared(known), *map(_own, invariants)],
        "floor": least,
        "deepest": deepest,
    }
    name = "".join(part.capitalize() for part in known.name.replace("-", " ").replace("_", " ").split())
    made: type[ScenarioMachine] = new_class(
        name if name.isidentifier() else f"Scenario{name}", (ScenarioMachine,), exec_body=lambda body: body.update(told)
    )
    return made


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind == name:
            return kind
    raise AskedError(f"no floor can be set for {name!r}: {suggest(name, KINDS, 'known')}")


def base_of(scenario: Scenario) -> str:
    """Give the name of a scenario's file."""
    file = Path(scenario.place().file).name
    return file if file.endswith((".yaml", ".yml")) else f"{scenario.name}.yaml"


def _law(name: str, judge: Callable[[View], str | None]) -> Law:
    return Law(name, judge, type("Broken", (Broken,), {"__module__": "escsim.testing", "__doc__": f"{name} does not hold."}))


def _never(scenario: Scenario) -> list[Law]:
    """Give the `never` lines of a file as laws."""

    def law(number: int, line: Mapping[str, tuple[str, ...]]) -> Law:
        inside = {who: scenario.ladder.resolve(names) for who, names in line.items()}
        how = " and ".join(f"{who} {listed(names)}" for who, names in line.items())
        place = scenario.place("never", number)
        name = f"the `never` line {place.line} of {Path(place.file).name if place.file.endswith(('.yaml', '.yml')) else base_of(scenario)}"
        return _law(name, lambda view: how if all(view.status(who) in statuses for who, statuses in inside.items()) else None)

    return [law(number, line) for number, line in enumerate(scenario.never)]


def _shared(scenario: Scenario) -> list[Law]:
    """Give the `shared` statuses of a ladder as laws."""

    def judge(status: str, view: View) -> str | None:
        for mission, held in view.statuses.items():
            other = view.statuses.get(counterpart(mission), scenario.ladder.initial)
            if held == status != other:
                return f"{mission} is {held!r} and {counterpart(mission)} {other!r}"
        return None

    return [_law(f"`shared: [{status}]`", lambda view, status=status: judge(status, view)) for status in scenario.ladder.shared]  # type: ignore[misc]


def _own(asked: Invariant) -> Law:
    """Give an invariant of the user's as a law."""

    def judge(view: View) -> str | None:
        said: Any = asked(view)
        if said is None or said:
            return None
        return ", ".join(f"{mission} is {status!r}" for mission, status in view.statuses.items()) or "no mission has a status"

    return _law(f"the invariant {getattr(asked, '__name__', repr(asked))!r}", judge)

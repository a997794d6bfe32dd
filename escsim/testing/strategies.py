"""Hypothesis strategies of what escsim is made of: scenarios, ladders, delays, what-ifs, trajectories; small ones first."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from escsim.delays import Delay
from escsim.ladder import Ladder
from escsim.library import validate, what_if
from escsim.process import compile_scenario
from escsim.reading import parse
from escsim.scenario import Intervention, Scenario
from escsim.testing import generate
from escsim.testing.course import Course, Window
from escsim.testing.generate import DELAYS, Data, Pick
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Trajectory

T = TypeVar("T")
UNITS = (TICKS_A_DAY, TICKS_A_DAY // 24, TICKS_A_DAY // 1440, 1)  # in which firings are dated, the coarsest first
SOON = 8  # whole days, or what else a window holds, that are likelier than later ones


@cache
def _below(bound: int) -> st.SearchStrategy[int]:
    return st.integers(0, bound - 1)


def strategy(build: Callable[..., T], **options: Any) -> st.SearchStrategy[T]:
    """Turn a function of a `Pick` into a strategy."""

    @st.composite
    def composed(draw: st.DrawFn) -> T:
        return build(Pick(lambda bound: draw(_below(bound)) if bound > 1 else 0), **options)

    return composed()


def _loaded(data: Data) -> Scenario:
    return validate(parse(json.dumps(data), "generated"), "generated")


def ticks(window: Window) -> st.SearchStrategy[int]:
    """Give the ticks of a window: often its first whole day, else another one, or any minute of it; where it holds none, any tick."""

    def multiples(unit: int) -> range:
        return range(-(-window.low // unit) * unit, window.high + 1, unit)

    coarse, *fine = [found for unit in UNITS if (found := multiples(unit))]
    finer = fine[-2] if len(fine) > 1 else coarse  # minutes, where it holds a whole one: a file cannot tell seconds
    return st.one_of(*(st.sampled_from(found) for found in (coarse[:1], coarse[:SOON], coarse, finer)))


def scenarios() -> st.SearchStrategy[Scenario]:
    """Give scenarios that are valid, and whose history is a run of their model."""
    return strategy(generate.history).map(_loaded)


def ladders() -> st.SearchStrategy[Ladder]:
    """Give ladders of three to six statuses."""
    return strategy(generate.ladder).map(Ladder.model_validate)


def delays() -> st.SearchStrategy[Delay]:
    """Give delays of every law, none first."""
    return st.sampled_from(DELAYS).map(Delay.model_validate)


def interventions(scenario: Scenario) -> st.SearchStrategy[Intervention]:
    """Give what-ifs of a scenario: events removed, moved or forced, decisions taken, chances and delays set."""

    @st.composite
    def composed(draw: st.DrawFn) -> Intervention:
        return what_if(scenario, _change(Pick(lambda bound: draw(_below(bound)) if bound > 1 else 0), scenario))

    return composed()


def _change(pick: Pick, scenario: Scenario) -> Data:
    """Give a change of a scenario as data. What may come round again is not moved: due at a past date it would do so without end."""
    again = {event.id for event in scenario.events if scenario.repeats(event)}
    change: Data = {}
    days = [str(day) for day in scenario.period.days()]
    for name in pick.some([*scenario.event], 1, 3):
        kinds = ["remove", "force", *(["move"] if name not in again else []), *(["set"] if scenario.event[name].delay else [])]
        if (kind := pick.one(kinds)) == "remove":
            change.setdefault("remove", []).append(name)
        else:
            change.setdefault(kind, {})[name] = {"delay": pick.one(generate.LATER)} if kind == "set" else pick.one(days)
    if scenario.choices and pick.often(50):
        choice = pick.one([*scenario.choices])
        change["choose"] = {choice: pick.one([*scenario.choices[choice].options])}
    return change


class _Drawn:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def comes_about(self, event: str) -> bool:
        return self.draw(st.booleans())

    def option_of(self, choice: str, options: list[str]) -> str:
        return self.draw(st.sampled_from(options))


def trajectories(scenario: Scenario, most: int = 50) -> st.SearchStrategy[Trajectory]:
    """Give runs of a scenario, of so many firings at most: any that its clocks and chances allow, however unlikely.

    Raises
    ------
    ScenarioError
        If the scenario's history is not a run of its model.
    """
    process = compile_scenario(scenario)

    @st.composite
    def composed(draw: st.DrawFn) -> Trajectory:
        course = Course(scenario, process, _Drawn(draw))
        course.begin()
        for _ in range(draw(st.integers(0, most))):
            if not (windows := course.next()):
                break
            window = draw(st.sampled_from(windows))
            course.fire(window.event, draw(ticks(window)))
        return course.trajectory()

    return composed()

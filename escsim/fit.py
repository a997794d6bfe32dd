"""Whether history is a run of the model and, if not, which fewest events are to blame."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from itertools import combinations
from math import comb
from typing import NamedTuple

from escsim.draws import due
from escsim.errors import Problem, ScenarioError, quoted
from escsim.given import given
from escsim.process import compile_scenario
from escsim.replay import replay
from escsim.scenario import Scenario
from escsim.times import TICK, TICKS_A_DAY

MOST_TRIED = 2500  # sets of events that are left out, some seconds


class Fit(NamedTuple):
    """How history and model go together.

    Attributes
    ----------
    dated : int
        How many events are dated.
    problems : tuple of Problem
        What does not fit, in the order of time; empty if history is a run of the model.
    blamed : tuple of tuple of str
        Every smallest set of events without whose dates the rest fits; empty if nothing is wrong or none was found.
    tried : int
        Up to how many events were left out together.
    unlikely : tuple of Problem
        Where the dates fit, what chances and delays make impossible all the same.
    """

    dated: int
    problems: tuple[Problem, ...]
    blamed: tuple[tuple[str, ...], ...]
    tried: int
    unlikely: tuple[Problem, ...] = ()


def fit(scenario: Scenario) -> Fit:
    """Hold history against the model."""
    dated = [
        event.id for event in sorted((event for event in scenario.events if event.date), key=lambda event: event.date.moment if event.date else 0)
    ]
    problems = _problems(scenario)
    if not problems:
        return Fit(len(dated), (), (), 0, impossible(scenario))
    size, left = 0, MOST_TRIED
    while problems and size < len(dated) and comb(len(dated), size + 1) <= left:
        size += 1
        left -= comb(len(dated), size)
        blamed = tuple(names for names in combinations(dated, size) if not _problems(without(scenario, names)))
        if blamed:
            return Fit(len(dated), problems, blamed, size)
    return Fit(len(dated), problems, (), size)


def without(scenario: Scenario, names: Collection[str]) -> Scenario:
    """Give the scenario as if some events had not happened: without their dates."""
    events = tuple(event.model_copy(update={"date": None}) if event.id in names else event for event in scenario.events)
    return scenario.revised(history=False, events=events)


def _problems(scenario: Scenario) -> tuple[Problem, ...]:
    try:
        replay(scenario)
    except ScenarioError as error:
        return error.problems
    return ()


def impossible(scenario: Scenario) -> tuple[Problem, ...]:
    """Find what chances and delays of the file make impossible of a history that replays, so that its likelihood is 0.

    That is a dated event that chance never lets happen, one that came sooner or later than its delay can be, by more than its date
    leaves open, and whatever had to happen before a day on which it had not.
    """
    process, found = compile_scenario(scenario), dict[str, Problem]()
    for step in scenario.replayed.steps:
        e, event = scenario.order[step.event], scenario.event[step.event]
        if event.date is None:
            continue
        if not process.chance[e]:
            message = f"{quoted(event.id)} happened on {event.date}, and its probability is 0"
            found[event.id] = Problem(scenario.event_place(event.id, "probability"), message, "give it a probability")
        low, high = due(process, e, 0, 0), due(process, e, 0, 2**64 - 1)
        slack = TICKS_A_DAY + (event.date.last - event.date.first) // TICK  # what it follows may be known to the day only
        gap = step.tick - step.armed
        if event.delay is not None and not low - slack <= gap <= high + slack:
            days = (f"{ticks / TICKS_A_DAY:.3g}" for ticks in (gap, low, high))
            message = "{} happened {} days after its clock was set, and its delay is from {} to {} days".format(quoted(event.id), *days)
            found.setdefault(event.id, Problem(scenario.event_place(event.id, "delay"), message, "give it a delay that may be so"))
    first, last = scenario.period.from_.day, scenario.period.to.day
    mornings = {scenario.period.moment(step.tick).date() + timedelta(days=1) for step in scenario.replayed.steps}
    for day in sorted(day for day in mornings | {last} if first < day <= last):
        try:
            given(scenario, day, process=process)
        except ScenarioError as error:
            for problem in error.problems:
                found.setdefault(str(problem.place), problem)
            break
    return tuple(sorted(found.values(), key=lambda problem: problem.place))

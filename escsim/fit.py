"""Whether history is a run of the model and, if not, which fewest events are to blame."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from math import comb
from typing import NamedTuple

from escsim.errors import Problem, ScenarioError
from escsim.replay import replay
from escsim.scenario import Scenario

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
    """

    dated: int
    problems: tuple[Problem, ...]
    blamed: tuple[tuple[str, ...], ...]
    tried: int


def fit(scenario: Scenario) -> Fit:
    """Hold history against the model."""
    dated = [
        event.id for event in sorted((event for event in scenario.events if event.date), key=lambda event: event.date.moment if event.date else 0)
    ]
    problems = _problems(scenario)
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

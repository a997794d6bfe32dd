"""Absences: when a mission or pair first falls below the level that it started at, and how that ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from escsim.scenario import Scenario
from escsim.worlds import Ticks, Worlds


class Levels(NamedTuple):
    """The statuses of a ladder as seen from the start of a mission or pair, mildest first.

    Attributes
    ----------
    kept, down : tuple of str
        Those no worse than the start, by their height on the ladder, and the others.
    lost : tuple of str
        Of these the ones from which the ladder has no way back.
    """

    kept: tuple[str, ...]
    down: tuple[str, ...]
    lost: tuple[str, ...]


class Absences(NamedTuple):
    """Of each trajectory the ticks, NEVER if it does not come about.

    Attributes
    ----------
    since : int64, shape (n,)
        When it first goes down.
    back, lost : int64, shape (n,)
        When it is first back at its old level after that, and when one of its missions first comes to where no way leads back.
    """

    since: Ticks
    back: Ticks
    lost: Ticks


def levels(scenario: Scenario, unit: str) -> Levels:
    """Sort the statuses of the ladder by what they are to a mission or pair; a pair starts in the more severe status of the two."""
    ladder = scenario.ladder
    start = max(ladder.heights[scenario.initial[mission]] for mission in scenario.members(unit))
    kept = [status for status in ladder.statuses if ladder.heights[status] <= start]
    mendable = {*kept}
    while more := {source for ways in ladder.triggers.values() for source, dest in ways.items() if dest in mendable} - mendable:
        mendable |= more
    down = [status for status in ladder.statuses if status not in kept]
    return Levels(tuple(kept), tuple(down), tuple(status for status in down if status not in mendable))


def absences(worlds: Worlds, unit: str) -> Absences:
    """Find the first absence of a mission or pair in each trajectory."""
    level, start = levels(worlds.scenario, unit), np.zeros(worlds.n, np.int64)
    since = worlds.reached({unit: level.down}, start)
    lost = [worlds.reached({mission: level.lost}, start) for mission in worlds.scenario.members(unit)]
    return Absences(since, worlds.reached({unit: level.kept}, since), np.min(lost, axis=0))

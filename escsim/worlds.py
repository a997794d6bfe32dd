"""What happened in each of many trajectories: their steps, and the stretches of time in which no status changed.

A question about single trajectories is answered from this in NumPy, chunk by chunk, for sampled ones and for the
replay alike. Nothing is drawn here: given what happened in which order, the ladder tells the statuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escsim.process import STAYS, Process
from escsim.scenario import Scenario
from escsim.trajectory import Trajectory

Ticks = NDArray[np.int64]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max  # the tick of what does not come about


@dataclass(frozen=True)
class Worlds:
    """Some trajectories, numbered from 0 on.

    Attributes
    ----------
    scenario : Scenario
    n : int
        How many there are.
    world, tick, event : int64, shape (steps,)
        Every happening (what was moot is left out): in which trajectory, when, and the number of the event; by
        trajectory, and in each in the order of firing.
    of, start, end : int64, shape (stretches,)
        The trajectory, the first tick, and the tick after the last of each stretch of time between changes of status; by
        trajectory and time. They are longer than 0, since statuses are judged when time passes.
    status : uint8, shape (stretches, missions)
        The status that each mission holds then, by severity.
    step : int64, shape (moves,)
        The place among the steps of each move of a mission.
    source, dest : uint8, shape (moves,)
        The statuses from and to which it goes, by severity.
    """

    scenario: Scenario
    n: int
    world: Numbers
    tick: Ticks
    event: Numbers
    of: Numbers
    start: Ticks
    end: Ticks
    status: NDArray[np.uint8]
    step: Numbers
    source: NDArray[np.uint8]
    dest: NDArray[np.uint8]

    @cached_property
    def begins(self) -> Numbers:
        """Where the stretches of each trajectory begin; it has one at least."""
        return np.searchsorted(self.of, np.arange(self.n))

    def held(self, line: dict[str, tuple[str, ...]]) -> Mask:
        """Tell in which stretches every mission, pair or `any` mission named is in one of its statuses."""
        return held(self.scenario, self.status, line)

    def severity(self, who: str) -> NDArray[np.uint8]:
        """Give the status of a mission in each stretch, by severity; the most severe one of a pair or `any`."""
        worst: NDArray[np.uint8] = self.status[:, _columns(self.scenario, who)].max(axis=1)
        return worst

    def first(self, events: Iterable[str], since: Numbers | None = None) -> Numbers:
        """Give the place among the steps of the first happening of one of some events in each trajectory, NEVER if there is none.

        Parameters
        ----------
        events : iterable of str
        since : int64, shape (n,), optional
            Places; what comes before them or there does not count.
        """
        counts = np.isin(self.event, [self.scenario.order[event] for event in events])
        if since is not None:
            counts &= np.arange(len(self.event)) > since[self.world]
        return self._earliest(self.world[counts], np.flatnonzero(counts))

    def when(self, place: Numbers) -> Ticks:
        """Give the ticks of steps by their places, NEVER for NEVER."""
        return np.where(place == NEVER, NEVER, np.append(self.tick, NEVER)[np.minimum(place, len(self.tick))])

    def reached(self, line: dict[str, tuple[str, ...]], since: Ticks) -> Ticks:
        """Give the first tick from `since` on, in each trajectory, at which a line holds, NEVER if it does not hold any more."""
        counts = self.held(line) & (self.end > since[self.of])
        of = self.of[counts]
        return self._earliest(of, np.maximum(self.start[counts], since[of]))

    def _earliest(self, world: Numbers, value: Numbers) -> Numbers:
        """Give the first value of each trajectory, NEVER where it has none; values rise within one."""
        found = np.full(self.n, NEVER, np.int64)
        found[world[::-1]] = value[::-1]  # the last to be assigned stays
        return found

    def per_world(self, values: Any) -> Numbers:
        """Add up a value of every stretch by trajectory."""
        added: Numbers = np.add.reduceat(values, self.begins)
        return added


def _columns(scenario: Scenario, who: str) -> list[int]:
    return [scenario.missions.index(mission) for mission in scenario.members(who)]


def held(scenario: Scenario, status: NDArray[np.uint8], line: dict[str, tuple[str, ...]]) -> Mask:
    """Tell where every mission, pair or `any` mission named in a line is in one of its statuses.

    Parameters
    ----------
    scenario : Scenario
    status : uint8, shape (rows, missions)
        The statuses of the missions, by severity.
    line : dict of str to tuple of str

    Returns
    -------
    bool, shape (rows,)
    """
    found = np.ones(len(status), bool)
    for who, names in line.items():
        inside = np.zeros(len(scenario.ladder.statuses), bool)
        inside[[scenario.ladder.severity[name] for name in scenario.ladder.resolve(names)]] = True
        columns = status[:, _columns(scenario, who)]
        found &= inside[columns].any(axis=1) if who == "any" else inside[columns.max(axis=1)]
    return found


def in_order(values: Numbers) -> Numbers:
    """Give the places of small whole numbers in ascending order, equal ones as they stand; short numbers are sorted fastest."""
    return np.argsort(values.astype(np.uint16) if len(values) and values.max() < 2**16 else values, kind="stable")


def worlds(scenario: Scenario, process: Process, n: int, world: Numbers, tick: Ticks, event: Numbers) -> Worlds:
    """Retrace the statuses of trajectories from what happened in them; what is given must be sorted as in `Worlds`."""
    moving = np.flatnonzero(np.diff(process.fires)[event] > 0)
    of, what = world[moving], event[moving]
    rank = np.arange(len(of)) - np.searchsorted(of, of)  # the how manieth move of its trajectory
    status = np.tile(process.start.astype(np.uint8), (n, 1))
    after = np.empty((len(of), process.n_missions), np.uint8)
    order = in_order(rank)
    moves = [(moving[:0], after[:0].ravel(), after[:0].ravel())]
    for at in np.split(order, np.cumsum(np.bincount(rank))[:-1]) if len(of) else ():  # all first moves, all second ones, ...
        begin, end = (process.fires[what[at] + more].astype(np.int64) for more in (0, 1))
        for j in range(int((end - begin).max())):
            some = at[begin + j < end]
            move = process.fires[what[some]].astype(np.int64) + j
            where = of[some], process.mission[move].astype(np.int64)
            dest = process.leads[process.way[move].astype(np.int64) + status[where]]
            moved = dest != STAYS
            moves.append((moving[some[moved]], status[where][moved], dest[moved]))
            status[where] = np.where(moved, dest, status[where])
        after[at] = status[of[at]]
    # the first stretch of every trajectory, and one after each move
    whose = np.concatenate([np.arange(n), of])
    order = in_order(whose)
    whose, start = whose[order], np.concatenate([np.zeros(n, np.int64), tick[moving]])[order]
    held = np.concatenate([np.tile(process.start.astype(np.uint8), (n, 1)), after])[order]
    end = np.where(np.append(whose[1:], n) == whose, np.append(start[1:], 0), process.end)
    lasting = end > start
    return Worlds(
        scenario, n, world, tick, event, whose[lasting], start[lasting], end[lasting], held[lasting], *map(np.concatenate, zip(*moves, strict=True))
    )


def of_trajectory(trajectory: Trajectory, process: Process) -> Worlds:
    """Give one trajectory, such as the replay; the process is that of its scenario and intervention."""
    steps = [step for step in trajectory.steps if not step.moot]
    event = [trajectory.scenario.order[step.event] for step in steps]
    whole = (np.array(each, np.int64) for each in ([0] * len(steps), [step.tick for step in steps], event))
    return worlds(trajectory.scenario, process, 1, *whole)

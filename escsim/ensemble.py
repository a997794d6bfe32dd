"""Ensembles: many variants of a scenario, run on the compiled kernel and added up.

Trajectory i of an ensemble depends on seed and i alone. So the trajectories can be split among threads, processes and
sessions in any way, the counts add up to the same integers, and `Ensemble.trajectory(i)` runs any of them again on
the readable stepper.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date as Day
from functools import cached_property
from itertools import pairwise
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim.draws import Addressed, Forecast
from escsim.errors import AskedError, ScenarioError, quoted, suggest
from escsim.given import Given
from escsim.given import given as _given
from escsim.intervals import Estimate, wilson
from escsim.process import Process, compile_scenario, digest, pairs_of
from escsim.questions import Answer, answer, size, tally
from escsim.scenario import Intervention, Question, Scenario, missions_of
from escsim.stepper import run
from escsim.times import TICKS_A_DAY
from escsim.worlds import Worlds, of_trajectory, worlds

if TYPE_CHECKING:
    from escsim.kernel import Output, Packed
    from escsim.trajectory import Trajectory

Counts = NDArray[np.int64]
Progress = Callable[[int], object]

MOST = 10**10  # trajectories of an ensemble
CHUNK = 20_000  # trajectories a call of the kernel: a hundredth of a second, and tens of megabytes where single ones are looked at
FATES = ("happened", "chance", "cancelled", "moot", "censored")  # in the order of the kernel's output


class Rows(NamedTuple):
    """What single trajectories show, one row each; -1 where something never came about.

    Attributes
    ----------
    first, last, time : int64, shape (n, units, statuses)
        Ticks of first coming to be in a status, of last leaving it (the end of the period if still in it), and spent
        in it (0 if never).
    when, happened : int64, shape (n, events)
        Tick of each event's first happening, and how often it happened.
    """

    first: Counts
    last: Counts
    time: Counts
    when: Counts
    happened: Counts


@dataclass(frozen=True, repr=False)
class Ensemble:
    """Variants of a scenario, added up.

    Units are the missions, in order, and then the pairs whose two missions are both in the scenario; a pair's status
    is the more severe of the two. Statuses are those of the ladder, mildest first.

    Attributes
    ----------
    scenario : Scenario
    intervention : Intervention or None
        The what-if under which it was run.
    given : Given or None
        What is given on the morning of a day, if it is a forecast from that day.
    process : Process
        The scenario compiled.
    seed, n : int
        The seed, and how many trajectories there are: numbers 0 to n - 1.
    counts : int64, shape (units, statuses, days)
        Trajectories in each status at the last tick of each day.
    first, last : int64, shape (units, statuses, days + 1)
        Trajectories by the day on which they first come to be, and are last left to be, in each status; the last
        column of `last` counts those still in it when the period ends.
    time : list of list of int, units by statuses
        Ticks spent in each status, over all trajectories.
    peak : int64, shape (units, statuses)
        Trajectories by the most severe status in which time passed.
    fates : int64, shape (5, events)
        Trajectories in which each event happened; chance said no when it was last armed; it was cancelled, its gate
        not open, or barred; it was moot; it was censored, still to come when the period ended. In the rest it was never called.
    firings : int64, shape (events,)
        Firings of each event.
    armings, decisions : int
        How often events were armed, and how often choices were put. Together these are the activations.
    """

    scenario: Scenario
    intervention: Intervention | None
    given: Given | None
    process: Process
    seed: int
    n: int
    counts: Counts
    first: Counts
    last: Counts
    time: list[list[int]]
    peak: Counts
    fates: Counts
    firings: Counts
    armings: int
    decisions: int

    def __repr__(self) -> str:
        return f"<Ensemble of {self.scenario.name}: {self.n:,} variants, seed {self.seed}>"

    @property
    def units(self) -> list[str]:
        """The missions and the pairs."""
        return [*self.scenario.missions, *pairs_of(self.scenario)]

    def unit(self, name: str | None = None) -> str:
        """Give a mission or pair by name; by default the first mission that an event moves, or its pair if both are there.

        Raises
        ------
        ValueError
            If there is none of that name, or none at all.
        """
        if not self.units:
            raise AskedError("this scenario has no missions")
        if name is None:
            moved = [mission for event in self.scenario.events for _, mission in self.scenario.addressed(event)]
            first = (moved or self.units)[0]
            return next((pair for pair in pairs_of(self.scenario) if first in missions_of(pair)), first)
        turned = "-".join(reversed(name.split("-"))) if "->" not in name else name  # a pair may be named either way round
        return turned if turned in self.units else self.units[_place(self.units, name, "mission or pair")]

    @property
    def days(self) -> list[Day]:
        """The days of the period."""
        return list(self.scenario.period.days())

    def share(self, unit: str, status: str, day: Day | str) -> Estimate:
        """Give the share of trajectories in which a mission or pair is in a status at the end of a day.

        Raises
        ------
        ValueError
            If there is no such unit, status or day.
        """
        known = [(self.units, unit, "mission or pair"), (self.scenario.ladder.statuses, status, "status"), ([*map(str, self.days)], str(day), "day")]
        place = tuple(_place(names, name, what) for names, name, what in known)
        return wilson(int(self.counts[place]), self.n)

    def fate(self, event: str) -> dict[str, Estimate]:
        """Give the share of trajectories in which an event happened, and of each reason why not.

        Raises
        ------
        ValueError
            If there is no such event.
        """
        place = _place([*self.scenario.order], event, "event")
        return {fate: wilson(int(self.fates[row, place]), self.n) for row, fate in enumerate(FATES)}

    def trajectory(self, i: int) -> Trajectory:
        """Run trajectory i again on the readable stepper, over real machines.

        Raises
        ------
        IndexError
            If the ensemble has no such trajectory.
        """
        if not 0 <= i < self.n:
            raise IndexError(f"trajectories are numbered 0 to {self.n - 1}")
        return _run_alone(self.scenario, self.process, self.given, self.seed, i, self.intervention)

    def rows(self, first: int, n: int) -> Rows:
        """Give what each of the trajectories `first` to `first + n - 1` shows, for questions about single ones."""
        whole = [_rows(self.process, self.seed, at, size, self.given) for at, size in _chunks(first, n, _chunk(self.process))]
        return Rows(*(np.concatenate(each) for each in zip(*whole, strict=True)))

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Cut the trajectories into pieces of which `worlds` takes one at a time: the first of each, and how many; always the same ones."""
        return _chunks(0, self.n, _chunk(self.process))

    def worlds(self, first: int, n: int) -> Worlds:
        """Give what happened in each of the trajectories `first` to `first + n - 1`, no more than a chunk has."""
        room = int(1.1 * n * self.firings.sum() / self.n) + 1000
        world, tick, event, moot = _firings(self.process, self.seed, first, n, room, self._packed, self.given)
        return worlds(self.scenario, self.process, n, world[~moot], tick[~moot], event[~moot])

    def history(self) -> Worlds | None:
        """Give the replay as a world, where the file tells a history."""
        replayed = self.scenario.history()
        return None if replayed is None else of_trajectory(replayed, compile_scenario(self.scenario))

    def summed(self, count: Callable[[Worlds], Counts]) -> Counts:
        """Add up what is counted in every trajectory, chunk by chunk; they are run again for it."""
        with ThreadPoolExecutor(usable_threads(), thread_name_prefix="escsim") as pool:
            return sum(pool.map(lambda chunk: count(self.worlds(*chunk)), self.chunks()), np.zeros(1, np.int64))

    def answers(self, asked: dict[str, Question] | None = None, threads: int | None = None) -> dict[str, Answer]:
        """Answer questions, those of the scenario if no others are given, from every trajectory and from the replay.

        The trajectories are run again for it. The replay is asked where the file tells a history: if an event has a date.

        Parameters
        ----------
        asked : dict of str to Question, optional
        threads : int, optional
            By default as many as there are processors to use. The result does not depend on it.

        Returns
        -------
        dict of str to Answer
            Under the names of the questions.
        """
        asked = self.scenario.questions if asked is None else asked
        sums = {name: np.zeros(size(self.scenario, question), np.int64) for name, question in asked.items()}
        history: dict[str, Any] = {}
        if asked and (replayed := self.history()) is not None:
            history = {name: tally(replayed, question) for name, question in asked.items()}

        def count(chunk: tuple[int, int]) -> dict[str, Any]:
            told = self.worlds(*chunk)
            return {name: tally(told, question) for name, question in asked.items()}

        with ThreadPoolExecutor(threads or usable_threads(), thread_name_prefix="escsim") as pool:
            for counts in pool.map(count, self.chunks() if asked else ()):
                for name, each in counts.items():
                    sums[name] += each
        return {name: answer(self.scenario, question, sums[name], self.n, history.get(name)) for name, question in asked.items()}

    def answer(self, question: Question | str) -> Answer:
        """Answer a question, or the one of that name in the file.

        Raises
        ------
        ValueError
            If the file has no question of that name.
        """
        if isinstance(question, str):
            question = list(self.scenario.questions.values())[_place([*self.scenario.questions], question, "question")]
        return self.answers({"asked": question})["asked"]

    @cached_property
    def _packed(self) -> Packed:
        return _pack(self.process, self.given)

    def to_dict(self) -> dict[str, Any]:
        """Give the ensemble as plain data for JSON; the keys are documented in the README."""
        statuses = self.scenario.ladder.statuses
        shares: dict[str, dict[str, dict[str, list[float]]]] = {}
        for unit, per_status in zip(self.units, self.counts.tolist(), strict=True):
            shares[unit] = {}
            for status, per_day in zip(statuses, per_status, strict=True):
                found = [wilson(count, self.n) for count in per_day]
                shares[unit][status] = {name: [getattr(each, name) for each in found] for name in Estimate._fields}

        def part(of: Iterator[str] | list[str] | tuple[str, ...], name: str) -> dict[str, dict[str, list[float]]]:
            return {unit: {status: values[name] for status, values in shares[unit].items()} for unit in of}

        missions = self.scenario.missions
        return {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "n": self.n,
            "seed": self.seed,
            "from": None if self.given is None else self.given.day.isoformat(),
            "hash": self.scenario.hash,
            "process": digest(self.process),
            "interval": "Wilson score, 95 %",
            "days": [day.isoformat() for day in self.days],
            "occupancy": part(missions, "estimate"),
            "occupancy_low": part(missions, "low"),
            "occupancy_high": part(missions, "high"),
            "pairs": part(self.units[len(missions) :], "estimate"),
            "events": {event: {fate: each._asdict() for fate, each in self.fate(event).items()} for event in self.scenario.order},
        }


def _place(names: Sequence[str], name: str, what: str) -> int:
    """Give the place of a name among those there are; raises an `AskedError` that tells them if it is not among them."""
    if name in names:
        return names.index(name)
    raise AskedError(f"there is no {what} {quoted(name)}: {suggest(name, names, f'known {what} names')}")


def simulate(
    scenario: Scenario,
    n: int | None = None,
    *,
    seed: int | None = None,
    threads: int | None = None,
    intervention: Intervention | str | None = None,
    given: Day | str | None = None,
    progress: Progress | None = None,
) -> Ensemble:
    """Run variants of a scenario; see `Scenario.simulate`."""
    n = index(scenario.variants.runs if n is None else n)
    seed = index(scenario.variants.seed if seed is None else seed)
    if not 1 <= n <= MOST or not 0 <= seed < 2**64:
        raise ValueError(f"there must be 1 to {MOST:,} trajectories, and a seed from 0 to 2^64 - 1")
    if isinstance(intervention, str):
        intervention = list(scenario.what_if.values())[_place([*scenario.what_if], intervention, "what-if")]
    known = None if given is None else _given(scenario, given, intervention)
    process = compile_scenario(scenario, intervention) if known is None else known.process
    packed = _pack(process, known)
    workers = max(1, threads or usable_threads())
    turns = -(-n // (_chunk(process) * workers))  # in each of which every thread has as much to do
    chunks = _chunks(0, n, min(_chunk(process), max(1000, -(-n // (turns * workers)))))
    whole, ticks, done = _output(process), [0] * ((process.n_missions + process.n_pairs) * process.n_statuses), 0
    with ThreadPoolExecutor(workers, thread_name_prefix="escsim") as pool:
        waiting: deque[Any] = deque()
        try:
            for at, size in chunks:
                waiting.append(pool.submit(_run, process, seed, at, size, packed=packed, given=known))
                if len(waiting) <= 2 * workers and at + size < n:
                    continue
                while waiting and (len(waiting) > workers or at + size == n):
                    part = waiting.popleft().result()
                    for total, counts in zip(whole, part, strict=True):
                        total += counts
                    ticks = [sum(pair) for pair in zip(ticks, part.time.tolist(), strict=True)]
                    done += int(part.total[0])
                    if progress is not None:
                        progress(done)
        except _RunawayError as error:
            raise _told(scenario, process, known, intervention, seed, error.trajectory) from None
        finally:
            for each in waiting:
                each.cancel()
    units, statuses, days = process.n_missions + process.n_pairs, process.n_statuses, process.days
    by_day = (units, statuses, days + 1)
    counts = np.cumsum(whole.occupancy.reshape(by_day), axis=2)[:, :, :days]
    if known is not None:
        _remember(scenario, known, n, counts, whole.fired)
    return Ensemble(
        scenario=scenario,
        intervention=intervention,
        given=known,
        process=process,
        seed=seed,
        n=n,
        counts=counts,
        first=whole.first.reshape(by_day),
        last=whole.last.reshape(by_day),
        time=[ticks[u * statuses : (u + 1) * statuses] for u in range(units)],
        peak=whole.peak.reshape(units, statuses),
        fates=whole.fate.reshape(len(FATES), process.n_events),
        firings=whole.fired,
        armings=int(whole.total[2]),
        decisions=int(whole.total[3]),
    )


def _remember(scenario: Scenario, given: Given, n: int, counts: Counts, firings: Counts) -> None:
    """Set counts of days before a forecast to what history was, and add its firings."""
    past = (given.day - scenario.period.from_.day).days
    ends = (np.arange(past) + 1) * TICKS_A_DAY - 1
    held = []
    for path in given.run.history().paths.values():
        ranks = np.array([scenario.ladder.severity[status] for _, status in path])
        held.append(ranks[np.searchsorted([tick for tick, _ in path], ends, side="right") - 1])
    for pair in pairs_of(scenario):
        held.append(np.maximum(*(held[scenario.missions.index(mission)] for mission in missions_of(pair))))
    for u, ranks in enumerate(held):
        counts[u, :, :past] = 0
        counts[u, ranks, np.arange(past)] = n
    for step in given.run.steps:
        firings[scenario.order[step.event]] += n


def trajectory(
    scenario: Scenario, i: int, *, seed: int | None = None, intervention: Intervention | None = None, given: Day | str | None = None
) -> Trajectory:
    """Run trajectory i of a seed, by default the file's, on the readable stepper, and hold it against the compiled kernel.

    Raises
    ------
    RuntimeError
        If the two disagree, which is a fault of escsim.
    """
    seed = scenario.variants.seed if seed is None else seed
    known = None if given is None else _given(scenario, given, intervention)
    process = compile_scenario(scenario, intervention) if known is None else known.process
    found = _run_alone(scenario, process, known, seed, i, intervention)
    if [(step.tick, scenario.order[step.event], step.moot) for step in found.steps] != log(process, seed, i, 1, given=known)[0]:
        raise RuntimeError(f"kernel and stepper disagree about {found.draws} of {scenario.name}: please report this fault of escsim")
    return found


def variants(scenario: Scenario, process: Process, n: int, seed: int) -> Iterator[Worlds]:
    """Run variants for what happens in each of them and nothing else, chunk by chunk; the chunks are those of an `Ensemble`.

    Parameters
    ----------
    scenario : Scenario
    process : Process
        The scenario compiled.
    n, seed : int

    Raises
    ------
    ScenarioError
        If 10,000 events fire in one run.
    """
    packed = _pack(process, None)
    for at, many in _chunks(0, n, _chunk(process)):
        try:
            world, tick, event, moot = _firings(process, seed, at, many, 64 * many, packed)
        except _RunawayError as error:
            raise _told(scenario, process, None, None, seed, error.trajectory) from None
        yield worlds(scenario, process, many, world[~moot], tick[~moot], event[~moot])


def _run_alone(scenario: Scenario, process: Process, given: Given | None, seed: int, i: int, intervention: Intervention | None) -> Trajectory:
    """Run a trajectory on the readable stepper."""
    if given is None:
        return run(scenario, Addressed(scenario, process, seed, i), intervention)
    return run(scenario, Forecast(scenario, given, seed, i), intervention, given.tick)


def usable_threads() -> int:
    """Give how many processors this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _RunawayError(Exception):
    def __init__(self, trajectory: int) -> None:
        super().__init__(trajectory)
        self.trajectory = trajectory


def _told(scenario: Scenario, process: Process, given: Given | None, intervention: Intervention | None, seed: int, trajectory: int) -> ScenarioError:
    """Give the error of the stepper, which names the events that fire without end."""
    try:
        _run_alone(scenario, process, given, seed, trajectory, intervention)
    except ScenarioError as error:
        return error
    raise AssertionError(f"kernel and stepper disagree about seed {seed}, trajectory {trajectory}")


def _chunk(process: Process) -> int:
    """Give how many trajectories may be run at once, so that no sum of ticks overflows."""
    return max(1, min(CHUNK, 2**63 // process.end))


def _chunks(first: int, n: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut trajectories into pieces; a piece does not reach over a multiple of 2^32."""
    cuts = {first, first + n} | set(range(first + size, first + n, size)) | set(range(-(-first // 2**32) * 2**32, first + n, 2**32))
    yield from ((at, end - at) for at, end in pairwise(sorted(cuts)) if end > at)


_NONE = np.zeros(0, np.int64)
_NO_WORDS = np.zeros(0, np.uint64)


def _output(process: Process) -> Output:
    from escsim.kernel import Output

    cells = (process.n_missions + process.n_pairs) * process.n_statuses
    by_day = cells * (process.days + 1)
    sizes = {"occupancy": by_day, "first": by_day, "last": by_day, "peak": cells}
    sizes |= {"fate": len(FATES) * process.n_events, "fired": process.n_events, "total": 4}
    return Output(time=np.zeros(cells, np.uint64), **{name: np.zeros(size, np.int64) for name, size in sizes.items()})


def _pack(process: Process, given: Given | None) -> Packed:
    from escsim.layout import pack  # numba, which takes its time: only where it is needed

    return pack(process, given)


def _run(
    process: Process, seed: int, first: int, n: int, rows: Any = None, log: Any = None, packed: Packed | None = None, given: Given | None = None
) -> Output:
    from escsim import kernel

    out, packed = _output(process), packed or _pack(process, given)
    if given is not None:
        from escsim.openings import openings

        packed, armings, decisions = openings(packed, process, given, seed, first, n)
        out.total[2:] += armings, decisions
    rows = rows or kernel.Rows(_NONE, _NONE, _NONE, _NONE, _NONE)
    log = log or kernel.Log(_NO_WORDS, _NO_WORDS, _NO_WORDS, _NONE)
    words = (0,) * process.n_words
    with np.errstate(over="ignore"):  # only where numba is off (NUMBA_DISABLE_JIT=1)
        runaway = kernel.simulate(packed, words, np.uint64(seed), np.uint64(first), np.uint64(n), out, rows, log)
    if runaway >= 0:
        raise _RunawayError(first - first % 2**32 + int(runaway))
    return out


def _rows(process: Process, seed: int, first: int, n: int, given: Given | None = None) -> Rows:
    from escsim import kernel

    units, statuses, events = process.n_missions + process.n_pairs, process.n_statuses, process.n_events
    cells = n * units * statuses
    rows = kernel.Rows(
        first=np.full(cells, -1, np.int64),
        last=np.full(cells, -1, np.int64),
        time=np.zeros(cells, np.int64),
        when=np.full(n * events, -1, np.int64),
        happened=np.zeros(n * events, np.int64),
    )
    _run(process, seed, first, n, rows, given=given)
    return Rows(*(each.reshape(n, units, statuses) for each in rows[:3]), *(each.reshape(n, events) for each in rows[3:]))


def log(process: Process, seed: int, first: int, n: int, size: int = 100_000, given: Given | None = None) -> list[list[tuple[int, int, bool]]]:
    """Give every firing of some trajectories: tick, number of the event, and whether it was moot.

    Parameters
    ----------
    process : Process
    seed, first, n : int
        Trajectories `first` to `first + n - 1`.
    size : int
        How many firings to make room for at first; if there are more, the trajectories are run again.
    """
    told: list[list[tuple[int, int, bool]]] = []
    for at, pieces in _chunks(first, n, CHUNK):
        told += _log(process, seed, at, pieces, size, given)
    return told


def _log(process: Process, seed: int, first: int, n: int, size: int, given: Given | None) -> list[list[tuple[int, int, bool]]]:
    told: list[list[tuple[int, int, bool]]] = [[] for _ in range(n)]
    for number, tick, event, moot in zip(*(each.tolist() for each in _firings(process, seed, first, n, size, given=given)), strict=True):
        told[number].append((tick, event, moot))
    return told


def _firings(
    process: Process, seed: int, first: int, n: int, size: int, packed: Packed | None = None, given: Given | None = None
) -> tuple[NDArray[Any], ...]:
    """Give every firing of some trajectories, in their order: which (from 0), tick, number of the event, whether it was moot."""
    from escsim import kernel

    while True:
        words = [np.zeros(size, np.uint64) for _ in range(3)]
        entries = kernel.Log(trajectory=words[0], tick=words[1], event=words[2], used=np.zeros(1, np.int64))
        _run(process, seed, first, n, log=entries, packed=packed, given=given)
        used = int(entries.used[0])
        if used <= size:
            break
        size = used
    world, tick, event = (each[:used].astype(np.int64) for each in entries[:3])
    world -= first % 2**32
    if given is not None:  # what history gives comes first
        steps = given.run.steps
        order = given.run.scenario.order
        world = np.concatenate([np.repeat(np.arange(n), len(steps)), world])
        tick = np.concatenate([np.tile([step.tick for step in steps], n).astype(np.int64), tick])
        event = np.concatenate([np.tile([order[step.event] + (step.moot << 32) for step in steps], n).astype(np.int64), event])
    by_world = np.argsort(world, kind="stable")  # those of one trajectory are in order already
    event = event[by_world]
    return world[by_world], tick[by_world], event & 0xFFFF_FFFF, event >> 32 > 0

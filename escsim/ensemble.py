"""Ensembles: many variants of a scenario, run on the compiled kernel and added up.

Trajectory i of an ensemble depends on seed and i alone. So the trajectories can be split among threads, processes and
sessions in any way, the counts add up to the same integers, and `Ensemble.trajectory(i)` runs any of them again on
the readable stepper.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date as Day
from functools import cached_property
from itertools import pairwise
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from escsim import __version__
from escsim.draws import Addressed, Forecast
from escsim.errors import AskedError, ScenarioError, quoted, suggest
from escsim.explain import SAMPLE, Reasons, why_not
from escsim.given import Given
from escsim.given import given as _given
from escsim.intervals import Estimate, wilson
from escsim.process import Process, compile_scenario, digest, pairs_of
from escsim.questions import Answer, Tally, answer, tally
from escsim.running import Folder, Sums, add, run, usable_threads
from escsim.scenario import Intervention, Question, Scenario, missions_of
from escsim.stepper import run as run_once
from escsim.times import TICKS_A_DAY
from escsim.worlds import Worlds, in_order, of_trajectory, worlds

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from matplotlib.figure import Figure

    from escsim.kernel import Output, Packed
    from escsim.trajectory import Trajectory

T = TypeVar("T")
Counts = NDArray[np.int64]
Progress = Callable[[int], object]

MOST = 10**10  # trajectories of an ensemble
PART = 100_000  # trajectories whose sums are kept together, and sent to one worker of a cluster
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
    wanted : int
        How many trajectories were asked for; more than `n` if the run was stopped.
    tallies : tuple of (Question, int64 array)
        The questions that were counted in the same go.
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
    wanted: int
    tallies: tuple[tuple[Question, Tally], ...] = ()

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

    def reasons(self, many: int = SAMPLE) -> Reasons:
        """Tell through what events were cancelled, or what made them moot, in the first variants, run on the readable stepper.

        Returns
        -------
        dict of str to Counter
            By event: in how many of the first `many` variants each fate (cancelled, moot) and cause, as `explain.why_not` has them.
        """
        found: Reasons = {event: Counter() for event in self.scenario.order}
        for i in range(min(many, self.n)):
            for event, told in why_not(self.trajectory(i)).items():
                if told[0] in ("cancelled", "moot"):
                    found[event][told] += 1
        return found

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
        return _worlds(self.scenario, self.process, n, _firings(self.process, self.seed, first, n, room, self._packed, self.given))

    def history(self) -> Worlds | None:
        """Give the replay as a world, where the file tells a history."""
        replayed = self.scenario.history()
        return None if replayed is None else of_trajectory(replayed, compile_scenario(self.scenario))

    def summed(self, count: Callable[[Worlds], Counts]) -> Counts:
        """Add up what is counted in every trajectory, chunk by chunk; they are run again for it."""
        total = np.zeros(1, np.int64)
        for _, part in run(lambda first, n: count(self.worlds(first, n)), self.chunks()):
            total = total + part
        return total

    def answers(self, asked: dict[str, Question] | None = None, threads: int | None = None, *, client: Any = None) -> dict[str, Answer]:
        """Answer questions, those of the scenario if no others are given, from every trajectory and from the replay.

        The trajectories are run again for questions that were not counted at once. The replay is asked where the file
        tells a history: if an event has a date.

        Parameters
        ----------
        asked : dict of str to Question, optional
        threads : int, optional
            By default as many as there are processors to use. The result does not depend on it.
        client : dask.distributed.Client, optional
            Its workers run them.

        Returns
        -------
        dict of str to Answer
            Under the names of the questions.
        """
        asked = self.scenario.questions if asked is None else asked
        sums = {name: counts for name, question in asked.items() for known, counts in self.tallies if known == question}
        if missing := {name: question for name, question in asked.items() if name not in sums}:
            day = None if self.given is None else self.given.day
            count = _Count(self.scenario, self.process, self.seed, tuple(missing.values()), self.intervention, day)
            total: Sums | None = None
            for _, part in run(count, self.chunks() if client is None else _chunks(0, self.n, PART), threads=threads, client=client):
                total = add(total, part)
            assert total is not None
            sums |= dict(zip(missing, count.tallies(total), strict=True))
        history: dict[str, Any] = {}
        if asked and (replayed := self.history()) is not None:
            history = {name: tally(replayed, question) for name, question in asked.items()}
        return {name: answer(self.scenario, question, sums[name], self.n, history.get(name)) for name, question in asked.items()}

    def answer(self, question: Question | str) -> Answer:
        """Answer a question, or the one of that name in the file.

        Raises
        ------
        ValueError
            If the file has no question of that name.
        """
        return self.answers({"asked": self.question(question) if isinstance(question, str) else question})["asked"]

    def question(self, name: str) -> Question:
        """Give the question of that name in the file; raises a ValueError that tells which there are."""
        return list(self.scenario.questions.values())[_place([*self.scenario.questions], name, "question")]

    def plot_occupancy(self, unit: str | None = None) -> Figure:
        """Draw in how many variants a mission or pair is in each status, day by day; see `escsim.plots.occupancy`."""
        from escsim import plots

        return plots.occupancy(self, unit).figure

    def plot_ways(self) -> Figure:
        """Draw the ladder with how many variants took each way; see `escsim.plots.ways`."""
        from escsim import plots

        return plots.ways(self).figure

    def plot_fan(self, event: str | None = None) -> Figure:
        """Draw how often an event has happened by each day; see `escsim.plots.fan`."""
        from escsim import plots

        return plots.fan(self, event).figure

    def plot_cumulative(self, unit: str | None = None, question: str | None = None) -> Figure:
        """Draw in how many variants ties are restored by each day, or a question has come about; see `escsim.plots.cumulative`."""
        from escsim import plots

        return plots.cumulative(self, unit, question).figure

    def plot_durations(self, unit: str | None = None, question: str | None = None) -> Figure:
        """Draw for how long a mission or pair is down, or how long a question says, as 20 dots; see `escsim.plots.durations`."""
        from escsim import plots

        return plots.durations(self, unit, question).figure

    @cached_property
    def _packed(self) -> Packed:
        return _pack(self.process, self.given)

    def occupancy(self, unit: str | None = None) -> pd.DataFrame:
        """Give the shares of trajectories in each status as a table, a row for each day and status.

        Parameters
        ----------
        unit : str, optional
            A mission or pair; by default all of them, one after the other.

        Returns
        -------
        pandas.DataFrame
            Columns date, of, status, share, and low and high of Wilson's 95 % interval.
        """
        import pandas as pd

        units = self.units if unit is None else [self.unit(unit)]
        counts = self.counts[[self.units.index(each) for each in units]].transpose(0, 2, 1)  # units, days, statuses
        found, place = np.unique(counts, return_inverse=True)
        shares = np.array([wilson(count, self.n) for count in found.tolist()])[place.ravel()]
        days, statuses = len(self.days), self.scenario.ladder.statuses
        return pd.DataFrame(
            {
                "date": np.tile(np.repeat(np.array(self.days, "datetime64[s]"), len(statuses)), len(units)),
                "of": np.repeat(units, days * len(statuses)),
                "status": np.tile(statuses, len(units) * days),
                **dict(zip(("share", "low", "high"), shares.T, strict=True)),
            }
        )

    def events(self) -> pa.Table:
        """Give every firing in every trajectory as an Arrow table, which takes 27 bytes for each; `event_batches` holds less at once.

        Returns
        -------
        pyarrow.Table
            As `event_batches` gives it.
        """
        import pyarrow as pa

        return pa.Table.from_batches(self.event_batches())

    def event_batches(self, threads: int | None = None, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
        """Give every firing in every trajectory, a chunk of trajectories at a time, so that all need not be held at once.

        Yields
        ------
        pyarrow.RecordBatch
            Columns trajectory, tick (microseconds from the start of the period), time (UTC), event, moot; in the order of
            trajectories, and in each in that of firing.
        """
        import pyarrow as pa

        names, begin = pa.array([*self.scenario.order]), np.datetime64(self.scenario.period.start.replace(tzinfo=None), "us")

        def batch(first: int, n: int) -> pa.RecordBatch:
            told = _firings(self.process, self.seed, first, n, int(1.1 * n * self.firings.sum() / self.n) + 1000, self._packed, self.given)
            columns = {
                "trajectory": pa.array(first + told.world),
                "tick": pa.array(told.tick),
                "time": pa.array(begin + told.tick.astype("timedelta64[us]")).cast(pa.timestamp("us", tz="UTC")),
                "event": pa.DictionaryArray.from_arrays(told.event.astype(np.int16), names),
                "moot": pa.array(told.moot),
            }
            return pa.RecordBatch.from_pydict(columns)

        done = 0
        for n, told in run(batch, self.chunks(), threads=threads):
            done += n
            yield told
            if progress is not None:
                progress(done)

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
            **({"wanted": self.wanted} if self.wanted > self.n else {}),
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


@dataclass(frozen=True)
class _Count:
    """What trajectories add up to: the counts of the kernel, and those of some questions. It may be sent to other machines.

    All that the counts depend on is here.
    """

    scenario: Scenario
    process: Process
    seed: int
    questions: tuple[Question, ...]
    intervention: Intervention | None = None
    day: Day | None = None
    version: str = __version__

    @cached_property
    def given(self) -> Given | None:
        return None if self.day is None else _given(self.scenario, self.day, self.intervention, self.process)

    @cached_property
    def packed(self) -> Packed:
        return _pack(self.process, self.given)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("given", "packed")}

    @property
    def key(self) -> str:
        """Name what the counts depend on."""
        asked = [question.model_dump(mode="json", by_alias=True, exclude_none=True) for question in self.questions]
        return hashlib.sha256(
            json.dumps([self.version, self.scenario.hash, digest(self.process), self.seed, asked, str(self.day)]).encode()
        ).hexdigest()

    def __call__(self, first: int, n: int) -> Sums:
        if self.version != __version__:
            raise ImportError(f"escsim {self.version} is asked for, and this is {__version__}")
        total: Sums | None = None
        for at, size in _chunks(first, n, _chunk(self.process)):
            if self.questions:
                part, _ = self.watched(at, size)
            else:
                part = self.sums(_run(self.process, self.seed, at, size, packed=self.packed, given=self.given))
            total = add(total, part)
        assert total is not None
        return total

    def watched(self, first: int, n: int) -> tuple[Sums, Worlds]:
        """Count a chunk of trajectories, and give what happened in each."""
        told = _firings(self.process, self.seed, first, n, n * self.process.n_events, self.packed, self.given)
        found = _worlds(self.scenario, self.process, n, told)
        tallies = {f"question {place}": tally(found, question) for place, question in enumerate(self.questions)}
        return {**self.sums(told.out), **tallies}, found

    @staticmethod
    def sums(out: Output) -> Sums:
        """Give what the kernel adds up as counts that can be added; a sum of times may take more than 64 bits."""
        return {**out._asdict(), "time": np.stack([out.time >> np.uint64(32), out.time & np.uint64(0xFFFF_FFFF)]).astype(np.int64)}

    def tallies(self, sums: Sums) -> list[Tally]:
        """Give the counts of the questions, in their order."""
        return [sums[f"question {place}"] for place in range(len(self.questions))]


def simulate(
    scenario: Scenario,
    n: int | None = None,
    *,
    seed: int | None = None,
    threads: int | None = None,
    intervention: Intervention | str | None = None,
    given: Day | str | None = None,
    asked: dict[str, Question] | None = None,
    client: Any = None,
    folder: Path | str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Ensemble:
    """Run variants of a scenario; see `Scenario.simulate`."""
    n = index(scenario.variants.runs if n is None else n)
    seed = index(scenario.variants.seed if seed is None else seed)
    if not 1 <= n <= MOST or not 0 <= seed < 2**64:
        raise ValueError(f"there must be 1 to {MOST:,} trajectories, and a seed from 0 to 2^64 - 1")
    if isinstance(intervention, str):
        intervention = list(scenario.what_if.values())[_place([*scenario.what_if], intervention, "what-if")]
    day = None if given is None else scenario.period.day(given)
    process = compile_scenario(scenario, intervention)
    count = _Count(scenario, process, seed, tuple((asked or {}).values()), intervention, day)
    known = count.given
    size, kept = PART, None if folder is None else Folder(Path(folder) / count.key[:16])
    if client is None and kept is None:
        size = _even(process, n, threads)
    total: Sums | None = None
    done = 0
    try:
        with closing(run(count, _chunks(0, n, size), threads=threads, client=client, folder=kept)) as parts:
            for many, part in parts:
                total, done = add(total, part), done + many
                if progress is not None:
                    progress(done)
                if stop is not None and stop():
                    break
    except _RunawayError as error:
        raise _told(scenario, process, known, intervention, seed, error.trajectory) from None
    assert total is not None
    return _gathered(count, total, done, n)


def _gathered(count: _Count, total: Sums, n: int, wanted: int) -> Ensemble:
    """Make an ensemble of what n trajectories have added up to."""
    process, known = count.process, count.given
    units, statuses, days = process.n_missions + process.n_pairs, process.n_statuses, process.days
    by_day = (units, statuses, days + 1)
    high, low = total["time"].reshape(2, units, statuses).tolist()
    counts = np.cumsum(total["occupancy"].reshape(by_day), axis=2)[:, :, :days]
    if known is not None:
        _remember(count.scenario, known, n, counts, total["fired"])
    return Ensemble(
        scenario=count.scenario,
        intervention=count.intervention,
        given=known,
        process=process,
        seed=count.seed,
        n=n,
        counts=counts,
        first=total["first"].reshape(by_day),
        last=total["last"].reshape(by_day),
        time=[[(more << 32) + less for more, less in zip(*each, strict=True)] for each in zip(high, low, strict=True)],
        peak=total["peak"].reshape(units, statuses),
        fates=total["fate"].reshape(len(FATES), process.n_events),
        firings=total["fired"],
        armings=int(total["total"][2]),
        decisions=int(total["total"][3]),
        wanted=wanted,
        tallies=tuple(zip(count.questions, count.tallies(total), strict=True)),
    )


def twinned(
    base: Ensemble, changes: Sequence[Intervention], look: Callable[[Worlds, Worlds], T], threads: int | None = None
) -> list[tuple[Ensemble, list[T]]]:
    """Run what-ifs on the chances of an ensemble, and look in the same go at its worlds beside their twins.

    Parameters
    ----------
    base : Ensemble
    changes : sequence of Intervention
    look : callable
        Takes the worlds of a chunk and their twins.
    threads : int, optional

    Returns
    -------
    list of (Ensemble, list)
        For each what-if its ensemble, and what was seen in each chunk, in their order.
    """
    counts = [_Count(base.scenario, compile_scenario(base.scenario, each), base.seed, (), each) for each in changes]
    for each in counts:
        assert each.packed  # so that no two threads make it

    def watch(chunk: tuple[int, int]) -> list[tuple[Sums, T]]:
        ours = base.worlds(*chunk)
        twins = (each.watched(*chunk) for each in counts)
        return [(sums, look(ours, theirs)) for sums, theirs in twins]

    totals: list[Sums | None] = [None] * len(counts)
    seen: list[list[T]] = [[] for _ in counts]
    with ThreadPoolExecutor(threads or usable_threads(), thread_name_prefix="escsim") as pool:
        for found in pool.map(watch, _chunks(0, base.n, _even(base.process, base.n, threads))):
            for place, (sums, told) in enumerate(found):
                totals[place] = add(totals[place], sums)
                seen[place].append(told)
    return [(_gathered(count, total, base.n, base.n), told) for count, total, told in zip(counts, totals, seen, strict=True) if total is not None]


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
    for each in given.run.steps:
        firings[scenario.order[each.event]] += n


def trajectory(
    scenario: Scenario, i: int, *, seed: int | None = None, intervention: Intervention | None = None, given: Day | str | None = None
) -> Trajectory:
    """Run trajectory i of a seed, by default the file's, on the readable stepper, and hold it against the compiled kernel.

    Raises
    ------
    RuntimeError
        If the two disagree, which is a fault of escsim.
    """
    process, seed = compile_scenario(scenario, intervention), scenario.variants.seed if seed is None else seed
    known = None if given is None else _given(scenario, given, intervention, process)
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
            told = _firings(process, seed, at, many, 64 * many, packed)
        except _RunawayError as error:
            raise _told(scenario, process, None, None, seed, error.trajectory) from None
        yield _worlds(scenario, process, many, told)


def _run_alone(scenario: Scenario, process: Process, given: Given | None, seed: int, i: int, intervention: Intervention | None) -> Trajectory:
    """Run a trajectory on the readable stepper."""
    if given is None:
        return run_once(scenario, Addressed(scenario, process, seed, i), intervention)
    return run_once(scenario, Forecast(scenario, given, seed, i), intervention, given.tick)


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


def _even(process: Process, n: int, threads: int | None) -> int:
    """Give a size of pieces with which every thread has as much to do."""
    workers = max(1, threads or usable_threads())
    turns = -(-n // (_chunk(process) * workers))
    return min(_chunk(process), max(1000, -(-n // (turns * workers))))


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
    for number, tick, event, moot in zip(*(each.tolist() for each in _firings(process, seed, first, n, size, given=given)[1:]), strict=True):
        told[number].append((tick, event, moot))
    return told


class _Firings(NamedTuple):
    """What the kernel adds up, and every firing, in their order: in which trajectory (from 0), tick, number of the event, whether it was moot."""

    out: Output
    world: Counts
    tick: Counts
    event: Counts
    moot: NDArray[np.bool_]


def _firings(process: Process, seed: int, first: int, n: int, size: int, packed: Packed | None = None, given: Given | None = None) -> _Firings:
    """Run some trajectories and tell every firing; `size` is how many to make room for at first."""
    from escsim import kernel

    while True:
        words = [np.zeros(size, np.uint64) for _ in range(3)]
        entries = kernel.Log(trajectory=words[0], tick=words[1], event=words[2], used=np.zeros(1, np.int64))
        out = _run(process, seed, first, n, log=entries, packed=packed, given=given)
        used = int(entries.used[0])
        if used <= size:
            break
        size = used
    world, tick, event = (each[:used].view(np.int64) for each in entries[:3])
    world -= first % 2**32
    if given is not None:  # what history gives comes first
        steps, order = given.run.steps, given.run.scenario.order
        world = np.concatenate([np.repeat(np.arange(n), len(steps)), world])
        tick = np.concatenate([np.tile([step.tick for step in steps], n).astype(np.int64), tick])
        event = np.concatenate([np.tile([order[step.event] + (step.moot << 32) for step in steps], n).astype(np.int64), event])
    by_world = in_order(world)  # those of one trajectory are in order already
    event = event[by_world]
    return _Firings(out, world[by_world], tick[by_world], event & 0xFFFF_FFFF, event >> 32 > 0)


def _worlds(scenario: Scenario, process: Process, n: int, told: _Firings) -> Worlds:
    happened = ~told.moot
    return worlds(scenario, process, n, told.world[happened], told.tick[happened], told.event[happened])

"""What a change does: an ensemble and its twin on the same chances, compared world by world.

Trajectory i of both takes the same draws, so they are the same until the first firing that the change touches, and what
differs is the change's doing alone. The sums are integers, so they add up over chunks in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim.ensemble import Ensemble, twinned
from escsim.errors import AskedError
from escsim.intervals import Estimate, paired_mean, paired_share
from escsim.questions import MOST, UNITS, grain, kind, paired
from escsim.running import usable_threads
from escsim.scenario import Intervention, Question, Scenario
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Step, Trajectory
from escsim.worlds import Worlds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"share": "Newcombe's paired score, 95 %", "mean": "paired normal, 95 %"}


class Sums(NamedTuple):
    """Over the pairs of worlds: how many, and the sums of the base's values, of the twin's, of both squared, and of the products."""

    n: int
    base: int
    changed: int
    base_squared: int
    changed_squared: int
    product: int


@dataclass(frozen=True)
class Effect:
    """What a change does to the answer of a question.

    Attributes
    ----------
    kind : str
        That of the question.
    unit : str
        "share", "days" or "times".
    pairs : int
        Worlds that could be asked in both.
    base, changed : float or None
        The share, or the mean; of a time to something the mean of what passes until it comes about, or until the period
        ends in one of the two worlds.
    estimate, low, high : float or None
        Their difference, and its 95 % interval.
    method : str
    gain : float or None
        How many times as many worlds it would take without pairing: the sum of both variances over the variance of the
        difference; None if no world differs.
    """

    kind: str
    unit: str
    pairs: int
    base: float | None
    changed: float | None
    estimate: float | None
    low: float | None
    high: float | None
    method: str
    gain: float | None


@dataclass(frozen=True)
class Comparison:
    """An ensemble beside its twin.

    Attributes
    ----------
    base, changed : Ensemble
    differ : int
        Worlds in which anything happens otherwise.
    effects : dict of str to Effect
        By question; of a `peak` one for each status, as `QUESTION: STATUS`.
    """

    base: Ensemble
    changed: Ensemble
    differ: int
    effects: dict[str, Effect]

    def plot(self, unit: str | None = None, status: Sequence[str] = ()) -> Figure:
        """Draw what the change does to the share of variants in some statuses, day by day; see `escsim.plots.difference`."""
        from escsim import plots

        return plots.difference(self.base, self.changed, unit, status).figure

    @property
    def same(self) -> bool:
        """Whether both are of one scenario."""
        return self.base.scenario.hash == self.changed.scenario.hash

    def first(self, many: int) -> tuple[Worlds, Worlds, NDArray[np.intp]]:
        """Give the first so many worlds, no more than a chunk has, their twins, and the numbers of those in which anything happens otherwise."""
        first, size = next(self.base.chunks())
        ours, theirs = (each.worlds(first, min(many, size)) for each in (self.base, self.changed))
        return ours, theirs, np.flatnonzero(_different(ours, theirs))

    def parting(self, i: int) -> tuple[Step | None, Step | None]:
        """Give the first step in which world i and its twin are not the same, as it is in each; None where a run has ended."""
        pairs = zip_longest(*(run.steps for run in self.twins(i)))
        return next(((ours, theirs) for ours, theirs in pairs if not ours or not theirs or ours.done != theirs.done), (None, None))

    def twins(self, i: int) -> tuple[Trajectory, Trajectory]:
        """Give world i and its twin."""
        return self.base.trajectory(i), self.changed.trajectory(i)

    def told(self, i: int) -> dict[str, Any]:
        """Give the parting of world i from its twin as plain data: the step in each, None where a run has ended."""
        period = self.base.scenario.period

        def data(step: Step | None) -> dict[str, Any] | None:
            if step is None:
                return None
            moved = [move.to_dict() for move in step.moves]
            return {"moment": period.moment(step.tick).isoformat(), "event": step.event, "moved": moved, "moot": step.moot, "reason": step.reason}

        return {"run": i, **dict(zip(("as_it_is", "what_if"), map(data, self.parting(i)), strict=True))}

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON; the keys are documented in the README."""
        intervention = self.changed.intervention
        return {
            "scenario": self.base.scenario.name,
            "hash": self.base.scenario.hash,
            **({} if self.same else {"other": self.changed.scenario.name, "other_hash": self.changed.scenario.hash}),
            "what_if": None if intervention is None else intervention.model_dump(mode="json", by_alias=True, exclude_none=True),
            "n": self.base.n,
            "seed": self.base.seed,
            "differ": self.differ,
            "effects": {name: asdict(each) for name, each in self.effects.items()},
        }


def effect(base: Ensemble, changed: Ensemble, asked: dict[str, Question] | None = None, threads: int | None = None) -> Comparison:
    """Compare two ensembles world by world: of one scenario, usually the second under an intervention, or of two codings of one crisis.

    Parameters
    ----------
    base, changed : Ensemble
        Of the same seed and size, and of scenarios with the same period and statuses. Events and choices of the same name
        take the same chances in both.
    asked : dict of str to Question, optional
        Questions to both; by default the scenario's own, of two scenarios those of one name and kind, to each its own.
    threads : int, optional

    Raises
    ------
    ValueError
        If period, statuses, seed or size differ.
    """
    one, other = base.scenario, changed.scenario
    theirs = asked
    if asked is None:
        asked = {name: each for name, each in one.questions.items() if name in other.questions and kind(each) == kind(other.questions[name])}
        theirs = other.questions
    return effects(base, [changed], asked, theirs, threads)[0]


def effects(
    base: Ensemble, changed: Sequence[Ensemble], asked: dict[str, Question], theirs: dict[str, Question] | None = None, threads: int | None = None
) -> list[Comparison]:
    """Compare an ensemble with several others, as `effect` does with one; its worlds are run again only once for all of them.

    Parameters
    ----------
    base : Ensemble
    changed : sequence of Ensemble
    asked, theirs : dict of str to Question
        What the base is asked, and the others under the same names, if that is not the same.
    threads : int, optional

    Raises
    ------
    ValueError
        As `effect`.
    """
    for each in changed:
        if (_frame(base.scenario), base.seed, base.n) != (_frame(each.scenario), each.seed, each.n):
            raise AskedError("two ensembles can be compared if they have the same period, statuses, seed and number of variants")

    def count(chunk: tuple[int, int]) -> list[tuple[int, dict[str, Sums]]]:
        ours = base.worlds(*chunk)
        twins = (each.worlds(*chunk) for each in changed)
        return [(int(np.count_nonzero(_different(ours, twin))), summed(ours, twin, asked, theirs)) for twin in twins]

    with ThreadPoolExecutor(threads or usable_threads(), thread_name_prefix="escsim") as pool:
        counted = list(zip(*pool.map(count, base.chunks()), strict=True))  # by ensemble, the chunks of each
    return [
        Comparison(base, each, sum(differ for differ, _ in chunks), added(base.scenario, asked, (sums for _, sums in chunks)))
        for each, chunks in zip(changed, counted, strict=True)
    ]


def under(base: Ensemble, changes: Sequence[Intervention], asked: dict[str, Question], threads: int | None = None) -> list[Comparison]:
    """Compare an ensemble with what it is under several what-ifs, as `effects` does, which are simulated in the same go."""

    def look(ours: Worlds, twins: Worlds) -> tuple[int, dict[str, Sums]]:
        return int(np.count_nonzero(_different(ours, twins))), summed(ours, twins, asked)

    return [
        Comparison(base, changed, sum(differ for differ, _ in chunks), added(base.scenario, asked, (sums for _, sums in chunks)))
        for changed, chunks in twinned(base, changes, look, threads)
    ]


def _frame(scenario: Scenario) -> tuple[object, ...]:
    """Give what two scenarios share if their worlds can be compared."""
    return scenario.period, scenario.ladder.statuses


def summed(ours: Worlds, theirs: Worlds, asked: dict[str, Question], others: dict[str, Question] | None = None) -> dict[str, Sums]:
    """Add up the answers of worlds and their twins, by question; of a `peak` for each status.

    The twins are asked the questions of these names among `others`, if that is given.
    """
    found = {}
    for name, question in asked.items():
        one, other = paired(ours, theirs, question, question if others is None else others[name])
        if question.peak is None:
            found[name] = _summed(one, other)
        else:
            found |= {f"{name}: {status}": _summed(one == rank, other == rank) for rank, status in enumerate(ours.scenario.ladder.statuses)}
    return found


def added(scenario: Scenario, asked: dict[str, Question], parts: Iterable[dict[str, Sums]]) -> dict[str, Effect]:
    """Give the effects that the sums of all chunks tell."""
    sums: dict[str, Sums] = {}
    for part in parts:
        for name, each in part.items():
            sums[name] = Sums(*map(sum, zip(sums.get(name, Sums(0, 0, 0, 0, 0, 0)), each, strict=True)))
    kinds = {name: kind(asked[name if name in asked else name.rpartition(": ")[0]]) for name in sums}
    return {name: _effect(kinds[name], each, scenario) for name, each in sums.items()}


def _summed(ours: NDArray[Any], theirs: NDArray[Any]) -> Sums:
    """Add up the values of worlds that have one in both; -1 stands for none."""
    told = (ours >= 0) & (theirs >= 0) if ours.dtype != bool else np.ones(len(ours), bool)
    one, other = ours[told].astype(np.int64), theirs[told].astype(np.int64)
    return Sums(int(told.sum()), *(int(each.sum()) for each in (one, other, one * one, other * other, one * other)))


def _different(one: Worlds, other: Worlds) -> NDArray[np.bool_]:
    """Tell in which worlds anything happens otherwise in the twin."""
    names = [*dict.fromkeys([*one.scenario.order, *other.scenario.order])]  # the numbers of events are those of one scenario only
    number = [np.array([names.index(name) for name in each.scenario.order]) for each in (one, other)]
    lengths = [np.bincount(each.world, minlength=each.n) for each in (one, other)]
    found: NDArray[np.bool_] = lengths[0] != lengths[1]
    steps = [~found[each.world] for each in (one, other)]  # of the other worlds, which are as long: one beside the other
    ours, theirs = (np.stack([each.tick[kept], own[each.event[kept]]]) for each, kept, own in zip((one, other), steps, number, strict=True))
    found[one.world[steps[0]][(ours != theirs).any(axis=0)]] = True
    return found


def _effect(kind: str, sums: Sums, scenario: Scenario) -> Effect:
    unit = UNITS[kind]
    days = grain(scenario) / TICKS_A_DAY
    most = scenario.period.ticks / grain(scenario) if unit == "days" else MOST
    method = METHODS["share" if unit == "share" else "mean"]
    if not sums.n:
        return Effect(kind, unit, 0, None, None, None, None, None, method, None)
    scale = days if unit == "days" else 1.0
    base, changed = sums.base / sums.n, sums.changed / sums.n
    n = sums.n
    apart = sums.base_squared + sums.changed_squared - 2 * sums.product  # the sum of squared differences
    difference: Estimate = (
        paired_share(sums.product, sums.changed - sums.product, sums.base - sums.product, n)
        if unit == "share"
        else paired_mean(sums.changed - sums.base, apart, n, most)
    )
    single = (sums.base_squared + sums.changed_squared) / n - base * base - changed * changed
    paired = apart / n - (changed - base) ** 2
    return Effect(
        kind=kind,
        unit=unit,
        pairs=n,
        base=base * scale,
        changed=changed * scale,
        estimate=difference.estimate * scale,
        low=difference.low * scale,
        high=difference.high * scale,
        method=method,
        gain=single / paired if paired > 0 else None,
    )

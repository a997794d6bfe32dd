"""Questions asked of an ensemble: each is counted trajectory by trajectory and answered with its interval.

`tally` counts a question in some trajectories as integers, which add up over chunks in any order; `answer` turns the sum
into an `Answer`. The replay is one trajectory and is counted by the same functions, so history stands beside the variants.
Times are counted in whole hours, rounded down; their sum is exact to the millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escsim.intervals import Estimate, kaplan_meier, mean, rank, wilson
from escsim.scenario import Condition, Question, Scenario
from escsim.times import TICKS_A_DAY
from escsim.worlds import NEVER, Mask, Numbers, Ticks, Worlds

Tally = NDArray[np.int64]

HOURS = 24
HOUR = TICKS_A_DAY // HOURS
MILLI = 1000  # ticks
UNITS = {"probability": "share", "time_in": "days", "time_to": "days", "peak": "share", "count": "times"}  # by kind
MOST = 10_000  # times that an event happens in a trajectory, at most
QUARTILES = (0.25, 0.5, 0.75)
METHODS = {
    "share": "Wilson score, 95 %",
    "quantile": "order statistics, 95 %, to the hour",
    "survival": "Kaplan-Meier, log-log, 95 %, to the hour",
    "mean": "normal, 95 %",
}


@dataclass(frozen=True)
class Answer:
    """What an ensemble says to a question.

    Attributes
    ----------
    kind : str
        probability, time_in, time_to, peak or count.
    asked : int
        In how many trajectories it could be asked: in all, or in those in which the event named by `after` happened.
    estimate, low, high : float or None
        The probability; the median time in days, None if it is not reached by half of them (and `high` None if that may
        be so); the mean count. Of `peak` the share in the status that is most frequent.
    method : str
        How the interval is made.
    quartiles : list of (Estimate or None)
        Of times: after how many days a quarter, half and three quarters are through.
    shares : dict of str to Estimate
        Of `peak` by status, of `count` by number (0, 1, 2, ...); of `time_to` the share `reached` within the period.
    mean : Estimate or None
        Of `time_in`, in days, and of `count`.
    replay : bool, float, str, int or None
        The answer of history: days for times, None if it cannot be asked or does not come about.
    exact : float or None
        The exact probability or mean, where the scenario is a Markov chain that tells it.
    bounds : dict or None
        Between what it lies over the stated ranges, as plain data; of a peak by status.
    """

    kind: str
    asked: int
    estimate: float | None
    low: float | None
    high: float | None
    method: str
    quartiles: tuple[Estimate | None, ...] = ()
    shares: dict[str, Estimate] | None = None
    mean: Estimate | None = None
    replay: bool | float | str | None = None
    exact: float | None = None
    bounds: dict[str, Any] | None = None

    @property
    def unit(self) -> str:
        """What its numbers are counted in: "share", "days" or "times"."""
        return UNITS[self.kind]

    def numbers(self, name: str) -> dict[str, Estimate]:
        """Give its numbers with their intervals, under a name: one, or of a `peak` one for each status, as `NAME: STATUS`.

        A time is a median, infinite where that lies beyond the period; what cannot be asked has none.
        """
        if self.kind == "peak":
            return {f"{name}: {status}": share for status, share in (self.shares or {}).items()}
        if not self.asked:
            return {}
        return {name: Estimate(*(math.inf if each is None else each for each in (self.estimate, self.low, self.high)))}

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        told = {name: value for name, value in asdict(self).items() if value not in (None, ()) or name in ("estimate", "low", "high", "replay")}
        if self.quartiles:
            told["quartiles"] = [None if each is None else each._asdict() for each in self.quartiles]
        if self.shares is not None:
            told["shares"] = {name: each._asdict() for name, each in self.shares.items()}
        if self.mean is not None:
            told["mean"] = self.mean._asdict()
        return told


# ---- counting


def holds(worlds: Worlds, condition: Condition) -> Mask:
    """Tell in which trajectories a condition holds, shape (n,)."""
    if condition.and_ is not None:
        return np.asarray(np.all([holds(worlds, each) for each in condition.and_], axis=0))
    if condition.or_ is not None:
        return np.asarray(np.any([holds(worlds, each) for each in condition.or_], axis=0))
    if condition.not_ is not None:
        return ~holds(worlds, condition.not_)
    if condition.before is not None:
        one, other = (worlds.first([event]) for event in condition.before)
        return np.asarray(one < other)
    period = worlds.scenario.period
    if condition.in_ is not None:
        assert condition.on is not None
        last = period.tick(condition.on.end) - 1
        at = (worlds.start <= last) & (worlds.end > last)  # one stretch of each trajectory
        return worlds.held(condition.in_)[at]
    since, reached = passage(worlds, condition)
    bound: Any = NEVER
    if condition.by is not None:
        bound = period.tick(condition.by.end)
    elif condition.within is not None:
        bound = np.where(since == NEVER, 0, since) + condition.within.ticks + 1
    return np.asarray(reached < bound)


def passage(worlds: Worlds, asked: Any) -> tuple[Ticks, Ticks]:
    """Give the tick from which something counts, that of `after` or 0, and that at which it first comes about; NEVER if it does not.

    Parameters
    ----------
    worlds : Worlds
    asked : Condition or Passage
        One that states `reach` or `happens`.

    Returns
    -------
    since, reached : int64, shape (n,)
    """
    after = None if asked.after is None else worlds.first([asked.after])
    since = np.zeros(worlds.n, np.int64) if after is None else worlds.when(after)
    if asked.happens is not None:
        return since, worlds.when(worlds.first(asked.happens, after))
    return since, worlds.reached(asked.reach, since)


def spent(worlds: Worlds, line: dict[str, tuple[str, ...]]) -> Ticks:
    """Give for how many ticks a line holds in each trajectory, shape (n,)."""
    return worlds.per_world(np.where(worlds.held(line), worlds.end - worlds.start, 0))


def size(scenario: Scenario, question: Question) -> int:
    """Give how many counts a question takes."""
    hours = -(-scenario.period.ticks // HOUR) + 1
    return {"probability": 1, "time_in": hours + 1, "time_to": 2 * hours, "peak": len(scenario.ladder.statuses), "count": MOST + 1}[kind(question)]


def kind(question: Question) -> str:
    """Give the kind of a question."""
    return next(each for each in UNITS if getattr(question, each) is not None)


def leading(asked: Mapping[str, Question]) -> list[str]:
    """Name the questions that stand for all where there is room for two: the first probability, and the first time."""
    groups = [[name for name, question in asked.items() if kind(question) in kinds] for kinds in (("probability",), ("time_in", "time_to"))]
    return [group[0] for group in groups if group] or list(asked)[:1]


def tally(worlds: Worlds, question: Question) -> Tally:
    """Count a question in some trajectories.

    Returns
    -------
    int64
        Of a probability, in how many it holds; of a time in statuses, how many spend each number of hours there, and all
        milliseconds beyond these; of a time to something, how many take each number of hours, and then how many are
        watched for that long in vain; of a peak by status; of a count by number.
    """
    many = size(worlds.scenario, question)
    if question.probability is not None:
        return np.array([np.count_nonzero(holds(worlds, question.probability))])
    if question.time_in is not None:
        ticks = spent(worlds, question.time_in)
        return np.append(np.bincount(ticks // HOUR, minlength=many - 1), (ticks % HOUR // MILLI).sum())
    if question.time_to is not None:
        since, reached = passage(worlds, question.time_to)
        told, came = since != NEVER, reached != NEVER
        hours = many // 2
        took = np.bincount((reached - since)[told & came] // HOUR, minlength=hours)
        return np.concatenate([took, np.bincount((worlds.scenario.period.ticks - since)[told & ~came] // HOUR, minlength=hours)])
    return np.bincount(value(worlds, question), minlength=many)


def grain(scenario: Scenario) -> int:
    """Give the ticks that are one in a `value`: so few that it makes no difference, so many that squares of 20,000 fit 64 bits."""
    return max(1, -(-scenario.period.ticks // 2**22))


def value(worlds: Worlds, question: Question) -> Numbers:
    """Give what a question, unless it asks for a time to something, is to each world.

    Returns
    -------
    int64, shape (n,)
        1 or 0; time in units of `grain`; the most severe status; the number of times.
    """
    if question.probability is not None:
        return holds(worlds, question.probability).astype(np.int64)
    if question.time_in is not None:
        return np.asarray(spent(worlds, question.time_in) // grain(worlds.scenario))
    if question.peak is not None:
        return np.maximum.reduceat(worlds.severity(question.peak), worlds.begins).astype(np.int64)
    assert question.count is not None
    return np.bincount(worlds.world[worlds.event == worlds.scenario.order[question.count]], minlength=worlds.n)


def paired(ours: Worlds, theirs: Worlds, question: Question, other: Question) -> tuple[Numbers, Numbers]:
    """Give the values of worlds and of their twins, to be compared; `other` is what the twins are asked, of the same kind.

    Returns
    -------
    int64, both of shape (n,)
        As in `value`. A time to something is in units of `grain` too: both twins wait for it no longer than the period
        lasts in either; -1 in a world in which it cannot be asked.
    """
    if question.time_to is None:
        return value(ours, question), value(theirs, other)
    end, passages = ours.scenario.period.ticks, [passage(ours, question.time_to), passage(theirs, other.time_to)]
    starts = [np.minimum(since, end) for since, _ in passages]
    rest = end - np.maximum(*starts)
    first, second = (
        np.where(since == NEVER, -1, np.minimum(reached - start, rest) // grain(ours.scenario))
        for (since, reached), start in zip(passages, starts, strict=True)
    )
    return first, second


# ---- answering


def answer(scenario: Scenario, question: Question, counts: Tally, n: int, replay: Tally | None = None) -> Answer:
    """Turn the counts of a question in n trajectories, and in the replay, into an answer.

    Parameters
    ----------
    scenario : Scenario
    question : Question
    counts : int64, shape (size,)
        As `tally` gives them, added up.
    n : int
    replay : int64, shape (size,), optional
        The same of the replay alone.
    """
    told = _ANSWERS[kind(question)](scenario, counts, n)
    return told if replay is None else replace(told, replay=_single(_ANSWERS[kind(question)](scenario, replay, 1)))


def _single(told: Answer) -> bool | float | str | None:
    """Give what a single trajectory says."""
    if told.kind == "probability":
        return told.estimate == 1
    if told.kind == "peak":
        assert told.shares is not None
        return next(status for status, share in told.shares.items() if share.estimate)
    if told.kind == "count" and told.estimate is not None:
        return int(told.estimate)
    return told.estimate


def _probability(scenario: Scenario, counts: Tally, n: int) -> Answer:  # noqa: ARG001
    return Answer("probability", n, *wilson(int(counts[0]), n), METHODS["share"])


def _time_in(scenario: Scenario, counts: Tally, n: int) -> Answer:
    counts, beyond = counts[:-1], int(counts[-1])
    upto, whole = np.cumsum(counts), scenario.period.ticks / TICKS_A_DAY

    def quantile(share: float) -> Estimate:
        low, middle, high = (min(int(np.searchsorted(upto, place, side="left")) / HOURS, whole) for place in rank(share, n))
        return Estimate(middle, low, high)

    quartiles = tuple(map(quantile, QUARTILES))
    return Answer("time_in", n, *quartiles[1], METHODS["quantile"], quartiles, mean=mean(counts, beyond * MILLI / HOUR, 1 / HOURS))


def _time_to(scenario: Scenario, counts: Tally, n: int) -> Answer:  # noqa: ARG001
    took, censored = np.split(counts, 2)
    asked = int(counts.sum())
    if not asked:
        return Answer("time_to", 0, None, None, None, METHODS["survival"])
    survival = kaplan_meier(took, censored)

    def quantile(share: float) -> tuple[float | None, float | None, float | None]:
        found = [np.flatnonzero(curve <= 1 - share) for curve in survival]
        middle, low, high = (int(each[0]) / HOURS if each.size else None for each in found)
        return middle, low, high

    quartiles = [quantile(share) for share in QUARTILES]
    whole = tuple(None if None in each else Estimate(*each) for each in quartiles)  # type: ignore[arg-type]
    return Answer("time_to", asked, *quartiles[1], METHODS["survival"], whole, {"reached": wilson(int(took.sum()), asked)})


def _peak(scenario: Scenario, counts: Tally, n: int) -> Answer:
    shares = {status: wilson(int(count), n) for status, count in zip(scenario.ladder.statuses, counts, strict=True)}
    return Answer("peak", n, *shares[scenario.ladder.statuses[int(counts.argmax())]], METHODS["share"], shares=shares)


def _count(scenario: Scenario, counts: Tally, n: int) -> Answer:  # noqa: ARG001
    shares = {str(number): wilson(int(count), n) for number, count in enumerate(counts[: int(np.flatnonzero(counts)[-1]) + 1])}
    average = mean(counts)
    return Answer("count", n, *average, METHODS["mean"], shares=shares, mean=average)


_ANSWERS = {"probability": _probability, "time_in": _time_in, "time_to": _time_to, "peak": _peak, "count": _count}

"""Scenarios that are finite Markov chains, solved exactly.

If every event that can ever run has an exponential delay, no clock remembers how long it has run. Then statuses, the
events called, refused and closed to calls, and what has happened (where an event follows several together) determine
the future: the states of a chain in continuous time. They are found breadth first from tick 0, by the rules by which
the stepper runs. The distribution over them follows by uniformisation (Jensen 1953, Skandinavisk Aktuarietidskrift
36, 87-91; Grassmann 1977, Computers & Operations Research 4(1), 47-53), with an error of about 1e-12.

Time is continuous here. In a run it comes in ticks and delays come from tables, which makes a difference of a
microsecond in a delay and of less than 1e-8 in a probability.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date as Day
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim.distributions import TABLE, WeibullDelay, table
from escsim.errors import Place, Problem, ScenarioError, quoted
from escsim.process import Process, compile_scenario, pairs_of
from escsim.questions import Answer
from escsim.rules import Rules, TooManyError, bits
from escsim.scenario import Condition, Intervention, Question, Scenario
from escsim.times import TICKS_A_DAY
from escsim.worlds import held

Floats = NDArray[np.float64]
MOST_STATES = 200_000
MOST_WORK = 1e11  # entries of the matrix times multiplications: some minutes
OVERHEAD = 20_000  # what a multiplication costs beside the entries, in the same unit
STRIDE = 400  # expected jumps that one series covers, if a day has fewer


@dataclass(frozen=True, eq=False)
class Exact:
    """A scenario solved as a Markov chain.

    Units are the missions, in order, and then the pairs whose two missions are both in the scenario; a pair's status
    is the more severe of the two. Statuses are those of the ladder, mildest first.

    Attributes
    ----------
    states : int
        How many states the chain has.
    units, statuses : list of str
    days : list of datetime.date
        The days of the period.
    occupancy : float64, shape (units, statuses, days)
        Probability of each status at the end of each day.
    absorbed : float64, shape (days,)
        Probability that nothing more can happen by the end of each day: no clock runs.
    time : float64, shape (units, statuses)
        Expected days in each status over the period.
    """

    states: int
    units: list[str]
    statuses: list[str]
    days: list[Day]
    occupancy: Floats
    absorbed: Floats
    time: Floats
    _chain: _Chain = field(repr=False)

    def first_passage(self, unit: str, status: str) -> Floats:
        """Give the probability that a mission or pair has been in a status by the end of each day.

        The status in which it starts counts as reached.

        Returns
        -------
        float64, shape (days,)

        Raises
        ------
        ValueError
            If there is no such unit or status.
        """
        passage: Floats = self._first(self.units.index(unit))[self.statuses.index(status)]
        return passage

    def _first(self, unit: int) -> Floats:
        return _passages(self._chain, self._chain.held[:, unit, None] == np.arange(len(self.statuses)), len(self.days))

    def answer(self, scenario: Scenario, question: Question) -> float | None:
        """Answer a question of the scenario exactly.

        Returns
        -------
        float or None
            The probability of `in`, of `reach` without `after`, or that one of these is `not`; the mean of `time_in`, in
            days. None for all others: they are not told by where the missions stand.
        """
        if question.time_in is not None:
            return float(self._seen(held(scenario, self._chain.held, question.time_in))[1])
        return None if question.probability is None else self._probability(scenario, question.probability)

    def _probability(self, scenario: Scenario, asked: Condition) -> float | None:
        period = scenario.period
        if asked.not_ is not None:
            other = self._probability(scenario, asked.not_)
            return None if other is None else 1 - other
        if asked.in_ is not None and asked.on is not None:
            return float(self._seen(held(scenario, self._chain.held, asked.in_))[0][period.tick(asked.on.end) // TICKS_A_DAY - 1])
        bound = period.ticks if asked.by is None else period.tick(asked.by.end)
        bound = bound if asked.within is None else min(bound, asked.within.ticks)
        if asked.reach is None or asked.after is not None or bound % TICKS_A_DAY or not bound:
            return None
        return float(_passages(self._chain, held(scenario, self._chain.held, asked.reach)[:, None], len(self.days))[0, bound // TICKS_A_DAY - 1])

    def _seen(self, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Give the probability of being in some states at the end of each day, and the expected days in them."""
        return _march(self._chain.rate, len(self.days), self._chain.start, self._chain.jumps.__matmul__, inside.astype(float).__matmul__)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data for JSON; works out all first passages, which takes longer than solving the chain."""
        passages = map(self._first, range(len(self.units)))
        return {
            "states": self.states,
            "days": [day.isoformat() for day in self.days],
            "occupancy": self.told(self.occupancy),
            "absorbed": self.absorbed.tolist(),
            "time": self.told(self.time),
            "first_passage": self.told(passages),
        }

    def told(self, values: Iterable[Floats]) -> dict[str, dict[str, Any]]:
        """Give values by unit and status as plain data."""
        return {unit: dict(zip(self.statuses, each.tolist(), strict=True)) for unit, each in zip(self.units, values, strict=True)}


def beside(scenario: Scenario, intervention: Intervention | None = None, *, most: int = 10_000) -> Exact | None:
    """Solve a scenario exactly if every delay is exponential, and the chain not too large to be solved on the way; None otherwise."""
    if any(event.delay is None or event.delay.exponential is None for event in scenario.events):
        return None
    with suppress(ScenarioError):
        return solve(scenario, intervention, most=most)
    return None


def known(solved: Exact | None, scenario: Scenario, answers: dict[str, Answer]) -> dict[str, Answer]:
    """Put exact values beside the answers to questions of the scenario, where there are any."""
    if solved is None:
        return answers
    return {name: replace(each, exact=solved.answer(scenario, scenario.questions[name])) for name, each in answers.items()}


def solve(scenario: Scenario, intervention: Intervention | None = None, *, most: int = MOST_STATES) -> Exact:
    """Solve a scenario exactly, with an intervention if one is given.

    Parameters
    ----------
    scenario : Scenario
    intervention : Intervention, optional
    most : int
        States up to which it is tried; the default takes some ten seconds.

    Raises
    ------
    ScenarioError
        If it is no finite Markov chain (one problem for each event in the way), or the chain has more than that many
        states or moves too fast for its size; also where `compile_scenario` raises it.
    """
    process = compile_scenario(scenario, intervention)
    rules = Rules(process, most)
    rates = _rates(scenario, process, rules.possible(), intervention or Intervention.model_construct())
    try:
        chain = _explore(rules, rates, process)
    except TooManyError:
        remedy = "leave out missions or events that do not matter here"
        raise ScenarioError([_problem(scenario.place(), f"it has more than {most:,} states", remedy)]) from None
    if process.days * chain.rate * (chain.jumps.nnz + OVERHEAD) > MOST_WORK:
        fastest = scenario.events[int(np.argmax(rates))].id
        why = f"it moves too fast for its size, up to {chain.rate:,.0f} events a day, {quoted(fastest)} the fastest"
        raise ScenarioError([_problem(scenario.event_place(fastest), why, "give it a longer delay")])
    statuses = list(scenario.ladder.statuses)
    occupancy, absorbed, time = _occupancy(chain, len(statuses), process.days)
    units = [*scenario.missions, *pairs_of(scenario)]
    return Exact(len(chain.start), units, statuses, list(scenario.period.days()), occupancy, absorbed, time, chain)


# ---- what prevents it


def _problem(place: Place, why: str, remedy: str) -> Problem:
    return Problem(place, f"the chain cannot be solved exactly: {why}", f"{remedy}, or draw variants instead")


def _rates(scenario: Scenario, process: Process, possible: int, intervention: Intervention) -> list[float]:
    """Give the rate of each event, per day; 0 for one that can never run."""
    exponential = table(WeibullDelay(1.0))
    rates, problems = [0.0] * process.n_events, []
    for e, event in enumerate(scenario.events):
        forced = event.id in (intervention.force or {})
        if not forced and not possible >> e & 1:
            continue
        at = int(process.at[e])
        shape = process.tables[at : at + len(exponential)]
        # one shape may be stated in several ways (a gamma law of shape 1), whose tables differ in their last bit
        if process.law[e] == TABLE and process.base[e] == 0 < process.scale[e] and np.allclose(shape[::4], exponential[::4], rtol=1e-11, atol=0):
            rates[e] = TICKS_A_DAY / float(process.scale[e])
            continue
        change = (intervention.set or {}).get(event.id)
        delay = (change.delay if change else None) or event.delay
        if forced or event.id in (intervention.move or {}):
            why = f"is {'forced' if forced else 'moved'} to a date by the what-if"
        elif delay is None and event.follows is None and event.id not in scenario.choice_of:
            why = "follows nothing and has no delay of its own, so it stands on its date"
        elif delay is None:
            why = "has no delay of its own, and its date with the file's `spread` gives it one that remembers how long it has run"
        else:
            name = delay.one()[0]
            why = f"has {'an' if name == 'empirical' else 'a'} {name} delay, which remembers how long it has run"
        remedy = "give it an exponential delay, such as {exponential: {mean: 3 days}}"
        problems.append(_problem(scenario.event_place(event.id), f"{quoted(event.id)} {why}", remedy))
    if problems:
        raise ScenarioError(problems)
    return rates


# ---- the chain


class _Chain(NamedTuple):
    """A chain uniformised: it jumps at one rate in every state, perhaps to the state where it is."""

    jumps: Any  # scipy.sparse.csr_array, shape (states, states): probability of a jump to the row from the column
    rate: float  # expected jumps a day
    start: Floats  # shape (states,)
    held: NDArray[np.uint8]  # shape (states, units): the status of each unit
    over: NDArray[np.bool_]  # shape (states,): whether no clock runs


def _explore(rules: Rules, rates: list[float], process: Process) -> _Chain:
    """Find every state that can be reached, breadth first, and how the chain moves between them."""
    from scipy.sparse import csr_array

    first = rules.settle((rules.start, 0, 0, 0, 0), 0, rules.roots)
    queue = list(first)
    number = {state: place for place, state in enumerate(queue)}
    source, dest, flow = array("q"), array("q"), array("d")
    over = []
    for place, state in enumerate(queue):  # which grows meanwhile
        running = rules.running(state)
        over.append(not running)
        for e in bits(running):
            for after, p in rules.fire(state, running, e).items():
                if after == state:
                    continue
                if after not in number:
                    number[after] = len(queue)
                    queue.append(after)
                source.append(place)
                dest.append(number[after])
                flow.append(rates[e] * p)
        rules.check(len(queue))
    states = np.arange(len(queue))
    sources, flows = np.asarray(source), np.asarray(flow)
    leaving = np.bincount(sources, flows, len(queue))
    rate = float(leaving.max()) or 1.0
    shares = np.concatenate([flows / rate, 1 - leaving / rate])
    jumps = csr_array((shares, (np.concatenate([dest, states]), np.concatenate([sources, states]))), shape=(len(queue), len(queue)))
    start = np.zeros(len(queue))
    start[: len(first)] = list(first.values())
    missions = np.array([state[0] for state in queue], np.uint8)
    pairs = [missions[:, process.pair == pair].max(axis=1) for pair in range(process.n_pairs)]
    return _Chain(jumps, rate, start, np.column_stack([missions, *pairs]), np.array(over))


def _occupancy(chain: _Chain, statuses: int, days: int) -> tuple[Floats, Floats, Floats]:
    """Give the probability of each status and of an end, by unit and day, and the expected days in each status."""
    from scipy.sparse import csr_array

    states, units = chain.held.shape
    # rows: each status of each unit, an end, and everything, by which is divided what rounding adds in a million jumps
    cells, everywhere = statuses * units, np.arange(states)
    rows = np.concatenate([(chain.held + statuses * np.arange(units)).ravel(), np.full(chain.over.sum(), cells), np.full(states, cells + 1)])
    columns = np.concatenate([np.repeat(everywhere, units), np.flatnonzero(chain.over), everywhere])
    seen = csr_array((np.ones(len(rows)), (rows, columns)), shape=(cells + 2, states))
    by_day, time = _march(chain.rate, days, chain.start, chain.jumps.__matmul__, seen.__matmul__)
    by_day /= by_day[:, -1:]
    time *= days / time[-1]
    return by_day[:, :cells].T.reshape(units, statuses, days), by_day[:, cells], time[:cells].reshape(units, statuses)


def _passages(chain: _Chain, inside: NDArray[np.bool_], days: int) -> Floats:
    """Give the probability of having been, by the end of each day, in some states: by column of `inside`, shape (columns, days)."""
    # a column for each set of states, from which is taken out what arrives there, and one from which nothing is
    free = np.append(~inside, np.ones((len(inside), 1), bool), axis=1).astype(float)
    see = np.ones(len(free)).__matmul__
    left, _ = _march(chain.rate, days, chain.start[:, None] * free, lambda block: (chain.jumps @ block) * free, see)
    reached = np.clip(1.0 - left[:, :-1] / left[:, -1:], 0.0, 1.0).T
    reached[free[:, :-1].min(axis=0) > 0] = 0.0  # where it can never be
    return reached


# ---- uniformisation


def _poisson(mean: float, size: int) -> Floats:
    """Give the probabilities of fewer than `size` jumps, one by one, where `mean` are expected.

    By recursion from the likeliest number outward, where nothing is lost (as in Fox and Glynn 1988, Communications of
    the ACM 31(4), 440-445).
    """
    mode = int(mean)
    down = np.cumprod(np.arange(mode, 0, -1) / mean)[::-1]
    up = np.cumprod(mean / np.arange(mode + 1, size))
    found = np.concatenate([down, [1.0], up])
    return np.asarray(found / found.sum())


def _march(rate: float, days: int, start: Floats, jump: Callable[[Floats], Floats], see: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """Follow a distribution through a period by uniformisation.

    Parameters
    ----------
    rate : float
        Expected jumps a day.
    days : int
    start : float64, shape (states,) or (states, columns)
        A distribution, or one in each column.
    jump : callable
        Gives the distribution after one more jump.
    see : callable
        Gives what is wanted of a distribution, linear in it.

    Returns
    -------
    by_day : float64, shape (days, seen)
        What is seen at the end of each day: the sum over k of Poisson(k; rate t) see(after k jumps).
    total : float64, shape (seen,)
        Its integral over the period, in days: the same with P(more than k jumps) / rate for the weights.
    """
    by_day, total = [], np.zeros_like(see(start))
    stride = max(1, int(STRIDE / rate))
    for done in range(0, days, stride):
        span = min(stride, days - done)
        mean = rate * span
        size = int(mean + 13 + math.sqrt(169 + 78 * mean)) + 2  # beyond lies less than 1e-16, by Bernstein's inequality
        weights = np.array([_poisson(rate * day, size) for day in range(1, span + 1)])
        block, end, seen = start, np.zeros_like(start), []
        for weight in weights[-1]:
            seen.append(see(block))
            end += weight * block
            block = jump(block)
        by_day.append(weights @ np.array(seen))
        total += np.append(np.cumsum(weights[-1][:0:-1])[::-1], 0.0) @ np.array(seen) / rate
        start = end
    return np.concatenate(by_day), total

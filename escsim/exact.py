"""Scenarios that are finite Markov chains, solved exactly.

If every event that can ever run has an exponential delay, no clock remembers how long it has run. Then statuses, the
events called and refused, those that take no more calls, and what has happened (where an event follows several
together) determine the future: the states of a chain in continuous time. They are found breadth first from tick 0, by
the rules by which the stepper runs. The distribution over them follows by uniformisation (Jensen 1953, Skandinavisk
Aktuarietidskrift 36, 87-91; Grassmann 1977, Computers & Operations Research 4(1), 47-53), with an error below 1e-12.

Time is continuous here. In a run it comes in ticks and delays come from tables, which makes a difference of a
microsecond in a delay and of less than 1e-8 in a probability.

What cannot matter is not in a state: an event that takes no more calls because it has happened, because it is barred,
or because all that could call it is over, is merely *closed*; a refused event without a gate is as good as one that
was never called; and where no clock runs any more, only the statuses count.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date as Day
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escsim.distributions import TABLE, WeibullDelay, table
from escsim.errors import Problem, ScenarioError, quoted
from escsim.process import STAYS, Process, compile_scenario, pairs_of
from escsim.scenario import Intervention, Scenario, missions_of
from escsim.times import TICKS_A_DAY

Floats = NDArray[np.float64]
State = tuple[int, int, int, int, int, int]  # statuses, called, refused, closed, happened, put: see `_Rules`

MOST_STATES = 200_000
MOST_WORK = 1e11  # entries of the matrix times multiplications: some minutes
OVERHEAD = 20_000  # what a multiplication costs beside the entries, in the same unit
STRIDE = 400  # expected jumps that one series covers, if a day has fewer
MOST_CELLS = 16_000_000  # numbers in the block of first passages worked at once
CERTAIN = 1 << 32
BITS, LOW = 6, 63  # a status within the number that holds all of them


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
        found: Floats = self._chain.passages([(self.units.index(unit), self.statuses.index(status))], len(self.days))[0]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data for JSON; works out all first passages, which takes longer than solving the chain."""
        every = [(unit, status) for unit in range(len(self.units)) for status in range(len(self.statuses))]
        passages = self._chain.passages(every, len(self.days)).reshape(self.occupancy.shape)

        def told(values: Floats) -> dict[str, dict[str, Any]]:
            return {unit: dict(zip(self.statuses, row, strict=True)) for unit, row in zip(self.units, values.tolist(), strict=True)}

        return {
            "states": self.states,
            "days": [day.isoformat() for day in self.days],
            "occupancy": told(self.occupancy),
            "absorbed": self.absorbed.tolist(),
            "time": told(self.time),
            "first_passage": told(passages),
        }


def solve(scenario: Scenario, intervention: Intervention | None = None, *, most: int | None = None) -> Exact:
    """Solve a scenario exactly, with an intervention if one is given.

    Parameters
    ----------
    scenario : Scenario
    intervention : Intervention, optional
    most : int, optional
        States up to which it is tried, by default 200,000, which take some ten seconds.

    Raises
    ------
    ScenarioError
        If it is no finite Markov chain (one problem for each event in the way), or the chain has more than that many
        states or moves too fast for its size; also where `compile_scenario` raises it.
    """
    process = compile_scenario(scenario, intervention)
    rules = _Rules(scenario, process)
    rates = _rates(scenario, process, rules, intervention or Intervention.model_construct())
    chain = _explore(scenario, process, rules, rates, most or MOST_STATES)
    days = list(scenario.period.days())
    units, statuses = [*scenario.missions, *pairs_of(scenario)], list(scenario.ladder.statuses)
    occupancy, absorbed, time = chain.occupancy(len(statuses), len(days))
    return Exact(len(chain.start), units, statuses, days, occupancy, absorbed, time, chain)


# ---- what prevents it


def _rates(scenario: Scenario, process: Process, rules: _Rules, intervention: Intervention) -> list[float]:
    """Give the rate of each event, per day; 0 for one that can never run."""
    memoryless = table(WeibullDelay(1.0))
    rates, problems = [], []
    for e, event in enumerate(scenario.events):
        rate = 0.0
        if rules.live & ~(rules.never & ~rules.forced) & 1 << e:
            at = int(process.at[e])
            # one shape may be stated in several ways (a gamma law of shape 1), whose tables differ in their last bit
            if (
                process.law[e] == TABLE
                and process.base[e] == 0
                and process.scale[e] > 0
                and np.allclose(process.tables[at : at + len(memoryless) : 4], memoryless[::4], rtol=1e-11, atol=0)
            ):
                rate = TICKS_A_DAY / float(process.scale[e])
            else:
                message = f"the chain cannot be solved exactly: {quoted(event.id)} {_reason(scenario, event.id, intervention)}"
                remedy = "give it an exponential delay, such as {exponential: {mean: 3 days}}, or draw variants instead"
                problems.append(Problem(scenario.event_place(event.id), message, remedy))
        rates.append(rate)
    if problems:
        raise ScenarioError(problems)
    return rates


def _reason(scenario: Scenario, event: str, intervention: Intervention) -> str:
    """Say what kind of delay an event has that is not exponential."""
    if event in (intervention.force or {}):
        return "is forced to a date by the what-if"
    if event in (intervention.move or {}):
        return "is moved to a date by the what-if"
    change = (intervention.set or {}).get(event)
    delay = (change.delay if change else None) or scenario.event[event].delay
    if delay is None:
        return "has no delay of its own, and its date with the file's `spread` gives it one that remembers how long it has run"
    name = delay.one()[0]
    return f"has {'an' if name[0] in 'aeiou' and name != 'uniform' else 'a'} {name} delay, which remembers how long it has run"


def _too_large(scenario: Scenario, most: int) -> ScenarioError:
    message = f"the chain cannot be solved exactly: it has more than {most:,} states"
    return ScenarioError([Problem(scenario.place(), message, "leave out missions or events that do not matter here, or draw variants instead")])


# ---- the rules


def _each(mask: int) -> Iterator[int]:
    """Give the numbers of the bits that are set, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit


class _Rules:
    """The rules of a run over masks; bit e of a mask is event e, of `puts`, `put` and their like choice c.

    The parts of a state: `statuses`, six bits a mission; `called`, the events that are waiting, running or refused;
    `refused`; `closed`, the events that take no more calls; `happened`, of the events that something follows together
    with others; `put`, the choices that are not put any more. A called event runs if its gate is open and it is not
    refused. In a state that is settled no event waits behind an open gate.
    """

    def __init__(self, scenario: Scenario, process: Process) -> None:
        def masks(words: NDArray[np.uint64]) -> list[int]:
            rows = words.reshape(-1, process.n_words).tolist()
            return [sum(word << 64 * place for place, word in enumerate(row)) for row in rows]

        def mask(words: NDArray[np.uint64]) -> int:
            return masks(words)[0]

        self.scenario = scenario
        events, size = range(process.n_events), process.n_statuses
        self.all = (1 << process.n_events) - 1
        self.every_choice = (1 << process.n_choices) - 1
        self.chance = [int(chance) for chance in process.chance]
        self.certain = sum(1 << e for e in events if self.chance[e] == CERTAIN)
        self.never = sum(1 << e for e in events if not self.chance[e])
        self.acts = process.acts.astype(bool).tolist()
        fires, leads = process.fires.tolist(), process.leads.tolist()
        rows = [(BITS * int(m), leads[int(way) :][:size]) for m, way in zip(process.mission, process.way, strict=True)]
        self.moves = [rows[fires[e] : fires[e + 1]] for e in events]
        admits = masks(process.admits) if process.n_missions else []
        self.admits = [(BITS * m, admits[m * size : (m + 1) * size]) for m in range(process.n_missions)]
        self.gateless = self.all
        for allowed in admits:
            self.gateless &= allowed
        self.joint, self.once, self.renewed, self.roots, self.forced = map(
            mask, (process.joint, process.once, process.renewed, process.roots, process.forced)
        )
        self.calls, self.bars, needs = masks(process.calls), masks(process.bars), masks(process.needs)
        self.needs, self.choice_needs = needs[: process.n_events], needs[process.n_events :]
        self.needed = 0
        for each in needs:
            self.needed |= each
        self.puts = process.puts.tolist()
        self.choice_once, self.choice_roots = int(process.choice_once[0]), int(process.choice_roots[0])
        self.option_masks = masks(process.option_mask)
        self.options = [_options(process, c) for c in range(process.n_choices)]
        # not what chance or the what-if makes come to nothing
        possible = self.forced | (self.all & ~self.never)
        self.can_happen = sum(1 << e for e in events if possible >> e & 1 and (self.moves[e] or not self.acts[e]))
        self.can_pick = [sum(1 << e for e, _ in options if e is not None) for options in self.options]
        self.opened: dict[int, int] = {}
        self.pruned: dict[tuple[int, int, int, int], tuple[int, int, int]] = {}

        self.initial = sum(int(status) << BITS * m for m, status in enumerate(process.start))
        first = self.roots | self.forced
        for c in _each(self.choice_roots):
            first |= self.can_pick[c]
        self.live = self.future(first, 0, 0, 0)[0]

    def open(self, statuses: int) -> int:
        """Give the events whose gates these statuses hold open."""
        found = self.opened.get(statuses)
        if found is None:
            found = self.all
            for shift, allowed in self.admits:
                found &= allowed[statuses >> shift & LOW]
            self.opened[statuses] = found
        return found

    def running(self, state: State) -> int:
        """Give the events that have a clock."""
        return state[1] & ~state[2] & self.open(state[0])

    def start(self) -> dict[State, float]:
        """Give the states right after tick 0, with their probabilities."""
        return self.settle(self.initial, (0, 0, 0, 0, 0), 0, self.roots, self.choice_roots)

    def fire(self, state: State, e: int) -> dict[State, float]:
        """Give the states in which the firing of an event ends, with their probabilities."""
        before, called, refused, closed, happened, put = state
        bit, statuses, moved = 1 << e, before, not self.acts[e]
        for shift, leads in self.moves[e]:
            status = statuses >> shift & LOW
            if leads[status] != STAYS:
                statuses += (leads[status] - status) << shift
                moved = True
        called &= ~bit
        calls, puts = self.renewed & bit, 0
        if moved:
            happened |= bit & self.needed
            closed |= self.bars[e]
            called &= ~self.bars[e]
            calls |= self.calls[e]
            puts = self.puts[e]
        open_ = self.open(statuses)
        running = called & ~refused & self.open(before) & open_
        return self.settle(statuses, (called, refused & called & open_, closed, happened, put), running, calls, puts)

    def settle(self, statuses: int, parts: tuple[int, int, int, int, int], running: int, calls: int, puts: int) -> dict[State, float]:
        """Make the calls after a firing and arm what then waits behind open gates.

        `running` are the events that keep their clocks.
        """
        called, refused, closed, happened, put = parts
        calls &= ~closed
        for e in _each(calls & self.joint):
            if self.needs[e] & ~happened:
                calls &= ~(1 << e)
        branches = [(1.0, calls, put)]
        for c in _each(puts & ~put):
            # ignored while an option is waiting or running, or another cause is still to come
            if not (self.choice_needs[c] & ~happened or self.option_masks[c] & called & ~refused):
                used = 1 << c & self.choice_once
                picks = [(0 if e is None else 1 << e & ~closed, share) for e, share in self.options[c]]
                if len(branches) * len(picks) > MOST_STATES:
                    raise _too_large(self.scenario, MOST_STATES)
                branches = [(p * share, some | pick, done | used) for p, some, done in branches for pick, share in picks]
        open_, found = self.open(statuses), dict[State, float]()
        for p, some, done in branches:
            now, no = called | some, refused & ~some
            shut = closed | (some & self.once)
            arming = now & open_ & ~running & ~no
            for q, said_no in self.chances(arming, len(branches)):
                state = self.prune(statuses, now & ~(said_no & self.gateless), no | (said_no & ~self.gateless), shut, happened, done)
                found[state] = found.get(state, 0.0) + p * q
        return found

    def chances(self, arming: int, times: int) -> list[tuple[float, int]]:
        """Give which of the events armed together chance may refuse, with probabilities; `times` is how often this is asked."""
        doubtful = arming & ~self.certain & ~self.never
        if not doubtful:
            return [(1.0, arming & self.never)]
        if times << doubtful.bit_count() > MOST_STATES:
            raise _too_large(self.scenario, MOST_STATES)
        found = [(1.0, arming & self.never)]
        for e in _each(doubtful):
            yes = self.chance[e] / CERTAIN
            found = [(p * share, no | bit) for p, no in found for share, bit in ((yes, 0), (1 - yes, 1 << e))]
        return found

    def prune(self, statuses: int, called: int, refused: int, closed: int, happened: int, put: int) -> State:
        """Give a state without what cannot matter any more."""
        if not called & ~refused & self.open(statuses):
            return statuses, 0, 0, self.all, 0, self.every_choice
        key = called, closed, happened, put
        kept = self.pruned.get(key)
        if kept is None:
            _, callable_, puttable = self.future(*key)
            relevant = 0
            for e in _each(callable_ & self.joint):
                relevant |= self.needs[e]
            for c in _each(puttable):
                relevant |= self.choice_needs[c]
            kept = self.pruned[key] = self.all & ~callable_, happened & relevant, self.every_choice & ~puttable
        return statuses, called, refused, *kept

    def future(self, called: int, closed: int, happened: int, put: int) -> tuple[int, int, int]:
        """Give the events that may still run, the events that may still be called, and the choices that may still be put.

        Statuses are not looked at: a gate may open, a trigger may be admitted again.
        """
        live, past = called, -1
        callable_ = puttable = 0
        while live != past:
            past, callable_, puttable = live, live & self.renewed, 0
            for e in _each(live & self.can_happen):
                callable_ |= self.calls[e]
                puttable |= self.puts[e]
            missing = ~(happened | (live & self.can_happen))
            puttable &= ~put
            for c in _each(puttable):
                if self.choice_needs[c] & missing:
                    puttable &= ~(1 << c)
                else:
                    callable_ |= self.can_pick[c]
            callable_ &= ~closed
            for e in _each(callable_ & self.joint):
                if self.needs[e] & missing:
                    callable_ &= ~(1 << e)
            live |= callable_
        return live, callable_, puttable


def _options(process: Process, c: int) -> list[tuple[int | None, float]]:
    """Give the options of a choice that have a share, with it; None is nothing."""
    found: list[tuple[int | None, float]] = []
    past = 0
    for n in range(int(process.options[c]), int(process.options[c + 1])):
        e, cut = int(process.option[n]), int(process.cut[n])
        if cut > past:
            found.append((e if e < process.n_events else None, (cut - past) / CERTAIN))
        past = max(past, cut)
    return found


# ---- the chain


@dataclass(frozen=True, eq=False)
class _Chain:
    """A chain uniformised: it jumps at one rate in every state, perhaps to the state where it is.

    Attributes
    ----------
    jumps : scipy.sparse.csr_array, shape (states, states)
        Probability of a jump to the row from the column.
    rate : float
        Expected jumps a day.
    start : float64, shape (states,)
    held : uint8, shape (states, units)
        The status of each unit.
    over : bool, shape (states,)
        Whether no clock runs.
    """

    jumps: Any
    rate: float
    start: Floats
    held: NDArray[np.uint8]
    over: NDArray[np.bool_]

    def occupancy(self, statuses: int, days: int) -> tuple[Floats, Floats, Floats]:
        """Give the probability of each status and of an end, by unit and day, and the expected days in each status."""
        from scipy.sparse import csr_array

        states, units = self.held.shape
        rows = np.concatenate([(self.held + statuses * np.arange(units)).ravel(), np.full(self.over.sum(), statuses * units)])
        columns = np.concatenate([np.repeat(np.arange(states), units), np.flatnonzero(self.over)])
        seen = csr_array((np.ones(len(rows)), (rows, columns)), shape=(statuses * units + 1, states))
        by_day, time = _march(self.rate, days, self.start, self.jumps.__matmul__, seen.__matmul__)
        shares = by_day[:, :-1].T.reshape(units, statuses, days)
        return np.ascontiguousarray(shares), by_day[:, -1].copy(), time[:-1].reshape(units, statuses)

    def passages(self, targets: list[tuple[int, int]], days: int) -> Floats:
        """Give the probability that a unit has reached a status by the end of each day, for pairs of unit and status."""
        found = np.zeros((len(targets), days))
        begun = self.start > 0
        asked: list[int] = []
        for n, (unit, status) in enumerate(targets):
            there = self.held[:, unit] == status
            if there[begun].all():
                found[n] = 1.0
            elif there.any():
                asked.append(n)
        width = max(1, MOST_CELLS // len(self.start))
        for block in (asked[n : n + width] for n in range(0, len(asked), width)):
            there = np.stack([self.held[:, targets[n][0]] == targets[n][1] for n in block], axis=1)
            found[block] = self._passages(there, days)
        return found

    def _passages(self, there: NDArray[np.bool_], days: int) -> Floats:
        """Give the same for sets of states, one a column; a last row holds what has arrived."""

        def arrest(block: Floats) -> Floats:
            block[-1] += np.where(there, block[:-1], 0.0).sum(axis=0)
            block[:-1][there] = 0.0
            return block

        def jump(block: Floats) -> Floats:
            after = np.empty_like(block)
            after[:-1] = self.jumps @ block[:-1]
            after[-1] = block[-1]
            return arrest(after)

        first = np.zeros((len(self.start) + 1, there.shape[1]))
        first[:-1] = self.start[:, None]
        return _march(self.rate, days, arrest(first), jump, lambda block: block[-1].copy())[0].T


def _explore(scenario: Scenario, process: Process, rules: _Rules, rates: list[float], most: int) -> _Chain:
    """Find every state that can be reached, breadth first, and how the chain moves between them."""
    from scipy.sparse import csr_array, diags_array

    number: dict[State, int] = {}
    queue: list[State] = []
    source, dest, flow = array("q"), array("q"), array("d")
    over: list[bool] = []

    def numbered(state: State) -> int:
        place = number.setdefault(state, len(queue))
        if place == len(queue):
            if place >= most:
                raise _too_large(scenario, most)
            queue.append(state)
        return place

    begun = {numbered(state): p for state, p in rules.start().items()}
    for place, state in enumerate(queue):  # which grows meanwhile
        running = rules.running(state)
        over.append(not running)
        for e in _each(running):
            for after, p in rules.fire(state, e).items():
                if after != state:
                    source.append(place)
                    dest.append(numbered(after))
                    flow.append(rates[e] * p)
    states = len(queue)
    start = np.zeros(states)
    start[list(begun)] = list(begun.values())
    flows, sources = np.asarray(flow), np.asarray(source)
    leaving = np.bincount(sources, flows, states) if len(flows) else np.zeros(states)
    rate = float(leaving.max()) or 1.0
    _check_work(scenario, rates, rate, len(flows), process.days)
    jumps = csr_array((flows / rate, (np.asarray(dest), sources)), shape=(states, states)) + diags_array(1 - leaving / rate)
    return _Chain(csr_array(jumps), rate, start, _held(scenario, process, queue), np.array(over))


def _held(scenario: Scenario, process: Process, states: Iterable[State]) -> NDArray[np.uint8]:
    """Give the status of each unit in each state."""
    rows = [[state[0] >> BITS * m & LOW for m in range(process.n_missions)] for state in states]
    missions = np.array(rows, np.uint8).reshape(len(rows), process.n_missions)
    place = {mission: n for n, mission in enumerate(scenario.missions)}
    pairs = [[place[mission] for mission in missions_of(pair)] for pair in pairs_of(scenario)]
    return np.column_stack([missions, *(missions[:, pair].max(axis=1) for pair in pairs)])


def _check_work(scenario: Scenario, rates: list[float], rate: float, size: int, days: int) -> None:
    """Refuse a chain that moves too fast for its size."""
    jumps = days * rate + 30 * math.sqrt(days * rate)
    if jumps * (size + OVERHEAD) > MOST_WORK:
        fastest = max(range(len(rates)), key=rates.__getitem__)
        event = scenario.events[fastest].id
        message = f"the chain cannot be solved exactly in good time: up to {rate:,.0f} events a day, {quoted(event)} the fastest"
        raise ScenarioError([Problem(scenario.event_place(event), message, "give it a longer delay, or draw variants instead")])


# ---- uniformisation


def _poisson(mean: float) -> Floats:
    """Give the probabilities of 0, 1, 2, ... jumps where `mean` are expected, up to where less than 1e-16 is left.

    By recursion from the likeliest number outward, where nothing is lost (as in Fox and Glynn 1988, Communications of
    the ACM 31(4), 440-445); how many are needed, by Bernstein's inequality.
    """
    size, mode = int(mean + 13 + math.sqrt(169 + 78 * mean)) + 2, int(mean)
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
    stride = min(days, max(1, int(STRIDE / rate)))
    done = 0
    while done < days:
        stride = min(stride, days - done)
        weights = [_poisson(rate * day) for day in range(1, stride + 1)]
        size = len(weights[-1])
        table_ = np.array([np.pad(each, (0, size - len(each))) for each in weights])
        more = np.append(np.cumsum(weights[-1][:0:-1])[::-1], 0.0) / rate
        block, after, seen = start, np.zeros_like(start), np.zeros((stride, len(total)))
        for k in range(size):
            if k:
                block = jump(block)
            now = see(block)
            seen += table_[:, k, None] * now
            total += more[k] * now
            after += table_[-1, k] * block
        by_day.append(seen)
        start = after / after.sum(axis=0)  # which is 1 but for rounding, which would add up
        done += stride
    return np.concatenate(by_day), total

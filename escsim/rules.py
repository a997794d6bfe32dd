"""The rules of a run over masks, without time: which states follow from a state by the firing of an event, and how likely each is.

They are those by which the stepper runs, for programs that look at all states at once: `escsim.exact` and `escsim.explore`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import pairwise
from operator import or_

import numpy as np
from numpy.typing import NDArray

from escsim.process import STAYS, Process

State = tuple[tuple[int, ...], int, int, int, int]  # statuses, called, refused, closed, happened: see `Rules`

CERTAIN = 1 << 32


class TooManyError(Exception):
    """There are more states than are looked at."""


def bits(mask: int) -> Iterator[int]:
    """Give the numbers of the bits that are set, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit


class Rules:
    """The rules of a run over masks: bit e is event e, and bit n_events + c is choice c.

    The parts of a state: `statuses` of the missions; `called`, the events that are waiting, running or refused;
    `refused`; `closed`, the events and choices that take no more calls; `happened`, of the events that something
    follows together with others. A called event runs if its gate is open and it is not refused. In a state that is
    settled no event waits behind an open gate.

    Parameters
    ----------
    process : Process
    most : int
        Ways into which one firing may lead: `TooManyError` is raised above.
    mask : int
        The events and choices that count; calls of others are lost.
    aims : int
        Events that count as if they moved a mission.
    """

    def __init__(self, process: Process, most: int, mask: int = -1, aims: int = 0) -> None:
        def masks(words: NDArray[np.uint64], n: int) -> list[int]:
            rows = words[: n * process.n_words].reshape(n, process.n_words).astype("<u8")
            return [int.from_bytes(row.tobytes(), "little") for row in rows]

        def union(masks: Iterable[int]) -> int:
            return reduce(or_, masks, 0)

        n, choices, size = process.n_events, process.n_choices, process.n_statuses
        self.most, self.n_events = most, n
        self.mask = mask
        self.waits = False  # whether it counts who waits when nothing more can happen
        self.start = tuple(process.start.tolist())
        self.events = (1 << n) - 1
        self.once = masks(process.once, 1)[0] | int(process.choice_once[0]) << n
        self.roots = masks(process.roots, 1)[0] | int(process.choice_roots[0]) << n
        self.renewed = masks(process.renewed, 1)[0]
        self.calls = [called | put << n for called, put in zip(masks(process.calls, n), process.puts.tolist(), strict=True)]
        self.bars = masks(process.bars, n)
        self.needs = masks(process.needs, n + choices)
        self.needed = union(self.needs)
        self.joint = union(1 << e for e, needs in enumerate(self.needs) if needs)

        leads = process.leads.tolist()
        moves = [(mission, leads[way : way + size]) for mission, way in zip(process.mission.tolist(), process.way.tolist(), strict=True)]
        self.moves = [moves[first:end] for first, end in pairwise(process.fires.tolist())]
        self.acts = process.acts.tolist()

        admits = masks(process.admits, process.n_missions * size)
        self.admits = [admits[first : first + size] for first in range(0, len(admits), size)]
        self.gated = union(self.events & ~admitted for admitted in admits)
        self.opened: dict[tuple[int, ...], int] = {}
        self.movers = aims | union(1 << e for e, moved in enumerate(self.moves) if moved)
        self.futures: dict[int, int] = {}
        self.kept: dict[tuple[int, int], tuple[int, int, int]] = {}

        # what chance may say: the share of each answer, and the event if it is refused
        shares = [chance / CERTAIN for chance in process.chance.tolist()]
        self.answers = [[(share, no) for share, no in ((yes, 0), (1 - yes, 1 << e)) if share] for e, yes in enumerate(shares)]
        self.doubtful = union(1 << e for e, yes in enumerate(shares) if yes < 1)
        self.never = union(1 << e for e, yes in enumerate(shares) if yes == 0)

        # of each choice: the share of each option, and its event, or none
        self.option_masks = masks(process.option_mask, choices)
        self.options = []
        cuts, options = process.cut.tolist(), process.option.tolist()
        for first, end in pairwise(process.options.tolist()):
            widths = [cut - before for before, cut in pairwise([0, *cuts[first:end]])]
            self.options.append([(width / CERTAIN, 1 << e & self.events) for width, e in zip(widths, options[first:end], strict=True) if width])

    def possible(self) -> int:
        """Give the events that can ever run: those called if chance never refuses, no gate shuts and nothing is barred."""
        called, before = 0, -1
        while called != before:
            before = called
            happened = sum(1 << e for e in bits(called & self.events & ~self.never) if self.moves[e] or not self.acts[e])
            called = self.met(reduce(or_, (self.calls[e] for e in bits(happened)), self.roots), happened)
            for c in bits(called >> self.n_events):
                called |= sum(option for _, option in self.options[c])
        return called & ~self.never

    def met(self, calls: int, happened: int) -> int:
        """Leave out the calls of what waits for another cause."""
        for e in bits(calls & self.joint):
            if self.needs[e] & ~happened:
                calls &= ~(1 << e)
        return calls

    def open(self, statuses: tuple[int, ...]) -> int:
        """Give the events whose gates these statuses hold open."""
        if statuses not in self.opened:
            found = self.events
            for status, allowed in zip(statuses, self.admits, strict=True):
                found &= allowed[status]
            self.opened[statuses] = found
        return self.opened[statuses]

    def running(self, state: State) -> int:
        """Give the events of a state that have a clock."""
        return state[1] & ~state[2] & self.open(state[0])

    def act(self, before: tuple[int, ...], e: int) -> tuple[tuple[int, ...], list[int]]:
        """Let an event act on the missions; give where they stand then, and which of its moves were admitted, by number."""
        statuses, admitted = list(before), []
        for number, (mission, leads) in enumerate(self.moves[e]):
            if leads[statuses[mission]] != STAYS:
                statuses[mission] = leads[statuses[mission]]
                admitted.append(number)
        return tuple(statuses), admitted

    def fire(self, state: State, running: int, e: int) -> dict[State, float]:
        """Give the states in which the firing of one of the running events ends, with their probabilities."""
        before, called, refused, closed, happened = state
        after, admitted = self.act(before, e)
        called &= ~(1 << e)
        calls = self.renewed & 1 << e
        if admitted or not self.acts[e]:
            happened |= self.needed & 1 << e
            closed |= self.bars[e]
            called &= ~self.bars[e]
            calls |= self.calls[e]
        held = called & self.open(after)  # where a gate shuts, clocks and refusals are lost
        return self.settle((after, called, refused & held, closed, happened), running & held, calls)

    def settle(self, state: State, clocks: int, calls: int) -> dict[State, float]:
        """Make calls and arm what then waits behind open gates; `clocks` are those that run on."""
        statuses, called, refused, closed, happened = state
        calls = self.met(calls & ~closed & self.mask, happened)
        worlds = [(1.0, calls & self.events)]
        for c in bits(calls >> self.n_events):
            if not self.option_masks[c] & called & ~refused:  # else an option is waiting or running
                closed |= self.once & 1 << self.n_events + c
                worlds = self.split(worlds, self.options[c])
        open_, found = self.open(statuses), dict[State, float]()
        for p, each in worlds:
            new = each & self.mask & ~closed  # an option may be barred
            now, no = called | new, refused & ~new
            answers = [(p, no)]
            for e in bits(now & open_ & ~no & ~clocks & self.doubtful):
                answers = self.split(answers, self.answers[e])
            for q, no in answers:
                after = (statuses, 0, 0, 0, 0)  # where nothing more can happen, only the statuses count
                if now & ~no & open_ or self.waits:
                    # a refused event without a gate is as good as one that was never called
                    after = (statuses, now & (self.gated | ~no), no & self.gated, closed | (new & self.once), happened)
                found[after] = found.get(after, 0.0) + q
            self.check(len(found))
        return found

    def forgotten(self, state: State) -> State:
        """Leave out of a state what can bear on no mission any more: events that lead to nothing, and who is closed to calls that will never come."""
        statuses, called, refused, closed, happened = state
        before = -1
        while before != called:
            before = called
            if (called, closed) not in self.kept:
                wanted = self.wanted(called)
                kept = self.bearing(called | wanted & ~closed)
                closing = wanted & self.bearing(called | wanted)
                needed = reduce(or_, (self.needs[e] for e in bits(wanted & kept & self.joint)), 0)
                self.kept[called, closed] = kept, closing, needed
            kept, closing, needed = self.kept[called, closed]
            called, refused, closed, happened = called & kept, refused & kept, closed & closing, happened & needed
        return statuses, called, refused, closed, happened

    def bearing(self, possible: int) -> int:
        """Give of some events and choices those that bear on a mission: they move it, or call, bar or put what does."""
        found, before = possible & self.movers, -1
        while found != before:
            before = found
            for e in bits(possible & self.events & ~found):
                if (self.calls[e] | self.bars[e]) & found:
                    found |= 1 << e
            for c in bits(possible >> self.n_events):
                choice = 1 << self.n_events + c
                if self.option_masks[c] & found:
                    found |= choice
                if found & choice & ~self.once:  # while an option waits or runs it is not put
                    found |= self.option_masks[c] & possible
        return found

    def wanted(self, called: int) -> int:
        """Give the events and choices that may be called again if these events are called now."""
        if called not in self.futures:
            wanted, seen, rest = 0, 0, called
            while fresh := rest & ~seen:
                seen |= fresh
                for e in bits(fresh):
                    wanted |= (self.calls[e] | self.renewed & 1 << e) & self.mask
                rest = wanted & self.events
                for c in bits(wanted >> self.n_events):
                    rest |= self.option_masks[c]
            for c in bits(wanted >> self.n_events):
                wanted |= self.option_masks[c]
            self.futures[called] = wanted & self.mask
        return self.futures[called]

    def split(self, worlds: list[tuple[float, int]], ways: list[tuple[float, int]]) -> list[tuple[float, int]]:
        """Give every world with every way in which something in it may go."""
        self.check(len(worlds) * len(ways))
        return [(p * share, mask | more) for p, mask in worlds for share, more in ways]

    def check(self, states: int) -> None:
        """Refuse what is too large: raises `TooManyError` at more than `most` states."""
        if states > self.most:
            raise TooManyError

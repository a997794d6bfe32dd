"""How the variants of a forecast stand on its day: what history leaves open is drawn for each, at its own address.

The same draws as `escsim.draws.Forecast`, for many trajectories at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from escsim.distributions import ABSOLUTE, CELLS, LINEAR, NEVER, OCTAVES, SIDE, TABLE, TRIANGULAR
from escsim.draws import philox
from escsim.given import WORDS, Given
from escsim.kernel import OFF, Packed
from escsim.layout import clocks, columns
from escsim.process import Process
from escsim.scenario import NOTHING
from escsim.stepper import State

U = np.uint64
Words = NDArray[np.uint64]
Places = NDArray[np.int64]

LOW, HALF = U(0xFFFF_FFFF), U(32)


def openings(packed: Packed, p: Process, given: Given, seed: int, first: int, n: int) -> tuple[Packed, int, int]:
    """Draw what is open on the day of a forecast for trajectories `first` to `first + n - 1`.

    Returns
    -------
    packed : Packed
        With a row for each trajectory.
    armings, decisions : int
        How many were drawn.
    """
    drawn = _Openings(p, given, seed, first, np.tile(packed.begin.rows, (n, 1)))
    begin = packed.begin._replace(rows=drawn.rows.ravel(), stride=U(drawn.rows.shape[1]))
    return packed._replace(begin=begin), drawn.armings, drawn.decisions


class _Openings:
    def __init__(self, p: Process, given: Given, seed: int, first: int, rows: Words) -> None:
        self.p, self.given, self.seed, self.rows = p, given, seed, rows
        self.numbers = U(first) + np.arange(len(rows), dtype=U)
        self.place = columns(p)
        self.scenario = given.run.scenario
        self.choices = list(self.scenario.choices)
        self.armings = self.decisions = 0
        everywhere = np.arange(len(rows))
        for name, spell in given.open.items():
            self.count(name, everywhere, -len(spell))
            self.arm(name, spell, everywhere)
        for name, before in given.puts:
            if not before:
                self.put(name, (), everywhere)

    def put(self, name: str, before: tuple[str, ...], at: Places) -> None:
        """Put a choice in some trajectories, in which these options were picked before."""
        cuts = self.given.puts.get((name, before))
        if cuts is None:
            self.leave(name, before, at)
            return
        c = self.choices.index(name)
        _, word = self.block(at, int(self.p.choice_key[c]), self.given.number[name, before])
        self.decisions += len(at)
        picked = np.searchsorted(np.array(cuts, U), word, side="right")
        for place, option in enumerate(self.scenario.choices[name].options):
            if np.any(picked == place):
                self.put(name, (*before, option), at[picked == place])

    def leave(self, name: str, picks: tuple[str, ...], at: Places) -> None:
        """Note how the options of a choice stand in some trajectories, in which these were picked."""
        run = self.given.leaves[name, picks]
        self.rows[at, self.place.chosen + self.choices.index(name)] = run.calls[name]
        for option in dict.fromkeys(picks):
            if option == NOTHING:
                continue
            e = self.scenario.order[option]
            self.set(at, self.place.used, e)
            running = run.state[option] is State.RUNNING
            self.count(option, at, run.armings[option] - self.given.run.armings[option] - running)
            if running:
                self.arm(option, [(run.armings[option] - 1, run.armed[option])], at)
            elif run.state[option] is State.WAITING:
                self.set(at, self.place.called, e)

    def arm(self, name: str, spell: list[tuple[int, int]], at: Places) -> None:
        """Arm an event in some trajectories: as often as chance says no, each time by its number and tick."""
        e = self.scenario.order[name]
        self.set(at, self.place.called, e)
        self.set(at, self.place.act, e)
        for k, now in spell:
            found = self.given.armings[name, k, now]
            assert found is not None
            delay, word = self.block(at, int(self.p.key[e]), k)
            self.armings += len(at)
            self.count(name, at, 1)
            yes = word < U(found.chance)
            due = now + self.delay(e, now, self.conditional(delay[yes], found.least))
            self.rows[at[yes], self.place.clocks + e] = clocks(self.p, due, np.full(len(due), e))
            at = at[~yes]
        self.set(at, self.place.refused, e)
        self.rows[at, self.place.clocks + e] = OFF

    def count(self, name: str, at: Places, more: int) -> None:
        """Count armings of an event in some trajectories."""
        self.rows[at, self.place.counters + self.scenario.order[name]] += U((more << 32) % WORDS)

    def set(self, at: Places, mask: int, e: int) -> None:
        """Set an event's bit of a mask in some trajectories."""
        self.rows[at, mask + e // 64] |= U(1 << e % 64)

    def block(self, at: Places, key: int, k: int) -> tuple[Words, Words]:
        """Give the words of a block in some trajectories: 0 and 1 as one, and 2."""
        number = self.numbers[at]
        x0, x1, x2, _ = philox((number & LOW, number >> HALF, key, k), self.seed)
        return x0 | x1 << HALF, x2

    def conditional(self, word: Words, least: int) -> Words:
        """Give the word of a delay that has lasted already: least + (word (2^64 - least)) / 2^64."""
        if least in (0, WORDS):  # all of them, or none
            return word
        rest = WORDS - least
        high, low = U(rest >> 32), U(rest & int(LOW))
        up, down = word >> HALF, word & LOW
        carry = (up * low & LOW) + (down * high & LOW) + (down * low >> HALF)
        return np.asarray(U(least) + up * high + (up * low >> HALF) + (down * high >> HALF) + (carry >> HALF))

    def delay(self, e: int, now: int, word: Words) -> Places:
        """Give delays in ticks; as `escsim.draws.due` does."""
        p = self.p
        law, base, scale, at, many = int(p.law[e]), float(p.base[e]), float(p.scale[e]), int(p.at[e]), int(p.many[e])
        if law == ABSOLUTE:
            return np.full(len(word), max(0, int(base) - now))
        u = (word >> U(11)).astype(float) * 2.0**-53
        if law == TABLE:
            delay = base + scale * look_up(p.tables[at:], word)
        elif law == TRIANGULAR:
            split, below, above, high = (float(each) for each in p.points[at : at + 4])
            delay = np.where(u < split, base + np.sqrt(u * below), high - np.sqrt((1.0 - u) * above))
        else:
            shares, times = p.points[at : at + many], p.points[at + many : at + 2 * many]
            i = np.searchsorted(shares, u, side="right")
            delay = times[i]
            if law == LINEAR:
                delay = times[i - 1] + (u - shares[i - 1]) / (shares[i] - shares[i - 1]) * (times[i] - times[i - 1])
        return np.asarray(np.minimum(delay, NEVER) + 0.5).astype(np.int64)


def look_up(coefficients: NDArray[np.float64], word: Words) -> NDArray[np.float64]:
    """Give the quantiles that 64-bit words stand for, as `escsim.distributions.look_up` does."""
    side = (word >> U(63)).astype(np.int64)
    tail = np.where(side == 1, ~word, word) & U(0x7FFF_FFFF_FFFF_FFC0) | U(32)
    mantissa, octave = np.frexp(tail.astype(float))
    cell, t = np.divmod((2 * mantissa - 1) * CELLS, 1.0)
    at = side * SIDE + 4 * ((octave - (64 - OCTAVES)) * CELLS + cell.astype(np.int64))
    c0, c1, c2, c3 = (coefficients[at + place] for place in range(4))
    square = t * t
    return np.asarray((c0 + c2 * square) + (c1 + c3 * square) * t)

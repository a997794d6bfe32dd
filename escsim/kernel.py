"""The compiled stepper: many trajectories at once over the arrays of a `Process`, with streaming integer outputs.

It does what `escsim.stepper` does, bit for bit; `tests/test_kernel.py` compares the two step by step. Trajectories
run in *lanes*. In each round every lane fires the event that is due next; then gates, calls and draws are worked
through for all lanes together, in short loops that the processor does for eight lanes at a time. What only some lanes
need is first put in a list, by a loop that always stores and only counts what is meant: a branch that goes now one
way and now the other costs as much as a draw.

Letters as in `escsim.process`; and `l` lane, `u` unit (a mission, or after them a pair, whose status is the more
severe of its two missions'), `w` word of a mask, `t` tick, `R` days and one. What is worked on for all lanes side by
side is stored field by field (`z[f * ROW + l]`); what is looked up for one lane at a time, lane by lane. A clock is
`tick << 9 | event`, so that the smallest one names the event that fires next and settles ties by place in the file.
All integers are unsigned: numba turns a mixture of signed and unsigned into floats. No mathematics library is called,
and `fastmath` is never set, so that results do not depend on the processor. Every function that is compiled stands in
this file, since numba's cache sees changes in no other.
"""

from __future__ import annotations

from collections.abc import Callable
from pickle import PickleError
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

U = np.uint64
ONE, ZERO, LOW = U(1), U(0), U(0xFFFF_FFFF)
L = U(64)  # lanes
ROW = U(72)  # from a field of the lanes to the next: places 4096 bytes apart are taken for one another by some processors
LANE, SIX = U(63), U(6)  # to part a number below 64 from what stands above it: lanes, events of a word
ALL = OFF = U(0xFFFF_FFFF_FFFF_FFFF)  # every bit; a clock that does not run
EVENT, TICK = U(0x1FF), U(9)  # the event of a clock is its low nine bits
MOST_FIRINGS, MOST_ARMINGS = U(10_000), U(0x3FFF)  # of a trajectory; of an event in it, a mask
CELL_BITS = U(5)  # of the quantile tables: see escsim.distributions
CELL, FRACTION, UNIT = ~U(3), U(0xF_FFFF_FFFF_FFFF), U(0x3FF0_0000_0000_0000)  # a mask for places of cells; the mantissa of a float; the bits of 1.0
NEVER, NOT_EVER = float(1 << 55), U(0x4360_0000_0000_0000)  # a delay after which the clock has ended, and its bits
TRIANGULAR, STEP, LINEAR, ABSOLUTE = U(1), U(2), U(3), U(4)
BATCH = U(64)  # trajectories that are added up at a time
STAYS = U(255)  # in place of a status: the trigger is not admitted

# Fields of a lane: the clock that fires, the trajectory, the round in which it began, all ones unless the firing is
# moot, the choices put before, those that the firing puts, the day; two to pass things on; in a semi-Markov process
# the status and since when. Then masks over events, each of as many words as they need; REFUSED are those that stand
# refused by chance, DENIED those that were when they were last armed and have lost that since.
KEY, NUMBER, BEGUN, LIVE, PUT, PUTS, TODAY, FIRST, SOME, STATUS, SINCE, MASKS = (U(row) for row in range(12))
ACT, CALLED, REFUSED, DENIED, DEAD, USED, HAPPENED, FIRED, CALLS, BARS, HOLD, NEW, PICKED = (U(mask) for mask in range(13))
N_MASKS, BEGINS = U(13), U(8)  # of masks; of those with which a trajectory begins
# Fields of the queue of draws: place of the clock (event and lane), trajectory, tick and then clock, address, the
# delay's word, word x2, its cell in a table, the bits of the delay.
PLACE, WORLD, NOW, ADDRESS, WORD, DRAWN, AT, VALUE, QUEUE = (U(row) for row in range(9))
# Fields of an event in `laws`, which has eight.
CHANCE, TABLE, BASE, SCALE, LAW, POINTS = (U(column) for column in range(6))


class Output(NamedTuple):
    """What a run adds up; every entry is a count, so that runs merge by addition.

    Attributes
    ----------
    occupancy : int64, shape (units * statuses * (days + 1),)
        Change from day to day in the number of trajectories in each status at the end of the day.
    first, last : int64, shape (units * statuses * (days + 1),)
        Trajectories by the day on which they first come to be, and are last left to be, in each status; day `days` for
        "still in it when the period ends" in `last`.
    time : uint64, shape (units * statuses,)
        Ticks spent in each status; `n` times the period must be less than 2^64.
    peak : int64, shape (units * statuses,)
        Trajectories by the most severe status that each unit was in when time passed.
    fate : int64, shape (5 * events,)
        Trajectories in which each event happened, chance said no (when it was last armed), it was cancelled (its gate shut,
        or barred), moot, censored.
    fired : int64, shape (events,)
        Firings of each event.
    total : int64, shape (4,)
        Trajectories, firings, armings, choices put.
    """

    occupancy: Any
    first: Any
    last: Any
    time: Any
    peak: Any
    fate: Any
    fired: Any
    total: Any


class Rows(NamedTuple):
    """What single trajectories show; -1 where something never came about.

    Attributes
    ----------
    first, last, time : int64, shape (n * units * statuses,)
        Ticks of first coming to be in a status, of last leaving it (the end if still in it), and spent in it.
    when, happened : int64, shape (n * events,)
        Tick of each event's first happening, and how often it happened.
    """

    first: Any
    last: Any
    time: Any
    when: Any
    happened: Any


class Log(NamedTuple):
    """The events of single trajectories in the order of firing within each.

    Attributes
    ----------
    trajectory, tick, event : uint64, shape (size,)
        Event is the number of the event, plus 2^32 if it was moot.
    used : int64, shape (1,)
        How many entries there are; more than fit if `size` was too small.
    """

    trajectory: Any
    tick: Any
    event: Any
    used: Any


class Sizes(NamedTuple):
    """Sizes, all unsigned.

    `R` is the days and one; `block` what `now` holds for a trajectory; `most` the options of a choice at most; `shift`
    is log2 of what `counters` holds for a lane; `depth` the events that run in a status of a semi-Markov process at
    most, 0 if it is none; `special` how far in the queue chance may say no, or a law may have no table;
    `formulas`, `certain` and `joint` whether there are laws without a table, delays without chance, joint causes.
    """

    E: Any
    M: Any
    S: Any
    C: Any
    units: Any
    cells: Any
    R: Any
    end: Any
    block: Any
    most: Any
    shift: Any
    depth: Any
    special: Any
    formulas: Any
    certain: Any
    joint: Any


class Beginning(NamedTuple):
    """How trajectories begin.

    Attributes
    ----------
    rows : uint64, shape (1 or n, columns)
        For all trajectories, or for each: choices put before; masks ACT to FIRED; how often each choice was put; address of
        every event's next draw; clocks.
    stride : uint64
        From the row of a trajectory to that of the next, 0 if there is only one.
    at, steps : uint64
        The tick at which they begin, and how many events have fired before.
    gates, now : uint64
        Gates by mission, and what the units are in and have been in.
    """

    rows: Any
    stride: Any
    at: Any
    steps: Any
    gates: Any
    now: Any


class Packed(NamedTuple):
    """A process laid out for the kernel: what is read together stands together.

    Attributes
    ----------
    g : Sizes
    begin : Beginning
    laws : uint64, shape ((events + 1) * 8,)
        For each event chance, place of its table, base and scale as the bits of floats (base is the number of times of an
        empirical law), law, place of its points; two are free.
    tables, points : float64
        As in the process.
    rules : uint64, shape (512 * (4 + 2 * words),)
        For each event all ones if it has no triggers, the choices it puts, where in `moves` it begins and ends, whom it calls
        and whom it bars. Event number `events` calls all that follows nothing; those after it do nothing.
    moves : uint64, shape (moves * 8,)
        Place of the mission in `now`, of its pair (0 if none), row of the pair in the occupancy, place in `ways`, place
        in `now` of the pair's other mission, row of the mission in the gates, place in `now` of the pair's statuses.
    ways : uint64, shape (moves * statuses * 8,)
        What a move does from a status: the status entered, rows of both in the occupancy, place of the one left in
        `now`, and events whose gates the mission does not shut then.
    go : uint64, shape (512 * 8,)
        For a semi-Markov process by event: the status left and the one entered, as places in `now`, the number of the
        latter, where its firings are counted by day, and the first two of its `slots`. Event number `events` enters the
        first status.
    slots : uint64, shape (statuses * 8,)
        For a semi-Markov process by status address and place of each of the events that run in it, four at most.
    runs : uint64, shape (statuses,)
        The same as a mask.
    sure, waits : uint64, shape (words,) and (events,)
        The events whose delay is certain, as a mask, and these delays in ticks.
    once, renewed, joint, needs, option_mask, choice_key : uint64
        As in the process.
    choice_once, choice_joint : uint64
    option, cut : uint64, shape (choices * most,)
        The options of each choice and the ends of their shares; a last one that is never picked.
    """

    g: Any
    begin: Any
    laws: Any
    tables: Any
    points: Any
    rules: Any
    moves: Any
    ways: Any
    go: Any
    slots: Any
    runs: Any
    sure: Any
    waits: Any
    once: Any
    renewed: Any
    joint: Any
    needs: Any
    option_mask: Any
    choice_key: Any
    choice_once: Any
    choice_joint: Any
    option: Any
    cut: Any


class Lanes(NamedTuple):
    """What is kept of each lane beside `z`: what its units are in and have been in, in blocks; gates, clocks, choices put, next addresses."""

    now: Any
    blocks: Any
    gates: Any
    clocks: Any
    chosen: Any
    counters: Any


class Batch(NamedTuple):
    """Trajectories that wait to be added up, and room to do it. `numbers` counts all, those begun, those closed, those that wait."""

    numbers: Any
    worlds: Any
    fates: Any
    first: Any
    last: Any
    days: Any
    peak: Any


# what is called in every round: a call with its dozens of pointers costs as much as the work of some lanes
inlined: Callable[[Any], Any] = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, forceinline=True)
compiled: Callable[[Any], Any] = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


@intrinsic
def lowest(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Give the number of the lowest bit that is set (64 for 0)."""
    return types.uint64(types.uint64), lambda context, builder, _, args: builder.cttz(args[0], context.get_constant(types.boolean, False))


@intrinsic
def as_float(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Take the bits of a word as those of a float."""
    return types.float64(types.uint64), lambda context, builder, _, args: builder.bitcast(args[0], context.get_value_type(types.float64))


@intrinsic
def as_bits(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Give the bits of a float as a word."""
    return types.uint64(types.float64), lambda context, builder, _, args: builder.bitcast(args[0], context.get_value_type(types.uint64))


@intrinsic
def cubic(typing: Any, tables: Any, i: Any, t: Any) -> Any:  # noqa: ARG001
    """Give (c0 + c2 t^2) + (c1 + c3 t^2) t for the four coefficients from place i of a table on, both sums at once."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tables, i, t = args
        pair, place = ir.VectorType(ir.DoubleType(), 2), [ir.Constant(ir.IntType(32), n) for n in (0, 1)]
        data = builder.bitcast(builder.gep(make_array(signature.args[0])(context, builder, tables).data, [i]), pair.as_pointer())
        low, high = (builder.load(builder.gep(data, [n]), align=8) for n in place)
        square, both = builder.fmul(t, t), ir.Constant(pair, ir.Undefined)
        for n in place:
            both = builder.insert_element(both, square, n)
        even, odd = (builder.extract_element(builder.fadd(low, builder.fmul(high, both)), n) for n in place)
        return builder.fadd(even, builder.fmul(odd, t))

    return types.float64(tables, types.uint64, types.float64), generate


if config.DISABLE_JIT:  # NUMBA_DISABLE_JIT=1: the same by the interpreter, to find faults

    def lowest(x):
        """Give the number of the lowest bit that is set (64 for 0)."""
        return U((int(x) & -int(x)).bit_length() - 1) if x else U(64)

    def as_float(x):
        """Take the bits of a word as those of a float."""
        return U(x).view(np.float64)

    def as_bits(x):
        """Give the bits of a float as a word."""
        return np.float64(x).view(U)

    def cubic(tables, i, t):
        """Give (c0 + c2 t^2) + (c1 + c3 t^2) t for the four coefficients from place i of a table on."""
        return (tables[i] + tables[i + U(2)] * (t * t)) + (tables[i + ONE] + tables[i + U(3)] * (t * t)) * t


@inlined
def philox_round(c0, c1, c2, c3, k0, k1):
    """Give the next state of Philox4x32."""
    p0 = U(0xD2511F53) * c0
    p1 = U(0xCD9E8D57) * c2
    return (p1 >> U(32)) ^ c1 ^ k0, p1 & LOW, (p0 >> U(32)) ^ c3 ^ k1, p0 & LOW


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Give a block of Philox4x32-10: words 0 and 1 as one 64-bit word, and word 2."""
    # written out: the compiler computes several blocks at once only where no loop stands in the way
    c0, c1, c2, c3 = philox_round(c0 & LOW, c1, c2 & LOW, c3, k0, k1)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0x9E3779B9)) & LOW, (k1 + U(0xBB67AE85)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0x3C6EF372)) & LOW, (k1 + U(0x76CF5D0A)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0xDAA66D2B)) & LOW, (k1 + U(0x32370B8F)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0x78DDE6E4)) & LOW, (k1 + U(0xED9EBA14)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0x1715609D)) & LOW, (k1 + U(0xA9066899)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0xB54CDA56)) & LOW, (k1 + U(0x646E171E)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0x5384540F)) & LOW, (k1 + U(0x1FD5C5A3)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0xF1BBCDC8)) & LOW, (k1 + U(0xDB3D7428)) & LOW)
    c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, (k0 + U(0x8FF34781)) & LOW, (k1 + U(0x96A522AD)) & LOW)
    return c0 | (c1 << U(32)), c2


@inlined
def day_of(t):
    """Give the day in which a tick lies.

    A division by way of floats, exact for every tick that a clock can have: integer division in the midst of a loop
    that then writes by it costs four times as much.
    """
    return U(np.int64((float(np.int64(t >> U(13))) + 0.5) * (1.0 / 10_546_875.0)))  # a day is 2^13 * 10,546,875 ticks


@inlined
def row_of(mask, words, w):
    """Give where word w of a mask begins."""
    return (MASKS + mask * U(len(words)) + w) * ROW


@inlined
def field(name, words):
    """Give where a field of the queue of draws begins; known to the compiler, which then sees that no two overlap."""
    return name * (U(len(words)) * L * U(64) + L)


@njit(nogil=True)
def aligned(size):
    """Give zeros that begin where a cache line begins."""
    room = np.zeros(size + U(8), np.uint64)
    skip = ((U(64) - U(room.ctypes.data) % U(64)) % U(64)) >> U(3)
    return room[skip : skip + size]


@inlined
def fire(z, words, rules, fired):
    """Look up what is due in every lane: whom it calls and bars, which choices it puts; give the lanes in which it has triggers."""
    W, triggers = U(len(words)), ZERO
    for l in range(L):
        e = z[KEY * ROW + l] & EVENT
        at = e * (U(4) + U(2) * W)
        fired[e] += 1
        z[LIVE * ROW + l] = rules[at]
        z[PUTS * ROW + l] = rules[at + ONE]
        z[SOME * ROW + l] = rules[at + U(3)] - rules[at + U(2)]
        for w in range(W):
            z[row_of(CALLS, words, w) + l] = rules[at + U(4) + w]
            z[row_of(BARS, words, w) + l] = rules[at + U(4) + W + w]
    for l in range(L):
        triggers |= U(z[SOME * ROW + l] != ZERO) << l
    return triggers


@inlined
def stay(now, unit, at, t):
    """Note a stay of a unit in a status, which ends now, if it has taken any time; `at` is where the status has its entries."""
    t0 = now[unit + ONE]
    if t > t0:
        now[at] = min(now[at], t0)
        now[at + ONE] = t
        now[at + U(2)] += t - t0
        now[unit + ONE] = t


@inlined
def move(z, words, now, blocks, occupancy, gates, g, rules, moving, moves, ways):
    """Move the missions of what fires, in the lanes whose bits are set; note where one has moved."""
    W = U(len(words))
    size = U(4) + U(2) * W
    while moving:
        l = lowest(moving)
        moving &= moving - ONE
        key = z[KEY * ROW + l]
        t = key >> TICK
        at = (key & EVENT) * size
        day, base, moved = z[TODAY * ROW + l], blocks[l], ZERO
        for j in range(rules[at + U(2)], rules[at + U(3)], U(8)):
            mission, pair = base + moves[j], moves[j + ONE]
            way = moves[j + U(3)] + now[mission] * U(8)
            d = ways[way]
            if d == STAYS:
                continue
            moved = OFF
            for w in range(W):
                gates[moves[j + U(5)] + w * L + l] = ways[way + U(4) + w]
            occupancy[ways[way + ONE] + day] -= np.uint32(1)
            occupancy[ways[way + U(2)] + day] += np.uint32(1)
            stay(now, mission, base + ways[way + U(3)], t)
            now[mission] = d
            if pair:
                s, d = now[base + pair], max(d, now[base + moves[j + U(4)]])
                occupancy[moves[j + U(2)] + s * g.R + day] -= np.uint32(1)
                occupancy[moves[j + U(2)] + d * g.R + day] += np.uint32(1)
                stay(now, base + pair, base + moves[j + U(6)] + s * U(4), t)
                now[base + pair] = d
        z[LIVE * ROW + l] = moved


@inlined
def renew(z, words, q, now, blocks, g, go, slots, passed):
    """Fire what is due in a semi-Markov process, and queue what runs in the status entered.

    A firing ends all clocks there, so nothing is to be found out: the event tells the status left and the one entered.
    How often a status was entered, kept in `now` after the times, is how often its events were armed.
    """
    for l in range(L):
        at, base, t, t0 = (z[KEY * ROW + l] & EVENT) << U(3), blocks[l], z[KEY * ROW + l] >> TICK, z[SINCE * ROW + l]
        left, entered = base + go[at], base + go[at + ONE]
        if t > t0:
            now[left] = min(now[left], t0)
            now[left + ONE] = t
            now[left + U(2)] += t - t0
        count = now[entered + U(3)]
        now[entered + U(3)] = count + (ONE << U(32))
        z[FIRST * ROW + l] = count
        z[STATUS * ROW + l] = go[at + U(2)]
        passed[go[at + U(3)] + z[TODAY * ROW + l]] += np.uint32(1)
        q[field(ADDRESS, words) + l] = go[at + U(4)] + count
        q[field(PLACE, words) + l] = go[at + U(5)] | l
        q[field(ADDRESS, words) + L + l] = go[at + U(6)] + count
        q[field(PLACE, words) + L + l] = go[at + U(7)] | l
    for i in range(U(2), g.depth):
        for l in range(L):
            at = (z[STATUS * ROW + l] << U(3)) + (i << ONE)
            q[field(ADDRESS, words) + i * L + l] = slots[at] + z[FIRST * ROW + l]
            q[field(PLACE, words) + i * L + l] = slots[at + ONE] | l
    for l in range(L):
        e = z[KEY * ROW + l] & EVENT
        z[(MASKS + FIRED) * ROW + l] |= U(e < U(64)) << (e & LANE)
        z[SINCE * ROW + l] = z[KEY * ROW + l] >> TICK


@inlined
def first_due(z, words, q, g):
    """Set the clocks of a semi-Markov process, and find what is due next in every lane."""
    for l in range(L):
        z[KEY * ROW + l] = OFF
    for i in range(g.depth):
        for l in range(L):
            due = z[SINCE * ROW + l] + U(np.int64(min(as_float(q[field(VALUE, words) + i * L + l]), NEVER) + 0.5))
            clock = (due << TICK | q[field(PLACE, words) + i * L + l] >> SIX) if due < g.end else OFF
            z[KEY * ROW + l] = min(z[KEY * ROW + l], clock)
    for l in range(L):
        z[TODAY * ROW + l] = day_of(min(z[KEY * ROW + l] >> TICK, g.end))


@compiled
def record(z, g, low, rows, log):
    """Note the firings of single trajectories."""
    for l in range(L):
        key = z[KEY * ROW + l]
        e, number, live = key & EVENT, z[NUMBER * ROW + l], z[LIVE * ROW + l]
        if e >= g.E:
            continue
        if log.tick.size:
            place = log.used[0]
            if place < log.tick.size:
                log.trajectory[place] = number
                log.tick[place] = key >> TICK
                log.event[place] = e | (ZERO if live else ONE << U(32))
            log.used[0] = place + 1
        if rows.when.size and live:
            at = (number - low) * g.E + e
            if rows.happened[at] == 0:
                rows.when[at] = key >> TICK
            rows.happened[at] += 1


@inlined
def shut(z, words, gates, g):
    """Take the clock from what has fired, is barred, or has its gate shut."""
    W = U(len(words))
    for w in range(W):
        hold = row_of(HOLD, words, w)
        for l in range(L):
            z[hold + l] = OFF
        for m in range(g.M):
            for l in range(L):
                z[hold + l] &= gates[(m * W + w) * L + l]
        for l in range(L):
            e, live = z[KEY * ROW + l] & EVENT, z[LIVE * ROW + l]
            bit = U(e >> SIX == w) << (e & LANE)
            barred = z[row_of(BARS, words, w) + l] & live
            act = z[row_of(ACT, words, w) + l] & ~bit & ~barred & z[hold + l]
            z[row_of(ACT, words, w) + l] = act
            refused = z[row_of(REFUSED, words, w) + l]
            z[row_of(REFUSED, words, w) + l] = refused & act
            z[row_of(DENIED, words, w) + l] |= refused & ~act
            z[row_of(CALLED, words, w) + l] &= ~(bit | barred)
            z[row_of(DEAD, words, w) + l] |= barred
            z[row_of(FIRED, words, w) + l] |= bit
            z[row_of(HAPPENED, words, w) + l] |= bit & live


@inlined
def choose(z, words, q, p, chosen, c1, k0, k1):
    """Put the choices that follow what has happened: pick options to be called; give how many there are."""
    W = U(len(words))
    for w in range(W):
        for l in range(L):
            z[row_of(PICKED, words, w) + l] = ZERO
    n = putting = ZERO
    for l in range(L):
        puts = z[PUTS * ROW + l] & z[LIVE * ROW + l]
        z[PUTS * ROW + l] = puts
        putting |= U(puts != ZERO) << l
    while putting:
        turn = putting
        while turn:
            l = lowest(turn)
            turn &= turn - ONE
            puts = z[PUTS * ROW + l]
            c = lowest(puts)
            flag = ONE << c
            z[PUTS * ROW + l] = puts ^ flag
            putting ^= U(puts == flag) << l
            busy = z[PUT * ROW + l] & p.choice_once & flag
            for w in range(W):
                busy |= z[row_of(CALLED, words, w) + l] & ~z[row_of(REFUSED, words, w) + l] & p.option_mask[c * W + w]
                if p.choice_joint & flag:
                    busy |= p.needs[(p.g.E + c) * W + w] & ~z[row_of(HAPPENED, words, w) + l]
            if busy:
                continue
            z[PUT * ROW + l] |= flag
            q[field(PLACE, words) + n] = c << SIX | l
            q[field(WORLD, words) + n] = z[NUMBER * ROW + l]
            q[field(ADDRESS, words) + n] = p.choice_key[c] | chosen[l * p.g.C + c] << U(32)
            chosen[l * p.g.C + c] += ONE
            n += ONE
    for j in range((n + U(7)) & ~U(7)):
        address = q[field(ADDRESS, words) + j]
        _, q[field(WORD, words) + j] = philox(q[field(WORLD, words) + j], c1, address, address >> U(32), k0, k1)
    for j in range(n):
        l, c = q[field(PLACE, words) + j] & LANE, q[field(PLACE, words) + j] >> SIX
        o = c * p.g.most
        for i in range(p.g.most):
            o += U(q[field(WORD, words) + j] >= p.cut[c * p.g.most + i])
        f = p.option[o]
        z[row_of(PICKED, words, f >> SIX) + l] |= U(f < p.g.E) << (f & LANE)
    return n


@inlined
def join(z, words, joint, needs):
    """Take back the calls of events that wait for other causes still."""
    W = U(len(words))
    for w in range(W):
        calls, joining = row_of(CALLS, words, w), ZERO
        for l in range(L):
            joining |= z[calls + l] & joint[w]
        while joining:
            f = lowest(joining)
            joining &= joining - ONE
            for v in range(W):
                need = needs[(U(64) * w + f) * W + v]
                for l in range(L):
                    z[calls + l] &= ~(U((need & ~z[row_of(HAPPENED, words, v) + l]) != ZERO) << f)


@inlined
def call(z, words, once, renewed):
    """Call events, and find those to be armed: called, their gate open, neither running nor refused."""
    for w in range(U(len(words))):
        once_w, renewed_w = once[w], renewed[w]
        for l in range(L):
            e = z[KEY * ROW + l] & EVENT
            bit = U(e >> SIX == w) << (e & LANE)
            used, refused = z[row_of(USED, words, w) + l], z[row_of(REFUSED, words, w) + l]
            calls = (z[row_of(CALLS, words, w) + l] & z[LIVE * ROW + l]) | (renewed_w & bit) | z[row_of(PICKED, words, w) + l]
            z[row_of(USED, words, w) + l] = used | calls
            calls &= ~z[row_of(DEAD, words, w) + l] & ~(used & once_w)
            act = z[row_of(ACT, words, w) + l] & ~(refused & calls)
            called = z[row_of(CALLED, words, w) + l] | calls
            new = called & z[row_of(HOLD, words, w) + l] & ~act
            z[row_of(CALLED, words, w) + l] = called
            z[row_of(NEW, words, w) + l] = new
            z[row_of(REFUSED, words, w) + l] = refused & ~new
            z[row_of(DENIED, words, w) + l] &= ~new
            z[row_of(ACT, words, w) + l] = act | new


@inlined
def wait(z, words, clocks, g, sure, waits):
    """Set the clocks of what is to be armed and needs no draw; give how many there are."""
    n = ZERO
    for w in range(U(len(words))):
        new, some = row_of(NEW, words, w), ZERO
        for l in range(L):
            some |= U((z[new + l] & sure[w]) != ZERO) << l
        while some:
            turn = some
            while turn:
                l = lowest(turn)
                turn &= turn - ONE
                bits = z[new + l] & sure[w]
                f = U(64) * w + lowest(bits)
                due = (z[KEY * ROW + l] >> TICK) + waits[f]
                clocks[f << SIX | l] = (due << TICK | f) if due < g.end else OFF
                z[new + l] ^= bits & (ZERO - bits)
                some ^= U(bits & (bits - ONE) == ZERO) << l
                n += ONE
    return n


@inlined
def enqueue(z, words, q, counters, g):
    """Queue what is to be armed, the first of each lane and then what is left; give how many there are."""
    n = ZERO
    for w in range(U(len(words))):
        new, more = row_of(NEW, words, w), ZERO
        for l in range(L):
            bits = z[new + l]
            left = bits & (bits - ONE)
            z[FIRST * ROW + l] = (U(64) * w + lowest(bits)) << SIX | l
            z[SOME * ROW + l] = U(bits != ZERO)
            z[new + l] = left
            more |= U(left != ZERO) << l
        for l in range(L):
            q[field(PLACE, words) + n] = z[FIRST * ROW + l]
            n += z[SOME * ROW + l]
        while more:
            turn = more
            while turn:
                l = lowest(turn)
                turn &= turn - ONE
                bits = z[new + l]
                q[field(PLACE, words) + n] = (U(64) * w + lowest(bits)) << SIX | l
                n += ONE
                bits &= bits - ONE
                z[new + l] = bits
                more ^= U(bits == ZERO) << l
    for j in range(n):
        place = q[field(PLACE, words) + j]
        l = place & LANE
        q[field(WORLD, words) + j] = z[NUMBER * ROW + l]
        q[field(NOW, words) + j] = z[KEY * ROW + l] >> TICK
        at = (l << g.shift) + (place >> SIX)
        q[field(ADDRESS, words) + j] = counters[at]
        counters[at] += ONE << U(32)  # the number of the arming
    return n


@inlined
def other_law(points, law, at, base, word, now):
    """Give a delay whose law has no quantile table; of an empirical law, `base` is the number of its times."""
    if law == ABSOLUTE:
        return max(base - float(np.int64(now)), 0.0)
    u = float(np.int64(word >> U(11))) * 2.0**-53
    if law == TRIANGULAR:
        split, below, above, high = points[at], points[at + ONE], points[at + U(2)], points[at + U(3)]
        before = u < split  # both sides are worked out: to take one of them is quicker than to guess which
        root = np.sqrt(u * below if before else (1.0 - u) * above)
        return (base if before else high) + (root if before else -root)
    i = ZERO
    while u >= points[at + i]:
        i += ONE
    times = at + U(np.int64(base))
    if law == STEP:
        return points[times + i]
    low, high = points[times + i - ONE], points[times + i]
    return low + (u - points[at + i - ONE]) / (points[at + i] - points[at + i - ONE]) * (high - low)


@inlined
def draw(z, words, q, p, others, n, c1, k0, k1):
    """Draw for the `n` events in the queue."""
    formulas = p.g.formulas
    for j in range((n + U(7)) & ~U(7)):  # no odd ones at the end of a loop that takes eight at a time; what they hold is of no account
        address = q[field(ADDRESS, words) + j]
        word, chance = philox(q[field(WORLD, words) + j], c1, address, (address >> U(32)) & MOST_ARMINGS, k0, k1)
        q[field(DRAWN, words) + j] = chance
        if formulas:
            q[field(WORD, words) + j] = word
        # as a float with a sign it tells the side, the octave and the cell by its highest bits: escsim.distributions.look_up
        tail = as_bits(float(np.int64(word & ~U(63) | U(32))))
        q[field(AT, words) + j] = (tail >> (U(50) - CELL_BITS)) & CELL
        q[field(VALUE, words) + j] = as_bits(as_float(UNIT | ((tail << CELL_BITS) & FRACTION)) - 1.0)
    for j in range(n):
        row = (q[field(PLACE, words) + j] >> SIX) * U(8)
        i, t = q[field(AT, words) + j] + p.laws[row + TABLE], as_float(q[field(VALUE, words) + j])
        q[field(VALUE, words) + j] = as_bits(as_float(p.laws[row + BASE]) + as_float(p.laws[row + SCALE]) * cubic(p.tables, i, t))
    if p.g.special:
        more = ZERO
        for first in range(ZERO, min(n, p.g.special), U(64)):
            doubtful = ZERO  # where chance may say no, by its high bits, or the law has no table
            for i in range(U(64)):
                j = first + i
                doubtful |= U((q[field(DRAWN, words) + j] >> U(14)) >= (q[field(ADDRESS, words) + j] >> U(46))) << i
            doubtful &= ALL >> (U(64) - min(n - first, U(64)))
            while doubtful:
                j = first + lowest(doubtful)
                doubtful &= doubtful - ONE
                place = q[field(PLACE, words) + j]
                row = (place >> SIX) * U(8)
                refused = U(q[field(DRAWN, words) + j] >= p.laws[row + CHANCE])
                z[row_of(REFUSED, words, place >> U(12)) + (place & LANE)] |= refused << ((place >> SIX) & LANE)
                q[field(VALUE, words) + j] = NOT_EVER if refused else q[field(VALUE, words) + j]
                others[more] = j
                more += U(p.laws[row + LAW] != ZERO) & ~refused
        for i in range(more):
            j = others[i]
            row = (q[field(PLACE, words) + j] >> SIX) * U(8)
            law, at, base = p.laws[row + LAW], p.laws[row + POINTS], as_float(p.laws[row + BASE])
            now = z[KEY * ROW + (q[field(PLACE, words) + j] & LANE)] >> TICK
            q[field(VALUE, words) + j] = as_bits(other_law(p.points, law, at, base, q[field(WORD, words) + j], now))


@inlined
def set_clocks(words, q, clocks, n, g):
    """Set the clocks of the `n` events in the queue."""
    for j in range((n + U(7)) & ~U(7)):
        due = q[field(NOW, words) + j] + U(np.int64(min(as_float(q[field(VALUE, words) + j]), NEVER) + 0.5))
        q[field(NOW, words) + j] = (due << TICK | q[field(PLACE, words) + j] >> SIX) if due < g.end else OFF
    for j in range(n):
        clocks[q[field(PLACE, words) + j]] = q[field(NOW, words) + j]


@inlined
def next_due(z, words, clocks, g):
    """Find what is due next in every lane."""
    for l in range(L):
        z[KEY * ROW + l] = OFF
    for w in range(U(len(words))):
        for f in range(ZERO, min(U(64), g.E - U(64) * w), U(8)):
            i = (U(64) * w + f) * L
            for l in range(L):
                act, key = z[row_of(ACT, words, w) + l] >> f, z[KEY * ROW + l]
                key = min(key, clocks[i + l]) if act & ONE else key
                key = min(key, clocks[i + L + l]) if act & U(2) else key
                key = min(key, clocks[i + U(2) * L + l]) if act & U(4) else key
                key = min(key, clocks[i + U(3) * L + l]) if act & U(8) else key
                key = min(key, clocks[i + U(4) * L + l]) if act & U(16) else key
                key = min(key, clocks[i + U(5) * L + l]) if act & U(32) else key
                key = min(key, clocks[i + U(6) * L + l]) if act & U(64) else key
                key = min(key, clocks[i + U(7) * L + l]) if act & U(128) else key
                z[KEY * ROW + l] = key
    for l in range(L):
        z[TODAY * ROW + l] = day_of(min(z[KEY * ROW + l] >> TICK, g.end))


@compiled
def add_up(lanes, batch, W, g, out, rows):
    """Add up the trajectories that have come to their end, whose blocks of `now` come after those of the lanes."""
    now, n = lanes.now, batch.numbers[3]
    if n == ZERO:  # and a shift by 64, below, would not be defined
        return
    for kind in range(U(5)):
        for w in range(W):
            row = (kind * W + w) * BATCH
            for k in range(U(8)):  # the events of eight bits at a time, each counted in a byte of a word
                counts = ZERO
                for i in range(n):
                    counts += (batch.fates[row + i] >> k) & U(0x0101_0101_0101_0101)
                for e in range(U(64) * w + k, min(U(64) * w + U(64), g.E), U(8)):
                    out.fate[kind * g.E + e] += np.int64(counts & U(0xFF))
                    counts >>= U(8)
    for u in range(g.units):
        for i in range(n):
            base = lanes.blocks[L + i]
            unit = base + U(4) * g.cells + U(2) * u
            stay(now, unit, base + U(4) * (u * g.S + now[unit]), g.end)
        for s in range(g.S):
            cell, been, time = u * g.S + s, ZERO, ZERO
            for i in range(n):
                at = lanes.blocks[L + i] + U(4) * cell
                batch.first[i] = now[at]
                batch.last[i] = now[at + ONE]
                time += now[at + U(2)]
            out.time[cell] += time
            for i in range(BATCH):
                been |= U(batch.first[i] != OFF) << i
                batch.days[i] = day_of(min(batch.first[i], g.end))
                batch.days[BATCH + i] = day_of(min(batch.last[i], g.end))
            been &= ALL >> (U(64) - n)
            while been:
                i = lowest(been)
                been &= been - ONE
                out.first[cell * g.R + batch.days[i]] += 1
                out.last[cell * g.R + batch.days[BATCH + i]] += 1
                batch.peak[i] = cell
                if rows.first.size:
                    row, at = batch.worlds[i] * g.cells + cell, lanes.blocks[L + i] + U(4) * cell
                    rows.first[row], rows.last[row], rows.time[row] = (
                        np.int64(now[at]),
                        np.int64(now[at + ONE]),
                        np.int64(now[at + U(2)]),
                    )
        for i in range(n):
            out.peak[batch.peak[i]] += 1


@inlined
def close(z, words, blocks, batch, l, low):
    """Put a trajectory that has come to its end among those to be added up, and give the lane another block."""
    W, n = U(len(words)), batch.numbers[3]
    blocks[l], blocks[L + n] = blocks[L + n], blocks[l]
    batch.worlds[n] = z[NUMBER * ROW + l] - low
    for w in range(W):
        h, f, a = z[row_of(HAPPENED, words, w) + l], z[row_of(FIRED, words, w) + l], z[row_of(ACT, words, w) + l]
        refused, c = z[row_of(REFUSED, words, w) + l], z[row_of(USED, words, w) + l]
        no = (refused | z[row_of(DENIED, words, w) + l]) & ~f
        at = w * BATCH + n
        batch.fates[at] = h
        batch.fates[at + W * BATCH] = no
        batch.fates[at + U(2) * W * BATCH] = c & ~f & ~a & ~no
        batch.fates[at + U(3) * W * BATCH] = f & ~h
        batch.fates[at + U(4) * W * BATCH] = a & ~refused & ~f


@inlined
def turn_over(z, words, q, p, lanes, batch, ended, rounds, out, rows, low):
    """Close the lanes whose bits are set, and begin new trajectories in them as long as there are any.

    Gives -1, or the number of a trajectory in which too many events fired.
    """
    W, g, numbers = U(len(words)), p.g, batch.numbers
    while ended:
        l = lowest(ended)
        ended &= ended - ONE
        if z[NUMBER * ROW + l] != OFF:
            if rounds - z[BEGUN * ROW + l] > MOST_FIRINGS:
                return np.int64(z[NUMBER * ROW + l])
            if g.depth:
                unit = lanes.blocks[l] + U(4) * g.cells
                lanes.now[unit], lanes.now[unit + ONE] = z[STATUS * ROW + l], z[SINCE * ROW + l]
                z[(MASKS + HAPPENED) * ROW + l], z[(MASKS + ACT) * ROW + l] = z[(MASKS + FIRED) * ROW + l], p.runs[z[STATUS * ROW + l]]
            close(z, words, lanes.blocks, batch, l, low)
            numbers[2] += ONE
            numbers[3] += ONE
            if numbers[3] == BATCH:
                add_up(lanes, batch, W, g, out, rows)
                numbers[3] = ZERO
        if numbers[1] == numbers[0]:  # none left: an empty lane, in which nothing is ever due
            for f in range(LIVE, MASKS + N_MASKS * W):
                z[f * ROW + l] = ZERO
            for f in range(g.M * W):
                lanes.gates[f * L + l] = ZERO
            z[KEY * ROW + l] = OFF
            z[NUMBER * ROW + l] = OFF
            continue
        given, row = p.begin.rows, numbers[1] * p.begin.stride
        z[KEY * ROW + l] = p.begin.at << TICK | g.E  # calls all that follows nothing, unless that is past
        z[NUMBER * ROW + l] = low + numbers[1]
        z[BEGUN * ROW + l] = rounds - p.begin.steps
        z[LIVE * ROW + l], z[PUT * ROW + l], z[TODAY * ROW + l], z[SINCE * ROW + l] = ALL, given[row], day_of(p.begin.at), ZERO
        row += ONE
        for i in range(g.depth):
            q[field(WORLD, words) + i * L + l] = z[NUMBER * ROW + l]
        for f in range(BEGINS * W):
            z[(MASKS + f) * ROW + l] = given[row + f]
        row += BEGINS * W
        for f in range(g.C):
            lanes.chosen[l * g.C + f] = given[row + f]
        row += g.C
        if g.depth == ZERO:
            for f in range(g.E):
                lanes.counters[(l << g.shift) + f] = given[row + f]
        row += g.E
        for w in range(W):
            bits = z[row_of(ACT, words, w) + l]
            while bits:
                f = U(64) * w + lowest(bits)
                bits &= bits - ONE
                lanes.clocks[f << SIX | l] = given[row + f]
        for f in range(g.M * W):
            lanes.gates[f * L + l] = p.begin.gates[f]
        base = lanes.blocks[l]
        for f in range(g.block):
            lanes.now[base + f] = p.begin.now[f]
        numbers[1] += ONE
    return np.int64(-1)


def _simulate(p, words, seed, first_trajectory, n, out, rows, log):
    """Run trajectories `first_trajectory` to `first_trajectory + n - 1`.

    Parameters
    ----------
    p : Packed
    words : tuple of int
        As long as a mask over events has words, so that the compiler knows.
    seed, first_trajectory, n : uint64
        At most 400,000 trajectories, so that no 32-bit count overflows; `n` times the period less than 2^64 ticks; no
        multiple of 2^32 between the first number and the last.
    out : Output
        Added to.
    rows : Rows
        A row for each trajectory, which holds -1, 0 and 0 at first; empty arrays if not wanted.
    log : Log
        Filled with every firing; empty arrays if not wanted.

    Returns
    -------
    int
        -1, or the low 32 bits of the number of a trajectory in which 10,000 events fired.
    """
    g, W, length = p.g, U(len(words)), field(ONE, words)
    k0, k1 = U(seed) & LOW, U(seed) >> U(32)
    low, c1 = U(first_trajectory) & LOW, U(first_trajectory) >> U(32)
    z, q = aligned((MASKS + N_MASKS * W + ONE) * ROW), aligned(QUEUE * length)
    now, blocks, gates = aligned((L + BATCH) * g.block), aligned(L + BATCH), aligned(g.M * W * L)
    clocks, chosen, counters = aligned((g.E + U(8)) * L), aligned(g.C * L), aligned(L << g.shift)
    lanes = Lanes(now, blocks, gates, clocks, chosen, counters)
    room = aligned(BATCH), aligned(BATCH), aligned(U(2) * BATCH), aligned(BATCH)
    batch = Batch(np.zeros(4, np.uint64), aligned(BATCH), aligned(BATCH * W * U(5)), room[0], room[1], room[2], room[3])
    others = aligned(length)
    occupancy, fired = np.zeros(g.cells * g.R, np.uint32), np.zeros(EVENT + ONE, np.int64)
    passed = np.zeros((g.E + U(2)) * g.R, np.uint32)
    watched = log.tick.size > 0 or rows.when.size > 0
    batch.numbers[0] = n
    for i in range(L + BATCH):
        blocks[i] = i * g.block
    for l in range(L):
        z[KEY * ROW + l] = OFF
        z[NUMBER * ROW + l] = OFF
    armed, decided, rounds = ZERO, ZERO, ZERO
    while True:
        # trajectories that have come to their end, and new ones in their lanes
        ended = ZERO
        for l in range(L):
            ended |= U(z[KEY * ROW + l] == OFF) << l
        if ended:
            runaway = turn_over(z, words, q, p, lanes, batch, ended, rounds, out, rows, low)
            if runaway >= 0:
                return runaway
        if batch.numbers[2] == batch.numbers[0]:
            break
        if rounds & U(255) == ZERO:
            for l in range(L):
                if z[NUMBER * ROW + l] != OFF and rounds - z[BEGUN * ROW + l] > MOST_FIRINGS:
                    return np.int64(z[NUMBER * ROW + l])
        rounds += ONE

        if W == ONE and g.depth:
            if watched:
                record(z, g, low, rows, log)
            renew(z, words, q, now, blocks, g, p.go, p.slots, passed)
            if g.special:
                for l in range(L):
                    z[row_of(REFUSED, words, ZERO) + l] &= ~p.runs[z[STATUS * ROW + l]]
            draw(z, words, q, p, others, g.depth * L, c1, k0, k1)
            first_due(z, words, q, g)
        else:
            moving = fire(z, words, p.rules, fired)
            move(z, words, now, blocks, occupancy, gates, g, p.rules, moving, p.moves, p.ways)
            if watched:
                record(z, g, low, rows, log)
            shut(z, words, gates, g)
            if g.C > ZERO:
                decided += choose(z, words, q, p, chosen, c1, k0, k1)
            if g.joint:
                join(z, words, p.joint, p.needs)
            call(z, words, p.once, p.renewed)
            if g.certain:
                armed += wait(z, words, clocks, g, p.sure, p.waits)
            queued = enqueue(z, words, q, counters, g)
            draw(z, words, q, p, others, queued, c1, k0, k1)
            set_clocks(words, q, clocks, queued, g)
            next_due(z, words, clocks, g)
            armed += queued

    add_up(lanes, batch, W, g, out, rows)
    for u in range(g.units):
        out.occupancy[(u * g.S + p.begin.now[U(4) * g.cells + U(2) * u]) * g.R] += np.int64(n)
    for i in range(g.cells * g.R):
        out.occupancy[i] += np.int64(np.int32(occupancy[i]))
    if g.depth:
        for e in range(g.E + ONE):
            left, entered = p.go[e * U(8)] >> U(2), p.go[e * U(8) + U(2)]
            for day in range(g.R):
                count = np.int64(passed[e * g.R + day])
                for i in range(g.depth):
                    armed += U(count) if p.slots[(entered << U(3)) + (i << ONE) + ONE] >> SIX < g.E else ZERO
                if e < g.E:
                    out.occupancy[left * g.R + day] -= count
                    out.occupancy[entered * g.R + day] += count
                    fired[e] += count
    for e in range(g.E):
        out.fired[e] += fired[e]
        out.total[1] += fired[e]
    out.total[0] += np.int64(n)
    out.total[2] += np.int64(armed)
    out.total[3] += np.int64(decided)
    return np.int64(-1)


def _cached(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function, and keep what is compiled for the next time wherever that can be written."""
    try:
        dispatcher = njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no place to write: neither beside the package nor in the user's own folders
        return njit(nogil=True, error_model="numpy")(function)

    def run(*args: Any) -> Any:
        try:
            return dispatcher(*args)
        except (EOFError, ValueError, PickleError):  # what was kept is damaged: a disk was full, a machine stopped in the midst of writing
            dispatcher._cache.flush()
            return dispatcher(*args)

    return run


simulate = _cached(_simulate)

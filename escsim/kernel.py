"""The compiled stepper: many trajectories at once over the arrays of a `Process`, with streaming integer outputs.

It does what `escsim.stepper` does, bit for bit; `tests/test_kernel.py` compares the two step by step. Trajectories
run in *lanes*. In each round every lane fires the event that is due next; then gates, calls and draws are worked
through for all lanes together, in short loops without branches, of which the processor does several lanes at a time.

Letters as in `escsim.process`; and `l` lane, `u` unit (a mission, or after them a pair, whose status is the more
severe of its two missions'), `w` word of a mask, `t` tick. Field f of lane l is `z[f * L + l]`, field f of entry j in
the queue of draws `q[f * Q + j]`. A clock is `tick << 9 | event`, so that the smallest one names the event that fires
next and settles ties by place in the file. All integers are unsigned: numba turns a mixture of signed and unsigned
into floats. No mathematics library is called, and `fastmath` is never set, so that results do not depend on the
processor. Every function that is compiled stands in this file, since numba's cache sees changes in no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import config, njit, types
from numba.extending import intrinsic

U = np.uint64
ONE, ZERO, LOW = U(1), U(0), U(0xFFFF_FFFF)
L = U(64)  # lanes
OFF, GONE = U(0xFFFF_FFFF_FFFF_FFFF), U(0xFFFF_FFFF_FFFF_FFFE)  # clocks that do not run: none, or too late; and refused by chance
EVENT, TICK = U(0x1FF), U(9)  # the event of a clock is its low nine bits
MOST_FIRINGS = U(10_000)
MOST_AT_ONCE = 400_000  # trajectories a call, so that no 32-bit count overflows
DAY = U(86_400_000_000)
STAYS = U(255)
CELLS, OCTAVES = U(64), U(57)  # of the quantile tables: see escsim.distributions
TOP = U(0x7FFF_FFFF_FFFF_FFFF)
NEVER = float(1 << 55)
TRIANGULAR, STEP, LINEAR, ABSOLUTE = U(1), U(2), U(3), U(4)
BATCH = U(128)  # fates are counted for this many trajectories at a time
ROW = U(8)  # of an event's parameters: key, chance, place of its table, base, scale, law, place and number of its points

# Fields of a lane: the clock that fires, the trajectory, the round in which it began, all ones unless the firing is
# moot, the choices put, the units touched (two words); then masks over events, each of as many words as they need.
KEY, NUMBER, BEGUN, LIVE, PUT, TOUCHED, MASKS = U(0), U(1), U(2), U(3), U(4), U(5), U(7)
N_MASKS = U(12)


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
        Trajectories in which each event happened, chance said no, it was cancelled (gate shut or barred), moot, censored.
    fired : int64, shape (events,)
        Firings of each event.
    total : int64, shape (3,)
        Trajectories, firings, armings.
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


class Layout(NamedTuple):
    """Sizes of a process, and where the fields of a lane begin that follow its masks."""

    E: Any
    M: Any
    S: Any
    C: Any
    units: Any
    days: Any
    end: Any
    clock: Any
    status: Any
    since: Any
    admits: Any
    chosen: Any
    entered: Any
    size: Any
    queue: Any


compiled: Callable[[Any], Any] = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
# what is called in every round: a call with its dozens of pointers costs as much as the work of some lanes
inlined: Callable[[Any], Any] = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, forceinline=True)


@intrinsic
def leading(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Count the leading zeros of a 64-bit word (64 for 0)."""
    return types.uint64(types.uint64), lambda context, builder, _, args: builder.ctlz(args[0], context.get_constant(types.boolean, False))


@intrinsic
def lowest(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Give the number of the lowest bit that is set."""
    return types.uint64(types.uint64), lambda context, builder, _, args: builder.cttz(args[0], context.get_constant(types.boolean, False))


if config.DISABLE_JIT:  # NUMBA_DISABLE_JIT=1: the same by the interpreter, to find faults

    def leading(x):
        """Count the leading zeros of a 64-bit word (64 for 0)."""
        return U(64 - int(x).bit_length())

    def lowest(x):
        """Give the number of the lowest bit that is set."""
        return U((int(x) & -int(x)).bit_length() - 1) if x else U(64)


@inlined
def round_of(c0, c1, c2, c3, k0, k1):
    """Give the next state of Philox4x32."""
    p0 = U(0xD2511F53) * c0
    p1 = U(0xCD9E8D57) * c2
    return (p1 >> U(32)) ^ c1 ^ k0, p1 & LOW, (p0 >> U(32)) ^ c3 ^ k1, p0 & LOW


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Give a block of Philox4x32-10: words 0 and 1 as one 64-bit word, and word 2."""
    # written out: the compiler computes several blocks at once only where no loop stands in the way
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0x9E3779B9)) & LOW, (k1 + U(0xBB67AE85)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0x3C6EF372)) & LOW, (k1 + U(0x76CF5D0A)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0xDAA66D2B)) & LOW, (k1 + U(0x32370B8F)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0x78DDE6E4)) & LOW, (k1 + U(0xED9EBA14)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0x1715609D)) & LOW, (k1 + U(0xA9066899)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0xB54CDA56)) & LOW, (k1 + U(0x646E171E)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0x5384540F)) & LOW, (k1 + U(0x1FD5C5A3)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0xF1BBCDC8)) & LOW, (k1 + U(0xDB3D7428)) & LOW)
    c0, c1, c2, c3 = round_of(c0, c1, c2, c3, (k0 + U(0x8FF34781)) & LOW, (k1 + U(0x96A522AD)) & LOW)
    return c0 | (c1 << U(32)), c2


@compiled
def other_law(points, law, at, many, base, word):
    """Give a delay whose law has no quantile table."""
    u = float(np.int64(word >> U(11))) * 2.0**-53
    if law == TRIANGULAR:
        if u < points[at]:
            return base + np.sqrt(u * points[at + U(1)])
        return points[at + U(3)] - np.sqrt((1.0 - u) * points[at + U(2)])
    i = ZERO
    while u >= points[at + i]:
        i += ONE
    times = at + many
    if law == STEP:
        return points[times + i]
    low, high = points[times + i - ONE], points[times + i]
    return low + (u - points[at + i - ONE]) / (points[at + i] - points[at + i - ONE]) * (high - low)


@njit(nogil=True)
def aligned(size):
    """Give zeros that begin where a cache line begins."""
    room = np.zeros(size + U(8), np.uint64)
    skip = ((U(64) - U(room.ctypes.data) % U(64)) % U(64)) >> U(3)
    return room[skip : skip + size]


@inlined
def fire_plain(z, g, go, admits, passed, time, row_time, low):
    """Fire what is due, in a plain process: one mission, and standing hazards with at most one move each.

    `go` gives for event and status the status entered, plus 256 unless that is moot; `passed` counts by event, status
    and day.
    """
    R = g.days + ONE
    for l in range(L):
        key = z[KEY * L + l]
        if key >= GONE:
            continue
        t = key >> TICK
        s = z[g.status * L + l]
        row = (key & EVENT) * g.S + s
        d = go[row]
        passed[row * R + t // DAY] += np.uint32(1)
        z[LIVE * L + l] = ZERO - (d >> U(8))
        d &= U(255)
        t0 = z[g.since * L + l]
        if t > t0:
            at = (g.entered + U(2) * s) * L + l
            z[at] = min(z[at], t0)
            z[at + L] = t
            time[s] += t - t0
            z[g.since * L + l] = t
            if row_time.size:
                row_time[(z[NUMBER * L + l] - low) * g.S + s] += np.int64(t - t0)
        z[g.status * L + l] = d
        z[(MASKS + U(7)) * L + l] = admits[d]


@compiled
def fire(z, words, g, fires, mission, way, leads, twin, pair, inert, calls, bars, admits, occupancy, time, row_time, low):
    """Fire what is due: move missions, and note whom the event calls and bars."""
    W, R = U(len(words)), g.days + ONE
    CALLS, BARS = MASKS + U(8) * W, MASKS + U(9) * W
    for l in range(L):
        key = z[KEY * L + l]
        if key >= GONE:
            continue
        e, t = key & EVENT, key >> TICK
        moved = inert[e]
        day = t // DAY
        for j in range(fires[e], fires[e + ONE]):
            m = mission[j]
            s = z[(g.status + m) * L + l]
            d = U(leads[way[j] + s])
            if d == STAYS:
                continue
            moved = ONE
            for w in range(W):
                z[(g.admits + m * W + w) * L + l] = admits[(m * g.S + d) * W + w]
            u, other = m, twin[m]
            while True:  # the mission, and then its pair
                cell = u * g.S + s
                occupancy[cell * R + day] -= 1
                occupancy[(u * g.S + d) * R + day] += 1
                t0 = z[(g.since + u) * L + l]
                if t > t0:  # time has passed in the status that is left
                    at = (g.entered + U(2) * cell) * L + l
                    z[at] = min(z[at], t0)
                    z[at + L] = t
                    time[cell] += t - t0
                    z[(g.since + u) * L + l] = t
                    if row_time.size:
                        row_time[(z[NUMBER * L + l] - low) * g.units * g.S + cell] += np.int64(t - t0)
                z[(g.status + u) * L + l] = d
                z[(TOUCHED + (u >> U(6))) * L + l] |= ONE << (u & U(63))
                if other == g.M:
                    break
                u = g.M + pair[m]
                s = z[(g.status + u) * L + l]
                d = max(d, z[(g.status + other) * L + l])
                other = g.M
        z[LIVE * L + l] = ZERO - moved
        for w in range(W):
            z[(CALLS + w) * L + l] = calls[e * W + w]
            z[(BARS + w) * L + l] = bars[e * W + w]


@compiled
def record(z, g, low, fired, rows, log):
    """Count the firings; note those of single trajectories if they are asked for."""
    for l in range(L):
        key = z[KEY * L + l]
        e, number, live = key & EVENT, z[NUMBER * L + l], z[LIVE * L + l]
        if key >= GONE or e == g.E:
            continue
        fired[e] += 1
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
def settle_plain(z, roots):
    """Work gates and calls in a plain process of up to 64 events, in which all are called at the start and anew."""
    ACT, HAPPENED, FIRED, HOLD, NEW = MASKS, MASKS + U(5), MASKS + U(6), MASKS + U(7), MASKS + U(10)
    for l in range(L):
        e = z[KEY * L + l] & EVENT
        bit = U(e < U(64)) << (e & U(63))
        hold = z[HOLD * L + l]
        z[FIRED * L + l] |= bit
        z[HAPPENED * L + l] |= bit & z[LIVE * L + l]
        act = z[ACT * L + l] & ~bit & hold
        new = hold & roots & ~act
        z[NEW * L + l] = new
        z[ACT * L + l] = act | new


@compiled
def shut(z, words, g):
    """Take the clock from what has fired, is barred, or has its gate shut."""
    W = U(len(words))
    ACT, CALLED, REFUSED, DEAD = MASKS, MASKS + W, MASKS + U(2) * W, MASKS + U(3) * W
    HAPPENED, FIRED, HOLD, BARS = MASKS + U(5) * W, MASKS + U(6) * W, MASKS + U(7) * W, MASKS + U(9) * W
    for w in range(W):
        for l in range(L):
            z[(HOLD + w) * L + l] = OFF
        for m in range(g.M):
            for l in range(L):
                z[(HOLD + w) * L + l] &= z[(g.admits + m * W + w) * L + l]
        for l in range(L):
            e, live = z[KEY * L + l] & EVENT, z[LIVE * L + l]
            bit = U(e >> U(6) == w) << (e & U(63))
            z[(FIRED + w) * L + l] |= bit
            z[(HAPPENED + w) * L + l] |= bit & live
            barred = z[(BARS + w) * L + l] & live
            act = z[(ACT + w) * L + l] & ~bit & ~barred & z[(HOLD + w) * L + l]
            z[(ACT + w) * L + l] = act
            z[(REFUSED + w) * L + l] &= act
            z[(CALLED + w) * L + l] &= ~(bit | barred)
            z[(DEAD + w) * L + l] |= barred


@compiled
def choose(z, words, g, puts_of, choice_once, choice_joint, option_mask, needs, choice_key, options, option, cut, c1, k0, k1):
    """Put the choices that follow the event: pick options to be called."""
    W = U(len(words))
    CALLED, REFUSED, HAPPENED, PICKED = MASKS + W, MASKS + U(2) * W, MASKS + U(5) * W, MASKS + U(11) * W
    for l in range(L):
        for w in range(W):
            z[(PICKED + w) * L + l] = ZERO
        if z[KEY * L + l] >= GONE:
            continue
        puts = puts_of[z[KEY * L + l] & EVENT] & z[LIVE * L + l]
        while puts:
            c = lowest(puts)
            puts &= puts - ONE
            flag = ONE << c
            if z[PUT * L + l] & choice_once[0] & flag:
                continue
            busy = ZERO
            for w in range(W):
                busy |= z[(CALLED + w) * L + l] & ~z[(REFUSED + w) * L + l] & option_mask[c * W + w]
                if choice_joint[0] & flag:
                    busy |= needs[(g.E + c) * W + w] & ~z[(HAPPENED + w) * L + l]
            if busy:
                continue
            z[PUT * L + l] |= flag
            k = z[(g.chosen + c) * L + l]
            z[(g.chosen + c) * L + l] = k + ONE
            _, word = philox(z[NUMBER * L + l], c1, choice_key[c], k, k0, k1)
            o = options[c]
            while word >= cut[o]:
                o += ONE
            f = option[o]
            if f < g.E:
                z[(PICKED + (f >> U(6))) * L + l] |= ONE << (f & U(63))


@compiled
def join(z, words, joint, needs):
    """Take back the calls of events that wait for other causes still."""
    W = U(len(words))
    HAPPENED, CALLS = MASKS + U(5) * W, MASKS + U(8) * W
    for w in range(W):
        for l in range(L):
            bits = z[(CALLS + w) * L + l] & joint[w]
            while bits:
                f = lowest(bits)
                bits &= bits - ONE
                for v in range(W):
                    if needs[(U(64) * w + f) * W + v] & ~z[(HAPPENED + v) * L + l]:
                        z[(CALLS + w) * L + l] &= ~(ONE << f)


@compiled
def call(z, words, once, renewed):
    """Call events, and find those to be armed: called, their gate open, neither running nor refused."""
    W = U(len(words))
    ACT, CALLED, REFUSED, DEAD, USED = MASKS, MASKS + W, MASKS + U(2) * W, MASKS + U(3) * W, MASKS + U(4) * W
    HOLD, CALLS, NEW, PICKED = MASKS + U(7) * W, MASKS + U(8) * W, MASKS + U(10) * W, MASKS + U(11) * W
    for w in range(W):
        once_w, renewed_w = once[w], renewed[w]
        for l in range(L):
            e = z[KEY * L + l] & EVENT
            bit = U(e >> U(6) == w) << (e & U(63))
            used = z[(USED + w) * L + l]
            calls = (z[(CALLS + w) * L + l] & z[LIVE * L + l]) | (renewed_w & bit) | z[(PICKED + w) * L + l]
            calls &= ~z[(DEAD + w) * L + l] & ~(used & once_w)
            act = z[(ACT + w) * L + l] & ~(z[(REFUSED + w) * L + l] & calls)
            called = z[(CALLED + w) * L + l] | calls
            new = called & z[(HOLD + w) * L + l] & ~act
            z[(USED + w) * L + l] = used | calls
            z[(CALLED + w) * L + l] = called
            z[(NEW + w) * L + l] = new
            z[(ACT + w) * L + l] = act | new


@inlined
def slot(z, q, x, armings, g, n, chancy):
    """Queue one event of every lane, the dummy E where there is none; give how many lanes have one."""
    Q, NEW = g.queue, MASKS + U(10)
    some = ZERO
    for l in range(L):
        bits = z[NEW * L + l]
        some += U(bits != ZERO)
        q[n + l] = (lowest(bits) if bits else g.E) * L + l
        z[NEW * L + l] = bits & (bits - U(bits != ZERO))
        q[Q + n + l] = z[NUMBER * L + l]
        q[U(4) * Q + n + l] = z[KEY * L + l] >> TICK
    for j in range(n, n + L):
        at = q[j]
        q[U(2) * Q + j] = x[at // L * ROW]
        k = armings[at]
        q[U(3) * Q + j] = U(k)
        armings[at] = k + np.uint16(1)
    if chancy:
        for j in range(n, n + L):
            q[U(5) * Q + j] = x[q[j] // L * ROW + ONE]
    return some


@compiled
def enqueue(z, words, q, x, armings, g, l):
    """Queue the events of lanes from `l` on until it may be full; give how many there are, and the next lane."""
    W, Q = U(len(words)), g.queue
    NEW = MASKS + U(10) * W
    n = ZERO
    while l < L and n <= U(2) * L:
        number, now = z[NUMBER * L + l], z[KEY * L + l] >> TICK
        for w in range(W):
            bits = z[(NEW + w) * L + l]
            while bits:
                f = U(64) * w + lowest(bits)
                bits &= bits - ONE
                at = f * L + l
                q[n] = at
                q[Q + n] = number
                q[U(2) * Q + n] = x[f * ROW]
                k = armings[at]
                q[U(3) * Q + n] = U(k)
                armings[at] = k + np.uint16(1)
                q[U(4) * Q + n] = now
                q[U(5) * Q + n] = x[f * ROW + ONE]
                n += ONE
        l += ONE
    return n, l


@inlined
def draw(z, q, v, x, y, tables, points, others, g, n, c1, k0, k1, chancy):
    """Draw for the `n` events in the queue, and set their clocks.

    Its fields are at first: place of the clock (`event * L + lane`), trajectory, key, number of the arming, tick, chance.
    """
    Q = g.queue
    whole = (n + U(7)) & ~U(7)  # no odd ones at the end of a loop that takes eight at a time; what they hold is of no account
    for j in range(whole):
        q[Q + j], q[U(2) * Q + j] = philox(q[Q + j], c1, q[U(2) * Q + j], q[U(3) * Q + j], k0, k1)
    for j in range(whole):  # look the quantile up: escsim.distributions.look_up
        word = q[Q + j]
        side = word >> U(63)
        tail = (word ^ (ZERO - side)) & TOP
        octave = min(leading(tail) - ONE, OCTAVES - ONE)
        tail = max(tail, ONE << (U(63) - OCTAVES))
        below = U(56) - octave
        v[j] = float(np.int64(tail & ((ONE << below) - ONE))) * (1.0 / float(np.int64(ONE << below)))
        q[U(3) * Q + j] = (((side * OCTAVES + octave) << U(6)) + ((tail >> below) & (CELLS - ONE))) << U(2)
    for j in range(whole):
        row = q[j] // L * ROW
        i = q[U(3) * Q + j] + x[row + U(2)]
        t = v[j]
        v[j] = y[row + U(3)] + y[row + U(4)] * (((tables[i + U(3)] * t + tables[i + U(2)]) * t + tables[i + ONE]) * t + tables[i])
    if others:
        for j in range(n):
            row = q[j] // L * ROW
            law = x[row + U(5)]
            if law == ABSOLUTE:
                v[j] = max(y[row + U(3)] - float(np.int64(q[U(4) * Q + j])), 0.0)
            elif law != ZERO:
                v[j] = other_law(points, law, x[row + U(6)], x[row + U(7)], y[row + U(3)], q[Q + j])
    for j in range(whole):
        due = q[U(4) * Q + j] + U(np.int64(min(v[j], NEVER) + 0.5))
        q[Q + j] = (due << TICK | q[j] // L) if due < g.end else OFF
    if chancy:
        for j in range(whole):
            q[Q + j] = q[Q + j] if q[U(2) * Q + j] < q[U(5) * Q + j] else GONE
    for j in range(n):
        z[g.clock * L + q[j]] = q[Q + j]


@inlined
def next_due(z, words, g, doubtful):
    """Find what is due next in every lane, and which events chance has refused."""
    W = U(len(words))
    ACT, REFUSED = MASKS, MASKS + U(2) * W
    for l in range(L):
        z[KEY * L + l] = OFF
    for w in range(W):
        for f in range(ZERO, min(U(64), g.E - U(64) * w), U(4)):
            for l in range(L):
                act = z[(ACT + w) * L + l] >> f
                at = (g.clock + U(64) * w + f) * L + l
                a = z[at] | ((act & ONE) - ONE)  # all ones where no clock runs
                b = z[at + L] | ((act >> ONE & ONE) - ONE)
                c = z[at + U(2) * L] | ((act >> U(2) & ONE) - ONE)
                d = z[at + U(3) * L] | ((act >> U(3) & ONE) - ONE)
                z[KEY * L + l] = min(min(min(a, b), min(c, d)), z[KEY * L + l])
    if doubtful.size:
        for w in range(W):
            for l in range(L):
                z[(REFUSED + w) * L + l] = ZERO
        for e in doubtful:
            row, bit = (REFUSED + (e >> U(6))) * L, e & U(63)
            for l in range(L):
                z[row + l] |= U(z[(g.clock + e) * L + l] == GONE) << bit
        for w in range(W):
            for l in range(L):
                z[(REFUSED + w) * L + l] &= z[(ACT + w) * L + l]


@compiled
def add_fates(fates, n, W, E, totals):
    """Count the bits of the masks that the last `n` trajectories left, event by event."""
    for kind in range(U(5)):
        for e in range(E):
            row, bit = (kind * W + (e >> U(6))) * BATCH, e & U(63)
            count = ZERO
            for i in range(n):
                count += (fates[row + i] >> bit) & ONE
            totals[kind * E + e] += np.int64(count)


@inlined
def close(z, words, g, l, n, fates, touched, out, rows, low):
    """Add up a trajectory that has come to its end, the `n`-th of a batch."""
    W, R = U(len(words)), g.days + ONE
    ACT, REFUSED, USED = MASKS, MASKS + U(2) * W, MASKS + U(4) * W
    HAPPENED, FIRED = MASKS + U(5) * W, MASKS + U(6) * W
    base = (z[NUMBER * L + l] - low) * g.units * g.S
    for half in range(U(2)):
        bits = z[(TOUCHED + half) * L + l]
        while bits:
            u = U(64) * half + lowest(bits)
            bits &= bits - ONE
            touched[u] += 1
            cell = u * g.S + z[(g.status + u) * L + l]
            t0 = z[(g.since + u) * L + l]
            at = (g.entered + U(2) * cell) * L + l
            z[at] = min(z[at], t0)
            z[at + L] = g.end
            out.time[cell] += g.end - t0
            if rows.time.size:
                rows.time[base + cell] += np.int64(g.end - t0)
            peak = ZERO
            for s in range(g.S):
                cell = u * g.S + s
                at = (g.entered + U(2) * cell) * L + l
                first, last = z[at], z[at + L]
                if first == OFF:
                    continue
                peak = s
                out.first[cell * R + first // DAY] += 1
                out.last[cell * R + last // DAY] += 1
                z[at] = OFF
                if rows.first.size:
                    rows.first[base + cell], rows.last[base + cell] = np.int64(first), np.int64(last)
            out.peak[u * g.S + peak] += 1
    for w in range(W):
        h, f, a = z[(HAPPENED + w) * L + l], z[(FIRED + w) * L + l], z[(ACT + w) * L + l]
        r, c = z[(REFUSED + w) * L + l], z[(USED + w) * L + l]
        at = w * BATCH + n
        fates[at] = h
        fates[at + W * BATCH] = r & ~f
        fates[at + U(2) * W * BATCH] = c & ~f & ~a
        fates[at + U(3) * W * BATCH] = f & ~h
        fates[at + U(4) * W * BATCH] = a & ~r & ~f


@inlined
def turn_over(z, words, g, ended, fresh, forced, armings, numbers, rounds, fates, touched, out, rows, low):
    """Close the lanes whose bits are set, and begin new trajectories in them as long as there are any.

    `numbers` holds how many trajectories there are, are begun, are closed, and wait in the batch of fates. Gives -1,
    or the number of a trajectory in which too many events fired.
    """
    while ended:
        l = lowest(ended)
        ended &= ended - ONE
        if z[NUMBER * L + l] != OFF:
            if rounds - z[BEGUN * L + l] > MOST_FIRINGS:
                return np.int64(z[NUMBER * L + l])
            close(z, words, g, l, numbers[3], fates, touched, out, rows, low)
            numbers[2] += ONE
            numbers[3] += ONE
            if numbers[3] == BATCH:
                add_fates(fates, BATCH, U(len(words)), g.E, out.fate)
                numbers[3] = ZERO
        if numbers[1] == numbers[0]:  # none left: an empty lane, in which nothing is ever due
            z[NUMBER * L + l] = OFF
            for f in range(MASKS, g.clock):
                z[f * L + l] = ZERO
            for f in range(g.admits, g.chosen):
                z[f * L + l] = ZERO
            continue
        for f in range(LIVE, g.clock):
            z[f * L + l] = fresh[f]
        for f in range(g.status, g.entered):
            z[f * L + l] = fresh[f]
        for e in range(g.E):
            armings[e * L + l] = np.uint16(0)
            if forced[e >> U(6)] >> (e & U(63)) & ONE:
                z[(g.clock + e) * L + l] = fresh[g.clock + e]
        z[KEY * L + l] = g.E  # an event that moves nothing and calls all that follows nothing
        z[NUMBER * L + l] = low + numbers[1]
        z[BEGUN * L + l] = rounds
        numbers[1] += ONE
    return np.int64(-1)


def _simulate(p, words, seed, first_trajectory, n, out, rows, log):
    """Run trajectories `first_trajectory` to `first_trajectory + n - 1`.

    Parameters
    ----------
    p : Process
    words : tuple of int
        As long as a mask over events has words, so that the compiler knows.
    seed, first_trajectory, n : uint64
        At most 400,000 trajectories, `n` times the period less than 2^64 ticks, and no multiple of 2^32 between the
        first number and the last.
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
    E, M, S, C, W = U(p.n_events), U(p.n_missions), U(p.n_statuses), U(p.n_choices), U(len(words))
    units = M + U(p.n_pairs)
    R, n = U(p.days) + ONE, U(n)
    k0, k1 = U(seed) & LOW, U(seed) >> U(32)
    low, c1 = U(first_trajectory) & LOW, U(first_trajectory) >> U(32)
    clock = MASKS + N_MASKS * W
    status = clock + ((E + U(4)) & ~U(3))  # clocks are read four at a time, and E has one too
    since = status + units
    admits = since + units
    chosen = admits + M * W
    entered = chosen + C
    size = entered + U(2) * units * S
    g = Layout(E, M, S, C, units, U(p.days), U(p.end), clock, status, since, admits, chosen, entered, size, U(2) * L + U(64) * W + U(8))
    z, q, v = aligned(size * L), aligned(U(6) * g.queue), aligned(g.queue).view(np.float64)
    armings = np.zeros((E + ONE) * L, np.uint16)

    x = aligned((E + ONE) * ROW)
    y = x.view(np.float64)
    calls, bars, puts, inert = (
        np.zeros((E + ONE) * W, np.uint64),
        np.zeros((E + ONE) * W, np.uint64),
        np.zeros(E + ONE, np.uint64),
        np.ones(E + ONE, np.uint64),
    )
    others = False
    doubtful = np.zeros(E, np.uint64)  # events that chance may refuse
    n_doubtful = ZERO
    for e in range(E):
        x[e * ROW], x[e * ROW + ONE], x[e * ROW + U(5)] = p.key[e], p.chance[e], U(p.law[e])
        x[e * ROW + (U(6) if p.law[e] else U(2))], x[e * ROW + U(7)] = p.at[e], p.many[e]
        y[e * ROW + U(3)], y[e * ROW + U(4)] = p.base[e], p.scale[e]
        doubtful[n_doubtful] = e
        n_doubtful += U(p.chance[e] < ONE << U(32))
        others |= p.law[e] != 0
        puts[e], inert[e] = p.puts[e], U(p.acts[e] == 0)
        for w in range(W):
            calls[e * W + w], bars[e * W + w] = p.calls[e * W + w], p.bars[e * W + w]
    doubtful = doubtful[:n_doubtful]
    chancy = n_doubtful > ZERO
    puts[E] = p.choice_roots[0]
    joint = ZERO
    for w in range(W):
        calls[E * W + w] = p.roots[w]
        joint |= p.joint[w]
    fires = np.zeros(E + U(2), np.uint64)
    for e in range(E + ONE):
        fires[e] = p.fires[e]
    fires[E + ONE] = fires[E]
    fresh = np.zeros(size, np.uint64)  # a lane in which a trajectory begins
    for u in range(units):
        if p.plain or rows.first.size:
            fresh[TOUCHED + (u >> U(6))] |= ONE << (u & U(63))
    for m in range(M):
        fresh[status + m] = p.start[m]
        if p.twin[m] < M:
            fresh[status + M + p.pair[m]] = max(p.start[m], p.start[p.twin[m]])
        for w in range(W):
            fresh[admits + m * W + w] = p.admits[(m * S + p.start[m]) * W + w]
    for w in range(W):
        fresh[MASKS + w] = p.forced[w]
        fresh[MASKS + U(4) * W + w] = p.roots[w] if p.plain else p.forced[w]
    for e in range(E):
        due = U(max(p.base[e], 0.0))  # of no account unless the event is forced
        fresh[clock + e] = due << TICK | e if due < U(p.end) else OFF
    go, passed = np.zeros((E + ONE) * S, np.uint64), np.zeros(((E + ONE) * S * R) if p.plain else U(0), np.uint32)
    if p.plain:
        for e in range(E + ONE):
            for s in range(S):
                go[e * S + s] = s | inert[e] << U(8)
                if fires[e + ONE] > fires[e]:
                    d = U(p.leads[p.way[fires[e]] + s])
                    go[e * S + s] = s if d == STAYS else d | U(256)
    watched = log.tick.size > 0 or rows.when.size > 0 or not p.plain
    fates, touched = np.zeros(BATCH * W * U(5), np.uint64), np.zeros(units, np.int64)
    numbers = np.zeros(4, np.uint64)
    numbers[0] = n
    once, renewed, tables, points, needs, joint_of, gates = p.once, p.renewed, p.tables, p.points, p.needs, p.joint, p.admits
    choice_once, choice_joint, option_mask, choice_key = p.choice_once, p.choice_joint, p.option_mask, p.choice_key
    options, option, cut, forced = p.options, p.option, p.cut, p.forced
    occupancy, time, row_time = out.occupancy, out.time, rows.time
    mission, way, leads, twin, pair, fired = p.mission, p.way, p.leads, p.twin, p.pair, np.zeros(E, np.int64)

    z[:] = ZERO
    for l in range(L):
        z[KEY * L + l] = OFF
        z[NUMBER * L + l] = OFF
        for i in range(units * S):
            z[(entered + U(2) * i) * L + l] = OFF
    armed, rounds = ZERO, ZERO
    while True:
        # trajectories that have come to their end, and new ones in their lanes
        ended = ZERO
        for l in range(L):
            ended |= U(z[KEY * L + l] >= GONE) << l
        runaway = turn_over(z, words, g, ended, fresh, forced, armings, numbers, rounds, fates, touched, out, rows, low)
        if runaway >= 0:
            return runaway
        if numbers[2] == n:
            break
        if rounds & U(255) == ZERO:
            for l in range(L):
                if z[NUMBER * L + l] != OFF and rounds - z[BEGUN * L + l] > MOST_FIRINGS:
                    return np.int64(z[NUMBER * L + l])
        rounds += ONE

        if p.plain:
            fire_plain(z, g, go, gates, passed, time, row_time, low)
        else:
            fire(z, words, g, fires, mission, way, leads, twin, pair, inert, calls, bars, gates, occupancy, time, row_time, low)
        if watched:
            record(z, g, low, fired, rows, log)
        if p.plain:
            settle_plain(z, calls[E])
        else:
            shut(z, words, g)
            if C > ZERO:
                choose(z, words, g, puts, choice_once, choice_joint, option_mask, needs, choice_key, options, option, cut, c1, k0, k1)
            if joint:
                join(z, words, joint_of, needs)
            call(z, words, once, renewed)

        # a turn for every lane as long as most have something to arm, then what is left one by one
        some, n_queue = L, ZERO
        while W == ONE:
            some = ZERO
            for l in range(L):
                some += U(z[(MASKS + U(10)) * L + l] != ZERO)
            if some * U(8) < L * U(5):
                break
            armed += slot(z, q, x, armings, g, n_queue, chancy)
            n_queue += L
            if n_queue == U(2) * L:
                draw(z, q, v, x, y, tables, points, others, g, n_queue, c1, k0, k1, chancy)
                n_queue = ZERO
        if n_queue:
            draw(z, q, v, x, y, tables, points, others, g, n_queue, c1, k0, k1, chancy)
        l = ZERO if some else L
        while l < L:
            n_queue, l = enqueue(z, words, q, x, armings, g, l)
            armed += n_queue
            draw(z, q, v, x, y, tables, points, others, g, n_queue, c1, k0, k1, chancy)
        next_due(z, words, g, doubtful)

    add_fates(fates, numbers[3], W, E, out.fate)
    for u in range(units):
        cell = u * S + fresh[status + u]
        out.occupancy[cell * R] += np.int64(n)
        still = np.int64(n) - touched[u]  # trajectories in which the unit stayed as it was
        out.first[cell * R] += still
        out.last[cell * R + g.end // DAY] += still
        out.time[cell] += g.end * U(still)
        out.peak[cell] += still
    if p.plain:
        for e in range(E):
            for s in range(S):
                d = go[e * S + s] & U(255)
                for day in range(R):
                    count = np.int64(passed[(e * S + s) * R + day])
                    out.occupancy[s * R + day] -= count
                    out.occupancy[d * R + day] += count
                    if not watched:
                        fired[e] += count
    for e in range(E):
        out.fired[e] += fired[e]
        out.total[1] += fired[e]
    out.total[0] += np.int64(n)
    out.total[2] += np.int64(armed)
    return np.int64(-1)


def _cached(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function, and keep what is compiled for the next time wherever that can be written."""
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no place to write: neither beside the package nor in the user's own folders
        return njit(nogil=True, error_model="numpy")(function)


simulate = _cached(_simulate)

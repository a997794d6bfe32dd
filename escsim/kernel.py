"""The compiled stepper: many trajectories at once over the arrays of a `Process`, with streaming integer outputs.

It does what `escsim.stepper` does, bit for bit; `tests/test_kernel.py` compares the two step by step. Trajectories
run in *lanes*: in each round every lane fires the event that is due next, and the events that this arms wait in a
queue; then the random blocks of the whole queue are computed together, which the processor does several at a time.

Letters as in `escsim.process`; and `l` lane, `u` unit (a mission, or after them a pair, whose status is the more
severe of its two missions'), `w` word of a mask. A clock is `tick << 8 | event`, so that the smallest one names the
event that fires next and settles ties by place in the file. All integers are unsigned: numba turns a mixture of
signed and unsigned into floats. No mathematics library is called, and `fastmath` is never set, so that results do
not depend on the processor. Sizes that the compiler should know come as tuples of that length (`words`, `rows`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

U = np.uint64
LANES = 64
MOST_FIRINGS = U(10_000)
OFF = U(0xFFFF_FFFF_FFFF_FFFF)  # a clock that does not run
ONE, ZERO, LOW = U(1), U(0), U(0xFFFF_FFFF)
DAY = U(86_400_000_000)
STAYS = U(255)
CELLS, OCTAVES = U(64), U(57)
BATCH = U(128)
TOP = U(0x7FFF_FFFF_FFFF_FFFF)
NEVER = float(1 << 55)
TRIANGULAR, STEP, LINEAR, ABSOLUTE = U(1), U(2), U(3), U(4)
HAPPENED, CHANCE, CANCELLED, MOOT, CENSORED = range(5)  # fates of an event, in the order of the output


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
    when, count : int64, shape (n * events,)
        Tick of each event's first happening, and how often it happened.
    """

    first: Any
    last: Any
    time: Any
    when: Any
    count: Any


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


@intrinsic
def leading(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Count the leading zeros of a 64-bit word (64 for 0)."""
    return types.uint64(types.uint64), lambda context, builder, _, args: builder.ctlz(args[0], context.get_constant(types.boolean, False))


@intrinsic
def lowest(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Give the number of the lowest bit that is set."""
    return types.uint64(types.uint64), lambda context, builder, _, args: builder.cttz(args[0], context.get_constant(types.boolean, False))


@njit(nogil=True, inline="always")
def round_of(c0, c1, c2, c3, k0, k1):
    """Give the next state of Philox4x32."""
    p0 = U(0xD2511F53) * c0
    p1 = U(0xCD9E8D57) * c2
    return (p1 >> U(32)) ^ c1 ^ k0, p1 & LOW, (p0 >> U(32)) ^ c3 ^ k1, p0 & LOW


@njit(nogil=True, inline="always")
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


@njit(nogil=True)
def other_law(p, e, word):
    """Give a delay whose law has no quantile table."""
    u = float(word >> U(11)) * 2.0**-53
    at, many = p.at[e], p.many[e]
    if p.law[e] == TRIANGULAR:
        if u < p.points[at]:
            return p.base[e] + np.sqrt(u * p.points[at + U(1)])
        return p.points[at + U(3)] - np.sqrt((1.0 - u) * p.points[at + U(2)])
    i = ZERO
    while u >= p.points[at + i]:
        i += ONE
    times = at + many
    if p.law[e] == STEP:
        return p.points[times + i]
    low, high = p.points[times + i - ONE], p.points[times + i]
    return low + (u - p.points[at + i - ONE]) / (p.points[at + i] - p.points[at + i - ONE]) * (high - low)


@njit(nogil=True, inline="always")
def tabled(tables, at, word):
    """Look a quantile up: `escsim.distributions.look_up`."""
    side = word >> U(63)
    tail = (word ^ (ZERO - side)) & TOP
    octave = leading(tail) - ONE
    if octave >= OCTAVES:
        octave, tail = OCTAVES - ONE, ONE << (U(63) - OCTAVES)
    below = U(56) - octave
    cell = (tail >> below) & (CELLS - ONE)
    t = float(tail & ((ONE << below) - ONE)) * (1.0 / float(ONE << below))
    i = at + U(4) * ((side * OCTAVES + octave) * CELLS + cell)
    return ((tables[i + U(3)] * t + tables[i + U(2)]) * t + tables[i + ONE]) * t + tables[i]


@njit(nogil=True)
def add_fates(fates, n, W, E, totals):
    """Count the bits of the masks that the last `n` trajectories left, event by event."""
    for e in range(E):
        w, bit = e >> U(6), e & U(63)
        for kind in range(U(5)):
            count = ZERO
            for i in range(n):
                count += (fates[(i * W + w) * U(5) + kind] >> bit) & ONE
            totals[kind * E + e] += np.int64(count)


@njit(nogil=True, cache=True)
def simulate(p, words, seed, first_trajectory, n, out, tails, singles, log):
    """Run trajectories `first_trajectory` to `first_trajectory + n - 1`.

    Parameters
    ----------
    p : Process
    words : tuple of int
        As long as a mask over events has words, so that the compiler knows.
    seed, first_trajectory, n : int
    out : Output
        Added to.
    tails : tuple or None
        Not None if some delay has a law without a table.
    singles : Rows or None
        If given, filled with a row for each trajectory.
    log : Log or None
        If given, filled with every firing.

    Returns
    -------
    int
        -1, or the number of a trajectory in which 10,000 events fired.
    """
    E, M, S, C, W = U(p.n_events), U(p.n_missions), U(p.n_statuses), U(p.n_choices), U(len(words))
    EP = (E + U(7)) & ~U(7)
    units = M + U(p.n_pairs)
    cells = units * S
    end, day_row = U(p.end), U(p.days) + ONE
    k0, k1 = U(seed) & LOW, U(seed) >> U(32)
    n, first_trajectory = U(n), U(first_trajectory)
    lanes = U(min(LANES, n))

    # A lane is one row of `z`: trajectory, now, firings, choices put; the masks, W words each; status, since and seen
    # of every unit; calls of every choice; armings and clock of every event.
    ACT, CALLED, REFUSED, DEAD = U(4), U(4) + W, U(4) + U(2) * W, U(4) + U(3) * W
    USED, HAPPENED, FIRED, HOLD = U(4) + U(4) * W, U(4) + U(5) * W, U(4) + U(6) * W, U(4) + U(7) * W
    UNIT = U(4) + U(8) * W
    CHOSEN = UNIT + U(3) * units
    ARMINGS = CHOSEN + C
    CLOCK = ARMINGS + EP
    stride = CLOCK + EP
    z = np.zeros(LANES * stride, np.uint64)
    entered, left = np.zeros(LANES * cells, np.uint64), np.zeros(LANES * cells, np.uint64)
    alive = np.arange(LANES).astype(np.uint64)
    size = LANES * EP + U(2)
    q_lane, q_event = np.empty(size, np.uint64), np.empty(size, np.uint64)
    q0, q1, q2, q3 = np.empty(size, np.uint64), np.empty(size, np.uint64), np.empty(size, np.uint64), np.empty(size, np.uint64)
    picked = np.zeros(W, np.uint64)
    fates, closed = np.zeros(BATCH * W * U(5), np.uint64), ZERO

    # An event is one row of `x`: its moves, the choices it puts, whether it acts; calls and bars, W words each.
    wide = U(4) + U(2) * W
    x = np.zeros(E * wide, np.uint64)
    for e in range(E):
        x[e * wide], x[e * wide + ONE], x[e * wide + U(2)], x[e * wide + U(3)] = p.fires[e], p.fires[e + ONE], p.puts[e], U(p.acts[e])
        for w in range(W):
            x[e * wide + U(4) + w], x[e * wide + U(4) + W + w] = p.calls[e * W + w], p.bars[e * W + w]

    # The row in which every lane starts.
    fresh_row = np.zeros(stride, np.uint64)
    for m in range(M):
        fresh_row[UNIT + U(3) * m] = p.start[m]
        if p.twin[m] < M:
            fresh_row[UNIT + U(3) * (M + p.pair[m])] = max(p.start[m], p.start[p.twin[m]])
    for w in range(W):
        fresh_row[ACT + w] = p.forced[w]
        fresh_row[HOLD + w] = OFF
        for m in range(M):
            fresh_row[HOLD + w] &= p.admits[(m * S + p.start[m]) * W + w]
        bits = p.forced[w]
        while bits:
            e = U(64) * w + lowest(bits)
            bits &= bits - ONE
            due = U(p.base[e])
            fresh_row[CLOCK + e] = due << U(8) | e if due < end else OFF

    begun, n_queue, armed, fired = ZERO, ZERO, ZERO, ZERO
    for l in range(lanes):
        z[l * stride + ONE] = OFF  # to be begun
    while lanes > ZERO:
        i = ZERO
        while i < lanes:
            l = alive[i]
            b = l * stride
            key = OFF
            if z[b + ONE] != OFF:
                for w in range(W):
                    runs = z[b + ACT + w] & ~z[b + REFUSED + w]
                    at = b + CLOCK + U(64) * w
                    for g in range(min(U(8), (EP >> U(3)) - U(8) * w)):
                        for j in range(U(8) * g, U(8) * g + U(8)):
                            c = z[at + j] | (((runs >> j) & ONE) - ONE)  # all ones where no clock runs
                            key = c if c < key else key
                if key == OFF:  # nothing more is due: close the trajectory
                    number = z[b] - first_trajectory
                    for u in range(units):
                        unit = b + UNIT + U(3) * u
                        s, t0, seen = z[unit], z[unit + ONE], z[unit + U(2)]
                        if t0 < end:
                            at = l * cells + u * S + s
                            entered[at] = entered[at] if (seen >> s) & ONE else t0
                            left[at] = end
                            seen |= ONE << s
                            out.time[u * S + s] += end - t0
                            if singles is not None:
                                singles.time[number * cells + u * S + s] += end - t0
                        out.peak[u * S + U(63) - leading(seen)] += 1
                        while seen:
                            cell = u * S + lowest(seen)
                            seen &= seen - ONE
                            at = l * cells + cell
                            out.first[cell * day_row + entered[at] // DAY] += 1
                            out.last[cell * day_row + left[at] // DAY] += 1
                            if singles is not None:
                                singles.first[number * cells + cell] = entered[at]
                                singles.last[number * cells + cell] = left[at]
                    for w in range(W):
                        h, f, a, r, c = z[b + HAPPENED + w], z[b + FIRED + w], z[b + ACT + w], z[b + REFUSED + w], z[b + USED + w]
                        at = (closed * W + w) * U(5)
                        fates[at] = h
                        fates[at + ONE] = r & ~f
                        fates[at + U(2)] = c & ~f & ~a
                        fates[at + U(3)] = f & ~h
                        fates[at + U(4)] = a & ~r & ~f
                    closed += ONE
                    if closed == BATCH:
                        add_fates(fates, closed, W, E, out.fate)
                        closed = ZERO
            if key == OFF:
                if begun == n:  # none left for this lane
                    lanes -= ONE
                    alive[i] = alive[lanes]
                    alive[lanes] = l
                    continue
                for j in range(stride):
                    z[b + j] = fresh_row[j]
                z[b] = first_trajectory + begun
                begun += ONE
                e, live = E, OFF
                puts = p.choice_roots[0]
            else:
                # the event that is due next fires
                e, t = key & U(255), key >> U(8)
                z[b + ONE] = t
                z[b + U(2)] += ONE
                if z[b + U(2)] == MOST_FIRINGS:
                    return np.int64(z[b])
                fired += ONE
                out.fired[e] += 1
                row = e * wide
                w, bit = e >> U(6), ONE << (e & U(63))
                z[b + ACT + w] &= ~bit
                z[b + CALLED + w] &= ~bit
                z[b + FIRED + w] |= bit
                moved = False
                for j in range(x[row], x[row + ONE]):
                    m = p.mission[j]
                    unit = b + UNIT + U(3) * m
                    s = z[unit]
                    d = U(p.leads[p.way[j] + s])
                    if d == STAYS:
                        continue
                    moved = True
                    if d == s:
                        continue
                    # the mission and, if its status changes too, the pair go from s to d
                    day = t // DAY
                    u, before, after = m, s, d
                    twin = p.twin[m]
                    while True:
                        cell = u * S + before
                        out.occupancy[cell * day_row + day] -= 1
                        out.occupancy[(u * S + after) * day_row + day] += 1
                        t0 = z[unit + ONE]
                        if t > t0:  # time has passed in the status that is left
                            seen = z[unit + U(2)]
                            at = l * cells + cell
                            entered[at] = entered[at] if (seen >> before) & ONE else t0
                            left[at] = t
                            out.time[cell] += t - t0
                            if singles is not None:
                                singles.time[(z[b] - first_trajectory) * cells + cell] += t - t0
                            z[unit + ONE] = t
                            z[unit + U(2)] = seen | ONE << before
                        z[unit] = after
                        if u != m or twin == M:
                            break
                        u = M + p.pair[m]
                        unit = b + UNIT + U(3) * u
                        before, after = z[unit], max(d, z[b + UNIT + U(3) * twin])
                        if before == after:
                            break
                    # gates that name the mission
                    for w2 in range(W):
                        g = p.gated[m * W + w2]
                        tied = p.entangled[w2]
                        h = (z[b + HOLD + w2] & ~g) | (p.admits[(m * S + d) * W + w2] & g)
                        if g & tied:
                            every = OFF
                            for m2 in range(M):
                                every &= p.admits[(m2 * S + z[b + UNIT + U(3) * m2]) * W + w2]
                            h = (h & ~tied) | (every & tied)
                        z[b + HOLD + w2] = h
                moot = x[row + U(3)] != ZERO and not moved
                live = ZERO if moot else OFF
                z[b + HAPPENED + w] |= bit & live
                puts = x[row + U(2)] & live
                if log is not None:
                    place = log.used[0]
                    if place < log.tick.size:
                        log.trajectory[place] = z[b]
                        log.tick[place] = t
                        log.event[place] = e | (ONE << U(32) if moot else ZERO)
                    log.used[0] = place + 1
                if singles is not None and not moot:
                    at = (z[b] - first_trajectory) * E + e
                    if singles.count[at] == 0:
                        singles.when[at] = t
                    singles.count[at] += 1
                # bars, then gates
                for w in range(W):
                    barred = x[row + U(4) + W + w] & live
                    a = z[b + ACT + w]
                    lost = a & (barred | ~z[b + HOLD + w])
                    z[b + REFUSED + w] &= ~lost
                    z[b + ACT + w] = a & ~lost
                    z[b + CALLED + w] &= ~barred
                    z[b + DEAD + w] |= barred

            # choices
            for w in range(W):
                picked[w] = ZERO
            while puts:
                c = lowest(puts)
                puts &= puts - ONE
                flag = ONE << c
                if z[b + U(3)] & p.choice_once[0] & flag:
                    continue
                busy = ZERO
                for w in range(W):
                    busy |= z[b + CALLED + w] & ~z[b + REFUSED + w] & p.option_mask[c * W + w]
                    if p.choice_joint[0] & flag:
                        busy |= p.needs[(E + c) * W + w] & ~z[b + HAPPENED + w]
                if busy:
                    continue
                z[b + U(3)] |= flag
                _, word = philox(z[b] & LOW, z[b] >> U(32), p.choice_key[c], z[b + CHOSEN + c], k0, k1)
                z[b + CHOSEN + c] += ONE
                o = p.options[c]
                while word >= p.cut[o]:
                    o += ONE
                f = p.option[o]
                if f < E:
                    picked[f >> U(6)] |= ONE << (f & U(63))

            # calls, and the arming of what may run
            for w in range(W):
                if e < E:
                    cand = x[e * wide + U(4) + w] & live
                    bits = cand & p.joint[w]
                    while bits:
                        f = lowest(bits)
                        bits &= bits - ONE
                        for w2 in range(W):
                            if p.needs[(U(64) * w + f) * W + w2] & ~z[b + HAPPENED + w2]:
                                cand &= ~(ONE << f)
                    if w == e >> U(6):
                        cand |= p.renewed[w] & (ONE << (e & U(63)))
                else:
                    cand = p.roots[w]
                used = z[b + USED + w]
                cand = (cand | picked[w]) & ~z[b + DEAD + w] & ~(used & p.once[w])
                z[b + USED + w] = used | cand
                refused = z[b + REFUSED + w]
                a = z[b + ACT + w] & ~(refused & cand)
                z[b + REFUSED + w] = refused & ~cand
                o = z[b + CALLED + w] | cand
                z[b + CALLED + w] = o
                bits = o & z[b + HOLD + w] & ~a
                z[b + ACT + w] = a | bits
                at = b + ARMINGS + U(64) * w
                for _ in range(2):  # one or two are the rule: no branch for them
                    f = lowest(bits) & U(63)
                    some = U(bits != ZERO)
                    bits &= bits - some
                    q_lane[n_queue] = b
                    q_event[n_queue] = U(64) * w + f
                    q3[n_queue] = z[at + f]
                    z[at + f] += some
                    n_queue += some
                while bits:
                    f = lowest(bits)
                    bits &= bits - ONE
                    q_lane[n_queue] = b
                    q_event[n_queue] = U(64) * w + f
                    q3[n_queue] = z[at + f]
                    z[at + f] += ONE
                    n_queue += ONE
            i += ONE

        # the draws of this round
        for j in range(n_queue):
            number = z[q_lane[j]]
            q0[j] = number & LOW
            q1[j] = number >> U(32)
            q2[j] = p.key[q_event[j]]
        for j in range(n_queue):
            q0[j], q2[j] = philox(q0[j], q1[j], q2[j], q3[j], k0, k1)
        for j in range(n_queue):
            b, e, word = q_lane[j], q_event[j], q0[j]
            now = z[b + ONE]
            if tails is not None and p.law[e] != 0:
                if p.law[e] == ABSOLUTE:
                    due = max(now, U(p.base[e]))
                else:
                    delay = other_law(p, e, word)
                    due = now + U(np.int64(delay + 0.5)) if delay < NEVER else end
            else:
                delay = p.base[e] + p.scale[e] * tabled(p.tables, p.at[e], word)
                due = now + U(np.int64(delay + 0.5)) if delay < NEVER else end
            yes = q2[j] < p.chance[e]
            z[b + CLOCK + e] = (due << U(8) | e) if yes and due < end else OFF
            z[b + REFUSED + (e >> U(6))] |= ZERO if yes else ONE << (e & U(63))
        armed += n_queue
        n_queue = ZERO

    add_fates(fates, closed, W, E, out.fate)
    for u in range(units):
        out.occupancy[(u * S + fresh_row[UNIT + U(3) * u]) * day_row] += n
    out.total[0] += n
    out.total[1] += fired
    out.total[2] += armed
    return np.int64(-1)

"""What the kernel is measured against: a bare random number loop, a plain `transitions` loop, and NumPy in lock-step (twice).

All but the first solve W1 and W2 as somebody would who has no kernel. Like `Ensemble.counts` they give the number of
trajectories in each status at the end of each day, and beside it the number of events.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from random import Random

import numpy as np
from numba import njit
from numpy.typing import NDArray
from transitions import Machine

Counts = NDArray[np.int64]
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
LockStep = Callable[[dict[str, Draw], int, int, int], tuple[Counts, int]]

DAYS = 60
STATUSES = ["normal", "restored", "downgraded", "envoys_recalled"]
EVENTS = [  # id, trigger, from, to
    ("a", "downgrade", "normal", "downgraded"),
    ("b", "recall", "downgraded", "envoys_recalled"),
    ("c", "raise_", "downgraded", "normal"),
    ("d", "return_", "envoys_recalled", "restored"),
    ("e", "leave", "envoys_recalled", "downgraded"),
    ("f", "settle", "restored", "normal"),
    ("g", "downgrade", "restored", "downgraded"),
]
RATES = {"a": 0.20, "b": 0.50, "c": 0.10, "d": 0.25, "e": 0.05, "f": 0.40, "g": 0.05}  # of W1, per day

BLOCK = 1024  # blocks of random numbers at a time: what they need stays in the cache
U = np.uint64


def transitions_loop(n: int, seed: int) -> tuple[Counts, int]:
    """Run W1 on one `transitions` machine: a clock for each event that the status admits, the least of them fires."""
    expovariate = Random(seed).expovariate
    machine = Machine(states=STATUSES, initial="normal", auto_transitions=False)
    for _, trigger, source, dest in EVENTS:
        machine.add_transition(trigger, source, dest)
    clocks = {status: [(RATES[e], getattr(machine, trigger)) for e, trigger, source, _ in EVENTS if source == status] for status in STATUSES}
    counts = {status: [0] * DAYS for status in STATUSES}
    fired = 0
    for _ in range(n):
        machine.set_state("normal")
        now, day = 0.0, 0
        while now < DAYS:
            status = machine.state
            delay, fire = inf, None
            for rate, trigger in clocks[status]:
                drawn = expovariate(rate)
                if drawn < delay:
                    delay, fire = drawn, trigger
            now += delay
            last = min(int(now), DAYS)
            for d in range(day, last):
                counts[status][d] += 1
            day = last
            if now < DAYS:
                fire()
                fired += 1
    return np.array(list(counts.values())), fired


def draws_of_w1() -> dict[str, Draw]:
    """Give a way to draw each delay of W1, in days."""
    return {e: lambda rng, n, mean=1 / rate: rng.standard_exponential(n) * mean for e, rate in RATES.items()}


def draws_of_w2() -> dict[str, Draw]:
    """Give a way to draw each delay of W2, in days; `f` is armed with chance 0.9 and never comes about if not."""
    return {
        "a": lambda rng, n: 5.0 * np.cbrt(np.square(rng.standard_exponential(n))),  # Weibull with shape 1.5
        "b": lambda rng, n: np.exp(0.6 * rng.standard_normal(n) + np.log(2.0)),
        "c": lambda rng, n: 5.0 * rng.standard_gamma(2.0, n),
        "d": lambda rng, n: np.exp(0.5 * rng.standard_normal(n) + np.log(4.0)),
        "e": lambda rng, n: 20.0 * rng.standard_exponential(n),
        "f": lambda rng, n: np.where(rng.random(n) < 0.9, 3.0, np.inf),
        "g": lambda rng, n: 20.0 * rng.standard_exponential(n),
    }


def masked(draws: dict[str, Draw], n: int, seed: int, chunk: int) -> tuple[Counts, int]:
    """Run W1 or W2 with NumPy, the plain way: a clock for every event and trajectory, masked; the least of each fires."""
    rng = np.random.Generator(np.random.SFC64(seed))
    source, dest = (np.array([STATUSES.index(event[place]) for event in EVENTS]) for place in (2, 3))
    change = np.zeros(len(STATUSES) * (DAYS + 1), np.int64)
    change[0] = n
    fired = 0
    for first in range(0, n, chunk):
        size = min(chunk, n - first)
        now, status, on = np.zeros(size), np.zeros(size, np.int64), np.ones(size, bool)
        while on.any():
            clocks = np.full((len(EVENTS), size), np.inf)
            for e, event in enumerate(EVENTS):
                here = on & (status == source[e])
                clocks[e, here] = draws[event[0]](rng, np.count_nonzero(here))
            now = np.where(on, now + clocks.min(axis=0), now)
            on &= now < DAYS
            day, entered = now[on].astype(np.int64), dest[clocks.argmin(axis=0)[on]]
            change -= np.bincount(status[on] * (DAYS + 1) + day, minlength=change.size)
            change += np.bincount(entered * (DAYS + 1) + day, minlength=change.size)
            status[on] = entered
            fired += day.size
    return change.reshape(len(STATUSES), -1).cumsum(axis=1)[:, :DAYS], fired


def grouped(draws: dict[str, Draw], n: int, seed: int, chunk: int) -> tuple[Counts, int]:
    """Do the same as quickly as NumPy can: by status, only the clocks that it admits, and nothing for who is through.

    It counts the firings of each event by day alone: an event leaves only one status here, so they say who was where.
    """
    rng = np.random.Generator(np.random.SFC64(seed))
    leaving = [[e for e, event in enumerate(EVENTS) if event[2] == status] for status in STATUSES]
    dest = np.array([STATUSES.index(event[3]) for event in EVENTS], np.int8)
    by_day = np.zeros(len(EVENTS) * DAYS, np.int64)
    for first in range(0, n, chunk):
        now = np.zeros(min(chunk, n - first))
        status = np.zeros(now.size, np.int8)
        while now.size:
            event = np.empty(now.size, np.intp)
            for s, (one, *others) in enumerate(leaving):
                here = np.flatnonzero(status == s)
                delay, winner = draws[EVENTS[one][0]](rng, here.size), one
                for other in others:
                    rival = draws[EVENTS[other][0]](rng, here.size)
                    winner = np.where(rival < delay, other, winner)
                    delay = np.minimum(delay, rival)
                now[here] += delay
                event[here] = winner
            on = now < DAYS
            now, event = now[on], event[on]
            by_day += np.bincount(event * DAYS + now.astype(np.intp), minlength=by_day.size)
            status = dest[event]
    change = np.zeros((len(STATUSES), DAYS), np.int64)
    change[0, 0] = n
    for e, firings in enumerate(by_day.reshape(-1, DAYS)):
        change[STATUSES.index(EVENTS[e][2])] -= firings
        change[dest[e]] += firings
    return change.cumsum(axis=1), int(by_day.sum())


@njit(nogil=True, inline="always")
def _round(c0, c1, c2, c3, k0, k1):
    p0, p1 = U(0xD2511F53) * c0, U(0xCD9E8D57) * c2
    low = U(0xFFFFFFFF)
    return (p1 >> U(32)) ^ c1 ^ k0, p1 & low, (p0 >> U(32)) ^ c3 ^ k1, p0 & low


@njit(nogil=True, error_model="numpy")
def philox_loop(counters, words, k0, k1, times):
    """Make `BLOCK` blocks of Philox4x32-10 `times` over, and nothing else: the delay's 64-bit word, and x2.

    `counters` holds trajectory (low, high), key and k, `BLOCK` of each after one another; `words` the delay's words and
    then the x2. The key of each turn is its own. Ten rounds are written out, so that the compiler computes several
    blocks at once; every 32-bit number is held in 64 bits, which is the quickest way.
    """
    size, low, w0, w1 = U(BLOCK), U(0xFFFFFFFF), U(0x9E3779B9), U(0xBB67AE85)
    for turn in range(times):
        a, b = (k0 + U(turn)) & low, k1
        for j in range(size):
            c0, c1, c2, c3 = counters[j], counters[size + j], counters[U(2) * size + j], counters[U(3) * size + j]
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, a, b)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + w0) & low, (b + w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(2) * w0) & low, (b + U(2) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(3) * w0) & low, (b + U(3) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(4) * w0) & low, (b + U(4) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(5) * w0) & low, (b + U(5) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(6) * w0) & low, (b + U(6) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(7) * w0) & low, (b + U(7) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(8) * w0) & low, (b + U(8) * w1) & low)
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, (a + U(9) * w0) & low, (b + U(9) * w1) & low)
            words[j] = c0 | (c1 << U(32))
            words[size + j] = c2


def philox(times: int, seed: int = 0) -> NDArray[np.uint64]:
    """Give the last turn of `philox_loop` over some counters: the words and the x2 of trajectories 0, 1, 2, ..."""
    counters = np.zeros(4 * BLOCK, np.uint64)
    counters[:BLOCK] = np.arange(BLOCK)
    counters[2 * BLOCK : 3 * BLOCK] = 0x1234_5678
    words = np.zeros(2 * BLOCK, np.uint64)
    philox_loop(counters, words, U(seed & 0xFFFF_FFFF), U(seed >> 32), times)
    return words

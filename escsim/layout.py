"""A process laid out for the kernel: what is read together stands together, and places are worked out beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from escsim.distributions import CELLS, OCTAVES, SIDE
from escsim.given import Given
from escsim.kernel import ALL, BEGINS, LINEAR, NOT_EVER, OFF, ONE, STEP, TICK, ZERO, Beginning, L, Packed, Sizes, U
from escsim.process import STAYS, Process
from escsim.stepper import State

NO_ADDRESS = ALL << U(46)  # chance never says no, and nobody asks
APART = 1 << 18  # from the lower side of a table to the upper: the sign bit of a float less the 47 bits that tell no cell, and 4 numbers a cell
FIRST_PLACE = U((1023 + 63 - OCTAVES) * CELLS * 4)  # of the least tail, by its exponent


def spread(tables: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Lay quantile tables out so that sign, exponent and highest bits of a tail, as a float, are the place of its cell.

    What is left free takes no memory, since nobody touches it.

    Returns
    -------
    tables : float
    places : uint64, shape (shapes,)
        What is to be added to the place, for each shape.
    """
    shapes = tables.reshape(-1, 2, SIDE)
    number, many = np.arange(len(shapes)), APART // SIDE
    places = number // many * 2 * APART + number % many * SIDE
    room = np.zeros((int(number[-1]) // many + 1) * 2 * APART)
    for place, shape in zip(places, shapes, strict=True):
        room[place : place + SIDE], room[place + APART : place + APART + SIDE] = shape
    return room, places.astype(U) - FIRST_PLACE


class Columns(NamedTuple):
    """Where in the row with which a trajectory begins its parts start, after the choices put before."""

    called: int
    refused: int
    denied: int
    dead: int
    used: int
    happened: int
    fired: int
    chosen: int
    counters: int
    clocks: int
    act: int = 1


def columns(p: Process) -> Columns:
    """Give the columns of a process."""
    W = p.n_words
    chosen = 1 + W * int(BEGINS)
    called, refused, denied, dead, used, happened, fired = range(1 + W, chosen, W)
    return Columns(called, refused, denied, dead, used, happened, fired, chosen, chosen + p.n_choices, chosen + p.n_choices + p.n_events)


def clocks(p: Process, due: NDArray[np.int64], events: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Give the clocks of events that are due at these ticks."""
    return np.where(due < p.end, due.astype(U) << TICK | events.astype(U), OFF)


def mask(p: Process, events: Iterable[int]) -> NDArray[np.uint64]:
    """Give a mask over events."""
    bits = sum(1 << e for e in set(events))
    return np.array([bits >> 64 * w & int(ALL) for w in range(p.n_words)], U)


def pack(p: Process, given: Given | None = None) -> Packed:
    """Lay a process out for the kernel, to be run from the beginning or from the day of a forecast."""
    if given is not None:
        p = p._replace(depth=0)
    E, M, S, C, W, R = p.n_events, p.n_missions, p.n_statuses, p.n_choices, p.n_words, p.days + 1
    units = M + p.n_pairs
    rows = 4 * units * S  # in `now` first and last tick, time and entries of every status of every unit, and then status and tick of the units
    paired = p.twin < M

    laws = np.zeros((E + 1, 8), U)
    laws[:E, 0], laws[:E, 4], laws[E, 0] = p.chance, p.law, 1 << 32
    tables, places = spread(p.tables)
    laws[:E, 1], laws[:E, 5] = np.where(p.law == 0, places[np.where(p.law == 0, p.at, 0) // (2 * SIDE)], 0), p.at
    empirical = (p.law == STEP) | (p.law == LINEAR)
    laws[:E, 2] = np.where(empirical, p.many.astype(float), p.base).view(U)
    laws[:E, 3] = p.scale.view(U)
    laws[E, 2] = NOT_EVER

    rules = np.zeros((512, 4 + 2 * W), U)
    rules[:E, 0], rules[:E, 1] = np.where(p.acts, ZERO, ALL), p.puts
    rules[:E, 2], rules[:E, 3] = 8 * p.fires[:-1], 8 * p.fires[1:]
    rules[:E, 4 : 4 + W], rules[:E, 4 + W :] = p.calls.reshape(E, W), p.bars.reshape(E, W)
    rules[E, 0], rules[E, 1], rules[E, 4 : 4 + W] = ALL, p.choice_roots[0], p.roots

    n = int(p.fires[-1])
    m, status = p.mission[:n].astype(int), np.arange(S)
    to = p.leads[p.way[:n, None].astype(int) + status].astype(int)
    admits = p.admits.reshape(M, S, W) if M else np.zeros((1, S, W), U)
    ways, moves = np.zeros((n, S, 8), U), np.zeros((n, 8), U)
    dest = np.where(to == STAYS, 0, to)
    ways[:, :, 0], ways[:, :, 1], ways[:, :, 2] = to, (m[:, None] * S + status) * R, (m[:, None] * S + dest) * R
    ways[:, :, 3], ways[:, :, 4 : 4 + W] = 4 * (m[:, None] * S + status), admits[m[:, None], dest]
    pair = M + p.pair[m].astype(int)
    moves[:, 0], moves[:, 3], moves[:, 5] = rows + 2 * m, 8 * S * np.arange(n), m * W * int(L)
    moves[:, 1], moves[:, 2] = np.where(paired[m], rows + 2 * pair, 0), pair * S * R
    moves[:, 4], moves[:, 6] = rows + 2 * p.twin[m].astype(int), 4 * pair * S

    # the high bits of chance stand above the number of the arming, so that the draws of eight lanes are looked over at once
    coarse = np.where((p.law == 0) & (p.chance > 0), p.chance - ONE, ZERO) >> U(14)
    addresses = p.key | coarse << U(46)

    special = (p.law != 0) | (p.chance < 1 << 32)
    certain = (p.law == 0) & (p.scale == 0.0) & (p.chance == 1 << 32)
    looked_over = 0 if p.depth or not special.any() else E * int(L)
    go, runs = np.zeros((512, 8), U), np.zeros(S, U)
    go[:, 3] = np.minimum(np.arange(512), E + 1) * R
    slots = np.zeros((S, 4, 2), U)
    if p.depth:
        slots[:] = NO_ADDRESS, E << 6
        runs = admits[0, :, 0] & (ALL >> U(64 - E))
        filled = np.zeros(S, int)
        for e in np.argsort(~special, stable=True):
            left = int(np.flatnonzero(runs >> U(e) & ONE)[0])
            go[e, :3] = 4 * left, 4 * to[p.fires[e], left], to[p.fires[e], left]
            slots[left, filled[left]] = addresses[e], e << 6
            filled[left] += 1
            looked_over = max(looked_over, int(L) * int(filled[left]) * bool(special[e]))
        go[E, :3] = 0, 4 * p.start[0], p.start[0]
        go[: E + 1, 4:] = slots[go[: E + 1, 2].astype(int), :2].reshape(E + 1, 4)

    now = np.zeros((rows + 2 * units + 7) // 8 * 8, U)
    now[rows : rows + 2 * M : 2] = p.start
    for mission in np.flatnonzero(paired):
        now[rows + 2 * (M + p.pair[mission])] = max(p.start[mission], p.start[p.twin[mission]])
    now[:rows:4] = OFF
    place = columns(p)
    row = np.zeros(place.clocks + E, U)
    row[place.act : place.act + W], row[place.used : place.used + W] = p.forced, p.roots if p.depth else p.forced
    forced_at = np.maximum(p.base, 0.0).astype(np.int64)  # of the others of no account
    row[place.counters : place.clocks], row[place.clocks :] = addresses, clocks(p, forced_at, np.arange(E))
    held, at, steps = p.start.astype(int), 0, 0
    if given is not None:
        at, steps = given.tick, len(given.run.steps)
        rules[E, 1], rules[E, 4 : 4 + W] = 0, 0
        held = _history(p, given, now, rows)
        _standing(p, given, row, place)
    gates = admits[np.arange(M), held].ravel() if M else np.zeros(0, U)
    begin = Beginning(rows=row, stride=ZERO, at=U(at), steps=U(steps), gates=gates, now=now)

    sizes = np.diff(p.options).astype(int)
    most = int(sizes.max(initial=0))
    option, cut = np.full(C * most + 1, E, U), np.full(C * most + 1, ALL, U)
    for c, size in enumerate(sizes):
        option[c * most : c * most + size] = p.option[p.options[c] : p.options[c + 1]]
        cut[c * most : c * most + size] = p.cut[p.options[c] : p.options[c + 1]]
    shift, certainly, formulas = (E | 7).bit_length(), bool(certain.any()), bool(np.any(p.law != 0))
    sizes_of = (E, M, S, C, units, units * S, R, p.end, len(now), most, shift, p.depth, looked_over, formulas, certainly, bool(np.any(p.joint)))
    g = Sizes(*(U(size) for size in sizes_of))
    return Packed(
        g=g,
        begin=begin,
        laws=laws.ravel(),
        tables=tables,
        points=p.points,
        rules=rules.ravel(),
        moves=moves.ravel(),
        ways=ways.ravel(),
        go=go.ravel(),
        slots=slots.ravel(),
        runs=runs,
        sure=np.packbits(np.pad(certain, (0, 64 * W - E)), bitorder="little").view(U),
        waits=np.where(certain, p.base + 0.5, 0.0).astype(U),
        once=p.once,
        renewed=p.renewed,
        joint=p.joint,
        needs=p.needs,
        option_mask=p.option_mask,
        choice_key=p.choice_key,
        choice_once=p.choice_once[0],
        choice_joint=p.choice_joint[0],
        option=option,
        cut=cut,
    )


def _history(p: Process, given: Given, now: NDArray[np.uint64], rows: int) -> NDArray[np.int64]:
    """Note in `now` what the units have been in before the day of a forecast; give what the missions are in on it."""
    order, severity = given.run.scenario.missions, given.run.scenario.ladder.severity
    held = p.start.astype(np.int64)
    for step in given.run.steps:
        for move in step.moves:
            m = order.index(move.mission)
            held[m] = severity[move.dest]
            units = [(m, held[m])]
            if p.twin[m] < p.n_missions:
                units.append((p.n_missions + int(p.pair[m]), max(held[m], held[int(p.twin[m])])))
            for u, status in units:
                unit = rows + 2 * u
                left, since = 4 * (u * p.n_statuses + int(now[unit])), int(now[unit + 1])
                if step.tick > since:
                    now[left], now[left + 1] = min(int(now[left]), since), step.tick
                    now[left + 2] += U(step.tick - since)
                    now[unit + 1] = step.tick
                now[unit] = status
    return held


def _standing(p: Process, given: Given, row: NDArray[np.uint64], place: Columns) -> None:
    """Note how events and choices stand on the day of a forecast, apart from what is drawn for each trajectory."""
    run, W = given.run, p.n_words
    order = run.scenario.order
    choices = list(run.scenario.choices)
    free = {name for name in order if not int(p.forced[order[name] // 64]) >> order[name] % 64 & 1}
    sets = {
        place.called: {name for name in free if run.state[name] is State.WAITING},
        place.denied: {name for name in run.denied if run.state[name] is not State.REFUSED},
        place.dead: free & set(run.barred),
        place.used: run.used - set(choices) | (set(order) - free),
        place.happened: run.happened,
        place.fired: run.fired,
    }
    for at, names in sets.items():
        row[at : at + W] = mask(p, (order[name] for name in names))
    row[0] = sum(1 << c for c, name in enumerate(choices) if name in run.used)
    row[place.chosen : place.counters] = [run.calls[name] for name in choices]
    row[place.counters : place.clocks] += np.array([run.armings[name] for name in order], U) << U(32)

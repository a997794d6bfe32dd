"""A process laid out for the kernel: what is read together stands together, and places are worked out beforehand."""

from __future__ import annotations

import numpy as np

from escsim.kernel import ALL, LINEAR, OFF, ONE, STEP, TICK, ZERO, Beginning, L, Packed, Sizes, U
from escsim.process import STAYS, Process


def pack(p: Process) -> Packed:
    """Lay a process out for the kernel."""
    E, M, S, C, W, R = p.n_events, p.n_missions, p.n_statuses, p.n_choices, p.n_words, p.days + 1
    units, rows = M + p.n_pairs, 2 * (M + p.n_pairs)  # in `now` status and tick of every unit, and then first and last tick and time of all statuses
    paired = p.twin < M

    laws = np.zeros((E + 1, 8), U)
    laws[:E, 0], laws[:E, 4], laws[E, 0] = p.chance, p.law, 1 << 32
    laws[:E, 1], laws[:E, 5] = np.where(p.law == 0, p.at, 0), p.at
    empirical = (p.law == STEP) | (p.law == LINEAR)
    laws[:E, 2] = np.where(empirical, p.many.astype(float), p.base).view(U)
    laws[:E, 3] = p.scale.view(U)

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
    ways[:, :, 3], ways[:, :, 4 : 4 + W] = rows + m[:, None] * S + status, admits[m[:, None], dest]
    pair = M + p.pair[m].astype(int)
    moves[:, 0], moves[:, 3], moves[:, 5] = 2 * m, 8 * S * np.arange(n), m * W * int(L)
    moves[:, 1], moves[:, 2] = np.where(paired[m], 2 * pair, 0), pair * S * R
    moves[:, 4], moves[:, 6] = 2 * p.twin[m].astype(int), rows + pair * S

    go = np.zeros((E + 2, S, 4), U)
    if p.plain:
        go[:, :, 0], go[: E + 1, :, 1] = status, rules[: E + 1, :1]
        for e in np.flatnonzero(np.diff(p.fires)):
            go[e, :, 0] = np.where(to[p.fires[e]] == STAYS, status, to[p.fires[e]])
            go[e, :, 1] = np.where(to[p.fires[e]] == STAYS, ZERO, ALL)
        go[: E + 1, :, 2] = admits[0, go[: E + 1, :, 0].astype(int), 0] & (ALL >> U(64 - E))
        go[:, :, 3] = np.arange((E + 2) * S).reshape(E + 2, S) * R

    now = np.zeros((rows + 3 * units * S + 7) // 8 * 8, U)
    now[: 2 * M : 2] = p.start
    for mission in np.flatnonzero(paired):
        now[2 * (M + p.pair[mission])] = max(p.start[mission], p.start[p.twin[mission]])
    now[rows : rows + units * S] = OFF
    due = np.maximum(p.base, 0.0).astype(np.int64)  # of no account unless the event is forced
    # the high bits of chance stand above the number of the arming, so that the draws of eight lanes are looked over at once
    coarse = np.where((p.law == 0) & (p.chance > 0), p.chance - ONE, ZERO) >> U(14)
    addresses = np.zeros((E + 8) // 8 * 8, U)
    addresses[:E] = p.key | coarse << U(46)
    addresses[E] = ALL << U(46)
    begin = Beginning(
        act=p.forced,
        used=p.roots if p.plain else p.forced,
        gates=admits[np.arange(M), p.start.astype(int)].ravel() if M else np.zeros(0, U),
        clocks=np.where(due < p.end, due.astype(U) << TICK | np.arange(E, dtype=U), OFF),
        now=now,
        addresses=addresses,
    )

    sizes = np.diff(p.options).astype(int)
    most = int(sizes.max(initial=0))
    option, cut = np.full(C * most + 1, E, U), np.full(C * most + 1, ALL, U)
    for c, size in enumerate(sizes):
        option[c * most : c * most + size] = p.option[p.options[c] : p.options[c + 1]]
        cut[c * most : c * most + size] = p.cut[p.options[c] : p.options[c + 1]]
    special = bool(np.any((p.law != 0) | (p.chance < 1 << 32)))
    g = Sizes(
        *(U(size) for size in (E, M, S, C, units, units * S, R, p.end, len(now), most, (E | 7).bit_length(), p.plain, special, np.any(p.joint)))
    )
    return Packed(
        g=g,
        begin=begin,
        laws=laws.ravel(),
        tables=p.tables,
        points=p.points,
        rules=rules.ravel(),
        moves=moves.ravel(),
        ways=ways.ravel(),
        go=go.ravel(),
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

"""The large benchmark scenario: six pairs of states, ten events for each.

`python -m tests.benchmarks.large > tests/benchmarks/large.yaml` writes it again.
"""

from __future__ import annotations

from itertools import combinations

STATES = {"AAA": "Alpha", "BBB": "Beta", "CCC": "Gamma", "DDD": "Delta"}
WORKING, HERE = "[normal, restored]", "[normal, restored, downgraded]"

HEAD = """\
# A large scenario: 12 missions, 60 events, 6 choices, about 50 firings in 120 days. Written by tests/benchmarks/large.py.
title: Benchmark large
actors: {actors}
ladder: simple
period: {{from: 2024-01-01, to: 2024-04-29}}
"""


def pair(x: str, y: str, third: str, place: int) -> tuple[list[str], str]:
    """Give the ten events between two states, and the choice that an incident puts.

    Incidents call an answer, a reply, a downgrade, words of a third state and its offer to mediate, each with a chance
    of its own; what one of them does calls the others again. An offer needs a mission of the third state, and each step
    of the way back its own statuses of both missions. Delays differ a little from pair to pair.
    """
    xy, yx, end, slow = f"{x}->{y}", f"{y}->{x}", f"{x}_{y}".lower(), 1 + 0.1 * place
    names = ("incident", "answer", "reply", "condemn", "cut", "offer", "mend", "back", "home", "calm")
    incident, answer, reply, condemn, cut, offer, mend, back, home, calm = (f"{name}_{end}" for name in names)

    def event(name: str, who: str, action: str, gate: str, delay: str, more: str = ", repeats: true") -> str:
        actor, target = who.split("->")
        while_ = f"while: {{{gate}}}, " if gate else ""
        return f"  - {{id: {name}, actor: {actor}, target: {target}, action: {action}, {while_}delay: {delay}{more}}}"

    def called(chance: float, *causes: str) -> str:
        return f", repeats: true, probability: {chance}, follows: [{', '.join(causes)}]"

    events = [
        event(incident, xy, "border_clash", f"{xy}: {HERE}, {yx}: {HERE}", f"{{exponential: {{mean: {30 * slow:g} days}}}}"),
        event(answer, yx, "recall_envoy", f"{yx}: {HERE}", "{lognormal: {median: 1 day, sigma: 0.6}}", ""),
        event(reply, xy, "recall_envoy", f"{xy}: {HERE}", "{weibull: {shape: 1.5, scale: 4 days}}", called(0.2, incident, answer, condemn, offer)),
        event(
            condemn,
            f"{third}->{x}",
            "condemn",
            "",
            "{triangular: {low: 2 hours, mode: 1 day, high: 4 days}}",
            called(0.25, incident, answer, reply, cut),
        ),
        event(
            cut,
            xy,
            "downgrade_relations",
            f"{xy}: {WORKING}, {yx}: {WORKING}",
            "{gamma: {shape: 2, mean: 8 days}}",
            called(0.1, incident, answer, reply, condemn, calm),
        ),
        event(
            offer,
            f"{third}->{y}",
            "mediation",
            f"{third}->{y}: {HERE}",
            "{gamma: {mean: 12 days, cv: 0.5}}",
            called(0.2, incident, answer, reply, cut, condemn),
        ),
        event(mend, xy, "upgrade_relations", f"{xy}: downgraded", f"{{lognormal: {{median: {20 * slow:g} days, sigma: 0.8}}}}"),
        event(back, yx, "return_envoy", f"{yx}: envoys_recalled, {xy}: {HERE}", f"{{exponential: {{mean: {18 * slow:g} days}}}}"),
        event(home, xy, "return_envoy", f"{xy}: envoys_recalled", "{uniform: {low: 6 days, high: 30 days}}", ", repeats: true, probability: 0.9"),
        event(calm, xy, "normalise", f"{xy}: restored, {yx}: {WORKING}", "{weibull: {shape: 0.8, scale: 15 days}}"),
    ]
    choice = f"  after_{end}: {{actor: {y}, question: How to answer?, follows: {incident}, repeats: true, options: {{{answer}: 0.6, nothing: 0.4}}}}"
    return events, choice


def text() -> str:
    """Give the scenario file."""
    parts = []
    for place, (x, y) in enumerate(combinations(STATES, 2)):
        third = next(state for state in STATES if state not in (x, y))
        parts.append(pair(x, y, third, place))
    actors = "{" + ", ".join(f"{key}: {name}" for key, name in STATES.items()) + "}"
    events = "\n".join(line for lines, _ in parts for line in lines)
    choices = "\n".join(choice for _, choice in parts)
    return f"{HEAD.format(actors=actors)}events:\n{events}\nchoices:\n{choices}\n"


if __name__ == "__main__":
    print(text(), end="")

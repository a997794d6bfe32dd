"""Known answers: models whose answers others have published or a formula gives, against what escsim makes of them.

Each is a scenario like any other. Where it is a Markov chain `escsim.exact` must give the published value, and variants on the
compiled kernel must give it to within chance. Chance is taken over the whole table: all rows together would be called wrong in
fewer than one of a thousand tables by a kernel that draws rightly (Bonferroni's bound). As the seed is fixed, a table is always
the same on every machine.

The models stand as edges between the statuses of one mission. In a race each edge is a standing hazard with a rate of its own; in
a walk a choice is put in every status, and a step takes a day, or a day on average if the delay is exponential. What is asked of
the long run is asked of a period so long that what comes after it bears on no more than a part in 1e9.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from escsim import exact
from escsim.ensemble import simulate
from escsim.intervals import Estimate, Z
from escsim.library import validate
from escsim.questions import Answer
from escsim.reading import parse
from escsim.scenario import Scenario

N, SEED = 200_000, 20240116
CLOSE = 1e-9  # relative: so near an exact solution must come
FALSE_ALARMS = 0.001  # of all tables of a right kernel, those in which any row is called wrong

MISSION = "AAA->BBB"
FIRST = date(2024, 1, 1)
DAY: Any = "1 day"
DAY_ON_AVERAGE: Any = {"exponential": {"mean": "1 day"}}

Data = dict[str, Any]
Edge = tuple[str, str]


@dataclass(frozen=True)
class Known:
    """A model with its published answers.

    Attributes
    ----------
    model, source : str
        What it is called, and where the answers are from.
    scenario : Scenario
        The model, with a question for each answer.
    published : dict of str to float
        The answers, by the question in words: probabilities, mean days, mean counts.
    """

    model: str
    source: str
    scenario: Scenario
    published: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One answer: published, exact and sampled.

    Attributes
    ----------
    model, question : str
    published : float
    exact : float or None
        Where the scenario is a Markov chain and what is asked can be solved.
    sampled : Estimate
        From variants, with its 95 % interval.
    errors : float
        How many standard errors the sampled value is from the published one.
    agrees : bool
        Whether the exact value is the published one, and the sampled one is as near as chance allows.
    """

    model: str
    question: str
    published: float
    exact: float | None
    sampled: Estimate
    errors: float
    agrees: bool


@dataclass(frozen=True)
class Checked:
    """All answers, and where they are from.

    Attributes
    ----------
    n, seed : int
        Variants of each model, and their seed.
    allowed : float
        Standard errors that a sampled value may be away.
    rows : list of Row
    sources : dict of str to str
        By model.
    close, false_alarms : float
        How near an exact value must come, relatively; and how seldom chance alone may make any row miss what is allowed.
    """

    n: int
    seed: int
    allowed: float
    rows: list[Row]
    sources: dict[str, str]
    close: float = CLOSE
    false_alarms: float = FALSE_ALARMS

    @property
    def agreeing(self) -> int:
        """How many rows agree."""
        return sum(row.agrees for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        rows = [{**asdict(row), "sampled": row.sampled._asdict(), "source": self.sources[row.model]} for row in self.rows]
        terms = {"n": self.n, "seed": self.seed, "close": self.close, "allowed": self.allowed, "false_alarms": self.false_alarms}
        return {**terms, "agreeing": self.agreeing, "rows": rows}


def check(models: Iterable[Known] | None = None, n: int = N, seed: int = SEED) -> Checked:
    """Hold escsim's answers against the published ones.

    Parameters
    ----------
    models : iterable of Known, optional
        By default all of them.
    n, seed : int
        Variants of each model, and their seed.
    """
    models = list(known() if models is None else models)
    allowed = tolerance(sum(len(each.published) for each in models))
    rows = [row for each in models for row in _rows(each, n, seed, allowed)]
    return Checked(n, seed, allowed, rows, {each.model: each.source for each in models})


def tolerance(rows: int) -> float:
    """Give the standard errors that each of some rows may be away, so that false alarms in any of them are as rare as they should be."""
    return NormalDist().inv_cdf(1 - FALSE_ALARMS / (2 * rows))


def _rows(each: Known, n: int, seed: int, allowed: float) -> list[Row]:
    asked = each.scenario.questions
    solved = exact.beside(each.scenario)
    answers = exact.known(solved, each.scenario, simulate(each.scenario, n, seed=seed, asked=asked).answers(asked))
    rows = []
    for name, question in asked.items():
        assert question.text is not None
        published = each.published[question.text]
        worked_out, sampled = answers[name].exact, _sampled(answers[name])
        errors = (sampled.estimate - published) / _standard_error(answers[name], published)
        right = worked_out is None or math.isclose(worked_out, published, rel_tol=CLOSE)
        rows.append(Row(each.model, question.text, published, worked_out, sampled, errors, right and abs(errors) <= allowed))
    return rows


def _sampled(told: Answer) -> Estimate:
    """Give the number that is held against a published one: a share, or a mean."""
    if told.kind == "probability":
        assert told.estimate is not None
        assert told.low is not None
        assert told.high is not None
        return Estimate(told.estimate, told.low, told.high)
    assert told.mean is not None
    return told.mean


def _standard_error(told: Answer, published: float) -> float:
    """Give that of a share if the published one is right, as in Wilson's interval, or of a mean as it was sampled."""
    if told.kind == "probability":
        return math.sqrt(published * (1 - published) / told.asked)
    mean = _sampled(told)
    return (mean.high - mean.low) / (2 * Z)


# ---- the models


def known() -> list[Known]:
    """Give all models."""
    return [*_prism(), *_storm(), *_games(), *_ladders(), *_clocks()]


def _prism() -> list[Known]:
    tests = "PRISM, prism-tests/functionality/verify"
    faces = dict.fromkeys((f"shows {face}" for face in range(1, 7)), 1 / 6)
    flips = [f"s{number}" for number in range(7)]
    dice = {"s0": "s1 s2", "s1": "s3 s4", "s2": "s5 s6", "s3": "s1 d1", "s4": "d2 d3", "s5": "d4 d5", "s6": "s2 d6"}
    pctl = {"s0": {"s1": 0.5, "s3": 0.5}, "s1": {"s0": 0.5, "s2": 0.25, "s4": 0.25}, "s2": {"s5": 1.0}, "s5": {"s2": 1.0}}
    steady = {"s0": {"s1": 0.5, "s2": 0.5}, "s1": {"s0": 1.0}, "s2": {"s0": 1.0}}
    return [
        Known(
            "Knuth-Yao die",
            "Knuth and Yao 1976, The complexity of nonuniform random number generation; PRISM, prism-examples/simple/dice: 1/6 each, 11/3",
            _walk(
                {source: dict.fromkeys(dests.split(), 0.5) for source, dests in dice.items()},
                {name: _reach(f"d{name[-1]}") for name in faces} | {"flips, on average": {"time_in": {MISSION: flips}}},
                DAY_ON_AVERAGE,
                days=90,
            ),
            faces | {"flips, on average": 11 / 3},
        ),
        Known(
            "dtmc_pctl",
            f"{tests}/dtmcs/dtmc_pctl.pm.props: 1/6 and 1/3",
            _walk(pctl, {"reaches 2": _reach("s2"), "reaches 2 or 4": _reach("s2", "s4")}, DAY_ON_AVERAGE, days=60),
            {"reaches 2": 1 / 6, "reaches 2 or 4": 1 / 3},
        ),
        Known(
            "dtmc_pctl, steps",
            f"{tests}/dtmcs/dtmc_pctl.pm.props: 1/8, 0.16650390625 and 0.0625",
            _walk(
                pctl,
                {
                    "2 within 2 steps": _reach("s2", within="2 days"),
                    "2 within 10 steps": _reach("s2", within="10 days"),
                    "below 2 for 4 steps": {"probability": {"not": _reach("s2", "s3", "s4", "s5", within="4 days")["probability"]}},
                },
                DAY,
                days=11,
            ),
            {"2 within 2 steps": 1 / 8, "2 within 10 steps": 0.16650390625, "below 2 for 4 steps": 0.0625},
        ),
        Known(
            "bounded-reach-2",
            f"{tests}/dtmcs/bounded-reach/bounded-reach-2.pm.props: 0.015625, 0.046875, 0.08203125",
            _walk(_skipping(), {f"at 6 after {step} steps": _in("s6", step) for step in (6, 7, 8)}, DAY, days=10),
            {"at 6 after 6 steps": 0.015625, "at 6 after 7 steps": 0.046875, "at 6 after 8 steps": 0.08203125},
        ),
        Known(
            "dtmc_steady_2",
            f"{tests}/dtmcs/dtmc_steady_2.pm: 1/2, 1/4 (here in continuous time, where it is not periodic)",
            _walk(steady, {"in 0 in the long run": _in("s0", 11), "in 1 in the long run": _in("s1", 11)}, DAY_ON_AVERAGE, days=12),
            {"in 0 in the long run": 1 / 2, "in 1 in the long run": 1 / 4},
        ),
        Known(
            "ctmc_rewards2",
            f"{tests}/ctmcs/rewards/ctmc_rewards2.sm.props: 13/60",
            _race(
                {("s0", "s1"): 5, ("s0", "s3"): 5, ("s1", "s0"): 5, ("s1", "s2"): 2.5, ("s1", "s4"): 2.5, ("s2", "s5"): 10},
                {"time until s > 2": {"time_in": {MISSION: ["s0", "s1", "s2"]}}},
                days=10,
            ),
            {"time until s > 2": 13 / 60},
        ),
    ]


def _skipping() -> dict[str, dict[str, float]]:
    """Give the steps of bounded-reach-2: from each number below 6 to the next, or aside and then on."""
    walk = {}
    for number in range(6):
        one, other = f"s{number}", f"s{number}_skip"
        walk[one] = walk[other] = {f"s{number + 1}": 0.5, other: 0.5}
    return walk | {"s6": {"s7": 1.0}}


def _storm() -> list[Known]:
    return [
        Known(
            "simple1",
            "Storm, resources/examples/testfiles/ctmc/simple1.sm: 1 - exp(-3) (a unit of time is ten days here)",
            _race({("x0", "x1"): 0.6}, {"x = 1 by t = 0.5": _reach("x1", within="5 days")}, days=10),
            {"x = 1 by t = 0.5": 1 - math.exp(-3)},
        )
    ]


def _games() -> list[Known]:
    points = {"4": 3 / 36, "5": 4 / 36, "6": 5 / 36}  # either of two points each: 4 and 10, 5 and 9, 6 and 8
    craps = {("roll", "won"): 8 / 36, ("roll", "lost"): 4 / 36}
    for point, chance in points.items():
        craps |= {("roll", f"on_{point}"): 2 * chance, (f"on_{point}", "won"): chance, (f"on_{point}", "lost"): 6 / 36}
    ratio, start, end = 1.5, 2, 5  # of q = 0.6 to p = 0.4
    ruin = {(f"has_{k}", f"has_{k + step}"): chance for k in range(1, end) for step, chance in ((1, 0.4), (-1, 0.6))}
    playing = {MISSION: [f"has_{k}" for k in range(1, end)]}
    lost = (ratio**end - ratio**start) / (ratio**end - 1)
    return [
        Known(
            "craps",
            "Mosteller 1965, Fifty Challenging Problems in Probability, problem 9: 244/495",
            _race(craps, {"the player wins": _reach("won")}, days=120),
            {"the player wins": 244 / 495},
        ),
        Known(
            "gambler's ruin",
            "Feller 1968, An Introduction to Probability Theory and Its Applications I, XIV.2 and XIV.3 (p = 0.4, from 2 to 0 or 5)",
            _race(ruin, {"ruined": _reach("has_0"), "steps, on average": {"time_in": playing}}, days=180, start="has_2"),
            {"ruined": lost, "steps, on average": start / 0.2 - end / 0.2 * (1 - lost)},
        ),
    ]


def _ladders() -> list[Known]:
    """Give ladders that are climbed and descended one status at a time."""
    lines = {("busy_0", "busy_1"): 1.0, ("busy_1", "busy_2"): 1.0, ("busy_2", "busy_1"): 2.0, ("busy_1", "busy_0"): 1.0}
    queue = {("in_0", "in_1"): 1.0, ("in_1", "in_2"): 1.0, ("in_2", "in_1"): 2.0, ("in_1", "in_0"): 2.0}
    stages = dict.fromkeys(pairwise(f"stage_{k}" for k in range(4)), 0.5)
    there, back = 0.2, 0.3
    return [
        Known(
            "Erlang's loss",
            "Erlang 1917, loss formula: (a^2/2!) / (1 + a + a^2/2!) = 1/5 (two lines, load a = 1)",
            _race(lines, {"both lines are engaged": _in("busy_2", 15)}, days=16),
            {"both lines are engaged": 1 / 5},
        ),
        Known(
            "queue M/M/1/2",
            "Kleinrock 1975, Queueing Systems I, 3.6: (1 - r) r^k / (1 - r^3), r = 1/2",
            _race(queue, {"empty, in the long run": _in("in_0", 13), "full, in the long run": _in("in_2", 13)}, days=14),
            {"empty, in the long run": 4 / 7, "full, in the long run": 1 / 7},
        ),
        Known(
            "two statuses",
            "Kolmogorov's equations: a / (a + b) (1 - exp(-(a + b) t)), a = 0.2, b = 0.3, t = 3",
            _race({("here", "away"): there, ("away", "here"): back}, {"away after 3 days": _in("away", 2)}, days=10),
            {"away after 3 days": there / (there + back) * -math.expm1(-3 * (there + back))},
        ),
        Known(
            "Erlang's law",
            "Feller 1971, An Introduction to Probability Theory and Its Applications II, I.3: 1 - exp(-x) (1 + x + x^2/2), x = 7/2",
            _race(stages, {"three stages in 7 days": _reach("stage_3", within="7 days")}, days=10),
            {"three stages in 7 days": _erlang(3.5)},
        ),
    ]


def _erlang(x: float) -> float:
    """Give the probability that three exponential times are over, of which x are expected."""
    return 1 - math.exp(-x) * (1 + x + x * x / 2)


def _clocks() -> list[Known]:
    """Give delays beside or after one another, of which most remember how long they have run."""
    from scipy.integrate import quad

    def weibull(shape: float, days: int) -> Any:
        return {"weibull": {"shape": shape, "scale": f"{days} days"}}

    # over the probability of the first delay instead of its time: one finite stretch
    unlike, _ = quad(lambda p: math.exp(-(((-math.log1p(-p)) ** (1 / 1.5) * 4 / 6) ** 0.8)), 0, 1, epsabs=1e-12, limit=200)
    sixth = NormalDist().cdf(math.log(2) / 0.6)
    lognormal = {"lognormal": {"median": "3 days", "sigma": 0.6}}
    uniform = {"uniform": {"low": "0 days", "high": "2 days"}}
    hazard = {"exponential": {"mean": "2 days"}}
    return [
        Known(
            "two clocks",
            "Norris 1997, Markov Chains, theorem 2.3.3: a / (a + b) = 5/8",
            _race({("start", "won"): 1 / 3, ("start", "lost"): 1 / 5}, {"the quicker comes first": _reach("won")}, days=60),
            {"the quicker comes first": 5 / 8},
        ),
        Known(
            "five clocks",
            "Norris 1997, Markov Chains, theorem 2.3.3: 1 - exp(-5 * 3/10)",
            _scenario(
                ["start", "end"],
                [_event(f"clock_{k}", "end", {"exponential": {"mean": "10 days"}}) for k in range(5)],
                {"the first by day 3": _reach("end", within="3 days")},
                days=10,
            ),
            {"the first by day 3": -math.expm1(-1.5)},
        ),
        Known(
            "Weibull, alike",
            "proportional hazards: b^1.5 / (a^1.5 + b^1.5), scales a, b = 4 and 6 days",
            _scenario(
                ["start", "first", "second"],
                [_gated("first", weibull(1.5, 4)), _gated("second", weibull(1.5, 6))],
                {"the first wins": _reach("first")},
                days=60,
            ),
            {"the first wins": 6**1.5 / (4**1.5 + 6**1.5)},
        ),
        Known(
            "Weibull, unlike",
            "quadrature (scipy.integrate.quad) of f1(t) (1 - F2(t)), shapes 1.5 and 0.8, scales 4 and 6 days",
            _scenario(
                ["start", "first", "second"],
                [_gated("first", weibull(1.5, 4)), _gated("second", weibull(0.8, 6))],
                {"the first wins": _reach("first")},
                days=60,
            ),
            {"the first wins": unlike},
        ),
        Known(
            "lognormal",
            "the logarithm is normal: 1/2, and F(ln 2 / sigma), sigma = 0.6",
            _scenario(
                ["start", "end"],
                [_event("clock", "end", lognormal)],
                {"by its median": _reach("end", within="3 days"), "by twice its median": _reach("end", within="6 days")},
                days=10,
            ),
            {"by its median": 1 / 2, "by twice its median": sixth},
        ),
        Known(
            "gamma, shape 3",
            "Erlang's law of three stages, as above",
            _scenario(
                ["start", "end"],
                [_event("clock", "end", {"gamma": {"shape": 3, "mean": "6 days"}})],
                {"by day 7": _reach("end", within="7 days")},
                days=10,
            ),
            {"by day 7": _erlang(3.5)},
        ),
        Known(
            "three uniforms",
            "Irwin 1927 and Hall 1927, Biometrika 19: three uniform times take no longer than one can with probability 1/3!",
            _scenario(
                ["start", "one", "two", "end"],
                [
                    _event("first", "one", uniform),
                    _event("second", "two", uniform, follows="first"),
                    _event("third", "end", uniform, follows="second"),
                ],
                {"all three in 2 days": _reach("end", within="2 days")},
                days=10,
            ),
            {"all three in 2 days": 1 / 6},
        ),
        Known(
            "Poisson",
            "the mean of a Poisson process: 18 days, one incident in 2 days",
            _scenario(
                ["start", "end"],
                [_event("incident", "end", hazard, repeats=True) | {"action": "strike"}],
                {"incidents in 18 days": {"count": "incident"}},
                days=18,
            ),
            {"incidents in 18 days": 9.0},
        ),
    ]


# ---- scenarios


def _race(rates: Mapping[Edge, float], questions: Data, *, days: int, start: str | None = None) -> Scenario:
    """Give a chain in continuous time by its rates a day."""
    events = [
        _event(f"{source}_to_{dest}", dest, {"exponential": {"mean": f"{24 / rate!r} hours"}}, repeats=True, **{"while": {MISSION: source}})
        for (source, dest), rate in rates.items()
    ]
    return _scenario(list(dict.fromkeys(status for edge in rates for status in edge)), events, questions, days=days, start=start)


def _walk(steps: Mapping[str, Mapping[str, float]], questions: Data, delay: Any, *, days: int) -> Scenario:
    """Give a chain in steps by the chances of each; it begins in the first status."""
    start = next(iter(steps))
    statuses = list(dict.fromkeys([*steps, *(dest for dests in steps.values() for dest in dests)]))
    if any(start in dests for dests in steps.values()):
        steps = {"begin": steps[start], **steps}  # what is put by a return is not put at the start, so that has events of its own
    ids = {(source, dest): f"{source}_to_{dest}" for source, dests in steps.items() for dest in dests}
    events, choices = list[Data](), Data()
    for source, dests in steps.items():
        arrivals = [name for (_, dest), name in ids.items() if dest == source]
        again: Data = {"follows": arrivals, "repeats": True} if arrivals else {}
        alone = len(dests) == 1
        events += [_event(ids[source, dest], dest, delay, **(again if alone else {})) for dest in dests]
        if not alone:
            options = {ids[source, dest]: share for dest, share in dests.items()}
            choices[f"at_{source}"] = {"actor": "AAA", "question": "Where next?", "options": options, **again}
    return _scenario(statuses, events, questions, choices, days=days)


def _event(name: str, dest: str, delay: Any, **more: Any) -> Data:
    return {"id": name, "actor": "AAA", "target": "BBB", "action": f"go_{dest}", "delay": delay, **more}


def _gated(dest: str, delay: Any) -> Data:
    return _event(f"to_{dest}", dest, delay, **{"while": {MISSION: "start"}})


def _scenario(
    statuses: list[str], events: list[Data], questions: Data, choices: Data | None = None, *, days: int, start: str | None = None
) -> Scenario:
    """Read a scenario as from a file; its ladder lets the mission go from every status to every other."""
    moves = [{"trigger": f"go_{status}", "source": "*", "dest": status} for status in statuses]
    said = {
        "title": "A known answer",
        "actors": {"AAA": "A", "BBB": "B"},
        "period": {"from": str(FIRST), "to": str(FIRST + timedelta(days - 1))},
        "ladder": {"machine": {"states": statuses, "initial": start or statuses[0], "transitions": moves}},
        "events": events,
        "choices": choices or {},
        "questions": {f"asked_{place}": {"text": text, **question} for place, (text, question) in enumerate(questions.items())},
    }
    return validate(parse(json.dumps(said), "selfcheck"), "selfcheck")


def _reach(*statuses: str, **bound: str) -> Data:
    return {"probability": {"reach": {MISSION: list(statuses)}, **bound}}


def _in(status: str, day: int) -> Data:
    """Ask whether the mission is in a status at the end of a day, the first of which is 0: after so many steps of a day."""
    return {"probability": {"in": {MISSION: status}, "on": str(FIRST + timedelta(day))}}

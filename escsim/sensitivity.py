"""How the answers move with the numbers of a file: along one of them, to the ends of their ranges, and over all ranges together.

All points take the same chances, so that what differs between two of them is the numbers' doing. The replay is the
same at every point, and is run once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from operator import index
from typing import Any, NamedTuple

import numpy as np

from escsim import exact
from escsim.effects import Effect, added, summed
from escsim.ensemble import MOST, variants
from escsim.errors import AskedError, quoted, suggest
from escsim.intervals import Estimate, mean
from escsim.process import compile_scenario, renumbered
from escsim.questions import HOURS, Answer, Tally, answer, size, tally
from escsim.ranges import Parameter, at, between, hypercube, parameter, ranges, together
from escsim.running import usable_threads
from escsim.scenario import Question, Scenario
from escsim.worlds import of_trajectory

Progress = Callable[[int], object]

SKETCH = 1000  # variants of a point that is one of many
FEWEST = 8  # a base sample whose bootstrap says anything
SAMPLED = 256  # points for bounds alone
STATES = 10_000  # of a chain that is solved at every point


def question_named(scenario: Scenario, name: str | None = None) -> str:
    """Give the name of a question that is answered by one number: by default the first that asks for a probability, else the first.

    Raises
    ------
    ValueError
        If there is none of that name, or it asks for a peak.
    """
    known = [each for each, question in scenario.questions.items() if question.peak is None]
    if name is None:
        if not known:
            raise AskedError("the file asks no `questions` that are answered by one number")
        return next((each for each in known if scenario.questions[each].probability is not None), known[0])
    if name in scenario.questions and name not in known:
        raise AskedError(f"{quoted(name)} is answered by several numbers: ask for the probability of one status")
    if name not in known:
        raise AskedError(f"there is no question {quoted(name)}: {suggest(name, known, 'known question names')}")
    return name


class Point(NamedTuple):
    """What is found at one point.

    Attributes
    ----------
    values : dict of str to float
        The parameters that are not as in the file, or may not be.
    answers : dict of str to Answer
        To one question, or to all.
    measure : Estimate or None
        Of one question: the share; the mean count, or days, of a time to something of what passes until it comes about
        or the period ends. None if it cannot be asked.
    effect : Effect or None
        The difference from the file's own values, where it was worked out.
    """

    values: dict[str, float]
    answers: dict[str, Answer]
    measure: Estimate | None
    effect: Effect | None = None

    def numbers(self) -> dict[str, Estimate]:
        """Give the numbers of all answers."""
        return {label: each for name, told in self.answers.items() for label, each in told.numbers(name).items()}


class _Study:
    """Runs a scenario at many points, for one of its questions or for all."""

    def __init__(self, scenario: Scenario, n: int | None, seed: int | None, name: str | None, threads: int | None, progress: Progress | None) -> None:
        self.scenario, self.name = scenario, name
        self.n = index(scenario.variants.runs if n is None else n)
        self.seed = index(scenario.variants.seed if seed is None else seed)
        if not 1 <= self.n <= MOST or not 0 <= self.seed < 2**64:
            raise ValueError(f"there must be 1 to {MOST:,} trajectories, and a seed from 0 to 2^64 - 1")
        self.threads, self.progress, self.done = threads or usable_threads(), progress, 0
        history = scenario.history()
        self.process = compile_scenario(scenario)
        replayed = None if history is None else of_trajectory(history, self.process)
        if not scenario.questions:
            raise AskedError("the file asks no `questions`")
        self.asked = {each: question for each, question in scenario.questions.items() if name in (None, each)}
        self.replayed = {} if replayed is None else {each: tally(replayed, question) for each, question in self.asked.items()}

    def run(self, points: Sequence[dict[str, float]], scenarios: Sequence[Scenario], n: int | None = None, *, paired: bool = False) -> list[Point]:
        """Run the variants at some points, as many as asked for if not told otherwise, and perhaps paired with the file's own values."""
        many = self.n if n is None else n
        found = []

        def run(values: dict[str, float], scenario: Scenario) -> Point:
            return self.point(values, scenario, many, paired=paired)

        with ThreadPoolExecutor(self.threads, thread_name_prefix="escsim") as pool:
            for point in pool.map(run, points, scenarios):
                found.append(point)
                self.done += many
                if self.progress is not None:
                    self.progress(self.done)
        return found

    def ranged(self, points: Sequence[dict[str, float]], n: int | None = None, *, paired: bool = False) -> list[Point]:
        """Run the variants at some points within the stated ranges."""
        return self.run(points, together(self.scenario, points), n, paired=paired)

    def point(self, values: dict[str, float], scenario: Scenario, n: int, *, paired: bool) -> Point:
        asked = self.asked
        counts = {name: np.zeros(size(scenario, question), np.int64) for name, question in asked.items()}
        twins = variants(self.scenario, self.process, n, self.seed) if paired and self.name else None
        sums = []
        for worlds in variants(scenario, renumbered(self.process, scenario), n, self.seed):
            for name, question in asked.items():
                counts[name] += tally(worlds, question)
            if twins is not None:
                sums.append(summed(next(twins), worlds, asked))
        answers = {name: answer(scenario, question, counts[name], n, self.replayed.get(name)) for name, question in asked.items()}
        measure = None if self.name is None else _measure(asked[self.name], answers[self.name], counts[self.name])
        return Point(values, answers, measure, added(scenario, asked, sums)[self.name] if self.name and paired else None)


def _measure(question: Question, told: Answer, counts: Tally) -> Estimate | None:
    if question.time_to is not None:
        return mean(np.sum(np.split(counts, 2), axis=0), unit=1 / HOURS) if told.asked else None
    if question.time_in is not None:
        return told.mean
    assert told.estimate is not None
    assert told.low is not None
    assert told.high is not None
    return Estimate(told.estimate, told.low, told.high)


# ---- along one parameter


@dataclass(frozen=True)
class Sweep:
    """The answers along one parameter.

    Attributes
    ----------
    scenario : Scenario
    parameter : Parameter
    n, seed : int
    base : Point
        At the file's own value.
    points : list of Point
        From low to high.
    """

    scenario: Scenario
    parameter: Parameter
    n: int
    seed: int
    base: Point
    points: list[Point]

    def value(self, point: Point) -> float:
        """Give the value of the parameter at a point."""
        return point.values.get(self.parameter.name, self.parameter.value)

    def crossings(self, name: str) -> list[float]:
        """Give the values at which a probability is one half, straight between the points; exact where all are."""
        exactly = all(point.answers[name].exact is not None for point in self.points)
        curve = [(self.value(point), (point.answers[name].exact if exactly else point.answers[name].estimate) or 0.0) for point in self.points]
        found = [x for x, y in curve if y == 0.5]
        found += [x + (0.5 - y) / (v - y) * (u - x) for (x, y), (u, v) in pairwise(curve) if (y - 0.5) * (v - 0.5) < 0]
        return sorted(found)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON; the keys are documented in the README."""

        def data(point: Point) -> dict[str, Any]:
            value = self.value(point)
            return {
                "value": value,
                "written": self.parameter.told(value),
                "questions": {name: each.to_dict() for name, each in point.answers.items()},
            }

        return {
            "scenario": self.scenario.name,
            "hash": self.scenario.hash,
            "n": self.n,
            "seed": self.seed,
            "parameter": self.parameter._asdict(),
            "base": data(self.base),
            "points": [data(point) for point in self.points],
        }


def vary(
    scenario: Scenario,
    name: str,
    values: Iterable[float],
    n: int | None = None,
    seed: int | None = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Answer the questions of a scenario at several values of one parameter.

    Parameters
    ----------
    scenario : Scenario
    name : str
        `EVENT.probability`, `EVENT.PARAMETER` of its delay, or `CHOICE.OPTION`.
    values : iterable of float
        In the unit of the `Parameter`.
    n, seed : int, optional
        Variants at each value; by default those of the file.
    threads : int, optional
        By default as many as there are processors to use. The result does not depend on it.
    progress : callable, optional
        Called now and then with the number of variants run.

    Raises
    ------
    ValueError
        If there is no such parameter, or it cannot have one of the values.
    ScenarioError
        As `Scenario.simulate` does.
    """
    study = _Study(scenario, n, seed, None, threads, progress)
    points = [{name: float(value)} for value in values]
    base, *found = _solved(scenario, study.run([{}, *points], [scenario, *(at(scenario, point) for point in points)]))
    return Sweep(scenario, parameter(scenario, name), study.n, study.seed, base, found)


def _solved(scenario: Scenario, points: list[Point]) -> list[Point]:
    """Add exact answers, where the scenario is a Markov chain that is not too large."""
    found = []
    for point in points:
        solved = exact.beside(at(scenario, point.values), most=STATES)
        if solved is None:
            return points
        found.append(point._replace(answers=exact.known(solved, scenario, point.answers)))
    return found


# ---- over the stated ranges


class Bounds(NamedTuple):
    """The smallest and the largest that an answer was found to be over the stated ranges, each with its sampling error.

    Attributes
    ----------
    base, low, high : Estimate
        As the file has it, the smallest and the largest.
    points : int
        At how many points it was looked for.
    runs : int
        The variants behind each of the three numbers.
    unit : str
        "share", "days" or "times".
    """

    base: Estimate
    low: Estimate
    high: Estimate
    points: int
    runs: int
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON; null stands for a time beyond the period."""

        def data(value: float) -> float | None:
            return None if value == math.inf else value

        ends = {"low": self.low, "high": self.high}
        told: dict[str, Any] = {name: data(end.estimate) for name, end in ends.items()}
        told |= {f"{name}_interval": [data(end.low), data(end.high)] for name, end in ends.items()}
        return {**told, "points": self.points, "runs": self.runs, "unit": self.unit}


class Swing(NamedTuple):
    """What one parameter does: the points at the ends of its range.

    Attributes
    ----------
    parameter : Parameter
    low, high : Point
        All other parameters are as in the file.
    """

    parameter: Parameter
    low: Point
    high: Point

    @property
    def size(self) -> float:
        """How far the answer moves, from the smallest to the largest of what it is at both ends and as the file has it."""
        moved = [0.0, *(each.effect.estimate or 0.0 for each in (self.low, self.high) if each.effect)]
        return max(moved) - min(moved)


class Index(NamedTuple):
    """Sobol's indices of a parameter: the share of the answer's variance over all ranges that it makes.

    Attributes
    ----------
    parameter : Parameter
    first, first_conf : float
        Alone, and the half width of the 95 % interval.
    total, total_conf : float
        Together with what it does in company of others.
    """

    parameter: Parameter
    first: float
    first_conf: float
    total: float
    total_conf: float


@dataclass(frozen=True)
class Sensitivity:
    """What the stated ranges of a file do to the answer of one question.

    Attributes
    ----------
    scenario : Scenario
    question : str
    n, seed : int
    base : Point
        At the file's own values.
    swings : list of Swing
        The largest first.
    indices : list of Index
        By total index, the largest first; empty if none were asked for, or the answer is the same everywhere.
    points, runs : int
        How many points the indices rest on, and how many variants were run at each.
    bounds : Bounds
        Of the number that the answer gives: where the measure is a mean time, of the median.
    """

    scenario: Scenario
    question: str
    n: int
    seed: int
    base: Point
    swings: list[Swing]
    indices: list[Index]
    points: int
    runs: int
    bounds: Bounds

    @property
    def unit(self) -> str:
        """What the answer is counted in: "share", "days" or "times"."""
        return self.base.answers[self.question].unit

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON; the keys are documented in the README."""

        def end(swing: Swing, point: Point) -> dict[str, Any]:
            value = point.values[swing.parameter.name]
            effect = point.effect
            moved = None if effect is None else {name: getattr(effect, name) for name in Estimate._fields}
            return {"value": value, "written": swing.parameter.told(value), **_data(point.measure), "effect": moved}

        return {
            "scenario": self.scenario.name,
            "hash": self.scenario.hash,
            "question": self.question,
            "unit": self.unit,
            "n": self.n,
            "seed": self.seed,
            "base": _data(self.base.measure),
            "swings": [
                {
                    "parameter": each.parameter.name,
                    "value": each.parameter.value,
                    "size": each.size,
                    "low": end(each, each.low),
                    "high": end(each, each.high),
                }
                for each in self.swings
            ],
            "sobol": {
                "points": self.points,
                "runs": self.runs,
                "indices": [{"parameter": each.parameter.name, **dict(zip(Index._fields[1:], each[1:], strict=True))} for each in self.indices],
            },
            "bounds": self.bounds.to_dict(),
        }


def _data(told: Estimate | None) -> dict[str, float | None]:
    return dict.fromkeys(Estimate._fields) if told is None else told._asdict()


def sensitivity(
    scenario: Scenario,
    question: str | None = None,
    n: int | None = None,
    seed: int | None = None,
    *,
    points: int = 64,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Tell which of the stated ranges of a scenario matter to the answer of a question.

    One range at a time: at both ends of each, paired with the file's own values. All together: Sobol's indices by SALib,
    on Saltelli's points with `SKETCH` variants at each.
    Sources: Saltelli et al. 2010, Computer Physics Communications 181(2), 259-270; Iwanaga, Usher and Herman 2022,
    Socio-Environmental Systems Modelling 4, 18155 (SALib).

    Parameters
    ----------
    scenario : Scenario
    question : str, optional
        By default the first that asks for a probability.
    n, seed : int, optional
        Variants at each end of a range; by default those of the file.
    points : int
        The base sample for the indices, a power of 2 from 8 on: for R ranges points * (R + 2) points are run. 0 for none.
    threads : int, optional
        By default as many as there are processors to use. The result does not depend on it.
    progress : callable, optional
        Called now and then with the number of variants run.

    Raises
    ------
    ValueError
        If the file states no range or has no such question, `points` is no such number, or the question cannot be asked somewhere.
    ScenarioError
        As `Scenario.simulate` does, or if ranges do not go together.
    ModuleNotFoundError
        If SALib is not installed and `points` is not 0.
    """
    if points and (points < FEWEST or points & (points - 1)):
        raise AskedError(f"the points must be a power of 2 from {FEWEST} on, such as 64, or 0, not {points}")
    name = question_named(scenario, question)
    study = _Study(scenario, n, seed, name, threads, progress)
    parameters = _stated(scenario)
    names = {"num_vars": len(parameters), "names": [each.name for each in parameters], "bounds": [[0.0, 1.0]] * len(parameters)}
    places = np.empty((0, len(parameters)))
    if points:
        places = import_module("SALib.sample.sobol").sample(names, points, calc_second_order=False, seed=study.seed)
    base, swings = _swings(study, parameters)
    sampled = study.ranged(between(parameters, places), min(SKETCH, study.n))
    measures = [point.measure for point in [base, *(end for swing in swings for end in swing[1:]), *sampled]]
    if None in measures:
        raise AskedError(f"{quoted(name)} cannot be asked everywhere in the stated ranges, since what it comes after may never happen: ask another")
    values = np.array([point.measure.estimate for point in sampled if point.measure])
    indices = []
    if points and values.min() < values.max():
        # SALib takes a seed of 0 for none
        told = import_module("SALib.analyze.sobol").analyze(names, values, calc_second_order=False, num_resamples=1000, seed=study.seed + 1)
        rows = zip(parameters, *(told[key].tolist() for key in ("S1", "S1_conf", "ST", "ST_conf")), strict=True)
        indices = sorted((Index(*row) for row in rows), key=lambda each: -each.total)
    return Sensitivity(
        scenario=scenario,
        question=name,
        n=study.n,
        seed=study.seed,
        base=base,
        swings=sorted(swings, key=lambda each: -each.size),
        indices=indices,
        points=len(sampled),
        runs=min(SKETCH, study.n),
        bounds=_bounds(study, base, swings, sampled)[name],
    )


def bounds(
    scenario: Scenario, n: int | None = None, seed: int | None = None, *, threads: int | None = None, progress: Progress | None = None
) -> dict[str, Bounds]:
    """Give the smallest and largest that each answer is found to be over the stated ranges of a scenario.

    Looked at are the ends of each range, all the ends together that lower or raise the answer, and `SAMPLED` points drawn
    between; what is found at one of these, with `SKETCH` variants, is run again with all.

    Parameters
    ----------
    scenario : Scenario
    n, seed : int, optional
        By default those of the file.
    threads : int, optional
        By default as many as there are processors to use. The result does not depend on it.
    progress : callable, optional
        Called now and then with the number of variants run.

    Returns
    -------
    dict of str to Bounds
        By question; of a `peak` one for each status, as `QUESTION: STATUS`.

    Raises
    ------
    ValueError
        If the file states no range.
    ScenarioError
        As `Scenario.simulate` does, or if ranges do not go together.
    """
    study = _Study(scenario, n, seed, None, threads, progress)
    parameters = _stated(scenario)
    base, swings = _swings(study, parameters)
    places = hypercube(len(parameters), SAMPLED, study.seed)
    return _bounds(study, base, swings, study.ranged(between(parameters, places), min(SKETCH, study.n)))


def _stated(scenario: Scenario) -> list[Parameter]:
    parameters = ranges(scenario)
    if not parameters:
        raise AskedError("the file states no `range` beside a probability, a delay or a share")
    return parameters


def _swings(study: _Study, parameters: list[Parameter]) -> tuple[Point, list[Swing]]:
    (base,) = study.ranged([{}])
    ends = study.ranged([{each.name: end} for each in parameters for end in (each.low, each.high)], paired=True)
    return base, [Swing(*each) for each in zip(parameters, ends[::2], ends[1::2], strict=True)]


def _bounds(study: _Study, base: Point, swings: list[Swing], sampled: list[Point]) -> dict[str, Bounds]:
    told = {id(point): point.numbers() for point in [base, *(end for swing in swings for end in swing[1:]), *sampled]}
    corners, extremes = list[dict[str, float]](), list[dict[str, float]]()
    for label in base.numbers():
        for sign in (-1.0, 1.0):

            def height(point: Point, label: str = label, sign: float = sign) -> float:
                found = told[id(point)].get(label)
                return -math.inf if found is None else sign * found.estimate

            best = [max((base, swing.low, swing.high), key=height) for swing in swings]  # the base, if no end is better
            corners.append({name: value for point in best for name, value in point.values.items()})
            extremes += [max(sampled, key=height).values] if sampled else []
    corners = [point for place, point in enumerate(corners) if point not in corners[:place]]
    again = study.ranged([*corners, *(point for place, point in enumerate(extremes) if point not in extremes[:place])])
    whole = [*list(told.values())[: 1 + 2 * len(swings)], *(point.numbers() for point in again)]
    found = {label: [each[label] for each in whole if label in each] for label in whole[0]}
    units = {label: answer.unit for name, answer in base.answers.items() for label in answer.numbers(name)}
    return {label: Bounds(each[0], min(each), max(each), len(told) + len(corners), study.n, units[label]) for label, each in found.items()}

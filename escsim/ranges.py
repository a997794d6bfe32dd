"""The numbers of a scenario that may be other than its file says: each by name, with its value, its range, and a way to change it.

A parameter is an event's probability, `recall.probability`, a number in its delay, `late_agreement.median`, or the
share of an option, `tehran_answer.second_iranian_strike`. Spans are counted in days here, rates as the file counts them.
A scenario at other values keeps all names, and so all addresses: its variants take the same chances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from escsim.delays import Delay
from escsim.errors import AskedError, Problem, ScenarioError, quoted, suggest
from escsim.scenario import Choice, Event, Probability, Scenario
from escsim.times import TICKS_A_DAY, Rate, Span

SHARE, DAYS = "share", "days"
MOST = 1000  # values of a slider
SAME = 1e-12  # a number this close to the file's is the file's


class Parameter(NamedTuple):
    """A number that a file states.

    Attributes
    ----------
    name : str
        `EVENT.probability`, `EVENT.PARAMETER` of its delay, or `CHOICE.OPTION`.
    value, low, high : float
        What the file says, and the ends of the range it states; both are the value if it states none.
    unit : str
        "share", "days", "per week" and the like, or "" for a plain number, such as the shape of a law.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str

    def told(self, value: float) -> str:
        """Write a value as a file does."""
        if self.unit == DAYS and abs(value) < 1e6:
            return str(Span(max(0, round(value * TICKS_A_DAY))))
        return f"{value:.12g} {'' if self.unit == SHARE else self.unit}".rstrip()

    def read(self, text: str) -> float:
        """Read a value as a file writes it.

        Raises
        ------
        ValueError
            If it is written otherwise than this parameter is.
        """
        if self.unit == DAYS:
            return Span.parse(text).ticks / TICKS_A_DAY
        if self.unit.startswith("per "):
            return Rate.parse(text).per_tick / Rate.parse(f"1 {self.unit}").per_tick
        if not math.isfinite(value := float(text)):
            raise ValueError(text)
        return value

    def written(self, value: float) -> Any:
        """Give a value as what stands in the data model; what cannot stand there is refused when the model is checked."""
        digits = np.format_float_positional(value, trim="-")
        return value if self.unit in (SHARE, "") else f"{digits} {self.unit}"

    def steps(self, text: str) -> list[float]:
        """Read `LOW:HIGH:STEP`, such as `0:1:0.05` or `5 days:40 days:5 days`; give the values from low to high.

        Raises
        ------
        ValueError
            If it is written otherwise, leads nowhere, or is more than a thousand values.
        """
        try:
            low, high, step = map(self.read, text.split(":"))
        except ValueError:
            raise AskedError(f"{quoted(text)} is not LOW:HIGH:STEP, each written like {quoted(self.told(self.value))}") from None
        if step <= 0 or high < low:
            raise AskedError(f"{quoted(text)} leads nowhere: LOW:HIGH:STEP, the low end first, the step above 0")
        count = math.floor((high - low) / step + 1e-9) + 1
        if count > MOST:
            raise AskedError(f"{quoted(text)} is {count:,} values, and {MOST:,} are the most: take a longer step")
        return [float(f"{low + number * step:.14g}") for number in range(count)]


def ranges(scenario: Scenario) -> list[Parameter]:
    """Give the parameters for which a file states a range, in the order of the file."""
    stated = [f"{event.id}.{key}" for event in scenario.events for key in event.range or {}]
    stated += [f"{name}.{option}" for name, choice in scenario.choices.items() for option in choice.range or {}]
    return [parameter(scenario, name) for name in stated]


def parameter(scenario: Scenario, name: str) -> Parameter:
    """Give a parameter by its name, whether the file states a range for it or not.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    owner, _, key = name.partition(".")
    values: Mapping[str, Any]
    if owner in scenario.choices:
        values, stated = scenario.choices[owner].options, scenario.choices[owner].range
    elif owner in scenario.event:
        values, stated = _numbers(scenario, scenario.event[owner]), scenario.event[owner].range
    else:
        raise AskedError(f"there is no event or choice {quoted(owner)}: {suggest(owner, [*scenario.event, *scenario.choices])}")
    if key not in values:
        known = suggest(key, values, f"what {owner} states")
        raise AskedError(f"{quoted(name)} is no number of this file: {known}")
    value = values[key]
    low, high = (stated or {}).get(key, (value, value))
    unit = _unit(value, owner in scenario.choices or key == "probability")
    return Parameter(name, _amount(value, value), _amount(low, value), _amount(high, value), unit)


def _numbers(scenario: Scenario, event: Event) -> dict[str, Any]:
    """Give the numbers that an event states: its probability, unless it is an option, and those of its delay."""
    found: dict[str, Any] = {} if event.id in scenario.choice_of else {"probability": 1.0 if event.probability is None else event.probability}
    if event.delay is not None:
        name, law = event.delay.one()
        given = {name: law} if isinstance(law, Span) else law.stated
        found |= {key: value for key, value in given.items() if isinstance(value, float | Span | Rate)}
    return found


def _unit(value: Any, share: bool) -> str:
    if isinstance(value, Rate):
        return "per " + value.text.rpartition(" per ")[2]
    return DAYS if isinstance(value, Span) else SHARE if share else ""


def _amount(value: Any, like: Any) -> float:
    """Give a value, or the end of a range, as a number in the unit of the value that the file states."""
    if isinstance(like, Span):
        return (value if isinstance(value, Span) else Span.parse(value)).ticks / TICKS_A_DAY
    if isinstance(like, Rate):
        number = float(like.text.partition(" per ")[0])
        return number * (value if isinstance(value, Rate) else Rate.parse(value)).per_tick / like.per_tick
    return float(value)


def at(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """Give the scenario with other numbers.

    Of a choice, the options named get the shares given, and the others share the rest in proportion. Where the shares
    given are more than 1 together, or less and nobody is left to take the rest, they are scaled to 1.

    Parameters
    ----------
    scenario : Scenario
    values : mapping of str to float
        By the name of the parameter.

    Returns
    -------
    Scenario
        The same one if these are the values of the file.

    Raises
    ------
    ValueError
        If there is no such parameter, or it cannot have this value.
    """
    given = {name: (parameter(scenario, name), value) for name, value in values.items()}
    changed = {name: known.told(value) for name, (known, value) in given.items() if not math.isclose(value, known.value, rel_tol=SAME)}
    if not changed:
        return scenario
    new: dict[str, dict[str, Any]] = {}
    for name, (known, value) in given.items():
        owner, _, key = name.partition(".")
        new.setdefault(owner, {})[key] = known.written(value) if name in changed else known.written(known.value)
    touched = {name.partition(".")[0] for name in changed}
    try:
        events = tuple(_event(event, new[event.id]) if event.id in touched else event for event in scenario.events)
        choices = {name: _choice(choice, new[name]) if name in touched else choice for name, choice in scenario.choices.items()}
    except ValidationError as error:
        told = ", ".join(f"{name} = {value}" for name, value in changed.items())
        raise AskedError(f"{told}: {error.errors()[0]['msg']}") from None
    return scenario.revised(history=True, events=events, choices=choices)


_PROBABILITY: TypeAdapter[float] = TypeAdapter(Probability)


def _event(event: Event, new: dict[str, Any]) -> Event:
    delay, law = dict(new), event.delay and event.delay.one()
    update: dict[str, Any] = {"probability": _PROBABILITY.validate_python(delay.pop("probability"))} if "probability" in new else {}
    if delay and law:
        update["delay"] = Delay.model_validate(delay if isinstance(law[1], Span) else {law[0]: law[1].stated | delay})
    return event.model_copy(update=update)


def _choice(choice: Choice, values: dict[str, float]) -> Choice:
    named = {option: _PROBABILITY.validate_python(share) for option, share in values.items()}
    total, others = sum(named.values()), sum(share for option, share in choice.options.items() if option not in named)
    rest = 1 - total
    if rest < 0 or not others:
        if not total:
            raise AskedError(f"no option is left with a share: {', '.join(named)} are 0, and so are the others")
        named, rest = {option: share / total for option, share in named.items()}, 0.0
    shares = {option: named[option] if option in named else share / others * rest if rest else 0.0 for option, share in choice.options.items()}
    return choice.model_copy(update={"options": shares})


def scaled(scenario: Scenario, parameters: Iterable[Parameter]) -> list[str]:
    """Name the choices of whose options the ranges go beyond 1 together, so that `at` scales what is drawn from them."""
    most: dict[str, float] = {}
    for each in parameters:
        owner = each.name.partition(".")[0]
        if owner in scenario.choices:
            most[owner] = most.get(owner, 0.0) + each.high
    return [owner for owner, total in most.items() if total > 1 + SAME]


def between(parameters: list[Parameter], places: NDArray[np.float64]) -> list[dict[str, float]]:
    """Give the values for each row of places, which say how far each parameter is from the low (0) to the high (1) end of its range."""
    return [{each.name: each.low + place * (each.high - each.low) for each, place in zip(parameters, row, strict=True)} for row in places.tolist()]


def together(scenario: Scenario, points: Iterable[Mapping[str, float]]) -> list[Scenario]:
    """Give the scenario at points within its ranges.

    Raises
    ------
    ScenarioError
        If ranges of the file do not go together.
    """
    try:
        return [at(scenario, point) for point in points]
    except AskedError as error:
        remedy = "narrow the ranges of this event, so that every value of one goes with every value of the others"
        raise ScenarioError([Problem(scenario.place(), f"these ranges do not go together: {error}", remedy)]) from None


def hypercube(parameters: int, m: int, seed: int) -> NDArray[np.float64]:
    """Give m rows of places for so many parameters: a Latin hypercube, which has one in each of m equal parts of every range.

    Source: McKay, Beckman and Conover 1979, Technometrics 21(2), 239-245.
    """
    random = np.random.default_rng(seed)
    part = random.permuted(np.tile(np.arange(m), (parameters, 1)), axis=1).T
    return np.asarray((part + random.random(part.shape)) / m)


def draws(scenario: Scenario, m: int, seed: int = 0) -> list[Scenario]:
    """Draw m scenarios whose parameters lie anywhere in their stated ranges, each value as likely as any other, by a Latin hypercube.

    Raises
    ------
    ScenarioError
        If ranges of the file do not go together.
    """
    parameters = ranges(scenario)
    return together(scenario, between(parameters, hypercube(len(parameters), m, seed)))

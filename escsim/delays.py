"""How long something takes: the laws of delay that a file may state, and the parameters each accepts."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from escsim import base_rates
from escsim.errors import quoted, suggest
from escsim.forms import Form, Number, key
from escsim.times import TICKS_A_DAY, Rate, Span, refusal

CLOCK = 1 << 55  # ticks that the clock can count: 1,141 years
YEAR = 365.25 * TICKS_A_DAY
SOLVED = 32  # bits of a shape that is solved for, which magnifies what is uncertain


@cache
def special() -> Any:
    """Give `scipy.special`, which takes a tenth of a second to import: only where there is no other way."""
    return import_module("scipy.special")


def rounded(value: float, bits: int = 40) -> float:
    """Round to so many significant bits, so that mathematics libraries which differ in the last ones give the same."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Find where a function that rises or falls all the way is 0, by halving the logarithm of its argument to the last bit."""
    rises = function(high) > function(low)
    while low < (middle := math.sqrt(low * high)) < high:
        low, high = (middle, high) if (function(middle) < 0) == rises else (low, middle)
    return middle


def _span(description: str, example: str = "3 days") -> Any:
    return key(description, example, None)


class Law(Form):
    """Base of the laws: checks that the parameters given determine the law, and that the clock can tell its times."""

    enough: ClassVar[tuple[str, ...]]  # the sets of parameters that do, each as words
    without_mean: ClassVar[tuple[str, ...]] = ()  # those that leave the mean open, for `spread`
    may_be_zero: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="after")
    def _spans_above_zero(self) -> Self:
        for name, value in self.stated.items():
            if isinstance(value, Span) and not value.ticks and name not in self.may_be_zero:
                raise refusal(f"{name} must be above 0", "for no delay at all write `delay: 0 days`")
        return self

    def average(self) -> float | None:
        """Give the mean of a law without an upper bound, in ticks."""
        return None

    def check(self, name: str, enough: tuple[str, ...]) -> None:
        """Raise a `refusal` of the law called `name` unless exactly one of the sets of parameters is given."""
        if set(self.stated) not in [set(words.split(" and ")) - {""} for words in enough]:
            got = "given are " + " and ".join(self.stated) if self.stated else "none is given"
            raise refusal(f"these parameters do not determine the law: {got}", "give " + ", or ".join(words or "none" for words in enough), name)

    def check_clock(self, name: str) -> None:
        """Raise a `refusal` of the law called `name` if its mean is beyond the clock or below a tick."""
        mean = self.average()
        if mean is None or 1 <= mean < CLOCK:
            return
        last = max(name for name, value in self.stated.items() if isinstance(value, Span | Rate))  # the later of two quantiles
        if mean < 1:
            raise refusal("the mean would be below a microsecond", "for no delay at all write `delay: 0 days`", name, last)
        years = f"{mean / YEAR:,.0f}" if mean < 1e9 * YEAR else f"{mean / YEAR:.0e}"
        remedy = "for something that never happens, leave the event out" if last == "rate" else "shorten it, or take a law with less spread"
        raise refusal(f"the mean would be {years} years, and the clock ends at {CLOCK // YEAR:,.0f}", remedy, name, last)


class Exponential(Law):
    """Memoryless: the same hazard on every day."""

    enough = ("mean", "median", "rate")
    without_mean = ("",)
    mean: Span | None = _span("Its mean.")
    median: Span | None = _span("The time within which half are over.", "2 days")
    rate: Rate | None = key("The hazard.", "0.2 per day", None)

    def average(self) -> float:
        """Give the mean, in ticks."""
        if self.rate:
            return 1 / self.rate.per_tick
        return self.median.ticks / rounded(math.log(2)) if self.median else float(self.stated["mean"].ticks)


class Shaped(Law):
    """Base of the laws with a shape and a scale, which two quantiles determine as well."""

    widest: ClassVar[float]  # the shapes at the ends of what has a table true to 1e-8
    narrowest: ClassVar[float]

    q05: Span | None = _span("The time within which 5 in 100 are over.", "12 hours")
    q10: Span | None = _span("The time within which 10 in 100 are over.", "1 day")
    q25: Span | None = _span("The time within which 25 in 100 are over.", "2 days")
    q50: Span | None = _span("The median, as one of two quantiles.", "3 days")
    q75: Span | None = _span("The time within which 75 in 100 are over.", "6 days")
    q90: Span | None = _span("The time within which 90 in 100 are over.", "9 days")
    q95: Span | None = _span("The time within which 95 in 100 are over.", "12 days")

    @staticmethod
    def _log_quantile(shape: float, percent: int) -> float:
        """Give the logarithm of the time within which so many in 100 are over, at scale 1."""
        raise NotImplementedError

    @staticmethod
    def _unit_mean(shape: float) -> float:
        """Give the mean at scale 1."""
        raise NotImplementedError

    @staticmethod
    def shape_of(cv: float) -> float:
        """Give the shape that has a coefficient of variation."""
        raise NotImplementedError

    def quantiles(self) -> list[tuple[int, int]]:
        """Give the quantiles that are stated, as percent and ticks."""
        return sorted((int(name[1:]), value.ticks) for name, value in self.stated.items() if name[0] == "q")

    @classmethod
    def reach(cls, shape: float, low: int, high: int) -> float:
        """Give the logarithm of how many times as long the higher quantile is as the lower."""
        return cls._log_quantile(shape, high) - cls._log_quantile(shape, low)

    def solved(self, mean: float | None = None) -> tuple[float, float]:
        """Give the shape and the scale in ticks, for a law without a mean with the one given.

        What mathematics libraries compute here is rounded, and divisions are exact in every processor, so that a file
        means the same everywhere.
        """
        given = self.stated
        if pair := self.quantiles():
            (low, early), (high, late) = pair
            ratio = math.log(late / early)
            shape = rounded(_root(lambda shape: self.reach(shape, low, high) - ratio, *sorted((self.widest, self.narrowest))), SOLVED)
            return shape, early / rounded(math.exp(self._log_quantile(shape, low)))
        stated = given.get("shape") or given.get("sigma")
        shape = rounded(self.shape_of(given["cv"]), SOLVED) if stated is None else stated
        if "scale" in given:
            return shape, float(given["scale"].ticks)
        if "median" in given:
            return shape, given["median"].ticks / rounded(math.exp(self._log_quantile(shape, 50)))
        return shape, (given["mean"].ticks if mean is None else mean) / rounded(self._unit_mean(shape))

    def average(self) -> float:
        """Give the mean, in ticks."""
        shape, scale = self.solved()
        return scale * self._unit_mean(shape)

    def check(self, name: str, enough: tuple[str, ...]) -> None:
        """Raise a `refusal` of the law called `name` unless one set of parameters is given, and of two quantiles that no shape has."""
        pair = self.quantiles()
        if len(pair) != 2 or len(self.stated) != 2 or "two quantiles" not in enough:
            super().check(name, enough)
            return
        (low, early), (high, late) = pair
        least, most = (math.exp(self.reach(shape, low, high)) for shape in (self.narrowest, self.widest))
        if not least * early <= late <= most * early:
            unit = 10.0 ** (math.floor(math.log10(most)) - 2)
            # what is said to be admitted must be: rounded up, and down
            can = f"{math.ceil(least * 1e4) / 1e4:g} to {math.floor(most / unit) * unit:,.12g} times"
            message = f"q{high:02} must be {can} as long as q{low:02}, this is {late / early:,.6g} times"
            remedy = "the higher quantile must be the longer time"
            if late > early:
                longest = max(Shaped.__subclasses__(), key=lambda law: law.reach(law.widest, low, high)).__name__.lower()
                tails = f"a {longest} law has longer tails" if longest != name else "no law has longer tails; `empirical` takes any times"
                remedy = tails if late > most * early else "`delay: {fixed: ...}` has no spread at all"
            raise refusal(message, remedy, name, f"q{high:02}")


class Weibull(Shaped):
    """Hazard that rises (shape above 1: patience wears out) or falls (below 1) with time."""

    enough = ("shape and scale", "shape and mean", "shape and median", "mean and cv", "two quantiles")
    without_mean = ("shape", "cv")
    widest, narrowest = 0.2, 100.0  # cv 15.84 and 0.0127
    shape: Annotated[Number, Field(ge=widest, le=narrowest)] | None = key("Its shape: above 1 the hazard rises, below 1 it falls.", 1.5, None)
    scale: Span | None = _span("Its scale: the time within which 63 in 100 are over.", "5 days")
    mean: Span | None = _span("Its mean.")
    median: Span | None = _span("Its median.", "2 days")
    cv: Annotated[Number, Field(ge=0.013, le=15.8)] | None = key("Standard deviation divided by mean.", 0.5, None)

    @staticmethod
    def _log_quantile(shape: float, percent: int) -> float:
        return math.log(-math.log1p(-percent / 100)) / shape

    @staticmethod
    def _unit_mean(shape: float) -> float:
        return math.gamma(1 + 1 / shape)

    @staticmethod
    def shape_of(cv: float) -> float:
        """Solve cv^2 + 1 = Gamma(1 + 2 / shape) / Gamma(1 + 1 / shape)^2 (Johnson, Kotz and Balakrishnan 1994, 21.3)."""
        target = math.log1p(cv * cv)
        return _root(lambda shape: math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape) - target, Weibull.widest, Weibull.narrowest)


# Standard normal quantiles: Python's and SciPy's differ in the last bits.
_NORMAL = {50: 0.0, 75: 0.6744897501960817, 90: 1.2815515655446004, 95: 1.6448536269514722}
_NORMAL |= {100 - percent: -z for percent, z in _NORMAL.items()}


class Lognormal(Shaped):
    """The logarithm of the time is normal: many are over soon, a few take very long."""

    enough = ("median and sigma", "mean and sigma", "median and cv", "mean and cv", "two quantiles")
    without_mean = ("sigma", "cv")
    widest, narrowest = 4.0, 0.01
    median: Span | None = _span("Its median.", "1 day")
    sigma: Annotated[Number, Field(ge=narrowest, le=widest)] | None = key("Standard deviation of the natural logarithm.", 0.6, None)
    mean: Span | None = _span("Its mean.")
    cv: Annotated[Number, Field(ge=0.01, le=20.0)] | None = key("Standard deviation divided by mean.", 0.5, None)

    @staticmethod
    def _log_quantile(shape: float, percent: int) -> float:
        return shape * _NORMAL[percent]

    @staticmethod
    def _unit_mean(shape: float) -> float:
        return math.exp(shape * shape / 2)

    @staticmethod
    def shape_of(cv: float) -> float:
        """Give the sigma of which cv^2 + 1 = exp(sigma^2)."""
        return math.sqrt(math.log1p(cv * cv))


class Gamma(Shaped):
    """The time that several exponential stages take one after another."""

    enough = Weibull.enough
    without_mean = Weibull.without_mean
    widest, narrowest = 0.2, 10_000.0  # cv 2.236 and 0.01
    shape: Annotated[Number, Field(ge=widest, le=narrowest)] | None = key("Its shape: the number of stages.", 2.0, None)
    scale: Span | None = _span("Its scale: the mean of one stage.", "2 days")
    mean: Span | None = _span("Its mean.")
    median: Span | None = _span("Its median.", "2 days")
    cv: Annotated[Number, Field(ge=0.01, le=2.236)] | None = key("Standard deviation divided by mean.", 0.5, None)

    @staticmethod
    def _log_quantile(shape: float, percent: int) -> float:
        return math.log(special().gammaincinv(shape, percent / 100))

    @staticmethod
    def _unit_mean(shape: float) -> float:
        return shape

    @staticmethod
    def shape_of(cv: float) -> float:
        """Give 1 / cv^2."""
        return 1 / (cv * cv)

    def check_clock(self, name: str) -> None:
        """Do without SciPy where a median is stated that is neither very long nor very short: the mean is 1 to 10 times as long."""
        if self.median is None or self.median.ticks > CLOCK / 10:
            super().check_clock(name)


class Bounded(Law):
    """Base of the laws between two bounds."""

    may_be_zero = ("low", "mode")
    backwards: ClassVar[tuple[str, str]]  # what is said of times that do not rise

    @model_validator(mode="after")
    def _rising(self) -> Self:
        times = list(self.stated.values())
        if len(set(times)) == 1:
            raise refusal("low must be shorter than high", f"for always the same time write {{fixed: {times[0]}}}")
        if times != sorted(times):
            raise refusal(*self.backwards)
        return self


class Uniform(Bounded):
    """Any time between two bounds is as likely as any other."""

    enough = ("low and high",)
    backwards = ("low must be shorter than high", "swap them")
    low: Span = key("The shortest time.", "1 day")
    high: Span = key("The longest time.", "5 days")


class Triangular(Bounded):
    """Times between two bounds, likeliest at one."""

    enough = ("low and mode and high",)
    backwards = ("low, mode and high must rise", "for example {low: 1 day, mode: 2 days, high: 5 days}")
    low: Span = key("The shortest time.", "1 day")
    mode: Span = key("The likeliest time.", "2 days")
    high: Span = key("The longest time.", "5 days")


class Empirical(Law):
    """Times that were observed, drawn again."""

    enough = ("values and interpolation", "values and weights and interpolation")
    values: tuple[Span, ...] = key("Observed times.", ["1 day", "4 days", "9 days"], min_length=1, max_length=1000)
    weights: tuple[Annotated[Number, Field(gt=0)], ...] | None = key("How much each of them counts; equal if not given.", [2, 1, 1], None)
    interpolation: Literal["linear", "step"] = key(
        "Whether only the observed times occur (step), or those between them too (linear).", "linear", "step"
    )

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.values):
            raise refusal(f"{len(self.weights)} weights for {len(self.values)} values", "give one weight for each value")
        return self


LAWS: dict[str, type[Law]] = {law.__name__.lower(): law for law in (Exponential, Weibull, Lognormal, Gamma, Uniform, Triangular, Empirical)}


class _Chosen(Form):
    """Base of the forms that state one law by its name."""

    exponential: Exponential | None = key("A memoryless delay.", {"mean": "3 days"}, None)
    weibull: Weibull | None = key("A Weibull delay.", {"shape": 1.5, "scale": "5 days"}, None)
    lognormal: Lognormal | None = key("A lognormal delay.", {"median": "1 day", "sigma": 0.6}, None)
    gamma: Gamma | None = key("A gamma delay.", {"mean": "4 days", "cv": 0.5}, None)

    def one(self) -> tuple[str, Law | Span]:
        """Give the law that is stated and its name; raises a `refusal` if it is not just one."""
        if len(self.stated) != 1:
            raise refusal(f"one law is wanted, not {' and '.join(self.stated) or 'nothing'}", "one of: " + ", ".join(type(self).model_fields))
        return next(iter(self.stated.items()))


class Delay(_Chosen):
    """The time from the arming of an event until it happens."""

    fixed: Span | None = key("Always the same time.", "7 days", None)
    uniform: Uniform | None = key("Anything between two bounds.", {"low": "1 day", "high": "5 days"}, None)
    triangular: Triangular | None = key("Between two bounds, likeliest at one time.", {"low": "1 day", "mode": "2 days", "high": "5 days"}, None)
    empirical: Empirical | None = key("Observed times, drawn again.", {"values": ["1 day", "4 days", "9 days"]}, None)
    rates: str | None = key("A packaged base rate, by name: `escsim list --rates`.", "recall_to_return", None)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """Take a bare time as fixed, and put beside the name of a base rate the law that it stands for."""
        if isinstance(value, str | int | float):
            return {"fixed": value}
        if not isinstance(value, dict) or not isinstance(name := value.get("rates"), str):
            return value
        if (known := base_rates.shipped().get(name)) is None:
            raise refusal(f"unknown base rate {quoted(name)}", suggest(name, base_rates.shipped(), "packaged"), "rates")
        if any(value.get(law) is not None for law in cls.model_fields if law != "rates" and law not in known.law):
            raise refusal("a base rate is a law already", "delete one of the two: the other law, or `rates`")
        return {**value, **known.law}

    def one(self) -> tuple[str, Law | Span]:
        """Give the law that is stated, or that of the base rate, and its name; raises a `refusal` if it is not just one."""
        return super().one() if self.rates is None else next((name, law) for name, law in self.stated.items() if name != "rates")

    @model_validator(mode="after")
    def _determined(self) -> Self:
        name, law = self.one()
        if isinstance(law, Law):
            law.check(name, law.enough)
            law.check_clock(name)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"title": "Delay", "anyOf": [{"type": "string", "pattern": Span.pattern, "description": Span.help}, handler(schema)]}


class SpreadLaw(_Chosen):
    """The law that the gaps between dated events follow in a variant, each with its historical gap as mean."""

    none: Literal[True] | None = key("Leave every gap as it was.", True, None)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"none": True} if value == "none" else value

    @model_validator(mode="after")
    def _determined(self) -> Self:
        name, law = self.one()
        if isinstance(law, Law):
            if {"mean", "median", "scale", "rate"} & set(law.stated):
                remedy = "its mean is the historical gap: give only its shape, such as cv"
                raise refusal("a spread takes no mean, median, scale or rate", remedy, name)
            law.check(name, law.without_mean)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"title": "Spread", "anyOf": [{"const": "none"}, handler(schema)]}

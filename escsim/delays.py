"""How long something takes: the laws of delay that a file may state, and the parameters each accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from escsim.forms import Form, Number, key
from escsim.times import Rate, Span, refusal

Shape = Annotated[Number, Field(gt=0, le=1000)]
Spread = Annotated[Number, Field(gt=0, le=20)]


class Law(Form):
    """Base of the laws: checks that the parameters given determine the law."""

    enough: ClassVar[tuple[str, ...]]  # the sets of parameters that do, each as words
    without_mean: ClassVar[tuple[str, ...]] = ()  # those that leave the mean open, for `spread`
    may_be_zero: ClassVar[tuple[str, ...]] = ()

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that the file states."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _spans_above_zero(self) -> Self:
        for name, value in self.given.items():
            if isinstance(value, Span) and not value.ticks and name not in self.may_be_zero:
                raise refusal(f"{name} must be above 0", "for no delay at all write `delay: 0 days`")
        return self

    def check(self, name: str, enough: tuple[str, ...]) -> None:
        """Raise a `refusal` of the law called `name` unless exactly one of the sets of parameters is given."""
        given = set(self.given)
        quantiles = {name for name in given if name[0] == "q" and name[1:].isdigit()}
        if quantiles == given and len(quantiles) == 2 and "two quantiles" in enough:
            low, high = (self.given[name].ticks for name in sorted(quantiles))
            if low >= high:
                raise refusal("the higher quantile must be the longer time", "for example {q10: 1 day, q90: 9 days}", name)
            return
        if given not in [set(words.split(" and ")) - {""} for words in enough]:
            got = "given are " + " and ".join(self.given) if self.given else "none is given"
            raise refusal(f"these parameters do not determine the law: {got}", "give " + ", or ".join(words or "none" for words in enough), name)


def _span(description: str, example: str = "3 days") -> Any:
    return key(description, example, None)


class _Quantiles(Law):
    """Base of the laws with two parameters, which two quantiles determine as well."""

    q05: Span | None = _span("The time within which 5 in 100 are over.", "12 hours")
    q10: Span | None = _span("The time within which 10 in 100 are over.", "1 day")
    q25: Span | None = _span("The time within which 25 in 100 are over.", "2 days")
    q50: Span | None = _span("The median, as one of two quantiles.", "3 days")
    q75: Span | None = _span("The time within which 75 in 100 are over.", "6 days")
    q90: Span | None = _span("The time within which 90 in 100 are over.", "9 days")
    q95: Span | None = _span("The time within which 95 in 100 are over.", "12 days")


class Exponential(Law):
    """Memoryless: the same hazard on every day."""

    enough = ("mean", "median", "rate")
    without_mean = ("",)
    mean: Span | None = _span("Its mean.")
    median: Span | None = _span("The time within which half are over.", "2 days")
    rate: Rate | None = key("The hazard.", "0.2 per day", None)


class Weibull(_Quantiles):
    """Hazard that rises (shape above 1: patience wears out) or falls (below 1) with time."""

    enough = ("shape and scale", "shape and mean", "shape and median", "mean and cv", "two quantiles")
    without_mean = ("shape", "cv")
    shape: Shape | None = key("Its shape: above 1 the hazard rises, below 1 it falls.", 1.5, None)
    scale: Span | None = _span("Its scale: the time within which 63 in 100 are over.", "5 days")
    mean: Span | None = _span("Its mean.")
    median: Span | None = _span("Its median.", "2 days")
    cv: Spread | None = key("Standard deviation divided by mean.", 0.5, None)


class Lognormal(_Quantiles):
    """The logarithm of the time is normal: many are over soon, a few take very long."""

    enough = ("median and sigma", "mean and sigma", "median and cv", "mean and cv", "two quantiles")
    without_mean = ("sigma", "cv")
    median: Span | None = _span("Its median.", "1 day")
    sigma: Annotated[Number, Field(gt=0, le=5)] | None = key("Standard deviation of the natural logarithm.", 0.6, None)
    mean: Span | None = _span("Its mean.")
    cv: Spread | None = key("Standard deviation divided by mean.", 0.5, None)


class Gamma(_Quantiles):
    """The time that several exponential stages take one after another."""

    enough = ("shape and scale", "shape and mean", "shape and median", "mean and cv", "two quantiles")
    without_mean = ("shape", "cv")
    shape: Shape | None = key("Its shape: the number of stages.", 2.0, None)
    scale: Span | None = _span("Its scale: the mean of one stage.", "2 days")
    mean: Span | None = _span("Its mean.")
    median: Span | None = _span("Its median.", "2 days")
    cv: Spread | None = key("Standard deviation divided by mean.", 0.5, None)


class Uniform(Law):
    """Any time between two bounds is as likely as any other."""

    enough = ("low and high",)
    may_be_zero = ("low",)
    low: Span = key("The shortest time.", "1 day")
    high: Span = key("The longest time.", "5 days")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.low >= self.high:
            raise refusal("low must be shorter than high", "swap them")
        return self


class Triangular(Law):
    """Between two bounds, likeliest at one time."""

    enough = ("low and mode and high",)
    may_be_zero = ("low", "mode")
    low: Span = key("The shortest time.", "1 day")
    mode: Span = key("The likeliest time.", "2 days")
    high: Span = key("The longest time.", "5 days")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            raise refusal("low, mode and high must rise", "for example {low: 1 day, mode: 2 days, high: 5 days}")
        return self


class Empirical(Law):
    """Times that were observed, drawn again."""

    enough = ("values and interpolation", "values and weights and interpolation")
    values: tuple[Span, ...] = key("Observed times.", ["1 day", "4 days", "9 days"], min_length=1, max_length=1000)
    weights: tuple[Annotated[Number, Field(gt=0)], ...] | None = key("How much each of them counts; equal if not given.", [2, 1, 1], None)
    interpolation: Literal["linear", "step"] = key("Whether times between the observed ones occur (linear) or not (step).", "step", "linear")

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.values):
            raise refusal(f"{len(self.weights)} weights for {len(self.values)} values", "give one weight for each value")
        return self


LAWS: dict[str, type[Law]] = {
    "exponential": Exponential,
    "weibull": Weibull,
    "lognormal": Lognormal,
    "gamma": Gamma,
    "uniform": Uniform,
    "triangular": Triangular,
    "empirical": Empirical,
}


class _Chosen(Form):
    """Base of the forms that state one law by its name."""

    exponential: Exponential | None = key("A memoryless delay.", {"mean": "3 days"}, None)
    weibull: Weibull | None = key("A Weibull delay.", {"shape": 1.5, "scale": "5 days"}, None)
    lognormal: Lognormal | None = key("A lognormal delay.", {"median": "1 day", "sigma": 0.6}, None)
    gamma: Gamma | None = key("A gamma delay.", {"mean": "4 days", "cv": 0.5}, None)

    def stated(self) -> Iterator[tuple[str, Law | Span]]:
        """Give the laws that are stated, with their names."""
        for name in type(self).model_fields:
            if (law := getattr(self, name)) is not None:
                yield name, law

    def one(self) -> tuple[str, Law | Span]:
        """Give the law that is stated and its name; raises a `refusal` if it is not just one."""
        stated = list(self.stated())
        if len(stated) != 1:
            got = " and ".join(name for name, _ in stated) or "nothing"
            raise refusal(f"one law is wanted, not {got}", "one of: " + ", ".join(type(self).model_fields))
        return stated[0]


class Delay(_Chosen):
    """The time from the arming of an event until it happens."""

    fixed: Span | None = key("Always the same time.", "7 days", None)
    uniform: Uniform | None = key("Anything between two bounds.", {"low": "1 day", "high": "5 days"}, None)
    triangular: Triangular | None = key("Between two bounds, likeliest at one time.", {"low": "1 day", "mode": "2 days", "high": "5 days"}, None)
    empirical: Empirical | None = key("Observed times, drawn again.", {"values": ["1 day", "4 days", "9 days"]}, None)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"fixed": value} if isinstance(value, str | int | float) else value

    @model_validator(mode="after")
    def _determined(self) -> Self:
        name, law = self.one()
        if isinstance(law, Law):
            law.check(name, law.enough)
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
            if {"mean", "median", "scale", "rate"} & set(law.given):
                raise refusal(
                    "a spread takes no mean, median, scale or rate", "its mean is the historical gap: give only its shape, such as cv", name
                )
            law.check(name, law.without_mean)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"title": "Spread", "anyOf": [{"const": "none"}, handler(schema)]}

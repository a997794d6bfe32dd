"""Dates, spans and ticks: all time in escsim is whole microseconds after 00:00 UTC of the first day of the period."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from escsim.errors import quoted

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
TICKS_A_DAY = DAY // TICK
YEARS = range(1500, 3000)


def refusal(message: str, remedy: str = "", *at: str, key: bool = False) -> PydanticCustomError:
    """Make the error that a type raises on a value it cannot take.

    Message and remedy are shown as they are; `at` leads from the value to the part at fault (`key`: its key).
    """
    return PydanticCustomError("escsim", "{message}", {"message": message, "remedy": remedy, "at": at, "key": key})


class Written:
    """Base of the values that a file writes as one scalar: parsed from it, shown and stored as its text."""

    pattern: ClassVar[str]
    help: ClassVar[str]
    wanted: ClassVar[str]
    remedy: ClassVar[str]
    types: ClassVar[tuple[type, ...]] = (str,)

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read the value as written in a file; raises a `refusal` with a remedy."""
        found = re.fullmatch(cls.pattern, str(value)) if type(value) in cls.types else None
        if found is None:
            got = {list: "a list", dict: "a mapping", bool: quoted(str(value).lower())}.get(type(value)) or quoted(value)
            raise refusal(f"{cls.wanted} is wanted, not {got}", cls._remedy(value))
        return cls._read(found)

    @classmethod
    def _remedy(cls, _value: object) -> str:
        return cls.remedy

    @classmethod
    def _read(cls, found: re.Match[str]) -> Self:
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string", "pattern": cls.pattern, "description": cls.help}
        years = {"type": "integer", "minimum": YEARS[0], "maximum": YEARS[-1]}
        return {"anyOf": [text, years]} if int in cls.types else text


_NUMBER = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_UNITS = {"second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6, "day": TICKS_A_DAY, "week": 7 * TICKS_A_DAY}
_UNIT = "(" + "|".join(_UNITS) + ")s?"
LONGEST = 1000 * 366 * TICKS_A_DAY


@dataclass(frozen=True, order=True)
class Span(Written):
    """A length of time such as `36 hours`, `2 days` or `1.5 weeks`: 0 to 1,000 years, in ticks."""

    ticks: int

    pattern = rf"^ *{_NUMBER} *{_UNIT} *$"
    help = "A length of time: 36 hours, 2 days, 1.5 weeks (units: seconds, minutes, hours, days, weeks)."
    wanted = "a length of time"
    remedy = "for example: 36 hours, 2 days, 1.5 weeks"

    @classmethod
    def _read(cls, found: re.Match[str]) -> Self:
        exact = Decimal(found[1]) * _UNITS[found[2]]
        ticks = int(exact.to_integral_value())
        if exact and not ticks:
            raise refusal(f"{quoted(found[0])} is less than a microsecond", "write `0 seconds`, or a longer time")
        if ticks > LONGEST:
            raise refusal(f"{quoted(found[0])} is longer than 1,000 years", "give a shorter time")
        return cls(ticks)

    @classmethod
    def _remedy(cls, value: object) -> str:
        if type(value) in (int, float):
            return f"say the unit: {value} days"
        if isinstance(value, str) and re.search("month|year", value):
            return "months and years differ in length: say how many days"
        return cls.remedy

    def __str__(self) -> str:
        for unit, ticks in reversed(_UNITS.items()):
            if unit != "week" and self.ticks >= ticks and not self.ticks * 1000 % ticks:
                return f"{(Decimal(self.ticks) / ticks).normalize():f} {unit}{'' if self.ticks == ticks else 's'}"
        return f"{Decimal(self.ticks).scaleb(-6).normalize():f} seconds"


@dataclass(frozen=True)
class Rate(Written):
    """How often something happens, such as `0.2 per day`; `per_tick` is the expected number in a microsecond, above 0."""

    text: str
    per_tick: float

    pattern = rf"^ *{_NUMBER} *(?:per|a|an|/) *{_UNIT} *$"
    help = "How often: 0.2 per day, 1 per week."
    wanted = "a rate"
    remedy = "for example: 0.2 per day"

    @classmethod
    def _read(cls, found: re.Match[str]) -> Self:
        per_tick = float(found[1]) / _UNITS[found[2]]
        if per_tick == 0:
            raise refusal("a rate must be above 0", "for something that never happens, leave the event out")
        if per_tick > 1:
            raise refusal("a rate of more than one a microsecond", "for no delay at all write `delay: 0 days`")
        return cls(f"{found[1]} per {found[2]}", per_tick)

    def __str__(self) -> str:
        return self.text


_DATE = r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]"
_POINT = rf"{_DATE}(?:[ T][0-9][0-9]:[0-9][0-9])?"
_PART = rf"(?:{_POINT}|[0-9]{{4}}-[0-9][0-9]|[0-9]{{4}})"
ABOUT = 3 * DAY


@dataclass(frozen=True, order=True)
class Date(Written):
    """A day used as a bound, such as `2024-01-26`: what is bound by it may come about until the day's end."""

    day: Day

    pattern = rf"^{_DATE}$"
    help = "A day: 2024-01-26. As a bound it includes the whole day."
    wanted = "a day"
    remedy = "days are written YYYY-MM-DD: 2024-01-26"

    @classmethod
    def _read(cls, found: re.Match[str]) -> Self:
        return cls(_bounds(found[0])[0].date())

    @property
    def end(self) -> datetime:
        """The midnight that ends it."""
        return datetime.combine(self.day, datetime.min.time()) + DAY

    def __str__(self) -> str:
        return self.day.isoformat()


@dataclass(frozen=True)
class When(Written):
    """A date as well as it is known: `2012`, `2013-10`, `2013-10-08`, `2024-01-18 05:00`, `about ...`, `... to ...`.

    All times are UTC. A date known to the day stands at its 00:00 and leaves nothing open; a month, a year or a
    range leaves open the time from its first to the end of its last day, `about` three days either way.

    Attributes
    ----------
    text : str
        As written.
    first, last : datetime
        The earliest moment, and the end (not included) of what is left open; equal if nothing is.
    end : datetime
        The end of the date used as a bound: of its last day, or the moment itself if it has a time of day.
    """

    text: str
    first: datetime
    last: datetime
    end: datetime

    pattern = rf"^ *(?:about +{_DATE}|{_PART}(?: +to +{_PART})?) *$"
    help = (
        "A date as well as it is known: 2013-10-08, 2024-01-18 05:00 (UTC), 2013-10, 2012, about 2017-06-22 (three days either way), "
        "2024-01-17 to 2024-01-18."
    )
    wanted = "a date"
    remedy = "for example: 2024-01-18, 2024-01-18 05:00, 2013-10, about 2017-06-22"
    types = (str, int)

    @classmethod
    def _read(cls, found: re.Match[str]) -> Self:
        text = " ".join(found[0].split())
        if text.startswith("about "):
            middle, end = _bounds(text.removeprefix("about "))
            return cls(text, middle - ABOUT, middle + ABOUT, end + ABOUT)
        if " to " in text:
            (first, _), (_, end) = map(_bounds, text.split(" to "))
            if end <= first:
                raise refusal(f"{quoted(text)} ends before it begins", "write the earlier date first")
            return cls(text, first, end, end)
        first, end = _bounds(text)
        return cls(text, first, first if "-" in text[5:] else end, end)

    @property
    def moment(self) -> datetime:
        """The time at which it stands in a replay: the middle of what it leaves open."""
        return self.first + (self.last - self.first) // 2

    @property
    def exact(self) -> bool:
        """Whether it leaves nothing open."""
        return self.first == self.last

    @property
    def day(self) -> Day:
        """The day on which it stands in a replay."""
        return self.moment.date()

    def __str__(self) -> str:
        return self.text


def _bounds(text: str) -> tuple[datetime, datetime]:
    """Give the first moment of a year, month, day or time of day, and its end."""
    year, month, day, clock = int(text[:4]), int(text[5:7] or 1), int(text[8:10] or 1), text[11:]
    hour, minute = map(int, clock.split(":")) if clock else (0, 0)
    if year not in YEARS:
        raise refusal(f"the year {year:04} is out of range", f"years {YEARS[0]} to {YEARS[-1]} can be used")
    try:
        first = datetime(year, month, day, hour, minute)
    except ValueError:
        raise refusal(f"there is no {quoted(text)} in the calendar", "dates are YYYY-MM-DD, times HH:MM from 00:00 to 23:59") from None
    if len(text) >= len("2024-01-01"):
        return first, first if clock else first + DAY
    return first, datetime(year + month // 12, month % 12 + 1, 1) if len(text) == len("2024-01") else datetime(year + 1, 1, 1)

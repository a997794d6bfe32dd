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


def _got(value: object) -> str:
    """Describe a value that cannot be taken."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return quoted(str(value).lower() if isinstance(value, bool) else value)


class Written:
    """Base of the values that a file writes as one scalar: parsed from it, shown and stored as its text."""

    pattern: ClassVar[str]
    help: ClassVar[str]
    instances: ClassVar[list[dict[str, Any]]] = []  # what else than a string of this pattern is accepted

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read the value as written in a file; raises a `refusal` with a remedy."""
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
        return {"anyOf": [text, *cls.instances]} if cls.instances else text


_NUMBER = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_UNITS = {
    "second": timedelta(seconds=1) // TICK,
    "minute": timedelta(minutes=1) // TICK,
    "hour": timedelta(hours=1) // TICK,
    "day": TICKS_A_DAY,
    "week": 7 * TICKS_A_DAY,
}
_UNIT = "(" + "|".join(_UNITS) + ")s?"
_SPAN = re.compile(rf"{_NUMBER} *{_UNIT}")
_RATE = re.compile(rf"{_NUMBER} *(?:per|a|an|/) *{_UNIT}")
LONGEST = 1000 * 366 * TICKS_A_DAY


@dataclass(frozen=True, order=True)
class Span(Written):
    """A length of time such as `36 hours`, `2 days` or `1.5 weeks`.

    Attributes
    ----------
    ticks : int
        Its length in microseconds, 0 to 1,000 years.
    """

    ticks: int

    pattern: ClassVar[str] = rf"^ *{_SPAN.pattern} *$"
    help: ClassVar[str] = "A length of time: 36 hours, 2 days, 1.5 weeks (units: seconds, minutes, hours, days, weeks)."

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a span; raises a `refusal` if the unit is missing or is not of fixed length."""
        found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise refusal(f"a length of time is wanted, not {_got(value)}", _span_remedy(value))
        ticks = int((Decimal(found[1]) * _UNITS[found[2]]).to_integral_value())
        if ticks > LONGEST:
            raise refusal(f"{quoted(value)} is longer than 1,000 years", "give a shorter time")
        return cls(ticks)

    @property
    def days(self) -> float:
        """Its length in days."""
        return self.ticks / TICKS_A_DAY

    def __str__(self) -> str:
        for unit, ticks in reversed(_UNITS.items()):
            if unit != "week" and self.ticks >= ticks and not self.ticks * 1000 % ticks:
                return f"{(Decimal(self.ticks) / ticks).normalize():f} {unit}{'' if self.ticks == ticks else 's'}"
        return f"{Decimal(self.ticks).scaleb(-6).normalize():f} seconds"


def _span_remedy(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"say the unit: {value} days"
    if isinstance(value, str) and re.search("month|year", value):
        return "months and years differ in length: say how many days"
    return "for example: 36 hours, 2 days, 1.5 weeks"


@dataclass(frozen=True)
class Rate(Written):
    """How often something happens, such as `0.2 per day`.

    Attributes
    ----------
    per_tick : float
        Expected number in a microsecond, above 0.
    """

    text: str
    per_tick: float

    pattern: ClassVar[str] = rf"^ *{_RATE.pattern} *$"
    help: ClassVar[str] = "How often: 0.2 per day, 1 per week."

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a rate; raises a `refusal` unless it is above 0."""
        found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise refusal(f"a rate is wanted, not {_got(value)}", "for example: 0.2 per day")
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
    """A day used as a bound, such as `2024-01-26`: what is bound by it may come about until the day's end.

    Attributes
    ----------
    day : datetime.date
        The day.
    """

    day: Day

    pattern: ClassVar[str] = r"^[0-9]{4}-[0-9][0-9]-[0-9][0-9]$"
    help: ClassVar[str] = "A day: 2024-01-26. As a bound it includes the whole day."

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a day; raises a `refusal` for anything less or more exact."""
        if not isinstance(value, str) or not re.fullmatch(cls.pattern, value):
            raise refusal(f"a day is wanted, not {_got(value)}", "days are written YYYY-MM-DD: 2024-01-26")
        return cls(_bounds(value.strip())[0].date())

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

    pattern: ClassVar[str] = rf"^ *(?:about +{_DATE}|{_PART}(?: +to +{_PART})?) *$"
    help: ClassVar[str] = (
        "A date as well as it is known: 2013-10-08, 2024-01-18 05:00 (UTC), 2013-10, 2012, about 2017-06-22 (three days either way), "
        "2024-01-17 to 2024-01-18."
    )
    instances: ClassVar[list[dict[str, Any]]] = [{"type": "integer", "minimum": YEARS[0], "maximum": YEARS[-1]}]

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a date; raises a `refusal` that says which forms there are."""
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not re.fullmatch(cls.pattern, text):
            raise refusal(f"a date is wanted, not {_got(value)}", "for example: 2024-01-18, 2024-01-18 05:00, 2013-10, about 2017-06-22")
        text = re.sub(" +", " ", text)
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
    year, month, day, clock = int(text[:4]), text[5:7], text[8:10], text[11:]
    if year not in YEARS:
        raise refusal(f"the year {year:04} is out of range", f"years {YEARS[0]} to {YEARS[-1]} can be used")
    try:
        first = datetime(year, int(month or 1), int(day or 1))
        if clock:
            first += timedelta(hours=datetime.strptime(clock, "%H:%M").hour, minutes=int(clock[3:]))
            return first, first
    except ValueError:
        raise refusal(f"there is no {quoted(text)} in the calendar", "dates are YYYY-MM-DD, times HH:MM from 00:00 to 23:59") from None
    if day:
        return first, first + DAY
    if month:
        return first, datetime(year + int(month) // 12, int(month) % 12 + 1, 1)
    return first, datetime(year + 1, 1, 1)

"""Dates and spans: every form that a file may write, what it stands for, and what is refused."""

from __future__ import annotations

import re
from datetime import date as Day
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from escsim.scenario import Period
from escsim.times import DAY, LONGEST, TICK, TICKS_A_DAY, Date, Rate, Span, When, Written

HOUR = 3_600_000_000


def refused(kind: type[Written], value: object) -> tuple[str, str]:
    """Give message and remedy of the refusal of a value."""
    with pytest.raises(PydanticCustomError) as caught:
        kind.parse(value)
    assert caught.value.type == "escsim"
    context = caught.value.context or {}
    assert set(context) == {"message", "remedy", "at", "key"}
    assert caught.value.message() == context["message"]
    assert (context["at"], context["key"]) == ((), False), "the whole value is at fault"
    return context["message"], context["remedy"]


def got(value: object) -> str:
    """Say how a value that cannot be taken is told: as it stands in the file, in quotes, cut at 60 characters."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return "'" + (text if len(text) <= 60 else text[:57] + "...") + "'"


# Spans


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("0 days", 0),
        ("1 second", 10**6),
        ("90 seconds", 90 * 10**6),
        ("1 minute", 60 * 10**6),
        ("45 minutes", 45 * 60 * 10**6),
        ("1 hour", HOUR),
        ("36 hours", 36 * HOUR),
        ("1 day", 24 * HOUR),
        ("2 days", 48 * HOUR),
        ("2.5 days", 60 * HOUR),
        ("1. day", 24 * HOUR),
        (".5 day", 12 * HOUR),
        ("1 week", 7 * 24 * HOUR),
        ("1.5 weeks", 252 * HOUR),
        ("2days", 48 * HOUR),
        ("  2   days ", 48 * HOUR),
        ("007 days", 7 * 24 * HOUR),
        ("0.000001 seconds", 1),
        ("0 seconds", 0),
        ("0.0000006 seconds", 1),
        ("366000 days", LONGEST),
    ],
)
def test_a_span_is_a_number_and_a_unit_of_fixed_length(text: str, ticks: int) -> None:
    assert Span.parse(text).ticks == ticks


@pytest.mark.parametrize(
    ("value", "message", "remedy"),
    [
        (2, "a length of time is wanted, not '2'", "say the unit: 2 days"),
        (1.5, "a length of time is wanted, not '1.5'", "say the unit: 1.5 days"),
        ("2", "a length of time is wanted, not '2'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("2 months", "a length of time is wanted, not '2 months'", "months and years differ in length: say how many days"),
        ("1 year", "a length of time is wanted, not '1 year'", "months and years differ in length: say how many days"),
        ("-2 days", "a length of time is wanted, not '-2 days'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("two days", "a length of time is wanted, not 'two days'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("2 Days", "a length of time is wanted, not '2 Days'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("1e3 days", "a length of time is wanted, not '1e3 days'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("1 day 2 hours", "a length of time is wanted, not '1 day 2 hours'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("", "a length of time is wanted, not ''", "for example: 36 hours, 2 days, 1.5 weeks"),
        (True, "a length of time is wanted, not 'true'", "for example: 36 hours, 2 days, 1.5 weeks"),
        (None, "a length of time is wanted, not 'None'", "for example: 36 hours, 2 days, 1.5 weeks"),
        (False, "a length of time is wanted, not 'false'", "for example: 36 hours, 2 days, 1.5 weeks"),
        (["2 days"], "a length of time is wanted, not a list", "for example: 36 hours, 2 days, 1.5 weeks"),
        ({"days": 2}, "a length of time is wanted, not a mapping", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("x" * 60, "a length of time is wanted, not '" + "x" * 60 + "'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("x" * 61, "a length of time is wanted, not '" + "x" * 57 + "...'", "for example: 36 hours, 2 days, 1.5 weeks"),
        ("366001 days", "'366001 days' is longer than 1,000 years", "give a shorter time"),
        ("0.0000004 seconds", "'0.0000004 seconds' is less than a microsecond", "write `0 seconds`, or a longer time"),
        ("9" * 400 + " days", "'" + "9" * 57 + "...' is longer than 1,000 years", "give a shorter time"),
    ],
)
def test_a_span_without_a_fixed_unit_is_refused_with_a_remedy(value: object, message: str, remedy: str) -> None:
    assert refused(Span, value) == (message, remedy)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 day", "1 day"),
        ("24 hours", "1 day"),
        ("36 hours", "1.5 days"),
        ("12 hours", "12 hours"),
        ("1 week", "7 days"),
        ("90 minutes", "1.5 hours"),
        ("60 seconds", "1 minute"),
        ("0 weeks", "0 seconds"),
        ("0.000001 seconds", "0.000001 seconds"),
        ("366000 days", "366000 days"),
    ],
)
def test_a_span_is_shown_in_the_largest_unit_that_tells_it_briefly(text: str, shown: str) -> None:
    assert str(Span.parse(text)) == shown


@given(st.integers(0, LONGEST))
@example(0)
@example(1)
@example(999_999)
@example(LONGEST)
@example(TICKS_A_DAY + 1)
def test_a_span_shown_and_read_again_is_the_same_to_the_tick(ticks: int) -> None:
    shown = str(Span(ticks))
    assert Span.parse(shown) == Span(ticks)
    assert re.search(Span.pattern, shown), "the published pattern admits what escsim writes"


@given(st.integers(0, LONGEST // 10**6), st.sampled_from(["second", "minute", "hour", "day", "week"]), st.integers(0, 6))
def test_a_span_means_its_decimal_exactly(number: int, unit: str, places: int) -> None:
    ticks = Decimal(number).scaleb(-places) * {"second": 10**6, "minute": 60 * 10**6, "hour": HOUR, "day": 24 * HOUR, "week": 168 * HOUR}[unit]
    if ticks <= LONGEST and ticks == ticks.to_integral_value():
        assert Span.parse(f"{Decimal(number).scaleb(-places):f} {unit}s").ticks == ticks


@given(st.integers(0, LONGEST), st.integers(0, LONGEST))
def test_spans_are_ordered_by_length(one: int, other: int) -> None:
    assert (Span(one) < Span(other)) == (one < other)


# Rates


@pytest.mark.parametrize("text", ["0.2 per day", "0.2 a day", "0.2/day", "0.2 / days", "1.4 per week", "1.4 a week", " 0.2   per day "])
def test_a_rate_is_a_number_per_unit(text: str) -> None:
    assert Rate.parse(text).per_tick == pytest.approx(0.2 / TICKS_A_DAY, rel=1e-15)


def test_a_rate_may_be_written_with_an() -> None:
    assert Rate.parse("3 an hour").per_tick == 3 / HOUR


@pytest.mark.parametrize("value", ["0.2", 0.2, "0.2 day", "per day", "-1 per day", "1 per month", None, True, "1e-3 per day"])
def test_a_rate_without_a_unit_is_refused(value: object) -> None:
    message, remedy = refused(Rate, value)
    assert message.startswith("a rate is wanted, not ")
    assert remedy == "for example: 0.2 per day"


@pytest.mark.parametrize("text", ["0 per day", "0.000 per week", "0." + "0" * 400 + "1 per day"])
def test_a_rate_of_zero_is_refused(text: str) -> None:
    assert refused(Rate, text) == ("a rate must be above 0", "for something that never happens, leave the event out")


def test_a_rate_beyond_all_numbers_is_refused() -> None:
    refused(Rate, "9" * 400 + " per day")


@given(st.decimals("0.000000001", 10**6, places=9))
@example(Decimal("0.123456789"))
def test_a_rate_shown_and_read_again_is_the_same(number: Decimal) -> None:
    """Or two scenarios with different rates would have one hash."""
    rate = Rate.parse(f"{number:f} per day")
    assert Rate.parse(str(rate)) == rate


# Days as bounds


def test_a_day_as_a_bound_includes_the_whole_day() -> None:
    day = Date.parse("2024-01-26")
    assert day.day == Day(2024, 1, 26)
    assert day.end == datetime(2024, 1, 27)
    assert str(day) == "2024-01-26"


@pytest.mark.parametrize("value", ["2024-01", "2024", 2024, "2024-01-26 05:00", "26 January 2024", "2024-1-26", "about 2024-01-26", "", None, True])
def test_a_bound_less_or_more_exact_than_a_day_is_refused(value: object) -> None:
    message, remedy = refused(Date, value)
    assert message == f"a day is wanted, not {got(value)}"
    assert remedy == "days are written YYYY-MM-DD: 2024-01-26"


@given(st.dates(Day(1500, 1, 1), Day(2999, 12, 31)), st.dates(Day(1500, 1, 1), Day(2999, 12, 31)))
def test_days_are_ordered_and_shown_as_written(one: Day, other: Day) -> None:
    first, second = Date.parse(one.isoformat()), Date.parse(other.isoformat())
    assert (first < second) == (one < other)
    assert str(first) == one.isoformat()
    assert first.end - datetime.combine(one, datetime.min.time()) == DAY


# Dates as well as they are known: text -> first, last, end, moment


@pytest.mark.parametrize(
    ("text", "first", "last", "end", "moment"),
    [
        ("2024-01-17", "2024-01-17", "2024-01-17", "2024-01-18", "2024-01-17"),
        ("2024-01-18 05:00", "2024-01-18T05:00", "2024-01-18T05:00", "2024-01-18T05:00", "2024-01-18T05:00"),
        ("2024-01-18T05:00", "2024-01-18T05:00", "2024-01-18T05:00", "2024-01-18T05:00", "2024-01-18T05:00"),
        ("2024-01-18 23:59", "2024-01-18T23:59", "2024-01-18T23:59", "2024-01-18T23:59", "2024-01-18T23:59"),
        ("2024-01-18 00:00", "2024-01-18", "2024-01-18", "2024-01-18", "2024-01-18"),
        ("2024-01", "2024-01-01", "2024-02-01", "2024-02-01", "2024-01-16T12:00"),
        ("2024-02", "2024-02-01", "2024-03-01", "2024-03-01", "2024-02-15T12:00"),
        ("2023-02", "2023-02-01", "2023-03-01", "2023-03-01", "2023-02-15"),
        ("2023-12", "2023-12-01", "2024-01-01", "2024-01-01", "2023-12-16T12:00"),
        ("2012", "2012-01-01", "2013-01-01", "2013-01-01", "2012-07-02"),
        (2013, "2013-01-01", "2014-01-01", "2014-01-01", "2013-07-02T12:00"),
        ("2999", "2999-01-01", "3000-01-01", "3000-01-01", "2999-07-02T12:00"),
        ("about 2017-06-22", "2017-06-19", "2017-06-25", "2017-06-26", "2017-06-22"),
        ("about   2024-03-01", "2024-02-27", "2024-03-04", "2024-03-05", "2024-03-01"),
        ("2024-01-17 to 2024-01-18", "2024-01-17", "2024-01-19", "2024-01-19", "2024-01-18"),
        ("2024-01-17 to 2024-01-17", "2024-01-17", "2024-01-18", "2024-01-18", "2024-01-17T12:00"),
        ("2024-01-17  to  2024-01-19", "2024-01-17", "2024-01-20", "2024-01-20", "2024-01-18T12:00"),
        ("2024-02-28 to 2024-03-01", "2024-02-28", "2024-03-02", "2024-03-02", "2024-02-29T12:00"),
        ("2024-01-17 06:00 to 2024-01-17 18:00", "2024-01-17T06:00", "2024-01-17T18:00", "2024-01-17T18:00", "2024-01-17T12:00"),
        ("2024-01-17 12:00 to 2024-01-17", "2024-01-17T12:00", "2024-01-18", "2024-01-18", "2024-01-17T18:00"),
        ("2012 to 2013-10", "2012-01-01", "2013-11-01", "2013-11-01", "2012-12-01"),
        ("2013-10 to 2013-10-08", "2013-10-01", "2013-10-09", "2013-10-09", "2013-10-05"),
        ("2012 to 2012", "2012-01-01", "2013-01-01", "2013-01-01", "2012-07-02"),
    ],
)
def test_a_date_leaves_open_what_it_does_not_say_and_stands_in_the_middle(text: str | int, first: str, last: str, end: str, moment: str) -> None:
    when = When.parse(text)
    assert (when.first, when.last, when.end, when.moment) == tuple(map(datetime.fromisoformat, (first, last, end, moment)))
    assert when.exact == (first == last)
    assert when.day == when.moment.date()
    assert str(when) == " ".join(str(text).split())


ODD: list[object] = ["2024-1-17", "17.1.2024", "Jan 2024", "2024-01-17 5:00", "2024-01-17 05:00:00", "2024-01-17 05:00+01:00", "2024-01-17Z"]
ODD += ["about 2024-01", "about 2024-01-17 05:00", "about 2024-01-17 to 2024-01-18", "2024-01-17 - 2024-01-18", "2024-01-17 to", "to 2024-01-17"]
ODD += ["2024 to 2025 to 2026", "", None, True, 2024.5, 20240117, -44]


@pytest.mark.parametrize("value", ODD)
def test_other_ways_to_write_a_date_are_refused_with_examples(value: object) -> None:
    assert refused(When, value) == (f"a date is wanted, not {got(value)}", "for example: 2024-01-18, 2024-01-18 05:00, 2013-10, about 2017-06-22")


NO_DAYS = ["2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-00-10", "2024-13-01", "2024-13", "2024-00", "2024-01-00"]
NO_DAYS += ["2024-01-17 24:00", "2024-01-17 12:60", "about 2023-02-29", "2024-01-01 to 2023-02-29"]


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_not_in_the_calendar_is_refused(text: str) -> None:
    message, remedy = refused(When, text)
    assert re.fullmatch(r"there is no '[^']*' in the calendar", message)
    assert remedy == "dates are YYYY-MM-DD, times HH:MM from 00:00 to 23:59"


@pytest.mark.parametrize("text", ["2024-02-29", "2000-02-29", "1904-02-29", "2024-12-31", "2024-04-30"])
def test_what_is_in_the_calendar_is_taken(text: str) -> None:
    assert When.parse(text).exact


@pytest.mark.parametrize(("text", "year"), [("1499-12-31", 1499), ("3000-01-01", 3000), ("0000-01-01", 0), ("9999", 9999), ("2024 to 3000", 3000)])
def test_a_year_far_away_is_refused(text: str, year: int) -> None:
    assert refused(When, text) == (f"the year {year:04} is out of range", "years 1500 to 2999 can be used")


@pytest.mark.parametrize(
    "text", ["2024-01-18 to 2024-01-17", "2024-01 to 2023", "2024-01-18 05:00 to 2024-01-18 05:00", "2024-01-18 05:00 to 2024-01-18 04:00"]
)
def test_a_range_that_runs_backwards_is_refused(text: str) -> None:
    assert refused(When, text) == (f"{text!r} ends before it begins", "write the earlier date first")


points = st.datetimes(datetime(1500, 1, 4), datetime(2999, 12, 27)).map(lambda moment: moment.replace(second=0, microsecond=0))
parts = points.flatmap(lambda at: st.sampled_from([f"{at:%Y-%m-%d %H:%M}", f"{at:%Y-%m-%d}", f"{at:%Y-%m}", f"{at:%Y}"]))
dates = st.one_of(parts, points.map(lambda at: f"about {at:%Y-%m-%d}"), st.tuples(parts, parts).map(" to ".join))


@given(dates)
def test_every_date_is_in_order_and_reads_the_same_again(text: str) -> None:
    assert re.search(When.pattern, text), "the published pattern admits it"
    try:
        when = When.parse(text)
    except PydanticCustomError as error:
        assert "ends before it begins" in error.message()  # noqa: PT017 -- nothing else may be wrong with these
        return
    assert when.first <= when.moment <= when.last <= when.end
    assert when.exact == (when.first == when.last)
    assert When.parse(str(when)) == when


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text(max_size=3), max_size=2)))
def test_nothing_but_a_refusal_comes_of_nonsense(value: object) -> None:
    for kind in (Span, Rate, Date, When):
        try:
            kind.parse(value)
        except PydanticCustomError as error:
            assert (error.context or {})["remedy"]  # noqa: PT017 -- most values are refused, some are not


@given(st.text("0123456789-: Ttoabu.daysper/", max_size=24))
def test_what_is_taken_is_what_the_published_pattern_admits(text: str) -> None:
    for kind in (Span, Rate, Date, When):
        try:
            kind.parse(text)
        except PydanticCustomError:
            continue
        assert re.search(kind.pattern, text)


@pytest.mark.parametrize(("kind", "text"), [(Span, "２ days"), (Rate, "٢ per day"), (Date, "٢٠٢٤-٠١-١٧"), (When, "٢٠٢٤-٠١-١٧"), (When, "２０２４")])
def test_digits_of_other_scripts_are_refused_as_editors_refuse_them(kind: type[Written], text: str) -> None:
    """In JSON Schema `\\d` is 0 to 9."""
    refused(kind, text)


def test_values_are_parsed_and_written_by_pydantic() -> None:
    class Form(BaseModel):
        span: Span
        when: When

    form = Form.model_validate({"span": "36 hours", "when": 2012})
    assert form.model_dump(mode="json") == {"span": "1.5 days", "when": "2012"}
    assert Form.model_validate({"span": form.span, "when": form.when}) == form
    assert Form.model_json_schema()["properties"]["when"]["anyOf"][1] == {"type": "integer", "minimum": 1500, "maximum": 2999}


# Ticks


@given(st.dates(Day(1500, 1, 1), Day(2500, 1, 1)), st.integers(0, 366_000), st.data())
def test_tick_and_moment_are_inverse(first: Day, length: int, data: st.DataObject) -> None:
    last = min(first + timedelta(length), Day(2999, 12, 31))
    period = Period.model_validate({"from": first.isoformat(), "to": last.isoformat()})
    tick = data.draw(st.integers(0, period.ticks))
    assert period.tick(period.moment(tick)) == tick
    assert period.moment(0) == datetime.combine(first, datetime.min.time())
    assert period.moment(period.ticks) == datetime.combine(last, datetime.min.time()) + DAY
    assert period.moment(1) - period.moment(0) == TICK


def test_a_period_has_every_day_of_it() -> None:
    period = Period.model_validate({"from": "2024-02-27", "to": "2024-03-02"})
    assert [day.isoformat() for day in period.days()] == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert period.ticks == 5 * TICKS_A_DAY
    assert list(Period.model_validate({"from": "2024-02-27", "to": "2024-02-27"}).days()) == [Day(2024, 2, 27)]

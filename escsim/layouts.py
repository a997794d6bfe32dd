"""Rows of event data from files in the layouts of GDELT, ICEWS and POLECAT, or a plain one: row by row, whatever their size."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import date as Day
from itertools import chain
from typing import BinaryIO, NamedTuple

from escsim.codes import Party
from escsim.errors import Place, Problem, ScenarioError, listed, plain, quoted
from escsim.times import YEARS

MOST_BYTES = 100_000  # of a line
MOST_LINES = 20  # of a row whose texts go over several lines
MOST_SHOWN = 300  # characters of a cell
MISSING = {"", "null", "none", "nan", "na", "n/a", "---"}


class Row(NamedTuple):
    """One report that somebody did something to somebody, as the data have it."""

    number: int
    date: Day
    source: Party
    target: Party
    code: str
    text: str
    publisher: str
    reports: int


class Fault(NamedTuple):
    """What is wrong with a row, and how to mend it."""

    number: int
    message: str
    remedy: str


Columns = dict[str, tuple[str, ...]]  # what is looked for -> how its column may be headed, in small letters and digits

_GDELT: Columns = {
    "date": ("sqldate", "day"),
    "source": ("actor1name",),
    "source code": ("actor1code",),
    "source country": ("actor1countrycode",),
    "target": ("actor2name",),
    "target code": ("actor2code",),
    "target country": ("actor2countrycode",),
    "code": ("eventcode",),
    "publisher": ("sourceurl",),
    "reports": ("numarticles",),
}
LAYOUTS: dict[str, Columns] = {
    "gdelt": _GDELT,
    "icews": {
        "date": ("eventdate",),
        "source": ("sourcename",),
        "source country": ("sourcecountry",),
        "source roles": ("sourcesectors",),
        "target": ("targetname",),
        "target country": ("targetcountry",),
        "target roles": ("targetsectors",),
        "code": ("cameocode",),
        "text": ("eventtext",),
        "publisher": ("publisher",),
    },
    "polecat": {
        "date": ("eventdate",),
        "source": ("actorname",),
        "source country": ("actorcountry",),
        "source roles": ("primaryactorsector",),
        "target": ("recipientname",),
        "target country": ("recipientcountry",),
        "target roles": ("primaryrecipientsector",),
        "code": ("eventtype",),
        "mode": ("eventmode",),
        "publisher": ("source", "publication"),
    },
    "plain": {
        "date": ("date", "day", "eventdate", "sqldate"),
        "source": ("source", "sourceactor", "actor", "actor1", "sender", "sourcename", "actor1code", "actor1countrycode", "actor1name"),
        "target": ("target", "targetactor", "actor2", "recipient", "receiver", "targetname", "actor2code", "actor2countrycode", "actor2name"),
        "code": ("code", "eventcode", "cameo", "cameocode", "plover", "eventtype", "event", "type"),
        "mode": ("mode", "eventmode"),
        "text": ("text", "eventtext", "description", "headline", "title", "summary"),
        "publisher": ("publisher", "url", "sourceurl", "cite", "publication", "newspaper"),
        "reports": ("reports", "numarticles", "articles"),
    },
}
NEEDED = ("date", "source", "target", "code")
_GDELT_PLACES = {"sqldate": 1, "actor1code": 5, "actor1name": 6, "actor1countrycode": 7, "actor2code": 15, "actor2name": 16}
_GDELT_PLACES |= {"actor2countrycode": 17, "eventcode": 26, "numarticles": 33}
_GDELT_WIDTHS = {57: {}, 58: {"sourceurl": 57}, 61: {"sourceurl": 60}}  # version 1 of before and since April 2013, version 2


class Sheet(NamedTuple):
    """A file whose layout is known.

    Attributes
    ----------
    layout : str
    rows : iterator of Row or Fault
        To be read once; blank lines are passed over.
    """

    layout: str
    rows: Iterator[Row | Fault]


def open_sheet(file: BinaryIO, name: str, layout: str | None = None) -> Sheet:
    """Find out how a file is laid out.

    Parameters
    ----------
    file : binary file
    name : str
        What to call it in messages.
    layout : str, optional
        Which of `LAYOUTS` it has; by default that which fits its first line.

    Raises
    ------
    ScenarioError
        If it has none of them.
    """
    lines = _lines(file)
    first = next((line for line in lines if isinstance(line, Fault) or line[1].strip()), None)
    if first is None:
        raise _unreadable(name, 1, "the file is empty", "a first line names the columns: date, source, target, code, text")
    if isinstance(first, Fault):
        raise _unreadable(name, *first)
    number, line = first
    for delimiter in ("\t", ",", ";"):
        head = next(_records(iter([first]), delimiter, 0))
        cells = [] if isinstance(head, Fault) else head[1]
        heads = {re.sub("[^a-z0-9]", "", cell.lower()): place for place, cell in reversed([*enumerate(cells)])}
        for each in [layout] if layout else LAYOUTS:
            if (places := _places(LAYOUTS[each], heads)) is not None:
                return Sheet(each, _rows(_records(lines, delimiter, len(cells)), len(cells), places))
    cells = line.rstrip("\r\n").split("\t")
    if layout in (None, "gdelt") and len(cells) in _GDELT_WIDTHS and isinstance(_date(cells[1]), Day):
        places = _places(_GDELT, _GDELT_PLACES | _GDELT_WIDTHS[len(cells)])
        assert places is not None
        return Sheet("gdelt", _rows(_records(chain([first], lines), "\t", len(cells)), len(cells), places))
    wanted = listed(" or ".join(LAYOUTS[layout or "plain"][each][:3]) for each in NEEDED)
    what = f"these are no columns of the layout {layout}" if layout else "the columns are of no layout that is known"
    raise _unreadable(name, number, f"{what}: {quoted(line.strip())}", f"name them in the first line, whatever the capitals and spaces: {wanted}")


def _unreadable(name: str, number: int, message: str, remedy: str) -> ScenarioError:
    return ScenarioError([Problem(Place(name, number), message, remedy)])


def _places(columns: Columns, heads: dict[str, int]) -> dict[str, int] | None:
    """Find the column of each thing; None if one that is needed is not there."""
    found = {what: next((heads[each] for each in names if each in heads), -1) for what, names in columns.items()}
    return {what: place for what, place in found.items() if place >= 0} if all(found[each] >= 0 for each in NEEDED) else None


def _lines(file: BinaryIO) -> Iterator[tuple[int, str] | Fault]:
    """Give the lines of a file with their numbers, or what is wrong with them, never more than one in memory."""
    number = 0
    while raw := file.readline(MOST_BYTES + 1):
        number += 1
        if number == 1 and (packed := next((kind for start, kind in _STARTS.items() if raw.startswith(start)), "")):
            yield Fault(1, f"the file is {packed}", "unpack it" if "packed" in packed else "save it as UTF-8")
            return
        if len(raw) > MOST_BYTES and not raw.endswith(b"\n"):
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MOST_BYTES)
            yield Fault(number, f"a line of more than {MOST_BYTES:,} bytes", "shorten its texts, or see whether a line end is missing")
            continue
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            before = len(raw[: error.start].decode("utf-8", "replace"))
            yield Fault(number, f"byte {raw[error.start]:#04x} after {before} characters is not UTF-8", "save the file as UTF-8")


_STARTS = {b"\x1f\x8b": "packed with gzip", b"PK\x03\x04": "packed with zip", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def _records(lines: Iterator[tuple[int, str] | Fault], delimiter: str, width: int) -> Iterator[tuple[int, list[str]] | Fault]:
    """Cut lines into cells: at tabs, where quotes mean nothing, or as CSV, where a quoted text may go over several lines.

    Where these do not give a row of `width` cells, the quote is taken to be one too many, and each line is a row of its own.
    """
    waiting: deque[tuple[int, str] | Fault] = deque()  # lines after a quote that is never closed: rows of their own

    def pull(taken: list[tuple[int, str]]) -> Iterator[str]:
        while len(taken) < MOST_LINES and (line := waiting.popleft() if waiting else next(lines, None)) is not None:
            if isinstance(line, Fault):
                waiting.appendleft(line)
                return
            taken.append(line)
            yield line[1]

    while True:
        first = waiting.popleft() if waiting else next(lines, None)
        if first is None:
            return
        if isinstance(first, Fault):
            yield first
            continue
        if delimiter == "\t":
            yield first[0], first[1].rstrip("\r\n").split("\t")
            continue
        waiting.appendleft(first)
        taken: list[tuple[int, str]] = []
        try:
            cells, wrong = next(csv.reader(pull(taken), delimiter=delimiter, strict=True), []), ""
        except csv.Error as error:
            cells, wrong = [], f"not CSV: {plain(str(error))}"
        if len(taken) > 1 and len(cells) != width:
            waiting.extendleft(reversed(taken[1:]))
            wrong = "a quote is opened and not closed"
        yield Fault(first[0], wrong, 'a " within a quoted text is written twice: ""') if wrong else (first[0], cells)


def _rows(records: Iterator[tuple[int, list[str]] | Fault], width: int, places: dict[str, int]) -> Iterator[Row | Fault]:
    """Read what a row says from the cells of its columns."""
    for record in records:
        if isinstance(record, Fault):
            yield record
            continue
        number, cells = record
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != width:
            yield Fault(
                number,
                f"{len(cells)} column{'s' * (len(cells) != 1)}, where the first line has {width}",
                "see whether one is missing, or a text holds a separator",
            )
            continue
        said = {what: _said(cells[place]) for what, place in places.items()}
        date = _date(said["date"])
        if isinstance(date, str):
            yield Fault(number, date, "dates are written 2024-01-16 or 20240116")
            continue
        if not said["code"]:
            yield Fault(number, "there is no code of the event", "give it one, such as 161 or SANCTION/expel")
            continue
        code = said["code"] + (f"/{said['mode']}" if said.get("mode") else "")
        reports = said.get("reports", "")
        yield Row(
            number, date, _party(said, "source"), _party(said, "target"), code, said.get("text", ""), said.get("publisher", ""),
            int(reports) if re.fullmatch("[0-9]{1,6}", reports) else 1,
        )  # fmt: skip


def _said(cell: str) -> str:
    """Give what a cell says on one line, safe to print; nothing if it says that there is nothing."""
    text = " ".join(cell.split())
    if text.lower() in MISSING:
        return ""
    return text if len(text) <= MOST_SHOWN and text.isascii() and text.isprintable() else plain(text, MOST_SHOWN)  # the first costs a tenth


def _party(said: dict[str, str], side: str) -> Party:
    name, country = said[side], said.get(f"{side} country", "")
    code = "" if f"{side} country" in said else name  # a layout without countries has one column for names and codes
    return Party(name, said.get(f"{side} code", code), country, said.get(f"{side} roles", ""))


def _date(text: str) -> Day | str:
    """Read a day, or say what is wrong with it; nothing is guessed, so no order of day and month but the one."""
    found = re.fullmatch(r"([0-9]{4})(-|/|)([0-9]{2})\2([0-9]{2})([ T].*)?", text)
    if found is None:
        return f"{quoted(text)} is no date" if text else "there is no date"
    year, month, day = int(found[1]), int(found[3]), int(found[4])
    if year in YEARS:
        with suppress(ValueError):
            return Day(year, month, day)
    return f"there is no {quoted(text)} in the calendar of {YEARS[0]} to {YEARS[-1]}"

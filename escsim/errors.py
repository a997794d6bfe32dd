"""What can be wrong with a file, and how it is said: `file:line:column: error: what is wrong`, then how to mend it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MOST_SHOWN = 20


class Place(NamedTuple):
    """A spot in a file; line and column count from 1, in characters."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{plain(self.file, 200)}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One fault of one file."""

    place: Place
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: error: {self.message}"
        return f"{text}\n    {self.remedy}" if self.remedy else text


class ScenarioError(Exception):
    """A scenario file is wrong, or its history is not a run of its model.

    Attributes
    ----------
    problems : tuple of Problem
        Every fault found, in order of place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.place))
        super().__init__(self.problems)

    def __str__(self) -> str:
        more = len(self.problems) - MOST_SHOWN
        return "\n".join([*map(str, self.problems[:MOST_SHOWN]), *([f"... and {more} more"] if more > 0 else [])])


class AskedError(ValueError):
    """Something is asked for that the scenario does not have; says what there is."""


def plain(text: str, most: int = 60) -> str:
    """Text from a file made safe to print: control, bidi and zero-width characters escaped, cut at `most`.

    The joiners that Persian, Urdu and the scripts of India are spelt with stay, after a letter of such a script.
    """
    if len(text) > most:
        text = text[: most - 3] + "..."
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _UNPRINTABLE and not (char in "\u200c\u200d" and before > "\u0590" and before.isalpha())
        else char
        for before, char in zip(" " + text, text, strict=False)
    )


_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def quoted(text: object) -> str:
    """Text as the user wrote it, safe to print and in single quotes."""
    return f"'{plain(str(text))}'"


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names for a message: `'a', 'b', 'c'`, cut after `most`."""
    each = [quoted(name) for name in names]
    return ", ".join(each[:most]) + (", ..." if len(each) > most else "")


def series(names: Sequence[str]) -> str:
    """Names in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that was probably meant, if one is close enough."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)  # at difflib's own 0.6, 'states' is offered for 'rates'
    return found[0] if found else None


def suggest(name: str, known: Iterable[str], what: str = "known") -> str:
    """Say how to mend an unknown name: the one that was probably meant, or all there are."""
    known = list(known)
    if match := nearest(name, known):
        return f"did you mean {quoted(match)}?"
    return f"{what}: {listed(known)}" if known else "there are none in this file"

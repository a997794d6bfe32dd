"""The packaged base rates: laws of how long absences, agreements and answers have taken, which a delay may lean on by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from escsim.forms import Form, Name, Text, key
from escsim.reading import read

FILE = Path(__file__).parent / "base_rates.yaml"


class BaseRate(Form):
    """A law with what it was fitted to."""

    text: Text = key("What is timed.", "From the first day away to the ambassador back.")
    told: Text = key("What the law rests on, in a few words.", "lognormal fitted to 28 recalls (26 ended)")
    law: dict[str, dict[str, Any]] = key("The law, in the form of a delay.", {"lognormal": {"median": "127 days", "sigma": 1.52}})
    n: int = key("How many cases.", 28)
    ended: int = key("How many of them had ended.", 26)
    source: Text = key("Where the cases are from, and on what terms.", "The shipped scenarios.")


class _File(Form):
    version: int
    rates: dict[Name, BaseRate]


@cache
def shipped() -> dict[str, BaseRate]:
    """Load the base rates that ship with escsim, by name."""
    return TypeAdapter(_File).validate_python(read(FILE).root.plain()).rates

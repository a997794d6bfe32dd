"""What decides chance in a run: history, or randomness addressed by what it decides.

Every decision has an address: the 4-byte key of its event or choice, and the number of the arming or call. Nothing
is ever drawn "next", so a decision stays the same whatever else is added to a scenario or changed in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from typing import Literal, Protocol

from escsim.scenario import NOTHING, Choice, Event, Scenario


def address(kind: Literal["event", "choice"], name: str) -> int:
    """Give the key of an event or choice: the 4-byte BLAKE2s of `event:ID` or `choice:ID`, least significant byte first."""
    return int.from_bytes(hashlib.blake2s(f"{kind}:{name}".encode(), digest_size=4).digest(), "little")


class Draws(Protocol):
    """What the stepper asks when chance has to decide.

    Attributes
    ----------
    said : str
        What the draws are: "history", or a seed and the number of the trajectory.
    refusal : str
        What is said of an event to which they said no.
    """

    said: str
    refusal: str

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        """Arm an event for the k-th time (from 0): the tick at which it is due, or None if chance says no.

        `now` is the tick, `fired` holds the events that have fired by then.
        """

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        """Take a choice for the n-th time (from 0): one of its options."""


class History:
    """History's draws: a dated event is due on its date, an undated one does not come about.

    A choice takes its dated option, the next one due if there are several, or `nothing`.

    Parameters
    ----------
    scenario : Scenario
    """

    said = "history"
    refusal = "It might have come about, but did not."

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.dates = {event.id: scenario.period.tick(event.date.moment) for event in scenario.events if event.date is not None}

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        """Give an event's date if it is not yet past nor used up."""
        due = self.dates.get(event.id)
        return due if due is not None and due >= now and event.id not in fired else None

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        """Give the dated option that is due next, or `nothing`."""
        due = {option: self.dates[option] for option in choice.options if option in self.dates and option not in fired}
        return min(due, key=due.__getitem__, default=NOTHING)

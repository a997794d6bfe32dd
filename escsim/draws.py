"""What decides chance in a run: history, or randomness addressed by what it decides.

Every decision has an address: the 4-byte key of its event or choice, and the number of the arming or call. Nothing
is ever drawn "next", so a decision stays the same whatever else is added to a scenario or changed in it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container
from typing import TYPE_CHECKING, Any, Literal, Protocol

from escsim.scenario import NOTHING, Choice, Event, Scenario

if TYPE_CHECKING:
    from escsim.given import Given
    from escsim.process import Process


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


def philox(counter: tuple[Any, Any, Any, Any], seed: int) -> tuple[Any, Any, Any, Any]:
    """Give the block of four 32-bit words that Philox4x32-10 makes of a counter and a 64-bit seed.

    Words of the counter may be integers, or uint64 arrays of one shape, and so are those of the block.

    Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; the constants and
    known answers are those of Random123.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = seed & _LOW, seed >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _LOW, (p0 >> 32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + 0x9E3779B9) & _LOW, (k1 + 0xBB67AE85) & _LOW
    return c0, c1, c2, c3


_LOW = 0xFFFF_FFFF


class Addressed:
    """The draws of one trajectory of an ensemble, computed one at a time: what the kernel draws, bit for bit.

    Parameters
    ----------
    scenario : Scenario
    process : Process
        The scenario compiled, with the intervention under which it is run.
    seed : int
        0 to 2^64 - 1.
    trajectory : int
        The number of the trajectory, 0 to 2^64 - 1.
    """

    refusal = "Chance said no."

    def __init__(self, scenario: Scenario, process: Process, seed: int, trajectory: int) -> None:
        self.order = scenario.order
        self.choice_order = {name: place for place, name in enumerate(scenario.choices)}
        self.process = process
        self.seed = seed
        self.trajectory = trajectory
        self.said = f"seed {seed}, trajectory {trajectory}"

    def block(self, key: int, k: int) -> tuple[int, int, int, int]:
        """Give the block at the address (trajectory, key, k)."""
        return philox((self.trajectory & _LOW, self.trajectory >> 32, key, k), self.seed)

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        """Say no if word 2 is not below the event's threshold; else set the clock by words 0 and 1."""
        e = self.order[event.id]
        x0, x1, x2, _ = self.block(int(self.process.key[e]), k)
        if x2 >= int(self.process.chance[e]):
            return None
        return due(self.process, e, now, x0 | x1 << 32)

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        """Give the option in whose share of [0, 2^32) word 2 falls."""
        c = self.choice_order[name]
        word = self.block(int(self.process.choice_key[c]), n)[2]
        first, last = (int(each) for each in self.process.options[c : c + 2])
        cuts = self.process.cut[first:last]
        return next(option for option, cut in zip(choice.options, cuts, strict=True) if word < int(cut))


class Forecast(Addressed):
    """The draws of one trajectory of a forecast: history before a day, and what is open then given that it has not come about yet.

    Parameters
    ----------
    scenario : Scenario
    given : Given
        What is given on the morning of the day, and open.
    seed, trajectory : int
    """

    def __init__(self, scenario: Scenario, given: Given, seed: int, trajectory: int) -> None:
        super().__init__(scenario, given.process, seed, trajectory)
        self.said += f", from {given.day}"
        self.given = given
        self.history = History(scenario)
        self.picks: dict[str, tuple[str, ...]] = {}

    def clock(self, event: Event, k: int, now: int, fired: Container[str]) -> int | None:
        """Give its date if that lies before the day; else draw what is open, and as for what no longer is, let it not come about."""
        if now >= self.given.tick:
            return super().clock(event, k, now, fired)
        date = self.history.clock(event, k, now, fired)
        if date is not None and date < self.given.tick:
            return date
        arming = self.given.armings[event.id, k, now]
        if arming is None:
            return self.history.scenario.period.ticks if event.id in self.history.scenario.choice_of else None
        e = self.order[event.id]
        x0, x1, x2, _ = self.block(int(self.process.key[e]), k)
        word, rest = x0 | x1 << 32, (1 << 64) - arming.least
        return due(self.process, e, now, arming.least + (word * rest >> 64)) if x2 < arming.chance else None

    def option(self, name: str, choice: Choice, n: int, now: int, fired: Container[str]) -> str:
        """Give the option that history took before the day, or draw one as far as the choice is open."""
        if now >= self.given.tick:
            return super().option(name, choice, n, now, fired)
        option = self.history.option(name, choice, n, now, fired)
        if option != NOTHING and self.history.dates[option] < self.given.tick:
            return option
        before = self.picks.get(name, ())
        if (name, before) not in self.given.puts:  # an option of it is forced
            return NOTHING
        word = self.block(int(self.process.choice_key[self.choice_order[name]]), n)[2]
        cuts = self.given.puts[name, before]
        option = next(option for option, cut in zip(choice.options, cuts, strict=True) if word < cut)
        self.picks[name] = (*before, option)
        return option


def due(process: Process, e: int, now: int, word: int) -> int:
    """Give the tick at which an event armed now is due, from the 64-bit word of its delay."""
    from escsim.distributions import ABSOLUTE, LINEAR, NEVER, TABLE, TRIANGULAR, look_up  # NumPy: only where it is needed

    law, base, scale, at, many = process.law[e], float(process.base[e]), float(process.scale[e]), int(process.at[e]), int(process.many[e])
    if law == ABSOLUTE:
        return max(now, int(base))
    u = (word >> 11) * 2.0**-53
    if law == TABLE:
        delay = base + scale * look_up(process.tables[at:], word)
    elif law == TRIANGULAR:
        split, below, above, high = (float(each) for each in process.points[at : at + 4])
        delay = base + math.sqrt(u * below) if u < split else high - math.sqrt((1.0 - u) * above)
    else:
        shares, times = process.points[at : at + many], process.points[at + many : at + 2 * many]
        i = next(i for i in range(many) if u < shares[i])
        delay = float(times[i])
        if law == LINEAR:
            delay = float(times[i - 1] + (u - shares[i - 1]) / (shares[i] - shares[i - 1]) * (times[i] - times[i - 1]))
    return now + (int(delay + 0.5) if delay < NEVER else NEVER)

"""Why what happened on a day did, and what was open then but did not come about."""

from __future__ import annotations

from collections import Counter
from datetime import date as Day
from datetime import datetime
from typing import Any, Literal, NamedTuple

from escsim.scenario import Event
from escsim.times import DAY
from escsim.trajectory import Note, Step, Trajectory

HISTORY = "history"
SAMPLE = 500  # variants looked at one by one, for the causes of what did not happen: a second or two
Reasons = dict[str, Counter[tuple[str, str]]]  # by event how often each fate and cause
_STATES = ("called", "armed", "refused", "shut", "barred")  # stages in which an event stays; the others are passing


class Open(NamedTuple):
    """An event that might have come about by the end of a day and did not: how it stood, and why."""

    event: str
    state: Literal["running", "refused", "waiting", "barred"]
    why: str


def causes(trajectory: Trajectory, step: Step) -> str:
    """Say in a sentence what led to a step: who called it, by which choice, and what chance had to say."""
    scenario, event = trajectory.scenario, trajectory.event(step)
    choice = scenario.choice_of.get(event.id)
    parts = [_led(trajectory, step)]
    if choice is not None:
        parts.append(f"as what was chosen in {choice} ({_percent(scenario.choices[choice].options[event.id])} in this file)")
    if step.tick < trajectory.since:
        parts.append("as history has it")
    elif trajectory.draws != HISTORY:
        if event.probability is not None and event.probability < 1:
            parts.append(f"chance said yes ({_percent(event.probability)} in this file)")
        if scenario.keeps_date(event):
            parts.append("and it keeps its date")
        elif step.tick > step.armed:
            parts.append(f"and it took {_lasting(step.tick - step.armed)}")
    return ", ".join(parts) + "."


def _led(trajectory: Trajectory, step: Step) -> str:
    if step.caller == "start":
        return "Nothing in this file leads to it" + (f", its gate opened on {_day(trajectory, step.armed)}" if step.armed > 0 else "")
    if step.caller == "the what-if":
        return "The what-if forces it"
    earlier = [each for each in trajectory.steps if each.event == step.caller and each.tick <= step.armed]
    when = f" on {_day(trajectory, earlier[-1].tick)}" if earlier else ""
    gate = f", its gate opened on {_day(trajectory, step.armed)}" if earlier and step.armed > earlier[-1].tick else ""
    return f"{step.caller}{when} led to it{gate}"


def steps_on(trajectory: Trajectory, day: Day) -> list[Step]:
    """Give the steps of a day."""
    return [step for step in trajectory.steps if trajectory.moment(step).date() == day]


def open_on(trajectory: Trajectory, day: Day) -> list[Open]:
    """Tell which events were open at the end of a day: what had called them had happened, and they had not."""
    period = trajectory.scenario.period
    start = period.tick(datetime.combine(day, datetime.min.time()))
    end = start + period.tick(period.start + DAY)
    last: dict[str, Note] = {}
    for note in trajectory.notes:
        if note.tick < end and note.stage in _STATES:
            last[note.event] = note
    found = []
    for event in trajectory.scenario.events:
        stood = last.get(event.id)
        if stood is None or (stood.due is not None and stood.due < end) or (stood.stage == "barred" and stood.tick < start):
            continue
        found.append(_standing(trajectory, event, stood, end))
    return found


def _standing(trajectory: Trajectory, event: Event, note: Note, end: int) -> Open:
    history = trajectory.draws == HISTORY
    if note.stage == "armed":
        assert note.due is not None
        late = note.due >= trajectory.scenario.period.ticks
        return Open(event.id, "running", "its time would come after the period ends" if late else f"its time comes on {_day(trajectory, note.due)}")
    if note.stage == "refused":
        return Open(event.id, "refused", "it might have come about" if history else f"chance said no on {_day(trajectory, note.tick)}")
    if note.stage == "barred":
        return Open(event.id, "barred", f"it can no longer happen, since {note.by} has")
    severity = trajectory.scenario.ladder.severity
    needs = [
        f"{mission} is {trajectory.status_at(mission, end - 1)}, and must be {' or '.join(sorted(statuses, key=severity.__getitem__))}"
        for mission, statuses in trajectory.scenario.gate(event).items()
        if trajectory.status_at(mission, end - 1) not in statuses
    ]
    return Open(event.id, "waiting", "; ".join(needs) or "its gate was shut")


def told(trajectory: Trajectory, day: Day | None = None) -> dict[str, Any]:
    """Give what happened on a day, why, and what was open, as plain data for JSON; without a day all of it, and why the rest did not happen."""
    return {
        "scenario": trajectory.scenario.name,
        "hash": trajectory.scenario.hash,
        "run": trajectory.draws,
        **({} if day is None else {"date": day.isoformat()}),
        "steps": [
            {
                **({"date": f"{trajectory.moment(step):%Y-%m-%d}"} if day is None else {}),
                "time": f"{trajectory.moment(step):%H:%M}",
                "event": step.event,
                "causes": causes(trajectory, step),
                "moved": [move.to_dict() for move in step.moves],
                "reason": step.reason,
            }
            for step in (trajectory.steps if day is None else steps_on(trajectory, day))
        ],
        **(
            {"not_happened": [{"event": event, "reason": reason} for event, reason in trajectory.fates.items()]}
            if day is None
            else {"open": [each._asdict() for each in open_on(trajectory, day)]}
        ),
    }


def _day(trajectory: Trajectory, tick: int) -> str:
    return f"{trajectory.scenario.period.moment(tick):%Y-%m-%d}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _lasting(ticks: int) -> str:
    hours = ticks / 3.6e9
    return f"{hours / 24:.1f} days" if hours >= 36 else f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"


def why_not(trajectory: Trajectory) -> dict[str, tuple[str, str]]:
    """Tell of each event that was called and did not happen what became of it, as an `Ensemble` counts it, and through what.

    Returns
    -------
    dict of str to (str, str)
        Fate (chance, cancelled, moot, censored), and what brought it about: the event that barred it or shut its gate, or
        what did not admit it.
    """
    found: dict[str, tuple[str, str]] = {}
    for note in trajectory.notes:
        denied = found.get(note.event, ("", ""))[0] == "chance"
        if note.stage in ("armed", "refused"):
            found[note.event] = ("censored", "") if note.stage == "armed" else ("chance", "")
        elif note.stage in ("barred", "ignored") and not denied:
            found[note.event] = ("cancelled", f"barred by {note.by}")
        elif note.stage == "shut" and not denied:
            found[note.event] = ("cancelled", f"gate shut by {note.by}")
        elif note.stage == "called" and not denied:
            found[note.event] = ("cancelled", "gate never open")
    for step in trajectory.steps:
        if step.moot:
            found[step.event] = ("moot", step.reason.partition(": ")[2].rstrip(".") or step.reason)
    for step in trajectory.steps:
        if not step.moot:
            found.pop(step.event, None)
    return {event: told for event, told in found.items() if event in trajectory.scenario.event}

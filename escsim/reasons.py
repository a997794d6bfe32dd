"""Why a step of a run came about and what it moved, as data that any language can be put to.

A reason is a key and its values: `("gate", {"mission": "PAK->IRN", "status": "normal", "statuses": ["normal"]})`. The keys stand
in the strings files of `escsim/classroom`; `escsim.explain` says the same in English sentences for the terminal.
"""

from __future__ import annotations

from typing import Any

from escsim.explain import HISTORY, open_on
from escsim.scenario import Intervention
from escsim.stepper import MOOT
from escsim.trajectory import Step, Trajectory

MOST = 5  # reasons for one step, so that a class reads them
SHOWN = 5  # triggers named of those that would have moved a mission
Reason = tuple[str, dict[str, Any]]


def why(trajectory: Trajectory, place: int, change: Intervention | None = None) -> list[Reason]:
    """Give what led to a step, the rules and gates that it met with the values compared, and what was open besides.

    Parameters
    ----------
    trajectory : Trajectory
    place : int
        The number of the step.
    change : Intervention, optional
        The what-if under which it was run.

    Returns
    -------
    list of (str, dict)
        At most five, the most telling ones first.
    """
    step, held = trajectory.steps[place], _statuses_before(trajectory, place)
    found = [*_led(trajectory, step, change), *_gate(trajectory, step, held), *_done(trajectory, step, held)]
    return (found + _lost(trajectory, step))[:MOST]


def _removed(step: Step) -> bool:
    """Say whether a what-if took all effect from a step, whatever the ladder admits."""
    return step.moot and not step.reason.startswith(MOOT)


def _statuses_before(trajectory: Trajectory, place: int) -> dict[str, str]:
    """Give the status of every mission just before a step; those of one moment come one after the other."""
    held = dict(trajectory.scenario.initial)
    for step in trajectory.steps[:place]:
        held.update((move.mission, move.dest) for move in step.moves)
    return held


def _led(trajectory: Trajectory, step: Step, change: Intervention | None) -> list[Reason]:
    """Say what called it, by which choice, and what chance had to say."""
    scenario, event = trajectory.scenario, trajectory.event(step)
    day = trajectory.scenario.period.moment
    found: list[Reason] = []
    if step.caller == "start":
        found.append(("opened", {"day": f"{day(step.armed):%Y-%m-%d}"}) if step.armed > 0 else ("unled", {}))
    elif step.caller == "the what-if":
        found.append(("forced", {}))
    else:
        earlier = [each.tick for each in trajectory.steps if each.event == step.caller and each.tick <= step.armed]
        found.append(("led", {"by": step.caller, "day": f"{day(earlier[-1] if earlier else step.armed):%Y-%m-%d}"}))
    if (choice := scenario.choice_of.get(event.id)) is not None:
        decided = choice in ((change and change.choose) or {})
        found.append(("decided", {}) if decided else ("chosen", {"choice": choice, "share": scenario.choices[choice].options[event.id]}))
    if trajectory.draws != HISTORY and step.caller != "the what-if":
        other = ((change and change.set) or {}).get(event.id)
        chance = event.probability if other is None or other.probability is None else other.probability
        if chance is not None and chance < 1:
            found.append(("chance", {"share": chance}))
        if step.tick > step.armed and not scenario.keeps_date(event):
            found.append(("took", {"took": (step.tick - step.armed) / 3.6e9}))
    return found


def _gate(trajectory: Trajectory, step: Step, held: dict[str, str]) -> list[Reason]:
    """Say for each mission that its gate names where it was, and where it had to be."""
    severity = trajectory.scenario.ladder.severity
    gate = trajectory.scenario.gate(trajectory.event(step))
    return [
        ("gate", {"mission": mission, "status": held[mission], "statuses": sorted(statuses, key=severity.__getitem__)})
        for mission, statuses in gate.items()
    ]


def _done(trajectory: Trajectory, step: Step, held: dict[str, str]) -> list[Reason]:
    """Say what it moved by which rule; of what it did not move, which rule was missing."""
    scenario, event = trajectory.scenario, trajectory.event(step)
    ladder = scenario.ladder
    found: list[Reason] = [("move", {"action": move.trigger, "mission": move.mission, "from": move.source, "to": move.dest}) for move in step.moves]
    if _removed(step):
        return [("removed", {})]
    moved = {move.mission for move in step.moves}
    for trigger, mission in scenario.addressed(event):
        if mission not in moved:
            admitting = [status for status in ladder.statuses if status in ladder.triggers[trigger]]
            found.append(("stayed", {"action": trigger, "mission": mission, "status": held[mission], "statuses": admitting}))
    if not scenario.addressed(event):
        found.append(("nothing", {"actions": list(event.action)}))
        for mission in event.addressed("own"):
            if mission in held and (admitted := ladder.admitted(held[mission])):
                some = len(admitted) > SHOWN
                found.append(("lacking_some" if some else "lacking", {"mission": mission, "status": held[mission], "actions": admitted[:SHOWN]}))
                break
    return found


def _lost(trajectory: Trajectory, step: Step) -> list[Reason]:
    """Name up to two events that never came about and were open on that day; what history had still to come is not told."""
    scenario, found = trajectory.scenario, list[Reason]()
    if trajectory.draws != HISTORY:
        return found
    open_then = [each for each in open_on(trajectory, trajectory.moment(step).date()) if each.state == "refused"]
    for each in sorted(open_then, key=lambda each: scenario.is_hazard(scenario.event[each.event])):
        if scenario.event[each.event].date is None:
            chance = scenario.event[each.event].probability
            found.append(("open", {"event": each.event}) if chance is None else ("open_chance", {"event": each.event, "share": chance}))
    return found[:2]

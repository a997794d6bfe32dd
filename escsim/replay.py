"""Replay: history run through the model, and whether the two agree."""

from __future__ import annotations

from collections.abc import Iterator

from escsim.draws import History
from escsim.errors import Problem, ScenarioError, listed, quoted
from escsim.scenario import NOTHING, Scenario, counterpart
from escsim.stepper import MOOT, run
from escsim.trajectory import Step, Trajectory


def replay(scenario: Scenario) -> Trajectory:
    """Replay the dated events of a scenario on their dates; see `Scenario.replay`."""
    trajectory = run(scenario, History(scenario))
    if problems := [*_moot(trajectory), *_missing(trajectory), *_undecided(trajectory), *_unobserved(trajectory), *_unshared(trajectory)]:
        raise ScenarioError(problems)
    return trajectory


def violations(trajectory: Trajectory) -> list[Problem]:
    """Find the `never` lines that a trajectory breaks."""
    scenario = trajectory.scenario
    problems = []
    for number, line in enumerate(scenario.never):
        inside = False
        for tick in _resting(trajectory):
            before, inside = inside, all(_holds(trajectory, who, names, tick) for who, names in line.items())
            if inside and not before:
                place, own = scenario.place("never", number), scenario.place().file
                whose = "the replay" if place.file == own else f"the replay of {own}"
                message = f"from {scenario.period.moment(tick):%Y-%m-%d} {whose} is where no run may be"
                problems.append(Problem(place, message, "correct the line, or the events"))
    return problems


def _holds(trajectory: Trajectory, who: str, names: tuple[str, ...], tick: int) -> bool:
    return trajectory.status_at(who, tick) in trajectory.scenario.ladder.resolve(names)


def _resting(trajectory: Trajectory) -> list[int]:
    """Give the ticks after whose firings time passes: the start and each tick at which something fired."""
    return sorted({0, *(step.tick for step in trajectory.steps)})


def _movers(trajectory: Trajectory, mission: str, tick: int) -> list[Step]:
    """Give the steps that moved a mission up to a tick."""
    return [step for step in trajectory.steps if step.tick <= tick and any(move.mission == mission for move in step.moves)]


def _admitted(scenario: Scenario, status: str) -> str:
    return listed(scenario.ladder.admitted(status)) or "nothing"


def _moot(trajectory: Trajectory) -> Iterator[Problem]:
    """Find the events that came to nothing, and what the ladder would have admitted."""
    scenario = trajectory.scenario
    held = dict(scenario.initial)
    for step in trajectory.steps:
        held.update((move.mission, move.dest) for move in step.moves)
        if step.moot:
            event = scenario.event[step.event]
            message = f"{quoted(event.id)} on {event.date} moves no mission: {step.reason.removeprefix(MOOT).rstrip('.')}"
            missions = dict.fromkeys(mission for _, mission in scenario.addressed(event))
            told = [f"possible for {mission} then: {_admitted(scenario, held[mission])}" for mission in missions]
            yield Problem(scenario.event_place(event.id, "action"), message, "\n    ".join(told))


def _missing(trajectory: Trajectory) -> Iterator[Problem]:
    """Find the dated events that did not fire, unless it is because one that they follow was moot."""
    scenario = trajectory.scenario
    fired = {step.event for step in trajectory.steps}
    moot = {step.event for step in trajectory.steps if step.moot}
    for event, fate in trajectory.fates.items():
        date, follows = scenario.event[event].date, scenario.caller(scenario.event[event]).follows
        if date is not None and event not in fired and not (follows and moot & set(follows.causes)):
            message = f"{quoted(event)} did not happen on {date} in the replay: {fate[0].lower()}{fate[1:-1]}"
            yield Problem(scenario.event_place(event, "date"), message, "correct the date, or what it follows, its `while` or `unless`")


def _undecided(trajectory: Trajectory) -> Iterator[Problem]:
    """Find choices that came up although history took none of their options."""
    scenario = trajectory.scenario
    for note in trajectory.notes:
        if note.stage == "chosen" and note.event == NOTHING and NOTHING not in scenario.choices[note.by].options:
            message = f"{quoted(note.by)} came up on {scenario.period.moment(note.tick):%Y-%m-%d}, but none of its options has a date"
            yield Problem(scenario.place("choices", note.by, "options"), message, "date the option that history took, or add `nothing`")


def _unobserved(trajectory: Trajectory) -> Iterator[Problem]:
    """Find the `observed` lines that do not hold, with what last moved the mission and what could have moved it from there."""
    scenario = trajectory.scenario
    for date, line in scenario.observed.items():
        tick = scenario.period.tick(date.end) - 1
        for who, names in line.items():
            if _holds(trajectory, who, names, tick):
                continue
            held = {mission: trajectory.status_at(mission, tick) for mission in scenario.members(who)}
            told = []
            for mission, status in held.items():
                moved_by = _movers(trajectory, mission, tick)
                last = (
                    f"last moved by {quoted(moved_by[-1].event)} on {trajectory.moment(moved_by[-1]):%Y-%m-%d}" if moved_by else "never moved before"
                )
                told.append(f"{mission} was {last}; from {status} the ladder admits: {_admitted(scenario, status)}")
            found = " and ".join(f"{mission} is {quoted(status)}" for mission, status in held.items())
            message = f"observed on {date}: {who} {listed(names)}, but in the replay {found}"
            yield Problem(scenario.place("observed", str(date), who), message, "\n    ".join(told))


def _unshared(trajectory: Trajectory) -> Iterator[Problem]:
    """Find shared statuses that come to be held by one mission of a pair only."""
    scenario = trajectory.scenario
    reported: set[tuple[str, str]] = set()
    for tick in _resting(trajectory):
        for mission in scenario.missions:
            other, status = counterpart(mission), trajectory.status_at(mission, tick)
            held = trajectory.status_at(other, tick) if other in scenario.initial else scenario.ladder.initial
            if status in scenario.ladder.shared and held != status and (mission, status) not in reported:
                reported.add((mission, status))
                moved_by = _movers(trajectory, mission, tick)
                place = scenario.event_place(moved_by[-1].event, "action") if moved_by else scenario.place("start")
                message = f"{mission} is {quoted(status)} from {scenario.period.moment(tick):%Y-%m-%d}, but {other} is {quoted(held)}"
                remedy = f"{quoted(status)} is shared: the trigger that enters or leaves it must move both (`moves`)"
                yield Problem(place, message, remedy)

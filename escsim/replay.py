"""Replay: history run through the model, and whether the two agree."""

from __future__ import annotations

from collections.abc import Iterator

from escsim.draws import History
from escsim.errors import Place, Problem, ScenarioError, listed, quoted
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
                message = f"from {scenario.period.moment(tick):%Y-%m-%d} the replay is where no run may be"
                problems.append(Problem(scenario.place("never", number), message, "correct the line, or the events"))
    return problems


def _holds(trajectory: Trajectory, who: str, names: tuple[str, ...], tick: int) -> bool:
    scenario = trajectory.scenario
    statuses = [trajectory.status_at(mission, tick) for mission in scenario.members(who)]
    return max(statuses, key=scenario.ladder.severity.__getitem__) in scenario.ladder.resolve(names)


def _resting(trajectory: Trajectory) -> list[int]:
    """Give the ticks after whose firings time passes: the start and each tick at which something fired."""
    return sorted({0, *(step.tick for step in trajectory.steps)})


def _moot(trajectory: Trajectory) -> Iterator[Problem]:
    scenario = trajectory.scenario
    for step in trajectory.steps:
        if step.moot:
            event = scenario.event[step.event]
            message = f"{quoted(event.id)} on {event.date} moves no mission: {_stayed(step)}"
            yield Problem(scenario.event_place(event.id, "action"), message, _admitted(trajectory, step))


def _stayed(step: Step) -> str:
    return step.reason.removeprefix(MOOT).rstrip(".")


def _admitted(trajectory: Trajectory, step: Step) -> str:
    """Say what the ladder would have admitted for the missions that a moot step addressed."""
    scenario, ladder = trajectory.scenario, trajectory.scenario.ladder
    event = scenario.event[step.event]
    missions = {mission: None for action in event.action if action in ladder.triggers for mission in event.addressed(ladder.side(action))}
    held = dict(scenario.initial)
    for earlier in trajectory.steps[: trajectory.steps.index(step)]:
        held.update((move.mission, move.dest) for move in earlier.moves)
    told = []
    for mission in missions:
        status = held[mission]
        told.append(f"possible for {mission} then: {listed(ladder.admitted(status)) or 'nothing'}")
    return "\n    ".join(told)


def _missing(trajectory: Trajectory) -> Iterator[Problem]:
    scenario = trajectory.scenario
    fired = {step.event for step in trajectory.steps}
    moot = {step.event for step in trajectory.steps if step.moot}  # reported already, and so is what is missing because of them
    for event, fate in trajectory.fates.items():
        date, causes = scenario.event[event].date, scenario.causes(scenario.event[event])
        if date is not None and event not in fired and not (causes and moot & set(causes.causes)):
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
    scenario = trajectory.scenario
    for date, held in scenario.observed.items():
        tick = scenario.period.tick(date.end) - 1
        for who, names in held.items():
            if _holds(trajectory, who, names, tick):
                continue
            told = " and ".join(f"{mission} is {quoted(trajectory.status_at(mission, tick))}" for mission in scenario.members(who))
            place = scenario.place("observed", str(date), who)
            yield Problem(place, f"observed on {date}: {who} {listed(names)}, but in the replay {told}", _last_move(trajectory, who, tick))


def _last_move(trajectory: Trajectory, who: str, tick: int) -> str:
    """Say what last moved a mission or pair before a tick, and what could have moved it from there."""
    scenario = trajectory.scenario
    told = []
    for mission in scenario.members(who):
        moves = [(step, move) for step in trajectory.steps for move in step.moves if move.mission == mission and step.tick <= tick]
        status = trajectory.status_at(mission, tick)
        last = f"last moved by {quoted(moves[-1][0].event)} on {trajectory.moment(moves[-1][0]):%Y-%m-%d}" if moves else "never moved before"
        told.append(f"{mission} was {last}; from {status} the ladder admits: {listed(scenario.ladder.admitted(status)) or 'nothing'}")
    return "\n    ".join(told)


def _unshared(trajectory: Trajectory) -> Iterator[Problem]:
    scenario = trajectory.scenario
    reported: set[tuple[str, str]] = set()
    for tick in _resting(trajectory):
        for mission in scenario.missions:
            other, status = counterpart(mission), trajectory.status_at(mission, tick)
            if status not in scenario.ladder.shared or (mission, status) in reported:
                continue
            held = trajectory.status_at(other, tick) if other in scenario.initial else scenario.ladder.initial
            if held != status:
                reported.add((mission, status))
                message = f"{mission} is {quoted(status)} from {scenario.period.moment(tick):%Y-%m-%d}, but {other} is {quoted(held)}"
                remedy = f"{quoted(status)} is shared: the trigger that enters or leaves it must move both (`moves`)"
                yield Problem(_place_of_move(trajectory, mission, tick), message, remedy)


def _place_of_move(trajectory: Trajectory, mission: str, tick: int) -> Place:
    for step in reversed(trajectory.steps):
        if step.tick <= tick and any(move.mission == mission for move in step.moves):
            return trajectory.scenario.event_place(step.event, "action")
    return trajectory.scenario.place("start")

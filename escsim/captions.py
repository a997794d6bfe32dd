"""Runs in words: the finding that heads a figure, and the text for those who cannot see it.

Everything is worked out from the numbers of the run, by rule, for any scenario and any ladder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date as Day
from itertools import groupby
from typing import NamedTuple

from escsim.errors import plain
from escsim.scenario import Scenario, counterpart
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Move, Step, Trajectory

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")

Way = tuple[str, str]  # from a status to a status
Taken = list[tuple[Step, Move]]


class Stretch(NamedTuple):
    """A time that a mission spends in one status, from a tick on; `step` is what brought it about."""

    status: str
    since: int
    step: Step | None


class _Dip(NamedTuple):
    """A mission's time below the level that it began on: what took it down, and what brought it back if anything did."""

    down: Step
    back: Step | None
    statuses: frozenset[str]


def words(name: str) -> str:
    """Turn a name of the file into words."""
    return name.replace("_", " ")


def dated(day: Day, *, short: bool = False) -> str:
    """Write a date in words, in English whatever the locale."""
    month = MONTHS[day.month - 1]
    return f"{day.day} {month[:3] if short else month} {day.year}"


def actor_name(scenario: Scenario, key: str) -> str:
    """Give the name of an actor, fit to print."""
    name = scenario.actors.get(key, key)
    return plain(name if len(name) <= 40 else name[:39].rsplit(" ", 1)[0] + "…")


def brief_name(scenario: Scenario, key: str) -> str:
    """Name an actor where there is little room: by its key if the name is long."""
    return name if len(name := actor_name(scenario, key)) <= 13 else key


def mission_name(scenario: Scenario, mission: str, noun: str = "mission") -> str:
    """Name a mission in words, such as the mission of Pakistan in Iran."""
    sender, host = (actor_name(scenario, key) for key in mission.split("->"))
    return f"{sender}’{'' if sender.endswith('s') else 's'} {noun} in {host}"


def tags(missions: Sequence[str]) -> list[str]:
    """Name missions by their keys, the two of a pair as one: PAK⇄IRN."""
    both = [mission for mission in missions if counterpart(mission) in missions]
    second = {mission for mission in both if both.index(counterpart(mission)) < both.index(mission)}
    return [mission.replace("->", "⇄" if mission in both else "→") for mission in missions if mission not in second]


def stretches(trajectory: Trajectory) -> dict[str, list[Stretch]]:
    """Give for every mission the statuses that it goes through."""
    found = {mission: [Stretch(status, -1, None)] for mission, status in trajectory.scenario.initial.items()}
    for step in trajectory.steps:
        for move in step.moves:
            found[move.mission].append(Stretch(move.dest, step.tick, step))
    return found


def ends(trajectory: Trajectory) -> dict[str, list[str]]:
    """Give for every status in which missions end, mild ones first, those missions."""
    found: dict[str, list[str]] = {status: [] for status in trajectory.scenario.ladder.statuses}
    for mission, path in stretches(trajectory).items():
        found[path[-1].status].append(mission)
    return {status: missions for status, missions in found.items() if missions}


def ways(trajectory: Trajectory) -> dict[Way, list[str]]:
    """Give every way of the ladder from a status to a status, and the triggers that take it."""
    found: dict[Way, list[str]] = {}
    for trigger, each in trajectory.scenario.ladder.triggers.items():
        for way in each.items():
            found.setdefault(way, []).append(trigger)
    return found


def taken(trajectory: Trajectory) -> dict[Way, Taken]:
    """Give the ways that missions took, in order of the first time."""
    found: dict[Way, Taken] = {}
    for step in trajectory.steps:
        for move in step.moves:
            found.setdefault((move.source, move.dest), []).append((step, move))
    return found


def acts(moves: Taken) -> list[str]:
    """Say by which triggers a way was taken, each with how often."""
    counts = Counter(move.trigger for _, move in moves)
    return [words(trigger) + (f"\N{NO-BREAK SPACE}{count}×" if count > 1 else "") for trigger, count in counts.items()]


def dates(trajectory: Trajectory, moves: Taken) -> list[str]:
    """Say on which dates a way was taken: the only one, two, or the first and the last."""
    days = dict.fromkeys((trajectory.moment(step).date(), "" if _exact(trajectory, step) else "about ") for step, _ in moves)
    (first, about), (last, closely) = next(iter(days)), next(reversed(days))
    if len(days) == 1:
        return [about + dated(last, short=True)]
    said = dated(first, short=True).split(" ")
    said = said[: 1 if (first.year, first.month) == (last.year, last.month) else 2 if first.year == last.year else 3]
    return [about + " ".join(said), f"{'and' if len(days) == 2 else 'to'} {closely}{dated(last, short=True)}"]


def subtitle(trajectory: Trajectory) -> tuple[str, str]:
    """Say what a figure is of: the scenario, and the kind of run with the hash that tells which version of the file."""
    run = "replay of the record" if trajectory.draws == "history" else f"one possible run, {plain(trajectory.draws)}"
    return plain(trajectory.scenario.title, 90), f" · {run} · scenario {trajectory.scenario.hash[:8]}"


def marker_key(scenario: Scenario) -> tuple[str, str]:
    """Say what a filled and what a hollow marker mean."""
    return ("high confidence", "lower confidence") if scenario.report is None else ("in the main report", "from other sources")


def headline(trajectory: Trajectory) -> str:
    """Say in one line what came of it.

    If the missions that changed went below their first level once, together and for the same time, that is told, and if
    all end in the worst status that was reached, that; otherwise how many changed, how far down it went, and how many came back to their old level.
    """
    scenario, paths = trajectory.scenario, stretches(trajectory)
    dips = {mission: _dips(trajectory, path) for mission, path in paths.items() if len(path) > 1}
    if not dips:
        stand = {path[0].status for path in paths.values()}
        return "No mission changed its status" + (f": ‘{words(stand.pop())}’ throughout" if len(stand) == 1 else "")
    first = next(iter(dips.values()))
    if len(first) == 1 and all(_alike(trajectory, first) == _alike(trajectory, each) for each in dips.values()):
        return _together(trajectory, list(dips), first[0])
    total = len(paths)
    text = f"{_count(len(dips), total).capitalize()}{f' of {total}' * (len(dips) < total)} missions changed"
    reached = [frozenset().union(*(dip.statuses for dip in each)) for each in dips.values()]
    if not any(reached):
        return f"{text}, none for the worse"
    worst = max(frozenset().union(*reached), key=scenario.ladder.severity.__getitem__)
    final = [path[-1] for path in paths.values()]
    if all(stretch.status == worst and stretch.step is not None for stretch in final):
        since = max((stretch.step for stretch in final if stretch.step is not None), key=_tick)
        return f"{_count(total, total).capitalize()} missions ‘{words(worst)}’ from {_moment(trajectory, since)} to the end of the record"
    text += f", {_count(sum(worst in each for each in reached), total)} as far as ‘{words(worst)}’"
    if back := [step for each in dips.values() if each and (step := each[-1].back) is not None]:
        whose = "its" if len(back) == 1 else "their"
        return f"{text}; {_count(len(back), total)} back at {whose} old level by {_moment(trajectory, max(back, key=_tick))}"
    return f"{text}; none back at its old level by {dated(scenario.period.to.day)}"


def _count(number: int, total: int) -> str:
    if number == total:
        return "both" if total == 2 else f"all {total}"
    return "one" if number == 1 else str(number)


def _tick(step: Step) -> int:
    return step.tick


def _dips(trajectory: Trajectory, path: Sequence[Stretch]) -> list[_Dip]:
    heights, found, place = trajectory.scenario.ladder.heights, [], 0
    for below, group in groupby(path, key=lambda stretch: heights[stretch.status] > heights[path[0].status]):
        run = list(group)
        place += len(run)
        if below and run[0].step is not None:
            found.append(_Dip(run[0].step, path[place].step if place < len(path) else None, frozenset(stretch.status for stretch in run)))
    return found


def _alike(trajectory: Trajectory, dips: Sequence[_Dip]) -> list[tuple[object, ...]]:
    return [(trajectory.moment(dip.down).date(), dip.back and trajectory.moment(dip.back).date(), dip.statuses) for dip in dips]


def _together(trajectory: Trajectory, missions: Sequence[str], dip: _Dip) -> str:
    """Tell of missions that went down once, together. In a group `envoys_away` of the ladder it is the ambassadors that are away."""
    scenario, ladder = trajectory.scenario, trajectory.scenario.ladder
    away = ladder.resolve(name for name in ("envoy_away", "envoys_away") if name in ladder.groups) - set(ladder.shared)
    worst = max(dip.statuses, key=ladder.severity.__getitem__)
    noun, state = "mission", f"‘{words(worst)}’" if len(dip.statuses) == 1 else f"down to ‘{words(worst)}’"
    if dip.statuses <= away:
        noun, state = "ambassador", "away"
    subject = f"{len(missions)} of {len(scenario.missions)} {noun}s"
    if len(missions) == 1:
        subject = mission_name(scenario, missions[0], noun)
    elif set(missions) == {missions[0], counterpart(missions[0])}:
        pair = " and ".join(actor_name(scenario, key) for key in missions[0].split("->"))
        subject = f"Both {noun}s" if len(scenario.missions) == 2 else f"Both {noun}s of {pair}"
    if dip.back is None:
        return f"{subject} {state} from {_moment(trajectory, dip.down)} to the end of the record"
    days = round((dip.back.tick - dip.down.tick) / TICKS_A_DAY)
    span = "less than a day" if days < 1 else f"{days} day{'s' * (days > 1)}"
    sure = _exact(trajectory, dip.back)
    about = "" if days < 1 or (sure and _exact(trajectory, dip.down)) else "about "
    last = {trajectory.status_at(mission, trajectory.scenario.period.ticks) for mission in missions}
    final = words(last.pop()) if len(last) == 1 and not last & set(scenario.initial.values()) else "back"
    return f"{subject} {state} for {about}{span}; {final} {'on ' * sure}{_moment(trajectory, dip.back)}"


def _exact(trajectory: Trajectory, step: Step) -> bool:
    date = trajectory.event(step).date
    return trajectory.draws != "history" or date is None or date.exact


def _moment(trajectory: Trajectory, step: Step) -> str:
    return ("" if _exact(trajectory, step) else "about ") + dated(trajectory.moment(step).date())


def describe_trajectory(trajectory: Trajectory) -> str:
    """Say in words what the figure of a trajectory shows: the text for those who cannot see it."""
    scenario, paths = trajectory.scenario, stretches(trajectory)
    parts = [f"{headline(trajectory)}. {''.join(subtitle(trajectory))}."]
    for mission, path in paths.items():
        told = [words(path[0].status)] + [f"{words(each.status)} from {_moment(trajectory, each.step)}" for each in path[1:] if each.step]
        parts.append(f"{mission_name(scenario, mission)}: {', '.join(told)}{' throughout' * (len(told) == 1)}.")
    steps = [step for step in trajectory.steps if not step.moot]
    if steps:
        stated = sum(scenario.reported(trajectory.event(step)) for step in steps)
        filled, hollow = marker_key(scenario)
        span = _moment(trajectory, steps[0]) if len(steps) == 1 else f"{_moment(trajectory, steps[0])} to {_moment(trajectory, steps[-1])}"
        parts.append(f"{len(steps)} event{'s' * (len(steps) > 1)}, {span}: {stated} {filled}, {len(steps) - stated} {hollow}.")
    final = "; ".join(f"{words(status)}: {', '.join(_names(scenario, each))}" for status, each in ends(trajectory).items())
    return " ".join([*parts, f"At the end, {dated(scenario.period.to.day)}, {final}." if final else "There are no missions."])


def _names(scenario: Scenario, missions: Sequence[str]) -> list[str]:
    return [mission_name(scenario, mission) for mission in missions]


def finding(trajectory: Trajectory) -> str:
    """Say in one line how much of the ladder was used, and where the missions ended."""
    last = ends(trajectory)
    text = f"{len(taken(trajectory))} of {len(ways(trajectory))} ways between statuses taken"
    if len(last) == 1:
        count = len(trajectory.scenario.missions)
        who = "the mission" if count == 1 else "both missions" if count == 2 else f"all {count} missions"
        return f"{text}; {who} ended at ‘{words(next(iter(last)))}’"
    return f"{text}; missions ended at " + ", ".join(f"‘{words(status)}’ ({len(missions)})" for status, missions in last.items()) if last else text


def describe_diagram(trajectory: Trajectory) -> str:
    """Say in words what the diagram of a trajectory shows: the text for those who cannot see it."""
    scenario, used = trajectory.scenario, taken(trajectory)
    parts = [
        f"{finding(trajectory)}. {''.join(subtitle(trajectory))}. Statuses from mild to severe: {', '.join(map(words, scenario.ladder.statuses))}."
    ]
    for (source, dest), moves in used.items():
        how = f"{', '.join(acts(moves))}, {' '.join(dates(trajectory, moves))}".replace("\N{NO-BREAK SPACE}", " ")
        parts.append(f"From {words(source)} to {words(dest)}: {how}.")
    parts.append(f"{len(ways(trajectory)) - len(used)} ways were not taken.")
    for status, missions in ends(trajectory).items():
        parts.append(f"At the end in {words(status)}: {', '.join(_names(scenario, missions))}.")
    return " ".join(parts)

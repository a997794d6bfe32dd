"""Runs in words: the finding that heads a figure, and the text for those who cannot see it.

Everything is worked out from the numbers of the run, by rule, for any scenario and any ladder.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date as Day
from typing import TYPE_CHECKING, NamedTuple

from escsim.errors import plain
from escsim.intervals import wilson
from escsim.scenario import Event, Scenario, counterpart
from escsim.times import TICKS_A_DAY, When
from escsim.trajectory import Move, Step, Trajectory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from escsim.ensemble import Ensemble

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")

Way = tuple[str, str]  # from a status to a status
Moves = list[tuple[Step, Move]]


# Names


def words(name: str) -> str:
    """Turn a name of the file into words."""
    return name.replace("_", " ")


def dated(day: Day, *, short: bool = False) -> str:
    """Write a date in words, in English whatever the locale."""
    month = MONTHS[day.month - 1]
    return f"{day.day} {month[:3] if short else month} {day.year}"


def sentence(text: str) -> str:
    """Begin a text with a capital, and end it as a sentence."""
    return text[:1].upper() + text[1:] + "." * (text[-1:] not in {*".?!"})


def written(date: When) -> str:
    """Write a date of a file in words, as well as it is known."""

    def worded(found: re.Match[str]) -> str:
        year, month, day = found.groups()
        return " ".join(filter(None, (day and str(int(day)), month and MONTHS[int(month) - 1], year)))

    return re.sub(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", worded, str(date))


def actor_name(scenario: Scenario, key: str) -> str:
    """Give the name of an actor, fit to print."""
    name = scenario.actors.get(key, key)
    return plain(name if len(name) <= 40 else name[:39].rsplit(" ", 1)[0] + "…")


def mission_name(scenario: Scenario, mission: str, noun: str = "mission") -> str:
    """Name a mission in words, such as the mission of Pakistan in Iran."""
    sender, host = (actor_name(scenario, key) for key in mission.split("->"))
    return f"{sender}’{'' if sender.endswith('s') else 's'} {noun} in {host}"


def unit_name(scenario: Scenario, unit: str) -> str:
    """Name a mission or a pair in words."""
    if unit in scenario.missions:
        return mission_name(scenario, unit)
    return f"the worse mission of {' and '.join(actor_name(scenario, key) for key in unit.split('-'))}"


def parameter_name(scenario: Scenario, name: str, *, short: bool = False) -> str:
    """Name a number of a scenario in words; in short without the choice that an option belongs to."""
    owner, _, key = name.partition(".")
    if owner in scenario.choices:
        return f"share of {words(key)}" + f" in {words(owner)}" * (not short)
    return f"{words(key)} of {words(owner)}"


def quantity(value: float, unit: str) -> str:
    """Write the number of an answer, counted in shares, days or times; an infinite time lies beyond the period."""
    if value == math.inf:
        return "beyond the period"
    return {"share": f"{100 * value:.0f} %", "days": f"{value:.1f} days" if value < 100 else f"{value:,.0f} days", "times": f"{value:.2f}"}[unit]


def capital(text: str) -> str:
    """Begin a text with a capital letter and leave the others as they are."""
    return text[:1].upper() + text[1:]


def remembered(replay: object, unit: str) -> str:
    """Say what history's answer was, or that there is none."""
    if isinstance(replay, bool):
        return "history: yes" if replay else "history: no"
    if isinstance(replay, int):
        return f"history: {replay}"
    return f"history: {quantity(replay, unit)}" if isinstance(replay, float) else "history has no answer"


def event_name(event: Event) -> str:
    """Name an event in at most 27 letters."""
    name = plain(event.label) if event.label else words(event.id)
    return name if len(name) <= 26 else name[:26].rsplit(" ", 1)[0] + "…"


def subtitle(trajectory: Trajectory, runs: Sequence[Trajectory] = ()) -> str:
    """Say what a figure is of: the scenario, the kind of run, the runs behind it, and the hash that tells which version of the file."""
    run = "replay of the record" if trajectory.draws == "history" else f"one possible run, {plain(trajectory.draws)}"
    told = f" · {behind(runs)}" if runs else ""
    return f"{plain(trajectory.scenario.title, 50 if runs else 70)} · {run}{told} · scenario {trajectory.scenario.hash[:8]}"


def behind(runs: Sequence[Trajectory]) -> str:
    """Say which variants lie behind a trajectory."""
    seed = runs[0].draws.split(", trajectory ")[0]
    numbers = sorted(int(run.draws.rsplit(" ", 1)[-1]) for run in runs)
    told = f"numbers {numbers[0]}–{numbers[-1]}" if numbers[-1] - numbers[0] < len(runs) else f"among numbers {numbers[0]} to {numbers[-1]}"
    return f"grey: {len(runs)} of the variants, {seed}, {told}"


def marker_key(scenario: Scenario) -> tuple[str, str]:
    """Say what a filled and what a hollow marker mean."""
    return ("high confidence or none stated", "lower confidence") if scenario.report is None else ("in the main report", "from other sources")


# What a run did


def paths(trajectory: Trajectory) -> dict[str, Moves]:
    """Give the moves of every mission."""
    moves = [(step, move) for step in trajectory.steps for move in step.moves]
    return {mission: [each for each in moves if each[1].mission == mission] for mission in trajectory.scenario.missions}


def alike(trajectory: Trajectory, mission: str) -> bool:
    """Say whether the mission the other way round is always in the same status, since the same steps move both."""
    if (other := counterpart(mission)) not in trajectory.paths or trajectory.scenario.initial[other] != trajectory.scenario.initial[mission]:
        return False
    one, two = ([(step, move.dest) for step, move in paths(trajectory)[each]] for each in (mission, other))
    return one == two


def ends(trajectory: Trajectory) -> dict[str, list[str]]:
    """Give for every status in which missions end, mild ones first, those missions."""
    scenario = trajectory.scenario
    last = {mission: trajectory.status_at(mission, scenario.period.ticks) for mission in scenario.missions}
    return {status: [each for each in last if last[each] == status] for status in scenario.ladder.statuses if status in last.values()}


def ways(scenario: Scenario) -> dict[Way, list[str]]:
    """Give every way of the ladder from a status to a status, and the triggers that take it."""
    found: dict[Way, list[str]] = {}
    for trigger, each in scenario.ladder.triggers.items():
        for way in each.items():
            found.setdefault(way, []).append(trigger)
    return found


def taken(trajectory: Trajectory) -> dict[Way, Moves]:
    """Give the ways that missions took, in order of the first time."""
    found: dict[Way, Moves] = {}
    for step in trajectory.steps:
        for move in step.moves:
            found.setdefault((move.source, move.dest), []).append((step, move))
    return found


def acts(moves: Moves) -> list[str]:
    """Say by which triggers a way was taken, each with how often."""
    counts = Counter(move.trigger for _, move in moves)
    return [words(trigger) + (f"\N{NO-BREAK SPACE}{count}×" if count > 1 else "") for trigger, count in counts.items()]


def dates(trajectory: Trajectory, moves: Moves) -> list[str]:
    """Say on which dates a way was taken: the only one, two, or the first and the last."""
    days = list(dict.fromkeys(_moment(trajectory, step, short=True) for step, _ in moves))
    return days if len(days) == 1 else [days[0], f"{'and' if len(days) == 2 else 'to'} {days[-1]}"]


def _exact(trajectory: Trajectory, step: Step) -> bool:
    date = trajectory.event(step).date
    return trajectory.draws != "history" or date is None or date.exact


def _moment(trajectory: Trajectory, step: Step, *, short: bool = False) -> str:
    return ("" if _exact(trajectory, step) else "about ") + dated(trajectory.moment(step).date(), short=short)


# The findings


class _Change(NamedTuple):
    """What took a mission below the level that it began on, what brought it back, and the statuses between."""

    down: list[Step]
    back: list[Step]
    below: frozenset[str]


def headline(trajectory: Trajectory) -> str:
    """Say in one line what came of it.

    If the missions that changed went below their first level once, together and for the same time, that is told;
    otherwise how many changed, how far down it went, and how many came back to their old level.
    """
    scenario, total = trajectory.scenario, len(trajectory.scenario.missions)
    changes = {mission: _change(trajectory, moves) for mission, moves in paths(trajectory).items() if moves}
    if not changes:
        stand = set(scenario.initial.values())
        return "No mission changed its status" + (f": ‘{words(stand.pop())}’ throughout" if len(stand) == 1 else "")
    alike = {(*(trajectory.moment(step).date() for step in (*each.down, *each.back)), each.below) for each in changes.values()}
    first = next(iter(changes.values()))
    if len(alike) == 1 and len(first.down) == 1:
        return _together(trajectory, list(changes), first)
    text = f"{_count(len(changes), total).capitalize()}{f' of {total}' * (len(changes) < total)} missions changed"
    below = frozenset().union(*(each.below for each in changes.values()))
    if not below:
        return f"{text}, none for the worse"
    worst = max(below, key=scenario.ladder.severity.__getitem__)
    text += f", {_count(sum(worst in each.below for each in changes.values()), total)} as far as ‘{words(worst)}’"
    back = [each.back[-1] for each in changes.values() if each.back and len(each.back) == len(each.down)]
    if not back:
        return f"{text}; none back at its old level by {dated(scenario.period.to.day)}"
    last = max(back, key=lambda step: step.tick)
    return f"{text}; {_count(len(back), total)} back at {'its' if len(back) == 1 else 'their'} old level by {_moment(trajectory, last)}"


def _change(trajectory: Trajectory, moves: Moves) -> _Change:
    heights = trajectory.scenario.ladder.heights
    first = heights[moves[0][1].source]
    down = [step for step, move in moves if heights[move.source] <= first < heights[move.dest]]
    back = [step for step, move in moves if heights[move.dest] <= first < heights[move.source]]
    return _Change(down, back, frozenset(move.dest for _, move in moves if heights[move.dest] > first))


def _count(number: int, total: int) -> str:
    if number == total:
        return "both" if total == 2 else f"all {total}"
    return "one" if number == 1 else str(number)


def _together(trajectory: Trajectory, missions: Sequence[str], change: _Change) -> str:
    """Tell of missions that went down once, together. In a group `envoys_away` of the ladder it is the ambassadors that are away."""
    scenario, ladder = trajectory.scenario, trajectory.scenario.ladder
    away = ladder.resolve(name for name in ("envoy_away", "envoys_away") if name in ladder.groups) - set(ladder.shared)
    worst = max(change.below, key=ladder.severity.__getitem__)
    noun, state = "mission", f"‘{words(worst)}’" if len(change.below) == 1 else f"lowered, ‘{words(worst)}’ at worst,"
    if change.below <= away:
        noun, state = "ambassador", "away"
    subject = f"{len(missions)} of {len(scenario.missions)} {noun}s"
    if len(missions) == 1:
        subject = mission_name(scenario, missions[0], noun)
    elif set(missions) == {missions[0], counterpart(missions[0])}:
        pair = " and ".join(actor_name(scenario, key) for key in missions[0].split("->"))
        subject = f"Both {noun}s" + f" of {pair}" * (len(scenario.missions) > 2)
    (down,) = change.down
    if not change.back and len(change.below) > 1:
        whose = "its" if len(missions) == 1 else "their"
        return f"{subject} {state} from {_moment(trajectory, down)}; not back at {whose} old level by {dated(scenario.period.to.day)}"
    if not change.back:
        return f"{subject} {state} from {_moment(trajectory, down)} to the end of the record"
    (back,) = change.back
    days = round((back.tick - down.tick) / TICKS_A_DAY)
    about = "" if _exact(trajectory, down) and _exact(trajectory, back) else "about "
    span = "less than a day" if days < 1 else f"{about}{days} day{'s' * (days > 1)}"
    last = [status for status, each in ends(trajectory).items() if set(missions) <= {*each}]
    final = words(last[0]) if last and last[0] not in scenario.initial.values() else "back"
    return f"{subject} {state} for {span}; {final} {'on ' * _exact(trajectory, back)}{_moment(trajectory, back)}"


def finding(trajectory: Trajectory) -> str:
    """Say in one line how much of the ladder was used, and where the missions ended."""
    last, total = ends(trajectory), len(trajectory.scenario.missions)
    who = "missions" if len(last) != 1 else "the mission" if total == 1 else f"{_count(total, total)} missions"
    where = ", ".join(f"‘{words(status)}’" + f" ({len(missions)})" * (len(last) > 1) for status, missions in last.items())
    return f"{len(taken(trajectory))} of {len(ways(trajectory.scenario))} ways between statuses taken" + f"; {who} ended at {where}" * bool(last)


def recorded(history: Trajectory) -> str:
    """Say in one line what the record holds."""
    if not (steps := history.steps):
        return "Nothing is recorded"
    actors = {actor for step in steps for actor in history.event(step).actor}
    who = f"{len(actors)} actors" if len(actors) > 1 else actor_name(history.scenario, actors.pop())
    sure = sum(history.event(step).confidence == "high" for step in steps)
    return f"{len(steps)} event{'s' * (len(steps) > 1)} by {who}, {_span(history, steps)}; {sure} with high confidence"


def _span(trajectory: Trajectory, steps: Sequence[Step]) -> str:
    return " to ".join(dict.fromkeys(_moment(trajectory, step) for step in (steps[0], steps[-1])))


# The descriptions


def _described(trajectory: Trajectory, title: str, parts: Iterable[str]) -> str:
    """Put together the text for those who cannot see a figure."""
    scenario = trajectory.scenario
    final = [f"{words(status)}: {', '.join(mission_name(scenario, each) for each in missions)}" for status, missions in ends(trajectory).items()]
    end = f"At the end, {dated(scenario.period.to.day)}, {'; '.join(final)}." if final else "There are no missions."
    return " ".join([f"{title}. {subtitle(trajectory)}.", *parts, end])


def describe_trajectory(trajectory: Trajectory, runs: Sequence[Trajectory] = ()) -> str:
    """Say in words what the figure of a trajectory shows, with the runs behind it."""
    scenario = trajectory.scenario
    parts = []
    for mission, moves in paths(trajectory).items():
        told = [words(scenario.initial[mission]), *(f"{words(move.dest)} from {_moment(trajectory, step)}" for step, move in moves)]
        parts.append(f"{mission_name(scenario, mission)}: {', '.join(told)}{' throughout' * (not moves)}.")
    if steps := [step for step in trajectory.steps if not step.moot]:
        stated = sum(scenario.reported(trajectory.event(step)) for step in steps)
        filled, hollow = marker_key(scenario)
        parts.append(f"{len(steps)} event{'s' * (len(steps) > 1)}, {_span(trajectory, steps)}: {stated} {filled}, {len(steps) - stated} {hollow}.")
    if runs:
        parts.append(f"Behind it, {behind(runs)}.")
        for mission in scenario.missions:
            held = Counter(run.status_at(mission, scenario.period.ticks) for run in runs)
            told = [f"{words(status)} {held[status]}" for status in scenario.ladder.statuses if held[status]]
            parts.append(f"{mission_name(scenario, mission)} ends so in them: {', '.join(told)}.")
    return _described(trajectory, headline(trajectory), parts)


def describe_record(history: Trajectory) -> str:
    """Say in words what the figure of the record shows."""
    told: dict[str, list[str]] = {}
    for step in history.steps:
        event = history.event(step)
        actors = " and ".join(actor_name(history.scenario, actor) for actor in event.actor)
        told.setdefault(actors, []).append(f"{event_name(event)}, {_moment(history, step)} ({event.confidence or 'no'} confidence)")
    lanes = [f"{actors}: {'; '.join(events)}." for actors, events in told.items()]
    return " ".join([f"{recorded(history)}. {subtitle(history)}.", *lanes])


def describe_diagram(trajectory: Trajectory) -> str:
    """Say in words what the diagram of a trajectory shows."""
    used = taken(trajectory)
    parts = [f"Statuses from mild to severe: {', '.join(map(words, trajectory.scenario.ladder.statuses))}."]
    for (source, dest), moves in used.items():
        how = f"{', '.join(acts(moves))}, {' '.join(dates(trajectory, moves))}".replace("\N{NO-BREAK SPACE}", " ")
        parts.append(f"From {words(source)} to {words(dest)}: {how}.")
    parts.append(f"{len(ways(trajectory.scenario)) - len(used)} ways were not taken.")
    return _described(trajectory, finding(trajectory), parts)


# Variants


def per_cent(shares: dict[str, float]) -> dict[str, int]:
    """Give shares in whole per cent; where they are all there is, these add up to 100: the largest remainders are rounded up."""
    whole = {name: int(100 * share) for name, share in shares.items()}
    lacking = 100 - sum(whole.values()) if abs(sum(shares.values()) - 1) < 1e-9 else 0
    for name in sorted(shares, key=lambda name: whole[name] - 100 * shares[name])[:lacking]:
        whole[name] += 1
    return whole


def share_words(shares: dict[str, float]) -> dict[str, str]:
    """Write shares in whole per cent; what is there is never 0."""
    whole = per_cent(shares)
    return {name: "<1 %" if not each and shares[name] > 0 else f"{each} %" for name, each in whole.items()}


def number(value: float) -> str:
    """Write a number of days to three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """Write a share in whole per cent; what is there is never 0."""
    return share_words({"": share, "rest": 1 - share})[""]


def waiting(ensemble: Ensemble, asked: int, spread: NDArray[np.float64]) -> str:
    """Say how sure the Kaplan-Meier curve of a question is that can be asked in some variants, by the widths of its intervals."""
    return f"{asked:,} of {ensemble.n:,} variants, ±{50 * float(spread.max()):.2g} points (95 %), seed {ensemble.seed}"


def occupied(ensemble: Ensemble, unit: str) -> str:
    """Say in one line where most variants end."""
    last = ensemble.counts[ensemble.units.index(unit)][:, -1] / ensemble.n
    shares = dict(zip(ensemble.scenario.ladder.statuses, last.tolist(), strict=True))
    told = share_words(shares)
    most = sorted((status for status in shares if shares[status]), key=lambda status: -shares[status])[:3]
    return f"By {dated(ensemble.days[-1])}: " + ", ".join(f"{told[status]} ‘{words(status)}’" for status in most)


def varied(ensemble: Ensemble, what: str, sure: str | None = None) -> str:
    """Say what a figure of variants is of, and how sure its numbers are: by default, of shares, the widest interval to either side."""
    if sure is None:
        widest = wilson(ensemble.n // 2, ensemble.n)
        sure = f"{ensemble.n:,} variants, ±{100 * (widest.high - widest.low) / 2:.2g} points (95 %), seed {ensemble.seed}"
    since = "" if ensemble.given is None else f" · from {dated(ensemble.given.day, short=True)}"
    changed = "" if ensemble.intervention is None else " · what-if"
    return f"{plain(ensemble.scenario.title, 28 if since or changed else 50)}{since}{changed} · {what} · {sure} · {ensemble.scenario.hash[:8]}"

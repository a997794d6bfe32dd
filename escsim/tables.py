"""The numbers of a lesson: every branch and every stop of the slider run beforehand, for a page that looks them up.

Everything here is what `escsim simulate --json` and `escsim whatif --json` print for the same seed and number of variants. Shares are of
one unit, the pair or mission that the lesson is about, and of one outcome: a status of it on a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date as Day
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import yaml

from escsim.absence import levels
from escsim.captions import per_cent, words
from escsim.effects import Comparison, under
from escsim.ensemble import Ensemble
from escsim.errors import AskedError
from escsim.intervals import Estimate, kaplan_meier, wilson
from escsim.questions import HOURS, holds
from escsim.ranges import Parameter, at, parameter, ranges
from escsim.reasons import why
from escsim.scenario import NOTHING, Event, Intervention, Question, Scenario
from escsim.trajectory import Step, Trajectory

STOPS = 11  # of the slider, besides the file's own value
DAYS = 60  # of the period that charts show
RUNS = 40  # single trajectories to look at
BRANCHES = 9  # what-ifs, so that each has a digit
WORLDS = 5000  # in which those that go otherwise are looked for
SEARCHED = 60  # worlds that go otherwise looked through for one that tells what a what-if does
SHOWN = 6  # steps of a twin from the parting on
DOTS = 20
_SKETCH = 2000  # variants for choosing the slider


class Outcome(NamedTuple):
    """What the numbers of a lesson are about: a unit being in one of some statuses at the end of a day."""

    unit: str
    statuses: tuple[str, ...]
    day: Day
    name: str | None  # of the question in the file that asks it

    @property
    def question(self) -> Question:
        """It as a question."""
        return Question.model_validate({"probability": {"in": {self.unit: list(self.statuses)}, "on": self.day.isoformat()}})

    def of(self, ensemble: Ensemble) -> Estimate:
        """Give its share, with its interval."""
        u, day = ensemble.units.index(ensemble.unit(self.unit)), (self.day - ensemble.scenario.period.from_.day).days
        ranks = [ensemble.scenario.ladder.severity[status] for status in self.statuses]
        return wilson(int(ensemble.counts[u, ranks, day].sum()), ensemble.n)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        return {"unit": self.unit, "statuses": list(self.statuses), "day": self.day.isoformat(), "name": self.name}


def outcome(scenario: Scenario, unit: str) -> Outcome:
    """Give the outcome that the file asks first, of one unit on a day; else whether a unit is at its old level at the end."""
    for name, question in scenario.questions.items():
        asked = question.probability
        if asked is not None and asked.in_ and len(asked.in_) == 1 and asked.on is not None and "any" not in asked.in_:
            ((who, names),) = asked.in_.items()
            statuses = scenario.ladder.resolve(names)
            return Outcome(who, tuple(status for status in scenario.ladder.statuses if status in statuses), asked.on.day, name)
    return settled(scenario, unit)


def settled(scenario: Scenario, unit: str) -> Outcome:
    """Give the outcome that a unit is at the level of its start, or milder, when the period ends."""
    return Outcome(unit, levels(scenario, unit).kept, scenario.period.to.day, None)


def chart_days(scenario: Scenario, history: Trajectory) -> list[Day]:
    """Give the days that charts show: those of the events and the days before them, and others at even distances between."""
    days = list(scenario.period.days())
    if len(days) <= DAYS:
        return days
    dates = {history.moment(step).date() for step in history.steps if step.moves}
    told = sorted({days[0], days[-1]} | {day for each in dates for day in (each, each - timedelta(days=1)) if days[0] <= day})
    told = told[:: -(-len(told) // DAYS)] if len(told) > DAYS else told
    even = [days[place] for place in np.linspace(0, len(days) - 1, DAYS - len(told) + 2).round().astype(int).tolist()]
    return sorted({*told, *even})


def occupancy(ensemble: Ensemble, unit: str, days: list[Day]) -> dict[str, list[float]]:
    """Give the shares of trajectories by status and day, without statuses in which there is never one."""
    places = [(day - ensemble.scenario.period.from_.day).days for day in days]
    counts = ensemble.counts[ensemble.units.index(ensemble.unit(unit))][:, places]
    return {
        status: [count / ensemble.n for count in row]
        for status, row in zip(ensemble.scenario.ladder.statuses, counts.tolist(), strict=True)
        if any(row)
    }


# ---- the slider


def steering(scenario: Scenario, asked: Outcome, seed: int) -> Parameter | None:
    """Choose the number whose stated range moves the outcome most, by a small run at both ends of each range; None if there is no range."""
    swings: dict[Parameter, float] = {}
    for each in ranges(scenario):
        try:
            ends = [asked.of(at(scenario, {each.name: value}).simulate(_SKETCH, seed)).estimate for value in (each.low, each.high)]
        except AskedError:  # a range that does not go together with the file's other numbers
            continue
        swings[each] = abs(ends[1] - ends[0])
    return max(swings, key=swings.__getitem__, default=None)


def slider(scenario: Scenario, name: str | None, asked: Outcome, base: Ensemble, days: list[Day]) -> dict[str, Any] | None:
    """Run the variants at every stop of a slider along a stated range, the file's own value among them.

    Raises
    ------
    ValueError
        If there is no such number, or the file states no range for it.
    """
    known = steering(scenario, asked, base.seed) if name is None else parameter(scenario, name)
    if known is None:
        return None
    if known.low == known.high:
        others = ", ".join(each.name for each in ranges(scenario))
        raise AskedError(f"the file states no range for {known.name}, so it cannot be a slider" + (f"; it does for {others}" if others else ""))
    values = sorted({float(f"{value:.6g}") for value in np.linspace(known.low, known.high, STOPS).tolist()} | {known.value})
    stops = []
    for value in values:
        there = base if value == known.value else at(scenario, {known.name: value}).simulate(base.n, base.seed)
        stops.append({"value": known.told(value), **sampled(there, asked, days)})
    owner, _, key = known.name.partition(".")
    if owner in scenario.choices:
        said = "slider_option", {"option": offered(scenario, owner, key), "choice": owner}
    else:
        said = "slider_chance" if key == "probability" else "slider_delay", {"event": owner, "key": key}
    return {"name": known.name, "said": said, "unit": known.unit, "start": values.index(known.value), "stops": stops}


def sampled(ensemble: Ensemble, asked: Outcome, days: list[Day]) -> dict[str, Any]:
    """Give where the unit of an outcome stands in an ensemble, day by day and rounded on the last, and the outcome's share."""
    shares = occupancy(ensemble, asked.unit, days)
    ends = per_cent({status: row[-1] for status, row in shares.items()})
    return {"occupancy": shares, "ends": ends, "outcome": asked.of(ensemble)._asdict()}


# ---- what-ifs


def branches(scenario: Scenario, asked: Outcome, base: Ensemble, days: list[Day]) -> list[dict[str, Any]]:
    """Run the what-ifs of the file beside the base, and find for each a world that tells what it does."""
    names = list(scenario.what_if)[:BRANCHES]
    compared = under(base, [scenario.what_if[name] for name in names], {"outcome": asked.question})
    return [_branch(scenario, name, each, asked, days) for name, each in zip(names, compared, strict=True)]


def _branch(scenario: Scenario, name: str, compared: Comparison, asked: Outcome, days: list[Day]) -> dict[str, Any]:
    change, found = scenario.what_if[name], compared.effects["outcome"]
    return {
        "name": name,
        "text": change.text,
        "diff": diff(scenario, change),
        "differ": compared.differ,
        "effect": asdict(found),
        "way": "up" if (found.low or 0) > 0 else "down" if (found.high or 0) < 0 else "same",  # what the interval leaves
        **sampled(compared.changed, asked, days),
        "twins": _twins(compared, change, asked),
    }


def _twins(compared: Comparison, change: Intervention, asked: Outcome) -> dict[str, Any] | None:
    """Tell a world and its twin by what is in one and not in the other: if there is one among the first, a world whose outcome shows the effect."""
    if not compared.differ:
        return None
    rise, worth, best = (compared.effects["outcome"].estimate or 0.0) > 0, -1, None
    for i in _telling(compared, asked, rise=rise):
        pair = compared.twins(i)
        ends = [run.status_on(asked.unit, asked.day) in asked.statuses for run in pair]
        moved = [[(step.tick, step.moves) for step in run.steps if step.moves] for run in pair]
        told_by = 2 if ends == [not rise, rise] else int(moved[0] != moved[1])
        if told_by > worth and (_only(*pair) or _only(*pair[::-1])):
            worth, best = told_by, (i, pair)
        if worth == 2:
            break
    if best is None:
        return None
    i, pair = best
    apart = _only(*pair), _only(*pair[::-1])
    first = min(places[0] for places in apart if places)
    return {
        "run": i,
        "same": [told(pair[0], step) for step in pair[0].steps[max(0, first - 1) : first]],
        "apart": [[told(run, run.steps[place]) for place in places[:SHOWN]] for run, places in zip(pair, apart, strict=True)],
        "why": [why(run, places[0], each) if places else [] for run, places, each in zip(pair, apart, (None, change), strict=True)],
        "ends": [run.status_on(asked.unit, asked.day) for run in pair],
    }


def _telling(compared: Comparison, asked: Outcome, *, rise: bool) -> list[int]:
    """Give some worlds that go otherwise, first those whose outcome goes the way of the effect."""
    ours, theirs, parted = compared.first(WORLDS)
    condition = asked.question.probability
    assert condition is not None
    before, after = holds(ours, condition)[parted], holds(theirs, condition)[parted]
    return [*parted[(before != rise) & (after == rise)][:SEARCHED].tolist(), *parted[:SEARCHED].tolist()]


def _only(run: Trajectory, other: Trajectory) -> list[int]:
    """Give the numbers of the steps of a run that the other has not, at that time and with those moves."""
    known = {step.done for step in other.steps}
    return [place for place, step in enumerate(run.steps) if step.done not in known]


def told(run: Trajectory, step: Step) -> dict[str, Any]:
    """Give a step of a variant as plain data."""
    found: dict[str, Any] = {
        "day": f"{run.moment(step):%Y-%m-%d}",
        "event": step.event,
        "moves": [[move.mission, move.source, move.dest] for move in step.moves],
    }
    return {**found, "moot": True} if step.moot else found


def diff(scenario: Scenario, change: Intervention) -> list[list[str]]:
    """Give what a what-if changes in the file: for each change the line as it is, and as it would be."""
    found = [[f"- id: {event}", f"# - id: {event}"] for event in change.remove or ()]
    for name, when in (change.move or {}).items():
        found.append([f"date: {_date(scenario.event[name])}", f"date: {when.text}"])
    for name, when in (change.force or {}).items():
        found.append([f"date: {_date(scenario.event[name])}", f"date: {when.text}  # whatever else happens"])
    for name, option in (change.choose or {}).items():
        found.append([f"options: {_flow(scenario.choices[name].options)}", f"options: {_flow({option: 1})}"])
    for name, other in (change.set or {}).items():
        new = other.model_dump(mode="json", by_alias=True, exclude_none=True)
        old = scenario.event[name].model_dump(mode="json", by_alias=True, exclude_none=True)
        found.append([f"{name}: {_flow({key: old[key] for key in new if key in old})}", f"{name}: {_flow(new)}"])
    return found


def offered(scenario: Scenario, choice: str, option: str) -> str | None:
    """Give an option of a choice as a class is asked; None for `nothing` without a wording, which the page names in its language."""
    said = (scenario.choices[choice].wording or {}).get(option)
    return said or (None if option == NOTHING else named(scenario.event[option]))


def named(event: Event) -> str:
    """Name an event."""
    return event.label or words(event.id)


def _date(event: Event) -> str:
    return event.date.text if event.date else "(none)"


def _flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000, allow_unicode=True).strip()


# ---- single runs and times


def runs(ensemble: Ensemble, unit: str) -> Iterator[dict[str, Any]]:
    """Tell some trajectories: where the unit stood from which day on, and the events that made it so."""
    scenario = ensemble.scenario
    told = set(scenario.choice_of) | {cause for choice in scenario.choices.values() for cause in (choice.follows.causes if choice.follows else ())}
    told -= {event.id for event in scenario.events if scenario.keeps_date(event)}
    for i in range(min(RUNS, ensemble.n)):
        run = ensemble.trajectory(i)
        path: list[list[Any]] = []
        for tick in (-1, *(step.tick for step in run.steps if step.moves)):
            status = run.status_at(unit, tick)
            if not path or status != path[-1][1]:
                path.append([f"{scenario.period.moment(max(0, tick)):%Y-%m-%d}", status])
        telling = [step for step in run.steps if step.moves or step.event in told]
        yield {"run": i, "path": path, "events": [[f"{run.moment(step):%Y-%m-%d}", step.event] for step in telling]}


def dots(question: Question, ensemble: Ensemble) -> list[float | None]:
    """Give the middles of twenty parts of the variants, sorted by how long a question says: days, None beyond the period.

    The second of a time to something by its Kaplan-Meier curve.
    """
    counts = next(tally for known, tally in ensemble.tallies if known == question)
    if question.time_to is not None:
        took, vain = np.split(counts, 2)
        upto = 1 - kaplan_meier(took, vain)[0] if counts.any() else np.zeros(1)
    else:
        upto = counts[:-1].cumsum() / ensemble.n
    places = [np.flatnonzero(upto >= (dot + 0.5) / DOTS - 1e-12) for dot in range(DOTS)]
    return [float(place[0]) / HOURS if place.size else None for place in places]

"""Scenarios and trajectories as text for a terminal: what happened, what it moved, and why."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date as Day
from typing import TYPE_CHECKING, Any

from escsim.captions import headline
from escsim.delays import Delay
from escsim.errors import plain
from escsim.intervals import wilson
from escsim.scenario import NOTHING, Background, Event, Scenario
from escsim.times import Span
from escsim.trajectory import Move, Step, Trajectory

if TYPE_CHECKING:
    from escsim.ensemble import Ensemble

Style = str  # "", "bold", "dim", "worse" or "better": the command line turns it into colour
Line = tuple[str, Style]

NARROWEST, WIDEST = 72, 120


def replay(trajectory: Trajectory, *, width: int = 100, why: bool = False, until: Day | None = None, ascii_only: bool = False) -> Iterator[Line]:
    """Tell a trajectory event by event, then the status of every mission over time.

    Parameters
    ----------
    trajectory : Trajectory
    width : int
        Columns of the terminal; lines are wrapped to fit.
    why : bool
        Also say why steps moved nothing, and why what might have happened did not.
    until : datetime.date, optional
        The last day to tell.
    ascii_only : bool
        Whether arrows and dots must be plain characters.

    Yields
    ------
    (str, str)
        A line and its style.
    """
    scenario = trajectory.scenario
    signs = _ASCII if ascii_only else _SIGNS
    width = min(max(width, NARROWEST), WIDEST)
    yield from title(scenario, width, summary=until is None)  # neither may tell the end before it is told
    if until is None:
        yield "", ""
        yield from _wrapped(headline(trajectory).translate(_QUOTES) + ".", width, indent=0, style="bold")
    told: list[tuple[Day, Step | Background]] = [(entry.date.day, entry) for entry in scenario.background]
    told += [(trajectory.moment(step).date(), step) for step in trajectory.steps]
    day: Day | None = None
    for date, each in sorted(told, key=lambda pair: pair[0]):
        if until is not None and date > until:
            break
        vague = isinstance(each, Background) and not each.date.exact
        if date != day or vague:
            day = None if vague else date
            yield "", ""
            yield str(each.date) if isinstance(each, Background) and vague else f"{date:%a} {date.day} {date:%b %Y}", "bold"
        if isinstance(each, Step):
            yield from _step(trajectory, each, width, why, signs)
        else:
            yield from _wrapped(f"  {signs['apart']} {_who(each)}: {each.text} [background{_cited(each)}]", width, indent=4)
    yield "", ""
    yield from statuses(trajectory, width, until=until)
    yield "", ""
    yield from _legend(scenario, signs, width)
    if why and until is None and trajectory.fates:
        yield "", ""
        yield "What might have happened, and did not", "bold"
        for event, fate in trajectory.fates.items():
            yield from _wrapped(f"{event} ({_said(scenario.event[event]).rstrip('.')}): {fate}", width)


_QUOTES = str.maketrans("‘’", "''")
_SIGNS = {"worse": "▼", "better": "▲", "same": "=", "reported": "●", "added": "○", "apart": "·"}
_ASCII = {"worse": "v", "better": "^", "same": "=", "reported": "*", "added": "o", "apart": "-"}


def title(scenario: Scenario, width: int, *, summary: bool = True) -> Iterator[Line]:
    """Give the head of a report: title, summary, missions."""
    yield from _wrapped(scenario.title, width, indent=0, style="bold")
    if summary:
        yield from _wrapped(scenario.summary or "", width, indent=0)
    yield "", ""
    for mission in scenario.missions:
        yield f"  {mission}  {spoken(scenario, mission)}", ""


def spoken(scenario: Scenario, mission: str) -> str:
    """Name a mission in words: Pakistan's mission in Iran."""
    sender, host = (plain(scenario.actors[actor], 40) for actor in mission.split("->"))
    return f"{sender}'s mission in {host}"


def _step(trajectory: Trajectory, step: Step, width: int, why: bool, signs: dict[str, str]) -> Iterator[Line]:
    scenario, event = trajectory.scenario, trajectory.event(step)
    sign = signs["reported" if scenario.reported(event) else "added"]
    clock = f"{trajectory.moment(step):%H:%M} " if event.date and ":" in event.date.text else ""
    known = "" if event.date is None or event.date.exact else f" (dated {event.date})"
    caused = event.id if step.caller == "start" else f"{event.id}, after {step.caller}"
    yield from _wrapped(f"  {sign} {clock}{_who(event)}: {_said(event)}{known} [{caused}{_cited(event)}]", width, indent=4)
    for move in step.moves:
        change = _direction(scenario, move)
        yield from _wrapped(f"      {signs[change]} {move.mission}  {move.source} -> {move.dest}  ({move.trigger})", width, indent=8, style=change)
    if why:
        meant = [scenario.ladder.meaning(trigger) for trigger in dict.fromkeys(move.trigger for move in step.moves)]
        yield from _wrapped(f"      Why: {' '.join([step.reason, *meant])}", width, indent=8, style="dim")
        if event.disputed:
            yield from _wrapped(f"      Sources differ: {event.disputed}", width, indent=8, style="dim")


def _who(event: Event | Background) -> str:
    return " + ".join(event.actor) + (f" to {' + '.join(event.target)}" if event.target else "")


def _cited(event: Event | Background) -> str:
    return "; " + ", ".join(event.cite) if event.cite else ""


def _said(event: Event) -> str:
    return event.text or ", ".join(event.action).replace("_", " ")


def _direction(scenario: Scenario, move: Move) -> str:
    severity = scenario.ladder.severity
    change = severity[move.dest] - severity[move.source]
    return "worse" if change > 0 else "better" if change < 0 else "same"


def statuses(trajectory: Trajectory, width: int, *, until: Day | None = None) -> Iterator[Line]:
    """Give a table of the missions' statuses, a row for each day on which one changed; too wide for that, a line for each mission."""
    scenario = trajectory.scenario
    changes: dict[str, dict[str, str]] = {mission: {} for mission in scenario.missions}
    previous: dict[str, str] = {}
    for day, held in trajectory.days().items():
        if until is not None and day > until:
            break
        for mission, status in held.items():
            if previous.get(mission) != status:
                changes[mission][day.isoformat()] = status
        previous = held
    days = sorted({day for change in changes.values() for day in change})
    lines = list(table(["from", *changes], [(day, *(change.get(day, "") for change in changes.values())) for day in days]))
    if max(len(text) for text, _ in lines) <= width:
        yield from lines
        yield "(an empty cell: as before)", "dim"
        return
    for mission, change in changes.items():
        yield from _wrapped(f"{mission}: " + "; ".join(f"{status} from {day}" for day, status in change.items()), width, indent=12)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: bool = False) -> Iterator[Line]:
    """Lay out a table in columns as wide as their widest cell; all but the first may be numbers, set to the right."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for row, style in [(head, "bold"), *((row, "") for row in rows)]:
        cells = [cell.rjust(size) if right and place else cell.ljust(size) for place, (cell, size) in enumerate(zip(row, widths, strict=True))]
        yield "  ".join(cells).rstrip(), style


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    """Lay out a table whose last column is text: it is wrapped to fit the terminal."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head) - 1)]
    for row, style in [(head, "bold"), *((row, "") for row in rows)]:
        start = "".join(cell.ljust(size) + "  " for cell, size in zip(row, widths, strict=False))
        lines = textwrap.wrap(row[-1], max(20, width - len(start)), break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            yield (start if number == 0 else " " * len(start)) + line, style


def _legend(scenario: Scenario, signs: dict[str, str], width: int) -> Iterator[Line]:
    if scenario.report is not None:
        filled, hollow = f"stated in the report [{scenario.report}] {scenario.sources[scenario.report]}", "added from other sources"
    else:
        filled, hollow = "known with high confidence", "with less"
    for line in (
        f"{signs['reported']} {filled}; {signs['added']} {hollow}.",
        "In brackets: the event, what led to it, and the sources (`escsim show` names them).",
        f"{signs['apart']} background, told but not replayed." if scenario.background else "",
        f"{signs['worse']} a mission moved for the worse, {signs['better']} for the better. All times are UTC.",
    ):
        yield from _wrapped(line, width, indent=2, style="dim")


def _wrapped(text: str, width: int, *, indent: int = 6, style: Style = "") -> Iterator[Line]:
    """Wrap a text from a file, made safe to print; its own line breaks do not count, its first indent does."""
    margin = text[: len(text) - len(text.lstrip(" "))]
    safe = plain(" ".join(text.split()), 4000)
    for line in textwrap.wrap(safe, width, initial_indent=margin, subsequent_indent=" " * indent, break_on_hyphens=False):
        yield line, style


def show(scenario: Scenario, *, width: int = 100) -> Iterator[Line]:
    """Describe a scenario: its missions, ladder, events, choices, assumptions and limits."""
    width = min(max(width, NARROWEST), WIDEST)
    yield from title(scenario, width)
    yield "", ""
    yield from ladder(scenario, width)
    yield "", ""
    yield "Actors", "bold"
    for key, name in scenario.actors.items():
        yield from _wrapped(f"  {key}: {name}", width)
    yield "", ""
    yield f"Events, {scenario.period.from_} to {scenario.period.to}", "bold"
    for event in scenario.events:
        yield from _wrapped(f"  {event.date or 'might have'}  {event.id}: {' + '.join(event.action)}{_assumed(scenario, event)}", width, indent=14)
    for name, choice in scenario.choices.items():
        yield "", ""
        yield from _wrapped(f"Choice {name}: {choice.question}", width, style="bold")
        for option, share in choice.options.items():
            dated = [each for each in choice.options if each in scenario.event and scenario.event[each].date]
            taken = " (history)" if option in (dated or [NOTHING]) else ""
            yield f"  {share:6.1%}  {option}{taken}", ""
    for head, entries in (
        ("Questions", {name: question.text or "" for name, question in scenario.questions.items()}),
        ("What if", {name: change.text or "" for name, change in scenario.what_if.items()}),
        ("Sources", scenario.sources),
    ):
        if entries:
            yield "", ""
            yield head, "bold"
            for name, text in entries.items():
                yield from _wrapped(f"  {name}: {text}".removesuffix(": "), width)
    if scenario.limits:
        yield "", ""
        yield "What this model cannot tell", "bold"
        for limit in scenario.limits:
            yield from _wrapped(f"  - {limit}", width, indent=4)
    yield "", ""
    yield from _wrapped(_ASSUMED, width, style="dim")


def _assumed(scenario: Scenario, event: Event) -> str:
    """Say what an event follows and what is assumed of it in a variant."""
    told = []
    if (choice := scenario.choice_of.get(event.id)) is not None:
        told.append(f"an option of {choice}")
    elif event.follows is not None:
        told.append("after " + (" and " if event.follows.all else " or ").join(event.follows.causes))
    if event.while_:
        told.append("while " + ", ".join(f"{mission} is {' or '.join(names)}" for mission, names in event.while_.items()))
    if event.unless:
        told.append("unless " + " or ".join(event.unless))
    if event.probability is not None:
        told.append(f"p = {event.probability:g}")
    if event.delay is not None:
        told.append(f"takes {_delay(event.delay)}")
    if event.repeats:
        told.append("may repeat")
    if event.basis:
        told.append(event.basis)
    return "; " + "; ".join(told) if told else ""


def _delay(delay: Delay) -> str:
    name, law = delay.one()
    if isinstance(law, Span):
        return str(law)
    return f"{name} ({', '.join(f'{key} {value}' for key, value in law.given.items())})"


def ladder(scenario: Scenario, width: int) -> Iterator[Line]:
    """Draw the ladder as text: every status with what it means and where each trigger leads from it."""
    steps = scenario.ladder
    yield f"Ladder {scenario.ladder_ if isinstance(scenario.ladder_, str) else ''}".rstrip() + ", mildest first", "bold"
    for status in steps.statuses:
        yield from _wrapped(f"  {status}: {steps.meaning(status)}".removesuffix(": "), width)
        for trigger in steps.admitted(status):
            moved = {"own": "", "theirs": " (moves the target's mission)", "both": " (moves both missions)"}[steps.side(trigger)]
            yield f"      {trigger} -> {steps.triggers[trigger][status]}{moved}", "dim"


def ensemble(ensemble: Ensemble, *, width: int = 100, daily: bool = False, exact: dict[str, dict[str, list[float]]] | None = None) -> Iterator[Line]:
    """Tell what became of the missions and the events in the variants of a scenario.

    Parameters
    ----------
    ensemble : Ensemble
    width : int
        Columns of the terminal.
    daily : bool
        Give every day instead of about a dozen.
    exact : dict, optional
        Exact shares by unit, status and day, where there are any.

    Yields
    ------
    (str, str)
        A line and its style.
    """
    scenario, n, width = ensemble.scenario, ensemble.n, min(max(width, NARROWEST), WIDEST)
    widest = wilson(n // 2, n)
    within = (
        f"within {100 * max(widest.high - widest.estimate, widest.estimate - widest.low):.2g} points (95 %, Wilson) of what more variants would show"
    )
    yield from _wrapped(f"{scenario.title}: {n:,} variant{'s' * (n > 1)}, seed {ensemble.seed}", width, indent=0, style="bold")
    beside = "; in brackets the exact shares." if exact else "."
    yield from _wrapped(f"Shares in per cent of the variants, each {within}{beside}", width, indent=0, style="dim")
    shares = {}
    for unit, counts in zip(ensemble.units, ensemble.counts, strict=True):
        known = exact[unit] if exact else {}
        shares[unit] = {
            status: [_percent(count / n) + (f" ({100 * known[status][day]:.2f})" if exact else "") for day, count in enumerate(counts[rank].tolist())]
            for status, rank in scenario.ladder.severity.items()
            if counts[rank].any()
        }
    yield from _occupancy(scenario, shares, width, daily)
    yield "", ""
    yield "What became of each event", "bold"
    rows = []
    for event in scenario.events:
        happened, *others = ensemble.fate(event.id).values()
        called = sum(int(count) for count in ensemble.fates[:, scenario.order[event.id]])
        interval = f"{_percent(happened.estimate)} ({100 * happened.low:.1f} to {100 * happened.high:.1f})"
        rows.append((event.id, interval, *(_percent(each.estimate) for each in others), _percent(1 - called / n)))
    yield from table(["event", "happened (95 %)", "chance said no", "cancelled", "moot", "still to come", "never called"], rows, right=True)
    yield "", ""
    told = "cancelled: its gate shut or another event barred it. moot: no mission admitted it. still to come: its date lay beyond the period."
    yield from _wrapped(f"{told} never called: what leads to it did not happen, or another option was taken.", width, indent=0, style="dim")
    yield from _wrapped(_ASSUMED, width, indent=0, style="dim")


def exact(scenario: Scenario, solved: dict[str, Any], *, width: int = 100, daily: bool = False) -> Iterator[Line]:
    """Tell the exact solution of a scenario; `solved` is what `Exact.to_dict` gives."""
    width = min(max(width, NARROWEST), WIDEST)
    yield from _wrapped(f"{scenario.title}: solved exactly, a Markov chain of {solved['states']:,} states", width, indent=0, style="bold")
    yield from _wrapped("Probabilities in per cent.", width, indent=0, style="dim")
    shares = {
        unit: {status: [f"{100 * share:.3f}" for share in daily] for status, daily in held.items() if max(daily) > 0}
        for unit, held in solved["occupancy"].items()
    }
    yield from _occupancy(scenario, shares, width, daily)
    rows = []
    for unit, passages in solved["first_passage"].items():
        for status, reached in passages.items():
            if reached[-1] > 0:
                half = next((day for day, share in zip(solved["days"], reached, strict=True) if share >= 0.5), "-")
                rows.append((unit, status, f"{solved['time'][unit][status]:.3f}", f"{100 * reached[-1]:.3f}", half))
    yield "", ""
    yield from table(["over the whole period", "status", "days spent in it", "reached (%)", "in half of the worlds by"], rows)
    yield "", ""
    yield f"Probability that nothing more can happen by the end: {100 * solved['absorbed'][-1]:.3f} %", ""
    yield from _wrapped(_ASSUMED, width, indent=0, style="dim")


_ASSUMED = "Probabilities and delays are the file's assumptions, not history's."


def _percent(share: float) -> str:
    """Give a share in per cent; a dash for none, so that what is rare is not taken for what is not there."""
    if share < 1e-12:
        return "-"
    return f"{100 * share:.1f}" if share >= 0.0005 else "<0.1"


def _occupancy(scenario: Scenario, shares: dict[str, dict[str, list[str]]], width: int, daily: bool) -> Iterator[Line]:
    """Lay out where each mission and pair stands day by day: a column for each status, or lines where that is too wide."""
    days = list(scenario.period.days())
    shown = sorted({*range(len(days) - 1, -1, -(1 if daily else -(-len(days) // 12))), 0})
    for unit, held in shares.items():
        yield "", ""
        yield f"{unit}  {spoken(scenario, unit) if unit in scenario.initial else 'the more severe of the two'}, at the end of the day", "bold"
        rows = [(days[day].isoformat(), *(column[day] for column in held.values())) for day in shown]
        lines = list(table(["day", *held], rows, right=True))
        if max(len(text) for text, _ in lines) <= width:
            yield from lines
            continue
        for date, *cells in rows:
            told = ", ".join(f"{status} {share}" for status, share in zip(held, cells, strict=True) if not share.startswith("-"))
            yield from _wrapped(f"{date}  {told}", width, indent=12)


def to_csv(trajectory: Trajectory) -> str:
    """Give the steps as CSV, a row for each mission moved and one for each step that moved none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "time", "dated", "event", "actor", "action", "target", "mission", "from", "to", "reason", "source"])
    for step, said in zip(trajectory.steps, trajectory.to_dict()["steps"], strict=True):
        parties = [" ".join(said[name]) for name in ("actor", "action", "target")]
        for moved in said["moved"] or [{"mission": "", "from": "", "to": ""}]:
            row = [
                said["date"],
                said["time"] or "",
                said["dated"] or "",
                step.event,
                *parties,
                moved["mission"],
                moved["from"],
                moved["to"],
                said["reason"],
                said["source"] or "",
            ]
            writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """Give a cell on one line, and keep a spreadsheet from taking text for a formula."""
    cell = " ".join(cell.split())
    return "'" + cell if cell.startswith(("=", "+", "-", "@")) else cell

"""Scenarios and trajectories as text for a terminal: what happened, what it moved, and why."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date as Day
from typing import TYPE_CHECKING, Any

from escsim import base_rates, files
from escsim.captions import headline, mission_name, words
from escsim.delays import Delay
from escsim.errors import plain, series
from escsim.explain import HISTORY, SAMPLE, Reasons, causes, open_on, steps_on
from escsim.intervals import wilson
from escsim.phrases import answered, bounded, briefly, compared, effected, exactly, in_history, percent, shared
from escsim.scenario import NOTHING, Background, Event, Scenario
from escsim.times import Span
from escsim.trajectory import Move, Step, Trajectory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from escsim.effects import Comparison
    from escsim.ensemble import Ensemble
    from escsim.expectations import Verdict
    from escsim.forecasts import Record
    from escsim.intervals import Estimate
    from escsim.questions import Answer
    from escsim.selfcheck import Checked
    from escsim.sensitivity import Bounds, Sensitivity, Sweep

Style = str  # "", "bold", "dim", "worse" or "better": the command line turns it into colour
Line = tuple[str, Style]

_QUOTES = str.maketrans("‘’", "''")
_SIGNS = {"worse": "▼", "better": "▲", "same": "=", "reported": "●", "added": "○", "apart": "·"}
_ASCII = {"worse": "v", "better": "^", "same": "=", "reported": "*", "added": "o", "apart": "-"}
_SLIGHT, _SMALL = 0.01, 0.05  # of a variance, and of the largest swing: less is not told one by one
_LIKELIHOOD = (
    "Log-likelihoods are exact, in natural units: of a choice, a chance and a delay that ends on that day, given when the event was called. "
    "They compare two codings of one crisis. A gap without a delay of its own has history's as its mean, so its step is likelier than one foretold."
)
_ASSUMED = "Probabilities and delays are the file's assumptions, not history's."


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
    yield from _title(scenario, width, summary=until is None)  # neither may tell the end before it is told
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


def _title(scenario: Scenario, width: int, *, summary: bool = True) -> Iterator[Line]:
    yield from _wrapped(scenario.title, width, indent=0, style="bold")
    if summary:
        yield from _wrapped(scenario.summary or "", width, indent=0)
    yield "", ""
    for mission in scenario.missions:
        yield f"  {mission}  {_spoken(scenario, mission)}", ""


def _spoken(scenario: Scenario, mission: str) -> str:
    return mission_name(scenario, mission).translate(_QUOTES)


def _step(trajectory: Trajectory, step: Step, width: int, why: bool, signs: dict[str, str]) -> Iterator[Line]:
    scenario, event = trajectory.scenario, trajectory.event(step)
    sign = signs["reported" if scenario.reported(event) else "added"]
    sampled = trajectory.draws != HISTORY  # there every time is as good as another
    clock = f"{trajectory.moment(step):%H:%M} " if sampled or (event.date and ":" in event.date.text) else ""
    known = "" if sampled or event.date is None or event.date.exact else f" (dated {event.date})"
    caused = event.id if step.caller == "start" else f"{event.id}, after {step.caller}"
    yield from _wrapped(f"  {sign} {clock}{_who(event)}: {_said(event)}{known} [{caused}{_cited(event)}]", width, indent=4)
    for move in step.moves:
        change = _direction(scenario, move)
        yield from _wrapped(f"      {signs[change]} {move.mission}  {move.source} -> {move.dest}  ({move.trigger})", width, indent=8, style=change)
    if why:
        meant = [scenario.ladder.meaning(trigger) for trigger in dict.fromkeys(move.trigger for move in step.moves)]
        yield from _wrapped(f"      Why: {' '.join([step.reason, *meant])}", width, indent=8, style="dim")
        if event.disputed:
            yield from _wrapped(f"      Not settled: {event.disputed}", width, indent=8, style="dim")


def _who(event: Event | Background) -> str:
    return " + ".join(event.actor) + (f" to {' + '.join(event.target)}" if event.target else "")


def _cited(event: Event | Background) -> str:
    return "; " + ", ".join(event.cite) if event.cite else ""


def _said(event: Event) -> str:
    return event.text or ", ".join(event.action).replace("_", " ")


def _direction(scenario: Scenario, move: Move) -> Style:
    severity = scenario.ladder.severity
    change = severity[move.dest] - severity[move.source]
    return "worse" if change > 0 else "better" if change < 0 else "same"


def why(trajectory: Trajectory, day: Day | None = None, *, width: int = 100) -> Iterator[Line]:
    """Tell what happened on a day and why, and what was open at its end but did not come about; without a day all of it.

    Of a variant it says what is done, not what history's sources tell of that day.

    Parameters
    ----------
    trajectory : Trajectory
    day : datetime.date, optional
    width : int
        Columns of the terminal.

    Yields
    ------
    (str, str)
        A line and its style.
    """
    scenario = trajectory.scenario
    past = trajectory.draws == HISTORY
    run = "history" if past else f"one possible run ({trajectory.draws})"
    when = "" if day is None else f", {day:%a} {day.day} {day:%b %Y}"
    yield from _wrapped(f"{scenario.title}{when}: {run}", width, indent=0, style="bold")
    steps = trajectory.steps if day is None else steps_on(trajectory, day)
    for step in steps:
        event, moment = trajectory.event(step), trajectory.moment(step)
        clock = f"{moment:%Y-%m-%d} " * (day is None) + f"{moment:%H:%M} " * (not past)
        done = _said(event) if past else f"{_who(event)}, {words(series(event.action))}"
        yield "", ""
        yield from _wrapped(f"{clock}{step.event}: {done}", width, indent=2)
        yield from _wrapped(f"  {causes(trajectory, step)}", width, indent=2)
        meant = [scenario.ladder.meaning(trigger) for trigger in dict.fromkeys(move.trigger for move in step.moves)]
        yield from _wrapped(f"  {' '.join([step.reason, *meant])}", width, indent=2, style="dim")
    if not steps:
        yield "Nothing happened.", ""
    if day is None:
        yield "", ""
        yield "What did not happen", "bold"
        for name, fate in trajectory.fates.items():
            yield from _wrapped(f"  {name}: {fate}", width, indent=6)
    elif opened := open_on(trajectory, day):
        yield "", ""
        yield "Called, and not come about by the end of the day", "bold"
        for name, _, reason in opened:
            yield from _wrapped(f"  {name}: {reason}", width, indent=6)


def statuses(trajectory: Trajectory, width: int, *, until: Day | None = None) -> Iterator[Line]:
    """Give a table of the missions' statuses, a row for each day on which one changed."""
    if not trajectory.scenario.missions:
        yield "No event moves a mission.", "dim"
        return
    rows, previous = [], dict[str, str]()
    for day, held in trajectory.days().items():
        if held != previous and (until is None or day <= until):
            rows.append((day.isoformat(), *("" if previous.get(mission) == status else status for mission, status in held.items())))
            previous = held
    yield from _fitted(["from", *trajectory.scenario.missions], rows, width)
    yield "(what is left out is as before)", "dim"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: bool = False) -> Iterator[Line]:
    """Lay out a table in columns as wide as their widest cell; all but the first may be numbers, set to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row, style in [(head, "bold"), *((row, "") for row in rows)]:
        cells = [cell.rjust(size) if right and place else cell.ljust(size) for place, (cell, size) in enumerate(zip(row, widths, strict=True))]
        yield "  ".join(cells).rstrip(), style


def _fitted(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, right: bool = False) -> Iterator[Line]:
    """Lay out a table, or where it is too wide its rows as text, without the cells that are empty."""
    lines = list(table(head, rows, right=right))
    if max(len(text) for text, _ in lines) <= width:
        yield from lines
        return
    for first, *cells in rows:
        told = ", ".join(f"{name} {cell}" for name, cell in zip(head[1:], cells, strict=True) if cell and cell[0] != "-")
        yield from _wrapped(f"{first}: {told}", width, indent=12)


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    """Lay out a table whose last column is text: it is wrapped to fit the terminal."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)][:-1]
    for row, style in [(head, "bold"), *((row, "") for row in rows)]:
        start = "".join(cell.ljust(size) + "  " for cell, size in zip(row, widths, strict=False))
        for line in textwrap.wrap(row[-1], width, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False) or [start]:
            yield line, style


def _legend(scenario: Scenario, signs: dict[str, str], width: int) -> Iterator[Line]:
    if scenario.report is not None:
        filled, hollow = f"stated in the report [{scenario.report}] {scenario.sources[scenario.report]}", "added from other sources"
    else:
        filled, hollow = "known with high confidence, or none is stated", "with less"
    lines = [
        f"{signs['reported']} {filled}; {signs['added']} {hollow}.",
        "In brackets: the event, what led to it, and the sources (`escsim show` names them).",
        f"{signs['apart']} background, told but not replayed." if scenario.background else "",
        f"{signs['worse']} a mission moved for the worse, {signs['better']} for the better. All times are UTC.",
    ]
    for line in lines:
        yield from _wrapped(line, width, indent=2, style="dim")


def _wrapped(text: str, width: int, *, indent: int = 6, style: Style = "") -> Iterator[Line]:
    """Wrap a text from a file, made safe to print; its own line breaks do not count, its first indent does."""
    margin = text[: len(text) - len(text.lstrip(" "))]
    safe = plain(" ".join(text.split()), 4000)
    for line in textwrap.wrap(safe, width, initial_indent=margin, subsequent_indent=" " * indent, break_on_hyphens=False):
        yield line, style


def show(scenario: Scenario, *, width: int = 100) -> Iterator[Line]:
    """Describe a scenario: its missions, ladder, events, choices, assumptions and limits."""
    yield from _title(scenario, width)
    yield "", ""
    yield from _ladder(scenario, width)
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
    given = {key: " or ".join(map(str, value)) if isinstance(value, tuple) else value for key, value in law.stated.items()}
    numbers = ", ".join(f"{key} {value}" for key, value in given.items())
    if delay.rates is None:
        return f"{name} ({numbers})"
    return f"the base rate {delay.rates}, {base_rates.shipped()[delay.rates].told}: {numbers}"


def _ladder(scenario: Scenario, width: int) -> Iterator[Line]:
    """Draw the ladder as text: every status with what it means and where each trigger leads from it."""
    steps = scenario.ladder
    yield f"Ladder {scenario.ladder_ if isinstance(scenario.ladder_, str) else ''}".rstrip() + ", mildest first", "bold"
    for status in steps.statuses:
        yield from _wrapped(f"  {status}: {steps.meaning(status)}".removesuffix(": "), width)
        for trigger in steps.admitted(status):
            moved = {"own": "", "theirs": " (moves the target's mission)", "both": " (moves both missions)"}[steps.side(trigger)]
            yield f"      {trigger} -> {steps.triggers[trigger][status]}{moved}", "dim"


def ensemble(ensemble: Ensemble, *, width: int = 100, daily: bool = False, exact: NDArray[np.float64] | None = None) -> Iterator[Line]:
    """Tell what became of the missions and the events in the variants of a scenario.

    Parameters
    ----------
    ensemble : Ensemble
    width : int
        Columns of the terminal.
    daily : bool
        Give every day instead of about a dozen.
    exact : float64, shape (units, statuses, days), optional
        Exact shares, where there are any.

    Yields
    ------
    (str, str)
        A line and its style.
    """
    scenario, n = ensemble.scenario, ensemble.n
    widest = wilson(n // 2, n)
    points = 100 * max(widest.high - widest.estimate, widest.estimate - widest.low)
    wanted = f" of {ensemble.wanted:,} asked for" if n < ensemble.wanted else ""
    yield from _wrapped(f"{scenario.title}: {n:,} variant{'s' * (n > 1)}{wanted}, seed {ensemble.seed}", width, indent=0, style="bold")
    yield from _conditions(ensemble, width)
    within = f"within {points:.2g} points (95 %, Wilson) of what more variants would show"
    beside = "." if exact is None else "; in brackets the exact shares."
    yield from _wrapped(f"Shares in per cent of the variants, each {within}{beside}", width, indent=0, style="dim")
    shares: dict[str, dict[str, list[str]]] = {}
    for unit, name in enumerate(ensemble.units):
        shares[name] = {}
        for rank, status in enumerate(scenario.ladder.statuses):
            counts = ensemble.counts[unit, rank].tolist()
            if any(counts):
                shares[name][status] = [percent(count / n) for count in counts]
                if exact is not None:
                    pairs = zip(shares[name][status], exact[unit, rank].tolist(), strict=True)
                    shares[name][status] = [f"{sampled} ({100 * known:.2f})" for sampled, known in pairs]
    yield from _occupancy(scenario, shares, width, daily)
    yield "", ""
    yield "What became of each event", "bold"
    rows = []
    for event in scenario.events:
        happened, *others = ensemble.fate(event.id).values()
        called = sum(int(count) for count in ensemble.fates[:, scenario.order[event.id]])
        interval = f"{percent(happened.estimate)} ({bounded(happened.low)} to {bounded(happened.high)})"
        rows.append((event.id, interval, *(percent(each.estimate) for each in others), percent(1 - called / n)))
    yield from _fitted(["event", "happened (95 %)", "chance", "cancelled", "moot", "to come", "not called"], rows, width, right=True)
    yield "", ""
    for line in (
        "chance: it said no when the event was last called with its gate open. cancelled: its gate was not open, or another event barred it.",
        "moot: no mission admitted it. to come: its date lay beyond the period.",
        "not called: what leads to it did not happen, or another option was taken.",
    ):
        yield from _wrapped(line, width, indent=0, style="dim")
    yield from _wrapped(_ASSUMED, width, indent=0, style="dim")


def reasons(ensemble: Ensemble, found: Reasons, *, width: int = 100) -> Iterator[Line]:
    """Tell through what events were cancelled, or what made them moot, in the variants that were looked at one by one; nothing if none were."""
    if not found:
        return
    many = min(SAMPLE, ensemble.n)
    yield "", ""
    yield f"Why what was called did not happen, in variants 0 to {many - 1}", "bold"
    rows = []
    for event, counts in found.items():
        if counts:
            told = [f"{'moot: ' * (fate == 'moot')}{cause} {shared(wilson(count, many))}" for (fate, cause), count in counts.most_common(4)]
            rest = len(counts) - len(told)
            rows.append((event, "; ".join(told) + f"; {rest} other causes" * (rest > 0)))
    yield from columns(["event", "because (share of these variants, 95 %)"], rows or [("-", "none was cancelled or moot")], width)


def _conditions(ensemble: Ensemble, width: int) -> Iterator[Line]:
    """Say from which day and under which change variants run, if they do."""
    if ensemble.given is not None:
        known = f"; known in advance: {', '.join(ensemble.given.known)}" if ensemble.given.known else ""
        yield from _wrapped(f"A forecast from the morning of {ensemble.given.day}: what history dates before is given{known}.", width, indent=0)
    if ensemble.intervention is not None:
        said = ensemble.intervention.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"text"})
        yield from _wrapped(f"What if: {'; '.join(f'{key} {_flat(value)}' for key, value in said.items())}.", width, indent=0)


def _flat(value: Any) -> str:
    """Write plain data on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {f'{{{_flat(each)}}}' if isinstance(each, dict) else each}" for key, each in value.items())
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def answers(scenario: Scenario, told: dict[str, Answer], *, width: int = 100) -> Iterator[Line]:
    """Tell the answers to questions, history beside the variants; nothing if there are none."""
    if not told:
        return
    yield "", ""
    yield "Questions", "bold"
    rows = [(name, in_history(each), answered(each, scenario.questions[name]) + exactly(each)) for name, each in told.items()]
    yield from columns(["question", "history", "variants (95 % interval; medians and quartiles to the hour)"], rows, width)
    yield "", ""
    for name, question in scenario.questions.items():
        if question.text:
            yield from _wrapped(f"{name}: {question.text}", width, indent=2, style="dim")


def forecasts(record: Record, *, width: int = 100) -> Iterator[Line]:
    """Tell how answers moved as news came in, and how expected history was.

    Parameters
    ----------
    record : Record
    width : int
        Columns of the terminal.

    Yields
    ------
    (str, str)
        A line and its style.
    """
    scenario, n = record.scenario, record.n
    yield from _wrapped(f"{scenario.title}: forecasts from one morning after another", width, indent=0, style="bold")
    many = f"{n:,} variant{'s' * (n > 1)} from each morning, seed {record.seed}; what history dates before it is given"
    yield from _wrapped(f"{many}. In brackets 95 % intervals.", width, indent=0, style="dim")
    for name in record.forecasts[0].answers:
        question = scenario.questions[name]
        yield "", ""
        yield from _wrapped(f"{name}: {question.text or ''}".removesuffix(": "), width, indent=2, style="bold")
        rows = [(each.day.isoformat(), briefly(each.answers[name]), ", ".join(each.news) or "-") for each in record.forecasts]
        yield from columns(["morning of", "answer", "news since the one before"], rows, width)
        yield from _wrapped(f"history: {in_history(record.forecasts[-1].answers[name])}", width, indent=0)
    yield "", ""
    yield "Surprise", "bold"
    told = []
    for day, event, share, likelihood in record.surprises:
        said = "known in advance" if share is None else shared(share)
        told.append((day.isoformat(), event, said, f"{math.log(likelihood):.2f}" if likelihood else "impossible"))
    yield from table(["date", "event", "forecast that morning for that day (95 %)", "log-likelihood"], told)
    yield "", ""
    quiet = math.log(record.quiet) if record.quiet else -math.inf
    total = f"Log-likelihood of the whole history by this file: {record.log_likelihood:.2f}"
    yield from _wrapped(f"{total}, of which {quiet:.2f} for what might have happened and did not.", width, indent=0)
    yield from _wrapped(_LIKELIHOOD, width, indent=0, style="dim")
    yield from _wrapped(_ASSUMED, width, indent=0, style="dim")


def comparison(told: Comparison, name: str | None = None, *, run: int | None = None, width: int = 100) -> Iterator[Line]:
    """Tell what a change does, and where a world parts from its twin.

    Parameters
    ----------
    told : Comparison
    name : str, optional
        What the change is called in the file.
    run : int, optional
        A world to be looked at.
    width : int
        Columns of the terminal.

    Yields
    ------
    (str, str)
        A line and its style.
    """
    scenario, n, change = told.base.scenario, told.base.n, told.changed.intervention
    text = change.text if change is not None and change.text else ""
    other, heads = told.changed.scenario, ("as it is", "what if")
    if change is not None:
        title = f"{scenario.title}. What if: {': '.join(filter(None, (name, text))) or 'as stated'}"
    else:
        title, heads = f"{scenario.name} ({scenario.title}) beside {other.name} ({other.title})", (scenario.name, other.name)
    yield from _wrapped(title, width, indent=0, style="bold")
    many = f"{n:,} variant{'s' * (n > 1)} and their twins on the same chances, seed {told.base.seed}"
    yield from _wrapped(f"{many}; {told.differ:,} differ from their twin, {shared(wilson(told.differ, n))}.", width, indent=0, style="dim")
    yield from _conditions(told.base, width)
    yield "", ""
    rows = []
    for question, each in told.effects.items():
        if each.kind != "peak" or each.base or each.changed:
            rows.append((question, *compared(each), effected(each)))
    if rows:
        yield from columns(["question", *heads, "effect (95 % interval, paired)"], rows, width)
    else:
        asks = "The file asks no `questions`" if told.same else "The two files ask no `questions` of one name and kind"
        yield from _wrapped(f"{asks}, so no more can be said.", width, indent=0)
    gains = sorted(each.gain for each in told.effects.values() if each.gain is not None)
    yield "", ""
    if gains:
        middle = gains[len(gains) // 2]
        many = f"{middle:.1f} times as many variants for such intervals"
        yield from _wrapped(f"Without pairing it would take {many} (the middle one of all questions).", width, indent=0, style="dim")
    if any(each.unit == "days" for each in told.effects.values()):
        until = "until it comes about, or until the period ends in one of the two worlds; where it can be asked in both"
        yield from _wrapped(f"Times are means. Of a time to something: of what passes {until}.", width, indent=0, style="dim")
    yield from _wrapped(_ASSUMED, width, indent=0, style="dim")
    if run is not None:
        yield "", ""
        yield from _parting(told, run, heads, width)


def codings(told: dict[str, float], *, width: int = 100) -> Iterator[Line]:
    """Tell how likely each of some codings makes its history."""
    yield "", ""
    for name, value in told.items():
        yield f"Log-likelihood of history by {name}: {value:.2f}", ""
    yield from _wrapped("Exact, natural units, by the day; to compare codings that tell the same events.", width, indent=0, style="dim")


def sweep(told: Sweep, *, width: int = 100) -> Iterator[Line]:
    """Tell how the answers move along a parameter: a row for each value, the file's own among them."""
    scenario, known = told.scenario, told.parameter
    points = {told.value(point): point for point in (*told.points, told.base)}
    first, last = (known.told(end) for end in (min(points), max(points)))
    yield from _wrapped(f"{scenario.title}. {known.name} from {first} to {last}", width, indent=0, style="bold")
    exactly = " Exact values after =." if any(each.exact is not None for each in told.base.answers.values()) else ""
    many = f"{told.n:,} variant{'s' * (told.n > 1)} at each value, on the same chances, seed {told.seed}"
    yield from _wrapped(f"{many}; * is what the file says. In brackets the 95 % interval; times are medians.{exactly}", width, indent=0, style="dim")
    cells, still = dict[str, list[str]](), list[str]()
    for name, base in told.base.answers.items():
        for label in base.numbers(name):
            found = [(point.answers[name].numbers(name).get(label), point.answers[name].exact) for _, point in sorted(points.items())]
            if all(each == found[0] for each in found):
                still.append(f"{label} {_number(*found[0][:1], base.unit, found[0][1])}")
            else:
                cells[label] = [_number(each, base.unit, exact) for each, exact in found]
    values = [known.told(value) + "*" * (value == told.value(told.base)) for value in sorted(points)]
    size = max(map(len, [known.name, *values]))
    room, blocks = 0, list[list[str]]()
    for label, column in cells.items():
        wide = 2 + max(map(len, [label, *column]))
        if wide > room:
            room = width - size
            blocks.append([])
        room -= wide
        blocks[-1].append(label)
    for block in blocks:
        yield "", ""
        yield from table([known.name, *block], list(zip(values, *map(cells.__getitem__, block), strict=True)), right=True)
    if still:
        yield "", ""
        yield from _wrapped(f"The same at every value: {', '.join(still)}.", width, indent=2)


def bounds(scenario: Scenario, found: dict[str, Bounds], *, width: int = 100) -> Iterator[Line]:
    """Tell between what the answers lie over the stated ranges; nothing if that was not asked."""
    if not found:
        return
    yield "", ""
    yield "Bounds over the stated ranges", "bold"
    rows = []
    for label, each in found.items():
        if each.high.estimate:
            rows.append((label, _number(each.base, each.unit), f"{_number(each.low, each.unit)} and {_number(each.high, each.unit)}"))
    yield from columns(["question", "as the file has it", "between"], rows, width)
    for each in list(found.values())[:1]:
        yield from _wrapped(_looked_for(each, scenario), width, indent=0, style="dim")


def _looked_for(found: Bounds, scenario: Scenario) -> str:
    from escsim.ranges import ranges, scaled  # with NumPy, which only this needs

    where = f"The smallest and the largest found at {found.points:,} points within the ranges of {len(ranges(scenario))} numbers"
    told = f"{where}, each from {found.runs:,} variants, with its 95 % sampling interval. What was not looked at may lie beyond."
    choices = scaled(scenario, ranges(scenario))
    return told + f" In {' and '.join(choices)}, shares that are more than 1 together are scaled to 1." * bool(choices)


def sensitivity(told: Sensitivity, *, width: int = 100) -> Iterator[Line]:
    """Tell which ranges matter to an answer: one at a time, and all together."""
    scenario, question = told.scenario, told.scenario.questions[told.question]
    yield from _wrapped(f"{scenario.title}. What moves the answer to {told.question}", width, indent=0, style="bold")
    yield from _wrapped(question.text or "", width, indent=0)
    mean = "" if told.unit == "share" else "mean "
    many = f"{told.n:,} variant{'s' * (told.n > 1)}, seed {told.seed}"
    yield from _wrapped(
        f"As the file has it: {mean}{_number(told.base.measure, told.unit)}; history: {in_history(told.base.answers[told.question])}.",
        width,
        indent=0,
    )
    yield "", ""
    yield "One range at a time, all else as in the file; the largest swing first", "bold"
    rows, clear = [], [each for each in told.swings if each.size > _SMALL * told.swings[0].size]
    for each in clear:
        for name, point in ((each.parameter.name, each.low), ("", each.high)):
            moved = "-" if point.effect is None else effected(point.effect, brief=True)
            rows.append((name, each.parameter.told(point.values[each.parameter.name]), mean + _number(point.measure, told.unit), moved))
    unit = {"share": "points", "days": "days", "times": "times"}[told.unit]
    yield from table(["number", "at", "answer (95 %)", f"{unit} from the file's (95 %, paired)"], rows)
    if rest := told.swings[len(clear) :]:
        most = {"share": f"{100 * rest[0].size:.1f}", "days": f"{rest[0].size:.1f}", "times": f"{rest[0].size:.2f}"}[told.unit]
        names = ", ".join(each.parameter.name for each in rest)
        yield from _wrapped(f"The others move it by {most} {unit} at most: {names}.", width, indent=2)
    yield from _wrapped(f"{many}; at every end the same chances.", width, indent=0, style="dim")
    if told.points:
        yield "", ""
        yield "All ranges together: what share of the answer's variance each makes (Sobol, 95 %)", "bold"
        heavy = [each for each in told.indices if each.total >= _SLIGHT]
        both = [(each.parameter.name, *(f"{share:.2f} ±{half:.2f}" for share, half in (each[1:3], each[3:5]))) for each in heavy]
        yield from table(["number", "alone", "with others"], both)
        if len(heavy) < len(told.swings):
            yield from _wrapped(f"The rest ({len(told.swings) - len(heavy)}) make less than {_SLIGHT:.2f} with others.", width, indent=2)
        where = f"{told.points:,} points within the ranges, every value as likely as any other"
        how = "Estimates by SALib, which may come out a little below 0 or above 1; ± is its 95 %."
        yield from _wrapped(f"{where}; {told.runs:,} variants at each, on the same chances. {how}", width, indent=0, style="dim")
    yield "", ""
    ends = " and ".join(_number(each, told.unit) for each in (told.bounds.low, told.bounds.high))
    yield from _wrapped(f"Between {ends}{', medians,' * (told.unit == 'days')} over the stated ranges.", width, indent=0, style="bold")
    yield from _wrapped(_looked_for(told.bounds, scenario), width, indent=0, style="dim")
    yield from _wrapped(_ASSUMED, width, indent=0, style="dim")


def _number(told: Estimate | None, unit: str, exact: float | None = None) -> str:
    """Give a number with its interval, and exactly where that is known."""
    if told is None:
        return "not asked"

    def form(value: float) -> str:
        if value == math.inf:
            return "beyond"
        return {"share": bounded(value), "days": f"{value:.1f}", "times": f"{value:.2f}"}[unit]

    if told.low == math.inf:
        return "beyond the period"
    middle, low, high = map(form, told)
    sign = {"share": " %", "days": " days", "times": ""}[unit] * (told.estimate != math.inf)
    exactly = "" if exact is None or unit != "share" else f" ={100 * exact:.2f}"
    return f"{middle}{sign} ({low} to {high}){exactly}"


def _parting(told: Comparison, run: int, heads: tuple[str, str], width: int) -> Iterator[Line]:
    steps = told.parting(run)
    yield f"Variant {run}", "bold"
    if steps == (None, None):
        yield "and its twin are the same to the end.", ""
        return
    scenario = told.base.scenario
    for who, step in zip(heads, steps, strict=True):
        if step is None:
            yield from _wrapped(f"  {who}: nothing more happens", width, indent=12)
            continue
        moved = "".join(f"; {move.mission} from {move.source} to {move.dest}" for move in step.moves)
        yield from _wrapped(f"  {who}: {scenario.period.moment(step.tick):%Y-%m-%d %H:%M}  {step.event}{moved}. {step.reason}", width, indent=12)


def exact(scenario: Scenario, solved: dict[str, Any], *, width: int = 100, daily: bool = False) -> Iterator[Line]:
    """Tell the exact solution of a scenario; `solved` is what `Exact.to_dict` gives."""
    yield from _wrapped(
        f"{scenario.title}: solved exactly, a Markov chain of {solved['states']:,} state{'s' * (solved['states'] != 1)}",
        width,
        indent=0,
        style="bold",
    )
    yield "Probabilities in per cent.", "dim"
    shares = {
        unit: {status: [f"{100 * share:.3f}" for share in by_day] for status, by_day in held.items() if max(by_day) > 0}
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


def _occupancy(scenario: Scenario, shares: dict[str, dict[str, list[str]]], width: int, daily: bool) -> Iterator[Line]:
    """Lay out where each mission and pair stands at the end of each day, or of about a dozen."""
    days = list(scenario.period.days())
    step = 1 if daily else -(-len(days) // 12)
    shown = sorted({0, *range(len(days) - 1, -1, -step)})
    for unit, held in shares.items():
        name = _spoken(scenario, unit) if unit in scenario.initial else "the more severe of the two"
        yield "", ""
        yield f"{unit}  {name}, at the end of the day", "bold"
        yield from _fitted(["day", *held], [(days[day].isoformat(), *(cells[day] for cells in held.values())) for day in shown], width, right=True)


def to_csv(trajectory: Trajectory) -> str:
    """Give the steps as CSV, a row for each mission moved and one for each step that moved none."""
    return files.as_csv(trajectory.rows()).decode()


def verdict(found: Verdict) -> str:
    """Say what became of an expectation, and on what that rests."""
    if found.share is None:
        by = f"{found.exact:.9g} exactly"
    else:
        low, high = (f"{100 * each:.1f}" for each in (found.share.low, found.share.high))
        when = "all that there were to be" if found.says == "undecided" else "when the sequential test stopped"
        by = f"{100 * found.share.estimate:.1f} % ({low} to {high}) of {found.n:,} variants, {when}"
    return f"{found.question} {found.expect}: {found.says}; {by}"


def selfcheck(found: Checked, seconds: float, *, width: int = 100) -> Iterator[Line]:
    """Tell published answers beside escsim's own, where they are from, and how many agree."""
    rows = []
    for row in found.rows:
        sampled = f"{row.sampled.estimate:.4f} ({row.sampled.low:.4f} to {row.sampled.high:.4f})"
        solved = "-" if row.exact is None else f"{row.exact:.8f}"
        rows.append((row.model, row.question, f"{row.published:.8f}", solved, sampled, "yes" if row.agrees else "NO"))
    for text, style in _fitted(["model", "question", "published", "exact", "sampled (95 %)", "agrees"], rows, width):
        yield text, "worse" if text.endswith("NO") else style
    yield "", ""
    yield from columns(["model", "source of what is published"], list(found.sources.items()), width)
    yield "", ""
    rule = (
        f"Exact: within one part in {1 / found.close:,.0f} of what is published. Sampled: {found.n:,} variants of each model, seed {found.seed}, "
        f"within {found.allowed:.2f} standard errors; chance alone makes any row miss that in fewer than {1000 * found.false_alarms:g} of "
        "1,000 tables."
    )
    yield from _wrapped(rule, width, indent=0, style="dim")
    yield f"{found.agreeing} of {len(found.rows)} agree, in {seconds:.1f} s", "bold"

"""The summary of a run in Markdown: what happened, how else it could have gone, what made the difference, and on what it all rests.

Every sentence is made by rule from the scenario's words and the run's numbers, so it is the same for the same file and seed.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from escsim import __version__, exact
from escsim.captions import dated, headline, occupied, unit_name, words, written
from escsim.effects import Comparison, Effect, effect
from escsim.ensemble import Ensemble
from escsim.errors import plain
from escsim.forecasts import Record, Surprise, forecast
from escsim.phrases import answered, briefly, effected, exactly, in_history, shared
from escsim.process import digest
from escsim.questions import Answer, leading
from escsim.scenario import Scenario
from escsim.trajectory import Step, Trajectory

MOST = 5  # surprises told


@dataclass(frozen=True)
class Found:
    """All that a run has found.

    Attributes
    ----------
    history : Trajectory or None
        The replay, if the file tells a history.
    ensemble : Ensemble
    solved : Exact or None
        The exact solution, if the scenario is a Markov chain that is not too large.
    answers : dict of str to Answer
    comparisons : dict of str to Comparison
        Under the what-ifs of the file.
    record : Record or None
        Forecasts, if there is a history.
    pictures : dict of str to (str, str)
        File and description of each kind of picture.
    command : str
        What was typed, less what does not change the result.
    """

    history: Trajectory | None
    ensemble: Ensemble
    solved: exact.Exact | None
    answers: dict[str, Answer]
    comparisons: dict[str, Comparison]
    record: Record | None
    pictures: dict[str, tuple[str, str]] = field(default_factory=dict)
    command: str = "escsim run"

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.ensemble.scenario


def everything(scenario: Scenario, n: int | None = None, seed: int | None = None, threads: int | None = None) -> Found:
    """Run all that a scenario asks for: replay, variants, questions, what-ifs, forecasts; as for `Scenario.simulate`."""
    history = scenario.history()
    ensemble = scenario.simulate(n, seed, threads, asked=scenario.questions)
    answers, solved = ensemble.answers(threads=threads), exact.beside(scenario)
    twins = {name: scenario.simulate(n, seed, threads, intervention=change) for name, change in scenario.what_if.items()}
    comparisons = {name: effect(ensemble, twin, threads=threads) for name, twin in twins.items()}
    first = {name: scenario.questions[name] for name in leading(scenario.questions)}
    record = None if history is None else forecast(scenario, first, n, seed=seed, threads=threads)
    return Found(history, ensemble, solved, exact.known(solved, scenario, answers), comparisons, record)


def summary(told: Found) -> str:
    """Write the summary of a run, in Markdown."""
    blocks = [
        *_head(told),
        *_brief(told),
        *_happened(told),
        *_variants(told),
        *_what_ifs(told),
        *_outlook(told),
        *_more(told),
        *_bounds(told),
        *_sources(told),
        *_made(told),
    ]
    return "\n\n".join(blocks) + "\n"


def _head(told: Found) -> Iterator[str]:
    scenario = told.scenario
    yield f"# {_inline(scenario.title)}"
    if scenario.summary:
        yield _filled(_inline(scenario.summary))


def _brief(told: Found) -> Iterator[str]:
    scenario, points = told.scenario, []
    if told.history is not None:
        points.append(f"**What happened.** {_inline(headline(told.history))}.")
    for name in leading(told.scenario.questions):
        answer = told.answers[name]
        past = f" In history {in_history(answer)}; in" if answer.replay is not None else " In"
        which = f"{past} {_many(told.ensemble.n)}: {briefly(answer)}."
        points.append(f"**{_asked(scenario, name)}**{which}")
    if (most := _strongest(told)) is not None:
        name, effects = most[0], told.comparisons[most[0]].effects
        said = [f"{_asked(scenario, each)} {effected(effects[each])}" for each in leading(scenario.questions) if each in effects]
        points.append(f"**What made the most difference.** {_changed(scenario, name)} {'; '.join(said)}.")
    if surprises := _surprises(told):
        first = surprises[0]
        assert first.share is not None
        points.append(
            f"**Least expected on its day.** {_told(scenario, first.event)} On the morning of {dated(first.day)} the chance that it would "
            f"be that day was {shared(first.share)}."
        )
    points.append(f"**What it rests on.** {_assumptions(scenario)}")
    yield "## In brief"
    yield "\n".join(_filled(point, "- ") for point in points)


def _happened(told: Found) -> Iterator[str]:
    if told.history is None:
        return
    scenario = told.scenario
    yield "## What happened"
    yield from _picture(told, "trajectory")
    rows = []
    for step in told.history.steps:
        moved = "; ".join(f"{move.mission} {words(move.source)} → {words(move.dest)}" for move in step.moves)
        cited = ", ".join(scenario.event[step.event].cite or ())
        rows.append((_day(told.history, step), _told(scenario, step.event), moved or "-", cited or "-"))
    yield _table(("Date", "What", "What it moved", "Sources"), rows)


def _variants(told: Found) -> Iterator[str]:
    scenario, ensemble = told.scenario, told.ensemble
    yield "## How else it could have gone"
    yield _filled(
        f"{_many(ensemble.n)} with chance in place of history, seed {ensemble.seed}. Each event that is called may or may not come about, and "
        "takes its time, by the probabilities and delays in the file; numbers are shares of the variants, with 95 % intervals that say how far "
        "more variants could move them, not how far the assumptions are right."
    )
    if ensemble.units:
        unit = ensemble.unit()
        yield _filled(_inline(f"Of {unit_name(scenario, unit)}: {occupied(ensemble, unit)}."))
    yield from _picture(told, "occupancy")
    if told.answers:
        rows = [
            (_asked(scenario, name), in_history(each), answered(each, scenario.questions[name]) + exactly(each))
            for name, each in told.answers.items()
        ]
        yield _table(("Question", "History", "Variants"), rows)
    for kind in ("cumulative", "durations"):
        yield from _picture(told, kind)


def _what_ifs(told: Found) -> Iterator[str]:
    scenario = told.scenario
    names = leading(told.scenario.questions)
    if not told.comparisons or not names:
        return
    yield "## What if"
    yield _filled(
        "Each change below is set against the very same chances: a variant and its twin are alike until the change touches something, so the "
        "difference is the change's doing. Intervals are paired, 95 %."
    )
    rows = []
    for name, compared in told.comparisons.items():
        differ = f"{100 * compared.differ / compared.base.n:.0f} %" if compared.differ else "none"
        rows.append((_changed(scenario, name), differ, *(effected(compared.effects[question]) for question in names)))
    yield _table(("Change", "Variants it touches", *(_asked(scenario, name) for name in names)), rows)
    yield from _picture(told, "difference")


def _outlook(told: Found) -> Iterator[str]:
    record = told.record
    if record is None or not record.forecasts[0].answers:
        return
    scenario = told.scenario
    yield "## How the outlook moved"
    yield _filled(
        f"Forecasts from the mornings of the crisis, {record.n:,} variants each: what history dates before a morning is given, and what was open "
        "then is drawn given that it had not come about."
    )
    rows = []
    for each in record.forecasts:
        news = "; ".join(_short(scenario, event) for event in each.news) or "-"
        rows.append((dated(each.day), *(_outcome(answer) for answer in each.answers.values()), news))
    yield _table(("Morning of", *(_asked(scenario, name) for name in record.forecasts[0].answers), "News since the one before"), rows)
    if surprises := _surprises(told):
        yield _filled(
            "The steps of history least expected on their day, by the file's assumptions, without those that only followed another of that day "
            "and those whose day is not known. Where delays are long any single day is unlikely."
        )
        yield _table(
            ("Date", "What", "Chance, that morning, of that day"),
            [(dated(each.day), _told(scenario, each.event), shared(each.share)) for each in surprises if each.share is not None],
        )
    exactly = "is minus infinity: by this file history cannot have gone so"
    if math.isfinite(record.log_likelihood):
        exactly = f"is {record.log_likelihood:.2f} (exact, natural units), to compare two codings of one crisis by"
    yield _filled(f"The log-likelihood of the whole history by this file {exactly}.")


def _more(told: Found) -> Iterator[str]:
    """Show the pictures that have no place in the text."""
    kinds = [kind for kind in ("tornado", "ways", "fan", "events", "diagram") if kind in told.pictures]
    if kinds:
        yield "## More pictures"
    for kind in kinds:
        yield from _picture(told, kind)


def _bounds(told: Found) -> Iterator[str]:
    yield "## What this cannot tell"
    limits = told.scenario.limits or ("The file names no limits; its author should.",)
    yield "\n".join(_filled(_inline(limit), "- ") for limit in limits)


def _sources(told: Found) -> Iterator[str]:
    if told.scenario.sources:
        yield "## Sources"
        yield "\n".join(_filled(f"`{key}` {_inline(text)}", "- ") for key, text in told.scenario.sources.items())


def _made(told: Found) -> Iterator[str]:
    scenario, ensemble = told.scenario, told.ensemble
    yield "## How this was made"
    yield _filled(
        f"`{told.command}` (escsim {__version__}), {_many(ensemble.n)}, seed {ensemble.seed}; scenario {scenario.hash[:16]}, process "
        f"{digest(ensemble.process)[:16]}. The same file, version and seed give the same numbers. The data are beside this file; `escsim show` "
        "of the scenario tells every assumption and what it rests on."
    )


# ---- parts of sentences


def leading_what_if(told: Found) -> str | None:
    """Name the what-if with the largest effect on the leading questions, the first if none has any; None if there is none."""
    most = _strongest(told)
    return most[0] if most is not None else next(iter(told.comparisons), None)


def _strongest(told: Found) -> tuple[str, str, Effect] | None:
    """Give the what-if whose effect on the leading questions is the surest and largest of all shares."""
    found = [
        (name, question, compared.effects[question])
        for name, compared in told.comparisons.items()
        for question in leading(told.scenario.questions)
        if compared.effects[question].unit == "share" and compared.effects[question].estimate
    ]
    return max(found, key=lambda each: abs(each[2].estimate or 0.0), default=None)


def _surprises(told: Found) -> list[Surprise]:
    """Give the least expected steps of a known day, without those that could not have come before what led to them on the same day."""
    if told.record is None or told.history is None:
        return []
    days = {step.event: told.history.moment(step).date() for step in told.history.steps}
    led = {step.event for step in told.history.steps if days.get(step.caller) == days[step.event]}
    led |= {event.id for event in told.scenario.events if event.date is not None and not event.date.exact}
    drawn = [each for each in told.record.surprises if each.share is not None and each.share.estimate < 0.5 and each.event not in led]
    return sorted(drawn, key=lambda each: each.share.estimate if each.share is not None else 1.0)[:MOST]


def _assumptions(scenario: Scenario) -> str:
    """Say how much of a file is assumed."""
    chances = sum(event.probability is not None for event in scenario.events) + sum(len(choice.options) for choice in scenario.choices.values())
    delays = sum(event.delay is not None for event in scenario.events)
    leaning = sum(event.delay is not None and event.delay.rates is not None for event in scenario.events)
    base = f", {leaning} of which lean on base rates that ship with escsim," * bool(leaning)
    told = f"Probabilities ({chances}) and delays ({delays}){base} are assumptions of the file, not history's"
    ranged = sum(len(event.range or ()) for event in scenario.events) + sum(len(choice.range or ()) for choice in scenario.choices.values())
    return f"{told}; the file states a range for {ranged}." if ranged else f"{told}."


def _many(n: int) -> str:
    return f"{n:,} variant{'s' * (n > 1)}"


def _outcome(answer: Answer) -> str:
    """Give an answer in few words; what is so in every variant or in none is settled, as far as these tell."""
    if answer.kind == "probability" and answer.estimate in (0, 1):
        return "in every variant" if answer.estimate else "in none"
    return briefly(answer)


def _asked(scenario: Scenario, name: str) -> str:
    return _inline(scenario.questions[name].text or f"{words(name).capitalize()}?")


def _told(scenario: Scenario, event: str) -> str:
    """Say an event in a sentence."""
    found = scenario.event[event]
    return _inline(found.text or f"{words(found.label or event).capitalize()}.")


def _short(scenario: Scenario, event: str) -> str:
    return _inline(scenario.event[event].label or words(event))


def _changed(scenario: Scenario, name: str) -> str:
    """Say a what-if in a sentence."""
    text = _inline(scenario.what_if[name].text or words(name).capitalize())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _day(history: Trajectory, step: Step) -> str:
    date = history.event(step).date
    return dated(history.moment(step).date()) if date is None else written(date)


# ---- Markdown


def _picture(told: Found, kind: str) -> Iterator[str]:
    if kind in told.pictures:
        file, description = told.pictures[kind]
        yield f"[Picture: {_inline(description)}]({file})" if file.endswith(".pdf") else f"![{_inline(description)}]({file})"


def _inline(text: str) -> str:
    """Make text from a file safe within a line of Markdown: no markup, nothing invisible, on one line. Not to be done twice."""
    safe = plain(" ".join(text.split()), 2000)
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|" else char for char in safe)


def _filled(text: str, first: str = "") -> str:
    return textwrap.fill(" ".join(text.split()), 120, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])

"""Forecasts from one morning after another, and how likely history was: surprise, and the log-likelihood of a coding.

A forecast takes the history before its morning as given (`escsim.given`). The surprise of a step is its probability, forecast
from the morning of its date, to come about that day. The log-likelihood is exact: each clock of history is weighed by the
law that the file gives it, everything that led to it standing where history has it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date as Day
from datetime import timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from escsim.ensemble import Ensemble, simulate
from escsim.errors import AskedError
from escsim.given import CHANCES, WORDS, Watcher
from escsim.intervals import Estimate, wilson
from escsim.process import compile_scenario
from escsim.questions import Answer
from escsim.scenario import Question, Scenario
from escsim.times import TICKS_A_DAY
from escsim.trajectory import Step, Trajectory

MANY = 45  # days from the first event to the last up to which a forecast is made on every morning


@dataclass(frozen=True)
class Forecast:
    """What is to be expected on a morning.

    Attributes
    ----------
    day : datetime.date
    news : tuple of str
        The events since the forecast before.
    answers : dict of str to Answer
        By question.
    """

    day: Day
    news: tuple[str, ...]
    answers: dict[str, Answer]


class Surprise(NamedTuple):
    """How expected a step of history was.

    Attributes
    ----------
    day : datetime.date
    event : str
    share : Estimate or None
        In how many variants from that morning it happens that day; None if it is known in advance.
    likelihood : float
        The probability of its choice, chance and delay, given when it was called: exact, 1 if it is known in advance.
    """

    day: Day
    event: str
    share: Estimate | None
    likelihood: float


@dataclass(frozen=True)
class Record:
    """Forecasts of a history, and how likely it was by its file.

    Attributes
    ----------
    scenario : Scenario
    n, seed : int
        Variants of each forecast.
    forecasts : list of Forecast
    surprises : list of Surprise
        By time; what repeats is told once a day.
    quiet : float
        The probability of all that did not come about not having done so: exact.
    """

    scenario: Scenario
    n: int
    seed: int
    forecasts: list[Forecast]
    surprises: list[Surprise]
    quiet: float

    @property
    def log_likelihood(self) -> float:
        """Of the whole history, at the resolution of a day, in natural units; minus infinity if it cannot be by this file."""
        return math.fsum(map(_log, (self.quiet, *(each.likelihood for each in self.surprises))))

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON; the keys are documented in the README."""

        def finite(value: float) -> float | None:
            return value if math.isfinite(value) else None

        return {
            "scenario": self.scenario.name,
            "hash": self.scenario.hash,
            "n": self.n,
            "seed": self.seed,
            "forecasts": [
                {"from": each.day.isoformat(), "news": list(each.news), "questions": {name: told.to_dict() for name, told in each.answers.items()}}
                for each in self.forecasts
            ],
            "surprise": [
                {
                    "date": each.day.isoformat(),
                    "event": each.event,
                    "known": each.share is None,
                    **({} if each.share is None else each.share._asdict()),
                    "log_likelihood": finite(_log(each.likelihood)),
                }
                for each in self.surprises
            ],
            "log_likelihood": {"not_happened": finite(_log(self.quiet)), "total": finite(self.log_likelihood)},
        }


def _log(probability: float) -> float:
    return math.log(probability) if probability else -math.inf


def mornings(scenario: Scenario) -> list[Day]:
    """Give the mornings to forecast from: from the first event to the day after the last, or around events only if that is long."""
    dates = [scenario.period.moment(step.tick).date() for step in scenario.replay().steps]
    if not dates:
        return [scenario.period.from_.day]
    first, last = min(dates), max(dates) + timedelta(1)
    every = [first + timedelta(number) for number in range((last - first).days + 1)]
    if len(every) > MANY:
        every = sorted({*dates, *(date + timedelta(1) for date in dates)})
    return [day for day in every if scenario.period.from_.day <= day <= scenario.period.to.day]


def forecast(
    scenario: Scenario,
    asked: dict[str, Question] | None = None,
    n: int | None = None,
    *,
    seed: int | None = None,
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Record:
    """Forecast from one morning of a crisis after another.

    Parameters
    ----------
    scenario : Scenario
        With a history.
    asked : dict of str to Question, optional
        By default the scenario's own questions.
    n, seed, threads
        As for `Scenario.simulate`, of each forecast.
    progress : callable, optional
        Called with the number of forecasts made.

    Raises
    ------
    ValueError
        If the scenario has no history.
    ScenarioError
        If history does not replay, or the file says that something must have happened before a day that has not.
    """
    history = scenario.history()
    if history is None:
        raise AskedError(f"{scenario.name} has no history to forecast: no event has a date")
    asked, days = scenario.questions if asked is None else asked, mornings(scenario)
    happened = [(scenario.period.moment(step.tick).date(), step) for step in history.steps]
    forecasts, shares, told = [], dict[tuple[Day, str], Estimate | None](), 0
    base: Ensemble | None = None
    for number, day in enumerate(days):
        base = simulate(scenario, n, seed=seed, threads=threads, given=day, asked=asked)
        before = tuple(step.event for date, step in happened if date < day)
        forecasts.append(Forecast(day, before[told:], base.answers(asked, threads)))
        told = len(before)
        today = list(dict.fromkeys(step.event for date, step in happened if date == day))
        shares |= {(day, event): share for event, share in _today(base, day, today).items()}
        if progress is not None:
            progress(number + 1)
    assert base is not None
    likelihoods, quiet = likelihood(scenario, history)
    surprises = []
    for day, event in dict.fromkeys((date, step.event) for date, step in happened):
        of = [likelihoods[step] for date, step in happened if (date, step.event) == (day, event)]
        surprises.append(Surprise(day, event, shares.get((day, event)), math.prod(of)))
    return Record(scenario, base.n, base.seed, forecasts, surprises, quiet)


def _today(ensemble: Ensemble, day: Day, events: Sequence[str]) -> dict[str, Estimate | None]:
    """Give in how many variants events happen on the day of the forecast; None for those known in advance."""
    scenario = ensemble.scenario
    start = (day - scenario.period.from_.day).days * TICKS_A_DAY
    known = ensemble.given.known if ensemble.given is not None else tuple(event.id for event in scenario.events if scenario.keeps_date(event))
    counts = Counter[str]()
    drawn = [event for event in events if event not in known]
    for first, n in ensemble.chunks() if drawn else ():
        worlds = ensemble.worlds(first, n)
        inside = (worlds.tick >= start) & (worlds.tick < start + TICKS_A_DAY)
        for event in drawn:
            counts[event] += len(np.unique(worlds.world[inside & (worlds.event == scenario.order[event])]))
    return {event: None if event in known else wilson(counts[event], ensemble.n) for event in events}


def log_likelihood(scenario: Scenario) -> float:
    """Give the exact log-likelihood of a scenario's history by its file, at the resolution of a day; see `likelihood`.

    Raises
    ------
    ScenarioError
        If history does not replay, or something must have happened by this file that has not.
    """
    steps, quiet = likelihood(scenario, scenario.replay())
    return math.fsum(map(_log, (quiet, *steps.values())))


def likelihood(scenario: Scenario, history: Trajectory) -> tuple[dict[Step, float], float]:
    """Give the probability of every step of history, and that of all that did not come about not having done so.

    A step: that its choice, if it is an option, picked it, chance said yes, and the delay ended on its day, given when it was
    called; 0 if it cannot have. What did not come about: `Given.weight` at the end of the period. So it is the density of a
    generalized semi-Markov process (Glynn 1989, Proceedings of the IEEE 77(1), 14-23), added up over each step's day.

    Returns
    -------
    steps : dict of Step to float
    quiet : float
    """
    watcher = Watcher(scenario, scenario.period.ticks, compile_scenario(scenario), None)
    given = watcher.given(scenario.period.to.day)
    found = {}
    for step in history.steps:
        event, e = scenario.event[step.event], scenario.order[step.event]
        if scenario.keeps_date(event):
            found[step] = 1.0
            continue
        start = step.tick - step.tick % TICKS_A_DAY
        words = watcher.least(event.id, step.armed, start + TICKS_A_DAY) - watcher.least(event.id, step.armed, start)
        share = Fraction(words, WORDS) * Fraction(int(given.process.chance[e]), CHANCES)
        if (choice := scenario.choice_of.get(event.id)) is not None:
            options = scenario.choices[choice].options
            share *= Fraction(options[event.id]) / Fraction(sum(options.values()))
        found[step] = float(share)
    return found, float(math.prod(given.weight.values()))

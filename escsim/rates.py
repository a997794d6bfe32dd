"""Base rates: how often missions left a status which way, and how long absences and answers took, from what history did.

Cases that had not ended are kept, as censored. Hazards have Garwood's exact Poisson interval, shares that are back Kaplan and
Meier's curve, competing ways out Aalen and Johansen's cumulative incidence; laws are fitted by maximum likelihood with
right censoring, and compared by Akaike's criterion. All times are in days.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import yaml

from escsim.delays import Lognormal, special
from escsim.errors import AskedError
from escsim.intervals import Estimate, kaplan_meier
from escsim.library import load, shipped
from escsim.scenario import Scenario
from escsim.spells import FURTHER, KINDS, Absence, Reply, Spell, absences, led, replies, spells, tabled
from escsim.times import TICKS_A_DAY

VERSION = 1  # of the file of base rates: raised whenever its numbers change
FEW = 10  # below so many cases a rate says little
LEAST = 3  # cases that have ended, for a law to be fitted
HORIZONS = {30: "30 days", 365: "a year", 1826: "5 years"}
YEAR = 365.25
SAME = 14  # days within which two records of one mission begin that tell of one absence
LAWS = {"exponential": ("mean",), "weibull": ("shape", "scale"), "lognormal": ("median", "sigma"), "gamma": ("shape", "scale")}
SHAPES = {"weibull": (0.2, 25), "lognormal": (0.05, 4), "gamma": (0.2, 400)}  # down to a coefficient of variation of a twentieth
TIMES = ("mean", "scale", "median")  # parameters that are times
SAMPLE = (
    "The shipped scenarios, each of which names its sources, and escsim/absences.csv, cases from general knowledge: facts, compiled for escsim. "
    "A sample of well-known cases, in which long ones are over-represented."
)
ICB = (
    "Quartiles derived from the actor-level data of International Crisis Behavior, version 14, from 1946 on (Brecher, Wilkenfeld, Beardsley, James "
    "and Quinn); cite them. No row of the data is part of escsim."
)
OLDER = (
    "Transcribed as facts from a list of new breaks in diplomatic relations, 1976 to 1989, probably Berridge's: months, and July where only the year "
    "of the restoration is given. Breaks that one quarrel brought about at once count as one."
)
# from 25 to 75 in 100, in days
DERIVED = (
    ("violence_to_answer", "From a violent act that opens a crisis to the major answer of the state struck", "answers to violence", 301, 1, 9),
    (
        "threat_to_answer",
        "From a political act or threat that opens a crisis to the major answer of the state threatened",
        "answers to threats",
        168,
        5,
        46,
    ),
    ("crisis_to_end", "From the act that opens a crisis to the end of it, for a state", "crises", 806, 26, 184),
)
BREAKS = FURTHER.with_name("breaks.csv")
NOUNS = {"recall": "recalls", "downgrade": "downgrades", "break": "breaks"}


class Quantile(NamedTuple):
    """A time within which a share of the cases is over, with its 95 % interval; None where the cases do not tell."""

    days: int | None
    low: int | None
    high: int | None


class Fit(NamedTuple):
    """A law fitted to times.

    Attributes
    ----------
    law : str
    parameters : dict of str to Estimate
        Those of the scenario form, times in days, with Wald's 95 % intervals.
    log_likelihood, aic : float
    """

    law: str
    parameters: dict[str, Estimate]
    log_likelihood: float
    aic: float

    @property
    def distribution(self) -> Any:
        """The law as one of `scipy.stats`, over days."""
        stats, given = import_module("scipy.stats"), {name: each.estimate for name, each in self.parameters.items()}
        if self.law == "exponential":
            return stats.expon(scale=given["mean"])
        if self.law == "weibull":
            return stats.weibull_min(given["shape"], scale=given["scale"])
        if self.law == "gamma":
            return stats.gamma(given["shape"], scale=given["scale"])
        return stats.lognorm(given["sigma"], scale=given["median"])

    @property
    def delay(self) -> dict[str, dict[str, Any]]:
        """The law as a delay of a scenario, to three digits."""
        told = {name: f"{each.estimate:.3g}" for name, each in self.parameters.items()}
        return {self.law: {name: f"{float(value):g} days" if name in TIMES else float(value) for name, value in told.items()}}


class Rate:
    """How long something took, in cases of which some may not have ended.

    Parameters
    ----------
    name, text, noun : str
        `recall_to_return`, what is measured, and what the cases are called.
    cases : list of str
    days : float, shape (n,)
        What took no time is taken to have taken half a day.
    ended : bool, shape (n,)
    whose : list of str, optional
        The missions.
    """

    def __init__(self, name: str, text: str, noun: str, cases: Sequence[str], days: Any, ended: Any, whose: Sequence[str] = ()) -> None:
        self.name, self.text, self.noun, self.cases = name, text, noun, list(cases)
        self.whose = list(whose) or [""] * len(self.cases)
        self.days = np.maximum(np.asarray(days, float), 0.5)
        self.ended = np.asarray(ended, bool)

    @property
    def n(self) -> int:
        """How many cases there are."""
        return len(self.days)

    @property
    def open(self) -> int:
        """How many of them had not ended."""
        return int(self.n - self.ended.sum())

    def curve(self) -> tuple[Any, Any, Any]:
        """Give the share that is not over after each day, from 0 to the longest, with the bounds of its 95 % interval: float64, shape (days,)."""
        whole = np.rint(self.days).astype(int)
        size = int(whole.max()) + 1
        return kaplan_meier(np.bincount(whole[self.ended], minlength=size), np.bincount(whole[~self.ended], minlength=size))

    def quantile(self, share: float) -> Quantile:
        """Give the time within which a share is over by Kaplan and Meier, with Brookmeyer and Crowley's interval.

        Source: Brookmeyer and Crowley 1982, Biometrics 38(1), 29-41.
        """
        survival, low, high = (np.append(each, 0.0 if not self.open else each[-1]) for each in self.curve())

        def first(curve: Any) -> int | None:
            below = np.flatnonzero(curve <= 1 - share + 1e-9)
            return int(below[0]) if len(below) and below[0] < len(curve) - 1 else None

        return Quantile(first(survival), first(low), first(high))

    def at_risk(self, days: Iterable[float]) -> list[int]:
        """Count the cases that are still watched after so many days."""
        return [int((self.days >= day).sum()) for day in days]

    @cached_property
    def fits(self) -> list[Fit]:
        """The laws fitted to it, the best by Akaike's criterion first; none if fewer than three cases have ended, or all times are alike.

        Raises
        ------
        AskedError
            If lifelines is not there.
        """
        return fitted(self.days, self.ended)

    def without(self, case: str) -> Rate:
        """Give it without a case."""
        kept = [place for place, each in enumerate(self.cases) if each != case]
        return Rate(self.name, self.text, self.noun, [self.cases[place] for place in kept], self.days[kept], self.ended[kept])

    @property
    def counted(self) -> str:
        """How many cases of what: `28 recalls`."""
        one = re.sub(r"s( |$)", r"\1", self.noun, count=1)
        return f"{self.n} {one if self.n == 1 else self.noun}"

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        quartiles = {f"q{round(100 * share)}": self.quantile(share)._asdict() for share in (0.25, 0.5, 0.75)}
        fits = [
            {"law": fit.law, **{name: each._asdict() for name, each in fit.parameters.items()}, "log_likelihood": fit.log_likelihood, "aic": fit.aic}
            for fit in self.fits
        ]
        each = [
            {"case": case, "days": days, "ended": ended}
            for case, days, ended in zip(self.cases, self.days.tolist(), self.ended.tolist(), strict=True)
        ]
        return {"text": self.text, "n": self.n, "ended": self.n - self.open, "few": self.n < FEW, **quartiles, "fits": fits, "cases": each}


class Way(NamedTuple):
    """A way out of a status.

    Attributes
    ----------
    trigger, dest : str
    seen : int
    hazard : Estimate
        Per year that a mission stands there, with Garwood's exact interval.
    within : tuple of float
        The share that has left this way within 30 days, one year and five years, by Aalen and Johansen.
    rate : Rate
        How long it took where it was this way; stays that ended otherwise are censored then, so that its laws are of this way alone.
    """

    trigger: str
    dest: str
    seen: int
    hazard: Estimate
    within: tuple[float, ...]
    rate: Rate


class Stay(NamedTuple):
    """What became of missions in a status: how long they stayed, and the ways out."""

    status: str
    staying: Rate
    years: float
    ways: list[Way]


class Record(NamedTuple):
    """All that history did, over some scenarios and tables."""

    scenarios: list[str]
    spells: list[Spell]
    absences: list[Absence]
    replies: list[Reply]


def gather(scenarios: Iterable[Scenario], tables: Iterable[list[Absence]] = ()) -> Record:
    """Read off replays, and tables of absences, what history did.

    Records of one mission in two of them that begin within two weeks of one another tell of one absence: the one that has ended is kept,
    or that which was watched for longer.

    Parameters
    ----------
    scenarios : iterable of Scenario
    tables : iterable of list of Absence
        As `escsim.spells.tabled` reads them.

    Raises
    ------
    ScenarioError
        If a history is not a run of its model.
    """
    replayed = [scenario.replayed for scenario in scenarios]
    sources = [*map(absences, replayed), *tables]
    found = [(number, each) for number, source in enumerate(sources) for each in source]
    kept: list[tuple[int, Absence]] = []
    for number, each in sorted(found, key=lambda item: (item[1].ended, item[1].days), reverse=True):
        if not any(source != number and other.mission == each.mission and abs((other.began - each.began).days) <= SAME for source, other in kept):
            kept.append((number, each))
    order = {id(each): place for place, (_, each) in enumerate(found)}
    return Record(
        [trajectory.scenario.name for trajectory in replayed],
        [each for trajectory in replayed for each in spells(trajectory)],
        led(sorted((each for _, each in kept), key=lambda each: order[id(each)])),
        [each for trajectory in replayed for each in replies(trajectory)],
    )


def rates(record: Record) -> dict[str, Rate]:
    """Give the rates of absences by name: from the first of each pair's missions, by the gravest act, as a whole and in two stages."""
    found = {}
    leading = [each for each in record.absences if each.leads]
    for kind in [*KINDS, *sorted({each.kind for each in leading} - {*KINDS})]:
        mine = [each for each in leading if each.kind == kind]
        noun = NOUNS.get(kind, f"absences as {kind}")
        agreed = [each for each in mine if each.settled is not None]
        pending = [each for each in mine if each.settled is not None or not each.ended]
        for name, text, of, days, ended, which in (
            (
                "to_return",
                f"From the first day away to the ambassador back, after {noun}",
                noun,
                [each.days for each in mine],
                [each.ended for each in mine],
                mine,
            ),
            (
                "to_agreement",
                f"From the first day away until the return is agreed or announced, after {noun}; where that is recorded apart from the return",
                noun,
                [each.days if each.settled is None else each.settled for each in pending],
                [each.settled is not None for each in pending],
                pending,
            ),
            (
                "agreement_to_return",
                f"From the agreed or announced return to the ambassador back, after {noun}",
                f"agreements after {noun}",
                [each.days - (each.settled or 0) for each in agreed],
                [each.ended for each in agreed],
                agreed,
            ),
        ):
            if which and (agreed or name == "to_return"):
                whose = [each.mission for each in which]
                found[f"{kind}_{name}"] = Rate(f"{kind}_{name}", text, of, [each.case for each in which], days, ended, whose)
    return found


def stays(record: Record) -> list[Stay]:
    """Tell of every status that missions came to how long they stayed and how they left, in the order in which it was first seen."""
    found = []
    for status in dict.fromkeys(each.status for each in record.spells):
        mine = [each for each in record.spells if each.status == status]
        cases, whose = [each.case for each in mine], [each.mission for each in mine]
        days, left = [each.days for each in mine], [each.trigger is not None for each in mine]
        staying = Rate(status, f"How long missions stayed {status}, however they left", f"stays {status}", cases, days, left, whose)
        total = sum(each.days for each in mine) / YEAR
        ways = []
        for (trigger, dest), seen in Counter((each.trigger, each.dest) for each in mine if each.trigger and each.dest).most_common():
            mark = [each.trigger == trigger and each.dest == dest for each in mine]
            told = f"From {status} to {dest} by {trigger}; stays that ended otherwise are watched until then"
            rate = Rate(f"{status}.{trigger}", told, f"stays {status}", cases, days, mark, whose)
            ways.append(Way(str(trigger), str(dest), seen, poisson(seen, total), incidence(staying, mark), rate))
        found.append(Stay(status, staying, total, ways))
    return found


def answers(record: Record) -> dict[tuple[str, str], Rate]:
    """Give how long answers took, by what they answer and what they are, the most frequent first; answers that did not come leave no trace."""
    found = defaultdict[tuple[str, str], list[Reply]](list)
    for each in record.replies:
        found[each.to, each.action].append(each)
    rates = {}
    for (to, action), mine in sorted(found.items(), key=lambda item: -len(item[1])):
        cases, days = [each.case for each in mine], [each.days for each in mine]
        rates[to, action] = Rate(f"{to}.{action}", f"From {to} to {action} by the other side", "answers", cases, days, [True] * len(mine))
    return rates


def details(record: Record, found: dict[str, Rate]) -> dict[str, Rate]:
    """Give all that can be told in full, by name: the rates, STATUS, STATUS.TRIGGER for the ways out, and ACT.ANSWER."""
    known = stays(record)
    told = [*found.values(), *(stay.staying for stay in known), *(way.rate for stay in known for way in stay.ways), *answers(record).values()]
    return {rate.name: rate for rate in told}


def poisson(count: int, time: float) -> Estimate:
    """Give the rate of so many events in a time, per unit of that time, with its exact 95 % interval.

    Source: Garwood 1936, Biometrika 28(3/4), 437-442, by quantiles of the gamma distribution.
    """
    quantile = special().gammaincinv
    low = 0.0 if not count else float(quantile(count, 0.025))
    return Estimate(count / time, low / time, float(quantile(count + 1, 0.975)) / time)


def incidence(rate: Rate, mark: Sequence[bool]) -> tuple[float, ...]:
    """Give the share that has ended in the marked way within each horizon, where other ways compete.

    Source: Aalen and Johansen 1978, Scandinavian Journal of Statistics 5(3), 141-150. Written out here, since lifelines moves
    equal times apart by chance.

    Parameters
    ----------
    rate : Rate
    mark : sequence of bool, length n
        Which of its cases are marked; those that had not ended are censored, whatever their mark.

    Returns
    -------
    tuple of float
        For each of `HORIZONS`, in days: 0 to 1.
    """
    marked, order = np.asarray(mark, bool), np.argsort(rate.days, kind="stable")
    survival, risk, shares = 1.0, rate.n, dict.fromkeys(HORIZONS, 0.0)
    for day, group in groupby(order.tolist(), key=lambda place: rate.days[place]):
        places = list(group)
        done = [place for place in places if rate.ended[place]]
        step = survival * sum(bool(marked[place]) for place in done) / risk
        for horizon in HORIZONS:
            shares[horizon] += step if day <= horizon else 0.0
        survival *= 1 - len(done) / risk
        risk -= len(places)
    return tuple(shares.values())


def fitted(days: Any, ended: Any) -> list[Fit]:
    """Fit laws to times, right-censored where they had not ended, by maximum likelihood; the best by Akaike's criterion first.

    Parameters
    ----------
    days : float, shape (n,)
        Above 0.
    ended : bool, shape (n,)

    Returns
    -------
    list of Fit
        Empty if fewer than three have ended; without those whose shape lies outside of `SHAPES` or that do not converge.

    Raises
    ------
    AskedError
        If lifelines is not there.
    """
    if ended.sum() < LEAST:
        return []
    try:
        import lifelines
        from autograd import numpy as anp
        from autograd_gamma import gammaincc
    except ImportError:
        raise AskedError("laws are fitted with lifelines, which is not here: pip install 'escsim[rates]'") from None

    class GammaFitter(lifelines.fitters.ParametricUnivariateFitter):  # type: ignore[misc]
        _fitted_parameter_names = ("shape_", "scale_")
        _bounds = ((0.05, None), (1e-3, None))

        def _cumulative_hazard(self, params: Any, times: Any) -> Any:
            shape, scale = params
            return -anp.log(anp.clip(gammaincc(shape, times / scale), 1e-300, 1))

        def _create_initial_point(self, *_: Any) -> Any:
            return np.array([1.0, float(np.mean(days))])

    fitters = {
        "exponential": lifelines.ExponentialFitter,
        "weibull": lifelines.WeibullFitter,
        "lognormal": lifelines.LogNormalFitter,
        "gamma": GammaFitter,
    }
    found = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of few cases it warns at every turn; n is always told
        for law, fitter in fitters.items():
            with suppress(lifelines.exceptions.ConvergenceError, ValueError, ArithmeticError):  # times that are all the same have no shape
                found.append(_fit(law, fitter().fit(days, ended)))
    return sorted(filter(_lawful, found), key=lambda fit: fit.aic)


def _lawful(fit: Fit) -> bool:
    """Whether a fit is one: a shape at the edge of what a scenario may state tells of times that are all alike, or of too few."""
    shape = next((fit.parameters[name].estimate for name in ("shape", "sigma") if name in fit.parameters), None)
    within = shape is None or SHAPES[fit.law][0] <= shape <= SHAPES[fit.law][1]
    return within and math.isfinite(fit.aic) and all(math.isfinite(each.estimate) for each in fit.parameters.values())


def _fit(law: str, done: Any) -> Fit:
    """Read a fit of lifelines, in the parameters of the scenario form."""
    table = {
        name.rstrip("_"): Estimate(*(float(row[key]) for key in ("coef", "coef lower 95%", "coef upper 95%")))
        for name, row in done.summary.iterrows()
    }
    if law == "lognormal":
        parameters = {"median": Estimate(*map(math.exp, table["mu"])), "sigma": table["sigma"]}
    elif law == "exponential":
        parameters = {"mean": table["lambda"]}
    elif law == "weibull":
        parameters = {"shape": table["rho"], "scale": table["lambda"]}
    else:
        parameters = {name: table[name] for name in LAWS[law]}
    return Fit(law, {name: _sound(each) for name, each in parameters.items()}, float(done.log_likelihood_), float(done.AIC_))


def _sound(each: Estimate) -> Estimate:
    """Cut an interval at 0, below which no parameter lies, and round what an optimiser leaves uncertain."""
    return Estimate(*(float(f"{max(value, 0.0):.5g}") for value in each))


def packaged(record: Record | None = None) -> dict[str, tuple[Rate, str]]:
    """Give the rates of all that ships, each with the source of its cases; `record` is what was gathered, if it was."""
    record = record or gather((load(name) for name in shipped()), [tabled(FURTHER)])
    old = rates(gather((), [tabled(BREAKS)]))["break_to_return"]
    older = Rate("break_of_1976_to_return", "From a break begun from 1976 to 1979 to its end", "breaks of 1976-79", old.cases, old.days, old.ended)
    return {name: (rate, SAMPLE) for name, rate in rates(record).items()} | {older.name: (older, OLDER)}


def to_dict(record: Record, found: dict[str, Rate]) -> dict[str, Any]:
    """Give rates, ways out of statuses and answers as plain data for JSON."""
    ways = []
    for stay in stays(record):
        mine = [
            {"trigger": way.trigger, "dest": way.dest, "seen": way.seen, "hazard": way.hazard._asdict(), "within": way.within, **_measured(way.rate)}
            for way in stay.ways
        ]
        ways.append({"status": stay.status, "open": stay.staying.open, "years": stay.years, **_measured(stay.staying), "ways": mine})
    told = [{"to": to, "answer": action, "days": sorted(rate.days.tolist()), **_measured(rate)} for (to, action), rate in answers(record).items()]
    return {"rates": {name: rate.to_dict() for name, rate in found.items()}, "ways": ways, "answers": told}


def _measured(rate: Rate) -> dict[str, Any]:
    told = rate.to_dict()
    return {name: told[name] for name in ("n", "few", "q25", "q50", "q75", "fits")}


def as_file(found: dict[str, tuple[Rate, str]]) -> str:
    """Write rates as the file of base rates that delays lean on by name: of each the best law, to three digits, with what it rests on."""
    told: dict[str, dict[str, Any]] = {}
    for rate, source in found.values():
        if rate.fits:
            fit, ended = rate.fits[0], rate.n - rate.open
            few = f", fewer than {FEW} cases" if rate.n < FEW else ""
            words = f"{fit.law} fitted to {rate.counted} ({ended} ended{few})"
            told[rate.name] = {"text": f"{rate.text}.", "told": words, "law": fit.delay, "n": rate.n, "ended": ended, "source": source}
    for name, text, noun, n, low, high in DERIVED:
        sigma, median = Lognormal.model_validate({"q25": f"{low} days", "q75": f"{high} days"}).solved()
        law = {"lognormal": {"median": f"{median / TICKS_A_DAY:.3g} days", "sigma": float(f"{sigma:.3g}")}}
        told[name] = {"text": f"{text}.", "told": f"lognormal through the quartiles of {n} {noun}", "law": law, "n": n, "ended": n, "source": ICB}
    head = "# Written by `escsim rates -o base_rates.yaml` from what ships with escsim; a test says if it is out of date.\n"
    return head + yaml.safe_dump({"version": VERSION, "rates": told}, sort_keys=False, allow_unicode=True, width=120)

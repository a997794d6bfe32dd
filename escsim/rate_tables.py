"""Base rates as text for a terminal: tables with their numbers of cases and intervals."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator

from escsim.captions import number
from escsim.intervals import Estimate
from escsim.rates import FEW, HORIZONS, LEAST, TIMES, Fit, Quantile, Rate, Record, answers, stays
from escsim.report import Line, columns
from escsim.scenario import Scenario, counterpart
from escsim.spells import Absence, absences
from escsim.validation import BANDS, Validation

_SHARES = (0.25, 0.5, 0.75)
SAMPLE = "A sample of well-known cases, in which long ones are over-represented. What was still open is kept, as censored."
PAIRS = "Of the two missions of a pair the one that was away first counts."
FEWER = f"* fewer than {FEW} cases, which say little."


def table(record: Record, found: dict[str, Rate], width: int) -> Iterator[Line]:
    """Tell of all rates: how long absences took, how missions left each status, and how long answers took."""
    tabled = len({each.case for each in record.absences} - {*record.scenarios})
    told = [f"{len(record.scenarios)} scenario{'s' * (len(record.scenarios) != 1)}"] * bool(record.scenarios)
    told += [f"{tabled} further case{'s' * (tabled != 1)}"] * bool(tabled)
    if not found:
        yield f"In {' and '.join(told) or 'an empty table'} no mission stood below the level at which it started.", ""
        return
    yield f"From {' and '.join(told)}. Times in days.", ""
    yield "", ""
    head = ["rate", "n (open)", "quarter over", "half over", "three quarters over"]
    rows = [(name, _counted(rate), *(_quantile(rate.quantile(share)) for share in _SHARES)) for name, rate in found.items()]
    yield from columns(head, rows, width)
    yield "", ""
    laws = [(name, few(rate), *_best(rate)) for name, rate in found.items()]
    yield from columns(["rate", "", "best law", "next", "parameters"], laws, width)
    yield from _wrapped(
        f"With 95 % intervals. next: by how much Akaike's criterion is above the best for the law that is second. {FEWER} {SAMPLE}", width
    )
    if record.spells:
        yield "", ""
        yield "How missions left each status", "bold"
        yield from _ways(record, width)
    told_of = answers(record)
    if times := {pair: rate for pair, rate in told_of.items() if rate.n > 1}:
        yield "", ""
        yield "How long answers took, of those that came", "bold"
        rows = [(to, action, f"{rate.n}{few(rate)}", ", ".join(map(number, sorted(rate.days.tolist())))) for (to, action), rate in times.items()]
        yield from columns(["to", "answer", "n", "days"], rows, width)
        yield from _wrapped(f"0.5: on the same day. {len(told_of) - len(times)} other answers were seen once (--json).", width)


def _best(rate: Rate) -> tuple[str, str, str]:
    """Give the best law of a rate, by how much the second is worse, and the parameters; or why there is none."""
    if not rate.fits:
        return "-", "-", f"no law: {rate.n - rate.open} ended" if rate.n - rate.open < LEAST else "no law fits times that are so alike"
    best, *others = rate.fits
    return best.law, f"{others[0].aic - best.aic:.1f}" if others else "-", ", ".join(_parameters(best))


def few(rate: Rate) -> str:
    """Give the mark of a rate that rests on few cases."""
    return "*" * (rate.n < FEW)


def _counted(rate: Rate) -> str:
    return f"{rate.n} ({rate.open}){few(rate)}"


def _quantile(each: Quantile) -> str:
    if each.days is None:
        return "-"
    return f"{each.days:,} ({'-' if each.low is None else f'{each.low:,}'} to {'-' if each.high is None else f'{each.high:,}'})"


def _ways(record: Record, width: int) -> Iterator[Line]:
    """Tell of each status how long missions stayed in it and which ways they took, the most frequent first."""
    rows: list[tuple[str, ...]] = []
    for stay in stays(record):
        quartiles = ", ".join(_quantile(stay.staying.quantile(share)) for share in _SHARES)
        rows.append((f"{stay.status}: {_counted(stay.staying)} stays, {number(stay.years)} years, quartiles {quartiles} days", *[""] * 5))
        for way in stay.ways:
            shares = (f"{share:.0%}".replace("%", " %") for share in way.within)
            rows.append((f"  {way.trigger} -> {way.dest}", f"{way.seen}{'*' * (way.seen < FEW)}", _interval(way.hazard), *shares))
    size = max(len(row[0]) for row in rows if row[1])
    heads = ("", "seen", "a year (95 %)", *(f"in {told}" for told in HORIZONS.values()))
    widths = [size, *(max(len(row[place]) for row in [heads, *rows]) for place in range(1, 6))]
    for row in [heads, *rows]:
        style = "" if row[1] and row is not heads else "bold"
        yield row[0] if not row[1] else "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip(), style
    yield from _wrapped(
        "a year: how often a mission that stands there leaves this way, with Garwood's exact Poisson interval. in 30 days and so on: the share "
        "that has left this way, where the others compete (Aalen and Johansen). The laws of a status, a way or an answer: --of charge, "
        "--of charge.agree_return, --of expel_diplomats.expel_diplomats.",
        width,
    )


def _interval(each: Estimate) -> str:
    return f"{number(each.estimate)} ({number(each.low)} to {number(each.high)})"


def one(rate: Rate, width: int) -> Iterator[Line]:
    """Tell of one rate: its quartiles, the laws fitted to it, and its cases."""
    yield f"{rate.name}: {rate.text}", "bold"
    yield f"{rate.counted}, {rate.open} of them open{f', fewer than {FEW}, which say little' * (rate.n < FEW)}", ""
    for share, told in zip(_SHARES, ("a quarter", "half", "three quarters"), strict=True):
        yield f"  {told} over within {_quantile(rate.quantile(share))} days", ""
    if not rate.fits:
        yield f"  {_best(rate)[2]}", ""
    else:
        yield "", ""
        best = rate.fits[0].aic
        rows = [(fit.law, f"{fit.aic - best:.1f}", f"{fit.log_likelihood:.2f}", ", ".join(_parameters(fit))) for fit in rate.fits]
        yield from columns(["law", "AIC above the best", "log-likelihood", "parameters (95 %)"], rows, width)
    yield "", ""
    order = sorted(zip(rate.days.tolist(), rate.ended.tolist(), rate.cases, rate.whose, strict=True))
    cases = [(f"{number(days)}{'' if ended else '+'}", case, mission) for days, ended, case, mission in order]
    yield from columns(["days", "case", "mission"], cases, width)
    yield from _wrapped(f"+ still open then. Laws by maximum likelihood, right-censored. {SAMPLE}{f' {PAIRS}' * ('_to_' in rate.name)}", width)


def _parameters(fit: Fit) -> Iterator[str]:
    for name, each in fit.parameters.items():
        yield f"{name} {number(each.estimate)}{' days' if name in TIMES else ''} ({number(each.low)} to {number(each.high)})"


def validation(found: dict[str, Validation], width: int) -> Iterator[Line]:
    """Tell how forecasts of each case from the others came out."""
    head = ["rate", "cases", *(f"inside {share:.0%}".replace("%", " %") for share in BANDS), "gain over exponential (95 %)"]
    rows = []
    for name, each in found.items():
        bands = []
        for share in BANDS:
            inside, known = each.covered(share)
            bands.append(f"{inside.estimate:.0%} ({inside.low:.0%} to {inside.high:.0%}) of {known}".replace("%", " %"))
        rows.append((name, f"{each.rate.n}{few(each.rate)}", *bands, f"{each.gain.estimate:+.2f} ({each.gain.low:+.2f} to {each.gain.high:+.2f})"))
    yield from columns(head, rows, width)
    yield from _wrapped(
        "Each case forecast by the law that fits the others best. inside: the share of cases within the middle 50 and 90 % of the forecast, of those "
        "of which that is known. gain: by how much the logarithm of what the forecast gave to what happened is higher than that of an exponential "
        f"law; where the interval holds 0 the shape of the law foretells nothing more. {FEWER}",
        width,
    )


CASES = ("case", "between", "missions moved", "days away", "as low as")


def cases(scenarios: Iterable[Scenario]) -> list[tuple[str, ...]]:
    """Give a row for each pair of each case of which a mission moved, and one for a case of which none did.

    The case, the two sides, whether one mission moved or both, for how many days each was away (with a plus if it still was when the
    period ended), and the most severe status.
    """
    rows: list[tuple[str, ...]] = []
    for scenario in scenarios:
        replayed, pairs = scenario.replayed, dict[frozenset[str], list[Absence]]()
        for each in absences(replayed):
            pairs.setdefault(frozenset((each.mission, counterpart(each.mission))), []).append(each)
        for pair, mine in pairs.items():
            sides = " and ".join(scenario.actors[key] for key in mine[0].mission.split("->"))
            moved = {each.mission for each in mine}
            seen = {status for mission in pair & replayed.paths.keys() for _, status in replayed.paths[mission]}
            worst = max(seen, key=scenario.ladder.severity.__getitem__)
            days = "; ".join(dict.fromkeys(f"{math.floor(each.days + 0.5):,}{'' if each.ended else '+'}" for each in mine))
            rows.append((scenario.name, sides, "one" if len(moved) == 1 else "both", days, worst))
        if not pairs:
            rows.append((scenario.name, " and ".join(list(scenario.actors.values())[:2]), "none", "-", "-"))
    return rows


def markdown(rows: Iterable[tuple[str, ...]]) -> str:
    """Write the table of cases as Markdown, for the README."""
    head, *body = (f"| {' | '.join(row)} |\n" for row in [CASES, *((f"`{case}`", *rest) for case, *rest in rows)])
    return "".join([head, "|---" * len(CASES) + "|\n", *body])


def _wrapped(text: str, width: int) -> Iterator[Line]:
    for line in textwrap.wrap(text, width, break_on_hyphens=False):
        yield line, "dim"

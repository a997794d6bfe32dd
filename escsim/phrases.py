"""Numbers in words: answers, effects and shares, each with its interval, as terminal, summary and figures say them."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from escsim.intervals import Estimate

if TYPE_CHECKING:
    from escsim.effects import Effect
    from escsim.questions import Answer
    from escsim.scenario import Question


def briefly(told: Answer) -> str:
    """Give an answer in few words."""
    if told.kind == "probability":
        return shared(Estimate(told.estimate or 0.0, told.low or 0.0, told.high or 0.0))
    if told.kind == "peak":
        shares = told.shares or {}
        most = max(shares, key=lambda status: shares[status].estimate)
        return f"{most} {shared(shares[most])}"
    if told.kind == "count":
        return f"mean {told.estimate:.2f} ({told.low:.2f} to {told.high:.2f})"
    if told.estimate is None:
        return "beyond the period" if told.asked else "cannot be asked"
    return f"median {lasting(told.estimate)} ({told.low:.1f} to {f'{told.high:.1f}' if told.high is not None else 'beyond'})"


def compared(told: Effect) -> tuple[str, str]:
    """Give what a question is answered without a change and with it."""

    def form(value: float | None) -> str:
        if value is None:
            return "-"
        return {"share": f"{100 * value:.1f} %", "days": f"mean {lasting(value)}", "times": f"mean {value:.2f}"}[told.unit]

    return form(told.base), form(told.changed)


def effected(told: Effect, *, brief: bool = False) -> str:
    """Give an effect with its interval; `brief` leaves the unit away, for a table."""
    if told.estimate is None or told.low is None or told.high is None:
        return "cannot be asked in both worlds"
    scale, digits, unit = {"share": (100, 1, "points"), "days": (1, 1, "days"), "times": (1, 2, "")}[told.unit]
    if told.gain is None and told.estimate == 0:
        return "none" if brief else "none: no variant answers otherwise"
    middle, low, high = (f"{each * scale:+.{digits}f}" for each in (told.estimate, told.low, told.high))
    return f"{middle} {'' if brief else unit}".rstrip() + f" ({low} to {high})"


def in_history(told: Answer) -> str:
    """Give the answer of history."""
    match told.replay:
        case None:
            return "-"
        case bool():
            return "yes" if told.replay else "no"
        case float():
            return lasting(told.replay)
        case _:
            return str(told.replay)


def answered(told: Answer, question: Question) -> str:
    """Give an answer in words, every number with its interval."""
    shares = told.shares or {}
    match told.kind:
        case "probability":
            return shared(Estimate(told.estimate or 0.0, told.low or 0.0, told.high or 0.0))
        case "time_in":
            assert told.mean is not None
            first, _, last = told.quartiles
            half = f"; half of them between {first.estimate:.1f} and {last.estimate:.1f}" if first and last else ""
            mean = f"; mean {told.mean.estimate:.1f} ({told.mean.low:.1f} to {told.mean.high:.1f})"
            return f"median {lasting(told.estimate)} ({told.low:.1f} to {told.high:.1f}){half}{mean}"
        case "time_to":
            if not told.asked:
                return f"cannot be asked: {question.time_to and question.time_to.after} never happened"
            after = question.time_to.after if question.time_to else None
            whole = f"{shared(shares['reached'])} within the period, of {told.asked:,} variants{f' in which {after} happened' if after else ''}"
            if told.estimate is None:
                return f"median beyond the period; {whole}"
            high = "beyond the period" if told.high is None else f"{told.high:.1f}"
            return f"median {lasting(told.estimate)} ({told.low:.1f} to {high}); {whole}"
        case "peak":
            return ", ".join(f"{status} {shared(share)}" for status, share in reversed(shares.items()) if share.estimate)
        case _:
            assert told.mean is not None
            upto = list(accumulate(share.estimate for share in shares.values()))
            few, many = (next(number for number, share in enumerate(upto) if share >= part) for part in (0.05, 0.95))
            usual = f"nine of ten from {few} to {many}" if few < many else f"nearly always {few}"
            return f"mean {told.mean.estimate:.2f} ({told.mean.low:.2f} to {told.mean.high:.2f}); {usual}"


def exactly(told: Answer) -> str:
    """Give the exact value after an answer, where there is one."""
    if told.exact is None:
        return ""
    return f"; exactly {100 * told.exact:.2f} %" if told.kind == "probability" else f"; the mean exactly {told.exact:.2f}"


def lasting(days: float | None) -> str:
    """Give a time in days."""
    return "-" if days is None else f"{days:.1f} day{'s' * (days != 1)}"


def shared(share: Estimate) -> str:
    """Give a share with its interval, in per cent."""
    return f"{bounded(share.estimate)} % ({bounded(share.low)} to {bounded(share.high)})"


def bounded(share: float) -> str:
    """Give a share or a bound of it in per cent; what is there is never 0, and what is not all never 100."""
    return "<0.1" if 0 < share < 0.0005 else ">99.9" if 0.9995 <= share < 1 else f"{100 * share:.1f}"


def percent(share: float) -> str:
    """Give a share in per cent; a dash for none, so that what is rare is not taken for what is not there."""
    if share < 1e-12:
        return "-"
    return bounded(share)

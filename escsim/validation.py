"""Whether base rates foretell anything: each case's time to its end forecast from the others, and held against what happened.

A forecast is the law that fits the other cases best by Akaike's criterion. If forecasts are right, what happened lies inside their
50 % band in half of the cases, and the probabilities that they gave to times as short or shorter (the probability integral
transform) are spread evenly over 0 to 1 (Dawid 1984, Journal of the Royal Statistical Society A 147(2), 278-292).
"""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from escsim.intervals import Estimate, Z, wilson
from escsim.rates import Fit, Rate

BANDS = (0.5, 0.9)
LEAST = 5  # cases that have ended


class Forecast(NamedTuple):
    """A case and what the others foretold of it.

    Attributes
    ----------
    case : str
    days : float
    ended : bool
    law : str
    transform : (float, float)
        The probability that the forecast gave to a time as short or shorter, twice; from there to 1 if the case had not ended.
    gain : float
        By how much the logarithm of what the forecast gave to what happened is higher than that of an exponential law fitted to the same cases.
    """

    case: str
    days: float
    ended: bool
    law: str
    transform: tuple[float, float]
    gain: float

    def inside(self, share: float) -> bool | None:
        """Say whether it lies in the middle band of a share; None if it may yet."""
        low, high = (1 - share) / 2, (1 + share) / 2
        first, last = self.transform
        if first > high or last < low:
            return False
        return True if low <= first and last <= high else None


class Validation(NamedTuple):
    """A rate held against its own cases, one left out at a time."""

    rate: Rate
    forecasts: list[Forecast]

    def covered(self, share: float) -> tuple[Estimate, int]:
        """Give the share of cases inside the middle band of a share, with its interval, and of how many that is known."""
        known = [each for each in (forecast.inside(share) for forecast in self.forecasts) if each is not None]
        return wilson(sum(known), len(known)), len(known)

    @property
    def gain(self) -> Estimate:
        """The mean gain over an exponential law, in natural units, with its normal interval."""
        gains = [each.gain for each in self.forecasts]
        n, mean = len(gains), math.fsum(gains) / len(gains)
        half = Z * math.sqrt(math.fsum((each - mean) ** 2 for each in gains) / (n - 1) / n)
        return Estimate(mean, mean - half, mean + half)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data for JSON."""
        bands = {f"{share:.0%}": {**self.covered(share)[0]._asdict(), "known": self.covered(share)[1]} for share in BANDS}
        return {"n": self.rate.n, "inside": bands, "gain": self.gain._asdict(), "cases": [each._asdict() for each in self.forecasts]}


def validate(rates: dict[str, Rate]) -> dict[str, Validation]:
    """Leave out one case at a time of every rate to a return of which at least five cases have ended.

    Raises
    ------
    AskedError
        If lifelines is not there.
    """
    whole = {name: rate for name, rate in rates.items() if name.endswith("_to_return") and "agreement" not in name}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of a law far from what happened
        found = {name: [_forecast(rate, place) for place in range(rate.n)] for name, rate in whole.items() if rate.n - rate.open >= LEAST}
    told = {name: [each for each in forecasts if each is not None] for name, forecasts in found.items()}
    return {name: Validation(whole[name], forecasts) for name, forecasts in told.items() if len(forecasts) >= LEAST}


def _forecast(rate: Rate, place: int) -> Forecast | None:
    """Forecast a case from those of other crises; None if no law fits them."""
    fits = rate.without(rate.cases[place]).fits
    plain = next((fit for fit in fits if fit.law == "exponential"), None)
    if plain is None:
        return None
    best = fits[0]
    days, ended = float(rate.days[place]), bool(rate.ended[place])
    share = float(best.distribution.cdf(days))
    return Forecast(
        rate.cases[place], days, ended, best.law, (share, share if ended else 1.0), _score(best, days, ended) - _score(plain, days, ended)
    )


def _score(fit: Fit, days: float, ended: bool) -> float:
    """Give the logarithm of the density of a time, or of the probability of one that is longer."""
    law = fit.distribution
    return float(law.logpdf(days) if ended else law.logsf(days))

"""The laws of delay as distributions, and the quantile tables from which both steppers draw.

A `Distribution` gives quantile, cdf, survival, density and mean with NumPy arrays, in ticks. A draw is not computed
from these: no processor's logarithm may decide a result. Each *shape* (a family less its scale: every exponential
is one shape) has a table of its quantile function whose nodes are rounded to 40 bits, and a draw is a piece of it.
Between nodes the quantile is a cubic with the right slopes at both ends. The nodes halve towards 0 and towards 1,
with 64 cells in each of 57 octaves on each side, so that the relative error is the same in the body and in the tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escsim.delays import Delay, Empirical, Exponential, Gamma, Law, Lognormal, SpreadLaw, Triangular, Uniform, Weibull
from escsim.times import Span

Floats = NDArray[np.float64]

OCTAVES, CELLS = 57, 64
TABLE, TRIANGULAR, STEP, LINEAR, ABSOLUTE = range(5)  # how a delay is drawn: from a table, by formula, from points, or not at all
NEVER = 1 << 55  # a delay this long does not end: 1,141 years


@dataclass(frozen=True)
class Distribution:
    """A law of delay; times are in ticks, `p` and `q` are probabilities in (0, 1).

    `quantile(p)` and `upper(q)` give the time t with P(T <= t) = p and with P(T > t) = q: two functions, because
    1 - q cannot be told from 1 when q is small.
    """

    def quantile(self, p: Any) -> Floats:
        """Give the time that is not exceeded with probability p."""
        raise NotImplementedError

    def upper(self, q: Any) -> Floats:
        """Give the time that is exceeded with probability q."""
        raise NotImplementedError

    def survival(self, t: Any) -> Floats:
        """Give the probability that it takes longer than t."""
        raise NotImplementedError

    def cdf(self, t: Any) -> Floats:
        """Give the probability that it takes at most t."""
        return 1.0 - self.survival(t)

    def density(self, t: Any) -> Floats:
        """Give the density at t, per tick."""
        raise NotImplementedError

    @property
    def mean(self) -> float:
        """The mean, in ticks."""
        raise NotImplementedError


@dataclass(frozen=True)
class WeibullDelay(Distribution):
    """Weibull with shape k and scale s; k = 1 is the exponential. Survival is exp(-(t/s)^k)."""

    k: float
    s: float = 1.0

    def quantile(self, p: Any) -> Floats:
        return np.asarray(self.s * (-np.log1p(-np.asarray(p))) ** (1 / self.k))

    def upper(self, q: Any) -> Floats:
        return np.asarray(self.s * (-np.log(q)) ** (1 / self.k))

    def survival(self, t: Any) -> Floats:
        return np.asarray(np.exp(-((np.maximum(t, 0.0) / self.s) ** self.k)))

    def cdf(self, t: Any) -> Floats:
        return np.asarray(-np.expm1(-((np.maximum(t, 0.0) / self.s) ** self.k)))

    def density(self, t: Any) -> Floats:
        z = np.maximum(t, 0.0) / self.s
        return np.asarray(self.k / self.s * z ** (self.k - 1) * np.exp(-(z**self.k)))

    @property
    def mean(self) -> float:
        return self.s * math.gamma(1 + 1 / self.k)


@dataclass(frozen=True)
class LognormalDelay(Distribution):
    """Lognormal: the logarithm of the time is normal with mean log(s) and standard deviation sigma."""

    sigma: float
    s: float = 1.0

    def quantile(self, p: Any) -> Floats:
        from scipy.special import ndtri

        return np.asarray(self.s * np.exp(self.sigma * ndtri(p)))

    def upper(self, q: Any) -> Floats:
        from scipy.special import ndtri

        return np.asarray(self.s * np.exp(-self.sigma * ndtri(q)))

    def _z(self, t: Any) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(t, 0.0) / self.s) / self.sigma)

    def survival(self, t: Any) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr(-self._z(t)))

    def cdf(self, t: Any) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr(self._z(t)))

    def density(self, t: Any) -> Floats:
        z = self._z(t)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.exp(-z * z / 2) / (np.asarray(t) * self.sigma * math.sqrt(2 * math.pi))
        return np.where(np.asarray(t) > 0, found, 0.0)

    @property
    def mean(self) -> float:
        return self.s * math.exp(self.sigma**2 / 2)


@dataclass(frozen=True)
class GammaDelay(Distribution):
    """Gamma with shape k and scale s: the sum of k exponential stages of mean s."""

    k: float
    s: float = 1.0

    def quantile(self, p: Any) -> Floats:
        from scipy.special import gammaincinv

        return np.asarray(self.s * gammaincinv(self.k, p))

    def upper(self, q: Any) -> Floats:
        from scipy.special import gammainccinv

        return np.asarray(self.s * gammainccinv(self.k, q))

    def survival(self, t: Any) -> Floats:
        from scipy.special import gammaincc

        return np.asarray(gammaincc(self.k, np.maximum(t, 0.0) / self.s))

    def cdf(self, t: Any) -> Floats:
        from scipy.special import gammainc

        return np.asarray(gammainc(self.k, np.maximum(t, 0.0) / self.s))

    def density(self, t: Any) -> Floats:
        z = np.maximum(t, 0.0) / self.s
        with np.errstate(divide="ignore"):
            return np.asarray(np.exp((self.k - 1) * np.log(z) - z - math.lgamma(self.k)) / self.s)

    @property
    def mean(self) -> float:
        return self.k * self.s


@dataclass(frozen=True)
class UniformDelay(Distribution):
    """Uniform between two bounds; both equal is the fixed delay."""

    low: float = 0.0
    high: float = 1.0

    def quantile(self, p: Any) -> Floats:
        return np.asarray(self.low + (self.high - self.low) * np.asarray(p))

    def upper(self, q: Any) -> Floats:
        return np.asarray(self.high - (self.high - self.low) * np.asarray(q))

    def survival(self, t: Any) -> Floats:
        if self.low == self.high:
            return np.where(np.asarray(t) < self.low, 1.0, 0.0)
        return np.clip((self.high - np.asarray(t)) / (self.high - self.low), 0.0, 1.0)

    def density(self, t: Any) -> Floats:
        inside = (np.asarray(t) >= self.low) & (np.asarray(t) <= self.high)
        return np.where(inside, 1 / (self.high - self.low) if self.high > self.low else np.inf, 0.0)

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class TriangularDelay(Distribution):
    """Triangular between `low` and `high` with its peak at `mode`."""

    low: float
    mode: float
    high: float

    @property
    def split(self) -> float:
        """The probability of a time below the mode."""
        return (self.mode - self.low) / (self.high - self.low)

    def quantile(self, p: Any) -> Floats:
        return np.where(np.asarray(p) < self.split, self._below(p), self._above(1.0 - np.asarray(p)))

    def upper(self, q: Any) -> Floats:
        return np.where(np.asarray(q) <= 1 - self.split, self._above(q), self._below(1.0 - np.asarray(q)))

    def _below(self, p: Any) -> Floats:
        return np.asarray(self.low + np.sqrt(np.asarray(p) * (self.high - self.low) * (self.mode - self.low)))

    def _above(self, q: Any) -> Floats:
        return np.asarray(self.high - np.sqrt(np.asarray(q) * (self.high - self.low) * (self.high - self.mode)))

    def survival(self, t: Any) -> Floats:
        t = np.clip(t, self.low, self.high)
        width = self.high - self.low
        with np.errstate(divide="ignore", invalid="ignore"):
            below = 1.0 - (t - self.low) ** 2 / (width * (self.mode - self.low))
            above = (self.high - t) ** 2 / (width * (self.high - self.mode))
        return np.where(t < self.mode, below, np.where(t < self.high, above, 0.0))

    def density(self, t: Any) -> Floats:
        t, width = np.asarray(t, float), self.high - self.low
        with np.errstate(divide="ignore", invalid="ignore"):
            rising = 2 * (t - self.low) / (width * (self.mode - self.low))
            falling = 2 * (self.high - t) / (width * (self.high - self.mode))
        inside = (t >= self.low) & (t <= self.high)
        return np.where(inside, np.where(t < self.mode, rising, falling if self.high > self.mode else 2 / width), 0.0)

    @property
    def mean(self) -> float:
        return (self.low + self.mode + self.high) / 3


@dataclass(frozen=True)
class EmpiricalDelay(Distribution):
    """Observed times, drawn again: as they were (`step`), or with the times between them (`linear`).

    `times` rise; `shares[i]` is P(T <= times[i]), the last of them 1. Under `linear` the first time stands at
    probability 0 and the weights belong to the stretches between neighbours.
    """

    times: tuple[float, ...]
    shares: tuple[float, ...]
    linear: bool

    def quantile(self, p: Any) -> Floats:
        if self.linear:
            return np.asarray(np.interp(p, self.shares, self.times))
        return np.take(self.times, np.minimum(np.searchsorted(self.shares, p, side="right"), len(self.times) - 1))

    def upper(self, q: Any) -> Floats:
        return self.quantile(1.0 - np.asarray(q))

    def survival(self, t: Any) -> Floats:
        if self.linear:
            return np.asarray(1.0 - np.interp(t, self.times, self.shares, left=0.0))
        return np.asarray(1.0 - np.take([0.0, *self.shares], np.searchsorted(self.times, t, side="right")))

    def density(self, t: Any) -> Floats:
        if not self.linear:
            return np.where(np.isin(t, self.times), np.inf, 0.0)
        slopes = np.diff(self.shares) / np.diff(self.times)
        place = np.clip(np.searchsorted(self.times, t, side="right") - 1, 0, len(slopes) - 1)
        inside = (np.asarray(t) >= self.times[0]) & (np.asarray(t) <= self.times[-1])
        return np.where(inside, slopes[place], 0.0)

    @property
    def mean(self) -> float:
        weights = np.diff(self.shares, prepend=0.0)
        times = np.asarray(self.times)
        if self.linear:
            return float(np.sum(weights[1:] * (times[1:] + times[:-1]) / 2))
        return float(np.sum(weights * times))


def of(delay: Delay) -> Distribution:
    """Give the distribution that a file states."""
    _, law = delay.one()
    if isinstance(law, Span):
        return UniformDelay(law.ticks, law.ticks)
    return _of_law(law, None)


def spread(law: SpreadLaw, gap: int) -> Distribution:
    """Give the distribution of a gap between dated events: the spread law with the historical gap as its mean."""
    _, stated = law.one()
    if gap == 0 or not isinstance(stated, Law):
        return UniformDelay(gap, gap)
    return _of_law(stated, float(gap))


def _of_law(law: Law, mean: float | None) -> Distribution:
    given: dict[str, Any] = {name: value.ticks if isinstance(value, Span) else value for name, value in law.given.items()}
    if mean is not None:
        given["mean"] = mean
    if isinstance(law, Uniform):
        return UniformDelay(given["low"], given["high"])
    if isinstance(law, Triangular):
        return TriangularDelay(given["low"], given["mode"], given["high"])
    if isinstance(law, Empirical):
        return _empirical(law)
    if isinstance(law, Exponential):
        if "rate" in given:
            return WeibullDelay(1.0, 1.0 / given["rate"].per_tick)
        return _scaled(WeibullDelay(1.0), given)
    quantiles = sorted((int(name[1:]) / 100, value) for name, value in given.items() if name[0] == "q")
    if quantiles:
        return _through(type(law), quantiles)
    return _scaled(_unit(type(law), given), given)


def _unit(law: type[Law], given: dict[str, Any]) -> Distribution:
    """Give the distribution of scale 1 with the stated shape or coefficient of variation (cv)."""
    cv = given.get("cv")
    if law is Lognormal:
        return LognormalDelay(given["sigma"] if cv is None else math.sqrt(math.log1p(cv * cv)))
    if law is Gamma:
        return GammaDelay(given["shape"] if cv is None else 1 / (cv * cv))
    if cv is None:
        return WeibullDelay(given["shape"])
    # cv^2 + 1 = Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 falls as k rises (Johnson, Kotz and Balakrishnan 1994, 21.3)
    return WeibullDelay(_root(lambda k: math.log1p(cv * cv) - math.lgamma(1 + 2 / k) + 2 * math.lgamma(1 + 1 / k), 0.05, 2000.0))


def _scaled(unit: Distribution, given: dict[str, Any]) -> Distribution:
    """Stretch a distribution of scale 1 to the stated scale, mean or median."""
    if "scale" in given:
        scale = given["scale"]
    elif "mean" in given:
        scale = given["mean"] / unit.mean
    else:
        scale = given["median"] / float(unit.quantile(0.5))
    return stretched(unit, float(scale))


def stretched(unit: Distribution, scale: float) -> Distribution:
    """Give a distribution of a shape with another scale."""
    return replace(unit, s=scale)  # type: ignore[call-arg]


def _through(law: type[Law], quantiles: list[tuple[float, float]]) -> Distribution:
    """Find the distribution that passes through two quantiles."""
    (low, t_low), (high, t_high) = quantiles
    ratio = math.log(t_high / t_low)
    unit: Distribution
    if law is Lognormal:
        spread_of_unit = np.log(LognormalDelay(1.0).quantile([low, high]))
        unit = LognormalDelay(float(ratio / (spread_of_unit[1] - spread_of_unit[0])))
    elif law is Weibull:
        unit = WeibullDelay(math.log(math.log1p(-high) / math.log1p(-low)) / ratio)
    else:

        def excess(k: float) -> float:
            ends = GammaDelay(k).quantile([low, high])
            return float(ratio - np.log(ends[1] / ends[0])) if ends[0] > 0 else -math.inf

        unit = GammaDelay(_root(excess, 0.01, 1e6))
    return stretched(unit, t_low / float(unit.quantile(low)))


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Find where a rising function of a positive number is 0, by halving its logarithm to the last bit."""
    for _ in range(200):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return math.sqrt(low * high)


def _empirical(law: Empirical) -> Distribution:
    weights = law.weights or (1.0,) * len(law.values)
    counted: dict[int, float] = {}
    for value, weight in sorted(zip((span.ticks for span in law.values), weights, strict=True)):
        counted[value] = counted.get(value, 0.0) + weight
    times, each = tuple(counted), np.array(list(counted.values()))
    if len(times) == 1:
        return UniformDelay(times[0], times[0])
    linear = law.interpolation == "linear"
    if linear:
        each = np.concatenate([[0.0], (each[1:] + each[:-1]) / 2])
    shares = np.cumsum(each) / each.sum()
    shares[-1] = 1.0
    return EmpiricalDelay(tuple(map(float, times)), tuple(map(float, shares)), linear)


# ---- quantile tables


@lru_cache(maxsize=64)
def table(unit: Distribution) -> Floats:
    """Tabulate the quantile function of a distribution of scale 1.

    Returns
    -------
    float, shape (2 * OCTAVES * CELLS * 4,)
        For each side (below and above the median), octave of the tail probability from 1/2 down, and cell: the four
        coefficients of a cubic in the place within the cell, 0 to 1 with rising tail probability.
    """
    octave = np.arange(OCTAVES)[:, None]
    edge = 1.0 + np.arange(CELLS + 1)[None, :] / CELLS
    tail = np.ldexp(edge, -(octave + 2))  # rows: octaves; columns: the nodes of the cells
    width = np.ldexp(1.0 / CELLS, -(octave + 2))
    coefficients = np.empty((2, OCTAVES, CELLS, 4))
    for side, value in enumerate((unit.quantile(tail), unit.upper(tail))):
        value = _rounded(value)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            slope = (1 if side == 0 else -1) * width / unit.density(value)
        rise = np.diff(value, axis=1)
        slope = _rounded(np.where(np.isfinite(slope), slope, 0.0))
        left, right = _monotone(rise, slope[:, :-1].copy(), slope[:, 1:].copy())
        coefficients[side] = np.stack([value[:, :-1], left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=2)
    return np.ascontiguousarray(coefficients.reshape(-1))


def _rounded(values: Floats) -> Floats:
    """Round to 40 significant bits, which no two mathematics libraries compute differently."""
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, 40)), exponent - 40))


def _monotone(rise: Floats, left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Keep the slopes within the circle in which a cubic stays monotone (Fritsch and Carlson 1980, SIAM J. Numer. Anal. 17(2))."""
    flat = rise == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = np.where(flat, 0.0, left / rise), np.where(flat, 0.0, right / rise)
        size = np.hypot(a, b)
    shrink = np.where(size > 3, 3 / np.maximum(size, 3), 1.0)
    return np.where(flat, 0.0, left * shrink), np.where(flat, 0.0, right * shrink)


def look_up(coefficients: Any, word: int) -> float:
    """Give the quantile that a 64-bit word stands for: the table's value at p = word / 2^64."""
    side = word >> 63
    tail = (~word if side else word) & 0x7FFF_FFFF_FFFF_FFFF
    octave = 63 - tail.bit_length()
    if octave >= OCTAVES:
        octave, tail = OCTAVES - 1, 1 << (63 - OCTAVES)
    below = 56 - octave  # bits of the tail below those that name its cell
    cell = (tail >> below) & (CELLS - 1)
    t = (tail & ((1 << below) - 1)) * 2.0**-below
    at = 4 * ((side * OCTAVES + octave) * CELLS + cell)
    c0, c1, c2, c3 = (float(each) for each in coefficients[at : at + 4])
    return ((c3 * t + c2) * t + c1) * t + c0

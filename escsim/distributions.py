"""The laws of delay as distributions, and the quantile tables from which both steppers draw.

A `Distribution` gives quantile, cdf, survival, density and mean with NumPy arrays, in ticks. A draw is not computed
from these: no processor's logarithm may decide a result. Each *shape* (a family less its scale: every exponential
is one shape) has a table of its quantile function whose nodes are rounded to 40 bits, and a draw is a piece of it.
Between two nodes the quantile is a cubic that is right at both and at two places between. The nodes halve towards 0
and towards 1, with 32 cells in each of 58 octaves on each side, so that the relative error is the same in the body
and in the tails: below 1e-8 in probability for every shape that `escsim.delays` admits.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from escsim.delays import CLOCK, Delay, Empirical, Exponential, Gamma, Law, Lognormal, Shaped, SpreadLaw, Triangular, Uniform, special
from escsim.files import kept
from escsim.times import Span

Floats = NDArray[np.float64]
S = TypeVar("S", bound="Scaled")

OCTAVES, CELLS = 58, 32
SIDE = (OCTAVES * CELLS + 1) * 4  # what a table holds for one side of the median, and one cell for the median itself
TABLE, TRIANGULAR, STEP, LINEAR, ABSOLUTE = range(5)  # how a delay is drawn: from a table, by formula, from points, or not at all
NEVER = CLOCK  # a delay this long does not end


@dataclass(frozen=True)
class Distribution:
    """A law of delay; times `t` are in ticks, `p` and `q` are probabilities from 0 to 1; each a number or an array.

    `quantile(p)` and `upper(q)` give the time t with P(T <= t) = p and with P(T > t) = q: two functions, because
    1 - q cannot be told from 1 when q is small.
    """

    def quantile(self, p: Any) -> Floats:
        """Give the time that is not exceeded with probability p."""
        raise NotImplementedError

    def upper(self, q: Any) -> Floats:
        """Give the time that is exceeded with probability q."""
        raise NotImplementedError

    def cdf(self, t: Any) -> Floats:
        """Give the probability that it takes at most t."""
        raise NotImplementedError

    def survival(self, t: Any) -> Floats:
        """Give the probability that it takes longer than t."""
        raise NotImplementedError

    def density(self, t: Any) -> Floats:
        """Give the density at t, per tick; infinite where a time has a probability of its own."""
        raise NotImplementedError

    @property
    def mean(self) -> float:
        """The mean, in ticks."""
        raise NotImplementedError


@dataclass(frozen=True)
class Scaled(Distribution):
    """A law on all times above 0 with a shape and a scale s, which stretches it."""

    shape: float
    s: float = 1.0

    def _units(self, t: Any) -> Floats:
        """Give times in units of the scale; those below 0, which are as impossible as 0, as 0."""
        return np.asarray(np.maximum(t, 0.0) / self.s)


@dataclass(frozen=True)
class WeibullDelay(Scaled):
    """Weibull: survival is exp(-(t/s)^shape). Shape 1 is the exponential."""

    def quantile(self, p: Any) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(self.s * np.abs(np.log1p(-np.asarray(p, float))) ** (1 / self.shape))

    def upper(self, q: Any) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(self.s * np.abs(np.log(q)) ** (1 / self.shape))

    def _hazard(self, t: Any) -> Floats:
        """Give the hazard gathered up to t."""
        with np.errstate(over="ignore"):
            return np.asarray(self._units(t) ** self.shape)

    def cdf(self, t: Any) -> Floats:
        return np.asarray(-np.expm1(-self._hazard(t)))

    def survival(self, t: Any) -> Floats:
        return np.asarray(np.exp(-self._hazard(t)))

    def density(self, t: Any) -> Floats:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            found = self.shape / self.s * self._units(t) ** (self.shape - 1) * np.exp(-self._hazard(t))
        return np.where((np.asarray(t) >= 0) & ~np.isnan(found), found, 0.0)  # inf * 0 far out in the tail

    @property
    def mean(self) -> float:
        return self.s * math.gamma(1 + 1 / self.shape)


@dataclass(frozen=True)
class LognormalDelay(Scaled):
    """Lognormal: the logarithm of the time is normal with mean log(s) and the shape, sigma, as standard deviation."""

    def quantile(self, p: Any) -> Floats:
        return np.asarray(self.s * np.exp(self.shape * special().ndtri(p)))

    def upper(self, q: Any) -> Floats:
        return np.asarray(self.s * np.exp(-self.shape * special().ndtri(q)))

    def _z(self, t: Any) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self._units(t)) / self.shape)

    def cdf(self, t: Any) -> Floats:
        return np.asarray(special().ndtr(self._z(t)))

    def survival(self, t: Any) -> Floats:
        return np.asarray(special().ndtr(-self._z(t)))

    def density(self, t: Any) -> Floats:
        t, z = np.asarray(t, float), self._z(t)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.exp(-z * z / 2) / (t * self.shape * math.sqrt(2 * math.pi))
        return np.where((t > 0) & ~np.isnan(found), found, 0.0)  # 0 / 0 hard by 0

    @property
    def mean(self) -> float:
        return self.s * math.exp(self.shape**2 / 2)


@dataclass(frozen=True)
class GammaDelay(Scaled):
    """Gamma: the sum of so many exponential stages of mean s as its shape says."""

    def quantile(self, p: Any) -> Floats:
        return np.asarray(self.s * special().gammaincinv(self.shape, p))

    def upper(self, q: Any) -> Floats:
        return np.asarray(self.s * special().gammainccinv(self.shape, q))

    def cdf(self, t: Any) -> Floats:
        return np.asarray(special().gammainc(self.shape, self._units(t)))

    def survival(self, t: Any) -> Floats:
        return np.asarray(special().gammaincc(self.shape, self._units(t)))

    def density(self, t: Any) -> Floats:
        k, z = self.shape, self._units(t)
        with np.errstate(invalid="ignore"):
            found = np.exp(special().xlogy(k - 1, z) - z - math.lgamma(k)) / self.s
        return np.where((np.asarray(t) >= 0) & ~np.isnan(found), found, 0.0)  # inf - inf at the end of time

    @property
    def mean(self) -> float:
        return self.shape * self.s


@dataclass(frozen=True)
class UniformDelay(Distribution):
    """Uniform between two bounds; both equal is the fixed delay."""

    low: float = 0.0
    high: float = 1.0

    def quantile(self, p: Any) -> Floats:
        return np.asarray(self.low + (self.high - self.low) * np.asarray(p))

    def upper(self, q: Any) -> Floats:
        return np.asarray(self.high - (self.high - self.low) * np.asarray(q))

    def cdf(self, t: Any) -> Floats:
        if self.low == self.high:
            return np.where(np.asarray(t) < self.low, 0.0, 1.0)
        return np.asarray(np.clip((np.asarray(t) - self.low) / (self.high - self.low), 0.0, 1.0))

    def survival(self, t: Any) -> Floats:
        if self.low == self.high:
            return np.where(np.asarray(t) < self.low, 1.0, 0.0)
        return np.asarray(np.clip((self.high - np.asarray(t)) / (self.high - self.low), 0.0, 1.0))

    def density(self, t: Any) -> Floats:
        inside = (np.asarray(t) >= self.low) & (np.asarray(t) <= self.high)
        return np.where(inside, 1 / (self.high - self.low) if self.high > self.low else np.inf, 0.0)

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class TriangularDelay(Distribution):
    """Triangular between `low` and `high` with its peak at `mode`, which may be one of them."""

    low: float
    mode: float
    high: float

    @property
    def split(self) -> float:
        """The probability of a time below the mode."""
        return (self.mode - self.low) / (self.high - self.low)

    def quantile(self, p: Any) -> Floats:
        p = np.asarray(p)
        return np.where(p < self.split, self._below(p), self._above(1.0 - p))

    def upper(self, q: Any) -> Floats:
        q = np.asarray(q)
        return np.where(q <= 1 - self.split, self._above(q), self._below(1.0 - q))

    def _below(self, p: Any) -> Floats:
        return np.asarray(self.low + np.sqrt(p * (self.high - self.low) * (self.mode - self.low)))

    def _above(self, q: Any) -> Floats:
        return np.asarray(self.high - np.sqrt(q * (self.high - self.low) * (self.high - self.mode)))

    def _parts(self, t: Any) -> tuple[Any, Floats, Floats]:
        """Give whether each time lies below the mode, and what is left of it and right of it, where that is on its side."""
        t = np.clip(np.asarray(t, float), self.low, self.high)
        width = self.high - self.low
        left = (t - self.low) ** 2 / (width * (self.mode - self.low or 1.0))  # the side that is not there is not asked
        right = (self.high - t) ** 2 / (width * (self.high - self.mode or 1.0))
        return t < self.mode, left, right

    def cdf(self, t: Any) -> Floats:
        before, left, right = self._parts(t)
        return np.where(before, left, np.where(np.asarray(t) < self.high, 1.0 - right, 1.0))

    def survival(self, t: Any) -> Floats:
        before, left, right = self._parts(t)
        return np.where(before, 1.0 - left, np.where(np.asarray(t) < self.high, right, 0.0))

    def density(self, t: Any) -> Floats:
        t, width = np.asarray(t, float), self.high - self.low
        rising = 2 * (t - self.low) / (width * (self.mode - self.low or 1.0))
        falling = 2 * (self.high - t) / (width * (self.high - self.mode or 1.0))
        inside = (t >= self.low) & (t <= self.high)
        return np.where(inside, np.where(t < self.mode, rising, falling if self.high > self.mode else 2 / width), 0.0)

    @property
    def mean(self) -> float:
        return (self.low + self.mode + self.high) / 3


@dataclass(frozen=True)
class EmpiricalDelay(Distribution):
    """Observed times, drawn again: as they were (`step`), or with the times between them (`linear`).

    `times` rise; `shares[i]` is P(T <= times[i]), the last of them 1. Under `linear` the first time stands at
    probability 0 and the weights belong to the stretches between neighbours. There are two times at least.
    """

    times: tuple[float, ...]
    shares: tuple[float, ...]
    linear: bool

    def quantile(self, p: Any) -> Floats:
        if self.linear:
            return np.asarray(np.interp(p, self.shares, self.times))
        place = np.searchsorted(self.shares, p, side="right")
        return np.asarray(np.take(self.times, np.minimum(place, len(self.times) - 1)))

    def upper(self, q: Any) -> Floats:
        return self.quantile(1.0 - np.asarray(q))

    def cdf(self, t: Any) -> Floats:
        if self.linear:
            return np.asarray(np.interp(t, self.times, self.shares))
        return np.asarray(np.take([0.0, *self.shares], np.searchsorted(self.times, t, side="right")))

    def survival(self, t: Any) -> Floats:
        return np.asarray(1.0 - self.cdf(t))

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
        return UniformDelay(float(law.ticks), float(law.ticks))
    return _of_law(law, None)


def spread(law: SpreadLaw, gap: int) -> Distribution:
    """Give the distribution of a gap between dated events: the spread law with the historical gap as its mean."""
    _, stated = law.one()
    if gap == 0 or not isinstance(stated, Law):
        return UniformDelay(float(gap), float(gap))
    return _of_law(stated, float(gap))


def _of_law(law: Law, mean: float | None) -> Distribution:
    if isinstance(law, Uniform):
        return UniformDelay(float(law.low.ticks), float(law.high.ticks))
    if isinstance(law, Triangular):
        return TriangularDelay(float(law.low.ticks), float(law.mode.ticks), float(law.high.ticks))
    if isinstance(law, Empirical):
        return _empirical(law)
    if isinstance(law, Exponential):
        return WeibullDelay(1.0, law.average() if mean is None else mean)
    assert isinstance(law, Shaped)
    kind = LognormalDelay if isinstance(law, Lognormal) else GammaDelay if isinstance(law, Gamma) else WeibullDelay
    return kind(*law.solved(mean))


def stretched(unit: S, scale: float) -> S:
    """Give a distribution of a shape with another scale."""
    return replace(unit, s=scale)


def _empirical(law: Empirical) -> Distribution:
    weights = law.weights or (1.0,) * len(law.values)
    counted: dict[int, float] = {}
    for value, weight in sorted(zip((span.ticks for span in law.values), weights, strict=True)):
        counted[value] = counted.get(value, 0.0) + weight / max(weights)  # only their proportions count, and sums stay finite
    if len(counted) == 1:
        (only,) = counted
        return UniformDelay(float(only), float(only))
    each = np.array(list(counted.values()))
    linear = law.interpolation == "linear"
    if linear:
        each = np.concatenate([[0.0], (each[1:] + each[:-1]) / 2])
    shares = np.cumsum(each)
    return EmpiricalDelay(tuple(map(float, counted)), tuple(map(float, shares / shares[-1])), linear)


# ---- quantile tables

NODE = 40  # bits
NEAR = 1 - math.sqrt(0.5)  # places of the two inner points from either end: the error is then least (Chebyshev, zeros stretched to the ends)


@lru_cache(maxsize=64)
def table(unit: Distribution) -> Floats:
    """Tabulate the quantile function of a distribution of scale 1; those that take SciPy are kept on disk.

    Returns
    -------
    float, shape (2 * SIDE,)
        For each side (below and above the median), octave of the tail probability from the smallest up, and cell: the
        four coefficients of a cubic in the place within the cell, 0 to 1 with rising tail probability; then the median.
    """
    if not isinstance(unit, LognormalDelay | GammaDelay):
        return _tabulated(unit)
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return np.frombuffer(kept(f"{source} {unit!r}", lambda: _tabulated(unit).tobytes()))


def _tabulated(unit: Distribution) -> Floats:
    octave = np.arange(-OCTAVES, 0)[:, None, None] - 1
    places = (np.arange(CELLS)[:, None] + [0.0, NEAR, 1 - NEAR, 1.0]) / CELLS
    tail = np.ldexp(1.0 + places, octave)  # by octaves, cells, and places in the cell
    found = []
    for value in (_rounded(unit.quantile(tail), NODE), _rounded(unit.upper(tail), NODE)):
        start, first, second, end = np.moveaxis(value, 2, 0)
        rise = end - start
        # start + rise t + t (1 - t) (a + b t), right at the two inner places; a bend less than what rounding makes is none
        bends = np.stack([first - start - rise * NEAR, second - start - rise * (1 - NEAR)])
        near, far = np.where(np.abs(bends).max(axis=0) <= np.maximum(start, end) * 2.0 ** (2 - NODE), 0.0, bends) / (NEAR * (1 - NEAR))
        b = (far - near) / (1 - 2 * NEAR)
        a = near - b * NEAR
        left, right = _monotone(rise, rise + a, rise - a - b)
        found.append(np.stack([start, left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=2).ravel())
        found.append(np.array([end[-1, -1], 0.0, 0.0, 0.0]))
    return np.concatenate(found)


def _rounded(values: Floats, bits: int) -> Floats:
    """Round to so many significant bits, so that mathematics libraries which differ in the last ones give the same."""
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits))


def _monotone(rise: Floats, left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Keep the slopes within the circle in which a cubic stays monotone (Fritsch and Carlson 1980, SIAM J. Numer. Anal. 17(2))."""
    flat = rise == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = np.where(flat, 0.0, left / rise), np.where(flat, 0.0, right / rise)
        size = np.sqrt(a * a + b * b)  # exact to the bit everywhere, which `hypot` is not
    shrink = np.where(size > 3, 3 / np.maximum(size, 3), 1.0)
    return np.where(flat, 0.0, left * shrink), np.where(flat, 0.0, right * shrink)


def look_up(coefficients: Any, word: int) -> float:
    """Give the quantile that a 64-bit word stands for: the table's value at p = word / 2^64."""
    side = word >> 63
    tail = (~word if side else word) & 0x7FFF_FFFF_FFFF_FFC0 | 32  # the middle of 64 words, so that it is never 0
    mantissa, octave = math.frexp(float(tail))  # the tail as a float tells octave, cell and the place in it
    cell, t = divmod((2 * mantissa - 1) * CELLS, 1.0)
    at = side * SIDE + 4 * ((octave - (64 - OCTAVES)) * CELLS + int(cell))
    c0, c1, c2, c3 = (float(each) for each in coefficients[at : at + 4])
    square = t * t
    return (c0 + c2 * square) + (c1 + c3 * square) * t

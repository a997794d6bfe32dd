"""Intervals: how far a number from a sample may be from the truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution: 95 % intervals


class Estimate(NamedTuple):
    """A number with its 95 % interval."""

    estimate: float
    low: float
    high: float


def wilson(count: int, n: int) -> Estimate:
    """Give the share of `count` in `n` independent cases with Wilson's score interval.

    Unlike the plain one it stays within 0 and 1, and is not a point where count is 0 or n.
    Source: Wilson 1927, Journal of the American Statistical Association 22(158), 209-212; Brown, Cai and DasGupta
    2001, Statistical Science 16(2), 101-133.

    Raises
    ------
    ValueError
        If there are no cases, or more counted than there are.
    """
    if not 0 <= count <= n or n == 0:
        raise ValueError(f"{count} of {n} is no share")
    share = count / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == n else min(1.0, centre + half)
    return Estimate(share, low, high)


def enough(precision: float) -> int:
    """Give how many cases it takes for every share's interval, Wilson's, to reach no further than `precision` to either side."""
    return max(1, math.ceil(Z * Z / (4 * precision * precision) - Z * Z))


def rank(share: float, n: int) -> tuple[int, int, int]:
    """Give which of n sorted values bound a quantile with 95 %, and which is it: the low one, it, the high one, from 1 on.

    0 and n + 1 say that there are too few values for one of them to bound it.
    Source: David and Nagaraja 2003, Order Statistics, 7.1, with the normal distribution for the binomial.
    """
    half = Z * math.sqrt(n * share * (1 - share))
    return max(0, math.floor(n * share - half)), max(1, math.ceil(n * share)), min(n + 1, math.ceil(n * share + half) + 1)


def mean(counts: NDArray[np.int64], beyond: float = 0.0, unit: float = 1.0) -> Estimate:
    """Give the mean of numbers with its normal interval; a single number says nothing of how far they vary.

    Parameters
    ----------
    counts : int64
        How many of the numbers are 0 or a part more, how many 1 or a part more, and so on.
    beyond : float
        The sum of these parts.
    unit : float
        What is to be multiplied by.
    """
    n, values = int(counts.sum()), counts.nonzero()[0].tolist()
    total = sum(value * int(counts[value]) for value in values)
    squares = sum(value**2 * int(counts[value]) for value in values)
    average = (total + beyond) / n
    if n < 2:
        return Estimate(average * unit, 0.0, len(counts) * unit)
    half = Z * math.sqrt(max(0.0, squares / n - (total / n) ** 2) / (n - 1))
    return Estimate(average * unit, (average - half) * unit, (average + half) * unit)


def kaplan_meier(events: NDArray[np.int64], censored: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give the share to whom something has not come about yet, after each unit of time, with the bounds of its 95 % interval.

    Who is censored in a unit is at risk in it. Bounds by Greenwood's variance of the logarithm of minus the logarithm.
    Source: Kaplan and Meier 1958, Journal of the American Statistical Association 53(282), 457-481; Kalbfleisch and
    Prentice 2002, The Statistical Analysis of Failure Time Data, 1.4.

    Parameters
    ----------
    events, censored : int64, shape (units,)
        To how many it comes about in each unit of time, and how many are watched for so long in vain.

    Returns
    -------
    survival, low, high : float64, shape (units,)
    """
    import numpy as np  # not where only shares are told

    leaving = events + censored
    risk = leaving.sum() - np.cumsum(leaving) + leaving
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.cumprod(np.where(events > 0, 1 - events / risk, 1.0)).astype(float)
        variance = np.cumsum(np.where(events > 0, events / (risk * (risk - events)), 0.0))
        half = Z * np.sqrt(variance) / np.log(survival)
        low, high = survival ** np.exp(-half), survival ** np.exp(half)
    certain = (survival == 1) | (survival == 0)
    return survival, np.where(certain, survival, low), np.where(certain, survival, high)


def paired_share(both: int, gained: int, lost: int, n: int) -> Estimate:
    """Give the difference of two shares of the same n cases: of `both + gained` and of `both + lost`.

    Unlike the normal interval it is no point where no case differs, and stays within -1 and 1.
    Source: Newcombe 1998, Statistics in Medicine 17(22), 2635-2650, method 8.
    """
    one, other = wilson(both + gained, n), wilson(both + lost, n)
    neither = n - both - gained - lost
    spread = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    tied = (both * neither - gained * lost) / math.sqrt(spread) if spread else 0.0
    found = one.estimate - other.estimate

    def half(first: float, second: float) -> float:
        return math.sqrt(max(0.0, first * first - 2 * tied * first * second + second * second))

    low = half(one.estimate - one.low, other.high - other.estimate)
    high = half(one.high - one.estimate, other.estimate - other.low)
    return Estimate(found, max(-1.0, found - low), min(1.0, found + high))


def paired_mean(total: int, squares: int, n: int, most: float = math.inf) -> Estimate:
    """Give the mean of n differences of which the sum and the sum of squares are known, with its normal interval.

    A single difference says nothing of how far they vary; none is larger than `most`.
    """
    average = total / n
    if n < 2:
        return Estimate(average, -most, most)
    half = Z * math.sqrt(max(0.0, squares / n - average * average) / (n - 1))
    return Estimate(average, average - half, average + half)

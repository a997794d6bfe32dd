"""Intervals: how far a number from a sample may be from the truth."""

from __future__ import annotations

import math
from typing import NamedTuple

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

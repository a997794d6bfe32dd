"""Laws of delay: closed forms against scipy, and the tables from which both steppers draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from escsim.delays import Delay, SpreadLaw
from escsim.distributions import (
    Distribution,
    EmpiricalDelay,
    GammaDelay,
    LognormalDelay,
    TriangularDelay,
    UniformDelay,
    WeibullDelay,
    look_up,
    of,
    spread,
    table,
)
from escsim.times import TICKS_A_DAY

SHAPES = [
    *(WeibullDelay(k) for k in (0.2, 0.5, 1.0, 1.5, 5.0, 100.0)),
    *(LognormalDelay(sigma) for sigma in (0.01, 0.6, 1.5, 5.0)),
    *(GammaDelay(k) for k in (0.2, 0.3, 2.0, 4.0, 50.0, 1000.0)),
    UniformDelay(),
]
RIVALS = [
    (WeibullDelay(1.5, 5.0), stats.weibull_min(1.5, scale=5.0)),
    (LognormalDelay(0.6, 2.0), stats.lognorm(0.6, scale=2.0)),
    (GammaDelay(2.0, 5.0), stats.gamma(2.0, scale=5.0)),
    (UniformDelay(1.0, 4.0), stats.uniform(1.0, 3.0)),
    (TriangularDelay(1.0, 2.0, 5.0), stats.triang(0.25, loc=1.0, scale=4.0)),
]


def words() -> list[int]:
    """Words over the whole range and far into both tails, in order."""
    rng = np.random.default_rng(1)
    u = np.concatenate([rng.random(4000), 2.0 ** -rng.uniform(1, 50, 2000), 1 - 2.0 ** -rng.uniform(1, 50, 2000)])
    return sorted(min(int(x * 2.0**64), 2**64 - 1) for x in u)


@pytest.mark.parametrize("unit", SHAPES, ids=str)
def test_a_table_is_within_1e_8_of_the_law_and_never_falls(unit: Distribution) -> None:
    """A table that is too coarse, wrong slopes, sides or octaves mixed up."""
    drawn = words()
    values = np.array([look_up(table(unit), word) for word in drawn])
    p = np.array([word / 2**64 for word in drawn])
    q = np.array([(2**64 - word) / 2**64 for word in drawn])
    error = np.where(p < 0.5, np.abs(unit.cdf(values) - p), np.abs(unit.survival(values) - q))
    assert error.max() < 1e-8
    assert (np.diff(values) >= 0).all()


@pytest.mark.parametrize(("law", "rival"), RIVALS, ids=lambda each: type(each).__name__)
def test_a_law_agrees_with_scipy(law: Distribution, rival: stats.rv_continuous) -> None:
    p = np.linspace(0.01, 0.99, 41)
    t = rival.ppf(p)
    np.testing.assert_allclose(law.quantile(p), t, rtol=1e-10)
    np.testing.assert_allclose(law.upper(p), rival.isf(p), rtol=1e-10)
    np.testing.assert_allclose(law.cdf(t), p, rtol=1e-10)
    np.testing.assert_allclose(law.survival(t), 1 - p, rtol=1e-9)
    np.testing.assert_allclose(law.density(t), rival.pdf(t), rtol=1e-9)
    assert law.mean == pytest.approx(rival.mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("said", "p", "days"),
    [
        ({"exponential": {"mean": "3 days"}}, 1 - math.exp(-1), 3.0),
        ({"exponential": {"rate": "0.2 per day"}}, 1 - math.exp(-1), 5.0),
        ({"exponential": {"median": "2 days"}}, 0.5, 2.0),
        ({"weibull": {"shape": 1.5, "scale": "5 days"}}, 1 - math.exp(-1), 5.0),
        ({"weibull": {"shape": 1.5, "median": "5 days"}}, 0.5, 5.0),
        ({"weibull": {"q10": "1 day", "q90": "9 days"}}, 0.9, 9.0),
        ({"lognormal": {"median": "1 day", "sigma": 0.6}}, stats.norm.cdf(1), math.exp(0.6)),
        ({"lognormal": {"q25": "42 days", "q75": "306 days"}}, 0.25, 42.0),
        ({"gamma": {"q10": "1 day", "q90": "9 days"}}, 0.1, 1.0),
        ({"gamma": {"shape": 2, "median": "4 days"}}, 0.5, 4.0),
        ({"uniform": {"low": "1 day", "high": "3 days"}}, 0.25, 1.5),
        ({"fixed": "7 days"}, 0.3, 7.0),
    ],
    ids=str,
)
def test_parameters_mean_what_they_say(said: dict[str, object], p: float, days: float) -> None:
    assert float(of(Delay.model_validate(said)).quantile(p)) / TICKS_A_DAY == pytest.approx(days, rel=1e-9)


@pytest.mark.parametrize("law", ["weibull", "lognormal", "gamma"])
@pytest.mark.parametrize("cv", [0.3, 0.5, 1.0, 2.0])
def test_mean_and_cv_are_mean_and_cv(law: str, cv: float) -> None:
    made = of(Delay.model_validate({law: {"mean": "4 days", "cv": cv}}))
    grid = (np.arange(400_000) + 0.5) / 400_000
    sample = made.quantile(grid) / TICKS_A_DAY
    assert made.mean / TICKS_A_DAY == pytest.approx(4.0)
    assert sample.std() / sample.mean() == pytest.approx(cv, rel=0.02)


def test_a_spread_has_the_gap_as_its_mean_and_leaves_a_gap_of_nothing() -> None:
    law = SpreadLaw.model_validate({"gamma": {"cv": 0.5}})
    assert spread(law, 4 * TICKS_A_DAY).mean == pytest.approx(4 * TICKS_A_DAY)
    assert spread(law, 0) == UniformDelay(0, 0)
    assert spread(SpreadLaw.model_validate("none"), 5) == UniformDelay(5, 5)


def test_empirical_times_come_as_they_were_or_with_those_between() -> None:
    step = of(Delay.model_validate({"empirical": {"values": ["1 day", "3 days", "9 days"], "weights": [2, 1, 1], "interpolation": "step"}}))
    assert isinstance(step, EmpiricalDelay)
    np.testing.assert_array_equal(step.quantile([0.0, 0.49, 0.5, 0.74, 0.75, 0.99]) / TICKS_A_DAY, [1, 1, 3, 3, 9, 9])
    assert step.mean / TICKS_A_DAY == pytest.approx((2 * 1 + 3 + 9) / 4)
    assert float(step.cdf(3 * TICKS_A_DAY)) == pytest.approx(0.75)
    linear = of(Delay.model_validate({"empirical": {"values": ["1 day", "3 days", "9 days"]}}))
    np.testing.assert_allclose(linear.quantile([0.25, 0.5, 0.75]) / TICKS_A_DAY, [2, 3, 6])
    np.testing.assert_allclose(linear.survival(np.array([0.0, 2, 3, 9]) * TICKS_A_DAY), [1, 0.75, 0.5, 0])
    assert linear.mean / TICKS_A_DAY == pytest.approx(0.5 * 2 + 0.5 * 6)

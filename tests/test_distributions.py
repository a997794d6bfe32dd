"""Laws of delay: closed forms against scipy, and the tables from which both steppers draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from escsim.delays import LAWS, Delay, Gamma, Lognormal, Shaped, SpreadLaw, Weibull
from escsim.distributions import (
    CELLS,
    NODE,
    OCTAVES,
    SIDE,
    Distribution,
    EmpiricalDelay,
    GammaDelay,
    LognormalDelay,
    Scaled,
    TriangularDelay,
    UniformDelay,
    WeibullDelay,
    look_up,
    of,
    spread,
    stretched,
    table,
)
from escsim.times import TICKS_A_DAY

# Beside each shape what scipy.stats makes of it; the first and the last of each law are the extreme ones that are admitted.
TABLES: list[tuple[Distribution, Any]] = [
    *((WeibullDelay(k), stats.weibull_min(k)) for k in (0.2, 0.5, 1.0, 1.5, 5.0, 20.0, 100.0)),
    *((LognormalDelay(sigma), stats.lognorm(sigma)) for sigma in (4.0, 2.4, 1.5, 0.6, 0.1, 0.01)),
    *((GammaDelay(k), stats.gamma(k)) for k in (0.2, 0.3, 0.9, 1.0, 2.0, 4.0, 50.0, 1000.0, 10_000.0)),
    (UniformDelay(), stats.uniform()),
]
LAWS_AND_RIVALS: list[tuple[Distribution, Any]] = [
    (WeibullDelay(1.5, 5.0), stats.weibull_min(1.5, scale=5.0)),
    (WeibullDelay(1.0, 3.0), stats.expon(scale=3.0)),
    (WeibullDelay(0.2, 7.0), stats.weibull_min(0.2, scale=7.0)),
    (WeibullDelay(100.0, 7.0), stats.weibull_min(100.0, scale=7.0)),
    (LognormalDelay(0.6, 2.0), stats.lognorm(0.6, scale=2.0)),
    (LognormalDelay(4.0, 2.0), stats.lognorm(4.0, scale=2.0)),
    (LognormalDelay(0.01, 2.0), stats.lognorm(0.01, scale=2.0)),
    (GammaDelay(2.0, 5.0), stats.gamma(2.0, scale=5.0)),
    (GammaDelay(1.0, 5.0), stats.gamma(1.0, scale=5.0)),
    (GammaDelay(0.2, 5.0), stats.gamma(0.2, scale=5.0)),
    (GammaDelay(10_000.0, 5.0), stats.gamma(10_000.0, scale=5.0)),
    (UniformDelay(1.0, 4.0), stats.uniform(1.0, 3.0)),
    (UniformDelay(0.0, 4.0), stats.uniform(0.0, 4.0)),
    (TriangularDelay(1.0, 2.0, 5.0), stats.triang(0.25, loc=1.0, scale=4.0)),
    (TriangularDelay(1.0, 1.0, 5.0), stats.triang(0.0, loc=1.0, scale=4.0)),
    (TriangularDelay(1.0, 5.0, 5.0), stats.triang(1.0, loc=1.0, scale=4.0)),
    (TriangularDelay(0.0, 0.0, 2.0), stats.triang(0.0, loc=0.0, scale=2.0)),
    (EmpiricalDelay((1.0, 3.0, 9.0), (0.0, 0.5, 1.0), True), stats.rv_histogram(([0.5, 0.5], [1.0, 3.0, 9.0]), density=False)),
]
TOP = 2**64 - 1
MIDDLE = 2**63


def words() -> list[int]:
    """Words over the whole range, at the edges of octaves and cells, and far into both tails, in order."""
    rng = np.random.default_rng(1)
    found = [int(x * 2.0**64) for x in rng.random(1500)]
    tails = [int(x) for x in 2.0 ** (64 - rng.uniform(1, 57, 1000))]
    tails += [(1 << bit) + by for bit in range(7, 63) for by in (-1, 0, 1, 1 << (bit - 6), (1 << (bit - 5)) - 1)] + [0, 1, MIDDLE - 1]
    return sorted({*found, *tails, *(TOP - tail for tail in tails)})


WORDS = words()


def drawn(unit: Distribution) -> np.ndarray[Any, np.dtype[np.float64]]:
    coefficients = table(unit).tolist()
    return np.array([look_up(coefficients, word) for word in WORDS])


@pytest.mark.parametrize(("unit", "rival"), TABLES, ids=lambda each: str(each) if isinstance(each, Distribution) else "")
def test_a_table_is_within_1e_8_of_the_law_and_never_falls(unit: Distribution, rival: Any) -> None:
    """A table that is too coarse, wrong slopes, sides or octaves mixed up, an end that sticks out."""
    values = drawn(unit)
    low = np.array([word < MIDDLE for word in WORDS])
    tail = np.array([min(word, TOP - word) / 2**64 for word in WORDS])
    error = np.abs(np.where(low, rival.cdf(values), rival.sf(values)) - tail)
    assert error.max() < 1e-8
    if not isinstance(unit, UniformDelay):  # in the tails as exact as in the body; a bound is only as exact as a node
        assert (error <= 1e-7 * tail + 2.0**-57).all()
    assert (np.diff(values) >= 0).all()
    assert np.isfinite(values).all()
    assert values[0] >= 0


@pytest.mark.parametrize("unit", [unit for unit, _ in TABLES], ids=str)
def test_a_table_has_no_bits_in_which_libraries_differ(unit: Distribution) -> None:
    """Results that depend on the processor, or on what was built before."""
    found = table(unit)
    assert found.dtype == np.float64
    assert found.shape == (2 * SIDE,)
    assert found.flags.c_contiguous
    mantissa, _ = np.frexp(found.reshape(-1, 4)[:, 0])
    np.testing.assert_array_equal(np.ldexp(mantissa, NODE) % 1, 0)
    assert table.__wrapped__(unit).tobytes() == found.tobytes()
    exact = unit.quantile(np.ldexp(1.0 + np.arange(CELLS + 1) / CELLS, -2))
    np.testing.assert_allclose(found.reshape(2, -1, 4)[0, -CELLS - 1 :, 0], exact, rtol=2.0**-NODE)


@pytest.mark.parametrize(("unit", "rival"), TABLES, ids=lambda each: str(each) if isinstance(each, Distribution) else "")
def test_the_first_the_middle_and_the_last_word_have_a_value(unit: Distribution, rival: Any) -> None:
    """A word at an edge that falls into the wrong octave, or beyond the table."""
    coefficients = table(unit)
    last = 2.0 ** -(OCTAVES + 1)  # where the table ends
    assert look_up(coefficients, 0) == look_up(coefficients, 63) == pytest.approx(float(rival.ppf(last)), rel=1e-9)
    assert look_up(coefficients, TOP) == look_up(coefficients, TOP - 63) == pytest.approx(float(rival.isf(last)), rel=1e-9)
    for word in (MIDDLE - 1, MIDDLE):
        assert look_up(coefficients, word) == pytest.approx(float(rival.median()), rel=1e-11)
    for word in (MIDDLE // 2, TOP - MIDDLE // 2):
        assert look_up(coefficients, word) == pytest.approx(float(rival.ppf(word / 2**64)), rel=1e-11)


def test_every_shape_that_a_file_may_state_lies_between_tested_ones() -> None:
    """A range widened in the reader, for which nobody has tried the tables."""
    tested: dict[type[Distribution], list[float]] = {}
    for unit, _ in TABLES:
        if isinstance(unit, Scaled):
            tested.setdefault(type(unit), []).append(unit.shape)
    kinds: dict[type[Shaped], type[Distribution]] = {Weibull: WeibullDelay, Lognormal: LognormalDelay, Gamma: GammaDelay}
    assert set(kinds) == {law for law in LAWS.values() if issubclass(law, Shaped)}
    for law, kind in kinds.items():
        assert (tested[kind][0], tested[kind][-1]) == (law.widest, law.narrowest)


@pytest.mark.parametrize(("law", "rival"), LAWS_AND_RIVALS, ids=lambda each: str(each) if isinstance(each, Distribution) else "")
def test_a_law_agrees_with_scipy(law: Distribution, rival: Any) -> None:
    p = np.concatenate([np.linspace(0.01, 0.99, 41), [1e-12, 1e-6, 1 - 1e-6]])
    t = rival.ppf(p)
    np.testing.assert_allclose(law.quantile(p), t, rtol=1e-10)
    np.testing.assert_allclose(law.upper(p), rival.isf(p), rtol=1e-10)
    np.testing.assert_allclose(law.cdf(t), rival.cdf(t), rtol=1e-10)
    np.testing.assert_allclose(law.survival(t), rival.sf(t), rtol=1e-9)
    np.testing.assert_allclose(law.density(t), rival.pdf(t), rtol=1e-7)  # scipy's own density of a gamma law is no better
    assert law.mean == pytest.approx(rival.mean(), rel=1e-12)


@pytest.mark.parametrize(("law", "rival"), LAWS_AND_RIVALS, ids=lambda each: str(each) if isinstance(each, Distribution) else "")
def test_a_law_is_right_at_and_beyond_its_ends(law: Distribution, rival: Any) -> None:
    """A warning, a NaN or a probability outside 0 to 1 where a time is impossible."""
    low, high = rival.support()
    beyond = [-math.inf, -1e300, -1.0, -1e-300, 0.0, low, 5e-324, 1e-300, 1e30, 1e300, math.inf]
    t = np.array(sorted({*beyond, *([high, np.nextafter(high, 0), high + 1] if high < math.inf else [])}))
    with np.errstate(all="ignore"):
        cdf, survival, density = rival.cdf(t), rival.sf(t), rival.pdf(t)
    np.testing.assert_allclose(law.cdf(t), cdf, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(law.survival(t), survival, rtol=1e-9, atol=1e-15)
    assert (law.density(t[(t < low) | (t > high)]) == 0).all()
    inner = (t > low) & (t < high)
    np.testing.assert_allclose(law.density(t[inner]), np.where(np.isnan(density), 0, density)[inner], rtol=1e-9)
    at_ends = np.isin(t, [low, high]) & np.isfinite(density)
    if not isinstance(law, EmpiricalDelay):  # the histogram of scipy has no density at its upper end
        np.testing.assert_allclose(law.density(t)[at_ends], density[at_ends], rtol=1e-12)
    assert float(law.quantile(0.0)) == float(law.upper(1.0)) == low
    assert float(law.quantile(1.0)) == float(law.upper(0.0)) == high
    assert not np.signbit(law.upper(1.0))


@pytest.mark.parametrize(
    "law", [*(law for law, _ in LAWS_AND_RIVALS), UniformDelay(3.0, 3.0), EmpiricalDelay((1.0, 9.0), (0.5, 1.0), False)], ids=str
)
@pytest.mark.parametrize("method", ["quantile", "upper", "cdf", "survival", "density"])
def test_a_number_and_arrays_of_any_shape_are_answered_alike(law: Distribution, method: str) -> None:
    values = np.array([[0.0, 0.25, 0.5], [0.75, 0.9, 1.0]])
    function = getattr(law, method)
    found = function(values)
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (np.float64, (2, 3))
    one = function(0.25)
    assert isinstance(one, np.ndarray)
    assert (one.dtype, one.shape) == (np.float64, ())
    # to the last bits: NumPy takes another way through arrays than through single numbers
    np.testing.assert_allclose(found, [[float(function(float(each))) for each in row] for row in values], rtol=1e-14)
    np.testing.assert_array_equal(function([0, 1]), function(np.array([0.0, 1.0])))


def test_a_fixed_delay_is_that_time() -> None:
    law = of(Delay.model_validate("7 days"))
    due = 7.0 * TICKS_A_DAY
    assert law == UniformDelay(due, due)
    np.testing.assert_array_equal(law.quantile([0.0, 0.5, 1.0]), due)
    np.testing.assert_array_equal(law.upper([0.0, 0.5, 1.0]), due)
    t = [-1.0, 0.0, due - 1, due, due + 1]
    np.testing.assert_array_equal(law.cdf(t), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(law.survival(t), [1, 1, 1, 0, 0])
    np.testing.assert_array_equal(law.density(t), [0, 0, 0, math.inf, 0])
    assert law.mean == due
    assert of(Delay.model_validate("0 days")).mean == 0


def test_a_law_is_stretched_to_a_scale() -> None:
    assert stretched(GammaDelay(2.0, 5.0), 1.0) == GammaDelay(2.0)
    assert stretched(WeibullDelay(2.0), 5.0).mean == pytest.approx(5 * WeibullDelay(2.0).mean)
    assert WeibullDelay(2.0) != GammaDelay(2.0)  # or they would share a table


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


@pytest.mark.parametrize("cv", [0.013, 0.3, 0.5, 1.0, 2.0, 2.236])
def test_mean_and_cv_are_mean_and_cv(cv: float) -> None:
    """Moments as scipy has them, which does not know how we found the shape."""
    rivals = {"weibull": stats.weibull_min, "lognormal": stats.lognorm, "gamma": stats.gamma}
    for law, rival in rivals.items():
        made = of(Delay.model_validate({law: {"mean": "4 days", "cv": cv}}))
        assert isinstance(made, Scaled)
        assert made.mean / TICKS_A_DAY == pytest.approx(4.0, rel=1e-9)
        mean, variance = rival(made.shape, scale=made.s / TICKS_A_DAY).stats("mv")
        assert mean == pytest.approx(4.0, rel=1e-9)
        assert math.sqrt(variance) / mean == pytest.approx(cv, rel=1e-7)


@pytest.mark.parametrize("law", ["weibull", "lognormal", "gamma"])
@pytest.mark.parametrize(
    "pair",
    [{"q05": 0.5, "q95": 12}, {"q10": 1, "q50": 3}, {"q25": 2, "q75": 6}, {"q50": 3, "q90": 9}, {"q90": 9, "q95": 12}, {"q05": 1, "q10": 1.01}],
    ids=str,
)
def test_two_quantiles_are_those_of_the_law(law: str, pair: dict[str, float]) -> None:
    rival = {"weibull": stats.weibull_min, "lognormal": stats.lognorm, "gamma": stats.gamma}[law]
    made = of(Delay.model_validate({law: {name: f"{days} days" for name, days in pair.items()}}))
    assert isinstance(made, Scaled)
    for name, days in pair.items():
        assert rival(made.shape, scale=made.s / TICKS_A_DAY).ppf(int(name[1:]) / 100) == pytest.approx(days, rel=1e-8)


@pytest.mark.parametrize(("low", "high", "law"), [("q10", "q90", each) for each in ("weibull", "lognormal", "gamma")])
def test_the_widest_and_narrowest_pairs_of_quantiles_have_the_extreme_shapes(low: str, high: str, law: str) -> None:
    kind = LAWS[law]
    assert issubclass(kind, Shaped)
    for shape in (kind.widest, kind.narrowest):
        base, inside = (1, 0.9999999) if shape == kind.widest else (10_000, 1.0000001)
        times = base * inside * math.exp(kind.reach(shape, 10, 90))
        made = of(Delay.model_validate({law: {low: f"{base} seconds", high: f"{times:.6f} seconds"}}))
        assert isinstance(made, Scaled)
        assert made.shape == pytest.approx(shape, rel=1e-4)


def test_a_spread_has_the_gap_as_its_mean_and_leaves_a_gap_of_nothing() -> None:
    law = SpreadLaw.model_validate({"gamma": {"cv": 0.5}})
    assert spread(law, 4 * TICKS_A_DAY).mean == pytest.approx(4 * TICKS_A_DAY)
    assert spread(law, 0) == UniformDelay(0, 0)
    assert spread(SpreadLaw.model_validate("none"), 5) == UniformDelay(5, 5)


def test_empirical_times_come_as_they_were_or_with_those_between() -> None:
    step = of(Delay.model_validate({"empirical": {"values": ["1 day", "3 days", "9 days"], "weights": [2, 1, 1]}}))
    assert isinstance(step, EmpiricalDelay)
    np.testing.assert_array_equal(step.quantile([0.0, 0.49, 0.5, 0.74, 0.75, 0.99]) / TICKS_A_DAY, [1, 1, 3, 3, 9, 9])
    assert step.mean / TICKS_A_DAY == pytest.approx((2 * 1 + 3 + 9) / 4)
    assert float(step.cdf(3 * TICKS_A_DAY)) == pytest.approx(0.75)
    linear = of(Delay.model_validate({"empirical": {"values": ["1 day", "3 days", "9 days"], "interpolation": "linear"}}))
    np.testing.assert_allclose(linear.quantile([0.25, 0.5, 0.75]) / TICKS_A_DAY, [2, 3, 6])
    np.testing.assert_allclose(linear.survival(np.array([0.0, 2, 3, 9]) * TICKS_A_DAY), [1, 0.75, 0.5, 0])
    assert linear.mean / TICKS_A_DAY == pytest.approx(0.5 * 2 + 0.5 * 6)


def test_equal_times_and_weights_of_any_size_are_taken_together() -> None:
    """Times that are drawn twice as often as observed, and sums of weights beyond what a float holds."""
    values = ["3 days", "1 day", "3 days", "9 days"]
    for weights in ([1, 2, 1, 4], [1e300, 2e300, 1e300, 4e300], [1e-300, 2e-300, 1e-300, 4e-300], [4e307, 8e307, 4e307, 1.6e308]):
        step = of(Delay.model_validate({"empirical": {"values": values, "weights": weights, "interpolation": "step"}}))
        assert isinstance(step, EmpiricalDelay)
        assert np.array(step.times).tolist() == [day * TICKS_A_DAY for day in (1, 3, 9)]
        np.testing.assert_allclose(step.shares, [0.25, 0.5, 1.0], rtol=1e-15)
        rival = stats.rv_discrete(values=([1, 3, 9], [0.25, 0.25, 0.5]))
        days = np.array([-1.0, 0.0, 0.9, 1.0, 2.0, 3.0, 8.9, 9.0, 10.0])
        np.testing.assert_allclose(step.cdf(days * TICKS_A_DAY), rival.cdf(days), rtol=1e-14)
        np.testing.assert_allclose(step.survival(days * TICKS_A_DAY), rival.sf(days), rtol=1e-14, atol=1e-16)
        assert step.mean / TICKS_A_DAY == pytest.approx(rival.mean(), rel=1e-14)
        np.testing.assert_array_equal(step.density(days * TICKS_A_DAY), np.where(np.isin(days, [1, 3, 9]), math.inf, 0.0))
        linear = of(Delay.model_validate({"empirical": {"values": values, "weights": weights, "interpolation": "linear"}}))
        assert isinstance(linear, EmpiricalDelay)
        np.testing.assert_allclose(linear.shares, [0.0, 0.4, 1.0], rtol=1e-15)  # (2 + 2) / 2 and (2 + 4) / 2
    assert step.quantile(0.0) == step.upper(1.0) == TICKS_A_DAY
    assert step.quantile(1.0) == step.upper(0.0) == 9 * TICKS_A_DAY


def test_shares_rise_to_1_and_no_further() -> None:
    """A last share below 1, at which a draw finds no time, or one before it above."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        weights = (10.0 ** rng.uniform(-20, 20, 100)).tolist()
        values = [f"{day} days" for day in range(100)]
        for interpolation in ("step", "linear"):
            law = of(Delay.model_validate({"empirical": {"values": values, "weights": weights, "interpolation": interpolation}}))
            assert isinstance(law, EmpiricalDelay)
            assert law.shares[-1] == 1.0
            assert (np.diff(law.shares) >= 0).all()
            t = np.arange(-1.0, 102.0) * TICKS_A_DAY
            assert (np.diff(law.cdf(t)) >= 0).all()
            assert np.isfinite(law.quantile(np.linspace(0, 1, 50))).all()


def test_one_observed_time_is_a_fixed_delay() -> None:
    law = of(Delay.model_validate({"empirical": {"values": ["2 days", "48 hours"], "weights": [1, 1e300]}}))
    assert law == UniformDelay(2.0 * TICKS_A_DAY, 2.0 * TICKS_A_DAY)

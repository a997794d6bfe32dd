"""Laws of delay: which parameters determine which law, tried for every subset of them."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from escsim.delays import LAWS, Delay, Gamma, Law, Lognormal, Shaped, SpreadLaw, Weibull
from escsim.times import TICKS_A_DAY, Span

QUANTILES = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
VALUES: dict[str, Any] = {
    **{name: f"{day} days" for day, name in enumerate(QUANTILES, 1)},
    "mean": "3 days",
    "median": "2 days",
    "scale": "5 days",
    "low": "1 day",
    "mode": "2 days",
    "high": "4 days",
    "rate": "0.2 per day",
    "shape": 1.5,
    "sigma": 0.6,
    "cv": 0.5,
    "values": ["1 day", "4 days"],
    "weights": [2, 1],
    "interpolation": "step",
}
TWO_QUANTILES = [set(pair) for pair in combinations(QUANTILES, 2)]
SHAPED = [{"shape", "scale"}, {"shape", "mean"}, {"shape", "median"}, {"mean", "cv"}, *TWO_QUANTILES]
ENOUGH: dict[str, list[set[str]]] = {
    "exponential": [{"mean"}, {"median"}, {"rate"}],
    "weibull": SHAPED,
    "gamma": SHAPED,
    "lognormal": [{"median", "sigma"}, {"mean", "sigma"}, {"median", "cv"}, {"mean", "cv"}, *TWO_QUANTILES],
    "uniform": [{"low", "high"}],
    "triangular": [{"low", "mode", "high"}],
    "empirical": [{"values"} | set(more) for more in ((), ("weights",), ("interpolation",), ("weights", "interpolation"))],
}
WITHOUT_MEAN: dict[str, list[set[str]]] = {
    "exponential": [set()],
    "weibull": [{"shape"}, {"cv"}],
    "gamma": [{"shape"}, {"cv"}],
    "lognormal": [{"sigma"}, {"cv"}],
}


def faults(form: type[Delay | SpreadLaw], value: object) -> list[dict[str, Any]]:
    """Give what is wrong with a value, nothing if it is taken."""
    try:
        form.model_validate(value)
    except ValidationError as error:
        return [dict(each) for each in error.errors()]
    return []


def said(value: object, form: type[Delay | SpreadLaw] = Delay) -> tuple[str, str]:
    """Give message and remedy of the one fault of a value."""
    (fault,) = faults(form, value)
    assert fault["type"] == "escsim", fault
    assert fault["msg"] == fault["ctx"]["message"]
    return fault["ctx"]["message"], fault["ctx"]["remedy"]


def at(value: object, form: type[Delay | SpreadLaw] = Delay) -> tuple[str, ...]:
    """Give the way to the one fault of a value."""
    (fault,) = faults(form, value)
    assert fault["ctx"]["key"] is False
    return tuple(map(str, (*fault["loc"], *fault["ctx"]["at"])))


def subsets(law: type[Law]) -> Iterator[tuple[str, ...]]:
    names = list(law.model_fields)
    return chain.from_iterable(combinations(names, number) for number in range(len(names) + 1))


def test_the_laws_and_their_parameters_are_all_tried_here() -> None:
    assert set(ENOUGH) == set(LAWS)
    assert {name for law in LAWS.values() for name in law.model_fields} == set(VALUES)
    assert set(Delay.model_fields) == {*LAWS, "fixed", "rates"}
    assert set(SpreadLaw.model_fields) == {*WITHOUT_MEAN, "none"}


@pytest.mark.parametrize("name", ENOUGH)
def test_a_delay_takes_just_the_sets_of_parameters_that_determine_its_law(name: str) -> None:
    """Or a law would be over- or undetermined, and what it means would be guessed."""
    wrong = []
    for given in subsets(LAWS[name]):
        found = faults(Delay, {name: {parameter: VALUES[parameter] for parameter in given}})
        if bool(found) == (set(given) in ENOUGH[name]):
            wrong.append((given, found))
        wrong += [(given, fault) for fault in found if fault["type"] not in ("escsim", "missing")]
    assert not wrong


@pytest.mark.parametrize("name", WITHOUT_MEAN)
def test_a_spread_takes_just_the_sets_of_parameters_that_leave_the_mean_open(name: str) -> None:
    """The mean is the historical gap; a second one would contradict it."""
    wrong = []
    for given in subsets(LAWS[name]):
        found = faults(SpreadLaw, {name: {parameter: VALUES[parameter] for parameter in given}})
        if bool(found) == (set(given) in WITHOUT_MEAN[name]):
            wrong.append((given, found))
        wrong += [(given, fault) for fault in found if fault["type"] != "escsim"]
    assert not wrong


@pytest.mark.parametrize("name", ENOUGH)
def test_the_refusal_says_what_would_do(name: str) -> None:
    if name in ("uniform", "triangular", "empirical"):
        assert {fault["type"] for fault in faults(Delay, {name: {}})} == {"missing"}
    else:
        message, remedy = said({name: {}})
        assert message == "these parameters do not determine the law: none is given"
        assert remedy == "give " + ", or ".join(LAWS[name].enough)
        assert at({name: {}}) == (name,)
    assert [fault["type"] for fault in faults(Delay, {name: {**{p: VALUES[p] for p in ENOUGH[name][0]}, "scale_": 1}})] == ["extra_forbidden"]


def test_what_is_given_is_named_in_the_refusal() -> None:
    over = {"gamma": {"mean": "2 days", "shape": 2.0, "cv": 1.0}}
    assert said(over)[0] == "these parameters do not determine the law: given are shape and mean and cv"
    assert at(over) == ("gamma",)
    assert said({"gamma": {"cv": 1.0}}) == (
        "these parameters do not determine the law: given are cv",
        "give shape and scale, or shape and mean, or shape and median, or mean and cv, or two quantiles",
    )
    assert said({"gamma": {"cv": 1.0, "shape": 2.0}}, SpreadLaw) == (
        "these parameters do not determine the law: given are shape and cv",
        "give shape, or cv",
    )
    assert at({"gamma": {"cv": 1.0, "shape": 2.0}}, SpreadLaw) == ("gamma",)
    nothing = "these parameters do not determine the law: none is given"
    assert said({"lognormal": {}}, SpreadLaw) == (nothing, "give sigma, or cv")


@pytest.mark.parametrize("name", WITHOUT_MEAN)
@pytest.mark.parametrize("parameter", ["mean", "median", "scale", "rate"])
def test_a_spread_with_a_mean_of_its_own_is_told_so(name: str, parameter: str) -> None:
    if parameter in LAWS[name].model_fields:
        for more in ((), ("cv",), ("shape",), ("sigma",)):
            if set(more) <= set(LAWS[name].model_fields):
                value = {name: {each: VALUES[each] for each in (parameter, *more)}}
                assert said(value, SpreadLaw) == (
                    "a spread takes no mean, median, scale or rate",
                    "its mean is the historical gap: give only its shape, such as cv",
                )
                assert at(value, SpreadLaw) == (name,)
    else:
        assert [fault["type"] for fault in faults(SpreadLaw, {name: {parameter: VALUES[parameter]}})] == ["extra_forbidden"]


@pytest.mark.parametrize("name", ["weibull", "lognormal", "gamma"])
@pytest.mark.parametrize(("low", "high"), list(combinations(QUANTILES, 2)))
def test_a_higher_quantile_is_a_longer_time(name: str, low: str, high: str) -> None:
    assert not faults(Delay, {name: {low: "1 day", high: "25 hours"}})
    assert not faults(Delay, {name: {high: "25 hours", low: "1 day"}})
    for longer in ("1 day", "23 hours"):
        message, remedy = said({name: {low: "1 day", high: longer}})
        assert message.endswith(f" times as long as {low}, this is {1 if longer == '1 day' else '0.958333'} times")
        assert remedy == "the higher quantile must be the longer time"


@pytest.mark.parametrize(
    ("law", "parameters", "zero"),
    [
        ("exponential", {"mean": "0 days"}, "mean"),
        ("exponential", {"median": "0 days"}, "median"),
        ("weibull", {"shape": 1.5, "scale": "0 days"}, "scale"),
        ("weibull", {"q10": "0 days", "q90": "1 day"}, "q10"),
        ("gamma", {"shape": 1.5, "median": "0 seconds"}, "median"),
        ("lognormal", {"median": "0 days", "sigma": 1.0}, "median"),
        ("uniform", {"low": "0 days", "high": "0 days"}, "high"),
        ("triangular", {"low": "0 days", "mode": "0 days", "high": "0 hours"}, "high"),
    ],
)
def test_a_parameter_of_no_time_is_refused(law: str, parameters: dict[str, object], zero: str) -> None:
    found = faults(Delay, {law: parameters})
    assert f"{zero} must be above 0" in [fault["ctx"]["message"] for fault in found]


@pytest.mark.parametrize(
    "law",
    [
        {"uniform": {"low": "0 days", "high": "1 day"}},
        {"triangular": {"low": "0 days", "mode": "0 days", "high": "1 day"}},
        {"triangular": {"low": "1 day", "mode": "1 day", "high": "2 days"}},
        {"triangular": {"low": "1 day", "mode": "2 days", "high": "2 days"}},
        {"empirical": {"values": ["0 days"]}},
        {"empirical": {"values": ["4 days", "1 day", "1 day"]}},
    ],
)
def test_a_bound_or_an_observed_time_may_be_no_time(law: dict[str, object]) -> None:
    assert not faults(Delay, law)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ({"uniform": {"low": "2 days", "high": "1 day"}}, "low must be shorter than high"),
        ({"uniform": {"low": "1 day", "high": "24 hours"}}, "low must be shorter than high"),
        ({"triangular": {"low": "1 day", "mode": "5 days", "high": "4 days"}}, "low, mode and high must rise"),
        ({"triangular": {"low": "3 days", "mode": "2 days", "high": "4 days"}}, "low, mode and high must rise"),
        ({"triangular": {"low": "3 days", "mode": "3 days", "high": "3 days"}}, "low must be shorter than high"),
        ({"empirical": {"values": ["1 day", "2 days"], "weights": [1.0]}}, "1 weights for 2 values"),
        ({}, "one law is wanted, not nothing"),
        ({"fixed": "1 day", "uniform": {"low": "1 day", "high": "2 days"}}, "one law is wanted, not fixed and uniform"),
        ("1 month", "a length of time is wanted, not '1 month'"),
        (3, "a length of time is wanted, not '3'"),
        (True, "a length of time is wanted, not 'true'"),
    ],
)
def test_bounds_that_do_not_rise_and_laws_that_are_not_one_are_refused(law: object, message: str) -> None:
    assert said(law)[0] == message
    assert said(law)[1]


@pytest.mark.parametrize(
    ("law", "kind"),
    [
        ({"empirical": {"values": []}}, "too_short"),
        ({"empirical": {"values": ["1 day"] * 1001}}, "too_long"),
        ({"empirical": {"values": ["1 day"], "weights": [0.0]}}, "greater_than"),
        ({"empirical": {"values": ["1 day"], "weights": [-1.0]}}, "greater_than"),
        ({"empirical": {"values": ["1 day"], "interpolation": "cubic"}}, "literal_error"),
        ({"gamma": {"mean": "1 day", "cv": "0.5"}}, "float_type"),
        ({"gamma": {"mean": "1 day", "cv": True}}, "float_type"),
        ({"pareto": {}}, "extra_forbidden"),
        ([], "model_type"),
        (None, "model_type"),
    ],
)
def test_values_out_of_bounds_are_refused(law: object, kind: str) -> None:
    assert kind in [fault["type"] for fault in faults(Delay, law)]


@pytest.mark.parametrize("law", ["uniform", "triangular"])
def test_bounds_that_are_one_time_are_better_a_fixed_delay(law: str) -> None:
    value = {law: dict.fromkeys(LAWS[law].model_fields, "36 hours")}
    assert said(value) == ("low must be shorter than high", "for always the same time write {fixed: 1.5 days}")
    assert not faults(Delay, {"fixed": "1.5 days"})


LIMITS = [
    ("weibull", "shape", "scale", 0.2, 100),
    ("weibull", "cv", "mean", 0.013, 15.8),
    ("gamma", "shape", "scale", 0.2, 10_000),
    ("gamma", "cv", "mean", 0.01, 2.236),
    ("lognormal", "sigma", "median", 0.01, 4),
    ("lognormal", "cv", "mean", 0.01, 20),
]


@pytest.mark.parametrize(("law", "parameter", "other", "low", "high"), LIMITS)
def test_a_parameter_beyond_the_tables_is_refused_with_what_is_admitted(law: str, parameter: str, other: str, low: float, high: float) -> None:
    """A law whose table is wrong by more than 1e-8, or a refusal that leaves one guessing."""

    def both(value: float) -> list[tuple[type[Delay | SpreadLaw], dict[str, object]]]:
        return [(Delay, {law: {other: "1 day", parameter: value}}), (SpreadLaw, {law: {parameter: value}})]

    for value in (low, high):
        assert [faults(*each) for each in both(value)] == [[], []]
    for value, kind, bound in [
        (low * 0.999, "greater_than_equal", {"ge": low}),
        (0.0, "greater_than_equal", {"ge": low}),
        (-1.0, "greater_than_equal", {"ge": low}),
        (high * 1.001, "less_than_equal", {"le": high}),
        (1e300, "less_than_equal", {"le": high}),
    ]:
        for form, wrong in both(value):
            (fault,) = faults(form, wrong)
            assert (fault["type"], fault["ctx"], fault["loc"]) == (kind, bound, (law, parameter))


def test_a_cv_at_its_limits_has_a_shape_within_its_own() -> None:
    """Two ways to say the same law, of which one is refused."""
    for law, parameter, _, low, high in LIMITS:
        kind = LAWS[law]
        assert issubclass(kind, Shaped)
        if parameter == "cv":
            least, most = sorted((kind.widest, kind.narrowest))
            for cv in (low, high):
                shape = kind.shape_of(cv)
                assert least * 0.9999 <= shape <= most * 1.0001
                assert law != "weibull" or least * 1.0001 < shape < most * 0.9999  # a solver that finds nothing stops at an end


@pytest.mark.parametrize("name", ["weibull", "lognormal", "gamma"])
@pytest.mark.parametrize(("low", "high"), list(combinations(QUANTILES, 2)))
def test_two_quantiles_that_no_admitted_shape_has_are_refused_with_what_they_can_be(name: str, low: str, high: str) -> None:
    """A law whose table is wrong, or a remedy that is refused in its turn."""
    wide = {name: {low: "0.01 seconds", high: "3000 days"}}  # 2.6e10 times as long; 25 and 50 in 100 of a lognormal law are 15 apart
    message, remedy = said(wide)
    assert at(wide) == (name, high)
    close = {name: {low: "100000 seconds", high: "100001 seconds"}}
    assert said(close) == (message.replace("2.592e+10", "1.00001"), "`delay: {fixed: ...}` has no spread at all")
    assert at(close) == (name, high)
    found = re.fullmatch(rf"{high} must be ([\d.]+) to ([\d.,]+) times as long as {low}, this is 2.592e\+10 times", message)
    assert found
    least, most = (float(each.replace(",", "")) for each in found.groups())
    assert 1 < least < most
    other = re.fullmatch("a ([a-z]+) law has longer tails", remedy)
    reached = {law: said({law: {low: "0.01 seconds", high: "3000 days"}})[0] for law in ("weibull", "lognormal", "gamma")}
    longest = max(reached, key=lambda law: float(reached[law].split(" to ")[1].split(" times")[0].replace(",", "")))
    assert longest == (other[1] if other else name)
    for times in (least, most):
        assert not faults(Delay, {name: {low: "1 second", high: f"{times:.6f} seconds"}})
    assert faults(Delay, {name: {low: "1000 seconds", high: f"{1000 * (least - 1e-4):.6f} seconds"}})
    assert faults(Delay, {name: {low: "1 second", high: f"{1.02 * most:.6f} seconds"}})


@pytest.mark.parametrize(
    ("law", "parameter", "years"),
    [
        ({"exponential": {"rate": "0.000001 per week"}}, "rate", "19,165"),
        ({"exponential": {"rate": "0.000000000000000000000001 per week"}}, "rate", "2e+22"),
        ({"exponential": {"median": "300000 days"}}, "median", "1,185"),
        ({"weibull": {"shape": 0.2, "scale": "5000 days"}}, "scale", "1,643"),
        ({"weibull": {"shape": 0.2, "median": "1000 days"}}, "median", "2,053"),
        ({"lognormal": {"median": "200 days", "sigma": 4}}, "median", "1,632"),
        ({"lognormal": {"q05": "1 day", "q95": "300000 days"}}, "q95", "2,330"),
        ({"gamma": {"shape": 10, "scale": "50000 days"}}, "scale", "1,369"),
        ({"gamma": {"shape": 0.2, "median": "50000 days"}}, "median", "1,320"),
        ({"gamma": {"q10": "200 days", "q50": "200000 days"}}, "q50", "3,607"),
    ],
    ids=str,
)
def test_a_mean_beyond_the_clock_is_refused(law: dict[str, Any], parameter: str, years: str) -> None:
    """A law of which only a part can be told, whose mean is then wrong."""
    message, remedy = said(law)
    assert message == f"the mean would be {years} years, and the clock ends at 1,141"
    assert remedy == (
        "for something that never happens, leave the event out" if parameter == "rate" else "shorten it, or take a law with less spread"
    )
    assert at(law) == (next(iter(law)), parameter)


@pytest.mark.parametrize(
    ("law", "parameter"),
    [
        ({"weibull": {"shape": 2, "scale": "0.000001 seconds"}}, "scale"),
        ({"gamma": {"shape": 0.2, "scale": "0.000004 seconds"}}, "scale"),
    ],
    ids=str,
)
def test_a_mean_below_a_tick_is_refused(law: dict[str, Any], parameter: str) -> None:
    assert said(law) == ("the mean would be below a microsecond", "for no delay at all write `delay: 0 days`")
    assert at(law) == (next(iter(law)), parameter)


@pytest.mark.parametrize(
    "law",
    [
        {"exponential": {"mean": "366000 days"}},
        {"exponential": {"mean": "0.000001 seconds"}},
        {"exponential": {"rate": "0.00001 per day"}},
        {"weibull": {"shape": 0.2, "mean": "366000 days"}},
        {"weibull": {"shape": 2, "scale": "0.000002 seconds"}},
        {"lognormal": {"median": "60 days", "sigma": 4}},
        {"gamma": {"shape": 0.2, "median": "30000 days"}},
        {"gamma": {"shape": 0.2, "median": "0.000001 seconds"}},
        {"gamma": {"shape": 10_000, "median": "366000 days"}},
        {"gamma": {"shape": 0.2, "scale": "0.000005 seconds"}},
    ],
    ids=str,
)
def test_a_mean_that_the_clock_can_tell_is_taken(law: dict[str, Any]) -> None:
    assert not faults(Delay, law)


@pytest.mark.parametrize("shape", [0.2, 0.5, 1.0, 3.0, 100.0, 10_000.0])
def test_the_mean_of_a_gamma_law_is_one_to_ten_times_its_median(shape: float) -> None:
    """SciPy is loaded only where this is not enough to know that the clock can tell the mean."""
    law = Gamma.model_validate({"shape": shape, "median": Span.parse("30 days")})
    assert 30 * TICKS_A_DAY < law.average() < 300 * TICKS_A_DAY


def test_what_is_solved_for_has_no_last_bits() -> None:
    """Bits in which mathematics libraries differ, and then tables, draws and results."""
    for stated in ({"mean": "7 days", "cv": 0.7}, {"q10": "1 day", "q90": "9 days"}):
        for law in (Weibull, Lognormal, Gamma):
            shape, _ = law.model_validate({name: Span.parse(each) if isinstance(each, str) else each for name, each in stated.items()}).solved()
            assert math.ldexp(math.frexp(shape)[0], 32).is_integer()
    assert Gamma.model_validate({"shape": 0.3, "scale": Span.parse("1 day")}).solved() == (0.3, float(TICKS_A_DAY))


def test_only_two_quantiles_of_a_gamma_law_need_scipy() -> None:
    """`escsim check` waiting for a library that it has no use for."""
    program = """
import sys
from escsim.delays import LAWS, Delay, SpreadLaw
for law in ("weibull", "lognormal"):
    Delay.model_validate({law: {"q10": "1 day", "q90": "9 days"}})
Delay.model_validate({"weibull": {"mean": "1 day", "cv": 0.5}})
Delay.model_validate({"lognormal": {"mean": "1 day", "cv": 0.5}})
for more in ({"mean": "1 day", "cv": 0.5}, {"median": "1 day", "shape": 2}, {"scale": "1 day", "shape": 2}):
    Delay.model_validate({"gamma": more})
SpreadLaw.model_validate({"gamma": {"cv": 0.5}})
assert not {"numpy", "scipy"} & set(sys.modules)
Delay.model_validate({"gamma": {"q10": "1 day", "q90": "9 days"}})
assert "scipy.special" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent.parent)


def test_a_bare_time_is_a_fixed_delay() -> None:
    delay = Delay.model_validate("36 hours")
    assert delay == Delay.model_validate({"fixed": "1.5 days"})
    assert delay.one() == ("fixed", Span.parse("36 hours"))
    assert delay.model_dump(mode="json", exclude_none=True) == {"fixed": "1.5 days"}
    assert not faults(Delay, "0 days")


def test_none_is_a_spread_that_leaves_every_gap() -> None:
    assert SpreadLaw.model_validate("none") == SpreadLaw.model_validate({"none": True})
    for wrong in (
        "some",
        {"none": False},
        {},
        {"none": True, "gamma": {"cv": 0.5}},
        {"fixed": "1 day"},
        {"uniform": {"low": "1 day", "high": "2 days"}},
    ):
        assert faults(SpreadLaw, wrong), wrong


def test_a_law_says_what_was_given() -> None:
    name, law = Delay.model_validate({"empirical": {"values": ["1 day", "2 days"]}}).one()
    assert isinstance(law, Law)
    assert (name, law.stated) == ("empirical", {"values": (Span.parse("1 day"), Span.parse("2 days")), "interpolation": "step"})
    _, law = Delay.model_validate({"lognormal": {"q90": "9 days", "q10": "1 day"}}).one()
    assert isinstance(law, Law)
    assert law.stated == {"q10": Span.parse("1 day"), "q90": Span.parse("9 days")}

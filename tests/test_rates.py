"""Base rates: against the reference, against closed forms, against what fell from known laws; their figures, and what a delay makes of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date as Day
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from escsim import base_rates, rates, report, spells, survival, validation
from escsim.delays import Delay
from escsim.errors import ScenarioError
from escsim.library import load
from escsim.rates import Rate, gather, incidence, poisson
from tests.conftest import ROOT, Told

Run = Callable[..., Told]
TABLE = ROOT / "tests" / "data" / "absences.csv"


@pytest.fixture(scope="module")
def tabled() -> dict[str, Rate]:
    return rates.rates(gather((), [spells.tabled(TABLE)]))


def rate(days: list[float], ended: list[bool] | None = None, cases: list[str] | None = None) -> Rate:
    return Rate("it", "How long it took", "cases", cases or [f"case {n}" for n in range(len(days))], days, ended or [True] * len(days))


# Against the reference: the same 51 missions, one of each episode


@pytest.mark.parametrize(
    ("name", "n", "open_", "quartiles"),
    [
        ("recall_to_return", 26, 2, (42, 126, 306)),
        ("downgrade_to_return", 9, 2, (543, 1753, 2387)),
        ("break_to_return", 8, 3, (998, 2802, 3744)),
    ],
)
def test_the_quartiles_are_those_of_the_reference(tabled: dict[str, Rate], name: str, n: int, open_: int, quartiles: tuple[int, ...]) -> None:
    found = tabled[name]
    assert (found.n, found.open) == (n, open_)
    assert tuple(found.quantile(share).days for share in (0.25, 0.5, 0.75)) == quartiles


def test_the_laws_are_those_of_the_reference(tabled: dict[str, Rate]) -> None:
    """Lognormal with median 128 and sigma 1.5 there, four log units better than exponential; Weibull with shape 0.72.

    The median is 127 here: the reference took times to be half a day longer, which gives 128.0.
    """
    fits = {fit.law: fit for fit in tabled["recall_to_return"].fits}
    assert next(iter(fits)) == "lognormal"
    assert fits["lognormal"].parameters["median"].estimate == pytest.approx(126.7, abs=0.1)
    assert round(fits["lognormal"].parameters["sigma"].estimate, 1) == 1.5
    assert fits["lognormal"].log_likelihood - fits["exponential"].log_likelihood == pytest.approx(4.05, abs=0.01)
    assert round(fits["weibull"].parameters["shape"].estimate, 2) == 0.72
    found = tabled["recall_to_return"]
    longer = rates.fitted(found.days + 0.5, found.ended)[0]
    assert longer.parameters["median"].estimate == pytest.approx(128.0, abs=0.05)


# Against closed forms


def test_an_exponential_law_has_the_time_at_risk_by_event_as_its_mean() -> None:
    found = rate([1.0, 4, 10, 20], [True, True, False, True])
    exponential = next(fit for fit in found.fits if fit.law == "exponential")
    assert exponential.parameters["mean"].estimate == pytest.approx(35 / 3, rel=1e-4)
    assert exponential.log_likelihood == pytest.approx(-3 * math.log(35 / 3) - 3, abs=1e-4)


def test_a_lognormal_law_without_censoring_has_the_moments_of_the_logarithms() -> None:
    days = [2.0, 3, 7, 30, 100]
    lognormal = next(fit for fit in rate(days).fits if fit.law == "lognormal")
    assert lognormal.parameters["median"].estimate == pytest.approx(math.exp(np.log(days).mean()), rel=1e-3)
    assert lognormal.parameters["sigma"].estimate == pytest.approx(np.log(days).std(), rel=1e-3)


@pytest.mark.parametrize(("law", "shape"), [("weibull", 0.7), ("gamma", 2.5), ("lognormal", 0.8)])
def test_the_parameters_of_a_law_are_found_again(law: str, shape: float) -> None:
    """Of 4,000 cases of which a third are censored: within four standard errors."""
    draws = np.random.default_rng(7)
    times = draws.weibull(shape, 4000) if law == "weibull" else draws.gamma(shape, 1, 4000) if law == "gamma" else draws.lognormal(0, shape, 4000)
    times *= 30
    limit = draws.exponential(2 * np.median(times), 4000)
    fit = next(each for each in rates.fitted(np.maximum(np.minimum(times, limit), 1e-3), times <= limit) if each.law == law)
    for name, wanted in zip(rates.LAWS[law], (30.0, shape) if law == "lognormal" else (shape, 30.0), strict=True):
        each = fit.parameters[name]
        assert abs(each.estimate - wanted) < 2 * (each.high - each.low), name


def test_the_law_that_made_the_times_is_chosen() -> None:
    draws = np.random.default_rng(3)
    for law, times in {"lognormal": draws.lognormal(3, 1.5, 500), "weibull": 40 * draws.weibull(3, 500)}.items():
        assert rates.fitted(times, np.ones(500, bool))[0].law == law


def test_poisson_intervals_are_garwoods() -> None:
    """Exact values for 0, 1 and 10 events, as printed in every table of them."""
    assert poisson(0, 2)[1:] == pytest.approx((0, 3.6889 / 2), rel=1e-4)
    assert poisson(1, 1)[1:] == pytest.approx((0.0253, 5.5716), rel=1e-3)
    assert poisson(10, 1)[1:] == pytest.approx((4.7954, 18.3904), rel=1e-4)


def test_incidence_without_censoring_is_the_share_that_left_so() -> None:
    found = rate([10, 20, 20, 40, 400])
    assert incidence(found, [True, True, False, False, True]) == pytest.approx((2 / 5, 2 / 5, 3 / 5))


def test_ways_that_compete_add_up_to_all_who_left() -> None:
    found = rate([5, 5, 12, 25, 25, 60], [True, True, False, True, False, True])
    one, other = (incidence(found, mark) for mark in ([True, False, False, True, False, False], [False, True, False, False, False, True]))
    survival, _, _ = found.curve()
    assert one[0] + other[0] == pytest.approx(1 - float(survival[30]))


def test_a_quantile_that_is_not_reached_is_none() -> None:
    assert rate([5, 10, 30], [True, False, False]).quantile(0.5).days is None
    assert rate([5, 10, 30]).quantile(0.5).days == 10
    assert rate([0.0]).quantile(0.5).days in (0, 1)


def test_two_records_of_one_absence_count_once() -> None:
    """A scenario whose period ends before the return, and a table that knows of it."""
    scenario = load("morocco-spain-2021")
    alone, both = (gather([scenario], tables) for tables in ([], [spells.tabled(spells.FURTHER)]))
    mine = [[each for each in record.absences if each.mission == "DZA->ESP"] for record in (alone, both)]
    assert [[(each.days, each.ended) for each in found] for found in mine] == [[(288, False)], [(607, True)]]


# What ships


def test_the_base_rates_that_ship_are_those_of_the_cases_that_ship() -> None:
    """After a change of a scenario: `escsim rates -o escsim/base_rates.yaml --force`, and raise VERSION."""
    assert rates.as_file(rates.packaged()) == base_rates.FILE.read_text("utf-8")


@pytest.mark.parametrize("name", base_rates.shipped())
def test_a_delay_that_leans_on_a_rate_is_the_law_of_the_rate(name: str) -> None:
    delay, known = Delay.model_validate({"rates": name}), base_rates.shipped()[name]
    law, said = delay.one()
    assert {law: {key: str(value) if not isinstance(value, float) else value for key, value in said.stated.items()}} == known.law  # type: ignore[union-attr]
    assert Delay.model_validate(delay.model_dump(mode="json", exclude_none=True)) == delay
    assert known.told in report._delay(delay)


def test_a_wrong_base_rate_is_told_with_what_was_meant(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "good" / "base_rates.yaml").read_text("utf-8")
    (tmp_path / "x.yaml").write_text(text.replace("rates: recall_agreement_to_return", "rates: recal_agreement_to_return"), "utf-8")
    with pytest.raises(ScenarioError, match=r"unknown base rate 'recal_agreement_to_return'\n    did you mean 'recall_agreement_to_return'\?"):
        load(tmp_path / "x.yaml")
    (tmp_path / "x.yaml").write_text(text.replace("rates: recall_to_agreement}", "rates: recall_to_agreement, fixed: 2 days}"), "utf-8")
    with pytest.raises(ScenarioError, match="a base rate is a law already"):
        load(tmp_path / "x.yaml")


def test_the_hash_of_a_scenario_changes_with_the_law_that_it_leans_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.yaml").write_text((ROOT / "tests" / "good" / "base_rates.yaml").read_text("utf-8"), "utf-8")
    before = load(tmp_path / "x.yaml").hash
    known = base_rates.shipped()
    other = known["recall_to_agreement"].model_copy(update={"law": {"lognormal": {"median": "1 day", "sigma": 1.0}}})
    monkeypatch.setattr(base_rates, "shipped", lambda: known | {"recall_to_agreement": other})
    assert load(tmp_path / "x.yaml").hash != before


# Leaving one out


@pytest.mark.slow
def test_forecasts_from_the_true_law_are_calibrated() -> None:
    draws = np.random.default_rng(11)
    found = validation.validate({"x_to_return": rate(list(50 * draws.lognormal(0, 1, 16)))})["x_to_return"]
    for share in validation.BANDS:
        inside, known = found.covered(share)
        assert known == 16
        assert inside.low < share < inside.high
    assert len({each.case for each in found.forecasts}) == 16


@pytest.mark.slow
def test_forecasts_of_what_is_unlike_the_others_are_told_to_be_wrong() -> None:
    days = [10.0, 11, 9, 10, 12, 8, 5000]
    found = validation.validate({"x_to_return": rate(days)})["x_to_return"]
    assert found.forecasts[-1].transform[0] > 0.99
    assert found.forecasts[-1].inside(0.9) is False


def test_a_case_that_is_open_counts_only_where_it_is_known() -> None:
    forecast = validation.Forecast("x", 10, False, "lognormal", (0.4, 1.0), 0.0)
    assert forecast.inside(0.5) is None
    assert forecast._replace(transform=(0.8, 1.0)).inside(0.5) is False
    assert forecast._replace(transform=(0.8, 1.0)).inside(0.9) is None


def test_a_case_is_left_out_with_all_that_is_of_it() -> None:
    found = rate([1, 2, 3], cases=["a", "a", "b"]).without("a")
    assert (found.cases, found.days.tolist()) == (["b"], [3])


# Figures and the command


def test_the_figures_say_in_words_what_they_show(tabled: dict[str, Rate]) -> None:
    picture = survival.away([tabled["recall_to_return"], tabled["break_to_return"]])
    assert picture.description.startswith("Half of 26 recalls were over within 126 days.")
    assert "8 breaks, 3 of them open: quartiles 998 days, 2802 days, 3744 days." in picture.description
    assert picture.rows[0] == ("rate", "days", "share", "low", "high", "at_risk")
    assert picture.rows[1] == ("recall_to_return", 0, 1.0, 1.0, 1.0, 26)
    held = validation.validate({"break_to_return": tabled["break_to_return"]})
    picture = survival.calibration(held, paper=True)
    assert len(picture.rows) == 9
    assert "inside 50 %:" in picture.description


def test_the_command_tells_tables_and_data(escsim: Run, tmp_path: Path) -> None:
    told = escsim("rates", "italy-france-2019", TABLE)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("From 1 scenario and 42 further cases. Times in days.\n")
    assert re.search(r"^recall_to_return +26 \(2\)", told.out, re.MULTILINE)
    data: Any = json.loads(escsim("rates", "italy-france-2019", TABLE, "--json").out)
    assert data["rates"]["recall_to_return"]["n"] == 26
    assert data["rates"]["recall_to_return"]["fits"][0]["law"] == "lognormal"
    assert data["ways"][0]["status"] == "consultations"
    told = escsim("rates", TABLE, "--of", "recall_to_return", "-o", "x.svg")
    assert told.code == 0
    assert Path("x.svg").read_bytes().startswith(b"<?xml")
    assert "  half over within 126 (57 to 292) days\n" in told.out
    first = Path("x.svg").read_bytes()
    assert escsim("rates", TABLE, "--of", "recall_to_return", "-o", "x.svg", "--force").code == 0
    assert Path("x.svg").read_bytes() == first


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--of", "recal_to_return"], "no rate is called 'recal_to_return': did you mean 'recall_to_return'?"),
        (["--of", "recall_to_return", "--validate"], "--of does not go with --validate"),
        (["--validate", "-o", "x.yaml"], "-o FILE.yaml writes the base rates of all that ships; it takes no S"),
        (["-o", "x.gif"], "cannot tell the format of 'x.gif'; give it one of the endings .png, .svg, .pdf"),
    ],
)
def test_what_cannot_be_asked_of_rates_is_refused(escsim: Run, asked: list[str], message: str) -> None:
    told = escsim("rates", TABLE, *asked)
    assert told.code == 2
    assert message in " ".join(told.err.split())


HEAD = "case,sender,host,start,end,worst_level,censored,mutual\n"


@pytest.mark.parametrize(
    ("days", "open_", "says"),
    [
        ([134, 134, 134], [], "exponential - mean 134 days"),
        ([10, 10, 10], [], "exponential - mean 10 days"),
        ([5, 9], [], "no law: 2 ended"),
        ([5, 9, 12, 30], [0, 1, 2, 3], r"recall_to_return 4 \(4\)\* - - -"),
    ],
)
def test_few_and_equal_times_are_told_without_a_fault(escsim: Run, days: list[int], open_: list[int], says: str) -> None:
    """Fitters that do not converge, shapes at the edge of what there is, nothing that ended."""
    dates = [(f"2020-01-{1 + n:02}", Day(2020, 1, 1 + n) + timedelta(days=each)) for n, each in enumerate(days)]
    rows = [f"case {n},AAA,BBB,{start},{end},absent,{int(n in open_)},no\n" for n, (start, end) in enumerate(dates)]
    Path("t.csv").write_text(HEAD + "".join(rows), "utf-8")
    told = escsim("rates", "t.csv", "-o", "x.png")
    assert (told.code, told.err) == (0, "\nx.png\n")
    assert re.search(says, " ".join(told.out.split()))
    json.loads(escsim("rates", "t.csv", "--json").out, parse_constant=lambda word: pytest.fail(word))
    assert escsim("rates", "t.csv", "--of", "recall_to_return").code == 0


def test_the_ways_out_of_a_status_are_told_in_full(escsim: Run) -> None:
    """Stays that ended otherwise are censored for a way, and not for the status; an answer is a rate as any other."""
    told = escsim("rates", "israel-turkey-2010", "israel-turkey-2018", "saudi-iran-2016", "--of", "charge")
    assert (told.code, told.err) == (0, "")
    assert "7 stays charge, 0 of them open, fewer than 10, which say little" in told.out
    told = escsim("rates", "israel-turkey-2010", "israel-turkey-2018", "saudi-iran-2016", "--of", "charge.agree_return")
    assert "7 stays charge, 3 of them open, fewer than 10, which say little" in told.out
    assert "exponential" in told.out
    (status,) = [each for each in json.loads(escsim("rates", "saudi-iran-2016", "--json").out)["ways"] if each["status"] == "severed"]
    assert (status["n"], status["open"], status["q50"]["days"]) == (6, 4, None)
    assert [(way["trigger"], way["seen"], way["few"]) for way in status["ways"]] == [("agree_restoration", 2, True)]
    told = escsim("rates", "uk-russia-2018", "--of", "expel_diplomats.expel_diplomats")
    assert (told.code, "answers, 0 of them open" in told.out) == (0, True)
    assert "did you mean 'charge.agree_return'?" in escsim("rates", "israel-turkey-2018", "--of", "charge.agree_retrun").err


def test_where_no_mission_moved_that_is_told(escsim: Run) -> None:
    Path("t.csv").write_text(HEAD, "utf-8")
    assert escsim("rates", "t.csv").out == "In an empty table no mission stood below the level at which it started.\n"
    assert "In 1 scenario no mission stood below" in escsim("rates", "russia-turkey-2015").out
    told = escsim("rates", "russia-turkey-2015", "-o", "x.png")
    assert (told.code, told.out, "there is nothing to draw" in told.err) == (2, "", True)


def test_what_stands_beside_a_base_rate_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "good" / "base_rates.yaml").read_text("utf-8")
    (tmp_path / "x.yaml").write_text(text.replace("rates: recall_to_agreement}", "rates: recall_to_agreement, median: 3 days}"), "utf-8")
    with pytest.raises(ScenarioError, match="unknown key 'median'"):
        load(tmp_path / "x.yaml")


def test_too_few_cases_are_not_held_against_one_another(escsim: Run) -> None:
    told = escsim("rates", "italy-france-2019", "--validate")
    assert (told.code, "no rate has the 5 ended cases" in told.err) == (2, True)


def test_without_lifelines_it_is_said_how_to_get_it(escsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lifelines", None)
    told = escsim("rates", TABLE)
    assert told.code == 2
    assert "pip install 'escsim[rates]'" in told.err
    assert told.out == ""

"""Known answers: all agree, none is passed over, and a wrong one is noticed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from escsim import selfcheck
from escsim.selfcheck import CLOSE, FALSE_ALARMS, Checked, Known, N, check, known, tolerance
from tests.conftest import Told

Run = Callable[..., Told]

SAMPLED_ONLY = {  # a step takes just a day, a clock remembers, or a number is counted
    ("dtmc_pctl, steps", "2 within 2 steps"),
    ("dtmc_pctl, steps", "2 within 10 steps"),
    ("dtmc_pctl, steps", "below 2 for 4 steps"),
    ("bounded-reach-2", "at 6 after 6 steps"),
    ("bounded-reach-2", "at 6 after 7 steps"),
    ("bounded-reach-2", "at 6 after 8 steps"),
    ("Weibull, alike", "the first wins"),
    ("Weibull, unlike", "the first wins"),
    ("lognormal", "by its median"),
    ("lognormal", "by twice its median"),
    ("gamma, shape 3", "by day 7"),
    ("three uniforms", "all three in 2 days"),
    ("Poisson", "incidents in 18 days"),
}


@pytest.fixture(scope="module")
def models() -> dict[str, Known]:
    return {each.model: each for each in known()}


@pytest.fixture(scope="module")
def checked(models: dict[str, Known]) -> Checked:
    return check(models.values())


def test_every_known_answer_agrees(checked: Checked) -> None:
    assert [(row.model, row.question) for row in checked.rows if not row.agrees] == []
    assert checked.agreeing == len(checked.rows) == 36


def test_what_is_a_chain_is_solved_and_nothing_published_is_passed_over(checked: Checked, models: dict[str, Known]) -> None:
    # a chain that is refused for some reason would else count as agreeing
    assert {(row.model, row.question) for row in checked.rows if row.exact is None} == SAMPLED_ONLY
    assert [(row.model, row.question, row.published) for row in checked.rows] == [
        (model, question, value) for model, each in models.items() for question, value in each.published.items()
    ]
    assert all(checked.sources.values())


def test_published_values_are_what_tools_and_books_print(models: dict[str, Known]) -> None:
    # the formulas in the list, against numbers worked out elsewhere
    def said(model: str) -> list[float]:
        return list(models[model].published.values())

    assert said("Knuth-Yao die") == [1 / 6] * 6 + [11 / 3]
    assert said("dtmc_pctl") + said("dtmc_pctl, steps") == [1 / 6, 1 / 3, 0.125, 0.16650390625, 0.0625]
    assert said("bounded-reach-2") == [0.015625, 0.046875, 0.08203125]
    assert said("simple1") == [pytest.approx(0.950212931632136, rel=1e-15)]
    chance = {0: 1.0, 5: 0.0} | dict.fromkeys(range(1, 5), 0.0)  # of ruin, and steps until the end, by going through all games
    steps = dict.fromkeys(range(6), 0.0)
    for _ in range(2000):
        for k in range(1, 5):
            chance[k] = 0.4 * chance[k + 1] + 0.6 * chance[k - 1]
            steps[k] = 1 + 0.4 * steps[k + 1] + 0.6 * steps[k - 1]
    assert said("gambler's ruin") == [pytest.approx(chance[2], rel=1e-12), pytest.approx(steps[2], rel=1e-12)]


@pytest.mark.parametrize("model", ["ctmc_rewards2", "craps", "Erlang's law"])
def test_a_published_value_that_is_a_millionth_off_is_noticed_by_the_exact_solution(models: dict[str, Known], model: str) -> None:
    each = models[model]
    (right,) = check([each]).rows
    (wrong,) = check([replace(each, published={name: value * (1 + 1e-6) for name, value in each.published.items()})]).rows
    assert (right.agrees, wrong.agrees) == (True, False)
    assert abs(wrong.errors) < tolerance(1)  # variants alone cannot tell


@pytest.mark.parametrize("model", ["Weibull, unlike", "three uniforms", "Poisson"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_published_value_that_is_some_standard_errors_off_is_noticed_by_the_variants(models: dict[str, Known], model: str, sign: int) -> None:
    each = models[model]
    (right,) = check([each]).rows
    assert right.exact is None
    error = (right.sampled.high - right.sampled.low) / (2 * 1.959963984540054)
    for away, agrees in ((3, True), (3.6, False)):  # 3.29 are allowed to a single row
        (row,) = check([replace(each, published={right.question: right.sampled.estimate + sign * away * error})]).rows
        assert row.agrees == agrees, (away, row.errors)
        assert row.errors == pytest.approx(-sign * away, rel=0.01)


def test_a_table_is_called_wrong_by_chance_in_fewer_than_one_of_a_thousand(checked: Checked) -> None:
    assert tolerance(1) == pytest.approx(3.2905, abs=1e-4)  # 99.9 %
    assert checked.allowed == tolerance(36) == pytest.approx(4.19, abs=0.01)
    assert 36 * math.erfc(checked.allowed / math.sqrt(2)) == pytest.approx(FALSE_ALARMS)


def test_another_seed_gives_other_samples_that_agree_too(models: dict[str, Known], checked: Checked) -> None:
    # answers that hold for one seed by luck
    some = [
        each for each in models.values() if each.model in ("Knuth-Yao die", "dtmc_pctl", "dtmc_pctl, steps", "craps", "gamma, shape 3", "Poisson")
    ]
    other = check(some, seed=5)
    assert other.agreeing == len(other.rows)
    assert not {row.sampled for row in other.rows} & {row.sampled for row in checked.rows}


# ---- the command


def quickly(monkeypatch: pytest.MonkeyPatch, models: dict[str, Known], **wrong: float) -> None:
    """Let the command check two models, in the first of which something else may be published."""
    one = replace(models["simple1"], published=models["simple1"].published | {"x = 1 by t = 0.5": wrong["value"]}) if wrong else models["simple1"]
    monkeypatch.setattr(selfcheck, "known", lambda: [one, models["lognormal"]])


def test_the_command_prints_a_table_that_ends_with_the_verdict(escsim: Run, monkeypatch: pytest.MonkeyPatch, models: dict[str, Known]) -> None:
    quickly(monkeypatch, models)
    told = escsim("selfcheck")
    lines = told.out.splitlines()
    assert (told.code, told.err) == (0, "")
    assert re.sub(" +", " ", lines[0]) == "model question published exact sampled (95 %) agrees"
    assert re.fullmatch(r"simple1 +x = 1 by t = 0\.5 +0\.95021293  0\.95021293  0\.95\d\d \(0\.9\d{3} to 0\.9\d{3}\)  yes", lines[1])
    assert re.fullmatch(r"lognormal +by its median +0\.50000000  -  .*yes", re.sub("- +", "-  ", lines[2]))
    assert any(line.startswith("simple1    Storm, ") for line in lines)
    assert re.fullmatch(r"3 of 3 agree, in \d+\.\d s", lines[-1])


def test_the_command_ends_with_1_where_one_does_not_agree(escsim: Run, monkeypatch: pytest.MonkeyPatch, models: dict[str, Known]) -> None:
    quickly(monkeypatch, models, value=0.95)
    told = escsim("selfcheck")
    assert told.code == 1
    assert told.out.splitlines()[1].endswith("  NO")
    assert "2 of 3 agree, in " in told.out.splitlines()[-1]
    assert escsim("selfcheck", "--json").code == 1


def test_the_command_gives_the_same_as_data(escsim: Run, monkeypatch: pytest.MonkeyPatch, models: dict[str, Known]) -> None:
    quickly(monkeypatch, models)
    told = escsim("selfcheck", "--json")
    data = json.loads(told.out)
    assert (told.code, told.err) == (0, "")
    assert list(data) == ["n", "seed", "close", "allowed", "false_alarms", "agreeing", "rows"]
    assert (data["n"], data["close"], data["agreeing"], len(data["rows"])) == (N, CLOSE, 3, 3)
    assert list(data["rows"][0]) == ["model", "question", "published", "exact", "sampled", "errors", "agrees", "source"]
    assert data["rows"][1]["exact"] is None
    assert escsim("selfcheck", "--json").out == told.out


def test_the_whole_table_fits_a_hundred_columns(checked: Checked) -> None:
    from escsim import report

    lines = [text for text, _ in report.selfcheck(checked, 2.0)]
    assert len(lines[1 : lines.index("")]) == len(checked.rows)  # as a table, not as text
    assert max(map(len, lines)) <= 100

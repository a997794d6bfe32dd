"""Expectations as tests: decided exactly where that can be, else by a sequential test that is wrong as seldom as it says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from escsim import expectations
from escsim.expectations import WITHIN, WRONG, steps, verdicts
from escsim.library import load
from escsim.scenario import Question, Scenario
from tests.conftest import SMALL, Told

ROOT = Path(__file__).parent
ASKED = SMALL + "questions:\n  answered:\n    probability: {happens: answer}\n    expect: %r\n"
CHANCE = ("unless: talks, delay: 2 days}", "probability: 0.4, delay: 1 hour}")  # in 40 of 100 variants

Make = Callable[..., Scenario]


@pytest.mark.parametrize(
    ("expect", "says"), [(">= 0.2", "holds"), ("> 0.6", "fails"), ("<= 0.5", "holds"), ("< 0.3", "fails"), (">= 1", "fails"), ("> 0", "holds")]
)
def test_what_is_far_from_the_bound_is_soon_decided(scenario: Make, expect: str, says: str) -> None:
    (found,) = verdicts(scenario(CHANCE, text=ASKED % expect))
    assert (found.question, found.expect, found.says, found.exact) == ("answered", expect, says, None)
    assert found.share is not None
    assert 0 < found.n < 3000
    assert found.share.low - 0.15 < 0.4 < found.share.high + 0.15


def test_at_the_bound_it_stays_undecided_when_the_variants_are_used_up(scenario: Make) -> None:
    (found,) = verdicts(scenario(CHANCE, text=ASKED % ">= 0.4"), 400)
    assert (found.says, found.n) == ("undecided", 400)


def test_what_can_be_worked_out_needs_no_variants() -> None:
    path = ROOT / "benchmarks" / "w1.yaml"
    known = load(path)
    mission = known.missions[0]
    question = {"probability": {"reach": {mission: [known.ladder.statuses[-1]]}}, "expect": ">= 0"}
    asked = known.model_copy(update={"questions": {"worst": Question.model_validate(question)}})
    (found,) = verdicts(asked)
    assert (found.says, found.n, found.share) == ("holds", 0, None)
    assert found.exact is not None
    assert 0 <= found.exact <= 1


@pytest.mark.parametrize("bound", [0.05, 0.4, 0.8])
def test_it_is_wrong_no_oftener_than_it_says(bound: float) -> None:
    """Of 2,000 tests each on either side, as near as it is to tell: Wald's bounds, which hold on both sides together."""
    random = np.random.default_rng(17)
    limit = math.log((1 - WRONG) / WRONG)
    for truth, right in ((bound + WITHIN, True), (bound - WITHIN, False)):
        wrong = 0
        for _ in range(2000):
            path = np.cumsum(steps(random.random(20_000) < truth, bound))
            stops = np.flatnonzero(np.abs(path) >= limit)
            wrong += bool(stops.size and (path[stops[0]] > 0) != right)
        assert wrong / 2000 < WRONG + 3 * math.sqrt(WRONG / 2000)


def test_the_variants_are_those_of_simulate_in_their_order(scenario: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that saw others, or the same in another order, could not be made again."""
    told = scenario(CHANCE, text=ASKED % ">= 0.45")
    (found,) = verdicts(told, seed=11)
    assert found.share is not None
    ensemble = told.simulate(found.n, 11)
    assert ensemble.fate("answer")["happened"].estimate == found.share.estimate
    monkeypatch.setattr("escsim.ensemble.CHUNK", 64)
    assert verdicts(told, seed=11) == [found]


def test_the_command_line_fails_where_one_fails(escsim: Callable[..., Told], small: Path) -> None:
    small.write_text((ASKED % ">= 0.2").replace(*CHANCE), "utf-8")
    told = escsim("check", "--expect", "small.yaml")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("small.yaml:25:13: answered >= 0.2: holds; ")
    small.write_text((ASKED % ">= 0.9").replace(*CHANCE), "utf-8")
    told = escsim("check", "--expect", "small.yaml", "--seed", 3)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("small.yaml:25:13: answered >= 0.9: fails; ")
    (found,) = json.loads(escsim("check", "--expect", "small.yaml", "--json").out)
    assert (found["ok"], found["within"], found["wrong"]) == (False, expectations.WITHIN, expectations.WRONG)
    assert escsim("check", "--expect", "--history", "small.yaml").code == 2
    assert escsim("check", "small.yaml", "-n", 5).code == 2


def test_a_file_that_expects_nothing_is_told_how(escsim: Callable[..., Told], small: Path) -> None:
    assert small.exists()
    told = escsim("check", "--expect", "small.yaml")
    assert (told.code, told.out) == (0, "")
    assert told.err == 'small.yaml: no question says what it expects; write `expect: ">= 0.8"` beside one\n'

"""What history took, read off replays and tables: stays, absences, answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import escsim
from escsim.errors import ScenarioError
from escsim.library import load, shipped
from escsim.rate_tables import cases, markdown
from escsim.scenario import Scenario
from escsim.spells import FURTHER, absences, replies, spells, tabled
from tests.conftest import ROOT

HEAD = "case,sender,host,start,end,worst_level,censored,mutual\n"
TWO = """\
title: Two in turn
actors: {AAA: Aland, BBB: Bland}
ladder: missions
period: {from: 2024-01-01, to: 2024-12-31}
events:
  - {id: insult, date: 2024-01-10, actor: BBB, target: AAA, action: provocation}
  - {id: consult, date: 2024-01-12, actor: AAA, target: BBB, action: recall_for_consultations, follows: insult}
  - {id: harder, date: 2024-02-01, actor: AAA, target: BBB, action: withdraw_ambassador, follows: consult}
  - {id: answer, date: 2024-02-03, actor: BBB, target: AAA, action: recall_envoy, follows: harder}
  - {id: agreed, date: 2024-03-01, actor: [AAA, BBB], action: agree_return, follows: answer}
  - {id: named, date: 2024-03-11, actor: AAA, target: BBB, action: accredit_ambassador, follows: agreed}
  - {id: back, date: 2024-03-02, actor: BBB, target: AAA, action: return_envoy, follows: agreed}
  - {id: again, date: 2024-12-01, actor: AAA, target: BBB, action: recall_envoy}
"""


@pytest.fixture
def two(tmp_path: Path) -> Scenario:
    (tmp_path / "two.yaml").write_text(TWO, "utf-8")
    return load(tmp_path / "two.yaml")


def test_an_absence_lasts_from_the_first_day_away_to_the_ambassador_back(two: Scenario) -> None:
    """Its kind is the gravest act in it, its agreement the last before the end; the first of the pair leads; what is open is censored."""
    found = [(each.mission, each.kind, each.days, each.ended, each.settled, each.mutual, each.leads) for each in absences(two.replay())]
    assert found == [
        ("AAA->BBB", "downgrade", 59, True, 49, True, True),
        ("BBB->AAA", "recall", 28, True, 27, True, False),
        ("AAA->BBB", "recall", 31, False, None, False, True),
    ]


def test_a_spell_lasts_while_the_status_does(two: Scenario) -> None:
    found = [(each.mission, each.status, each.days, each.trigger, each.dest) for each in spells(two.replay()) if each.mission == "AAA->BBB"]
    assert found == [
        ("AAA->BBB", "consultations", 20, "withdraw_ambassador", "charge"),
        ("AAA->BBB", "charge", 29, "agree_return", "returning"),
        ("AAA->BBB", "returning", 10, "accredit_ambassador", "ambassador"),
        ("AAA->BBB", "ambassador", 265, "recall_envoy", "recalled"),
        ("AAA->BBB", "recalled", 31, None, None),
    ]


def test_only_what_answers_the_other_side_is_an_answer(two: Scenario) -> None:
    assert [(each.event, each.to, each.action, each.days) for each in replies(two.replay())] == [
        ("consult", "provocation", "recall_for_consultations", 2),
        ("answer", "withdraw_ambassador", "recall_envoy", 2),
    ]


def test_the_first_crisis_lasted_nine_days_on_both_sides() -> None:
    found = absences(escsim.load("iran-pakistan-2024").replay())
    assert [(each.mission, each.kind, each.days, each.settled, each.mutual, each.leads) for each in found] == [
        ("PAK->IRN", "recall", 9, 5, True, True),
        ("IRN->PAK", "recall", 9, 5, True, False),
    ]


def test_a_table_is_read_with_its_dates_and_the_first_of_a_pair_leads(tmp_path: Path) -> None:
    """By date, not by row; of each pair of a case; of a cluster only one."""
    path = tmp_path / "t.csv"
    rows = [
        "x;BBB;AAA;2020-01-02;2020-01-11;severed;1;yes;",
        "x;AAA;BBB;2020-01-01;2020-01-11;absent;0;yes;",
        "x;CCC;DDD;2020-01-05;2020-01-09;charge;0;no;peace",
        "y;EEE;FFF;2020-01-06;2020-01-08;reduced;0;no;peace",
    ]
    path.write_text(HEAD.replace(",", ";").replace("mutual", "mutual;cluster") + "\n".join(rows), "utf-8-sig")
    found = [(each.mission, each.kind, each.days, each.ended, each.mutual, each.leads) for each in tabled(path)]
    assert found == [
        ("BBB->AAA", "break", 9, False, True, False),
        ("AAA->BBB", "recall", 10, True, True, True),
        ("CCC->DDD", "downgrade", 4, True, False, True),
        ("EEE->FFF", "downgrade", 2, True, False, False),
    ]
    assert len(tabled(FURTHER)) == 21


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,AAA,BBB,2020-01-01,2020-01-01,absent,0,no", "it ends on 2020-01-01 and starts on 2020-01-01"),
        ("x,AAA,BBB,2020-01-32,2020-02-01,absent,0,no", "start is '2020-01-32'"),
        ("x,AAA,BBB,2020-01-01,2020-02-01,abset,0,no", "worst_level is 'abset'"),
        ("x,AAA,BBB,2020-01-01,2020-02-01,absent,no,no", "censored is 'no'"),
        ("x,AAA", "start is ''"),
        ("x,AAA,AAA,2020-01-01,2020-02-01,absent,0,no", "sender is 'AAA' and host 'AAA'"),
        ("x,AAA,BBB,2020-01-01,2020-02-01,absent,0,no,9", "the row has more values than there are columns"),
    ],
)
def test_a_wrong_row_of_a_table_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEAD}x,AAA,BBB,2020-01-01,2020-01-11,absent,0,yes\n{row}\n", "utf-8")
    with pytest.raises(ScenarioError) as told:
        tabled(path)
    assert [problem.place.line for problem in told.value.problems] == [3]
    assert message in told.value.problems[0].message


@pytest.mark.parametrize(("text", "message"), [(b"\xff\xfe", "is no text in UTF-8"), (b"", "no column 'case'"), (b"case,sender\n", "'host'")])
def test_what_is_no_table_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(text)
    with pytest.raises(ScenarioError, match=message):
        tabled(tmp_path / "t.csv")


def test_the_table_of_cases_in_the_readme_is_that_of_the_files() -> None:
    """After a change of a file `escsim list --cases` says what has to stand there; `python tests/test_spells.py` writes it."""
    assert markdown(cases(map(load, shipped()))) in (ROOT / "README.md").read_text("utf-8")


def test_twenty_crises_ship() -> None:
    assert len(shipped()) == 20


Command = Callable[..., tuple[int, str, str]]


def test_the_command_line_lists_cases_and_base_rates(escsim: Command) -> None:
    code, out, err = escsim("list", "--cases")
    assert (code, err) == (0, "")
    assert "italy-france-2019           France and Italy               one             8               consultat" in out
    code, out, err = escsim("list", "--rates")
    assert (code, err) == (0, "")
    assert "recall_to_return               lognormal fitted to" in out


if __name__ == "__main__":  # write the table of cases into the README
    text = (ROOT / "README.md").read_text("utf-8")
    first = text.index("| case | between |")
    (ROOT / "README.md").write_text(text[:first] + markdown(cases(map(load, shipped()))) + text[text.index("\n\n", first) + 1 :], "utf-8")

"""Event data into the skeleton of a scenario: layouts, folding, open effects, questions, malformed rows. All rows are made up."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date as Day
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escsim import importing, layouts
from escsim.codes import SHIPPED, Codes, Table
from escsim.codes import load as load_codes
from escsim.errors import ScenarioError
from escsim.importing import OPEN, Gathered, Wanted, gather, skeleton
from escsim.layouts import Fault, Row, open_sheet
from escsim.library import load, validate
from escsim.reading import parse
from escsim.scenario import Scenario
from tests.conftest import Told

Run = Callable[..., Told]

GDELT_HEAD = (
    "GLOBALEVENTID,SQLDATE,MonthYear,Year,FractionDate,Actor1Code,Actor1Name,"
    "Actor1CountryCode,Actor1KnownGroupCode,Actor1EthnicCode,Actor1Religion1Code,Actor1Religion2Code,Actor1Type1Code,Actor1Type2Code,"
    "Actor1Type3Code,Actor2Code,Actor2Name,Actor2CountryCode,Actor2KnownGroupCode,Actor2EthnicCode,Actor2Religion1Code,"
    "Actor2Religion2Code,Actor2Type1Code,Actor2Type2Code,Actor2Type3Code,IsRootEvent,EventCode,EventBaseCode,"
    "EventRootCode,QuadClass,GoldsteinScale,NumMentions,NumSources,NumArticles,AvgTone"
)
ICEWS_HEAD = (
    "Event ID\tEvent Date\tSource Name\tSource Sectors\tSource Country\tEvent Text\tCAMEO Code\tIntensity\tTarget Name\tTarget Sectors\t"
    "Target Country\tStory ID\tSentence Number\tPublisher\tCity\tDistrict\tProvince\tCountry\tLatitude\tLongitude"
)
POLECAT_HEAD = (
    "Event ID\tEvent Date\tEvent Type\tEvent Mode\tIntensity\tQuad Code\tContexts\tActor Name\tActor Country\tActor COW\tPrimary Actor Sector\t"
    "Actor Sectors\tActor Title\tActor Name Raw\tWikipedia Actor ID\tRecipient Name\tRecipient Country\tRecipient COW\t"
    "Primary Recipient Sector\tRecipient Sectors\tRecipient Title\tRecipient Name Raw\tWikipedia Recipient ID\tPlacename\tCity\tDistrict\t"
    "Province\tCountry\tLatitude\tLongitude\tGeoNames ID\tRaw Placename\tFeature Type\tSource\tPublication Date\tStory People\t"
    "Story Organizations\tStory Locations\tLanguage\tVersion"
)
HEAD = "date,source,target,code,text,publisher\n"


def gdelt(day: str, one: str, other: str, code: str, articles: int = 1, url: str = "https://www.dawn.com/news/1", width: int = 61) -> str:
    """Write a row as GDELT does; the name of an actor is a word in capitals, its country the first three letters of its code."""
    cells = [""] * width
    cells[:8] = ["1150001", day, day[:6], day[:4], f"{day[:4]}.0438", one, "SOMEBODY", one[:3]]
    cells[15:18] = [other, "SOMEBODY ELSE" if other else "", other[:3]]
    cells[25:35] = ["1", code, code[:3], code[:2], "4", "-4.0", "10", "1", str(articles), "-3.2"]
    if width > 57:
        cells[-1] = url
    return "\t".join(cells) + "\n"


def icews(day: str, one: tuple[str, str, str], text: str, code: str, other: tuple[str, str, str], publisher: str) -> str:
    cells = ["20718170", day, *one, text, code, "-4.0", *other, "30858500", "4", publisher, "Tehran", "NULL", "Tehran", "Iran", "35.7", "51.4"]
    return "\t".join(cells) + "\n"


def polecat(day: str, kind: str, mode: str, one: tuple[str, str, str], other: tuple[str, str, str]) -> str:
    cells = ["None"] * (POLECAT_HEAD.count("\t") + 1)
    cells[:7] = ["ASA202401_1", day, kind, mode, "-6.0", "MATERIAL CONFLICT", "diplomatic;military"]
    cells[7], cells[8], cells[10] = one
    cells[15], cells[16], cells[18] = other
    cells[33], cells[34] = "The Example Times", day
    return "\t".join(cells) + "\n"


def rows(text: str | bytes, layout: str | None = None) -> tuple[str, list[Row | Fault]]:
    sheet = open_sheet(io.BytesIO(text.encode() if isinstance(text, str) else text), "data.csv", layout)
    return sheet.layout, list(sheet.rows)


def gathered(text: str | bytes, codes: Codes | None = None, wanted: Wanted | None = None) -> Gathered:
    sheet = open_sheet(io.BytesIO(text.encode() if isinstance(text, str) else text), "data.csv")
    return gather(sheet, "data.csv", codes or Codes(), wanted or Wanted())


def made(text: str | bytes, codes: Codes | None = None, ladder: str = "missions") -> Scenario:
    """Make a scenario of event data; it must be one, and replay."""
    scenario = validate(parse(skeleton(gathered(text, codes), "data.csv", ladder).text, "data.yaml"), "data")
    scenario.replay()
    return scenario


def told(scenario: Scenario) -> list[tuple[str, str, str, str]]:
    return [(str(each.date), "+".join(each.actor), "+".join(each.target or ()), each.action[0]) for each in scenario.events]


def codes(tmp_path: Path, text: str) -> Codes:
    path = tmp_path / "map.yaml"
    path.write_text(text, "utf-8")
    return load_codes(path)


SURE = Table.model_validate(  # of all that is open, so that the ladder decides
    {"codes": {"161": "recall_envoy", "050": "return_envoy", "166": "sever_relations", "SANCTION": "bar_envoy", "AGREE": "agree_return"}}
)


# Layouts


@pytest.mark.parametrize("width", [57, 58, 61])
def test_gdelt_is_known_by_its_number_of_columns(width: int) -> None:
    layout, (row,) = rows(gdelt("20240117", "PAKGOV", "IRN", "161", 55, width=width))
    assert layout == "gdelt"
    assert isinstance(row, Row)
    assert (row.number, str(row.date), row.source.code, row.target.country, row.code, row.reports) == (1, "2024-01-17", "PAKGOV", "IRN", "161", 55)
    assert row.publisher == ("" if width == 57 else "https://www.dawn.com/news/1")


def test_gdelt_with_a_header_is_read_by_it() -> None:
    head, cells = f"{GDELT_HEAD},SOURCEURL", gdelt("20240117", "PAK", "IRN", "161").rstrip("\n").split("\t")
    layout, (row,) = rows(head + "\r\n" + ",".join([*cells[:35], '"https://a.example/b,c"']) + "\r\n")
    assert (layout, isinstance(row, Row) and row.publisher) == ("gdelt", "https://a.example/b,c")


def test_icews_is_known_by_its_header() -> None:
    scenario = made(
        f"{ICEWS_HEAD}\n"
        + icews(
            "2014-03-05",
            ("Foreign Affairs (Saudi Arabia)", "Foreign Ministry,Executive,Government", "Saudi Arabia"),
            "Reduce or break diplomatic relations",
            "161",
            ("Qatar", "NULL", "Qatar"),
            "Xinhua News Agency",
        )
        + icews("2014-03-06", ("Citizen (Qatar)", "Social", "Qatar"), 'Demand "a word', "010", ("Saudi Arabia", "", "Saudi Arabia"), "NULL")
        + icews("2014-03-07", ("Citizen (Qatar)", "Social", "Qatar"), 'Accuse "them', "112", ("Saudi Arabia", "", "Saudi Arabia"), "NULL")
    )
    assert told(scenario) == [("2014-03-05", "SAU", "QAT", OPEN), ("2014-03-07", "citizen_qatar", "SAU", "accuse")]
    assert scenario.events[0].text == "Reduce or break diplomatic relations"
    assert scenario.events[1].text == 'Accuse "them'
    assert scenario.sources == {"xinhua_news_agency": "Xinhua News Agency"}
    assert scenario.actors == {"SAU": "Saudi Arabia", "QAT": "Qatar", "citizen_qatar": "Citizen (Qatar)"}


def test_polecat_is_known_by_its_header_and_codes_by_type_and_mode() -> None:
    scenario = made(
        f"{POLECAT_HEAD}\n"
        + polecat("2024-01-16", "ASSAULT", "aerial", ("Iran", "IRN", "MIL"), ("Jaish ul-Adl", "PAK", "REB"))
        + polecat("2024-01-17", "SANCTION", "withdraw", ("None", "PAK", "GOV"), ("Iran", "IRN", "GOV"))
        + polecat("2024-01-19", "CONSULT", "None", ("Jalil Abbas Jilani", "PAK", "GOV"), ("Iran", "IRN", "GOV"))
    )
    assert told(scenario) == [
        ("2024-01-16", "IRN", "jaish_ul_adl", "strike"),
        ("2024-01-17", "PAK", "IRN", OPEN),
        ("2024-01-19", "PAK", "IRN", "talks"),
    ]
    assert scenario.sources == {"the_example_times": "The Example Times"}


@pytest.mark.parametrize(
    "text",
    [
        "code;Target Actor;SOURCE_ACTOR;Event Date\n112;IRN;PAK;2024-01-17\n",
        "\ufeffdate\tactor1\tactor2\tCAMEO\n20240117\tPakistan\tIran\t112\n",
        '"day","Actor1CountryCode","Actor2CountryCode","EventCode"\r\n"2024/01/17 10:00","PAK","IRN","112"\r\n',
        "\n\ndate,sender,receiver,type,mode\n2024-01-17,PAKGOV,IRN,accuse,allege\n",
    ],
)
def test_a_plain_table_is_known_by_common_names_of_its_columns(text: str) -> None:
    assert rows(text)[0] == "plain"
    assert told(made(text)) == [("2024-01-17", "PAK", "IRN", "accuse")]


@pytest.mark.parametrize(
    ("data", "layout", "message"),
    [
        (b"", None, "data.csv:1:1: error: the file is empty"),
        (b"\n \n", None, "data.csv:1:1: error: the file is empty"),
        (b"a,b\n1,2\n", None, "data.csv:1:1: error: the columns are of no layout that is known: 'a,b'"),
        (HEAD.encode(), "icews", "data.csv:1:1: error: these are no columns of the layout icews: 'date,source,target,code,text,publisher'"),
        (b'date,"source\n', None, "data.csv:1:1: error: the columns are of no layout that is known: 'date,\"source'"),
        (b"\x1f\x8b\x08\0", None, "data.csv:1:1: error: the file is packed with gzip"),
        (HEAD.encode("utf-16"), None, "data.csv:1:1: error: the file is UTF-16"),
        (b"\ndat\xe9,source\n", None, "data.csv:2:1: error: byte 0xe9 after 3 characters is not UTF-8"),
    ],
)
def test_a_file_of_no_known_layout_is_refused(data: bytes, layout: str | None, message: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        rows(data, layout)
    assert str(refused.value).splitlines()[0] == message
    assert refused.value.problems[0].remedy


# Malformed rows


def faults(text: str | bytes) -> list[tuple[int, str]]:
    found = gathered(text)
    assert found.malformed == len(found.faults)
    return [(fault.number, fault.message) for fault in found.faults]


def test_malformed_rows_are_named_and_the_rest_is_read() -> None:
    text = (
        HEAD.encode()
        + b"2024-01-17,PAK,IRN,112,,\n"
        + b"17.01.2024,PAK,IRN,112,,\n"
        + b"2024-02-30,PAK,IRN,112,,\n"
        + b",PAK,IRN,112,,\n"
        + b"0999-01-01,PAK,IRN,112,,\n"
        + b"2024-01-17,PAK,IRN,42,,\n"
        + b"2024-01-17,PAK,IRN,,,\n"
        + b"2024-01-17,PAK,IRN\n"
        + b"\n"
        + b"2024-01-17,PAK,IRN,112,caf\xe9,\n"
        + b'2024-01-18,PAK,IRN,112,"over\ntwo ""lines""",\n'
        + b'2024-01-19,PAK,IRN,112,"never closed,\n'
        + b"2024-01-20,PAK,IRN,112,read again,\n"
        + b'2024-01-21,PAK,IRN,112,"x"y,\n'
        + b"2024-01-22,PAK,IRN,112,"
        + b"x" * layouts.MOST_BYTES
        + b",\n2024-01-23,PAK,IRN,112,last,"
    )
    assert faults(text) == [
        (3, "'17.01.2024' is no date"),
        (4, "there is no '2024-02-30' in the calendar of 1500 to 2999"),
        (5, "there is no date"),
        (6, "there is no '0999-01-01' in the calendar of 1500 to 2999"),
        (7, "unknown code '42'"),
        (8, "there is no code of the event"),
        (9, "3 columns, where the first line has 6"),
        (11, "byte 0xe9 after 26 characters is not UTF-8"),
        (14, "a quote is opened and not closed"),
        (16, "not CSV: ',' expected after '\"'"),
        (17, "a line of more than 100,000 bytes"),
    ]
    scenario = made(text)
    assert [(str(each.date), each.text) for each in scenario.events] == [
        ("2024-01-17", "Accuse, coded 112 in 1 report."),
        ("2024-01-18", 'over two "lines"'),
        ("2024-01-20", "read again"),
        ("2024-01-23", "last"),
    ]


def test_a_quote_left_open_before_a_line_that_is_no_text_hides_neither() -> None:
    text = HEAD.encode() + b'2024-01-19,PAK,IRN,112,"open,\n\xff\n2024-01-20,PAK,IRN,112,fine,\n'
    assert [number for number, _ in faults(text)] == [2, 3]
    assert len(made(text).events) == 1


def test_a_quote_that_swallows_rows_gives_them_back() -> None:
    text = HEAD + '2024-01-19,PAK,IRN,112,"open,\n2024-01-20,PAK,IRN,112,"",\n2024-01-21,PAK,IRN,112,,"\n2024-01-22,PAK,IRN,112,"a,\nb",\n'
    assert faults(text) == [(2, "a quote is opened and not closed"), (4, "a quote is opened and not closed")]
    assert [event.text for event in made(text).events] == ["Accuse, coded 112 in 1 report.", "a, b"]


# Folding


def test_reports_of_one_act_are_one_event() -> None:
    text = (
        gdelt("20240117", "PAK", "IRN", "112", 5, "https://www.dawn.com/1")
        + gdelt("20240117", "PAKGOV", "IRN", "1121", 3, "https://tribune.example/2")
        + gdelt("20240117", "PAK", "IRN", "112", 2, "https://dawn.com/3")
        + gdelt("20240118", "PAK", "IRN", "112")
        + gdelt("20240117", "IRN", "PAK", "112")
    )
    found = gathered(text)
    assert (found.rows, found.folded) == (5, 2)
    (first, _, _) = made(text).events
    assert first.text == "Accuse, coded 112 and 1121 in 10 reports."
    assert first.cite == ("dawn_com", "tribune_example")
    assert "  # rows 1, 2, 3: https://www.dawn.com/1\n" in skeleton(found, "data.csv", "missions").text


def test_calls_that_are_coded_in_both_directions_are_one_event_of_both() -> None:
    text = HEAD + "2024-01-19,PAK,IRN,041,,\n2024-01-19,IRN,PAK,041,,\n2024-01-20,IRN,PAK,041,,\n"
    assert told(made(text)) == [("2024-01-19", "PAK+IRN", "", "phone_call"), ("2024-01-20", "IRN", "PAK", "phone_call")]


def test_a_visit_paid_and_received_is_one_visit_of_the_guest() -> None:
    text = HEAD + "2024-01-29,PAK,IRN,043,,\n2024-01-29,IRN,PAK,042,,\n"
    assert told(made(text)) == [("2024-01-29", "IRN", "PAK", "visit")]


def test_words_against_one_another_stay_two_events() -> None:
    assert len(made(HEAD + "2024-01-19,PAK,IRN,112,,\n2024-01-19,IRN,PAK,112,,\n").events) == 2


def test_events_are_in_order_of_time_and_then_of_rows() -> None:
    text = HEAD + "2024-01-19,PAK,IRN,112,,\n2024-01-18,PAK,IRN,13,,\n2024-01-19,PAK,IRN,10,,\n"
    assert [each.action[0] for each in made(text).events] == ["threaten", "accuse", "demand"]


def test_more_is_counted_than_named() -> None:
    text = HEAD + "".join(f"2024-01-19,PAK,IRN,112{n},,paper {n}\n" for n in range(9))
    (event,) = made(text).events
    assert event.cite == tuple(f"paper_{n}" for n in range(5))
    assert event.text == "Accuse, coded 1120 and 1121 and 1122 and 1123 and 1124 in 9 reports."
    assert "# rows 2, 3, 4, 5, 6 and 4 more\n" in skeleton(gathered(text), "data.csv", "missions").text


def test_what_is_not_wanted_is_left_out_and_counted() -> None:
    text = HEAD + (
        "2024-01-10,PAK,IRN,112,,\n2024-01-19,PAK,CHN,112,,\n2024-01-19,PAK,IRN,010,,\n2024-01-19,PAK,PAKGOV,112,,\n"
        "2024-01-19,PAK,,112,,\n2024-01-19,IRN,PAK,112,,\n"
    )
    found = gathered(text, wanted=Wanted(["IRN", "PAK"], Day(2024, 1, 15), Day(2024, 1, 19)))
    assert dict(found.left) == {"of other days": 1, "between others": 1, "with codes to ignore": 1, "without two actors": 2}
    assert (found.rows, len(found.acts)) == (6, 1)


def test_reading_ends_where_there_are_too_many_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_ACTS", 2)
    with pytest.raises(ScenarioError, match=r"data.csv:4:1: error: more than 2 events up to here\n    choose fewer rows: --actors"):
        gathered(HEAD + "".join(f"2024-01-{day},PAK,IRN,112,,\n" for day in range(10, 20)))


def test_more_events_than_a_scenario_can_have_are_refused_with_the_number_of_reports_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(importing.MOST, "events", 3)
    text = "".join(gdelt(f"202401{day}", "PAK", "IRN", "112", articles) for day, articles in zip(range(11, 17), (9, 2, 2, 5, 1, 3), strict=True))
    with pytest.raises(ScenarioError) as refused:
        made(text)
    assert str(refused.value).startswith("data.csv:1:1: error: 6 events are more than a scenario can have, 3\n    choose fewer rows: --actors")
    assert str(refused.value).endswith("; or those that many report: --reports 3 leaves 3")
    found = gathered(text, wanted=Wanted(reports=3))
    assert len(skeleton(found, "data.csv", "missions").text) > 0
    assert dict(found.left) == {"with fewer reports": 3}


def test_where_all_have_as_many_reports_fewer_rows_are_the_only_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(importing.MOST, "events", 1)
    with pytest.raises(ScenarioError, match=r"--to 2024-03-31$"):
        made(HEAD + "2024-01-19,PAK,IRN,112,,\n2024-01-19,PAK,IRN,13,,\n")


def test_actors_of_whom_nothing_is_left_are_not_in_the_scenario() -> None:
    text = gdelt("20240117", "PAK", "IRN", "112", 9) + gdelt("20240117", "EUR", "IRN", "112", 1)
    found = gathered(text, wanted=Wanted(reports=2))
    assert found.actors == {"PAK": "Pakistan", "IRN": "Iran"}
    assert skeleton(found, "data.csv", "missions").questions == []


def test_more_missions_than_a_scenario_can_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(importing.MOST, "missions", 1)
    with pytest.raises(ScenarioError, match="more than 1 missions"):
        made(HEAD + "2024-01-19,PAK,IRN,166,,\n", Codes(SURE))


def test_a_scenario_larger_than_may_be_read_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_BYTES", 100)
    with pytest.raises(ScenarioError, match="or 100 bytes, and"):
        made(HEAD + "2024-01-19,PAK,IRN,112,,\n")


# Effects left open


def asked(text: str, table: Codes | None = None, ladder: str = "missions") -> list[str]:
    return [question.text for question in skeleton(gathered(text, table), "data.csv", ladder).questions]


RECALL = HEAD + "2024-01-17,PAK,IRN,161,,\n"


def test_what_a_code_cannot_tell_is_an_open_effect_and_a_question() -> None:
    scenario = made(RECALL)
    assert told(scenario) == [("2024-01-17", "PAK", "IRN", OPEN)]
    assert scenario.missions == ()
    assert list(scenario.actions) == [OPEN]
    assert scenario.events[0].text == "Coded 161 in 1 report."
    (question,) = asked(RECALL)
    assert question.startswith("code 161: what did PAK do to IRN? one or more of recall_for_consultations, recall_envoy, ")
    lines = scenario.text.splitlines()
    assert lines[lines.index("events:") + 1].startswith("  # QUESTION 1 (data.csv, row 2): code 161: what did PAK do to IRN? one or more of ")


def test_only_what_the_ladder_knows_is_offered() -> None:
    (question,) = asked(RECALL, ladder="simple")
    assert "recall_envoy" in question
    assert "recall_for_consultations" not in question


def test_of_others_than_states_only_what_moves_no_mission_is_offered() -> None:
    assert told(made(HEAD + "2024-01-17,PAKREB,IRN,050,,\n"))[0][3] == "conciliatory_statement"
    assert asked(HEAD + "2024-01-17,PAKREB,IRN,16,,\n") == []
    assert len(asked(HEAD + "2024-01-17,PAKREB,IRN,054,,\n")) == 1  # nothing else it could be


def test_a_map_that_is_sure_moves_the_mission(tmp_path: Path) -> None:
    table = codes(tmp_path, 'codes: {"161": recall_envoy, "054": return_envoy}')
    text = RECALL + "2024-01-26,PAK,IRN,054,,\n"
    scenario = made(text, table)
    assert [each.action[0] for each in scenario.events] == ["recall_envoy", "return_envoy"]
    assert scenario.replay().status_at("PAK->IRN", scenario.period.ticks - 1) == "ambassador"
    assert scenario.unresolved is None
    assert asked(text, table) == []


def test_a_mission_that_is_left_away_is_named_as_unresolved(tmp_path: Path) -> None:
    scenario = made(RECALL, codes(tmp_path, 'codes: {"161": sever_relations}'))
    assert scenario.unresolved == {"PAK->IRN": ("severed",), "IRN->PAK": ("severed",)}


@pytest.mark.parametrize(
    ("rest", "doubt"),
    [
        ("2024-01-18,PAK,IRN,161,,", "PAK->IRN is recalled by then, and the ladder admits it only from ambassador, returning, consultations, barred"),
        ("2024-01-18,PAKREB,IRN,161,,", "rebels_pak->IRN is no mission: one side is no state"),
        ("2024-01-17,PAK,IRN,054,,", "something else moves PAK->IRN on this day, and the order is not known"),
    ],
)
def test_what_the_ladder_does_not_admit_is_asked(tmp_path: Path, rest: str, doubt: str) -> None:
    table, text = codes(tmp_path, 'codes: {"161": recall_envoy, "054": return_envoy}'), f"{RECALL}{rest}\n"
    assert [each.action[0] for each in made(text, table).events] == ["recall_envoy", OPEN]
    assert asked(text, table)[0].endswith(f"? {doubt}")


def test_a_step_that_the_ladder_has_not_is_asked(tmp_path: Path) -> None:
    table = codes(tmp_path, 'codes: {"161": recall_for_consultations}')
    assert asked(RECALL, table, "simple") == ["code 161: recall_for_consultations by PAK to IRN? the ladder 'simple' has no such step"]
    assert told(made(RECALL, table, "simple"))[0][3] == OPEN


def test_an_agreement_told_from_both_sides_moves_both_missions_once(tmp_path: Path) -> None:
    table = codes(tmp_path, 'codes: {"161": sever_relations, "054": agree_restoration}')
    scenario = made(RECALL + "2024-03-10,PAK,IRN,054,,\n2024-03-10,IRN,PAK,054,,\n", table)
    assert [len(step.moves) for step in scenario.replay().steps] == [2, 2]


def test_whoever_may_be_a_state_or_not_is_asked_about_once() -> None:
    text = HEAD + "2024-01-17,Persia,PAK,112,,\n2024-01-18,PAK,Persia,112,,\n2024-01-19,True,PAK,112,,\n"
    assert asked(text) == [
        "who is 'Persia'? not known as a state; say it under `actors:` of a map (--map), or change the key here",
        "who is 'True'? not known as a state; say it under `actors:` of a map (--map), or change the key here",
    ]
    assert made(text).actors == {"PAK": "Pakistan", "persia": "Persia", "true": "True"}


def test_sources_of_one_name_in_letters_and_digits_stay_apart() -> None:
    text = HEAD + "".join(f"2024-01-17,PAK,IRN,112,,{each}\n" for each in ("A-B", "A B", "http://[x", "24 Times", "日報"))
    assert made(text).sources == {"a_b": "A-B", "a_b_2": "A B", "http_x": "http://[x", "source_24_times": "24 Times", "source": "日報"}


@pytest.mark.parametrize("year", ["1500", "2999"])
def test_the_period_stays_in_the_calendar(year: str) -> None:
    made(HEAD + f"{year}-01-01,PAK,IRN,112,,\n{year}-12-31,PAK,IRN,112,,\n")


# The command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "gdelt.csv"
    path.write_text(
        gdelt("20240116", "IRNMIL", "PAK", "195", 40)
        + gdelt("20240117", "PAKGOV", "IRN", "161", 55)
        + gdelt("20240117", "PAK", "IRN", "161", 12, "https://tribune.example/2")
        + gdelt("20240118", "PAK", "", "112")
        + gdelt("20240119", "CHN", "PAK", "0256"),
        "utf-8",
    )
    return path


def test_the_command_writes_a_scenario_that_check_accepts_and_replay_replays(escsim: Run, data: Path) -> None:
    assert escsim("import", "gdelt.csv", "--actors", "IRN,PAK", "-o", "crisis.yaml") == (
        0,
        "",
        "gdelt.csv:2: question: code 161: what did PAK do to IRN? one or more of recall_for_consultations, recall_envoy, bar_envoy, "
        "withdraw_ambassador, expel_ambassador, expel_diplomats, downgrade_relations, close_embassy, sever_relations\n"
        "gdelt.csv, gdelt: 5 rows read, 1 without two actors, 1 between others, 0 malformed; 2 events (1 row folded), 1 question\n"
        "next: answer the 1 question in crisis.yaml, then escsim check crisis.yaml\n",
    )
    assert escsim("check", "crisis.yaml").code == 0
    assert escsim("replay", "crisis.yaml").code == 0
    assert "QUESTION 1 (gdelt.csv, row 2)" in Path("crisis.yaml").read_text("utf-8")


def test_without_o_the_scenario_is_printed(escsim: Run, data: Path) -> None:
    done = escsim("import", data, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert validate(parse(done.out, "x"), "x").title == "Iran and Pakistan, 2024-01-16 to 2024-01-19"


def test_malformed_rows_are_named_up_to_twenty_and_the_exit_code_is_1(escsim: Run, data: Path) -> None:
    data.write_text(data.read_text("utf-8") + "x\n" * 25, "utf-8")
    done = escsim("import", data, "-o", "crisis.yaml", "-q")
    assert done.code == 1
    lines = done.err.splitlines()
    assert lines[0].endswith("gdelt.csv:6: error: 1 column, where the first line has 61")
    assert (len(lines), lines[-1]) == (41, "... and 5 more malformed rows")
    assert len(load(Path("crisis.yaml")).events) == 3


def test_json_tells_what_became_of_the_rows(escsim: Run, data: Path) -> None:
    said = json.loads(escsim("import", data, "--json").out)
    assert list(said) == ["file", "layout", "rows", "left_out", "malformed", "faults", "folded", "events", "questions", "scenario"]
    assert (said["rows"], said["left_out"], said["malformed"], said["folded"], said["events"]) == (5, {"without two actors": 1}, 0, 1, 3)
    assert said["questions"][0]["row"] == 2
    assert validate(parse(said["scenario"], "x"), "x")
    assert json.loads(escsim("import", data, "--json", "-o", "crisis.yaml").out)["out"] == "crisis.yaml"


def test_nothing_is_overwritten_unasked(escsim: Run, data: Path) -> None:
    Path("crisis.yaml").write_text("mine", "utf-8")
    assert escsim("import", data, "-o", "crisis.yaml").code == 2
    assert Path("crisis.yaml").read_text("utf-8") == "mine"
    assert escsim("import", data, "-o", "crisis.yaml", "--force").code == 0


def test_the_table_can_be_written_edited_and_used(escsim: Run, data: Path) -> None:
    assert escsim("import", "--write-map", "map.yaml").code == 0
    path = Path("map.yaml")
    assert path.read_bytes() == SHIPPED.read_bytes()
    assert escsim("import", data, "--map", "map.yaml", "-q").out == escsim("import", data, "-q").out
    path.write_text(re.sub(r'"161": \[[^]]*\]', '"161": recall_envoy', path.read_text("utf-8")), "utf-8")
    done = escsim("import", data, "--map", "map.yaml", "-o", "crisis.yaml")
    assert (done.code, "0 questions" in done.err) == (0, True)
    assert escsim("check", "crisis.yaml").code == 0
    assert escsim("import", "--write-map", "map.yaml").code == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "say which FILE to import, or --write-map MAP.yaml"),
        (["nowhere.csv"], "'nowhere.csv' does not exist"),
        (["gdelt.csv", "--actors", "IRN"], "--actors: two keys or more"),
        (["gdelt.csv", "--actors", "IRN,"], "--actors: two keys or more"),
        (["gdelt.csv", "--from", "yesterday"], "--from: 'yesterday' is no day"),
        (["gdelt.csv", "--from", "2024-02-01", "--to", "2024-01-01"], "--from is later than --to"),
        (["gdelt.csv", "--ladder", "mission"], "there is no 'mission': did you mean 'missions'?"),
        (["gdelt.csv", "-o", "crisis.csv"], "give 'crisis.csv' the ending .yaml"),
        (["gdelt.csv", "--layout", "acled"], "Invalid value for '--layout'"),
    ],
)
def test_a_wrong_command_line_is_refused(escsim: Run, data: Path, args: list[str], message: str) -> None:
    done = escsim("import", *args)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_if_nothing_is_left_no_file_is_written(escsim: Run, data: Path) -> None:
    done = escsim("import", "gdelt.csv", "--actors", "USA,CUB", "-o", "crisis.yaml")
    assert done.code == 1
    assert done.err.startswith("gdelt.csv:1:1: error: no event is left: 5 rows read, ")
    assert not Path("crisis.yaml").exists()


# Any bytes at all

CELLS = st.one_of(
    st.sampled_from(["2024-01-17", "20240118", "1500-01-01", "PAK", "IRN", "Iran", "PAKREB", "161", "050", "041", "043", "SANCTION", "null", "true"]),
    st.text(max_size=12),
)
LINES = st.lists(CELLS, min_size=6, max_size=6).map(",".join) | st.binary(max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
ROWS = st.tuples(
    st.sampled_from(["2024-01-17", "2024-01-18", "2024-02-01"]),
    st.sampled_from(["PAK", "IRN", "PAKREB"]) | st.text(max_size=8),
    st.sampled_from(["PAK", "IRN", "SAU"]) | st.text(max_size=8),
    st.sampled_from(["161", "050", "166", "041", "042", "043", "195", "SANCTION", "AGREE", "CONSULT"]),
    st.text(max_size=40),
    st.text(max_size=40),
)


GDELT = st.builds(gdelt, st.just("20240117") | CELLS, CELLS, CELLS, CELLS, st.integers(), CELLS)


@given(
    st.binary(max_size=400)
    | st.lists(GDELT, max_size=5).map(lambda lines: "".join(lines).encode("utf-8", "replace"))
    | st.lists(LINES, max_size=12).map(lambda lines: (HEAD + "\n".join(lines)).encode("utf-8", "surrogateescape"))
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = gathered(data)
    except ScenarioError:
        return
    assert found.rows == found.malformed + sum(found.left.values()) + sum(act.count for act in found.acts.values())
    if found.acts:
        made(data)


@given(st.lists(ROWS, min_size=1, max_size=30), st.sampled_from(["missions", "simple"]), st.booleans())
def test_whatever_is_told_makes_a_scenario_that_replays(told: list[tuple[str, ...]], ladder: str, sure: bool) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEAD.strip().split(","), *told])
    data = out.getvalue().encode("utf-8", "replace")
    table = Codes(SURE) if sure else Codes()
    if gathered(data, table).acts:
        made(data, table, ladder)

"""Scenarios and trajectories as text: what a reader is told, that it fits the terminal, and that no file can play tricks on it."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date as Day
from pathlib import Path

import pytest

from escsim import report
from escsim.captions import headline
from escsim.library import load, shipped
from escsim.scenario import Scenario
from tests.conftest import SMALL

Loaded = Callable[..., Scenario]


def text(lines: Iterable[report.Line]) -> str:
    return "".join(f"{line}\n" for line, _ in lines)


def words(said: str) -> str:
    """Give a text as one line, however it was wrapped."""
    return " ".join(said.split())


# What a replay tells

TITLE = "A quarrel\n"
SUMMARY = "Alpha calls its ambassador home.\n"
MISSIONS = """\

  AAA->BBB  Alpha's mission in Beta
  BBB->AAA  Beta's mission in Alpha
"""
HEAD = TITLE + SUMMARY + MISSIONS
OUTCOME = """\

Alpha's ambassador in Beta away for 4 days; back on 7 January 2024.
"""
BEFORE = """\

2023-12
  · crowd: A crowd gathers. [background; paper]
"""
EVENTS = """\

Tue 2 Jan 2024
  ● BBB to AAA: Beta insults Alpha. [insult; paper, wire]
      Why: provocation moves no mission on this ladder.

Wed 3 Jan 2024
  ○ 05:30 AAA to BBB: recall envoy [recall, after insult; wire]
      ▼ AAA->BBB normal -> envoys_recalled (recall_envoy)
      Why: recall_envoy takes AAA->BBB from normal to envoys_recalled. The sender calls its
        ambassador home.

Fri 5 Jan 2024
  ○ AAA + BBB: talks (dated 2024-01-04 to 2024-01-05) [talks, after recall]
      Why: talks moves no mission on this ladder.
      Not settled: The place is not certain.

Sun 7 Jan 2024
  ● AAA to BBB: return envoy, normalise [back, after talks; paper]
      ▲ AAA->BBB envoys_recalled -> restored (return_envoy)
      ▲ AAA->BBB restored -> normal (normalise)
      Why: return_envoy takes AAA->BBB from envoys_recalled to restored; normalise takes AAA->BBB
        from restored to normal. The ambassador takes up the post again. The last marks of the
        crisis are removed.
"""
TABLE = """\

from        AAA->BBB         BBB->AAA
2024-01-01  normal           normal
2024-01-03  envoys_recalled
2024-01-07  normal
"""
AS_BEFORE = "(what is left out is as before)\n"
LEGEND = """\

● stated in the report [paper] The Paper, 4 January 2024; ○ added from other sources.
In brackets: the event, what led to it, and the sources (`escsim show` names them).
· background, told but not replayed.
▼ a mission moved for the worse, ▲ for the better. All times are UTC.
"""
FATES = """\

What might have happened, and did not
answer (Beta answers in kind): Barred once talks had happened.
march (protest): Never called: answer did not happen.
"""


def without_reasons(events: str) -> str:
    reasons = ("      Why", "      Not settled", "        ")
    return "".join(line + "\n" for line in events.splitlines() if not line.startswith(reasons))


def test_a_replay_is_told_event_by_event(small: Path) -> None:
    assert text(report.replay(load(small).replay())) == HEAD + OUTCOME + BEFORE + without_reasons(EVENTS) + TABLE + AS_BEFORE + LEGEND


def test_reasons_are_told_when_asked_for(small: Path) -> None:
    assert text(report.replay(load(small).replay(), why=True)) == HEAD + OUTCOME + BEFORE + EVENTS + TABLE + AS_BEFORE + LEGEND + FATES


def test_a_replay_until_a_day_tells_nothing_later(small: Path) -> None:
    """Nor do the summary, the headline and the fates, which know the end."""
    told = text(report.replay(load(small).replay(), why=True, until=Day(2024, 1, 4)))
    assert told == TITLE + MISSIONS + BEFORE + EVENTS[: EVENTS.index("\nFri 5")] + TABLE[: TABLE.index("2024-01-07")] + AS_BEFORE + LEGEND


def test_a_replay_until_a_day_before_all_events_tells_the_start(small: Path) -> None:
    told = text(report.replay(load(small).replay(), until=Day(2024, 1, 1)))
    assert told == TITLE + MISSIONS + BEFORE + "\nfrom        AAA->BBB  BBB->AAA\n2024-01-01  normal    normal\n" + AS_BEFORE + LEGEND


def test_a_replay_until_the_last_day_has_all_that_happened(small: Path) -> None:
    trajectory = load(small).replay()
    told = text(report.replay(trajectory, until=Day(2024, 1, 10), why=True))
    assert told == TITLE + MISSIONS + BEFORE + EVENTS + TABLE + AS_BEFORE + LEGEND
    assert text(report.replay(trajectory, why=True)) == told.replace(TITLE + MISSIONS, HEAD + OUTCOME) + FATES


def test_a_replay_until_a_day_keeps_later_background_to_itself(scenario: Loaded) -> None:
    trajectory = scenario(("{date: 2023-12, actor: crowd", "{date: 2024-01-06, actor: crowd")).replay()
    assert "A crowd gathers." not in text(report.replay(trajectory, until=Day(2024, 1, 5)))
    assert "A crowd gathers." in text(report.replay(trajectory, until=Day(2024, 1, 6)))


def test_background_within_the_period_stands_at_its_day(scenario: Loaded) -> None:
    told = text(report.replay(scenario(("{date: 2023-12, actor: crowd", "{date: 2024-01-05, actor: crowd")).replay()))
    assert "\nFri 5 Jan 2024\n  · crowd: A crowd gathers. [background; paper]\n  ○ AAA + BBB: talks " in told


def test_the_time_of_day_is_told_where_it_is_known(small: Path) -> None:
    assert "05:30" in text(report.replay(load(small).replay()))


def test_signs_are_plain_where_the_terminal_cannot_show_others(small: Path) -> None:
    told = text(report.replay(load(small).replay(), ascii_only=True, why=True))
    assert told.isascii()
    assert "  * BBB to AAA: Beta insults Alpha. [insult; paper, wire]\n" in told
    assert "      v AAA->BBB normal -> envoys_recalled (recall_envoy)\n" in told
    assert "      ^ AAA->BBB restored -> normal (normalise)\n" in told
    assert "* stated in the report [paper] The Paper, 4 January 2024; o added from other sources.\n" in told


def test_every_line_has_the_style_of_what_it_tells(small: Path) -> None:
    styles = {line.strip()[:12]: style for line, style in report.replay(load(small).replay(), why=True)}
    expected = {
        "A quarrel": "bold",
        "Alpha calls ": "",
        "Tue 2 Jan 20": "bold",
        "▼ AAA->BBB n": "worse",
        "▲ AAA->BBB r": "better",
        "Why: recall_": "dim",
    }
    assert {start: styles[start] for start in expected} == expected


def test_a_status_entered_anew_is_neither_worse_nor_better(scenario: Loaded) -> None:
    ladder = """ladder:
  machine: {states: [calm, tense], initial: calm, transitions: [[strain, '*', tense]]}
"""
    again = "  - {id: again, date: 2024-01-08, actor: AAA, target: BBB, action: strain}\n"
    plain = SMALL[: SMALL.index("  - {id: talks")].replace("ladder: simple\n", ladder).replace("recall_envoy", "strain") + again
    lines = list(report.replay(scenario(text=plain).replay()))
    assert ("      ▼ AAA->BBB calm -> tense (strain)", "worse") in lines
    assert ("      = AAA->BBB tense -> tense (strain)", "same") in lines


def test_filled_and_hollow_signs_are_explained_without_a_report_too(scenario: Loaded) -> None:
    """Without a report the hollow sign means that confidence is not high."""
    trajectory = scenario(("report: paper\n", ""), ("id: insult, date", "id: insult, confidence: low, date")).replay()
    told = text(report.replay(trajectory))
    assert "  ○ BBB to AAA: Beta insults Alpha." in told
    assert "  ● 05:30 AAA to BBB: recall envoy" in told
    legend = told[told.index("2024-01-07  normal") :]
    assert "○" in legend
    assert "●" in legend


def test_a_crisis_without_missions_is_told_too(scenario: Loaded) -> None:
    plain = SMALL[: SMALL.index("  - {id: recall")]
    told = text(report.replay(scenario(text=plain).replay(), why=True))
    assert "  ● BBB to AAA: Beta insults Alpha. [insult; paper, wire]\n" in told
    assert "->" not in told


# That it fits


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_a_replay_keeps_to_the_width_and_cuts_no_word(name: str, width: int) -> None:
    trajectory = load(name).replay()
    lines = [line for line, _ in report.replay(trajectory, width=width, why=True)]
    assert [line for line in lines if len(line) > width] == []
    told = words(" ".join(lines))
    scenario = trajectory.scenario
    wanted = [scenario.summary or "", *trajectory.fates.values(), *(step.reason for step in trajectory.steps)]
    wanted += [event.text or "" for event in scenario.events if event.id not in trajectory.fates]
    wanted += [(scenario.event[name].text or "").rstrip(".") for name in trajectory.fates] + [entry.text for entry in scenario.background]
    wanted.append(headline(trajectory).replace("‘", "'").replace("’", "'") + ".")
    wanted += [event.disputed or "" for event in scenario.events if event.date]
    assert [each for each in wanted if words(each) not in told] == []


def test_a_long_text_before_a_fate_is_wrapped_like_any_other(scenario: Loaded) -> None:
    long = "Beta has waited for a week and asked three times for an apology before it answers in kind and calls its own ambassador home as well."
    trajectory = scenario(("Beta answers in kind.", long)).replay()
    told = text(report.replay(trajectory, why=True))
    assert max(map(len, told.splitlines())) <= 100
    assert words(f"answer ({long.rstrip('.')}): Barred once talks had happened.") in words(told)


def test_a_word_longer_than_the_line_is_broken(scenario: Loaded) -> None:
    told = text(report.replay(scenario(("Beta insults Alpha.", "x" * 500)).replay()))
    assert max(map(len, told.splitlines())) <= 100
    assert told.count("x") == 500


# That no file can play tricks

EVIL = "\x1b[31m\x07\u202e\u200b\u2066\x9b\ud7ff\r\x85\u2028\U000e0001"
HOSTILE = {
    "title": EVIL + "title",
    "summary": EVIL + "summary",
    "sources": {"paper": EVIL + "source"},
    "report": "paper",
    "actors": {"AAA": EVIL + "Alpha", "BBB": EVIL + "Beta"},
    "ladder": {
        "machine": {"states": ["calm", "away"], "initial": "calm", "transitions": [["leave", "calm", "away"], ["come", "away", "calm"]]},
        "meanings": {"calm": EVIL + "meaning", "leave": EVIL + "meaning"},
    },
    "actions": {"grumble": EVIL + "action"},
    "period": {"from": "2024-01-01", "to": "2024-01-10"},
    "background": [{"date": "2023", "actor": "AAA", "text": EVIL + "background", "cite": "paper"}],
    "events": [
        {
            "id": "one",
            "date": "2024-01-02",
            "actor": "AAA",
            "target": "BBB",
            "action": "leave",
            "text": EVIL + "event",
            "disputed": EVIL + "disputed",
        },
        {
            "id": "two",
            "date": "2024-01-03",
            "actor": "AAA",
            "target": "BBB",
            "action": "come",
            "cite": "paper",
            "basis": EVIL + "basis",
            "follows": "one",
        },
        {"id": "three", "actor": "AAA", "action": "grumble", "text": EVIL + "fate", "follows": "two", "delay": "1 day", "basis": EVIL + "basis"},
        {"id": "four", "actor": "AAA", "action": "grumble", "delay": "1 day"},
    ],
    "choices": {"what": {"actor": "AAA", "question": EVIL + "question", "follows": "two", "options": {"four": 0.5, "nothing": 0.5}, "basis": EVIL}},
    "questions": {"asked": {"text": EVIL + "asked", "count": "one"}},
    "what_if": {"other": {"text": EVIL + "what if", "remove": "one"}},
    "limits": [EVIL + "limit"],
}
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def unprintable(said: str) -> set[str]:
    return {f"U+{ord(char):04X}" for char in said.replace("\n", "") if unicodedata.category(char) in UNPRINTABLE}


def hostile(scenario: Loaded) -> Scenario:
    return scenario(text=json.dumps(HOSTILE).replace("\\udb40\\udc01", "\\U000e0001"))


def test_the_hostile_text_is_hostile(scenario: Loaded) -> None:
    assert unprintable(EVIL) == {"U+001B", "U+0007", "U+202E", "U+200B", "U+2066", "U+009B", "U+000D", "U+0085", "U+2028", "U+E0001", "U+D7FF"}
    assert EVIL in hostile(scenario).title


def test_no_text_of_a_file_can_steer_the_terminal_in_a_replay(scenario: Loaded) -> None:
    told = [line for line, _ in report.replay(hostile(scenario).replay(), why=True)]
    assert [line for line in told if "\n" in line or unprintable(line)] == []
    assert "\\x1b[31m" in told[0]


def test_no_text_of_a_file_can_steer_the_terminal_when_shown(scenario: Loaded) -> None:
    told = [line for line, _ in report.show(hostile(scenario))]
    assert [line for line in told if "\n" in line or unprintable(line)] == []


def test_lines_of_a_text_are_told_as_text(scenario: Loaded) -> None:
    """`summary: |` keeps its line breaks, and YAML's tabs may stand in any text."""
    told = text(report.replay(scenario(("summary: Alpha calls", "summary: |\n  Alpha did this.\n  Then it\tdid that. Alpha calls")).replay()))
    assert "\nAlpha did this. Then it did that. Alpha calls its ambassador home.\n" in told


# What is shown of a scenario


def test_a_scenario_is_shown_from_its_missions_to_its_limits(scenario: Loaded) -> None:
    more = """\
choices:
  reply:
    actor: BBB
    question: How should Beta reply?
    follows: recall
    options: {answer: 0.25, talks: 0.625, nothing: 0.125}
questions:
  often: {count: recall, text: How often?}
what_if:
  calm: {remove: insult, text: Beta keeps calm.}
limits: [The press is left out., Money too.]
"""
    plain = SMALL.replace("follows: recall, unless: talks, delay", "unless: talks, delay").replace("action: talks, follows: recall", "action: talks")
    shown = text(report.show(scenario(("id: march, actor", "id: march, probability: 0.25, repeats: true, actor"), text=plain + more)))
    assert (
        shown
        == """\
A quarrel
Alpha calls its ambassador home.

  AAA->BBB  Alpha's mission in Beta
  BBB->AAA  Beta's mission in Alpha

Ladder simple, mildest first
  normal: An ambassador is at the post.
      downgrade_relations -> downgraded (moves both missions)
      recall_envoy -> envoys_recalled
      bar_envoy -> envoys_recalled (moves the target's mission)
      sever_relations -> severed (moves both missions)
  restored: An ambassador is back at the post after a crisis.
      downgrade_relations -> downgraded (moves both missions)
      recall_envoy -> envoys_recalled
      bar_envoy -> envoys_recalled (moves the target's mission)
      normalise -> normal
      sever_relations -> severed (moves both missions)
  downgraded: The embassy works at a lower level, under a charge d'affaires.
      upgrade_relations -> restored (moves both missions)
      recall_envoy -> envoys_recalled
      bar_envoy -> envoys_recalled (moves the target's mission)
      sever_relations -> severed (moves both missions)
  envoys_recalled: The ambassador is away, called home by the sender or kept out by the host.
      return_envoy -> restored
      sever_relations -> severed (moves both missions)
  severed: Relations are broken off; there is no embassy.

Actors
  AAA: Alpha
  BBB: Beta
  crowd: A crowd

Events, 2024-01-01 to 2024-01-10
  2024-01-02 insult: provocation
  2024-01-03 05:30 recall: recall_envoy; after insult
  2024-01-04 to 2024-01-05 talks: talks; an option of reply
  2024-01-07 back: return_envoy + normalise; after talks
  might have answer: recall_envoy; an option of reply; unless talks; takes 2 days
  might have march: protest; after answer; p = 0.25; takes 1 day; may repeat

Choice reply: How should Beta reply?
   25.0%  answer
   62.5%  talks (history)
   12.5%  nothing

Questions
  often: How often?

What if
  calm: Beta keeps calm.

Sources
  paper: The Paper, 4 January 2024
  wire: The Wire, 5 January 2024

What this model cannot tell
  - The press is left out.
  - Money too.

Probabilities and delays are the file's assumptions, not history's.
"""
    )


def test_a_question_without_words_is_shown_too(scenario: Loaded) -> None:
    shown = text(report.show(scenario(text=SMALL + "questions: {worst: {peak: AAA-BBB}}\nwhat_if: {calm: {remove: insult}}\n")))
    assert "\n  worst" in shown
    assert "\n  calm" in shown


def test_causes_are_joined_by_what_they_mean(scenario: Loaded) -> None:
    shown = text(
        report.show(scenario(("follows: talks, cite", "follows: {all: [talks, insult]}, cite"), ("follows: answer", "follows: [answer, recall]")))
    )
    assert "\n  2024-01-07 back: return_envoy + normalise; after talks and insult\n" in shown
    assert "\n  might have march: protest; after answer or recall; takes 1 day\n" in shown


@pytest.mark.parametrize("name", shipped())
def test_all_that_ships_can_be_shown(name: str) -> None:
    scenario = load(name)
    shown = words(text(report.show(scenario)))
    wanted = [*scenario.sources.values(), *scenario.limits, *(choice.question for choice in scenario.choices.values()), *scenario.ladder.statuses]
    assert [each for each in wanted if words(each) not in shown] == []


# Tables


def test_a_table_has_columns_as_wide_as_their_widest_cell() -> None:
    lines = list(report.table(["a", "long head", "c"], [("1", "2", "3"), ("longer cell", "", ""), ("", "x", "y")]))
    assert lines == [
        ("a            long head  c", "bold"),
        ("1            2          3", ""),
        ("longer cell", ""),
        ("             x          y", ""),
    ]
    assert list(report.table(["a", "b"], [])) == [("a  b", "bold")]


def test_the_table_of_statuses_has_a_row_for_each_day_of_change_and_says_only_what_changed(scenario: Loaded) -> None:
    trajectory = scenario(("delay: 2 days}", "date: 2024-01-08}"), ("unless: talks, date", "date")).replay()
    assert (
        text(report.statuses(trajectory, 72))
        == """\
from        AAA->BBB         BBB->AAA
2024-01-01  normal           normal
2024-01-03  envoys_recalled
2024-01-07  normal
2024-01-08                   envoys_recalled
(what is left out is as before)
"""
    )


def test_statuses_too_wide_for_a_table_are_told_day_by_day(scenario: Loaded) -> None:
    trajectory = scenario(("delay: 2 days}", "date: 2024-01-08}"), ("unless: talks, date", "date")).replay()
    widest = len("2024-01-08                   envoys_recalled")
    assert text(report.statuses(trajectory, widest)).startswith("from  ")
    assert (
        text(report.statuses(trajectory, widest - 1))
        == """\
2024-01-01: AAA->BBB normal, BBB->AAA
            normal
2024-01-03: AAA->BBB envoys_recalled
2024-01-07: AAA->BBB normal
2024-01-08: BBB->AAA envoys_recalled
(what is left out is as before)
"""
    )


def test_the_last_column_of_a_table_is_wrapped_to_fit() -> None:
    lines = list(report.columns(["a", "what it means"], [("name", "some words that are too long"), ("longer", "x")], 30))
    assert lines == [
        ("a       what it means", "bold"),
        ("name    some words that are", ""),
        ("        too long", ""),
        ("longer  x", ""),
    ]


# CSV

COLUMNS = ["date", "time", "dated", "event", "actor", "action", "target", "mission", "from", "to", "reason", "source"]


def rows(said: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(said)))


def test_the_csv_has_a_row_for_each_mission_moved_and_for_each_step_that_moved_none(small: Path) -> None:
    told = rows(report.to_csv(load(small).replay()))
    assert told[0] == COLUMNS
    assert [row[:10] for row in told[1:]] == [
        ["2024-01-02", "", "2024-01-02", "insult", "BBB", "provocation", "AAA", "", "", ""],
        ["2024-01-03", "05:30", "2024-01-03 05:30", "recall", "AAA", "recall_envoy", "BBB", "AAA->BBB", "normal", "envoys_recalled"],
        ["2024-01-05", "", "2024-01-04 to 2024-01-05", "talks", "AAA BBB", "talks", "", "", "", ""],
        ["2024-01-07", "", "2024-01-07", "back", "AAA", "return_envoy normalise", "BBB", "AAA->BBB", "envoys_recalled", "restored"],
        ["2024-01-07", "", "2024-01-07", "back", "AAA", "return_envoy normalise", "BBB", "AAA->BBB", "restored", "normal"],
    ]
    assert [row[11] for row in told[1:4]] == ["The Paper, 4 January 2024; The Wire, 5 January 2024", "The Wire, 5 January 2024", ""]
    assert all(row[10] for row in told[1:])
    assert report.to_csv(load(small).replay()).count("\r") == 0


@pytest.mark.parametrize("formula", ["=cmd|'/c calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
def test_no_cell_of_the_csv_is_a_formula(scenario: Loaded, formula: str) -> None:
    trajectory = scenario(("paper: The Paper, 4 January 2024", f"paper: {json.dumps(formula)}")).replay()
    (told, *_) = [row[11] for row in rows(report.to_csv(trajectory)) if row[3] == "back"]
    assert told == "'" + formula.strip()


def test_commas_and_quotes_survive_the_csv_on_one_line(scenario: Loaded) -> None:
    odd = 'The "Paper", 4;\nJanuary 2024, ü'
    trajectory = scenario(("paper: The Paper, 4 January 2024", f"paper: {json.dumps(odd)}")).replay()
    assert rows(report.to_csv(trajectory))[-1][11] == 'The "Paper", 4; January 2024, ü'


def test_the_csv_of_a_crisis_in_which_nothing_happened_is_its_head(scenario: Loaded) -> None:
    plain = SMALL[: SMALL.index("  - {id: insult")] + "  - {id: march, actor: crowd, action: protest, delay: 1 day}\n"
    assert rows(report.to_csv(scenario(text=plain).replay())) == [COLUMNS]

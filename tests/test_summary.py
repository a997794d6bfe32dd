"""The summary of a run: what it says is what the run found, for any scenario, and no text of a file becomes markup."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

import escsim
from escsim.phrases import effected, shared
from escsim.summary import Found, everything, leading_what_if, summary
from tests import strategies
from tests.test_forecasts import STORY


@pytest.fixture(scope="module")
def found() -> Found:
    return everything(escsim.load("iran-pakistan-2024"), 600, seed=7)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_summary_has_its_parts_in_order(found: Found) -> None:
    heads = [line for line in summary(found).splitlines() if line.startswith("#")]
    assert heads == [
        "# Iran and Pakistan, January 2024",
        *(
            f"## {part}"
            for part in (
                "In brief",
                "What happened",
                "How else it could have gone",
                "What if",
                "How the outlook moved",
                "What this cannot tell",
                "Sources",
                "How this was made",
            )
        ),
    ]


def test_every_answer_and_effect_stands_in_it_as_it_was_found(found: Found) -> None:
    text = flat(summary(found))
    for name, answer in found.answers.items():
        question = found.scenario.questions[name].text
        assert question is not None
        assert flat(question) in text
        if answer.kind == "probability":
            assert answer.estimate is not None
            assert f"{100 * answer.estimate:.1f} % (" in text
    for name, compared in found.comparisons.items():
        assert flat(found.scenario.what_if[name].text or "") in text
        assert effected(compared.effects["restored_by_deadline"]) in text
    assert found.record is not None
    for each in found.record.surprises:
        if each.event in ("workers_killed", "pakistani_strikes"):
            assert each.share is not None
            assert shared(each.share) in text
    assert f"{found.record.log_likelihood:.2f} (exact" in text
    assert all(flat(limit) in text for limit in found.scenario.limits)


def test_the_strongest_change_is_the_one_with_the_largest_effect(found: Found) -> None:
    effects = {name: abs(compared.effects["restored_by_deadline"].estimate or 0) for name, compared in found.comparisons.items()}
    assert leading_what_if(found) == max(effects, key=effects.__getitem__) == "words_only"


def test_what_only_follows_something_of_the_same_day_is_no_surprise(found: Found) -> None:
    brief = flat(summary(found).split("## What happened")[0])
    assert "Least expected on its day.** Gunmen kill nine Pakistani workers" in brief


def test_pictures_are_shown_with_their_descriptions(found: Found) -> None:
    text = summary(replace(found, pictures={"trajectory": ("trajectory.png", "Both [away] for 9 days")}))
    assert "![Both \\[away\\] for 9 days](trajectory.png)" in text


def test_no_text_of_a_file_becomes_markup() -> None:
    text = STORY.replace("A short story", "'A *bold* <script> | [story](x)'").replace("question: How?", "question: 'a | b'")
    written = summary(everything(strategies.load(text), 50))
    assert "# A \\*bold\\* \\<script\\> \\| \\[story\\](x)" in written
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) > 1
    for head, rule in itertools.pairwise(rows):
        if set(rule) <= {"|", "-"}:
            assert len(re.findall(r"(?<!\\)\|", head)) == rule.count("|")


def test_a_scenario_without_history_or_questions_has_a_summary_too() -> None:
    scenario = strategies.load(
        "title: Bare\nactors: {AAA: A, BBB: B}\nladder: simple\nperiod: {from: 2024-01-01, to: 2024-01-09}\n"
        "events:\n  - {id: e, actor: AAA, target: BBB, action: recall_envoy, delay: 2 days}\n"
    )
    written = summary(everything(scenario, 20))
    assert "## What happened" not in written
    assert "The file names no limits; its author should." in written


def test_the_same_run_gives_the_same_summary() -> None:
    scenario = strategies.load(STORY)
    assert summary(everything(scenario, 100)) == summary(everything(scenario, 100, threads=1))

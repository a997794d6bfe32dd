"""What is in the page of a lesson: the numbers of the command line, bit for bit, and a file that is the same wherever it is made."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings

import escsim
from escsim import plots, reasons, results
from escsim.effects import effect
from escsim.ensemble import Ensemble
from escsim.errors import ScenarioError
from escsim.lesson import MINUTES, VARIANTS, Options, lesson
from escsim.page import FOLDER, embedded, languages, page, words
from escsim.ranges import at, parameter
from escsim.scenario import Question
from escsim.tables import RUNS, STOPS
from escsim.times import TICKS_A_DAY
from tests.browser import embedded_in
from tests.conftest import Told
from tests.strategies import Data, history, load, strategy, told

FEW, SEED = 600, 7
NAMES = ["iran-pakistan-2024", "saudi-iran-2016", "iraq-iran-2024"]
FIRST = NAMES[0]
SOME = [FIRST, NAMES[2], pytest.param(NAMES[1], marks=pytest.mark.slow)]  # where each of many runs has a long table

Command = Callable[..., Told]


@cache
def made(name: str, minutes: int = 45, lang: str = "en") -> bytes:
    return page(escsim.load(name), Options(minutes=minutes, n=FEW, seed=SEED, lang=lang))


@cache
def base(name: str) -> Ensemble:
    return escsim.load(name).simulate(FEW, SEED)


def told_by(ensemble: Ensemble) -> dict[str, Any]:
    """Give what `escsim simulate --json` prints."""
    told: dict[str, Any] = json.loads(json.dumps(results.to_dict(ensemble, ensemble.answers())))
    return told


def shares(told: dict[str, Any], held: dict[str, Any]) -> dict[str, list[float]]:
    """Give the shares that the command line tells of the unit of a lesson on the days of its charts, without statuses that never are."""
    places = [told["days"].index(day) for day in held["days"]]
    unit = held["outcome"]["unit"]
    rows = {status: [row[place] for place in places] for status, row in {**told["occupancy"], **told["pairs"]}[unit].items()}
    return {status: row for status, row in rows.items() if any(row)}


def asked_of(held: dict[str, Any]) -> Question:
    """Give the outcome of a lesson as a question of a file."""
    goal = held["outcome"]
    return Question.model_validate({"probability": {"in": {goal["unit"]: goal["statuses"]}, "on": goal["day"]}})


def only(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("estimate", "low", "high")}


# Numbers


@pytest.mark.parametrize("name", SOME)
def test_the_shares_of_the_base_are_those_of_simulate(name: str) -> None:
    held, told = embedded_in(made(name)), told_by(base(name))
    assert {"n": held["n"], "seed": held["seed"], "hash": held["hash"]} == {each: told[each] for each in ("n", "seed", "hash")}
    assert held["base"]["occupancy"] == shares(told, held)
    assert held["base"]["outcome"] == only(told["questions"][held["outcome"]["name"]])
    assert held["outcome"]["text"] == told["questions"][held["outcome"]["name"]]["text"]


@pytest.mark.parametrize("name", SOME)
def test_every_stop_of_the_slider_is_a_simulate_of_its_own(name: str) -> None:
    held = embedded_in(made(name))
    slider, scenario = held["slider"], escsim.load(name)
    assert len(slider["stops"]) in (STOPS, STOPS + 1)
    for stop in slider["stops"][:: 3 if name == NAMES[1] else 1]:
        value = parameter(scenario, slider["name"]).read(stop["value"])
        told = told_by(at(scenario, {slider["name"]: value}).simulate(FEW, SEED))
        assert stop["occupancy"] == shares(told, held)
        assert stop["outcome"] == only(told["questions"][held["outcome"]["name"]])
    assert slider["stops"][slider["start"]] == {"value": slider["stops"][slider["start"]]["value"], **held["base"]}


@pytest.mark.parametrize("name", SOME)
def test_every_what_if_is_that_of_whatif(name: str) -> None:
    held, scenario = embedded_in(made(name)), escsim.load(name)
    assert [branch["name"] for branch in held["branches"]] == list(scenario.what_if)[:9]
    for branch in held["branches"]:
        changed = scenario.simulate(FEW, SEED, intervention=branch["name"])
        told = json.loads(json.dumps(effect(base(name), changed).to_dict()))
        assert branch["differ"] == told["differ"]
        assert branch["effect"] == told["effects"][held["outcome"]["name"]]
        assert branch["occupancy"] == shares(told_by(changed), held)


@pytest.mark.parametrize("name", SOME)
def test_every_forecast_is_a_simulate_from_that_morning(name: str) -> None:
    held, scenario = embedded_in(made(name)), escsim.load(name)
    end = Question.model_validate({"probability": {"in": {held["unit"]: held["mild"]}, "on": held["period"][1]}})
    days = list(held["outlook"])
    assert days == sorted(days)
    assert days[0] == held["period"][0]
    for day in days[1:]:
        assert held["outlook"][day] == only(asdict(scenario.simulate(FEW, SEED, given=day).answers({"end": end})["end"]))
    assert held["outlook"][days[0]] == only(asdict(base(name).answers({"end": end})["end"]))


@pytest.mark.parametrize("name", SOME)
def test_the_dots_are_those_of_the_figure_and_the_answers_those_of_simulate(name: str) -> None:
    held, told = embedded_in(made(name)), told_by(base(name))
    asked = next(question for question, each in escsim.load(name).questions.items() if each.text == held["asked"]["text"])
    assert held["asked"]["dots"] == [days for _, _, days, _ in plots.durations(base(name), question=asked).rows[1:]]
    answer = told["questions"][asked]
    assert (held["asked"]["history"], held["asked"]["asked"]) == (answer["replay"], answer["asked"])
    assert held["asked"]["median"][1] in (only(answer), {})


def test_dots_of_a_time_in_a_status_are_those_of_the_figure_where_it_is_none_at_all_too(scenario: Callable[..., Any]) -> None:
    asked = "questions: {away: {time_in: {AAA->BBB: envoys_recalled}}}\nlimits: [All of it.]\nbackground:\n"
    small = scenario(
        ("background:\n", asked), ("action: recall_envoy, cite: wire, follows: insult", "action: recall_envoy, follows: insult, probability: 0.6")
    )
    drawn = plots.durations(small.simulate(FEW, SEED), question="away").rows[1:]
    assert lesson(small, Options(n=FEW, seed=SEED))["asked"]["dots"] == [0.0 if otherwise == "never" else days for _, _, days, otherwise in drawn]
    assert {otherwise for _, _, _, otherwise in drawn} == {None, "never"}


@pytest.mark.parametrize("name", SOME)
def test_every_history_drawn_is_the_variant_of_that_number(name: str) -> None:
    held = embedded_in(made(name))
    assert [drawn["run"] for drawn in held["runs"]] == list(range(RUNS))
    for drawn in held["runs"]:
        run = base(name).trajectory(drawn["run"])
        for number, day in enumerate(held["days"]):
            status = [to for since, to in drawn["path"] if since <= day][-1]
            end = (date.fromisoformat(day) - base(name).days[0]).days + 1
            assert status == run.status_at(held["outcome"]["unit"], end * TICKS_A_DAY - 1), (drawn["run"], number)
        fired = [[f"{run.moment(step):%Y-%m-%d}", step.event] for step in run.steps]
        assert [each for each in fired if each in drawn["events"]] == drawn["events"]


@pytest.mark.parametrize("name", NAMES)
def test_shares_of_a_day_are_all_there_is(name: str) -> None:
    held = embedded_in(made(name))
    for table in (held["base"], *held["slider"]["stops"], *held["branches"]):
        for place in range(len(held["days"])):
            assert sum(round(row[place] * FEW) for row in table["occupancy"].values()) == FEW
        assert sum(table["ends"].values()) == 100
        assert all(abs(table["ends"][status] - 100 * row[-1]) < 1 for status, row in table["occupancy"].items())


@pytest.mark.slow
def test_the_command_line_prints_the_same_numbers(process: Command, tmp_path: Path) -> None:
    """Through the real commands, one of a kind."""
    few = ("-n", FEW, "--seed", SEED)

    def printed(*args: object) -> dict[str, Any]:
        done = process(*args, *few, "--json")
        assert done.code == 0, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found

    made_here = process("page", FIRST, "--minutes", "45", "--slider", "call_2.probability", *few, "-o", tmp_path / "lesson.html")
    assert made_here.code == 0, made_here.err
    held = embedded_in((tmp_path / "lesson.html").read_bytes())
    question = held["outcome"]["name"]
    simulated = printed("simulate", FIRST)
    assert held["base"] == {"occupancy": shares(simulated, held), "outcome": only(simulated["questions"][question]), "ends": held["base"]["ends"]}
    stop = held["slider"]["stops"][3]
    there = printed("simulate", FIRST, "--set", f"call_2.probability={stop['value']}")
    assert (stop["occupancy"], stop["outcome"]) == (shares(there, held), only(there["questions"][question]))
    branch = held["branches"][0]
    compared = printed("whatif", FIRST, branch["name"])
    assert (branch["effect"], branch["differ"]) == (compared["effects"][question], compared["differ"])
    morning = list(held["outlook"])[3]
    later = printed("simulate", FIRST, "--from", morning)
    last = {status: row[-1] for status, row in later["pairs"][held["unit"]].items()}
    assert held["outlook"][morning]["estimate"] == pytest.approx(sum(last[status] for status in held["mild"]), abs=1e-12)
    varied = printed("simulate", FIRST, "--vary", "diplomatic_answer.recall=0.4:0.85:0.45")
    ends = embedded_in(made(FIRST))["slider"]["stops"]
    assert [ends[place]["outcome"] for place in (0, -1)] == [only(each["questions"][question]) for each in varied["points"]]
    assert printed("page", FIRST, "--minutes", "45") == embedded_in(made(FIRST))


# The file


def test_the_same_is_made_in_any_process(process: Command, tmp_path: Path) -> None:
    files = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.html"
        done = process("page", NAMES[2], "-n", 100, "--quiz", "-o", path, env={"PYTHONHASHSEED": seed})
        assert done.code == 0, done.err
        files.append(path.read_bytes())
    assert files[0] == files[1] == page(escsim.load(NAMES[2]), Options(n=100, quiz=True))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lang"), [*((FIRST, lang) for lang in languages()), (NAMES[1], "en")])
def test_the_file_is_small_enough_for_a_message(name: str, lang: str) -> None:
    assert len(page(escsim.load(name), Options(minutes=45, quiz=True, answers=True, lang=lang, n=VARIANTS))) < 500_000


@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize("live", [None, "void 0;"])
def test_the_page_may_run_its_own_style_and_scripts_and_nothing_else(minutes: int, live: str | None) -> None:
    text = page(escsim.load(FIRST), Options(minutes=minutes, n=20), live=live).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None

    def hashes(kind: str) -> str:
        found = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        return " ".join(f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in found)

    assert policy[1].split("; ") == [
        "default-src 'none'",
        f"style-src {hashes('style')}",
        f"script-src {hashes('script')}",
        "base-uri 'none'",
        "form-action 'none'",
        *(["connect-src 'self'"] if live else []),
    ]
    assert text.count("<script>") == 1 + (live is not None)
    assert not re.search(r"<(?:link|img|iframe|script src|base|object|embed)|\son\w+=", text.partition("<script")[0])


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "\u2028\u2029", "&lt;", "\ud7ff\U0001f54a", "${1} $& {{script}}"])
def test_whatever_is_embedded_comes_out_as_it_was_and_ends_nothing(text: str) -> None:
    written = embedded({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert not set("<>&\u2028\u2029") & set(written)


def test_nothing_that_is_no_number_gets_into_a_page() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded({"share": float("nan")})


# Words


def forms(said: Any) -> list[str]:
    """Give the forms of a text, or the texts of a list."""
    return [said] if isinstance(said, str) else [form for each in (said.values() if isinstance(said, dict) else said) for form in forms(each)]


def braces(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("lang", languages())
def test_every_language_says_the_same_things_with_the_same_values(lang: str) -> None:
    english, said = words("en"), words(lang)
    assert said.keys() == english.keys()
    assert [(each["right"], len(each["answers"])) for each in said["quiz"]] == [(each["right"], len(each["answers"])) for each in english["quiz"]]
    assert len(said["own_steps"]) == len(english["own_steps"])
    for key in set(english) - {"quiz", "terms", "meanings", "own_steps"}:
        wanted = set().union(*map(braces, forms(english[key])))
        assert set().union(*map(braces, forms(said[key]))) == wanted, key
        if isinstance(said[key], dict):
            assert "other" in said[key]
            assert {"zero", "one", "two", "few", "many", "other"} >= set(said[key])
            assert braces(said[key]["other"]) == wanted, key


def literals() -> set[str]:
    """Give every literal text of the script, and of the modules that make its data."""
    sources = [FOLDER / "lesson.js", FOLDER / "page.html", *(FOLDER.parent / f"{name}.py" for name in ("lesson", "tables", "reasons", "page"))]
    return {found for path in sources for found in re.findall(r"[\"'{.](\w+)[\"'}]?", path.read_text(encoding="utf-8"))}


def test_every_text_of_a_language_is_used_and_every_text_that_is_used_is_there() -> None:
    script, said, known = (FOLDER / "lesson.js").read_text(encoding="utf-8"), words("en"), literals()
    families = re.findall(r"say\(`(\w+_)\$", script)
    assert {"why_", "notes_", "key_", "help_", "confidence_", "quiz_"} == {*families}
    known |= {"language", "medium"}  # for people who read the file; one of the words of the form
    used = {key for key in said if key in known or any(key.startswith(family) and key.removeprefix(family) in known for family in families)}
    assert set(said) - used == set()
    asked = {
        key
        for call in re.findall(r"\b(?:say|para|small|big|ask)\(([^()]*)", re.sub(r"=== \"\w+\"", "", script))
        for key in re.findall(r'"(\w+)"', call.partition("{")[0])
    }
    assert len(asked) > 50
    assert asked - set(said) == set()
    keys = set(re.findall(r'"(\w+)"(?:, {| if some else )', Path(reasons.__file__).read_text(encoding="utf-8")))
    assert len(keys) > 10
    assert {f"why_{key}" for key in keys} == {key for key in said if key.startswith("why_")}


# Lessons of any scenario

ANY = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def check_lesson(data: Data, minutes: int) -> None:
    scenario = load(data | {"limits": ["All of it."]})
    try:
        held = lesson(scenario, Options(minutes=minutes, n=20, seed=SEED))
    except ScenarioError:
        reject()
    screens, steps = held["screens"], held["steps"]
    kinds = [screen["kind"] for screen in screens]
    known = [screen["upto"] for screen in screens]
    assert known == sorted(known)
    assert [screen["since"] for screen in screens] == [0, *known[:-1]]
    telling = [screen for screen in screens if screen["kind"] in ("event", "decide", "reveal", "guess", "number")]
    if minutes > min(MINUTES):
        assert max([0, *(screen["upto"] for screen in telling)]) == len(steps)
    for place, screen in enumerate(screens):
        told = [step["event"] for step in steps[: screen["upto"]]]
        if screen["kind"] == "event":
            assert screen["event"] in told
        if screen["kind"] == "decide":
            assert kinds[place + 1] == "reveal"
            assert screens[place + 1]["choice"] == screen["choice"]
        if screen["kind"] == "reveal":
            assert kinds[place - 1] == "decide"
            assert screen["option"] in [*told, "nothing"]
            assert screen["option"] not in [step["event"] for step in steps[: screens[place - 1]["upto"]]]
        if "outlook" in screen:
            assert [step["day"] < screen["outlook"] for step in steps] == [True] * screen["upto"] + [False] * (len(steps) - screen["upto"])
    if "guess" in kinds:
        assert kinds.index("guess") < kinds.index("number")
        assert kinds.count("guess") == kinds.count("number") == 1
    assert all(1 <= len(step["why"]) <= reasons.MOST for step in steps)
    assert json.loads(embedded(held)) == json.loads(json.dumps(held))


@given(strategy(history))
@ANY
def test_a_lesson_of_any_history_tells_all_of_it_in_order(data: Data) -> None:
    check_lesson(data, 15)


@given(strategy(told))
@ANY
def test_a_lesson_of_any_file_tells_all_of_it_in_order(data: Data) -> None:
    check_lesson(data, 45)


@given(strategy(history))
@settings(ANY, max_examples=10)
def test_the_shortest_lesson_of_any_history_tells_it_in_order(data: Data) -> None:
    check_lesson(data, 5)


# What is refused

TAUGHT = """\
title: A quarrel
actors: {AAA: Here, BBB: There}
ladder: simple
period: {from: 2024-01-01, to: 2024-01-31}
limits: [All of it.]
events:
  - {id: recall, date: 2024-01-05, actor: AAA, target: BBB, action: recall_envoy}
"""


@pytest.mark.parametrize(
    ("change", "options", "code", "message", "remedy"),
    [
        (("limits: [All of it.]\n", ""), [], 1, "this file has no `limits`", "limits: ["),
        (("date: 2024-01-05", "delay: 2 days"), [], 1, "no event of this file has a date", "give events a `date`"),
        (("recall_envoy", "protest"), [], 1, "no event of this file can move one", "use a trigger of the ladder"),
        (("", ""), ["--lang", "ef"], 2, "no strings file for the language 'ef'", "known languages"),
        (("", ""), ["--slider", "recal.probability"], 2, "no event or choice 'recal'", "recall"),
        (("", ""), ["--start", "99"], 2, "there is no screen 99", "1 to 7"),
        (("", ""), ["--minutes", "10"], 2, "'10' is not one of", "'15'"),
        (("", ""), ["--presets", "text=9"], 2, "'text=9' is none", "text=0 to text=3"),
        (("", ""), ["-o", "lesson.txt"], 2, "a lesson is an HTML file", ".html"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_remedy(
    escsim: Command, tmp_path: Path, change: tuple[str, str], options: list[str], code: int, message: str, remedy: str
) -> None:
    file = tmp_path / "quarrel.yaml"
    file.write_text(TAUGHT.replace(*change), encoding="utf-8")
    done = escsim("page", file, "-n", 10, *options)
    assert done.code == code
    assert message in done.err
    assert remedy in done.err
    assert not list(tmp_path.glob("*.html"))


def test_a_page_is_written_beside_and_over_nothing(escsim: Command, tmp_path: Path) -> None:
    (tmp_path / "quarrel.yaml").write_text(TAUGHT, encoding="utf-8")
    done = escsim("page", "quarrel.yaml", "-n", 10)
    assert (done.code, done.out) == (0, "")
    assert "quarrel.html" in done.err
    before = (tmp_path / "quarrel.html").read_bytes()
    assert escsim("page", "quarrel.yaml", "-n", 11).code != 0
    assert (tmp_path / "quarrel.html").read_bytes() == before
    assert escsim("page", "quarrel.yaml", "-n", 11, "--force").code == 0
    assert (tmp_path / "quarrel.html").read_bytes() != before

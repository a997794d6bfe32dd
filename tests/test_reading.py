"""The reader: what it makes of any text at all, what plain scalars mean, where everything stands, how faults are told."""

from __future__ import annotations

import json
import pickle
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import escsim
from escsim.errors import MOST_SHOWN, Place, Problem, ScenarioError, listed, nearest, plain, quoted, suggest
from escsim.library import shelf
from escsim.reading import Document, read

HERE = Path(__file__).parent
GOOD = HERE / "good"
# The same examples each time: a suite that fails for one person fails for all.
FUZZ = settings(deadline=None, derandomize=True, database=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
SLOW_FUZZ = settings(FUZZ, max_examples=40)

escsim.load("iraq-iran-2024").replay()  # imports everything now: Hypothesis draws from the constants of what is imported
STORY = (shelf() / "iraq-iran-2024.yaml").read_text(encoding="utf-8")
DATA = read(shelf() / "iraq-iran-2024.yaml").root.plain()
# Every kind of key in one small file, for faults that the shipped stories leave no room for.
WHOLE = (GOOD / "what_if.yaml").read_text(encoding="utf-8")

INNER = re.compile(
    r"\b(while|from|in|and|or|not|ladder)_\b|\b(Node|Place|Undefined|ctx|pydantic|NoneType)\b|Traceback|<class|object at 0x|\[key\]|constrained"
)
UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a path to write files to, one over the other."""
    return tmp_path_factory.mktemp("reading") / "x.yaml"


def document(text: str | bytes, spot: Path) -> Document:
    spot.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(spot, "x.yaml")


def tried(data: str | bytes, spot: Path) -> str:
    """Load and replay a file that may be anything: either it works or it is refused in good order."""
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    spot.write_bytes(raw)
    try:
        escsim.load(spot).replay()
    except ScenarioError as error:
        check(error, spot, raw)
        return str(error)
    return ""


def check(error: ScenarioError, spot: Path, raw: bytes) -> None:
    """A refusal tells of faults in this file, and prints nothing that acts on a terminal."""
    lines = len(re.split(rb"\r\n|\n|\r|\xc2\x85|\xe2\x80[\xa8\xa9]", raw))
    assert error.problems
    for problem in error.problems:
        assert problem.place.file == str(spot)
        assert 1 <= problem.place.line <= lines + 1
        assert 1 <= problem.place.column <= len(raw) + 1
        assert 0 < len(problem.message) < 1000
    assert not UNPRINTABLE.search(str(error))


# --- anything at all

PIECES = [
    "- ", "? ", ": ", ":", "a", "b", "id", "{", "}", "[", "]", ",", "&a ", "*a", "!!str ", "!t ", ">", "|", "'", '"', "\\", "#", "%",
    "%YAML 1.1", "---", "...", "<<: ", "~", "0", "010", "1e9", ".inf", "true", "@", "`", "=", "  ", "    ",
    "\t", "\n", "\r\n", "\r", "\0", "\x7f", "\x85",
    "\u2028", "\u202e", "\ufeff",
    "\ufffe", "é", "e\u0301", "\U0001f54a", "\\x", "\\u", "\\ud800", "\\U00110000",
    "events:", "title: ", "ladder: simple", "actors: ", "period: ", "extends: ",
]  # fmt: skip
YAMLISH = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@FUZZ
@given(st.text(max_size=200) | YAMLISH)
@example("\ufeff\ufeffa: b")
@example("a: b\n...\n# c\n")
@example("? ")
@example('a: "\\U00110000"')
@example("%YAML 9999999999999999999.1\n---\na: b")
@example("2024-01-01: [")
@example("extends: x.yaml")
@example("- - -\n -")
def test_any_text_is_read_or_refused(spot: Path, text: str) -> None:
    """Any exception but ScenarioError, a place outside the file, a message that a terminal would act on."""
    tried(text, spot)


@FUZZ
@given(YAMLISH)
def test_any_text_is_read_or_refused_without_libyaml(spot: Path, text: str) -> None:
    """The same where PyYAML has only its parser in Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("escsim.reading._LOADER", yaml.SafeLoader)
        tried(text, spot)


@FUZZ
@given(st.binary(max_size=200) | st.tuples(YAMLISH, st.binary(max_size=4), YAMLISH).map(lambda part: part[0].encode() + part[1] + part[2].encode()))
@example(b"\xff\xfe\x00\x00a\x00\x00\x00")
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb")
@example(b"a: \xf4\x90\x80\x80")
def test_any_bytes_are_read_or_refused(spot: Path, raw: bytes) -> None:
    """The same for files that are no text."""
    tried(raw, spot)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> bytes:
    """Draw a story with a few lines or characters deleted, doubled, moved, or put in, or one that ends early."""
    lines = text.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 3))):
        here, there = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "double", "move", "indent", "dedent", "put in"])):
            case "delete":
                del lines[here]
            case "double":
                lines.insert(here, lines[here])
            case "move":
                lines.insert(there, lines.pop(here))
            case "indent":
                lines[here] = " " * draw(st.integers(1, 4)) + lines[here]
            case "dedent":
                lines[here] = lines[here][draw(st.integers(1, 4)) :]
            case "put in":
                lines.insert(here, draw(YAMLISH) + "\n")
    chars = list("".join(lines))
    for _ in range(draw(st.integers(0, 3))):
        here, there = draw(st.integers(0, len(chars) - 1)), draw(st.integers(0, len(chars) - 1))
        match draw(st.sampled_from(["swap", "delete", "put in"])):
            case "swap":
                chars[here], chars[there] = chars[there], chars[here]
            case "delete":
                del chars[here]
            case "put in":
                chars.insert(here, draw(st.sampled_from(PIECES)))
    raw = "".join(chars).encode()
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw


@SLOW_FUZZ
@given(damaged(STORY))
def test_a_damaged_story_is_read_or_refused(spot: Path, raw: bytes) -> None:
    """An error in the middle of someone's work that no message explains."""
    assert not INNER.search(tried(raw, spot))


@FUZZ
@given(damaged(WHOLE.replace("extends: choices.yaml\n", (GOOD / "choices.yaml").read_text(encoding="utf-8").replace("title: Decisions\n", ""))))
def test_a_damaged_file_of_choices_is_read_or_refused(spot: Path, raw: bytes) -> None:
    """The same for choices and interventions."""
    assert not INNER.search(tried(raw, spot))


def paths(data: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Give the path of every value in plain data."""
    if path:
        yield path
    for name, child in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from paths(child, *path, name)


def whole() -> dict[str, Any]:
    """Give plain data with every key of the form somewhere: the good files laid over one another."""
    data: dict[str, Any] = {}
    for name in ("gates", "choices", "questions", "ladder_inline", "parties", "observed", "ranges"):
        for key, value in read(GOOD / f"{name}.yaml").root.plain().items():
            if isinstance(value, dict) and isinstance(data.get(key), dict):
                data[key] |= value
            elif isinstance(value, list) and isinstance(data.get(key), list):
                data[key] += value
            else:
                data[key] = value
    data |= {"what_if": read(GOOD / "what_if.yaml").root.plain()["what_if"], "variants": {"runs": 10, "seed": 1, "spread": {"gamma": {"cv": 0.5}}}}
    return data


EVERYTHING = whole()
ODD = [
    None, True, False, 0, 1, -1, 0.5, 1e300, 10**39, "", " ", "a", "A", "any", "nothing", "PAK->IRN", "PAK-IRN", "PAK->PAK", "2024-01-17",
    "2024-02-30", "9999", "2 days", "-2 days", "0 days", "1 month", "0 per day", "1 per day", "*", "=", "none", "simple", ">= 0.5",
    "\u202e\u200b", "\U0001f54a", "x" * 200, "$x$", "{0}", "%s", [], [[]], [None], ["a", "a"], ["recall", 5], [1, 2, 3],
    {}, {"a": None}, {"a": {}}, {"PAK->IRN": "normal"}, {"": 1}, {"x" * 200: 1}, {"fixed": 1}, {"all": []},
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.text("xyzé \n", max_size=4)
VALUES = st.sampled_from(ODD) | st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=3)


@st.composite
def altered(draw: st.DrawFn, data: Any) -> str:
    """Draw plain data with some values replaced by odd ones or by others from elsewhere, keys renamed or gone, as JSON, which is YAML."""
    data = json.loads(json.dumps(data))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(list(paths(data)) or [("title",)]))
        holder = data
        for part in above:
            holder = holder[part]
        match draw(st.sampled_from(["odd", "odd", "other", "gone", "renamed"])):
            case "odd":
                holder[last] = draw(VALUES)
            case "other":
                other = data
                for part in draw(st.sampled_from(list(paths(data)))):
                    other = other[part]
                holder[last] = json.loads(json.dumps(other))
            case "gone":
                del holder[last]
            case "renamed" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["a", "A", str(last) + "s", "2024-01-17", "any"]))] = holder.pop(last)
            case _:
                pass
    return json.dumps(data, indent=1, ensure_ascii=False)


@SLOW_FUZZ
@given(altered(DATA))
def test_a_story_with_any_value_anywhere_is_read_or_refused(spot: Path, text: str) -> None:
    """A value of the wrong kind that is let through to code which cannot take it."""
    assert not INNER.search(tried(text, spot))


@settings(FUZZ, max_examples=100)
@given(altered(EVERYTHING))
def test_every_key_of_the_form_with_any_value_is_read_or_refused(spot: Path, text: str) -> None:
    """The same for every key of the form."""
    assert not INNER.search(tried(text, spot))


EVENT = "  - {{id: e{0}, actor: AAA, action: protest, delay: 1 day{1}}}\n"


def events(number: int, extra: Any) -> str:
    """Write many events, each with something more."""
    return "".join(EVENT.format(each, extra(each)) for each in range(number))


# Sizes at which work that grows with the square shows in seconds, and not in hours.
MANY: dict[str, str] = {
    "brackets": "[" * 900_000,
    "keys": "".join(f"k{number}: 1\n" for number in range(2000)),
    "keys in braces": "{" + ",".join(f"k{number}" for number in range(2000)) + "}",
    "one key again and again": "k: 1\n" * 20_000,
    "anchors": "a: [" + ", ".join(f"&a{number} 1" for number in range(20_000)) + "]",
    "empty values": "".join(f"k{number}:\n" for number in range(10_000)),
    "long text": "a: " + "b\n " * 300_000,
    "escapes": 'a: "' + "\\x41" * 200_000 + '"',
    "unknown names": events(1500, lambda _: ", follows: recal, cite: papr"),
    "unknown names, all different": events(1500, lambda each: f", follows: recal{each}, cite: papr{each}"),
    "faults of form": events(1500, lambda _: ", probability: 2, text: 5"),
    "a long chain": events(1500, lambda each: f", follows: e{each - 1}" if each else ""),
    "a long chain backwards": events(1500, lambda each: f", follows: e{each + 1}" if each < 1499 else ""),
    "a large circle": events(1000, lambda each: f", follows: e{(each + 1) % 1000}"),
    "a dense net": events(700, lambda each: f", follows: [{', '.join(f'e{other}' for other in range(max(0, each - 20), each))}]" if each else ""),
}
HEAD = "title: Much\nactors: {AAA: Aland}\nladder: simple\nperiod: {from: 2024-01-01, to: 2024-03-31}\nevents:\n"


@pytest.mark.parametrize("name", MANY)
def test_a_file_of_much_of_one_thing_is_judged_in_time(name: str, spot: Path) -> None:
    """Work that grows with the square of a file, or worse: whoever is sent one waits for ever."""
    start = time.process_time()
    tried(HEAD + MANY[name] if MANY[name].startswith("  - ") else MANY[name], spot)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "ladder",
    [
        "{machine: {states: [" + ", ".join(f"s{number}" for number in range(400)) + "], initial: s0, transitions: ["
        + ", ".join(f"[t{number}, '*', s{number}]" for number in range(400)) + "]}}",
    ],
    ids=["400 statuses, 400 triggers"],
)  # fmt: skip
def test_a_large_ladder_is_judged_in_time(ladder: str, spot: Path) -> None:
    """The same for ladders."""
    start = time.process_time()
    tried(HEAD.replace("simple", ladder) + EVENT.format(1, ""), spot)
    assert time.process_time() - start < 5


def test_a_coalition_of_the_world_is_judged_in_time(spot: Path) -> None:
    """The same for actors: each of 400 states against each other makes 160,000 missions."""
    states = [f"{one}{two}Z" for one in "ABCDEFGHIJKLMNOPQRST" for two in "ABCDEFGHIJKLMNOPQRST"]
    text = HEAD.replace("AAA: Aland", ", ".join(f"{state}: x" for state in states))
    start = time.process_time()
    tried(f"{text}  - {{id: all, date: 2024-01-02, actor: [{', '.join(states)}], action: recall_envoy}}\n", spot)
    assert time.process_time() - start < 5


# --- what plain scalars mean

TYPED: list[tuple[str, Any]] = [
    ("NO", "NO"), ("no", "no"), ("yes", "yes"), ("On", "On"), ("off", "off"), ("y", "y"), ("N", "N"),
    ("true", True), ("True", True), ("TRUE", True), ("tRUE", "tRUE"), ("'true'", "true"),
    ("false", False), ("False", False), ("FALSE", False),
    ("~", None), ("null", None), ("Null", None), ("NULL", None), ("", None),
    ("nULL", "nULL"), ("'null'", "null"), ("''", ""), ("none", "none"), ("None", "None"),
    ("0", 0), ("-0", 0), ("+12", 12), ("-7", -7), ("1234567890" * 4, int("1234567890" * 4)),
    ("'010'", "010"), ('"0x1F"', "0x1F"), ("00012x", "00012x"),
    ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("+1.50", 1.5), ("1e3", 1000.0), ("1E-3", 0.001), ("1.e+2", 100.0), ("0.0", 0.0), ("1e-999", 0.0),
    ("1_000", "1_000"), ("1,000", "1,000"), ("12:30", "12:30"), ("12:30:45", "12:30:45"), ("50%", "50%"), ("\uff11", "\uff11"),
    ("2024-01-01", "2024-01-01"), ("2024-01-01 05:00", "2024-01-01 05:00"), ("2024-01-01T05:00:00Z", "2024-01-01T05:00:00Z"),
    (".", "."), ("+", "+"), ("1e", "1e"), ("e1", "e1"), ("1.2.3", "1.2.3"), ("--1", "--1"), ("1 2", "1 2"), ("=", "="),
    ("infinity", "infinity"), ("nan", "nan"), ("PAK->IRN", "PAK->IRN"), ("a#b", "a#b"), ("a:b", "a:b"), ("'it''s'", "it's"), ('"\\u00e9\\x41"', "éA"),
]  # fmt: skip
TWO_WAYS = ["010", "-01", "+00", "0o17", "0O17", "0x1F", "0XfF", "0b101"]
NO_NUMBER = ["1" * 41, "0." + "1" * 40, ".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999", "-1E400"]


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize(("written", "meant"), TYPED)
def test_a_plain_scalar_means_what_yaml_1_2_says(written: str, meant: Any, loader: str, spot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Norway read as false, 010 as 8, a time of day as seconds, a date as an object."""
    monkeypatch.setattr("escsim.reading._LOADER", getattr(yaml, loader, yaml.SafeLoader))
    found = document(f"a: {written}\n", spot)
    value = found.root.plain()["a"]
    assert (type(meant), meant) == (type(value), value)
    assert found.problems == []


@pytest.mark.parametrize("written", TWO_WAYS + NO_NUMBER)
def test_a_number_that_could_mean_two_things_or_none_is_refused(written: str, spot: Path) -> None:
    """A guess where the file does not say."""
    found = document(f"a: [b, {written}]\n", spot)
    assert [Place("x.yaml", 1, 8)] == [problem.place for problem in found.problems]


# --- where everything stands

STANDS = "title: {0}\nactors: {{AAA: {0}, BBB: [x, {{y: {0}}}]}}\nlist:\n  - one\n  - {{two: {0}, three: 3}}\n  -   - four\n"
PLACES: list[tuple[tuple[Any, ...], tuple[int, int] | None, tuple[int, int]]] = [
    (("title",), (1, 1), (1, 8)),
    (("actors",), (2, 1), (2, 9)),
    (("actors", "AAA"), (2, 10), (2, 15)),
    (("actors", "BBB"), (2, 18), (2, 23)),
    (("actors", "BBB", 0), None, (2, 24)),
    (("actors", "BBB", 1), None, (2, 27)),
    (("actors", "BBB", 1, "y"), (2, 28), (2, 31)),
    (("list",), (3, 1), (4, 3)),
    (("list", 0), None, (4, 5)),
    (("list", 1, "two"), (5, 6), (5, 11)),
    (("list", 1, "three"), (5, 14), (5, 21)),
    (("list", 2), None, (6, 7)),
    (("list", 2, 0), None, (6, 9)),
]


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no BOM", "BOM"])
@pytest.mark.parametrize("word", ["x", "é", "\U0001f54a", "漢"], ids=["ASCII", "Latin", "beyond the BMP", "Han"])
def test_every_key_and_value_knows_its_line_and_column(
    loader: str, ends: str, mark: str, word: str, spot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that sends its reader to the wrong place; columns count characters, not bytes."""
    monkeypatch.setattr("escsim.reading._LOADER", getattr(yaml, loader, yaml.SafeLoader))
    root = document((mark + STANDS.format(word)).replace("\n", ends), spot).root
    for path, key, value in PLACES:
        assert Place("x.yaml", *value) == root.place_of(*path)
        assert Place("x.yaml", *(key or value)) == root.place_of(*path, key=True)
    assert Place("x.yaml", 2, 9) == root.place_of("actors", "CCC"), "a path that leads on is followed as far as it goes"


def test_a_value_of_another_file_stands_there(tmp_path: Path) -> None:
    """A fault of the extended file told of the one that extends it, or the other way round."""
    (tmp_path / "base.yaml").write_text("title: Base\nperiod:\n  from: 2024-01-01\n  to: 2024-02-01\nevents:\n- {id: a, text: A}\n- {id: b}\n")
    (tmp_path / "own.yaml").write_text("extends: base.yaml\nperiod: {to: 2024-03-01}\nevents:\n- {id: a, text: B}\n")
    root = read(tmp_path / "own.yaml", "own.yaml").root
    assert root.plain() == {"title": "Base", "period": {"from": "2024-01-01", "to": "2024-03-01"}, "events": [{"id": "a", "text": "B"}, {"id": "b"}]}
    assert Place("base.yaml", 1, 8) == root.place_of("title")
    assert Place("base.yaml", 3, 9) == root.place_of("period", "from")
    assert Place("own.yaml", 2, 14) == root.place_of("period", "to")
    assert root.place_of("events", 0, "id").line in (4, 6), "the same in both"
    assert Place("own.yaml", 4, 17) == root.place_of("events", 0, "text")
    assert Place("base.yaml", 7, 3) == root.place_of("events", 1)


# --- files that are none


def refusal(path: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        escsim.load(path)
    return str(caught.value)


def test_a_file_that_extends_one_outside_its_folder_by_a_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link as a way to read what lies elsewhere."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    (tmp_path / "secret.yaml").write_text("title: x\n")
    Path("link.yaml").symlink_to("../secret.yaml")
    Path("x.yaml").write_text("extends: link.yaml\n")
    assert refusal(Path("x.yaml")) == "x.yaml:1:10: error: 'link.yaml' leads out of the folder\n    copy the file beside this one"


@pytest.mark.parametrize("file", ["base.yaml", "x.yaml"])
def test_an_id_written_twice_is_told_in_extended_files_as_well(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge by id that swallows one of two events."""
    monkeypatch.chdir(tmp_path)
    event = "  - {id: again, date: 2024-01-11, actor: AAA, action: protest}\n"
    Path("base.yaml").write_text((GOOD / "minimal.yaml").read_text() + event * 2 * (file == "base.yaml"))
    Path("x.yaml").write_text("extends: base.yaml\nevents:\n" + (event * 2 if file == "x.yaml" else event.replace("again", "more")))
    assert "two events are called 'again'" in refusal(Path("x.yaml"))


def test_a_link_that_stays_in_the_folder_is_followed(tmp_path: Path) -> None:
    """A refusal of what is harmless."""
    (tmp_path / "minimal.yaml").write_text((GOOD / "minimal.yaml").read_text())
    (tmp_path / "link.yaml").symlink_to("minimal.yaml")
    (tmp_path / "x.yaml").write_text("extends: link.yaml\n")
    assert escsim.load(GOOD / "minimal.yaml").hash == escsim.load(tmp_path / "x.yaml").hash


def test_a_link_that_leads_round_in_a_circle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A RuntimeError from pathlib."""
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").symlink_to("two.yaml")
    Path("two.yaml").symlink_to("one.yaml")
    Path("x.yaml").write_text("extends: one.yaml\n")
    assert refusal(Path("x.yaml")).startswith("x.yaml:1:10: error: ")


def test_a_long_chain_of_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A RecursionError after some hundred files, or a megabyte read for each."""
    monkeypatch.chdir(tmp_path)
    for number in range(400):
        Path(f"f{number}.yaml").write_text(f"extends: f{number + 1}.yaml\n")
    Path("f400.yaml").write_text((GOOD / "minimal.yaml").read_text())
    assert "error: " in refusal(Path("f0.yaml"))


def test_a_name_too_long_for_a_file_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system where the name is wrong, or a tale of links."""
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(f"extends: {'a' * 300}.yaml\n")
    assert refusal(Path("x.yaml")) == f"x.yaml:1:10: error: there is no file '{'a' * 57}...'\n    it must lie beside this file"


def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait for ever on a pipe, a traceback on a folder."""
    import os

    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    assert refusal(Path("pipe.yaml")) == "pipe.yaml:1:1: error: this is not a regular file"
    for wanted in (tmp_path, tmp_path / "none.yaml", "iran-pakistan-2042", "", "a\0b"):
        with pytest.raises(FileNotFoundError):
            escsim.load(wanted)
    with pytest.raises(FileNotFoundError, match="did you mean 'iran-pakistan-2024'"):
        escsim.load("iran-pakistan-2023")


# --- how faults are told


def test_a_problem_is_printed_with_its_place_and_its_remedy() -> None:
    """Output that editors cannot jump to."""
    place = Place("crisis.yaml", 3, 7)
    assert str(place) == "crisis.yaml:3:7"
    told = "crisis.yaml:3:7: error: unknown key 'inital'"
    assert str(Problem(place, "unknown key 'inital'")) == told
    assert str(Problem(place, "unknown key 'inital'", "did you mean 'initial'?")) == f"{told}\n    did you mean 'initial'?"


def test_problems_are_told_once_each_in_order_of_place() -> None:
    """The same fault twice, the last line first, or another order on every run."""
    first, second, third = Problem(Place("x", 2, 9), "b"), Problem(Place("x", 10, 1), "a"), Problem(Place("x", 10, 2), "a")
    assert (first, second, third) == ScenarioError([third, first, second, first]).problems
    same = [Problem(Place("x"), f"fault {number:02}") for number in range(20)]
    assert tuple(same) == ScenarioError(same).problems


def test_at_most_twenty_problems_are_printed_and_the_rest_counted() -> None:
    """A screen that runs away, or faults that nobody hears of."""
    problems = [Problem(Place("x", line), "wrong", "mend it") for line in range(1, 31)]
    assert MOST_SHOWN == 20
    error = ScenarioError(problems)
    assert len(error.problems) == 30
    assert [*(f"x:{line}:1: error: wrong\n    mend it" for line in range(1, 21)), "... and 10 more"] == re.split(r"\n(?! )", str(error))
    assert "more" not in str(ScenarioError(problems[:20]))
    assert str(ScenarioError(problems[:21])).endswith("\n... and 1 more")


def test_an_error_survives_the_way_between_processes() -> None:
    """A worker's message that is lost on its way home."""
    error = ScenarioError([Problem(Place("x", 2), "wrong", "mend it")])
    again = pickle.loads(pickle.dumps(error))
    assert (error.problems, str(error)) == (again.problems, str(again))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Émile 漢字 🕊", "Émile 漢字 🕊"),
        ("tab\tline\nreturn\r", "tab\\tline\\nreturn\\r"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\0\x07\x7f\x85", "\\x00\\x07\\x7f\\x85"),
        ("a\u202eb\u2066c\u200bd\ufeffe\u00adf", "a\\u202eb\\u2066c\\u200bd\\ufeffe\\xadf"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ue000\U000f0000\U000e0001\ufdd0", "\\ue000\\U000f0000\\U000e0001\\ufdd0"),
        ("\ud800", "\\ud800"),
        ("a'b\\c", "a'b\\c"),
        ("", ""),
    ],
)
def test_text_from_a_file_is_safe_to_print(text: str, shown: str) -> None:
    """A file that moves the cursor, turns the line round or hides a character."""
    assert shown == plain(text)
    assert f"'{shown}'" == quoted(text)


def test_long_text_from_a_file_is_cut() -> None:
    """A message that nobody can read for its length."""
    assert plain("x" * 60) == "x" * 60
    assert plain("x" * 61) == "x" * 57 + "..."
    assert plain("x" * 11, 10) == "x" * 7 + "..."
    assert quoted("🕊" * 99) == "'" + "🕊" * 57 + "...'"
    assert quoted(5) == "'5'"


def test_names_are_listed_up_to_a_dozen() -> None:
    """A vocabulary poured over the screen."""
    assert listed([]) == ""
    assert listed("ab") == "'a', 'b'"
    assert listed(range(12)).endswith("'10', '11'")
    assert listed(range(13)).endswith("'10', '11', ...")


def test_a_name_is_offered_only_if_it_is_close() -> None:
    """'states' offered for 'rates', or nothing for a slip of one letter."""
    assert nearest("recal", ["strike", "recall"]) == "recall"
    assert nearest("acotrs", ["actors", "actions"]) == "actors"
    assert nearest("rates", ["states"]) is None
    assert nearest("x", []) is None
    assert suggest("recal", ["strike", "recall"]) == "did you mean 'recall'?"
    assert suggest("zzz", ["strike", "recall"], "known names") == "known names: 'strike', 'recall'"
    assert "names name" not in suggest("zzz", [], "known source names"), "it said: there is no known source names name here"

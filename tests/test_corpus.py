"""The corpus: files that are wrong, each with what is to be said of it, and files that are right.

A file of `bad/` begins with comments that hold the message, as it is printed after the name of the file:

    # 14:5: error: events[0]: unknown key 'targets'
    #     did you mean 'target'?
    # schema: no

`schema: no` says that the JSON Schema refuses the file too, `schema: yes` that it cannot know better; files that are
not even YAML have no such line. Files whose names begin with _ are parts of others. After a change of a message
`python tests/test_corpus.py NAME...` writes what is said now into these comments: read the difference before you commit it.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import time
import typing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

import escsim
from escsim import ScenarioError
from escsim.forms import Form
from escsim.library import shelf
from escsim.reading import read
from escsim.scenario import Scenario
from escsim.schema import scenario_schema

HERE = Path(__file__).parent
BAD = sorted(path for path in (HERE / "bad").glob("*.yaml") if not path.name.startswith("_"))
GOOD = sorted((HERE / "good").glob("*.yaml"))
SHIPPED = sorted(shelf().glob("*.yaml"))
WITHOUT = pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML without libyaml")
LOADERS = [pytest.param(getattr(yaml, "CSafeLoader", None), id="libyaml", marks=WITHOUT), pytest.param(yaml.SafeLoader, id="pure")]
SCHEMA = scenario_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def names(paths: list[Path]) -> Any:
    return [pytest.param(path, id=path.stem) for path in paths]


def outcome(path: Path) -> str:
    """Load and replay a file as its own folder sees it: what is said of it, or nothing if it is right."""
    try:
        escsim.load(path.name).replay()
    except ScenarioError as error:
        return str(error)
    return ""


@dataclasses.dataclass
class Expected:
    text: str
    schema: str | None

    @classmethod
    def of(cls, path: Path) -> Expected:
        """Read the comments at the head of a bad file."""
        said, schema = [], None
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                break
            if line.startswith("# schema: "):
                schema = line.removeprefix("# schema: ")
            elif re.match(r"# \d+:\d+: error: ", line):
                said.append(f"{path.name}:{line[2:]}")
            else:
                said.append(line[2:])
        return cls("\n".join(said), schema)


def places(text: str) -> list[str]:
    """Give file and line of each problem in a message."""
    return re.findall(r"^(\S+:\d+):\d+: error: ", text, re.MULTILINE)


@pytest.fixture
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("escsim.reading._LOADER", request.param)
    return request.param


@pytest.mark.parametrize("loader", LOADERS, indirect=True)
@pytest.mark.parametrize("path", names(BAD))
def test_a_bad_file_is_refused_with_its_message(path: Path, loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that lost its place, its remedy or its only fault, and a second fault that is none."""
    monkeypatch.chdir(path.parent)
    expected = Expected.of(path)
    start = time.process_time()
    said = outcome(path)
    assert time.process_time() - start < 2
    if loader is yaml.SafeLoader and "not valid YAML" in expected.text:  # two parsers, two ways to put it
        assert places(expected.text) == places(said)
    else:
        assert expected.text == said


@pytest.mark.parametrize("path", names(GOOD + SHIPPED))
def test_a_good_file_loads_and_replays_alike_with_both_loaders(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something valid that is refused, or that means something else where PyYAML has no libyaml."""
    monkeypatch.chdir(path.parent)
    hashes = set()
    for loader in {getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader}:
        monkeypatch.setattr("escsim.reading._LOADER", loader)
        scenario = escsim.load(path.name)
        scenario.replay()
        hashes.add(scenario.hash)
    assert len(hashes) == 1


@pytest.mark.parametrize("path", names(SHIPPED))
def test_a_shipped_choice_says_its_options_alike(path: Path) -> None:
    """An option without words of its own, or one that stands out by its length."""
    for name, choice in escsim.load(path).choices.items():
        wording = choice.wording or {}
        assert set(wording) == set(choice.options), name
        assert len(set(wording.values())) == len(wording), name
        lengths = [len(text) for text in wording.values()]
        assert max(lengths) - min(lengths) <= 10, name


@pytest.mark.parametrize("path", names(GOOD + SHIPPED))
def test_the_schema_accepts_a_good_file(path: Path) -> None:
    """An editor that underlines what the program takes."""
    assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(read(path).root.plain())] == []


@pytest.mark.parametrize("path", names(BAD))
def test_the_schema_and_the_reader_agree_on_a_bad_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that is content with a fault of form, or underlines what only a cross-check can know."""
    monkeypatch.chdir(path.parent)
    marked = Expected.of(path).schema
    try:
        document = read(Path(path.name))
    except ScenarioError:
        assert marked is None
        return
    if document.problems:
        assert marked is None
        return
    assert ("yes" if VALIDATOR.is_valid(document.root.plain()) else "no") == marked


def test_the_schema_is_one() -> None:
    """A schema that validators refuse, or read as something else."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def properties(schema: Any, path: str = "$") -> Any:
    """Walk over every property of a schema, with where it stands."""
    if isinstance(schema, dict):
        for name, child in schema.items():
            if name == "properties":
                for key, each in child.items():
                    if each is not True:
                        yield f"{path}.{key}", each
            yield from properties(child, f"{path}.{name}")
    elif isinstance(schema, list):
        for number, child in enumerate(schema):
            yield from properties(child, f"{path}[{number}]")


def test_every_key_of_the_schema_has_title_description_and_valid_examples() -> None:
    """A key about which an editor has nothing to show, or shows what the program refuses."""
    found = dict(properties(SCHEMA))
    wrong = []
    for path, schema in found.items():
        referred = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else {}
        if not {"title", "description", "examples"} <= set(schema) | ({"title"} & set(referred)):
            wrong.append(f"{path} lacks one of title, description, examples")
        validator = jsonschema.Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})
        wrong += [f"{path}: {error.message}" for example in stated(schema) for error in validator.iter_errors(example)]
    assert wrong == []
    assert len(found) > 100


def stated(schema: dict[str, Any]) -> list[Any]:
    """Give the examples and the default of a property."""
    return [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]


def forms(kind: type[Form], seen: set[type[Form]]) -> set[type[Form]]:
    """Find every form that a form may hold."""

    def held(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Form) and annotation not in seen:
            forms(annotation, seen)
        for argument in typing.get_args(annotation):
            held(argument)

    seen.add(kind)
    for hint in typing.get_type_hints(kind, include_extras=True).values():
        held(hint)
    return seen


def used(value: Any) -> Any:
    """Give every form and key that something loaded makes use of."""
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            yield type(value), name
            yield from used(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from used(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from used(each)


def test_the_good_files_use_every_key() -> None:
    """A new key without a valid file that shows it."""
    known = {(kind, name) for kind in forms(Scenario, set()) for name in kind.model_fields}
    seen = {each for path in GOOD for each in used(escsim.load(path))}
    assert set() == {f"{kind.__name__}.{name}" for kind, name in known - seen}


def test_every_fault_of_a_file_is_told_at_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults that come to light only after others are mended, or that are none but the echo of others."""
    monkeypatch.chdir(HERE / "bad")
    with pytest.raises(ScenarioError) as caught:
        escsim.load("twelve_faults.yaml")
    told = [problem.place for problem in caught.value.problems]
    assert len(told) == 12
    assert sorted(told) == told
    assert len({place.line for place in told}) == 12


SMALL = (HERE / "good" / "minimal.yaml").read_text(encoding="utf-8")
LINES = SMALL.count("\n")
RAW: dict[str, tuple[bytes, str]] = {
    "utf_16_le": (b"\xff\xfe" + SMALL.encode("utf-16-le"), "1:1: error: the file is UTF-16\n    save it as UTF-8"),
    "utf_16_be": (b"\xfe\xff" + SMALL.encode("utf-16-be"), "1:1: error: the file is UTF-16\n    save it as UTF-8"),
    "latin_1": (SMALL.replace("A recall", "Émile").encode("latin-1"), "2:8: error: this byte is not UTF-8\n    save the file as UTF-8"),
    "utf_8_cut_off": ((SMALL + "# é").encode()[:-1], f"{LINES + 1}:3: error: this byte is not UTF-8\n    save the file as UTF-8"),
    "utf_8_overlong": (SMALL.encode() + b"# \xc0\xaf", f"{LINES + 1}:3: error: this byte is not UTF-8\n    save the file as UTF-8"),
    "utf_8_surrogate": (SMALL.encode() + b"# \xed\xa0\x80", f"{LINES + 1}:3: error: this byte is not UTF-8\n    save the file as UTF-8"),
    "nul": (SMALL.replace("A recall", "A\0recall").encode(), "2:9: error: character U+0000 cannot stand in YAML\n    delete it"),
    "bell": (SMALL.replace("A recall", "A\arecall").encode(), "2:9: error: character U+0007 cannot stand in YAML\n    delete it"),
    "escape": (SMALL.replace("A recall", "\x1b[31mA recall").encode(), "2:8: error: character U+001B cannot stand in YAML\n    delete it"),
    "delete": (SMALL.replace("A recall", "A\x7frecall").encode(), "2:9: error: character U+007F cannot stand in YAML\n    delete it"),
    "no_character": (SMALL.replace("A recall", "🕊\ufffe").encode(), "2:9: error: character U+FFFE cannot stand in YAML\n    delete it"),
    "too_large": (SMALL.encode() + b"#" * 1_000_000, "1:1: error: the file is larger than 1,000,000 bytes\n    split it, or shorten its texts"),
    "too_deep": (b"[" * 200_000, "1:33: error: nested deeper than 32 levels"),
    "too_deep_in_braces": (b"{" * 200_000, "1:33: error: nested deeper than 32 levels"),
    "too_deep_in_lists": (b"- " * 100_000, "1:65: error: nested deeper than 32 levels"),
    "too_deep_in_keys": (b"? " * 100_000, "1:65: error: nested deeper than 32 levels"),
    "too_many_values": (SMALL.encode() + b"limits: [" + b"a," * 50_001 + b"]", f"{LINES + 1}:99946: error: more than 50,000 values"),
    "too_long_a_text": (
        SMALL.replace("A recall", "x" * 10_001).encode(),
        "2:8: error: a value of more than 10,000 characters\n    shorten it",
    ),
    "billion_laughs": (
        b"a0: &a0 lol\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10)),
        "",
    ),
    "loop": (SMALL.encode() + b"limits: &a [*a]\n", ""),
}


@pytest.mark.parametrize("loader", LOADERS, indirect=True)
@pytest.mark.parametrize("name", RAW)
def test_a_file_too_large_or_not_text_is_refused_at_once(name: str, loader: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash or a long wait where a line of text is due."""
    data, expected = RAW[name]
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_bytes(data)
    start = time.process_time()
    said = outcome(Path("x.yaml"))
    assert time.process_time() - start < (2 if loader is not yaml.SafeLoader else 6)
    if expected:
        if "nested" in expected and loader is not yaml.SafeLoader:  # libyaml has given up further on since 0.2.6
            said, expected = (re.sub(r"1:\d+: ", "1: ", each, count=1) for each in (said, expected))
        assert f"x.yaml:{expected}" == said
    else:
        assert "is not allowed" in said


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbf" + SMALL.encode(), SMALL.replace("\n", "\r\n").encode(), SMALL.replace("\n", "\r").encode(), SMALL.rstrip().encode()],
    ids=["byte order mark", "lines as on Windows", "lines as on old Macs", "no line end at the end"],
)
def test_a_file_from_another_editor_means_the_same(data: bytes, tmp_path: Path) -> None:
    """A file refused, or read otherwise, for how an editor saves it."""
    (tmp_path / "x.yaml").write_bytes(data)
    assert escsim.load(HERE / "good" / "minimal.yaml").hash == escsim.load(tmp_path / "x.yaml").hash


def rewrite(path: Path) -> None:
    """Write what is said of a bad file now into its first comments."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    body = "".join(lines[next(number for number, line in enumerate([*lines, ""]) if not line.startswith("#")) :])
    marked = Expected.of(path).schema
    for _ in range(3):  # the comments shift the lines that they name
        said = outcome(path)
        head = [f"# {line.removeprefix(f'{path.name}:')}\n" for line in said.splitlines()]
        path.write_text("".join([*head, *([f"# schema: {marked}\n"] if marked else []), body]), encoding="utf-8", newline="")


if __name__ == "__main__":
    import os

    os.chdir(HERE / "bad")
    for name in sys.argv[1:]:
        rewrite(Path(f"{Path(name).stem}.yaml"))

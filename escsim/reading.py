"""From a YAML file to plain data in which every key and value knows its line and column.

Built on PyYAML's *event stream*, not on its loaders: a loader drops the places, lets the last of two equal keys
win, follows aliases without end, builds Python objects from tags, reads `NO` as false and 010 as 8, and recurses
until it crashes on deep nesting. Here each of these is refused with its place, and plain scalars mean what the
YAML 1.2 core schema says. Knows nothing of scenarios.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from escsim.errors import Place, Problem, ScenarioError, plain, quoted, suggest

MOST_BYTES = 1_000_000
MOST_DEPTH = 32
MOST_VALUES = 50_000
MOST_CHARACTERS = 10_000
MOST_DIGITS = 40
MOST_FILES = 10

Scalar = str | int | float | bool | None

# libyaml where PyYAML was built with it: five times faster, same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PADDED = re.compile(r"[-+]?0[0-9]+")
_OTHER_BASE = re.compile(r"[-+]?0[oOxXbB][0-9a-fA-F_]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BEYOND_UNICODE = re.compile(r"\\U(?!00(0[0-9a-fA-F]|10))[0-9a-fA-F]{8}")
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Node:
    """A value with its place: a mapping, a list or a scalar."""

    value: dict[str, Node] | list[Node] | Scalar
    place: Place
    key_place: Place | None = None
    written: str = ""  # how a plain scalar is spelt

    def plain(self) -> Any:
        """Give the value without places, as `json.loads` would."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, part: str | int) -> Node | None:
        """Give the value under a key or at an index, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None

    def find(self, path: Sequence[str | int]) -> Node:
        """Follow the parts of a path that exist; pydantic adds parts of its own, which are passed over."""
        node = self
        for part in path:
            node = node.child(part) or node
        return node

    def place_of(self, *path: str | int, key: bool = False) -> Place:
        """Give the place of the value at a path (`key`: of its key)."""
        node = self.find(path)
        return (key and node.key_place) or node.place


@dataclass(slots=True)
class Document:
    """A file as read: its tree, and the faults that did not stop the reading."""

    root: Node
    text: str
    problems: list[Problem] = field(default_factory=list)


def read(path: Path, name: str | None = None) -> Document:
    """Read a file and the files it extends.

    Parameters
    ----------
    path : Path
        The file. What it `extends` must lie in the same folder.
    name : str, optional
        What to call the file in messages; its path by default.

    Returns
    -------
    Document
        `problems` holds every fault that left the rest of the file readable.

    Raises
    ------
    ScenarioError
        If nothing can be made of the file: not text, not YAML, too large, too deep, not a mapping.
    OSError
        If the file cannot be opened.
    """
    return _read(path, name or str(path), ())


def _read(path: Path, name: str, below: tuple[Path, ...]) -> Document:
    text = text_of(path, name)
    builder = _Builder(name)
    root = builder.build(text)
    document = Document(root, text, builder.problems)
    if isinstance(root.value, dict) and (link := root.value.get("extends")) is not None:
        base = _base(path, name, link, (*below, path.resolve()))
        document.problems += base.problems
        document.root, faults = _extended(base.root, root)
        document.problems += faults
    return document


def text_of(path: Path, name: str) -> str:
    """Read the text of a file; raises `ScenarioError` if it is none, OSError if it cannot be opened."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ScenarioError([Problem(Place(name), "this is not a regular file")])
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ScenarioError([Problem(Place(name), f"the file is larger than {MOST_BYTES:,} bytes", "split it, or shorten its texts")])
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ScenarioError([Problem(Place(name), "the file is UTF-16", "save it as UTF-8")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        raise ScenarioError([Problem(_at(name, before, len(before)), "this byte is not UTF-8", "save the file as UTF-8")]) from None
    if found := _FORBIDDEN.search(text):
        message = f"character U+{ord(found[0]):04X} cannot stand in YAML"
        raise ScenarioError([Problem(_at(name, text, found.start()), message, "delete it")])
    return text


def _at(name: str, text: str, index: int) -> Place:
    return Place(name, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


class _StopError(Exception):
    """A fault after which reading on makes no sense."""


class _Builder:
    """Builds the tree from the events without recursion, gathering faults as it goes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.open: list[Node] = []
        self.keys: list[Node | None] = []  # beside each open mapping the key that waits for its value
        self.root: Node | None = None
        self.values = 0

    def build(self, text: str) -> Node:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self.take(event)
        except _StopError:
            raise ScenarioError(self.problems) from None
        except yaml.MarkedYAMLError as error:
            self.problems.append(self.complaint(error))
            raise ScenarioError(self.problems) from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:  # the pure parser does not say where
            found = _BEYOND_UNICODE.search(text)
            place = _at(self.name, text, found.start()) if found else Place(self.name)
            self.problems.append(Problem(place, f"not valid YAML: {plain(str(error), 120)}"))
            raise ScenarioError(self.problems) from None
        if self.root is None or self.root.value is None:
            raise ScenarioError([Problem(Place(self.name), "the file is empty", "`escsim new NAME` writes one to start from")])
        if not isinstance(self.root.value, dict):
            message = "the file must be a mapping, with lines such as `title: ...`"
            raise ScenarioError([*self.problems, Problem(self.root.place, message)])
        return self.root

    def complaint(self, error: yaml.MarkedYAMLError) -> Problem:
        """Say what the YAML parser complains of, where something was opened rather than where the parser lost its way."""
        what, context = plain(error.problem or "this is not YAML", 120), error.context or ""
        opened = next((name for sign, name in _OPENED.items() if sign in context), None)
        if opened and error.context_mark and ("end of stream" in what or "expected ',' or" in what):
            lost = f"the reader lost its way on line {error.problem_mark.line + 1}" if error.problem_mark else ""
            return Problem(self.place(error.context_mark), f"not valid YAML: the {opened} opened here is not closed", lost)
        mark = error.problem_mark or error.context_mark
        if error.context_mark and "could not find expected ':'" in what:  # said of the line after
            mark = error.context_mark
        return Problem(self.place(mark) if mark else Place(self.name), f"not valid YAML: {what}", _hint(what))

    def place(self, mark: Any) -> Place:
        return Place(self.name, mark.line + 1, mark.column + 1)

    def fault(self, mark: Any, message: str, remedy: str = "") -> None:
        self.problems.append(Problem(self.place(mark), message, remedy))

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.start(event)
        elif isinstance(event, yaml.AliasEvent):
            self.fault(event.start_mark, f"alias {quoted(f'*{event.anchor}')} is not allowed", "write the value out")
            self.add(Node("", self.place(event.start_mark)))
        elif isinstance(event, yaml.ScalarEvent):
            self.properties(event)
            self.add(self.scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            self.properties(event)
            node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], self.place(event.start_mark))
            self.add(node)
            self.open.append(node)
            self.keys.append(None)
            if len(self.open) > MOST_DEPTH:
                self.fault(event.start_mark, f"nested deeper than {MOST_DEPTH} levels")
                raise _StopError
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self.keys.pop()

    def start(self, event: Any) -> None:
        if self.root is not None:
            self.fault(event.start_mark, "a second document starts here", "keep one scenario in a file")
            raise _StopError
        if event.version not in (None, (1, 2)):
            self.fault(event.start_mark, "only YAML 1.2 is read", "delete the %YAML line")

    def properties(self, event: Any) -> None:
        if event.anchor is not None:
            self.fault(event.start_mark, f"anchor {quoted('&' + event.anchor)} is not allowed", "write the value out where it is used")
        if event.tag is not None:
            self.fault(event.start_mark, f"tag {quoted(event.tag.replace('tag:yaml.org,2002:', '!!'))} is not allowed", "delete it")

    def scalar(self, event: Any) -> Node:
        text: str = event.value
        place = self.place(event.start_mark)
        if len(text) > MOST_CHARACTERS:
            self.problems.append(Problem(place, f"a value of more than {MOST_CHARACTERS:,} characters", "shorten it"))
            text = text[:MOST_CHARACTERS]
        if any("\ud800" <= char <= "\udfff" for char in text):
            self.problems.append(Problem(place, "half of a surrogate pair is not a character", "write the character itself"))
            text = text.encode("utf-8", "replace").decode("utf-8")
        if event.style in (None, "") and event.tag is None:
            return Node(self.typed(text, place), place, None, text)
        return Node(text, place)

    def typed(self, text: str, place: Place) -> Scalar:
        """Type a plain scalar by the YAML 1.2 core schema; what YAML 1.1 read differently is refused."""
        if _NULL.fullmatch(text):
            return None
        if _TRUE.fullmatch(text):
            return True
        if _FALSE.fullmatch(text):
            return False
        refused, remedy = "", "write it in decimal"
        if _PADDED.fullmatch(text) or _OTHER_BASE.fullmatch(text):
            refused = f"{quoted(text)} can be read as more than one number"
        elif _NOT_FINITE.fullmatch(text):
            refused, remedy = f"{quoted(text)} is not a finite number", "write a number"
        elif _FLOAT.fullmatch(text):
            if sum(map(str.isdigit, text)) > MOST_DIGITS:
                refused, remedy = f"a number of more than {MOST_DIGITS} digits", "shorten it"
            elif _INTEGER.fullmatch(text):
                return int(text)
            elif abs(number := float(text)) != float("inf"):
                return number
            else:
                refused, remedy = f"{quoted(text)} is too large for a number", "write a smaller one"
        if refused:
            self.problems.append(Problem(place, refused, f"{remedy}, or put it in quotes if it is text"))
        return text

    def add(self, node: Node) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            self.problems.append(Problem(node.place, f"more than {MOST_VALUES:,} values"))
            raise _StopError
        if not self.open:
            self.root = node
        elif isinstance(self.open[-1].value, list):
            self.open[-1].value.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = node
        else:
            self.enter(self.keys[-1], node)
            self.keys[-1] = None

    def enter(self, key: Node, node: Node) -> None:
        """Put a value into the innermost mapping under its key, if the key will do."""
        mapping = self.open[-1].value
        assert isinstance(mapping, dict)
        node.key_place = key.place
        if not isinstance(key.value, str):
            self.problems.append(Problem(key.place, "a key must be text", "put it in quotes"))
            return
        if key.value == "<<":
            self.problems.append(Problem(key.place, "the merge key '<<' is not allowed", "write the keys out, or use `extends:`"))
            return
        name = unicodedata.normalize("NFC", key.value)
        if name in mapping:
            first = mapping[name].key_place
            assert first is not None
            remedy = f"keep one of the two; the first is on line {first.line}"
            self.problems.append(Problem(key.place, f"key {quoted(name)} is written twice", remedy))
            return
        mapping[name] = node


def _hint(what: str) -> str:
    """Say what the commonest complaints of the YAML parser usually mean."""
    for sign, hint in _HINTS:
        if sign in what:
            return hint
    return ""


_OPENED = {"quoted scalar": "quote", "flow mapping": "brace", "flow sequence": "bracket"}
_HINTS = [
    ("tab character", "indent with spaces, not tabs"),
    ("Unicode character escape", "write the character itself"),
    ("found unexpected ':'", "write a space after the ':'"),
    ("indentation indicator", "put a text that starts with > or | in quotes"),
    ("comment or line break", "put a text that starts with > or | in quotes"),
    ("comment or a line break", "put a text that starts with > or | in quotes"),
    ("unknown escape", "in double quotes a \\ starts an escape: write \\\\, or use single quotes"),
    ("mapping values are not allowed", "a text that holds ': ' needs quotes, and keys of one mapping the same indent"),
    ("could not find expected ':'", "a ': ' is missing, or this line belongs to the text above and needs its indent"),
    ("cannot start any token", "indent with spaces, not tabs; put a text that starts with @ ` % > or | in quotes"),
    ("did not find expected", "check the indent here, and that brackets and quotes above are closed"),
    ("expected <block end>", "check the indent here, and that brackets and quotes above are closed"),
    ("expected ',' or", "check that brackets and quotes above are closed"),
    ("unexpected end of stream", "a quote or bracket is still open"),
]


def _base(path: Path, name: str, link: Node, below: tuple[Path, ...]) -> Document:
    """Read the file that `extends:` names."""

    def refuse(message: str, remedy: str = "") -> ScenarioError:
        return ScenarioError([Problem(link.place, message, remedy)])

    wanted = link.value
    if not isinstance(wanted, str) or not wanted or set(wanted) & set("/\\\0:") or wanted.startswith("."):
        raise refuse("`extends` takes the name of a file in the same folder", "for example `extends: iran-pakistan-2024.yaml`")
    if len(below) > MOST_FILES:
        raise refuse(f"more than {MOST_FILES} files extend one another", "write the scenario out")
    base = path.parent / wanted
    if not os.path.isfile(base):  # a folder, a link that leads round in a circle, a pipe, a name too long
        raise refuse(f"there is no file {quoted(wanted)}", "it must lie beside this file")
    if base.resolve().parent != path.parent.resolve():
        raise refuse(f"{quoted(wanted)} leads out of the folder", "copy the file beside this one")
    if base.resolve() in below:
        raise refuse("the files extend one another in a circle: " + " -> ".join(quoted(file.name) for file in (*below, base)))
    try:
        return _read(base, str(Path(name).parent / wanted), below)
    except OSError as error:
        raise refuse(f"cannot read {quoted(wanted)}: {error.strerror or error}", "it must lie beside this file") from None


def _extended(base: Node, own: Node) -> tuple[Node, list[Problem]]:
    """Lay a file over the one it extends.

    Mappings merge key by key, lists of entries with an `id` merge by id, everything else is replaced whole; an
    empty value (`key:` or `~`) takes the inherited key away, and `omit: [ID]` takes away entries with these ids.
    """
    merged = _merged(base, own)
    assert isinstance(merged.value, dict)
    merged.value.pop("extends", None)
    omit = merged.value.pop("omit", None)
    return merged, _leave_out(merged, omit) if omit is not None else []


def _leave_out(merged: Node, omit: Node) -> list[Problem]:
    """Take away the inherited entries that `omit` names, and report what it cannot mean."""
    entries = omit.value if isinstance(omit.value, list) else [omit]
    known = [str(_id(item)) for items in _id_lists(merged) for item in items]
    problems = []
    for entry in entries:
        holders = [items for items in _id_lists(merged) if any(_id(item) == entry.value for item in items)]
        if not isinstance(entry.value, str):
            problems.append(Problem(entry.place, "`omit` takes ids", "for example `omit: [second_strike]`"))
        elif not holders:
            problems.append(Problem(entry.place, f"`omit`: nothing inherited has the id {quoted(entry.value)}", suggest(entry.value, known, "ids")))
        for items in holders:
            items[:] = [item for item in items if _id(item) != entry.value]
    return problems


def _id_lists(node: Node) -> Iterator[list[Node]]:
    assert isinstance(node.value, dict)
    for child in node.value.values():
        if isinstance(child.value, list) and any(_id(item) for item in child.value):
            yield child.value


def _id(node: Node) -> Scalar:
    named = node.child("id")
    return named.value if named is not None and isinstance(named.value, str) else None


def _merged(base: Node, own: Node) -> Node:
    if isinstance(base.value, dict) and isinstance(own.value, dict):
        both = dict(base.value)
        for key, node in own.value.items():
            if key not in both:
                both[key] = node
            elif node.value is None:
                del both[key]
            else:
                both[key] = _merged(both[key], node)
        return Node(both, own.place, own.key_place)
    if isinstance(base.value, list) and isinstance(own.value, list) and own.value and all(map(_id, [*base.value, *own.value])):
        places = {_id(item): index for index, item in enumerate(base.value)}
        items = list(base.value)
        for item in own.value:
            if (index := places.get(_id(item))) is None:
                items.append(item)
            else:
                items[index] = _merged(items[index], item)
        return Node(items, own.place, own.key_place)
    return own

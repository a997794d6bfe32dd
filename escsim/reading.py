"""From a YAML file to plain data in which every key and value knows its line and column.

Built on PyYAML's *event stream*, not on its loaders: a loader drops the places, lets the last of two equal keys
win, follows aliases without end, builds Python objects from tags, reads `NO` as false and 010 as 8, and recurses
until it crashes on deep nesting. Here each of these is refused with its place, and plain scalars mean what the
YAML 1.2 core schema says. Knows nothing of scenarios.
"""

from __future__ import annotations

import math
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.reader import Reader

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

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TWO_WAYS = re.compile(r"[-+]?0([0-9]+|[oOxXbB][0-9a-fA-F_]+)")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


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

    def along(self, path: Sequence[str | int]) -> list[tuple[str | int, Node]]:
        """Give this node and those along the parts of a path that exist, each with its part; pydantic adds parts of its own."""
        found: list[tuple[str | int, Node]] = [("", self)]
        for part in path:
            if (child := found[-1][1].child(part)) is not None:
                found.append((part, child))
        return found

    def place_of(self, *path: str | int, key: bool = False) -> Place:
        """Give the place of the value at a path (`key`: of its key)."""
        _, node = self.along(path)[-1]
        return (key and node.key_place) or node.place


@dataclass(slots=True)
class Document:
    """A file as read: its tree, and the faults that did not stop the reading."""

    root: Node
    text: str
    problems: list[Problem] = field(default_factory=list)


def read(path: Path, name: str | None = None, _below: tuple[Path, ...] = ()) -> Document:
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
    name = name or str(path)
    document = parse(text_of(path, name), name)
    if link := document.root.child("extends"):
        base = _base(path, name, link, (*_below, path.resolve()))
        document.root = _merged(base.root, document.root)
        document.problems += base.problems + _omitted(document.root)
    return document


def parse(text: str, name: str) -> Document:
    """Read a text that extends nothing; `name` stands for the file in messages."""
    builder = _Builder(name)
    return Document(builder.build(text), text, builder.problems)


def text_of(path: Path, name: str) -> str:
    """Read the text of a file; raises `ScenarioError` if it is none, OSError if it cannot be opened."""

    def refuse(message: str, remedy: str = "", before: str = "") -> NoReturn:
        place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise ScenarioError([Problem(place, message, remedy)])

    if not stat.S_ISREG(os.stat(path).st_mode):
        refuse("this is not a regular file")
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        refuse(f"the file is larger than {MOST_BYTES:,} bytes", "split it, or shorten its texts")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse("the file is UTF-16", "save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse("this byte is not UTF-8", "save the file as UTF-8", raw[: error.start].decode("utf-8", "replace"))
    if found := Reader.NON_PRINTABLE.search(text):
        refuse(f"character U+{ord(found[0]):04X} cannot stand in YAML", "delete it", text[: found.start()])
    return text


class _Builder:
    """Builds the tree from the events, gathering faults as it goes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.events: Iterator[Any] = iter(())
        self.values = 0
        self.last = Place(name)  # where the last value began

    def build(self, text: str) -> Node:
        self.events = yaml.parse(text, Loader=_LOADER)
        root = Node(None, self.last)
        try:
            for event in self.events:
                if isinstance(event, yaml.NodeEvent):
                    root = self.node(event, 1)
                elif isinstance(event, yaml.DocumentStartEvent):
                    if self.values:
                        self.stop(self.place(event.start_mark), "a second document starts here", "keep one scenario in a file")
                    if event.version not in (None, (1, 2)):
                        self.fault(self.place(event.start_mark), "only YAML 1.2 is read", "delete the %YAML line")
        except yaml.MarkedYAMLError as error:
            self.stop(*self.complaint(error))
        except (yaml.YAMLError, ValueError, OverflowError) as error:  # the pure parser does not say where
            self.stop(self.last, f"not valid YAML: {plain(str(error), 120)}")
        if root.value is None:
            self.stop(Place(self.name), "the file is empty", "`escsim new NAME` writes one to start from")
        if not isinstance(root.value, dict):
            self.stop(root.place, "the file must be a mapping, with lines such as `title: ...`")
        return root

    def complaint(self, error: yaml.MarkedYAMLError) -> Problem:
        """Say what the YAML parser complains of, where something was opened rather than where the parser lost its way."""
        what, context, mark = plain(error.problem or "this is not YAML", 120), error.context or "", error.problem_mark
        opened = next((name for sign, name in _OPENED.items() if sign in context), None)
        if opened and error.context_mark and ("end of stream" in what or "expected ',' or" in what):
            lost = f"the reader lost its way on line {mark.line + 1}" if mark else ""
            return Problem(self.place(error.context_mark), f"not valid YAML: the {opened} opened here is not closed", lost)
        if mark is None or (error.context_mark and "could not find expected ':'" in what):  # said of the line after
            mark = error.context_mark
        place = self.place(mark) if mark else self.last
        if "nesting depth" in what:  # newer libyaml has a limit of its own
            return Problem(place, f"nested deeper than {MOST_DEPTH} levels")
        return Problem(place, f"not valid YAML: {what}", next((hint for sign, hint in _HINTS.items() if sign in what), ""))

    def place(self, mark: Any) -> Place:
        return Place(self.name, mark.line + 1, mark.column + 1)

    def fault(self, place: Place, message: str, remedy: str = "") -> None:
        self.problems.append(Problem(place, message, remedy))

    def stop(self, place: Place, message: str, remedy: str = "") -> NoReturn:
        """Give up at a fault after which reading on makes no sense."""
        raise ScenarioError([*self.problems, Problem(place, message, remedy)]) from None

    def node(self, event: Any, depth: int) -> Node:
        """Build the value that begins with an event."""
        self.last = place = self.place(event.start_mark)
        self.values += 1
        if self.values > MOST_VALUES:
            self.stop(place, f"more than {MOST_VALUES:,} values")
        if isinstance(event, yaml.AliasEvent):
            self.fault(place, f"alias {quoted(f'*{event.anchor}')} is not allowed", "write the value out")
            return Node("", place)
        if event.anchor is not None:
            self.fault(place, f"anchor {quoted('&' + event.anchor)} is not allowed", "write the value out where it is used")
        if event.tag is not None:
            self.fault(place, f"tag {quoted(event.tag.replace('tag:yaml.org,2002:', '!!'))} is not allowed", "delete it")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, place)
        if depth > MOST_DEPTH:
            self.stop(place, f"nested deeper than {MOST_DEPTH} levels")
        if isinstance(event, yaml.SequenceStartEvent):
            return Node([self.node(each, depth + 1) for each in self.inside()], place)
        mapping: dict[str, Node] = {}
        for each in self.inside():
            key = self.node(each, depth + 1)
            self.enter(mapping, key, self.node(next(self.events), depth + 1))
        return Node(mapping, place)

    def inside(self) -> Iterator[Any]:
        """Give what begins each part of the list or mapping that has just begun."""
        while not isinstance(event := next(self.events), yaml.CollectionEndEvent):
            yield event

    def scalar(self, event: Any, place: Place) -> Node:
        text: str = event.value
        if len(text) > MOST_CHARACTERS:
            self.fault(place, f"a value of more than {MOST_CHARACTERS:,} characters", "shorten it")
            text = text[:MOST_CHARACTERS]
        if any("\ud800" <= char <= "\udfff" for char in text):
            self.fault(place, "half of a surrogate pair is not a character", "write the character itself")
            text = text.encode("utf-8", "replace").decode("utf-8")
        if event.style in (None, "") and event.tag is None:
            return Node(self.typed(text, place), place, None, text)
        return Node(text, place)

    def typed(self, text: str, place: Place) -> Scalar:
        """Type a plain scalar by the YAML 1.2 core schema; what YAML 1.1 read differently is refused."""
        if text in _WORDS:
            return _WORDS[text]
        if _TWO_WAYS.fullmatch(text):
            why = "can be read as more than one number"
        elif not _FLOAT.fullmatch(text) and not _NOT_FINITE.fullmatch(text):
            return text
        elif sum(map(str.isdigit, text)) > MOST_DIGITS:
            why = f"has more than {MOST_DIGITS} digits"
        elif _NOT_FINITE.fullmatch(text) or math.isinf(float(text)):
            why = "is not a finite number"
        else:
            return int(text) if _INTEGER.fullmatch(text) else float(text)
        self.fault(place, f"{quoted(text)} {why}", "write it as a decimal number, or put it in quotes if it is text")
        return text

    def enter(self, mapping: dict[str, Node], key: Node, node: Node) -> None:
        """Put a value into a mapping under its key, if the key will do."""
        node.key_place = key.place
        if not isinstance(key.value, str):
            self.fault(key.place, "a key must be text", "put it in quotes")
            return
        name = unicodedata.normalize("NFC", key.value)
        if name == "<<":
            self.fault(key.place, "the merge key '<<' is not allowed", "write the keys out, or use `extends:`")
        elif name in mapping:
            first = mapping[name].place_of(key=True)
            self.fault(key.place, f"key {quoted(name)} is written twice", f"keep one of the two; the first is on line {first.line}")
        else:
            mapping[name] = node


_OPENED = {"quoted scalar": "quote", "flow mapping": "brace", "flow sequence": "bracket"}
_HINTS = {  # what the commonest complaints of the YAML parsers usually mean; the first that fits
    "tab character": "indent with spaces, not tabs",
    "Unicode character escape": "write the character itself",
    "found unexpected ':'": "write a space after the ':'",
    "indentation indicator": "put a text that starts with > or | in quotes",
    "line break": "put a text that starts with > or | in quotes",
    "unknown escape": "in double quotes a \\ starts an escape: write \\\\, or use single quotes",
    "mapping values are not allowed": "a text that holds ': ' needs quotes, and keys of one mapping the same indent",
    "could not find expected ':'": "a ': ' is missing, or this line belongs to the text above and needs its indent",
    "cannot start any token": "indent with spaces, not tabs; put a text that starts with @ ` % > or | in quotes",
    "unexpected end of stream": "a quote or bracket is still open",
    "expected": "check the indent here, and that brackets and quotes above are closed",
}


def _base(path: Path, name: str, link: Node, below: tuple[Path, ...]) -> Document:
    """Read the file that `extends:` names."""

    def refuse(message: str, remedy: str = "") -> ScenarioError:
        return ScenarioError([Problem(link.place, message, remedy)])

    wanted = link.value
    if not isinstance(wanted, str) or not wanted or set(wanted) & set("/\\\0:") or wanted.startswith("."):
        raise refuse("`extends` takes the name of a file in the same folder", "for example `extends: iran-pakistan-2024.yaml`")
    base = path.parent / wanted
    if not os.path.isfile(base):  # a folder, a link that leads round in a circle, a pipe, a name too long
        raise refuse(f"there is no file {quoted(wanted)}", "it must lie beside this file")
    if base.resolve().parent != path.parent.resolve():
        raise refuse(f"{quoted(wanted)} leads out of the folder", "copy the file beside this one")
    if base.resolve() in below or len(below) > MOST_FILES:
        what = "in a circle" if base.resolve() in below else "in too long a chain"
        raise refuse(f"the files extend one another {what}: " + " -> ".join(quoted(file.name) for file in (*below, base)))
    try:
        return read(base, str(Path(name).parent / wanted), below)
    except OSError as error:
        raise refuse(f"cannot read {quoted(wanted)}: {error.strerror or error}", "it must lie beside this file") from None


def _merged(base: Node, own: Node) -> Node:
    """Lay a value over the one it extends.

    Mappings merge key by key, lists of entries with an `id` merge by id, everything else is replaced whole; an
    empty value (`key:` or `~`) takes the inherited key away.
    """
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
        items, places = list(base.value), {_id(item): index for index, item in enumerate(base.value)}
        for item in own.value:
            if _id(item) in places:
                items[places[_id(item)]] = _merged(items[places[_id(item)]], item)
            else:
                items.append(item)
        return Node(items, own.place, own.key_place)
    return own


def _id(node: Node) -> str:
    named = node.child("id")
    return named.value if named and isinstance(named.value, str) else ""


def _omitted(root: Node) -> list[Problem]:
    """Take away the entries with the ids that `omit` names, and report what it cannot mean."""
    assert isinstance(root.value, dict)
    del root.value["extends"]
    omit = root.value.pop("omit", Node([], root.place))
    entries = omit.value if isinstance(omit.value, list) else [omit]
    lists = [child.value for child in root.value.values() if isinstance(child.value, list)]
    known = [_id(item) for items in lists for item in items if _id(item)]
    problems = []
    for entry in entries:
        if not isinstance(entry.value, str):
            problems.append(Problem(entry.place, "`omit` takes ids", "for example `omit: [second_strike]`"))
        elif entry.value not in known:
            problems.append(Problem(entry.place, f"`omit`: nothing inherited has the id {quoted(entry.value)}", suggest(entry.value, known, "ids")))
    gone = [entry.value for entry in entries if entry.value]
    for items in lists:
        items[:] = [item for item in items if _id(item) not in gone]
    return problems

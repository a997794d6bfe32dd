"""From plain data to typed, frozen models; every fault becomes a located problem with a remedy.

`fill` reports all faults of a file at once. What pydantic finds wrong is said in plain words and cut out of the
tree, so that the rest can still be built and cross-checked in the same run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, Strict, ValidationError
from pydantic_core import CoreSchema

from escsim.errors import Problem, nearest, plain, quoted
from escsim.reading import Node

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")
Chain = list[tuple[str | int, Node]]  # the nodes on the way to a value, each with its key or index


class Form(BaseModel):
    """Base of everything a file can hold: no unknown keys, no guessing of types, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    def stated(self) -> dict[str, Any]:
        """What the file states: the keys that hold something, in the order of the form."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


def key(description: str, example: Any, default: Any = ..., **more: Any) -> Any:
    """Declare a key of a form; description and example go into the JSON Schema."""
    return Field(default, description=description, examples=[example], **more)


NAME = r"^[a-z][a-z0-9_]{0,63}$"
ACTOR = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
MISSION = r"^[A-Z]{3}->[A-Z]{3}$"
MISSION_OR_PAIR = r"^[A-Z]{3}->?[A-Z]{3}$"
WHO = r"^([A-Z]{3}->?[A-Z]{3}|any)$"
CAMEO = r"^(0[1-9]|1[0-9]|20)$"
CODE = r"^((0[1-9]|1[0-9]|20)[0-9]{0,2}|[A-Z]+(/[a-z-]+)?)$"
SOURCE = r"^([a-z][a-z0-9_]{0,63}|\*)$"
DEST = r"^([a-z][a-z0-9_]{0,63}|=)$"
EXPECT = r"^(<|<=|>|>=) *(0(\.[0-9]+)?|1(\.0+)?)$"

Name = Annotated[str, Field(pattern=NAME)]
Actor = Annotated[str, Field(pattern=ACTOR)]
Mission = Annotated[str, Field(pattern=MISSION)]
MissionOrPair = Annotated[str, Field(pattern=MISSION_OR_PAIR)]
Who = Annotated[str, Field(pattern=WHO)]
Text = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Truth = Annotated[bool, Strict()]

_PATTERNS = {
    NAME: ("a name", "small letters, digits and _, at most 64, a letter first: second_strike"),
    ACTOR: ("the key of an actor", "three capitals for a state (PAK), letters, digits and _ for others"),
    MISSION: ("a mission", "sender->host, in capitals: PAK->IRN"),
    MISSION_OR_PAIR: ("a mission or a pair", "a mission is PAK->IRN, a pair PAK-IRN"),
    WHO: ("a mission, a pair or 'any'", "a mission is PAK->IRN, a pair PAK-IRN"),
    CAMEO: ("a CAMEO root code", 'two digits in quotes, "01" to "20"'),
    CODE: ("a code of event data", 'of CAMEO two to four digits in quotes, "161"; of PLOVER a type, with or without a mode: SANCTION/expel'),
    SOURCE: ("a name", "a status, or '*' in quotes for all of them"),
    DEST: ("a name", "a status, or '=' in quotes to enter the same one anew"),
    EXPECT: ("a bound on a probability", 'for example: ">= 0.8"'),
}


class _OneOrMore:
    """Lets a single value stand for a list of one."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


OneOrMore = Annotated[
    tuple[T, ...],
    Field(min_length=1),
    BeforeValidator(lambda value: value if isinstance(value, list | tuple | dict) else [value]),
    _OneOrMore(),
]


@dataclass
class Filled(Generic[F]):
    """What came of filling a form."""

    root: Node  # the tree without the parts that were wrong: the places of everything in `form`
    form: F | None = None  # the model without these parts; None if too little was left
    problems: list[Problem] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # every key and text of these parts: whoever misses one should keep quiet
    hurt: set[str] = field(default_factory=set)  # the top-level keys under which something was left out
    damaged: set[int] = field(default_factory=set)  # identities of the nodes in which something was left out


MOST_CUTS = 300  # a file with more faults than this is not one to look further into
MOST_PASSES = 12  # each pass cuts something; faults hidden behind faults are rarely more than two deep


def fill(model: type[F], root: Node) -> Filled[F]:
    """Build a model from a tree, leaving out what is wrong.

    Parameters
    ----------
    model : type of Form
        What the tree should be.
    root : Node
        A mapping as read from a file; it is changed if something is left out.
    """
    filled: Filled[F] = Filled(root)
    # No key of any form has a use for an empty value.
    _cut(filled, model, [{"type": "empty", "loc": loc} for loc, node in _walk(root) if node.value is None])
    for _ in range(1 + MOST_PASSES):
        try:
            filled.form = model.model_validate(root.plain())
        except ValidationError as error:
            if _cut(filled, model, error.errors(include_url=False, include_input=False)):
                continue
        break
    return filled


def _walk(node: Node, *loc: str | int) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """Give a node and everything in it, each with its location."""
    yield loc, node
    if isinstance(node.value, dict | list):
        for part, child in node.value.items() if isinstance(node.value, dict) else enumerate(node.value):
            yield from _walk(child, *loc, part)


def _cut(filled: Filled[Any], model: type[BaseModel], faults: Sequence[Any]) -> bool:
    """Report faults and cut their causes out of the tree; False if nothing useful would be left."""
    # A list is also called too short when its entries are wrong: only the innermost fault is meant.
    passed_over = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    # What is missing may be there, misspelt.
    misspelt = {(*fault["loc"][:-1], _nearest_key(model, fault["loc"])) for fault in faults if fault["type"] == "extra_forbidden"}
    passed_over |= {fault["loc"] for fault in faults if fault["type"] == "missing" and fault["loc"] in misspelt}
    inner = [(fault, filled.root.along(fault["loc"])) for fault in faults if fault["loc"] not in passed_over]
    echoes = set(filled.damaged)  # what is said of these comes of what was cut out before
    useful = len(inner) <= MOST_CUTS
    for fault, chain in inner:
        if id(chain[-1][1]) not in echoes:
            filled.problems.append(_problem(model, fault, chain))
        if useful:
            useful = _cut_out(filled, chain) if len(chain) > 1 else _stand_in(filled, model, fault)
    filled.problems = list(dict.fromkeys(filled.problems))
    return useful


def _cut_out(filled: Filled[Any], chain: Chain) -> bool:
    """Cut out the last node of a chain, and remember what is lost with it."""
    parent, (name, victim) = chain[-2][1], chain[-1]
    filled.hurt.add(str(chain[1][0]))
    filled.damaged.update(id(node) for _, node in chain[:-1])
    for loc, node in _walk(victim, name):
        filled.lost.add(str(loc[-1]))
        if not isinstance(node.value, dict | list):
            filled.lost.add(str(node.value))
    if isinstance(parent.value, dict):
        parent.value.pop(str(name), None)
    elif isinstance(parent.value, list):
        parent.value[:] = [child for child in parent.value if child is not victim]
    return True


def _stand_in(filled: Filled[Any], model: type[BaseModel], fault: Any) -> bool:
    """Let its example stand in for a missing top-level text, so that the rest can be checked; False if it is no text."""
    example = _example(model, fault["loc"]) if fault["type"] == "missing" else None
    if not isinstance(example, str) or not isinstance(filled.root.value, dict):
        return False
    (name,) = fault["loc"]
    filled.root.value[name] = Node(example, filled.root.place)
    filled.hurt.add(name)
    return True


def _problem(model: type[BaseModel], fault: Any, chain: Chain) -> Problem:
    """Say one of pydantic's faults in plain words, at its place."""
    kind, loc, context = fault["type"], fault["loc"], fault.get("ctx", {})
    name, node = chain[-1]
    where, of_key = _path(chain), True
    if kind == "escsim":
        inside = node.along(context["at"])
        where, (_, node) = _path(chain + inside[1:]), inside[-1]
        message, remedy, of_key = context["message"], context["remedy"], context["key"] or loc[-1:] == ("[key]",)
    elif kind == "extra_forbidden":
        where = _path(chain[:-1])
        message, remedy = f"unknown key {quoted(name)}", _keys_here(model, loc, where)
    elif kind == "empty":
        message, remedy = "an empty value", f"give it a value, or delete the {'entry' if isinstance(name, int) else 'key'}"
    elif kind == "missing" and isinstance(loc[-1], str):
        message, remedy = f"the key {quoted(loc[-1])} is missing", _example_line(model, loc)
    elif loc[-1:] == ("[key]",):
        wanted, remedy = _PATTERNS[context["pattern"]]
        message = f"{wanted} is wanted, not {quoted(name)}"
    else:
        (message, remedy), of_key = _plain_words(model, fault, node), False
    return Problem((of_key and node.key_place) or node.place, f"{where}: {message}" if where else message, remedy)


def _path(chain: Chain) -> str:
    """Write where a value stands: events[3].delay."""
    return plain("".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name, _ in chain[1:]).lstrip("."), 80)


def _plain_words(model: type[BaseModel], fault: Any, node: Node) -> tuple[str, str]:
    """Say what a value must be and is not, and how to mend it."""
    kind, loc, got = fault["type"], fault["loc"], _described(node)
    text, remedy = node.value if isinstance(node.value, str) else "", ""
    if kind in _BOUNDS:
        return _out_of_bounds(kind, fault.get("ctx", {}), node)
    if kind in ("string_type", "string_pattern_mismatch", "string_too_short"):
        patterns = [option["pattern"] for option in _options_at(model, loc) if option.get("pattern") in _PATTERNS]
        if not patterns and isinstance(node.value, int | float):
            return f"text is wanted, but this is read as {got}", f'put it in quotes: "{node.written}"'
        wanted, remedy = _PATTERNS[patterns[0]] if patterns else ("text", "")
    elif kind in _SCALARS:
        wanted = _SCALARS[kind]
        if text and (text.strip("0123456789.") == "" or text in ("true", "false")):
            remedy = "write it without quotes"
        elif text.endswith("%"):
            remedy = "write a share of 1, such as 0.5"
    elif kind == "literal_error":
        wanted = fault["ctx"]["expected"].replace("True", "true")
        if match := nearest(str(node.value), wanted.replace("'", "").replace(" or ", ", ").split(", ")):
            remedy = f"did you mean {quoted(match)}?"
    else:
        kinds = {option.get("type") for option in _options_at(model, loc)}
        words = {"string": "a text", "array": "a list", "object": "a mapping of keys to values"}
        wanted = " or ".join(word for kind, word in words.items() if kind in kinds) or "something else"
        remedy = "write it as [a, b], or one entry a line after '- '" if wanted == "a list" else _example_line(model, loc)
    return f"{wanted} is wanted, not {got}", remedy


_SCALARS = {"float_type": "a number", "int_type": "a whole number", "int_from_float": "a whole number", "bool_type": "true or false"}
_BOUNDS = {
    "greater_than": "must be above {gt:,}, this is {written}",
    "greater_than_equal": "must be at least {ge:,}, this is {written}",
    "less_than": "must be below {lt:,}, this is {written}",
    "less_than_equal": "must be at most {le:,}, this is {written}",
    "string_too_long": "a text of at most {max_length} characters is wanted, this has {length}",
    "too_short": "at least {min_length} entries are wanted, not {actual_length}",
    "too_long": "at most {max_length} entries are allowed",
    "missing": "two entries are wanted, not one",
}


def _out_of_bounds(kind: str, context: dict[str, Any], node: Node) -> tuple[str, str]:
    if not node.value and kind == "too_short":
        return f"an empty {_described(node).removeprefix('a ')} cannot stand here", ""
    whole = {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in context.items()}
    message = _BOUNDS[kind].format(**whole, written=node.written, length=len(str(node.value)))
    return message, {"string_too_long": "shorten it", "missing": "write it as [a, b]"}.get(kind, "")


def _described(node: Node) -> str:
    value = node.value
    if isinstance(value, bool):
        return f"the truth value {node.written}"
    if isinstance(value, int | float):
        return f"the number {plain(node.written)}"
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value else "an empty text"
    return "a list" if isinstance(value, list) else "a mapping"


def _keys(model: type[BaseModel], loc: tuple[Any, ...]) -> dict[str, Any]:
    """Give the keys of the mapping that a location is in, each with its JSON Schema."""
    return next((schema["properties"] for schema in _options_at(model, loc[:-1]) if "properties" in schema), {})


def _keys_here(model: type[BaseModel], loc: tuple[Any, ...], where: str) -> str:
    """Say which key was probably meant by an unknown one, or which there are."""
    if match := _nearest_key(model, loc):
        return f"did you mean {quoted(match)}?"
    known = ", ".join(_keys(model, loc))
    if where.startswith("ladder.machine"):
        return f"keys here: {known}; no callbacks, which `transitions` would import and call, and no settings of its own"
    return f"keys here: {known}" if known else ""


def _nearest_key(model: type[BaseModel], loc: tuple[Any, ...]) -> str | None:
    match = nearest(str(loc[-1]), _keys(model, loc))
    return None if match and str(loc[-1]).endswith(f"_{match}") else match  # `auto_transitions` is no slip for `transitions`


def _example(model: type[BaseModel], loc: tuple[Any, ...]) -> Any:
    """Give the example of a key, or None."""
    return _keys(model, loc).get(str(loc[-1]), {}).get("examples", [None])[0] if loc else None


def _example_line(model: type[BaseModel], loc: tuple[Any, ...]) -> str:
    example = _example(model, loc)
    if example is None:
        return ""
    return f"for example: {loc[-1]}: {example if isinstance(example, str) else json.dumps(example)}"


@cache
def _whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _options_at(model: type[BaseModel], loc: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Follow a location through the model's JSON Schema to all that may stand there."""
    whole = _whole_schema(model)

    def unfolded(schema: Any) -> list[dict[str, Any]]:
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        branches = schema.get("anyOf") or schema.get("oneOf")
        return [option for branch in branches for option in unfolded(branch)] if branches else [schema]

    here = unfolded(whole)
    for part in loc:
        inside = [option for schema in here for each in _inside(schema, part) for option in unfolded(each)]
        here = inside or here  # else a part of pydantic's own, such as a tag
    return here


def _inside(schema: dict[str, Any], part: str | int) -> list[Any]:
    """Give what may stand under a key or at an index of what a JSON Schema describes."""
    if isinstance(part, int):
        return [schema["items"]] if "items" in schema else schema.get("prefixItems", [])[part : part + 1]
    if part in schema.get("properties", {}):
        return [schema["properties"][part]]
    others = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    return [each for each in others if isinstance(each, dict)]

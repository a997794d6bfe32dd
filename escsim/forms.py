"""From plain data to typed, frozen models; every fault becomes a located problem with a remedy.

`fill` reports all faults of a file at once. What pydantic finds wrong is said in plain words and cut out of the
tree, so that the rest can still be built and cross-checked in the same run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, Strict, ValidationError
from pydantic_core import CoreSchema

from escsim.errors import Problem, nearest, plain, quoted
from escsim.reading import Node

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")


class Form(BaseModel):
    """Base of everything a file can hold: no unknown keys, no guessing of types, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def key(description: str, example: Any, default: Any = ..., **more: Any) -> Any:
    """Declare a key of a form; description and example go into the JSON Schema."""
    return Field(default, description=description, examples=[example], **more)


NAME = r"^[a-z][a-z0-9_]{0,63}$"
ACTOR = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
MISSION = r"^[A-Z]{3}->[A-Z]{3}$"
MISSION_OR_PAIR = r"^[A-Z]{3}->?[A-Z]{3}$"
WHO = r"^([A-Z]{3}->?[A-Z]{3}|any)$"
CAMEO = r"^(0[1-9]|1[0-9]|20)$"
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
    NAME: ("a name is wanted", "small letters, digits and _, at most 64, a letter first: second_strike"),
    ACTOR: ("the key of an actor is wanted", "three capitals for a state (PAK), letters, digits and _ for others"),
    MISSION: ("a mission is wanted", "sender->host, in capitals: PAK->IRN"),
    MISSION_OR_PAIR: ("a mission or a pair is wanted", "a mission is PAK->IRN, a pair PAK-IRN"),
    WHO: ("a mission, a pair or 'any' is wanted", "a mission is PAK->IRN, a pair PAK-IRN"),
    CAMEO: ("a CAMEO root code is wanted", 'two digits in quotes, "01" to "20"'),
    SOURCE: ("a name is wanted", "a status, or '*' in quotes for all of them"),
    DEST: ("a name is wanted", "a status, or '=' in quotes to enter the same one anew"),
    EXPECT: ("a bound on a probability is wanted", 'for example: ">= 0.8"'),
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


class Filled(Generic[F]):
    """What came of filling a form.

    Attributes
    ----------
    form : Form or None
        The model, without the parts that were wrong; None if too little was left.
    root : Node
        The tree it was built from, without these parts: the places of everything in `form`.
    problems : list of Problem
        What was wrong.
    lost : set of str
        Every key and text of the parts left out: whoever misses one of these should keep quiet.
    hurt : set of str
        The top-level keys under which something was left out.
    """

    def __init__(self, root: Node) -> None:
        self.form: F | None = None
        self.root = root
        self.problems: list[Problem] = []
        self.lost: set[str] = set()
        self.hurt: set[str] = set()
        self.damaged: set[int] = set()


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
    _cut(filled, model, [{"type": "empty", "loc": loc} for loc in _empty(root)])
    for _ in range(1 + MOST_PASSES):
        try:
            filled.form = model.model_validate(root.plain())
        except ValidationError as error:
            if not _cut(filled, model, error.errors(include_url=False, include_input=False)):
                break
        else:
            break
    return filled


MOST_CUTS = 300  # a file with more faults than this is not one to look further into
MOST_PASSES = 12  # each pass cuts something; faults hidden behind faults are rarely more than two deep


def _empty(node: Node, *loc: str | int) -> Iterator[tuple[str | int, ...]]:
    """Find the values that are empty. No key of any form has a use for one."""
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            yield from _empty(child, *loc, name)
    elif isinstance(node.value, list):
        for index in range(len(node.value)):
            yield from _empty(node.value[index], *loc, index)
    elif node.value is None:
        yield loc


def _cut(filled: Filled[Any], model: type[BaseModel], faults: Sequence[Any]) -> bool:
    """Report faults and cut their causes out of the tree; False if nothing useful would be left."""
    locs = [tuple(fault["loc"]) for fault in faults]
    # A list is also called too short when its entries are wrong: only the innermost fault is meant.
    outer = {loc[:depth] for loc in locs for depth in range(len(loc))}
    inner = [fault for fault, loc in zip(faults, locs, strict=True) if loc not in outer]
    meant = {(*loc[:-1], _nearest_key(model, loc)) for fault, loc in zip(faults, locs, strict=True) if fault["type"] == "extra_forbidden"}
    inner = [fault for fault in inner if fault["type"] != "missing" or tuple(fault["loc"]) not in meant]  # it is there, misspelt
    damaged: set[int] = set()
    useful = len(inner) <= MOST_CUTS
    said = set(filled.problems)
    for fault, chain in [(fault, _chain(filled.root, fault["loc"])) for fault in inner]:
        if id(chain[-1][1]) not in filled.damaged:  # else it is the echo of what was cut out before
            problem = _problem(model, fault, chain)
            if problem not in said:
                filled.problems.append(problem)
        if not useful:
            continue
        if len(chain) == 1:
            useful = _stand_in(filled, model, fault) and useful
            continue
        name, victim = chain[-1]
        parent = chain[-2][1]
        filled.hurt.add(str(chain[1][0]))
        filled.lost.update(_words(name, victim))
        damaged.update(id(node) for _, node in chain[:-1])
        if isinstance(parent.value, dict):
            parent.value.pop(str(name), None)
        elif isinstance(parent.value, list):
            parent.value[:] = [child for child in parent.value if child is not victim]
    filled.damaged |= damaged
    return useful


def _stand_in(filled: Filled[Any], model: type[BaseModel], fault: Any) -> bool:
    """Let the example of a missing top-level text stand in for it, so that the rest can be checked; False if it is no text."""
    name = str(fault["loc"][-1]) if fault["type"] == "missing" else ""
    example = next(iter(_whole_schema(model)["properties"].get(name, {}).get("examples", ())), None)
    if not isinstance(example, str) or not isinstance(filled.root.value, dict):
        return False
    filled.root.value[name] = Node(example, filled.root.place)
    filled.hurt.add(name)
    return True


def _chain(root: Node, loc: tuple[Any, ...]) -> list[tuple[Any, Node]]:
    """Give the nodes along the parts of a location that exist in the tree."""
    chain: list[tuple[Any, Node]] = [("", root)]
    for part in loc:
        if (child := chain[-1][1].child(part)) is not None:
            chain.append((part, child))
    return chain


def _words(name: Any, node: Node) -> Iterator[str]:
    yield str(name)
    if isinstance(node.value, dict):
        for child_name, child in node.value.items():
            yield from _words(child_name, child)
    elif isinstance(node.value, list):
        for child in node.value:
            yield from _words("", child)
    else:
        yield str(node.value)


def _problem(model: type[BaseModel], fault: Any, chain: list[tuple[Any, Node]]) -> Problem:
    """Say one of pydantic's faults in plain words, at its place."""
    kind, context, node = fault["type"], fault.get("ctx", {}), chain[-1][1]
    name = _path(chain)
    if kind == "escsim":
        for part in context.get("at", ()):
            name, node = f"{name}.{plain(str(part))}", node.child(part) or node
        place = ((context.get("key") or fault["loc"][-1:] == ("[key]",)) and node.key_place) or node.place
        return Problem(place, f"{name}: {context['message']}" if name else context["message"], context["remedy"])
    if kind == "extra_forbidden":
        return _unknown_key(model, fault["loc"], chain)
    if kind == "empty":
        remedy = "delete the entry" if isinstance(chain[-1][0], int) else "delete the key"
        return Problem(node.key_place or node.place, f"{name}: an empty value", f"give it a value, or {remedy}")
    if kind == "missing" and isinstance(fault["loc"][-1], int):
        return Problem(node.place, f"{name}: two entries are wanted, not one", "write it as [a, b]")
    if kind == "missing":
        inside = f"{name}: " if name else ""
        return Problem(node.key_place or node.place, f"{inside}the key {quoted(fault['loc'][-1])} is missing", _example(model, fault["loc"]))
    if fault["loc"] and fault["loc"][-1] == "[key]":
        message, remedy = _PATTERNS.get(context.get("pattern", ""), ("this cannot stand here", ""))
        return Problem(node.key_place or node.place, f"{name}: {message}, not {quoted(chain[-1][0])}", remedy)
    message, remedy = _plain_words(model, fault, node)
    return Problem(node.place, f"{name}: {message}", remedy)


def _path(chain: list[tuple[Any, Node]]) -> str:
    """Write where a value stands: events[3].delay."""
    return plain("".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name, _ in chain[1:]).lstrip("."), 80)


def _plain_words(model: type[BaseModel], fault: Any, node: Node) -> tuple[str, str]:
    kind, context, got = fault["type"], fault.get("ctx", {}), _described(node)
    if kind in ("string_type", "string_pattern_mismatch"):
        pattern = context.get("pattern") or _schema_at(model, fault["loc"]).get("pattern", "")
        if pattern in _PATTERNS:
            message, remedy = _PATTERNS[pattern]
            return f"{message}, not {got}", remedy
    if kind == "string_too_long":
        return f"a text of at most {context['max_length']} characters is wanted, this has {len(str(node.value))}", "shorten it"
    if kind in ("string_type", "string_too_short"):
        if isinstance(node.value, int | float):
            return f"text is wanted, but this is read as {got}", f'put it in quotes: "{node.written}"'
        return f"text is wanted, not {got}", ""
    if kind in ("float_type", "int_type", "int_from_float", "bool_type"):
        wanted = {"float_type": "a number", "bool_type": "true or false"}.get(kind, "a whole number")
        text = node.value if isinstance(node.value, str) else ""
        if text and (text.strip("0123456789.") == "" or text in ("true", "false")):
            return f"{wanted} is wanted, not {got}", "write it without quotes"
        return f"{wanted} is wanted, not {got}", "write a share of 1, such as 0.5" if text.endswith("%") else ""
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {context[bound]:,}".removesuffix(".0") + f", this is {node.written}", ""
    if kind == "literal_error":
        match = nearest(str(node.value), context["expected"].replace("'", "").replace(" or ", ", ").split(", "))
        return f"{context['expected'].replace('True', 'true')} is wanted, not {got}", f"did you mean {quoted(match)}?" if match else ""
    if kind == "too_short":
        least, number = context["min_length"], context["actual_length"]
        what = "a mapping" if isinstance(node.value, dict) else "a list"
        return (
            f"at least {least} entries are wanted, not {number}"
            if number
            else f"{what.replace(' ', ' empty ').replace('a ', 'an ')} cannot stand here",
            "",
        )
    if kind == "too_long":
        return f"at most {context['max_length']} entries are allowed", ""
    wanted = _wanted(model, fault["loc"])
    remedy = "write it as [a, b], or one entry a line after '- '" if wanted == "a list" else _example(model, fault["loc"])
    return f"{wanted} is wanted, not {got}", remedy


_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _wanted(model: type[BaseModel], loc: tuple[Any, ...]) -> str:
    """Say what kinds of value may stand at a location."""
    kinds = {option.get("type") for option in _options_at(model, loc)}
    words = {"string": "a text", "array": "a list", "object": "a mapping of keys to values"}
    return " or ".join(word for kind, word in words.items() if kind in kinds) or "something else"


def _described(node: Node) -> str:
    value = node.value
    if isinstance(value, bool):
        return f"the truth value {node.written}"
    if isinstance(value, int | float):
        return f"the number {plain(node.written)}"
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value else "an empty text"
    return "a list" if isinstance(value, list) else "a mapping"


def _unknown_key(model: type[BaseModel], loc: tuple[Any, ...], chain: list[tuple[Any, Node]]) -> Problem:
    name, node = chain[-1]
    place, where = node.key_place or node.place, _path(chain[:-1])
    special = _SPECIAL.get(str(name)) if where.startswith("ladder.machine") else None
    if special:
        return Problem(place, f"{where}: the key {quoted(name)} is not allowed", special)
    known = list(_schema_at(model, loc[:-1]).get("properties", {}))
    match = _nearest_key(model, loc)
    remedy = f"did you mean {quoted(match)}?" if match else f"keys here: {', '.join(known)}" if known else ""
    return Problem(place, f"{where}: unknown key {quoted(name)}" if where else f"unknown key {quoted(name)}", remedy)


def _nearest_key(model: type[BaseModel], loc: tuple[Any, ...]) -> str | None:
    """Find the key that was probably meant by an unknown one."""
    return nearest(str(loc[-1]), _schema_at(model, loc[:-1]).get("properties", {}))


_CALLBACK = "a file may name no callbacks: `transitions` would import and call whatever they name"
_SETTING = "delete it: escsim sets this itself"
_CALLBACKS = """conditions unless prepare before after on_enter on_exit on_final on_timeout on_exception prepare_event
before_state_change after_state_change finalize_event"""
_SETTINGS = """model queued send_event auto_transitions ordered_transitions ignore_invalid_triggers model_attribute model_override name"""
_SPECIAL = {
    **dict.fromkeys(_CALLBACKS.split(), _CALLBACK),
    **dict.fromkeys(_SETTINGS.split(), _SETTING),
    **dict.fromkeys(("children", "parallel"), "statuses are a flat ladder: write one status for each combination"),
}


def _example(model: type[BaseModel], loc: tuple[Any, ...]) -> str:
    """Show how a missing key might look."""
    found = _schema_at(model, loc[:-1]).get("properties", {}).get(str(loc[-1]), {})
    if examples := found.get("examples"):
        value = examples[0] if isinstance(examples[0], str) else json.dumps(examples[0])
        return f"for example: {loc[-1]}: {value}"
    return ""


@cache
def _whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _schema_at(model: type[BaseModel], loc: tuple[Any, ...]) -> dict[str, Any]:
    """Give the part of the model's JSON Schema that describes a location: of several, one with keys."""
    every = _options_at(model, loc)
    return next((schema for schema in every if "properties" in schema), every[0] if every else {})


def _options_at(model: type[BaseModel], loc: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Follow a location through the model's JSON Schema to all that may stand there."""
    whole = _whole_schema(model)

    def options(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if "$ref" in schema:
            yield from options(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]])
            return
        branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
        if not branches:
            yield schema
        for branch in branches:
            yield from options(branch)

    here = list(options(whole))
    for part in loc:
        found = []
        for schema in here:
            if str(part) in schema.get("properties", {}):
                found.append(schema["properties"][str(part)])
            elif isinstance(part, int) and "items" in schema:
                found.append(schema["items"])
            elif isinstance(part, int) and "prefixItems" in schema:
                found += schema["prefixItems"][part : part + 1]
            elif isinstance(part, str) and isinstance(schema.get("additionalProperties"), dict):
                found.append(schema["additionalProperties"])
            elif isinstance(part, str):
                found += schema.get("patternProperties", {}).values()
        here = [option for each in found for option in options(each)] or here  # else a part of pydantic's own, such as a tag
    return here

"""From plain data to typed, frozen models; every fault becomes a located problem with a remedy.

`fill` reports all faults of a file at once. What pydantic finds wrong is said in plain words and cut out of the
tree, so that the rest can still be built and cross-checked in the same run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, Strict, ValidationError
from pydantic_core import CoreSchema

from escsim.errors import Problem, nearest, plain, quoted
from escsim.reading import Node

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")


class Form(BaseModel):
    """Base of everything a file can hold: no unknown keys, no guessing of types, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_by_name=True)


def key(description: str, example: Any, default: Any = ..., **more: Any) -> Any:
    """Declare a key of a form; description and example go into the JSON Schema."""
    return Field(default, description=description, examples=[example], **more)


NAME = r"^[a-z][a-z0-9_]{0,63}$"
ACTOR = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
MISSION = r"^[A-Z]{3}->[A-Z]{3}$"
MISSION_OR_PAIR = r"^[A-Z]{3}->?[A-Z]{3}$"
WHO = r"^([A-Z]{3}->?[A-Z]{3}|any)$"
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
    NAME: ("a name is wanted", "small letters, digits and _, a letter first: second_strike"),
    ACTOR: ("the key of an actor is wanted", "three capitals for a state (PAK), letters, digits and _ for others"),
    MISSION: ("a mission is wanted", "sender->host, in capitals: PAK->IRN"),
    MISSION_OR_PAIR: ("a mission or a pair is wanted", "a mission is PAK->IRN, a pair PAK-IRN"),
    WHO: ("a mission, a pair or 'any' is wanted", "a mission is PAK->IRN, a pair PAK-IRN"),
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
    for loc in list(_empty(root)):
        _leave_out(filled, model, {"type": "empty", "loc": loc})
    for _ in range(1 + MOST_PASSES):
        try:
            filled.form = model.model_validate(root.plain())
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            # From the back, so that leaving out an entry of a list does not shift the ones still to come.
            useful = [_leave_out(filled, model, fault) for fault in reversed(faults)]
            if not all(useful):
                break
        else:
            break
    return filled


MOST_PASSES = 12  # each pass cuts something; faults hidden behind faults are rarely more than two deep


def _empty(node: Node, *loc: str | int) -> Iterator[tuple[str | int, ...]]:
    """Find the values that are empty, from the back. No key of any form has a use for one."""
    if isinstance(node.value, dict):
        for name, child in reversed(node.value.items()):
            yield from _empty(child, *loc, name)
    elif isinstance(node.value, list):
        for index in reversed(range(len(node.value))):
            yield from _empty(node.value[index], *loc, index)
    elif node.value is None:
        yield loc


def _leave_out(filled: Filled[Any], model: type[BaseModel], fault: Any) -> bool:
    """Report one fault and cut its cause out of the tree; False if nothing useful would be left."""
    chain = _chain(filled.root, fault["loc"])
    missing = fault["type"] == "missing"
    holder = chain[-1] if missing or len(chain) == 1 else chain[-2]
    if id(holder[1]) not in filled.damaged or not (missing or len(chain) == 1):
        problem = _problem(model, fault, chain)
        if problem.place not in {known.place for known in filled.problems}:
            filled.problems.append(problem)
    if len(chain) == 1:
        return False
    victim = chain[-1]
    parent = chain[-2][1]
    filled.hurt.add(str(chain[1][0]))
    filled.lost.update(_words(victim[0], victim[1]))
    filled.damaged.update(id(node) for _, node in chain[:-1])
    if isinstance(parent.value, dict):
        parent.value.pop(str(victim[0]), None)
    elif isinstance(parent.value, list) and victim[1] in parent.value:
        parent.value.remove(victim[1])
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
    where = "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name, _ in chain[1:]).lstrip(".")
    name = plain(where, 80)
    if kind == "escsim":
        return Problem(node.place, f"{name}: {context['message']}" if name else context["message"], context["remedy"])
    if kind == "extra_forbidden":
        return _unknown_key(model, fault["loc"], chain)
    if kind == "empty":
        return Problem(node.place, f"{name}: an empty value", "give it a value, or delete the key")
    if kind == "missing":
        place = node.key_place or node.place
        inside = f"{name}: " if name else ""
        return Problem(place, f"{inside}the key {quoted(fault['loc'][-1])} is missing", _example(model, fault["loc"]))
    if fault["loc"] and fault["loc"][-1] == "[key]":
        message, remedy = _PATTERNS.get(context.get("pattern", ""), ("this cannot stand here", ""))
        return Problem(node.key_place or node.place, f"{name}: {message}, not {quoted(chain[-1][0])}", remedy)
    message, remedy = _plain_words(kind, context, node)
    return Problem(node.place, f"{name}: {message}", remedy)


def _plain_words(kind: str, context: dict[str, Any], node: Node) -> tuple[str, str]:
    got = _described(node)
    if kind == "string_pattern_mismatch":
        message, remedy = _PATTERNS.get(context["pattern"], (f"text like {context['pattern']} is wanted", ""))
        return f"{message}, not {got}", remedy
    if kind == "string_too_long":
        return f"a text of at most {context['max_length']} characters is wanted, this has {len(str(node.value))}", "shorten it"
    if kind in ("string_type", "string_too_short"):
        if isinstance(node.value, int | float):
            return f"text is wanted, but this is read as {got}", f'put it in quotes: "{node.value}"'
        return f"text is wanted, not {got}", ""
    if kind in ("float_type", "int_type", "int_from_float"):
        whole = "" if kind == "float_type" else "whole "
        remedy = "delete the quotes" if isinstance(node.value, str) and node.value.strip("0123456789.") == "" else ""
        return f"a {whole}number is wanted, not {got}", remedy
    if kind == "bool_type":
        return f"true or false is wanted, not {got}", ""
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {context[bound]}, this is {got}", ""
    if kind == "literal_error":
        match = nearest(str(node.value), context["expected"].replace("'", "").replace(" or ", ", ").split(", "))
        return f"{context['expected']} is wanted, not {got}", f"did you mean {quoted(match)}?" if match else ""
    if kind in ("tuple_type", "list_type"):
        return f"a list is wanted, not {got}", "write it as [a, b], or one entry a line after '- '"
    if kind in ("too_short", "too_long", "missing_positional_only_argument"):
        return "an empty list cannot stand here" if kind == "too_short" else "too many entries", ""
    if kind in ("model_type", "dict_type", "model_attributes_type", "union_tag_invalid", "union_tag_not_found"):
        return f"a mapping of keys to values is wanted, not {got}", ""
    return f"this cannot stand here: {got}", ""


_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _described(node: Node) -> str:
    value = node.value
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value else "an empty text"
    return "a list" if isinstance(value, list) else "a mapping"


def _unknown_key(model: type[BaseModel], loc: tuple[Any, ...], chain: list[tuple[Any, Node]]) -> Problem:
    name, node = chain[-1]
    place = node.key_place or node.place
    where = ".".join(str(part) for part, _ in chain[1:-1])
    special = _SPECIAL.get(str(name)) if where == "ladder.machine" or where.startswith("ladder.machine.") else None
    if special:
        return Problem(place, f"{plain(where)}: the key {quoted(name)} is not allowed", special)
    known = list(_schema_at(model, loc[:-1]).get("properties", {}))
    match = nearest(str(name), known)
    remedy = f"did you mean {quoted(match)}?" if match else f"keys here: {', '.join(known)}" if known else ""
    return Problem(place, f"{plain(where)}: unknown key {quoted(name)}" if where else f"unknown key {quoted(name)}", remedy)


_CALLBACK = "a file may name no callbacks: `transitions` would import and call whatever they name"
_SETTING = "delete it: escsim sets this itself"
_CALLBACKS = """conditions unless prepare before after on_enter on_exit on_final on_timeout on_exception prepare_event
before_state_change after_state_change finalize_event model"""
_SETTINGS = """queued send_event auto_transitions ordered_transitions ignore_invalid_triggers model_attribute model_override name"""
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


def _schema_at(model: type[BaseModel], loc: tuple[Any, ...]) -> dict[str, Any]:
    """Follow a location through the model's JSON Schema to the part that describes it."""
    whole = model.model_json_schema()

    def options(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if "$ref" in schema:
            yield from options(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]])
            return
        yield schema
        for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            yield from options(branch)

    here = [whole]
    for part in loc:
        found = []
        for schema in (option for start in here for option in options(start)):
            if str(part) in schema.get("properties", {}):
                found.append(schema["properties"][str(part)])
            elif isinstance(part, int) and "items" in schema:
                found.append(schema["items"])
            elif isinstance(part, str) and isinstance(schema.get("additionalProperties"), dict):
                found.append(schema["additionalProperties"])
            else:
                found += [each for each in schema.get("patternProperties", {}).values() if isinstance(part, str)]
        here = found or here  # a part of pydantic's own, such as the tag of a union
    every = [option for start in here for option in options(start)]
    return next((schema for schema in every if "properties" in schema), every[0] if every else {})

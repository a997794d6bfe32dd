"""The JSON Schema of scenario files, for editors: made from the models that do the checking, so that both agree."""

from __future__ import annotations

from typing import Any

from escsim.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scenario_schema() -> dict[str, Any]:
    """Give the JSON Schema of a scenario file.

    It says what single values may be; that names exist, dates fit and causes come first is checked by
    `escsim check`. A file that `extends` another is not bound to be complete, so only its top-level keys are fixed.
    """
    whole = _tidied(Scenario.model_json_schema(by_alias=True))
    definitions = whole.pop("$defs")
    properties = {"extends": _EXTENDS, **whole["properties"]}
    full = {"required": whole.pop("required"), "properties": {name: value for name, value in properties.items() if name != "extends"}}
    parts = {"properties": {**dict.fromkeys(properties, True), "omit": _OMIT}}
    return {
        "$schema": DIALECT,
        "title": "escsim scenario",
        "description": "A diplomatic crisis as data: actors, a ladder of statuses, dated events, and how things might have gone.",
        "type": "object",
        "properties": {"extends": _EXTENDS},
        "if": {"required": ["extends"]},
        "then": {**parts, "additionalProperties": False},
        "else": {**full, "additionalProperties": False},
        "$defs": definitions,
    }


_EXTENDS = {
    "title": "Extends",
    "description": "A file in the same folder that this one changes: mappings merge, events merge by id, the rest is replaced.",
    "examples": ["iran-pakistan-2024.yaml"],
    "type": "string",
}
_OMIT = {
    "title": "Omit",
    "description": "Ids of inherited events that this file leaves out.",
    "examples": [["second_iranian_strike"]],
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}


def _tidied(schema: Any) -> Any:
    """Say what the reader does: no empty values, and no keys but those of the pattern."""
    if isinstance(schema, list):
        return [_tidied(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {name: _tidied(value) for name, value in schema.items() if name != "propertyNames"}
    if isinstance(tidy.get("default"), dict):
        tidy["default"] = _given(tidy["default"])
    if "patternProperties" in tidy:
        tidy.setdefault("additionalProperties", False)
    if "anyOf" in tidy:
        branches = [branch for branch in tidy["anyOf"] if branch != {"type": "null"}]
        if len(branches) < len(tidy["anyOf"]):
            if tidy.get("default", ...) is None:
                del tidy["default"]
            if len(branches) == 1:
                tidy = {**branches[0], **{name: value for name, value in tidy.items() if name != "anyOf"}}
            else:
                tidy["anyOf"] = branches
    return tidy


def _given(default: Any) -> Any:
    """Leave out of a default what is not stated."""
    if not isinstance(default, dict):
        return default
    return {name: _given(value) for name, value in default.items() if value is not None}

"""The JSON Schema of scenario files, for editors: made from the models that do the checking, so that both agree."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from escsim.scenario import Scenario


def scenario_schema() -> dict[str, Any]:
    """Give the JSON Schema of a scenario file.

    It says what single values may be; that names exist, dates fit and causes come first is checked by
    `escsim check`. A file that `extends` another is not bound to be complete, so only its top-level keys are fixed.
    """
    whole = Scenario.model_json_schema(schema_generator=_Published)
    changes = {"extends": True, **dict.fromkeys(whole["properties"], True), "omit": _OMIT}
    return {
        "$schema": _Published.schema_dialect,
        "title": "escsim scenario",
        "description": "A diplomatic crisis as data: actors, a ladder of statuses, dated events, and how things might have gone.",
        "type": "object",
        "properties": {"extends": _EXTENDS},
        "if": {"required": ["extends"]},
        "then": {"properties": changes, "additionalProperties": False},
        "else": {"required": whole["required"], "properties": whole["properties"], "additionalProperties": False},
        "$defs": whole["$defs"],
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


class _Published(GenerateJsonSchema):
    """Says what the reader does: no empty values, and no keys but those of the pattern."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        return to_jsonable_python(dft, by_alias=True, exclude_none=True)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        made.pop("propertyNames", None)
        return {"additionalProperties": False, **made} if "patternProperties" in made else made

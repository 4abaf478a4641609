"""Short names for JSON schemas."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
NOTHING: Schema = {"type": "null"}
ANY: Schema = {}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, NOTHING]}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"enum": list(words)}


def array(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def table(values: Schema) -> Schema:
    """An object whose keys are data: seeds, stages, names."""
    return {"type": "object", "additionalProperties": values}


def either(*schemas: Schema) -> Schema:
    """One of several forms."""
    return {"anyOf": list(schemas)}


def document(fields: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with exactly these keys; some may be missing."""
    properties = {**fields, **(optional or {})}
    return {"type": "object", "properties": properties, "required": [*fields], "additionalProperties": False}

"""A form as JSON Schema (2020-12), for clients that send answers without drawing the form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.forms.answers import LONGEST_TEXT, MOST_FILES, MOST_ITEMS
from engine.forms.field import CHOICES, SELECTIONS, TEXTS, Field

_FORMATS = {"date": "date", "time": "time", "datetime": "date-time"}


def json_schema(name: str, title: str, fields: Iterable[Field]) -> dict[str, Any]:
    """What the answers look like. What a condition may hide is not in ``required``: the description says so."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:form:{name}",
        "title": title,
        **_group([field for field in fields if field.readonly is not True]),
    }


def _group(fields: list[Field], depth: int = 0) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in fields:
        name = field.path[depth]
        if len(field.path) > depth + 1:
            if name not in properties:
                together = [each for each in fields if each.path[depth] == name]
                properties[name] = _group(together, depth + 1)
                if properties[name].get("required"):
                    required.append(name)
            continue
        properties[name] = _described(field)
        if field.required and not field.hidden_when and field.default is None:
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _described(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"title": field.label} | _typed(field)
    notes = [field.description]
    if field.required:
        notes.append("Required" + (" unless hidden." if field.hidden_when else "."))
    if field.hidden_when:
        notes.append(f"Hidden, and then dropped, when {field.hidden_when.removeprefix('=').strip()}.")
    if text := " ".join(note for note in notes if note):
        schema["description"] = text
    return schema if field.default is None else schema | {"default": field.default}


def _typed(field: Field) -> dict[str, Any]:
    if field.kind in TEXTS:
        return _text(field)
    if field.kind == "number":
        return _number(field)
    if field.kind == "checkbox":
        return {"type": "boolean"} | ({"const": True} if field.required else {})
    if field.kind in CHOICES:
        return _option(field)
    if field.kind in SELECTIONS:
        return _list(_option(field), field)
    if field.kind == "filepicker":
        named = {"type": "integer", "minimum": 1, "description": _named(field)}
        return _list(named, field) | {"maxItems": MOST_FILES if field.multiple else 1}
    if field.kind == "list":
        inner = [each for each in field.fields if each.readonly is not True]
        return {"type": "array", "maxItems": MOST_ITEMS, "items": _group(inner)}
    return {"type": "string", "format": _FORMATS[field.kind]}


def _named(field: Field) -> str:
    kinds = f", of one of the kinds {', '.join(field.accept)}" if field.accept else ""
    return f"The id of an attachment of this case{kinds}: add it first, POST /cases/{{number}}/attachments."


def _text(field: Field) -> dict[str, Any]:
    longest = field.max_length if isinstance(field.max_length, int) else LONGEST_TEXT
    schema: dict[str, Any] = {"type": "string", "maxLength": longest}
    shortest = field.min_length if isinstance(field.min_length, int) else 0
    if field.required:
        schema["minLength"] = max(shortest, 1)
        schema["pattern"] = field.pattern or r"\S"  # an optional text may be "", whatever the pattern
    return schema | ({"format": "email"} if field.format == "email" else {})


def _number(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer" if field.digits == 0 else "number"}
    for name, limit in (("minimum", field.minimum), ("maximum", field.maximum)):
        if isinstance(limit, int | float):
            schema[name] = limit
    if isinstance(field.step, int | float):
        schema["multipleOf"] = field.step
    return schema


def _option(field: Field) -> dict[str, Any]:
    if not field.options:
        return {"description": "One of the options that the case offers."}
    return {"oneOf": [{"const": option.value, "title": option.label} for option in field.options]}


def _list(items: dict[str, Any], field: Field) -> dict[str, Any]:
    return {"type": "array", "uniqueItems": True, "items": items} | ({"minItems": 1} if field.required else {})

"""Report types as GeoReport's services, and their intake forms as attributes.

``noi_dung``, what the citizen says, is no attribute: it is GeoReport's own ``description``.
"""

from __future__ import annotations

from typing import Any

from engine.forms import Field
from engine.forms.field import CHOICES, SELECTIONS
from engine.packages import Package
from webapi.open311.posts import SAID

DATATYPES = {"textfield": "string", "textarea": "text", "number": "number", "date": "datetime", "datetime": "datetime",
             "time": "string", "checkbox": "singlevaluelist"}  # fmt: skip
TRUTH = [{"key": "true", "name": "Có"}, {"key": "false", "name": "Không"}]
CONDITIONAL = "Chỉ hỏi trong một số trường hợp."
TIME = "Giờ và phút, ví dụ 07:30."


def listed(package: Package) -> dict[str, Any]:
    """A line of GET services."""
    return {
        "service_code": package.code, "service_name": name(package), "description": _description(package),
        "metadata": bool(asked(package)), "type": "realtime", "keywords": package.name.get("en"),
        "group": package.province["name"],
    }  # fmt: skip


def defined(package: Package) -> dict[str, Any]:
    """The answer of GET services/{code}."""
    questions = enumerate(asked(package), 1)
    return {"service_code": package.code, "attributes": [_attribute(field, order) for order, field in questions]}


def name(package: Package) -> str:
    return str(package.name.get("vi") or package.name.get("en") or package.code)


def asked(package: Package) -> list[Field]:
    """The questions that can be asked this way: lists, files and what nobody is asked cannot."""
    kinds = DATATYPES.keys() | CHOICES | SELECTIONS
    fields = package.intake_form.fields
    return [field for field in fields if field.kind in kinds and field.readonly is not True and field.key != SAID]


def _description(package: Package) -> str:
    said = package.type.get("description")
    if isinstance(said, dict):
        said = said.get("vi") or said.get("en")
    return str(said or package.intake_form.title)


def _attribute(field: Field, order: int) -> dict[str, Any]:
    attribute = {
        "variable": True, "code": field.key, "datatype": _datatype(field),
        "required": field.required and field.default is None and not field.hidden_when,
        "datatype_description": _hint(field), "order": order, "description": field.label,
    }  # fmt: skip
    values = TRUTH if field.kind == "checkbox" else [_value(option) for option in field.options]
    return attribute | ({"values": values} if values else {})


def _datatype(field: Field) -> str:
    if field.kind in SELECTIONS:
        return "multivaluelist"
    if field.kind in CHOICES:
        return "singlevaluelist" if field.options else "string"
    return DATATYPES[field.kind]


def _hint(field: Field) -> str | None:
    hints = (field.description, TIME if field.kind == "time" else "", CONDITIONAL if field.hidden_when else "")
    return " ".join(filter(None, hints)) or None


def _value(option: Any) -> dict[str, str]:
    value = option.value
    return {"key": str(value).lower() if isinstance(value, bool) else str(value), "name": option.label}

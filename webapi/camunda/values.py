"""Camunda 7's way of writing values and instants: ``{"value": …, "type": …, "valueInfo": {}}``, ``…000+0000``.

Our variables are plain JSON. What comes in is turned into that, what goes out gets the type Camunda would give it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement

from engine.errors import InvalidRequest

_WHOLE = {"short": 1 << 15, "integer": 1 << 31, "long": 1 << 63}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?\Z")


def instant(moment: datetime | None) -> str | None:
    """``2021-09-03T08:00:00.000+0000``, which is what Camunda's clients read, to the millisecond."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def read_instant(text: Any, field: str) -> datetime:
    """Raises:
    InvalidRequest: it is not written as Camunda writes instants.
    """
    found = _INSTANT.match(text) if isinstance(text, str) else None
    if found is None:
        raise InvalidRequest(f"{field} is {text!r}; write an instant like 2021-09-03T08:00:00.000+0700.", field=field)
    zone = (found[3] or "+0000").replace("Z", "+0000").replace(":", "")
    try:
        return datetime.strptime(found[1] + zone, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{field} is {text!r}, which is no day or hour.", field=field) from None


def between(given: Mapping[str, Any], what: str, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """The filters ``…Before`` and ``…After``.

    Raises:
        InvalidRequest: one of them is no instant.
    """
    before, after = f"{what}Before", f"{what}After"
    found = [column < read_instant(given[before], before)] if before in given else []
    return found + ([column > read_instant(given[after], after)] if after in given else [])


def typed(value: Any) -> dict[str, Any]:
    """A variable as Camunda hands it out."""
    if value is None:
        return {"value": None, "type": "Null", "valueInfo": {}}
    if isinstance(value, bool):
        return {"value": value, "type": "Boolean", "valueInfo": {}}
    if isinstance(value, int):
        return {"value": value, "type": "Integer" if abs(value) < _WHOLE["integer"] else "Long", "valueInfo": {}}
    if isinstance(value, float):
        return {"value": value, "type": "Double", "valueInfo": {}}
    if isinstance(value, str):
        return {"value": value, "type": "String", "valueInfo": {}}
    return {"value": orjson.dumps(value).decode(), "type": "Json", "valueInfo": {}}


def all_typed(data: Mapping[str, Any], names: Any = None) -> dict[str, dict[str, Any]]:
    """Args:
    names: only these; ``None`` or empty: all.
    """
    return {name: typed(value) for name, value in data.items() if not names or name in names}


def plain(variables: Any) -> dict[str, Any]:
    """Variables as a client sends them: {name: {"value": …, "type": …}}; ``None`` is none.

    Raises:
        InvalidRequest: a value is not of the type it says.
    """
    if variables is None:
        return {}
    if not isinstance(variables, dict):
        raise InvalidRequest("variables is a table: {name: {value, type}}.", field="variables")
    return {str(name): _plain(str(name), value) for name, value in variables.items()}


def _plain(name: str, variable: Any) -> Any:
    if not isinstance(variable, dict) or not variable.keys() <= {"value", "type", "valueInfo", "local"}:
        raise InvalidRequest(f'The variable {name!r} is written like {{"value": …, "type": …}}.', field=name)
    value, kind = variable.get("value"), str(variable.get("type") or "").lower()
    if value is None or kind == "null":
        return None
    if kind in _WHOLE:
        return _number(name, value, kind)
    if kind == "double":
        return _is(name, value, kind, isinstance(value, int | float) and not isinstance(value, bool))
    if kind == "boolean":
        return _is(name, value, kind, isinstance(value, bool))
    if kind in ("string", "date"):
        return _is(name, value, kind, isinstance(value, str))
    if kind in ("json", "object"):
        return _parsed(name, value)
    if kind:
        raise InvalidRequest(f"The variable {name!r} has the type {variable['type']!r}, which no case can keep; send "
                             "String, Boolean, Integer, Long, Double, Date or Json.", field=name)  # fmt: skip
    return value


def _number(name: str, value: Any, kind: str) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool) and -_WHOLE[kind] <= value < _WHOLE[kind]
    return int(_is(name, value, kind, whole))


def _is(name: str, value: Any, kind: str, true: bool) -> Any:
    if not true:
        raise InvalidRequest(f"The variable {name!r} is {value!r}, which is no {kind.capitalize()}.", field=name)
    return value


def _parsed(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise InvalidRequest(f"The variable {name!r} is no JSON.", field=name) from None

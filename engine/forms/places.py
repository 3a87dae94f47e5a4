"""Values by path: "nguoi_bao.ten" is the name in the group of the person who reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABSENT = object()


def find(data: Any, path: tuple[str, ...], otherwise: Any = None) -> Any:
    for name in path:
        if not isinstance(data, Mapping) or name not in data:
            return otherwise
        data = data[name]
    return data


def put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(data.get(name), dict):
            data[name] = {}
        data = data[name]
    data[path[-1]] = value


def drop(data: dict[str, Any], path: tuple[str, ...]) -> None:
    """Remove an answer, and the group around it when nothing is left in that."""
    name, *rest = path
    if rest and isinstance(data.get(name), dict):
        drop(data[name], tuple(rest))
        if not data[name]:
            del data[name]
    elif not rest:
        data.pop(name, None)


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, group by group; what is above wins. Groups are copied, so that neither is changed through the result."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        merged[name] = over(under if isinstance(under, dict) else {}, value) if isinstance(value, dict) else value
    return merged

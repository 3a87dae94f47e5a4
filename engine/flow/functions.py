"""The functions an analyst's expression may always call: pure, total, and bounded before they build anything.

A host adds its own (`now`, `due`, …) at evaluation. Nothing here can be reached except by its name in a call, and no
case data can stand in its place. Every function takes and returns JSON values; what does not fit raises ScriptError.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce
from typing import Any

from engine.flow.comparing import among, placed
from engine.flow.moments import (
    add_days,
    added,
    day_of_week,
    day_of_year,
    days_between,
    divided,
    month_of_year,
    months_between,
    read,
    to_day,
    to_duration,
    to_instant,
    to_time,
    week_of_year,
)
from engine.flow.values import DURATIONS, ITEMS, NUMBERS, SCALARS, TEXT, ScriptError, kind_of, shown, written


def _text(value: Any, function: str) -> str:
    if type(value) is not str:
        raise ScriptError(f"{function}(…) needs text, not {kind_of(value)}.")
    return value


def _items(value: Any, function: str) -> list[Any]:
    if type(value) is not list:
        raise ScriptError(f"{function}(…) needs a list, not {kind_of(value)}.")
    return value


def _numbers(value: Any, function: str) -> list[Any]:
    for item in _items(value, function):
        if type(item) not in NUMBERS:
            raise ScriptError(f"{function}(…) needs numbers, and there is {kind_of(item)} in the list.")
    return value


def _several(values: tuple[Any, ...], function: str) -> list[Any]:
    """What was given one by one, or as a list."""
    return _items(values[0], function) if len(values) == 1 and type(values[0]) is not str else list(values)


def _some(values: tuple[Any, ...], function: str) -> list[Any]:
    items = _several(values, function)
    if not items:
        raise ScriptError(f"{function}(…) of an empty list has no answer.")
    return items


def _comparable(values: tuple[Any, ...], function: str) -> list[Any]:
    """Numbers only, texts only, or durations of one kind only."""
    items = _some(values, function)
    if all(type(item) is str for item in items):
        return items
    return _addable(items, function)


def _addable(items: list[Any], function: str) -> list[Any]:
    """Numbers only, or durations of one kind only."""
    if not any(type(item) in DURATIONS for item in items):
        return _numbers(items, function)
    for item in items:
        if type(item) is not type(items[0]):
            raise ScriptError(f"{function}(…) needs values of one kind, not {kind_of(items[0])} and {kind_of(item)}.")
    return items


def length(value: Any) -> int:
    if type(value) not in (str, list, dict):
        raise ScriptError(f"len(…) counts characters, items or fields, not {kind_of(value)}.")
    return len(value)


def to_text(value: Any) -> str:
    if type(value) in (str, int, float):
        return str(value)
    if type(value) is bool or value is None:
        return {True: "true", False: "false", None: ""}[value]
    if isinstance(value, date):
        return value.isoformat()
    if type(value) in DURATIONS:
        return written(value)
    raise ScriptError(f"str(…) writes text and numbers, not {kind_of(value)}.")


def to_whole(value: Any) -> int:
    if type(value) in NUMBERS or type(value) is str and len(value) <= 40:
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise ScriptError(f"int(…) cannot make a whole number of {shown(value)}.")


def to_number(value: Any) -> float:
    if type(value) in NUMBERS or type(value) is str and len(value) <= 40:
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ScriptError(f"float(…) cannot make a number of {shown(value)}.")


def rounded(value: Any, digits: Any = 0) -> Any:
    if type(value) not in NUMBERS or type(digits) is not int or not -15 <= digits <= 15:
        raise ScriptError("round(…) needs a number, and at most 15 digits.")
    return round(value, digits) if digits else round(value)


def absolute(value: Any) -> Any:
    return abs(_numbers([value], "abs")[0])


def total(*values: Any) -> Any:
    """Of numbers, or of durations of one kind; of nothing: 0."""
    items = _addable(_several(values, "sum"), "sum")
    return reduce(added, items) if items and type(items[0]) in DURATIONS else sum(items)


def mean(*values: Any) -> Any:
    items = _some(values, "mean")
    whole = total(items)
    return divided(whole, len(items)) if type(whole) in DURATIONS else whole / len(items)


def smallest(*values: Any) -> Any:
    return min(_comparable(values, "min"), key=placed)


def largest(*values: Any) -> Any:
    return max(_comparable(values, "max"), key=placed)


def in_order(values: Any) -> list[Any]:
    return sorted(_comparable((values,), "sorted"), key=placed) if values else []


def any_of(values: Any) -> bool:
    return any(_items(values, "any"))


def all_of(values: Any) -> bool:
    return all(_items(values, "all"))


def lower(text: Any) -> str:
    return _text(text, "lower").lower()


def upper(text: Any) -> str:
    return _text(text, "upper").upper()


def trim(text: Any) -> str:
    return _text(text, "trim").strip()


def starts_with(text: Any, start: Any) -> bool:
    return _text(text, "starts_with").startswith(_text(start, "starts_with"))


def ends_with(text: Any, end: Any) -> bool:
    return _text(text, "ends_with").endswith(_text(end, "ends_with"))


def contains(where: Any, what: Any) -> bool:
    """Whether a text has a part, a list an item, a group a field. Nothing at all (null) contains nothing."""
    if where is None:
        return False
    if type(where) is str:
        return _text(what, "contains") in where
    if type(where) not in (list, dict) or type(what) not in SCALARS | DURATIONS:
        raise ScriptError(f"contains(…) looks for a text or number in a text or list, not in {kind_of(where)}.")
    return what in where if type(where) is dict else among(what, where)


def replace(text: Any, old: Any, new: Any) -> str:
    text, old, new = _text(text, "replace"), _text(old, "replace"), _text(new, "replace")
    if not old:
        raise ScriptError("replace(…) needs to know which text to replace.")
    if len(text) + text.count(old) * (len(new) - len(old)) > TEXT:
        raise ScriptError(f"replace(…) would make a text of more than {TEXT:,} characters.")
    return text.replace(old, new)


def split(text: Any, separator: Any) -> list[str]:
    text, separator = _text(text, "split"), _text(separator, "split")
    if not separator:
        raise ScriptError("split(…) needs to know where to split.")
    return text.split(separator)


def join(values: Any, separator: Any = "") -> str:
    pieces = [to_text(value) for value in _items(values, "join")]
    if sum(map(len, pieces)) + len(pieces) * len(_text(separator, "join")) > TEXT + len(separator):
        raise ScriptError(f"join(…) would make a text of more than {TEXT:,} characters.")
    return separator.join(pieces)


def numbers_between(*limits: Any) -> list[int]:
    """`range(stop)`, `range(start, stop)`, `range(start, stop, step)`: a list, `stop` not in it."""
    if not 1 <= len(limits) <= 3 or any(type(limit) is not int for limit in limits) or limits[2:] == (0,):
        raise ScriptError("range(…) needs one to three whole numbers.")
    numbers = range(*limits)
    if numbers[ITEMS:]:
        raise ScriptError(f"range(…) makes at most {ITEMS:,} numbers.")
    return list(numbers)


def _group(value: Any, function: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise ScriptError(f"{function}(…) needs a group of fields, not {kind_of(value)}.")
    return value


def keys(group: Any) -> list[str]:
    return list(_group(group, "keys"))


def values(group: Any) -> list[Any]:
    return list(_group(group, "values").values())


def items(group: Any) -> list[list[Any]]:
    return [[key, value] for key, value in _group(group, "items").items()]


def get(group: Any, key: Any, otherwise: Any = None) -> Any:
    """The field of a group, or something else when it is not there. No group at all (null) has no fields."""
    if group is None:
        return otherwise
    return _group(group, "get").get(_text(key, "get"), otherwise)


PURE: dict[str, Callable[..., Any]] = {
    "len": length, "str": to_text, "int": to_whole, "float": to_number, "round": rounded, "abs": absolute,
    "sum": total, "min": smallest, "max": largest, "sorted": in_order, "any": any_of, "all": all_of,
    "lower": lower, "upper": upper, "trim": trim, "starts_with": starts_with, "ends_with": ends_with,
    "contains": contains, "replace": replace, "split": split, "join": join, "range": numbers_between,
    "keys": keys, "values": values, "items": items, "get": get,
    "date": to_day, "datetime": to_instant, "time": to_time, "duration": to_duration,
    "add_days": add_days, "days_between": days_between, "months_between": months_between,
    "mean": mean, "at": read, "day_of_week": day_of_week, "day_of_year": day_of_year, "week_of_year": week_of_year,
    "month_of_year": month_of_year,
}  # fmt: skip
READING = frozenset({"date", "datetime", "time", "duration", "at"})  # what they are given plainly, the check reads

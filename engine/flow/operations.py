"""What expressions may do with values, bounded: arithmetic, comparison, reading and replacing a part.

Nothing here trusts its operands. Every operation that could grow a value looks at the size *before* it builds the
result, and everything whose cost depends on the data spends steps in proportion. Values are never changed in place:
a script that writes `a["k"] = 1` gets a new `a`, so no value can contain itself and no two names share one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from operator import floordiv, mod, mul, sub, truediv
from typing import Any

from engine.flow.comparing import among, comparable, same
from engine.flow.moments import RECKONED, asks_for_a_duration
from engine.flow.values import (
    DEPTH,
    ITEMS,
    NUMBERS,
    SCALARS,
    TEXT,
    WHOLE,
    Months,
    ScriptError,
    check_key,
    kind_of,
    shown,
)

STEPS = 20_000  # per evaluation; a pass of a loop costs as many steps as its body has nodes
ORDERED = frozenset({int, float, str, date, datetime, time, timedelta, Months})


class Frame:
    """One evaluation under way: where names are found, which functions exist, and how many steps are left."""

    __slots__ = ("scope", "functions", "cells", "left")

    def __init__(self, scope: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], cells: int) -> None:
        self.scope = scope
        self.functions = functions
        self.cells: list[Any] = [None] * cells
        self.left = STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise ScriptError(f"This takes more than {STEPS:,} steps: loop over fewer things.")

    def spend_on(self, value: Any) -> None:
        """Pay for going through a value once: dear for lists, cheap for text, free for what is small."""
        kind = type(value)
        if kind is str:
            self.left -= len(value) >> 6
        elif kind is list or kind is dict:
            self.left -= len(value) >> 3
        if self.left < 0:
            self.spend(0)


def bounded(value: Any) -> Any:
    """The value, if it is not too large at its own level.

    Raises:
        ScriptError: a number, text, list or dictionary beyond the limits above.
    """
    kind = type(value)
    if kind is int:
        if not -WHOLE < value < WHOLE:
            raise ScriptError("The result is too large a number.")
    elif kind is str:
        if len(value) > TEXT:
            raise ScriptError(f"The result would be a text of more than {TEXT:,} characters.")
    elif kind is float:
        if not math.isfinite(value):
            raise ScriptError("The result is not a finite number.")
    elif (kind is list or kind is dict) and len(value) > ITEMS:
        raise ScriptError(f"The result would have more than {ITEMS:,} items.")
    return value


def plus(frame: Frame, left: Any, right: Any) -> Any:
    """`+`: adds numbers, joins texts, joins lists; moves a date or moment by a duration."""
    kind = type(left)
    if kind in NUMBERS and type(right) in NUMBERS:
        return bounded(left + right)
    if kind is type(right) and (kind is str or kind is list):
        if len(left) + len(right) > (TEXT if kind is str else ITEMS):
            raise ScriptError(f"Joining these would make {kind_of(left)} that is too long.")
        result = left + right
        frame.spend_on(result)
        return result
    if (moved := RECKONED["+"](left, right)) is not None:
        return moved
    hint = asks_for_a_duration(left, right)
    if not hint and str in (kind, type(right)):
        hint = " Write str(…) around what is not text."
    raise ScriptError(f"Cannot add {kind_of(left)} and {kind_of(right)}.{hint}")


def calculates(symbol: str, operation: Callable[[Any, Any], Any]) -> Callable[[Frame, Any, Any], Any]:
    """An operation on two numbers or with a duration, refusing everything else (so `"a" * 10` does not exist)."""

    def calculate(frame: Frame, left: Any, right: Any) -> Any:
        numbers = type(left) in NUMBERS and type(right) in NUMBERS
        try:
            found = operation(left, right) if numbers else RECKONED[symbol](left, right) if symbol in RECKONED else None
            if found is not None:
                return bounded(found)
        except ZeroDivisionError:
            raise ScriptError(f"'{symbol}' divides by zero.") from None
        except OverflowError:
            raise ScriptError("The result is too large a number.") from None
        raise ScriptError(f"'{symbol}' needs two numbers, not {kind_of(left)} and {kind_of(right)}."
                          f"{asks_for_a_duration(left, right)}")  # fmt: skip

    return calculate


ARITHMETIC: dict[str, Callable[[Frame, Any, Any], Any]] = {
    "+": plus,
    "-": calculates("-", sub),
    "*": calculates("*", mul),
    "/": calculates("/", truediv),
    "//": calculates("//", floordiv),
    "%": calculates("%", mod),
}


def equal(frame: Frame, left: Any, right: Any, depth: int = 0) -> bool:
    """`==`, paid for by size: two values that look small can be large when the same part is in them many times."""
    kind = type(left)
    if kind is not type(right) or kind not in (list, dict):
        return same(left, right)
    if depth > DEPTH:
        raise ScriptError(f"Lists are nested more than {DEPTH} deep.")
    frame.spend(1 + len(left))
    if len(left) != len(right):
        return False
    if kind is list:
        return all(equal(frame, a, b, depth + 1) for a, b in zip(left, right, strict=True))
    return all(key in right and equal(frame, value, right[key], depth + 1) for key, value in left.items())


def ordered(symbol: str, operation: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """`<` and its kin: between numbers, between texts (`comparing` says what of dates, times and moments), between
    durations of one kind."""
    first, second = comparable(left, right)
    kind, other = type(first), type(second)
    if (kind is other and kind in ORDERED) or (kind in NUMBERS and other in NUMBERS):
        try:
            return operation(first, second)
        except TypeError:
            pass  # an aware and a naive datetime
    raise ScriptError(f"'{symbol}' cannot compare {kind_of(left)} with {kind_of(right)}.")


def member(frame: Frame, needle: Any, haystack: Any) -> bool:
    """`in`: a part of a text, an item of a list, a key of a dictionary."""
    kind = type(haystack)
    if kind is str:
        if type(needle) is not str:
            raise ScriptError(f"'in' looks for text in a text, not for {kind_of(needle)}.")
        frame.spend(len(haystack) >> 8)
        return needle in haystack
    if kind is dict:
        return type(needle) is str and needle in haystack
    if kind is not list:
        raise ScriptError(f"'in' looks in a text, a list or a group of fields, not in {kind_of(haystack)}.")
    frame.spend(len(haystack) >> 3)
    if type(needle) in SCALARS:
        return among(needle, haystack)
    return any(equal(frame, needle, item) for item in haystack)


def item_of(container: Any, key: Any) -> Any:
    """`a[key]` and `a.key`: a field of a dictionary, or the item of a list or text at a position."""
    kind = type(container)
    if kind is dict:
        if type(key) is str and key in container:
            return container[key]
        raise ScriptError(f"There is no field {shown(key)} here.")
    if kind is not list and kind is not str:
        raise ScriptError(f"Cannot read {shown(key)} from what is {kind_of(container)}.")
    if type(key) is not int:
        raise ScriptError(f"{kind_of(container).capitalize()} is read by position (0, 1, …), not by {shown(key)}.")
    if not -len(container) <= key < len(container):
        raise ScriptError(f"There is no item {key}: there are only {len(container)}.")
    return container[key]


def with_item(frame: Frame, container: Any, keys: list[Any], value: Any) -> Any:
    """A copy of a dictionary or list in which the place that `keys` lead to holds `value`."""
    if not keys:
        return value
    key, *rest = keys
    frame.spend(1)
    frame.spend_on(container)
    if type(container) is dict:
        key = check_key(key, "The group")
        changed: Any = dict(container)
    elif type(container) is list:
        item_of(container, key)
        changed = list(container)
    else:
        raise ScriptError(f"Cannot set {shown(key)} in what is {kind_of(container)}.")
    changed[key] = with_item(frame, item_of(container, key), rest, value) if rest else value
    return bounded(changed)

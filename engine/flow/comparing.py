"""When two values are the same, and which of them comes first.

Case data are JSON: a date, a time of day and a moment are texts, and one moment can be written in many ways. Texts that
say such a thing are compared by what they say, as FEEL compares its values of these types (DMN 1.3, 10.3.2):

    moment, moment   by when they are, whatever their offset; without one, Vietnam's is meant
    time, time       by the clock: "15:30" is "15:30:00"
    date, moment     by the day on which the moment is in Vietnam; no moment of 3 September is before or after that day
    duration, text   by how long they are: a duration that is kept is a text

Any two other texts are compared letter by letter; dates sort right like that. Why a date and a moment are not simply
refused, as in FEEL: `docs/decisions/0022-a-date-and-a-moment-compare-by-the-day.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from typing import Any

from engine.flow.moments import says_duration, to_duration, when
from engine.flow.values import DURATIONS


def same(left: Any, right: Any) -> bool:
    """Of two values at least one of which is neither a list nor a group of fields."""
    if left == right:
        return True
    if type(left) is not str and type(right) is not str:
        return False
    first, second = comparable(left, right)
    return type(first) is not str and bool(first == second)


def comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """What is compared for these two: moments, times, dates or durations if that is what they say, else they
    themselves."""
    if type(left) is str and type(right) is str:
        return _points(left, right) if may_say_when(left) and may_say_when(right) else (left, right)
    if type(left) in DURATIONS and says_duration(right):
        return left, to_duration(right)
    if type(right) in DURATIONS and says_duration(left):
        return to_duration(left), right
    return left, right


def may_say_when(text: str) -> bool:
    """Whether it looks like a date, moment or time: nearly all texts do not, and need not be read to know.

    "13:00-17:00" is the afternoon, and no time seventeen hours behind.
    """
    return text[4:5] == "-" or text[2:3] == ":" and text[5:6] != "-"


def _points(left: str, right: str) -> tuple[Any, Any]:
    first, second = when(left), when(right)
    if first is None or second is None or isinstance(first, time) is not isinstance(second, time):
        return left, right
    if type(first) is not type(second):
        first, second = (one.date() if isinstance(one, datetime) else one for one in (first, second))
    return first, second


def among(value: Any, items: Iterable[Any]) -> bool:
    """Whether it is the same as one of these."""
    if value in items:
        return True
    if type(value) is str and not may_say_when(value) and not says_duration(value):
        return False
    return any(same(value, item) for item in items)


def placed(value: Any) -> Any:
    """By what a value is put in order with others of its kind: a moment by when it is, on Vietnam's clock."""
    found = when(value) if type(value) is str and may_say_when(value) else None
    return value if found is None else found.isoformat()

"""What case data may be: JSON values, bounded in size, with nothing in them that could be taken for something else.

Also how the engine speaks of a value in a sentence, and the error that every expression, script and cell raises.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import NoneType
from typing import Any

TEXT = 65_536  # characters
ITEMS = 10_000  # in a list or dictionary, and in everything inside it together
DEPTH = 20  # lists and dictionaries inside each other
WHOLE = 2**63  # integers stay below, in either direction
ALL_TEXT = 4 * TEXT  # characters of all texts of one value together

SCALARS = frozenset({str, int, float, bool, NoneType})
NUMBERS = frozenset({int, float, bool})


@dataclass(frozen=True, order=True, slots=True)
class Months:
    """A duration of years and months."""

    count: int


DURATIONS = frozenset({timedelta, Months})  # what an expression reckons with, and no data keep

_KINDS: dict[type, str] = {
    str: "text",
    bool: "true/false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a group of fields",
    NoneType: "empty (null)",
    timedelta: "a duration of days and time",
    Months: "a duration of years and months",
}


class ScriptError(Exception):
    """An expression or script cannot be read, or cannot be carried out with these data.

    Attributes:
        reason: one sentence in an analyst's words.
        line, column: where in the source, counted from 1; ``None`` when unknown.
    """

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = [f"{word} {n}" for word, n in (("line", self.line), ("column", self.column)) if n is not None]
        return f"{', '.join(place).capitalize()}: {self.reason}" if place else self.reason


def kind_of(value: Any) -> str:
    """What a value is, for a sentence; never its content, which may be large or personal."""
    return _KINDS.get(type(value)) or f"a {type(value).__name__}"


def shown(value: Any) -> str:
    """A value as an analyst would write it, cut short; lists and groups only as a word."""
    if type(value) is str:
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}…"'
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) in DURATIONS:
        return written(value)
    return str(value) if type(value) in (int, float) and abs(value) < 1e300 else kind_of(value)


def written(duration: timedelta | Months) -> str:
    """A duration as an ISO text, which is how it is kept: ``P1DT2H30M``, ``-P1Y6M``; of nothing: ``PT0S``, ``P0M``."""
    if isinstance(duration, Months):
        years, months = divmod(abs(duration.count), 12)
        parts = f"{years}Y" * bool(years) + f"{months}M" * (bool(months) or not years)
        return f"{'-' * (duration.count < 0)}P{parts}"
    length = abs(duration)
    hours, seconds = divmod(length.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    second = f"{seconds}.{length.microseconds:06}".rstrip("0").rstrip(".") if length.microseconds else str(seconds)
    time = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{second}S" * (second != "0")
    days = f"{length.days}D" * bool(length.days)
    return f"{'-' * (duration < timedelta())}P{days}{f'T{time}' if time else '' if days else 'T0S'}"


def check_key(key: Any, where: str) -> str:
    """The key of a dictionary in NFC.

    Raises:
        ScriptError: it is not a short text, or it is one that a stored state or a scope could take for its own.
    """
    if type(key) is not str or len(key) > 200:
        raise ScriptError(f"The names of fields in {where} must be texts of at most 200 characters.")
    if key == "typename" or key.startswith("__"):
        raise ScriptError(f"{where} may not have a field named {shown(key)}: the name is reserved.")
    return clean_text(key, where)


def clean_text(text: str, where: str) -> str:
    """The text in NFC. Raises ScriptError for one too long, or with characters that no database or letter takes."""
    if len(text) > TEXT:
        raise ScriptError(f"{where} has a text of more than {TEXT:,} characters.")
    if text.isascii():
        clean = text
    else:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ScriptError(f"{where} has a text with half a character (a surrogate) in it.") from None
        clean = unicodedata.normalize("NFC", text)
    if "\0" in clean:
        raise ScriptError(f"{where} has a text with a NUL character in it.")
    return clean


def check_value(value: Any, where: str) -> Any:
    """A copy of the value, fit to become case data: JSON types only, text in NFC, bounded in size and depth.

    Args:
        where: what the value is, for the sentence of the error: ``"'dia_diem'"``, ``"the answer of the service"``.

    Raises:
        ScriptError: another type, NaN, too many items, too deep, too much text, a reserved key, a NUL character.
    """
    place = where[:1].upper() + where[1:]
    return _Border(place).let_in(value, 0)


class _Border:
    """Counts what has come in with one value."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.items = ITEMS
        self.characters = ALL_TEXT

    def let_in(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind in (int, float):
            if kind is int and not -WHOLE < value < WHOLE or kind is float and not math.isfinite(value):
                raise ScriptError(f"{self.where} has a number that is too large, or none at all.")
            return value
        if kind is bool or value is None:
            return value
        if kind in DURATIONS:
            return written(value)
        if depth >= DEPTH:
            raise ScriptError(f"{self.where} is nested more than {DEPTH} deep.")
        if isinstance(value, list | tuple):
            self._count(len(value))
            return [self.let_in(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return self._group(value, depth)
        raise ScriptError(f"{self.where} may hold text, numbers, true/false, lists and groups, not {kind_of(value)}.")

    def _group(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        self._count(len(value))
        group = {self._text(check_key(key, self.where)): self.let_in(item, depth + 1) for key, item in value.items()}
        if len(group) != len(value):
            raise ScriptError(f"{self.where} has the same field twice, written with different Unicode characters.")
        return group

    def _count(self, items: int) -> None:
        self.items -= items
        if self.items < 0:
            raise ScriptError(f"{self.where} has more than {ITEMS:,} items.")

    def _text(self, text: str) -> str:
        self.characters -= len(text)
        if self.characters < 0:
            raise ScriptError(f"{self.where} has more than {ALL_TEXT:,} characters of text.")
        return clean_text(text, self.where)

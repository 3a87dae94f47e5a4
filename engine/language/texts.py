"""The texts that people are sent: a province's words with the case's values put in.

A text is data of a province (``[texts.T01]``). What is put in is bounded and on one line, so that no value can make a
message endless or forge a header; a value that is missing is the analyst's fault, never an empty place in a sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from typing import Any, NamedTuple

from engine.errors import ProcessFault
from engine.language import sms
from engine.language.vietnamese import nfc, plain
from engine.terms.calendar import ZONE
from engine.terms.term import length_in_words

__all__ = ["Rendered", "Text", "length_in_words", "local_time", "time_left"]

CHANNELS = ("sms", "email", "zalo", "facebook", "viber")
LONGEST_TEXT = 1000  # characters, as the province writes it
LONGEST_VALUE = 300  # characters of one value; the rest is cut and marked with …
_KEYS = ("name", "sms", "plain", "channels", "only_for_outcomes")
_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_PIECE = re.compile(rf"\{{\{{|\}}\}}|\{{({_NAME})\}}|[{{}}]")
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


class Rendered(NamedTuple):
    """A text ready to be sent, and what it costs as SMS."""

    text: str
    segments: int
    encoding: str


@dataclass(frozen=True)
class Text:
    """One ``[texts.<key>]``. Its ``name`` in the table says to whom it goes and why; only pages for people read it.

    Attributes:
        sms: the words, with placeholders such as {ma} and {dia_diem.huyen}; {{ and }} stand for braces.
        plain: whether it is sent without marks, which more than halves what it costs.
        channels: how it is sent; ``None``: by SMS, and by e-mail or a messenger to who came that way.
        only_for_outcomes: the outcomes of which it is true; ``None``: it may always be sent.
    """

    key: str
    sms: str
    plain: bool = False
    channels: tuple[str, ...] | None = None
    only_for_outcomes: frozenset[str] | None = None

    @classmethod
    def parse(cls, key: str, table: Mapping[str, Any]) -> Text:
        """Read one table.

        Raises:
            ValueError: a sentence that names the text and what to change.
        """
        try:
            return cls._read(key, table)
        except ValueError as error:
            raise ValueError(f"The text {key!r}: {error}") from None

    @classmethod
    def _read(cls, key: str, table: Mapping[str, Any]) -> Text:
        if not isinstance(table, Mapping):
            raise ValueError('it must be a table with sms = "…".')
        for name in table:
            if name not in _KEYS:
                meant = "".join(f" Did you mean {near!r}?" for near in get_close_matches(name, _KEYS, 1))
                raise ValueError(f"there is no such key as {name!r}.{meant}")
        words, without_marks = table.get("sms"), table.get("plain", False)
        if not isinstance(words, str) or not words.strip():
            raise ValueError('it needs words: sms = "…".')
        if len(words) > LONGEST_TEXT:
            raise ValueError(f"it has {len(words)} characters; {LONGEST_TEXT} are the most.")
        for piece in _PIECE.finditer(words):
            if piece[0] in ("{", "}"):
                around = words[max(0, piece.start() - 10) : piece.end() + 10]
                raise ValueError(f"the brace in {around!r} belongs to no placeholder such as {{ma}}; {{{{ is a brace.")
        if not isinstance(table.get("name", ""), str):
            raise ValueError("its name, which says to whom it goes and why, is written in quotes.")
        if not isinstance(without_marks, bool):
            raise ValueError(f"plain must be true or false, not {without_marks!r}.")
        channels, outcomes = _names(table, "channels"), _names(table, "only_for_outcomes")
        if unknown := [channel for channel in channels or () if channel not in CHANNELS]:
            raise ValueError(f"there is no channel {unknown[0]!r}; there are {', '.join(CHANNELS)}.")
        return cls(key, nfc(words), without_marks, channels, None if outcomes is None else frozenset(outcomes))

    @cached_property
    def placeholders(self) -> frozenset[str]:
        return frozenset(piece[1] for piece in _PIECE.finditer(self.sms) if piece[1])

    def may_be_sent(self, outcome: str | None) -> bool:
        """Whether it would be true for a case with this outcome (``None``: none yet)."""
        return self.only_for_outcomes is None or outcome in self.only_for_outcomes

    def goes_by(self, came_by: str) -> tuple[str, ...]:
        """The channels it is sent by, to a person whose report came by ``came_by``."""
        if self.channels is not None:
            return self.channels
        return ("sms", came_by) if came_by in CHANNELS else ("sms",)

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Put the values in. Moments become local times, lengths of time become words.

        Raises:
            ProcessFault: a placeholder has no value, or one that cannot be said in a sentence.
        """
        text = nfc(_PIECE.sub(lambda piece: self._piece(piece, values), self.sms))
        text = plain(text) if self.plain else text
        size = sms.measure(text)
        return Rendered(text, size.segments, size.encoding)

    def _piece(self, piece: re.Match[str], values: Mapping[str, Any]) -> str:
        if piece[1] is None:
            return piece[0][0]
        value: Any = values
        for name in piece[1].split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        words = _words(value)
        if words is None or not words.strip():
            raise ProcessFault(
                f"The text {self.key!r} needs a value for {{{piece[1]}}}, "
                "and the case has none that fits in a sentence."
            )
        ends_the_sentence = piece.string[piece.end() : piece.end() + 1] == "."
        return words.rstrip(" .") or words if ends_the_sentence else words


def local_time(at: datetime) -> str:
    """"15:30 03/09/2021": Vietnam's clocks, whatever zone ``at`` is in."""
    if at.tzinfo is None:
        raise TypeError(f"{at.isoformat()} has no time zone: nobody can say which moment it is.")
    return f"{at.astimezone(ZONE):%H:%M %d/%m/%Y}"


def time_left(left: timedelta) -> str:
    """"còn 2 giờ 5 phút"; at the due moment "vừa quá hạn", then "quá hạn 5 phút". Whole minutes, rounded down."""
    if -timedelta(minutes=1) < left <= timedelta():
        return "vừa quá hạn"
    return f"{'quá hạn' if left < timedelta() else 'còn'} {length_in_words(left)}"


def _words(value: Any) -> str | None:
    """A value as it is said in a sentence; ``None`` if it cannot be."""
    match value:
        case bool():
            return "có" if value else "không"
        case str():
            words = _CONTROL.sub(" ", nfc(value)).strip()
            return words if len(words) <= LONGEST_VALUE else f"{words[: LONGEST_VALUE - 1].rstrip()}…"
        case int() if abs(value) < 10**18:
            return str(value)
        case float() if math.isfinite(value):
            return f"{value:.6g}".replace(".", ",")
        case datetime():
            return local_time(value)
        case date():
            return f"{value:%d/%m/%Y}"
        case timedelta():
            return length_in_words(value)
        case list() | tuple() if value and all(isinstance(item, str) for item in value):
            return _words(", ".join(value))
    return None


def _names(table: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    names = table.get(key)
    if names is None:
        return None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} must be a list of names with at least one, not {names!r}.")
    return tuple(names)

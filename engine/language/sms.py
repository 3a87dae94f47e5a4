"""How many messages a text costs, and where it is cut.

A text of the GSM 7-bit alphabet (3GPP TS 23.038) has 160 units in one message and 153 in each of several; its extension
table takes two units a character. Any other letter, and so nearly every Vietnamese text with marks, makes the whole
text UCS-2: 70 units, 67 in each of several; a character beyond U+FFFF takes two. A character is never cut in half.
"""

from __future__ import annotations

from typing import NamedTuple

GSM7, UCS2 = "gsm7", "ucs2"
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = _BASIC | _EXTENSION
_ROOM = {GSM7: (160, 153), UCS2: (70, 67)}  # alone, one of several


class Size(NamedTuple):
    """What a text takes: its encoding, its units in that encoding, and how many messages."""

    encoding: str
    units: int
    segments: int


def encoding(text: str) -> str:
    return GSM7 if _GSM7.issuperset(text) else UCS2


def measure(text: str) -> Size:
    """What sending this text costs. Nothing takes no message."""
    code = encoding(text)
    return Size(code, len(text) + _wide(text, code), len(_cut(text, code)))


def segments(text: str) -> list[str]:
    """The text as it is cut into messages."""
    return _cut(text, encoding(text))


def _cut(text: str, code: str) -> list[str]:
    alone, several = _ROOM[code]
    wide = _wide(text, code)
    if len(text) + wide <= alone:
        return [text] if text else []
    if not wide:
        return [text[start : start + several] for start in range(0, len(text), several)]
    parts, start, room = [], 0, several
    for index, character in enumerate(text):
        units = 1 + _wide(character, code)
        if units > room:
            parts.append(text[start:index])
            start, room = index, several
        room -= units
    return [*parts, text[start:]]


def _wide(text: str, code: str) -> int:
    """How many characters take two units."""
    if code == GSM7:
        return sum(map(text.count, _EXTENSION))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 - len(text)

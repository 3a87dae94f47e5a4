"""Vietnamese letters: one spelling for storing, one without marks for searching, one without marks for sending.

A mark can be written as part of its letter or after it, and over either vowel of "oa" (Biên Hòa, Biên Hoà). Stored text
is NFC, so the first difference is gone at the door; `fold` makes the second one, and marks as a whole, not matter.
"""

from __future__ import annotations

import re
import unicodedata

_OURS = {"Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Ɖ": "D", "ɖ": "d"}  # the last four look like Đ, and are typed for it
_TYPOGRAPHY = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "′": "'", "″": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "•": "-", "·": "-", "…": "...", "×": "x", "₫": "d",
    "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "", "№": "No",
}  # fmt: skip


def _base(letter: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))


_LETTERS = [chr(code) for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))]
_WITHOUT_MARKS = (
    {letter: _base(letter) for letter in _LETTERS if _base(letter) != letter}
    | {chr(code): "" for code in range(0x300, 0x370)}
    | _OURS
)
_FOR_SENDING = _WITHOUT_MARKS | _TYPOGRAPHY
_WORD = re.compile(r"[a-z0-9]+")


def nfc(text: str) -> str:
    """The one way text is stored: every letter with its marks is a single character."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """For searching: no marks, no capitals, đ is d, one space between words. "Biên  Hoà" and "BIÊN HÒA" agree."""
    return " ".join(_written(nfc(text), _WITHOUT_MARKS).casefold().split())


def words(text: str) -> list[str]:
    """As they are searched: folded, one after the other, without what stands between them."""
    return _WORD.findall(fold(text))


def plain(text: str) -> str:
    """*Không dấu*, for SMS: no marks and plain punctuation, everything else as it is. "Đồng Nai…" is "Dong Nai..."."""
    return _written(nfc(text), _FOR_SENDING)


def _written(text: str, otherwise: dict[str, str]) -> str:
    """With other letters for these. `str.translate` looks up every letter of a text; a text has few different ones."""
    for letter in {*text} & otherwise.keys():
        text = text.replace(letter, otherwise[letter])
    return text

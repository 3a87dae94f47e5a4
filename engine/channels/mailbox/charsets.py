"""Bytes of a letter as text, whatever its program claims: charsets are wrong or missing more often than not."""

from __future__ import annotations

import binascii
import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header

from engine.language.vietnamese import nfc

_LIKELY = ("utf-8", "cp1258")  # the second: Windows for Vietnamese, whose marks follow their letters until `nfc`
_CHARSET = re.compile(  # of the codecs that Python has, those that are one
    r"ascii|utf[-_]?(?:8|16|32).*|cp\d+|iso8859.*|iso2022.*|koi8.*|gb.*|big5.*|euc.*|shift_jis.*|mac.*|tis.*|hz|johab"
)
_BESIDE_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def text(content: bytes, claimed: str | None = None) -> str:
    """The text, composed and without control characters; what cannot be read shows as �."""
    for charset in (claimed, *_LIKELY):
        if (decoded := _decoded(content, charset)) is not None:
            return clean(decoded)
    return clean(content.decode("utf-8", "replace"))


def clean(decoded: str) -> str:
    return _BESIDE_TEXT.sub("", nfc(decoded.replace("\r\n", "\n").replace("\r", "\n")))


def header(raw: str) -> str:
    """A header's words on one line. ``raw``: as the parser keeps it, with bytes it could not read as surrogates."""
    line = " ".join(text(raw.encode("utf-8", "surrogateescape")).split())
    try:
        pieces = decode_header(line)
    except (HeaderParseError, binascii.Error, ValueError):
        return line
    words = [text(piece, charset) if isinstance(piece, bytes) else piece for piece, charset in _joined(pieces)]
    return " ".join("".join(words).split())


def _joined(pieces: list[tuple[bytes | str, str | None]]) -> list[tuple[bytes | str, str | None]]:
    """Pieces of one charset as one: some programs cut a word in the middle of a letter."""
    whole: list[tuple[bytes | str, str | None]] = []
    for piece, charset in pieces:
        if whole and isinstance(piece, bytes) and charset and whole[-1][1] == charset:
            before = whole.pop()[0]
            assert isinstance(before, bytes)
            piece = before + piece
        whole.append((piece, charset))
    return whole


def _decoded(content: bytes, charset: str | None) -> str | None:
    try:
        name = codecs.lookup(charset or "ascii").name
        if name == "iso8859-1":  # claimed by default, and wrong whenever it matters
            name = "ascii"
        return content.decode(name) if _CHARSET.fullmatch(name) else None
    except (LookupError, ValueError):
        return None

"""The GSM 7-bit alphabet (3GPP TS 23.038) as octets, one septet in each, as SMPP's data coding 0 is mostly read."""

from __future__ import annotations

_ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
_OCTETS = {character: bytes((code,)) for code, character in enumerate(_BASIC) if code != _ESCAPE}
_OCTETS |= {character: bytes((_ESCAPE, code)) for character, code in _EXTENSION.items()}


def encode(text: str) -> bytes:
    """Raises KeyError for a character that `engine.language.sms` does not count as GSM 7-bit."""
    return b"".join(map(_OCTETS.__getitem__, text))

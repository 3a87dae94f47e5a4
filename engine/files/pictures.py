"""What a photo says beside what is to be seen: where it was taken, with whose device, when, by whom.

Cameras and telephones write it into the file (Exif, XMP, IPTC, comments). `bare` leaves it out, and every pixel as it
is: of JPEG, PNG and WebP only the parts are kept that are needed to show the picture, and of JPEG which way up it is.
What does not read like such a file ends where it stops doing so; nothing behind a picture's end is kept.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_JPEG_KEPT = {0xE0, 0xEE}  # JFIF; Adobe's, without which colours are wrong. Else APP1 to APP15 and comments go
_SCAN = 0xDA
_PART = re.compile(rb"\xff+([^\x00\xd9\xff])([^\0].|\0[^\0\1])", re.DOTALL)  # until the end; it has two bytes at least
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # neither a byte of the picture nor a place to begin again
_PARTS_MAX = 2_000  # a photo has some twenty
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs",
             b"acTL", b"fcTL", b"fdAT"}  # fmt: skip
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
_ORIENTATION = 0x0112


def bare(picture: bytes, media_type: str) -> bytes:
    """The picture without what it says beside itself; files of other kinds as they are."""
    return KINDS.get(media_type, bytes)(picture)


def _jpeg(picture: bytes) -> bytes:
    kept, turned, at = [], b"", 2
    for _ in range(_PARTS_MAX):
        found = _PART.match(picture, at)
        if not found:
            break
        marker, end = found[1][0], found.end() - 2 + int.from_bytes(found[2], "big")
        if marker == _SCAN:  # what follows its head is the picture itself, or one of several passes over it
            following = _MARKER.search(picture, end)
            end = following.start() if following else len(picture)
        part = picture[found.start() : end]
        if marker in _JPEG_KEPT or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(part)
        elif not turned and (exif := part.find(b"Exif\0\0", 0, 32)) >= 0:
            turned = _turned(part[exif + 6 :])
        at = end
    return picture[:2] + turned + b"".join(kept) + b"\xff\xd9"


def _turned(exif: bytes) -> bytes:
    """An Exif part that says nothing but which way up; nothing if this one does not say it."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 10:
        return b""
    first = struct.unpack_from(order + "I", exif, 4)[0]
    many = struct.unpack_from(order + "H", exif, first)[0] if first + 2 <= len(exif) else 0
    for at in range(first + 2, min(first + 2 + 12 * many, len(exif) - 11), 12):
        tag, _, _, way = struct.unpack_from(order + "HHIH", exif, at)
        if tag == _ORIENTATION and 1 <= way <= 8:
            said = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, way, 0, 0)
            return b"\xff\xe1" + struct.pack(">H", len(said) + 2) + said
    return b""


def _png(picture: bytes) -> bytes:
    kept, at = [picture[:8]], 8
    while at + 12 <= len(picture):
        kind, end = picture[at + 4 : at + 8], at + 12 + int.from_bytes(picture[at : at + 4], "big")
        if kind in _PNG_KEPT:
            kept.append(picture[at:end])
        if kind == b"IEND":
            break
        at = end
    return b"".join(kept)


def _webp(picture: bytes) -> bytes:
    kept, at = [], 12
    while at + 8 <= len(picture):
        kind, size = picture[at : at + 4], int.from_bytes(picture[at + 4 : at + 8], "little")
        part = picture[at : at + 8 + size + size % 2]
        if kind == b"VP8X" and len(part) > 8:  # no Exif, XMP, or colour profile follows
            part = part[:8] + bytes([part[8] & ~0x2C]) + part[9:]
        if kind in _WEBP_KEPT:
            kept.append(part)
        at += 8 + size + size % 2
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


KINDS: dict[str, Callable[[bytes], bytes]] = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}

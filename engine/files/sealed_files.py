"""Files at rest: sealed in blocks, so that none is ever in memory as a whole and any part of one can be read.

    head      "thongsuot~", the id of the key, a line's end, 16 random bytes
    blocks    64 KiB each, AES-256-GCM under a key of this file alone, which follows from the ring's and the random
              bytes; a block's nonce says its place and whether it is the last
    the last  is bound to the file's name, too: the SHA-256 of what is in it

Whoever opens one reads the last block first: a file that was cut, lengthened or put in another's place does not open,
and one that was changed breaks off at the block that was. What does not begin like a sealed file is of before there
were sealed ones, and is read as it is.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from os import urandom
from pathlib import Path
from typing import IO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.storage.sealing import Key, Unreadable, ring

BLOCK = 1 << 16  # bytes
_MAGIC = b"thongsuot~"
_ID, _SALT, _TAG = 8, 16, 16
_HEAD = len(_MAGIC) + _ID + 1 + _SALT
_SEALED = BLOCK + _TAG


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def seal(source: Source, out: IO[bytes], largest: int) -> tuple[str, int]:
    """Write what can be read, sealed with the newest key; returns its SHA-256 and how many bytes it was.

    Raises:
        ValueError: more than ``largest`` bytes.
    """
    key, salt = ring().newest, urandom(_SALT)
    box, digest, size = _box(key, salt), hashlib.sha256(), 0
    out.write(_MAGIC + key.id.encode() + b"\n" + salt)
    block, number = _filled(source), 0
    while True:
        size += len(block)
        if size > largest:
            raise ValueError("too large")
        digest.update(block)
        following = _filled(source)
        name = b"" if following else digest.hexdigest().encode()
        out.write(box.encrypt(_nonce(number, last=not following), block, name))
        if not following:
            return digest.hexdigest(), size
        block, number = following, number + 1


def key_of(path: Path) -> str | None:
    """The id of the key that a file was sealed with; ``None``: it never was."""
    with path.open("rb") as file:
        return _key_id(file.read(_HEAD))


def unseal(path: Path, name: str) -> io.BufferedReader:
    """A file to be read and sought in; ``name``: the SHA-256 of what is in it.

    Raises:
        FileNotFoundError
        Unreadable: its key is not here, or it is not the file that was sealed.
    """
    file = path.open("rb")
    try:
        head = file.read(_HEAD)
        key_id = _key_id(head)
        if key_id is None:
            file.seek(0)
            return file
        box = _box(ring().key(key_id), head[-_SALT:])
        return io.BufferedReader(_Opened(file, box, name.encode()), BLOCK)
    except BaseException:
        file.close()
        raise


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """What is left to read, piece by piece."""
    while block := file.read(BLOCK):
        yield block


def _key_id(head: bytes) -> str | None:
    if len(head) < _HEAD or not head.startswith(_MAGIC):
        return None
    return head[len(_MAGIC) : len(_MAGIC) + _ID].decode("ascii", "replace")


def _box(key: Key, salt: bytes) -> AESGCM:
    return AESGCM(key.of_file(salt))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _filled(source: Source) -> bytes:
    """A whole block, unless the source ends: sources may give less than they are asked for."""
    block = source.read(BLOCK)
    while 0 < len(block) < BLOCK and (more := source.read(BLOCK - len(block))):
        block += more
    return block


class _Opened(io.RawIOBase):
    """A sealed file as what is in it; one block at a time is open."""

    def __init__(self, file: IO[bytes], box: AESGCM, name: bytes) -> None:
        self._file, self._box, self._name = file, box, name
        body = os.fstat(file.fileno()).st_size - _HEAD
        self._last = max(-(-body // _SEALED) - 1, 0)
        self.size = body - (self._last + 1) * _TAG
        self._at, self._number, self._block = 0, -1, b""
        self._open(self._last)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if at < 0:
            raise OSError(f"there is nothing before the beginning: {at}")
        self._at = at
        return at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self.size:
            return 0
        number, start = divmod(self._at, BLOCK)
        self._open(number)
        piece = self._block[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _open(self, number: int) -> None:
        if number == self._number:
            return
        self._file.seek(_HEAD + number * _SEALED)
        sealed, last = self._file.read(_SEALED), number == self._last
        try:
            self._block = self._box.decrypt(_nonce(number, last=last), sealed, self._name if last else b"")
        except (InvalidTag, ValueError) as error:
            name = self._name.decode()
            raise Unreadable(f"The file {name[:12]}… cannot be opened: it was changed, or is another.") from error
        self._number = number

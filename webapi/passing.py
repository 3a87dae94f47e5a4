"""What is larger than half a megabyte while it comes in or goes out: too large for memory, and not where things lie
sealed. The server and the parser of forms lay it into files of this kind.

Such a file has no name, so that nothing of it is left when the process ends or is killed; and it is encrypted with a
key that is in memory only and goes with it, so that nobody finds anything on the disk afterwards, nor in a copy of it.
That it is what was written is not proved: nobody else can reach it.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from waitress.buffers import TempfileBasedBuffer

IN_MEMORY = 500_000  # bytes of one part of a form
_BLOCK = 16  # bytes of AES


def lay_here(values: Mapping[str, Any]) -> None:
    """Have the server lay what is large into such files; in a folder of ours, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ:
        folder = Path(values["INSTANCE"]) / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        tempfile.tempdir = str(folder)
    TempfileBasedBuffer.newfile = lambda _: opened()  # type: ignore[method-assign]


def opened() -> IO[bytes]:
    """A new file, to be written at its end and read anywhere."""
    return cast(IO[bytes], io.BufferedRandom(_Passing()))


def for_part(total: int | None) -> IO[bytes]:
    """Where a file goes that is part of a form of so many bytes; ``None``: nobody knows."""
    return io.BytesIO() if total is not None and total <= IN_MEMORY else opened()


class _Passing(io.RawIOBase):
    """AES-256 in counter mode: no two bytes have the same place, as nothing is written over."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)
        self._key, self._at, self._size = AES(os.urandom(32)), 0, 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError(f"there is nothing before the beginning: {at}")
        self._at = at
        return at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stream = self._stream()
        self._file.seek(self._at)
        many = self._file.readinto(buffer) or 0
        buffer[:many] = stream.update(bytes(buffer[:many]))
        self._at += many
        return many

    def write(self, piece: memoryview) -> int:  # type: ignore[override]
        if self._at != self._size:
            raise io.UnsupportedOperation("nothing is written over")
        sealed = self._stream().update(bytes(piece))
        self._file.seek(self._at)
        written = 0
        while written < len(sealed):  # a full disk writes a part, then says so
            written += self._file.write(sealed[written:])
        self._at = self._size = self._at + written
        return written

    def close(self) -> None:
        self._file.close()
        super().close()

    def _stream(self) -> CipherContext:
        """From here on."""
        number, into = divmod(self._at, _BLOCK)
        stream = Cipher(self._key, CTR(number.to_bytes(_BLOCK, "big"))).encryptor()
        stream.update(bytes(into))
        return stream

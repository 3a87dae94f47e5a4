"""Files looked at for viruses by clamd while they come in: its INSTREAM over a socket, nothing is written for it.

What it finds is refused. What it could not look at, because it is away, slow, or set up to take less, is refused as
well, and may be sent again: a file that nobody has looked at does not get in.
"""

from __future__ import annotations

import logging
import re
import socket
from typing import IO

from engine.errors import InvalidRequest, Unscanned

log = logging.getLogger(__name__)

SECONDS = 20.0  # for each thing that is sent or answered
AGAIN_SECONDS = 60
_REPLY_MAX = 4_096
_TCP = re.compile(r"([^\s/:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})")


class Clamd:
    """Where a clamd listens.

    >>> Clamd("/run/clamav/clamd.ctl"), Clamd("clamd.example:3310")
    """

    def __init__(self, address: str, seconds: float = SECONDS) -> None:
        """Raises:
        ValueError: it is neither a path from / nor host:port.
        """
        found = _TCP.fullmatch(address)
        if not found and not address.startswith("/"):
            raise ValueError("must be a socket's path such as /run/clamav/clamd.ctl, or host:3310")
        self._tcp = (found[1].strip("[]"), int(found[2])) if found else None
        self._path, self._seconds = address, seconds

    def watch(self, stream: IO[bytes]) -> Watched:
        """The same stream; clamd sees what is read from it.

        Raises:
            Unscanned: nobody listens.
        """
        try:
            return Watched(stream, self._connected())
        except OSError as error:
            raise _unscanned(f"clamd cannot be reached: {error.strerror or error}") from error

    def _connected(self) -> socket.socket:
        if self._tcp:
            return socket.create_connection(self._tcp, self._seconds)
        there = socket.socket(socket.AF_UNIX)
        try:
            there.settimeout(self._seconds)
            there.connect(self._path)
        except BaseException:
            there.close()
            raise
        return there


class Watched:
    """A stream of which clamd sees everything that is read."""

    def __init__(self, stream: IO[bytes], clamd: socket.socket) -> None:
        self._stream, self._clamd = stream, clamd
        self._broken: OSError | None = None
        self._send(b"zINSTREAM\0")

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if block:
            self._send(len(block).to_bytes(4, "big") + block)
        return block

    def judge(self) -> None:
        """What clamd says of all of it.

        Raises:
            InvalidRequest: it found something.
            Unscanned: it could not say.
        """
        self._send(b"\0\0\0\0")
        reply = self._reply()
        if reply == "stream: OK" and self._broken is None:
            return
        if reply.endswith(" FOUND"):
            name = reply.removeprefix("stream: ").removesuffix(" FOUND")[:100]
            raise InvalidRequest(f"The file holds {name!r}, as the virus scanner calls it: it was not kept.",
                                 field="file", virus=name)  # fmt: skip
        raise _unscanned(f"clamd says {reply!r}" if reply else f"clamd does not answer: {self._broken or 'it hung up'}")

    def close(self) -> None:
        self._clamd.close()

    def _send(self, data: bytes) -> None:
        if self._broken is None:
            try:
                self._clamd.sendall(data)
            except OSError as error:  # it may have said why
                self._broken = error

    def _reply(self) -> str:
        said = b""
        try:
            while b"\0" not in said and len(said) < _REPLY_MAX and (more := self._clamd.recv(_REPLY_MAX)):
                said += more
        except OSError as error:
            self._broken = self._broken or error
        return said.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _unscanned(why: str) -> Unscanned:
    log.warning("A file was refused: %s", why, extra={"action": "unscanned"})
    return Unscanned(f"The file cannot be checked for viruses just now, and was not kept: send it again in "
                     f"{AGAIN_SECONDS} seconds.", field="file", retry_after=AGAIN_SECONDS)  # fmt: skip

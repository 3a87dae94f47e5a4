"""An answer's head and the beginning of its body leave together.

Waitress hands each to the kernel by itself: two calls, two packets, and whoever asked wakes up twice.
"""

from __future__ import annotations

from typing import Any

from waitress.task import Task


class Together(Task):
    """A task of waitress's, to be named before the one that is meant."""

    channel: Any

    def write(self, data: bytes) -> None:
        if self.wrote_header:
            super().write(data)
            return
        channel, pieces = self.channel, _Pieces(self.channel)
        self.channel = pieces
        try:
            super().write(data)
        finally:
            self.channel = channel
        channel.write_soon(b"".join(pieces.written))


class _Pieces:
    """What would have been sent, in order."""

    def __init__(self, channel: Any) -> None:
        self.server, self.written = channel.server, list[bytes]()
        self.write_soon = self.written.append

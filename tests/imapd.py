"""A real IMAP server on loopback, with folders made for each test."""

from __future__ import annotations

import imaplib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import sleep
from uuid import uuid4

from engine.channels.mailbox.imap import Mailbox
from tests.post import free_port

USER, PASSWORD = "hop-thu-1022", "mật".encode().hex()
START_SECONDS = 60  # on a machine that does other things


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    @cached_property
    def client(self) -> imaplib.IMAP4:
        """A mail program that stays logged in."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=60)
        client.login(USER, PASSWORD)
        return client

    def box(self, province: str = "74", **more: object) -> Box:
        """Two new folders on it, and a mailbox that is them."""
        folder = f"Den {uuid4().hex[:8]}"
        mailbox = Mailbox(province, "127.0.0.1", USER, PASSWORD, self.port, "none", folder, f"Xong{folder}")
        self.client.create(f'"{folder}"')
        return Box(self, mailbox)


@dataclass(frozen=True)
class Box:
    server: Server
    mailbox: Mailbox

    def gets(self, *letters: bytes) -> None:
        for letter in letters:
            said = letter.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            assert self.server.client.append(f'"{self.mailbox.folder}"', "", None, said)[0] == "OK"  # type: ignore

    def holds(self, folder: str) -> int:
        kind, data = self.server.client.status(f'"{folder}"', "(MESSAGES)")
        return int(re.findall(rb"MESSAGES (\d+)", data[0])[0]) if kind == "OK" else 0

    @property
    def waiting(self) -> int:
        return self.holds(self.mailbox.folder)

    @property
    def done(self) -> int:
        return self.holds(self.mailbox.done)

    def are_looked_at(self) -> None:
        """Somebody opens all letters in a mail program, which marks them as read."""
        self.server.client.select(f'"{self.mailbox.folder}"')
        self.server.client.store("1:*", "+FLAGS", r"(\Seen)")
        self.server.client.close()


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """pymap, with everything in memory."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), *options]
    command += ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, port)
        server = Server(port)
        yield server
        server.client.logout()
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(START_SECONDS * 20):
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=60).shutdown()
            return
        except (OSError, imaplib.IMAP4.error):
            assert process.poll() is None, "pymap did not start"
            sleep(0.05)
    raise TimeoutError(f"pymap has not answered for {START_SECONDS} seconds")

"""A real IMAP server on loopback, with folders made for each test."""

from __future__ import annotations

import imaplib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from uuid import uuid4

from engine.mailbox.imap import Mailbox
from tests.post import free_port

USER, PASSWORD = "hop-thu-1022", "mật".encode().hex()
START_SECONDS = 20


@dataclass(frozen=True)
class Server:
    port: int

    def client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        client.login(USER, PASSWORD)
        return client

    def box(self, province: str = "74", **more: object) -> Box:
        """Two new folders on it, and a mailbox that is them."""
        folder = f"Den {uuid4().hex[:8]}"
        mailbox = Mailbox(province, "127.0.0.1", USER, PASSWORD, self.port, "none", folder, f"Xong{folder}")
        with self.client() as client:
            client.create(f'"{folder}"')
        return Box(self, mailbox)


@dataclass(frozen=True)
class Box:
    server: Server
    mailbox: Mailbox

    def gets(self, *letters: bytes) -> None:
        with self.server.client() as client:
            for letter in letters:
                said = letter.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                assert client.append(f'"{self.mailbox.folder}"', "", None, said)[0] == "OK"  # type: ignore[arg-type]

    def holds(self, folder: str) -> int:
        with self.server.client() as client:
            kind, data = client.status(f'"{folder}"', "(MESSAGES)")
        return int(re.findall(rb"MESSAGES (\d+)", data[0])[0]) if kind == "OK" else 0

    @property
    def waiting(self) -> int:
        return self.holds(self.mailbox.folder)

    @property
    def done(self) -> int:
        return self.holds(self.mailbox.done)

    def are_looked_at(self) -> None:
        """Somebody opens all letters in a mail program, which marks them as read."""
        with self.server.client() as client:
            client.select(f'"{self.mailbox.folder}"')
            client.store("1:*", "+FLAGS", r"(\Seen)")


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """pymap, with everything in memory."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), *options]
    command += ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield Server(port)
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(START_SECONDS * 20):
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).shutdown()
            return
        except (OSError, imaplib.IMAP4.error):
            assert process.poll() is None, "pymap did not start"
            sleep(0.05)
    raise TimeoutError(f"pymap has not answered for {START_SECONDS} seconds")

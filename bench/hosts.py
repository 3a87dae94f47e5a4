"""The servers under test, each a process of its own behind the same web server, spoken to over HTTP; and workers."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import waitress
from flask import Flask

from bench.bed import one, process_cpu
from tests.post import free_port

REPORT = {"noi_dung": "Nhà bốn người hết gạo từ hôm qua, có cháu nhỏ. " * 20, "place": "khu phố 3", "urgent": True}


@dataclass
class Host:
    """A running server.

    Attributes:
        calls: how many it has answered through us.
    """

    name: str
    process: subprocess.Popen[bytes]
    port: int
    token: str | None = None
    calls: int = field(default=0)

    def cpu_seconds(self) -> float:
        """User and system time of the server's process so far."""
        return process_cpu(self.process.pid)

    def memory_mb(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def client(self) -> Client:
        return Client(self)


class Client:
    """One keep-alive connection. It does as little as it can: its time is part of every call's."""

    def __init__(self, host: Host, token: str | None = None) -> None:
        """Args:
        token: instead of the host's.
        """
        self.host = host
        self.socket = socket.create_connection(("127.0.0.1", host.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.socket.makefile("rb")
        token = token or host.token
        shown = f"Authorization: Bearer {token}\r\n" if token else ""
        self.head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{shown}"

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        content = orjson.dumps(body)
        return self._ask(f"POST {path} {self.head}Content-Length: {len(content)}\r\n\r\n".encode() + content, path)

    def get(self, path: str) -> dict[str, Any]:
        return self._ask(f"GET {path} {self.head}\r\n".encode(), path)

    def _ask(self, request: bytes, path: str) -> dict[str, Any]:
        self.socket.sendall(request)
        status, length = int(self.answers.readline().split()[1]), 0
        while (line := self.answers.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        answer = self.answers.read(length)
        if status >= 300:
            raise RuntimeError(f"{self.host.name} answered {status} to {path}: {answer[:500]!r}")
        self.host.calls += 1
        return orjson.loads(answer)  # type: ignore[no-any-return]

    def start(self) -> tuple[Any, list[Any]]:
        """Send a report; answers with the case and the tasks that wait."""
        if self.host.name != "ours":
            answer = self.post("/cases", REPORT)
            return answer["id"], answer["tasks"]
        report = {"report_type": "LIFE", "channel": "dien_thoai", "area": "999", "answers": REPORT,
                  "reporter": {"name": "Nguyễn Văn A", "phone": "0912345678"}}  # fmt: skip
        answer = self.post("/api/v1/reports", report)
        return answer["number"], answer["tasks"]

    def complete(self, case: Any, task: Any, again: bool = False) -> list[Any]:
        """Answer a task; answers with the tasks that wait now."""
        if self.host.name != "ours":
            note = {"note": "đã gọi lại, đúng như phản ánh", "again": again}
            return self.post(f"/cases/{case}/tasks/{task['id']}", note)["tasks"]  # type: ignore[no-any-return]
        answers = {f"note_{task['element']}": "đã gọi lại, đúng như phản ánh", "again": again}
        return self.post(f"/api/v1/tasks/{task['id']}/complete", {"answers": answers})["next"]  # type: ignore[no-any-return]

    def lifecycle(self) -> None:
        case, tasks = self.start()
        while tasks:
            tasks = self.complete(case, tasks[0])


def environment() -> dict[str, str]:
    """As where it is installed: what Python has once compiled, it keeps."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def running(name: str, url: str, token: str | None = None, program: Sequence[str] = ()) -> Iterator[Host]:
    """Start ``bench.naive``, ``bench.floor`` or ``bench.ours`` and wait until it answers.

    Args:
        program: another one, not Python's; like these it is told the database and the port.
    """
    port = free_port()
    command = [*(program or (sys.executable, "-m", f"bench.{name}")), url, str(port)]
    process = subprocess.Popen(command, env=environment())
    try:
        _wait(process, port)
        yield Host(name, process, port, token)
    finally:
        process.terminate()
        process.wait(20)


def serve(app: Flask, port: int) -> None:
    """As what `running` starts serves that is not ours."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that clients queue up is what is measured
    waitress.serve(app, host="127.0.0.1", port=port, threads=8, _quiet=True)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not answer within a minute")


@contextmanager
def workers(url: str, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many worker nodes, as ``thongsuot worker`` starts them."""
    with tempfile.TemporaryDirectory(prefix="ts-bench-") as instance:
        settings = environment() | {"THONGSUOT_DATABASE": url, "THONGSUOT_INSTANCE": instance}
        command = [sys.executable, "-m", "webapi.cli", "worker"]
        nodes = [subprocess.Popen(command, env=settings, stderr=subprocess.DEVNULL) for _ in range(count)]
        try:
            _wait_for_workers(url, count)
            yield nodes
        finally:
            for node in nodes:
                node.terminate()
            for node in nodes:
                node.wait(60)


def _wait_for_workers(url: str, count: int) -> None:
    """Until all have said that they are there."""
    for _ in range(240):
        if one(url, "SELECT count(*) FROM workers") >= count:
            return
        time.sleep(0.5)
    raise RuntimeError(f"{count} workers did not start within two minutes")

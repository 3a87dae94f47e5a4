"""Very many people, each of whom asks once on a connection of their own: one thread and the kernel's list of whoever
has been answered, so that a crowd costs the machine as little as it can.

    crowd = Crowd()
    crowd.asks(port, request, told)     one more; `told` hears the whole answer, empty if there was none
    crowd.listens(until)                whoever has been answered by then hears it
    crowd.why                           why some were not: what went wrong with their connections, how often
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS, ETIMEDOUT, errorcode

Told = Callable[[bytes], None]
PATIENCE = 60.0  # seconds; then there was no answer


class Crowd:
    def __init__(self) -> None:
        self._events = select.epoll()
        self._asking: dict[int, _One] = {}  # in the order in which they came
        self._looked = time.monotonic()
        self.why: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._asking)

    def asks(self, port: int, request: bytes, told: Told) -> None:
        try:
            one = _One(request, told)
        except OSError as error:  # more wait than this process may have connections
            self._note(error.errno, "socket")
            told(b"")
            return
        refused = one.socket.connect_ex(("127.0.0.1", port))
        if refused not in (0, EINPROGRESS):
            self._note(refused, "connecting")
            one.ends(b"")
            return
        self._asking[one.socket.fileno()] = one
        self._events.register(one.socket, select.EPOLLOUT)

    def listens(self, until: float) -> None:
        """Args:
        until: `time.monotonic`.
        """
        is_over = False
        while not is_over:  # who comes late listens once nevertheless
            now = time.monotonic()
            is_over = now >= until
            for number, happened in self._events.poll(max(until - now, 0)):
                self._hear(number, self._asking[number], happened)
            if now - self._looked > 1:
                self._give_up(now)

    def _hear(self, number: int, one: _One, happened: int) -> None:
        try:
            if happened & select.EPOLLOUT:
                one.socket.sendall(one.request)  # small enough for the kernel to take it at once
                self._events.modify(number, select.EPOLLIN)
                return
            heard = one.socket.recv(65_536)
        except OSError as error:
            self._note(error.errno, "sending" if happened & select.EPOLLOUT else "listening")
            heard = b""
            one.answer.clear()
        one.answer += heard
        if not heard:
            self._leaves(number)

    def _give_up(self, now: float) -> None:
        self._looked = now
        late = [number for number, one in self._asking.items() if now - one.since > PATIENCE]
        for number in late:
            self._note(ETIMEDOUT, "waiting")
            self._asking[number].answer.clear()
            self._leaves(number)

    def _note(self, error: int | None, when: str) -> None:
        self.why[f"{errorcode.get(error or 0, str(error))} while {when}"] += 1

    def _leaves(self, number: int) -> None:
        one = self._asking.pop(number)
        with suppress(OSError):
            self._events.unregister(number)
        one.ends(bytes(one.answer))


class _One:
    def __init__(self, request: bytes, told: Told) -> None:
        self.request, self.since, self.answer, self._told = request, time.monotonic(), bytearray(), told
        self.socket = socket.socket()
        self.socket.setblocking(False)

    def ends(self, answer: bytes) -> None:
        self.socket.close()
        self._told(answer)

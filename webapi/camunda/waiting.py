"""Long polling: a worker that asks for tasks is answered when there are some, instead of at once with nothing.

Only so many may wait, since each keeps a thread of the server; whoever comes then is answered at once, and asks again.
On PostgreSQL, whoever waits is woken when a unit that calls a service commits, on whatever node; on SQLite they look
again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engine.queues.leases import SERVICES, WAKE_EVERY
from engine.queues.listening import Listener
from engine.runtime import Runtime

LONGEST = timedelta(minutes=30)
LOOK_AGAIN = 0.25  # seconds, where nobody tells
LOOK_ANYWAY = 1.0  # seconds, where somebody tells: a lock may have run out
LOOK_AFTER = 2 * WAKE_EVERY[SERVICES].total_seconds()  # once told: for what came too soon after it to be told as well


class WaitingRoom:
    """One for each server."""

    def __init__(self, runtime: Runtime, seats: int) -> None:
        self._runtime = runtime
        self._seats = threading.BoundedSemaphore(seats)
        self._woken = threading.Condition()
        self._times = 0
        self._open = True
        self._listener: Listener | None = None

    def wait_for(self, look: Callable[[], list[Any]], patience: timedelta) -> list[Any]:
        """What ``look`` finds, at once or within ``patience``; empty if it finds nothing, all seats are taken, or the
        server is being stopped."""
        before = seen = self._times
        found = look()
        if found or patience <= timedelta(0) or not self._seats.acquire(blocking=False):
            return found
        try:
            self._listen()
            until = time.monotonic() + min(patience, LONGEST).total_seconds()
            while not found and self._open and (left := until - time.monotonic()) > 0:
                before, seen = seen, self._rest(seen, left, told=seen != before)
                found = look()
            return found
        finally:
            self._seats.release()

    def wake(self) -> None:
        with self._woken:
            self._times += 1
            self._woken.notify_all()

    def close(self) -> None:
        """Whoever waits is answered at once, with nothing, and nobody waits any more."""
        with self._woken:
            self._open = False
            self._woken.notify_all()
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()

    def _rest(self, seen: int, longest: float, *, told: bool) -> int:
        nap = LOOK_AGAIN if self._listener is None else LOOK_AFTER if told else LOOK_ANYWAY
        with self._woken:
            self._woken.wait_for(lambda: self._times != seen or not self._open, min(longest, nap))
            return self._times

    def _listen(self) -> None:
        if self._runtime.database.dialect.name != "postgresql":
            return
        with self._woken:
            if self._listener is None and self._open:
                self._listener = Listener(self._runtime.database, self.wake, SERVICES)
                self._listener.start()

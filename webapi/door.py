"""More requests than can be served in time: who is let in, and who is told politely to come back.

Waitress keeps every request until a thread is free, however many wait; in a surge all then wait longer than anybody
does. Here nobody joins the queue who would wait longer than `WAIT_SECONDS`, going by how long the last requests took,
and is answered 503 at once, by a thread that does nothing else. Nothing of such a request has been looked at, so that
it can simply be sent again. What is urgent (`webapi.urgent`) is never sent away, and goes to the head of the queue if
we know who sends it. Who is not known yet may be anybody: a few such requests wait in the queue, as long as it is.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from webapi.urgent import Urgent

log = logging.getLogger(__name__)

WAIT_SECONDS = 5.0  # in the queue; who calls has given up not much later
STRANGERS = 50  # urgent requests of people we do not know that may wait at once
LEAST = 2  # requests for each thread may wait, whatever they take
SAID = (
    "More people are asking than can be answered in time. Nothing was looked at: send the same request again in {} "
    "seconds. For an emergency call 112, 113, 114 or 115. (Quá nhiều người đang gửi cùng lúc: xin gửi lại sau {} giây. "
    "Nếu khẩn cấp, hãy gọi 112, 113, 114 hoặc 115.)"
)
_WEIGHT = 0.1  # of the newest request in what requests take


class Surge(Error):
    """Attributes:
    body: after how many seconds to come back.
    """

    code = 503
    reason = "Service Unavailable"


class Door(ThreadedTaskDispatcher):
    """Attributes:
    shed: how many were sent away since the start.
    """

    def __init__(self, urgent: Urgent) -> None:
        super().__init__()
        self.queue_logger = logging.getLogger("waitress.queue")
        self.queue_logger.setLevel(logging.ERROR)  # that some wait is no news
        self.shed = 0
        self._urgent = urgent
        self._strangers = 0
        self._takes = 0.05  # seconds
        self._apologist = ThreadedTaskDispatcher()

    def set_thread_count(self, count: int) -> None:
        super().set_thread_count(count)
        self._apologist.set_thread_count(min(count, 1))

    def add_task(self, task: Any) -> None:
        """A channel, whose first request is complete."""
        request, wait = task.requests[0], self.wait()
        urgent = wait > 0 and request.error is None and self._urgent(request)
        known = urgent and self._urgent.knows(request)
        if request.error is None and wait > WAIT_SECONDS and not known and not (urgent and self._strangers < STRANGERS):
            self._send_away(task, request, wait)
            return
        with self.lock:
            self._strangers += urgent and not known
            (self.queue.appendleft if known else self.queue.append)(_Timed(task, self, urgent and not known))
            self.queue_cv.notify()

    def wait(self) -> float:
        """How long whoever comes now would wait for a thread, in seconds; 0 while few do."""
        waiting, threads = len(self.queue), max(len(self.threads), 1)
        return self._takes * waiting / threads if waiting > LEAST * threads else 0.0

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        self._apologist.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout))

    def leave(self, strange: bool) -> None:
        """A request waits no longer."""
        if strange:
            with self.lock:
                self._strangers -= 1

    def note(self, seconds: float) -> None:
        self._takes += _WEIGHT * (seconds - self._takes)

    def _send_away(self, task: Any, request: Any, wait: float) -> None:
        if not self.shed % 100:
            log.warning("Requests are sent away: %d wait.", len(self.queue), extra={"action": "shed"})
        self.shed += 1
        request.error = Surge(str(max(1, round(wait - WAIT_SECONDS) + 1)))
        self._apologist.add_task(task)


class _Timed:
    """A channel whose request is served, and how long that took."""

    def __init__(self, task: Any, door: Door, strange: bool) -> None:
        self._task, self._door, self._strange = task, door, strange

    def service(self) -> None:
        self._door.leave(self._strange)
        began = monotonic()
        self._task.service()
        self._door.note(monotonic() - began)

    def cancel(self) -> None:
        self._door.leave(self._strange)
        self._task.cancel()

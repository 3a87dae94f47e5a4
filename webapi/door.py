"""More requests than can be served in time: who is let in, and who is told politely to come back.

Waitress keeps every request until a thread is free, however many wait; in a surge all then wait longer than anybody
does. Here nobody joins the queue who would wait longer than `WAIT_SECONDS`, going by how long the last requests took,
and is answered 503 at once, by a thread that does nothing else. Nothing of such a request has been looked at, so that
it can simply be sent again. What is urgent is never sent away, and goes to the head of the queue.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from engine import leases

log = logging.getLogger(__name__)

NEVER_SHED = ("/health", "/readyz", "/api/v1/cti")
LOOKED_AT = 65_536  # bytes of a body in which the type is looked for
ASK_SECONDS = 60
WAIT_SECONDS = 5.0  # in the queue; who calls has given up not much later
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

    def __init__(self, is_urgent: Callable[[Any], bool]) -> None:
        super().__init__()
        self.queue_logger = logging.getLogger("waitress.queue")
        self.queue_logger.setLevel(logging.ERROR)  # that some wait is no news
        self.shed = 0
        self._is_urgent = is_urgent
        self._takes = 0.05  # seconds
        self._apologist = ThreadedTaskDispatcher()

    def set_thread_count(self, count: int) -> None:
        super().set_thread_count(count)
        self._apologist.set_thread_count(min(count, 1))

    def add_task(self, task: Any) -> None:
        """A channel, whose first request is complete."""
        request = task.requests[0]
        wait = self.wait()
        if request.error is None and wait > WAIT_SECONDS and not self._is_urgent(request):
            self._send_away(task, request, wait)
            return
        with self.lock:
            urgent = wait > 0 and request.error is None and self._is_urgent(request)
            (self.queue.appendleft if urgent else self.queue.append)(_Timed(task, self._note))
            self.queue_cv.notify()

    def wait(self) -> float:
        """How long whoever comes now would wait for a thread, in seconds; 0 while few do."""
        waiting, threads = len(self.queue), max(len(self.threads), 1)
        return self._takes * waiting / threads if waiting > LEAST * threads else 0.0

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        self._apologist.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout))

    def _note(self, seconds: float) -> None:
        self._takes += _WEIGHT * (seconds - self._takes)

    def _send_away(self, task: Any, request: Any, wait: float) -> None:
        if not self.shed % 100:
            log.warning("Requests are sent away: %d wait.", len(self.queue), extra={"action": "shed"})
        self.shed += 1
        request.error = Surge(str(max(1, round(wait - WAIT_SECONDS) + 1)))
        self._apologist.add_task(task)


class _Timed:
    """A channel whose request is served, and how long that took."""

    def __init__(self, task: Any, note: Callable[[float], None]) -> None:
        self._task, self._note = task, note

    def service(self) -> None:
        began = monotonic()
        self._task.service()
        self._note(monotonic() - began)

    def cancel(self) -> None:
        self._task.cancel()


class Urgent:
    """What is never sent away: health checks, what the exchange says, and whatever names a report type that is an
    emergency: one behind a key whose callers are put through at once (``transfer_to``: 115)."""

    def __init__(self, named: Callable[[], frozenset[str]]) -> None:
        """Args:
        named: the codes of those report types.
        """
        self._named = named
        self._codes: frozenset[bytes] = frozenset()

    def __call__(self, request: Any) -> bool:
        """Args:
        request: as waitress has parsed it.
        """
        if request.path.startswith(NEVER_SHED):
            return True
        body = request.get_body_stream()
        said = request.path.encode() + b"?" + body.read(LOOKED_AT)
        body.seek(0)
        return any(code in said for code in self._codes)

    def keep_up(self) -> None:
        """Ask again and again which those types are, in a thread of its own: the database may be slow just now."""
        threading.Thread(target=self._ask, name="urgent", daemon=True).start()

    def _ask(self) -> None:
        while True:
            try:
                self._codes = frozenset(code.encode() for code in self._named())
            except (SQLAlchemyError, OSError) as error:  # what was known before still holds
                log.warning("Not known what is urgent: %s", leases.reason(error), extra={"action": "urgent-unknown"})
            sleep(ASK_SECONDS)

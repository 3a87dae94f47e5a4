"""More requests than can be served in time: who is let in, and who is told politely to come back.

Waitress keeps every request until a thread is free, however many wait; in a surge all then wait longer than anybody
does. Here nobody joins the queue who would wait for long, going by how fast it has been moving, and whoever has waited
too long nevertheless does not stay in it; both are answered 503 by a thread that does nothing else. Nothing of such a
request has been looked at, so that it can simply be sent again. What is long depends: a rush may fill the queue, but a
queue that never gets empty serves nobody by being long, it only makes everybody wait (docs/decisions/0017).

What is urgent (`webapi.urgent`) is never sent away, and goes first if we know who sends it. Who is not known yet may be
anybody: a few such requests may wait. Nor is staff's work on cases sent away, a few requests of each, and not too many
of all. Strangers, staff and the ordinary ones have one turn after the other.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from math import inf
from struct import unpack_from
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from webapi.metrics import Standing
from webapi.urgent import ALWAYS, Urgent

log = logging.getLogger(__name__)

RUSH_SECONDS = 2.0  # who would wait longer is not let in,
LASTING_SECONDS = 1.0  # or longer than this, once the queue has not been empty for `LASTS_AFTER`
LASTS_AFTER = 5.0
TCP_INFO = (6, 11)  # as Linux numbers them: IPPROTO_TCP, TCP_INFO
REST_SECONDS = 0.5  # for so long an ordinary request lets those go before who stand outside
LONGEST_SECONDS = 5.0  # whoever has waited so long is told to come again; who calls has given up not much later
SAY_SECONDS = 5.0  # how often the log is told
LOOK_SECONDS = 0.25  # how often it is looked who has
STRANGERS = 200  # urgent requests of people we do not know that may wait at once
STAFF = 100  # requests of staff at work that may wait at once,
EACH = 6  # and of one person: as many as a browser sends at once
CHECKS = 5  # health checks that may wait at once; anybody can send one
LEAST = 2  # ordinary requests for each thread may wait, however slowly the queue moves
AGAIN_SECONDS = 120  # the longest after which anybody is told to come again, or half as much more
SAID = (
    "More people are asking than can be answered in time. Nothing was looked at: send the same request again in {} "
    "seconds. For an emergency call 112, 113, 114 or 115. (Quá nhiều người đang gửi cùng lúc: xin gửi lại sau {} giây. "
    "Nếu khẩn cấp, hãy gọi 112, 113, 114 hoặc 115.)"
)
_WEIGHT = 0.1  # of the newest turn in how fast the queue moves


class Surge(Error):
    """Attributes:
    body: after how many seconds to come back.
    """

    code = 503
    reason = "Service Unavailable"


class Waiting:
    """A channel whose first request is complete and waits.

    Attributes:
        whose: the log-in of whoever sends it, if it is staff's work.
    """

    whose: str | None = None

    def __init__(self, channel: Any, since: float) -> None:
        self.request, self.since = channel.requests[0], since
        self.service, self.cancel = channel.service, channel.cancel

    def serve_after(self, rest: Callable[[], object]) -> None:
        """Have it served only after this."""
        service = self.service

        def serve() -> None:
            rest()
            service()

        self.service = serve


def standing_outside(listening: Any) -> int:
    """How many have connected to this socket, and nobody has let them in yet. (Linux says so; elsewhere: nobody.)"""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return int(unpack_from("I", listening.getsockopt(*TCP_INFO, 28), 24)[0])  # tcpi_unacked
    except OSError:  # it listens no more: we leave
        return 0


class Queue:
    """Who waits for a thread, in four lines. Nothing here is done without the door's lock.

    Attributes:
        known: urgent requests of those whom we know, who go before all others.
        strangers: urgent ones of people whom we do not; staff: work on cases; others: whatever else. These have turns.
        empty_at: when last nobody waited among the others.
        outside: how many have connected and have not been let in.
    """

    def __init__(self, standing: Standing, clock: Callable[[], float], lock: AbstractContextManager[Any]) -> None:
        self.known: deque[Waiting] = deque()
        self.strangers: deque[Waiting] = deque()
        self.staff: deque[Waiting] = deque()
        self.others: deque[Waiting] = deque()
        self._turns = deque([self.others, self.strangers, self.staff])
        self.empty_at = clock()
        self.outside: Callable[[], int] = lambda: 0
        self._standing, self._clock, self._lock = standing, clock, lock
        self._turn_at = -inf  # the last one of the others
        self._between = 0.01  # seconds from one such turn to the next while one of them waits; until we know

    def __len__(self) -> int:
        """Who asks need not hold the door's lock: the turns rotate, so they are not counted by going through them."""
        return len(self.known) + len(self.strangers) + len(self.staff) + len(self.others)

    def join(self, line: deque[Waiting], one: Waiting) -> None:
        if not self.others:
            self.empty_at = self._clock()
        line.append(one)

    def popleft(self) -> Waiting:
        """Whose turn it is."""
        now, line = self._clock(), self._next()
        taken = line.popleft()
        if line is self.others:
            if self._turn_at > self.empty_at:
                self._between += _WEIGHT * (now - self._turn_at - self._between)
            self._turn_at = now
            if now - self.empty_at > LASTS_AFTER:
                taken.serve_after(self._rest)
        if not self.others:
            self.empty_at = now
        self._standing.note("taken", now - taken.since)
        return taken

    def _rest(self) -> None:
        """Before an ordinary request: let those go first who stand outside, and serve whoever goes before all others.

        Python lets one thread run at a time, all in turn, and in a surge the one that lets people in has as much to do
        as all others: were it no more than one of them, emergencies would stand outside with everybody else.
        """
        until = monotonic() + REST_SECONDS
        while self.outside() > 0 and monotonic() < until:
            with self._lock:
                first = self.popleft() if self.known else None
            if first is None:
                sleep(0.01)
                continue
            try:
                first.service()
            except Exception:  # the one that rests is served nevertheless
                log.exception("Somebody could not be served.")

    def late(self) -> list[Waiting]:
        """Whoever has waited too long, and no more does; nobody of the other lines is among them."""
        now, found = self._clock(), []
        while self.others and now - self.others[0].since > LONGEST_SECONDS:
            found.append(self.others.popleft())
        if found:
            self._turn_at = -inf  # so long a turn is none to go by
        if not self.others:
            self.empty_at = now
        return found

    def wait(self) -> float:
        """How long whoever joins the others would wait, in seconds. Whoever overtakes them makes their turns fewer. At
        the least, for how long none of them has had one."""
        return max(len(self.others) * self._between, self._clock() - max(self._turn_at, self.empty_at))

    def _next(self) -> deque[Waiting]:
        if self.known:
            return self.known
        self._turns.rotate(-1)
        while not self._turns[-1]:
            self._turns.rotate(-1)
        return self._turns[-1]


class Door(ThreadedTaskDispatcher):
    """Attributes:
    shed: how many were sent away since the start.
    """

    queue: Queue

    def __init__(self, urgent: Urgent, standing: Standing, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self.queue = Queue(standing, clock, self.lock)
        self.shed, self._said_at = 0, -inf
        self._urgent, self._standing, self._clock = urgent, standing, clock
        self._apologist = ThreadedTaskDispatcher()
        for one in (self, self._apologist):  # that some wait is no news
            one.queue_logger = logging.getLogger("waitress.queue")
            one.queue_logger.setLevel(logging.ERROR)
        self._closed = Event()

    def set_thread_count(self, count: int) -> None:
        if count and not self.threads:
            Thread(target=self._look, name="door", daemon=True).start()
        super().set_thread_count(count)
        self._apologist.set_thread_count(min(count, 1))

    def add_task(self, task: Any) -> None:
        """A channel, whose first request is complete."""
        one = Waiting(task, self._clock())
        if one.request.error is not None:  # waitress has refused it already
            self._apologist.add_task(one)
            return
        at_once = len(self.queue) < len(self.threads) - self.stop_count - self.active_count
        line = self.queue.others if at_once else self._line(one)
        with self.lock:
            if line is not self.queue.others or (wait := self.wait()) <= self._patience():
                self.queue.join(line, one)
                self.queue_cv.notify()
                return
        self._send_away(one, wait)

    def wait(self) -> float:
        """How long whoever comes now would wait for a thread, in seconds; 0 while few do."""
        return self.queue.wait() if len(self.queue.others) > LEAST * max(len(self.threads), 1) else 0.0

    def send_the_late_away(self) -> None:
        with self.lock:
            late, wait = self.queue.late(), self.wait()
        for one in late:
            line = self._line(one)  # who came while a thread was free has not been looked at
            if line is self.queue.others:
                self._send_away(one, wait)
                continue
            with self.lock:
                self.queue.join(line, one)
                self.queue_cv.notify()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        self._closed.set()
        self._apologist.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout))

    def _look(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            self.send_the_late_away()

    def _line(self, one: Waiting) -> deque[Waiting]:
        if self._urgent(one.request):
            if self._urgent.knows(one.request) and not self._is_one_too_many(one.request):
                return self.queue.known
            return self.queue.strangers if len(self.queue.strangers) < STRANGERS else self.queue.others
        one.whose = self._urgent.staff(one.request)
        return self.queue.staff if one.whose and self._has_room(one.whose) else self.queue.others

    def _is_one_too_many(self, request: Any) -> bool:
        with self.lock:
            return request.path in ALWAYS and sum(one.request.path in ALWAYS for one in self.queue.known) >= CHECKS

    def _has_room(self, login: str) -> bool:
        with self.lock:
            theirs = sum(one.whose == login for one in self.queue.staff)
            return len(self.queue.staff) < STAFF and theirs < EACH

    def _patience(self) -> float:
        lasting = self._clock() - self.queue.empty_at > LASTS_AFTER
        return LASTING_SECONDS if lasting else RUSH_SECONDS

    def _send_away(self, one: Waiting, wait: float) -> None:
        self.shed += 1
        if self._clock() - self._said_at >= SAY_SECONDS:
            self._said_at = self._clock()
            log.warning("Requests are sent away: %d until now, %d wait.", self.shed, len(self.queue),
                        extra={"action": "shed"})  # fmt: skip
        one.request.error = Surge(str(self._come_again(wait)))
        self._apologist.add_task(_Told(one, self._note_told))

    def _note_told(self, one: Waiting) -> None:
        self._standing.note("sent away", self._clock() - one.since)

    def _come_again(self, wait: float) -> int:
        """After how many seconds: the longer it has lasted, the more have been told so, and all of them at once would
        be a surge of their own."""
        lasted = self._clock() - self.queue.empty_at
        return 1 + round(min(max(wait, lasted), AGAIN_SECONDS) * (0.5 + self.shed % 10 / 10))


class _Told:
    """One who is sent away; then that is noted."""

    def __init__(self, one: Waiting, note: Callable[[Waiting], object]) -> None:
        self._one, self._note, self.cancel = one, note, one.cancel

    def service(self) -> None:
        self._one.service()
        self._note(self._one)

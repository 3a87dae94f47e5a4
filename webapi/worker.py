"""The metronome of a worker process: when this node looks for what is due.

Timers are rows of the database; APScheduler only decides when to look, in memory, once for each process. It looks
every second, at the very moment the next job is due, and at once when PostgreSQL notifies. Nothing is lost when it
does not: whoever looks next, on whatever node, finds the row.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Lock

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from engine.channels.mailbox.postman import EVERY, Postman
from engine.queues import leases, outbox
from engine.queues.listening import Listener
from engine.record import chain
from engine.work import due
from engine.work.worker import Worker
from webapi import telemetry
from webapi.clock import NodeClock

log = logging.getLogger(__name__)

TICK_SECONDS = 1
ANYWAY_SECONDS = 60  # each kind of work looks for itself, whatever the look of all said
NOT_AT_ONCE = timedelta(milliseconds=10)  # between two looks


class Metronome:
    """Drives a worker: one look each second at what there is to do, each kind of work in a thread of its own; and
    heart-beat, cleaning up, the record's chain, postmen."""

    def __init__(self, worker: Worker, postmen: Sequence[Postman] = ()) -> None:
        self.worker = worker
        self.postmen = postmen
        self._work: dict[str, Callable[[], int]] = {
            "jobs": worker.work,
            "arrivals": worker.understand,
            "messages": worker.carry,
            "fetches": worker.fetch,
            "imports": worker.take_up,
            "migrations": worker.migrate,
            **{kind: partial(worker.relay, kind) for kind in outbox.KINDS},
        }
        self._woken = {name: Event() for name in ("look", *self._work)}
        self._looking = {name: Lock() for name in self._woken}
        database = worker.runtime.database
        self._hindered = False
        self._listener = Listener(database, self.wake) if database.dialect.name == "postgresql" else None
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(len(self._woken) + 4 + len(postmen))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

    def start(self) -> None:
        # that a look is still going on when the next one would begin is as it should be, and no news
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._every(TICK_SECONDS, "look", self._look)
        for name in self._work:  # each by itself: one gateway that is slow must not keep anything waiting
            self._every(ANYWAY_SECONDS, name, self._do, name)
        self._every(self.worker.lease.total_seconds() / 3, "heart-beat", self.worker.beat)
        self._every(3600, "clean-up", self.worker.tidy)
        self._every(60, "clock", self.worker.by_the_clock)
        self._every(chain.EVERY.total_seconds(), "chain", self.worker.link)
        for postman in self.postmen:  # each by itself: a mail server that is slow must not keep the others waiting
            self._every(EVERY.total_seconds(), f"mailbox-{postman.mailbox.province}", self._post, postman)
        self._scheduler.start()
        if self._listener:
            self._listener.start()

    def stop(self) -> None:
        """Finish what is being done, begin nothing more, and give back what was not begun."""
        self.worker.stop()
        if self._listener:
            self._listener.stop()
        for looking in self._looking.values():
            with looking:  # a look that wants to wake another would wait for APScheduler's shutdown, which waits for it
                pass
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        self.worker.release()

    def wake(self) -> None:
        """Look now, instead of at the next second."""
        self._start("look")

    def begin_anew(self) -> None:
        """The machine's clock was set. Set back, APScheduler, which goes by it, would sleep until then."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))

    def _start(self, name: str) -> None:
        if not self.worker.stopping:
            self._woken[name].set()  # for one that is just coming to its end
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _every(self, seconds: float, name: str, do: Callable[..., object], *args: object) -> None:
        self._scheduler.add_job(
            self._attempt, "interval", (do, *args), seconds=seconds, id=name, next_run_time=datetime.now(UTC)
        )

    def _attempt(self, do: Callable[..., object], *args: object) -> None:
        """A database that is away, or full, is said once and not at every look."""
        try:
            do(*args)
        except Exception as error:
            if not leases.is_conflict(error):
                raise
            if not self._hindered:
                log.error("The database refuses: %s", leases.reason(error), extra={"action": "hindered"})
            self._hindered = True
        else:
            if self._hindered:
                log.info("The database serves us again.", extra={"action": "unhindered"})
            self._hindered = False

    def _look(self) -> None:
        with self._looking["look"]:
            self._until_quiet("look", self._begin)

    def _begin(self) -> int:
        """What there is to do is begun; what is due within the second is looked for at that moment."""
        there, next_job = due.look(self.worker.runtime)
        for name in there:
            self._start(name)
        if next_job is not None and not self.worker.stopping:
            wait = next_job - self.worker.runtime.clock()
            if wait < timedelta(seconds=TICK_SECONDS):
                self._scheduler.modify_job("look", next_run_time=datetime.now(UTC) + max(wait, NOT_AT_ONCE))
        return 0

    def _do(self, name: str) -> None:
        """Do work of one kind until there is none; it may have made work of others."""
        with self._looking[name]:
            if self._until_quiet(name, self._work[name]):
                self.wake()

    def _post(self, postman: Postman) -> None:
        postman.goes(lambda: self.worker.stopping)

    def _until_quiet(self, name: str, look: Callable[[], int]) -> bool:
        """Look until there is nothing, and nobody has woken us since we began to look."""
        anything = False
        while not self.worker.stopping:
            self._woken[name].clear()
            if look():
                anything = True
            elif not self._woken[name].is_set():
                break
        return anything


ASKED_TO_STOP = (signal.SIGTERM, signal.SIGINT)


def run(worker: Worker, postmen: Sequence[Postman] = ()) -> None:
    """Work until SIGTERM or SIGINT; then finish what is being done, and return."""
    telemetry.set_up("thongsuot-worker")
    # Held back for every thread from before the first begins, and waited for: a handler that set an Event would now
    # and then run while this very thread holds the lock inside that Event, and wait for itself for ever.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKED_TO_STOP)
    try:
        metronome = Metronome(worker, postmen)
        worker.runtime.clock = clock = NodeClock(worker.runtime.clock)
        clock.keep_right(worker.runtime.database, metronome.begin_anew)
        metronome.start()
        log.info("Worker %s is at work.", worker.owner, extra={"action": "worker-started"})
        signal.sigwait(ASKED_TO_STOP)
        metronome.stop()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

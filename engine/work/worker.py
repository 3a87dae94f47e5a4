"""What a worker does whenever it is woken: the jobs that are due, what came in and is not understood yet, what
cases tell each other, then the messages that are owed.

Any number of workers may run on one database. None of them is special, and any of them may die at any moment. What
wakes a worker (a clock, a notification, a test) is not its business.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from typing import Any
from uuid import uuid4

from sqlalchemy import delete

from engine import correspondence, model
from engine.channels import arrivals, fetches
from engine.erasure import retention
from engine.files import unclaimed
from engine.files.attachments import Store
from engine.history import stays
from engine.messaging import courier
from engine.model import inbox, login_failures
from engine.notifiers import Notifier
from engine.queues import jobs, leases, outbox, presence, waiting
from engine.queues.leases import LEASE
from engine.record import anchors, chain
from engine.runtime import Runtime
from engine.sheets import imports
from engine.statistics import days, periodic, recounts
from engine.versions import migrations
from engine.work import batches, declared_followed, delivery, doing, due, external, successions

log = logging.getLogger(__name__)

BATCH = 20  # claimed at once: as many as are done in a moment
JOBS_AT_ONCE = 50  # they share a unit
JOBS_PER_TICK = 500
KEEP_ANSWERS = timedelta(days=7)
KEEP_ARRIVALS = timedelta(days=30)  # as they came, after they were dealt with
KEEP_UNREAD = timedelta(days=90)  # those that nobody could understand, after they were last tried
KEEP_HALVES = timedelta(days=1)  # of files, that nobody can be writing any more
KEEP_LISTS = timedelta(days=1)  # of people, that were looked at and not started


class Worker:
    """One worker.

    >>> worker = Worker(runtime, notifiers.build({}))
    >>> worker.tick()
    0
    """

    def __init__(
        self,
        runtime: Runtime,
        notifiers: Mapping[str, Notifier],
        services: Mapping[str, delivery.Service] | None = None,
        owner: str | None = None,
        *,
        readers: arrivals.Readers | None = None,
        fetcher: fetches.Fetcher | None = None,
        anchors: Path | None = None,
        store: Store | None = None,
        lease: timedelta = LEASE,
        jitter: Random | None = None,
    ) -> None:
        """Args:
        notifiers: by kind of message: sms, email, zalo, facebook, viber, webhook.
        services: by topic; called with (payload, key), they answer a table.
        readers: by channel; without any, what came in is left to other workers.
        fetcher: of files that people sent as links; without one, they are left to other workers.
        anchors: the folder for the chain's anchors (`engine.record.anchors`); without one, they are left to other
        workers.
        store: of files; without one, those of cases that are emptied stay where they are.
        owner: a name that no other worker has, nor had.
        """
        self.runtime = runtime
        self.notifiers = dict(notifiers)
        self.services = dict(services or {})
        self.readers = dict(readers or {})
        self.fetcher = fetcher
        self.anchors = anchors
        self.store = store
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self.lease = lease
        self.jitter = jitter or Random()
        self._in_hand: dict[str, list[Any]] = {name: [] for name in ("jobs", *outbox.KINDS)}
        self._stopping = Event()

    def tick(self) -> int:
        """Do what is due, understand what came in, move cases, send what is owed; returns how many of all."""
        there = due.look(self.runtime).there
        done = self.work() if "jobs" in there else 0
        done += self.understand() if "arrivals" in there else 0
        done += self.fetch() if "fetches" in there else 0
        done += self.carry() if "messages" in there else 0
        done += self.take_up() if "imports" in there else 0
        done += self.migrate() if "migrations" in there else 0
        if done:
            there = due.look(self.runtime).there
        return done + sum(self.relay(kind) for kind in outbox.KINDS if kind in there)

    def work(self, limit: int = JOBS_PER_TICK) -> int:
        """Do jobs until none is due, or ``limit`` of them are done."""
        done = 0
        while done < limit and not self.stopping:
            batch = jobs.claim(self.runtime, self.owner, min(JOBS_AT_ONCE, limit - done), self.lease)
            if not batch:
                break
            with self._holding("jobs", batch):
                left = doing.together(self.runtime, batch)
                for position, job in enumerate(left):
                    if self.stopping:
                        jobs.release(self.runtime, self.owner, left[position:])
                        break
                    doing.run(self.runtime, job, self.jitter)
            done += len(batch)
        return done

    def understand(self, limit: int = BATCH) -> int:
        """Take up what came in and was not understood at once."""
        done = 0
        while self.readers and done < limit and not self.stopping:
            arrival_id = arrivals.claim(self.runtime)
            if arrival_id is None:
                break
            arrivals.attempt(self.runtime, arrival_id, self.readers)
            done += 1
        return done

    def carry(self, limit: int = BATCH) -> int:
        """Bring what cases tell each other to whom it is for; returns how many were looked at."""
        return self._again(lambda runtime: courier.step(runtime) is not None, limit)

    def fetch(self, limit: int = BATCH) -> int:
        """Fetch the files that people sent as links."""
        fetcher = self.fetcher
        return 0 if fetcher is None else self._again(lambda runtime: fetches.step(runtime, fetcher), limit)

    def migrate(self, limit: int = BATCH) -> int:
        """Move cases that are to run in another version, and do what was asked for many at once; returns how many."""
        return self._again(lambda runtime: migrations.step(runtime) or batches.step(runtime), limit)

    def take_up(self, limit: int = BATCH) -> int:
        """Make cases of rows of lists."""
        return self._again(imports.step, limit)

    def _again(self, step: Callable[[Runtime], bool], limit: int) -> int:
        done = 0
        while done < limit and not self.stopping and step(self.runtime):
            done += 1
        return done

    def relay(self, kind: str, limit: int = BATCH) -> int:
        """Send what is owed of one kind: one gateway that is slow must not keep the others waiting."""
        topics = self.services if kind == "service" else None  # the others are for programs outside: `external`
        batch = outbox.claim(self.runtime, self.owner, kind, limit, self.lease, topics)
        with self._holding(kind, batch):
            for position, item in enumerate(batch):
                if self.stopping:
                    outbox.release(self.runtime, self.owner, batch[position:])
                    break
                delivery.attempt(self.runtime, item, self.notifiers, self.services, self.jitter)
        return len(batch)

    @contextmanager
    def _holding(self, name: str, batch: list[Any]) -> Iterator[None]:
        """What the heart-beat holds on to. Should the database be away, the rest of a batch is left to its lease."""
        self._in_hand[name] = batch
        try:
            yield
        finally:
            self._in_hand[name] = []

    def drain(self, ticks: int = 1_000) -> int:
        """Tick until nothing is due any more; returns how much was done.

        Raises:
            RuntimeError: there is still something to do after so many ticks.
        """
        done = 0
        for _ in range(ticks):
            more = self.tick()
            if not more:
                return done
            done += more
        raise RuntimeError(f"There is still something due after {ticks} ticks.")

    def beat(self) -> None:
        """The heart-beat: hold on to what is held, say that this worker is there, and put right what a wrong clock
        left."""
        self.renew()
        presence.appear(self.runtime, self.owner)
        self.shorten()

    def shorten(self) -> int:
        """Cut down leases of a clock that was far ahead; returns how many."""
        lease, services = max(LEASE, self.lease), model.outbox.c.kind == "service"
        with self.runtime.begin() as unit:
            done = leases.shorten(unit, model.jobs, lease) + leases.shorten(unit, model.outbox, lease, ~services)
            done += leases.shorten(unit, model.outbox, external.LOCK_MAX, services)
        if done:
            log.warning("%d leases of a clock that was ahead were cut down.", done, extra={"action": "leases-cut"})
        return done

    def renew(self) -> int:
        """Hold on to what is held, from another thread than the ones that work. Returns how many are held on to."""
        held_jobs, owed = self._in_hand["jobs"], [item for kind in outbox.KINDS for item in self._in_hand[kind]]
        held = jobs.renew(self.runtime, self.owner, self.lease, held_jobs) if held_jobs else 0
        return held + (outbox.renew(self.runtime, self.owner, self.lease, owed) if owed else 0)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Begin nothing more; what is being done is finished. May be called from a signal handler."""
        self._stopping.set()

    def release(self) -> int:
        """Give back whatever is still held, and go."""
        presence.go(self.runtime, self.owner)
        return jobs.release(self.runtime, self.owner) + outbox.release(self.runtime, self.owner)

    def next_due(self) -> datetime | None:
        """When there is something to do next, as far as is known now."""
        queues = (model.arrivals, model.case_messages, *([model.fetches] if self.fetcher else []))
        known = [waiting.next_due(self.runtime, queue) for queue in queues]
        known += [jobs.next_due(self.runtime), outbox.next_due(self.runtime, self.services)]
        return min((instant for instant in known if instant is not None), default=None)

    def by_the_clock(self) -> int:
        """What follows from the day: what lies with merged agencies goes on at others, running terms follow declared
        days; and what provinces have done at an hour: days closed, then reports of weeks and months sent."""
        return self.follow() + self.follow_days() + self.close_days() + self.make_reports()

    def link(self) -> int:
        """Chain what was recorded since the last look, count it for the heat maps, and anchor the days that have ended;
        returns how many lines were chained."""
        done = 0
        while not self.stopping and (more := chain.step(self.runtime)):
            done += more
        while not self.stopping and stays.step(self.runtime):
            pass
        if self.anchors is not None:
            anchors.write(self.runtime, self.anchors)
        return done

    def follow(self) -> int:
        """Have people and cases of merged agencies follow; returns how many."""
        return successions.follow(self.runtime)

    def follow_days(self) -> int:
        """Have running terms follow days that were declared off or worked; returns how many cases."""
        return declared_followed.follow(self.runtime)

    def make_reports(self) -> int:
        """Make the reports of the last week or month whose hour has come; returns how many."""
        return periodic.make_due(self.runtime)

    def close_days(self) -> int:
        """Close the days whose hour has come, in provinces that have one; returns how many."""
        return days.close_due(self.runtime)

    def tidy(self) -> int:
        """Forget answers to idempotency keys and failed logins after a week, and messages, as they came or from case
        to case, a month after they were dealt with, or three after they were given up; after a day, who stands on lists
        that nobody started; and persons, when the term of their cases is over (`engine.erasure.retention`). Files that
        no case has are set aside (`engine.files.unclaimed`)."""
        retention.step(self.runtime, self.store)
        if self.store is not None:
            unclaimed.sweep(self.runtime, self.store)
        with self.runtime.begin() as unit:
            if self.store is not None:
                self.store.sweep(unit.now - KEEP_HALVES)
            arrivals.tidy(unit, unit.now - KEEP_ARRIVALS, unit.now - KEEP_UNREAD)
            correspondence.tidy(unit, unit.now - KEEP_ARRIVALS)
            imports.tidy(unit, unit.now - KEEP_LISTS)
            recounts.tidy(unit)
            before = unit.now - KEEP_ANSWERS
            answers = unit.execute(delete(inbox).where(inbox.c.created_at < before)).rowcount
            return answers + unit.execute(delete(login_failures).where(login_failures.c.at < before)).rowcount

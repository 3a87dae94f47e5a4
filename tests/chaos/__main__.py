"""`./manage chaos --minutes N`: what happens by chance and a seed, and the figures afterwards.

Real web processes and workers on a PostgreSQL (or SQLite) of their own are under load, and are killed, frozen, told a
wrong time; the database is stopped or crashes, or (SQLite's) has no room; the SMS gateway hangs, fails, or says things
twice. At the end nothing acknowledged may be missing and nothing may have happened twice. With --soak nothing is done
to them: they are watched for growth. With --surge N times as many people report as they can take in.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

import psycopg
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from engine.queues.leases import LEASE
from tests.chaos.accounts import drawn_up, unfinished
from tests.chaos.callers import Callers
from tests.chaos.gateway import MOODS, Gateway
from tests.chaos.office import Office, Process
from tests.chaos.surge import amiss, surge
from tests.embedded_pg import Server, running

BETWEEN = (1.0, 4.0)  # seconds, from one fault to the next
JUMPS = (-3600, -300, -5, 5, 90, 3600)  # seconds that a clock is wrong by
STILL_SECONDS = 180  # in which nothing moves: it never will
START_SECONDS = 240  # on a machine that is busy with other things
GROWTH = {"memory": 30.0, "files": 20, "threads": 10, "connections": 10}  # what a soak may add to each process


class Trouble:
    """Everything that can be done to an office."""

    def __init__(self, office: Office, server: Server | None, gateway: Gateway, chance: Random) -> None:
        self.office, self.server, self.gateway, self.chance = office, server, gateway, chance
        self.told: Counter[str] = Counter()
        self.recoveries: list[float] = []
        self._asleep: dict[Process, float] = {}
        self._kinds: list[Callable[[], object]] = [
            self.kill_web, self.kill_worker, self.freeze_worker, self.freeze_web, self.change_mood,
        ]  # fmt: skip
        if server is not None:  # with SQLite all are on one machine, and have its clock
            self._kinds += [self.stop_database, self.crash_database, self.move_clock]
        else:
            self._kinds.append(self.fill_disk)

    def make_some(self) -> str:
        """Returns what was done."""
        kind = self.chance.choice(self._kinds)
        kind()
        self.told[kind.__name__] += 1
        return kind.__name__

    def kill_web(self) -> None:
        self._replace(self.chance.choice(self.office.web))

    def kill_worker(self) -> None:
        self._replace(self.chance.choice(self.office.workers))

    def _replace(self, one: Process) -> None:
        self._asleep.pop(one, None)
        one.kill()
        one.start()

    def freeze_worker(self) -> None:
        """Beyond its lease, unless it is killed before."""
        self._freeze(self.chance.choice(self.office.workers), 1.2 * LEASE.total_seconds())

    def freeze_web(self) -> None:
        self._freeze(self.chance.choice(self.office.web), self.chance.uniform(1, 5))

    def _freeze(self, one: Process, seconds: float) -> None:
        if len(self._asleep) < 2:
            one.freeze()
            self._asleep[one] = time.monotonic() + seconds

    def wake_who_slept_long_enough(self, *, everyone: bool = False) -> None:
        for one in [one for one, until in self._asleep.items() if everyone or time.monotonic() >= until]:
            del self._asleep[one]
            one.wake()

    def move_clock(self) -> None:
        self.chance.choice([*self.office.web, *self.office.workers]).be_wrong_by(self.chance.choice(JUMPS))

    def change_mood(self) -> None:
        self.gateway.mood = self.chance.choice(MOODS)

    def stop_database(self) -> None:
        self._restart("stop")

    def crash_database(self) -> None:
        self._restart("crash")

    def _restart(self, how: str) -> None:
        assert self.server is not None
        getattr(self.server, how)()
        time.sleep(self.chance.uniform(0.1, 3))
        self.server.start()

    def fill_disk(self) -> None:
        self.office.fill_disk(True)
        time.sleep(self.chance.uniform(1, 5))
        self.office.fill_disk(False)

    def end(self) -> None:
        self.wake_who_slept_long_enough(everyone=True)
        self.gateway.mood = "well"
        for one in [*self.office.web, *self.office.workers]:
            one.be_wrong_by(0)

    def note_recovery(self, callers: Callers, since: float, patience: float) -> None:
        """How long until the next report was acknowledged."""
        while time.monotonic() < since + patience:
            if (after := next((at for at, _ in reversed(callers.waits) if at > since), None)) is not None:
                self.recoveries.append(after - since)
                return
            time.sleep(0.02)


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, Server | None]]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'chaos.db'}", None
        return
    with running("durable") as server:
        with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("CREATE DATABASE chaos")
        yield make_url(server.url).set(database="chaos").render_as_string(hide_password=False), server


def run(options: argparse.Namespace) -> dict[str, Any]:
    chance, gateway = Random(options.seed), Gateway()
    temporary = tempfile.TemporaryDirectory(prefix="ts-chaos-")
    with temporary as name, database(options.database, Path(name)) as (url, server):
        office = Office(url, Path(name), gateway.settings)
        try:
            if options.surge:
                return surge(office, options.surge, options.minutes * 60)
            callers = Callers(office, chance, options.callers, options.pause)
            try:
                act = soak if options.soak else torment
                return act(office, callers, gateway, server, chance, options.minutes * 60)
            finally:
                callers.stop()
        finally:
            office.close()
            gateway.close()
            if options.logs:
                for log in sorted(Path(name).glob("*.log")):
                    (options.logs / log.name).write_bytes(log.read_bytes())


def torment(office: Office, callers: Callers, gateway: Gateway, server: Server | None, chance: Random,
            seconds: float) -> dict[str, Any]:  # fmt: skip
    _wait_for_the_first(callers)
    trouble, until = Trouble(office, server, gateway, chance), time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(chance.uniform(*BETWEEN))
        trouble.wake_who_slept_long_enough()
        what = trouble.make_some()
        print(f"» {what}", file=sys.stderr, flush=True)
        trouble.note_recovery(callers, time.monotonic(), 30)
    trouble.end()
    return _finish(office, callers, gateway) | {
        "faults": dict(trouble.told), "seconds until the next report was acknowledged": _spread(trouble.recoveries),
    }  # fmt: skip


def soak(office: Office, callers: Callers, gateway: Gateway, server: Server | None, chance: Random,
         seconds: float) -> dict[str, Any]:  # fmt: skip
    _wait_for_the_first(callers)
    time.sleep(min(60, seconds / 4))  # caches fill, pools grow
    first, until = _figures(office, server), time.monotonic() + seconds
    peak = first
    while time.monotonic() < until:
        time.sleep(min(10, seconds / 10))
        peak = _figures(office, server)
        print(f"» {json.dumps(peak)}", file=sys.stderr, flush=True)
    grown = {name: {what: round(peak[name][what] - first[name][what], 1) for what in first[name]} for name in first}
    too_much = [f"{name}: {what}" for name in grown for what in grown[name] if grown[name][what] > GROWTH[what]]
    return _finish(office, callers, gateway) | {"at first": first, "grown by": grown, "grown too much": too_much}


def _figures(office: Office, server: Server | None) -> dict[str, dict[str, float]]:
    found = {one.clock.stem: one.figures() for one in [*office.web, *office.workers]}
    if server is not None:
        with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
            [(count,)] = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'chaos'").fetchall()
        found["database"] = {"connections": count}
    return found


def _wait_for_the_first(callers: Callers) -> None:
    until = time.monotonic() + START_SECONDS
    while not callers.waits:
        if time.monotonic() > until:
            raise TimeoutError(f"Nobody was answered: {callers.statuses}")
        time.sleep(0.1)


def _finish(office: Office, callers: Callers, gateway: Gateway) -> dict[str, Any]:
    callers.enough.set()
    began = moved = time.monotonic()
    left = before = -1
    while left and time.monotonic() < moved + STILL_SECONDS:
        with contextlib.suppress(DBAPIError):
            left = unfinished(office.runtime)
        if left != before:
            before, moved = left, time.monotonic()
        time.sleep(0.5)
    callers.stop()
    found = drawn_up(office.runtime, callers, gateway)
    return found | {
        "unfinished": left, "seconds to finish": round(time.monotonic() - began, 1),
        "seconds a report": _spread([seconds for _, seconds in callers.waits]),
    }  # fmt: skip


def _bad(found: dict[str, Any]) -> bool:
    return any([*found["lost"].values(), *found["doubled"].values(), found["unfinished"], found.get("grown too much")])


def _spread(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {"count": len(seconds)}
    p99 = quantiles(seconds, n=100, method="inclusive")[-1]  # of few, not more than the most
    return {"count": len(seconds), "median": round(median(seconds), 3), "p99": round(p99, 3),
            "most": round(max(seconds), 3)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="./manage chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, help="1, or 30 with --soak, if left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--soak", action="store_true", help="watch for growth instead")
    parser.add_argument("--surge", type=float, metavar="N", help="N times as many reports as are taken in, instead")
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between a caller's reports")
    parser.add_argument("--logs", type=Path, help="folder for what the processes said")
    options = parser.parse_args()
    if options.logs:
        options.logs.mkdir(parents=True, exist_ok=True)  # now: not when all has been measured
    options.minutes = options.minutes or (30 if options.soak else 1)
    found = run(options)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    good = not (amiss(found) if options.surge else _bad(found))
    print("good" if good else "BAD")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

"""`./manage chaos --minutes N`: what happens by chance and a seed, and the figures afterwards.

Real web processes and workers on a PostgreSQL (or SQLite) of their own are under load, and are killed, frozen, told a
wrong time; the database is stopped, crashes or is killed, or (SQLite's) has no room; the SMS gateway hangs, fails, or
says things twice. At the end nothing acknowledged may be missing, every case must have gone its whole way once, and
after each fault somebody must have been served again. With --soak nothing is done to them: they are watched for growth.
With --surge N times as many people report as they can take in.
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
from statistics import linear_regression, median, quantiles
from typing import Any

import psycopg
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from engine.queues.leases import LEASE
from tests.chaos import surge
from tests.chaos.accounts import amiss, drawn_up, hurry, unfinished
from tests.chaos.callers import Callers
from tests.chaos.gateway import MOODS, Gateway
from tests.chaos.office import Office, Process
from tests.embedded_pg import Server, running

BETWEEN = (1.0, 4.0)  # seconds, from one fault to the next
JUMPS = (-3600, -300, -5, 5, 90, 3600)  # seconds that a clock is wrong by
STILL_SECONDS = 180  # in which nothing moves: it never will
START_SECONDS = 240  # on a machine that is busy with other things
RECOVERY_SECONDS = 60  # from a fault to the next acknowledgement: what was killed has to start, on such a machine
LEAST = 0.1  # of what callers would report if each were answered within a second: fewer, and not much was tried
GROWTH = {"memory": 30.0, "files": 20, "threads": 10, "connections": 10}  # what a soak may add to each process


class Trouble:
    """Everything that can be done to an office."""

    def __init__(self, office: Office, server: Server | None, gateway: Gateway, options: argparse.Namespace,
                 chance: Random) -> None:  # fmt: skip
        self.office, self.server, self.gateway, self.chance = office, server, gateway, chance
        self._lease = options.lease
        self.told: Counter[str] = Counter()
        self.recoveries: list[float] = []
        self.unrecovered: Counter[str] = Counter()
        self._asleep: dict[Process, float] = {}
        self._kinds: list[Callable[[], object]] = [
            self.kill_web, self.kill_worker, self.freeze_worker, self.freeze_web, self.change_mood,
        ]  # fmt: skip
        if server is not None:  # with SQLite all are on one machine, and have its clock
            self._kinds += [self.stop_database, self.crash_database, self.kill_database, self.move_clock]
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
        self._freeze(self.chance.choice(self.office.workers), 1.2 * self._lease)

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

    def kill_database(self) -> None:
        self._restart("kill")

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

    def note_recovery(self, what: str, callers: Callers) -> None:
        """How long until the next report was acknowledged."""
        since = time.monotonic()
        while time.monotonic() < since + RECOVERY_SECONDS:
            self.wake_who_slept_long_enough()  # both web processes may sleep
            if (after := next((at for at, _ in reversed(callers.waits) if at > since), None)) is not None:
                self.recoveries.append(after - since)
                return
            time.sleep(0.02)
        self.unrecovered[what] += 1


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
        office = Office(url, Path(name), gateway.settings, options.lease)
        try:
            if options.surge:
                return surge.surge(office, options.surge, options.minutes * 60)
            callers = Callers(office, chance, options.callers, options.pause)
            try:
                act = soak if options.soak else torment
                found = act(office, callers, server, gateway, options, chance)
                found["to be acknowledged at least"] = _least(options)
                return _finish(office, callers, gateway, options.grace) | found
            finally:
                callers.stop()
        finally:
            office.close()
            gateway.close()
            if options.logs:
                for log in sorted(Path(name).glob("*.log")):
                    (options.logs / log.name).write_bytes(log.read_bytes())


def torment(office: Office, callers: Callers, server: Server | None, gateway: Gateway, options: argparse.Namespace,
            chance: Random) -> dict[str, Any]:  # fmt: skip
    _wait_for_the_first(callers)
    trouble, until = Trouble(office, server, gateway, options, chance), time.monotonic() + options.minutes * 60
    while time.monotonic() < until:
        time.sleep(chance.uniform(*BETWEEN))
        trouble.wake_who_slept_long_enough()
        what = trouble.make_some()
        print(f"» {what}", file=sys.stderr, flush=True)
        trouble.note_recovery(what, callers)
    trouble.end()
    return {
        "faults": dict(trouble.told), "not recovered from": dict(trouble.unrecovered),
        "seconds until the next report was acknowledged": _spread(trouble.recoveries),
    }  # fmt: skip


def soak(office: Office, callers: Callers, server: Server | None, _gateway: Gateway, options: argparse.Namespace,
         _chance: Random) -> dict[str, Any]:  # fmt: skip
    seconds = options.minutes * 60
    _wait_for_the_first(callers)
    time.sleep(min(60, seconds / 4))  # caches fill, pools grow
    until = time.monotonic() + seconds
    looks = [(time.monotonic(), _figures(office, server))]
    while time.monotonic() < until:
        time.sleep(min(10, seconds / 10))
        looks.append((time.monotonic(), _figures(office, server)))
        print(f"» {json.dumps(looks[-1][1])}", file=sys.stderr, flush=True)
    return growth(looks)


def growth(looks: list[tuple[float, dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """By how much each process had grown when it was largest, and how its memory went in the second half.

    Args:
        looks: instants in seconds, and what each process had then.
    """
    _, first = looks[0]
    most = {name: {what: max(found[name][what] for _, found in looks) for what in first[name]} for name in first}
    grown = {name: {what: round(most[name][what] - first[name][what], 1) for what in first[name]} for name in first}
    late = looks[len(looks) // 2 :]
    hours = [at / 3600 for at, _ in late]
    slopes = {
        name: round(linear_regression(hours, [found[name]["memory"] for _, found in late]).slope, 1)
        for name in first if "memory" in first[name] and len(late) > 1
    }  # fmt: skip
    too_much = [f"{name}: {what}" for name in grown for what in grown[name] if grown[name][what] > GROWTH[what]]
    return {"at first": first, "at most": most, "grown by at most": grown, "grown too much": too_much,
            "MB an hour in the second half": slopes}  # fmt: skip


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


def _finish(office: Office, callers: Callers, gateway: Gateway, grace: float) -> dict[str, Any]:
    """What is left finishes by itself, for so many seconds; then what waits for its next attempt is hurried."""
    callers.enough.set()
    began = time.monotonic()
    moved, left, before, hurried = began + grace, -1, -1, 0
    while left and time.monotonic() < moved + STILL_SECONDS:
        with contextlib.suppress(DBAPIError):
            if time.monotonic() > began + grace:
                hurried += hurry(office.runtime)
            left = unfinished(office.runtime)
        if left != before:
            before, moved = left, max(moved, time.monotonic())
        time.sleep(0.5)
    callers.stop()
    return drawn_up(office.runtime, callers, gateway) | {
        "unfinished": left, "hurried": hurried, "seconds to finish": round(time.monotonic() - began, 1),
        "seconds a report": _spread([seconds for _, seconds in callers.waits]),
    }  # fmt: skip


def _least(options: argparse.Namespace) -> int:
    """Reports, and tasks, that have to be acknowledged for a run to have said anything."""
    return max(1, round(LEAST * options.callers * options.minutes * 60 / (options.pause + 1)))


def _spread(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {"count": len(seconds)}
    p99 = quantiles(seconds, n=100, method="inclusive")[-1]  # of few, not more than the most
    return {"count": len(seconds), "median": round(median(seconds), 3), "p99": round(p99, 3),
            "most": round(max(seconds), 3)}  # fmt: skip


def read(arguments: list[str] | None = None) -> argparse.Namespace:
    """Args:
    arguments: those that were typed, if left out.
    """
    parser = argparse.ArgumentParser(prog="./manage chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, help="1, or 30 with --soak, if left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--soak", action="store_true", help="watch for growth instead")
    parser.add_argument("--surge", type=float, metavar="N", help="N times as many reports as are taken in, instead")
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between a caller's reports")
    parser.add_argument("--lease", type=float, default=LEASE.total_seconds(), metavar="SECONDS",
                        help="that a dead worker holds what it did; 60, as always, if left out")  # fmt: skip
    parser.add_argument("--grace", type=float, default=90, metavar="SECONDS",
                        help="in which what is left at the end has to finish by itself; then its next attempts are "
                        "made at once")  # fmt: skip
    parser.add_argument("--logs", type=Path, help="folder for what the processes said")
    options = parser.parse_args(arguments)
    options.minutes = options.minutes or (30 if options.soak else 1)
    return options


def main() -> None:
    options = read()
    if options.logs:
        options.logs.mkdir(parents=True, exist_ok=True)  # now: not when all has been measured
    found = run(options)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    wrong = surge.amiss(found) if options.surge else amiss(found)
    for line in wrong:
        print(line)
    print("BAD" if wrong else "good")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

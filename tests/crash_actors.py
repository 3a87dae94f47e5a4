"""Processes that live dangerously: web processes and workers on one database, killed at any moment and replaced.

    python -m tests.crash_actors URL FOLDER CASES KILLS

It deploys `tests.crash_type`, lets the actors run until so many reports were acknowledged and so many actors killed
with SIGKILL, then lets the rest finish undisturbed. A few workers are not killed but stopped for longer than their
leases, and wake up believing that they still hold them. What an actor was told by the database or told to the world it
writes down in the folder *afterwards*, as a citizen or a gateway would remember it: `test_crash` compares that with
the database. (It is a program of its own so that it can fork: pytest has threads.)
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import tomllib
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select

from engine import intake, model, packages, tasks
from engine.errors import WrongState
from engine.notifiers import Message, Receipt
from engine.people.access import Account
from engine.queues.leases import is_conflict
from engine.runtime import Runtime
from engine.storage.database import connect
from engine.work.worker import Worker
from tests import crash_type

WORKERS, WEB = 3, 3
LEASE = timedelta(seconds=2)
BETWEEN_KILLS = (0.01, 0.1)  # seconds
WATCHER = "CRASH_TEST_WATCHER"
STOPS = 4
FINISH_SECONDS = 120
IDLE_SECONDS = 0.02
TASKS_SEEN = 10

Actor = Callable[[Runtime, Path, Random], None]

CLERK = Account(1, "tiep", "Tiếp", "operator", crash_type.DESK, "74")
PEOPLE = (CLERK, Account(2, "huyen", "Huyện", "handler", crash_type.DISTRICT, "74"))


def open_runtime(url: str) -> Runtime:
    return Runtime(connect(url), lambda: datetime.now(UTC))


class Diary:
    """What one actor remembers. A line is written by one system call: it is there whole, or not at all."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = os.open(folder / f"{name}.{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


def read(folder: Path, name: str) -> list[str]:
    """All lines that actors have written into diaries of this name."""
    return [line for path in sorted(folder.glob(f"{name}.*")) for line in path.read_text().splitlines()]


# -- the actors ------------------------------------------------------------------------------------------------------


def be_a_worker(runtime: Runtime, folder: Path, chance: Random) -> None:
    worker = as_a_worker(runtime, folder, chance)
    while _is_watched():
        if not worker.tick():
            time.sleep(IDLE_SECONDS)


def as_a_worker(runtime: Runtime, folder: Path, chance: Random) -> Worker:
    sent, asked = Diary(folder, "sent"), Diary(folder, "asked")

    class Gateway:
        def send(self, message: Message) -> Receipt:
            _take_a_moment()
            sent.note(message.key)
            _take_a_moment()
            return Receipt()

    def look_up(payload: dict[str, Any], key: str) -> dict[str, Any]:
        _take_a_moment()
        asked.note(key)
        _take_a_moment()
        return {"found": payload["so"]}

    return Worker(runtime, {"sms": Gateway()}, {crash_type.TOPIC: look_up}, lease=LEASE, jitter=chance)


def _is_watched() -> bool:
    """Nobody lives on when the one who started them has been killed."""
    return os.getppid() == int(os.environ[WATCHER])


def _take_a_moment() -> None:
    """As the world does, so that one can be killed just before, or just after."""
    time.sleep(0.003)


def be_a_web_process(runtime: Runtime, folder: Path, chance: Random) -> None:
    reported, completed = Diary(folder, "reported"), Diary(folder, "completed")
    while _is_watched():
        try:
            if not (folder / "enough").exists() and chance.random() < 0.4:
                reported.note(_report(runtime))
            elif (task := _some_task(runtime, chance)) is None:
                time.sleep(IDLE_SECONDS)
            else:
                _complete(runtime, task)
                completed.note(str(task.id))
        except WrongState:
            pass  # somebody was faster
        except Exception as error:
            if not is_conflict(error):  # a caller would see 503 and try again
                raise


def _report(runtime: Runtime) -> str:
    reporter = intake.Person(name="Lan", phone="0901234567")
    report = intake.Report("CRASH", {"noi_dung": "Cây đổ"}, reporter=reporter)
    with runtime.begin() as unit:
        receipt = intake.receive(unit, report, by=CLERK)
    return receipt.number


def _some_task(runtime: Runtime, chance: Random) -> Any:
    with runtime.read() as unit:
        waiting = select(model.tasks).where(model.tasks.c.status == "open").order_by(model.tasks.c.id)
        found = unit.all(waiting.limit(TASKS_SEEN))
    return chance.choice(found) if found else None


def _complete(runtime: Runtime, task: Any) -> None:
    by = next(each for each in PEOPLE if each.agency == task.group)
    with runtime.begin() as unit:
        tasks.complete(unit, task.id, {"ghi_chu": "Đúng"} if task.element == "verify" else {}, by=by)


# -- who starts and kills them ---------------------------------------------------------------------------------------


def run(url: str, folder: Path, cases: int, kills: int) -> None:
    """Deploy, run, kill, and let the survivors finish.

    Raises:
        TimeoutError: something was still unfinished long after the last kill.
    """
    runtime = open_runtime(url)
    _deploy(runtime)
    _live_once(runtime, folder)
    runtime.database.dispose()  # no child may inherit a connection
    gc.freeze()  # nor copy what its parent made by looking for garbage in it
    os.environ[WATCHER] = str(os.getpid())
    crowd = Crowd(runtime, folder, Random(url))
    try:
        while (reported := len(read(folder, "reported"))) < cases or crowd.killed < kills:
            time.sleep(crowd.chance.uniform(*BETWEEN_KILLS))
            if crowd.killed * cases <= kills * reported:  # on a slow machine too, as many die as do work
                crowd.kill_one()
            if crowd.stopped * cases < STOPS * reported:
                crowd.stop_a_worker()
            crowd.wake_who_slept_long_enough()
        (folder / "enough").touch()
        crowd.wake_everyone()
        _wait_until_finished(runtime)
    finally:
        crowd.kill_all()


class Crowd:
    """The actors that are alive. Whoever is taken away is replaced at once."""

    def __init__(self, runtime: Runtime, folder: Path, chance: Random) -> None:
        self.runtime, self.folder, self.chance = runtime, folder, chance
        self.killed = self.stopped = 0
        self._alive = {self._fork(actor): actor for actor in [be_a_worker] * WORKERS + [be_a_web_process] * WEB}
        self._asleep: dict[int, float] = {}  # when to wake them

    def kill_one(self) -> None:
        victim = self.chance.choice(list(self._alive))
        self._replace(victim)
        _kill(victim)
        self.killed += 1

    def stop_a_worker(self) -> None:
        victim = self.chance.choice([child for child, actor in self._alive.items() if actor is be_a_worker])
        os.kill(victim, signal.SIGSTOP)
        self._replace(victim)
        self._asleep[victim] = time.monotonic() + 1.3 * LEASE.total_seconds()
        self.stopped += 1

    def wake_who_slept_long_enough(self) -> None:
        for child in [child for child, until in self._asleep.items() if time.monotonic() >= until]:
            self._wake(child)

    def wake_everyone(self) -> None:
        for child in list(self._asleep):
            self._wake(child)

    def _wake(self, child: int) -> None:
        del self._asleep[child]
        self._alive[child] = be_a_worker
        os.kill(child, signal.SIGCONT)

    def kill_all(self) -> None:
        for child in [*self._alive, *self._asleep]:
            _kill(child)

    def _replace(self, child: int) -> None:
        actor = self._alive.pop(child)
        self._alive[self._fork(actor)] = actor

    def _fork(self, actor: Actor) -> int:
        seed = self.chance.random()
        child = os.fork()
        if child:
            return child
        try:
            actor(self.runtime, self.folder, Random(seed))
        except BaseException:
            Diary(self.folder, "errors").note(traceback.format_exc())
        os._exit(0)


def _deploy(runtime: Runtime) -> None:
    with runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(crash_type.PROVINCE))
        packages.deploy(unit, crash_type.FILES, by="test")


def _live_once(runtime: Runtime, folder: Path) -> None:
    """Receive a report and take it as far as it goes at once: what that parses and compiles, every actor has then from
    its birth, and is killed at its work."""
    chance = Random(0)
    Diary(folder, "reported").note(_report(runtime))
    worker, completed = as_a_worker(runtime, folder, chance), Diary(folder, "completed")
    for _ in range(20):
        while worker.tick():
            pass
        if task := _some_task(runtime, chance):
            _complete(runtime, task)
            completed.note(str(task.id))


def _wait_until_finished(runtime: Runtime) -> None:
    for _ in range(int(FINISH_SECONDS / 0.1)):
        with runtime.read() as unit:
            running = unit.scalar(select(func.count()).where(model.instances.c.finished_at.is_(None)))
            owed = unit.scalar(select(func.count()).where(model.outbox.c.state.in_(["ready", "leased"])))
            due = unit.scalar(select(func.count()).where(model.jobs.c.state != "incident"))
        if running + owed + due == 0:
            return
        time.sleep(0.1)
    raise TimeoutError(f"{running} cases unfinished, {owed} messages unsent, {due} jobs not done")


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))

"""What the machinery does to us: the database is restarted, the disk is full, a node sleeps. Nothing acknowledged is
lost, nothing happens twice, and it goes on by itself. Longer, with real processes: `./manage chaos`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, make_url, select
from sqlalchemy.exc import OperationalError

from engine import model, packages
from engine.files import attachments
from engine.people import accounts
from engine.runtime import Runtime
from engine.storage import connections, outages
from engine.work.worker import Worker
from tests import databases
from tests.clock import Clock
from tests.crash_type import DESK, FILES, PROVINCE
from tests.embedded_pg import Server, running
from tests.sources import ROOT
from webapi import auth, create_app
from webapi.worker import Metronome

PAGE = 8192  # bytes
PATIENCE = 240  # seconds
REPORT = {"report_type": "CRASH", "answers": {"noi_dung": "Cây đổ"}, "reporter": {"phone": "0912345678"}}


class Office:
    """An application and who may send reports to it."""

    def __init__(self, url: str, folder: Path, clock: Any) -> None:
        self.app: Flask = create_app({"DATABASE": url, "INSTANCE": str(folder), "CLOCK": clock})
        self.runtime: Runtime = auth.runtime_of(self.app)
        with self.runtime.begin() as unit:
            packages.load_province(unit, tomllib.loads(PROVINCE))
            packages.deploy(unit, FILES, by="test")
            accounts.create(unit, {"login": "tiep", "name": "Tiếp", "role": "operator", "agency": DESK}, None)
            token = accounts.issue(unit, accounts.account(unit, "tiep"), "test").token
        self.headers = {"Authorization": f"Bearer {token}"}

    def report(self, key: str) -> Any:
        headers = self.headers | {"Idempotency-Key": key}
        return self.app.test_client().post("/api/v1/reports", json=REPORT, headers=headers)

    def rows(self, table: Any) -> list[Any]:
        with self.runtime.read() as unit:
            return unit.all(select(table).order_by(*table.primary_key))

    def close(self) -> None:
        self.runtime.database.dispose()


# -- the database is restarted -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL of its own, which may be stopped."""
    with running("durable") as server:
        yield server


@pytest.fixture
def restarted(server: Server, tmp_path: Path) -> Iterator[Office]:
    office = _office_of(server, tmp_path)
    yield office
    office.close()


def _office_of(server: Server, tmp_path: Path) -> Office:
    name = f"office_{tmp_path.parent.name}_{tmp_path.name}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # thrown away with its server
    url = make_url(server.url).set(database=name).render_as_string(hide_password=False)
    databases.make_tables(url)
    return Office(url, tmp_path, lambda: datetime.now(UTC))


def _plain(server: Server) -> str:
    return server.url.replace("+psycopg", "")


class Callers:
    """Citizens who send their report again, with the same key, until it is acknowledged."""

    def __init__(self, office: Office, number: int) -> None:
        self.acknowledged: dict[str, str] = {}
        self.answers: list[Any] = []
        self._office, self._enough = office, Event()
        self._threads = [Thread(target=self._call, args=(name,)) for name in range(number)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, number: int = 4) -> None:
        before, until = len(self.acknowledged), monotonic() + PATIENCE
        while len(self.acknowledged) < before + number:
            assert monotonic() < until, [answer.text for answer in self.answers[-3:]]
            sleep(0.01)

    def _call(self, name: int) -> None:
        count = 0
        while not self._enough.is_set():
            answer = self._office.report(f"{name}-{count}")
            self.answers.append(answer)
            if answer.status_code == 201:
                self.acknowledged[f"{name}-{count}"] = answer.json["number"]
                count += 1
            else:
                sleep(0.01)


def test_the_database_may_be_restarted_while_web_and_worker_run(restarted: Office, server: Server) -> None:
    metronome = Metronome(Worker(restarted.runtime, {}))
    metronome.start()
    try:
        with Callers(restarted, 3) as callers:
            for down in (server.stop, server.crash):
                callers.wait_for_more()
                down()
                sleep(0.2)
                server.start()
            callers.wait_for_more()
    finally:
        metronome.stop()

    refused = [answer for answer in callers.answers if answer.status_code != 201]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json["type"] for answer in refused} == {"/problems/database-away"}
    assert {answer.headers["Retry-After"] for answer in refused} == {"3"}
    assert sorted(callers.acknowledged.values()) == sorted(case.number for case in restarted.rows(model.cases))
    assert restarted.rows(model.incidents) == []


def test_one_refusal_is_enough_to_let_go_of_every_dead_connection(
    restarted: Office, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 3600)  # however slow this machine is
    with ThreadPoolExecutor(4) as pool:
        assert {answer.status_code for answer in pool.map(restarted.report, "abcd")} == {201}
        with restarted.runtime.read():  # put back after the refusal, and never asked anything
            server.crash()
            server.start()
            assert restarted.report("e").status_code == 503
        assert [answer.text for answer in pool.map(restarted.report, "efgh") if answer.status_code != 201] == []
    assert len(restarted.rows(model.cases)) == 8


# -- the disk is full --------------------------------------------------------------------------------------------------


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Office]:
    """On SQLite, whose file can be kept from growing."""
    office = Office(sqlite_url, tmp_path, clock)
    yield office
    office.close()


@contextmanager
def full_disk(office: Office) -> Iterator[None]:
    """No page more than there are now: SQLite then says what it says when the disk is full."""

    def limit(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1").close()  # fewer than there are means as many as there are

    office.close()  # what it has connected already is not asked again
    event.listen(office.runtime.database, "checkout", limit)
    try:
        yield
    finally:
        event.remove(office.runtime.database, "checkout", limit)
        office.close()


def test_a_full_disk_is_said_leaves_nothing_half_done_and_goes_on_when_there_is_room(
    small: Office, clock: Clock
) -> None:
    with full_disk(small):
        answers = [small.report(f"key-{n}") for n in range(40)]
        refused = [n for n, answer in enumerate(answers) if answer.status_code != 201]
        there = small.rows(model.cases)

    assert refused  # the pages that were there already held some
    said = answers[refused[0]]
    assert (said.status_code, said.json["type"], said.headers["Retry-After"]) == (507, "/problems/no-room", "60")
    assert "nothing was kept" in said.json["detail"] and "đã đầy" in said.json["detail"]
    assert [case.number for case in there] == [a.json["number"] for a in answers if a.status_code == 201]
    assert len(small.rows(model.instances)) == len(there) == len(small.rows(model.tasks))
    again = [small.report(f"key-{n}") for n in range(40)]
    assert {answer.status_code for answer in again} == {201}
    assert len({case.number for case in small.rows(model.cases)}) == 40


def test_a_file_that_may_not_grow_is_a_full_disk_too(sqlite_url: str) -> None:
    """A quota: SQLite then does not say that the disk is full, but that it could not write (SQLITE_IOERR_WRITE)."""
    asked = f"""
import resource
from sqlalchemy import text
from engine.storage import outages
from engine.storage.database import connect
database = connect({sqlite_url!r})
with database.execution_options(writes=True).begin() as connection:
    connection.execute(text("CREATE TABLE t (x)"))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with database.execution_options(writes=True).begin() as connection:
        for _ in range(1_000):
            connection.execute(text("INSERT INTO t VALUES (zeroblob(10000))"))
except Exception as error:
    print(outages.kind(error), error.orig.sqlite_errorname)
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["full", "SQLITE_IOERR_WRITE"], done.stderr


def test_a_worker_on_a_full_disk_waits_and_counts_no_attempt(small: Office, clock: Clock) -> None:
    for n in range(20):
        small.report(f"key-{n}")
    clock.advance("1 hour")  # the cases' warnings and breaches fall due
    worker = Worker(small.runtime, {})
    hindered = 0
    with full_disk(small):
        assert 507 in [small.report(f"more-{n}").status_code for n in range(20)]
        for _ in range(10):  # three attempts would be an incident
            try:
                worker.work()
            except Exception as error:
                assert outages.kind(error) == outages.FULL
                hindered += 1
            clock.advance("1 minute")
        held = small.rows(model.jobs)

    assert small.rows(model.incidents) == []
    assert hindered and held
    worker.drain()
    assert small.rows(model.jobs) == [] == small.rows(model.incidents)


def test_a_file_for_which_there_is_no_room_is_refused_and_nothing_of_it_stays(
    small: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = small.report("key").json["number"]

    def send() -> Any:
        form = {"file": (BytesIO(b"giay to"), "giay-to.txt")}
        return small.app.test_client().post(f"/api/v1/cases/{number}/attachments", data=form, headers=small.headers)

    def no_room(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(attachments.os, "fsync", no_room)
        refused = send()

    assert (refused.status_code, refused.json["type"]) == (507, "/problems/no-room")
    assert [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()] == []
    assert small.rows(model.attachments) == []
    assert send().status_code == 201


class Disk:
    """Where PostgreSQL has its tables and its log; somebody else fills it up."""

    def __init__(self, data: str) -> None:
        self._ballast = Path(data) / "somebody-elses"

    def fill(self) -> None:
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(PAGE))

    def make_room(self) -> None:
        self._ballast.unlink()


@pytest.fixture(scope="module")
def cramped() -> Iterator[Server]:
    """A PostgreSQL on a disk of its own."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(running("durable", "small"))
        except RuntimeError as error:
            pytest.skip(f"Only root may mount a disk that can be filled, and not in every container: {error}")


@pytest.fixture
def full(cramped: Server, tmp_path: Path) -> Iterator[tuple[Office, Disk]]:
    with psycopg.connect(_plain(cramped)) as connection:
        disk = Disk(connection.execute("SHOW data_directory").fetchone()[0])
    office = _office_of(cramped, tmp_path)
    yield office, disk
    office.close()


def test_postgresql_on_a_full_disk_says_so_loses_nothing_and_goes_on_when_there_is_room(
    full: tuple[Office, Disk],
) -> None:
    office, disk = full
    worker = Worker(office.runtime, {})
    there = [office.report(f"before-{n}").json["number"] for n in range(3)]
    disk.fill()
    answers = [office.report(f"key-{n}") for n in range(20)]
    for _ in range(4):  # three attempts would be an incident
        with suppress(OperationalError):
            worker.work()
    there += [answer.json["number"] for answer in answers if answer.status_code == 201]
    said = [answer for answer in answers if answer.status_code != 201]

    assert said and {(one.status_code, one.json["type"]) for one in said} == {(507, "/problems/no-room")}
    assert [case.number for case in office.rows(model.cases)] == there
    disk.make_room()
    assert {office.report(f"key-{n}").status_code for n in range(20)} == {201}
    worker.drain()
    assert len({case.number for case in office.rows(model.cases)}) == 3 + 20
    assert office.rows(model.incidents) == []


def test_postgresql_that_cannot_write_its_log_stops_and_has_all_that_was_acknowledged_when_it_is_started(
    full: tuple[Office, Disk], cramped: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 3600)  # however slow this machine is
    office, disk = full
    there = [office.report(f"before-{n}").json["number"] for n in range(3)]
    disk.fill()
    with suppress(psycopg.OperationalError), psycopg.connect(_plain(cramped), autocommit=True) as connection:
        while True:  # a log file after another, until there is no room for the next
            connection.execute("SELECT pg_switch_wal(), txid_current()")
    said = office.report("key")

    assert (said.status_code, said.json["type"]) == (503, "/problems/database-away")
    disk.make_room()
    cramped.stop()  # if it has not given up by itself
    cramped.start()
    there.append(office.report("key").json["number"])
    assert [case.number for case in office.rows(model.cases)] == there
    assert office.rows(model.incidents) == []

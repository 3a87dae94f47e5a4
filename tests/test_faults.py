"""What the machinery does to us: the database is restarted, the disk is full, a node sleeps. Nothing acknowledged is
lost, nothing happens twice, and it goes on by itself. Longer, with real processes: `./manage chaos`."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, make_url, select, update

from engine import accounts, attachments, model, outages, packages, schema
from engine.database import connect
from engine.runtime import Runtime
from engine.worker import Worker
from tests import databases
from tests.clock import Clock
from tests.crash_type import DESK, FILES, PROVINCE
from tests.embedded_pg import Server, running
from webapi import auth, create_app
from webapi.worker import Metronome

PATIENCE = 20  # seconds
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
            return unit.all(select(table).order_by(table.c.id))

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
    name = f"office_{tmp_path.parent.name}_{tmp_path.name}"
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # thrown away with its server
    url = make_url(server.url).set(database=name).render_as_string(hide_password=False)
    databases.make_tables(url)
    office = Office(url, tmp_path, lambda: datetime.now(UTC))
    yield office
    office.close()


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


def test_one_refusal_is_enough_to_let_go_of_every_dead_connection(restarted: Office, server: Server) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {answer.status_code for answer in pool.map(restarted.report, "abcd")} == {201}
        server.crash()
        server.start()

        first = restarted.report("e")

        assert first.status_code == 503
        assert [answer.text for answer in pool.map(restarted.report, "efgh") if answer.status_code != 201] == []
    assert len(restarted.rows(model.cases)) == 8

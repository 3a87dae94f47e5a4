"""Who begins while somebody else has the database waits, says so, and goes on."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from engine.storage import database, outages
from webapi import worker
from webapi.cli import main
from webapi.commands import patience


@pytest.mark.parametrize("command", [("db", "upgrade"), ("worker",)])
def test_who_begins_while_the_database_is_locked_waits_and_goes_on(
    sqlite_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    begun, told = [], Event()
    monkeypatch.setattr(worker, "run", lambda *_: begun.append(1))
    monkeypatch.setattr(patience.time, "sleep", lambda _: told.set() or told.wait(0.01))
    environment = {"THONGSUOT_DATABASE": sqlite_url, "THONGSUOT_INSTANCE": str(tmp_path)}

    with closing(sqlite3.connect(str(make_url(sqlite_url).database), check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")

        def let_go() -> None:
            assert told.wait(60) and not begun
            other.rollback()

        thread = Thread(target=let_go)
        thread.start()
        done = CliRunner().invoke(main, command, env=environment)
        thread.join()

    assert done.exit_code == 0 and (command != ("worker",) or begun), done.output
    assert told.is_set()


def test_waiting_is_said_once_for_each_reason_and_other_refusals_are_not_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience.time, "sleep", lambda _: None)
    caplog.set_level(logging.INFO, "webapi")
    locked, away = sqlite3.OperationalError("database is locked"), sqlite3.OperationalError("unable to open")
    locked.sqlite_errorcode, away.sqlite_errorcode = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN
    answers: list[Any] = [locked, locked, locked, "done"]

    def do(begun: Callable[[], None]) -> str:
        begun()
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise OperationalError("BEGIN", None, answer)
        return str(answer)

    assert patience.wait_for(do, outages.BUSY) == "done"
    assert [record.getMessage() for record in caplog.records] == [
        "The database cannot be used yet (OperationalError: database is locked): waiting.", "The database serves us.",
    ]  # fmt: skip
    answers[:] = [away]
    with pytest.raises(OperationalError):
        patience.wait_for(do, outages.BUSY, outages.AWAY)


def test_that_a_statement_waits_for_others_is_said_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SOON", 0.0)
    said = Event()
    monkeypatch.setattr(patience.log, "warning", lambda text, **_: said.set())

    assert patience.wait_for(lambda _: said.wait(60))


def test_nobody_says_they_wait_who_are_at_work_themselves(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SOON", 0.05)
    patience.wait_for(lambda begun: begun() or Event().wait(0.2))
    assert caplog.messages == []
    patience.wait_for(lambda _: Event().wait(0.2))
    assert caplog.messages == [patience.TAKEN]


def test_the_key_of_whoever_is_first_to_write_is_noted_by_any_command(sqlite_url: str, tmp_path: Any) -> None:
    environment = {"THONGSUOT_DATABASE": sqlite_url, "THONGSUOT_INSTANCE": str(tmp_path)}
    add = ("user", "add", "sep", "--name", "Sếp", "--role", "admin", "--no-password")
    for noted, *commands in ((0, ("db", "upgrade"), ("audit", "verify"), ("user", "list")), (1, add)):
        for command in commands:
            assert CliRunner().invoke(main, command, env=environment).exit_code == 0
        with closing(sqlite3.connect(str(make_url(sqlite_url).database))) as there:
            assert there.execute("SELECT count(*) FROM data_keys").fetchone() == (noted,)

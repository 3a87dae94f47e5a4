"""How often a call waits for PostgreSQL: each exchange wakes another process, which costs more than what is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from engine.storage import wire
from tests.hotline import Hotline
from webapi import auth


@pytest.fixture
def waits(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """How often a call waits."""
    database = auth.runtime_of(hotline.app).database
    if database.dialect.name == "sqlite":
        pytest.skip("SQLite is in our own process")
    counted: list[str] = []

    def sync(libpq: Any) -> Any:
        counted.append("exchange")
        return synced(libpq)

    synced = wire._sync
    monkeypatch.setattr(wire, "_sync", sync)
    event.listen(database, "before_cursor_execute", lambda *_: counted.append("statement"))

    def count(call: Callable[[], Any]) -> int:
        counted.clear()
        call()
        return len(counted)

    return count


def test_a_report_takes_three_exchanges(hotline: Hotline, waits: Callable[[Callable[[], Any]], int]) -> None:
    hotline.receives()  # once, so that the server has seen the caller and read the report type

    # its number, place and version; whom to tell that it has come in; everything written, and the commit
    assert waits(hotline.receives) == 3


def test_a_task_is_completed_in_two_exchanges(hotline: Hotline, waits: Callable[[Callable[[], Any]], int]) -> None:
    hotline.assigned()
    task = hotline.task("truc", hotline.receives())
    answers = {"answers": {"lead_agency": "ubnd_74_718"}}

    assert waits(lambda: hotline.as_("truc").post(f"/tasks/{task['id']}/complete", answers)) == 2

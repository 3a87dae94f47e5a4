"""Cases without a process behind them, for tests of what lies beneath the corridor: jobs, outbox, incidents."""

from __future__ import annotations

import json
import zlib
from typing import Any

from sqlalchemy import insert, select

from engine import model
from engine.queues import jobs
from engine.runtime import Runtime
from tests.clock import Clock
from tests.drawing import package

ONLY_A_NAME = package("start s ; user a ; tell t ; end e ; s -> a -> t -> e")


def open_case(runtime: Runtime, number: str = "1022.BD.20210903.00001", phone: str | None = "+84901234567") -> int:
    """A case of a report type that is only a name, with a reporter who has (or has not) a telephone."""
    with runtime.begin() as unit:
        if unit.first(select(model.provinces)) is None:
            unit.execute(insert(model.provinces), {"code": "74", "name": "Bình Dương", "short": "BD", "settings": {}})
            unit.execute(insert(model.definitions), {
                "id": 1, "key": "BDTT", "version": 1, "checksum": "", "warnings": [],
                "files": zlib.compress(json.dumps(ONLY_A_NAME).encode()),
                "created_at": unit.now, "created_by": "test",
            })  # fmt: skip
            unit.execute(insert(model.agencies), {
                "key": "tongdai_74", "province": "74", "name": "Tổng đài 1022", "kind": "desk",
                "phone": "+842743123456", "email": "1022@example.test",
            })  # fmt: skip
        case_id = unit.scalar(insert(model.cases).returning(model.cases.c.id), {
            "number": number, "definition_id": 1, "report_type": "BDTT", "province": "74", "channel": "phone",
            "secrecy": "C2", "report": {}, "status": "moi", "opened_at": unit.now, "opened_by": "test",
            "secret_hash": "",
        })  # fmt: skip
        unit.execute(insert(model.instances), {"case_id": case_id, "definition_id": 1, "state": b"", "revision": 0})
        unit.execute(insert(model.people), {"id": case_id, "case_id": case_id, "part": "reporter", "phone": phone})
    return int(case_id)


def history(runtime: Runtime, case_id: int) -> list[str]:
    """The kinds of a case's events, oldest first."""
    return [row.kind for row in rows(runtime, model.events) if row.case_id == case_id]


def rows(runtime: Runtime, table: Any) -> list[Any]:
    with runtime.read() as unit:
        return unit.all(select(table).order_by(*table.primary_key.columns))


def arm(runtime: Runtime, case_id: int, token: int = 1, after: str = "0 seconds", priority: int = jobs.NORMAL) -> None:
    clock = Clock(runtime.clock())
    clock.advance(after)
    with runtime.begin() as unit:
        jobs.put(unit, case_id, token, "timer", clock.now, priority=priority)

"""A deadline comes near, or passes: the case and its task are marked, and those who must act are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from engine import mail
from engine.errors import Suspended
from engine.language.texts import time_left
from engine.model import agencies, cases, deadlines, tasks
from engine.places import areas
from engine.runtime import Unit
from engine.storage.prepared import Prepared

NEAR, PASSED = "I02", "I03"  # the province's texts for an agency, where it has them
WHOLE, NOBODY_YET = "toàn bộ vụ việc", "chưa phân công"


_DEADLINE = Prepared(
    select(deadlines).where(
        deadlines.c.case_id == bindparam("case"),
        deadlines.c.name == bindparam("name"),
        deadlines.c.token == bindparam("token"),
    )
)
_TASK = Prepared(select(tasks).where(tasks.c.case_id == bindparam("case"), tasks.c.token == bindparam("token")))
_MARK = {
    (table, column): Prepared(update(table).where(table.c.id == bindparam("key")).values({column: bindparam("at")}))
    for table, column in ((cases, "warned_at"), (cases, "breached_at"), (tasks, "warned_at"))
}
_MARK[tasks, "breached_at"] = Prepared(update(tasks).where(tasks.c.id == bindparam("key")).values(
    breached_at=bindparam("at"), breached_in=bindparam("version")))  # fmt: skip


def warn(unit: Unit, job: Any, case: Row[Any]) -> None:
    """80 % of the term is over (or whatever part the type says).

    Args:
        case: its row, locked.
    """
    _mark(unit, job, case, "warned_at", "deadline-near", NEAR)


def breach(unit: Unit, job: Any, case: Row[Any]) -> None:
    """The term is over: the office hears of it too."""
    _mark(unit, job, case, "breached_at", "deadline-passed", PASSED)


def _mark(unit: Unit, job: Any, case: Row[Any], column: str, event: str, text: str) -> None:
    asked = {"case": job.case_id, "token": job.token}
    task = unit.later(_TASK, asked) if job.token else []  # a token of 0 is the whole case's
    deadline = unit.first(_DEADLINE, asked | {"name": job.payload["deadline"]})
    if deadline is None or deadline.settled_at is not None:
        return
    if case.suspended_at is not None:
        raise Suspended(f"The case {case.number} is suspended.")
    table, marked = (tasks, task[0]) if task else (cases, case)
    late_task = {"version": case.definition_id} if task and column == "breached_at" else {}
    unit.write(_MARK[table, column], {"key": marked.id, "at": unit.now} | late_task)
    unit.record(case.id, event, "system", deadline.name, due_at=deadline.due_at.isoformat())
    responsible = task[0].group if task else case.lead_agency
    words = _words(unit, deadline, task[0].name if task else WHOLE, responsible)
    for told in dict.fromkeys([responsible, _office(unit, case) if column == "breached_at" else None]):
        if told is not None:
            key = f"{case.number}:{text}:{deadline.id}:{deadline.due_at:%Y%m%d%H%M}:{told}"
            mail.remind(unit, unit.catalogue.pinned(unit, case.definition_id), case, text, told, key, words)


def _office(unit: Unit, case: Row[Any]) -> str | None:
    there = areas.valid(unit.today, agencies)
    query = select(agencies.c.key).where(agencies.c.province == case.province, agencies.c.kind == "office", there)
    return unit.scalar(query.order_by(agencies.c.key).limit(1))


def _words(unit: Unit, deadline: Row[Any], step: str, responsible: Any) -> dict[str, Any]:
    late: timedelta = unit.now - deadline.due_at
    return {
        "buoc": step,
        "don_vi": mail.name_of(unit, responsible) or NOBODY_YET,
        "con_lai": time_left(-late),
        "qua": max(int(late.total_seconds() // 60), 0),
        "han": deadline.due_at,
    }

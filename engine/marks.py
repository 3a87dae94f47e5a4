"""A deadline comes near, or passes: the case and its task are marked, and those who must act are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from engine import areas, mail
from engine.errors import Suspended
from engine.model import agencies, cases, deadlines, tasks
from engine.runtime import Unit
from engine.texts import time_left

NEAR, PASSED = "I02", "I03"  # the province's texts for an agency, where it has them
WHOLE, NOBODY_YET = "toàn bộ vụ việc", "chưa phân công"


def warn(unit: Unit, job: Any) -> None:
    """80 % of the term is over (or whatever part the type says)."""
    _mark(unit, job, "warned_at", "deadline-near", NEAR)


def breach(unit: Unit, job: Any) -> None:
    """The term is over: the office hears of it too."""
    _mark(unit, job, "breached_at", "deadline-passed", PASSED)


def _mark(unit: Unit, job: Any, column: str, event: str, text: str) -> None:
    named = (deadlines.c.name == job.payload["deadline"], deadlines.c.token == job.token)
    deadline = unit.first(select(deadlines).where(deadlines.c.case_id == job.case_id, *named))
    case = unit.first(select(cases).where(cases.c.id == job.case_id))
    if deadline is None or case is None or deadline.settled_at is not None:
        return
    if case.suspended_at is not None:
        raise Suspended(f"The case {case.number} is suspended.")
    task = _task(unit, case, deadline)
    table, key = (tasks, task.id) if task else (cases, case.id)
    unit.execute(update(table).where(table.c.id == key).values({column: unit.now}))
    unit.record(case.id, event, "system", deadline.name, due_at=deadline.due_at.isoformat())
    responsible = task.group if task else case.lead_agency
    words = _words(unit, case, deadline, task, responsible)
    for told in dict.fromkeys([responsible, _office(unit, case) if column == "breached_at" else None]):
        if told is not None:
            key = f"{case.number}:{text}:{deadline.id}:{deadline.due_at:%Y%m%d%H%M}:{told}"
            mail.remind(unit, unit.catalogue.pinned(unit, case.definition_id), case, text, told, key, words)


def _task(unit: Unit, case: Row[Any], deadline: Row[Any]) -> Row[Any] | None:
    if deadline.token == 0:
        return None
    return unit.first(select(tasks).where(tasks.c.case_id == case.id, tasks.c.token == deadline.token))


def _office(unit: Unit, case: Row[Any]) -> str | None:
    there = areas.valid(areas.today(unit), agencies)
    query = select(agencies.c.key).where(agencies.c.province == case.province, agencies.c.kind == "office", there)
    return unit.scalar(query.order_by(agencies.c.key).limit(1))


def _words(unit: Unit, case: Row[Any], deadline: Row[Any], task: Row[Any] | None, responsible: Any) -> dict[str, Any]:
    late: timedelta = unit.now - deadline.due_at
    return {
        "buoc": task.name if task else WHOLE,
        "don_vi": mail.name_of(unit, responsible) or NOBODY_YET,
        "con_lai": time_left(-late),
        "qua": max(int(late.total_seconds() // 60), 0),
        "han": deadline.due_at,
    }

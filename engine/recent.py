"""A task with its case, for whoever completes it; on PostgreSQL without a look, if this process has just written them.

A step reads its case and then writes it, and PostgreSQL is another process, often another machine: the look costs as
long a wait as all the writing. So whoever is told what a step has led to leaves these rows to the next step, should it
come to the same process (`waiting`). That one computes with them, and ahead of whatever it looks at or writes it asks
for them again, locked, by the transactions that wrote them (PostgreSQL's ``xmin``). If one of them has changed since,
nothing of the step is done: it raises `Outdated`, and is done once more with a look (`webapi.auth.admit`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, Text, bindparam, case, func, literal_column, select, type_coerce

from engine.instances import CASE_COLUMNS
from engine.model import OPEN_TASK, cases, instances, tasks
from engine.runtime import Unit
from engine.storage.prepared import PerDatabase, Prepared

RECENT_MAX = 1_000  # tasks of which a process remembers the rows,
LASTS = timedelta(minutes=10)  # and for how long: they hold what people said
LEFT_MAX = 4  # tasks of a case; each is left with the whole case

_TASK_COLUMNS = [column.label(f"task_{column.name}") for column in tasks.c]
_TASK_NAMES = tasks.c.keys()
_CASE_SIZE = len(CASE_COLUMNS)
_TOGETHER = tasks.join(cases, tasks.c.case_id == cases.c.id).join(instances, instances.c.case_id == cases.c.id)
_WITH_TASK = select(*CASE_COLUMNS, *_TASK_COLUMNS).select_from(_TOGETHER)
_THIS = tasks.c.id == bindparam("task")
_FIND = _WITH_TASK.where(_THIS)
_LOCKS = {"of": [instances, cases], "key_share": True}
_LOAD, _LOAD_LOCKED = Prepared(_FIND), Prepared(_FIND.with_for_update(**_LOCKS))

_OF_CASE = (tasks.c.case_id == bindparam("case"), OPEN_TASK)
# With the state if few are left: each row has it whole.
_STATE = case((func.count().over() <= LEFT_MAX, instances.c.state))
_STATE_OF_FEW = type_coerce(_STATE, instances.c.state.type).label("state")
_FEW = (_STATE_OF_FEW if one is instances.c.state else one for one in CASE_COLUMNS)
_OPEN = select(*_FEW, *_TASK_COLUMNS).select_from(_TOGETHER).where(*_OF_CASE).order_by(tasks.c.id)
# The transactions that wrote the three rows. (SQLite has none; nor does anybody else write there.)
_WRITERS = literal_column("concat_ws(' ', tasks.xmin, cases.xmin, instances.xmin)", Text)
_LEFT = PerDatabase(sqlite=_WITH_TASK.where(*_OF_CASE), postgresql=_OPEN.add_columns(_WRITERS.label("writers")))
_TOLD = ("id", "element", "name", "form", "group", "due_at", "handed_by", "report_type", "area")
_WAITING = Prepared(
    select(*(tasks.c[name] for name in _TOLD), cases.c.province, cases.c.secrecy)
    .join(cases, cases.c.id == tasks.c.case_id)
    .where(*_OF_CASE)
    .order_by(tasks.c.id)
)
_UNCHANGED = _WRITERS == bindparam("writers", type_=Text)
_THERE = select(tasks.c.id).select_from(_TOGETHER).where(_THIS)
_STILL = PerDatabase(sqlite=_THERE, postgresql=_THERE.where(_UNCHANGED).with_for_update(**_LOCKS))


def load_with_task(unit: Unit, task_id: int) -> tuple[Row[Any], SimpleNamespace] | None:
    """The case of a task as `instances.load` gives it, and the task; ``None``: there is no such task.

    On PostgreSQL the task is as it was when the look began: if somebody was faster, the process has moved past it.

    Raises:
        Outdated: by the unit's first look, or its end: what was left is no longer so.
    """
    unit.anew()
    row = _recalled(unit, task_id) if unit.may_recall else None
    if row is not None:
        unit.has_recalled = True
        unit.sure(_STILL, {"task": task_id, "writers": row.writers})
    else:
        row = unit.first(_LOAD_LOCKED if unit.locks_rows else _LOAD, {"task": task_id})
    return None if row is None else (row, _task(row))


def waiting(unit: Unit, case_id: int) -> Iterable[Any]:
    """The open tasks of a case at the end of the unit, to be asked then; on PostgreSQL they are left to whoever
    completes one of them next."""
    if not (unit.locks_rows and unit.may_recall):
        return unit.later(_WAITING, {"case": case_id})
    left = unit.later(_LEFT, {"case": case_id})
    unit.at_end(lambda done: _keep(unit, left) if done and len(left) <= LEFT_MAX else None)
    return (_task(row, province=row.province, secrecy=row.secrecy) for row in left)


def _task(row: Row[Any], **of_case: Any) -> SimpleNamespace:
    told = row[_CASE_SIZE : _CASE_SIZE + len(_TASK_NAMES)]
    return SimpleNamespace(**dict(zip(_TASK_NAMES, told, strict=True)), **of_case)


def _recalled(unit: Unit, task_id: int) -> Row[Any] | None:
    at, row = unit.recent.pop(task_id, (unit.now, None))
    return row if unit.now - at < LASTS else None


def _keep(unit: Unit, left: list[Row[Any]]) -> None:
    for task_id, (at, _) in [*islice(unit.recent.items(), len(left) + 1)]:  # the oldest, as many as come and one more
        if unit.now - at >= LASTS or len(unit.recent) >= RECENT_MAX:
            unit.recent.pop(task_id, None)
    unit.recent |= {row.task_id: (unit.now, row) for row in left}

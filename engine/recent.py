"""A task with its case, for whoever completes it; on PostgreSQL without a look, if this process has just written them.

A step reads its case and then writes it, and PostgreSQL is another process, often another machine: the look costs as
long a wait as all the writing. So whoever is told what a step has led to leaves these rows to the next step, should it
come to the same process (`waiting`). That one computes with them, and ahead of whatever it looks at or writes it asks
for them again, locked, by the transactions that wrote them (PostgreSQL's ``xmin``). If one of them has changed since,
nothing of the step is done: it raises `Outdated`, and is done once more with a look (`webapi.auth.admit`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import Row, Text, bindparam, literal_column, select

from engine.instances import CASE_COLUMNS
from engine.model import OPEN_TASK, cases, instances, tasks
from engine.runtime import Unit
from engine.storage.prepared import PerDatabase, Prepared

RECENT_MAX = 1_000  # tasks of which a process remembers the rows,
LASTS = timedelta(minutes=10)  # and for how long: they hold what people said
LEFT_MAX = 4  # tasks of a case; each is left with the whole case

_TASK_COLUMNS = [column.label(f"task_{column.name}") for column in tasks.c]
_TASK_NAMES = tasks.c.keys()
_STATELESS = [column for column in CASE_COLUMNS if column is not instances.c.state]
_CASE_NAMES = [column.name for column in _STATELESS]
_CASE_SIZE = len(_STATELESS)
_TOGETHER = tasks.join(cases, tasks.c.case_id == cases.c.id).join(instances, instances.c.case_id == cases.c.id)
_ROWS = select(*_STATELESS, *_TASK_COLUMNS).select_from(_TOGETHER)
_WITH_TASK = _ROWS.add_columns(instances.c.state)
_THIS = tasks.c.id == bindparam("task")
_FIND = _WITH_TASK.where(_THIS)
_LOCKS = {"of": [instances, cases], "key_share": True}
_LOAD, _LOAD_LOCKED = Prepared(_FIND), Prepared(_FIND.with_for_update(**_LOCKS))

_OF_CASE = (tasks.c.case_id == bindparam("case"), OPEN_TASK)
# The transactions that wrote the three rows. (SQLite has none; nor does anybody else write there.)
_WRITERS = literal_column("concat_ws(' ', tasks.xmin, cases.xmin, instances.xmin)", Text)
_OPEN = _ROWS.where(*_OF_CASE).order_by(tasks.c.id)
_LEFT = PerDatabase(sqlite=_OPEN, postgresql=_OPEN.add_columns(_WRITERS.label("writers")))
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


class Left(NamedTuple):
    """A task with its case, for the next step.

    Attributes:
        at: when it was written.
        state: of the case's process, as that step has left it.
    """

    at: datetime
    row: Row[Any]
    state: bytes


def load_with_task(unit: Unit, task_id: int) -> tuple[Any, SimpleNamespace] | None:
    """The case of a task as `instances.load` gives it, and the task; ``None``: there is no such task.

    On PostgreSQL the task is as it was when the look began: if somebody was faster, the process has moved past it.

    Raises:
        Outdated: by the unit's first look, or its end: what was left is no longer so.
    """
    unit.anew()
    left = _recalled(unit, task_id) if unit.may_recall else None
    if left is not None:
        unit.has_recalled = True
        unit.sure(_STILL, {"task": task_id, "writers": left.row.writers})
        of_case = dict(zip(_CASE_NAMES, left.row, strict=False))
        return SimpleNamespace(**of_case, state=left.state), _task(left.row)
    row = unit.first(_LOAD_LOCKED if unit.locks_rows else _LOAD, {"task": task_id})
    return None if row is None else (row, _task(row))


def waiting(unit: Unit, case_id: int) -> Iterable[Any]:
    """The open tasks of a case at the end of the unit, to be asked then; on PostgreSQL they are left to whoever
    completes one of them next."""
    if not (unit.locks_rows and unit.may_recall):
        return unit.later(_WAITING, {"case": case_id})
    left = unit.later(_LEFT, {"case": case_id})
    unit.at_end(lambda done: _keep(unit, case_id, left) if done and len(left) <= LEFT_MAX else None)
    return (_task(row, province=row.province, secrecy=row.secrecy) for row in left)


def _task(row: Row[Any], **of_case: Any) -> SimpleNamespace:
    told = row[_CASE_SIZE : _CASE_SIZE + len(_TASK_NAMES)]
    return SimpleNamespace(**dict(zip(_TASK_NAMES, told, strict=True)), **of_case)


def _recalled(unit: Unit, task_id: int) -> Left | None:
    left: Left | None = unit.recent.pop(task_id, None)
    return left if left is not None and unit.now - left.at < LASTS else None


def _keep(unit: Unit, case_id: int, rows: list[Row[Any]]) -> None:
    revision, state = unit.states.get(case_id, (0, None))
    for task_id, left in [*islice(unit.recent.items(), len(rows) + 1)]:  # the oldest, as many as come and one more
        if unit.now - left.at >= LASTS or len(unit.recent) >= RECENT_MAX:
            unit.recent.pop(task_id, None)
    if state is not None:  # of that revision: a step that was undone, or moved to another version, has left another
        unit.recent |= {row.task_id: Left(unit.now, row, state) for row in rows if row.revision == revision}

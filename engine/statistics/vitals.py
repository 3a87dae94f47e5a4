"""How the server is, in numbers: what an operator's instruments ask every few seconds.

Each number is a look into an index, and counting ends at `MOST`: a server with a long queue is asked as cheaply as one
with none. Nothing here names a person or a case.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, func, literal_column, select, union_all

from engine import stuck
from engine.model import OPEN_TASK, arrivals, case_messages, cases, fetches, incidents, jobs, outbox, provinces, tasks
from engine.queues import leases, waiting
from engine.queues.jobs import PRIORITIES
from engine.queues.outbox import KINDS
from engine.runtime import Unit
from engine.storage.prepared import Prepared

MOST = 10_000
CAUSES = 20  # told one by one; the others together
OTHERS = "others"

_NOW = bindparam("now")
_EVER = datetime(1, 1, 2, tzinfo=UTC)  # a condition on an index's first column, which every row fulfils


def _named(name: str) -> ColumnElement[str]:
    return literal_column(f"'{name}'")


_QUEUES: dict[str, list[tuple[Table, ColumnElement[bool]]]] = {
    "jobs": [(jobs, and_(leases.is_due(jobs, _NOW), jobs.c.priority == literal_column(str(priority))))
             for priority in PRIORITIES],
    "outbox": [(outbox, and_(leases.is_due(outbox, _NOW), outbox.c.kind == _named(kind)))
               for kind in KINDS if kind != "service"],
    "services": [(outbox, and_(leases.is_due(outbox, _NOW), outbox.c.kind == _named("service")))],
    "arrivals": [(arrivals, waiting.is_due(arrivals, _NOW))],
    "messages": [(case_messages, waiting.is_due(case_messages, _NOW))],
    "files": [(fetches, waiting.is_due(fetches, _NOW))],
}  # fmt: skip


def _due(name: str, table: Table, due: ColumnElement[bool]) -> Select[Any]:
    first = select(table.c.due_at).where(due).order_by(table.c.due_at).limit(MOST).subquery()
    return select(_named(name).label("name"), func.count().label("count"), func.min(first.c.due_at).label("since"))


def _lost(name: str, table: Table) -> Select[Any]:
    first = select(table.c.id).where(leases.is_lost(table, _NOW)).limit(MOST).subquery()
    return select(_named(name).label("name"), func.count().label("count")).select_from(first)


def _owed(state: str, column: ColumnElement[Any], ever: Any) -> Select[Any]:
    first = select(outbox.c.kind).where(leases.in_state(outbox, state), column > ever).limit(MOST).subquery()
    columns = first.c.kind, _named(state).label("state"), func.count().label("count")
    return select(*columns).group_by(first.c.kind)


_DUE = Prepared(union_all(*(_due(name, *one) for name, parts in _QUEUES.items() for one in parts)))
_LOST = Prepared(union_all(_lost("jobs", jobs), _lost("outbox", outbox)))
_OWED = Prepared(
    union_all(
        _owed("ready", outbox.c.kind, literal_column("''")),
        _owed("leased", outbox.c.lease_until_at, bindparam("ever")),
        _owed("dead", outbox.c.id, literal_column("0")),
    )
)
_LATE_CASES = (
    select(cases.c.province)
    .where(cases.c.province.in_(select(provinces.c.code)))  # each one's part of the index of open cases
    .where(cases.c.closed_at.is_(None), cases.c.due_at < _NOW, cases.c.paused_at.is_(None))
    .limit(MOST)
    .subquery()
)
_LATE_TASKS = select(tasks.c.id).where(OPEN_TASK, tasks.c.due_at < _NOW).limit(MOST).subquery()
_STOPPED = (
    select(cases.c.report_type, incidents.c.element)
    .join(cases, cases.c.id == incidents.c.case_id)
    .where(incidents.c.resolved_at.is_(None), incidents.c.opened_at > bindparam("ever"))
    .limit(MOST)
    .subquery()
)
_COUNT_CASES = Prepared(select(_LATE_CASES.c.province, func.count().label("count")).group_by(_LATE_CASES.c.province))
_COUNT_TASKS = Prepared(select(func.count()).select_from(_LATE_TASKS))
_COUNT_INCIDENTS = Prepared(
    select(_STOPPED.c.report_type, _STOPPED.c.element, func.count().label("count"))
    .group_by(_STOPPED.c.report_type, _STOPPED.c.element)
)  # fmt: skip


def due(unit: Unit) -> dict[str, tuple[int, float]]:
    """By queue: how many are due, and for how many seconds the first of them has been."""
    found = dict.fromkeys(_QUEUES, (0, 0.0))
    for row in unit.all(_DUE, {"now": unit.now}):
        count, lag = found[row.name]
        late = (unit.now - row.since).total_seconds() if row.since else 0.0
        found[row.name] = min(MOST, count + row.count), max(lag, late)
    return found


def lost_leases(unit: Unit) -> dict[str, int]:
    """By queue: what a worker holds whose time is over; others take it the next second."""
    return {row.name: row.count for row in unit.all(_LOST, {"now": unit.now})}


def owed(unit: Unit) -> dict[tuple[str, str], int]:
    """By kind and state (ready, leased, dead): what has not been sent."""
    return {(row.kind, row.state): row.count for row in unit.all(_OWED, {"ever": _EVER})}


def late_cases(unit: Unit) -> dict[str, int]:
    """By province: open cases past their deadline; those whose clock stands still are not."""
    return {row.province: row.count for row in unit.all(_COUNT_CASES, {"now": unit.now})}


def late_tasks(unit: Unit) -> int:
    """Open tasks past their deadline."""
    return int(unit.scalar(_COUNT_TASKS, {"now": unit.now}))


def incidents_by_cause(unit: Unit) -> dict[tuple[str, str], int]:
    """Open incidents by report type and element, the most frequent `CAUSES`; their words may be anybody's."""
    rows = unit.all(_COUNT_INCIDENTS, {"ever": _EVER})
    counts = Counter({(row.report_type, row.element or ""): row.count for row in rows})
    told = dict(counts.most_common(CAUSES))
    rest = counts.total() - sum(told.values())
    return told | ({(OTHERS, OTHERS): rest} if rest else {})


def stuck_cases(unit: Unit) -> dict[str, int]:
    """By reason (`engine.stuck`): cases that will not move by themselves."""
    return {row.reason: row.count for row in unit.all(stuck.by_reason(unit.now, MOST))}

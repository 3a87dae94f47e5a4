"""What there is to do at this instant: one look, instead of one for each kind of work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, literal_column, or_, select, union

from engine import leases
from engine.jobs import PRIORITIES
from engine.migrations import ACTIVE
from engine.model import imports, jobs, migrations, outbox
from engine.prepared import Prepared
from engine.runtime import Runtime

_NOW = bindparam("now")


def _ready(table: Table) -> ColumnElement[bool]:
    return leases.in_state(table, "ready") & (table.c.due_at <= _NOW)


def _lost(table: Table) -> ColumnElement[bool]:
    """Held by a worker that has died."""
    return leases.in_state(table, "leased") & (table.c.lease_until_at < _NOW)


def _if(name: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    found = or_(*(exists(select(literal_column("1")).where(condition)) for condition in conditions))
    return select(literal_column(f"'{name}'").label("kind")).where(found)


_AT_ALL = jobs.c.priority.in_([literal_column(str(priority)) for priority in PRIORITIES])  # begins the index
_LOOK = Prepared(
    union(
        select(outbox.c.kind).where(_ready(outbox)),
        select(outbox.c.kind).where(_lost(outbox)),
        _if("jobs", _ready(jobs) & _AT_ALL, _lost(jobs)),
        _if("imports", leases.in_state(imports, "waiting")),
        _if("migrations", or_(*(leases.in_state(migrations, state) for state in ACTIVE))),
    )
)


def look(runtime: Runtime) -> set[str]:
    """Any of ``jobs``, ``imports``, ``migrations`` and `outbox.KINDS` of which something is due."""
    with runtime.read() as unit:
        return {row.kind for row in unit.all(_LOOK, {"now": unit.now})}

"""What there is to do at this instant, and next: one look, instead of one for each kind of work."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, literal_column, or_, select, union_all

from engine.model import arrivals, batches, case_messages, fetches, imports, migrations, outbox
from engine.queues import leases, waiting
from engine.queues.jobs import LOST, SOONEST
from engine.queues.outbox import KINDS
from engine.runtime import Runtime
from engine.storage.prepared import Prepared
from engine.versions.migrations import ACTIVE

_NOW = bindparam("now")


class Look(NamedTuple):
    """Attributes:
    there: any of ``jobs arrivals messages fetches imports migrations`` and `outbox.KINDS`.
    next_job: when a job will be due, of each priority that has none now the first.
    """

    there: set[str]
    next_job: datetime | None


def _first(soonest: Select[Any]) -> Select[Any]:
    when = soonest.subquery().c[0]
    return select(literal_column("'jobs'").label("kind"), when.label("due_at")).where(when.is_not(None))


def _if(name: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    return select(literal_column(f"'{name}'"), literal_column("NULL")).where(or_(*conditions))


def _there(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(literal_column("1")).where(*conditions).select_from(table))


def _due(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return leases.soonest(table, *conditions).scalar_subquery() <= _NOW


_LOOK = Prepared(
    union_all(
        *map(_first, SOONEST),
        _if("jobs", LOST),
        _if("arrivals", _due(arrivals, waiting.is_waiting(arrivals))),
        _if("messages", _due(case_messages, waiting.is_waiting(case_messages))),
        _if("fetches", _due(fetches, waiting.is_waiting(fetches))),
        _if("imports", _there(imports, waiting.is_waiting(imports))),
        _if("migrations", *(_there(migrations, leases.in_state(migrations, state)) for state in ACTIVE),
            _there(batches, leases.in_state(batches, "running"))),
        *(_if(kind, _due(outbox, leases.in_state(outbox, "ready"), outbox.c.kind == literal_column(f"'{kind}'")))
          for kind in KINDS),
        select(outbox.c.kind, literal_column("NULL")).where(leases.is_lost(outbox, _NOW)),
    )
)


def look(runtime: Runtime) -> Look:
    with runtime.read() as unit:
        rows = unit.all(_LOOK, {"now": unit.now})
    ahead = [row.due_at for row in rows if row.due_at is not None and row.due_at > unit.now]
    there = {row.kind for row in rows if row.due_at is None or row.due_at <= unit.now}
    return Look(there, min(ahead, default=None))

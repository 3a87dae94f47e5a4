"""What there is to do at this instant: one look, instead of one for each kind of work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, literal_column, or_, select, union_all

from engine import leases, waiting
from engine.jobs import ANY_DUE, LOST
from engine.migrations import ACTIVE
from engine.model import arrivals, batches, case_messages, fetches, imports, migrations, outbox
from engine.outbox import KINDS
from engine.prepared import Prepared
from engine.runtime import Runtime

_NOW = bindparam("now")


def _if(name: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    return select(literal_column(f"'{name}'").label("kind")).where(or_(*conditions))


def _there(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(literal_column("1")).where(*conditions).select_from(table))


def _due(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return leases.soonest(table, *conditions).scalar_subquery() <= _NOW


_LOOK = Prepared(
    union_all(
        _if("jobs", ANY_DUE, LOST),
        _if("arrivals", _due(arrivals, waiting.is_waiting(arrivals))),
        _if("messages", _due(case_messages, waiting.is_waiting(case_messages))),
        _if("fetches", _due(fetches, waiting.is_waiting(fetches))),
        _if("imports", _there(imports, waiting.is_waiting(imports))),
        _if("migrations", *(_there(migrations, leases.in_state(migrations, state)) for state in ACTIVE),
            _there(batches, leases.in_state(batches, "running"))),
        *(_if(kind, _due(outbox, leases.in_state(outbox, "ready"), outbox.c.kind == literal_column(f"'{kind}'")))
          for kind in KINDS),
        select(outbox.c.kind).where(leases.is_lost(outbox, _NOW)),
    )
)


def look(runtime: Runtime) -> set[str]:
    """What there is to do: any of ``jobs arrivals messages fetches imports migrations`` and `outbox.KINDS`."""
    with runtime.read() as unit:
        return {row.kind for row in unit.all(_LOOK, {"now": unit.now})}

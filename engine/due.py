"""What there is to do at this instant: one look, instead of one for each kind of work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, literal_column, or_, select, union

from engine import leases, waiting
from engine.jobs import OF_ANY_PRIORITY
from engine.migrations import ACTIVE
from engine.model import arrivals, batches, case_messages, fetches, imports, jobs, migrations, outbox
from engine.prepared import Prepared
from engine.runtime import Runtime

_NOW = bindparam("now")


def _if(name: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    found = or_(*(exists(select(literal_column("1")).where(condition)) for condition in conditions))
    return select(literal_column(f"'{name}'").label("kind")).where(found)


_LOOK = Prepared(
    union(
        select(outbox.c.kind).where(leases.is_due(outbox, _NOW)),
        select(outbox.c.kind).where(leases.is_lost(outbox, _NOW)),
        _if("jobs", leases.is_due(jobs, _NOW) & OF_ANY_PRIORITY, leases.is_lost(jobs, _NOW)),
        _if("arrivals", waiting.is_due(arrivals, _NOW)),
        _if("messages", waiting.is_due(case_messages, _NOW)),
        _if("fetches", waiting.is_due(fetches, _NOW)),
        _if("imports", waiting.is_waiting(imports)),
        _if("migrations", or_(*(leases.in_state(migrations, state) for state in ACTIVE)),
            leases.in_state(batches, "running")),
    )
)


def look(runtime: Runtime) -> set[str]:
    """What there is to do: any of ``jobs arrivals messages fetches imports migrations`` and `outbox.KINDS`."""
    with runtime.read() as unit:
        return {row.kind for row in unit.all(_LOOK, {"now": unit.now})}

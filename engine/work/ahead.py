"""What a database's clock that was ahead has left behind, once it is put right: things of a time that has not come.

What was owed at once then would leave when that time comes: `hasten` sends it now. Terms that began then are late by as
much; how much is nowhere written down, for the clock that was wrong is the one that counted. So they are named
(`begun`), and a person decides.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update

from engine.model import cases, deadlines, jobs, outbox
from engine.queues import leases
from engine.runtime import Unit

SURE = timedelta(minutes=10)  # nodes differ by two seconds; what failed is tried again after five minutes at most
_AT_ONCE = ("answer", "message")  # jobs that are due when they are put


def begun(unit: Unit) -> list[Row[Any]]:
    """The terms that run and have not begun yet, the furthest first: {number, name, started_at, due_at}."""
    columns = (cases.c.number, deadlines.c.name, deadlines.c.started_at, deadlines.c.due_at)
    to_come = (deadlines.c.settled_at.is_(None), deadlines.c.started_at > unit.now + SURE)
    query = select(*columns).join(cases).where(*to_come)
    return unit.all(query.order_by(deadlines.c.started_at.desc(), deadlines.c.id))


def owed(unit: Unit) -> int:
    """How many messages, calls and answers wait for a time that was wrong."""
    return sum(unit.scalar(select(func.count()).where(*which)) for which in (_letters(unit), _jobs(unit)))


def hasten(unit: Unit) -> int:
    """Have them leave now; returns how many."""
    letters, work = _letters(unit), _jobs(unit)
    done = unit.execute(update(outbox).where(*letters).values(due_at=unit.now, created_at=unit.now)).rowcount
    done += unit.execute(update(jobs).where(*work).values(due_at=unit.now)).rowcount
    leases.wake(unit, unit.now)
    leases.wake(unit, unit.now, leases.SERVICES)
    return done


def _letters(unit: Unit) -> list[ColumnElement[bool]]:
    return [leases.in_state(outbox, "ready"), outbox.c.created_at > unit.now + SURE, outbox.c.due_at > unit.now + SURE]


def _jobs(unit: Unit) -> list[ColumnElement[bool]]:
    return [leases.in_state(jobs, "ready"), jobs.c.kind.in_(_AT_ONCE), jobs.c.due_at > unit.now + SURE]

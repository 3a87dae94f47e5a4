"""Lines of long lists that workers do one by one: an attempt is counted before it is made.

    waiting ──begin──► waiting, counted ──make──► what it came to (settled in the unit that did it)
       ▲                    │ who made it has died: after the lease it is begun again
       └────────────────────┘ five times; then it is in vain, and says so

Who dies in the middle of a line has done nothing, so another may do it. But if it is the line that killed them, it
kills one after the other; that is why whoever begins says so first, and commits. A lease keeps others away until the
line itself is locked; after that the lock does, and the count keeps out who was late. As for `jobs`, but nobody renews
anything: a line that is being done is locked.

The tables (`batch_lines`, `migration_cases`, `import_rows`) have ``state``, ``attempts`` and ``due_at``: until when
somebody is about to do it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, or_, select, update
from sqlalchemy.exc import DBAPIError

from engine.queues import leases
from engine.queues.jobs import DEATHS_MAX
from engine.queues.leases import LEASE
from engine.runtime import Runtime, Unit


def step(
    runtime: Runtime, table: Table, under_way: Select[Any], begun: Callable[[Unit], tuple[Row[Any], Row[Any]] | None],
    do: Callable[[Unit, Row[Any], Row[Any]], None],
) -> bool:  # fmt: skip
    """Do one line of a list. ``False``: there is nothing to do, or others are at it.

    Args:
        under_way: the lists that are; without one nothing is begun.
        begun: a list and one of its lines, by `begin`.
        do: as for `make`, with both.
    """
    with runtime.read() as unit:
        if unit.first(under_way) is None:
            return False
    with runtime.begin() as unit:
        found = begun(unit)
    if found is None:
        return False
    of, line = found
    make(runtime, table, line, lambda unit: do(unit, of, line))
    return True


def begin(unit: Unit, table: Table, *mine: ColumnElement[bool]) -> Row[Any] | None:
    """Count an attempt at the first of these lines (by their key) that nobody is at; commit, and then `make` it.

    Returns:
        The line, with this attempt; ``None``: there is none, or others are at all that are left.
    """
    free = or_(table.c.due_at.is_(None), table.c.due_at <= unit.now)
    query = select(table).where(*mine, free).order_by(*table.primary_key).limit(1)
    line = unit.first(query.with_for_update(skip_locked=True))
    if line is None:
        return None
    counted = update(table).where(_is(table, line)).values(attempts=line.attempts + 1, due_at=unit.now + LEASE)
    return unit.first(counted.returning(*table.c))


def make(runtime: Runtime, table: Table, line: Row[Any], do: Callable[[Unit], None]) -> None:
    """Do a line that was begun, in a unit of its own; nothing, if it is not ours any more.

    Args:
        do: does and settles it, unless it is `in_vain`.

    Raises:
        Exception: what ``do`` raises; if the database was only busy, this was no attempt.
    """
    try:
        with runtime.begin() as unit:
            ours = (_is(table, line), table.c.state == line.state, table.c.attempts == line.attempts)
            if unit.first(select(table.c.state).where(*ours).with_for_update()) is not None:
                do(unit)
    except Exception as error:
        if leases.is_conflict(error):
            with suppress(DBAPIError), runtime.begin() as unit:  # else the lease says when it is tried again
                put_back(unit, table, line)
        raise


def put_back(unit: Unit, table: Table, line: Row[Any]) -> None:
    """It was begun and not done; this was no attempt."""
    ours = (_is(table, line), table.c.attempts == line.attempts)
    unit.execute(update(table).where(*ours).values(attempts=line.attempts - 1, due_at=None))


def in_vain(line: Row[Any]) -> str | None:
    """Why a line that was begun once too often is given up; ``None``: it is to be done."""
    return f"The worker died in each of {DEATHS_MAX} attempts to do this." if line.attempts > DEATHS_MAX else None


def _is(table: Table, line: Row[Any]) -> ColumnElement[bool]:
    return and_(*(column == getattr(line, str(column.name)) for column in table.primary_key))

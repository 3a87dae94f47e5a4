"""Queues that need no lease: what came in (`arrivals`), files to fetch, what cases tell each other.

A row in the state ``waiting`` says when it is due. Whoever begins with it puts that forward and commits, so that nobody
else tries meanwhile; who dies in between leaves it due again. It is settled on condition that it still waits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Table, and_, func, select

from engine.queues.leases import in_state
from engine.runtime import Runtime, Unit

Noted = TypeVar("Noted")


def is_waiting(table: Table) -> ColumnElement[bool]:
    return in_state(table, "waiting")


def is_due(table: Table, now: Any) -> ColumnElement[bool]:
    """Args:
    now: an instant, or the parameter that stands for it.
    """
    return and_(is_waiting(table), table.c.due_at <= now)


def begin(
    runtime: Runtime, table: Table, note: Callable[[Unit, Row[Any]], Noted], *columns: ColumnElement[Any]
) -> Noted | None:
    """Begin an attempt at what has been due longest. One at a time: if it is what its worker dies of, it takes no other
    along.

    Args:
        note: writes down that it is being tried, in the unit that holds the row; committed at once.
        columns: of the row that ``note`` gets; all of them, if left out.

    Returns:
        What ``note`` does; ``None``: nothing is due, or others are at it.
    """
    with runtime.read() as unit:  # so that an idle worker never asks for SQLite's only write lock
        if unit.first(_longest_due(unit, table, table.c.id)) is None:
            return None
    with runtime.begin() as unit:
        row = unit.first(_longest_due(unit, table, *(columns or table.c)).with_for_update(skip_locked=True))
        return None if row is None else note(unit, row)


def next_due(runtime: Runtime, table: Table) -> datetime | None:
    """When there is something to try next, as far as is known now."""
    with runtime.read() as unit:
        soonest: datetime | None = unit.scalar(select(func.min(table.c.due_at)).where(is_waiting(table)))
        return soonest


def _longest_due(unit: Unit, table: Table, *columns: ColumnElement[Any]) -> Any:
    return select(*columns).where(is_due(table, unit.now)).order_by(table.c.due_at, table.c.id).limit(1)

"""Who holds which row of `jobs` and `outbox`, and until when.

Both tables are queues with the same four columns: `state`, `lease_owner`, `lease_until_at`, `fence`. A worker leases
what is due (and commits at once), does it, and then settles it on condition that it still holds it. A worker that died
loses its rows when the lease ends; one that was only slow finds that the fence has moved on, and gives up.

PostgreSQL claims with ``FOR UPDATE SKIP LOCKED``, so that nobody waits for anybody; SQLite has one writer, and ignores
the clause. Leases are compared with ``unit.now``; the processes of all nodes go by the database's clock, to two seconds
(`webapi.clock`). Should one not, a thing may be *tried* twice at once, but the fence lets only one of them settle it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Engine,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from engine.runtime import Unit
from engine.sql import among
from engine.storage import outages
from engine.storage.prepared import Prepared

LEASE = timedelta(seconds=60)
REAP_AT_ONCE = 500
ATTEMPTS_COUNTED = "9999"  # as SQL: a program outside may fetch a task for months, and a small integer ends at 32,767
DUE, SERVICES = "thongsuot", "thongsuot_services"  # channels: something is due; a program outside may fetch something
WAKE_EVERY = {DUE: timedelta(milliseconds=100), SERVICES: timedelta(milliseconds=10)}
WAKE_AHEAD = timedelta(seconds=1)  # how often workers look anyway

_PERSONAL = re.compile(r"[\w.+-]+@[\w.-]+|\+?\d[\d .-]{6,}\d")
_NOTIFY = {channel: Prepared(select(func.pg_notify(literal_column(f"'{channel}'"), literal_column("''"))))
           for channel in WAKE_EVERY}  # fmt: skip
_woken: WeakKeyDictionary[Engine, dict[str, datetime]] = WeakKeyDictionary()


def in_state(table: Table, state: str) -> ColumnElement[bool]:
    """The state as a literal: a bound parameter would keep both databases from using the partial index."""
    return table.c.state == literal_column(f"'{state}'")


def is_due(table: Table, now: Any) -> ColumnElement[bool]:
    """Args:
    now: an instant, or the parameter that stands for it.
    """
    return and_(in_state(table, "ready"), table.c.due_at <= now)


def soonest(table: Table, *conditions: ColumnElement[bool]) -> Select[Any]:
    """When the first of these is due. Whether one is due by now is asked so, too: at an EXISTS, PostgreSQL, which does
    not know how many are, reads all rows that wait for another day (150 ms for 100,000)."""
    return select(func.min(table.c.due_at)).where(*conditions)


def is_lost(table: Table, now: Any) -> ColumnElement[bool]:
    """Held by a worker that has died; ``now`` as for `is_due`."""
    return and_(in_state(table, "leased"), table.c.lease_until_at < now)


def anything(unit: Unit, table: Table, *conditions: ColumnElement[bool]) -> bool:
    """Whether there is anything to claim or to reap: asked in a unit that only reads, so that an idle worker
    never asks for SQLite's only write lock."""
    due = select(table.c.id).where(is_due(table, unit.now), *conditions)
    lost = select(table.c.id).where(is_lost(table, unit.now))
    return any(unit.first(query.limit(1)) is not None for query in (due, lost))


def candidates(
    unit: Unit, table: Table, limit: int, *conditions: ColumnElement[bool], order: Sequence[ColumnElement[Any]] = ()
) -> list[Row[Any]]:
    """Due rows that nobody else is about to take, longest due first.

    Args:
        order: what counts more than that.
    """
    return unit.all(due(table, unit.now, limit, *conditions, order=order))


def due(
    table: Table, now: Any, limit: Any, *conditions: ColumnElement[bool], order: Sequence[ColumnElement[Any]] = ()
) -> Select[Any]:
    """What `candidates` asks; ``now`` and ``limit`` are values, or the parameters that stand for them."""
    query = select(table.c.id, table.c.attempts, table.c.due_at).where(is_due(table, now), *conditions)
    query = query.order_by(*order, table.c.due_at, table.c.id).limit(limit)
    return query.with_for_update(skip_locked=True, of=table)


def take(unit: Unit, table: Table, rows: Sequence[Row[Any]], owner: str, lease: timedelta) -> list[Row[Any]]:
    """Lease these candidates and return them whole, in the order in which to do them.

    What has been tried before is taken alone, when its turn has come: if it is what its worker died of, it takes no
    other along, and it does not suffer for others either.
    """
    if not rows:
        return []
    oldest = min(rows, key=lambda row: (row.due_at, row.id))
    chosen = [oldest.id] if oldest.attempts else [row.id for row in rows if not row.attempts]
    return hold(unit, table, chosen, owner, lease)


def hold(unit: Unit, table: Table, ids: Sequence[int], owner: str, lease: timedelta) -> list[Row[Any]]:
    """Lease these rows, which are locked already, and return them whole, in this order."""
    taken = unit.all(_hold(table), {"ids": list(ids), "owner": owner, "until": unit.now + lease})
    return sorted(taken, key=lambda row: ids.index(row.id))


@cache
def _hold(table: Table) -> Prepared:
    leased = update(table).where(among(table.c.id, "ids")).values(
        state=literal_column("'leased'"),
        lease_owner=bindparam("owner"),
        lease_until_at=bindparam("until"),
        fence=table.c.fence + literal_column("1"),
        attempts=case((table.c.attempts < literal_column(ATTEMPTS_COUNTED), table.c.attempts + literal_column("1")),
                      else_=table.c.attempts),
    )  # fmt: skip
    return Prepared(leased.returning(*table.c))


def lost(unit: Unit, table: Table) -> list[Row[Any]]:
    """Rows whose worker let its lease run out, locked until the unit ends."""
    return unit.all(_lost(table), {"now": unit.now})


@cache
def _lost(table: Table) -> Prepared:
    expired = select(table).where(is_lost(table, bindparam("now"))).limit(literal_column(str(REAP_AT_ONCE)))
    return Prepared(expired.with_for_update(skip_locked=True))


def give_back(unit: Unit, table: Table, ids: Iterable[int], **values: Any) -> None:
    """Make rows ready again."""
    if given := list(ids):
        free = {"state": "ready", "lease_owner": None, "lease_until_at": None}
        unit.execute(update(table).where(table.c.id.in_(given)).values(free | values))


def renew(unit: Unit, table: Table, owner: str, lease: timedelta, keys: Sequence[int] | None = None) -> int:
    """Hold on to everything held (or these); what is being settled right now is passed over, so that nobody waits."""
    mine = _held_by(table, owner)
    held = unit.all(mine if keys is None else mine.where(table.c.id.in_(keys)))
    if held:
        change = update(table).where(table.c.id.in_([row.id for row in held]))
        unit.execute(change.values(lease_until_at=unit.now + lease))
    return len(held)


def shorten(unit: Unit, table: Table, longest: timedelta, *conditions: ColumnElement[bool]) -> int:
    """Cut down leases that nobody can have taken by this clock: it was far ahead when they were taken, and has been put
    right. Whoever holds them still renews them; what a dead worker held is free after ``longest``, as ever."""
    ahead = select(table.c.id).where(in_state(table, "leased"), table.c.lease_until_at > unit.now + 2 * longest)
    broken = [row.id for row in unit.all(ahead.where(*conditions).with_for_update(skip_locked=True))]
    if broken:
        change = update(table).where(table.c.id.in_(broken))
        unit.execute(change.values(lease_until_at=unit.now + longest))
    return len(broken)


def release(unit: Unit, table: Table, owner: str, keys: Sequence[int] | None = None) -> int:
    """Give back at once what was leased and not begun (all of it, or ``keys``); the attempt does not count."""
    mine = _held_by(table, owner)
    held = unit.all(mine if keys is None else mine.where(table.c.id.in_(keys)))
    if held:
        give_back(unit, table, [row.id for row in held], attempts=table.c.attempts - 1)
    return len(held)


def holds(table: Table, row: Any) -> ColumnElement[bool]:
    """The condition under which the holder of ``row`` may settle it.

    The fence alone would do if ids were never used twice; SQLite may use the id of a deleted row again.
    """
    return and_(
        table.c.id == row.id,
        table.c.fence == row.fence,
        table.c.lease_owner == row.lease_owner,
        table.c.case_id == row.case_id,
        in_state(table, "leased"),
    )


def insert_into(unit: Unit, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT; both databases spell it alike."""
    return postgresql.insert(table) if unit.locks_rows else sqlite.insert(table)


def wake(unit: Unit, due_at: datetime, channel: str = DUE) -> None:
    """Tell those who wait, when the unit commits, that there is something to do within the next second.

    Only a shortcut: workers look every second anyway. Commits that notify queue up one behind the other in PostgreSQL,
    so a process does it only now and then (`WAKE_EVERY`); whoever was told looks again after that.
    """
    if due_at > unit.now + WAKE_AHEAD or not unit.locks_rows:
        return
    woken = _woken.setdefault(unit.database, {})
    last = woken.get(channel)
    if last is None or not last <= unit.now < last + WAKE_EVERY[channel]:
        woken[channel] = unit.now
        unit.write(_NOTIFY[channel], {})


def depth(unit: Unit, table: Table, *conditions: ColumnElement[bool]) -> dict[str, float]:
    """How many are due and held, and for how many seconds the oldest has been due: two looks into the indexes.

    What is due in the future is not counted: there may be millions.
    """
    due, oldest = unit.all(
        select(func.count(), func.min(table.c.due_at)).where(is_due(table, unit.now), *conditions)
    )[0]
    held = unit.scalar(select(func.count()).where(in_state(table, "leased")))
    return {"due": due, "leased": held, "lag_seconds": (unit.now - oldest).total_seconds() if oldest else 0.0}


def next_due(unit: Unit, table: Table, *conditions: ColumnElement[bool]) -> datetime | None:
    return unit.scalar(soonest(table, in_state(table, "ready"), *conditions))


def is_conflict(error: BaseException) -> bool:
    """Whether the database was only busy, away or full: nobody's fault, so the attempt does not count."""
    return outages.kind(error) is not None


def reason(error: BaseException) -> str:
    """One line saying what went wrong, without a statement's values, e-mail addresses or telephone numbers."""
    source = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lines = str(source).strip().splitlines() or [""]
    return masked(f"{type(source).__name__}: {lines[0]}"[:500]).rstrip(": ")


def masked(text: str) -> str:
    """Without e-mail addresses and telephone numbers."""
    return _PERSONAL.sub("…", text)


def _held_by(table: Table, owner: str) -> Any:
    mine = select(table.c.id).where(in_state(table, "leased"), table.c.lease_owner == owner)
    return mine.with_for_update(skip_locked=True)

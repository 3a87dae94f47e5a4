"""Lists, a page at a time: where a page ends, the next one begins, however much has come since."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, or_, select

from engine.errors import InvalidRequest
from engine.runtime import Unit
from engine.storage.prepared import Prepared

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?\d{1,17}|none)_(\d{1,15})\Z")


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and how to ask for those after them: ``None`` at the end."""

    items: list[Any]
    after: str | None


def soonest_first(unit: Unit, query: Select[Any], due: Any, key: Any, wanted: Any) -> Page:
    """What falls due first; what has no due time comes last."""
    rows = unit.all(due_after(query, due, key, wanted.after).limit(wanted.limit + 1))
    return page(rows, wanted.limit, lambda row: write_cursor(row.due_at, row.id))


def due_after(query: Select[Any], due: Any, key: Any, after: str | None) -> Select[Any]:
    """In the order of `soonest_first`, what comes after a page."""
    if after is not None:
        at, last = read_cursor(after)
        later = or_(due > at, and_(due == at, key > last), due.is_(None)) if at else and_(due.is_(None), key > last)
        query = query.where(later)
    return query.order_by(due.asc().nulls_last(), key)


def newest_first(unit: Unit, query: Select[Any], key: Any, limit: int, after: str | None) -> Page:
    if after is not None:
        query = query.where(key < read_cursor(after)[1])
    return page(unit.all(query.order_by(key.desc()).limit(limit + 1)), limit)


def oldest_first(unit: Unit, query: Select[Any], key: Any, limit: int, after: str | None) -> Page:
    if after is not None:
        query = query.where(key > read_cursor(after)[1])
    return page(unit.all(query.order_by(key).limit(limit + 1)), limit)


class OfCase:
    """The rows that a case has in a table, oldest first: one statement, made once."""

    def __init__(self, table: Table) -> None:
        mine = (table.c.case_id == bindparam("case"), table.c.id > bindparam("last"))
        self._rows = Prepared(select(table).where(*mine).order_by(table.c.id).limit(bindparam("most")))

    def ask(self, unit: Unit, case_id: int, limit: int) -> None:
        """The first page will be asked for."""
        unit.soon(self._rows, {"case": case_id, "last": 0, "most": limit + 1})

    def page(self, unit: Unit, case_id: int, limit: int, after: str | None) -> Page:
        last = 0 if after is None else read_cursor(after)[1]
        return page(unit.known(self._rows, {"case": case_id, "last": last, "most": limit + 1}), limit)


def page(rows: list[Any], limit: int, cursor: Any = lambda row: write_cursor(None, row.id)) -> Page:
    """The first ``limit`` of ``limit + 1`` rows, and where the next page begins if there are more."""
    return Page(rows[:limit], cursor(rows[limit - 1]) if len(rows) > limit else None)


def write_cursor(at: datetime | None, key: int) -> str:
    return f"{'none' if at is None else (at - EPOCH) // timedelta(microseconds=1)}_{key}"


def read_cursor(after: str) -> tuple[datetime | None, int]:
    """Raises:
    InvalidRequest: this is not what a list gave as ``after``.
    """
    match = _CURSOR.match(after)
    try:
        at, key = match.groups() if match else (None, None)
        return None if at == "none" else EPOCH + timedelta(microseconds=int(at)), int(key)
    except (TypeError, OverflowError) as error:
        raise InvalidRequest(f"after={after[:40]!r} is not what a list gave to go on with.", field="after") from error

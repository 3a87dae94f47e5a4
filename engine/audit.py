"""Who did what, across all cases: the same lines as each case's history, newest first, without what was said.

Histories are kept by case. Looked through by person or by kind of line are therefore only the newest `WINDOW` lines:
an index of its own would have to be written with every step of every case.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from engine import access
from engine.access import Account
from engine.model import cases, events
from engine.queries import Page, page, read_cursor
from engine.runtime import Unit

WINDOW = 200_000
VIEWED = "person-viewed"  # somebody looked up who reported


def lines(
    unit: Unit, by: Account, actor: str | None = None, kind: str | None = None, case: str | None = None,
    after: str | None = None, limit: int = 50,
) -> Page:  # fmt: skip
    """Lines {id, at, kind, actor, element, number, definition_id}, newest first.

    Args:
        actor: a log-in name, "citizen" or "system".
        case: a case's number; all of its history.

    Raises:
        NotAllowed: ``by`` does not manage accounts.
    """
    access.require(by, "manage")
    query = select(events.c.id, events.c.at, events.c.kind, events.c.actor, events.c.element, cases.c.number,
                   cases.c.definition_id)  # fmt: skip
    query = query.join(cases, cases.c.id == events.c.case_id).where(access.permits(by, "see", access.JOINED_CASES))
    wanted: dict[Any, str | None] = {events.c.actor: actor, events.c.kind: kind, cases.c.number: case}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if case is None:
        query = query.where(events.c.id > (unit.scalar(select(func.max(events.c.id))) or 0) - WINDOW)
    if after is not None:
        query = query.where(events.c.id < read_cursor(after)[1])
    return page(unit.all(query.order_by(events.c.id.desc()).limit(limit + 1)), limit)

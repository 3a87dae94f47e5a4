"""Who did what, newest first: to cases, the same lines as in their histories, without what was said; and what belongs
to no case (`engine.acts`).

Histories are kept by case. Looked through by person or by kind of line are therefore only those of a day, or the newest
`WINDOW` lines: an index of its own would have to be written with every step of every case.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from engine.model import acts, cases, events
from engine.paging import Page, newest_first
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit
from engine.terms.calendar import ZONE

WINDOW = 200_000
SLACK = 10_000  # lines: so far apart may be two that were written at once
VIEWED = "person-viewed"  # somebody looked up who reported


def lines(
    unit: Unit, by: Account, actor: str | None = None, kind: str | None = None, case: str | None = None,
    day: date | None = None, after: str | None = None, limit: int = 50,
) -> Page:  # fmt: skip
    """Lines {id, at, kind, actor, element, number, definition_id}, newest first.

    Args:
        actor: a log-in name, "citizen" or "system".
        case: a case's number; all of its history.
        day: a local day.

    Raises:
        NotAllowed: ``by`` does not manage accounts.
    """
    access.require(by, "manage")
    query = select(events.c.id, events.c.at, events.c.kind, events.c.actor, events.c.element, cases.c.number,
                   cases.c.definition_id)  # fmt: skip
    query = query.join(cases, cases.c.id == events.c.case_id).where(access.permits(by, "see", access.JOINED_CASES))
    wanted: dict[Any, str | None] = {events.c.actor: actor, events.c.kind: kind, cases.c.number: case}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if day is not None:
        begins, ends = _bounds(day)
        near = (_first_since(unit, begins) - SLACK, _first_since(unit, ends) + SLACK)
        query = query.where(events.c.at >= begins, events.c.at < ends, events.c.id.between(*near))
    elif case is None:
        query = query.where(events.c.id > (unit.scalar(select(func.max(events.c.id))) or 0) - WINDOW)
    return newest_first(unit, query, events.c.id, limit, after)


def doings(
    unit: Unit, by: Account, person: str | None = None, kind: str | None = None, day: date | None = None,
    after: str | None = None, limit: int = 50,
) -> Page:  # fmt: skip
    """What was done that belongs to no case: rows of `engine.model.acts`, newest first.

    Args:
        person: a log-in name: of who did it, or to whom it was done.
        day: a local day.

    Raises:
        NotAllowed: ``by`` does not manage accounts.
    """
    access.require(by, "manage")
    asked: list[ColumnElement[bool]] = []
    if person is not None:
        asked.append((acts.c.actor == person) | (acts.c.subject == person))
    if kind is not None:
        asked.append(acts.c.kind == kind)
    if day is not None:
        begins, ends = _bounds(day)
        asked += [acts.c.at >= begins, acts.c.at < ends]
    return newest_first(unit, select(acts).where(*asked), acts.c.id, limit, after)


def _bounds(day: date) -> tuple[datetime, datetime]:
    begins = datetime.combine(day, time(), ZONE)
    return begins, begins + timedelta(days=1)


def _first_since(unit: Unit, moment: datetime) -> int:
    """About where in the histories a moment is, looked for by halves: their ids grow with time."""
    low, high = 0, (unit.scalar(select(func.max(events.c.id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        at = unit.scalar(select(events.c.at).where(events.c.id >= middle).order_by(events.c.id).limit(1))
        if at is None or at >= moment:
            high = middle
        else:
            low = middle + 1
    return low

"""What a version has seen: where cases stand, how long they stay, which deadlines passed (`engine.stays`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Row, Select, func, select

from engine import access
from engine.access import Account, Target
from engine.calendar import ZONE
from engine.errors import InvalidRequest
from engine.flow.codec import standing
from engine.model import cases, instances, stays, tasks
from engine.queries import Page, page, read_cursor
from engine.runtime import Unit

CHUNK = 200


@dataclass
class Heat:
    """What an element of a version has seen.

    Attributes:
        now: tokens that stand there.
        visits, cancelled: stays that have ended, and those of them that were called off.
        mean_seconds, longest_seconds: of the stays that have ended.
        breaches: tasks whose deadline passed there.
    """

    element: str
    name: str = ""
    now: int = 0
    visits: int = 0
    cancelled: int = 0
    breaches: int = 0
    mean_seconds: float | None = None
    longest_seconds: float = 0.0


def heat(unit: Unit, definition_id: int, since: date | None = None, *, by: Account) -> list[Heat]:
    """What the elements of a version have seen, those where most tokens stand first.

    Of the stays that ended in it, and of those that go on, as a worker counted them last; deadlines, of the cases that
    run in it, or ran in it last.

    Args:
        since: only of cases opened on that local day or later.

    Raises:
        NotFound: there is no such version.
        NotAllowed: the account may not see exact figures.
    """
    package = unit.catalogue.pinned(unit, definition_id)
    access.require(by, "figure", Target(province=str(package.province["code"]), report_type=package.code), unit)
    found = {row.element: _seen(row) for row in unit.all(_counted(definition_id, since)) if row.now or row.visits}
    for element, count in unit.all(_late(definition_id, since)):
        found.setdefault(element, Heat(element)).breaches = count
    for one in found.values():
        one.name = package.machine.describe(one.element)
    return sorted(found.values(), key=lambda one: (-one.now, -one.visits, one.element))


def _counted(definition_id: int, since: date | None) -> Any:
    sums = [func.sum(stays.c[name]).label(name) for name in ("now", "visits", "cancelled", "seconds")]
    of = select(stays.c.element, *sums, func.max(stays.c.longest).label("longest"))
    of = of.where(stays.c.definition_id == definition_id).group_by(stays.c.element)
    return of.where(stays.c.day >= since) if since else of


def _seen(row: Row[Any]) -> Heat:
    mean = row.seconds / row.visits if row.visits else None
    return Heat(row.element, "", row.now, row.visits, row.cancelled, 0, mean, row.longest)


def _late(definition_id: int, since: date | None) -> Any:
    of = _opened(select(cases.c.id).where(cases.c.id == tasks.c.case_id, cases.c.definition_id == definition_id), since)
    late = select(tasks.c.element, func.count()).where(tasks.c.breached_at.is_not(None), of.exists())
    return late.group_by(tasks.c.element)


def _opened(query: Select[Any], since: date | None) -> Select[Any]:
    return query.where(cases.c.opened_at >= datetime.combine(since, time(), ZONE)) if since else query


def cases_at(
    unit: Unit, definition_id: int, element: str, what: str, since: date | None = None, *, by: Account,
    limit: int = 50, after: str | None = None,
) -> Page:  # fmt: skip
    """The cases behind a number of `heat` that this account may see, oldest first.

    Args:
        what: ``now``, those that stand at the element; ``breaches``, those with a task whose deadline passed there.

    Raises:
        InvalidRequest: there is no such number.
    """
    query = select(cases).where(cases.c.definition_id == definition_id, access.permits(by, "see")).order_by(cases.c.id)
    query = _opened(query, since)
    last = read_cursor(after)[1] if after else 0
    if what == "breaches":
        late = select(tasks.c.case_id).where(tasks.c.element == element, tasks.c.breached_at.is_not(None))
        return page(unit.all(query.where(cases.c.id > last, cases.c.id.in_(late)).limit(limit + 1)), limit)
    if what == "now":
        return page(_standing_at(unit, query, element, last, limit + 1), limit)
    raise InvalidRequest(f"{what!r} is none of now, breaches.", field="what")


def _standing_at(unit: Unit, query: Select[Any], element: str, last: int, most: int) -> list[Row[Any]]:
    """States are looked into here: the databases do not agree on how to."""
    running = query.add_columns(instances.c.state).join(instances).where(instances.c.finished_at.is_(None))
    found: list[Row[Any]] = []
    while len(found) < most and (rows := unit.all(running.where(cases.c.id > last).limit(CHUNK))):
        last = rows[-1].id
        found += [row for row in rows if any(
            one["element"] == element and one["beside"] is None for one in standing(row.state))]  # fmt: skip
    return found[:most]

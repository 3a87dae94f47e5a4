"""What a version has seen: where cases stand, how long they stay, which deadlines passed (`engine.history.stays`).

A stay, and the deadline that passed in it, counts for the version in which the stay ended; one that goes on, for the
version that its case runs in. A case that is moved takes along where it stands, and leaves behind where it has been.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Text, cast, func, select

from engine.errors import InvalidRequest
from engine.model import cases, courses, stays, tasks
from engine.paging import Page, page, read_cursor
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.terms.calendar import ZONE

_PASSED = tasks.c.breached_at.is_not(None)


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

    Stays as a worker counted them last; deadlines as they are, since an extended one has not passed any more.

    Args:
        since: only of cases opened on that local day or later.

    Raises:
        NotFound: there is no such version.
        NotAllowed: the account may not see exact figures.
    """
    package = unit.catalogue.pinned(unit, definition_id)
    province = str(package.province["code"])
    access.require(by, "figure", Target(province=province, report_type=package.code), unit)
    found = {row.element: _seen(row) for row in unit.all(_counted(definition_id, since)) if row.now or row.visits}
    for element, count in unit.all(_late(definition_id, province, since)):
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


def _late(definition_id: int, province: str, since: date | None) -> Any:
    late = select(tasks.c.element, func.count()).where(_PASSED, tasks.c.breached_in == definition_id)
    if since:
        opened = select(cases.c.id).where(cases.c.province == province, _opened(since))  # as an index has them
        late = late.where((tasks.c.case_id + 0).in_(opened))  # + 0: SQLite would look up the tasks of each case
    return late.group_by(tasks.c.element)


def _opened(since: date) -> ColumnElement[bool]:
    return cases.c.opened_at >= datetime.combine(since, time(), ZONE)


def cases_at(
    unit: Unit, definition_id: int, element: str, what: str, since: date | None = None, *, by: Account,
    limit: int = 50, after: str | None = None,
) -> Page:  # fmt: skip
    """The cases behind a number of `heat` that this account may see, oldest first.

    Args:
        what: ``now``, those that stand at the element, as a worker counted them last; ``breaches``, those with a task
            whose deadline passed there.

    Raises:
        InvalidRequest: there is no such number.
    """
    last = read_cursor(after)[1] if after else 0
    query = select(cases).where(cases.c.id > last, access.permits(by, "see")).order_by(cases.c.id)
    if since:
        query = query.where(_opened(since))
    if what == "breaches":
        there = select(tasks.c.case_id).where(_PASSED, tasks.c.breached_in == definition_id, tasks.c.element == element)
    elif what == "now":
        there = select(courses.c.case_id).where(courses.c.definition_id == definition_id, _names(element))
    else:
        raise InvalidRequest(f"{what!r} is none of now, breaches.", field="what")
    return page(unit.all(query.where(cases.c.id.in_(there)).limit(limit + 1)), limit)


def _names(element: str) -> ColumnElement[bool]:
    """Whether a case's course goes on at the element: its table holds no other text in quotation marks but numbers of
    tokens and instants, and so need not be taken apart."""
    return cast(courses.c.here, Text).contains(orjson.dumps(element).decode(), autoescape=True)

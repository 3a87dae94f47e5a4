"""Terms that run already follow a day off or a make-up day that was declared meanwhile.

Case by case, each in a unit of its own: whoever dies has moved whole cases, and the next look goes on. A case that has
followed says so in the stories of its terms, so that no term follows twice.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, select, update

from engine import clocks, declared_days, instances
from engine.errors import EngineError
from engine.model import cases, deadlines
from engine.model import declared_days as rows
from engine.people.access import Account
from engine.queues import leases
from engine.runtime import Runtime, Unit
from engine.terms.calendar import ZONE

log = logging.getLogger(__name__)

_NEXT = 2**53  # the id of what is not declared yet: greater than all there are
SETTLED = timedelta(seconds=30)  # by then every process of the server knows of it (`declared_days.REMEMBERED`)


class Move(NamedTuple):
    """How a case's due time would move."""

    number: str
    was: datetime
    due_at: datetime


class Preview(NamedTuple):
    """How many open cases have a term that runs on or over a day, and would count it; how the first of them move."""

    cases: int
    moves: list[Move]


def follow(runtime: Runtime) -> int:
    """Have everything follow that can; returns how many cases have moved."""
    with runtime.read() as unit:
        ripe = rows.c.followed_at.is_(None), rows.c.at <= unit.now - SETTLED
        waiting = unit.all(select(rows).where(*ripe).order_by(rows.c.id))
    return sum(_follow(runtime, row) for row in waiting)


def _follow(runtime: Runtime, declared: Row[Any]) -> int:
    with runtime.read() as unit:
        ids = [row.id for row in unit.all(_over(declared, cases.c.id).distinct().order_by(cases.c.id))]
    moved = [_try(runtime, one) for one in ids]
    if None not in moved:
        with runtime.begin() as unit:
            unit.execute(update(rows).where(rows.c.id == declared.id).values(followed_at=unit.now))
    return sum(filter(None, moved))


def _try(runtime: Runtime, case_id: int) -> bool | None:
    """Whether it has moved; ``None``: not now, at the next look."""
    try:
        with runtime.begin() as unit:
            case = instances.load(unit, case_id)
            return clocks.keep_up(unit, unit.catalogue.pinned(unit, case.definition_id), case)
    except EngineError as error:  # its calendar is gone: people see to it, and it keeps no other waiting
        log.error("The case %s cannot follow a declared day: %s", case_id, error, extra={"action": "day-failed"})
        return False
    except Exception as error:
        level = logging.INFO if leases.is_conflict(error) else logging.ERROR  # nobody's fault: at the next look
        why = leases.reason(error)
        log.log(level, "The case %s does not follow a declared day: %s", case_id, why, extra={"action": "day-failed"})
        return None


def _over(declared: Any, *columns: Any) -> Select[Any]:
    """The running terms of open cases that have not ended before this day."""
    begins = datetime.combine(declared.day, time(), ZONE)
    return (
        select(*columns)
        .join(deadlines, deadlines.c.case_id == cases.c.id)
        .where(cases.c.province == declared.province, deadlines.c.settled_at.is_(None), deadlines.c.due_at >= begins)
    )


def preview(unit: Unit, province: str, day: date, kind: str, reason: str, most: int, *, by: Account) -> Preview:
    """What would follow from a day that is not declared yet; of the cases whose terms run on or over it, how the first
    so many move.

    Raises:
        NotAllowed, InvalidRequest: as for `declared_days.declare`.
    """
    reason = declared_days.check(unit, province, day, kind, reason, by=by)
    declared = SimpleNamespace(province=province, day=day, kind=kind, reason=reason, id=_NEXT)
    own = _over(declared).where(deadlines.c.name == clocks.CASE, cases.c.closed_at.is_(None))
    kept = {row.calendar: row.definition_id for row in unit.all(
        own.with_only_columns(deadlines.c.calendar, func.max(cases.c.definition_id).label("definition_id"))
        .group_by(deadlines.c.calendar))}  # fmt: skip
    changed = [name for name, version in kept.items() if _changes(unit, version, name)]
    mine = own.where(deadlines.c.calendar.in_(changed))
    number = unit.scalar(mine.with_only_columns(func.count()))
    wanted = (cases.c.number, cases.c.definition_id, *deadlines.c)
    found = unit.all(mine.with_only_columns(*wanted).order_by(deadlines.c.due_at, deadlines.c.id).limit(most))
    return Preview(number, _moves(unit, found, declared))


def _changes(unit: Unit, version: int, calendar: str) -> bool:
    package = unit.catalogue.pinned(unit, version)
    return declared_days.keeps_holidays(package.province.get("calendars", {}).get(calendar))


def _moves(unit: Unit, found: list[Row[Any]], declared: Any) -> list[Move]:
    pinned = {version: unit.catalogue.pinned(unit, version) for version in {row.definition_id for row in found}}
    then = {version: package.terms_with([*package.declared, declared]) for version, package in pinned.items()}

    def moved(row: Row[Any]) -> datetime:
        version = row.definition_id
        return then[version].recounted(row, pinned[version].terms, unit.now, declared.reason).due_at

    return [Move(row.number, row.due_at, moved(row)) for row in found]

"""Has somebody asked for this before? Cases of the last days with the same telephone number or the same place (HN-13).

The operator looks while typing; a process asks with the topic ``find_duplicates`` and is answered within its step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, literal_column, select, type_coerce

from engine.errors import InvalidRequest, ProcessFault
from engine.flow.steps import Answer, FindDuplicates, Outcome
from engine.forms import contacts as addresses
from engine.language.vietnamese import fold
from engine.model import cases, people
from engine.model.sealed import is_any_of
from engine.people import access
from engine.people.access import Account
from engine.privacy import persons
from engine.runtime import Unit

DAYS = 7  # looked back, unless somebody says otherwise
DAYS_MAX = 90
FOUND_MAX = 20  # the newest ones

_COLUMNS = (cases.c.id, cases.c.number, cases.c.report_type, cases.c.status, cases.c.outcome, cases.c.area,
            cases.c.opened_at)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What to look for.

    Attributes:
        phones: E.164.
        place: as written; marks and capitals make no difference. ``""``: nowhere.
        report_type: only of this type.
        days: how many to look back.
        apart_from: id of the case that asks.
    """

    province: str
    phones: tuple[str, ...] = ()
    place: str = ""
    report_type: str | None = None
    days: int = DAYS
    apart_from: int = 0

    def since(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days)


def of_report(
    unit: Unit, phone: str | None, place: str, report_type: str | None, days: int, *, by: Account
) -> list[dict[str, Any]]:
    """For whoever takes down a report; only cases that they may read, by number only those whose people they may see.

    Raises:
        NotAllowed: the account takes down no reports.
        InvalidRequest: there is nothing to look for.
    """
    access.require(by, "report")
    number = addresses.phone(phone) if phone else None
    if phone and number is None:
        raise InvalidRequest("phone is no number we can reach; write it like 0912345678, or leave it out.")
    if by.province is None or not (number or fold(place)):
        raise InvalidRequest("Say what to look for: phone, place, or both.")
    wanted = Wanted(by.province, (number,) if number else (), place, report_type, days)
    return _found(unit, wanted, access.permits(by, "person"), access.permits(by, "read"))


def answers(unit: Unit, case: Row[Any], outcome: Outcome) -> list[tuple[str, Answer]]:
    """What the steps that asked are told, by element: ``trung_so``, how many, and ``trung_ma``, their numbers.

    Raises:
        ProcessFault: the diagram asks for something else than a number of days.
    """
    asked = [effect for effect in outcome.effects if isinstance(effect, FindDuplicates)]
    return [(one.element, Answer(one.token, _answer(unit, case, one))) for one in asked]


def _answer(unit: Unit, case: Row[Any], asked: FindDuplicates) -> dict[str, Any]:
    days = asked.days
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= DAYS_MAX:
        raise ProcessFault(f"The input 'days' is {days!r}, not a whole number from 1 to {DAYS_MAX}.", asked.element)
    own = select(people.c.phone).where(people.c.case_id == case.id, people.c.phone.is_not(None))
    phones = tuple(row.phone for row in unit.all(own))
    found = _found(unit, Wanted(case.province, phones, case.place, case.report_type, days, case.id))
    return {"trung_so": len(found), "trung_ma": [one["number"] for one in found]}


def _found(
    unit: Unit, wanted: Wanted, may_by_phone: ColumnElement[bool] | None = None,
    may_by_place: ColumnElement[bool] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Newest first, each with what it has in common: ``phone``, ``place``."""
    found: dict[int, dict[str, Any]] = {}
    if wanted.phones:
        rows = by_phone(wanted, unit.now)
        _note(found, "phone", unit.all(rows if may_by_phone is None else rows.where(may_by_phone)))
    if fold(wanted.place):
        rows = by_place(wanted, unit.now)
        _note(found, "place", unit.all(rows if may_by_place is None else rows.where(may_by_place)))
    newest = sorted(found.values(), key=lambda one: one["id"], reverse=True)
    return newest[:FOUND_MAX]


def _note(found: dict[int, dict[str, Any]], what: str, rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        one = found.setdefault(row.id, dict(row._mapping) | {"same": []})
        one["same"].append(what)


def by_phone(wanted: Wanted, now: datetime) -> Any:
    return _recent(wanted, now).where(cases.c.id.in_(persons.cases_of("phone", *wanted.phones)))


def by_place(wanted: Wanted, now: datetime) -> Any:
    # in words that SQLite needs to hear to use the index
    somewhere = type_coerce(cases.c.search_place, Text) != literal_column("''")
    return _recent(wanted, now).where(somewhere, is_any_of(cases.c.search_place, [fold(wanted.place)]))


def _recent(wanted: Wanted, now: datetime) -> Any:
    query = select(*_COLUMNS).where(
        cases.c.province == wanted.province,
        cases.c.opened_at >= wanted.since(now),
        cases.c.duplicate_of.is_(None),
        cases.c.id != wanted.apart_from,
    )
    if wanted.report_type:
        query = query.where(cases.c.report_type == wanted.report_type)
    return query.order_by(cases.c.id.desc()).limit(FOUND_MAX)

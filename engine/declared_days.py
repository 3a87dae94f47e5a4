"""Days off and make-up days that were announced at short notice, declared while the hotline runs.

The Prime Minister swaps a day; a storm closes the offices tomorrow. That is a fact of the province and of no version of
a report type: it holds in every version, for whatever is counted from now on, on each calendar that keeps the public
holidays. Nothing is edited: of several rows about a day the latest holds, and `USUAL` takes one back.

Terms that run already follow (`engine.work.declared_followed`, `engine.clocks.keep_up`). Every line of a term's story
that counts says up to which declaration it knew (``days``), so a term follows each of them exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select

from engine import acts
from engine.errors import InvalidRequest, NotFound
from engine.model import declared_days, provinces
from engine.paging import Page, newest_first
from engine.people import access
from engine.people.access import Account, Target
from engine.places import areas
from engine.reasons import checked_reason
from engine.runtime import Unit
from engine.storage.prepared import Prepared
from engine.terms import hours

OFF, WORKED, USUAL = KINDS = ("off", "worked", "usual")
REMEMBERED = timedelta(seconds=10)
LATEST = timedelta(days=800)  # as far ahead as anybody announces a holiday
_EVERY = Prepared(select(declared_days).order_by(declared_days.c.id))

Days = list[Row[Any]]


class DeclaredDays:
    """What one process of the server remembers of them, by province, oldest first."""

    def __init__(self) -> None:
        self._remembered: tuple[datetime, dict[str, Days]] | None = None

    def of(self, unit: Unit) -> Mapping[str, Days]:
        """As it was at most `REMEMBERED` ago; a unit that has read for long does not bring back what was before."""
        known = self._remembered
        if known is not None and unit.now - known[0] < REMEMBERED:
            return known[1]
        found: dict[str, list[Row[Any]]] = {}
        for row in unit.all(_EVERY):
            found.setdefault(row.province, []).append(row)
        self._remembered = unit.now, dict(found)
        return self._remembered[1]

    def forget(self) -> None:
        """Somebody has just declared one."""
        self._remembered = None


def applied(calendars: Any, days: Days) -> Any:
    """``[calendars]`` of a province with these days; a calendar that keeps no public holidays stays as it is."""
    latest = {row.day: row.kind for row in days}
    if not latest or not isinstance(calendars, Mapping):
        return calendars
    return {name: _with(table, latest) if keeps_holidays(table) else table for name, table in calendars.items()}


def keeps_holidays(table: Any) -> bool:
    """Whether a declared day means anything to a calendar."""
    return isinstance(table, Mapping) and bool(table.get("holidays"))


def _with(table: Mapping[str, Any], latest: Mapping[date, str]) -> dict[str, Any]:
    found = dict(table)
    for key, kind in (("extra_holidays", OFF), ("working_days", WORKED)):
        others = {day for day, said in latest.items() if said not in (kind, USUAL)}
        own = {hours.read_date(one, key) for one in table.get(key, ())}
        found[key] = sorted((own - others) | {day for day, said in latest.items() if said == kind})
    return found


def declare(unit: Unit, province: str, day: date, kind: str, reason: str, *, by: Account) -> Row[Any]:
    """A day is off, is worked, or is as usual after all, from this moment on; running terms follow within minutes.

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: there is no such province, the day has passed or is years ahead, it is that already; no reason.
    """
    access.require(by, "arrange", Target(province), unit)
    query = select(provinces.c.code).where(provinces.c.code == province)
    unit.first(query.with_for_update(key_share=True))  # one at a time
    reason = check(unit, province, day, kind, reason, by=by)
    row = {"province": province, "day": day, "kind": kind, "at": unit.now, "by": by.login, "reason": reason}
    made = unit.scalar(insert(declared_days).returning(declared_days.c.id), row)
    unit.catalogue.declared.forget()
    acts.note(unit, "day-declared", by.login, province, day=day.isoformat(), how=kind, reason=reason)
    return show(unit, made, by=by)


def check(unit: Unit, province: str, day: date, kind: str, reason: str, *, by: Account) -> str:
    """Whether a day could be declared; returns the reason as it would be kept.

    Raises: as `declare`.
    """
    access.require(by, "arrange", Target(province), unit)
    areas.require_province(unit, province)
    if kind not in KINDS:
        raise InvalidRequest(f"A day is one of {', '.join(KINDS)}.", field="kind")
    if not unit.today <= day <= unit.today + LATEST:
        raise InvalidRequest("That day has passed, or is years ahead: name today or a later day.", field="day")
    if kind == {row.day: row.kind for row in history(unit, province)}.get(day, USUAL):
        raise InvalidRequest("That is what was declared of this day already: nothing was changed.", field="kind")
    return checked_reason(reason)


def index(unit: Unit, province: str, limit: int = 50, after: str | None = None, *, by: Account) -> Page:
    """What was declared in a province, newest first.

    Raises:
        NotAllowed: the account may not declare any there.
    """
    access.require(by, "arrange", Target(province), unit)
    mine = select(declared_days).where(declared_days.c.province == province)
    return newest_first(unit, mine, declared_days.c.id, limit, after)


def show(unit: Unit, declared_id: int, *, by: Account) -> Row[Any]:
    """Raises:
    NotFound: there is none, or the account may not declare any.
    """
    row = unit.first(select(declared_days).where(declared_days.c.id == declared_id))
    if row is None or not access.allows(by, "arrange", Target(row.province), unit):
        raise NotFound(f"There is no declared day {declared_id}.")
    return row


def history(unit: Unit, province: str) -> list[Row[Any]]:
    """What was declared, oldest first."""
    return unit.all(select(declared_days).where(declared_days.c.province == province).order_by(declared_days.c.id))

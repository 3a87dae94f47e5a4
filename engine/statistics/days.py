"""Closed days: what was reported of a day stays as it was reported.

Closing a day keeps its figures (F.1) as its first edition. What changes afterwards, a contact noted late or an outcome
put right, never changes an edition: it shows as a difference, until somebody gives out a further edition, a
correction, with its date, name and reason.

A province may have its days closed by the clock (province.toml: ``close_day_at = "06:00"``, local, of the day after).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Row, select

from engine.errors import NotFound, WrongState
from engine.language.vietnamese import nfc
from engine.model import provinces, reported_days
from engine.people import access
from engine.people.access import Account, Target
from engine.places import areas
from engine.queues.leases import insert_into
from engine.runtime import Runtime, Unit
from engine.statistics import figures
from engine.terms.calendar import ZONE

Kept = dict[str, Any]
CLOCK = "system"  # who closed a day that nobody closed by hand; no account has this log-in
AT_MOST = 31  # missed days that are caught up for one province at once


@dataclass(frozen=True)
class Day:
    """A closed day.

    Attributes:
        editions: as closed, then each correction: ``edition``, ``figures``, ``reason``, ``at``, ``by``.
        now: what its figures would be at this moment, in the same shape.
        changed: "lines.missed", "by_key.5.1.answered", …: what the latest edition says, and what would be said now.
    """

    day: date
    editions: list[Row[Any]]
    now: Kept
    changed: dict[str, tuple[int, int]]


def close(unit: Unit, account: Account, province: str, day: date) -> Day:
    """Keep the figures of a day that is over as they are now.

    Raises:
        NotAllowed: the account may not close this province's days.
        InvalidRequest: there is no such province.
        WrongState: the day is not over, or is closed already.
    """
    access.require(account, "close-day", Target(province), unit)
    areas.require_province(unit, province)
    if _bounds(day)[1] > unit.now:
        raise WrongState(f"The day {day} is not over yet.")
    _append(unit, account, province, day, 1, None)
    return show(unit, account, province, day)


def closed(unit: Unit, province: str, begins: datetime, ends: datetime) -> dict[str, Any] | None:
    """``day`` and ``at`` if this period is exactly one day, and that is closed. Whoever may count may know it."""
    day = begins.astimezone(ZONE).date()
    if _bounds(day) != (begins, ends):
        return None
    first = (reported_days.c.province == province, reported_days.c.day == day, reported_days.c.edition == 1)
    row = unit.first(select(reported_days.c.day, reported_days.c.at).where(*first))
    return None if row is None else {"day": row.day, "at": row.at}


def close_due(runtime: Runtime) -> int:
    """Close the days whose hour has come, those that were missed too; returns how many.

    A province begins with yesterday, or where people have stopped to close them by hand. However many workers do this
    at once, a day is closed once.
    """
    with runtime.read() as unit:
        due = [(row.code, day) for row in unit.all(select(provinces.c.code, provinces.c.settings))
               for day in _due(unit, row.code, row.settings.get("close_day_at"))]  # fmt: skip
    return sum(_close_by_clock(runtime, province, day) for province, day in due)


def _due(unit: Unit, province: str, hour: str | None) -> list[date]:
    if hour is None:
        return []
    last = newest(unit, hour)
    rows = unit.all(select(reported_days.c.day, reported_days.c.by).where(reported_days.c.province == province))
    closed = {row.day for row in rows}
    by_hand = max(closed) + timedelta(days=1) if closed else last
    first = min((row.day for row in rows if row.by == CLOCK), default=by_hand)
    missed = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return list(islice((day for day in missed if day not in closed), AT_MOST))


def newest(unit: Unit, hour: str) -> date:
    """The latest day that is over and whose hour, "06:00" local of the day after, has come."""
    local = unit.now.astimezone(ZONE)
    return local.date() - timedelta(days=1 if local.time() >= time.fromisoformat(hour) else 2)


def _close_by_clock(runtime: Runtime, province: str, day: date) -> bool:
    try:
        with runtime.begin() as unit:
            _append(unit, Account(0, CLOCK, CLOCK, "office", province=province), province, day, 1, None)
    except WrongState:  # another worker, or somebody by hand, has just done it
        return False
    return True


def correct(unit: Unit, account: Account, province: str, day: date, reason: str) -> Day:
    """Give out a further edition of a closed day, with the figures as they are now.

    Raises:
        NotAllowed, NotFound: as for `show`, or the account may not close days.
        WrongState: nothing has changed since the latest edition, or somebody else has just corrected it.
    """
    access.require(account, "close-day", Target(province), unit)
    shown = show(unit, account, province, day)
    if not shown.changed:
        raise WrongState(f"Nothing has changed since the latest edition of {day}.")
    _append(unit, account, province, day, len(shown.editions) + 1, nfc(reason).strip())
    return show(unit, account, province, day)


def show(unit: Unit, account: Account, province: str, day: date) -> Day:
    """What was reported of a day, its corrections, and what has changed since.

    Raises:
        NotAllowed: the account may not count this province's contacts.
        NotFound: the day is not closed.
    """
    access.require(account, "count", Target(province), unit)
    mine = select(reported_days).where(reported_days.c.province == province, reported_days.c.day == day)
    editions = unit.all(mine.order_by(reported_days.c.edition))
    if not editions:
        raise NotFound(f"The day {day} is not closed.")
    now = _figures(unit, account, province, day)
    was, would_be = _numbers(editions[-1].figures), _numbers(now)
    both = {name: (was.get(name, 0), would_be.get(name, 0)) for name in sorted({*was, *would_be})}
    return Day(day, editions, now, {name: (then, today) for name, (then, today) in both.items() if then != today})


def _append(unit: Unit, account: Account, province: str, day: date, edition: int, reason: str | None) -> None:
    new = insert_into(unit, reported_days).values(
        province=province, day=day, edition=edition, reason=reason, at=unit.now, by=account.login,
        figures=_figures(unit, account, province, day),
    ).on_conflict_do_nothing(index_elements=["province", "day", "edition"])  # fmt: skip
    if unit.first(new.returning(reported_days.c.id)) is None:
        raise WrongState(f"The day {day} is closed already." if edition == 1 else
                         f"Somebody else has just corrected {day}: look again.")  # fmt: skip


def _figures(unit: Unit, account: Account, province: str, day: date) -> Kept:
    made = figures.report(unit, account, province, *_bounds(day))
    return {
        "lines": asdict(made.lines),
        "out": {"calls": made.calls_out, "consultations": made.consultations},
        "by_key": {key: asdict(lines) for key, _, lines in made.by_key},
        "by_channel": {channel: asdict(lines) for channel, lines in made.by_channel},
        "by_agency": {key or "": asdict(lines) for key, _, lines in made.by_agency},
    }


def _numbers(kept: Kept, above: str = "") -> dict[str, int]:
    found: dict[str, int] = {}
    for name, value in kept.items():
        found |= _numbers(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return found


def _bounds(day: date) -> tuple[datetime, datetime]:
    return datetime.combine(day, time(), ZONE), datetime.combine(day + timedelta(days=1), time(), ZONE)

"""Closed days: what was reported of a day stays as it was reported.

Closing a day keeps its figures (F.1) as its first edition. What changes afterwards, a contact noted late or an outcome
put right, never changes an edition: it shows as a difference, until somebody gives out a further edition, a
correction, with its date, name and reason.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, select

from engine import access, figures
from engine.access import Account, Target
from engine.calendar import ZONE
from engine.errors import NotFound, WrongState
from engine.leases import insert_into
from engine.model import reported_days
from engine.runtime import Unit
from engine.vietnamese import nfc

Kept = dict[str, Any]


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
        WrongState: the day is not over, or is closed already.
    """
    access.require(account, "close-day", Target(province), unit)
    if _bounds(day)[1] > unit.now:
        raise WrongState(f"The day {day} is not over yet.")
    _append(unit, account, province, day, 1, None)
    return show(unit, account, province, day)


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

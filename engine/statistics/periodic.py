"""Reports that a province sends by the clock: of a week or a month that is over, to agencies that asked for them.

province.toml says which (`read` says how). A report counts cases of some types and says so in words; it is kept as it
was sent. Whoever receives it may be an overseer, so no number tells of few people (`engine.statistics.small`).

However many workers look, a report is made once for each period: its row and the letters are written together, and the
row's key is unique. Who begins late makes the last period's only; older ones were missed, and are not sent now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, or_, select

from engine.model import agencies, cases, periodic_reports, provinces
from engine.people import access
from engine.people.access import Account, Target
from engine.queries import is_late
from engine.queues import outbox
from engine.queues.leases import insert_into
from engine.runtime import Runtime, Unit
from engine.statistics import days, small
from engine.statistics.catalogue import NOT_ELIGIBLE
from engine.terms.calendar import ZONE

HIDDEN = "(không nêu: ít người)"
WORDS = {"n": "tiếp nhận", "x": "đã xong", "d": "quá hạn", "k": "chưa đủ điều kiện"}  # what {n}, {x}, … stand for


@dataclass(frozen=True)
class Plan:
    """``[[reports]]`` of a province.toml.

    Attributes:
        key: never changes; name: its title for people.
        types: codes of the report types it counts.
        every: week (Monday to Sunday) or month.
        at: the local time at which it is made, on the first day after the period.
        to: keys of agencies; channel: email or sms.
        text: with {ky} for the period, and the `WORDS`.
    """

    key: str
    name: str
    types: tuple[str, ...]
    every: str
    at: str
    to: tuple[str, ...]
    channel: str
    text: str


def read(settings: Mapping[str, Any]) -> list[Plan]:
    """What a province has planned; the gate (`engine.flow.rules.timetable`) has checked it."""
    return [Plan(**one | {"types": tuple(one["types"]), "to": tuple(one["to"])}) for one in settings.get("reports", ())]


def make_due(runtime: Runtime) -> int:
    """Make and owe the reports whose hour has come; returns how many."""
    with runtime.read() as unit:
        known = unit.all(select(provinces.c.code, provinces.c.settings))
        wanted = [(row.code, plan, _last(unit, plan)) for row in known for plan in read(row.settings)]
        due = [(code, plan, begins) for code, plan, begins in wanted if not _is_made(unit, code, plan, begins)]
    return sum(_make(runtime, code, plan, begins) for code, plan, begins in due)


def list_reports(unit: Unit, account: Account, province: str) -> list[Row[Any]]:
    """What was sent, newest first: to whoever sees exact figures everything, to others what their agency was sent.

    Raises:
        NotAllowed: the account counts nothing in this province.
    """
    access.require(account, "count", Target(province), unit)
    newest_first = (periodic_reports.c.begins.desc(), periodic_reports.c.key)
    rows = unit.all(select(periodic_reports).where(periodic_reports.c.province == province).order_by(*newest_first))
    if access.allows(account, "figure", Target(province), unit):
        return rows
    return [row for row in rows if account.agency in row.sent_to]


# -- which period --------------------------------------------------------------------------------------------------


def _last(unit: Unit, plan: Plan) -> date:
    """The first day of the latest period that is over and whose hour has come."""
    after = days.newest(unit, plan.at) + timedelta(days=1)  # the day whose hour has come
    begun = after.replace(day=1) if plan.every == "month" else after - timedelta(days=after.weekday())
    return _begins(plan, begun - timedelta(days=1))


def _begins(plan: Plan, day: date) -> date:
    return day.replace(day=1) if plan.every == "month" else day - timedelta(days=day.weekday())


def _ends(plan: Plan, begins: date) -> date:
    return (begins + timedelta(days=32)).replace(day=1) if plan.every == "month" else begins + timedelta(days=7)


def _called(plan: Plan, begins: date) -> str:
    return f"tháng {begins:%m/%Y}" if plan.every == "month" else f"tuần {begins:%V/%G}"


def _is_made(unit: Unit, province: str, plan: Plan, begins: date) -> bool:
    table = periodic_reports.c
    made = select(table.id).where(table.province == province, table.key == plan.key, table.begins == begins)
    return unit.first(made) is not None


# -- making it -----------------------------------------------------------------------------------------------------


def _make(runtime: Runtime, province: str, plan: Plan, begins: date) -> bool:
    with runtime.begin() as unit:
        said = _said(_counts(unit, province, plan, begins))
        text = plan.text.format(ky=_called(plan, begins), **said)
        new = insert_into(unit, periodic_reports).values(
            province=province, key=plan.key, name=plan.name, begins=begins, ends=_ends(plan, begins), text=text,
            figures=said, sent_to=list(plan.to), made_at=unit.now,
        ).on_conflict_do_nothing(index_elements=["province", "key", "begins"])  # fmt: skip
        made = unit.first(new.returning(periodic_reports.c.id))
        if made is None:  # another worker has just made it
            return False
        sheet = "".join(f"{name},{said[word]}\r\n" for word, name in WORDS.items())
        letter = {"subject": f"{plan.name}, {_called(plan, begins)}", "text": text,
                  "file": {"name": f"{plan.key}-{begins}.csv", "content": f"Kỳ,{_called(plan, begins)}\r\n{sheet}"}}
        known = unit.all(select(agencies.c.key).where(agencies.c.key.in_(plan.to)))
        for row in known:
            key = f"report:{province}:{plan.key}:{begins}:{row.key}"
            outbox.put(unit, None, plan.channel, plan.key, 0, letter, key, agency=row.key)
    return True


def _counts(unit: Unit, province: str, plan: Plan, begins: date) -> dict[str, int]:
    start, end = (datetime.combine(day, time(), ZONE) for day in (begins, _ends(plan, begins)))
    closed = cases.c.closed_at.is_not(None)
    late = or_(and_(closed, cases.c.closed_at > cases.c.due_at), is_late(unit.now))
    asked = (closed, late, cases.c.outcome.in_(NOT_ELIGIBLE))
    query = select(func.count(), *(func.count().filter(one) for one in asked)).where(
        cases.c.province == province, cases.c.opened_at >= start, cases.c.opened_at < end,
        cases.c.report_type.in_(plan.types),
    )  # fmt: skip
    row = unit.first(query)
    assert row is not None
    return dict(zip(WORDS, row, strict=True))


def _said(counts: Mapping[str, int]) -> dict[str, str]:
    """No number from 1 to 4, neither shown nor left over when a part is taken from the whole."""
    whole = counts["n"]
    if small.tells([whole]):
        return dict.fromkeys(counts, HIDDEN)
    return {word: HIDDEN if small.tells([count, whole - count]) else str(count) for word, count in counts.items()}

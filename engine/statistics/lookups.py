"""What reports look up that stands in no table: the provinces' working days, and which calls a report type plans.

Each is a table of texts that goes into the statement as one value; `sql.entry` reads it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Text, bindparam, select

from engine import declared_days
from engine.model import provinces
from engine.model.columns import Instant
from engine.runtime import Unit
from engine.terms.calendar import ZONE, Calendar

NOW = bindparam("now", type_=Instant())
FIFTH_DAY = bindparam("fifth_day", type_=Text())  # by day: the last day on which a report of it is passed on in time
CALL_STEP, CALL_REACHED = (bindparam(f"call_{name}", type_=Text()) for name in ("step", "reached"))
WORKING_DAYS = 5  # NĐ 20/2008/NĐ-CP Đ.9 (domain report, R.1)
OFFICE_HOURS = "hanh_chinh"  # the calendar of a province that says which days are worked
_WEEK = {"days": ["mon", "tue", "wed", "thu", "fri"], "hours": ["08:00-17:00"], "holidays": "VN"}
_LONGEST_REST = timedelta(days=30)  # more than five working days with Tết in between


def values(unit: Unit, province: str, begins: datetime, ends: datetime) -> dict[str, Any]:
    """What a statement has to be given for a report of this period."""
    plans = {one.code: one.type["calls"] for one in unit.catalogue.all_current(unit) if "calls" in one.type}
    calls = {part: {code: plan[part] for code, plan in plans.items()} for part in ("step", "reached")}
    return {
        NOW.key: unit.now, FIFTH_DAY.key: json.dumps(_fifth_days(unit, province, begins, ends)),
        **{f"call_{part}": json.dumps(by_type) for part, by_type in calls.items()},
    }  # fmt: skip


def _fifth_days(unit: Unit, province: str, begins: datetime, ends: datetime) -> dict[str, str]:
    settings = unit.scalar(select(provinces.c.settings).where(provinces.c.code == province)) or {}
    calendars = {OFFICE_HOURS: _WEEK, **settings.get("calendars", {})}
    table = declared_days.applied(calendars, declared_days.history(unit, province))[OFFICE_HOURS]
    first, last = begins.astimezone(ZONE).date(), ends.astimezone(ZONE).date()
    worked = list(_worked(Calendar.parse(OFFICE_HOURS, table), first, last + _LONGEST_REST))
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    # the day of receipt does not count
    return {str(day): str(worked[bisect_right(worked, day) + WORKING_DAYS - 1]) for day in days}


def _worked(calendar: Calendar, first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        day = calendar.next_opening(datetime.combine(day, time(), ZONE)).astimezone(ZONE).date()
        yield day
        day += timedelta(days=1)

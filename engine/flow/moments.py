"""Dates, times of day, moments and durations, as FEEL and our expressions have them.

A date, a time and a moment are ISO texts, which is what case data can hold: "2021-09-03", "15:30:00",
"2021-09-03T15:30:00+07:00". Where no time zone is written, Vietnam's is meant (Asia/Ho_Chi_Minh); what is written with
another is told by Vietnam's clock. A duration is one of days and time (`PT2H`) or one of years and months (`P1Y`): how
long a month is depends on where it begins, so the two are neither added nor compared. It is a value of its own while an
expression is worked out, and an ISO text where it is kept.

    date + duration   moment + duration   time + duration (round the clock)   duration + duration
    date - date       moment - moment     time - time     → a duration of days and time
    duration * 2      duration / 2        duration / duration → a number
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date as day
from datetime import datetime as instant
from datetime import time as clock
from datetime import timedelta, timezone
from typing import Any

from engine.flow.values import DURATIONS, NUMBERS, Months, ScriptError, kind_of, shown

_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_YEAR = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December")  # fmt: skip
VIETNAM = timezone(timedelta(hours=7))
_ZONE = re.compile(r"@Asia/(Ho_Chi_Minh|Saigon)\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"T?(\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.{0,30}")
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<years>N)Y)?(?:(?P<months>N)M)?(?:(?P<weeks>N)W)?(?:(?P<days>N)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>N)H)?(?:(?P<minutes>N)M)?(?:(?P<seconds>N(?:\.[0-9]{1,6})?)S)?)?".replace(
        "N", "[0-9]{1,9}"
    )
)
_BEGINNING = instant(2000, 1, 1)  # of a clock's round, to count on
_PARTS = frozenset({"year", "month", "day", "weekday", "hour", "minute", "second", "timezone"})
Point = day | instant | clock


# -- reading ---------------------------------------------------------------------------------------------------------


def to_day(value: Any, month: Any = None, of_month: Any = None) -> str:
    """The ISO date of a date or of a moment in Vietnam: `date("2021-09-03T23:30:00Z")` is `"2021-09-04"`; or of a year,
    a month and a day."""
    if month is not None or of_month is not None:
        return _made(day, value, month, of_month).isoformat()
    if type(value) is str and len(value) == 10:
        try:
            return day.fromisoformat(value).isoformat()
        except ValueError:
            raise ScriptError(f"date(…) cannot read {shown(value)}: write it as \"2021-09-03\".") from None
    if type(value) is day:
        return value.isoformat()
    return to_instant(value)[:10]


def to_instant(value: Any, of_day: Any = None) -> str:
    """A moment on Vietnam's clock, to the second: ISO texts that sort by time. No offset means Vietnam's. Of a date and
    a time, if two are given."""
    if of_day is not None:
        return f"{to_day(value)}T{to_time(of_day)}+07:00"
    if type(value) is str and 10 <= len(value) <= 60:
        try:
            value = instant.fromisoformat(_ZONE.sub("+07:00", value))
        except ValueError:
            pass
    if type(value) is not instant:
        raise ScriptError(f"{shown(value)} is not a date or time: write \"2021-09-03\" or \"2021-09-03T15:30\".")
    try:
        local = value.astimezone(VIETNAM) if value.tzinfo else value
    except OverflowError:
        raise ScriptError("The date is out of range.") from None
    return local.replace(tzinfo=None, microsecond=0).isoformat() + "+07:00"


def to_time(value: Any, minute: Any = None, second: Any = 0) -> str:
    """The time of day of a moment, or of a text like "15:30", by Vietnam's clock: `time("08:30:00Z")` is `"15:30:00"`;
    or of an hour, a minute and a second."""
    if minute is not None:
        return _made(clock, value, minute, second).isoformat()
    found = _TIME.fullmatch(_ZONE.sub("+07:00", value)) if type(value) is str else None
    if found is None:
        if type(value) is str and not _MOMENT.fullmatch(value) or type(value) not in (str, instant):
            raise ScriptError(f"time(…) cannot read {shown(value)}: write it as \"15:30\".")
        return to_instant(value)[11:19]
    try:
        read = clock.fromisoformat(found[1])
    except ValueError:
        raise ScriptError(f"time(…) cannot read {shown(value)}: write it as \"15:30\".") from None
    offset = read.utcoffset()
    ahead = timedelta() if offset is None else timedelta(hours=7) - offset
    return _turned(read.replace(tzinfo=None), ahead)


def to_duration(value: Any) -> timedelta | Months:
    """Of an ISO text: `PT2H30M`, `P3D`, `P1W`; `P1Y6M`; with `-` before it, backwards."""
    if type(value) in DURATIONS:
        return value  # type: ignore[no-any-return]
    found = _DURATION.fullmatch(value) if type(value) is str and len(value) <= 60 else None
    parts = {unit: number for unit, number in found.groupdict().items() if number} if found else {}
    sign = -1 if parts.pop("sign", "") else 1
    if not parts:
        raise ScriptError(f'duration(…) cannot read {shown(value)}: write it as "PT2H", "P3D" or "P1Y6M".')
    months = int(parts.pop("years", 0)) * 12 + int(parts.pop("months", 0))
    if months and parts:
        raise ScriptError(f"The duration {shown(value)} is of months and of days at once, and a month has no fixed "
                          "number of days: write one of the two.")  # fmt: skip
    if months or not parts:
        return _ranged(lambda: Months(sign * months))
    return _ranged(lambda: sign * timedelta(**{unit: float(number) for unit, number in parts.items()}))


def months_between(first: Any, second: Any) -> Months:
    """FEEL's `years and months duration`: the whole months from one date to another."""
    begins, ends = (day.fromisoformat(to_day(one)) for one in (first, second))
    months = (ends.year - begins.year) * 12 + ends.month - begins.month
    if months > 0 and ends.day < begins.day:
        months -= 1
    elif months < 0 and ends.day > begins.day:
        months += 1
    return Months(months)


def add_days(date: Any, days: Any) -> str:
    """The ISO date so many calendar days later."""
    if type(days) is not int or abs(days) > 100_000:
        raise ScriptError("add_days(…) needs a date and a whole number of days.")
    return _ranged(lambda: (day.fromisoformat(to_day(date)) + timedelta(days=days)).isoformat())


def days_between(first: Any, second: Any) -> int:
    """Calendar days from the first date to the second; negative when the second is earlier."""
    return (day.fromisoformat(to_day(second)) - day.fromisoformat(to_day(first))).days


def read(text: Any) -> str | timedelta | Months:
    """FEEL's ``@"…"``: a date, a time, a moment or a duration, by how it is written."""
    if type(text) is str and len(text) <= 60:
        if _DAY.fullmatch(text):
            return to_day(text)
        if _MOMENT.fullmatch(text):
            return to_instant(text)
        if _DURATION.fullmatch(text):
            return to_duration(text)
        if _TIME.fullmatch(_ZONE.sub("+07:00", text)):
            return to_time(text)
    raise ScriptError(f'@{shown(text)} is no date, time or duration: write @"2021-09-03", @"15:30" or @"PT2H".')


# -- parts -----------------------------------------------------------------------------------------------------------


def part_of(value: Any, name: str) -> int | float | str | None:
    """FEEL's properties: `.year`, `.weekday` (Monday is 1), `.hour`, … of a point in time, `.days`, `.months`, … of a
    duration, which has its sign; ``None``: it has no such part."""
    if type(value) in DURATIONS:
        return _share(value, name)
    point = when(value)
    if point is None or name not in _PARTS:
        return None
    if name == "weekday":
        return None if type(point) is clock else point.isoweekday()  # type: ignore[union-attr]
    if name == "timezone":
        return "Asia/Ho_Chi_Minh" if isinstance(point, instant) else None
    return getattr(point, name, None)


def _share(duration: timedelta | Months, name: str) -> int | float | None:
    if isinstance(duration, Months):
        years, months = divmod(abs(duration.count), 12)
        found: dict[str, int | float] = {"years": years, "months": months}
        back = duration.count < 0
    else:
        whole = abs(duration)
        minutes, seconds = divmod(whole.seconds, 60)
        found = {"days": whole.days, "hours": minutes // 60, "minutes": minutes % 60,
                 "seconds": seconds + whole.microseconds / 1e6 if whole.microseconds else seconds}  # fmt: skip
        back = duration < timedelta()
    return -found[name] if back and name in found else found.get(name)


def day_of_week(value: Any) -> str:
    """In FEEL's words: `"Monday"`."""
    return _WEEK[_day(value).weekday()]


def month_of_year(value: Any) -> str:
    return _YEAR[_day(value).month - 1]


def day_of_year(value: Any) -> int:
    return _day(value).timetuple().tm_yday


def week_of_year(value: Any) -> int:
    """As ISO 8601 counts: the week of the year's first Thursday is 1."""
    return _day(value).isocalendar().week


def _day(value: Any) -> day:
    return day.fromisoformat(to_day(value))


# -- reckoning -------------------------------------------------------------------------------------------------------


def added(left: Any, right: Any) -> Any:
    """`+` where one side is a duration; ``None`` if there is no such sum."""
    if type(left) in DURATIONS and type(left) is type(right):
        return _ranged(lambda: Months(left.count + right.count) if type(left) is Months else left + right)
    if type(left) in DURATIONS:
        left, right = right, left
    point = when(left) if type(right) in DURATIONS else None
    return None if point is None else _moved(point, right)


def subtracted(left: Any, right: Any) -> Any:
    """`-` with a duration, or between two dates, moments or times; ``None`` if there is no such difference."""
    if type(right) in DURATIONS:
        back = Months(-right.count) if type(right) is Months else -right
        return back if left == 0 and type(left) is int else added(left, back)
    begins, ends = when(right), when(left)
    if begins is None or ends is None or (type(begins) is clock) is not (type(ends) is clock):
        return None
    return _length(ends) - _length(begins)


def multiplied(left: Any, right: Any) -> Any:
    if type(left) in DURATIONS:
        left, right = right, left
    if type(right) not in DURATIONS or type(left) not in NUMBERS:
        return None
    return _ranged(lambda: Months(round(right.count * left)) if type(right) is Months else right * left)


def divided(left: Any, right: Any) -> Any:
    if type(left) not in DURATIONS or type(right) not in (*NUMBERS, type(left)):
        return None
    if type(right) is type(left):
        return left.count / right.count if type(left) is Months else left / right
    return _ranged(lambda: Months(int(left.count / right)) if type(left) is Months else left / right)


RECKONED: dict[str, Callable[[Any, Any], Any]] = {
    "+": added, "-": subtracted, "*": multiplied, "/": divided,
}  # fmt: skip


def asks_for_a_duration(left: Any, right: Any) -> str:
    """What to say to whoever adds a number to a date, or takes it away; else nothing."""
    dated = when(left) is not None and type(right) in NUMBERS or when(right) is not None and type(left) in NUMBERS
    return ' Move a date by a duration, such as duration("P3D").' if dated else ""


def durations(values: list[Any]) -> list[Any]:
    """The values, as durations if all of them are texts that say one: what a table answers is kept as text."""
    if values and all(says_duration(value) for value in values):
        return [to_duration(value) for value in values]
    return values


def says_duration(value: Any) -> bool:
    """Whether it is a text that says a duration, as those are kept."""
    if type(value) is not str or len(value) > 60 or _DURATION.fullmatch(value) is None:
        return False
    try:
        to_duration(value)
    except ScriptError:  # "P", or one of months and days
        return False
    return True


def when(value: Any) -> Point | None:
    """What a text says, if it is a date, a time of day or a moment; a moment is then one in Vietnam."""
    if type(value) in (day, clock):
        return value  # type: ignore[no-any-return]
    if type(value) is instant:
        return instant.fromisoformat(to_instant(value))
    if type(value) is not str or not value[:2].isdigit() or len(value) > 60:
        return None
    try:
        if _DAY.fullmatch(value):
            return day.fromisoformat(value)
        if _MOMENT.fullmatch(value):
            read = instant.fromisoformat(_ZONE.sub("+07:00", value))
            return read.astimezone(VIETNAM) if read.tzinfo else read.replace(tzinfo=VIETNAM)
        return clock.fromisoformat(to_time(value)) if _TIME.fullmatch(value) else None
    except (ValueError, OverflowError, ScriptError):
        return None


def _moved(point: Point, by: timedelta | Months) -> str | None:
    if type(by) is Months:
        return None if type(point) is clock else _ranged(lambda: _told(_months_on(point, by)))  # type: ignore[arg-type]
    if type(point) is clock:
        return _turned(point, by)
    if type(point) is day:  # from its midnight, and told as a date again
        return _ranged(lambda: (instant.combine(point, clock()) + by).date().isoformat())
    return _ranged(lambda: _told(point + by))  # type: ignore[operator]


def _months_on(point: day, by: Months) -> day:
    """The same day of another month, or its last: a month after 31 January is 28 February."""
    years, month = divmod(point.month - 1 + by.count, 12)
    year = point.year + years
    return point.replace(year=year, month=month + 1, day=min(point.day, monthrange(year, month + 1)[1]))


def _turned(time: clock, by: timedelta) -> str:
    return (_BEGINNING.replace(hour=time.hour, minute=time.minute, second=time.second) + by % timedelta(1)) \
        .time().isoformat(timespec="seconds")  # fmt: skip


def _told(point: day) -> str:
    return to_instant(point) if isinstance(point, instant) else point.isoformat()


def _length(point: Point) -> timedelta:
    """How far it is from a beginning that all of its kind have."""
    if isinstance(point, instant):
        return point.replace(tzinfo=None) - _BEGINNING
    if isinstance(point, day):
        return instant.combine(point, clock()) - _BEGINNING
    return timedelta(hours=point.hour, minutes=point.minute, seconds=point.second)


def _made(kind: Callable[..., Any], *parts: Any) -> Any:
    if any(type(part) is not int for part in parts):
        raise ScriptError(f"A date or time is made of three whole numbers, not of {kind_of(parts[0])}.")
    try:
        return kind(*parts)
    except (ValueError, OverflowError):
        raise ScriptError("There is no such date or time.") from None


def _ranged(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (ValueError, OverflowError):
        raise ScriptError("The date is out of range.") from None

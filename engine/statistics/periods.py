"""Periods as people write them: a day, a week, a month, a quarter, all of Vietnamese days."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from engine.errors import InvalidRequest
from engine.terms.calendar import ZONE

YEARS = range(1900, 2200)  # of our times; what is beyond has no instant in every zone
_WRITTEN = re.compile(r"(\d{4})-(?:(\d\d)(?:-(\d\d))?|W(\d\d)|Q([1-4]))\Z", re.ASCII)


def read(text: str) -> tuple[datetime, datetime]:
    """The first instant of a period, and the first one after it: aware.

    >>> [f"{at:%d/%m/%Y %H:%M}" for at in read("2021-Q3")]
    ['01/07/2021 00:00', '01/10/2021 00:00']

    Args:
        text: "2021-09-03", "2021-W36" (weeks begin on Monday), "2021-09" or "2021-Q3".

    Raises:
        InvalidRequest: it is none of these.
    """
    match = _WRITTEN.match(text)
    try:
        first, after = _days(*match.groups()) if match and int(match[1]) in YEARS else (None, None)
    except ValueError:
        first = after = None
    if first is None or after is None:
        raise InvalidRequest(
            f"{text[:40]!r} is no period: write 2021-09-03, 2021-W36, 2021-09 or 2021-Q3.", field="period"
        )
    return datetime.combine(first, time(), ZONE), datetime.combine(after, time(), ZONE)


def beside(text: str) -> tuple[str, str]:
    """The period before it, and the one after it, written the same way.

    >>> beside("2021-01"), beside("2020-W53")
    (('2020-12', '2021-02'), ('2020-W52', '2021-W01'))

    Raises:
        InvalidRequest: as `read`.
    """
    begins, after = (at.date() for at in read(text))
    return _written(begins - timedelta(days=1), text), _written(after, text)


def _written(day: date, like: str) -> str:
    if "W" in like:
        year, week, _weekday = day.isocalendar()
        return f"{year}-W{week:02}"
    if "Q" in like:
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return f"{day:%Y-%m-%d}" if len(like) == len("2021-09-03") else f"{day:%Y-%m}"


def _days(year: str, month: str | None, day: str | None, week: str | None, quarter: str | None) -> tuple[date, date]:
    if week:
        monday = date.fromisocalendar(int(year), int(week), 1)
        return monday, monday + timedelta(days=7)
    if day and month:
        one = date(int(year), int(month), int(day))
        return one, one + timedelta(days=1)
    begins, months = (int(quarter) * 3 - 2, 3) if quarter else (int(month or 0), 1)
    first = date(int(year), begins, 1)
    return first, (first + timedelta(days=31 * months)).replace(day=1)

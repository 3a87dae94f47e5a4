"""Dates and times of day as the browser's own inputs write them, kept as the form asks.

Where a time needs a zone and none was sent, it is Vietnam's: the server's pages send local times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone

from marshmallow import ValidationError

from engine.forms import sentences

VIETNAM = timezone(timedelta(hours=7))
TIME_FORMS = frozenset({"utc_offset", "utc_normalized", "no_timezone"})
_YEARS = range(1900, 2101)
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?"
_IS_DATE = re.compile(_DATE, re.ASCII)
_IS_TIME = re.compile(_TIME, re.ASCII)
_IS_DATETIME = re.compile(f"{_DATE}T{_TIME}", re.ASCII)
_ANY_DAY = date(2021, 9, 3)


def _read_date(text: str, _form: str) -> str:
    try:
        day = date.fromisoformat(text) if _IS_DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValidationError(sentences.DATE)
    if day.year not in _YEARS:
        raise ValidationError(sentences.YEAR)
    return text


def _read_time(text: str, form: str) -> str:
    try:
        moment = time.fromisoformat(text) if _IS_TIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValidationError(sentences.TIME)
    return _keep(datetime.combine(_ANY_DAY, moment), form).partition("T")[2]


def _read_datetime(text: str, form: str) -> str:
    try:
        moment = datetime.fromisoformat(text) if _IS_DATETIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValidationError(sentences.DATETIME)
    if moment.year not in _YEARS:
        raise ValidationError(sentences.YEAR)
    return _keep(moment, form)


def _keep(moment: datetime, form: str) -> str:
    """To the minute, as form-js writes it: with an offset, in UTC with a Z, or as Vietnam's local time."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=VIETNAM)
    if form == "utc_normalized":
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")  # noqa: UP017
    if form == "no_timezone":
        return moment.astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M")
    return moment.isoformat(timespec="minutes")


def day_of(text: str) -> date:
    """The day in Vietnam of a date or datetime as it is kept."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(VIETNAM).date() if moment.tzinfo else moment.date()


MOMENT_READERS: dict[str, Callable[[str, str], str]] = {
    "date": _read_date,
    "time": _read_time,
    "datetime": _read_datetime,
}

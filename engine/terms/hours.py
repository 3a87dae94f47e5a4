"""Opening hours: which moments of a year count, laid out so that counting is one search, not a walk.

Vietnam's public holidays come from the `holidays` package, days in lieu and swapped days included; a Saturday that the
Government swapped for a bridging day is a working day. A province adds its own with ``extra_holidays`` and
``working_days``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

FIRST_YEAR, LAST_YEAR = 1976, 2099  # one time zone, UTC+7, since 1975; the lunar calendar is known up to 2099
SECOND = 1_000_000  # everything here is counted in microseconds
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])-([01]?[0-9]|2[0-4]):([0-5][0-9])")

Spans = tuple[tuple[int, int], ...]
"""A day's opening: from (inclusive) and to (exclusive), in microseconds since local midnight; () is a closed day."""


class Year:
    """One year of opening, day by day.

    Attributes:
        first: the ordinal of 1 January.
        spans: each day's opening.
        opened: microseconds of opening before each day; one entry more than days, the last is the whole year.
        open_days: how many days with opening come before each day, likewise.
    """

    __slots__ = ("first", "spans", "opened", "open_days")

    def __init__(self, first: int, spans: list[Spans]) -> None:
        self.first, self.spans = first, spans
        self.opened, self.open_days = [0], [0]
        for day in spans:
            self.opened.append(self.opened[-1] + sum(end - start for start, end in day))
            self.open_days.append(self.open_days[-1] + bool(day))


@dataclass(frozen=True)
class Hours:
    """A week's opening hours and the days that are different."""

    week: tuple[Spans, ...]
    public_holidays: bool = False
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()
    _years: dict[int, Year] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Hours:
        """Read ``days``, ``hours``, ``holidays``, ``extra_holidays`` and ``working_days``.

        ``hours`` is one list for all the days, or a table: ``hours = {mon = ["07:30-11:30"], sat = […]}``.

        Raises:
            ValueError: a sentence that names the key and what to change.
        """
        if table.get("holidays") not in (None, False, "", "VN"):
            raise ValueError(f'holidays may be "VN" or left out, not {table["holidays"]!r}.')
        closed, opened = _dates(table, "extra_holidays"), _dates(table, "working_days")
        if both := closed & opened:
            raise ValueError(f"{min(both)} stands in both extra_holidays and working_days.")
        return _shared(_week(table), table.get("holidays") == "VN", closed, opened)

    @property
    def usual_day(self) -> int:
        """Microseconds of opening on an average working day."""
        return sum(end - start for day in self.week for start, end in day) // sum(map(bool, self.week))

    @property
    def share_of_week(self) -> float:
        """Which part of an ordinary week is open."""
        return self.usual_day * sum(map(bool, self.week)) / (7 * 86400 * SECOND)

    def year(self, year: int) -> Year:
        """Raises ValueError for a year that the calendar does not know."""
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._lay_out(year)
        return found

    def _lay_out(self, year: int) -> Year:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError(f"The calendar knows the years {FIRST_YEAR} to {LAST_YEAR}, not {year}.")
        holidays, swapped = public_holidays(year) if self.public_holidays else (frozenset(), frozenset())
        closed = (holidays | self.closed) - self.opened
        opened = self.opened | (swapped - self.closed)
        make_up = next(day for day in self.week if day)  # a make-up day has the hours of the first working weekday
        first = date(year, 1, 1).toordinal()
        spans = []
        for ordinal in range(first, date(year, 12, 31).toordinal() + 1):
            day = date.fromordinal(ordinal)
            usual = self.week[day.weekday()]
            spans.append(() if day in closed else usual or make_up if day in opened else usual)
        return Year(first, spans)


@lru_cache(maxsize=256)
def _shared(week: tuple[Spans, ...], holidays: bool, closed: frozenset[date], opened: frozenset[date]) -> Hours:
    """Every version of every report type of a province has the same hours: their years are laid out once."""
    return Hours(week, holidays, closed, opened)


@lru_cache(maxsize=256)
def public_holidays(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Vietnam's days off in this year, and the weekend days that are worked in exchange for some of them."""
    from holidays import country_holidays  # half a second to import: only for who needs it

    found = country_holidays("VN", years=year)
    return frozenset(found), frozenset(day for day in found.weekend_workdays if day.year == year)


def _week(table: Mapping[str, Any]) -> tuple[Spans, ...]:
    hours, days = table.get("hours"), table.get("days")
    if isinstance(hours, Mapping):
        if days is not None:
            raise ValueError("days and a table of hours by weekday contradict each other: leave days out.")
    else:
        if not isinstance(days, list) or not days:
            raise ValueError('opening hours need days, such as days = ["mon", "tue", "wed", "thu", "fri"].')
        hours = {day: hours for day in days if isinstance(day, str)}
    if unknown := [day for day in (days or hours) if day not in _WEEKDAYS]:
        raise ValueError(f"{unknown[0]!r} is not a weekday: write one of {', '.join(_WEEKDAYS)}.")
    week = tuple(_spans(hours[day]) if day in hours else () for day in _WEEKDAYS)
    if not any(week):
        raise ValueError("it is never open.")
    return week


def _spans(hours: Any) -> Spans:
    if not isinstance(hours, list) or not hours:
        raise ValueError('opening days need hours, such as hours = ["07:30-11:30", "13:00-17:00"].')
    spans = tuple(sorted(_span(text) for text in hours))
    for (_, end), (start, _) in zip(spans, spans[1:], strict=False):
        if start < end:
            raise ValueError(f"the hours {', '.join(hours)} overlap.")
    return spans


def _span(text: Any) -> tuple[int, int]:
    match = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f'hours are written like "07:30-11:30", not {text!r}.')
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    start, end = (from_hour * 60 + from_minute) * 60 * SECOND, (to_hour * 60 + to_minute) * 60 * SECOND
    if not start < end <= 86400 * SECOND:
        raise ValueError(f'the hours {text!r} do not end after they begin on one day: write two spans, up to "24:00".')
    return start, end


def _dates(table: Mapping[str, Any], key: str) -> frozenset[date]:
    values = table.get(key, [])
    if not isinstance(values, list):
        raise ValueError(f"{key} is a list of dates.")
    return frozenset(read_date(value, key) for value in values)


def read_date(value: Any, key: str) -> date:
    """One of the dates under a key, as a province wrote it.

    Raises:
        ValueError: it is none; a sentence that names the key.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key} holds dates such as 2021-09-04, not {value!r}.") from None

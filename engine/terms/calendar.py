"""Calendars: which time counts towards a promise, and when a promise falls due.

There are two kinds. *Round the clock*: every moment counts, a day is 24 hours. *With opening hours*: hours and minutes
count only while open; a day is a working day. Everything is counted on the clocks of Vietnam and answered in UTC.

What happens at the edges, on a calendar with opening hours:

* A start outside the opening hours counts from the next opening; closing time itself is outside.
* Hours that run out exactly at closing time fall due then, not at the next opening.
* ``P3D`` falls due at the same time of day on the third following working day. Where that day is not open at that time
  (a short Saturday), it is due at the last open moment before it; else when that day opens.
* ``P1DT4H`` is one working day, then four hours of opening. Part of a day is that part of a usual day's opening.
* Weeks and months are refused: nobody could say whether holidays lengthen them.

Round the clock a month ends on the same day of the month, or on its last day where there is no such day.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from engine.terms.hours import Hours, Spans, Year
from engine.terms.term import LONGEST_IN_DAYS, Term

__all__ = ["ROUND_THE_CLOCK", "ZONE", "Calendar", "Term", "next_repeated", "repeated"]

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OUR_YEARS = range(2000, 2200)  # in which there are instants; days may be older: whatever began long ago
_KEYS = ("name", "days", "hours", "holidays", "extra_holidays", "working_days")
_MICROSECOND = timedelta(microseconds=1)
_NOTHING = timedelta()


@dataclass(frozen=True)
class Calendar:
    """Args:
    hours: the opening hours, or ``None`` for round the clock.

    >>> Calendar.parse("24/7", {}).add(datetime(2021, 9, 3, 3, 30, tzinfo=UTC), Term.parse("PT5H"))
    datetime.datetime(2021, 9, 3, 8, 30, tzinfo=datetime.timezone.utc)
    """

    name: str
    hours: Hours | None = None

    @classmethod
    def parse(cls, name: str, table: Mapping[str, Any]) -> Calendar:
        """Read ``[calendars.<name>]`` of a province; a table without hours is round the clock.

        Its own ``name`` is what people call it: "Giờ hành chính".

        Raises:
            ValueError: a sentence that names the calendar and what to change.
        """
        if not isinstance(table, Mapping):
            raise ValueError(f"The calendar {name!r} is not a table.")
        for key in table:
            if key not in _KEYS:
                meant = "".join(f" Did you mean {near!r}?" for near in get_close_matches(key, _KEYS, 1))
                raise ValueError(f"The calendar {name!r} has an unknown key {key!r}.{meant}")
        if not isinstance(table.get("name", ""), str):
            raise ValueError(f"The calendar {name!r}: its name is written in quotes.")
        opening = {key: value for key, value in table.items() if key != "name"}
        if not opening:
            return cls(name)
        try:
            return cls(name, Hours.parse(opening))
        except ValueError as error:
            raise ValueError(f"The calendar {name!r}: {error}") from None

    @property
    def is_round_the_clock(self) -> bool:
        return self.hours is None

    def check(self, term: Term) -> None:
        """Raises ValueError, with a sentence, for a term that this calendar cannot count or that takes > 10 years."""
        if self.hours is None:
            return
        if term.months or term.weeks:
            raise ValueError(
                f"The term {term} counts weeks or months, which the calendar {self.name!r} with its opening hours "
                'cannot: write working days, such as "P5D".'
            )
        open_seconds = term.days * self.hours.usual_day / 1_000_000 + term.seconds
        if open_seconds / self.hours.share_of_week > LONGEST_IN_DAYS * 86400:
            raise ValueError(f"The term {term} takes more than ten years on the calendar {self.name!r}.")

    def add(self, start: datetime, term: Term) -> datetime:
        """When a promise made at ``start`` (aware) falls due, in UTC.

        Raises:
            TypeError: ``start`` has no time zone.
            ValueError: this calendar cannot count the term, or does not know the year.
        """
        if self.hours is None:
            return repeated(start, term, 1)
        if term.months or term.weeks:
            self.check(term)
        year, index, time = self._place(start)
        if term.days:
            whole, part = divmod(term.days, 1)
            year, index, time = self._working_days_later(year, index, time, int(whole))
            rest = round(part * self.hours.usual_day) + term.seconds * 1_000_000
        else:
            rest = term.seconds * 1_000_000
        return self._opening_later(year, index, time, rest)

    def add_counted(self, start: datetime, length: timedelta) -> datetime:
        """When ``length`` of counted time has passed since ``start``; ``start`` itself for nothing or less."""
        if length <= _NOTHING:
            return _utc(start)
        if self.hours is None:
            return _utc(start) + length
        return self._opening_later(*self._place(start), length // _MICROSECOND)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much time counts from ``start`` to ``end``; negative if ``end`` is earlier."""
        if self.hours is None:
            return _utc(end) - _utc(start)
        if end < start:
            return -self.between(end, start)
        year, index, time = self._place(start)
        last, last_index, last_time = self._place(end)
        counted = last.opened[last_index] + _opened(last.spans[last_index], last_time)
        counted -= year.opened[index] + _opened(year.spans[index], time)
        while year is not last:
            counted += year.opened[-1]
            year = self._next(year)
        return timedelta(microseconds=counted)

    def next_opening(self, at: datetime) -> datetime:
        """The first moment from ``at`` on that counts, in UTC: ``at`` itself while open."""
        if self.hours is None:
            return _utc(at)
        return _instant(*self._opening(*self._place(at)))

    # A place is a moment on local clocks: its year, the day's index in it, and microseconds since midnight.

    def _place(self, at: datetime) -> tuple[Year, int, int]:
        local = _utc(at).astimezone(ZONE)
        year = self.hours.year(local.year)  # type: ignore[union-attr]
        time = (local.hour * 3600 + local.minute * 60 + local.second) * 1_000_000 + local.microsecond
        return year, local.toordinal() - year.first, time

    def _next(self, year: Year) -> Year:
        return self.hours.year(datetime.fromordinal(year.first + len(year.spans)).year)  # type: ignore[union-attr]

    def _opening(self, year: Year, index: int, time: int) -> tuple[Year, int, int]:
        """This place if it is open, else the next that is."""
        for start, end in year.spans[index]:
            if time < end:
                return year, index, max(start, time)
        year, index = self._working_day(year, year.open_days[index + 1] + 1)
        return year, index, year.spans[index][0][0]

    def _working_day(self, year: Year, rank: int) -> tuple[Year, int]:
        """The rank-th working day of the year, the first being 1; beyond its end, of the years that follow."""
        while rank > year.open_days[-1]:
            rank -= year.open_days[-1]
            year = self._next(year)
        return year, bisect_left(year.open_days, rank) - 1

    def _working_days_later(self, year: Year, index: int, time: int, days: int) -> tuple[Year, int, int]:
        year, index, time = self._opening(year, index, time)
        if days == 0:
            return year, index, time
        year, index = self._working_day(year, year.open_days[index + 1] + days)
        return year, index, _at_or_before(year.spans[index], time)

    def _opening_later(self, year: Year, index: int, time: int, rest: int) -> datetime:
        """When ``rest`` microseconds of opening have passed since this place."""
        if rest == 0:
            return _instant(year, index, time)
        rest += year.opened[index] + _opened(year.spans[index], time)
        while rest > year.opened[-1]:
            rest -= year.opened[-1]
            year = self._next(year)
        index = bisect_left(year.opened, rest) - 1
        rest -= year.opened[index]
        for start, end in year.spans[index]:
            if rest <= end - start:
                break
            rest -= end - start
        return _instant(year, index, start + rest)


def _opened(spans: Spans, time: int) -> int:
    """Microseconds of opening on this day before this time."""
    return sum(min(time, end) - start for start, end in spans if start < time)


def _at_or_before(spans: Spans, time: int) -> int:
    """This time, if open on that day; else the last open moment before it; else the day's opening."""
    earlier = [min(time, end) for start, end in spans if start <= time]
    return earlier[-1] if earlier else spans[0][0]


def _instant(year: Year, index: int, time: int) -> datetime:
    local = datetime.fromordinal(year.first + index) + timedelta(microseconds=time)
    return local.replace(tzinfo=ZONE).astimezone(UTC)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise TypeError(f"{at.isoformat()} has no time zone: nobody can say which moment it is.")
    return at.astimezone(UTC)


def repeated(start: datetime, term: Term, times: int) -> datetime:
    """Round the clock: so many times a term after ``start``, in UTC. All its months are counted at once, and then the
    rest: three times ``P1M`` after 31 January is 30 April, though twice is 31 March and once 28 February."""
    length = timedelta(term.days, term.seconds, weeks=term.weeks)
    return _utc(_months_later(start, term.months * times) if term.months else start) + times * length


def next_repeated(start: datetime, term: Term, after: datetime) -> datetime:
    """Round the clock: the first moment later than ``after`` that is any number of times a term after ``start``."""
    longest = timedelta(term.days + 31 * term.months, term.seconds, weeks=term.weeks)
    times = max((after - start) // longest, 0) + 1  # as many have certainly passed, and one more
    while (moment := repeated(start, term, times)) <= after:
        times += 1
    return moment


def _months_later(start: datetime, months: int) -> datetime:
    local = _utc(start).astimezone(ZONE)
    years, month = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month + 1
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]))


ROUND_THE_CLOCK = Calendar("24/7")

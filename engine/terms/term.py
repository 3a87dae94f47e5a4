"""A term: a length of time that was promised, as an analyst writes it ("PT5H", "P3D").

A term says nothing about which time counts; `engine.terms.calendar` does. On a calendar with opening hours a day is a
working day and an hour is an hour of opening; round the clock a day is 24 hours.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta

LONGEST_IN_DAYS = 3653  # ten years
_DAYS_A_MONTH = 30.4375  # only to see whether a term is too long
_PATTERN = re.compile(
    r"P(?:(?P<years>N)Y)?(?:(?P<months>N)M)?(?:(?P<weeks>N)W)?(?:(?P<days>N)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>N)H)?(?:(?P<minutes>N)M)?(?:(?P<seconds>N)S)?)?".replace(
        "N", r"[0-9]{1,9}(?:[.,][0-9]{1,6})?"
    )
)
_WORDS = {"months": "tháng", "weeks": "tuần", "days": "ngày", "hours": "giờ", "minutes": "phút", "seconds": "giây"}


@dataclass(frozen=True, slots=True)
class Term:
    """How long, in the units it was promised in: they are not converted, since a day's length is the calendar's.

    >>> str(Term.parse("PT5H") * 0.8), Term.parse("P3D").words(working=True)
    ('PT4H', '3 ngày làm việc')
    """

    months: int = 0
    weeks: int = 0
    days: float = 0
    seconds: int = 0

    def __post_init__(self) -> None:
        length = self.months * _DAYS_A_MONTH + self.weeks * 7 + self.days + self.seconds / 86400
        if not length > 0:
            raise ValueError("A term must be longer than nothing.")
        if length > LONGEST_IN_DAYS:
            raise ValueError("A term may be at most ten years.")

    @classmethod
    def parse(cls, text: str) -> Term:
        """Read an ISO 8601 duration; only its last number may have a fraction, and only days and smaller.

        Raises:
            ValueError: a sentence that says what is wrong with it.
        """
        if not isinstance(text, str):
            raise ValueError(f'A term is text such as "PT5H" (5 hours) or "P3D" (3 days), not {text!r}.')
        match = _PATTERN.fullmatch(text) if len(text) <= 60 else None
        found = match.groupdict() if match else {}
        parts = {unit: number.replace(",", ".") for unit, number in found.items() if number}
        if not parts:
            raise ValueError(f'{text[:60]!r} is not a term: write it like "PT5H" (5 hours), "PT30M" or "P3D" (3 days).')
        if any("." in number for number in list(parts.values())[:-1]):
            raise ValueError(f"The term {text!r} has a fraction before its last number.")
        if any("." in parts.get(unit, "") for unit in ("years", "months", "weeks")):
            raise ValueError(f"The term {text!r} has a fraction of a year, month or week: write days.")
        return cls._of(text, parts)

    @classmethod
    def _of(cls, text: str, parts: dict[str, str]) -> Term:
        number = {unit: float(value) for unit, value in parts.items()}.get
        try:
            return cls(
                months=int(number("years", 0) * 12 + number("months", 0)),
                weeks=int(number("weeks", 0)),
                days=_tidy(number("days", 0)),
                seconds=round(number("hours", 0) * 3600 + number("minutes", 0) * 60 + number("seconds", 0)),
            )
        except ValueError as error:
            raise ValueError(f"The term {text!r} cannot be: {str(error)[0].lower()}{str(error)[1:]}") from None

    def __mul__(self, factor: float) -> Term:
        """A share of it, to the second. Months count as 30 days and weeks as 7 once they are divided.

        Raises:
            ValueError: nothing would be left, or more than ten years.
        """
        if isinstance(factor, bool) or not isinstance(factor, int | float):
            return NotImplemented
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"A term is multiplied by a number above 0, not by {factor}.")
        days = self.months * 30 + self.weeks * 7 + self.days
        return Term(days=_tidy(days * factor), seconds=round(self.seconds * factor))

    __rmul__ = __mul__

    def __add__(self, other: Term) -> Term:
        if not isinstance(other, Term):
            return NotImplemented
        return Term(
            self.months + other.months,
            self.weeks + other.weeks,
            _tidy(self.days + other.days),
            self.seconds + other.seconds,
        )

    def __str__(self) -> str:
        parts = self._parts()
        date = "".join(f"{_plain(parts[unit])}{unit[0].upper()}" for unit in ("months", "weeks", "days") if parts[unit])
        time = "".join(f"{parts[unit]}{unit[0].upper()}" for unit in ("hours", "minutes", "seconds") if parts[unit])
        return f"P{date}T{time}" if time else f"P{date}"

    def words(self, *, working: bool = False) -> str:
        """In Vietnamese: "5 giờ"; with ``working``, "3 ngày làm việc" or "1 ngày 4 giờ làm việc"."""
        words = " ".join(f"{_plain(n).replace('.', ',')} {_WORDS[unit]}" for unit, n in self._parts().items() if n)
        return f"{words} làm việc" if working else words

    @property
    def units(self) -> tuple[str, ...]:
        """Which of its units it uses; two terms in one and the same unit can be compared without a calendar."""
        return tuple(unit for unit in ("months", "weeks", "days", "seconds") if getattr(self, unit))

    def _parts(self) -> dict[str, float]:
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return {
            "months": self.months,
            "weeks": self.weeks,
            "days": self.days,
            "hours": hours,
            "minutes": minutes,
            "seconds": seconds,
        }


def length_in_words(length: timedelta, *, days: bool = True) -> str:
    """A length of time for people, to the minute and rounded down: "1 ngày 2 giờ 5 phút"; its sign is left out.

    Args:
        days: whether 24 hours are called a day; not so for hours of opening.
    """
    minutes = abs(length) // timedelta(minutes=1)
    if minutes == 0:
        return "dưới 1 phút"
    hours, minutes = divmod(minutes, 60)
    whole_days, hours = divmod(hours, 24) if days else (0, hours)
    return " ".join(f"{n} {unit}" for n, unit in ((whole_days, "ngày"), (hours, "giờ"), (minutes, "phút")) if n)


def _tidy(days: float) -> float:
    """2.4000000000000004 -> 2.4; 3.0 -> 3."""
    days = round(days, 6)
    return int(days) if days == int(days) else days


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.6f}".rstrip("0").rstrip(".")

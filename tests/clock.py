"""Time as tests have it: it stands still until told to move, and nothing sleeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MORNING = datetime(2021, 9, 3, 8, tzinfo=VIETNAM)  # a Friday, the day after National Day


class Clock:
    """Give it to a `Runtime`; move it with `advance`, or set ``now``.

    >>> clock = Clock()
    >>> clock.advance("1 day 5 hours")
    >>> clock.now.isoformat()
    '2021-09-04T13:00:00+07:00'
    """

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: str | timedelta) -> None:
        """Let elapsed (not working) time pass: a `timedelta`, or words such as "5 hours" or "2 days 30 minutes"."""
        self.now = (self.now.astimezone(UTC) + _span(by)).astimezone(self.now.tzinfo)


def _span(by: str | timedelta) -> timedelta:
    if isinstance(by, timedelta):
        return by
    if not re.fullmatch(r"(\s*\d+ (week|day|hour|minute|second)s?)+", by):
        raise ValueError(f'How long is {by!r}? Say it like "2 days 5 hours".')
    parts = re.findall(r"(\d+) (week|day|hour|minute|second)", by)
    return sum((timedelta(**{f"{unit}s": int(count)}) for count, unit in parts), timedelta())

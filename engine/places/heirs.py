"""Who goes on for agencies that are no more: known wherever work is given out, without asking each time.

Report types may name an agency long after it was merged into another. What they route to it goes to its successor at
once; whoever remembers what was so a moment ago is put right by `engine.work.successions` within a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, select

from engine.model import agencies
from engine.runtime import Unit
from engine.storage.prepared import Prepared

REMEMBERED = timedelta(seconds=10)
_ENDED = Prepared(
    select(agencies.c.key, agencies.c.successor).where(
        agencies.c.successor.is_not(None), agencies.c.valid_to <= bindparam("day")
    )
)


class Heirs:
    """What one process of the server remembers of it."""

    def __init__(self) -> None:
        self._remembered: tuple[datetime, date, dict[str, str]] | None = None

    def of(self, unit: Unit) -> Mapping[str, str]:
        """The successor at work for each agency that is no more, as it was at most `REMEMBERED` ago."""
        known, today = self._remembered, unit.today
        if known is None or known[1] != today or unit.now - known[0] >= REMEMBERED:
            return self.look(unit)
        return known[2]

    def look(self, unit: Unit) -> Mapping[str, str]:
        """The same, as it is; through however many mergers."""
        today = unit.today
        next_ = {row.key: row.successor for row in unit.all(_ENDED, {"day": today})}

        def last(key: str) -> str:
            while key in next_:
                key = next_[key]
            return key

        found = {key: last(key) for key in next_}
        self._remembered = unit.now, today, found
        return found

    def forget(self) -> None:
        """Somebody has just decided about an agency."""
        self._remembered = None

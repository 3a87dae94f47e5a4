"""The numbers of cases: per province and local day one after the other, and two cases never get the same.

All who report at once want the next one of the same row. Were that row theirs until their report is written, they
would be written one after the other, each waiting for whatever the one before has to think about. So on PostgreSQL a
number is given out in a transaction of its own (`Unit.ahead`). A unit that comes to nothing leaves its number to the
next one of this process; a process that ends meanwhile leaves a gap. (SQLite has one writer anyway, and takes the
number back with everything else.)
"""

from __future__ import annotations

from bisect import insort
from typing import Any

from sqlalchemy import bindparam

from engine import model
from engine.runtime import Unit
from engine.storage.prepared import Upsert
from engine.terms.calendar import ZONE

SERIES_MAX = 100  # of which a process keeps what was left: each day has its own

_NEXT = Upsert(
    lambda insert: (
        insert(model.numbers)
        .values(series=bindparam("series"), last=1)
        .on_conflict_do_update(index_elements=["series"], set_={"last": model.numbers.c.last + 1})
        .returning(model.numbers.c.last)
    )
)


class Number:
    """A case's number, known by the unit's next look at the database.

    Attributes:
        is_used: a case of this unit has it.
    """

    def __init__(self, unit: Unit, series: str) -> None:
        self.series, self.is_used, self._unit = series, False, unit
        self._last: int | None = None
        self._found: list[Any] = []
        try:
            self._last = unit.spare_numbers[series].pop(0)
        except (KeyError, IndexError):
            self._found = unit.ahead(_NEXT, {"series": series})
        if unit.locks_rows:
            unit.at_end(self._leave)

    def use(self) -> str:
        """As people know it: 1022.BD.20210903.00042."""
        if self._last is None and not self._found:
            self._unit.flush()
        self.is_used = True
        return f"1022.{self.series}.{self._given():05d}"

    def _given(self) -> int | None:
        return self._found[0].last if self._found else self._last

    def _leave(self, done: bool) -> None:
        """To the next unit, unless a case has it."""
        given = self._given()
        if given is not None and not (done and self.is_used):
            if len(self._unit.spare_numbers) >= SERIES_MAX:
                self._unit.spare_numbers.clear()
            insort(self._unit.spare_numbers.setdefault(self.series, []), given)


def ask_ahead(unit: Unit, short: str) -> None:
    """As `ask`, before the unit begins; with SQLite not yet: what is refused has then asked for none."""
    if unit.locks_rows:
        ask(unit, short)


def ask(unit: Unit, short: str) -> Number:
    """The number of the unit's next case; who asks twice gets the same, until it is used.

    Args:
        short: what the province is called in its numbers.
    """
    series = f"{short}.{unit.now.astimezone(ZONE):%Y%m%d}"
    if unit.number is None or unit.number.is_used or unit.number.series != series:
        unit.number = Number(unit, series)
    return unit.number  # type: ignore[no-any-return]

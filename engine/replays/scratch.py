"""A database in memory in which cases are played: it has a province and versions, no people, and forgets every case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, text

from engine import activations, packages
from engine.model import agencies, area_successors, areas, branches, definitions, metadata, provinces
from engine.packages import Package
from engine.runtime import Runtime, Unit

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)  # every version is in force whenever a case began


class Scratch:
    """The real engine, on nothing that lasts.

    Attributes:
        edited: the version to try, in force there (after `fill`).
        agencies: their names, by key.
    """

    edited: Package
    agencies: dict[str, str]

    def __init__(self) -> None:
        self.now = _ALWAYS
        self.runtime = Runtime.open("sqlite:///:memory:", lambda: self.now)
        metadata.create_all(self.runtime.database)

    def fill(self, unit: Unit, files: Mapping[str, str], versions: Iterable[int]) -> None:
        """Args:
        unit: of the database that has the cases.
        files: of the package to try.
        versions: those that the cases began with.

        Raises:
            InvalidPackage: the package has faults.
            InvalidRequest: an area or agency of its province.toml is another province's.
        """
        self.now = unit.now
        current = unit.catalogue.all_current(unit)
        with self.runtime.begin() as mine:
            mine.execute(text("PRAGMA defer_foreign_keys = ON"))
            for table in (provinces, areas, area_successors, agencies, branches):
                _copy(unit, mine, table)
            _copy(unit, mine, definitions, definitions.c.id.in_({*versions, *(one.id for one in current)}))
            for one in current:
                activations.decide(mine, one.id, one.code, _ALWAYS, "replay")
            made = packages.store(mine, files, unit.now, by="replay")
            activations.decide(mine, made.id, made.key, _ALWAYS, "replay")
            packages.load_province(mine, packages.Package(files).province)
        with self.runtime.read() as mine:
            self.edited = self.runtime.catalogue.pinned(mine, made.id)
            self.agencies = {row.key: row.name for row in mine.all(select(agencies.c.key, agencies.c.name))}

    def version(self, definition_id: int) -> Package:
        with self.runtime.read() as unit:
            return self.runtime.catalogue.pinned(unit, definition_id)

    @contextmanager
    def unit(self, moment: datetime) -> Iterator[Unit]:
        """A unit that begins then, whose clock may be moved, and of which nothing stays."""
        self.now = moment
        with suppress(_Over), self.runtime.begin() as unit:
            yield unit
            raise _Over

    def close(self) -> None:
        self.runtime.database.dispose()


class _Over(Exception):
    """The case has been played."""


def _copy(unit: Unit, there: Unit, table: Any, *conditions: Any) -> None:
    rows = [dict(row._mapping) for row in unit.all(select(table).where(*conditions))]
    if rows:
        there.execute(insert(table), rows)

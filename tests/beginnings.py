"""What the databases of many tests begin with: made once for each process, and put into the next test's in no time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import MetaData, insert, select, text

from engine import model, packages
from engine.runtime import Runtime, Unit
from engine.storage.database import connect


class Beginning:
    """Whoever makes one fills the database of its runtime, and then calls `keep`.

    Attributes:
        tokens: of the people who are there.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        """Args:
        path: of a SQLite database with all tables and nothing in them. PostgreSQL keeps a copy in a schema of its name.
        """
        self.path, self.name = path, path.stem
        self.runtime = Runtime(connect(f"sqlite:///{path}"), clock)
        self.tokens: dict[str, str] = {}

    def keep(self) -> None:
        """This is it: nothing is written any more."""
        with self.runtime.read() as unit:
            self.packages = {package.id: package for package in self.runtime.catalogue.all_current(unit)}
            tables = [(table, unit.all(select(table))) for table in model.metadata.sorted_tables]
            self.rows = [(table, [dict(row._mapping) for row in rows]) for table, rows in tables if rows]
        self.runtime.database.dispose()

    def put(self, runtime: Runtime) -> None:
        """Write it into an empty database that nobody has opened yet."""
        url = runtime.database.url
        if url.database and url.get_backend_name() == "sqlite":
            shutil.copyfile(self.path, url.database)
        else:
            with runtime.begin() as unit:
                self._send(unit)
        runtime.catalogue = Catalogue(self.packages)

    def _send(self, unit: Unit) -> None:
        """To PostgreSQL; from the second test on it is there already, and only copied."""
        if unit.scalar(text(f"SELECT to_regclass('{self.name}.provinces')")) is None:
            unit.execute(text(f"CREATE SCHEMA {self.name}"))
            for table, rows in self.rows:
                unit.execute(text(f'CREATE TABLE {self.name}."{table.name}" (LIKE "{table.name}")'))
                unit.execute(insert(table.to_metadata(MetaData(), schema=self.name)), rows)
        copied = "".join(
            f'INSERT INTO "{table.name}" SELECT * FROM {self.name}."{table.name}";' for table, _ in self.rows
        )
        counted = "".join(  # what comes next must not be given an id that is taken
            f"PERFORM setval(pg_get_serial_sequence('{table.name}', 'id'), {len(rows)});"
            for table, rows in self.rows
            if "id" in table.c
        )
        unit.execute(text(f"DO $$ BEGIN {copied} {counted} END $$"))


class Catalogue(packages.Catalogue):
    """One that has read these versions already."""

    def __init__(self, known: dict[int, packages.Package]) -> None:
        super().__init__()
        self._packages |= known

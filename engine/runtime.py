"""A unit of work: one transaction, one instant.

Everything that changes the database happens inside ``Runtime.begin()``; it commits once, at the end, or not at all.
Reads that lead to no change happen inside ``Runtime.read()``. Nothing in the engine asks what time it is: the unit
knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Row, insert

from engine import model
from engine.database import connect

if TYPE_CHECKING:
    from engine.packages import Catalogue


class Unit:
    """One transaction and the instant at which everything in it happens.

    Attributes:
        now: aware UTC; the same for the whole unit.
        catalogue: the report types, by version.
    """

    def __init__(self, connection: Connection, now: datetime, catalogue: Catalogue) -> None:
        self.connection = connection
        self.now = now
        self.catalogue = catalogue

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        return self.connection.execute(statement, values)  # type: ignore[return-value]

    def first(self, statement: Executable, values: Any = None) -> Row[Any] | None:
        return self.connection.execute(statement, values).first()

    def all(self, statement: Executable, values: Any = None) -> list[Row[Any]]:
        return list(self.connection.execute(statement, values))

    def scalar(self, statement: Executable, values: Any = None) -> Any:
        return self.connection.execute(statement, values).scalar()

    def claims(self, change: Executable) -> bool:
        """Make a conditional change and say whether it happened: the idiom wherever two may want one thing."""
        return self.connection.execute(change).rowcount > 0

    @property
    def locks_rows(self) -> bool:
        """PostgreSQL locks rows; SQLite has let nobody else write since the unit began."""
        return self.connection.dialect.name == "postgresql"

    def record(self, case_id: int, kind: str, actor: str, element: str | None = None, **data: Any) -> None:
        """Add a line to a case's history."""
        self.connection.execute(
            insert(model.events),
            {"case_id": case_id, "at": self.now, "kind": kind, "actor": actor, "element": element, "data": data},
        )


class Runtime:
    """The engine bound to a database and a clock.

    >>> from engine.runtime import Runtime
    >>> runtime = Runtime.open("sqlite:///:memory:")
    """

    def __init__(self, database: Engine, clock: Callable[[], datetime]) -> None:
        """Args:
        database: prepared by `engine.database.connect` (Flask-SQLAlchemy's engine is, through its options).
        clock: returns an aware instant. The engine itself never asks the wall clock.
        """
        from engine.packages import Catalogue

        self.database = database
        self.clock = clock
        self.catalogue = Catalogue()

    @classmethod
    def open(cls, url: str, clock: Callable[[], datetime]) -> Runtime:
        return cls(connect(url), clock)

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        """A unit that may write. Commits at the end, rolls back on any exception."""
        with self.database.connect() as connection:
            # Without this, SQLite would begin at the first *write*, and what was read before would be of the past.
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield self._unit(connection)

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """A unit that only reads; whatever it read is one consistent picture."""
        with self.database.connect() as connection, connection.begin():
            yield self._unit(connection)

    def _unit(self, connection: Connection) -> Unit:
        return Unit(connection, self.clock().astimezone(UTC), self.catalogue)

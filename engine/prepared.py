"""Statements of the hot path: compiled once for each database, then run on the driver's own cursor.

SQLAlchemy makes the SQL, converts the values and shapes the rows; what is left out is everything it does anew each
time a statement is executed, which costs several times what SQLite itself needs (`bench`, ``cpu_per_call_ratio``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Row, Table, bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError

Values = Mapping[str, Any]


class Prepared:
    """A Core statement whose bind parameters all have names.

    >>> FIND = Prepared(select(tasks).where(tasks.c.id == bindparam("id")))
    >>> unit.first(FIND, {"id": 7})
    """

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._made: dict[str, _Made] = {}

    @classmethod
    def insertion(cls, table: Table, *columns: str, **more: Any) -> Prepared:
        """An INSERT of these columns; ``more``: columns with values that are always the same."""
        return cls(insert(table).values({name: bindparam(name) for name in columns} | more))

    def on(self, connection: Connection) -> _Made:
        dialect = connection.dialect
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _Made(self._for(dialect), dialect)
        return made

    def _for(self, dialect: Dialect) -> Executable:
        return self.statement


class Upsert(Prepared):
    """An INSERT with ON CONFLICT: each database has its own construct for it, of the same shape."""

    def __init__(self, make: Callable[[Any], Executable]) -> None:
        """Args:
        make: builds the statement with the ``insert`` it is given.
        """
        super().__init__(make(sqlite.insert))
        self._make = make

    def _for(self, dialect: Dialect) -> Executable:
        return self._make(postgresql.insert if dialect.name == "postgresql" else sqlite.insert)


class _Made:
    """The statement for one database."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql: str = compiled.string
        self._order: Sequence[str] | None = compiled.positiontup
        self._fixed = dict(compiled.construct_params(_check=False))
        self._binders = dict(compiled._bind_processors)
        self._errors: Any = dialect.loaded_dbapi.Error
        columns = compiled._result_columns
        self._meta = SimpleResultMetaData([column.keyname for column in columns])
        makers = [column.type._cached_result_processor(dialect, None) for column in columns]
        self._makers = makers if any(makers) else None

    def bind(self, values: Values | None) -> Any:
        """The values as the driver takes them."""
        given = self._fixed | dict(values or {})
        for name, bind in self._binders.items():
            given[name] = bind(given[name])
        return given if self._order is None else [given[name] for name in self._order]

    def run(self, connection: Connection, values: Values | None) -> Any:
        """A cursor with the answer."""
        cursor = connection.connection.cursor()
        bound = self.bind(values)
        try:
            cursor.execute(self.sql, bound)
        except self._errors as error:
            raise self.wrapped(error) from error
        return cursor

    def wrapped(self, error: Any) -> Exception:
        """A driver's error as SQLAlchemy would raise it."""
        return DBAPIError.instance(self.sql, None, error, self._errors, hide_parameters=True)  # type: ignore[return-value]

    def row(self, data: Any) -> Row[Any]:
        return Row(self._meta, self._makers, self._meta._key_to_index, data)


def send(connection: Connection, owed: Sequence[tuple[Prepared, Values, Exception | None]]) -> None:
    """Run writes in order; PostgreSQL gets them in one go.

    Raises:
        whatever a write asks to be raised if it changes no row.
    """
    made = [(statement.on(connection), values, otherwise) for statement, values, otherwise in owed]
    if connection.dialect.name != "postgresql":
        for one, values, otherwise in made:
            if one.run(connection, values).rowcount == 0 and otherwise is not None:
                raise otherwise
        return
    cursors = []
    try:
        with connection.connection.driver_connection.pipeline():
            for one, values, _ in made:
                cursors.append(one.run(connection, values))
    except made[0][0]._errors as error:
        raise made[0][0].wrapped(error) from error
    for cursor, (_, _, otherwise) in zip(cursors, made, strict=True):
        if cursor.rowcount == 0 and otherwise is not None:
            raise otherwise

"""Statements of the hot path: compiled once for each database, then run on the driver's own cursor.

SQLAlchemy makes the SQL, converts the values and shapes the rows; what is left out is everything it does anew each
time a statement is executed, which costs several times what SQLite itself needs (`bench`, ``cpu_per_call_ratio``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, Insert, Row, Table, bindparam, insert
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
        return self.run_as(connection, self.sql, self.bind(values))

    def run_as(self, connection: Connection, sql: str, bound: Any) -> Any:
        """The driver's errors come out as SQLAlchemy would raise them."""
        cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
        try:
            cursor.execute(sql, bound)
        except self._errors as error:
            raise DBAPIError.instance(sql, None, error, self._errors, hide_parameters=True) from error
        return cursor

    def row(self, data: Any) -> Row[Any]:
        return Row(self._meta, self._makers, self._meta._key_to_index, data)


Owed = tuple[Prepared, Values, Exception | None]  # what to write, and what to raise if that changes no row


def send(connection: Connection, owed: Sequence[Owed]) -> None:
    """Run writes in order.

    Raises:
        whatever a write asks to be raised if it changes no row.
    """
    if connection.dialect.name == "postgresql":
        for batch in _batches(owed):
            _send_together(connection, batch)
        return
    for statement, values, otherwise in owed:
        if statement.on(connection).run(connection, values).rowcount == 0 and otherwise is not None:
            raise otherwise


# -- PostgreSQL: many writes as one statement ------------------------------------------------------------------------

_PARAMETER = re.compile(r"%\((\w+)\)s")
_merged: dict[tuple[int, ...], str] = {}


def _batches(owed: Sequence[Owed]) -> Iterator[list[Owed]]:
    """Writes that may be one statement: its parts all see the tables as they were before it, so that no table may be
    changed twice in it, nor be both changed and added to."""
    batch: list[Owed] = []
    changed: set[Table] = set()
    added: set[Table] = set()
    for write in owed:
        statement: Any = write[0].statement
        only_adds = isinstance(statement, Insert) and statement.select is None
        if statement.table in changed or (not only_adds and statement.table in added):
            yield batch
            batch, changed, added = [], set(), set()
        batch.append(write)
        (added if only_adds else changed).add(statement.table)
    if batch:
        yield batch


def _send_together(connection: Connection, batch: list[Owed]) -> None:
    """``WITH w0 AS (UPDATE …), w1 AS (INSERT …) SELECT`` how many rows the ones that must change any have changed."""
    made = [statement.on(connection) for statement, _, _ in batch]
    given = {f"w{n}_{name}": value for n, one in enumerate(made) for name, value in one.bind(batch[n][1]).items()}
    cursor = made[0].run_as(connection, _together(made), given)
    for count, (_, _, otherwise) in zip(cursor.fetchone(), batch, strict=True):
        if count == 0 and otherwise is not None:
            raise otherwise


def _together(made: list[_Made]) -> str:
    key = tuple(map(id, made))  # a prepared statement lives as long as the process
    sql = _merged.get(key)
    if sql is None:
        parts = []
        for n, one in enumerate(made):
            part = _PARAMETER.sub(rf"%(w{n}_\1)s", one.sql)
            parts.append(f"w{n} AS ({part if 'RETURNING' in part else part + ' RETURNING 1'})")
        counts = ", ".join(f"(SELECT count(*) FROM w{n})" for n in range(len(made)))
        sql = _merged[key] = f"WITH {', '.join(parts)} SELECT {counts}"
    return sql

"""Statements of the hot path: compiled once for each database, then run by the driver itself.

SQLAlchemy makes the SQL, converts the values and shapes the rows; what is left out is everything it does anew each
time a statement is executed, which costs several times what SQLite itself needs (`bench`, ``cpu_per_call_ratio``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.errors import DivisionByZero
from sqlalchemy import Dialect, Executable, Row, Table, bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from engine.wire import Answer, Asked, Wire

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
        return cls(insert(table).inline().values({name: bindparam(name) for name in columns} | more))

    def on(self, dialect: Dialect) -> _Made:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _Made(self._for(dialect), dialect)
        return made

    def _for(self, dialect: Dialect) -> Executable:
        return self.statement


class PerDatabase(Prepared):
    """One statement for each database, to the same effect."""

    def __init__(self, *, sqlite: Executable, postgresql: Executable) -> None:
        super().__init__(sqlite)
        self._postgresql = postgresql

    def _for(self, dialect: Dialect) -> Executable:
        return self._postgresql if dialect.name == "postgresql" else self.statement


class Upsert(PerDatabase):
    """An INSERT with ON CONFLICT: each database has its own construct for it, of the same shape."""

    def __init__(self, make: Callable[[Any], Executable]) -> None:
        """Args:
        make: builds the statement with the ``insert`` it is given.
        """
        super().__init__(sqlite=make(sqlite.insert), postgresql=make(postgresql.insert))


class _Made:
    """The statement for one database."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql, order = _numbered(compiled) if dialect.name == "postgresql" else _positional(compiled)
        self.demand = _demanding(self.sql, compiled)
        self._fixed = dict(compiled.construct_params(_check=False))
        self._order = [(name, compiled._bind_processors.get(name)) for name in order]
        columns = compiled._result_columns
        self._meta = SimpleResultMetaData([column.keyname for column in columns])
        makers = [column.type._cached_result_processor(dialect, None) for column in columns]
        self._makers = makers if any(makers) else None

    def bind(self, values: Values) -> list[Any]:
        """The values as the driver takes them."""
        given = {**self._fixed, **values}
        return [given[name] if bind is None else bind(given[name]) for name, bind in self._order]

    def row(self, data: Any) -> Row[Any]:
        return Row(self._meta, self._makers, self._meta._key_to_index, data)


def _demanding(sql: str, compiled: Any) -> str:
    """The statement, for PostgreSQL to fail at if it finds or changes no row: what was sent after it, the commit
    too, is then not done."""
    if compiled.statement.is_select:
        return f"SELECT 1 / count(*) FROM ({sql}) AS found"
    return f"WITH found AS ({sql if compiled.returning else sql + ' RETURNING 1'}) SELECT 1 / count(*) FROM found"


_NAMED = re.compile(r"%\((\w+)\)s")


def _numbered(compiled: Any) -> tuple[str, Sequence[str]]:
    """``%(name)s`` becomes ``$1``, as PostgreSQL itself writes it."""
    names = list(dict.fromkeys(_NAMED.findall(compiled.string)))
    return _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", compiled.string).replace("%%", "%"), names


def _positional(compiled: Any) -> tuple[str, Sequence[str]]:
    return compiled.string, compiled.positiontup


class Owed(NamedTuple):
    """A statement to be run no later than the next look at the database.

    Attributes:
        otherwise: what to raise if it finds or changes no row.
        found: where its rows go; without it they are of no interest.
    """

    statement: Prepared
    values: Values
    otherwise: Exception | None = None
    found: list[Row[Any]] | None = None


def run(dialect: Dialect, pooled: PoolProxiedConnection, owed: Sequence[Owed], *, commit: bool = False) -> None:
    """Run statements in order; PostgreSQL gets them all at once.

    Args:
        commit: commit then, if nothing failed. (On SQLite that is left to the unit: it costs no exchange.)

    Raises:
        DBAPIError: the driver's error, as SQLAlchemy would raise it.
        whatever a statement asks to be raised.
    """
    postgresql = dialect.name == "postgresql"
    made = [one.statement.on(dialect) for one in owed]
    asked = [
        (it.demand if postgresql and one.otherwise is not None else it.sql, it.bind(one.values))
        for it, one in zip(made, owed, strict=True)
    ]
    answers = _wire(pooled).run(asked, commit) if postgresql else _on_sqlite(pooled.driver_connection, asked)
    errors: Any = dialect.loaded_dbapi.Error  # type: ignore[attr-defined]
    done = 0
    try:
        for (rows, count), it, one in zip(answers, made, owed, strict=True):
            done += 1
            if count == 0 and one.otherwise is not None:
                raise one.otherwise
            if one.found is not None:
                one.found.extend([it.row(row) for row in rows])
    except errors as error:
        otherwise = owed[done].otherwise if done < len(owed) else None
        if otherwise is not None and isinstance(error, DivisionByZero):
            raise otherwise from None
        sql = ";\n".join(sql for sql, _ in asked)
        raise DBAPIError.instance(sql, None, error, errors, hide_parameters=True) from error


def _on_sqlite(driver: Any, asked: Sequence[Asked]) -> Iterator[Answer]:
    for sql, values in asked:
        cursor = driver.execute(sql, values)
        rows = cursor.fetchall()
        yield rows, len(rows) if cursor.description else cursor.rowcount


def _wire(pooled: PoolProxiedConnection) -> Wire:
    """A connection's wire, which the pool keeps as long as the connection."""
    wire: Wire | None = pooled.info.get("wire")
    if wire is None:
        wire = pooled.info["wire"] = Wire(pooled.driver_connection)
    return wire

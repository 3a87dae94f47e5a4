"""Statements of the hot path: compiled once for each database, then run by the driver itself.

SQLAlchemy makes the SQL, converts the values and shapes the rows; what is left out is everything it does anew each
time a statement is executed, which costs several times what SQLite itself needs (`bench`, ``cpu_per_call_ratio``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Dialect, Executable, Row, SelectBase, Table, bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql import visitors

Values = Mapping[str, Any]


class Prepared:
    """A Core statement whose bind parameters all have names.

    >>> FIND = Prepared(select(tasks).where(tasks.c.id == bindparam("id")))
    >>> unit.first(FIND, {"id": 7})
    """

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._made: dict[str, Made] = {}

    @classmethod
    def insertion(cls, table: Table, *columns: str, **more: Any) -> Prepared:
        """An INSERT of these columns; ``more``: columns with values that are always the same."""
        return cls(insert(table).inline().values({name: bindparam(name) for name in columns} | more))

    @cached_property
    def tables(self) -> frozenset[str]:
        """All that it looks at or writes to."""
        return frozenset(part.name for part in visitors.iterate(self.statement) if isinstance(part, Table))

    def on(self, dialect: Dialect) -> Made:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = Made(self._for(dialect), dialect)
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


class Made:
    """The statement for one database.

    Attributes:
        demand: the same, but it fails if it finds or changes no row (on SQLite whoever runs it counts).
        size: how many values it takes.
        writes: the table it writes to, if it looks at no other and says nothing.
        looks: it is a SELECT.
    """

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.sql, order = _numbered(compiled) if dialect.name == "postgresql" else _positional(compiled)
        self.demand = _demanding(self.sql, compiled) if dialect.name == "postgresql" else self.sql
        self._fixed = dict(compiled.construct_params(_check=False))
        self._order = [(name, compiled._bind_processors.get(name)) for name in order]
        self.size = len(order)
        self.looks = bool(compiled.statement.is_select)
        alone = not compiled.statement.is_dml or compiled.returning or _looks_elsewhere(compiled.statement)
        self.writes = None if alone else compiled.statement.table.name
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


def _looks_elsewhere(statement: Any) -> bool:
    """Whether it looks at rows other than those it writes."""
    return any(
        part.table is not statement.table if isinstance(part, Column) else isinstance(part, SelectBase)
        for part in visitors.iterate(statement)
    )


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

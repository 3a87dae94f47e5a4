"""What the two databases say differently: local time and lengths of time, to the last second; words looked up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Integer, Text, bindparam
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class local_day(FunctionElement[str]):
    """The Vietnamese day of an instant: "2021-09-03"."""

    type = Text()
    inherit_cache = True


class local_hour(FunctionElement[str]):
    """The Vietnamese hour in which an instant lies: "00" … "23"."""

    type = Text()
    inherit_cache = True


class seconds(FunctionElement[int]):
    """From one instant to another; fractions of either are cut off."""

    type = Integer()
    inherit_cache = True


class entry(FunctionElement[str]):
    """What a JSON table of texts says for a key, both given in that order; nothing: NULL."""

    type = Text()
    inherit_cache = True


class _among(FunctionElement[bool]):
    inherit_cache = True  # no Boolean: of one SQLAlchemy asks SQLite whether it is 1, and each row is looked at


def among(column: Column[int], name: str) -> _among:
    """Whether a key is one of a list, which is the parameter of this name: one statement, however long the list."""
    keys = JSON().with_variant(postgresql.ARRAY(BigInteger), "postgresql")
    return _among(column, bindparam(name, type_=keys))


class says(FunctionElement[bool]):
    """Whether a row of `cases` is among those that say all these words, the last as far as it was typed.

    Given: words of a-z and 0-9, a space between; how many such cases are wanted at most.
    """

    inherit_cache = True  # no Boolean, as `_among`


@compiles(_among, "sqlite")
def _among_in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, keys = (compiler.process(one, **kw) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(_among)  # PostgreSQL
def _among_in_an_array(element: Any, compiler: Any, **kw: Any) -> str:
    column, keys = (compiler.process(one, **kw) for one in element.clauses)
    return f"{column} = ANY({keys})"


@compiles(says, "sqlite")
def _words_in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    words, most = (compiler.process(one, **kw) for one in element.clauses)
    return f"cases.id IN (SELECT rowid FROM case_words WHERE case_words MATCH {words} || '*' LIMIT {most})"


@compiles(says, "postgresql")
def _words_in_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    words, most = (compiler.process(one, **kw) for one in element.clauses)
    said = f"words @@ to_tsquery('simple', replace({words}, ' ', ' & ') || ':*')"
    return f"cases.id IN (SELECT case_id FROM case_words WHERE {said} LIMIT {most})"


@compiles(entry, "sqlite")
def _entry_in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    table, key = (compiler.process(one, **kw) for one in element.clauses)
    return f"json_extract({table}, '$.\"' || {key} || '\"')"


@compiles(entry, "postgresql")
def _entry_in_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    table, key = (compiler.process(one, **kw) for one in element.clauses)
    return f"(CAST({table} AS jsonb) ->> {key})"


@compiles(local_day, "sqlite")
def _day_in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d', {compiler.process(element.clauses, **kw)}, '+7 hours')"


@compiles(local_day, "postgresql")
def _day_in_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD')"


@compiles(local_hour, "sqlite")
def _hour_in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"strftime('%H', {compiler.process(element.clauses, **kw)}, '+7 hours')"


@compiles(local_hour, "postgresql")
def _hour_in_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'Asia/Ho_Chi_Minh', 'HH24')"


@compiles(seconds, "sqlite")
def _seconds_in_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    begins, ends = (compiler.process(one, **kw) for one in element.clauses)
    return f"(CAST(strftime('%s', {ends}) AS INTEGER) - CAST(strftime('%s', {begins}) AS INTEGER))"


@compiles(seconds, "postgresql")
def _seconds_in_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    begins, ends = (compiler.process(one, **kw) for one in element.clauses)
    return f"CAST(floor(extract(epoch FROM {ends})) - floor(extract(epoch FROM {begins})) AS BIGINT)"

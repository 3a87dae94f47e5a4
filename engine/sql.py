"""Local time and lengths of time, in whole seconds, so that SQLite and PostgreSQL agree to the last one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, Text
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

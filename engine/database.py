"""How the engine talks to its two databases.

SQLite is the embedded default: one writer, WAL, and ``BEGIN IMMEDIATE`` before the first read of a unit that writes.
PostgreSQL is the one for many nodes: rows are locked, work is claimed with ``SKIP LOCKED``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_SECONDS = 30


def options(url: str) -> dict[str, Any]:
    """Keyword arguments for ``create_engine`` (or ``SQLALCHEMY_ENGINE_OPTIONS``) that suit the database."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    return {"pool_pre_ping": True, "isolation_level": "READ COMMITTED", "connect_args": {"options": "-c timezone=utc"}}


def connect(url: str) -> Engine:
    return prepare(create_engine(url, **options(url)))


def prepare(engine: Engine) -> Engine:
    """Make an engine's connections behave as the units of work expect."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing on its own: `_begin_sqlite` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged report survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
